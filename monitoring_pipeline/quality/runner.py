"""Runs a model's suite on the rows of a chunk, and turns the outcomes into measurements."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from monitoring_pipeline.evaluation.privacy.messages import message_without_values
from monitoring_pipeline.evaluation.privacy.shown_values import clipped, may_show, quoted
from monitoring_pipeline.evaluation.quality.conditions import COUNTED, AllRows
from monitoring_pipeline.evaluation.quality.suite import SUITE, SuiteResult
from monitoring_pipeline.evaluation.rows.readable import unreadable_numbers
from monitoring_pipeline.quality.answering import validate
from monitoring_pipeline.quality.counts.elsewhere import reason_without_all_rows, with_counts_of_all
from monitoring_pipeline.quality.expectation import TO_EXIST, TO_HAVE_TYPE, Expectation
from monitoring_pipeline.quality.limits import limits_in_words, tolerance_in_words
from monitoring_pipeline.quality.observed import observed_in_words
from monitoring_pipeline.quality.outcome import Outcome
from monitoring_pipeline.quality.suites import SuiteError, load_suite, schema_expectations
from monitoring_pipeline.records.measurement import Kind, Measurement, Status
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec

_EXAMPLES = 3
_PRIVATE_COLUMNS = frozenset({"row_id"})
OF_EVERY_MODEL = ("row_id", "predicted_at", "model_version", "score", "prediction")
"""Names that the rows of every model have for its id, time, version and outputs, whatever the table calls them."""
_FAULTS = {
    "expect_column_values_to_be_in_set": "not in the set",
    "expect_column_values_to_be_unique": "not unique",
    "expect_column_values_to_not_be_null": "null",
}


def run_suite(spec: ModelSpec, suite_path: Path, frame: pl.DataFrame, every: AllRows | None = None) -> SuiteResult:
    """Return the measurements of a chunk's schema, by the spec, and of its values, by the suite file.

    ``frame`` has canonical column names and the types of the warehouse; a column that the warehouse lacks is absent.
    The value of a measurement is the share, in [0, 1], of unexpected values among those judged. For an expectation
    about a column or table as a whole, it is 1 if the expectation fails and 0 if it holds. No result depends on the
    order of the rows, because they are sorted by time and id where it matters. No reason quotes a row id. If the suite
    file is missing, the values are skipped with the reason. If it is broken, that is a breach, and so is an expectation
    that would never be checked. The schema is still judged. If ``frame`` is a sample of ``every`` row, expectations are
    answered by counts of all rows where there are any, and skipped with the reason if they need all rows.
    """
    schema = check_schema(spec, frame)
    if not suite_path.exists():
        reason = f"no suite {suite_path.name}; draft one with: monitoring-pipeline suite draft {spec.name}"
        return SuiteResult(schema, (_no_suite(reason),))
    try:
        expectations = load_suite(suite_path).expectations
    except SuiteError as error:
        return SuiteResult(schema, (_broken_suite("; ".join(str(error).splitlines())),))
    unfit = {m.subject for m in schema if m.status is not Status.OK}
    columns = set(frame.columns)
    reasons = {
        index: _reason_not_to_run(e, frame, columns, unfit) or (every and reason_without_all_rows(e, every))
        for index, e in enumerate(expectations)
    }
    known = columns.union(spec.canonical_columns)
    return SuiteResult(schema, _measure(frame, expectations, reasons, known, every=every, keys=_keys_of_time(unfit)))


def check_rows(frame: pl.DataFrame, expectations: Sequence[Expectation]) -> tuple[Measurement, ...]:
    """Return one measurement per expectation about any rows; the absence of a column is a breach."""
    columns = set(frame.columns)
    reasons = {
        index: None if e.type == TO_EXIST else _reason_not_to_run(e, frame, columns, set())
        for index, e in enumerate(expectations)
    }
    return _measure(frame, expectations, reasons, frame.columns)


def check_schema(spec: ModelSpec, frame: pl.DataFrame) -> tuple[Measurement, ...]:
    """Return whether each needed column exists and has a fitting type; the type of a missing column is skipped."""
    expectations = schema_expectations(spec)
    columns = set(frame.columns)
    reasons = {
        index: None if e.type == TO_EXIST else _missing_column(e, columns) for index, e in enumerate(expectations)
    }
    in_table = spec.columns_in_table
    return tuple(_with_column_in_table(m, in_table) for m in _measure(frame, expectations, reasons))


def _with_column_in_table(measurement: Measurement, in_table: Mapping[str, str]) -> Measurement:
    """Return the measurement; if a column is missing that has another name in the table, its reason has that name."""
    subject = measurement.subject
    column = in_table.get(subject, subject)
    if measurement.reason != _no_column(subject) or column == subject:
        return measurement
    return replace(measurement, reason=f"{_no_column(column)} ({subject})")


def _no_column(names: str) -> str:
    return f"the chunk has no column {names}"


def _keys_of_time(unfit: set[str]) -> tuple[str, ...]:
    """Return time and id, by which rows are sorted, because some expectations are about the order of values."""
    return tuple(key for key in ("predicted_at", "row_id") if key not in unfit)


def _no_suite(reason: str) -> Measurement:
    return Measurement(
        kind=Kind.QUALITY, subject="chunk", name=SUITE, model_version="", status=Status.SKIPPED, reason=reason
    )


def _broken_suite(reason: str) -> Measurement:
    """Return the breach that none of the declared expectations could be checked."""
    return Measurement(
        kind=Kind.QUALITY,
        subject="chunk",
        name=SUITE,
        model_version="",
        value=1.0,
        threshold_upper=0.0,
        status=Status.BREACHED,
        reason=f"no expectation was checked: {reason}",
        definition="1 when the suite file cannot be read",
    )


def _missing_column(expectation: Expectation, columns: set[str]) -> str | None:
    missing = sorted(expectation.columns - columns)
    return _no_column(", ".join(missing)) if missing else None


def _reason_not_to_run(expectation: Expectation, frame: pl.DataFrame, columns: set[str], unfit: set[str]) -> str | None:
    """Return the reason why an expectation about values cannot be measured, None if it can."""
    if frame.is_empty() and not expectation.type.startswith("expect_table_"):
        return "no rows"
    if missing := _missing_column(expectation, columns):
        return missing
    failed = sorted(expectation.columns & unfit)
    return f"the schema check of {', '.join(failed)} failed" if failed else None


def _measure(
    frame: pl.DataFrame,
    expectations: Sequence[Expectation],
    reasons: Mapping[int, str | None],
    known: Collection[str] | None = None,
    *,
    every: AllRows | None = None,
    keys: Sequence[str] = (),
) -> tuple[Measurement, ...]:
    """Return one measurement per expectation; those with a reason in ``reasons`` are skipped, all others run.

    An expectation about a column that is not among the ``known`` ones is a breach, because it would never be checked.
    """
    runnable = [index for index in range(len(expectations)) if reasons[index] is None]
    outcomes = dict(zip(runnable, validate(frame, [expectations[index] for index in runnable], keys), strict=True))
    of_all = with_counts_of_all(frame, dict(enumerate(expectations)), outcomes, every) if every else {}
    return tuple(
        _of_all_rows(_measured(expectation, name, frame, of_all[index]))
        if index in of_all
        else _measured(expectation, name, frame, outcomes[index])
        if index in outcomes
        else _not_run(expectation, name, reasons[index], known)
        for index, (expectation, name) in enumerate(zip(expectations, _distinct_names(expectations), strict=True))
    )


def _of_all_rows(measurement: Measurement) -> Measurement:
    return replace(measurement, definition=f"{measurement.definition}; {COUNTED}")


def _not_run(expectation: Expectation, name: str, reason: str | None, known: Collection[str] | None) -> Measurement:
    if known is None or expectation.columns <= set(known):
        return _measurement(expectation, name, Status.SKIPPED, reason=reason)
    return _measurement(expectation, name, Status.BREACHED, value=1.0, reason=f"nothing was checked: {reason}")


def _distinct_names(expectations: Sequence[Expectation]) -> list[str]:
    """Return the names of the measurements; the second of two equal names gets #2."""
    seen: Counter[tuple[str, str, str]] = Counter()
    names: list[str] = []
    for expectation in expectations:
        key = (expectation.subject, expectation.name, expectation.where)
        seen[key] += 1
        names.append(expectation.name if seen[key] == 1 else f"{expectation.name}#{seen[key]}")
    return names


def _measured(expectation: Expectation, name: str, frame: pl.DataFrame, outcome: Outcome) -> Measurement:
    if outcome.error is not None:
        reason = f"nothing was checked: {_error(expectation, outcome.error)}"
        return _measurement(expectation, name, Status.BREACHED, value=1.0, reason=reason)
    if reason := _nothing_measured(expectation, outcome):
        return _measurement(expectation, name, Status.SKIPPED, reason=reason)
    status = Status.OK if outcome.success else Status.BREACHED
    reason = None if outcome.success else _reason(expectation, frame, outcome)
    if outcome.judged is None or outcome.unexpected is None:
        value = 0.0 if outcome.success else 1.0
        return _measurement(expectation, name, status, value=value, reason=reason, rows=frame.height)
    return _measurement(
        expectation,
        name,
        status,
        value=outcome.unexpected / max(outcome.judged, 1),
        threshold=expectation.tolerated_share,
        reason=reason,
        rows=outcome.judged,
    )


def _measurement(
    expectation: Expectation,
    name: str,
    status: Status,
    *,
    value: float | None = None,
    threshold: float | None = None,
    reason: str | None = None,
    rows: int = 0,
) -> Measurement:
    return Measurement(
        kind=Kind.QUALITY,
        subject=expectation.subject,
        name=name,
        of=expectation.where,
        model_version="",
        status=status,
        severity=expectation.severity,
        value=value,
        threshold_upper=threshold,
        reason=reason,
        definition=_definition(expectation),
        rows=rows,
    )


def _definition(expectation: Expectation) -> str:
    hidden = ("column", "row_condition")
    arguments = ", ".join(f"{key}={value!r}" for key, value in expectation.kwargs.items() if key not in hidden)
    where = f" where {expectation.where}" if expectation.where else ""
    notes = f"; {expectation.notes}" if expectation.notes else ""
    return f"{expectation.type}({arguments}){where}{notes}"


def _nothing_measured(expectation: Expectation, outcome: Outcome) -> str | None:
    """Return the reason why an expectation that ran measured nothing, None if it did measure."""
    if outcome.undefined:
        return f"{expectation.subject}: undefined, there are no values"
    if outcome.judged == 0 and expectation.type != TO_HAVE_TYPE:
        where = f" where {expectation.where}" if expectation.where else ""
        return f"no rows{where}" if not outcome.applied else f"no values{where}: all {outcome.applied} are null"
    return None


def _error(expectation: Expectation, error: str) -> str:
    private = _PRIVATE_COLUMNS & expectation.columns
    return "it raised an error" if private else f"it raised: {message_without_values(error)}"


def _reason(expectation: Expectation, frame: pl.DataFrame, outcome: Outcome) -> str:
    """Return the failure as text with counts and the most frequent unexpected values, never row ids."""
    subject = expectation.subject
    if expectation.type == TO_EXIST:
        return _no_column(subject)
    private = _PRIVATE_COLUMNS & expectation.columns
    shown = () if private else _frequent(outcome.examples)
    texts = [clipped(text) + (f" ({count} times)" if count > 1 else "") for text, count in shown]
    such_as = f", such as {', '.join(texts)}" if texts else ""
    if expectation.type == TO_HAVE_TYPE and subject in frame.columns and expectation.notes:
        return _wrong_type(expectation, frame[subject], such_as)
    if outcome.unexpected is None:
        found = None if private or outcome.observed is None else observed_in_words(expectation, frame, outcome.observed)
        observed = f", observed {found}" if found else ""
        limits = "" if private else limits_in_words(expectation)
        allowed = f", allowed {limits}" if limits else ""
        return f"{subject}: {MetricName(expectation.name, expectation.where)} failed{observed}{allowed}"
    where = f" where {expectation.where}" if expectation.where else ""
    fault, tolerance = _fault(expectation, is_private=bool(private)), tolerance_in_words(expectation)
    return f"{subject}: {outcome.unexpected} of {outcome.judged} values {fault}{where}{such_as}{tolerance}"


def _wrong_type(expectation: Expectation, column: pl.Series, such_as: str) -> str:
    if column.dtype == pl.String and 0 < (unreadable := unreadable_numbers(column)).len() < column.count():
        counts = unreadable.value_counts(sort=True).sort(["count", column.name], descending=[True, False])
        shown = ", ".join(f"{quoted(text)} ({count} times)" for text, count in _frequent(counts.rows()))
        examples = f", such as {shown}" if shown else ""
        return (
            f"{column.name}: is text, and {unreadable.len()} of {column.count()} values are no numbers{examples}; "
            "values that mean missing belong into null_values"
        )
    return f"{column.name}: has type {column.dtype}{such_as}; expected {expectation.notes}"


def _fault(expectation: Expectation, *, is_private: bool) -> str:
    lower, upper = expectation.kwargs.get("min_value"), expectation.kwargs.get("max_value")
    if expectation.type != "expect_column_values_to_be_between":
        limits = "" if is_private else limits_in_words(expectation)
        named = _FAULTS.get(expectation.type, f"against {expectation.type.removeprefix('expect_')}")
        return f"{named} ({limits})" if limits else named
    if lower is not None and upper is not None:
        return f"outside {lower} to {upper}"
    return f"above {upper}" if lower is None else f"below {lower}"


def _frequent(examples: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return the first of the values that have enough rows to be quoted."""
    return [(text, count) for text, count in examples if may_show(count)][:_EXAMPLES]
