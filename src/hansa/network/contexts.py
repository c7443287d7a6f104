"""The @contexts that a city uses: fetched through the egress wall, kept in memory, handed to the synchronous expansion.

`prefetch` brings in a context and everything that it names; then `load` is a look-up, so that `model.context` never
waits. A document that has grown old is still served while a newer one is asked for in the background: a context's host
that is down does not stop a city that knows it (CIM 009, clauses 5.13.1 and 6.3.16). What the city hosts itself is
found here too, under whatever URL leads to it, and never asked for.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import urldefrag, urljoin

import orjson

from hansa.errors import BadRequest, HansaError, NoContext, NotFound
from hansa.limits import DEFAULT, Limits
from hansa.model import core_context as core
from hansa.model.context import CORE, Context
from hansa.network.http import Egress
from hansa.network.remote import Kept, Remote, Usage

INLINE: Final = 2_048  # bytes of an @context without a URL that is compiled once; beyond it, it is read each time


class Own(Protocol):
    """The @contexts that the city hosts (see `platform.hosted`)."""

    def local(self, url: str) -> str | None:
        """The local id of the one that a URL leads to; None when it is none of them."""

    def document(self, ident: str) -> tuple[dict[str, Any], Usage] | None:
        """The document with this local id, and its usage."""


@dataclass(slots=True)
class _Compiled:
    """An @context value, compiled; good while the cache is as it was at `epoch`, until `until`."""

    context: Context
    kept: tuple[Kept, ...] = ()
    epoch: int = 0
    until: float = field(default=float("inf"))


class Contexts:
    """The @contexts of a realm. All methods belong to the event loop; `load` may be called from anywhere.

    `now` is seconds, monotonic; `at` is the city's clock, in microseconds. `remember(url, document)`, if given, hears
    of every document that came, and of None when one is to be forgotten; `restore` takes up what outlived the process.
    """

    def __init__(
        self,
        egress: Egress,
        limits: Limits = DEFAULT,
        *,
        now: Callable[[], float] = time.monotonic,
        at: Callable[[], int] = lambda: time.time_ns() // 1_000,
        remember: Callable[[str, dict[str, Any] | None], None] | None = None,
    ) -> None:
        """Know nothing yet."""
        self._limits = limits
        self._now = now
        self._at = at
        self._remember = remember
        self._remote = Remote(egress, limits, now, at, self._came)
        self._own: Own | None = None
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._compiled: OrderedDict[str | bytes, _Compiled] = OrderedDict()
        self._epoch = 0
        self._bytes = 0
        self.began = at()

    def __len__(self) -> int:
        """How many documents are kept."""
        return len(self._kept)

    def host(self, own: Own) -> None:
        """Find the city's own contexts there."""
        for kept in [kept for kept in self._kept.values() if kept.own]:
            self.forget(kept.key)
        self._own = own

    # Using them

    async def context(self, value: Any) -> Context:
        """The Context of an @context value, whatever it names fetched. Raises NoContext, BadRequest."""
        return (await self._of(value)).context

    async def asked(self, value: Any) -> Context:
        """The same, and each document of it was found once more (the numberOfHits of 5.13.3.5)."""
        found = await self._of(value)
        at = self._at()
        for kept in found.kept:
            kept.usage.found(at)
        return found.context

    async def _of(self, value: Any) -> _Compiled:
        if value is None or (isinstance(value, str) and core.is_core(value)):
            return _CORE
        key = _key_of(value)
        found = None if key is None else self._compiled.get(key)
        if found is not None and key is not None and found.epoch == self._epoch and found.until > self._now():
            self._compiled.move_to_end(key)
            for kept in found.kept:  # what is in use must not be what goes first
                self._kept.move_to_end(kept.key)
            return found
        used = await self.prefetch(value)
        kept_now = tuple(self._kept[url] for url in sorted(used) if url in self._kept)
        if found is None or [(k.key, k.version) for k in found.kept] != [(k.key, k.version) for k in kept_now]:
            found = _Compiled(Context.of(value, self.load, self._limits))
        found.kept, found.epoch = kept_now, self._epoch
        found.until = min((kept.until for kept in kept_now), default=float("inf"))
        if key is not None:
            self._compiled[key] = found
            self._compiled.move_to_end(key)
            if len(self._compiled) > self._limits.contexts:
                self._compiled.popitem(last=False)
        return found

    def load(self, url: str) -> dict[str, Any]:
        """The document at `url` from memory: the `Load` of `model.context`. NoContext when it was not prefetched."""
        kept = self._kept.get(self._key(url))
        if kept is None:
            raise NoContext(f"the @context {url[:256]} is not here", where=url[:256], mend="ask again")
        return kept.document

    async def prefetch(self, *values: Any) -> set[str]:
        """Bring in every document that these @context values name, however indirectly; the keys of all of them.

        Raises NoContext when one cannot be had, BadRequest when one is no @context, or they are too many or too deep.
        """
        wait_s = 2 * self._limits.egress_s  # for all of it; what comes later is there for the next who asks
        try:
            async with asyncio.timeout(wait_s):
                return await self._levels(values)
        except TimeoutError:
            raise NoContext(f"the @context could not be had within {wait_s:g} s", where="@context") from None

    async def _levels(self, values: tuple[Any, ...]) -> set[str]:
        most, depth = self._limits.context_documents, self._limits.context_depth
        done: set[str] = set()
        level = {self._key(url) for value in values for url in _named(value, None, depth)}
        for _ in range(depth + 1):
            level -= done
            if not level:
                return done
            done |= level
            if len(done) > most:
                raise BadRequest(f"the @context names more than {most} other contexts", where="@context")
            urls = sorted(level)
            found = await asyncio.gather(*map(self._known, urls))
            level = {
                self._key(inner)
                for url, document in zip(urls, found, strict=True)
                for inner in _named(document["@context"], url, depth)
            }
        raise BadRequest(f"@context nests more than {depth} deep", where="@context")

    # Looking after what is kept (5.13.3 to 5.13.5)

    def cached(self) -> list[Kept]:
        """The remote documents that are kept."""
        return [kept for kept in self._kept.values() if not kept.own]

    def find(self, url: str) -> Kept | None:
        """The remote document that was fetched from a URL, if it is kept."""
        kept = self._kept.get(_bare(url))
        return None if kept is None or kept.own else kept

    def expires(self, kept: Kept) -> int:
        """When a document is too old to be used without asking, by the city's clock."""
        return self._at() + round((kept.until - self._now()) * 1e6)

    async def reload(self, url: str) -> None:
        """Fetch a kept document anew, and put it in its place. NotFound; NoContext, and then the old one stays."""
        old = self.find(url)
        if old is None:
            raise NotFound(f"the @context {url[:256]} is not here", where=url[:256])
        unconditional = Kept(old.key, old.document, old.size, old.until, old.version, old.usage)
        try:
            await asyncio.shield(self._remote.fetch(old.key, unconditional))
            await self.context(old.key)
        except HansaError as fault:
            self._keep(old)
            raise NoContext(fault.detail, where=url[:256], mend="the old one is still here") from None

    def forget(self, key: str) -> None:
        """Let go of a document, by its URL or, when the city hosts it, by its local id."""
        kept = self._kept.pop(_bare(key), None)
        if kept is not None:
            self._bytes -= kept.size
            self._epoch += 1
            if self._remember is not None and not kept.own:
                self._remember(kept.key, None)
        self._remote.forgive(_bare(key))

    def restore(self, url: str, document: dict[str, Any], size: int) -> None:
        """Take up a document of an earlier life: good until it is asked for, and then asked for anew behind that."""
        self._keep(Kept(_bare(url), document, size, self._now(), self._remote.version(), Usage(self._at())))

    async def aclose(self) -> None:
        """Stop fetching."""
        await self._remote.settled(cancel=True)

    # Keeping and fetching

    def _key(self, url: str) -> str:
        bare = _bare(url)
        return bare if self._own is None else self._own.local(bare) or bare

    async def _known(self, key: str) -> dict[str, Any]:
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            if kept.until <= self._now() and self._remote.gone(key) is None:
                self._remote.fetch(key, kept)  # nobody waits for it
            return kept.document
        if self._own is not None and (found := self._own.document(key)) is not None:
            document, usage = found
            size = len(orjson.dumps(document))
            self._keep(Kept(key, document, size, float("inf"), self._remote.version(), usage, own=True))
            return document
        if (why := self._remote.gone(key)) is not None:
            raise why
        # Shielded: whoever else waits for it must not suffer because this caller went away.
        return (await asyncio.shield(self._remote.fetch(key, None))).document

    def _came(self, kept: Kept, same: bool) -> None:
        self._keep(kept)
        if self._remember is not None and not same:
            self._remember(kept.key, kept.document)

    def _keep(self, kept: Kept) -> None:
        old = self._kept.pop(kept.key, None)
        self._bytes += kept.size - (0 if old is None else old.size)
        self._kept[kept.key] = kept
        self._epoch += 1
        while len(self._kept) > self._limits.contexts or (
            self._bytes > self._limits.contexts_bytes and len(self._kept) > 1
        ):
            _, least = self._kept.popitem(last=False)
            self._bytes -= least.size


_CORE: Final = _Compiled(CORE)


def _key_of(value: Any) -> str | bytes | None:
    """What an @context value is remembered by; None for one that is too long to be."""
    if type(value) is str:
        return value
    try:
        key = orjson.dumps(value)
    except (TypeError, ValueError):  # numbers beyond 64 bits, lone surrogates
        return None
    return key if len(key) <= INLINE else None


def _bare(url: str) -> str:
    return urldefrag(url).url if "#" in url else url


def _named(value: Any, base: str | None, depth: int) -> set[str]:
    """The URLs of other documents that an @context value names, also in @import."""
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
    return found
