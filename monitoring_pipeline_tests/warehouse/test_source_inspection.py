"""Contract of the inspection of a source: counts and bounded rows of a real file."""

import datetime as dt

import polars as pl
import pytest

from monitoring_pipeline.evaluation.spec_check.facts import LabelsExtent, NullValue, PredictionsExtent
from monitoring_pipeline.warehouse.engines.duckdb.warehouse import DuckDBWarehouse
from monitoring_pipeline.warehouse.errors import MissingColumnError, WarehouseMissingError, WrongTimeTypeError
from monitoring_pipeline.warehouse.sql.inspection import SqlInspection
from monitoring_pipeline.warehouse.sql.table_queries import MOST_COUNTED_COLUMNS, counted_together
from monitoring_pipeline.warehouse.sql.tables import SqlTables
from monitoring_pipeline_tests.warehouse.conftest import SpecMaker
from monitoring_pipeline_tests.warehouse.test_warehouse_contract import LATER, SCORES, TRUTHS, Build, build

__all__ = ["build"]

ROWS = (
    "INSERT INTO scores VALUES ('a', '2012-12-02 00:10:00Z', 1, 0.1), ('b', '2012-12-02 00:14:00Z', 2, 0.2),"
    " ('c', '2012-12-02 00:20:00Z', 3, 0.3), ('d', NULL, 4, 0.4), ('e', '2013-06-02 03:00:00Z', 5, 0.5)"
)
LABELS = "INSERT INTO truths VALUES ('a', true, '2012-12-05'), ('b', NULL, '2012-12-05'), ('c', false, NULL)"


@pytest.fixture
def inspection(build: Build) -> SqlInspection:
    """An inspection of five predictions and three label rows."""
    return SqlInspection(build(SCORES, TRUTHS, ROWS, LABELS))


def _utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)


def test_tables_have_their_columns_and_types(inspection: SqlInspection, make_spec: SpecMaker) -> None:
    tables = inspection.tables(make_spec())
    assert tables.unreadable == ()
    assert tables.predictions is not None
    assert tables.predictions.name == "scores"
    assert tables.predictions.types["score"] in {"DOUBLE", "DOUBLE PRECISION", "FLOAT64"}
    assert tables.labels is not None
    assert set(tables.labels.columns) == {"id", "churned", "known_at"}
    own = inspection.tables(make_spec(labels={"table": None, "label": "score", "known_at": "made_at"})).labels
    assert own is not None
    assert (own.name, set(own.types)) == ("scores", {"id", "score", "made_at"})


@pytest.mark.parametrize("build", ["duckdb"], indirect=True)
def test_columns_are_found_without_case_and_inside_of_others(build, make_spec: SpecMaker) -> None:
    nested = SCORES.replace("age INTEGER", "payload STRUCT(age INTEGER)")
    features = {"age": {"kind": "numeric", "column": "Payload.AGE"}, "plan": {"kind": "numeric", "column": "payload.x"}}
    table = SqlInspection(build(nested, TRUTHS)).tables(make_spec(features=features)).predictions
    assert table is not None
    assert table.types == {
        "id": "VARCHAR",
        "made_at": "TIMESTAMP WITH TIME ZONE",
        "score": "DOUBLE",
        "Payload.AGE": "INTEGER",
    }
    assert table.columns == ("id", "made_at", "payload.age", "score")


def test_table_that_does_not_exist_is_listed_with_similar_ones(inspection, make_spec: SpecMaker) -> None:
    tables = inspection.tables(make_spec(labels={"table": "truth"}))
    assert tables.predictions is not None
    assert tables.labels is None
    (missing,) = tables.unreadable
    assert missing.field == "labels.table"
    assert missing.reason.startswith("no table 'truth'; did you mean truths?")


def test_extents_count_rows_without_time_and_without_label(inspection, make_spec: SpecMaker) -> None:
    spec = make_spec()
    extent = inspection.predictions_extent(spec)
    assert extent == PredictionsExtent(5, 4, _utc(2012, 12, 2, 0, 10), _utc(2013, 6, 2, 3))
    assert inspection.labels_extent(spec) == LabelsExtent(rows=3, with_label=2, with_time=1)
    assert inspection.labels_extent(make_spec(labels={"known_at": None})) == LabelsExtent(3, 2, 0)


def test_null_values_of_any_row_of_the_table_are_found(build, inspection, make_spec: SpecMaker) -> None:
    build("ALTER TABLE scores ADD COLUMN words VARCHAR", "UPDATE scores SET words = 'NONE', score = -1 WHERE id = 'b'")
    spec = make_spec(features={"said": {"kind": "categorical", "column": "words"}})
    wanted = [NullValue(*each) for each in (("said", "NONE"), ("said", "NA"), ("score", "-1"), ("score", "-2"))]
    assert inspection.null_values_of(spec, wanted) == {NullValue("said", "NONE"), NullValue("score", "-1")}
    gone = make_spec(features={"said": {"kind": "categorical", "column": "gone"}})
    assert inspection.null_values_of(gone, wanted[:1]) == frozenset()


def test_predictions_are_counted_by_version_and_quarter_of_an_hour(build, inspection, make_spec: SpecMaker) -> None:
    build("ALTER TABLE scores ADD COLUMN version DOUBLE", "UPDATE scores SET version = 2 WHERE id = 'b'")
    spec = make_spec(predictions={"model_version": "version"}, timezone="Asia/Kathmandu")
    counted = inspection.counted_predictions(spec, spec.calendar.window(spec.reference["1"]))
    assert counted.sort("moment", "model_version").rows() == [
        ("", _utc(2012, 12, 2, 0, 0), 1), ("2", _utc(2012, 12, 2, 0, 0), 1), ("", _utc(2012, 12, 2, 0, 15), 1),
    ]  # fmt: skip
    unversioned = make_spec()
    window = unversioned.calendar.window(unversioned.reference["1"])
    assert inspection.counted_predictions(unversioned, window)["model_version"].to_list() == ["1", "1"]


def test_rows_that_are_read_are_bounded(inspection, make_spec: SpecMaker) -> None:
    spec = make_spec()
    chunk = spec.calendar.window(spec.reference["1"])
    frame = inspection.first_predictions(spec, [chunk], 2)
    assert frame.columns == ["row_id", "predicted_at", "age", "score"]
    assert frame.height == 2
    assert inspection.first_predictions(spec, [chunk], 99).height == 3
    assert inspection.first_labels(spec, [chunk], LATER, 1).height == 1
    labels = inspection.first_labels(spec, [chunk], LATER, 99)
    assert labels.sort("row_id").select("row_id", "label").rows() == [("a", True), ("b", None)]
    assert isinstance(labels.schema["known_at"], pl.Datetime)


def test_errors_of_the_warehouse_name_field_and_reason(build, inspection, make_spec: SpecMaker, tmp_path) -> None:
    with pytest.raises(MissingColumnError, match=r"predictions\.time: scores has no column 'when'"):
        inspection.predictions_extent(make_spec(predictions={"time": "when"}))
    with pytest.raises(WarehouseMissingError):
        SqlInspection(DuckDBWarehouse(tmp_path / "none.duckdb")).tables(make_spec())
    build.needs("types")
    build("ALTER TABLE scores ADD COLUMN raw BLOB")
    with pytest.raises(WrongTimeTypeError, match=r"predictions\.time: column raw is (BLOB|BYTEA|BYTES|BINARY)"):
        inspection.predictions_extent(make_spec(predictions={"time": "raw"}))


def test_each_column_of_a_wide_table_has_its_counts(build: Build) -> None:
    names = [f"c{number}" for number in range(2 * MOST_COUNTED_COLUMNS + 3)]
    # Column n has n % 3 + 1 different values and n % 2 nulls in four rows.
    rows = (
        ", ".join("NULL" if row == number % 2 - 1 else str(row % (number % 3 + 1)) for number in range(len(names)))
        for row in (0, 1, 2, 3)
    )
    warehouse = build(
        f"CREATE TABLE wide ({', '.join(f'{name} INTEGER' for name in names)})",
        f"INSERT INTO wide VALUES {', '.join(f'({row})' for row in rows)}",
    )
    sample = SqlTables(warehouse).table_sample("wide", 10)
    assert list(sample.counts) == names
    assert {name: (counts.nulls, counts.distinct) for name, counts in sample.counts.items()} == {
        name: (sample.frame[name].null_count(), sample.frame[name].drop_nulls().n_unique()) for name in names
    }
    assert [sample.counts[name].distinct for name in names[:6]] == [1, 2, 3, 1, 2, 3]
    assert [sample.counts[name].nulls for name in names[-2:]] == [1, 0]


@pytest.mark.parametrize(
    ("rows", "sizes"), [(0, [100, 100, 50]), (200_000, [100, 100, 50]), (5_000_000, [4] * 62 + [2])]
)
def test_columns_are_counted_in_groups_that_shrink_with_the_rows(rows: int, sizes: list[int]) -> None:
    columns = [str(number) for number in range(250)]
    groups = list(counted_together(columns, rows))
    assert [len(group) for group in groups] == sizes
    assert [name for group in groups for name in group] == columns
