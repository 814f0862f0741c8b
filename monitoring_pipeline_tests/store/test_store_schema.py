"""Migrations, the schema for readers, and the tables in code are equal."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from monitoring_pipeline.shipped_files import read_sql, sql_directory
from monitoring_pipeline.store.engine import create_store_engine
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.store.schema import HEAD_REVISION, VIEWS, StoreSchemaError, bring_to_head
from monitoring_pipeline.store.tables.columns import metadata
from monitoring_pipeline.store.tables.ddl import ddl


def test_migrated_empty_database_has_the_tables_in_code(store, store_url):
    engine = create_store_engine(store_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert set(sa.inspect(connection).get_view_names()) == set(VIEWS)
    engine.dispose()


def test_every_view_file_is_created():
    assert {path.stem for path in (sql_directory() / "views").glob("*.sql")} == set(VIEWS)


def test_head_revision_constant_equals_the_migrations_head():
    scripts = ScriptDirectory(str(Path(sys.modules[ResultStore.__module__].__file__).parent / "migrations"))
    assert scripts.get_heads() == [HEAD_REVISION]


def test_opening_a_store_at_head_changes_nothing(store_url, store):
    engine = create_store_engine(store_url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP VIEW problems"))
    bring_to_head(engine)
    with engine.connect() as connection:
        assert "problems" not in sa.inspect(connection).get_view_names()
    engine.dispose()


def test_older_store_gets_current_views(store_url):
    ResultStore.open(store_url).close()
    engine = create_store_engine(store_url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP VIEW told_events"))
        connection.execute(sa.text("CREATE VIEW told_events AS SELECT 1 AS of_old"))
        connection.execute(sa.text("ALTER TABLE incidents DROP COLUMN explained_by"))
        connection.execute(sa.text("ALTER TABLE snapshots DROP COLUMN state"))
        connection.execute(sa.text("ALTER TABLE model_references DROP COLUMN declaration"))
        connection.execute(sa.text("DROP INDEX measurements_breached"))
        connection.execute(sa.text("DROP TABLE version_cards"))
        connection.execute(sa.text("DROP TABLE channel_failures"))
        connection.execute(sa.text("DROP TABLE efforts"))
        for table in ("audit", "forgotten_rows", "spec_texts"):
            connection.execute(sa.text(f"DROP TABLE {table}"))
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0003'"))
    ResultStore.open(store_url).close()
    with engine.connect() as connection:
        assert "page" in {column["name"] for column in sa.inspect(connection).get_columns("told_events")}
    engine.dispose()


def test_store_of_a_newer_version_is_refused_and_unchanged(store_url):
    ResultStore.open(store_url).close()
    engine = create_store_engine(store_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreSchemaError, match="'9999', this version of monitoring_pipeline supports 0001"):
        ResultStore.open(store_url)
    with engine.connect() as connection:
        assert set(sa.inspect(connection).get_view_names()) == set(VIEWS)
    engine.dispose()


def test_failed_migration_leaves_an_empty_database(store_url, monkeypatch):
    def read_broken(name: str) -> str:
        return "CREATE VIEW problems AS SELECT nothing FROM nowhere" if name == "views/problems.sql" else read_sql(name)

    with monkeypatch.context() as patched:
        patched.setattr("monitoring_pipeline.store.schema.read_sql", read_broken)
        with pytest.raises(sa.exc.DBAPIError, match="nowhere"):
            ResultStore.open(store_url)
    engine = create_store_engine(store_url)
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []
    engine.dispose()
    ResultStore.open(store_url).close()


def test_schema_for_readers_equals_the_tables_in_code():
    assert read_sql("schema/results.sql") == ddl()


def test_schema_for_readers_is_valid_postgresql(postgresql_server):
    engine = create_store_engine(f"{postgresql_server}/postgres")
    with engine.connect() as connection:
        connection.exec_driver_sql(ddl())
        created = set(sa.inspect(connection).get_table_names(schema="monitoring"))
        connection.rollback()
    engine.dispose()
    assert created == set(metadata.tables)


def test_opening_a_store_at_head_imports_neither_alembic_nor_heavy_libraries(tmp_path):
    url = f"sqlite:///{tmp_path}/results.sqlite"
    ResultStore.open(url).close()
    code = (
        "import sys; from monitoring_pipeline.store.results import ResultStore; "
        f"ResultStore.open({url!r}).close(); "
        "print([m for m in ('alembic', 'great_expectations', 'mlflow', 'sklearn', 'dagster') if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert printed.strip() == "[]"


def test_store_that_is_opened_to_read_is_neither_made_nor_upgraded(tmp_path):
    url = f"sqlite:///{tmp_path / 'results.db'}"
    with pytest.raises(StoreSchemaError, match=r"has no tables.*migrate"):
        ResultStore.open_to_read(url)
    ResultStore.open(url).close()
    engine = create_store_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(StoreSchemaError, match="has schema revision '0001'"):
        ResultStore.open_to_read(url)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == "0001"
    engine.dispose()


def test_store_that_is_opened_to_read_gives_what_was_written(tmp_path):
    url = f"sqlite:///{tmp_path / 'results.db'}"
    ResultStore.open(url).close()
    with ResultStore.open_to_read(url) as store:
        assert store.incidents() == []
