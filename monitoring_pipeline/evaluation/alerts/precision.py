"""Precision of alerts, from the outcomes that people recorded for incidents."""

import datetime as dt
from collections.abc import Iterable

from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.measurement import Kind, Measurement
from monitoring_pipeline.statistics.intervals.intervals import wilson

WINDOW = dt.timedelta(days=90)


def measure_alert_precision(decisions: Iterable[Decision], at: dt.datetime) -> Measurement | None:
    """Return the share of real incidents among those recorded as real or noise, with Wilson's interval.

    The last outcome of an incident counts. Planned incidents are left out. Return ``None`` if no outcome was recorded
    in the 90 days before ``at``.

    Args:
        decisions: the model's audit, oldest first.
        at: outcomes recorded later are ignored.
    """
    last: dict[str, Answer] = {
        decision.incident_id: decision.answer
        for decision in decisions
        if decision.topic is Topic.OUTCOME and decision.incident_id and at - WINDOW < decision.at <= at
    }
    words = list(last.values())
    real, noise = words.count(Answer.REAL), words.count(Answer.NOISE)
    if real + noise == 0:
        return None
    share = wilson(real, real + noise)
    return Measurement(
        kind=Kind.OPERATIONS,
        subject="alerts",
        name="alert_precision",
        model_version="",
        value=share.value,
        lower=share.lower,
        upper=share.upper,
        rows=real + noise,
        definition="share of real ones among the incidents of 90 days that people called real or noise",
    )
