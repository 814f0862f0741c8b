"""The table that each sort of result shows."""

from collections.abc import Iterator, Sequence

from monitoring_pipeline.api.results.reasons import Reasons
from monitoring_pipeline.api.results.result import MeasuredChunk
from monitoring_pipeline.api.results.tables import Rows, Table, number
from monitoring_pipeline.evaluation.drift.drifted import drifted_of, in_floors, one_of_each_column
from monitoring_pipeline.evaluation.drift.statistics_table import DRIFT_STATISTICS
from monitoring_pipeline.evaluation.labels.maturity import PRESENT
from monitoring_pipeline.records.measurement import Kind, Measurement, Status
from monitoring_pipeline.spec.rules.drift import MultivariateStatistic

OK = ""
LEGEND = (
    "q: p-value of a column, corrected for the number of columns; p: of the test of all inputs together. Drifted: the "
    "effect is at least the floor, and q or p is below drift.alpha. Nulls: their share in the reference -> now"
)


def table_of_columns() -> Table:
    """Return the table with a line for each column that was compared, the drifted ones first."""
    return Table(lambda chunks, _: _columns(chunks))


def table_of_metrics() -> Table:
    """Return the table with a line for each metric."""
    return Table(lambda chunks, _: _metrics(chunks))


def table_of_chunks(noun: str, headline: str) -> Table:
    """Return the table with a line for each chunk.

    Args:
        noun: the word for a chunk.
        headline: the metric that it shows; empty without labels.
    """
    return Table(lambda chunks, reasons: _chunks(chunks, reasons, noun, headline))


def table_of_expectations() -> Table:
    """Return the table with a line for each expectation."""
    return Table(lambda chunks, _: _expectations(chunks))


def _is_of_columns(m: Measurement) -> bool:
    return m.kind is Kind.DRIFT and m.name in {*DRIFT_STATISTICS, *MultivariateStatistic}


def _columns(chunks: Sequence[MeasuredChunk]) -> Rows:
    measured = [m for chunk in chunks for m in chunk.measurements]
    shown = [m for chunk in chunks for m in one_of_each_column(filter(_is_of_columns, chunk.measurements))]
    nulls = {m.subject: m for m in measured if m.name == "null_share"}
    ordered = sorted(shown, key=lambda m: (m.status is not Status.BREACHED, -in_floors(m)))
    return Rows(
        columns=("column", "state", "statistic", "effect", "floor", "q", "p", "nulls"),
        cells=tuple(
            (
                m.subject,
                _state(m, "drifted"),
                m.name,
                number(m.value),
                number(m.threshold_upper),
                _probability(m.q_value),
                _probability(m.p_value if m.q_value is None else None),
                _null_shares(nulls.get(m.subject)),
            )
            for m in ordered
        ),
        numbers=frozenset({"effect", "floor", "q", "p", "nulls"}),
        legend=LEGEND if ordered else "",
    )


def _probability(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"


def _null_shares(nulls: Measurement | None) -> str:
    """Return the share of nulls, after that of the reference if it differs; nothing if there are none."""
    if nulls is None or nulls.value is None:
        return ""
    now, before = (f"{share:.1%}" for share in (nulls.value, nulls.reference_value or 0.0))
    if now == before:
        return now if nulls.value else ""
    return f"{before} -> {now}"


def _metrics(chunks: Sequence[MeasuredChunk]) -> Rows:
    measured = [m for chunk in chunks for m in chunk.measurements if m.kind is Kind.PERFORMANCE]
    return Rows(
        columns=("metric", "value", "95 % interval", "reference", "allowed", "state"),
        cells=tuple(
            (
                str(m.metric),
                number(m.value),
                "" if m.lower is None or m.upper is None else f"[{m.lower:.3g}, {m.upper:.3g}]",
                number(m.reference_value),
                _allowed(m),
                _state(m, "breached"),
            )
            for m in sorted(measured, key=lambda m: m.status is not Status.BREACHED)
            # A metric that was held back is among the reasons.
            if m.value is not None
        ),
        numbers=frozenset({"value", "95 % interval", "reference"}),
    )


def _chunks(chunks: Sequence[MeasuredChunk], reasons: Reasons, noun: str, headline: str) -> Rows:
    performance = f"{headline} [95 %]" if headline else ""
    return Rows(
        columns=(noun, "rows", "labels", performance, "verdict", "reason", "drifted columns"),
        cells=tuple(
            (
                chunk.key,
                _number_of(chunk, "rows"),
                _labels(chunk),
                ", ".join(_with_interval(m) for m in chunk.measurements if _is_headline(m, headline)),
                str(chunk.verdict.status),
                reasons.of_chunk(chunk.key),
                _drifted(chunk),
            )
            for chunk in chunks
        ),
        numbers=frozenset({"rows", "labels", "reason"}),
    )


def _expectations(chunks: Sequence[MeasuredChunk]) -> Rows:
    measured = [m for chunk in chunks for m in chunk.measurements]
    return Rows(
        columns=("column", "expectation", "unexpected", "allowed", "state"),
        cells=tuple(
            (m.subject, str(m.metric), number(m.value), number(m.threshold_upper), _state(m, "failed"))
            for m in sorted(measured, key=lambda m: m.status is not Status.BREACHED)
        ),
        numbers=frozenset({"unexpected", "allowed"}),
    )


def _state(measurement: Measurement, breached: str) -> str:
    if measurement.status is Status.BREACHED:
        return breached
    return OK if measurement.status is Status.OK else str(measurement.status)


def _allowed(measurement: Measurement) -> str:
    lower, upper = measurement.threshold_lower, measurement.threshold_upper
    parts = [
        *([f"from {number(lower)}"] if lower is not None else []),
        *([f"to {number(upper)}"] if upper is not None else []),
    ]
    return " ".join(parts)


def _number_of(chunk: MeasuredChunk, name: str) -> str:
    value = next((m.value for m in chunk.measurements if m.name == name), None)
    return "" if value is None else f"{value:.0f}"


def _labels(chunk: MeasuredChunk) -> str:
    """Return the share of predictions with a known label."""
    present = next((m for m in chunk.measurements if m.name == PRESENT and m.value is not None), None)
    return "" if present is None or not present.rows else f"{(present.value or 0.0) / present.rows:.1%}"


def _drifted(chunk: MeasuredChunk) -> str:
    drifted = drifted_of(chunk.measurements)
    return ", ".join(_words(drifted.columns, together=drifted.together)) if drifted.measured else "not measured"


def _words(columns: Sequence[str], *, together: bool) -> Iterator[str]:
    yield from columns
    if together:
        yield "all together"


def _is_headline(measurement: Measurement, headline: str) -> bool:
    return measurement.kind is Kind.PERFORMANCE and str(measurement.metric) == headline


def _with_interval(measurement: Measurement) -> str:
    if measurement.value is None:
        return "not measured"
    if measurement.lower is None or measurement.upper is None:
        return number(measurement.value)
    return f"{measurement.value:.3g} [{measurement.lower:.3g}, {measurement.upper:.3g}]"
