"""From YAML files to model specs, with errors that name the culprit and what is allowed."""

from dataclasses import dataclass
from pathlib import Path

from monitoring_pipeline.spec.documents import SpecError, load_document
from monitoring_pipeline.spec.model import ModelSpec

SPEC_SUFFIX = ".yaml"
SUITE_SUFFIX = ".suite.yaml"


@dataclass(frozen=True)
class LoadedSpec:
    """A model spec and the file it came from."""

    spec: ModelSpec
    path: Path

    @property
    def suite_path(self) -> Path:
        """The Great Expectations suite that belongs to the model; it may not exist yet."""
        return self.path.parent / (self.spec.quality.suite or f"{self.spec.name}{SUITE_SUFFIX}")


def load_specs(directory: Path) -> list[LoadedSpec]:
    """Load every spec of a directory, in order of the models' names.

    Raises:
        SpecError: when the directory does not exist, a file cannot be read, or two models share a name.
    """
    if not directory.is_dir():
        message = f"{directory}: no such directory of model specs"
        raise SpecError(message)
    problems: list[str] = []
    loaded: dict[str, LoadedSpec] = {}
    for path in sorted(directory.glob("*.y*ml")):
        if path.name.endswith(SUITE_SUFFIX):
            continue
        if path.suffix != SPEC_SUFFIX:
            problems.append(f"{path}: specs end in {SPEC_SUFFIX}: rename it to {path.stem}{SPEC_SUFFIX}")
            continue
        try:
            entry = load_spec(path)
        except SpecError as error:
            problems.append(str(error))
            continue
        if entry.spec.name in loaded:
            problems.append(f"{path}: name: {entry.spec.name!r} is taken by {loaded[entry.spec.name].path.name}")
        loaded[entry.spec.name] = entry
    if problems:
        raise SpecError("\n".join(problems))
    return [loaded[name] for name in sorted(loaded)]


def load_spec(path: Path) -> LoadedSpec:
    """Load one model spec.

    Raises:
        SpecError: with one line per problem: file, field, value, and what is allowed.
    """
    return LoadedSpec(load_document(path, ModelSpec, expected_keys="name and task"), path)
