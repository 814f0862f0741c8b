"""The YAML of the README and of the pages in docs/ is what the loaders take."""

import re
from pathlib import Path

import pytest
import yaml

from monitoring_pipeline.spec.alerting import AlertingRules
from monitoring_pipeline.spec.model import ModelSpec

REPOSITORY = Path(__file__).parents[2]


def blocks(page: str) -> list[dict]:
    """The YAML documents of a page."""
    return [
        yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", (REPOSITORY / page).read_text(), re.DOTALL)
    ]


OWN_MODEL = blocks("README.md")[0]


@pytest.mark.parametrize("part", [
    block for page in ("README.md", "docs/retraining.md") for block in blocks(page)
    if block.keys() <= {"retraining", "business", "objectives"}
])  # fmt: skip
def test_parts_of_a_spec_fit_into_the_readmes_own_model(part):
    features = OWN_MODEL["features"] | dict.fromkeys(
        part.get("retraining", {}).get("gate", {}).get("segments", ()), "categorical"
    )
    spec = ModelSpec.model_validate(OWN_MODEL | part | {"features": features})
    assert all(getattr(spec, name) for name in part)


@pytest.mark.parametrize("page", ["README.md", "docs/alerting.md"])
def test_alerting_rules_are_rules(page):
    (rules,) = (AlertingRules.model_validate(block) for block in blocks(page) if "channels" in block)
    assert rules.routes


def test_every_example_is_looked_at():
    known = {"retraining", "business", "objectives", "channels", "name"}
    for page in ("README.md", "docs/alerting.md", "docs/retraining.md"):
        assert all(block.keys() & known for block in blocks(page)), page
