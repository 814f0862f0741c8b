"""The news of a night in a rehearsal, one line each, and the time of the next delivery."""

import datetime as dt
from collections.abc import Iterator

from monitoring_pipeline.records.decision import Answer, Topic
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.store.results import ResultStore

NEWS = (
    "SELECT severity, kind, summary FROM incident_events "
    "WHERE model = :model AND told AND at >= :since ORDER BY event_id"
)
DUE = "SELECT min(due_at) FROM alerts WHERE state IN ('due', 'sending')"
FOLLOWING = frozenset({Topic.PROMOTION, Topic.PROBATION})


def happenings_since(store: ResultStore, spec: ModelSpec, since: dt.datetime) -> Iterator[str]:
    """Yield announced events, then decisions except those not to retrain, each in order of writing."""
    rows = store.query(NEWS, {"model": spec.name, "since": stored_time(since)})[1]
    yield from (f"{severity} {kind}: {summary}" for severity, kind, summary in rows)
    for decision in store.decisions(spec.name):
        if decision.at >= since and not decision.has(Topic.RETRAINING, Answer.NO):
            version = f" version {decision.model_version}" if decision.model_version else ""
            # A promotion or probation repeats the reason of the gate or trial before it.
            why = "" if decision.topic in FOLLOWING else f": {decision.reason}"
            yield f"{decision.topic}: {decision.answer_text}{version}{why}"


def earliest_due(store: ResultStore) -> dt.datetime | None:
    """Return the earliest due time of an undelivered alert; ``None`` if there is none."""
    ((text,),) = store.query(DUE, {})[1]
    return None if text is None else dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def stored_time(moment: dt.datetime) -> str:
    """Return a time in the form in which the store of the rehearsal, which is SQLite, contains it."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
