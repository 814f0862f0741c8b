"""The gate: whether a challenger is proven better than the champion and within every guard."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitoring_pipeline.evaluation.performance.metrics_table import Per, UnknownMetricError, metrics_of
from monitoring_pipeline.evaluation.performance.thresholds import Better
from monitoring_pipeline.evaluation.versions.paired_comparison import PairedComparison, PairedDifference
from monitoring_pipeline.evaluation.versions.paired_rows import loss_name_of
from monitoring_pipeline.records.evidence import GateCheck
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.retraining import GateRules
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.results import Quantity


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """The gate's answer with its evidence: passed, refused, or not measured (``None``).

    ``reasons`` are the lines against the challenger, or those in its favour if there are none.
    """

    passed: bool | None
    reasons: tuple[str, ...]
    rows: int
    days: int
    checks: tuple[GateCheck, ...]


WORTHWHILE = 0.005
"""Share of the champion's loss by which a challenger must be better if the rules name no number."""


def judge_challenger(rules: GateRules, comparison: PairedComparison) -> GateResult:
    """Judge a challenger by the rules of the gate.

    - Its loss must be smaller by more than ``minimum_improvement`` (0: by ``WORTHWHILE``), by the whole interval.
    - A guarded metric or gap may be worse by the allowance of the guard; the value decides, not its interval.
    - It must not lack an output for more rows than the champion.
    - In a segment its loss may be worse by ``segment_worsening``, and is refused when the whole interval is beyond:
      some of many small segments look worse by chance.

    A refused check outweighs an unmeasured one. An unmeasured loss or guard outweighs every passed check. A segment
    that is too small to be compared is ignored.
    """
    too_little = _too_little(rules, comparison)
    if too_little is not None:
        return GateResult(passed=None, reasons=(too_little,), rows=comparison.rows, days=comparison.days, checks=())
    decisive = (
        _loss_check(rules, comparison.loss),
        *_guard_checks(rules, comparison),
        *_output_checks(comparison),
    )
    checks = (*decisive, *(_segment_check(rules, own) for own in comparison.segments))
    refused = [check.reason for check in checks if check.passed is False]
    unmeasured = [check.reason for check in decisive if check.passed is None]
    in_favour = [*(check.reason for check in decisive), *_segments_in_favour(rules, checks[len(decisive) :])]
    return GateResult(
        passed=False if refused else None if unmeasured else True,
        reasons=tuple(refused or unmeasured or in_favour),
        rows=comparison.rows,
        days=comparison.days,
        checks=checks,
    )


def check_gate_rules(spec: ModelSpec) -> None:
    """Refuse a gate that asks for a loss or metric that the task lacks, or for a column that is no feature.

    Raises:
        ValueError: naming field, value and what is known.
    """
    if spec.retraining is None:
        return
    rules = spec.retraining.gate
    loss_name_of(spec.task, rules.loss)
    known = _guardable(spec)
    if unknown := sorted(map(str, rules.guards.keys() - known)):
        names = ", ".join(sorted(map(str, known)))
        message = f"{spec.name}: gate.guards: unknown {unknown[0]!r} for {spec.task}; known: {names}"
        raise UnknownMetricError(message)
    for field, column in _named_columns(rules):
        if column not in spec.features:
            message = f"{spec.name}: gate.{field}: unknown feature {column!r}; known: {', '.join(spec.features)}"
            raise ValueError(message)
    if rules.fairness and spec.task is not Task.BINARY:
        message = f"{spec.name}: gate.fairness: its rates exist for binary models only; this one is {spec.task}"
        raise ValueError(message)


def _guardable(spec: ModelSpec) -> set[MetricName]:
    metrics = [metric for metric in metrics_of(spec.task) if metric.better is not None]
    of_classes = {MetricName(m.name, name) for m in metrics if m.per is Per.CLASS for name in spec.classes}
    return {MetricName(metric.name) for metric in metrics if metric.per is Per.MODEL} | of_classes


def _named_columns(rules: GateRules) -> Iterator[tuple[str, str]]:
    yield from (("segments", column) for column in rules.segments)
    yield from (("fairness", guard.column) for guard in rules.fairness)


def _too_little(rules: GateRules, comparison: PairedComparison) -> str | None:
    """Return the reason why these rows cannot prove anything, or None."""
    if comparison.rows < rules.minimum_rows:
        return f"{comparison.rows} labelled rows of both versions, at least {rules.minimum_rows} needed"
    if comparison.task is not Task.REGRESSION and comparison.distinct_labels < 2:  # noqa: PLR2004 - two classes
        return f"all {comparison.rows} labels are of one class; nothing can be told apart"
    return None


def _loss_check(rules: GateRules, found: PairedDifference) -> GateCheck:
    least = rules.minimum_improvement or _worthwhile(found)
    allowed = -least or 0.0
    passed = None
    if found.worsening is not None:
        # There is no interval if all days are equal, as for two equal versions. Then nothing is proven.
        passed = found.worsening.upper is not None and found.worsening.upper < allowed
    is_close = passed is False and found.worsening is not None and (found.worsening.upper or 0.0) < 0.0
    needed = f" by more than {least:.2g}" if rules.minimum_improvement or is_close else ""
    return _check(found, found.metric, allowed, (passed, f"proven better{needed}", f"not proven better{needed}"))


def _worthwhile(found: PairedDifference) -> float:
    """Return the least improvement if the rules name none."""
    if found.champion is None:
        return 0.0
    return WORTHWHILE * abs(1 - found.champion if found.better is Better.HIGHER else found.champion)


def _guard_checks(rules: GateRules, comparison: PairedComparison) -> Iterator[GateCheck]:
    measured = {found.metric: found for found in comparison.metrics}
    for name, allowed in rules.guards.items():
        found = measured.get(name) or PairedDifference(
            name=name.name,
            of=name.of,
            better=Better.LOWER,
            rows=comparison.rows,
            days=comparison.days,
            reason="was not compared",
        )
        yield _guard_check(found, allowed)
    for guard, found in zip(rules.fairness, comparison.fairness, strict=True):
        yield _guard_check(found, guard.worsening)


def _guard_check(found: PairedDifference, allowed: float) -> GateCheck:
    passed = None if found.worsening is None else found.worsening.value <= allowed
    return _check(
        found, found.metric, allowed, (passed, f"not worse by more than {allowed:g}", f"worse by more than {allowed:g}")
    )


def _segment_check(rules: GateRules, found: PairedDifference) -> GateCheck:
    allowed = rules.segment_worsening
    passed = None
    if found.worsening is not None:
        passed = found.worsening.lower is None or found.worsening.lower <= allowed
    return _check(
        found,
        MetricName(found.name, found.segment),
        allowed,
        (passed, f"not proven worse by more than {allowed:g}", f"proven worse by more than {allowed:g}"),
    )


def _output_checks(comparison: PairedComparison) -> Iterator[GateCheck]:
    """Yield a failed check if the challenger has no output for more rows than the champion; they are not compared."""
    champion, challenger = comparison.champion_missing, comparison.challenger_missing
    if challenger > champion:
        yield GateCheck(
            name="rows_without_output",
            passed=False,
            champion=float(champion),
            challenger=float(challenger),
            difference=float(challenger - champion),
            lower=None,
            upper=None,
            allowed=0.0,
            reason=f"rows_without_output: challenger {challenger}, champion {champion} of the labelled rows",
        )


def _segments_in_favour(rules: GateRules, checks: Sequence[GateCheck]) -> Iterator[str]:
    if not checks:
        return
    too_small = sum(check.passed is None for check in checks)
    few = f"; {too_small} could not be compared" if too_small else ""
    compared = len(checks) - too_small
    yield f"in none of {compared} segments proven worse by more than {rules.segment_worsening:g}{few}"


def _check(
    found: PairedDifference, name: MetricName, allowed: float, verdict: tuple[bool | None, str, str]
) -> GateCheck:
    """Return the check with its reason.

    Args:
        found: the paired difference.
        name: name of the check.
        allowed: the largest difference that is allowed.
        verdict: whether it passed, and the words for either answer.
    """
    passed, yes, no = verdict
    if passed is None:
        reason = f"{name}: could not be compared: {found.reason}"
    else:
        reason = f"{name}: {yes if passed else no}: {_shown(found)}"
    worsening = found.worsening
    return GateCheck(
        name=str(name),
        passed=passed,
        champion=found.champion,
        challenger=found.challenger,
        difference=worsening.value if worsening else None,
        lower=worsening.lower if worsening else None,
        upper=worsening.upper if worsening else None,
        allowed=allowed,
        reason=reason,
    )


def _shown(found: PairedDifference) -> str:
    rows = f"{found.rows} rows of {found.days} days"
    if found.worsening is None or found.champion is None or found.challenger is None:
        return rows
    return f"challenger {found.challenger:.4g}, champion {found.champion:.4g}, {_difference(found.worsening)}; {rows}"


def _difference(worsening: Quantity) -> str:
    sign, word = (-1.0, "better") if worsening.value < 0 else (1.0, "worse")
    if worsening.lower is None or worsening.upper is None:
        return f"{word} by {abs(worsening.value):.4g} on every day"
    lower, upper = sorted((sign * worsening.lower, sign * worsening.upper))
    return f"{word} by {abs(worsening.value):.4g} ({lower:.4g} to {upper:.4g})"
