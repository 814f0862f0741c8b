"""Columns that died in a chunk: they lost their values, or their variation."""

from collections.abc import Iterable

from monitoring_pipeline.evaluation.profiles.dead_chunks import NEARLY_ALL
from monitoring_pipeline.records.measurement import Measurement, Status

MOSTLY = 0.5
"""A column with more nulls in the reference is not dead if nearly all its values are null."""


def dead_columns(measurements: Iterable[Measurement], model_version: str) -> dict[str, str]:
    """Return the columns of a version's rows that died, by their quality, each with the words that state how.

    A comparison of all columns together leaves them out, because they alone would distinguish every row of the chunk
    from the reference and mask the others.

    Args:
        measurements: the quality of the chunk's columns.
        model_version: the version.
    """
    words = ((m.subject, _death(m)) for m in measurements if m.model_version == model_version)
    return {column: how for column, how in words if how is not None}


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
