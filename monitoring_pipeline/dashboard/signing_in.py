"""Who asks: the person whom a proxy names, and proof that a form came from a page of this site."""

import hashlib
import hmac
from dataclasses import dataclass, field

from starlette.requests import Request

SECRET_HEADER = "x-monitoring-pipeline-proxy"  # noqa: S105 - the name of the header, not its value
TOKEN_SECONDS = 12 * 3600
LEAST_SECRET = 16


class NotAllowedError(Exception):
    """A request may not do what it asks for; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """A proxy that authenticates people before their requests reach this site.

    Args:
        secret: a text that the proxy adds to each request in ``SECRET_HEADER``, so that nobody else on this machine can
            name a user.
        user_header: the header in which it names the user.
    """

    secret: str = field(repr=False)
    user_header: str

    def __post_init__(self) -> None:
        """Refuse a secret that can be guessed."""
        if len(self.secret) < LEAST_SECRET:
            message = f"the secret of the proxy has {len(self.secret)} characters; at least {LEAST_SECRET} are needed"
            raise ValueError(message)

    def person(self, request: Request) -> str:
        """Return the name of the person who asks.

        Raises:
            NotAllowedError: when the request did not come through the proxy, or names nobody.
        """
        given = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode(), self.secret.encode()):
            message = "this site answers only requests that come through its proxy"
            raise NotAllowedError(message)
        names = request.headers.getlist(self.user_header)
        if len(names) != 1 or not names[0].strip():
            message = f"the proxy named no user in the header {self.user_header}"
            raise NotAllowedError(message)
        return names[0].strip()

    def token(self, person: str, now: float) -> str:
        """Return the token that the forms of a person contain; it is valid for 12 hours."""
        until = int(now) + TOKEN_SECONDS
        return f"{until}.{self._signature(person, until)}"

    def check_token(self, person: str, token: str, now: float) -> None:
        """Check that a form came from a page that this person opened.

        Raises:
            NotAllowedError: when the token is another person's, changed or too old.
        """
        until, _, signature = token.partition(".")
        is_whole = until.isascii() and until.isdigit()
        if not is_whole or not hmac.compare_digest(signature.encode(), self._signature(person, int(until)).encode()):
            message = "the form is not one of this site, or was opened by somebody else; open the page again"
            raise NotAllowedError(message)
        if int(until) < now:
            message = "the form is older than 12 hours; open the page again"
            raise NotAllowedError(message)

    def _signature(self, person: str, until: int) -> str:
        return hmac.new(self.secret.encode(), f"{until}\n{person}".encode(), hashlib.sha256).hexdigest()


def check_origin(request: Request) -> None:
    """Check that a browser sent a form from this site (https://www.w3.org/TR/fetch-metadata/).

    Raises:
        NotAllowedError: when the browser says that another site sent it.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        message = "another site sent this form"
        raise NotAllowedError(message)
