"""Answers expectations about a frame in one pass over its columns."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from monitoring_pipeline.quality.counts.question import Question
from monitoring_pipeline.quality.counts.table import COUNTED, is_counted
from monitoring_pipeline.quality.expectation import TO_EXIST, Expectation
from monitoring_pipeline.quality.outcome import Outcome, counted_values


def count(frame: pl.DataFrame, expectations: Sequence[Expectation], keys: Sequence[str] = ()) -> list[Outcome | None]:
    """Return one outcome per expectation in the order given; None for those that the engine has to answer.

    Numbers whose last digits depend on the order of the rows are those of the rows sorted by the columns ``keys``.
    """
    columns = set(frame.columns)
    questions = [_question(frame, columns, expectation) for expectation in expectations]
    wanted: dict[bool, dict[str, pl.Expr]] = {False: {}, True: {}}
    for place, (question, expectation) in enumerate(zip(questions, expectations, strict=True)):
        for part, expression in enumerate(question.values if question else ()):
            wanted[COUNTED[expectation.type].depends_on_order][f"{place} {part}"] = expression
    found = _values(frame, wanted[False])
    if wanted[True]:
        found |= _values(in_order(frame, keys), wanted[True])
    outcomes: list[Outcome | None] = []
    for place, (question, expectation) in enumerate(zip(questions, expectations, strict=True)):
        if question is None:
            outcomes.append(None)
            continue
        outcome = question.outcome([found[f"{place} {part}"] for part in range(len(question.values))])
        outcomes.append(_with_examples(outcome, question, expectation, frame))
    return outcomes


def in_order(frame: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Return the rows sorted by some columns; as they are if none is named."""
    return frame.sort(keys) if keys else frame


def _values(frame: pl.DataFrame, wanted: Mapping[str, pl.Expr]) -> dict[str, object]:
    return frame.select(**wanted).row(0, named=True) if wanted else {}


def _question(frame: pl.DataFrame, columns: set[str], expectation: Expectation) -> Question | None:
    if not is_counted(expectation.type, expectation.kwargs):
        return None
    if not expectation.columns <= columns and expectation.type != TO_EXIST:
        return None
    return COUNTED[expectation.type].ask(frame, expectation)


def _with_examples(outcome: Outcome, question: Question, expectation: Expectation, frame: pl.DataFrame) -> Outcome:
    if outcome.success or not outcome.unexpected or question.unexpected is None:
        return outcome
    rows = frame.select(pl.col(expectation.judged_columns).filter(question.unexpected))
    return replace(outcome, examples=counted_values(rows))
