"""Removes the rows of a person from snapshots, and keeps them from being read again.

It may be killed at any point: asked again for the same ids, it finishes.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from monitoring_pipeline.evaluation.privacy.pseudonyms import ID_HASH_BYTES, pseudonymise
from monitoring_pipeline.evaluation.rows.fingerprints import fingerprint
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.ports.snapshots import RemovableSnapshots, SnapshotError
from monitoring_pipeline.records.audit import AuditAction, AuditEntry
from monitoring_pipeline.spec.model import ModelSpec

_HEXADECIMAL = frozenset("0123456789abcdef")


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """What was removed: rows, and the files that they were in. ``unreadable`` are files that could not be looked at."""

    ids: int
    rows: int
    files: int
    unreadable: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """The numbers as a sentence."""
        return f"{self.rows:,} rows of {self.ids:,} ids, in {self.files:,} files"


def hashed_ids(ids: Sequence[str], id_key: bytes) -> list[str]:
    """Return the hashes of ids as they are in their table; what is a hash already is returned as it is."""
    hashes = pseudonymise(pl.Series(list(ids), dtype=pl.String), id_key).to_list()
    return sorted({
        text if len(text) == 2 * ID_HASH_BYTES and set(text) <= _HEXADECIMAL else str(hashed)
        for text, hashed in zip(ids, hashes, strict=True)
    })  # fmt: skip


def forget(
    spec: ModelSpec,
    ids: Sequence[str],
    outside: Outside,
    files: RemovableSnapshots,
    *,
    now: dt.datetime,
    actor: str,
) -> Forgotten:
    """Remove the rows of some ids of a model, and record how many there were.

    Stored numbers stay as they were judged. A chunk that is measured again is measured without these rows.

    Args:
        spec: the model.
        ids: ids as in their table, or hashed.
        outside: the store, the snapshots, and the key of the ids.
        files: the files of the snapshots.
        now: the time.
        actor: who asks.

    Raises:
        SnapshotError: when the snapshots are in an object store.
    """
    if not files.can_remove:
        raise SnapshotError("snapshots in an object store cannot be removed from here; nothing was changed")
    model, hashes = spec.name, hashed_ids(ids, outside.id_key)
    # They are recorded first, so that nothing reads them again while their rows are removed.
    outside.store.remember_forgotten(model, hashes, at=now)
    rows = changed = 0
    unreadable: list[str] = []
    pointed = outside.store.snapshot_files(model)
    for uri in pointed:
        try:
            frame = outside.snapshots.read(uri)
        except SnapshotError:
            # Nobody can read its rows; if it is read again from the warehouse, it is without them.
            unreadable.append(uri)
            continue
        removed = _without(frame, hashes, outside, uri)
        if removed:
            rows, changed = rows + removed, changed + 1
            files.remove(uri)
    rows += _remove_left_behind(model, hashes, outside, files)
    forgotten = Forgotten(ids=len(hashes), rows=rows, files=changed, unreadable=tuple(unreadable))
    outside.store.record(
        AuditEntry(
            at=now, actor=actor, action=AuditAction.FORGOTTEN, model=model, summary=forgotten.summary,
            details={"ids": len(hashes), "rows": rows, "files": changed},
        )
    )  # fmt: skip
    return forgotten


def _remove_left_behind(model: str, hashes: Sequence[str], outside: Outside, files: RemovableSnapshots) -> int:
    """Remove files to which no result points and that have the rows, as after a removal that was killed."""
    rows = 0
    pointed = set(outside.store.snapshot_files(model))
    for uri in files.files(model):
        if uri in pointed:
            continue
        try:
            frame = files.read(uri)
        except SnapshotError:
            continue
        found = frame.filter(pl.col("row_id").is_in(list(hashes))).height if "row_id" in frame.columns else 0
        if found:
            files.remove(uri)
        rows += found
    return rows


def _without(frame: pl.DataFrame, hashes: Sequence[str], outside: Outside, uri: str) -> int:
    """Write a file again without some rows, and let the results point to it; return how many rows it lost."""
    if "row_id" not in frame.columns:
        return 0
    kept = frame.filter(~pl.col("row_id").is_in(list(hashes)))
    removed = frame.height - kept.height
    if removed:
        model, chunk, name = uri.split("/")
        content, kind = fingerprint(kept), name.rpartition("-")[0]
        written = outside.snapshots.write(kept, model=model, chunk=chunk, kind=kind, fingerprint=content)
        outside.store.point_to(model, uri, written, fingerprint=content, fewer_rows=removed)
    return removed
