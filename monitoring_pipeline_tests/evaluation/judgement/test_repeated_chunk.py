"""Chunks whose features are those of an earlier chunk."""

import numpy as np
import pytest

from monitoring_pipeline.evaluation.judgement.repeated_chunk import repeated_chunk
from monitoring_pipeline.records.measurement import Severity, Status
from monitoring_pipeline_tests.evaluation.cases import canonical, features, profile_of, reference_of
from monitoring_pipeline_tests.spec.cases import binary_spec

SPEC = binary_spec()
REFERENCE = reference_of(SPEC, features(np.random.default_rng(1), 2000))
NAMES = list(SPEC.features)


def _no_repetition():
    return {f"2024-01-{day:02}": _day(100 + day) for day in range(1, 9)}


def _day(seed, rows=300):
    return (profile_of(REFERENCE, canonical(SPEC, features(np.random.default_rng(seed), rows))),)


def test_copy_of_an_earlier_day_is_breached_and_named():
    found = repeated_chunk(
        NAMES, _day(7), {"2024-03-05": _day(5), "2024-03-07": _day(7), "2024-03-08": _day(8)}, _no_repetition
    )
    assert (found.status, found.severity, found.value) == (Status.BREACHED, Severity.WARNING, 1.0)
    assert "as on 2024-03-07" in found.reason


def test_copy_in_another_order_of_rows_is_found():
    columns = features(np.random.default_rng(7), 300)
    order = np.random.default_rng(0).permutation(300)
    other = {name: np.asarray(values)[order] for name, values in columns.items()}
    found = repeated_chunk(
        NAMES, (profile_of(REFERENCE, canonical(SPEC, other)),), {"2024-03-07": _day(7)}, _no_repetition
    )
    assert found.status is Status.BREACHED


@pytest.mark.parametrize("rows", [50, 300, 2000])
def test_days_of_the_same_distribution_do_not_repeat_one_another(rows):
    earlier = {f"2024-03-{day:02}": _day(day, rows) for day in range(1, 9)}
    for seed in range(20, 40):
        found = repeated_chunk(NAMES, _day(seed, rows), earlier, _no_repetition)
        assert (found.status, found.value) == (Status.OK, 0.0)


def test_source_that_has_stopped_is_breached_every_day():
    stopped = dict.fromkeys((f"2024-03-{day:02}" for day in range(1, 9)), _day(7))
    assert repeated_chunk(NAMES, _day(7), stopped, _no_repetition).status is Status.BREACHED


def test_model_that_scored_the_same_rows_every_day_of_the_reference_is_not_breached():
    same = dict.fromkeys(("2024-01-05", "2024-01-06"), _day(7))
    assert repeated_chunk(NAMES, _day(7), {"2024-03-06": _day(7)}, lambda: same).status is Status.OK


@pytest.mark.parametrize("rows", [0, 2])
def test_rows_too_few_to_show_it_have_no_measurement(rows):
    assert repeated_chunk(NAMES, _day(7, rows), {"2024-03-07": _day(7, rows)}, _no_repetition) is None
