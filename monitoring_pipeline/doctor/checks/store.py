"""The store: whether it can be read, is whole, and was written in the past."""

import datetime as dt
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from monitoring_pipeline.doctor.deployment import Deployment
from monitoring_pipeline.doctor.findings import Finding, ok, problem, warning
from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.store.schema import HEAD_REVISION, StoreSchemaError

MOST_AHEAD = dt.timedelta(minutes=2)
"""How far a result may lie in the future before a clock is wrong."""
_NEWEST = "SELECT max(measured_at) FROM chunk_revisions"
_SIZE = "SELECT count(*) FROM current_verdicts"


def store(deployment: Deployment) -> Iterator[Finding]:
    """Yield whether the store has the newest schema, and a SQLite file no damage."""
    shown = without_secrets(sa.make_url(deployment.settings.store_url).render_as_string())
    try:
        damage = deployment.damage_of_store
    except StoreSchemaError as error:
        yield problem(
            str(error).partition(";")[0], "the next run upgrades an older one; a newer one needs a newer version"
        )
        return
    except OperationalError as error:
        yield problem(f"{shown} does not answer: {error.orig}", "start the database, or correct the address")
        return
    if damage is not None:
        yield problem(
            f"{shown} is damaged: {damage}",
            "stop all runs and restore it from a backup, or move it away and backfill: the warehouse is read again",
        )
    elif deployment.store is None:
        yield warning(f"{shown} does not exist yet", "a first `monitoring-pipeline backfill` makes it")
    else:
        (judged,) = _one_row(deployment.store, _SIZE)
        yield ok(f"{shown}, schema {HEAD_REVISION}, {judged:,} judged chunks")


def clock(deployment: Deployment) -> Iterator[Finding]:
    """Yield whether results lie in the future, as after a clock was set back."""
    if deployment.store is None:
        return
    (newest,) = _one_row(deployment.store, _NEWEST)
    if newest is None:
        return
    at = newest if isinstance(newest, dt.datetime) else dt.datetime.fromisoformat(str(newest))
    at = at if at.tzinfo else at.replace(tzinfo=dt.UTC)
    if at > deployment.now + MOST_AHEAD:
        yield problem(
            f"the clock shows {deployment.now:%Y-%m-%d %H:%M} UTC, and the newest result is of {at:%Y-%m-%d %H:%M} UTC",
            "set the clock of this machine, or of the one that wrote the result",
        )
    else:
        yield ok(f"newest result of {at:%Y-%m-%d %H:%M} UTC")


def _one_row(opened: ResultStore, sql: str) -> tuple[object, ...]:
    _, rows = opened.query(sql, {})
    return rows[0]
