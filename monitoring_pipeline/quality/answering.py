"""Answers expectations: by counts where counts can answer, else by Great Expectations, which then is imported."""

from collections.abc import Sequence

import polars as pl

from monitoring_pipeline.quality.counts.counting import count
from monitoring_pipeline.quality.expectation import Expectation
from monitoring_pipeline.quality.outcome import Outcome


def validate(frame: pl.DataFrame, expectations: Sequence[Expectation]) -> list[Outcome]:
    """Return one outcome per expectation about the rows of ``frame``, in the order given."""
    counted = count(frame, expectations)
    left = [expectation for expectation, outcome in zip(expectations, counted, strict=True) if outcome is None]
    if not left:
        return [outcome for outcome in counted if outcome is not None]
    from monitoring_pipeline.quality.engine import validate as validate_by_engine

    answers = iter(validate_by_engine(frame, left))
    return [next(answers) if outcome is None else outcome for outcome in counted]
