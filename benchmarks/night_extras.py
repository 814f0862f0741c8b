"""Times a night of a model that declares telemetry, money, measures, a text or a vector, beside the same night without.

Usage: ``python benchmarks/night_extras.py [--rows N] [--columns N] [--days N] [--rounds N]``. The models have the same
rows. Each figure is the CPU time of a process that monitors several further days minus one that monitors a single one,
as in ``night.py``; the models take turns in each round.
"""

import argparse
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import night
import yaml

LINE = "{:52} {:>10} {:>10} {:>18}"
LATENCY = "30 * exp(0.4 * ln((hash(rowid) % 9973 + 1) / 9975.0 / (1 - (hash(rowid) % 9973 + 1) / 9975.0)))"
STATUS = "CASE WHEN hash(rowid + 1) % 1000 = 0 THEN 500 ELSE 200 END"
TEXT = "'A message of ' || (hash(rowid + 2) % 5000) || ' words about number ' || (hash(rowid + 3) % 700) || ' of them'"
VECTOR = f"[{', '.join(f'(hash(rowid + {place}) % 1009) / 1009.0' for place in range(10, 42))}]"
COLUMNS = {"latency_ms": ("DOUBLE", LATENCY), "status_code": ("INTEGER", STATUS), "review": ("VARCHAR", TEXT),
           "vector": ("DOUBLE[]", VECTOR)}  # fmt: skip
MEASURE = '''"""A measure."""


def mean_score(rows):
    """Return the mean of the scores."""
    return rows["score"].mean()
'''


@dataclass(frozen=True)
class Variant:
    """A model: its name in the table, and the fields that its spec has beside those of the plain one.

    Args:
        name: what it declares.
        fields: fields of the spec.
        features: further features.
        has_columns: whether the table of predictions has the further columns.
    """

    name: str
    fields: Mapping[str, Any]
    features: Mapping[str, Any]
    has_columns: bool = True

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return self.name.replace(" ", "_").replace(",", "")


VALUE = {
    "currency": "EUR",
    "outcomes": {"positive": {"positive": 40, "negative": -15}, "negative": {"positive": -60, "negative": 0}},
}
VARIANTS = (
    Variant("none", {}, {}, has_columns=False),
    Variant("none, in a table with further columns", {}, {}),
    Variant("telemetry", {"operations": {"latency": "latency_ms", "status": "status_code"}}, {}),
    Variant("cost", {"cost": {"currency": "EUR", "per_thousand": 0.4, "monthly_budget": 900}}, {}),
    Variant("value", {"value": VALUE}, {}),
    Variant("measure", {"measures": {"mean_score": {"function": "own_measure:mean_score"}}}, {}),
    Variant("text", {}, {"review": "text"}),
    Variant("vector of 32 numbers", {}, {"vector": "embedding"}),
)


def main() -> None:
    """Prepare a home for each model, time further days, and print a table."""
    parser = argparse.ArgumentParser(description="Time a night with what a spec may declare beside one without.")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of a day (default: 100,000)")
    parser.add_argument("--columns", type=int, default=40, help="columns of a row (default: 40)")
    parser.add_argument("--days", type=int, default=4, help="further days after the first (default: 4)")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved repetitions (default: 3)")
    given = parser.parse_args()
    folder = night.HERE / ".data" / f"night_{given.rows}_{given.columns}_{given.days}"
    plain = night.Rows(folder, given.rows, given.columns, given.days)
    if not plain.home.is_dir():
        night.prepare(plain)
    (folder / "own_measure.py").write_text(MEASURE, encoding="utf-8")
    # Further processes find the measure there.
    path = night.peers.CHILD_ENVIRONMENT.get("PYTHONPATH", "")
    night.peers.CHILD_ENVIRONMENT["PYTHONPATH"] = os.pathsep.join(filter(None, (str(folder), path)))
    models = {variant.name: prepared(plain, variant) for variant in VARIANTS}
    measured: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(given.rounds):
        for name, rows in models.items():
            one, several = (night.monitor_days(rows, days).cpu_seconds for days in (1, given.days + 1))
            measured[name].append((several - one) / given.days)
    size = f"{given.rows:,} rows x {given.columns} columns"
    print(f"\ndays of {size}, {given.rounds} rounds, CPU seconds of a further day")
    print(LINE.format("declared", "median", "on top", "rounds"))
    base = measured[VARIANTS[0].name]
    for name, days in measured.items():
        paired = median(own / other - 1 for own, other in zip(days, base, strict=True))
        rounds = " ".join(f"{day:.2f}" for day in days)
        print(LINE.format(name, f"{median(days):.2f}", f"{100 * paired:+.0f} %", rounds))


def prepared(plain: night.Rows, variant: Variant) -> night.Rows:
    """Return a folder with the model of a variant, whose reference is taken and whose first day is monitored."""
    rows = replace(plain, folder=plain.folder / variant.folder)
    if rows.home.is_dir():
        return rows
    shutil.rmtree(rows.folder, ignore_errors=True)
    rows.folder.mkdir(parents=True)
    shutil.copy(plain.warehouse, rows.warehouse)
    shutil.copytree(plain.folder / "models", rows.folder / "models")
    if variant.has_columns:
        add_columns(rows.warehouse)
    path = rows.folder / "models" / "night.yaml"
    spec = yaml.safe_load(path.read_text(encoding="utf-8"))
    spec |= variant.fields
    spec["features"] |= variant.features
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    made = rows.folder / "made"
    night.used([str(night.SCRIPT), "backfill", "night", "--from", rows.key(0), "--to", rows.key(0)], made)
    made.rename(rows.home)
    return rows


def add_columns(warehouse: Path) -> None:
    """Add a latency, a status, a text and a vector to each prediction."""
    with duckdb.connect(str(warehouse)) as connection:
        for name, (kind, expression) in COLUMNS.items():
            connection.execute(f"ALTER TABLE scores ADD COLUMN {name} {kind}")
            connection.execute(f"UPDATE scores SET {name} = {expression}")


if __name__ == "__main__":
    main()
