"""Names in messages: those that exist or are allowed, and those that may be meant."""

from collections.abc import Iterable
from difflib import get_close_matches

NAMES_LISTED = 30
LONGEST_LIST = 400
"""Characters of a list of allowed names that is written in full."""
FEW = 5


def suggestion(name: str, existing: Iterable[str], kind: str) -> str:
    """Return the similar names, and a list of the existing ones; ``kind`` is the word for them."""
    by_folded = {other.casefold(): other for other in existing}
    close = [by_folded[folded] for folded in get_close_matches(name.casefold(), by_folded, n=3)]
    names = sorted(by_folded.values())
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    more = f" and {len(names) - NAMES_LISTED} more" if len(names) > NAMES_LISTED else ""
    return f"{hint}{kind}: {', '.join(names[:NAMES_LISTED]) or 'none'}{more}"


def allowed_names(name: str, allowed: Iterable[str], *, more_at: str = "", listed: int = FEW) -> str:
    """Return the similar names among those that are allowed, and these as a list, of which a long one is cut.

    Args:
        name: the name that is not allowed.
        allowed: those that are.
        more_at: the place of the whole list, which is written if the list is cut.
        listed: names of a list that is cut.
    """
    names = sorted(allowed)
    everything = ", ".join(names)
    is_short = len(everything) <= LONGEST_LIST
    close = get_close_matches(name, names, n=1 if is_short else 3, cutoff=0.6)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    if is_short:
        return f"{hint}known: {everything}"
    rest = f"{', '.join(names[:listed])} and {len(names) - listed} more"
    return f"{hint}{len(names)} are known{'' if close else f': {rest}'}{f' ({more_at})' if more_at else ''}"
