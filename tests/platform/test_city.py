"""The one way in: what many say at once is said once and lost never, and who may not see does not see."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hansa import Attribute, Entity, entity
from hansa.clock import Clock
from hansa.errors import Forbidden, HansaError, NotFound
from hansa.model.change import Change, Delete, Nothing, Refused, Write
from hansa.model.query import Query
from hansa.platform.city import City, delete_write
from hansa.platform.sqlite import SqliteStore
from hansa.platform.store import Item
from hansa.trust.labels import ADMINISTRATOR, PUBLIC, Sight

STAFF = Sight("staff", "operation", frozenset({"open", "smart"}))


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with City(SqliteStore(tmp_path / "open.db"), Clock(), ADMINISTRATOR).closing() as one:
        yield one


def raised(by: int) -> Write:
    one = entity("Alert", "flood-bridge", category="flood", status="open")
    return Write("say", one.id, one.doc)


def test_a_hundred_raises_of_one_alarm_at_once_are_one_entity_and_one_change(city: City) -> None:
    with ThreadPoolExecutor(16) as pool:
        outcomes = [one for many in pool.map(lambda n: city.write(raised(n)), range(100)) for one in many]
    assert sum(isinstance(one, Change) for one in outcomes) == 1
    assert sum(isinstance(one, Nothing) for one in outcomes) == 99
    assert len(city.find("Alert")) == city.count(Query.parse(types="Alert")) == 1
    assert len(city.since(0)) == 1
    assert len(city.history("urn:ngsi-ld:Alert:flood-bridge", "status")) == 1


def test_patches_of_one_entity_at_once_lose_none(city: City) -> None:
    city.put(entity("Thing", "a", n=0))
    ident = "urn:ngsi-ld:Thing:a"

    def patch(n: int) -> Any:
        said = {"id": ident, f"from{n}": {"type": "Property", "value": n}, "n": {"type": "Property", "value": n}}
        return city.write(Write("append", ident, said))[0]

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(patch, range(100)))
    assert all(isinstance(one, Change) for one in outcomes)
    found = city.get(ident)
    assert [found[f"from{n}"] for n in range(100)] == list(range(100))
    last = max(outcomes, key=lambda change: change.seq)
    assert found["n"] == last.entity["n"], "the last one in the log is the state"
    befores = [change.before["n"] for change in sorted(outcomes, key=lambda c: c.seq)]
    afters = [change.entity["n"] for change in sorted(outcomes, key=lambda c: c.seq)]
    assert befores == [0, *afters[:-1]], "each stands on the one before it"


def test_a_hundred_creations_of_one_id_make_one(city: City) -> None:
    one = entity("Thing", "a", n=1)
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda _: city.write(Write("create", one.id, one.doc))[0], range(100)))
    assert sum(isinstance(outcome, Change) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Refused) for outcome in outcomes) == 99


def test_a_write_can_be_read_by_whoever_was_answered(city: City) -> None:
    def write_and_read(n: int) -> int:
        city.put(entity("Thing", str(n), n=n))
        return int(city.get(f"urn:ngsi-ld:Thing:{n}")["n"])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(write_and_read, range(50))) == list(range(50))


def test_what_a_sight_may_not_see_is_not_found_counted_or_remembered(city: City) -> None:
    hidden = entity("Thing", "hidden", n=1, location={"type": "Point", "coordinates": [17, 48]})
    shown = entity("Thing", "shown", n=1, secret=2)
    city.write(
        Write("create", hidden.id, hidden.doc),
        Write("create", shown.id, shown.doc, label="open", labels={"secret": "personal"}),
    )
    assert {one.id for one in city.find("Thing")} == {hidden.id, shown.id}
    assert [one.id for one in city.find("Thing", sight=PUBLIC)] == [shown.id]
    assert city.count(Query.parse(types="Thing"), sight=PUBLIC) == 1
    assert city.find(near=(17, 48, 1_000), sight=PUBLIC) == []
    assert [one.id for one in city.find(near=(17, 48, 1_000), sight=STAFF)] == [hidden.id]
    with pytest.raises(NotFound):
        city.get(hidden.id, sight=PUBLIC)
    assert city.get(shown.id, sight=PUBLIC).get("secret") is None
    assert city.get(shown.id)["secret"] == 2
    assert city.history(shown.id, "secret", sight=PUBLIC) == []
    assert len(city.history(shown.id, "secret")) == 1


def test_every_change_bears_the_name_of_who_wrote_it(city: City) -> None:
    city.put(entity("Thing", "a", n=1))
    city.put(entity("Thing", "a", n=2), sight=STAFF.served)
    city.write(raised(1), sight=STAFF.served, cause="2")
    assert [(change.actor, change.cause) for change in city.since(0)] == [
        ("administrator", None),
        ("staff", None),
        ("staff", "2"),
    ]


def test_who_may_only_look_writes_nothing(city: City) -> None:
    city.put(entity("Thing", "a", n=1))
    with pytest.raises(Forbidden):
        city.put(entity("Thing", "a", n=2), sight=STAFF)
    assert city.get("urn:ngsi-ld:Thing:a")["n"] == 1


def test_put_says_what_is_so_and_delete_takes_away(city: City) -> None:
    (made,) = city.put(entity("Thing", "a", n=1, m=2))
    assert made.new
    assert city.put(entity("Thing", "a", n=1)) == [], "what was so already makes no Change"
    city.delete("urn:ngsi-ld:Thing:a", "m")
    assert city.get("urn:ngsi-ld:Thing:a").get("m") is None
    with pytest.raises(NotFound):
        city.delete("urn:ngsi-ld:Thing:a", "m")
    city.delete("urn:ngsi-ld:Thing:a")
    with pytest.raises(NotFound):
        city.get("urn:ngsi-ld:Thing:a")
    with pytest.raises(NotFound):
        city.delete("urn:ngsi-ld:Thing:a")
    assert delete_write(Delete("urn:x:a", "n")) == Write("delete_attr", "urn:x:a", name="n", dataset="@all")


def test_find_narrows_by_type_q_and_place(city: City) -> None:
    for n in range(10):
        place = {"type": "Point", "coordinates": [17 + n / 100, 48]}
        city.put(entity("Thing", str(n), n=n, location=place))
    city.put(entity("Other", "x", n=3))
    assert len(city.find("Thing")) == 10
    assert [one["n"] for one in city.find("Thing", "n>7")] == [8, 9]
    assert {one.key for one in city.find("Thing", near=(17, 48, 2_000))} == {"0", "1", "2"}
    assert len(city.find("Thing", limit=3)) == 3
    assert {one.type for one in city.find(q="n==3")} == {"Thing", "Other"}
    assert city.find("Nobody") == []


def test_history_is_read_between_two_instants(city: City) -> None:
    now = city.clock.now()
    for n in range(5):
        one = entity("Thing", "a", n=Attribute(n, at=now + n * 1_000_000))
        city.write(Write("read", one.id, one.doc))
    ident = "urn:ngsi-ld:Thing:a"
    assert [point.value for point in city.history(ident, "n")] == [0, 1, 2, 3, 4]
    assert [point.value for point in city.history(ident, "n", now + 1_000_000, now + 3_000_000)] == [1, 2]
    assert [point.value for point in city.history(ident, "n", last=2)] == [3, 4]
    assert city.history(ident, "nothing") == []


def test_the_event_loop_writes_without_waiting(city: City) -> None:
    async def write_all() -> list[Any]:
        many = [city.awrite(raised(n)) for n in range(50)]
        return [one for outcomes in await asyncio.gather(*many) for one in outcomes]

    outcomes = asyncio.run(write_all())
    assert sum(isinstance(one, Change) for one in outcomes) == 1


def test_a_city_with_a_writer_takes_nothing_past_it_and_one_without_tells_its_watchers(city: City) -> None:
    with pytest.raises(HansaError, match="submit"):
        city.commit([Item([raised(1)], "me")])
    direct = City(SqliteStore(":memory:"), Clock(), ADMINISTRATOR, direct=True)
    heard: list[Change] = []
    stop = direct.watch(heard.extend)
    direct.put(entity("Thing", "a", n=1))
    stop()
    direct.put(entity("Thing", "a", n=2))
    assert [change.entity["n"] for change in heard] == [1]
    direct.write_places({"reader": b"\7"})
    assert direct.store.place("reader") == b"\7"
    direct.close()


def test_closing_commits_what_waits(tmp_path: Path) -> None:
    done: list[Any] = []
    with City(SqliteStore(tmp_path / "open.db"), Clock(), ADMINISTRATOR).closing() as city:
        for n in range(50):
            one: Entity = entity("Thing", str(n), n=n)
            city.submit([Write("create", one.id, one.doc)], done.append)
    assert len(done) == 50
    again = SqliteStore(tmp_path / "open.db")
    assert again.head() == 50
    again.close()
