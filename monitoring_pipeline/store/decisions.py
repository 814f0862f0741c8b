"""Writes and reads decisions about models, and the roles of their versions; neither is ever changed or deleted."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from monitoring_pipeline.records.decision import Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.measurement import Role
from monitoring_pipeline.records.version_card import VersionCard, card_of_text, card_text
from monitoring_pipeline.spec.sources import ReferenceWindow
from monitoring_pipeline.spec.version import VersionRecord
from monitoring_pipeline.store.connection import StoreConnection
from monitoring_pipeline.store.decision_rows import decision_of, decision_row
from monitoring_pipeline.store.engine import reading, writing
from monitoring_pipeline.store.tables.incidents import decisions, model_versions, version_cards


class DecisionStore(StoreConnection):
    """The audit of decisions, and the history of the roles of versions."""

    def decide(self, decision: Decision) -> bool:
        """Write a decision and return True, or change nothing and return False if its model and key are taken."""
        with writing(self._engine, f"decisions/{decision.model}") as connection:
            return write_decision(connection, decision)

    def decisions(self, model: str, *, topic: Topic | None = None) -> list[Decision]:
        """Return the decisions about a model, all or those of one topic, oldest first."""
        filters = {"model": model} | ({"topic": topic.value} if topic else {})
        statement = sa.select(decisions).filter_by(**filters).order_by(decisions.c.at, decisions.c.decision_id)
        with reading(self._engine) as connection:
            return [decision_of(row) for row in connection.execute(statement).mappings()]

    def decision(self, model: str, key: DecisionKey) -> Decision | None:
        """Return the decision with a key, if it was taken."""
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(decisions).filter_by(model=model, key=key.text)).mappings().one_or_none()
        return decision_of(row) if row else None

    def set_role(
        self,
        model: str,
        model_version: str,
        role: Role,
        since: dt.datetime,
        *,
        window: ReferenceWindow | None,
        by: str,
    ) -> None:
        """Record that a version has a role from a moment on; a record of the same moment stays unchanged.

        ``window`` is the version's reference window if the spec names none.
        """
        key = {"model": model, "model_version": model_version, "since": since}
        with writing(self._engine, f"versions/{model}") as connection:
            if connection.execute(sa.select(model_versions.c.role).filter_by(**key)).first():
                return
            row = key | {
                "role": role.value,
                "window_start": window.start.isoformat() if window else None,
                "window_end": window.end.isoformat() if window else None,
                "decided_by": by,
            }
            connection.execute(model_versions.insert(), row)

    def versions(self, model: str) -> list[VersionRecord]:
        """Return the newest record of each version, in order of the versions' first appearance."""
        newest: dict[str, VersionRecord] = {}
        for record in self.role_history(model):
            before = newest.get(record.model_version)
            # A later record need not repeat the window.
            window = record.window or (before.window if before else None)
            newest[record.model_version] = replace(record, window=window)
        return list(newest.values())

    def role_history(self, model: str) -> list[VersionRecord]:
        """Return every record of a model's versions, oldest first."""
        statement = (
            sa.select(model_versions)
            .filter_by(model=model)
            .order_by(model_versions.c.since, model_versions.c.model_version)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(statement).mappings().all()
        return [
            VersionRecord(
                model_version=row["model_version"], role=Role(row["role"]), since=row["since"], window=_window(row)
            )
            for row in rows
        ]

    def version_cards(self, model: str) -> dict[str, VersionCard]:
        """Return the cards of the versions that the registry has."""
        rows = self._answers_about_versions(model)
        return {row["model_version"]: card_of_text(row["card"]) for row in rows if row["card"] is not None}

    def missing_cards(self, model: str) -> dict[str, dt.datetime]:
        """Return the versions that the registry did not have, and when it was last asked about each."""
        rows = self._answers_about_versions(model)
        return {row["model_version"]: row["read_at"] for row in rows if row["card"] is None}

    def _answers_about_versions(self, model: str) -> Sequence[sa.RowMapping]:
        statement = sa.select(version_cards).filter_by(model=model).order_by(version_cards.c.model_version)
        with reading(self._engine) as connection:
            return connection.execute(statement).mappings().all()

    def keep_version_card(self, model: str, model_version: str, card: VersionCard | None, at: dt.datetime) -> None:
        """Keep the registry's answer about a version, in place of an earlier one."""
        key = {"model": model, "model_version": model_version}
        with writing(self._engine, f"version_cards/{model}") as connection:
            connection.execute(version_cards.delete().filter_by(**key))
            connection.execute(version_cards.insert(), key | {"card": card and card_text(card), "read_at": at})

    def role_at(self, model: str, model_version: str, moment: dt.datetime) -> Role:
        """Return the role that a version had at a moment.

        Before its first record, a version that passed the gate (its record has a window) has the role of that record;
        any other version is the champion.
        """
        records = [record for record in self.role_history(model) if record.model_version == model_version]
        past = [record for record in records if record.since <= moment]
        if past:
            return past[-1].role
        return records[0].role if records and records[0].window else Role.CHAMPION


def write_decision(connection: sa.Connection, decision: Decision) -> bool:
    """Write a decision inside a transaction, unless its key is taken."""
    taken = sa.select(decisions.c.decision_id).filter_by(model=decision.model, key=decision.key.text)
    if connection.execute(taken).first():
        return False
    connection.execute(decisions.insert(), decision_row(decision))
    return True


def _window(row: sa.RowMapping) -> ReferenceWindow | None:
    if row["window_start"] is None:
        return None
    return ReferenceWindow.model_validate({"start": row["window_start"], "end": row["window_end"]})
