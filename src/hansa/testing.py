"""For tests of apps: a city in memory with a hand-turned clock.

city = MemoryCity(app, start="2026-04-01T18:00:00Z")
city.say(entity("WeatherObserved", "north", temperature=Attribute(1.5, "CEL", city.clock.now())))
city.turn(seconds=60)
assert city.find("Alert")[0]["status"] == "open"
"""

from hansa.analytics.backtest import MemoryCity as _MemoryCity
from hansa.analytics.backtest import replay
from hansa.model.change import Write
from hansa.model.entity import Entity
from hansa.platform.store import Outcome

__all__ = ["MemoryCity", "replay"]


class MemoryCity(_MemoryCity):
    """A city in memory, with the two verbs that tests use most."""

    def say(self, *news: Entity) -> list[Outcome]:
        """Somebody says what is so."""
        return self.write(*(Write("say", one.id, one.doc, label=one.label) for one in news))

    def read(self, *readings: Entity) -> list[Outcome]:
        """A device reads: late readings go to history, duplicates are nothing."""
        return self.write(*(Write("read", one.id, one.doc, label=one.label) for one in readings))
