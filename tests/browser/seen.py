"""What browser tests of a real city share: how long, and how one waits for words."""

from typing import Any

WITHIN_MS = 30_000  # on a very busy machine; what was measured on an idle one is in docs/performance.md


def until(page: Any, words: str, selector: str) -> None:
    """Wait until something that `selector` finds says `words`."""
    page.wait_for_function(
        """([selector, words]) => [...document.querySelectorAll(selector)]
            .some((one) => one.textContent.replaceAll("\\u00a0", " ").includes(words))""",
        arg=[selector, words],
    )
