"""The description of a logged model: its file MLmodel, found by the address of a version, alias, model or run."""

import re
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.registry.answering import RegistryError, public_address
from monitoring_pipeline.registry.connection import connected, is_missing_file
from monitoring_pipeline.spec.parsing.files import UnreadableFileError, read_small_text

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

DESCRIPTION, REQUIREMENTS = "MLmodel", "requirements.txt"
LATEST = "latest"
MOST_LISTED = 10
_ADDRESS = re.compile(
    r"models:/+(?P<name>[^/@]+)(?:/(?P<version>[^/@]+)|@(?P<alias>[^/@]+))?/*|runs:/+(?P<run>[^/]+)/(?P<path>.+?)/*"
)
_LOGGED_ID = re.compile("m-[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True)
class LoggedModel:
    """The text of a model's file MLmodel; name and version are those of the registry, if it was found there."""

    text: str
    name: str | None = None
    version: str | None = None


def read_logged_model(tracking_uri: str, address: str) -> LoggedModel:
    """Return the description of the model at an address; no other file of the model is read.

    Args:
        tracking_uri: the address of MLflow.
        address: ``models:/NAME/VERSION``, ``models:/NAME/latest``, ``models:/NAME@ALIAS``, ``models:/m-ID`` or
            ``runs:/RUN/PATH``.

    Raises:
        RegistryError: when MLflow does not answer, or has no such model.
    """
    parts = _ADDRESS.fullmatch(address)
    if parts is None:
        message = f"{without_secrets(address)}: write models:/NAME/VERSION, models:/NAME@ALIAS or runs:/RUN/PATH"
        raise RegistryError(message)
    if is_missing_file(tracking_uri):
        message = f"{address}: there is no MLflow at {public_address(tracking_uri)}; MLFLOW_TRACKING_URI is its address"
        raise RegistryError(message)
    name, run = parts["name"], parts["run"]
    with connected(tracking_uri) as client:
        if run is not None:
            return LoggedModel(text=_description(address, f"runs:/{run}/{parts['path']}"))
        if _LOGGED_ID.fullmatch(name):
            return LoggedModel(text=_description(address, _place_of_logged(client, address, name)))
        version = _version(client, address, _registered(client, address, name), parts["version"], parts["alias"])
        place = client.get_model_version_download_uri(name, version)
        return LoggedModel(text=_description(address, place), name=name, version=version)


@lru_cache(maxsize=64)
def read_requirements(tracking_uri: str, model: str, version: str) -> tuple[str, ...] | None:
    """Return the lines of the file requirements.txt of a registered version, which never change; None without the file.

    Raises:
        RegistryError: when MLflow does not answer, or the file cannot be read.
    """
    address = f"models:/{model}/{version}"
    with connected(tracking_uri) as client, _clear_errors(address):
        place = client.get_model_version_download_uri(model, version)
        with tempfile.TemporaryDirectory() as folder, _without_progress():
            from mlflow.artifacts import download_artifacts, list_artifacts

            if not any(Path(entry.path).name == REQUIREMENTS for entry in list_artifacts(artifact_uri=place)):
                return None
            file = download_artifacts(artifact_uri=f"{place.rstrip('/')}/{REQUIREMENTS}", dst_path=folder)
            return tuple(line for line in map(str.strip, read_small_text(Path(file)).splitlines()) if line)


def _registered(client: "MlflowClient", address: str, name: str) -> "RegisteredModel":
    """Return the registered model of that name.

    Raises:
        RegistryError: when there is none; the message has the names of the others.
    """
    with _clear_errors(address):
        models = list(client.search_registered_models(max_results=1_000))
    found = next((model for model in models if model.name == name), None)
    if found is None:
        others = _listed([model.name for model in models])
        raise RegistryError(f"{address}: no model {name!r} is registered; registered: {others}")
    return found


def _version(
    client: "MlflowClient", address: str, model: "RegisteredModel", version: str | None, alias: str | None
) -> str:
    """Return the version that an address means.

    Raises:
        RegistryError: when the model has no such version or alias, or the address has neither; the message lists both.
    """
    with _clear_errors(address):
        versions: list[ModelVersion] = list(client.search_model_versions(f"name = {_quoted(model.name)}"))
    numbers = sorted((str(each.version) for each in versions), key=lambda number: (len(number), number))
    known = f"versions: {_listed(numbers)}; aliases: {_listed(sorted(model.aliases))}"
    if alias is not None:
        if alias not in model.aliases:
            raise RegistryError(f"{address}: {model.name} has no alias {alias!r}; {known}")
        return str(model.aliases[alias])
    if version == LATEST and numbers:
        return numbers[-1]
    if version is None:
        raise RegistryError(f"{address}: name its version, models:/{model.name}/VERSION; {known}")
    if version not in numbers:
        raise RegistryError(f"{address}: {model.name} has no version {version!r}; {known}")
    return version


def _place_of_logged(client: "MlflowClient", address: str, model_id: str) -> str:
    with _clear_errors(address):
        return client.get_logged_model(model_id).artifact_location


def _description(address: str, place: str) -> str:
    """Return the text of the file MLmodel at a place.

    Raises:
        RegistryError: when it cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder, _clear_errors(address), _without_progress():
        from mlflow.artifacts import download_artifacts

        # A file on this machine is not copied.
        file = download_artifacts(artifact_uri=f"{place.rstrip('/')}/{DESCRIPTION}", dst_path=folder)
        try:
            return read_small_text(Path(file))
        except UnreadableFileError as error:
            raise RegistryError(f"{address}: {DESCRIPTION} {error}") from None


@contextmanager
def _clear_errors(address: str) -> Generator[None]:
    """Raise an error of MLflow, or of the store of its files, as one of ours without secrets."""
    try:
        yield
    except RegistryError:
        raise
    except Exception as error:  # noqa: BLE001 - each store of files has errors of its own
        reason = str(error).strip().partition("\n")[0]
        raise RegistryError(without_secrets(f"{address} cannot be read: {type(error).__name__}: {reason}")) from None


@contextmanager
def _without_progress() -> Generator[None]:
    """Show no bar of MLflow for one small file."""
    from mlflow.environment_variables import MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR as BAR

    before = BAR.get_raw()
    BAR.set(False)
    try:
        yield
    finally:
        BAR.unset() if before is None else BAR.set(before)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return (", ".join(names[:MOST_LISTED]) or "none") + more


def _quoted(name: str) -> str:
    """Return a name as MLflow's filters have it, which know no escape of a quote."""
    return f'"{name}"' if "'" in name else f"'{name}'"
