"""Addresses from the users' data that messages and pages may link to."""

import re

LONGEST_ADDRESS = 2_000
_WEB = re.compile(r"https?://[^\s<>\"\x00-\x1f\x7f]+", re.IGNORECASE | re.ASCII)


def web_address(text: str | None) -> str | None:
    """Return an address of the web; None for another scheme, such as ``javascript:``, and for what is no address."""
    if text is None or len(text) > LONGEST_ADDRESS or not _WEB.fullmatch(text):
        return None
    return text
