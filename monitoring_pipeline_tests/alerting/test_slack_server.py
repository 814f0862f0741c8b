import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from monitoring_pipeline_tests.slack_server import TOKEN, SlackServer


def client(slack: SlackServer) -> WebClient:
    return WebClient(token=slack.token, base_url=slack.url, retry_handlers=[])


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("chat_postMessage", {"channel": "#nowhere", "text": "x"}, "channel_not_found"),
        ("chat_postMessage", {"channel": "#boss", "text": "x", "thread_ts": "1.1"}, "thread_not_found"),
        ("chat_postMessage", {"channel": "#boss", "text": "x", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ("chat_update", {"channel": "#boss", "text": "x", "ts": "1.1"}, "channel_not_found"),
        ("chat_update", {"channel": "C00000BOSS0", "text": "x", "ts": "1.1"}, "message_not_found"),
        ("conversations_history", {"channel": "#boss"}, "channel_not_found"),
        ("files_upload_v2", {"channel": "#boss", "content": b"x", "filename": "x"}, "channel_not_found"),
        ("reactions_add", {"channel": "#boss", "name": "x", "timestamp": "1.1"}, "unknown_method"),
    ],
)
def test_slack_server_refuses_invalid_calls_with_the_error_of_slack(
    slack: SlackServer, method: str, arguments: dict, error: str
) -> None:
    with pytest.raises(SlackApiError) as refused:
        getattr(client(slack), method)(**arguments)
    assert refused.value.response["error"] == error


def test_metadata_are_returned_on_request_only(slack: SlackServer) -> None:
    metadata = {"event_type": "x", "event_payload": {"keys": ["1"]}}
    posted = client(slack).chat_postMessage(channel="#boss", text="x", metadata=metadata)
    for wanted in (True, False):
        read = client(slack).conversations_history(channel=posted["channel"], include_all_metadata=wanted)
        assert ("metadata" in read["messages"][0]) is wanted


def test_restarted_slack_server_keeps_its_messages(tmp_path: Path) -> None:
    port_file, log = tmp_path / "port", tmp_path / "log"
    command = [sys.executable, "-m", "monitoring_pipeline_tests.slack_server"]
    for messages in (1, 2):
        port_file.unlink(missing_ok=True)
        process = subprocess.Popen([*command, "--port-file", str(port_file), "--log", str(log)])
        try:
            while not port_file.exists():
                assert process.poll() is None
                time.sleep(0.01)
            slack = WebClient(token=TOKEN, base_url=f"http://127.0.0.1:{port_file.read_text()}/api/")
            posted = slack.chat_postMessage(channel="#boss", text=f"message {messages}")
            assert len(slack.conversations_history(channel=posted["channel"])["messages"]) == messages
        finally:
            process.kill()
            process.wait()
    texts = [json.loads(line)["message"]["text"] for line in log.read_text().splitlines()]
    assert texts == ["message 1", "message 2"]
