"""Remote @contexts: fetched through the egress wall, kept in memory, handed to the synchronous expansion.

`prefetch` brings in a context and everything that it names; then `load` is a look-up, so that `model.context` never
waits. A document that has grown old is still served while a newer one is asked for in the background: a context's host
that is down does not stop a city that knows it. One that cannot be had is remembered as such for a short time, so that
a URL that never answers costs its deadline once, not at every request.
"""

import asyncio
import itertools
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urldefrag, urljoin

import structlog

from hansa.errors import BadRequest, HansaError, NoContext, SourceFailed
from hansa.limits import DEFAULT, Limits
from hansa.model import core_context as core
from hansa.model.context import CORE, Context
from hansa.model.terms import DOCUMENTS
from hansa.model.wire import json_in
from hansa.network.http import Answer, Egress

FRESH_S: Final = 3_600.0  # how long a document is good for when its host does not say
FRESH_MIN_S: Final = 60.0
FRESH_MAX_S: Final = 86_400.0
FAILED_S: Final = 30.0  # how long one that cannot be had is not asked for again
BYTES: Final = 32_000_000  # of all documents together, as they came; in memory they are several times that
FETCHES: Final = 16  # under way at once
WAITING: Final = 256  # that wait for their turn; more are refused

_ACCEPT: Final = "application/ld+json, application/json;q=0.9"
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age=(\d{1,9})")

log = structlog.get_logger("hansa.contexts")


@dataclass(slots=True)
class Kept:
    """A remote document as it is kept: only its @context, what its host said of its age, and its size."""

    document: dict[str, Any]
    size: int
    until: float
    version: int  # another one when the words are others
    etag: str | None = None
    modified: str | None = None


class Contexts:
    """The remote @contexts of a process. All methods belong to the event loop; `load` may be called from anywhere.

    `now` is seconds, monotonic. `remember(url, document)`, if given, hears of every document that came, so that it can
    outlive the process; `restore` takes it up again.
    """

    def __init__(
        self,
        egress: Egress,
        limits: Limits = DEFAULT,
        *,
        now: Callable[[], float] = time.monotonic,
        remember: Callable[[str, dict[str, Any]], None] | None = None,
    ) -> None:
        """Know nothing yet."""
        self._egress = egress
        self._limits = limits
        self._now = now
        self._remember = remember
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._failed: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._fetching: dict[str, asyncio.Task[Kept]] = {}
        self._compiled: OrderedDict[str, tuple[Context, tuple[tuple[str, int], ...]]] = OrderedDict()
        self._turn = asyncio.Semaphore(FETCHES)
        self._versions = itertools.count(1)
        self._bytes = 0

    def __len__(self) -> int:
        """How many documents are kept."""
        return len(self._kept)

    def load(self, url: str) -> dict[str, Any]:
        """The document at `url` from memory: the `Load` of `model.context`. NoContext when it was not prefetched."""
        kept = self._kept.get(_bare(url))
        if kept is None:
            raise NoContext(f"the @context {url[:256]} is not here", where=url[:256], mend="ask again")
        return kept.document

    async def context(self, value: Any) -> Context:
        """The Context of an @context value, whatever it names fetched. Raises NoContext, BadRequest."""
        if value is None or (isinstance(value, str) and core.is_core(value)):
            return CORE
        used = await self.prefetch(value)
        if not isinstance(value, str):
            return Context.of(value, self.load, self._limits)
        # A context named by its URL is compiled once; again only when one of its documents has changed.
        versions = tuple((url, self._kept[url].version) for url in sorted(used) if url in self._kept)
        found = self._compiled.get(value)
        if found is None or found[1] != versions:
            found = Context.of(value, self.load, self._limits), versions
            self._compiled[value] = found
            if len(self._compiled) > self._limits.contexts:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(value)
        return found[0]

    async def prefetch(self, *values: Any) -> set[str]:
        """Bring in every document that these @context values name, however indirectly; their URLs.

        Raises NoContext when one cannot be had, BadRequest when they are too many or too deep.
        """
        wait_s = 2 * self._limits.egress_s  # for all of it; what comes later is there for the next who asks
        try:
            async with asyncio.timeout(wait_s):
                return await self._levels(values)
        except TimeoutError:
            raise NoContext(f"the @context could not be had within {wait_s:g} s", where="@context") from None

    async def _levels(self, values: tuple[Any, ...]) -> set[str]:
        done: set[str] = set()
        level = {url for value in values for url in _named(value, None, self._limits.context_depth)}
        for _ in range(self._limits.context_depth + 1):
            level -= done
            if not level:
                return done
            done |= level
            if len(done) > DOCUMENTS:
                raise BadRequest(f"the @context names more than {DOCUMENTS} other contexts", where="@context")
            urls = sorted(level)
            found = await asyncio.gather(*map(self._known, urls))
            level = {
                inner
                for url, document in zip(urls, found, strict=True)
                for inner in _named(document["@context"], url, self._limits.context_depth)
            }
        raise BadRequest(f"@context nests more than {self._limits.context_depth} deep", where="@context")

    def restore(self, url: str, document: dict[str, Any], size: int) -> None:
        """Take up a document of an earlier life: good until it is asked for, and then asked for anew behind that."""
        self._keep(_bare(url), Kept(document, size, self._now(), next(self._versions)))

    async def aclose(self) -> None:
        """Stop fetching."""
        tasks = list(self._fetching.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _known(self, url: str) -> dict[str, Any]:
        kept = self._kept.get(url)
        if kept is not None:
            self._kept.move_to_end(url)
            if kept.until <= self._now() and not self._gone(url):
                self._fetch(url, kept)  # nobody waits for it
            return kept.document
        if (why := self._gone(url)) is not None:
            raise NoContext(why, where=url)
        # Shielded: whoever else waits for it must not suffer because this caller went away.
        return (await asyncio.shield(self._fetch(url, None))).document

    def _gone(self, url: str) -> str | None:
        """Why this document could not be had a short while ago."""
        failed = self._failed.get(url)
        if failed is None:
            return None
        if failed[0] <= self._now():
            del self._failed[url]
            return None
        return failed[1]

    def _fetch(self, url: str, kept: Kept | None) -> asyncio.Task[Kept]:
        """The one task that asks for this document."""
        task = self._fetching.get(url)
        if task is None:
            if len(self._fetching) >= WAITING:
                raise NoContext("too many contexts are being fetched", where=url, mend="try again in a few seconds")
            task = asyncio.get_running_loop().create_task(self._ask(url, kept), name=f"context {url[:80]}")
            self._fetching[url] = task
            task.add_done_callback(lambda done: self._fetched(url, done))
        return task

    def _fetched(self, url: str, task: asyncio.Task[Kept]) -> None:
        self._fetching.pop(url, None)
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.info("a context cannot be had", url=url, why=str(fault))

    async def _ask(self, url: str, kept: Kept | None) -> Kept:
        headers = {"Accept": _ACCEPT}
        if kept is not None and kept.etag is not None:
            headers["If-None-Match"] = kept.etag
        elif kept is not None and kept.modified is not None:
            headers["If-Modified-Since"] = kept.modified
        try:
            async with self._turn:
                answer = await self._egress.ask(url, headers=headers)
            return self._taken(url, answer, kept)
        except NoContext as fault:
            raise self._missed(url, fault.detail) from None
        except (SourceFailed, BadRequest) as fault:
            raise self._missed(url, f"the @context {url[:256]} cannot be had: {fault.detail}") from fault

    def _missed(self, url: str, why: str) -> NoContext:
        self._failed[url] = (self._now() + FAILED_S, why)
        self._failed.move_to_end(url)
        if len(self._failed) > self._limits.contexts:
            self._failed.popitem(last=False)
        return NoContext(why, where=url)

    def _taken(self, url: str, answer: Answer, kept: Kept | None) -> Kept:
        until = self._now() + _fresh_s(answer.headers.get("cache-control", ""))
        if answer.status == 304 and kept is not None:
            kept.until = until
            return kept
        if not answer.ok:
            raise NoContext(f"the @context {url[:256]} cannot be had: its host answers {answer.status}", where=url)
        try:
            document = json_in(answer.body, self._limits)
        except HansaError as fault:
            raise NoContext(f"what is at {url[:256]} is no @context: {fault.detail}", where=url) from None
        if not isinstance(document, dict) or "@context" not in document:
            raise NoContext(f"the document at {url[:256]} holds no @context", where=url)
        document = {"@context": document["@context"]}
        same = kept is not None and kept.document == document
        version = kept.version if same and kept is not None else next(self._versions)
        headers = answer.headers
        new = Kept(document, len(answer.body), until, version, headers.get("etag"), headers.get("last-modified"))
        self._failed.pop(url, None)
        self._keep(url, new)
        if self._remember is not None and not same:
            self._remember(url, document)
        return new

    def _keep(self, url: str, kept: Kept) -> None:
        old = self._kept.pop(url, None)
        self._bytes += kept.size - (0 if old is None else old.size)
        self._kept[url] = kept
        while len(self._kept) > self._limits.contexts or (self._bytes > BYTES and len(self._kept) > 1):
            _, least = self._kept.popitem(last=False)
            self._bytes -= least.size


def _fresh_s(cache_control: str) -> float:
    said = _MAX_AGE.search(cache_control.lower())
    return FRESH_S if said is None else min(max(float(said[1]), FRESH_MIN_S), FRESH_MAX_S)


def _bare(url: str) -> str:
    return urldefrag(url).url


def _named(value: Any, base: str | None, depth: int) -> set[str]:
    """The URLs of other documents that an @context value names, also in scoped contexts and @import."""
    found: set[str] = set()
    waiting: list[tuple[Any, int]] = [(value, 0)]
    while waiting:
        one, deep = waiting.pop()
        if isinstance(one, str):
            try:
                url = _bare(urljoin(base, one) if base else one)
            except ValueError:
                raise BadRequest(f"@context {one[:128]!r} is not a URL", where="@context") from None
            if not core.is_core(url):
                found.add(url)
        elif deep > depth:
            raise BadRequest(f"@context nests more than {depth} deep", where="@context")
        elif isinstance(one, list):
            waiting.extend((inner, deep + 1) for inner in one)
        elif isinstance(one, dict):
            if "@context" in one:
                waiting.append((one["@context"], deep + 1))
            if isinstance(one.get("@import"), str):
                waiting.append((one["@import"], deep + 1))
            waiting.extend(
                (term["@context"], deep + 1)
                for name, term in one.items()
                if name != "@context" and isinstance(term, dict) and "@context" in term
            )
    return found
