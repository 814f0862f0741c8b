"""The contract of every warehouse; the engines that it runs on are in ``engines_under_test.py``."""

import datetime as dt
import random
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from monitoring_pipeline.evaluation.rows.accounting import LabelAccounting
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import ReferenceWindow
from monitoring_pipeline.warehouse.errors import (
    MissingColumnError,
    MissingTableError,
    UnreadableWarehouseError,
    WrongTimeTypeError,
)
from monitoring_pipeline.warehouse.reads import LabelState
from monitoring_pipeline_tests.warehouse.engines_under_test import PARAMETERS, Build, build_of

SpecMaker = Callable[..., ModelSpec]

SCORES = "CREATE TABLE scores (id VARCHAR, made_at TIMESTAMPTZ, age INTEGER, score DOUBLE PRECISION)"
TRUTHS = "CREATE TABLE truths (id VARCHAR, churned BOOLEAN, known_at TIMESTAMPTZ)"
NOON = dt.datetime(2013, 6, 2, 12, tzinfo=dt.UTC)
LATER = dt.datetime(2013, 7, 1, tzinfo=dt.UTC)


@pytest.fixture(params=PARAMETERS)
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Build:
    """Return a function that makes a warehouse from SQL statements."""
    return build_of(request, tmp_path)


def ids(frame: pl.DataFrame) -> list[str]:
    return sorted(frame["row_id"].to_list())


@pytest.mark.parametrize("time_type", ["TIMESTAMPTZ", "TIMESTAMP"])
@pytest.mark.parametrize(
    ("zone", "day", "start", "hours"),
    [
        ("America/New_York", "2013-03-10", "2013-03-10 05:00", 23),
        ("America/New_York", "2013-11-03", "2013-11-03 04:00", 25),
        ("America/New_York", "2013-04-22", "2013-04-22 04:00", 24),
        ("Europe/Berlin", "2013-03-31", "2013-03-30 23:00", 23),
        ("Europe/Berlin", "2013-10-27", "2013-10-26 22:00", 25),
        ("Asia/Kolkata", "2013-06-02", "2013-06-01 18:30", 24),
    ],
)
def test_chunk_contains_exactly_the_rows_of_the_local_day(
    build: Build, make_spec: SpecMaker, time_type: str, zone: str, day: str, start: str, hours: int
) -> None:
    first = dt.datetime.fromisoformat(start).replace(tzinfo=dt.UTC)
    after = first + dt.timedelta(hours=hours)
    tick = dt.timedelta(microseconds=1)
    moments = {"before": first - tick, "first": first, "last": after - tick, "after": after}
    rows = ", ".join(
        f"('{name}', '{at.replace(tzinfo=None) if time_type == 'TIMESTAMP' else at}', 1, 0.5)"
        for name, at in moments.items()
    )
    warehouse = build(SCORES.replace("TIMESTAMPTZ", time_type), f"INSERT INTO scores VALUES {rows}")
    spec = make_spec(timezone=zone)

    frame = warehouse.read_predictions(spec, spec.calendar.chunk(day)).frame

    assert dict(frame.select("row_id", "predicted_at").rows()) == {"first": first, "last": after - tick}
    assert frame["predicted_at"].dtype == pl.Datetime("us", "UTC")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "US/Eastern", "America/Sao_Paulo", "Pacific/Kiritimati"])
@pytest.mark.parametrize("type_of_date", ["DATE", "VARCHAR", "INTEGER"])
def test_date_is_a_day_in_the_zone_of_the_model(
    build: Build, make_spec: SpecMaker, zone: str, type_of_date: str
) -> None:
    days = ("'2013-06-01'", "'2013-06-02'", "'2013-06-03'")
    first, second, third = (day.replace("-", "") if type_of_date == "INTEGER" else day for day in days)
    warehouse = build(
        SCORES.replace("TIMESTAMPTZ", type_of_date),
        f"INSERT INTO scores VALUES ('first', {first}, 1, 0), ('second', {second}, 1, 0), ('third', {third}, 1, 0)",
    )
    spec = make_spec(timezone=zone)
    chunk = spec.calendar.chunk("2013-06-02")
    frame = warehouse.read_predictions(spec, chunk).frame
    assert frame.select("row_id", "predicted_at").rows() == [("second", chunk.start)]


@pytest.mark.parametrize(("type_of_time", "written"), [
    ("BIGINT", "1370174400"), ("BIGINT", "1370174400000"), ("HUGEINT", "1370174400000000"), ("DOUBLE", "1370174400.0"),
    ("BIGINT", "1370174400000000000"), ("VARCHAR", "'2013-06-02T12:00:00Z'"), ("VARCHAR", "' 2013-06-02 14:00:00+02 '"),
    ("VARCHAR", "'2013-06-02T08:00:00.000-0400'"), ("VARCHAR", "'2013-06-02T08:00:00'"),
    ("TIMESTAMP", "'2013-06-02 08:00:00'"), ("TIMESTAMP_S", "'2013-06-02 08:00:00'"),
])  # fmt: skip
def test_time_in_any_form_is_read_in_the_declared_zone(
    build: Build, make_spec: SpecMaker, type_of_time: str, written: str
) -> None:
    build.needs("types")
    warehouse = build(
        SCORES.replace("TIMESTAMPTZ", type_of_time),
        f"INSERT INTO scores VALUES ('a', {written}, 1, 0), ('timeless', NULL, 1, 0)",
    )
    spec = make_spec(predictions={"time_zone": "America/New_York"})
    read = warehouse.read_predictions(spec, spec.calendar.chunk("2013-06-02"))
    assert read.frame.select("row_id", "predicted_at").rows() == [("a", NOON)]
    assert read.rows_without_time == 1


def test_text_that_is_no_time_counts_as_a_row_without_time(build: Build, make_spec: SpecMaker) -> None:
    warehouse = build(
        SCORES.replace("TIMESTAMPTZ", "VARCHAR"),
        "INSERT INTO scores VALUES ('a', '2013-06-02 12:00:00', 1, 0), ('b', 'soon', 1, 0), ('c', '', 1, 0)",
    )
    spec = make_spec()
    read = warehouse.read_predictions(spec, spec.calendar.chunk("2013-06-02"))
    assert (ids(read.frame), read.rows_without_time) == (["a"], 2)


def test_repeated_hour_of_a_local_clock_is_in_exactly_one_chunk(build: Build, make_spec: SpecMaker) -> None:
    warehouse = build(
        SCORES.replace("TIMESTAMPTZ", "TIMESTAMP"), "INSERT INTO scores VALUES ('a', '2013-11-03 01:30:00', 1, 0)"
    )
    spec = make_spec(timezone="America/New_York", cadence="hour", predictions={"time_zone": "America/New_York"})
    chunks = spec.calendar.chunks_of(ReferenceWindow(start=dt.date(2013, 11, 3), end=dt.date(2013, 11, 4)))
    assert sum(warehouse.read_predictions(spec, chunk).frame.height for chunk in chunks) == 1


def test_states_of_predictions_are_those_of_the_rows_of_each_chunk(build: Build, make_spec: SpecMaker) -> None:
    warehouse = build(
        SCORES,
        "INSERT INTO scores VALUES ('a', '2013-06-02 03:59:59+00', 1, 0), ('b', '2013-06-02 04:00:00+00', 1, 0),"
        " ('c', '2013-06-03 03:59:59+00', 1, 0), ('d', '2013-06-03 04:00:00+00', 1, 0), ('e', NULL, 1, 0)",
    )
    spec = make_spec(timezone="America/New_York")
    chunks = [spec.calendar.chunk(f"2013-06-0{day}") for day in (1, 2, 3, 4)]
    states = warehouse.prediction_states(spec, chunks)
    assert {key: state.rows for key, state in states.items()} == {
        chunk.key: warehouse.read_predictions(spec, chunk).frame.height for chunk in chunks
    }
    assert [states[chunk.key].rows for chunk in chunks] == [1, 2, 1, 0]
    assert states["2013-06-02"].latest_at == dt.datetime(2013, 6, 3, 3, 59, 59, tzinfo=dt.UTC)
    assert states["2013-06-04"].latest_at is None
    assert warehouse.prediction_states(spec, []) == {}


NUMBERS = ("BIGINT", "INTEGER", "HUGEINT", "DOUBLE", "FLOAT", "DECIMAL(10, 2)", "VARCHAR")


@pytest.mark.parametrize("of_labels", NUMBERS)
@pytest.mark.parametrize("of_predictions", NUMBERS)
def test_integral_id_joins_whatever_its_types(
    build: Build, make_spec: SpecMaker, of_predictions: str, of_labels: str
) -> None:
    build.needs("types")
    warehouse = build(
        SCORES.replace("id VARCHAR", f"id {of_predictions}"),
        TRUTHS.replace("id VARCHAR", f"id {of_labels}"),
        "INSERT INTO scores VALUES (7, '2013-06-02 12:00', 1, 0), (123456, '2013-06-02 13:00', 1, 0)",
        "INSERT INTO truths VALUES (7, true, '2013-06-03'), (123456, true, '2013-06-03'), (NULL, true, '2013-06-03')",
    )
    spec = make_spec()
    chunk = spec.calendar.chunk("2013-06-02")
    predictions, labels = warehouse.read_predictions(spec, chunk), warehouse.read_labels(spec, chunk, LATER)
    assert sorted(ids(labels.frame)) == sorted(ids(predictions.frame))
    assert warehouse.label_states(spec, [chunk], LATER)[chunk.key].rows == 2


@pytest.mark.parametrize(("kind", "exact"), [("FLOAT", 2**24), ("DOUBLE", 2**53)])
def test_float_that_stands_for_several_integers_is_the_id_of_none(
    build: Build, make_spec: SpecMaker, kind: str, exact: int
) -> None:
    build.needs("types", *(["floats of 32 bits"] if kind == "FLOAT" else []))
    warehouse = build(
        SCORES.replace("id VARCHAR", "id BIGINT"),
        TRUTHS.replace("id VARCHAR", f"id {kind}"),
        f"INSERT INTO scores SELECT {exact - 2} + n, TIMESTAMP '2013-06-02 12:00', 1, 0 FROM range(9) t(n)",
        "INSERT INTO truths SELECT id, id % 2 = 0, TIMESTAMP '2013-06-03' FROM scores",
    )
    spec = make_spec()
    labels = warehouse.read_labels(spec, spec.calendar.chunk("2013-06-02"), LATER).frame
    assert sorted(ids(labels)) == [str(exact - 2), str(exact - 1)]


def test_uuid_joins_its_text_in_any_case(build: Build, make_spec: SpecMaker) -> None:
    build.needs("types", "uuids")
    warehouse = build(
        SCORES.replace("id VARCHAR", "id UUID"),
        TRUTHS,
        f"INSERT INTO scores VALUES ('{UUID}', '2013-06-02 12:00', 1, 0)",
        f"INSERT INTO truths VALUES ('{UUID.upper()}', true, '2013-06-03')",
    )
    spec = make_spec()
    assert ids(warehouse.read_labels(spec, spec.calendar.chunk("2013-06-02"), LATER).frame) == [UUID]


def test_prediction_of_several_id_columns_has_the_label_of_the_same_values(build: Build, make_spec: SpecMaker) -> None:
    warehouse = build(
        "CREATE TABLE scores (customer INT, day DATE, made_at TIMESTAMP, age INT, score DOUBLE)",
        "CREATE TABLE truths (client DOUBLE, day TIMESTAMP, churned BOOLEAN, known_at TIMESTAMP)",
        "INSERT INTO scores SELECT c, DATE '2013-06-01' + CAST(d AS INT), TIMESTAMP '2013-06-01 12:00'"
        " + INTERVAL 1 DAY * d, 1, 0 FROM range(12) a(c), range(4) b(d)",
        "INSERT INTO truths SELECT c, DATE '2013-06-01' + CAST(d AS INT), (c + d) % 2 = 0, TIMESTAMP '2013-06-06'"
        " FROM range(12) a(c), range(4) b(d)",
    )
    spec = make_spec(predictions={"id": ["customer", "day"]}, labels={"id": ["client", "day"]})
    chunk = spec.calendar.chunk("2013-06-02")
    predictions = warehouse.read_predictions(spec, chunk).frame
    read = warehouse.read_labels(spec, chunk, LATER)
    assert sorted(ids(read.frame)) == sorted(ids(predictions))
    assert read.frame["label"].sum() == 6
    assert not read.frame["is_ambiguous"].any()
    assert (predictions["row_id"].n_unique(), read.accounting) == (12, LabelAccounting(0, 0, 0))


def test_label_of_an_id_with_several_labels_and_predictions_in_several_chunks_is_ambiguous(
    build: Build, make_spec: SpecMaker
) -> None:
    warehouse = build(
        SCORES,
        TRUTHS,
        "INSERT INTO scores VALUES ('daily', '2013-06-02 12:00', 1, 0), ('daily', '2013-06-03 12:00', 1, 0),"
        " ('again', '2013-06-02 12:00', 1, 0), ('again', '2013-06-03 12:00', 1, 0),"
        " ('corrected', '2013-06-02 12:00', 1, 0), ('doubled', '2013-06-02 12:00', 1, 0),"
        " ('doubled', '2013-06-04 12:00', 1, 0)",
        "INSERT INTO truths VALUES ('daily', true, '2013-06-03'), ('daily', false, '2013-06-04'),"
        " ('again', true, '2013-06-03'), ('corrected', true, '2013-06-03'), ('corrected', false, '2013-06-04'),"
        " ('doubled', true, '2013-06-03'), ('doubled', true, '2013-06-03')",
    )
    spec = make_spec()
    frame = warehouse.read_labels(spec, spec.calendar.chunk("2013-06-02"), LATER).frame
    assert set(frame.filter("is_ambiguous")["row_id"]) == {"daily"}
    assert frame.height == 7


def test_label_of_an_id_with_several_labels_and_predictions_at_several_times_of_the_chunk_is_ambiguous(
    build: Build, make_spec: SpecMaker
) -> None:
    warehouse = build(
        SCORES.replace("id VARCHAR", "id VARCHAR, version VARCHAR DEFAULT '1'"),
        TRUTHS,
        "INSERT INTO scores VALUES"
        " ('hourly', '1', '2013-06-02 12:00', 1, 0), ('hourly', '1', '2013-06-02 13:00', 1, 0),"
        " ('once', '1', '2013-06-02 12:00', 1, 0), ('shadowed', '1', '2013-06-02 12:00', 1, 0),"
        " ('shadowed', '2', '2013-06-02 12:01', 1, 0), ('loaded twice', '1', '2013-06-02 12:00', 1, 0),"
        " ('loaded twice', '1', '2013-06-02 12:00', 1, 0), ('retried', '1', '2013-06-02 12:00', 1, 0),"
        " ('retried', '1', '2013-06-02 12:01', 1, 0)",
        "INSERT INTO truths SELECT id, n = 0, TIMESTAMP '2013-06-03' + INTERVAL 1 HOUR * n"
        " FROM (SELECT DISTINCT id FROM scores), range(2) t(n) WHERE id <> 'retried' OR n = 0",
    )
    for version in ("version", None):
        spec = make_spec(predictions={"model_version": version})
        frame = warehouse.read_labels(spec, spec.calendar.chunk("2013-06-02"), LATER).frame
        assert set(frame.filter("is_ambiguous")["row_id"]) == {"hourly"} | (set() if version else {"shadowed"})
        assert frame.height == 9


def test_columns_that_the_spec_does_not_name_are_not_read(build: Build, make_spec: SpecMaker) -> None:
    build.needs("views")
    warehouse = build(
        "CREATE VIEW scores AS SELECT 'a' AS id, TIMESTAMP '2013-06-02 12:00' AS made_at, 40 AS age, 0.25 AS score,"
        " error('read in vain') AS secret",
        "CREATE VIEW truths AS SELECT 'a' AS id, true AS churned, TIMESTAMP '2013-06-03' AS known_at,"
        " error('read in vain') AS secret",
    )
    spec = make_spec()
    chunk = spec.calendar.chunk("2013-06-02")

    predictions = warehouse.read_predictions(spec, chunk)

    assert predictions.frame.columns == ["row_id", "predicted_at", "age", "score"]
    assert predictions.frame.rows() == [("a", NOON, 40, 0.25)]
    assert warehouse.read_labels(spec, chunk, LATER).frame.height == 1
    assert warehouse.label_states(spec, [chunk], LATER)[chunk.key].rows == 1
    with_secret = make_spec(features={"secret": "numeric"})
    with pytest.raises(UnreadableWarehouseError, match="a value cannot be computed"):
        warehouse.read_predictions(with_secret, chunk)


def test_missing_columns_are_listed_and_rows_without_time_counted(build: Build, make_spec: SpecMaker) -> None:
    warehouse = build(
        SCORES, "INSERT INTO scores VALUES ('a', '2013-06-02 12:00', 40, 0.5), ('b', NULL, 1, 0), ('c', NULL, 1, 0)"
    )
    spec = make_spec(
        predictions={"score": "scoore", "prediction": "decided", "model_version": "version"},
        features={"age": "numeric", "income": {"kind": "numeric", "column": "income_eur"}},
    )

    read = warehouse.read_predictions(spec, spec.calendar.chunk("2013-06-02"))

    assert read.frame.columns == ["row_id", "predicted_at", "age"]
    assert set(read.missing_columns) == {"model_version", "score", "prediction", "income"}
    assert read.rows_without_time == 2


def test_empty_chunk_keeps_names_and_types_of_columns(build: Build, make_spec: SpecMaker) -> None:
    build.needs("types")
    spec = make_spec()
    warehouse = build(SCORES, TRUTHS)
    chunk = spec.calendar.chunk("2013-06-02")

    assert warehouse.read_predictions(spec, chunk).frame.schema == {
        "row_id": pl.String,
        "predicted_at": pl.Datetime("us", "UTC"),
        "age": pl.Int32,
        "score": pl.Float64,
    }
    labels = warehouse.read_labels(spec, chunk, LATER)
    assert labels.frame.schema == {
        "row_id": pl.String,
        "label": pl.Boolean,
        "known_at": pl.Datetime("us", "UTC"),
        "is_ambiguous": pl.Boolean,
    }
    assert labels.accounting == LabelAccounting(orphans=0, outside_window=0, not_yet_known=0)
    assert warehouse.label_states(spec, [chunk], LATER) == {"2013-06-02": LabelState()}
    assert warehouse.label_states(spec, [], LATER) == {}


UUID = "0ba5c3c2-5a6a-4a6e-9a3b-2d2f0c7f9b11"


@pytest.mark.parametrize(
    ("prediction_type", "label_type", "value", "text"),
    [
        ("VARCHAR", "VARCHAR", "'order 7'", "order 7"),
        ("BIGINT", "BIGINT", "7", "7"),
        ("BIGINT", "INTEGER", "7", "7"),
        ("BIGINT", "VARCHAR", "'7'", "7"),
        ("UUID", "UUID", f"'{UUID}'", UUID),
        ("UUID", "VARCHAR", f"'{UUID}'", UUID),
    ],
)
def test_ids_of_any_type_join_and_become_text(
    build: Build, make_spec: SpecMaker, prediction_type: str, label_type: str, value: str, text: str
) -> None:
    warehouse = build(
        SCORES.replace("id VARCHAR", f"id {prediction_type}"),
        TRUTHS.replace("id VARCHAR", f"id {label_type}"),
        f"INSERT INTO scores VALUES ({value}, '2013-06-02 12:00', 40, 0.5)",
        f"INSERT INTO truths VALUES ({value}, true, '2013-06-03 00:00')",
    )
    spec = make_spec()
    chunk = spec.calendar.chunk("2013-06-02")

    assert warehouse.read_predictions(spec, chunk).frame["row_id"].to_list() == [text]
    read = warehouse.read_labels(spec, chunk, LATER)
    assert read.frame["row_id"].to_list() == [text]
    assert read.accounting == LabelAccounting(orphans=0, outside_window=0, not_yet_known=0)
    assert warehouse.label_states(spec, [chunk], LATER)[chunk.key].rows == 1


def test_names_with_quotes_spaces_or_other_case_are_found(build: Build, make_spec: SpecMaker) -> None:
    build.needs("schemas")
    warehouse = build(
        'CREATE SCHEMA "ML Team"',
        'CREATE TABLE "ML Team"."The ""best"" scores" '
        '("Order Id" INTEGER, "WHEN" TIMESTAMP, "a""ge" INTEGER, "{score}" REAL, "select" VARCHAR)',
        """INSERT INTO "ML Team"."The ""best"" scores" VALUES (1, '2013-06-02 12:00', 40, 0.5, 'x')""",
        'CREATE TABLE "TRUTHS" ("Order Id" INTEGER, "Is it?" VARCHAR, "Known At" TIMESTAMP)',
        """INSERT INTO "TRUTHS" VALUES (1, 'yes', '2013-06-03')""",
    )
    spec = make_spec(
        predictions={"table": 'ml team.the "best" scores', "id": "order id", "time": "When", "score": "{score}"},
        labels={"id": "ORDER ID", "label": "Is it?", "known_at": "known at", "positive": "yes"},
        features={
            "age": {"kind": "numeric", "column": 'a"ge'},
            "Age": {"kind": "numeric", "column": 'a"ge'},
            'x"; DROP TABLE truths; --': {"kind": "categorical", "column": "select"},
        },
    )
    chunk = spec.calendar.chunk("2013-06-02")

    assert warehouse.read_predictions(spec, chunk).frame.to_dicts() == [
        {"row_id": "1", "predicted_at": NOON, "age": 40, "Age": 40, 'x"; DROP TABLE truths; --': "x", "score": 0.5}
    ]
    assert warehouse.read_labels(spec, chunk, LATER).frame["label"].to_list() == ["yes"]
    assert warehouse.label_states(spec, [chunk], LATER)[chunk.key].rows == 1


@pytest.mark.parametrize("field", ["predictions", "labels"])
@pytest.mark.parametrize(
    "text", ["scores; DROP TABLE truths", 'scores" --', "(SELECT 1)", "main.truths.scores", "socres"]
)
def test_table_that_is_not_in_the_catalogue_is_refused(
    build: Build, make_spec: SpecMaker, field: str, text: str
) -> None:
    warehouse = build(SCORES, TRUTHS)
    spec = make_spec(**{field: {"table": text}})
    with pytest.raises(MissingTableError) as raised:
        warehouse.read_labels(spec, spec.calendar.chunk("2013-06-02"), LATER)
    assert f"churn: {field}.table: no table {text!r}" in str(raised.value)
    assert "tables: scores, truths" in str(raised.value)
    assert warehouse.columns("truths").keys() == {"id", "churned", "known_at"}


def test_error_about_a_misspelt_table_suggests_a_similar_name(build: Build) -> None:
    with pytest.raises(MissingTableError, match="no table 'SOCRES'; did you mean scores"):
        build(SCORES, TRUTHS).columns("SOCRES")


def test_default_schema_has_precedence_and_ambiguous_name_is_refused(build: Build) -> None:
    build.needs("schemas")
    warehouse = build(
        "CREATE SCHEMA a",
        "CREATE SCHEMA b",
        "CREATE TABLE scores (here INTEGER)",
        "CREATE TABLE a.scores (there INTEGER)",
        "CREATE TABLE a.truths (id INTEGER)",
        "CREATE TABLE b.truths (id INTEGER)",
        "CREATE TABLE b.single (id INTEGER)",
    )
    assert warehouse.columns("scores") == {"here": "INTEGER"}
    assert warehouse.columns("A.Scores") == {"there": "INTEGER"}
    assert warehouse.columns("single") == {"id": "INTEGER"}
    with pytest.raises(MissingTableError, match=r"'truths' may be a\.truths or b\.truths; write which"):
        warehouse.columns("truths")


@pytest.mark.parametrize(
    ("part", "field", "existing"),
    [("predictions", "id", "age, id, made_at, score"), ("predictions", "time", "age, id, made_at, score")]
    + [("labels", field, "churned, id, known_at") for field in ("id", "label", "known_at")],
)
def test_missing_required_column_is_an_error(
    build: Build, make_spec: SpecMaker, part: str, field: str, existing: str
) -> None:
    spec = make_spec(**{part: {field: "nowhere"}})
    with pytest.raises(MissingColumnError) as raised:
        build(SCORES, TRUTHS).read_labels(spec, spec.calendar.chunk("2013-06-02"), LATER)
    assert f"churn: {part}.{field}: " in str(raised.value)
    assert f"has no column 'nowhere'; columns: {existing}" in str(raised.value)


@pytest.mark.parametrize(
    ("part", "field", "column"), [("predictions", "time", "made_at"), ("labels", "known_at", "known_at")]
)
def test_time_column_of_another_type_is_an_error(
    build: Build, make_spec: SpecMaker, part: str, field: str, column: str
) -> None:
    build.needs("types")
    spec = make_spec()
    warehouse = build(*(ddl.replace(f"{column} TIMESTAMPTZ", f"{column} BOOLEAN") for ddl in (SCORES, TRUTHS)))
    with pytest.raises(WrongTimeTypeError, match=rf"churn: {part}\.{field}: column {column} is BOOL(EAN)?, expected"):
        warehouse.read_labels(spec, spec.calendar.chunk("2013-06-02"), LATER)


def test_types_are_kept_and_numeric_decimals_become_numbers(build: Build, make_spec: SpecMaker) -> None:
    build.needs("types", "times of day")
    columns = {
        "flag": ("BOOLEAN", "true", "categorical", True),
        "amount": ("DECIMAL(10, 3)", "1.5", "numeric", 1.5),
        "whole": ("NUMERIC(38, 0)", "12", "numeric", 12.0),
        "code": ("DECIMAL(4, 0)", "12", "categorical", "12"),
        "text": ("VARCHAR", "'1.5'", "numeric", 1.5),
        "day": ("DATE", "'2013-06-02'", "categorical", dt.date(2013, 6, 2)),
        "span": ("INTERVAL", "INTERVAL '2' HOUR", "categorical", "02:00:00"),
        "clock": ("TIME", "'10:30:00'", "categorical", "10:30:00"),
        "owner": ("UUID", f"'{UUID}'", "categorical", UUID),
        "nothing": ("INTEGER", "NULL", "numeric", None),
    }
    warehouse = build(
        f"CREATE TABLE scores (id INTEGER, made_at TIMESTAMP, version DECIMAL(3, 1), score DECIMAL(5, 4), decided INT,"
        f" {', '.join(f'{name} {entry[0]}' for name, entry in columns.items())})",
        f"INSERT INTO scores VALUES (1, '2013-06-02 12:00', 1.2, 0.2500, 1, "
        f"{', '.join(entry[1] for entry in columns.values())})",
        "CREATE TABLE truths (id INTEGER, churned DECIMAL(3, 2), known_at TIMESTAMP)",
        "INSERT INTO truths VALUES (1, 1.25, '2013-06-03')",
    )
    spec = make_spec(
        predictions={"model_version": "version", "prediction": "decided"},
        features={name: entry[2] for name, entry in columns.items()},
    )
    chunk = spec.calendar.chunk("2013-06-02")

    row = warehouse.read_predictions(spec, chunk).frame.row(0, named=True)

    expected = {name: entry[3] for name, entry in columns.items()}
    outputs = {"model_version": "1.2", "score": 0.25, "prediction": 1}
    assert row == {"row_id": "1", "predicted_at": NOON} | expected | outputs
    assert warehouse.read_labels(spec, chunk, LATER).frame["label"].to_list() == [1.25]


def test_labels_known_at_a_time_are_returned_and_others_are_counted(build: Build, make_spec: SpecMaker) -> None:
    warehouse = build(
        SCORES,
        TRUTHS,
        "INSERT INTO scores VALUES ('twice', '2013-06-02 01:00', 1, 0), ('twice', '2013-06-02 02:00', 1, 0),"
        " ('known', '2013-06-02 03:00', 1, 0), ('later', '2013-06-02 04:00', 1, 0),"
        " ('undated', '2013-06-02 05:00', 1, 0), ('unlabelled', '2013-06-02 06:00', 1, 0),"
        " ('eve', '2013-06-01 23:59', 1, 0), ('timeless', NULL, 1, 0), (NULL, '2013-06-02 07:00', 1, 0)",
        "INSERT INTO truths VALUES ('twice', true, '2013-06-02 09:00'), ('known', true, '2013-06-02 08:00'),"
        " ('known', false, '2013-06-03 08:00'), ('later', true, '2013-06-09 00:00:00.000001'),"
        " ('undated', true, NULL), ('eve', true, '2013-06-02 00:00'), ('timeless', true, '2013-06-02 11:00'),"
        " ('ghost', true, '2013-06-02 23:59:59.999999'), ('ghost', true, '2013-06-03 00:00'),"
        " (NULL, true, '2013-06-02 12:00')",
    )
    spec = make_spec()
    chunk = spec.calendar.chunk("2013-06-02")
    week_after = dt.datetime(2013, 6, 9, tzinfo=dt.UTC)

    read = warehouse.read_labels(spec, chunk, week_after)

    assert sorted(read.frame.select("row_id", "label").rows()) == [("known", False), ("known", True), ("twice", True)]
    # Orphans are the first ghost and the label without id; outside are eve, and timeless, which is in no chunk.
    assert read.accounting == LabelAccounting(orphans=2, outside_window=2, not_yet_known=2)

    at_ten = warehouse.read_labels(spec, chunk, dt.datetime(2013, 6, 2, 10, tzinfo=dt.UTC))
    assert sorted(at_ten.frame.select("row_id", "label").rows()) == [("known", True), ("twice", True)]
    assert at_ten.accounting == LabelAccounting(orphans=0, outside_window=1, not_yet_known=3)

    arrived = warehouse.read_labels(spec, chunk, week_after + dt.timedelta(microseconds=1))
    assert ids(arrived.frame) == ["known", "known", "later", "twice"]
    assert arrived.accounting.not_yet_known == 1


@pytest.mark.parametrize(("seed", "time_type"), [(0, "TIMESTAMPTZ"), (1, "TIMESTAMP"), (2, "DATE")])
def test_labels_states_and_accounting_equal_loops_in_python(
    build: Build, make_spec: SpecMaker, seed: int, time_type: str
) -> None:
    draw = random.Random(seed)
    first = dt.datetime(2013, 3, 8, tzinfo=dt.UTC)
    spec = make_spec(timezone="America/New_York")

    def moment(days: int) -> dt.datetime | None:
        if draw.random() < 0.1:
            return None
        at = first + dt.timedelta(hours=draw.randrange(24 * days))
        return spec.calendar.chunk(at.date().isoformat()).start if time_type == "DATE" else at

    predictions = [(draw.randrange(40), moment(6)) for _ in range(60)]
    labels = [(draw.randrange(45), moment(12)) for _ in range(80)]

    def literal(at: dt.datetime | None) -> str:
        if at is None:
            return "NULL"
        written = {"TIMESTAMPTZ": at, "TIMESTAMP": at.replace(tzinfo=None), "DATE": spec.calendar.day_at(at)}
        return f"'{written[time_type]}'"

    warehouse = build(
        SCORES.replace("TIMESTAMPTZ", time_type),
        TRUTHS.replace("TIMESTAMPTZ", time_type),
        f"INSERT INTO scores VALUES {', '.join(f'({n}, {literal(at)}, 1, 0)' for n, at in predictions)}",
        f"INSERT INTO truths VALUES {', '.join(f'({n}, true, {literal(at)})' for n, at in labels)}",
    )
    chunks = [spec.calendar.chunk(f"2013-03-{day:02}") for day in range(7, 16)]

    for as_of in (first + dt.timedelta(days=days, hours=5) for days in (0, 2, 5, 20)):
        states = warehouse.label_states(spec, chunks, as_of)
        assert list(states) == [chunk.key for chunk in chunks]
        for chunk in chunks:
            read = warehouse.read_labels(spec, chunk, as_of)
            known, accounting = loops_in_python(predictions, labels, chunk, as_of)
            assert sorted(read.frame.select("row_id", "known_at").rows()) == known
            assert read.accounting == accounting
            latest = max((at for _, at in known), default=None)
            assert read.state == states[chunk.key]
            assert (states[chunk.key].rows, states[chunk.key].latest_at) == (len(known), latest)


@pytest.mark.parametrize(
    ("statement", "is_changed"),
    [
        ("UPDATE truths SET churned = NOT churned WHERE id = 'b'", True),
        ("UPDATE truths SET churned = NULL WHERE id = 'b'", True),
        ("UPDATE truths SET known_at = known_at - INTERVAL 1 MICROSECOND WHERE id = 'b'", True),
        ("UPDATE truths t SET churned = (SELECT NOT bool_and(o.churned) FROM truths o WHERE o.id = t.id)", True),
        ("UPDATE truths SET id = 'c' WHERE id = 'b'", True),
        ("DELETE FROM truths WHERE id = 'b'", True),
        ("INSERT INTO truths SELECT * FROM truths", True),
        ("INSERT INTO truths VALUES ('c', NULL, '2013-06-03')", True),
        ("CREATE OR REPLACE TABLE truths AS SELECT * FROM truths ORDER BY id DESC", False),
        ("INSERT INTO truths VALUES ('elsewhere', true, '2013-06-03'), ('a', true, NULL), ('a', true, '2099-01-01')",
         False),
    ],
)  # fmt: skip
def test_state_of_labels_changes_exactly_with_their_rows(
    build: Build, make_spec: SpecMaker, tmp_path: Path, statement: str, *, is_changed: bool
) -> None:
    warehouse = build(
        SCORES,
        TRUTHS,
        "INSERT INTO scores VALUES ('a', '2013-06-02 01:00', 1, 0), ('b', '2013-06-02 02:00', 1, 0),"
        " ('c', '2013-06-02 03:00', 1, 0)",
        "INSERT INTO truths VALUES ('a', true, '2013-06-03'), ('b', false, '2013-06-03')",
    )
    spec = make_spec()
    chunk = spec.calendar.chunk("2013-06-02")
    before = warehouse.label_states(spec, [chunk], LATER)[chunk.key]
    build(statement)
    after = warehouse.label_states(spec, [chunk], LATER)[chunk.key]
    assert (after.fingerprint != before.fingerprint) == is_changed
    assert warehouse.read_labels(spec, chunk, LATER).state == after


def loops_in_python(
    predictions: list[tuple[int, dt.datetime | None]],
    labels: list[tuple[int, dt.datetime | None]],
    chunk: Chunk,
    as_of: dt.datetime,
) -> tuple[list[tuple[str, dt.datetime]], LabelAccounting]:
    known: list[tuple[str, dt.datetime]] = []
    orphans = outside = not_yet = 0
    for label_id, known_at in labels:
        times = [at for prediction_id, at in predictions if prediction_id == label_id]
        in_chunk = any(at is not None and chunk.start <= at < chunk.end for at in times)
        if known_at is None or known_at > as_of:
            not_yet += in_chunk
            continue
        if in_chunk:
            known.append((str(label_id), known_at))
        elif chunk.start <= known_at < chunk.end:
            orphans += not times
            outside += bool(times)
    return sorted(known), LabelAccounting(orphans=orphans, outside_window=outside, not_yet_known=not_yet)


def test_as_of_without_time_zone_is_refused(build: Build, make_spec: SpecMaker) -> None:
    spec = make_spec()
    warehouse = build(SCORES, TRUTHS)
    chunk = spec.calendar.chunk("2013-06-02")
    naive = LATER.replace(tzinfo=None)
    with pytest.raises(ValueError, match="has no time zone"):
        warehouse.read_labels(spec, chunk, naive)
    with pytest.raises(ValueError, match="has no time zone"):
        warehouse.label_states(spec, [chunk], naive)


def test_class_scores_horizons_and_naive_forecasts_are_read(build: Build, make_spec: SpecMaker) -> None:
    warehouse = build(
        "CREATE TABLE scores (id TEXT, made_at TIMESTAMPTZ, age INTEGER, pa DOUBLE PRECISION, pb DOUBLE PRECISION, "
        "step INTEGER, last DOUBLE PRECISION, spare TEXT)",
        "INSERT INTO scores VALUES ('a', '2013-06-02 12:00', 40, 0.25, 0.75, 2, 1.5, 'x')",
    )
    source = {"table": "scores", "id": "id", "time": "made_at", "score": None}
    several = make_spec(task="multiclass", predictions=source | {"scores": {"A": "pa", "B": "PB"}})
    read = warehouse.read_predictions(several, several.calendar.chunk("2013-06-02"))
    assert read.frame.select("score[A]", "score[B]").rows() == [(0.25, 0.75)]
    assert list(read.table_columns) == ["id", "made_at", "age", "pa", "pb", "step", "last", "spare"]

    forecast = source | {"prediction": "pa", "horizon": "step", "naive": "last"}
    spec = make_spec(task="regression", predictions=forecast)
    read = warehouse.read_predictions(spec, spec.calendar.chunk("2013-06-02"))
    assert read.frame.select("prediction", "horizon", "naive").rows() == [(0.25, 2, 1.5)]
