"""Expectation suites."""

from pathlib import Path
from typing import Protocol

import polars as pl

from monitoring_pipeline.evaluation.quality.conditions import AllRows
from monitoring_pipeline.evaluation.quality.suite import SuiteResult
from monitoring_pipeline.spec.model import ModelSpec


class Suites(Protocol):
    """Runs the expectation suite of a model on rows of a chunk."""

    def __call__(
        self, spec: ModelSpec, suite_path: Path, frame: pl.DataFrame, every: AllRows | None = None
    ) -> SuiteResult:
        """Return one measurement per expectation.

        If ``frame`` is a sample, ``every`` says what is known of all rows of the chunk.
        """
        ...
