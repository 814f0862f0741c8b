"""Decided classes: the counts that metrics contain are those of scikit-learn, and few rows are not shown."""

import numpy as np
import pytest
from sklearn import metrics

from monitoring_pipeline.evaluation.performance.confusion import Confusion, confusion_of
from monitoring_pipeline.evaluation.performance.performance import measure_performance
from monitoring_pipeline.records.measurement import Kind
from monitoring_pipeline.web_pages.charts.matrix import matrix_chart
from monitoring_pipeline_tests.evaluation.cases import canonical, labels_of
from monitoring_pipeline_tests.spec.cases import binary_spec, multiclass_spec, regression_spec

RNG = np.random.default_rng(11)
ROWS = 240
CHANCES = RNG.dirichlet([2, 1, 0.7], ROWS)
CLASSES = np.array(["a", "b", "c"])
CHOSEN = CLASSES[CHANCES.argmax(axis=1)]
TRUTH = np.array([RNG.choice(CLASSES, p=own) for own in CHANCES])
CHOICE = multiclass_spec()


def _confusion(spec, rows, labels):
    found = measure_performance(spec, canonical(spec, rows), labels_of(labels), model_version="1")
    confusion = confusion_of(
        spec, {m.metric: (m.value, m.rows) for m in found if m.kind is Kind.PERFORMANCE and m.value is not None}
    )
    assert confusion is not None
    return confusion


def _of_classes(truth):
    rows = {f"score[{name}]": CHANCES[: len(truth), place] for place, name in enumerate(CLASSES)}
    return _confusion(CHOICE, rows | {"prediction": CHOSEN[: len(truth)]}, truth.tolist())


def _counts(confusion):
    places = range(len(confusion.classes))
    return [[confusion.decided(actual, decided) for decided in places] for actual in places]


def test_counts_of_many_classes_are_those_of_scikit_learn():
    assert _counts(_of_classes(TRUTH)) == metrics.confusion_matrix(TRUTH, CHOSEN, labels=CLASSES).tolist()


def test_counts_of_two_classes_are_those_of_scikit_learn():
    label, decided = (TRUTH == "a").astype(float), (CHOSEN == "a").astype(int)
    rows = {"score": CHANCES[:, 0], "prediction": decided.astype(str)}
    confusion = _confusion(binary_spec(), rows, label)
    assert confusion.classes == ("negative", "positive")
    assert _counts(confusion) == metrics.confusion_matrix(label, decided).tolist()


def test_class_without_rows_has_no_shares():
    truth = np.where(TRUTH == "c", "a", TRUTH)
    confusion = _of_classes(truth)
    assert confusion.shares[2] is None
    assert _counts(confusion) == metrics.confusion_matrix(truth, CHOSEN, labels=CLASSES).tolist()
    assert ("c", "below 20", "a", "no rows") in matrix_chart(confusion, None).rows


def test_values_and_unmeasured_classes_have_no_matrix():
    assert confusion_of(regression_spec(), {}) is None
    assert confusion_of(CHOICE, {}) is None


@pytest.mark.parametrize(("rows", "shown"), [(19, "below 20 rows"), (20, "10.0 %")])
def test_cell_of_few_rows_is_not_shown(rows, shown):
    current = Confusion(classes=("x", "y"), rows=(10 * rows, 500), shares=((0.9, 0.1), (0.4, 0.6)))
    before = Confusion(classes=("x", "y"), rows=(900, 900), shares=((0.8, 0.2), (0.6, 0.4)))
    chart = matrix_chart(current, before)
    assert chart.rows[1] == ("x", str(10 * rows), "y", shown, "20.0 %")
    assert ("10%" in chart.svg) == (rows >= 20)
    assert chart.sentence == (
        "60.0 % of the 500 rows that are y are decided right, and 40.0 % of the reference's: no cell moved farther."
    )


def test_sentence_is_about_the_cell_that_moved_farthest():
    current = Confusion(classes=("x", "y"), rows=(400, 600), shares=((0.9, 0.1), (0.99, 0.01)))
    before = Confusion(classes=("x", "y"), rows=(900, 900), shares=((0.8, 0.2), (0.6, 0.4)))
    assert matrix_chart(current, before).sentence == (
        "99.0 % of the 600 rows that are y are decided as x, and 60.0 % of the reference's: no cell moved farther."
    )
