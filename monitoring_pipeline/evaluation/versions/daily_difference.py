"""By how much two versions differ on one day: the measurement that a trial is decided by."""

from dataclasses import replace

import numpy as np

from monitoring_pipeline.evaluation.versions.paired_comparison import decisive_pair
from monitoring_pipeline.evaluation.versions.paired_rows import RANKINGS, PairedRows, loss_name_of
from monitoring_pipeline.records.measurement import Kind, Maturity, Measurement, Role, Severity, Status
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.intervals.intervals import mean_interval
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError

LOSS_DIFFERENCE = "loss_difference"


def measure_daily_difference(
    rows: PairedRows,
    *,
    loss: str | None = None,
    minimum_rows: int = 1,
    role: Role = Role.CHALLENGER,
    maturity: Maturity | None = None,
) -> Measurement:
    """Measure by how much the challenger is worse than the champion on one day's rows (negative: better).

    Args:
        rows: one chunk's labelled rows with both versions' outputs.
        loss: what is compared; default the task's first loss.
        minimum_rows: fewer rows are not measured.
        role: role of the challenger.
        maturity: state of the chunk's labels.

    Returns:
        A measurement of the challenger, of subject ``versions``. A loss of rows has Student's interval over the
        rows of the day. It measures the precision of the day, not the variation between days.
    """
    name = loss_name_of(rows.task, loss)
    blank = Measurement(
        kind=Kind.PERFORMANCE,
        subject="versions",
        name=LOSS_DIFFERENCE,
        of=pair_of_versions(rows.challenger, rows.champion),
        model_version=rows.challenger,
        severity=Severity.INFO,
        status=Status.SKIPPED,
        reason=f"{rows.labels.size} labelled rows of both versions, {max(minimum_rows, 1)} needed",
        rows=rows.labels.size,
        maturity=maturity,
        role=role,
        definition=difference_definition(loss, rows.task, challenger=rows.challenger, champion=rows.champion),
    )
    if rows.labels.size < max(minimum_rows, 1):
        return blank
    try:
        found = _of_one_day(rows, name)
    except UndefinedStatisticError as undefined:
        return replace(blank, reason=str(undefined))
    return replace(blank, status=Status.OK, reason=None, value=found.value, lower=found.lower, upper=found.upper)


def pair_of_versions(challenger: str, champion: str) -> str:
    """Return the pair of versions of a daily difference; the measurement belongs to the challenger."""
    return f"{challenger}-{champion}"


def difference_definition(loss: str | None, task: Task, *, challenger: str, champion: str) -> str:
    """Return the definition of a daily difference in words. ``loss`` is a name from the rules of the gate."""
    name = loss_name_of(task, loss)
    return (
        f"how much worse the {name} of version {challenger} is than that of {champion} on the "
        "same rows, negative where it is better"
    )


def _of_one_day(rows: PairedRows, name: str) -> Quantity:
    if name in RANKINGS[rows.task]:
        champion, challenger = decisive_pair(rows, name)(np.ones(rows.labels.size, dtype=np.bool_))
        return Quantity(champion - challenger)
    champion, challenger = rows.losses(name)
    return mean_interval(challenger - champion)
