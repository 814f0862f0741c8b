"""Lake tables in folders below others, as a catalogue places them: ``ml/claim_scores`` in the namespace ``ml``."""

from collections.abc import Iterator

from monitoring_pipeline.warehouse.engines.files.formats.formats_table import format_of
from monitoring_pipeline.warehouse.engines.files.kinds import kind_of
from monitoring_pipeline.warehouse.engines.files.places import FilePlace

DEEPEST = 3
MOST_FOLDERS = 100
"""A folder of more folders is taken for parts of one table, and each look at a folder of an object store takes time."""


def tables_below(files: FilePlace, folder: str) -> tuple[str, ...]:
    """Return the paths of the lake tables below a folder; none if it is one, or holds the files of a table."""
    return () if format_of(files, folder) else tuple(_below(files, folder, DEEPEST))


def _below(files: FilePlace, folder: str, depth: int) -> Iterator[str]:
    entries = files.entries_below(folder)
    folders = [name for name, is_file in entries.items() if not is_file and not name.startswith((".", "_"))]
    if any(is_file and kind_of(name) for name, is_file in entries.items()) or len(folders) > MOST_FOLDERS:
        return
    if any("=" in name or name.isdigit() for name in folders):
        return
    for name in folders:
        path = f"{folder}/{name}"
        if format_of(files, path):
            yield path
        elif depth > 1:
            yield from _below(files, path, depth - 1)
