"""Answers expectations: by counts where counts can answer, else by Great Expectations, which then is imported."""

from collections.abc import Sequence

import polars as pl

from monitoring_pipeline.quality.counts.counting import count, in_order
from monitoring_pipeline.quality.expectation import Expectation
from monitoring_pipeline.quality.outcome import Outcome


def validate(frame: pl.DataFrame, expectations: Sequence[Expectation], keys: Sequence[str] = ()) -> list[Outcome]:
    """Return one outcome per expectation about the rows of ``frame``, in the order given.

    Where an outcome depends on the order of the rows, they are sorted by the columns ``keys``.
    """
    counted = count(frame, expectations, keys)
    left = [expectation for expectation, outcome in zip(expectations, counted, strict=True) if outcome is None]
    if not left:
        return [outcome for outcome in counted if outcome is not None]
    from monitoring_pipeline.quality.engine import validate as validate_by_engine

    answers = iter(validate_by_engine(in_order(frame, keys), left))
    return [next(answers) if outcome is None else outcome for outcome in counted]
