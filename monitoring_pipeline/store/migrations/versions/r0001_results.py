"""Tables for revisions, measurements, profiles, verdicts, snapshots and references."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _create(
        "chunk_revisions",
        "What each producer said about a chunk was made from, and when; the newest revision is current",
        *_revision_key(),
        *_window(),
        *_origin(),
    )
    _create(
        "measurements",
        "One number about one chunk, or the reason why there is none",
        *_revision_key(),
        _position(),
        *_window(),
        *_texts("model_version", "role", "segment", "kind", "subject", "name", "status", "severity"),
        *_numbers("value", "lower", "upper", "reference_value", "p_value", "q_value"),
        *_numbers("threshold_lower", "threshold_upper"),
        sa.Column("reason", sa.Text),
        sa.Column("definition", sa.Text),
        *_counts("rows"),
        sa.Column("maturity", sa.Text),
        *_origin(),
    )
    op.create_index("measurements_by_name", "measurements", ["model", "name", "chunk_start"])
    _create(
        "profiles",
        "Counts of one column of a model version's rows in one chunk, over the cells of its reference",
        *_revision_key(),
        _position(),
        *_window(),
        *_texts("model_version", "column_name"),
        *_counts("rows"),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("unseen", sa.JSON, nullable=False),
        *_numbers("minimum", "maximum"),
        sa.Column("sum_centred", sa.Double, nullable=False),
        sa.Column("sum_squares_centred", sa.Double, nullable=False),
    )
    _create(
        "verdicts",
        "The judgement on one chunk",
        *_revision_key(),
        *_window(),
        *_texts("status"),
        sa.Column("reasons", sa.JSON, nullable=False),
        *_counts("measured", "breaches", "skipped"),
    )
    _create(
        "snapshots",
        "Which file holds the rows of a chunk; the uri is relative to the snapshots' root",
        *_revision_key(),
        *_window(),
        *_texts("kind", "uri", "fingerprint"),
        *_counts("rows"),
        sa.Column("latest_at", sa.DateTime(timezone=True)),
    )
    _create(
        "model_references",
        "References of model versions: bins, reference profile and baseline, as a JSON document",
        *_texts("model", "model_version", "reference_hash", key=True),
        sa.Column("is_current", sa.Boolean, nullable=False),
        *_times("window_start", "window_end"),
        *_counts("rows"),
        *_texts("document", "spec_hash", "input_fingerprint", "run_id"),
        *_times("created_at"),
    )


def _create(name: str, comment: str, *columns: sa.Column[Any]) -> None:
    op.create_table(name, *columns, comment=comment)


def _texts(*names: str, key: bool = False) -> Sequence[sa.Column[str]]:
    return [sa.Column(name, sa.Text, primary_key=key, nullable=False) for name in names]


def _numbers(*names: str) -> Sequence[sa.Column[float]]:
    return [sa.Column(name, sa.Double) for name in names]


def _counts(*names: str) -> Sequence[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def _times(*names: str) -> Sequence[sa.Column[Any]]:
    return [sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in names]


def _revision_key() -> Sequence[sa.Column[Any]]:
    number = sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False)
    return [*_texts("model", "chunk", "producer", key=True), number]


def _position() -> sa.Column[int]:
    return sa.Column("position", sa.Integer, primary_key=True, autoincrement=False)


def _window() -> Sequence[sa.Column[Any]]:
    return _times("chunk_start", "chunk_end")


def _origin() -> Sequence[sa.Column[Any]]:
    hashes = _texts("spec_hash", "reference_hash", "input_fingerprint", "code_version")
    return [*hashes, *_texts("run_id"), *_times("measured_at")]
