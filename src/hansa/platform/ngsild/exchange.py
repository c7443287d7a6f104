"""One request on its way: what it says of tenant, parameters, @context and body, and how it reads and writes.

The rules that all resources share stand here: clauses 5.5.10 (tenants), 6.3.4 (preconditions), 6.3.5 (@context),
6.3.14 (NGSILD-Tenant) and 6.3.20 (unknown parameters).
"""

import asyncio
import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypedDict, TypeVar

from hansa.errors import (
    BadRequest,
    Busy,
    Forbidden,
    HansaError,
    InvalidRequest,
    NoContext,
    NoTenant,
    SourceFailed,
    TooLarge,
    Unauthenticated,
)
from hansa.limits import Limits
from hansa.model import link
from hansa.model.change import Write
from hansa.model.context import CORE, Context
from hansa.model.wire import check_unique, json_in
from hansa.model.wire_values import at, uri
from hansa.network.contexts import Contexts
from hansa.platform.city import City
from hansa.platform.entity_maps import EntityMaps
from hansa.platform.hosted import HostedContexts
from hansa.platform.http import Request
from hansa.platform.models import Breach, Models
from hansa.platform.ngsild import media
from hansa.platform.ngsild.problems import LengthRequired, TooComplex, UnknownParameter
from hansa.platform.store import Outcome, Reader, TooSlow
from hansa.platform.subscriptions import Subscriptions
from hansa.trust.labels import unlabelled

T = TypeVar("T")

_TENANTS: Final = 10_000  # of which it is remembered who knows them
SLOW_READS: Final = 64  # that wait for a thread or have one; more are told to come again

_TENANT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}\Z", re.ASCII)


@dataclass(slots=True)
class Desk:
    """What every route stands on: the city, the contexts it knows, where it is mounted."""

    city: City
    contexts: Contexts | None
    subscriptions: Subscriptions | None
    mount: str
    tenants: set[Hashable] = field(default_factory=set)  # known to be there, to whom; they never go
    asked: dict[bytes, Any] = field(default_factory=dict)  # what query strings mean, see `retrieval`
    slow: int = 0
    hosted: HostedContexts | None = None  # @contexts that are kept here
    origin: str = ""  # scheme, and perhaps host, by which others find the city
    models: Models | None = None  # what entities of a type look like
    maps: EntityMaps = field(init=False)  # entities that sequences of requests are about

    def __post_init__(self) -> None:
        """With no entity maps yet."""
        self.maps = EntityMaps(self.city.clock.now, self.city.limits)

    @property
    def limits(self) -> Limits:
        """The city's caps."""
        return self.city.limits

    async def read(self, work: Callable[[Reader], T]) -> T:
        """What `work` reads: here if it is quick, else from the beginning in a thread. Raises TooComplex, Busy."""
        reader = self.city.reader
        try:
            with reader.deadline(self.limits.loop_read_ms):
                return work(reader)
        except TooSlow:
            pass
        if self.city.inbox is None:  # a direct city has one reader, for one thread
            return self._patiently(work)
        if self.slow >= SLOW_READS:
            raise Busy(f"{self.slow} long queries are being answered", mend="try again in a second")
        self.slow += 1
        try:
            return await asyncio.to_thread(self._patiently, work)
        finally:
            self.slow -= 1

    def _patiently(self, work: Callable[[Reader], T]) -> T:
        reader = self.city.reader
        try:
            with reader.deadline(self.limits.read_s * 1_000):
                return work(reader)
        except TooSlow:
            raise TooComplex(
                f"the query was not answered within {self.limits.read_s:g} s",
                mend="name a type, an attribute or a smaller area, or ask for fewer",
            ) from None

    async def context(self, value: Any) -> Context:
        """The Context of an @context value. Raises NoContext, BadRequest."""
        if value is None:
            return CORE
        if self.contexts is None:
            return Context.of(value, _nothing)
        return await self.contexts.asked(value)


def _nothing(url: str) -> Any:
    raise NoContext(f"the @context {url[:256]} cannot be had: this city asks nobody", where=url[:256])


class Whose(TypedDict):
    """Keywords of the functions in `provision`."""

    tenant: str
    limits: Limits


class Exchange:
    """One request, and what its route asks of it."""

    __slots__ = ("breaches", "desk", "path", "request", "sight", "tenant")

    def __init__(self, desk: Desk, request: Request, path: Sequence[str]) -> None:
        """`path` holds the decoded segments that stand for something in the route. BadRequest for a bad tenant."""
        self.desk = desk
        self.request = request
        self.path = path
        self.sight = request.sight
        self.tenant = tenant_of(request.headers.get(b"ngsild-tenant"))
        self.breaches: list[Breach] = []  # of models, by what this request wrote

    @property
    def limits(self) -> Limits:
        """The city's caps."""
        return self.desk.limits

    @property
    def whose(self) -> "Whose":
        """What reading a body needs to know of the request, as keywords."""
        return {"tenant": self.tenant, "limits": self.desk.limits}

    def ident(self) -> str:
        """The id in the path; BadRequest when it is no URI."""
        return uri(self.path[0] or None, "id", self.limits)

    def name(self, context: Context) -> str:
        """The attribute name in the path, as stored. Raises BadRequest."""
        return at("attrId", context.name, self.path[1])  # type: ignore[no-any-return]

    def params(self, allowed: frozenset[str]) -> dict[str, str]:
        """The query parameters; UnknownParameter names one that this operation does not have (6.3.20)."""
        said = self.request.params()
        if not said.keys() <= allowed:
            raise UnknownParameter(min(said.keys() - allowed), allowed)
        return said

    def accepts(self, offered: Sequence[str] = media.OFFERED) -> str:
        """The representation to answer in. Raises NotAcceptable."""
        return media.chosen(self.request.headers.get(b"accept"), tuple(offered))

    async def linked(self) -> Context:
        """The @context of a request without a body: its Link header, or the core (6.3.5)."""
        headers = self.request.headers.all(b"link")
        return await self.desk.context(link.linked(", ".join(headers))) if headers else CORE

    async def body(self) -> tuple[Any, Context]:
        """The JSON of the body and its @context (6.3.4, 6.3.5). Raises what is wrong with either."""
        value, ld = self._json()
        if ld and type(value) is not dict:
            raise InvalidRequest("a body of application/ld+json is an object", mend="its @context is a member of it")
        headers = self.request.headers.all(b"link")
        linked = ", ".join(headers) if headers else None
        if linked is None and not ld and type(value) is dict and "@context" not in value:
            return value, CORE  # the usual case
        return value, await self.desk.context(link.chosen(linked, value, ld=ld))

    async def bodies(self) -> tuple[list[Any], list[Context | HansaError]]:
        """The entities of a batch and the @context of each, or why it has none (6.3.5): JSON-LD brings its own.

        Raises BadRequest when the body is no array, or one with nothing or null in it; TooLarge beyond `limits.batch`.
        """
        value, ld = self._array()
        headers = self.request.headers.all(b"link")
        linked = ", ".join(headers) if headers else None
        if not ld:
            common = await self.desk.context(link.linked(linked))
            mixed = BadRequest("a body of application/json holds an @context", where="@context")
            return value, [mixed if type(one) is dict and "@context" in one else common for one in value]
        if linked is not None:
            link.chosen(linked, value[0], ld=True)  # a Link header with JSON-LD spoils the whole request
        found: dict[str, Context | HansaError] = {}
        contexts: list[Context | HansaError] = []
        for one in value:
            key = repr(one.get("@context")) if type(one) is dict else ""
            if key not in found:
                found[key] = await self._own(one)
            contexts.append(found[key])
        return value, contexts

    async def _own(self, one: Any) -> Context | HansaError:
        """The @context of one entity of a batch, or what is wrong with it."""
        try:
            return await self.desk.context(link.chosen(None, one, ld=True))
        except (BadRequest, SourceFailed) as fault:
            return fault

    def array(self) -> list[Any]:
        """The array of a batch whose members need no @context (5.6.10)."""
        return self._array()[0]

    def document(self) -> Any:
        """The JSON of a body whose @context is what it is about (5.13.2)."""
        return self._json()[0]

    def _array(self) -> tuple[list[Any], bool]:
        value, ld = self._json()
        if type(value) is not list or not value:
            raise BadRequest("a batch is an array with something in it")
        if None in value:
            raise BadRequest("null is in the batch", where=f"[{value.index(None)}]")
        if len(value) > self.limits.batch:
            raise TooLarge(f"a batch of {len(value):,}; {self.limits.batch:,} are the most", mend="send it in parts")
        return value, ld

    def _json(self) -> tuple[Any, bool]:
        request = self.request
        ld = media.is_ld(request.headers.get(b"content-type"), request.method)
        value = json_in(request.body, self.limits)
        check_unique(request.body, value)
        return value, ld

    @staticmethod
    def check_length(request: Request) -> None:
        """Raise LengthRequired for a body of unsaid length (6.3.4): decided before anything else is."""
        headers = request.headers
        if headers.get(b"content-length") is None and (
            not request.body or headers.get(b"transfer-encoding") is not None
        ):
            raise LengthRequired("the request does not say how long it is", where="Content-Length")

    # Reading and writing

    async def read(self, work: Callable[[Reader], T]) -> T:
        """What `work` reads from this request's tenant. Raises NoTenant, TooComplex, Busy."""
        await self.check_tenant()
        return await self.desk.read(work)

    async def write(self, *writes: Write, creating: bool = False) -> list[Outcome]:
        """What became of the writes, durably. A write that creates may name a new tenant (5.5.10)."""
        self.check_writer()
        accept = self.request.headers.get(b"accept")
        if accept is not None and media.GEO in accept:
            media.chosen(accept)  # who takes GeoJSON alone is told before anything is written (6.3.4)
        if not creating:
            await self.check_tenant()
        models = self.desk.models
        if models is not None and models.known:
            going, breaches, joined = models.settle(self.desk.city, writes, self.sight)
            self.breaches += breaches
            outcomes = joined(await self.desk.city.awrite(*going, sight=self.sight) if going else ())
        else:
            outcomes = await self.desk.city.awrite(*writes, sight=self.sight)
        if creating and self.tenant and self._tenant not in self.desk.tenants:
            await self.desk.read(self._note_tenant)
        return outcomes

    def check_writer(self) -> None:
        """Raise Forbidden for a sight that may only look; what policy lets others write, the writer decides."""
        if not self.sight.everything and self.sight.rights is None:
            raise Forbidden(f"{self.sight.actor} may look, not write")
        self.check_known()

    def check_known(self) -> None:
        """Raise for strangers, and for whoever sees nothing of the realm security: they leave nothing here."""
        sight, realm = self.sight, self.desk.city.realm
        if sight.everything:
            return
        if sight.who.kind == "public" and sight.rights is not None:
            raise Unauthenticated("who are you?", mend="sign in, or bear a token")
        if realm != "open" and not sight.sees(unlabelled(realm)):
            raise Forbidden(f"{sight.actor} has no business in the realm {realm}")

    async def check_tenant(self) -> None:
        """Raise NoTenant when nobody has ever said anything under this name that whoever asks may see."""
        if not self.tenant or self._tenant in self.desk.tenants:
            return
        await self.desk.read(self._note_tenant)
        if self._tenant not in self.desk.tenants:
            raise NoTenant(f"there is no tenant {self.tenant!r}", where="NGSILD-Tenant")

    def _note_tenant(self, reader: Reader) -> None:
        if reader.has_tenant(self.tenant, self.sight):
            self.know_tenant()

    def know_tenant(self) -> None:
        """Whoever asks knows that there is this tenant."""
        if len(self.desk.tenants) >= _TENANTS:
            self.desk.tenants.clear()
        self.desk.tenants.add(self._tenant)

    @property
    def _tenant(self) -> Hashable:
        """The tenant, as somebody knows it whose rights are as they are."""
        sight = self.sight
        return self.tenant if sight.everything else (self.tenant, sight.actor, sight.who.scope, sight.epoch)


def tenant_of(header: str | None) -> str:
    """The tenant that a header names; empty for the realm's own. BadRequest when it cannot be one (4.14, 6.3.14)."""
    if header is None:
        return ""
    if not _TENANT.match(header):
        raise BadRequest(
            f"{header[:64]!r} cannot name a tenant",
            where="NGSILD-Tenant",
            mend="letters, digits and _ . : -, at most 100 of them",
        )
    return header
