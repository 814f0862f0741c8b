"""What a user's function has answered, as measurements; an answer that is no number is a reason."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from monitoring_pipeline.evaluation.business.business_metrics import GAVE_NONE, MEASURES
from monitoring_pipeline.evaluation.performance.thresholds import Better, judge
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.spec.rules.measures import Measure
from monitoring_pipeline.spec.rules.threshold import Threshold
from monitoring_pipeline.statistics.results import Quantity

MOST_NUMBERS, LONGEST_NAME = 50, 100
Numbers = Mapping[str, float]
"""The numbers of an answer by name; a single number has an empty name."""


def numbers_of(answer: object) -> Numbers | str:
    """Return the numbers of a function's answer, or the reason why it is none."""
    if answer is None:
        return GAVE_NONE
    if isinstance(answer, Mapping):
        return _entries(cast("Mapping[object, object]", answer))
    found = _number(answer)
    return found if isinstance(found, str) else {"": found}


def _entries(answer: Mapping[object, object]) -> Numbers | str:
    """Return the numbers of a dict, sorted by name, or the first reason why it has another entry."""
    if not answer:
        return "it returned an empty dict"
    if len(answer) > MOST_NUMBERS:
        return f"it returned {len(answer)} numbers, at most {MOST_NUMBERS} are possible"
    numbers: dict[str, float] = {}
    for name, value in answer.items():
        if not isinstance(name, str) or not _is_name(name):
            return f"it returned a dict with the key {str(name)!r:.40}, which is no name"
        found = _number(value)
        if isinstance(found, str):
            return f"{found} for {name!r}"
        numbers[name] = found
    return dict(sorted(numbers.items()))


def _is_name(text: str) -> bool:
    """Return whether a text can stand in brackets after the name of the measure."""
    return 0 < len(text) <= LONGEST_NAME and text.isprintable() and not set("[]#") & set(text)


def _number(value: object) -> float | str:
    # A truth value is an int in Python; numbers of NumPy have __float__.
    if isinstance(value, bool | str | bytes) or not hasattr(value, "__float__"):
        return f"it returned {type(value).__name__}; needed is a number, or a dict of numbers by name"
    try:
        number = float(cast("float", value))
    except (TypeError, ValueError, OverflowError):
        return f"it returned {type(value).__name__}, which is no single number"
    return number if math.isfinite(number) else f"it returned {number}, which is no finite number"


def measurements_of(
    name: str,
    measure: Measure,
    answer: Numbers | str,
    *,
    model_version: str,
    rows: int,
    reference: Numbers | str,
    segment: str = "",
) -> tuple[Measurement, ...]:
    """Return the numbers of an answer as measurements; only those of all rows are judged, by their points.

    Args:
        name: name of the measure.
        measure: the measure.
        answer: its numbers, or the reason why there are none.
        model_version: the version whose rows it got.
        rows: how many these were.
        reference: its numbers on the reference's rows, or the reason why there are none.
        segment: the segment whose rows it got; empty for all.
    """
    threshold = None if segment else measure.threshold
    severity = Severity.INFO if threshold is None else Severity(threshold.severity or Severity.WARNING)
    blank = Measurement(
        kind=Kind.BUSINESS,
        subject=MEASURES,
        name=name,
        model_version=model_version,
        value=0.0,
        segment=segment,
        severity=severity,
        definition=measure.description or None,
        rows=rows,
    )
    if isinstance(answer, str):
        return (blank.skipped(answer),)
    measured = [replace(blank, of=of, value=value) for of, value in answer.items()]
    if threshold is None:
        return tuple(measured)
    return tuple(_judged(m, measure, threshold, severity, reference) for m in measured)


def _judged(
    measured: Measurement, measure: Measure, threshold: Threshold, severity: Severity, reference: Numbers | str
) -> Measurement:
    usual = None if isinstance(reference, str) else reference.get(measured.of)
    if usual is None and threshold.worse_than_reference is not None:
        why = reference if isinstance(reference, str) else "its function did not return this number for the reference"
        measured = replace(measured, reason=f"not compared with the reference: {why}")
    return judge(
        replace(measured, reference_value=usual),
        threshold,
        Better(measure.better) if measure.better else None,
        None if usual is None else Quantity(usual),
        point=True,
        severity=severity,
    )
