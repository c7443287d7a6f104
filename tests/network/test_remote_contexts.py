"""Remote @contexts: fetched once, kept, served stale, and not waited for twice when they never come."""

import asyncio
import contextlib
import json

import pytest

from hansa.errors import BadRequest, NoContext, NotFound
from hansa.limits import Limits
from hansa.model.context import CORE
from hansa.network.contexts import Contexts
from hansa.network.http import Egress
from hansa.network.remote import FRESH_MAX_S, FRESH_MIN_S, fresh_s
from local_http import response, serving

LOOPBACK = ["127.0.0.0/8"]
LIMITS = Limits(egress_s=1.0, egress_body=20_000, contexts=3, context_depth=4)


def run(work):
    return asyncio.run(asyncio.wait_for(work, 20))


class Web:
    """Paths and what they answer: a document, bytes of a whole response, or an Event (never)."""

    def __init__(self):
        self.says = {}
        self.seen = []
        self.now_s = 1_000.0
        self.port = 0
        self.remembered = {}

    async def __call__(self, head, writer):
        path = head.split(" ")[1]
        self.seen.append(path)
        said = self.says.get(path, response(404))
        if isinstance(said, asyncio.Event):
            await said.wait()
            return
        if callable(said):
            said = said(head)
        if not isinstance(said, bytes):
            said = response(200, json.dumps(said).encode(), Content_Type="application/ld+json")
        writer.write(said)

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"


def with_web(test, allow=LOOPBACK):
    async def work():
        web = Web()
        async with serving(web) as web.port, Egress(allow, LIMITS) as egress:
            contexts = Contexts(
                egress, LIMITS, now=lambda: web.now_s, remember=lambda url, doc: web.remembered.update({url: doc})
            )
            try:
                await test(web, contexts)
            finally:
                await contexts.aclose()

    run(work())


def test_a_context_and_all_that_it_names_is_fetched_once():
    async def test(web, contexts):
        web.says["/a"] = {"@context": ["b", {"temp": "https://one.example/temp"}]}
        web.says["/b"] = {"@context": {"hum": "https://one.example/hum"}}
        context = await contexts.context(web.url("/a"))
        assert context.expand("temp") == "https://one.example/temp"
        assert context.expand("hum") == "https://one.example/hum"
        assert context.compact("https://one.example/hum") == "hum"
        assert await contexts.context(web.url("/a")) is context
        assert (await contexts.context([web.url("/b"), {"x": "https://x.example/x"}])).expand("hum").endswith("/hum")
        assert web.seen == ["/a", "/b"]
        assert set(web.remembered) == {web.url("/a"), web.url("/b")}
        assert contexts.load(web.url("/b#part")) == {"@context": {"hum": "https://one.example/hum"}}

    with_web(test)


def test_the_core_context_is_never_fetched():
    async def test(web, contexts):
        assert await contexts.context(None) is CORE
        assert await contexts.context("https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld") is CORE
        assert await contexts.prefetch(["https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.6.jsonld"]) == set()
        assert web.seen == []

    with_web(test)


def test_imported_contexts_are_brought_in_too_by_whatever_reference():
    async def test(web, contexts):
        for path, reference in (("/a", web.url("/i")), ("/b", "i"), ("/c", "/i#part")):
            web.says[path] = {"@context": {"@version": 1.1, "@import": reference}}
        web.says["/i"] = {"@context": {"imported": "https://t.example/imported"}}
        for path in ("/a", "/b", "/c"):
            assert await contexts.prefetch(web.url(path)) == {web.url(path), web.url("/i")}
            assert (await contexts.context(web.url(path))).expand("imported") == "https://t.example/imported"
        web.says["/i2"] = {"@context": {"T": {"@id": "https://t.example/T", "@context": {}}}}
        with pytest.raises(BadRequest, match="scopes"):
            await contexts.context({"@version": 1.1, "@import": web.url("/i2")})

    with_web(test)


def test_many_who_ask_at_once_ask_once():
    async def test(web, contexts):
        web.says["/a"] = {"@context": {}}
        await asyncio.gather(*(contexts.context(web.url("/a")) for _ in range(100)))
        assert web.seen == ["/a"]

    with_web(test)


def test_one_who_goes_away_does_not_take_the_answer_from_the_others():
    async def test(web, contexts):
        web.says["/a"] = {"@context": {}}
        first = asyncio.create_task(contexts.prefetch(web.url("/a")))
        second = asyncio.create_task(contexts.prefetch(web.url("/a")))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == {web.url("/a")}

    with_web(test)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        *((response(404), NoContext), (response(500), NoContext), (response(200, b"x" * 30_000), NoContext)),
        *((response(302, Location="http://10.0.0.1/"), NoContext), (b"", NoContext)),
        *((response(200, b"no json"), BadRequest), (response(200, b"[]"), BadRequest)),
        *((response(200, b"{}"), BadRequest), (response(200, b"[" * 10_000), BadRequest)),
    ],
)
def test_one_that_does_not_come_is_not_available_and_what_is_none_is_a_bad_request(said, fault):
    """And is asked for again only later (5.5.6)."""

    async def test(web, contexts):
        web.says["/a"] = said
        for _ in range(3):
            with pytest.raises(fault) as caught:
                await contexts.context(web.url("/a"))
            assert web.url("/a") in caught.value.where
        assert len(web.seen) == 1
        web.says["/a"] = {"@context": {}}
        web.now_s += LIMITS.context_failed_s + 1
        await contexts.context(web.url("/a"))

    with_web(test)


def test_a_context_that_never_answers_costs_its_deadline_once():
    async def test(web, contexts):
        web.says["/a"] = asyncio.Event()
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(NoContext):
            await contexts.context(web.url("/a"))
        assert loop.time() - began < 5
        began = loop.time()
        with pytest.raises(NoContext):
            await contexts.context(web.url("/a"))
        assert loop.time() - began < 0.1

    with_web(test)


def test_a_context_on_an_inner_machine_is_refused_by_the_wall():
    async def test(web, contexts):
        web.says["/a"] = {"@context": {}}
        with pytest.raises(NoContext, match="loopback"):
            await contexts.context(web.url("/a"))
        assert web.seen == []

    with_web(test, allow=[])


@pytest.mark.parametrize("value", ["ftp://h/x", "http://", "nonsense", "http://[", "file:///etc/passwd"])
def test_what_is_no_url_is_refused_without_asking(value):
    async def test(web, contexts):
        with pytest.raises((BadRequest, NoContext)):
            await contexts.context([value])
        assert web.seen == []

    with_web(test)


def test_an_old_context_is_served_while_a_new_one_is_asked_for():
    async def test(web, contexts):
        url = web.url("/a")
        web.says["/a"] = {"@context": {"t": "https://one.example/t"}}
        old = await contexts.context(url)
        fetched = asyncio.Event()

        def newer(head):
            fetched.set()
            return {"@context": {"t": "https://two.example/t"}}

        web.says["/a"] = newer
        web.now_s += LIMITS.context_fresh_s + 1
        assert await contexts.context(url) is old, "nobody waits"
        await asyncio.wait_for(fetched.wait(), 5)
        await contexts._remote.settled()
        assert (await contexts.context(url)).expand("t") == "https://two.example/t"

    with_web(test)


def test_a_host_that_is_down_does_not_take_a_known_context_away():
    async def test(web, contexts):
        url = web.url("/a")
        web.says["/a"] = {"@context": {"t": "https://one.example/t"}}
        await contexts.context(url)
        web.says["/a"] = response(503)
        web.now_s += LIMITS.context_fresh_s + 1
        for _ in range(3):
            assert (await contexts.context(url)).expand("t") == "https://one.example/t"
            await contexts._remote.settled()
        assert len(web.seen) == 2, "and is asked again only after a while"

    with_web(test)


def test_a_context_that_has_not_changed_is_not_sent_again_nor_compiled_again():
    async def test(web, contexts):
        url = web.url("/a")
        body = json.dumps({"@context": {"t": "https://one.example/t"}}).encode()
        asked = []

        def answer(head):
            asked.append('if-none-match: "v1"' in head.lower())
            return response(304) if asked[-1] else response(200, body, ETag='"v1"', Cache_Control="max-age=100")

        web.says["/a"] = answer
        first = await contexts.context(url)
        web.now_s += 101
        await contexts.context(url)
        await contexts._remote.settled()
        assert await contexts.context(url) is first
        assert asked == [False, True]
        assert list(web.remembered) == [url]

    with_web(test)


def test_the_cache_is_bounded_and_forgets_what_was_used_longest_ago():
    async def test(web, contexts):
        for n in range(5):
            web.says[f"/{n}"] = {"@context": {}}
            await contexts.prefetch(web.url(f"/{n}"))
        assert len(contexts) == 3
        with pytest.raises(NoContext):
            contexts.load(web.url("/0"))
        contexts.load(web.url("/4"))

    with_web(test)


def test_contexts_without_end_are_refused():
    async def test(web, contexts):
        for n in range(10):
            web.says[f"/{n}"] = {"@context": f"/{n + 1}"}
        with pytest.raises(BadRequest, match="deep"):
            await contexts.context(web.url("/0"))
        web.says["/wide"] = {"@context": [f"/w{n}" for n in range(100)]}
        with pytest.raises(BadRequest, match="more than"):
            await contexts.context(web.url("/wide"))
        nested = {"a": 1}
        for _ in range(10):
            nested = {"@context": nested}
        with pytest.raises(BadRequest):
            await contexts.context([nested])

    with_web(test)


def test_contexts_that_name_each_other_end():
    async def test(web, contexts):
        web.says["/a"] = {"@context": ["/b"]}
        web.says["/b"] = {"@context": ["/a"]}
        assert await contexts.prefetch(web.url("/a")) == {web.url("/a"), web.url("/b")}

    with_web(test)


def test_a_context_of_an_earlier_life_is_used_at_once():
    async def test(web, contexts):
        url = web.url("/a")
        contexts.restore(url, {"@context": {"t": "https://one.example/t"}}, 50)
        assert (await contexts.context(url)).expand("t") == "https://one.example/t"

    with_web(test)


@pytest.mark.parametrize(
    ("headers", "good_for_s"),
    [
        ({}, 1_000.0),
        ({"cache-control": "public, max-age=600"}, 600.0),
        ({"cache-control": "MAX-AGE=600, s-maxage=700"}, 700.0),
        ({"cache-control": "max-age=1"}, FRESH_MIN_S),
        ({"cache-control": "max-age=999999999"}, FRESH_MAX_S),
        ({"cache-control": "no-store"}, FRESH_MIN_S),
        ({"cache-control": "xmax-age=600"}, 1_000.0),
        ({"date": "Sun, 22 Nov 2026 12:00:00 GMT", "expires": "Sun, 22 Nov 2026 12:20:00 GMT"}, 1_200.0),
        ({"date": "Sun, 22 Nov 2026 12:00:00 GMT", "expires": "Sun, 22 Nov 2020 12:20:00 GMT"}, FRESH_MIN_S),
        ({"expires": "Sun, 22 Nov 2020 12:20:00 GMT"}, FRESH_MIN_S),
        ({"expires": "0"}, FRESH_MIN_S),
        ({"cache-control": "max-age=600", "expires": "0"}, 600.0),
    ],
)
def test_a_host_says_how_long_its_context_is_good_for_within_reason(headers, good_for_s):
    """Clause 6.3.16."""
    assert fresh_s(headers, 1_000.0) == good_for_s


def test_one_that_is_forgotten_is_fetched_again_and_one_that_is_reloaded_at_once():
    async def test(web, contexts):
        url = web.url("/a")
        web.says["/a"] = {"@context": {"t": "https://one.example/t"}}
        await contexts.context(url)
        contexts.forget(url)
        assert (web.remembered[url], contexts.find(url)) == (None, None)
        await contexts.context(url)
        assert len(web.seen) == 2
        web.says["/a"] = {"@context": {"t": "https://two.example/t"}}
        await contexts.reload(url + "#t")
        assert len(web.seen) == 3
        assert (await contexts.context(url)).expand("t") == "https://two.example/t"
        assert contexts.find(url).usage.hits == 0, "only those who ask count"
        await contexts.asked(url)
        await contexts.asked([url])
        assert contexts.find(url).usage.hits == 2
        web.says["/a"] = asyncio.Event()  # never
        with pytest.raises(NoContext):
            await contexts.reload(url)
        assert (await contexts.context(url)).expand("t") == "https://two.example/t"
        with pytest.raises(NotFound):
            await contexts.reload(web.url("/unknown"))

    with_web(test)


def test_what_is_compiled_once_is_compiled_again_only_when_its_documents_have_changed():
    async def test(web, contexts):
        web.says["/a"] = {"@context": {"t": "https://one.example/t"}}
        web.says["/b"] = {"@context": {}}
        inline = {"a": "https://one.example/a"}
        values = (web.url("/a"), [web.url("/a"), inline], inline)
        compiled = [await contexts.context(value) for value in values]
        await contexts.prefetch(web.url("/b"))  # its coming changes nothing for others
        assert [await contexts.context(value) for value in values] == compiled
        web.says["/a"] = {"@context": {"t": "https://two.example/t"}}
        await contexts.reload(web.url("/a"))
        again = [await contexts.context(value) for value in values]
        assert [one.expand("t") for one in again] == ["https://two.example/t", "https://two.example/t", "t"]
        assert again[2] is compiled[2]
        for odd in ({"a": "https://one.example/" + "x" * 2_000}, {"a": 2**70}):  # too long to be told by, and no JSON
            with contextlib.suppress(BadRequest):
                await contexts.context(odd)

    with_web(test)
