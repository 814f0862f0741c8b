"""The labels of a chunk that have arrived, with the weights that make them stand for all."""

import datetime as dt
from dataclasses import dataclass

import polars as pl

from monitoring_pipeline.evaluation.labels.delay import (
    NO_DELAY_LEARNED,
    ArrivalWeights,
    ages_in_hours,
    arrival_weights,
    expected_labels,
    hours_between,
)
from monitoring_pipeline.evaluation.labels.maturity import LabelMaturity, assess_maturity
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.rows.fingerprints import fingerprint
from monitoring_pipeline.records.measurement import Maturity
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec


@dataclass(frozen=True, eq=False)
class ArrivedLabels:
    """The labels of one version's rows that are known at a time.

    Args:
        labels: canonical labels: row_id, label and, if some groups of labels arrive later, ``weight``.
        maturity: their state.
        not_interpretable: the reason if they do not represent the chunk yet.
        changed: what the weights changed, in words.
        state: text for a fingerprint: maturity and weights.
    """

    labels: pl.DataFrame
    maturity: LabelMaturity
    not_interpretable: str | None
    changed: str | None
    state: str


def labels_arrived(
    spec: ModelSpec,
    chunk: Chunk,
    as_of: dt.datetime,
    *,
    rows: pl.DataFrame,
    labels: pl.DataFrame,
    reference: Reference | None,
) -> ArrivedLabels:
    """Return the labels of one version's rows as of a time.

    Args:
        spec: the model.
        chunk: the chunk.
        as_of: the time as of which labels are known.
        rows: canonical predictions of the version: row_id and predicted_at.
        labels: canonical labels of the chunk: row_id, label and known_at.
        reference: of the version, if it has one.
    """
    delay = reference.label_delay if reference else NO_DELAY_LEARNED
    ages = ages_in_hours(rows["predicted_at"], as_of)
    labelled = rows.select("row_id", "predicted_at", pl.Series("age", ages)).join(
        labels, on="row_id", maintain_order="left"
    )
    maturity = assess_maturity(
        spec,
        chunk,
        predictions=rows.height,
        labelled=labelled.height,
        as_of=as_of,
        expected=None if delay.reason else expected_labels(delay, ages),
    )
    arrival = ArrivalWeights()
    if maturity.state is not Maturity.FINAL and delay.reason is None:
        waited = hours_between(labelled["predicted_at"], labelled["known_at"])
        arrival = arrival_weights(spec, delay, labelled["label"], labelled["age"].to_numpy(), ages, waited_hours=waited)
    known = labels.select("row_id", "label")
    if arrival.weights is not None:
        known = labelled.select("row_id", "label", pl.Series("weight", arrival.weights))
    weights = fingerprint(pl.DataFrame({"weight": arrival.weights})) if arrival.weights is not None else ""
    state = f"{maturity.state}:{maturity.share}:{weights}:{arrival.not_interpretable}"
    return ArrivedLabels(known, maturity, arrival.not_interpretable, arrival.changed, state)
