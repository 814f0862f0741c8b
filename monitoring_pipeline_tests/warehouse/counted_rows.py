"""Rows that are counted in databases, as SQL constants of DuckDB: with everything that engines treat differently."""

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass, field

Rows = list[dict[str, str]]

NULL, NAN = "NULL", "CAST('nan' AS DOUBLE)"
TYPES = {
    "id": "VARCHAR",
    "made_at": "TIMESTAMP",
    "version": "VARCHAR",
    "age": "DOUBLE",
    "visits": "INTEGER",
    "total": "BIGINT",
    "price": "DECIMAL(10, 2)",
    "is_new": "BOOLEAN",
    "joined": "DATE",
    "seen": "TIMESTAMP",
    "city": "VARCHAR",
    "code": "INTEGER",
    "is_vip": "BOOLEAN",
    "nothing": "VARCHAR",
    "score": "DOUBLE",
}
CATEGORIES = ("city", "code", "is_vip", "nothing")
FEATURES = [name for name in TYPES if name not in {"id", "made_at", "version", "score"}]
KINDS = {name: "categorical" if name in CATEGORIES else "numeric" for name in FEATURES}
CITIES = ["Berlin", "berlin", "", "Örebro", "O'Hare", "back\\slash", "a b", "Z", "a", "z", "N/A", "北京"]
LABEL_TYPES = {"binary": "BOOLEAN", "multiclass": "VARCHAR", "regression": "DOUBLE"}


def number(value: float) -> str:
    """Return a number as SQL, without loss."""
    return f"CAST('{value!r}' AS DOUBLE)"


def text(value: str) -> str:
    """Return a text as SQL."""
    return "'" + value.replace("'", "''") + "'"


@dataclass(frozen=True)
class Drawing:
    """Draws values as SQL."""

    rng: random.Random
    ties: list[float] = field(default_factory=lambda: [-2.5, 0.1, 1 / 3, 7.0, 1e-310, 1e300, -0.0, 0.0, 1e101])

    def maybe(self, value: Callable[[], str], share: float = 0.1) -> str:
        """Return null for a share of the values."""
        return NULL if self.rng.random() < share else value()

    def age(self) -> str:
        """Return a number of any kind."""
        special = f"CAST('{self.rng.choice(['nan', 'inf', '-inf'])}' AS DOUBLE)"
        tied = number(self.rng.choice(self.ties))
        return self.maybe(lambda: self.rng.choice([special, tied, tied, number(self.rng.gauss(0, 3))]))

    def score(self) -> str:
        """Return a score; few are no probabilities."""
        beyond = number(self.rng.choice([1.5, -0.2])) if self.rng.random() < 0.02 else NAN
        usual = number(self.rng.choice([0.0, 1.0, 0.5, 1 + 1e-9, -1e-9, self.rng.random()]))
        return self.maybe(lambda: beyond if self.rng.random() < 0.06 else usual, 0.05)

    def scores(self) -> list[str]:
        """Return the scores of three classes; few have no sum of 1."""
        first = self.rng.choice([0.25, self.rng.random() / 2])
        usual = [number(first), number(0.25), number(1 - first - 0.25)]
        rare = self.rng.choice([[NULL, number(0.5), number(0.5)], [number(0.9)] * 3])
        return rare if self.rng.random() < 0.05 else usual

    def output(self) -> str:
        """Return a predicted value."""
        rare = self.rng.choice([NULL, NAN, "CAST('inf' AS DOUBLE)", number(1e80)])
        return rare if self.rng.random() < 0.1 else number(self.rng.gauss(0, 1))

    def label(self, task: str) -> str:
        """Return a label of a task, or null."""
        drawn = {
            "binary": self.rng.choice(["TRUE", "FALSE"]),
            "multiclass": text(self.rng.choice("abc")),
            "regression": number(self.rng.gauss(0, 1)),
        }
        return self.maybe(lambda: drawn[task], 0.05)

    def moment(self) -> str:
        """Return a time of the second of June 2013."""
        clock = self.rng.randrange(24 * 60)
        return f"TIMESTAMP '2013-06-02 {clock // 60:02}:{clock % 60:02}:00.{self.rng.randrange(10**6):06}'"

    def day(self) -> str:
        """Return a day."""
        return f"DATE '{dt.date(1999, 1, 1) + dt.timedelta(days=self.rng.randrange(9000))}'"

    def row(self, n: int) -> dict[str, str]:
        """Return the values of one row."""
        rng, maybe = self.rng, self.maybe
        return {
            "id": text(f"row {n}"),
            "made_at": self.moment(),
            "version": text(rng.choice(["1", "1", "2"])),
            "age": self.age(),
            "visits": maybe(lambda: str(rng.choice([-999, 0, 1, 2, 3, rng.randrange(100)]))),
            "total": maybe(lambda: str(rng.choice([2**53 + 1, -(2**62), rng.randrange(10**9)]))),
            "price": maybe(lambda: f"{rng.randrange(10**6) / 100:.2f}"),
            "is_new": maybe(lambda: rng.choice(["TRUE", "FALSE"])),
            "joined": maybe(self.day),
            "seen": maybe(self.moment),
            "city": maybe(lambda: text(rng.choice(CITIES))),
            "code": maybe(lambda: str(rng.choice([1, 2, 30, 400]))),
            "is_vip": maybe(lambda: rng.choice(["TRUE", "FALSE"])),
            "nothing": NULL,
            "score": self.score(),
        }


def drawn_rows(rng: random.Random, count: int) -> Rows:
    """Return rows with repeated ids, equal copies, and ids that are null."""
    drawing = Drawing(rng)
    rows = [drawing.row(n) for n in range(count)]
    rows += [rng.choice(rows) for _ in range(count // 10)]
    rows += [{**rng.choice(rows), "made_at": drawing.moment(), "age": drawing.age()} for _ in range(count // 10)]
    rows += [{**rng.choice(rows), "id": NULL} for _ in range(3)]
    rng.shuffle(rows)
    return rows


def statements(rows: Rows) -> tuple[str, ...]:
    """Return the statements that create the table of predictions."""
    listed = ", ".join(f"({', '.join(row[name] for name in TYPES)})" for row in rows)
    columns = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())
    return (f"CREATE TABLE scores ({columns})", f"INSERT INTO scores VALUES {listed}")


def labelled_statements(rng: random.Random, task: str, rows: int = 250) -> tuple[str, ...]:
    """Return tables of predictions of every task and labels: late, corrected, contradictory, without a value."""
    drawing = Drawing(rng)
    predictions, labels = list[str](), list[str]()
    for n in range(rows):
        values = (f"'row {n}'", drawing.moment(), number(rng.choice([0.0, 1.0, 0.3, rng.random()])), drawing.output())
        predictions.append(f"({', '.join((*values, *drawing.scores()))})")
        known = [3] * (rng.random() < 0.8) + [rng.choice([3, 4, 9])] * (rng.random() < 0.1)
        labels += [f"('row {n}', {drawing.label(task)}, TIMESTAMP '2013-06-0{day} 12:00:00')" for day in known]
    rng.shuffle(labels)
    columns = ", ".join(f"{name} DOUBLE" for name in ("score", "value", "p_a", "p_b", "p_c"))
    return (
        f"CREATE TABLE scores (id VARCHAR, made_at TIMESTAMP, {columns})",
        f"INSERT INTO scores VALUES {', '.join(predictions)}",
        f"CREATE TABLE truths (id VARCHAR, churned {LABEL_TYPES[task]}, known_at TIMESTAMP)",
        f"INSERT INTO truths VALUES {', '.join(labels)}",
    )
