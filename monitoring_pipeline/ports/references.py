"""References of model versions."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.records.measurement import Provenance
from monitoring_pipeline.spec.chunk import Chunk


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The run that wrote a result, and the time of writing."""

    run_id: str
    at: dt.datetime


class References(Protocol):
    """Where the references of model versions are kept."""

    def save_reference(
        self,
        reference: Reference,
        provenance: Provenance,
        chunk: Chunk,
        *,
        origin: Origin,
        declaration: str | None = None,
        results: Sequence[ChunkResults] = (),
    ) -> None:
        """Store a reference as the current one of its version, together with its results: all, or nothing.

        ``chunk`` is the window from whose rows it was built, ``declaration`` the text of all that it was built from.
        """
        ...

    def reference_document(self, model: str, model_version: str) -> str | None:
        """Return the current reference of a version as JSON; None if it has none."""
        ...

    def reference_declaration(self, model: str, model_version: str) -> str | None:
        """Return the declaration of the current reference; None if an earlier version of this package built it."""
        ...

    def replaced_references(self, model: str) -> tuple[tuple[str, str], ...]:
        """Return version and hash of each reference that another one of its version has replaced, in order."""
        ...

    def declare_reference(self, model: str, model_version: str, declaration: str) -> None:
        """Record the declaration of the current reference."""
        ...
