"""MLflow's SQLite file is complete or absent."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from monitoring_pipeline.registry.mlflow_registry import ModelRegistry

pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")
ASK = """
import sys
from pathlib import Path
from monitoring_pipeline.registry.mlflow_registry import ModelRegistry
import mlflow
print("ready", flush=True)
ModelRegistry(sys.argv[1], Path(sys.argv[2])).version_with_alias("churn", "champion")
"""


def ask(folder: Path) -> subprocess.Popen[str]:
    """Start a process that reads from a registry that does not exist yet."""
    command = [sys.executable, "-W", "ignore", "-c", ASK, f"sqlite:///{folder / 'mlflow.db'}", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_process_killed_while_mlflow_creates_tables_leaves_no_partial_file(tmp_path: Path) -> None:
    process = ask(tmp_path)
    while not list(tmp_path.glob("mlflow.db*/mlflow.db")):
        assert process.poll() is None
        time.sleep(0.001)
    process.kill()
    process.communicate()
    assert not (tmp_path / "mlflow.db").exists()
    registry = ModelRegistry(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path)
    assert registry.version_with_alias("churn", "champion") is None


def test_two_processes_that_create_the_file_at_once_share_it(tmp_path: Path) -> None:
    processes = [ask(tmp_path) for _ in range(2)]
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]
