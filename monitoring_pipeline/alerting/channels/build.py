"""From the rules of alerting.yaml to channels that can send."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from monitoring_pipeline.alerting.channels.apprise import AppriseChannel
from monitoring_pipeline.alerting.channels.file import FileChannel
from monitoring_pipeline.alerting.channels.jira import JiraChannel
from monitoring_pipeline.alerting.channels.jira_calls import JiraCalls
from monitoring_pipeline.alerting.channels.pagerduty import PagerDutyChannel
from monitoring_pipeline.alerting.channels.slack import SlackChannel
from monitoring_pipeline.alerting.channels.slack_calls import SLACK_API, SlackCalls
from monitoring_pipeline.alerting.channels.webhook import WebhookChannel
from monitoring_pipeline.alerting.ports import AlertChannel, DeliveryError, Dispatch, Receipt, WeekChannel, WeekPage
from monitoring_pipeline.records.alert import ClaimedAlert
from monitoring_pipeline.spec.alerting import (
    NO_LINKS,
    AlertingRules,
    Channel,
    ChannelKind,
    Links,
    PagerDuty,
    find_secret,
    missing_secret,
)


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What channels need besides their own rules.

    Args:
        secrets: secrets by name.
        home: folder that files are relative to.
        links: addresses of Dagster's UI and of the site.
        slack_api: base of Slack's addresses.
        timeout_seconds: how long a channel may take to answer.
        certificates: file with further certificates of authorities that are trusted.
    """

    secrets: Mapping[str, SecretStr]
    home: Path
    links: Links = NO_LINKS
    slack_api: str = SLACK_API
    timeout_seconds: int = 10
    certificates: Path | None = None

    def secret_of(self, channel: Channel) -> SecretStr:
        """Return a channel's secret, empty where it needs none."""
        return find_secret(self.secrets, channel.secret or "") or SecretStr("")


def build_channels(
    rules: AlertingRules,
    secrets: Mapping[str, SecretStr],
    *,
    home: Path,
    slack_api: str = SLACK_API,
    timeout_seconds: int = 10,
) -> dict[str, AlertChannel]:
    """Return the channels of the rules by name; nothing is connected or imported before the first message.

    A channel with a missing secret or an invalid address raises an error for each message. Other channels still send.

    Args:
        rules: the rules.
        secrets: secrets by name.
        home: folder that the files of file channels are relative to.
        slack_api: base of Slack's addresses, for a proxy or a test.
        timeout_seconds: how long a channel may take to answer.
    """
    surroundings = Surroundings(
        secrets=secrets,
        home=home,
        links=rules.links,
        slack_api=slack_api,
        timeout_seconds=timeout_seconds,
        certificates=None if rules.certificates is None else home / rules.certificates,
    )
    return {name: _build(name, channel, surroundings) for name, channel in rules.channels.items()}


class _Unusable:
    """Stands for a channel whose secret must be corrected; its messages wait."""

    keeps_record = True

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self._reason = reason

    def find(self, alerts: Sequence[ClaimedAlert], threads: Mapping[str, str]) -> Mapping[int, Receipt]:  # noqa: ARG002
        return {}

    def send(self, dispatch: Dispatch) -> Receipt:  # noqa: ARG002
        raise DeliveryError(self._reason, needs_a_person=True)

    def send_week(self, page: WeekPage) -> Receipt:  # noqa: ARG002
        raise DeliveryError(self._reason, needs_a_person=True)


def _build(name: str, channel: Channel, around: Surroundings) -> AlertChannel:
    if channel.secret is not None and find_secret(around.secrets, channel.secret) is None:
        return _Unusable(name, missing_secret(channel.secret))
    try:
        return _BUILDERS[channel.kind](name, channel, around)
    except ValueError as error:
        return _Unusable(name, str(error))


def _slack(name: str, channel: Channel, around: Surroundings) -> AlertChannel:
    calls = SlackCalls(
        around.secret_of(channel),
        base_url=around.slack_api,
        timeout_seconds=around.timeout_seconds,
        certificates=around.certificates,
    )
    return SlackChannel(name, channel.slack or "", calls)


def _apprise(name: str, channel: Channel, around: Surroundings) -> AlertChannel:
    return AppriseChannel(name, around.secret_of(channel))


def _webhook(name: str, channel: Channel, around: Surroundings) -> AlertChannel:
    return WebhookChannel(
        name,
        around.secret_of(channel),
        links=around.links,
        timeout_seconds=around.timeout_seconds,
        certificates=around.certificates,
    )


def _pagerduty(name: str, channel: Channel, around: Surroundings) -> AlertChannel:
    return PagerDutyChannel(
        name,
        around.secret_of(channel),
        (channel.pagerduty or PagerDuty()).address,
        links=around.links,
        timeout_seconds=around.timeout_seconds,
        certificates=around.certificates,
    )


def _jira(name: str, channel: Channel, around: Surroundings) -> AlertChannel:
    rules = channel.jira
    if rules is None:
        message = f"channel {name} is not of the kind jira"
        raise ValueError(message)
    calls = JiraCalls(
        rules.address,
        around.secret_of(channel),
        user=rules.user,
        version=rules.version,
        timeout_seconds=around.timeout_seconds,
        certificates=around.certificates,
    )
    return JiraChannel(name, rules, calls, links=around.links)


def _file(name: str, channel: Channel, around: Surroundings) -> AlertChannel:
    return FileChannel(name, around.home / (channel.file or ""), links=around.links)


def week_channels(channels: Mapping[str, AlertChannel]) -> dict[str, WeekChannel]:
    """Return the channels that take the digest of a week, by name; one whose secret is missing refuses it."""
    kinds = (SlackChannel, AppriseChannel, _Unusable)
    return {name: channel for name, channel in channels.items() if isinstance(channel, kinds)}


_BUILDERS: dict[ChannelKind, Callable[[str, Channel, Surroundings], AlertChannel]] = {
    ChannelKind.SLACK: _slack,
    ChannelKind.APPRISE: _apprise,
    ChannelKind.WEBHOOK: _webhook,
    ChannelKind.FILE: _file,
    ChannelKind.PAGERDUTY: _pagerduty,
    ChannelKind.JIRA: _jira,
}
