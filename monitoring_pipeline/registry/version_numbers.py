"""Numbers of versions: MLflow counts by itself, and knows nothing of versions that were never registered."""

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

PLACEHOLDER = "placeholder"
MOST_SKIPPED = 300
"""A number further ahead is a name, such as a date; it is skipped when the count comes near it."""


def burn_number(client: "MlflowClient", model: str) -> int:
    """Take the next number of a model and let it go: MLflow does not give it again. Return the number."""
    burnt = client.create_model_version(model, PLACEHOLDER)
    client.delete_model_version(model, burnt.version)
    return int(burnt.version)


def skip_taken_numbers(client: "MlflowClient", model: str, taken: Collection[str]) -> None:
    """Let the next version of a registered model get a number above those that are taken.

    Args:
        client: of the registry.
        model: the model.
        taken: names of versions, of which only those matter that are numbers.
    """
    last = max((int(entry.version) for entry in client.search_model_versions(f"name = '{model}'")), default=0)
    numbers = [int(version) for version in taken if version.isdecimal()]
    highest = max((number for number in numbers if number <= last + MOST_SKIPPED), default=0)
    while last < highest:
        last = burn_number(client, model)
