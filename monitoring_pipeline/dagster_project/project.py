"""The definitions of a folder of models, to be merged with those of a Dagster project."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from monitoring_pipeline.definitions import project_definitions, report_unusable_specs
from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors, hide_in_logs
from monitoring_pipeline.orchestration.runs.names import RESOURCES, Names
from monitoring_pipeline.settings import PREFIX, Settings, with_own_key


class NoDefinitionsError(ValueError):
    """Arguments from which no definitions can be made."""


def defs(
    *,
    prefix: str = "",
    models: Path | str | None = None,
    home: Path | str | None = None,
    warehouse: str | Path | dg.EnvVar | None = None,
    store: str | dg.EnvVar | None = None,
    freshness: bool | None = None,
    resources: Mapping[str, object] | None = None,
) -> dg.Definitions:
    """Return the definitions of all models of a folder, to be merged with those of a project.

    They contain no executor, so that the project keeps its own; jobs of this package run in one process each. What is
    not given is taken from the environment and from ``settings.env`` in the home, as everywhere.

    Args:
        prefix: the first part of all asset keys and of all names of jobs, sensors, schedules, resources, pools, ops and
            groups: letters, digits and underscores. Without it the names are those of a code location of its own.
        models: folder with the specs.
        home: folder of everything that has no place elsewhere.
        warehouse: path of a DuckDB file, or URL of the database with the predictions and labels.
        store: SQLAlchemy URL of the store of results.
        freshness: whether verdicts have a freshness policy.
        resources: your own resources or objects that stand for those of this package, by their names without a prefix.

    Raises:
        BadPrefixError: when Dagster cannot make names with the prefix.
        NoDefinitionsError: when no folder of specs is given, a variable of the environment is not set, or there is no
            resource of a name.
        SpecError: when specs exist but none is usable; the message lists every problem of every file.
    """
    hide_in_logs()
    given = {
        "prefix": prefix or None, "models": models, "home": home, "warehouse": warehouse, "store_url": store,
        "freshness": freshness,
    }  # fmt: skip
    with hidden_in_errors():
        settings = settings_of(given)
        report_unusable_specs(settings)
        variables = {name: value.env_var_name for name, value in given.items() if isinstance(value, dg.EnvVar)}
        return project_definitions(settings, variables=variables, replaced=_replaced(resources or {}))


def _replaced(given: Mapping[str, object]) -> dict[str, dg.ResourceDefinition]:
    if unknown := sorted(set(given) - RESOURCES):
        message = f"resources: there is none named {', '.join(unknown)}; there are {', '.join(sorted(RESOURCES))}"
        raise NoDefinitionsError(message)
    return {name: _definition(resource) for name, resource in given.items()}


def _definition(resource: object) -> dg.ResourceDefinition:
    if isinstance(resource, dg.ResourceDefinition):
        return resource
    if isinstance(resource, dg.ConfigurableResource):
        return resource.get_resource_definition()
    return dg.ResourceDefinition.hardcoded_resource(resource)


def settings_of(given: Mapping[str, object]) -> Settings:
    """Return the settings with these values; those that are None are taken from the environment.

    Raises:
        BadPrefixError: when Dagster cannot make names with the prefix.
        NoDefinitionsError: when no folder of specs is given, or a variable of the environment is not set.
    """
    values: dict[str, Any] = {name: _value(name, value) for name, value in given.items() if value is not None}
    Names(values.get("prefix", ""))
    settings = with_own_key(Settings(**values))
    if "models" not in settings.model_fields_set:
        message = f"no folder of specs is given: pass models=..., or set {PREFIX}MODELS"
        raise NoDefinitionsError(message)
    return settings


def _value(name: str, given: object) -> object:
    if not isinstance(given, dg.EnvVar):
        return given
    value = given.get_value()
    if not value:
        message = f"{name}: the environment variable {given.env_var_name} is not set"
        raise NoDefinitionsError(message)
    return value
