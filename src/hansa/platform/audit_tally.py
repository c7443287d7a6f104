"""What strangers can make happen as often as they like is noted one by one only so often, and then counted.

Password guessing at a thousand a second would else fill the disk with 30 GB of failed sign-ins a day, and bury whatever
matters. The first of a minute are noted each; of the rest how many there were, when the minute is over.
Report: 4.2. Tests: `tests/platform/test_audit_reads.py`.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from hansa.errors import Busy
from hansa.limits import DEFAULT, Limits
from hansa.platform.audit import Audit

if TYPE_CHECKING:
    from concurrent.futures import Future

COUNTED: Final = frozenset({"login-failed", "refused"})
"""Kinds that nobody need be signed in for, or that cost whoever makes them happen nothing."""


class Tally:
    """Notes in an audit log, and counts what comes too often."""

    def __init__(self, audit: Audit, limits: Limits = DEFAULT) -> None:
        """Count until each of its minutes is over."""
        self._audit = audit
        self._most = limits.audit_failures
        self._lock = threading.Lock()
        self._came: Counter[tuple[str, str]] = Counter()
        audit.each_minute.append(self.turn)

    def note(self, kind: str, actor: str, what: Mapping[str, Any], *, session: str = "") -> "Future[int] | None":
        """As `Audit.note`; None where it is counted and nobody need wait."""
        if kind in COUNTED:
            with self._lock:
                self._came[kind, actor] += 1
                if self._came[kind, actor] > self._most:
                    return None
        return self._audit.note(kind, actor, what, session=session)

    def turn(self) -> None:
        """A minute is over: say how many there were beyond those that were noted."""
        with self._lock:
            came, self._came = self._came, Counter()
        for (kind, actor), times in came.items():
            if times > self._most:
                with suppress(Busy):
                    self._audit.note(kind, actor, {"did": "counted", "times": times - self._most})
