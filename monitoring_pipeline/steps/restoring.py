"""Snapshots that are damaged or gone are read again from the warehouse, if their rows are still those that were judged.

Otherwise it is reported which rows are lost. A reader never gets other rows than those that were judged.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from monitoring_pipeline.evaluation.profiles.by_chunk import rows_to_keep
from monitoring_pipeline.evaluation.results import KeptRows
from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.evaluation.rows.fingerprints import fingerprint
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.ports.snapshots import SnapshotError, SnapshotLostError, Snapshots
from monitoring_pipeline.records.producer import reference_producer
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.steps.chunk.labels import labels_again
from monitoring_pipeline.steps.chunk.predictions import take_predictions
from monitoring_pipeline.steps.inputs import LABELS, PREDICTIONS
from monitoring_pipeline.steps.reference.reading import read_reference_rows

FindSpec = Callable[[str], LoadedSpec | None]
"""Returns the spec of a model; None if there is none that can be used."""

_LOST: dict[str, str] = {
    PREDICTIONS: "its counts, drift, estimates, segments, explanations and comparisons, and its performance with later "
    "labels",
    LABELS: "its performance, segments and explanations",
}
_LOST_OF_REFERENCE = "the variation in windows, the splits of changes, and the explanations"


@dataclass(frozen=True)
class RestoringSnapshots:
    """Snapshots that are read again from the warehouse if they are damaged or gone.

    Args:
        files: the files.
        outside: all other ports.
        find_spec: finds the spec of a model.
    """

    files: Snapshots
    outside: Outside
    find_spec: FindSpec

    def write(self, frame: pl.DataFrame, *, model: str, chunk: str, kind: str, fingerprint: str) -> str:
        """Write a file unless it exists undamaged; return its URI."""
        return self.files.write(frame, model=model, chunk=chunk, kind=kind, fingerprint=fingerprint)

    def scan(self, uri: str) -> pl.LazyFrame:
        """Return the rows of a file, not yet read.

        Raises:
            SnapshotLostError: when the file is missing or damaged, and its rows cannot be had again.
        """
        try:
            return self.files.scan(uri)
        except SnapshotError as error:
            self._restore(uri, error)
        return self.files.scan(uri)

    def read(self, uri: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return the rows of a file: the named columns, or all.

        Raises:
            SnapshotLostError: when the file is missing or damaged, and its rows cannot be had again.
        """
        rows = self.scan(uri)
        return (rows if columns is None else rows.select(columns)).collect()

    def _restore(self, uri: str, fault: SnapshotError) -> None:
        model, in_file_name, file_name = uri.split("/")
        kept = self.outside.store.kept_rows(model, uri)
        loaded = self.find_spec(model)
        if kept is None or loaded is None:
            missing = "no result points to it" if kept is None else f"there is no usable spec of {model}"
            message = f"{fault}; it cannot be read again, because {missing}"
            raise SnapshotLostError(message) from fault
        try:
            rows = _read_again(loaded, kept, self.outside)
        except (SourceError, SnapshotError) as error:
            raise _lost(model, kept, fault, f"it cannot be read again: {error}") from error
        if rows is None:
            raise fault
        if fingerprint(rows) != kept.snapshot.fingerprint:
            raise _lost(model, kept, fault, f"the warehouse has other rows now: {rows.height:,}") from fault
        kind = file_name.removesuffix(f"-{kept.snapshot.fingerprint}.parquet")
        self.files.write(rows, model=model, chunk=in_file_name, kind=kind, fingerprint=kept.snapshot.fingerprint)
        logging.getLogger(__name__).warning(
            "the snapshot %s was damaged or gone; its %s rows were read again from the warehouse, are those that were "
            "judged, and are written anew", uri, rows.height,
        )  # fmt: skip


def with_restored_snapshots(outside: Outside, find_spec: FindSpec) -> Outside:
    """Return the ports with snapshots that are read again if they are damaged or gone."""
    return replace(outside, snapshots=RestoringSnapshots(outside.snapshots, outside, find_spec))


def _lost(model: str, kept: KeptRows, fault: SnapshotError, reason: str) -> SnapshotLostError:
    kind = kept.snapshot.kind
    is_reference = kind not in _LOST
    lost = _LOST_OF_REFERENCE if is_reference else _LOST[kind]
    what = kind if is_reference else f"the {kind} of {kept.chunk}"
    remedy = f"monitoring-pipeline backfill {model} --from {kept.chunk} --to {kept.chunk}"
    if is_reference:
        remedy = f"monitoring-pipeline reference rebuild {model}"
    return SnapshotLostError(
        f"{_fault(fault)}; {reason}. What is stored of {model} stays as it was judged. Lost are the rows of {what}; "
        f"from them cannot be derived again: {lost}. `{remedy}` measures the rows that the warehouse has now"
    )


def _fault(fault: SnapshotError) -> str:
    return str(fault).partition("; re-running")[0]


def _read_again(loaded: LoadedSpec, kept: KeptRows, outside: Outside) -> pl.DataFrame | None:
    """Return the rows of a snapshot as the warehouse has them now; None if its kind is not read from there."""
    spec = loaded.spec
    kind = kept.snapshot.kind
    for version in spec.reference:
        if kind == reference_producer(version):
            read = read_reference_rows(loaded, version, outside, now=kept.measured_at)
            return rows_to_keep(read.rows.filter(pl.col("model_version") == version), read.labels)
    if kind == PREDICTIONS:
        taken = _Taken()
        take_predictions(loaded, spec.calendar.chunk(kept.chunk), replace(outside, snapshots=taken))
        return taken.frames[0] if taken.frames else None
    if kind == LABELS:
        return labels_again(
            spec, spec.calendar.chunk(kept.chunk), kept.known_since, outside, _labels_before(kept, outside.snapshots)
        )
    return None


def _labels_before(kept: KeptRows, snapshots: Snapshots) -> pl.DataFrame | None:
    """Return the labels of the newest earlier revision whose file can be read; None if there is none."""
    for earlier in (each for each in kept.before if not each.is_removed):
        try:
            return snapshots.read(earlier.uri)
        except SnapshotError:
            continue
    return None


@dataclass(frozen=True)
class _Taken:
    """Takes the rows that a step would write. It has none to read."""

    frames: list[pl.DataFrame] = field(default_factory=list[pl.DataFrame])

    def write(self, frame: pl.DataFrame, *, model: str, chunk: str, kind: str, fingerprint: str) -> str:
        self.frames.append(frame)
        return f"{model}/{chunk}/{kind}-{fingerprint}.parquet"

    def scan(self, uri: str) -> pl.LazyFrame:
        raise SnapshotLostError(uri)

    def read(self, uri: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        return self.scan(uri).select(columns or pl.all()).collect()
