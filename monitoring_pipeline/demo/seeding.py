"""Builds the demo's warehouse: trains and registers the models, scores the whole of 2013, writes the DuckDB file."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.demo.flights import data_directory, read_flights
from monitoring_pipeline.demo.moving import moved_times
from monitoring_pipeline.demo.registering import DemoRegistry
from monitoring_pipeline.demo.training import (
    DEMO_MODELS,
    LATE_FROM_SCORE,
    USUAL_SHARES,
    DemoModel,
    fit,
    in_reference,
    moments_of_prediction,
    out_of_fold_metrics,
    score,
    score_out_of_fold,
    training_fingerprint,
)
from monitoring_pipeline.shipped_files import read_sql
from monitoring_pipeline.spec.sources import Task

Progress = Callable[[str], None]
_DDL = "demo/warehouse.sql"
_MADE_BY = ("flights.py", "training.py", "registering.py", "moving.py", "seeding.py")
_MOVED = " moved by weeks: "


def seed_warehouse(path: Path, tracking_uri: str, artifact_root: Path, progress: Progress, *, weeks: int = 0) -> None:
    """Build the demo's warehouse at ``path``, unless it contains one from the same sources.

    The file appears complete or not at all. A demo warehouse from other sources is replaced. Models that the registry
    contains already are not trained again.

    Args:
        path: the DuckDB file.
        tracking_uri: MLflow's records, such as ``sqlite:///...``.
        artifact_root: folder for the models' files.
        progress: receives one line of text per step.
        weeks: by how many weeks all times are moved.

    Raises:
        ModuleNotFoundError: when the extra ``demo`` is not installed.
        FileExistsError: when ``path`` is not a warehouse of this demo.
        OtherModelRegisteredError: when the registry contains the models, trained on other data.
    """
    fingerprint = _fingerprint_of_sources() + (f"{_MOVED}{weeks}" if weeks else "")
    if path.exists() and _seeded_from(path) == fingerprint:
        progress(f"{path.name}: complete, left as it is")
        return
    progress("reading the flights of 2013")
    flights = read_flights()
    registry = DemoRegistry(tracking_uri, artifact_root)
    tables = {"flight_labels": _labels(flights), "flight_outcomes": _outcomes(flights)}
    for model in DEMO_MODELS:
        tables[f"{model.name}_predictions"] = _predictions(model, flights, registry, progress)
    if weeks:
        tables = {name: moved_times(table, weeks) for name, table in tables.items()}
    tables["seeded_from"] = pl.DataFrame({"fingerprint": [fingerprint]})
    progress(f"writing {path.name}")
    _write(path, tables)


def weeks_in(path: Path) -> int | None:
    """Return by how many weeks the times of a demo's warehouse are moved; None if there is no warehouse.

    Raises:
        FileExistsError: when the file is no warehouse of the demo.
    """
    if not path.exists():
        return None
    _, _, weeks = _seeded_from(path).partition(_MOVED)
    return int(weeks or 0)


def _predictions(model: DemoModel, flights: pl.DataFrame, registry: DemoRegistry, progress: Progress) -> pl.DataFrame:
    """Return the model's rows: its reference scored out of fold, everything later by the registered version."""
    moments = moments_of_prediction(model, flights)
    reference, later = moments.filter(in_reference()), moments.filter(~in_reference())
    progress(f"{model.name}: scoring {reference.height:,} flights of the reference out of fold")
    scores = score_out_of_fold(model, reference)
    version = _registered(model, reference, scores, registry, progress)
    progress(f"{model.name}: scoring {later.height:,} later flights with version {version} from the registry")
    later_scores = score(model, registry.load(model, version), later)
    return pl.concat([reference, later]).select(
        "flight_id",
        "predicted_at",
        pl.lit(version).alias("model_version"),
        *model.features,
        *_outputs(model, np.concatenate([scores, later_scores])),
    )


def _registered(
    model: DemoModel, reference: pl.DataFrame, scores: NDArray[np.float64], registry: DemoRegistry, progress: Progress
) -> str:
    fingerprint = training_fingerprint(model, reference)
    version = registry.find_version(model, fingerprint)
    if version is not None:
        return version
    progress(f"{model.name}: training on January and February, registering")
    metrics = out_of_fold_metrics(model, reference, scores)
    return registry.register(model, fit(model, reference), reference, fingerprint, metrics)


def _outputs(model: DemoModel, scores: NDArray[np.float64]) -> list[pl.Series]:
    if model.task is Task.BINARY:
        return [pl.Series("score", scores), pl.Series("predicted_late", scores >= LATE_FROM_SCORE)]
    if model.task is Task.MULTICLASS:
        usual = np.array([USUAL_SHARES[name] for name in model.classes])
        predicted = np.array(model.classes)[np.argmax(scores / usual, axis=1)]
        probabilities = [pl.Series(f"probability_{name}", scores[:, k]) for k, name in enumerate(model.classes)]
        return [*probabilities, pl.Series("predicted_outcome", predicted)]
    return [pl.Series("predicted_minutes", scores)]


def _labels(flights: pl.DataFrame) -> pl.DataFrame:
    labelled = flights.select("flight_id", "late", "arrival_delay_minutes", "arrived_at").drop_nulls("late")
    return labelled.sort("arrived_at", "flight_id")


def _outcomes(flights: pl.DataFrame) -> pl.DataFrame:
    labelled = flights.select("flight_id", "outcome", pl.col("outcome_known_at").alias("known_at")).drop_nulls(
        "outcome"
    )
    return labelled.sort("known_at", "flight_id")


def _write(path: Path, tables: dict[str, pl.DataFrame]) -> None:
    """Write the tables to a file beside ``path``, and move it to ``path`` once it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with duckdb.connect(partial) as warehouse:
            warehouse.execute(read_sql(_DDL))
            for name, rows in tables.items():
                warehouse.register("rows_to_insert", rows.to_arrow())
                warehouse.execute(f"INSERT INTO {name} BY NAME SELECT * FROM rows_to_insert")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _seeded_from(path: Path) -> str:
    """Return the fingerprint in a warehouse of the demo.

    Raises:
        FileExistsError: when the file has no table of fingerprints, so that it is no warehouse of the demo.
    """
    try:
        with duckdb.connect(path, read_only=True) as warehouse:
            row = warehouse.execute("SELECT fingerprint FROM seeded_from").fetchone()
    except duckdb.CatalogException as error:
        message = f"{path}: is not a warehouse of the demo, and is left alone; seed another path, or move it away"
        raise FileExistsError(message) from error
    return row[0] if row else ""


def _fingerprint_of_sources() -> str:
    """Return a hash of all that the warehouse is made from: the flights' files, the code, the tables."""
    made_from = [*sorted(data_directory().iterdir()), *(Path(__file__).with_name(name) for name in _MADE_BY)]
    digest = hashlib.sha256(read_sql(_DDL).encode())
    for file in made_from:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
