"""Four processes write into one store, beside a reader, and all of them start at once."""

import subprocess
import sys
import time
from pathlib import Path

from monitoring_pipeline.store.results import ResultStore

WRITERS = ("a", "b", "c", "d")
ROUNDS = 8
MEASUREMENTS = 100
DAY = "2013-04-22"


def test_chunk_replaced_by_four_writers_is_never_read_half_written(store_url):
    script = Path(__file__).with_name("store_writer.py")
    command = [sys.executable, str(script), store_url, str(ROUNDS), *WRITERS]
    torn: list[set[tuple[str, float | None]]] = []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as writers, ResultStore.open(store_url) as store:
        while writers.poll() is None:
            seen = store.measurements("flight_delay", DAY, "shared")
            writings = {(m.model_version, m.value) for m in seen}
            if len(seen) not in (0, MEASUREMENTS) or len(writings) > 1:
                torn.append(writings)
            time.sleep(0.005)
        errors = writers.communicate()[1]
        assert writers.returncode == 0, errors
        assert torn == []
        shared = "SELECT revision FROM chunk_revisions WHERE producer = 'shared' ORDER BY revision"
        assert store.query(shared, {})[1] == [(n,) for n in range(1, len(WRITERS) * ROUNDS + 1)]
        rows = len(WRITERS) * ROUNDS * MEASUREMENTS
        assert store.query("SELECT producer = 'shared', COUNT(*) FROM measurements GROUP BY 1 ORDER BY 1", {})[1] == [
            (False, rows),
            (True, rows),
        ]
        for writer in WRITERS:
            assert {m.value for m in store.measurements("flight_delay", DAY, writer)} == {ROUNDS - 1}


def test_store_created_by_four_processes_at_once_opens(store_url):
    script = Path(__file__).with_name("store_writer.py")
    finished = subprocess.run(
        [sys.executable, str(script), store_url, "0", *WRITERS], stderr=subprocess.PIPE, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    with ResultStore.open(store_url) as store:
        assert store.measurements("flight_delay", DAY) == []
