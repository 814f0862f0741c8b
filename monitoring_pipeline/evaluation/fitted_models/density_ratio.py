"""How much more frequent rows like those of the reference are in a chunk."""

from collections.abc import Collection

import polars as pl

from monitoring_pipeline.evaluation.fitted_models.design_matrix import Values, features_of
from monitoring_pipeline.evaluation.fitted_models.domain_classifier import (
    DOMAIN_CLASSIFIERS,
    NEWEST_CLASSIFIER,
    DomainClassifier,
)
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.reweighting import density_ratio_weights


def density_ratio(
    reference_rows: pl.DataFrame,
    rows: pl.DataFrame,
    spec: ModelSpec,
    *,
    left_out: Collection[str] = (),
    classifier: DomainClassifier = NEWEST_CLASSIFIER,
) -> Values:
    """Return a weight for each reference row, in the order of their IDs: its density in ``rows`` over the reference's.

    The weights are cross-fitted and not normalised. Ignored features count too, because they are inputs of the model.

    Args:
        reference_rows: canonical rows of the reference.
        rows: canonical rows of the chunk.
        spec: the model.
        left_out: features that are not compared, because they died in the chunk.
        classifier: the classifier of the reference.
    """
    compared = {name: kind for name, kind in features_of(spec).items() if name not in left_out}
    classified = DOMAIN_CLASSIFIERS[classifier].weight(compared, reference_rows, rows)
    return density_ratio_weights(classified.probabilities[~classified.current], reference_rows.height, rows.height)
