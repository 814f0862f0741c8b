"""Every claim of the security page names a test that exists and can fail."""

import ast
import re

import pytest

from monitoring_pipeline_tests.docs.pages import REPOSITORY, read_page

CLAIM = re.compile(r"^\| (?P<claim>[^|]+) \| `(?P<file>[\w/]+\.py)::(?P<test>\w+)` \|$", re.MULTILINE)
CLAIMS = [(found["claim"], found["file"], found["test"]) for found in CLAIM.finditer(read_page("docs/security.md"))]


def _functions(file: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse((REPOSITORY / "monitoring_pipeline_tests" / file).read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("claim", "file", "test"), CLAIMS)
def test_claim_has_a_test_that_asserts_or_expects_an_error(claim: str, file: str, test: str) -> None:
    function = _functions(file).get(test)
    assert function is not None, f"{claim}: {file} has no {test}"
    written = ast.unparse(function)
    assert "assert " in written or "pytest.raises" in written
    marks = [ast.unparse(mark) for mark in function.decorator_list]
    assert not [mark for mark in marks if "skip" in mark or "xfail" in mark]


def test_every_row_of_the_claims_is_one() -> None:
    _, _, rest = read_page("docs/security.md").partition("## Claims\n\n| claim | test |\n|---|---|\n")
    rows = rest.partition("\n\n")[0].splitlines()
    assert len(rows) == len(CLAIMS) > 25
