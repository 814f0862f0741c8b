"""How far the results of a model in two homes agree, counted from the comparison of both."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text

from benchmarks.compare_homes import Comparison, Difference, store_url

CLOSE = 1e-12
NUMBERS = frozenset(
    {"value", "lower", "upper", "reference_value", "p_value", "q_value", "threshold_lower", "threshold_upper"}
)
ROW = "{:12}{:16}{:>13}{:>8}{:>14}{:>7}{:>10}{:>7}"
HEAD = ROW.format("warehouse", "model", "measurements", "equal", "within 1e-12", "other", "verdicts", "equal")


@dataclass(frozen=True)
class ModelAgreement:
    """The results of one model in two homes; ``close`` differ in nothing but numbers, and by less than 1e-12."""

    model: str
    measurements: int
    equal: int
    close: int
    different: int
    verdicts: int
    equal_verdicts: int

    def line(self, warehouse: str) -> str:
        """Return a line of the table."""
        counts = (self.measurements, self.equal, self.close, self.different, self.verdicts, self.equal_verdicts)
        return ROW.format(warehouse, self.model, *(f"{count:,}" for count in counts))


def agreement(model: str, home: Path, compared: Sequence[Comparison]) -> ModelAgreement:
    """Return the agreement about a model, from the comparison of two homes of which ``home`` is the old one."""
    measured, judged = (_statuses(home, table, model).total() for table in ("measurements", "verdicts"))
    measurements, verdicts = ([*_differences(model, compared, table)] for table in ("measurements", "verdicts"))
    close = sum(is_close(columns, difference) for columns, difference in measurements)
    return ModelAgreement(
        model=model,
        measurements=measured,
        equal=measured - sum(difference.old is not None for _, difference in measurements),
        close=close,
        different=len(measurements) - close,
        verdicts=judged,
        equal_verdicts=judged - sum(difference.old is not None for _, difference in verdicts),
    )


def is_close(columns: Sequence[str], difference: Difference) -> bool:
    """Return whether two rows differ in nothing but numbers, and in these by less than 1e-12."""
    if difference.old is None or difference.new is None:
        return False
    changed = [each for each in zip(columns, difference.old, difference.new, strict=True) if each[1] != each[2]]
    return all(
        column in NUMBERS and "null" not in (old, new) and abs(float(old) - float(new)) < CLOSE
        for column, old, new in changed
    )


def _differences(model: str, compared: Sequence[Comparison], table: str) -> Iterator[tuple[Sequence[str], Difference]]:
    (comparison,) = [each for each in compared if each.table == table]
    place = comparison.columns.index("model")
    for difference in comparison.differences:
        if (difference.old or difference.new or ())[place] == repr(model):
            yield comparison.columns, difference


def _statuses(home: Path, table: str, model: str) -> Counter[str]:
    engine = create_engine(store_url(str(home)))
    select = text(f"SELECT status, count(*) FROM {table} WHERE model = :model GROUP BY status")
    with engine.connect() as connection:
        counted = Counter({str(status): int(count) for status, count in connection.execute(select, {"model": model})})
    engine.dispose()
    return counted


def what_was_measured(home: Path, model: str) -> str:
    """Return the counts of statuses, which show that equal results are not empty ones."""
    parts = []
    for table in ("measurements", "verdicts"):
        counted = _statuses(home, table, model).most_common()
        parts.append(f"{table} {', '.join(f'{count:,} {status}' for status, count in counted)}")
    return f"{model}: {'; '.join(parts)}"
