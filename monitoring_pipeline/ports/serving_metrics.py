"""Metrics of serving systems, as a server keeps them."""

import datetime as dt
from typing import Protocol

from monitoring_pipeline.spec.rules.operations import PrometheusRules


class NoMetricError(Exception):
    """A query has no number. The message is the reason; it contains no secret."""


class MetricsAwayError(Exception):
    """The server does not answer. The message is the reason; it contains no secret."""


class ServingMetrics(Protocol):
    """Reads numbers from a server of metrics."""

    def number(self, rules: PrometheusRules, query: str, at: dt.datetime) -> float:
        """Return the number that a query has at a time.

        Raises:
            NoMetricError: when it has none, several, or one that is not finite.
            MetricsAwayError: when the server does not answer.
        """
        ...
