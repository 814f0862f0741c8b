"""Incidents as a fold over days. One letter for each day and signal is the result of its measurement."""

import datetime as dt
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements, fold_incidents
from monitoring_pipeline.evaluation.rows.expected_gap import as_expected_gap
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.incident import EventKind, IncidentState
from monitoring_pipeline.records.measurement import Kind, Measurement, Role, Severity, Status
from monitoring_pipeline.spec.rules.drift import DriftRules
from monitoring_pipeline_tests.spec.cases import binary_spec

FIRST = dt.date(2024, 3, 1)
AUROC = Measurement(
    kind=Kind.PERFORMANCE, subject="model", name="auroc", model_version="1", value=0.58, lower=0.54, upper=0.61,
    threshold_lower=0.62, reference_value=0.66, rows=800,
)  # fmt: skip
ESTIMATE = replace(AUROC, kind=Kind.ESTIMATED_PERFORMANCE)
OVER_28_DAYS = replace(AUROC, kind=Kind.WINDOW, of="28 days")
AGE_OVER_28_DAYS = replace(OVER_28_DAYS, subject="age", name="jensen_shannon")
AGE = Measurement(kind=Kind.DRIFT, subject="age", name="jensen_shannon", model_version="1", value=0.31, rows=800)
PLAN = replace(AGE, subject="plan")
TOGETHER = replace(AGE, subject="features", name="pca_reconstruction", value=1.4)
SCORE = replace(AGE, subject="score")
AGE_NULL = Measurement(
    kind=Kind.QUALITY, subject="age", name="null_share", model_version="1", value=1.0, reason="every value is null",
    rows=800,
)  # fmt: skip
PLAN_NULL = replace(AGE_NULL, subject="plan")
ROWS = replace(AGE_NULL, subject="chunk", name="rows", model_version="", reason="0 predictions")
VOLUME = replace(ROWS, name="volume_ratio")
COLUMNS_NEW = replace(ROWS, subject="table", name="columns_new", reason="extra")
RUN = replace(ROWS, kind=Kind.OPERATIONS, subject="pipeline", name="run", reason="the run failed")
REVENUE = Measurement(kind=Kind.BUSINESS, subject="business", name="revenue", model_version="", value=3.0)
_LETTERS = {"w": Severity.WARNING, "c": Severity.CRITICAL, "i": Severity.INFO}


def _day(index):
    return (FIRST + dt.timedelta(days=index)).isoformat()


def _measured(signal, letter):
    """Return the measurement of a letter: o is fine, w, c and i are breached, s is skipped, a dot gives none."""
    if letter == ".":
        return ()
    if letter == "s":
        return (replace(signal, status=Status.SKIPPED, value=None, lower=None, upper=None, reason="few rows"),)
    if letter == "o":
        return (replace(signal, status=Status.OK, reason=None),)
    return (replace(signal, status=Status.BREACHED, severity=_LETTERS[letter]),)


def _chunks(days):
    """Return the chunks of signals that have one letter a day."""
    length = max(map(len, days.values()))
    return [
        ChunkMeasurements(
            chunk=_day(index),
            measurements=tuple(m for signal, letters in days.items() for m in _measured(signal, letters[index])),
        )
        for index in range(length)
    ]


def _spec(opening=(3, 5), resolve=(3, 3), escalate=None, reopen_within=7):
    def rule(pair):
        return pair and {"chunks": pair[0], "of": pair[1]}

    return binary_spec(
        incidents={
            "open": rule(opening), "resolve": rule(resolve), "escalate": rule(escalate), "reopen_within": reopen_within
        },
        business={"revenue": {"sql": "revenue.sql"}},
    )  # fmt: skip


def _fold(days, **rules):
    return fold_incidents(_spec(**rules), _chunks(days))


def _events(days, **rules):
    """Return the cause, the kind and the number of the day (from 0) of each event."""
    return [
        (history.incident.cause.text, event.kind.value, (dt.date.fromisoformat(event.chunk) - FIRST).days)
        for history in _fold(days, **rules)
        for event in history.events
    ]


@pytest.mark.parametrize(("letters", "events"), [
    ("ooooo", []),
    ("owowo", []),
    ("owwowo", [("opened", 4)]),
    ("www", [("opened", 2)]),
    ("wwooow", []),
    ("wswsw", [("opened", 4)]),
    ("w.s.s.w.s.s.w", [("opened", 12)]),
    ("iiiii", []),
    ("wwi", []),
    ("wwwooo", [("opened", 2), ("resolved", 5)]),
    ("wwwoowo", [("opened", 2)]),
    ("wwwoooi", [("opened", 2), ("resolved", 5)]),
    ("wwwiii", [("opened", 2), ("resolved", 5)]),
    ("wwwosos.o", [("opened", 2), ("resolved", 8)]),
    ("wwwosss", [("opened", 2)]),
    ("wwwooowww", [("opened", 2), ("resolved", 5), ("reopened", 8)]),
    ("wwwooowwo", [("opened", 2), ("resolved", 5)]),
    ("wwwooooooooowww", [("opened", 2), ("resolved", 5), ("reopened", 14)]),
    ("wwwooooooooooowww", [("opened", 2), ("resolved", 5), ("opened", 16)]),
    ("wwwcww", [("opened", 2), ("escalated", 3)]),
    ("wwwcwcwc", [("opened", 2), ("escalated", 3)]),
    ("ccw", [("opened", 2)]),
])  # fmt: skip
def test_performance_incident_opens_resolves_and_reopens_by_the_rules(letters, events):
    assert [event[1:] for event in _events({AUROC: letters})] == events


@pytest.mark.parametrize(("letters", "events"), [
    ("ow", [("opened", 1)]),
    ("owooo", [("opened", 1), ("resolved", 4)]),
    ("owooowooo", [("opened", 1), ("resolved", 4), ("reopened", 5), ("resolved", 8)]),
    ("owoooooooooow", [("opened", 1), ("resolved", 4), ("opened", 12)]),
    ("owooooooooow", [("opened", 1), ("resolved", 4), ("reopened", 11)]),
])  # fmt: skip
def test_broken_data_opens_an_incident_on_the_first_day(letters, events):
    assert [event[1:] for event in _events({AGE_NULL: letters})] == events


def test_incident_has_dates_severity_title_and_findings_of_its_breaches():
    (history,) = _fold({AUROC: "owowcs"})
    incident = history.incident
    assert (incident.opened, incident.since, incident.last_breached) == (_day(4), _day(1), _day(4))
    assert (incident.state, incident.severity, incident.breached_chunks) == (
        IncidentState.ONGOING, Severity.CRITICAL, 3,
    )  # fmt: skip
    assert incident.title == "auroc is 0.58 (0.54 to 0.61), below 0.62, on 3 of 4 days"
    (finding,) = incident.findings
    assert (finding.value, finding.threshold_lower, finding.rows, finding.since) == (0.58, 0.62, 800, _day(3))
    assert [event.summary for event in history.events] == [incident.title]


def test_run_of_breaches_lasts_over_skipped_days_and_ends_on_a_fine_day():
    (broken,) = _fold({AUROC: "wwws.w"})
    (interrupted,) = _fold({AUROC: "wwwow"})
    assert broken.incident.findings[0].since == _day(0)
    assert interrupted.incident.findings[0].since == _day(4)


@pytest.mark.parametrize(("letters", "state"), [
    ("www", IncidentState.OPEN),
    ("wwws", IncidentState.ONGOING),
    ("wwwooo", IncidentState.RESOLVED),
    ("wwwooowww", IncidentState.REOPENED),
    ("wwwooowwww", IncidentState.ONGOING),
])  # fmt: skip
def test_state_of_an_incident_follows_from_its_days(letters, state):
    (history,) = _fold({AUROC: letters})
    assert history.incident.state is state
    assert (history.incident.resolved is not None) == (state is IncidentState.RESOLVED)


def test_severity_stays_at_its_maximum_until_the_incident_reopens():
    (lasting,) = _fold({AUROC: "cccwww"})
    (back,) = _fold({AUROC: "cccooowww"})
    assert lasting.incident.severity is Severity.CRITICAL
    assert (back.incident.severity, back.incident.reopened) == (Severity.WARNING, 1)
    assert [event.severity for event in back.events] == [Severity.CRITICAL, Severity.CRITICAL, Severity.WARNING]


def test_warning_that_lasts_escalates_to_critical_once():
    days = {AUROC: "wwwwowwww"}
    assert _events(days, escalate=(5, 7)) == [("performance", "opened", 2), ("performance", "escalated", 5)]
    (history,) = _fold(days, escalate=(5, 7))
    assert history.events[1].summary.startswith("breached on 5 of the last 7 measured days: auroc is 0.58")
    assert history.incident.severity is Severity.CRITICAL
    assert _fold(days)[0].incident.severity is Severity.WARNING


def test_incident_resolves_if_enough_days_of_the_window_are_fine():
    assert _events({AUROC: "wwwoowow"}, resolve=(3, 5)) == [
        ("performance", "opened", 2),
        ("performance", "resolved", 6),
    ]
    assert _events({AUROC: "wwwoow"}, resolve=(2, 5), opening=(3, 3)) == [
        ("performance", "opened", 2), ("performance", "resolved", 4),
    ]  # fmt: skip


def test_fine_days_before_the_opening_do_not_count_for_the_resolution():
    assert _events({AUROC: "wooowo"}, opening=(2, 5), resolve=(3, 5)) == [("performance", "opened", 4)]


def test_breaches_before_a_reopening_do_not_escalate_the_incident():
    kinds = [event[1] for event in _events({AUROC: "wwwooowww"}, escalate=(5, 9))]
    assert kinds == ["opened", "resolved", "reopened"]


def test_fine_signals_that_were_never_breached_do_not_resolve_an_incident():
    days = {AUROC: "wwwsssss", replace(AUROC, name="f1"): "oooooooo", AGE: "oooooooo"}
    assert _events(days) == [("performance", "opened", 2)]


def test_date_in_the_title_is_the_first_breach_of_the_incident_when_a_finding_is_newer():
    (history,) = _fold({AGE: "wwwooo", PLAN: "ooowww"}, resolve=(5, 5))
    assert [f.since for f in history.incident.findings] == [_day(3)]
    assert history.incident.since == _day(0)
    assert history.incident.title == (
        "1 input has drifted: plan (jensen shannon 0.31), since 2024-03-01, on 5 of 5 days"
    )
    (together,) = _fold({TOGETHER: "wwwoow"})
    assert (together.incident.findings[0].since, together.incident.since) == (_day(5), _day(0))
    assert together.incident.title == (
        "the inputs have drifted together: pca reconstruction 1.4, since 2024-03-01, on 3 of 5 days"
    )


def test_drifted_inputs_are_one_incident_and_another_input_is_a_spread():
    days = {AGE: "wwww", TOGETHER: "ooow", PLAN: "ooow"}
    (history,) = _fold(days)
    assert [(e.kind, e.summary) for e in history.events] == [
        (EventKind.OPENED, "1 input has drifted: age (jensen shannon 0.31, since 2024-03-01), on 3 of 3 days"),
        (EventKind.SPREAD, "now also all inputs together, plan"),
    ]
    assert history.incident.title == (
        "2 inputs have drifted: age (jensen shannon 0.31, since 2024-03-01), plan, on 4 of 4 days"
    )
    assert history.incident.subjects == ("age", "features", "plan")


def test_inputs_that_drift_on_different_days_open_one_incident_without_a_spread():
    days = {AGE: "woo", PLAN: "owo", TOGETHER: "oow"}
    (history,) = _fold(days, opening=(3, 3))
    assert history.incident.subjects == ("age", "plan", "features")
    assert [event.kind for event in history.events] == [EventKind.OPENED]


def test_inputs_resolve_when_one_is_measured_and_none_is_breached():
    assert _events({AGE: "wwwsss", PLAN: "owwooo"}) == [("inputs", "opened", 2), ("inputs", "resolved", 5)]


def test_broken_column_explains_drift_and_is_related_to_performance():
    days = {AGE_NULL: "wwww", AGE: "wwww", SCORE: "wwww", TOGETHER: "wwww", PLAN: "oooo", AUROC: "wwww"}
    column, performance = _fold(days)
    assert [(h.incident.cause.text, h.incident.opened) for h in (column, performance)] == [
        ("column:age", _day(0)), ("performance", _day(2)),
    ]  # fmt: skip
    assert [(f.subject, f.kind, f.consequence) for f in column.incident.findings] == [
        ("age", "quality", False), ("age", "drift", True), ("features", "drift", True), ("score", "drift", True),
    ]  # fmt: skip
    assert performance.incident.related == (Cause(Family.COLUMN, ("age",)),)


def test_broken_column_does_not_explain_drift_of_another_column():
    causes = [history.incident.cause.text for history in _fold({AGE_NULL: "www", PLAN: "www"})]
    assert causes == ["column:age", "inputs"]


def test_drift_of_outputs_is_a_consequence_of_drift_of_inputs():
    (inputs,) = _fold({AGE: "wwww", SCORE: "wwww"})
    assert [(f.subject, f.consequence) for f in inputs.incident.findings] == [("age", False), ("score", True)]
    assert [h.incident.cause.text for h in _fold({AGE: "oooo", SCORE: "wwww"})] == ["outputs"]


def test_drift_of_inputs_without_an_incident_does_not_explain_drift_of_outputs():
    """Otherwise two causes that alternate would hide each other forever."""
    assert _events({AGE: "wowo", SCORE: "wwwo"}) == [("outputs", "opened", 2)]


def test_drift_of_outputs_that_inputs_explain_on_the_opening_day_opens_no_incident():
    """Both last three days. From the third day on, the inputs explain the earlier days of the output too."""
    assert _events({AGE: "wwwo", SCORE: "wwww"}) == [("inputs", "opened", 2)]


def test_open_incident_of_outputs_lasts_when_inputs_explain_it_later():
    days = {AGE: "ooowwwwwww", SCORE: "wwwwwwwwww"}
    assert _events(days) == [("outputs", "opened", 2), ("inputs", "opened", 5)]
    outputs, inputs = _fold(days)
    assert outputs.incident.last_breached == _day(9)
    assert [f.consequence for f in outputs.incident.findings] == [True]
    assert outputs.incident.related == (Cause(Family.INPUTS),)
    assert inputs.incident.subjects == ("age", "score")
    assert [e for e in _events({AGE: "ooowwwwwww", SCORE: "wwwwwwwooo"}) if e[0] == "outputs"] == [
        ("outputs", "opened", 2), ("outputs", "resolved", 9),
    ]  # fmt: skip


def test_drift_that_a_broken_column_explains_does_not_extend_the_incident_of_inputs():
    days = {PLAN: "wwwooo", AGE: "ooowww", AGE_NULL: "ooowww"}
    assert _events(days) == [
        ("inputs", "opened", 2), ("inputs", "resolved", 5), ("column:age", "opened", 3),
    ]  # fmt: skip
    inputs = next(h for h in _fold(days) if h.incident.cause.text == "inputs")
    assert inputs.incident.subjects == ("plan",)


def test_unreadable_source_explains_all_breaches_of_its_days_until_rows_exist():
    days = {ROWS: "occooo", AGE_NULL: "owwooo", VOLUME: "owwooo", RUN: ".ww...", AUROC: "owwooo"}
    assert _events(days) == [("source", "opened", 1), ("source", "resolved", 5)]
    (source,) = _fold(days)
    assert source.incident.title == "0 predictions, on 2 of 2 days"
    assert {f.subject for f in source.incident.findings if f.consequence} == {"age", "chunk", "pipeline", "model"}


def test_failed_run_resolves_when_numbers_exist_again():
    assert _events({RUN: "ow...", ROWS: "o.ooo"}) == [("pipeline", "opened", 1), ("pipeline", "resolved", 4)]


def test_columns_that_fail_on_the_same_day_are_one_incident():
    days = {AGE_NULL: "owwooowoooo", PLAN_NULL: "owsooowwooo"}
    assert _events(days) == [
        ("column:age,plan", "opened", 1), ("column:age,plan", "resolved", 5),
        ("column:age,plan", "reopened", 6), ("column:age,plan", "resolved", 10),
    ]  # fmt: skip
    (history,) = _fold({AGE_NULL: "ow", PLAN_NULL: "ow"})
    assert history.incident.title == "age: every value is null; also plan"


def test_columns_that_fail_on_different_days_are_two_incidents():
    days = {AGE_NULL: "owwooo", PLAN_NULL: "oowooo"}
    assert [(h.incident.cause.text, h.incident.opened) for h in _fold(days)] == [
        ("column:age", _day(1)), ("column:plan", _day(2)),
    ]  # fmt: skip


def test_column_that_fails_alone_long_after_a_joint_failure_is_a_new_incident():
    causes = [h.incident.cause.text for h in _fold({AGE_NULL: "woooow", PLAN_NULL: "wooooo"}, reopen_within=1)]
    assert causes == ["column:age,plan", "column:age"]


def test_estimate_counts_only_while_the_realized_metric_is_not_measured():
    assert [h.incident.cause.text for h in _fold({ESTIMATE: "www", AUROC: "sss"})] == ["performance"]
    assert _fold({ESTIMATE: "www", AUROC: "ooo"}) == ()
    assert _fold({ESTIMATE: "www"})[0].incident.title.startswith("estimated auroc is 0.58")


def test_shadow_has_no_incident_and_challenger_has_a_separate_one():
    shadow, challenger = (replace(AUROC, role=r.value, model_version="7") for r in (Role.SHADOW, Role.CHALLENGER))
    assert _fold({shadow: "ccc"}) == ()
    (history,) = _fold({challenger: "ccc", AUROC: "ooo"})
    assert history.incident.cause.text == "performance@7"
    assert history.incident.title.startswith("challenger 7: auroc is 0.58")


def test_incident_of_a_challenger_resolves_at_the_end_of_its_trial():
    trial, champion = (replace(AUROC, role=r.value, model_version="7") for r in (Role.CHALLENGER, Role.CHAMPION))
    (history,) = _fold({trial: "ccc.", champion: "...o"})
    assert [(e.kind, e.summary) for e in history.events[1:]] == [
        (EventKind.RESOLVED, "version 7 is no longer a challenger")
    ]


def test_incident_of_a_challenger_lasts_while_it_is_measured_as_a_challenger():
    """Measurements that are the same for all roles may contain the version too."""
    trial = replace(AUROC, role=Role.CHALLENGER.value, model_version="7")
    days = {trial: "cccc", replace(AGE_NULL, model_version="7"): "oooo"}
    assert _events(days) == [("performance@7", "opened", 2)]


@pytest.mark.parametrize(("trial", "champion", "ends"), [
    ("ccc...", "oooooo", [5]),
    ("ccc.s...", "oooooooo", [7]),
    ("ccc.o..", "ooooooo", []),
    ("ccc.....", "ooo.s..o", []),
    ("ccc......", "ooo.s.ooo", [8]),
    ("ccc......ccc...", "ooooooooooooooo", [5, 14]),
])  # fmt: skip
def test_incident_of_a_challenger_resolves_after_three_days_with_others_only(trial, champion, ends):
    days = {replace(AUROC, role=Role.CHALLENGER.value, model_version="7"): trial, AUROC: champion}
    assert [day for cause, kind, day in _events(days) if (cause, kind) == ("performance@7", "resolved")] == ends
    summaries = {e.summary for h in _fold(days) for e in h.events if e.kind is EventKind.RESOLVED}
    assert summaries <= {"version 7 has not been measured on the last 3 days on which others were"}


def test_incident_of_a_champion_continues_with_the_next_champion():
    """Fine days of the new version resolve the incident that the old version opened."""
    successor = replace(AUROC, model_version="2")
    assert _events({AUROC: "www....", successor: "...wooo"}) == [
        ("performance", "opened", 2), ("performance", "resolved", 6),
    ]  # fmt: skip


def test_each_business_metric_has_a_separate_incident():
    days = {REVENUE: "www", replace(REVENUE, name="refunds"): "www"}
    assert [h.incident.cause.text for h in _fold(days)] == ["business:refunds", "business:revenue"]


COST = replace(REVENUE, name="cost")
TENURE_NULL = replace(AGE_NULL, subject="tenure")
TENURE = replace(AGE, subject="tenure")
KEPT = replace(REVENUE, kind=Kind.OBJECTIVE, subject="kept", name="error_budget_left")


@pytest.mark.parametrize(("signal", "cause", "at"), [
    (COST, "business:cost", 2), (KEPT, "objective:kept", 2), (TENURE, "inputs", 2),
    (TENURE_NULL, "column:tenure", 0),
])  # fmt: skip
def test_incident_of_a_signal_outside_the_spec_resolves_when_it_is_not_measured(signal, cause, at):
    rows = {ROWS: "o" * 6}
    assert _events({signal: "www...", **rows}) == [(cause, "opened", at), (cause, "resolved", 3)]
    assert _events({signal: "wwwssw", **rows}) == [(cause, "opened", at)]
    unread = {signal: "www...", ROWS: "oooccc"}
    assert ("resolved", 3) not in [(kind, day) for own, kind, day in _events(unread) if own == cause]


@pytest.mark.parametrize("signal", [AUROC, AGE, AGE_NULL, TOGETHER, REVENUE, replace(AGE_NULL, subject="row_id")])
def test_incident_of_a_signal_in_the_spec_lasts_while_it_is_not_measured(signal):
    assert [kind for _, kind, _ in _events({signal: "www...", ROWS: "o" * 6})] == ["opened"]


def test_chunks_out_of_order_are_refused():
    chunks = _chunks({AUROC: "ww"})
    with pytest.raises(ValueError, match="churn: chunk 2024-03-01 comes after 2024-03-02"):
        fold_incidents(_spec(), chunks[::-1])
    with pytest.raises(ValueError, match="in order, each once"):
        fold_incidents(_spec(), [chunks[0], chunks[0]])


def test_no_chunks_give_no_incidents():
    assert fold_incidents(_spec(), []) == ()


SIGNALS = (AUROC, ESTIMATE, AGE, PLAN, TOGETHER, SCORE, AGE_NULL, PLAN_NULL, ROWS, VOLUME, RUN, REVENUE,
           replace(AUROC, role=Role.CHALLENGER.value, model_version="7"))  # fmt: skip
RULES = st.sampled_from([
    {},
    {"opening": (2, 3), "resolve": (2, 4), "escalate": (3, 4), "reopen_within": 2},
    {"opening": (1, 1), "resolve": (1, 1), "escalate": (2, 2), "reopen_within": 0},
])  # fmt: skip


@st.composite
def _histories(draw):
    """Draw days on which a signal stays similar for a while, so that incidents open, resolve and reopen."""
    length = draw(st.integers(1, 24))
    moods = ("ooooow", "wwwwco", "oos.wi")
    days = {}
    for signal in draw(st.lists(st.sampled_from(SIGNALS), min_size=1, unique=True)):
        letters = ""
        while len(letters) < length:
            mood = draw(st.sampled_from(moods))
            letters += draw(st.text(mood, min_size=1, max_size=8))
        days[signal] = letters[:length]
    return days


@given(_histories(), RULES, st.data())
def test_later_chunks_do_not_change_earlier_events(days, rules, data):
    chunks = _chunks(days)
    last = data.draw(st.integers(0, len(chunks)))
    whole, part = (fold_incidents(_spec(**rules), c) for c in (chunks, chunks[:last]))
    before = [
        (h.incident.cause.text, h.incident.opened, [e for e in h.events if e.chunk < _day(last)])
        for h in whole
        if h.incident.opened < _day(last)
    ]
    assert before == [(h.incident.cause.text, h.incident.opened, list(h.events)) for h in part]


@given(_histories(), RULES, st.randoms(use_true_random=False))
def test_order_of_measurements_does_not_change_incidents(days, rules, random):
    chunks = _chunks(days)
    shuffled = [replace(c, measurements=tuple(random.sample(c.measurements, len(c.measurements)))) for c in chunks]
    assert fold_incidents(_spec(**rules), chunks) == fold_incidents(_spec(**rules), shuffled)


@given(_histories(), RULES)
def test_fine_and_skipped_signals_do_not_change_incidents(days, rules):
    """A caller may pass any number of healthy signals if one of them shows that the source was read."""
    length = max(map(len, days.values()))
    seen = {replace(AGE_NULL, subject="seen"): "o" * length}
    healthy = {replace(PLAN, name="psi"): ("os" * length)[:length], replace(REVENUE, name="cost"): "o" * length}
    less = [
        replace(c, measurements=tuple(m for m in c.measurements if m.status is not Status.SKIPPED or _is_on_trial(m)))
        for c in _chunks(seen | days)
    ]
    assert fold_incidents(_spec(**rules), _chunks(seen | days | healthy)) == fold_incidents(_spec(**rules), less)


def _is_on_trial(measurement):
    """Return whether even a skipped measurement counts because it shows that the challenger has scored the chunk."""
    return measurement.role == Role.CHALLENGER


@given(_histories(), RULES)
def test_events_and_dates_of_an_incident_are_in_order(days, rules):
    begin = {EventKind.OPENED, EventKind.REOPENED}
    for history in _fold(days, **rules):
        incident, kinds = history.incident, [event.kind for event in history.events]
        assert kinds[0] is EventKind.OPENED
        assert EventKind.OPENED not in kinds[1:]
        for before, after in pairwise(kinds):
            assert (before is EventKind.RESOLVED) == (after is EventKind.REOPENED)
            assert after not in begin or before is EventKind.RESOLVED
        assert [e.chunk for e in history.events] == sorted(e.chunk for e in history.events)
        assert incident.since <= incident.opened <= incident.last_breached
        assert incident.reopened == kinds.count(EventKind.REOPENED)
        assert (kinds[-1] is EventKind.RESOLVED) == (incident.state is IncidentState.RESOLVED)
        assert 1 <= incident.breached_chunks <= len(_chunks(days))
        assert set(incident.subjects) >= {finding.subject for finding in incident.findings}
        assert not incident.findings[0].consequence or incident.related


@given(_histories(), RULES)
def test_incidents_of_a_cause_do_not_overlap(days, rules):
    spans = {}
    for history in _fold(days, **rules):
        spans.setdefault(history.incident.cause, []).append(history.incident)
    for incidents in spans.values():
        for before, after in pairwise(incidents):
            assert before.resolved is not None
            assert before.resolved < after.since


def _by_hand(letters, opening, resolving, within):
    """Return the events of one signal's incidents from a second implementation that lists the measured days."""
    (k, n), (fine_needed, of), events = opening, resolving, []
    measured, running, resolved_at = [], False, None
    for day, letter in enumerate(letters):
        if letter in "s.":
            continue
        bad = letter == "w"
        measured.append((day, bad))
        if running:
            if not bad and sum(not b for _, b in measured[-of:]) >= fine_needed:
                events.append(("resolved", day))
                running, resolved_at, measured = False, day, []
            continue
        if bad and sum(b for _, b in measured[-n:]) >= k:
            since = next(d for d, b in measured[-n:] if b)
            again = resolved_at is not None and since - resolved_at <= within
            events.append(("reopened" if again else "opened", day))
            running, measured = True, [(day, bad)]
    return events


@given(st.text("oowwws.", min_size=1, max_size=40), st.integers(1, 4), st.integers(0, 3), st.integers(1, 4),
       st.integers(0, 3), st.integers(0, 9))  # fmt: skip
def test_events_of_one_signal_equal_those_of_a_second_implementation(letters, k, more, fine, others, within):
    opening, resolving = (k, k + more), (fine, fine + others)
    events = _events({AUROC: letters}, opening=opening, resolve=resolving, reopen_within=within)
    assert sorted((day, kind) for _, kind, day in events) == sorted(
        (day, kind) for kind, day in _by_hand(letters, opening, resolving, within)
    )


# ---- chunks that need no predictions


def test_expected_gap_neither_opens_nor_ends_an_incident_of_the_source():
    """An outage on Friday, a weekend without predictions, and Monday: the weekend shows nothing about the source."""
    days = {ROWS: "oc..oo", COLUMNS_NEW: "oiiooo"}
    chunks = _chunks(days)
    gap = as_expected_gap([replace(ROWS, status=Status.BREACHED)], "none on Saturdays")
    chunks[2:4] = [replace(chunk, measurements=(*chunk.measurements, *gap)) for chunk in chunks[2:4]]

    def events(resolve):
        (history,) = fold_incidents(_spec(resolve=resolve), chunks)
        return [(event.kind.value, event.chunk) for event in history.events]

    assert events((1, 1)) == [("opened", _day(1)), ("resolved", _day(4))]
    assert events((2, 2)) == [("opened", _day(1)), ("resolved", _day(5))]


def test_sentences_of_an_incident_name_the_chunks_of_the_cadence():
    spec = binary_spec(
        cadence="hour",
        incidents={
            "open": {"chunks": 2, "of": 3},
            "resolve": {"chunks": 1, "of": 1},
            "escalate": {"chunks": 3, "of": 4},
        },
    )
    keys = [f"2024-03-04T{hour:02d}:00" for hour in range(5)]
    chunks = [
        ChunkMeasurements(chunk=key, measurements=_measured(AUROC, letter))
        for key, letter in zip(keys, "owwwo", strict=True)
    ]
    (history,) = fold_incidents(spec, chunks)
    opened, escalated, resolved = (event.summary for event in history.events)
    assert opened.endswith(", on 2 of 2 hours")
    assert escalated.startswith("breached on 3 of the last 4 measured hours: ")
    assert resolved == f"fine on an hour; since {keys[1]} it was breached on 3 hours"


SCORE_LIMITED = replace(SCORE, value=0.02, threshold_upper=0.1)
SEEN = (("spread", 4, "warning"), ("escalated", 4, "warning"))
NO_EFFECT = "without effect on the model: score is within limits"


@pytest.mark.parametrize(("days", "events"), [
    # No effect: an incident for information, which never becomes critical by lasting.
    ({AGE: "wwwwww", SCORE_LIMITED: "oooooo"}, [("opened", 2, "info")]),
    # Nothing is known about an effect: as before.
    ({AGE: "wwwwww", SCORE_LIMITED: "ssssss"}, [("opened", 2, "warning"), ("escalated", 3, "critical")]),
    ({AGE: "wwwwww"}, [("opened", 2, "warning"), ("escalated", 3, "critical")]),
    # The output moves on the fourth day, and later on enough days for the escalation.
    ({AGE: "wwwwwwww", SCORE_LIMITED: "oooowooo"}, [("opened", 2, "info"), *SEEN]),
    (
        {AGE: "wwwwwwww", SCORE_LIMITED: "oooowwww"},
        [("opened", 2, "info"), *SEEN, ("escalated", 7, "critical")],
    ),
    # Low performance at the same time is a warning, and no evidence that the drift is its reason.
    ({AGE: "wwwwwwww", AUROC: "owwwwwww"}, [("opened", 2, "warning")]),
])  # fmt: skip
def test_drift_of_inputs_is_as_severe_as_its_effect_on_the_model(days, events):
    (history,) = [h for h in _fold(days, escalate=(4, 4)) if h.incident.cause.family is Family.INPUTS]
    found = [(e.kind.value, (dt.date.fromisoformat(e.chunk) - FIRST).days, e.severity.value) for e in history.events]
    assert found == events


def test_incident_without_effect_names_what_was_looked_at_and_its_escalation_what_moved():
    (history,) = _fold({AGE: "wwwwww", SCORE_LIMITED: "ooooow"})
    opened, _, escalated = history.events
    assert opened.summary.endswith(f"on 3 of 3 days; {NO_EFFECT}")
    assert escalated.summary.startswith("with an effect on the model: score is beyond limits: 1 input has drifted: age")
    (calm,) = _fold({AGE: "www", SCORE_LIMITED: "ooo"})
    assert calm.incident.findings[0].reason == NO_EFFECT
    assert calm.incident.severity is Severity.INFO


def test_broken_data_keep_their_severity_without_an_effect_on_the_model():
    (history,) = _fold({AGE_NULL: "ow", AGE: "ow", SCORE_LIMITED: "oo"})
    assert (history.incident.cause.text, history.incident.severity) == ("column:age", Severity.WARNING)


def test_declared_severity_of_drift_is_not_weighed():
    spec = _spec(escalate=(4, 4)).model_copy(update={"drift": DriftRules(severity="warning")})
    (history,) = fold_incidents(spec, _chunks({AGE: "wwww", SCORE_LIMITED: "oooo"}))
    assert history.incident.severity is Severity.CRITICAL


def test_breach_over_a_window_opens_at_once_and_is_one_incident_with_those_of_days():
    (alone,) = _fold({OVER_28_DAYS: "ow"})
    assert (alone.incident.opened, alone.incident.since) == (_day(1), _day(1))
    assert alone.incident.cause == Cause(Family.PERFORMANCE)
    assert alone.incident.title == "auroc[28 days] is 0.58 (0.54 to 0.61), below 0.62"
    (both,) = _fold({AUROC: "owowww", OVER_28_DAYS: "oooccc"})
    assert both.incident.opened == _day(3)
    assert {str(finding.metric) for finding in both.incident.findings} == {"auroc", "auroc[28 days]"}


def test_breach_over_a_window_is_explained_and_resolved_as_one_of_a_day():
    assert _fold({OVER_28_DAYS: "i"}) == ()
    (inputs,) = _fold({AGE_OVER_28_DAYS: "wwooo"})
    assert inputs.incident.cause == Cause(Family.INPUTS)
    assert inputs.incident.resolved == _day(4)
