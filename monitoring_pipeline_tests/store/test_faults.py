"""Faults of disks and databases become sentences with place and remedy. Each fault here is a real one."""

import errno
import os
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from monitoring_pipeline.store.engine import create_store_engine, reading, writing
from monitoring_pipeline.store.faults import sentence_of_fault


def _sentence(error: BaseException) -> str:
    sentence = sentence_of_fault(error, "another database")
    assert sentence is not None
    return sentence


@pytest.fixture
def file(tmp_path: Path) -> Path:
    engine = create_store_engine(f"sqlite:///{tmp_path / 'results.db'}")
    with writing(engine, "x") as connection:
        connection.execute(sa.text("CREATE TABLE t (x TEXT)"))
    engine.dispose()
    return tmp_path / "results.db"


def _execute(engine: sa.Engine, *statements: str) -> None:
    try:
        with writing(engine, "x") as connection:
            for each in statements:
                connection.execute(sa.text(each))
    finally:
        engine.dispose()


def _fault_of(file: Path, *statements: str) -> DBAPIError:
    engine = create_store_engine(f"sqlite:///{file}")
    with pytest.raises(DBAPIError) as caught:
        _execute(engine, *statements)
    return caught.value


def test_full_disk_is_named_with_the_file(file: Path) -> None:
    error = _fault_of(file, "PRAGMA max_page_count = 3", "INSERT INTO t VALUES (zeroblob(1000000))")
    assert _sentence(error) == (
        f"{file}: its disk is full (database or disk is full); free space there, then run the same command again: "
        "nothing is half written"
    )
    assert f"{file}: its disk is full" in str(error), "Dagster shows the error itself"


def test_file_that_is_no_database_is_named(file: Path) -> None:
    file.write_bytes(b"no database" * 1000)
    with pytest.raises(DBAPIError) as caught:
        create_store_engine(f"sqlite:///{file}")
    assert _sentence(caught.value).startswith(f"{file}: it is damaged (file is not a database); stop all runs and")


def test_damage_in_a_page_is_named(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(b"\xff" * 4096)
    assert _sentence(_fault_of(file, "SELECT * FROM t")).startswith(f"{file}: it is damaged (")


def test_place_that_is_a_folder_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(DBAPIError) as caught:
        create_store_engine(f"sqlite:///{tmp_path}")
    assert _sentence(caught.value).startswith(f"{tmp_path}: it cannot be opened or made (unable to open database file)")


def test_server_that_is_not_there_is_named_without_its_password() -> None:
    engine = create_store_engine("postgresql://writer:very-secret-word@127.0.0.1:9/monitoring")
    with pytest.raises(DBAPIError) as caught, reading(engine):
        pass
    sentence = _sentence(caught.value)
    assert sentence.startswith("postgresql+psycopg2://writer:***@127.0.0.1:9/monitoring: it does not answer (")
    assert sentence.endswith(
        "start it or correct its address, then run the same command again: nothing is half written"
    )
    assert "very-secret-word" not in sentence


def test_wrong_statement_is_no_fault_of_the_surroundings(file: Path) -> None:
    assert sentence_of_fault(_fault_of(file, "SELECT nothing FROM t"), "another database") is None
    assert sentence_of_fault(ValueError("a fault of this package"), "another database") is None


@pytest.mark.parametrize(("number", "words"), [
    (errno.ENOSPC, "its disk is full (No space left on device); free space there"),
    (errno.EROFS, "its disk is read-only (Read-only file system); make it writable"),
    (errno.EACCES, "this user may not use it (Permission denied); `monitoring-pipeline doctor`"),
])  # fmt: skip
def test_files_are_named_also_if_another_error_hides_them(number: int, words: str) -> None:
    hidden = RuntimeError("the step failed")
    hidden.__cause__ = OSError(number, os.strerror(number), "home/x.parquet")
    assert _sentence(hidden).startswith(f"home/x.parquet: {words}")
