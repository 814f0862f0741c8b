"""The declaration of a reference covers every field that the reference is built from."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.spec.declaration import (
    BUILT_FROM,
    declaration_from_text,
    declaration_of,
    spec_of_reference,
)
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Feature, ReferenceWindow
from monitoring_pipeline_tests.spec.cases import BINARY, changed

DOCUMENT = changed(BINARY, {"predictions.model_version": "version"})
SPEC = ModelSpec.model_validate(DOCUMENT)

CHANGES: dict[str, Any] = {
    "name": "other",
    "timezone": "UTC",
    "cadence": "week",
    "description": "text",
    "owner": "team:other",
    "runbook": "https://example.org",
    "start": "2024-03-02",
    "end": "2025-03-02",
    "schedule": "07:00",
    "warehouse": "lake",
    "pushdown": "never",
    "windows": [14],
    "explanation": {"pairs": 100},
    "privacy": {"age": {"round_to": 10}},
    "predictions.table": "x",
    "predictions.id": "x",
    "predictions.time": "x",
    "predictions.time_zone": "Asia/Tokyo",
    "predictions.model_version": "x",
    "predictions.score": "x",
    "predictions.prediction": "x",
    "predictions.decision_threshold": 0.4,
    "predictions.positive": "yes",
    "predictions.null_values": ["-999"],
    "predictions.group_columns": ["region"],
    "labels.table": "x",
    "labels.id": "x",
    "labels.label": "x",
    "labels.known_at": "x",
    "labels.time_zone": "Asia/Tokyo",
    "labels.positive": "yes",
    "labels.values": {"paid": "0"},
    "labels.null_values": ["pending"],
    "labels.delay": "25h",
    "labels.lookback": "9d",
    "labels.reach": "5d",
    "features.age.kind": "categorical",
    "features.age.column": "years",
    "features.age.null_values": ["-1"],
    "features.more": {"kind": "numeric"},
    "reference.1.start": "2024-01-02",
    "reference.1.end": "2024-02-01",
    "reference.1.table": "x",
    "reference.1.file": "x.csv",
    "reference.1.query": "SELECT 1",
    "reference.1.columns": {"age": "years"},
    "reference.2": {"start": "2024-02-01", "end": "2024-03-01"},
    "drift.against": "trailing_days",
    "drift.window_days": 7,
    "drift.alpha": 0.05,
    "drift.minimum_rows": 9,
    "drift.numeric": "psi",
    "drift.categorical": "psi",
    "drift.statistics": ["psi"],
    "drift.floors": {"psi": 0.3},
    "drift.learn_floors": False,
    "drift.severity": "critical",
    "drift.false_alarm_share": 0.2,
    "drift.multivariate": [],
    "drift.ignore": ["age"],
    "performance.minimum_rows": 9,
    "performance.minimum_maturity": 0.9,
    "performance.breach_on": "point",
    "performance.quantile": 0.9,
    "performance.thresholds": {"auroc": {"lower": 0.5}},
    "quality": {"minimum_rows": 2},
    "segments": {"by": {"old": {"where": {"age": {"at_least": 65}}}}},
    "fairness": {"by": {"plan": "plan"}},
    "measures": {"own": {"function": "module:function"}},
    "cost": {"currency": "EUR", "per_thousand": 0.4},
    "value": {
        "currency": "EUR",
        "outcomes": {"positive": {"positive": 1, "negative": 0}, "negative": {"positive": 0, "negative": 0}},
    },
    "operations.latency": "took",
    "operations.latency_unit": "s",
    "operations.status": "code",
    "operations.errors": ["failed"],
    "operations.timeouts": ["late"],
    "operations.timeout_after": None,
    "operations.dependencies": {"column": "environment"},
    "operations.prometheus": {"url": "http://prometheus:9090", "preset": "triton"},
    "operations.minimum_rows": 9,
    "operations.thresholds": {"error_rate": {"upper": 0.1}},
    "operations.severity": "info",
    "business": {"cost": {"sql": "cost.sql"}},
    "objectives": {"auc": {"metric": "auroc", "lower": 0.6}},
    "incidents.open": {"chunks": 2, "of": 3},
    "incidents.resolve": {"chunks": 2, "of": 3},
    "incidents.escalate": None,
    "incidents.reopen_within": 9,
    "incidents.horizon": "9d",
    "incidents.outage": "6h",
    "budget.pages_per_quarter": 2,
    "budget.warnings_per_month": 2,
    "retraining": {"trainer": "package:function"},
    "upstream": {"predictions": "marts/scores"},
}
OF_OTHER_TASKS = {"task", "predictions.scores", "predictions.horizon", "predictions.naive"}
"""Fields that cannot change alone."""
WITHOUT_INFLUENCE = {
    "description", "owner", "runbook", "start", "end", "schedule", "labels.lookback", "reference.2", "drift.alpha",
    "drift.statistics", "drift.floors", "performance.minimum_maturity", "performance.breach_on",
    "performance.thresholds", "quality", "segments", "business", "objectives", "incidents.horizon", "incidents.outage",
    "incidents.reopen_within", "retraining", "pushdown", "windows",
    "explanation", "fairness", "value", "cost", "measures", "upstream",
    "operations.latency_unit", "operations.errors", "operations.timeouts",
    "operations.timeout_after", "operations.prometheus", "operations.minimum_rows", "operations.thresholds",
    "operations.severity",
}  # fmt: skip


def _spec(*paths: str) -> ModelSpec:
    document = changed(DOCUMENT, {"features.age": {"kind": "numeric"}})
    if "reference.1.columns" in paths and not {"reference.1.file", "reference.1.query"} & set(paths):
        document = changed(document, {"reference.1.table": "validation"})
    return ModelSpec.model_validate(changed(document, {path: CHANGES[path] for path in paths}))


def _fields() -> Iterator[str]:
    """Yield every field of a spec; of parts that no reference is built from only the part."""
    within = {"features.age": Feature, "reference.1": ReferenceWindow}
    for name, field in ModelSpec.model_fields.items():
        part = getattr(SPEC, name)
        if name in within or name not in BUILT_FROM or not hasattr(type(part), "model_fields"):
            yield from () if name in {"features", "reference"} else (name,)
        else:
            yield from (f"{name}.{inner}" for inner in type(part).model_fields)
        assert field.annotation is not None
    for path, part in within.items():
        yield from (f"{path}.{inner}" for inner in part.model_fields)


def _keys(spec: ModelSpec) -> tuple[object, ...]:
    return declaration_of(spec, "1"), spec.learned_floors_hash


def test_every_field_of_a_spec_is_among_the_changes_that_are_tried():
    assert set(_fields()) <= CHANGES.keys() | OF_OTHER_TASKS


@pytest.mark.parametrize("path", sorted(CHANGES))
def test_changed_field_changes_the_declaration_or_nothing_that_the_builder_receives(path):
    before = _spec()
    after = _spec(path)
    assert (_keys(before) == _keys(after)) is (path in WITHOUT_INFLUENCE)
    assert (spec_of_reference(before, "1") == spec_of_reference(after, "1")) is (path in WITHOUT_INFLUENCE)


@given(paths=st.sets(st.sampled_from(sorted(CHANGES)), max_size=4))
def test_specs_with_equal_declarations_give_the_builder_equal_specs(paths):
    if {"performance.thresholds", "objectives"} & paths or "features.more" in paths:
        paths -= {"cadence"}
    try:
        after = _spec(*sorted(paths))
    except ValueError:
        return
    before = _spec()
    assert (_keys(before) == _keys(after)) is (spec_of_reference(before, "1") == spec_of_reference(after, "1"))


def test_changed_feature_changes_its_hash_alone():
    before, after = declaration_of(_spec(), "1"), declaration_of(_spec("features.age.column"), "1")
    assert before.rows == after.rows
    assert {name for name, value in before.features.items() if after.features[name] != value} == {"age"}


def test_declaration_is_read_back_from_its_text_in_any_order_of_features():
    declared = declaration_of(SPEC, "1")
    assert declaration_from_text(declared.text) == declared
    assert declared.text == type(declared)(declared.rows, dict(reversed(declared.features.items()))).text


def test_builder_keeps_the_hash_of_the_rules_of_learned_floors():
    spec = _spec("drift.minimum_rows", "drift.alpha")
    assert spec_of_reference(spec, "1").learned_floors_hash == spec.learned_floors_hash
