"""@contexts that the city keeps for others: Hosted, and ImplicitlyCreated (CIM 009 v1.9.1, clause 5.13).

Each is an entity of the city's own tenant, and durable; in memory there is only what a list shows of it. The local id
of a hosted one cannot be guessed. A client of the same NGSI-LD tenant may list, serve and delete it; whoever knows
its URL may use it in a request, for that is what a URL is for. One that was created implicitly goes out with the
notifications of a subscription, to receivers that know nothing of tenants: it is served to whoever knows its id.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import unquote

import orjson
import structlog

from hansa.errors import BadRequest, HansaError, NotFound, TooLarge, TooManyResults
from hansa.model.change import Refused, Write
from hansa.model.entity import VALUE_OF, Entity
from hansa.model.query import Query
from hansa.model.terms import LOCAL, check
from hansa.network.contexts import Contexts
from hansa.network.remote import Usage
from hansa.platform.city import City
from hansa.platform.deadletters import TENANT
from hansa.trust.labels import ADMINISTRATOR, Sight

TYPE: Final = "HostedContext"
RESOURCE: Final = "jsonldContexts"
_PAGE: Final = 100  # read at once when the city starts: documents can be long

Kind = Literal["Hosted", "ImplicitlyCreated"]

log = structlog.get_logger("hansa.contexts")


@dataclass(slots=True)
class HostedContext:
    """What is known of one without its document. Its usage counts from when the city started."""

    ident: str
    tenant: str
    kind: Kind
    usage: Usage


class HostedContexts:
    """The @contexts that one realm hosts. All methods belong to the event loop."""

    def __init__(self, city: City, contexts: Contexts) -> None:
        """Take up what is kept, and have `contexts` find it here."""
        self._city = city
        self._contexts = contexts
        self._known: dict[str, HostedContext] = {}
        self._take_up()
        contexts.host(self)

    # The operations of clause 5.13

    async def add(self, value: Any, tenant: str, *, sight: Sight) -> str:
        """Keep an @context value (5.13.2.4); its local id. Raises BadRequest, TooLarge, TooManyResults."""
        check(value, self._city.limits)
        return await self._keep(f"{LOCAL}{secrets.token_hex(16)}", value, tenant, "Hosted", sight)

    async def implicit(self, value: Any, tenant: str, *, sight: Sight) -> str:
        """Keep the @context of a request that needs one with a URL (5.13.1); the same for the same. Raises as `add`."""
        digest = hashlib.sha256(orjson.dumps([tenant, value], option=orjson.OPT_SORT_KEYS)).hexdigest()
        ident = f"{LOCAL}{digest[:32]}"
        if ident in self._known:
            return ident
        return await self._keep(ident, value, tenant, "ImplicitlyCreated", sight)

    def list(self, tenant: str) -> list[HostedContext]:
        """What a tenant has here (5.13.3), oldest first."""
        return [one for one in self._known.values() if one.tenant == tenant]

    def get(self, ident: str, tenant: str) -> HostedContext:
        """What a tenant has under a local id, or under a URL that leads to it (5.13.4). Raises NotFound."""
        one = self._known.get(self.local(ident) or "")
        if one is None or one.tenant != tenant:
            raise NotFound(f"the @context {ident[:256]} is not here", where=ident[:256])
        return one

    def served(self, ident: str, tenant: str) -> dict[str, Any]:
        """The document of one (5.13.4). Raises NotFound."""
        one = self._known.get(self.local(ident) or "")
        if one is None or (one.tenant != tenant and not (one.kind == "ImplicitlyCreated" and not tenant)):
            raise NotFound(f"the @context {ident[:256]} is not here", where=ident[:256])
        document = self._read(one.ident)
        one.usage.found(self._city.clock.now())
        return document

    async def delete(self, ident: str, tenant: str, *, sight: Sight) -> None:
        """Take one away (5.13.5). Raises NotFound."""
        one = self.get(ident, tenant)
        await self._write(Write("delete", one.ident, tenant=TENANT), sight)
        self._contexts.forget(one.ident)
        self._known.pop(one.ident, None)

    # What `Contexts` asks

    def local(self, url: str) -> str | None:
        """The local id that a URL of this resource ends with, on whatever host: the ids are ours alone."""
        if LOCAL not in url and "%" not in url:
            return None
        ident = unquote(url.rpartition(f"/{RESOURCE}/")[2])
        return ident if ident in self._known else None

    def document(self, ident: str) -> tuple[dict[str, Any], Usage] | None:
        """The document with this local id, and its usage; None when there is none."""
        one = self._known.get(ident)
        if one is None:
            return None
        try:
            return self._read(ident), one.usage
        except NotFound:  # it is being deleted just now
            return None

    # Keeping

    async def _keep(self, ident: str, value: Any, tenant: str, kind: Kind, sight: Sight) -> str:
        limits = self._city.limits
        try:
            size = len(orjson.dumps(value))
        except (TypeError, ValueError):
            raise BadRequest("the @context holds what JSON here cannot say", where="@context") from None
        if size > limits.context_bytes:
            raise TooLarge(f"an @context of {size:,} bytes; {limits.context_bytes:,} are the most", where="@context")
        if len(self._known) >= limits.contexts_hosted:
            raise TooManyResults(
                f"{limits.contexts_hosted:,} @contexts are kept here, and there may be no more",
                where="@context",
                mend="delete those that nobody needs, or name yours by a URL of its own",
            )
        one = HostedContext(ident, tenant, kind, Usage(self._city.clock.now()))
        about = {"tenant": tenant, "kind": kind, "created": one.usage.created}
        doc = {
            "id": ident,
            "type": TYPE,
            "about": {"type": "JsonProperty", VALUE_OF["JsonProperty"]: about},
            "document": {"type": "JsonProperty", VALUE_OF["JsonProperty"]: {"@context": value}},
        }
        await self._write(Write("upsert", ident, doc, tenant=TENANT), sight)
        self._known.setdefault(ident, one)
        return ident

    async def _write(self, write: Write, sight: Sight) -> None:
        for outcome in await self._city.awrite(write, sight=sight.served):
            if isinstance(outcome, Refused):
                raise outcome.error

    def _read(self, ident: str) -> dict[str, Any]:
        found = self._city.get(ident, tenant=TENANT, sight=ADMINISTRATOR)
        document: dict[str, Any] = found["document"]
        return document

    def _take_up(self) -> None:
        query = Query.parse(types=TYPE)
        offset = 0
        while page := self._city.find(query=query, tenant=TENANT, sight=ADMINISTRATOR, limit=_PAGE, offset=offset):
            offset += len(page)
            for entity in page:
                try:
                    one = _restored(entity)
                except (HansaError, KeyError, TypeError, ValueError) as fault:
                    # One that this version cannot read must not keep the others from being used.
                    log.error("an @context cannot be read", id=entity.id, why=str(fault))  # noqa: TRY400
                    continue
                self._known[one.ident] = one


def _restored(entity: Entity) -> HostedContext:
    about = entity["about"]
    kind: Kind = "Hosted" if about["kind"] == "Hosted" else "ImplicitlyCreated"
    return HostedContext(entity.id, str(about["tenant"]), kind, Usage(int(about["created"])))
