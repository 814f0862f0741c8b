"""Removal of what is no longer to be kept, and the record of it."""

import datetime as dt
from collections.abc import Collection
from typing import Protocol

from monitoring_pipeline.records.audit import AuditEntry


class Upkeep(Protocol):
    """The part of the store that removes."""

    def old_snapshots(self, model: str, *, ended_before: dt.datetime, first_kept: str | None) -> list[str]:
        """Return the URIs of the rows of old chunks, each once.

        Args:
            model: name of the model.
            ended_before: the end of the newest chunk whose rows may go; a chunk that ended later keeps them.
            first_kept: key of the first chunk that has to be kept whatever its age; None for none.
        """
        ...

    def mark_removed(self, model: str, uris: Collection[str]) -> int:
        """Let no result point to some files any more, in one transaction; return how many revisions did.

        The files are then in ``marked_snapshots`` until ``finish_removal``.
        """
        ...

    def marked_snapshots(self, model: str) -> list[str]:
        """Return the URIs of files whose removal has begun and is not recorded as finished."""
        ...

    def finish_removal(self, model: str, uris: Collection[str]) -> None:
        """Record that files are removed."""
        ...

    def superseded_revisions(self, model: str, *, replaced_before: dt.datetime, first_kept: str | None) -> int:
        """Count the revisions that were replaced before a time."""
        ...

    def superseded_only(self, model: str, *, replaced_before: dt.datetime, first_kept: str | None) -> list[str]:
        """Return the URIs of files to which only such revisions point."""
        ...

    def remove_superseded(self, model: str, *, replaced_before: dt.datetime, first_kept: str | None) -> dict[str, int]:
        """Remove the revisions that were replaced before a time, in one transaction; return rows by table."""
        ...

    def snapshot_files(self, model: str) -> list[str]:
        """Return the URIs of all files to which results of a model point, each once."""
        ...

    def point_to(self, model: str, uri: str, written: str, *, fingerprint: str, fewer_rows: int) -> None:
        """Let all results that point to a file point to another one with fewer rows, in one transaction."""
        ...

    def remember_forgotten(self, model: str, row_ids: Collection[str], *, at: dt.datetime) -> None:
        """Keep hashed ids whose rows must not be read again."""
        ...

    def forgotten(self, model: str) -> list[str]:
        """Return the hashed ids of a model whose rows must not be read again."""
        ...

    def record(self, entry: AuditEntry) -> None: ...
    def audit(self, model: str | None = None) -> list[AuditEntry]: ...
