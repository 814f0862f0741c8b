"""What was removed from the store and the snapshots, by whom or what."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class AuditAction(StrEnum):
    """What was done to kept data."""

    RETAINED = "retained"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """One removal. ``details`` are numbers by their names; no entry names a person whose data it is about."""

    at: dt.datetime
    actor: str
    action: AuditAction
    summary: str
    model: str | None = None
    details: Mapping[str, int] = field(default_factory=dict[str, int])
