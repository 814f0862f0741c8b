"""The text of a spec by which results were made, and who changed it."""

import datetime as dt
import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Commit:
    """The commit of git that changed a file last.

    Attributes:
        author: the author's name.
        commit_hash: the whole hash.
        committed_at: when it was committed.
    """

    author: str
    commit_hash: str
    committed_at: dt.datetime


@dataclass(frozen=True, kw_only=True)
class SpecText:
    """One text of a model's spec, from the first result that was made by it.

    Attributes:
        model: name of the model.
        spec_hash: the hash that the results have; texts that differ only in comments or rules of alerts share it.
        text: the file as it was, without passwords.
        is_file: whether the text is that of the file; otherwise the file had changed since the run read it, and the
            text has the fields that the run used.
        seen_at: when the first result by it was stored.
        run_id: the run that stored it.
        recorded_by: user of the operating system that ran it.
        commit: the commit of the text; None if the file is not in git, or was changed after the commit.
    """

    model: str
    spec_hash: str
    text: str
    is_file: bool
    seen_at: dt.datetime
    run_id: str
    recorded_by: str
    commit: Commit | None = None

    @property
    def text_hash(self) -> str:
        """The hash of the text: 16 digits of its SHA-256."""
        return hash_of_text(self.text)

    @property
    def who(self) -> str:
        """The author of the commit, or the user who ran it."""
        return self.commit.author if self.commit else self.recorded_by


@dataclass(frozen=True, kw_only=True)
class UnrecordedSpec:
    """A hash that results have, and of which no text was kept.

    Attributes:
        spec_hash: the hash.
        first_measured_at: when the first of the stored results by it was measured.
    """

    spec_hash: str
    first_measured_at: dt.datetime


def hash_of_text(text: str) -> str:
    """Return 16 digits of the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
