"""Values inside of nested columns, by paths such as ``payload.age``: fields, keys of maps, places in lists, JSON.

The path of a spec reaches a query in one form only: as a text in single quotes, or as a number.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitoring_pipeline.warehouse.errors import MissingColumnError

SEPARATOR = "."
TEXT = "VARCHAR"
_LIST = re.compile(r"(.*)\[\d*\]", re.DOTALL)
_ARGUMENTS = re.compile(r"(STRUCT|MAP)\((.*)\)", re.DOTALL | re.IGNORECASE)
_TOKEN = re.compile(r"""("(?:[^"]|"")*"|'(?:[^']|'')*')|([(\[])|([)\]])|(,)""")
_FIELD = re.compile(r'("(?:[^"]|"")*"|\S+)\s+(.*)', re.DOTALL)
_PLACE = re.compile(r"0|[1-9]\d{0,8}")
_PATHS_LISTED = 30


@dataclass(frozen=True)
class Step:
    """The SQL before and after an expression that takes a value out of it."""

    before: str
    after: str

    def of(self, sql: str) -> str:
        """Return the value inside of an expression as SQL."""
        return f"{self.before}{sql}{self.after}"


@dataclass(frozen=True)
class Inner:
    """A value inside of a column: the steps to it, and its type."""

    steps: tuple[Step, ...]
    type: str


Inside = tuple[tuple[Callable[[str], object], Callable[[str, str], Iterator[Inner]]], ...]
"""Rows of an engine's nested types: whether a type is one of them, and the values at a path in it."""


def inner_value(kind: str, path: str | None, inside: Inside | None = None) -> Inner | None:
    """Return the value at a path inside of a column, or None if the type has no such value.

    A field whose name contains dots has precedence over a path. Case is ignored if that leaves one candidate.

    Args:
        kind: the type of the column, as the catalogue writes it.
        path: the path, without the name of the column; None for the whole column.
        inside: the nested types of the engine; default those of DuckDB.
    """
    if path is None:
        return Inner((), kind)
    if not path:
        return None
    for of_kind, values in INSIDE_DUCKDB if inside is None else inside:
        if of_kind(kind):
            return next(values(kind, path), None)
    return None


def named_prefix(name: str, existing: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Yield the existing names that a name begins with, each with the rest or None, the longest first."""
    parts = name.split(SEPARATOR)
    for length in range(len(parts), 0, -1):
        prefix, rest = _split(parts, length)
        if (found := same_name(prefix, existing)) is not None:
            yield found, rest


def same_name(name: str, existing: Mapping[str, str]) -> str | None:
    """Return the existing name that equals a name; without case if that leaves one candidate, else None."""
    if name in existing:
        return name
    matches = [other for other in existing if other.casefold() == name.casefold()]
    return matches[0] if len(matches) == 1 else None


def paths_in(name: str, kind: str) -> list[str]:
    """Return the first paths of a nested column with fields, or its name alone."""
    fields = _fields(kind)
    paths = [f"{name}{SEPARATOR}{path}" for field, of_field in fields.items() for path in paths_in(field, of_field)]
    return paths[:_PATHS_LISTED] or [name]


def _fields(kind: str) -> dict[str, str]:
    """Return the fields of a STRUCT with their types; none for another type."""
    found = _ARGUMENTS.fullmatch(kind)
    if found is None or found[1].upper() != "STRUCT":
        return {}
    return dict(_field(part) for part in parts_of(found[2], _TOKEN))


def _field(text: str) -> tuple[str, str]:
    found = _FIELD.fullmatch(text)
    if found is None:
        message = f"the catalogue has a field that cannot be read: {text}"
        raise MissingColumnError(message)
    name = found[1]
    return (name[1:-1].replace('""', '"') if name.startswith('"') else name), found[2]


def parts_of(text: str, tokens: re.Pattern[str]) -> list[str]:
    """Return the parts of a list of types, between commas outside of quotes and brackets.

    ``tokens`` finds a quoted name, an opening bracket, a closing one, or a comma, as groups 1 to 4.
    """
    parts, depth, begin = list[str](), 0, 0
    for token in tokens.finditer(text):
        if token[2]:
            depth += 1
        elif token[3]:
            depth -= 1
        elif token[4] and depth == 0:
            parts.append(text[begin : token.start()].strip())
            begin = token.end()
    return [*parts, text[begin:].strip()]


def _in_struct(kind: str, path: str) -> Iterator[Inner]:
    fields = _fields(kind)
    for name, rest in named_prefix(path, fields):
        if (inner := inner_value(fields[name], rest)) is not None:
            yield _after(Step("struct_extract(", f", {_literal(name)})"), inner)


def _in_map(kind: str, path: str) -> Iterator[Inner]:
    found = _ARGUMENTS.fullmatch(kind)
    keys, values = parts_of(found[2], _TOKEN) if found else ("", "")
    parts = path.split(SEPARATOR)
    # A key may contain dots. Which keys exist differs by row, so the first one is the shortest that the values allow.
    for length in range(1, len(parts) + 1) if _has_parts(values) else [len(parts)]:
        key, rest = _split(parts, length)
        if (inner := inner_value(values, rest)) is not None:
            yield _after(Step("map_extract_value(", f", TRY_CAST({_literal(key)} AS {keys}))"), inner)


def _in_list(kind: str, path: str) -> Iterator[Inner]:
    place, rest = _split(path.split(SEPARATOR), 1)
    found = _LIST.fullmatch(kind)
    if found is not None and _PLACE.fullmatch(place) and (inner := inner_value(found[1], rest)) is not None:
        # Places count from 0, as in JSON; those of DuckDB count from 1.
        yield _after(Step("list_extract(", f", {int(place) + 1})"), inner)


def _in_json(_kind: str, path: str) -> Iterator[Inner]:
    yield Inner((Step("json_extract_string(", f", {_literal(_pointer(path))})"),), TEXT)


def _in_text(_kind: str, path: str) -> Iterator[Inner]:
    # Text that is no JSON has no values inside.
    yield Inner((Step("json_extract_string(TRY_CAST(", f" AS JSON), {_literal(_pointer(path))})"),), TEXT)


def _split(parts: Sequence[str], length: int) -> tuple[str, str | None]:
    """Return the first parts of a path as one, and the rest; None if there is no rest."""
    rest = None if length == len(parts) else SEPARATOR.join(parts[length:])
    return SEPARATOR.join(parts[:length]), rest


def _pointer(path: str) -> str:
    """Return a path as a JSON pointer (RFC 6901)."""
    parts = (part.replace("~", "~0").replace("/", "~1") for part in path.split(SEPARATOR))
    return "".join(f"/{part}" for part in parts)


def _after(step: Step, inner: Inner) -> Inner:
    return Inner((step, *inner.steps), inner.type)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _has_parts(kind: str) -> bool:
    return kind.upper() != TEXT and any(of_kind(kind) for of_kind, _ in INSIDE_DUCKDB)


INSIDE_DUCKDB: Inside = (
    (_LIST.fullmatch, _in_list),
    (lambda kind: kind.upper().startswith("STRUCT("), _in_struct),
    (lambda kind: kind.upper().startswith("MAP("), _in_map),
    (lambda kind: kind.upper() == "JSON", _in_json),
    (lambda kind: kind.upper() == TEXT, _in_text),
)
