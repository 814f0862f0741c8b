"""The SQL of DuckDB, which the engine of files shares."""

from collections.abc import Mapping

from monitoring_pipeline.warehouse.sql.dialect import (
    Dialect,
    Kind,
    Statement,
    Times,
    TypeNames,
    patterns,
    rows_of_values,
)
from monitoring_pipeline.warehouse.sql.nested import INSIDE_DUCKDB

INSTANTS = ("TIMESTAMPTZ '0001-01-02 00:00:00+00'", "TIMESTAMPTZ '9999-12-30 00:00:00+00'")
LOCAL_TIMES = ("TIMESTAMP '0001-01-02 00:00:00'", "TIMESTAMP '9999-12-30 00:00:00'")
DATES = ("DATE '0001-01-01'", "DATE '9999-12-31'")


def _unchanged(sql: str, values: Mapping[str, object]) -> Statement:
    return Statement(sql, values)


DUCKDB = Dialect(
    name="duckdb",
    types=TypeNames(),
    kinds=patterns(
        ("TIMESTAMP WITH TIME ZONE", Kind.INSTANT),
        ("TIMESTAMP|TIMESTAMP WITHOUT TIME ZONE|TIMESTAMP_S|TIMESTAMP_MS|DATETIME", Kind.LOCAL_TIME),
        ("TIMESTAMP_NS", Kind.LOCAL_NANOSECONDS),
        ("DATE", Kind.DATE),
        ("VARCHAR|TEXT|CHARACTER VARYING", Kind.TEXT),
        ("U?HUGEINT", Kind.HUGE_INTEGER),
        ("U?(TINY|SMALL|BIG)?INT(EGER)?", Kind.INTEGER),
        ("DOUBLE( PRECISION)?", Kind.FLOAT),
        ("FLOAT|REAL", Kind.FLOAT_32),
        (r"(DECIMAL|NUMERIC)(\(\d+, ?\d+\))?", Kind.DECIMAL),
        ("UUID", Kind.UUID),
        ("BOOLEAN|BOOL", Kind.BOOLEAN),
        (r"(ENUM|USER-DEFINED|INTERVAL|BIT|TIME|BLOB|JSON|STRUCT|MAP|UNION)\b.*|.*\[\d*\]", Kind.READ_AS_TEXT),
    ),
    times=Times(
        to_instant=lambda local, zone: f"{local} AT TIME ZONE '{zone}'",
        to_local=lambda instant, zone: f"{instant} AT TIME ZONE '{zone}'",
        start_of_day=lambda local: f"date_trunc('day', {local})",
        of_epoch=lambda seconds: f"to_timestamp({seconds})",
        to_epoch=lambda instant: f"extract(epoch FROM {instant})",
        date_of_text=lambda text: f"TRY_CAST({text} AS DATE)",
        local_of_text=lambda text: f"TRY_CAST({text} AS TIMESTAMP)",
        instant_of_text=lambda text: f"TRY_CAST({text} AS TIMESTAMPTZ)",
    ),
    text_of={},
    matches=lambda text, pattern: f"regexp_matches({text}, '{pattern}')",
    # 15 hexadecimal digits are the most that fit into a positive BIGINT. The sum is a HUGEINT.
    hash_60=lambda text: f"CAST('0x' || substr(md5({text}), 1, 15) AS BIGINT)",
    hash_sum=lambda hashes: f"CAST(sum({hashes}) AS VARCHAR)",
    drawn=lambda values, every: f"hash({', '.join(values)}) % {every:d} = 0",
    bounds={Kind.INSTANT: INSTANTS, Kind.LOCAL_TIME: LOCAL_TIMES, Kind.DATE: DATES},
    rows=rows_of_values,
    bind=_unchanged,
    catalogue="standard",
    inside=INSIDE_DUCKDB,
    is_nan=lambda number: f"isnan({number})",
    micros=lambda time: f"epoch_us({time})",
)
