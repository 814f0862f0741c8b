"""Writes the newest results of models in the text format of Prometheus.

A number that could not be measured is absent, never 0. There is one series per model, version and guarded metric, so
that their number does not grow with the columns or with time.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from monitoring_pipeline.evaluation.drift.drifted import drifted_of
from monitoring_pipeline.evaluation.incidents.changes import is_active
from monitoring_pipeline.evaluation.operations.effort import bytes_read, cpu_seconds
from monitoring_pipeline.evaluation.operations.measuring import SUBJECTS_OF_SERVING
from monitoring_pipeline.evaluation.periods import HEADLINE_METRIC
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.prometheus import families as exported
from monitoring_pipeline.prometheus.families import FAMILIES, Family
from monitoring_pipeline.records.measurement import SERVING, Kind, Measurement, Severity, Status, VerdictStatus
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec

CHUNKS_LOOKED_BACK = 60
"""Performance whose labels came later than so many chunks is not exported."""


class Sample(NamedTuple):
    """One number of a family, with the values of its labels."""

    family: Family
    labels: tuple[str, ...]
    value: float


def metrics_text(specs: Iterable[ModelSpec], store: Store) -> str:
    """Return the newest results of models in the text format of Prometheus."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import generate_latest

    registry = CollectorRegistry()
    registry.register(_Collector([sample for spec in specs for sample in samples_of(spec, store)]))
    return generate_latest(registry).decode()


class _Collector:
    """Gives the samples to the library."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = list(samples)

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import GaugeMetricFamily

        for family in FAMILIES:
            gauge = GaugeMetricFamily(family.full_name, family.help, labels=family.labels)
            for sample in self._samples:
                if sample.family is family:
                    gauge.add_metric(list(sample.labels), sample.value)
            yield gauge


def samples_of(spec: ModelSpec, store: Store) -> Iterator[Sample]:
    """Yield the samples of a model; none of its chunks if none was judged."""
    yield from _incidents(spec, store)
    judged = store.verdicts(spec.name)
    if not judged:
        return
    chunk = list(judged)[-1]
    for status in VerdictStatus:
        yield Sample(exported.VERDICT, (spec.name, status), float(judged[chunk].status is status))
    yield Sample(exported.CHUNK_END, (spec.name,), spec.calendar.chunk(chunk).end.timestamp())
    measurements = store.measurements(spec.name, chunk)
    if efforts := store.efforts(spec.name, chunk):
        yield Sample(exported.MEASURING, (spec.name,), cpu_seconds(efforts))
        if (size := bytes_read(efforts)) is not None:
            yield Sample(exported.MEASURING_BYTES, (spec.name,), float(size))
    yield from _of_chunk(spec, measurements)
    yield from _serving(spec, measurements)
    yield from _performance(spec, store, list(judged))


def _incidents(spec: ModelSpec, store: Store) -> Iterator[Sample]:
    counts = {(severity, acknowledged): 0 for severity in Severity for acknowledged in ("false", "true")}
    for entry in store.incidents(spec.name):
        if is_active(entry.incident):
            acknowledged = "false" if entry.handling.acknowledged_by is None else "true"
            counts[entry.incident.severity, acknowledged] += 1
    for (severity, acknowledged), count in counts.items():
        yield Sample(exported.INCIDENTS, (spec.name, severity, acknowledged), count)


def _of_chunk(spec: ModelSpec, measurements: list[Measurement]) -> Iterator[Sample]:
    for status in Status:
        count = sum(m.status is status for m in measurements)
        yield Sample(exported.MEASUREMENTS, (spec.name, status), count)
    drifted = drifted_of(measurements)
    if drifted.measured:
        yield Sample(exported.DRIFTED, (spec.name,), len(drifted.columns))
    for m in measurements:
        if m.value is None:
            continue
        if (m.name, m.subject) == ("rows", "chunk"):
            yield Sample(exported.ROWS, (spec.name,), m.value)
        if (m.name, m.subject) == ("maturity", "label"):
            yield Sample(exported.LABELS_KNOWN, (spec.name,), m.value)
        if m.kind is Kind.OBJECTIVE and m.name == "error_budget_left":
            yield Sample(exported.BUDGET_LEFT, (spec.name, m.subject), m.value)


def _serving(spec: ModelSpec, measurements: list[Measurement]) -> Iterator[Sample]:
    for m in measurements:
        if m.kind is Kind.OPERATIONS and m.subject in SUBJECTS_OF_SERVING and m.value is not None:
            labels = (spec.name, m.model_version, m.name)
            yield Sample(exported.SERVING, labels, m.value)
            if m.threshold_upper is not None:
                yield Sample(exported.SERVING_LIMIT, labels, m.threshold_upper)


def _performance(spec: ModelSpec, store: Store, judged: list[str]) -> Iterator[Sample]:
    names = {MetricName(HEADLINE_METRIC[spec.task]), *(MetricName(*metric) for metric in spec.performance.thresholds)}
    first = judged[max(len(judged) - CHUNKS_LOOKED_BACK, 0)]
    newest: dict[tuple[Kind, str, MetricName], tuple[str, Measurement]] = {}
    for chunk, m in store.chunk_measurements(spec.name, names, first, judged[-1]):
        if m.value is not None and m.role in SERVING and not m.segment:
            newest[m.kind, m.model_version, m.metric] = (chunk, m)
    for (kind, version, metric), (chunk, m) in newest.items():
        labels = (spec.name, version, metric.name, metric.of)
        end = spec.calendar.chunk(chunk).end.timestamp()
        if kind is Kind.PERFORMANCE:
            yield from _numbers(labels, m, end)
        if kind is Kind.ESTIMATED_PERFORMANCE and m.value is not None:
            yield Sample(exported.ESTIMATED, labels, m.value)


def _numbers(labels: tuple[str, ...], m: Measurement, end: float) -> Iterator[Sample]:
    numbers = (
        (exported.PERFORMANCE, m.value),
        (exported.PERFORMANCE_LOWER, m.lower),
        (exported.PERFORMANCE_UPPER, m.upper),
        (exported.LIMIT_LOWER, m.threshold_lower),
        (exported.LIMIT_UPPER, m.threshold_upper),
        (exported.PERFORMANCE_CHUNK, end),
    )
    for family, number in numbers:
        if number is not None:
            yield Sample(family, labels, number)
