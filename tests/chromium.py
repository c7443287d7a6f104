"""The browser of the tests: how it is found and started."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--renderer-process-limit=1",  # the pages of one city share a process: a start for each costs more than the page
]
_WINDOWED = ("chromium", "chromium-browser")
# The shell is the same engine without the windows around it: a page opens for a third of the work.
_ANY = ("chromium-headless-shell", *_WINDOWED)


def _program(names: Sequence[str]) -> str:
    program = os.environ.get("HANSA_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if program is None:
        why = "the browser tests need Chromium; name it in HANSA_CHROMIUM"
        (pytest.fail if os.environ.get("HANSA_REQUIRE_ALL") else pytest.skip)(why)
    return program


@contextlib.contextmanager
def started() -> Iterator[Any]:
    """A browser; without one the test skips, or fails where all parts are required."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the browser tests need playwright")
    program = _program(_ANY)
    with playwright.sync_playwright() as play:
        made = play.chromium.launch(executable_path=program, args=ARGS)
        yield made
        made.close()


@contextlib.contextmanager
def windowed(beside: Any) -> Iterator[Any]:
    """The browser as people have it, beside one that is there: it shows notifications, which the shell does not."""
    made = beside.browser_type.launch(executable_path=_program(_WINDOWED), args=ARGS)
    yield made
    made.close()
