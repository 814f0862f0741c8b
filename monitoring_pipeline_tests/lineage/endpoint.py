"""An endpoint of OpenLineage on loopback, which checks each event with the types of the client."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import attr
from openlineage.client import event_v2, generated


def _facets() -> dict[str, type[Any]]:
    """Return the classes of all facets of the client, by the address of their schema."""
    found: dict[str, type[Any]] = {}
    for module in iter_modules(generated.__path__):
        for kind in vars(import_module(f"{generated.__name__}.{module.name}")).values():
            if isinstance(kind, type) and attr.has(kind) and hasattr(kind, "_get_schema"):
                found[kind._get_schema()] = kind
    return found


FACETS = _facets()


def check_facets(facets: dict[str, Any]) -> None:
    """Check that each facet has a known schema, names its producer, and has only fields of its type."""
    for facet in facets.values():
        kind = FACETS[facet["_schemaURL"]]
        assert facet["_producer"].startswith("https://")
        fields = {field.alias: field for field in attr.fields(kind) if not field.name.startswith("_")}
        given = {name for name in facet if not name.startswith("_")}
        assert given <= set(fields), given - set(fields)
        assert {name for name, field in fields.items() if field.default is attr.NOTHING} <= given


def check_event(event: dict[str, Any]) -> None:
    """Raise an error if the client's own types would not have made this event."""
    run, job = event_v2.Run(event["run"]["runId"]), event_v2.Job(event["job"]["namespace"], event["job"]["name"])
    made = event_v2.RunEvent(
        eventType=event_v2.RunState(event["eventType"]), eventTime=event["eventTime"], run=run, job=job,
        producer=event["producer"],
    )  # fmt: skip
    assert event["schemaURL"] == made.schemaURL
    check_facets(event["run"].get("facets", {}))
    for dataset in (*event.get("inputs", ()), *event.get("outputs", ())):
        assert dataset["namespace"]
        assert dataset["name"]
        for name in ("facets", "inputFacets", "outputFacets"):
            check_facets(dataset.get(name, {}))


class _Post(BaseHTTPRequestHandler):
    server: "Endpoint"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.answers.pop(0) if self.server.answers else 201
        if status < 300:
            self.server.received.append((self.path, self.headers.get("Authorization", ""), json.loads(body)))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write no log."""


class Endpoint(ThreadingHTTPServer):
    """Keeps the events that it accepted. Answers with the given statuses, then with 201."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.received: list[tuple[str, str, dict[str, Any]]] = []
        self.answers: list[int] = []

    @property
    def url(self) -> str:
        """The address to send to."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def events(self) -> list[dict[str, Any]]:
        """The accepted events."""
        return [event for _, _, event in self.received]
