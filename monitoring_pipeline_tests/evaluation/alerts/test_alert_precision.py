import datetime as dt

import pytest

from monitoring_pipeline.evaluation.alerts.precision import measure_alert_precision
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey

AT = dt.datetime(2024, 6, 1, tzinfo=dt.UTC)


def said(incident: str, answer: str, *, days_before: float = 1, topic: Topic = Topic.OUTCOME) -> Decision:
    at = AT - dt.timedelta(days=days_before)
    return Decision(
        model="m",
        topic=topic,
        answer=Answer(answer),
        reason="",
        actor="ann",
        at=at,
        key=DecisionKey.of_handling(topic, incident, at),
        incident_id=incident,
    )


def test_precision_is_the_share_of_real_incidents_among_real_and_noise():
    words = [said("a", "real"), said("b", "real"), said("c", "noise"), said("d", "planned"), said("e", "real")]
    measured = measure_alert_precision(words, AT)
    assert (measured.value, measured.rows) == (0.75, 4)
    # Wilson's interval of 3 in 4, worked by hand: (3 + z²/2 ± z·sqrt(3·1/4 + z²/4)) / (4 + z²) with z = 1.96.
    assert (measured.lower, measured.upper) == pytest.approx((0.3006, 0.9544), abs=1e-4)


def test_precision_uses_the_last_outcome_of_an_incident():
    words = [said("a", "noise", days_before=3), said("a", "real", days_before=2)]
    assert measure_alert_precision(words, AT).value == 1.0


@pytest.mark.parametrize("words", [
    [],
    [said("a", "planned")],
    [said("a", "real", days_before=90)],
    [said("a", "real", days_before=-0.1)],
    [said("a", "real", topic=Topic.MUTE)],
])  # fmt: skip
def test_precision_without_a_recent_real_or_noise_outcome_is_not_measured(words):
    assert measure_alert_precision(words, AT) is None


def test_later_outcome_does_not_change_an_earlier_precision():
    words = [said("a", "real", days_before=2)]
    assert measure_alert_precision([*words, said("a", "noise", days_before=-1)], AT) == measure_alert_precision(
        words, AT
    )
