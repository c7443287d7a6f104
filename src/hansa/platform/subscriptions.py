"""Subscriptions: kept as entities of the city's own tenant, changed by whoever asked for them, told by `telling`.

The operations of CIM 009 v1.9.1, clause 5.8, apart from HTTP. A named tenant's subscription is kept in the same place,
with the tenant in it and in the hash that is its entity's id, so two tenants can give theirs the same name.
"""

import asyncio
import hashlib
import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import orjson
import structlog

from hansa import clock
from hansa.errors import (
    AlreadyExists,
    BadRequest,
    Forbidden,
    HansaError,
    NotFound,
    SourceFailed,
    TooLarge,
    TooManyResults,
)
from hansa.model.change import Write
from hansa.model.context import CORE, Context
from hansa.model.core_context import whole
from hansa.model.entity import Doc, Entity
from hansa.model.query import Query
from hansa.model.terms import Terms
from hansa.network.contexts import Contexts
from hansa.network.deliver import TRIES
from hansa.network.http import Egress
from hansa.platform.city import City
from hansa.platform.deadletters import TENANT
from hansa.platform.durable import durably
from hansa.platform.follower import Since
from hansa.platform.progress import READER
from hansa.platform.said import Names
from hansa.platform.store import Item
from hansa.platform.subscription import Counters, Subscription
from hansa.platform.subscription_in import bare, is_url, read
from hansa.platform.telling import Telling
from hansa.trust.actors import Actor
from hansa.trust.labels import ADMINISTRATOR, NOBODY, Sight, unlabelled
from hansa.trust.redact import GONE

SIZE: Final = 65_536  # bytes of one subscription: ten thousand of them stay in memory
FLUSH_S: Final = 1.0
COUNTERS_S: Final = 60.0  # each writing is a Change in the log
CONTEXTS: Final = 1_000  # @contexts in use that have no URL

_NULL: Final = "urn:ngsi-ld:null"

log = structlog.get_logger("hansa.subscriptions")


class Subscriptions:
    """The subscriptions of one realm. All methods belong to the event loop in which `start` was called."""

    def __init__(
        self,
        city: City,
        egress: Egress,
        contexts: Contexts,
        *,
        since: Since | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.monotonic,
        tries: int = TRIES,
        sights: Callable[[Actor, str], Sight] | None = None,
    ) -> None:
        """Know nothing until `start`. `since` reads the log (None: by a reader of its own), `now` is for throttling.

        `sights` says what whoever subscribed may see by now, when policy has a say.
        """
        self._city = city
        self._sights = sights
        self._egress = egress
        self._contexts = contexts
        self._now = now
        self._telling = Telling(city, egress, since=since, sleep=sleep, now=now, tries=tries)
        self._counts: Counter[str] = Counter()
        self._coming: Counter[str] = Counter()  # being written, by tenant
        self._changing = asyncio.Lock()
        self._answers: OrderedDict[bytes, Context] = OrderedDict()
        self._counted_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._following = asyncio.Event()

    # Life

    async def start(self) -> None:
        """Take up the subscriptions that are kept, and follow the log from where the last life came to."""
        await self._telling.progress.find()
        poor = self._take_up()
        self._task = asyncio.get_running_loop().create_task(self._run(poor), name="subscriptions")

    async def ready(self) -> None:
        """Wait until every Change so far has been looked at, and new ones are heard of as they come."""
        await self._following.wait()
        await self._telling.caught_up()

    async def aclose(self) -> None:
        """Stop telling; note how far it came. What is undone will be told by the next life."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._telling.stop()
        try:
            await self.flush(counters=True)
        except HansaError as fault:
            log.warning("how far notifications came could not be noted", why=fault.detail)
        self._telling.let_go()

    async def flush(self, *, counters: bool = False) -> None:
        """Write the place in the log, if it moved, and the counters, if they are due or asked for."""
        await self._telling.flush()
        now = self._now()
        dispatch = self._telling.dispatch
        if dispatch.dirty and (counters or now - self._counted_at >= COUNTERS_S):
            self._counted_at = now
            dirty, dispatch.dirty = dispatch.dirty, set()
            known = self._telling.subscriptions
            writes = [
                Write("update", _stored(key), _doc(key, counters=known[key].counters.document()), tenant=TENANT)
                for key in dirty
                if key in known
            ]
            await durably(self._city, Item(writes, READER))

    def shown(self) -> dict[str, int]:
        """Figures for `/health`."""
        return {
            "subscriptions": len(self._telling.subscriptions),
            "notifications_waiting": self._telling.dispatch.deliveries.waiting,
            "changes_behind": max(0, self._city.store.head() - self._telling.seen),
        }

    # What the NGSI-LD binding calls

    async def create(self, doc: Any, tenant: str = "", context: Context = CORE, *, sight: Sight | None = None) -> str:
        """Keep a new subscription (5.8.1); its id. `context` is the request's, `sight` who asks.

        Raises BadRequest, AlreadyExists, NoContext (a jsonldContext that cannot be had), TooLarge, and
        TooManyResults when the tenant has as many as it may.
        """
        said = {"id": f"urn:ngsi-ld:Subscription:{secrets.token_hex(16)}", **bare(doc)}
        one = await self._read(said, tenant, context, None)
        one.sight = sight or self._city.sight
        one.created = one.modified = self._city.clock.now()
        self._check(one, expiry=True)
        if self._counts[tenant] + self._coming[tenant] >= self._city.limits.subscriptions:
            raise TooManyResults(
                f"this tenant has {self._city.limits.subscriptions:,} subscriptions, and may have no more",
                mend="delete those that nobody needs",
            )
        write = Write("create", _stored(one.key), _whole(one), tenant=TENANT)
        self._coming[tenant] += 1
        try:
            await durably(self._city, Item([write], one.sight.actor), lambda: self._enter(one))
        except AlreadyExists:
            raise AlreadyExists(f"there is a subscription {one.id} already", where=one.id) from None
        finally:
            self._coming[tenant] -= 1
        return one.id

    async def update(
        self, ident: str, fragment: Any, tenant: str = "", context: Context = CORE, *, sight: Sight | None = None
    ) -> None:
        """Change members of a subscription (5.8.2): what is said replaces what was, null takes it away.

        Raises as `create` does, and NotFound.
        """
        news = bare(fragment)
        async with self._changing:
            old = self._known(ident, tenant, sight)
            if news.get("id", ident) != ident:
                raise BadRequest("the id of a subscription cannot be changed", where="id")
            said = {**old.said, **news}
            said = {name: value for name, value in said.items() if value is not None and value != _NULL}
            names = {member: terms for member, terms in old.names.items() if member not in news}
            if old.status(self._city.clock.now()) == "expired" and news.keys() & {"expiresAt", "isActive"} == {
                "expiresAt"
            }:
                said.pop("isActive", None)  # 5.8.2.4: a new expiresAt alone makes an expired one active
            answers = old.context if "jsonldContext" not in news else None
            one = await self._read(said, tenant, context, names, answers)
            one.sight = old.sight
            if sight is not None and not sight.everything:
                if sight.actor == old.sight.actor:
                    one.sight = sight
                elif news.keys() - {"isActive"}:
                    raise Forbidden("of somebody else's subscription only isActive is yours to change", where=ident)
            one.created, one.modified = old.created, self._city.clock.now()
            one.counters = old.counters
            self._check(one, expiry="expiresAt" in news)
            write = Write("update", _stored(one.key), _doc(one.key, document=_kept(one)), tenant=TENANT)
            actor = (sight or self._city.sight).actor
            await durably(self._city, Item([write], actor), lambda: self._telling.replace(old, one))

    def get(
        self,
        ident: str,
        tenant: str = "",
        context: Context = CORE,
        *,
        sys_attrs: bool = False,
        sight: Sight | None = None,
    ) -> dict[str, Any]:
        """One subscription as a document (5.8.3), its names in the words of `context`. Raises NotFound."""
        return self._document(self._known(ident, tenant, sight), context, sight, sys_attrs=sys_attrs)

    def list(
        self,
        tenant: str = "",
        context: Context = CORE,
        *,
        limit: int = 20,
        offset: int = 0,
        sys_attrs: bool = False,
        sight: Sight | None = None,
    ) -> list[dict[str, Any]]:
        """Subscriptions of a tenant (5.8.4), oldest first, as far as a sight is shown them."""
        found = [
            one
            for one in self._telling.subscriptions.values()
            if one.tenant == tenant and _theirs(one, sight, self._city.realm)
        ]
        return [self._document(one, context, sight, sys_attrs=sys_attrs) for one in found[offset : offset + limit]]

    def count(self, tenant: str = "", sight: Sight | None = None) -> int:
        """How many subscriptions a tenant has, as far as a sight is shown them."""
        if sight is None or sight.everything:
            return self._counts[tenant]
        return sum(
            one.tenant == tenant and _theirs(one, sight, self._city.realm)
            for one in self._telling.subscriptions.values()
        )

    async def delete(self, ident: str, tenant: str = "", *, sight: Sight | None = None) -> None:
        """Take a subscription away (5.8.5), and what waits for it. Raises NotFound."""
        async with self._changing:
            one = self._known(ident, tenant, sight)
            write = Write("delete", _stored(one.key), tenant=TENANT)
            actor = (sight or self._city.sight).actor
            await durably(self._city, Item([write], actor), lambda: self._leave(one))

    async def retry(self, letter_id: str) -> None:
        """Queue a notification that was given up once more; its dead letter goes when it is delivered.

        Raises NotFound when there is no such letter, or its subscription or its Changes are gone.
        """
        await self._telling.retry(letter_id)

    def deliveries(self, ident: str, tenant: str = "", *, sight: Sight | None = None) -> dict[str, Any]:
        """How its deliveries go: `{"waiting", "tries", "attempts"}`, the newest attempt first. Raises NotFound."""
        return self._telling.dispatch.shown(self._known(ident, tenant, sight).key)

    # Keeping

    def _take_up(self) -> Sequence[Subscription]:
        """Read what is kept; those whose @context is not at hand yet."""
        poor: list[Subscription] = []
        query = Query.parse(types="Subscription")
        offset = 0
        while page := self._city.find(query=query, tenant=TENANT, sight=ADMINISTRATOR, limit=1_000, offset=offset):
            offset += len(page)
            for entity in page:
                try:
                    one = self._restored(entity)
                except (HansaError, KeyError, TypeError, ValueError) as fault:
                    # One that this version cannot read must not keep the others from being told.
                    log.error("a subscription cannot be read", id=entity.id, why=str(fault))  # noqa: TRY400
                    continue
                self._enter(one)
                if one.context.source != CORE.source:
                    poor.append(one)
        return poor

    def _restored(self, entity: Entity) -> Subscription:
        kept = entity["document"]
        source, names = kept["source"], kept["names"]
        # Until the @context is at hand, the names that the subscription itself uses are what it knows.
        terms = Terms({term: whole(name) for member in names.values() for term, name in member.items()})
        answers = CORE if source == CORE.source else Context(terms, source)
        one = read(kept["said"], kept["tenant"], CORE, answers, names=names, limits=self._city.limits)
        one.sight = self._sight(kept["sight"])
        one.created, one.modified = kept["created"], kept["modified"]
        one.counters = Counters.of(entity["counters"])
        return one

    def _sight(self, said: dict[str, Any]) -> Sight:
        """The sight of whoever subscribed: what he may hear is asked of policy as it is by now."""
        if (who := said.get("who")) is not None:
            scope = who.get("scope")
            actor = Actor(
                said["actor"],
                frozenset(who["roles"]),
                frozenset(who["departments"]),
                assurance=who["assurance"],
                method=who["method"],
                session=who.get("session", ""),
                scope=None if scope is None else frozenset(scope),
            )
            return NOBODY if self._sights is None else self._sights(actor, said["purpose"])
        classes = said["classes"]
        return Sight(said["actor"], said["purpose"], None if classes is None else frozenset(classes))

    async def _run(self, poor: Sequence[Subscription]) -> None:
        """Fetch the contexts that are wanted, follow the log, and note from time to time how far it came."""
        sources = {orjson.dumps(one.context.source): one.context.source for one in poor}
        found = await asyncio.gather(*(self._answering(s) for s in sources.values()), return_exceptions=True)
        by_source = dict(zip(sources, found, strict=True))
        for one in poor:
            context = by_source[orjson.dumps(one.context.source)]
            if isinstance(context, Context):
                one.use(context)
            else:
                log.warning("a subscription's @context cannot be had", id=one.id, why=str(context))
        self._telling.follow()
        self._following.set()
        while True:
            await asyncio.sleep(FLUSH_S)
            try:
                await self.flush()
            except HansaError as fault:
                log.warning("how far notifications came could not be noted", why=fault.detail)

    async def _read(
        self, said: dict[str, Any], tenant: str, context: Context, names: Names | None, answers: Context | None = None
    ) -> Subscription:
        if len(size := orjson.dumps(said)) > SIZE:
            raise TooLarge(f"the subscription has {len(size):,} bytes, more than {SIZE:,}")
        url = said.get("jsonldContext")
        if answers is None:
            answers = await self._answering(url) if is_url(url) else context
        return read(said, tenant, context, answers, names=names, limits=self._city.limits)

    async def _answering(self, source: Any) -> Context:
        """The Context of a source; the same one for all subscriptions that name the same."""
        if isinstance(source, str):
            return await self._contexts.context(source)
        key = orjson.dumps(source)
        found = self._answers.get(key)
        if found is None:
            found = self._answers[key] = await self._contexts.context(source)
            if len(self._answers) > CONTEXTS:
                self._answers.popitem(last=False)
        return found

    def _check(self, one: Subscription, *, expiry: bool) -> None:
        if expiry and one.expires is not None and one.expires <= self._city.clock.now():
            raise BadRequest("expiresAt has passed already", where="expiresAt", mend="say a time to come")
        try:
            if one.endpoint.address is None:
                self._egress.check(one.endpoint.uri)
            else:
                self._egress.wall.literal(one.endpoint.address.broker.host)
        except SourceFailed as fault:
            raise BadRequest(fault.detail, where="notification.endpoint.uri", mend=fault.mend) from None

    def _known(self, ident: str, tenant: str, sight: Sight | None = None) -> Subscription:
        one = self._telling.subscriptions.get((tenant, ident))
        if one is None or not _theirs(one, sight, self._city.realm):
            raise NotFound(f"there is no subscription {ident[:256]}", where=ident[:256])
        return one

    def _enter(self, one: Subscription) -> None:
        self._telling.enter(one)
        self._counts[one.tenant] += 1

    def _leave(self, one: Subscription) -> None:
        self._telling.leave(one)
        self._counts[one.tenant] -= 1

    def _document(self, one: Subscription, context: Context, sight: Sight | None, *, sys_attrs: bool) -> dict[str, Any]:
        out = one.document(context)
        if not _own(one, sight):  # what a receiver wants to hear may be a secret between it and whoever subscribed
            endpoint = out["notification"]["endpoint"]
            for member in endpoint.keys() & {"receiverInfo", "notifierInfo"}:
                endpoint[member] = [{"key": pair["key"], "value": GONE} for pair in endpoint[member]]
        out["status"] = one.status(self._city.clock.now())
        if sys_attrs:
            out["createdAt"] = clock.text(one.created)
            out["modifiedAt"] = clock.text(one.modified)
        return out


def _own(one: Subscription, sight: Sight | None) -> bool:
    """Whether whoever asks subscribed, or is the system itself."""
    if sight is None or sight.everything:
        return True
    return sight.actor == one.sight.actor and sight.who.scope in {None, one.sight.who.scope}


def _theirs(one: Subscription, sight: Sight | None, realm: str) -> bool:
    """Whether a sight is shown a subscription: its own, or as who looks after the city's engines any."""
    if sight is None or _own(one, sight):
        return True
    return one.sight.rights is not None and sight.may("administer", "smart") and sight.sees(unlabelled(realm))


def _who(actor: Actor) -> dict[str, Any]:
    return {
        "roles": sorted(actor.roles),
        "departments": sorted(actor.departments),
        "assurance": actor.assurance,
        "method": actor.method,
        # A token may be taken back, and what was begun with it ends then; a session's end ends nothing.
        **({"session": actor.session} if actor.method == "token" else {}),
        **({} if actor.scope is None else {"scope": sorted(actor.scope)}),
    }


def _stored(key: tuple[str, str]) -> str:
    """The id of the entity that keeps a subscription; two tenants may have given it the same name."""
    digest = hashlib.sha256(f"{key[0]}\0{key[1]}".encode()).hexdigest()
    return f"urn:ngsi-ld:Subscription:{digest[:32]}"


def _doc(key: tuple[str, str], **said: Any) -> Doc:
    return {"id": _stored(key), **{name: {"type": "JsonProperty", "json": value} for name, value in said.items()}}


def _whole(one: Subscription) -> Doc:
    doc = _doc(one.key, document=_kept(one), counters=one.counters.document())
    return {**doc, "type": "Subscription"}


def _kept(one: Subscription) -> dict[str, Any]:
    sight = one.sight
    return {
        "tenant": one.tenant,
        "said": one.said,
        "names": one.names,
        "source": one.context.source,
        "sight": {
            "actor": sight.actor,
            "purpose": sight.purpose,
            "classes": None if sight.classes is None else sorted(sight.classes),
            **({} if sight.rights is None else {"who": _who(sight.who)}),
        },
        "created": one.created,
        "modified": one.modified,
    }
