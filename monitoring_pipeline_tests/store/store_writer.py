"""Processes that write into one store at once: ``python store_writer.py <url> <rounds> <writer> <writer> ...``.

The processes are forked after the imports, because these take longer than the writing.
"""

import datetime as dt
import multiprocessing
import sys

from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.records.measurement import Kind, Measurement, Provenance
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.store.results import ResultStore

MEASUREMENTS = 100
DAY = "2013-04-22"


def write(url: str, writer: str, rounds: int) -> None:
    """Replace a shared chunk and a chunk of this writer; the value of every measurement is the number of the round."""
    start = dt.datetime(2013, 4, 22, tzinfo=dt.UTC)
    with ResultStore.open(url) as store:
        for number in range(rounds):
            provenance = Provenance(
                spec_hash="s", reference_hash="r", input_fingerprint=f"{writer}-{number}", code_version="c"
            )
            measurements = tuple(
                Measurement(kind=Kind.DRIFT, subject=f"column_{i}", name="psi", model_version=writer, value=number)
                for i in range(MEASUREMENTS)
            )
            for producer in ("shared", writer):
                chunk = Chunk("flight_delay", DAY, start, start + dt.timedelta(days=1))
                results = ChunkResults(producer=producer, chunk=chunk, provenance=provenance, measurements=measurements)
                store.replace(results, run_id=writer, measured_at=start)


if __name__ == "__main__":
    url, rounds, *writers = sys.argv[1:]
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=write, args=(url, writer, int(rounds))) for writer in writers]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    sys.exit(any(process.exitcode for process in processes))
