"""Columns with more categories than are counted one by one."""

import narwhals as nw
import numpy as np
import polars as pl
import pytest

from monitoring_pipeline.evaluation.drift.columns import Counterpart, measure_drift
from monitoring_pipeline.evaluation.profiles.profile import profile_chunk
from monitoring_pipeline.evaluation.quality.columns import measure_columns
from monitoring_pipeline.evaluation.reference.columns import learn_columns
from monitoring_pipeline.records.measurement import Status
from monitoring_pipeline_tests.evaluation.cases import canonical
from monitoring_pipeline_tests.spec.cases import binary_spec

SPEC = binary_spec()


def rows_of(plans, *, days=1, seed=0):
    """Return canonical rows with such plans, dealt out to days in turn."""
    generator = np.random.default_rng(seed)
    size = len(plans)
    rows = canonical(
        SPEC,
        {
            "age": generator.standard_normal(size),
            "plan": list(plans),
            "score": generator.uniform(size=size),
            "prediction": ["1"] * size,
        },
    )
    day = pl.int_range(pl.len()) % days
    return rows.with_columns(predicted_at=pl.col("predicted_at").min() + pl.duration(days=day))


def learned_from(rows):
    return learn_columns(SPEC, "1", rows, kept=rows)


def test_each_fourth_row_chooses_categories_and_the_others_count_them():
    chosen = [f"a{place % 250:03d}" for place in range(500)]
    counted = ["a000", "a001", "b"] * 500
    plans = [chosen[place // 4] if place % 4 == 0 else counted[place - place // 4 - 1] for place in range(2000)]
    learned = learned_from(rows_of(plans, days=4))
    assert learned.bins["plan"].categories == tuple(f"a{place:03d}" for place in range(200))
    counts = learned.profile["plan"].counts
    assert (counts[1], counts[2], counts[-1], sum(counts)) == (500, 500, 500, 1500)
    assert learned.profile["age"].rows == learned.profile.rows == 2000
    # Every day's first row of four chose: the first of the four days has no other row of this column.
    assert [chunk["plan"].rows for chunk in learned.chunks.values()] == [0, 500, 500, 500]


def test_two_hundred_categories_are_counted_on_all_rows():
    learned = learned_from(rows_of([f"a{place % 200:03d}" for place in range(1000)]))
    assert set(learned.profile["plan"].counts[1:-1]) == {5}
    assert learned.profile["plan"].rows == 1000


@pytest.mark.parametrize(("categories", "is_zipf"), [(1_000, False), (10_000, False), (10_000, True)])
def test_many_categories_that_never_change_are_no_drift(categories, is_zipf):
    generator = np.random.default_rng(3)
    weights = 1.0 / np.arange(1, categories + 1) if is_zipf else np.ones(categories)

    def drawn(rows):
        return [f"c{place:05d}" for place in generator.choice(categories, rows, p=weights / weights.sum())]

    learned = learned_from(rows_of(drawn(3500), days=7))
    against = Counterpart(learned.bins, learned.profile, learned=learned.floors.floor)
    flagged, outside = 0, 0
    for _ in range(20):
        profile = profile_chunk(nw.from_native(rows_of(drawn(500)).lazy()), learned.bins, model_version="1")
        measured = (*measure_drift(SPEC, against, profile), *measure_columns(learned.facts, profile))
        flagged += any(each.status is Status.BREACHED and each.subject == "plan" for each in measured)
        outside += profile["plan"].counts[-1]
    assert flagged <= 1
    expected = learned.profile["plan"].counts[-1] / learned.profile["plan"].rows
    assert outside / 10_000 == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) * (1 / 2625 + 1e-4)))


@pytest.mark.parametrize("is_zipf", [False, True])
def test_another_encoding_of_many_categories_is_found(is_zipf):
    generator = np.random.default_rng(4)
    weights = 1.0 / np.arange(1, 1001) if is_zipf else np.ones(1000)
    drawn = [f"c{place:04d}" for place in generator.choice(1000, 4000, p=weights / weights.sum())]
    learned = learned_from(rows_of(drawn[:3500], days=7))
    against = Counterpart(learned.bins, learned.profile, learned=learned.floors.floor)
    renamed = rows_of([f"\ufeff{plan}" for plan in drawn[3500:]])
    profile = profile_chunk(nw.from_native(renamed.lazy()), learned.bins, model_version="1")
    drift = [each for each in measure_drift(SPEC, against, profile) if each.subject == "plan"]
    assert all(each.status is Status.BREACHED for each in drift)
    quality = {(each.subject, each.name): each for each in measure_columns(learned.facts, profile)}
    unseen = quality["plan", "unseen_share"]
    assert unseen.status is Status.BREACHED
    assert unseen.value == 1.0
