"""The address of a Spark session.

``spark://`` is the session that the process has, or one by Spark's own configuration. Its query has settings of Spark,
and ``schema``. ``sc://host:15002`` is a server of Spark Connect, and ``spark://databricks`` is Databricks Connect.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from monitoring_pipeline.warehouse.errors import WarehouseMissingError

FORM = "spark://?spark.master=local[2]&schema=s"
DATABRICKS = "databricks"
_SETTINGS = "spark."


@dataclass(frozen=True)
class SparkAddress:
    """How a session is made: its settings, the address of Spark Connect, and the schema of tables without one."""

    settings: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    remote: str | None = field(default=None, repr=False)
    is_databricks: bool = False
    schema: str | None = None


def spark_address(text: str, shown: str) -> SparkAddress:
    """Return the parts of an address.

    Raises:
        WarehouseMissingError: when it has a host that is not known, or a query with other names.
    """
    parts = urlsplit(text)
    if parts.scheme == "sc":
        return SparkAddress(remote=text)
    given = dict(parse_qsl(parts.query))
    unknown = sorted(name for name in given if name != "schema" and not name.startswith(_SETTINGS))
    if unknown or parts.netloc not in {"", DATABRICKS} or parts.path.strip("/"):
        raise WarehouseMissingError(f"{shown}: a session of Spark is written {FORM}, spark://databricks or sc://host")
    settings = {name: value for name, value in given.items() if name.startswith(_SETTINGS)}
    return SparkAddress(settings, is_databricks=parts.netloc == DATABRICKS, schema=given.get("schema"))
