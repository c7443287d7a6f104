"""What docs/apps.md promises of every app, whatever it does: each line of "What holds", in a city in memory."""

from collections.abc import Iterable
from typing import Any

import pytest

from hansa import App, Attribute, Change, City, Delete, Entity, NotFound, entity
from hansa.limits import Limits
from hansa.platform.deadletters import TENANT
from hansa.testing import MemoryCity

START = "2026-04-01T18:00:00Z"


def station(city: MemoryCity, air_c: float, name: str = "north") -> Entity:
    return entity("WeatherObserved", name, temperature=Attribute(air_c, "CEL", city.clock.now()))


def sketch(rule: Any, *attributes: str, writes: set[str] | None = None, **more: Any) -> App:
    app = App("sketch", report="4.1.4", reads={"WeatherObserved"}, writes=writes or {"Alert"})
    app.on("WeatherObserved", *attributes, **more)(rule)
    return app


def letters(city: MemoryCity) -> list[str]:
    return [one["reason"] for one in city.find("DeadLetter", tenant=TENANT)]


def alert(change: Change, city: City) -> Iterable[Entity]:
    yield entity(
        "Alert", f"sketch-{change.entity.key}", status="open" if change.entity["temperature"] < 0 else "closed"
    )


def test_it_writes_what_it_declared() -> None:
    city = MemoryCity(sketch(alert), start=START)
    city.read(station(city, -1.0))
    assert city.get("urn:ngsi-ld:Alert:sketch-north")["status"] == "open"
    assert letters(city) == []


def test_it_writes_no_type_that_it_did_not_declare() -> None:
    city = MemoryCity(sketch(alert, writes={"WeatherForecast"}), start=START)
    city.read(station(city, -1.0))
    assert city.find("Alert") == []
    (reason,) = letters(city)
    assert "did not declare" in reason


def test_it_takes_nothing_away_that_it_may_not_write() -> None:
    city = MemoryCity(sketch(lambda change, city: [Delete(change.entity.id)]), start=START)
    city.read(station(city, -1.0))
    assert city.get("urn:ngsi-ld:WeatherObserved:north")["temperature"] == -1.0
    (reason,) = letters(city)
    assert "did not declare" in reason


def test_what_it_says_again_makes_no_change() -> None:
    city = MemoryCity(sketch(alert), start=START)
    for air_c in (-1.0, -2.0, -3.0):
        city.turn(seconds=600)
        city.read(station(city, air_c))
    assert [change.entity.type for change in city.changes].count("Alert") == 1
    city.turn(seconds=600)
    city.read(station(city, 1.0))
    assert [change.entity.type for change in city.changes].count("Alert") == 2


def test_what_it_says_has_an_actor_and_a_cause() -> None:
    city = MemoryCity(sketch(alert), start=START)
    city.read(station(city, -1.0))
    reading, said = city.changes
    assert (reading.actor, reading.cause) == ("administrator", None)
    assert (said.actor, said.cause) == ("app:sketch", str(reading.seq))


def test_a_change_on_which_it_raises_is_put_aside_and_the_next_is_heard() -> None:
    def touchy(change: Change, city: City) -> Iterable[Entity]:
        if change.entity["temperature"] < -50:
            raise ValueError("a broken sensor")
        return alert(change, city)

    city = MemoryCity(sketch(touchy), start=START)
    city.read(station(city, -99.0))
    assert city.find("Alert") == []
    assert letters(city) == ["ValueError: a broken sensor"]
    city.turn(seconds=600)
    city.read(station(city, -1.0))
    assert city.get("urn:ngsi-ld:Alert:sketch-north")["status"] == "open"


def test_it_may_return_only_so_much() -> None:
    def flood(change: Change, city: City) -> Iterable[Entity]:
        number = 0
        while True:  # endless: the cap ends it
            number += 1
            yield entity("Alert", f"flood-{number}")

    city = MemoryCity(sketch(flood), start=START, limits=Limits(rule_fanout=20))
    city.read(station(city, -1.0))
    assert city.find("Alert") == []
    (reason,) = letters(city)
    assert "20 entities" in reason


def test_rules_that_answer_rules_come_to_an_end() -> None:
    def echo(change: Change, city: City) -> Iterable[Entity]:
        yield entity("WeatherObserved", "echo", temperature=change.entity["temperature"] + 1)

    city = MemoryCity(sketch(echo, writes={"WeatherObserved"}), start=START, limits=Limits(depth_of_cause=4))
    city.read(station(city, 0.0))
    assert city.get("urn:ngsi-ld:WeatherObserved:echo")["temperature"] == 4
    (reason,) = letters(city)
    assert "4 times" in reason


def test_it_is_called_when_its_attributes_are_all_said() -> None:
    heard: list[int] = []
    city = MemoryCity(sketch(lambda change, city: heard.append(change.seq), "temperature", "dewPoint"), start=START)
    city.read(station(city, 1.0))
    assert heard == []
    city.read(entity("WeatherObserved", "north", dewPoint=Attribute(0.0, "CEL", city.clock.now())))
    assert len(heard) == 1
    city.read(entity("WeatherObserved", "north", windSpeed=Attribute(4.0, "MTS", city.clock.now())))
    assert len(heard) == 1


def test_a_late_reading_is_told_as_late_and_the_state_has_not_moved() -> None:
    heard: list[tuple[str, float]] = []
    city = MemoryCity(
        sketch(lambda change, city: heard.append((change.parts[0].status, change.entity["temperature"]))), start=START
    )
    late = station(city, 5.0)
    city.turn(seconds=600)
    city.read(station(city, 1.0))
    city.read(late)
    assert heard == [("created", 1.0), ("late", 1.0)]


def test_a_deletion_is_told_to_who_asks_for_it() -> None:
    gone: list[str] = []
    city = MemoryCity(sketch(lambda change, city: gone.append(change.entity.key), gone=True), start=START)
    city.read(station(city, 1.0))
    assert gone == []
    city.delete("urn:ngsi-ld:WeatherObserved:north")
    assert gone == ["north"]


def test_a_new_app_begins_at_the_end_of_the_log() -> None:
    before = MemoryCity(start=START)
    before.read(station(before, -1.0))
    after = MemoryCity(sketch(alert), start=START, store=before.store)
    after.turn(seconds=600)
    after.read(station(after, 1.0, "south"))
    assert [one.key for one in after.find("Alert")] == ["sketch-south"]


def test_a_round_is_made_by_the_citys_clock_and_a_missed_one_once() -> None:
    app = App("sketch", report="4.1.4", writes={"Alert"})
    made: list[int] = []
    app.every(600)(lambda city: made.append(city.now()))
    city = MemoryCity(app, start=START)
    city.turn(seconds=1)
    assert len(made) == 1  # never made before, so it was missed
    city.turn(seconds=1_800)
    assert len(made) == 4


def test_its_city_reads_what_it_has_just_said_and_raises_for_what_is_not_there() -> None:
    seen: list[Any] = []

    def look(change: Change, city: City) -> Iterable[Entity]:
        try:
            seen.append(city.get("urn:ngsi-ld:Alert:sketch-north")["status"])
        except NotFound:
            seen.append(None)
        yield from alert(change, city)

    city = MemoryCity(sketch(look), start=START)
    city.read(station(city, -1.0))
    city.turn(seconds=600)
    city.read(station(city, 1.0))
    assert seen == [None, "open"]


def test_the_city_of_a_rule_cannot_write() -> None:
    def reach(change: Change, city: City) -> None:
        city.write()  # type: ignore[attr-defined]

    city = MemoryCity(sketch(reach), start=START)
    city.read(station(city, 1.0))
    (reason,) = letters(city)
    assert reason.startswith("AttributeError")


def test_a_round_without_a_period_is_refused() -> None:
    with pytest.raises(Exception, match="period"):
        App("sketch", report="4.1.4").every(0)
