"""Calls of Jira's REST API: version 3 of Jira Cloud, version 2 of Jira Server and Data Center.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr

from monitoring_pipeline.alerting.channels.http_calls import HttpCalls, HttpRefusalError, basic
from monitoring_pipeline.alerting.ports import DeliveryError

CLOUD = 3
COMMENTS = 100
UNNAMED_WAIT = dt.timedelta(minutes=1)
_WRONG, _UNAUTHORIZED, _FORBIDDEN, _GONE = 400, 401, 403, 404
_WHAT_TO_DO = {
    _UNAUTHORIZED: "set a valid token as the secret, and as `user` the e-mail address that it belongs to",
    _FORBIDDEN: "the user must be allowed to browse the project, and to create, edit, move and comment on issues",
}
_SETTINGS = frozenset({"project", "issuetype", "labels"})
"""Fields whose refusal concerns every issue of the channel."""


@dataclass(frozen=True, kw_only=True)
class Issue:
    """The state of an issue: its status, whether that is one of the done, and its description as JSON."""

    key: str
    status: str
    done: bool
    description: str


@dataclass(frozen=True, kw_only=True)
class Transition:
    """A move that is open to an issue now."""

    number: str
    name: str
    to: str

    def leads_to(self, wanted: str) -> bool:
        """Return whether its name, or that of its status, is the wanted one."""
        return wanted.casefold() in {self.name.casefold(), self.to.casefold()}


class JiraCalls:
    """The calls of one user. Nothing is repeated here, because the delivery decides what may be repeated."""

    def __init__(
        self,
        address: str,
        token: SecretStr,
        *,
        user: str | None = None,
        version: int = CLOUD,
        timeout_seconds: float = 10,
        certificates: Path | None = None,
    ) -> None:
        """Take Jira's address and a token: an API token of a user, or a personal access token without one."""
        self.version = version
        self._base = f"{address.rstrip('/')}/rest/api/{version}"
        self._user = user
        self._token = token
        self._http = HttpCalls(
            service="Jira",
            timeout_seconds=timeout_seconds,
            certificates=certificates,
            details=_details,
            unnamed_wait=UNNAMED_WAIT,
        )

    def search(self, jql: str) -> str | None:
        """Return the key of the first issue that a query finds; None if there is none."""
        # Jira Cloud has removed /search, and the other ones have no /search/jql (CHANGE-2046).
        path = "/search/jql" if self.version == CLOUD else "/search"
        try:
            found = self._ask("POST", path, {"jql": jql, "fields": ["summary"], "maxResults": 1})
        except HttpRefusalError as refusal:
            if refusal.status != _WRONG:
                raise
            text = f"{refusal}: correct the project in alerting.yaml, or let the user browse it"
            raise DeliveryError(text, needs_a_person=True) from None
        issues = found.get("issues") or []
        return issues[0]["key"] if issues else None

    def issue(self, key: str) -> Issue | None:
        """Return an issue; None if it was deleted, or is hidden from the user."""
        try:
            fields = self._ask("GET", f"/issue/{quote(key, safe='')}?fields=status,description")["fields"]
        except HttpRefusalError as refusal:
            if refusal.status == _GONE:
                return None
            raise
        status = fields["status"]
        done = (status.get("statusCategory") or {}).get("key") == "done"
        return Issue(key=key, status=status["name"], done=done, description=json.dumps(fields.get("description")))

    def comments(self, key: str) -> str:
        """Return the newest 100 comments of an issue as JSON."""
        return json.dumps(self._ask("GET", f"/issue/{key}/comment?orderBy=-created&maxResults={COMMENTS}"))

    def create(self, fields: Mapping[str, Any]) -> str:
        """Create an issue, and return its key."""
        key = self._ask("POST", "/issue", {"fields": fields}).get("key")
        if not isinstance(key, str):
            message = "Jira: an answer without the key of the issue"
            raise DeliveryError(message)
        return key

    def comment(self, key: str, body: Any) -> str:
        """Add a comment, and return its id."""
        return str(self._ask("POST", f"/issue/{key}/comment", {"body": body}).get("id"))

    def edit(self, key: str, fields: Mapping[str, Any]) -> None:
        """Change fields of an issue."""
        self._ask("PUT", f"/issue/{key}", {"fields": fields})

    def transitions(self, key: str) -> Sequence[Transition]:
        """Return the moves that are open to an issue now."""
        found = self._ask("GET", f"/issue/{key}/transitions")["transitions"]
        return [Transition(number=str(t["id"]), name=t["name"], to=t["to"]["name"]) for t in found]

    def move(self, key: str, transition: Transition) -> None:
        """Move an issue."""
        self._ask("POST", f"/issue/{key}/transitions", {"transition": {"id": transition.number}})

    def _ask(self, method: str, path: str, document: Any = None) -> Any:
        try:
            return self._http.ask(method, self._base + path, document, {"Authorization": self._authorization()}) or {}
        except HttpRefusalError as refusal:
            raise _explained(refusal) from None

    def _authorization(self) -> str:
        token = self._token.get_secret_value()
        return f"Bearer {token}" if self._user is None else basic(self._user, token)


def wrong_fields(refusal: HttpRefusalError) -> frozenset[str]:
    """Return the fields that Jira refuses; none unless the refusal is about fields."""
    answer = refusal.answer if refusal.status == _WRONG else None
    errors = answer.get("errors") if isinstance(answer, dict) else None
    return frozenset(errors) if isinstance(errors, dict) else frozenset()


def _explained(refusal: HttpRefusalError) -> HttpRefusalError:
    """Return a refusal with what a person must do about it."""
    hint = _WHAT_TO_DO.get(refusal.status)
    for_all = bool(wrong_fields(refusal) & _SETTINGS)
    if hint is None and not for_all:
        return refusal
    text = str(refusal) if hint is None else f"{refusal}: {hint}"
    return HttpRefusalError(text, status=refusal.status, answer=refusal.answer, needs_a_person=True)


def _details(answer: Any) -> str:
    """Return the reasons in an answer such as ``{"errorMessages": [], "errors": {"project": "..."}}``."""
    if not isinstance(answer, dict):
        return ""
    errors = answer.get("errors")
    named = errors.items() if isinstance(errors, dict) else ()
    texts = [*(answer.get("errorMessages") or []), *(f"{name}: {text}" for name, text in named)]
    return "; ".join(str(text)[:300] for text in texts) or str(answer.get("message", ""))[:300]
