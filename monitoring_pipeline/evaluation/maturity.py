"""How far the labels of a chunk have arrived."""

import datetime as dt
from dataclasses import dataclass

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
    share = labelled / predictions if predictions else 0.0
    if as_of >= final_from(spec, chunk):
        return LabelMaturity(predictions, labelled, Maturity.FINAL)
    provisional = predictions and share >= spec.performance.minimum_maturity
    return LabelMaturity(predictions, labelled, Maturity.PROVISIONAL if provisional else Maturity.IMMATURE)


def final_from(spec: ModelSpec, chunk: Chunk) -> dt.datetime:
    """Return the moment from which on a chunk's labels count as complete."""
    return chunk.end + spec.labels.delay


def maturity_measurements(maturity: LabelMaturity) -> tuple[Measurement, ...]:
    """Return the labelled share and count as measurements of the chunk."""
    common = {"kind": Kind.OPERATIONS, "subject": "label", "model_version": "", "maturity": maturity.state}
    return (
        Measurement(
            **common,
            name="maturity",
            value=maturity.share,
            definition="share of the chunk's predictions whose label is known",
            rows=maturity.predictions,
        ),
        Measurement(
            **common,
            name="labels_present",
            value=float(maturity.labelled),
            definition="predictions whose label is known",
            rows=maturity.predictions,
        ),
    )
