"""A server that behaves like Jira Cloud (REST API v3) or Jira Data Center (v2), as far as alerts use it.

Errors have Jira's form: ``errorMessages`` and ``errors`` by field. The workflow is To Do, In Progress, Done; Done is
reached from In Progress and To Do, and left to To Do. https://developer.atlassian.com/cloud/jira/platform/rest/v3/
"""

import base64
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from monitoring_pipeline_tests.alerting.json_server import Answer, JsonServer, Request

USER, TOKEN, PERSONAL_TOKEN = "monitor@example.com", "api-token-of-the-tests", "personal-token-of-the-tests"
CATEGORIES = {"To Do": "new", "In Progress": "indeterminate", "Done": "done"}
PRIORITIES = {"Highest", "High", "Medium", "Low", "Lowest"}
NOBODY = {"errorMessages": ["Issue does not exist or you do not have permission to see it."], "errors": {}}
NODES = {"doc", "paragraph", "text", "heading", "bulletList", "listItem"}


@dataclass
class Issue:
    """An issue with its fields and comments; transitions are (number, name, status)."""

    key: str
    fields: dict[str, Any]
    status: str = "To Do"
    comments: list[Any] = field(default_factory=list)


class JiraServer(JsonServer):
    """Keeps issues by key."""

    def __init__(self, version: int = 3) -> None:
        super().__init__()
        self.version = version
        self.issues: dict[str, Issue] = {}
        self.forbidden = False
        self.has_priority = True
        self.moves = {
            "To Do": [("11", "Start", "In Progress"), ("31", "Close", "Done")],
            "In Progress": [("31", "Close", "Done")],
            "Done": [("41", "Reopen", "To Do")],
        }
        self.needs_resolution = False

    def answer(self, request: Request) -> Answer:
        if not self._is_signed_in(request.headers.get("Authorization", "")):
            return Answer(status=401, body="Client must be authenticated to access this resource.")
        if self.forbidden:
            return Answer(status=403, body={"errorMessages": ["You do not have permission."], "errors": {}})
        parts = urlsplit(request.path)
        prefix = f"/rest/api/{self.version}"
        if not parts.path.startswith(prefix):
            return Answer(status=404, body="<html>Not Found</html>")
        path = parts.path.removeprefix(prefix)
        for method, pattern, action in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and method == request.method:
                return action(
                    self, request.body, *found.groups(), **{k: v[0] for k, v in parse_qs(parts.query).items()}
                )
        return Answer(status=404, body={"message": "null for uri"})

    def _is_signed_in(self, authorization: str) -> bool:
        by_token = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
        return authorization in {f"Basic {by_token}", f"Bearer {PERSONAL_TOKEN}"}

    def search(self, body: dict[str, Any], path: str) -> Answer:
        if (path == "/search") == (self.version == 3):
            removed = "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API."
            return Answer(status=410, body={"errorMessages": [removed], "errors": {}})
        match = re.fullmatch(r'project = "(\w+)" AND labels = "([^"]+)" ORDER BY created ASC', body["jql"])
        if match is None:
            return wrong(messages=["Error in the JQL Query."])
        project, label = match.groups()
        if project != "OPS":
            return wrong(messages=[f"The value '{project}' does not exist for the field 'project'."])
        found = [issue for issue in self.issues.values() if label in issue.fields["labels"]]
        return Answer(status=200, body={"issues": [{"id": "1", "key": issue.key} for issue in found], "isLast": True})

    def create(self, body: dict[str, Any]) -> Answer:
        fields = body["fields"]
        errors = dict(self._errors(fields))
        if errors:
            return wrong(**errors)
        key = f"OPS-{len(self.issues) + 1}"
        self.issues[key] = Issue(key, fields)
        return Answer(status=201, body={"id": str(10_000 + len(self.issues)), "key": key, "self": f"{self.url}/{key}"})

    def _errors(self, fields: dict[str, Any]):
        if fields.get("project", {}).get("key") != "OPS":
            yield "project", "valid project is required"
        if fields.get("issuetype", {}).get("name") not in {"Task", "Incident"}:
            yield "issuetype", "Specify a valid issue type"
        yield from _label_and_summary_errors(fields)
        if "priority" in fields and not self.has_priority:
            yield "priority", "Field 'priority' cannot be set. It is not on the appropriate screen, or unknown."
        elif fields.get("priority", {}).get("name", "Low") not in PRIORITIES:
            yield "priority", "The priority selected is invalid."
        if not self._is_text(fields.get("description")):
            yield "description", "Operation value must be an Atlassian Document (see the Atlassian Document Format)"

    def _is_text(self, value: Any) -> bool:
        return is_document(value) if self.version == 3 else isinstance(value, str) and 0 < len(value) <= 32_767

    def read(self, _: Any, key: str, **__: str) -> Answer:
        issue = self.issues.get(key)
        if issue is None:
            return Answer(status=404, body=NOBODY)
        status = {"name": issue.status, "statusCategory": {"key": CATEGORIES[issue.status]}}
        return Answer(status=200, body={"key": key, "fields": {"status": status, **issue.fields}})

    def edit(self, body: dict[str, Any], key: str) -> Answer:
        if "priority" in body["fields"] and not self.has_priority:
            return wrong(priority="Field 'priority' cannot be set. It is not on the appropriate screen, or unknown.")
        self.issues[key].fields.update(body["fields"])
        return Answer(status=204)

    def comments(self, _: Any, key: str, **__: str) -> Answer:
        comments = self.issues[key].comments if key in self.issues else []
        return Answer(status=200, body={"comments": [{"id": str(n), "body": c} for n, c in enumerate(comments)]})

    def comment(self, body: dict[str, Any], key: str) -> Answer:
        if key not in self.issues:
            return Answer(status=404, body=NOBODY)
        if not self._is_text(body["body"]):
            return wrong(comment="Comment body is not valid!")
        self.issues[key].comments.append(body["body"])
        return Answer(status=201, body={"id": str(len(self.issues[key].comments))})

    def offered(self, _: Any, key: str) -> Answer:
        moves = self.moves[self.issues[key].status]
        return Answer(
            status=200, body={"transitions": [{"id": n, "name": name, "to": {"name": to}} for n, name, to in moves]}
        )

    def move(self, body: dict[str, Any], key: str) -> Answer:
        issue = self.issues[key]
        number = body["transition"]["id"]
        move = next((move for move in self.moves[issue.status] if move[0] == number), None)
        if move is None:
            return wrong(messages=["It seems that you have tried to perform an illegal workflow operation."])
        if self.needs_resolution and move[2] == "Done":
            return wrong(resolution="Resolution is required.")
        issue.status = move[2]
        return Answer(status=204)

    def texts(self, key: str) -> list[str]:
        """Return the plain texts of the comments of an issue."""
        return [plain_text(comment) for comment in self.issues[key].comments]


ROUTES = (
    ("POST", r"(/search(?:/jql)?)", JiraServer.search),
    ("POST", r"/issue", JiraServer.create),
    ("GET", r"/issue/([A-Z]+-\d+)", JiraServer.read),
    ("PUT", r"/issue/([A-Z]+-\d+)", JiraServer.edit),
    ("GET", r"/issue/([A-Z]+-\d+)/comment", JiraServer.comments),
    ("POST", r"/issue/([A-Z]+-\d+)/comment", JiraServer.comment),
    ("GET", r"/issue/([A-Z]+-\d+)/transitions", JiraServer.offered),
    ("POST", r"/issue/([A-Z]+-\d+)/transitions", JiraServer.move),
)


def wrong(*, messages: list[str] | None = None, **errors: str) -> Answer:
    """Return a refusal of content."""
    return Answer(status=400, body={"errorMessages": messages or [], "errors": errors})


def _label_and_summary_errors(fields: dict[str, Any]):
    if not fields.get("summary", "").strip():
        yield "summary", "You must specify a summary of the issue."
    elif len(fields["summary"]) > 255 or "\n" in fields["summary"]:
        yield "summary", "Summary must be less than 255 characters."
    for label in fields.get("labels", []):
        if " " in label:
            yield "labels", f"The label '{label}' contains spaces which is invalid."


def is_document(node: Any) -> bool:
    """Return whether a value is a valid document of the nodes that messages use."""
    return isinstance(node, dict) and node.get("type") == "doc" and node.get("version") == 1 and _is_node(node)


def _is_node(node: dict[str, Any]) -> bool:
    if node["type"] not in NODES:
        return False
    if node["type"] == "text":
        return bool(node["text"]) and all(mark["type"] in {"code", "em", "link"} for mark in node.get("marks", []))
    return bool(node["content"]) and all(map(_is_node, node["content"]))


def plain_text(node: Any) -> str:
    """Return the text of a document or of wiki markup."""
    if isinstance(node, str):
        return node
    if node["type"] == "text":
        return node["text"]
    texts = map(plain_text, node["content"])
    return ("" if node["type"] in {"paragraph", "heading"} else "\n").join(texts)
