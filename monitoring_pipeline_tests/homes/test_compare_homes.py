"""The comparison of two homes finds each kind of difference, and none if only the runs differ."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.compare_homes import compare_homes, store_url
from monitoring_pipeline_tests.homes.stored_home import HERE, unpack

SCRIPT = HERE.parents[1] / "benchmarks" / "compare_homes.py"


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack("ee8dedf", tmp_path_factory.mktemp("old") / "home")


@pytest.fixture
def new(old: Path, tmp_path: Path) -> Path:
    (tmp_path / "results.db").write_bytes((old / "results.db").read_bytes())
    return tmp_path


def _change(home: Path, *statements: str) -> None:
    with closing(sqlite3.connect(home / "results.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def _different(old: Path, new: Path) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    for compared in compare_homes(str(old), str(new)):
        if not compared.is_equal:
            yield compared.table, len(compared.differences), compared.only_old


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE measurements SET run_id = 'other', measured_at = '2030-01-01 00:00:00.000000', code_version = '9'",
        "UPDATE chunk_revisions SET known_since = '2030-01-01 00:00:00.000000'",
        "UPDATE decisions SET decision_id = decision_id + 1000",
        "ALTER TABLE incidents ADD COLUMN colour TEXT",
        "CREATE TABLE costs (model TEXT PRIMARY KEY)",
        "UPDATE alembic_version SET version_num = 'later'",
    ],
)
def test_homes_that_differ_in_runs_or_by_an_addition_are_equal(statement: str, old: Path, new: Path) -> None:
    _change(new, statement)
    assert list(_different(old, new)) == []


@pytest.mark.parametrize(
    ("statement", "difference"),
    [
        ("UPDATE measurements SET value = value + 1e-12 WHERE name = 'auroc' AND chunk = '2024-04-01'", "measurements"),
        ("UPDATE incidents SET acknowledged_at = NULL", "incidents"),
        ("DELETE FROM verdicts WHERE chunk = '2024-04-01'", "verdicts"),
        ("INSERT INTO alert_threads VALUES ('a', 'log', 't')", "alert_threads"),
        ("UPDATE chunk_revisions SET chunk_start = '2030-01-01 00:00:00.000000' WHERE chunk = '2024-04-01'",
         "chunk_revisions"),
        ("UPDATE verdicts SET reasons = '[]'", "verdicts"),
    ],
)  # fmt: skip
def test_row_that_is_changed_gone_or_new_is_a_difference(statement: str, difference: str, old: Path, new: Path) -> None:
    _change(new, statement)
    ((table, rows, missing),) = _different(old, new)
    assert (table, missing) == (difference, ())
    assert rows > 0


def test_names_of_column_types_differ_unless_the_warehouse_is_of_another_kind(old: Path, new: Path) -> None:
    named = 'replace(document, \'"Annual Income":"DOUBLE"\', \'"Annual Income":"DOUBLE PRECISION"\')'
    _change(new, f"UPDATE model_references SET document = {named}", "UPDATE measurements SET reference_hash = 'other'")
    assert [table for table, *_ in _different(old, new)] == ["measurements", "model_references"]
    assert all(compared.is_equal for compared in compare_homes(str(old), str(new), other_warehouse=True))
    _change(new, "UPDATE model_references SET document = replace(document, '\"Annual Income\":', '\"Income\":')")
    assert any(not compared.is_equal for compared in compare_homes(str(old), str(new), other_warehouse=True))


def test_table_or_column_that_is_gone_is_a_difference(old: Path, new: Path) -> None:
    _change(new, "DROP VIEW told_events", "DROP TABLE alert_threads", "ALTER TABLE incidents DROP COLUMN runbook")
    assert list(_different(old, new)) == [
        ("alert_threads", 0, ("incident_id", "channel", "thread")),
        ("incidents", 0, ("runbook",)),
    ]


def test_changed_row_is_printed_with_the_columns_that_differ_and_exit_code_1(old: Path, new: Path) -> None:
    def compared() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, SCRIPT, old, store_url(str(new))], capture_output=True, text=True, check=False
        )

    assert (compared().returncode, compared().stdout.splitlines()[-1]) == (
        0,
        "equal but for run ids, times and the code's version",
    )
    _change(new, "UPDATE verdicts SET status = 'odd' WHERE chunk = '2024-04-01' AND model = 'loan_default'")
    after = compared()
    assert after.returncode == 1
    assert "-> 'odd'" in after.stdout
    assert "different: verdicts" in after.stdout


def test_folder_without_a_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        compare_homes(str(tmp_path), str(tmp_path))
