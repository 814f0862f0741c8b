"""Times profile and drift of one chunk against named peers, each in a process of its own, and prints ratios.

Usage: ``python profile_and_drift.py [--rounds N] [--without-evidently]``. Nothing but the standard library is
imported here: a child's peak memory cannot read below that of the process that starts it.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from threading import Timer
from time import perf_counter

HERE = Path(__file__).resolve().parent
PEERS = HERE / "peers"
GENERATOR = HERE / "generated_chunks.py"
GENERATED = HERE / ".data" / hashlib.sha256(GENERATOR.read_bytes()).hexdigest()[:12]
EVIDENTLY = HERE / ".environments" / "evidently"
EVIDENTLY_LOCK = PEERS / "evidently.lock"
REFERENCE_ROWS = 100_000
CHUNK_ROWS = (100_000, 1_000_000)
COLUMNS = 40
BOUND_SECONDS = 300.0
# ru_maxrss is in bytes on macOS, in KiB elsewhere.
MIB_PER_MAXRSS = 2**-20 if sys.platform == "darwin" else 2**-10
CHILD_ENVIRONMENT = os.environ | {"DO_NOT_TRACK": "1", "PYTHONWARNINGS": "ignore", "UV_SYSTEM_CERTS": "1"}  # noqa: TID251
ROW = "{:32} {:>9} {:>9} {:>10} {:>8} {:>9} {:>9} {:>8}"


@dataclass(frozen=True)
class Contestant:
    """A script that is timed on a chunk; ``compared_with`` is the further file that it takes.

    ``most_rounds`` caps how often it runs, by rows of the chunk.
    """

    name: str
    command: tuple[str, ...]
    compared_with: str | None = None
    most_rounds: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Run:
    """One finished process: seconds of work by step (imports left out), and what the whole process took.

    ``drifted`` is the number of columns found to have drifted, ``None`` where none was looked for.
    """

    steps: dict[str, float]
    drifted: int | None
    process_seconds: float
    cpu_seconds: float
    peak_mib: float

    @property
    def seconds(self) -> float:
        """Seconds of work."""
        return sum(self.steps.values())


OURS = Contestant("monitoring_pipeline", (sys.executable, str(HERE / "ours.py"), "judge"), "reference.json")
EVIDENTLY_PRESET = Contestant(
    "Evidently DataDriftPreset",
    (str(EVIDENTLY / "bin" / "python"), str(PEERS / "evidently_preset.py")),
    "reference.parquet",
    ((100_000, 2), (1_000_000, 1)),
)
CONTESTANTS = (
    OURS,
    Contestant("reading the Parquet file", (sys.executable, str(PEERS / "read_parquet.py"))),
    Contestant("pandas and scipy by hand", (sys.executable, str(PEERS / "scipy_by_hand.py")), "reference.parquet"),
    EVIDENTLY_PRESET,
)


def main() -> None:
    """Prepare inputs and peers, then measure and print one table per size of chunk."""
    parser = argparse.ArgumentParser(description="Time profile and drift of one chunk against named peers.")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved repetitions (default: 5)")
    parser.add_argument("--without-evidently", action="store_true", help="leave out the slowest peer")
    given = parser.parse_args()
    contestants = tuple(c for c in CONTESTANTS if not (given.without_evidently and c is EVIDENTLY_PRESET))
    if EVIDENTLY_PRESET in contestants:
        install_evidently()
    write_inputs()
    frozen = freeze_reference()
    print(f"{os.cpu_count()} cores; reference of {REFERENCE_ROWS:,} rows, frozen once, in {frozen.seconds:.2f} s")
    for rows in CHUNK_ROWS:
        print_comparison(rows, measure(rows, contestants, given.rounds))


def install_evidently() -> None:
    """Make the peer's own environment as its lock file says, unless it is there."""
    installed = EVIDENTLY / "installed.lock"
    lock = EVIDENTLY_LOCK.read_text(encoding="utf-8")
    if installed.is_file() and installed.read_text(encoding="utf-8") == lock:
        return
    print("installing Evidently into an environment of its own ...", flush=True)
    uv = str(Path(sys.executable).with_name("uv"))
    python = str(EVIDENTLY / "bin" / "python")
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(EVIDENTLY)],
        [uv, "pip", "install", "--quiet", "--require-hashes", "--python", python, "-r", str(EVIDENTLY_LOCK)],
    ):
        if subprocess.run(command, check=False, env=CHILD_ENVIRONMENT).returncode:
            sys.exit(f"Evidently cannot be installed; {Path(__file__).name} --without-evidently measures the others")
    installed.write_text(lock, encoding="utf-8")


def write_inputs() -> None:
    """Write the generated rows where they are missing."""
    GENERATED.mkdir(parents=True, exist_ok=True)
    chunks = [(chunk_file(rows), rows, "current") for rows in CHUNK_ROWS]
    for file_name, rows, role in [("reference.parquet", REFERENCE_ROWS, "reference"), *chunks]:
        if not (GENERATED / file_name).is_file():
            print(f"generating {rows:,} rows ...", flush=True)
            subprocess.run([sys.executable, str(GENERATOR), str(GENERATED / file_name), str(rows), role], check=True)


def freeze_reference() -> Run:
    """Freeze the bins and the profile of the reference, as is done once per model version."""
    files = [str(GENERATED / name) for name in ("reference.parquet", "reference.json")]
    return timed([sys.executable, str(HERE / "ours.py"), "freeze", *files])


def measure(rows: int, contestants: tuple[Contestant, ...], rounds: int) -> dict[Contestant, list[Run]]:
    """Run the contestants in turn, ``rounds`` times; one that takes longer than the bound is left with no runs."""
    runs: dict[Contestant, list[Run]] = {contestant: [] for contestant in contestants}
    for turn in range(rounds):
        for contestant in contestants:
            if turn < dict(contestant.most_rounds).get(rows, rounds):
                files = [chunk_file(rows), *([contestant.compared_with] if contestant.compared_with else [])]
                try:
                    run = timed([*contestant.command, *(str(GENERATED / name) for name in files)])
                except TimeoutError:
                    continue
                runs[contestant].append(run)
    return runs


def chunk_file(rows: int) -> str:
    """Return the file name of the chunk with that many rows."""
    return f"chunk_{rows}.parquet"


def timed(command: list[str]) -> Run:
    """Run a command that prints its steps as JSON, and account for its process.

    Raises:
        TimeoutError: when it takes longer than BOUND_SECONDS; it is killed then.
        RuntimeError: when it fails.
    """
    started = perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=CHILD_ENVIRONMENT)
    bound = Timer(BOUND_SECONDS, process.kill)
    bound.start()
    try:
        printed = process.stdout.read() if process.stdout else ""
        # The accounting of this one child: getrusage adds up all of them.
        _, status, usage = os.wait4(process.pid, 0)
    finally:
        bound.cancel()
    process_seconds = perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode and process_seconds >= BOUND_SECONDS:
        raise TimeoutError(command)
    if process.returncode:
        message = f"{' '.join(command)} ended with {process.returncode}"
        raise RuntimeError(message)
    answer = json.loads(printed)
    return Run(
        steps=answer["steps"],
        drifted=answer.get("drifted"),
        process_seconds=process_seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_mib=usage.ru_maxrss * MIB_PER_MAXRSS,
    )


def print_comparison(rows: int, runs: dict[Contestant, list[Run]]) -> None:
    """Print medians, and how many times ours they are."""
    ours = runs[OURS]
    seconds, peak_mib = median(run.seconds for run in ours), median(run.peak_mib for run in ours)
    print(f"\n{rows:,} rows x {COLUMNS} columns (median of up to {len(ours)} interleaved processes)")
    print(ROW.format("", "seconds", "x ours", "process s", "cpu s", "peak MiB", "x ours", "drifted"))
    for contestant, own in runs.items():
        if not own:
            print(
                f"{contestant.name:32} more than {BOUND_SECONDS:.0f} s: more than {BOUND_SECONDS / seconds:.0f} x ours"
            )
            continue
        own_seconds, own_peak = median(run.seconds for run in own), median(run.peak_mib for run in own)
        print(
            ROW.format(
                contestant.name,
                f"{own_seconds:.2f}",
                f"{own_seconds / seconds:.2f}",
                f"{median(run.process_seconds for run in own):.2f}",
                f"{median(run.cpu_seconds for run in own):.2f}",
                f"{own_peak:.0f}",
                f"{own_peak / peak_mib:.2f}",
                "" if own[0].drifted is None else own[0].drifted,
            )
        )
    steps = {step: median(run.steps[step] for run in ours) for step in ours[0].steps}
    listed = ", ".join(f"{step} {step_seconds:.3f} s" for step, step_seconds in steps.items())
    print(f"{OURS.name}: {listed}; {rows / seconds:,.0f} rows/s")


if __name__ == "__main__":
    main()
