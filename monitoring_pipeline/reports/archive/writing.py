"""Writes everything about one model and period as one archive."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import monitoring_pipeline
from monitoring_pipeline.evaluation.results import REMOVED
from monitoring_pipeline.ports.snapshots import SnapshotError
from monitoring_pipeline.records.spec_text import UnrecordedSpec
from monitoring_pipeline.reports.archive.table_files import write_csv
from monitoring_pipeline.reports.archive.zip_file import Sum, ZipWriter, new_zip
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.specs.texts import SpecChange, read_history
from monitoring_pipeline.store.archive import Part
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.store.schema import HEAD_REVISION
from monitoring_pipeline.store.snapshots import SnapshotFiles
from monitoring_pipeline.web_pages.building import build_model_page
from monitoring_pipeline.web_pages.rendering import model_html

FORMAT = 1
MANIFEST = "manifest.json"
READ_ME = """\
Everything that was stored about one model and period by monitoring_pipeline.

manifest.json  what is in the archive and what is not; the SHA-256 of every other file
report.html    the report of the period, for a browser; it needs no network
tables/        rows of the store as CSV in UTF-8; an empty cell is null, times are UTC
specs/         each text of the model's spec, in order of use, and what it changed (.diff)
snapshots/     rows of predictions and labels as Parquet, if they were asked for

All revisions are there: for a model, chunk and producer, the newest revision is the current one,
and the others are what was known before. Each measurement has the hash of its spec; the text in
force is the newest row of tables/spec_texts.csv with that hash whose seen_at is not after the
measured_at of the measurement.

To check the sums: monitoring-pipeline export --verify FILE, or any program for SHA-256.
The sums show damage. They do not show who made the archive: compare the sum of manifest.json
with the one that was noted when the archive was made.
"""
ALWAYS_LEFT_OUT = (
    "other models, also where they share an incident's time",
    "rows of the warehouse, and suites, SQL files and functions that the spec names",
    "what Dagster and MLflow keep: logs, events, models",
    "hashed ids of forgotten rows; tables/audit.csv has how many",
    "what measuring took (efforts), threads and failures of channels",
)
WITHOUT_SNAPSHOTS = (
    "rows of predictions and labels (--with-snapshots)",
    "counts of columns and the documents of references, which may have values of single rows (--with-snapshots)",
)


@dataclass
class _Archived:
    files: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    missing: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    unrecorded: tuple[UnrecordedSpec, ...] = ()

    def add(self, name: str, added: Sum, contents: str, **more: object) -> None:
        self.files[name] = {"sha256": added.sha256, "bytes": added.bytes, "contents": contents, **more}


@dataclass(frozen=True, kw_only=True)
class WrittenArchive:
    """An archive that was written.

    Attributes:
        path: the file.
        files: how many files it has beside the manifest.
        rows: rows of all tables.
        missing: snapshots that are not in it although they were asked for.
        manifest: the SHA-256 of the manifest.
    """

    path: Path
    files: int
    rows: int
    missing: int
    manifest: str


def write_archive(
    path: Path,
    spec: ModelSpec,
    first: Chunk,
    last: Chunk,
    *,
    store: ResultStore,
    files: SnapshotFiles | None = None,
) -> WrittenArchive:
    """Write everything about a model from one chunk to another; the same store gives the same bytes.

    Args:
        path: the file, which is replaced as a whole.
        spec: the model.
        first: the first chunk.
        last: the last chunk.
        store: the store, which is only read.
        files: the snapshots, if they are to be in the archive.

    Raises:
        NothingJudgedError: when no chunk of the period was judged.
    """
    part = Part(
        model=spec.name, first=first.key, last=last.key, start=first.start, end=last.end,
        with_profiles=files is not None,
    )  # fmt: skip
    archived = _Archived()
    page = model_html(build_model_page(spec, store, first.key, last.key))
    with new_zip(path) as archive:
        archived.add("READ_ME.txt", archive.text("READ_ME.txt", READ_ME), "how to read the archive")
        archived.add("report.html", archive.text("report.html", page), "the report of the period")
        _add_snapshots(archive, archived, store.snapshots_of(part), files)
        history = read_history(spec.name, store)
        archived.unrecorded = history.unrecorded
        for change in history.changes:
            _add_text(archive, archived, change)
        with store.tables_of(part) as tables:
            for table in tables:
                name = f"tables/{table.name}.csv"
                with archive.file(name) as file:
                    rows = write_csv(file, table.columns, table.rows)
                archived.add(name, file.sum, table.comment, rows=rows)
        manifest = archive.text(MANIFEST, _manifest(spec, part, archived))
    return WrittenArchive(
        path=path,
        files=len(archived.files),
        rows=sum(entry.get("rows", 0) for entry in archived.files.values()),
        missing=len(archived.missing),
        manifest=manifest.sha256,
    )


def _add_text(archive: ZipWriter, archived: _Archived, change: SpecChange) -> None:
    text = change.text
    place = sum(name.endswith(".yaml") for name in archived.files) + 1
    stem = f"specs/{place:04d}-{text.text_hash}"
    by = f"by {text.who}" + (f" in commit {text.commit.commit_hash}" if text.commit else "")
    since = f"the spec since {text.seen_at.isoformat()}, {by}"
    archived.add(f"{stem}.yaml", archive.text(f"{stem}.yaml", text.text), since)
    if place > 1:
        diff = "\n".join(change.diff) + "\n"
        archived.add(f"{stem}.diff", archive.text(f"{stem}.diff", diff), "what it changed from the text before")


def _add_snapshots(archive: ZipWriter, archived: _Archived, uris: list[str], files: SnapshotFiles | None) -> None:
    if files is None:
        return
    for uri in uris:
        name = f"snapshots/{uri.removeprefix(REMOVED)}"
        if uri.startswith(REMOVED):
            archived.missing.append({"file": name, "reason": "removed by retention"})
            continue
        try:
            source = files.open(uri)
        except SnapshotError as error:
            archived.missing.append({"file": name, "reason": str(error)})
            continue
        with source, archive.file(name) as file:
            for block in _blocks(source):
                file.write(block)
        archived.add(name, file.sum, "rows of a chunk")


def _blocks(file: Any) -> Iterator[bytes]:
    while block := file.read(1 << 20):
        yield block


def _manifest(spec: ModelSpec, part: Part, archived: _Archived) -> str:
    left_out = (*ALWAYS_LEFT_OUT, *(() if part.with_profiles else WITHOUT_SNAPSHOTS))
    contents = {
        "format": FORMAT,
        "made_by": f"monitoring_pipeline {monitoring_pipeline.__version__}",
        "schema_revision": HEAD_REVISION,
        "model": spec.name,
        "period": {
            "first_chunk": part.first,
            "last_chunk": part.last,
            "start": part.start.isoformat(),
            "end": part.end.isoformat(),
            "timezone": spec.timezone,
            "cadence": spec.cadence,
        },
        "also_from_outside_the_period": [
            "results about the windows of references, versions and their cards, texts of the spec, and the audit",
            "whole incidents that were breached in the period, with their events, alerts and decisions",
        ],
        "left_out": list(left_out),
        "missing": archived.missing,
        "specs_without_text": [
            {"spec_hash": each.spec_hash, "first_measured_at": each.first_measured_at.isoformat()}
            for each in archived.unrecorded
        ],
        "files": dict(sorted(archived.files.items())),
    }
    return json.dumps(contents, indent=2, ensure_ascii=False) + "\n"
