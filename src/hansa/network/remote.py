"""Remote @context documents: asked for through the egress wall, each by one task, and read (CIM 009, clause 6.3.16).

A host says how long its document is good for; one that cannot be had, or is no @context, is remembered as such for a
short time, so that a URL that never answers costs its deadline once, not at every request.
"""

import asyncio
import itertools
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final

import structlog

from hansa.errors import BadRequest, HansaError, NoContext, SourceFailed
from hansa.limits import Limits
from hansa.model.wire import json_in
from hansa.network.http import Answer, Egress

FRESH_MIN_S: Final = 60.0  # a host that says less would be asked at every request
FRESH_MAX_S: Final = 86_400.0  # one that says more could never mend a mistake

_ACCEPT: Final = "application/ld+json, application/json;q=0.9"
_AGES: Final = tuple(re.compile(rf"(?:^|[,\s]){name}=\"?(\d{{1,9}})") for name in ("s-maxage", "max-age"))

log = structlog.get_logger("hansa.contexts")


@dataclass(slots=True)
class Usage:
    """When an @context came into the storage and how often it was found there; times in microseconds."""

    created: int
    hits: int = 0
    last: int | None = None

    def found(self, at: int) -> None:
        """Somebody named it, or asked for it."""
        self.hits, self.last = self.hits + 1, at


@dataclass(slots=True)
class Kept:
    """A document as it is kept: only its @context, what its host said of its age, and its size in bytes."""

    key: str  # its URL without a fragment, or the local id of one that the city hosts
    document: dict[str, Any]
    size: int
    until: float
    version: int  # another one when the words are others
    usage: Usage
    etag: str | None = None
    modified: str | None = None
    own: bool = False  # the city hosts it


class Remote:
    """Asks for documents. `keep` is told of each that came, and whether its words are those of before."""

    def __init__(
        self,
        egress: Egress,
        limits: Limits,
        now: Callable[[], float],
        at: Callable[[], int],
        keep: Callable[[Kept, bool], None],
    ) -> None:
        """`now` is seconds, monotonic; `at` the city's clock, in microseconds."""
        self._egress = egress
        self._limits = limits
        self._now = now
        self._at = at
        self._keep = keep
        self._failed: OrderedDict[str, tuple[float, HansaError]] = OrderedDict()
        self._fetching: dict[str, asyncio.Task[Kept]] = {}
        self._turn = asyncio.Semaphore(limits.context_fetches)
        self._versions = itertools.count(1)

    def version(self) -> int:
        """A number that no other document has."""
        return next(self._versions)

    def gone(self, url: str) -> HansaError | None:
        """Why this document could not be had a short while ago."""
        failed = self._failed.get(url)
        if failed is None:
            return None
        if failed[0] <= self._now():
            del self._failed[url]
            return None
        return type(failed[1])(failed[1].detail, where=url[:256])

    def forgive(self, url: str) -> None:
        """Ask again, whatever was the last time."""
        self._failed.pop(url, None)

    def fetch(self, url: str, kept: Kept | None) -> asyncio.Task[Kept]:
        """The one task that asks for this document; for a newer one, when it is kept. Raises NoContext."""
        task = self._fetching.get(url)
        if task is None:
            if len(self._fetching) >= self._limits.context_waiting:
                raise NoContext("too many contexts are being fetched", where=url, mend="try again in a few seconds")
            task = asyncio.get_running_loop().create_task(self._ask(url, kept), name=f"context {url[:80]}")
            self._fetching[url] = task
            task.add_done_callback(lambda done: self._fetched(url, done))
        return task

    async def settled(self, *, cancel: bool = False) -> None:
        """Wait until nothing is being fetched."""
        tasks = list(self._fetching.values())
        if cancel:
            for task in tasks:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

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
        except (SourceFailed, BadRequest) as fault:
            missed = NoContext(f"the @context {url[:256]} cannot be had: {fault.detail}", where=url[:256])
            raise self._missed(url, missed) from fault
        try:
            return self._taken(url, answer, kept)
        except (NoContext, BadRequest) as fault:
            raise self._missed(url, fault) from None

    def _missed(self, url: str, why: HansaError) -> HansaError:
        self._failed[url] = (self._now() + self._limits.context_failed_s, why)
        self._failed.move_to_end(url)
        if len(self._failed) > self._limits.contexts:
            self._failed.popitem(last=False)
        return why

    def _taken(self, url: str, answer: Answer, kept: Kept | None) -> Kept:
        """What came, kept. NoContext when it did not come, BadRequest when it is no @context (5.5.6)."""
        until = self._now() + fresh_s(answer.headers, self._limits.context_fresh_s)
        if answer.status == 304 and kept is not None:
            kept.until, kept.usage.created = until, self._at()
            return kept
        if not answer.ok:
            what = f"the @context {url[:256]} cannot be had: its host answers {answer.status}"
            raise NoContext(what, where=url[:256])
        try:
            document = json_in(answer.body, self._limits)
        except HansaError as fault:
            raise BadRequest(f"what is at {url[:256]} is no @context: {fault.detail}", where=url[:256]) from None
        if not isinstance(document, dict) or "@context" not in document:
            raise BadRequest(f"the document at {url[:256]} holds no @context", where=url[:256])
        document = {"@context": document["@context"]}
        usage = Usage(self._at()) if kept is None else kept.usage
        usage.created = self._at()
        new = Kept(url, document, len(answer.body), until, self.version(), usage)
        new.etag, new.modified = answer.headers.get("etag"), answer.headers.get("last-modified")
        same = kept is not None and kept.document == document
        if kept is not None and same:
            new.version = kept.version
        self._failed.pop(url, None)
        self._keep(new, same)
        return new


def fresh_s(headers: Mapping[str, str], otherwise: float) -> float:
    """How long a document is good for by its host's s-maxage, max-age or Expires (6.3.16), in reason."""
    said = otherwise
    control = headers.get("cache-control", "").lower()
    age = next((found for pattern in _AGES if (found := pattern.search(control))), None)
    if age is not None:
        said = float(age[1])
    elif "no-store" in control or "no-cache" in control:
        said = 0.0
    elif "expires" in headers:
        try:
            # By the host's own clock, where it says what time it is there.
            began = parsedate_to_datetime(headers["date"]).timestamp() if "date" in headers else time.time()
            said = parsedate_to_datetime(headers["expires"]).timestamp() - began
        except (TypeError, ValueError, OverflowError):  # what is no date says that it is old (RFC 9111, 5.3)
            said = 0.0
    return min(max(said, FRESH_MIN_S), FRESH_MAX_S)
