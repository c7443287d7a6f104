"""Who was shown what of personal and security information: written down before it is shown, once a minute and session.

An entry for every read would cost a commit each, and bury what matters: a page that looks every second at the same
twenty people would say so 1,200 times a minute. So a *window* is kept for each session and purpose: the first look at
an entity in a minute is noted, durable before the answer leaves; a further look within that minute is only counted, and
the count noted when the minute is over. A crash can lose such counts, never the fact that somebody saw something.

    sights = Sights(realm, policy, saw=reads.saw)       # asked for each entity that is shown
    await settled(reads, sight.who, "GET entities")     # before the answer: Busy or Full when it cannot be noted

Measured: a look that was noted before costs 0.44 us, so masked queries keep their speed (`hansa bench audit`).
Report: 4.2. Tests: `tests/platform/test_audit_reads.py`.
"""

import asyncio
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from hansa.errors import Busy, HansaError
from hansa.limits import DEFAULT, Limits
from hansa.platform.audit import Audit
from hansa.trust.actors import Actor
from hansa.trust.labels import parsed

if TYPE_CHECKING:
    from concurrent.futures import Future

_CHUNK: Final = 40_000  # characters of ids in one entry

_Key = tuple[str, str, str, str]  # actor, session, purpose, label's class


class _Window:
    """What one session saw for one purpose in this minute."""

    __slots__ = ("fresh", "key", "pending", "seen", "times")

    def __init__(self, key: _Key) -> None:
        self.key = key
        self.seen: set[str] = set()
        self.fresh: list[tuple[str, str]] = []  # ids and whose they are, not noted yet
        self.pending: Future[int] | None = None  # the newest entry: when it is durable, all before it are
        self.times = 0


class Reads:
    """The reads of one realm. `saw` in any thread, `settle` wherever the answer is made."""

    def __init__(self, audit: Audit, limits: Limits = DEFAULT) -> None:
        """Note in `audit`, and count until each of its minutes is over."""
        self._audit = audit
        self._sessions, self._seen = limits.audit_sessions, limits.audit_seen
        self._lock = threading.RLock()  # an entry may fail at once, in the hands of whoever notes it
        self._windows: dict[_Key, _Window] = {}
        self._open: dict[tuple[str, str], set[_Window]] = {}  # by actor and session: something is not durable yet
        audit.each_minute.append(self.turn)

    def saw(self, actor: Actor, ident: str, label: str, purpose: str) -> None:
        """An actor is shown something of an entity that is under this label."""
        said = parsed(label)
        key = actor.id, actor.session, purpose, said.kind
        with self._lock:
            window = self._windows.get(key)
            if window is None or len(window.seen) >= self._seen:
                window = self._begin(key, window)
            if ident in window.seen:
                window.times += 1
                return
            window.seen.add(ident)
            window.fresh.append((ident, said.subject))
            self._open.setdefault(key[:2], set()).add(window)

    def _begin(self, key: _Key, old: _Window | None) -> _Window:
        if old is not None:
            self._count(old)
        elif len(self._windows) >= self._sessions:
            for one in self._windows.values():
                self._count(one)
            self._windows.clear()
        window = self._windows[key] = _Window(key)
        return window

    def settle(self, actor: Actor, asked: str = "") -> "Future[int] | None":
        """Note what this actor's session was shown and was not noted yet; wait for it before the answer leaves.

        None: all of it is durable. Raises Busy when it cannot be noted now: then nothing may be shown.
        """
        if (actor.id, actor.session) not in self._open:
            return None
        with self._lock:
            last: Future[int] | None = None
            opened = self._open.get((actor.id, actor.session), set())
            for window in list(opened):
                if window.fresh:
                    self._note(window, asked)
                pending = window.pending
                if pending is None or pending.done():
                    if pending is not None and (fault := pending.exception()) is not None:
                        raise fault
                    opened.discard(window)
                else:
                    last = pending
            if not opened:
                self._open.pop((actor.id, actor.session), None)
            return last

    def _note(self, window: _Window, asked: str) -> None:
        actor, session, purpose, kind = window.key
        asked_now: list[tuple[Future[int], list[tuple[str, str]]]] = []
        while window.fresh:
            size, taken = 0, 0
            for ident, _ in window.fresh:
                size += len(ident)
                if taken and size > _CHUNK:
                    break
                taken += 1
            some = window.fresh[:taken]
            what = _said(some, asked, purpose)
            answer = self._audit.note(f"read-{kind}", actor, what, session=session)
            del window.fresh[:taken]
            window.pending = answer
            asked_now.append((answer, some))
        for answer, some in asked_now:
            answer.add_done_callback(partial(self._failed, window, some))

    def _failed(self, window: _Window, some: list[tuple[str, str]], done: "Future[int]") -> None:
        """What could not be kept is not noted: whoever asks again has it noted again."""
        if done.cancelled() or done.exception() is None:
            return
        with self._lock:
            window.fresh += some
            self._open.setdefault(window.key[:2], set()).add(window)

    def turn(self) -> None:
        """A minute is over: say how often, and begin anew. What nobody has settled by now is noted too."""
        with self._lock:
            for key, opened in list(self._open.items()):
                for window in list(opened):
                    with suppress(HansaError):  # then it stays open, for the next minute or whoever asks
                        self._note(window, "")
                    if not window.fresh and (window.pending is None or window.pending.done()):
                        opened.discard(window)
                if not opened:
                    del self._open[key]
            old, self._windows = self._windows, {}
            for window in old.values():
                self._count(window)

    def _count(self, window: _Window) -> None:
        if not window.times:
            return
        actor, session, purpose, kind = window.key
        what = {"times": window.times, "of_kind": f"read-{kind}", "entities_seen": len(window.seen), "purpose": purpose}
        try:
            self._audit.note("read-again", actor, what, session=session)
        except Busy:
            return  # a count is no fact that must not be lost
        window.times = 0


def _said(some: list[tuple[str, str]], asked: str, purpose: str) -> dict[str, Any]:
    of: dict[str, list[str]] = {}
    for ident, whose in some:
        of.setdefault(whose, []).append(ident)
    what: dict[str, Any] = {"purpose": purpose}
    if asked:
        what["asked"] = asked
    if nobody := of.pop("", None):
        what["entities"] = nobody
    if of:
        what["of"] = of
    return what


async def settled(reads: Reads | None, actor: Actor, asked: str = "") -> None:
    """Wait until what this actor was shown is noted durably; Busy or Full when it cannot be."""
    if reads is not None and (pending := reads.settle(actor, asked)) is not None:
        await asyncio.wrap_future(pending)
