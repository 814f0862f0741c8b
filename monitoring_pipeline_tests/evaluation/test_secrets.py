"""Texts, errors and log messages without secrets."""

import io
import logging
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from sqlalchemy.exc import OperationalError

from monitoring_pipeline.alerting.ports import DeliveryError
from monitoring_pipeline.evaluation.privacy.addresses import parts_of_secret, passwords_of
from monitoring_pipeline.evaluation.privacy.messages import message_without_values
from monitoring_pipeline.evaluation.privacy.secrets import (
    hidden_in_errors,
    hide_in_logs,
    keep_secret,
    without_secrets,
)
from monitoring_pipeline.records.evidence import ExternalTrainingEvidence

CANARY = "canary5c3e"


class _Number(BaseModel):
    value: int


@pytest.fixture(autouse=True)
def _secret() -> None:
    keep_secret(passwords_of(f"postgresql://user:{CANARY}@host:1/x"))


def _validated() -> None:
    _Number.model_validate({"value": CANARY})


def _caused() -> None:
    try:
        raise ValueError(f"port {CANARY}")
    except ValueError as error:
        raise KeyError("unrelated") from error


def _grouped() -> None:
    raise ExceptionGroup("several", [ValueError(CANARY), OSError(2, "no such file", f"/{CANARY}")])


def _noted() -> None:
    error = ValueError("bad")
    error.add_note(f"while reading {CANARY}")
    raise error


def _raised(error: Exception) -> None:
    raise error


ERRORS = {
    "value": lambda: _raised(ValueError(f"cannot read {CANARY}")),
    "error as argument": lambda: _raised(RuntimeError(OSError(f"no answer from {CANARY}"))),
    "file": lambda: _raised(FileNotFoundError(2, "no such file", f"https://user:{CANARY}@host/x")),
    "statement": lambda: _raised(OperationalError("SELECT 1", {"a": CANARY}, ValueError(CANARY))),
    "unchangeable": _validated,
    "cause": _caused,
    "group": _grouped,
    "note": _noted,
    "bytes": lambda: _raised(UnicodeDecodeError("utf-8", CANARY.encode(), 0, 1, f"after {CANARY}")),
}


@pytest.mark.parametrize("raise_error", ERRORS.values(), ids=ERRORS)
def test_error_that_leaves_a_block_contains_no_secret(raise_error):
    with pytest.raises(Exception) as raised, hidden_in_errors():  # noqa: PT011
        raise_error()
    assert CANARY not in "".join(traceback.format_exception(raised.value)) + repr(raised.value)


def test_error_without_a_secret_leaves_a_block_unchanged():
    error = KeyError("age")
    with pytest.raises(KeyError) as raised, hidden_in_errors():
        raise error
    assert raised.value is error


def test_error_keeps_its_class_so_that_it_can_be_caught():
    with pytest.raises(OperationalError, match=r"\*\*\*"), hidden_in_errors():
        ERRORS["statement"]()


def test_log_message_of_any_package_contains_no_secret():
    hide_in_logs()
    hide_in_logs()
    stream, logger = io.StringIO(), logging.getLogger("another package")
    handler = logging.StreamHandler(stream)
    logger.addHandler(handler)
    try:
        logger.warning("no answer from %s", f"https://user:{CANARY}@host")
        try:
            _caused()
        except KeyError:
            logger.exception("failed with %r", {"password": CANARY})
        logger.warning("%d of %s", 3, "four")
    finally:
        logger.removeHandler(handler)
    assert CANARY not in stream.getvalue()
    assert "3 of four" in stream.getvalue()


def test_password_is_hidden_in_each_form_in_which_a_library_quotes_it():
    password = "pa55/w@rd:x?y"
    keep_secret(passwords_of(f"postgresql://user:{password}@host:5432/x?sslpassword=an0therone"))
    for text in (
        f"invalid port {password}", "value 'pa55%2Fw%40rd%3Ax%3Fy' is bad", "Basic dXNlcjpwYTU1L3dAcmQ6eD95",
        f"postgresql://user:{password}@host:5432/x", "dsn sslpassword=an0therone", "an0therone",
    ):  # fmt: skip
        hidden = without_secrets(text)
        assert not any(part in hidden for part in ("pa55", "w@rd", "w%40rd", "dXNlcjpw", "an0therone")), hidden


def test_word_that_contains_a_short_password_stays():
    keep_secret(passwords_of("postgresql://user:monitor@host/x"))
    assert without_secrets("monitoring of pre_monitor, not monitor") == "monitoring of pre_monitor, not ***"


@pytest.mark.parametrize("address", [
    "https://hooks.example.com/services/T0CANARY1/B0/x7canaryZ", "https://example.com/hook?id=x7canaryZ&b=1",
    "tgram://1234567canaryZ/987654canaryZ/", "mailto://me:x7canaryZ@example.com", "x7canaryZ",
])  # fmt: skip
def test_secret_address_is_hidden_as_a_whole_and_in_parts(address):
    keep_secret(parts_of_secret(address))
    shown = f"Max retries exceeded with url: {address.partition('.com')[2] or address} of {address}"
    assert "canaryZ" not in without_secrets(shown)
    assert "CANARY1" not in without_secrets(shown)


def test_public_part_of_a_secret_address_stays():
    keep_secret(parts_of_secret("https://hooks.example.com/services/T0CANARY2"))
    assert without_secrets("services of hooks.example.com are down") == "services of hooks.example.com are down"


@given(text=st.text(), password=st.from_regex(r"[A-Za-z0-9!@/:?#%+]{6,30}", fullmatch=True))
def test_address_with_any_password_loses_it(text, password):
    address = f"https://user:{password}canary@host.example/x"
    assert "canary" not in without_secrets(f"{text[:20]} {address}").replace(text[:20], "")


def test_refusal_of_a_channel_and_reason_of_a_failure_contain_no_secret():
    assert CANARY not in str(DeliveryError(f"Slack: {CANARY}"))
    reason = message_without_values(f"trainer package:train failed: ValueError: {CANARY} " + "x" * 10_000)
    assert CANARY not in reason
    assert len(reason) <= 300


def test_request_for_training_does_not_show_the_address_of_the_registry():
    request = ExternalTrainingEvidence(model="x", tracking_uri=f"https://user:{CANARY}@host")
    assert CANARY not in repr(request)


@pytest.mark.parametrize("part", ["z", "?", "&a", "a.b+", "key=", "http:/"])
def test_long_text_without_spaces_is_searched_in_time_that_grows_with_its_length(part):
    """The test would run for hours if the time grew with the square of the length."""
    text = part * 100_000
    assert without_secrets(text).endswith(part)
    assert "hunter22" not in without_secrets(f"{text}postgres://user:hunter22@host/db {text}?password=hunter22")


def test_texts_of_ordinary_messages_stay():
    for text in ("models:/churn/1 at 12:30, see a@b.c", "MLflow at http://host:5000/x", "key=value", "a/b: 3 @ 4"):
        assert without_secrets(text) == text
