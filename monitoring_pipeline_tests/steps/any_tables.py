"""Tables of any shape: columns of every DuckDB type, with extreme values, as a hypothesis strategy."""

from dataclasses import dataclass

from hypothesis import strategies as st

ROW_SECRET = "row-7f3a-secret"
"""Part of every id; no sentence may contain it."""
CHUNK_DAY, REFERENCE_DAY = "2024-03-10", "2024-03-01"
_TEXTS = (
    "''", "' '", "'1'", "'0'", "'0.5'", "'nan'", "'inf'", "'a'", "'true'", "'1e400'", "'-1'", "'1.0'", "'null'",
    "'\u00e4\u20ac\U0001f600'", "'2024-03-10'", "repeat('x', 3000)", "'line' || chr(10) || chr(1)",
)  # fmt: skip
_INTEGERS = ("0", "1", "2", "7", "100")
TYPES: dict[str, tuple[str, ...]] = {
    "BOOLEAN": ("true", "false"),
    "TINYINT": (*_INTEGERS, "-128", "127"),
    "BIGINT": (*_INTEGERS, "-9223372036854775808", "9223372036854775807"),
    "UBIGINT": (*_INTEGERS, "18446744073709551615"),
    "HUGEINT": (*_INTEGERS, "170141183460469231731687303715884105727"),
    "UHUGEINT": (*_INTEGERS, "340282366920938463463374607431768211455"),
    "FLOAT": ("0", "0.5", "1", "'nan'", "'inf'", "'-inf'", "3.4e38", "1e-45"),
    "DOUBLE": ("0", "0.5", "1", "'nan'", "'inf'", "'-inf'", "1e308", "-1e308", "5e-324", "1e16", "0.9999999999999999"),
    "DECIMAL(18,3)": ("0", "0.5", "1", "999999999999999.999"),
    "DECIMAL(38,10)": ("0", "0.5", "1", "9999999999999999999999999999.9999999999"),
    "VARCHAR": _TEXTS,
    "BLOB": ("'\\x00\\xff'::BLOB", "''::BLOB"),
    "DATE": (f"'{CHUNK_DAY}'", "'0001-01-01'", "'9999-12-31'", "'1969-12-31'", "'infinity'", "'-infinity'"),
    "TIMESTAMP": (f"'{CHUNK_DAY} 05:00'", "'0001-01-01'", "'9999-12-31 23:59:59.999999'", "'infinity'"),
    "TIMESTAMP_S": (f"'{CHUNK_DAY} 05:00'", "'0001-01-01'", "'9999-12-31'"),
    "TIMESTAMP_NS": (f"'{CHUNK_DAY} 05:00:00.123456789'", "'1700-01-01'", "'2261-01-01'"),
    "TIMESTAMPTZ": (f"'{CHUNK_DAY} 05:00:00+00'", "'0001-01-01 00:00:00+00'", "'9999-12-31 00:00:00+00'", "'infinity'"),
    "TIME": ("'00:00'", "'23:59:59.999999'"),
    "TIMETZ": ("'00:00:00+00'", "'23:59:59+15'"),
    "INTERVAL": ("INTERVAL 1 DAY", "INTERVAL '-3 months 2 days'"),
    "UUID": ("'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"),
    "ENUM('a', '1', '0', '')": ("'a'", "'1'", "'0'", "''"),
    "BIT": ("'101'", "'0'"),
    "JSON": ("'{}'", "'[1]'", "'1'", "'null'", "'\"a\"'"),
    "INTEGER[]": ("[]", "[1, NULL]"),
    "DOUBLE[2]": ("[1, 2]",),
    "STRUCT(a INTEGER, b VARCHAR)": ("{'a': 1, 'b': 'x'}", "{'a': NULL, 'b': NULL}"),
    "MAP(VARCHAR, INTEGER)": ("map {'a': 1}", "map {}"),
    "UNION(n INTEGER, t VARCHAR)": ("union_value(n := 1)",),
}
_SHARE = "(hash(i * {0} + 7) % 1000) / 1000.0"
_LATER = "INTERVAL 1 SECOND * (i * 37 % 86000)"


@dataclass(frozen=True)
class AnyColumn:
    """A column of a type, whose rows take the values in turn; without a type the column does not exist."""

    type: str
    values: tuple[str, ...]
    stride: int = 1

    @property
    def sql(self) -> str:
        """The value of row ``i``."""
        values = ", ".join("NULL" if value == "NULL" else f"CAST({value} AS {self.type})" for value in self.values)
        place = f"CAST((i * {self.stride}) % {len(self.values)} AS BIGINT) + 1"
        return f"CAST(list_extract([{values}], {place}) AS {self.type})"


@dataclass(frozen=True)
class AnyTables:
    """Predictions and labels of a model: expressions of a row ``i``, by column."""

    task: str
    rows: int
    predictions: dict[str, str]
    labels: dict[str, str]
    in_reference: bool
    all_features: bool = False
    """Whether all features together are compared, which is slow."""

    def statements(self) -> list[str]:
        """Return the statements that create both tables, with rows of the chunk and of the reference."""
        days = [(CHUNK_DAY, 0, self.rows)]
        days += [(REFERENCE_DAY, 1_000_000, self.rows)] if self.in_reference else []
        made = []
        for name, columns in (("scores", self.predictions), ("truths", self.labels)):
            parts = [
                f"SELECT {', '.join(f'{sql} AS {column}' for column, sql in columns.items())} "
                f"FROM (SELECT range + {first} AS i, TIMESTAMP '{day}' AS day FROM range({count}))"
                for day, first, count in days
            ]
            made.append(f"CREATE TABLE {name} AS {' UNION ALL '.join(parts)}")
        return made


@st.composite
def any_columns(draw: st.DrawFn) -> AnyColumn:
    """Return a column of any type, with at most six different values, nulls among them or not."""
    kind = draw(st.sampled_from(sorted(TYPES)))
    values = draw(st.lists(st.sampled_from(("NULL", *TYPES[kind])), min_size=1, max_size=6))
    return AnyColumn(kind, tuple(values), draw(st.sampled_from((1, 3, 7))))


TASKS = ("binary", "multiclass", "regression")


def usual_predictions(task: str) -> dict[str, str]:
    """Return the columns of healthy predictions."""
    shared = {
        "id": f"'{ROW_SECRET}-' || i",
        "made_at": f"day + {_LATER}",
        "version": "'1'",
        "amount": f"{_SHARE.format(3)} * 100",
        "plan": "['basic', 'plus', 'pro'][CAST(hash(i) % 3 AS BIGINT) + 1]",
    }
    outputs = {
        "binary": {"score": _SHARE.format(5), "decided": f"CAST({_SHARE.format(5)} > 0.5 AS INTEGER)"},
        "multiclass": {
            "p_a": _SHARE.format(5),
            "p_b": f"1 - {_SHARE.format(5)}",
            "decided": f"CASE WHEN {_SHARE.format(5)} > 0.5 THEN 'a' ELSE 'b' END",
        },
        "regression": {
            "decided": f"{_SHARE.format(5)} * 10",
            "ahead": "i % 3 + 1",
            "naive": f"{_SHARE.format(9)} * 10",
        },
    }[task]
    return shared | outputs


def usual_labels(task: str) -> dict[str, str]:
    """Return the columns of healthy labels."""
    label = {
        "binary": f"CAST({_SHARE.format(11)} < {_SHARE.format(5)} AS INTEGER)",
        "multiclass": f"CASE WHEN {_SHARE.format(11)} < {_SHARE.format(5)} THEN 'a' ELSE 'b' END",
        "regression": f"{_SHARE.format(5)} * 10 + {_SHARE.format(11)}",
    }[task]
    return {"id": f"'{ROW_SECRET}-' || i", "label": label, "known_at": f"day + {_LATER} + INTERVAL 3 HOUR"}


@st.composite
def any_tables(draw: st.DrawFn) -> AnyTables:
    """Return tables of a model in which some columns are of any type, missing, constant, or repeat."""
    task = draw(st.sampled_from(TASKS))
    predictions, labels = usual_predictions(task), usual_labels(task)
    for table in (predictions, labels):
        for name in draw(st.lists(st.sampled_from(sorted(table)), max_size=3, unique=True)):
            own = table.pop(name)
            changes = {
                "any": draw(any_columns()).sql,
                "some nulls": f"CASE WHEN i % 5 > 0 THEN {own} END",
                "constant": f"first({own}) OVER ()",
                "repeated": own.replace("|| i", "|| (i // 2)"),
                "missing": "",
            }
            if changed := changes[draw(st.sampled_from(("any", "any", *changes)))]:
                table[name] = changed
    rows = draw(st.sampled_from((0, 1, 2, 3, 60, 60, 120, 120)))
    return AnyTables(
        task, rows, predictions, labels or {"other": "1"}, draw(st.booleans()), draw(st.integers(0, 9)) == 0
    )
