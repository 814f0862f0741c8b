"""The run of the asset ``verdict``: its check is the verdict, so that Dagster shows it for each partition."""

from collections.abc import Iterator

import dagster as dg

from monitoring_pipeline.evaluation.judgement.verdict import deciding_reasons
from monitoring_pipeline.orchestration.assets.asset import AssetRun, Event
from monitoring_pipeline.orchestration.assets.checks import CheckOutcome, check_results, listed
from monitoring_pipeline.orchestration.assets.each_chunk import measure_each_chunk
from monitoring_pipeline.records.measurement import Verdict, VerdictStatus


def run_verdict(this: AssetRun) -> Iterator[Event]:
    """Judge each chunk; a chunk that cannot be judged again, such as a refused one, shows its stored verdict."""
    measure_each_chunk(this)
    this.draw_history()
    yield dg.MaterializeResult()
    verdicts = {chunk.key: this.store.verdict(this.spec.name, chunk.key) for chunk in this.chunks}
    outcomes = {
        key: outcome_of_verdict(verdict)
        for key, verdict in verdicts.items()
        # A chunk about which nothing is known is neither good nor bad.
        if verdict is not None and verdict.status is not VerdictStatus.UNKNOWN
    }
    for check in this.asset.checks:
        yield from check_results(this.context, check, outcomes)


def outcome_of_verdict(verdict: Verdict) -> CheckOutcome:
    """Return a verdict as the outcome of a check."""
    reasons = deciding_reasons(verdict)
    return CheckOutcome(
        passed=verdict.status is VerdictStatus.OK,
        is_critical=verdict.status is VerdictStatus.CRITICAL,
        description=reasons[0] if reasons else str(verdict.status),
        metadata={"verdict": str(verdict.status), "breaches": verdict.breaches, "reasons": listed(reasons)},
    )
