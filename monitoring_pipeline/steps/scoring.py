"""What a version of the registry says about rows that another version was asked about."""

import polars as pl

from monitoring_pipeline.evaluation.versions.outputs import has_outputs, read_outputs, with_outputs
from monitoring_pipeline.evaluation.versions.paired_rows import PairedRows
from monitoring_pipeline.evaluation.versions.pairing import pair_versions
from monitoring_pipeline.evaluation.versions.training_rows import model_inputs, one_row_per_id
from monitoring_pipeline.ports.registry import Registry
from monitoring_pipeline.spec.model import ModelSpec


def scored_by(spec: ModelSpec, rows: pl.DataFrame, model_version: str, registry: Registry) -> pl.DataFrame:
    """Return canonical rows with the outputs of a version of the registry in place of those that they had.

    Args:
        spec: the model.
        rows: canonical predictions, one per id, with the features.
        model_version: the version that is asked.
        registry: where it is.

    Raises:
        OutputError: when it returns what the task does not allow.
    """
    if rows.is_empty():
        return rows.with_columns(model_version=pl.lit(model_version))
    features = {name: feature.kind for name, feature in spec.features.items()}
    returned = registry.predictor(spec.name, model_version)(model_inputs(rows, features))
    return with_outputs(spec, rows, model_version, read_outputs(spec, returned, rows=rows.height))


def served_or_scored_by(spec: ModelSpec, rows: pl.DataFrame, model_version: str, registry: Registry) -> pl.DataFrame:
    """Return rows as a version served them, and as it scores them now where it did not.

    Rows that it did not serve are left out where the registry does not know it. The order stays.

    Args:
        spec: the model.
        rows: canonical predictions, one per id; that of ``model_version`` where it has one.
        model_version: the version that is asked.
        registry: where it may be.
    """
    served = (rows["model_version"] == model_version) & has_outputs(spec, rows)
    if served.all() or not registry.has_version(spec.name, model_version):
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
    """Return two versions side by side on a chunk's labelled rows: as served, and as scored now where one did not.

    Args:
        spec: the model.
        rows: canonical predictions of any versions.
        labels: canonical labels.
        champion: one version.
        challenger: the other.
        registry: where they may be.

    Raises:
        OutputError: when a version returns what the task does not allow.
    """
    own = [
        served_or_scored_by(spec, one_row_per_id(rows, labels, preferred_version=version), version, registry)
        for version in (champion, challenger)
    ]
    return pair_versions(spec, *own, champion=champion, challenger=challenger)
