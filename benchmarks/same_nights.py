"""Monitor the flights of the demo in every kind of warehouse, and compare all stored results.

Usage: ``python -m benchmarks.same_nights FOLDER``, from the top of the repository. FOLDER gets the seeded flights and a
home for each warehouse; a second call uses those that are complete. All homes have the same clock: the noon after the last
day. The exit code is 1 if a home differs from that of DuckDB.
"""

import argparse
import datetime as dt
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text

from benchmarks.compare_homes import Comparison, Difference, compare_homes, lines_of, store_url
from benchmarks.warehouse_copies import WAREHOUSES, Places
from monitoring_pipeline.backfill import dagster_instance, run_range, split_range
from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.demo.running import FIRST, LAST, MODELS
from monitoring_pipeline.demo.seeding import seed_warehouse
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.loading import load_specs

COMPARED_WITH = "duckdb"
SHIPPED_MODELS = Settings.model_fields["models"].default
CHUNKS_OF_A_RUN = 14
COMPLETE = "nights.txt"
CLOSE = 1e-12
NUMBERS = frozenset(
    {"value", "lower", "upper", "reference_value", "p_value", "q_value", "threshold_lower", "threshold_upper"}
)
HEAD = f"{'warehouse':12}{'model':16}{'measurements':>13}{'equal':>8}{'within 1e-12':>14}{'other':>7}{'verdicts':>10}{'equal':>7}"


@dataclass(frozen=True)
class Nights:
    """The models and days that are monitored."""

    models: tuple[str, ...]
    first: dt.date
    last: dt.date

    def clock(self) -> dt.datetime:
        """Return the time at which everything is monitored: some labels of the last day have not arrived."""
        return dt.datetime.combine(self.last + dt.timedelta(days=1), dt.time(12), dt.UTC)


@dataclass(frozen=True)
class ModelAgreement:
    """The results of one model in two homes. ``close`` differ by less than 1e-12 in their numbers, and in nothing else."""

    model: str
    measurements: int
    close: int
    different: int
    verdicts: int
    different_verdicts: int

    def line(self, warehouse: str) -> str:
        """Return a line of the table."""
        equal = self.measurements - self.close - self.different
        return (
            f"{warehouse:12}{self.model:16}{self.measurements:>13,}{equal:>8,}{self.close:>14,}{self.different:>7,}"
            f"{self.verdicts:>10,}{self.verdicts - self.different_verdicts:>7,}"
        )


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
            for first, last in split_range(chunks, size=CHUNKS_OF_A_RUN):
                run = run_range(definitions, instance, specs[model], first, last)
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


def agreement(model: str, home: Path, compared: Sequence[Comparison]) -> ModelAgreement:
    """Return the agreement about a model of which one home is given, from the comparison of both."""
    measurements, verdicts = ([*_differences(model, compared, table)] for table in ("measurements", "verdicts"))
    close = sum(is_close(columns, difference) for columns, difference in measurements)
    counted = {table: _count(home, table, model) for table in ("measurements", "verdicts")}
    return ModelAgreement(
        model=model,
        measurements=counted["measurements"],
        close=close,
        different=len(measurements) - close,
        verdicts=counted["verdicts"],
        different_verdicts=len(verdicts),
    )


def is_close(columns: Sequence[str], difference: Difference) -> bool:
    """Return whether two rows differ in nothing but numbers, and in these by less than 1e-12."""
    if difference.old is None or difference.new is None:
        return False
    changed = [each for each in zip(columns, difference.old, difference.new, strict=True) if each[1] != each[2]]
    return all(
        column in NUMBERS and "null" not in (old, new) and abs(float(old) - float(new)) < CLOSE
        for column, old, new in changed
    )


def _differences(model: str, compared: Sequence[Comparison], table: str) -> Iterator[tuple[Sequence[str], Difference]]:
    (comparison,) = [each for each in compared if each.table == table]
    place = comparison.columns.index("model")
    for difference in comparison.differences:
        if (difference.old or difference.new or ())[place] == repr(model):
            yield comparison.columns, difference


def _count(home: Path, table: str, model: str) -> int:
    return sum(_counts(home, f"SELECT model, count(*) FROM {table} WHERE model = :model GROUP BY model", model).values())


def _counts(home: Path, sql: str, model: str) -> Counter[str]:
    engine = create_engine(store_url(str(home)))
    with engine.connect() as connection:
        counted = Counter(dict(connection.execute(text(sql), {"model": model}).tuples().all()))
    engine.dispose()
    return counted


def _what_was_measured(home: Path, model: str) -> str:
    """Return the counts of statuses, which show that equal results are not empty ones."""
    measured = _counts(home, "SELECT status, count(*) FROM measurements WHERE model = :model GROUP BY status", model)
    judged = _counts(home, "SELECT status, count(*) FROM verdicts WHERE model = :model GROUP BY status", model)
    parts = (", ".join(f"{count:,} {status}" for status, count in each.most_common()) for each in (measured, judged))
    return f"{model}: measurements {next(parts)}; verdicts {next(parts)}"


def print_comparison(warehouse: str, models: Sequence[str], homes: Path) -> bool:
    """Print how a home agrees with that of DuckDB; return whether it does."""
    expected = homes / COMPARED_WITH
    compared = compare_homes(str(expected), str(homes / warehouse))
    agreements = [agreement(model, expected, compared) for model in models]
    for each in agreements:
        print(each.line(warehouse))
    others = [each for each in compared if not each.is_equal and each.table != "measurements"]
    shown = [each for each in compared if not each.is_equal]
    for comparison in shown:
        print("\n".join(f"    {line}" for line in lines_of(comparison)))
    return not others and not any(each.different for each in agreements)


def main() -> None:
    """Seed the flights, monitor them in each warehouse, and compare."""
    given, nights = _arguments()
    started = time.monotonic()

    def report(line: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {line}", file=sys.stderr, flush=True)

    seeded, homes = given.folder / "seeded", given.folder / "homes"
    registry = f"sqlite:///{seeded / 'mlflow.db'}"
    seed_warehouse(seeded / "warehouse.duckdb", registry, seeded / "mlflow", report)
    warehouses = [COMPARED_WITH, *(name for name in given.warehouse if name != COMPARED_WITH)]
    agree = True
    for name in warehouses:
        places = Places(seeded / "warehouse.duckdb", homes / name, given.postgresql)
        if not _is_complete(places.folder, nights):
            report(f"{name}: copying")
            with WAREHOUSES[name](places) as url:
                report(f"{name}: monitoring")
                monitor(settings_of(places.folder, url, registry), nights)
            (places.folder / COMPLETE).write_text(repr(nights), encoding="utf-8")
        report(f"{name}: monitored {nights.first} to {nights.last}")
        if name == COMPARED_WITH:
            print(*(_what_was_measured(places.folder, model) for model in nights.models), HEAD, sep="\n", flush=True)
        else:
            agree = print_comparison(name, nights.models, homes) and agree
    print("all homes are equal" if agree else "homes differ")
    raise SystemExit(0 if agree else 1)


def _is_complete(home: Path, nights: Nights) -> bool:
    """Return whether all nights are in a home.

    Raises:
        FileExistsError: when the home is of other nights, or of a run that was stopped.
    """
    if not home.exists():
        return False
    complete = home / COMPLETE
    if complete.exists() and complete.read_text(encoding="utf-8") == repr(nights):
        return True
    message = f"{home}: has other nights, or not all; remove it, or name another folder"
    raise FileExistsError(message)


def _arguments() -> tuple[argparse.Namespace, Nights]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="gets the flights and the homes")
    parser.add_argument("--from", dest="first", type=dt.date.fromisoformat, default=FIRST, help="first day")
    parser.add_argument("--to", dest="last", type=dt.date.fromisoformat, default=LAST, help="last day")
    parser.add_argument("--model", action="append", choices=MODELS, help="a model; all by default")
    parser.add_argument("--warehouse", action="append", choices=list(WAREHOUSES), help="a kind; all by default")
    parser.add_argument("--postgresql", help="URL of an empty database; a server is started by default")
    given = parser.parse_args()
    given.folder = given.folder.absolute()
    given.warehouse = given.warehouse or list(WAREHOUSES)
    return given, Nights(tuple(given.model or MODELS), given.first, given.last)


if __name__ == "__main__":
    main()
