"""What the valley held before its devices speak: the map below them, the rules that watch them, some weeks of nights.

The weeks before the start go in through the importers' door while the clock still stands, so the frost app sees them as
Changes in their order, forecasts every one of those nights, and has its record to show on the first evening.
"""

import asyncio
import json
from collections.abc import Iterable, Iterator
from importlib.resources import files
from itertools import islice
from typing import Any, Final

from hansa import clock
from hansa.cli.demo.door import Door
from hansa.cli.demo.forces import forces
from hansa.cli.demo.land import SOURCE, base_map, height
from hansa.cli.demo.profiles import PROFILES, RULES
from hansa.cli.demo.sensors import hour_of
from hansa.cli.demo.town import town
from hansa.cli.demo.valley import HOUR_S, Instrument, Valley
from hansa.cli.demo.weather import DAY_S
from hansa.errors import BadRequest

BATCH: Final = 1_000  # writes of one request: one transaction, well below the cap of a body


_WHOLE_S: Final = 3 * DAY_S  # the days that charts show first are whole


def told(instrument: Instrument) -> dict[str, Any]:
    """What people are told of an instrument, besides what it measures."""
    above_m = round(height(instrument.spot))
    if instrument.profile == "weather":
        what = (
            f"Simulated orchard station, {above_m} m above the valley floor. Its readings are computed, not measured."
        )
    else:
        what = "Simulated. Its readings are computed, not measured."
    said: dict[str, Any] = {"name": instrument.title, "description": what, "source": SOURCE}
    if instrument.profile == "weather":
        said["elevation"] = 180 + above_m
    return {
        "id": instrument.entity,
        "type": instrument.kind,
        **{name: {"type": "Property", "value": value} for name, value in said.items()},
    }


def setting(valley: Valley) -> Iterator[dict[str, Any]]:
    """The map and the instruments' names. Said again at every start: what equals the state makes no Change."""
    for one in (*base_map(valley.plan.stations), *town()):
        yield {"kind": "say", "id": one["id"], "doc": one, "label": "open"}
    for instrument in valley.instruments:
        yield {"kind": "say", "id": instrument.entity, "doc": told(instrument), "label": "open"}


def watch_rules() -> Iterator[dict[str, Any]]:
    """The rules that watch ships with, and the valley's own."""
    shipped = json.loads(files("hansa.apps").joinpath("watch", "defaults.json").read_text("utf-8"))
    for one in (*shipped, *RULES):
        yield {"kind": "say", "id": one["id"], "doc": one, "label": "open"}


def run_books() -> Iterator[dict[str, Any]]:
    """The run-books that hansa ships with."""
    for one in json.loads(files("hansa.apps").joinpath("incidents", "run-books.json").read_text("utf-8")):
        yield {"kind": "say", "id": one["id"], "doc": one, "label": "smart"}


def resources() -> Iterator[dict[str, Any]]:
    """What the valley can send."""
    for one in forces():
        yield {"kind": "say", "id": one["id"], "doc": one, "label": "smart"}


def readings(valley: Valley) -> Iterator[dict[str, Any]]:
    """Readings of every station, oldest first, until the start of the demo."""
    last_s = valley.start_s // HOUR_S * HOUR_S
    times = [last_s - back * HOUR_S for back in range(valley.plan.past_days * 24, -1, -1)]
    if last_s < valley.start_s:
        times.append(valley.start_s)
    units = {key: one["unit"] for key, one in PROFILES["weather"]["channels"].items()}
    for time_s in times:
        # Nights by the hour; of the older days every third: the apps learn from nights, and the start is sooner.
        hour = int(hour_of(time_s))
        if time_s < last_s - _WHOLE_S and 9 < hour < 20 and hour % 3:
            continue
        at = clock.text(int(time_s) * clock.SECOND)
        for station in valley.stations:
            doc: dict[str, Any] = {"id": station.entity, "type": station.kind}
            for key, value in (station.say(time_s) or {}).items():
                doc[key] = {"type": "Property", "value": value, "unitCode": units[key], "observedAt": at}
            yield {"kind": "read", "id": station.entity, "doc": doc, "label": "open"}


async def load(door: Door, writes: Iterable[dict[str, Any]]) -> int:
    """Send writes in their order, in batches; how many. BadRequest when the city refuses one: then a part is broken."""
    count = 0
    stream = iter(writes)
    while batch := list(islice(stream, BATCH)):
        answer = await door.ask("POST", "/admin/import", batch)
        if answer["refused"]:
            at, why = answer["refused"][0]
            raise BadRequest(f"the city refuses {batch[at]['id']}: {why}")
        count += len(batch)
        await asyncio.sleep(0)
    return count
