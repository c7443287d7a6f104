"""A real browser, and pages of the real city of a module in it."""

import contextlib

import pytest
from seen import WITHIN_MS

import chromium


@pytest.fixture(scope="module")
def browser():
    with chromium.started() as made:
        yield made


@pytest.fixture
def browse(browser, city):
    """Open a page of the city; at the end, no script has failed and nobody but the city was asked."""
    faults, strangers = [], []
    with contextlib.ExitStack() as opened:

        def open_page(path, *, width=1280, height=800, **how):
            context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce", **how)
            opened.callback(context.close)
            made = context.new_page()
            made.set_default_timeout(WITHIN_MS)
            made.on("pageerror", lambda fault: faults.append(str(fault)))
            made.on(
                "request", lambda one: one.url.startswith((city.url, "data:", "blob:")) or strangers.append(one.url)
            )
            made.goto(f"{city.url}{path}")
            made.wait_for_selector("html.ready", state="attached")
            return made

        yield open_page
    assert faults == []
    assert strangers == []
