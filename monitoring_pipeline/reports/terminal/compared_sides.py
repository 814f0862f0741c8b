"""The report of a comparison of two sides."""

from collections.abc import Sequence

from monitoring_pipeline.evaluation.compared_sides import ComparedMetric, Side
from monitoring_pipeline.reports.report import Cell, Report, Styled
from monitoring_pipeline.statistics.results import Quantity

COMPARED_FIELDS = (
    "model", "metric", "first", "first_value", "first_lower", "first_upper", "first_rows", "second", "second_value",
    "second_lower", "second_upper", "second_rows", "difference", "difference_lower", "difference_upper", "error_bound",
    "worse", "reason",
)  # fmt: skip
WORSE = {True: Styled("worse", "bold red"), False: Styled("better", "green"), None: "no clear difference"}


def comparison_table(model: str, first: Side, second: Side, compared: Sequence[ComparedMetric]) -> Report:
    """Return one line for each metric: both values with intervals, the difference, and whether it is a loss."""
    return Report(
        title=f"{model}: {second.name} against {first.name}",
        columns=("metric", first.name, second.name, "difference [95 %]", "second is", "rows"),
        lines=tuple(_line(m) for m in compared),
        fields=COMPARED_FIELDS,
        records=tuple(_record(model, first, second, m) for m in compared),
        note="; ".join(dict.fromkeys(m.difference.note for m in compared if m.difference.note)),
    )


def _line(m: ComparedMetric) -> tuple[Cell, ...]:
    has_interval = m.difference.lower is not None
    excludes_zero = has_interval and not (m.difference.lower or 0.0) <= 0.0 <= (m.difference.upper or 0.0)
    word: Cell = WORSE[m.worse] if m.worse is not None else "different" if excludes_zero else WORSE[None]
    return (
        str(m.metric),
        _with_interval(m.first, ".4g"),
        _with_interval(m.second, ".4g"),
        _with_interval(m.difference, "+.4g"),
        word,
        f"{m.rows[0]:,} and {m.rows[1]:,}",
    )


def _with_interval(number: Quantity, form: str) -> str:
    value = format(number.value, form)
    if number.lower is None or number.upper is None:
        return value
    return f"{value} [{format(number.lower, form)}, {format(number.upper, form)}]"


def _record(model: str, first: Side, second: Side, m: ComparedMetric) -> dict[str, object]:
    values = (
        model, str(m.metric), first.name, m.first.value, m.first.lower, m.first.upper, m.rows[0], second.name,
        m.second.value, m.second.lower, m.second.upper, m.rows[1], m.difference.value, m.difference.lower,
        m.difference.upper, m.error_bound, m.worse, m.difference.note or "",
    )  # fmt: skip
    return dict(zip(COMPARED_FIELDS, values, strict=True))
