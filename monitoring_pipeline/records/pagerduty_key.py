"""The name of an incident in PagerDuty, from which its name here can be read again."""

import datetime as dt
from dataclasses import dataclass
from typing import Self

_FORM = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, kw_only=True)
class PagerDutyKey:
    """The key (``dedup_key``) of an incident that asks for attention since a moment, to the second.

    The text form is ``4d888640/20130603T063000Z``.
    """

    incident_id: str
    since: dt.datetime

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the key that has a text form; None if a text is none of these."""
        incident_id, _, moment = text.partition("/")
        try:
            since = dt.datetime.strptime(moment, _FORM).replace(tzinfo=dt.UTC)
        except ValueError:
            return None
        return cls(incident_id=incident_id, since=since) if incident_id else None

    @property
    def text(self) -> str:
        """The text form."""
        return f"{self.incident_id}/{self.since.astimezone(dt.UTC):{_FORM}}"
