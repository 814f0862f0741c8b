"""Broken columns of a chunk as faults that can be repeated on the rows of the reference."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec

NULLS = "null_share"
_VALUES = frozenset({"constant", "unseen_share", "vanished_share", "out_of_range_share"})


@dataclass(frozen=True)
class Fault:
    """A broken column: how many of its values were lost, and whether the others are wrong.

    Args:
        column: the feature.
        nulls: share of the values that were lost, of those that would be there.
        values: whether the values that are left are wrong, too.
    """

    column: str
    nulls: float = 0.0
    values: bool = False


def faults_of(spec: ModelSpec, quality: Iterable[Measurement], model_version: str) -> tuple[Fault, ...]:
    """Return the faults of a version's features by the quality of their columns, in the order of the features."""
    found: dict[str, list[Measurement]] = {}
    for m in quality:
        is_own = m.kind is Kind.QUALITY and m.model_version == model_version and m.subject in spec.features
        if is_own and m.status is Status.BREACHED and m.severity is not Severity.INFO:
            found.setdefault(m.subject, []).append(m)
    # Nothing is known of the values of texts and vectors, so that no fault of them can be repeated.
    whole = (column for column in spec.features if column in found and column not in spec.derived_features)
    faults = (_fault(column, found[column]) for column in whole)
    return tuple(fault for fault in faults if fault.nulls or fault.values)


def _fault(column: str, breaches: Sequence[Measurement]) -> Fault:
    by_name: Mapping[str, Measurement] = {m.name: m for m in breaches}
    nulls = by_name.get(NULLS)
    before, now = (0.0, 0.0) if nulls is None else (nulls.reference_value or 0.0, nulls.value or 0.0)
    lost = (now - before) / (1.0 - before) if now > before else 0.0
    return Fault(column, lost, not _VALUES.isdisjoint(by_name))


def with_faults(
    reference: pl.DataFrame, donors: pl.DataFrame, faults: Sequence[Fault], generator: np.random.Generator
) -> dict[str, pl.Series]:
    """Return the broken columns of reference rows as if the faults had happened to them.

    Wrong values are those of rows of the chunk, which are drawn for the reference's rows. Lost values are nulls, in
    rows drawn at random. A column has the same rows and values whatever the other faults are.

    Args:
        reference: canonical rows of the reference.
        donors: canonical rows of the chunk; not empty.
        faults: the faults.
        generator: source of random numbers.
    """
    drawn = generator.integers(0, donors.height, reference.height)
    broken: dict[str, pl.Series] = {}
    for fault in faults:
        lost = pl.Series(generator.random(reference.height) < fault.nulls)
        broken[fault.column] = donors[fault.column][drawn] if fault.values else _without(reference[fault.column], lost)
    return broken


def _without(values: pl.Series, lost: pl.Series) -> pl.Series:
    return values.to_frame().select(pl.when(~lost).then(pl.col(values.name))).to_series()
