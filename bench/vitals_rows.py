"""The rows of vital signs: what the brain's page waits for at 20,000 sources, and what looking after them costs."""

import asyncio
import gc
import statistics
import time
from collections.abc import Iterator
from typing import Final

from bench.rows import Bench, Row
from hansa import clock
from hansa.analytics.acts import Acts
from hansa.app import View
from hansa.apps.brain import app
from hansa.model.entity import Entity, entity
from hansa.platform.sqlite import SqliteStore
from hansa.testing import MemoryCity
from hansa.trust.labels import Sight

ASKED_MS: Final = 300.0
_START: Final = "2026-04-01T00:00:00Z"
_HOW: Final = (
    "bench/vitals_rows.py: a store in a file, the app's own rounds in this process; the view as an operator asks it "
    "(200 rows, the worst first, all counts), read with his sight; processor time, "
    "for the machine had other work"
)


def vitals(bench: Bench) -> Iterator[Row]:
    """The view when all is well, when a tenth is silent, when all are; and a minute in which everybody spoke."""
    count = 2_000 if bench.quick else 20_000
    store = SqliteStore(bench.data() / "open.db")
    slim = type(app)(app.name, report=app.report, reads=set(app.reads), writes=set(app.writes), realm=app.realm)
    slim.handlers, slim.rounds, slim.views = (
        app.handlers,
        [one for one in app.rounds if one.name == "look_after"],
        app.views,
    )
    city = MemoryCity(slim, start=_START, keep=False, store=store)
    with city.closing():
        _say(city, [_device(city, n) for n in range(count)])
        began = time.process_time()
        rounds = _settle(city, count)
        first_s = time.process_time() - began
        _spoke(city, range(count), 2)
        city.turn(seconds=300)
        minute = _minute(city, count)
        well = _view(city)
        _spoke(city, range(count // 10, count), 100)
        city.turn(seconds=1_500)
        _spoke(city, range(count // 10, count), 200)
        city.turn(seconds=30)
        tenth = _view(city)
        city.turn(seconds=7_200)
        _settle(city, count)
        every = _view(city)
        yield Row(
            row=f"vital signs of {count:,} sources: the view",
            asked=f"under {ASKED_MS:.0f} ms",
            measured=f"all well {_ms(well)}, a tenth silent {_ms(tenth)}, all silent {_ms(every)} "
            "(median, slowest of 30)",
            floor=None,
            ratio=None,
            ok=max(*well, *tenth, *every) < ASKED_MS,
            how=_HOW,
        )
        yield Row(
            row=f"vital signs of {count:,} sources: looking after them",
            asked="reported",
            measured=f"a minute in which all spoke {minute:.1f} s of the rules' process (hearing and the rounds), "
            f"{minute / count * 1e6:.0f} µs a source; to know them all at first {first_s:.1f} s in {rounds} rounds",
            floor=None,
            ratio=None,
            ok=None,
            how=_HOW,
        )


def _device(city: MemoryCity, n: int) -> Entity:
    place = {"type": "Point", "coordinates": [8.0 + n % 200 / 1_000, 46.0 + n // 200 / 1_000]}
    made = entity(
        "Device", f"s{n:05d}", realm="open", name=f"s{n:05d}", deviceState="active", reportingInterval=300.0,
        profile="bench", controlledAsset=f"urn:ngsi-ld:Kind{n % 12}:s{n:05d}", location=place,
        areaServed=f"Area {n % 40}", lastSeen=clock.text(city.clock.now()), readings=1, refusals=0,
    )  # fmt: skip
    made.label = f"smart;owner=department-{n % 8}"
    return made


def _say(city: MemoryCity, news: list[Entity]) -> None:
    for at in range(0, len(news), 1_000):
        city.say(*news[at : at + 1_000])


def _spoke(city: MemoryCity, which: range, readings: int) -> None:
    now = clock.text(city.clock.now())
    _say(city, [entity("Device", f"s{n:05d}", lastSeen=now, readings=readings) for n in which])


def _settle(city: MemoryCity, count: int) -> int:
    rounds = 0
    while rounds < 5 + count // 400:
        city.turn(seconds=10)
        rounds += 1
        if rounds > 2 and not city.get("urn:ngsi-ld:VitalSigns:pulse").get("waiting") and rounds * 900 > count:
            break
    return rounds


def _minute(city: MemoryCity, count: int) -> float:
    """What the rules take for a minute in which everybody was written down, beside writing it."""
    now = clock.text(city.clock.now())
    news = [entity("Device", f"s{n:05d}", lastSeen=now, readings=3) for n in range(count)]
    took = 0.0
    for at in range(0, count, 1_000):
        rules, city.rules.apps = city.rules.apps, []
        city.say(*news[at : at + 1_000])
        city.rules.apps = rules
        began = time.process_time()
        city.rules.settle()
        took += time.process_time() - began
    began = time.process_time()
    city.turn(seconds=60)
    return took + time.process_time() - began


def _view(city: MemoryCity) -> list[float]:
    acts = Acts(city, [app])
    sight = Sight("person:ada", classes=frozenset({"open", "smart"}))
    found, view = acts.seen("brain", "vitals")
    everybody = View(view.name, view.looks, frozenset())
    took = []
    gc.collect()
    for _ in range(30):
        began = time.process_time()
        told = asyncio.run(acts.look(found, everybody, {}, sight))
        took.append((time.process_time() - began) * 1_000)
    assert told["rows"]
    acts.close()
    return took


def _ms(took: list[float]) -> str:
    return f"{statistics.median(took):.0f} and {max(took):.0f} ms"
