"""NGSI-LD from a device: one entity or an array, normalized or concise, of the device's own.

A device speaks for its own entity and for what is below it (`<id>:...`), and for nothing else. Names are read in the
core context only: a message cannot make the door fetch a document. What is measured is checked against the profile's
channel of that name, in the channel's unit. Report: 2.1.1, 2.2.3. Tests: tests/collect/test_ngsild.py.
"""

from typing import Any, Final

from hansa.clock import parse
from hansa.collect import _json
from hansa.collect.decoded import Decoded, has_reading
from hansa.collect.profile import SAME, Channel, Source
from hansa.collect.times import believed, text
from hansa.errors import BadRequest, Forbidden, TooLarge
from hansa.limits import DEFAULT, Limits
from hansa.model.change import Write
from hansa.model.context import CORE
from hansa.model.entity import MEMBERS, Doc, Instance, instances, types_of
from hansa.model.units import conversion
from hansa.model.wire_in import entity_in

_CORE_URLS: Final = ("https://uri.etsi.org/ngsi-ld/", "http://uri.etsi.org/ngsi-ld/")


def decode(payload: bytes, source: Source, now: int, limits: Limits = DEFAULT) -> Decoded:
    """Readings of NGSI-LD entities; BadRequest when the message is not JSON, or neither an object nor an array.

    A Property without observedAt is observed `now`. What is wrong in one entity or attribute is in `refused`.
    """
    body = _json.body(payload, limits)
    entities = body if type(body) is list else [body]
    if len(entities) > limits.batch:
        raise TooLarge(f"{len(entities):,} entities in one message; at most {limits.batch:,} are taken")
    if type(body) not in {dict, list}:
        raise BadRequest("neither an entity nor an array of entities")
    decoded = Decoded()
    for place, one in enumerate(entities):
        where = f"[{place}]" if type(body) is list else ""
        try:
            doc = _entity(one, source, now, where, limits=limits, decoded=decoded)
        except BadRequest as fault:
            decoded.refuse(fault, _path(where, fault.where or ""), one)
            continue
        if has_reading(doc):
            decoded.writes.append(Write("read", doc["id"], doc, label=source.label, tenant=source.tenant))
    return decoded


def _entity(body: Any, source: Source, now: int, where: str, *, limits: Limits, decoded: Decoded) -> Doc:
    """The document of one entity without the attributes that are refused, which go to `decoded`."""
    if type(body) is not dict:
        raise BadRequest("an entity is a JSON object")
    _check_context(body.get("@context"))
    _check_id(body.get("id", body.get("@id")), source)
    try:
        said = entity_in(body, CORE, limits=limits)
    except BadRequest:
        said = _apart(body, where, limits, decoded)
    if said["id"] == source.entity and source.profile.type not in types_of(said):
        raise BadRequest(
            f"{source.entity} is a {source.profile.type}, not a {' and '.join(types_of(said))[:128]}", where="type"
        )
    doc: Doc = {"id": said["id"], "type": said["type"]}
    for name, entry in said.items():
        if name in doc:
            continue
        try:
            if name in MEMBERS:
                raise Forbidden(f"{name} is not a device's to say", mend="let an operator set it, through /ngsi-ld/v1")
            found = [_instance(name, one, source, now, limits) for one in instances(entry)]
        except BadRequest as fault:
            decoded.refuse(fault, _path(where, fault.where or name), entry)
            continue
        doc[name] = found if type(entry) is list else found[0]
    return doc


def _apart(body: dict[str, Any], where: str, limits: Limits, decoded: Decoded) -> Doc:
    """Read an entity one attribute at a time, so that a wrong one does not take its neighbours with it."""
    members = {key: value for key, value in body.items() if key in MEMBERS or key[:1] == "@"}
    said = entity_in(members, CORE, limits=limits)
    head = {"id": said["id"], "type": said["type"]}
    for key, value in body.items():
        if key in members:
            continue
        try:
            one = entity_in({**head, key: value}, CORE, limits=limits)
            name = next(stored for stored in one if stored not in head)
            if name in said:
                raise BadRequest(f"{name!r} is said twice")  # noqa: TRY301 - one place refuses
        except BadRequest as fault:
            decoded.refuse(fault, _path(where, fault.where or key[:128]), value)
            continue
        said[name] = one[name]
    return said


def _instance(name: str, said: Instance, source: Source, now: int, limits: Limits) -> Instance:
    """One instance, plausible and with its time."""
    observed = said.get("observedAt")
    if observed is not None:
        believed(parse(observed), now, limits)
    if said["type"] != "Property":
        return said
    instance = dict(said)
    channel = source.profile.by_name.get(name)
    if channel is not None and channel.says is not None:
        _measure(instance, channel)
    if observed is None:
        instance["observedAt"] = text(now)
    return instance


def _measure(instance: Instance, channel: Channel) -> None:
    """Check a value against the profile's channel, and put it in the channel's unit."""
    said = instance.get("unitCode")
    change = SAME  # without a unit of its own, a value is in the unit that the attribute has in this city
    if channel.unit is not None and said not in {None, channel.unit}:
        change = conversion(said, channel.unit) if type(said) is str else SAME
    instance["value"] = channel.take(instance["value"], change)
    if channel.unit is not None:
        instance["unitCode"] = channel.unit


def _check_id(ident: Any, source: Source) -> None:
    if ident != source.entity and not (type(ident) is str and ident.startswith(source.entity + ":")):
        raise Forbidden(
            f"{source.device} speaks for {source.entity} and what is below it, not for {str(ident)[:128]!r}",
            where="id",
            mend=f"use {source.entity} or {source.entity}:...",
        )


def _check_context(context: Any) -> None:
    for one in context if type(context) is list else [context]:
        if one is not None and not (type(one) is str and one.startswith(_CORE_URLS) and "core-context" in one):
            raise BadRequest(
                f"the context {str(one)[:128]!r} is not read at a device's door, where names are those of the core",
                where="@context",
                mend="leave @context out and write other names as whole IRIs",
            )


def _path(where: str, key: str) -> str:
    return f"{where}.{key}" if where and key and key[0] != "[" else where + key
