"""The scorecard of detection: what is found, what is missed and what is flagged for nothing, beside named peers.

Usage: ``python -m benchmarks.detection [--quick] [--part PART] [--without-peers]``, from the top of the
repository. Prints tables in Markdown. All draws have fixed seeds, so that the numbers do not depend on the machine.
"""

import argparse
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.detection import change_points, corrupted_days, planted_drift, shipped_sets, year_2013
from benchmarks.peer_environments import Peer, install, interpreter_of, python, script_of

DATA = Path(__file__).resolve().parents[1] / ".data" / "detection"
PEERS = (Peer("evidently", "Evidently"), Peer("nannyml", "NannyML"), Peer("tfdv", "TensorFlow Data Validation"))
FLIGHTS, WHEELS = DATA / "flights.parquet", DATA / "wheels"


@dataclass(frozen=True)
class Asked:
    """What the command asks for."""

    quick: bool
    peers: bool
    home: Path | None


@dataclass(frozen=True)
class Part:
    """A part of the scorecard: its name, its title, and the function that yields its lines."""

    name: str
    title: str
    lines: Callable[[Asked], Iterator[str]]


def _corrupted_days(asked: Asked) -> Iterator[str]:
    days = corrupted_days.QUICK_DAYS if asked.quick else corrupted_days.ALL_DAYS
    judged = list(corrupted_days.judged_days(FLIGHTS, days=days, faults_a_day=corrupted_days.FAULTS_A_DAY))
    detectors = [corrupted_days.ours(judged, "monitoring_pipeline")]
    if asked.peers:
        with TemporaryDirectory() as folder:
            corrupted_days.write_days(Path(folder), FLIGHTS, days=days, faults_a_day=corrupted_days.FAULTS_A_DAY)
            for peer in PEERS:
                install(peer)
                printed = python(interpreter_of(peer), script_of(peer, "detection"), folder)
                detectors += corrupted_days.of_peer(printed, peer.title)
    yield from corrupted_days.tables(detectors)
    yield ""
    yield "Good days that are flagged:"
    yield ""
    yield from corrupted_days.flagged_good_days(judged)


def _year(asked: Asked) -> Iterator[str]:
    if asked.home:
        return year_2013.lines(year_2013.years_in(asked.home))
    models, months = (year_2013.MODELS[:1], 2) if asked.quick else (year_2013.MODELS, 10)
    return year_2013.lines([year_2013.lived_year(DATA / "seeded", model, months=months) for model in models])


PARTS = (
    Part("corrupted-days", "Corrupted days", _corrupted_days),
    Part("shipped-sets", "Data sets with known onsets", lambda asked: shipped_sets.lines(WHEELS, quick=asked.quick)),
    Part("planted-drift", "Planted drift", lambda asked: planted_drift.lines(FLIGHTS, quick=asked.quick)),
    Part("change-points", "Marked change points", lambda _: change_points.lines(WHEELS)),
    Part("year", "The year 2013", _year),
)


def main() -> None:
    """Print the parts that are asked for."""
    parser = argparse.ArgumentParser(description="What is found, missed, and flagged for nothing.")
    parser.add_argument("--quick", action="store_true", help="fewer days and trials: minutes instead of an hour")
    parser.add_argument("--part", choices=[part.name for part in PARTS], help="only this part")
    parser.add_argument("--without-peers", action="store_true", help="only ours")
    parser.add_argument("--home", type=Path, help="for the year: a home that was lived in, which is read instead")
    given = parser.parse_args()
    os.nice(19)
    print(f"Measured at commit {_commit()}{', quick' if given.quick else ''}.", flush=True)
    for part in PARTS:
        if given.part in (None, part.name):
            print(f"\n### {part.title}\n", flush=True)
            for line in part.lines(Asked(quick=given.quick, peers=not given.without_peers, home=given.home)):
                print(line, flush=True)


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=DATA.parents[1]).stdout.strip()


if __name__ == "__main__":
    main()
