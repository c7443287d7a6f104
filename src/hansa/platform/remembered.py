"""Remote @contexts, remembered across restarts: a city that starts while their hosts are down still has its words.

Each is an entity of the city's own tenant. Only so many and only so long ones are kept; the oldest go first. What is
kept is a copy to begin with: `network.contexts` serves it at once and asks its host for a newer one behind that.
"""

import asyncio
import hashlib
from collections import OrderedDict
from typing import Any, Final

import orjson
import structlog

from hansa.errors import HansaError
from hansa.model.change import Write
from hansa.model.entity import VALUE_OF
from hansa.model.query import Query
from hansa.network.contexts import Contexts
from hansa.platform.city import City
from hansa.platform.deadletters import TENANT
from hansa.platform.store import Item, Result
from hansa.trust.labels import ADMINISTRATOR

KEPT: Final = 200
TYPE: Final = "RemoteContext"

log = structlog.get_logger("hansa.contexts")


class RememberedContexts:
    """Hand `note` to `Contexts` as its `remember`, then call `recall` once. Both belong to the event loop."""

    def __init__(self, city: City) -> None:
        """Remember in this city."""
        self._city = city
        self._urls: OrderedDict[str, None] = OrderedDict()

    def recall(self, contexts: Contexts) -> int:
        """Give a cache what was remembered; how many."""
        query = Query.parse(types=TYPE)
        for kept in self._city.find(query=query, tenant=TENANT, sight=ADMINISTRATOR, limit=KEPT):
            url, document = kept.get("url"), kept.get("document")
            if isinstance(url, str) and isinstance(document, dict) and "@context" in document:
                contexts.restore(url, document, len(orjson.dumps(document)))
                self._urls[url] = None
        return len(self._urls)

    def note(self, url: str, document: dict[str, Any] | None) -> None:
        """Remember a document that has just come, or forget it for None; nobody waits for it."""
        if document is None:
            if url in self._urls:
                del self._urls[url]
                self._write([Write("delete", _id(url), tenant=TENANT)])
            return
        if len(orjson.dumps(document)) > self._city.limits.context_bytes:
            return
        self._urls[url] = None
        self._urls.move_to_end(url)
        doc = {
            "id": _id(url),
            "type": TYPE,
            "url": {"type": "Property", VALUE_OF["Property"]: url},
            "document": {"type": "JsonProperty", VALUE_OF["JsonProperty"]: document},
        }
        writes = [Write("say", _id(url), doc, tenant=TENANT)]
        while len(self._urls) > KEPT:
            oldest, _ = self._urls.popitem(last=False)
            writes.append(Write("delete", _id(oldest), tenant=TENANT))
        self._write(writes)

    def _write(self, writes: list[Write]) -> None:
        try:
            self._city.submit_item(Item(writes, "contexts"), _noted, asyncio.get_running_loop())
        except HansaError as fault:
            _noted(fault)


def _noted(result: Result) -> None:
    if isinstance(result, HansaError):
        log.info("a context is not remembered", why=result.detail)


def _id(url: str) -> str:
    return f"urn:ngsi-ld:{TYPE}:{hashlib.sha256(url.encode()).hexdigest()[:32]}"
