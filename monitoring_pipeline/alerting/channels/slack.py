"""Slack: one thread per incident, whose first message always shows the present state."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from monitoring_pipeline.alerting.channels.slack_calls import SlackCalls, SlackRefusalError
from monitoring_pipeline.alerting.messages.document import alert_key
from monitoring_pipeline.alerting.messages.markup import Block, slack_blocks, slack_reply, slack_text
from monitoring_pipeline.alerting.ports import DeliveryError, Dispatch, Receipt, WeekPage
from monitoring_pipeline.records.alert import ClaimedAlert

EVENT_TYPE = "monitoring_pipeline_alert"
PAGE_SIZE = 200
MOST_PAGES = 10

Found = tuple[str, str]


class SlackChannel:
    """One channel of one workspace; a thread is named ``<channel id>/<timestamp of its first message>``."""

    keeps_record = False

    def __init__(self, name: str, channel: str, calls: SlackCalls) -> None:
        """Take the name in alerting.yaml, the channel's name with # or its id, and the bot's calls."""
        self.name = name
        self._channel = channel
        self._calls = calls

    def send(self, dispatch: Dispatch) -> Receipt:
        """Post the first message of an incident, or update it and post the event in its thread.

        Only the last call posts, so a failure before it cannot cause a repeated message. A chart that cannot be
        uploaded becomes a note in the receipt.

        Raises:
            DeliveryError: when Slack refused it, or when it is unknown whether Slack accepted it.
        """
        if dispatch.thread is None:
            return self._post_first(dispatch)
        channel, timestamp = _split(dispatch.thread)
        try:
            notes = self._update(channel, timestamp, dispatch)
            if dispatch.only_update:
                return Receipt(delivery_id=dispatch.thread, thread=dispatch.thread, notes=notes)
            posted = self._post(channel, dispatch, slack_reply(dispatch.message), thread_ts=timestamp)
        except SlackRefusalError as refusal:
            if not refusal.message_is_gone:
                raise
            return Receipt() if dispatch.only_update else self._post_first(dispatch)
        notes += self._upload_chart(channel, timestamp, dispatch)
        return Receipt(delivery_id=_joined(channel, posted["ts"]), thread=dispatch.thread, notes=notes)

    def send_week(self, page: WeekPage) -> Receipt:
        """Post the digest of a week, with its page as a file in the thread.

        Raises:
            DeliveryError: when Slack refused it, or when it is unknown whether Slack accepted it.
        """
        posted = self._post(self._channel, Dispatch(alerts=(), message=page.message), slack_blocks(page.message))
        channel, timestamp = posted["channel"], posted["ts"]
        notes = self._upload(channel, timestamp, page.file_name, page.message.title, page.html)
        return Receipt(delivery_id=_joined(channel, timestamp), notes=notes)

    def find(self, alerts: Sequence[ClaimedAlert], threads: Mapping[str, str]) -> Mapping[int, Receipt]:
        """Return those of the alerts that are in the channel already, by the keys in messages' metadata.

        The newest 2,000 messages and the threads are searched. Without permission to read, the result is empty.

        Raises:
            DeliveryError: when Slack cannot be asked now.
        """
        wanted = {alert_key(alert): alert for alert in alerts}
        try:
            return {wanted[key].alert_id: receipt for key, receipt in self._messages(alerts, threads) if key in wanted}
        except SlackRefusalError as refusal:
            if refusal.code == "missing_scope":
                return {}
            raise

    def _messages(self, alerts: Sequence[ClaimedAlert], threads: Mapping[str, str]) -> Iterator[tuple[str, Receipt]]:
        """Yield the keys in the metadata of the channel's messages, and of the alerts' threads."""
        channel = self._channel_id(threads)
        if channel is None:
            return
        for key, timestamp in self._keys("conversations_history", channel=channel):
            name = _joined(channel, timestamp)
            yield key, Receipt(delivery_id=name, thread=name)
        for thread in sorted({threads[a.stored.incident_id] for a in alerts if a.stored.incident_id in threads}):
            place, first = _split(thread)
            try:
                for key, timestamp in self._keys("conversations_replies", channel=place, ts=first):
                    yield key, Receipt(delivery_id=_joined(place, timestamp), thread=thread)
            except SlackRefusalError as refusal:
                if not refusal.message_is_gone:
                    raise

    def _keys(self, method: str, **arguments: str) -> Iterator[Found]:
        for page in self._pages(method, limit=PAGE_SIZE, include_all_metadata=True, **arguments):
            for message in page["messages"]:
                metadata = message.get("metadata", {})
                if metadata.get("event_type") == EVENT_TYPE:
                    yield from ((key, message["ts"]) for key in metadata["event_payload"]["keys"])

    def _channel_id(self, threads: Mapping[str, str]) -> str | None:
        """Return the channel's id, which reading needs and posting does not."""
        if not self._channel.startswith("#"):
            return self._channel
        if threads:
            return _split(next(iter(threads.values())))[0]
        wanted = self._channel.removeprefix("#")
        pages = self._pages("conversations_list", limit=PAGE_SIZE, exclude_archived=True)
        return next((entry["id"] for page in pages for entry in page["channels"] if entry["name"] == wanted), None)

    def _pages(self, method: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        cursor = ""
        for _ in range(MOST_PAGES):
            page = self._calls.call(method, **arguments, **({"cursor": cursor} if cursor else {}))
            yield page
            cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                return

    def _post_first(self, dispatch: Dispatch) -> Receipt:
        posted = self._post(self._channel, dispatch, slack_blocks(dispatch.message))
        channel, timestamp = posted["channel"], posted["ts"]
        thread = _joined(channel, timestamp)
        return Receipt(delivery_id=thread, thread=thread, notes=self._upload_chart(channel, timestamp, dispatch))

    def _post(self, channel: str, dispatch: Dispatch, blocks: list[Block], **place: str) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "channel": channel,
            "text": slack_text(dispatch.message),
            "metadata": _metadata(dispatch.alerts),
            "unfurl_links": False,
            "unfurl_media": False,
            **place,
        }
        try:
            posted = self._calls.call("chat_postMessage", blocks=blocks, **arguments)
        except SlackRefusalError as refusal:
            if not refusal.refuses_content:
                raise
            posted = self._calls.call("chat_postMessage", **arguments)
        if not (isinstance(posted.get("ts"), str) and isinstance(posted.get("channel"), str)):
            message = "Slack chat_postMessage: an answer without the message's channel and time"
            raise DeliveryError(message)
        return posted

    def _update(self, channel: str, timestamp: str, dispatch: Dispatch) -> tuple[str, ...]:
        text, blocks = slack_text(dispatch.message), slack_blocks(dispatch.message)
        try:
            # Without metadata Slack keeps that of the message.
            self._calls.call("chat_update", channel=channel, ts=timestamp, text=text, blocks=blocks)
        except SlackRefusalError as refusal:
            if not (refusal.message_is_frozen or refusal.refuses_content):
                raise
            return (str(refusal),)
        return ()

    def _upload_chart(self, channel: str, timestamp: str, dispatch: Dispatch) -> tuple[str, ...]:
        if dispatch.draw_chart is None:
            return ()
        try:
            png = dispatch.draw_chart()
        except Exception as error:  # noqa: BLE001 - the message is out: whatever a chart does, it must not be repeated
            return (f"no chart: {type(error).__name__}: {error}",)
        return self._upload(channel, timestamp, "incident.png", dispatch.message.title, png)

    def _upload(
        self, channel: str, timestamp: str, name: str, title: str, content: str | bytes | None
    ) -> tuple[str, ...]:
        """Upload a file into a thread; a failure is a note, because the message is out and must not be repeated."""
        if content is None:
            return ()
        try:
            self._calls.call(
                "files_upload_v2",
                channel=channel,
                thread_ts=timestamp,
                filename=name,
                title=title[:200],
                content=content,
            )
        except Exception as error:  # noqa: BLE001 - see above
            what = "chart" if name.endswith(".png") else "file"
            return (f"no {what}: {type(error).__name__}: {error}",)
        return ()


def _metadata(alerts: Sequence[ClaimedAlert]) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"keys": [alert_key(alert) for alert in alerts]}}


def _joined(channel: str, timestamp: str) -> str:
    return f"{channel}/{timestamp}"


def _split(thread: str) -> Found:
    channel, _, timestamp = thread.partition("/")
    return channel, timestamp
