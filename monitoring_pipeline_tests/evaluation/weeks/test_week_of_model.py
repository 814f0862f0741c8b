"""A week of a model, worked out by hand: which incidents opened, came back, were resolved or last, and the words."""

import datetime as dt
from dataclasses import replace

import pytest

from monitoring_pipeline.evaluation.budget.realized import Judged, Spent
from monitoring_pipeline.evaluation.weeks.week_of_model import LoggedIncident, WeekOfModel, worst_first
from monitoring_pipeline.evaluation.weeks.words import headline_of, sentences_of, title_of
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.incident import (
    EventKind,
    Handling,
    Incident,
    IncidentEvent,
    IncidentState,
    LoggedEvent,
    Outcome,
    StoredIncident,
)
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status, Verdict, VerdictStatus
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.week import Week
from monitoring_pipeline_tests.worlds.world import LOANS_SPEC

SPEC = ModelSpec.model_validate(LOANS_SPEC)
WEEK = Week.named("2024-W14")
AUROC = MetricName("auroc")


def days_of(week: Week, *statuses: VerdictStatus) -> dict[str, Verdict]:
    return {
        day.isoformat(): Verdict(status=status, reasons=(), measured=1, breaches=0, skipped=0)
        for day, status in zip(week.days, statuses, strict=False)
    }


def incident(title: str, *events: tuple[EventKind, str], handling: Handling | None = None) -> LoggedIncident:
    resolved = events[-1][1] if events[-1][0] is EventKind.RESOLVED else None
    stored = StoredIncident(
        incident_id=title,
        handling=handling or Handling(),
        incident=Incident(
            model=SPEC.name, cause=Cause(Family.INPUTS), opened=events[0][1], since=events[0][1],
            last_breached=events[-1][1], resolved=resolved, state=IncidentState.OPEN, severity=Severity.WARNING,
            breached_chunks=1, reopened=0, title=title, findings=(), subjects=(),
        ),
    )  # fmt: skip
    log = tuple(
        LoggedEvent(
            event=IncidentEvent(kind=kind, chunk=chunk, severity=Severity.WARNING, summary=""),
            at=dt.datetime(2024, 5, 1, tzinfo=dt.UTC),
            told=False,
        )
        for kind, chunk in events
    )
    return LoggedIncident(stored=stored, log=log)


def auroc(value: float, status: Status = Status.OK) -> Measurement:
    return Measurement(
        kind=Kind.PERFORMANCE, subject="model", name="auroc", model_version="1", value=value, lower=value - 0.02,
        upper=value + 0.02, threshold_lower=0.6, status=status, reason="low" if status is Status.BREACHED else None,
    )  # fmt: skip


OPEN, BACK, DONE = EventKind.OPENED, EventKind.REOPENED, EventKind.RESOLVED
QUIET = WeekOfModel(
    spec=SPEC, week=WEEK, verdicts=days_of(WEEK, *[VerdictStatus.OK] * 7),
    before=days_of(WEEK.earlier(), *[VerdictStatus.OK] * 7), incidents=(), series=(), names=(AUROC,), decisions=(),
    precision=None,
)  # fmt: skip
SEEN = {
    "opened and lasts": incident("a", (OPEN, "2024-04-01")),
    "opened on the Sunday before": incident("b", (OPEN, "2024-03-31")),
    "opened and resolved": incident("c", (OPEN, "2024-04-02"), (DONE, "2024-04-07")),
    "resolved after the week": incident("d", (OPEN, "2024-03-20"), (DONE, "2024-04-08")),
    "came back": incident("e", (OPEN, "2024-03-20"), (DONE, "2024-03-22"), (BACK, "2024-04-03")),
    "came back and was resolved again": incident("f", (OPEN, "2024-03-20"), (BACK, "2024-04-03"), (DONE, "2024-04-04")),
    "resolved and came back": incident("g", (OPEN, "2024-03-20"), (DONE, "2024-04-02"), (BACK, "2024-04-05")),
    "opens later": incident("h", (OPEN, "2024-04-08")),
}


def test_incidents_are_sorted_by_what_happened_to_them_in_the_week() -> None:
    week = replace(QUIET, incidents=tuple(SEEN.values()))

    def names(found: tuple[StoredIncident, ...]) -> str:
        return "".join(stored.incident_id for stored in found)

    assert names(week.opened) == "ac"
    assert names(week.came_back) == "efg"
    assert names(week.resolved) == "cf"
    assert names(week.lasting) == "abdeg"


def test_quiet_week_has_changed_nothing_and_says_so() -> None:
    assert not QUIET.has_changed
    assert sentences_of(QUIET) == ("Ok on all 7 days; in the week before ok on all 7 days.",)
    assert headline_of([QUIET]) == "1 model: 1 ok. 0 incidents opened, 0 incidents resolved; 0 open at the end."


def test_incident_for_information_is_listed_and_counts_as_news_in_the_week_of_its_opening() -> None:
    drift = SEEN["opened and lasts"].stored
    week = replace(QUIET, for_information=(drift,))
    assert sentences_of(week)[1:] == (f"For information: {drift.incident.title}.",)
    assert headline_of([week]) == headline_of([QUIET])
    assert week.has_changed
    assert not replace(week, for_information=(SEEN["opened on the Sunday before"].stored,)).has_changed


@pytest.mark.parametrize("changes", [
    {"verdicts": days_of(WEEK, VerdictStatus.OK, VerdictStatus.WARNING)},
    {"before": days_of(WEEK.earlier(), VerdictStatus.CRITICAL)},
    {"verdicts": {}},
    {"incidents": (SEEN["opened and resolved"],)},
    {"incidents": (SEEN["came back"],)},
    {"series": (("2024-04-02", auroc(0.5, Status.BREACHED)),)},
], ids=str)  # fmt: skip
def test_week_in_which_something_happened_has_changed(changes: dict[str, object]) -> None:
    assert replace(QUIET, **changes).has_changed


def test_words_compare_the_newest_value_with_its_limit_and_the_week_before() -> None:
    series = (("2024-03-29", auroc(0.7)), ("2024-04-01", auroc(0.65)), ("2024-04-03", auroc(0.55, Status.BREACHED)))
    (_, words) = sentences_of(replace(QUIET, series=series))
    assert words == "auroc is 0.55 (0.53 to 0.57) on 2024-04-03; below its limit of 0.6; 0.7 in the week before."
    (_, words) = sentences_of(replace(QUIET, series=series[:1]))
    assert words == "auroc was not measured in this week; 0.7 in the week before."
    (_, words) = sentences_of(replace(QUIET, series=series[1:2]))
    assert words == "auroc is 0.65 (0.63 to 0.67) on 2024-04-01; within its limits (at least 0.6)."


def test_words_name_verdicts_incidents_and_the_answers_of_people() -> None:
    known = replace(SEEN["opened on the Sunday before"].stored, handling=Handling(acknowledged_by="ada"))
    real = replace(SEEN["opened and resolved"].stored, handling=Handling(outcome=Outcome.REAL))
    week = replace(
        QUIET,
        verdicts=days_of(WEEK, VerdictStatus.CRITICAL, VerdictStatus.OK, VerdictStatus.CRITICAL),
        before=days_of(WEEK.earlier(), VerdictStatus.OK),
        incidents=(
            replace(SEEN["opened on the Sunday before"], stored=known),
            replace(SEEN["opened and resolved"], stored=real),
        ),
    )
    assert sentences_of(week) == (
        "Critical on 2, ok on 1 of 3 days; in the week before ok on the only day.",
        "Opened: c (warning, found to be real).",
        "Resolved: c (warning, found to be real).",
        "Still open: b (warning, acknowledged by ada).",
    )


def decision(topic: Topic, answer: Answer) -> Decision:
    return Decision(
        model=SPEC.name, topic=topic, answer=answer, reason="auroc fell.", actor="policy", chunk="2024-04-02",
        at=dt.datetime(2024, 4, 3, tzinfo=dt.UTC), key=DecisionKey(f"{topic}/{answer}"), model_version="2",
    )  # fmt: skip


def test_nightly_answers_that_change_nothing_are_left_out() -> None:
    decided = (
        decision(Topic.RETRAINING, Answer.NO),
        decision(Topic.ACKNOWLEDGEMENT, Answer.ACKNOWLEDGED),
        decision(Topic.GATE, Answer.REFUSED),
    )
    week = replace(QUIET, decisions=decided)
    assert sentences_of(week)[1:] == ("Gate of version 2: refused, by policy: auroc fell.",)


def test_worst_model_comes_first_and_one_that_was_not_judged_last() -> None:
    named = {
        name: replace(QUIET, spec=SPEC.model_copy(update={"name": name}), verdicts=verdicts)
        for name, verdicts in {
            "none": {},
            "ok": days_of(WEEK, VerdictStatus.OK),
            "bad": days_of(WEEK, VerdictStatus.CRITICAL, VerdictStatus.OK),
            "unknown": days_of(WEEK, VerdictStatus.UNKNOWN),
        }.items()
    }
    assert [model.spec.name for model in worst_first(named.values())] == ["bad", "unknown", "ok", "none"]


@pytest.mark.parametrize(("key", "title"), [
    ("2013-W16", "Week of 15 to 21 April 2013"),
    ("2013-W18", "Week of 29 April to 5 May 2013"),
    ("2013-W01", "Week of 31 December 2012 to 6 January 2013"),
])  # fmt: skip
def test_title_names_each_month_and_year_once(key: str, title: str) -> None:
    assert title_of(Week.named(key)) == title


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({Judged.FALSE: 2}, ["2 false pages since 2024-01-01: this exceeds the budget of 1 a quarter."]),
        ({Judged.FALSE: 1, Judged.UNKNOWN: 9}, []),
        ({Judged.NOT_FALSE: 9}, []),
    ],
)  # fmt: skip
def test_only_a_budget_that_was_exceeded_is_mentioned(counts, words):
    pages = Spent(severity=Severity.CRITICAL, since="2024-01-01", periods=1.0, allowed=1.0, counts=counts)
    assert list(sentences_of(replace(QUIET, spent=(pages,)))[1:]) == words
