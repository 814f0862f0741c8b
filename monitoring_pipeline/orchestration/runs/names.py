"""Names of everything that Dagster lists: with a prefix, they cannot collide with those of the project around them."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import dagster as dg

from monitoring_pipeline.spec.model import ModelSpec

RESOURCES = frozenset({
    "warehouse", "store", "snapshots", "suites", "id_key", "clock", "alerting", "lineage", "delivery", "reports",
    "registry", "run_trainer", "ask_trainer", "outside", "serving_metrics", "call_measure",
})  # fmt: skip
"""The resources of ops, assets and sensors, as their functions name them."""
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class BadPrefixError(ValueError):
    """A prefix of which Dagster cannot make names."""


@dataclass(frozen=True)
class Names:
    """Makes the names of definitions.

    Args:
        prefix: stands before every name; without it, names are those of a code location of its own.

    Raises:
        BadPrefixError: when the prefix has characters that a name in Dagster may not have.
    """

    prefix: str = ""

    def __post_init__(self) -> None:
        if self.prefix and not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", self.prefix):
            message = f"prefix {self.prefix!r}: use letters, digits and underscores, with a letter first"
            raise BadPrefixError(message)

    def of(self, name: str) -> str:
        """Return the name of a job, an op, a sensor, a schedule, a pool, a group or a resource."""
        return f"{self.prefix}_{name}" if self.prefix else name

    def asset(self, *path: str) -> dg.AssetKey:
        """Return the key of an asset."""
        return dg.AssetKey([self.prefix, *path] if self.prefix else list(path))

    def tag(self, value: str) -> str:
        """Return the value of a tag by which runs are found again in the whole instance of Dagster."""
        return f"{self.prefix}/{value}" if self.prefix else value

    def nightly_job(self, spec: ModelSpec) -> str:
        """Return the name of the job that monitors one chunk from the warehouse to the verdict."""
        return self.of(f"{spec.name}_nightly")

    def late_labels_job(self, spec: ModelSpec) -> str:
        """Return the name of the job that measures a chunk again when labels have arrived."""
        return self.of(f"{spec.name}_late_labels")

    def retrain_job(self, spec: ModelSpec) -> str:
        """Return the name of the job that trains a challenger and decides about it."""
        return self.of(f"{spec.name}_retrain")

    def gate_job(self, spec: ModelSpec) -> str:
        """Return the name of the job that decides about a challenger from an external trainer."""
        return self.of(f"{spec.name}_gate")

    def rollout_job(self, spec: ModelSpec) -> str:
        """Return the name of the job that changes the serving version."""
        return self.of(f"{spec.name}_rollout")

    def schedule(self, spec: ModelSpec) -> str:
        """Return the name of the schedule of the nightly job."""
        return self.of(f"{spec.name}_schedule")

    def upstream_sensor(self, spec: ModelSpec) -> str:
        """Return the name of the sensor that starts the nightly job when an upstream asset is materialized."""
        return self.of(f"{spec.name}_upstream")

    def new_rows_sensor(self, spec: ModelSpec) -> str:
        """Return the name of the sensor that starts the nightly job when the rows of a chunk are complete."""
        return self.of(f"{spec.name}_new_rows")

    def starter(self, spec: ModelSpec) -> str:
        """Return the name of the schedule or sensor that starts the nightly job."""
        by_trigger = {"schedule": self.schedule, "upstream": self.upstream_sensor, "new_rows": self.new_rows_sensor}
        return by_trigger[spec.upstream.trigger](spec)

    def resources(self, resources: Mapping[str, T]) -> dict[str, T]:
        """Return resources by the names that they have in Dagster."""
        return {self.of(name): resource for name, resource in resources.items()}

    def given(self, function: F) -> F:
        """Return a function of an op, asset or sensor whose parameters ask for resources by their names in Dagster.

        Dagster takes the name of a resource from the name of a parameter. Without a prefix nothing is changed.
        """
        if not self.prefix:
            return function
        own = {self.of(name): name for name in inspect.signature(function).parameters if name in RESOURCES}

        @wraps(function)
        def call(*args: Any, **given: Any) -> Any:
            return function(*args, **{own.get(name, name): value for name, value in given.items()})

        renamed = {name: name_in_dagster for name_in_dagster, name in own.items()}
        signature = inspect.signature(function)
        parameters = [p.replace(name=renamed.get(p.name, p.name)) for p in signature.parameters.values()]
        call.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {renamed.get(name, name): kind for name, kind in function.__annotations__.items()}
        return call  # type: ignore[return-value]


def upstream_key(path: str) -> dg.AssetKey:
    """Return the key of an asset of the project, as a spec names it."""
    return dg.AssetKey(path.split("/"))


PLAIN = Names()
"""The names of a code location of its own."""
