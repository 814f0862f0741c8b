"""Reports about the chunks and periods of a model."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console

from monitoring_pipeline.evaluation.budget.realized import words_of
from monitoring_pipeline.evaluation.drift.drifted import drifted_of
from monitoring_pipeline.evaluation.explanation.importance import stored_importance
from monitoring_pipeline.evaluation.judgement.verdict import deciding_reasons
from monitoring_pipeline.evaluation.operations.dependencies import DIFFERING
from monitoring_pipeline.evaluation.operations.effort import bytes_read, cpu_seconds, effort_words
from monitoring_pipeline.evaluation.operations.measuring import SUBJECTS_OF_SERVING
from monitoring_pipeline.evaluation.periods import BY_SCORE, GIVEN_SCORE, HEADLINE_METRIC, PeriodSummary
from monitoring_pipeline.evaluation.profiles.labelled import SummedMetric
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.effort import Effort
from monitoring_pipeline.records.measurement import Kind, Measurement, Verdict, VerdictStatus
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.reports.report import Cell, Record, Report, Shortened, Styled, without_empty_columns
from monitoring_pipeline.reports.terminal.cells import NOT_MEASURED, interval_cell, quantity_cell, signed_cell
from monitoring_pipeline.reports.terminal.money import MONEY_FIELDS, money_cells, money_columns, money_record
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.results import Quantity
from monitoring_pipeline.steps.budget import read_spent
from monitoring_pipeline.steps.periods import summarize

STYLE = {
    VerdictStatus.OK: "green",
    VerdictStatus.WARNING: "yellow",
    VerdictStatus.CRITICAL: "bold red",
    VerdictStatus.UNKNOWN: "dim",
}
SERVED_SHOWN = 4
DRIFTED_NAMES_SHOWN = 2
COLUMNS_SHOWN = 4
ALL_TOGETHER = "together"
CHUNK_FIELDS = (
    "model", "chunk", "model_version", "rows", "labels_known", "maturity", "drifted_columns", "ignored_columns",
    "drifted_together", "metric", "value", "lower", "upper", "threshold_lower", "threshold_upper", "status", "reason",
    "verdict", "verdict_reasons", *MONEY_FIELDS, "measuring_cpu_seconds", "measuring_bytes_read",
)  # fmt: skip
REASONS_SHOWN = 3
SPLIT = tuple((f"{metric}_{part.removeprefix('change_')}", part, metric)
              for metric in ("auroc", "mean_bias") for part in (BY_SCORE, GIVEN_SCORE))  # fmt: skip
PERIOD_FIELDS = (
    "model", "period", "model_version", "chunks", "metric", "value", "lower", "upper", "estimated", "estimated_lower",
    "estimated_upper", *(f"{name}{end}" for name, *_ in SPLIT for end in ("", "_lower", "_upper")),
    "drift_measured_chunks", "drifted_columns", "verdicts", "verdict_reasons",
)  # fmt: skip
PERFORMANCE_FIELDS = (
    "model", "period", "model_version", "metric", "value", "lower", "upper", "rows", "status", "reason",
)  # fmt: skip
SUM_FIELDS = ("model", "period", "model_version", "metric", "value", "error_bound", "rows")


def terminal(*, stderr: bool = False) -> Console:
    """Return a console that cuts no line."""
    return Console(stderr=stderr, soft_wrap=True)


def chunk_table(spec: ModelSpec, store: Store, chunks: Sequence[Chunk]) -> Report:
    """Return one line per chunk: rows, label maturity, drifted columns, the headline metric, the verdict."""
    headline = HEADLINE_METRIC[spec.task]
    noun = spec.calendar.noun
    ends = f"{chunks[0].key} to {chunks[-1].key}" if chunks else "nothing"
    lines: list[tuple[Cell, ...]] = []
    records: list[Record] = []
    for key in (chunk.key for chunk in chunks):
        measurements, verdict = store.measurements(spec.name, key), store.verdict(spec.name, key)
        cells = _chunk_cells(key, measurements, verdict, headline)
        efforts = store.efforts(spec.name, key)
        lines.append((*cells[:-2], *_served(spec, measurements), *money_cells(spec, measurements), *cells[-2:]))
        records.extend(
            {**record, **money_record(spec, measurements, record.get("model_version")), **_effort_record(efforts)}
            for record in _chunk_records(spec, key, measurements, verdict)
        )
    return Report(
        title=f"{spec.name} ({spec.task}), {ends}, {noun}s of {spec.timezone}",
        columns=(
            noun,
            "rows",
            "labels",
            "drifted columns",
            f"{headline} [95 %]",
            *(("served",) if spec.operations.is_declared else ()),
            *money_columns(spec),
            "verdict",
            "reason",
        ),
        lines=tuple(lines),
        fields=CHUNK_FIELDS,
        records=tuple(records),
    )


def beyond_budget(spec: ModelSpec, store: Store, last: Chunk) -> str:
    """Return what was spent of the budget of false alarms up to a chunk, where it is exceeded."""
    return "\n".join(f"{words_of(row)}." for row in read_spent(spec, store, last) if row.is_exceeded)


def took(spec: ModelSpec, store: Store, last: Chunk) -> str:
    """Return a sentence about the cost of measuring a chunk, or the empty text if it was not kept."""
    efforts = store.efforts(spec.name, last.key)
    return f"Measuring {last.key} took {effort_words(efforts)}." if efforts else ""


def _effort_record(efforts: Mapping[str, Effort]) -> dict[str, object]:
    return {
        "measuring_cpu_seconds": cpu_seconds(efforts) if efforts else None,
        "measuring_bytes_read": bytes_read(efforts),
    }


def _chunk_cells(
    key: str, measurements: Sequence[Measurement], verdict: Verdict | None, headline: str
) -> tuple[Cell, ...]:
    rows = next((f"{m.value:.0f}" for m in measurements if m.name == "rows" and m.value is not None), "-")
    maturity = next(
        (f"{m.value:.1%} {m.maturity}" for m in measurements if m.name == "maturity" and m.value is not None), "-"
    )
    status = verdict.status if verdict else VerdictStatus.UNKNOWN
    judged = Styled(str(status) if verdict else "not judged", STYLE[status])
    shown = ", ".join(interval_cell(m) for m in _of_metric(measurements, headline)) or "-"
    return (key, rows, maturity, _drifted(measurements), shown, judged, _reason(measurements, verdict))


def _served(spec: ModelSpec, measurements: Sequence[Measurement]) -> tuple[Cell, ...]:
    """Return the first numbers about the serving of the model; nothing if its spec declares none."""
    if not spec.operations.is_declared:
        return ()
    served = {m.name: m for m in measurements if m.kind is Kind.OPERATIONS and m.subject in SUBJECTS_OF_SERVING}
    shown = [
        f"{name} {found.value:.4g}"
        for name in (*spec.operations.drawn, DIFFERING)
        if (found := served.get(name)) is not None and found.value is not None
    ]
    return (", ".join(shown[:SERVED_SHOWN]) or "-",)


def _reason(measurements: Sequence[Measurement], verdict: Verdict | None) -> Cell:
    """Return the most severe reason of a verdict that is not ok, and the number of further ones; all in a pipe."""
    if verdict is None:
        return "it was measured and not judged" if measurements else "nothing was measured"
    reasons = deciding_reasons(verdict)
    if not reasons:
        return ""
    plain = [reason.removeprefix(f"{verdict.status}: ") for reason in reasons]
    return Shortened(f"{plain[0]} (and {len(plain) - 1} more)", "; ".join(plain)) if len(plain) > 1 else plain[0]


def _chunk_records(
    spec: ModelSpec, key: str, measurements: Sequence[Measurement], verdict: Verdict | None
) -> Iterator[Record]:
    """Yield a record per version with the headline metric, one without a version if it was not measured."""
    headline = HEADLINE_METRIC[spec.task]
    drifted = drifted_of(measurements, stored_importance(measurements).weight)
    known = next((m for m in measurements if m.name == "maturity"), None)
    of_chunk = {
        "model": spec.name,
        "chunk": key,
        "rows": next((round(m.value) for m in measurements if m.name == "rows" and m.value is not None), None),
        "labels_known": known.value if known else None,
        "maturity": known.maturity if known else None,
        "drifted_columns": list(drifted.columns) if drifted.measured else None,
        "ignored_columns": list(drifted.ignored),
        "drifted_together": drifted.together,
        "metric": headline,
        "reason": "not judged" if verdict is None else "the metric was not measured",
        "verdict": verdict.status if verdict else None,
        "verdict_reasons": list(verdict.reasons) if verdict else [],
    }
    measured = _of_metric(measurements, headline)
    for metric in measured:
        yield of_chunk | {field: getattr(metric, field) for field in (
            "model_version", "value", "lower", "upper", "threshold_lower", "threshold_upper", "status", "reason",
        )}  # fmt: skip
    if not measured:
        yield of_chunk


def _of_metric(measurements: Sequence[Measurement], name: str) -> list[Measurement]:
    return [m for m in measurements if m.metric == (name, "") and m.kind is Kind.PERFORMANCE]


def period_table(spec: ModelSpec, store: Store, periods: Mapping[str, Sequence[str]]) -> Report:
    """Return one line per period and model version: realized and estimated performance, drift, verdicts."""
    headline = HEADLINE_METRIC[spec.task]
    counted = f"{spec.calendar.noun}s"
    names = ["period", "version", counted, f"{headline} [95 %]", "estimated [95 %]"]
    if spec.task is Task.BINARY:
        names += ["auroc by score", "auroc given score", "bias by score", "bias given score"]
    summaries = [
        (period, version, summary)
        for period, keys in periods.items()
        for version in spec.reference
        if (summary := summarize(spec, version, keys, store=store)).days
    ]
    return Report(
        title=f"{spec.name} ({spec.task})" if summaries else f"{spec.name} ({spec.task}): nothing",
        columns=(*names, f"drifted columns ({counted})", f"verdicts ({counted})", f"reasons ({counted})"),
        lines=tuple((period, version, *_period_cells(spec, summary)) for period, version, summary in summaries),
        fields=PERIOD_FIELDS,
        records=tuple(_period_record(spec, *found) for found in summaries),
    )


def _period_cells(spec: ModelSpec, summary: PeriodSummary) -> list[Cell]:
    changes = [signed_cell(summary.changes.get(MetricName(part, metric))) for _, part, metric in SPLIT]
    without = "none" if summary.drift_days else NOT_MEASURED
    verdicts = ", ".join(f"{status} {days}" for status, days in summary.verdicts.most_common())
    performance = [quantity_cell(summary.realized), quantity_cell(summary.estimated)]
    split = changes if spec.task is Task.BINARY else []
    drifted = _counted(summary.drifted, COLUMNS_SHOWN, without=without)
    return [str(summary.days), *performance, *split, drifted, verdicts, _counted(summary.reasons, REASONS_SHOWN)]


def _counted(counts: Counter[str], shown: int, *, without: str = "") -> Cell:
    """Return names with their chunks, the most frequent first; a terminal shows so many."""
    names = [f"{name} {chunks}" for name, chunks in counts.most_common()]
    if len(names) <= shown:
        return ", ".join(names) or without
    return Shortened(", ".join([*names[:shown], "..."]), ", ".join(names))


def _period_record(spec: ModelSpec, period: str, version: str, summary: PeriodSummary) -> Record:
    split = {name: summary.changes.get(MetricName(part, metric)) for name, part, metric in SPLIT}
    return {
        "model": spec.name,
        "period": period,
        "model_version": version,
        "chunks": summary.days,
        "metric": HEADLINE_METRIC[spec.task],
        **_numbers("value", summary.realized, bounds=("lower", "upper")),
        **_numbers("estimated", summary.estimated),
        **{field: number for name, found in split.items() for field, number in _numbers(name, found).items()},
        "drift_measured_chunks": summary.drift_days,
        "drifted_columns": dict(summary.drifted.most_common()) if summary.drift_days or summary.drifted else None,
        "verdicts": dict(summary.verdicts.most_common()),
        "verdict_reasons": dict(summary.reasons.most_common()),
    }


def _numbers(name: str, found: Quantity | None, *, bounds: tuple[str, str] | None = None) -> dict[str, float | None]:
    lower, upper = bounds or (f"{name}_lower", f"{name}_upper")
    if found is None:
        return {name: None, lower: None, upper: None}
    return {name: found.value, lower: found.lower, upper: found.upper}


def performance_table(model: str, by: str, measured: Sequence[tuple[str, Measurement]]) -> Report:
    """Return one line per period, version and metric, measured on all rows with known labels."""
    table = Report(
        title=f"{model}: performance by {by}" + ("" if measured else ": nothing"),
        columns=("period", "version", "metric", "value [95 % interval]", "labelled rows", "reason"),
        lines=tuple(
            (period, m.model_version, str(m.metric), interval_cell(m), str(m.rows), m.reason or "")
            for period, m in measured
        ),
        fields=PERFORMANCE_FIELDS,
        records=tuple(
            {
                **{field: getattr(m, field) for field in PERFORMANCE_FIELDS if field not in {"model", "period"}},
                "model": model,
                "period": period,
                "metric": str(m.metric),
            }
            for period, m in measured
        ),
    )
    return without_empty_columns(table)


def performance_sums_table(model: str, by: str, summed: Sequence[tuple[str, str, SummedMetric]]) -> Report:
    """Return one line per period, version and metric, computed from stored counts."""
    rows = [
        (model, period, version, str(m.metric), float(m.value), float(m.error_bound), m.rows)
        for period, version, m in summed
    ]
    table = Report(
        title=f"{model}: performance by {by}" + ("" if rows else ": nothing"),
        columns=("period", "version", "metric", "value", "changed by binning at most", "labelled rows"),
        lines=tuple(
            (period, version, metric, f"{value:.4g}", f"{bound:.4g}", str(counted))
            for _, period, version, metric, value, bound, counted in rows
        ),
        fields=SUM_FIELDS,
        records=tuple(dict(zip(SUM_FIELDS, row, strict=True)) for row in rows),
    )
    return without_empty_columns(table)


def worst_chunks(spec: ModelSpec, store: Store, chunks: Sequence[Chunk]) -> Report:
    """Return the critical chunks, each with its most severe reason."""
    found = [
        (key, deciding_reasons(verdict)[0].partition(": ")[2])
        for key, verdict in ((chunk.key, store.verdict(spec.name, chunk.key)) for chunk in chunks)
        if verdict is not None and verdict.status is VerdictStatus.CRITICAL
    ]
    return Report(
        title=f"{spec.name}: critical {spec.calendar.noun}s",
        columns=("", ""),
        lines=tuple(found),
        fields=("chunk", "reason"),
        records=tuple({"chunk": key, "reason": reason} for key, reason in found),
    )


def _drifted(measurements: Sequence[Measurement]) -> Cell:
    """Return the number and names of drifted columns, a note about all inputs together, and the number ignored."""
    drifted = drifted_of(measurements, stored_importance(measurements).weight)
    end = f" (+{ALL_TOGETHER})" if drifted.together else ""
    end += f" (+{len(drifted.ignored)} ignored)" if drifted.ignored else ""
    if not drifted.columns:
        return ("0" if drifted.measured else NOT_MEASURED) + end
    full = f"{len(drifted.columns)}: {', '.join(drifted.columns)}{end}"
    if len(drifted.columns) <= DRIFTED_NAMES_SHOWN:
        return full
    return Shortened(f"{len(drifted.columns)}: {', '.join(drifted.columns[:DRIFTED_NAMES_SHOWN])}, ...{end}", full)
