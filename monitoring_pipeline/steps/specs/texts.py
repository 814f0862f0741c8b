"""The text of a spec, to be kept with the first result that is made by it."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff

import yaml

from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.ports.spec_texts import FindCommit, SpecTexts
from monitoring_pipeline.records.spec_text import SpecText, UnrecordedSpec, hash_of_text
from monitoring_pipeline.spec.loading import LoadedSpec, load_spec
from monitoring_pipeline.spec.parsing.documents import SpecError
from monitoring_pipeline.spec.parsing.files import UnreadableFileError, read_small_text


def unrecorded_text(
    loaded: LoadedSpec,
    store: SpecTexts,
    *,
    find_commit: FindCommit,
    now: dt.datetime,
    run_id: str,
    recorded_by: str,
) -> SpecText | None:
    """Return the text of a spec if it is not the newest one that is kept; otherwise None.

    Args:
        loaded: the spec, as the run has read it.
        store: the texts that are kept.
        find_commit: finds the commit of a file.
        now: the time.
        run_id: the run whose results are made by the spec.
        recorded_by: user of the operating system that runs it.
    """
    spec = loaded.spec
    newest = store.newest_spec_text(spec.name)
    content = _content_of(loaded)
    text = without_secrets(content) if content is not None else None
    is_kept = newest is not None and newest.spec_hash == spec.spec_hash
    if newest is not None and is_kept and text is not None and newest.text_hash == hash_of_text(text):
        return None
    if content is None or text is None or not _has_fields_of(loaded):
        content, text = None, without_secrets(fields_as_text(loaded))
        if newest is not None and is_kept and newest.text_hash == hash_of_text(text):
            return None
    return SpecText(
        model=spec.name,
        spec_hash=spec.spec_hash,
        text=text,
        is_file=content is not None,
        seen_at=now,
        run_id=run_id,
        recorded_by=recorded_by,
        commit=find_commit(loaded.path, content.encode()) if content is not None else None,
    )


def fields_as_text(loaded: LoadedSpec) -> str:
    """Return the fields of a spec that differ from their defaults, as YAML."""
    fields = loaded.spec.model_dump(mode="json", exclude_unset=True)
    return yaml.safe_dump(fields, sort_keys=False, allow_unicode=True)


def _content_of(loaded: LoadedSpec) -> str | None:
    try:
        return read_small_text(loaded.path)
    except UnreadableFileError:
        return None


def _has_fields_of(loaded: LoadedSpec) -> bool:
    """Return whether the file still has the fields that were read from it."""
    try:
        return load_spec(loaded.path).spec.model_dump_json() == loaded.spec.model_dump_json()
    except SpecError:
        return False


@dataclass(frozen=True)
class SpecChange:
    """A text of a spec, and what changed from the former one.

    Attributes:
        text: the text.
        diff: the lines of a unified diff to the former text; the empty text before the first.
    """

    text: SpecText
    diff: tuple[str, ...]

    @property
    def added(self) -> int:
        """The number of lines that are new."""
        return sum(line.startswith("+") for line in self.diff[2:])

    @property
    def removed(self) -> int:
        """The number of lines that are gone."""
        return sum(line.startswith("-") for line in self.diff[2:])


@dataclass(frozen=True)
class SpecHistory:
    """All texts of a model's spec, oldest first, and the hashes of results of which no text was kept."""

    changes: tuple[SpecChange, ...]
    unrecorded: tuple[UnrecordedSpec, ...]


def read_history(model: str, store: SpecTexts) -> SpecHistory:
    """Return the history of a model's spec."""
    texts = store.spec_texts(model)
    return SpecHistory(changes_of(texts), tuple(store.unrecorded_specs(model)))


def changes_of(texts: Sequence[SpecText]) -> tuple[SpecChange, ...]:
    """Return texts in their order, each with what changed from the one before."""
    former: list[SpecText | None] = [None, *texts]
    return tuple(SpecChange(text, _diff(before, text)) for before, text in zip(former, texts, strict=False))


def _diff(before: SpecText | None, after: SpecText) -> tuple[str, ...]:
    old = before.text.splitlines() if before else []
    names = (f"{after.model} {before.text_hash}" if before else "nothing", f"{after.model} {after.text_hash}")
    return tuple(unified_diff(old, after.text.splitlines(), *names, lineterm=""))
