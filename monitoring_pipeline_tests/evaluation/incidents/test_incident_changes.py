"""Changes of stored incidents when a history is judged again: ids, alerts, and events without an alert."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.incidents.changes import GONE, find_changes, is_active
from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements, fold_incidents
from monitoring_pipeline.evaluation.incidents.news import (
    MUTE_IS_OVER,
    NOT_RESOLVED,
    WORSE,
    KnownIncident,
    heard_of,
)
from monitoring_pipeline.records.cause import Cause
from monitoring_pipeline.records.incident import (
    EventKind,
    Handling,
    IncidentEvent,
    IncidentHistory,
    IncidentState,
    StoredIncident,
)
from monitoring_pipeline.records.measurement import WEIGHT, Kind, Measurement, Severity, Status
from monitoring_pipeline_tests.spec.cases import binary_spec

FIRST = dt.date(2024, 3, 1)
AUROC = Measurement(kind=Kind.PERFORMANCE, subject="model", name="auroc", model_version="1", value=0.58)
AGE_NULL = Measurement(kind=Kind.QUALITY, subject="age", name="null_share", model_version="1", value=1.0)
PLAN_NULL = replace(AGE_NULL, subject="plan")
ROWS = replace(AGE_NULL, subject="chunk", name="rows", model_version="")
SIGNALS = {"auroc": AUROC, "age": AGE_NULL, "plan": PLAN_NULL, "rows": ROWS}
SEVERITIES = {"w": Severity.WARNING, "c": Severity.CRITICAL}
BEGINNINGS = (EventKind.OPENED, EventKind.REOPENED)


def _rule(chunks, of):
    return {"chunks": chunks, "of": of}


SPEC = binary_spec(
    runbook="https://wiki.example.com/churn",
    incidents={"open": _rule(2, 3), "resolve": _rule(2, 2), "escalate": _rule(4, 5), "reopen_within": 2},
)


def _day(index):
    return (FIRST + dt.timedelta(days=index)).isoformat()


def _folded(days, spec=SPEC):
    """Return the histories of signals with one letter a day: o is fine, w and c are breached, a dot is not measured."""
    length = max(map(len, days.values()))
    chunks = [
        ChunkMeasurements(chunk=_day(n), measurements=tuple(_measured(SIGNALS[name], days[name][n:]) for name in days))
        for n in range(length)
    ]
    return fold_incidents(spec, chunks), _day(length - 1)


def _measured(signal, letters):
    letter = letters[:1] or "."
    if letter == ".":
        return replace(signal, status=Status.SKIPPED, value=None, reason="few rows")
    if letter == "o":
        return replace(signal, status=Status.OK)
    return replace(signal, status=Status.BREACHED, severity=SEVERITIES[letter], reason="breached")


def _night(newest):
    """Return the time after the night of a chunk."""
    return dt.datetime.combine(dt.date.fromisoformat(newest), dt.time(6), dt.UTC) + dt.timedelta(days=1)


@dataclass
class People:
    """The stored incidents and the alerts that were sent, in order, in memory."""

    young: int | None = 3
    spec: object = SPEC
    known: dict[str, StoredIncident] = field(default_factory=dict)
    heard: list[tuple[str, IncidentEvent, dt.datetime]] = field(default_factory=list)

    def judge(self, **days):
        """Judge the history again and return a line for each alerted event."""
        histories, newest = _folded(days, self.spec)
        return self.take(histories, newest)

    def is_young(self, chunk, newest):
        age = dt.date.fromisoformat(newest) - dt.date.fromisoformat(chunk)
        return self.young is None or age < dt.timedelta(days=self.young)

    def changes(self, histories, newest):
        def is_young(_, chunk):
            return self.is_young(chunk, newest)

        known = [KnownIncident(stored=entry, heard=heard_of(self.of(name))) for name, entry in self.known.items()]
        now = _night(newest)
        return find_changes(self.spec, histories, known, newest_chunk=newest, is_young=is_young, now=now)

    def take(self, histories, newest):
        changes = self.changes(histories, newest)
        names = [change.stored.incident_id for change in (*changes.current, *changes.gone)]
        assert len(set(names)) == len(names)
        assert set(self.known) <= set(names)
        self.known = {change.stored.incident_id: change.stored for change in (*changes.current, *changes.gone)}
        told = [(change.stored, event) for change in (*changes.current, *changes.gone) for event in change.told]
        assert all(event.kind is EventKind.RESOLVED or self.is_young(event.chunk, newest) for _, event in told)
        self.heard += [(stored.incident_id, event, _night(newest)) for stored, event in told]
        return [f"{s.incident.cause.text} {event.kind} {event.chunk[-2:]} {event.severity}" for s, event in told]

    def of(self, name):
        """Return the alerted events of an incident, each with its time."""
        return [(event, at) for own, event, at in self.heard if own == name]

    def say(self, **handling):
        """Set the handling of the only incident."""
        self.known[self.only.incident_id] = replace(self.only, handling=Handling(**handling))

    @property
    def only(self):
        (entry,) = self.known.values()
        return entry


# ------------------------------------------------------------------------------------------------- night by night


def test_change_is_alerted_on_its_night_and_only_once():
    people = People()
    letters = "owwwwwoooow"
    nights = [people.judge(auroc=letters[: n + 1]) for n in range(len(letters))]
    again = [people.judge(auroc=letters) for _ in range(2)]
    assert [told for told in nights if told] == [
        ["performance opened 03 warning"],
        ["performance escalated 05 critical"],
        ["performance resolved 08 critical"],
    ]
    assert again == [[], []]
    assert people.only.incident == _folded({"auroc": letters})[0][0].incident
    assert (people.only.owner, people.only.runbook) == ("team:growth", "https://wiki.example.com/churn")


def test_incident_that_returns_keeps_its_id_and_is_alerted_as_reopened():
    people = People(spec=SPEC.model_copy(update={"incidents": SPEC.incidents.model_copy(update={"reopen_within": 9})}))
    letters = "owwoowoww"
    nights = [people.judge(auroc=letters[: n + 1]) for n in range(len(letters))]
    assert [told for told in nights if told] == [
        ["performance opened 03 warning"],
        ["performance resolved 05 warning"],
        ["performance reopened 08 warning"],
    ]
    assert len(people.known) == 1


def test_opening_is_not_alerted_again_when_a_young_incident_reopens():
    people = People(young=30)
    people.judge(age="ow")
    people.judge(age="owoo")
    assert people.judge(age="owoow") == ["column:age reopened 05 warning"]


def test_events_of_missed_nights_are_alerted_together_in_order():
    people = People(young=5)
    people.judge(auroc="oo")
    assert people.judge(auroc="oowwwww") == ["performance opened 04 warning", "performance escalated 06 critical"]
    assert people.judge(auroc="oowwwww") == []


def test_incident_that_opened_and_resolved_between_two_nights_is_not_alerted():
    people = People(young=30)
    assert people.judge(auroc="owwoo") == []
    assert not is_active(people.only.incident)


# -------------------------------------------------------------------------------------------- events without alert


def test_backfill_alerts_nothing_and_leaves_the_incidents_of_single_nights():
    letters = "owwwwwooooww"
    by_night, at_once = People(), People(young=0)
    for n in range(len(letters)):
        by_night.judge(auroc=letters[: n + 1])
    assert at_once.judge(auroc=letters) == []
    assert at_once.known == by_night.known
    assert by_night.heard
    assert by_night.judge(auroc=letters) == []


def test_old_chunks_that_are_measured_again_alert_nothing():
    people = People()
    people.judge(auroc="o" * 10)
    assert people.judge(auroc="wwwwoooooo") == []
    assert people.judge(auroc="oooooooooo") == []
    assert not is_active(people.only.incident)


# -------------------------------------------------------------------------------------------------- late alerts


def test_opening_on_an_old_day_is_alerted_at_the_next_breach_on_a_young_day():
    people = People(young=0)
    assert people.judge(auroc="oww") == []
    people.young = 1
    letters = "owwowwoo"
    nights = [people.judge(auroc=letters[: n + 1]) for n in range(3, len(letters))]
    assert nights == [
        [],
        ["performance opened 05 warning"],
        ["performance escalated 06 critical"],
        [],
        ["performance resolved 08 critical"],
    ]
    assert people.heard[0][1].summary.startswith(f"open since {_day(2)}, told only now: auroc is 0.58")


def test_late_opening_is_alerted_once_at_its_present_severity():
    people = People(young=0)
    people.judge(auroc="owwwww")
    people.young = 3
    assert people.judge(auroc="owwwwww") == ["performance opened 07 critical"]
    assert people.judge(auroc="owwwwww") == []


def test_breach_that_another_incident_explains_does_not_alert_a_late_opening():
    people = People(young=0)
    people.judge(auroc="oww", rows="ooo")
    people.young = 1
    assert people.judge(auroc="owww", rows="oooc") == ["source opened 04 critical"]
    assert people.judge(auroc="owwww", rows="oooco") == ["performance opened 05 warning"]


def test_reopening_on_an_old_day_is_alerted_at_the_next_breach_on_a_young_day():
    people = People(spec=SPEC.model_copy(update={"incidents": SPEC.incidents.model_copy(update={"reopen_within": 9})}))
    for letters in ("oww", "owwoo"):
        people.judge(auroc=letters)
    people.young = 0
    assert people.judge(auroc="owwooww") == []
    people.young = 1
    assert people.judge(auroc="owwoowwo") == []
    assert people.judge(auroc="owwoowwow") == ["performance reopened 09 warning"]
    assert people.heard[-1][1].summary.startswith(f"open since {_day(6)}, told only now: ")


def test_resolution_of_an_incident_without_an_alert_is_not_alerted():
    people = People(young=0)
    people.judge(auroc="oww")
    people.young = None
    assert people.judge(auroc="owwoo") == []
    people = People(young=0)
    people.judge(auroc="oww")
    people.young = None
    assert people.judge(auroc="ooo") == []


def test_escalation_on_an_old_day_is_alerted_at_the_next_breach_on_a_young_day():
    people = People(young=1)
    assert people.judge(auroc="oww") == ["performance opened 03 warning"]
    assert people.judge(auroc="owwco") == []
    assert people.judge(auroc="owwcow") == ["performance escalated 06 critical"]
    assert people.judge(auroc="owwcow") == []


def test_alerted_incident_that_outlasts_its_mute_is_alerted_once_as_reopened():
    people = People()
    people.judge(auroc="oww")
    people.say(muted_until=_night(_day(4)), muted_severity=Severity.WARNING)
    assert [people.judge(auroc=letters) for letters in ("owwo", "owwow", "owwow", "owwowo")] == [
        [], ["performance reopened 05 warning"], [], [],
    ]  # fmt: skip
    assert people.heard[-1][1].summary.startswith(MUTE_IS_OVER)


def test_incident_muted_before_its_first_alert_is_alerted_after_the_mute():
    people = People(young=0)
    people.judge(auroc="oww")
    people.young = 1
    people.say(muted_until=_night(_day(4)), muted_severity=Severity.WARNING)
    assert [people.judge(auroc=letters) for letters in ("owwo", "owwow", "owwow", "owwowo")] == [
        [], ["performance opened 05 warning"], [], [],
    ]  # fmt: skip


def test_muted_incident_that_becomes_more_severe_is_alerted():
    people = People(young=0)
    people.judge(auroc="oww")
    people.young = 3
    people.say(muted_until=_night(_day(9)), muted_severity=Severity.WARNING)
    assert [people.judge(auroc=letters) for letters in ("owwo", "owwow", "owwowc")] == [
        [], [], ["performance opened 06 critical"],
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------------ late labels


@pytest.mark.parametrize("late", ["wwww", ".www", "owww", "oowo"])
def test_incident_keeps_its_id_and_handling_when_late_labels_move_its_opening(late):
    people = People()
    people.judge(auroc="o.ww")
    name, handling = people.only.incident_id, Handling(acknowledged_by="ana")
    people.say(acknowledged_by="ana")
    people.judge(auroc=late)
    assert people.only.incident_id == name
    assert people.only.handling == handling
    assert people.judge(auroc=late) == []


def test_incident_without_evidence_is_resolved_with_a_reason_and_alerted():
    people = People()
    people.judge(auroc="oww")
    histories, newest = _folded({"auroc": "ooo"})
    changes = people.changes(histories, newest)
    assert changes.current == ()
    (gone,) = changes.gone
    assert [(event.kind, event.chunk, event.summary) for event in gone.told] == [(EventKind.RESOLVED, _day(2), GONE)]
    assert gone.stored.incident.resolved == _day(2)
    assert people.judge(auroc="ooo") == ["performance resolved 03 warning"]
    assert people.judge(auroc="oooo") == []


def test_incident_whose_evidence_returns_keeps_its_id_and_reopens():
    people = People()
    for letters in ("oww", "ooo"):
        people.judge(auroc=letters)
    assert people.judge(auroc="oww") == ["performance reopened 03 warning"]
    assert len(people.known) == 1
    assert people.judge(auroc="owww") == []


def test_incident_that_opens_on_another_day_after_its_evidence_went_is_reopened():
    people = People()
    for letters in ("oww", "oow"):
        people.judge(auroc=letters)
    assert people.judge(auroc="ooww") == ["performance reopened 04 warning"]
    assert len(people.known) == 1


def test_resolution_that_late_labels_undo_is_alerted_as_reopened():
    people = People(young=5)
    for letters in ("oww", "owwoo"):
        people.judge(auroc=letters)
    histories, newest = _folded({"auroc": "owwow"})
    changes = people.changes(histories, newest)
    (event,) = changes.current[0].told
    assert (event.kind, event.chunk) == (EventKind.REOPENED, _day(4))
    assert event.summary == f"{NOT_RESOLVED}{histories[0].incident.title}"
    assert people.judge(auroc="owwow") == ["performance reopened 05 warning"]
    assert people.judge(auroc="owwowoo") == ["performance resolved 07 warning"]


def test_opening_that_late_labels_make_critical_is_alerted_as_escalated():
    """The estimate opens a warning. Labels of the same chunk later make it critical."""
    people = People()
    assert people.judge(auroc="oww") == ["performance opened 03 warning"]
    histories, newest = _folded({"auroc": "owc"})
    assert [event.kind for event in histories[0].events] == [EventKind.OPENED]
    (change,) = people.changes(histories, newest).current
    assert [event.summary for event in change.told] == [f"{WORSE}{histories[0].incident.title}"]
    assert people.judge(auroc="owc") == ["performance escalated 03 critical"]
    assert people.judge(auroc="owco") == []


# -------------------------------------------------------------------------------------------------------------- ids


def test_id_of_an_incident_does_not_depend_on_the_night_of_judgement():
    one, other = People(), People(young=None)
    for letters in ("owww", "owwwo"):
        one.judge(auroc=letters)
    other.judge(auroc="owwwo")
    assert set(one.known) == set(other.known)


def test_history_with_the_stored_opening_keeps_the_id_before_one_that_overlaps():
    people = People(young=None)
    people.take((_history("performance", "05", since="03", last="06"),), _day(8))
    kept = people.only.incident_id
    people.take(
        (
            _history("performance", "02", since="01", last="03", resolved="04"),
            _history("performance", "05", since="05", last="06"),
        ),
        _day(8),
    )
    assert {entry.incident.opened[-2:]: name == kept for name, entry in people.known.items()} == {
        "02": False,
        "05": True,
    }


def test_id_of_a_moved_incident_is_not_given_to_another_that_opens_there():
    """Late labels move an incident away from the opening that gave its id. Another incident opens at that place."""
    people = People(young=None)
    people.take((_history("performance", "06", since="05", last="06"),), _day(8))
    moved = _history("performance", "03", since="02", last="06", resolved="05")
    people.take((moved,), _day(8))
    first = people.only.incident_id
    people.take((moved, _history("performance", "06", since="06", last="08")), _day(8))
    assert {name: entry.incident.opened[-2:] for name, entry in people.known.items() if name == first} == {first: "03"}
    assert len(people.known) == 2


def test_incident_of_a_column_keeps_its_id_when_another_column_joins():
    people = People()
    people.judge(age="oow", plan="ooo")
    name = people.only.incident_id
    people.judge(age="oow", plan="oow")
    assert (people.only.incident_id, people.only.incident.cause.text) == (name, "column:age,plan")
    people.judge(age="ooo", plan="oow")
    assert (people.only.incident_id, people.only.incident.cause.text) == (name, "column:plan")


def test_order_of_stored_incidents_does_not_change_the_result():
    people = People()
    people.judge(auroc="owwoooww", age="wooowooo", plan="ooowoooo")
    histories, newest = _folded({"auroc": "owwooowo", "age": "wooowoow", "plan": "ooowooow"})
    in_order = people.changes(histories, newest)
    people.known = dict(reversed(people.known.items()))
    assert people.changes(histories, newest) == in_order


def test_stored_incidents_are_resolved_when_all_evidence_is_gone():
    people = People()
    people.judge(auroc="oww")
    known = [KnownIncident(stored=people.only, heard=heard_of(people.of(people.only.incident_id)))]
    changes = find_changes(SPEC, (), known, newest_chunk="", is_young=lambda *_: True, now=_night(_day(2)))
    assert [change.stored.incident.resolved for change in changes.gone] == [_day(2)]


def _history(cause, opened, *, since, last, resolved=None):
    day = "2024-03-{}".format
    (sample,) = (h.incident for h in _folded({"auroc": "ww"})[0])
    incident = replace(
        sample, cause=Cause.parse(cause), opened=day(opened), since=day(since), last_breached=day(last),
        resolved=day(resolved) if resolved else None,
    )  # fmt: skip
    state = IncidentState.RESOLVED if resolved else IncidentState.ONGOING
    return IncidentHistory(incident=replace(incident, state=state), events=())


# ------------------------------------------------------------------------------------------------------- properties


@st.composite
def lives(draw):
    """Draw nights of a model. Each adds any number of days and may measure earlier days again."""
    nights, signals = [], dict.fromkeys(SIGNALS, "")
    for _ in range(draw(st.integers(1, 8))):
        more = draw(st.integers(0, 3))
        for name, letters in signals.items():
            added = draw(st.text(alphabet="ooowwc.", min_size=more, max_size=more))
            cut = draw(st.integers(0, min(3, len(letters))))
            rewritten = draw(st.text(alphabet="ooowwc.", min_size=cut, max_size=cut))
            signals[name] = letters[: len(letters) - cut] + rewritten + added
        if signals["auroc"]:
            nights.append(dict(signals))
    return nights or [{"auroc": "o"}]


@given(lives(), st.sampled_from([None, 0, 1, 2, 3, 4]))
def test_lasting_young_incidents_are_alerted_at_their_severity_whatever_is_remeasured(nights, young):
    people = People(young=young)
    for night in nights:
        people.judge(**night)
        assert people.judge(**night) == []
        histories, newest = _folded(night)
        folded = [history.incident for history in histories]
        stored = [entry.incident for entry in people.known.values()]
        assert all(stored.count(incident) >= 1 for incident in folded)
        assert all(incident in folded for incident in stored if is_active(incident))
        for name, entry in people.known.items():
            _knows(people, name, entry.incident, newest)
    opened = Counter(name for name, event, _ in people.heard if event.kind is EventKind.OPENED)
    assert max(opened.values(), default=0) <= 1


def _knows(people, name, incident, newest):
    heard = [event for event, _ in people.of(name)]
    begun = max((n + 1 for n, event in enumerate(heard) if event.kind is EventKind.RESOLVED), default=0)
    since = heard[begun:]
    beginnings = [event for event in since if event.kind in BEGINNINGS]
    if not is_active(incident):
        assert since == []
    elif people.is_young(incident.last_breached, newest) and not all(f.consequence for f in incident.findings):
        assert max(WEIGHT[event.severity] for event in since) >= WEIGHT[incident.severity]
    # Alerts since the last resolution start with an opening or a reopening, and no resolution is alerted twice.
    assert beginnings == since[:1]
    assert not any(one.kind is other.kind is EventKind.RESOLVED for one, other in pairwise(heard))


@given(lives(), st.integers(0, 4))
def test_backfill_of_any_history_alerts_nothing_and_leaves_the_same_incidents(nights, young):
    by_night, at_once = People(young=young), People(young=0)
    for night in nights:
        by_night.judge(**night)
    assert at_once.judge(**nights[-1]) == []
    assert _lasting(by_night) == _lasting(at_once)


def _lasting(people):
    return sorted((e.incident for e in people.known.values() if is_active(e.incident)), key=lambda i: i.cause)
