"""The files that are generated from the model spec are current."""

from pathlib import Path

import pytest

from monitoring_pipeline.spec.documentation import fields_page, json_schema

REPOSITORY = Path(__file__).parents[2]


def test_shipped_schema_equals_the_generated_one():
    shipped = REPOSITORY / "monitoring_pipeline" / "models" / "model_spec.schema.json"
    assert shipped.read_text() == json_schema(), "run: monitoring-pipeline spec schema > that file"


def test_page_of_fields_equals_the_generated_one():
    assert (REPOSITORY / "docs" / "spec.md").read_text() == fields_page(), "run: monitoring-pipeline spec fields > it"


def test_page_of_fields_lists_nested_fields_and_allowed_values():
    page = fields_page()
    assert "| `features.<name>.kind` | required |" in page
    assert "One of `binary`, `multiclass`, `regression`." in page


@pytest.mark.parametrize("field", [
    "business.<name>.sql", "objectives.<name>.metric", "incidents.escalate.chunks", "retraining.trainer",
    "retraining.gate.loss", "retraining.gate.fairness.column",
])  # fmt: skip
def test_page_of_fields_lists_optional_fields_and_fields_below_named_keys(field):
    assert f"| `{field}` |" in fields_page()


def test_page_of_fields_has_one_row_per_field():
    table = fields_page().partition("|---|---|---|\n")[2].splitlines()
    assert [line for line in table if not (line.startswith("| `") and line.endswith(" |"))] == []


def test_page_of_fields_shows_durations_as_a_spec_writes_them():
    assert '| `labels.lookback` | `"60d"` |' in fields_page()
