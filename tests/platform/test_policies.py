"""Policies as they are kept: what ships holds until two people want another; versions and what was asked stay."""

import asyncio

import pytest
from two_people import ADA, BEN, Noted, Wall, person, realms, run, sight

from hansa.errors import AlreadyExists, BadRequest, Forbidden, NotFound
from hansa.model.change import Write
from hansa.model.entity import entity
from hansa.platform.deadletters import TENANT
from hansa.platform.policies import Policies
from hansa.platform.proposals import Proposals
from hansa.trust.labels import ADMINISTRATOR, Label
from hansa.trust.policy import SHIPPED, PolicyInvalid, shipped

OPERATOR = person("ola", "operator")
SMART = Label("smart")
# Operators no longer see smart information; nothing else is changed.
CHANGED = shipped("open").replace('@id("operators-see-smart")', '@id("only-supervisors-see-smart")')
CHANGED = CHANGED.replace('[Role::"operator", Role::"supervisor", Role::"command"] };', '[Role::"supervisor"] };', 1)


@pytest.fixture
def cities(tmp_path):
    with realms(tmp_path) as both:
        yield both


class Desk:
    """Policies and proposals of two realms."""

    def __init__(self, cities):
        self.noted, self.wall, self.heard = Noted(), Wall(), []
        self.policies = Policies(cities, note=self.noted, changed=lambda *one: self.heard.append(one))
        self.proposals = Proposals(cities["security"], note=self.noted, now=self.wall)
        self.policies.attach(self.proposals)

    async def propose(self, text=CHANGED, realm="open", who=ADA, **more):
        what = {"realm": realm, "text": text, **more}
        return await self.proposals.propose("policy", what, sight(who), "the council wants it")

    async def change(self, text=CHANGED, realm="open"):
        made = await self.propose(text, realm)
        return await self.proposals.approve(made.id, BEN, made.digest)

    def may(self, who=OPERATOR, verb="read", label=SMART):
        return self.policies.policy("open").decide(who, verb, label, realm="open").allowed


@pytest.fixture
def desk(cities):
    return Desk(cities)


def test_what_ships_holds_until_another_policy_is_stored(desk):
    assert desk.policies.policy("open").version == SHIPPED
    assert desk.policies.policy("security").text == shipped("security")
    assert desk.policies.history("open") == []
    assert desk.policies.text("open", SHIPPED) == shipped("open")
    with pytest.raises(NotFound):
        desk.policies.policy("harbour")
    with pytest.raises(NotFound):
        desk.policies.text("open", "1")


def test_a_policy_takes_effect_when_a_second_person_approves_it_and_not_before(desk, cities):
    async def work():
        made = await desk.propose()
        assert desk.may()
        with pytest.raises(Forbidden):
            await desk.proposals.approve(made.id, ADA, made.digest)
        with pytest.raises(AlreadyExists):
            await desk.proposals.approve(made.id, BEN, "0" * 64)
        assert desk.may()
        done = await desk.proposals.approve(made.id, BEN, made.digest)
        assert (done.state, done.outcome) == ("done", "")

    run(work())
    assert not desk.may()
    assert desk.may(person("eva", "supervisor"))
    [(realm, policy)] = desk.heard
    assert (realm, policy.version, policy.text) == ("open", "1", CHANGED)
    [told] = desk.policies.history("open")
    assert (told["version"], told["by"], told["approvedBy"]) == ("1", ADA.id, [BEN.id])
    assert (told["replaces"], told["reason"]) == (SHIPPED, "the council wants it")
    kinds = [kind for kind, *_ in desk.noted.lines]
    assert kinds == ["approval", "approval", "policy"]
    again = Desk(cities)  # and after a restart
    assert not again.may()
    assert again.policies.policy("open").version == "1"
    assert again.policies.policy("security").version == SHIPPED


def test_versions_are_counted_and_all_of_them_stay(desk):
    async def work():
        await desk.change()
        await desk.change(CHANGED + "// two\n")
        await desk.change(shipped("security") + "// other realm\n", "security")

    run(work())
    assert [one["version"] for one in desk.policies.history("open")] == ["2", "1"]
    assert desk.policies.text("open", "1") == CHANGED
    assert desk.policies.text("open", "2") == CHANGED + "// two\n"
    assert desk.policies.policy("security").version == "1"


def test_what_is_proposed_says_what_it_changes_line_by_line(desk):
    made = run(desk.propose(CHANGED.replace("\n", "\r\n")))
    assert made.what["text"] == CHANGED
    assert made.what["replaces"] == SHIPPED
    changed = [line for line in made.what["changes"].split("\n") if line[:1] in "+-" and line[:3] not in {"+++", "---"}]
    assert changed[:2] == ['-@id("operators-see-smart")', '+@id("only-supervisors-see-smart")']
    assert len(changed) == 4


@pytest.mark.parametrize(
    ("what", "fault", "says"),
    [
        ({"text": CHANGED, "realm": "harbour"}, NotFound, "harbour"),
        ({"text": CHANGED}, BadRequest, "texts"),
        ({"realm": "open"}, BadRequest, "texts"),
        ({"realm": "open", "text": 7}, BadRequest, "texts"),
        ({"realm": "open", "text": CHANGED, "approved_by": ["x"]}, BadRequest, "approved_by"),
        ({"realm": "open", "text": shipped("open")}, BadRequest, "holds already"),
        ({"realm": "open", "text": CHANGED, "replaces": "4"}, AlreadyExists, "shipped holds"),
        ({"realm": "open", "text": "permit (principal, action, resource);"}, PolicyInvalid, "@id"),
        ({"realm": "open", "text": CHANGED.replace("assurance >= 1", "asurance >= 1")}, PolicyInvalid, "asurance"),
    ],
)
def test_what_is_no_policy_is_not_even_proposed(desk, what, fault, says):
    with pytest.raises(fault, match=says):
        run(desk.proposals.propose("policy", what, sight(ADA), "because"))
    assert desk.proposals.known("policy") == []


def test_only_administrators_and_the_data_officer_propose(desk):
    for role in ("operator", "supervisor", "auditor", "engineer", "member", "resident"):
        with pytest.raises(Forbidden):
            run(desk.propose(who=person("x", role)))


def test_of_two_proposals_the_later_one_must_be_proposed_again(desk):
    async def work():
        first, second = await desk.propose(), await desk.propose(CHANGED + "// more\n")
        await desk.proposals.approve(first.id, BEN, first.digest)
        with pytest.raises(AlreadyExists, match="changed since"):
            await desk.proposals.approve(second.id, BEN, second.digest)

    run(work())
    assert desk.policies.policy("open").text == CHANGED


def test_two_that_are_carried_out_at_once_do_not_both_take_effect(desk):
    async def work():
        first, second = await desk.propose(), await desk.propose(CHANGED + "// more\n")
        return await asyncio.gather(*(desk.policies._enact(one) for one in (first, second)), return_exceptions=True)

    outcomes = run(work())
    assert [type(one) for one in outcomes if one is not None] == [AlreadyExists]
    assert len(desk.policies.history("open")) == 1


def test_what_was_approved_before_a_crash_takes_effect_after_it_and_once(desk, cities):
    async def crash(_proposal):
        raise KeyboardInterrupt

    async def work():
        made = await desk.propose()
        desk.proposals._kinds.clear()
        desk.proposals.on("policy", after=crash)
        with pytest.raises(KeyboardInterrupt):
            await desk.proposals.approve(made.id, BEN, made.digest)
        other = Desk(cities)
        assert other.may()
        await other.proposals.start()
        assert not other.may()
        await other.policies._enact(other.proposals.known("policy")[0])
        return other

    other = run(work())
    assert [one["version"] for one in other.policies.history("open")] == ["1"]
    assert other.proposals.known("policy")[0].state == "done"


def test_no_header_leads_to_a_policy(desk, cities):
    """An entity of the same type and id in a tenant that people can name changes nothing."""
    run(desk.change())
    fake = entity("Policy", "open-2", text=shipped("open"), version="2", proposal="none")
    cities["open"].put(fake)
    assert cities["open"].get(fake.id)["version"] == "2"
    assert Desk(cities).policies.policy("open").version == "1"


def test_a_stored_policy_that_cannot_be_read_any_more_allows_nothing(desk, cities):
    broken = entity(
        "Policy", "open-1", text=CHANGED.replace("principal.kind", "principal.sort"), version="1", proposal="p"
    )
    cities["open"].write(Write("create", broken.id, broken.doc, tenant=TENANT), sight=ADMINISTRATOR)
    again = Desk(cities)
    assert not again.may()
    assert not again.may(verb="read", label=Label("open"))
    decision = again.policies.policy("open").decide(OPERATOR, "read", Label("open"), realm="open")
    assert decision.reasons == ("closed",)
    run(again.change(shipped("open") + "// mended\n"))  # two people can mend it
    assert again.may()
    assert again.policies.policy("open").version == "2"


def test_what_was_asked_is_kept_and_a_new_policy_is_tried_against_it(desk, cities):
    for _ in range(4):
        desk.may()
    keep(desk, cities)
    again = Desk(cities)
    tried = run(again.policies.tried("open", CHANGED))
    assert (tried["against"], tried["asked"]) == (SHIPPED, 1)
    [change] = tried["changes"]
    assert (change["roles"], change["verb"], change["label"], change["count"]) == (["operator"], "read", "smart", 4)
    assert (change["before"]["allowed"], change["after"]["allowed"]) == (True, False)
    assert again.may()  # a trial changes nothing
    with pytest.raises(PolicyInvalid):
        run(again.policies.tried("open", "permit"))


def test_what_was_asked_is_written_again_only_when_something_was_asked(desk, cities):
    desk.may()
    keep(desk, cities)
    kept = cities["open"].store.head()
    keep(desk, cities)
    again = Desk(cities)
    keep(again, cities)
    assert cities["open"].store.head() == kept
    again.may()
    keep(again, cities)
    assert cities["open"].store.head() > kept


def keep(desk, cities):
    desk.policies.keep()
    for city in cities.values():
        city.write(Write("delete", "urn:ngsi-ld:X:never"))  # behind it in the queue, so it is on disk by now
