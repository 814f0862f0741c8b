"""Do 95 % intervals hold the truth 95 times in 100? Each is taken on many small samples of one made-up world."""

import numpy as np
import pytest
from scipy import special

from monitoring_pipeline.evaluation.performance_metrics import Per, metrics_of
from monitoring_pipeline.evaluation.scored_rows import ScoredRows
from monitoring_pipeline.spec.model import Task

ROWS, SIMULATIONS, ROWS_OF_THE_TRUTH = 300, 300, 400_000
DUMMY = {Task.BINARY: (0.3,), Task.MULTICLASS: (0.5, 0.3, 0.2), Task.REGRESSION: (10.0,)}


def _binary(rng, rows):
    """Scores that are too extreme, slope .77, a third of the labels positive; decided at .4."""
    odds = rng.normal(-0.8, 1.3, rows)
    labels = rng.random(rows) < special.expit(0.77 * odds)
    score = special.expit(odds)
    return labels.astype(float), (score >= 0.4).astype(float), score[:, None]


def _multiclass(rng, rows):
    odds = rng.normal([1.0, 0.3, -0.2], 1.0, (rows, 3))
    scores = special.softmax(odds, axis=1)
    chosen = special.softmax(0.8 * odds, axis=1).cumsum(axis=1)
    labels = (rng.random(rows)[:, None] > chosen).sum(axis=1).clip(max=2)
    return labels.astype(float), scores.argmax(axis=1).astype(float), scores


def _regression(rng, rows):
    """Skewed labels, errors that grow with the forecast."""
    forecast = 4 + rng.gamma(3, 2, rows)
    labels = forecast + 0.3 * forecast * rng.standard_normal(rows)
    return labels, forecast, np.empty((rows, 0))


WORLDS = {Task.BINARY: _binary, Task.MULTICLASS: _multiclass, Task.REGRESSION: _regression}
CASES = [
    (Task.BINARY, name)
    for name in ("auroc", "average_precision", "log_loss", "brier_score", "brier_skill", "brier_miscalibration",
                 "brier_discrimination", "brier_uncertainty", "mean_bias", "expected_calibration_error",
                 "calibration_slope", "calibration_intercept", "f1", "precision", "specificity")
] + [
    (Task.MULTICLASS, name) for name in ("macro_auroc", "macro_f1", "weighted_f1", "log_loss", "brier_skill",
    "expected_calibration_error", "accuracy")
] + [
    (Task.REGRESSION, name) for name in ("mean_absolute_error", "root_mean_squared_error", "r_squared",
    "median_absolute_error", "mae_skill", "quantile_loss")
]


def _rows(task, rng, rows, seed):
    labels, predictions, scores = WORLDS[task](rng, rows)
    classes = ("a", "b", "c") if task is Task.MULTICLASS else ()
    return ScoredRows(labels, predictions, scores, classes=classes, dummy=DUMMY[task], seed=("coverage", seed))


@pytest.fixture(scope="module", params=list(Task), ids=str)
def world(request):
    pass


import time
for task in Task:
    rng = np.random.default_rng(7)
    metrics = {m.name: m for m in metrics_of(task) if m.per is Per.MODEL}
    names = [n for t, n in CASES if t is task]
    big = _rows(task, rng, ROWS_OF_THE_TRUTH, "truth")
    truth, cost = {}, {}
    for n in names:
        t0 = time.time(); truth[n] = metrics[n].function(big).value; cost[n] = time.time() - t0
    hits = {n: [] for n in names}; spent = dict.fromkeys(names, 0.0)
    for i in range(SIMULATIONS):
        own = _rows(task, rng, ROWS, str(i))
        own.sample, own.resampled
        for n in names:
            t0 = time.time()
            e = metrics[n].function(own)
            spent[n] += time.time() - t0
            hits[n].append((e.lower <= truth[n] <= e.upper, truth[n] < e.lower, truth[n] > e.upper))
    for n in names:
        print(task, n, f"truth {truth[n]:.4f}", np.mean(hits[n], axis=0).round(3), f"truth {cost[n]:.2f}s sims {spent[n]:.2f}s")
