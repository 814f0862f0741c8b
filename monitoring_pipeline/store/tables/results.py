"""The tables of results, for SQLite and PostgreSQL alike.

Every fact about a chunk belongs to a row of ``chunk_revisions``: (model, chunk, producer, revision). The newest
revision of a (model, chunk, producer) is the current one, even if it has no facts; the views in ``sql/views/`` show
only that one. Times are UTC. ``position`` keeps the order in which facts were written.
"""

import datetime as dt
from functools import cache
from typing import Any

import sqlalchemy as sa

from monitoring_pipeline.store.tables.columns import count, metadata, number, text, time


def _revision_key() -> tuple[sa.Column[Any], ...]:
    return (
        text("model", key=True),
        text("chunk", key=True),
        text("producer", key=True),
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    )


def _position() -> sa.Column[int]:
    return sa.Column("position", sa.Integer, primary_key=True, autoincrement=False)


def _window() -> tuple[sa.Column[dt.datetime], ...]:
    return (time("chunk_start"), time("chunk_end"))


def _origin() -> tuple[sa.Column[Any], ...]:
    return (
        text("spec_hash"),
        text("reference_hash"),
        text("input_fingerprint"),
        text("code_version"),
        text("run_id"),
        time("measured_at"),
    )


BREACHED = sa.literal_column("'breached'")
"""The status of a breach. Databases use a partial index only if its condition is in a query as text."""
IS_BREACHED = sa.text("status = 'breached'")

chunk_revisions = sa.Table(
    "chunk_revisions",
    metadata,
    *_revision_key(),
    *_window(),
    *_origin(),
    time("known_since", nullable=True),
    comment="What each producer said about a chunk was made from, and when; the newest revision is current",
)

measurements = sa.Table(
    "measurements",
    metadata,
    *_revision_key(),
    _position(),
    *_window(),
    text("model_version"),
    text("role"),
    text("segment"),
    text("kind"),
    text("subject"),
    text("name"),
    text("status"),
    text("severity"),
    number("value"),
    number("lower"),
    number("upper"),
    number("reference_value"),
    number("p_value"),
    number("q_value"),
    number("threshold_lower"),
    number("threshold_upper"),
    text("reason", nullable=True),
    text("definition", nullable=True),
    count("rows"),
    text("maturity", nullable=True),
    *_origin(),
    sa.Index("measurements_by_name", "model", "name", "subject", "chunk_start"),
    sa.Index("measurements_breached", "model", "chunk_start", sqlite_where=IS_BREACHED, postgresql_where=IS_BREACHED),
    comment="One number about one chunk, or the reason why there is none",
)

profiles = sa.Table(
    "profiles",
    metadata,
    *_revision_key(),
    _position(),
    *_window(),
    text("model_version"),
    text("segment"),
    text("column_name"),
    count("rows"),
    sa.Column("counts", sa.JSON, nullable=False),
    sa.Column("unseen", sa.JSON, nullable=False),
    number("minimum"),
    number("maximum"),
    number("sum_centred", nullable=False),
    number("sum_squares_centred", nullable=False),
    comment="Counts of one column of a model version's rows in one chunk, over the cells of its reference",
)

verdicts = sa.Table(
    "verdicts",
    metadata,
    *_revision_key(),
    *_window(),
    text("status"),
    sa.Column("reasons", sa.JSON, nullable=False),
    count("measured"),
    count("breaches"),
    count("skipped"),
    comment="The judgement on one chunk",
)

snapshots = sa.Table(
    "snapshots",
    metadata,
    *_revision_key(),
    *_window(),
    text("kind"),
    text("uri"),
    text("fingerprint"),
    count("rows"),
    time("latest_at", nullable=True),
    text("state", nullable=True),
    comment="Which file holds the rows of a chunk; the uri is relative to the snapshots' root",
)

model_references = sa.Table(
    "model_references",
    metadata,
    text("model", key=True),
    text("model_version", key=True),
    text("reference_hash", key=True),
    sa.Column("is_current", sa.Boolean, nullable=False),
    time("window_start"),
    time("window_end"),
    count("rows"),
    text("document"),
    text("spec_hash"),
    text("input_fingerprint"),
    text("run_id"),
    time("created_at"),
    text("declaration", nullable=True),
    comment="References of model versions: bins, reference profile and baseline, as a JSON document",
)

REVISED_TABLES = (chunk_revisions, measurements, profiles, verdicts, snapshots)
"""The tables whose rows belong to a revision; the rows of a revision are replaced together."""

efforts = sa.Table(
    "efforts",
    metadata,
    text("model", key=True),
    text("chunk", key=True),
    text("producer", key=True),
    sa.Column("cpu_seconds", sa.Float, nullable=False),
    sa.Column("wall_seconds", sa.Float, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=True),
    text("run_id"),
    time("measured_at"),
    sa.Column("bytes_read", sa.BigInteger, nullable=True),
    comment="What each asset took on a chunk when it was measured last: seconds, and rows read from the warehouse",
)

RESULT_TABLES = (*REVISED_TABLES, model_references, efforts)
"""All tables of results."""

REFERENCE_KEY_PATTERN = "%/%"
"""SQL pattern of the keys of reference windows; keys of chunks have no slash."""


@cache
def is_current(table: sa.Table) -> sa.ColumnElement[bool]:
    """Return whether a row of a revised table belongs to the newest revision of its model, chunk and producer."""
    newer = chunk_revisions.alias("newer")
    return ~sa.exists().where(
        newer.c.model == table.c.model,
        newer.c.chunk == table.c.chunk,
        newer.c.producer == table.c.producer,
        newer.c.revision > table.c.revision,
    )
