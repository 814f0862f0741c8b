"""Tables of a draft, made by hand."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import polars as pl

from monitoring_pipeline.evaluation.drafting.facts import TableFacts, TableSample, table_facts

ROWS = 200
NUMBERS = [place / ROWS for place in range(ROWS)]
TIMES = [dt.datetime(2025, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=place) for place in range(ROWS)]


def make_table(columns: Mapping[str, Any], types: Mapping[str, str] | None = None) -> TableFacts:
    frame = pl.DataFrame({name: list(values) for name, values in columns.items()})
    kinds = {name: str(kind) for name, kind in frame.schema.items()} | dict(types or {})
    return table_facts(TableSample(name="t", rows=frame.height, types=kinds, counts={}, frame=frame))
