"""The extras of the package: one with all of them."""

import re
import tomllib

from monitoring_pipeline_tests.docs.pages import REPOSITORY

OF_DEVELOPERS = {"demo", "dev", "all"}


def test_one_extra_has_all_others() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    (requirement,) = extras["all"]
    found = re.fullmatch(r"monitoring-pipeline\[(.*)\]", requirement)
    assert found is not None
    assert found[1].split(",") == sorted(set(extras) - OF_DEVELOPERS)
