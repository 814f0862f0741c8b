"""The asset checks of a model: a handful, each summing up many measurements of one asset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from monitoring_pipeline.records.measurement import Measurement, Severity, Status

REASONS_SHOWN = 20


@dataclass(frozen=True)
class Check:
    """One check of an asset; a blocking one stops everything downstream in the same run."""

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
    """Sum up measurements, by chunk, in one result for the whole run.

    A blocking check also fails on what could not be measured; breaches of severity ``info`` do not fail a check.
    Without ``stops`` a failed check is never an error: a blocking one would keep the other chunks of the run from
    being measured.
    """
    counted = {Status.BREACHED, Status.SKIPPED} if check.blocking else {Status.BREACHED}
    failed = [
        (chunk, m)
        for chunk, own in measurements.items()
        for m in own
        if m.status in counted and m.severity is not Severity.INFO
    ]
    critical = any(m.severity is Severity.CRITICAL for _, m in failed)
    measured = sum(m.status is not Status.SKIPPED for own in measurements.values() for m in own)
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
