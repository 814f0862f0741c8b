"""The rows of one model and period, read table by table from one state of the store."""

import dataclasses
import datetime as dt

from monitoring_pipeline.records.measurement import Kind, Measurement
from monitoring_pipeline.store.archive import Part
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.store.tables.columns import metadata

MODEL = "flight_delay"
PART = Part(
    model=MODEL,
    first="2013-04-22",
    last="2013-04-23",
    start=dt.datetime(2013, 4, 22, 4, tzinfo=dt.UTC),
    end=dt.datetime(2013, 4, 24, 4, tzinfo=dt.UTC),
)


def psi(value: float) -> Measurement:
    return Measurement(kind=Kind.DRIFT, subject="wind", name="psi", model_version="1", value=value)


def rows_by_table(store, part):
    with store.tables_of(part) as tables:
        return {table.name: [dict(zip(table.columns, row, strict=True)) for row in table.rows] for table in tables}


def test_all_revisions_of_the_period_are_there_and_nothing_else(store, make_results, measured_at):
    made = [make_results(day, psi(value)) for value, day in enumerate(["2013-04-21", "2013-04-22", "2013-04-24"])]
    made += [make_results("2013-04-22", psi(7.5), input_fingerprint="late labels")]
    window = dataclasses.replace(made[0].chunk, key="2013-03-01/2013-04-01")
    made += [dataclasses.replace(make_results("2013-04-21", psi(8.0)), chunk=window)]
    made += [dataclasses.replace(made[1], chunk=dataclasses.replace(made[1].chunk, model="another"))]
    for results in made:
        store.replace(results, run_id="run", measured_at=measured_at)
    found = rows_by_table(store, PART)
    assert [(row["chunk"], row["revision"], row["value"]) for row in found["measurements"]] == [
        ("2013-03-01/2013-04-01", 1, 8.0), ("2013-04-22", 1, 1.0), ("2013-04-22", 2, 7.5),
    ]  # fmt: skip
    assert found["measurements"][0]["measured_at"] == measured_at
    assert {row["model"] for rows in found.values() for row in rows} == {MODEL}


def test_counts_of_columns_and_references_are_there_only_if_asked_for(store):
    without, everything = (
        rows_by_table(store, PART),
        rows_by_table(store, dataclasses.replace(PART, with_profiles=True)),
    )
    assert everything.keys() - without.keys() == {"profiles"}
    assert metadata.tables.keys() - everything.keys() == {
        "alert_threads", "channel_failures", "efforts", "forgotten_rows",
    }  # fmt: skip


def test_tables_are_those_of_one_moment(store, store_url, make_results, measured_at):
    store.replace(make_results("2013-04-22", psi(1.0)), run_id="run", measured_at=measured_at)
    with ResultStore.open(store_url) as writer, store.tables_of(PART) as tables:
        next(tables)
        writer.replace(make_results("2013-04-23", psi(2.0)), run_id="run", measured_at=measured_at)
        [measured] = [list(table.rows) for table in tables if table.name == "measurements"]
    assert len(measured) == 1
    assert len(rows_by_table(store, PART)["measurements"]) == 2
