"""Apprise: mail, Teams, PagerDuty and every other service of Apprise, by one URL per channel."""

import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import SecretStr

from monitoring_pipeline.alerting.messages.markup import markdown
from monitoring_pipeline.alerting.messages.messages import Message
from monitoring_pipeline.alerting.ports import DeliveryError, Dispatch, Receipt
from monitoring_pipeline.records.alert import ClaimedAlert
from monitoring_pipeline.records.measurement import Severity

TOLD = "told"
_TYPES = {Severity.CRITICAL: "failure", Severity.WARNING: "warning", Severity.INFO: "info"}
_LONGEST_LOG = 500


class AppriseChannel:
    """One service behind an Apprise URL; it can neither change nor find what it has sent."""

    keeps_record = False

    def __init__(self, name: str, url: SecretStr) -> None:
        """Take the URL, which holds the service's secrets."""
        self.name = name
        self._url = url
        self._service: Any = None

    def find(self, alerts: Sequence[ClaimedAlert], threads: Mapping[str, str]) -> Mapping[int, Receipt]:  # noqa: ARG002
        """Return nothing: Apprise cannot ask."""
        return {}

    def send(self, dispatch: Dispatch) -> Receipt:
        """Send title and body.

        Raises:
            DeliveryError: when Apprise says no; with what it logged, without the URL.
        """
        if dispatch.only_update:
            return Receipt(thread=dispatch.thread)
        from apprise import LogCapture

        service = self._opened()
        captured: Any = LogCapture(level=logging.WARNING, fmt="%(message)s")
        with captured as log:
            taken = service.notify(
                title=dispatch.message.headline,
                body=markdown(dispatch.message),
                notify_type=_type(dispatch.message),
                body_format="markdown",
            )
            said = log.getvalue()
        if not taken:
            raise DeliveryError(self._told(said))
        return Receipt(thread=TOLD)

    def _opened(self) -> Any:
        if self._service is None:
            from apprise import Apprise, AppriseAsset

            service = Apprise(asset=AppriseAsset(app_id="monitoring_pipeline", secure_logging=True))
            with warnings.catch_warnings():
                # Apprise loads all its plugins here, and one of them a module that Python 3.13 no longer has.
                warnings.filterwarnings("ignore", "'imghdr' is deprecated", DeprecationWarning)
                known = service.add(self._url.get_secret_value())
            if not known or len(service) != 1:
                message = f"Apprise: the secret of channel {self.name} is not one URL that Apprise knows"
                raise DeliveryError(message, needs_a_person=True)
            self._service = service
        return self._service

    def _told(self, log: str) -> str:
        said = " ".join(log.replace(self._url.get_secret_value(), "<url>").split())
        return f"Apprise: not sent: {said[:_LONGEST_LOG] or 'no reason given'}"


def _type(message: Message) -> str:
    return "success" if message.resolved else _TYPES[message.severity]
