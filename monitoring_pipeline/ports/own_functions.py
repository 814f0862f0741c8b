"""Functions of the user's own that measure rows."""

from collections.abc import Callable

import polars as pl

from monitoring_pipeline.evaluation.measures.answers import Numbers
from monitoring_pipeline.spec.rules.measures import Measure

CallMeasure = Callable[[Measure, pl.DataFrame], Numbers | str]
"""Calls the function of a measure on rows; returns its numbers, or the reason why there are none."""
