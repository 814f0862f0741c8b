"""The tables of the store, written once for SQLite and PostgreSQL.

Every fact about a chunk hangs on a row of ``chunk_revisions``: (model, chunk, producer, revision). The newest
revision of a (model, chunk, producer) is the current one, also when it holds no facts at all; the views in
``sql/views/`` show only that one. Times are UTC. ``position`` keeps the order in which facts were written.
"""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable, SetTableComment

SCHEMA = "monitoring"
"""Schema of the tables on PostgreSQL; SQLite has none."""

metadata = sa.MetaData()


class UtcTimestamp(sa.types.TypeDecorator[dt.datetime]):
    """An aware datetime in, an aware datetime in UTC out; SQLite, which knows no zones, holds UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        """Return UTC as the database wants it.

        Raises:
            ValueError: when the time has no zone.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"{value} has no time zone"
            raise ValueError(message)
        utc = value.astimezone(dt.UTC)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    def process_result_value(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        """Return an aware datetime in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if dialect.name == "sqlite" else value.astimezone(dt.UTC)


def _text(name: str, *, key: bool = False, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=nullable)


def _number(name: str, *, nullable: bool = True) -> sa.Column[float]:
    return sa.Column(name, sa.Double, nullable=nullable)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[dt.datetime]:
    return sa.Column(name, UtcTimestamp, nullable=nullable)


def _revision_key() -> tuple[sa.Column[Any], ...]:
    return (
        _text("model", key=True),
        _text("chunk", key=True),
        _text("producer", key=True),
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    )


def _position() -> sa.Column[int]:
    return sa.Column("position", sa.Integer, primary_key=True, autoincrement=False)


def _window() -> tuple[sa.Column[dt.datetime], ...]:
    return (_time("chunk_start"), _time("chunk_end"))


def _origin() -> tuple[sa.Column[Any], ...]:
    return (
        _text("spec_hash"),
        _text("reference_hash"),
        _text("input_fingerprint"),
        _text("code_version"),
        _text("run_id"),
        _time("measured_at"),
    )


chunk_revisions = sa.Table(
    "chunk_revisions",
    metadata,
    *_revision_key(),
    *_window(),
    *_origin(),
    _time("known_since", nullable=True),
    comment="What each producer said about a chunk was made from, and when; the newest revision is current",
)

measurements = sa.Table(
    "measurements",
    metadata,
    *_revision_key(),
    _position(),
    *_window(),
    _text("model_version"),
    _text("role"),
    _text("segment"),
    _text("kind"),
    _text("subject"),
    _text("name"),
    _text("status"),
    _text("severity"),
    _number("value"),
    _number("lower"),
    _number("upper"),
    _number("reference_value"),
    _number("p_value"),
    _number("q_value"),
    _number("threshold_lower"),
    _number("threshold_upper"),
    _text("reason", nullable=True),
    _text("definition", nullable=True),
    _count("rows"),
    _text("maturity", nullable=True),
    *_origin(),
    sa.Index("measurements_by_name", "model", "name", "chunk_start"),
    comment="One number about one chunk, or the reason why there is none",
)

profiles = sa.Table(
    "profiles",
    metadata,
    *_revision_key(),
    _position(),
    *_window(),
    _text("model_version"),
    _text("segment"),
    _text("column_name"),
    _count("rows"),
    sa.Column("counts", sa.JSON, nullable=False),
    sa.Column("unseen", sa.JSON, nullable=False),
    _number("minimum"),
    _number("maximum"),
    _number("sum_centred", nullable=False),
    _number("sum_squares_centred", nullable=False),
    comment="Counts of one column of a model version's rows in one chunk, over the cells of its reference",
)

verdicts = sa.Table(
    "verdicts",
    metadata,
    *_revision_key(),
    *_window(),
    _text("status"),
    sa.Column("reasons", sa.JSON, nullable=False),
    _count("measured"),
    _count("breaches"),
    _count("skipped"),
    comment="The judgement on one chunk",
)

snapshots = sa.Table(
    "snapshots",
    metadata,
    *_revision_key(),
    *_window(),
    _text("kind"),
    _text("uri"),
    _text("fingerprint"),
    _count("rows"),
    _time("latest_at", nullable=True),
    comment="Which file holds the rows of a chunk; the uri is relative to the snapshots' root",
)

model_references = sa.Table(
    "model_references",
    metadata,
    _text("model", key=True),
    _text("model_version", key=True),
    _text("reference_hash", key=True),
    sa.Column("is_current", sa.Boolean, nullable=False),
    _time("window_start"),
    _time("window_end"),
    _count("rows"),
    _text("document"),
    _text("spec_hash"),
    _text("input_fingerprint"),
    _text("run_id"),
    _time("created_at"),
    comment="References of model versions: bins, reference profile and baseline, as a JSON document",
)

REVISED_TABLES = (chunk_revisions, measurements, profiles, verdicts, snapshots)
"""The tables whose rows belong to a revision; replaced together."""


def ddl(dialect: sa.Dialect | None = None) -> str:
    """Return the statements that create all tables, for readers; PostgreSQL unless told otherwise."""
    target: sa.Dialect = dialect or postgresql.dialect()
    statements: list[str] = []
    if target.name == "postgresql":
        statements += [f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}", f"SET search_path TO {SCHEMA}"]
    for table in metadata.sorted_tables:
        elements: list[sa.schema.ExecutableDDLElement] = [CreateTable(table)]
        if target.supports_comments:
            elements.append(SetTableComment(table))
        elements += [CreateIndex(index) for index in sorted(table.indexes, key=lambda index: str(index.name))]
        statements += [_as_text(element, target) for element in elements]
    return "".join(f"{statement};\n\n" for statement in statements).rstrip("\n") + "\n"


def _as_text(element: sa.schema.ExecutableDDLElement, dialect: sa.Dialect) -> str:
    lines = str(element.compile(dialect=dialect)).strip().splitlines()
    return "\n".join(line.replace("\t", "    ").rstrip() for line in lines if line.strip())
