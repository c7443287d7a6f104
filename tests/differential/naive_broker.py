"""A context broker as plain as can be, written from the clauses of CIM 009 alone: what hansa is compared with.

It shares no code with hansa: no merge, no parser, no index. A body is normalized JSON as a client sends it; an entity
is a record of types, scopes and attribute instances by (name, datasetId). Every operation gives its clause's status.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

NULL = "urn:ngsi-ld:null"
VALUE = {
    "Property": "value",
    "GeoProperty": "value",
    "Relationship": "object",
    "LanguageProperty": "languageMap",
    "VocabProperty": "vocab",
    "JsonProperty": "json",
    "ListProperty": "valueList",
    "ListRelationship": "objectList",
}
PLAIN = {"type", "observedAt", "unitCode", "datasetId", *VALUE.values()}
MEMBERS = {"id", "type", "scope"}


@dataclass
class Thing:
    """An entity: instances by (name, datasetId or "@none"), and when each was created and modified."""

    types: list[str]
    created: datetime
    modified: datetime
    scopes: list[str] = field(default_factory=list)
    instances: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    stamps: dict[tuple[str, str], list[datetime]] = field(default_factory=dict)


class Refuse(Exception):
    """The request is refused with this status, and nothing of it happens."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class Naive:
    """The broker. `now` is set by whoever asks."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.things: dict[str, Thing] = {}
        self.past: list[tuple[str, str, str, dict[str, Any]]] = []  # id, name, dataset, instance, as they came

    # One entity

    def create(self, body: dict[str, Any]) -> int:
        """5.6.1."""
        if body["id"] in self.things:
            return 409
        thing = self.things[body["id"]] = Thing([], self.now, self.now)
        self._types(thing, body)
        thing.scopes = listed(body.get("scope", []))
        for name, instance in told(body):
            self._put(body["id"], thing, name, instance)
        return 201

    def append(self, ident: str, body: dict[str, Any], *, overwrite: bool) -> tuple[int, set[str]]:
        """5.6.3: the status, and the names that were left as they are."""
        thing = self._thing(ident)
        self._types(thing, body)
        missed = set()
        if "scope" in body:
            scopes = listed(body["scope"])
            self._scopes(thing, scopes if overwrite else list(dict.fromkeys([*thing.scopes, *scopes])))
        for name, instance in told(body):
            if overwrite or (name, dataset_of(instance)) not in thing.instances:
                self._put(ident, thing, name, instance)
            else:
                missed.add(name)
        return 207 if missed else 204, missed

    def update(self, ident: str, body: dict[str, Any]) -> tuple[int, set[str]]:
        """5.6.2 by 5.5.8: whole instances; NGSI-LD Null deletes; scope only where there is one."""
        thing = self._thing(ident)
        self._types(thing, body)
        missed = set()
        if "scope" in body:
            if thing.scopes:
                self._scopes(thing, [] if body["scope"] == NULL else listed(body["scope"]))
            else:
                missed.add("scope")
        for name, instance in told(body):
            if is_null(instance):
                self._take(ident, thing, name, dataset_of(instance))
            else:
                self._put(ident, thing, name, instance)
        return 207 if missed else 204, missed

    def merge(self, ident: str, body: dict[str, Any]) -> int:
        """5.6.17 by 5.5.12: down to any depth; the first thing that makes no sense refuses all of it."""
        was = self._thing(ident)
        thing, past = deepcopy(was), list(self.past)
        self.things[ident] = thing
        try:
            self._types(thing, body)
            if "scope" in body:
                self._scopes(thing, [] if body["scope"] == NULL else listed(body["scope"]))
            for name, instance in told(body):
                self._merge_one(ident, thing, name, instance)
        except Refuse as no:
            self.things[ident], self.past = was, past
            return no.status
        return 204

    def _merge_one(self, ident: str, thing: Thing, name: str, instance: Any) -> None:
        key = name, dataset_of(instance)
        if is_null(instance):
            self._take(ident, thing, *key)
        elif key in thing.instances:
            self._put(ident, thing, name, sane(merged_attribute(thing.instances[key], instance)))
        else:
            self._put(ident, thing, name, sane(merged_attribute({}, instance)))

    def replace(self, ident: str, body: dict[str, Any]) -> int:
        """5.6.18: everything is as the body says, but when it was created."""
        thing = self._thing(ident)
        types = list(dict.fromkeys(listed(body.get("type", thing.types))))
        if types != thing.types:
            thing.types, thing.modified = types, self.now
        self._scopes(thing, listed(body.get("scope", [])))
        said = {(name, dataset_of(one)) for name, one in told(body)}
        for key in [key for key in thing.instances if key not in said]:
            self._take(ident, thing, *key)
        for name, instance in told(body):
            self._put(ident, thing, name, instance)
        return 204

    def delete(self, ident: str) -> int:
        """5.6.6."""
        thing = self._thing(ident)
        for name, dataset in list(thing.instances):
            self._take(ident, thing, name, dataset)
        del self.things[ident]
        return 204

    # One attribute

    def patch_attribute(self, ident: str, name: str, fragment: dict[str, Any]) -> int:
        """5.6.4 by 5.5.8: members of one instance are replaced; the kind of attribute stays."""
        thing = self._thing(ident)
        key = name, dataset_of(fragment)
        old = thing.instances.get(key)
        if old is None:
            return 404
        if is_null(fragment):
            self._take(ident, thing, *key)
            return 204
        if kind_of(fragment) not in {None, old["type"]}:
            return 400
        fresh = {**old}
        for member, value in fragment.items():
            if value == NULL:
                fresh.pop(member, None)
            else:
                fresh[member] = value if member in PLAIN else {"type": kind_of(value), **value}
        self._put(ident, thing, name, sane(fresh))
        return 204

    def replace_attribute(self, ident: str, name: str, instance: dict[str, Any]) -> int:
        """5.6.19."""
        thing = self._thing(ident)
        if (name, dataset_of(instance)) not in thing.instances:
            return 404
        self._put(ident, thing, name, instance)
        return 204

    def delete_attribute(self, ident: str, name: str, dataset: str | None, *, everything: bool) -> int:
        """5.6.5."""
        thing = self._thing(ident)
        if name == "scope":
            if not thing.scopes:
                return 404
            self._scopes(thing, [])
            return 204
        doomed = [key for key in thing.instances if key[0] == name and (everything or key[1] == (dataset or "@none"))]
        for key in doomed:
            self._take(ident, thing, *key)
        return 204 if doomed else 404

    # Many

    def batch(self, verb: str, bodies: list[Any], option: str | None) -> tuple[int, list[str], list[str]]:
        """5.6.7 to 5.6.10 and 5.6.20, in their order (5.5.11): the status, ids that went well, ids that did not."""
        well: list[str] = []
        fresh: list[str] = []
        ill: list[str] = []
        for body in bodies:
            ident = body if type(body) is str else body["id"]
            new = ident not in self.things
            try:
                status = self._single(verb, ident, body, option)
            except Refuse as no:
                status = no.status
            (ill if status >= 400 or status == 207 else well).append(ident)
            if new and status == 201:
                fresh.append(ident)
        well = list(dict.fromkeys(well))
        if ill:
            return 207, well, ill
        if verb == "create":
            return 201, well, []
        return (201, list(dict.fromkeys(fresh)), []) if fresh else (204, [], [])

    def _single(self, verb: str, ident: str, body: Any, option: str | None) -> int:
        if verb == "delete":
            return self.delete(ident)
        if "type" not in body:
            return 400  # what is in a batch is an Entity (5.2.4), never a fragment
        if verb == "create" or (verb == "upsert" and ident not in self.things):
            return self.create(body)
        if verb == "upsert":
            if option != "update":
                return self.replace(ident, body)
            self.update(ident, body)
            return 204  # a scope that is ignored (5.6.2) is no error
        if verb == "merge":
            return self.merge(ident, body)
        return self.append(ident, body, overwrite=option != "noOverwrite")[0]

    # What is there

    def document(self, ident: str, *, system: bool = False) -> dict[str, Any]:
        """The normalized entity as it should be answered; types, scopes and instances in no order (see `alike`)."""
        thing = self.things[ident]
        doc: dict[str, Any] = {"id": ident, "type": thing.types}
        if thing.scopes:
            doc["scope"] = thing.scopes
        if system:
            doc |= {"createdAt": text(thing.created), "modifiedAt": text(thing.modified)}
        for (name, dataset), instance in thing.instances.items():
            shown = dict(instance)
            if system:
                created, modified = thing.stamps[name, dataset]
                shown |= {"createdAt": text(created), "modifiedAt": text(modified)}
            doc.setdefault(name, []).append(shown)
        return doc

    def simplified(self, ident: str) -> dict[str, Any]:
        """4.5.4: attributes as their values alone."""
        thing = self.things[ident]
        doc: dict[str, Any] = {"id": ident, "type": thing.types} | ({"scope": thing.scopes} if thing.scopes else {})
        for name in {name for name, _ in thing.instances}:
            values = {d: simple(one) for (n, d), one in thing.instances.items() if n == name}
            doc[name] = next(iter(values.values())) if len(values) == 1 else {"dataset": values}
        return doc

    # Steps

    def _thing(self, ident: str) -> Thing:
        if ident not in self.things:
            raise Refuse(404)
        return self.things[ident]

    def _types(self, thing: Thing, body: dict[str, Any]) -> None:
        for one in listed(body.get("type", [])):
            if one not in thing.types:
                thing.types.append(one)
                thing.modified = self.now

    def _scopes(self, thing: Thing, scopes: list[str]) -> None:
        if thing.scopes != scopes:
            thing.scopes, thing.modified = scopes, self.now

    def _put(self, ident: str, thing: Thing, name: str, instance: dict[str, Any]) -> None:
        stored = canonical(instance)
        key = name, dataset_of(stored)
        thing.stamps[key] = [thing.stamps[key][0] if key in thing.stamps else self.now, self.now]
        thing.instances[key] = stored
        thing.modified = self.now
        self.past.append((ident, *key, stored))

    def _take(self, ident: str, thing: Thing, name: str, dataset: str) -> None:
        old = thing.instances.pop((name, dataset), None)
        if old is not None:
            del thing.stamps[name, dataset]
            thing.modified = self.now
            self.past.append((ident, name, dataset, nothing(old)))


def told(body: dict[str, Any]) -> list[tuple[str, Any]]:
    """Every instance that a body names."""
    return [(name, one) for name, entry in body.items() if name not in MEMBERS for one in listed(entry)]


def listed(value: Any) -> list[Any]:
    return value if type(value) is list else [value]


def dataset_of(instance: Any) -> str:
    """4.5.5: an instance without datasetId is the default one, which may also be called @none."""
    return "@none" if instance == NULL else str(instance.get("datasetId", "@none"))


def kind_of(instance: dict[str, Any]) -> str | None:
    """The kind that an instance says, or implies by the member that holds its value."""
    if "type" in instance:
        return str(instance["type"])
    kinds = [kind for kind, member in VALUE.items() if member in instance and kind != "GeoProperty"]
    if kinds == ["Property"] and type(instance["value"]) is dict and "coordinates" in instance["value"]:
        return "GeoProperty"
    return kinds[0] if kinds else None


def is_null(instance: Any) -> bool:
    """4.5.0: the forms of NGSI-LD Null for a whole instance."""
    return instance == NULL or any(
        instance.get(member) in (NULL, [NULL], {"@none": NULL}) for member in set(VALUE.values()) if member in instance
    )


def merged_attribute(old: dict[str, Any], fragment: dict[str, Any]) -> dict[str, Any]:
    """An attribute with a fragment of one laid over it; of another kind, it takes the place of what was there."""
    kind = kind_of(fragment)
    if not old or kind not in {None, old["type"]}:
        old = {} if kind is None else {"type": kind}
    fresh = dict(old)
    for member, value in fragment.items():
        if value == NULL:
            fresh.pop(member, None)
        elif member in PLAIN:
            fresh[member] = merge_patch(old.get(member), value)
        elif type(value) is dict:
            fresh[member] = merged_attribute(old.get(member, {}), value)
        else:
            fresh[member] = value
    return fresh


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396, section 2, with the NGSI-LD Null in the place of null."""
    if type(patch) is not dict:
        return patch
    result = dict(target) if type(target) is dict else {}
    for member, value in patch.items():
        if value == NULL:
            result.pop(member, None)
        else:
            result[member] = merge_patch(result.get(member), value)
    return result


def sane(instance: dict[str, Any]) -> dict[str, Any]:
    """The instance, unless it is none: without a value, or a unit on what has none (5.2.5 to 5.2.8). Raises Refuse."""
    kind = instance.get("type")
    if kind not in VALUE or VALUE[kind] not in instance:
        raise Refuse(400)
    if "unitCode" in instance and kind not in {"Property", "ListProperty"}:
        raise Refuse(400)
    for member, value in instance.items():
        if member not in PLAIN and type(value) is dict:
            sane(value)
    return instance


def canonical(instance: dict[str, Any]) -> dict[str, Any]:
    """An instance as it is answered: instants in UTC, the default instance without datasetId, objects in full."""
    out: dict[str, Any] = {"type": kind_of(instance)}
    for member, value in instance.items():
        if member == "observedAt":
            out[member] = text(instant(value))
        elif member == "objectList":
            out[member] = [one if type(one) is dict else {"object": one} for one in value]
        elif member not in PLAIN:
            out[member] = [canonical(one) for one in value] if type(value) is list else canonical(value)
        elif member != "datasetId" or value != "@none":
            out[member] = value
    return out


def from_concise(entry: Any) -> Any:
    """What a concise attribute stands for (4.5.2.3): a value alone is a Property, or a GeoProperty."""
    if type(entry) is list and all(is_attribute(one) for one in entry) and entry:
        return [from_concise(one) for one in entry]
    if not is_attribute(entry):
        geometry = type(entry) is dict and "coordinates" in entry
        return {"type": "GeoProperty" if geometry else "Property", "value": entry}
    return {m: one if m in PLAIN else from_concise(one) for m, one in entry.items()}


def is_attribute(entry: Any) -> bool:
    return type(entry) is dict and (entry.get("type") in VALUE or not (PLAIN - {"type"}).isdisjoint(entry))


def nothing(old: dict[str, Any]) -> dict[str, Any]:
    """How an instance that was deleted stands in history (4.5.0, 4.5.7)."""
    kind = old["type"]
    null: Any = {"LanguageProperty": {"@none": NULL}, "ListProperty": [NULL], "ListRelationship": [NULL]}.get(
        kind, NULL
    )
    return {"type": kind, VALUE[kind]: null} | ({"datasetId": old["datasetId"]} if "datasetId" in old else {})


def simple(instance: dict[str, Any]) -> Any:
    kind = instance["type"]
    value = instance[VALUE[kind]]
    if kind in {"LanguageProperty", "VocabProperty", "JsonProperty"}:
        return {VALUE[kind]: value}
    return [one["object"] for one in value] if kind == "ListRelationship" else value


def instant(said: str) -> datetime:
    return datetime.fromisoformat(said.replace(",", ".")).astimezone(UTC)


def text(at: datetime) -> str:
    """4.6.3, as short as the instant allows."""
    whole = at.strftime("%Y-%m-%dT%H:%M:%S")
    return whole + (f".{at.microsecond:06d}".rstrip("0") if at.microsecond else "") + "Z"


def alike(doc: Any) -> Any:
    """A document in a form that can be compared: types, scopes and instances in one order, numbers as what they are."""
    out = {}
    for name, entry in doc.items():
        if name in {"type", "scope"}:
            out[name] = sorted(listed(entry))
        elif type(entry) is list and all(type(one) is dict for one in entry) and entry:
            out[name] = sorted((exact(one) for one in entry), key=repr)
        elif type(entry) is dict and "type" in entry:
            out[name] = [exact(entry)]
        else:
            out[name] = exact(entry)
    return out


def exact(value: Any) -> Any:
    """A JSON value in which `true` is not 1, and 1 is 1.0."""
    if type(value) is dict:
        return {name: exact(value[name]) for name in sorted(value)}
    if type(value) is list:
        return [exact(one) for one in value]
    return ("truth", value) if type(value) is bool else value
