"""The texts of specs that are kept with results, on both databases."""

import dataclasses
import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import exc

from monitoring_pipeline.records.effort import Effort
from monitoring_pipeline.records.measurement import Provenance
from monitoring_pipeline.records.spec_text import Commit, SpecText
from monitoring_pipeline.store.engine import create_store_engine, writing
from monitoring_pipeline.store.spec_texts import keep_text

MODEL = "flight_delay"
COMMIT = Commit("Ada", "a" * 40, dt.datetime(2013, 4, 1, 12, tzinfo=dt.UTC))
FIRST = SpecText(
    model=MODEL,
    spec_hash="one",
    text="name: flight_delay # ü\n",
    is_file=True,
    seen_at=dt.datetime(2013, 4, 23, 6, tzinfo=dt.UTC),
    run_id="run",
    recorded_by="dagster",
    commit=COMMIT,
)
SECOND = dataclasses.replace(FIRST, text="name: flight_delay\n", is_file=False, commit=None)


def made_by(results, spec_hash):
    return dataclasses.replace(
        results, provenance=Provenance(spec_hash=spec_hash, reference_hash="r", input_fingerprint="i", code_version="c")
    )


def test_texts_are_kept_in_order_and_one_that_comes_back_is_kept_again(store, make_results, measured_at):
    for text in (FIRST, FIRST, SECOND, dataclasses.replace(SECOND, run_id="later"), FIRST):
        store.replace(make_results(), run_id="run", measured_at=measured_at, spec=text)
    assert store.spec_texts(MODEL) == [FIRST, SECOND, FIRST]
    assert store.newest_spec_text(MODEL) == FIRST
    assert (store.spec_texts("another"), store.newest_spec_text("another")) == ([], None)


def test_text_that_two_runs_keep_at_once_is_kept_once(store, store_url, make_results, measured_at):
    engine = create_store_engine(store_url)
    with ThreadPoolExecutor(1) as pool:
        with writing(engine, "another chunk") as connection:
            keep_text(connection, FIRST)
            second = pool.submit(store.replace, make_results(), run_id="run", measured_at=measured_at, spec=FIRST)
            with pytest.raises(TimeoutError):
                second.result(timeout=0.5)
        second.result(timeout=30)
    engine.dispose()
    assert store.spec_texts(MODEL) == [FIRST]


def test_text_of_results_that_cannot_be_written_is_not_kept(store, make_results, measured_at):
    broken = Effort(None, 1.0, 1)
    with pytest.raises(exc.IntegrityError, match="cpu_seconds"):
        store.replace(make_results(), run_id="run", measured_at=measured_at, effort=broken, spec=FIRST)
    assert store.spec_texts(MODEL) == []


def test_hashes_of_results_without_a_text_are_named(store, make_results, measured_at):
    later = measured_at + dt.timedelta(days=1)
    for spec_hash, day, at in (("zero", "2013-04-22", measured_at), ("zero", "2013-04-23", later)):
        store.replace(made_by(make_results(day), spec_hash), run_id="run", measured_at=at)
    store.replace(made_by(make_results("2013-04-24"), "one"), run_id="run", measured_at=later, spec=FIRST)
    assert [(spec.spec_hash, spec.first_measured_at) for spec in store.unrecorded_specs(MODEL)] == [
        ("zero", measured_at)
    ]


def test_text_of_a_result_is_the_newest_one_of_its_hash_that_was_kept_by_then(store, make_results, measured_at):
    days = dict(zip(("2013-04-21", "2013-04-22", "2013-04-23"), (FIRST, SECOND, None), strict=True))
    for place, (day, text) in enumerate(days.items()):
        at = measured_at + dt.timedelta(days=place)
        kept = dataclasses.replace(text, seen_at=at) if text else None
        store.replace(made_by(make_results(day), "one"), run_id="run", measured_at=at, spec=kept)
    early = made_by(make_results("2013-04-20"), "one")
    store.replace(early, run_id="run", measured_at=measured_at - dt.timedelta(days=1))
    found = {day: store.spec_text_of(MODEL, day, "drift") for day in ("2013-04-20", *days)}
    assert {day: text and text.text for day, text in found.items()} == {
        "2013-04-20": None, "2013-04-21": FIRST.text, "2013-04-22": SECOND.text, "2013-04-23": SECOND.text,
    }  # fmt: skip
