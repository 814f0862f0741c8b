"""Canonical columns as SQL: the same values that ``evaluation/rows/canonical.py`` makes of rows that were read.

A column of another type than those listed here is not counted in the database. Then it has a reason instead of SQL, and
the counts of the sample stand for it.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from monitoring_pipeline.evaluation.rows.class_texts import BOOLEAN_WORDS
from monitoring_pipeline.evaluation.rows.positive_class import PositiveClass, positive_prediction
from monitoring_pipeline.evaluation.rows.probabilities import ROUNDING, rounding_of_sums
from monitoring_pipeline.evaluation.rows.readable import SECONDS_PER_DAY, number_of_text
from monitoring_pipeline.spec.derived_columns import columns_of
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import MEASURED_KINDS, FeatureKind, Task
from monitoring_pipeline.warehouse.sql.catalogue import Column, Table
from monitoring_pipeline.warehouse.sql.columns import readable, within
from monitoring_pipeline.warehouse.sql.dialect import Dialect, Kind
from monitoring_pipeline.warehouse.sql.queries import PREDICTIONS_ALIAS

NUMBERS = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.FLOAT_32, Kind.DECIMAL, Kind.HUGE_INTEGER})
TIMES = frozenset({Kind.INSTANT, Kind.LOCAL_TIME, Kind.DATE})
TEXTS = frozenset({Kind.TEXT, Kind.UUID, Kind.READ_AS_TEXT})


@dataclass(frozen=True)
class Countable:
    """A canonical column as SQL over the table of predictions; ``reason`` says why it has none.

    ``codes`` is the kind of a category that is stored as an integer or a boolean.
    """

    sql: str = ""
    reason: str | None = None
    codes: Kind | None = None


def number(dialect: Dialect, value: float) -> str:
    """Return a number as SQL, without loss."""
    return f"CAST('{value!r}' AS {dialect.types.number})"


def read_columns(spec: ModelSpec, table: Table) -> dict[str, Countable]:
    """Return the columns that are read from the table, by canonical name; scores as the table has them.

    A decided class that the table does not have is no such column: it is derived from the scores.
    """
    source = spec.predictions
    features = {
        column: _column(spec, table, column, feature.column or name, feature.kind)
        for name, feature in spec.features.items()
        for column in columns_of(name, feature)
    }
    carried = {
        name: _column(spec, table, name, str(getattr(source, name)), FeatureKind.NUMERIC)
        for name in spec.carried_columns
    }
    prediction = {} if source.prediction is None else {"prediction": _prediction(spec, table, source.prediction)}
    return features | raw_scores(spec, table) | prediction | carried


def raw_scores(spec: ModelSpec, table: Table) -> dict[str, Countable]:
    """Return the scores as the table has them."""
    if spec.task is Task.REGRESSION:
        return {}
    source = spec.predictions
    columns = {"score": source.score} | {spec.score_columns[name]: column for name, column in source.scores.items()}
    return {
        name: _column(spec, table, name, column, FeatureKind.NUMERIC)
        for name, column in columns.items()
        if column is not None
    }


def is_outside(dialect: Dialect, score: str) -> str:
    """Return the condition that a score is no probability."""
    near = f"{score} BETWEEN {number(dialect, -ROUNDING)} AND {number(dialect, 1 + ROUNDING)}"
    return f"NOT ({dialect.is_nan(score)} OR {near})"


def sum_of(dialect: Dialect, scores: Sequence[str]) -> str:
    """Return the sum of the scores of all classes; null unless all are finite."""
    finite = " AND ".join(f"{is_finite(dialect, score)}" for score in scores)
    return f"CASE WHEN {finite} THEN {' + '.join(f'({score})' for score in scores)} END"


def sum_is_off(dialect: Dialect, scores: Sequence[str]) -> str:
    """Return the condition that the scores of all classes do not sum to 1; never null."""
    limit = number(dialect, rounding_of_sums(len(scores)))
    return f"coalesce(abs(({sum_of(dialect, scores)}) - {number(dialect, 1.0)}) > {limit}, FALSE)"


def is_finite(dialect: Dialect, value: str) -> str:
    """Return the condition that a number is finite; null where it is null."""
    return f"(NOT {dialect.is_nan(value)} AND abs({value}) < {number(dialect, float('inf'))})"


def boolean_number(dialect: Dialect, value: str) -> str:
    """Return a boolean as 1 or 0."""
    return f"CASE WHEN {value} THEN {number(dialect, 1.0)} WHEN NOT {value} THEN {number(dialect, 0.0)} END"


def known_code(dialect: Dialect, category: str, codes: Kind | None, known: tuple[str, ...]) -> str:
    """Return a category as SQL, in the form that a reference has of it.

    An integer equals itself as a float, and a boolean equals 1 or 0, as in ``class_texts.as_known``.
    """
    forms = _forms(codes, known)
    if not forms:
        return category
    cases = " ".join(f"WHEN {dialect.literal(form)} THEN {dialect.literal(text)}" for form, text in forms.items())
    return f"CASE {category} {cases} ELSE {category} END"


def _forms(codes: Kind | None, known: tuple[str, ...]) -> dict[str, str]:
    """Return the known categories that are written in another form than codes of a kind are."""
    if codes is None:
        return {}
    forms: dict[str, str] = {}
    for text in known:
        value = {"true": 1.0, "false": 0.0}.get(text.lower(), number_of_text(text))
        if value is None or not value.is_integer():
            continue
        form = str(int(value)) if codes is Kind.INTEGER else {1.0: "true", 0.0: "false"}.get(value)
        if form is not None and form not in known:
            forms.setdefault(form, text)
    return forms


def _column(spec: ModelSpec, table: Table, name: str, column_name: str, kind: FeatureKind) -> Countable:
    column = table.column(column_name)
    dialect = table.listed.dialect
    if column is None:
        names = dialect.types
        return Countable(f"CAST(NULL AS {names.number if kind is FeatureKind.NUMERIC else names.text})")
    null_values = spec.null_values_of(name)
    if spec.treatment_of(name) is not None:
        return Countable(reason="privacy names it, and only rows that are read are hashed or generalised")
    if kind not in MEASURED_KINDS:
        return Countable(reason=f"it is of kind {kind}, of which only rows that are read are measured")
    if kind is FeatureKind.NUMERIC:
        return counted_number(column, null_values)
    return _category(column, null_values)


def counted_number(column: Column, null_values: tuple[str, ...], sql: str | None = None) -> Countable:
    """Return a column as numbers; ``sql`` is the column in a query in which it has another name."""
    dialect, kind = column.dialect, column.kind
    sql = sql or column.of(PREDICTIONS_ALIAS)
    if kind in NUMBERS:
        return Countable(_without(dialect, f"CAST({sql} AS {dialect.types.number})", null_values))
    if kind is Kind.BOOLEAN and not BOOLEAN_TEXTS & set(null_values):
        return Countable(boolean_number(dialect, sql))
    if kind in TIMES and not any(map(_is_time, null_values)):
        bounded = within(sql, dialect.bounds[kind])
        days = f"CAST({dialect.micros(f'({bounded})')} AS {dialect.types.number})"
        # Polars divides a column by a number in this way, which may give another last bit than a quotient.
        return Countable(f"{days} * {number(dialect, 1 / (SECONDS_PER_DAY * 1e6))}")
    return Countable(reason=_why(column, null_values))


def _category(column: Column, null_values: tuple[str, ...]) -> Countable:
    dialect, kind = column.dialect, column.kind
    if kind in TEXTS:
        return Countable(_without_texts(dialect, readable(column, PREDICTIONS_ALIAS, as_number=False), null_values))
    sql = column.of(PREDICTIONS_ALIAS)
    if kind is Kind.INTEGER:
        text = f"CAST({sql} AS {dialect.types.text})"
        if matching := [value for text_ in null_values if (value := number_of_text(text_)) is not None]:
            listed = ", ".join(dialect.literal(str(int(value))) for value in matching if value.is_integer())
            text = f"CASE WHEN {text} NOT IN ({listed}) THEN {text} END" if listed else text
        return Countable(text, codes=Kind.INTEGER)
    if kind is Kind.BOOLEAN and not BOOLEAN_TEXTS & set(null_values):
        return Countable(f"CASE WHEN {sql} THEN 'true' WHEN NOT {sql} THEN 'false' END", codes=Kind.BOOLEAN)
    if kind is Kind.DATE and not any(map(_is_time, null_values)):
        return Countable(f"CAST({within(sql, dialect.bounds[kind])} AS {dialect.types.text})")
    return Countable(reason=_why(column, null_values))


BOOLEAN_TEXTS = frozenset({"true", "false"})


def _why(column: Column, null_values: tuple[str, ...]) -> str:
    if column.kind is Kind.BOOLEAN or (column.kind in TIMES and any(map(_is_time, null_values))):
        return f"it is {column.type}, and null_values has a value of it"
    return f"it is {column.type}, which is counted only in rows that are read"


def _is_time(text: str) -> bool:
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _without(dialect: Dialect, value: str, null_values: tuple[str, ...]) -> str:
    numbers = [found for text in null_values if (found := number_of_text(text)) is not None]
    listed = [number(dialect, found) for found in numbers if found == found]  # noqa: PLR0124 - NaN
    is_null = [f"{value} IN ({', '.join(listed)})"] if listed else []
    if len(listed) < len(numbers):
        is_null.append(dialect.is_nan(value))
    return f"CASE WHEN NOT ({' OR '.join(is_null)}) THEN {value} END" if is_null else value


def _without_texts(dialect: Dialect, text: str, null_values: tuple[str, ...]) -> str:
    if not null_values:
        return text
    return f"CASE WHEN {text} NOT IN ({', '.join(map(dialect.literal, null_values))}) THEN {text} END"


def probability(dialect: Dialect, score: str) -> str:
    """Return a score between 0 and 1, or NaN; null where it is no probability."""
    zero, one = number(dialect, 0.0), number(dialect, 1.0)
    clipped = f"CASE WHEN {score} < {zero} THEN {zero} WHEN {score} > {one} THEN {one} ELSE {score} END"
    return f"CASE WHEN {dialect.is_nan(score)} THEN {score} WHEN NOT ({is_outside(dialect, score)}) THEN {clipped} END"


def decided_class(spec: ModelSpec, dialect: Dialect, scores: Sequence[str]) -> str:
    """Return the class that is decided by the scores; null if a score is null or NaN."""
    rule = _by_threshold if spec.task is Task.BINARY else _most_likely
    return rule(spec, dialect, scores)


def _by_threshold(spec: ModelSpec, dialect: Dialect, scores: Sequence[str]) -> str:
    (score,) = scores
    positive = f"{score} >= {number(dialect, spec.predictions.decision_threshold)}"
    return f"CASE WHEN {dialect.is_nan(score)} THEN NULL WHEN {positive} THEN '1' WHEN NOT ({positive}) THEN '0' END"


def _most_likely(spec: ModelSpec, dialect: Dialect, scores: Sequence[str]) -> str:
    """Return the class with the highest score, the first of equal ones."""
    cases = [f"WHEN {score} IS NULL OR {dialect.is_nan(score)} THEN NULL" for score in scores]
    for place, (name, score) in enumerate(zip(spec.classes, scores, strict=True)):
        highest = " AND ".join(f"{score} >= {other}" for other in scores[place + 1 :]) or "TRUE"
        cases.append(f"WHEN {highest} THEN {dialect.literal(name)}")
    return f"CASE {' '.join(cases)} END"


def _prediction(spec: ModelSpec, table: Table, name: str) -> Countable:
    column = table.column(name)
    if column is None or spec.task is Task.REGRESSION:
        return _column(spec, table, "prediction", name, spec.columns["prediction"])
    null_values = spec.null_values_of("prediction")
    if spec.task is Task.BINARY:
        return positive_text(column, null_values, positive_prediction(spec))
    category = _category(column, null_values)
    return Countable(reason=f"it is {column.type}") if category.codes is Kind.BOOLEAN else replace(category, codes=None)


def positive_text(
    column: Column, null_values: tuple[str, ...], positive: PositiveClass, sql: str | None = None
) -> Countable:
    """Return whether a value is the positive class, as the text 1 or 0.

    As in ``typed_columns``, a number is compared with numbers and a text with texts. ``sql`` is the column in a query
    in which it has another name.
    """
    dialect, kind = column.dialect, column.kind
    sql = sql or column.of(PREDICTIONS_ALIAS)
    if kind is Kind.TEXT and isinstance(positive.value, str):
        text = _without_texts(dialect, sql, null_values)
        return Countable(_one_or_zero(f"{text} = {dialect.literal(positive.value)}"))
    sought, typed = _positive_number(positive, kind), counted_number(column, null_values, sql)
    if sought is None or kind not in NUMBERS | {Kind.BOOLEAN} or typed.reason:
        return Countable(reason=f"it is {column.type}, and {positive.field} is {positive.value!r}")
    is_nan, is_positive = dialect.is_nan(typed.sql), f"{typed.sql} = {number(dialect, sought)}"
    return Countable(_one_or_zero(f"CASE WHEN {is_nan} THEN NULL ELSE {is_positive} END"))


def _positive_number(positive: PositiveClass, kind: Kind) -> float | None:
    if not isinstance(positive.value, str):
        return float(positive.value)
    as_boolean = BOOLEAN_WORDS.get(positive.value.lower()) if kind is Kind.BOOLEAN else None
    return float(as_boolean) if as_boolean is not None else number_of_text(positive.value)


def _one_or_zero(condition: str) -> str:
    return f"CASE WHEN {condition} THEN '1' WHEN NOT ({condition}) THEN '0' END"
