"""The address of a warehouse: the path of a DuckDB file, or a URL whose scheme chooses the engine."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from monitoring_pipeline.evaluation.privacy.secrets import without_secrets

SCHEME_OF_A_PATH = "duckdb"


@dataclass(frozen=True)
class WarehouseAddress:
    """The address of a warehouse as the settings have it.

    Args:
        text: a path or a URL; it may contain a password.
        variable: the environment variable that contains it.
    """

    text: str = field(repr=False)
    variable: str

    @property
    def scheme(self) -> str:
        """The scheme of the URL in lower case; that of DuckDB for a path."""
        before, separator, _ = self.text.partition("://")
        return before.lower() if separator else SCHEME_OF_A_PATH

    @property
    def path(self) -> Path:
        """The path on this machine: the text itself, or the part of the URL after ``://`` with ``%20`` decoded."""
        _, separator, after = self.text.partition("://")
        return Path(unquote(after)) if separator else Path(self.text)

    @property
    def shown(self) -> str:
        """The address without passwords, for messages."""
        return without_secrets(self.text)
