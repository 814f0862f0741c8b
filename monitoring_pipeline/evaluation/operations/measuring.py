"""Measurements of the telemetry of a chunk, judged by declared thresholds or by what is usual in the reference."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from monitoring_pipeline.evaluation.operations.learned import SHARES, LearnedOperations, slot_of
from monitoring_pipeline.evaluation.operations.telemetry import EventCounts, HourCounts, Telemetry, measured_rates
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.operations import ERRORS, ROWS_PER_HOUR, SLOW, TIMEOUTS, WORST_HOUR
from monitoring_pipeline.statistics.intervals.intervals import wilson
from monitoring_pipeline.statistics.samples.event_rates import UsualRate
from monitoring_pipeline.statistics.samples.multiple_testing import benjamini_hochberg
from monitoring_pipeline.statistics.samples.observed_quantiles import observed_quantile

OF_LATENCY, OF_ERRORS, OF_TIMEOUTS, OF_THROUGHPUT = "latency", "errors", "timeouts", "throughput"
SUBJECTS = {ERRORS: OF_ERRORS, TIMEOUTS: OF_TIMEOUTS, SLOW: OF_LATENCY}
OF_DEPENDENCIES, OF_PROMETHEUS = "dependencies", "prometheus"
SUBJECTS_OF_SERVING = (OF_LATENCY, OF_ERRORS, OF_TIMEOUTS, OF_THROUGHPUT, OF_DEPENDENCIES, OF_PROMETHEUS)
"""Subjects of the numbers about the serving of the model; other measurements of operations are of the monitoring."""
EVENTS = {ERRORS: "failed", TIMEOUTS: "timed out", SLOW: "were slow"}
LEVEL = 1e-4
"""A rate of a healthy chunk is breached with this probability."""
FALSE_DISCOVERIES = 1e-3
"""The false-discovery rate over the hours of a chunk."""
LEAST_INCREASE, LEAST_INCREASE_OF_AN_HOUR = 0.002, 0.005
"""Smaller increases of a rate harm nobody."""
LEAST_EVENTS_OF_AN_HOUR = 5
NO_HOURS = "the times of the rows are days, without hours"
"""Fewer events in an hour are no reason to look."""
PRIOR_EVENTS = 5.0
"""As many events are supposed beside those of the other hours, when the present level of a chunk is computed."""


@dataclass(frozen=True)
class _Measuring:
    """The telemetry of one version on a chunk, and what is usual; None if the version has no learned telemetry."""

    spec: ModelSpec
    chunk: Chunk
    telemetry: Telemetry
    usual: LearnedOperations | None
    blank: Measurement
    all_rows: int

    @property
    def slot(self) -> str:
        return slot_of(self.spec, self.chunk.key)

    def measurement(self, subject: str, name: str, definition: str) -> Measurement:
        """Return a measurement with its declared threshold, which has no value yet."""
        threshold = self.spec.operations.thresholds.get(name)
        return replace(
            self.blank,
            subject=subject,
            name=name,
            definition=definition,
            threshold_lower=threshold.lower if threshold else None,
            threshold_upper=threshold.upper if threshold else None,
            severity=Severity((threshold.severity if threshold else None) or self.spec.operations.severity),
        )


def measure_telemetry(
    telemetry: Telemetry, chunk: Chunk, usual: LearnedOperations | None, *, model_version: str, all_rows: int
) -> Iterator[Measurement]:
    """Yield the latencies, rates, worst hours and throughput of one version.

    Args:
        telemetry: rows of the version; all of the chunk, or a sample.
        chunk: the chunk.
        usual: what is usual in the version's reference; None if it is not known.
        model_version: the version.
        all_rows: rows of the version on the chunk, also those that were not read.
    """
    spec = telemetry.spec
    blank = Measurement(kind=Kind.OPERATIONS, subject="", name="", model_version=model_version, value=0.0)
    of = _Measuring(spec, chunk, telemetry, usual, blank, all_rows)
    if telemetry.has_latency:
        yield from _latencies(of)
    for name in measured_rates(spec):
        counted = telemetry.counted(name)
        if counted is not None:
            yield _rate(of, name, counted)
    for name in (*measured_rates(spec), SLOW):
        slow_above = usual.slow_above if usual else None
        if telemetry.counted(name, slow_above) is not None and _hours_of(chunk) > 1:
            yield _worst_hour(of, name, list(telemetry.hours(name, slow_above)))
    yield _throughput(of)


def judged(m: Measurement) -> Measurement:
    """Return a measurement judged by its thresholds: breached if its whole interval is beyond one."""
    value = m.value or 0.0
    lowest, highest = value if m.lower is None else m.lower, value if m.upper is None else m.upper
    if m.threshold_upper is not None and lowest > m.threshold_upper:
        return m.breached(f"{_shown(m, value)}, at most {_shown(m, m.threshold_upper)} is allowed")
    if m.threshold_lower is not None and highest < m.threshold_lower:
        return m.breached(f"{_shown(m, value)}, at least {_shown(m, m.threshold_lower)} is allowed")
    return m


def _shown(m: Measurement, value: float) -> str:
    if m.subject == OF_LATENCY and not m.name.startswith(SLOW):
        return f"{value:.4g} ms"
    return f"{value:.2%}" if m.name.startswith((ERRORS, TIMEOUTS, SLOW)) else f"{value:.6g}"


def _latencies(of: _Measuring) -> Iterator[Measurement]:
    latencies, rules = of.telemetry.latencies, of.spec.operations
    rows = int(latencies.size)
    unknown = of.telemetry.rows.height - rows
    for name, share in SHARES.items():
        blank = of.measurement(OF_LATENCY, name, f"{share:.0%} of rows have at most this {rules.latency}, in ms")
        if not rows:
            yield blank.skipped(f"no row has a {rules.latency}")
            continue
        found = observed_quantile(latencies, share)
        m = replace(blank, value=found.value, lower=found.lower, upper=found.upper, rows=rows)
        without = f"{unknown} of {of.telemetry.rows.height} rows have none" if unknown else None
        if name in rules.thresholds:
            yield (judged(m) if rows >= rules.minimum_rows else m.noted(_too_few(rows))).noted(without)
            continue
        level = of.usual.levels.get(name) if of.usual else None
        if level is None:
            yield m.noted(without)
            continue
        m = replace(m, reference_value=level.of(of.slot), threshold_upper=level.upper(of.slot))
        # Without a lower bound the rows are too few to show a breach.
        if found.lower is None or rows < rules.minimum_rows:
            yield m.noted(_too_few(rows)).noted(without)
        elif found.lower > level.upper(of.slot):
            usual = f"{level.of(of.slot):.4g} ms is usual, up to {level.upper(of.slot):.4g} ms"
            yield m.breached(f"{share:.0%} of rows took at most {found.value:.4g} ms; {usual}").noted(without)
        else:
            yield m.noted(without)


def _rate(of: _Measuring, name: str, counted: EventCounts) -> Measurement:
    blank = of.measurement(SUBJECTS[name], name, f"share of rows that {EVENTS[name]}")
    if not counted.rows:
        return blank.skipped(f"no row has a {of.spec.operations.status or of.spec.operations.latency}")
    found = wilson(counted.events, counted.rows)
    m = replace(blank, value=found.value, lower=found.lower, upper=found.upper, rows=counted.rows)
    if counted.rows < of.spec.operations.minimum_rows:
        return m.noted(_too_few(counted.rows))
    if name in of.spec.operations.thresholds:
        return judged(m)
    usual = of.usual.rates.get(name) if of.usual else None
    if usual is None:
        return m
    expected = usual.of(of.slot)
    limit = max(expected + LEAST_INCREASE, expected * usual.factor)
    p_value = usual.p_value(of.slot, counted.events, counted.rows)
    m = replace(m, p_value=p_value, reference_value=expected, threshold_upper=limit)
    is_beyond = (
        p_value <= LEVEL
        and counted.rate > limit
        and usual.is_beyond(of.slot, counted.events, counted.rows)
        and usual.is_beyond_all(counted.events, counted.rows)
    )
    said = f"{counted.events} of {counted.rows} rows {EVENTS[name]} ({counted.rate:.2%}); {expected:.2%} is usual"
    return m.breached(said) if is_beyond else m


def _worst_hour(of: _Measuring, name: str, hours: Sequence[HourCounts]) -> Measurement:
    blank = of.measurement(
        SUBJECTS[name], name + WORST_HOUR, f"share of rows that {EVENTS[name]} in the hour with most of them"
    )
    if not of.telemetry.has_hours:
        return blank.skipped(NO_HOURS)
    enough = [one for one in hours if one.counts.rows >= of.spec.operations.minimum_rows]
    if not enough:
        return blank.skipped(f"no hour has {of.spec.operations.minimum_rows} rows with a known outcome")
    usual = of.usual.hours.get(name) if of.usual else None
    if blank.threshold_upper is not None or usual is None:
        worst = max(enough, key=lambda one: (wilson(one.counts.events, one.counts.rows).lower or 0.0, one.hour))
        m = _of_hour(blank, worst)
        words = _words(of, name, worst)
        return judged(m).noted(words)
    p_values = _p_values(usual, enough)
    q_values = benjamini_hochberg(p_values)
    place = min(range(len(enough)), key=lambda i: (p_values[i], -enough[i].counts.rate, i))
    worst, expected = enough[place], usual.of(enough[place].slot)
    limit = expected + LEAST_INCREASE_OF_AN_HOUR
    m = replace(
        _of_hour(blank, worst),
        reference_value=expected,
        threshold_upper=limit,
        p_value=p_values[place],
        q_value=float(q_values[place]),
    )
    words = f"{_words(of, name, worst)}; {expected:.2%} is usual at this hour"
    is_beyond = (
        q_values[place] <= FALSE_DISCOVERIES
        and usual.is_beyond_all(worst.counts.events, worst.counts.rows)
        and worst.counts.rate > limit
        and worst.counts.events >= LEAST_EVENTS_OF_AN_HOUR
    )
    return m.breached(words) if is_beyond else m.noted(words)


def _p_values(usual: UsualRate, hours: Sequence[HourCounts]) -> list[float]:
    """Return the p-value of each hour, beside the usual rate and the level of the other hours of the chunk.

    A chunk that is worse as a whole is seen in its own rate, so that its hours are compared with one another.
    """
    events = sum(one.counts.events for one in hours)
    expected = sum(one.counts.rows * usual.of(one.slot) for one in hours)
    found: list[float] = []
    for one in hours:
        own = one.counts.rows * usual.of(one.slot)
        times = (events - one.counts.events + PRIOR_EVENTS) / (expected - own + PRIOR_EVENTS)
        found.append(usual.p_value(one.slot, one.counts.events, one.counts.rows, times=max(times, 1.0)))
    return found


def _of_hour(blank: Measurement, hour: HourCounts) -> Measurement:
    found = wilson(hour.counts.events, hour.counts.rows)
    return replace(blank, value=found.value, lower=found.lower, upper=found.upper, rows=hour.counts.rows)


def _words(of: _Measuring, name: str, hour: HourCounts) -> str:
    latency = "" if hour.latency is None else f", 95 % of them within {hour.latency:.4g} ms"
    counts = hour.counts
    return (
        f"hour from {hour.hour} ({of.spec.timezone}): {counts.events} of {counts.rows} rows {EVENTS[name]} "
        f"({counts.rate:.2%}){latency}"
    )


def _throughput(of: _Measuring) -> Measurement:
    m = of.measurement(OF_THROUGHPUT, ROWS_PER_HOUR, "predictions per hour of the chunk")
    return judged(replace(m, value=of.all_rows / _hours_of(of.chunk), rows=of.all_rows))


def _hours_of(chunk: Chunk) -> float:
    return (chunk.end - chunk.start).total_seconds() / 3600.0


def _too_few(rows: int) -> str:
    return f"not judged: {rows} rows are too few"
