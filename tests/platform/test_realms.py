"""What passes between realms: what two people allowed, all of it, once, and nothing else."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import msgspec
import pytest
from two_people import ADA, BEN, OLA, Noted, Wall, person, realms, run, sight

from hansa.errors import BadRequest, Forbidden, NotFound
from hansa.limits import Limits
from hansa.model.change import Write
from hansa.model.entity import Attribute, entity
from hansa.platform.deadletters import TENANT
from hansa.platform.proposals import Proposals
from hansa.platform.realms import Realms
from hansa.trust.labels import ADMINISTRATOR, PUBLIC, Sight

CROWD = {
    "name": "crowd",
    "source": "security",
    "target": "open",
    "type": "CrowdCount",
    "makes": "Crowd",
    "label": "open",
    "attributes": {"people": {"of": "peopleCount", "kind": "number", "step": 10}},
}
KIM = person("kim", "command")
CANARY = "canary-7f3a"


class Town:
    """Both realms with their door."""

    def __init__(self, cities, noted):
        self.cities, self.noted = cities, noted
        self.open, self.security = cities["open"], cities["security"]
        self.wall = Wall()

    async def begin(self):
        self.proposals = Proposals(self.security, note=self.noted, now=self.wall)
        self.realms = Realms(self.cities, self.proposals, note=self.noted)
        await self.realms.start()
        await self.proposals.start()
        return self

    async def allow(self, kind="derivation", what=CROWD, who=ADA):
        one = await self.proposals.propose(kind, what, sight(who), "for the page")
        return await self.proposals.approve(one.id, BEN, one.digest)

    def count(self, key, people, label=None, kind="say", **more):
        one = entity("CrowdCount", key, realm="security", peopleCount=people, **more)
        self.security.write(Write(kind, one.id, one.doc, label=label))
        return one.id

    def people(self, name="people"):
        return sorted(one[name] for one in self.open.find("Crowd"))

    async def until(self, true, within_s=10):
        for _ in range(int(within_s * 200)):
            if true():
                return
            await asyncio.sleep(0.005)
        raise AssertionError(f"it did not come to pass: {[one.doc for one in self.open.find('Crowd')]}")

    async def quiet(self):
        """Until everything that has happened was dealt with."""
        head = self.security.store.head()
        for source in self.realms._sources.values():
            await self.until(lambda source=source: source._follower.seen >= head or source._city is self.open)
            await self.until(lambda source=source: not source._heard.is_set() and not source._turn.locked())


@pytest.fixture
def noted():
    return Noted()


@asynccontextmanager
async def living(folder, noted, **options):
    with realms(folder, **options) as cities:
        town = await Town(cities, noted).begin()
        try:
            yield town
        finally:
            await town.realms.aclose()


def in_town(tmp_path, noted, test, **options):
    async def work():
        async with living(tmp_path, noted, **options) as town:
            await test(town)

    run(work())


def test_nothing_leaves_before_two_people_allowed_it_and_then_all_of_it_does(tmp_path, noted):
    async def test(town):
        town.count("before", 41)
        one = await town.proposals.propose("derivation", CROWD, sight(ADA), "for the page")
        town.count("waiting", 62)
        await asyncio.sleep(0.05)
        assert town.people() == []
        assert (await town.proposals.approve(one.id, BEN, one.digest)).state == "done"
        await town.until(lambda: town.people() == [40, 60])
        town.count("after", 88)
        await town.until(lambda: town.people() == [40, 60, 90])
        changes = [one for one in town.open.since(0) if "Crowd" in one.entity.types]
        assert {one.actor for one in changes} == {"door:crowd"}
        assert {one.cause for one in changes} == {f"urn:ngsi-ld:Proposal:{one.id}"}
        assert all(change.depth == 1 for change in changes)

    in_town(tmp_path, noted, test)


def test_a_change_and_a_deletion_go_through_and_saying_the_same_is_nothing(tmp_path, noted):
    async def test(town):
        await town.allow()
        ident = town.count("a", 41)
        await town.until(lambda: town.people() == [40])
        town.count("a", 42)  # rounded it is the same
        town.count("b", 100)
        await town.until(lambda: town.people() == [40, 100])
        assert len([one for one in town.open.since(0) if "Crowd" in one.entity.types]) == 2
        town.count("a", 77)
        await town.until(lambda: town.people() == [80, 100])
        town.security.delete(ident)
        await town.until(lambda: town.people() == [100])

    in_town(tmp_path, noted, test)


def test_hidden_attributes_metadata_and_ids_stay_inside(tmp_path, noted):
    async def test(town):
        await town.allow()
        said = Attribute(41, "C62", 1_800_000_000_000_000, extra={"seenBy": {"type": "Property", "value": CANARY}})
        one = entity(
            "CrowdCount", CANARY, realm="security", scope=f"/{CANARY}", peopleCount=said, officer=CANARY,
            location={"type": "Point", "coordinates": [11.123456, 46.5]},
        )  # fmt: skip
        town.security.write(Write("create", one.id, one.doc, label=f"security;owner={CANARY}"))
        town.count("other", 20)
        await town.until(lambda: town.people() == [20, 40])
        for found in town.open.find("Crowd"):
            assert found.names == ["people"]
            assert set(found.doc["people"]) == {"type", "value"}
            assert found.label == "open"
        town.open.close = lambda: None
        for file in tmp_path.glob("open.db*"):
            assert CANARY.encode() not in file.read_bytes()
        assert any(CANARY.encode() in file.read_bytes() for file in tmp_path.glob("security.db*"))
        assert len(town.open.find("Crowd", sight=PUBLIC)) == 2

    in_town(tmp_path, noted, test)


def test_what_is_labelled_otherwise_does_not_exist_for_it(tmp_path, noted):
    async def test(town):
        await town.allow()
        town.count("ours", 30)
        hidden = town.count("theirs", 50, label="personal")
        town.count("last", 70)
        await town.until(lambda: town.people() == [30, 70])
        town.security.write(Write("append", hidden, {"id": hidden}, label="security"))
        await town.until(lambda: town.people() == [30, 50, 70])
        # Taken back: one attribute of it only.
        town.security.write(Write("append", hidden, {"id": hidden}, labels={"peopleCount": "personal"}))
        await town.until(lambda: town.people() == [30, 70])

    in_town(tmp_path, noted, test)


def test_a_restart_loses_nothing_and_doubles_nothing(tmp_path, noted):
    async def first():
        async with living(tmp_path, noted) as town:
            await town.allow()
            gone = town.count("gone", 10)
            town.count("a", 40)
            await town.until(lambda: town.people() == [10, 40])
            await town.realms.aclose()  # the door sleeps, the city does not
            town.count("a", 50)
            town.count("b", 60)
            town.security.delete(gone)
            return town.open.store.place("door:crowd")

    async def second():
        async with living(tmp_path, noted) as town:
            await town.until(lambda: town.people() == [50, 60])
            changes = len(town.open.since(0))
            ids = {one.id for one in town.open.find("Crowd")}
        async with living(tmp_path, noted) as town:
            town.count("c", 70)
            await town.until(lambda: town.people() == [50, 60, 70])
            assert len(town.open.since(0)) == changes + 1
            assert ids < {one.id for one in town.open.find("Crowd")}  # their names have not changed

    assert run(first()) is not None
    run(second())


def test_the_place_and_what_came_of_it_are_one_transaction(tmp_path, noted):
    async def test(town):
        await town.allow()
        await town.until(lambda: town.open.inbox.commits == 1)
        town.count("a", 40)
        await town.until(lambda: town.realms.shown[0]["place"] == town.security.store.head())
        assert town.people() == [40]
        assert town.open.inbox.commits == 2
        assert msgspec.msgpack.decode(town.open.store.place("door:crowd"))[1] == town.security.store.head()

    in_town(tmp_path, noted, test)


def test_a_derivation_that_is_ended_takes_back_what_it_gave(tmp_path, noted):
    async def test(town):
        await town.allow()
        town.count("a", 40)
        await town.until(lambda: town.people() == [40])
        with pytest.raises(Forbidden):
            await town.realms.end("crowd", OLA, "no")
        with pytest.raises(NotFound):
            await town.realms.end("nothing", ADA, "no")
        await town.realms.end("crowd", ADA, "it told too much")
        assert town.people() == []
        town.count("b", 50)
        await asyncio.sleep(0.05)
        assert town.people() == []
        assert noted.lines[-1][:2] == ("door", "person:ada")
        await town.realms.aclose()
        await town.begin()
        town.count("c", 60)
        await asyncio.sleep(0.05)
        assert town.people() == []
        await town.allow()  # and again
        await town.until(lambda: town.people() == [40, 50, 60])

    in_town(tmp_path, noted, test)


def test_what_was_given_is_taken_back_even_when_the_city_falls_over_it(tmp_path, noted, monkeypatch):
    async def test(town):
        await town.allow()
        town.count("a", 40)
        await town.until(lambda: town.people() == [40])

        async def falls(*_):
            raise ConnectionError("the power went")

        with monkeypatch.context() as patch:
            patch.setattr(town.realms, "_ended", falls)
            with pytest.raises(ConnectionError):
                await town.realms.end("crowd", ADA, "it told too much")
        assert town.people() == [40]
        await town.realms.aclose()
        await town.begin()
        assert town.people() == []
        town.count("b", 50)
        # Allowed again: what was said meanwhile comes too, also when the city falls before it began.
        town.proposals._kinds["derivation"] = replace(town.proposals._kinds["derivation"], after=falls)
        await town.allow()
        await town.realms.aclose()
        await town.begin()
        await town.until(lambda: town.people() == [40, 50])

    in_town(tmp_path, noted, test)


def test_another_declaration_of_the_same_name_takes_its_place(tmp_path, noted):
    async def test(town):
        await town.allow()
        town.count("a", 41)
        await town.until(lambda: town.people() == [40])
        (ident,) = [one.id for one in town.open.find("Crowd")]
        finer = {"people": {"of": "peopleCount", "kind": "number", "step": 1}}
        await town.allow(what=CROWD | {"attributes": finer})
        await town.until(lambda: town.people() == [41])
        assert [one.id for one in town.open.find("Crowd")] == [ident]
        for other in ({"makes": "Gathering"}, {"tenant": "t"}):
            with pytest.raises(BadRequest):
                await town.allow(what=CROWD | other)
        # Nor when one that was proposed before is approved after the name was taken.
        await town.realms.end("crowd", ADA, "another")
        late = await town.proposals.propose("derivation", CROWD | {"makes": "Gathering"}, sight(ADA), "another")
        await town.allow()
        with pytest.raises(BadRequest):
            await town.proposals.approve(late.id, BEN, late.digest)

    in_town(tmp_path, noted, test)


def test_what_an_app_declares_waits_for_two_people_and_is_not_asked_again(tmp_path, noted):
    async def test(town):
        (one,) = await town.realms.declare("app:crowds", [CROWD])
        assert (one.needs, one.by) == (2, "app:crowds")
        assert await town.realms.declare("app:crowds", [CROWD]) == []
        town.count("a", 40)
        assert (await town.proposals.approve(one.id, ADA, one.digest)).state == "waiting"
        await asyncio.sleep(0.03)
        assert town.people() == []
        assert (await town.proposals.approve(one.id, BEN, one.digest)).state == "done"
        await town.until(lambda: town.people() == [40])
        assert await town.realms.declare("app:crowds", [CROWD]) == []
        (other,) = await town.realms.declare("app:crowds", [CROWD | {"name": "another"}])
        await town.proposals.refuse(other.id, ADA, "no")
        assert await town.realms.declare("app:crowds", [CROWD | {"name": "another"}]) == []
        with pytest.raises(BadRequest):
            await town.realms.declare("app:crowds", [CROWD | {"everything": True}])

    in_town(tmp_path, noted, test)


def test_groups_leave_together_or_not_at_all(tmp_path, noted):
    async def test(town):
        mean = {"average": {"of": "peopleCount", "kind": "number", "step": 1}}
        square = {"square": {"of": "square", "kind": "choice", "among": ["north", "south"]}}
        what = CROWD | {"attributes": square, "aggregate": {"least": 3, "count": "cameras", "mean": mean}}
        await town.allow(what=what)

        def told():
            return sorted((one["square"], one["cameras"], one["average"]) for one in town.open.find("Crowd"))

        for key, people in (("a", 10), ("b", 20)):
            town.count(key, people, square="north")
        town.count("s", 5, square="south")
        await town.quiet()
        assert told() == []
        third = town.count("c", 30, square="north")
        await town.until(lambda: told() == [("north", 3, 20)])
        # One more, and one that changed: the difference between two answers would be about one of them.
        town.count("d", 100, square="north")
        town.count("a", 90, square="north")
        await town.quiet()
        assert told() == [("north", 3, 20)]
        town.count("b", 80, square="north")
        await town.until(lambda: told() == [("north", 4, 75)])
        # A restart knows of no more changes than it has seen.
        await town.realms.aclose()
        town.count("a", 1, square="north")
        await town.begin()
        await town.quiet()
        assert told() == [("north", 4, 75)]
        # Too few again.
        town.security.delete(third)
        town.count("a", 1, square="south")
        await town.until(lambda: told() == [])

    in_town(tmp_path, noted, test)


def test_two_doors_that_answer_each_other_come_to_an_end(tmp_path, noted):
    async def test(town):
        there = {"name": "there", "type": "Ping", "makes": "Pong", "label": "smart",
                 "attributes": {"n": {"of": "n", "kind": "number"}}}  # fmt: skip
        await town.allow(what=CROWD | there)
        back = there | {
            "name": "back",
            "source": "open",
            "target": "security",
            "type": "Pong",
            "makes": "Ping",
            "label": "security",
        }
        await town.allow(what=CROWD | back)
        one = entity("Ping", "0", realm="security", n=1)
        town.security.write(Write("create", one.id, one.doc))
        await town.until(lambda: len(town.open.find("Pong")) >= 2)
        await asyncio.sleep(0.2)
        many = len(town.open.find("Pong"))
        assert many <= 4
        await asyncio.sleep(0.2)
        assert len(town.open.find("Pong")) == many

    in_town(tmp_path, noted, test, limits=Limits(depth_of_cause=4))


def test_many_at_once_all_come_through(tmp_path, noted):
    async def test(town):
        writes = [entity("CrowdCount", str(n), realm="security", peopleCount=n * 10) for n in range(450)]
        town.security.write(*(Write("create", one.id, one.doc) for one in writes[:300]))
        await town.allow()
        town.security.write(*(Write("create", one.id, one.doc) for one in writes[300:]))
        await town.until(lambda: len(town.open.find("Crowd")) == 450)
        assert town.people() == [n * 10 for n in range(450)]

    in_town(tmp_path, noted, test, limits=Limits(commit=100))


def test_what_the_audit_does_not_have_does_not_pass(tmp_path, noted, monkeypatch):
    monkeypatch.setattr("hansa.platform.deriving._REST_S", 0.01)

    async def test(town):
        await town.allow()
        await town.until(lambda: town.open.store.place("door:crowd") is not None)
        noted.fails = True
        town.count("a", 40)
        await asyncio.sleep(0.1)
        assert town.people() == []
        noted.fails = False
        await town.until(lambda: town.people() == [40])
        kind, actor, what, _ = noted.lines[-1]
        assert (kind, actor, what["from"], what["to"], what["many"]) == ("door", "door:crowd", "security", "open", 1)

    in_town(tmp_path, noted, test)


def test_the_key_that_makes_ids_cannot_be_read_through_a_door(tmp_path, noted):
    async def test(town):
        await town.allow()
        assert town.security.find("Derivation") == []
        (kept,) = town.security.find("Derivation", tenant=TENANT)
        assert len(bytes.fromhex(kept["key"])) == 32

    in_town(tmp_path, noted, test)


# Declassification


def incident(town):
    one = entity("Incident", "bridge", realm="security", scope="/case", water=Attribute(3.5, "MTR"), informer=CANARY)
    town.security.write(Write("create", one.id, one.doc, labels={"informer": "personal"}))
    return one.id


def test_two_people_let_out_what_they_read_and_nothing_else(tmp_path, noted):
    async def test(town):
        ident = incident(town)
        what = {"id": ident, "attributes": ["water"], "label": "open", "as": "urn:ngsi-ld:Incident:public-1"}
        one = await town.proposals.propose("declassify", what, sight(KIM), "people must know")
        assert one.what["document"] == {
            "id": "urn:ngsi-ld:Incident:public-1",
            "type": "Incident",
            "water": {"type": "Property", "value": 3.5, "unitCode": "MTR"},
        }
        assert town.open.find("Incident") == []
        town.security.write(Write("append", ident, {"id": ident, "water": {"type": "Property", "value": 99}}))
        await town.proposals.approve(one.id, BEN, one.digest)
        (out,) = town.open.find("Incident", sight=PUBLIC)
        assert out.doc == one.what["document"]  # as it was when it was proposed
        (change,) = town.open.since(0)
        assert (change.actor, change.cause) == ("door:declassify", f"urn:ngsi-ld:Proposal:{one.id}")
        noted_door = [what for kind, _, what, _ in noted.lines if kind == "door"]
        assert noted_door[0]["approvedBy"] == ["person:ben"]

    in_town(tmp_path, noted, test)


def test_what_is_there_already_keeps_its_label(tmp_path, noted):
    async def test(town):
        ident = incident(town)
        there = entity("Incident", "bridge", note="for the staff")
        town.open.write(Write("create", there.id, there.doc))
        await town.allow("declassify", {"id": ident, "attributes": ["water"], "label": "open"}, KIM)
        found = town.open.get(ident)
        assert found["water"] == 3.5
        assert town.open.find("Incident", sight=PUBLIC) == []  # the entity is the staff's as before
        assert "note" in found

    in_town(tmp_path, noted, test)


def test_a_label_is_changed_where_the_thing_is(tmp_path, noted):
    async def test(town):
        ident = incident(town)
        smart = Sight("somebody", classes=frozenset({"smart"}))
        with pytest.raises(NotFound):
            town.security.get(ident, sight=smart)
        one = await town.proposals.propose(
            "declassify", {"id": ident, "to": "security", "label": "smart"}, sight(KIM), "because"
        )
        assert one.what["past"]["water"]["values"] == 1, "whoever agrees reads that the past is opened too"
        assert "informer" not in one.what["past"]
        await town.proposals.approve(one.id, BEN, one.digest)
        assert town.security.get(ident, sight=smart).names == ["water"]  # what has a label of its own keeps it
        what = {"id": ident, "to": "security", "label": "smart", "attributes": ["informer"]}
        await town.allow("declassify", what, KIM)
        assert town.security.get(ident, sight=smart).names == ["water", "informer"]
        assert town.open.since(0) == []

    in_town(tmp_path, noted, test)


@pytest.mark.parametrize(
    "what",
    [
        {"label": "open", "attributes": ["water"]},
        {"id": "urn:ngsi-ld:Incident:bridge", "attributes": ["water"]},
        {"id": "urn:ngsi-ld:Incident:bridge", "attributes": ["water"], "label": "public"},
        {"id": "urn:ngsi-ld:Incident:bridge", "attributes": [], "label": "open"},
        {"id": "urn:ngsi-ld:Incident:bridge", "attributes": "water", "label": "open"},
        {"id": "urn:ngsi-ld:Incident:bridge", "attributes": ["fire"], "label": "open"},
        {"id": "urn:ngsi-ld:Incident:bridge", "attributes": ["type"], "label": "open"},
        {"id": "urn:ngsi-ld:Incident:bridge", "attributes": [{}], "label": "open"},
        {"id": "urn:ngsi-ld:Incident:bridge", "label": "open"},
        {"id": "urn:ngsi-ld:Incident:bridge", "attributes": ["water"], "label": "open", "as": "bridge"},
        {"id": "urn:ngsi-ld:Incident:bridge", "attributes": ["water"], "label": "open", "as": 3},
        {"id": "urn:ngsi-ld:Incident:bridge", "label": "open", "to": "security", "as": "urn:x:y"},
        {"id": "urn:ngsi-ld:Incident:bridge", "attributes": ["water"], "label": "open", "to": "moon"},
        {"id": "urn:ngsi-ld:Incident:bridge", "attributes": ["water"], "label": "open", "from": []},
        {"id": "urn:ngsi-ld:Incident:bridge", "attributes": ["water"], "label": "open", "document": {}},
    ],
)
def test_what_cannot_be_let_out_is_refused(tmp_path, noted, what):
    async def test(town):
        incident(town)
        with pytest.raises(BadRequest):
            await town.proposals.propose("declassify", what, sight(KIM), "because")

    in_town(tmp_path, noted, test)


def test_nobody_proposes_to_let_out_what_he_may_not_see_or_not_declassify(tmp_path, noted):
    async def test(town):
        ident = incident(town)
        what = {"id": ident, "attributes": ["water"], "label": "open"}
        # Who may not look into the realm of security is told nothing of it, whatever he sees elsewhere.
        blind = Sight("person:kim", classes=frozenset({"open", "smart", "security"}), who=KIM)
        with pytest.raises(NotFound):
            await town.proposals.propose("declassify", what, blind, "because")
        reader = Sight("person:kim", classes=frozenset({"security"}), who=KIM)
        town.realms._sees = lambda _, seen: seen
        with pytest.raises(Forbidden):
            await town.proposals.propose("declassify", what, reader, "because")
        with pytest.raises(BadRequest, match="no attribute"):
            await town.proposals.propose("declassify", what | {"attributes": ["informer"]}, reader, "because")
        with pytest.raises(Forbidden):
            await town.proposals.propose("declassify", what, sight(OLA), "because")

    in_town(tmp_path, noted, test)


def test_what_waits_to_be_let_out_is_read_by_those_who_may_read_it_and_by_nobody_else(tmp_path, noted):
    async def test(town):
        what = {"id": incident(town), "attributes": ["water"], "label": "open"}
        one = await town.proposals.propose("declassify", what, sight(KIM), "because")
        for who in (ADA, person("sue", "supervisor"), person("aud", "auditor"), OLA):
            assert town.proposals.listed(who) == []
            with pytest.raises(NotFound):
                await town.proposals.approve(one.id, who, one.digest)
        assert town.proposals.listed(BEN) == [one]

    in_town(tmp_path, noted, test)


def test_with_nobody_at_the_door_nothing_is_written(tmp_path, noted):
    async def test(town):
        for n in range(20):
            town.count(str(n), n)
        await asyncio.sleep(0.05)
        assert town.open.since(0) == []
        assert town.open.find("Crowd", sight=ADMINISTRATOR) == []

    in_town(tmp_path, noted, test)
