"""Proposals as they are kept and carried out: once, after two people, whatever happens in between."""

import asyncio

import orjson
import pytest
from two_people import ADA, BEN, OLA, Noted, Wall, person, realms, run, sight

from hansa.errors import AlreadyExists, BadRequest, Busy, Forbidden, HansaError, NotFound, Unauthenticated
from hansa.limits import Limits
from hansa.model.change import Write
from hansa.model.entity import entity
from hansa.platform.deadletters import TENANT
from hansa.platform.http import Request
from hansa.platform.proposals import Proposals
from hansa.platform.proposals_door import ProposalsDoor
from hansa.trust.labels import ADMINISTRATOR, NOBODY, PUBLIC
from hansa.trust.people import StepUp


class Effects:
    """What a kind does: a write of its own, or something elsewhere."""

    def __init__(self):
        self.done = []
        self.fault = None

    def write(self, proposal):
        if self.fault:
            raise self.fault
        one = entity("Bench", proposal.id, realm="security", seats=proposal.what["seats"])
        return [Write("create", one.id, one.doc)]

    async def after(self, proposal):
        self.done.append(proposal.what["seats"])
        if self.fault:
            raise self.fault


@pytest.fixture
def cities(tmp_path):
    with realms(tmp_path) as both:
        yield both


@pytest.fixture
def noted():
    return Noted()


@pytest.fixture
def wall():
    return Wall()


@pytest.fixture
def effects():
    return Effects()


@pytest.fixture
def proposals(cities, noted, wall, effects):
    made = Proposals(cities["security"], note=noted, now=wall)
    made.on("policy", effects.write)
    made.on("recovery", after=effects.after)
    return made


def benches(cities):
    return [one["seats"] for one in cities["security"].find("Bench")]


async def proposed(proposals, kind="policy", seats=3):
    return await proposals.propose(kind, {"seats": seats}, sight(ADA), "people stand")


def test_nothing_happens_before_the_second_person_and_then_it_happens_once(proposals, cities):
    async def work():
        one = await proposed(proposals)
        assert benches(cities) == []
        with pytest.raises(Forbidden):
            await proposals.approve(one.id, ADA, one.digest)
        assert benches(cities) == []
        done = await proposals.approve(one.id, BEN, one.digest)
        assert (done.state, benches(cities)) == ("done", [3])
        with pytest.raises(AlreadyExists):
            await proposals.approve(one.id, BEN, one.digest)
        assert proposals.get(one.id, ADA) == done

    run(work())


def test_two_who_approve_at_once_make_it_happen_once(proposals, cities, effects):
    async def work():
        one = await proposed(proposals, "recovery")
        cy = person("cy", "administrator")
        many = (proposals.approve(one.id, who, one.digest) for who in (BEN, cy, BEN, cy))
        told = await asyncio.gather(*many, return_exceptions=True)
        assert [getattr(each, "state", type(each).__name__) for each in told] == ["done", *["AlreadyExists"] * 3]
        assert effects.done == [3]

    run(work())


def test_the_approval_and_what_it_does_are_one_transaction_with_actor_and_cause(proposals, cities):
    async def work():
        one = await proposed(proposals)
        before = cities["security"].inbox.commits
        await proposals.approve(one.id, BEN, one.digest)
        assert cities["security"].inbox.commits == before + 1
        *_, state, bench = cities["security"].since(0)
        assert (state.actor, bench.actor) == ("person:ben", "person:ben")
        assert bench.cause == state.cause == f"urn:ngsi-ld:Proposal:{one.id}"

    run(work())


def test_what_was_changed_under_way_is_not_approved(proposals, cities, effects):
    async def work():
        one = await proposed(proposals)
        with pytest.raises(AlreadyExists):
            await proposals.approve(one.id, BEN, "0" * 64)
        # Somebody who can write the file itself.
        ident = f"urn:ngsi-ld:Proposal:{one.id}"
        said = {"id": ident, "what": {"type": "Property", "value": '{"seats":99}'}}
        cities["security"].write(Write("append", ident, said, tenant=TENANT))
        with pytest.raises(AlreadyExists, match="not what was proposed"):
            await proposals.approve(one.id, BEN, one.digest)
        assert proposals.listed(BEN) == []  # it does not hide others
        other = await proposed(proposals)
        assert [each.id for each in proposals.listed(BEN)] == [other.id]
        assert benches(cities) == []

    run(work())


def test_what_was_refused_or_not_approved_in_time_never_happens(proposals, cities, wall):
    async def work():
        one, two, three = [await proposed(proposals) for _ in range(3)]
        assert (await proposals.refuse(one.id, BEN, "too many")).state == "refused"
        assert (await proposals.refuse(two.id, ADA, "mistaken")).ended_by == "person:ada"
        wall.turn(7 * 86_400)
        for each in (one, two, three):
            with pytest.raises(AlreadyExists):
                await proposals.approve(each.id, BEN, each.digest)
        assert benches(cities) == []
        assert proposals.listed(BEN, waiting=True) == []
        assert len(proposals.listed(BEN)) == 3

    run(work())


def test_what_may_not_be_seen_is_not_there(proposals):
    async def work():
        one = await proposed(proposals)
        for ident in (one.id, "nothing"):
            for what in (proposals.approve(ident, OLA, one.digest), proposals.refuse(ident, OLA, "no")):
                with pytest.raises(NotFound):
                    await what
            with pytest.raises(NotFound):
                proposals.get(ident, OLA)
        assert proposals.listed(OLA) == []

    run(work())


def test_a_handler_that_refuses_leaves_the_proposal_waiting(proposals, cities, effects):
    async def work():
        one = await proposed(proposals)
        effects.fault = BadRequest("not any more")
        with pytest.raises(BadRequest):
            await proposals.approve(one.id, BEN, one.digest)
        effects.fault = None
        assert (await proposals.approve(one.id, BEN, one.digest)).state == "done"
        assert benches(cities) == [3]

    run(work())


def test_a_write_that_the_city_refuses_is_said(proposals, cities):
    async def work():
        one = await proposed(proposals)
        there = entity("Bench", one.id, realm="security", seats=1)
        cities["security"].write(Write("create", there.id, there.doc))
        told = await proposals.approve(one.id, BEN, one.digest)
        assert (told.state, "already" in told.outcome) == ("failed", True)
        assert proposals.get(one.id, ADA).state == "failed"

    run(work())


@pytest.mark.parametrize("fault", [HansaError("the network is down"), ZeroDivisionError("a bug")])
def test_what_cannot_be_done_elsewhere_is_said_and_not_tried_for_ever(proposals, effects, fault):
    async def work():
        one = await proposed(proposals, "recovery")
        effects.fault = fault
        told = await proposals.approve(one.id, BEN, one.digest)
        assert told.state == "failed"
        assert "a bug" not in told.outcome
        await proposals.start()
        assert effects.done == [3]

    run(work())


def test_what_was_approved_and_not_done_is_done_after_a_crash(proposals, cities, noted, wall):
    async def work():
        one = await proposed(proposals, "recovery")
        begun = asyncio.Event()

        async def never(_):
            begun.set()
            await asyncio.Event().wait()

        dying = Proposals(cities["security"], note=noted, now=wall)
        dying.on("recovery", after=never)
        task = asyncio.ensure_future(dying.approve(one.id, BEN, one.digest))
        await begun.wait()
        assert dying.get(one.id, ADA).state == "approved"  # on disk before anything is done
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        again = Effects()
        reborn = Proposals(cities["security"], note=noted, now=wall)
        reborn.on("recovery", after=again.after)
        await reborn.start()
        assert again.done == [3]
        assert reborn.get(one.id, ADA).state == "done"
        await reborn.start()
        assert again.done == [3]

    run(work())


def test_what_the_audit_does_not_have_does_not_happen(proposals, cities, noted):
    async def work():
        one = await proposed(proposals)
        noted.fails = True
        with pytest.raises(RuntimeError):
            await proposals.approve(one.id, BEN, one.digest)
        with pytest.raises(RuntimeError):
            await proposed(proposals)
        noted.fails = False
        assert benches(cities) == []
        await proposals.approve(one.id, BEN, one.digest)
        assert [(kind, who, what["did"]) for kind, who, what, _ in noted.lines] == [
            ("approval", "person:ada", "proposed"),
            ("approval", "person:ben", "approved"),
        ]
        assert noted.lines[1][3] == "s-ben"

    run(work())


def test_too_many_that_wait_are_refused(tmp_path, wall):
    async def work():
        with realms(tmp_path, limits=Limits(proposals=2)) as cities:
            proposals = Proposals(cities["security"], now=wall)
            proposals.on("policy")
            one = await proposed(proposals)
            await proposals.propose("policy", {}, sight(BEN), "because")
            cy = person("cy", "administrator")
            with pytest.raises(Busy):
                await proposals.propose("policy", {}, sight(cy), "because")
            await proposals.refuse(one.id, ADA, "enough")
            await proposals.propose("policy", {}, sight(cy), "because")

    run(work())


def test_one_who_proposes_much_leaves_room_for_others_and_so_does_what_was_too_late(tmp_path, wall):
    async def work():
        with realms(tmp_path, limits=Limits(proposals=40)) as cities:
            proposals = Proposals(cities["security"], now=wall)
            proposals.on("policy")
            for _ in range(2):
                await proposed(proposals)
            with pytest.raises(Busy):
                await proposed(proposals)
            await proposals.propose("policy", {}, sight(BEN), "because")
            wall.turn(7 * 86_400)
            await proposed(proposals)
            assert len(proposals.listed(BEN, waiting=True)) == 1
            assert len(proposals.listed(BEN)) == 4

    run(work())


def test_no_header_leads_to_where_proposals_are_kept(proposals, cities):
    async def work():
        await proposed(proposals)
        assert cities["security"].find("Proposal") == []
        assert len(cities["security"].find("Proposal", tenant=TENANT)) == 1

    run(work())


# The door


async def asked(door, method, *path, body=None, who=ADA, query=b""):
    seen = who if not hasattr(who, "roles") else sight(who)
    request = Request(method, list(path), query, b"" if body is None else orjson.dumps(body), sight=seen)
    told = await door.handle(request)
    return told.status, orjson.loads(told.body)


def test_the_door_from_proposal_to_effect(proposals, cities):
    async def work():
        door = ProposalsDoor(proposals)
        said = {"kind": "policy", "what": {"seats": 5}, "reason": "rain"}
        status, one = await asked(door, "POST", body=said)
        assert (status, one["state"], one["mayApprove"], one["mine"]) == (201, "waiting", False, True)
        assert "another person" in one["whyNot"]
        _, listed = await asked(door, "GET", who=BEN, query=b"state=waiting")
        assert [(each["id"], each["mayApprove"]) for each in listed] == [(one["id"], True)]
        _, done = await asked(door, "POST", one["id"], "approve", body={"digest": one["digest"]}, who=BEN)
        assert (done["state"], done["approvedBy"], benches(cities)) == ("done", ["person:ben"], [5])
        assert (await asked(door, "GET", one["id"]))[1]["state"] == "done"
        assert (await asked(door, "GET", query=b"state=waiting"))[1] == []
        _, other = await asked(door, "POST", body=said)
        _, ended = await asked(door, "POST", other["id"], "refuse", body={"reason": "dry"}, who=BEN)
        assert (ended["state"], ended["outcome"], ended["endedBy"]) == ("refused", "dry", "person:ben")

    run(work())


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"kind": "nothing", "what": {}, "reason": "x"},
        {"kind": 1, "what": {}, "reason": "x"},
        {"kind": "policy", "what": [], "reason": "x"},
        {"kind": "policy", "what": {}, "reason": ""},
        {"kind": "policy", "what": {}, "reason": 3},
        {"kind": "policy", "what": {}, "reason": "x", "until": "soon"},
        {"kind": "policy", "what": {}, "reason": "x", "until": "2001-01-01T00:00:00Z"},
        {"kind": "policy", "what": {}, "reason": "x", "approvedBy": ["person:ben"]},
        {"kind": "policy", "what": {"n": 2**60}, "reason": "x"},
    ],
)
def test_what_is_no_proposal_is_refused(proposals, body):
    with pytest.raises(BadRequest):
        run(asked(ProposalsDoor(proposals), "POST", body=body))


def test_the_door_is_for_those_who_are_signed_in(proposals):
    door = ProposalsDoor(proposals)
    for nobody in (NOBODY, PUBLIC):
        with pytest.raises(Unauthenticated):
            run(asked(door, "GET", who=nobody))
    for path in (["x", "y"], ["x", "approve", "z"]):
        with pytest.raises(NotFound):
            run(asked(door, "POST", *path, body={}))
    with pytest.raises(BadRequest):
        run(asked(door, "GET", query=b"state=done"))
    with pytest.raises(BadRequest):
        run(asked(door, "GET", query=b"who=ben"))


# Who stands behind it, when it is decided


def test_who_has_gone_or_lost_his_role_stands_behind_nothing_any_more(proposals, cities):
    """The one who proposed it, and the first of two who approve what the machine proposed."""
    now = {"person:ada": ADA, "person:cy": person("cy", "administrator")}
    proposals.current = now.get

    async def work():
        one = await proposed(proposals)
        other = await proposals.propose("policy", {"seats": 5}, sight(ADMINISTRATOR.who), "by the machine")
        assert (await proposals.approve(other.id, now["person:cy"], other.digest)).state == "waiting"
        for gone in (None, person("ada", "operator")):
            now["person:ada"] = now["person:cy"] = gone
            for waits in (one, other):
                with pytest.raises(Forbidden, match="may not stand behind it any more"):
                    await proposals.approve(waits.id, BEN, waits.digest)
        assert benches(cities) == []
        now["person:ada"] = ADA
        assert (await proposals.approve(one.id, BEN, one.digest)).state == "done"
        with pytest.raises(Forbidden):
            await proposals.approve(other.id, BEN, other.digest)
        assert benches(cities) == [3]

    run(work())


def test_who_has_not_shown_lately_who_he_is_neither_proposes_nor_approves(proposals, cities, noted):
    late = set()

    def fresh(who):
        if who.id in late:
            raise StepUp(2)

    proposals.fresh = fresh

    async def work():
        one = await proposed(proposals)
        late.update({"person:ada", "person:ben"})
        before = len(noted.lines)
        with pytest.raises(StepUp):
            await proposed(proposals)
        with pytest.raises(StepUp):
            await proposals.approve(one.id, BEN, one.digest)
        with pytest.raises(Forbidden):  # what he may not anyway, nobody is sent to show for
            await proposals.approve(one.id, ADA, one.digest)
        assert len(noted.lines) == before
        assert len(proposals.listed(ADA)) == 1
        assert proposals.approvable(one, BEN) == "", "he sees that he may"
        late.clear()
        assert (await proposals.approve(one.id, BEN, one.digest)).state == "done"
        late.add("person:ada")
        two = await proposals.propose("policy", {"seats": 7}, sight(BEN), "more")
        assert (await proposals.refuse(two.id, ADA, "enough")).state == "refused"

    run(work())
