"""Alembic runs this file to migrate a given connection, inside that connection's transaction."""

from alembic import context

from monitoring_pipeline.store.tables.results import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
