"""SQL that reads and compares columns of each kind."""

from collections.abc import Sequence

from monitoring_pipeline.warehouse.sql.catalogue import Column
from monitoring_pipeline.warehouse.sql.dialect import Dialect, Kind

_TIMES = frozenset({Kind.INSTANT, Kind.LOCAL_TIME, Kind.LOCAL_NANOSECONDS, Kind.DATE})
_LARGEST_EXACT = {Kind.FLOAT_32: "16777216", Kind.FLOAT: "9007199254740992"}
"""A float above this stands for several integers, so it identifies none of them."""
_DECIMALS = frozenset({Kind.DECIMAL, Kind.HUGE_INTEGER})


def readable(column: Column, alias: str, *, as_number: bool) -> str:
    """Return a column as SQL in a type that Arrow and Polars share; most types stay unchanged.

    Args:
        column: the column.
        alias: the alias of its table.
        as_number: whether decimals become numbers, else text.
    """
    sql, dialect, kind = column.of(alias), column.dialect, column.kind
    if (bounds := dialect.bounds.get(kind)) is not None:
        return within(sql, bounds)
    if kind in _DECIMALS:
        return f"CAST({sql} AS {dialect.types.number})" if as_number else dialect.as_text(sql, kind)
    if kind in {Kind.UUID, Kind.READ_AS_TEXT}:
        return dialect.as_text(sql, kind)
    return sql


def has_value_of(column: Column, alias: str, values: Sequence[str]) -> str:
    """Return the condition that a column has one of some values, as SQL that is never null.

    Values are compared as text. In a column of numbers, ``-1.0`` and ``-1`` are the same.
    """
    texts = [_text_of_number(value) if column.kind.is_number else value for value in values]
    listed = ", ".join(column.dialect.literal(text) for text in texts)
    return f"coalesce({_comparable_text(column, alias)} IN ({listed}), FALSE)"


def _text_of_number(text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() else text


def within(sql: str, bounds: tuple[str, str]) -> str:
    """Return a time as SQL that is null outside of bounds."""
    return f"CASE WHEN {sql} BETWEEN {bounds[0]} AND {bounds[1]} THEN {sql} END"


def id_text(columns: Sequence[Column], alias: str) -> str:
    """Return the id of a row as text. Several columns become one text that no other combination of values has."""
    if len(columns) == 1:
        return columns[0].dialect.as_text(columns[0].of(alias), columns[0].kind)
    return _combined(columns[0].dialect, [_comparable_text(column, alias) for column in columns])


def join_keys(left: Sequence[Column], left_alias: str, right: Sequence[Column], right_alias: str) -> tuple[str, str]:
    """Return two ids as comparable SQL. Columns of different types are compared as text in one form.

    In that form, an integral number is the same in every numeric type, a time at midnight is its date, and a UUID has
    small letters.
    """
    if len(left) == 1 and left[0].type == right[0].type:
        return left[0].of(left_alias), right[0].of(right_alias)
    uuids = [Kind.UUID in (a.kind, b.kind) for a, b in zip(left, right, strict=True)]
    keys = [
        [_comparable_text(column, alias, case=not is_uuid) for column, is_uuid in zip(columns, uuids, strict=True)]
        for columns, alias in ((left, left_alias), (right, right_alias))
    ]
    dialect = left[0].dialect
    return _combined(dialect, keys[0]), _combined(dialect, keys[1])


def _combined(dialect: Dialect, texts: list[str]) -> str:
    """Return several texts as one; each has its length in front, so that no other texts give the same one."""
    if len(texts) == 1:
        return texts[0]
    return " || ".join(f"CAST(length({text}) AS {dialect.types.text}) || ':' || {text}" for text in texts)


def _comparable_text(column: Column, alias: str, *, case: bool = True) -> str:
    sql, dialect, kind = column.of(alias), column.dialect, column.kind
    names = dialect.types
    if kind in _TIMES:
        is_instant = kind is Kind.INSTANT
        time = dialect.times.to_local(sql, "UTC") if is_instant else f"CAST({sql} AS {names.local_time})"
        return (
            f"CASE WHEN {time} = {dialect.times.start_of_day(time)} "
            f"THEN CAST(CAST({time} AS {names.date}) AS {names.text}) "
            f"ELSE {dialect.as_text(time, Kind.LOCAL_TIME)} END"
        )
    if (largest := _LARGEST_EXACT.get(kind)) is not None:
        return (
            f"CASE WHEN abs({sql}) < {largest} THEN CASE WHEN {sql} = floor({sql}) "
            f"THEN CAST(CAST({sql} AS {names.integer}) AS {names.text}) ELSE {dialect.as_text(sql, kind)} END END"
        )
    if kind is Kind.DECIMAL:
        return (
            f"CASE WHEN {sql} = floor({sql}) AND abs({sql}) < 1e18 "
            f"THEN CAST(CAST({sql} AS {names.integer}) AS {names.text}) ELSE {dialect.as_text(sql, kind)} END"
        )
    text = dialect.as_text(sql, kind)
    return text if case else f"lower({text})"
