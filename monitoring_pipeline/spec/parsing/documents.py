"""Load a YAML file as a validated document; errors name the field, its value and the allowed values."""

from collections.abc import Hashable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from yaml.constructor import ConstructorError

Document = TypeVar("Document", bound=BaseModel)


class SpecError(ValueError):
    """A spec that cannot be used; the message lists every problem, one a line."""


def load_document(path: Path, kind: type[Document], *, expected_keys: str) -> Document:
    """Load one YAML file as a document of a kind.

    Args:
        path: the file.
        kind: class of the document.
        expected_keys: keys that the error names if the file has none, such as ``name and task``.

    Raises:
        SpecError: with one line per problem: file, field, value, and what is allowed.
    """
    content = read_keys(path, expected_keys=expected_keys)
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise SpecError("\n".join(f"{path}: {_describe(e, kind)}" for e in error.errors())) from error


def read_keys(path: Path, *, expected_keys: str) -> dict[str, object]:
    """Return the keys and values of a YAML file, without validation.

    Raises:
        SpecError: when it cannot be read, is not YAML, or has no keys.
    """
    try:
        content: object = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeyLoader)  # noqa: S506 - a SafeLoader
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: cannot be read: {error}"
        raise SpecError(message) from error
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split()).replace('in "<unicode string>", line', "in line")
        message = f"{path}: not YAML: {problem}"
        raise SpecError(message) from error
    if not isinstance(content, dict):
        given = "an empty file" if content is None else type(content).__name__
        message = f"{path}: expected keys such as {expected_keys}, got {given}"
        raise SpecError(message)
    return cast("dict[str, object]", content)


class _UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a key that is given twice; YAML would silently use the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise ConstructorError(None, None, f"key {key.value!r} is given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _describe(error: ErrorDetails, kind: type[BaseModel]) -> str:
    field = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        fields = _known_fields(kind, error["loc"][:-1])
        close = get_close_matches(str(error["loc"][-1]), fields, n=1)
        hint = f"; did you mean {close[0]}?" if close else ";"
        return f"{field}: unknown key{hint} known: {', '.join(sorted(fields))}"
    if error["type"] == "missing":
        return f"{field}: missing"
    given = "" if isinstance(error["input"], dict) else f", got {error['input']!r}"
    # A validator of the whole document names the field itself.
    place = f"{field}: " if field else ""
    return f"{place}{error['msg'].removeprefix('Value error, ')}{given}"


def _known_fields(kind: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Walk the JSON Schema to the part at ``location`` and list its keys."""
    schema = kind.model_json_schema()
    part = schema
    for step in location:
        part = _resolved(schema, _inner(part, step))
    return list(part.get("properties", {}))


def _inner(part: dict[str, Any], step: int | str) -> dict[str, Any]:
    if isinstance(step, int):
        return part.get("items", {})
    # The values of a dictionary, whose keys may have a pattern.
    values: list[Any] = [*part.get("patternProperties", {}).values(), part.get("additionalProperties")]
    inner: Any = part.get("properties", {}).get(step) or values[0]
    return cast("dict[str, Any]", inner) if isinstance(inner, dict) else {}


def _resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    for choice in (part, *part.get("anyOf", ())):
        if "$ref" in choice:
            return schema["$defs"][choice["$ref"].rsplit("/", 1)[-1]]
    return part
