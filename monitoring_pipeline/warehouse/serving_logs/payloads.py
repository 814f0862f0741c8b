"""SQL of DuckDB that takes the bodies of requests and responses apart: JSON, JSON lines and CSV."""

LISTS = ("instances", "dataframe_records", "predictions", "outputs", "inputs")
"""The keys under which serving systems list the instances of a request or response."""

_NUMBER = "-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?"
_FIELDS = """("(?:[^"]|"")*"|[^,]*),"""


def documents(text: str) -> str:
    """Return the JSON documents in a text: one, or one for each line. A line of CSV becomes a list of one array."""
    lines = f"string_split(rtrim({text}, chr(10) || chr(13)), chr(10))"
    line = f"COALESCE(TRY_CAST(rtrim(line, chr(13)) AS JSON), {_list_of_csv('rtrim(line, chr(13))')})"
    return (
        f"CASE WHEN {text} IS NULL THEN [] WHEN TRY_CAST({text} AS JSON) IS NOT NULL THEN [TRY_CAST({text} AS JSON)] "
        f"ELSE list_transform({lines}, lambda line: {line}) END"
    )


def listed_documents(text: str) -> str:
    """Return the JSON documents in the texts of a JSON list; those of the text if it is no list."""
    whole = f"TRY_CAST({text} AS JSON)"
    return (
        f"CASE WHEN json_type({whole}) = 'ARRAY' THEN list_transform(json_extract_string({whole}, '$[*]'), "
        f"lambda part: COALESCE(TRY_CAST(part AS JSON), to_json(part))) ELSE {documents(text)} END"
    )


def instances(document: str, *, array_is_one: bool) -> str:
    """Return the instances in a JSON document as a list.

    Args:
        document: the document as SQL.
        array_is_one: whether an array is one instance, and not a list of them.
    """
    split = f"json_extract({document}, '$.dataframe_split')"
    listed = " ".join(
        f"WHEN json_type({document}, '$.{key}') = 'ARRAY' THEN json_extract({document}, '$.{key}[*]')" for key in LISTS
    )
    array = f"[{document}]" if array_is_one else f"json_extract({document}, '$[*]')"
    columns = f"json_extract({document}, '$.inputs')"
    return (
        f"CASE WHEN json_type({document}) = 'ARRAY' THEN {array} "
        f"WHEN json_type({split}) = 'OBJECT' THEN {_of_split(split)} {listed} "
        f"WHEN json_type({columns}) = 'OBJECT' THEN {_of_columns(columns)} ELSE [{document}] END"
    )


def _list_of_csv(line: str) -> str:
    fields = f"regexp_extract_all({line} || ',', '{_FIELDS}', 1)"
    unquoted = """replace(CASE WHEN field LIKE '"%"' THEN field[2:-2] ELSE field END, '""', '"')"""
    value = (
        f"CASE WHEN field = '' THEN CAST('null' AS JSON) WHEN regexp_full_match(field, '{_NUMBER}') "
        f"THEN CAST(field AS JSON) ELSE to_json({unquoted}) END"
    )
    # A list of one instance, because a document that is an array may be a list of instances.
    return f"to_json([list_transform({fields}, lambda field: {value})])"


def _of_split(split: str) -> str:
    names, rows = f"json_extract_string({split}, '$.columns[*]')", f"json_extract({split}, '$.data[*]')"
    return f"list_transform({rows}, lambda values: to_json(map({names}, json_extract(values, '$[*]'))))"


def _of_columns(columns: str) -> str:
    """Return the rows of an object that has a list of values for each column."""
    names = f"json_keys({columns})"
    rows = f"range(CAST(json_array_length({columns}, '$.\"' || {names}[1] || '\"') AS BIGINT))"
    value = f"json_extract({columns}, '$.\"' || name || '\"[' || place || ']')"
    return f"list_transform({rows}, lambda place: to_json(map({names}, list_transform({names}, lambda name: {value}))))"
