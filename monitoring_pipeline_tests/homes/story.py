"""Three models and thirteen days of their life, small enough to be stored with the tests.

``loan_default``: age decides, which the champion ignores. A retraining is requested, a challenger passes the gate,
runs as a shadow, takes over for a day of probation, and is rolled back by a person; another challenger is refused.
``delivery_minutes``: distances double for some days, an incident is muted, and resolved.
``parcel_outcome``: classes whose names contain brackets and an equals sign; a column is empty on the last day.
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import polars as pl
import yaml

from monitoring_pipeline_tests.homes.lived_home import LivedHome, night_of

LOANS, DELIVERIES, PARCELS = MODELS = ("loan_default", "delivery_minutes", "parcel_outcome")
FIRST_ROW, FIRST, LAST = dt.date(2024, 3, 18), dt.date(2024, 3, 25), dt.date(2024, 4, 8)
DAYS = tuple((FIRST + dt.timedelta(days=n)).isoformat() for n in range((LAST - FIRST).days + 1))
LIVED = DAYS[:-2]
NEXT = DAYS[-2]
STARTS = {"loan_default": DAYS[0], "delivery_minutes": DAYS[1], "parcel_outcome": DAYS[7]}
ROWS_A_DAY = 50
ZONES = {LOANS: "Europe/Berlin", DELIVERIES: "Asia/Kolkata", PARCELS: "UTC"}
SCHEDULES = {LOANS: "04:30", DELIVERIES: "06:00", PARCELS: "06:00"}
CLASSES = {"delivered": 0.7, "lost [item]": 0.2, "held=customs": 0.1}
TWO_NIGHTS = {"open": {"chunks": 2, "of": 3}, "resolve": {"chunks": 2, "of": 2}, "reopen_within": 1}
FEW_ROWS = {"minimum_rows": 30}
REFERENCE = {"start": FIRST_ROW, "end": FIRST}
END = LAST + dt.timedelta(days=1)
SPECS = {
    LOANS: {
        "name": LOANS,
        "task": "binary",
        "owner": "risk@example.com",
        "timezone": ZONES[LOANS],
        "start": FIRST,
        "end": END,
        "schedule": SCHEDULES[LOANS],
        "predictions": {
            "table": "Loan Scores",
            "id": "Application ID",
            "time": "Scored At",
            "model_version": "VERSION",
            "score": "Default Probability",
            "decision_threshold": 0.4,
        },
        "labels": {
            "table": "Outcomes",
            "id": "Ref",
            "label": "Outcome",
            "known_at": "Reported At",
            "positive": "default",
            "delay": "2d",
            "lookback": "30d",
        },
        "features": {
            "income": {"kind": "numeric", "column": "Annual Income"},
            "employment": {"kind": "categorical", "column": "EMPLOYMENT"},
            "age": "numeric",
        },
        "reference": {"2024.1": REFERENCE},
        "drift": FEW_ROWS,
        "performance": FEW_ROWS
        | {"breach_on": "point", "thresholds": {"auroc": {"lower": 0.6, "severity": "critical"}}},
        "objectives": {"ranking": {"metric": "auroc", "lower": 0.6, "share": 0.9, "days": 7}},
        "incidents": TWO_NIGHTS,
        "retraining": {
            "trainer": "monitoring_pipeline_tests.registry.trainers_for_tests:boosting",
            "holdout_days": 4,
            "breached": {"chunks": 3, "of": 10},
            "cool_down": "2d",
            "gate": {"minimum_rows": 100, "segments": ["employment"]},
            "promotion": "shadow",
            "shadow": {"minimum_days": 2, "maximum_days": 20},
            "probation": {"days": 14, "minimum_days": 2},
        },
    },
    DELIVERIES: {
        "name": DELIVERIES,
        "task": "regression",
        "owner": "team:logistics",
        "timezone": ZONES[DELIVERIES],
        "start": dt.date.fromisoformat(STARTS[DELIVERIES]),
        "end": END,
        "predictions": {"table": "ops.deliveries", "id": "parcel", "time": "promised_at", "prediction": "minutes"},
        "labels": {
            "table": "ops.arrivals",
            "id": "parcel",
            "label": "actual_minutes",
            "known_at": "arrived_at",
            "delay": "12h",
        },
        "features": {"distance_km": "numeric", "vehicle": "categorical"},
        "reference": {"1": REFERENCE},
        "drift": FEW_ROWS,
        "performance": FEW_ROWS,
        "incidents": TWO_NIGHTS,
    },
    PARCELS: {
        "name": PARCELS,
        "task": "multiclass",
        "owner": "team:logistics",
        "timezone": ZONES[PARCELS],
        "start": dt.date.fromisoformat(STARTS[PARCELS]),
        "end": END,
        "predictions": {
            "table": "parcels",
            "id": "parcel",
            "time": "scored_at",
            "scores": {name: f"p{n}" for n, name in enumerate(CLASSES)},
        },
        "labels": {"table": "ends", "id": "parcel", "label": "ended", "known_at": "known_at", "delay": "12h"},
        "features": {"weight": "numeric"},
        "reference": {"1": REFERENCE},
        "drift": FEW_ROWS,
        "performance": FEW_ROWS | {"thresholds": {"recall[lost [item]]": {"lower": 0.99}}},
        "incidents": TWO_NIGHTS,
    },
}
ALERTING = {
    "channels": {"log": {"file": "alerts.jsonl"}, "morning": {"file": "digest.jsonl"}},
    "routes": [{"channel": "log"}, {"channel": "morning", "digest": "08:00", "models": ["delivery_*"]}],
}
DRIFTED = ("2024-03-29", "2024-04-01")
"""The first day of doubled distances, and the day after the last."""
CHANGED_LATE = """
    UPDATE "Outcomes" SET "Outcome" = CASE WHEN "Default Probability" > .5 THEN 'repaid' ELSE 'default' END,
                          "Reported At" = "Reported At" + INTERVAL 1 DAY
    FROM "Loan Scores" WHERE "Ref" = "Application ID" AND "Scored At" >= $start AND "Scored At" < $end
"""


def write_story(folder: Path) -> None:
    """Write specs, the rules of alerting, and a warehouse."""
    (folder / "specs").mkdir(parents=True)
    for model, spec in SPECS.items():
        (folder / "specs" / f"{model}.yaml").write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    (folder / "alerting.yaml").write_text(yaml.safe_dump(ALERTING, sort_keys=False), encoding="utf-8")
    with duckdb.connect(folder / "warehouse.duckdb") as connection:
        connection.execute("CREATE SCHEMA ops")
        for name, rows in (_loans() | _deliveries() | _parcels()).items():
            connection.register("rows_to_insert", rows.to_arrow())
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM rows_to_insert")
            connection.unregister("rows_to_insert")


def live_story(home: LivedHome) -> None:
    """Live the days one after another: nights, retrainings, deliveries of alerts, people."""
    for model in MODELS:
        home.command("suite", "draft", model)
    for day in LIVED:
        _serve(home, day)
        for model in (name for name in (DELIVERIES, PARCELS, LOANS) if STARTS[name] <= day):
            result = home.live(model, day, SCHEDULES[model], ZONES[model])
            assert result.success, [event.message for event in result.all_events if event.is_step_failure]
        if day == DRIFTED[1]:
            _handle(home, DELIVERIES, "inputs", "mute", "--until", "2199-01-01", "--reason", "sale")
        if day != LIVED[-1]:
            assert home.run("deliver_alerts").success
        if day == LIVED[-4]:
            _train_by_hand(home)
    home.now += dt.timedelta(hours=2)
    _change(home, "roll_back", "worse at weekends")
    _handle(home, LOANS, "performance", "acknowledge", "--reason", "we look into it")
    _handle(home, LOANS, "performance", "outcome", "real")


def live_next(home: LivedHome) -> None:
    """Live one more night: some outcomes have changed late, and everything that is due is delivered."""
    home.now = night_of(NEXT, SCHEDULES[LOANS], ZONES[LOANS])
    start, end = (_midnight(dt.date.fromisoformat(day), ZONES[LOANS]) for day in LIVED[-2:])
    home.change(CHANGED_LATE, start=start, end=end)
    for request in home.requests("late_labels"):
        assert home.answer(request).success
    for model in (DELIVERIES, PARCELS, LOANS):
        assert home.live(model, NEXT, SCHEDULES[model], ZONES[model]).success
    assert home.run("deliver_alerts").success


def _serve(home: LivedHome, day: str) -> None:
    """Score a day's loans with the champion in the store; it uses age."""
    champions = (
        home.ask("SELECT model_version FROM model_versions WHERE role = 'champion' ORDER BY since DESC")
        if (home.folder / "results.db").exists()
        else []
    )
    if champions and champions[0][0] != "2024.1":
        start, end = (_midnight(dt.date.fromisoformat(day) + dt.timedelta(days=n), ZONES[LOANS]) for n in (0, 1))
        home.change(
            'UPDATE "Loan Scores" SET "VERSION" = $version, '
            '"Default Probability" = CASE WHEN age > 50 THEN .8 ELSE .2 END '
            'WHERE "Scored At" >= $start AND "Scored At" < $end',
            version=champions[0][0], start=start, end=end,
        )  # fmt: skip


def _handle(home: LivedHome, model: str, cause: str, action: str, *words: str) -> None:
    ((name,),) = home.ask("SELECT incident_id FROM incidents WHERE model = ? AND cause = ?", model, cause)
    home.command("incidents", action, str(name), *words, "--by", "ana@example.com")


def _train_by_hand(home: LivedHome) -> None:
    config = {"ops": {f"{LOANS}_train": {"config": {"decision_key": "by hand"}}}}
    assert home.run(f"{LOANS}_retrain", config=config).success


def _change(home: LivedHome, action: str, reason: str) -> None:
    wanted = {"action": action, "actor": "ana@example.com", "reason": reason, "decision_key": f"{action}:by hand"}
    config = {"ops": {f"{LOANS}_change_version": {"config": wanted}}}
    assert home.run(f"{LOANS}_rollout", config=config).success


def _loans() -> dict[str, pl.DataFrame]:
    """Scores that ignore age, and outcomes that age decides, known within the hour."""
    random = np.random.default_rng(1)
    times = _times(random, ZONES[LOANS])
    count = len(times)
    age = random.integers(18, 80, count)
    ids = [f"A-{n:05d}" for n in range(count)]
    scores = pl.DataFrame(
        {
            "Application ID": ids,
            "Scored At": times,
            "VERSION": "2024.1",
            "Annual Income": random.lognormal(10, 0.4, count).round(0),
            "EMPLOYMENT": random.choice(["employed", "self-employed", "none"], count, p=[0.6, 0.3, 0.1]),
            "age": age,
            "Default Probability": (1 / (1 + np.exp(0.5 - 1.5 * random.standard_normal(count)))).round(4),
        }
    )
    outcome = np.where(random.random(count) < np.where(age > 50, 0.8, 0.2), "default", "repaid")
    return {
        '"Loan Scores"': scores,
        '"Outcomes"': pl.DataFrame({"Ref": ids, "Outcome": outcome, "Reported At": _later(times, 1)}),
    }


def _deliveries() -> dict[str, pl.DataFrame]:
    """Promised and actual minutes; distances double for some days."""
    random = np.random.default_rng(2)
    times = _times(random, ZONES[DELIVERIES])
    count = len(times)
    start, end = (_midnight(dt.date.fromisoformat(day), ZONES[DELIVERIES]) for day in DRIFTED)
    distance = random.gamma(4, 3, count) * [2 if start <= time < end else 1 for time in times]
    minutes = (10 + 2 * distance).round(1)
    ids = np.arange(count) + 1_000
    deliveries = pl.DataFrame(
        {
            "parcel": ids,
            "promised_at": times,
            "minutes": minutes,
            "distance_km": distance.round(1),
            "vehicle": random.choice(["bike", "van"], count),
        }
    )
    actual = (minutes + 5 * random.standard_normal(count)).round(1)
    arrivals = pl.DataFrame({"parcel": ids, "actual_minutes": actual, "arrived_at": _later(times, 2)})
    return {"ops.deliveries": deliveries, "ops.arrivals": arrivals}


def _parcels() -> dict[str, pl.DataFrame]:
    """Scores of three classes and the true class, which they predict better than chance."""
    random = np.random.default_rng(3)
    times = _times(random, ZONES[PARCELS])
    count = len(times)
    shares = random.dirichlet(10 * np.array(list(CLASSES.values())), count).round(3)
    drawn = [random.choice(list(CLASSES), p=row / row.sum()) for row in shares]
    ids = np.arange(count)
    scores = {f"p{n}": shares[:, n] for n in range(len(CLASSES))}
    emptied = _midnight(dt.date.fromisoformat(LIVED[-1]), ZONES[PARCELS])
    weights = [
        None if emptied <= time < emptied + dt.timedelta(days=1) else 2.0 + n % 7 for n, time in enumerate(times)
    ]
    parcels = pl.DataFrame({"parcel": ids, "scored_at": times, **scores, "weight": weights})
    return {"parcels": parcels, "ends": pl.DataFrame({"parcel": ids, "ended": drawn, "known_at": _later(times, 3)})}


def _midnight(day: dt.date, zone: str) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), ZoneInfo(zone)).astimezone(dt.UTC).replace(tzinfo=None)


def _times(random: np.random.Generator, zone: str) -> list[dt.datetime]:
    """Return naive UTC times, ROWS_A_DAY within each local day."""
    times: list[dt.datetime] = []
    for n in range((LAST - FIRST_ROW).days + 1):
        start, end = (_midnight(FIRST_ROW + dt.timedelta(days=n + after), zone) for after in (0, 1))
        seconds = np.sort(random.integers(0, (end - start).total_seconds(), ROWS_A_DAY))
        times += [start + dt.timedelta(seconds=int(second)) for second in seconds]
    return times


def _later(times: Sequence[dt.datetime], hours: float) -> list[dt.datetime]:
    return [time + dt.timedelta(hours=hours) for time in times]
