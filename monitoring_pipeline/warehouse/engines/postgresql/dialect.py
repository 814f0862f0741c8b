"""The SQL of PostgreSQL 13 and later."""

import re
from collections.abc import Iterator, Sequence

from monitoring_pipeline.warehouse.sql.dialect import (
    Dialect,
    Kind,
    Times,
    TypeNames,
    literal,
    patterns,
    rows_of_values,
    written_values,
)
from monitoring_pipeline.warehouse.sql.duckdb_dialect import DATES, INSTANTS, LOCAL_TIMES
from monitoring_pipeline.warehouse.sql.nested import SEPARATOR, Inner, Inside, Step

_LEAP_YEAR = "([0-9][0-9](0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)"
_DATE = (
    "(?!0000)([0-9]{4}-((0?[13578]|1[02])-(0?[1-9]|[12][0-9]|3[01])|(0?[469]|11)-(0?[1-9]|[12][0-9]|30)|"
    f"0?2-(0?[1-9]|1[0-9]|2[0-8]))|{_LEAP_YEAR}-0?2-29)"
)
_TIME = "([T ] *([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?)?"
_OFFSET = " *([zZ]|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)"
_ARRAY = re.compile(r"(.*)\[\]", re.DOTALL)
_PLACE = re.compile(r"0|[1-9]\d{0,8}")


def _if_it_matches(text: str, pattern: str, kind: str) -> str:
    # PostgreSQL has no cast that gives null for wrong text before version 16, and accepts words such as "now".
    return f"CASE WHEN {text} ~ '^{pattern}$' THEN CAST({text} AS {kind}) END"


def _text_of_float(number: str) -> str:
    """Return a float as the text that DuckDB gives it, so that an id is the same in both."""
    return (
        f"CASE WHEN {number} = 'NaN' THEN 'nan' WHEN {number} = 'Infinity' THEN 'inf' "
        f"WHEN {number} = '-Infinity' THEN '-inf' "
        f"WHEN {number} = floor({number}) AND abs({number}) < 1e16 "
        f"THEN CAST(CAST({number} AS BIGINT) AS TEXT) || '.0' ELSE CAST({number} AS TEXT) END"
    )


def _hash_60(text: str) -> str:
    return f"CAST(CAST('x0' || substr(md5({text}), 1, 15) AS BIT(64)) AS BIGINT)"


def _row_text(values: Sequence[str]) -> str:
    return " || ' ' || ".join(f"coalesce(CAST({value} AS TEXT), '')" for value in values)


def _in_json(_kind: str, path: str) -> Iterator[Inner]:
    keys = ", ".join(literal(part) for part in path.split(SEPARATOR))
    yield Inner((Step("(", f" #>> ARRAY[{keys}])"),), "TEXT")


def _in_array(kind: str, path: str) -> Iterator[Inner]:
    found = _ARRAY.fullmatch(kind)
    if found is not None and _PLACE.fullmatch(path):
        # Places count from 0, as in JSON; those of PostgreSQL count from 1.
        yield Inner((Step("(", f")[{int(path) + 1}]"),), found[1])


_INSIDE: Inside = (
    (_ARRAY.fullmatch, _in_array),
    (lambda kind: kind in {"JSON", "JSONB"}, _in_json),
)

POSTGRESQL = Dialect(
    name="PostgreSQL",
    types=TypeNames(),
    kinds=patterns(
        (r"TIMESTAMP(\(\d\))? WITH TIME ZONE", Kind.INSTANT),
        (r"TIMESTAMP(\(\d\))? WITHOUT TIME ZONE", Kind.LOCAL_TIME),
        ("DATE", Kind.DATE),
        (r"TEXT|CHARACTER VARYING(\(\d+\))?", Kind.TEXT),
        ("SMALLINT|INTEGER|BIGINT", Kind.INTEGER),
        ("DOUBLE PRECISION", Kind.FLOAT),
        ("REAL", Kind.FLOAT_32),
        (r"NUMERIC(\(\d+,-?\d+\))?", Kind.DECIMAL),
        ("UUID", Kind.UUID),
        ("BOOLEAN", Kind.BOOLEAN),
        # ADBC gives all others as bytes of PostgreSQL's own.
        (".*", Kind.READ_AS_TEXT),
    ),
    times=Times(
        to_instant=lambda local, zone: f"{local} AT TIME ZONE '{zone}'",
        to_local=lambda instant, zone: f"{instant} AT TIME ZONE '{zone}'",
        start_of_day=lambda local: f"date_trunc('day', {local})",
        of_epoch=lambda seconds: f"to_timestamp({seconds})",
        to_epoch=lambda instant: f"extract(epoch FROM {instant})",
        date_of_text=lambda text: f"({_if_it_matches(text, _DATE, 'DATE')})",
        local_of_text=lambda text: f"({_if_it_matches(text, _DATE + _TIME, 'TIMESTAMP')})",
        instant_of_text=lambda text: f"({_if_it_matches(text, _DATE + _TIME + _OFFSET, 'TIMESTAMPTZ')})",
    ),
    text_of={Kind.FLOAT: _text_of_float, Kind.FLOAT_32: _text_of_float},
    matches=lambda text, pattern: f"{text} ~ '{pattern}'",
    hash_60=_hash_60,
    hash_sum=lambda hashes: f"CAST(sum({hashes}) AS VARCHAR)",
    drawn=lambda values, every: f"{_hash_60(_row_text(values))} % {every:d} = 0",
    bounds={Kind.INSTANT: INSTANTS, Kind.LOCAL_TIME: LOCAL_TIMES, Kind.DATE: DATES},
    rows=rows_of_values,
    # ADBC streams rows of a query without values only: with values, the whole answer is kept twice.
    bind=written_values,
    catalogue="postgresql",
    inside=_INSIDE,
    is_nan=lambda number: f"({number} = 'NaN')",
    micros=lambda time: f"CAST(extract(epoch FROM {time}) * 1000000 AS BIGINT)",
    # A collation of words orders capital letters beside small ones.
    by_code=lambda text: f'{text} COLLATE "C"',
)
