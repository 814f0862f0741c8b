"""The outcome of the alerts of a delivery."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An alert that a channel did not take; ``retry_at`` is ``None`` when it is given up."""

    alert_id: int
    channel: str
    error: str
    retry_at: dt.datetime | None


@dataclass(frozen=True, kw_only=True)
class DeliveryReport:
    """The outcome of the alerts of one delivery.

    Args:
        sent: ids that a channel took, or was found to have taken before.
        repeated: those of them that may have been sent before, by a channel that cannot look them up.
        dropped: ids that needed not be sent, with the reason.
        postponed: ids that were not tried.
        failures: alerts that a channel refused.
        notes: problems beside an accepted message, such as a missing chart.
        accepted: channels that took a message.
        refused: errors of channels that did not take one, by channel.
    """

    sent: tuple[int, ...]
    repeated: tuple[int, ...]
    dropped: Mapping[int, str]
    postponed: tuple[int, ...]
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]
    accepted: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)

    def joined(self, other: "DeliveryReport") -> "DeliveryReport":
        """Return the outcome of the messages of both."""
        return DeliveryReport(
            sent=self.sent + other.sent,
            repeated=self.repeated + other.repeated,
            dropped={**self.dropped, **other.dropped},
            postponed=self.postponed + other.postponed,
            failures=self.failures + other.failures,
            notes=self.notes + other.notes,
            accepted=self.accepted | other.accepted,
            refused={**self.refused, **other.refused},
        )


@dataclass
class Progress:
    """The outcome of the alerts of a delivery so far; the lists grow while it runs."""

    sent: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    dropped: dict[int, str] = field(default_factory=dict)
    postponed: list[int] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)

    def report(self) -> DeliveryReport:
        """Return the report of the outcome so far."""
        return DeliveryReport(
            sent=tuple(self.sent),
            repeated=tuple(self.repeated),
            dropped=dict(self.dropped),
            postponed=tuple(self.postponed),
            failures=tuple(self.failures),
            notes=tuple(self.notes),
            accepted=frozenset(self.accepted),
            refused=dict(self.refused),
        )
