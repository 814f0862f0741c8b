import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.alerts.routing import is_page, next_time_of_day, plan_alerts
from monitoring_pipeline.records.incident import EventKind, Handling, IncidentState, PlannedAlert
from monitoring_pipeline.records.measurement import Severity
from monitoring_pipeline.spec.alerting import AlertingRules
from monitoring_pipeline_tests.alerting.cases import event, stored

CHANNELS = {
    "oncall": {"slack": "#oncall"},
    "mail": {"apprise": "mail"},
    "events": {"webhook": "events"},
    "log": {"file": "alerts.jsonl"},
    "boss": {"slack": "#boss"},
}
NEW_YORK = ZoneInfo("America/New_York")
NOON = dt.datetime(2013, 6, 3, 16, tzinfo=dt.UTC)
QUIET = {"start": "22:00", "end": "07:00", "timezone": "America/New_York"}
ESCALATION = {"channel": "boss", "after": "4h"}


def rules(*routes, **more) -> AlertingRules:
    return AlertingRules.model_validate({"channels": CHANNELS, "routes": routes, **more})


def local(year, month, day, hour, minute=0, fold=0) -> dt.datetime:
    return dt.datetime(year, month, day, hour, minute, tzinfo=NEW_YORK, fold=fold).astimezone(dt.UTC)


def planned(channel, due_at=NOON, mode="now") -> PlannedAlert:
    return PlannedAlert(channel=channel, due_at=due_at, mode=mode)


def plan(some_rules, of=None, what=None, now=NOON):
    return plan_alerts(some_rules, of or stored(), what or event(), now=now)


def test_every_matching_route_adds_its_channel() -> None:
    some = rules(
        {"channel": "oncall"}, {"channel": "log", "severity": "critical"}, {"channel": "mail", "models": ["x_*"]}
    )
    assert plan(some) == (planned("oncall"), planned("log"))


@pytest.mark.parametrize(
    ("route", "matches"),
    [
        ({"models": ["flight_*"]}, True),
        ({"models": ["loans", "flight_delay"]}, True),
        ({"models": ["Flight_*"]}, False),
        ({"owners": ["team:*"]}, True),
        ({"owners": ["team:web", "bob"]}, False),
        ({"models": ["flight_*"], "owners": ["bob"]}, False),
        ({"severity": "critical"}, False),
        ({"severity": "warning"}, True),
        ({"severity": "info"}, True),
    ],
)
def test_route_matches_model_owner_and_at_least_its_severity(route, matches) -> None:
    alerts = plan(rules({"channel": "oncall", **route}), what=event(severity=Severity.WARNING))
    assert bool(alerts) is matches


def test_event_without_a_route_gives_neither_alert_nor_escalation() -> None:
    assert plan(rules(escalation=ESCALATION)) == ()


def test_channel_with_several_routes_gets_one_alert_now_rather_than_a_digest() -> None:
    routes = (
        {"channel": "oncall", "digest": "08:00"},
        {"channel": "oncall", "severity": "critical"},
        {"channel": "oncall"},
    )
    assert plan(rules(*routes)) == (planned("oncall"),)
    critical_now = rules(*routes[:2])
    assert [a.mode for a in plan(critical_now, what=event(severity=Severity.WARNING))] == ["digest"]


@pytest.mark.parametrize("kind", [EventKind.ACKNOWLEDGED, EventKind.MUTED, EventKind.UNMUTED, EventKind.OUTCOME])
def test_act_of_a_person_updates_messages_and_alerts_nobody(kind) -> None:
    some = rules(*({"channel": name} for name in CHANNELS), {"channel": "boss", "digest": "08:00"}, quiet_hours=QUIET)
    night = local(2013, 6, 3, 23)
    alerts = plan(some, what=event(kind, Severity.WARNING), now=night)
    assert alerts == tuple(planned(name, night, "update") for name in ("oncall", "events", "log", "boss"))


@pytest.mark.parametrize(
    ("muted", "severity", "mode"),
    [
        (Severity.WARNING, Severity.WARNING, "update"),
        (Severity.WARNING, Severity.INFO, "update"),
        (Severity.WARNING, Severity.CRITICAL, "now"),
        (Severity.CRITICAL, Severity.CRITICAL, "update"),
        (None, Severity.CRITICAL, "update"),
    ],
)
def test_muted_incident_alerts_only_above_the_severity_that_was_muted(muted, severity, mode) -> None:
    handling = Handling(muted_until=NOON + dt.timedelta(seconds=1), muted_severity=muted)
    some = rules({"channel": "oncall"}, {"channel": "mail"}, escalation=ESCALATION)
    alerts = plan(some, stored(handling=handling), event(EventKind.ESCALATED, severity))
    assert {a.mode for a in alerts if a.channel == "oncall"} == {mode}
    assert any(a.channel == "mail" for a in alerts) is (mode == "now")
    assert any(a.mode == "escalation" for a in alerts) is (mode == "now")
    afterwards = plan(some, stored(handling=handling), event(severity=severity), now=NOON + dt.timedelta(seconds=1))
    assert afterwards[0].mode == "now"


def test_quiet_hours_postpone_alerts_to_people_unless_the_severity_is_excepted() -> None:
    some = rules(
        {"channel": "oncall"}, {"channel": "mail"}, {"channel": "events"}, {"channel": "log"}, quiet_hours=QUIET
    )
    night, morning = local(2013, 6, 3, 23), local(2013, 6, 4, 7)
    alerts = plan(some, what=event(severity=Severity.WARNING), now=night)
    assert {a.channel: a.due_at for a in alerts} == {"oncall": morning, "mail": morning, "events": night, "log": night}
    assert {a.due_at for a in plan(some, now=night)} == {night}
    nobody = rules({"channel": "oncall"}, quiet_hours=QUIET | {"except": None})
    assert plan(nobody, now=night) == (planned("oncall", morning),)


@pytest.mark.parametrize(
    ("now", "due_at"),
    [
        (local(2013, 6, 3, 21, 59), local(2013, 6, 3, 21, 59)),
        (local(2013, 6, 3, 22), local(2013, 6, 4, 7)),
        (local(2013, 6, 4, 6, 59), local(2013, 6, 4, 7)),
        (local(2013, 6, 4, 7), local(2013, 6, 4, 7)),
        # The night of 10 March has no 02:00 to 03:00. The night of 3 November has 01:00 to 02:00 twice.
        (local(2013, 3, 9, 23), dt.datetime(2013, 3, 10, 11, tzinfo=dt.UTC)),
        (local(2013, 11, 2, 23), dt.datetime(2013, 11, 3, 12, tzinfo=dt.UTC)),
        (local(2013, 11, 3, 1, 30, fold=1), dt.datetime(2013, 11, 3, 12, tzinfo=dt.UTC)),
    ],
)
def test_quiet_hours_end_at_local_time_when_clocks_change(now, due_at) -> None:
    some = rules({"channel": "oncall"}, quiet_hours=QUIET)
    assert plan(some, what=event(severity=Severity.WARNING), now=now) == (planned("oncall", due_at),)


def test_quiet_hours_within_one_day_end_on_that_day() -> None:
    some = rules({"channel": "oncall"}, quiet_hours=QUIET | {"start": "12:00", "end": "13:30"})
    (alert,) = plan(some, what=event(severity=Severity.INFO), now=local(2013, 6, 3, 12, 15))
    assert alert.due_at == local(2013, 6, 3, 13, 30)


times = st.times().map(lambda time: time.replace(second=0, microsecond=0))
zones = st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo"])
moments = st.integers(0, 1100 * 24 * 60).map(
    lambda minutes: NOON - dt.timedelta(days=500) + dt.timedelta(minutes=minutes)
)


@given(start=times, end=times, zone=zones, now=moments)
@example(start=dt.time(1, 30), end=dt.time(2, 30), zone="America/New_York", now=local(2013, 3, 10, 1, 45))
def test_postponed_alert_is_due_within_25_hours_and_outside_quiet_hours(start, end, zone, now) -> None:
    if start == end:
        return
    quiet = {"start": f"{start:%H:%M}", "end": f"{end:%H:%M}", "timezone": zone}
    some = rules({"channel": "oncall"}, quiet_hours=quiet)
    (alert,) = plan(some, what=event(severity=Severity.WARNING), now=now)
    assert now <= alert.due_at <= now + dt.timedelta(hours=25)
    (again,) = plan(some, what=event(severity=Severity.WARNING), now=alert.due_at)
    assert again.due_at == alert.due_at


@given(time=times, zone=zones, now=moments)
def test_next_time_of_day_is_within_25_hours_at_that_local_time(time, zone, now) -> None:
    due = next_time_of_day(time, ZoneInfo(zone), now)
    assert now <= due <= now + dt.timedelta(hours=25)
    shown = due.astimezone(ZoneInfo(zone)).time()
    # A time that a clock change skips moves to a later one by the length of the change.
    naive = dt.datetime.combine(due.astimezone(ZoneInfo(zone)).date(), time, ZoneInfo(zone))
    skipped = naive.astimezone(dt.UTC).astimezone(ZoneInfo(zone)).time() != time
    assert shown == time or skipped


@pytest.mark.parametrize(
    ("route", "now", "due_at"),
    [
        ({}, local(2013, 6, 3, 7), local(2013, 6, 3, 8)),
        ({}, local(2013, 6, 3, 8), local(2013, 6, 3, 8)),
        ({}, local(2013, 6, 3, 8, 1), local(2013, 6, 4, 8)),
        ({}, local(2013, 3, 9, 9), dt.datetime(2013, 3, 10, 12, tzinfo=dt.UTC)),
        ({}, local(2013, 11, 2, 9), dt.datetime(2013, 11, 3, 13, tzinfo=dt.UTC)),
        ({"timezone": "UTC"}, local(2013, 6, 3, 7), dt.datetime(2013, 6, 4, 8, tzinfo=dt.UTC)),
    ],
)
def test_digest_is_due_at_its_next_local_time_of_day(route, now, due_at) -> None:
    some = rules({"channel": "oncall", "digest": "08:00", **route}, quiet_hours=QUIET)
    assert plan(some, now=now) == (planned("oncall", due_at, "digest"),)


def test_digest_without_quiet_hours_is_due_at_utc_time() -> None:
    (alert,) = plan(rules({"channel": "oncall", "digest": "08:00"}))
    assert alert.due_at == dt.datetime(2013, 6, 4, 8, tzinfo=dt.UTC)


@pytest.mark.parametrize("kind", [EventKind.OPENED, EventKind.REOPENED, EventKind.ESCALATED])
def test_escalation_of_a_beginning_is_due_after_its_wait(kind) -> None:
    some = rules({"channel": "oncall"}, escalation=ESCALATION)
    assert plan(some, what=event(kind)) == (
        planned("oncall"),
        planned("boss", NOON + dt.timedelta(hours=4), "escalation"),
    )


def test_escalation_waits_from_the_end_of_quiet_hours_and_is_postponed_by_them() -> None:
    quiet = QUIET | {"except": None}
    some = rules({"channel": "oncall"}, quiet_hours=quiet, escalation=ESCALATION)
    assert plan(some, now=local(2013, 6, 3, 23))[1].due_at == local(2013, 6, 4, 11)
    assert plan(some, now=local(2013, 6, 3, 20))[1].due_at == local(2013, 6, 4, 7)


@pytest.mark.parametrize(
    ("kind", "severity", "handling"),
    [
        (EventKind.SPREAD, Severity.CRITICAL, Handling()),
        (EventKind.OPENED, Severity.WARNING, Handling()),
        (EventKind.ESCALATED, Severity.CRITICAL, Handling(acknowledged_by="ann", acknowledged_at=NOON)),
    ],
)
def test_event_that_is_a_spread_a_warning_or_acknowledged_is_not_escalated(kind, severity, handling) -> None:
    some = rules({"channel": "oncall"}, escalation=ESCALATION)
    assert plan(some, stored(handling=handling), event(kind, severity)) == (planned("oncall"),)


def test_reopened_incident_is_escalated_although_it_was_acknowledged_before() -> None:
    some = rules({"channel": "oncall"}, escalation=ESCALATION)
    handling = Handling(acknowledged_by="ann", acknowledged_at=NOON - dt.timedelta(days=1))
    assert len(plan(some, stored(handling=handling), event(EventKind.REOPENED))) == 2


def test_escalation_channel_gets_the_resolution_and_later_updates() -> None:
    some = rules({"channel": "oncall"}, escalation=ESCALATION)
    of = stored(state=IncidentState.RESOLVED)
    assert plan(some, of, event(EventKind.RESOLVED)) == (planned("oncall"), planned("boss"))
    assert plan(some, of, event(EventKind.ACKNOWLEDGED)) == (
        planned("oncall", mode="update"),
        planned("boss", mode="update"),
    )
    itself = rules({"channel": "boss"}, escalation=ESCALATION)
    assert plan(itself, of, event(EventKind.RESOLVED)) == (planned("boss"),)


@pytest.mark.parametrize("kind", EventKind)
@pytest.mark.parametrize("severity", Severity)
@pytest.mark.parametrize("mode", ["now", "digest", "escalation", "update"])
def test_page_is_a_critical_beginning_or_escalation_that_is_due_now(kind, severity, mode) -> None:
    asks = kind in {EventKind.OPENED, EventKind.REOPENED, EventKind.ESCALATED}
    expected = asks and severity is Severity.CRITICAL and mode == "now"
    assert is_page(planned("oncall", mode=mode), event(kind, severity)) is expected


def test_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="must have a time zone"):
        plan(rules(), now=NOON.replace(tzinfo=None))
