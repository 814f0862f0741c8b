"""The history of a model's spec, as a report."""

from monitoring_pipeline.records.spec_text import SpecText, UnrecordedSpec
from monitoring_pipeline.reports.report import Cell, Record, Report, without_empty_columns
from monitoring_pipeline.steps.specs.texts import SpecChange, SpecHistory

SPEC_HISTORY_FIELDS = (
    "seen_at", "spec_hash", "text_hash", "is_file", "author", "commit_hash", "committed_at", "recorded_by", "run_id",
    "added", "removed", "diff", "text",
)  # fmt: skip
NOT_RECORDED = "not recorded"


def spec_history_table(model: str, history: SpecHistory) -> Report:
    """Return one line for each text, oldest first, after the hashes whose text was not kept."""
    lines = [*map(_line_without_text, history.unrecorded), *map(_line, history.changes)]
    records = [*map(_record_without_text, history.unrecorded), *map(_record, history.changes)]
    return without_empty_columns(
        Report(
            title=f"{model}: texts of the spec by which results were made" + ("" if lines else ": nothing yet"),
            columns=("kept since (UTC)", "spec", "text", "by", "commit", "lines", "note"),
            lines=tuple(lines),
            fields=SPEC_HISTORY_FIELDS,
            records=tuple(records),
        )
    )


def commit_words(text: SpecText) -> str:
    """Return the commit of a text in some words; the empty text if it has none."""
    commit = text.commit
    return f"{commit.commit_hash[:12]} of {commit.committed_at:%Y-%m-%d %H:%M}" if commit else ""


def _line(change: SpecChange) -> tuple[Cell, ...]:
    text = change.text
    note = "" if text.is_file else "the file had changed; these are the fields that the run used"
    lines = f"+{change.added} -{change.removed}"
    return (f"{text.seen_at:%Y-%m-%d %H:%M}", text.spec_hash, text.text_hash, text.who, commit_words(text), lines, note)


def _line_without_text(spec: UnrecordedSpec) -> tuple[Cell, ...]:
    return (f"{spec.first_measured_at:%Y-%m-%d %H:%M}", spec.spec_hash, "", "", "", "", NOT_RECORDED)


def _record(change: SpecChange) -> Record:
    text, commit = change.text, change.text.commit
    values = (
        text.seen_at, text.spec_hash, text.text_hash, text.is_file, commit and commit.author,
        commit and commit.commit_hash, commit and commit.committed_at, text.recorded_by, text.run_id,
        change.added, change.removed, "\n".join(change.diff), text.text,
    )  # fmt: skip
    return dict(zip(SPEC_HISTORY_FIELDS, values, strict=True))


def _record_without_text(spec: UnrecordedSpec) -> Record:
    known = {"seen_at": spec.first_measured_at, "spec_hash": spec.spec_hash}
    return {field: known.get(field) for field in SPEC_HISTORY_FIELDS}
