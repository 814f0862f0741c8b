"""Messages and pages link to addresses of the web only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.records.web_address import web_address


@pytest.mark.parametrize("address", ["https://wiki.example.com/a?b=1&c=2#d", "http://10.0.0.1:8080", "HTTPS://x/y"])
def test_address_of_the_web_is_linked(address: str) -> None:
    assert web_address(address) == address


@pytest.mark.parametrize("text", [
    None, "", "wiki", "javascript:alert(1)", "JaVaScRiPt:alert(1)//https://x", " https://x", "https://x\n", "ftp://x",
    "data:text/html,x", "//example.com", "/models/a", "file:///etc/passwd", "https://x y", 'https://x"y', "https://<x>",
    "https://", "vbscript:x", "https://x\x00y", "https://" + "x" * 2_000,
])  # fmt: skip
def test_everything_else_is_not_linked(text: str | None) -> None:
    assert web_address(text) is None


@given(st.text())
def test_what_is_linked_begins_with_its_scheme_and_has_no_space_or_quote(text: str) -> None:
    for given_text in (text, f"https://{text}"):
        found = web_address(given_text)
        assert found is None or (found.lower().startswith(("http://", "https://")) and not set(found) & set(' "<>\n\t'))
