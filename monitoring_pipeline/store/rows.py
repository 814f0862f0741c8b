"""Convert results to rows of the store's tables and back; every round trip is exact."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, fields
from enum import StrEnum
from functools import lru_cache
from numbers import Integral, Real
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile, Unseen
from monitoring_pipeline.evaluation.reference.reference import Reference, reference_document
from monitoring_pipeline.evaluation.results import ChunkResults, Snapshot
from monitoring_pipeline.ports.references import Origin
from monitoring_pipeline.records.measurement import (
    Kind,
    Maturity,
    Measurement,
    Provenance,
    Role,
    Severity,
    Status,
    Verdict,
    VerdictStatus,
)
from monitoring_pipeline.records.names import name_and_of
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.store.tables.results import chunk_revisions, measurements, profiles, snapshots, verdicts

Row = dict[str, Any]

# The column name holds the text form of name and of.
_TEXTS = ("reason", "definition")
_MEASUREMENT_FIELDS = tuple(field.name for field in fields(Measurement) if field.name != "of")
MEASUREMENT_COLUMNS = tuple(measurements.c[name] for name in _MEASUREMENT_FIELDS)


def _maturity(text: str | None) -> Maturity | None:
    return None if text is None else Maturity(text)


_WORDS: dict[str, Callable[[Any], Any]] = {
    "kind": lru_cache(Kind),
    "status": lru_cache(Status),
    "severity": lru_cache(Severity),
    "role": lru_cache(Role),
    "maturity": lru_cache(_maturity),
}
"""What a stored word means; remembered, because a page reads thousands of them."""
_parts = lru_cache(maxsize=4096)(name_and_of)
_STORED_AS_THEY_ARE = (str, int, float)


def rows_of(
    results: ChunkResults, *, revision: int, run_id: str, measured_at: dt.datetime, known_since: dt.datetime
) -> list[tuple[sa.Table, list[Row]]]:
    """Return the rows of ``results``, by table."""
    chunk = results.chunk
    key = {"model": chunk.model, "chunk": chunk.key, "producer": str(results.producer), "revision": revision}
    place = key | {"chunk_start": chunk.start, "chunk_end": chunk.end}
    origin = asdict(results.provenance) | {"run_id": run_id, "measured_at": measured_at}
    columns = [(profile, column) for profile in results.profiles for column in profile.columns]
    return [
        (chunk_revisions, [place | origin | {"known_since": known_since}]),
        (
            measurements,
            [
                place | origin | {"position": position} | _measurement_row(measurement)
                for position, measurement in enumerate(results.measurements)
            ],
        ),
        (
            profiles,
            [
                place | {"position": position} | _profile_row(profile, column)
                for position, (profile, column) in enumerate(columns)
            ],
        ),
        (verdicts, [place | _verdict_row(results.verdict)] if results.verdict else []),
        (snapshots, [place | _snapshot_row(results.snapshot)] if results.snapshot else []),
    ]


def reference_row(reference: Reference, provenance: Provenance, chunk: Chunk, origin: Origin) -> Row:
    """Return the row of a reference that is current, without the model and version."""
    return {
        "reference_hash": reference.reference_hash,
        "is_current": True,
        "document": reference_document(reference),
        "spec_hash": provenance.spec_hash,
        "input_fingerprint": provenance.input_fingerprint,
        "rows": reference.profile.rows,
        "window_start": chunk.start,
        "window_end": chunk.end,
        "run_id": origin.run_id,
        "created_at": origin.at,
    }


def measurement_of(row: RowMapping) -> Measurement:
    """Return the measurement that a row holds."""
    return measurement_from([row[name] for name in _MEASUREMENT_FIELDS])


def measurement_from(values: Iterable[Any]) -> Measurement:
    """Return the measurement whose values are given, in the order of ``MEASUREMENT_COLUMNS``."""
    row = dict(zip(_MEASUREMENT_FIELDS, values, strict=True))
    for field, member in _WORDS.items():
        row[field] = member(row[field])
    row["name"], row["of"] = _parts(row["name"])
    return Measurement(**row)


def profiles_of(rows: Sequence[RowMapping]) -> tuple[ChunkProfile, ...]:
    """Return the profiles that the rows of one chunk and producer hold: one per model version and segment."""
    grouped: dict[tuple[str, str], list[RowMapping]] = {}
    for row in rows:
        grouped.setdefault((row["model_version"], row["segment"]), []).append(row)
    return tuple(
        ChunkProfile(version, of_one[0]["rows"], tuple(_column_profile_of(row) for row in of_one), segment)
        for (version, segment), of_one in grouped.items()
    )


def verdict_of(row: RowMapping) -> Verdict:
    """Return the verdict that a row holds."""
    return Verdict(
        status=VerdictStatus(row["status"]),
        reasons=tuple(row["reasons"]),
        measured=row["measured"],
        breaches=row["breaches"],
        skipped=row["skipped"],
    )


def snapshot_of(row: RowMapping) -> Snapshot:
    """Return the pointer that a row holds."""
    return Snapshot(**{field.name: row[field.name] for field in fields(Snapshot)})


def provenance_of(row: RowMapping) -> Provenance:
    """Return the provenance that a row holds."""
    return Provenance(**{field.name: row[field.name] for field in fields(Provenance)})


def _snapshot_row(snapshot: Snapshot) -> Row:
    return asdict(snapshot) | {"kind": str(snapshot.kind)}


def _measurement_row(measurement: Measurement) -> Row:
    row: Row = {name: _plain(getattr(measurement, name)) for name in _MEASUREMENT_FIELDS}
    texts = {name: without_secrets(row[name]) for name in _TEXTS if row[name]}
    return row | {"name": str(measurement.metric)} | texts


def _plain(value: object) -> object:
    if value is None or type(value) in _STORED_AS_THEY_ARE:
        return value
    # Python accepts numpy's numbers as floats and integers, but drivers would store them as text or bytes.
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else value


def _profile_row(profile: ChunkProfile, column: ColumnProfile) -> Row:
    return {
        "model_version": profile.model_version,
        "segment": profile.segment,
        "column_name": column.column,
        "rows": profile.rows,
        "counts": list(column.counts),
        "unseen": [asdict(entry) for entry in column.unseen],
        "minimum": column.minimum,
        "maximum": column.maximum,
        "sum_centred": column.sum_centred,
        "sum_squares_centred": column.sum_squares_centred,
    }


def _column_profile_of(row: RowMapping) -> ColumnProfile:
    return ColumnProfile(
        column=row["column_name"],
        counts=tuple(row["counts"]),
        minimum=row["minimum"],
        maximum=row["maximum"],
        sum_centred=row["sum_centred"],
        sum_squares_centred=row["sum_squares_centred"],
        unseen=tuple(Unseen(**entry) for entry in row["unseen"]),
    )


def _verdict_row(verdict: Verdict) -> Row:
    return asdict(verdict) | {"status": verdict.status.value, "reasons": list(map(without_secrets, verdict.reasons))}
