"""Takes the one SELECT out of a user's text, for engines whose drivers do not parse."""

import re
from collections.abc import Callable

from monitoring_pipeline.evaluation.business.business_metrics import code_parts

_FIRST_WORD = re.compile(r"[(\s]*([A-Za-z]+)?")
_QUERIES = frozenset({"SELECT", "WITH", "VALUES", "TABLE", "FROM"})


def one_select(text: str, error: Callable[[str], Exception]) -> str:
    """Return a text without the semicolon at its end.

    Raises:
        Exception: what ``error`` makes of the reason, when the text is not one SELECT. A server refuses what else is
            no query, because the text is put between brackets and the transaction can only read.
    """
    begin, kept, parts = 0, "", list[str]()
    code = code_parts(text)
    ends = [start + match.start() for start, part in code for match in re.finditer(";", part)]
    for end in (*ends, len(text)):
        inside = "".join(part[max(begin - start, 0) : max(end - start, 0)] for start, part in code)
        if inside.strip():
            word = _FIRST_WORD.match(inside)
            parts.append(((word and word[1]) or "").upper() or "something else")
            kept = text[begin:end]
        begin = end + 1
    kinds = ["SELECT" if word in _QUERIES else word for word in parts]
    if kinds != ["SELECT"]:
        raise error(f"one SELECT is needed, got {' and '.join(kinds) or 'no statement'}")
    return kept
