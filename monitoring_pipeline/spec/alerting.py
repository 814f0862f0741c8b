"""The rules of alerting.yaml: which channels there are, and who hears of what, when."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from monitoring_pipeline.spec.parsing.documents import SpecError, load_document
from monitoring_pipeline.spec.parsing.duration import Duration
from monitoring_pipeline.spec.parsing.part import SpecPart

SECRET_VARIABLE_PREFIX = "MONITORING_PIPELINE_SECRETS__"  # noqa: S105 - the name of a variable
_TIME_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"

SeverityName = Literal["info", "warning", "critical"]
ChannelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
SecretName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Patterns = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]


def parse_time_of_day(text: object) -> dt.time:
    """Return the time of day that a text such as ``08:00`` means; a time is returned as it is.

    Raises:
        ValueError: when it is anything else.
    """
    if isinstance(text, dt.time):
        return text
    if not isinstance(text, str) or re.match(_TIME_PATTERN, text) is None:
        message = 'write a time of day from "00:00" to "23:59", in quotes (YAML takes 22:00 for a number)'
        raise ValueError(message)
    return dt.time.fromisoformat(text)


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_timezone(name: str) -> str:
    if name not in _time_zones():
        close = get_close_matches(name, _time_zones(), n=1)
        message = f"not a time zone of the IANA database; {f'did you mean {close[0]}?' if close else 'such as UTC'}"
        raise ValueError(message)
    return name


TimeOfDay = Annotated[
    dt.time,
    BeforeValidator(parse_time_of_day, json_schema_input_type=Annotated[str, Field(pattern=_TIME_PATTERN)]),
]
TimeZone = Annotated[str, AfterValidator(_known_timezone)]


class ChannelKind(StrEnum):
    """The ways in which a channel may be reached."""

    SLACK = "slack"
    APPRISE = "apprise"
    WEBHOOK = "webhook"
    FILE = "file"


class Channel(SpecPart):
    """One place that alerts are sent to: exactly one of ``slack``, ``apprise``, ``webhook`` and ``file``."""

    slack: Annotated[str, Field(pattern=r"^(#[^\s#]{1,80}|[CGD][A-Z0-9]{5,})$")] | None = None
    """A Slack channel: its name with #, or its id, which survives renaming."""
    token: SecretName | None = None
    """Slack: name of the secret that holds the bot's token; without it ``slack``."""
    apprise: SecretName | None = None
    """Name of the secret that holds one Apprise URL: mail, Teams, PagerDuty and many others."""
    webhook: SecretName | None = None
    """Name of the secret that holds the URL to which JSON is posted."""
    file: Annotated[str, Field(min_length=1)] | None = None
    """File to which JSON is appended, one line per message; relative to the home folder."""

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        given = [kind.value for kind in ChannelKind if getattr(self, kind.value) is not None]
        if len(given) != 1:
            message = f"give exactly one of slack, apprise, webhook, file; given: {', '.join(given) or 'none'}"
            raise ValueError(message)
        if self.token is not None and self.slack is None:
            message = f"token belongs to slack, not to {given[0]}"
            raise ValueError(message)
        return self

    @property
    def kind(self) -> ChannelKind:
        """Which of the ways it is."""
        return next(kind for kind in ChannelKind if getattr(self, kind.value) is not None)

    @property
    def secret(self) -> str | None:
        """Name of the secret that it needs."""
        return (self.token or "slack") if self.slack is not None else self.apprise or self.webhook


class Route(SpecPart):
    """Which incidents a channel hears of; every route that matches adds its channel."""

    channel: str
    """Name of a channel."""
    severity: SeverityName = "info"
    """Incidents of at least this severity."""
    models: Patterns = ("*",)
    """Patterns of models' names, such as flight_*; one that matches is enough."""
    owners: Patterns = ("*",)
    """Patterns of models' owners, such as team:*; one that matches is enough."""
    digest: TimeOfDay | None = None
    """Time of day of one message about everything since the last; without it each is told at once."""
    timezone: TimeZone | None = None
    """Time zone of the digest; by default that of the quiet hours, or UTC."""


class QuietHours(SpecPart):
    """Time of day in which nobody is told; what happens then is told at its end.

    Digests keep their own time, and webhooks and files are told at once: they are read by machines.
    """

    start: TimeOfDay
    """When it begins."""
    end: TimeOfDay
    """When it ends; a time before the start is the next day's."""
    timezone: TimeZone
    """Time zone of both."""
    except_severity: SeverityName | None = Field(default="critical", alias="except")
    """Incidents of at least this severity are told nevertheless; null for none."""

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.start == self.end:
            message = f"start and end must differ, both are {self.start:%H:%M}"
            raise ValueError(message)
        return self


class Escalation(SpecPart):
    """Who else is told when nobody has acknowledged an incident."""

    channel: str
    """Name of a channel."""
    after: Duration
    """How long after the first message."""
    severity: SeverityName = "critical"
    """Incidents of at least this severity."""


class AlertingRules(SpecPart):
    """The whole of alerting.yaml: one for a deployment, for all its models."""

    channels: dict[ChannelName, Channel] = {}
    """Places that alerts are sent to, by name."""
    routes: tuple[Route, ...] = ()
    """Who hears of what."""
    quiet_hours: QuietHours | None = None
    """When nobody is told."""
    escalation: Escalation | None = None
    """Who else is told when nobody reacts."""
    link: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] | None = None
    """Address of Dagster's UI, for the links in messages."""

    @model_validator(mode="after")
    def _channels_exist(self) -> Self:
        named = [(f"routes.{number}.channel", route.channel) for number, route in enumerate(self.routes)]
        if self.escalation is not None:
            named.append(("escalation.channel", self.escalation.channel))
        unknown = [
            f"{field}: unknown channel {channel!r}; known: {', '.join(sorted(self.channels)) or 'none'}"
            for field, channel in named
            if channel not in self.channels
        ]
        if unknown:
            raise ValueError("; ".join(unknown))
        return self

    def digest_zone(self, route: Route) -> ZoneInfo:
        """Return the time zone of a route's digest."""
        fallback = "UTC" if self.quiet_hours is None else self.quiet_hours.timezone
        return ZoneInfo(route.timezone or fallback)


def load_alerting_rules(path: Path) -> AlertingRules:
    """Load alerting.yaml.

    Raises:
        SpecError: with one line per problem: file, field, value, and what is allowed.
    """
    return load_document(path, AlertingRules, expected_keys="channels and routes")


def find_secret(secrets: Mapping[str, SecretStr], name: str) -> SecretStr | None:
    """Return a secret by its name, in any case (an environment may give names in capitals); an empty one is none."""
    by_name = {key.lower(): value for key, value in secrets.items()}
    found = by_name.get(name.lower())
    return found if found is not None and found.get_secret_value().strip() else None


def missing_secret(name: str) -> str:
    """Return the words for a secret that is not there, with the variable to set."""
    return f"no secret {name!r}; set {SECRET_VARIABLE_PREFIX}{name.upper()}"


def check_secrets(rules: AlertingRules, secrets: Mapping[str, SecretStr], source: object = "alerting.yaml") -> None:
    """Check that every channel's secret is there.

    Raises:
        SpecError: with one line per secret that is missing, naming the variable to set.
    """
    missing = list(_missing_secrets(rules, secrets, source))
    if missing:
        raise SpecError("\n".join(missing))


def _missing_secrets(rules: AlertingRules, secrets: Mapping[str, SecretStr], source: object) -> Iterable[str]:
    for name, channel in sorted(rules.channels.items()):
        if channel.secret is not None and find_secret(secrets, channel.secret) is None:
            yield f"{source}: channel {name} ({channel.kind}): {missing_secret(channel.secret)}"
