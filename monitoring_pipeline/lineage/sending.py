"""Sends events of OpenLineage to an HTTP endpoint, one request each."""

from collections.abc import Iterable

from openlineage.client.event_v2 import RunEvent
from openlineage.client.transport.http import HttpConfig, HttpTransport

from monitoring_pipeline.evaluation.privacy.secrets import without_secrets

ATTEMPTS, SECONDS = 2, 10.0


class LineageError(Exception):
    """The endpoint did not accept an event; the message has the reason without secrets."""


def send_events(events: Iterable[RunEvent], *, url: str, api_key: str) -> int:
    """Send events in their order, and return their number.

    Args:
        url: address of the endpoint, without the path ``/api/v1/lineage``.
        events: the events.
        api_key: key that is sent as a bearer token; none is sent if it is empty.

    Raises:
        LineageError: when the endpoint refused an event, or cannot be reached; the events after it are not sent.
    """
    from requests import RequestException

    given = {"url": url, "timeout": SECONDS, "retry": {"total": ATTEMPTS - 1, "backoff_factor": 0.2}}
    if api_key:
        given["auth"] = {"type": "api_key", "apiKey": api_key}
    sent = 0
    try:
        transport = HttpTransport(HttpConfig.from_dict(given))
        for event in events:
            transport.emit(event)
            sent += 1
        transport.close()
    except (RequestException, ValueError) as error:
        message = without_secrets(f"OpenLineage: event {sent + 1} was not accepted: {type(error).__name__}: {error}")
        raise LineageError(message) from None
    return sent
