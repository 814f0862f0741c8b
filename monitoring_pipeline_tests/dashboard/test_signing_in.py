"""Who asks: only the proxy can name a person, and only a page of that person has a valid token."""

import pytest
from starlette.requests import Request

from monitoring_pipeline.dashboard.signing_in import SECRET_HEADER, TOKEN_SECONDS, NotAllowedError, Proxy, check_origin

SECRET = "a secret of the proxy"
PROXY = Proxy(secret=SECRET, user_header="X-Forwarded-User")
NOW = 1_700_000_000.0


def request(*headers: tuple[str, str]) -> Request:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": raw})


def test_person_is_the_one_whom_the_proxy_names() -> None:
    assert PROXY.person(request((SECRET_HEADER, SECRET), ("X-Forwarded-User", " ada "))) == "ada"


@pytest.mark.parametrize("headers", [
    [("X-Forwarded-User", "ada")],
    [(SECRET_HEADER, "a secret of somebody"), ("X-Forwarded-User", "ada")],
    [(SECRET_HEADER, SECRET[:-1]), ("X-Forwarded-User", "ada")],
    [(SECRET_HEADER, ""), ("X-Forwarded-User", "ada")],
])  # fmt: skip
def test_request_past_the_proxy_is_refused(headers: list[tuple[str, str]]) -> None:
    with pytest.raises(NotAllowedError, match="through its proxy"):
        PROXY.person(request(*headers))


@pytest.mark.parametrize("users", [[], [""], ["  "], ["ada", "bob"]])
def test_request_that_names_nobody_or_two_people_is_refused(users: list[str]) -> None:
    with pytest.raises(NotAllowedError, match="X-Forwarded-User"):
        PROXY.person(request((SECRET_HEADER, SECRET), *(("X-Forwarded-User", user) for user in users)))


def test_token_is_valid_for_its_person_and_its_time() -> None:
    token = PROXY.token("ada", NOW)
    PROXY.check_token("ada", token, NOW + TOKEN_SECONDS - 1)
    with pytest.raises(NotAllowedError, match="older than 12 hours"):
        PROXY.check_token("ada", token, NOW + TOKEN_SECONDS + 1)
    with pytest.raises(NotAllowedError, match="somebody else"):
        PROXY.check_token("bob", token, NOW)


@pytest.mark.parametrize("change", [
    lambda token: "",
    lambda token: token[:-1],
    lambda token: "9" + token,
    lambda token: token.replace(".", ""),
    lambda token: f"²{token}",
    lambda token: token + "0",
])  # fmt: skip
def test_changed_token_is_refused(change) -> None:
    with pytest.raises(NotAllowedError):
        PROXY.check_token("ada", change(PROXY.token("ada", NOW)), NOW)


def test_token_of_another_secret_is_refused() -> None:
    other = Proxy(secret=SECRET[::-1], user_header="X-Forwarded-User")
    with pytest.raises(NotAllowedError):
        PROXY.check_token("ada", other.token("ada", NOW), NOW)


def test_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        Proxy(secret="short", user_header="X-User")


@pytest.mark.parametrize(("sent_from", "allowed"), [
    (None, True), ("same-origin", True), ("none", True), ("cross-site", False), ("same-site", False),
])  # fmt: skip
def test_form_of_another_site_is_refused(sent_from: str | None, *, allowed: bool) -> None:
    asked = request(*([("Sec-Fetch-Site", sent_from)] if sent_from else []))
    if allowed:
        check_origin(asked)
    else:
        with pytest.raises(NotAllowedError, match="another site"):
            check_origin(asked)
