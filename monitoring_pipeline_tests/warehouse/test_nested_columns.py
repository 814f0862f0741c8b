"""Paths such as ``payload.age`` into nested columns: read from a real file, in every query."""

import datetime as dt
import math
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring_pipeline.warehouse.engines.duckdb.warehouse import DuckDBWarehouse
from monitoring_pipeline.warehouse.errors import MissingColumnError
from monitoring_pipeline.warehouse.sql.catalogue import ListedTable, Table
from monitoring_pipeline.warehouse.sql.nested import inner_value
from monitoring_pipeline_tests.warehouse.conftest import SpecMaker

LATER = dt.datetime(2013, 7, 1, tzinfo=dt.UTC)
EVENTS = """CREATE TABLE events AS SELECT * FROM (VALUES
    ({'id': 'a', 'at': TIMESTAMP '2013-06-02 01:00', 'meta': {'version': '1', 'the "x.y': 7}},
     map {'age': 41.0, 'b''c': 2.0, 'd.e': 3.0}, map {1: 'one'}, [{'p': 0.25}, {'p': 0.75}],
     '{"plan": "pro", "deep": {"n": 5, "c/d": true}, "list": [9]}'::JSON, '{"seen": 3}', 11, true,
     TIMESTAMP '2013-06-03 00:00'),
    ({'id': 'b', 'at': TIMESTAMP '2013-06-02 02:00', 'meta': NULL}, NULL, NULL, [], NULL, 'no JSON', 12, NULL, NULL))
    AS t(payload, features, codes, scores, doc, text_doc, "dotted.name", churned, known)"""
FEATURES = {
    'payload.meta.the "x.y': ("numeric", [7, None]),
    "features.age": ("numeric", [41.0, None]),
    "features.b'c": ("numeric", [2.0, None]),
    "features.d.e": ("numeric", [3.0, None]),
    "features.absent": ("numeric", [None, None]),
    "codes.1": ("categorical", ["one", None]),
    "scores.0.p": ("numeric", [0.25, None]),
    "scores.9.p": ("numeric", [None, None]),
    "doc.plan": ("categorical", ["pro", None]),
    "doc.deep.n": ("numeric", [5.0, None]),
    "doc.deep.c/d": ("categorical", ["true", None]),
    "doc.list.0": ("numeric", [9.0, None]),
    "text_doc.seen": ("numeric", [3.0, None]),
    "dotted.name": ("numeric", [11, 12]),
    "PAYLOAD.Meta.VERSION": ("categorical", ["1", None]),
}
SOURCES = {
    "predictions": {
        "table": "events", "id": "payload.id", "time": "payload.at", "score": "scores.1.p",
        "model_version": "payload.meta.version",
    },
    "labels": {"table": "events", "id": "payload.id", "label": "churned", "known_at": "known"},
}  # fmt: skip


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(EVENTS)
    return DuckDBWarehouse(path)


def test_every_column_of_a_spec_may_be_a_path(warehouse: DuckDBWarehouse, make_spec: SpecMaker) -> None:
    features = {f"f{n}": {"kind": kind, "column": path} for n, (path, (kind, _)) in enumerate(FEATURES.items())}
    spec = make_spec(features=features, **SOURCES)
    read = warehouse.read_predictions(spec, spec.calendar.chunk("2013-06-02"))
    assert read.missing_columns == ()
    rows = read.frame.sort("row_id")
    assert rows["row_id"].to_list() == ["a", "b"]
    assert rows["predicted_at"].to_list() == [dt.datetime(2013, 6, 2, hour, tzinfo=dt.UTC) for hour in (1, 2)]
    assert rows["score"].to_list() == [0.75, None]
    assert rows["model_version"].to_list() == ["1", None]
    assert {path: rows[f"f{n}"].to_list() for n, path in enumerate(FEATURES)} == {
        path: values for path, (_, values) in FEATURES.items()
    }


def test_labels_are_joined_by_paths(warehouse: DuckDBWarehouse, make_spec: SpecMaker) -> None:
    spec = make_spec(**SOURCES)
    chunk = spec.calendar.chunk("2013-06-02")
    read = warehouse.read_labels(spec, chunk, LATER)
    assert read.frame.select("row_id", "label").rows() == [("a", True)]
    assert warehouse.label_states(spec, [chunk], LATER)[chunk.key] == read.state


def test_feature_keeps_its_name_if_the_name_is_the_path(warehouse: DuckDBWarehouse, make_spec: SpecMaker) -> None:
    spec = make_spec(features={"features.age": "numeric", "dotted.name": "numeric"}, **SOURCES)
    read = warehouse.read_predictions(spec, spec.calendar.chunk("2013-06-02"))
    assert read.frame.sort("row_id")["features.age"].to_list() == [41.0, None]
    assert read.frame.sort("row_id")["dotted.name"].to_list() == [11, 12]


def test_exact_name_with_a_dot_has_precedence_over_a_path() -> None:
    listed = ListedTable("db", "main", "t", in_default_schema=True)
    table = Table(listed, {"a.b": "INTEGER", "a": 'STRUCT(b VARCHAR, c STRUCT(d DOUBLE), "c.d" DATE)'})
    assert table.column("a.b").of("p") == 'p."a.b"'
    assert (table.column("a.c.d").type, table.column("a.c").type) == ("DATE", "STRUCT(d DOUBLE)")
    assert table.column("a.x") is None
    assert table.column("a.c.d.e") is None


@pytest.mark.parametrize("path", ["payload.nope", "payload.id.more", "scores.p", "scores.-1", "codes.", "nope.x"])
def test_path_to_nothing_is_a_missing_column_and_the_fields_are_listed(
    warehouse: DuckDBWarehouse, make_spec: SpecMaker, path: str
) -> None:
    spec = make_spec(predictions=SOURCES["predictions"] | {"time": path}, labels=SOURCES["labels"])
    if path == "payload.id.more":  # text may hold JSON
        assert warehouse.read_predictions(spec, spec.calendar.chunk("2013-06-02")).frame.is_empty()
        return
    with pytest.raises(MissingColumnError, match=r"predictions\.time: events has no column.*payload\.at"):
        warehouse.read_predictions(spec, spec.calendar.chunk("2013-06-02"))


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)
SCALARS = st.sampled_from([("INTEGER", 1), ("DOUBLE", 2.5), ("VARCHAR", "x"), ("DECIMAL(10,2)", 3), ("BOOLEAN", True)])


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(NAMES, SCALARS, min_size=1, max_size=4))
def test_field_of_any_name_is_found_by_its_name_and_read(fields: dict[str, tuple[str, object]]) -> None:
    if any(len({form(name) for name in fields}) < len(fields) for form in (str.casefold, str.upper, str.lower)):
        return
    quoted = {name: '"' + name.replace('"', '""') + '"' for name in fields}
    values = ", ".join(f"{quoted[name]} := CAST(? AS {kind})" for name, (kind, _) in fields.items())
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t AS SELECT struct_pack({values}) AS s", [v for _, v in fields.values()])
        kind = connection.execute("SELECT data_type FROM information_schema.columns WHERE table_name = 't'").fetchone()[
            0
        ]
        for name, (_, value) in fields.items():
            inner = inner_value(kind, name)
            sql = inner.steps[0].of("t.s")
            (found,) = connection.execute(f"SELECT {sql} FROM t").fetchone()
            assert found == value or math.isclose(float(found), float(value))


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=12))
def test_key_of_a_map_or_of_json_never_leaves_its_quotes(key: str) -> None:
    if "\0" in key:
        return
    for kind in ("MAP(VARCHAR, INTEGER)", "JSON", "VARCHAR"):
        inner = inner_value(kind, key)
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE t (c {kind}); INSERT INTO t VALUES (NULL)")
            sql = inner.steps[0].of("t.c")
            assert connection.execute(f"SELECT {sql} FROM t").fetchall() == [(None,)]
