"""The valley's strategy: every part of it is taken by the apps, once, and its reviews have something to say."""

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest

from hansa import Entity, entity, kpi
from hansa.apps.solutions import app as solutions
from hansa.apps.strategy import app as strategy
from hansa.cli.demo import strategy as demo
from hansa.errors import HansaError
from hansa.testing import MemoryCity

INSTALLED = {"installed": [{"name": "frost", "report": "4.1.4", "says": "Frost warnings."}], "city": "Orlava"}


class Door:
    """The desk of a city in memory."""

    def __init__(self, city: MemoryCity) -> None:
        self.city = city

    async def ask(self, method: str, path: str, said: Any = None) -> Any:
        return await asyncio.to_thread(self._asked, method, path, said)

    def _asked(self, method: str, path: str, said: Any) -> Any:
        _, app, name = path.removeprefix("/").partition("?")[0].split("/")
        if method == "GET":
            return self.city.view(name, dict(parse_qsl(path.partition("?")[2])), app=app)
        more = {key: value for key, value in said.items() if key != "id"}
        found, deed = self.city.acts.deed(app, name)
        sight = self.city.sight
        changes = asyncio.run(self.city.acts.do(found, deed, said.get("id", ""), more, sight))
        self.city.rules.settle()
        made = [one.entity.id for one in changes]
        return {"id": said.get("id") or next(iter(made), ""), "changes": len(changes), "changed": made}


@pytest.fixture
def city() -> Iterator[MemoryCity]:
    made = MemoryCity(solutions, strategy, start="2026-04-11T15:30:00Z", settings={"solutions": INSTALLED})
    with made.closing() as one:
        yield one


def value(code: str, period: str, number: float, unit: str) -> Entity:
    said = {"framework": "u4ssc", "code": code, "area": "city", "period": period, "kpiValue": number, "unit": unit}
    return entity("KeyPerformanceIndicator", f"{code.replace(' ', '')}-{period}", **said, status="reported")


def test_the_valleys_strategy_is_said_once_and_its_reviews_say_what_came(city: MemoryCity) -> None:
    door = Door(city)
    asyncio.run(demo.plan(door, city.clock.now()))
    before = len(city.changes)
    asyncio.run(demo.plan(door, city.clock.now()))
    assert len(city.changes) == before
    plan = city.view("plan", app="strategy")
    assert {it["status"] for it in plan["measures"]} == {"under-way", "proposed"}
    assert len(city.view("queue", app="solutions")["submitted"]) == 2
    assert city.view("city", app="strategy")["judged"]["kind"] == "mature"
    saved = city.view("blocks", app="strategy")["saved"]
    assert saved["EUR"] > 0
    # Of the valley's own figures: meters 17.3 to 42.1 %, cycle ways 51.7 to 82.9 km, stops 11.1 to 33.3 %.
    way = "km / 100 000 inhabitants"
    city.say(value("EC: ICT: WS: 1C", "2023", 17.3, "%"), value("EC: ICT: WS: 1C", "2025", 42.1, "%"))
    city.say(value("EC: I: T: 3C", "2023", 51.7, way), value("EC: I: T: 3C", "2025", 82.9, way))
    city.turn(seconds=3_600)
    verdicts = {it["name"].split(" (")[0]: it["verdict"] for it in city.view("reviews", app="strategy")["outcomes"]}
    assert verdicts == {
        "Smart water meters": "as expected",
        "Cycle ways along the river": "less",
        "Live times at every stop": "cannot say",
    }


def test_the_valley_names_indicators_and_units_that_the_framework_has() -> None:
    whole = demo.told()
    framework = kpi.framework("u4ssc")
    entries = [*whole["solutions"], *whole["measures"], *whole["neighbour"]["entries"]]
    for it in [e for one in entries for e in one.get("effects", ())] + whole["gates"]["criteria"]:
        assert framework.indicator(it["code"]).points[it.get("point", "")].unit == it["unit"]


def test_a_city_that_refuses_breaks_the_demo_in_words(city: MemoryCity) -> None:
    class Refuses(Door):
        async def ask(self, method: str, path: str, said: Any = None) -> Any:
            return {"title": "no"} if method == "POST" else await super().ask(method, path, said)

    with pytest.raises(HansaError, match="refuses solutions/describe"):
        asyncio.run(demo.plan(Refuses(city), city.clock.now()))
