"""The result of a call: measurements and verdicts, as data frames, as text, as HTML, and as JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from monitoring_pipeline.api.results.pictures import Draw, no_pictures, pictures_html
from monitoring_pipeline.api.results.reasons import all_reasons, listed_reasons
from monitoring_pipeline.api.results.tables import ROWS_SHOWN, Table, View
from monitoring_pipeline.evaluation.drift.drifted import drifted_of
from monitoring_pipeline.evaluation.judgement.verdict import decides
from monitoring_pipeline.records.measurement import Measurement, Severity, Status, Verdict, VerdictStatus

if TYPE_CHECKING:
    import pandas as pd

_WORST_FIRST = (VerdictStatus.CRITICAL, VerdictStatus.WARNING, VerdictStatus.UNKNOWN, VerdictStatus.OK)
_FLAGGED = (VerdictStatus.CRITICAL, VerdictStatus.WARNING)
_SCHEMA: Mapping[str, Any] = {
    "chunk": pl.String, "kind": pl.String, "subject": pl.String, "metric": pl.String, "value": pl.Float64,
    "lower": pl.Float64, "upper": pl.Float64, "reference_value": pl.Float64, "p_value": pl.Float64,
    "q_value": pl.Float64, "threshold_lower": pl.Float64, "threshold_upper": pl.Float64, "status": pl.String,
    "severity": pl.String, "rows": pl.Int64, "reason": pl.String, "definition": pl.String,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MeasuredChunk:
    """The measurements of a chunk, and its verdict. ``key`` is empty if the rows were not divided into chunks."""

    key: str
    verdict: Verdict
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True, kw_only=True, repr=False)
class Result:
    """The result of ``compare``, ``performance``, ``monitor`` or ``check``.

    Args:
        title: what was measured, in one line.
        chunks: the chunks in order; one without a key if the rows were not divided.
        notes: what was concluded from the frames, such as the task.
        table: the form of the table in ``summary()`` and in notebooks.
        draw: returns the charts that notebooks show, if the extra ``report`` is installed.
    """

    title: str
    chunks: tuple[MeasuredChunk, ...]
    notes: tuple[str, ...] = ()
    table: Table
    draw: Draw = field(default=no_pictures, compare=False)

    @property
    def verdict(self) -> VerdictStatus:
        """The worst verdict of all chunks: ``critical``, ``warning``, ``unknown`` or ``ok``."""
        given = {chunk.verdict.status for chunk in self.chunks}
        return next((status for status in _WORST_FIRST if status in given), VerdictStatus.UNKNOWN)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons of the verdicts, one line each, after the key of the chunk if there is one.

        Those that decide nothing come last.
        """
        return (*self._reasons(decide=True), *self.informational)

    @property
    def informational(self) -> tuple[str, ...]:
        """The findings of severity info, one line each; they decide nothing, and the summary counts them."""
        return tuple(self._reasons(decide=False))

    @property
    def flagged(self) -> tuple[str, ...]:
        """The keys of the chunks whose verdict is warning or critical."""
        return tuple(chunk.key for chunk in self.chunks if chunk.verdict.status in _FLAGGED)

    @property
    def drifted(self) -> tuple[str, ...]:
        """The columns that have drifted in any chunk; ``features`` stands for all inputs together."""
        return tuple(dict.fromkeys(name for chunk in self.chunks for name in drifted_of(chunk.measurements).subjects))

    @property
    def breaches(self) -> tuple[Measurement, ...]:
        """The measurements outside of their allowed range whose severity is warning or critical."""
        return tuple(
            m for _, m in self._measurements() if m.status is Status.BREACHED and m.severity is not Severity.INFO
        )

    def to_polars(self) -> pl.DataFrame:
        """Return one row for each measurement."""
        return pl.DataFrame([_row(key, m) for key, m in self._measurements()], schema=dict(_SCHEMA), orient="row")

    def to_pandas(self) -> "pd.DataFrame":
        """Return one row for each measurement, as a pandas frame."""
        return self.to_polars().to_pandas()

    def to_json(self) -> str:
        """Return title, notes, verdicts and measurements as JSON; numbers that were not measured are null."""
        return json.dumps(
            {
                "title": self.title,
                "notes": list(self.notes),
                "verdict": str(self.verdict),
                "chunks": [_document(chunk) for chunk in self.chunks],
            }
        )

    def summary(self) -> str:
        """Return the verdict, its reasons and a table as text of at most 80 columns."""
        return self._view().text()

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self._view().html() + pictures_html(self.draw)

    def _view(self) -> View:
        reasons = listed_reasons(self.chunks, rows_shown=ROWS_SHOWN)
        return View(
            title=self.title,
            verdict=str(self.verdict),
            notes=self.notes,
            reasons=reasons,
            rows=self.table.of(self.chunks, reasons),
        )

    def _reasons(self, *, decide: bool) -> Iterator[str]:
        for chunk in self.chunks:
            for reason in all_reasons(chunk.verdict):
                if decides(reason) is decide:
                    yield f"{chunk.key}: {reason}" if chunk.key else reason

    def _measurements(self) -> Iterator[tuple[str, Measurement]]:
        for chunk in self.chunks:
            for measurement in chunk.measurements:
                yield chunk.key, measurement


def measured_chunk(
    key: str, measurements: Sequence[Measurement], verdict: Verdict, column_names: Mapping[str, str]
) -> MeasuredChunk:
    """Return a chunk in whose measurements and reasons columns have the names that they have in the user's frames.

    Args:
        key: the key of the chunk, or nothing.
        measurements: its measurements.
        verdict: the judgement from them.
        column_names: names of columns in the frames, by the name that they have in the measurements.
    """

    def in_users_words(text: str) -> str:
        for name, users_name in column_names.items():
            text = text.replace(name, users_name)
        return text

    return MeasuredChunk(
        key=key,
        verdict=replace(verdict, reasons=tuple(map(in_users_words, verdict.reasons))),
        measurements=tuple(
            replace(
                m,
                subject=column_names.get(m.subject, m.subject),
                reason=None if m.reason is None else in_users_words(m.reason),
            )
            for m in measurements
        ),
    )


def _row(key: str, measurement: Measurement) -> tuple[Any, ...]:
    values = {name: getattr(measurement, name, None) for name in _SCHEMA} | {"chunk": key}
    return tuple(value if value is None or isinstance(value, int | float) else str(value) for value in values.values())


def _document(chunk: MeasuredChunk) -> dict[str, Any]:
    return {
        "chunk": chunk.key,
        "verdict": str(chunk.verdict.status),
        "reasons": list(all_reasons(chunk.verdict)),
        "measurements": [dict(zip(_SCHEMA, _row(chunk.key, m), strict=True)) for m in chunk.measurements],
    }
