"""A server that behaves like Slack's Web API as far as alerts use it, with faults on demand.

In a test: ``with SlackServer() as slack: WebClient(token=slack.token, base_url=slack.url)``.
As a process: ``python -m monitoring_pipeline_tests.slack_server --port-file PORT --log LOG [--latency SECONDS]``; it
writes its port into PORT when it is ready, and a line of JSON into LOG for each request that it accepts. After a
restart it restores the messages in LOG.
"""

import argparse
import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

TOKEN = "xoxb-for-tests"
MOST_BLOCKS, MOST_CHARACTERS, MOST_HEADER_CHARACTERS, MOST_FIELDS = 50, 3000, 150, 10
Answer = dict[str, Any]


@dataclass
class Fault:
    """A fault of the next calls of a method.

    ``kind``: ``rate_limit``, ``server_error``, ``malformed``, ``not_an_object``, ``slow``, ``accept_and_die`` (the
    request has its effect and the connection closes without an answer), ``die``, or any error code of Slack's.
    """

    kind: str
    method: str = ""
    times: int = 1
    seconds: float = 1.0


class SlackError(Exception):
    """An answer with ``ok: false``."""


@dataclass
class Workspace:
    """Channels by id, messages in order, and files."""

    channels: dict[str, str] = field(default_factory=lambda: {"C0000ONCALL": "ml-oncall", "C00000BOSS0": "boss"})
    messages: list[Answer] = field(default_factory=list)
    files: dict[str, Answer] = field(default_factory=dict)
    log: Path | None = None
    clock: int = 0

    def restore(self) -> None:
        """Read back what an earlier process logged."""
        lines = self.log.read_text().splitlines() if self.log is not None and self.log.exists() else []
        for entry in map(json.loads, (line for line in lines if line.endswith("}"))):
            if entry["method"] == "chat.postMessage":
                self.messages.append(entry["message"])
            elif entry["method"] == "chat.update":
                next(m for m in self.messages if m["ts"] == entry["message"]["ts"]).update(entry["message"])
        self.clock = len(lines)

    def write(self, method: str, **content: Any) -> None:
        """Log what was accepted."""
        if self.log is not None:
            with self.log.open("a") as file:
                file.write(json.dumps({"method": method, **content}) + "\n")

    def next_timestamp(self) -> str:
        """Return a unique timestamp."""
        self.clock += 1
        return f"{1_700_000_000 + self.clock}.{self.clock:06d}"

    def channel(self, name: str, *, by_name: bool = False) -> str:
        """Return a channel's id; only posting takes names."""
        if name in self.channels:
            return name
        for identity, channel_name in self.channels.items():
            if by_name and channel_name == name.removeprefix("#"):
                return identity
        raise SlackError("channel_not_found")

    def message(self, channel: str, timestamp: str, error: str = "message_not_found") -> Answer:
        """Return a message."""
        for message in self.messages:
            if message["channel"] == channel and message["ts"] == timestamp:
                return message
        raise SlackError(error)


def check_content(arguments: Answer) -> None:
    """Raise SlackError when Slack would refuse the content."""
    if not arguments.get("text") and not arguments.get("blocks"):
        raise SlackError("no_text")
    blocks = arguments.get("blocks", [])
    if len(blocks) > MOST_BLOCKS or not all(map(block_is_valid, blocks)):
        raise SlackError("invalid_blocks")


def block_is_valid(block: Answer) -> bool:
    """Return whether a header or a section keeps Slack's limits."""
    if block["type"] == "header":
        return block["text"]["type"] == "plain_text" and 0 < len(block["text"]["text"]) <= MOST_HEADER_CHARACTERS
    texts = [block["text"]] if "text" in block else []
    fields = block.get("fields", [])
    return (
        block["type"] == "section"
        and bool(texts or fields)
        and len(fields) <= MOST_FIELDS
        and all(0 < len(text["text"]) <= MOST_CHARACTERS for text in texts)
        and all(0 < len(text["text"]) <= 2000 for text in fields)
    )


def post(workspace: Workspace, arguments: Answer, _: str) -> Answer:
    """chat.postMessage"""
    channel = workspace.channel(arguments["channel"], by_name=True)
    check_content(arguments)
    if thread := arguments.get("thread_ts"):
        workspace.message(channel, thread, "thread_not_found")
    kept = {key: arguments[key] for key in ("text", "blocks", "metadata", "thread_ts") if key in arguments}
    message = {**kept, "channel": channel, "ts": workspace.next_timestamp()}
    workspace.messages.append(message)
    workspace.write("chat.postMessage", message=message)
    return {"channel": channel, "ts": message["ts"], "message": kept}


def update(workspace: Workspace, arguments: Answer, _: str) -> Answer:
    """chat.update"""
    message = workspace.message(workspace.channel(arguments["channel"]), arguments["ts"])
    check_content(arguments)
    message.update({key: arguments[key] for key in ("text", "blocks", "metadata") if key in arguments})
    workspace.write("chat.update", message=message)
    return {"channel": message["channel"], "ts": message["ts"]}


def page(entries: list[Any], arguments: Answer, name: str) -> Answer:
    """Return one page of a list, with a cursor to the next."""
    start, limit = int(arguments.get("cursor") or 0), int(arguments.get("limit", 100))
    end = start + limit
    return {name: entries[start:end], "response_metadata": {"next_cursor": str(end) if end < len(entries) else ""}}


def as_read(message: Answer, arguments: Answer) -> Answer:
    """Return a message as Slack's reading methods show it, with metadata only on request."""
    hidden = set() if arguments.get("include_all_metadata") in ("1", 1, True, "true") else {"metadata"}
    return {key: value for key, value in message.items() if key not in hidden}


def history(workspace: Workspace, arguments: Answer, _: str) -> Answer:
    """conversations.history: first messages only, the newest first"""
    channel = workspace.channel(arguments["channel"])
    messages = [m for m in reversed(workspace.messages) if m["channel"] == channel and "thread_ts" not in m]
    return page([as_read(m, arguments) for m in messages], arguments, "messages")


def replies(workspace: Workspace, arguments: Answer, _: str) -> Answer:
    """conversations.replies: a thread with its first message, the oldest first"""
    channel = workspace.channel(arguments["channel"])
    workspace.message(channel, arguments["ts"], "thread_not_found")
    messages = [
        m for m in workspace.messages if m["channel"] == channel and arguments["ts"] in (m["ts"], m.get("thread_ts"))
    ]
    return page([as_read(m, arguments) for m in messages], arguments, "messages")


def channels(workspace: Workspace, arguments: Answer, _: str) -> Answer:
    """conversations.list"""
    entries = [{"id": identity, "name": name} for identity, name in workspace.channels.items()]
    return page(entries, arguments, "channels")


def upload_url(workspace: Workspace, arguments: Answer, base: str) -> Answer:
    """files.getUploadURLExternal"""
    identity = f"F{len(workspace.files):08d}"
    workspace.files[identity] = {"filename": arguments["filename"], "length": int(arguments["length"])}
    return {"file_id": identity, "upload_url": f"{base}/upload/{identity}"}


def complete(workspace: Workspace, arguments: Answer, _: str) -> Answer:
    """files.completeUploadExternal"""
    channel = workspace.channel(arguments["channel_id"])
    if thread := arguments.get("thread_ts"):
        workspace.message(channel, thread, "thread_not_found")
    files = arguments["files"] if isinstance(arguments["files"], list) else json.loads(arguments["files"])
    for entry in files:
        file = workspace.files[entry["id"]]
        if len(file.get("content", b"")) != file["length"]:
            raise SlackError("file_not_found")
        file.update(channel=channel, thread_ts=arguments.get("thread_ts"), title=entry["title"])
        workspace.write("files.completeUploadExternal", file=entry["id"], thread_ts=arguments.get("thread_ts"))
    return {"files": files}


METHODS = {
    "chat.postMessage": post,
    "chat.update": update,
    "conversations.history": history,
    "conversations.replies": replies,
    "conversations.list": channels,
    "files.getUploadURLExternal": upload_url,
    "files.completeUploadExternal": complete,
}


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: "_Server"

    def do_POST(self) -> None:
        """Answer a call, or take a file's content."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind, _, name = urlsplit(self.path).path.strip("/").partition("/")
        slack = self.server.slack
        with slack.lock:
            slack.calls.append(name)
            fault = slack.next_fault(name)
        if fault is not None and self._fails_before(fault):
            return
        with slack.lock:
            if kind == "upload":
                slack.workspace.files[name]["content"] = body
                self._answer(200, b"OK")
                return
            answer = self._result(name, self._arguments(body), fault)
        time.sleep(slack.latency)
        if fault is not None and fault.kind == "accept_and_die":
            self.close_connection = True
            return
        self._answer(200, json.dumps(answer).encode())

    def _fails_before(self, fault: Fault) -> bool:
        if fault.kind == "rate_limit":
            content = json.dumps({"ok": False, "error": "ratelimited"}).encode()
            self._answer(429, content, {"Retry-After": str(int(fault.seconds))})
        elif fault.kind == "server_error":
            self._answer(503, b"<html>upstream is away</html>")
        elif fault.kind == "malformed":
            self._answer(200, b'{"ok": tru')
        elif fault.kind == "not_an_object":
            self._answer(200, b"[1, 2]")
        elif fault.kind == "die":
            self.close_connection = True
        else:
            if fault.kind == "slow":
                time.sleep(fault.seconds)
            return False
        return True

    def _result(self, name: str, arguments: Answer, fault: Fault | None) -> Answer:
        try:
            if fault is not None and fault.kind not in {"slow", "accept_and_die"}:
                raise SlackError(fault.kind)
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                raise SlackError("invalid_auth")
            if name not in METHODS:
                raise SlackError("unknown_method")
            base = self.server.slack.url.removesuffix("/api/")
            return {"ok": True, **METHODS[name](self.server.slack.workspace, arguments, base)}
        except SlackError as error:
            return {"ok": False, "error": str(error)}

    def _arguments(self, body: bytes) -> Answer:
        if self.headers.get("Content-Type", "").startswith("application/json"):
            return json.loads(body)
        return {key: values[0] for key, values in parse_qs(body.decode()).items()}

    def _answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Write no log."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    slack: "SlackServer"


class SlackServer:
    """The server in a thread of this process, from the start of a ``with`` block to its end."""

    token = TOKEN

    def __init__(self, *, log: Path | None = None, latency: float = 0.0) -> None:
        self.workspace = Workspace(log=log)
        self.workspace.restore()
        self.faults: list[Fault] = []
        self.calls: list[str] = []
        self.latency = latency
        self.lock = threading.RLock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.slack = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """Base of the methods' addresses, for ``WebClient(base_url=...)``."""
        return f"http://127.0.0.1:{self._server.server_port}/api/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def fail(self, kind: str, method: str = "", *, times: int = 1, seconds: float = 1.0) -> None:
        """Make the next calls (of one method) fail; see Fault."""
        self.faults.append(Fault(kind, method, times, seconds))

    def next_fault(self, method: str) -> Fault | None:
        """Return the fault of this call, and count it."""
        for fault in self.faults:
            if fault.times > 0 and fault.method in ("", method):
                fault.times -= 1
                return fault
        return None

    def roots(self, channel: str = "C0000ONCALL") -> list[Answer]:
        """Return the first messages of a channel's threads."""
        return [m for m in self.workspace.messages if m["channel"] == channel and "thread_ts" not in m]

    def thread(self, root: Answer) -> list[Answer]:
        """Return the replies to a message."""
        return [m for m in self.workspace.messages if m.get("thread_ts") == root["ts"]]

    def alert_keys(self) -> list[str]:
        """Return the keys of all alerts in all messages, in order."""
        return [key for m in self.workspace.messages for key in m.get("metadata", {})["event_payload"]["keys"]]


def main() -> None:
    """Run until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--latency", type=float, default=0.0)
    arguments = parser.parse_args()
    with SlackServer(log=arguments.log, latency=arguments.latency) as server:
        written = arguments.port_file.with_suffix(".new")
        written.write_text(str(urlsplit(server.url).port))
        written.replace(arguments.port_file)
        threading.Event().wait()


if __name__ == "__main__":
    main()
