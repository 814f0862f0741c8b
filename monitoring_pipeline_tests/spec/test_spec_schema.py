"""The JSON Schema for editors accepts and refuses the same specs as the model spec."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from pydantic import ValidationError

import monitoring_pipeline
from monitoring_pipeline.spec.documentation import json_schema
from monitoring_pipeline.spec.loading import SUITE_SUFFIX
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline_tests.spec.cases import BINARY, REGRESSION, changed

SHIPPED = Path(monitoring_pipeline.__file__).parent / "models"
SHIPPED_SPECS = [path for path in sorted(SHIPPED.glob("*.yaml")) if not path.name.endswith(SUITE_SUFFIX)]
LONG_FORMS = {"kind": "numeric"}, {"kind": "categorical", "column": "tariff"}


def _schema_accepts(document: object) -> bool:
    as_json = json.loads(json.dumps(document, default=str))
    return jsonschema.Draft202012Validator(json.loads(json_schema())).is_valid(as_json)


def _model_accepts(document: object) -> bool:
    try:
        ModelSpec.model_validate(document)
    except ValidationError:
        return False
    return True


def test_schema_is_valid():
    jsonschema.Draft202012Validator.check_schema(json.loads(json_schema()))


@pytest.mark.parametrize("path", SHIPPED_SPECS, ids=lambda path: path.name)
def test_shipped_specs_fit_the_schema(path):
    assert _schema_accepts(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize("document", [
    BINARY,
    REGRESSION,
    changed(BINARY, {"features.age": LONG_FORMS[0], "features.plan": LONG_FORMS[1]}),
    changed(BINARY, {"labels.delay": "36h", "labels.positive": "yes", "schedule": "23:59"}),
    changed(BINARY, {"performance.thresholds.auroc": {"lower": 0.7, "severity": "warning"}, "drift.floors.psi": 0.2}),
    changed(BINARY, {"runbook": None, "end": None}),
])  # fmt: skip
def test_valid_document_is_accepted_by_schema_and_model(document):
    assert _model_accepts(document)
    assert _schema_accepts(document)


@pytest.mark.parametrize("changes", [
    {"ownr": "x"}, {"name": "A b"}, {"task": "ranking"}, {"owner": ...}, {"predictions.scor": "x"},
    {"predictions.table": ...}, {"labels.delay": "soon"}, {"labels.delay": 12}, {"features": {}},
    {"features.age": "number"}, {"features.age": {"column": "a"}}, {"features.age": {"kind": "numeric", "x": 1}},
    {"reference": {}}, {"reference.1.end": ...}, {"schedule": "25:00"}, {"cadence": "decade"}, {"drift.alpha": 0},
    {"drift.floors.psi": -1}, {"drift.minimum_rows": 1}, {"performance.minimum_maturity": 2},
    {"performance.thresholds.auroc": {"severity": "fatal", "lower": 0}}, {"quality.minimum_rows": -1},
])  # fmt: skip
def test_invalid_document_is_refused_by_schema_and_model(changes):
    document = changed(BINARY, changes)
    assert not _model_accepts(document)
    assert not _schema_accepts(document)


def test_every_key_of_the_schema_has_a_description():
    schema = json.loads(json_schema())
    parts = {"ModelSpec": schema, **schema["$defs"]}
    without = [
        f"{part}.{key}"
        for part, definition in parts.items()
        for key, entry in definition.get("properties", {}).items()
        if "description" not in entry and "$ref" not in entry
    ]
    # The parts of these have descriptions.
    assert set(without) <= {"ModelSpec.name", "ModelSpec.predictions", "ModelSpec.labels"}
