"""The versions of a model: their roles, and a card of each with what the registry states about it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from monitoring_pipeline.records.decision import Topic
from monitoring_pipeline.records.measurement import Role
from monitoring_pipeline.records.version_card import VersionCard
from monitoring_pipeline.web_pages.charts.chart import Chart
from monitoring_pipeline.web_pages.charts.timeline import Stretch, TimeAxis, timeline_chart
from monitoring_pipeline.web_pages.contents.table import Cell, Fact, Table
from monitoring_pipeline.web_pages.numbers import number
from monitoring_pipeline.web_pages.reading import ModelRecords

ON_ROLES = frozenset({Topic.GATE, Topic.PROMOTION, Topic.ROLLBACK})
"""Decisions that a reader wants to see with the version."""
WINDOW = ("training_start", "training_end", "training_rows")
FINGERPRINT = "monitoring.data_fingerprint"
TRAINER = "trainer"


@dataclass(frozen=True, kw_only=True)
class Card:
    """What the registry states about a version.

    Args:
        version: the version.
        facts: when it was registered, its training rows and their fingerprint, and who promoted it.
        details: hyperparameters, metrics and tags.
    """

    version: str
    facts: tuple[Fact, ...]
    details: tuple[Table, ...]


def cards_of(records: ModelRecords) -> Iterable[Card]:
    """Yield the card of each version that the registry has."""
    for version, card in records.cards.items():
        yield Card(version=version, facts=tuple(_facts(records, version, card)), details=tuple(_details(card)))


def _facts(records: ModelRecords, version: str, card: VersionCard) -> Iterable[Fact]:
    parameters, tags = dict(card.parameters), dict(card.tags)
    yield Fact("registered", f"{card.registered:%Y-%m-%d %H:%M} UTC")
    start, end, rows = (parameters.get(name) for name in WINDOW)
    if start and end:
        yield Fact("trained on", f"{start} to {end}" + (f", {int(rows):,} rows" if rows and rows.isdigit() else ""))
    if fingerprint := tags.get(FINGERPRINT):
        yield Fact("fingerprint of these rows", fingerprint)
    if trainer := parameters.get(TRAINER):
        yield Fact("trainer", trainer)
    for decision in records.decisions:
        if decision.model_version == version and decision.topic in ON_ROLES:
            yield Fact(str(decision.topic), f"{decision.answer_text} on {decision.at:%Y-%m-%d} by {decision.actor}")
    if card.description:
        yield Fact("description", card.description)
    if card.source:
        yield Fact("model", card.source)


def _details(card: VersionCard) -> Iterable[Table]:
    shown = {*WINDOW, TRAINER, FINGERPRINT}
    lists = (
        ("Parameters of its training", [(name, value) for name, value in card.parameters if name not in shown]),
        ("Metrics of its training", [(name, number(value)) for name, value in card.metrics]),
        ("Tags", [(name, value) for name, value in card.tags if name not in shown]),
    )
    for caption, entries in lists:
        if entries:
            rows = tuple((Cell(name), Cell(value)) for name, value in entries)
            yield Table(caption=caption, columns=("name", "value"), rows=rows)


def versions_over_time(records: ModelRecords) -> Chart | None:
    """Return the chart of who served when; None if the period has one version."""
    keys, calendar, zone = records.period.keys, records.spec.calendar, records.spec.zone
    roles = {(m.model_version, key): m.role for key, m in records.series}
    versions = list(dict.fromkeys(version for version, _ in roles))
    if len(versions) < len(("before", "after")):
        return None
    shown = [stretch for version in versions for stretch in _served(version, roles, keys)]
    axis = TimeAxis(
        keys,
        lambda key: calendar.chunk(key).start.astimezone(zone),
        lambda key: calendar.chunk(key).end.astimezone(zone),
    )
    rows = list(dict.fromkeys(stretch.row for stretch in shown))
    sentence = f"{len(versions)} versions made predictions that people saw, from {keys[0]} to {keys[-1]}."
    return timeline_chart(sentence, rows, shown, axis)


def _served(version: str, roles: Mapping[tuple[str, str], Role], keys: Sequence[str]) -> Iterable[Stretch]:
    """Yield the stretches of chunks in which a version served in one role."""
    for role, group in groupby(keys, key=lambda key: roles.get((version, key))):
        listed = list(group)
        if role is not None:
            yield Stretch(f"version {version}", str(role), listed[0], listed[-1])


def versions_of(records: ModelRecords) -> Table:
    """Return the versions with their roles and references."""
    known = {record.model_version: record for record in records.versions}
    names = list(dict.fromkeys([*records.spec.reference, *known]))
    return Table(
        caption="Versions",
        columns=("version", "role", "since (UTC)", "reference window", "rows of the reference"),
        rows=tuple(
            (
                Cell(name),
                Cell(str(known[name].role) if name in known else str(Role.CHAMPION)),
                Cell(f"{known[name].since:%Y-%m-%d %H:%M}" if name in known else "the beginning"),
                Cell(reference.window.replace("/", " to ") if (reference := records.references.get(name)) else ""),
                Cell(number(reference.profile.rows) if reference else "", is_number=True),
            )
            for name in names
        ),
    )
