"""How far the labels of a chunk have arrived."""

import datetime as dt
from dataclasses import dataclass, replace

from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.measurement import Kind, Maturity, Measurement
from monitoring_pipeline.spec.model import ModelSpec


@dataclass(frozen=True)
class LabelMaturity:
    """Share of a chunk's predictions whose label is known, and what that means."""

    predictions: int
    labelled: int
    state: Maturity

    @property
    def share(self) -> float:
        """Labelled share of the predictions; 0 without predictions."""
        return self.labelled / self.predictions if self.predictions else 0.0


def assess_maturity(
    spec: ModelSpec, chunk: Chunk, *, predictions: int, labelled: int, as_of: dt.datetime
) -> LabelMaturity:
    """Return the state: final once the label delay has passed, else by the share that has arrived."""
    if as_of >= final_from(spec, chunk):
        return LabelMaturity(predictions, labelled, Maturity.FINAL)
    early = LabelMaturity(predictions, labelled, Maturity.IMMATURE)
    enough = predictions and early.share >= spec.performance.minimum_maturity
    return replace(early, state=Maturity.PROVISIONAL) if enough else early


def final_from(spec: ModelSpec, chunk: Chunk) -> dt.datetime:
    """Return the moment from which on a chunk's labels count as complete."""
    return chunk.end + spec.labels.delay


def maturity_measurements(maturity: LabelMaturity) -> tuple[Measurement, ...]:
    """Return the labelled share and count as measurements of the chunk."""
    share = Measurement(
        kind=Kind.OPERATIONS,
        subject="label",
        name="maturity",
        model_version="",
        value=maturity.share,
        definition="share of the chunk's predictions whose label is known",
        rows=maturity.predictions,
        maturity=maturity.state,
    )
    present = replace(
        share,
        name="labels_present",
        value=float(maturity.labelled),
        definition="predictions whose label is known",
    )
    return share, present
