"""How often what was taken: per dataset, month, day and form. Who took it, nobody keeps.

Doors count in memory and say the sums of the month with a later answer of theirs, at most once a minute; what is said
is the sum, so saying it twice is nothing. After an abrupt end up to a minute of counts is lost. Each process counts
under a name of its own; readers add them up. What names itself a robot is counted apart.
"""

import re
import threading
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from secrets import token_hex
from typing import Any, ClassVar, Final
from weakref import WeakKeyDictionary

from hansa import Asked, Asking, City, Entity
from hansa.apps.opendata.dataset import own
from hansa.apps.opendata.times import SECOND, day

FLUSH: Final = 60 * SECOND
AT_ONCE: Final = 100
"""Datasets whose sums are said with one answer; the rest come with the next."""
WATCHED: Final = 20_000
"""Datasets and months of one process: beyond, no new one is begun until it starts anew."""
_ROBOT: Final = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|archiver|headless|monitor|uptime|harvest|preview", re.IGNORECASE
)


class Counts:
    """What one process has counted."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.name = token_hex(4)
        self.lock = threading.Lock()
        self.sums: dict[tuple[str, str], dict[str, Counter[str]]] = {}
        self.unsaid: dict[tuple[str, str], None] = {}
        self.said_at = 0

    def add(self, key: str, at: int, what: str) -> None:
        """One more."""
        today = day(at)
        place = key, today[:7]
        with self.lock:
            if place not in self.sums and len(self.sums) >= WATCHED:
                return
            self.sums.setdefault(place, {}).setdefault(today, Counter())[what] += 1
            self.unsaid[place] = None

    def due(self, now: int) -> list[Entity]:
        """Sums to be said now, perhaps none."""
        with self.lock:
            if not self.unsaid or 0 <= now - self.said_at < FLUSH:
                return []
            self.said_at = now
            some = list(self.unsaid)[:AT_ONCE]
            for place in some:
                del self.unsaid[place]
            return [
                own(
                    "DatasetUsage",
                    f"{key}-{month}-{self.name}",
                    dataset=key,
                    month=month,
                    days={on: dict(sums) for on, sums in self.sums[key, month].items()},
                )
                for key, month in some
            ]

    def now(self, key: str) -> dict[str, dict[str, int]]:
        """What was counted here of one dataset, by day."""
        with self.lock:
            return {on: dict(sums) for (it, _), days in self.sums.items() if it == key for on, sums in days.items()}


_COUNTS: Final[WeakKeyDictionary[Any, Counts]] = WeakKeyDictionary()
_MAKING: Final = threading.Lock()


def counts(city: Asking) -> Counts:
    """The counts of this process, for this city."""
    with _MAKING:
        found = _COUNTS.get(city.tables)
        if found is None:
            found = _COUNTS[city.tables] = Counts()
        return found


def count(city: Asking, asked: Asked | None, key: str, what: str) -> Sequence[Entity]:
    """Count one, and answer what is to be said with the answer. Parts of what was begun do not count."""
    here = counts(city)
    agent = "" if asked is None else asked.headers.get("user-agent", "")
    if asked is not None and (asked.method == "HEAD" or not _begins(asked.headers.get("range", ""))):
        return here.due(city.now())
    here.add(key, city.now(), "bots" if _ROBOT.search(agent[:300]) else what)
    return here.due(city.now())


def _begins(ranged: str) -> bool:
    return not ranged or ranged.startswith("bytes=0-")


def told(city: Asking, key: str) -> dict[str, dict[str, int]]:
    """All that was counted of one dataset: by day, by form (`bots` apart)."""
    here = counts(city)
    days: dict[str, Counter[str]] = {}
    for one in city.find("DatasetUsage", f'dataset=="{key}"', limit=1_000):
        if not one.id.endswith(here.name):  # what this process has said of itself, it knows better
            for on, sums in (one.get("days") or {}).items():
                days.setdefault(on, Counter()).update(sums)
    for on, sums in here.now(key).items():
        days.setdefault(on, Counter()).update(sums)
    return {on: dict(sums) for on, sums in sorted(days.items())}


def sums(days: Mapping[str, Mapping[str, int]], today: str) -> dict[str, int]:
    """How many downloads, this month and in all, robots aside."""
    people = {on: sum(n for what, n in some.items() if what not in {"bots", "api"}) for on, some in days.items()}
    return {
        "month": sum(n for on, n in people.items() if on[:7] == today[:7]),
        "all": sum(people.values()),
        "api": sum(some.get("api", 0) for some in days.values()),
    }


def taken(city: City) -> Mapping[tuple[str, str], int]:
    """Downloads by dataset and month, robots aside; made anew when something was counted."""
    version = city.version("DatasetUsage")
    kept = _Kept.one
    if kept is None or kept[0] != version:
        made: Counter[tuple[str, str]] = Counter()
        for one in city.find("DatasetUsage", limit=WATCHED):
            for on, some in (one.get("days") or {}).items():
                many = sum(n for what, n in some.items() if what not in {"bots", "api"})
                made[str(one.get("dataset")), on[:7]] += many
        kept = _Kept.one = version, dict(made)
    return kept[1]


class _Kept:
    one: ClassVar[tuple[Hashable, Mapping[tuple[str, str], int]] | None] = None


def popular(city: City) -> dict[str, int]:
    """Downloads by dataset."""
    made: Counter[str] = Counter()
    for (key, _), many in taken(city).items():
        made[key] += many
    return dict(made)
