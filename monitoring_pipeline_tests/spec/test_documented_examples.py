"""The loaders accept the YAML of the README and of the pages in docs/."""

import pytest
import yaml

from monitoring_pipeline.spec.alerting import AlertingRules
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.retention import RetentionRules
from monitoring_pipeline.spec.rules.segments import SegmentRules
from monitoring_pipeline_tests.docs.pages import blocks_of

EXAMPLES = [(block.page, yaml.safe_load(block.text)) for block in blocks_of("yaml")]
USERS_MODEL = next(document for _, document in EXAMPLES if "name" in document)
PARTS = {
    "retraining",
    "business",
    "objectives",
    "reference",
    "warehouse",
    "predictions",
    "segments",
    "budget",
    "fairness",
    "value",
    "features",
    "upstream",
    "operations",
    "cost",
    "measures",
    "privacy",
}


@pytest.mark.parametrize("part", [document for _, document in EXAMPLES if document.keys() <= PARTS])
def test_documented_part_of_a_spec_fits_into_the_model_of_the_readme(part):
    of_gate = dict.fromkeys(part.get("retraining", {}).get("gate", {}).get("segments", ()), "categorical")
    features = USERS_MODEL["features"] | part.get("features", {}) | of_gate | dict(_columns_of_segments(part))
    spec = ModelSpec.model_validate(USERS_MODEL | part | {"features": features})
    assert all(getattr(spec, name) for name in part)


def _columns_of_segments(part):
    """Yield the columns that documented segments name, with their kinds."""
    by = part.get("segments", part.get("fairness", {})).get("by", {})
    for one in SegmentRules.model_validate({"by": by}).by.values():
        if one.column:
            yield one.column, "numeric" if one.ranges else "categorical"
        yield from ((name, "categorical" if condition.among else "numeric") for name, condition in one.where.items())


@pytest.mark.parametrize("document", [document for _, document in EXAMPLES if "channels" in document])
def test_documented_alerting_rules_are_accepted(document):
    assert AlertingRules.model_validate(document).routes


def test_documented_retention_is_accepted():
    (document,) = [document for _, document in EXAMPLES if "dagster_runs" in document]
    assert RetentionRules.model_validate(document).removes


def test_every_page_with_an_example_is_tested():
    tested = {page for page, document in EXAMPLES if document.keys() & (PARTS | {"channels", "name"})}
    assert tested >= {"README.md", "docs/alerting.md", "docs/how_it_decides.md", "docs/retraining.md"}
    others = {"channels", "name", "attributes", "dagster_runs", "resources"}
    assert all(document.keys() & (PARTS | others) for _, document in EXAMPLES)
