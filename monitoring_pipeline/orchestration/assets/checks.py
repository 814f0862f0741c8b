"""The asset checks of a model. Each summarizes many measurements of one asset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from monitoring_pipeline.records.measurement import Measurement, Severity, Status

REASONS_SHOWN = 20


@dataclass(frozen=True)
class Check:
    """One check of an asset. If a blocking check fails, nothing downstream runs in the same run."""

    name: str
    description: str
    blocking: bool = False


def check_specs(model: str, asset: str, checks: Sequence[Check]) -> list[dg.AssetCheckSpec]:
    """Return the specs of one asset's checks."""
    return [
        dg.AssetCheckSpec(
            check.name, asset=dg.AssetKey([model, asset]), description=check.description, blocking=check.blocking
        )
        for check in checks
    ]


def check_result(
    model: str,
    asset: str,
    check: Check,
    measurements: Mapping[str, Sequence[Measurement]],
    *,
    stops: bool = True,
) -> dg.AssetCheckResult:
    """Summarize the measurements of all chunks of a run in one result.

    A check fails on breached measurements; a blocking check also fails on skipped ones. Severity ``info`` never fails
    a check. Without ``stops`` a failed check is a warning, because an error in a blocking check would stop the
    measurement of the other chunks.
    """
    counted = {Status.BREACHED, Status.SKIPPED} if check.blocking else {Status.BREACHED}
    failed = [
        (chunk, m)
        for chunk, of_chunk in measurements.items()
        for m in of_chunk
        if m.status in counted and m.severity is not Severity.INFO
    ]
    critical = any(m.severity is Severity.CRITICAL for _, m in failed)
    measured = sum(m.status is not Status.SKIPPED for of_chunk in measurements.values() for m in of_chunk)
    reasons = [f"- {chunk}: {m.subject} {m.metric}: {m.reason}" for chunk, m in failed]
    more = [f"- and {len(reasons) - REASONS_SHOWN} more"] if len(reasons) > REASONS_SHOWN else []
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey([model, asset]),
        check_name=check.name,
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if critical and stops else dg.AssetCheckSeverity.WARN,
        description=f"{len(failed)} of {measured} measurements breached" if failed else f"{measured} measurements fine",
        metadata={
            "breached": len(failed),
            "measured": measured,
            "chunks": len(measurements),
            "reasons": dg.MetadataValue.md("\n".join([*reasons[:REASONS_SHOWN], *more]) or "none"),
        },
    )
