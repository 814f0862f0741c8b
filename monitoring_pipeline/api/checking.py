"""A Great Expectations suite on the rows of a frame."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from monitoring_pipeline.api.frames import ArgumentError, polars_frame
from monitoring_pipeline.api.reading import read_by_spec
from monitoring_pipeline.api.results.result import Result, measured_chunk
from monitoring_pipeline.api.results.shown import table_of_expectations
from monitoring_pipeline.evaluation.judgement.verdict import judge
from monitoring_pipeline.records.measurement import Measurement, Status, Verdict, VerdictStatus
from monitoring_pipeline.spec.loading import load_spec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.parsing.documents import SpecError, document_of

if TYPE_CHECKING:
    from monitoring_pipeline.quality.expectation import Expectation

Suite = str | PathLike[str] | Mapping[str, Any] | Sequence[Mapping[str, Any]]
_ARGUMENT, _SPEC = Path("suite"), Path("spec")


def check(suite: Suite, rows: object, *, spec: str | PathLike[str] | Mapping[str, Any] | None = None) -> Result:
    """Check rows by a suite of Great Expectations.

    Counts answer most types of expectations. The first call with another type takes some seconds, because it imports
    Great Expectations.

    Args:
        suite: a suite file, or its content: ``{"expectations": [...]}``, or the list of expectations alone. Each has a
            ``type``, ``kwargs``, and perhaps a ``severity`` and ``notes``.
        rows: pandas, Polars, PyArrow, or a DuckDB relation. Expectations name its columns.
        spec: the spec of the model, a file or its content, if the suite was drafted for it: expectations then name
            columns as the spec does, such as ``row_id``, and rows have the columns of the table of predictions.

    Returns:
        One measurement for each expectation: the share of unexpected values, or 1 if the whole column or table fails,
        or the column does not exist.

    Raises:
        ArgumentError: if the suite or the spec is none, or rows are no frame.
    """
    frame = polars_frame(rows, "rows")
    notes: list[str] = []
    if spec is not None:
        frame, without_time = read_by_spec(_spec(spec), frame)
        notes += [f"{without_time:,} rows without a time are left out"] if without_time else []
    from monitoring_pipeline.quality.runner import OF_EVERY_MODEL, check_rows
    from monitoring_pipeline.quality.suites import SuiteError, load_suite, suite_of

    try:
        loaded = load_suite(Path(suite)) if isinstance(suite, str | PathLike) else suite_of(_document(suite), _ARGUMENT)
    except SuiteError as error:
        raise ArgumentError(str(error)) from None
    measured = check_rows(frame, loaded.expectations)
    if spec is None and (named := _missing(loaded.expectations, OF_EVERY_MODEL, frame)):
        notes.append(f"{', '.join(named)}: a suite names columns so if it was drafted for a spec; name it as spec")
    failed = sum(m.status is Status.BREACHED for m in measured)
    return Result(
        title=f"check: {failed} of {len(measured)} expectations failed on {frame.height:,} rows",
        chunks=(measured_chunk("", measured, _verdict(measured), {}),),
        notes=tuple(notes),
        table=table_of_expectations(),
    )


def _spec(given: str | PathLike[str] | Mapping[str, Any]) -> ModelSpec:
    try:
        return document_of(given, _SPEC, ModelSpec) if isinstance(given, Mapping) else load_spec(Path(given)).spec
    except SpecError as error:
        raise ArgumentError(str(error) if isinstance(given, Mapping) else f"{_SPEC}: {error}") from None


def _missing(expectations: "Sequence[Expectation]", names: Sequence[str], frame: pl.DataFrame) -> list[str]:
    """Return the names for which expectations have no column in a frame."""
    named = set[str]().union(*(expectation.columns for expectation in expectations))
    return [name for name in names if name in named - set(frame.columns)]


def _document(suite: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return dict(suite) if isinstance(suite, Mapping) else {"expectations": list(suite)}


def _verdict(measured: Sequence[Measurement]) -> Verdict:
    """Return the verdict on expectations alone: it is ok if one was measured and none failed."""
    verdict = judge(measured)
    missing = [f"not measured: {m.subject} {m.metric}: {m.reason}" for m in measured if m.status is Status.SKIPPED]
    is_ok = verdict.status is VerdictStatus.UNKNOWN and verdict.measured
    return replace(verdict, status=VerdictStatus.OK if is_ok else verdict.status, reasons=(*verdict.reasons, *missing))
