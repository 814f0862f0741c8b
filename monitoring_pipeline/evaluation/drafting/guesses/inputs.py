"""Guesses the inputs of a model: their kinds, the values that mean "missing", and columns that are left out."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.drafting.facts import ColumnFacts, TableFacts, shown
from monitoring_pipeline.evaluation.drafting.guesses.identity import is_named_id
from monitoring_pipeline.evaluation.drafting.guesses.personal import Proposal, propose_privacy
from monitoring_pipeline.evaluation.drafting.guesses.roles_table import plain_name
from monitoring_pipeline.evaluation.drafting.guesses.separation import is_copy
from monitoring_pipeline.evaluation.drafting.hints import Advice
from monitoring_pipeline.evaluation.drafting.value_kinds import ValueKind
from monitoring_pipeline.evaluation.rows.usual_nulls import SENTINELS, WORDS_FOR_NOTHING
from monitoring_pipeline.spec.model import RESERVED_COLUMNS
from monitoring_pipeline.spec.rules.privacy import IDENTIFIER
from monitoring_pipeline.spec.sources import FeatureKind

FEW_CODES = 10
MANY_CLASSES = 500
MANY_TEXTS = 200
LEAST_ROWS = 50
LONGEST_SHOWN = 30
SPIKE, MOST_ZEROS = 0.005, 0.3
FAR = 2.0
_CODES = re.compile(
    r"(^|_)(code|type|class|category|zone|region|group|month|weekday|day_of_week|hour|zip|status|flag|cluster|level)($|_)"
)
_COUNTS = re.compile(
    r"(^|_)(count|counts|num|number|n|age|years?|yrs|months|days?|amount|size|rooms?|quantity|qty|total|visits?|children)($|_)"
)

_DATE_IN_DIGITS = re.compile(r"\s*(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\s*")


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input: its name in the spec, its column, kind and evidence, and the values that mean "missing".

    ``privacy`` is what is kept of it, or proposed, if it looks like personal data. Then the evidence quotes no value.
    """

    name: str
    column: str
    kind: FeatureKind
    evidence: str
    null_values: tuple[str, ...] = ()
    privacy: Proposal | None = None


@dataclass(frozen=True)
class LeftOut:
    """A column that is no input, with the reason."""

    column: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The inputs, the columns that are left out, and questions."""

    inputs: tuple[Input, ...]
    left_out: tuple[LeftOut, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exclusion:
    """A property for which a column is no input, and the reason that is written beside it."""

    holds: Callable[[ColumnFacts], bool]
    reason: Callable[[ColumnFacts], str]


EXCLUSIONS = (
    Exclusion(lambda c: c.filled == 0, lambda _: "no row has a value"),
    Exclusion(
        lambda c: c.kind is ValueKind.NESTED and c.vector_size is None,
        lambda c: f"a nested value ({c.type[:60]}); name a part of it as a path, such as {c.name}.PART",
    ),
    Exclusion(
        lambda c: c.is_constant and c.vector_size is None, lambda c: f"the same value in every row{_first_value(c)}"
    ),
    Exclusion(lambda c: c.kind is ValueKind.OTHER, lambda c: f"values of type {c.type[:60]}"),
    Exclusion(lambda c: c.is_time or _is_date_in_digits(c), lambda _: "a time, which differs on every day"),
    Exclusion(lambda c: c.unread is not None, lambda c: c.unread.not_read if c.unread else ""),
    Exclusion(
        lambda c: (
            c.rows >= LEAST_ROWS and c.is_nearly_unique and not _is_measured(c) and not _is_embedded_or_written(c)
        ),
        lambda c: f"{c.distinct:,} values in {c.filled:,} rows: it identifies rows",
    ),
    Exclusion(
        lambda c: is_named_id(c.name) and not c.is_share and c.distinct > MANY_CLASSES,
        lambda c: f"the name of an identifier, {c.distinct:,} values",
    ),
)


def guess_inputs(
    table: TableFacts,
    advice: Advice,
    taken: Collection[str],
    score: str | None = None,
    left_out_for: Mapping[str, str] = MappingProxyType({}),
) -> Inputs:
    """Return the inputs among the columns that have no other role.

    Args:
        table: the table.
        advice: what is declared by the user or in files beside the source.
        taken: columns that have another role.
        score: the column of one probability.
        left_out_for: reasons by column that is no input whatever its values are.
    """
    listed, origin = advice.inputs(table.columns)
    inputs: list[Input] = []
    left_out: list[LeftOut] = []
    doubts = _about_missing(advice, table)
    for name, column in table.columns.items():
        if name in taken:
            continue
        reason = left_out_for.get(name) or next(
            (each.reason(column) for each in EXCLUSIONS if each.holds(column)), None
        )
        if listed is not None and name not in listed:
            reason = reason or f"not among the inputs of {origin}"
        if reason is None and score is not None and column.kind is ValueKind.NUMBER:
            reason = f"{score} in other words" if is_copy(table.numbers(name), table.numbers(score)) else None
        if reason is not None:
            left_out.append(LeftOut(name, reason))
            doubts.extend(_about_unread(column))
            continue
        found, questions = _input(table, column, advice)
        inputs.append(found)
        doubts.extend(questions)
    return Inputs(inputs=tuple(_distinct_names(inputs)), left_out=tuple(left_out), doubts=tuple(doubts))


def _about_missing(advice: Advice, table: TableFacts) -> list[str]:
    missing, origin = advice.missing_inputs(table.columns)
    if not missing:
        return []
    named = ", ".join(map(_short, missing[:FEW_CODES]))
    more = f" and {len(missing) - FEW_CODES} more" if len(missing) > FEW_CODES else ""
    return [f"Where are the inputs {named}{more} of {origin}? {table.name} has no such columns (features)"]


def _about_unread(column: ColumnFacts) -> list[str]:
    if column.unread is None or column.unread.is_time:
        return []
    words = f"Is {_short(column.name)} an input? It holds {column.unread.not_read}"
    return [f"{words}. {column.unread.remedy(column.name)} (features)"]


def _input(table: TableFacts, column: ColumnFacts, advice: Advice) -> tuple[Input, list[str]]:
    kind, evidence = _kind(column)
    said, origin = advice.kind_of(column.name)
    derived = kind in {FeatureKind.TEXT, FeatureKind.EMBEDDING} and said is FeatureKind.CATEGORICAL
    if (
        said is not None
        and not derived
        and not (said is FeatureKind.NUMERIC and not column.is_numeric and column.is_text)
    ):
        kind, evidence = said, f"{said} by {origin}"
    null_values, doubts = (), []
    if kind is FeatureKind.NUMERIC and column.is_numeric:
        null_values, doubts = _sentinels(table, column)
    privacy = propose_privacy(column, kind)
    if privacy is not None:
        # A number that identifies a person has no size.
        kind = FeatureKind.CATEGORICAL if privacy.kept == IDENTIFIER else kind
        evidence = f"{column.distinct:,} value{'s' if column.distinct != 1 else ''}; {privacy.words}"
    found = Input(
        name=column.name, column=column.name, kind=kind, evidence=evidence, null_values=null_values, privacy=privacy
    )
    return found, doubts


def _kind(column: ColumnFacts) -> tuple[FeatureKind, str]:
    values = f"{column.distinct:,} value{'s' if column.distinct != 1 else ''}"
    missing = f", {column.nulls / column.rows:.1%} without one" if column.nulls else ""
    if column.vector_size is not None:
        return FeatureKind.EMBEDDING, f"vectors of {column.vector_size} numbers{missing}"
    if _is_embedded_or_written(column):
        return FeatureKind.TEXT, f"{values} of {column.words_of_text:.0f} words on average{missing}"
    if not column.is_numeric:
        return FeatureKind.CATEGORICAL, f"{values}{_first_value(column)}{missing}"
    plain, span = plain_name(column.name), f"{shown(column.lowest)} to {shown(column.highest)}{missing}"
    text = "numbers written as text, " if column.is_text else ""
    is_code = _holds_whole_numbers(column) and not _COUNTS.search(plain)
    if is_code and (column.distinct <= FEW_CODES or (_CODES.search(plain) and column.distinct <= MANY_CLASSES)):
        return FeatureKind.CATEGORICAL, f"whole numbers with {values}, {span}; numeric if their order matters"
    return FeatureKind.NUMERIC, f"{text}{span}"


def _holds_whole_numbers(column: ColumnFacts) -> bool:
    if column.kind is ValueKind.INTEGER:
        return True
    few = column.distinct <= FEW_CODES and not column.is_text
    return few and all(isinstance(value, float) and value.is_integer() for value, _ in column.values)


def _sentinels(table: TableFacts, column: ColumnFacts) -> tuple[tuple[str, ...], list[str]]:
    """Return the values that mean "missing" for certain, and questions about those that may."""
    numbers = table.numbers(column.name).drop_nulls()
    if numbers.len() < LEAST_ROWS:
        return _known_words(column), []
    certain: list[str] = list(_known_words(column))
    doubts: list[str] = []
    for value, share, others in _spikes(column, numbers):
        words = f"{share:.1%} of the rows have {value:g} in {column.name}, and the others lie from {others}"
        if value in SENTINELS:
            certain.append(f"{value:g}")
        else:
            doubts.append(f"Does {value:g} mean missing? {words} (features.{column.name}.null_values)")
    return tuple(certain), doubts


def _spikes(column: ColumnFacts, numbers: pl.Series) -> Iterator[tuple[float, float, str]]:
    """Yield values at an end of the range that lie apart from the others, their share, and the range of the others."""
    for value in (*SENTINELS, -1.0, 0.0):
        others = numbers.filter(numbers != value)
        count = numbers.len() - others.len()
        if not count or others.len() < LEAST_ROWS:
            continue
        low, high, spread = _range_of(others)
        if low <= value <= high:
            continue
        gap = low - value if value < low else value - high
        is_far = gap > FAR * spread or (value == -1 and low >= 0 and column.distinct > FEW_CODES)
        if value == 0:
            is_far = gap > spread / FAR and SPIKE <= count / numbers.len() <= MOST_ZEROS and column.distinct > FEW_CODES
        if is_far:
            yield value, count / numbers.len(), f"{low:g} to {high:g}"


def _range_of(numbers: pl.Series) -> tuple[float, float, float]:
    """Return the smallest and the largest number, and the distance between the 5th and the 95th percentile."""
    values = np.asarray(numbers.to_numpy(), dtype=np.float64)
    low, high = np.quantile(values, (0.05, 0.95))
    return float(values.min()), float(values.max()), float(high - low)


def _known_words(column: ColumnFacts) -> tuple[str, ...]:
    return tuple(word for word in column.words if word.lower() in WORDS_FOR_NOTHING and word)


def _is_measured(column: ColumnFacts) -> bool:
    """Return whether a column that hardly repeats is a measured number rather than an identifier."""
    if column.kind is ValueKind.INTEGER:
        return not is_named_id(column.name) and not (column.is_unique and _is_count_up(column))
    return column.kind is ValueKind.NUMBER


def _is_embedded_or_written(column: ColumnFacts) -> bool:
    """Return whether a column holds vectors, or many different texts that people wrote."""
    is_written = column.words_of_text is not None and column.filled >= LEAST_ROWS
    return column.vector_size is not None or (is_written and column.distinct >= min(MANY_TEXTS, column.filled / 2))


def _is_count_up(column: ColumnFacts) -> bool:
    """Return whether whole numbers fill their range, as a running number does."""
    if column.lowest is None or column.highest is None:
        return False
    return column.highest - column.lowest <= 1.5 * column.rows


def _is_date_in_digits(column: ColumnFacts) -> bool:
    """Return whether all values are text such as 20250131."""
    texts = [str(value) for value, _ in column.values] if column.is_text else []
    return bool(texts) and all(_DATE_IN_DIGITS.fullmatch(text) for text in texts)


def _first_value(column: ColumnFacts) -> str:
    return f", {_short(shown(column.values[0][0]))} in {column.values[0][1]:.1%}" if column.values else ""


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _distinct_names(inputs: Sequence[Input]) -> Iterator[Input]:
    """Yield the inputs under names that the monitoring does not use itself."""
    names = {each.name for each in inputs}
    for each in inputs:
        name = each.name
        while name in RESERVED_COLUMNS or (name != each.name and name in names):
            name += "_value"
        yield replace(each, name=name)
