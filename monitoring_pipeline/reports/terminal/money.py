"""Money of chunks, as cells for people and as fields for programs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from monitoring_pipeline.evaluation.business.money import (
    COST,
    COST_FORECAST,
    COST_OF_MONTH,
    COST_PER_THOUSAND,
    DIFFERENCE,
    ESTIMATED,
    ESTIMATED_PER_PREDICTION,
    OF_ALL,
    PER_PREDICTION,
    TOTAL,
    VALUE,
    amount,
)
from monitoring_pipeline.records.measurement import Kind, Measurement
from monitoring_pipeline.spec.model import ModelSpec

NOTHING = "-"
VALUE_NAMES = {
    TOTAL: "realized_value",
    OF_ALL: OF_ALL,
    PER_PREDICTION: PER_PREDICTION,
    ESTIMATED_PER_PREDICTION: ESTIMATED_PER_PREDICTION,
    DIFFERENCE: DIFFERENCE,
}
"""Fields for programs, by the name of the measurement of one version."""
COST_NAMES = (COST, COST_PER_THOUSAND, COST_OF_MONTH, COST_FORECAST)
MONEY_FIELDS = (
    *VALUE_NAMES.values(), f"{DIFFERENCE}_lower", f"{DIFFERENCE}_upper", "value_currency", *COST_NAMES, "cost_currency",
)  # fmt: skip


def money_columns(spec: ModelSpec) -> tuple[str, ...]:
    """Return the headers of the cells about money; none for a spec that declares none."""
    worth = (f"value, {spec.value.currency}",) if spec.value else ()
    return (*worth, f"cost, {spec.cost.currency}") if spec.cost else worth


def money_cells(spec: ModelSpec, measurements: Iterable[Measurement]) -> tuple[str, ...]:
    """Return the cells of a chunk for value and cost; those that the spec does not declare are left out."""
    own = [m for m in measurements if m.kind is Kind.BUSINESS and not m.segment and m.value is not None]
    cells: list[str] = []
    if spec.value:
        of_value = [m for m in own if m.subject == VALUE]
        cells.append("; ".join(_worth(of_value)) or NOTHING)
    if spec.cost:
        cells.append(_cost({m.name: m for m in own if m.subject == COST}))
    return tuple(cells)


def money_record(spec: ModelSpec, measurements: Sequence[Measurement], model_version: object) -> dict[str, object]:
    """Return the numbers of a chunk and version about money, by the names of their fields."""
    own = [m for m in measurements if m.kind is Kind.BUSINESS and not m.segment]
    worth = {m.name: m for m in own if m.subject == VALUE and m.model_version == model_version}
    cost = {m.name: m.value for m in own if m.subject == COST}
    difference = worth.get(DIFFERENCE)
    return {
        **{field: worth[name].value if name in worth else None for name, field in VALUE_NAMES.items()},
        f"{DIFFERENCE}_lower": difference.lower if difference else None,
        f"{DIFFERENCE}_upper": difference.upper if difference else None,
        "value_currency": spec.value.currency if spec.value else None,
        **{name: cost.get(name) for name in COST_NAMES},
        "cost_currency": spec.cost.currency if spec.cost else None,
    }


def _worth(measured: Sequence[Measurement]) -> Iterator[str]:
    """Yield the words of each version: its realized value, or an estimate, and the difference from usual ones."""
    versions = sorted({m.model_version for m in measured})
    for version in versions:
        by_name = {m.name: m for m in measured if m.model_version == version}
        words = _of_version(by_name)
        if words:
            yield f"{version}: {words}" if len(versions) > 1 else words


def _of_version(by_name: Mapping[str, Measurement]) -> str:
    words = [_amount(by_name[TOTAL])] if TOTAL in by_name else []
    single = next((by_name[name] for name in (PER_PREDICTION, ESTIMATED_PER_PREDICTION) if name in by_name), None)
    if single is not None:
        is_estimated = ", estimated" if single.name == ESTIMATED_PER_PREDICTION else ""
        words.append(f"{_amount(single)} per prediction{is_estimated}")
    if (difference := by_name.get(DIFFERENCE)) is not None:
        is_estimated = ", estimated" if ESTIMATED in (difference.reason or "") else ""
        ends = f" [{amount(difference.lower or 0.0)} to {amount(difference.upper or 0.0)}]"
        words.append(f"{difference.value or 0.0:+,.0f}{ends} against usual{is_estimated}")
    return ", ".join(words)


def _cost(by_name: Mapping[str, Measurement]) -> str:
    named = ((COST, "{}"), (COST_OF_MONTH, "month {}"), (COST_FORECAST, "forecast {}"))
    return ", ".join(words.format(_amount(by_name[name])) for name, words in named if name in by_name) or NOTHING


def _amount(measurement: Measurement) -> str:
    return amount(measurement.value or 0.0)
