"""Quality of columns, from counts alone: nulls, unseen categories, values out of range, lost variation."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from monitoring_pipeline.evaluation.profiles.bins import (
    SPECIAL_CELLS_AFTER,
    SPECIAL_CELLS_BEFORE,
    Bins,
    CategoricalBins,
    NumericBins,
)
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile, is_constant
from monitoring_pipeline.evaluation.profiles.scale import scale_in_words
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity

BY_CHANCE = 0.01
OUT_OF_RANGE = 0.01


@dataclass(frozen=True)
class ColumnFacts:
    """The columns of a version's reference: bins, profile, and the columns that were constant on any of its days."""

    bins: Mapping[str, Bins]
    profile: ChunkProfile
    constant_columns: Collection[str]


def measure_columns(facts: ColumnFacts, profile: ChunkProfile) -> tuple[Measurement, ...]:
    """Measure every column of a chunk, compared with the reference."""
    return tuple(measurement for column in profile.columns for measurement in _of_column(facts, profile, column))


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
    if isinstance(facts.bins[column.column], CategoricalBins):
        yield _unseen_share(facts, column, blank)
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
        definition="share of rows that are null",
    )
    if not column.rows:
        return measurement.skipped("no rows")
    # If a column is often null, few rows may all be null by chance.
    if column.null_share == 1.0 and reference_share**column.rows < BY_CHANCE:
        reason = f"every value of {column.column} is null; in the reference {reference_share:.1%} are"
        return measurement.breached(reason)
    return measurement


def _unseen_share(facts: ColumnFacts, column: ColumnProfile, blank: Measurement) -> Measurement:
    rows, reference_rows = column.counts[-1], facts.profile[column.column].counts[-1]
    measurement = replace(
        blank,
        name="unseen_share",
        value=rows / column.rows if column.rows else 0.0,
        reference_value=reference_rows / max(facts.profile.rows, 1),
        threshold_upper=None if reference_rows else 0.0,
        severity=Severity.INFO,
        definition="share of rows whose category is not among the reference's most frequent",
    )
    if not column.rows:
        return measurement.skipped("no rows")
    # If the reference has more categories than are kept, a new one cannot be distinguished from a rare one.
    if rows and not reference_rows:
        names = ", ".join(f"{entry.value!r} ({entry.rows})" for entry in column.unseen[:5])
        return measurement.breached(f"{rows} rows of unseen categories: {names}")
    return measurement


def _out_of_range_share(facts: ColumnFacts, column: ColumnProfile, blank: Measurement) -> Measurement:
    """Return the share of rows outside the reference's range.

    The severity is info, because seasonal inputs leave the range legitimately.
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
    ranges = (f"{side.minimum:g} to {side.maximum:g}" for side in (column, before) if side.minimum is not None)
    reason = f"{share:.1%} of the rows lie beyond the reference's values: {', before '.join(ranges)}"
    return measurement.breached(reason).noted(scale_in_words(facts.bins[column.column], before, column))


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
    """Return whether so few rows may all fall into one cell, of any value, by chance."""
    before = facts.profile[column.column].counts[1:]
    values = sum(column.counts[1:])
    return sum((rows / max(sum(before), 1)) ** values for rows in before) >= BY_CHANCE
