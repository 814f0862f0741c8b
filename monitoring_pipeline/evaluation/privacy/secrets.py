"""Texts and errors without secrets, for everything that leaves the process: messages, logs, stored reasons."""

import logging
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from monitoring_pipeline.evaluation.privacy.addresses import without_passwords

SHORTEST_SECRET = 6
"""Shorter values are replaced within addresses only, because they also are parts of ordinary words."""
LONG_SECRET = 16
HIDDEN = "***"


class _Secrets:
    """The secret values of this process. The settings add theirs, so that texts of other packages can be searched."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, values: Iterable[str]) -> None:
        """Add values; those that are too short are left out."""
        added = {value for value in values if len(value) >= SHORTEST_SECRET} - self._values
        if added:
            self._values |= added
            longest_first = sorted(self._values, key=lambda value: (-len(value), value))
            self._pattern = re.compile("|".join(map(_as_pattern, longest_first)))

    def hide(self, text: str) -> str:
        """Return a text with each value replaced."""
        return self._pattern.sub(HIDDEN, text) if self._pattern else text


_secrets = _Secrets()
keep_secret = _secrets.add


def without_secrets(text: str) -> str:
    """Return a text without the passwords of addresses and without the secret values of this process."""
    return _secrets.hide(without_passwords(text))


class HiddenError(RuntimeError):
    """Replaces an error whose text contains a secret and cannot be changed; the message contains its class."""


@contextmanager
def hidden_in_errors() -> Generator[None]:
    """Remove secrets from the texts of errors that leave the block, and from those of their causes."""
    try:
        yield
    except Exception as error:
        hidden = error_without_secrets(error)
        if hidden is error:
            raise
        raise hidden from None


def error_without_secrets(error: BaseException) -> BaseException:
    """Return the same error with its texts changed; another one without causes if a text cannot be changed."""
    if not _has_secret(error):
        return error
    for part in _chain(error):
        _hide_in(part)
    if not _has_secret(error):
        return error
    return HiddenError(f"{type(error).__name__}: {without_secrets(str(error))}").with_traceback(error.__traceback__)


def hide_in_logs() -> None:
    """Remove secrets from every message that this process logs from now on, whichever package logs it."""
    make = logging.getLogRecordFactory()
    if make is not _hidden_record:
        _factories.append(make)
        logging.setLogRecordFactory(_hidden_record)


_factories: list[Any] = []


def _hidden_record(*args: Any, **kwargs: Any) -> logging.LogRecord:
    record: logging.LogRecord = _factories[-1](*args, **kwargs)
    # A message that does not fit its arguments is reported by the handler.
    with suppress(Exception):
        message = record.getMessage()
        if (hidden := without_secrets(message)) != message:
            record.msg, record.args = hidden, ()
    if record.exc_info and record.exc_info[1] is not None:
        error = error_without_secrets(record.exc_info[1])
        record.exc_info = (type(error), error, record.exc_info[2])
    return record


def _as_pattern(value: str) -> str:
    escaped = re.escape(value)
    if len(value) >= LONG_SECRET:
        return escaped
    # A password that is a word must not be replaced within longer words. %3A before it is a colon of an address.
    before = r"(?:(?<![A-Za-z0-9_])|(?<=%[0-9A-Fa-f]{2}))" if value[0].isalnum() else ""
    return f"{before}{escaped}" + (r"(?![A-Za-z0-9_])" if value[-1].isalnum() else "")


def _has_secret(error: BaseException) -> bool:
    return any(without_secrets(text) != text for part in _chain(error) for text in _texts(part))


def _texts(error: BaseException) -> Iterator[str]:
    for text in (str, repr):
        with suppress(Exception):
            yield text(error)
    yield from map(str, getattr(error, "__notes__", ()))


def _chain(error: BaseException) -> list[BaseException]:
    """Return an error, its causes, the errors of its group and those within its arguments, each once."""
    found: dict[int, BaseException] = {}
    waiting: list[Any] = [error]
    while waiting:
        part = waiting.pop()
        if isinstance(part, BaseException) and id(part) not in found:
            found[id(part)] = part
            group: Any = getattr(part, "exceptions", ())
            inner = list(group) if isinstance(part, BaseExceptionGroup) else []
            waiting += [part.__cause__, part.__context__, *inner, *part.args]
    return list(found.values())


def _hide_in(error: Any) -> None:
    """Change the texts of one error, as far as its class allows."""
    with suppress(Exception):
        error.args = tuple(without_secrets(arg) if isinstance(arg, str) else arg for arg in error.args)
    for name in ("filename", "filename2", "strerror", "reason", "description"):
        value = getattr(error, name, None)
        if isinstance(value, str):
            with suppress(Exception):
                setattr(error, name, without_secrets(value))
    if hasattr(error, "__notes__"):
        error.__notes__ = [without_secrets(str(note)) for note in error.__notes__]
    text = without_secrets(str(error))
    if text != str(error):
        with suppress(TypeError):
            error.__class__ = _with_text(error.__class__, text)


def _with_text(kind: type[BaseException], text: str) -> type[BaseException]:
    """Return a class of errors of a kind whose text is fixed."""

    def fixed(_: BaseException) -> str:
        return text

    return type(kind.__name__, (kind,), {"__str__": fixed, "__module__": kind.__module__})
