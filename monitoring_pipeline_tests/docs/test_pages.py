"""Pages contain no untested command, no missing path, and no broken link."""

import json
import re
import shlex

import click
import pytest

from monitoring_pipeline.cli import main
from monitoring_pipeline.evaluation.spec_check.checks_table import SOURCE_CHECKS, SPEC_CHECKS
from monitoring_pipeline_tests.docs.pages import PAGES, REPOSITORY, all_blocks, blocks_of, read_page

LANGUAGES = {"bash", "text", "yaml", "python", "json"}
LOOKS_LIKE_A_COMMAND = re.compile(r"^\s*(\$ |make |export |\.venv/bin/|monitoring-pipeline )", re.MULTILINE)
INLINE_COMMAND = re.compile(r"`(monitoring-pipeline [^`]+)`")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(#[^)\s]+)?\)")
SIZE_OF_THE_README = 7000
NOT_PLAIN = re.compile(r"\b(tells?|told|tell|hears?|heard|speaks?|knows?|by itself|any more|no more)\b", re.IGNORECASE)
QUOTED = re.compile(r"```.*?```|`[^`]*`|\"[^\"]*\"|\]\([^)]*\)", re.DOTALL)
QUOTES_OTHERS = {"CONTRIBUTING.md", "docs/glossary.md", "docs/spec.md"}
FILES_OF_USERS = {
    "alerting.yaml", "retention.yaml", "churn.yaml", "churn.suite.yaml", ".monitoring_pipeline/", "models/scores.yaml",
    "models/scores.suite.yaml", "defs.yaml", "defs/churn", "models/churn.yaml",
}  # fmt: skip
PACKAGE_PATH = re.compile(r"`([a-z_.]+/[\w./]*|[\w]+\.(?:py|toml|yaml|md))`")


def test_readme_is_short():
    assert len(read_page("README.md").encode()) <= SIZE_OF_THE_README


def test_index_lists_every_page_of_docs():
    listed = {target for target, _ in LINK.findall(read_page("docs/README.md"))}
    pages = {page.removeprefix("docs/") for page in PAGES if page.startswith("docs/") and page.count("/") == 1}
    assert listed >= pages - {"README.md"}


def test_index_of_decisions_lists_each_with_its_title():
    rows = re.findall(r"^\| \[(\d+)\]\((\S+)\) \| (.+) \|$", read_page("docs/decisions/README.md"), re.MULTILINE)
    titles = {page.rpartition("/")[2]: read_page(page).splitlines()[0] for page in PAGES if "/decisions/0" in page}
    assert {file: f"# {number}. {title}" for number, file, title in rows} == titles


@pytest.mark.parametrize("block", all_blocks(), ids=lambda block: f"{block.page}:{block.language}")
def test_block_has_a_language_and_hides_no_command(block):
    assert block.language in LANGUAGES
    assert block.language == "bash" or not LOOKS_LIKE_A_COMMAND.search(block.text)


@pytest.mark.parametrize("page", PAGES)
def test_link_leads_to_a_page_and_a_heading_that_exist(page):
    for target, heading in LINK.findall(read_page(page)):
        path = (REPOSITORY / page).parent / target if target else REPOSITORY / page
        assert path.exists(), target
        if heading:
            assert heading in _anchors(path.read_text(encoding="utf-8")), f"{target}{heading}"


def _anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_path_that_a_page_names_exists(page):
    named = {path for path in PACKAGE_PATH.findall(read_page(page)) if path not in FILES_OF_USERS}
    gone = sorted(path for path in named if not _exists(path))
    assert not gone


def _exists(path: str) -> bool:
    places = (REPOSITORY, REPOSITORY / "monitoring_pipeline", REPOSITORY / "docs")
    return any((place / path).exists() for place in places)


@pytest.mark.parametrize(("page", "command"), [
    (page, " ".join(command.split())) for page in PAGES for command in INLINE_COMMAND.findall(read_page(page))
])  # fmt: skip
def test_command_within_a_sentence_has_a_subcommand_and_options_that_exist(page, command):
    words = shlex.split(command)[1:]
    options, known = [word for word in words if word.startswith("--")], set()
    found: click.Command = main
    for word in words:
        inner = found.get_command(click.Context(found), word) if isinstance(found, click.Group) else None
        if inner is not None:
            found = inner
            known |= {option for parameter in found.params for option in parameter.opts}
    assert found is not main, command
    assert set(options) <= known, command


@pytest.mark.parametrize("page", [*PAGES, "CHANGELOG.md"])
def test_page_personifies_no_data(page):
    if page not in QUOTES_OTHERS:
        assert NOT_PLAIN.findall(QUOTED.sub("", read_page(page))) == []


@pytest.mark.parametrize("block", blocks_of("json"), ids=lambda block: block.page)
def test_json_example_can_be_read(block):
    assert json.loads(block.text)


# api/test_documented_examples.py runs those of other pages.
@pytest.mark.parametrize(
    "block",
    [block for block in blocks_of("python") if block.page == "docs/retraining.md"],
    ids=lambda block: block.page,
)
def test_python_example_can_be_imported_and_defines_a_trainer(block):
    names: dict[str, object] = {}
    exec(compile(block.text, block.page, "exec"), names)
    assert callable(names["train"])


def test_page_about_spec_check_lists_every_check_with_its_level():
    listed = re.findall(r"^\| `(\w+)` \| (error|warning) \|", read_page("docs/spec_check.md"), re.MULTILINE)
    assert listed == [(check.name, str(check.level)) for check in (*SPEC_CHECKS, *SOURCE_CHECKS)]
