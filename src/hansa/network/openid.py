"""What OpenID providers say, fetched through the egress wall: JSON documents, and what is given for a code.

A document is kept for a while and fetched once, however many wait for it; one that cannot be had is not asked for again
at once. No redirect is followed: who a provider is, is settled by its address. What the documents mean is for
`trust.openid` to say.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from hansa.errors import Busy, HansaError, SourceFailed
from hansa.limits import DEFAULT, Limits
from hansa.model.wire import json_in
from hansa.network.http import Answer, Egress

FAILED_S: Final = 5.0
"""How long a document that could not be had is not asked for again."""
RENEWED_S: Final = 30.0
"""How long a document that was asked for anew is not asked for anew once more: keys change seldom."""
_DOCUMENTS: Final = 200  # two of each provider
_WAITING: Final = 100  # for one document
_EXCHANGES: Final = 16  # of codes at once, over all providers
_JSON: Final = frozenset({"application/json", "application/jwk-set+json"})


@dataclass(slots=True)
class _Kept:
    """One document, while it is fresh; or why it could not be had."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    value: Any = None
    fault: HansaError | None = None
    at: float = float("-inf")


class OpenidHosts:
    """Asks providers. All methods belong to the event loop; the addresses come from settings and descriptions."""

    def __init__(self, egress: Egress, limits: Limits = DEFAULT, *, now: Callable[[], float] = time.monotonic) -> None:
        """Know nothing yet. `now` is seconds, monotonic."""
        self._egress = egress
        self._limits = limits
        self._now = now
        self._kept: dict[str, _Kept] = {}
        self._exchanging = 0

    async def document(self, url: str, fresh_s: float, *, anew: bool = False) -> Any:
        """The JSON at `url`, not older than `fresh_s`, or with `anew` than `RENEWED_S`. Raises SourceFailed, Busy."""
        if len(self._kept) > _DOCUMENTS:
            self._kept = {one: kept for one, kept in self._kept.items() if kept.waiting}
        kept = self._kept.setdefault(url, _Kept())
        if kept.waiting >= _WAITING:
            raise Busy("too many wait to sign in there", mend="try again in a few seconds")
        kept.waiting += 1
        try:
            async with kept.lock:
                return await self._fresh(url, kept, min(fresh_s, RENEWED_S) if anew else fresh_s)
        finally:
            kept.waiting -= 1

    async def _fresh(self, url: str, kept: _Kept, fresh_s: float) -> Any:
        age = self._now() - kept.at
        if age < (fresh_s if kept.fault is None else FAILED_S):
            if kept.fault is not None:
                raise kept.fault.with_traceback(None)
            return kept.value
        try:
            answer = await self._egress.ask(url, headers={"Accept": "application/json"}, follow=False)
            kept.value, kept.fault = _json(answer, self._limits), None
        except HansaError as fault:
            kept.fault = fault
            raise
        finally:
            kept.at = self._now()
        return kept.value

    async def exchange(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Any:
        """The JSON that a token endpoint answers to a form. Raises SourceFailed, Busy."""
        if self._exchanging >= _EXCHANGES:
            raise Busy("too many sign in at once", mend="try again in a few seconds")
        self._exchanging += 1
        try:
            answer = await self._egress.ask(
                url,
                "POST",
                headers={"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded", **headers},
                body=urlencode(form).encode(),
                follow=False,
            )
            return _json(answer, self._limits)
        finally:
            self._exchanging -= 1


def _json(answer: Answer, limits: Limits) -> Any:
    if answer.status != 200:
        raise SourceFailed(f"the provider answers {answer.status}", where=answer.url.partition("?")[0][:200])
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _JSON:
        raise SourceFailed("the provider answers something that is no JSON", where=answer.url.partition("?")[0][:200])
    try:
        return json_in(answer.body, limits)
    except HansaError as fault:
        raise SourceFailed(f"the provider answers no JSON: {fault.detail}"[:200]) from None
