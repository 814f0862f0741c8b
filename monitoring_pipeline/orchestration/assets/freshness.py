"""The freshness policy of a model's verdict: Dagster shows a model whose newest chunk was not judged in time."""

import datetime as dt

import dagster as dg

from monitoring_pipeline.evaluation.operations.pipeline_health import DEFAULT_GRACE
from monitoring_pipeline.orchestration.runs.times import CRON_DAYS
from monitoring_pipeline.spec.model import ModelSpec

LAST_MINUTE = dt.timedelta(hours=23, minutes=59)


def freshness_of(spec: ModelSpec) -> dg.FreshnessPolicy:
    """Return the policy: a verdict between the end of a chunk and the time at which it is overdue.

    For hours it is a verdict within the length of a chunk, its delay and the grace period.
    """
    calendar = spec.calendar
    if calendar.has_hours:
        return dg.FreshnessPolicy.time_window(fail_window=calendar.length + calendar.delay + DEFAULT_GRACE)
    time = calendar.schedule
    since_midnight = dt.timedelta(hours=time.hour, minutes=time.minute) + DEFAULT_GRACE
    deadline = min(since_midnight, LAST_MINUTE)
    hours, minutes = divmod(deadline // dt.timedelta(minutes=1), 60)
    return dg.FreshnessPolicy.cron(
        deadline_cron=f"{minutes} {hours} {CRON_DAYS[calendar.noun]}",
        lower_bound_delta=deadline,
        timezone=spec.timezone,
    )
