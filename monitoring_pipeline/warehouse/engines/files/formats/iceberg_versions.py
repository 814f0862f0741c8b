"""The newest of the metadata files of an Iceberg table."""

import re
from collections.abc import Collection

_NAME = re.compile(r"(?:v(?P<counted>[0-9]+)|(?P<named>[0-9]+)-[^/]+)(?:\.gz)?\.metadata\.json(?:\.gz)?")


def newest_metadata(names: Collection[str], hint: str) -> tuple[str, ...]:
    """Return the names of the metadata files of the newest version; several if only a catalog has the one that counts.

    Args:
        names: the names of all metadata files.
        hint: the text of the version hint: a version, or the name of a file; empty if there is none. The hint may be
            older than the newest version, because it is written after it.
    """
    hint = hint.strip()
    hinted = [name for name in names if name.startswith((f"v{hint}.", f"{hint}.")) or name == hint] if hint else []
    versions = {name: int(found["counted"] or found["named"]) for name in names if (found := _NAME.fullmatch(name))}
    if not versions:
        return tuple(sorted(hinted or names))
    newest = max(versions.values())
    if hinted and hinted[0] in versions:
        newest = versions[hinted[0]]
        while newest + 1 in versions.values():
            newest += 1
    found = [name for name, version in versions.items() if version == newest]
    return tuple(sorted(set(found) & set(hinted) or found))
