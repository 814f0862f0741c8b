"""The six dimensions of data quality (DAMA UK 2013): what was checked for each, and what failed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitoring_pipeline.records.measurement import Kind, Measurement, Status
from monitoring_pipeline.web_pages.contents.columns import status_of
from monitoring_pipeline.web_pages.contents.table import Cell, Table
from monitoring_pipeline.web_pages.numbers import allowed, named

FAILED_SHOWN = 40


@dataclass(frozen=True)
class Dimension:
    """One dimension of quality: the parts of the names of its measurements."""

    name: str
    parts: tuple[str, ...]


DIMENSIONS = (
    Dimension("completeness", ("null", "columns_vanished", "without", "column_to_exist", "arrived")),
    Dimension("uniqueness", ("unique", "duplicate", "ambiguous")),
    Dimension("timeliness", ("freshness", "before_prediction", "not_yet_known")),
    Dimension("volume", ("rows", "volume", "row_count")),
    Dimension(
        "consistency",
        ("orphan", "contradictory", "normalised", "pair", "equal", "sum", "outside_window", "changed_type"),
    ),
    Dimension("validity", ("",)),
)  # fmt: skip
"""A measurement belongs to the first dimension that has a part of its name."""
_RANK = {"critical": 0, "warning": 1, "info": 2, "unknown": 3, "ok": 4}


@dataclass(frozen=True, kw_only=True)
class DimensionOfChunk:
    """One dimension on one chunk: checks made, failed and not made, and the worst status."""

    name: str
    made: int
    failed: int
    missing: int
    status: str

    @property
    def words(self) -> str:
        """The counts in words."""
        failed = f"{self.failed} of {self.made} checks failed" if self.failed else f"{self.made} checks passed"
        return failed + (f", {self.missing} could not be made" if self.missing else "")


def dimension_of(name: str) -> str:
    """Return the dimension of the measurement of that name."""
    return next(dimension.name for dimension in DIMENSIONS if any(part in name for part in dimension.parts))


def dimensions_of(measurements: Sequence[Measurement]) -> tuple[DimensionOfChunk, ...]:
    """Return the dimensions of which something was checked."""
    return tuple(
        _dimension(dimension.name, found)
        for dimension in DIMENSIONS
        if (found := [m for m in _quality(measurements) if dimension_of(m.name) == dimension.name])
    )


def failed_checks(measurements: Sequence[Measurement]) -> Table:
    """Return the failed checks of quality, most severe first."""
    failed = [m for m in _quality(measurements) if m.status is Status.BREACHED]
    ordered = sorted(failed, key=lambda m: (_RANK[status_of(m)], m.subject, m.name))
    more = len(ordered) - FAILED_SHOWN
    return Table(
        caption=f"Failed checks{f' ({more} more are not shown)' if more > 0 else ''}",
        columns=("check", "dimension", "value", "allowed", "why"),
        rows=tuple(
            (
                Cell(f"{m.subject} {m.metric}", status_of(m)),
                Cell(dimension_of(m.name)),
                Cell(named(m.name, m.value), is_number=True),
                Cell(allowed(m.name, m.threshold_lower, m.threshold_upper)),
                Cell(m.reason or ""),
            )
            for m in ordered[:FAILED_SHOWN]
        ),
    )


def _quality(measurements: Sequence[Measurement]) -> Iterable[Measurement]:
    return (m for m in measurements if m.kind is Kind.QUALITY)


def _dimension(name: str, found: Sequence[Measurement]) -> DimensionOfChunk:
    statuses = [status_of(m) for m in found]
    missing = statuses.count("unknown")
    return DimensionOfChunk(
        name=name,
        made=len(found) - missing,
        failed=sum(m.status is Status.BREACHED for m in found),
        missing=missing,
        status=min(statuses, key=_RANK.__getitem__),
    )
