"""Generates a year of results in PostgreSQL, and measures every shipped query on it.

Usage: ``python -m benchmarks.stored_year [--models 50] [--days 365] [--measurements 1096] [--plans]``. The defaults
are 20 million measurements; ``--models 10`` is a fifth of it. The numbers are drawn by the server. One measurement in
200 is breached. A query is asked three times, and the median counts.
"""

import argparse
import json
import statistics
import time

import sqlalchemy as sa

from monitoring_pipeline.shipped_files import read_sql, sql_directory
from monitoring_pipeline.store.engine import create_store_engine
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline_tests.postgresql_server import running_postgresql

LIMIT_MS = 100
PARAMETERS = {
    "model": "model_1", "name": "auroc", "subject": None, "chunk": "2024-12-20", "on_day": "2024-12-25",
}  # fmt: skip
CHUNKS = """
INSERT INTO chunk_revisions
SELECT 'model_' || m, to_char(d, 'YYYY-MM-DD'), p, 1, d, d + interval '1 day', 's', 'r', 'i', '1', 'run',
    d + interval '30 hours', d + interval '30 hours'
FROM generate_series(1, :models) AS m,
    generate_series(timestamptz '2024-12-31' - :days * interval '1 day', timestamptz '2024-12-30', '1 day') AS d,
    unnest(ARRAY['drift', 'predictions', 'performance', 'estimate', 'segments', 'verdict']) AS p
"""
SHARES = (("predictions", 0.27), ("drift", 0.18), ("performance", 0.03), ("estimate", 0.015))
"""Shares of a night's measurements, as in the home of the demo; the rest is about segments."""
MEASUREMENTS = """
INSERT INTO measurements
SELECT c.model, c.chunk, c.producer, 1, n, c.chunk_start, c.chunk_end, '1', 'champion',
    CASE WHEN c.producer = 'segments' THEN 'carrier=' || (n / 16) ELSE '' END,
    CASE c.producer WHEN 'drift' THEN 'drift' WHEN 'predictions' THEN 'quality'
        WHEN 'estimate' THEN 'estimated_performance' ELSE 'performance' END,
    CASE WHEN c.producer IN ('drift', 'predictions') THEN 'column_' || (n % 60) ELSE 'model' END,
    CASE WHEN c.producer IN ('drift', 'predictions')
            THEN (ARRAY['psi', 'jensen_shannon', 'null_share', 'unseen', 'wasserstein'])[1 + n / 60]
        ELSE (ARRAY['auroc', 'recall', 'precision', 'log_loss'])[1 + n % 4]
            || CASE WHEN n % 16 < 4 THEN '' ELSE '_' || (n % 16 / 4) END
    END || CASE WHEN c.producer IN ('performance', 'estimate') AND n >= 16 THEN '_' || (n / 4) ELSE '' END,
    CASE WHEN hashtext(c.model || c.producer || n || (extract(day FROM c.chunk_start)::int / 3) || c.chunk) % 200 = 0
        THEN 'breached' ELSE 'ok' END,
    'warning', random(), random(), random(), 0.5, random(), random(), 0.1, 0.9, NULL, NULL, 1000,
    CASE WHEN c.producer = 'performance' THEN 'final' END, 's', 'r', 'i', '1', 'run', c.measured_at
FROM chunk_revisions AS c
JOIN jsonb_each_text(CAST(:each AS JSONB)) AS share ON share.key = c.producer,
    generate_series(0, share.value::int - 1) AS n
WHERE c.model = :model
"""
OTHERS = (
    """
INSERT INTO verdicts
    (model, chunk, producer, revision, chunk_start, chunk_end, status, reasons, measured, breaches, skipped)
SELECT model, chunk, producer, revision, chunk_start, chunk_end, 'warning', '["because"]', 1, 1, 0
FROM chunk_revisions WHERE producer = 'verdict'
""",
    """
INSERT INTO efforts (model, chunk, producer, run_id, cpu_seconds, wall_seconds, rows, measured_at)
SELECT model, chunk, producer, 'run', 1, 1, 1, measured_at FROM chunk_revisions
""",
)


def fill(engine: sa.Engine, models: int, days: int, measurements: int) -> None:
    """Write the history of some models."""
    with engine.begin() as connection:
        connection.execute(sa.text(CHUNKS), {"models": models, "days": days})
        for statement in OTHERS:
            connection.execute(sa.text(statement))
    for number in range(1, models + 1):
        with engine.begin() as connection:
            values = {"each": json.dumps(by_producer(measurements)), "model": f"model_{number}"}
            connection.execute(sa.text(MEASUREMENTS), values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))


def by_producer(measurements: int) -> dict[str, int]:
    """Return the number of measurements of a night, by producer."""
    found = {producer: round(share * measurements) for producer, share in SHARES}
    return found | {"segments": measurements - sum(found.values())}


def parameters_of(text: str) -> dict[str, str | None]:
    """Return values for the parameters that the head of a query lists."""
    return {name: value for name, value in PARAMETERS.items() if f":{name}" in text}


def cases() -> list[tuple[str, dict[str, str | None]]]:
    """Return every query with values, and again without those that may be null."""
    found: list[tuple[str, dict[str, str | None]]] = []
    for path in sorted((sql_directory() / "queries").glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        given = parameters_of(text)
        optional = [name for name in given if f"CAST(:{name} AS TEXT) IS NULL" in text]
        found.append((path.stem, given))
        if optional and given != (fewer := given | dict.fromkeys(optional)):
            found.append((path.stem, fewer))
    return found


def main() -> None:
    """Fill a server, and print a row for each query."""
    parser = argparse.ArgumentParser(description="Measure the shipped queries on a generated year.")
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--measurements", type=int, default=1096, help="for each model and day")
    parser.add_argument("--plans", action="store_true", help="print the plans of queries above the limit")
    asked = parser.parse_args()
    with running_postgresql() as server:
        url = f"{server}/postgres"
        ResultStore.open(url).close()
        engine = create_store_engine(url)
        fill(engine, asked.models, asked.days, asked.measurements)
        with ResultStore.open_to_read(url) as store:
            _, [(rows,)] = store.query("SELECT count(*) FROM measurements", {})
            print(f"{rows:,} measurements", flush=True)
            for name, given in cases():
                text, taken = read_sql(f"queries/{name}.sql"), []
                for _ in range(3):
                    began = time.perf_counter()
                    _, answer = store.query(text, given)
                    taken.append((time.perf_counter() - began) * 1000)
                median = statistics.median(taken)
                mark = "" if median < LIMIT_MS else "  ABOVE"
                print(f"{name:20} {given!s:70} {len(answer):6} rows {median:9.1f} ms{mark}", flush=True)
                if mark and asked.plans:
                    _, plan = store.query(f"EXPLAIN (ANALYZE, BUFFERS) {text}", given)
                    print("\n".join(line for (line,) in plan))
        engine.dispose()


if __name__ == "__main__":
    main()
