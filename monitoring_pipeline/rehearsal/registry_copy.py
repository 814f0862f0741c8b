"""The registry of a rehearsal: the versions in a spec with their numbers, and the versions trained in it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from monitoring_pipeline.ports.registry import DECISION_TAG
from monitoring_pipeline.registry.connection import connected
from monitoring_pipeline.registry.mlflow_registry import ModelRegistry
from monitoring_pipeline.registry.version_numbers import burn_number
from monitoring_pipeline.spec.model import ModelSpec

if TYPE_CHECKING:
    import pandas as pd

SQLITE = "sqlite:///"


@dataclass(frozen=True)
class RehearsedRegistry(ModelRegistry):
    """A registry that loads each version once, because a rehearsal uses them every night and they never change."""

    _loaded: "dict[tuple[str, str], Callable[[pd.DataFrame], object]]" = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def predictor(self, model: str, model_version: str) -> "Callable[[pd.DataFrame], object]":
        """Load a version, or return it as it was loaded before."""
        key = (model, model_version)
        if key not in self._loaded:
            self._loaded[key] = super().predictor(model, model_version)
        return self._loaded[key]


@dataclass(frozen=True, kw_only=True)
class _Source:
    """The location of the files of a version, and its tags."""

    uri: str
    tags: dict[str, str]


def copy_registry(spec: ModelSpec, real: ModelRegistry, folder: Path) -> RehearsedRegistry:
    """Return the registry in a rehearsal's folder; if missing, it is created with the spec's versions and numbers.

    The copies point to the files of the real versions. A version that is not in the real registry is not in the copy
    either; only its logged rows can be used.
    """
    file = folder / "mlflow.db"
    if not file.exists():
        unfinished = folder / "mlflow.unfinished.db"
        unfinished.unlink(missing_ok=True)
        _fill(spec, _sources(spec, real), f"{SQLITE}{unfinished}")
        unfinished.replace(file)
    return RehearsedRegistry(f"{SQLITE}{file}", folder / "mlflow")


def _sources(spec: ModelSpec, real: ModelRegistry) -> dict[str, _Source]:
    sources: dict[str, _Source] = {}
    file = real.tracking_uri.removeprefix(SQLITE)
    if file != real.tracking_uri and not Path(file).exists():
        # A client would create the missing file.
        return sources
    for version in spec.reference:
        if real.has_version(spec.name, version):
            # Decisions of the deployment are left out, because those of the rehearsal may have the same keys.
            tags = {k: v for k, v in real.version_tags(spec.name, version).items() if k != DECISION_TAG}
            with connected(real.tracking_uri) as client:
                sources[version] = _Source(uri=client.get_model_version_download_uri(spec.name, version), tags=tags)
    return sources


def _fill(spec: ModelSpec, sources: dict[str, _Source], tracking_uri: str) -> None:
    with connected(tracking_uri) as client:
        client.create_registered_model(spec.name)
        for number in range(1, max(map(int, sources), default=0) + 1):
            source = sources.get(str(number))
            if source is None:
                burn_number(client, spec.name)
            else:
                client.create_model_version(spec.name, source.uri, tags=source.tags)
