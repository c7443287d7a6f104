"""For tests of apps: a city in memory with a hand-turned clock.

city = MemoryCity(app, start="2026-04-01T18:00:00Z")
city.say(entity("WeatherObserved", "north", temperature=Attribute(1.5, "CEL", city.clock.now())))
city.turn(seconds=60)
assert city.find("Alert")[0]["status"] == "open"
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from secrets import token_hex
from shutil import rmtree
from tempfile import gettempdir
from typing import Any, Final
from weakref import finalize

from hansa.analytics.acts import Acts, Visit
from hansa.analytics.backtest import MemoryCity as _MemoryCity
from hansa.analytics.backtest import replay
from hansa.analytics.doors import AppDoors, Visits
from hansa.app import App, File
from hansa.errors import HansaError
from hansa.limits import DEFAULT
from hansa.model.change import Change, Write
from hansa.model.entity import Entity
from hansa.platform.http import Headers, Request, Response
from hansa.platform.store import Outcome
from hansa.platform.tables.direct import DirectTables
from hansa.platform.tables.orders import KIND, SYSTEM, failed_doc, made_doc, sheet_of
from hansa.trust.actors import TWO_FACTORS, Actor
from hansa.trust.labels import NOBODY, Sight

__all__ = ["MemoryCity", "replay"]

HERE: Final = Visit("somebody", "https://city.example")
"""From where people ask in tests, unless said."""


class MemoryCity(_MemoryCity):
    """A city in memory, with the verbs that tests use most."""

    def __init__(self, *apps: App, **how: Any) -> None:
        """As a city of backtests; people can act in it too."""
        # How long things take on the machine that tests run on is not what they test.
        how.setdefault("limits", replace(DEFAULT, act_s=60.0, view_s=60.0))
        super().__init__(*apps, **how)
        self.acts = Acts(self, apps, how.get("settings"))
        folder = Path(gettempdir()) / f"hansa-tables-{token_hex(8)}"  # made with the first table, gone with the city
        finalize(self, rmtree, folder, True)
        self._tables = DirectTables(folder)
        self.acts.tables = self._tables
        self._files: dict[tuple[str, str], bytes] = {}
        self.acts.keep = lambda ident, file: self._files.__setitem__((ident, file.sha256), file.body)

    def say(self, *news: Entity) -> list[Outcome]:
        """Somebody says what is so."""
        return self.write(*(Write("say", one.id, one.doc, label=one.label) for one in news))

    def read(self, *readings: Entity) -> list[Outcome]:
        """A device reads: late readings go to history, duplicates are nothing."""
        return self.write(*(Write("read", one.id, one.doc, label=one.label) for one in readings))

    def _settle(self) -> None:
        """Let the rules answer, make the tables that they ordered, and let them answer to those."""
        self.rules.settle()
        while waiting := self.find(KIND, 'status=="ordered"'):
            for one in waiting:
                sheet = sheet_of(one["recipe"])
                try:
                    body = None if sheet is None else self._files.get(sheet)
                    made = self._tables.cook(self.reader, one["recipe"], body)
                    self.write(made_doc(one, asdict(made), self.clock.now()), sight=SYSTEM)
                except HansaError as fault:
                    self.write(failed_doc(one, fault), sight=SYSTEM)
            self.rules.settle()

    def turn(self, *, seconds: float = 0.0, to: str | int | None = None) -> None:
        """Turn the clock forward, make the rounds that fall due, and the tables that they ordered."""
        super().turn(seconds=seconds, to=to)
        self._settle()

    def act(
        self,
        name: str,
        ident: str = "",
        /,  # what is said may have members of these names
        *,
        app: str = "",
        by: str = "person:ada",
        roles: Iterable[str] = ("operator",),
        files: Sequence[File] = (),
        visit: Visit = HERE,
        **said: Any,
    ) -> list[Change]:
        """Somebody does something (of the only app, unless said), and the rules answer. Raises what the act raises.

        `by` is empty for somebody unknown.
        """
        found, deed = self.acts.deed(app or next(iter(self.acts.apps)), name)
        changes = asyncio.run(self.acts.do(found, deed, ident, said, _sight(by, roles), visit, tuple(files)))
        self._settle()
        return changes

    def view(
        self,
        name: str,
        asked: Mapping[str, str] | None = None,
        *,
        app: str = "",
        by: str | None = None,
        roles: Iterable[str] = (),
        visit: Visit = HERE,
    ) -> Any:
        """What an app answers (the only one, unless said) to whoever sees everything, or to somebody `by` name."""
        found, view = self.acts.seen(app or next(iter(self.acts.apps)), name)
        sight = self.sight if by is None else _sight(by, roles)
        return asyncio.run(self.acts.look(found, view, asked or {}, sight, visit))

    def ask(
        self,
        method: str,
        address: str,
        body: bytes = b"",
        *,
        by: str = "",
        client: str = "192.0.2.1",
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """What an app's own door answers at `/address?query`. Raises what it raises."""
        path, _, query = address.partition("?")
        head, *rest = path.strip("/").split("/")
        said = Headers([(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()])
        request = Request(method, rest, query.encode(), body, said, _sight(by, ()), client)
        doors = AppDoors(self.acts, Visits(self.acts, HERE.origin), self.limits)
        response = asyncio.run(doors.handle(head, request))
        self._settle()
        return response


def _sight(by: str, roles: Iterable[str]) -> Sight:
    if not by:
        return NOBODY
    who = Actor(by, frozenset(roles), assurance=TWO_FACTORS, method="password+totp", session="test")
    return Sight(by, classes=None, who=who)
