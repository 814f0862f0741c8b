"""Counts made in the database equal those of rows that were read, on every engine and in any order of the rows."""

import datetime as dt
import hashlib
import random
from collections.abc import Callable, Container
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl
import pytest

from monitoring_pipeline.evaluation.profiles.bins import Bins
from monitoring_pipeline.evaluation.profiles.labelled import error_bins, profile_labelled
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, profile_chunk
from monitoring_pipeline.evaluation.quality.conditions import AllRows
from monitoring_pipeline.evaluation.reference.columns import freeze_bins
from monitoring_pipeline.evaluation.reference.known_categories import number_codes, with_known_categories
from monitoring_pipeline.evaluation.rows.canonical import CanonicalRows, canonical_labels, canonical_predictions
from monitoring_pipeline.evaluation.rows.pushdown import SAMPLE_ROWS, sampled_every
from monitoring_pipeline.evaluation.rows.usable import usable
from monitoring_pipeline.ports.counting import RowsCounted
from monitoring_pipeline.quality.answering import validate
from monitoring_pipeline.quality.counts.elsewhere import with_counts_of_all
from monitoring_pipeline.quality.expectation import Expectation
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.warehouse.sql.counting.counting import SqlCounting
from monitoring_pipeline_tests.warehouse.counted_rows import KINDS, drawn_rows, labelled_statements, statements
from monitoring_pipeline_tests.warehouse.engines_under_test import PARAMETERS, Build, build_of

SpecMaker = Callable[..., ModelSpec]


@pytest.fixture(params=PARAMETERS)
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Build:
    """Return a function that makes a warehouse from SQL statements."""
    return build_of(request, tmp_path)


def spec_of(make_spec: SpecMaker, **changes: Any) -> ModelSpec:
    predictions: dict[str, Any] = {"model_version": "version", "null_values": ["N/A", "-999"]}
    versions = {"1": {"start": "2012-12-01", "end": "2013-01-01"}, "2": {"start": "2012-12-01", "end": "2013-01-01"}}
    return make_spec(features=KINDS, predictions=predictions, reference=versions, **changes)


def read_profiles(
    spec: ModelSpec, warehouse: Any, chunk: Chunk, bins: dict[str, dict[str, Bins]]
) -> tuple[CanonicalRows, dict[str, ChunkProfile]]:
    """Return the profiles of rows that are read, as the steps make them of a chunk below the limit."""
    read = warehouse.read_predictions(spec, chunk)
    rows = canonical_predictions(spec, read.frame, id_key=b"key", without_time=0)
    frame = with_known_categories(rows.frame, number_codes(spec, read.frame, read.table_columns), bins)
    return rows, {
        version: profile_chunk(
            nw.from_native(frame.filter(pl.col("model_version") == version).lazy()), of_version, model_version=version
        )
        for version, of_version in bins.items()
    }


def bins_of(spec: ModelSpec, warehouse: Any, chunk: Chunk) -> dict[str, dict[str, Bins]]:
    """Return other bins for each version, frozen from a part of its rows."""
    read = warehouse.read_predictions(spec, chunk)
    frame = canonical_predictions(spec, read.frame, id_key=b"key", without_time=0).frame
    return {
        version: {
            name: freeze_bins(frame.filter(pl.col("model_version") == version)[name].head(rows), kind)
            for name, kind in spec.columns.items()
        }
        for version, rows in (("1", 150), ("2", 25))
    }


def without(profile: ChunkProfile, columns: Container[str]) -> ChunkProfile:
    return replace(profile, columns=tuple(each for each in profile.columns if each.column not in columns))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_counts_in_the_database_equal_those_of_rows_that_are_read(
    build: Build, make_spec: SpecMaker, seed: int
) -> None:
    spec = spec_of(make_spec)
    warehouse = build(*statements(drawn_rows(random.Random(seed), 300)))
    chunk = spec.calendar.chunk("2013-06-02")
    bins = bins_of(spec, warehouse, chunk)
    rows, expected = read_profiles(spec, warehouse, chunk, bins)
    counting = SqlCounting(warehouse)
    facts = counting.facts(spec, chunk)
    counted = counting.profiles(spec, chunk, facts, bins)
    # A CSV file has whole numbers beyond 2^53 as text.
    assert set(counted.not_counted) == ({"total"} if "types" in build.engine.lacks else set())
    expected = {version: without(profile, counted.not_counted) for version, profile in expected.items()}
    for profile in counted.profiles:
        for column, of_rows in zip(profile.columns, expected[profile.model_version].columns, strict=True):
            assert column == of_rows, column.column
    assert {profile.model_version: profile for profile in counted.profiles} == expected
    measured = {str(m.metric): m.value for m in rows.measurements}
    assert (facts.ids, facts.duplicates, facts.without_id) == (
        measured["rows"], measured["duplicate_predictions"], measured["predictions_without_id"],
    )  # fmt: skip
    assert facts.latest_at == rows.frame["predicted_at"].max()
    everything = warehouse.read_predictions(spec, chunk).frame
    assert facts.rows == len(everything)
    few = replace(counting, row_limit=facts.rows).read_if_few(spec, chunk)
    assert few is not None
    assert few.frame.sort(pl.all()).equals(everything.sort(pl.all()))
    assert replace(counting, row_limit=facts.rows - 1).read_if_few(spec, chunk) is None


TASKS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "binary": ({}, {"positive": True}),
    "multiclass": ({"score": None, "scores": {"a": "p_a", "b": "p_b", "c": "p_c"}}, {}),
    "regression": ({"score": None, "prediction": "value"}, {}),
}
"""Fields of predictions and labels by task."""


@pytest.mark.parametrize("task", TASKS)
def test_labelled_rows_are_counted_as_those_that_are_read(build: Build, make_spec: SpecMaker, task: str) -> None:
    predictions, labels = TASKS[task]
    spec = make_spec(task=task, labels=labels, features={"extra": "numeric"}, predictions=predictions)
    warehouse = build(*labelled_statements(random.Random(5), task))
    chunk, as_of = spec.calendar.chunk("2013-06-02"), dt.datetime(2013, 6, 8, tzinfo=dt.UTC)
    read = warehouse.read_predictions(spec, chunk)
    rows = canonical_predictions(spec, read.frame, id_key=b"key", without_time=0).frame
    read_labels = warehouse.read_labels(spec, chunk, as_of)
    truths = canonical_labels(spec, read_labels.frame, rows, read_labels.accounting, id_key=b"key").frame
    bins: dict[str, Bins] = {name: freeze_bins(rows[name], kind) for name, kind in spec.columns.items()}
    bins |= error_bins(spec, usable(spec, rows.join(truths, on="row_id")))
    expected = profile_labelled(spec, bins, rows, truths, model_version="1")
    counting = SqlCounting(warehouse)
    facts = counting.facts(spec, chunk)
    counted = counting.labelled(
        spec, chunk, as_of, RowsCounted(facts.duplicates > 0, facts.sums is None or facts.sums.are_few), {"1": bins}
    )
    assert counted.profiles == expected
    assert counted.rows == {"1": rows.join(truths, on="row_id", how="semi").height}
    assert any(profile.rows for profile in counted.profiles)


EXPECTED: list[tuple[str, str, dict[str, Any]]] = [
    ("not_be_null", "age", {}),
    ("not_be_null", "city", {"mostly": 0.8}),
    ("be_null", "nothing", {}),
    ("be_null", "visits", {}),
    ("be_between", "age", {"min_value": -2.5, "max_value": 0.1}),
    ("be_between", "age", {"min_value": -2.5, "max_value": 0.1, "strict_min": True, "strict_max": True}),
    ("be_between", "price", {"min_value": 100}),
    ("be_between", "visits", {"max_value": 3, "strict_max": True}),
    ("be_between", "score", {"min_value": 0, "max_value": 1}),
    ("be_in_set", "city", {"value_set": ["Berlin", "", "O'Hare", "back\\slash"]}),
    ("not_be_in_set", "city", {"value_set": ["berlin", "北京"]}),
    ("be_in_set", "visits", {"value_set": [0, 1, 2]}),
    ("not_be_in_set", "age", {"value_set": [0, 7.0]}),
]
"""Types of expectations that are counted in the database, with column and arguments."""


def test_expectations_are_answered_by_counts_in_the_database(build: Build, make_spec: SpecMaker) -> None:
    spec = spec_of(make_spec)
    warehouse = build(*statements(drawn_rows(random.Random(4), 300)))
    chunk = spec.calendar.chunk("2013-06-02")
    frame = warehouse.read_predictions(spec, chunk).frame
    expectations = {
        place: Expectation(f"expect_column_values_to_{kind}", {"column": column} | arguments)
        for place, (kind, column, arguments) in enumerate(EXPECTED)
    }
    of_rows = dict(enumerate(validate(frame, list(expectations.values()))))
    sample = dict(enumerate(validate(frame.head(20), list(expectations.values()))))
    counting = SqlCounting(warehouse)
    counted = with_counts_of_all(
        frame.head(20), expectations, sample, AllRows(None, partial(counting.conditions, spec, chunk))
    )
    assert counted.keys() == of_rows.keys()
    for place, outcome in counted.items():
        assert replace(outcome, examples=()) == replace(of_rows[place], examples=()), expectations[place]


@pytest.mark.parametrize("every", [1, 4])
def test_every_engine_draws_the_same_sample(build: Build, make_spec: SpecMaker, every: int) -> None:
    warehouse = build(*labelled_statements(random.Random(5), "binary"))
    spec = make_spec()
    chunk = spec.calendar.chunk("2013-06-02")
    sample = SqlCounting(warehouse).sample(spec, chunk, every).frame["row_id"].to_list()
    drawn = [f"row {n}" for n in range(250) if int(hashlib.md5(f"row {n}".encode()).hexdigest()[:15], 16) % every == 0]
    assert sorted(sample) == sorted(drawn)
    labels = SqlCounting(warehouse).labels_sample(spec, chunk, dt.datetime(2013, 6, 8, tzinfo=dt.UTC), every)
    assert set(labels.frame["row_id"]) <= set(drawn)
    everything = warehouse.read_labels(spec, chunk, dt.datetime(2013, 6, 8, tzinfo=dt.UTC))
    assert labels.frame.height == everything.frame.filter(pl.col("row_id").is_in(drawn)).height
    assert labels.state == everything.state


def test_sample_has_at_most_its_rows_and_half_as_many_at_least() -> None:
    for rows in (0, 1, SAMPLE_ROWS, SAMPLE_ROWS + 1, 10**7, 10**9 + 7):
        every = sampled_every(rows)
        assert rows / every <= SAMPLE_ROWS
        assert every == 1 or rows / every > SAMPLE_ROWS / 2
