import json
from dataclasses import replace
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.alerting.messages.chart import draw_chart
from monitoring_pipeline.alerting.messages.document import SCHEMA_PATH, alert_document, alert_schema
from monitoring_pipeline.alerting.messages.markup import (
    clipped,
    escaped,
    markdown,
    slack_blocks,
    slack_reply,
    slack_text,
)
from monitoring_pipeline.alerting.messages.messages import Message, digest_message, finding_line, incident_message
from monitoring_pipeline.records.alert import HistoryPoint
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.incident import EventKind, Finding, Handling, IncidentState, Outcome
from monitoring_pipeline.records.measurement import Kind, Severity
from monitoring_pipeline.spec.alerting import NO_LINKS, Links
from monitoring_pipeline_tests.alerting.cases import AUROC, HOUR, NOW, alert, event, stored
from monitoring_pipeline_tests.slack_server import block_is_valid

LINK = "http://dagster.example.com:3000/"
BARE = Finding(kind=Kind.QUALITY, subject="temperature", name="not_null", model_version="", reason="120 are missing")
AUROC_LINE = (
    "performance model auroc of version 3: from 0.7315 to 0.6612 (0.65 to 0.672); allowed from 0.68; "
    "q = 0.00012; 8,123 rows; since 2013-05-31"
)


@pytest.mark.parametrize(
    ("finding", "line"),
    [
        (AUROC, AUROC_LINE),
        (BARE, "quality temperature not_null: 120 are missing"),
        (
            replace(
                BARE,
                kind=Kind.DRIFT,
                value=0.31,
                threshold_upper=0.1,
                segment="origin=JFK",
                reason="",
                consequence=True,
            ),
            "drift temperature not_null in origin=JFK: 0.31; allowed up to 0.1 (probably a consequence)",
        ),
        (
            replace(BARE, value=7.0, threshold_lower=1.0, threshold_upper=2.0, reason=""),
            "quality temperature not_null: 7; allowed 1 to 2",
        ),
    ],
)
def test_line_of_a_finding_has_its_values_limits_and_rows(finding: Finding, line: str) -> None:
    assert finding_line(finding) == line


def test_message_of_an_incident_has_facts_findings_commands_and_links() -> None:
    of = stored(
        related=(Cause(Family.COLUMN, ("temperature",)), Cause(Family.OUTPUTS), Cause(Family.INPUTS)),
        explained_by=(Cause(Family.INPUTS),),
        handling=Handling(acknowledged_by="ann", outcome=Outcome.REAL),
    )
    message = incident_message(alert(of=of), links=Links(dagster=LINK))
    assert message.headline == "🔴 flight_delay: auroc is below .68"
    assert message.happened == "Opened (2013-06-02): auroc 0.66"
    assert dict(message.facts) == {
        "Severity": "critical",
        "State": "open; acknowledged by ann; found to be real",
        "Model": "flight_delay",
        "Since": "2013-05-31 (3 breached chunks, last 2013-06-02)",
        "Incident": "flight_delay-7",
        "Owner": "team:ml",
        "Explained by": "inputs",
        "At the same time": "column:temperature, outputs",
    }
    assert message.lines == (finding_line(AUROC),)
    assert [command for _, command in message.commands] == [
        'monitoring-pipeline incidents acknowledge flight_delay-7 --reason "..."',
        'monitoring-pipeline incidents mute flight_delay-7 --until DATE --reason "..."',
        "monitoring-pipeline incidents outcome flight_delay-7 real|noise|planned",
    ]
    assert dict(message.links) == {
        "Runbook": "https://wiki.example.com/flight-delay?a=1&b=2",
        "Dagster": "http://dagster.example.com:3000/assets/flight_delay/verdict?view=partitions&partition=2013-06-02",
    }


@pytest.mark.parametrize("runbook", ["javascript:alert(1)", "data:text/html,x", "wiki", "https://x|y> <!channel>"])
def test_message_links_to_no_runbook_that_is_no_address_of_the_web(runbook: str) -> None:
    hostile = alert(of=replace(stored(), runbook=runbook))
    message = incident_message(hostile, links=Links())
    assert message.links == ()
    assert alert_document([hostile], message, links=Links()).alerts[0].runbook is None


def test_message_links_to_the_report_first_if_the_site_is_known() -> None:
    links = Links(dagster=LINK, site="http://models.example.com/")
    labels = incident_message(alert(of=stored()), links=links).links
    assert labels[0] == ("Report", "http://models.example.com/incidents/flight_delay-7")
    assert [label for label, _ in labels] == ["Report", "Runbook", "Dagster"]
    digest = digest_message([alert(of=stored()), alert(of=stored())], links=links)
    assert digest.links == (("Reports", "http://models.example.com/"), ("Dagster", LINK))


def test_message_of_a_resolution_has_a_check_mark_and_only_the_outcome_command() -> None:
    of = stored(state=IncidentState.RESOLVED, resolved="2013-06-05", handling=Handling(muted_until=NOW))
    message = incident_message(alert(of=of, kind=EventKind.RESOLVED), links=NO_LINKS)
    assert (message.mark, message.resolved) == ("✅", True)
    assert [label for label, _ in message.commands] == ["Say what it was"]
    assert dict(message.facts)["State"] == "resolved at 2013-06-05; muted until 2013-06-03 06:30 UTC"


def test_message_of_many_findings_lists_seven_and_counts_the_rest() -> None:
    of = stored(findings=(AUROC,) * 30)
    assert incident_message(alert(of=of), links=NO_LINKS).lines[-1] == "and 23 more"
    assert len(incident_message(alert(of=of), links=NO_LINKS).lines) == 8


def test_digest_has_a_line_per_incident_with_the_worst_first() -> None:
    warning = stored("loans-1", model="loans", severity=Severity.WARNING, state=IncidentState.ONGOING)
    over = stored("flights-1", model="flights", state=IncidentState.RESOLVED, resolved="2013-06-05")
    alerts = [
        alert(1, of=over),
        alert(2, of=warning),
        alert(3, of=warning, event=event(EventKind.SPREAD)),
        alert(4),
        alert(5, of=over, event=event(EventKind.RESOLVED)),
    ]
    message = digest_message(alerts, links=Links(dagster=LINK))
    assert message.headline == "🔴 Digest: 3 incidents of 3 models"
    assert (message.happened, message.severity) == ("2 of 3 not resolved", Severity.CRITICAL)
    assert message.lines == (
        "🔴 flight_delay: auroc is below .68 - opened; since 2013-05-31 (flight_delay-7, open)",
        "🟠 loans: auroc is below .68 - opened, spread; since 2013-05-31 (loans-1, ongoing)",
        "✅ flights: auroc is below .68 - opened, resolved; since 2013-05-31 (flights-1, resolved at 2013-06-05)",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("<!channel> <@U1>", "&lt;!channel&gt; &lt;@U1&gt;"),
        ("flight_delay 2*3", "flight_delay 2*3"),
        ("*loud*", "\u200b*\u200bloud\u200b*\u200b"),
    ],
)
def test_escaped_text_contains_no_markup_and_no_mention(text: str, expected: str) -> None:
    assert escaped(text) == expected


@given(st.text("ab&<>", max_size=60), st.integers(1, 60))
def test_clipped_text_keeps_the_limit_and_whole_entities(text: str, most: int) -> None:
    shown = clipped(escaped(text), most)
    assert len(shown) <= most
    for name in ("&amp;", "&lt;", "&gt;"):
        shown = shown.replace(name, "")
    assert "&" not in shown


lines = st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=5000), max_size=60)


@given(title=st.text(min_size=1, max_size=400), happened=st.text(max_size=9000), texts=lines)
def test_blocks_of_any_text_keep_the_limits_of_slack(title: str, happened: str, texts: list[str]) -> None:
    message = Message(
        mark="🔴",
        title=title,
        severity=Severity.CRITICAL,
        resolved=False,
        happened=happened,
        facts=tuple((f"label {number}", text) for number, text in enumerate(texts)),
        lines=tuple(texts),
        commands=(("Mute", "a < b"),),
        links=(("Runbook", "https://example.com/?a=1&b=<|>"),),
    )
    for blocks in (slack_blocks(message), slack_reply(message)):
        assert len(blocks) <= 50
        assert all(map(block_is_valid, blocks))
    assert 0 < len(slack_text(message)) <= 4000


def test_blocks_contain_commands_and_links() -> None:
    text = json.dumps(slack_blocks(incident_message(alert(), links=Links(dagster=LINK))), ensure_ascii=False)
    assert "<https://wiki.example.com/flight-delay?a=1&amp;b=2|Runbook>" in text
    assert "`monitoring-pipeline incidents mute flight_delay-7 --until DATE" in text
    assert "from 0.7315 to 0.6612" in text


def test_markdown_escapes_reasons_and_keeps_commands() -> None:
    of = stored(findings=(replace(BARE, reason="<b>a_b*c*</b>\n# no"),))
    text = markdown(incident_message(alert(of=of), links=Links(dagster=LINK)))
    assert r"\<b\>a\_b\*c\*\</b\> # no" in text
    assert "- Mute: `monitoring-pipeline incidents mute flight_delay-7" in text
    assert "- Runbook: <https://wiki.example.com/flight-delay?a=1&b=2>" in text


def test_shipped_schema_equals_that_of_the_document() -> None:
    shipped = files("monitoring_pipeline.alerting.messages").joinpath("alert.schema.json").read_text()
    assert shipped == alert_schema(), f"write alert_schema() into {SCHEMA_PATH.name}"


def test_chart_of_equal_points_is_the_same_png() -> None:
    points = [HistoryPoint(chunk=f"2013-06-{day:02d}", value=0.7 - day / 100, breached=day > 5) for day in range(1, 11)]
    intervals = [replace(point, lower=point.value - 0.02, upper=point.value + 0.02) for point in points]
    pictures = [draw_chart(AUROC, points), draw_chart(AUROC, intervals)]
    assert all(picture is not None and picture.startswith(b"\x89PNG") for picture in pictures)
    assert pictures[0] != pictures[1]
    assert draw_chart(AUROC, points) == pictures[0]
    assert draw_chart(replace(AUROC, subject="cost $x_{$"), points) is not None


def test_single_point_gives_no_chart() -> None:
    assert draw_chart(AUROC, [HistoryPoint(chunk="2013-06-01", value=0.7)]) is None


def test_escalation_message_states_that_nobody_has_acknowledged() -> None:
    message = incident_message(alert(mode="escalation", event_at=NOW - 4 * HOUR), links=NO_LINKS)
    assert message.happened.startswith("Nobody has acknowledged this since 2013-06-03 02:30 UTC. Opened")
