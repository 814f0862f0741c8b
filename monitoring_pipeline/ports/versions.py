"""Model versions and the history of their roles."""

import datetime as dt
from typing import Protocol

from monitoring_pipeline.records.measurement import Role
from monitoring_pipeline.records.version_card import VersionCard
from monitoring_pipeline.spec.sources import ReferenceWindow
from monitoring_pipeline.spec.version import VersionRecord


class Versions(Protocol):
    """Where the roles of model versions are kept."""

    def set_role(
        self,
        model: str,
        model_version: str,
        role: Role,
        since: dt.datetime,
        *,
        window: ReferenceWindow | None,
        by: str,
    ) -> None:
        """Record that a version has a role from the time ``since`` on."""
        ...

    def versions(self, model: str) -> list[VersionRecord]:
        """Return the newest record of each version."""
        ...

    def version_cards(self, model: str) -> dict[str, VersionCard]:
        """Return the cards of the versions that the registry has."""
        ...

    def missing_cards(self, model: str) -> dict[str, dt.datetime]:
        """Return the versions that the registry did not have, and when it was last asked about each."""
        ...

    def keep_version_card(self, model: str, model_version: str, card: VersionCard | None, at: dt.datetime) -> None:
        """Keep the registry's answer about a version, in place of an earlier one."""
        ...

    def role_at(self, model: str, model_version: str, moment: dt.datetime) -> Role: ...
