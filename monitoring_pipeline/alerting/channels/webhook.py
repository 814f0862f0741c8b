"""Webhooks: the alert document as JSON, posted once per message."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import SecretStr

from monitoring_pipeline.alerting.channels.http_calls import HttpCalls, check_address
from monitoring_pipeline.alerting.messages.document import alert_document
from monitoring_pipeline.alerting.ports import Dispatch, Receipt
from monitoring_pipeline.records.alert import ClaimedAlert
from monitoring_pipeline.spec.alerting import NO_LINKS, Links


class WebhookChannel:
    """One address that takes alert documents; the receiver recognizes repeats by the key in header and body."""

    keeps_record = True

    def __init__(
        self,
        name: str,
        url: SecretStr,
        *,
        links: Links = NO_LINKS,
        timeout_seconds: float = 10,
        certificates: Path | None = None,
    ) -> None:
        """Take the address, which may hold a secret; a user and a password in it are sent as basic authentication.

        Raises:
            ValueError: when the address is neither http nor https.
        """
        check_address(name, url.get_secret_value())
        self.name = name
        self._url = url
        self._links = links
        self._calls = HttpCalls(service="webhook", timeout_seconds=timeout_seconds, certificates=certificates)

    def find(self, alerts: Sequence[ClaimedAlert], threads: Mapping[str, str]) -> Mapping[int, Receipt]:  # noqa: ARG002
        """Return nothing: a webhook cannot be asked."""
        return {}

    def send(self, dispatch: Dispatch) -> Receipt:
        """Post the document.

        Raises:
            DeliveryError: unless the answer is a 2xx.
        """
        document = alert_document(dispatch.alerts, dispatch.message, links=self._links)
        self._calls.post(
            self._url.get_secret_value(),
            document.model_dump_json().encode(),
            {"Idempotency-Key": document.idempotency_key},
        )
        return Receipt(delivery_id=document.idempotency_key)
