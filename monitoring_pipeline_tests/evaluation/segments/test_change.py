"""The change of mean output and mean loss over segments: parts sum to it, one segment is named, few rows are hidden."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from monitoring_pipeline.evaluation.segments.change import BY_MIX, CHANGE, ELSEWHERE, WITHIN, measure_change
from monitoring_pipeline.evaluation.segments.learned import learn_segments, segments_document, segments_from_document
from monitoring_pipeline.evaluation.segments.of_chunk import SegmentsOfChunk
from monitoring_pipeline.records.measurement import Maturity
from monitoring_pipeline.spec.model import ModelSpec

BY = {
    "region": "region",
    "size": {"column": "x", "ranges": [-1, 0, 1]},
    "both": {"cross": ["region", "size"]},
    "large": {"where": {"x": {"at_least": 1}}},
}


def _spec(task="binary", labels=True):
    outputs = {
        "binary": {"score": "s"},
        "regression": {"prediction": "p"},
        "multiclass": {"scores": {"u": "pu", "v": "pv"}},
    }
    return ModelSpec.model_validate(
        {
            "name": "m", "owner": "team:x", "timezone": "UTC", "task": task, "start": "2024-02-01",
            "predictions": {"table": "t", "id": "id", "time": "at", "group_columns": ["region"], **outputs[task]},
            "reference": {"1": {"start": "2024-01-01", "end": "2024-02-01"}},
            "features": {"x": "numeric"},
            "segments": {"by": BY},
            **({"labels": {"table": "l", "id": "id", "label": "y", "known_at": "at"}} if labels else {}),
        }
    )  # fmt: skip


def _rows(days, of_day, seed, *, shares=(0.4, 0.3, 0.28, 0.02)):
    generator = np.random.default_rng(seed)
    rows = days * of_day
    score = generator.uniform(0.05, 0.95, rows)
    return pl.DataFrame(
        {
            "row_id": [f"{number:06d}" for number in generator.permutation(rows)],
            "predicted_at": [
                dt.datetime(2024, 1, 1 + number // of_day, 12, tzinfo=dt.UTC) for number in range(rows)
            ],
            "region": pl.Series(generator.choice(["north", "south", "west", "far"], rows, p=shares)).set(
                pl.Series(generator.random(rows) < 0.05), None
            ),
            "x": generator.standard_normal(rows),
            "score": score,
            "prediction": (score > 0.5).astype(int).astype(str),
            "label": (generator.random(rows) < score).astype(float),
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def learned():
    spec = _spec()
    found = learn_segments(spec, "1", {}, _rows(20, 500, 0), reference_hash="x")
    assert segments_from_document(segments_document(found)) == found
    return found


def _measured(learned, rows, *, maturity=Maturity.FINAL, labels=None):
    of = SegmentsOfChunk(_spec(), learned, {}, rows.drop("label"))
    known = rows.select("row_id", "label") if labels is None else labels
    return measure_change(of, known, maturity)


def _change(measured, of):
    return next(m for m in measured if m.name == CHANGE and m.of == of)


def _of_segmentation(measured, of, name):
    return [m for m in measured if m.of == of and m.segment.partition("=")[0] == name]


@pytest.mark.parametrize("seed", range(8))
def test_parts_of_each_segmentation_sum_to_the_change(learned, seed):
    rows = _rows(1, 700, seed + 1, shares=(0.6, 0.1, 0.28, 0.02)).with_columns(pl.col("score") * 0.9)
    measured = _measured(learned, rows)
    for of in ("mean_score", "log_loss"):
        change = _change(measured, of)
        if not change.lower <= 0.0 <= change.upper:
            for name in BY:
                parts = _of_segmentation(measured, of, name)
                assert sum(m.value for m in parts) == pytest.approx(change.value, abs=1e-9), name
    assert _of_segmentation(measured, "mean_score", "region")


def test_change_and_parts_are_those_of_plain_means(learned):
    before, rows = (
        _rows(20, 500, 0),
        _rows(1, 700, 3, shares=(0.6, 0.1, 0.28, 0.02)).with_columns(pl.col("score") * 0.9),
    )
    measured = _measured(learned, rows)
    mean = _change(measured, "mean_score")
    assert mean.value == pytest.approx(rows["score"].mean() - before["score"].mean(), abs=1e-12)
    shares = [(side["region"] == "north").fill_null(value=False).mean() for side in (before, rows)]
    means = [side.filter(pl.col("region") == "north")["score"].mean() for side in (before, rows)]
    own = {m.name: m for m in measured if m.of == "mean_score" and m.segment == "region=north"}
    assert own[WITHIN].value == pytest.approx(sum(shares) / 2 * (means[1] - means[0]), abs=1e-12)
    middle = (before["score"].mean() + rows["score"].mean()) / 2
    assert own[BY_MIX].value == pytest.approx((shares[1] - shares[0]) * (sum(means) / 2 - middle), abs=1e-12)
    assert (own[BY_MIX].reference_value, own[WITHIN].reference_value) == pytest.approx((shares[0], means[0]))


def _flipped(rows, where):
    return rows.with_columns(label=pl.when(where).then(1 - pl.col("label")).otherwise("label"))


def test_segment_whose_loss_rose_is_named_with_its_loss_there_and_elsewhere(learned):
    rows = _flipped(_rows(1, 700, 5), pl.col("region") == "north")
    words = _change(_measured(learned, rows), "log_loss").reason
    assert "from the rows where region=north: " in words
    assert "before" in words.partition("; elsewhere ")[2]
    # Of a crossing the one with the fault is named, and not the region it is in.
    rows = _flipped(_rows(1, 2_000, 5), (pl.col("region") == "north") & (pl.col("x") > 1))
    assert "where both=north & 1 or more: " in _change(_measured(learned, rows), "log_loss").reason


def test_no_segment_is_named_where_all_rows_changed_alike(learned):
    rows = _rows(1, 700, 6)
    everywhere = rows.with_columns(label=1 - pl.col("label"), score=pl.col("score") * 0.6)
    measured = _measured(learned, everywhere)
    assert _change(measured, "log_loss").value > 0.1
    assert [_change(measured, of).reason for of in ("log_loss", "mean_score")] == [None, None]


def test_more_rows_of_a_segment_are_a_change_of_the_mix():
    spec = _spec()
    before = _rows(20, 500, 0).with_columns(
        score=pl.col("score") * pl.when(pl.col("region") == "north").then(0.3).otherwise(1)
    )
    learned = learn_segments(spec, "1", {}, before, reference_hash="x")
    rows = _rows(1, 700, 4, shares=(0.8, 0.1, 0.08, 0.02))
    rows = rows.with_columns(score=pl.col("score") * pl.when(pl.col("region") == "north").then(0.3).otherwise(1))
    words = _change(_measured(learned, rows), "mean_score").reason
    assert "from more rows where region=north: 3" in words


def test_segments_of_few_rows_are_hidden_and_so_is_what_would_show_them(learned):
    rows = _rows(1, 700, 7).with_columns(pl.col("score") * 0.8, pl.col("region").fill_null("north"))
    few = rows.filter(pl.col("region") == "far").height
    assert 0 < few < 20
    measured = _measured(learned, rows)
    parts = _of_segmentation(measured, "mean_score", "region")
    assert not [m for m in measured if "far" in m.segment or "far" in (m.reason or "")]
    # Without all three others the rest would be the rows of `far` alone.
    assert len({m.segment for m in parts if m.name == WITHIN}) == 2
    assert min(m.rows for m in measured) >= 20


def test_nothing_depends_on_the_order_of_rows(learned):
    rows = _flipped(_rows(1, 700, 5), pl.col("region") == "north")
    assert _measured(learned, rows) == _measured(learned, rows.reverse())


def test_loss_waits_for_labels(learned):
    rows = _rows(1, 700, 5)
    early = rows.select("row_id", "label").head(300)
    assert [m.of for m in _measured(learned, rows, maturity=Maturity.IMMATURE, labels=early) if m.name == CHANGE] == [
        "mean_score"
    ]
    assert _change(_measured(learned, rows, labels=early), "log_loss").rows == 300


def test_rows_that_are_missing_altogether_bring_their_mix(learned):
    rows = (
        _rows(1, 900, 5)
        .filter(pl.col("region").is_null() | (pl.col("region") != "north"))
        .with_columns(pl.col("score") * 0.8)
    )
    measured = _measured(learned, rows)
    own = {m.name: m.value for m in measured if m.of == "mean_score" and m.segment == "region=north"}
    assert own[WITHIN] == 0.0
    assert own[BY_MIX] != 0.0
    total = sum(m.value for m in _of_segmentation(measured, "mean_score", "region"))
    assert total == pytest.approx(_change(measured, "mean_score").value, abs=1e-9)


def test_other_tasks_have_their_own_numbers():
    for task, outputs in (("regression", "mean_prediction"), ("multiclass", "mean_score[")):
        spec = _spec(task)
        rows = _rows(8, 300, 1)
        if task == "regression":
            rows = rows.with_columns(prediction="score")
        else:
            scores = {spec.score_columns["u"]: pl.col("score"), spec.score_columns["v"]: 1 - pl.col("score")}
            rows = rows.with_columns(
                **scores, label=pl.when(pl.col("label") == 1).then(pl.lit("u")).otherwise(pl.lit("v"))
            )
        learned = learn_segments(spec, "1", {}, rows.filter(pl.col("row_id") < "001800"), reference_hash="x")
        today = rows.filter(pl.col("row_id") >= "001800")
        of = SegmentsOfChunk(spec, learned, {}, today.drop("label"))
        measured = measure_change(of, today.select("row_id", "label"), Maturity.FINAL)
        names = [m.of for m in measured if m.name == CHANGE]
        assert len(names) == 2
        assert names[0].startswith(outputs)
        assert names[1] == ("mean_absolute_error" if task == "regression" else "log_loss")


def test_without_labels_only_outputs_are_split():
    spec = _spec(labels=False)
    rows = _rows(8, 300, 1).drop("label")
    learned = learn_segments(spec, "1", {}, rows, reference_hash="x")
    assert [level.number for level in learned.whole.levels] == ["mean_score"]
    measured = measure_change(SegmentsOfChunk(spec, learned, {}, rows), None, None)
    assert {m.name for m in measured} <= {CHANGE, BY_MIX, WITHIN, ELSEWHERE}
