"""Rows of two versions side by side, in the form in which they are compared."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.profiles.by_chunk import chunk_keys
from monitoring_pipeline.evaluation.versions.outputs import has_outputs, outputs_in
from monitoring_pipeline.evaluation.versions.paired_rows import PairedRows
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.retraining import GateRules
from monitoring_pipeline.spec.sources import Task

MISSING = ""
"""Segment of the rows whose feature is null."""


def pair_versions(
    spec: ModelSpec,
    champion_rows: pl.DataFrame,
    challenger_rows: pl.DataFrame,
    *,
    champion: str,
    challenger: str,
    gate: GateRules | None = None,
) -> PairedRows:
    """Return the labelled rows that both versions have scored.

    Args:
        spec: the model.
        champion_rows: canonical predictions by the champion, one per id, with ``label``.
        challenger_rows: the same by the challenger; labels are taken from the champion's rows.
        champion: version of the champion.
        challenger: version of the challenger.
        gate: names the features by which rows are split into segments; without it there are none.
    """
    labelled = champion_rows.filter(champion_rows["label"].is_not_null())
    asked = labelled.join(challenger_rows.select("row_id"), on="row_id", how="semi")
    by_champion = asked.filter(has_outputs(spec, asked))
    own = challenger_rows.filter(has_outputs(spec, challenger_rows)).select("row_id")
    first = by_champion.join(own, on="row_id", how="semi").sort("row_id")
    second = first.select("row_id").join(challenger_rows, on="row_id", how="left", maintain_order="left")
    columns = () if gate is None else dict.fromkeys((*gate.segments, *(guard.column for guard in gate.fairness)))
    return PairedRows(
        task=spec.task,
        labels=_numbers(spec, first["label"]),
        champion_predictions=_numbers(spec, first["prediction"]),
        challenger_predictions=_numbers(spec, second["prediction"]),
        champion_scores=_scores(spec, first),
        challenger_scores=_scores(spec, second),
        days=_text(chunk_keys(spec.calendar, first["predicted_at"])),
        segments={column: _text(first[column]) for column in columns},
        classes=spec.classes,
        quantile=spec.performance.quantile,
        champion=champion,
        challenger=challenger,
        champion_missing=asked.height - by_champion.height,
        challenger_missing=asked.join(own, on="row_id", how="anti").height,
    )


def _numbers(spec: ModelSpec, values: pl.Series) -> NDArray[np.float64]:
    """Return labels or decisions as numbers: of a multiclass model the number of the class."""
    if spec.task is not Task.MULTICLASS:
        return values.cast(pl.Float64).to_numpy()
    numbers = {name: float(number) for number, name in enumerate(spec.classes)}
    return values.replace_strict(numbers, return_dtype=pl.Float64).to_numpy()


def _scores(spec: ModelSpec, rows: pl.DataFrame) -> NDArray[np.float64] | None:
    return None if spec.task is Task.REGRESSION else outputs_in(spec, rows).to_numpy()


def _text(values: pl.Series) -> NDArray[np.str_]:
    return np.array(values.cast(pl.String).fill_null(MISSING).to_list(), dtype=np.str_)
