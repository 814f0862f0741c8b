"""The word for a model version: what it is there for, and since when."""

import datetime as dt
from dataclasses import dataclass

from monitoring_pipeline.records.measurement import Role
from monitoring_pipeline.spec.sources import ReferenceWindow


@dataclass(frozen=True)
class VersionRecord:
    """What a model version is there for since a moment.

    ``window`` is its reference window where the model spec names none: the rows that the gate held out.
    """

    model_version: str
    role: Role
    since: dt.datetime
    window: ReferenceWindow | None = None
