"""The rules of alerting.yaml: the channels, and which alerts each receives at which times."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, PrivateAttr, SecretStr, model_validator

from monitoring_pipeline.spec.parsing.documents import SpecError, load_document
from monitoring_pipeline.spec.parsing.duration import Duration
from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline.spec.parsing.time_zone import TimeZone
from monitoring_pipeline.spec.parsing.wording import (
    CHANNEL_PATTERN,
    LABEL_PATTERN,
    LINK_PATTERN,
    NAME_PATTERN,
    PROJECT_PATTERN,
    SLACK_PATTERN,
)

SECRET_VARIABLE_PREFIX = "MONITORING_PIPELINE_SECRETS__"  # noqa: S105 - the name of a variable
_TIME_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"

SeverityName = Literal["info", "warning", "critical"]
ChannelName = Annotated[str, Field(pattern=CHANNEL_PATTERN)]
SecretName = Annotated[str, Field(pattern=NAME_PATTERN)]
Patterns = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]


def parse_time_of_day(text: object) -> dt.time:
    """Return the time of day that a text such as ``08:00`` means; a time is returned as it is.

    Raises:
        ValueError: when the text has another form.
    """
    if isinstance(text, dt.time):
        return text
    if not isinstance(text, str) or re.match(_TIME_PATTERN, text) is None:
        message = "write a time of day from 00:00 to 23:59"
        raise ValueError(message)
    return dt.time.fromisoformat(text)


TimeOfDay = Annotated[
    dt.time,
    BeforeValidator(parse_time_of_day, json_schema_input_type=Annotated[str, Field(pattern=_TIME_PATTERN)]),
]


class ChannelKind(StrEnum):
    """The kinds of channels."""

    SLACK = "slack"
    APPRISE = "apprise"
    WEBHOOK = "webhook"
    FILE = "file"
    PAGERDUTY = "pagerduty"
    JIRA = "jira"


class PagerDuty(SpecPart):
    """A service of PagerDuty, by its integration of the kind Events API v2."""

    routing_key: SecretName = "pagerduty"
    """Name of the secret that holds the integration key."""
    address: Annotated[str, Field(pattern=LINK_PATTERN)] = "https://events.pagerduty.com"
    """PagerDuty's address; https://events.eu.pagerduty.com for accounts in the EU."""


class JiraTransitions(SpecPart):
    """The moves of an issue, each by the name of the transition or of the status that it leads to; null for none."""

    resolved: Annotated[str, Field(min_length=1)] | None = "Done"
    """When the incident is resolved, unless the issue is done already."""
    reopened: Annotated[str, Field(min_length=1)] | None = "To Do"
    """When the incident comes back, if the issue is done."""
    acknowledged: Annotated[str, Field(min_length=1)] | None = None
    """When somebody acknowledges the incident."""


class Jira(SpecPart):
    """A project of Jira, with one issue per incident."""

    address: Annotated[str, Field(pattern=LINK_PATTERN)]
    """Jira's address, such as https://acme.atlassian.net."""
    project: Annotated[str, Field(pattern=PROJECT_PATTERN)]
    """Key of the project."""
    token: SecretName = "jira"  # noqa: S105 - the name of a secret
    """Name of the secret that holds the token."""
    user: Annotated[str, Field(min_length=1)] | None = None
    """E-mail address to which an API token belongs (Jira Cloud); without it the token is a personal access token."""
    version: Literal[2, 3] = 3
    """Version of Jira's REST API: 3 for Jira Cloud, 2 for Jira Server and Data Center."""
    issue_type: Annotated[str, Field(min_length=1)] = "Task"
    """Type of the issues."""
    labels: tuple[Annotated[str, Field(pattern=LABEL_PATTERN)], ...] = ()
    """Labels besides monitoring-pipeline, that of the incident, and the model."""
    priorities: dict[SeverityName, str] = {"critical": "Highest", "warning": "Medium", "info": "Low"}
    """Names of priorities by severity; an empty one sets none."""
    transitions: JiraTransitions = JiraTransitions()
    """The moves of an issue."""


class Channel(SpecPart):
    """One place to which alerts are sent: exactly one kind, such as ``slack`` or ``webhook``."""

    slack: Annotated[str, Field(pattern=SLACK_PATTERN)] | None = None
    """A Slack channel: its name with #, or its id, which survives renaming."""
    token: SecretName | None = None
    """Slack: name of the secret that holds the bot's token; ``slack`` if absent."""
    apprise: SecretName | None = None
    """Name of the secret that holds one Apprise URL: mail, Teams, PagerDuty and many others."""
    webhook: SecretName | None = None
    """Name of the secret that holds the URL to which JSON is posted."""
    file: Annotated[str, Field(min_length=1)] | None = None
    """File to which JSON is appended, one line per message; relative to the home folder."""
    pagerduty: PagerDuty | None = None
    """A service of PagerDuty, with one incident there per incident here."""
    jira: Jira | None = None
    """A project of Jira, with one issue per incident."""

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        given = [kind.value for kind in ChannelKind if getattr(self, kind.value) is not None]
        if len(given) != 1:
            message = f"give exactly one of {', '.join(ChannelKind)}; given: {', '.join(given) or 'none'}"
            raise ValueError(message)
        if self.token is not None and self.slack is None:
            message = f"token belongs to slack, not to {given[0]}"
            raise ValueError(message)
        return self

    @property
    def kind(self) -> ChannelKind:
        """The kind of the channel."""
        return next(kind for kind in ChannelKind if getattr(self, kind.value) is not None)

    @property
    def secret(self) -> str | None:
        """Name of the secret that the channel needs; None for a file."""
        if self.slack is not None:
            return self.token or "slack"
        if self.pagerduty is not None:
            return self.pagerduty.routing_key
        if self.jira is not None:
            return self.jira.token
        return self.apprise or self.webhook


class Route(SpecPart):
    """The incidents whose alerts a channel receives; every route that matches adds its channel."""

    channel: str
    """Name of a channel."""
    severity: SeverityName = "info"
    """Incidents of at least this severity."""
    models: Patterns = ("*",)
    """Patterns of models' names, such as flight_*; one that matches is enough."""
    owners: Patterns = ("*",)
    """Patterns of models' owners, such as team:*; one that matches is enough."""
    digest: TimeOfDay | None = None
    """Time of day of one message about all events since the last one; if absent, each alert is sent at once."""
    timezone: TimeZone | None = None
    """Time zone of the digest; by default that of the quiet hours, or UTC."""


class QuietHours(SpecPart):
    """A time of day in which no alerts are sent; they are sent at its end.

    Digests keep their time. Webhooks, files and Jira receive alerts at once, because they wake nobody.
    """

    start: TimeOfDay
    """Begin of the quiet hours."""
    end: TimeOfDay
    """End of the quiet hours; a time before the start is on the next day."""
    timezone: TimeZone
    """Time zone of both."""
    except_severity: SeverityName | None = Field(default="critical", alias="except")
    """Alerts of incidents of at least this severity are sent nevertheless; null for none."""

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.start == self.end:
            message = f"start and end must differ, both are {self.start:%H:%M}"
            raise ValueError(message)
        return self


class Escalation(SpecPart):
    """A further channel that is alerted if nobody has acknowledged an incident in time."""

    channel: str
    """Name of a channel."""
    after: Duration
    """Time after the first message."""
    severity: SeverityName = "critical"
    """Incidents of at least this severity."""


@dataclass(frozen=True, kw_only=True)
class Links:
    """Addresses to which messages link; None where there is none.

    Args:
        dagster: Dagster's UI.
        site: the site with the reports of models and incidents.
        prefix: the first part of the keys of the assets in Dagster.
    """

    dagster: str | None = None
    site: str | None = None
    prefix: str = ""

    def report_of(self, model: str, chunk: str) -> str | None:
        """Return the address of a model's report about a chunk."""
        if self.site is None:
            return None
        return f"{self.site.rstrip('/')}/models/{quote(model, safe='')}?chunk={quote(chunk, safe='')}"

    @property
    def labelled(self) -> tuple[tuple[str, str], ...]:
        """The addresses that there are, each after its label."""
        found = (("Reports", self.site), ("Dagster", self.dagster))
        return tuple((label, address) for label, address in found if address is not None)


NO_LINKS = Links()
ONE_ENTRY_PER_INCIDENT = frozenset({ChannelKind.PAGERDUTY, ChannelKind.JIRA})
"""Kinds of channels that keep an entry for each incident, and so take no digests."""
FOR_PEOPLE = frozenset({ChannelKind.SLACK, ChannelKind.APPRISE})
"""Kinds of channels whose messages people read one by one, and that take the digest of a week."""
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class WeeklyDigest(SpecPart):
    """The digest of the week that ended last: one message about all models, with the page of the week."""

    channels: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of channels of the kinds slack and apprise."""
    day: Weekday = "monday"
    """Day on which it is sent."""
    at: TimeOfDay = dt.time(8)
    """Time of day at which it is sent."""
    timezone: TimeZone | None = None
    """Time zone of both; by default that of the quiet hours, or UTC."""


class AlertingRules(SpecPart):
    """The content of alerting.yaml: the rules of one deployment, for all its models."""

    channels: dict[ChannelName, Channel] = {}
    """Places to which alerts are sent, by name."""
    routes: tuple[Route, ...] = ()
    """Which alerts each channel receives."""
    quiet_hours: QuietHours | None = None
    """Time of day in which no alerts are sent."""
    escalation: Escalation | None = None
    """The further channel that is alerted if nobody reacts."""
    weekly_digest: WeeklyDigest | None = None
    """The digest of each week; without it none is sent."""
    link: Annotated[str, Field(pattern=LINK_PATTERN)] | None = None
    """Address of Dagster's UI, for the links in messages."""
    site: Annotated[str, Field(pattern=LINK_PATTERN)] | None = None
    """Address of the site that `monitoring-pipeline serve` serves, for the links in messages."""
    failing_after: Duration = dt.timedelta(hours=6)
    """Time after which a channel that accepts no messages becomes an incident, sent through the other channels."""
    certificates: Annotated[str, Field(min_length=1)] | None = None
    """File with certificates (PEM) that are trusted besides those of the system; relative to the home folder."""

    _prefix: str = PrivateAttr(default="")

    @property
    def links(self) -> Links:
        """The addresses to which messages link."""
        return Links(dagster=self.link, site=self.site, prefix=self._prefix)

    def linked_to(self, prefix: str) -> Self:
        """Return the rules for a project in which the keys of the assets begin with a prefix."""
        rules = self.model_copy()
        rules._prefix = prefix  # noqa: SLF001 - of the copy
        return rules

    @model_validator(mode="after")
    def _channels_exist(self) -> Self:
        named = [(f"routes.{number}.channel", route.channel) for number, route in enumerate(self.routes)]
        if self.escalation is not None:
            named.append(("escalation.channel", self.escalation.channel))
        weekly = self.weekly_digest.channels if self.weekly_digest is not None else ()
        named += [(f"weekly_digest.channels.{number}", channel) for number, channel in enumerate(weekly)]
        unknown = [
            f"{field}: unknown channel {channel!r}; known: {', '.join(sorted(self.channels)) or 'none'}"
            for field, channel in named
            if channel not in self.channels
        ]
        if unknown:
            raise ValueError("; ".join(unknown))
        for channel in weekly:
            kind = self.channels[channel].kind
            if kind not in FOR_PEOPLE:
                message = f"weekly_digest.channels: {channel!r} is a {kind}, which takes no weekly digest"
                raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _digests_have_readers(self) -> Self:
        for number, route in enumerate(self.routes):
            kind = self.channels[route.channel].kind
            if route.digest is not None and kind in ONE_ENTRY_PER_INCIDENT:
                message = (
                    f"routes.{number}.digest: {route.channel!r} is a {kind}, which has one entry per incident and "
                    "takes no digest: leave digest out"
                )
                raise ValueError(message)
        return self

    def digest_zone(self, digest: Route | WeeklyDigest) -> ZoneInfo:
        """Return the time zone of the digest of a route, or of a week."""
        fallback = "UTC" if self.quiet_hours is None else self.quiet_hours.timezone
        return ZoneInfo(digest.timezone or fallback)


def load_alerting_rules(path: Path) -> AlertingRules:
    """Load alerting.yaml.

    Raises:
        SpecError: with one line per problem: file, field, value, and what is allowed.
    """
    return load_document(path, AlertingRules, expected_keys="channels and routes")


def find_secret(secrets: Mapping[str, SecretStr], name: str) -> SecretStr | None:
    """Return a secret by its name in any case, as environments may give capitals; None if it is missing or empty."""
    by_name = {key.lower(): value for key, value in secrets.items()}
    secret = by_name.get(name.lower())
    return secret if secret is not None and secret.get_secret_value().strip() else None


def missing_secret(name: str) -> str:
    """Return the message about a missing secret, with the variable to set."""
    return f"no secret {name!r}; set {SECRET_VARIABLE_PREFIX}{name.upper()}"


def check_secrets(rules: AlertingRules, secrets: Mapping[str, SecretStr], source: object = "alerting.yaml") -> None:
    """Check that every channel's secret exists.

    Raises:
        SpecError: with one line per missing secret, which names the variable to set.
    """
    missing = list(_missing_secrets(rules, secrets, source))
    if missing:
        raise SpecError("\n".join(missing))


def _missing_secrets(rules: AlertingRules, secrets: Mapping[str, SecretStr], source: object) -> Iterable[str]:
    for name, channel in sorted(rules.channels.items()):
        if channel.secret is not None and find_secret(secrets, channel.secret) is None:
            yield f"{source}: channel {name} ({channel.kind}): {missing_secret(channel.secret)}"
