"""Reads numbers from Prometheus servers, by their HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/)."""

import datetime as dt
import http.client
import json
import math
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import SecretStr

from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.ports.serving_metrics import MetricsAwayError, NoMetricError
from monitoring_pipeline.spec.alerting import find_secret, missing_secret
from monitoring_pipeline.spec.rules.operations import PrometheusRules

LARGEST_ANSWER = 1_000_000
NOT_ASKED_SECONDS = 60.0
"""A server that was away is not asked again for so long, so that a backfill does not wait for each query."""
SERIES_SHOWN = 2
_BAD_REQUEST, _UNPROCESSABLE = 400, 422


class _Away(NamedTuple):
    """Why a server is away, and until when it is not asked again (monotonic seconds)."""

    reason: str
    until: float


@dataclass(frozen=True)
class PrometheusServers:
    """The servers that specs name, with the secrets of the settings."""

    secrets: Mapping[str, SecretStr] = field(repr=False)
    _away: dict[str, _Away] = field(default_factory=dict[str, _Away], repr=False)

    def number(self, rules: PrometheusRules, query: str, at: dt.datetime) -> float:
        """Return the number that a query has at a time.

        Raises:
            NoMetricError: when it has none, several, or one that is not finite.
            MetricsAwayError: when the server does not answer.
        """
        address = rules.url or self._secret(rules.secret or "")
        away = self._away.get(address)
        if away is not None and time.monotonic() < away.until:
            raise MetricsAwayError(away.reason)
        token = self._secret(rules.token) if rules.token else None
        try:
            answer = _asked(address, query, at, rules.timeout.total_seconds(), token)
        except MetricsAwayError as error:
            self._away[address] = _Away(str(error), time.monotonic() + NOT_ASKED_SECONDS)
            raise
        return _number_of(answer)

    def _secret(self, name: str) -> str:
        secret = find_secret(self.secrets, name)
        if secret is None:
            raise MetricsAwayError(missing_secret(name))
        return secret.get_secret_value().strip()


def _asked(address: str, query: str, at: dt.datetime, seconds: float, token: str | None) -> Any:
    """Return the answer of the server as JSON.

    Raises:
        NoMetricError: when the server refuses the query.
        MetricsAwayError: when there is no answer.
    """
    parts = urllib.parse.urlsplit(address)
    place = f"the Prometheus server at {parts.netloc.rpartition('@')[2]}"
    if parts.scheme not in {"http", "https"}:
        raise MetricsAwayError("the address of the Prometheus server does not begin with http:// or https://")
    words = {"query": query, "time": f"{at.timestamp():.3f}", "timeout": f"{seconds:g}s"}
    request = urllib.request.Request(f"{address.rstrip('/')}/api/v1/query?{urllib.parse.urlencode(words)}")  # noqa: S310 - scheme checked
    if token:
        # A redirect to another host must not get it.
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310 - scheme checked
            return _document(place, answer.read(LARGEST_ANSWER))
    except urllib.error.HTTPError as error:
        with error:
            if error.code in {_BAD_REQUEST, _UNPROCESSABLE}:
                refused = _document(place, error.read(LARGEST_ANSWER)).get("error", "")
                raise NoMetricError(without_secrets(f"the query was refused: {refused}")) from None
        raise MetricsAwayError(f"{place} answered HTTP {error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        # The error is not chained, because it may quote the address.
        raise MetricsAwayError(f"{place} {without_secrets(_why(error, seconds))}") from None


def _document(place: str, body: bytes) -> Any:
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict) or "status" not in document:
        raise MetricsAwayError(f"{place} did not answer as Prometheus does; is the address right?")
    return document


def _why(error: Exception, seconds: float) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"has a certificate that cannot be verified: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        return f"does not speak TLS as expected: {cause.reason or type(cause).__name__}"
    if isinstance(cause, TimeoutError):
        return f"did not answer within {seconds:g} seconds"
    return f"cannot be reached: {getattr(cause, 'strerror', None) or type(cause).__name__}"


def _number_of(answer: Any) -> float:
    data = answer.get("data") or {}
    kind, result = data.get("resultType"), data.get("result") or []
    if kind == "scalar":
        return _finite(result[1])
    if kind != "vector":
        raise NoMetricError(f"the query gives a {kind}, and one number is needed")
    if not result:
        raise NoMetricError(f"the server has no data of this time{_warnings(answer)}")
    if len(result) > 1:
        shown = "; ".join(_labels(one.get("metric") or {}) for one in result[:SERIES_SHOWN])
        raise NoMetricError(
            f"the query gives {len(result)} series, and one number is needed: {shown}; add sum, max or avg"
        )
    return _finite(result[0]["value"][1])


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NoMetricError(f"the query gives {text}, as a ratio does if there were no requests")
    return number


def _labels(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(labels.items())) or "one without labels"


def _warnings(answer: Any) -> str:
    warnings = answer.get("warnings") or []
    return f" ({'; '.join(map(str, warnings[:SERIES_SHOWN]))})" if warnings else ""
