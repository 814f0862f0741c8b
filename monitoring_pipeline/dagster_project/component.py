"""The component for projects that are made with ``dg``: a folder of specs beside its defs.yaml."""

import re
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import ConfigDict, field_validator

from monitoring_pipeline.dagster_project.project import defs

SPEC = """\
# One model. More models of this instance: one more file each in this folder.
# All fields: `monitoring-pipeline spec fields`. To draft such a file from a table: `monitoring-pipeline init SOURCE`.
name: {name}
task: binary # or multiclass, regression
owner: team:{name} # or an e-mail address
timezone: UTC # its midnight ends a day
start: 2024-01-01 # the first day that is monitored

predictions: # one row per prediction
  table: predictions
  id: id
  time: predicted_at
  score: score # the probability of the positive class; for other tasks scores or prediction
# labels: # the truth, when it is known; without it there is no performance
#   table: labels
#   id: id
#   label: label
#   known_at: known_at

features: # columns of the table of predictions
  age: numeric # or categorical, text, embedding

reference: # rows with which days are compared, by version of the model
  "1": {{start: 2023-11-01, end: 2024-01-01}} # the end is the day after the last

# The asset of this project that writes the predictions. With trigger upstream its materialization starts the run.
# upstream:
#   predictions: key/of/the/asset
#   trigger: upstream
"""


class ModelMonitorScaffolder(dg.Scaffolder[Any]):
    """Writes a defs.yaml, and a spec to be completed."""

    def scaffold(self, request: dg.ScaffoldRequest[Any]) -> None:
        """Write both files; the name of the instance becomes the prefix, and the name of the model."""
        name = re.sub(r"\W", "_", request.target_path.name)
        dg.scaffold_component(request, {"prefix": name, "models": "models", "home": f"monitoring/{name}"})
        folder = request.target_path / "models"
        folder.mkdir()
        (folder / f"{name}.yaml").write_text(SPEC.format(name=name), encoding="utf-8")


@dg.scaffold_with(ModelMonitorScaffolder)
class ModelMonitor(dg.Component, dg.Resolvable, dg.Model):
    """Monitors the models whose specs are in a folder; each instance has a prefix and a home of its own."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    prefix: str
    """The first part of all names, as in ``defs``. No other instance has it."""
    models: str = "models"
    """Folder with the specs, from the folder of defs.yaml."""
    home: str | None = None
    """Folder of everything that has no place elsewhere, from the folder of the project. No other instance has it."""
    warehouse: str | None = None
    """Path of a DuckDB file from the folder of the project, or URL of the database with the predictions and labels."""
    store: str | None = None
    """SQLAlchemy URL of the store of results."""

    freshness: bool | None = None
    """Whether verdicts have a freshness policy."""

    @field_validator("home", "warehouse", "store")
    @classmethod
    def _is_set(cls, given: str | None) -> str:
        # Dagster reads `{{ env.NAME }}` as null when no variable has the name; the default would be another store.
        if not given:
            message = "has no value; if it is a variable of the environment, the variable is not set"
            raise ValueError(message)
        return given

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Return the definitions of the models, as ``defs`` does.

        Raises:
            BadPrefixError: when Dagster cannot make names with the prefix.
            SpecError: when specs exist but none is usable; the message lists every problem of every file.
        """
        root = context.project_root
        return defs(
            prefix=self.prefix,
            models=Path(context.path) / self.models,
            home=None if self.home is None else root / self.home,
            warehouse=None if self.warehouse is None else _address(root, self.warehouse),
            store=self.store,
            freshness=self.freshness,
        )


def _address(root: Path, given: str) -> str:
    return given if "://" in given else str(root / given)
