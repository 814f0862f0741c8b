"""What becomes of stored incidents when a history is judged again: names, news, and silence."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.incidents.changes import GONE, find_changes, is_active
from monitoring_pipeline.evaluation.incidents.findings import WEIGHT
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
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
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
    """Return the histories of signals with a letter a day: o fine, w and c breached, a dot for not measured."""
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
    """The store and its readers, in memory: what is kept, and what anybody has heard of, in order."""

    young: int | None = 3
    spec: object = SPEC
    known: dict[str, StoredIncident] = field(default_factory=dict)
    heard: list[tuple[str, IncidentEvent, dt.datetime]] = field(default_factory=list)

    def judge(self, **days):
        """Judge the history again; return what is told, in words."""
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
        """Return what was told of an incident, and when."""
        return [(event, at) for own, event, at in self.heard if own == name]

    def say(self, **handling):
        """Say something about the only incident."""
        self.known[self.only.incident_id] = replace(self.only, handling=Handling(**handling))

    @property
    def only(self):
        (entry,) = self.known.values()
        return entry


# ------------------------------------------------------------------------------------------------- night by night


def test_each_change_is_told_on_its_night_and_never_again():
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


def test_what_comes_back_keeps_its_name_and_is_told_as_reopened():
    people = People(spec=SPEC.model_copy(update={"incidents": SPEC.incidents.model_copy(update={"reopen_within": 9})}))
    letters = "owwoowoww"
    nights = [people.judge(auroc=letters[: n + 1]) for n in range(len(letters))]
    assert [told for told in nights if told] == [
        ["performance opened 03 warning"],
        ["performance resolved 05 warning"],
        ["performance reopened 08 warning"],
    ]
    assert len(people.known) == 1


def test_an_opening_is_not_told_again_when_the_incident_comes_back_while_it_is_young():
    people = People(young=30)
    people.judge(age="ow")
    people.judge(age="owoo")
    assert people.judge(age="owoow") == ["column:age reopened 05 warning"]


def test_nights_that_were_missed_are_told_at_once_and_in_order():
    people = People(young=5)
    people.judge(auroc="oo")
    assert people.judge(auroc="oowwwww") == ["performance opened 04 warning", "performance escalated 06 critical"]
    assert people.judge(auroc="oowwwww") == []


def test_what_opened_and_ended_while_nobody_looked_is_not_told():
    people = People(young=30)
    assert people.judge(auroc="owwoo") == []
    assert not is_active(people.only.incident)


# --------------------------------------------------------------------------------------------------------- silence


def test_a_backfill_tells_nothing_and_leaves_the_same_incidents():
    letters = "owwwwwooooww"
    by_night, at_once = People(), People(young=0)
    for n in range(len(letters)):
        by_night.judge(auroc=letters[: n + 1])
    assert at_once.judge(auroc=letters) == []
    assert at_once.known == by_night.known
    assert by_night.heard
    assert by_night.judge(auroc=letters) == []


def test_old_chunks_that_are_measured_again_change_history_silently():
    people = People()
    people.judge(auroc="o" * 10)
    assert people.judge(auroc="wwwwoooooo") == []
    assert people.judge(auroc="oooooooooo") == []
    assert not is_active(people.only.incident)


# ----------------------------------------------------------------------------------------------- told only now


def test_what_began_before_anybody_was_told_is_told_once_it_is_breached_on_a_young_day():
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


def test_what_is_told_only_now_is_told_at_its_present_severity_in_one_message():
    people = People(young=0)
    people.judge(auroc="owwwww")
    people.young = 3
    assert people.judge(auroc="owwwwww") == ["performance opened 07 critical"]
    assert people.judge(auroc="owwwwww") == []


def test_a_day_that_another_incident_explains_is_no_reason_to_tell_of_this_one():
    people = People(young=0)
    people.judge(auroc="oww", rows="ooo")
    people.young = 1
    assert people.judge(auroc="owww", rows="oooc") == ["source opened 04 critical"]
    assert people.judge(auroc="owwww", rows="oooco") == ["performance opened 05 warning"]


def test_what_came_back_while_nobody_was_told_comes_back_for_people_when_it_is_young():
    people = People(spec=SPEC.model_copy(update={"incidents": SPEC.incidents.model_copy(update={"reopen_within": 9})}))
    for letters in ("oww", "owwoo"):
        people.judge(auroc=letters)
    people.young = 0
    assert people.judge(auroc="owwooww") == []
    people.young = 1
    assert people.judge(auroc="owwoowwo") == []
    assert people.judge(auroc="owwoowwow") == ["performance reopened 09 warning"]
    assert people.heard[-1][1].summary.startswith(f"open since {_day(6)}, told only now: ")


def test_the_end_of_what_nobody_was_told_of_is_not_told():
    people = People(young=0)
    people.judge(auroc="oww")
    people.young = None
    assert people.judge(auroc="owwoo") == []
    people = People(young=0)
    people.judge(auroc="oww")
    people.young = None
    assert people.judge(auroc="ooo") == []


def test_what_became_critical_on_an_old_day_is_told_when_it_is_breached_on_a_young_one():
    people = People(young=1)
    assert people.judge(auroc="oww") == ["performance opened 03 warning"]
    assert people.judge(auroc="owwco") == []
    assert people.judge(auroc="owwcow") == ["performance escalated 06 critical"]
    assert people.judge(auroc="owwcow") == []


def test_what_was_told_and_outlasts_its_mute_is_told_once_more():
    people = People()
    people.judge(auroc="oww")
    people.say(muted_until=_night(_day(4)), muted_severity=Severity.WARNING)
    assert [people.judge(auroc=letters) for letters in ("owwo", "owwow", "owwow", "owwowo")] == [
        [], ["performance reopened 05 warning"], [], [],
    ]  # fmt: skip
    assert people.heard[-1][1].summary.startswith(MUTE_IS_OVER)


def test_what_was_muted_before_anybody_heard_of_it_is_told_when_the_mute_is_over():
    people = People(young=0)
    people.judge(auroc="oww")
    people.young = 1
    people.say(muted_until=_night(_day(4)), muted_severity=Severity.WARNING)
    assert [people.judge(auroc=letters) for letters in ("owwo", "owwow", "owwow", "owwowo")] == [
        [], ["performance opened 05 warning"], [], [],
    ]  # fmt: skip


def test_what_becomes_worse_than_what_was_muted_is_told():
    people = People(young=0)
    people.judge(auroc="oww")
    people.young = 3
    people.say(muted_until=_night(_day(9)), muted_severity=Severity.WARNING)
    assert [people.judge(auroc=letters) for letters in ("owwo", "owwow", "owwowc")] == [
        [], [], ["performance opened 06 critical"],
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------------ late labels


@pytest.mark.parametrize("late", ["wwww", ".www", "owww", "oowo"])
def test_an_incident_keeps_its_name_when_late_labels_move_its_opening(late):
    people = People()
    people.judge(auroc="o.ww")
    name, handling = people.only.incident_id, Handling(acknowledged_by="ana")
    people.say(acknowledged_by="ana")
    people.judge(auroc=late)
    assert people.only.incident_id == name
    assert people.only.handling == handling
    assert people.judge(auroc=late) == []


def test_what_is_gone_is_resolved_with_a_reason_and_told():
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


def test_what_was_gone_and_is_there_again_is_the_same_and_comes_back():
    people = People()
    for letters in ("oww", "ooo"):
        people.judge(auroc=letters)
    assert people.judge(auroc="oww") == ["performance reopened 03 warning"]
    assert len(people.known) == 1
    assert people.judge(auroc="owww") == []


def test_what_opens_anew_after_it_was_gone_comes_back_for_people():
    people = People()
    for letters in ("oww", "oow"):
        people.judge(auroc=letters)
    assert people.judge(auroc="ooww") == ["performance reopened 04 warning"]
    assert len(people.known) == 1


def test_a_resolution_that_late_labels_take_back_is_told():
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


def test_what_late_labels_make_critical_from_its_opening_on_is_told_as_worse():
    """The estimate opens as a warning, the labels show on the same chunk that it is critical."""
    people = People()
    assert people.judge(auroc="oww") == ["performance opened 03 warning"]
    histories, newest = _folded({"auroc": "owc"})
    assert [event.kind for event in histories[0].events] == [EventKind.OPENED]
    (change,) = people.changes(histories, newest).current
    assert [event.summary for event in change.told] == [f"{WORSE}{histories[0].incident.title}"]
    assert people.judge(auroc="owc") == ["performance escalated 03 critical"]
    assert people.judge(auroc="owco") == []


# ------------------------------------------------------------------------------------------------------------ names


def test_a_name_is_made_of_what_happened_and_not_of_when_it_was_judged():
    one, other = People(), People(young=None)
    for letters in ("owww", "owwwo"):
        one.judge(auroc=letters)
    other.judge(auroc="owwwo")
    assert set(one.known) == set(other.known)


def test_the_same_opening_decides_before_an_overlap():
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


def test_a_name_that_is_taken_is_not_given_twice():
    """The one that bears the name of an opening was moved away from it; another opens there."""
    people = People(young=None)
    people.take((_history("performance", "06", since="05", last="06"),), _day(8))
    moved = _history("performance", "03", since="02", last="06", resolved="05")
    people.take((moved,), _day(8))
    first = people.only.incident_id
    people.take((moved, _history("performance", "06", since="06", last="08")), _day(8))
    assert {name: entry.incident.opened[-2:] for name, entry in people.known.items() if name == first} == {first: "03"}
    assert len(people.known) == 2


def test_a_column_that_others_join_keeps_its_incident():
    people = People()
    people.judge(age="oow", plan="ooo")
    name = people.only.incident_id
    people.judge(age="oow", plan="oow")
    assert (people.only.incident_id, people.only.incident.cause.text) == (name, "column:age,plan")
    people.judge(age="ooo", plan="oow")
    assert (people.only.incident_id, people.only.incident.cause.text) == (name, "column:plan")


def test_the_order_of_what_is_stored_does_not_matter():
    people = People()
    people.judge(auroc="owwoooww", age="wooowooo", plan="ooowoooo")
    histories, newest = _folded({"auroc": "owwooowo", "age": "wooowoow", "plan": "ooowooow"})
    in_order = people.changes(histories, newest)
    people.known = dict(reversed(people.known.items()))
    assert people.changes(histories, newest) == in_order


def test_without_any_evidence_left_everything_is_resolved():
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
    """Nights of a model: each adds days or none, and may measure days before it again."""
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
def test_whatever_is_measured_again_people_know_what_lasts_and_how_bad_it_is(nights, young):
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
    # What is told begins with a beginning, ends once, and then may begin again.
    assert beginnings == since[:1]
    assert not any(one.kind is other.kind is EventKind.RESOLVED for one, other in pairwise(heard))


@given(lives(), st.integers(0, 4))
def test_a_backfill_tells_nothing_and_leaves_what_the_nights_left(nights, young):
    by_night, at_once = People(young=young), People(young=0)
    for night in nights:
        by_night.judge(**night)
    assert at_once.judge(**nights[-1]) == []
    assert _lasting(by_night) == _lasting(at_once)


def _lasting(people):
    return sorted((e.incident for e in people.known.values() if is_active(e.incident)), key=lambda i: i.cause)
