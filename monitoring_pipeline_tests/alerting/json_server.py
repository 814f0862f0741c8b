"""The base of servers on loopback that answer JSON with JSON, with faults on demand."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request; ``body`` is the decoded JSON, None if it has none."""

    method: str
    path: str
    headers: dict[str, str]
    content: bytes = b""
    body: Any = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer; ``body`` is sent as JSON, a text as it is."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


ACCEPT_AND_DIE, DIE = "accept_and_die", "die"


class _Handler(BaseHTTPRequestHandler):
    server: "JsonServer"
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(method=self.command, path=self.path, headers=dict(self.headers.items()), content=content)
        answer = self.server.handle_one(request)
        if answer is None:
            self.close_connection = True
            self.connection.close()
            return
        is_text = isinstance(answer.body, str)
        body = b"" if answer.body is None else (answer.body if is_text else json.dumps(answer.body)).encode()
        self.send_response(answer.status)
        kind = "text/html" if is_text else "application/json"
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = _handle

    def log_message(self, *_: object) -> None:
        """Write no log."""


class JsonServer(ThreadingHTTPServer):
    """Answers with ``answer``. ``faults`` replace the answers of the next requests, one each.

    A fault is an answer, ``die`` (the connection closes), or ``accept_and_die`` (the request has its effect before).
    """

    daemon_threads = True
    scheme = "http"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[Request] = []
        self.faults: list[Answer | str] = []
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Return the address."""
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def handle_one(self, request: Request) -> Answer | None:
        """Return the answer; None closes the connection."""
        with self._lock:
            self.requests.append(request)
            fault = self.faults.pop(0) if self.faults else None
            if isinstance(fault, Answer):
                return fault
            answer = None if fault == DIE else self._decoded(request)
            return None if fault is not None else answer

    def _decoded(self, request: Request) -> Answer:
        try:
            body = json.loads(request.content) if request.content else None
        except ValueError:
            return self.unreadable()
        return self.answer(
            Request(
                method=request.method,
                path=request.path,
                headers=request.headers,
                content=request.content,
                body=body,
            )
        )

    def unreadable(self) -> Answer:
        """Return the answer to a body that is no JSON."""
        return Answer(status=400)

    def answer(self, request: Request) -> Answer:
        """Return the answer to a request."""
        raise NotImplementedError

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Write nothing about connections that closed."""
