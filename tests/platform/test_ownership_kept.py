"""Whose information is, as the city keeps it: lent, taken back, taken on and handed over."""

import orjson
import pytest
from two_people import ADA, Noted, Wall, person, realms, run, sight

from hansa import clock
from hansa.errors import BadRequest, Busy, Forbidden, NotFound, Unauthenticated
from hansa.limits import Limits
from hansa.model.change import Write
from hansa.model.entity import entity
from hansa.platform.http import Request
from hansa.platform.ownership import Ownership
from hansa.platform.proposals import Proposals
from hansa.trust.labels import ADMINISTRATOR, NOBODY, Sight

PIA = person("pia", "member", departments=["parks"])
WIM = person("wim", "member", departments=["water"])
ROB = person("rob", "member", departments=["roads"])
SUE = person("sue", "supervisor", departments=["parks"])


class House:
    def __init__(self, cities, wall=None):
        self.cities = cities
        self.noted, self.wall = Noted(), wall or Wall()
        self.proposals = Proposals(cities["security"], note=self.noted, now=self.wall)
        self.own = Ownership(cities, self.proposals, note=self.noted, now=self.wall)
        self.told = 0
        self.own.changed.append(self.hear)

    def hear(self):
        self.told += 1

    def said(self, **more):
        return {
            "owner": "parks",
            "to": "department:water",
            "purpose": "irrigation",
            "until": clock.text(self.wall() + 3_600_000_000),
            **more,
        }

    def bench(self, key, label=None, labels=None, realm="open"):
        one = entity("Bench", key, realm=realm, seats=3, note="x")
        self.cities[realm].write(Write("create", one.id, one.doc, label=label, labels=labels))
        return one.id

    def labels(self, ident, realm="open"):
        reader = self.cities[realm].reader
        row = reader.row("", ident, ADMINISTRATOR)
        return row.label, reader.stamps(row).labels


def in_house(tmp_path, test, **options):
    async def work():
        with realms(tmp_path, **options) as cities:
            await test(House(cities))

    run(work())


def test_what_is_lent_is_asked_for_by_policy_with_the_moment_at_which_it_ends(tmp_path):
    async def test(house):
        assert house.own.lent(WIM, "parks", "read", "smart") == (frozenset(), float("inf"))
        one = await house.own.give(house.said(), PIA)
        assert house.own.lent(WIM, "parks", "read", "smart") == ({"irrigation"}, one.until / 1e6)
        assert house.own.lent(WIM, "parks", "export", "smart") == (frozenset(), float("inf"))
        assert house.own.lent(ROB, "parks", "read", "smart") == (frozenset(), float("inf"))
        house.wall.turn(3_600)
        assert house.own.lent(WIM, "parks", "read", "smart") == (frozenset(), float("inf"))
        assert house.told == 1

    in_house(tmp_path, test)


def test_what_is_taken_back_is_gone_at_once_and_after_a_restart(tmp_path):
    async def test(house):
        one, two = await house.own.give(house.said(), PIA), await house.own.give(house.said(purpose="research"), PIA)
        with pytest.raises(NotFound):
            await house.own.take_back(one.id, ROB)
        with pytest.raises(Forbidden):
            await house.own.take_back(one.id, WIM)
        await house.own.take_back(one.id, SUE)
        assert house.own.lent(WIM, "parks", "read", "smart")[0] == {"research"}
        assert house.told == 3
        again = House(house.cities, house.wall)
        assert again.own.lent(WIM, "parks", "read", "smart")[0] == {"research"}
        assert {grant.id: bool(grant.ended_by) for grant in again.own.listed(WIM)} == {one.id: True, two.id: False}
        assert again.own.listed(ROB) == []
        house.wall.turn(3_600)
        assert House(house.cities, house.wall).own.lent(WIM, "parks", "read", "smart")[0] == frozenset()
        assert [(kind, who, what["did"]) for kind, who, what, _ in house.noted.lines] == [
            ("policy", "person:pia", "lent"),
            ("policy", "person:pia", "lent"),
            ("policy", "person:sue", "took back"),
        ]

    in_house(tmp_path, test)


def test_what_the_audit_does_not_have_is_not_lent(tmp_path):
    async def test(house):
        house.noted.fails = True
        with pytest.raises(RuntimeError):
            await house.own.give(house.said(), PIA)
        assert house.own.lent(WIM, "parks", "read", "smart")[0] == frozenset()
        house.noted.fails = False
        one = await house.own.give(house.said(), PIA)
        house.noted.fails = True
        with pytest.raises(RuntimeError):
            await house.own.take_back(one.id, PIA)
        assert house.own.lent(WIM, "parks", "read", "smart")[0] == frozenset()  # in doubt nobody sees

    in_house(tmp_path, test)


def test_too_many_grants_are_refused_and_those_that_are_over_make_room(tmp_path):
    async def test(house):
        await house.own.give(house.said(), PIA)
        with pytest.raises(Busy):
            await house.own.give(house.said(), PIA)
        house.wall.turn(3_600)
        await house.own.give(house.said(), PIA)

    in_house(tmp_path, test, limits=Limits(grants=1))


# Owning


def test_what_is_nobodys_is_taken_on_whole_or_not_at_all(tmp_path):
    async def test(house):
        free = house.bench("free", labels={"note": "personal;purposes=repair"})
        taken = house.bench("taken", "open;owner=roads")
        seen = sight(SUE)
        with pytest.raises(Forbidden):
            await house.own.take_on("open", [free, taken], "parks", seen)
        assert house.labels(free) == (None, {"note": "personal;purposes=repair"})
        assert await house.own.take_on("open", [free], "parks", seen) == 1
        assert house.labels(free) == ("smart;owner=parks", {"note": "personal;owner=parks;purposes=repair"})
        (change,) = [one for one in house.cities["open"].since(0) if one.entity.id == free and not one.new]
        assert change.actor == "person:sue"
        with pytest.raises(Forbidden):
            await house.own.take_on("open", [free], "parks", seen)

    in_house(tmp_path, test)


def test_who_takes_things_on_leads_or_keeps_the_city(tmp_path):
    async def test(house):
        free = house.bench("free")
        for who in (PIA, WIM, person("sue", "supervisor", departments=["water"]), person("sam", "operator")):
            with pytest.raises(Forbidden):
                await house.own.take_on("open", [free], "parks", sight(who))
        blind = Sight("person:sue", classes=frozenset({"open"}), who=SUE)
        with pytest.raises(NotFound):
            await house.own.take_on("open", [free], "parks", blind)
        there = house.bench("there", realm="security")
        with pytest.raises(NotFound):  # nothing is known of the other realm
            await house.own.take_on("security", [there], "parks", blind)
        for ids in ([], "x", [3], [free] * 101):
            with pytest.raises(BadRequest):
                await house.own.take_on("open", ids, "parks", sight(SUE))
        with pytest.raises(BadRequest):
            await house.own.take_on("moon", [free], "parks", sight(SUE))
        await house.own.take_on("open", [free], "parks", sight(ADA))

    in_house(tmp_path, test)


def test_a_thing_is_handed_over_when_both_departments_agree(tmp_path):
    async def test(house):
        ident = house.bench("b", "smart;owner=parks", {"note": "open;owner=roads"})
        what = {"ids": [ident], "from": "parks", "to": "water"}
        one = await house.proposals.propose("handover", what, sight(PIA), "they mend it")
        for who in (SUE, PIA):  # of the department that gives
            with pytest.raises(Forbidden):
                await house.proposals.approve(one.id, who, one.digest)
        with pytest.raises(NotFound):
            await house.proposals.approve(one.id, ROB, one.digest)
        assert house.proposals.listed(ROB) == []
        assert house.labels(ident)[0] == "smart;owner=parks"
        done = await house.proposals.approve(one.id, WIM, one.digest)
        assert done.state == "done"
        assert house.labels(ident) == ("smart;owner=water", {"note": "open;owner=roads"})
        assert house.cities["open"].since(0)[-1].cause == f"urn:ngsi-ld:Proposal:{one.id}"

    in_house(tmp_path, test)


@pytest.mark.parametrize(
    ("what", "who", "fault"),
    [
        ({"from": "water"}, WIM, BadRequest),
        ({"from": "water"}, PIA, Forbidden),
        ({"to": "parks"}, PIA, BadRequest),
        ({"to": None}, PIA, BadRequest),
        ({"ids": []}, PIA, BadRequest),
        ({"ids": ["urn:x:nothing"]}, PIA, NotFound),
        ({"realm": "moon"}, PIA, BadRequest),
        ({"also": 1}, PIA, BadRequest),
    ],
)
def test_what_is_not_ones_own_cannot_be_handed_over(tmp_path, what, who, fault):
    async def test(house):
        ident = house.bench("b", "smart;owner=parks")
        said = {"ids": [ident], "from": "parks", "to": "roads"} | what
        with pytest.raises(fault):
            await house.proposals.propose("handover", said, sight(who), "because")

    in_house(tmp_path, test)


# The door


async def ask(handle, method, *path, body=None, who=PIA):
    seen = sight(who) if hasattr(who, "roles") else who
    told = await handle(Request(method, list(path), b"", b"" if body is None else orjson.dumps(body), sight=seen))
    return told.status, orjson.loads(told.body) if told.body else None


def test_the_doors(tmp_path):
    async def test(house):
        grants, owning = house.own.handle, house.own.handle_ownership
        status, one = await ask(grants, "POST", body=house.said(reason="dry summer"))
        assert (status, one["state"], one["mayEnd"]) == (201, "lent", True)
        _, shown = await ask(grants, "GET", who=WIM)
        assert (shown["departments"], shown["speaksFor"], shown["grants"][0]["mayEnd"]) == (["water"], ["water"], False)
        assert (await ask(grants, "GET", who=ROB))[1]["grants"] == []
        _, ended = await ask(grants, "POST", one["id"], "end")
        assert (ended["state"], ended["endedBy"]) == ("taken back", "person:pia")
        ident = house.bench("b")
        said = {"owner": "parks", "ids": [ident]}
        assert (await ask(owning, "POST", body=said, who=SUE))[1] == {"owner": "parks", "entities": 1}
        for body in ({}, {"owner": 3}, {"owner": "parks", "ids": "x"}, {"owner": "parks", "also": 1}):
            with pytest.raises(BadRequest):
                await ask(owning, "POST", body=body, who=SUE)
        for handle in (grants, owning):
            with pytest.raises(Unauthenticated):
                await ask(handle, "POST", body={}, who=NOBODY)
            with pytest.raises(NotFound):
                await ask(handle, "PUT", "x")

    in_house(tmp_path, test)
