"""Compares the size of a report of one day, and the CPU time of its process, with Evidently's report of the same rows.

Usage: ``python benchmarks/report_sizes.py [--columns N ...]``. Ours is written by ``monitoring-pipeline report`` from
the results that a backfill of the day has stored; Evidently computes drift and summaries of the day, and writes them.
"""

import argparse
from pathlib import Path

import night
import profile_and_drift as peers

ROWS, FURTHER_DAYS = 2_000, 2
LINE = "{:>8} {:>12} {:>14} {:>8} {:>12} {:>14}"


def main() -> None:
    """Generate and monitor a day of each width, write both reports, and print a table."""
    parser = argparse.ArgumentParser(description="Compare the sizes of reports.")
    parser.add_argument("--columns", type=int, nargs="+", default=[14, 40, 500], help="columns of a row")
    widths = parser.parse_args().columns
    peers.install_evidently()
    print(LINE.format("columns", "ours, kB", "CPU s", "", "Evidently", "CPU s"))
    for width in widths:
        rows = night.Rows(night.HERE / ".data" / f"reports_{ROWS}_{width}", ROWS, width, FURTHER_DAYS)
        if not rows.home.is_dir():
            night.prepare(rows)
        ours, theirs = rows.folder / "ours.html", rows.folder / "evidently.html"
        command = [str(night.SCRIPT), "report", "night", "-o", str(ours)]
        our_use = night.used(command, rows.new_copy_of_home())
        files = [str(rows.day(rows.reference_days)), str(rows.day(0))]
        their_use = night.used([*peers.EVIDENTLY_PRESET.command, "--summary", f"--html={theirs}", *files])
        figures = (
            _kilobytes(ours),
            f"{our_use.cpu_seconds:.1f}",
            "",
            _kilobytes(theirs),
            f"{their_use.cpu_seconds:.1f}",
        )
        print(LINE.format(width, *figures), flush=True)


def _kilobytes(file: Path) -> str:
    return f"{file.stat().st_size / 1000:,.0f}"


if __name__ == "__main__":
    main()
