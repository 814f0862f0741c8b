import pytest

from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.loading import load_specs
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline_tests.spec.cases import BINARY, changed

SPEC = ModelSpec.model_validate(BINARY)
VERSIONED = changed(BINARY, {"predictions.model_version": "version"})


def _spec(changes):
    return ModelSpec.model_validate(changed(BINARY, changes))


@pytest.mark.parametrize("changes", [
    {"description": "words"}, {"owner": "team:other"}, {"runbook": "https://example.org"}, {"schedule": "07:00"},
    {"end": "2025-01-01"}, {"labels.lookback": "9d"}, {"labels.delay": "24h"}, {"incidents.horizon": "9d"},
    {"reference.1.end": "2024-02-01"},
])  # fmt: skip
def test_spec_hash_is_unchanged_by_texts_and_times_of_runs(changes):
    assert _spec(changes).spec_hash == SPEC.spec_hash


@pytest.mark.parametrize("changes", [
    {"name": "other"}, {"timezone": "UTC"}, {"warehouse": "lake"}, {"predictions.table": "x"},
    {"predictions.decision_threshold": 0.4},
    {"labels.positive": False}, {"labels.positive": "True"}, {"labels.delay": "25h"}, {"features.age": "categorical"},
    {"features.more": "numeric"}, {"features.age": {"kind": "numeric", "column": "years"}}, {"drift.alpha": 0.05},
    {"drift.floors.psi": 0.3}, {"drift.ignore": ["age"]}, {"drift.statistics": ["psi"]}, {"drift.numeric": "psi"},
    {"performance.thresholds.auroc": {"lower": 0.5}}, {"performance.breach_on": "point"},
    {"performance.minimum_rows": 51}, {"quality.minimum_rows": 2},
    {"objectives": {"auc": {"metric": "auroc", "lower": 0.6}}}, {"business": {"cost": {"sql": "cost.sql"}}},
])  # fmt: skip
def test_spec_hash_changes_with_every_field_that_can_change_a_number(changes):
    assert _spec(changes).spec_hash != SPEC.spec_hash


@pytest.mark.parametrize("changes", [
    {"predictions.table": "x"}, {"labels.label": "x"}, {"features.more": "numeric"}, {"timezone": "UTC"},
    {"reference.1.end": "2024-02-01"}, {"predictions.prediction": "p"}, {"warehouse": "lake"},
])  # fmt: skip
def test_reference_hash_changes_with_sources_features_and_window(changes):
    assert _spec(changes).reference_declaration_hash("1") != SPEC.reference_declaration_hash("1")


def test_reference_hash_is_unchanged_by_rules_and_other_versions():
    one = ModelSpec.model_validate(changed(VERSIONED, {"drift.alpha": 0.2, "performance.minimum_rows": 9}))
    two = ModelSpec.model_validate(changed(VERSIONED, {"reference.2": {"start": "2024-02-01", "end": "2024-03-01"}}))
    assert one.reference_declaration_hash("1") == two.reference_declaration_hash("1")
    assert two.reference_declaration_hash("1") != two.reference_declaration_hash("2")


def test_spec_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        SPEC.name = "other"  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("changes", [
    {"labels.known_at": ...}, {"labels.table": ...}, {"labels.id": ...}, {"labels.values": {"paid": 0}},
    {"labels": ...}, {"predictions.positive": "yes"}, {"labels.reach": "90d"}, {"labels.null_values": ["pending"]},
])  # fmt: skip
def test_hashes_change_with_the_source_of_labels(changes):
    spec = _spec(changes)
    assert spec.spec_hash != SPEC.spec_hash
    assert spec.reference_declaration_hash("1") != SPEC.reference_declaration_hash("1")


SHIPPED_HASHES = {
    "arrival_delay": ("0a2f790febc57462", "3d34878dcd520dbf", "12a97e8ce6ed6760"),
    "flight_delay": ("68aeaa6dfe1db302", "3d34878dcd520dbf", "8cced713b904fd83"),
    "flight_outcome": ("82e419e5421e17f2", "3d34878dcd520dbf", "4d91af92ce2f5a48"),
}
"""By model, the hashes that homes of earlier versions hold: of the spec, its learned floors, and its reference."""


def test_hashes_of_a_spec_without_newer_fields_equal_those_in_stored_homes():
    specs = [loaded.spec for loaded in load_specs(Settings.model_fields["models"].default)]
    hashes = {
        spec.name: (spec.spec_hash, spec.learned_floors_hash, spec.reference_declaration_hash("1")) for spec in specs
    }
    assert hashes == SHIPPED_HASHES


class PartWithAddition(SpecPart):
    added_fields = frozenset({"newer"})
    older: int = 1
    newer: int = 2


def test_dump_omits_an_added_field_only_while_it_has_its_default():
    assert PartWithAddition().model_dump_json() == '{"older":1}'
    assert PartWithAddition(newer=3).model_dump_json() == '{"older":1,"newer":3}'
