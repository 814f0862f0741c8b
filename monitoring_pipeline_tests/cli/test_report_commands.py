"""The commands that write and serve pages: files, messages, and errors."""

import getpass
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitoring_pipeline.cli import main
from monitoring_pipeline.spec.loading import load_specs
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS, World

Command = Callable[..., Result]


@pytest.fixture
def command(monitored: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """A function that runs ``monitoring-pipeline`` in the monitored home, from an empty folder."""
    settings = monitored.settings
    for name, value in (("HOME", settings.home), ("MODELS", settings.models), ("STORE_URL", settings.store_url)):
        monkeypatch.setenv(f"MONITORING_PIPELINE_{name}", str(value))
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(main, words)


def test_page_of_a_model_is_one_file(command: Command, tmp_path: Path) -> None:
    answer = command("report", LOANS)
    assert answer.exit_code == 0, answer.output
    assert answer.output.startswith(f"{LOANS}.html: {LOANS} is ")
    assert [path.name for path in tmp_path.iterdir()] == [f"{LOANS}.html"]
    assert f"on {DAYS[-1]}</title>" in (tmp_path / f"{LOANS}.html").read_text(encoding="utf-8")


def test_page_of_a_chunk_or_period_is_about_its_end(command: Command, tmp_path: Path) -> None:
    for words in (("--chunk", DAYS[5]), ("--from", DAYS[2], "--to", DAYS[5])):
        assert command("report", LOANS, *words, "-o", "deep/page.html").exit_code == 0
        assert f"on {DAYS[5]}</title>" in (tmp_path / "deep" / "page.html").read_text(encoding="utf-8")


def test_pages_of_all_models_link_to_each_other(command: Command, tmp_path: Path) -> None:
    assert command("report", "--all", "-o", "site").exit_code == 0
    index = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    links = set(re.findall(r'href="([\w.]+\.html)"', index))
    assert links == {path.name for path in (tmp_path / "site").glob("*.html")} - {"index.html"} != set()


def test_week_is_one_file_and_its_headline_is_printed(command: Command, tmp_path: Path) -> None:
    newest = command("digest")
    assert newest.exit_code == 0, newest.output
    assert newest.output.startswith("2024-W14.html: 2 models: ")
    assert command("digest", "--week", DAYS[0], "-o", "deep/week.html").exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"2024-W14.html", "deep"}
    assert "<title>Week of 25 to 31 March 2024" in (tmp_path / "deep" / "week.html").read_text(encoding="utf-8")


def test_text_that_is_no_week_is_a_sentence(command: Command, tmp_path: Path) -> None:
    answer = command("digest", "--week", "soon")
    assert (answer.exit_code, "Traceback" in answer.output) == (1, False)
    assert "'soon' is not a week such as 2013-W16" in answer.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("words", "message"), [
    ((), "give a MODEL, or --all"),
    ((LOANS, "--all"), "give a MODEL, or --all"),
    ((LOANS, "--chunk", "2024-04-01", "--to", "2024-04-01"), "--chunk and --to mean the same"),
    (("--all", "--chunk", "2024-04-01"), "--all shows the newest ones of each"),
    (("none",), "no model 'none'"),
    ((LOANS, "--chunk", "soon"), "'soon' is not a day or chunk"),
    ((LOANS, "--chunk", "2024-02-31"), "2024-02-31"),
    ((LOANS, "--chunk", "2020-01-01"), "no day was judged from the beginning to 2020-01-01"),
])  # fmt: skip
def test_what_cannot_be_written_is_a_sentence(
    command: Command, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    answer = command("report", *words)
    assert answer.exit_code != 0
    assert message in answer.output
    assert "Traceback" not in answer.output
    assert list(tmp_path.iterdir()) == []


def test_site_without_a_store_says_which_command_makes_one(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONITORING_PIPELINE_STORE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    answer = command("serve")
    assert answer.exit_code == 1
    assert "has no tables" in answer.output
    assert "monitoring-pipeline backfill" in answer.output


def test_site_with_a_secret_that_can_be_guessed_is_refused(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITORING_PIPELINE_SITE_PROXY_SECRET", "short")
    answer = command("serve")
    assert answer.exit_code == 1
    assert "MONITORING_PIPELINE_SITE_PROXY_SECRET" in answer.output
    assert "at least 16" in answer.output


def test_history_of_a_spec_has_the_text_by_which_the_world_was_judged(command: Command, monitored: World) -> None:
    answer = command("spec", "history", LOANS, "--json")
    [entry] = json.loads(answer.output)
    loaded = next(each for each in load_specs(monitored.settings.models) if each.spec.name == LOANS)
    assert entry["text"] == loaded.path.read_text(encoding="utf-8")
    assert entry["spec_hash"] == loaded.spec.spec_hash
    assert (entry["recorded_by"], entry["commit_hash"]) == (getpass.getuser(), None)
    assert command("spec", "history", LOANS, "--text", entry["text_hash"]).output == entry["text"]
    assert f"+name: {LOANS}" in command("spec", "history", LOANS, "--diff").output.splitlines()
    refused = command("spec", "history", LOANS, "--text", "other")
    assert (refused.exit_code, entry["text_hash"] in refused.output) == (1, True)
    command("report", LOANS, "-o", "page.html")
    assert f"{getpass.getuser()}, who ran it; not in git; first used" in Path("page.html").read_text(encoding="utf-8")
