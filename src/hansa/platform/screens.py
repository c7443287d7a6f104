"""What operators had on screen: kept for so many days where a city says so, for rewind and for who-saw-what.

Each page tells (debounced) which page it is, its address within this city and what is selected; a note holds until the
next one of the same session. It is of a person, so it is sealed, in a file of its own in which forgetting is deleting:
no log and no history keeps it. Everybody reads his own; others' only who may, and that is noted in the audit log; an
address that names what the reader may not see is not shown to him (`named`).
Report: 2.4.2. Tests: `tests/platform/test_screens.py`.
"""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

import apsw

from hansa.errors import BadRequest, TooMany
from hansa.limits import DEFAULT, Limits
from hansa.platform.sqlite import sealed

FILE: Final = "screens.db"
_DAY_S: Final = 86_400
_TEXT: Final = 2_048
_CHOSEN: Final = frozenset({"sel", "id", "ids", "selected", "entity", "incident", "incidents", "device", "devices"})
"""Parameters of pages that say what is looked at, by its id or by a name."""
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.+", re.DOTALL)
_TABLES: Final = (
    (
        "CREATE TABLE screen (n INTEGER PRIMARY KEY, realm TEXT NOT NULL, at INTEGER NOT NULL, kept INTEGER NOT NULL, "
        "by TEXT NOT NULL, session TEXT NOT NULL, page TEXT NOT NULL, url TEXT NOT NULL, selected TEXT NOT NULL)"
    ),
    "CREATE INDEX screen_at ON screen (realm, at)",
    "CREATE INDEX screen_kept ON screen (kept)",
)


@dataclass(frozen=True, slots=True)
class Screen:
    """One note: from `at` on (microseconds, the city's clock) this was on somebody's screen."""

    at: int
    by: str
    session: str
    page: str
    url: str
    selected: str


def named(one: Screen) -> set[str]:
    """Everything that a note names: what is selected, and what its address speaks of. Words are names as well as ids.

    Whoever does not see all of it is not to learn of it by what others looked at.
    """
    place = urlsplit(one.url)
    said = [one.selected]
    plain = [unquote(each) for each in place.path.split("/")]
    for name, value in parse_qsl(f"{place.query}&{place.fragment}", keep_blank_values=True):
        (said if name in _CHOSEN else plain).append(value)
    found = {word for text in said for word in _words(text)}
    return found | {word for text in plain for word in _words(text) if _URI.fullmatch(word)}


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[,;\s]+", text) if word]


class Screens:
    """The notes of all realms. For any thread."""

    def __init__(
        self, path: Path, key: bytes | None, days: int, limits: Limits = DEFAULT, wall: Callable[[], float] = time.time
    ) -> None:
        """Open the file, or begin it; `days` 0 lets everything go that is there, and takes nothing."""
        self.days = days
        self._wall = wall
        self._rate = limits.screens_rate
        self._lock = threading.Lock()
        self._told: dict[str, list[float]] = {}
        self._swept = 0.0
        self.db: apsw.Connection | None = None
        if days or path.exists():
            if not path.exists():
                path.touch(mode=0o600)
            self.db = sealed.connect(path, key, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI)
            self.db.pragma("journal_mode", "wal")
            self.db.pragma("synchronous", "normal")
            self.db.pragma("secure_delete", True)
            if self.db.pragma("user_version") == 0:
                with self.db:
                    for statement in _TABLES:
                        self.db.execute(statement)
                    self.db.pragma("user_version", 1)
            self._sweep()

    def close(self) -> None:
        """Let go of the file."""
        if self.db is not None:
            self.db.close()
            self.db = None

    def note(self, realm: str, at: int, by: str, session: str, page: str, url: str, selected: str) -> None:
        """Keep a note. BadRequest when it is none, or this city keeps none; TooMany."""
        if not self.days or self.db is None:
            raise BadRequest("this city does not keep what is on screen", mend="screens under [serve] in hansa.toml")
        for name, text in (("page", page), ("url", url), ("selected", selected)):
            if not isinstance(text, str) or len(text) > _TEXT or not (text.isprintable()):
                raise BadRequest(f"{name} is a short text", where=name)
        if url and not (url.startswith("/") and not url.startswith("//")):
            raise BadRequest("url is an address within this city", where="url", mend="such as /alarms?sel=...")
        with self._lock:
            self._charge(by)
            rows = list(self.db.execute(_LAST, (realm, by, session)))
            if rows and rows[0] == (page, url, selected):
                return
            self.db.execute(_PUT, (realm, at, int(self._wall()), by, session, page, url, selected))
            if self._wall() - self._swept > _DAY_S / 24:
                self._sweep()

    def _charge(self, by: str) -> None:
        now = self._wall()
        if len(self._told) > 10_000:
            self._told.clear()
        lately = [one for one in self._told.get(by, ()) if now - one < 60]
        if len(lately) >= self._rate:
            raise TooMany("this screen changes faster than anybody could look", 10.0)
        self._told[by] = [*lately, now]

    def seen(self, realm: str, since: int, until: int, limit: int, by: str = "") -> list[Screen]:
        """Notes that hold in a span, oldest first, also what was there when it began; at most `limit`."""
        if self.db is None:
            return []
        with self._lock:
            self._sweep()
            rows = list(self.db.execute(_BEFORE, (realm, since, by, by)))
            rows += list(self.db.execute(_WITHIN, (realm, since, until, by, by, limit)))
        return [Screen(*row) for row in rows[:limit]]

    def _sweep(self) -> None:
        """What is older than is kept goes."""
        self._swept = self._wall()
        # A city that keeps none any more keeps none that it has.
        oldest = int(self._swept) - self.days * _DAY_S if self.days else 1 << 62
        if self.db is not None:
            self.db.execute("DELETE FROM screen WHERE kept < ?", (oldest,))


_LAST: Final = (
    "SELECT page, url, selected FROM screen WHERE realm = ? AND by = ? AND session = ? ORDER BY n DESC LIMIT 1"
)
_PUT: Final = "INSERT INTO screen (realm, at, kept, by, session, page, url, selected) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_COLUMNS: Final = "at, by, session, page, url, selected"
_BEFORE: Final = (
    f"SELECT {_COLUMNS} FROM screen WHERE n IN (SELECT max(n) FROM screen WHERE realm = ? AND at < ? "  # noqa: S608
    "GROUP BY by, session) AND page <> '' AND (? = '' OR by = ?) ORDER BY at"
)
_WITHIN: Final = (
    f"SELECT {_COLUMNS} FROM screen WHERE realm = ? AND at >= ? AND at < ? AND (? = '' OR by = ?) "  # noqa: S608
    "ORDER BY at, n LIMIT ?"
)
