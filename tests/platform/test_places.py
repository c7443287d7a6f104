"""Where everything is, as far as a sight sees it: nothing hidden on the map, and what is shown is noted."""

import asyncio
import json
from functools import partial

import pytest

from hansa.clock import Clock
from hansa.errors import TooLarge
from hansa.limits import Limits
from hansa.model.change import Write
from hansa.network.moves import Asked as Listens
from hansa.network.moves import Moves
from hansa.platform.city import City
from hansa.platform.places import Asked, Places
from hansa.platform.sqlite import SqliteStore
from hansa.serve.front import _shows
from hansa.serve.maps import news
from hansa.trust.actors import PASSKEY, Actor
from hansa.trust.labels import ADMINISTRATOR, PUBLIC
from hansa.trust.policy import Policy, shipped
from hansa.trust.sights import Sights

POLICY = Policy(shipped("open"), "shipped")
ASKED = Asked.parse({"types": "Walker", "show": "Walker:pulse"})
LIVE = Asked.parse({"types": "Walker,Alert"})


def walker(key, lon=17.1, **more):
    return {
        "id": f"urn:ngsi-ld:Walker:{key}",
        "type": "Walker",
        "name": {"type": "Property", "value": f"Walker {key}"},
        "pulse": {"type": "Property", "value": 71, "observedAt": "2026-11-22T10:00:00Z"},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [lon, 48.3]}},
        **more,
    }


@pytest.fixture
def city():
    made = City(SqliteStore(":memory:"), Clock(), ADMINISTRATOR, direct=True)
    yield made
    made.close()


def say(city, doc, label, labels=None):
    city.write(Write("upsert", doc["id"], doc, label=label, labels=labels))


def seen(city, sight, asked=ASKED, limits=None):
    found = {}
    for block in map(json.loads, Places(city, limits or Limits()).blocks(asked, sight)):
        for i, ident in enumerate(block["id"]):
            found[(block["prefix"] + ident).rsplit(":", 1)[1]] = (block["lon"][i], block["value"][i], block["name"][i])
    return found


def people(saw=None):
    return Sights("open", POLICY, saw=saw)


def test_what_is_hidden_is_not_on_the_map(city):
    say(city, walker("open"), "open")
    say(city, walker("staff"), None)
    say(city, walker("patient"), "personal;owner=care;subject=person:ada")
    assert set(seen(city, ADMINISTRATOR)) == {"open", "staff", "patient"}
    assert set(seen(city, PUBLIC)) == {"open"}
    operator = people().of(Actor("person:ben", frozenset({"operator"}), assurance=PASSKEY))
    assert set(seen(city, operator)) == {"open", "staff"}


def test_a_hidden_place_is_no_place_and_a_hidden_value_no_value(city):
    say(city, walker("placed"), "open", {"pulse": "smart"})
    say(city, walker("lost"), "open", {"location": "smart"})
    assert seen(city, PUBLIC) == {"placed": (17.1, None, "Walker placed")}
    assert seen(city, ADMINISTRATOR)["placed"] == (17.1, 71, "Walker placed")


def test_who_was_shown_what_is_personal_is_noted(city):
    say(city, walker("patient"), "personal;owner=care;subject=person:ada")
    say(city, walker("open"), "open")
    noted = []
    ada = people(lambda actor, ident, label, _: noted.append((actor.id, ident, label)))
    sight = ada.of(Actor("person:ada", frozenset({"resident"}), assurance=PASSKEY))
    assert set(seen(city, sight)) == {"patient", "open"}
    assert {one[:2] for one in noted} == {("person:ada", "urn:ngsi-ld:Walker:patient")}


def test_more_points_than_a_picture_holds_are_refused(city):
    for i in range(3):
        say(city, walker(str(i)), "open")
    with pytest.raises(TooLarge):
        seen(city, ADMINISTRATOR, limits=Limits(points=2))
    assert len(seen(city, ADMINISTRATOR, limits=Limits(points=3))) == 3


def test_shapes_are_those_of_the_sight(city):
    line = {"type": "GeoProperty", "value": {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}}
    for key, label in (("a", "open"), ("b", "security")):
        say(city, {"id": f"urn:ngsi-ld:Road:{key}", "type": "Road", "location": line}, label)
    places = Places(city, Limits())
    told = json.loads(places.shapes({"Road": "road"}, PUBLIC))["features"]
    assert [one["properties"]["id"] for one in told] == ["urn:ngsi-ld:Road:a"]
    assert len(json.loads(places.shapes({"Road": "road"}, ADMINISTRATOR))["features"]) == 2
    with pytest.raises(TooLarge):
        Places(city, Limits(shapes=10)).shapes({"Road": "road"}, ADMINISTRATOR)


async def told(city, sight, *steps, limits=None, asked=LIVE):
    """What a map hears of some steps: (event, data), without clocks."""
    moves, heard = Moves(city.clock, limits or Limits()), []
    stop = city.watch(moves.push)
    places = Places(city, Limits())
    picture = partial(places.events, asked, sight)
    heard_by = news(sight, "open", _shows(sight, "open"))
    events = moves.events(Listens(frozenset(asked.types), asked.show, heard_by, lambda: sight.epoch, picture))

    came = asyncio.Event()

    async def listen():
        async for block in events:
            came.set()
            for event in block.decode().split("\n\n"):
                name, _, data = event.partition("\ndata: ")
                name = name.rpartition("event: ")[2]
                if name and name != "clock":
                    heard.append((name, json.loads(data)))

    listening = asyncio.create_task(listen())
    async with asyncio.timeout(20):
        while ("ready", {}) not in heard:
            came.clear()
            await came.wait()
        for step in steps:
            many = len(heard)
            step()
            while len(heard) == many:
                came.clear()
                await came.wait()
    moves.stop()
    await listening
    stop()
    return heard[[one[0] for one in heard].index("ready") + 1 :]


def ids(data):
    return [data["prefix"] + one for one in data["id"]]


def test_what_moves_is_told_once_and_as_it_is_at_last(city):
    say(city, walker("a"), "open")

    def go():
        for lon in (17.2, 17.3, 17.4):
            say(city, walker("a", lon), "open")
            say(city, walker("hidden", lon), "security")

    sight = people().of(Actor("person:eve", frozenset({"resident"}), assurance=PASSKEY))
    heard = asyncio.run(told(city, sight, go))
    assert [(name, ids(data), data["lon"]) for name, data in heard] == [("moved", ["urn:ngsi-ld:Walker:a"], [17.4])]


def test_what_is_hidden_from_now_on_leaves_the_map_of_whoever_saw_it(city):
    for key, label in (("a", "open"), ("b", "open"), ("c", "open"), ("secret", "security"), ("kept", "open")):
        say(city, walker(key), label)

    def hide():
        say(city, walker("a"), "security")
        say(city, walker("secret", 17.2), "personal;owner=care")
        say(city, walker("new"), "security")

    def misplace():
        say(city, walker("c"), "open", {"location": "security"})

    def keep():
        say(city, walker("kept"), "open;licence=CC0-1.0")

    sight = people().of(Actor("person:eve", frozenset({"resident"}), assurance=PASSKEY))
    heard = asyncio.run(told(city, sight, hide, lambda: city.delete(walker("b")["id"]), misplace, keep))
    assert [(ids(data), data["gone"]) for _, data in heard] == [
        ([], [walker("a")["id"]]),
        ([], [walker("b")["id"]]),
        ([], [walker("c")["id"]]),
        ([walker("kept")["id"]], []),
    ]


def test_alerts_are_told_as_far_as_they_are_seen(city):
    def ring(key, label, status="open"):
        doc = {"id": f"urn:ngsi-ld:Alert:{key}", "type": "Alert"}
        for name, value in (("status", status), ("severity", "high"), ("alertSource", "urn:x:1")):
            doc[name] = {"type": "Property", "value": value}
        say(city, doc, label)

    def both():
        ring("mine", "open")
        ring("theirs", "security")

    sight = people().of(Actor("person:eve", frozenset({"resident"}), assurance=PASSKEY))
    heard = asyncio.run(told(city, sight, both, lambda: ring("mine", "open", "closed"), asked=ASKED))
    assert heard == [
        ("alarms", {"urn:ngsi-ld:Alert:mine": ["urn:x:1", "high", None]}),
        ("alarms", {"urn:ngsi-ld:Alert:mine": None}),
    ]


def test_when_rights_change_the_map_begins_anew(city):
    say(city, walker("a"), "open")
    rights = people()
    sight = rights.of(Actor("person:eve", frozenset({"resident"}), assurance=PASSKEY))
    heard = asyncio.run(told(city, sight, rights.renew))
    assert heard[0][0] == "reset"


def test_a_picture_that_fails_is_said_so(city):
    for i in range(3):
        say(city, walker(str(i)), "open")
    moves = Moves(city.clock, Limits())
    places = Places(city, Limits(points=1))

    async def listen():
        picture = partial(places.events, ASKED, ADMINISTRATOR)
        events = moves.events(Listens(frozenset({"Walker"}), {}, lambda change: (change.entity,), lambda: 0, picture))
        return [block async for block in events]

    assert b"event: fault" in asyncio.run(listen())[-1]
    assert moves.streams == 0


def test_pages_that_see_the_same_share_one_picture_and_a_slow_one_holds_nobody_up(city):
    say(city, walker("a"), "open")
    moves = Moves(city.clock, Limits(pictures=1))
    city.watch(moves.push)
    places = Places(city, Limits())
    read = []

    def picture():
        read.append(1)
        return places.events(LIVE, ADMINISTRATOR)

    def page(group):
        return moves.events(
            Listens(frozenset({"Walker"}), {}, lambda change: (change.entity,), lambda: 0, picture, lambda: group)
        )

    async def ready(events):
        return [block async for block in until_ready(events)]

    async def until_ready(events):
        async for block in events:
            yield block
            if b"event: ready" in block:
                return

    async def work():
        slow = page("slow")
        assert b"hello" in await anext(slow)
        async with asyncio.timeout(20):
            begun = [await anext(slow)]  # it takes one part, and no more
            told = await asyncio.gather(*(ready(page("same")) for _ in range(5)), ready(page(None)), ready(page(None)))
        assert len({b"".join(one[1:]) for one in told}) == 1
        assert begun
        assert len(read) == 4  # the slow one, one for the five, and each of those that are alone
        await slow.aclose()
        moves.stop()

    asyncio.run(work())


def test_sights_that_see_the_same_are_alike_and_those_of_which_it_is_noted_are_not(city):
    for key, label in (("open", "open"), ("staff", None), ("patient", "personal;owner=care;subject=person:ada")):
        say(city, walker(key), label)
    rights = people(lambda *_: None)
    alike = city.reader.alike
    ben, eve = (
        rights.of(Actor(f"person:{name}", frozenset({"operator"}), assurance=PASSKEY)) for name in ("ben", "eve")
    )
    ada = rights.of(Actor("person:ada", frozenset({"resident"}), assurance=PASSKEY))
    assert alike(ben) == alike(eve) is not None
    assert alike(ada) is None
    assert alike(PUBLIC) != alike(ben)
    assert alike(ADMINISTRATOR) not in {alike(ben), None}


def test_a_label_that_is_new_parts_those_who_saw_the_same(city):
    say(city, walker("a"), "open")
    rights = people()
    green, blue = (
        rights.of(Actor(f"person:{owner}", frozenset({"member"}), frozenset({owner}), PASSKEY))
        for owner in ("parks", "water")
    )
    moves = Moves(city.clock, Limits())
    city.watch(moves.push)
    places = Places(city, Limits())

    def page(sight):
        heard_by = news(sight, "open", _shows(sight, "open"))
        picture = partial(places.events, LIVE, sight)
        kinds = frozenset(LIVE.types)
        return moves.events(
            Listens(kinds, {}, heard_by, lambda: sight.epoch, picture, lambda: city.reader.alike(sight))
        )

    async def work():
        pages = [page(green), page(blue)]
        assert city.reader.alike(green) == city.reader.alike(blue)
        async with asyncio.timeout(20):
            for one in pages:
                while b"event: ready" not in await anext(one):
                    pass
            say(city, walker("tree"), "smart;owner=parks")
            say(city, walker("pump"), "smart;owner=water")
            told = [await anext(one) for one in pages]
            for one in pages:
                await one.aclose()
        return told

    for_green, for_blue = asyncio.run(work())
    assert (b"tree" in for_green, b"pump" in for_green) == (True, green.sees("smart;owner=water"))
    assert (b"tree" in for_blue, b"pump" in for_blue) == (blue.sees("smart;owner=parks"), True)
    assert not green.sees("smart;owner=water")
