"""The SQL of Snowflake. Sessions have the time zone UTC."""

import datetime as dt
from collections.abc import Iterator, Mapping

from monitoring_pipeline.warehouse.sql.dialect import (
    Dialect,
    Kind,
    Statement,
    Times,
    TypeNames,
    literal,
    patterns,
    placed_values,
    union_of_rows,
)
from monitoring_pipeline.warehouse.sql.nested import SEPARATOR, Inner, Inside, Step

_PLACED = placed_values()


def as_bound(value: object) -> object:
    """Return a value as the connector binds it: an instant as text, because it would bind a local time."""
    return value.astimezone(dt.UTC).isoformat() if isinstance(value, dt.datetime) else value


def _bind(sql: str, values: Mapping[str, object]) -> Statement:
    return _PLACED(sql, {name: as_bound(value) for name, value in values.items()})


def _in_variant(_kind: str, path: str) -> Iterator[Inner]:
    steps = "".join(f"[{part}]" if part.isdigit() else f"[{literal(part)}]" for part in path.split(SEPARATOR))
    yield Inner((Step("CAST(", f"{steps} AS VARCHAR)"),), "TEXT")


_INSIDE: Inside = ((lambda kind: kind in {"VARIANT", "OBJECT", "ARRAY"}, _in_variant),)

SNOWFLAKE = Dialect(
    name="Snowflake",
    types=TypeNames(instant="TIMESTAMP_TZ", local_time="TIMESTAMP_NTZ"),
    kinds=patterns(
        ("TIMESTAMP_(TZ|LTZ)", Kind.INSTANT),
        ("TIMESTAMP_NTZ", Kind.LOCAL_TIME),
        ("DATE", Kind.DATE),
        ("TEXT|VARCHAR", Kind.TEXT),
        (r"NUMBER\(\d+,0\)", Kind.INTEGER),
        (r"NUMBER\(\d+,\d+\)", Kind.DECIMAL),
        ("FLOAT", Kind.FLOAT),
        ("BOOLEAN", Kind.BOOLEAN),
        (".*", Kind.READ_AS_TEXT),
    ),
    times=Times(
        to_instant=lambda local, zone: f"CAST(CONVERT_TIMEZONE('{zone}', 'UTC', {local}) AS TIMESTAMP_TZ)",
        to_local=lambda instant, zone: f"CAST(CONVERT_TIMEZONE('{zone}', {instant}) AS TIMESTAMP_NTZ)",
        start_of_day=lambda local: f"DATE_TRUNC('DAY', {local})",
        of_epoch=lambda seconds: f"CAST(TO_TIMESTAMP_NTZ(CAST(({seconds}) * 1e6 AS BIGINT), 6) AS TIMESTAMP_TZ)",
        to_epoch=lambda instant: f"DATE_PART(EPOCH_SECOND, {instant})",
        date_of_text=lambda text: f"TRY_CAST({text} AS DATE)",
        local_of_text=lambda text: f"TRY_CAST({text} AS TIMESTAMP_NTZ)",
        instant_of_text=lambda text: f"TRY_CAST({text} AS TIMESTAMP_TZ)",
    ),
    text_of={},
    # Snowflake looks at the whole text.
    matches=lambda text, pattern: f"REGEXP_LIKE({text}, '.*{pattern.removesuffix('$')}')",
    # A product with a decimal is exact, and a quotient has six digits after the point.
    hash_60=lambda text: f"CAST(FLOOR(MD5_NUMBER_UPPER64({text}) * 0.0625) AS NUMBER(38, 0))",
    hash_sum=lambda hashes: f"CAST(SUM({hashes}) AS VARCHAR)",
    drawn=lambda values, every: f"MOD(ABS(HASH({', '.join(values)})), {every:d}) = 0",
    # Arrow holds the times of Snowflake in nanoseconds, which do not reach further.
    bounds={
        Kind.INSTANT: (
            "CAST('1678-01-01T00:00:00+00:00' AS TIMESTAMP_TZ)",
            "CAST('2261-12-31T00:00:00+00:00' AS TIMESTAMP_TZ)",
        ),
        Kind.LOCAL_TIME: (
            "CAST('1678-01-01 00:00:00' AS TIMESTAMP_NTZ)",
            "CAST('2261-12-31 00:00:00' AS TIMESTAMP_NTZ)",
        ),
        Kind.DATE: ("CAST('0001-01-01' AS DATE)", "CAST('9999-12-31' AS DATE)"),
    },
    rows=union_of_rows,
    bind=_bind,
    catalogue="snowflake",
    inside=_INSIDE,
    is_nan=lambda number: f"({number} = CAST('NaN' AS DOUBLE PRECISION))",
    micros=lambda time: f"DATE_PART(EPOCH_MICROSECOND, {time})",
)
