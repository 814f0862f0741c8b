"""Metric names as keys of a spec; they are written back unchanged."""

from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from monitoring_pipeline.records.names import MetricName, metric_of_key


def _read(value: object) -> MetricName:
    return value if isinstance(value, MetricName) else metric_of_key(str(value))


MetricKey = Annotated[
    MetricName, PlainValidator(_read), PlainSerializer(str, return_type=str), WithJsonSchema({"type": "string"})
]
"""A metric such as ``auroc``, or of one class such as ``recall[cancelled]``."""
