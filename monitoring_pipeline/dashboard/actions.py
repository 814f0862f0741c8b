"""The actions of people on incidents and versions: one row each, the same functions as those of the commands."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from monitoring_pipeline.composition import build_adapters
from monitoring_pipeline.evaluation.alerts.routing import plan_alerts
from monitoring_pipeline.evaluation.incidents.handling import (
    Handle,
    Person,
    acknowledge,
    comment,
    mute,
    record_outcome,
    unmute,
)
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.incident import Outcome
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.steps.versions.asking import ask_for_retraining
from monitoring_pipeline.steps.versions.effects import Action
from monitoring_pipeline.store.results import ResultStore

Form = Mapping[str, str]
LONGEST_REASON = 2_000


class FormError(ValueError):
    """A field of a form is missing or wrong; the message names the field, its value, and what is allowed."""


@dataclass(frozen=True)
class IncidentAction:
    """An action on an incident: the word on its button, and what it makes of a form."""

    button: str
    act: Callable[[Person, Form], Handle]
    needs_reason: bool = True


def _mute(person: Person, form: Form) -> Handle:
    given = form.get("until", "")
    try:
        until = dt.datetime.fromisoformat(given).replace(tzinfo=dt.UTC)
    except ValueError:
        message = f"until: {given!r} is no time; write a day such as 2030-01-31, in UTC"
        raise FormError(message) from None
    if until <= person.at:
        message = f"until: {given} is past; give a later day (UTC)"
        raise FormError(message)
    return mute(person, until)


def _outcome(person: Person, form: Form) -> Handle:
    given = form.get("outcome", "")
    if given not in list(Outcome):
        message = f"outcome: {given!r} is none of {', '.join(Outcome)}"
        raise FormError(message)
    return record_outcome(person, Outcome(given))


INCIDENT_ACTIONS: Mapping[str, IncidentAction] = {
    "acknowledge": IncidentAction("Acknowledge", lambda person, _: acknowledge(person)),
    "comment": IncidentAction("Comment", lambda person, _: comment(person)),
    "mute": IncidentAction("Mute until", _mute),
    "unmute": IncidentAction("Unmute", lambda person, _: unmute(person)),
    "outcome": IncidentAction("Record the outcome", _outcome, needs_reason=False),
}
VERSION_ACTIONS: Mapping[str, str] = {
    "retrain": "Ask for a retraining",
    "promote": "Promote the challenger",
    "refuse": "Refuse the challenger",
    "roll_back": "Return to the former champion",
}


def act_on_incident(
    settings: Settings, store: ResultStore, name: str, incident_id: str, form: Form, *, person: str, now: dt.datetime
) -> None:
    """Do an action on an incident, and record it in the audit.

    Raises:
        FormError: when there is no such action, or a field is wrong.
        UnknownIncidentError: when there is no such incident.
    """
    if name not in INCIDENT_ACTIONS:
        message = f"action: {name!r} is none of {', '.join(INCIDENT_ACTIONS)}"
        raise FormError(message)
    action = INCIDENT_ACTIONS[name]
    someone = Person(name=person, at=now, reason=_reason(form, needed=action.needs_reason))
    plan = partial(plan_alerts, settings.alerting_rules(), now=now)
    store.handle_incident(incident_id, action.act(someone, form), plan, at=now)


def act_on_versions(
    settings: Settings, store: ResultStore, name: str, loaded: LoadedSpec, form: Form, *, person: str, now: dt.datetime
) -> None:
    """Ask for a retraining of a model, or change its versions, and record it in the audit.

    Raises:
        FormError: when there is no such action, or a field is wrong.
        ValueError: when it cannot be done now; the message says why.
    """
    if name not in VERSION_ACTIONS:
        message = f"action: {name!r} is none of {', '.join(VERSION_ACTIONS)}"
        raise FormError(message)
    asked = Action(
        version=form.get("version") or None,
        decision_key=DecisionKey.of_command(name, now),
        actor=person,
        reason=_reason(form, needed=True),
        now=now,
    )
    if name == "retrain":
        ask_for_retraining(loaded.spec, asked, store=store)
        return
    # The registry takes seconds to import.
    from monitoring_pipeline.steps.versions.roll_out import ACTIONS

    ACTIONS[name](loaded, asked, outside=build_adapters(settings).outside(store, run_id="site"))


def _reason(form: Form, *, needed: bool) -> str:
    reason = form.get("reason", "").strip()
    if needed and not reason:
        message = "reason: it is empty; give a reason, which is kept in the audit"
        raise FormError(message)
    if len(reason) > LONGEST_REASON:
        message = f"reason: it has {len(reason)} characters; at most {LONGEST_REASON} are kept"
        raise FormError(message)
    return reason
