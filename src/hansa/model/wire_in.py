"""Documents from the wire: normalized, concise and simplified input made into what the store holds.

The document that comes out is normalized, its names are stored names (see `context`), its times canonical, and it
shares values with the body that came in. Every fault is a BadRequest whose `where` is the path of the member.
"""

from math import isfinite
from typing import Any, Final

from hansa.errors import BadRequest, TooLarge
from hansa.limits import DEFAULT, Limits
from hansa.model.context import Context
from hansa.model.entity import GEOMETRIES, MEMBERS, VALUE_OF, Doc, Instance
from hansa.model.wire_values import NULL, Mode, Values, at, under, uri

KIND_OF: Final = {member: kind for kind, member in VALUE_OF.items() if kind != "GeoProperty"}
"""Which kind of attribute a member implies where `type` is left out; a geometry makes a Property a GeoProperty."""

_PREVIOUS = frozenset(f"previous{member[0].upper()}{member[1:]}" for member in KIND_OF)
_IGNORED = frozenset({"createdAt", "modifiedAt", "deletedAt", "instanceId", *_PREVIOUS})  # we say these (5.2.5-2)
_META = frozenset({"observedAt", "expiresAt", "unitCode", "datasetId", "objectType", "valueType", "lang"})
_SEALED = frozenset({"entityIdSealed", "entityTypeSealed"})
_LINKED = {"entity": "Relationship", "entityList": "ListRelationship"}

RESERVED: Final = frozenset({*MEMBERS, *KIND_OF, *_META, *_IGNORED, *_SEALED, *_LINKED})
"""Core terms that are members of an attribute or entity, so never the name of one (clause 4.5.1)."""

_TELLING = frozenset({"type", "@type", *KIND_OF, *_META})  # a plain object with one of these reads as an attribute
_UNIT_OF = frozenset({"Property", "ListProperty", None})
_VALUE_TYPE_OF = frozenset({"Property", "GeoProperty", "ListProperty", None})
_OBJECT_TYPE_OF = frozenset({"Relationship", "ListRelationship", None})


def entity_in(
    body: Any,
    context: Context,
    *,
    partial: bool = False,
    mode: Mode = "whole",
    simplified: bool = False,
    limits: Limits = DEFAULT,
) -> Doc:
    """The document that a body says; `partial` lets `id` and `type` be left out (fragments).

    A member that a fragment takes away is the string NULL: of an attribute, of `scope`, of a member of an instance. An
    instance with a datasetId that is to go keeps its form, and its value is NULL. `simplified` reads every value as a
    value (options=keyValues). An @context in the body is passed over: who calls has read it. Raises BadRequest.
    """
    if type(body) is not dict:
        raise BadRequest("an entity is a JSON object")
    reader = _Reader(context, mode, limits, simplified=simplified)
    doc: Doc = {}
    ident = body.get("id", body.get("@id"))
    if ident is not None or "id" in body or not partial:
        doc["id"] = uri(ident, "id", limits)
    kind = body.get("type", body.get("@type"))
    if kind is not None or "type" in body or not partial:
        doc["type"] = reader.types(kind)
    for key, value in body.items():
        if key in _ENTITY_MEMBERS:
            if key == "scope":
                doc["scope"] = reader.scope(value)
            elif key == "expiresAt":
                doc["expiresAt"] = at(key, reader.when, value)
            continue
        try:
            reader.sub(doc, key, value, 0)
        except BadRequest as fault:
            raise under(key, fault) from None
    return doc


_ENTITY_MEMBERS = frozenset({*MEMBERS, "@id", "@type"})


def attribute_in(
    body: Any,
    context: Context,
    name: str,
    *,
    mode: Mode = "merge",
    simplified: bool = False,
    limits: Limits = DEFAULT,
) -> Any:
    """What a body says of the one attribute `name` (a stored name): an instance, a list of them, or NULL.

    In mode "merge" (the default) it may be partial: without type, without value. Raises BadRequest.
    """
    if name in RESERVED:
        raise BadRequest(f"{name!r} is a member of the standard, not the name of an attribute", where=name)
    reader = _Reader(context, mode, limits, simplified=simplified)
    if type(body) is dict and "@context" in body:
        body = {key: value for key, value in body.items() if key != "@context"}
    return reader.entry(body, name, 1)


def completed(entry: Any) -> Any:
    """An attribute of mode "merge" that turns out to be new: with the types that were left unsaid.

    Raises BadRequest when it has no value, or is NULL: there is nothing to take away.
    """
    if type(entry) is list:
        return [completed(one) for one in entry]
    if type(entry) is not dict:
        raise BadRequest("an attribute that is not there cannot be taken away")
    kind = entry.get("type")
    if kind is None:
        kind = _implied(entry)
    if kind is None or entry.get(VALUE_OF[kind], NULL) == NULL:
        raise BadRequest("an attribute that is new needs a value")
    whole: Instance = {"type": kind}
    for member, value in entry.items():
        if member in RESERVED:
            if value != NULL:
                whole[member] = _without_nulls(value) if member in {"value", "languageMap"} else value
        elif value != NULL:
            whole[member] = completed(value)
    return whole


def _without_nulls(value: Any) -> Any:
    """What a merge makes of nothing (RFC 7396): the value without what it would take away."""
    if type(value) is not dict:
        return value
    return {key: _without_nulls(inner) for key, inner in value.items() if inner != NULL}


def is_geometry(value: Any) -> bool:
    """Whether a value reads as a GeoJSON geometry that NGSI-LD knows (clause 4.7)."""
    return type(value) is dict and "coordinates" in value and _hashed(value.get("type")) in GEOMETRIES


def reads_as_value(value: Any) -> bool:
    """Whether `value` alone, as a concise attribute, reads back as a Property of that value."""
    if type(value) is dict:
        return _TELLING.isdisjoint(value)
    if type(value) is list:
        return not any(_is_instance(one) for one in value)
    return bool(value != NULL)


def _hashed(value: Any) -> Any:
    return value if type(value) is str else None


def _is_instance(one: Any) -> bool:
    return type(one) is dict and (
        _hashed(one.get("type")) in VALUE_OF or not KIND_OF.keys().isdisjoint(one) or "datasetId" in one
    )


def _implied(raw: dict[str, Any]) -> str | None:
    """The kind that an attribute's members imply, or None. Two kinds at once are a BadRequest."""
    found = [KIND_OF[member] for member in raw if member in KIND_OF]
    if len(found) > 1:
        raise BadRequest(f"an attribute is one of {' and '.join(found)}, not all of them")
    if not found:
        return None
    return "GeoProperty" if found[0] == "Property" and is_geometry(raw["value"]) else found[0]


class _Reader(Values):
    """Reads the attributes of one body."""

    __slots__ = ("_simplified",)

    def __init__(self, context: Context, mode: Mode, limits: Limits, *, simplified: bool) -> None:
        super().__init__(context, mode, limits)
        self._simplified = simplified

    # Members of an entity

    def types(self, value: Any) -> str | list[str]:
        names = value if type(value) is list else [value]
        if not names:
            raise BadRequest("an entity has a type", where="type")
        found: dict[str, None] = {}
        for one in names:
            if type(one) is not str or one == NULL:
                said = "is missing" if value is None else f"{str(one)[:128]!r} is not the name of a type"
                raise BadRequest(f"type {said}", where="type")
            found[at("type", self.context.name, one)] = None
        return next(iter(found)) if len(found) == 1 else list(found)

    # Attributes

    def entry(self, raw: Any, name: str, depth: int) -> Any:
        """What stands in the document for one attribute, however it was written."""
        kind = type(raw)
        if kind is dict:
            return self._one(raw, name, depth)
        if kind is list and not self._simplified and any(_is_instance(one) for one in raw):
            return self._several(raw, name, depth)
        if kind is str and raw == NULL and self.nulls:
            return NULL
        value = self.plain(raw, depth, urn=self.merge)
        return {"value": value} if self.merge else {"type": "Property", "value": value}

    def _one(self, raw: dict[str, Any], name: str, depth: int) -> Any:
        kind = raw.get("type")
        if self._simplified:
            return self._from_simplified(raw, name, depth)
        if kind is None or type(kind) is not str or kind not in VALUE_OF:
            if is_geometry(raw):
                return self._geo(raw)
            if "type" in raw or "@type" in raw:
                kind = self._kind(raw.get("type", raw.get("@type")))
            else:
                kind = _implied(raw)
                if kind is None and _TELLING.isdisjoint(raw):
                    value = self.plain(raw, depth, urn=self.merge)
                    return {"value": value} if self.merge else {"type": "Property", "value": value}
        return self._or_null(self._instance(raw, kind, name, depth), kind)

    def _or_null(self, instance: Instance, kind: str | None) -> Any:
        if self.nulls and kind is not None and "datasetId" not in instance and instance.get(VALUE_OF[kind]) == NULL:
            return NULL
        return instance

    def _several(self, raw: list[Any], name: str, depth: int) -> Any:
        found: dict[str | None, Instance] = {}
        for place, one in enumerate(raw):
            try:
                self._another(one, found, name, depth + 1)
            except BadRequest as fault:
                raise under(place, fault) from None
        if len(found) > 1:
            return list(found.values())
        (instance,) = found.values()
        return self._or_null(instance, instance.get("type") or _implied(instance))

    def _another(self, one: Any, found: dict[str | None, Instance], name: str, depth: int) -> None:
        if not _is_instance(one):
            raise BadRequest("a list holds instances of the attribute, or values, not both")
        said = one.get("type", one.get("@type"))
        instance = self._instance(one, self._kind(said) if said is not None else _implied(one), name, depth)
        dataset = instance.get("datasetId")
        if dataset in found:
            raise BadRequest(
                "two instances have no datasetId" if dataset is None else f"two instances have {dataset!r}",
                mend="give each instance but one a datasetId of its own",
            )
        found[dataset] = instance

    def _kind(self, said: Any) -> str:
        if type(said) is str:
            if said in VALUE_OF:
                return said
            full = self.context.expand(said)
            if full in VALUE_OF:
                return full
        raise BadRequest(
            f"{str(said)[:64]!r} is not a kind of attribute",
            where="type",
            mend=f"one of {', '.join(VALUE_OF)}; or put an object with a type of its own under value",
        )

    def _instance(self, raw: dict[str, Any], kind: str | None, name: str, depth: int) -> Instance:
        """One instance, normalized. `kind` None: nothing tells it, which only a partial one may leave open."""
        if depth > self.limits.depth:
            raise TooLarge(f"attributes nest deeper than {self.limits.depth}")
        out: Instance = {}
        member_of_value = "" if kind is None else VALUE_OF[kind]
        if kind is not None and (not self.merge or "type" in raw or "@type" in raw):
            out["type"] = kind
        for member, value in raw.items():
            try:
                if member == "type":
                    continue
                if member == member_of_value:
                    plain = kind == "Property" and type(value) is float and isfinite(value)
                    out[member] = value if plain else self.value(kind, value, depth)
                elif member == "observedAt":
                    out[member] = self.when(value)
                elif member == "unitCode" and kind == "Property":
                    out[member] = self.text(value) if value != NULL or not self.nulls else NULL
                elif member not in _ATTRIBUTE_MEMBERS:
                    self.sub(out, member, value, depth)
                else:
                    self._meta(out, member, value, kind, name)
            except BadRequest as fault:
                raise under(member, fault) from None
        if member_of_value not in out and not self.merge:
            raise BadRequest(f"a {kind or 'Property'} needs its {member_of_value or 'value'}")
        return out

    def sub(self, out: dict[str, Any], member: str, value: Any, depth: int) -> None:
        """Put one attribute, of an entity or of an instance, where it belongs."""
        stored = self.context.name(member)
        if stored in RESERVED:
            raise BadRequest(f"{member!r} is a member of the standard, not the name of an attribute")
        if stored in out:
            raise BadRequest(f"{stored!r} is said twice")
        out[stored] = self.entry(value, stored, depth + 1)

    def _meta(self, out: Instance, member: str, value: Any, kind: str | None, name: str) -> None:
        if member in _IGNORED or member == "@type" or _LINKED.get(member, "") == kind:
            return
        if value is None:
            raise BadRequest("null says nothing here", mend="leave it out")
        if member == "datasetId":
            if value != "@none":
                out[member] = uri(value, None, self.limits)
        elif value == NULL and self.nulls and member in _META:
            out[member] = NULL
        elif member == "expiresAt":
            out[member] = self.when(value)
        elif (member == "unitCode" and kind in _UNIT_OF) or (member == "lang" and kind in {"Property", None}):
            out[member] = self.text(value)
        elif (member == "valueType" and kind in _VALUE_TYPE_OF) or (member == "objectType" and kind in _OBJECT_TYPE_OF):
            out[member] = self.terms(value, one=member == "valueType")
        elif member in _SEALED and name == "ngsildproof":
            out[member] = self.terms(value, one=False) if member == "entityTypeSealed" else self.text(value)
        elif member == "@context":
            raise BadRequest("an attribute holds no @context of its own (clause 5.5.7)")
        else:
            raise BadRequest(f"a {kind or 'Property'} has no {member}")

    def _geo(self, geometry: Any) -> Instance:
        return {"type": "GeoProperty", "value": self.geometry(geometry)}

    # Simplified

    def _from_simplified(self, raw: dict[str, Any], name: str, depth: int) -> Any:
        if is_geometry(raw):
            return self._geo(raw)
        if len(raw) == 1:
            ((member, value),) = raw.items()
            if member in {"languageMap", "vocab", "json"}:
                return self._instance(raw, KIND_OF[member], name, depth)
            if member == "dataset" and type(value) is dict and value:
                return self._dataset(value, name, depth)
        value = self.plain(raw, depth, urn=self.merge)
        return {"value": value} if self.merge else {"type": "Property", "value": value}

    def _dataset(self, values: dict[str, Any], name: str, depth: int) -> Any:
        found = []
        for dataset, value in values.items():
            try:
                found.append(self._in_dataset(dataset, value, name, depth + 1))
            except BadRequest as fault:
                raise under(dataset, fault) from None
        return found if len(found) > 1 else found[0]

    def _in_dataset(self, dataset: str, value: Any, name: str, depth: int) -> Instance:
        instance = self.entry(value, name, depth)
        if type(instance) is not dict:
            raise BadRequest("a dataset holds one value for each datasetId")
        if dataset != "@none":
            instance["datasetId"] = uri(dataset, None, self.limits)
        return instance


_ATTRIBUTE_MEMBERS = frozenset({*RESERVED, "@id", "@type"})
