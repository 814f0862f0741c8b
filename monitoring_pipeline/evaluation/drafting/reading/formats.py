"""The table of the formats that are read along; a further one takes a file and a row."""

from collections.abc import Callable
from dataclasses import dataclass

from monitoring_pipeline.evaluation.drafting.hints import Hints
from monitoring_pipeline.evaluation.drafting.reading.data_contract import read_contract
from monitoring_pipeline.evaluation.drafting.reading.dbt_schema import read_dbt
from monitoring_pipeline.evaluation.drafting.reading.document import Document
from monitoring_pipeline.evaluation.drafting.reading.evidently import read_evidently
from monitoring_pipeline.evaluation.drafting.reading.feast import read_feast
from monitoring_pipeline.evaluation.drafting.reading.mlflow_signature import read_signature


@dataclass(frozen=True)
class Format:
    """A format: its name, and the function that returns None for a file of another format."""

    name: str
    read: Callable[[Document, str | None], Hints | None]


FORMATS = (
    Format("MLflow's MLmodel", read_signature),
    Format("a data contract (ODCS 3)", read_contract),
    Format("dbt's schema.yml", read_dbt),
    Format("a feature view of Feast", read_feast),
    Format("Evidently's data definition or column mapping", read_evidently),
)


def hints_of(document: Document, table: str | None) -> Hints | None:
    """Return the advice in a file of any of the formats; None if it has none of them."""
    return next((hints for each in FORMATS if (hints := each.read(document, table)) is not None), None)
