"""Who has produced results: an asset of a chunk, the pipeline's own health, or the building of a reference."""

from enum import StrEnum
from typing import NewType


class Producer(StrEnum):
    """A producer of results of a chunk; but for ``pipeline`` the name of an asset."""

    PREDICTIONS = "predictions"
    PROFILE = "profile"
    DRIFT = "drift"
    ESTIMATE = "estimate"
    LABELS = "labels"
    PERFORMANCE = "performance"
    WINDOWS = "windows"
    ATTRIBUTION = "attribution"
    SEGMENTS = "segments"
    EXPLANATION = "explanation"
    FAIRNESS = "fairness"
    OPERATIONS = "operations"
    BUSINESS = "business"
    VALUE = "value"
    COST = "cost"
    MEASURES = "measures"
    OBJECTIVES = "objectives"
    TRIAL = "trial"
    VERDICT = "verdict"
    INCIDENTS = "incidents"
    PIPELINE = "pipeline"
    """Failed runs and overdue chunks: a producer of its own, as it records that the others produced nothing."""


ReferenceProducer = NewType("ReferenceProducer", str)
"""A producer of what is known of the reference of one model version; only this module makes one."""
AnyProducer = Producer | ReferenceProducer


def reference_producer(model_version: str) -> ReferenceProducer:
    """Return the producer under which a version's reference is stored."""
    return ReferenceProducer(f"reference:{model_version}")


def days_producer(model_version: str) -> ReferenceProducer:
    """Return the producer under which the profiles of a reference's days are stored."""
    return ReferenceProducer(f"{reference_producer(model_version)}:days")


def segments_producer(model_version: str) -> ReferenceProducer:
    """Return the producer under which what is usual in the segments of a version's reference is stored."""
    return ReferenceProducer(f"{reference_producer(model_version)}:segments")


def operations_producer(model_version: str) -> ReferenceProducer:
    """Return the producer under which the usual telemetry of a version's reference is stored."""
    return ReferenceProducer(f"{reference_producer(model_version)}:operations")


def refusal_producer(model_version: str) -> ReferenceProducer:
    """Return the producer under which it is stored that a rebuilt reference of a version was refused."""
    return ReferenceProducer(f"{reference_producer(model_version)}:refused")


def replay_producer(model_version: str) -> ReferenceProducer:
    """Return the producer under which the check of a version's rules is stored."""
    return ReferenceProducer(f"replay:{model_version}")
