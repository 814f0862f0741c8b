"""The files written from the model spec are in step with it."""

from pathlib import Path

import pytest

from monitoring_pipeline.spec.documentation import fields_page, json_schema

REPOSITORY = Path(__file__).parents[2]


def test_the_schema_beside_the_shipped_specs_is_current():
    shipped = REPOSITORY / "monitoring_pipeline" / "models" / "model_spec.schema.json"
    assert shipped.read_text() == json_schema(), "run: monitoring-pipeline spec schema > that file"


def test_the_page_of_fields_is_current():
    assert (REPOSITORY / "docs" / "spec.md").read_text() == fields_page(), "run: monitoring-pipeline spec fields > it"


def test_the_page_knows_nested_fields_and_what_is_allowed():
    page = fields_page()
    assert "| `features.<name>.kind` | required |" in page
    assert "One of `binary`, `multiclass`, `regression`." in page


@pytest.mark.parametrize("field", [
    "business.<name>.sql", "objectives.<name>.metric", "incidents.escalate.chunks", "retraining.trainer",
    "retraining.gate.loss", "retraining.gate.fairness.column",
])  # fmt: skip
def test_the_page_knows_fields_that_need_not_be_given_and_those_below_keys_of_yours(field):
    assert f"| `{field}` |" in fields_page()


def test_each_field_is_one_row_of_the_table():
    table = fields_page().partition("|---|---|---|\n")[2].splitlines()
    assert [line for line in table if not (line.startswith("| `") and line.endswith(" |"))] == []


def test_durations_are_shown_as_a_spec_writes_them():
    assert '| `labels.lookback` | `"60d"` |' in fields_page()
