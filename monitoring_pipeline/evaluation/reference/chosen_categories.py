"""Categories that are chosen among many: by one part of the reference's rows, and counted on the other part.

The most frequent of many categories are partly so by chance. On the rows that they were chosen by they are more
frequent than on any later ones, so every later chunk would differ from the reference.
"""

import narwhals as nw
import polars as pl

from monitoring_pipeline.evaluation.profiles.bins import MOST_CATEGORIES, Bins
from monitoring_pipeline.evaluation.profiles.by_chunk import profile_by_chunk
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, profile_chunk, with_columns_of
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind

EVERY = 4
"""Each fourth row chooses. Three fourths are left to be counted, which widens chance by a sixth at most."""


def are_chosen(values: pl.Series) -> bool:
    """Return whether a column has more categories than are counted one by one."""
    return values.drop_nulls().n_unique() > MOST_CATEGORIES


def choosing(values: pl.Series) -> pl.Series:
    """Return the values that choose the categories of such a column.

    Canonical rows are in the order of their IDs' keyed hashes, so the choice depends only on the IDs.
    """
    return values.gather_every(EVERY)


def profile_reference(
    spec: ModelSpec, bins: dict[str, Bins], rows: pl.DataFrame, *, model_version: str
) -> dict[str, ChunkProfile]:
    """Profile every chunk of the reference by key; columns with chosen categories on the rows that did not choose them.

    A profile of such a column has fewer rows than its chunk.

    Args:
        spec: the model.
        bins: bins by column.
        rows: canonical predictions of one version, all rows of the reference.
        model_version: that version.
    """
    profiles = profile_by_chunk(spec, bins, rows, model_version=model_version)
    chosen = {
        name: of_column
        for name, of_column in bins.items()
        if spec.columns[name] is FeatureKind.CATEGORICAL and are_chosen(rows[name])
    }
    if not chosen:
        return profiles
    others = rows.select("predicted_at", *chosen).filter(pl.int_range(pl.len()) % EVERY != 0)
    counted = profile_by_chunk(spec, chosen, others, model_version=model_version)
    nothing = profile_chunk(nw.from_native(others.clear().lazy()), chosen, model_version=model_version)
    return {key: with_columns_of(profile, counted.get(key, nothing)) for key, profile in profiles.items()}
