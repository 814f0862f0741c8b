"""Load a YAML file as a validated document; errors name the field, its value and the allowed values."""

import re
from collections.abc import Hashable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from yaml.constructor import ConstructorError

from monitoring_pipeline.spec.parsing.bounded_yaml import BoundedLoader
from monitoring_pipeline.spec.parsing.files import (
    LONGEST_PROBLEM,
    LONGEST_VALUE,
    UnreadableFileError,
    clipped,
    parse_yaml,
    read_small_text,
    shown,
)
from monitoring_pipeline.spec.parsing.wording import PARTS, concerns_the_value, wording

Document = TypeVar("Document", bound=BaseModel)
MOST_PROBLEMS = 50


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
    return document_of(read_keys(path, expected_keys=expected_keys), path, kind)


def document_of(content: Mapping[str, object], path: Path, kind: type[Document]) -> Document:
    """Return the keys and values of a file as a document of a kind.

    Raises:
        SpecError: with one line per problem: file, field, value, and what is allowed.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        problems = [clipped(_describe(e, kind), LONGEST_PROBLEM) for e in errors[:MOST_PROBLEMS]]
        if len(errors) > MOST_PROBLEMS:
            problems.append(f"{len(errors) - MOST_PROBLEMS} more problems")
        # The text of the cause would repeat whole values.
        raise SpecError("\n".join(f"{path}: {' '.join(problem.split())}" for problem in problems)) from None
    except Exception as error:
        # A validator that fails at an unforeseen value must not stop the other files.
        message = f"{path}: cannot be used: {type(error).__name__}: {clipped(' '.join(str(error).split()))}"
        raise SpecError(message) from error


def read_keys(path: Path, *, expected_keys: str) -> dict[str, object]:
    """Return the keys and values of a YAML file, without validation.

    Raises:
        SpecError: when it cannot be read, is not YAML, or has no keys.
    """
    try:
        content = parse_yaml(read_small_text(path), _TextLoader)
    except UnreadableFileError as error:
        raise SpecError(f"{path}: {error}") from error
    if not isinstance(content, dict):
        kinds: dict[type, str] = {type(None): "an empty file", PlainText: "text"}
        given = kinds.get(type(content), type(content).__name__)
        message = f"{path}: expected keys such as {expected_keys}, got {given}"
        raise SpecError(message)
    return cast("dict[str, object]", content)


class PlainText(str):
    """A value that stands in a YAML file without quotes. It has its text as written, also if it is a number."""

    __slots__ = ()


class _TextLoader(BoundedLoader):
    """Reads every value as text, and null as None; the type of its field converts it.

    YAML 1.1 would read ``yes`` as true, ``1.10`` as 1.1, ``007`` as 7 and ``12:30`` as 750, also where a field needs
    text: a class, a version, a column. A key that is given twice is refused; YAML would silently use the last one.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise ConstructorError(None, None, f"key {clipped(repr(key.value))} is given twice", key.start_mark)
            seen.add(key.value)
            if key.tag == _NULL:
                key.tag = _TEXT
        base: Any = super()
        return base.construct_mapping(node, deep)

    def construct_text(self, node: yaml.ScalarNode) -> str:
        return node.value if node.style else PlainText(node.value)


_NUMBER = re.compile(r"[-+]?[\d.]+")
_NULL, _TEXT, _MERGE = (f"tag:yaml.org,2002:{name}" for name in ("null", "str", "merge"))
_TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in {_NULL, _MERGE}]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_TextLoader.add_constructor(_TEXT, _TextLoader.construct_text)


def _describe(error: ErrorDetails, kind: type[BaseModel]) -> str:
    # A problem of a key is the problem of its part.
    field = clipped(".".join(_part_of_field(part) for part in error["loc"] if part != "[key]"))
    if error["type"] == "extra_forbidden":
        fields = _known_fields(kind, error["loc"][:-1])
        close = get_close_matches(str(error["loc"][-1])[:LONGEST_VALUE], fields, n=1)
        hint = f"; did you mean {close[0]}?" if close else ";"
        return f"{field}: unknown key{hint} known: {', '.join(sorted(fields))}"
    if error["type"] == "missing":
        return f"{field}: missing"
    value: object = error["input"]
    given = f", got {_as_written(value)}" if concerns_the_value(error) or not isinstance(value, dict) else ""
    # A validator of the whole document names the field itself.
    place = f"{field}: " if field else ""
    if error["type"] in PARTS:
        known = ", ".join(sorted(_known_fields(kind, error["loc"])))
        return f"{place}keys and values are needed; known keys: {known}{given}"
    return f"{place}{wording(error)}{given}"


def _part_of_field(part: str | int) -> str:
    """Return a key as it is, or in quotes if it would not be seen as one."""
    text = str(part)
    return text if text and text.isprintable() and text == text.strip() else repr(text)


def _as_written(value: object) -> str:
    """Return a value as a person would write it in YAML: numbers without quotes."""
    return clipped(value) if isinstance(value, PlainText) and _NUMBER.fullmatch(value[:LONGEST_VALUE]) else shown(value)


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
