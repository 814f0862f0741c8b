"""What becomes of stored incidents when a history is judged again: names, news, and silence."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.incident_changes import GONE, NOT_RESOLVED, WORSE, find_changes, is_active
from monitoring_pipeline.evaluation.incident_findings import WEIGHT
from monitoring_pipeline.evaluation.incidents import ChunkEvidence, fold_incidents
from monitoring_pipeline.spec.incident import EventKind, Handling, IncidentHistory, IncidentState, StoredIncident
from monitoring_pipeline.spec.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline_tests.spec.cases import binary_spec

FIRST = dt.date(2024, 3, 1)
AUROC = Measurement(kind=Kind.PERFORMANCE, subject="model", name="auroc", model_version="1", value=0.58)
AGE_NULL = Measurement(kind=Kind.QUALITY, subject="age", name="null_share", model_version="1", value=1.0)
PLAN_NULL = replace(AGE_NULL, subject="plan")
SIGNALS = {"auroc": AUROC, "age": AGE_NULL, "plan": PLAN_NULL}
SEVERITIES = {"w": Severity.WARNING, "c": Severity.CRITICAL}
STATES = (EventKind.OPENED, EventKind.REOPENED, EventKind.RESOLVED)


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
        ChunkEvidence(chunk=_day(n), measurements=tuple(_measured(SIGNALS[name], days[name][n:]) for name in days))
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


@dataclass
class People:
    """The store and its readers, in memory: what is kept, and what anybody has heard of, in order."""

    young: int | None = 3
    spec: object = SPEC
    known: dict[str, StoredIncident] = field(default_factory=dict)
    heard: list[tuple[str, EventKind, str, Severity]] = field(default_factory=list)

    def judge(self, **days):
        """Judge the history again; return what is told, in words."""
        histories, newest = _folded(days, self.spec)
        return self.take(histories, newest)

    def take(self, histories, newest):
        def is_young(_, chunk):
            return self.young is None or dt.date.fromisoformat(newest) - dt.date.fromisoformat(chunk) < dt.timedelta(
                days=self.young
            )

        changes = find_changes(self.spec, histories, list(self.known.values()), newest_chunk=newest, is_young=is_young)
        names = [change.stored.incident_id for change in (*changes.current, *changes.gone)]
        assert len(set(names)) == len(names)
        assert set(self.known) <= set(names)
        self.known = {change.stored.incident_id: change.stored for change in (*changes.current, *changes.gone)}
        told = [
            (c.stored, event)
            for c in (*changes.current, *changes.gone)
            for event in c.told
            # As the store does: of an end hears only who has heard of the beginning.
            if event.kind is not EventKind.RESOLVED or c.stored.incident_id in {heard[0] for heard in self.heard}
        ]
        assert all(event.kind is EventKind.RESOLVED or is_young("", event.chunk) for _, event in told)
        self.heard += [(s.incident_id, event.kind, event.chunk, event.severity) for s, event in told]
        return [f"{s.incident.cause} {event.kind} {event.chunk[-2:]} {event.severity}" for s, event in told]

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


# ------------------------------------------------------------------------------------------------------ late labels


@pytest.mark.parametrize("late", ["wwww", ".www", "owww", "oowo"])
def test_an_incident_keeps_its_name_when_late_labels_move_its_opening(late):
    people = People()
    people.judge(auroc="o.ww")
    name, handling = people.only.incident_id, Handling(acknowledged_by="ana")
    people.known[name] = replace(people.only, handling=handling)
    people.judge(auroc=late)
    assert people.only.incident_id == name
    assert people.only.handling == handling
    assert people.judge(auroc=late) == []


def test_what_is_gone_is_resolved_with_a_reason_and_told():
    people = People()
    people.judge(auroc="oww")
    histories, newest = _folded({"auroc": "ooo"})
    changes = find_changes(SPEC, histories, [people.only], newest_chunk=newest, is_young=lambda *_: True)
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
    changes = find_changes(SPEC, histories, [people.only], newest_chunk=newest, is_young=lambda *_: True)
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
    (change,) = find_changes(SPEC, histories, [people.only], newest_chunk=newest, is_young=lambda *_: True).current
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
    assert (people.only.incident_id, people.only.incident.cause) == (name, "column:age,plan")
    people.judge(age="ooo", plan="oow")
    assert (people.only.incident_id, people.only.incident.cause) == (name, "column:plan")


def test_the_order_of_what_is_stored_does_not_matter():
    people = People()
    people.judge(auroc="owwoooww", age="wooowooo", plan="ooowoooo")
    histories, newest = _folded({"auroc": "owwooowo", "age": "wooowoow", "plan": "ooowooow"})
    known = list(people.known.values())

    def changes(stored):
        return find_changes(SPEC, histories, stored, newest_chunk=newest, is_young=lambda *_: True)

    assert changes(known) == changes(known[::-1])


def test_without_any_evidence_left_everything_is_resolved():
    people = People()
    people.judge(auroc="oww")
    changes = find_changes(SPEC, (), list(people.known.values()), newest_chunk="", is_young=lambda _, chunk: chunk > "")
    assert [change.stored.incident.resolved for change in changes.gone] == [_day(2)]


def _history(cause, opened, *, since, last, resolved=None):
    day = "2024-03-{}".format
    (sample,) = (h.incident for h in _folded({"auroc": "ww"})[0])
    incident = replace(
        sample, cause=cause, opened=day(opened), since=day(since), last_breached=day(last),
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


@given(lives())
def test_whatever_is_measured_again_people_know_what_lasts_and_how_bad_it_is(nights):
    people = People(young=None)
    for night in nights:
        people.judge(**night)
        assert people.judge(**night) == []
        folded = [history.incident for history in _folded(night)[0]]
        stored = [entry.incident for entry in people.known.values()]
        assert all(stored.count(incident) >= 1 for incident in folded)
        assert all(incident in folded for incident in stored if is_active(incident))
        for name, entry in people.known.items():
            _knows(people, name, entry)
    opened = Counter(name for name, kind, _, _ in people.heard if kind is EventKind.OPENED)
    assert max(opened.values(), default=0) <= 1


def _knows(people, name, entry):
    heard = [(kind, severity) for own, kind, _, severity in people.heard if own == name]
    states = [kind for kind, _ in heard if kind in STATES]
    if is_active(entry.incident):
        assert states[-1] in (EventKind.OPENED, EventKind.REOPENED)
        begun = max(place for place, (kind, _) in enumerate(heard) if kind in STATES)
        worst = max((severity for _, severity in heard[begun:]), key=WEIGHT.__getitem__)
        assert WEIGHT[worst] >= WEIGHT[entry.incident.severity]
    else:
        assert states[-1:] in ([], [EventKind.RESOLVED])
    # Nothing ends twice, or begins twice, without the other between.
    ends = [kind is EventKind.RESOLVED for kind in states]
    assert not any(one and other for one, other in pairwise(ends))


@given(lives(), st.integers(0, 4))
def test_only_young_chunks_are_ever_told_of_and_a_backfill_leaves_what_the_nights_left(nights, young):
    by_night, at_once = People(young=young), People(young=0)
    for night in nights:
        by_night.judge(**night)
    assert at_once.judge(**nights[-1]) == []
    assert _lasting(by_night) == _lasting(at_once)


def _lasting(people):
    return sorted((e.incident for e in people.known.values() if is_active(e.incident)), key=lambda i: i.cause)
