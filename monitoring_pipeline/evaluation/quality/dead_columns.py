"""Columns that died in a chunk: they lost their values, or their variation."""

from collections.abc import Iterable

from monitoring_pipeline.evaluation.profiles.dead_chunks import NEARLY_ALL
from monitoring_pipeline.records.measurement import Measurement, Status
from monitoring_pipeline.spec.derived_columns import parts_of
from monitoring_pipeline.spec.model import ModelSpec

MOSTLY = 0.5
"""A column with more nulls in the reference is not dead if nearly all its values are null."""


def dead_columns(spec: ModelSpec, measurements: Iterable[Measurement], model_version: str) -> dict[str, str]:
    """Return the columns of a version's rows that died, by their quality, each with the words that state how.

    A comparison of all columns together leaves them out, because they alone would distinguish every row of the chunk
    from the reference and mask the others.

    All columns of a dead text or vector are dead.

    Args:
        spec: the model.
        measurements: the quality of the chunk's columns.
        model_version: the version.
    """
    words = ((m.subject, _death(m)) for m in measurements if m.model_version == model_version)
    died = {column: how for column, how in words if how is not None}
    parts = parts_of(died.keys() & set(spec.derived_features), spec.inputs)
    return died | {column: died[spec.feature_of(column)] for column in spec.inputs if column in parts}


def _death(measurement: Measurement) -> str | None:
    value, breached = measurement.value, measurement.status is Status.BREACHED
    if value is None:
        return None
    if measurement.name == "constant" and breached:
        return "all its values are the same"
    if measurement.name != "null_share":
        return None
    if breached and value == 1.0:
        return "all its values are null"
    before = measurement.reference_value
    if NEARLY_ALL <= value < 1.0 and before is not None and before <= MOSTLY:
        return f"{value:.1%} of its values are null"
    return None
