"""A serving log as a flat table: id, time, version, the inputs and the outputs, each a column."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitoring_pipeline.warehouse.engines.duckdb.outside import Ask
from monitoring_pipeline.warehouse.serving_logs.formats import ServingLog
from monitoring_pipeline.warehouse.serving_logs.payloads import instances
from monitoring_pipeline.warehouse.sql.catalogue import quoted

ID, TIME, VERSION = "id", "predicted_at", "model_version"
OWN_COLUMNS = (ID, "request_id", "client_request_id", TIME, VERSION)
INPUT, OUTPUT = "input", "output"

_TYPES = (
    ("BIGINT", {"BIGINT", "UBIGINT"}),
    ("DOUBLE", {"BIGINT", "UBIGINT", "DOUBLE"}),
    ("BOOLEAN", {"BOOLEAN"}),
    ("JSON", {"OBJECT", "ARRAY"}),
)
"""Types of columns, and the types of JSON values that they can have; any other mixture is text."""


@dataclass(frozen=True)
class _Value:
    """A value inside of the instances: ``input`` or ``output``, its key, and the types that it has."""

    side: str
    key: str
    types: frozenset[str]

    def named(self, taken: set[str]) -> str:
        """Return the name of its column: the key, with the side in front if the key is a number or taken."""
        is_plain = not self.key.isdigit() and self.key not in taken
        return self.key if is_plain else f"{self.side}_{self.key}"

    @property
    def sql(self) -> str:
        """The value as SQL, in the type that all values of the column have."""
        text = _text_of(self.side, self.key)
        kind = next((kind for kind, allowed in _TYPES if self.types and self.types <= allowed), "VARCHAR")
        return text if kind == "VARCHAR" else f"CAST({text} AS {kind})"


def select_of_log(log: ServingLog, source: str, ask: Ask) -> str:
    """Return the SELECT of a serving log as a flat table. All rows decide on the columns and their types.

    Args:
        log: the format.
        source: the SELECT of its columns as text.
        ask: runs a query.
    """
    rows = _rows(log, source)
    values = [value for side in (INPUT, OUTPUT) for value in _values(rows, side, ask)]
    taken = set[str](OWN_COLUMNS)
    columns: dict[str, str] = {}
    for value in values:
        name = value.named(taken)
        taken.add(name)
        columns[name] = value.sql
    flat = ", ".join((*OWN_COLUMNS, *(f"{sql} AS {quoted(name)}" for name, sql in columns.items())))
    return f"SELECT {flat} FROM ({rows}) AS instances"


def texts_of_columns(log: ServingLog, existing: Mapping[str, str], source: str) -> str:
    """Return the SELECT of the columns of a log as text; one that does not exist is NULL."""
    columns = (
        f"json_extract_string(to_json({quoted(name)}), '$') AS {quoted(name)}"
        if name in existing
        else f"CAST(NULL AS VARCHAR) AS {quoted(name)}"
        for name in log.columns
    )
    return f"SELECT {', '.join(columns)} FROM {source}"


def _rows(log: ServingLog, source: str) -> str:
    """Return the SELECT of one row per instance: own columns, and the JSON of its input and output."""
    parse = f"list_transform({{0}}, lambda d: {instances('d', array_is_one=log.array_is_one_instance)})"
    requests = (
        f"SELECT {log.request_id} AS request_id, {log.client_request_id} AS client_request_id, "
        f"{log.predicted_at} AS {TIME}, {log.model_version} AS {VERSION}, "
        f"flatten({parse.format(log.input)}) AS inputs"
    )
    outputs = f"flatten({parse.format(log.output)}) AS outputs"
    logged = (
        f"SELECT q.*, a.outputs FROM ({requests} FROM ({source}) WHERE {log.where}) AS q LEFT JOIN "
        f"(SELECT {log.request_id} AS answered, {outputs} FROM ({source}) WHERE {log.answered_by}) AS a "
        "ON q.request_id = a.answered"
        if log.answered_by
        else f"{requests}, {outputs} FROM ({source}) WHERE {log.where}"
    )
    # The answer to a request with one instance may be one array, such as the probabilities of classes.
    answer = "CASE WHEN len(outputs) = len(inputs) THEN outputs[place] WHEN len(inputs) = 1 THEN to_json(outputs) END"
    return (
        f"SELECT CASE WHEN len(inputs) = 1 THEN request_id ELSE request_id || '-' || place END AS {ID}, request_id, "
        f"client_request_id, {TIME}, {VERSION}, inputs[place] AS {INPUT}, {answer} AS {OUTPUT} "
        f"FROM (SELECT *, unnest(range(1, len(inputs) + 1)) AS place FROM ({logged}))"
    )


def _values(rows: str, side: str, ask: Ask) -> list[_Value]:
    """Return the values inside of all inputs or outputs; an array has its places as keys, a single value the key 0."""
    found = ask(
        "SELECT name, list_sort(list(DISTINCT type)) FROM (SELECT COALESCE(each.key, '0') AS name, each.type "
        f"FROM (SELECT {side} FROM ({rows}) WHERE {side} IS NOT NULL) AS sides, json_each(sides.{side}) AS each) "
        "GROUP BY name ORDER BY TRY_CAST(name AS BIGINT), name"
    )
    return [_Value(side, str(key), frozenset(map(str, _listed(types))) - {"NULL"}) for key, types in found]


def _listed(types: object) -> list[object]:
    return list(types) if isinstance(types, list | tuple) else []


def _text_of(side: str, key: str) -> str:
    """Return the text of a value as SQL; a number is a place, or a key, or stands for a single value."""
    escaped = key.replace("'", "''").replace("\\", "\\\\").replace('"', '\\"')
    of_key = f"json_extract_string({side}, '$.\"{escaped}\"')"
    if not key.isdigit():
        return of_key
    single = f"CASE WHEN json_type({side}) NOT IN ('ARRAY', 'OBJECT') THEN json_extract_string({side}, '$') END"
    places = (f"json_extract_string({side}, '$[{key}]')", of_key, *((single,) if key == "0" else ()))
    return f"COALESCE({', '.join(places)})"
