"""The SQL of Databricks. Sessions have the time zone UTC, and tables are those of Unity Catalog."""

from collections.abc import Iterator, Sequence

from monitoring_pipeline.warehouse.engines.server.nested_types import PLACE, arguments, in_array, in_struct, is_named
from monitoring_pipeline.warehouse.sql.dialect import (
    Dialect,
    Escapes,
    Kind,
    Times,
    TypeNames,
    escaped_literal,
    named_values,
    patterns,
    union_of_rows,
)
from monitoring_pipeline.warehouse.sql.nested import SEPARATOR, Inner, Inside, Step, inner_value

MARK = ":"
_DATE = "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_TIME = "[ T] *[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}([.][0-9]+)?)?"
_OFFSET = " *(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
_ARGUMENTS_OF_A_MAP = 2


def quoted(identifier: str) -> str:
    """Return an identifier as SQL."""
    return "`" + identifier.replace("`", "``") + "`"


def _if_it_matches(text: str, pattern: str, kind: str) -> str:
    # A cast accepts a year alone, and a time without a date as one of today.
    return f"CASE WHEN {text} RLIKE '^{pattern}$' THEN TRY_CAST({text} AS {kind}) END"


def _text_of_float(number: str) -> str:
    """Return a float as the text that DuckDB gives it, so that an id is the same in both."""
    return (
        f"CASE WHEN ISNAN({number}) THEN 'nan' WHEN ABS({number}) = CAST('Infinity' AS DOUBLE) "
        f"THEN IF({number} > 0, 'inf', '-inf') WHEN ABS({number}) >= 1e16 THEN CAST({number} AS STRING) "
        f"WHEN {number} = FLOOR({number}) THEN CAST(CAST({number} AS BIGINT) AS STRING) || '.0' "
        f"ELSE CAST({number} AS STRING) END"
    )


def _floor_of_float(number: str) -> str:
    # FLOOR of a DOUBLE is a BIGINT, and fails above 64 bits. From 2^52 on a float has no fraction.
    return f"IF(ABS({number}) < 4503599627370496, CAST(FLOOR({number}) AS DOUBLE), {number})"


def _drawn(values: Sequence[str], every: int) -> str:
    # A hash of a map is refused.
    return f"PMOD(XXHASH64(TO_JSON(STRUCT({', '.join(values)}))), {every:d}) = 0"


def _in_map(kind: str, path: str) -> Iterator[Inner]:
    types = arguments(kind, "MAP")
    parts = path.split(SEPARATOR)
    if len(types) != _ARGUMENTS_OF_A_MAP:
        return
    # A key may contain dots. Which keys exist differs by row, so the first one is the shortest that the values allow.
    lengths = range(1, len(parts) + 1) if any(is_kind(types[1]) for is_kind, _ in NESTED) else [len(parts)]
    for length in lengths:
        key, rest = SEPARATOR.join(parts[:length]), SEPARATOR.join(parts[length:]) or None
        if (inner := inner_value(types[1], rest, INSIDE)) is not None:
            step = Step("TRY_ELEMENT_AT(", f", TRY_CAST({escaped_literal(key)} AS {types[0]}))")
            yield Inner((step, *inner.steps), inner.type)


def _in_variant(_kind: str, path: str) -> Iterator[Inner]:
    parts = path.split(SEPARATOR)
    if not any('"' in part or "\\" in part for part in parts):
        steps = "".join(f"[{part}]" if PLACE.fullmatch(part) else f'["{part}"]' for part in parts)
        yield Inner((Step("TRY_VARIANT_GET(", f", {escaped_literal(f'${steps}')}, 'STRING')"),), "STRING")


def _in_text(_kind: str, path: str) -> Iterator[Inner]:
    parts = path.split(SEPARATOR)
    # A path of JSON has no form for these.
    if not any("'" in part or "?" in part for part in parts):
        steps = "".join(f"[{part}]" if PLACE.fullmatch(part) else f"['{part}']" for part in parts)
        yield Inner((Step("GET_JSON_OBJECT(", f", {escaped_literal(f'${steps}')})"),), "STRING")


def _inside() -> Inside:
    return INSIDE


NESTED: Inside = (
    (is_named("STRUCT"), in_struct(quoted, _inside)),
    (is_named("ARRAY"), in_array(lambda place: Step("GET(", f", {place})"), _inside)),
    (is_named("MAP"), _in_map),
    (lambda kind: kind.upper() == "VARIANT", _in_variant),
)
INSIDE: Inside = (*NESTED, (lambda kind: kind.upper() == "STRING", _in_text))

DATABRICKS = Dialect(
    name="Databricks",
    types=TypeNames(
        text="STRING", number="DOUBLE", integer="BIGINT", instant="TIMESTAMP", local_time="TIMESTAMP_NTZ", date="DATE"
    ),
    kinds=patterns(
        ("TIMESTAMP(_LTZ)?", Kind.INSTANT),
        ("TIMESTAMP_NTZ", Kind.LOCAL_TIME),
        ("DATE", Kind.DATE),
        (r"STRING( COLLATE \w+)?|(VAR)?CHAR\(\d+\)", Kind.TEXT),
        ("(TINY|SMALL|BIG)?INT|BYTE|SHORT|INTEGER|LONG", Kind.INTEGER),
        ("DOUBLE", Kind.FLOAT),
        ("FLOAT|REAL", Kind.FLOAT_32),
        (r"(DECIMAL|DEC|NUMERIC)(\(\d+(, ?\d+)?\))?", Kind.DECIMAL),
        ("BOOLEAN", Kind.BOOLEAN),
        (".*", Kind.READ_AS_TEXT),
    ),
    times=Times(
        to_instant=lambda local, zone: f"TO_UTC_TIMESTAMP(CAST({local} AS TIMESTAMP), '{zone}')",
        to_local=lambda instant, zone: f"CAST(FROM_UTC_TIMESTAMP({instant}, '{zone}') AS TIMESTAMP_NTZ)",
        start_of_day=lambda local: f"CAST(CAST({local} AS DATE) AS TIMESTAMP_NTZ)",
        of_epoch=lambda seconds: f"TIMESTAMP_MICROS(CAST(ROUND(({seconds}) * 1e6) AS BIGINT))",
        to_epoch=lambda instant: f"UNIX_MICROS({instant}) / 1e6",
        date_of_text=lambda text: f"({_if_it_matches(text, _DATE, 'DATE')})",
        local_of_text=lambda text: f"({_if_it_matches(text, _DATE + _TIME, 'TIMESTAMP_NTZ')})",
        instant_of_text=lambda text: f"({_if_it_matches(f'UPPER({text})', _DATE + _TIME + _OFFSET, 'TIMESTAMP')})",
    ),
    text_of={
        Kind.FLOAT: _text_of_float,
        Kind.FLOAT_32: _text_of_float,
        Kind.INSTANT: lambda instant: f"CAST({instant} AS STRING) || '+00'",
    },
    matches=lambda text, pattern: f"{text} RLIKE '{pattern}'",
    hash_60=lambda text: f"CAST(CONV(SUBSTR(MD5({text}), 1, 15), 16, 10) AS BIGINT)",
    # A sum of BIGINT fails above 64 bits.
    hash_sum=lambda hashes: f"CAST(SUM(CAST({hashes} AS DECIMAL(38, 0))) AS STRING)",
    drawn=_drawn,
    bounds={
        Kind.INSTANT: ("TIMESTAMP '0001-01-02 00:00:00+00:00'", "TIMESTAMP '9999-12-30 00:00:00+00:00'"),
        Kind.LOCAL_TIME: ("TIMESTAMP_NTZ '0001-01-02 00:00:00'", "TIMESTAMP_NTZ '9999-12-30 00:00:00'"),
        Kind.DATE: ("DATE '0001-01-01'", "DATE '9999-12-31'"),
    },
    rows=union_of_rows,
    bind=named_values(MARK, escapes=Escapes.IN_TEXT),
    catalogue="databricks",
    inside=INSIDE,
    is_nan=lambda number: f"ISNAN({number})",
    floor_of_float=_floor_of_float,
    # Sessions have the time zone UTC, in which a time without a zone is the instant of the same clock.
    micros=lambda time: f"UNIX_MICROS(CAST({time} AS TIMESTAMP))",
    quote="`",
    escapes=Escapes.IN_TEXT,
)
