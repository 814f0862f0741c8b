"""Logs of serving systems, written as their publishers document them, are tables of predictions."""

import base64
import datetime as dt
import json
import random
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from monitoring_pipeline.evaluation.drafting.guesses.identity import SERVING_LOG
from monitoring_pipeline.evaluation.drafting.hints import Advice
from monitoring_pipeline.steps.drafting.drafting import Source, Wishes, draft_plan
from monitoring_pipeline.warehouse.engines.address import WarehouseAddress
from monitoring_pipeline.warehouse.engines.engine import EngineLimits
from monitoring_pipeline.warehouse.engines.files.opening import open_engine
from monitoring_pipeline.warehouse.serving_logs.flattening import OWN_COLUMNS
from monitoring_pipeline.warehouse.serving_logs.formats import SERVING_LOGS, serving_log_of
from monitoring_pipeline_tests.warehouse.conftest import SpecMaker


def _flat(folder: Path) -> pl.DataFrame:
    """Return the table ``log`` of a folder, in the order of its ids."""
    warehouse = open_engine(WarehouseAddress(f"files://{folder}", "X"), EngineLimits()).warehouse
    from monitoring_pipeline.warehouse.engines.duckdb.rows import frame_of, table_named
    from monitoring_pipeline.warehouse.engines.duckdb.warehouse import connection_to
    from monitoring_pipeline.warehouse.sql.queries import Query

    with connection_to(warehouse) as connection:  # pyright: ignore[reportArgumentType]
        table = table_named(connection, "log", "test")
        return frame_of(connection, Query(f"SELECT * FROM {table.listed.sql} ORDER BY id", {}))


def _write(path: Path, *events: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")


def captured(
    event: str, time: str, request: tuple[str, str, str], response: tuple[str, str, str], **metadata: str
) -> dict[str, Any]:
    """Return a record of SageMaker's data capture; each side is its content type, its encoding and its data."""
    sides = {"endpointInput": ("INPUT", request), "endpointOutput": ("OUTPUT", response)}
    return {
        "captureData": {
            side: {"observedContentType": kind, "mode": mode, "data": data, "encoding": encoding}
            for side, (mode, (kind, encoding, data)) in sides.items()
        },
        "eventMetadata": {"eventId": event, "inferenceTime": time, **metadata},
        "eventVersion": "0",
    }


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_csv_of_sagemaker_has_a_column_for_each_place_and_a_row_for_each_line(tmp_path: Path) -> None:
    csv = ("text/csv", "CSV")
    _write(
        tmp_path / "log" / "endpoint" / "AllTraffic" / "2022" / "02" / "14" / "17" / "25-49-111.jsonl",
        captured("a", "2022-02-14T17:25:49Z", (*csv, '69,0.5,"x,y"\n'), ("text/csv; charset=utf-8", "CSV", "0.25")),
        captured("b", "2022-02-14T17:26:00Z", (*csv, "70,1,z\n71,,z"), (*csv, "0.5\n0.75")),
    )
    assert _flat(tmp_path).drop("client_request_id", "model_version").rows() == [
        ("a", "a", dt.datetime(2022, 2, 14, 17, 25, 49, tzinfo=dt.UTC), 69, 0.5, "x,y", 0.25),
        ("b-1", "b", dt.datetime(2022, 2, 14, 17, 26, tzinfo=dt.UTC), 70, 1.0, "z", 0.5),
        ("b-2", "b", dt.datetime(2022, 2, 14, 17, 26, tzinfo=dt.UTC), 71, None, "z", 0.75),
    ]
    assert _flat(tmp_path).columns[-4:] == ["input_0", "input_1", "input_2", "output_0"]


def test_json_of_sagemaker_has_a_column_for_each_key_also_in_base64(tmp_path: Path) -> None:
    request, response = '{"instances": [{"age": 40, "plan": "a"}]}', '{"predictions": [{"score": 0.5, "plan": "b"}]}'
    _write(
        tmp_path / "log.jsonl",
        captured(
            "a", "2025-11-15T10:30:45.123Z", ("application/json", "BASE64", _base64(request)),
            ("application/json", "JSON", response), inferenceId="order-7",
        ),
        captured("b", "2025-11-15T10:30:46Z", ("application/json", "JSON", '{"age": 41.5, "plan": "007"}'),
                 ("application/json", "JSON", '{"predictions": [{"score": 1, "plan": null}]}')),
        captured("c", "2025-11-15T10:30:47Z", ("application/x-npy", "BASE64", "k05VTVBZ"), ("text/csv", "CSV", "1")),
    )  # fmt: skip
    frame = _flat(tmp_path)
    assert frame.select("id", "client_request_id", "age", "plan", "output_plan", "score").rows() == [
        ("a", "order-7", 40.0, "a", "b", 0.5),
        ("b", None, 41.5, "007", None, 1.0),
    ]
    assert frame["predicted_at"][0] == dt.datetime(2025, 11, 15, 10, 30, 45, 123000, tzinfo=dt.UTC)


def _cloud_event(kind: str, correlation: str, data: list[dict[str, Any]], time: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "720b8867-54a2-4876-80eb-1fd6a8975770",
        "source": "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/"
        "onlineEndpoints/e/deployments/blue",
        "type": f"azureml.inference.{kind}",
        "datacontenttype": "application/json",
        "time": time,
        "data": data,
        "contentrange": "bytes 0-6794/6795",
        "correlationid": correlation,
        "xrequestid": correlation,
        "modelversion": "3",
        "collectdatatype": "pandas.core.frame.DataFrame",
        "agent": "azureml-ai-monitoring/0.1.0b4",
    }


def test_inputs_and_outputs_of_azure_are_joined_by_their_correlation(tmp_path: Path) -> None:
    hour = "2024/03/05/18"
    inputs = [{"LIMIT_BAL": 502970, "AGE": 54}, {"LIMIT_BAL": 293458, "AGE": 35}]
    _write(
        tmp_path / "log" / "model_inputs" / hour / "a.jsonl",
        _cloud_event("model_inputs", "one", inputs, "2024-03-05T18:16:25Z"),
        _cloud_event("model_inputs", "two", [{"LIMIT_BAL": 1, "AGE": 20}], "2024-03-05T18:17:00Z"),
    )
    _write(
        tmp_path / "log" / "model_outputs" / hour / "b.jsonl",
        _cloud_event("model_outputs", "one", [{"0": 1}, {"0": 0}], "2024-03-05T18:16:26Z"),
    )
    time = dt.datetime(2024, 3, 5, 18, 16, 25, tzinfo=dt.UTC)
    assert _flat(tmp_path).drop("request_id", "client_request_id").rows() == [
        ("one-1", time, "3", 54, 502970, 1),
        ("one-2", time, "3", 35, 293458, 0),
        ("two", time.replace(minute=17, second=0), "3", 20, 1, None),
    ]


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_payloads_of_vertex_are_lists_of_texts_or_whole_bodies(tmp_path: Path, suffix: str) -> None:
    table = pl.DataFrame(
        {
            "endpoint": ["1", "1"], "deployed_model_id": ["77", "77"],
            "logging_time": [dt.datetime(2025, 1, 31, 12, tzinfo=dt.UTC)] * 2, "request_id": ["1", "2"],
            "request_payload": [['{"age": 40}', '{"age": 41}'], ['{"instances": [{"age": 42}]}']],
            "response_payload": [["0.1", "0.2"], ['{"predictions": [0.3], "deployedModelId": "77"}']],
        }
    )  # fmt: skip
    if suffix == "parquet":
        table.write_parquet(tmp_path / "log.parquet")
    else:
        rows = [row | {"logging_time": "2025-01-31 12:00:00 UTC"} for row in table.to_dicts()]
        _write(tmp_path / "log.jsonl", *rows)
    frame = _flat(tmp_path)
    assert frame.select("id", "model_version", "age", "output_0").rows() == [
        ("1-1", "77", 40, 0.1), ("1-2", "77", 41, 0.2), ("2", "77", 42, 0.3),
    ]  # fmt: skip
    assert frame["predicted_at"].unique().to_list() == [dt.datetime(2025, 1, 31, 12, tzinfo=dt.UTC)]


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
@pytest.mark.parametrize("request_body", [
    '{"dataframe_records": [{"age": 40, "plan": "a"}, {"age": 41, "plan": null}]}',
    '{"dataframe_split": {"columns": ["age", "plan"], "index": [0, 1], "data": [[40, "a"], [41, null]]}}',
    '{"inputs": {"age": [40, 41], "plan": ["a", null]}}',
    '{"instances": [{"age": 40, "plan": "a"}, {"age": 41, "plan": null}]}',
])  # fmt: skip
def test_request_of_databricks_in_any_form_has_the_same_rows(tmp_path: Path, suffix: str, request_body: str) -> None:
    table = pl.DataFrame(
        {
            "databricks_request_id": ["r", "failed"], "client_request_id": ["c", None],
            "date": [dt.date(2025, 1, 31)] * 2, "timestamp_ms": [1738324800123] * 2, "status_code": [200, 400],
            "sampling_fraction": [1.0] * 2, "execution_time_ms": [8] * 2, "request": [request_body] * 2,
            "response": ['{"predictions": [0.25, 1]}', "error"],
            "request_metadata": [{"endpoint_name": "e", "model_name": "m", "model_version": "4"}] * 2,
        }
    )  # fmt: skip
    if suffix == "parquet":
        table.write_parquet(tmp_path / "log.parquet")
    else:
        _write(tmp_path / "log.jsonl", *(row | {"date": "2025-01-31"} for row in table.to_dicts()))
    columns = ("id", "client_request_id", "model_version", "age", "plan", "output_0")
    assert _flat(tmp_path).select(columns).rows() == [
        ("r-1", "c", "4", 40, "a", 0.25), ("r-2", "c", "4", 41, None, 1.0),
    ]  # fmt: skip
    assert _flat(tmp_path)["predicted_at"][0] == dt.datetime(2025, 1, 31, 12, 0, 0, 123000, tzinfo=dt.UTC)


def test_probabilities_of_one_instance_are_columns(tmp_path: Path) -> None:
    row = {"databricks_request_id": "r", "request_time": "2025-01-31T12:00:00Z", "status_code": 200,
           "served_entity_id": "m-4", "request": '{"dataframe_records": [{"age": 40}]}',
           "response": '{"predictions": [[0.25, 0.75]]}'}  # fmt: skip
    _write(tmp_path / "log.jsonl", row, row | {"databricks_request_id": "s", "response": '{"predictions": [0.5, 0.5]}'})
    assert _flat(tmp_path).select("id", "age", "output_0", "output_1").rows() == [
        ("r", 40, 0.25, 0.75), ("s", 40, 0.5, 0.5),
    ]  # fmt: skip


def test_log_is_recognised_by_its_columns_and_a_table_is_not() -> None:
    for log in SERVING_LOGS:
        assert serving_log_of([*log.required, "further"]) == log
    assert serving_log_of(["id", "time", "request", "response"]) is None


def test_serving_log_is_monitored_like_a_table(tmp_path: Path, make_spec: SpecMaker) -> None:
    csv = ("text/csv", "CSV")
    _write(
        tmp_path / "capture" / "2013" / "06" / "02" / "a.jsonl",
        captured("a", "2013-06-02T12:00:00Z", (*csv, "40,1"), (*csv, "0.25"), inferenceId="o1"),
        captured("b", "2013-06-03T12:00:00Z", (*csv, "41,1"), (*csv, "0.5"), inferenceId="o2"),
    )
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT 'o1' AS id, true AS churned, TIMESTAMP '2013-06-05' AS known_at) "
            f"TO '{tmp_path / 'truths.parquet'}'"
        )
    warehouse = open_engine(WarehouseAddress(f"files://{tmp_path}", "X"), EngineLimits()).warehouse
    spec = make_spec(
        predictions={"table": "capture", "id": "client_request_id", "time": "predicted_at", "score": "output_0"},
        features={"age": {"kind": "numeric", "column": "input_0"}},
    )
    chunk = spec.calendar.chunk("2013-06-02")
    assert warehouse.read_predictions(spec, chunk).frame.select("row_id", "age", "score").rows() == [("o1", 40, 0.25)]
    later = dt.datetime(2013, 7, 1, tzinfo=dt.UTC)
    assert warehouse.read_labels(spec, chunk, later).frame["label"].to_list() == [True]


def test_spec_of_a_serving_log_is_drafted_without_a_question_about_its_columns(tmp_path: Path) -> None:
    noon = dt.datetime(2013, 5, 1, 12, tzinfo=dt.UTC)
    csv, generator = ("text/csv", "CSV"), random.Random(1)
    _write(
        tmp_path / "capture" / "a.jsonl",
        *(
            captured(
                f"event-{n}", f"{noon + dt.timedelta(hours=n):%Y-%m-%dT%H:%M:%SZ}",
                (*csv, f"{generator.gauss(40, 10):.1f},{generator.choice('ab')}"), (*csv, f"{generator.random():.4f}"),
            )
            for n in range(24 * 30)
        ),
    )  # fmt: skip
    engine = open_engine(WarehouseAddress(f"files://{tmp_path}", "X"), EngineLimits())
    assert engine.tables is not None
    now = dt.datetime(2013, 6, 1, tzinfo=dt.UTC)
    plan = draft_plan(Source(tables=engine.tables, inspection=engine.inspection, now=now), Wishes(), Advice())
    assert plan.outputs.score is not None
    assert (plan.time.column.name, plan.outputs.score.column.name) == ("predicted_at", "output_0")
    assert plan.identity.columns == ("id",)
    assert set(OWN_COLUMNS) == SERVING_LOG
    assert not any("predictions.id" in doubt for doubt in plan.doubts)
    assert [each.name for each in plan.inputs.inputs] == ["input_0", "input_1"]
