import datetime as dt
from pathlib import Path

import pytest
from pydantic import SecretStr

from monitoring_pipeline.spec.alerting import ChannelKind, check_secrets, load_alerting_rules
from monitoring_pipeline.spec.loading import SpecError

WHOLE = """\
channels:
  ml-oncall: {slack: "#ml-oncall", token: slack}
  mail: {apprise: mail}
  events: {webhook: events}
  log: {file: alerts.jsonl}
  phone: {pagerduty: {routing_key: oncall, address: https://events.eu.pagerduty.com}}
  tickets: {jira: {address: https://acme.atlassian.net, project: OPS, user: ann@example.com}}
routes:
  - {channel: ml-oncall, severity: critical, models: ["flight_*"], owners: ["team:*"]}
  - {channel: ml-oncall, severity: warning, digest: "08:00"}
quiet_hours: {start: "22:00", end: "07:00", timezone: America/New_York, except: critical}
escalation: {channel: mail, after: 4h, severity: critical}
link: http://dagster.example.com:3000
"""


def load(tmp_path: Path, text: str):
    path = tmp_path / "alerting.yaml"
    path.write_text(text)
    return load_alerting_rules(path)


def test_rules_with_every_part_are_loaded(tmp_path: Path) -> None:
    rules = load(tmp_path, WHOLE)
    assert [channel.kind for channel in rules.channels.values()] == list(ChannelKind)
    assert rules.routes[1].digest == dt.time(8)
    assert rules.digest_zone(rules.routes[1]).key == "America/New_York"
    assert rules.quiet_hours is not None
    assert rules.quiet_hours.except_severity == "critical"
    assert rules.escalation is not None
    assert rules.escalation.after == dt.timedelta(hours=4)


def test_rules_with_a_channel_alone_are_loaded(tmp_path: Path) -> None:
    rules = load(tmp_path, "channels: {log: {file: a.jsonl}}\n")
    assert rules.routes == ()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            "channel: ml-oncall, severity: critical",
            "channel: ml-onkall, severity: critical",
            "routes.0.channel: unknown channel 'ml-onkall'; known: events, log, mail, ml-oncall, phone, tickets",
        ),
        ("channel: mail, after", "channel: boss, after", "escalation.channel: unknown channel 'boss'; known: events"),
        ("digest:", "digestt:", "routes.1.digestt: unknown key; did you mean digest? known: channel, digest, models"),
        ("end:", "ends:", "quiet_hours.ends: unknown key; did you mean end? known: end, except, start, timezone"),
        ("apprise: mail", "aprise: mail", "channels.mail.aprise: unknown key; did you mean apprise? known: apprise"),
        (
            "routes:",
            "route:",
            "route: unknown key; did you mean routes? known: certificates, channels, escalation",
        ),
        ('"22:00"', "22.00", "quiet_hours.start: write a time of day from 00:00 to 23:59, got 22.00"),
        ('"08:00"', '"24:00"', "routes.1.digest: write a time of day"),
        ('end: "07:00"', 'end: "22:00"', "quiet_hours: start and end must differ, both are 22:00"),
        (
            "America/New_York",
            "America/NewYork",
            "quiet_hours.timezone: 'America/NewYork' is not a time zone of the IANA database; did you mean America",
        ),
        ("after: 4h", "after: 4 hours", "escalation.after: write a whole number and a unit"),
        ("severity: warning", "severity: bad", "routes.1.severity: Input should be 'info', 'warning' or 'critical'"),
        ("apprise: mail", "apprise: mail, file: x", "channels.mail: give exactly one of slack, apprise, webhook, file"),
        ("{file: alerts.jsonl}", "{}", "channels.log: give exactly one of slack, apprise, webhook, file, pagerduty"),
        ("apprise: mail", "apprise: mail, token: t", "channels.mail: token belongs to slack, not to apprise"),
        (
            '"#ml-oncall"',
            "ml-oncall",
            "channels.ml-oncall.slack: write the name of a channel with #, such as",
        ),
        (
            "routing_key: oncall",
            "routing_key: On-Call",
            "channels.phone.pagerduty.routing_key: write lower-case letters",
        ),
        ("project: OPS", "project: ops", "channels.tickets.jira.project: write the key of a project, such as OPS"),
        ("project: OPS, ", "", "channels.tickets.jira.project: missing"),
        ("user: ann", "labels: [a b], user: ann", "channels.tickets.jira.labels.0: write a label without spaces"),
        ("user: ann", "version: 4, user: ann", "channels.tickets.jira.version: Input should be 2 or 3"),
        ("routing_key", "key", "channels.phone.pagerduty.key: unknown key"),
        (
            "channel: ml-oncall, severity: warning",
            "channel: phone",
            "routes.1.digest: 'phone' is a pagerduty, which has one entry per incident and takes no digest: leave",
        ),
        ("mail: {apprise", "mail: {}\n  mail: {apprise", "key 'mail' is given twice"),
        ("link: http:", "link: ftp:", "link: write an address that begins with https:// or http://, got 'ftp:"),
        ("link:", "routes: []\nlink:", "key 'routes' is given twice"),
        ('["flight_*"]', "[]", "routes.0.models: at least 1 item is needed, got []"),
    ],
)
def test_error_of_invalid_rules_names_file_field_and_values(tmp_path: Path, before: str, after: str, expected: str):
    assert before in WHOLE
    with pytest.raises(SpecError) as error:
        load(tmp_path, WHOLE.replace(before, after))
    assert expected in str(error.value)
    assert str(tmp_path / "alerting.yaml") in str(error.value)


@pytest.mark.parametrize(("weekly", "expected"), [
    ("{channels: [boss]}", "weekly_digest.channels.0: unknown channel 'boss'; known: log, mail"),
    ("{channels: [mail, log]}", "weekly_digest.channels: 'log' is a file, which takes no weekly digest"),
    ("{channels: []}", "weekly_digest.channels: at least 1 item is needed"),
    ("{channels: [mail], day: Monday}", "weekly_digest.day: Input should be 'monday', 'tuesday'"),
    ("{channels: [mail], at: 8}", "weekly_digest.at: write a time of day"),
    ("{}", "weekly_digest.channels"),
])  # fmt: skip
def test_error_of_a_weekly_digest_names_field_and_values(tmp_path: Path, weekly: str, expected: str) -> None:
    with pytest.raises(SpecError) as error:
        load(tmp_path, f"channels: {{mail: {{apprise: mail}}, log: {{file: a.jsonl}}}}\nweekly_digest: {weekly}\n")
    assert expected in str(error.value)


def test_weekly_digest_is_sent_on_mondays_in_the_time_zone_of_quiet_hours(tmp_path: Path) -> None:
    rules = load(tmp_path, f"{WHOLE}weekly_digest: {{channels: [mail]}}\n")
    assert rules.weekly_digest is not None
    assert (rules.weekly_digest.day, rules.weekly_digest.at.isoformat()) == ("monday", "08:00:00")
    assert str(rules.digest_zone(rules.weekly_digest)) == "America/New_York"


@pytest.mark.parametrize("text", ["", "- a\n", "{"])
def test_rules_file_without_keys_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SpecError, match=r"alerting\.yaml: (expected keys such as channels and routes|not YAML)"):
        load(tmp_path, text)


def test_missing_rules_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be read"):
        load_alerting_rules(tmp_path / "none.yaml")


def test_missing_secrets_are_listed_with_their_variables(tmp_path: Path) -> None:
    rules = load(tmp_path, WHOLE)
    with pytest.raises(SpecError) as error:
        check_secrets(rules, {"EVENTS": SecretStr("http://localhost"), "mail": SecretStr(" ")})
    assert str(error.value).splitlines() == [
        "alerting.yaml: channel mail (apprise): no secret 'mail'; set MONITORING_PIPELINE_SECRETS__MAIL",
        "alerting.yaml: channel ml-oncall (slack): no secret 'slack'; set MONITORING_PIPELINE_SECRETS__SLACK",
        "alerting.yaml: channel phone (pagerduty): no secret 'oncall'; set MONITORING_PIPELINE_SECRETS__ONCALL",
        "alerting.yaml: channel tickets (jira): no secret 'jira'; set MONITORING_PIPELINE_SECRETS__JIRA",
    ]


def test_secrets_are_accepted_in_any_case(tmp_path: Path) -> None:
    secrets = {name: SecretStr("s") for name in ("SLACK", "mail", "Events", "oncall", "jira")}
    check_secrets(load(tmp_path, WHOLE), secrets)
