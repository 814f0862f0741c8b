"""Labels in the table of predictions, and labels without times."""

import datetime as dt

import polars as pl
import pytest

from monitoring_pipeline.evaluation.rows.accounting import LabelAccounting
from monitoring_pipeline_tests.warehouse.conftest import SpecMaker
from monitoring_pipeline_tests.warehouse.test_warehouse_contract import LATER, SCORES, TRUTHS, Build, build, ids

__all__ = ["build"]

OWN = SCORES.replace("score DOUBLE PRECISION", "score DOUBLE PRECISION, churned BOOLEAN, known_at TIMESTAMPTZ")
ROWS = (
    "INSERT INTO scores VALUES ('a', '2013-06-02 01:00', 1, 0, true, '2013-06-03'),"
    " ('b', '2013-06-02 02:00', 1, 0, NULL, NULL), ('c', '2013-06-02 03:00', 1, 0, false, '2013-06-09'),"
    " ('a', '2013-06-01 01:00', 1, 0, false, '2013-06-02'), ('d', '2013-06-01 01:00', 1, 0, true, '2013-06-02')"
)
TIMELESS = dict.fromkeys(("table", "id", "known_at"))
DAY = "2013-06-02"
LABEL_COLUMNS = ("row_id", "label", "known_at")


def test_labels_in_the_table_of_predictions_are_those_of_the_same_rows(build: Build, make_spec: SpecMaker) -> None:
    warehouse = build(OWN, ROWS)
    spec = make_spec(labels=TIMELESS)
    chunk = spec.calendar.chunk(DAY)
    read = warehouse.read_labels(spec, chunk, LATER)
    assert sorted(read.frame.select(LABEL_COLUMNS).rows()) == [("a", True, None), ("c", False, None)]
    assert read.frame.schema["known_at"] == pl.Datetime("us", "UTC")
    assert read.accounting == LabelAccounting(orphans=None, outside_window=None, not_yet_known=1)
    assert read.state == warehouse.label_states(spec, [chunk], LATER)[DAY]

    by_name = make_spec(labels={"table": "Scores", "id": "ID", "known_at": None})
    assert warehouse.read_labels(by_name, chunk, LATER).state == read.state

    dated = make_spec(labels={"table": None, "id": None})
    early = warehouse.read_labels(dated, chunk, dt.datetime(2013, 6, 4, tzinfo=dt.UTC))
    assert ids(early.frame) == ["a"]
    assert early.accounting == LabelAccounting(orphans=None, outside_window=None, not_yet_known=2)


def test_label_of_rows_that_two_versions_scored_is_read_once(build: Build, make_spec: SpecMaker) -> None:
    twice = "INSERT INTO scores SELECT id, made_at + INTERVAL 1 MINUTE, age, score, churned, known_at FROM scores"
    warehouse = build(OWN, ROWS, twice)
    spec = make_spec(labels=TIMELESS)
    assert ids(warehouse.read_labels(spec, spec.calendar.chunk(DAY), LATER).frame) == ["a", "c"]


def test_label_of_another_table_without_times_is_known_unless_it_is_null(build: Build, make_spec: SpecMaker) -> None:
    warehouse = build(
        SCORES,
        TRUTHS.replace(", known_at TIMESTAMPTZ", ""),
        "INSERT INTO scores VALUES ('a', '2013-06-02 01:00', 1, 0), ('b', '2013-06-02 02:00', 1, 0)",
        "INSERT INTO truths VALUES ('a', true), ('b', NULL), ('ghost', true)",
    )
    spec = make_spec(labels={"known_at": None})
    chunk = spec.calendar.chunk(DAY)
    read = warehouse.read_labels(spec, chunk, LATER)
    assert read.frame.select(LABEL_COLUMNS).rows() == [("a", True, None)]
    assert read.accounting == LabelAccounting(orphans=None, outside_window=None, not_yet_known=1)
    build("UPDATE truths SET churned = false WHERE id = 'a'")
    assert warehouse.label_states(spec, [chunk], LATER)[DAY].fingerprint != read.state.fingerprint
    build("UPDATE truths SET churned = NULL")
    assert warehouse.label_states(spec, [chunk], LATER)[DAY].rows == 0


@pytest.mark.parametrize(("kind", "pending", "values"), [
    ("VARCHAR", "'it''s pending'", ["it's pending", "?"]), ("BIGINT", "-1", ["-1.0"]),
    ("DOUBLE PRECISION", "-1", [-1]),
])  # fmt: skip
def test_label_with_a_value_that_means_not_known_yet_is_no_label(
    build: Build, make_spec: SpecMaker, kind: str, pending: str, values: list[object]
) -> None:
    rows = f"('a', {_typed('1', kind)}, '2013-06-03'), ('b', {pending}, '2013-06-03'), ('c', NULL, '2013-06-03')"
    warehouse = build(
        SCORES,
        TRUTHS.replace("churned BOOLEAN", f"churned {kind}"),
        "INSERT INTO scores VALUES ('a', '2013-06-02 01:00', 1, 0), ('b', '2013-06-02 02:00', 1, 0),"
        " ('c', '2013-06-02 03:00', 1, 0)",
        f"INSERT INTO truths VALUES {rows}, ('ghost', {pending}, '2013-06-02')",
    )
    dated = make_spec(labels={"null_values": values})
    chunk = dated.calendar.chunk(DAY)
    assert ids(warehouse.read_labels(dated, chunk, LATER).frame) == ["a", "c"]
    assert warehouse.read_labels(dated, chunk, LATER).accounting.orphans == 0
    timeless = make_spec(labels={"known_at": None, "null_values": values})
    read = warehouse.read_labels(timeless, chunk, LATER)
    assert ids(read.frame) == ["a"]
    assert read.accounting.not_yet_known == 2
    assert read.state == warehouse.label_states(timeless, [chunk], LATER)[DAY]
    build(f"UPDATE truths SET churned = {_typed('1', kind)} WHERE id = 'b'")
    assert warehouse.label_states(timeless, [chunk], LATER)[DAY].rows == 2
    assert ids(warehouse.read_labels(timeless, chunk, LATER).frame) == ["a", "b"]


def _typed(number: str, kind: str) -> str:
    return f"'{number}'" if kind == "VARCHAR" else number
