"""The panels of the dashboards: what each shows, and its queries of Prometheus."""

from dataclasses import dataclass
from enum import StrEnum

from monitoring_pipeline.prometheus import families as exported
from monitoring_pipeline.prometheus.families import Family

WIDTH = 24
"""Columns of Grafana's grid."""
RANKS = {"ok": 0, "unknown": 1, "warning": 2, "critical": 3}
"""A verdict as a number, so that one series per model shows it."""
OLD_AFTER_SECONDS = 2 * 86_400
MODEL, METRIC = 'model="$model"', 'metric=~"$metric"'


class Kind(StrEnum):
    """The kinds of panels."""

    STAT = "stat"
    STATES = "state timeline"
    BARS = "bar gauge"
    LINES = "time series"


@dataclass(frozen=True)
class Query:
    """A query and the legend of its series, in Grafana's form."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel.

    Args:
        title: its title.
        about: what it shows, in a sentence.
        kind: its kind.
        queries: its queries.
        width: columns of the grid.
        height: rows of the grid.
        unit: Grafana's name of the unit.
        shows_verdicts: whether its numbers are ranks of verdicts.
        repeats: the variable for each value of which the panel is repeated.
    """

    title: str
    about: str
    kind: Kind
    queries: tuple[Query, ...]
    width: int = WIDTH // 4
    height: int = 4
    unit: str = "short"
    shows_verdicts: bool = False
    repeats: str = ""


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """One dashboard; ``variables`` are queries of label values by the name of the variable."""

    uid: str
    title: str
    about: str
    panels: tuple[Panel, ...]
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def file_name(self) -> str:
        """The name of its file."""
        return f"{self.uid.removeprefix('monitoring-pipeline-').replace('-', '_')}.json"


def _of(family: Family, labels: str = "") -> str:
    return f"{family.full_name}{{{labels}}}" if labels else family.full_name


def _ranks(labels: str = "") -> str:
    """Return the query of the rank of each model's verdict."""
    others = f"{labels}, " if labels else ""
    parts = [
        f"{_of(exported.VERDICT, f'{others}verdict={chr(34)}{verdict}{chr(34)}')} * {rank}"
        for verdict, rank in RANKS.items()
    ]
    return f"sum by (model) ({' or '.join(parts)})"


def _or_none(expression: str) -> str:
    """Return a query that is 0 where nothing matches."""
    return f"{expression} or vector(0)"


_AGE = f"time() - {_of(exported.CHUNK_END)}"
_BEYOND = (
    f"({_of(exported.PERFORMANCE)} < {_of(exported.LIMIT_LOWER)}) or "
    f"({_of(exported.PERFORMANCE)} > {_of(exported.LIMIT_UPPER)})"
)
_CRITICAL = _of(exported.VERDICT, 'verdict="critical"')
_FOR_PEOPLE = 'acknowledged="false", severity!="info"'
_UNACKNOWLEDGED = _of(exported.INCIDENTS, _FOR_PEOPLE)
_UNACKNOWLEDGED_OF_MODEL = _of(exported.INCIDENTS, f"{MODEL}, {_FOR_PEOPLE}")

ALL_MODELS = Dashboard(
    uid="monitoring-pipeline-all-models",
    title="Models in production",
    about="The newest verdict, incidents, performance and age of the results of every model.",
    panels=(
        Panel(
            title="Critical models",
            about="Models whose newest verdict is critical.",
            kind=Kind.STAT,
            queries=(Query(_or_none(f"count({_CRITICAL} == 1)")),),
        ),
        Panel(
            title="Incidents acknowledged by nobody",
            about="Incidents of severity warning or critical that last and that nobody has acknowledged.",
            kind=Kind.STAT,
            queries=(Query(f"sum({_UNACKNOWLEDGED})"),),
        ),
        Panel(
            title="Metrics outside their limits",
            about="Guarded metrics of performance whose newest measured value is outside its limits.",
            kind=Kind.STAT,
            queries=(Query(_or_none(f"count({_BEYOND})")),),
        ),
        Panel(
            title="Models without a recent verdict",
            about="Models whose newest judged chunk ended more than two days ago.",
            kind=Kind.STAT,
            queries=(Query(_or_none(f"count({_AGE} > {OLD_AFTER_SECONDS})")),),
        ),
        Panel(
            title="Verdicts",
            about="The newest verdict of each model over time.",
            kind=Kind.STATES,
            queries=(Query(_ranks(), "{{model}}"),),
            width=WIDTH,
            height=9,
            shows_verdicts=True,
        ),
        Panel(
            title="Incidents that last",
            about="Incidents by severity.",
            kind=Kind.LINES,
            queries=(Query(f"sum by (severity) ({_of(exported.INCIDENTS)})", "{{severity}}"),),
            width=WIDTH // 2,
            height=8,
        ),
        Panel(
            title="Drifted columns",
            about="Columns of the newest chunk that have drifted, by model.",
            kind=Kind.LINES,
            queries=(Query(_of(exported.DRIFTED), "{{model}}"),),
            width=WIDTH // 2,
            height=8,
        ),
        Panel(
            title="Age of the newest verdict",
            about="Time since the end of the newest judged chunk.",
            kind=Kind.BARS,
            queries=(Query(_AGE, "{{model}}"),),
            width=WIDTH // 3,
            height=8,
            unit="s",
        ),
        Panel(
            title="Known labels",
            about="Share of the expected labels of the newest chunk that are known.",
            kind=Kind.BARS,
            queries=(Query(_of(exported.LABELS_KNOWN), "{{model}}"),),
            width=WIDTH // 3,
            height=8,
            unit="percentunit",
        ),
        Panel(
            title="Error budget that is left",
            about="Share of the error budget of each objective that is left.",
            kind=Kind.BARS,
            queries=(Query(_of(exported.BUDGET_LEFT), "{{model}}: {{objective}}"),),
            width=WIDTH // 3,
            height=8,
            unit="percentunit",
        ),
    ),
)
ONE_MODEL = Dashboard(
    uid="monitoring-pipeline-one-model",
    title="One model in production",
    about="Verdict, performance beside limits and estimate, drift, labels and incidents of one model.",
    variables=(
        ("model", f"label_values({_of(exported.VERDICT)}, model)"),
        ("metric", f"label_values({_of(exported.PERFORMANCE, MODEL)}, metric)"),
    ),
    panels=(
        Panel(
            title="Verdict",
            about="The newest verdict.",
            kind=Kind.STAT,
            queries=(Query(_ranks(MODEL), "{{model}}"),),
            shows_verdicts=True,
        ),
        Panel(
            title="Age of the verdict",
            about="Time since the end of the newest judged chunk.",
            kind=Kind.STAT,
            queries=(Query(f"time() - {_of(exported.CHUNK_END, MODEL)}"),),
            unit="s",
        ),
        Panel(
            title="Incidents acknowledged by nobody",
            about="Incidents of severity warning or critical that last and that nobody has acknowledged.",
            kind=Kind.STAT,
            queries=(Query(f"sum({_UNACKNOWLEDGED_OF_MODEL})"),),
        ),
        Panel(
            title="Known labels",
            about="Share of the expected labels of the newest chunk that are known.",
            kind=Kind.STAT,
            queries=(Query(_of(exported.LABELS_KNOWN, MODEL)),),
            unit="percentunit",
        ),
        Panel(
            title="Verdicts",
            about="The newest verdict over time.",
            kind=Kind.STATES,
            queries=(Query(_ranks(MODEL), "{{model}}"),),
            width=WIDTH,
            height=5,
            shows_verdicts=True,
        ),
        Panel(
            title="$metric",
            about="The newest measured value with its 95 % interval, its limits, and the estimate without labels.",
            kind=Kind.LINES,
            queries=(
                Query(_of(exported.PERFORMANCE, f"{MODEL}, {METRIC}"), "{{version}} {{of}}"),
                Query(_of(exported.PERFORMANCE_LOWER, f"{MODEL}, {METRIC}"), "lower {{of}}"),
                Query(_of(exported.PERFORMANCE_UPPER, f"{MODEL}, {METRIC}"), "upper {{of}}"),
                Query(_of(exported.ESTIMATED, f"{MODEL}, {METRIC}"), "estimated {{of}}"),
                Query(
                    f"{_of(exported.LIMIT_LOWER, f'{MODEL}, {METRIC}')} or "
                    f"{_of(exported.LIMIT_UPPER, f'{MODEL}, {METRIC}')}",
                    "limit {{of}}",
                ),
            ),
            width=WIDTH,
            height=9,
            repeats="metric",
        ),
        Panel(
            title="Rows",
            about="Predictions of the newest chunk.",
            kind=Kind.LINES,
            queries=(Query(_of(exported.ROWS, MODEL), "rows"),),
            width=WIDTH // 3,
            height=8,
        ),
        Panel(
            title="Drifted columns",
            about="Columns of the newest chunk that have drifted.",
            kind=Kind.LINES,
            queries=(Query(_of(exported.DRIFTED, MODEL), "drifted"),),
            width=WIDTH // 3,
            height=8,
        ),
        Panel(
            title="Measurements",
            about="Measurements of the newest chunk: ok, breached, or skipped because they could not be made.",
            kind=Kind.LINES,
            queries=(Query(_of(exported.MEASUREMENTS, MODEL), "{{status}}"),),
            width=WIDTH // 3,
            height=8,
        ),
        Panel(
            title="Age of the measured performance",
            about="Time since the end of the chunk that each metric was measured on.",
            kind=Kind.BARS,
            queries=(Query(f"time() - {_of(exported.PERFORMANCE_CHUNK, MODEL)}", "{{metric}} {{of}}"),),
            width=WIDTH // 2,
            height=7,
            unit="s",
        ),
        Panel(
            title="Error budget that is left",
            about="Share of the error budget of each objective that is left.",
            kind=Kind.BARS,
            queries=(Query(_of(exported.BUDGET_LEFT, MODEL), "{{objective}}"),),
            width=WIDTH // 2,
            height=7,
            unit="percentunit",
        ),
        Panel(
            title="Serving beside its limits",
            about="Latencies, rates and resources as a share of their upper limits (if above 0); breached above 100 %.",
            kind=Kind.BARS,
            queries=(
                Query(
                    f"{_of(exported.SERVING, MODEL)} / ({_of(exported.SERVING_LIMIT, MODEL)} > 0)",
                    "{{metric}} {{version}}",
                ),
            ),
            width=WIDTH // 2,
            height=7,
            unit="percentunit",
        ),
        Panel(
            title="CPU time of the monitoring",
            about="What measuring the newest judged chunk took.",
            kind=Kind.LINES,
            queries=(Query(_of(exported.MEASURING, MODEL), "CPU time"),),
            width=WIDTH // 2,
            height=7,
            unit="s",
        ),
        Panel(
            title="Bytes that the monitoring read",
            about="Answers of the warehouse when the newest judged chunk was measured.",
            kind=Kind.LINES,
            queries=(Query(_of(exported.MEASURING_BYTES, MODEL), "bytes read"),),
            width=WIDTH,
            height=7,
            unit="decbytes",
        ),
    ),
)
DASHBOARDS = (ALL_MODELS, ONE_MODEL)
