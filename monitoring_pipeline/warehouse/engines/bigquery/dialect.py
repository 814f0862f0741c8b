"""The SQL of BigQuery (GoogleSQL)."""

from collections.abc import Iterator, Sequence

from monitoring_pipeline.warehouse.engines.server.nested_types import PLACE, in_array, in_struct, is_named
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
from monitoring_pipeline.warehouse.sql.nested import SEPARATOR, Inner, Inside, Step

MARK = "@"
_WITHOUT_SECONDS = r"^([^:]*:[0-9]{2})([zZ+-].*)$"
_WITHOUT_COLON = "([+-][0-9]{2})([0-9]{2})$"


def bigquery_dialect(project: str, dataset: str, region: str = "") -> Dialect:
    """Return the dialect of a project. Its tables are those of the dataset, or of all datasets of a region."""
    place = f"{quoted(project)}.{quoted(f'region-{region.lower()}' if region else dataset)}"
    return Dialect(
        name="BigQuery",
        types=TypeNames(
            text="STRING", number="FLOAT64", integer="INT64", instant="TIMESTAMP", local_time="DATETIME", date="DATE"
        ),
        kinds=patterns(
            (r"TIMESTAMP(\(\d+\))?", Kind.INSTANT),
            ("DATETIME", Kind.LOCAL_TIME),
            ("DATE", Kind.DATE),
            (r"STRING(\(\d+\))?", Kind.TEXT),
            ("INT64", Kind.INTEGER),
            ("FLOAT64", Kind.FLOAT),
            (r"(BIG)?NUMERIC(\(\d+(, ?\d+)?\))?", Kind.DECIMAL),
            ("BOOL", Kind.BOOLEAN),
            (".*", Kind.READ_AS_TEXT),
        ),
        times=_TIMES,
        text_of={Kind.FLOAT: _text_of_float, Kind.READ_AS_TEXT: _text_of_json},
        matches=lambda text, pattern: f"REGEXP_CONTAINS({text}, '{pattern}')",
        hash_60=lambda text: f"CAST('0x' || SUBSTR(TO_HEX(MD5({text})), 1, 15) AS INT64)",
        # A sum of INT64 fails above 64 bits.
        hash_sum=lambda hashes: f"CAST(SUM(CAST({hashes} AS BIGNUMERIC)) AS STRING)",
        drawn=_drawn,
        bounds={
            Kind.INSTANT: ("TIMESTAMP '0001-01-02 00:00:00+00:00'", "TIMESTAMP '9999-12-30 00:00:00+00:00'"),
            Kind.LOCAL_TIME: ("DATETIME '0001-01-02 00:00:00'", "DATETIME '9999-12-30 00:00:00'"),
            Kind.DATE: ("DATE '0001-01-01'", "DATE '9999-12-31'"),
        },
        rows=union_of_rows,
        bind=named_values(MARK, escapes=Escapes.EVERYWHERE),
        catalogue="bigquery",
        catalogue_parts={"place": place, "dataset": escaped_literal(dataset)},
        inside=INSIDE,
        is_nan=lambda number: f"IS_NAN({number})",
        micros=lambda time: f"UNIX_MICROS(CAST({time} AS TIMESTAMP))",
        quote="`",
        escapes=Escapes.EVERYWHERE,
    )


def quoted(identifier: str) -> str:
    """Return an identifier as SQL."""
    return "`" + identifier.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _local_of_text(text: str) -> str:
    # A cast needs seconds.
    return f"COALESCE(SAFE_CAST({text} AS DATETIME), SAFE_CAST({text} || ':00' AS DATETIME))"


def _instant_of_text(text: str) -> str:
    # A cast needs seconds, and a colon in the offset.
    with_seconds = f"REGEXP_REPLACE({text}, '{_WITHOUT_SECONDS}', '\\\\1:00\\\\2')"
    with_colon = f"REGEXP_REPLACE({with_seconds}, '{_WITHOUT_COLON}', '\\\\1:\\\\2')"
    return f"SAFE_CAST(UPPER({with_colon}) AS TIMESTAMP)"


def _text_of_float(number: str) -> str:
    """Return a float as the text that DuckDB gives it, so that an id is the same in both."""
    return (
        f"CASE WHEN IS_NAN({number}) THEN 'nan' WHEN IS_INF({number}) THEN IF({number} > 0, 'inf', '-inf') "
        f"WHEN {number} = FLOOR({number}) AND ABS({number}) < 1e16 "
        f"THEN CAST(CAST({number} AS INT64) AS STRING) || '.0' ELSE CAST({number} AS STRING) END"
    )


def _text_of_json(value: str) -> str:
    """Return a value of any type as text: JSON if it has parts, and otherwise without quotes."""
    json = f"""REGEXP_REPLACE(TO_JSON_STRING({value}), '^"(.*)"$', '\\\\1')"""
    return f"CASE WHEN {value} IS NOT NULL THEN {json} END"


def _drawn(values: Sequence[str], every: int) -> str:
    return f"MOD(FARM_FINGERPRINT(TO_JSON_STRING(STRUCT({', '.join(values)}))), {every:d}) = 0"


def _in_json(_kind: str, path: str) -> Iterator[Inner]:
    parts = path.split(SEPARATOR)
    if any('"' in part or "\\" in part for part in parts):
        # A path of JSON has no form for them.
        return
    steps = "".join(f"[{part}]" if PLACE.fullmatch(part) else f'."{part}"' for part in parts)
    yield Inner((Step("JSON_VALUE(", f", {escaped_literal(f'${steps}')})"),), "STRING")


def _inside() -> Inside:
    return INSIDE


INSIDE: Inside = (
    (is_named("STRUCT"), in_struct(quoted, _inside)),
    (is_named("ARRAY"), in_array(lambda place: Step("", f"[SAFE_OFFSET({place})]"), _inside)),
    (lambda kind: kind in {"JSON", "STRING"}, _in_json),
)

_TIMES = Times(
    to_instant=lambda local, zone: f"TIMESTAMP({local}, '{zone}')",
    to_local=lambda instant, zone: f"DATETIME({instant}, '{zone}')",
    start_of_day=lambda local: f"DATETIME_TRUNC({local}, DAY)",
    of_epoch=lambda seconds: f"TIMESTAMP_MICROS(CAST(({seconds}) * 1e6 AS INT64))",
    to_epoch=lambda instant: f"UNIX_MICROS({instant}) / 1e6",
    date_of_text=lambda text: f"SAFE_CAST({text} AS DATE)",
    local_of_text=_local_of_text,
    instant_of_text=_instant_of_text,
)
