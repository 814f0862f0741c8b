"""The role of a model version since a moment."""

import datetime as dt
from dataclasses import dataclass

from monitoring_pipeline.records.measurement import Role
from monitoring_pipeline.spec.sources import ReferenceWindow


@dataclass(frozen=True)
class VersionRecord:
    """The role of a model version since a moment.

    ``window`` is its reference window if the model spec names none: the days of the rows that the gate held out.
    """

    model_version: str
    role: Role
    since: dt.datetime
    window: ReferenceWindow | None = None
