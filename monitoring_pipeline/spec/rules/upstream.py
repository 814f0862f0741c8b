"""The assets of a Dagster project from which the rows of a model come."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline.spec.parsing.wording import ASSET_PATTERN

AssetPath = Annotated[str, Field(pattern=ASSET_PATTERN, max_length=500)]
"""Key of an asset: its parts with slashes between them."""


class UpstreamAssets(SpecPart):
    """Keys of assets of the same Dagster project, such as marts/scores; they are shown before those of the model."""

    predictions: AssetPath | None = None
    """The asset that writes the predictions."""
    labels: AssetPath | None = None
    """The asset that writes the labels."""
    reference: AssetPath | None = None
    """The asset that writes the rows of the reference, if it is another one."""
    trigger: Literal["schedule", "upstream"] = "schedule"
    """What starts the run that measures a chunk: the schedule, or a materialization of the asset in predictions.

    A partition of that asset starts the chunk of the same key, as soon as the chunk has ended. An asset without
    partitions starts the chunk that ended last.
    """

    @model_validator(mode="after")
    def _trigger_has_an_asset(self) -> "UpstreamAssets":
        if self.trigger == "upstream" and self.predictions is None:
            raise ValueError("trigger: upstream needs the asset that writes the predictions: give predictions")
        return self
