"""The texts of specs by which results were made."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from monitoring_pipeline.records.producer import AnyProducer
from monitoring_pipeline.records.spec_text import Commit, SpecText, UnrecordedSpec

FindCommit = Callable[[Path, bytes], Commit | None]
"""Returns the commit of a file with a content; None if it has none, or was changed after it."""


class SpecTexts(Protocol):
    """The part of the store that keeps the texts of specs. ``Results.replace`` adds one."""

    def spec_texts(self, model: str) -> list[SpecText]:
        """Return the texts of a model's spec, oldest first; one that came back is there again."""
        ...

    def newest_spec_text(self, model: str) -> SpecText | None:
        """Return the newest text of a model's spec, if there is one."""
        ...

    def spec_text_of(self, model: str, chunk: str, producer: AnyProducer) -> SpecText | None:
        """Return the text of the spec by which a producer's current results were made; None if it was not kept."""
        ...

    def unrecorded_specs(self, model: str) -> list[UnrecordedSpec]:
        """Return the hashes that results of chunks have and no text, in order of their first result."""
        ...
