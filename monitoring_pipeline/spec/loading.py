"""From YAML files to model specs, with errors that name the culprit and what is allowed."""

from collections.abc import Hashable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from yaml.constructor import ConstructorError

from monitoring_pipeline.spec.model import ModelSpec

SPEC_SUFFIX = ".yaml"
SUITE_SUFFIX = ".suite.yaml"


class SpecError(ValueError):
    """A spec that cannot be used; the message lists every problem, one a line."""


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
    try:
        document: object = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeyLoader)  # noqa: S506 - a SafeLoader
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: cannot be read: {error}"
        raise SpecError(message) from error
    except yaml.YAMLError as error:
        message = f"{path}: not YAML: {' '.join(str(error).split())}"
        raise SpecError(message) from error
    if not isinstance(document, dict):
        found = "an empty file" if document is None else type(document).__name__
        message = f"{path}: expected keys such as name and task, got {found}"
        raise SpecError(message)
    try:
        return LoadedSpec(ModelSpec.model_validate(document), path)
    except ValidationError as error:
        raise SpecError("\n".join(f"{path}: {_describe(e)}" for e in error.errors())) from error


class _UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a key given twice, of which YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise ConstructorError(None, None, f"key {key.value!r} is given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _describe(error: ErrorDetails) -> str:
    field = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        known = _known_fields(error["loc"][:-1])
        close = get_close_matches(str(error["loc"][-1]), known, n=1)
        hint = f"; did you mean {close[0]}?" if close else ";"
        return f"{field}: unknown key{hint} known: {', '.join(sorted(known))}"
    if error["type"] == "missing":
        return f"{field}: missing"
    given = "" if isinstance(error["input"], dict) else f", got {error['input']!r}"
    # A validator of the whole spec names the field itself.
    place = f"{field}: " if field else ""
    return f"{place}{error['msg'].removeprefix('Value error, ')}{given}"


def _known_fields(location: tuple[int | str, ...]) -> list[str]:
    """Walk the JSON Schema to the part at ``location`` and list its keys."""
    schema = ModelSpec.model_json_schema()
    part = schema
    for step in location:
        part = part.get("properties", {}).get(str(step)) or part.get("additionalProperties", {})
        if "$ref" in part:
            part = schema["$defs"][part["$ref"].rsplit("/", 1)[-1]]
    return list(part.get("properties", {}))
