"""Scores of registered versions on rows that other versions served."""

import polars as pl

from monitoring_pipeline.evaluation.versions.outputs import has_outputs, read_outputs, with_outputs
from monitoring_pipeline.evaluation.versions.paired_rows import PairedRows
from monitoring_pipeline.evaluation.versions.pairing import pair_versions
from monitoring_pipeline.evaluation.versions.training_rows import model_inputs, one_row_per_id
from monitoring_pipeline.ports.registry import Registry
from monitoring_pipeline.spec.model import ModelSpec


def scored_by(spec: ModelSpec, rows: pl.DataFrame, model_version: str, registry: Registry) -> pl.DataFrame:
    """Return canonical rows whose outputs are replaced by those of a registered version.

    Args:
        spec: the model.
        rows: canonical predictions, one per ID, with the features.
        model_version: the version that scores them.
        registry: contains that version.

    Raises:
        OutputError: when the version returns outputs that the task does not allow.
    """
    if rows.is_empty():
        return rows.with_columns(model_version=pl.lit(model_version))
    features = {name: feature.kind for name, feature in spec.features.items()}
    returned = registry.predictor(spec.name, model_version)(model_inputs(rows, features))
    return with_outputs(spec, rows, model_version, read_outputs(spec, returned, rows=rows.height))


def served_or_scored_by(spec: ModelSpec, rows: pl.DataFrame, model_version: str, registry: Registry) -> pl.DataFrame:
    """Return the rows that a version served as they are, and the other rows with the scores that it gives them now.

    The other rows are left out if the version is not registered, or if rows hold texts or vectors, which are not kept.
    The order stays.

    Args:
        spec: the model.
        rows: canonical predictions, one per ID, by ``model_version`` if it has one for the ID.
        model_version: the version whose outputs are returned.
        registry: may contain that version.

    Raises:
        OutputError: when the version returns outputs that the task does not allow.
    """
    served = (rows["model_version"] == model_version) & has_outputs(spec, rows)
    if served.all() or spec.derived_features or not registry.has_version(spec.name, model_version):
        return rows.filter(served)
    numbered = rows.with_row_index("position")
    scored = scored_by(spec, numbered.filter(~served), model_version, registry)
    return pl.concat([numbered.filter(served), scored]).sort("position").drop("position")


def pair_of_rows(
    spec: ModelSpec,
    rows: pl.DataFrame,
    labels: pl.DataFrame,
    *,
    champion: str,
    challenger: str,
    registry: Registry,
) -> PairedRows:
    """Return two versions paired on a chunk's labelled rows; a version scores the rows now that it did not serve.

    Args:
        spec: the model.
        rows: canonical predictions of any versions.
        labels: canonical labels.
        champion: one version.
        challenger: the other version.
        registry: may contain them.

    Raises:
        OutputError: when a version returns outputs that the task does not allow.
    """
    of_each = [
        served_or_scored_by(spec, one_row_per_id(rows, labels, preferred_version=version), version, registry)
        for version in (champion, challenger)
    ]
    return pair_versions(spec, *of_each, champion=champion, challenger=challenger)
