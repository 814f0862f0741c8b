"""A changed reference: features that were added or removed, and rebuilt references that have shrunk."""

from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

from monitoring_pipeline.cli import main
from monitoring_pipeline.evaluation.reference.reference import BuiltReference
from monitoring_pipeline.steps.reference.building import TakenReference, take_reference
from monitoring_pipeline.steps.reference.stored import with_its_data
from monitoring_pipeline_tests.worlds.retraining_world import NOW, outside
from monitoring_pipeline_tests.worlds.world import DAYS, DELIVERIES, FIRST_ROW, LOANS, SPECS, World

VERSIONS = {LOANS: "2024.1", DELIVERIES: "1"}
VERSION = VERSIONS[LOANS]
ADDED = {LOANS: "age", DELIVERIES: "vehicle"}
FEW = {"reference": {VERSION: {"start": FIRST_ROW, "end": FIRST_ROW.replace(day=FIRST_ROW.day + 5)}}}


def take(world: World, model: str = LOANS, *, parts: dict[str, Any] | None = None, **options: Any) -> TakenReference:
    world.change_spec(model, **(parts or {}))
    with outside(world) as ports:
        return take_reference(world.loaded(model), VERSIONS[model], ports, now=NOW, **options)


def data(world: World, model: str) -> BuiltReference:
    with outside(world) as ports:
        spec = world.loaded(model).spec
        document = take_reference(world.loaded(model), VERSIONS[model], ports, now=NOW).reference
        return with_its_data(spec, document, ports)


def without(model: str, feature: str) -> dict[str, Any]:
    return {"features": {name: kind for name, kind in SPECS[model]["features"].items() if name != feature}}


@pytest.mark.parametrize("model", [LOANS, DELIVERIES])
def test_added_feature_is_built_alone_and_equals_that_of_a_whole_reference(world, model):
    whole = take(world, model)
    whole_data = data(world, model)
    smaller = take(world, model, parts=without(model, ADDED[model]), rebuild=True, accept_smaller=True)
    assert ADDED[model] not in smaller.reference.bins
    grown = take(world, model)
    assert not grown.reused
    old, new, full = smaller.reference, grown.reference, whole.reference
    assert list(new.bins.items()) == list(full.bins.items())
    assert new.profile == full.profile
    assert (new.estimation, new.constant_columns, new.table_columns) == (
        full.estimation, full.constant_columns, full.table_columns,
    )  # fmt: skip
    assert new.multivariate_floors == full.multivariate_floors
    assert new.usual_contributions == full.usual_contributions
    assert [floor for floor in new.floors.floors if floor.column != ADDED[model]] == list(old.floors.floors)
    assert {floor for floor in new.floors.floors if floor.column == ADDED[model]} <= set(full.floors.floors)
    grown_data = data(world, model)
    assert grown_data.chunks == whole_data.chunks
    assert grown_data.rows.equals(whole_data.rows)
    assert take(world, model).reused


def test_added_feature_leaves_other_columns_although_their_rows_were_changed_since(world):
    smaller = take(world, parts=without(LOANS, "age"))
    world.execute('UPDATE "Loan Scores" SET "Annual Income" = 1, age = age + 1')
    grown = take(world)
    for column in ("income", "employment", "score", "prediction"):
        assert grown.reference.bins[column] == smaller.reference.bins[column]
        assert grown.reference.profile[column] == smaller.reference.profile[column]
    assert grown.reference.profile["age"].minimum == 19
    assert world.ask("SELECT count(*) FROM model_references WHERE model = :model", model=LOANS) == [(2,)]


def test_removed_feature_is_dropped_without_reading_the_source(world):
    whole = take(world)
    world.execute('DROP TABLE "Loan Scores"')
    smaller = take(world, parts=without(LOANS, "age"))
    assert list(smaller.reference.bins) == ["income", "employment", "score", "prediction"]
    assert smaller.reference.profile["income"] == whole.reference.profile["income"]
    assert smaller.reference.performance == whole.reference.performance


def test_feature_with_another_column_is_built_again_and_others_stay(world):
    whole = take(world)
    features = SPECS[LOANS]["features"] | {"age": {"kind": "numeric", "column": "Annual Income"}}
    changed = take(world, parts={"features": features})
    assert changed.reference.bins["age"] == whole.reference.bins["income"]
    assert changed.reference.bins["income"] == whole.reference.bins["income"]


def test_added_feature_is_refused_if_the_rows_of_the_reference_are_gone(world):
    smaller = take(world, parts=without(LOANS, "age"))
    world.execute('DELETE FROM "Loan Scores" WHERE hash("Application ID") % 2 = 0')
    refused = take(world)
    assert (refused.reused, refused.reference) == (True, smaller.reference)
    assert "of its 2000 rows are still in the source, to read age from" in str(refused.refusals[0].reason)
    accepted = take(world, accept_smaller=True)
    assert accepted.reference.bins["income"] == smaller.reference.bins["income"]
    assert 900 < accepted.reference.profile["age"].rows < 1100


def test_reference_that_shrank_is_refused_with_both_numbers_until_it_is_accepted(world, monkeypatch):
    first = take(world)
    refused = take(world, parts=FEW)
    assert (refused.reused, refused.reference) == (True, first.reference)
    (measurement,) = refused.refusals
    assert (measurement.value, measurement.reference_value) == (1000.0, 2000.0)
    for words in ("1000 rows, 2000 before", "1000 labelled rows, 2000 before", "5 days, 10 before", "--accept-smaller"):
        assert words in str(measurement.reason)
    for name, value in {"HOME": world.folder, "MODELS": world.settings.models, "ID_KEY": "world"}.items():
        monkeypatch.setenv(f"MONITORING_PIPELINE_{name}", str(value))
    printed = CliRunner().invoke(main, ["reference", "rebuild", LOANS])
    assert (printed.exit_code, "1000 rows, 2000 before" in printed.output) == (1, True)
    printed = CliRunner().invoke(main, ["reference", "rebuild", LOANS, "--version", VERSION, "--accept-smaller"])
    assert (printed.exit_code, printed.output) == (0, f"{LOANS} {VERSION}: 1000 rows in 2024-03-15/2024-03-20\n")
    assert take(world, parts=FEW).reused
    assert CliRunner().invoke(main, ["reference", "rebuild", LOANS, "--version", "9"]).exit_code == 1


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ('DELETE FROM "Loan Scores"', "0 rows in 2024-03-15/2024-03-25, 2000 before"),
        ('UPDATE "Loan Scores" SET age = NULL', "no value of age, 2000 before"),
        ('UPDATE "Loan Scores" SET "Default Probability" = 0.1', "no row of predicted class '1', "),
        ('UPDATE "Outcomes" SET "Outcome" = \'repaid\'', "no row of class '1', "),
        ('DELETE FROM "Outcomes" WHERE hash("Ref") % 2 = 0', "labelled rows, 2000 before"),
    ],
)
def test_rebuilt_reference_that_lost_rows_classes_or_columns_is_refused(world, statement, words):
    first = take(world)
    world.execute(statement)
    refused = take(world, rebuild=True)
    assert refused.reference == first.reference
    assert words in str(refused.refusals[0].reason)


def test_smaller_reference_of_other_outputs_is_not_refused_because_the_one_before_could_not_be_used(world):
    take(world)
    predictions = {name: value for name, value in SPECS[LOANS]["predictions"].items() if "decision" not in name}
    predictions["prediction"] = predictions.pop("score")
    regression = {"task": "regression", "predictions": predictions, "labels": None, "performance": {}}
    taken = take(world, parts=FEW | regression)
    assert (taken.reused, taken.refusals, taken.reference.profile.rows) == (False, (), 1000)


def test_refused_reference_is_an_incident_until_the_declaration_is_corrected(world):
    assert world.failures(LOANS, DAYS[0]) == ()
    world.change_spec(LOANS, **FEW)
    assert world.failures(LOANS, DAYS[1]) == ()
    found = "SELECT reason FROM current_measurements WHERE name = 'reference_refused' AND chunk = :day"
    ((reason,),) = world.ask(found, day=DAYS[1])
    assert "1000 rows, 2000 before" in reason
    ((cause, state),) = world.ask("SELECT cause, state FROM incidents WHERE cause LIKE 'pipeline%'")
    assert state in {"open", "ongoing"}, cause
    world.change_spec(LOANS)
    assert world.failures(LOANS, DAYS[2]) == ()
    assert world.ask(found, day=DAYS[2]) == []
    assert world.ask("SELECT count(*) FROM model_references WHERE model = :model", model=LOANS) == [(1,)]


def test_rows_of_a_grown_reference_keep_labels_and_canonical_order(world):
    take(world, parts=without(LOANS, "employment"))
    take(world)
    rows = data(world, LOANS).rows
    assert rows.columns[:6] == ["row_id", "predicted_at", "model_version", "income", "employment", "age"]
    assert rows.filter(pl.col("label").is_null()).is_empty()
