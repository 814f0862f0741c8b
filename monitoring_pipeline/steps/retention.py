"""Removes what is older than retention.yaml keeps: rows of chunks, and results that were replaced.

It may be killed at any point. No result points to a file whose removal has begun, and the next run finishes it.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from monitoring_pipeline.ports.incidents import Incidents
from monitoring_pipeline.ports.snapshots import RemovableSnapshots
from monitoring_pipeline.ports.upkeep import Upkeep
from monitoring_pipeline.records.audit import AuditAction, AuditEntry
from monitoring_pipeline.records.incident import IncidentState
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.retention import RetentionRules


class UpkeepOfIncidents(Upkeep, Incidents, Protocol):
    """The store, as retention needs it: what open incidents need is kept."""


@dataclass(frozen=True, kw_only=True)
class Removed:
    """What was removed of a model, or would be.

    Args:
        model: name of the model.
        files: number of files with rows.
        bytes: their size.
        revisions: number of replaced results.
        rows: rows removed from tables, by table; empty if nothing was removed yet.
        kept_from: the first chunk of an open incident, from which on everything is kept; None if there is none.
    """

    model: str
    files: int = 0
    bytes: int = 0
    revisions: int = 0
    rows: int = 0
    kept_from: str | None = None

    @property
    def summary(self) -> str:
        """The numbers as a sentence."""
        kept = f"; kept from {self.kept_from} on, for open incidents" if self.kept_from else ""
        return f"{self.files:,} files ({self.bytes / 1e6:,.1f} MB), {self.revisions:,} replaced results{kept}"


def retain(
    specs: Iterable[ModelSpec],
    rules: RetentionRules,
    store: UpkeepOfIncidents,
    files: RemovableSnapshots,
    *,
    now: dt.datetime,
    actor: str,
    dry_run: bool = False,
) -> tuple[Removed, ...]:
    """Remove what the rules no longer keep of some models, record it, and return it; a dry run only counts."""
    return tuple(
        _Retaining(spec, rules, store, files, now).removable()
        if dry_run
        else _Retaining(spec, rules, store, files, now).remove(actor)
        for spec in specs
    )


@dataclass(frozen=True)
class _Retaining:
    spec: ModelSpec
    rules: RetentionRules
    store: UpkeepOfIncidents
    files: RemovableSnapshots
    now: dt.datetime

    def removable(self) -> Removed:
        first_kept = self._first_of_open_incidents()
        uris = {*self._old(first_kept), *self._of_superseded(first_kept)}
        revisions = 0
        if self.rules.revisions is not None:
            revisions = self.store.superseded_revisions(
                self.spec.name, replaced_before=self.now - self.rules.revisions, first_kept=first_kept
            )
        sizes = [self.files.size(uri) for uri in sorted(uris)]
        return Removed(
            model=self.spec.name, files=len(uris), bytes=sum(sizes), revisions=revisions, kept_from=first_kept
        )

    def remove(self, actor: str) -> Removed:
        model, first_kept = self.spec.name, self._first_of_open_incidents()
        found = self.removable()
        uris = sorted({*self._old(first_kept), *self._of_superseded(first_kept)})
        if uris:
            self.store.mark_removed(model, uris)
        if begun := self.store.marked_snapshots(model):
            self._remove_files(begun)
        rows = 0
        if self.rules.revisions is not None:
            before = self.now - self.rules.revisions
            rows = sum(self.store.remove_superseded(model, replaced_before=before, first_kept=first_kept).values())
        removed = replace(found, files=max(found.files, len(begun)), rows=rows)
        if removed.files or removed.rows:
            numbers = {"files": removed.files, "bytes": removed.bytes, "results": removed.revisions, "rows": rows}
            self.store.record(
                AuditEntry(
                    at=self.now, actor=actor, action=AuditAction.RETAINED, model=model, summary=removed.summary,
                    details=numbers,
                )
            )  # fmt: skip
        return removed

    def _remove_files(self, uris: Sequence[str]) -> None:
        for uri in uris:
            self.files.remove(uri)
        self.store.finish_removal(self.spec.name, uris)

    def _old(self, first_kept: str | None) -> list[str]:
        if self.rules.snapshots is None or not self.files.can_remove:
            return []
        labels = self.spec.labels
        # Late labels are joined to the rows of their chunk.
        needed = labels.lookback + labels.delay if labels else dt.timedelta()
        before = self.now - max(self.rules.snapshots, needed)
        return self.store.old_snapshots(self.spec.name, ended_before=before, first_kept=first_kept)

    def _of_superseded(self, first_kept: str | None) -> list[str]:
        if self.rules.revisions is None or not self.files.can_remove:
            return []
        before = self.now - self.rules.revisions
        return self.store.superseded_only(self.spec.name, replaced_before=before, first_kept=first_kept)

    def _first_of_open_incidents(self) -> str | None:
        found = (stored.incident for stored in self.store.incidents(self.spec.name))
        return min((each.since for each in found if each.state is not IncidentState.RESOLVED), default=None)
