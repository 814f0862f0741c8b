"""Facts that are read of a real source: what they count, and how many rows are read for them."""

import datetime as dt
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.spec_check.findings import Level
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.specs import source_facts
from monitoring_pipeline.steps.specs.findings import find_in_source
from monitoring_pipeline.steps.specs.source_facts import Inspecting, read_source_facts
from monitoring_pipeline.warehouse.engines.duckdb.warehouse import DuckDBWarehouse
from monitoring_pipeline.warehouse.sql.inspection import SqlInspection
from monitoring_pipeline_tests.cli.checked_sources import DAYS, ROWS_OF_A_DAY, write_warehouse
from monitoring_pipeline_tests.spec.cases import binary_spec, multiclass_spec, regression_spec

NOW = dt.datetime(2024, 6, 1, tzinfo=dt.UTC)
LABELS = {"labels__label": "left_"}
OF_THE_REFERENCE = 60 * ROWS_OF_A_DAY


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a sound source."""
    file = tmp_path_factory.mktemp("source") / "warehouse.duckdb"
    write_warehouse(file)
    return file


def _inspecting(path: Path, *, registered: bool = False) -> Inspecting:
    warehouse = DuckDBWarehouse(path)
    return Inspecting(
        inspection=SqlInspection(warehouse), warehouse=warehouse, is_registered=lambda *_: registered, now=NOW
    )


def _loaded(spec: ModelSpec) -> LoadedSpec:
    return LoadedSpec(spec, Path("x.yaml"))


def test_facts_count_tables_references_labels_and_newest_chunks(path):
    facts = read_source_facts(_loaded(binary_spec(**LABELS)), _inspecting(path))
    assert facts.unreadable == ()
    assert facts.predictions is not None
    assert facts.predictions.rows == DAYS * ROWS_OF_A_DAY
    (reference,) = facts.references
    # Berlin is an hour ahead of the table's clock, so that a few rows of the last day belong to the next.
    assert reference.rows == sum(reference.by_version.values())
    assert abs(reference.rows - OF_THE_REFERENCE) < ROWS_OF_A_DAY
    assert reference.labels is not None
    assert reference.labels.share == 1.0
    assert reference.labels.after_delay == reference.labels.read
    assert sum(reference.labels.classes.values()) == reference.labels.read == reference.rows
    assert {str(metric) for metric in reference.performance} >= {"auroc", "log_loss"}
    assert facts.newest is not None
    assert facts.newest.newest in {"2024-03-20", "2024-03-21"}
    assert len(facts.newest.by_chunk) == source_facts.NEWEST_COUNTED
    assert facts.newest.sample is not None
    assert facts.newest.sample.place == "the newest 3 days"


def test_facts_of_a_large_source_are_read_from_few_rows(path, monkeypatch):
    monkeypatch.setattr(source_facts, "MOST_ROWS", 80)
    read: list[int] = []
    for name in ("first_predictions", "first_labels"):
        original = getattr(SqlInspection, name)

        def counting(self, *arguments, original=original):
            frame = original(self, *arguments)
            read.append(frame.height)
            return frame

        monkeypatch.setattr(SqlInspection, name, counting)
    facts = read_source_facts(_loaded(binary_spec(**LABELS)), _inspecting(path))
    assert max(read) <= 80
    assert sum(read) <= 3 * 80
    (reference,) = facts.references
    assert reference.rows > 80
    assert reference.sample is not None
    assert 0 < reference.sample.rows <= 80
    assert reference.labels is not None
    assert reference.labels.label_rows == reference.rows


def test_version_without_rows_counts_those_of_others_if_the_registry_has_it(path):
    changes = {
        **LABELS,
        "predictions__model_version": "version",
        "reference": {"7": {"start": "2024-01-01", "end": "2024-03-01"}},
    }
    (reference,) = read_source_facts(_loaded(binary_spec(**changes)), _inspecting(path, registered=True)).references
    assert reference.is_registered
    assert reference.rows == sum(reference.by_version.values()) > 0
    (absent,) = read_source_facts(_loaded(binary_spec(**changes)), _inspecting(path)).references
    assert absent.rows == 0


@pytest.mark.parametrize("source", [
    {"table": "thin"},
    {"query": "SELECT * RENAME (probability AS p) FROM thin", "columns": {"probability": "p"}},
    {"file": "validation.parquet", "start": "2024-01-01", "end": "2024-03-01"},
])  # fmt: skip
def test_reference_of_another_source_is_read_there(path, source):
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute(f"COPY (SELECT * FROM thin) TO '{path.parent / 'validation.parquet'}'")
    loaded = LoadedSpec(binary_spec(**LABELS, reference={"1": source}), path.parent / "churn.yaml")
    facts = read_source_facts(loaded, _inspecting(path))
    assert facts.unreadable == ()
    (reference,) = facts.references
    assert 5 * ROWS_OF_A_DAY <= reference.rows <= 8 * ROWS_OF_A_DAY
    assert reference.sample is not None
    assert reference.sample.rows == reference.rows
    assert reference.labels is not None
    assert reference.labels.share == 1.0
    assert reference.performance
    assert facts.newest is not None
    assert facts.newest.newest in {"2024-03-20", "2024-03-21"}


@pytest.mark.parametrize(("source", "found"), [
    ({"file": "gone.parquet"}, [("reference.1.file", "no such file")]),
    ({"table": "scorse"}, [("reference.1.table", "no table 'scorse'; did you mean scores?")]),
    ({"query": "SELECT * EXCLUDE (age) FROM scores"}, [("reference.1", "features.age: reference.1 has no column")]),
    ({"query": "SELECT * EXCLUDE (probability) FROM scores"}, [("reference.1", "predictions.score: ")]),
    ({"query": "SELECT 1; SELECT 2"}, [("reference.1.query", "one SELECT is needed")]),
])  # fmt: skip
def test_fault_of_another_source_is_a_reason_about_the_reference(path, source, found):
    loaded = LoadedSpec(binary_spec(**LABELS, reference={"1": source}), path.parent / "churn.yaml")
    facts = read_source_facts(loaded, _inspecting(path))
    assert [part.field for part in facts.unreadable] == [field for field, _ in found]
    assert all(words in part.reason for part, (_, words) in zip(facts.unreadable, found, strict=True))
    assert facts.newest is not None


def test_rows_that_a_run_would_refuse_are_a_reason_and_the_rest_is_read(path):
    spec = binary_spec(**LABELS, predictions__score="age")
    facts = read_source_facts(_loaded(spec), _inspecting(path))
    refusals = [sample.refusal for sample in facts.samples if sample.refusal]
    assert {refusal.field for refusal in refusals} == {"predictions.score"}
    assert "outside [0, 1]" in refusals[0].reason
    assert facts.labels is not None
    assert facts.newest is not None


@pytest.mark.parametrize("spec", [
    multiclass_spec(predictions__table="scores", predictions__scores={"true": "probability", "false": "age"}, **LABELS),
    regression_spec(predictions__table="scores", predictions__prediction="age", labels__label="customer"),
    binary_spec(predictions__time="age", **LABELS),
    binary_spec(predictions__id=["customer", "scored_at"], labels__id=["customer", "seen_at"], **LABELS),
    binary_spec(labels={"label": "plan", "positive": "plus"}),
    binary_spec(cadence="month", start="2024-04-01", **LABELS),
    binary_spec(cadence="hour", **LABELS),
], ids=["multiclass", "regression", "time", "composite", "own_table", "month", "hour"])  # fmt: skip
def test_source_that_fits_badly_is_judged_without_an_unforeseen_error(path, spec):
    findings = find_in_source(_loaded(spec), _inspecting(path))
    assert not [finding for finding in findings if "cannot be checked" in finding.observation.seen]


def test_unforeseen_error_is_a_finding_without_values_of_rows(path, monkeypatch):
    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret value")

    monkeypatch.setattr(SqlInspection, "tables", fail)
    (finding,) = find_in_source(_loaded(binary_spec()), _inspecting(path))
    assert finding.level is Level.ERROR
    assert finding.observation.seen == "the source cannot be checked: ZeroDivisionError"


CELLS = ("NULL", "'x'", "''", "1", "0", "-1", "0.5", "2.5", "'nan'::DOUBLE", "'inf'::DOUBLE", "TRUE",
         "DATE '2024-01-05'", "TIMESTAMP '2024-01-05 01:00'",
         "1704400000", "[1, 2]", "{'a': 1}", "'2024-01-05T00:00:00Z'")  # fmt: skip
COLUMNS = ("customer", "scored_at", "probability", "age", "plan", "left_", "seen_at")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(st.sampled_from(CELLS), min_size=len(COLUMNS), max_size=len(COLUMNS)), rows=st.integers(0, 3))
def test_any_values_of_any_types_end_in_findings(tmp_path, cells, rows):
    file = tmp_path / "any.duckdb"
    file.unlink(missing_ok=True)
    selected = ", ".join(f"{cell} AS {column}" for cell, column in zip(cells, COLUMNS, strict=True))
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"CREATE TABLE scores AS SELECT {selected} FROM range({rows})")
    spec: ModelSpec = binary_spec(labels={"label": "left_", "known_at": "seen_at"})
    findings = find_in_source(_loaded(spec), _inspecting(file))
    assert findings
    assert not [finding for finding in findings if "cannot be checked" in finding.observation.seen], findings
