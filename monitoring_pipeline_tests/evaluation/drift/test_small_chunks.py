"""Chunks with fewer rows than the tests of homogeneity need: skipped with a reason instead of never drifted."""

import numpy as np
import pytest

from monitoring_pipeline.evaluation.drift.columns import Counterpart, measure_drift
from monitoring_pipeline.evaluation.profiles.bins import CategoricalBins, numeric_bins
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile
from monitoring_pipeline.records.measurement import Status
from monitoring_pipeline_tests.spec.cases import regression_spec

BINS = {"plan": CategoricalBins(("a", "b")), "prediction": numeric_bins(np.arange(1_000.0))}
SPEC = regression_spec(features={"plan": "categorical"}, drift__minimum_rows=2, drift__multivariate=[])


def _chunk(plans, rows):
    cells = len(BINS["prediction"].edges) + 1
    numbers = ColumnProfile("prediction", (0, 0, 0, rows, *[0] * (cells - 1), 0))
    return ChunkProfile("1", rows, (ColumnProfile("plan", (0, *plans, 0)), numbers))


def _shape_of_plan(plans, reference=(500, 500)):
    against = Counterpart(BINS, _chunk(reference, sum(reference)))
    measured = measure_drift(SPEC, against, _chunk(plans, sum(plans)))
    return next(m for m in measured if (m.subject, m.name) == ("plan", "jensen_shannon"))


def test_fewer_than_two_cells_of_ten_rows_cannot_be_tested():
    measured = _shape_of_plan((0, 19))
    assert measured.status is Status.SKIPPED
    assert measured.reason == "19 rows, its test needs at least 10 rows in each of two cells"


@pytest.mark.parametrize("plans", [(0, 20), (0, 200)])
def test_enough_rows_are_tested(plans):
    assert _shape_of_plan(plans).status is Status.BREACHED


def test_a_column_of_one_value_has_nothing_to_test_and_is_fine():
    measured = _shape_of_plan((19, 0), reference=(1_000, 0))
    assert (measured.status, measured.p_value) == (Status.OK, 1.0)


def test_the_first_rows_of_a_new_value_are_tested_exactly_on_a_small_chunk():
    assert _shape_of_plan((0, 19), reference=(1_000, 0)).status is Status.BREACHED
