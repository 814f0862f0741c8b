"""Facts about a sound source, and changes of them that a check has to find."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from monitoring_pipeline.evaluation.spec_check.facts import (
    ColumnValues,
    LabelCounts,
    LabelsExtent,
    NewestChunks,
    PredictionsExtent,
    ReferenceRows,
    Sample,
    SourceFacts,
    SourceTable,
    SourceTables,
)
from monitoring_pipeline.records.names import metric_of_key
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.results import Quantity

NOW = dt.datetime(2024, 6, 1, 8, tzinfo=dt.UTC)
TODAY = NOW.date()
DAYS = [f"2024-05-{day:02}" for day in range(4, 32)]
NUMBER = ColumnValues(type="Float64", rows=5000, distinct=4000, lowest=0.02, highest=0.98)
TEXT = ColumnValues(type="String", rows=5000, distinct=3)
VERSION = ColumnValues(type="String", rows=5000, distinct=1)


def sound_facts(spec: ModelSpec) -> SourceFacts:
    """Return the facts about a source in which no check finds anything."""
    columns = {name: NUMBER if kind == "numeric" else TEXT for name, kind in spec.columns.items()}
    sample = Sample(place="reference.1", rows=5000, columns=columns | {"model_version": VERSION}, at_midnight=3)
    reference = ReferenceRows(
        version="1",
        by_chunk={chunk.key: {"1": 100} for chunk in spec.calendar.chunks_of(spec.reference["1"])},
        sample=sample,
        labels=LabelCounts(predictions=6000, label_rows=5900, read=4900, classes={"0": 4000, "1": 900}),
        performance=quantities(auroc=(0.8, 0.78, 0.82)),
    )
    return SourceFacts(
        now=NOW,
        tables=SourceTables(
            table("scores", customer="VARCHAR", scored_at="TIMESTAMP", probability="DOUBLE", age="BIGINT", plan="TEXT"),
            table("outcomes", customer="VARCHAR", left="BOOLEAN", seen_at="TIMESTAMP"),
        ),
        predictions=PredictionsExtent(9000, 9000, dt.datetime(2024, 1, 1, tzinfo=dt.UTC), NOW),
        labels=LabelsExtent(8000, 8000, 8000),
        references=(reference,),
        newest=NewestChunks(
            by_chunk={day: {"1": 100} for day in DAYS}, sample=replace(sample, place="the newest 3 days")
        ),
    )


def table(name: str, **types: str) -> SourceTable:
    """Return a table with these columns."""
    return SourceTable(name, tuple(types), types)


def quantities(**values: tuple[float, float, float]) -> dict[Any, Quantity]:
    """Return metrics with their intervals, by name."""
    return {metric_of_key(name): Quantity(*three) for name, three in values.items()}


def with_reference(facts: SourceFacts, **changes: Any) -> SourceFacts:
    """Return facts with changes of the reference."""
    return replace(facts, references=(replace(facts.references[0], **changes),))


def with_labels(facts: SourceFacts, **changes: Any) -> SourceFacts:
    """Return facts with changes of the reference's labels."""
    labels = facts.references[0].labels
    assert labels is not None
    return with_reference(facts, labels=replace(labels, **changes))


def with_sample(facts: SourceFacts, **changes: Any) -> SourceFacts:
    """Return facts with changes of the rows that were read of the reference; none of the newest chunks."""
    sample = facts.references[0].sample
    assert sample is not None
    assert facts.newest is not None
    changed = with_reference(facts, sample=replace(sample, **changes))
    return replace(changed, newest=replace(facts.newest, sample=None))


def with_column(facts: SourceFacts, name: str, **changes: Any) -> SourceFacts:
    """Return facts with changes of a column of the rows that were read."""
    sample = facts.references[0].sample
    assert sample is not None
    return with_sample(facts, columns={**sample.columns, name: replace(sample.columns[name], **changes)})


def with_newest(facts: SourceFacts, by_chunk: Mapping[str, Mapping[str, int]]) -> SourceFacts:
    """Return facts with other newest chunks."""
    return replace(facts, newest=NewestChunks(by_chunk=by_chunk))
