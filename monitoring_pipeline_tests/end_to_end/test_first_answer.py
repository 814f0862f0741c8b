"""From an empty folder with a file of real data to verdicts, by the documented commands."""

import re
from pathlib import Path

import polars as pl
import pytest
import statsmodels.api as sm
from sklearn.linear_model import LogisticRegression

from monitoring_pipeline.spec.loading import load_spec
from monitoring_pipeline_tests.end_to_end.documented_commands import Group, call_command, commands_of, type_command
from monitoring_pipeline_tests.steps.drafting.drafts import write_tables

pytestmark = pytest.mark.slow
DAYS = 24
PER_DAY = 240


def _scored() -> pl.DataFrame:
    """Return marriages scored for affairs (Fair 1978), as a service would log them, with the answer."""
    data = sm.datasets.fair.load_pandas().data.sample(DAYS * PER_DAY, random_state=1).reset_index(drop=True)
    truth = data.pop("affairs") > 0
    model = LogisticRegression(max_iter=2_000).fit(data, truth)
    times = pl.datetime_range(
        pl.datetime(2025, 3, 1), pl.datetime(2025, 3, 1 + DAYS), f"{86_400 // PER_DAY}s", closed="left", eager=True
    )
    return pl.from_pandas(data).with_columns(
        pl.Series("request_id", [f"r{place}" for place in range(len(data))]),
        times.alias("scored_at"),
        pl.Series("probability", model.predict_proba(data)[:, 1]),
        pl.Series("had_affair", ["yes" if each else "no" for each in truth]),
    )


def _verdicts(printed: str) -> list[str]:
    return re.findall(r"2025-03-\d\d.*\b(ok|warning|critical|unknown)\b", printed)


def test_documented_commands_give_verdicts_of_a_file_without_any_variable(tmp_path: Path):
    _scored().write_parquet(tmp_path / "scores.parquet")
    commands = list(dict.fromkeys(commands_of(Group.FIRST_ANSWER)))
    assert len(commands) == 2
    drafted, monitored = [type_command(command, tmp_path) for command in commands]
    assert drafted.splitlines()[-1] == "  monitoring-pipeline backfill scores"
    spec = load_spec(tmp_path / "models" / "scores.yaml").spec
    assert (spec.predictions.id, spec.predictions.score) == ("request_id", "probability")
    assert spec.labels is not None
    assert (spec.labels.label, spec.labels.positive) == ("had_affair", "yes")
    verdicts = _verdicts(monitored)
    assert len(verdicts) == DAYS - (spec.start.day - 1)
    assert verdicts.count("ok") >= len(verdicts) - 2, monitored


def test_duckdb_file_gives_verdicts_and_nothing_is_overwritten(tmp_path: Path):
    scored = _scored()
    known = scored.select("request_id", "had_affair", pl.col("scored_at").dt.offset_by("30h").alias("observed_at"))
    write_tables(tmp_path / "w.duckdb", {"scores": scored.drop("had_affair"), "answers": known})
    program = ".venv/bin/monitoring-pipeline"
    call_command(f"{program} init w.duckdb --name affairs --no-suite", tmp_path)
    path = tmp_path / "models" / "affairs.yaml"
    spec = load_spec(path).spec
    assert spec.labels is not None
    assert (spec.labels.table, spec.labels.known_at, str(spec.labels.delay)) == (
        "answers",
        "observed_at",
        "1 day, 6:00:00",
    )
    before = path.read_text(encoding="utf-8")
    with pytest.raises(AssertionError, match=r"models/affairs\.yaml exists; --force overwrites it"):
        call_command(f"{program} init w.duckdb --name affairs", tmp_path)
    assert path.read_text(encoding="utf-8") == before
    assert "ok" in _verdicts(call_command(f"{program} backfill affairs --from 2025-03-12 --to 2025-03-13", tmp_path))
