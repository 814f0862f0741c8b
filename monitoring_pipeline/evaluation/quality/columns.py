"""Quality of columns, from counts alone: nulls, unseen categories, values out of range, lost variation."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from monitoring_pipeline.evaluation.privacy.shown_values import about, may_show, quoted
from monitoring_pipeline.evaluation.profiles.bins import (
    SPECIAL_CELLS_AFTER,
    SPECIAL_CELLS_BEFORE,
    Bins,
    CategoricalBins,
    NumericBins,
)
from monitoring_pipeline.evaluation.profiles.changed_values import changed_nulls, changed_values, new_values
from monitoring_pipeline.evaluation.profiles.far_values import lie_far_outside, share_below_zero
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile, is_constant
from monitoring_pipeline.evaluation.profiles.scale import scale_in_words
from monitoring_pipeline.evaluation.profiles.shares import LARGER_SHARE, seen_once, vanished_cells
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.statistics.samples.distances import share_increased_by
from monitoring_pipeline.statistics.samples.homogeneity_tests import more_frequent_test

BY_CHANCE = 0.01
PREDICTION = "prediction"
OUT_OF_RANGE = 0.01
_NEARLY_ALL = 1.0 - 1e-9


@dataclass(frozen=True)
class ColumnFacts:
    """The columns of a version's reference.

    Args:
        bins: their bins.
        profile: their counts.
        constant_columns: the columns that usually hold only one value within a chunk.
        parts: columns that hold a part of a text or a vector. Their feature's own column has the quality of all.
        learned: by how much the share of a name may increase on a healthy chunk with so many rows, by column, name and
            rows, in Cohen's h; None if it was not learned.
    """

    bins: Mapping[str, Bins]
    profile: ChunkProfile
    constant_columns: Collection[str]
    learned: Callable[[str, str, int], float | None] = lambda _column, _name, _rows: None
    parts: Collection[str] = ()

    def largest_share(self, column: ColumnProfile, name: str, usual: float) -> float:
        """Return the largest share that a healthy chunk may have, from the usual one."""
        learned = self.learned(column.column, name, column.rows) or 0.0
        return share_increased_by(usual, max(learned, LARGER_SHARE))

    def is_beyond_chance(self, column: ColumnProfile, events: int, usual_events: int) -> bool:
        """Return whether events are more frequent than in the reference, with all of its columns looked at."""
        usual_rows = self.profile[column.column].rows
        p_value = more_frequent_test(events, column.rows, usual_events, max(usual_rows, 1))
        return p_value < BY_CHANCE / max(len(self.bins), 1)


def measure_columns(facts: ColumnFacts, profile: ChunkProfile) -> tuple[Measurement, ...]:
    """Measure every column of a chunk, compared with the reference."""
    return tuple(
        _with_change(facts, column, measurement)
        for column in profile.columns
        if column.column not in facts.parts
        for measurement in _of_column(facts, profile, column)
    )


def _with_change(facts: ColumnFacts, column: ColumnProfile, measurement: Measurement) -> Measurement:
    """Return a breach with what else changed in its column, from what to what."""
    if measurement.status is not Status.BREACHED:
        return measurement
    before = facts.profile[column.column]
    words = _ELSE_CHANGED.get(measurement.name)
    return measurement.noted(
        changed_values(facts.bins[column.column], before, column) if words is None else words(before, column)
    )


_ELSE_CHANGED: Mapping[str, Callable[[ColumnProfile, ColumnProfile], str | None]] = {
    "null_share": lambda _before, now: (
        f"new values {new_values(now.unseen, now.counts[-1])}" if now.unseen and now.counts[-1] else None
    ),
    "unseen_share": changed_nulls,
}
"""What a breach does not yet name; for the names that are not here, all that changed."""


def _of_column(facts: ColumnFacts, profile: ChunkProfile, column: ColumnProfile) -> Iterator[Measurement]:
    blank = Measurement(
        kind=Kind.QUALITY,
        subject=column.column,
        name="",
        model_version=profile.model_version,
        value=0.0,
        rows=column.rows,
    )
    yield _null_share(facts, column, blank)
    bins = facts.bins[column.column]
    if isinstance(bins, CategoricalBins):
        yield _unseen_share(facts, column, blank)
        # Which classes are predicted is a matter of the model, and of the drift of its output.
        if column.column != PREDICTION:
            yield _vanished_share(facts, bins, column, blank)
    else:
        yield _out_of_range_share(facts, column, blank)
    yield _constant(facts, column, blank)


def _null_share(facts: ColumnFacts, column: ColumnProfile, blank: Measurement) -> Measurement:
    reference_share = facts.profile[column.column].null_share
    measurement = replace(
        blank,
        name="null_share",
        value=column.null_share,
        reference_value=reference_share,
        threshold_upper=facts.largest_share(column, "null_share", reference_share),
        definition="share of rows that are null",
    )
    if not column.rows:
        return measurement.skipped("no rows")
    # If a column is often null, few rows may all be null by chance.
    if column.null_share == 1.0 and reference_share**column.rows < BY_CHANCE:
        reason = f"every value of {column.column} is null; in the reference {reference_share:.1%} are"
        return measurement.breached(reason)
    usual_nulls = facts.profile[column.column].counts[0]
    if _is_above(measurement) and facts.is_beyond_chance(column, column.counts[0], usual_nulls):
        reason = (
            f"{column.null_share:.1%} of the values of {column.column} are null, in the reference "
            f"{reference_share:.1%}; up to {measurement.threshold_upper:.1%} are usual"
        )
        return measurement.breached(reason)
    return measurement


def _is_above(measurement: Measurement) -> bool:
    value, limit = measurement.value, measurement.threshold_upper
    return value is not None and limit is not None and value > limit


def _unseen_share(facts: ColumnFacts, column: ColumnProfile, blank: Measurement) -> Measurement:
    """Return the share of rows of unseen categories.

    It is a warning above the largest usual share, unless rare categories of the reference explain it; else info.
    """
    before = facts.profile[column.column]
    rows, reference_rows = column.counts[-1], before.counts[-1]
    usual = reference_rows / max(before.rows, 1)
    measurement = replace(
        blank,
        name="unseen_share",
        value=rows / column.rows if column.rows else 0.0,
        reference_value=usual,
        threshold_upper=facts.largest_share(column, "unseen_share", usual),
        severity=Severity.INFO,
        definition="share of rows whose category is not among the reference's most frequent",
    )
    if not column.rows:
        return measurement.skipped("no rows")
    names = new_values(column.unseen, rows)
    if _is_above(measurement) and facts.is_beyond_chance(column, rows, reference_rows + seen_once(before)):
        many = replace(measurement, severity=Severity.WARNING)
        return many.breached(f"{measurement.value:.1%} of the rows have unseen categories: {names}")
    # If the reference has more categories than are kept, a new one cannot be distinguished from a rare one.
    if rows and not reference_rows:
        any_row = replace(measurement, threshold_upper=0.0)
        return any_row.breached(f"{rows} {'row' if rows == 1 else 'rows'} of unseen categories: {names}")
    return measurement if reference_rows else replace(measurement, threshold_upper=0.0)


def _vanished_share(
    facts: ColumnFacts, bins: CategoricalBins, column: ColumnProfile, blank: Measurement
) -> Measurement:
    """Return the share in the reference of categories that have no row and should have some, such as a lost shop."""
    before = facts.profile[column.column]
    cells = vanished_cells(bins, before, column)
    share = sum(before.counts[cell] for cell in cells) / max(before.rows, 1)
    measurement = replace(
        blank,
        name="vanished_share",
        value=share,
        threshold_upper=facts.largest_share(column, "vanished_share", 0.0),
        definition="share in the reference of categories without a row of which at least 14 rows are expected",
    )
    if not column.rows:
        return measurement.skipped("no rows")
    if not _is_above(measurement):
        return measurement
    shown = [quoted(bins.categories[cell - 1]) for cell in cells if may_show(before.counts[cell])][:5]
    names = ", ".join(shown) or f"{len(cells)} categories"
    return measurement.breached(f"no row of {names}, which {share:.1%} of the reference's rows have")


def _out_of_range_share(facts: ColumnFacts, column: ColumnProfile, blank: Measurement) -> Measurement:
    """Return the share of rows outside the reference's range.

    The severity is info, because seasonal inputs leave the range legitimately. It is a warning if many leave it by more
    than its width, or are negative where the smallest value of the reference is 0.
    """
    before = facts.profile[column.column]
    outside = _rows_outside(facts.bins[column.column], column)
    share = outside / column.rows if column.rows else 0.0
    measurement = replace(
        blank,
        name="out_of_range_share",
        value=share,
        threshold_upper=OUT_OF_RANGE,
        severity=Severity.INFO,
        definition="share of rows beyond the reference's minimum and maximum, infinities included",
    )
    if not column.rows:
        return measurement.skipped("no rows")
    if before.minimum is None:
        return measurement.skipped("the reference has no finite value")
    if share <= OUT_OF_RANGE:
        return measurement
    reason = f"{share:.1%} of the rows lie beyond the reference's values"
    if may_show(outside):
        reason += f": {', before '.join(_range(side) for side in (column, before) if side.minimum is not None)}"
    is_implausible = _is_implausible(facts, before, column)
    judged = replace(measurement, severity=Severity.WARNING) if is_implausible else measurement
    return judged.breached(reason).noted(scale_in_words(facts.bins[column.column], before, column))


def _range(side: ColumnProfile) -> str:
    return " to ".join(about(extreme) for extreme in (side.minimum, side.maximum) if extreme is not None)


def _is_implausible(facts: ColumnFacts, before: ColumnProfile, column: ColumnProfile) -> bool:
    """Return whether many values lie where no season leads: far outside the range, or below 0 where nothing was."""
    bins = facts.bins[column.column]
    if isinstance(bins, NumericBins) and lie_far_outside(bins, before, column, OUT_OF_RANGE):
        return True
    negative = share_below_zero(before, column)
    return negative > OUT_OF_RANGE and facts.is_beyond_chance(column, round(negative * column.rows), 0)


def _rows_outside(bins: Bins, column: ColumnProfile) -> int:
    if not isinstance(bins, NumericBins) or not bins.edges:
        return 0
    first, last = SPECIAL_CELLS_BEFORE, len(column.counts) - SPECIAL_CELLS_AFTER - 1
    infinite = column.counts[2] + column.counts[-1]
    return column.counts[first] + column.counts[last] + infinite


def _constant(facts: ColumnFacts, column: ColumnProfile, blank: Measurement) -> Measurement:
    """Return whether a column has one value in all rows; breached if it never had on a day of the reference."""
    measurement = replace(
        blank,
        name="constant",
        value=float(is_constant(facts.bins[column.column], column)),
        threshold_upper=0.0,
        definition="1 when all values that are not null are equal",
    )
    if column.counts[0] == column.rows:
        return measurement.skipped("no values" if column.rows else "no rows")
    expected = column.column in facts.constant_columns
    if not measurement.value or expected or _by_chance(facts, column):
        return replace(measurement, threshold_upper=None if expected else 0.0)
    return measurement.breached(f"every value of {column.column} is the same")


def _by_chance(facts: ColumnFacts, column: ColumnProfile) -> bool:
    """Return whether all rows may fall into one cell by chance, or because the shares of categories vary by day."""
    before = facts.profile[column.column].counts[1:]
    values = sum(column.counts[1:])
    if sum((rows / max(sum(before), 1)) ** values for rows in before) >= BY_CHANCE:
        return True
    usual = before[int(np.argmax(column.counts[1:]))] / max(sum(before), 1)
    learned = facts.learned(column.column, "cohens_h", column.rows)
    return learned is not None and share_increased_by(usual, learned) >= _NEARLY_ALL
