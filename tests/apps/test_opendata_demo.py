"""What the demo valley publishes: its catalogue makes the tables itself, and the rest says what it waits for."""

from opendata_given import stations

from hansa import Attribute, entity
from hansa.apps.opendata import app, describing, proposing
from hansa.cli.demo import opendata
from hansa.model.change import Write
from hansa.testing import MemoryCity


def test_the_demos_datasets_are_released_by_the_first_round() -> None:
    here = MemoryCity(app, start="2026-04-10T18:00:00Z")
    stations(here)
    for n in range(3):
        stop = entity(
            "PublicTransportStop",
            f"b{n}",
            name=f"Stop {n}",
            liveInformation=n < 1,
            location={"type": "Point", "coordinates": [17, 48]},
        )
        stop.label = "open"
        here.say(stop)
    for n in range(5):
        at = here.clock.now() - (n + 24) * 3_600_000_000
        late = entity("WeatherObserved", "s0", temperature=Attribute(float(n), "CEL", at))
        late.label = "open"
        here.read(late)
    for one in opendata.records(here.clock.now()):
        here.write(Write("say", one["id"], one["doc"], label=one["label"]))
    here.turn(seconds=660)
    told = {one["id"]: one for one in here.view("catalogue", by="")["datasets"]}
    assert set(told) == {"weather-now", "weather-history", "bus-stops"}
    assert (told["weather-now"]["rows"], told["bus-stops"]["rows"]) == (6, 3)
    assert told["weather-history"]["rows"] >= 5
    board = here.view("board", by="person:ada", roles=("supervisor",))["datasets"]
    waiting = {one["key"] for one in board if one["status"] == "inventoried"}
    assert waiting == {"requests-by-month", "indicators", "public-works"}
    assert not [one["fault"] for one in board if one["fault"]]


def test_what_the_demo_says_is_what_the_acts_would_take() -> None:
    for one in opendata.records(1_775_844_000_000_000):
        said = {name: value["value"] for name, value in one["doc"].items() if isinstance(value, dict)}
        words = {name: said[name] for name in ("title", "description", "keywords", "themes", "licence", "periodicity")}
        described = describing.described(
            words | {"contact": said["contactPoint"], "publisher": said["publisher"], "columns": said["dictionary"]}
        )
        assert described["licence"] == "CC_BY_4_0"
        plan = said.get("suggested") or {name: said[name] for name in ("source", "steps", "guard")}
        assert proposing.proposed(plan)
