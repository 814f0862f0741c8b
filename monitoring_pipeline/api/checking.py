"""A Great Expectations suite on the rows of a frame."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from monitoring_pipeline.api.frames import ArgumentError, polars_frame
from monitoring_pipeline.api.results.result import Result, measured_chunk
from monitoring_pipeline.api.results.shown import table_of_expectations
from monitoring_pipeline.evaluation.judgement.verdict import judge
from monitoring_pipeline.records.measurement import Measurement, Status, Verdict, VerdictStatus

Suite = str | PathLike[str] | Mapping[str, Any] | Sequence[Mapping[str, Any]]
_ARGUMENT = Path("suite")


def check(suite: Suite, rows: object) -> Result:
    """Check rows by a suite of Great Expectations.

    Counts answer most types of expectations. The first call with another type takes some seconds, because it imports
    Great Expectations.

    Args:
        suite: a suite file, or its content: ``{"expectations": [...]}``, or the list of expectations alone. Each has a
            ``type``, ``kwargs``, and perhaps a ``severity`` and ``notes``.
        rows: pandas, Polars, PyArrow, or a DuckDB relation. Expectations name its columns.

    Returns:
        One measurement for each expectation: the share of unexpected values, or 1 if the whole column or table fails.

    Raises:
        ArgumentError: if the suite is none, or rows are no frame.
    """
    frame = polars_frame(rows, "rows")
    from monitoring_pipeline.quality.runner import check_rows
    from monitoring_pipeline.quality.suites import SuiteError, load_suite, suite_of

    try:
        loaded = load_suite(Path(suite)) if isinstance(suite, str | PathLike) else suite_of(_document(suite), _ARGUMENT)
    except SuiteError as error:
        raise ArgumentError(str(error)) from None
    measured = check_rows(frame, loaded.expectations)
    failed = sum(m.status is Status.BREACHED for m in measured)
    return Result(
        title=f"check: {failed} of {len(measured)} expectations failed on {frame.height:,} rows",
        chunks=(measured_chunk("", measured, _verdict(measured), {}),),
        table=table_of_expectations(),
    )


def _document(suite: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return dict(suite) if isinstance(suite, Mapping) else {"expectations": list(suite)}


def _verdict(measured: Sequence[Measurement]) -> Verdict:
    """Return the verdict on expectations alone: it is ok if one was measured and none failed."""
    verdict = judge(measured)
    missing = [f"not measured: {m.subject} {m.metric}: {m.reason}" for m in measured if m.status is Status.SKIPPED]
    is_ok = verdict.status is VerdictStatus.UNKNOWN and verdict.measured
    return replace(verdict, status=VerdictStatus.OK if is_ok else verdict.status, reasons=(*verdict.reasons, *missing))
