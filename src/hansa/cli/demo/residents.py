"""What residents of the valley find on the public site: services and works, others' reports, a budget to share.

Made up, said through the same acts as anybody's, and once: what people have made of it since stays.
"""

import json
from importlib.resources import files
from typing import Any, Final

from hansa import clock
from hansa.cli.demo.door import Door
from hansa.cli.demo.land import beside_river, lonlat
from hansa.clock import SECOND
from hansa.errors import HansaError

_DAY: Final = 86_400 * SECOND
_PHASES: Final = (("collect", -5, 9), ("assess", 9, 16), ("vote", 16, 30), ("deliver", 30, 300))
"""Of the budget: days from the valley's first evening."""


async def settle(door: Door, now: int) -> None:
    """Say it, unless it was said before. HansaError when the city refuses a part: then it is broken."""
    if (await door.ask("GET", "/desk/participation/processes"))["processes"]:
        return

    async def said(act: str, what: dict[str, Any]) -> str:
        answer = await door.ask("POST", f"/desk/{act}", what)
        if "changes" not in answer:
            raise HansaError(f"the city refuses {act}: {answer}")
        return str(answer["id"])

    def spell(first: int, last: int) -> dict[str, str]:
        return {"from": clock.text(now + first * _DAY), "until": clock.text(now + last * _DAY)}

    told = json.loads(files("hansa.cli.demo").joinpath("residents.json").read_text("utf-8"))
    for one in told["services"]:
        await said("requests/state", one)
    quay = {"type": "Point", "coordinates": lonlat(beside_river(0.5, 0.05))}
    await said("requests/plan", told["works"] | spell(-1, 20) | {"location": quay})
    for n, one in enumerate(told["reports"]):
        lon, lat = lonlat(beside_river(*one.pop("spot")))
        more = {"key": f"demo-resident-{n:010d}-simulated", "lon": lon, "lat": lat, "language": "en"}
        await said("requests/report", one | more)
    phases = [
        {"phase": name, "begins": clock.text(now + first * _DAY), "ends": clock.text(now + last * _DAY)}
        for name, first, last in _PHASES
    ]
    ident = await said("participation/describe", told["process"] | {"phases": phases})
    await said("participation/publish", {"id": ident})
