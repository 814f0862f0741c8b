"""Models that read texts and vectors, in real runs of Dagster: every task, every asset, counted chunks, and privacy."""

import datetime as dt
from contextlib import closing

import duckdb
import numpy as np
import polars as pl
import pytest
import yaml

from monitoring_pipeline.evaluation.rows import pushdown
from monitoring_pipeline_tests.worlds.one_model_world import OneModelWorld
from monitoring_pipeline_tests.worlds.texts.days import drawn, encoder

FIRST, ROWS, REFERENCE_DAYS, DAYS = dt.date(2024, 1, 1), 160, 14, 3
START, RUSSIAN, WRONG_SIZE = (FIRST + dt.timedelta(days=REFERENCE_DAYS + day) for day in range(DAYS))
CANARY = "canary7f3e"
FEATURES = {"review": "text", "v": "embedding", "age": "numeric"}
PREDICTIONS = {"table": "scores", "id": "id", "time": "ts"}
BASE = {
    "owner": "team:x",
    "timezone": "UTC",
    "start": START,
    "reference": {"1": {"start": FIRST, "end": START}},
    "features": FEATURES,
    "drift": {"minimum_rows": 50},
    "segments": {"by": {"script": "review", "length": {"column": "review[characters]", "ranges": [100]}}},
}
MODELS = {
    "reviews": {
        "task": "binary",
        "predictions": PREDICTIONS | {"score": "score"},
        "labels": {"label": "label", "positive": 1},
        "incidents": {"open": {"chunks": 1, "of": 1}},
    },
    "topics": {
        "task": "multiclass",
        "predictions": PREDICTIONS | {"scores": {"a": "pa", "b": "pb"}},
        "labels": {"label": "topic"},
        "features": {"review": "text", "j": {"kind": "embedding", "column": "as_json"}, "w": "embedding"},
    },
    "stars": {
        "task": "regression",
        "predictions": PREDICTIONS | {"prediction": "score"},
        "labels": {"label": "stars"},
        "explanation": {},
    },
    "counted": {
        "task": "binary",
        "predictions": PREDICTIONS | {"score": "score"},
        "labels": {"label": "label", "positive": 1},
        "pushdown": "always",
        "segments": {"by": {}},
    },
    "sampled": {
        "task": "binary",
        "predictions": PREDICTIONS | {"score": "score"},
        "labels": {"label": "label", "positive": 1},
        "pushdown": "always",
        "segments": {"by": {}},
        "operations": {"latency": "took", "status": "code", "thresholds": {"rows_per_hour": {"lower": 6}}},
        "cost": {"currency": "EUR", "per_thousand": 500},
        "value": {
            "currency": "EUR",
            "outcomes": {"positive": {"positive": 40, "negative": -15}, "negative": {"positive": -60, "negative": 0}},
        },
        "measures": {"counts": {"function": "monitoring_pipeline_tests.steps.own_measures:by_label"}},
    },
}
SAMPLED = 100
"""Rows of a sample of the model of that name: fewer than a day has."""


def table() -> pl.DataFrame:
    generator, encode, smaller = np.random.default_rng(5), encoder(0, (2, 3)), encoder(0, (2, 3), size=16)
    days = []
    for number in range(REFERENCE_DAYS + DAYS):
        day = FIRST + dt.timedelta(days=number)
        texts = drawn("english", ROWS, generator)
        if day == RUSSIAN:
            texts[:80] = drawn("russian", 80, generator)
        vectors = (smaller if day == WRONG_SIZE else encode)(texts)
        score = generator.random(ROWS)
        label = (generator.random(ROWS) < score).astype(int)
        times = [dt.datetime.combine(day, dt.time(1)) + dt.timedelta(minutes=minute) for minute in range(ROWS)]
        days.append(
            pl.DataFrame(
                {
                    "id": [f"{day}-{row}" for row in range(ROWS)],
                    "ts": times,
                    "review": [f"{text} {CANARY}" for text in texts],
                    "v": pl.Series(vectors.tolist(), dtype=pl.List(pl.Float32)),
                    "as_json": [str(vector) for vector in encode(texts).tolist()],
                    "w": pl.Series(encode(texts), dtype=pl.Array(pl.Float64, 32)),
                    "took": 20.0 + np.arange(ROWS) % 50,
                    "code": [500 if row % 40 == 0 else 200 for row in range(ROWS)],
                    "age": generator.standard_normal(ROWS),
                    "score": score,
                    "pa": score,
                    "pb": 1 - score,
                    "label": label,
                    "topic": ["a" if one else "b" for one in label],
                    "stars": score + generator.standard_normal(ROWS),
                }
            )
        )
    return pl.concat(days)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched:
        world = OneModelWorld(tmp_path_factory.mktemp("texts"), patched)
        rows = table()
        with closing(duckdb.connect(str(world.warehouse))) as connection:
            connection.register("given", rows.to_arrow())
            connection.execute("CREATE TABLE scores AS SELECT * FROM given")
        for name, fields in MODELS.items():
            path = world.folder / "models" / f"{name}.yaml"
            path.write_text(yaml.safe_dump({"name": name} | BASE | fields), encoding="utf-8")
            first, last = (START, WRONG_SIZE) if name == "reviews" else (RUSSIAN, RUSSIAN)
            with pytest.MonkeyPatch.context() as smaller:
                if name == "sampled":
                    smaller.setattr(pushdown, "SAMPLE_ROWS", SAMPLED)
                world.run("backfill", name, "--from", str(first), "--to", str(last))
        yield world


def _findings(world, model, day):
    return world.ask(
        "SELECT kind, subject, name, reason FROM measurements "
        f"WHERE model = '{model}' AND chunk = '{day}' AND status = 'breached' AND severity != 'info'"
    )


@pytest.mark.parametrize("model", MODELS)
def test_another_language_is_found_on_its_day_in_models_of_every_task(world, model):
    assert "review" in {subject for _, subject, _, _ in _findings(world, model, RUSSIAN)}


def test_a_day_without_a_change_is_quiet(world):
    assert not [row for row in _findings(world, "reviews", START) if row[1].startswith(("review", "v"))]


def test_a_change_of_the_score_is_split_over_the_features(world):
    parts = world.ask("SELECT DISTINCT name FROM measurements WHERE model = 'stars' AND producer = 'explanation'")
    names = " ".join(name for (name,) in parts)
    assert "[review]" in names
    assert "[v]" in names
    assert "[words]" not in names


def test_a_change_is_one_incident_whose_title_states_it(world):
    titles = world.ask("SELECT cause, title FROM incidents WHERE model = 'reviews' AND opened = ?", str(RUSSIAN))
    by_cause = dict(titles)
    assert [cause for cause in by_cause if cause.startswith("column:")] == ["column:review"]
    assert "'mostly Cyrillic' (" in by_cause["column:review"]
    assert by_cause["inputs"].startswith("1 input has drifted: v (")
    assert "[" not in " ".join(by_cause.values())


def test_a_wrong_size_is_a_breach_of_the_column_that_names_both(world):
    reasons = " ".join(reason for _, subject, _, reason in _findings(world, "reviews", WRONG_SIZE) if subject == "v")
    assert "'16 numbers' (160)" in reasons
    assert "no row of '32 numbers'" in reasons


def test_counted_chunks_have_the_numbers_of_chunks_that_are_read(world):
    def numbers(model):
        return world.ask(
            "SELECT chunk, producer, subject, name, value, p_value FROM measurements WHERE model = ? "
            "AND producer IN ('profile', 'drift') AND subject != 'features' AND chunk = ? ORDER BY 1, 2, 3, 4",
            model, str(RUSSIAN),
        )  # fmt: skip

    counted = numbers("counted")
    assert {"review[words]", "v[component 1]"} <= {row[2] for row in counted}
    assert counted == numbers("reviews")


def test_numbers_of_a_counted_chunk_are_of_all_rows_or_state_the_sample(world):
    found = {
        (kind, name): (value, rows, status, reason, definition)
        for kind, name, value, rows, status, reason, definition in world.ask(
            "SELECT kind, name, value, rows, status, reason, definition FROM current_measurements "
            "WHERE model = 'sampled' AND chunk = ? AND (kind IN ('operations', 'business') OR subject = 'review')",
            str(RUSSIAN),
        )
    }
    sample = int(found["operations", "sampled_rows"][0])
    assert 0 < sample < SAMPLED + 40 < ROWS
    # Of all rows: what needs their number only.
    assert found["operations", "rows_per_hour"][:3] == (ROWS / 24, ROWS, "ok")
    assert found["business", "cost"][:3] == (ROWS * 0.5, ROWS, "ok")
    # Of the sample, and the number states it.
    for kind, name in (("operations", "latency_p95"), ("operations", "error_rate"), ("business", "counts[labelled]"),
                       ("business", "value_per_prediction"), ("drift", "jensen_shannon")):  # fmt: skip
        _, rows, status, _, definition = found[kind, name]
        assert (rows, status != "skipped") == (sample, True), name
        assert f"sample of {sample} of {ROWS} rows" in definition, (name, definition)
    # A sum over a sample would be too small, so there is none.
    for name in ("value", "value_of_all_predictions", "value_against_reference"):
        value, *_, reason, _ = found["business", name]
        assert (value, reason) == (None, "the rows were counted in the warehouse, and only a sample of them is kept")


def test_segments_are_formed_by_script_and_by_length(world):
    segments = {row[0] for row in world.ask("SELECT DISTINCT segment FROM measurements WHERE model = 'reviews'")}
    assert {"script=mostly Latin", "length=100 or more"} <= segments


def test_no_word_of_a_text_is_kept_or_shown(world):
    world.run("report", "reviews", "--output", str(world.folder / "report.html"))
    files = [path for path in (world.folder / "home").rglob("*") if path.is_file()]
    files.append(world.folder / "report.html")
    snapshots = [path for path in files if path.suffix == ".parquet"]
    assert snapshots
    for path in files:
        assert CANARY.encode() not in path.read_bytes(), path
    for path in snapshots:
        texts = pl.read_parquet(path).select(pl.selectors.string())
        assert not any(column.str.contains(CANARY).any() for column in texts.get_columns()), path


OF_PLACES = ("attribution", "estimate", "explanation", "segments")


def test_late_labels_after_a_rebuilt_reference_measure_nothing_with_other_places(world):
    def numbers(*producers):
        placeholders = ", ".join("?" * len(producers))
        return world.ask(
            "SELECT producer, subject, name, segment, value, status, reason FROM current_measurements "
            f"WHERE model = 'stars' AND chunk = ? AND producer IN ({placeholders}) ORDER BY 1, 2, 3, 4",
            str(RUSSIAN), *producers,
        )  # fmt: skip

    before, performance = numbers(*OF_PLACES), numbers("performance")
    world.execute(f"UPDATE scores SET review = reverse(review) WHERE ts < TIMESTAMP '{FIRST} 02:00'")
    world.run("reference", "rebuild", "stars")
    world.execute(f"UPDATE scores SET stars = stars + 1 WHERE ts::DATE = DATE '{RUSSIAN}'")
    assert world.late_labels() == [str(RUSSIAN)]
    assert numbers("performance") != performance
    assert numbers(*OF_PLACES) == before
    refused = world.run("explain", "stars", "--chunk", str(RUSSIAN), "--row", f"{RUSSIAN}-3", exit_code=1)
    assert "read with a reference that was rebuilt since: materialize stars/predictions (backfill)" in refused
    world.run("backfill", "stars", "--from", str(RUSSIAN), "--to", str(RUSSIAN))
    after = numbers(*OF_PLACES)
    assert {row[0] for row in after} == {row[0] for row in before}
    assert after != before
