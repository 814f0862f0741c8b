"""Rows for training, rows held out for the gate, and the request that a trainer receives."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint, fingerprint
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.retraining import RetrainingRules
from monitoring_pipeline.spec.sources import FeatureKind, ReferenceWindow, Task


class NotEnoughHistoryError(ValueError):
    """There is no day to train on, or no day is held out. The message names the windows."""


@dataclass(frozen=True)
class TrainingWindows:
    """The days that are trained on, and the later ones that the gate holds out."""

    training: ReferenceWindow
    held_out: ReferenceWindow


@dataclass(frozen=True, kw_only=True)
class TrainingRequest:
    """The request that a trainer receives.

    Args:
        model: name of the model, in the spec and in the registry.
        task: binary, multiclass or regression.
        rows: one row per prediction in order of its time: ``predicted_at``, the features by their names in the spec
            (numeric ones Float64, categorical ones String, missing ones null), and ``label``: binary 0 or 1 (Int64),
            multiclass the class (String), regression the number (Float64). No label is missing.
        features: features by name, in the spec's order.
        classes: classes of a multiclass model, in the spec's order.
        window: days that the rows are from, in the model's time zone.
        seed: for random parts of the training; the same rows have the same seed.
    """

    model: str
    task: Task
    rows: pl.DataFrame = field(repr=False)
    features: dict[str, FeatureKind]
    classes: tuple[str, ...]
    window: ReferenceWindow
    seed: int

    @property
    def categorical(self) -> tuple[str, ...]:
        """Names of the categorical features."""
        return tuple(name for name, kind in self.features.items() if kind is FeatureKind.CATEGORICAL)

    def inputs(self) -> Any:
        """Return the features as the trained model will be given them: a pandas data frame of text, and floats."""
        return model_inputs(self.rows, self.features)

    def labels(self) -> NDArray[np.generic]:
        """Return the labels, shape (rows,)."""
        return self.rows["label"].to_numpy()

    @property
    def data_fingerprint(self) -> str:
        """Hash of the rows."""
        return combined_fingerprint(self.model, fingerprint(self.rows))


def model_inputs(rows: pl.DataFrame, features: dict[str, FeatureKind]) -> Any:
    """Return the features of canonical rows as a model takes them: a pandas data frame of text, and floats with NaN."""
    return rows.select(
        pl.col(name).cast(pl.Float64 if kind is FeatureKind.NUMERIC else pl.String) for name, kind in features.items()
    ).to_pandas()


def training_windows(spec: ModelSpec, rules: RetrainingRules, now: dt.datetime) -> TrainingWindows:
    """Return which days are trained on and which are held out, as seen at ``now``.

    Held out are the last days whose labels are final, as the label delay has passed since their end.

    Raises:
        NotEnoughHistoryError: when no day is left to train on.
    """
    calendar = spec.calendar
    final_before = calendar.day_at(now - spec.label_delay)
    end = min(final_before, spec.end or final_before)
    held_out = calendar.window_of_days(rules.holdout_days, end)
    start = rules.training_start or _first_day_of_references(spec)
    if rules.training_days is not None:
        start = max(start, calendar.window_of_days(rules.training_days, held_out.start).start)
    if start >= held_out.start:
        message = (
            f"{spec.name}: nothing to train on at {now:%Y-%m-%d %H:%M}: training starts on {start}, and the "
            f"{rules.holdout_days} days from {held_out.start} on are held out (retraining.holdout_days)"
        )
        raise NotEnoughHistoryError(message)
    return TrainingWindows(ReferenceWindow(start=start, end=held_out.start), held_out)


def _first_day_of_references(spec: ModelSpec) -> dt.date:
    """Return the first day of all references in the table of predictions, else the first day that is monitored."""
    windows = [window for window in spec.reference.values() if not window.is_elsewhere]
    return min((window.start for window in windows), default=spec.start)


def one_row_per_id(rows: pl.DataFrame, labels: pl.DataFrame, *, preferred_version: str) -> pl.DataFrame:
    """Return one row of each prediction whose label is known, with it, in the order of the ids' hashes.

    Where several versions have scored the same prediction, the preferred one's row stays, else the first by name.
    """
    first = rows.sort(
        "row_id", pl.col("model_version") != preferred_version, "model_version", maintain_order=True
    ).unique("row_id", keep="first", maintain_order=True)
    known = labels.select("row_id", "label").filter(pl.col("label").is_not_null())
    return first.join(known, on="row_id", how="inner", maintain_order="left")


def training_request(spec: ModelSpec, window: ReferenceWindow, labelled: pl.DataFrame, *, seed: int) -> TrainingRequest:
    """Return the request for the trainer.

    Args:
        spec: the model.
        window: days of the rows.
        labelled: what :func:`one_row_per_id` returned.
        seed: for whatever is random in the training.

    Raises:
        NotEnoughHistoryError: when there is no row, or a classifier's rows are all of one class.
    """
    label = pl.col("label").cast(pl.Int64) if spec.task is Task.BINARY else pl.col("label")
    ordered = labelled.sort("predicted_at", "row_id")
    rows = ordered.select("predicted_at", *spec.features, label)
    enough = 1 if spec.task is Task.REGRESSION else 2
    if rows["label"].n_unique() < enough:
        message = (
            f"{spec.name}: {rows.height} labelled rows from {window.start} to before {window.end} "
            f"with {rows['label'].n_unique()} different labels are not enough to train on"
        )
        raise NotEnoughHistoryError(message)
    return TrainingRequest(
        model=spec.name,
        task=spec.task,
        rows=rows,
        features={name: feature.kind for name, feature in spec.features.items()},
        classes=spec.classes,
        window=window,
        seed=seed,
    )
