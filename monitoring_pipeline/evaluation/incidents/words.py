"""Titles and summaries of incidents and their events, one line each, without row identifiers."""

from collections.abc import Callable, Sequence

from monitoring_pipeline.evaluation.business.burn_rates import BURN_RATE
from monitoring_pipeline.evaluation.business.money import COST
from monitoring_pipeline.evaluation.explanation.effect import EFFECTS
from monitoring_pipeline.evaluation.incidents.evidence import Evidence
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.incident import Finding
from monitoring_pipeline.records.measurement import Kind
from monitoring_pipeline.spec.derived_columns import feature_and_part, shown_part
from monitoring_pipeline.spec.rules.threshold import Persistence

NAMES_SHOWN = 5
PARTS_SHOWN = 4


def title_of(
    cause: Cause,
    findings: Sequence[Finding],
    *,
    since: str,
    breached: int,
    measured: int,
    noun: str,
    effect: str = "",
    split: str = "",
    money: str = "",
) -> str:
    """Return the title of an incident.

    Args:
        cause: its cause.
        findings: the breaches of its newest breached chunk, in order.
        since: key of the first breached chunk of the incident.
        breached: breached ones among the last measured chunks.
        measured: the number of these chunks.
        noun: the word for a chunk.
        effect: the words for the effect of drift on the model; empty if they are not to be shown.
        split: the sentence about the parts of the change; empty if there is none.
        money: the sentence about what its chunks are worth; empty if there is none.
    """
    own = [finding for finding in findings if not finding.consequence] or list(findings)
    line = _TITLES.get(cause.family, _by_reason)(cause, own, since)
    lasting = f", on {breached} of {measured} {noun}s" if breached > 1 else ""
    challenger = f"challenger {cause.version}: " if cause.version else ""
    return challenger + line + lasting + "".join(f"; {words}" for words in (effect, split, money) if words)


def spread_words(subjects: Sequence[str]) -> str:
    """Return the sentence about subjects that joined an incident."""
    return f"now also {listed([_shown_subject(subject) for subject in subjects])}"


def evidence_words(evidence: Sequence[Evidence], rule: Persistence, noun: str) -> str:
    """Return the end of a sentence about chunks that opened an incident by their distance from the limit.

    It is empty if each of them counts once, because their number is in the title then.
    """
    counted = sum(each.chunks for each in evidence)
    if counted == len(evidence):
        return ""
    farthest = max(each.deviations for each in evidence)
    return (
        f"; counts as {counted} {noun}s of the {rule.chunks} of {rule.of} that open an incident: "
        f"{farthest:.0f} standard deviations beyond the limit"
    )


def persistence_words(rule: Persistence, noun: str) -> str:
    """Return the sentence about an incident that became critical by lasting."""
    return f"breached on {rule.chunks} of the last {rule.of} measured {noun}s"


def resolution_words(rule: Persistence, *, since: str, breached: int, noun: str) -> str:
    """Return the sentence about a resolved incident."""
    fine = f"{rule.chunks} {noun}s" if rule.chunks == rule.of else f"{rule.chunks} of the last {rule.of} {noun}s"
    one = f"an {noun}" if noun == "hour" else f"a {noun}"
    return f"fine on {fine if rule.of > 1 else one}; since {since} it was breached on {_counted(breached, noun)}"


def end_of_trial_words(version: str) -> str:
    """Return the sentence about an incident that ends because its version is no longer a challenger."""
    return f"version {version} is no longer a challenger"


def end_of_scoring_words(version: str, chunks: int, noun: str) -> str:
    """Return the sentence about an incident that ends because its challenger stopped scoring."""
    return f"version {version} has not been measured on the last {_counted(chunks, noun)} on which others were"


def undeclared_words() -> str:
    """Return the sentence about an incident that ends because its subject is no longer monitored."""
    return "what it was about is no longer in the spec"


def told_late_words(since: str) -> str:
    """Return the sentence about an incident that began earlier and is reported only now."""
    return f"open since {since}, told only now: "


def listed(names: Sequence[str]) -> str:
    """Return the first names, and the number of the others."""
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _drifted_inputs(_cause: Cause, findings: Sequence[Finding], since: str) -> str:
    columns = [finding for finding in findings if finding.subject != "features"]
    if not columns:
        return f"the inputs have drifted together: {_moved(findings[0])}, since {since}"
    inputs = len(_by_feature(columns))
    verb = "has" if inputs == 1 else "have"
    return f"{_counted(inputs, 'input')} {verb} drifted: {_first_in_detail(columns, since)}"


def _changes_in(reason: str) -> str:
    """Return the words of a reason of drift behind its numbers, without those about an effect."""
    return "; ".join(words for words in reason.split("; ")[1:] if not words.startswith(EFFECTS))


def _drifted_outputs(_cause: Cause, findings: Sequence[Finding], since: str) -> str:
    return f"the model's output has drifted: {_first_in_detail(findings, since)}"


def _first_in_detail(findings: Sequence[Finding], since: str) -> str:
    (name, of_first), *others = _by_feature(findings).items()
    dated = f", since {since}"
    # Inside the parentheses the date is of the first column, which may have begun to drift later than the incident.
    own, of_incident = (dated, "") if of_first[0].since == since else ("", dated)
    has_parts = any(finding.subject != name for finding in of_first)
    detail = f"{name} ({_changed_parts(of_first) if has_parts else _moved(of_first[0])}{own})"
    return listed([detail, *(_shown_subject(other) for other, _ in others)]) + of_incident


def _by_feature(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """Return findings by column; those of the parts of a text or a vector are of one."""
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(feature_and_part(finding.subject)[0], []).append(finding)
    return found


def _changed_parts(findings: Sequence[Finding]) -> str:
    """Return the changed parts of a text or a vector with their changes; places along directions are only named."""
    changed: dict[str, str] = {}
    for finding in findings:
        part, is_readable = shown_part(finding.subject)
        changes = _changes_in(finding.reason) if is_readable else ""
        changed.setdefault(part, f"{part} {changes}".strip())
    first = sorted(changed, key=lambda part: changed[part] == part)
    return "; ".join(changed[part] for part in first[:PARTS_SHOWN])


def _moved(finding: Finding) -> str:
    value = "" if finding.value is None else f" {finding.value:.3g}"
    before = "" if finding.reference_value is None else f", reference {finding.reference_value:.3g}"
    return f"{str(finding.metric).replace('_', ' ')}{value}{before}"


def _metric(_cause: Cause, findings: Sequence[Finding], _since: str) -> str:
    first = findings[0]
    others = list(dict.fromkeys(name for f in findings[1:] if (name := _named(f)) != _named(first)))
    also = f", also {listed(others)}" if others else ""
    return f"{_named(first)} is {_beyond(first)}{also}"


def _business(cause: Cause, findings: Sequence[Finding], since: str) -> str:
    """Return the title of a business number; that of a cost is its reason, which has the forecast of the month."""
    return (_by_reason if findings[0].subject == COST else _metric)(cause, findings, since)


def _objective(cause: Cause, findings: Sequence[Finding], since: str) -> str:
    """Return the title of a missed objective. If its budget is spent, how fast it was spent is left to the findings."""
    spent = [finding for finding in findings if finding.metric.name != BURN_RATE]
    return _metric(cause, spent or findings[:1], since)


def _named(finding: Finding) -> str:
    estimated = "estimated " if finding.kind == Kind.ESTIMATED_PERFORMANCE else ""
    of = f"{finding.subject} " if finding.kind == Kind.OBJECTIVE else ""
    where = f" where {finding.segment}" if finding.segment else ""
    return f"{estimated}{of}{finding.metric}{where}"


def _beyond(finding: Finding) -> str:
    value, lower, upper = finding.value, finding.threshold_lower, finding.threshold_upper
    if value is None:
        return finding.reason
    shown = f"{value:.3g}"
    if finding.lower is not None and finding.upper is not None:
        shown += f" ({finding.lower:.3g} to {finding.upper:.3g})"
    if lower is not None and value < lower:
        return f"{shown}, below {lower:.3g}"
    if upper is not None and value > upper:
        return f"{shown}, above {upper:.3g}"
    return f"{shown}, reference {finding.reference_value:.3g}" if finding.reference_value is not None else shown


def _gap_between_groups(cause: Cause, findings: Sequence[Finding], _since: str) -> str:
    first = findings[0]
    others = list(dict.fromkeys(f.name for f in findings if f.name != first.name))
    also = f"; also {listed(others)}" if others else ""
    return f"groups of {', '.join(cause.about)} are treated unequally: {first.metric} is {first.reason}{also}"


def _serving(_cause: Cause, findings: Sequence[Finding], _since: str) -> str:
    first = findings[0]
    others = list(dict.fromkeys(name for f in findings if (name := str(f.metric)) != str(first.metric)))
    return f"{first.metric}: {first.reason or _beyond(first)}" + (f"; also {listed(others)}" if others else "")


def _by_reason(cause: Cause, findings: Sequence[Finding], _since: str) -> str:
    first = findings[0]
    said = first.reason or f"{first.metric} is {_beyond(first)}"
    line = said if not cause.columns or first.subject in said else f"{first.subject}: {said}"
    others = list(dict.fromkeys(f.subject for f in findings if f.subject != first.subject))
    return line + (f"; also {listed(others)}" if others else "")


def _shown_subject(subject: str) -> str:
    return "all inputs together" if subject == "features" else subject


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


_TITLES: dict[Family, Callable[[Cause, Sequence[Finding], str], str]] = {
    Family.INPUTS: _drifted_inputs,
    Family.OUTPUTS: _drifted_outputs,
    Family.PERFORMANCE: _metric,
    Family.SEGMENT: _metric,
    Family.FAIRNESS: _gap_between_groups,
    Family.SERVING: _serving,
    Family.BUSINESS: _business,
    Family.OBJECTIVE: _objective,
}
