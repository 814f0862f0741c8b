"""Guesses the label in the table of predictions: by its name, by its classes, or by its gaps in the newest rows."""

import datetime as dt
import re
from collections.abc import Collection, Sequence

import polars as pl

from monitoring_pipeline.evaluation.drafting.facts import ColumnFacts, TableFacts, shown
from monitoring_pipeline.evaluation.drafting.guesses.class_names import own_parts
from monitoring_pipeline.evaluation.drafting.guesses.roles import RoleGuess, guess
from monitoring_pipeline.evaluation.drafting.guesses.roles_table import VALUE_RULES, Role, plain_name
from monitoring_pipeline.evaluation.drafting.hints import Advice

TWO = 2
AGREEING = 0.5
FEWEST_WITHOUT = 10
OLDEST = 0.5
"""The share of the rows, oldest first, that all have a label. Gaps at random leave none of them so by chance."""
MOSTLY = 0.5
EVIDENCE = "only the newest rows have none, which fits a label that becomes known later"
MAY_BE_LABEL = "it may be the label, because only the newest rows are without one"
_AFFIXES = re.compile(
    r"^(predicted|prediction|pred|forecast|estimated|prob|proba|probability|score|p)_(of_)?|"
    r"_(predicted|prediction|pred|hat|forecast|score|prob|proba|probability)$"
)


def label_by_name(table: TableFacts, advice: Advice, used: Collection[str], outputs: Sequence[str]) -> RoleGuess | None:
    """Return the label; the column after which an output is named has precedence over the rules."""
    if not advice.columns_of(Role.LABEL, table.columns)[0]:
        plain = {plain_name(name): name for name in table.columns if name not in used}
        for output in outputs:
            named = next((plain[each] for each in sorted(stems_of([output])) if each in plain), None)
            if named is not None and not table.columns[named].is_time and not table.columns[named].is_constant:
                return RoleGuess(table.columns[named].as_label, f"{output} is named after it")
    return guess(Role.LABEL, table, advice, used)


def label_of_classes(table: TableFacts, used: Collection[str], groups: Sequence[str]) -> RoleGuess | None:
    """Return the column whose values are the classes of the highest scores."""
    if len(groups) <= TWO:
        return None
    classes = {plain_name(part) for part in own_parts(groups)}
    fitting = [
        column for name, column in table.columns.items()
        if name not in used and column.distinct > 1 and column.values
        and {plain_name(shown(value)) for value, _ in column.values} <= classes
    ]  # fmt: skip
    agreeing = {column.name: _agreement(table, groups, column.name) for column in fitting}
    best = max(agreeing, key=lambda name: agreeing[name], default="")
    if not best or agreeing[best] < AGREEING:
        return None
    return RoleGuess(table.columns[best], f"it is the class of the highest score in {agreeing[best]:.0%} of the rows")


def _agreement(table: TableFacts, groups: Sequence[str], name: str) -> float:
    """Return the share of rows whose value in a column is the class of the highest score."""
    scores = pl.DataFrame([table.numbers(group) for group in groups]).fill_null(-1.0).to_numpy()
    classes = [plain_name(part) for part in own_parts(groups)]
    values = [None if value is None else plain_name(shown(value)) for value in table.frame[name]]
    agreeing = [classes[int(place)] == value for place, value in zip(scores.argmax(axis=1), values, strict=True)]
    return sum(agreeing) / max(len(agreeing), 1)


def stems_of(outputs: Collection[str]) -> set[str]:
    """Return the names that labels may have, after which outputs are named: ``late`` for ``predicted_late``."""
    stems = {_AFFIXES.sub("", plain_name(output)) for output in outputs} - {"", *map(plain_name, outputs)}
    forms = ("{}", "is_{}", "actual_{}", "true_{}", "observed_{}", "{}_actual", "{}_true", "{}_observed")
    return {form.format(stem) for stem in stems for form in forms}


def filled_later(table: TableFacts, time: str, taken: Collection[str]) -> tuple[ColumnFacts, ...]:
    """Return the columns that can be labels, and of which only the newest rows are without a value.

    Args:
        table: the table.
        time: the column of the time.
        taken: columns that have another role.
    """
    rows = table.frame.drop_nulls(time).sort(time)
    columns = [column.as_label for name, column in table.columns.items() if name != time and name not in taken]
    return tuple(
        column for column in columns if _may_be_label(column) and _is_filled_later(rows[time], _known(rows, column))
    )


def age_of_gaps(table: TableFacts, time: str, label: str) -> dt.timedelta | None:
    """Return the time from the oldest row without a label to the newest row; None if others lack one, too."""
    rows = table.frame.drop_nulls(time).sort(time)
    times, values = rows[time], _known(rows, table.columns[label].as_label)
    if not isinstance(times.dtype, pl.Date | pl.Datetime) or not _is_filled_later(times, values):
        return None
    moments = times.cast(pl.Datetime("us"))
    return moments[-1] - moments.filter(values.is_null())[0]


def _known(rows: pl.DataFrame, column: ColumnFacts) -> pl.Series:
    """Return the values of a label; null if they mean that it is not known yet."""
    values = rows[column.name]
    if not column.pending:
        return values
    return rows.select(pl.when(~values.is_in(column.pending)).then(values).alias(column.name)).to_series()


def _may_be_label(column: ColumnFacts) -> bool:
    return all(rule.holds(column) for rule in VALUE_RULES if rule.role is Role.LABEL and rule.is_needed)


def _is_filled_later(times: pl.Series, values: pl.Series) -> bool:
    gaps = values.is_null()
    without = int(gaps.sum())
    if without < FEWEST_WITHOUT:
        return False
    first = times.filter(gaps)[0]
    newest = gaps.tail(max(without // 2, FEWEST_WITHOUT))
    return int((times < first).sum()) >= OLDEST * times.len() and newest.sum() >= MOSTLY * newest.len()
