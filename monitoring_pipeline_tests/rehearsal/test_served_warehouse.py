"""Spans of serving versions, and their rows in the types of the table; a scorer in memory replaces the registry."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from monitoring_pipeline.evaluation.rows.canonical import canonical_predictions
from monitoring_pipeline.records.measurement import Role
from monitoring_pipeline.rehearsal.served_warehouse import ServedSpan, ServedWarehouse, served_spans
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import ReferenceWindow
from monitoring_pipeline.spec.version import VersionRecord
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.warehouse.engines.duckdb.warehouse import DuckDBWarehouse

DAY = "2024-03-31"  # the clocks of Berlin change
WEEK = ReferenceWindow(start=dt.date(2024, 3, 28), end=dt.date(2024, 4, 4))


def spec_of(**predictions: Any) -> ModelSpec:
    positive = predictions.pop("positive", True)
    return ModelSpec.model_validate(
        {
            "name": "small",
            "task": "binary",
            "owner": "team:small",
            "timezone": "Europe/Berlin",
            "start": "2024-03-28",
            "predictions": {"table": "scores", "id": "id", "time": "at", "model_version": "version", "score": "score"}
            | predictions,
            "labels": {"table": "labels", "id": "id", "label": "label", "known_at": "at", "positive": positive},
            "features": {"income": "numeric"},
            "reference": {"1": {"start": "2024-03-01", "end": "2024-03-20"}},
        }
    )


class Scorer:
    """Versions that give the positive class the income as its probability; version ``lost`` is not registered."""

    def has_version(self, model: str, model_version: str) -> bool:
        return model_version != "lost"

    def predictor(self, model: str, model_version: str) -> Callable[[Any], Any]:
        return lambda rows: np.column_stack([1 - rows["income"], rows["income"]])


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def record(version: str, role: Role, since: str) -> VersionRecord:
    return VersionRecord(model_version=version, role=role, since=moment(since))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ResultStore]:
    with ResultStore.open(f"sqlite:///{tmp_path / 'results.db'}") as opened:
        yield opened


def served(spec: ModelSpec, store: ResultStore, folder: Path, rows: str, select: str = "*") -> pl.DataFrame:
    """Read a day of rows (id, hour, version, income, score, decided) from a separate warehouse."""
    file = folder / "warehouse.duckdb"
    with duckdb.connect(file) as connection:
        connection.execute(
            f"CREATE TABLE scores AS SELECT {select} FROM (SELECT id, TIMESTAMP '2024-03-31 00:00:00' + hour * "
            f"INTERVAL 1 HOUR AS at, version, income, score, decided FROM (VALUES {rows}) "
            "AS t(id, hour, version, income, score, decided))"
        )
    warehouse = ServedWarehouse(DuckDBWarehouse(file), store, Scorer())  # pyright: ignore[reportArgumentType]
    return warehouse.read_predictions(spec, spec.calendar.chunk(DAY)).frame


def promote(store: ResultStore, version: str, former: str | None = "1", role: Role = Role.SHADOW) -> None:
    at = moment("2024-03-30 05:10")
    store.set_role("small", version, Role.CHAMPION, at, window=WEEK, by="test")
    if former:
        store.set_role("small", former, role, at, window=None, by="test")


def test_promotion_takes_effect_at_the_next_local_midnight() -> None:
    spec = spec_of()
    history = [
        record("2", Role.CHAMPION, "2024-03-29 05:10"),
        record("1", Role.SHADOW, "2024-03-29 05:10"),
        record("1", Role.CHAMPION, "2024-04-01 05:10"),
        record("2", Role.RETIRED, "2024-04-01 05:10"),
    ]
    spans = served_spans(spec, history, spec.calendar.window(WEEK))
    # Berlin is one hour ahead of UTC until the 31st, and two hours after it.
    assert spans == [
        ServedSpan(moment("2024-03-27 23:00"), moment("2024-03-29 23:00"), None),
        ServedSpan(moment("2024-03-29 23:00"), moment("2024-04-01 22:00"), "2", ("1",)),
        ServedSpan(moment("2024-04-01 22:00"), moment("2024-04-03 22:00"), "1"),
    ]
    assert served_spans(spec, history, spec.calendar.chunk("2024-03-29"))[0].champion is None
    assert served_spans(spec, history, spec.calendar.chunk("2024-03-30"))[0].champion == "2"


def test_night_begins_at_the_scheduled_time_of_the_next_local_day() -> None:
    spec = spec_of()
    nights = [spec.calendar.due_at(spec.calendar.chunk(f"2024-03-{day}")) for day in (29, 30)]
    assert nights == [moment("2024-03-30 05:00"), moment("2024-03-31 04:00")]


def test_log_is_read_unchanged_before_a_promotion(store: ResultStore, tmp_path: Path) -> None:
    frame = served(spec_of(), store, tmp_path, "('a', 1, '1', 0.9, 0.1, false), ('a', 1, '1', 0.9, 0.1, false)")
    assert frame.height == 2
    assert frame["model_version"].to_list() == ["1", "1"]


@pytest.mark.parametrize(
    ("decided", "positive", "expected"),
    [
        ("decided", True, [True, False]),
        ("CASE WHEN decided THEN 'late' ELSE 'in time' END", "late", ["late", "in time"]),
        ("CASE WHEN decided THEN 1 ELSE 0 END", 1, [1, 0]),
        ("CASE WHEN decided THEN 2 ELSE 1 END", 2, [2, 1]),
    ],
)
def test_decisions_have_the_values_of_the_log(
    store: ResultStore, tmp_path: Path, decided: str, positive: Any, expected: list[Any]
) -> None:
    spec = spec_of(prediction="decided", decision_threshold=0.4, positive=positive)
    promote(store, "2")
    rows = "('a', 1, '1', 0.9, 0.1, false), ('b', 2, '1', 0.3, 0.8, true)"
    frame = served(spec, store, tmp_path, rows, f"* REPLACE ({decided} AS decided, score::FLOAT AS score)")
    new = frame.filter(pl.col("model_version") == "2")
    assert new["prediction"].to_list() == expected
    assert new["score"].to_list() == pytest.approx([0.9, 0.3])
    old = frame.filter(pl.col("model_version") == "1")
    assert old["prediction"].to_list() == expected[::-1]
    assert old.schema == new.schema
    canonical = canonical_predictions(spec, frame, id_key=b"k", without_time=0).frame
    by_version = canonical.sort("model_version", "score").select("model_version", "prediction").rows()
    assert by_version == [("1", "0"), ("1", "1"), ("2", "0"), ("2", "1")]


def test_duplicates_and_rows_without_id_are_kept(store: ResultStore, tmp_path: Path) -> None:
    promote(store, "2", "1", Role.RETIRED)
    rows = """('a', 1, '1', 0.9, 0.1, false), ('a', 1, '1', 0.9, 0.1, false), (NULL, 2, '1', 0.3, 0.8, true),
              (NULL, 3, '1', 0.2, 0.8, true), ('b', 4, 'lost', 0.5, 0.5, true), ('b', 4, '1', 0.5, 0.5, true)"""
    frame = served(spec_of(), store, tmp_path, rows)
    assert sorted(frame.select("row_id", "model_version", "score").rows(), key=repr) == [
        ("a", "2", 0.9), ("a", "2", 0.9), ("b", "2", 0.5), (None, "2", 0.2), (None, "2", 0.3),
    ]  # fmt: skip


def test_version_that_cannot_be_loaded_keeps_its_logged_rows(store: ResultStore, tmp_path: Path) -> None:
    promote(store, "lost", "1")
    rows = "('a', 1, '1', 0.9, 0.1, false), ('b', 2, 'lost', 0.3, 0.8, true)"
    frame = served(spec_of(), store, tmp_path, rows)
    # The champion's row, the other row as logged, and the shadow's rows, of which it scores the one it did not log.
    rows_read = sorted(frame.select("row_id", "model_version", "score").rows())
    assert rows_read == [("a", "1", 0.1), ("a", "1", 0.1), ("b", "1", 0.3), ("b", "lost", 0.8)]


def test_numeric_versions_stay_numeric(store: ResultStore, tmp_path: Path) -> None:
    promote(store, "2")
    frame = served(spec_of(), store, tmp_path, "('a', 1, 1, 0.9, 0.1, false)")
    assert frame["model_version"].dtype.is_integer()
    assert sorted(frame.select("model_version", "score").rows()) == [(1, 0.1), (2, 0.9)]


def test_rows_with_features_that_are_not_numbers_stay_as_logged(store: ResultStore, tmp_path: Path) -> None:
    promote(store, "2", None)
    frame = served(spec_of(), store, tmp_path, "('a', 1, '1', 'much', 0.1, false)")
    assert frame.select("model_version", "score").rows() == [("1", 0.1)]
