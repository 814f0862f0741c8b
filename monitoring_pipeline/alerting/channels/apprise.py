"""Apprise: mail, Teams, PagerDuty and every other service of Apprise, by one URL per channel."""

import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import SecretStr

from monitoring_pipeline.alerting.messages.markup import markdown
from monitoring_pipeline.alerting.messages.messages import Message
from monitoring_pipeline.alerting.ports import DeliveryError, Dispatch, Receipt, WeekPage
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
        self._notify(dispatch.message)
        return Receipt(thread=TOLD)

    def send_week(self, page: WeekPage) -> Receipt:
        """Send title and body of a week, with its page as a file where the service takes files.

        Raises:
            DeliveryError: when Apprise says no; with what it logged, without the URL.
        """
        with TemporaryDirectory() as folder:
            file = Path(folder) / page.file_name
            if page.html is not None:
                file.write_text(page.html, encoding="utf-8")
            self._notify(page.message, None if page.html is None else str(file))
        return Receipt()

    def _notify(self, message: Message, file: str | None = None) -> None:
        from apprise import LogCapture

        service = self._opened()
        captured: Any = LogCapture(level=logging.WARNING, fmt="%(message)s")
        with captured as log:
            taken = service.notify(
                title=message.headline,
                body=markdown(message),
                notify_type=_type(message),
                body_format="markdown",
                attach=file,
            )
            said = log.getvalue()
        if not taken:
            raise DeliveryError(self._told(said))

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
