"""Numbers of new versions: MLflow counts from its last one, and versions that it never registered are skipped."""

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

PLACEHOLDER = "placeholder"
MOST_SKIPPED = 300
"""A number further ahead counts as a name, such as a date; it is skipped once the count comes near it."""


def burn_number(client: "MlflowClient", model: str) -> int:
    """Use up the next version number of a model, which MLflow never assigns again, and return it."""
    burnt = client.create_model_version(model, PLACEHOLDER)
    client.delete_model_version(model, burnt.version)
    return int(burnt.version)


def skip_taken_numbers(client: "MlflowClient", model: str, taken: Collection[str]) -> None:
    """Use up numbers until the next version of a registered model gets one above all that are taken.

    Args:
        client: the client of the registry.
        model: the model.
        taken: names of versions; those that are no numbers are ignored.
    """
    last = max((int(entry.version) for entry in client.search_model_versions(f"name = '{model}'")), default=0)
    numbers = [int(version) for version in taken if version.isdecimal()]
    highest = max((number for number in numbers if number <= last + MOST_SKIPPED), default=0)
    while last < highest:
        last = burn_number(client, model)
