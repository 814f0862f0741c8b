"""The asset that removes what retention.yaml no longer keeps, and its schedule."""

from collections.abc import Callable, Sequence

import dagster as dg

from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.orchestration.runs.old_runs import RemovedRuns, remove_old_runs
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.ports.snapshots import RemovableSnapshots
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.audit import AuditAction, AuditEntry
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.retention import RetentionRules
from monitoring_pipeline.steps.retention import Removed, retain

ASSET, JOB, SCHEDULE = "retention", "retention_job", "retention_schedule"
Rules = Callable[[], RetentionRules]


def build_retention(specs: Sequence[ModelSpec], rules: Rules, names: Names = PLAIN) -> dg.Definitions:
    """Return the asset, its job and its schedule; none if retention.yaml removes nothing."""
    declared = rules()
    if not declared.removes:
        return dg.Definitions()
    asset = _asset(specs, rules, names)
    job = dg.define_asset_job(
        names.of(JOB),
        selection=[asset],
        executor_def=dg.in_process_executor,
        description="Removes what retention.yaml no longer keeps.",
    )
    schedule = dg.ScheduleDefinition(
        name=names.of(SCHEDULE),
        job=job,
        cron_schedule=f"{declared.at.minute} {declared.at.hour} * * *",
        execution_timezone=declared.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Every day, as retention.yaml declares.",
    )
    return dg.Definitions(assets=[asset], jobs=[job], schedules=[schedule])


def _asset(specs: Sequence[ModelSpec], rules: Rules, names: Names) -> dg.AssetsDefinition:
    @dg.asset(
        key=names.asset(ASSET),
        description="What was removed by retention.yaml: rows of old chunks, replaced results, and runs of Dagster. "
        "A run that is killed leaves nothing half removed; the next one finishes.",
    )
    @hidden_in_errors()
    @names.given
    def retention(
        context: dg.AssetExecutionContext,
        store: dg.ResourceParam[Store],
        snapshots: dg.ResourceParam[RemovableSnapshots],
        clock: dg.ResourceParam[Clock],
    ) -> dg.MaterializeResult:
        declared, now = rules(), clock()
        removed = retain(specs, declared, store, snapshots, now=now, actor=f"run {context.run.run_id}")
        runs = RemovedRuns()
        if declared.dagster_runs is not None:
            runs = remove_old_runs(context.instance, specs, before=now - declared.dagster_runs, names=names)
            if runs.runs:
                store.record(
                    AuditEntry(
                        at=now, actor=f"run {context.run.run_id}", action=AuditAction.RETAINED,
                        summary=f"{runs.runs:,} runs of Dagster", details={"runs": runs.runs, "bytes": runs.bytes},
                    )
                )  # fmt: skip
        return dg.MaterializeResult(metadata=_metadata(removed, runs))

    return retention


def _metadata(removed: Sequence[Removed], runs: RemovedRuns) -> dict[str, dg.MetadataValue]:
    lines = "\n".join(
        f"| {each.model} | {each.files:,} | {each.bytes / 1e6:,.1f} | {each.revisions:,} | {each.kept_from or ''} |"
        for each in removed
    )
    head = "| model | files | MB | replaced results | kept from, for open incidents |\n|---|---|---|---|---|\n"
    return {
        "files": dg.MetadataValue.int(sum(each.files for each in removed)),
        "bytes": dg.MetadataValue.int(sum(each.bytes for each in removed) + runs.bytes),
        "replaced results": dg.MetadataValue.int(sum(each.revisions for each in removed)),
        "runs": dg.MetadataValue.int(runs.runs),
        "models": dg.MetadataValue.md(head + lines),
    }
