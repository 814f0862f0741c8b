"""The kinds of files that are tables, and the SQL that reads each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from monitoring_pipeline.warehouse.engines.duckdb.outside import Ask
from monitoring_pipeline.warehouse.engines.files.csv_types import select_of_csv
from monitoring_pipeline.warehouse.engines.files.deleted_rows import without_deleted
from monitoring_pipeline.warehouse.serving_logs.flattening import select_of_log, texts_of_columns
from monitoring_pipeline.warehouse.serving_logs.formats import serving_log_of
from monitoring_pipeline.warehouse.sql.catalogue import quoted
from monitoring_pipeline.warehouse.sql.dialect import OFFSET, literal

Read = Callable[[Sequence[str], Mapping[str, str], Ask], str]
"""Takes paths, the types of the columns in their names, and what runs queries; returns the SELECT of all rows."""


@dataclass(frozen=True)
class FileKind:
    """One kind of file.

    Args:
        name: its name in messages.
        suffixes: the ends of the names of its files, in lower case.
        read: returns the SELECT of all rows of some files.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Read


def _options_of_partitions(types: Mapping[str, str]) -> str:
    """Return the options by which folders such as ``day=2025-01-31`` become columns of those types."""
    if not types:
        return ", hive_partitioning = false"
    listed = ", ".join(f"{quoted(name)}: {kind}" for name, kind in types.items())
    return f", hive_partitioning = true, hive_types_autocast = false, hive_types = {{{listed}}}"


def listed(paths: Sequence[str]) -> str:
    """Return paths as a list in SQL."""
    return f"[{', '.join(map(literal, paths))}]"


def _columns(source: str, ask: Ask) -> dict[str, str]:
    return {str(name): str(kind) for name, kind, *_ in ask(f"DESCRIBE SELECT * FROM {source}")}


def select_of_parquet(paths: Sequence[str], partitions: Mapping[str, str], ask: Ask, deleted: str = "") -> str:
    """Return the SELECT of the rows of Parquet files.

    Args:
        paths: the files.
        partitions: the types of the columns in the names of folders.
        ask: runs a query.
        deleted: SQL of the files and positions of deleted rows; empty if there are none.
    """
    # Without the union, files are opened only if their partition is needed. With it, statistics of all files answer
    # whether a time is null, which is read from the rows otherwise.
    is_by_day = "DATE" in partitions.values() and _has_one_schema(paths, ask)
    union = "false" if is_by_day else "true"
    call = f"read_parquet({listed(paths)}, union_by_name = {union}{_options_of_partitions(partitions)}"
    return select_of_rows(without_deleted(call, deleted), ask)


def select_of_no_rows(types: Mapping[str, str]) -> str:
    """Return the SELECT of a table without rows, by the types of its columns."""
    columns = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(name)}" for name, kind in types.items())
    return f"SELECT {columns} WHERE false"


def select_of_rows(source: str, ask: Ask) -> str:
    """Return the SELECT of the rows of a source, or of the instances in it if it is a serving log."""
    columns = _columns(source, ask)
    log = serving_log_of(columns)
    return f"SELECT * FROM {source}" if log is None else select_of_log(log, texts_of_columns(log, columns, source), ask)


def _has_one_schema(paths: Sequence[str], ask: Ask) -> bool:
    each = "name || ' ' || concat_ws(' ', type, converted_type, logical_type, num_children)"
    schemas = f"SELECT list({each}) AS columns FROM parquet_schema({listed(paths)}) GROUP BY file_name"
    return ask(f"SELECT count(DISTINCT columns) FROM ({schemas})") == [(1,)]


def _csv(paths: Sequence[str], partitions: Mapping[str, str], ask: Ask) -> str:
    options = f"header = true, all_varchar = true, union_by_name = true{_options_of_partitions(partitions)}"
    source = f"read_csv({listed(paths)}, {options})"
    return select_of_csv(source, ask)


def _json(paths: Sequence[str], partitions: Mapping[str, str], ask: Ask) -> str:
    # All rows decide on the types, and a struct never becomes a map, so that more rows do not change a column.
    whole = "sample_size = -1, map_inference_threshold = -1, field_appearance_threshold = 0"
    options = f"union_by_name = true, {whole}{_options_of_partitions(partitions)}"
    source = f"read_json({listed(paths)}, {options})"
    columns = _columns(source, ask)
    log = serving_log_of(columns)
    if log is None:
        local = [name for name, kind in columns.items() if kind == "TIMESTAMP" and name not in partitions]
        instants = _with_offset(paths, local, ask) if local else []
        replaced = ", ".join(f"{quoted(name)} AT TIME ZONE 'UTC' AS {quoted(name)}" for name in instants)
        return f"SELECT *{f' REPLACE ({replaced})' if replaced else ''} FROM {source}"
    types = dict.fromkeys(log.columns, "JSON")
    source = _json_of(paths, types, "format = 'newline_delimited'")
    return select_of_log(log, texts_of_columns(log, types, source), ask)


def _json_of(paths: Sequence[str], types: Mapping[str, str], options: str) -> str:
    typed = ", ".join(f"{quoted(name)}: '{kind}'" for name, kind in types.items())
    return f"read_json({listed(paths)}, {options}, columns = {{{typed}}})"


def _with_offset(paths: Sequence[str], columns: Sequence[str], ask: Ask) -> list[str]:
    """Return the columns whose texts all have an offset; DuckDB reads them as times in UTC, but without a zone."""
    source = _json_of(paths, dict.fromkeys(columns, "VARCHAR"), "hive_partitioning = false")
    are_instants = ", ".join(f"bool_and(regexp_matches(trim({quoted(name)}), '{OFFSET}'))" for name in columns)
    (row,) = ask(f"SELECT {are_instants} FROM {source}")
    return [name for name, is_instant in zip(columns, row, strict=True) if is_instant]


KINDS = (
    FileKind("Parquet", (".parquet", ".pq"), select_of_parquet),
    FileKind("CSV", (".csv", ".csv.gz", ".tsv", ".tsv.gz"), _csv),
    FileKind("JSON lines", (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".json", ".json.gz"), _json),
)


def kind_of(file_name: str) -> FileKind | None:
    """Return the kind of a file by its name; None for hidden files and others."""
    if file_name.startswith((".", "_")):
        return None
    return next((kind for kind in KINDS if file_name.lower().endswith(kind.suffixes)), None)


def stem_of(file_name: str) -> str:
    """Return the name of a file without the suffix of its kind."""
    kind = kind_of(file_name)
    ends = [suffix for suffix in (kind.suffixes if kind else ()) if file_name.lower().endswith(suffix)]
    return file_name[: -len(max(ends, key=len))] if ends else file_name
