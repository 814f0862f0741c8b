"""How often windows are flagged as drifted, without change and with a small one: ours beside named peers.

Usage: ``python calibration.py [--without-peers]``. Peers run in environments of their own, as their lock files say;
all see the same samples (see ``calibration_samples.py``). Prints a Markdown table per kind of column. The numbers do
not depend on the machine.
"""

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from calibration_samples import CASES, REFERENCE_ROWS, REPLICATES, SHIFTS, WINDOW_ROWS, file_name

HERE = Path(__file__).resolve().parent
PEERS = HERE / "peers"
ENVIRONMENTS = HERE / ".environments"
SAMPLES = HERE / ".data" / "calibration"
OUR_BLOCKS = 10
CHILD_ENVIRONMENT = os.environ | {  # noqa: TID251
    "DO_NOT_TRACK": "1",
    "NML_DISABLE_USAGE_LOGGING": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONWARNINGS": "ignore",
    "UV_SYSTEM_CERTS": "1",
}
TITLES = {
    "normal": "a number, N(0, 1)",
    "categories_2": "2 categories, even",
    "categories_20": "20 categories, Zipf",
    "categories_100": "100 categories, Zipf",
}
OURS = {"evidence": "ours, p < 0.05", "evidence_1": "ours, p < 0.01", "rule": "ours, rule"}


@dataclass(frozen=True)
class Peer:
    """A library in an environment of its own; ``name`` is that of its files, ``replicates`` how many it can afford."""

    name: str
    title: str
    replicates: int


PEERS_RUN = (
    Peer("evidently", "Evidently", REPLICATES // 2),
    Peer("nannyml", "NannyML", REPLICATES),
    Peer("alibi_detect", "alibi-detect", REPLICATES),
)


def main() -> None:
    """Prepare samples and peers, run all, and print a table per kind of column."""
    parser = argparse.ArgumentParser(description="Shares of windows flagged, without change and with a small one.")
    parser.add_argument("--without-peers", action="store_true", help="only ours")
    peers = () if parser.parse_args().without_peers else PEERS_RUN
    for peer in peers:
        install(peer)
    python(sys.executable, HERE / "calibration_samples.py", str(SAMPLES))
    # Evidently takes as long as all others together.
    with ThreadPoolExecutor(max_workers=2) as pool:
        found = {peer: pool.submit(shares_of, peer) for peer in peers}
        ours = pool.submit(python, sys.executable, HERE / "calibration_ours.py", str(OUR_BLOCKS))
    own = json.loads(ours.result())
    shares = {title: own[rule] for rule, title in OURS.items()} | {p.title: f.result() for p, f in found.items()}
    for case in CASES:
        print_table(case, shares)


def install(peer: Peer) -> None:
    """Make a peer's own environment as its lock file says, unless it is there."""
    environment, lock = ENVIRONMENTS / peer.name, PEERS / f"{peer.name}.lock"
    installed = environment / "installed.lock"
    if installed.is_file() and installed.read_bytes() == lock.read_bytes():
        return
    print(f"installing {peer.title} into an environment of its own ...", flush=True)
    uv, interpreter = str(Path(sys.executable).with_name("uv")), str(environment / "bin" / "python")
    # Lock files are whole; --no-deps keeps out what they leave out (NannyML's GPU libraries).
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(environment)],
        [uv, "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--python", interpreter, "-r", str(lock)],
    ):
        if subprocess.run(command, check=False, env=CHILD_ENVIRONMENT).returncode:
            sys.exit(f"{peer.title} cannot be installed; {Path(__file__).name} --without-peers measures ours alone")
    installed.write_bytes(lock.read_bytes())


def shares_of(peer: Peer) -> dict[str, float]:
    """Return the share of windows that a peer flags, by sample."""
    interpreter, script = ENVIRONMENTS / peer.name / "bin" / "python", PEERS / f"calibration_{peer.name}.py"
    return json.loads(python(str(interpreter), script, str(SAMPLES), str(REFERENCE_ROWS), str(peer.replicates)))


def python(interpreter: str, script: Path, *arguments: str) -> str:
    """Return the last line that a script prints.

    Raises:
        RuntimeError: when it fails.
    """
    done = subprocess.run(
        [interpreter, str(script), *arguments], check=False, capture_output=True, text=True, env=CHILD_ENVIRONMENT
    )
    if done.returncode:
        message = f"{script.name} ended with {done.returncode}:\n{done.stderr[-2000:]}"
        raise RuntimeError(message)
    return done.stdout.strip().rpartition("\n")[2]


def print_table(case: str, shares: dict[str, dict[str, float]]) -> None:
    """Print the shares of windows flagged, in percent: a row per size and change."""
    print(f"\n| {' | '.join([TITLES[case], 'rows', *shares])} |\n|{'---|' * (len(shares) + 2)}")
    for shift in SHIFTS:
        for rows in WINDOW_ROWS:
            name = file_name(case, rows, shift).removesuffix(".npy")
            cells = [
                f"{100 * own[name]:.1f}" if own[name] < 0.1 else f"{100 * own[name]:.0f}" for own in shares.values()
            ]
            print(f"| {'no change' if not shift else f'{shift:g} sd'} | {rows:,} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
