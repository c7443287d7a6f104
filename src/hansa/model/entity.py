"""Entity and Attribute: views on the one representation, the NGSI-LD document.

The document is plain JSON, normalized, its names compacted with the core @context alone (so `temperature` stands for
`https://uri.etsi.org/ngsi-ld/default-context/temperature`, and any other IRI stands in full):

    {"id": "urn:ngsi-ld:WeatherObserved:north", "type": "WeatherObserved",
     "temperature": {"type": "Property", "value": 3.1, "unitCode": "CEL", "observedAt": "2026-11-22T18:00:00Z"},
     "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [17.1, 48.1]}}}

An attribute with several instances (`datasetId`) is a list of such objects. Stamps (createdAt, modifiedAt) stand beside
the document, never in it, so that stored bytes can be an answer. A document is never changed in place: who changes,
copies.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import rfc8785

from hansa import clock

type_of = type  # `type` is a word of the standard here

Doc = dict[str, Any]
Instance = dict[str, Any]  # one attribute instance of a document

MEMBERS: Final = frozenset({"id", "type", "scope", "@context", "createdAt", "modifiedAt", "deletedAt", "expiresAt"})
"""Members of an entity document that are not attributes."""

VALUE_OF: Final = {
    "Property": "value",
    "GeoProperty": "value",
    "Relationship": "object",
    "LanguageProperty": "languageMap",
    "VocabProperty": "vocab",
    "JsonProperty": "json",
    "ListProperty": "valueList",
    "ListRelationship": "objectList",
}
"""Which member of an attribute holds its value, by kind (CIM 009, clause 4.5)."""

GEOMETRIES: Final = frozenset({"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"})


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute instance, as an app reads and writes it. `unit` is a UN/CEFACT code, `at` microseconds."""

    value: Any
    unit: str | None = None
    at: int | None = None
    kind: str = "Property"
    dataset: str | None = None
    extra: Mapping[str, Any] | None = None  # sub-attributes, as they stand in the document

    @classmethod
    def of(cls, instance: Instance) -> "Attribute":
        """Read one instance of a document."""
        kind = instance.get("type", "Property")
        member = VALUE_OF.get(kind, "value")
        observed = instance.get("observedAt")
        extra = {k: v for k, v in instance.items() if k not in _PLAIN and k != member} or None
        return cls(
            value=instance.get(member),
            unit=instance.get("unitCode"),
            at=None if observed is None else clock.parse(observed),
            kind=kind,
            dataset=instance.get("datasetId"),
            extra=extra,
        )

    def document(self) -> Instance:
        """Write it as it stands in a document."""
        instance: Instance = {"type": self.kind, VALUE_OF[self.kind]: self.value}
        if self.unit is not None:
            instance["unitCode"] = self.unit
        if self.at is not None:
            instance["observedAt"] = clock.text(self.at)
        if self.dataset is not None:
            instance["datasetId"] = self.dataset
        if self.extra:
            instance.update(self.extra)
        return instance


_PLAIN = frozenset({"type", "unitCode", "observedAt", "datasetId"})


def instances(entry: Any) -> list[Instance]:
    """The instances of a document's attribute entry: one object, or a list of them."""
    return entry if type_of(entry) is list else [entry]


def default_instance(entry: Any) -> Instance | None:
    """The instance without a datasetId, or None when every instance has one."""
    if type_of(entry) is list:
        for one in entry:
            if "datasetId" not in one:
                return one  # type: ignore[no-any-return]
        return None
    return None if "datasetId" in entry else entry


def targets(listed: list[Any]) -> list[str]:
    """What an objectList points at; of one that went, the NGSI-LD null that is all it holds (4.5.22.2)."""
    return [one["object"] if type_of(one) is dict else one for one in listed]


def types_of(doc: Doc) -> list[str]:
    """The types of a document, always as a list."""
    kind = doc["type"]
    return kind if type_of(kind) is list else [kind]


class Entity:
    """A thing the city knows: `e["temperature"]` is a value, `e.attribute("temperature")` all that is known of it.

    Absent means "not said", never null. Read only.
    """

    __slots__ = ("doc", "label", "realm", "stamps")

    def __init__(self, doc: Doc, stamps: "Stamps | None" = None, realm: str = "open", label: str | None = None) -> None:
        """Wrap a document; `stamps` and `label` as the store keeps them beside it."""
        self.doc = doc
        self.stamps = stamps
        self.realm = realm
        self.label = label

    @property
    def id(self) -> str:
        """The URI."""
        return self.doc["id"]  # type: ignore[no-any-return]

    @property
    def key(self) -> str:
        """The last part of the id: `north` of `urn:ngsi-ld:WeatherObserved:north`."""
        ident = self.id
        parts = ident.split(":", 3)
        return parts[3] if len(parts) == 4 and ident.startswith("urn:ngsi-ld:") else ident

    @property
    def types(self) -> list[str]:
        """Its types."""
        return types_of(self.doc)

    @property
    def type(self) -> str:
        """Its first type."""
        return self.types[0]

    @property
    def scope(self) -> list[str]:
        """Its scopes, perhaps none."""
        scope = self.doc.get("scope")
        if scope is None:
            return []
        return scope if type_of(scope) is list else [scope]

    @property
    def names(self) -> list[str]:
        """The names of its attributes, as they are stored."""
        return [n for n in self.doc if n not in MEMBERS]

    @property
    def location(self) -> Any:
        """The GeoJSON geometry of `location`, or None."""
        return self.get("location")

    @property
    def digest(self) -> str:
        """The SHA-256 of all that is said, as canonical JSON (RFC 8785): what people sign, and the audit log keeps."""
        return sha256(rfc8785.dumps(self.doc)).hexdigest()

    def __getitem__(self, name: str) -> Any:
        """Value of the default instance; KeyError when it was not said."""
        found = self._instance(name)
        if found is None:
            raise KeyError(name)
        return found.get(VALUE_OF.get(found.get("type", "Property"), "value"))

    def __contains__(self, name: object) -> bool:
        """Whether a default instance of `name` was said."""
        return isinstance(name, str) and self._instance(name) is not None

    def __iter__(self) -> Iterator[str]:
        """Names of its attributes."""
        return iter(self.names)

    def __eq__(self, other: object) -> bool:
        """Same document in the same realm."""
        return isinstance(other, Entity) and self.doc == other.doc and self.realm == other.realm

    def __hash__(self) -> int:
        """By id."""
        return hash((self.id, self.realm))

    def __repr__(self) -> str:
        """Short: type and id."""
        return f"<Entity {self.doc.get('type')} {self.doc.get('id')}>"

    def get(self, name: str, default: Any = None) -> Any:
        """Value of the default instance, or `default`."""
        found = self._instance(name)
        return default if found is None else found.get(VALUE_OF.get(found.get("type", "Property"), "value"), default)

    def attribute(self, name: str, dataset: str | None = None) -> Attribute:
        """All that is known of one instance; KeyError when it was not said."""
        entry = self.doc.get(name) if name not in MEMBERS else None
        for one in instances(entry) if entry is not None else ():
            if one.get("datasetId") == dataset:
                return Attribute.of(one)
        if dataset is None and (found := self._instance(name)) is not None:
            return Attribute.of(found)
        raise KeyError(name)

    def at(self, name: str) -> int | None:
        """When the value was observed (microseconds), or None."""
        found = self._instance(name)
        observed = None if found is None else found.get("observedAt")
        return None if observed is None else clock.parse(observed)

    def _instance(self, name: str) -> Instance | None:
        if name in MEMBERS:
            return None
        entry = self.doc.get(name)
        if entry is not None:
            return default_instance(entry)
        return self._aliased(name)

    def _aliased(self, name: str) -> Instance | None:
        """The same term under Smart Data Models' IRIs; the newest observedAt wins."""
        if ":" in name:
            return None
        best: Instance | None = None
        for other in self.doc:
            if ":" in other and other.endswith(name) and alias(other) == name:
                found = default_instance(self.doc[other])
                if found is not None and (best is None or found.get("observedAt", "") > best.get("observedAt", "")):
                    best = found
        return best


_ALIASED = ("https://smartdatamodels.org/", "https://uri.fiware.org/ns/")


def alias(name: str) -> str:
    """The short term that an app uses for a name: Smart Data Models' IRIs lose their prefix, others stay.

    Source: smartdatamodels.org publishes every term as `https://smartdatamodels.org/[dataModel.X/]term`,
    FIWARE's older ones as `https://uri.fiware.org/ns/data-models#term`.
    """
    if name.startswith(_ALIASED):
        return name.replace("#", "/").rsplit("/", 1)[1]
    return name


@dataclass(slots=True)
class Stamps:
    """When an entity and its attributes were created and modified, in microseconds of the city's clock.

    `attrs` maps a name to {dataset or "": [created, modified]}. `labels` maps a name to its own label where
    it differs from the entity's.
    """

    created: int
    modified: int
    attrs: dict[str, dict[str, list[int]]]
    labels: dict[str, str]

    def without(self, names: set[str]) -> "Stamps":
        """These, as if there were no attributes of these names: nor does `modified` tell when they changed."""
        attrs = {name: own for name, own in self.attrs.items() if name not in names}
        modified = max((when[1] for own in attrs.values() for when in own.values()), default=self.created)
        labels = {name: label for name, label in self.labels.items() if name not in names}
        return Stamps(self.created, max(modified, self.created), attrs, labels)


def _instance_from(value: Any) -> Any:
    if isinstance(value, Attribute):
        return value.document()
    if isinstance(value, list) and value and all(isinstance(v, Attribute) for v in value):
        return [v.document() for v in value]
    if isinstance(value, dict) and "coordinates" in value:
        kind = value.get("type")
        if isinstance(kind, str) and kind in GEOMETRIES:
            return {"type": "GeoProperty", "value": value}
    return {"type": "Property", "value": value}


def entity(kind: str, ident: str, /, realm: str = "open", scope: str | list[str] | None = None, **said: Any) -> Entity:
    """Make an entity in an app's words: `entity("Alert", "frost-north", status="open", location=station.location)`.

    `ident` is a whole URI, or the last part of `urn:ngsi-ld:<kind>:<ident>`. Values are plain JSON (Property), GeoJSON
    geometries (GeoProperty) or `Attribute`; None is "not said" and left out.
    """
    whole = ident if ident.startswith(("urn:", "http://", "https://")) else f"urn:ngsi-ld:{kind}:{ident}"
    doc: Doc = {"id": whole, "type": kind}
    if scope is not None:
        doc["scope"] = scope
    for name, value in said.items():
        if value is not None:
            doc[name] = _instance_from(value)
    return Entity(doc, realm=realm)
