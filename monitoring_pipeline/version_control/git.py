"""The commit of a file, read from git without running anything that the repository configures."""

import datetime as dt
import hashlib
import shutil
import subprocess
from pathlib import Path

from monitoring_pipeline.records.spec_text import Commit

SECONDS = 10.0
_HASHES = {40: hashlib.sha1, 64: hashlib.sha256}
# A repository may name programs for signatures and for watching files; neither is needed here.
_RUNS_NOTHING = ("-c", "log.showSignature=false", "-c", "core.fsmonitor=false", "--no-pager", "--no-optional-locks")


def find_commit(path: Path, content: bytes) -> Commit | None:
    """Return the commit that changed a file last, if the file is committed with this content.

    Returns:
        None without git, outside a repository, for a file that is not committed or was changed since, and if git does
        not answer within 10 seconds.
    """
    folder, name = path.resolve().parent, path.resolve().name
    blob = _git(folder, "rev-parse", "--verify", "--quiet", f"HEAD:./{name}")
    if blob is None or blob != _blob_hash(content, len(blob)):
        return None
    found = _git(folder, "log", "-1", "--no-color", "--format=%H%x00%cI%x00%an", "HEAD", "--", f"./{name}")
    if not found:
        return None
    commit_hash, committed_at, author = found.split("\0")
    return Commit(author=author, commit_hash=commit_hash, committed_at=dt.datetime.fromisoformat(committed_at))


def _blob_hash(content: bytes, digits: int) -> str | None:
    """Return the name that git gives a content, in a repository whose names have so many digits."""
    make = _HASHES.get(digits)
    return make(b"blob %d\0%b" % (len(content), content)).hexdigest() if make else None


def _git(folder: Path, *words: str) -> str | None:
    program = shutil.which("git")
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - git, with words of this package and a file name after ./
            [program, *_RUNS_NOTHING, "-C", str(folder), *words],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None
