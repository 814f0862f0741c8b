"""The files written from the model spec are in step with it."""

from pathlib import Path

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


def test_durations_are_shown_as_a_spec_writes_them():
    assert '| `labels.lookback` | `"60d"` |' in fields_page()
