"""The nights of the demo's models are equal in every kind of warehouse, and the comparison finds what is not."""

import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from benchmarks.agreement import ModelAgreement, agreement, is_close, what_was_measured
from benchmarks.compare_homes import Difference, compare_homes
from monitoring_pipeline_tests.homes.stored_home import HERE, unpack

REPOSITORY = HERE.parents[1]
MODEL = "loan_default"


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack("ee8dedf", tmp_path_factory.mktemp("old") / "home")


def _agreement(old: Path, folder: Path, *statements: str) -> ModelAgreement:
    folder.mkdir()
    shutil.copy(old / "results.db", folder / "results.db")
    with closing(sqlite3.connect(folder / "results.db")) as connection:
        for statement in statements:
            assert connection.execute(statement).rowcount > 0
        connection.commit()
    return agreement(MODEL, old, compare_homes(str(old), str(folder)))


def test_counts_of_equal_homes_are_those_of_the_store(old: Path, tmp_path: Path) -> None:
    same = _agreement(old, tmp_path / "new")
    assert same.measurements == same.equal > 100
    assert same.verdicts == same.equal_verdicts > 10
    assert (same.close, same.different) == (0, 0)
    assert re.fullmatch(rf"{MODEL}: measurements [1-9][\d,]* ok, .*; verdicts .*", what_was_measured(old, MODEL))


def test_measurements_count_as_close_different_or_missing(old: Path, tmp_path: Path) -> None:
    one = f"model = '{MODEL}' AND name = 'auroc' AND kind = 'performance' AND value IS NOT NULL"
    first = f"rowid = (SELECT min(rowid) FROM measurements WHERE {one})"
    last = f"rowid = (SELECT max(rowid) FROM measurements WHERE {one})"
    close = _agreement(old, tmp_path / "close", f"UPDATE measurements SET value = value + 4e-16 WHERE {first}")
    assert (close.measurements - close.equal, close.close, close.different) == (1, 1, 0)
    both = _agreement(
        old,
        tmp_path / "both",
        f"UPDATE measurements SET upper = upper + 1e-9 WHERE {first}",
        f"DELETE FROM measurements WHERE {last}",
    )
    assert (both.measurements - both.equal, both.close, both.different) == (2, 0, 2)


def test_verdict_that_differs_is_counted(old: Path, tmp_path: Path) -> None:
    first = f"rowid = (SELECT min(rowid) FROM verdicts WHERE model = '{MODEL}')"
    new = _agreement(old, tmp_path / "new", f"UPDATE verdicts SET status = 'odd' WHERE {first}")
    assert new.verdicts - new.equal_verdicts == 1


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (("1.0", "'ok'"), ("1.0000000000001", "'ok'"), True),
        (("1.0", "'ok'"), ("1.000000000002", "'ok'"), False),
        (("1.0", "'ok'"), ("1.0000000000001", "'breached'"), False),
        (("1.0", "'ok'"), ("null", "'ok'"), False),
        (("1.0", "'ok'"), None, False),
    ],
)
def test_rows_are_close_if_only_numbers_differ_a_little(old, new, expected) -> None:
    assert is_close(("value", "status"), Difference(old, new)) is expected


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:::mlflow")
def test_nights_of_every_warehouse_are_equal_and_a_changed_result_is_found(tmp_path, monkeypatch, capsys) -> None:
    _seed_few_flights(tmp_path / "seeded", monkeypatch)
    arguments = [str(tmp_path), "--from", "2013-03-09", "--to", "2013-03-10", "--model", "flight_delay"]
    command = [sys.executable, "-m", "benchmarks.same_nights", *arguments]
    nights = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert nights.returncode == 0, f"{nights.stdout}\n{nights.stderr}"
    *_, last = lines = nights.stdout.splitlines()
    assert last == "all homes are equal"
    rows = [line.split() for line in lines if line.startswith(("files", "postgresql", "fakesnow"))]
    assert [row[:2] for row in rows] == [[name, "flight_delay"] for name in ("files", "postgresql", "fakesnow")]
    for _, _, measured, equal, close, other, judged, equally_judged in rows:
        assert measured == equal
        assert int(measured) > 100
        assert (close, other, judged, equally_judged) == ("0", "0", "2", "2")
    with closing(sqlite3.connect(tmp_path / "homes" / "postgresql" / "results.db")) as connection:
        first = "rowid = (SELECT min(rowid) FROM measurements WHERE value IS NOT NULL)"
        assert connection.execute(f"UPDATE measurements SET value = value + 1e-6 WHERE {first}").rowcount == 1
        connection.commit()
    assert _exit_code(monkeypatch, arguments) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "homes differ"
    assert _exit_code(monkeypatch, [str(tmp_path), "--to", "2013-03-01"]) == 2
    assert "has other nights, or not all" in capsys.readouterr().err


def _seed_few_flights(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from monitoring_pipeline.demo import seeding
    from monitoring_pipeline.demo.flights import read_flights

    flights = read_flights().filter(pl.col("scheduled_departure_at").dt.month() <= 3).gather_every(20)
    monkeypatch.setattr(seeding, "read_flights", lambda: flights)
    monkeypatch.setattr(
        seeding, "DEMO_MODELS", [model for model in seeding.DEMO_MODELS if model.name == "flight_delay"]
    )
    registry = f"sqlite:///{folder / 'mlflow.db'}"
    seeding.seed_warehouse(folder / "warehouse.duckdb", registry, folder / "mlflow", lambda _: None)


def _exit_code(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> object:
    from benchmarks.same_nights import main

    monkeypatch.setattr(sys, "argv", ["same_nights.py", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code
