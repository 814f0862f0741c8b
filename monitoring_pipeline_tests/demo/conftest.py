"""The real flights, read once."""

import polars as pl
import pytest

from monitoring_pipeline.demo.flights import read_flights


@pytest.fixture(scope="session")
def flights() -> pl.DataFrame:
    """All flights of 2013."""
    return read_flights()
