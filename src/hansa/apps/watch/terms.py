"""What a rule may be made of: its words, how long, how many. Held by tests/apps/test_watch_rule.py."""

import re
from collections.abc import Callable
from fnmatch import translate
from typing import Any, Final

SEVERITIES: Final = ("informational", "low", "medium", "high", "critical")
CATEGORIES: Final = ("traffic", "naturalDisaster", "weather", "environment", "health", "security", "agriculture")
"""Severities and categories of the Smart Data Models' Alert."""

OWN: Final = frozenset({"Alert", "WatchRule"})
"""What watch itself reads and writes: watching it would answer itself for ever."""

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
SECOND: Final = 1_000_000
LONGEST_S: Final = 366 * 86_400.0
_TERM: Final = re.compile(r"[A-Za-z][\w.-]*\Z|https?://\S+\Z|urn:\S+\Z")


class Unusable(Exception):  # it is a finding, not a fault of ours
    """A WatchRule that cannot be used; says which attribute and why."""


def is_term(value: Any) -> bool:
    """Whether this can name an attribute or a type."""
    return isinstance(value, str) and len(value) <= 2_048 and _TERM.match(value) is not None


def glob_fault(glob: Any) -> str | None:
    """Why this is no pattern for ids, or None.

    Few stars: what a glob's regular expression costs grows with them, and it is asked for every reading.
    """
    if not isinstance(glob, str) or len(glob) > 256 or glob.count("*") > 4:
        return "not a pattern of at most 256 characters and 4 stars"
    return None


def matcher(glob: str) -> Callable[[str], Any]:
    """What says whether an id matches a pattern (`glob_fault` is None)."""
    return _Matcher(glob)


class _Matcher:
    """It is called like a function, and two of the same glob are equal."""

    __slots__ = ("_match", "glob")

    def __init__(self, glob: str) -> None:
        self.glob = glob
        self._match = re.compile(translate(glob)).match

    def __call__(self, text: str) -> Any:
        return self._match(text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Matcher) and self.glob == other.glob

    def __hash__(self) -> int:
        return hash(self.glob)
