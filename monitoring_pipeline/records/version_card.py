"""What the registry states about a model version: when it was registered, and how it was trained."""

import datetime as dt
import json
from dataclasses import asdict, dataclass
from typing import Any

NamedText = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class VersionCard:
    """The description of a model version in the registry.

    Args:
        registered: when it was registered.
        description: its description there.
        source: the address of its model.
        parameters: names and values of the parameters of its run, sorted.
        metrics: names and values of the metrics of its run, sorted.
        tags: its tags, sorted.
    """

    registered: dt.datetime
    description: str = ""
    source: str = ""
    parameters: tuple[NamedText, ...] = ()
    metrics: tuple[tuple[str, float], ...] = ()
    tags: tuple[NamedText, ...] = ()


def card_text(card: VersionCard) -> str:
    """Return a card as JSON."""
    return json.dumps(asdict(card) | {"registered": card.registered.isoformat()}, sort_keys=True)


def card_of_text(text: str) -> VersionCard:
    """Return the card in a text of :func:`card_text`."""
    fields: dict[str, Any] = json.loads(text)
    return VersionCard(
        registered=dt.datetime.fromisoformat(fields["registered"]),
        description=fields["description"],
        source=fields["source"],
        parameters=tuple((name, value) for name, value in fields["parameters"]),
        metrics=tuple((name, value) for name, value in fields["metrics"]),
        tags=tuple((name, value) for name, value in fields["tags"]),
    )
