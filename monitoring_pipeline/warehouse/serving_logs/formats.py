"""The formats of serving logs, each by its publication. A further format takes a row."""

from collections.abc import Iterable
from dataclasses import dataclass

from monitoring_pipeline.warehouse.serving_logs.payloads import documents, listed_documents


@dataclass(frozen=True, kw_only=True)
class ServingLog:
    """The format of one serving log, as SQL over its columns, which are all read as text.

    Args:
        name: the product, for messages and docs.
        required: the columns by which the format is recognised.
        optional: further columns that are read.
        request_id: the id of a request.
        client_request_id: the id that the client gave to it, NULL if it gave none.
        predicted_at: the time, a timestamp with time zone.
        model_version: the version that answered, NULL if the log does not have it.
        input: the JSON documents of the request.
        output: the JSON documents of the response.
        where: the rows that count.
        answered_by: if requests and responses are rows of their own, the condition of a response.
        array_is_one_instance: whether a document that is an array is one instance, and not a list of them.
    """

    name: str
    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    request_id: str
    client_request_id: str = "NULL"
    predicted_at: str
    model_version: str = "NULL"
    input: str
    output: str
    where: str = "TRUE"
    answered_by: str = ""
    array_is_one_instance: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (*sorted(self.required), *sorted(self.optional))


def _inner(column: str, path: str) -> str:
    return f"json_extract_string(TRY_CAST({column} AS JSON), '{path}')"


def _captured(side: str) -> str:
    """Return the text that SageMaker captured of the request or the response; NULL if it is no text."""
    data, encoding = (_inner("captureData", f"$.{side}.{name}") for name in ("data", "encoding"))
    return f"CASE WHEN {encoding} = 'BASE64' THEN TRY(decode(from_base64({data}))) ELSE {data} END"


_SUCCEEDED = "COALESCE(TRY_CAST(status_code AS INTEGER), 200) = 200"

SERVING_LOGS = (
    ServingLog(
        name="SageMaker data capture",
        required=frozenset({"captureData", "eventMetadata", "eventVersion"}),
        request_id=_inner("eventMetadata", "$.eventId"),
        client_request_id=_inner("eventMetadata", "$.inferenceId"),
        predicted_at=f"TRY_CAST({_inner('eventMetadata', '$.inferenceTime')} AS TIMESTAMPTZ)",
        input=documents(_captured("endpointInput")),
        output=documents(_captured("endpointOutput")),
    ),
    ServingLog(
        name="Azure ML data collector",
        required=frozenset({"specversion", "source", "type", "time", "correlationid"}),
        optional=frozenset({"data", "modelversion"}),
        request_id="correlationid",
        predicted_at="TRY_CAST(time AS TIMESTAMPTZ)",
        model_version="modelversion",
        input=documents("data"),
        output=documents("data"),
        where="type LIKE 'azureml.inference.%inputs'",
        answered_by="type LIKE 'azureml.inference.%outputs'",
    ),
    ServingLog(
        name="Vertex AI request-response logging",
        required=frozenset({"deployed_model_id", "logging_time", "request_id", "request_payload", "response_payload"}),
        request_id="request_id",
        predicted_at="TRY_CAST(logging_time AS TIMESTAMPTZ)",
        model_version="deployed_model_id",
        input=listed_documents("request_payload"),
        output=listed_documents("response_payload"),
        array_is_one_instance=True,
    ),
    ServingLog(
        name="Databricks inference table",
        required=frozenset({"databricks_request_id", "timestamp_ms", "request", "response"}),
        optional=frozenset({"client_request_id", "status_code", "request_metadata"}),
        request_id="databricks_request_id",
        client_request_id="client_request_id",
        predicted_at="make_timestamptz(CAST(timestamp_ms AS BIGINT) * 1000)",
        model_version=_inner("request_metadata", "$.model_version"),
        input=documents("request"),
        output=documents("response"),
        where=_SUCCEEDED,
    ),
    ServingLog(
        name="Databricks inference table of the AI gateway",
        required=frozenset({"databricks_request_id", "request_time", "request", "response", "served_entity_id"}),
        optional=frozenset({"client_request_id", "status_code"}),
        request_id="databricks_request_id",
        client_request_id="client_request_id",
        predicted_at="TRY_CAST(request_time AS TIMESTAMPTZ)",
        model_version="served_entity_id",
        input=documents("request"),
        output=documents("response"),
        where=_SUCCEEDED,
    ),
)


def serving_log_of(columns: Iterable[str]) -> ServingLog | None:
    """Return the serving log that has columns of those names; None if there is none."""
    existing = set(columns)
    return next((log for log in SERVING_LOGS if log.required <= existing), None)
