"""The maturity of a chunk's labels: the share that has arrived, its state, and overdue labels."""

import datetime as dt
import math
from dataclasses import dataclass, replace

from scipy import special  # pyright: ignore[reportMissingTypeStubs]

from monitoring_pipeline.records.measurement import Kind, Maturity, Measurement
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec

OVERDUE_BELOW = 0.8
OVERDUE_ALPHA = 0.001
ENOUGH_LABELLED = 0.95
ARRIVED, PRESENT = "labels_arrived_ratio", "labels_present"


def has_enough_labels(labelled: int, rows: int, maturity: Maturity | None) -> bool:
    """Return whether a part of a chunk's rows may be judged: labels are final, or 95 % of its rows have one."""
    return maturity is Maturity.FINAL or labelled / rows >= ENOUGH_LABELLED


@dataclass(frozen=True)
class ExpectedLabels:
    """The expected number of labels of a chunk's predictions, by now and in the end; learned from the reference."""

    by_now: float
    eventually: float


@dataclass(frozen=True)
class LabelMaturity:
    """The numbers of known and of expected labels of a chunk, and the resulting state."""

    predictions: int
    labelled: int
    state: Maturity
    expected: ExpectedLabels | None = None

    @property
    def share(self) -> float:
        """Known labels as a share of the expected ones, or of all predictions if nothing was learned; at most 1."""
        complete = self.expected.eventually if self.expected else self.predictions
        return min(1.0, self.labelled / complete) if complete else 0.0


def assess_maturity(
    spec: ModelSpec,
    chunk: Chunk,
    *,
    predictions: int,
    labelled: int,
    as_of: dt.datetime,
    expected: ExpectedLabels | None = None,
) -> LabelMaturity:
    """Return the maturity: final once the label delay has passed, else provisional or immature by the share."""
    early = LabelMaturity(predictions, labelled, Maturity.IMMATURE, expected)
    if as_of >= final_from(spec, chunk):
        return replace(early, state=Maturity.FINAL)
    enough = predictions and early.share >= spec.performance.minimum_maturity
    return replace(early, state=Maturity.PROVISIONAL) if enough else early


def final_from(spec: ModelSpec, chunk: Chunk) -> dt.datetime:
    """Return the moment at which a chunk's labels start to count as complete."""
    return chunk.end + spec.label_delay


def maturity_measurements(spec: ModelSpec, maturity: LabelMaturity) -> tuple[Measurement, ...]:
    """Return the numbers of known and expected labels, and whether too few labels have arrived by now."""
    share = Measurement(
        kind=Kind.OPERATIONS,
        subject="label",
        name="maturity",
        model_version="",
        value=maturity.share,
        definition="labels that are known, of those expected in the end"
        if maturity.expected
        else "share of the chunk's predictions whose label is known",
        rows=maturity.predictions,
        maturity=maturity.state,
    )
    present = replace(
        share,
        name=PRESENT,
        value=float(maturity.labelled),
        definition="predictions whose label is known",
    )
    if not maturity.predictions:
        share = share.skipped("no predictions")
    if maturity.expected is None:
        return share, present, _none_at_all(spec, maturity, present)
    counts = {"labels_expected": maturity.expected.eventually, "labels_expected_by_now": maturity.expected.by_now}
    words = {
        "labels_expected": "labels expected in the end, by the delays of the reference's",
        "labels_expected_by_now": "labels expected by now, by the delays of the reference's (Kaplan-Meier)",
    }
    expected = (replace(present, name=name, value=value, definition=words[name]) for name, value in counts.items())
    return share, present, *expected, _overdue(spec, maturity, maturity.expected.by_now, present)


def _overdue(spec: ModelSpec, maturity: LabelMaturity, expected: float, present: Measurement) -> Measurement:
    """Return a breach if clearly fewer labels have arrived than are expected by now, as with a broken feed."""
    ratio = maturity.labelled / expected if expected > 0 else 1.0
    measurement = replace(
        present,
        kind=Kind.QUALITY,
        name=ARRIVED,
        value=ratio,
        threshold_lower=OVERDUE_BELOW,
        definition=f"labels known over labels expected by now; breached below {OVERDUE_BELOW:g} if chance explains "
        f"it in less than {OVERDUE_ALPHA:g} of cases (binomial)",
    )
    if few := _too_few(spec, maturity):
        return measurement.skipped(few)
    chance = min(1.0, expected / maturity.predictions)
    by_chance = float(special.bdtr(maturity.labelled, maturity.predictions, chance))
    if ratio >= OVERDUE_BELOW or by_chance >= OVERDUE_ALPHA:
        return measurement
    reason = f"{maturity.labelled} labels are known, {math.floor(expected)} were expected by now"
    return measurement.breached(reason)


def _none_at_all(spec: ModelSpec, maturity: LabelMaturity, present: Measurement) -> Measurement:
    """Return a breach if labels are final and none has arrived; for references without a learned delay."""
    measurement = replace(
        present,
        kind=Kind.QUALITY,
        name=ARRIVED,
        value=maturity.share,
        definition="labels known over predictions, once labels are final; breached where there is none",
    )
    why_not = _too_few(spec, maturity)
    if maturity.state is not Maturity.FINAL:
        why_not = "the label delay has not passed, and how many labels to expect by now was not learned"
    if why_not:
        return measurement.skipped(why_not)
    if maturity.labelled:
        return measurement
    reason = f"none of {maturity.predictions} predictions has a label, though the label delay has passed"
    return measurement.breached(reason)


def _too_few(spec: ModelSpec, maturity: LabelMaturity) -> str | None:
    needed = spec.performance.minimum_rows
    few = maturity.predictions < needed
    return f"{maturity.predictions} predictions, at least {needed} needed" if few else None
