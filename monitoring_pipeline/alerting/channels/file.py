"""Files: the alert document, one JSON line per message."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from monitoring_pipeline.alerting.messages.document import alert_document, alert_key
from monitoring_pipeline.alerting.ports import DeliveryError, Dispatch, Receipt
from monitoring_pipeline.records.alert import ClaimedAlert
from monitoring_pipeline.spec.alerting import NO_LINKS, Links


class FileChannel:
    """One file that grows. A line in it has been written to the disk."""

    keeps_record = True

    def __init__(self, name: str, path: Path, *, links: Links = NO_LINKS) -> None:
        """Take the path of the file; the file may be missing."""
        self.name = name
        self._path = path
        self._links = links

    def find(self, alerts: Sequence[ClaimedAlert], threads: Mapping[str, str]) -> Mapping[int, Receipt]:  # noqa: ARG002
        """Return those of the alerts that are in the file.

        Raises:
            DeliveryError: when the file cannot be read.
        """
        wanted = {alert_key(alert): alert.alert_id for alert in alerts}
        try:
            return {wanted[key]: Receipt(delivery_id=name) for key, name in self._keys() if key in wanted}
        except OSError as error:
            text = f"file: {error}"
            raise DeliveryError(text) from error

    def send(self, dispatch: Dispatch) -> Receipt:
        """Append the document, and wait until it is on the disk.

        Raises:
            DeliveryError: when the file cannot be written.
        """
        document = alert_document(dispatch.alerts, dispatch.message, links=self._links)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._append(document.model_dump_json().encode() + b"\n")
        except OSError as error:
            text = f"file: {error}"
            raise DeliveryError(text) from error
        return Receipt(delivery_id=document.idempotency_key)

    def _append(self, line: bytes) -> None:
        with self._path.open("a+b", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
                # A crash may have left half a line.
                line = line if file.read(1) == b"\n" else b"\n" + line
            if file.write(line) != len(line):
                message = f"{self._path}: no space for a whole line"
                raise OSError(message)
            os.fsync(file.fileno())

    def _keys(self) -> Iterator[tuple[str, str]]:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            for line in file:
                try:
                    document = json.loads(line)
                    yield from ((entry["key"], document["idempotency_key"]) for entry in document["alerts"])
                except (ValueError, KeyError, TypeError):
                    continue
