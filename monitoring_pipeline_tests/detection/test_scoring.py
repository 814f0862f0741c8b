"""Scores of the scorecard: hand-worked values, and scikit-learn as a second implementation."""

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from benchmarks.detection.scoring import Episode, episodes_of, flags_of, joined


def test_rates_equal_those_of_scikit_learn():
    random = np.random.default_rng(7)
    bad, good = random.random(200) < 0.8, random.random(300) < 0.1
    found = flags_of(bad.tolist(), good.tolist())
    truth, flagged = np.repeat([1, 0], [200, 300]), np.concatenate([bad, good])
    assert found.precision == pytest.approx(precision_score(truth, flagged))
    assert found.recall == pytest.approx(recall_score(truth, flagged))
    assert found.f1 == pytest.approx(f1_score(truth, flagged))
    assert found.false_share == pytest.approx(good.mean())


def test_nothing_flagged_has_no_recall():
    found = flags_of([False], [False, False])
    assert (found.precision, found.recall, found.f1, found.false_share) == (1.0, 0.0, 0.0, 0.0)


def test_alarms_belong_to_the_episode_in_which_they_begin():
    changes = [Episode(10, 20), Episode(30, 40)]
    found = episodes_of([3, 12, 15, 20, 45], changes, chunks=50)
    assert (found.found, found.episodes, found.delays) == (1, 2, (2,))
    # The alarms at 3, 20 and 45, in the 30 chunks without a change.
    assert (found.false, found.quiet, found.false_per_thousand) == (3, 30, 100.0)


def test_an_alarm_in_the_first_chunk_has_no_delay():
    assert episodes_of([10], [Episode(10, 20)], chunks=20).delays == (0,)


def test_episodes_of_several_series_are_added():
    parts = [
        episodes_of([5], [Episode(4, 10)], chunks=10),
        episodes_of([], [Episode(4, 10)], chunks=10),
        episodes_of([1, 9], [Episode(4, 10)], chunks=10),
    ]
    together = joined(parts)
    assert (together.recall, together.delay, together.false, together.quiet) == (2 / 3, 3.0, 1, 12)


def test_nothing_has_no_rates():
    nothing = episodes_of([], [], chunks=0)
    assert math.isnan(nothing.recall)
    assert math.isnan(nothing.delay)
    assert math.isnan(nothing.false_per_thousand)
