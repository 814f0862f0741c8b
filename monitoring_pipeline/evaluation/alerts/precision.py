"""How far alerts can be trusted, from what people have said that incidents were."""

import datetime as dt
from collections.abc import Iterable

from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.measurement import Kind, Measurement
from monitoring_pipeline.statistics.intervals.intervals import wilson

WINDOW = dt.timedelta(days=90)


def measure_alert_precision(decisions: Iterable[Decision], at: dt.datetime) -> Measurement | None:
    """Return the share of real incidents among those that people called real or noise, with Wilson's interval.

    Of an incident the last word counts; what was planned counts on neither side. ``None`` while nobody has said
    anything in the 90 days before ``at``.

    Args:
        decisions: the model's audit, oldest first.
        at: words said later are not looked at.
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
