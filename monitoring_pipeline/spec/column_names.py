"""Names of columns and tables in messages: those that exist, and those that may be meant."""

from collections.abc import Iterable
from difflib import get_close_matches

NAMES_LISTED = 30


def suggestion(name: str, existing: Iterable[str], kind: str) -> str:
    """Return the similar names, and a list of the existing ones; ``kind`` is the word for them."""
    by_folded = {other.casefold(): other for other in existing}
    close = [by_folded[folded] for folded in get_close_matches(name.casefold(), by_folded, n=3)]
    names = sorted(by_folded.values())
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    more = f" and {len(names) - NAMES_LISTED} more" if len(names) > NAMES_LISTED else ""
    return f"{hint}{kind}: {', '.join(names[:NAMES_LISTED]) or 'none'}{more}"
