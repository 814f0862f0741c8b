"""The statements that create all tables, for readers."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable, SetTableComment

from monitoring_pipeline.store.tables.columns import SCHEMA
from monitoring_pipeline.store.tables.incidents import ACTION_TABLES
from monitoring_pipeline.store.tables.results import RESULT_TABLES
from monitoring_pipeline.store.tables.upkeep import UPKEEP_TABLES


def ddl(dialect: sa.Dialect | None = None) -> str:
    """Return the statements that create all tables, for readers; in PostgreSQL's dialect by default."""
    target: sa.Dialect = dialect or postgresql.dialect()
    statements: list[str] = []
    if target.name == "postgresql":
        statements += [f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}", f"SET search_path TO {SCHEMA}"]
    for table in (*RESULT_TABLES, *ACTION_TABLES, *UPKEEP_TABLES):
        elements: list[sa.schema.ExecutableDDLElement] = [CreateTable(table)]
        if target.supports_comments:
            elements.append(SetTableComment(table))
        elements += [CreateIndex(index) for index in sorted(table.indexes, key=lambda index: str(index.name))]
        statements += [_as_text(element, target) for element in elements]
    return "".join(f"{statement};\n\n" for statement in statements).rstrip("\n") + "\n"


def _as_text(element: sa.schema.ExecutableDDLElement, dialect: sa.Dialect) -> str:
    lines = str(element.compile(dialect=dialect)).strip().splitlines()
    return "\n".join(line.replace("\t", "    ").rstrip() for line in lines if line.strip())
