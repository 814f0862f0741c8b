"""The progress of a command goes to standard error: a line every so often without a terminal."""

import time

import pytest
from rich.console import Console

from monitoring_pipeline.cli.execution.progress import progress
from monitoring_pipeline.orchestration.runs.progress import measured_chunks_reported, report_measured
from monitoring_pipeline.reports.terminal import results
from monitoring_pipeline_tests.spec.cases import binary_spec


def _wait(seconds: float = 0.2) -> None:
    time.sleep(seconds)


def test_long_work_without_a_terminal_prints_lines_on_stderr(capsys):
    with progress("backfill churn", 3, every=0.05) as advance:
        advance("drift 2024-01-01")
        advance("drift 2024-01-02")
        _wait()
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[0] == "backfill churn: 1 of 3, drift 2024-01-02, 0 s"


def test_time_left_is_that_of_the_pieces_to_come(capsys):
    with progress("backfill churn", 40, every=0.05) as advance:
        for n in range(21):
            advance(f"drift {n}")
            time.sleep(0.01)
        _wait()
    assert "20 of 40, drift 20, 0 s, about 0 s left" in capsys.readouterr().err


def test_short_work_without_a_terminal_prints_nothing(capsys):
    with progress("replay churn", 1) as advance:
        advance("version 3")
    assert capsys.readouterr() == ("", "")


def test_lines_end_if_the_work_fails(capsys):
    with pytest.raises(ValueError, match="no"), progress("replay churn", 1, every=0.05):
        raise ValueError("no")
    _wait()
    assert capsys.readouterr() == ("", "")


def test_terminal_shows_a_bar_on_stderr_and_leaves_stdout_alone(capsys, monkeypatch):
    monkeypatch.setattr(results, "terminal", lambda *, stderr: Console(stderr=stderr, force_terminal=True, width=80))
    with progress("backfill churn", 2) as advance:
        advance("drift 2024-01-01")
        print("data")
    printed = capsys.readouterr()
    assert printed.out == "data\n"
    assert "backfill churn" in printed.err


def test_progress_of_a_run_is_reported_inside_of_the_context_only():
    chunk = binary_spec().calendar.chunk("2024-03-01")
    seen: list[tuple[str, str]] = []
    report_measured("drift", chunk)
    with measured_chunks_reported(lambda asset, measured: seen.append((asset, measured.key))):
        report_measured("drift", chunk)
    report_measured("drift", chunk)
    assert seen == [("drift", "2024-03-01")]
