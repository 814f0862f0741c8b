"""The home: who may read and write it, and how long its disk lasts; the snapshots in it."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from monitoring_pipeline.doctor.deployment import Deployment
from monitoring_pipeline.doctor.findings import Finding, ok, problem, warning
from monitoring_pipeline.ports.snapshots import SnapshotError
from monitoring_pipeline.records.producer import reference_producer
from monitoring_pipeline.settings import DEFAULT_ID_KEY, SETTINGS_FILE
from monitoring_pipeline.store.snapshots import SnapshotFiles

GROWING = ("results.db", "snapshots", "dagster")
"""Parts of the home that grow with every night."""
FEWEST_NIGHTS_LEFT = 90
LEAST_FREE_BYTES = 1_000_000_000
MEGABYTE = 1_000_000
MOST_NAMED = 3


def home(deployment: Deployment) -> Iterator[Finding]:
    """Yield whether the home exists, can be written, and is closed to other users of the machine."""
    folder = deployment.settings.home
    if not folder.is_dir():
        yield warning(f"{folder} does not exist yet", "a first `monitoring-pipeline backfill` makes it")
        return
    closed = [path for path in (folder, *_parts(folder)) if not os.access(path, os.W_OK)]
    if closed:
        names = ", ".join(str(path) for path in closed[:MOST_NAMED])
        yield problem(f"this user may not write {names}", "run as the owner of the home, or change the owner")
    if stat.S_IMODE(folder.stat().st_mode) & stat.S_IROTH:
        yield warning(
            f"other users of this machine may read {folder}, in which snapshots hold rows", f"chmod o-rwx {folder}"
        )
    if not closed:
        yield ok(str(folder))


def disk(deployment: Deployment) -> Iterator[Finding]:
    """Yield the growth of the home for each model and night, and the number of nights that its disk has room for."""
    folder = deployment.settings.home
    if not folder.is_dir():
        return
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        yield problem(f"{free / MEGABYTE:,.0f} MB are free on the disk of {folder}", "free some, or move the home")
        return
    store = deployment.store
    counts = [len(store.verdicts(entry.spec.name)) for entry in deployment.folder.good] if store else []
    nights, models = sum(counts), sum(map(bool, counts))
    if not nights:
        yield ok(f"{free / MEGABYTE:,.0f} MB are free")
        return
    bytes_of = {name: _size(folder / name) for name in GROWING}
    of_a_night = sum(bytes_of.values()) / nights
    left = int(free / max(of_a_night * models, 1))
    parts = ", ".join(f"{name} {size / MEGABYTE:,.0f}" for name, size in bytes_of.items())
    text = (
        f"{of_a_night / MEGABYTE:.2g} MB for each model and night so far ({parts} MB); {free / MEGABYTE:,.0f} MB are "
        f"free, enough for {left:,} nights of {models} models"
    )
    if left < FEWEST_NIGHTS_LEFT:
        yield warning(text, "free some space, or move the home to a larger disk")
    else:
        yield ok(text)


def id_key(deployment: Deployment) -> Iterator[Finding]:
    """Yield whether ids are hashed with a key of one's own."""
    if deployment.settings.id_key.get_secret_value() == DEFAULT_ID_KEY:
        yield warning(
            "ids and private values are hashed with the key that everybody knows, so that short ones can be guessed",
            "change the key: docs/privacy.md#the-key; with a new key, past days are measured again",
        )
    else:
        yield ok("ids are hashed with a key of your own")
    file = deployment.settings.home / SETTINGS_FILE
    if file.exists() and stat.S_IMODE(file.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        yield warning(f"other users of this machine may read {file}, which may have the key", f"chmod 600 {file}")


def snapshots(deployment: Deployment) -> Iterator[Finding]:
    """Yield the snapshots to which the store points and that are gone or damaged; every file is verified."""
    store, files, count, lost = deployment.store, deployment.adapters.snapshots, 0, list[str]()
    if store is None:
        return
    for entry in deployment.folder.good:
        for kind in ("predictions", "labels", *map(reference_producer, entry.spec.reference)):
            pointed = [each.uri for _, each in sorted(store.snapshots(entry.spec.name, kind).items())]
            count += len(pointed)
            lost += [text for uri in pointed if (text := _lost(files, uri))]
    for text in lost[:MOST_NAMED]:
        yield problem(
            text,
            "its next reader reads it again from the warehouse, if the same rows are there; to do it "
            "now, run `monitoring-pipeline backfill` over that day",
        )
    if len(lost) > MOST_NAMED:
        yield problem(f"so are {len(lost) - MOST_NAMED} further snapshots", "measure those days again")
    if not lost:
        yield ok(f"{count:,} are there, as they were written")


def _lost(files: SnapshotFiles, uri: str) -> str | None:
    """Return the fault of a snapshot; None if it has none."""
    try:
        files.scan(uri)
    except SnapshotError as error:
        return str(error).partition(";")[0]
    except (pl.exceptions.PolarsError, OSError) as error:
        return f"snapshot {uri} cannot be read: {type(error).__name__}"
    return None


def _parts(folder: Path) -> Iterator[Path]:
    return (folder / name for name in GROWING if (folder / name).exists())


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
