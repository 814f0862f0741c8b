"""Drafts of tables in a real PostgreSQL server."""

import uuid
from pathlib import Path

from monitoring_pipeline.evaluation.drafting.hints import Advice
from monitoring_pipeline.steps.drafting.drafting import Source, Wishes, draft_plan
from monitoring_pipeline.warehouse.engines.address import WarehouseAddress
from monitoring_pipeline.warehouse.engines.engine import EngineLimits
from monitoring_pipeline.warehouse.engines.opening import open_engine
from monitoring_pipeline_tests.steps.drafting.drafts import NOW
from monitoring_pipeline_tests.warehouse.server_builders import build_postgresql

ROWS = """
CREATE TABLE scores AS
SELECT
    'r' || n AS request_id,
    TIMESTAMPTZ '2025-01-01 00:00:00+00' + n * INTERVAL '15 minutes' AS scored_at,
    (n * 37 % 1009) / 1009.0 AS score,
    (n * 13 % 97)::integer AS age,
    ARRAY['a', 'b' || n % 3] AS tags,
    jsonb_build_object('plan', n % 4) AS payload,
    CAST('b' || n % 5 AS BYTEA) AS raw,
    to_char(1000 + n % 900 + 0.24, 'FM9,999.00') AS amount,
    CASE WHEN n < 2000 THEN CASE WHEN n % 7 < 2 THEN 'yes' ELSE 'no' END END AS paid_back
FROM generate_series(1, 2400) AS n
"""


def test_nested_columns_and_tables_without_the_right_to_read_are_left_out(postgresql_server: str, tmp_path: Path):
    role = f"reader_{uuid.uuid4().hex[:8]}"
    statements = (ROWS, "CREATE TABLE hidden (id INTEGER)", f"CREATE ROLE {role}", f"GRANT SELECT ON scores TO {role}")
    url = build_postgresql(postgresql_server, tmp_path, statements).server.url
    limited = f"{url}{'&' if '?' in url else '?'}options=-crole%3D{role}"
    engine = open_engine(WarehouseAddress(limited, "MONITORING_PIPELINE_WAREHOUSE"), EngineLimits())
    assert engine.tables is not None
    source = Source(tables=engine.tables, inspection=engine.inspection, now=NOW)
    for wishes in (Wishes(), Wishes(table="scores")):
        plan = draft_plan(source, wishes, Advice())
        assert [each.column for each in plan.inputs.inputs] == ["age"]
        assert {each.column: each.reason for each in plan.inputs.left_out} == {
            "tags": "a nested value (TEXT[]); name a part of it as a path, such as tags.PART",
            "payload": "a nested value (JSONB); name a part of it as a path, such as payload.PART",
            "raw": "values of type BYTEA",
            "amount": "numbers such as 1,046.24 as text, which are not read as numbers",
        }
        assert plan.labels is not None
        assert plan.labels.label.name == "paid_back"
        assert "Is hidden needed? It is left out, because it cannot be read." in plan.doubts[-1]
