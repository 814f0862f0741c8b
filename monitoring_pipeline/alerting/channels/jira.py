"""Jira: one issue per incident, with a comment for each event, moved when the incident ends or comes back."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from monitoring_pipeline.alerting.channels.http_calls import HttpRefusalError
from monitoring_pipeline.alerting.channels.jira_calls import CLOUD, Issue, JiraCalls, wrong_fields
from monitoring_pipeline.alerting.messages.document import alert_key
from monitoring_pipeline.alerting.messages.jira_text import document, summary, wiki
from monitoring_pipeline.alerting.messages.messages import Message, incident_message
from monitoring_pipeline.alerting.ports import Dispatch, Receipt
from monitoring_pipeline.evaluation.alerts.routing import SILENT_EVENTS
from monitoring_pipeline.records.alert import ClaimedAlert
from monitoring_pipeline.records.incident import EventKind
from monitoring_pipeline.records.measurement import Severity
from monitoring_pipeline.spec.alerting import NO_LINKS, Jira, Links

LABEL = "monitoring-pipeline"
OPTIONAL = frozenset({"priority"})
"""Fields that a project may lack; an issue is created without them."""


class JiraChannel:
    """One project; the thread of an incident is the key of its issue."""

    keeps_record = False

    def __init__(self, name: str, rules: Jira, calls: JiraCalls, *, links: Links = NO_LINKS) -> None:
        """Take the name in alerting.yaml, the channel's rules, and the calls of its user."""
        self.name = name
        self._rules = rules
        self._calls = calls
        self._links = links

    def find(self, alerts: Sequence[ClaimedAlert], threads: Mapping[str, str]) -> Mapping[int, Receipt]:
        """Return those of the alerts that an issue contains already, by the keys in its description and comments.

        Raises:
            DeliveryError: when Jira cannot be asked now.
        """
        found: dict[int, Receipt] = {}
        texts: dict[str, str] = {}
        for alert in alerts:
            incident_id = alert.stored.incident_id
            key = threads.get(incident_id) or self._existing(incident_id)
            if key is None:
                continue
            if key not in texts:
                texts[key] = self._texts(key)
            if alert_key(alert) in texts[key]:
                found[alert.alert_id] = Receipt(delivery_id=key, thread=key)
        return found

    def send(self, dispatch: Dispatch) -> Receipt:
        """Create the issue, or move it and comment on it.

        The comment is the last call, so a failure before it cannot cause a repeated comment. A move that the workflow
        does not offer is a note in the receipt.

        Raises:
            DeliveryError: when Jira refused it, or when it is unknown whether Jira accepted it.
        """
        if len(dispatch.alerts) == 1:
            return self._send(dispatch.alerts[0], dispatch.message, dispatch)
        for alert in dispatch.alerts:
            self._send(alert, incident_message(alert, links=self._links), dispatch)
        return Receipt()

    def _send(self, alert: ClaimedAlert, message: Message, dispatch: Dispatch) -> Receipt:
        key = dispatch.thread or self._existing(alert.stored.incident_id)
        issue = None if key is None else self._calls.issue(key)
        if issue is not None:
            return self._continue(issue, alert, message, only_update=dispatch.only_update)
        return Receipt() if dispatch.only_update else self._create(alert, message)

    def _existing(self, incident_id: str) -> str | None:
        """Return the issue of an incident by its label, so that one whose creation was uncertain is not doubled."""
        label = f"{LABEL}-{_word(incident_id)}"
        return self._calls.search(f'project = "{self._rules.project}" AND labels = "{label}" ORDER BY created ASC')

    def _texts(self, key: str) -> str:
        issue = self._calls.issue(key)
        return "" if issue is None else issue.description + self._calls.comments(key)

    def _create(self, alert: ClaimedAlert, message: Message) -> Receipt:
        stored = alert.stored
        own = (LABEL, f"{LABEL}-{_word(stored.incident_id)}", _word(stored.incident.model))
        fields: dict[str, Any] = {
            "project": {"key": self._rules.project},
            "issuetype": {"name": self._rules.issue_type},
            "summary": summary(message),
            "description": self._text(alert, message, whole=True),
            "labels": list(dict.fromkeys((*own, *self._rules.labels))),
            **self._priority(stored.incident.severity),
        }
        try:
            key, notes = self._calls.create(fields), ()
        except HttpRefusalError as refusal:
            refused = wrong_fields(refusal)
            if not refused or not refused <= OPTIONAL & fields.keys():
                raise
            # Jira has refused the whole issue, so this one is not a second.
            key = self._calls.create({name: value for name, value in fields.items() if name not in refused})
            notes = (f"{key} has no {', '.join(sorted(refused))}: {refusal}",)
        return Receipt(delivery_id=key, thread=key, notes=notes)

    def _continue(self, issue: Issue, alert: ClaimedAlert, message: Message, *, only_update: bool) -> Receipt:
        kind = alert.event.kind
        notes = [*self._moved(issue, kind), *self._raised(issue, alert)]
        name = issue.key
        # An event of a muted incident notifies nobody; the answers of people belong to the history of the issue.
        if not only_update or kind in SILENT_EVENTS:
            comment = self._calls.comment(issue.key, self._text(alert, message, whole=False))
            name = f"{issue.key}/{comment}"
        return Receipt(delivery_id=name, thread=issue.key, notes=tuple(notes))

    def _moved(self, issue: Issue, kind: EventKind) -> list[str]:
        """Move the issue if the event asks for it; return what could not be done."""
        transitions = self._rules.transitions
        wanted = {
            EventKind.RESOLVED: None if issue.done else transitions.resolved,
            EventKind.REOPENED: transitions.reopened if issue.done else None,
            EventKind.ACKNOWLEDGED: None if issue.done else transitions.acknowledged,
        }.get(kind)
        if wanted is None or wanted.casefold() == issue.status.casefold():
            return []
        offered = self._calls.transitions(issue.key)
        transition = next((offer for offer in offered if offer.leads_to(wanted)), None)
        if transition is None:
            known = ", ".join(offer.name for offer in offered) or "none"
            return [f"{issue.key} stays {issue.status!r}: no transition {wanted!r}; there are: {known}"]
        return self._noted(f"{issue.key} stays {issue.status!r}", lambda: self._calls.move(issue.key, transition))

    def _raised(self, issue: Issue, alert: ClaimedAlert) -> list[str]:
        """Set the priority of an incident that escalated; return what could not be done."""
        priority = self._priority(alert.stored.incident.severity)
        if alert.event.kind is not EventKind.ESCALATED or not priority:
            return []
        return self._noted(f"{issue.key} keeps its priority", lambda: self._calls.edit(issue.key, priority))

    @staticmethod
    def _noted(otherwise: str, action: Any) -> list[str]:
        """Do what is not essential; a refusal of this issue is a note, and any other failure an error."""
        try:
            action()
        except HttpRefusalError as refusal:
            if refusal.channel_wide or refusal.retry_after is not None:
                raise
            return [f"{otherwise}: {refusal}"]
        return []

    def _priority(self, severity: Severity) -> dict[str, Any]:
        name = self._rules.priorities.get(severity.value)
        return {"priority": {"name": name}} if name else {}

    def _text(self, alert: ClaimedAlert, message: Message, *, whole: bool) -> Any:
        write = document if self._calls.version == CLOUD else wiki
        return write(message, alert_key(alert), whole=whole)


def _word(text: str) -> str:
    """Return a text as a label, which has no spaces."""
    return re.sub(r"\s+", "_", text)[:200]
