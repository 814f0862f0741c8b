"""The SQL of BigQuery and Databricks: generated for every query and kind of column, and parsed in its dialect."""

import re

import pytest
import sqlglot
from sqlglot import exp

from monitoring_pipeline.warehouse.engines.bigquery.dialect import bigquery_dialect
from monitoring_pipeline.warehouse.engines.databricks.dialect import DATABRICKS
from monitoring_pipeline.warehouse.sql.catalogue import ListedTable, Table
from monitoring_pipeline.warehouse.sql.dialect import Kind
from monitoring_pipeline.warehouse.sql.queries import tables_query
from monitoring_pipeline_tests.warehouse.conftest import SpecMaker
from monitoring_pipeline_tests.warehouse.generated_queries import all_queries

BIGQUERY = bigquery_dialect("my-project", "main")
TYPES = {
    "bigquery": {
        "TIMESTAMP": Kind.INSTANT, "DATETIME": Kind.LOCAL_TIME, "DATE": Kind.DATE, "STRING": Kind.TEXT,
        "STRING(10)": Kind.TEXT, "INT64": Kind.INTEGER, "FLOAT64": Kind.FLOAT, "NUMERIC": Kind.DECIMAL,
        "BIGNUMERIC(40, 2)": Kind.DECIMAL, "BOOL": Kind.BOOLEAN, "JSON": Kind.READ_AS_TEXT, "TIME": Kind.READ_AS_TEXT,
        "BYTES": Kind.READ_AS_TEXT, "GEOGRAPHY": Kind.READ_AS_TEXT, "INTERVAL": Kind.READ_AS_TEXT,
        "STRUCT<a INT64, b ARRAY<STRING>>": Kind.READ_AS_TEXT, "ARRAY<FLOAT64>": Kind.READ_AS_TEXT,
    },
    "databricks": {
        "timestamp": Kind.INSTANT, "timestamp_ntz": Kind.LOCAL_TIME, "date": Kind.DATE, "string": Kind.TEXT,
        "varchar(10)": Kind.TEXT, "bigint": Kind.INTEGER, "int": Kind.INTEGER, "double": Kind.FLOAT,
        "float": Kind.FLOAT_32, "decimal(9,2)": Kind.DECIMAL, "boolean": Kind.BOOLEAN, "binary": Kind.READ_AS_TEXT,
        "variant": Kind.READ_AS_TEXT, "struct<a:int,b:array<string>>": Kind.READ_AS_TEXT,
        "map<string,int>": Kind.READ_AS_TEXT, "interval day to second": Kind.READ_AS_TEXT,
    },
}  # fmt: skip
DIALECTS = {"bigquery": BIGQUERY, "databricks": DATABRICKS}
FUNCTIONS = {
    # Each is in the engine's list of functions; sqlglot passes unknown ones through without an error.
    "bigquery": {
        "ABS", "CHR", "COALESCE", "COUNT", "DATETIME", "DATETIME_TRUNC", "FARM_FINGERPRINT", "FLOOR", "GREATEST", "IF",
        "IS_INF", "IS_NAN", "LENGTH", "MAX", "MD5", "MIN", "MOD", "REGEXP_CONTAINS", "REGEXP_REPLACE",
        "SUBSTR", "SUM", "TIMESTAMP", "TIMESTAMP_MICROS", "TO_HEX", "TO_JSON_STRING", "TRIM", "UNIX_MICROS", "UPPER",
    },
    "databricks": {
        "ABS", "CHR", "COALESCE", "CONV", "COUNT", "CURRENT_CATALOG", "CURRENT_SCHEMA", "FLOOR", "FROM_UTC_TIMESTAMP",
        "GREATEST", "IF", "ISNAN", "LENGTH", "MAX", "MD5", "MIN", "PMOD", "ROUND", "SUBSTR", "SUM",
        "TIMESTAMP_MICROS", "TO_JSON", "TO_UTC_TIMESTAMP", "TRIM", "UNIX_MICROS", "UPPER", "XXHASH64",
    },
}  # fmt: skip
SYNTAX = {
    "AND", "AS", "CAST", "DECIMAL", "EXISTS", "FROM", "IN", "JOIN", "NOT", "ON", "OR", "SAFE_CAST", "SELECT", "STRUCT",
    "TRY_CAST", "WHEN", "THEN",
}  # fmt: skip
_QUOTED = re.compile(r"--[^\n]*|'(?:[^'\\]|\\.)*'|`[^`]*`")
_CALL = re.compile(r"\b([A-Za-z_]\w*) *\(")


@pytest.mark.parametrize("language", DIALECTS)
def test_every_kind_of_column_is_known(language: str) -> None:
    dialect = DIALECTS[language]
    assert {name: dialect.kind(name) for name in TYPES[language]} == TYPES[language]


@pytest.mark.slow
@pytest.mark.parametrize("language", DIALECTS)
def test_every_query_is_read_by_a_parser_and_calls_documented_functions(language: str, make_spec: SpecMaker) -> None:
    dialect, types = DIALECTS[language], list(TYPES[language])
    mark, called, read = {"bigquery": "@", "databricks": ":"}[language], set[str](), dict[str, str]()
    for name, query in all_queries(dialect, types, make_spec):
        statement = dialect.bind(query.sql, query.values)
        if read.setdefault(statement.sql, name) != name:
            continue
        code = _QUOTED.sub("''", statement.sql)
        assert not re.search(r"[{}$?\"]", code), name
        assert set(re.findall(rf"(?<![:\w]){mark}([a-z]\w*)", code)) == set(statement.values), name
        called |= {call.upper() for call in _CALL.findall(code)}
        tree = sqlglot.parse_one(statement.sql, read=language, error_level=sqlglot.ErrorLevel.RAISE)
        assert isinstance(tree, exp.Select), name
        assert {node.name for node in tree.find_all(exp.Parameter, exp.Placeholder)} >= set(statement.values), name
    assert len(read) > 250
    assert called - SYNTAX == FUNCTIONS[language]


@pytest.mark.parametrize(
    ("language", "path", "sql", "kind"),
    [
        ("bigquery", "body.b.2", "p.`body`.`b`[SAFE_OFFSET(2)]", "STRING"),
        ("bigquery", "body.A", "p.`body`.`a`", "INT64"),
        ("bigquery", "body.j.x.0.y", """JSON_VALUE(p.`body`.`j`, '$."x"[0]."y"')""", "STRING"),
        ("bigquery", "text.it's", """JSON_VALUE(p.`text`, '$."it\\'s"')""", "STRING"),
        ("databricks", "body.b.2", "GET(p.`body`.`b`, 2)", "string"),
        ("databricks", "body.odd name.k.1", "TRY_ELEMENT_AT(p.`body`.`odd name`, TRY_CAST('k.1' AS string))", "int"),
        ("databricks", "body.j.x.0", """TRY_VARIANT_GET(p.`body`.`j`, '$["x"][0]', 'STRING')""", "STRING"),
        ("databricks", "text.x.0", "GET_JSON_OBJECT(p.`text`, '$[\\'x\\'][0]')", "STRING"),
    ],
)
def test_path_leads_into_a_nested_column(language: str, path: str, sql: str, kind: str) -> None:
    types = {
        "bigquery": {"body": "STRUCT<a INT64, b ARRAY<STRING>, j JSON, `x y` NUMERIC(9, 2)>", "text": "STRING"},
        "databricks": {
            "body": "struct<a:int,b:array<string>,j:variant,`odd name`:map<string,int>,d:decimal(9,2)>",
            "text": "string",
        },
    }[language]  # fmt: skip
    dialect = DIALECTS[language]
    column = Table(ListedTable("p", "d", "t", True, dialect=dialect), types).column(path)
    assert column is not None
    assert (column.of("p"), column.type) == (sql, kind)
    tree = sqlglot.parse_one(f"SELECT {sql} FROM t AS p", read=language, error_level=sqlglot.ErrorLevel.RAISE)
    assert isinstance(tree, exp.Select)


@pytest.mark.parametrize("language", DIALECTS)
def test_path_that_json_cannot_have_is_no_column(language: str) -> None:
    table = Table(
        ListedTable("p", "d", "t", True, dialect=DIALECTS[language]), {"text": "STRING", "body": "ARRAY<INT64>"}
    )
    quote = {"bigquery": '"', "databricks": "'"}[language]
    assert table.column(f"text.a{quote}b") is None
    assert table.column("body.first") is None


def test_names_and_texts_cannot_end_their_quotes() -> None:
    assert BIGQUERY.quoted("a`b\\") == "`a\\`b\\\\`"
    assert DATABRICKS.quoted("a`b\\") == "`a``b\\`"
    for language, dialect in DIALECTS.items():
        text = "it's\\ \n$key_0"
        sql = f"SELECT {dialect.literal(text)} AS {dialect.quoted('a`b')}, $key_0 AS k"
        assert dialect.names_in(sql) == {"key_0"}
        bound = dialect.bind(sql, {"key_0": "x"}).sql
        assert bound.count("$key_0") == 1
        # sqlglot does not read a backslash in a name of BigQuery.
        tree = sqlglot.parse_one(bound.replace("a\\`b", "ab"), read=language)
        assert tree.selects[0].this.name == text
        assert tree.selects[1].alias == "k"


def test_tables_of_bigquery_are_those_of_the_dataset_or_region() -> None:
    assert "FROM `my-project`.`main`.INFORMATION_SCHEMA.TABLES" in tables_query(BIGQUERY).sql
    of_region = tables_query(bigquery_dialect("my-project", "main", "EU")).sql
    assert "FROM `my-project`.`region-eu`.INFORMATION_SCHEMA.TABLES" in of_region
    assert "table_schema = 'main'" in of_region
