"""The stored split of a change read back: its parts, and the sentence about those that matter."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitoring_pipeline.evaluation.explanation import by_cause, by_columns
from monitoring_pipeline.records.measurement import Measurement

LEAST_SHARE_NAMED = 0.1
PARTS_NAMED = 3
MAIN_METRICS = ("auroc", "macro_auroc", "mean_absolute_error")
"""The metrics whose split is named for breaches of other metrics, which are not split."""
MEAN_OUTPUT = "the mean output"
_OF_METRIC = {
    by_cause.BY_INPUTS: "moved inputs",
    by_cause.BY_RELATION: "a changed relation of inputs and label",
    by_cause.BY_UNLIKE: "rows unlike any of the reference",
    by_cause.REST: "inputs that moved too far to be told from a changed relation",
}


@dataclass(frozen=True)
class SplitPart:
    """One part of a change.

    Args:
        name: the words for it.
        measurement: its value and interval.
        column: the broken column, or the feature; empty for other parts.
    """

    name: str
    measurement: Measurement
    column: str = ""

    @property
    def size(self) -> float:
        """The size of the part; 0 if it could not be measured."""
        return abs(self.measurement.value or 0.0)

    @property
    def is_proven(self) -> bool:
        """Whether its interval excludes 0; a part without an interval is what is left over."""
        lower, upper = self.measurement.lower, self.measurement.upper
        return lower is not None and upper is not None and (lower > 0.0 or upper < 0.0)


@dataclass(frozen=True)
class Split:
    """A change and its parts, the largest first.

    Args:
        what: the words for the number that changed.
        change: the whole change.
        parts: the parts, which sum to it.
    """

    what: str
    change: Measurement
    parts: tuple[SplitPart, ...]


def split_of_metric(measurements: Sequence[Measurement], metric: str, model_version: str) -> Split | None:
    """Return the split of the change of a metric; None if it was not split."""
    own = [m for m in measurements if m.model_version == model_version]
    change = next((m for m in own if m.name == by_cause.CHANGE and m.of == metric), None)
    if change is None or change.value is None:
        return None
    by_fault = by_cause.BY_FAULT_OF.format(metric)
    faults = [SplitPart(f"{m.of}, which is broken", m, m.of) for m in own if m.name == by_fault]
    others = [SplitPart(_OF_METRIC[m.name], m) for m in own if m.of == metric and m.name in _OF_METRIC]
    return Split(metric, change, _largest_first([*faults, *others]))


def split_of_output(measurements: Sequence[Measurement], model_version: str) -> Split | None:
    """Return the split of the change of the mean output over the features; None if it was not split."""
    own = [m for m in measurements if m.model_version == model_version]
    change = next((m for m in own if m.name == by_columns.CHANGE), None)
    if change is None or change.value is None:
        return None
    features = [SplitPart(m.of, m, m.of) for m in own if m.name == by_columns.THROUGH]
    rest = [SplitPart("what is not split", m) for m in own if m.name == by_columns.REST]
    what = f"the mean score of {change.of}" if change.of else MEAN_OUTPUT
    return Split(what, change, _largest_first([*features, *rest]))


def words_of_split(split: Split | None) -> str:
    """Return the sentence about the parts that matter, without an end; empty if none does.

    A part matters if its interval excludes 0 and it is at least a tenth of the largest part or of the change.
    """
    if split is None or split.change.value is None:
        return ""
    least = LEAST_SHARE_NAMED * max(abs(split.change.value), *(part.size for part in split.parts), 0.0)
    named = [part for part in split.parts if part.is_proven and part.size >= least][:PARTS_NAMED]
    if not named:
        return ""
    parts = [f"{part.measurement.value:+.3f} from {part.name}" for part in named]
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"of the change of {split.what} by {split.change.value:+.3f}, {listed}"


def _largest_first(parts: Sequence[SplitPart]) -> tuple[SplitPart, ...]:
    return tuple(sorted(parts, key=lambda part: (-part.size, part.name)))
