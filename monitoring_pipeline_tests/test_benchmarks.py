"""Benchmarks of this package run and find what they are about; peers need separate environments and are not tested."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import stored_year
from benchmarks.small_days import WORLDS, judged
from monitoring_pipeline.shipped_files import read_sql, sql_directory
from monitoring_pipeline.store.engine import create_store_engine
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline_tests.deployment.databases import new_databases

OURS = Path(__file__).parents[1] / "benchmarks" / "ours.py"


def _run(*arguments: object) -> dict:
    typed = [sys.executable, str(OURS), *map(str, arguments)]
    return json.loads(subprocess.run(typed, capture_output=True, text=True, check=True).stdout)


def test_shifted_chunk_drifts_from_a_frozen_reference(tmp_path):
    random = np.random.default_rng(1)
    for name, shift in (("reference", 0.0), ("chunk", 1.0)):
        columns = {"x": random.normal(shift, 1, 500), "plan": random.choice(["a", "b"], 500)}
        pl.DataFrame(columns | {"prediction": random.normal(size=500)}).write_parquet(tmp_path / f"{name}.parquet")
    frozen = _run("freeze", tmp_path / "reference.parquet", tmp_path / "reference.json")
    judged = _run("judge", tmp_path / "chunk.parquet", tmp_path / "reference.json")
    assert set(frozen["steps"]) == {"freeze"}
    assert set(judged["steps"]) == {"load reference", "profile", "drift"}
    assert judged["drifted"] == 1


def test_lasting_loss_on_small_days_is_found_by_windows_only():
    falls, stays = (next(world for world in WORLDS if world.name == name) for name in (".80 falls to .75", ".80 stays"))
    lost = judged(falls, 500, np.random.default_rng(1))
    assert not lost.lasting.any()
    assert lost.long[28:].mean() > 0.5
    assert not judged(stays, 500, np.random.default_rng(1)).by_windows.any()


def test_generated_year_has_what_was_asked_and_answers_every_query(postgresql_server):
    with new_databases(postgresql_server, "year") as (url,):
        ResultStore.open(url).close()
        engine = create_store_engine(url)
        stored_year.fill(engine, models=2, days=30, measurements=50)
        engine.dispose()
        with ResultStore.open_to_read(url) as store:
            assert store.query("SELECT count(*) FROM measurements", {})[1] == [(2 * 30 * 50,)]
            asked = {
                name: len(store.query(read_sql(f"queries/{name}.sql"), given)[1]) for name, given in stored_year.cases()
            }
    assert set(asked) == {path.stem for path in (sql_directory() / "queries").glob("*.sql")}
    assert asked["since_when"] > 0
    assert asked["what_is_wrong"] > 1
    assert asked["what_we_knew"] == 50
