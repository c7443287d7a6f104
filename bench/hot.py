"""The rule that fires on a tenth of the bench's readings: an alarm says when and how hot its station was.

It repeats the reading's own time and value, so that the bench can hold every alarm against its reading: none lost, none
doubled.
"""

from collections.abc import Iterable
from typing import Final

from hansa import App, Attribute, Change, City, Entity, entity

NAME: Final = "bench-hot"
HOT_C: Final = 30.0

app = App(NAME, report="2.1.4", reads={"BenchStation"}, writes={"BenchAlarm"})


@app.on("BenchStation", "temperature")
def hot(change: Change, _city: City) -> Iterable[Entity]:
    """Say so when it is hot."""
    station = change.entity
    if station["temperature"] >= HOT_C:
        yield entity(
            "BenchAlarm", station.key, heat=Attribute(station["temperature"], "CEL", station.at("temperature"))
        )
