"""Findings about a deployment as a report."""

from collections.abc import Sequence

from monitoring_pipeline.doctor.findings import Checked, Level
from monitoring_pipeline.reports.report import Report, Styled

DOCTOR_FIELDS = ("check", "level", "seen", "remedy")
_STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}


def doctor_table(findings: Sequence[Checked]) -> Report:
    """Return one line for each finding; the remedy follows the fact."""
    return Report(
        title=_summary(findings),
        columns=("level", "check", "seen"),
        lines=tuple(
            (
                Styled(each.finding.level, _STYLES[each.finding.level]),
                each.check,
                each.finding.seen + (f" -> {each.finding.remedy}" if each.finding.remedy else ""),
            )
            for each in findings
        ),
        fields=DOCTOR_FIELDS,
        records=tuple(
            dict(
                zip(
                    DOCTOR_FIELDS,
                    (each.check, each.finding.level.value, each.finding.seen, each.finding.remedy or None),
                    strict=True,
                )
            )
            for each in findings
        ),
    )


def _summary(findings: Sequence[Checked]) -> str:
    counts = {level: sum(each.finding.level is level for each in findings) for level in (Level.PROBLEM, Level.WARNING)}
    if not any(counts.values()):
        return "nothing to do"
    words = [f"{count} {level}{'' if count == 1 else 's'}" for level, count in counts.items() if count]
    return " and ".join(words)
