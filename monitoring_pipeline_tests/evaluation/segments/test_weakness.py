"""Weak segments of canonical rows: losses of each task, columns that are missing, and the order of rows."""

import numpy as np
import polars as pl
import pytest

from monitoring_pipeline.evaluation.segments.weakness import find_weakness
from monitoring_pipeline.spec.model import ModelSpec

ROWS = 3000


def _spec(task, **predictions):
    return ModelSpec.model_validate(
        {
            "name": "m", "owner": "team:x", "timezone": "UTC", "task": task, "start": "2024-02-01",
            "predictions": {"table": "t", "id": "id", "time": "at", **predictions},
            "reference": {"1": {"start": "2024-01-01", "end": "2024-02-01"}},
            "features": {"x": "numeric", "c": "categorical", "later": "numeric"},
        }
    )  # fmt: skip


def _rows(seed=0):
    generator = np.random.default_rng(seed)
    rows = pl.DataFrame(
        {
            "row_id": [f"{number:05d}" for number in range(ROWS)],
            "day": 1,
            "x": generator.standard_normal(ROWS),
            "c": generator.choice(["a", "b", "d"], ROWS),
        }
    )
    return rows, generator, (rows["c"] == "b").to_numpy()


def test_regressions_compare_absolute_errors():
    rows, generator, weak = _rows()
    truth = generator.standard_normal(ROWS)
    rows = rows.with_columns(prediction=pl.Series(truth + np.where(weak, 2.0, 1.0)), label=pl.Series(truth))
    ((words, found),) = find_weakness(_spec("regression", prediction="p"), "1", rows).segments
    assert words == "c=b"
    assert (found.mean_loss, found.other_loss) == pytest.approx((2.0, 1.0))


def test_multiclass_models_compare_squared_errors_summed_over_classes():
    rows, generator, weak = _rows()
    right = generator.random(ROWS) < np.where(weak, 0.5, 0.9)
    rows = rows.with_columns(
        score_u=pl.lit(0.8), score_v=pl.lit(0.1), score_w=pl.lit(0.1),
        label=pl.Series(np.where(right, "u", "v")),
    )  # fmt: skip
    spec = _spec("multiclass", scores={"u": "pu", "v": "pv", "w": "pw"})
    rows = rows.rename(dict(zip(["score_u", "score_v", "score_w"], spec.score_columns.values(), strict=True)))
    ((words, found),) = find_weakness(spec, "1", rows).segments
    assert words == "c=b"
    # A right row has .2² + .1² + .1² = .06, a wrong one .8² + .9² + .1² = 1.46.
    assert (found.mean_loss - 0.06) / 1.4 == pytest.approx(0.5, abs=0.07)
    assert (found.other_loss - 0.06) / 1.4 == pytest.approx(0.1, abs=0.03)


def test_the_order_of_rows_changes_nothing():
    rows, generator, weak = _rows()
    rows = rows.with_columns(
        score=pl.Series(generator.random(ROWS)),
        label=pl.Series((generator.random(ROWS) < np.where(weak, 0.9, 0.5)) * 1),
    )
    spec = _spec("binary", score="s")
    assert find_weakness(spec, "1", rows) == find_weakness(spec, "1", rows.sample(fraction=1.0, shuffle=True, seed=3))


def test_shuffled_losses_have_no_weak_segment():
    spec = _spec("regression", prediction="p")
    found = 0
    for seed in range(25):
        rows, generator, _ = _rows(seed)
        # Heavy tails.
        rows = rows.with_columns(prediction=pl.lit(0.0), label=pl.Series(generator.standard_t(2, ROWS)))
        found += bool(find_weakness(spec, "1", rows).segments)
    assert found <= 1


def test_rows_whose_output_or_label_is_no_number_are_left_out():
    rows, generator, _ = _rows()
    label = np.where(np.arange(ROWS) < 2850, np.nan, generator.random(ROWS))
    rows = rows.with_columns(prediction=pl.lit(0.5), label=pl.Series(label))
    assert find_weakness(_spec("regression", prediction="p"), "1", rows).reason == (
        "150 labelled rows, at least 200 needed"
    )
