"""Requests of the channels that speak HTTP, with every failure as one kind of error."""

import base64
import datetime as dt
import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from monitoring_pipeline.alerting.channels.certificates import trusted_certificates, untrusted
from monitoring_pipeline.alerting.ports import DeliveryError

LARGEST_ANSWER = 4 * 1024 * 1024
_TOO_MANY, _UNAVAILABLE, _SERVER_ERRORS, _REDIRECTS = 429, 503, 500, 300
_NEED_A_PERSON = frozenset({401, 403, 404, 405, 410})


class HttpRefusalError(DeliveryError):
    """A server answered, and not with a 2xx.

    Args:
        text: the problem.
        status: the status of the answer.
        answer: the JSON of the answer; None if it has none.
    """

    def __init__(self, text: str, *, status: int, answer: Any, **kind: Any) -> None:
        super().__init__(text, **kind)
        self.status = status
        self.answer = answer


def _no_details(_: Any) -> str:
    return ""


@dataclass(frozen=True, kw_only=True)
class HttpCalls:
    """The requests of one channel. Nothing is repeated here, because the delivery decides what may be repeated.

    Proxies of the environment (``HTTPS_PROXY``, ``HTTP_PROXY``, ``NO_PROXY``) are used.

    Args:
        service: the name of the service, with which every error begins.
        timeout_seconds: how long the service may take to answer.
        certificates: file with further certificates of authorities that are trusted.
        details: returns the reason in the JSON of a refusal, as words.
        unnamed_wait: the rest after too many requests, where the service names none.
    """

    service: str
    timeout_seconds: float = 10
    certificates: Path | None = None
    details: Callable[[Any], str] = _no_details
    unnamed_wait: dt.timedelta | None = None

    def post(self, address: str, document: bytes, headers: Mapping[str, str]) -> None:
        """Post JSON. Only the status of the answer counts.

        Raises:
            HttpRefusalError: unless the status is a 2xx.
            DeliveryError: when it is unknown whether the document was accepted.
        """
        with self._answered("POST", address, document, headers):
            return

    def ask(self, method: str, address: str, document: Any, headers: Mapping[str, str]) -> Any:
        """Send a request, with JSON unless ``document`` is None; return the JSON of the answer, None if it is empty.

        Raises:
            HttpRefusalError: unless the status is a 2xx.
            DeliveryError: when the answer cannot be read.
        """
        content = None if document is None else json.dumps(document).encode()
        with self._answered(method, address, content, {"Accept": "application/json", **headers}) as answer:
            body = answer.read(LARGEST_ANSWER)
        try:
            return json.loads(body) if body.strip() else None
        except ValueError:
            message = f"{self.service}: an answer that is no JSON"
            raise DeliveryError(message) from None

    @contextmanager
    def _answered(
        self, method: str, address: str, content: bytes | None, headers: Mapping[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        try:
            with self._opener.open(_request(method, address, content, headers), timeout=self.timeout_seconds) as answer:
                yield answer
        except urllib.error.HTTPError as error:
            with error:
                raise self._refused(error) from None
        except OSError as error:
            raise self._unreached(error, address) from None
        except (http.client.HTTPException, ValueError) as error:
            # Their texts may quote the address, which may hold a secret.
            text = f"{self.service}: cannot be reached: {type(error).__name__}"
            raise DeliveryError(text) from None

    @cached_property
    def _opener(self) -> urllib.request.OpenerDirector:
        tls = urllib.request.HTTPSHandler(context=trusted_certificates(self.certificates, self.service))
        return urllib.request.build_opener(_NoRedirects, tls)

    def _unreached(self, error: OSError, address: str) -> DeliveryError:
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(cause, ssl.SSLCertVerificationError):
            return untrusted(self.service, urlsplit(address).hostname or "", cause)
        if isinstance(cause, TimeoutError):
            return DeliveryError(f"{self.service}: no answer within {self.timeout_seconds:g} s")
        text = str(cause) or type(error).__name__
        refused_by_proxy = text.startswith("Tunnel connection failed: 40")
        hint = ": the proxy of HTTPS_PROXY refuses: correct its address, user or password" if refused_by_proxy else ""
        return DeliveryError(f"{self.service}: cannot be reached: {text}{hint}", needs_a_person=refused_by_proxy)

    def _refused(self, error: urllib.error.HTTPError) -> HttpRefusalError:
        answer = _json_of(error)
        details = self.details(answer) if answer is not None else ""
        text = f"{self.service}: HTTP {error.code} {error.reason}" + (f": {details}" if details else "")
        about = {"status": error.code, "answer": answer}
        if error.code in {_TOO_MANY, _UNAVAILABLE}:
            named = _wait(error.headers)
            wait = self.unnamed_wait if named is None and error.code == _TOO_MANY else named
            return HttpRefusalError(text, **about, retry_after=wait)
        if _REDIRECTS <= error.code < _REDIRECTS + 100:
            hint = "redirects are not followed: set the final address"
            return HttpRefusalError(f"{text}: {hint}", **about, needs_a_person=True)
        needs_a_person = error.code in _NEED_A_PERSON
        channel_wide = needs_a_person or error.code >= _SERVER_ERRORS
        return HttpRefusalError(text, **about, needs_a_person=needs_a_person, channel_wide=channel_wide)


def check_address(channel: str, address: str) -> str:
    """Return an address, which may hold a secret.

    Raises:
        ValueError: when it is neither http nor https, or has no host; the text does not quote it.
    """
    message = f"channel {channel}: the secret must be an address that begins with http:// or https://"
    try:
        parts = urlsplit(address)
    except ValueError:
        raise ValueError(message) from None
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        raise ValueError(message)
    return address


def basic(user: str, password: str) -> str:
    """Return the value of the header Authorization for a user and a password (RFC 7617)."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _request(method: str, address: str, content: bytes | None, headers: Mapping[str, str]) -> urllib.request.Request:
    """Return a request. A user and a password in the address become a header, as urllib would look up their host."""
    user_info, at, host = urlsplit(address).netloc.rpartition("@")
    sent = {"Content-Type": "application/json", "User-Agent": "monitoring_pipeline", **headers}
    if at:
        user, _, password = user_info.partition(":")
        address = address.replace(f"{user_info}@{host}", host, 1)
        sent["Authorization"] = basic(unquote(user), unquote(password))
    return urllib.request.Request(address, data=content, headers=sent, method=method)  # noqa: S310 - see check_address


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Leaves a redirect as an error: followed, the POST would become a GET without its document."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any) -> None:  # noqa: ARG002, PLR0917
        """Follow nothing."""
        return


def _json_of(error: urllib.error.HTTPError) -> Any:
    try:
        return json.loads(error.read(LARGEST_ANSWER))
    except (OSError, http.client.HTTPException, ValueError):
        return None


def _wait(headers: Message) -> dt.timedelta | None:
    """Return the wait that a server asks for: a number of seconds, or until a date by the server's own clock.

    See RFC 9110, 10.2.3 and 6.6.1. Without a date of the answer, a date to wait for has no meaning.
    """
    retry_after = headers.get("Retry-After", "").strip()
    if retry_after.isdecimal():
        return dt.timedelta(seconds=int(retry_after))
    try:
        until, answered = parsedate_to_datetime(retry_after), parsedate_to_datetime(headers.get("Date", ""))
        return max(dt.timedelta(), until - answered)
    except (TypeError, ValueError):
        return None
