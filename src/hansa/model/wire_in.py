"""Documents from the wire: normalized, concise and simplified input made into what the store holds.

The data types are those of clauses 5.2.2 to 5.2.7, 5.2.32 and 5.2.35 to 5.2.38.

The document that comes out is normalized, its names are stored names (see `context`), its times canonical, and it
shares values with the body that came in. Every fault is a BadRequest whose `where` is the path of the member.
"""

from math import isfinite
from typing import Any, Final

from hansa.errors import BadRequest, TooLarge
from hansa.limits import DEFAULT, Limits
from hansa.model.context import Context
from hansa.model.entity import MEMBERS, VALUE_OF, Doc, Instance, instances
from hansa.model.members import (
    KIND_OF,
    META,
    OBJECT_TYPE_OF,
    OF_THE_STANDARD,
    PLACES,
    RESERVED,
    SEALED,
    UNIT_OF,
    VALUE_TYPE_OF,
    implied,
    is_geometry,
    is_instance,
    reads_as_value,
    said_by_us,
)
from hansa.model.wire_values import NULL, Mode, Values, at, under, uri


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
    if len(body) > limits.attributes:
        raise TooLarge(f"an entity of more than {limits.attributes:,} members", mend="send it in parts")
    reader = _Reader(context, mode, limits, simplified=simplified)
    doc: Doc = {}
    if not body.keys().isdisjoint(_KEYWORDS):
        body = _plainly(body)
    ident = body.get("id")
    if ident is not None or "id" in body or not partial:
        doc["id"] = uri(ident, "id", limits)
    kind = body.get("type")
    if kind is not None or "type" in body or not partial:
        doc["type"] = reader.types(kind)
    for key, value in body.items():
        if key in MEMBERS:
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


_KEYWORDS: Final = {"@id": "id", "@type": "type"}


def _plainly(body: dict[str, Any]) -> dict[str, Any]:
    """The body with JSON-LD's own words for `id` and `type` in the standard's."""
    for keyword, member in _KEYWORDS.items():
        if keyword in body and member in body:
            raise BadRequest(f"{member!r} is said twice, once as {keyword}", where=member)
    return {_KEYWORDS.get(key, key): value for key, value in body.items()}


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
    try:
        return reader.named(body, name, 0)
    except BadRequest as fault:
        fault.where = fault.where or name
        raise


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
        kind = implied(entry)
    if kind is None or entry.get(VALUE_OF[kind], NULL) == NULL:
        raise BadRequest("an attribute that is new needs a value")
    whole: Instance = {"type": kind}
    for member, value in entry.items():
        if member in RESERVED:
            if value != NULL:
                whole[member] = _without_nulls(value) if member in _DEEP else value
        elif value != NULL:
            whole[member] = completed(value)
    return whole


_DEEP: Final = frozenset({"value", "languageMap", "json"})  # what is merged down into


def _without_nulls(value: Any) -> Any:
    """What a merge makes of nothing (RFC 7396): the value without what it would take away."""
    if type(value) is not dict:
        return value
    return {key: _without_nulls(inner) for key, inner in value.items() if inner != NULL}


def _said(instance: Instance, member_of_value: str) -> Instance:
    """A whole instance without the members that are said to be null: it replaces one, so they are not there (5.5.8)."""
    out: Instance = {}
    for member, value in instance.items():
        if member == member_of_value or member in RESERVED:
            if value != NULL or member == member_of_value:
                out[member] = value
        elif value != NULL:
            some = [_said(one, VALUE_OF[one["type"]]) for one in instances(value)]
            some = [one for one in some if one[VALUE_OF[one["type"]]] != NULL]
            if some:
                out[member] = some if len(some) > 1 else some[0]
    return out


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
            name = at("type", self.context.name, one)
            if name in _KEYWORDS.values():  # what JSON-LD itself means by the word
                raise BadRequest(f"{one!r} is a word of JSON-LD, not the name of a type", where="type")
            found[name] = None
        return next(iter(found)) if len(found) == 1 else list(found)

    # Attributes

    def entry(self, raw: Any, name: str, depth: int) -> Any:
        """What stands in the document for one attribute, however it was written."""
        kind = type(raw)
        if kind is dict:
            return self._one(raw, name, depth)
        if kind is list and not self._simplified and any(is_instance(one) for one in raw):
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
                kind = implied(raw)
                if kind is None and reads_as_value(raw):
                    value = self.plain(raw, depth, urn=self.merge)
                    return {"value": value} if self.merge else {"type": "Property", "value": value}
        return self._or_null(self._instance(raw, kind, name, depth), kind)

    def _or_null(self, instance: Instance, kind: str | None) -> Any:
        if self.nulls and kind is not None and "datasetId" not in instance and instance.get(VALUE_OF[kind]) == NULL:
            return NULL
        return instance

    def _several(self, raw: list[Any], name: str, depth: int) -> Any:
        if len(raw) > self.limits.datasets:
            raise TooLarge(f"more than {self.limits.datasets:,} instances", mend="send them in parts")
        found: dict[str | None, Instance] = {}
        for place, one in enumerate(raw):
            try:
                self._another(one, found, name, depth + 1)
            except BadRequest as fault:
                raise under(place, fault) from None
        if len(found) > 1:
            return list(found.values())
        (instance,) = found.values()
        return self._or_null(instance, instance.get("type") or implied(instance))

    def _another(self, one: Any, found: dict[str | None, Instance], name: str, depth: int) -> None:
        if not is_instance(one):
            raise BadRequest("a list holds instances of the attribute, or values, not both")
        said = one.get("type", one.get("@type"))
        instance = self._instance(one, self._kind(said) if said is not None else implied(one), name, depth)
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
        if depth > 1 or not self.nulls or self.merge:
            return out
        return _said(out, member_of_value)

    def sub(self, out: dict[str, Any], member: str, value: Any, depth: int) -> None:
        """Put one attribute, of an entity or of an instance, where it belongs."""
        stored = self.context.name(member)
        if stored in RESERVED:
            raise BadRequest(f"{member!r} is a member of the standard, not the name of an attribute")
        if stored in out:
            raise BadRequest(f"{stored!r} is said twice")
        out[stored] = self.named(value, stored, depth)

    def named(self, raw: Any, name: str, depth: int) -> Any:
        """What stands in the document for the attribute `name`, which the standard may have an opinion of."""
        if name not in OF_THE_STANDARD or (depth and name in PLACES):
            return self.entry(raw, name, depth + 1)
        if name in PLACES:
            raw = self._as_place(raw)
        entry = self.entry(raw, name, depth + 1)
        for one in entry if type(entry) is list else [entry]:
            if type(one) is not dict:
                continue
            if name in PLACES:
                if one.get("type", "GeoProperty") != "GeoProperty":
                    raise BadRequest(f"{name} is a GeoProperty, not a {one['type']} (clause 4.7.1)", where="type")
            elif type(one.get("value", {})) is not dict and one["value"] != NULL:
                raise BadRequest("a proof is an object (clause 4.5.2.2)", where="value")
        return entry

    def _as_place(self, raw: Any) -> Any:
        """What was written for a GeoProperty of the standard, its kind said: it may come as JSON text (4.7.2)."""
        if type(raw) is list and not is_geometry(raw):
            return [self._as_place(one) for one in raw]
        if raw == NULL and self.nulls:
            return raw
        if type(raw) is not dict:
            return {"type": "GeoProperty", "value": raw} if not self._simplified else self.geometry(raw)
        if "value" in raw and not self._simplified and raw.keys().isdisjoint({"type", "@type"}):
            return {"type": "GeoProperty", **raw}
        return raw

    def _meta(self, out: Instance, member: str, value: Any, kind: str | None, name: str) -> None:
        if said_by_us(member, kind):
            return
        if value is None:
            raise BadRequest("null says nothing here", mend="leave it out")
        if member == "datasetId":
            if value != "@none":
                out[member] = uri(value, None, self.limits)
        elif value == NULL and self.nulls and member in META:
            out[member] = NULL
        elif member == "expiresAt":
            out[member] = self.when(value)
        elif member == "@type":
            if self._kind(value) != kind:
                raise BadRequest(f"it is a {kind} already")
        else:
            out[member] = self._own(member, value, kind, name)

    def _own(self, member: str, value: Any, kind: str | None, name: str) -> Any:
        """What stands for a member that only some kinds have."""
        if (member == "unitCode" and kind in UNIT_OF) or (member == "lang" and kind in {"Property", None}):
            return self.text(value)
        if (member == "valueType" and kind in VALUE_TYPE_OF) or (member == "objectType" and kind in OBJECT_TYPE_OF):
            terms = self.terms(value, one=member == "valueType")
            if kind == "LanguageProperty" and terms != "langString":
                raise BadRequest("the valueType of a LanguageProperty is langString (table 5.2.32-1)")
            return terms
        if member in SEALED and name == "ngsildproof":
            return self.terms(value, one=False) if member == "entityTypeSealed" else self.text(value)
        if member == "@context":
            raise BadRequest("an attribute holds no @context of its own (clause 5.5.7)")
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
        if instance == NULL:
            instance = {"value": NULL}
        if type(instance) is not dict:
            raise BadRequest("a dataset holds one value for each datasetId")
        if dataset != "@none":
            instance["datasetId"] = uri(dataset, None, self.limits)
        return instance


_ATTRIBUTE_MEMBERS = frozenset({*RESERVED, "@id", "@type"})
