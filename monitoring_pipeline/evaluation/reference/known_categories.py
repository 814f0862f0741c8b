"""Codes of a chunk in the form that the reference has of them, whatever the types of their columns."""

from collections.abc import Collection, Iterator, Mapping

import polars as pl

from monitoring_pipeline.evaluation.profiles.bins import Bins, CategoricalBins
from monitoring_pipeline.evaluation.rows.class_texts import as_known
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind

DECIMALS = ("DECIMAL", "NUMERIC")
"""Types that a warehouse reads as text where they are categories."""


def number_codes(spec: ModelSpec, raw: pl.DataFrame, table_columns: Mapping[str, str]) -> tuple[str, ...]:
    """Return the categorical features whose column holds numbers or booleans.

    Args:
        spec: the model.
        raw: rows with canonical column names and the warehouse's types.
        table_columns: the warehouse's types of the columns of the table.
    """
    return tuple(
        name
        for name, feature in spec.features.items()
        if feature.kind is FeatureKind.CATEGORICAL
        and name in raw.columns
        and (
            raw[name].dtype.is_numeric()
            or raw[name].dtype == pl.Boolean
            or table_columns.get(feature.column or name, "").upper().startswith(DECIMALS)
        )
    )


def with_known_categories(
    rows: pl.DataFrame, columns: Collection[str], bins: Mapping[str, Mapping[str, Bins]]
) -> pl.DataFrame:
    """Return canonical rows in which the codes of some columns have the form of the reference of their version.

    Args:
        rows: canonical predictions.
        columns: columns that hold numbers or booleans as categories.
        bins: the bins of each version's reference, by column.
    """
    return rows.with_columns(_columns(rows, columns, bins))


def _columns(
    rows: pl.DataFrame, columns: Collection[str], bins: Mapping[str, Mapping[str, Bins]]
) -> Iterator[pl.Series]:
    for name in columns:
        column = rows[name]
        for version, of_version in bins.items():
            if isinstance(known := of_version.get(name), CategoricalBins):
                aligned = as_known(column, known.categories)
                column = aligned.zip_with(rows["model_version"] == version, column)
        yield column
