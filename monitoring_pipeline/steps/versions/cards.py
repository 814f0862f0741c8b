"""Keeps what the registry states about the versions of a model, so that pages need no registry."""

import datetime as dt

from monitoring_pipeline.ports.registry import Registry
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.spec.model import ModelSpec


def keep_version_cards(spec: ModelSpec, *, store: Store, registry: Registry, now: dt.datetime) -> None:
    """Ask the registry about each version that it was not asked about.

    A version that the registry does not have is not asked for again, because the question may take seconds.

    Raises:
        RegistryError: when the registry does not answer.
    """
    asked = store.version_cards(spec.name)
    for version in [*spec.reference, *(record.model_version for record in store.versions(spec.name))]:
        if version not in asked:
            card = registry.version_card(spec.name, version)
            store.keep_version_card(spec.name, version, card, now)
            asked[version] = card
