"""A store on SQLite and on a real PostgreSQL, and results to put into it."""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile, Unseen
from monitoring_pipeline.evaluation.results import ChunkResults, Snapshot
from monitoring_pipeline.records.measurement import (
    Kind,
    Maturity,
    Measurement,
    Provenance,
    Role,
    Severity,
    Status,
    Verdict,
    VerdictStatus,
)
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.store.results import ResultStore

MakeResults = Callable[..., ChunkResults]


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a store that does not exist yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/results/results.sqlite"
        return
    server = request.getfixturevalue("postgresql_server")
    name = f"store_{time.time_ns()}"
    administrator = sa.create_engine(
        f"{server.replace('postgresql:', 'postgresql+psycopg2:')}/postgres", isolation_level="AUTOCOMMIT"
    )
    with administrator.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield f"{server}/{name}"
    with administrator.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    administrator.dispose()


@pytest.fixture
def store(store_url: str) -> Iterator[ResultStore]:
    """An empty store."""
    with ResultStore.open(store_url) as opened:
        yield opened


@pytest.fixture
def measured_at() -> dt.datetime:
    """The moment of measuring."""
    return dt.datetime(2013, 5, 1, 10, tzinfo=dt.UTC)


@pytest.fixture
def make_results() -> MakeResults:
    """A function that makes the results of one producer for one day, in a zone four hours west of UTC."""

    def make(
        day: str = "2013-04-22",
        *measurements: Measurement,
        model: str = "flight_delay",
        producer: str = "drift",
        input_fingerprint: str = "input-1",
        **parts: Any,
    ) -> ChunkResults:
        start = dt.datetime.combine(dt.date.fromisoformat(day), dt.time(4), dt.UTC)
        provenance = Provenance(
            spec_hash="spec",
            reference_hash="reference",
            input_fingerprint=input_fingerprint,
            code_version="0.1.0",
        )
        chunk = Chunk(model, day, start, start + dt.timedelta(days=1))
        return ChunkResults(producer=producer, chunk=chunk, provenance=provenance, measurements=measurements, **parts)

    return make


@pytest.fixture
def full_results(make_results: MakeResults) -> ChunkResults:
    """Results that use every field, with numbers that do not survive a careless round trip."""
    return make_results(
        "2013-04-22",
        *(
            Measurement(
                kind=Kind.PERFORMANCE,
                subject="model",
                name="auroc",
                model_version="1",
                status=Status.BREACHED,
                severity=Severity.CRITICAL,
                value=0.1 + 0.2,
                lower=5e-324,
                upper=1.7976931348623157e308,
                reference_value=1 / 3,
                p_value=0.0,
                q_value=1e-300,
                threshold_lower=0.65,
                threshold_upper=7.0,
                reason="ŷ fell: 'it''s' 50 %, :name \"quoted\"",
                definition="area\nunder the curve",
                rows=2**40,
                maturity=Maturity.PROVISIONAL,
                role=Role.CHALLENGER,
                segment="carrier=MQ",
            ),
            Measurement(
                kind=Kind.DRIFT,
                subject="temperature",
                name="psi",
                model_version="",
                status=Status.SKIPPED,
                reason="no rows",
            ),
        ),
        profiles=(
            ChunkProfile(
                "2",
                6,
                (
                    ColumnProfile("wind", (1, 0, 0, 5, 0), -1.5, 1e-17, 0.1 + 0.7, 2 / 3),
                    ColumnProfile("carrier", (0, 4, 2), unseen=(Unseen("Ünseen 'x'", 1), Unseen("", 1))),
                ),
            ),
            ChunkProfile("1", 0, (ColumnProfile("wind", (0, 0, 0, 0, 0)),)),
        ),
        verdict=Verdict(
            status=VerdictStatus.CRITICAL,
            reasons=("auroc .61 under .65", "ünïcode"),
            measured=2,
            breaches=1,
            skipped=1,
        ),
        snapshot=Snapshot(
            kind="predictions",
            uri="flight_delay/2013-04-22/predictions-abc.parquet",
            fingerprint="abc",
            rows=6,
            latest_at=dt.datetime(2013, 4, 23, 3, 59, 59, 999_999, tzinfo=dt.UTC),
        ),
    )
