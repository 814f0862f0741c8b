"""Addresses without their passwords, for messages."""

import re

_PASSWORD = re.compile(r"(?P<before>[A-Za-z][A-Za-z0-9+.-]*://[^\s:/@]*:)\S+@")
_PARAMETER = re.compile(
    r"(?P<before>[?&][^=&\s]*(?:password|passwd|pwd|secret|token|key|signature|sig)=)[^&\s'\"]+", re.IGNORECASE
)


def without_passwords(text: str) -> str:
    """Return a text in which the password of every address, and every secret parameter, is replaced by ``***``."""
    return _PARAMETER.sub(r"\g<before>***", _PASSWORD.sub(r"\g<before>***@", text))
