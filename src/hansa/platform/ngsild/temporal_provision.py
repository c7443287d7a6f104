"""Telling and correcting what was so through time (CIM 009, clauses 6.18 to 6.22: 5.6.11 to 5.6.16).

An entity and its temporal evolution are one thing here. Instances that are pushed are history, and the newest of each
series is what the entity is now; one observed at the instant of another of its series takes its place. Taking history
away never takes away what is now so: 5.6.5 and 5.6.6 do that. Correcting what was said last corrects what is now so.
Each edit is a Change in the log, with who made it.
"""

from typing import Any, Final

from hansa import clock
from hansa.errors import BadRequest, NotFound, TooLarge
from hansa.limits import Limits
from hansa.model.change import SCOPES, Write
from hansa.model.context import Context
from hansa.model.entity import MEMBERS, VALUE_OF, Doc, Instance, types_of
from hansa.model.members import KIND_OF, RESERVED
from hansa.model.wire import NULL, attribute_in, entity_in
from hansa.model.wire_values import under, uri
from hansa.platform.http import Response
from hansa.platform.ngsild import provision
from hansa.platform.ngsild.answers import created, no_content
from hansa.platform.ngsild.asked import truth
from hansa.platform.ngsild.evolution import Evolution, Past
from hansa.platform.ngsild.exchange import Exchange
from hansa.platform.store import Reader

_NONE: Final = frozenset({"local"})
_DELETE: Final = frozenset({"datasetId", "deleteAll", "local"})
_PAIRS: Final = {
    "values": "Property",
    "objects": "Relationship",
    "languageMaps": "LanguageProperty",
    "vocabs": "VocabProperty",
    "jsons": "JsonProperty",
    "valueLists": "ListProperty",
    "objectLists": "ListRelationship",
}
"""What holds the pairs of value and time of a simplified temporal attribute (4.5.9)."""


# Over HTTP


async def upsert(exchange: Exchange) -> Response:
    """POST /temporal/entities (6.18.3.1): 5.6.11 Create or Update Temporal Evolution of an Entity. 201, or 204."""
    exchange.params(_NONE)
    body, context = await exchange.body()
    doc = evolution_in(body, context, exchange.limits, exchange.desk.city.clock.now(), partial=False)
    known, _ = await _known(exchange, doc["id"], creating=True)
    await _write(exchange, Write("instances", doc["id"], doc, tenant=exchange.tenant), creating=True)
    return no_content() if known else created(exchange, "temporal/entities", doc["id"])


async def append(exchange: Exchange) -> Response:
    """POST /temporal/entities/{entityId}/attrs (6.20.3.1): 5.6.12 Add Attributes to Temporal Evolution of an Entity."""
    exchange.params(_NONE)
    ident = exchange.ident()
    body, context = await exchange.body()
    doc = evolution_in(body, context, exchange.limits, exchange.desk.city.clock.now(), partial=True)
    if doc.setdefault("id", ident) != ident:
        raise BadRequest(f"the body is about {doc['id']}, the path about {ident}", where="id")
    if doc.keys() == {"id"}:
        raise BadRequest("the fragment says nothing", mend="name an attribute, with its instances")
    known, found = await _known(exchange, ident, creating=False)
    if not known or found is None:
        raise NotFound(f"there is no temporal evolution of {ident}", where=ident)
    if found.ended is not None and "type" not in doc:  # what is said of it brings it back, as what it was
        kinds = types_of(found.entity.doc)
        doc = {"id": ident, "type": kinds[0] if len(kinds) == 1 else kinds, **doc}
    await _write(exchange, Write("instances", ident, doc, tenant=exchange.tenant))
    return no_content()


async def delete(exchange: Exchange) -> Response:
    """DELETE /temporal/entities/{entityId} (6.19.3.2): 5.6.16 Delete Temporal Evolution of an Entity."""
    exchange.params(_NONE)
    return await _write(exchange, Write("forget", exchange.ident(), tenant=exchange.tenant))


async def delete_attribute(exchange: Exchange) -> Response:
    """DELETE /temporal/entities/{entityId}/attrs/{attrId} (6.21.3.1): 5.6.13, one series of the attribute, or all."""
    said = exchange.params(_DELETE)
    ident = exchange.ident()
    name = _name(exchange, await exchange.linked())
    dataset = said.get("datasetId")
    if truth(said, "deleteAll"):
        dataset = "@all"
    elif dataset == "@none":
        dataset = None
    elif dataset is not None:
        uri(dataset, "datasetId", exchange.limits)
    return await _write(exchange, Write("forget", ident, name=name, dataset=dataset, tenant=exchange.tenant))


async def modify_instance(exchange: Exchange) -> Response:
    """PATCH /temporal/entities/{entityId}/attrs/{attrId}/{instanceId} (6.22.3.1): 5.6.14, the instance as a whole."""
    exchange.params(_NONE)
    ident = exchange.ident()
    instance = _instance_id(exchange)
    body, context = await exchange.body()
    name = _name(exchange, context)
    new = instance_in(body, context, name, exchange.limits)
    write = Write("correct", ident, {name: new}, name=name, instance=instance, tenant=exchange.tenant)
    return await _write(exchange, write)


async def delete_instance(exchange: Exchange) -> Response:
    """DELETE /temporal/entities/{entityId}/attrs/{attrId}/{instanceId} (6.22.3.2): 5.6.15 Delete Attribute Instance."""
    exchange.params(_NONE)
    ident = exchange.ident()
    instance = _instance_id(exchange)
    name = _name(exchange, await exchange.linked())
    return await _write(exchange, Write("retract", ident, name=name, instance=instance, tenant=exchange.tenant))


async def _write(exchange: Exchange, write: Write, *, creating: bool = False) -> Response:
    provision.settled(await exchange.write(write, creating=creating))
    return no_content()


def _name(exchange: Exchange, context: Context) -> str:
    name = exchange.name(context)
    if name in RESERVED and name != "scope":
        raise BadRequest(f"{name!r} is a member of the standard, not an attribute", where=name)
    return name


def _instance_id(exchange: Exchange) -> str:
    return uri(exchange.path[2] or None, "instanceId", exchange.limits)


async def _known(exchange: Exchange, ident: str, *, creating: bool) -> tuple[bool, Evolution | None]:
    """Whether there is a temporal evolution, and the entity that it is of."""
    exchange.check_writer()
    if not creating:
        await exchange.check_tenant()

    def work(reader: Reader) -> tuple[bool, Evolution | None]:
        found = Past(reader, exchange.tenant, exchange.sight, exchange.limits).entity(ident)
        bare = found is not None and found.ended is None and MEMBERS.issuperset(found.entity.doc)
        return bare or bool(reader.series(exchange.tenant, ident, exchange.sight)), found

    return await exchange.desk.read(work)


# What a body says


def evolution_in(body: Any, context: Context, limits: Limits, now: int, *, partial: bool) -> Doc:
    """An EntityTemporal (5.2.20) as the doc of a Write of the kind `instances`.

    Attributes are lists of instances, or pairs of value and time (4.5.9). Of two that are observed at the same instant
    in the same dataset the later in the list counts. `partial`: id and type may be left out. BadRequest, TooLarge.
    """
    if type(body) is not dict:
        raise BadRequest("an entity is a JSON object")
    members = {name: value for name, value in body.items() if name in MEMBERS or name in {"@id", "@type"}}
    scopes = members.pop("scope", None)
    reified = _is_reified(scopes)
    if scopes is not None and not reified:
        members["scope"] = scopes
    doc = entity_in(members, context, partial=partial, limits=limits)
    if reified:
        doc |= _scopes(scopes, context, limits, now)
    count = 0
    for key, value in body.items():
        if key in MEMBERS or key in {"@id", "@type"}:
            continue
        name = context.name(key)
        if name in RESERVED:
            raise BadRequest(f"{key!r} is a member of the standard, not the name of an attribute", where=key)
        if name in doc:
            raise BadRequest(f"{name!r} is said twice", where=key)
        try:
            doc[name] = _series(value, context, name, limits)
        except BadRequest as fault:
            raise under(key, fault) from None
        count += len(doc[name])
        if count > limits.pushed:
            raise TooLarge(f"more than {limits.pushed:,} instances", where=key, mend="send them in parts")
    return doc


def instance_in(body: Any, context: Context, name: str, limits: Limits) -> Instance:
    """The one instance that a fragment holds (5.6.14): alone, in an array, or under the attribute's name."""
    if type(body) is dict:
        body = {key: value for key, value in body.items() if key != "@context"}
        others = body.keys() - {"id", "type"}
        if len(others) == 1 and (key := next(iter(others))) not in RESERVED and context.name(key) == name:
            body = body[key]
    if type(body) is list:
        if len(body) != 1:
            raise BadRequest(f"a fragment holds one instance, not {len(body)}", where=name)
        (body,) = body
    if name == "scope":
        return _scope(body, context, limits)
    return _instance(body, context, name, limits)


def _series(value: Any, context: Context, name: str, limits: Limits) -> list[Instance]:
    found: dict[tuple[str | None, int | None], Instance] = {}
    for place, one in enumerate(value if type(value) is list else [value]):
        try:
            for instance in _unpaired(one, context, name, limits):
                observed = instance.get("observedAt")
                at = None if observed is None else clock.parse(observed)
                found[instance.get("datasetId"), at] = instance
        except BadRequest as fault:
            raise under(place, fault) if type(value) is list else fault from None
    if not found:
        raise BadRequest("an attribute has at least one instance")
    return list(found.values())


def _unpaired(one: Any, context: Context, name: str, limits: Limits) -> list[Instance]:
    """The instances that an element says: itself, or each of its pairs of value and time (4.5.9)."""
    plural = next((member for member in one if member in _PAIRS), None) if type(one) is dict else None
    if plural is None:
        return [_instance(one, context, name, limits)]
    kind = _PAIRS[plural]
    said = one.get("type", kind)
    if (said != kind and (said, plural) != ("GeoProperty", "values")) or one.keys() - {"type", "datasetId", plural}:
        raise BadRequest(f"{plural} holds what a {kind} was, and stands beside type and datasetId alone", where=plural)
    pairs = one[plural]
    if type(pairs) is not list or len(pairs) > limits.pushed:
        raise BadRequest(f"{plural} is an array of pairs, at most {limits.pushed:,}", where=plural)
    instances = []
    for place, pair in enumerate(pairs):
        if type(pair) is not list or len(pair) != 2:
            raise BadRequest("a pair is an array of a value and a time", where=f"{plural}[{place}]")
        value, at = pair
        member = VALUE_OF[kind]
        if kind in {"LanguageProperty", "VocabProperty", "JsonProperty"} and type(value) is dict:
            value = value.get(member, value)
        raw = {"type": said, member: value, "observedAt": at}
        if "datasetId" in one:
            raw["datasetId"] = one["datasetId"]
        try:
            instances.append(_instance(raw, context, name, limits))
        except BadRequest as fault:
            raise under(f"{plural}[{place}]", fault) from None
    return instances


def _instance(raw: Any, context: Context, name: str, limits: Limits) -> Instance:
    """One instance, whole; also one that says that the attribute ended (4.5.7), which is no value elsewhere (5.5.4)."""
    if type(raw) is dict and (member := next((m for m in KIND_OF if m in raw and _is_null(raw[m])), None)) is not None:
        kind = raw.get("type", KIND_OF[member])
        if VALUE_OF.get(kind if type(kind) is str else "") != member:
            raise BadRequest(f"{str(kind)[:64]!r} has no {member}", where="type")
        rest = {key: value for key, value in raw.items() if key in {"observedAt", "datasetId"}}
        checked = attribute_in({"type": "Property", "value": 0, **rest}, context, name, mode="whole", limits=limits)
        del checked["value"]
        return {**checked, "type": kind, member: NULL}
    if type(raw) is list and any(type(one) is dict and not KIND_OF.keys().isdisjoint(one) for one in raw):
        raise BadRequest("an instance is an object, not a list of them")
    try:
        entry: Instance = attribute_in(raw, context, name, mode="whole", limits=limits)
    except BadRequest as fault:
        if fault.where == name:  # who calls knows which attribute it is
            fault.where = None
        raise
    return entry


def _is_null(value: Any) -> bool:
    return bool(value in (NULL, {"@none": NULL}, [NULL]))


def _is_reified(scopes: Any) -> bool:
    return type(scopes) is dict or (type(scopes) is list and any(type(one) is dict for one in scopes))


def _scopes(said: Any, context: Context, limits: Limits, now: int) -> Doc:
    """A scope through time (4.5.6): its instances, and the newest of them as the scope that is."""
    found: dict[int, Instance] = {}
    for place, raw in enumerate(said if type(said) is list else [said]):
        try:
            one = _scope(raw, context, limits)
        except BadRequest as fault:
            raise under("scope", under(place, fault)) from None
        at = clock.parse(one["observedAt"]) if "observedAt" in one else now
        found[at] = {**one, "observedAt": one.get("observedAt", clock.text(now))}
    newest = found[max(found)]
    return {"scope": newest["value"], SCOPES: list(found.values())}


def _scope(raw: Any, context: Context, limits: Limits) -> Instance:
    """One instance of a scope: a Property with nothing but temporal properties (4.5.6)."""
    if type(raw) is not dict or raw.get("type", "Property") != "Property" or "value" not in raw:
        raise BadRequest("a scope through time is a Property with a value", mend='{"type": "Property", "value": "/A"}')
    if odd := sorted(raw.keys() - _OF_A_SCOPE):
        raise BadRequest(f"a scope has no {odd[0][:64]!r} (4.5.6)", where=odd[0][:64])
    value = raw["value"]
    if not _is_null(value) and value != []:
        value = entity_in({"scope": value}, context, partial=True, limits=limits)["scope"]
    one: Instance = {"type": "Property", "value": NULL if _is_null(value) or value == [] else value}
    if "observedAt" in raw:
        checked = attribute_in(
            {"value": 0, "observedAt": raw["observedAt"]}, context, "at", mode="whole", limits=limits
        )
        one["observedAt"] = checked["observedAt"]
    return one


_OF_A_SCOPE: Final = frozenset({"type", "value", "observedAt", "createdAt", "modifiedAt", "deletedAt", "instanceId"})
