"""Reports about a review: the incidents that other rules would have changed."""

from collections.abc import Iterator, Sequence

from monitoring_pipeline.evaluation.review.differences import Compared, Fate, Reviewed, incident_of
from monitoring_pipeline.records.incident import IncidentHistory
from monitoring_pipeline.reports.report import Record, Report

REVIEW_FIELDS = (
    "model", "change", "incident", "outcome", "cause", "title", "opened_before", "opened_after", "severity_before",
    "severity_after", "chunks_before", "chunks_after", "pages_before", "pages_after",
)  # fmt: skip
FLOOR_FIELDS = ("floor", "value")
SIGNS = {Fate.LOST: "-", Fate.GAINED: "+", Fate.KEPT: "="}


def review_tables(reviewed: Reviewed) -> Iterator[Report]:
    """Yield the incidents with what becomes of them, and the suggested floors if there are any."""
    entries = [entry for fate in (Fate.LOST, Fate.GAINED, Fate.KEPT) for entry in reviewed.of(fate)]
    first, last = reviewed.chunks[0], reviewed.chunks[-1]
    counts = ", ".join(f"{len(reviewed.of(fate))} {fate}" for fate in (Fate.LOST, Fate.GAINED, Fate.KEPT))
    yield Report(
        title=f"{reviewed.model}, {first} to {last}: incidents under the proposed rules: {counts}",
        columns=("", "change", "incident", "outcome", "cause", "opened", "severity", "chunks", "pages"),
        lines=tuple(map(_line, entries)),
        fields=REVIEW_FIELDS,
        records=tuple(_record(reviewed.model, entry) for entry in entries),
        name="review",
        note="\n".join(review_notes(reviewed)),
    )
    if reviewed.suggested is not None:
        floors = tuple(reviewed.suggested.items())
        yield Report(
            title="suggested, under drift.floors:" if floors else "suggested: nothing, the columns meet the share",
            columns=("",),
            lines=tuple((_floor_line(name, floor),) for name, floor in floors),
            fields=FLOOR_FIELDS,
            records=tuple({"floor": name, "value": floor} for name, floor in floors),
            name="suggested",
        )


def review_notes(reviewed: Reviewed) -> Iterator[str]:
    """Yield the limits of the review, and at last its result in one sentence."""
    if reviewed.not_replayed:
        yield f"not replayed, breaches as stored: {', '.join(reviewed.not_replayed)}"
    if reviewed.never_measured:
        yield f"not measured in the history: {'; '.join(reviewed.never_measured)}"
    silent = [entry for entry in reviewed.real if entry.fate is Fate.KEPT and entry.pages[1] == 0 < entry.pages[0]]
    if silent:
        yield f"{_counted(len(silent), 'real incident')} would no longer page: {_names(silent)}"
    if reviewed.real_unmatched:
        names = ", ".join(stored.incident_id for stored in reviewed.real_unmatched)
        yield f"recorded as real, and not among the incidents of these days under the spec in use: {names}"
    yield closing_sentence(reviewed)


def closing_sentence(reviewed: Reviewed) -> str:
    """Return the change in the numbers of incidents and pages, and whether a real incident is lost."""
    difference = len(reviewed.of(Fate.GAINED)) - len(reviewed.of(Fate.LOST))
    pages = sum(entry.pages[1] - entry.pages[0] for entry in reviewed.incidents)
    counts = f"{_more_or_fewer(difference, 'incident')}, {_more_or_fewer(pages, 'page')}"
    if lost := reviewed.real_lost:
        return f"{counts}; {_counted(len(lost), 'real incident')} lost: {_names(lost)}"
    if not reviewed.real:
        return f"{counts}; no incident of these days has the recorded outcome real"
    kept = "the real one is kept" if len(reviewed.real) == 1 else f"none of the {len(reviewed.real)} real ones lost"
    return f"{counts}, {kept}"


def _floor_line(name: str, floor: float | None) -> str:
    """Return a line of YAML: a floor, or a comment if none meets the share."""
    return f"# {name}: no floor meets the share" if floor is None else f"{name}: {floor:g}"


def _more_or_fewer(number: int, noun: str) -> str:
    if number == 0:
        return f"as many {noun}s"
    return f"{_counted(abs(number), noun)} {'more' if number > 0 else 'fewer'}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _names(entries: Sequence[Compared]) -> str:
    return ", ".join(
        f"{entry.stored.incident_id} ({entry.stored.incident.title})" for entry in entries if entry.stored is not None
    )


def _line(entry: Compared) -> tuple[str, ...]:
    after = entry.after[0] if entry.after else None
    stored = entry.stored
    before_pages, after_pages = entry.pages
    return (
        SIGNS[entry.fate],
        str(entry.fate),
        stored.incident_id if stored else "",
        str(stored.handling.outcome or "") if stored else "",
        incident_of(entry).incident.cause.shown(),
        _change(entry, *(history.incident.opened if history else None for history in (entry.before, after))),
        _change(entry, *(str(history.incident.severity) if history else None for history in (entry.before, after))),
        _change(entry, *(str(number) for number in _chunks(entry))),
        _change(entry, str(before_pages), str(after_pages)),
    )


def _change(entry: Compared, before: str | None, after: str | None) -> str:
    """Return what a cell was and what it becomes; one of both if the incident is lost, gained, or the cell the same."""
    if entry.fate is Fate.LOST or after is None:
        return before or ""
    if entry.fate is Fate.GAINED or before is None:
        return after
    return before if before == after else f"{before} -> {after}"


def _chunks(entry: Compared) -> tuple[int, int]:
    before = entry.before.incident.breached_chunks if entry.before else 0
    return before, sum(history.incident.breached_chunks for history in entry.after)


def _record(model: str, entry: Compared) -> Record:
    after: IncidentHistory | None = entry.after[0] if entry.after else None
    chunks, pages, stored = _chunks(entry), entry.pages, entry.stored
    return {
        "model": model,
        "change": entry.fate,
        "incident": stored.incident_id if stored else None,
        "outcome": stored.handling.outcome if stored else None,
        "cause": incident_of(entry).incident.cause.text,
        "title": incident_of(entry).incident.title,
        "opened_before": entry.before.incident.opened if entry.before else None,
        "opened_after": after.incident.opened if after else None,
        "severity_before": entry.before.incident.severity if entry.before else None,
        "severity_after": after.incident.severity if after else None,
        "chunks_before": chunks[0],
        "chunks_after": chunks[1],
        "pages_before": pages[0],
        "pages_after": pages[1],
    }
