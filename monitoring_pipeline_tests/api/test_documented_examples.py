"""The examples in Python of the README and docs/python.md, and the notebook, run as a user runs them."""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import nbformat
import polars as pl
import pytest
import yaml
from nbclient import NotebookClient

from monitoring_pipeline.api import Result
from monitoring_pipeline_tests.api.frames_for_tests import people, scored
from monitoring_pipeline_tests.docs.pages import REPOSITORY, blocks_of

NOTEBOOK = REPOSITORY / "examples" / "first_answer.ipynb"


@pytest.fixture
def folder_of_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    campaign = pl.lit("spring").alias("campaign")
    people(300, 1).with_columns(campaign).write_csv(tmp_path / "healthy.csv")
    people(300, 2, older=9).with_columns(campaign).write_csv(tmp_path / "today.csv")
    rows = scored(1_200, 3, first=dt.date(2025, 1, 1), days=16)
    rows.rename({"made_at": "scored_at", "score": "probability", "outcome": "churned"}).write_parquet(
        tmp_path / "scores.parquet"
    )
    suite = {"expectations": [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "age"}}]}
    (tmp_path / "churn.suite.yaml").write_text(yaml.safe_dump(suite), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_examples_of_the_page_run_in_order(page, folder_of_a_user, capsys):
    names: dict[str, object] = {}
    examples = [block.text for block in blocks_of("python") if block.page == page]
    for text in examples:
        exec(compile(text, page, "exec"), names)
        assert isinstance(names["result"], Result)
    assert len(examples) == {"README.md": 1, "docs/python.md": 4}[page]
    assert "age" in capsys.readouterr().out


@pytest.mark.slow
def test_notebook_runs_and_shows_its_results():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    shown = [output["data"]["text/html"] for cell in notebook.cells for output in cell.get("outputs", [])]
    assert len(shown) == 3
    assert "verdict: " in shown[0]
    assert "auroc" in shown[1]


def test_notebook_is_kept_without_outputs_and_is_short():
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert sum(bool(line.strip()) for cell in code for line in cell["source"]) <= 22


def test_package_and_its_functions_import_neither_dagster_nor_heavy_libraries():
    heavy = ("dagster", "great_expectations", "mlflow", "sqlalchemy", "sklearn")
    code = (
        "import sys, monitoring_pipeline as mp; light = 'polars' not in sys.modules; mp.compare, mp.monitor; "
        f"print(light, [name for name in {heavy!r} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split(maxsplit=1) == ["True", "[]\n"]
