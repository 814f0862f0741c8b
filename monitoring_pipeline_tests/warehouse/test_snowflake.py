"""The SQL of Snowflake, executed on fakesnow: the same rows and numbers as DuckDB gives."""

import datetime as dt
from pathlib import Path

import duckdb
import polars as pl
import pytest
import snowflake.connector
from click.testing import CliRunner

from monitoring_pipeline.cli import main
from monitoring_pipeline.evaluation.business.business_metrics import BusinessQueryError
from monitoring_pipeline.spec.loading import load_spec
from monitoring_pipeline.warehouse.engines.duckdb.warehouse import DuckDBWarehouse
from monitoring_pipeline.warehouse.engines.snowflake.session import connection_options
from monitoring_pipeline_tests.warehouse.conftest import SpecMaker
from monitoring_pipeline_tests.warehouse.snowflake_builder import URL, build_snowflake

LATER = dt.datetime(2013, 7, 1, tzinfo=dt.UTC)
DAY = "2013-03-10"
TIMES = {
    "TIMESTAMPTZ": "'2013-03-{day} {hour}:30:00+00'",
    "TIMESTAMP": "'2013-03-{day} {hour}:30:00'",
    "DATE": "'2013-03-{day}'",
    "VARCHAR": "'2013-03-{day}T{hour}:30:00Z'",
    "BIGINT": "{epoch}",
}


def statements(kind: str) -> tuple[str, ...]:
    """Return tables of three days, with labels before, in time, withdrawn, in the future, doubled and without id."""
    rows = []
    for number in range(60):
        day, hour = 9 + number % 3, f"{number % 24:02}"
        epoch = int(dt.datetime(2013, 3, day, number % 24, 30, tzinfo=dt.UTC).timestamp())
        time = "NULL" if number % 20 == 19 else TIMES[kind].format(day=f"{day:02}", hour=hour, epoch=epoch)
        rows.append(f"({number % 50}, {time}, {number}, {number / 60}, {number / 4}, '{number % 2 + 1}')")
    labels = [
        f"('{number}', {('true', 'false', 'NULL')[number % 3]}, "
        + ("NULL" if number % 17 == 0 else f"'2013-{('03', '09')[number % 13 == 0]}-{8 + number % 9:02} 12:00:00+00'")
        + ")"
        for number in range(60)
    ]
    return (
        f"CREATE TABLE scores (id INTEGER, made_at {kind}, age INTEGER, score DOUBLE, amount DECIMAL(9, 2), v VARCHAR)",
        "CREATE TABLE truths (id VARCHAR, churned BOOLEAN, known_at TIMESTAMPTZ)",
        f"INSERT INTO scores VALUES {', '.join(rows)}",
        f"INSERT INTO truths VALUES {', '.join(labels)}, ('3', true, '2013-03-12'), (NULL, true, '2013-03-10')",
    )


@pytest.fixture(params=TIMES)
def both(request: pytest.FixtureRequest, tmp_path: Path, fake_account: None) -> tuple:
    """The same rows in both engines."""
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for statement in statements(request.param):
            connection.execute(statement)
    return DuckDBWarehouse(path), build_snowflake(fake_account, tmp_path, statements(request.param))


def comparable(frame: pl.DataFrame) -> list[tuple]:
    return sorted(frame.rows(), key=str)


@pytest.mark.slow
def test_rows_labels_and_states_equal_those_of_duckdb(both: tuple, make_spec: SpecMaker) -> None:
    features = {"age": "numeric", "amount": "numeric", "code": {"kind": "categorical", "column": "amount"}}
    for zone in ("America/New_York",):
        spec = make_spec(
            timezone=zone, features=features, predictions={"time_zone": zone, "model_version": "v", "table": "Scores"}
        )
        chunks = [spec.calendar.chunk(f"2013-03-{day:02}") for day in (10, 11)]
        read = [[each.read_predictions(spec, chunk) for chunk in chunks] for each in both]
        for ours, theirs in zip(*read, strict=True):
            assert ours.frame.columns == theirs.frame.columns
            assert comparable(ours.frame) == comparable(theirs.frame)
            assert ours.rows_without_time == theirs.rows_without_time
        for chunk in chunks:
            ours, theirs = (each.read_labels(spec, chunk, LATER) for each in both)
            assert comparable(ours.frame) == comparable(theirs.frame)
            assert ours.accounting == theirs.accounting
            assert ours.state == theirs.state
        states = both[1].label_states(spec, chunks, LATER)
        assert states == both[0].label_states(spec, chunks, LATER)
        assert states[DAY] == both[1].read_labels(spec, spec.calendar.chunk(DAY), LATER).state


@pytest.mark.parametrize("both", ["TIMESTAMPTZ"], indirect=True)
def test_business_sql_is_one_select_with_bound_values(both: tuple, make_spec: SpecMaker) -> None:
    spec, (_, warehouse) = make_spec(), both
    chunk = spec.calendar.chunk(DAY)
    in_chunk = "FROM scores WHERE made_at >= :chunk_start AND made_at < :chunk_end"
    assert warehouse.business_metric(spec, f"SELECT sum(amount) {in_chunk}", chunk, "1") > 0
    assert warehouse.business_metric(spec, f"SELECT count(*) {in_chunk} AND v = :model_version;", chunk, "x") == 0.0
    for sql, message in (
        ("DELETE FROM scores", "one SELECT is needed, got DELETE"),
        ("SELECT amout FROM scores", "Snowflake refuses it: .*AMOUT"),
        ("SELECT 1, 2", "got one row with 2 columns"),
    ):
        with pytest.raises(BusinessQueryError, match=message):
            warehouse.business_metric(spec, sql, chunk, "1")


def test_url_becomes_arguments_of_the_connector() -> None:
    assert connection_options("snowflake://me:p%40ss@org-account/DB/S?warehouse=W&role=R") == {
        "account": "org-account", "user": "me", "password": "p@ss", "database": "DB", "schema": "S",
        "warehouse": "W", "role": "R",
    }  # fmt: skip


def test_spec_of_an_account_is_drafted_by_its_url(
    tmp_path: Path, fake_account: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MONITORING_PIPELINE_HOME", raising=False)
    build_snowflake(
        fake_account,
        tmp_path,
        (
            "CREATE TABLE scores (prediction_id VARCHAR, scored_at TIMESTAMP, late_probability DOUBLE, km DOUBLE)",
            "CREATE TABLE outcomes (prediction_id VARCHAR, is_late BOOLEAN, landed_at TIMESTAMP)",
        ),
    )
    with snowflake.connector.connect(database="DB", schema="PUBLIC") as connection:
        # Thousands of values as Snowflake's SQL would be parsed for minutes.
        at = "TIMESTAMP '2025-01-01' + INTERVAL (24 * n) MINUTE"
        for table, values in (
            ("SCORES", f"{at}, n * 37 % 1009 / 1009, n * 13 % 97 + 0.5"),
            ("OUTCOMES", f"n * 37 % 1009 > 600, {at} + INTERVAL 5 HOUR"),
        ):
            connection._duck_conn.execute(
                f"INSERT INTO DB.PUBLIC.{table} SELECT 'p' || n, {values} FROM range(2400) t(n)"
            )
    environment = {"COLUMNS": "300", "MONITORING_PIPELINE_WAREHOUSE": ""}
    result = CliRunner().invoke(main, ["init", URL, "--no-suite"], env=environment)
    assert result.exit_code == 0, result.output
    spec = load_spec(Path("models/scores.yaml")).spec
    assert (spec.predictions.id, spec.predictions.time, spec.predictions.score) == (
        "PREDICTION_ID", "SCORED_AT", "LATE_PROBABILITY",
    )  # fmt: skip
    assert spec.labels is not None
    assert (spec.labels.table, spec.labels.label, spec.labels.delay) == ("OUTCOMES", "IS_LATE", dt.timedelta(hours=5))
    assert "Which clock do the times of SCORED_AT follow?" in result.stdout
    assert 'export MONITORING_PIPELINE_WAREHOUSE=snowflake://reader:"$PASSWORD"@account/DB/PUBLIC' in result.stdout
    assert "secret" not in result.output + Path("models/scores.yaml").read_text(encoding="utf-8")
