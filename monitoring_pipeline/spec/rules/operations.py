"""Rules about operations: how fast, how reliably and with which libraries the model is served."""

import datetime as dt
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from monitoring_pipeline.spec.parsing.as_text import entries_as_text
from monitoring_pipeline.spec.parsing.duration import Duration
from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline.spec.parsing.wording import NAME_PATTERN
from monitoring_pipeline.spec.rules.serving_presets import PRESETS
from monitoring_pipeline.spec.rules.threshold import Threshold
from monitoring_pipeline.spec.sources import FeatureKind

LATENCY, STATUS, DEPENDENCIES = "telemetry[latency]", "telemetry[status]", "telemetry[dependencies]"
"""Canonical names of the columns of telemetry."""
OF_LATENCY = ("latency_p50", "latency_p95", "latency_p99")
SLOW = "slow_rate"
ERRORS, TIMEOUTS, ROWS_PER_HOUR = "error_rate", "timeout_rate", "rows_per_hour"
WORST_HOUR = "_worst_hour"
RATES = (ERRORS, TIMEOUTS, SLOW)
OF_TELEMETRY = (*OF_LATENCY, ERRORS, TIMEOUTS, ROWS_PER_HOUR, *(f"{rate}{WORST_HOUR}" for rate in RATES))
"""Names of the numbers that are measured from columns of telemetry."""
REACHABLE = "prometheus_reachable"
"""Name of the measurement whether the Prometheus server has answered."""
COLUMNS_OF_TELEMETRY = frozenset(
    {"latency", "latency_unit", "status", "errors", "timeouts", "timeout_after", "dependencies"}
)
"""The fields by which the rows of a reference are read and its usual numbers are learned."""
COLUMNS_OF_ROWS = frozenset({"latency", "status", "dependencies"})
"""The fields that name a column of the table of predictions."""
FIELD_OF_TELEMETRY = {
    LATENCY: "operations.latency",
    STATUS: "operations.status",
    DEPENDENCIES: "operations.dependencies.column",
}
"""The fields of a spec that name the columns of telemetry."""
MILLISECONDS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


class DependencyRules(SpecPart):
    """Where the installed packages of the serving environment are listed, as ``pip freeze`` prints them."""

    column: str | None = None
    """Column of the predictions with the list, such as ``scikit-learn==1.5.0, numpy==2.1.0``."""
    file: str | None = None
    """File with the list, relative to the spec. ``{chunk}`` in its name is replaced by the key of the chunk.

    A file without ``{chunk}`` describes the environment of now, so only the newest chunk is compared with it.
    """

    added_fields: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.column is None) == (self.file is None):
            raise ValueError("give column or file")
        return self


class PrometheusRules(SpecPart):
    """A Prometheus server that scrapes the serving system, and the numbers that are read from it."""

    url: str | None = None
    """Address of the server, such as http://prometheus:9090, without a password."""
    secret: str | None = Field(default=None, pattern=NAME_PATTERN)
    """Name of the secret with the address, in place of url: MONITORING_PIPELINE_SECRETS__<NAME>."""
    token: str | None = Field(default=None, pattern=NAME_PATTERN)
    """Name of the secret with a bearer token."""
    timeout: Duration = Field(default=dt.timedelta(seconds=10), gt=dt.timedelta(), json_schema_extra={"default": "10s"})
    """Longest time for the answer to a query."""
    preset: Literal["triton", "kserve", "torchserve", "bentoml", "mlflow"] | None = None
    """Serving system whose ready-made queries are asked beside those of queries."""
    model: str | None = None
    """Value of the label for the model, ``{model}`` in queries; default the name of the spec."""
    queries: dict[Annotated[str, Field(pattern=NAME_PATTERN)], str] = {}
    """PromQL by the name of its number. It returns one number at the end of the chunk.

    ``{range}`` is the length of the chunk, as in ``max(max_over_time(queue_length[{range}]))``.
    """

    added_fields: ClassVar[frozenset[str]] = frozenset()

    @property
    def all_queries(self) -> dict[str, str]:
        """The queries by name; own ones replace those of the preset."""
        return {**(PRESETS[self.preset].queries if self.preset else {}), **self.queries}

    def query(self, name: str, model: str, seconds: int) -> str:
        """Return the text of a query for a model and a chunk of so many seconds."""
        label = (self.model or model).replace("\\", "\\\\").replace('"', '\\"')
        return self.all_queries[name].replace("{model}", label).replace("{range}", f"{seconds}s")

    @model_validator(mode="after")
    def _has_address_and_queries(self) -> Self:
        if (self.url is None) == (self.secret is None):
            raise ValueError("give url or secret")
        if self.url is not None and not self.url.lower().startswith(("http://", "https://")):
            raise ValueError("url: it must begin with http:// or https://")
        if self.url is not None and "@" in self.url.split("://", 1)[1].split("/", 1)[0]:
            raise ValueError("url: an address in a spec must not contain a user or password; name a secret")
        if not self.all_queries:
            raise ValueError("give queries or a preset")
        if taken := sorted({*OF_TELEMETRY, REACHABLE} & self.all_queries.keys()):
            raise ValueError(f"queries: {', '.join(taken)}: the name of another number")
        return self


class OperationsRules(SpecPart):
    """Columns of telemetry, and when their numbers are judged."""

    latency: str | None = None
    """Column of the predictions with the time that the request took."""
    latency_unit: Literal["us", "ms", "s"] = "ms"
    """Unit of that column. Measurements and thresholds are in milliseconds."""
    status: str | None = None
    """Column of the predictions with the outcome of the request: a status code, a word, or true for an error."""
    errors: tuple[str, ...] = ("5xx", "error", "true")
    """Values of that column that mean an error, in any case of letters; 5xx means 500 to 599."""
    timeouts: tuple[str, ...] = ("408", "504", "timeout")
    """Values of that column that mean a timeout, which is an error, too."""
    timeout_after: float | None = Field(default=None, gt=0)
    """A latency at or above this, in the unit of the column, is a timeout."""
    dependencies: DependencyRules | None = None
    """What the serving environment has installed, compared with the requirements in the registry."""
    prometheus: PrometheusRules | None = None
    """Numbers that are read from a Prometheus server."""
    minimum_rows: int = Field(default=30, ge=1)
    """A chunk with fewer rows of telemetry is not judged, and an hour with fewer is left out."""
    thresholds: dict[str, Threshold] = {}
    """Allowed ranges by number. A number without one is judged by what is usual in the reference.

    Numbers are latency_p50, latency_p95, latency_p99, error_rate, timeout_rate, rows_per_hour, and those of the worst
    hour: error_rate_worst_hour, timeout_rate_worst_hour, slow_rate_worst_hour. Numbers of prometheus have the names of
    their queries; without a threshold they are judged by what is usual on the chunks before.
    """
    severity: Literal["info", "warning", "critical"] = "warning"
    """Severity of a breach that has no other one in its threshold."""

    added_fields: ClassVar[frozenset[str]] = frozenset()

    _values_are_text = field_validator("errors", "timeouts", mode="before")(entries_as_text)

    @property
    def columns(self) -> dict[str, str]:
        """The columns of telemetry in the table of predictions, by canonical name."""
        own = {LATENCY: self.latency, STATUS: self.status}
        own[DEPENDENCIES] = self.dependencies.column if self.dependencies else None
        return {name: column for name, column in own.items() if column is not None}

    @property
    def is_declared(self) -> bool:
        """Whether anything is to be measured."""
        return bool(self.columns) or self.dependencies is not None or self.prometheus is not None

    @property
    def numbers_of_prometheus(self) -> tuple[str, ...]:
        """Names of the numbers that are read from the Prometheus server, and of whether it answers."""
        return (REACHABLE, *self.prometheus.all_queries) if self.prometheus else ()

    @property
    def drawn(self) -> tuple[str, ...]:
        """Names of the numbers whose history is drawn: one of each sort, own queries, and those with a threshold."""
        of_columns = (("latency_p95",) if self.latency else ()) + ((ERRORS, ERRORS + WORST_HOUR) if self.status else ())
        of_server = (*(name for name in self.numbers_of_prometheus if name == "latency_ms"), *self._own_queries)
        return tuple(dict.fromkeys((*of_columns, *self.thresholds, *of_server)))

    @property
    def _own_queries(self) -> tuple[str, ...]:
        return tuple(self.prometheus.queries) if self.prometheus else ()

    @model_validator(mode="after")
    def _thresholds_are_of_known_numbers(self) -> Self:
        for name, threshold in self.thresholds.items():
            if name not in self._numbers:
                raise ValueError(f"thresholds: unknown number {name!r}; known: {', '.join(self._numbers)}")
            if threshold.worse_than_reference is not None:
                raise ValueError(f"thresholds.{name}.worse_than_reference: give lower or upper")
        if self.timeout_after is not None and self.latency is None:
            raise ValueError("timeout_after: needs the column latency")
        return self

    @property
    def _numbers(self) -> tuple[str, ...]:
        return (*OF_TELEMETRY, *(self.prometheus.all_queries if self.prometheus else ()))


def kind_of_telemetry(column: str) -> FeatureKind:
    """Return the kind of a column of telemetry, by its canonical name."""
    return FeatureKind.NUMERIC if column == LATENCY else FeatureKind.CATEGORICAL
