"""How often windows are flagged as drifted, without change and with a small one: ours beside named peers.

Usage: ``python calibration.py [--without-peers]``. Peers run in environments of their own, as their lock files say;
all see the same samples (see ``calibration_samples.py``). Prints a Markdown table per kind of column. The numbers do
not depend on the machine.
"""

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from calibration_samples import CASES, REFERENCE_ROWS, REPLICATES, SHIFTS, WINDOW_ROWS, file_name
from peer_environments import Peer, install, interpreter_of, python, script_of

HERE = Path(__file__).resolve().parent
SAMPLES = HERE / ".data" / "calibration"
OUR_BLOCKS = 10
TITLES = {
    "normal": "a number, N(0, 1)",
    "categories_2": "2 categories, even",
    "categories_20": "20 categories, Zipf",
    "categories_100": "100 categories, Zipf",
}
OURS = {"evidence": "ours, p < 0.05", "evidence_1": "ours, p < 0.01", "rule": "ours, rule"}


AFFORDED = {
    Peer("evidently", "Evidently"): REPLICATES // 2,
    Peer("nannyml", "NannyML"): REPLICATES,
    Peer("alibi_detect", "alibi-detect"): REPLICATES,
}
"""The peers, and the number of replicates that each can afford."""


def main() -> None:
    """Prepare samples and peers, run all, and print a table per kind of column."""
    parser = argparse.ArgumentParser(description="Shares of windows flagged, without change and with a small one.")
    parser.add_argument("--without-peers", action="store_true", help="only ours")
    peers = () if parser.parse_args().without_peers else tuple(AFFORDED)
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


def shares_of(peer: Peer) -> dict[str, float]:
    """Return the share of windows that a peer flags, by sample."""
    script = script_of(peer, "calibration")
    return json.loads(python(interpreter_of(peer), script, str(SAMPLES), str(REFERENCE_ROWS), str(AFFORDED[peer])))


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
