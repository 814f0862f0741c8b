"""The digest of each week: a schedule requests it, and a job writes it into the outbox."""

import dagster as dg

from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.spec.alerting import AlertingRules
from monitoring_pipeline.spec.week import Week
from monitoring_pipeline.steps.chunk.incidents import Rules
from monitoring_pipeline.steps.week import last_complete_week

JOB, SCHEDULE, WEEK_TAG = "weekly_digest", "weekly_digest_schedule", "week"
_DAYS = {"sunday": 0, "monday": 1, "tuesday": 2, "wednesday": 3, "thursday": 4, "friday": 5, "saturday": 6}
"""The days of the week in cron."""


def build_weekly_digest(rules: AlertingRules, names: Names = PLAIN) -> dg.Definitions:
    """Return the job and its schedule; none if alerting.yaml declares no digest of the week."""
    declared = rules.weekly_digest
    if declared is None:
        return dg.Definitions()
    job, zone = _job(names), rules.digest_zone(declared)

    @dg.schedule(
        job=job,
        name=names.of(SCHEDULE),
        cron_schedule=f"{declared.at.minute} {declared.at.hour} * * {_DAYS[declared.day]}",
        execution_timezone=str(zone),
        description=f"The week that has ended, to {', '.join(declared.channels)}.",
    )
    def weekly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        week = last_complete_week(context.scheduled_execution_time, zone)
        return dg.RunRequest(run_key=week.key, tags={WEEK_TAG: week.key})

    return dg.Definitions(jobs=[job], schedules=[weekly])


def _job(names: Names) -> dg.JobDefinition:
    @dg.op(
        name=names.of("queue_week"), description="Writes the digest of a week into the outbox, once for each channel."
    )
    @hidden_in_errors()
    @names.given
    def queue_week(
        context: dg.OpExecutionContext,
        store: dg.ResourceParam[Store],
        clock: dg.ResourceParam[Clock],
        alerting: dg.ResourceParam[Rules],
    ) -> None:
        rules = alerting()
        declared = rules.weekly_digest
        if declared is None:
            context.log.warning("alerting.yaml no longer declares weekly_digest, so none is sent")
            return
        named = context.run.tags.get(WEEK_TAG)
        week = Week.named(named) if named else last_complete_week(clock(), rules.digest_zone(declared))
        added = store.queue_week(week.key, declared.channels, at=clock())
        context.add_output_metadata({"week": week.key, "channels": ", ".join(added) or "none: they have this week"})

    @dg.job(
        name=names.of(JOB),
        executor_def=dg.in_process_executor,
        tags={JOB: names.prefix or "all"},
        description=f"The digest of the week that ended last, or of the week in the tag {WEEK_TAG}. The sensor "
        f"`{names.of('alerts')}` has it delivered.",
    )
    def weekly_digest() -> None:
        queue_week()

    return weekly_digest
