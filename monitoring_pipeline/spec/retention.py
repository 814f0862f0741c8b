"""The rules of retention.yaml: how long rows, replaced results and Dagster's history are kept."""

import datetime as dt
from pathlib import Path
from typing import Self

from pydantic import model_validator

from monitoring_pipeline.spec.alerting import TimeOfDay
from monitoring_pipeline.spec.parsing.documents import load_document
from monitoring_pipeline.spec.parsing.duration import Duration
from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline.spec.parsing.time_zone import TimeZone

SHORTEST = dt.timedelta(days=7)
_KEPT_TIMES = ("snapshots", "revisions", "dagster_runs")


class RetentionRules(SpecPart):
    """How long things are kept. What has no time is kept for ever."""

    snapshots: Duration | None = None
    """Rows of chunks, from the end of the chunk; a chunk keeps them as long as its labels may still change."""
    revisions: Duration | None = None
    """Results that were replaced when a chunk was measured again, from that time on."""
    dagster_runs: Duration | None = None
    """Finished runs of Dagster with their events and logs, from their end."""
    at: TimeOfDay = dt.time(5, 0)
    """Time of day at which the schedule removes what is older."""
    timezone: TimeZone = "UTC"
    """Time zone of ``at``."""

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        for name in _KEPT_TIMES:
            kept = getattr(self, name)
            if kept is not None and kept < SHORTEST:
                message = f"{name}: at least {SHORTEST.days}d, because nights of the last days read it"
                raise ValueError(message)
        return self

    @property
    def removes(self) -> bool:
        """Whether anything is ever removed."""
        return any(getattr(self, name) is not None for name in _KEPT_TIMES)


def load_retention_rules(path: Path) -> RetentionRules:
    """Load retention.yaml; without the file, rules that remove nothing.

    Raises:
        SpecError: with one line per problem: file, field, value, and what is allowed.
    """
    if not path.exists():
        return RetentionRules()
    return load_document(path, RetentionRules, expected_keys="snapshots, revisions and dagster_runs")
