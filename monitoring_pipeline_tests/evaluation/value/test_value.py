"""What predictions are worth: by hand, by a second implementation, and in how many of many days the intervals hold."""

import datetime as dt
from fractions import Fraction

import numpy as np
import polars as pl
import pytest

from monitoring_pipeline.evaluation.business.money import (
    DIFFERENCE,
    ESTIMATED_PER_PREDICTION,
    OF_ALL,
    PER_PREDICTION,
    TOTAL,
    USUAL,
    amount,
)  # fmt: skip
from monitoring_pipeline.evaluation.estimation.estimation import learn_estimation
from monitoring_pipeline.evaluation.labels.maturity import LabelMaturity
from monitoring_pipeline.evaluation.value.measuring import KnownLabels, measure_value
from monitoring_pipeline.evaluation.value.prices import outcomes_of, realized_values
from monitoring_pipeline.evaluation.value.usual import learn_values
from monitoring_pipeline.records.measurement import Maturity, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline_tests.evaluation.cases import canonical
from monitoring_pipeline_tests.spec.cases import BINARY, MULTICLASS, REGRESSION, changed

OUTCOMES = {"positive": {"positive": 40, "negative": -15}, "negative": {"positive": -60, "negative": 0.1}}
BINARY_VALUE = {"currency": "EUR", "outcomes": OUTCOMES}
NOON = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)
DAYS, ROWS = 30, 300


def _spec(document=BINARY, value=BINARY_VALUE, **fields):
    return ModelSpec.model_validate(changed(document, {"value": value, **fields}))


def _labelled(spec, columns, labels, days=1):
    frame = canonical(spec, columns)
    moments = [NOON + dt.timedelta(days=number % days) for number in range(frame.height)]
    return frame.with_columns(predicted_at=pl.Series(moments, dtype=pl.Datetime("us", "UTC")), label=pl.Series(labels))


def _known(frame, *, share=1.0, state=Maturity.FINAL):
    labels = frame.select("row_id", "label").drop_nulls().head(int(share * frame.height))
    return KnownLabels(labels, LabelMaturity(frame.height, labels.height, state))


def _measure(spec, frame, usual=None, **known):
    labels = _known(frame, **known) if known.get("share", 1.0) else None
    measured = measure_value(spec, frame.drop("label"), labels, usual, model_version="1")
    return {(m.name, m.segment): m for m in measured}


def _usual(spec, frame):
    return learn_values(spec, learn_estimation(spec, frame), {}, frame)


def _scored(rng, rows=ROWS, *, days=1, effect=0.0):
    """Return rows whose labels have the probability of their scores; ``effect`` moves each day's labels."""
    score = rng.beta(2, 3, rows)
    of_day = rng.normal(0.0, effect, days)[np.arange(rows) % days] if effect else 0.0
    label = (rng.uniform(size=rows) < np.clip(score + of_day, 0, 1)).astype(float)
    columns = {"score": score, "prediction": np.where(score >= 0.5, "1", "0"), "plan": rng.choice(["a", "b"], rows)}
    return _labelled(_spec(), columns, label, days)


def test_sum_of_a_binary_model_by_hand():
    columns = {"score": [0.9, 0.9, 0.1, 0.1, 0.1], "prediction": ["1", "1", "0", "0", "0"]}
    frame = _labelled(_spec(), columns, [1.0, 0.0, 1.0, 0.0, None])
    measured = _measure(_spec(**{"performance.minimum_rows": 2}), frame)
    total, mean, of_all = (measured[name, ""] for name in (TOTAL, PER_PREDICTION, OF_ALL))
    assert total.value == 40 - 15 - 60 + 0.1
    assert total.reason == "4 of 5 predictions have a label"
    assert mean.value == total.value / 4
    assert of_all.value == pytest.approx(total.value / 4 * 5)
    assert of_all.lower < of_all.value < of_all.upper


def test_sum_of_all_labelled_rows_is_exact_and_certain():
    rng = np.random.default_rng(1)
    frame = _scored(rng, 2_000)
    measured = _measure(_spec(), frame)
    counts = frame.group_by("prediction", "label").len().rows()
    names = {"1": "positive", "0": "negative", 1.0: "positive", 0.0: "negative"}
    by_hand = sum(Fraction(OUTCOMES[names[p]][names[a]]) * rows for p, a, rows in counts)
    assert measured[TOTAL, ""].value == float(by_hand)
    of_all = measured[OF_ALL, ""]
    assert of_all.lower == of_all.value == of_all.upper == measured[TOTAL, ""].value


def test_order_of_rows_changes_no_number():
    rng = np.random.default_rng(2)
    spec, frame = _spec(**{"segments.by": {"plan": "plan"}}), _scored(rng, DAYS * ROWS, days=DAYS)
    usual, chunk = _usual(spec, frame), frame.head(700)
    assert _measure(spec, chunk, usual) == _measure(spec, chunk.reverse(), usual)


def test_values_of_a_regression_by_hand():
    spec = _spec(REGRESSION, {"currency": "EUR", "per_unit": {"over": -2.5, "under": -4}})
    frame = _labelled(spec, {"prediction": [10.0, 10.0, 10.0]}, [8.0, 13.0, 10.0])
    assert realized_values(spec, outcomes_of(spec, frame)).tolist() == [-5.0, -12.0, 0.0]


def test_classes_of_a_multiclass_model_are_looked_up_by_name():
    names = list(MULTICLASS["predictions"]["scores"])
    outcomes = {p: {a: 10 * i + j for j, a in enumerate(names)} for i, p in enumerate(names)}
    spec = _spec(MULTICLASS, {"currency": "EUR", "outcomes": outcomes})
    columns = {name: [1 / len(names)] * 2 for name in spec.score_columns.values()}
    frame = _labelled(spec, columns | {"prediction": [names[1], names[0]]}, [names[0], names[2]])
    assert realized_values(spec, outcomes_of(spec, frame)).tolist() == [10.0, 2.0]


def test_estimate_is_the_mean_over_the_chances_of_each_row():
    rng = np.random.default_rng(3)
    spec, frame = _spec(), _scored(rng, DAYS * ROWS, days=DAYS)
    usual, chunk = _usual(spec, frame), frame.head(200)
    estimate = _measure(spec, chunk, usual, share=0.0)[ESTIMATED_PER_PREDICTION, ""]
    assert usual.off is not None
    recalibrations = learn_estimation(spec, frame).recalibrations
    chances = recalibrations[0](chunk["score"].to_numpy()) if recalibrations else chunk["score"].to_numpy()
    worth = [
        chance * OUTCOMES[p]["positive"] + (1 - chance) * OUTCOMES[p]["negative"]
        for chance, p in zip(
            chances, ["positive" if x == "1" else "negative" for x in chunk["prediction"]], strict=True
        )
    ]
    assert estimate.value == pytest.approx(np.mean(worth), rel=1e-12)


@pytest.mark.parametrize("document", ["binary", "regression"])
def test_intervals_hold_on_most_days(document):
    rng = np.random.default_rng(4)
    if document == "binary":
        spec, make = _spec(), lambda rows, days: _scored(rng, rows, days=days, effect=0.08)
    else:
        spec = _spec(REGRESSION, {"currency": "EUR", "per_unit": {"over": -1, "under": -3}})

        def make(rows, days):
            label = rng.normal(50, 10, rows)
            moved = rng.normal(0, 2, days)[np.arange(rows) % days]
            return _labelled(spec, {"prediction": label + rng.normal(0, 5, rows) + moved}, label, days)

    usual = _usual(spec, make(40 * ROWS, 40))
    inside, usual_days, usual_estimates, days = 0, 0, 0, 60
    for _ in range(days):
        chunk = make(ROWS, 1)
        realized, guessed = _measure(spec, chunk, usual), _measure(spec, chunk, usual, share=0.0)
        estimate = guessed[ESTIMATED_PER_PREDICTION, ""]
        inside += estimate.lower <= realized[PER_PREDICTION, ""].value <= estimate.upper
        difference = realized[DIFFERENCE, ""]
        usual_days += difference.lower <= 0 <= difference.upper
        from_estimates = guessed[DIFFERENCE, ""]
        usual_estimates += from_estimates.lower <= 0 <= from_estimates.upper
    assert usual_estimates >= 0.85 * days
    assert inside >= 0.85 * days
    assert usual_days >= 0.85 * days


def test_lost_value_is_a_breach_and_a_difference_that_is_proven():
    rng = np.random.default_rng(5)
    spec = _spec(value=BINARY_VALUE | {"threshold": {"worse_than_reference": 5}})
    frame = _scored(rng, DAYS * ROWS, days=DAYS)
    usual = _usual(spec, frame)
    healthy = _measure(spec, _scored(rng), usual)
    flipped = _scored(rng).with_columns(label=1 - pl.col("label"))
    broken = _measure(spec, flipped, usual)
    assert (healthy[PER_PREDICTION, ""].status, broken[PER_PREDICTION, ""].status) == (Status.OK, Status.BREACHED)
    assert broken[PER_PREDICTION, ""].severity is Severity.WARNING
    assert broken[DIFFERENCE, ""].upper < 0
    mean = broken[USUAL, ""].value
    assert broken[DIFFERENCE, ""].value == pytest.approx((broken[PER_PREDICTION, ""].value - mean) * ROWS)


def test_estimate_is_judged_only_while_labels_are_missing():
    rng = np.random.default_rng(6)
    spec = _spec(value=BINARY_VALUE | {"threshold": {"lower": 30, "severity": "critical"}})
    usual, chunk = _usual(spec, _scored(rng, DAYS * ROWS, days=DAYS)), _scored(rng)
    early, late = _measure(spec, chunk, usual, share=0.0), _measure(spec, chunk, usual)
    assert early[ESTIMATED_PER_PREDICTION, ""].status is Status.BREACHED
    assert early[ESTIMATED_PER_PREDICTION, ""].severity is Severity.WARNING
    assert early[PER_PREDICTION, ""].reason == "no labels have been read"
    assert late[ESTIMATED_PER_PREDICTION, ""].status is Status.OK
    assert late[PER_PREDICTION, ""].severity is Severity.CRITICAL
    assert early[DIFFERENCE, ""].reason == "estimated without labels"
    assert late[DIFFERENCE, ""].reason == "realized"


def test_few_labels_are_not_judged_and_the_estimate_takes_their_place():
    rng = np.random.default_rng(7)
    spec, chunk = _spec(), _scored(rng)
    usual = _usual(spec, _scored(rng, DAYS * ROWS, days=DAYS))
    measured = _measure(spec, chunk, usual, share=0.1, state=Maturity.IMMATURE)
    assert "of the labels have arrived" in measured[PER_PREDICTION, ""].reason
    assert measured[TOTAL, ""].reason == f"30 of {ROWS} predictions have a label"
    assert measured[DIFFERENCE, ""].reason == "estimated without labels"


def test_segments_sum_to_the_whole():
    rng = np.random.default_rng(8)
    spec, chunk = _spec(**{"segments.by": {"plan": "plan"}}), _scored(rng)
    measured = _measure(spec, chunk, _usual(spec, _scored(rng, DAYS * ROWS, days=DAYS)))
    parts = [m.value for (name, segment), m in measured.items() if name == TOTAL and segment]
    assert len(parts) == 2
    assert sum(parts) == pytest.approx(measured[TOTAL, ""].value)


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_tiny_chunks_are_not_judged(rows):
    rng = np.random.default_rng(9)
    usual = _usual(_spec(), _scored(rng, DAYS * ROWS, days=DAYS))
    measured = _measure(_spec(), _scored(rng, 3).head(rows), usual)
    assert measured[PER_PREDICTION, ""].status is Status.SKIPPED


def test_reference_of_few_days_gives_a_reason():
    rng = np.random.default_rng(10)
    spec, few = _spec(), _scored(rng, 3 * ROWS, days=3)
    measured = _measure(spec, _scored(rng), _usual(spec, few))
    assert measured[DIFFERENCE, ""].reason == "3 days of the reference have labels, at least 5 needed"
    assert measured[PER_PREDICTION, ""].value is not None


def test_rows_without_a_usable_output_are_not_called_without_reference():
    rng = np.random.default_rng(12)
    usual = _usual(_spec(), _scored(rng, DAYS * ROWS, days=DAYS))
    broken = _scored(rng).with_columns(score=pl.lit(None, dtype=pl.Float64))
    measured = _measure(_spec(), broken, usual, share=0.0)
    assert measured[ESTIMATED_PER_PREDICTION, ""].reason == "no prediction has a usable output"


def test_sample_of_a_counted_chunk_has_no_sum():
    rng = np.random.default_rng(11)
    frame = _scored(rng)
    measured = measure_value(
        _spec(), frame.drop("label"), _known(frame), None, model_version="1", only_a_sample="only a sample"
    )
    reasons = {m.name: m.reason for m in measured if m.value is None}
    assert reasons[TOTAL] == reasons[OF_ALL] == reasons[DIFFERENCE] == "only a sample"
    assert {m.name for m in measured if m.value is not None} == {PER_PREDICTION}


@pytest.mark.parametrize(("value", "words"), [
    (0, "0"), (0.04, "0.04"), (3.14159, "3.14"), (999.4, "999"), (4187.3, "4,190"), (-98123, "-98,100"),
    (1234567, "1,230,000"),
])  # fmt: skip
def test_amounts_have_three_digits(value, words):
    assert amount(value) == words
