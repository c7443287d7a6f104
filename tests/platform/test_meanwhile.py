"""What happens while something is written down: the audit is slow here, and somebody uses the time."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import orjson
import pytest
from entering import Browser, Town

from hansa.errors import HansaError
from hansa.platform.http import Headers, Request, Response, problem

LONG = "meadow kettle tram violin"


class Slow:
    """An audit that answers when it is let; `at` are the kinds that it is slow with."""

    def __init__(self, town: Town, *at: str) -> None:
        self.town = town
        self.at = set(at)
        self.waits: list[asyncio.Event] = []
        self.asked = asyncio.Event()

    def __call__(self, kind: str, actor: str, what: dict[str, Any], *, session: str = "") -> Any:
        self.town.note(kind, actor, what, session=session)
        if kind not in self.at and what.get("did") not in self.at:
            return None
        self.at = set()  # the first one only
        return self._wait()

    async def _wait(self) -> None:
        let = asyncio.Event()
        self.waits.append(let)
        self.asked.set()
        await let.wait()


@pytest.fixture
def town(tmp_path: Path):
    made = Town(tmp_path)
    yield made
    made.close()


@pytest.fixture
def ada(town: Town) -> Browser:
    made = Browser(town)
    made.enrol(town.first())
    return made


def asked(browser: Browser, method: str, path: str, **said: Any) -> Coroutine[Any, Any, Response]:
    """What a browser asks, to be awaited among others."""
    headers = browser.headers()
    sight = browser.town.callers.sight(browser.address, headers, method)
    body = orjson.dumps(said) if said else b""
    request = Request(method, path.split("/"), body=body, headers=Headers(headers), sight=sight)

    async def run() -> Response:
        try:
            return await browser.town.door.handle(request, browser.address, secure=True)
        except HansaError as fault:
            return problem(fault)

    return run()


def while_noted(town: Town, kind: str, work: Coroutine[Any, Any, Response], then: Callable[[], Any]) -> Response:
    """What `work` is answered, when `then` is done while the audit takes its time with `kind`."""

    async def both() -> Response:
        slow = town.people.note = Slow(town, kind)
        task = asyncio.create_task(work)
        await asyncio.wait_for(slow.asked.wait(), 10)
        other = then()
        if asyncio.iscoroutine(other):
            other = asyncio.create_task(other)
            for _ in range(20):  # as far as it comes: it may wait for what is going on
                await asyncio.sleep(0.005)
        slow.waits[0].set()
        answer = await task
        if isinstance(other, asyncio.Task):
            await other
        town.people.note = town.note
        return answer

    return asyncio.run(both())


def lives_after_a_restart(town: Town) -> list[str]:
    town.reopen()
    return sorted(one.person for one in town.people.sessions)


@pytest.mark.parametrize("how", ["end", "end_all"])
def test_a_session_that_is_ended_while_it_begins_never_was(town: Town, ada: Browser, how: str) -> None:
    ada.good("POST", "sign-out")
    credential = ada.keys[0].sign(ada.good("POST", "sign-in"))

    async def ends() -> None:
        people = town.people
        gone = people.sessions.end_all("ada") if how == "end_all" else list(people.sessions)
        await people.end(gone)

    answer = while_noted(town, "login", asked(ada, "POST", "sign-in/passkey", credential=credential), ends)
    assert answer.status == 401
    assert not [one for one in answer.headers if one[0] == b"set-cookie"]
    assert lives_after_a_restart(town) == []


def test_a_session_that_is_ended_while_its_holder_shows_again_who_he_is_stays_ended(town: Town, ada: Browser) -> None:
    credential = ada.keys[0].sign(ada.good("POST", "again"))

    async def ends() -> None:
        await town.people.end(town.people.sessions.end_all("ada"))

    answer = while_noted(town, "login", asked(ada, "POST", "again/passkey", credential=credential), ends)
    assert answer.status == 401
    assert lives_after_a_restart(town) == []


def test_a_session_that_is_ended_while_it_is_written_is_not_there_after_a_restart(town: Town, ada: Browser) -> None:
    credential = ada.keys[0].sign(ada.good("POST", "again"))
    keep = town.people.accounts.keep_session
    loop_of: list[asyncio.AbstractEventLoop] = []

    def slowly(*given: Any) -> None:
        """It is ended in the loop between the write and the answer."""
        asyncio.run_coroutine_threadsafe(end(), loop_of[0]).result(10)
        keep(*given)

    async def end() -> None:
        town.people.sessions.end_all("ada")  # what is to be deleted of it waits behind this write

    async def both() -> Response:
        loop_of.append(asyncio.get_running_loop())
        town.people.accounts.keep_session = slowly  # type: ignore[method-assign]  # slower than it is
        return await asked(ada, "POST", "again/passkey", credential=credential)

    assert asyncio.run(both()).status == 401
    assert lives_after_a_restart(town) == []


def test_a_session_is_still_there_when_nothing_ended_it_meanwhile(town: Town, ada: Browser) -> None:
    credential = ada.keys[0].sign(ada.good("POST", "again"))
    answer = while_noted(town, "login", asked(ada, "POST", "again/passkey", credential=credential), lambda: None)
    assert answer.status == 200
    assert lives_after_a_restart(town) == ["ada"]


def test_a_passkey_that_is_added_while_its_owner_is_let_in_again_is_none(town: Town, ada: Browser) -> None:
    """A thief in his session adds a key of his own in the same moment in which recovery takes all away."""
    _, told, _ = town.machine("POST", "people", "ada", "recover")
    link = told["link"].rsplit("/", 1)[1]
    anew = Browser(town, "10.0.0.9")
    who = {"link": link, "name": "ada", "shown": "Ada"}
    made = anew.key().make(anew.good("POST", "enrol/ask", **who))
    thief = ada.key()
    stolen = thief.make(ada.good("POST", "passkeys/ask"))

    opened = asked(anew, "POST", "enrol/passkey", **who, credential=made, called="New")
    answer = while_noted(
        town, "came in", opened, lambda: asked(ada, "POST", "passkeys", credential=stolen, called="Thief")
    )
    assert answer.status == 200
    kept = town.people.accounts.passkeys("ada")
    assert [one.called for one in kept] == ["New"]
    assert Browser(town).sign_in(thief)[0] == 401


def test_a_passkey_that_is_added_while_all_he_had_is_being_deleted_is_none(town: Town, ada: Browser) -> None:
    """Its write would stand in line right behind that of recovery, before the session has ended."""
    _, told, _ = town.machine("POST", "people", "ada", "recover")
    anew = Browser(town, "10.0.0.9")
    who = {"link": told["link"].rsplit("/", 1)[1], "name": "ada", "shown": "Ada"}
    made = anew.key().make(anew.good("POST", "enrol/ask", **who))
    stolen = ada.key().make(ada.good("POST", "passkeys/ask"))
    real = town.people.accounts.open_link
    thefts: list[asyncio.Task[Response]] = []

    async def both() -> Response:
        loop = asyncio.get_running_loop()

        async def steal() -> None:
            thefts.append(asyncio.create_task(asked(ada, "POST", "passkeys", credential=stolen, called="Thief")))
            for _ in range(20):  # as far as it comes
                await asyncio.sleep(0.005)

        def slowly(*given: Any) -> None:
            asyncio.run_coroutine_threadsafe(steal(), loop).result(10)
            real(*given)

        town.people.accounts.open_link = slowly  # type: ignore[method-assign]  # slower than it is
        answer = await asked(anew, "POST", "enrol/passkey", **who, credential=made, called="New")
        assert (await thefts[0]).status == 401
        return answer

    assert asyncio.run(both()).status == 200
    assert [one.called for one in town.people.accounts.passkeys("ada")] == ["New"]


def test_a_passkey_that_is_added_while_its_session_ends_is_none(town: Town, ada: Browser) -> None:
    credential = ada.key().make(ada.good("POST", "passkeys/ask"))

    async def ends() -> None:
        await town.people.end(town.people.sessions.end_all("ada"))

    answer = while_noted(
        town, "added a passkey", asked(ada, "POST", "passkeys", credential=credential, called="Thief"), ends
    )
    assert answer.status == 401
    assert [one.called for one in town.people.accounts.passkeys("ada")] == ["Phone"]


def test_recovery_waits_for_a_passkey_that_is_being_added_and_takes_it_away(town: Town, ada: Browser) -> None:
    _, told, _ = town.machine("POST", "people", "ada", "recover")
    anew = Browser(town, "10.0.0.9")
    who = {"link": told["link"].rsplit("/", 1)[1], "name": "ada", "shown": "Ada"}
    made = anew.key().make(anew.good("POST", "enrol/ask", **who))
    stolen = ada.key().make(ada.good("POST", "passkeys/ask"))
    added = asked(ada, "POST", "passkeys", credential=stolen, called="Thief")
    while_noted(
        town, "added a passkey", added, lambda: asked(anew, "POST", "enrol/passkey", **who, credential=made, called="N")
    )
    assert [one.called for one in town.people.accounts.passkeys("ada")] == ["N"]


def test_a_password_that_is_set_while_its_session_ends_is_not_set(town: Town, ada: Browser) -> None:
    secret = ada.good("POST", "codes")["secret"]
    said = {"password": LONG, "code": ada.code(secret)}

    async def ends() -> None:
        await town.people.end(town.people.sessions.end_all("ada"))

    answer = while_noted(town, "set a password", asked(ada, "PUT", "password", **said), ends)
    assert answer.status == 401
    assert town.people.known["ada"].password == ""
    assert town.people.accounts.person("ada").password == ""


def test_a_link_that_is_taken_back_while_it_is_opened_lets_nobody_in(town: Town, ada: Browser) -> None:
    """It is used up in one transaction with what it makes."""
    told = ada.good("POST", "admin/invitations", roles=["operator"])
    bob = Browser(town)
    who = {"link": told["link"].rsplit("/", 1)[1], "name": "bob", "shown": "Bob"}
    made = bob.key().make(bob.good("POST", "enrol/ask", **who))
    sight = town.callers.sight(ada.address, ada.headers(), "DELETE")
    answer = while_noted(
        town,
        "came in",
        asked(bob, "POST", "enrol/passkey", **who, credential=made, called="Phone"),
        lambda: town.appointing.withdraw(sight, told["id"]),
    )
    assert answer.status == 404
    assert "bob" not in town.people.known
    assert town.people.accounts.person("bob") is None


def test_two_passkeys_that_come_at_once_do_not_both_pass_the_limit(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    town = Town(folder, passkeys=2)
    try:
        ada = Browser(town)
        ada.enrol(town.first())
        credentials = [ada.key().make(ada.good("POST", "passkeys/ask")) for _ in range(3)]

        async def all_of() -> list[int]:
            asking = [asked(ada, "POST", "passkeys", credential=one, called="More") for one in credentials]
            return sorted(answer.status for answer in await asyncio.gather(*asking))

        assert asyncio.run(all_of()) == [201, 400, 400]
        assert len(town.people.accounts.passkeys("ada")) == 2
    finally:
        town.close()


def test_who_signs_in_with_a_password_that_is_changed_meanwhile_does_not_come_in(town: Town, ada: Browser) -> None:
    """The hash was good, and the code; then what they were was taken away, and only then a session began."""
    secret = ada.good("POST", "codes")["secret"]
    assert ada.ask("PUT", "password", password=LONG, code=ada.code(secret))[0] == 204
    town.later(60)
    thief = Browser(town, "10.0.0.66")
    second = town.proving._second

    async def slowly(*given: Any) -> Any:
        method = await second(*given)
        town.people.turned("ada")  # as recovery does, once it has taken all away
        town.people.sessions.end_all("ada")
        return method

    town.proving._second = slowly  # type: ignore[method-assign]  # the moment after the code was used up
    status, told, _ = thief.ask("POST", "sign-in/password", name="ada", password=LONG, code=ada.code(secret))
    assert (status, told["detail"]) == (401, "what you sign in by was changed just now")
    assert len(town.people.sessions) == 0
