"""The assets of a Dagster project from which the rows of a model come."""

import datetime as dt
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from monitoring_pipeline.spec.parsing.duration import Duration
from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline.spec.parsing.wording import ASSET_PATTERN

AssetPath = Annotated[str, Field(pattern=ASSET_PATTERN, max_length=500)]
"""Key of an asset: its parts with slashes between them."""


class UpstreamAssets(SpecPart):
    """Keys of assets of the same Dagster project, such as marts/scores; they are shown before those of the model."""

    added_fields: ClassVar[frozenset[str]] = frozenset({"settle"})

    predictions: AssetPath | None = None
    """The asset that writes the predictions."""
    labels: AssetPath | None = None
    """The asset that writes the labels."""
    reference: AssetPath | None = None
    """The asset that writes the rows of the reference, if it is another one."""
    trigger: Literal["schedule", "upstream", "new_rows"] = "schedule"
    """What starts the run that measures a chunk: the schedule, the asset in predictions, or new rows in the warehouse.

    With upstream, a materialized partition of that asset starts the chunk of the same key, as soon as the chunk has
    ended. An asset without partitions starts the chunk that ended last. With new_rows, a chunk that has ended is
    measured when its rows have not changed for ``settle``, and again after each later change; two hours after the time
    in ``schedule`` it is measured with the rows that it has.
    """
    settle: Duration = Field(default=dt.timedelta(minutes=15), json_schema_extra={"default": "15m"})
    """How long the rows of a chunk must not change before ``trigger: new_rows`` measures it."""

    @model_validator(mode="after")
    def _trigger_has_an_asset(self) -> "UpstreamAssets":
        if self.trigger == "upstream" and self.predictions is None:
            raise ValueError("trigger: upstream needs the asset that writes the predictions: give predictions")
        return self
