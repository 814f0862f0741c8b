"""What explains an incident, by the split of the change on its newest breached chunk."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from monitoring_pipeline.evaluation.explanation.split import (
    MAIN_METRICS,
    Split,
    split_of_metric,
    split_of_output,
    words_of_split,
)
from monitoring_pipeline.evaluation.incidents.words import listed
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.incident import Finding
from monitoring_pipeline.records.measurement import Measurement


def split_words(cause: Cause, findings: Sequence[Finding], attribution: Sequence[Measurement]) -> str:
    """Return the sentence about the parts of the change that an incident is about; empty if nothing was split.

    Args:
        cause: the cause of the incident.
        findings: the breaches of its newest breached chunk.
        attribution: measurements of that chunk that attribute changes.
    """
    of_family = _OF_FAMILY.get(cause.family)
    if of_family is None or not attribution:
        return ""
    sentences = (of_family(cause, finding, attribution) for finding in findings)
    return next(filter(None, sentences), "")


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


def _splits(finding: Finding, attribution: Sequence[Measurement]) -> Iterator[Split]:
    for metric in (str(finding.metric), *MAIN_METRICS):
        if (split := split_of_metric(attribution, metric, finding.model_version)) is not None:
            yield split


_OF_FAMILY: Mapping[Family, Callable[[Cause, Finding, Sequence[Measurement]], str]] = {
    Family.PERFORMANCE: _performance,
    Family.OUTPUTS: _output,
    Family.INPUTS: _output,
    Family.COLUMN: _column,
}
