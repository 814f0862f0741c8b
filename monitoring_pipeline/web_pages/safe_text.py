"""Text and addresses from the users' data, made safe to show."""

import re

LONGEST_TEXT = 1_000
LONGEST_ADDRESS = 2_000
_LINK = re.compile(r"(https?://|#|/(?!/)|[\w.-]+\.html)", re.ASCII)
_BREAKS = re.compile(r"[\s<>\"]")
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)


def visible(text: str) -> str:
    """Return a text in which a character that hides or turns other text, or that no page can hold, is replaced.

    Such are marks of right-to-left text and control characters.
    """
    return _INVISIBLE.sub("\N{REPLACEMENT CHARACTER}", text)


def shortened(text: str) -> str:
    """Return a text of at most LONGEST_TEXT characters."""
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def is_safe_address(address: str) -> bool:
    """Return whether a page may link to an address: http, https, or a part of the site."""
    return len(address) <= LONGEST_ADDRESS and bool(_LINK.match(address)) and not _BREAKS.search(address)


def safe_address(address: str) -> str:
    """Return an address that a page may link to, or else ``#``."""
    return address if is_safe_address(address) else "#"
