"""Monitor the flights of the demo in every kind of warehouse, and compare all stored results.

Usage: ``python -m benchmarks.same_nights FOLDER``, from the top of the repository. FOLDER gets the seeded flights and a
home for each warehouse; a second call uses those that are complete. All homes have the same clock: the noon after the
last day. The exit code is 1 if a home differs from that of DuckDB.
"""

import argparse
import datetime as dt
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.agreement import HEAD, agreement, what_was_measured
from benchmarks.compare_homes import compare_homes, lines_of
from benchmarks.warehouse_copies import WAREHOUSES, Places
from monitoring_pipeline.backfill import dagster_instance, run_range
from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.demo.moving import LAST_DAY
from monitoring_pipeline.demo.running import FIRST, MODELS
from monitoring_pipeline.demo.seeding import seed_warehouse
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.loading import load_specs

COMPARED_WITH = "duckdb"
SHIPPED_MODELS = Settings.model_fields["models"].default
COMPLETE = "nights.txt"


@dataclass(frozen=True)
class Nights:
    """The models and days that are monitored."""

    models: tuple[str, ...]
    first: dt.date
    last: dt.date

    def clock(self) -> dt.datetime:
        """Return the time at which everything is monitored: some labels of the last day have not arrived."""
        return dt.datetime.combine(self.last + dt.timedelta(days=1), dt.time(12), dt.UTC)


def monitor(settings: Settings, nights: Nights) -> None:
    """Monitor the models as ``backfill`` does.

    Raises:
        RuntimeError: when a run fails; the message has its errors.
    """
    specs = {loaded.spec.name: loaded.spec for loaded in load_specs(settings.models)}
    with dagster_instance(settings.dagster_home) as instance:
        definitions = build_definitions(settings, nights.clock)
        for model in nights.models:
            chunks = specs[model].calendar.chunks_of_days(nights.first, nights.last)
            run = run_range(definitions, instance, specs[model], chunks[0], chunks[-1])
            if not run.success:
                raise RuntimeError("\n".join(run.failures))


def settings_of(home: Path, warehouse: str, registry: str) -> Settings:
    """Return settings in which nothing depends on the environment."""
    return Settings.model_validate(
        {
            "home": home,
            "models": SHIPPED_MODELS,
            "warehouse": warehouse,
            "store_url": f"sqlite:///{home / 'results.db'}",
            "snapshots": str(home / "snapshots"),
            "id_key": "same nights",
            "MLFLOW_TRACKING_URI": registry,
            "DAGSTER_HOME": home / "dagster",
            "DAGSTER_POSTGRES_URL": "",
        }
    )


def print_comparison(warehouse: str, models: Sequence[str], homes: Path) -> bool:
    """Print how a home agrees with that of DuckDB; return whether it does."""
    expected = homes / COMPARED_WITH
    compared = compare_homes(str(expected), str(homes / warehouse), other_warehouse=True)
    agreements = [agreement(model, expected, compared) for model in models]
    for each in agreements:
        print(each.line(warehouse))
    unequal = {each.table: each for each in compared if not each.is_equal}
    for comparison in unequal.values():
        print("\n".join(f"    {line}" for line in lines_of(comparison)), flush=True)
    return unequal.keys() <= {"measurements"} and not any(each.different for each in agreements)


def main() -> None:
    """Seed the flights, monitor them in each warehouse, and compare."""
    given, nights = _arguments()
    started = time.monotonic()

    def report(line: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {line}", file=sys.stderr, flush=True)

    seeded, homes = given.folder / "seeded", given.folder / "homes"
    registry = f"sqlite:///{seeded / 'mlflow.db'}"
    seed_warehouse(seeded / "warehouse.duckdb", registry, seeded / "mlflow", report)
    agree = True
    for name in given.warehouse:
        places = Places(seeded / "warehouse.duckdb", homes / name, given.postgresql)
        if not places.folder.exists():
            report(f"{name}: copying")
            with WAREHOUSES[name](places) as url:
                report(f"{name}: monitoring")
                monitor(settings_of(places.folder, url, registry), nights)
            (places.folder / COMPLETE).write_text(repr(nights), encoding="utf-8")
        report(f"{name}: monitored {nights.first} to {nights.last}")
        if name == COMPARED_WITH:
            print(*(what_was_measured(places.folder, model) for model in nights.models), HEAD, sep="\n", flush=True)
        else:
            agree = print_comparison(name, nights.models, homes) and agree
    print("all homes are equal" if agree else "homes differ")
    raise SystemExit(0 if agree else 1)


def has_all(home: Path, nights: Nights) -> bool:
    """Return whether a home has exactly these nights."""
    complete = home / COMPLETE
    return complete.exists() and complete.read_text(encoding="utf-8") == repr(nights)


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)  # noqa: TID251 - a day of the command line, and no key of a chunk


def _arguments() -> tuple[argparse.Namespace, Nights]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="gets the flights and the homes")
    parser.add_argument("--from", dest="first", type=_day, default=FIRST, help="first day")
    parser.add_argument("--to", dest="last", type=_day, default=LAST_DAY, help="last day")
    parser.add_argument("--model", action="append", choices=MODELS, help="a model; all by default")
    parser.add_argument("--warehouse", action="append", choices=list(WAREHOUSES), help="a kind; all by default")
    parser.add_argument("--postgresql", help="URL of an empty database; a server is started by default")
    given = parser.parse_args()
    given.folder = given.folder.absolute()
    given.warehouse = list(dict.fromkeys([COMPARED_WITH, *(given.warehouse or WAREHOUSES)]))
    nights = Nights(tuple(given.model or MODELS), given.first, given.last)
    for home in (given.folder / "homes").glob("*"):
        if home.name in given.warehouse and not has_all(home, nights):
            parser.error(f"{home}: has other nights, or not all; remove it, or name another folder")
    return given, nights


if __name__ == "__main__":
    main()
