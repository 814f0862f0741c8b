"""Addresses of BigQuery and Databricks, and what their APIs answer: types of columns and errors."""

import sys
from types import SimpleNamespace

import pytest

from monitoring_pipeline.warehouse.engines.address import WarehouseAddress
from monitoring_pipeline.warehouse.engines.bigquery.address import BigQueryAddress, parsed_address
from monitoring_pipeline.warehouse.engines.bigquery.results import failure_of, type_name
from monitoring_pipeline.warehouse.engines.databricks.address import connection_options
from monitoring_pipeline.warehouse.engines.databricks.errors import cause_of
from monitoring_pipeline.warehouse.engines.engine import EngineLimits
from monitoring_pipeline.warehouse.engines.opening import open_engine
from monitoring_pipeline.warehouse.engines.server.nested_types import fields
from monitoring_pipeline.warehouse.engines.server.session import Cause
from monitoring_pipeline.warehouse.errors import WarehouseMissingError

VARIABLE = "MONITORING_PIPELINE_WAREHOUSE"
DATABRICKS_URL = "databricks://token:dapi%2B1@host.example?http_path=/sql/1.0/warehouses/w"


def test_url_of_bigquery_becomes_project_dataset_and_limits() -> None:
    assert parsed_address("bigquery://shop-1/lake", "") == BigQueryAddress(
        project="shop-1", dataset="lake", billing_project="shop-1"
    )
    url = "bigquery://shop-1/lake?location=EU&billing_project_id=pays&credentials_path=/k.json&maximum_bytes_billed=9"
    assert parsed_address(url, "") == BigQueryAddress(
        project="shop-1", dataset="lake", location="EU", billing_project="pays", credentials_path="/k.json",
        maximum_bytes_billed=9,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("bigquery://shop-1", "a project and a dataset are needed: bigquery://project/dataset"),
        ("bigquery:///lake", "a project and a dataset are needed"),
        ("bigquery://shop-1/lake/table", "a project and a dataset are needed"),
        ("bigquery://shop-1/lake?region=EU", "unknown parameter region; allowed are location"),
        ("bigquery://shop-1/lake?maximum_bytes_billed=1e9", "1e9: a whole number of bytes is needed"),
    ],
)
def test_wrong_url_of_bigquery_is_refused_with_what_is_allowed(url: str, message: str) -> None:
    with pytest.raises(WarehouseMissingError, match=message):
        parsed_address(url, VARIABLE)


def test_url_of_databricks_becomes_arguments_of_the_connector() -> None:
    assert connection_options(f"{DATABRICKS_URL}&catalog=main&schema=ml", "") == {
        "server_hostname": "host.example", "access_token": "dapi+1", "http_path": "/sql/1.0/warehouses/w",
        "catalog": "main", "schema": "ml",
    }  # fmt: skip
    with pytest.raises(WarehouseMissingError, match="a host and http_path are needed"):
        connection_options("databricks://token:secret@host.example", "")


@pytest.mark.parametrize(
    ("url", "module", "extra"),
    [("bigquery://shop-1/lake", "google.cloud", "bigquery"), (DATABRICKS_URL, "databricks.sql", "databricks")],
)
def test_missing_client_is_an_error_with_the_extra_to_install(
    url: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name == module or name.startswith(f"{module}.")]:
        monkeypatch.delitem(sys.modules, name)
    for part in ("session", "opening"):
        monkeypatch.delitem(sys.modules, f"monitoring_pipeline.warehouse.engines.{extra}.{part}", raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(WarehouseMissingError, match=rf"pip install 'monitoring-pipeline\[{extra}\]'") as caught:
        open_engine(WarehouseAddress(url, VARIABLE), EngineLimits())
    assert "dapi" not in str(caught.value)


def test_types_of_bigquerys_api_are_named_as_in_the_catalogue() -> None:
    def column(kind: str, *inner: SimpleNamespace, name: str = "c", mode: str = "NULLABLE") -> SimpleNamespace:
        return SimpleNamespace(name=name, field_type=kind, mode=mode, fields=inner)

    names = ("INTEGER", "FLOAT", "BOOLEAN", "TIMESTAMP", "DATETIME", "NUMERIC", "STRING", "JSON")
    assert [type_name(column(name)) for name in names] == [
        "INT64", "FLOAT64", "BOOL", "TIMESTAMP", "DATETIME", "NUMERIC", "STRING", "JSON",
    ]  # fmt: skip
    record = column("RECORD", column("INTEGER", name="a b"), column("STRING", name="l", mode="REPEATED"))
    assert type_name(record) == "STRUCT<`a b` INT64, `l` ARRAY<STRING>>"
    assert fields(type_name(record)) == {"a b": "INT64", "l": "ARRAY<STRING>"}


@pytest.mark.parametrize(
    ("reason", "cause", "is_about_statement"),
    [
        ("invalidQuery", Cause.REFUSED, True),
        ("notFound", Cause.REFUSED, True),
        ("accessDenied", Cause.UNREACHABLE, False),
        ("backendError", Cause.UNREACHABLE, False),
        ("stopped", Cause.TIMEOUT, False),
        ("", Cause.UNREACHABLE, False),
    ],
)
def test_reason_of_bigquery_has_a_cause(reason: str, cause: Cause, is_about_statement: bool) -> None:
    failure = failure_of(reason)
    assert (failure.cause, failure.is_about_statement) == (cause, is_about_statement)


@pytest.mark.parametrize(
    ("text", "cause", "is_about_statement"),
    [
        ("[TABLE_OR_VIEW_NOT_FOUND] The table `x` cannot be found. SQLSTATE: 42P01", Cause.REFUSED, True),
        ("[PARSE_SYNTAX_ERROR] Syntax error at or near 'x'. SQLSTATE: 42601 (line 1, pos 4)", Cause.REFUSED, True),
        ("[CAST_INVALID_INPUT] The value 'secret timed out' cannot be cast. SQLSTATE: 22018", Cause.REFUSED, False),
        ("[INSUFFICIENT_PERMISSIONS] SQLSTATE: 42501", Cause.UNREACHABLE, False),
        ("Query has timed out after 10 seconds", Cause.TIMEOUT, False),
        ("Error during request to server", Cause.UNREACHABLE, False),
    ],
)
def test_error_of_databricks_has_a_cause_without_values_of_rows(
    text: str, cause: Cause, is_about_statement: bool
) -> None:
    found, sentence, is_about = cause_of(text)
    assert (found, is_about) == (cause, is_about_statement)
    assert "secret" not in sentence
