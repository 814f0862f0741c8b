"""A real browser, headless, for tests of web pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, sync_playwright

INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LOADS_WITHIN_SECONDS = 300


@contextmanager
def browser_page() -> Iterator[Page]:
    """Open an empty page in Chromium; skip the test if there is none."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(playwright), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(LOADS_WITHIN_SECONDS * 1000)
        yield page
        browser.close()


def _chromium(playwright: Playwright) -> str:
    own = Path(playwright.chromium.executable_path)
    found = [str(own)] if own.exists() else [path for name in INSTALLED if (path := shutil.which(name))]
    if not found:
        pytest.skip("no Chromium: install the package chromium, or run `playwright install chromium`")
    return found[0]
