"""What people are: one administrator invites and closes; two give powers, and let somebody in again."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from entering import Browser, Town
from two_people import realms

from hansa.errors import HansaError
from hansa.platform.proposals import Proposals
from hansa.trust.actors import Actor
from hansa.trust.labels import ADMINISTRATOR, NOBODY, Sight

LONG = "meadow kettle tram violin"


@pytest.fixture
def town(tmp_path: Path):
    with realms(tmp_path) as cities:
        made = Town(tmp_path)
        made.proposals = Proposals(cities["security"], now=lambda: made.at)
        made.appointing.on(made.proposals)
        yield made
        made.close()


@pytest.fixture
def ada(town: Town) -> Browser:
    made = Browser(town)
    made.enrol(town.first())
    return made


@pytest.fixture
def ben(town: Town, ada: Browser) -> Browser:
    """A second administrator: from now on, two decide."""
    made = Browser(town, "10.0.0.2")
    made.enrol(town.invited("administrator"), "ben", "Ben")
    return made


def sight(browser: Browser) -> Sight:
    return browser.town.callers.sight(browser.address, browser.headers(), "GET")


def decide(town: Town, first: Browser, second: Browser, kind: str, what: dict[str, Any]) -> Any:
    """Propose by one, approve by the other."""

    async def both() -> Any:
        made = await town.proposals.propose(kind, what, sight(first), "because")
        return await town.proposals.approve(made.id, sight(second).who, made.digest)

    return asyncio.run(both())


def half(browser: Browser, ident: str) -> str:
    """What one of two who agreed has told of a link."""
    return str(browser.good("POST", f"admin/invitations/{ident}/tell")["link"]).rsplit("/", 1)[1]


def whole(one: Browser, other: Browser, ident: str) -> str:
    """A link that two agreed upon, put together by whoever was handed both halves."""
    return f"{half(one, ident)}.{half(other, ident)}"


def test_somebody_is_invited_comes_in_and_is_seen(town: Town, ada: Browser) -> None:
    told = ada.good("POST", "admin/invitations", name="bob", shown="Bob", roles=["operator"], departments=["parks"])
    assert told["link"].startswith("https://city.example/enrol/")
    assert told["link"].rsplit("/", 1)[1] not in str(ada.good("GET", "admin/invitations"))
    bob = Browser(town)
    bob.enrol(told["link"])
    assert bob.good("GET", "")["departments"] == ["parks"]
    everybody = ada.good("GET", "admin/people")
    found = {one["name"]: one for one in everybody["people"]}
    assert (found["bob"]["roles"], found["bob"]["passkeys"], found["bob"]["sessions"]) == (["operator"], 1, 1)
    assert ada.good("GET", "admin/invitations") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {}, {"roles": []}, {"roles": ["king"]}, {"roles": ["device"]}, {"roles": "operator"},
        {"roles": ["operator"], "name": "A B"},
        {"roles": ["operator"], "departments": "parks"}, {"roles": ["operator"], "departments": ["a b"]},
        {"roles": ["operator"], "shown": "x" * 101}, {"roles": ["operator"], "surprise": 1},
    ],
)  # fmt: skip
def test_an_invitation_that_is_none_is_refused(ada: Browser, wrong: dict[str, Any]) -> None:
    assert ada.ask("POST", "admin/invitations", **wrong)[0] == 400
    assert ada.good("GET", "admin/invitations") == []


def test_a_link_is_told_anew_and_taken_back(town: Town, ada: Browser) -> None:
    first = ada.good("POST", "admin/invitations", roles=["operator"])
    again = ada.good("POST", f"admin/invitations/{first['id']}/tell")
    browser = Browser(town)
    assert browser.ask("POST", "enrol", link=first["link"].rsplit("/", 1)[1])[0] == 404
    assert browser.ask("POST", "enrol", link=again["link"].rsplit("/", 1)[1])[0] == 200
    assert again["until"] == first["until"], "it lives no longer for it"
    assert ada.ask("DELETE", f"admin/invitations/{again['id']}")[0] == 204
    assert browser.ask("POST", "enrol", link=again["link"].rsplit("/", 1)[1])[0] == 404
    for method, path in (("POST", "admin/invitations/0000/tell"), ("DELETE", f"admin/invitations/{again['id']}")):
        assert ada.ask(method, path)[0] == 404


def test_for_everybody_but_administrators_this_door_is_not_there(town: Town, ada: Browser) -> None:
    bob = Browser(town)
    bob.enrol(town.invited("operator", "auditor"), "bob")
    stranger = Browser(town)
    for browser in (bob, stranger):
        for method, path in (
            ("GET", "admin/people"), ("PATCH", "admin/people/ada"), ("POST", "admin/people/ada/recover"),
            ("DELETE", "admin/people/ada/sessions"), ("GET", "admin/invitations"), ("POST", "admin/invitations"),
            ("POST", "admin/invitations/first"), ("DELETE", "admin/invitations/x"), ("GET", "admin/people/nothing"),
        ):  # fmt: skip
            status, told, _ = browser.ask(method, path)
            assert (status, told["detail"]) == (404, "there is nothing here")
    service = Sight("service:x", who=Actor("service:x", frozenset({"administrator"}), assurance=3))
    for somebody in (NOBODY, service):
        with pytest.raises(HansaError, match="nothing here"):
            town.appointing.administers(somebody)
    unsure = Sight("person:x", who=Actor("person:x", frozenset({"administrator"}), assurance=1))
    with pytest.raises(HansaError, match="two factors"):
        town.appointing.administers(unsure)


def test_other_roles_end_all_sessions_at_once(town: Town, ada: Browser) -> None:
    bob = Browser(town)
    bob.enrol(ada.good("POST", "admin/invitations", roles=["operator"])["link"], "bob")
    heard: list[int] = []
    town.people.renewed = lambda: heard.append(1)
    assert ada.good("PATCH", "admin/people/bob", shown="Robert")["shown"] == "Robert"
    assert bob.ask("GET", "")[0] == 200
    ada.good("PATCH", "admin/people/bob", roles=["engineer"], departments=["water"])
    assert bob.ask("GET", "")[0] == 401
    assert heard == [1]
    bob.sign_in()
    assert bob.good("GET", "")["roles"] == ["engineer"]
    assert town.people.current(Actor("person:bob", frozenset({"operator"}))).roles == {"engineer"}
    assert ada.good("DELETE", "admin/people/bob/sessions") == {"ended": 1}
    assert bob.ask("GET", "")[0] == 401
    assert town.people.accounts.sessions()[0].person == "ada"
    for wrong in ({"disabled": 1}, {"roles": []}, {"password": "x"}, {"shown": ""}):
        assert ada.ask("PATCH", "admin/people/bob", **wrong)[0] == 400
    assert ada.ask("PATCH", "admin/people/nobody", shown="x")[0] == 404


def test_whoever_is_gone_is_nobody_any_more(town: Town, ada: Browser) -> None:
    bob = Browser(town)
    bob.enrol(ada.good("POST", "admin/invitations", roles=["operator"])["link"], "bob")
    who = sight(bob).who
    assert town.people.current(who) == who
    ada.good("PATCH", "admin/people/bob", disabled=True)
    assert town.people.current(who) is None
    assert town.people.current(Actor("person:nobody")) is None
    assert town.people.current(Actor("service:x")) == Actor("service:x")


def test_what_streams_to_somebody_ends_with_his_session(town: Town, ada: Browser) -> None:
    who = sight(ada).who

    async def ends() -> tuple[bool, bool]:
        gone = town.people.gone(who)
        before = gone.done()
        await town.people.end([town.people.session_of(who)])
        return before, gone.done()

    assert asyncio.run(ends()) == (False, True)


def test_a_browser_that_was_left_open_lets_nobody_in(town: Town, ada: Browser) -> None:
    waits = ada.good("POST", "admin/invitations", roles=["operator"])
    town.later(town.limits.step_s)
    bob = Browser(town)
    asked = {("POST", "admin/invitations"): {"roles": ["operator"]}, ("PATCH", "admin/people/ada"): {"shown": "Eve"}}
    asked["POST", f"admin/invitations/{waits['id']}/tell"] = {}
    for (method, path), said in asked.items():
        status, told, _ = ada.ask(method, path, **said)
        assert (status, told.get("level")) == (401, 2), path
    assert ada.ask("GET", "admin/people")[0] == 200
    assert ada.ask("DELETE", f"admin/invitations/{waits['id']}")[0] == 204, "but shuts out"
    ada.again()
    bob.enrol(ada.good("POST", "admin/invitations", roles=["operator"])["link"], "bob")
    town.later(town.limits.step_s)
    assert ada.ask("PATCH", "admin/people/bob", disabled=True)[0] == 200


def test_the_last_administrator_stays(town: Town, ada: Browser) -> None:
    assert ada.ask("PATCH", "admin/people/ada", disabled=True)[0] == 400
    for said in ({"disabled": True}, {"roles": ["operator"]}):
        status, told, _ = town.machine("PATCH", "people", "ada", **said)
        assert (status, told["detail"]) == (400, "this is the last administrator")
    assert ada.ask("GET", "")[0] == 200


# Two administrators


def test_nobody_invites_or_makes_his_own_accomplice(town: Town, ada: Browser, ben: Browser) -> None:
    bob = Browser(town)
    bob.enrol(ada.good("POST", "admin/invitations", roles=["operator"])["link"], "bob")
    assert set(ada.good("GET", "admin/people")["powers"]) > {"member", "auditor"}
    for role in ada.good("GET", "admin/people")["powers"]:
        assert ada.ask("POST", "admin/invitations", roles=["operator", role])[0] == 403
        assert ada.ask("PATCH", "admin/people/bob", roles=[role])[0] == 403
        assert town.machine("POST", "invitations", roles=[role])[0] == 403, "nor does the machine"
    ada.good("PATCH", "admin/people/ben", roles=["administrator"])  # what he has already
    assert ada.good("GET", "admin/people")["together"]


def test_nobody_changes_what_he_is_himself(town: Town, ada: Browser) -> None:
    """Neither alone in a village nor as one of two: he gains nothing, and gives nothing up, by himself."""

    def tries() -> None:
        for said in (
            {"roles": ["administrator", "engineer", "operator", "member"], "departments": ["water"]},
            {"departments": ["water"]},
            {"roles": ["administrator"]},
            {"roles": ["administrator", "resident", "engineer", "operator"]},
        ):
            status, told, _ = ada.ask("PATCH", "admin/people/ada", **said)
            assert (status, told["detail"]) == (403, "two people decide what an administrator is himself"), said
        assert ada.ask("PATCH", "admin/people/ada", shown="Ada L.", departments=[])[0] == 200, "as it was"

    tries()
    assert town.machine("PATCH", "people", "ada", roles=["administrator", "operator"])[0] == 200, "the machine may"
    assert ada.sign_in()[0] == 200
    ben = Browser(town, "10.0.0.2")
    ben.enrol(town.invited("administrator"), "ben", "Ben")
    tries()
    assert town.machine("PATCH", "people", "ada", departments=["water"])[0] == 403, "nor the machine any more"
    done = decide(town, ada, ben, "appointment", {"person": "ada", "roles": ["administrator", "member"],
                                                  "departments": ["water"]})  # fmt: skip
    assert (done.state, town.people.known["ada"].departments) == ("done", {"water"})


def test_one_administrator_alone_gives_no_power_and_invents_nobody_who_has_one(town: Town, ada: Browser) -> None:
    powers = ada.good("GET", "admin/people")["powers"]
    assert {"member", "auditor", "data_officer"} <= set(powers)
    bob = Browser(town)
    bob.enrol(ada.good("POST", "admin/invitations", roles=["operator"], departments=["water"])["link"], "bob")
    for role in powers:
        status, told, _ = ada.ask("POST", "admin/invitations", roles=[role], departments=["water"])
        assert (status, "hansa person" in told["mend"]) == (403, True)
        assert ada.ask("PATCH", "admin/people/bob", roles=["operator", role])[0] == 403
    for role in ("resident", "operator", "engineer"):
        assert ada.ask("POST", "admin/invitations", roles=[role])[0] == 201
    assert town.people.known["bob"].roles == {"operator"}
    eve = Browser(town)
    eve.enrol(town.invited("member", departments=["parks"]), "eve")
    for said in ({"departments": ["parks", "water"]}, {"departments": ["water"]}):
        assert ada.ask("PATCH", "admin/people/eve", **said)[0] == 403, "nor one department more"
    assert ada.ask("PATCH", "admin/people/eve", departments=[])[0] == 200, "but takes away"
    ada.good("PATCH", "admin/people/eve", disabled=True)
    assert ada.ask("PATCH", "admin/people/eve", disabled=False)[0] == 403


def test_a_supervisor_stands_behind_members_of_his_own_department_and_nothing_more(town: Town, ada: Browser) -> None:
    sue, bob = Browser(town, "10.0.0.5"), Browser(town)
    sue.enrol(town.invited("supervisor", departments=["parks"]), "sue", "Sue")
    bob.enrol(ada.good("POST", "admin/invitations", roles=["operator"])["link"], "bob")
    good = {"person": "bob", "roles": ["operator", "member"], "departments": ["parks"]}
    for wrong in (
        {"departments": ["parks", "water"]}, {"departments": []}, {"roles": ["member", "auditor"]},
        {"roles": ["supervisor"]}, {"roles": ["operator"], "departments": []},
    ):  # fmt: skip
        with pytest.raises(HansaError, match=r"own department|no proposal"):
            decide(town, ada, sue, "appointment", good | wrong)
    with pytest.raises(HansaError, match="who may propose"):
        decide(town, sue, ada, "appointment", good)
    assert town.people.known["bob"].roles == {"operator"}
    hers = town.proposals.listed(sight(sue).who, waiting=True)
    assert {tuple(one.what["departments"]) for one in hers} == {("parks",), ("parks", "water")}, "and sees no others"
    assert decide(town, ada, sue, "appointment", good).state == "done"
    assert town.people.known["bob"].departments == {"parks"}
    # Into another department she moves nobody, nor opens what was closed.
    with pytest.raises(HansaError, match=r"own department|no proposal"):
        decide(town, ada, sue, "appointment", good | {"departments": ["water"]})
    ada.good("PATCH", "admin/people/bob", disabled=True)
    with pytest.raises(HansaError, match="own department"):
        decide(town, ada, sue, "appointment", good)


# Two halves


def test_neither_of_two_opens_by_himself_what_they_agreed_upon(town: Town, ada: Browser, ben: Browser) -> None:
    decide(town, ada, ben, "appointment", {"shown": "Cleo", "roles": ["data_officer"]})
    (waits,) = ada.good("GET", "admin/invitations")
    assert waits["holders"] == ["person:ada", "person:ben"]
    adas, bens = half(ada, waits["id"]), half(ben, waits["id"])
    eve = Browser(town)
    for told in (adas, bens):
        shown = eve.good("POST", "enrol", link=told)
        assert (shown["kind"], set(shown)) == ("half", {"kind", "until", "host"}), "and nothing of whom it is for"
    again = half(ada, waits["id"])
    for wrong in (adas, bens, f"{adas}.{bens}", f"{again}.{again}", f"{bens}.{bens}", f"{again}.", f".{bens}",
                  f"{again}.{bens}.{bens}", f"{again}.{'x' * 43}"):  # fmt: skip
        for path in ("enrol/ask", "enrol/codes"):
            assert eve.ask("POST", path, link=wrong, name="eve", shown="Eve")[0] == 404, wrong
    cleo = Browser(town)
    assert cleo.good("POST", "enrol", link=f"{bens}.{again}")["roles"] == ["data_officer"]
    cleo.enrol(f"{again}.{bens}", "cleo", "Cleo")
    assert cleo.good("GET", "")["roles"] == ["data_officer"]
    assert eve.ask("POST", "enrol", link=f"{again}.{bens}")[0] == 404, "used"
    assert town.people.accounts._db.execute("SELECT count(*) FROM halves").get == 0


def test_halves_of_two_links_are_no_link(town: Town, ada: Browser, ben: Browser) -> None:
    for shown in ("Cleo", "Dora"):
        decide(town, ada, ben, "appointment", {"shown": shown, "roles": ["command"]})
    one, two = (link["id"] for link in ada.good("GET", "admin/invitations"))
    assert Browser(town).ask("POST", "enrol", link=f"{half(ada, one)}.{half(ben, two)}")[0] == 404
    assert Browser(town).ask("POST", "enrol", link=f"{half(ada, two)}.{half(ben, two)}")[0] == 200


def test_a_half_is_told_to_whom_it_belongs_and_only_when_he_has_just_shown_who_he_is(
    town: Town, ada: Browser, ben: Browser
) -> None:
    cy, bob = Browser(town, "10.0.0.7"), Browser(town)
    decide(town, ada, ben, "appointment", {"shown": "Cy", "roles": ["administrator"]})
    (waits,) = ada.good("GET", "admin/invitations")
    cy.enrol(whole(ada, ben, waits["id"]), "cy", "Cy")
    bob.enrol(ada.good("POST", "admin/invitations", roles=["operator"])["link"], "bob")
    decide(town, ada, ben, "recovery", {"person": "bob"})
    (waits,) = cy.good("GET", "admin/invitations")
    tell = f"admin/invitations/{waits['id']}/tell"
    status, told, _ = cy.ask("POST", tell)
    assert (status, told["detail"]) == (403, "ada and ben agreed upon it: each has a half of it told")
    assert town.machine("POST", "invitations", waits["id"], "tell")[0] == 403
    for stranger in (bob, Browser(town)):
        assert stranger.ask("POST", tell)[1]["detail"] == "there is nothing here"
    town.later(town.limits.step_s)
    assert ada.ask("POST", tell)[1]["level"] == 2
    ada.again()
    kept = half(ada, waits["id"])
    assert kept not in str(town.noted)
    assert kept not in str(list(town.people.accounts._db.execute("SELECT * FROM halves")))
    assert cy.ask("DELETE", f"admin/invitations/{waits['id']}")[0] == 204, "taken back by any of them"


def test_a_supervisor_has_a_half_of_what_he_agreed_to_and_sees_no_other_link(town: Town, ada: Browser) -> None:
    sue = Browser(town, "10.0.0.5")
    sue.enrol(town.invited("supervisor", departments=["parks"]), "sue", "Sue")
    ada.good("POST", "admin/invitations", roles=["operator"])
    assert sue.ask("GET", "admin/invitations")[0] == 404
    decide(town, ada, sue, "appointment", {"shown": "Mia", "roles": ["member"], "departments": ["parks"]})
    (hers,) = sue.good("GET", "admin/invitations")
    assert hers["roles"] == ["member"]
    mia = Browser(town)
    mia.enrol(whole(sue, ada, hers["id"]), "mia", "Mia")
    assert mia.good("GET", "")["departments"] == ["parks"]
    assert sue.ask("GET", "admin/invitations")[0] == 404
    assert sue.ask("GET", "admin/people")[0] == 404


def test_what_two_agreed_upon_ends_when_one_of_them_is_no_more_what_he_was(
    town: Town, ada: Browser, ben: Browser
) -> None:
    decide(town, ada, ben, "appointment", {"shown": "Cleo", "roles": ["command"]})
    (waits,) = ada.good("GET", "admin/invitations")
    link = whole(ada, ben, waits["id"])
    ada.good("PATCH", "admin/people/ben", disabled=True)
    assert Browser(town).ask("POST", "enrol", link=link)[0] == 404


def test_links_with_halves_survive_a_restart(town: Town, ada: Browser, ben: Browser) -> None:
    decide(town, ada, ben, "appointment", {"shown": "Cleo", "roles": ["command"]})
    (waits,) = ada.good("GET", "admin/invitations")
    link = whole(ada, ben, waits["id"])
    town.reopen()
    assert ada.good("GET", "admin/invitations")[0]["holders"] == waits["holders"]
    assert Browser(town).ask("POST", "enrol", link=link)[0] == 200


def test_nobody_gets_rid_of_the_other_to_decide_alone(town: Town, ada: Browser, ben: Browser) -> None:
    assert ada.ask("PATCH", "admin/people/ben", roles=["operator"])[0] == 403
    assert ada.ask("PATCH", "admin/people/ben", disabled=True)[0] == 200, "in haste, one shuts the other out"
    assert ben.ask("GET", "")[0] == 401
    assert ada.ask("POST", "admin/invitations", roles=["administrator"])[0] == 403, "but is no more powerful for it"
    assert ada.ask("PATCH", "admin/people/ben", disabled=False)[0] == 403
    assert town.machine("PATCH", "people", "ben", disabled=False)[0] == 200
    assert ben.sign_in()[0] == 200


def test_who_is_shut_out_leaves_no_door_open(town: Town, ada: Browser, ben: Browser) -> None:
    bens = ben.good("POST", "admin/invitations", roles=["operator"])["link"].rsplit("/", 1)[1]
    adas = ada.good("POST", "admin/invitations", roles=["operator"])["link"].rsplit("/", 1)[1]
    ada.good("PATCH", "admin/people/ben", disabled=True)
    stranger = Browser(town)
    assert stranger.ask("POST", "enrol", link=bens)[0] == 404
    assert stranger.ask("POST", "enrol", link=adas)[0] == 200


def test_who_is_shut_out_is_not_let_in_by_a_link_of_before(town: Town, ada: Browser, ben: Browser) -> None:
    decide(town, ben, ada, "recovery", {"person": "ben"})
    (waits,) = ada.good("GET", "admin/invitations")
    link = whole(ada, ben, waits["id"])
    ada.good("PATCH", "admin/people/ben", disabled=True)
    assert Browser(town).ask("POST", "enrol", link=link)[0] == 404


def test_two_make_somebody_an_administrator(town: Town, ada: Browser, ben: Browser) -> None:
    bob = Browser(town)
    bob.enrol(ada.good("POST", "admin/invitations", roles=["operator"])["link"], "bob")
    done = decide(town, ada, ben, "appointment", {"person": "bob", "roles": ["administrator"]})
    assert done.state == "done"
    assert town.people.known["bob"].roles == {"administrator"}
    assert bob.ask("GET", "")[0] == 401, "he signs in anew with it"


def test_two_invite_an_administrator_by_a_link_of_which_each_has_a_half_told(
    town: Town, ada: Browser, ben: Browser
) -> None:
    done = decide(town, ada, ben, "appointment", {"shown": "Cleo", "roles": ["administrator"], "departments": []})
    asyncio.run(town.appointing._appointed(done))  # as after a crash
    (waits,) = ada.good("GET", "admin/invitations")
    assert waits["by"].startswith("person:ada, person:ben, ")
    cleo = Browser(town)
    cleo.enrol(whole(ada, ben, waits["id"]), "cleo", "")
    assert (cleo.good("GET", "")["shown"], cleo.good("GET", "")["roles"]) == ("Cleo", ["administrator"])


def test_who_is_closed_while_a_proposal_about_him_waits_is_not_opened_by_it(
    town: Town, ada: Browser, ben: Browser
) -> None:
    bob = Browser(town)
    bob.enrol(ada.good("POST", "admin/invitations", roles=["operator"])["link"], "bob")
    what = {"person": "bob", "roles": ["auditor"]}

    async def closed_meanwhile() -> None:
        made = await town.proposals.propose("appointment", what, sight(ada), "because")
        await town.appointing.change(sight(ada), "bob", {"disabled": True})
        await town.proposals.approve(made.id, sight(ben).who, made.digest)

    asyncio.run(closed_meanwhile())
    assert (town.people.known["bob"].roles, town.people.known["bob"].disabled) == ({"auditor"}, True)
    assert ada.ask("PATCH", "admin/people/bob", disabled=False)[0] == 403
    done = decide(town, ada, ben, "appointment", what)
    assert done.what["opens"] is True
    assert not town.people.known["bob"].disabled, "two who read that it is opened open it"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"roles": ["king"]},
        {"person": "nobody", "roles": ["operator"]},
        {"person": 7},
        {"name": "ada", "roles": ["command"]},
    ],
)
def test_an_appointment_that_is_none_is_not_proposed(
    town: Town, ada: Browser, ben: Browser, wrong: dict[str, Any]
) -> None:
    with pytest.raises(HansaError):
        decide(town, ada, ben, "appointment", wrong)


def test_two_let_somebody_in_again_and_all_that_he_had_ends(town: Town, ada: Browser, ben: Browser) -> None:
    bob = Browser(town, "10.0.0.3")
    bob.enrol(ada.good("POST", "admin/invitations", roles=["operator"])["link"], "bob", "Bob")
    assert ada.ask("POST", "admin/people/bob/recover")[0] == 403
    decide(town, ada, ben, "recovery", {"person": "bob"})
    assert bob.ask("GET", "")[0] == 200, "nothing changes before the link is opened"
    (waits,) = ben.good("GET", "admin/invitations")
    link = whole(ben, ada, waits["id"])
    anew = Browser(town, "10.0.0.4")
    told = anew.good("POST", "enrol", link=link)
    assert (told["kind"], told["name"]) == ("recover", "bob")
    anew.enrol(link, "somebody-else", "Somebody else")
    me = anew.good("GET", "")
    assert (me["name"], me["shown"], len(me["passkeys"])) == ("bob", "Bob", 1)
    assert bob.ask("GET", "")[0] == 401
    assert bob.sign_in()[0] == 401, "the old passkey opens nothing"
    assert anew.sign_in()[0] == 200
    assert anew.ask("POST", "enrol", link=link)[0] == 404, "used"


def test_one_alone_lets_nobody_in_again(town: Town, ada: Browser, ben: Browser) -> None:
    with pytest.raises(HansaError):
        decide(town, ada, ada, "recovery", {"person": "ben"})
    assert ada.good("GET", "admin/invitations") == []


def test_where_there_are_not_two_the_machines_own_administrator_does_it(town: Town, ada: Browser) -> None:
    assert ada.ask("POST", "admin/people/ada/recover")[0] == 403, "not an administrator by himself"
    status, told, _ = town.machine("POST", "people", "ada", "recover")
    assert status == 201
    anew = Browser(town)
    anew.enrol_by_password(told["link"], "ada", LONG)
    assert anew.good("GET", "")["passkeys"] == []
    assert ada.ask("GET", "")[0] == 401
    assert ada.sign_in()[0] == 401


def test_the_machine_makes_the_first_link_as_long_as_nobody_has_come(town: Town) -> None:
    status, told, _ = town.machine("POST", "invitations", "first")
    assert status == 201
    ada = Browser(town)
    ada.enrol(told["link"])
    assert town.machine("POST", "invitations", "first")[0] == 409
    assert ada.ask("POST", "admin/invitations/first")[0] == 404, "the machine's alone"


def test_two_who_open_the_first_link_at_once_do_not_both_come_in(town: Town) -> None:
    link = town.first()
    one, two = Browser(town), Browser(town)
    said = []
    for browser, name in ((one, "ada"), (two, "eve")):
        who = {"link": link, "name": name, "shown": name}
        made = browser.key().make(browser.good("POST", "enrol/ask", **who))
        said.append({**who, "credential": made, "called": "Key"})
    import orjson

    from hansa.platform.http import Headers, Request

    async def both() -> list[object]:
        asked = [
            town.door.handle(
                Request("POST", ["enrol", "passkey"], body=orjson.dumps(one_said), headers=Headers(browser.headers())),
                browser.address, secure=True,
            )
            for browser, one_said in zip((one, two), said, strict=True)
        ]  # fmt: skip
        return await asyncio.gather(*asked, return_exceptions=True)

    done = asyncio.run(both())
    assert sum(isinstance(fault, HansaError) for fault in done) == 1
    assert len(town.people.known) == 1


def test_so_many_invitations_are_open_at_once_and_no_more(tmp_path: Path) -> None:
    town = Town(tmp_path, invitations=3)
    try:
        statuses = [town.machine("POST", "invitations", roles=["operator"])[0] for _ in range(5)]
        assert statuses == [201, 201, 201, 503, 503]
    finally:
        town.close()


def test_who_administers_the_machine_is_known_by_more_than_seeing_everything() -> None:
    from hansa.platform.appointing import machine

    assert machine(ADMINISTRATOR)
    assert not machine(Sight("person:ada", classes=None, who=Actor("person:ada", frozenset({"administrator"}))))
    assert not machine(NOBODY)
