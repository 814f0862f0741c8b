"""The demo's warehouse: fast tests on a slice of the flights, and a slow one on the whole year."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from monitoring_pipeline.demo import seeding
from monitoring_pipeline.demo.moving import moved_times
from monitoring_pipeline.demo.registering import OtherModelRegisteredError
from monitoring_pipeline.demo.seeding import seed_warehouse, weeks_in
from monitoring_pipeline.demo.training import USUAL_SHARES

# MLflow 3.17 warns about its type hints, and about features that pandas 4 and the next SQLAlchemy will drop.
pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")
PREDICTIONS = ("flight_delay_predictions", "arrival_delay_predictions", "flight_outcome_predictions")
TABLES = (*PREDICTIONS, "flight_labels", "flight_outcomes", "seeded_from")


def seed(home: Path) -> list[str]:
    """Seed under ``home`` and return the lines of progress."""
    lines: list[str] = []
    seed_warehouse(home / "warehouse.duckdb", f"sqlite:///{home / 'mlflow.db'}", home / "artifacts", lines.append)
    return lines


def contents(home: Path) -> dict[str, pl.DataFrame]:
    """Return all tables of the warehouse."""
    with duckdb.connect(home / "warehouse.duckdb", read_only=True) as warehouse:
        warehouse.execute("SET TimeZone = 'UTC'")
        return {table: warehouse.table(table).pl() for table in TABLES}


@pytest.fixture(scope="module")
def home(flights: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data home seeded with every twentieth flight."""
    home = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seeding, "read_flights", lambda: flights.gather_every(20))
        elsewhere = tmp_path_factory.mktemp("elsewhere")
        patch.chdir(elsewhere)
        seed(home)
    assert list(elsewhere.iterdir()) == [], "MLflow wrote into the current directory"
    return home


def registered_versions(home: Path, name: str) -> list[str]:
    """Return the versions that MLflow holds."""
    from mlflow import MlflowClient

    uri = f"sqlite:///{home / 'mlflow.db'}"
    versions = MlflowClient(uri, uri).search_model_versions(f"name = '{name}'")
    return [str(entry.version) for entry in versions]


def test_reference_and_later_rows_have_the_registered_version(home: Path) -> None:
    for table in PREDICTIONS:
        assert contents(home)[table]["model_version"].unique().to_list() == ["1"]


def test_labels_are_those_of_landed_flights(home: Path, flights: pl.DataFrame) -> None:
    labels = contents(home)["flight_labels"].sort("flight_id")
    landed = flights.gather_every(20).drop_nulls("late").sort("flight_id")
    assert labels.select("flight_id", "late", "arrived_at").equals(landed.select("flight_id", "late", "arrived_at"))


def test_outcomes_are_those_of_landed_and_cancelled_flights(home: Path, flights: pl.DataFrame) -> None:
    outcomes = contents(home)["flight_outcomes"].sort("flight_id")
    expected = flights.gather_every(20).drop_nulls("outcome").sort("flight_id")
    assert outcomes["flight_id"].equals(expected["flight_id"])
    assert outcomes["outcome"].equals(expected["outcome"])
    assert outcomes["known_at"].equals(expected["outcome_known_at"])


def test_predicted_outcome_is_the_one_most_above_its_usual_share(home: Path) -> None:
    rows = contents(home)["flight_outcome_predictions"]
    lift = {name: rows[f"probability_{name}"] / share for name, share in USUAL_SHARES.items()}
    predicted_lift = pl.select(
        pl.coalesce(pl.when(rows["predicted_outcome"] == name).then(lift[name]) for name in lift)
    ).to_series()
    assert predicted_lift.equals(pl.DataFrame(lift).max_horizontal())
    assert set(rows["predicted_outcome"]) == set(USUAL_SHARES)
    assert (
        pl.DataFrame({name: rows[f"probability_{name}"] for name in lift})
        .sum_horizontal()
        .is_between(1 - 1e-9, 1 + 1e-9)
        .all()
    )


def test_champion_computes_the_scores_in_the_warehouse(home: Path) -> None:
    from mlflow import MlflowClient
    from mlflow.sklearn import load_model

    uri = f"sqlite:///{home / 'mlflow.db'}"
    client = MlflowClient(uri, uri)
    champion = client.get_model_version_by_alias("flight_delay", "champion")
    estimator = load_model(client.get_model_version_download_uri("flight_delay", champion.version))
    later = contents(home)["flight_delay_predictions"].filter(pl.col("predicted_at").dt.month() > 3)
    inputs = later.with_columns(pl.selectors.integer().cast(pl.Float64)).to_pandas()
    assert estimator.predict_proba(inputs)[:, 1].tolist() == later["score"].to_list()
    run = client.get_run(champion.run_id)
    assert "auroc_out_of_fold" in run.data.metrics
    assert [entry.dataset.name for entry in run.inputs.dataset_inputs] == ["reference"]


def test_seeding_again_changes_nothing(home: Path) -> None:
    before = (home / "warehouse.duckdb").stat()
    assert seed(home) == ["warehouse.duckdb: complete, left as it is"]
    assert (home / "warehouse.duckdb").stat() == before


def test_moved_warehouse_has_the_same_rows_at_moved_times_and_keeps_them(
    home: Path, flights: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeding, "read_flights", lambda: flights.gather_every(20))
    path, uri = tmp_path / "warehouse.duckdb", f"sqlite:///{home / 'mlflow.db'}"
    assert weeks_in(path) is None
    seed_warehouse(path, uri, home / "artifacts", lambda _: None, weeks=708)
    assert (weeks_in(path), weeks_in(home / "warehouse.duckdb")) == (708, 0)
    before, moved = contents(home), contents(tmp_path)
    for name in set(TABLES) - {"seeded_from"}:
        assert moved[name].equals(moved_times(before[name], 708))
        assert not moved[name].equals(before[name])
    lines: list[str] = []
    seed_warehouse(path, uri, home / "artifacts", lines.append, weeks=708)
    assert lines == ["warehouse.duckdb: complete, left as it is"]


def test_deleted_warehouse_is_rebuilt_equal_from_the_registered_models(
    home: Path, flights: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(home)
    (home / "warehouse.duckdb").unlink()
    monkeypatch.setattr(seeding, "read_flights", lambda: flights.gather_every(20))
    assert not any("registering" in line for line in seed(home))
    after = contents(home)
    assert all(after[table].equals(before[table]) for table in TABLES)
    for name in ("flight_delay", "arrival_delay", "flight_outcome"):
        assert registered_versions(home, name) == ["1"]


def test_models_trained_on_other_data_stop_seeding_and_keep_the_warehouse(
    home: Path, flights: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (home / "warehouse.duckdb").stat()
    monkeypatch.setattr(seeding, "read_flights", lambda: flights.gather_every(30))
    monkeypatch.setattr(seeding, "_fingerprint_of_sources", lambda: "of other sources")
    with pytest.raises(OtherModelRegisteredError, match=r"flight_delay is registered in versions .* empty data home"):
        seed(home)
    assert (home / "warehouse.duckdb").stat() == before
    assert registered_versions(home, "flight_delay") == ["1"]


def test_file_that_is_no_demo_warehouse_is_not_replaced(tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "warehouse.duckdb") as warehouse:
        warehouse.execute("CREATE TABLE precious (value INTEGER)")
    with pytest.raises(FileExistsError, match="is not a warehouse of the demo"):
        seed(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["warehouse.duckdb"]


def test_failed_write_leaves_no_file(tmp_path: Path, flights: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    incomplete = {"flight_labels": flights.select("flight_id", "late", "arrived_at")}
    with pytest.raises(duckdb.Error):
        seeding._write(tmp_path / "warehouse.duckdb", incomplete)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_performance_over_the_year_changes_as_documented(tmp_path: Path) -> None:
    from sklearn.metrics import mean_absolute_error, roc_auc_score

    seed(tmp_path)
    tables = contents(tmp_path)
    day = pl.col("predicted_at").dt.convert_time_zone("America/New_York").dt.date()

    def judged(table: str) -> pl.DataFrame:
        return tables[table].join(tables["flight_labels"], on="flight_id").with_columns(day.alias("day"))

    delays, minutes = judged("flight_delay_predictions"), judged("arrival_delay_predictions")
    assert tables["flight_delay_predictions"].height == 336_776
    assert tables["arrival_delay_predictions"].height == 336_776 - 8_255
    months = {month: delays.filter(pl.col("day").dt.month() == month) for month in range(1, 13)}
    auroc = {month: roc_auc_score(rows["late"], rows["score"]) for month, rows in months.items()}
    assert auroc[3] == pytest.approx(0.71, abs=0.015)
    assert auroc[4] == pytest.approx(0.64, abs=0.015)
    assert auroc[5] == pytest.approx(0.71, abs=0.015)
    assert max(auroc[month] for month in (8, 9, 10, 11)) < 0.68
    assert (months[4]["score"] - months[4]["late"].cast(float)).mean() == pytest.approx(-0.10, abs=0.015)
    worst_week = delays.filter(pl.col("day").is_between(pl.date(2013, 4, 22), pl.date(2013, 4, 28)))
    assert roc_auc_score(worst_week["late"], worst_week["score"]) == pytest.approx(0.61, abs=0.02)
    assert worst_week["late"].mean() == pytest.approx(0.39, abs=0.005)
    assert worst_week["score"].mean() == pytest.approx(0.15, abs=0.02)
    outcomes = tables["flight_outcome_predictions"].join(tables["flight_outcomes"], on="flight_id")
    cancelled = {
        month: roc_auc_score(rows["outcome"] == "cancelled", rows["probability_cancelled"])
        for (month,), rows in outcomes.with_columns(day.alias("day")).group_by(pl.col("day").dt.month())
    }
    assert outcomes.height == 336_776 - 1_175
    assert cancelled[2] == pytest.approx(0.53, abs=0.02), "the snow of 8 and 9 February was in no other week"
    assert min(cancelled[month] for month in range(3, 13)) > 0.73
    errors = {
        month: mean_absolute_error(rows["arrival_delay_minutes"], rows["predicted_minutes"])
        for (month,), rows in minutes.group_by(pl.col("day").dt.month())
    }
    assert errors[1] < errors[3] < errors[4] < errors[7]
