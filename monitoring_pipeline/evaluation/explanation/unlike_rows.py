"""Rows that are unlike any of the reference: farther from its principal components than nearly all of its own rows."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.explanation.share import SUBJECT
from monitoring_pipeline.evaluation.fitted_models.design_matrix import (
    Values,
    encoding_of,
    features_of,
    share_matrix,
)
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.inputs import Flags
from monitoring_pipeline.statistics.intervals.intervals import wilson
from monitoring_pipeline.statistics.principal_components import fit_components, reconstruction_errors
from monitoring_pipeline.statistics.results import UndefinedStatisticError

TAIL = 0.005
"""Share of the reference's rows beyond the limit."""
LEAST_ROWS = 400
EXAMPLES = 5
DIGITS = 12
"""Digits of a hashed ID that are shown."""
NAME = "unlike_rows"


@dataclass(frozen=True, eq=False)
class UnlikeRows:
    """Which rows of a chunk are unlike any of the reference.

    Args:
        flags: shape (rows,).
        errors: distance of each row from the components of the reference, shape (rows,).
        limit: the distance beyond which a row is unlike.
    """

    flags: Flags
    errors: Values
    limit: float


def find_unlike_rows(
    spec: ModelSpec, reference: pl.DataFrame, rows: pl.DataFrame, *, left_out: Collection[str] = ()
) -> UnlikeRows:
    """Return which rows lie farther from the components of the reference than all but ``TAIL`` of its own rows.

    The components are fitted to one half of the reference's rows, and the limit is taken from the other half.

    Args:
        spec: the model.
        reference: canonical rows of the reference, sorted by ID.
        rows: canonical rows of the chunk.
        left_out: features that are not looked at, because they are broken.

    Raises:
        UndefinedStatisticError: when there are too few rows of the reference, or fewer than two features vary.
    """
    columns = {name: kind for name, kind in features_of(spec).items() if name not in left_out}
    half = reference.height // 2
    if 2 * half < LEAST_ROWS:
        raise UndefinedStatisticError(
            f"{reference.height} rows of the reference are kept, at least {LEAST_ROWS} needed"
        )
    encoding = encoding_of(columns, reference.head(half))
    fitted = fit_components(share_matrix(encoding, reference.head(half)))
    usual, errors = (
        reconstruction_errors(fitted, share_matrix(encoding, side)) for side in (reference.slice(half, half), rows)
    )
    limit = float(np.quantile(usual, 1.0 - TAIL, method="inverted_cdf"))
    return UnlikeRows(errors > limit, errors, limit)


def measure_unlike_rows(
    unlike: UnlikeRows | str, row_ids: pl.Series, *, model_version: str, words: str | None
) -> Measurement:
    """Return the share of rows that are unlike any of the reference, with the hashed IDs of the farthest.

    Args:
        unlike: the rows, or the reason why they cannot be found.
        row_ids: hashed IDs of the rows.
        model_version: the version.
        words: the words about features that were not looked at, if there are some.
    """
    blank = Measurement(
        kind=Kind.PERFORMANCE,
        subject=SUBJECT,
        name=NAME,
        model_version=model_version,
        severity=Severity.INFO,
        value=0.0,
        reference_value=TAIL,
        definition=(
            f"share of rows farther from the principal components of the reference than {1 - TAIL:.1%} of its own rows"
        ),
        rows=row_ids.len(),
    )
    if isinstance(unlike, str) or not row_ids.len():
        return blank.skipped(unlike if isinstance(unlike, str) else "no rows")
    count = int(unlike.flags.sum())
    interval = wilson(count, row_ids.len())
    found = replace(blank, value=count / row_ids.len(), lower=interval.lower, upper=interval.upper)
    farthest = np.argsort(-unlike.errors, kind="stable")[: min(EXAMPLES, count)]
    examples = ", ".join(str(row_ids[int(row)])[:DIGITS] for row in farthest)
    return found.noted(f"the farthest rows: {examples}" if count else None).noted(words)
