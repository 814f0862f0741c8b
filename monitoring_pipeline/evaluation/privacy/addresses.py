"""Addresses without their passwords, for messages, and the parts of an address that are secret."""

import base64
import re
from urllib.parse import parse_qsl, quote, unquote, urlsplit

SHORTEST_PATH_PART = 4
_NAMES = "password|passwd|pwd|secret|token|signature|sig"
# Without bounds, the time would grow with the square of the length of a text without spaces.
_PASSWORD = re.compile(r"(?P<before>[A-Za-z][A-Za-z0-9+.-]{0,30}:/{1,2}[^\s:/@]*:)\S+@")
_WORD = re.compile(r"\S+")
_PARAMETER = re.compile(rf"(?P<before>[?&][^=&?\s]{{0,200}}(?:{_NAMES}|key)=)[^&\s'\"]+", re.IGNORECASE)
_SETTING = re.compile(r"(?P<before>(?<![\w?&])(?:password|passwd|pwd)=)[^&\s'\",;]+", re.IGNORECASE)
_HEADER = re.compile(r"(?P<before>Authorization['\"]?\s*[:=]\s*['\"]?(?:Basic|Bearer)\s+)[^\s'\"]+", re.IGNORECASE)
_USER = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:/{1,2}(?P<user>[^\s:/@]*):(?P<rest>.*)$", re.DOTALL)
_SECRET_NAME = re.compile(rf"(?:{_NAMES}|key)$", re.IGNORECASE)
_DELIMITER = re.compile(r"[/@:?#]")


def without_passwords(text: str) -> str:
    """Return a text in which the password of every address, and every secret parameter, is replaced by ``***``."""
    if "@" in text:
        text = _WORD.sub(_without_password, text)
    for pattern in _OTHERS:
        text = pattern.sub(r"\g<before>***", text)
    return text


def _without_password(word: re.Match[str]) -> str:
    # Behind the last @ every possible beginning of an address would be searched to the end.
    before, at, rest = word[0].rpartition("@")
    return _PASSWORD.sub(r"\g<before>***@", before + at) + rest


_OTHERS = (_PARAMETER, _SETTING, _HEADER)


def passwords_of(address: str) -> set[str]:
    """Return the password and secret parameters of an address, in each form in which an error may quote them.

    A password that contains a delimiter of addresses can be read in several ways, so each part of it counts.
    """
    secrets = {value for name, value in parse_qsl(_query(address)) if _SECRET_NAME.search(name)}
    match = _USER.match(address)
    if match is None or "@" not in match["rest"]:
        return _forms(secrets)
    user, rest = match["user"], match["rest"]
    # The part before the last @ of the host, and the part before the last @ of all.
    for until in (re.split(r"[/?#]", rest, maxsplit=1)[0], rest):
        if "@" in until:
            password = until.rpartition("@")[0]
            secrets |= {password, *_DELIMITER.split(password)}
            for pair in (f"{user}:{password}", f"{unquote(user)}:{unquote(password)}"):
                secrets.add(base64.b64encode(pair.encode()).decode())
    return _forms(secrets)


def parts_of_secret(value: str) -> set[str]:
    """Return the parts of an address that is secret as a whole, such as that of a webhook; the host of HTTP is public.

    A value that is no address, such as a token, is returned as it is.
    """
    scheme, separator, rest = value.partition("://")
    if not separator:
        return _forms({value})
    host, *path = re.split(r"[/?#&]", rest)
    parts = {rest[len(host) :], *(f"/{part}" for part in path if len(part) >= SHORTEST_PATH_PART)}
    parts |= {part for part in path if _looks_random(part)}
    if not scheme.lower().startswith("http"):
        parts |= {value, rest, host, *(part for part in re.split(r"[:@]", host) if _looks_random(part))}
    return passwords_of(value) | _forms(parts | {text for _, text in parse_qsl(_query(value))})


def _query(address: str) -> str:
    try:
        return urlsplit(address).query
    except ValueError:
        return address.partition("?")[2]


def _looks_random(text: str) -> bool:
    """Return whether a part of an address is no word of a language."""
    kinds = (str.isdigit, str.isupper, str.islower)
    return len(text) >= SHORTEST_PATH_PART * 2 and sum(any(map(kind, text)) for kind in kinds) > 1


def _forms(secrets: set[str]) -> set[str]:
    decoded = secrets | {unquote(secret) for secret in secrets}
    return decoded | {quote(secret, safe="") for secret in decoded}
