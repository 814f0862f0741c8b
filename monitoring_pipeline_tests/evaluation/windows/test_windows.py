"""Windows of days: their numbers are those of all their rows, and are judged as those of a day."""

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import stats

from monitoring_pipeline.evaluation.performance.performance import measure_performance
from monitoring_pipeline.evaluation.profiles.bins import numeric_bins
from monitoring_pipeline.evaluation.profiles.labelled import (
    day_counts,
    error_bins,
    profile_labelled,
    summed_performance,
)
from monitoring_pipeline.evaluation.windows.numbers import numbers_of
from monitoring_pipeline.evaluation.windows.performance import (
    Expected,
    FinalChunk,
    measure_windows,
    metrics_judged,
    metrics_read,
)
from monitoring_pipeline.evaluation.windows.reference_days import days_of_reference
from monitoring_pipeline.evaluation.windows.spans import units_of, windows_of
from monitoring_pipeline.records.measurement import Kind, Severity, Status
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.results import Quantity
from monitoring_pipeline_tests.evaluation.cases import canonical, labels_of
from monitoring_pipeline_tests.spec.cases import MULTICLASS, binary_spec, changed, regression_spec

LAST = "2024-04-30"
AUROC = MetricName("auroc")


def _binary_day(rng, rows, *, apart):
    labels = (rng.random(rows) < 0.3).astype(float)
    scores = 1 / (1 + np.exp(-(rng.normal(size=rows) + apart * labels - 1)))
    return scores, labels


class _Model:
    """A binary model: a reference of 40 days, and later days by key."""

    def __init__(self, rows=150, apart=1.2, days=28, seed=1, **changes):
        self.spec = binary_spec(**changes)
        self.rng = np.random.default_rng(seed)
        start = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)
        parts = [
            self._frame(*_binary_day(self.rng, rows, apart=1.2)).with_columns(
                predicted_at=pl.lit(start + dt.timedelta(days=day))
            )
            for day in range(40)
        ]
        kept = pl.concat(parts)
        self.bins = {"score": numeric_bins(kept["score"].to_numpy())}
        self.expected = Expected(
            bins=self.bins,
            values={AUROC: Quantity(0.8, 0.79, 0.81)},
            days=days_of_reference(self.spec, self.bins, kept),
        )
        self.days = {}
        calendar = self.spec.calendar
        self.last = calendar.chunk(LAST)
        self.keys = [calendar.earlier(self.last, back).key for back in range(days - 1, -1, -1)]
        for key in self.keys:
            self.put(key, *_binary_day(self.rng, rows, apart=apart))

    @staticmethod
    def _frame(scores, labels):
        return pl.DataFrame({"score": scores, "prediction": (scores > 0.5).astype(float), "label": labels})

    def put(self, key, scores, labels):
        rows = canonical(self.spec, {"score": scores, "prediction": [str(float(s > 0.5)) for s in scores]})
        truth = labels_of(labels)
        measured = measure_performance(self.spec, rows, truth, model_version="1", chunk=key, reference={})
        self.days[key] = (scores, labels)
        self.chunks = getattr(self, "chunks", {}) | {
            key: FinalChunk(
                profile_labelled(self.spec, self.bins, rows, truth, model_version="1"),
                {m.metric: m for m in measured if m.kind is Kind.PERFORMANCE},
            )
        }

    def measure(self, expected=None, **chunks):
        windows = windows_of(self.spec, self.last)
        found = measure_windows(self.spec, "1", windows, chunks or self.chunks, expected or self.expected)
        return {str(m.metric): m for m in found}

    def pooled(self, days):
        sides = [self.days[key] for key in self.keys[-days:]]
        return tuple(np.concatenate(side) for side in zip(*sides, strict=True))


def _auroc(scores, labels):
    ranked = stats.mannwhitneyu(scores[labels == 1], scores[labels == 0]).statistic
    return ranked / (np.sum(labels == 1) * np.sum(labels == 0))


THRESHOLDS = {
    "auroc": {"lower": 0.7}, "precision": {"lower": 0.1}, "recall": {"lower": 0.1}, "f1": {"lower": 0.1},
    "accuracy": {"lower": 0.1}, "specificity": {"lower": 0.1}, "brier_score": {"upper": 0.9},
    "log_loss": {"upper": 9}, "mean_bias": {"upper": 0.9}, "base_rate": {"upper": 0.9},
}  # fmt: skip


@pytest.mark.parametrize("days", [7, 28])
def test_numbers_of_a_window_are_those_of_all_its_rows(days):
    model = _Model(performance__thresholds=THRESHOLDS)
    measured = model.measure()
    scores, labels = model.pooled(days)
    decided = scores > 0.5
    hits = np.sum(decided & (labels == 1))
    by_hand = {
        "precision": hits / np.sum(decided),
        "recall": hits / np.sum(labels),
        "f1": 2 * hits / (np.sum(decided) + np.sum(labels)),
        "accuracy": np.mean(decided == labels),
        "specificity": np.mean(~decided[labels == 0]),
        "brier_score": np.mean((scores - labels) ** 2),
        "log_loss": -np.mean(np.log(np.where(labels == 1, scores, 1 - scores))),
        "mean_bias": np.mean(scores - labels),
        "base_rate": np.mean(labels),
    }
    for name, value in by_hand.items():
        found = measured[f"{name}[{days} days]"]
        assert found.value == pytest.approx(value, abs=1e-7), name
        assert found.lower < value < found.upper
        assert found.rows == labels.size
    area = measured[f"auroc[{days} days]"]
    assert area.value == pytest.approx(_auroc(scores, labels), abs=2e-3)
    assert area.reference_value == 0.8
    assert {m.status for m in measured.values()} == {Status.OK}
    assert {m.kind for m in measured.values()} == {Kind.WINDOW}


def test_number_of_one_day_of_a_window_is_that_of_the_day():
    model = _Model()
    counts = day_counts(model.spec, model.bins, [model.chunks[key].labelled for key in model.keys])
    for number in numbers_of(model.spec, counts):
        for day, key in enumerate(model.keys[:5]):
            (alone,) = number.value(np.eye(28)[[day]])
            of_day = {
                m.metric: m.value for m in summed_performance(model.spec, model.bins, [model.chunks[key].labelled])
            }
            assert alone == pytest.approx(of_day[number.metric])


def test_numbers_of_a_regression_and_of_classes_are_those_of_all_rows():
    rng = np.random.default_rng(8)
    names = ("mean_absolute_error", "root_mean_squared_error", "mean_bias", "quantile_loss")
    spec = regression_spec(performance__thresholds={name: {"upper": 9e9} for name in names})
    days = [(rng.normal(50, 9, 80), rng.normal(50, 9, 80)) for _ in range(28)]
    keys = windows_of(spec, spec.calendar.chunk(LAST))[-1].keys
    frames = [(canonical(spec, {"prediction": p}), labels_of(y)) for p, y in days]
    bins = error_bins(spec, frames[0][0].join(frames[0][1], on="row_id"))
    chunks = {
        key: FinalChunk(
            profile_labelled(spec, bins, rows, truth, model_version="1"),
            {m.metric: m for m in measure_performance(spec, rows, truth, model_version="1", reference={})},
        )
        for key, (rows, truth) in zip(keys, frames, strict=True)
    }
    found = measure_windows(spec, "1", windows_of(spec, spec.calendar.chunk(LAST)), chunks, Expected(bins=bins))
    errors = np.concatenate([p - y for p, y in days])
    values = {str(m.metric): m.value for m in found}
    assert values["mean_absolute_error[28 days]"] == pytest.approx(np.mean(np.abs(errors)))
    assert values["root_mean_squared_error[28 days]"] == pytest.approx(np.sqrt(np.mean(errors**2)))
    assert values["mean_bias[28 days]"] == pytest.approx(np.mean(errors), abs=1e-6)
    assert values["quantile_loss[7 days]"] == pytest.approx(np.mean(np.abs(errors[-560:])) / 2)


def test_lasting_loss_is_found_that_no_day_shows_and_one_bad_day_is_not():
    lost = _Model(rows=100, apart=0.75, performance__thresholds={"auroc": {"lower": 0.76, "severity": "critical"}})
    breached = [lost.chunks[key].metrics[AUROC].status is Status.BREACHED for key in lost.keys]
    assert max(sum(breached[first : first + 5]) for first in range(24)) < 3
    found = lost.measure()["auroc[28 days]"]
    assert found.status is Status.BREACHED
    assert found.severity is Severity.CRITICAL
    assert found.upper < 0.76
    assert found.reason.endswith("is below 0.76; over 28 days")

    healthy = _Model(rows=100, performance__thresholds={"auroc": {"lower": 0.76}})
    healthy.put(LAST, *_binary_day(healthy.rng, 100, apart=-1.0))
    assert healthy.chunks[LAST].metrics[AUROC].status is Status.BREACHED
    assert {m.status for m in healthy.measure().values()} == {Status.OK}


@pytest.mark.parametrize(("apart", "status"), [(1.03, Status.BREACHED), (1.19, Status.OK)])
def test_spec_without_thresholds_is_guarded_against_a_smaller_loss_that_lasts(apart, status):
    """AUROC falls from .80 to .77 for good. A day may lose .05, and 28 days .02."""
    model = _Model(rows=1500, apart=apart)
    known = replace(model.expected, values={AUROC: Quantity(0.802, 0.799, 0.805)})
    assert {chunk.metrics[AUROC].status for chunk in model.chunks.values()} == {Status.OK}
    found = model.measure(known)["auroc[28 days]"]
    assert (found.status, found.severity) == (status, Severity.WARNING)
    assert found.threshold_lower == pytest.approx(0.782)


def test_breach_of_a_long_window_ends_when_the_newest_days_are_fine():
    model = _Model(rows=300, apart=0.4, performance__thresholds={"auroc": {"lower": 0.76}})
    assert model.measure()["auroc[28 days]"].status is Status.BREACHED
    for key in model.keys[-7:]:
        model.put(key, *_binary_day(model.rng, 300, apart=1.6))
    mended = model.measure()["auroc[28 days]"]
    assert mended.status is Status.OK
    assert mended.upper < 0.76
    assert "but the last 7 days with 0.8" in mended.reason


def test_window_says_how_many_of_its_days_count_and_needs_half_of_them():
    model = _Model()
    known = {key: model.chunks[key] for key in model.keys[-16:]}
    measured = model.measure(**known)
    assert "16 of 28 days have labelled rows that are final" in measured["auroc[28 days]"].definition
    fewer = model.measure(**{key: model.chunks[key] for key in model.keys[-13:-4]})
    assert fewer["auroc[28 days]"].reason == "9 of 28 days have labelled rows that are final, 14 are needed"
    assert fewer["auroc[7 days]"].reason == "3 of 7 days have labelled rows that are final, 4 are needed"
    assert {m.severity for m in fewer.values()} == {Severity.INFO}


def test_few_rows_in_all_days_are_not_judged():
    model = _Model(rows=5)
    assert model.measure()["auroc[7 days]"].reason == "35 labelled rows, at least 50 needed"
    assert model.measure()["auroc[28 days]"].rows == 140
    assert model.measure()["auroc[28 days]"].value is not None


def test_without_days_of_a_reference_those_of_the_longest_window_show_how_days_differ():
    model = _Model()
    without = replace(model.expected, days=type(model.expected.days)())
    here, there = model.measure(without)["auroc[28 days]"], model.measure()["auroc[28 days]"]
    assert here.value == there.value
    assert here.upper - here.lower == pytest.approx(there.upper - there.lower, rel=0.5)
    few = model.measure(without, **{key: model.chunks[key] for key in model.keys[-7:]})
    assert few["auroc[7 days]"].reason == "7 days show how days differ, at least 10 needed"


def test_days_that_differ_widen_the_interval():
    model, other = _Model(rows=400), _Model(rows=400)
    rng = np.random.default_rng(5)
    for key in other.keys:
        other.put(key, *_binary_day(rng, 400, apart=1.2 + 0.6 * rng.normal()))
    narrow, wide = (each.measure()["auroc[28 days]"] for each in (model, other))
    assert wide.upper - wide.lower > 1.5 * (narrow.upper - narrow.lower)


def test_days_of_a_reference_are_counted_as_their_profiles_are():
    model = _Model(rows=60)
    start = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)
    days = [_binary_day(model.rng, 60, apart=1.0) for _ in range(12)]
    rows = pl.concat(
        model._frame(*day).with_columns(predicted_at=pl.lit(start + dt.timedelta(days=n))) for n, day in enumerate(days)
    )
    found = days_of_reference(model.spec, model.bins, rows)
    profiles = [
        profile_labelled(model.spec, model.bins, canonical(model.spec, {"score": s}), labels_of(y), model_version="1")
        for s, y in days
    ]
    scores, labels = (np.concatenate(side) for side in zip(*days, strict=True))
    (binned,) = (m.value for m in summed_performance(model.spec, model.bins, profiles) if m.name == "auroc")
    assert found.errors_by_binning[AUROC] == pytest.approx(abs(binned - _auroc(scores, labels)), abs=1e-9)
    assert set(found.effects) == {MetricName(n) for n in ("auroc", "base_rate", "mean_bias", "brier_score")}


def test_metrics_of_windows_are_the_main_one_and_those_with_a_threshold():
    spec = binary_spec(performance__thresholds={"recall": {"lower": 0.5}})
    assert [str(m) for m in metrics_judged(spec)] == ["auroc", "recall"]
    assert {str(m) for m in metrics_read(spec)} == {"auroc", "recall", "base_rate", "specificity"}


def test_classes_have_windows_of_their_own():
    rng = np.random.default_rng(2)
    spec = ModelSpec.model_validate(
        changed(MULTICLASS, {"performance.thresholds": {"auroc[a]": {"lower": 0.1}, "accuracy": {"lower": 0.1}}})
    )
    keys = windows_of(spec, spec.calendar.chunk(LAST))[-1].keys
    bins = {column: numeric_bins(rng.random(2_000)) for column in spec.score_columns.values()}
    chunks, scores_of_a, is_a, right = {}, [], [], []
    for key in keys:
        truth = rng.choice(["a", "b", "c"], 60)
        scores = rng.dirichlet(np.ones(3), 60)
        decided = np.array(["a", "b", "c"])[scores.argmax(axis=1)]
        rows = canonical(spec, {"prediction": decided} | dict(zip(spec.score_columns.values(), scores.T, strict=True)))
        labels = labels_of(list(truth))
        measured = measure_performance(spec, rows, labels, model_version="1", reference={})
        chunks[key] = FinalChunk(
            profile_labelled(spec, bins, rows, labels, model_version="1"), {m.metric: m for m in measured}
        )
        scores_of_a.append(scores[:, 0])
        is_a.append((truth == "a").astype(float))
        right.append(truth == decided)
    found = measure_windows(spec, "1", windows_of(spec, spec.calendar.chunk(LAST)), chunks, Expected(bins=bins))
    values = {str(m.metric): m.value for m in found}
    assert values["auroc[a, 28 days]"] == pytest.approx(
        _auroc(np.concatenate(scores_of_a), np.concatenate(is_a)), abs=5e-3
    )
    assert values["accuracy[28 days]"] == pytest.approx(np.mean(np.concatenate(right)))
    assert "macro_auroc[7 days]" in values


@pytest.mark.parametrize(
    ("cadence", "lengths", "units"),
    [("day", [7, 28], [7, 28]), ("week", [4], [4]), ("month", [], []), ("6 hours", [28, 112], [7, 28])],
)
def test_windows_are_whole_chunks_and_vary_by_days(cadence, lengths, units):
    spec = binary_spec(cadence=cadence, start="2024-01-01")
    windows = windows_of(spec, spec.calendar.last_complete(dt.datetime(2024, 5, 1, tzinfo=dt.UTC)))
    assert [len(window.keys) for window in windows] == lengths
    assert [window.units for window in windows] == units
    for window in windows:
        places = units_of(spec.calendar, window.keys)
        assert len(set(places)) == window.units
        assert places == sorted(places)


def test_windows_can_be_switched_off():
    spec = binary_spec(windows=[])
    assert windows_of(spec, spec.calendar.chunk(LAST)) == ()
    assert measure_windows(spec, "1", (), {}, Expected()) == ()
    assert spec.spec_hash != binary_spec().spec_hash
    assert binary_spec(windows=[7, 28]).spec_hash == binary_spec().spec_hash
