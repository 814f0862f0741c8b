"""Keeps what the registry states about the versions of a model, so that pages need no registry."""

import datetime as dt

from monitoring_pipeline.ports.registry import Registry
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.spec.model import ModelSpec

ASK_AGAIN_AFTER = dt.timedelta(days=7)


def keep_version_cards(spec: ModelSpec, *, store: Store, registry: Registry, now: dt.datetime) -> None:
    """Ask the registry about each version that has no card.

    A version that the registry did not have is asked for again after a week, because the question may take seconds.

    Raises:
        RegistryError: when the registry does not answer.
    """
    cards, missing = store.version_cards(spec.name), store.missing_cards(spec.name)
    lately = {version for version, asked_at in missing.items() if now - asked_at < ASK_AGAIN_AFTER}
    versions = {*spec.reference, *(record.model_version for record in store.versions(spec.name))}
    for version in sorted(versions - cards.keys() - lately):
        store.keep_version_card(spec.name, version, registry.version_card(spec.name, version), now)
