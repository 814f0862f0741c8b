"""The scheme of a URL chooses the engine, and the spec chooses the warehouse."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from monitoring_pipeline.evaluation.privacy.secrets import keep_secret
from monitoring_pipeline.warehouse.engines.address import WarehouseAddress
from monitoring_pipeline.warehouse.engines.engine import EngineLimits
from monitoring_pipeline.warehouse.engines.opening import ENGINES, EngineKind, open_engine
from monitoring_pipeline.warehouse.errors import WarehouseMissingError
from monitoring_pipeline.warehouse.routing import Engines, RoutedInspection, RoutedWarehouse
from monitoring_pipeline_tests.warehouse.conftest import SpecMaker


@pytest.fixture
def engines(tmp_path: Path) -> Engines:
    """A default warehouse in a DuckDB file, and one of files with the name ``lake``; each has one prediction."""
    path, lake = tmp_path / "warehouse.duckdb", tmp_path / "lake"
    lake.mkdir()
    with duckdb.connect(path) as connection:
        connection.execute(
            "CREATE TABLE scores AS SELECT 'in the file' AS id, TIMESTAMPTZ '2013-06-02 12:00:00+00' AS made_at, "
            "1 AS age"
        )
        connection.execute(f"COPY (SELECT * REPLACE ('in the lake' AS id) FROM scores) TO '{lake}/scores.parquet'")
    addresses = {"": str(path), "lake": f"files://{lake}", "away": "mysql://user:canary7d1f@host/db"}
    return Engines(
        {name: WarehouseAddress(text, f"VARIABLE_{name}") for name, text in addresses.items()}, EngineLimits()
    )


@pytest.mark.parametrize(("name", "row_id"), [(None, "in the file"), ("lake", "in the lake")])
def test_every_call_goes_to_the_warehouse_of_the_spec(engines, make_spec: SpecMaker, name, row_id) -> None:
    spec = make_spec(warehouse=name)
    chunk, warehouse = spec.calendar.chunk("2013-06-02"), RoutedWarehouse(engines, b"key")
    assert warehouse.read_predictions(spec, chunk).frame["row_id"].to_list() == [row_id]
    sql = f"SELECT count(*) FROM scores WHERE id = '{row_id}'"
    assert warehouse.business_metric(spec, sql, chunk, "1") == 1.0
    inspection = RoutedInspection(engines, b"key")
    assert inspection.predictions_extent(spec).rows == 1
    first = inspection.first_predictions(spec, [chunk], 10)
    assert isinstance(first, pl.DataFrame)
    assert first["row_id"].to_list() == [row_id]


def test_unknown_name_and_unknown_scheme_are_errors_with_what_is_allowed(engines, make_spec: SpecMaker) -> None:
    spec = make_spec(warehouse="lakes")
    with pytest.raises(WarehouseMissingError, match=r"churn: warehouse: no warehouse 'lakes'.*did you mean lake"):
        RoutedWarehouse(engines, b"key").read_predictions(spec, spec.calendar.chunk("2013-06-02"))
    keep_secret(["canary7d1f"])
    away = make_spec(warehouse="away")
    with pytest.raises(WarehouseMissingError, match=r"VARIABLE_away: .*no engine for mysql://; allowed are") as raised:
        RoutedWarehouse(engines, b"key").read_predictions(away, away.calendar.chunk("2013-06-02"))
    assert "canary7d1f" not in str(raised.value)


def test_engine_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> object:
        raise ModuleNotFoundError("No module named 'driver'", name="driver")

    kind = EngineKind(schemes=("other",), form="other://host", open=missing, extra="other")  # pyright: ignore[reportArgumentType]
    monkeypatch.setattr("monitoring_pipeline.warehouse.engines.opening.ENGINES", (*ENGINES, kind))
    with pytest.raises(WarehouseMissingError, match=r"driver is not installed; .*'monitoring-pipeline\[other\]'"):
        open_engine(WarehouseAddress("other://host", "X"), EngineLimits())


@pytest.mark.parametrize(("text", "scheme", "path"), [
    ("/a b/w.duckdb", "duckdb", "/a b/w.duckdb"), ("w.duckdb", "duckdb", "w.duckdb"),
    ("duckdb:///a%20b/w.duckdb", "duckdb", "/a b/w.duckdb"), ("FILES:///lake", "files", "/lake"),
])  # fmt: skip
def test_address_has_scheme_and_path(text: str, scheme: str, path: str) -> None:
    address = WarehouseAddress(text, "X")
    assert (address.scheme, address.path) == (scheme, Path(path))
