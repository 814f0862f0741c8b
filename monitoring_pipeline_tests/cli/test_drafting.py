"""The command ``init``: where things are, what is asked, what is refused."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from monitoring_pipeline.cli import main
from monitoring_pipeline.cli.drafting.remembered import place_of
from monitoring_pipeline.cli.drafting.source_address import SourceAddress, address_of
from monitoring_pipeline.settings import EnvironmentSettings, Settings
from monitoring_pipeline.spec.loading import load_spec

DAYS, PER_DAY = 20, 110
ROWS = DAYS * PER_DAY
START = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "MODELS", "WAREHOUSE"):
        monkeypatch.delenv(f"MONITORING_PIPELINE_{name}", raising=False)


def _rows() -> pl.DataFrame:
    places = pl.int_range(ROWS, eager=True)
    return pl.DataFrame(
        {
            "scored_at": [START + dt.timedelta(days=place / PER_DAY) for place in range(ROWS)],
            "customer": places,
            "churn score": places * 37 % 1_009 / 1_009,
            "spend": places * 13 % 97,
        }
    )


def _init(*words: str) -> Result:
    return CliRunner().invoke(main, ["init", *words, "--no-suite"], env={"COLUMNS": "200"})


def _drafted(name: str) -> object:
    return load_spec(Path("models") / f"{name}.yaml").spec.predictions


def test_later_command_finds_what_init_wrote_without_any_variable(tmp_path):
    _rows().write_csv("churn.csv")
    result = _init("churn.csv")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "  monitoring-pipeline backfill churn"
    settings = Settings()
    assert (settings.models, settings.warehouse) == (tmp_path / "models", f"files://{tmp_path}")
    assert EnvironmentSettings().warehouse.endswith("warehouse.duckdb")


def test_environment_has_precedence_over_the_file_and_init_prints_what_to_export(tmp_path, monkeypatch):
    _rows().write_parquet("churn.parquet")
    monkeypatch.setenv("MONITORING_PIPELINE_MODELS", str(tmp_path / "others"))
    result = _init("churn.parquet", "--models", "models")
    assert result.exit_code == 0, result.output
    assert f"  export MONITORING_PIPELINE_MODELS={tmp_path / 'models'}" in result.stdout.splitlines()
    assert Settings().models == tmp_path / "others"


def test_output_of_which_no_suite_can_be_drafted_is_refused_and_writes_nothing(tmp_path):
    amounts = pl.Series("amount", [f"1,{place % 1_000:03}.24" for place in range(ROWS)])
    _rows().with_columns(amounts).write_parquet("churn.parquet")
    words = ["init", "churn.parquet", "--column", "score=amount", "--force"]
    refused = CliRunner().invoke(main, words, env={"COLUMNS": "200"})
    assert refused.exit_code == 1
    assert "Error: churn: cannot draft a suite: score: " in refused.output
    assert not list(Path("models").glob("churn*"))
    assert _init("churn.parquet").exit_code == 0
    written = Path("models/churn.yaml").read_bytes()
    assert CliRunner().invoke(main, words, env={"COLUMNS": "200"}).exit_code == 1
    assert Path("models/churn.yaml").read_bytes() == written


def test_existing_files_are_kept_unless_forced(tmp_path):
    _rows().write_parquet("churn.parquet")
    assert _init("churn.parquet").exit_code == 0
    written = Path("models/churn.yaml").read_bytes()
    refused = _init("churn.parquet", "--timezone", "Europe/Berlin")
    assert refused.exit_code == 1
    assert "models/churn.yaml exists; --force overwrites it, --name gives the model another name" in refused.output
    assert Path("models/churn.yaml").read_bytes() == written
    assert _init("churn.parquet", "--timezone", "Europe/Berlin", "--force").exit_code == 0
    assert load_spec(Path("models/churn.yaml")).spec.timezone == "Europe/Berlin"


def test_column_that_the_user_names_is_taken(tmp_path):
    _rows().write_parquet("churn.parquet")
    result = _init("churn.parquet", "--name", "named", "--column", "id=scored_at,customer")
    assert result.exit_code == 0, result.output
    assert load_spec(Path("models/named.yaml")).spec.predictions.id == ("scored_at", "customer")


def test_file_beside_the_source_is_read_along(tmp_path):
    _rows().rename({"customer": "spend_no"}).write_parquet("churn.parquet")
    Path("schema.yml").write_text(
        "models:\n  - name: churn\n    columns:\n      - {name: spend_no, tests: [unique, not_null]}\n",
        encoding="utf-8",
    )
    result = _init("churn.parquet")
    assert "reading along schema.yml" in result.stderr
    assert "id: spend_no # named by schema.yml (dbt)" in Path("models/churn.yaml").read_text(encoding="utf-8")


def test_broken_file_in_the_folder_is_left_out_and_named(tmp_path):
    _rows().write_parquet("churn.parquet")
    Path("broken.parquet").write_bytes(b"PAR1")
    for words in (["."], [".", "--table", "churn"]):
        result = _init(*words, "--force")
        assert result.exit_code == 0, result.output
        assert "Is broken needed? It is left out, because it cannot be read. " in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing.parquet"], "missing.parquet: no such file or folder, and no URL of a database"),
        (["notes.txt"], "notes.txt: not a DuckDB file, and its name ends in none of .parquet"),
        (["churn.parquet", "--column", "colour=red"], "'colour=red' is not role=column; roles: id, time"),
        (["churn.parquet", "--name", "No Name"], "--name No Name: write lower-case letters, digits and underscores"),
        (
            ["churn.parquet", "--from", "notes.txt"],
            "notes.txt: none of the formats that are read along: MLflow's MLmodel",
        ),
        (["churn.parquet", "--timezone", "Mars/Base"], "--timezone Mars/Base: no time zone of the IANA database"),
        (["mysql://host/db"], "no engine for mysql://"),
        (["plain.parquet"], "plain has no column with the time of a prediction, so that it has no days to monitor"),
    ],
)
def test_source_or_option_that_cannot_be_used_is_one_clear_message(words, message):
    _rows().write_parquet("churn.parquet")
    _rows().drop("scored_at").write_parquet("plain.parquet")
    Path("notes.txt").write_text("nothing", encoding="utf-8")
    result = _init(*words)
    assert result.exit_code in {1, 2}
    assert message in " ".join(result.output.split())
    assert not Path("models").exists() or not list(Path("models").iterdir())


def test_password_of_a_url_is_neither_written_nor_shown(tmp_path):
    place = place_of(SourceAddress("postgresql://user:secret-word@host/db"), None, Settings())
    assert place.remember() == {"MONITORING_PIPELINE_WAREHOUSE": "postgresql://user:secret-word@host/db"}
    assert "secret-word" not in (Settings().home / "settings.env").read_text(encoding="utf-8")
    assert "secret-word" not in _init("nowhere://user:secret-word@host/db").output


def test_second_source_becomes_a_warehouse_with_a_name(tmp_path):
    first, second = SourceAddress(f"files://{tmp_path}/a"), SourceAddress(f"files://{tmp_path}/b b's")
    assert place_of(first, None, Settings()).warehouse is None
    place_of(first, None, Settings()).remember()
    place = place_of(second, None, Settings())
    assert place.warehouse == "b_b_s"
    place.remember()
    assert Settings().warehouses == {"b_b_s": second.warehouse}
    assert place_of(second, None, Settings()).warehouse == "b_b_s"
    assert place_of(first, None, Settings()).warehouse is None


def test_folder_of_numbered_or_partitioned_files_or_with_metadata_is_one_table(tmp_path):
    for name in (
        "parts/part-000.parquet", "parts/part-001.parquet", "days/day=2025-01-01/a.parquet", "two/a.csv",
        "two/b.csv", "ice/data/a.parquet", "ice/metadata/v1.metadata.json", "delta/_delta_log/0.json",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    folder = f"files://{tmp_path}"
    assert address_of("parts") == SourceAddress(folder, "parts", tmp_path, is_file=True)
    assert address_of("days") == SourceAddress(folder, "days", tmp_path, is_file=True)
    assert address_of("ice") == SourceAddress(folder, "ice", tmp_path, is_file=True)
    assert address_of("delta") == SourceAddress(folder, "delta", tmp_path, is_file=True)
    assert address_of("two") == SourceAddress(f"{folder}/two", None, tmp_path / "two")
    assert address_of("two/*.csv") == SourceAddress(f"{folder}/two", "*.csv", tmp_path / "two", is_file=True)
    assert address_of("two/a.csv").table == "a"
