"""Delta and Iceberg tables as files: deleted rows, changed columns, and what is refused."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import deltalake
import polars as pl
import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.manifest import DataFileContent
from pyiceberg.transforms import DayTransform
from pyiceberg.types import LongType, StringType

from monitoring_pipeline.warehouse.engines.duckdb.warehouse import connection_to
from monitoring_pipeline.warehouse.engines.files.formats import iceberg_snapshot
from monitoring_pipeline.warehouse.engines.files.formats.iceberg_versions import newest_metadata
from monitoring_pipeline.warehouse.errors import MissingTableError, UnreadableWarehouseError, WarehouseFailedError
from monitoring_pipeline_tests.warehouse.conftest import SpecMaker
from monitoring_pipeline_tests.warehouse.lake_tables import (
    append,
    commit_deletes,
    delete_by_vector,
    delete_in_delta,
    delete_positions,
    iceberg_catalog,
    make_iceberg,
)
from monitoring_pipeline_tests.warehouse.test_files_warehouse import DAY, scores, types_of, warehouse_of


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[SqlCatalog]:
    with iceberg_catalog(f"file://{tmp_path}") as opened:
        yield opened


def rows_of(lake: Path, spec: Any, *columns: str) -> list[Any]:
    """Return some columns of the rows of the day, in the order of their ids."""
    frame = warehouse_of(lake).read_predictions(spec, spec.calendar.chunk(DAY)).frame.sort("row_id")
    return frame.select("row_id", *columns).rows() if columns else frame["row_id"].to_list()


def test_iceberg_table_has_the_rows_of_its_newest_snapshot(tmp_path: Path, catalog, make_spec: SpecMaker) -> None:
    table = make_iceberg(catalog, f"file://{tmp_path}/scores", scores("a", "b"), scores("c"))
    table.delete("id = 'a'")
    spec = make_spec()
    assert rows_of(tmp_path, spec) == ["b", "c"]
    count = warehouse_of(tmp_path).business_metric(spec, "SELECT count(*) FROM scores", spec.calendar.chunk(DAY), "1")
    assert count == 2
    append(table, scores("d"))
    assert rows_of(tmp_path, spec) == ["b", "c", "d"]


def test_iceberg_columns_that_were_renamed_added_or_given_an_old_name_have_their_own_values(
    tmp_path: Path, catalog: SqlCatalog, make_spec: SpecMaker
) -> None:
    first = scores("old").with_columns(age=pl.lit(40, pl.Int32), filename=pl.lit("x"))
    table = make_iceberg(catalog, f"file://{tmp_path}/scores", first)
    with table.update_schema() as update:
        update.rename_column("age", "years")
    with table.update_schema() as update:
        update.add_column("age", StringType())
        update.update_column("years", LongType())
        update.move_first("age")
    append(table, scores("new").with_columns(age=pl.lit("young"), years=pl.lit(2**40), filename=pl.lit("y")))
    spec = make_spec(features={"years": "numeric", "age": "categorical", "filename": "categorical"})
    assert rows_of(tmp_path, spec, "years", "age", "filename") == [
        ("new", float(2**40), "young", "y"), ("old", 40.0, None, "x"),
    ]  # fmt: skip


def test_iceberg_column_that_was_dropped_and_added_again_has_none_of_its_old_values(
    tmp_path: Path, catalog: SqlCatalog, make_spec: SpecMaker
) -> None:
    table = make_iceberg(catalog, f"file://{tmp_path}/scores", scores("old"))
    with table.update_schema() as update:
        update.add_column("income", LongType())
    spec = make_spec(features={"age": "numeric", "income": "numeric"})
    assert rows_of(tmp_path, spec, "age", "income") == [("old", 40.0, None)]
    with table.update_schema(allow_incompatible_changes=True) as update:
        update.delete_column("age")
    with table.update_schema() as update:
        update.add_column("age", LongType())
    assert rows_of(tmp_path, spec, "age", "income") == [("old", None, None)]
    append(table, scores("new").select("id", "made_at", "score", income=pl.lit(5), age=pl.lit(41)))
    assert rows_of(tmp_path, spec, "age", "income") == [("new", 41.0, 5.0), ("old", None, None)]


def test_iceberg_default_of_a_column_stands_in_files_that_lack_it(
    tmp_path: Path, catalog: SqlCatalog, make_spec: SpecMaker
) -> None:
    make_iceberg(catalog, f"file://{tmp_path}/scores", scores("a"))
    (newest,) = (tmp_path / "scores" / "metadata").glob("00001-*.metadata.json")
    metadata = json.loads(newest.read_text()) | {"format-version": 3, "next-row-id": 0, "last-column-id": 6}
    metadata["schemas"][0]["fields"] += [
        {"id": 5, "name": "plan", "type": "string", "required": False, "initial-default": "gold"},
        {"id": 6, "name": "limit", "type": "long", "required": False, "initial-default": 7},
    ]
    newest.with_name("00002-by-hand.metadata.json").write_text(json.dumps(metadata))
    spec = make_spec(features={"plan": "categorical", "limit": "numeric"})
    assert rows_of(tmp_path, spec, "plan", "limit") == [("a", "gold", 7.0)]


@pytest.mark.parametrize("version", [2, 3])
def test_rows_of_an_iceberg_table_that_are_deleted_by_position_are_left_out(
    tmp_path: Path, catalog: SqlCatalog, make_spec: SpecMaker, version: int
) -> None:
    table = make_iceberg(catalog, f"file://{tmp_path}/scores", scores("a", "b", "c"), scores("d", "e", "f"))
    (first,) = [task.file.file_path for task in table.scan(row_filter="id = 'a'").plan_files()]
    delete = {2: delete_positions, 3: delete_by_vector}[version]
    delete(table, first, [0, 2])
    assert rows_of(tmp_path, make_spec()) == ["b", "d", "e", "f"]


def test_iceberg_table_of_format_1_with_partitions_is_read(tmp_path: Path, catalog, make_spec: SpecMaker) -> None:
    table = make_iceberg(catalog, f"file://{tmp_path}/scores", scores("x"), properties={"format-version": "1"})
    table.delete("id = 'x'")
    with table.update_spec() as update:
        update.add_field("made_at", DayTransform(), "day")
        update.add_identity("age")
    append(table, pl.concat([scores("a", "b"), scores("c").with_columns(age=pl.lit(None, pl.Int64))]))
    append(table, scores("eve", day="2013-06-01"))
    assert rows_of(tmp_path, make_spec(), "age") == [("a", 40.0), ("b", 40.0), ("c", None)]
    assert types_of(tmp_path, "scores").keys() == {"id", "made_at", "age", "score"}


def test_iceberg_table_without_rows_has_its_columns(tmp_path: Path, catalog: SqlCatalog) -> None:
    kinds = {
        "id": pa.string(), "n": pa.int32(), "day": pa.date32(), "at": pa.timestamp("us"), "price": pa.decimal128(9, 2),
        "payload": pa.struct({"tags": pa.list_(pa.string()), "by name": pa.map_(pa.string(), pa.float64())}),
        "raw": pa.binary(),
    }  # fmt: skip
    catalog.create_table("lake.empty", pa.schema(kinds), f"file://{tmp_path}/empty")
    assert types_of(tmp_path, "empty") == {
        "id": "VARCHAR", "n": "INTEGER", "day": "DATE", "at": "TIMESTAMP", "price": "DECIMAL(9,2)", "raw": "BLOB",
        "payload": 'STRUCT(tags VARCHAR[], "by name" MAP(VARCHAR, DOUBLE))',
    }  # fmt: skip


def test_iceberg_value_inside_of_a_column_is_read_by_its_path(tmp_path: Path, catalog, make_spec: SpecMaker) -> None:
    rows = scores("a").with_columns(payload=pl.struct(plan=pl.lit("gold")))
    table = make_iceberg(catalog, f"file://{tmp_path}/scores", rows)
    spec = make_spec(features={"plan": {"kind": "categorical", "column": "payload.plan"}})
    assert rows_of(tmp_path, spec, "plan") == [("a", "gold")]
    with table.update_schema() as update:
        update.rename_column("payload.plan", "tariff")
    with pytest.raises(UnreadableWarehouseError, match="renamed or replaced field 'tariff' inside of a column"):
        rows_of(tmp_path, spec)


def test_field_inside_of_a_column_that_was_replaced_is_refused(tmp_path: Path, catalog: SqlCatalog) -> None:
    rows = scores("a").with_columns(payload=pl.struct(plan=pl.lit("gold"), age=pl.lit(1)))
    table = make_iceberg(catalog, f"file://{tmp_path}/scores", rows)
    with table.update_schema(allow_incompatible_changes=True) as update:
        update.delete_column("payload.plan")
    assert "payload" in types_of(tmp_path, "scores")
    with table.update_schema() as update:
        update.add_column(("payload", "plan"), StringType())
    with pytest.raises(UnreadableWarehouseError, match="renamed or replaced field 'plan' inside of a column"):
        types_of(tmp_path, "scores")


def test_iceberg_table_that_was_copied_is_read_where_it_is(tmp_path: Path, catalog, make_spec: SpecMaker) -> None:
    table = make_iceberg(catalog, f"file://{tmp_path}/original/scores", scores("a", "b"))
    (path,) = [task.file.file_path for task in table.scan().plan_files()]
    delete_positions(table, path, [1])
    shutil.move(tmp_path / "original", tmp_path / "copy")
    assert rows_of(tmp_path / "copy", make_spec()) == ["a"]


def test_iceberg_file_outside_of_the_folder_of_its_table_is_refused(tmp_path: Path, catalog: SqlCatalog) -> None:
    properties = {"write.data.path": f"file://{tmp_path}/elsewhere"}
    make_iceberg(catalog, f"file://{tmp_path}/scores", scores("a"), properties=properties)
    with pytest.raises(UnreadableWarehouseError, match=r"at file:///.*scores, and has the file file:///.*elsewhere/"):
        types_of(tmp_path, "scores")


def test_iceberg_metadata_without_their_files_are_refused(tmp_path: Path, catalog: SqlCatalog) -> None:
    make_iceberg(catalog, f"file://{tmp_path}/scores", scores("a"))
    for path in (tmp_path / "scores" / "metadata").glob("*.avro"):
        path.unlink()
    with pytest.raises(WarehouseFailedError, match="a file or folder has gone"):
        types_of(tmp_path, "scores")


def test_iceberg_table_with_equality_deletes_is_refused(tmp_path: Path, catalog: SqlCatalog) -> None:
    table = make_iceberg(catalog, f"file://{tmp_path}/scores", scores("a"))
    deletes = tmp_path / "scores" / "data" / "deletes.parquet"
    scores("a").select("id").write_parquet(deletes)
    commit_deletes(table, deletes, 1, content=DataFileContent.EQUALITY_DELETES)
    with pytest.raises(UnreadableWarehouseError, match="'scores' is an Iceberg table with equality deletes"):
        types_of(tmp_path, "scores")


def test_iceberg_file_without_ids_of_fields_is_refused(tmp_path: Path, catalog: SqlCatalog) -> None:
    table = make_iceberg(catalog, f"file://{tmp_path}/scores", scores("a"))
    table.scan().to_arrow()
    added = tmp_path / "scores" / "data" / "added.parquet"
    scores("b").write_parquet(added)
    table.add_files([f"file://{added}"])
    with pytest.raises(UnreadableWarehouseError, match=r"whose file added\.parquet has no ids of fields"):
        types_of(tmp_path, "scores")


def test_iceberg_metadata_that_cannot_be_parsed_are_refused(tmp_path: Path) -> None:
    (tmp_path / "scores" / "metadata").mkdir(parents=True)
    (tmp_path / "scores" / "metadata" / "v1.metadata.json").write_text('{"format-version": 2, "location": "secret"}')
    with pytest.raises(
        UnreadableWarehouseError, match="'scores' is an Iceberg table whose metadata cannot be read"
    ) as raised:
        types_of(tmp_path, "scores")
    assert "secret" not in str(raised.value)


def test_iceberg_table_without_the_package_names_the_extra(
    tmp_path: Path, catalog: SqlCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_iceberg(catalog, f"file://{tmp_path}/scores", scores("a"))
    monkeypatch.delitem(sys.modules, iceberg_snapshot.__name__)
    monkeypatch.setitem(sys.modules, "pyiceberg.catalog.noop", None)
    with pytest.raises(UnreadableWarehouseError, match=r"install 'monitoring-pipeline\[iceberg\]' to read it"):
        types_of(tmp_path, "scores")


@pytest.mark.parametrize(("names", "hint", "newest"), [
    (["v1.metadata.json", "v10.metadata.json", "v9.metadata.json"], "", ["v10.metadata.json"]),
    (["v1.metadata.json", "v2.gz.metadata.json"], "1\n", ["v2.gz.metadata.json"]),
    (["v1.metadata.json", "v2.metadata.json.gz", "v4.metadata.json"], "1", ["v2.metadata.json.gz"]),
    (["00000-a.metadata.json", "00001-b.metadata.json"], "", ["00001-b.metadata.json"]),
    (["00001-a.metadata.json", "00001-b.metadata.json"], "", ["00001-a.metadata.json", "00001-b.metadata.json"]),
    (["00001-a.metadata.json", "00001-b.metadata.json"], "00001-b", ["00001-b.metadata.json"]),
    (["00001-a.metadata.json", "00001-b.metadata.json"], "00001-b.metadata.json", ["00001-b.metadata.json"]),
    (["00001-a.metadata.json"], "7", ["00001-a.metadata.json"]),
    (["other.metadata.json"], "", ["other.metadata.json"]),
])  # fmt: skip
def test_newest_metadata_is_that_of_the_hint_or_the_highest_version(names: list[str], hint: str, newest) -> None:
    assert newest_metadata(names, hint) == tuple(newest)


def test_two_metadata_files_of_the_newest_version_need_a_hint(tmp_path: Path, catalog: SqlCatalog) -> None:
    make_iceberg(catalog, f"file://{tmp_path}/scores", scores("a"))
    metadata = tmp_path / "scores" / "metadata"
    (newest,) = metadata.glob("00001-*.metadata.json")
    shutil.copy(newest, metadata / "00001-other.metadata.json")
    with pytest.raises(UnreadableWarehouseError, match=r"several metadata files .*version-hint\.text"):
        types_of(tmp_path, "scores")
    (metadata / "version-hint.text").write_text(newest.name)
    assert "made_at" in types_of(tmp_path, "scores")


@pytest.mark.parametrize("in_file", [False, True])
def test_rows_of_a_delta_table_that_are_deleted_by_vectors_are_left_out(
    tmp_path: Path, make_spec: SpecMaker, *, in_file: bool
) -> None:
    folder = tmp_path / "scores"
    rows = scores("a", "b", "c").with_columns(day=pl.lit("one day"))
    deltalake.write_deltalake(folder, rows.to_arrow(), partition_by=["day"])
    wider = scores("d", "e").with_columns(day=pl.lit("two"), income=pl.lit(5.0))
    deltalake.write_deltalake(folder, wider.to_arrow(), mode="append", schema_mode="merge")
    spec = make_spec(features={"day": "categorical", "income": "numeric"})
    assert len(rows_of(tmp_path, spec)) == 5
    delete_in_delta(folder, {"one": [0, 2]}, in_file=in_file)
    expected = [("b", "one day", None), ("d", "two", 5.0), ("e", "two", 5.0)]
    assert rows_of(tmp_path, spec, "day", "income") == expected
    delete_in_delta(folder, {"one": [0, 1, 2], "two": [1]}, in_file=in_file)
    assert rows_of(tmp_path, spec) == ["d"]
    chunk = spec.calendar.chunk(DAY)
    assert warehouse_of(tmp_path).business_metric(spec, "SELECT count(*) FROM scores", chunk, "1") == 1


def test_delta_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    deltalake.write_deltalake(tmp_path / "empty", scores("a").to_arrow())
    deltalake.DeltaTable(tmp_path / "empty").delete()
    assert types_of(tmp_path, "empty") == {
        "id": "VARCHAR", "made_at": "TIMESTAMP WITH TIME ZONE", "age": "BIGINT", "score": "DOUBLE",
    }  # fmt: skip


def test_delta_table_with_column_mapping_is_refused(tmp_path: Path) -> None:
    deltalake.write_deltalake(tmp_path / "scores", scores("a").to_arrow())
    log = tmp_path / "scores" / "_delta_log" / f"{0:020}.json"
    actions = [json.loads(line) for line in log.read_text().splitlines()]
    for action in actions:
        if "metaData" in action:
            action["metaData"]["configuration"] = {"delta.columnMapping.mode": "name"}
    log.write_text("".join(json.dumps(action) + "\n" for action in actions))
    with pytest.raises(UnreadableWarehouseError, match="scores is a Delta table with column mapping"):
        types_of(tmp_path, "scores")


def test_lake_tables_below_a_folder_are_listed_by_their_paths(tmp_path: Path, catalog: SqlCatalog) -> None:
    make_iceberg(catalog, f"{tmp_path}/lake/ml/claim_scores", scores("a"))
    deltalake.write_deltalake(f"{tmp_path}/lake/ml/eu/claims", scores("b").to_arrow())
    for part in ("plain/2025/01", "by_day/day=2025-01-01"):
        (tmp_path / "lake" / part).mkdir(parents=True)
        scores("c").write_parquet(tmp_path / "lake" / part / "x.parquet")
    with connection_to(warehouse_of(tmp_path / "lake")) as connection:
        assert connection.outside is not None
        names = connection.outside.names()
    assert names == ("by_day", "ml/claim_scores", "ml/eu/claims", "plain")
    assert types_of(tmp_path / "lake", "ML/Claim_Scores") == types_of(tmp_path / "lake", "ml/claim_scores")
    listed = r"did you mean ml/claim_scores\? tables: by_day, ml/claim_scores, ml/eu/claims, plain"
    with pytest.raises(MissingTableError, match=listed):
        types_of(tmp_path / "lake", "claim_scores")
