"""What browser tests of a real city share: how the browser is started, and how one waits for words."""

from typing import Any

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
]
WITHIN_MS = 20_000  # on a busy machine; what was measured on an idle one is in docs/performance.md


def until(page: Any, words: str, selector: str) -> None:
    """Wait until something that `selector` finds says `words`."""
    page.wait_for_function(
        """([selector, words]) => [...document.querySelectorAll(selector)]
            .some((one) => one.textContent.replaceAll("\\u00a0", " ").includes(words))""",
        arg=[selector, words],
    )
