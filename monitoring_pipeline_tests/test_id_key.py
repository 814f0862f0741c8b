"""The key of a home: who makes it, who keeps it, and who may read it."""

import stat
import subprocess
import sys

import pytest

from monitoring_pipeline.settings import DEFAULT_ID_KEY, SETTINGS_FILE, EnvironmentSettings, Settings, with_own_key
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline_tests.worlds.one_model_world import OneModelWorld

ID_KEY = "MONITORING_PIPELINE_ID_KEY"
PRINT_KEY = "from monitoring_pipeline.settings import *; print(with_own_key(Settings()).id_key.get_secret_value())"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home that does not exist yet, without a key in the environment."""
    monkeypatch.delenv(ID_KEY)
    monkeypatch.setenv("MONITORING_PIPELINE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def key_of(settings):
    return settings.id_key.get_secret_value()


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_home_gets_a_key_that_only_its_owner_may_read(home):
    key = key_of(with_own_key(Settings()))
    assert len(key) == 32
    assert key_of(Settings()) == key_of(with_own_key(Settings())) == key
    assert (mode_of(home), mode_of(home / SETTINGS_FILE)) == (0o700, 0o600)


def test_homes_have_different_keys(home, tmp_path):
    assert key_of(with_own_key(Settings())) != key_of(with_own_key(Settings(home=tmp_path / "other")))


def test_processes_that_start_at_once_have_one_key(home):
    started = [subprocess.Popen([sys.executable, "-c", PRINT_KEY], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert len({process.communicate()[0] for process in started}) == 1


def test_a_key_that_is_set_is_used_and_not_written(home, monkeypatch):
    monkeypatch.setenv(ID_KEY, "own key")
    assert key_of(with_own_key(Settings())) == "own key"
    assert not home.exists()


def test_an_empty_store_is_no_result(home):
    with ResultStore.open(Settings().store_url):
        pass
    assert key_of(with_own_key(Settings())) != DEFAULT_ID_KEY


def test_a_home_with_snapshots_keeps_the_key_of_earlier_versions(home):
    (home / "snapshots" / "m").mkdir(parents=True)
    assert key_of(with_own_key(Settings())) == DEFAULT_ID_KEY
    assert not (home / SETTINGS_FILE).exists()


def test_no_key_is_made_for_a_store_that_others_may_share(home, monkeypatch):
    monkeypatch.setenv("MONITORING_PIPELINE_STORE_URL", "postgresql://db/results")
    assert key_of(with_own_key(Settings())) == DEFAULT_ID_KEY
    assert not home.exists()


def test_the_demo_has_its_key_also_in_later_commands(home):
    assert key_of(with_own_key(EnvironmentSettings())) == DEFAULT_ID_KEY
    assert key_of(with_own_key(Settings())) == DEFAULT_ID_KEY


def test_other_lines_of_the_file_stay(home):
    home.mkdir()
    (home / SETTINGS_FILE).write_text("MONITORING_PIPELINE_ACTIONS_SECONDS=7\n")
    settings = with_own_key(Settings())
    assert (settings.actions_seconds, Settings().actions_seconds) == (7, 7)
    assert mode_of(home / SETTINGS_FILE) == 0o600


def test_first_backfill_of_a_home_makes_it_private(tmp_path, monkeypatch):
    monkeypatch.delenv(ID_KEY)
    world = OneModelWorld(tmp_path, monkeypatch)
    world.rows("2024-01-22 05:00", "2024-02-02 05:00", "30 minutes")
    world.spec(start="2024-02-01", reference={"1": {"start": "2024-01-22", "end": "2024-02-01"}})
    world.run("backfill", "m", "--from", "2024-02-01", "--to", "2024-02-01")
    home = tmp_path / "home"
    assert {mode_of(home), mode_of(home / "snapshots"), mode_of(home / "dagster")} == {0o700}
    assert {mode_of(home / "results.db"), mode_of(home / SETTINGS_FILE)} == {0o600}
    key = key_of(Settings())
    assert key != DEFAULT_ID_KEY
    written = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file() and path.name != SETTINGS_FILE)
    assert key.encode() not in written


def test_a_home_that_cannot_be_written_is_named_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.delenv(ID_KEY)
    (tmp_path / "world").mkdir()
    world = OneModelWorld(tmp_path / "world", monkeypatch)
    world.rows("2024-01-22 05:00", "2024-02-02 05:00", "3 hours")
    world.spec(start="2024-02-01", reference={"1": {"start": "2024-01-22", "end": "2024-02-01"}})
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MONITORING_PIPELINE_HOME", str(tmp_path / "file" / "home"))
    printed = world.run("backfill", "m", "--from", "2024-02-01", "--to", "2024-02-01", exit_code=1)
    assert f"the id key cannot be kept in {tmp_path / 'file' / 'home'}" in printed
    assert "set MONITORING_PIPELINE_ID_KEY" in printed
