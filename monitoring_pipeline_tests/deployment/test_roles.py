"""Each role of sql/roles/ does its part on a real PostgreSQL, and is refused when it tries to do more."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import psycopg2
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from click.testing import CliRunner
from psycopg2.errorcodes import INSUFFICIENT_PRIVILEGE, READ_ONLY_SQL_TRANSACTION

from monitoring_pipeline.cli import main
from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.shipped_files import sql_directory
from monitoring_pipeline.store.engine import create_store_engine
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.store.schema import HEAD_REVISION, StoreSchemaError
from monitoring_pipeline_tests.deployment.databases import as_role, copy_tables, execute, new_databases, run_psql
from monitoring_pipeline_tests.end_to_end.documented_commands import (
    Group,
    call_command,
    commands_of,
    type_command,
)
from monitoring_pipeline_tests.postgresql_server import psql_program
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS, QUIET, World, copy_world

SOURCES, MIGRATIONS, WRITER, READER = (f"monitoring_{name}" for name in ("sources", "migrations", "writer", "reader"))
TABLES = ("Loan Scores", "Outcomes")
WRITES = (
    'INSERT INTO "Loan Scores" SELECT * FROM "Loan Scores" LIMIT 1',
    'UPDATE "Loan Scores" SET "VERSION" = NULL',
    'DELETE FROM "Loan Scores"',
    'TRUNCATE "Loan Scores"',
    'DROP TABLE "Loan Scores"',
    'ALTER TABLE "Loan Scores" ADD COLUMN seen INTEGER',
    "CREATE TABLE public.own (a INTEGER)",
    "CREATE SCHEMA own",
)
NO_ROLE_MAY = (
    "CREATE DATABASE own",
    "CREATE ROLE own",
    "ALTER ROLE postgres NOLOGIN",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY (SELECT 1) TO '/tmp/own'",
    "SELECT pg_read_file('postgresql.conf')",
    "ALTER SYSTEM SET work_mem = '1GB'",
    "SET ROLE postgres",
)


@dataclass(frozen=True)
class Server:
    """A database of sources and one of the store, by the URLs of an administrator."""

    sources: str
    store: str


@pytest.fixture(scope="module")
def server(postgresql_server: str, untouched_folder: Path) -> Iterator[Server]:
    with new_databases(postgresql_server, "sources", "store") as (sources, store):
        copy_tables(untouched_folder / "warehouse.duckdb", sources, *TABLES)
        execute(sources, "CREATE SCHEMA payroll", "CREATE TABLE payroll.salaries (amount INTEGER)")
        for _ in "twice":
            run_psql(sources, sql_directory() / "roles" / "sources.sql", schema="public")
            run_psql(store, sql_directory() / "roles" / "store.sql")
        ResultStore.open(as_role(store, MIGRATIONS)).close()
        yield Server(sources, store)


def _code_of(url: str, statement: str) -> str | None:
    """Return the code of the error of a statement, also when the session allows itself to write."""
    try:
        execute(url, "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", statement)
    except psycopg2.Error as error:
        return error.pgcode
    return None


def test_reader_of_sources_reads_them_and_can_do_nothing_else(server: Server) -> None:
    own = as_role(server.sources, SOURCES)
    assert execute(own, 'SELECT count(*) FROM "Loan Scores"')[0][0] > 1000
    refused = [*WRITES, *NO_ROLE_MAY, "SELECT * FROM payroll.salaries"]
    assert {statement: _code_of(own, statement) for statement in refused} == dict.fromkeys(
        refused, INSUFFICIENT_PRIVILEGE
    )
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        execute(own, "CREATE TEMPORARY TABLE own (a INTEGER)")
    assert _code_of(as_role(server.store, SOURCES), "SELECT * FROM monitoring.verdicts") == INSUFFICIENT_PRIVILEGE


def test_writer_of_results_changes_rows_and_nothing_else(server: Server) -> None:
    own = as_role(server.store, WRITER)
    row = "INSERT INTO monitoring.channel_failures SELECT * FROM monitoring.channel_failures"
    allowed = [row, "DELETE FROM monitoring.verdicts", "SELECT * FROM monitoring.problems"]
    assert {statement: _code_of(own, statement) for statement in allowed} == dict.fromkeys(allowed)
    refused = [
        "UPDATE monitoring.alembic_version SET version_num = '0001'",
        "INSERT INTO monitoring.alembic_version VALUES ('0001')",
        "DELETE FROM monitoring.alembic_version",
        "CREATE TABLE monitoring.own (a INTEGER)",
        "CREATE TABLE public.own (a INTEGER)",
        "CREATE SCHEMA own",
        "DROP TABLE monitoring.verdicts",
        "TRUNCATE monitoring.verdicts",
        "ALTER TABLE monitoring.verdicts ADD COLUMN own INTEGER",
        "DROP VIEW monitoring.problems",
        "GRANT SELECT ON monitoring.verdicts TO PUBLIC",
        f"SET ROLE {MIGRATIONS}",
        *NO_ROLE_MAY,
    ]
    found = {statement: _code_of(own, statement) for statement in refused}
    # PostgreSQL grants nothing where nothing may be granted, and warns.
    assert found.pop("GRANT SELECT ON monitoring.verdicts TO PUBLIC") in (None, INSUFFICIENT_PRIVILEGE)
    assert found == dict.fromkeys(found, INSUFFICIENT_PRIVILEGE)
    reach = execute(server.store, "SELECT has_table_privilege('monitoring_sources', 'monitoring.verdicts', 'SELECT')")
    assert reach == [(False,)]
    for statement in ('SELECT * FROM "Loan Scores"', "SELECT * FROM payroll.salaries"):
        assert _code_of(as_role(server.sources, WRITER), statement) == INSUFFICIENT_PRIVILEGE


def test_reader_of_results_reads_tables_and_views_and_writes_nothing(server: Server) -> None:
    own = as_role(server.store, READER)
    for relation in ("verdicts", "problems", "alembic_version"):
        execute(own, f"SELECT * FROM monitoring.{relation}")
    with pytest.raises(psycopg2.Error) as refused_by_session:
        execute(own, "DELETE FROM monitoring.verdicts")
    assert refused_by_session.value.pgcode in (READ_ONLY_SQL_TRANSACTION, INSUFFICIENT_PRIVILEGE)
    tables = [name for (name,) in execute(own, "SELECT tablename FROM pg_tables WHERE schemaname = 'monitoring'")]
    assert len(tables) > 10
    refused = [
        *(f"DELETE FROM monitoring.{table}" for table in tables),
        "CREATE TABLE monitoring.own (a INTEGER)",
        "SELECT nextval('monitoring.incident_events_event_id_seq')",
        f"SET ROLE {WRITER}",
        *NO_ROLE_MAY,
    ]
    assert {statement: _code_of(own, statement) for statement in refused} == dict.fromkeys(
        refused, INSUFFICIENT_PRIVILEGE
    )


def test_migrating_role_owns_one_schema_and_reaches_no_other(server: Server) -> None:
    own = as_role(server.store, MIGRATIONS)
    execute(own, "CREATE TABLE monitoring.later (a INTEGER)")
    execute(as_role(server.store, WRITER), "INSERT INTO monitoring.later VALUES (1)")
    assert execute(as_role(server.store, READER), "SELECT * FROM monitoring.later") == [(1,)]
    execute(own, "DROP TABLE monitoring.later")
    refused = ["CREATE SCHEMA own", "CREATE TABLE public.own (a INTEGER)", "DROP SCHEMA public CASCADE", *NO_ROLE_MAY]
    assert {statement: _code_of(own, statement) for statement in refused} == dict.fromkeys(
        refused, INSUFFICIENT_PRIVILEGE
    )
    assert _code_of(as_role(server.sources, MIGRATIONS), 'SELECT * FROM "Loan Scores"') == INSUFFICIENT_PRIVILEGE


def _make_at(revision: str, url: str) -> None:
    """Make the tables that an administrator had at that revision."""
    execute(url, "CREATE SCHEMA monitoring")
    config = Config()
    config.set_main_option("script_location", "monitoring_pipeline.store:migrations")
    config.set_main_option("path_separator", "os")
    engine = create_store_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_store_that_was_made_before_its_roles_gets_them(postgresql_server: str) -> None:
    with new_databases(postgresql_server, "older") as (store,):
        _make_at("0010", store)
        run_psql(store, sql_directory() / "roles" / "store.sql")
        with pytest.raises(StoreSchemaError, match=r"'0010'.*may not change tables.*`monitoring-pipeline migrate`"):
            ResultStore.open(as_role(store, WRITER))
        url = as_role(store, MIGRATIONS)
        migrated = CliRunner().invoke(main, ["migrate"], env={"MONITORING_PIPELINE_STORE_URL": url})
        assert migrated.exit_code == 0, migrated.output
        assert migrated.output.strip().endswith(f"has schema revision {HEAD_REVISION}")
        ResultStore.open(as_role(store, WRITER)).close()
        execute(as_role(store, WRITER), "DELETE FROM monitoring.efforts")


def test_role_without_rights_to_a_new_database_is_refused_with_the_remedy(postgresql_server: str) -> None:
    with new_databases(postgresql_server, "empty") as (store,):
        run_psql(store, sql_directory() / "roles" / "store.sql")
        environment = {"MONITORING_PIPELINE_STORE_URL": as_role(store, WRITER)}
        refused = CliRunner().invoke(main, ["migrate"], env=environment)
    assert refused.exit_code == 1
    assert "has no tables" in refused.output
    assert "with the role that owns the schema monitoring" in refused.output
    assert "Traceback" not in refused.output


def test_night_runs_with_these_roles_and_equals_one_without_them(
    server: Server, untouched_folder: Path, tmp_path: Path
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        usual = World(copy_world(untouched_folder, tmp_path / "usual"), instance)
        assert usual.run(LOANS, DAYS[0]).success
        world = World(copy_world(untouched_folder, tmp_path / "world"), instance)
        settings = world.settings.model_copy(
            update={"warehouse": as_role(server.sources, SOURCES), "store_url": as_role(server.store, WRITER)}
        )
        (world.folder / "warehouse.duckdb").unlink()
        job = build_definitions(settings).resolve_job_def(f"{LOANS}_nightly")
        night = job.execute_in_process(instance=instance, partition_key=DAYS[0], run_config=QUIET)
        assert night.success
    with usual.store() as store:
        expected = _rounded(store)
    with ResultStore.open_to_read(as_role(server.store, READER)) as store:
        found = _rounded(store)
    assert len(found) > 50
    assert found == expected
    environment = {
        "MONITORING_PIPELINE_HOME": str(world.folder),
        "MONITORING_PIPELINE_MODELS": str(world.folder / "specs"),
        "MONITORING_PIPELINE_STORE_URL": as_role(server.store, READER),
    }
    archive = str(tmp_path / "loans.zip")
    for words in (
        ("query", "what_is_wrong", "--set", f"chunk={DAYS[0]}"),
        ("export", LOANS, "--from", DAYS[0], "--to", DAYS[0], "--output", archive),
        ("export", "--verify", archive),
    ):
        shown = CliRunner().invoke(main, words, env=environment)
        assert shown.exit_code == 0, shown.output


def _rounded(store: ResultStore) -> list[tuple]:
    """Return all measurements, with values to nine digits, because other sums are in another order."""
    _, rows = store.query("SELECT kind, subject, name, segment, status, value FROM current_measurements", {})
    return sorted((*names, value if value is None else float(f"{value:.9g}")) for *names, value in rows)


def test_documented_commands_make_the_roles_and_the_tables(postgresql_server: str, tmp_path: Path) -> None:
    with new_databases(postgresql_server, "monitoring", "warehouse") as (store, sources):
        (tmp_path / "sql").symlink_to(sql_directory())
        commands = commands_of(Group.ROLES)
        for typed in commands:
            written = typed.replace("postgresql://postgres@db/monitoring", store)
            written = written.replace("postgresql://postgres@db/warehouse", sources)
            written = written.replace("psql ", f"{psql_program()} -X ", 1)
            assert "@db/" not in written
            run = type_command if "psql" in written else call_command
            run(written, tmp_path, MONITORING_PIPELINE_STORE_URL=as_role(store, MIGRATIONS))
        ResultStore.open(as_role(store, WRITER)).close()
        execute(as_role(sources, SOURCES), "SELECT 1")
    assert len(commands) == 3


def test_roles_log_in_and_administer_nothing(server: Server) -> None:
    engine = sa.create_engine(server.store.replace("postgresql:", "postgresql+psycopg2:"))
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT rolname, rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls, rolcanlogin "
            "FROM pg_roles WHERE rolname LIKE 'monitoring\\_%%' ORDER BY 1"
        ).all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [
        (name, False, True) for name in sorted((SOURCES, MIGRATIONS, WRITER, READER))
    ]
