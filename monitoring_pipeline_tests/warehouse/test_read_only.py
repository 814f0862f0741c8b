"""A warehouse is only ever read: every engine has a guard here, and no SQL of a user changes anything in one."""

import ast
import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import sqlglot
from sqlglot import exp

from monitoring_pipeline.evaluation.business.business_metrics import BusinessQueryError
from monitoring_pipeline.spec.declaration import RowsElsewhere
from monitoring_pipeline.warehouse.engines import opening
from monitoring_pipeline.warehouse.engines.duckdb.session import Access, connect_locked
from monitoring_pipeline.warehouse.engines.duckdb.warehouse import connection_to
from monitoring_pipeline.warehouse.engines.opening import ENGINES
from monitoring_pipeline.warehouse.engines.postgresql.session import PostgreSQLServer
from monitoring_pipeline.warehouse.engines.server.session import StatementError
from monitoring_pipeline.warehouse.engines.server.warehouse import ServerWarehouse
from monitoring_pipeline.warehouse.errors import WarehouseError
from monitoring_pipeline.warehouse.sql.dialect import Statement
from monitoring_pipeline.warehouse.sql.inspection import SqlInspection
from monitoring_pipeline_tests.warehouse.conftest import SpecMaker
from monitoring_pipeline_tests.warehouse.engines_under_test import ENGINES_UNDER_TEST, PARAMETERS, Build, build_of
from monitoring_pipeline_tests.warehouse.snowflake_builder import build_snowflake
from monitoring_pipeline_tests.warehouse.test_warehouse_contract import SCORES, TRUTHS

TABLES = (
    SCORES,
    TRUTHS,
    "INSERT INTO scores VALUES ('a', '2013-06-02 12:00', 40, 0.25), ('b', '2013-06-02 13:00', 50, 0.5)",
    "INSERT INTO truths VALUES ('a', true, '2013-06-03 00:00')",
)
GUARDS = {
    "duckdb": "its connection is read-only",
    "files": "its connection has no statement but SELECT",
    "s3": "as files",
    "gs": "as files",
    "az": "as files",
    "postgresql": "its transactions are read-only",
    "snowflake": "every statement is a SELECT",
    "bigquery": "every statement is a SELECT",
    "databricks": "every statement is a SELECT",
    "spark": "every statement is a SELECT",
}
"""What keeps an engine from writing. A further engine takes a row, and the tests below."""
HOSTILE = (
    "DELETE FROM scores",
    "UPDATE scores SET age = 0",
    "INSERT INTO scores SELECT * FROM scores",
    "DROP TABLE scores",
    "CREATE TABLE own AS SELECT 1 AS a",
    "TRUNCATE TABLE scores",
    "ALTER TABLE scores ADD COLUMN own INTEGER",
    "SELECT 1; DELETE FROM scores",
    "SELECT 1) AS answer; DELETE FROM scores; SELECT * FROM (SELECT 1",
    "SELECT 1 /* ; */; DROP TABLE scores -- SELECT",
    "SELECT ';' ; DELETE FROM scores",
    "WITH gone AS (DELETE FROM scores RETURNING 1) SELECT count(*) FROM gone",
    "MERGE INTO scores USING truths ON scores.id = truths.id WHEN MATCHED THEN DELETE",
    "COPY (SELECT 1) TO '{folder}/own.csv'",
    "COPY scores FROM '{folder}/own.csv'",
    "EXPORT DATABASE '{folder}/own'",
    "ATTACH '{folder}/own.duckdb'",
    "SELECT * FROM query('DELETE FROM scores')",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "EXPLAIN ANALYZE DELETE FROM scores",
    "CALL own()",
    "VACUUM",
    "BEGIN; DELETE FROM scores; COMMIT",
)


def test_every_engine_has_a_guard() -> None:
    assert set(GUARDS) == {kind.schemes[0] for kind in ENGINES}


@pytest.fixture(params=PARAMETERS)
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Build:
    return build_of(request, tmp_path)


def _asked(warehouse: Any, make_spec: SpecMaker, sql: str) -> None:
    """Give a statement to every part of a spec that takes SQL."""
    spec = make_spec()
    chunk = spec.calendar.chunk("2013-06-02")
    refusals = (BusinessQueryError, WarehouseError, duckdb.Error)
    with suppress(*refusals):
        warehouse.business_metric(spec, sql, chunk, "1")
    elsewhere = warehouse.with_predictions_of(
        RowsElsewhere(place="reference.1", name="rows of 1", query=sql, columns={})
    )
    for read in (
        lambda: elsewhere.read_predictions(spec, chunk).frame,
        lambda: SqlInspection(elsewhere).predictions_extent(spec),
    ):
        with suppress(*refusals):
            read()


def _state(warehouse: Any, make_spec: SpecMaker, folder: Path) -> tuple[object, ...]:
    spec = make_spec()
    chunk = spec.calendar.chunk("2013-06-02")
    with warehouse.open() as source:
        tables = sorted(f"{found.schema}.{found.name}" for found in source.listed())
    rows = sorted(warehouse.read_predictions(spec, chunk).frame.rows(), key=repr)
    files = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}
    return tables, rows, dict(sorted((name, text) for name, text in files.items() if not name.endswith(".wal")))


def test_hostile_sql_of_a_spec_changes_nothing(build: Build, make_spec: SpecMaker, tmp_path: Path) -> None:
    warehouse = build(*TABLES)
    before = _state(warehouse, make_spec, tmp_path)
    assert len(before[1]) == 2
    for sql in HOSTILE:
        _asked(warehouse, make_spec, sql.replace("{folder}", str(tmp_path / "lake")))
        assert _state(warehouse, make_spec, tmp_path) == before, sql


@pytest.mark.slow
def test_hostile_sql_changes_nothing_in_snowflake(fake_account: None, make_spec: SpecMaker, tmp_path: Path) -> None:
    warehouse = build_snowflake(fake_account, tmp_path, TABLES)
    before = _state(warehouse, make_spec, tmp_path)
    assert len(before[1]) == 2
    for sql in HOSTILE:
        _asked(warehouse, make_spec, sql.replace("{folder}", str(tmp_path)))
        assert _state(warehouse, make_spec, tmp_path) == before, sql


@pytest.mark.parametrize("statement", ["DELETE FROM scores", "CREATE TABLE own (a INTEGER)", "DROP TABLE truths"])
def test_connection_to_a_duckdb_file_refuses_to_write(tmp_path: Path, statement: str) -> None:
    warehouse = ENGINES_UNDER_TEST["duckdb"].build(tmp_path, TABLES)
    with connection_to(warehouse) as connection, pytest.raises(duckdb.InvalidInputException, match="read-only"):
        connection.run(lambda file: file.execute(statement))
    with (
        connect_locked(str(warehouse.path), Access()) as locked,
        pytest.raises(duckdb.InvalidInputException, match="read-only"),
    ):
        locked.execute(statement)


def test_duckdb_file_that_others_read_can_be_read_too(tmp_path: Path) -> None:
    """A writable connection of this program would need the file for itself."""
    warehouse = ENGINES_UNDER_TEST["duckdb"].build(tmp_path, TABLES)
    code = (
        f"import duckdb; file = duckdb.connect({str(warehouse.path)!r}, read_only=True); "
        "print('open', flush=True); input()"
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with connection_to(replace(warehouse, lock_timeout_seconds=0)) as connection:
            assert connection.run(lambda file: file.execute("SELECT count(*) FROM scores").fetchall()) == [(2,)]
    finally:
        other.communicate("\n")


@pytest.mark.parametrize("statement", [
    "DELETE FROM scores", "CREATE TABLE own (a INTEGER)", "SELECT nextval('counter')", "DROP TABLE scores",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "COPY scores FROM '/dev/null'", "SELECT lo_create(0)", "VACUUM scores",
])  # fmt: skip
def test_session_of_postgresql_refuses_to_write(postgresql_server: str, tmp_path: Path, statement: str) -> None:
    warehouse = ENGINES_UNDER_TEST["postgresql"].build(
        postgresql_server, tmp_path, (*TABLES, "CREATE SEQUENCE counter")
    )
    url = warehouse.server.url
    with PostgreSQLServer(url, url).connect(5) as session, pytest.raises(StatementError):
        # The superuser of the tests may do all of it, but not in this transaction.
        session.frame(Statement(statement, ()))


@dataclass(frozen=True)
class Recorded:
    """A server that notes every statement of its sessions."""

    server: Any
    seen: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.server, name)

    @contextmanager
    def connect(self, seconds: float) -> Iterator[Any]:
        with self.server.connect(seconds) as session:
            yield RecordedSession(session, self.seen)


@dataclass(frozen=True)
class RecordedSession:
    """A session that notes its statements."""

    session: Any
    seen: list[str]

    def frame(self, statement: Statement) -> pl.DataFrame:
        self.seen.append(statement.sql)
        return self.session.frame(statement)

    def types(self, select: str) -> Any:
        self.seen.append(select)
        return self.session.types(select)


LANGUAGES = {"postgresql": "postgres", "bigquery translated": "bigquery", "databricks translated": "databricks"}
WRITING = (
    exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Drop, exp.Create, exp.Alter, exp.Copy, exp.Command, exp.Set,
    exp.TruncateTable, exp.Grant, exp.Use, exp.Attach, exp.Pragma, exp.Transaction, exp.Commit,
)  # fmt: skip


@pytest.fixture(params=[
    "postgresql", "snowflake", *(pytest.param(name, marks=pytest.mark.slow) for name in LANGUAGES if " " in name),
])  # fmt: skip
def recorded(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[ServerWarehouse, Recorded, str]:
    if request.param == "snowflake":
        account = request.getfixturevalue("fake_account")
        warehouse, language = build_snowflake(account, tmp_path, TABLES), "snowflake"
    else:
        engine = ENGINES_UNDER_TEST[request.param]
        server = (request.getfixturevalue(engine.fixture),) if engine.fixture else ()
        warehouse, language = engine.build(*server, tmp_path, TABLES), LANGUAGES[request.param]
    notes = Recorded(warehouse.server)
    return replace(warehouse, server=notes), notes, language


def test_every_statement_to_a_server_is_one_select(
    recorded: tuple[ServerWarehouse, Recorded, str], make_spec: SpecMaker
) -> None:
    warehouse, notes, language = recorded
    spec = make_spec()
    chunk = spec.calendar.chunk("2013-06-02")
    later = chunk.end.replace(month=7)
    read = warehouse.read_predictions(spec, chunk)
    assert (read.frame.height, read.rows_without_time) == (2, 0)
    labels = warehouse.read_labels(spec, chunk, later)
    assert labels.frame.height == 1
    assert (labels.accounting, labels.state) is not None
    warehouse.label_states(spec, [chunk], later)
    inspection = SqlInspection(warehouse)
    inspection.tables(spec)
    inspection.predictions_extent(spec)
    inspection.labels_extent(spec)
    inspection.first_predictions(spec, [chunk], 5)
    inspection.counted_predictions(spec, chunk)
    for sql in HOSTILE:
        _asked(warehouse, make_spec, sql)
    assert len(notes.seen) > 20
    for sql in notes.seen:
        trees = sqlglot.parse(sql, read=language)
        assert len(trees) == 1, sql
        assert isinstance(trees[0], exp.Query), sql
        # The text of a user stands between brackets, in which a server refuses whatever is no query.
        assert not [node for node in trees[0].walk() if isinstance(node, WRITING)] or "gone AS (DELETE" in sql, sql


STATEMENT = re.compile(
    r"\s*(INSERT|UPDATE|DELETE|MERGE|DROP|CREATE|ALTER|COPY|PUT|TRUNCATE|GRANT|REVOKE|CALL|ATTACH|INSTALL|EXPORT)\s",
)


def test_engines_contain_no_statement_that_writes() -> None:
    folder = Path(opening.__file__).parent
    found = [
        f"{path.relative_to(folder)}: {node.value.strip()}"
        for path in sorted(folder.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and STATEMENT.match(node.value)
    ]
    # Views that end with the connection, in the memory of this program.
    assert all("TEMP VIEW" in entry and entry.startswith("duckdb/") for entry in found), found
    assert found
    templates = Path(opening.__file__).parents[3] / "sql" / "warehouse"
    for path in templates.rglob("*.sql"):
        assert not re.search(r"^" + STATEMENT.pattern, path.read_text(encoding="utf-8"), re.MULTILINE), path
