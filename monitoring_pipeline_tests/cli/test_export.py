"""The archive of a model and period: the same bytes each time, every row of it, and damage that is found."""

import csv
import io
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitoring_pipeline.cli import main
from monitoring_pipeline.spec.loading import load_specs
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS, World

Command = Callable[..., Result]
PERIOD = ("--from", DAYS[2], "--to", DAYS[-1])


@pytest.fixture(scope="module")
def settings_of_home(monitored: World) -> dict[str, str]:
    settings = monitored.settings
    names = {"HOME": settings.home, "MODELS": settings.models, "STORE_URL": settings.store_url}
    return {f"MONITORING_PIPELINE_{name}": str(value) for name, value in names.items()}


@pytest.fixture(scope="module")
def archive(settings_of_home: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of most days of the monitored world."""
    path = tmp_path_factory.mktemp("archive") / "deep" / "loans.zip"
    written = CliRunner(env=settings_of_home).invoke(main, ("export", LOANS, *PERIOD, "-o", str(path)))
    assert written.exit_code == 0, written.output
    return path


@pytest.fixture
def command(settings_of_home: dict[str, str]) -> Command:
    return lambda *words: CliRunner(env=settings_of_home).invoke(main, [str(word) for word in words])


def table(path: Path, name: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(path) as opened:
        return list(csv.DictReader(io.StringIO(opened.read(f"tables/{name}.csv").decode())))


def rewritten(archive: Path, path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """Write the files of an archive again, with a change."""
    with zipfile.ZipFile(archive) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    change(files)
    with zipfile.ZipFile(path, "w") as changed:
        for name, content in files.items():
            changed.writestr(name, content)
    return path


def test_same_store_gives_the_same_bytes_that_only_the_user_may_read(
    command: Command, archive: Path, tmp_path: Path
) -> None:
    assert command("export", LOANS, *PERIOD, "-o", tmp_path / "again.zip").exit_code == 0
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()
    assert [path.name for path in archive.parent.iterdir()] == [archive.name]
    assert archive.stat().st_mode & 0o777 == 0o600
    verified = command("export", "--verify", archive)
    assert (verified.exit_code, f"{LOANS}, {DAYS[2]} to {DAYS[-1]}; all" in verified.output) == (0, True)


def test_every_measurement_of_the_period_is_there_with_all_digits(archive: Path, monitored: World) -> None:
    query = (
        "SELECT chunk, producer, position, value, reason FROM measurements WHERE model = ? "
        "AND ((chunk >= ? AND chunk <= ?) OR instr(chunk, '/')) ORDER BY chunk, producer, revision, position"
    )
    with closing(sqlite3.connect(monitored.settings.store_url.removeprefix("sqlite:///"))) as connection:
        stored = connection.execute(query, (LOANS, DAYS[2], DAYS[-1])).fetchall()
    exported = [
        (row["chunk"], row["producer"], int(row["position"]), float(row["value"]) if row["value"] else None,
         row["reason"] or None)
        for row in table(archive, "measurements")
    ]  # fmt: skip
    assert exported == stored
    [text] = table(archive, "spec_texts")
    own = [row for row in table(archive, "measurements") if row["spec_hash"] == text["spec_hash"]]
    assert own
    assert min(row["measured_at"] for row in own) >= text["seen_at"]
    assert len({row["chunk"] for row in table(archive, "verdicts")}) == len(DAYS) - 2


def test_incidents_have_their_timeline_and_the_text_of_the_spec_is_there(archive: Path, monitored: World) -> None:
    incidents = {row["incident_id"] for row in table(archive, "incidents")}
    assert incidents == {row["incident_id"] for row in table(archive, "incident_events")} != set()
    loaded = next(each for each in load_specs(monitored.settings.models) if each.spec.name == LOANS)
    with zipfile.ZipFile(archive) as opened:
        [name] = [name for name in opened.namelist() if name.endswith(".yaml")]
        assert opened.read(name) == loaded.path.read_bytes()
        assert f"on {DAYS[-1]}</title>" in opened.read("report.html").decode()
        manifest = json.loads(opened.read("manifest.json"))
        assert manifest["files"].keys() == set(opened.namelist()) - {"manifest.json"}
        assert {info.date_time for info in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert (manifest["model"], manifest["period"]["first_chunk"]) == (LOANS, DAYS[2])
    assert not [name for name in manifest["files"] if name.startswith("snapshots/") or "profiles" in name]


def test_rows_are_there_if_asked_for_and_a_damaged_file_is_named(
    command: Command, monitored: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "snapshots"
    shutil.copytree(monitored.settings.snapshots, folder)
    monkeypatch.setenv("MONITORING_PIPELINE_SNAPSHOTS", str(folder))
    gone, damaged, *fine = sorted((folder / LOANS / DAYS[3]).iterdir()) + sorted((folder / LOANS / DAYS[4]).iterdir())
    gone.unlink()
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    path = tmp_path / "rows.zip"
    written = command("export", LOANS, "--from", DAYS[3], "--to", DAYS[4], "-o", path, "--with-snapshots")
    assert (written.exit_code, "2 snapshots are not in it" in written.output) == (0, True), written.output
    with zipfile.ZipFile(path) as opened:
        for file in fine:
            assert opened.read(f"snapshots/{file.relative_to(folder).as_posix()}") == file.read_bytes()
        missing = json.loads(opened.read("manifest.json"))["missing"]
    assert {entry["file"]: entry["reason"].split(":")[0] for entry in missing} == {
        f"snapshots/{gone.relative_to(folder).as_posix()}": f"snapshot of {LOANS} {DAYS[3]} is gone",
        f"snapshots/{damaged.relative_to(folder).as_posix()}":
            f"snapshot of {LOANS} {DAYS[3]} is damaged (its bytes are not those that were written)",
    }  # fmt: skip
    assert table(path, "profiles")
    assert command("export", "--verify", path).exit_code == 0


@pytest.mark.parametrize(("change", "fault"), [
    (lambda files: files.update({"tables/verdicts.csv": b"model\n"}), "tables/verdicts.csv is damaged or changed"),
    (lambda files: files.pop("report.html"), "report.html is missing"),
    (lambda files: files.update({"note.txt": b""}), "note.txt is not in the manifest"),
    (lambda files: files.update({"manifest.json": b"[]"}), "manifest.json is not one of an export"),
    (lambda files: files.pop("manifest.json"), "has no manifest.json"),
])  # fmt: skip
def test_change_of_an_archive_is_named(
    command: Command, archive: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], None], fault: str
) -> None:
    answer = command("export", "--verify", rewritten(archive, tmp_path / "changed.zip", change))
    assert (answer.exit_code, fault in answer.output, "Traceback" in answer.output) == (1, True, False), answer.output


def test_every_flipped_bit_is_found(command: Command, archive: Path, tmp_path: Path) -> None:
    """A flip may also hit what a zip file repeats at its end; then the file cannot be opened, or differs."""
    content, path = archive.read_bytes(), tmp_path / "flipped.zip"
    with zipfile.ZipFile(archive) as opened:
        infos = opened.infolist()
    for info in infos:
        place = info.header_offset + 30 + len(info.filename) + 20 + info.compress_size // 2
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        answer = command("export", "--verify", path)
        assert (answer.exit_code, "Traceback" in answer.output) == (1, False), info.filename


@pytest.mark.parametrize(("words", "message"), [
    ((LOANS,), "give a MODEL with --from and --to"),
    ((LOANS, "--from", DAYS[0], "--to", DAYS[1], "--verify", __file__), "--verify takes an archive, and nothing else"),
    (("--verify", __file__), "is no zip file"),
    ((LOANS, "--from", "2030-01-01", "--to", "2030-01-02"), "no day was judged from 2030-01-01 to 2030-01-02"),
])  # fmt: skip
def test_refusal_is_a_sentence_and_writes_nothing(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = command("export", *words)
    assert (answer.exit_code > 0, message in answer.output, list(tmp_path.iterdir())) == (True, True, []), answer.output
