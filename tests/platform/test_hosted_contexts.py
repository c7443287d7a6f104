"""@contexts that the city keeps for others outlive it, are found by their URLs, and are capped (5.13.1 to 5.13.5)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hansa.clock import Clock
from hansa.errors import BadRequest, NoContext, NotFound, TooLarge, TooManyResults
from hansa.limits import Limits
from hansa.model.terms import LOCAL
from hansa.network.contexts import Contexts
from hansa.network.http import Egress
from hansa.platform.city import City
from hansa.platform.deadletters import TENANT
from hansa.platform.hosted import TYPE, HostedContexts
from hansa.platform.sqlite import SqliteStore
from hansa.trust.labels import ADMINISTRATOR

SPEED = {"speed": "https://one.example/speed"}
LIMITS = replace(Limits(), contexts_hosted=3, context_bytes=500, context_depth=3)
Test = Callable[[City, Contexts, HostedContexts], Awaitable[None]]


def life(path: Path, test: Test) -> None:
    async def work() -> None:
        with City(SqliteStore(path), Clock(), ADMINISTRATOR, LIMITS).closing() as city:
            async with Egress([], LIMITS) as egress:
                contexts = Contexts(egress, LIMITS)
                await test(city, contexts, HostedContexts(city, contexts))
                await contexts.aclose()

    asyncio.run(asyncio.wait_for(work(), 20))


def url(ident: str, host: str = "city.example") -> str:
    return f"http://{host}/ngsi-ld/v1/jsonldContexts/{ident}"


def test_a_hosted_context_is_used_without_asking_anybody_and_after_a_restart(tmp_path: Path) -> None:
    ids = []

    async def first(city: City, contexts: Contexts, hosted: HostedContexts) -> None:
        ids.append(await hosted.add(SPEED, "", sight=ADMINISTRATOR))
        ids.append(await hosted.add([url(ids[0]), {"mass": "https://one.example/mass"}], "", sight=ADMINISTRATOR))
        await used(city, contexts, hosted)

    async def used(city: City, contexts: Contexts, hosted: HostedContexts) -> None:
        # Whatever the city is called today: the ids are its own.
        for value in (url(ids[0]), url(ids[0], "127.0.0.1:9"), url(ids[0].replace(":", "%3A")) + "#x", ids[0]):
            assert (await contexts.context(value)).expand("speed") == "https://one.example/speed"
        inner = await contexts.context(url(ids[1]))
        assert (inner.expand("speed"), inner.expand("mass")) == (
            "https://one.example/speed",
            "https://one.example/mass",
        )
        assert [one.ident for one in hosted.list("")] == ids
        assert hosted.served(ids[0], "") == {"@context": SPEED}
        assert contexts.cached() == []

    life(tmp_path / "a.db", first)
    life(tmp_path / "a.db", used)


def test_one_that_is_deleted_is_gone_for_good(tmp_path: Path) -> None:
    async def first(city: City, contexts: Contexts, hosted: HostedContexts) -> None:
        ident = await hosted.add(SPEED, "", sight=ADMINISTRATOR)
        await contexts.context(url(ident))
        await hosted.delete(ident, "", sight=ADMINISTRATOR)
        with pytest.raises(NotFound):
            hosted.served(ident, "")
        with pytest.raises(NotFound):
            await hosted.delete(ident, "", sight=ADMINISTRATOR)
        with pytest.raises(NoContext):  # its URL is a stranger's now, and the wall lets nobody through
            await contexts.context(url(ident, "127.0.0.1:9"))
        assert city.find(TYPE, tenant=TENANT) == []

    async def second(city: City, contexts: Contexts, hosted: HostedContexts) -> None:
        assert hosted.list("") == []

    life(tmp_path / "a.db", first)
    life(tmp_path / "a.db", second)


def test_one_that_is_being_deleted_is_not_here_any_more(tmp_path: Path) -> None:
    async def test(city: City, contexts: Contexts, hosted: HostedContexts) -> None:
        ident = await hosted.add(SPEED, "", sight=ADMINISTRATOR)
        city.delete(ident, tenant=TENANT)
        assert hosted.document(ident) is None
        with pytest.raises(NoContext):
            await contexts.context(url(ident))
        with pytest.raises(NotFound):
            hosted.served(ident, "")

    life(tmp_path / "a.db", test)


def test_a_tenant_sees_its_own_and_a_receiver_of_notifications_what_was_made_for_it(tmp_path: Path) -> None:
    async def test(city: City, contexts: Contexts, hosted: HostedContexts) -> None:
        own = await hosted.add(SPEED, "parks", sight=ADMINISTRATOR)
        made = await hosted.implicit([SPEED], "parks", sight=ADMINISTRATOR)
        assert [one.ident for one in hosted.list("parks")] == [own, made]
        assert hosted.list("") == hosted.list("roads") == []
        for tenant, ident in (("", own), ("roads", own), ("roads", made)):
            with pytest.raises(NotFound):
                hosted.served(ident, tenant)
            with pytest.raises(NotFound):
                await hosted.delete(ident, tenant, sight=ADMINISTRATOR)
        assert hosted.served(made, "") == {"@context": [SPEED]}
        assert hosted.served(own, "parks") == {"@context": SPEED}

    life(tmp_path / "a.db", test)


def test_the_same_implicit_context_is_kept_once_and_a_hosted_one_as_often_as_it_is_added(tmp_path: Path) -> None:
    async def test(city: City, contexts: Contexts, hosted: HostedContexts) -> None:
        made = await asyncio.gather(*(hosted.implicit([SPEED], "", sight=ADMINISTRATOR) for _ in range(5)))
        assert len(set(made)) == 1
        assert made[0] != await hosted.implicit([SPEED], "parks", sight=ADMINISTRATOR)
        assert all(one.startswith(LOCAL) for one in made)
        await hosted.delete(made[0], "", sight=ADMINISTRATOR)
        assert await hosted.add(SPEED, "", sight=ADMINISTRATOR) != await hosted.add(SPEED, "", sight=ADMINISTRATOR)

    life(tmp_path / "a.db", test)


def test_so_many_and_so_long_ones_are_kept_and_no_more(tmp_path: Path) -> None:
    async def test(city: City, contexts: Contexts, hosted: HostedContexts) -> None:
        with pytest.raises(TooLarge, match="500"):
            await hosted.add({"speed": "https://one.example/" + "x" * 500}, "", sight=ADMINISTRATOR)
        for _ in range(3):
            await hosted.add(SPEED, "", sight=ADMINISTRATOR)
        with pytest.raises(TooManyResults, match="3 @contexts"):
            await hosted.add(SPEED, "", sight=ADMINISTRATOR)
        with pytest.raises(TooManyResults):
            await hosted.implicit([SPEED], "", sight=ADMINISTRATOR)
        await hosted.delete(hosted.list("")[0].ident, "", sight=ADMINISTRATOR)
        await hosted.add(SPEED, "", sight=ADMINISTRATOR)

    life(tmp_path / "a.db", test)


@pytest.mark.parametrize(
    "value",
    [42, True, 1.5, ["https://e.example/c", 7], "relative", ["../up"], {"a": 5}, [[[[[{}]]]]], {"a": 2**70}],
)
def test_what_is_no_context_is_not_kept(value: Any, tmp_path: Path) -> None:
    async def test(city: City, contexts: Contexts, hosted: HostedContexts) -> None:
        with pytest.raises(BadRequest):
            await hosted.add(value, "", sight=ADMINISTRATOR)
        assert hosted.list("") == []

    life(tmp_path / "a.db", test)


def test_one_that_names_others_is_kept_without_asking_for_them(tmp_path: Path) -> None:
    async def test(city: City, contexts: Contexts, hosted: HostedContexts) -> None:
        ident = await hosted.add(["http://127.0.0.1:9/c", {"a": "far:a"}], "", sight=ADMINISTRATOR)
        assert hosted.served(ident, "")["@context"][0] == "http://127.0.0.1:9/c"
        with pytest.raises(NoContext):
            await contexts.context(ident)

    life(tmp_path / "a.db", test)


def test_one_that_cannot_be_read_back_does_not_keep_the_others_away(tmp_path: Path) -> None:
    async def first(city: City, contexts: Contexts, hosted: HostedContexts) -> None:
        ident = await hosted.add(SPEED, "", sight=ADMINISTRATOR)
        city.put(broken(city, ident), tenant=TENANT)
        await hosted.add(SPEED, "", sight=ADMINISTRATOR)

    async def second(city: City, contexts: Contexts, hosted: HostedContexts) -> None:
        assert len(hosted.list("")) == 1

    life(tmp_path / "a.db", first)
    life(tmp_path / "a.db", second)


def broken(city: City, ident: str) -> Any:
    one = city.get(ident, tenant=TENANT)
    one.doc["about"]["json"] = {"kind": "Hosted"}
    return one
