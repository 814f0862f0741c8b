"""The asset checks of a model: a handful, each summing up many measurements of one asset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from monitoring_pipeline.records.measurement import Measurement, Severity, Status

REASONS_SHOWN = 20


@dataclass(frozen=True)
class Check:
    """One asset check; a blocking one stops everything downstream in the same run."""

    name: str
    asset: str
    description: str
    blocking: bool = False


CHECKS = (
    Check("schema", "predictions", "Needed columns exist, and their types fit the spec.", blocking=True),
    Check("values", "predictions", "The value expectations of the model's Great Expectations suite."),
    Check("rows", "predictions", "Enough predictions, without duplicates, null ids or null times."),
    Check("columns", "profile", "No column has lost all its values."),
    Check("drift", "drift", "No column has drifted from the reference: effect over the floor, and evidence."),
    Check("estimate", "estimate", "No metric is expected, without labels, on the wrong side of its threshold."),
    Check("labels", "labels", "No duplicate, orphan, empty or impossible labels."),
    Check("performance", "performance", "No metric's interval is on the wrong side of its threshold."),
)


def check_specs(model: str, asset: str) -> list[dg.AssetCheckSpec]:
    """Return the specs of one asset's checks."""
    return [
        dg.AssetCheckSpec(
            check.name, asset=dg.AssetKey([model, asset]), description=check.description, blocking=check.blocking
        )
        for check in CHECKS
        if check.asset == asset
    ]


def check_result(
    model: str,
    asset: str,
    name: str,
    measurements: Mapping[str, Sequence[Measurement]],
    *,
    stops: bool = True,
) -> dg.AssetCheckResult:
    """Sum up measurements, by chunk, in one result for the whole run.

    A blocking check also fails on what could not be measured; breaches of severity ``info`` do not fail a check.
    Without ``stops`` a failed check is never an error: a blocking one would keep the other chunks of the run from
    being measured.
    """
    check = next(c for c in CHECKS if (c.asset, c.name) == (asset, name))
    counted = {Status.BREACHED, Status.SKIPPED} if check.blocking else {Status.BREACHED}
    failed = [
        (chunk, m)
        for chunk, own in measurements.items()
        for m in own
        if m.status in counted and m.severity is not Severity.INFO
    ]
    critical = any(m.severity is Severity.CRITICAL for _, m in failed)
    measured = sum(m.status is not Status.SKIPPED for own in measurements.values() for m in own)
    reasons = [f"- {chunk}: {m.subject} {m.name}: {m.reason}" for chunk, m in failed]
    more = [f"- and {len(reasons) - REASONS_SHOWN} more"] if len(reasons) > REASONS_SHOWN else []
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey([model, asset]),
        check_name=name,
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
