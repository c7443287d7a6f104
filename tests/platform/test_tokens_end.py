"""When the tokens that people made end: with what they sign in by, with their place, and with their account."""

import asyncio
from pathlib import Path

import pytest
from entering import ORIGIN, Browser, Town
from two_people import realms

from hansa.errors import HansaError
from hansa.platform.machines import Machines
from hansa.platform.people import Visit
from hansa.platform.proposals import Proposals
from hansa.serve.machines import owners
from hansa.trust.actors import Actor
from hansa.trust.passkeys import Site
from hansa.trust.people import Person

LONG = "meadow kettle tram violin"
SCOPE = frozenset({"read"})


@pytest.fixture
def town(tmp_path: Path):
    made = Town(tmp_path)
    made.machines = Machines(tmp_path / "trust.db", b"k" * 32, people=owners(made.people), now=lambda: made.at)
    made.people.distrusted = made.machines.end_all
    yield made
    made.machines.close()
    made.close()


@pytest.fixture
def ada(town: Town) -> Browser:
    made = Browser(town)
    made.enrol(town.first())
    return made


def token(town: Town, owner: str) -> str:
    return asyncio.run(town.machines.make(owner, owner, days=30, scope=SCOPE))[1]


def test_tokens_end_when_a_way_in_is_set_or_taken_away(town: Town, ada: Browser) -> None:
    def ends(method: str, path: str, **said: object) -> None:
        text = token(town, "person:ada")
        assert town.machines.bearer(text).id == "person:ada"
        assert ada.ask(method, path, **said)[0] == 204
        assert town.machines.bearer(text) is None
        assert town.machines.tokens("person:ada") == []
        assert ada.ask("GET", "")[0] == 200, "but not the session in which it was done"

    secret = ada.good("POST", "codes")["secret"]
    ends("PUT", "password", password=LONG, code=ada.code(secret))
    one = ada.good("POST", "passkeys", credential=ada.key().make(ada.good("POST", "passkeys/ask")), called="Two")
    ends("DELETE", f"passkeys/{one['id']}")
    ends("DELETE", "password")


def test_what_changes_no_way_in_ends_no_token(town: Town, ada: Browser) -> None:
    text = token(town, "person:ada")
    one = ada.good("POST", "passkeys", credential=ada.key().make(ada.good("POST", "passkeys/ask")), called="Two")
    assert ada.ask("PATCH", f"passkeys/{one['id']}", called="Three")[0] == 204
    assert ada.ask("DELETE", f"passkeys/{'0' * 16}")[0] == 404
    assert ada.ask("PUT", "password", password="short")[0] == 400
    assert ada.ask("DELETE", "sessions")[0] == 204
    assert town.machines.bearer(text) is not None


def test_who_is_let_in_again_or_shut_out_has_no_token_of_before(tmp_path: Path, town: Town, ada: Browser) -> None:
    bob = Browser(town)
    bob.enrol(ada.good("POST", "admin/invitations", roles=["operator"])["link"], "bob")
    his, hers = token(town, "person:bob"), token(town, "person:ada")
    _, told, _ = town.machine("POST", "people", "bob", "recover")
    assert town.machines.bearer(his) is not None, "nothing changes before the link is opened"
    bob.enrol(told["link"])
    assert town.machines.bearer(his) is None
    his = token(town, "person:bob")
    assert ada.ask("PATCH", "admin/people/bob", disabled=True)[0] == 200
    assert town.machine("PATCH", "people", "bob", disabled=False)[0] == 200
    assert town.machines.bearer(his) is None, "also when his account is opened again"
    assert town.machines.bearer(hers) is not None
    again = Machines(tmp_path / "trust.db", b"k" * 32, people=owners(town.people), now=lambda: town.at)
    assert [one.owner for one in again.tokens()] == ["person:ada"], "and not after a restart"
    again.close()


def test_a_token_that_is_made_while_all_end_is_not_one(town: Town, ada: Browser) -> None:
    async def both() -> object:
        made = asyncio.create_task(town.machines.make("person:ada", "person:ada", days=1, scope=SCOPE))
        await asyncio.sleep(0)  # it is being written
        await town.machines.end_all("person:ada")
        return await asyncio.gather(made, return_exceptions=True)

    (fault,) = asyncio.run(both())
    assert isinstance(fault, HansaError)
    assert town.machines.tokens() == []
    assert token(town, "person:ada")


# Of people of a provider


async def comes(town: Town, name: str = "office:4711") -> None:
    """Somebody signs in by a provider."""
    person = town.people.known.get(name) or Person(name, "Otto", frozenset({"operator"}))
    await town.people.keep(person)
    await town.people.enter(person, "oidc+two", Visit(Site(ORIGIN)))


def test_tokens_of_a_providers_person_rest_some_hours_after_he_last_signed_in_there(town: Town, ada: Browser) -> None:
    heard: list[int] = []
    town.machines.renewed = lambda: heard.append(town.at)
    asyncio.run(comes(town))
    his, hers = token(town, "person:office:4711"), token(town, "person:ada")
    town.later(town.limits.provider_token_s - 1)
    assert town.machines.bearer(his).roles == {"operator"}
    asyncio.run(town.machines.flush())
    assert heard == []
    town.later(1)
    assert town.machines.bearer(his) is None
    assert town.machines.bearer(hers) is not None, "whoever has what he signs in by here is asked here"
    asyncio.run(town.machines.flush())
    asyncio.run(town.machines.flush())
    assert heard == [town.at], "what was begun with it hears so, once"
    with pytest.raises(HansaError):
        token(town, "person:office:4711")
    town.reopen()
    town.machines.people = owners(town.people)
    assert town.machines.bearer(his) is None, "nor after a restart"
    asyncio.run(comes(town))
    assert town.machines.bearer(his) is not None, "he still has his place"
    asyncio.run(town.machines.flush())
    assert len(heard) == 2


def test_using_a_token_is_no_sign_in(town: Town, ada: Browser) -> None:
    asyncio.run(comes(town))
    his = token(town, "person:office:4711")
    for _ in range(12):
        town.later(town.limits.provider_token_s / 12)
        town.machines.bearer(his)
    assert town.machines.bearer(his) is None


def test_two_who_let_somebody_in_again_end_what_was_made_in_his_name(tmp_path: Path, town: Town, ada: Browser) -> None:
    ben, bob = Browser(town, "10.0.0.2"), Browser(town)
    ben.enrol(town.invited("administrator"), "ben", "Ben")
    bob.enrol(ada.good("POST", "admin/invitations", roles=["operator"])["link"], "bob")
    his = token(town, "person:bob")

    def sight(browser: Browser):
        return town.callers.sight(browser.address, browser.headers(), "GET")

    folder = tmp_path / "realms"
    folder.mkdir()
    with realms(folder) as cities:
        proposals = Proposals(cities["security"], now=lambda: town.at)
        town.appointing.on(proposals)

        async def agreed() -> None:
            made = await proposals.propose("recovery", {"person": "bob"}, sight(ada), "his phone")
            await proposals.approve(made.id, sight(ben).who, made.digest)

        asyncio.run(agreed())
    (waits,) = ada.good("GET", "admin/invitations")
    one, two = (who.good("POST", f"admin/invitations/{waits['id']}/tell")["link"] for who in (ada, ben))
    bob.enrol(f"{one.rsplit('/', 1)[1]}.{two.rsplit('/', 1)[1]}")
    assert town.machines.bearer(his) is None


def test_what_a_providers_person_began_ends_when_he_stays_away(town: Town, ada: Browser) -> None:
    """A subscription of his would else speak to him for ever: the provider tells nobody that he has gone."""
    heard: list[int] = []
    town.people.renewed = lambda: heard.append(town.at)
    asyncio.run(comes(town))
    otto, hers = Actor("person:office:4711"), Actor("person:ada")
    town.later(town.limits.provider_s - 1)
    asyncio.run(town.people.sweep())
    assert town.people.current(otto).roles == {"operator"}
    assert heard == []
    town.later(1)
    asyncio.run(town.people.sweep())
    asyncio.run(town.people.sweep())
    assert town.people.current(otto) is None
    assert town.people.current(hers) is not None
    assert heard == [town.at]
    asyncio.run(comes(town))
    assert town.people.current(otto) is not None
