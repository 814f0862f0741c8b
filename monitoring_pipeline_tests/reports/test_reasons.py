"""Every verdict that is not ok has its reason in the same line, in every form of output."""

import io
from collections import Counter
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from monitoring_pipeline.api.results.result import Result, measured_chunk
from monitoring_pipeline.api.results.shown import table_of_chunks
from monitoring_pipeline.evaluation.judgement.verdict import NOTHING_DECISIVE, deciding_reasons, judge
from monitoring_pipeline.evaluation.periods import PeriodChunk, PeriodSummary, reasons_of
from monitoring_pipeline.records.effort import Effort
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status, Verdict, VerdictStatus
from monitoring_pipeline.reports.report import Report, _full_text
from monitoring_pipeline.reports.terminal.results import _period_cells, chunk_table, worst_chunks
from monitoring_pipeline_tests.spec.cases import binary_spec

SPEC = binary_spec()
CHUNKS = SPEC.calendar.chunks_named("2024-03-01", "2024-03-03")


@dataclass(frozen=True)
class StoreOfThree:
    """A store with the measurements of three chunks; a chunk without a verdict was not judged."""

    measured: dict[str, list[Measurement]]
    judged: dict[str, Verdict]

    def measurements(self, _model: str, key: str) -> list[Measurement]:
        return self.measured[key]

    def verdict(self, _model: str, key: str) -> Verdict | None:
        return self.judged.get(key)

    def efforts(self, _model: str, _key: str) -> dict[str, Effort]:
        return {}


def _measurement(kind: Kind, status: Status, severity: Severity, name: str, *, has_reason: bool) -> Measurement:
    skipped = status is Status.SKIPPED
    return Measurement(
        kind=kind,
        subject="age",
        name=name,
        model_version="1",
        status=status,
        severity=severity,
        value=None if skipped else 0.4,
        threshold_upper=None if skipped else 0.1,
        reason=f"because of {name}" if skipped or (has_reason and status is Status.BREACHED) else None,
    )


MEASUREMENTS = st.lists(
    st.builds(
        _measurement,
        st.sampled_from(Kind),
        st.sampled_from(Status),
        st.sampled_from(Severity),
        st.sampled_from(["jensen_shannon", "auroc", "labels_arrived_ratio", "change_of_relation"]),
        has_reason=st.booleans(),
    ),
    max_size=6,
)
WORLDS = st.lists(MEASUREMENTS, min_size=3, max_size=3)


@given(measurements=MEASUREMENTS)
def test_verdict_that_is_not_ok_has_a_reason_of_its_own_level(measurements):
    verdict = judge(measurements)
    reasons = deciding_reasons(verdict)
    assert bool(reasons) == (verdict.status is not VerdictStatus.OK)
    assert set(reasons) <= set(verdict.reasons)
    assert not any(reason.endswith("None") for reason in verdict.reasons)
    if verdict.status in (VerdictStatus.WARNING, VerdictStatus.CRITICAL):
        assert reasons[0].startswith(f"{verdict.status}: ")


def test_verdict_that_was_stored_without_a_reason_has_one():
    stored = Verdict(status=VerdictStatus.UNKNOWN, reasons=(), measured=0, breaches=0, skipped=0)
    assert deciding_reasons(stored) == (NOTHING_DECISIVE,)
    assert deciding_reasons(replace(stored, reasons=("info: drift age psi: 0.3",))) == (NOTHING_DECISIVE,)


@given(world=WORLDS, judged=st.lists(st.booleans(), min_size=3, max_size=3))
def test_line_of_a_chunk_has_a_reason_if_its_verdict_is_not_ok(world, judged):
    keys = [chunk.key for chunk in CHUNKS]
    verdicts = {key: judge(own) for key, own, is_judged in zip(keys, world, judged, strict=True) if is_judged}
    store = StoreOfThree(dict(zip(keys, world, strict=True)), verdicts)
    report = chunk_table(SPEC, store, CHUNKS)
    assert report.columns[-2:] == ("verdict", "reason")
    for key, line in zip(keys, report.lines, strict=True):
        is_ok = key in verdicts and verdicts[key].status is VerdictStatus.OK
        assert bool(line[-1]) != is_ok
        assert not _full_text(line[-1]).startswith("info: ")
    assert all(reason for _, reason in worst_chunks(SPEC, store, CHUNKS).lines)


@given(measurements=MEASUREMENTS)
def test_line_of_a_month_has_a_reason_if_a_day_is_not_ok(measurements):
    verdict = judge(measurements)
    assert bool(reasons_of(PeriodChunk(measurements, (), verdict))) == (verdict.status is not VerdictStatus.OK)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_late_labels_are_the_reason_of_a_warning_in_the_table(is_terminal):
    late = _measurement(Kind.QUALITY, Status.OK, Severity.WARNING, "labels_arrived_ratio", has_reason=True)
    late = late.breached("72 labels are known, 260 were expected by now")
    drift = _measurement(Kind.DRIFT, Status.OK, Severity.WARNING, "jensen_shannon", has_reason=True)
    keys = [chunk.key for chunk in CHUNKS]
    days = {keys[0]: [drift], keys[1]: [drift, late], keys[2]: []}
    store = StoreOfThree(days, {key: judge(days[key]) for key in keys[:2]})
    printed = io.StringIO()
    Console(file=printed, force_terminal=is_terminal, width=80, no_color=True, soft_wrap=True).print(
        chunk_table(SPEC, store, CHUNKS)
    )
    text = " ".join(printed.getvalue().split())
    assert "quality age labels_arrived_ratio: 72 labels are known, 260 were expected by now" in text
    assert "nothing was measured" in text


@pytest.mark.parametrize("is_terminal", [True, False])
def test_names_are_left_out_in_a_terminal_only(is_terminal):
    names = [f"column_{n}" for n in range(7)]
    drift = _measurement(Kind.DRIFT, Status.OK, Severity.WARNING, "jensen_shannon", has_reason=True)
    moved = [replace(drift, subject=name).breached(f"{name} is far") for name in names]
    keys = [chunk.key for chunk in CHUNKS]
    store = StoreOfThree(dict.fromkeys(keys, moved), dict.fromkeys(keys, judge(moved)))
    counts = Counter(dict.fromkeys(names, 3))
    month = PeriodSummary(3, None, None, {}, counts, Counter(), 3, counts)
    line = tuple(_period_cells(SPEC, month))
    printed = io.StringIO()
    console = Console(file=printed, force_terminal=is_terminal, width=80, no_color=True, soft_wrap=True)
    console.print(chunk_table(SPEC, store, CHUNKS))
    console.print(Report("months", ("",) * len(line), (line,), (), ()))
    text = printed.getvalue()
    assert ("..." in text) is is_terminal
    assert text.count(names[-1]) == (0 if is_terminal else 3 * 3 + 2)


def test_informational_findings_of_healthy_days_are_one_line_of_a_summary():
    drift = _measurement(Kind.DRIFT, Status.OK, Severity.WARNING, "jensen_shannon", has_reason=True)
    info = replace(drift, kind=Kind.PERFORMANCE, subject="relation", name="change_of_relation", severity=Severity.INFO)
    days = [[drift, info.breached(f"{n / 100} is beyond chance")] for n in range(20)]
    chunks = tuple(measured_chunk(f"day {n:02}", day, judge(day), {}) for n, day in enumerate(days))
    result = Result(title="monitor", chunks=chunks, table=table_of_chunks("day", ""))
    text = " ".join(result.summary().split())
    assert text.endswith("- 20 findings for information (change_of_relation of relation) in .informational")
    assert text.count("change_of_relation") == 1
    assert result.informational == result.reasons
    assert result.informational[3] == "day 03: info: performance relation change_of_relation: 0.03 is beyond chance"
    assert "change_of_relation of relation" in result._repr_html_()


def test_row_of_a_summary_refers_to_its_reason():
    late = _measurement(Kind.QUALITY, Status.OK, Severity.WARNING, "labels_arrived_ratio", has_reason=True)
    drift = _measurement(Kind.DRIFT, Status.OK, Severity.WARNING, "jensen_shannon", has_reason=True)
    days = [[drift, late.breached(f"{n} labels are known")] if n % 2 else [drift] for n in range(60)]
    chunks = tuple(measured_chunk(f"day {n:02}", day, judge(day), {}) for n, day in enumerate(days))
    lines = Result(title="monitor", chunks=chunks, table=table_of_chunks("day", "")).summary().splitlines()
    rows = [line for line in lines if line.startswith("day ") and "warning" in line]
    assert len(rows) == 20
    assert "10 more in .reasons" in lines[-1]
    for row in rows:
        number = row.split()[-1]
        (reason,) = (line for line in lines if line.startswith(f"{number}. "))
        assert row[:6] in reason
