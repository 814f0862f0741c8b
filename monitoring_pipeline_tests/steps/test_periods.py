"""Longer periods: performance on all rows from their snapshots, and summaries from stored counts."""

import io
import re
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from rich.console import Console
from sklearn.metrics import mean_absolute_error, roc_auc_score

from monitoring_pipeline.cli import main
from monitoring_pipeline.evaluation.periods import BY_SCORE, GIVEN_SCORE, PeriodSummary
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.reports.report import report_of_records
from monitoring_pipeline.reports.terminal.results import _period_cells
from monitoring_pipeline.statistics.results import Quantity
from monitoring_pipeline.steps.periods import measure_period, summarize
from monitoring_pipeline.store.snapshots import SnapshotFiles
from monitoring_pipeline_tests.spec.cases import binary_spec, multiclass_spec
from monitoring_pipeline_tests.worlds.world import DAYS, DELIVERIES, LOANS, ROWS_A_DAY, World


def _period(world: World, model: str, days: tuple[str, ...]) -> dict[str, Measurement]:
    with world.store() as store:
        kept = Kept(store=store, snapshots=SnapshotFiles(world.settings.snapshots))
        measured = measure_period(world.loaded(model).spec, days, kept)
    return {str(m.metric): m for m in measured}


def test_performance_of_a_period_equals_that_of_all_its_rows(monitored):
    days = DAYS[5:8]
    start = monitored.loaded(LOANS).spec.calendar.chunk(days[0]).start.replace(tzinfo=None)
    end = monitored.loaded(LOANS).spec.calendar.chunk(days[-1]).end.replace(tzinfo=None)
    with duckdb.connect(Path(monitored.settings.warehouse), read_only=True) as connection:
        rows = connection.execute(
            'SELECT "Default Probability", Outcome = \'default\' FROM "Loan Scores" '
            'JOIN Outcomes ON Ref = "Application ID" WHERE "Scored At" >= $1 AND "Scored At" < $2',
            [start, end],
        ).fetchnumpy()
    score, label = rows.values()
    measured = _period(monitored, LOANS, days)
    assert measured["auroc"].rows == len(label) == len(days) * ROWS_A_DAY
    assert measured["auroc"].value == pytest.approx(roc_auc_score(label, score), abs=1e-12)


def test_unmonitored_days_of_a_period_are_left_out(monitored):
    assert _period(monitored, LOANS, ("2024-03-01", *DAYS[:2])) == _period(monitored, LOANS, DAYS[:2])
    assert _period(monitored, LOANS, ("2024-03-01",)) == {}


def test_id_scored_on_two_days_counts_as_two_rows(world):
    days = DAYS[:2]
    first, second = (world.loaded(DELIVERIES).spec.calendar.chunk(day).start.replace(tzinfo=None) for day in days)
    world.execute(
        "CREATE TABLE again AS SELECT * REPLACE (promised_at + INTERVAL 1 DAY AS promised_at, minutes + 3 AS minutes) "
        "FROM ops.deliveries WHERE promised_at >= $first AND promised_at < $second",
        first=first,
        second=second,
    )
    world.execute("INSERT INTO ops.deliveries SELECT * FROM again")
    assert world.failures(DELIVERIES, *days) == ()
    after = world.loaded(DELIVERIES).spec.calendar.chunk(days[1]).end.replace(tzinfo=None)
    rows = world.execute(
        "SELECT minutes, actual_minutes FROM ops.deliveries JOIN ops.arrivals USING (parcel) "
        "WHERE promised_at >= $first AND promised_at < $after",
        first=first,
        after=after,
    )
    measured = _period(world, DELIVERIES, days)["mean_absolute_error"]
    assert measured.rows == len(rows) == 3 * ROWS_A_DAY
    assert measured.value == pytest.approx(mean_absolute_error(*zip(*rows, strict=True)), rel=1e-12)


# ---- summaries, from stored counts


def _summary(world: World, model: str, days: tuple[str, ...]) -> PeriodSummary:
    spec = world.loaded(model).spec
    with world.store() as store:
        return summarize(spec, next(iter(spec.reference)), days, store=store)


def test_summary_agrees_with_the_performance_of_all_rows(monitored):
    for model, metric, tolerance in ((LOANS, "auroc", 5e-3), (DELIVERIES, "mean_absolute_error", 1e-6)):
        summary, exact = _summary(monitored, model, DAYS), _period(monitored, model, DAYS)[metric]
        assert summary.days == len(DAYS)
        assert summary.realized.value == pytest.approx(exact.value, abs=tolerance)
        # The days of this world are alike, so resampling days gives about the same width as resampling rows.
        width = exact.upper - exact.lower
        assert 0.5 * width < summary.realized.upper - summary.realized.lower < 2 * width
        assert sum(summary.verdicts.values()) == len(DAYS)


def test_summary_is_the_same_without_snapshots_and_warehouse(lived_in_world):
    before = _summary(lived_in_world, LOANS, DAYS)
    shutil.rmtree(lived_in_world.settings.snapshots)
    Path(Path(lived_in_world.settings.warehouse)).unlink()
    assert _summary(lived_in_world, LOANS, DAYS) == before


def test_summary_counts_drift_verdicts_and_estimates_of_its_days(monitored):
    """Income doubles on the last three days; scores and labels do not change."""
    spec = monitored.loaded(LOANS).spec
    summary = _summary(monitored, LOANS, DAYS)
    with monitored.store() as store:
        of_days = {key: store.measurements(LOANS, key) for key in DAYS}
        verdicts = [store.verdict(LOANS, key).status for key in DAYS]
    drifted = Counter(
        column
        for measurements in of_days.values()
        for column in {m.subject for m in measurements if m.kind == "drift" and m.status == "breached"}
        if column in spec.columns
    )
    assert {column: days for column, days in summary.drifted.items() if column in spec.columns} == drifted
    assert summary.drifted["income"] == 3
    assert summary.verdicts == Counter(verdicts)
    measured = [m for measurements in of_days.values() for m in measurements]
    estimates = [m for m in measured if m.kind == "estimated_performance" and m.name == "auroc"]
    rows = [m.rows for m in estimates]
    assert len(estimates) == len(DAYS)
    assert summary.estimated.value == pytest.approx(sum(m.value * m.rows for m in estimates) / sum(rows), rel=1e-12)
    assert summary.estimated.lower < summary.estimated.value < summary.estimated.upper


def test_summary_of_an_unchanged_relation_has_intervals_around_zero(monitored):
    changes = {str(name): change for name, change in _summary(monitored, LOANS, DAYS).changes.items()}
    assert changes.keys() == {
        f"{part}[{metric}]"
        for part in (BY_SCORE, GIVEN_SCORE)
        for metric in ("auroc", "log_loss", "brier_score", "mean_bias")
    }
    for name in ("auroc", "mean_bias"):
        change = changes[f"{GIVEN_SCORE}[{name}]"]
        assert change.lower <= 0.0 <= change.upper
    assert _summary(monitored, DELIVERIES, DAYS).changes == {}


def test_summary_of_unmonitored_days_is_empty(monitored):
    nothing = _summary(monitored, LOANS, ("2023-01-01",))
    assert (nothing.days, nothing.realized, nothing.estimated, nothing.changes) == (0, None, None, {})
    with_others = _summary(monitored, LOANS, ("2023-01-01", *DAYS[:5]))
    alone = _summary(monitored, LOANS, DAYS[:5])
    assert (with_others.days, with_others.drifted, with_others.estimated) == (5, alone.drifted, alone.estimated)
    assert with_others.realized.value == alone.realized.value


class _StoreWithAnotherVersion:
    """A store in which a second version made the predictions of some days."""

    def __init__(self, store, days):
        self.store, self.days = store, days

    def __getattr__(self, name):
        return getattr(self.store, name)

    def measurements(self, model, key):
        measured = self.store.measurements(model, key)
        is_replaced = key in self.days
        return [replace(m, model_version="2025.1") if is_replaced and m.model_version else m for m in measured]

    def profiles_by_chunk(self, model, producer, keys):
        stored = self.store.profiles_by_chunk(model, producer, keys)
        return {key: profiles for key, profiles in stored.items() if key not in self.days}


def test_summary_of_a_version_leaves_out_days_of_another(monitored):
    spec = monitored.loaded(LOANS).spec
    with monitored.store() as store:
        mixed = summarize(spec, "2024.1", DAYS, store=_StoreWithAnotherVersion(store, DAYS[4:]))
        alone = summarize(spec, "2024.1", DAYS[:4], store=store)
    assert (mixed.days, mixed.verdicts, mixed.drifted) == (4, alone.verdicts, alone.drifted)
    assert (mixed.estimated, mixed.realized.value) == (alone.estimated, alone.realized.value)


# ---- the command


@pytest.fixture
def show(monitored, monkeypatch):
    for name, value in {
        "MONITORING_PIPELINE_HOME": monitored.folder,
        "MONITORING_PIPELINE_MODELS": monitored.settings.models,
        "MONITORING_PIPELINE_ID_KEY": "world",
    }.items():
        monkeypatch.setenv(name, str(value))

    def _lines(model: str, by: str, *command: str) -> list[list[str]]:
        days = ["--from", "2024-03-01", "--to", "2024-04-30", "--by", by]
        name, *flags = command or ("show",)
        printed = CliRunner().invoke(main, [name, model, *days, *flags])
        assert printed.exit_code == 0, printed.output
        _title, *lines = printed.output.splitlines()
        return [re.split(r"  +", line.strip()) for line in lines]

    return _lines


@pytest.mark.parametrize("model", [LOANS, DELIVERIES])
def test_performance_from_sums_differs_from_that_of_the_rows_by_binning_at_most(show, monitored, model):
    header, *lines = show(model, "year", "performance", "--sums")
    assert header[-3:] == ["value", "changed by binning at most", "labelled rows"]
    exact = _period(monitored, model, DAYS)
    shown = {name: (float(value), float(bound)) for _, _, name, value, bound, _ in lines}
    assert len(shown) >= 4
    for name, (value, bound) in shown.items():
        # Values are shown with four digits. The bins of the calibration error consist of whole cells.
        slack = 0.02 if name == "expected_calibration_error" else 0.0
        assert value == pytest.approx(exact[name].value, abs=bound + slack + 5e-4 * max(1.0, abs(value)))


def test_months_show_performance_changes_drift_and_verdicts(show, monitored):
    header, march, april = show(LOANS, "month")
    assert header == [
        "period", "version", "days", "auroc [95 %]", "estimated [95 %]", "auroc by score",
        "auroc given score", "bias by score", "bias given score", "drifted columns (days)", "verdicts (days)",
        "reasons (days)",
    ]  # fmt: skip
    assert [line[:3] for line in (march, april)] == [["2024-03", "2024.1", "7"], ["2024-04", "2024.1", "5"]]
    for line, month, days in ((march, "2024-03", 31), (april, "2024-04", 30)):
        summary = _summary(monitored, LOANS, tuple(f"{month}-{day:02}" for day in range(1, days + 1)))
        realized = summary.realized
        assert line[3] == f"{realized.value:.3f} [{realized.lower:.3f}, {realized.upper:.3f}]"
        change = summary.changes[MetricName(GIVEN_SCORE, "mean_bias")]
        assert line[8] == f"{change.value:+.3f}"
        assert line[10] == ", ".join(f"{status} {days}" for status, days in summary.verdicts.most_common())
        assert [cell.split(", ")[0] for cell in line[11:]] == [
            f"{reason} {days}" for reason, days in summary.reasons.most_common(1)
        ]
        assert (sum(summary.verdicts.values()) > summary.verdicts["ok"]) == bool(summary.reasons)
    assert "income 3" in april[9]
    assert "income" not in march[9]


def test_year_of_a_regression_shows_no_split_of_changes(show):
    header, year = show(DELIVERIES, "year")
    assert header[:5] == ["period", "version", "days", "mean_absolute_error [95 %]", "estimated [95 %]"]
    assert header[5:] == ["drifted columns (days)", "verdicts (days)", "reasons (days)"]
    assert year[:3] == ["2024", "1", "12"]


def test_column_names_with_brackets_are_shown_unchanged():
    summary = PeriodSummary(1, None, None, {}, Counter({"score[late]": 2}), Counter())
    *_, drifted, _, _ = _period_cells(multiclass_spec(), summary)
    console = Console(record=True, file=io.StringIO())
    console.print(report_of_records("drift", ("drifted",), [(drifted,)]))
    assert "score[late] 2" in console.export_text()


def test_changes_whose_interval_excludes_zero_have_a_star():
    changes = {
        MetricName(BY_SCORE, "auroc"): Quantity(-0.02, -0.03, -0.01),
        MetricName(GIVEN_SCORE, "auroc"): Quantity(0.02, -0.01, 0.03),
        MetricName(BY_SCORE, "mean_bias"): Quantity(0.5),
    }
    summary = PeriodSummary(3, Quantity(0.7), None, changes, Counter(), Counter())
    cells = _period_cells(binary_spec(), summary)
    assert cells == ["3", "0.700", "-", "-0.020*", "+0.020", "+0.500", "-", "not measured", "", ""]
    assert _period_cells(binary_spec(), replace(summary, drift_days=1))[7] == "none"
