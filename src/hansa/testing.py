"""For tests of apps: a city in memory with a hand-turned clock.

city = MemoryCity(app, start="2026-04-01T18:00:00Z")
city.say(entity("WeatherObserved", "north", temperature=Attribute(1.5, "CEL", city.clock.now())))
city.turn(seconds=60)
assert city.find("Alert")[0]["status"] == "open"
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from hansa.analytics.acts import Acts
from hansa.analytics.backtest import MemoryCity as _MemoryCity
from hansa.analytics.backtest import replay
from hansa.app import App
from hansa.model.change import Change, Write
from hansa.model.entity import Entity
from hansa.platform.store import Outcome
from hansa.trust.actors import TWO_FACTORS, Actor
from hansa.trust.labels import Sight

__all__ = ["MemoryCity", "replay"]


class MemoryCity(_MemoryCity):
    """A city in memory, with the verbs that tests use most."""

    def __init__(self, *apps: App, **how: Any) -> None:
        """As a city of backtests; people can act in it too."""
        super().__init__(*apps, **how)
        self.acts = Acts(self, apps, how.get("settings"))

    def say(self, *news: Entity) -> list[Outcome]:
        """Somebody says what is so."""
        return self.write(*(Write("say", one.id, one.doc, label=one.label) for one in news))

    def read(self, *readings: Entity) -> list[Outcome]:
        """A device reads: late readings go to history, duplicates are nothing."""
        return self.write(*(Write("read", one.id, one.doc, label=one.label) for one in readings))

    def act(
        self,
        name: str,
        ident: str = "",
        /,  # what is said may have members of these names
        *,
        app: str = "",
        by: str = "person:ada",
        roles: Iterable[str] = ("operator",),
        **said: Any,
    ) -> list[Change]:
        """Somebody does something (of the only app, unless said), and the rules answer. Raises what the act raises."""
        found, deed = self.acts.deed(app or next(iter(self.acts.apps)), name)
        who = Actor(by, frozenset(roles), assurance=TWO_FACTORS, method="password+totp", session="test")
        changes = asyncio.run(self.acts.do(found, deed, ident, said, Sight(by, classes=None, who=who)))
        self.rules.settle()
        return changes

    def view(self, name: str, asked: Mapping[str, str] | None = None, *, app: str = "") -> Any:
        """What an app answers (the only one, unless said)."""
        found, view = self.acts.seen(app or next(iter(self.acts.apps)), name)
        return asyncio.run(self.acts.look(found, view, asked or {}, self.sight))
