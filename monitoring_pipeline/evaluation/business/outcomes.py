"""The good and the bad ones that an objective counts in each chunk: chunks, predictions of a chunk, or single rows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitoring_pipeline.records.measurement import Kind, Measurement, Role
from monitoring_pipeline.spec.rules.incidents import Objective

SHARE_OF_RIGHT_ROWS = "accuracy"
SHARES_OF_BAD_ROWS = ("null_share", "unseen_share", "out_of_range_share")
EXPECTATIONS_OF_ROWS = ("column_values_", "column_pair_values_", "select_column_values_", "compound_columns_")
"""Beginnings of the names of expectations about each row; their value is the share of rows that fail them."""


@dataclass(frozen=True)
class Outcome:
    """The good and the bad ones of a chunk, in what the objective counts."""

    good: int
    bad: int


@dataclass(frozen=True)
class Window:
    """The chunks of a window that have a value, in order, with their good and bad ones."""

    outcomes: Mapping[str, Outcome]

    @property
    def chunks(self) -> int:
        """Number of chunks with a value."""
        return len(self.outcomes)

    @property
    def bad_chunks(self) -> list[str]:
        """Keys of the chunks with a bad one, in order."""
        return [key for key, outcome in self.outcomes.items() if outcome.bad]

    @property
    def counted_good(self) -> int:
        """Number of the good ones."""
        return sum(outcome.good for outcome in self.outcomes.values())

    @property
    def counted_bad(self) -> int:
        """Number of the bad ones."""
        return sum(outcome.bad for outcome in self.outcomes.values())

    @property
    def counted(self) -> int:
        """Number of all."""
        return self.counted_good + self.counted_bad

    def between(self, first: str, last: str) -> "Window":
        """Return the chunks from the first to the last key, both included."""
        return Window({key: outcome for key, outcome in self.outcomes.items() if first <= key <= last})


def outcomes_of(objective: Objective, history: Sequence[tuple[str, Measurement]]) -> Window:
    """Return by chunk what an objective counts in it.

    Several subjects may have the metric's name. Then a chunk is good if all of them are, and it has as many bad rows as
    the worst of them.
    """
    of_subject: dict[tuple[str, str], list[Measurement]] = {}
    for key, measurement in history:
        if _is_about(objective, measurement):
            of_subject.setdefault((key, measurement.subject), []).append(measurement)
    count = _ROWS if objective.counts_rows else _PREDICTIONS if objective.counts == "predictions" else _CHUNKS
    found: dict[str, Outcome] = {}
    for (key, _), measured in sorted(of_subject.items()):
        outcome = count(objective, measured)
        found[key] = _worse(found[key], outcome, by_row=objective.counts_rows) if key in found else outcome
    return Window(found)


def is_share_of_rows(objective: Objective) -> bool:
    """Return whether the metric of an objective is a share of good or bad rows, so that rows can be counted."""
    name = objective.measured.name
    if objective.kind == Kind.PERFORMANCE:
        return name == SHARE_OF_RIGHT_ROWS and not objective.measured.of
    return objective.kind == Kind.QUALITY and (name in SHARES_OF_BAD_ROWS or name.startswith(EXPECTATIONS_OF_ROWS))


def _worse(one: Outcome, other: Outcome, *, by_row: bool) -> Outcome:
    bad, rows = max(one.bad, other.bad), max(one.good + one.bad, other.good + other.bad)
    if bad and not by_row:
        return Outcome(0, rows)
    return Outcome(rows - bad, bad)


def _one_chunk(objective: Objective, measured: Sequence[Measurement]) -> Outcome:
    is_good = _keeps(objective, max(measured, key=_precedence))
    return Outcome(int(is_good), int(not is_good))


def _its_predictions(objective: Objective, measured: Sequence[Measurement]) -> Outcome:
    served = max(measured, key=_precedence)
    return Outcome(served.rows, 0) if _keeps(objective, served) else Outcome(0, served.rows)


def _each_row(objective: Objective, measured: Sequence[Measurement]) -> Outcome:
    """Return the rows of all versions that were champion on the chunk."""
    good = bad = 0
    for m in measured:
        share = m.value if m.value is not None else 0.0
        of_bad = 1 - share if objective.measured.name == SHARE_OF_RIGHT_ROWS else share
        own = round(min(max(of_bad, 0.0), 1.0) * m.rows)
        good, bad = good + m.rows - own, bad + own
    return Outcome(good, bad)


_CHUNKS, _PREDICTIONS, _ROWS = _one_chunk, _its_predictions, _each_row


def _is_about(objective: Objective, measurement: Measurement) -> bool:
    return (
        measurement.metric == objective.measured
        and objective.subject in {None, measurement.subject}
        and measurement.kind == objective.kind
        and measurement.role == Role.CHAMPION
        and not measurement.segment
        and measurement.value is not None
    )


def _precedence(measurement: Measurement) -> tuple[int, str, float]:
    return measurement.rows, measurement.model_version, measurement.value or 0.0


def _keeps(objective: Objective, measurement: Measurement) -> bool:
    value = measurement.value if measurement.value is not None else math.nan
    return (objective.lower is None or value >= objective.lower) and (
        objective.upper is None or value <= objective.upper
    )
