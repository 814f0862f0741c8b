"""The address of Databricks: ``databricks://token:TOKEN@host?http_path=/sql/1.0/warehouses/w&catalog=c&schema=s``."""

from urllib.parse import parse_qsl, unquote, urlsplit

from monitoring_pipeline.warehouse.errors import WarehouseMissingError

FORM = "databricks://token:TOKEN@host?http_path=/sql/1.0/warehouses/w&catalog=c&schema=s"


def connection_options(url: str, shown: str) -> dict[str, str]:
    """Return the arguments of the connector that a URL stands for.

    Raises:
        WarehouseMissingError: when the host or the path of the SQL warehouse is missing.
    """
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query))
    if not parts.hostname or not given.get("http_path"):
        message = f"{shown}: a host and http_path are needed: {FORM}"
        raise WarehouseMissingError(message)
    named = {"server_hostname": parts.hostname, "access_token": unquote(parts.password or "")}
    return {name: value for name, value in named.items() if value} | given
