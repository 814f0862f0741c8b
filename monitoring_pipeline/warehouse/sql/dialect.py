"""The parts of SQL that differ between engines. The templates in ``sql/warehouse/`` are the same for all of them."""

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from monitoring_pipeline.warehouse.sql.nested import Inside

LONGEST_DATE = 10
OFFSET = "([zZ]|[+-][0-9]{2}(:?[0-9]{2})?)$"
"""The end of a text that has a time zone."""

_NAME = r"""|--[^\n]*|\$(?P<name>[a-z]\w*)"""
_ESCAPED_TEXT = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""


class Kind(StrEnum):
    """What a column of some type holds."""

    INSTANT = "instant"
    LOCAL_TIME = "local time"
    LOCAL_NANOSECONDS = "local time in nanoseconds"
    DATE = "date"
    TEXT = "text"
    INTEGER = "integer"
    FLOAT = "float"
    FLOAT_32 = "float of 32 bits"
    DECIMAL = "decimal"
    HUGE_INTEGER = "huge integer"
    UUID = "uuid"
    BOOLEAN = "boolean"
    READ_AS_TEXT = "read as text"
    OTHER = "other"

    @property
    def is_number(self) -> bool:
        """Whether it holds numbers."""
        return self in _NUMBERS


class Escapes(StrEnum):
    """Where a backslash escapes the next character."""

    NOWHERE = "nowhere"
    IN_TEXT = "in text"
    EVERYWHERE = "in text and identifiers"


_TOKENS = {
    Escapes.NOWHERE: re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*\"""" + _NAME, re.DOTALL),
    Escapes.IN_TEXT: re.compile(_ESCAPED_TEXT + r"|`(?:[^`]|``)*`" + _NAME, re.DOTALL),
    Escapes.EVERYWHERE: re.compile(_ESCAPED_TEXT + r"|`(?:[^`\\]|\\.)*`" + _NAME, re.DOTALL),
}
"""Texts, identifiers and comments in quotes, and the names of values."""

_NUMBERS = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.FLOAT_32, Kind.DECIMAL, Kind.HUGE_INTEGER})


@dataclass(frozen=True, kw_only=True)
class TypeNames:
    """The names of types in a CAST."""

    text: str = "VARCHAR"
    number: str = "DOUBLE PRECISION"
    integer: str = "BIGINT"
    instant: str = "TIMESTAMPTZ"
    local_time: str = "TIMESTAMP"
    date: str = "DATE"


@dataclass(frozen=True, kw_only=True)
class Times:
    """Conversions of times. All arguments but zones are SQL; zones are names of the IANA database.

    Args:
        to_instant: a local time and its zone as an instant.
        to_local: an instant as the local time of a zone.
        start_of_day: a local time cut to its day.
        of_epoch: a number of seconds since 1970 as an instant.
        to_epoch: an instant as a number of seconds since 1970.
        date_of_text: text as a date; null if it is none.
        local_of_text: text as a local time; null if it is none.
        instant_of_text: text with an offset as an instant; null if it is none.
    """

    to_instant: Callable[[str, str], str]
    to_local: Callable[[str, str], str]
    start_of_day: Callable[[str], str]
    of_epoch: Callable[[str], str]
    to_epoch: Callable[[str], str]
    date_of_text: Callable[[str], str]
    local_of_text: Callable[[str], str]
    instant_of_text: Callable[[str], str]


@dataclass(frozen=True)
class Statement:
    """A query in the form that a driver takes: its text, and values by name or by place."""

    sql: str
    values: Mapping[str, object] | tuple[object, ...]


Bind = Callable[[str, Mapping[str, object]], Statement]


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """The SQL of one engine.

    Args:
        name: the name of the engine.
        types: the names of types.
        kinds: what columns hold by the pattern of the type in the catalogue; the first that fits counts.
        times: conversions of times.
        text_of: a value of a kind as text, where a CAST gives another text than in the other engines.
        number_of: an integral number as an integer.
        matches: whether text contains a match of a regular expression.
        hash_60: the first 60 bits of a hash of a text, as a number.
        hash_sum: the sum of such hashes as text.
        drawn: the condition of one row of so many, drawn by a hash of values.
        bounds: the first and the last time that is read, by kind; null outside of them.
        rows: a SELECT of constant rows with named columns.
        quote: the mark around identifiers, which is doubled or escaped inside of them.
        escapes: where a backslash escapes the next character.
        bind: makes of ``$names`` what a driver takes.
        catalogue: the beginning of the names of the queries of tables and columns, in ``sql/warehouse/catalogue/``.
        catalogue_parts: SQL by the placeholders of the query of tables.
        inside: whether a type has values inside, and the values at a path in it; see ``nested.py``.
        is_nan: whether a float is NaN. Engines disagree on how NaN compares.
        micros: an instant, a local time or a date as whole microseconds since 1970.
        by_code: a text that is ordered by its code points.
        floor_of_float: the floor of a float of any size, as a float.
    """

    name: str
    types: TypeNames
    kinds: tuple[tuple[re.Pattern[str], Kind], ...]
    times: Times
    text_of: Mapping[Kind, Callable[[str], str]]
    matches: Callable[[str, str], str]
    hash_60: Callable[[str], str]
    hash_sum: Callable[[str], str]
    drawn: Callable[[Sequence[str], int], str]
    bounds: Mapping[str, tuple[str, str]]
    rows: Callable[[Sequence[str], Sequence[Sequence[str]]], str]
    bind: Bind
    catalogue: str
    inside: Inside
    is_nan: Callable[[str], str]
    micros: Callable[[str], str]
    by_code: Callable[[str], str] = str
    floor_of_float: Callable[[str], str] = "floor({})".format
    quote: str = '"'
    escapes: Escapes = Escapes.NOWHERE
    catalogue_parts: Mapping[str, str] = field(default_factory=dict)

    def kind(self, type_name: str) -> Kind:
        """Return what columns of a type hold."""
        return next((kind for pattern, kind in self.kinds if pattern.fullmatch(type_name)), Kind.OTHER)

    def quoted(self, identifier: str) -> str:
        """Return an identifier as SQL: between quotes, those inside it doubled or escaped."""
        if self.escapes is Escapes.EVERYWHERE:
            identifier = identifier.replace("\\", "\\\\").replace(self.quote, f"\\{self.quote}")
        else:
            identifier = identifier.replace(self.quote, 2 * self.quote)
        return f"{self.quote}{identifier}{self.quote}"

    def names_in(self, sql: str) -> frozenset[str]:
        """Return the ``$names`` in a query, but for those inside of quotes and comments."""
        return frozenset(match["name"] for match in _TOKENS[self.escapes].finditer(sql) if match["name"])

    def literal(self, text: str) -> str:
        """Return a text as SQL."""
        return literal(text) if self.escapes is Escapes.NOWHERE else escaped_literal(text)

    def as_text(self, sql: str, kind: Kind) -> str:
        """Return a value as text, the same in every engine if the kind allows it."""
        if (convert := self.text_of.get(kind)) is not None:
            return convert(sql)
        return f"CAST({sql} AS {self.types.text})"


def literal(text: str) -> str:
    """Return a text as standard SQL."""
    return "'" + text.replace("'", "''") + "'"


def escaped_literal(text: str) -> str:
    """Return a text as SQL of engines in which a backslash escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r") + "'"


def patterns(*rows: tuple[str, Kind]) -> tuple[tuple[re.Pattern[str], Kind], ...]:
    """Return compiled patterns of types, which ignore case."""
    return tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), kind) for pattern, kind in rows)


def named_values(mark: str, *, escapes: Escapes = Escapes.NOWHERE) -> Bind:
    """Return what binds values by name, with a mark such as ``@`` in front."""

    def bind(sql: str, values: Mapping[str, object]) -> Statement:
        used: dict[str, object] = {}

        def place(name: str) -> str:
            used[name] = values[name]
            return f"{mark}{name}"

        return Statement(_replaced(sql, place, values, escapes=escapes), used)

    return bind


def placed_values(*, escapes: Escapes = Escapes.NOWHERE) -> Bind:
    """Return what binds values by place: each ``$name`` becomes a question mark."""

    def bind(sql: str, values: Mapping[str, object]) -> Statement:
        used: list[object] = []

        def place(name: str) -> str:
            used.append(values[name])
            return "?"

        text = _replaced(sql, place, values, escapes=escapes)
        return Statement(text, tuple(used))

    return bind


def written_values(sql: str, values: Mapping[str, object]) -> Statement:
    """Return a query with its values written as constants, for a driver that cannot stream rows otherwise.

    Raises:
        TypeError: when a value is neither a time with a zone, nor an integer, nor text.
    """
    return Statement(_replaced(sql, lambda name: _constant(values[name]), values), ())


def union_of_rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return constant rows as SELECTs, for engines without VALUES as a query."""
    return " UNION ALL ".join(
        "SELECT " + ", ".join(f"{value} AS {column}" for value, column in zip(row, columns, strict=True))
        for row in rows
    )


def rows_of_values(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return constant rows as VALUES."""
    values = ", ".join(f"({', '.join(row)})" for row in rows)
    return f"SELECT * FROM (VALUES {values}) AS given ({', '.join(columns)})"


def _constant(value: object) -> str:
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return f"TIMESTAMPTZ '{value.astimezone(dt.UTC).isoformat(sep=' ')}'"
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return literal(value)
    message = f"a {type(value).__name__} cannot be written as a constant"
    raise TypeError(message)


def _replaced(
    sql: str, place: Callable[[str], str], values: Mapping[str, object], *, escapes: Escapes = Escapes.NOWHERE
) -> str:
    """Return SQL with each ``$name`` of a value replaced, but for those inside of quotes."""

    def of(match: re.Match[str]) -> str:
        name = match["name"]
        return place(name) if name is not None and name in values else match[0]

    return _TOKENS[escapes].sub(of, sql)
