"""Times that no calendar has: infinity, years before 1 and after 9999. They are null, because Polars panics at them."""

import datetime as dt

import polars as pl
import pytest

from monitoring_pipeline_tests.warehouse.conftest import SpecMaker
from monitoring_pipeline_tests.warehouse.test_warehouse_contract import LATER, SCORES, TRUTHS, Build, build

__all__ = ["build"]


@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMPTZ", "DATE", "TIMESTAMP_S", "TIMESTAMP_MS"])
def test_time_that_no_calendar_has_is_null_in_a_feature(build: Build, make_spec: SpecMaker, kind: str) -> None:
    build.needs("types", "seconds" if kind == "TIMESTAMP_S" else "types")
    values = ("2024-01-05", "infinity", "-infinity", "9999-12-31", "20000-01-01", "0001-01-01 (BC)")
    rows = ", ".join(f"('{n}', '2013-06-02 01:00', CAST('{value}' AS {kind}))" for n, value in enumerate(values))
    warehouse = build(
        SCORES.replace("age INTEGER, score DOUBLE PRECISION", f"seen {kind}"), f"INSERT INTO scores VALUES {rows}"
    )
    spec = make_spec(features={"seen": "categorical"})
    seen = warehouse.read_predictions(spec, spec.calendar.chunk("2013-06-02")).frame.sort("row_id")["seen"]
    texts = [text and text[:10] for text in seen.cast(pl.String).to_list()]
    assert texts == ["2024-01-05", None, None, "9999-12-31" if kind == "DATE" else None, None, None]


def test_label_known_at_minus_infinity_is_beyond_reach(build: Build, make_spec: SpecMaker) -> None:
    warehouse = build(
        SCORES,
        TRUTHS,
        "INSERT INTO scores VALUES ('a', '2013-06-02 01:00', 1, 0), ('b', '2013-06-02 02:00', 1, 0)",
        "INSERT INTO truths VALUES ('a', true, '-infinity'), ('b', true, '2013-06-03')",
    )
    spec = make_spec()
    chunk = spec.calendar.chunk("2013-06-02")
    read = warehouse.read_labels(spec, chunk, LATER)
    assert read.frame.select("row_id", "known_at").rows() == [("b", dt.datetime(2013, 6, 3, tzinfo=dt.UTC))]
    assert warehouse.label_states(spec, [chunk], LATER)[chunk.key] == read.state
