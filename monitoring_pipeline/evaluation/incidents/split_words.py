"""What explains an incident, by the split of the change on its newest breached chunk."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from monitoring_pipeline.evaluation.explanation.split import (
    MAIN_METRICS,
    Split,
    split_of_metric,
    split_of_output,
    words_of_split,
)
from monitoring_pipeline.evaluation.incidents.importance import importance_words
from monitoring_pipeline.evaluation.incidents.words import listed
from monitoring_pipeline.evaluation.segments import change as over_segments
from monitoring_pipeline.evaluation.segments.levels import LOSSES
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.incident import Finding
from monitoring_pipeline.records.measurement import Measurement


def split_words(cause: Cause, findings: Sequence[Finding], attribution: Sequence[Measurement]) -> str:
    """Return the words for the parts of the change that an incident is about; empty if nothing was split.

    They are the causes that bring most of it, and the segment that does.

    Args:
        cause: the cause of the incident.
        findings: the breaches of its newest breached chunk.
        attribution: measurements of that chunk that attribute changes.
    """
    found = (
        next(filter(None, (words(cause, finding, attribution) for finding in findings)), "")
        for words in _OF_FAMILY.get(cause.family, ())
    )
    important = importance_words(findings, attribution) if cause.family is Family.INPUTS else ""
    return "; ".join(filter(None, (important, *found))) if attribution else ""


def _performance(_cause: Cause, finding: Finding, attribution: Sequence[Measurement]) -> str:
    return words_of_split(next(_splits(finding, attribution), None))


def _output(_cause: Cause, finding: Finding, attribution: Sequence[Measurement]) -> str:
    return words_of_split(split_of_output(attribution, finding.model_version))


def _column(cause: Cause, _finding: Finding, attribution: Sequence[Measurement]) -> str:
    """Return the share of broken columns in the change of the main metric."""
    for version in dict.fromkeys(m.model_version for m in attribution):
        for metric in MAIN_METRICS:
            split = split_of_metric(attribution, metric, version)
            own = [part for part in split.parts if part.column in cause.columns] if split else []
            if split is None or split.change.value is None or not any(part.is_proven for part in own):
                continue
            share = sum(part.measurement.value or 0.0 for part in own)
            names = listed([part.column for part in own])
            return f"{share:+.3f} of the change of {metric} by {split.change.value:+.3f} comes from {names}"
    return ""


def _segment_of_performance(_cause: Cause, finding: Finding, attribution: Sequence[Measurement]) -> str:
    """Return the segment that brings the change of the breached metric, or the rise of the loss."""
    for number in dict.fromkeys((str(finding.metric), *LOSSES.values())):
        change = _over_segments(finding, attribution, lambda of, number=number: of == number)
        if change is not None and (number == str(finding.metric) or (change.value or 0.0) > 0.0):
            return _segment_words(change)
    return ""


def _segment_of_output(_cause: Cause, finding: Finding, attribution: Sequence[Measurement]) -> str:
    return _segment_words(_over_segments(finding, attribution, lambda of: of not in LOSSES.values()))


def _over_segments(
    finding: Finding, attribution: Sequence[Measurement], wanted: Callable[[str], bool]
) -> Measurement | None:
    return next(
        (
            m
            for m in attribution
            if m.name == over_segments.CHANGE and m.model_version == finding.model_version and wanted(m.of)
        ),
        None,
    )


def _segment_words(change: Measurement | None) -> str:
    if change is None or change.value is None or not change.reason:
        return ""
    return f"of the change of {change.of} by {change.value:+.3g}, {change.reason}"


def _splits(finding: Finding, attribution: Sequence[Measurement]) -> Iterator[Split]:
    for metric in (str(finding.metric), *MAIN_METRICS):
        if (split := split_of_metric(attribution, metric, finding.model_version)) is not None:
            yield split


_OF_FAMILY: Mapping[Family, tuple[Callable[[Cause, Finding, Sequence[Measurement]], str], ...]] = {
    Family.PERFORMANCE: (_performance, _segment_of_performance),
    Family.OUTPUTS: (_output, _segment_of_output),
    Family.INPUTS: (_output, _segment_of_output),
    Family.COLUMN: (_column,),
}
