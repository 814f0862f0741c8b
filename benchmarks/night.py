"""Times the real nightly job, warehouse to verdict, for a further day beside Evidently's reports of the same rows.

Usage: ``python benchmarks/night.py [--rows N] [--columns N] [--days N] [--rounds N] [--without-evidently]``. Each
figure is the CPU time of a whole process that handles several further days minus one that handles a single one, so that
starts cancel.
"""

import argparse
import datetime as dt
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import profile_and_drift as peers

HERE = Path(__file__).resolve().parent
SCRIPT = Path(sys.executable).with_name("monitoring-pipeline")
FIRST_DAY = dt.date(2024, 1, 1)
LONGEST_REFERENCE = 60
EVIDENTLY_DAYS = 1
LINE = "{:34} {:>14} {:>8} {:>12} {:>9} {:>9}"


@dataclass(frozen=True)
class Use:
    """CPU-seconds and peak memory of a process."""

    cpu_seconds: float
    peak_mib: float


@dataclass(frozen=True)
class Rows:
    """The generated days: a DuckDB file for ours, and Parquet files of the same rows for the peers."""

    folder: Path
    rows: int
    columns: int
    days: int

    @property
    def days_written(self) -> int:
        """All days; a draft takes half of them for the reference, or ``LONGEST_REFERENCE``."""
        return 1 + self.days + min(1 + self.days, LONGEST_REFERENCE)

    @property
    def reference_days(self) -> int:
        """The days of the reference, before the day on which the drafted spec starts."""
        (start,) = re.findall(r"(?m)^start: (\S+)", (self.folder / "models" / "night.yaml").read_text(encoding="utf-8"))
        return (dt.date.fromisoformat(start) - FIRST_DAY).days  # noqa: TID251 - no calendar without the package

    def key(self, number: int) -> str:
        """Return the key of a monitored day; the first one is 0."""
        return (FIRST_DAY + dt.timedelta(days=self.reference_days + number)).isoformat()

    @property
    def warehouse(self) -> Path:
        """The tables ``scores`` and ``outcomes``: the reference, the first day, and the further days."""
        return self.folder / "night.duckdb"

    @property
    def home(self) -> Path:
        """A home in which the reference is taken and the first day is monitored."""
        return self.folder / "home"

    @property
    def copy_of_home(self) -> Path:
        """The copy in which further days are monitored."""
        return self.folder / "copy"

    def new_copy_of_home(self) -> Path:
        """Return a new copy, in which no further day is monitored."""
        shutil.rmtree(self.copy_of_home, ignore_errors=True)
        return Path(shutil.copytree(self.home, self.copy_of_home))

    def day(self, number: int) -> Path:
        """Return the file of a day; the days of the reference come first."""
        return self.folder / f"day_{number}.parquet"


@dataclass(frozen=True)
class Contestant:
    """Something that handles further days: how it does so, and the larger number of days that it is timed with."""

    name: str
    handle: Callable[[Rows, int], Use]
    days: int


def main() -> None:
    """Generate the days, draft and monitor the first one, then time further ones and print a table."""
    parser = argparse.ArgumentParser(description="Time a further day of the nightly job beside named peers.")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of a day (default: 100,000)")
    parser.add_argument("--columns", type=int, default=peers.COLUMNS, help="columns of a row (default: 40)")
    parser.add_argument("--days", type=int, default=4, help="further days after the first (default: 4)")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved repetitions (default: 3)")
    parser.add_argument("--without-evidently", action="store_true", help="leave out the slowest peer")
    given = parser.parse_args()
    contestants = [Contestant("monitoring_pipeline, nightly job", monitor_days, given.days + 1)]
    if not given.without_evidently:
        peers.install_evidently()
        contestants += [
            Contestant(f"Evidently, {name}", evidently_days(option), 1 + EVIDENTLY_DAYS)
            for name, option in (("drift preset", ()), ("drift and summary", ("--summary",)))
        ]
    name = f"night_{given.rows}_{given.columns}_{given.days}"
    rows = Rows(HERE / ".data" / name, given.rows, given.columns, given.days)
    if not rows.home.is_dir():
        prepare(rows)
    print_table(rows, contestants, measure(rows, contestants, given.rounds))


def prepare(rows: Rows) -> None:
    """Write the days, draft the spec and the suite, and monitor the first day, which takes the reference."""
    rows.folder.mkdir(parents=True, exist_ok=True)
    print(f"generating {rows.days_written} days of {rows.rows:,} rows ...", flush=True)
    numbers = [str(number) for number in (rows.rows, rows.days_written, rows.columns)]
    subprocess.run([sys.executable, str(HERE / "night_rows.py"), str(rows.folder), *numbers], check=True)
    made = rows.folder / "made"
    used(
        [
            str(SCRIPT),
            "init",
            str(rows.warehouse),
            "--table",
            "scores",
            "--labels",
            "outcomes",
            "--name",
            "night",
            "--cadence",
            "day",
        ],
        made,
    )
    used([str(SCRIPT), "backfill", "night", "--from", rows.key(0), "--to", rows.key(0)], made)
    made.rename(rows.home)


def monitor_days(rows: Rows, days: int) -> Use:
    """Monitor further days in a copy of the home, as ``backfill`` does in one run of the nightly job."""
    copy = rows.new_copy_of_home()
    return used([str(SCRIPT), "backfill", "night", "--from", rows.key(1), "--to", rows.key(days)], home=copy)


def evidently_days(options: Sequence[str]) -> Callable[[Rows, int], Use]:
    """Return the function that makes Evidently's report of further days against the first day of the reference."""

    def handle(rows: Rows, days: int) -> Use:
        files = [str(rows.day(rows.reference_days + 1 + number)) for number in range(days)]
        return used([*peers.EVIDENTLY_PRESET.command, *options, *files, str(rows.day(0))])

    return handle


def used(command: Sequence[str], home: Path | None = None) -> Use:
    """Run a command, and return what its process used.

    Raises:
        RuntimeError: when it fails.
    """
    environment = peers.CHILD_ENVIRONMENT | (environment_of(home) if home else {})
    process = subprocess.Popen(
        list(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )
    printed = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{printed}")
    return Use(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * peers.MIB_PER_MAXRSS)


def environment_of(home: Path) -> dict[str, str]:
    """Return the variables that name a home, and the models and the warehouse beside it."""
    folder = home.parent
    return {
        "MONITORING_PIPELINE_HOME": str(home),
        "MONITORING_PIPELINE_MODELS": str(folder / "models"),
        "MONITORING_PIPELINE_WAREHOUSE": str(folder / "night.duckdb"),
    }


def measure(rows: Rows, contestants: Sequence[Contestant], rounds: int) -> dict[str, list[tuple[Use, Use]]]:
    """Return by contestant, for each round, what one day and several days used."""
    measured: dict[str, list[tuple[Use, Use]]] = {contestant.name: [] for contestant in contestants}
    for _ in range(rounds):
        for contestant in contestants:
            one, several = (contestant.handle(rows, days) for days in (1, contestant.days))
            measured[contestant.name].append((one, several))
    return measured


def print_table(rows: Rows, contestants: Sequence[Contestant], measured: dict[str, list[tuple[Use, Use]]]) -> None:
    """Print medians, and how many times ours they are."""
    print(f"\n{os.cpu_count()} cores, days of {rows.rows:,} rows x {rows.columns} columns")
    print(LINE.format("", "CPU s a day", "x ours", "CPU s start", "peak MiB", "x ours"))
    ours: tuple[float, float] | None = None
    for contestant, (day, start, peak) in zip(contestants, _medians(contestants, measured), strict=True):
        ours = ours or (day, peak)
        figures = (f"{day:.2f}", f"{day / ours[0]:.1f}", f"{start:.1f}", f"{peak:.0f}", f"{peak / ours[1]:.1f}")
        print(LINE.format(contestant.name, *figures))


def _medians(
    contestants: Sequence[Contestant], measured: dict[str, list[tuple[Use, Use]]]
) -> Iterator[tuple[float, float, float]]:
    for contestant in contestants:
        runs = measured[contestant.name]
        days = [(several.cpu_seconds - one.cpu_seconds) / (contestant.days - 1) for one, several in runs]
        starts = [one.cpu_seconds - day for (one, _), day in zip(runs, days, strict=True)]
        yield median(days), median(starts), median(several.peak_mib for _, several in runs)


if __name__ == "__main__":
    main()
