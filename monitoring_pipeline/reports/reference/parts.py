"""The parts of the reference as reports, made from the tables that the package itself uses."""

from collections.abc import Callable, Iterable

from monitoring_pipeline.evaluation.drift.statistics_table import DEFAULT_STATISTICS, DRIFT_STATISTICS, DriftStatistic
from monitoring_pipeline.evaluation.incidents.causes import FAMILIES_OF_MEASUREMENTS, opens_at_once
from monitoring_pipeline.evaluation.performance.metrics_table import PERFORMANCE_METRICS, Per, PerformanceMetric
from monitoring_pipeline.evaluation.performance.thresholds import Better
from monitoring_pipeline.evaluation.spec_check.checks_table import SOURCE_CHECKS, SPEC_CHECKS
from monitoring_pipeline.records.cause import Cause
from monitoring_pipeline.reports.reference.measurements_table import CAUSES, MEASUREMENTS, MeasuredThing
from monitoring_pipeline.reports.report import Report, report_of_records

OF = {Per.MODEL: "", Per.CLASS: "[<class>]", Per.CONFUSION: "[<class>-><decided>]", Per.HORIZON: "[horizon=<n>]"}
WORSE = {Better.HIGHER: "lower", Better.LOWER: "higher", Better.ZERO: "far from 0", None: "neither"}


def metrics() -> Report:
    """Return the metrics of each task, on which `performance.thresholds` and `objectives` may be set."""
    return report_of_records(
        "metrics",
        ("task", "metric", "worse", "range", "meaning"),
        ((m.task.value, _name(m), WORSE[m.better], str(m.range), m.definition) for m in PERFORMANCE_METRICS),
        name="metrics",
    )


def statistics() -> Report:
    """Return the drift statistics, which `drift.numeric`, `drift.categorical` and `drift.statistics` may name."""
    return report_of_records(
        "statistics",
        ("statistic", "columns", "worse", "range", "floor", "meaning"),
        (
            (s.name, _kinds(s), "higher", "0 to 1" if s.bounded else "at least 0", s.floor, s.definition)
            for s in DRIFT_STATISTICS.values()
        ),
        name="statistics",
    )


def measurements() -> Report:
    """Return all other measurements."""
    return report_of_records(
        "measurements",
        ("kind", "measurement", "subject", "breached", "limit", "range", "meaning"),
        (
            (thing.kind.value, _name_of(thing), thing.subject, thing.breach.value or None, thing.limit or None,
             thing.range or None, thing.meaning)
            for thing in MEASUREMENTS
        ),
        name="measurements",
    )  # fmt: skip


def causes() -> Report:
    """Return the causes of incidents, in the order in which they explain one another."""
    others = [family for family in CAUSES if family not in FAMILIES_OF_MEASUREMENTS]
    return report_of_records(
        "causes",
        ("cause", "incident", "covers"),
        (
            (
                family.value,
                "at once"
                if family in others or opens_at_once(Cause(family))
                else "when it persists (`incidents.open`)",
                CAUSES[family],
            )
            for family in (*FAMILIES_OF_MEASUREMENTS, *others)
        ),
        name="causes",
    )


def checks() -> Report:
    """Return the checks of a spec."""
    found = [("spec", check) for check in SPEC_CHECKS] + [("source", check) for check in SOURCE_CHECKS]
    return report_of_records(
        "checks",
        ("check", "level", "reads", "finds"),
        ((check.name, check.level.value, reads, check.finds) for reads, check in found),
        name="checks",
    )


PARTS: dict[str, Callable[[], Report]] = {
    "metrics": metrics,
    "statistics": statistics,
    "measurements": measurements,
    "causes": causes,
    "checks": checks,
}
_DEFAULTS = " and ".join(
    f"{', '.join(f'`{name}`' for name in names)} decide for {kind.value} columns"
    for kind, names in DEFAULT_STATISTICS.items()
)
INTRODUCTIONS = {
    "metrics": "A threshold is set under `performance.thresholds`, an objective under `objectives`. No metric has a "
    "threshold by default. `worse` names the side on which the model is bad.",
    "statistics": f"By default {_DEFAULTS}. A column has drifted if one of its deciding statistics shows it. "
    "`floor` is the smallest effect that counts as drift. A higher floor is learned from the days of the reference if "
    "they differ more.",
    "measurements": "Expectations of the suite are measurements of kind `quality`, too: the name is that of the "
    "expectation without `expect_`.",
    "causes": "Each breach belongs to one cause, and an incident is one cause of one model.",
    "checks": "`spec check` applies those that read the spec, and without `--offline` those that read the source.",
}


def page() -> str:
    """Return the page with all parts, in Markdown."""
    head = (
        "# Everything that is measured\n\n"
        "This page is the output of `monitoring-pipeline spec reference --markdown`. "
        "The command prints one part if you name it, also with `--json` and `--csv`.\n"
    )
    return head + "".join(_section(name, part()) for name, part in PARTS.items())


def _section(name: str, report: Report) -> str:
    lines = (
        _row(f"`{cell}`" if place == _place_of_name(report) else cell for place, cell in enumerate(map(str, line)))
        for line in report.lines
    )
    header = _row(report.columns) + _row("---" for _ in report.columns)
    return f"\n## {name.capitalize()}\n\n{INTRODUCTIONS[name]}\n\n{header}{''.join(lines)}"


def _place_of_name(report: Report) -> int:
    return report.columns.index(report.name.removesuffix("s"))


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _name(metric: PerformanceMetric) -> str:
    return metric.name + OF[metric.per]


def _kinds(statistic: DriftStatistic) -> str:
    return ", ".join(sorted(kind.value for kind in statistic.kinds))


def _name_of(thing: MeasuredThing) -> str:
    return f"{thing.name}[<{thing.of}>]" if thing.of else thing.name
