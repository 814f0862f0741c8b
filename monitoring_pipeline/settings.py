"""The settings. No other module reads environment variables."""

from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from monitoring_pipeline.spec.alerting import AlertingRules, check_secrets, load_alerting_rules

PREFIX = "MONITORING_PIPELINE_"
DEFAULT_ID_KEY = "monitoring-pipeline"


class Settings(BaseSettings):
    """The settings; each field is the environment variable of its name with the prefix, or its alias."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, use_attribute_docstrings=True
    )

    home: Path = Path(".monitoring_pipeline")
    """Folder of everything that has no setting elsewhere: results, snapshots, the demo's warehouse and registry."""
    models: Path = Path(__file__).parent / "models"
    """Directory of model specs."""
    warehouse: Path = Path()
    """DuckDB file with the users' predictions and labels; default <home>/warehouse.duckdb."""
    warehouse_lock_seconds: float = Field(default=60, gt=0)
    """Maximum time to wait while another process writes the warehouse."""
    late_labels_seconds: int = Field(default=300, gt=0)
    """Minimum interval between two searches for late labels."""
    store_url: str = ""
    """SQLAlchemy URL of the store of results; default a SQLite file <home>/results.db."""
    snapshots: str = ""
    """Folder or URL of the snapshots; default <home>/snapshots."""
    id_key: SecretStr = Field(default=SecretStr(DEFAULT_ID_KEY), min_length=1, max_length=64)
    """Key of the hash that replaces the ids of predictions in snapshots; set your own, and keep it."""
    alerting: Path = Path()
    """File with the channels and routes of alerts; default <home>/alerting.yaml. Without it no alerts are sent."""
    secrets: dict[str, SecretStr] = {}
    """Tokens and addresses of channels by name, each in a variable MONITORING_PIPELINE_SECRETS__<NAME>."""
    slack_api: str = "https://slack.com/api/"
    """Base of the addresses of Slack's API; set it if you use a proxy."""
    actions_seconds: int = Field(default=30, gt=0)
    """Minimum interval between two searches for alerts to deliver, retrainings to start and failed runs to report."""
    mlflow_tracking_uri: str = Field(default="", validation_alias="MLFLOW_TRACKING_URI")
    """MLflow's tracking and registry URI; default a SQLite file <home>/mlflow.db."""
    dagster_home: Path = Field(default=Path(), validation_alias="DAGSTER_HOME")
    """Dagster's folder; default <home>/dagster."""
    dagster_postgres_url: SecretStr = Field(default=SecretStr(""), validation_alias="DAGSTER_POSTGRES_URL")
    """PostgreSQL URL of Dagster's own storage; SQLite in Dagster's folder when empty."""

    @model_validator(mode="before")
    @classmethod
    def _below_home(cls, given: dict[str, Any]) -> dict[str, Any]:
        home = Path(given.get("home") or cls.model_fields["home"].default).absolute()
        defaults = {
            "warehouse": home / "warehouse.duckdb",
            "alerting": home / "alerting.yaml",
            "store_url": f"sqlite:///{home / 'results.db'}",
            "snapshots": str(home / "snapshots"),
            "MLFLOW_TRACKING_URI": f"sqlite:///{home / 'mlflow.db'}",
            "DAGSTER_HOME": home / "dagster",
        }
        present = {name: value for name, value in given.items() if value not in (None, "")}
        return defaults | present | {"home": home}

    def alerting_rules(self, *, with_secrets: bool = False) -> AlertingRules:
        """Return the rules of alerting; without the file, rules that send no alerts.

        Args:
            with_secrets: whether a missing secret is an error. Monitoring runs without secrets; its alerts wait.

        Raises:
            SpecError: when the file cannot be used, or a secret that it names is missing.
        """
        if not self.alerting.exists():
            return AlertingRules()
        rules = load_alerting_rules(self.alerting)
        if with_secrets:
            check_secrets(rules, self.secrets, self.alerting)
        return rules
