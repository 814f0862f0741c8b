"""Bring the store's database to the newest schema: tables by migrations, views from ``sql/views/``."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import ProgrammingError

from monitoring_pipeline.shipped_files import read_sql
from monitoring_pipeline.store.engine import writing
from monitoring_pipeline.store.tables.columns import SCHEMA

INSUFFICIENT_PRIVILEGE = "42501"
HEAD_REVISION = "0016"
"""Newest revision in ``migrations/versions/``; repeated here so that opening a store does not import Alembic."""

VIEWS = (
    "current_revisions",
    "current_measurements",
    "current_profiles",
    "current_verdicts",
    "problems",
    "estimation_errors",
    "told_events",
)
"""Files of ``sql/views/``, each after those that it reads from."""


class StoreSchemaError(RuntimeError):
    """The database has a schema that this version cannot use."""


def bring_to_head(engine: Engine) -> None:
    """Create or upgrade the schema if necessary; safe when several processes start at once.

    When tables migrate, all views are dropped before and created anew after.

    Raises:
        StoreSchemaError: when the schema was made by a newer version, or the role may not change it.
    """
    with engine.connect() as connection:
        stored = _stored_revision(connection)
        if stored == HEAD_REVISION:
            return
    try:
        _upgrade(engine)
    except ProgrammingError as error:
        if getattr(error.orig, "pgcode", None) != INSUFFICIENT_PRIVILEGE:
            raise
        message = (
            f"the store {engine.url.render_as_string()} {_found(stored)}, {HEAD_REVISION!r} is needed, and its role "
            "may not change tables; run `monitoring-pipeline migrate` with the role that owns the schema "
            f"{SCHEMA} (docs/deployment.md)"
        )
        raise StoreSchemaError(message) from None


def _upgrade(engine: Engine) -> None:
    with writing(engine, "schema") as connection:
        stored = _stored_revision(connection)
        if stored == HEAD_REVISION:
            return
        # IF NOT EXISTS would need the right to make schemas even if this one exists.
        if connection.dialect.name == "postgresql" and not sa.inspect(connection).has_schema(SCHEMA):
            connection.execute(sa.schema.CreateSchema(SCHEMA, if_not_exists=True))
        for view in reversed(VIEWS):
            connection.exec_driver_sql(f"DROP VIEW IF EXISTS {view}")
        _migrate(connection, stored)
        for view in VIEWS:
            connection.execute(sa.text(read_sql(f"views/{view}.sql")))


def require_head(engine: Engine) -> None:
    """Check that the schema is the newest, and change nothing: for a role that only reads.

    Raises:
        StoreSchemaError: when the store does not exist, or has another schema.
    """
    with engine.connect() as connection:
        stored = _stored_revision(connection)
    if stored != HEAD_REVISION:
        message = (
            f"the store {engine.url.render_as_string()} {_found(stored)}, and {HEAD_REVISION!r} is needed; a command "
            "that writes makes or upgrades it: `monitoring-pipeline backfill`, or `monitoring-pipeline migrate` alone"
        )
        raise StoreSchemaError(message)


def _found(stored: str | None) -> str:
    return f"has schema revision {stored!r}" if stored else "has no tables"


def _stored_revision(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(connection: Connection, stored: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "monitoring_pipeline.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    if stored is not None and stored not in revisions:
        message = (
            f"the store {connection.engine.url.render_as_string()} has schema revision {stored!r}, "
            f"this version of monitoring_pipeline supports {', '.join(sorted(revisions))}; use a newer version"
        )
        raise StoreSchemaError(message)
    command.upgrade(config, "head")
