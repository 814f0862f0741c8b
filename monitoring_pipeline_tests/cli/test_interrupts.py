"""SIGINT and SIGTERM end a command at once, although Dagster turns either into the failure of a step."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from monitoring_pipeline.cli.execution.interrupts import ended_by_signals

COMMAND = """
import sys, time
from pathlib import Path
import dagster as dg
from monitoring_pipeline.cli.execution.interrupts import ended_by_signals

folder = Path(sys.argv[1])

@dg.op
def endless():
    import polars  # It replaces the handler of SIGINT.
    (folder / "running").touch()
    time.sleep(600)

@dg.job(executor_def=dg.in_process_executor)
def work():
    endless()

def run():
    result = work.execute_in_process(raise_on_error=False)
    (folder / "recorded").write_text(str(result.success))

with ended_by_signals("start it again"):
    run()
"""


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_during_a_dagster_step_ends_the_process_without_a_failure(number, exit_code, tmp_path: Path):
    command = [sys.executable, "-W", "ignore", "-c", COMMAND, str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not (tmp_path / "running").exists():
            assert process.poll() is None
        process.send_signal(number)
        _, errors = process.communicate(timeout=300)
    assert process.returncode == exit_code
    assert not (tmp_path / "recorded").exists()
    assert errors.splitlines()[-1] == f"stopped by {number.name}; start it again"


def test_command_that_ends_in_time_leaves_the_signals_to_others():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with ended_by_signals("start it again"):
        assert {signal.SIGINT, signal.SIGTERM} <= signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
    assert "signals" not in [thread.name for thread in threading.enumerate()]


def test_error_inside_is_raised_and_leaves_the_signals_to_others():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with pytest.raises(ArithmeticError, match="no convergence"), ended_by_signals("start it again"):
        raise ArithmeticError("no convergence")
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
