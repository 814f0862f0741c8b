"""Where a drafted model is: its folder and warehouse as settings, which ``init`` remembers for later commands."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from monitoring_pipeline.cli.drafting.source_address import SourceAddress
from monitoring_pipeline.evaluation.privacy.addresses import passwords_of
from monitoring_pipeline.settings import PREFIX, Settings, remember, variable_of

DEFAULT_FOLDER = Path("models")


@dataclass(frozen=True)
class Place:
    """The settings with which a model is found.

    Args:
        settings: the settings of this process, with its folder and warehouse.
        warehouse: the name of its warehouse; None for the default one.
        variables: the settings that differ from those of this process, as environment variables.
    """

    settings: Settings
    warehouse: str | None
    variables: Mapping[str, str]

    def remember(self) -> dict[str, str]:
        """Write the settings to the file in the home; return those that have to be set in the environment instead."""
        secret = {name for name, value in self.variables.items() if list(passwords_of(value))}
        return remember(self.settings.home, self.variables, keep_out=secret)


def place_of(address: SourceAddress, models: Path | None, present: Settings) -> Place:
    """Return where a model of a source is to be.

    The default warehouse is taken if no other one is set; else the source becomes a further warehouse with a name.
    """
    folder = models or (present.models if "models" in present.model_fields_set else DEFAULT_FOLDER)
    updates: dict[str, object] = {"models": folder.absolute()}
    variables = {f"{PREFIX}MODELS": str(folder.absolute())} if present.models != folder.absolute() else {}
    name = _warehouse_name(address, present)
    if name is None:
        updates["warehouse"] = address.warehouse
    else:
        updates["warehouses"] = {**present.warehouses, name: address.warehouse}
    if present.address_of(name) != address.warehouse:
        variables[variable_of(name or "")] = address.warehouse
    return Place(present.model_copy(update=updates), name, variables)


def _warehouse_name(address: SourceAddress, present: Settings) -> str | None:
    is_unset = present.warehouse == str(present.home / "warehouse.duckdb") and not Path(present.warehouse).exists()
    if is_unset or present.warehouse == address.warehouse:
        return None
    for name, known in present.warehouses.items():
        if known == address.warehouse:
            return name
    last = re.split(r"[/@:?]+", address.warehouse.rstrip("/"))[-1].split(".")[0]
    stem = re.sub(r"[^a-z0-9]+", "_", last.lower()).strip("_")
    base = stem if re.match("[a-z]", stem) else f"source_{stem}".rstrip("_")
    names = [base, *(f"{base}_{number}" for number in range(2, 100))]
    return next(name for name in names if name not in present.warehouses)
