"""The digest of a week: declared, written into the outbox once, and delivered by the real clients with its page."""

import datetime as dt
import email
import email.policy
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from pydantic import SecretStr

from monitoring_pipeline.alerting.channels.apprise import AppriseChannel
from monitoring_pipeline.alerting.delivery.weeks import deliver_weeks
from monitoring_pipeline.alerting.messages.messages import Message
from monitoring_pipeline.alerting.ports import WeekPage
from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.orchestration.jobs.weekly_digest import JOB, SCHEDULE, WEEK_TAG
from monitoring_pipeline.records.measurement import Severity
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline_tests.alerting.cases import HOUR, MINUTE, NOW
from monitoring_pipeline_tests.alerting.outbox_contract import LEASE
from monitoring_pipeline_tests.alerting.receivers import MailServer, serving
from monitoring_pipeline_tests.alerting.slack_cases import slack_channel
from monitoring_pipeline_tests.alerting.test_stored_outbox import desk_of
from monitoring_pipeline_tests.slack_server import SlackServer
from monitoring_pipeline_tests.worlds.world import LOANS, QUIET, World

WEEK = "2024-W14"
PAGE = WeekPage(
    week=WEEK,
    message=Message(
        mark="📅", title="Week of 1 to 7 April 2024", severity=Severity.WARNING, resolved=False,
        happened="2 models: 1 warning, 1 ok.", lines=("loan_default: Warning on 3 of 7 days",),
        lines_are="What changed",
    ),
    html="<!doctype html><p>the page",
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ResultStore]:
    with ResultStore.open(f"sqlite:///{tmp_path / 'results.db'}") as opened:
        yield opened


def mail_channel(post: MailServer) -> AppriseChannel:
    port = post.server_address[1]
    url = f"mailto://127.0.0.1:{port}?mode=insecure&from=monitor@example.com&to=ann@example.com"
    return AppriseChannel("mail", SecretStr(url))


def files_of(mail: bytes) -> dict[str, str]:
    parts = email.message_from_bytes(mail, policy=email.policy.default).iter_attachments()
    return {str(part.get_filename()): part.get_content() for part in parts}


def test_week_is_written_once_for_each_channel(store: ResultStore) -> None:
    assert store.queue_week(WEEK, ["boss", "mail", "boss"], at=NOW) == ("boss", "mail")
    assert store.queue_week(WEEK, ["boss", "chat"], at=NOW) == ("chat",)
    assert store.queue_week("2024-W15", ["boss"], at=NOW) == ("boss",)
    claimed = store.claim_weeks(NOW, lease=LEASE)
    assert [(c.channel, c.week) for c in claimed] == [
        ("boss", WEEK), ("mail", WEEK), ("chat", WEEK), ("boss", "2024-W15"),
    ]  # fmt: skip


def test_week_is_claimed_once_until_its_lease_ends_and_is_then_in_doubt(store: ResultStore) -> None:
    store.queue_week(WEEK, ["boss"], at=NOW)
    assert [claimed.uncertain for claimed in store.claim_weeks(NOW, lease=LEASE)] == [False]
    assert store.claim_weeks(NOW + LEASE - MINUTE, lease=LEASE) == []
    assert [claimed.uncertain for claimed in store.claim_weeks(NOW + LEASE, lease=LEASE)] == [True]


def test_alerts_and_weeks_do_not_claim_each_other(store: ResultStore) -> None:
    alert = desk_of(store).write("flights", channel="boss")
    store.queue_week(WEEK, ["boss"], at=NOW)
    assert len(store.due_alerts(NOW, lease=LEASE)) == 2
    assert [claimed.alert_id for claimed in store.claim(NOW, lease=LEASE)] == [alert]
    assert [claimed.week for claimed in store.claim_weeks(NOW, lease=LEASE)] == [WEEK]
    assert store.due_alerts(NOW, lease=LEASE) == ()


def test_mail_contains_the_words_and_the_page_as_a_file() -> None:
    with serving(MailServer()) as post:
        mail_channel(post).send_week(PAGE)
        (raw,) = post.received
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail["Subject"] == "📅 Week of 1 to 7 April 2024"
    text = mail.get_body(("plain", "html")).get_content()
    assert "What changed" in text
    assert "Warning on 3 of 7 days" in text
    assert files_of(raw)[f"{WEEK}.html"].startswith("<!doctype html>")


def test_slack_shows_the_words_with_the_page_in_the_thread(slack: SlackServer) -> None:
    receipt = slack_channel(slack).send_week(PAGE)
    (root,) = slack.roots()
    assert receipt.notes == ()
    assert "Warning on 3 of 7 days" in str(root["blocks"])
    (file,) = slack.workspace.files.values()
    assert (file["filename"], file["thread_ts"]) == (f"{WEEK}.html", root["ts"])
    assert file["content"].decode() == PAGE.html


def test_page_that_slack_refuses_is_a_note_and_the_message_is_not_repeated(slack: SlackServer) -> None:
    slack.fail("server_error", "files.getUploadURLExternal", times=9)
    receipt = slack_channel(slack).send_week(PAGE)
    assert len(slack.roots()) == 1
    assert receipt.notes[0].startswith("no file: ")


def test_channel_that_is_down_gets_the_week_later_and_others_get_it_now(store: ResultStore) -> None:
    store.queue_week(WEEK, ["mail", "gone", "down"], at=NOW)
    with serving(MailServer()) as closed:
        down = mail_channel(closed)
    with serving(MailServer()) as post:
        channels = {"mail": mail_channel(post), "down": down}
        report = deliver_weeks(store, channels, lambda _: PAGE, clock=lambda: NOW, lease=LEASE)
        assert len(post.received) == len(report.sent) == 1
        assert [(f.channel, f.retry_at) for f in report.failures] == [("gone", NOW + HOUR), ("down", NOW + MINUTE)]
        assert "no channel 'gone' for people" in report.failures[0].error
        later = deliver_weeks(
            store, channels | {"down": mail_channel(post)}, lambda _: PAGE, clock=lambda: NOW + MINUTE, lease=LEASE
        )
        assert (len(later.sent), later.repeated, len(post.received)) == (1, (), 2)


def test_page_that_cannot_be_made_is_a_failure_and_is_tried_again(store: ResultStore) -> None:
    def broken(_: str) -> WeekPage:
        message = "no spec"
        raise ValueError(message)

    store.queue_week(WEEK, ["mail"], at=NOW)
    with serving(MailServer()) as post:
        report = deliver_weeks(store, {"mail": mail_channel(post)}, broken, clock=lambda: NOW, lease=LEASE)
    assert [failure.error for failure in report.failures] == ["ValueError: no spec"]


def declared(world: World, **weekly: object) -> dg.Definitions:
    rules = {"channels": {"mail": {"apprise": "mail"}}, "weekly_digest": {"channels": ["mail"], **weekly}}
    (world.folder / "alerting.yaml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    return build_definitions(world.settings)


def test_nothing_is_scheduled_without_a_declaration_or_with_a_file_that_cannot_be_used(world: World) -> None:
    (world.folder / "alerting.yaml").write_text("weekly_digest: {channels: [nobody]}", encoding="utf-8")
    names = {schedule.name for schedule in build_definitions(world.settings).schedules or ()}
    assert names == {"loan_default_schedule", "delivery_minutes_schedule"}


def test_week_reaches_the_mail_server_through_schedule_job_and_outbox(lived_in_world: World) -> None:
    world, now = lived_in_world, dt.datetime(2024, 4, 8, 6, tzinfo=dt.UTC)
    with serving(MailServer()) as post:
        url = f"mailto://127.0.0.1:{post.server_address[1]}?mode=insecure&from=m@example.com&to=ann@example.com"
        settings = world.settings.model_copy(update={"secrets": {"mail": SecretStr(url)}})
        declared(world, day="sunday", at="07:30", timezone="Europe/Berlin")
        definitions = build_definitions(settings, lambda: now)
        schedule = next(found for found in definitions.schedules or () if found.name == SCHEDULE)
        assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 7 * * 0", "Europe/Berlin")
        assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
        (request,) = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=now)).run_requests
        assert (request.run_key, request.tags[WEEK_TAG]) == (WEEK, WEEK)
        for _ in range(2):  # the second night finds the week sent
            job = definitions.resolve_job_def(JOB)
            assert job.execute_in_process(instance=world.instance, tags={WEEK_TAG: WEEK}, run_config=QUIET).success
            delivery = definitions.resolve_job_def("deliver_alerts")
            assert delivery.execute_in_process(instance=world.instance, run_config=QUIET).success
        (raw,) = post.received
    page = files_of(raw)[f"{WEEK}.html"]
    assert LOANS in page
    assert "Week of 1 to 7 April 2024" in page
    with world.store() as store:
        ((state, count),) = store.query("SELECT state, COUNT(*) FROM alerts WHERE mode = 'weekly' GROUP BY 1", {})[1]
    assert (state, count) == ("sent", 1)
