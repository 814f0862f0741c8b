"""The asset checks of a model: each summarizes many measurements of one asset, and has one result per chunk."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

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


def check_specs(spec: ModelSpec, asset: str, checks: Sequence[Check]) -> list[dg.AssetCheckSpec]:
    """Return the specs of one asset's checks, with the partitions of the asset."""
    return [
        dg.AssetCheckSpec(
            check.name,
            asset=dg.AssetKey([spec.name, asset]),
            description=check.description,
            blocking=check.blocking,
            partitions_def=partitions_of(spec),
        )
        for check in checks
    ]


def check_results(
    context: dg.AssetExecutionContext,
    check: Check,
    measurements: Mapping[str, Sequence[Measurement]],
    *,
    stops: bool = True,
) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
    """Yield the result of a check for each chunk of a run; the results of other chunks stay.

    Dagster makes a result of a partition only if the run has a single one, so the evaluations are made
    here. They come after the materialization, because Dagster shows a result only if it is about the newest one.

    Args:
        context: Dagster's context of the run.
        check: the check.
        measurements: the measurements by chunk key; a chunk that is missing has no result.
        stops: whether a failure of a blocking check stops the assets downstream, for all chunks of the run.
    """
    key, targets = context.asset_key, _newest_materializations(context, list(measurements))
    for chunk, measured in measurements.items():
        yield _evaluation(key, check, chunk, measured, targets.get(chunk), stops=stops)
    # Steps downstream wait for the output, not for the results.
    output = context.assets_def.get_output_name_for_asset_check_key(dg.AssetCheckKey(key, check.name))
    yield dg.Output(None, output_name=output)


def _evaluation(
    key: dg.AssetKey,
    check: Check,
    chunk: str,
    measurements: Sequence[Measurement],
    target: AssetCheckEvaluationTargetMaterializationData | None,
    *,
    stops: bool,
) -> dg.AssetCheckEvaluation:
    """Return the result for a chunk.

    A check fails on breached measurements; a blocking check also fails on skipped ones. Severity ``info`` never fails
    a check.
    """
    counted = {Status.BREACHED, Status.SKIPPED} if check.blocking else {Status.BREACHED}
    failed = [m for m in measurements if m.status in counted and m.severity is not Severity.INFO]
    critical = any(m.severity is Severity.CRITICAL for m in failed)
    measured = sum(m.status is not Status.SKIPPED for m in measurements)
    reasons = [f"- {m.subject} {m.metric}: {m.reason}" for m in failed]
    more = [f"- and {len(reasons) - REASONS_SHOWN} more"] if len(reasons) > REASONS_SHOWN else []
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=check.name,
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if critical else dg.AssetCheckSeverity.WARN,
        description=f"{len(failed)} of {measured} measurements breached" if failed else f"{measured} measurements fine",
        metadata={
            "breached": len(failed),
            "measured": measured,
            "reasons": dg.MetadataValue.md("\n".join([*reasons[:REASONS_SHOWN], *more]) or "none"),
        },
        target_materialization_data=target,
        blocking=check.blocking and stops,
        partition=chunk,
    )


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
