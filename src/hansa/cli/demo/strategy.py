"""The valley's strategy and its solutions: measures and what they are to move, rules, a trial, a neighbour's file.

Made up, said through the same acts as anybody's, and once: what people have made of it since stays. Amounts and effects
are of the size of the valley's own figures (`figures`), so that reviews of 2026 have something to compare: one measure
as expected, one that brought less, one just begun. Held by tests/cli/test_demo_strategy.py.
"""

import json
from importlib.resources import files
from typing import Any, Final, Protocol

from hansa import clock
from hansa.apps.solutions import exchange
from hansa.errors import HansaError

_LISTS: Final = (("agreements", "agreement"), ("rules", "rule"), ("sandboxes", "sandbox"))


class Asks(Protocol):
    """A door of the city (`door.Door`)."""

    async def ask(self, method: str, path: str, said: Any = None) -> Any:
        """What the city answers."""


def told() -> dict[str, Any]:
    """What is said, as it is written down."""
    found: dict[str, Any] = json.loads(files("hansa.cli.demo").joinpath("strategy.json").read_text("utf-8"))
    return found


async def plan(door: Asks, now: int) -> None:
    """Say it, unless it was said before. HansaError when the city refuses a part: then it is broken."""
    if (await door.ask("GET", "/desk/strategy/plan"))["measures"]:
        return

    async def said(act: str, what: dict[str, Any]) -> str:
        answer = await door.ask("POST", f"/desk/{act}", what)
        if "changes" not in answer:
            raise HansaError(f"the city refuses {act}: {answer}")
        return str(answer.get("id") or (answer.get("changed") or [""])[0])

    whole = told()
    for one in whole["solutions"]:
        await said("solutions/describe", one)
    neighbour = whole["neighbour"]
    sent = exchange.document(neighbour["entries"], neighbour["city"], neighbour["source"], clock.text(now))
    await said("solutions/import", {"document": sent})
    ids: dict[str, str] = {}
    for one in whole["measures"]:
        key, to = one.pop("key"), one.pop("to", ())
        one["dependsOn"] = [ids[needed] for needed in one.get("dependsOn", ())]
        ids[key] = await said("strategy/measure", {"summary": ""} | one)
        for status in to:
            await said("strategy/decide", {"id": ids[key], "status": status})
    for word, act in _LISTS:
        for one in whole[word]:
            one["measures"] = [ids[key] for key in one.get("measures", ())]
            await said(f"strategy/{act}", one)
    await said("strategy/phases", {"phases": whole["phases"]})
    await said("strategy/profile", {"answers": whole["answers"]})
    await said("strategy/gates", whole["gates"])
    known = await door.ask("GET", "/desk/solutions/search?kind=app&limit=200")
    installed = {str(one.get("app")) for one in known["solutions"]}
    for one in whole["apps"]:
        if one["name"] in installed:  # which apps there are, the city was told by whoever runs it
            await said("solutions/app", one)
