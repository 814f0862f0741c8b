"""What a DuckDB file gives away: no value of a row in errors, no file outside the folders, no time beyond the limit."""

import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from monitoring_pipeline.evaluation.business.business_metrics import BusinessQueryError
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.warehouse.engines.duckdb import process as query_process
from monitoring_pipeline.warehouse.engines.duckdb import reader, session
from monitoring_pipeline.warehouse.engines.duckdb.rows import frame_of
from monitoring_pipeline.warehouse.engines.duckdb.session import Access
from monitoring_pipeline.warehouse.engines.duckdb.warehouse import DuckDBWarehouse, connection_to
from monitoring_pipeline.warehouse.errors import UnreadableWarehouseError, WarehouseFailedError
from monitoring_pipeline.warehouse.sql.queries import Query

SpecMaker = Callable[..., ModelSpec]

CANARY, NUMBER = "canary-7d1f", "4711471147"
KEPT = f"""
CREATE TABLE kept (id VARCHAR, made_at TIMESTAMP, age BIGINT, score DOUBLE);
INSERT INTO kept VALUES ('{CANARY}', '2013-06-02', {NUMBER}, 0.5);
"""
FAILING = [
    "strptime(id, '%Y')", "CAST(id AS INTEGER)", "regexp_matches(id, id || '(')", "age * age", "age::DECIMAL(9, 2)",
    "age::DECIMAL(18, 2) * age::DECIMAL(18, 2)", "error('boom ' || id)", "json_extract(id, '$.a')", "id::JSON",
    "json_extract('{}', '$[[' || id)", "id::DATE", "id::UUID", "age::TINYINT", "id::INTERVAL", "id::INTEGER[]",
    "id::STRUCT(a INTEGER)", "date_trunc(id, now())", "now() AT TIME ZONE id", "from_base64(id)", "id::ENUM ('a', 'b')",
    "strftime(now(), id || '%Q')", "id::TIME", "make_date(age::INTEGER, 1, 1)", "(-age)::UBIGINT",
    "CASE WHEN id = 'x' THEN 1 ELSE error(id) END", "json_deserialize_sql(id)",
]  # fmt: skip


def write(path: Path, *statements: str) -> None:
    with duckdb.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)


def everything_said(error: BaseException) -> str:
    """Return the text of an error and of its causes, as a log or Dagster prints it."""
    return "".join(traceback.format_exception(error)) + repr(error.__cause__)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "home" / "warehouse.duckdb"
    path.parent.mkdir()
    write(path, KEPT)
    return path


@pytest.mark.parametrize("expression", FAILING)
def test_error_of_a_view_contains_no_value_of_a_row(path: Path, make_spec: SpecMaker, expression: str) -> None:
    write(path, f"CREATE VIEW scores AS SELECT id, made_at, {expression} AS age, score FROM kept")
    spec = make_spec()
    with pytest.raises(UnreadableWarehouseError, match=r"cannot read it: \w+: ") as raised:
        DuckDBWarehouse(path).read_predictions(spec, spec.calendar.chunk("2013-06-02"))
    said = everything_said(raised.value)
    assert CANARY not in said
    assert NUMBER not in said


def test_error_of_business_sql_contains_no_value_of_a_row(path: Path, make_spec: SpecMaker) -> None:
    spec = make_spec()
    chunk = spec.calendar.chunk("2013-06-02")
    for expression in FAILING:
        with pytest.raises(BusinessQueryError, match=r"cannot compute it: \w+: ") as raised:
            DuckDBWarehouse(path).business_metric(spec, f"SELECT count(DISTINCT {expression}) FROM kept", chunk, "1")
        said = everything_said(raised.value)
        assert CANARY not in said
        assert NUMBER not in said


def test_error_about_the_text_of_business_sql_keeps_its_words(path: Path, make_spec: SpecMaker) -> None:
    spec = make_spec()
    chunk = spec.calendar.chunk("2013-06-02")
    with pytest.raises(
        BusinessQueryError, match=r'refuses it: Binder Error: Referenced column "scor".*"score"'
    ) as raised:
        DuckDBWarehouse(path).business_metric(spec, "SELECT avg(scor) FROM kept", chunk, "1")
    assert "EXPLAIN" not in str(raised.value)


@pytest.fixture
def elsewhere(path: Path, tmp_path: Path) -> Path:
    """A folder with a file over which the warehouse has a view."""
    folder = tmp_path / "lake"
    folder.mkdir()
    write(path, f"COPY kept TO '{folder}/scores.parquet'", f"CREATE VIEW scores AS FROM '{folder}/scores.parquet'")
    return folder


def test_view_over_a_file_outside_the_folders_names_the_setting(path, elsewhere, make_spec) -> None:
    spec = make_spec()
    chunk = spec.calendar.chunk("2013-06-02")
    with pytest.raises(UnreadableWarehouseError, match="outside the folders of MONITORING_PIPELINE_WAREHOUSE_FOLDERS"):
        DuckDBWarehouse(path).read_predictions(spec, chunk)
    with pytest.raises(BusinessQueryError, match="outside the folders of MONITORING_PIPELINE_WAREHOUSE_FOLDERS"):
        DuckDBWarehouse(path).business_metric(spec, "SELECT count(*) FROM scores", chunk, "1")
    allowing = DuckDBWarehouse(path, access=Access(folders=(str(elsewhere),)))
    assert allowing.read_predictions(spec, chunk).frame.height == 1
    assert allowing.business_metric(spec, "SELECT count(*) FROM scores", chunk, "1") == 1.0


def test_view_over_a_file_beside_the_warehouse_is_readable_unless_folders_are_set(path, make_spec) -> None:
    beside = path.parent / "scores.parquet"
    write(path, f"COPY kept TO '{beside}'", f"CREATE VIEW scores AS FROM '{beside}'")
    spec = make_spec()
    chunk = spec.calendar.chunk("2013-06-02")
    assert DuckDBWarehouse(path).read_predictions(spec, chunk).frame.height == 1
    with pytest.raises(UnreadableWarehouseError, match="WAREHOUSE_FOLDERS"):
        DuckDBWarehouse(path, access=Access(folders=())).read_predictions(spec, chunk)


@pytest.mark.parametrize("source", [
    "read_text('/etc/hostname')", "glob('/etc/*')", "read_csv('https://example.invalid/x.csv')",
    "sniff_csv('/etc/passwd')",
    "read_blob('/proc/self/environ')", "query('FROM read_text(''/etc/hostname'')')",
])  # fmt: skip
def test_business_sql_cannot_read_the_machine(path, make_spec, source) -> None:
    spec = make_spec()
    with pytest.raises(BusinessQueryError):
        DuckDBWarehouse(path).business_metric(
            spec, f"SELECT count(*) FROM {source}", spec.calendar.chunk("2013-06-02"), "1"
        )


def test_connection_is_locked_within_its_memory_and_in_utc(path: Path, make_spec: SpecMaker) -> None:
    spec = make_spec()
    chunk = spec.calendar.chunk("2013-06-02")
    warehouse = DuckDBWarehouse(path, access=Access(memory="200MB"))
    for setting in ("lock_configuration", "NOT enable_external_access", "NOT autoinstall_known_extensions",
                    "NOT autoload_known_extensions", "NOT allow_community_extensions",
                    "TimeZone = 'UTC'", "max_temp_directory_size LIKE '%GiB'",
                    "memory_limit = '190.7 MiB'"):  # fmt: skip
        name = setting.removeprefix("NOT ").split()[0]
        condition = setting.replace(name, f"current_setting('{name}')")
        sql = f"SELECT ({condition})::INTEGER"
        assert warehouse.business_metric(spec, sql, chunk, "1") == 1.0, setting


def test_query_that_does_not_notice_an_interrupt_ends_at_the_limit(path: Path, make_spec: SpecMaker) -> None:
    spec = make_spec()
    chunk = spec.calendar.chunk("2013-06-02")
    warehouse = DuckDBWarehouse(path, business_timeout_seconds=2)
    begun = time.monotonic()
    with pytest.raises(BusinessQueryError, match="interrupted after 2 seconds"):
        warehouse.business_metric(
            spec, "SELECT length(string_agg(range::VARCHAR, ',' ORDER BY -range)) FROM range(80000000)", chunk, "1"
        )
    assert time.monotonic() - begun < 10
    assert warehouse.business_metric(spec, "SELECT 1", chunk, "1") == 1.0


def test_process_of_queries_is_used_again_and_ends_with_its_parent(path: Path, make_spec: SpecMaker) -> None:
    spec = make_spec()
    chunk = spec.calendar.chunk("2013-06-02")
    DuckDBWarehouse(path).business_metric(spec, "SELECT 1", chunk, "1")
    (idle,) = query_process._idle
    DuckDBWarehouse(path).business_metric(spec, "SELECT 1", chunk, "1")
    assert query_process._idle == [idle]
    idle.popen.kill()
    idle.popen.wait()
    assert DuckDBWarehouse(path).business_metric(spec, "SELECT 1", chunk, "1") == 1.0


def test_query_ends_although_its_parent_is_killed(path: Path) -> None:
    code = """
import sys
from monitoring_pipeline.warehouse.engines.duckdb import process as query_process
from monitoring_pipeline.warehouse.engines.duckdb import reader, session
process = query_process._take()
print(process.popen.pid, flush=True)
sql = "SELECT sum(a.range * b.range) FROM range(100000000) a, range(100000000) b WHERE a.range % 7 = b.range % 5"
request = {"path": sys.argv[1], "sql": sql, "parameters": [], "values": {}, "times": [], "folders": [],
           "extensions": [], "memory": None}
process.ask(request, 300)
"""
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        time.sleep(1)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while _is_running(child) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _is_running(child)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


NO_INTERRUPT = "SELECT length(string_agg(range::VARCHAR, ',' ORDER BY -range)) AS text FROM range(60000000)"


def test_read_that_does_not_notice_an_interrupt_ends_at_the_limit(path: Path, monkeypatch) -> None:
    monkeypatch.setattr(reader, "GRACE_SECONDS", 0.5)
    begun = time.monotonic()
    refused = pytest.raises(WarehouseFailedError, match=r"takes longer than \w+_READ_SECONDS allows")
    with refused as raised, connection_to(DuckDBWarehouse(path, read_timeout_seconds=2)) as opened:
        frame_of(opened, Query(NO_INTERRUPT, {}))
    assert time.monotonic() - begun < 15
    assert CANARY not in everything_said(raised.value)
    assert DuckDBWarehouse(path).columns("kept")["age"] == "BIGINT"


def test_process_ends_although_a_query_was_abandoned(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from monitoring_pipeline.warehouse.engines.duckdb import reader\n"
        "from monitoring_pipeline.warehouse.engines.duckdb.warehouse import DuckDBWarehouse, connection_to\n"
        "from monitoring_pipeline.warehouse.engines.duckdb.rows import frame_of\n"
        "from monitoring_pipeline.warehouse.sql.queries import Query\n"
        "reader.GRACE_SECONDS = 0.1\n"
        "with connection_to(DuckDBWarehouse(Path(sys.argv[1]), read_timeout_seconds=2)) as opened:\n"
        "    frame_of(opened, Query(sys.argv[2], {}))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(path), NO_INTERRUPT.replace("60000000", "300000000")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "takes longer than" in ended.stderr


def test_read_that_needs_more_memory_and_disk_than_allowed_is_refused_in_a_sentence(path: Path, monkeypatch) -> None:
    monkeypatch.setattr(session, "MOST_SPILL_BYTES", 20 * 10**6)
    warehouse = DuckDBWarehouse(path, access=Access(memory="100MB"))
    for sql in (
        "SELECT length(string_agg(range::VARCHAR, ',' ORDER BY -range)) AS text FROM range(60000000)",
        "SELECT list(range) AS values FROM range(300000000)",
        "SELECT range, repeat('x', 200) || range AS text FROM range(3000000) ORDER BY text",
    ):
        refused = pytest.raises(
            WarehouseFailedError, match=r"OutOfMemoryException: it needs more memory than \w+_MEMORY "
        )
        with refused, connection_to(warehouse) as opened:
            frame_of(opened, Query(sql, {}))
    assert warehouse.columns("kept")["age"] == "BIGINT"
