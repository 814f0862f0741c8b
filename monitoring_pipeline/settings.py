"""The settings. No other module reads environment variables."""

import fcntl
import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from secrets import token_urlsafe
from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, StringConstraints, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from monitoring_pipeline.evaluation.privacy.addresses import parts_of_secret, passwords_of
from monitoring_pipeline.evaluation.privacy.secrets import keep_secret, without_secrets
from monitoring_pipeline.evaluation.privacy.shown_values import LEAST_ROWS_SHOWN, show_values_from
from monitoring_pipeline.spec.alerting import AlertingRules, check_secrets, load_alerting_rules
from monitoring_pipeline.spec.parsing.wording import NAME_PATTERN
from monitoring_pipeline.spec.retention import RetentionRules, load_retention_rules

PREFIX = "MONITORING_PIPELINE_"
DEFAULT_ID_KEY = "monitoring-pipeline"
"""The key of the demo, and of homes that were made before each had its own."""
ID_KEY = f"{PREFIX}ID_KEY"
_ID_KEY_BYTES = 24
WarehouseName = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
DEFAULT_HOME = Path(".monitoring_pipeline")
SETTINGS_FILE = "settings.env"
ModuleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")]
ExtensionName = Annotated[str, StringConstraints(pattern="^[a-z0-9_]+$")]


def variable_of(warehouse: str) -> str:
    """Return the environment variable of the warehouse of that name; the default one has an empty name."""
    return f"{PREFIX}WAREHOUSES__{warehouse.upper()}" if warehouse else f"{PREFIX}WAREHOUSE"


def with_driver(url: str) -> str:
    """Return a PostgreSQL URL with psycopg2 if it names no driver, because SQLAlchemy 2.1 would choose another one."""
    scheme, separator, rest = url.partition("://")
    return f"postgresql+psycopg2{separator}{rest}" if scheme in {"postgres", "postgresql"} else url


class Settings(BaseSettings):
    """The settings; each field is the environment variable of its name with the prefix, or its alias."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        frozen=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )

    home: Path = DEFAULT_HOME
    """Folder of everything that has no setting elsewhere: results, snapshots, the demo's warehouse and registry."""
    prefix: str = Field(default="", pattern="^([A-Za-z][A-Za-z0-9_]*)?$")
    """What stands before the names of all assets, jobs, sensors, resources, pools and groups in Dagster; set it if the
    definitions are part of another project."""
    freshness: bool = False
    """Whether verdicts have a freshness policy in Dagster."""
    models: Path = Path(__file__).parent / "models"
    """Directory of model specs."""
    warehouse: str = Field(default="", repr=False)
    """Path of a DuckDB file, or URL of the database, with the users' predictions and labels; default
    <home>/warehouse.duckdb."""
    warehouses: dict[WarehouseName, str] = Field(default={}, repr=False)
    """Further warehouses by the names that specs use, each in a variable MONITORING_PIPELINE_WAREHOUSES__<NAME>."""
    warehouse_lock_seconds: float = Field(default=60, gt=0)
    """Maximum time to wait while another process writes the warehouse."""
    warehouse_folders: Annotated[tuple[str, ...] | None, NoDecode] = Field(default=None, repr=False)
    """Folders or beginnings of addresses that views and SQL of the warehouse may read, with colons between folders or
    as a JSON list; default the folder of the warehouse."""
    warehouse_extensions: Annotated[tuple[ExtensionName, ...], NoDecode] = ()
    """Installed extensions of DuckDB that the warehouse needs, such as ["httpfs"]."""
    warehouse_memory: str = Field(default="", pattern=r"^([1-9][0-9]*\s*[KMGT]i?B)?$")
    """Maximum of DuckDB's memory, such as 8GB; default 4 GB, or less on a small machine."""
    warehouse_read_seconds: float = Field(default=3600, gt=0)
    """Time after which a read of the warehouse is interrupted."""
    warehouse_business_seconds: float = Field(default=300, gt=0)
    """Time after which the SQL of a business metric is stopped."""
    pushdown_rows: int = Field(default=2_000_000, ge=0)
    """Chunks with more predictions are counted in the warehouse, if their spec has no other rule (pushdown)."""
    cpu_seconds_per_chunk: float | None = Field(default=None, gt=0)
    """CPU time that measuring a chunk may take; more is a warning of the doctor."""
    bytes_read_per_chunk: int | None = Field(default=None, gt=0)
    """Bytes that measuring a chunk may read from the warehouse; more is a warning of the doctor."""
    late_labels_seconds: int = Field(default=300, gt=0)
    """Minimum interval between two searches for late labels."""
    site_proxy_secret: SecretStr = Field(default=SecretStr(""), max_length=200)
    """Text that the proxy before the site adds to each request; with it people can act on the site."""
    site_user_header: str = Field(default="X-Forwarded-User", pattern="^[A-Za-z0-9-]+$")
    """Header in which that proxy names the person who is signed in."""
    site_pagerduty_secret: SecretStr = Field(default=SecretStr(""), max_length=200)
    """Signing secret of a webhook of PagerDuty; with it an acknowledgement in PagerDuty is one here."""
    openlineage_url: str = Field(default="", repr=False)
    """Address of an endpoint of OpenLineage to which lineage is sent; none is sent without it."""
    openlineage_api_key: SecretStr = SecretStr("")
    """Key that is sent to that endpoint as a bearer token."""
    openlineage_namespace: str = Field(default="monitoring_pipeline", min_length=1)
    """Namespace of jobs and results in the lineage."""
    function_modules: Annotated[tuple[ModuleName, ...] | None, NoDecode] = None
    """Modules and packages whose functions specs may name as trainers and measures, with colons between them or as a
    JSON list; default all but those of Python, of this package, and of the packages that it needs."""
    store_url: str = Field(default="", repr=False)
    """SQLAlchemy URL of the store of results; default a SQLite file <home>/results.db."""
    snapshots: str = Field(default="", repr=False)
    """Folder or URL of the snapshots; default <home>/snapshots."""
    reports: Path = Path()
    """Folder of the reports that Dagster writes; default <home>/reports."""
    id_key: SecretStr = Field(default=SecretStr(DEFAULT_ID_KEY), min_length=1, max_length=64)
    """Key of the hash of ids and of private values; a new home has its own, in settings.env. Keep it."""
    least_rows_shown: int = Field(default=LEAST_ROWS_SHOWN, ge=1)
    """Rows that a value needs to be quoted in a reason, a message or a chart."""
    alerting: Path = Path()
    """File with the channels and routes of alerts; default <home>/alerting.yaml. Without it no alerts are sent."""
    retention: Path = Path()
    """File with how long things are kept; default <home>/retention.yaml. Without it nothing is removed."""
    secrets: dict[str, SecretStr] = {}
    """Tokens and addresses of channels by name, each in a variable MONITORING_PIPELINE_SECRETS__<NAME>."""
    slack_api: str = Field(default="https://slack.com/api/", repr=False)
    """Base of the addresses of Slack's API; set it if you use a proxy."""
    actions_seconds: int = Field(default=30, gt=0)
    """Minimum interval between two searches for alerts to deliver, retrainings to start and failed runs to report."""
    mlflow_tracking_uri: str = Field(default="", repr=False, validation_alias="MLFLOW_TRACKING_URI")
    """MLflow's tracking and registry URI; default a SQLite file <home>/mlflow.db."""
    dagster_home: Path = Field(default=Path(), validation_alias="DAGSTER_HOME")
    """Dagster's folder; default <home>/dagster."""
    dagster_postgres_url: SecretStr = Field(default=SecretStr(""), validation_alias="DAGSTER_POSTGRES_URL")
    """PostgreSQL URL of Dagster's own storage; SQLite in Dagster's folder when empty."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources in order of precedence: arguments, the environment, and the file in the home."""
        given = init_settings().get("home") or env_settings().get("home") or DEFAULT_HOME
        file = DotEnvSettingsSource(settings_cls, env_file=Path(given) / SETTINGS_FILE)
        return init_settings, env_settings, file

    @field_validator("warehouse_folders", "warehouse_extensions", "function_modules", mode="before")
    @classmethod
    def _listed(cls, given: object) -> object:
        if not isinstance(given, str):
            return given
        if given.lstrip().startswith("["):
            try:
                return json.loads(given)
            except ValueError:
                message = "not a list in JSON"
                raise ValueError(message) from None
        return tuple(part for part in given.split(":") if part)

    @field_validator("warehouse", mode="before")
    @classmethod
    def _path_or_url(cls, given: object) -> object:
        return str(given) if isinstance(given, Path) else given

    @field_validator("mlflow_tracking_uri")
    @classmethod
    def _with_driver(cls, address: str) -> str:
        return with_driver(address)

    @field_validator("warehouse_folders")
    @classmethod
    def _absolute(cls, folders: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return folders and tuple(folder if "://" in folder else str(Path(folder).absolute()) for folder in folders)

    @model_validator(mode="before")
    @classmethod
    def _below_home(cls, given: dict[str, Any]) -> dict[str, Any]:
        home = Path(given.get("home") or cls.model_fields["home"].default).absolute()
        defaults = {
            "warehouse": str(home / "warehouse.duckdb"),
            "alerting": home / "alerting.yaml",
            "retention": home / "retention.yaml",
            "store_url": f"sqlite:///{home / 'results.db'}",
            "snapshots": str(home / "snapshots"),
            "reports": home / "reports",
            "MLFLOW_TRACKING_URI": f"sqlite:///{home / 'mlflow.db'}",
            "DAGSTER_HOME": home / "dagster",
        }
        present = {name: value for name, value in given.items() if value not in (None, "")}
        return defaults | present | {"home": home}

    @model_validator(mode="after")
    def _keep_secrets(self) -> Self:
        """Let no message, log or stored reason of this process contain a password or a secret of the settings."""
        addresses = (
            self.store_url, self.snapshots, self.slack_api, self.openlineage_url, self.mlflow_tracking_uri,
            *self.warehouse_addresses.values(), *(self.warehouse_folders or ()),
            self.dagster_postgres_url.get_secret_value(),
            # Other packages read variables of their own, such as that of a proxy, and quote them in their errors.
            *os.environ.values(),  # noqa: TID251
        )  # fmt: skip
        for address in addresses:
            keep_secret(passwords_of(address))
        for secret in self.secrets.values():
            keep_secret(parts_of_secret(secret.get_secret_value()))
        keep_secret(parts_of_secret(self.site_proxy_secret.get_secret_value()))
        keep_secret(parts_of_secret(self.site_pagerduty_secret.get_secret_value()))
        keep_secret(parts_of_secret(self.openlineage_api_key.get_secret_value()))
        if self.id_key.get_secret_value() != DEFAULT_ID_KEY:
            keep_secret([self.id_key.get_secret_value()])
        show_values_from(self.least_rows_shown)
        return self

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Yield names and values for the representation, without passwords."""
        for name, value in super().__repr_args__():
            yield name, Path(without_secrets(str(value))) if isinstance(value, Path) else value

    @property
    def warehouse_addresses(self) -> dict[str, str]:
        """The paths and URLs of all warehouses by name; the default one has an empty name."""
        return {"": self.warehouse, **self.warehouses}

    def address_of(self, warehouse: str | None) -> str:
        """Return the path or URL of the warehouse that a spec names; empty if the settings have none of that name."""
        return self.warehouse_addresses.get(warehouse or "", "")

    def alerting_rules(self, *, with_secrets: bool = False) -> AlertingRules:
        """Return the rules of alerting; without the file, rules that send no alerts.

        Args:
            with_secrets: whether a missing secret is an error. Monitoring runs without secrets; its alerts wait.

        Raises:
            SpecError: when the file cannot be used, or a secret that it names is missing.
        """
        if not self.alerting.exists():
            return AlertingRules()
        rules = load_alerting_rules(self.alerting).linked_to(self.prefix)
        if with_secrets:
            check_secrets(rules, self.secrets, self.alerting)
        return rules

    def retention_rules(self) -> RetentionRules:
        """Return the rules of retention; without the file, rules that remove nothing.

        Raises:
            SpecError: when the file cannot be used.
        """
        return load_retention_rules(self.retention)


class EnvironmentSettings(Settings):
    """The settings without the file in the home, for the demo, whose warehouse must not be that of a user."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return arguments and the environment."""
        return init_settings, env_settings


def remember(home: Path, variables: Mapping[str, str], *, keep_out: Collection[str] = ()) -> dict[str, str]:
    """Write settings to the file in the home; return the variables that have to be set in the environment instead.

    Args:
        home: the home.
        variables: values of environment variables.
        keep_out: variables whose values contain a secret.
    """
    to_export = {
        name: value
        for name, value in variables.items()
        if name in keep_out or name in os.environ  # noqa: TID251 - the environment has precedence over the file
    }
    to_write = {name: value for name, value in variables.items() if name not in to_export}
    if to_write:
        make_private_folder(home)
        path = home / SETTINGS_FILE
        _make_private_file(path)
        kept = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        kept = [line for line in kept if line.partition("=")[0].strip() not in to_write]
        lines = [*kept, *(f"{name}={_quoted(value)}" for name, value in to_write.items())]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return to_export


def with_own_key(settings: Settings) -> Settings:
    """Return the settings with the key of the home; a new home gets a key of its own, in ``settings.env``.

    A key that is set is used. A home with snapshots keeps the key that they were made with. A store that is no file may
    be shared with other machines, so that no key is made. The demo has the same key everywhere, so that its numbers
    are those of the documentation; it is written to the file for later commands.

    Args:
        settings: the settings of a command or a code location that will measure.

    Raises:
        OSError: when the file cannot be written.
    """
    if "id_key" in settings.model_fields_set or not _is_new(settings):
        return settings
    make_private_folder(settings.home)
    with (settings.home / f"{SETTINGS_FILE}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Another process may have made the key in the meantime.
        kept = Settings(home=settings.home)
        if "id_key" not in kept.model_fields_set:
            is_demo = isinstance(settings, EnvironmentSettings)
            remember(settings.home, {ID_KEY: DEFAULT_ID_KEY if is_demo else token_urlsafe(_ID_KEY_BYTES)})
            kept = Settings(home=settings.home)
    return (
        settings if isinstance(settings, EnvironmentSettings) else settings.model_copy(update={"id_key": kept.id_key})
    )


def _is_new(settings: Settings) -> bool:
    """Return whether nothing has been hashed yet, and no other machine can hash for the same store."""
    snapshots = Path(settings.snapshots)
    has_snapshots = "://" in settings.snapshots or (snapshots.is_dir() and any(snapshots.iterdir()))
    return settings.store_url.startswith("sqlite:") and not has_snapshots


def make_private_folder(folder: Path) -> None:
    """Make a folder, and those above it that do not exist, so that other users of the machine cannot read them."""
    if not folder.exists():
        make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _make_private_file(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    path.chmod(0o600)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
