"""Webhooks: the alert document as JSON, posted once per message."""

import datetime as dt
import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any

from pydantic import SecretStr

from monitoring_pipeline.alerting.messages.document import alert_document
from monitoring_pipeline.alerting.ports import DeliveryError, Dispatch, Receipt
from monitoring_pipeline.records.alert import ClaimedAlert
from monitoring_pipeline.spec.alerting import NO_LINKS, Links

_TOO_MANY, _UNAVAILABLE, _SERVER_ERRORS, _REDIRECTS = 429, 503, 500, 300
_NEED_A_PERSON = frozenset({401, 403, 404, 405, 410})


class WebhookChannel:
    """One address that takes alert documents; the receiver recognizes repeats by the key in header and body."""

    keeps_record = True

    def __init__(self, name: str, url: SecretStr, *, links: Links = NO_LINKS, timeout_seconds: float = 10) -> None:
        """Take the address, which may hold a secret.

        Raises:
            ValueError: when the address is neither http nor https.
        """
        if not url.get_secret_value().lower().startswith(("http://", "https://")):
            message = f"channel {name}: the secret must be an address that begins with http:// or https://"
            raise ValueError(message)
        self.name = name
        self._url = url
        self._links = links
        self._timeout_seconds = timeout_seconds

    def find(self, alerts: Sequence[ClaimedAlert], threads: Mapping[str, str]) -> Mapping[int, Receipt]:  # noqa: ARG002
        """Return nothing: a webhook cannot be asked."""
        return {}

    def send(self, dispatch: Dispatch) -> Receipt:
        """Post the document.

        Raises:
            DeliveryError: unless the answer is a 2xx.
        """
        document = alert_document(dispatch.alerts, dispatch.message, links=self._links)
        request = urllib.request.Request(  # noqa: S310 - http or https, see above
            self._url.get_secret_value(),
            data=document.model_dump_json().encode(),
            headers={"Content-Type": "application/json", "Idempotency-Key": document.idempotency_key},
        )
        try:
            with _OPENER.open(request, timeout=self._timeout_seconds):
                return Receipt(delivery_id=document.idempotency_key)
        except urllib.error.HTTPError as error:
            with error:
                raise _refused(error) from None
        except OSError as error:
            text = f"webhook: cannot be reached: {error or type(error).__name__}"
            raise DeliveryError(text) from None
        except (http.client.HTTPException, ValueError) as error:
            # Their texts may quote the address, which holds the secret.
            text = f"webhook: cannot be reached: {type(error).__name__}"
            raise DeliveryError(text) from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Leaves a redirect as an error: followed, the POST would become a GET without its document."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any) -> None:  # noqa: ARG002, PLR0917
        """Follow nothing."""
        return


_OPENER = urllib.request.build_opener(_NoRedirects)


def _refused(error: urllib.error.HTTPError) -> DeliveryError:
    text = f"webhook: HTTP {error.code} {error.reason}"
    if error.code in {_TOO_MANY, _UNAVAILABLE}:
        return DeliveryError(text, retry_after=_wait(error.headers))
    if _REDIRECTS <= error.code < _REDIRECTS + 100:
        return DeliveryError(f"{text}: redirects are not followed: set the final address", needs_a_person=True)
    needs_a_person = error.code in _NEED_A_PERSON
    return DeliveryError(
        text, needs_a_person=needs_a_person, channel_wide=needs_a_person or error.code >= _SERVER_ERRORS
    )


def _wait(headers: Message) -> dt.timedelta | None:
    """Return the wait that a server asks for: a number of seconds, or until a date by the server's own clock.

    See RFC 9110, 10.2.3 and 6.6.1. Without a date of the answer, a date to wait for has no meaning.
    """
    retry_after = headers.get("Retry-After", "").strip()
    if retry_after.isdecimal():
        return dt.timedelta(seconds=int(retry_after))
    try:
        until, answered = parsedate_to_datetime(retry_after), parsedate_to_datetime(headers.get("Date", ""))
        return max(dt.timedelta(), until - answered)
    except (TypeError, ValueError):
        return None
