"""The periods over which results of chunks are summed up."""

from collections.abc import Mapping

CHUNK_PERIOD, MONTH = "chunk", "month"
PERIODS: Mapping[str, str] = {"day": "%Y-%m-%d", "week": "%G-W%V", MONTH: "%Y-%m", "year": "%Y"}
"""The periods, each with the form of its name."""
