"""Files as a warehouse: how tables are named, what is read of them, and the types of their columns."""

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import deltalake
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.business.business_metrics import BusinessQueryError
from monitoring_pipeline.warehouse.engines.address import WarehouseAddress
from monitoring_pipeline.warehouse.engines.duckdb.rows import table_named
from monitoring_pipeline.warehouse.engines.duckdb.warehouse import connection_to
from monitoring_pipeline.warehouse.engines.engine import EngineLimits
from monitoring_pipeline.warehouse.engines.files.opening import open_engine
from monitoring_pipeline.warehouse.engines.files.partitions import partition_types
from monitoring_pipeline.warehouse.errors import MissingTableError, UnreadableWarehouseError, WarehouseMissingError
from monitoring_pipeline_tests.warehouse.conftest import SpecMaker

DAY = "2013-06-02"
LATER = dt.datetime(2013, 7, 1, tzinfo=dt.UTC)


def warehouse_of(path: Path) -> Any:
    return open_engine(WarehouseAddress(f"files://{path}", "MONITORING_PIPELINE_WAREHOUSE"), EngineLimits()).warehouse


def types_of(path: Path, table: str) -> dict[str, str]:
    with connection_to(warehouse_of(path)) as connection:
        return dict(table_named(connection, table, "churn: predictions.table").types)


def scores(*ids: str, day: str = DAY) -> pl.DataFrame:
    made_at = dt.datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=dt.UTC)
    return pl.DataFrame({"id": ids, "made_at": [made_at] * len(ids), "age": [40] * len(ids), "score": [0.5] * len(ids)})


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A folder with one table as a file, one as a folder by day, and one as nested folders."""
    folder = tmp_path / "lake"
    for part in ("by_day/day=2013-06-01", f"by_day/day={DAY}", "deep/2013/06"):
        (folder / part).mkdir(parents=True)
    scores("a").write_parquet(folder / "scores.parquet")
    scores("eve", day="2013-06-01").write_parquet(folder / "by_day" / "day=2013-06-01" / "x.parquet")
    scores("b", "c").write_parquet(folder / "by_day" / f"day={DAY}" / "x.parquet")
    scores("d").write_csv(folder / "deep" / "2013" / "06" / "x.csv")
    (folder / "by_day" / "_SUCCESS").touch()
    (folder / "notes.txt").write_text("no table")
    return folder


@pytest.mark.parametrize(("table", "ids"), [
    ("scores", ["a"]), ("SCORES", ["a"]), ("scores.parquet", ["a"]), ("by_day", ["b", "c"]), ("deep", ["d"]),
    ("deep/2013", ["d"]), (f"by_day/day={DAY}/x.parquet", ["b", "c"]), ("by_day/*/*.parquet", ["b", "c"]),
    ("deep/**/*.csv", ["d"]),
])  # fmt: skip
def test_table_is_named_by_file_folder_path_or_pattern(lake: Path, make_spec: SpecMaker, table, ids) -> None:
    spec = make_spec(predictions={"table": table})
    frame = warehouse_of(lake).read_predictions(spec, spec.calendar.chunk(DAY)).frame
    assert sorted(frame["row_id"].to_list()) == ids


@pytest.mark.parametrize("table", ["scroes", "../lake/scores", "/etc/*.csv", "notes", "by_day/*.csv", ""])
def test_unknown_table_is_refused_with_the_names_that_exist(lake: Path, table: str) -> None:
    with pytest.raises(MissingTableError, match="tables: by_day, deep, scores") as raised:
        types_of(lake, table)
    assert str(raised.value).startswith(f"churn: predictions.table: no table {table!r}")


def test_error_about_a_misspelt_file_suggests_a_similar_name(lake: Path) -> None:
    with pytest.raises(MissingTableError, match="did you mean scores"):
        types_of(lake, "scroes")


def test_one_file_is_a_warehouse_with_one_table(lake: Path, make_spec: SpecMaker) -> None:
    spec = make_spec()
    one = warehouse_of(lake / "scores.parquet")
    assert one.read_predictions(spec, spec.calendar.chunk(DAY)).frame["row_id"].to_list() == ["a"]
    with pytest.raises(MissingTableError, match="tables: scores"):
        types_of(lake / "scores.parquet", "by_day")


def test_folder_that_does_not_exist_names_the_variable(tmp_path: Path) -> None:
    message = r"nowhere: no such folder or file; .*MONITORING_PIPELINE_WAREHOUSE"
    with pytest.raises(WarehouseMissingError, match=message):
        types_of(tmp_path / "nowhere", "scores")


def test_files_of_one_stem_are_named_with_their_suffix(lake: Path) -> None:
    scores("z").write_csv(lake / "scores.csv")
    assert types_of(lake, "scores.csv")["made_at"] == "TIMESTAMP WITH TIME ZONE"
    with pytest.raises(MissingTableError, match=r"scores\.csv, scores\.parquet"):
        types_of(lake, "scores")


def test_folder_with_files_of_several_kinds_is_refused(lake: Path) -> None:
    scores("z").write_csv(lake / "by_day" / "z.csv")
    with pytest.raises(
        UnreadableWarehouseError, match="files of several kinds: CSV and Parquet; name one by a pattern"
    ):
        types_of(lake, "by_day")


def test_partition_is_a_column_and_the_time_of_a_model_may_be_one(lake: Path, make_spec: SpecMaker) -> None:
    assert types_of(lake, "by_day")["day"] == "DATE"
    spec = make_spec(predictions={"table": "by_day", "time": "day"})
    frame = warehouse_of(lake).read_predictions(spec, spec.calendar.chunk(DAY)).frame
    assert sorted(frame["row_id"].to_list()) == ["b", "c"]


def test_partition_of_another_day_is_not_read(lake: Path, make_spec: SpecMaker) -> None:
    (lake / "by_day" / "day=2013-06-01" / "x.parquet").write_bytes(b"PAR1 this is no Parquet PAR1")
    spec = make_spec(predictions={"table": f"by_day/day={DAY}", "time": "made_at"})
    assert warehouse_of(lake).read_predictions(spec, spec.calendar.chunk(DAY)).frame.height == 2
    whole = make_spec(predictions={"table": "by_day"})
    with pytest.raises(UnreadableWarehouseError) as raised:
        warehouse_of(lake).read_predictions(whole, spec.calendar.chunk(DAY))
    assert "this is no Parquet" not in str(raised.value)


def test_partition_that_is_the_time_of_the_model_is_not_opened_for_another_day(lake, make_spec: SpecMaker) -> None:
    spec = make_spec(predictions={"table": "by_day", "time": "day"})
    eve, warehouse = spec.calendar.chunk("2013-06-01"), warehouse_of(lake)
    assert warehouse.read_predictions(spec, eve).frame["row_id"].to_list() == ["eve"]
    later = lake / "by_day" / f"day={DAY}" / "x.parquet"
    state = later.stat()
    later.write_bytes(bytes(state.st_size))
    os.utime(later, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert warehouse.read_predictions(spec, eve).frame["row_id"].to_list() == ["eve"]
    query = "SELECT sum(age) FROM by_day WHERE day < CAST(:chunk_end AS DATE)"
    assert warehouse.business_metric(spec, query, eve, "1") == 40.0
    with pytest.raises(UnreadableWarehouseError):
        warehouse.read_predictions(spec, spec.calendar.chunk(DAY))


def test_files_of_several_schemas_have_the_columns_of_all(lake: Path, make_spec: SpecMaker) -> None:
    scores("new").with_columns(income=pl.lit(5.0)).write_parquet(lake / "by_day" / f"day={DAY}" / "y.parquet")
    spec = make_spec(predictions={"table": "by_day"}, features={"income": "numeric"})
    frame = warehouse_of(lake).read_predictions(spec, spec.calendar.chunk(DAY)).frame
    assert dict(frame.select("row_id", "income").rows()) == {"b": None, "c": None, "new": 5.0}


def test_delta_table_has_the_rows_of_its_newest_version(tmp_path: Path, make_spec: SpecMaker) -> None:
    rows = scores("a", "b").with_columns(day=pl.lit("007"))
    deltalake.write_deltalake(tmp_path / "scores", rows.to_arrow(), partition_by=["day"])
    deltalake.write_deltalake(tmp_path / "scores", scores("c").with_columns(day=pl.lit("8")).to_arrow(), mode="append")
    deltalake.DeltaTable(tmp_path / "scores").delete("id = 'a'")
    assert types_of(tmp_path, "scores")["day"] == "VARCHAR"
    spec = make_spec(features={"day": "categorical"})
    frame = warehouse_of(tmp_path).read_predictions(spec, spec.calendar.chunk(DAY)).frame
    assert sorted(frame.select("row_id", "day").rows()) == [("b", "007"), ("c", "8")]
    assert (
        warehouse_of(tmp_path).business_metric(spec, "SELECT count(*) FROM scores", spec.calendar.chunk(DAY), "1") == 2
    )


def test_file_that_arrives_later_is_read_by_the_next_call(lake: Path, make_spec: SpecMaker) -> None:
    spec = make_spec(predictions={"table": "deep"})
    chunk, warehouse = spec.calendar.chunk(DAY), warehouse_of(lake)
    assert warehouse.read_predictions(spec, chunk).frame["row_id"].to_list() == ["d"]
    scores("007").write_csv(lake / "deep" / "y.csv")
    assert sorted(warehouse.read_predictions(spec, chunk).frame["row_id"].to_list()) == ["007", "d"]


@pytest.mark.parametrize(("values", "kind"), [
    (["7", "8"], "BIGINT"), (["007", "8"], "VARCHAR"), (["0", "-5"], "BIGINT"), (["0.5", "1"], "DOUBLE"),
    (["1e5", "nan"], "DOUBLE"), (["00.5", "1"], "VARCHAR"), (["true", "FALSE"], "BOOLEAN"), (["1", "true"], "VARCHAR"),
    (["2025-01-31", "2025-02-01"], "DATE"), (["2025-01-31", "2025-02-31"], "VARCHAR"),
    (["2025-01-31 12:00", "2025-02-01"], "TIMESTAMP"), (["2025-01-31T12:00:00Z", "2025-02-01T12:00:00.5+01:00"],
     "TIMESTAMP WITH TIME ZONE"), (["2025-01-31T12:00:00Z", "2025-02-01T12:00:00"], "VARCHAR"),
    (["12345678901234567890", "1"], "VARCHAR"), (["", ""], "VARCHAR"), (["", "7"], "BIGINT"), (["x", "7"], "VARCHAR"),
])  # fmt: skip
def test_type_of_a_csv_column_fits_all_its_values(tmp_path: Path, values: list[str], kind: str) -> None:
    lines = "".join(f"{n},{value}\n" for n, value in enumerate(values))
    (tmp_path / "t.csv").write_text(f"n,value\n{lines}", encoding="utf-8")
    assert types_of(tmp_path, "t") == {"n": "BIGINT", "value": kind}


def test_value_far_behind_the_first_rows_decides_on_the_type_too(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "1.csv").write_text("id\n" + "".join(f"{n}\n" for n in range(100_000)))
    (tmp_path / "t" / "2.csv").write_text("id\n007\n")
    assert types_of(tmp_path, "t") == {"id": "VARCHAR"}


def test_nested_values_of_json_lines_are_read_by_their_path(tmp_path: Path, make_spec: SpecMaker) -> None:
    rows = [{"id": "007", "made_at": f"{DAY}T12:00:00Z", "payload": {"age": age}, "score": 0.5} for age in (40, 41.5)]
    (tmp_path / "scores.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    spec = make_spec(features={"age": {"kind": "numeric", "column": "payload.age"}})
    frame = warehouse_of(tmp_path).read_predictions(spec, spec.calendar.chunk(DAY)).frame
    assert sorted(frame.select("row_id", "age").rows()) == [("007", 40.0), ("007", 41.5)]


@pytest.mark.parametrize(
    ("times", "kind"),
    [
        ([f"{DAY}T12:00:00+02:00", f"{DAY}T13:00:00+01:00"], "TIMESTAMP WITH TIME ZONE"),
        ([f"{DAY}T12:00:00Z", f"{DAY}T13:00:00Z", None], "TIMESTAMP WITH TIME ZONE"),
        ([f"{DAY}T12:00:00", f"{DAY}T13:00:00"], "TIMESTAMP"),
        ([f"{DAY}T12:00:00Z", f"{DAY}T13:00:00"], "VARCHAR"),
    ],
)
@pytest.mark.parametrize("is_list", [False, True])
def test_json_times_that_all_have_an_offset_are_instants(
    tmp_path: Path, times: list[str | None], kind: str, is_list: bool
) -> None:
    rows = [{"id": str(place), "made_at": time} for place, time in enumerate(times)]
    lines = json.dumps(rows) if is_list else "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "scores.json").write_text(lines)
    assert types_of(tmp_path, "scores")["made_at"] == kind


def test_json_times_with_an_offset_are_read_in_the_chunk_of_their_instant(tmp_path: Path, make_spec: SpecMaker) -> None:
    times = [f"{DAY}T23:30:00-02:00", f"{DAY}T01:00:00+02:00", f"{DAY}T12:00:00+02:00"]
    rows = [{"id": str(n), "made_at": time, "age": 40, "score": 0.5} for n, time in enumerate(times)]
    (tmp_path / "scores.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    spec = make_spec(predictions={"time_zone": "Asia/Tokyo"})
    assert spec.timezone == "UTC"
    frame = warehouse_of(tmp_path).read_predictions(spec, spec.calendar.chunk(DAY)).frame
    assert frame["row_id"].to_list() == ["2"]


def test_sql_of_a_business_metric_reads_the_tables_and_no_other_file(lake: Path, make_spec: SpecMaker) -> None:
    spec = make_spec()
    chunk, warehouse = spec.calendar.chunk(DAY), warehouse_of(lake)
    sql = "SELECT sum(age) FROM by_day WHERE made_at >= :chunk_start AND made_at < :chunk_end"
    assert warehouse.business_metric(spec, sql, chunk, "1") == 80.0
    with pytest.raises(BusinessQueryError, match="outside the folders"):
        warehouse.business_metric(spec, "SELECT count(*) FROM read_text('/etc/hostname')", chunk, "1")


def test_labels_of_another_file_are_joined(lake: Path, make_spec: SpecMaker) -> None:
    (lake / "truths.csv").write_text("id,churned,known_at\na,true,2013-06-03\nghost,false,2013-06-02 13:00:00\n")
    spec = make_spec()
    read = warehouse_of(lake).read_labels(spec, spec.calendar.chunk(DAY), LATER)
    assert read.frame.select("row_id", "label").rows() == [("a", True)]
    assert read.accounting.orphans == 1


@given(values=st.lists(st.sampled_from(["2025-01-31", "7", "07", "x", "__HIVE_DEFAULT_PARTITION__"]), min_size=1))
def test_type_of_a_partition_is_text_unless_all_values_have_one_form(values: list[str]) -> None:
    (kind,) = partition_types([f"/t/k={value}/x.parquet" for value in values], "/t").values()
    given_values = set(values) - {"__HIVE_DEFAULT_PARTITION__"}
    expected = {frozenset({"2025-01-31"}): "DATE", frozenset({"7"}): "BIGINT"}.get(frozenset(given_values), "VARCHAR")
    assert kind == expected
