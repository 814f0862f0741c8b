"""The asset checks of a model: each summarizes many measurements of one asset, and has one result per chunk."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from monitoring_pipeline.orchestration.runs.dagster_private import AssetCheckEvaluationTargetMaterializationData
from monitoring_pipeline.orchestration.runs.partitions import partitions_of
from monitoring_pipeline.records.measurement import Measurement, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec

REASONS_SHOWN = 20


@dataclass(frozen=True)
class Check:
    """One check of an asset. If a blocking check fails, nothing downstream runs in the same run."""

    name: str
    description: str
    blocking: bool = False


@dataclass(frozen=True, kw_only=True)
class CheckOutcome:
    """What a check found about one chunk.

    Args:
        passed: whether nothing is wrong.
        is_critical: whether something is that has the severity ``critical``.
        description: the outcome in a few words.
        metadata: what Dagster shows with it.
    """

    passed: bool
    is_critical: bool
    description: str
    metadata: Mapping[str, Any]


def check_specs(spec: ModelSpec, asset: dg.AssetKey, checks: Sequence[Check]) -> list[dg.AssetCheckSpec]:
    """Return the specs of one asset's checks, with the partitions of the asset."""
    return [
        dg.AssetCheckSpec(
            check.name,
            asset=asset,
            description=check.description,
            blocking=check.blocking,
            partitions_def=partitions_of(spec),
        )
        for check in checks
    ]


def check_results(
    context: dg.AssetExecutionContext,
    check: Check,
    outcomes: Mapping[str, CheckOutcome],
    *,
    stops: bool = True,
) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
    """Yield the result of a check for each chunk of a run; the results of other chunks stay.

    Dagster makes a result of a partition only if the run has a single one, so the evaluations are made
    here. They come after the materialization, because Dagster shows a result only if it is about the newest one.

    Args:
        context: Dagster's context of the run.
        check: the check.
        outcomes: the outcomes by chunk key; a chunk that is missing has no result.
        stops: whether a failure of a blocking check stops the assets downstream, for all chunks of the run.
    """
    key, targets = context.asset_key, _newest_materializations(context, list(outcomes))
    for chunk, outcome in outcomes.items():
        yield dg.AssetCheckEvaluation(
            asset_key=key,
            check_name=check.name,
            passed=outcome.passed,
            severity=dg.AssetCheckSeverity.ERROR if outcome.is_critical else dg.AssetCheckSeverity.WARN,
            description=outcome.description,
            metadata=outcome.metadata,
            target_materialization_data=targets.get(chunk),
            blocking=check.blocking and stops,
            partition=chunk,
        )
    # Steps downstream wait for the output, not for the results.
    output = context.assets_def.get_output_name_for_asset_check_key(dg.AssetCheckKey(key, check.name))
    yield dg.Output(None, output_name=output)


def outcome_of(check: Check, measurements: Sequence[Measurement]) -> CheckOutcome:
    """Return the outcome of a check for the measurements of a chunk.

    A check fails on breached measurements; a blocking check also fails on skipped ones. Severity ``info`` never fails
    a check.
    """
    counted = {Status.BREACHED, Status.SKIPPED} if check.blocking else {Status.BREACHED}
    failed = [m for m in measurements if m.status in counted and m.severity is not Severity.INFO]
    measured = sum(m.status is not Status.SKIPPED for m in measurements)
    return CheckOutcome(
        passed=not failed,
        is_critical=any(m.severity is Severity.CRITICAL for m in failed),
        description=f"{len(failed)} of {measured} measurements breached" if failed else f"{measured} measurements fine",
        metadata={
            "breached": len(failed),
            "measured": measured,
            "reasons": listed([f"{m.subject} {m.metric}: {m.reason}" for m in failed]),
        },
    )


def listed(reasons: Sequence[str]) -> dg.MarkdownMetadataValue:
    """Return reasons as a list in Markdown; some are counted instead if there are many."""
    more = [f"and {len(reasons) - REASONS_SHOWN} more"] if len(reasons) > REASONS_SHOWN else []
    return dg.MetadataValue.md("\n".join(f"- {text}" for text in [*reasons[:REASONS_SHOWN], *more]) or "none")


def _newest_materializations(
    context: dg.AssetExecutionContext, chunks: Sequence[str]
) -> dict[str, AssetCheckEvaluationTargetMaterializationData]:
    """Return the newest materialization of each partition that has one."""
    newest: dict[str, AssetCheckEvaluationTargetMaterializationData] = {}
    wanted = dg.AssetRecordsFilter(context.asset_key, asset_partitions=chunks)
    for record in context.instance.fetch_materializations(wanted, limit=len(chunks)).records if chunks else ():
        newest.setdefault(
            str(record.partition_key),
            AssetCheckEvaluationTargetMaterializationData(
                storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
            ),
        )
    return newest
