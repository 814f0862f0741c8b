"""Model versions and the history of their roles."""

import datetime as dt
from typing import Protocol

from monitoring_pipeline.records.measurement import Role
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

    def role_at(self, model: str, model_version: str, moment: dt.datetime) -> Role: ...
