"""Files in an object store, on a real server of S3's protocol on this machine."""

import logging
from collections.abc import Iterator
from pathlib import Path

import deltalake
import fsspec
import polars as pl
import pytest
from moto.server import ThreadedMotoServer

from monitoring_pipeline.evaluation.business.business_metrics import BusinessQueryError
from monitoring_pipeline.warehouse.engines.address import WarehouseAddress
from monitoring_pipeline.warehouse.engines.duckdb import process
from monitoring_pipeline.warehouse.engines.engine import EngineLimits
from monitoring_pipeline.warehouse.engines.opening import open_engine
from monitoring_pipeline.warehouse.errors import MissingTableError, WarehouseFailedError, WarehouseMissingError
from monitoring_pipeline_tests.warehouse.conftest import SpecMaker
from monitoring_pipeline_tests.warehouse.lake_tables import (
    delete_in_delta,
    delete_positions,
    iceberg_catalog,
    make_iceberg,
)
from monitoring_pipeline_tests.warehouse.test_files_warehouse import DAY, scores

SECRET = "canary-secret-key"
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bucket with two partitions of Parquet and one CSV file below ``lake``; the SDK finds it by its variables."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    folder: Path = tmp_path_factory.mktemp("lake")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():  # fmt: skip
            patch.setenv(name, value)
        process._end_idle()
        store = fsspec.filesystem("s3", use_listings_cache=False)
        store.mkdir("bucket")
        for day, names in ((DAY, ("a", "b")), ("2013-06-01", ("eve",))):
            scores(*names, day=day).write_parquet(folder / "x.parquet")
            store.put(str(folder / "x.parquet"), f"bucket/lake/scores/day={day}/x.parquet")
        store.pipe("bucket/lake/truths.csv", b"id,churned,known_at\na,true,2013-06-03\n")
        store.pipe("bucket/private/other.csv", b"id\n1\n")
        yield "s3://bucket/lake"
        process._end_idle()
        server.stop()


def _warehouse(address: str):
    return open_engine(WarehouseAddress(address, "MONITORING_PIPELINE_WAREHOUSE"), EngineLimits()).warehouse


def test_files_of_a_bucket_are_tables_and_nothing_else_of_it_is_read(bucket: str, make_spec: SpecMaker) -> None:
    spec = make_spec()
    chunk, warehouse = spec.calendar.chunk(DAY), _warehouse(bucket)
    frame = warehouse.read_predictions(spec, chunk).frame
    assert sorted(frame["row_id"].to_list()) == ["a", "b"]
    assert warehouse.read_labels(spec, chunk, chunk.end.replace(month=7)).frame["row_id"].to_list() == ["a"]
    assert warehouse.business_metric(spec, "SELECT count(*) FROM scores", chunk, "1") == 3.0
    for source in ("read_csv('s3://bucket/private/other.csv')", "read_text('/etc/hostname')"):
        with pytest.raises(BusinessQueryError, match="outside the folders"):
            warehouse.business_metric(spec, f"SELECT count(*) FROM {source}", chunk, "1")
    with pytest.raises(MissingTableError, match="did you mean scores"):
        warehouse.read_predictions(make_spec(predictions={"table": "scroes"}), chunk)


def test_prefix_that_has_no_files_and_a_store_that_is_away_are_errors_without_the_secret(
    bucket: str, make_spec: SpecMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec()
    chunk = spec.calendar.chunk(DAY)
    with pytest.raises(WarehouseMissingError, match="s3://bucket/none: no such folder or file"):
        _warehouse("s3://bucket/none").read_predictions(spec, chunk)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    fsspec.filesystem("s3").clear_instance_cache()
    with pytest.raises(WarehouseFailedError, match="s3://bucket/lake: its files cannot be listed") as raised:
        _warehouse(bucket).read_predictions(spec, chunk)
    fsspec.filesystem("s3").clear_instance_cache()
    assert SECRET not in str(raised.value)


def test_delta_table_in_a_store_has_the_rows_of_its_newest_version(
    bucket: str, tmp_path: Path, make_spec: SpecMaker
) -> None:
    rows = scores("a", "b", "c").with_columns(plan=pl.lit("gold plan"))
    deltalake.write_deltalake(tmp_path / "delta", rows.to_arrow(), partition_by=["plan"])
    delete_in_delta(tmp_path / "delta", {"gold": [1]}, in_file=True)
    fsspec.filesystem("s3", use_listings_cache=False).put(str(tmp_path / "delta"), "bucket/lake/delta", recursive=True)
    spec, warehouse = make_spec(predictions={"table": "delta"}, features={"plan": "categorical"}), _warehouse(bucket)
    frame = warehouse.read_predictions(spec, spec.calendar.chunk(DAY)).frame.sort("row_id")
    assert frame.select("row_id", "plan").rows() == [("a", "gold plan"), ("c", "gold plan")]
    assert warehouse.business_metric(spec, "SELECT count(*) FROM delta", spec.calendar.chunk(DAY), "1") == 2


def test_iceberg_table_in_a_store_has_the_rows_of_its_newest_snapshot(
    bucket: str, tmp_path: Path, make_spec: SpecMaker
) -> None:
    spec, warehouse = make_spec(predictions={"table": "iceberg"}), _warehouse(bucket)
    chunk = spec.calendar.chunk(DAY)
    with iceberg_catalog(bucket, {"py-io-impl": "pyiceberg.io.fsspec.FsspecFileIO"}) as catalog:
        make_iceberg(catalog, f"{bucket}/iceberg", scores("a", "b"), scores("c")).delete("id = 'a'")
    assert sorted(warehouse.read_predictions(spec, chunk).frame["row_id"]) == ["b", "c"]
    with iceberg_catalog(f"file://{tmp_path}") as catalog:
        table = make_iceberg(catalog, f"file://{tmp_path}/copied", scores("a", "b", "c"))
        (path,) = [task.file.file_path for task in table.scan().plan_files()]
        delete_positions(table, path, [1])
    store = fsspec.filesystem("s3", use_listings_cache=False)
    store.put(str(tmp_path / "copied"), "bucket/lake/copied", recursive=True)
    copied = make_spec(predictions={"table": "copied"})
    assert sorted(warehouse.read_predictions(copied, chunk).frame["row_id"]) == ["a", "c"]
    assert warehouse.business_metric(copied, "SELECT count(*) FROM copied", chunk, "1") == 2


def test_delta_log_that_cannot_be_read_is_an_error_without_the_secret(
    bucket: str, tmp_path: Path, make_spec: SpecMaker
) -> None:
    store = fsspec.filesystem("s3", use_listings_cache=False)
    store.pipe("bucket/lake/broken/_delta_log/00000000000000000000.json", SECRET.encode())
    spec = make_spec(predictions={"table": "broken"})
    with pytest.raises(WarehouseFailedError, match="broken is no readable Delta table: DeltaError") as raised:
        _warehouse(bucket).read_predictions(spec, spec.calendar.chunk(DAY))
    assert SECRET not in str(raised.value)


def test_store_whose_package_is_not_installed_names_the_extra() -> None:
    with pytest.raises(WarehouseMissingError, match=r"install it with: pip install 'monitoring-pipeline\[gcs\]'"):
        _warehouse("gs://bucket/lake")
