"""The address of BigQuery: ``bigquery://project/dataset?location=EU&billing_project_id=p``."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from monitoring_pipeline.warehouse.errors import WarehouseMissingError

FORM = "bigquery://project/dataset"
PARAMETERS = ("location", "billing_project_id", "credentials_path", "maximum_bytes_billed")


@dataclass(frozen=True, kw_only=True)
class BigQueryAddress:
    """A project and its default dataset.

    Args:
        project: the project of the tables.
        dataset: the dataset of tables that are named without one.
        location: where the datasets are; without it, only the tables of the dataset are listed.
        billing_project: the project that pays for the queries.
        credentials_path: a file of a service account; without it, the client finds its credentials.
        maximum_bytes_billed: bytes above which a query is refused.
    """

    project: str
    dataset: str
    location: str | None = None
    billing_project: str
    credentials_path: str | None = None
    maximum_bytes_billed: int | None = None


def parsed_address(url: str, shown: str) -> BigQueryAddress:
    """Return the parts of a URL.

    Raises:
        WarehouseMissingError: when project or dataset is missing, or a parameter is wrong.
    """
    parts = urlsplit(url)
    project, dataset = unquote(parts.netloc), unquote(parts.path.strip("/"))
    if not project or not dataset or "/" in dataset:
        message = f"{shown}: a project and a dataset are needed: {FORM}"
        raise WarehouseMissingError(message)
    given = dict(parse_qsl(parts.query))
    if unknown := sorted(given.keys() - set(PARAMETERS)):
        message = f"{shown}: unknown parameter {', '.join(unknown)}; allowed are {', '.join(PARAMETERS)}"
        raise WarehouseMissingError(message)
    most_bytes = given.get("maximum_bytes_billed")
    if most_bytes is not None and not most_bytes.isdecimal():
        message = f"{shown}: maximum_bytes_billed: {most_bytes}: a whole number of bytes is needed"
        raise WarehouseMissingError(message)
    return BigQueryAddress(
        project=project,
        dataset=dataset,
        location=given.get("location"),
        billing_project=given.get("billing_project_id", project),
        credentials_path=given.get("credentials_path"),
        maximum_bytes_billed=int(most_bytes) if most_bytes else None,
    )
