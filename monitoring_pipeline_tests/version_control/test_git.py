"""Commits of files, read from real repositories."""

import datetime as dt
import subprocess
from pathlib import Path

import pytest

from monitoring_pipeline.version_control.git import find_commit

NAME = "m.yaml"
WHEN = "2024-03-01T10:00:00+01:00"


def git(folder: Path, *words: str) -> None:
    identity = ("-c", "user.name=Ada Löwe", "-c", "user.email=ada@example.org")
    subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, capture_output=True)


@pytest.fixture
def committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in a folder of a repository, with one commit after that of the file."""
    monkeypatch.setenv("GIT_COMMITTER_DATE", WHEN)
    folder = tmp_path / "repository" / "models"
    folder.mkdir(parents=True)
    git(folder.parent, "init", "-q")
    for name in (NAME, "other.yaml"):
        (folder / name).write_bytes(b"name: m\n")
        git(folder, "add", name)
        git(folder, "commit", "-q", "-m", name)
    return folder / NAME


def test_commit_of_a_file_is_the_one_that_changed_it(committed: Path) -> None:
    found = find_commit(committed, b"name: m\n")
    assert found is not None
    assert (found.author, found.committed_at) == ("Ada Löwe", dt.datetime.fromisoformat(WHEN))
    subject = subprocess.run(
        ["git", "-C", str(committed.parent), "log", "-1", "--format=%s", found.commit_hash],
        check=True,
        capture_output=True,
        text=True,
    )
    assert subject.stdout.strip() == NAME


def test_file_that_is_changed_or_not_committed_has_none(committed: Path, tmp_path: Path) -> None:
    assert find_commit(committed, b"name: n\n") is None
    fresh = committed.with_name("fresh.yaml")
    fresh.write_bytes(b"name: m\n")
    git(committed.parent, "add", fresh.name)
    assert find_commit(fresh, b"name: m\n") is None
    alone = tmp_path / NAME
    alone.write_bytes(b"name: m\n")
    assert find_commit(alone, b"name: m\n") is None


def test_no_program_that_the_repository_names_is_run(committed: Path, tmp_path: Path) -> None:
    program, trace = tmp_path / "program", tmp_path / "trace"
    program.write_text(f"#!/bin/sh\necho ran >> {trace}\n")
    program.chmod(0o755)
    for name, value in {
        "core.fsmonitor": program, "log.showSignature": "true", "gpg.program": program, "core.pager": program,
        "diff.external": program, "filter.x.clean": program,
    }.items():  # fmt: skip
        git(committed.parent, "config", name, str(value))
    (committed.parent / ".gitattributes").write_text("*.yaml filter=x diff=x\n")
    assert find_commit(committed, b"name: m\n") is not None
    assert not trace.exists()


def test_without_git_there_is_no_commit(committed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_commit(committed, b"name: m\n") is None
