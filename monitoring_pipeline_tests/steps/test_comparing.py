"""Comparisons of periods, versions and segments: the numbers of the store, and losses that are losses."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from monitoring_pipeline.evaluation.compared_sides import ComparedMetric, Side, compare_sides
from monitoring_pipeline.evaluation.profiles.bins import Bins, numeric_bins
from monitoring_pipeline.evaluation.profiles.labelled import profile_labelled
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.comparing import Asked, NothingToCompareError, side_of
from monitoring_pipeline.steps.periods import sum_performance
from monitoring_pipeline_tests.worlds.retraining_world import outside
from monitoring_pipeline_tests.worlds.world import DAYS, DELIVERIES, LOANS, World

ROWS = 400
Days = dict[str, tuple[ChunkProfile, ...]]


def days_of(spec: ModelSpec, bins: dict[str, Bins], keys: Sequence[str], *, slope: float, seed: int) -> Days:
    """Return labelled days on which the chance of a positive follows the score as steeply as ``slope``."""
    days: Days = {}
    for place, key in enumerate(keys):
        random = np.random.default_rng([seed, place])
        scores = random.random(ROWS)
        chances = np.clip(0.5 + slope * (scores - 0.5) + 0.05 * random.standard_normal(), 0.0, 1.0)
        ids = [f"{key}-{row}" for row in range(ROWS)]
        rows = pl.DataFrame({"row_id": ids, "score": scores, "prediction": (scores >= 0.5).astype(float)})
        labels = pl.DataFrame({"row_id": ids, "label": (random.random(ROWS) < chances).astype(float)})
        days[key] = profile_labelled(spec, bins, rows, labels, model_version="1")
    return days


@pytest.fixture(scope="module")
def spec(monitored: World) -> ModelSpec:
    return monitored.loaded(LOANS).spec


@pytest.fixture(scope="module")
def bins() -> dict[str, Bins]:
    return {"score": numeric_bins(np.linspace(0.0, 1.0, 5_000))}


def named(compared: Sequence[ComparedMetric], name: str) -> ComparedMetric:
    return next(m for m in compared if str(m.metric) == name)


KEYS = [f"2024-03-{day:02}" for day in range(1, 29)]


def test_lasting_loss_is_worse_and_its_reverse_is_better(spec: ModelSpec, bins: dict[str, Bins]) -> None:
    good = Side("before", bins, days_of(spec, bins, KEYS[:14], slope=0.9, seed=1))
    bad = Side("after", bins, days_of(spec, bins, KEYS[14:], slope=0.4, seed=2))
    loss, gain = (named(compare_sides(spec, *sides), "auroc") for sides in ((good, bad), (bad, good)))
    assert (loss.worse, gain.worse) == (True, False)
    assert loss.difference.value == pytest.approx(loss.second.value - loss.first.value)
    assert loss.difference.value == pytest.approx(-gain.difference.value)
    assert loss.rows == (14 * ROWS, 14 * ROWS)
    assert named(compare_sides(spec, good, bad), "base_rate").worse is None


def test_side_does_not_differ_from_itself(spec: ModelSpec, bins: dict[str, Bins]) -> None:
    side = Side("same", bins, days_of(spec, bins, KEYS[:7], slope=0.8, seed=3))
    for m in compare_sides(spec, side, side):
        assert (m.difference.value, m.worse) == (0.0, None)


def test_intervals_of_equal_periods_hold_zero_about_as_often_as_they_promise(
    spec: ModelSpec, bins: dict[str, Bins]
) -> None:
    trials = 60
    held = sum(
        named(
            compare_sides(
                spec,
                Side("a", bins, days_of(spec, bins, KEYS[:10], slope=0.7, seed=100 + trial)),
                Side("b", bins, days_of(spec, bins, KEYS[10:20], slope=0.7, seed=900 + trial)),
            ),
            "brier_score",
        ).worse
        is None
        for trial in range(trials)
    )
    assert held >= 0.9 * trials


def test_what_days_have_in_common_cancels_between_sides_of_the_same_days(
    spec: ModelSpec, bins: dict[str, Bins]
) -> None:
    days = days_of(spec, bins, KEYS, slope=0.8, seed=5)
    shuffled = dict(zip(KEYS, [days[key] for key in reversed(KEYS)], strict=True))
    other = days_of(spec, bins, KEYS, slope=0.8, seed=6)
    same_days = named(
        compare_sides(spec, Side("a", bins, days), Side("b", bins, days | {KEYS[0]: other[KEYS[0]]})), "auroc"
    )
    other_days = named(
        compare_sides(spec, Side("a", bins, days), Side("b", bins, shuffled | {KEYS[0]: other[KEYS[0]]})), "auroc"
    )
    assert width(same_days) < width(other_days) / 3


def width(m: ComparedMetric) -> float:
    assert m.difference.lower is not None
    assert m.difference.upper is not None
    return m.difference.upper - m.difference.lower


def test_order_of_the_days_does_not_matter_and_two_days_have_no_interval(
    spec: ModelSpec, bins: dict[str, Bins]
) -> None:
    days = days_of(spec, bins, KEYS[:6], slope=0.8, seed=7)
    turned = dict(reversed(days.items()))
    other = Side("b", bins, days_of(spec, bins, KEYS[6:9], slope=0.5, seed=8))
    assert compare_sides(spec, Side("a", bins, days), other) == compare_sides(spec, Side("a", bins, turned), other)
    one = replace(other, days=dict([next(iter(other.days.items()))]))
    (alone, *_) = compare_sides(spec, one, replace(one, days={KEYS[8]: other.days[KEYS[8]]}))
    assert alone.worse is None
    assert alone.difference.lower is None
    assert "2 days with labelled rows, at least 3 needed" in (alone.difference.note or "")


@pytest.mark.parametrize("model", [LOANS, DELIVERIES])
def test_values_are_those_of_the_sums_of_the_store(monitored: World, model: str) -> None:
    spec = monitored.loaded(model).spec
    with outside(monitored) as ports:
        halves = [DAYS[: len(DAYS) // 2], DAYS[len(DAYS) // 2 :]]
        sides = [side_of(spec, Asked(half[0], half), ports) for half in halves]
        (version,) = spec.reference
        sums = [{m.metric: m.value for m in sum_performance(spec, version, half, store=ports.store)} for half in halves]
    compared = compare_sides(spec, *sides)
    assert {m.metric for m in compared} == sums[0].keys() & sums[1].keys() != set()
    for m in compared:
        assert (m.first.value, m.second.value) == (sums[0][m.metric], sums[1][m.metric])
    assert sides[0].name == f"{DAYS[0]}, version {version}"


def test_side_without_rows_names_what_is_missing(monitored: World) -> None:
    spec = monitored.loaded(LOANS).spec
    with outside(monitored) as ports:
        with pytest.raises(NothingToCompareError, match="nowhere has no labelled rows"):
            side_of(spec, Asked("nowhere", ["1999-01-01"]), ports)
        with pytest.raises(Exception, match="version '9' has no reference"):
            side_of(spec, Asked("version 9", DAYS, version="9"), ports)
