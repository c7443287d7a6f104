"""Answers: documents made into the normalized, concise and simplified forms (CIM 009, clauses 4.5.1 to 4.5.4, 4.15).

An answer shares the values of the document, which nobody changes. Where an answer is the document itself, the store's
bytes are the answer: see `is_identity` and `spliceable`. GeoJSON is made of these forms in `wire_geo`.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Literal

from hansa import clock
from hansa.errors import BadRequest
from hansa.model.context import Context
from hansa.model.entity import MEMBERS, VALUE_OF, Doc, Instance, Stamps, targets
from hansa.model.members import RESERVED, is_geometry, reads_as_value
from hansa.model.projection import beyond

Form = Literal["normalized", "concise", "simplified"]
Linked = Mapping[str, Mapping[str, Any]]
"""By the name of a relationship and the URI it points at: an entity as it is to be shown."""

NOTHING_LINKED: Final[Linked] = {}

_FORMS: Final[dict[str, Form]] = {
    "normalized": "normalized",
    "concise": "concise",
    "simplified": "simplified",
    "keyValues": "simplified",
}
_NAMES = frozenset({"vocab", "objectType", "valueType", "entityTypeSealed"})  # members whose values are terms
_VERBATIM = RESERVED - _NAMES - {"expiresAt"}


def form_of(text: str) -> Form:
    """The form that a `format` or `options` parameter names; `keyValues` is the older word for simplified."""
    found = _FORMS.get(text)
    if found is None:
        raise BadRequest(f"{text[:64]!r} is not a representation", where="format", mend=f"one of {', '.join(_FORMS)}")
    return found


@dataclass(frozen=True, slots=True)
class View:
    """How somebody wants to see entities. Made once for an answer, then used for each of its entities.

    `attrs`, `pick` and `omit` hold stored names, perhaps with what is said of linked entities (see `projection`);
    `attrs` keeps id, type and scope, `pick` keeps what it names and nothing else. `datasets` holds datasetIds, "@none"
    for the default instance. `lang` is a list of languages as in RFC 3282. createdAt, modifiedAt and expiresAt are
    shown with `sys_attrs` only (clause 6.3.11).
    """

    context: Context
    form: Form = "normalized"
    sys_attrs: bool = False
    attrs: Collection[str] | None = None
    pick: Collection[str] | None = None
    omit: Collection[str] | None = None
    datasets: Collection[str] | None = None
    lang: str | None = None
    _ranges: tuple[str, ...] | None = field(init=False, repr=False)
    _gone: frozenset[str] = field(init=False, repr=False)  # what is omitted as a whole

    def __post_init__(self) -> None:
        """Read the languages once."""
        object.__setattr__(self, "_ranges", None if self.lang is None else _ranges(self.lang))
        gone = [name for name in self.omit or () if beyond(self.omit, name) is None]
        object.__setattr__(self, "_gone", frozenset(gone))

    @property
    def identity(self) -> bool:
        """Whether an answer is the stored document itself, byte for byte where `spliceable` says so."""
        return (
            self.context.plain
            and self.form == "normalized"
            and not self.sys_attrs
            and self.attrs is None
            and self.pick is None
            and self.omit is None
            and self.datasets is None
            and self.lang is None
        )

    def entity(self, doc: Doc, stamps: Stamps | None = None, linked: Linked = NOTHING_LINKED) -> dict[str, Any]:
        """One entity in this view; `linked` holds what its relationships point at, as it is to be shown (4.5.23.2)."""
        compact = self.context.compact
        out: dict[str, Any] = {}
        for name, entry in doc.items():
            if not self.shows(name):
                continue
            if name not in MEMBERS:
                times = stamps.attrs.get(name) if stamps is not None and self.sys_attrs else None
                shown = self.attribute(entry, times, linked.get(name) if linked else None)
                if shown is not None:
                    out[compact(name)] = shown
            elif name == "type":
                out[name] = [compact(one) for one in entry] if type(entry) is list else compact(entry)
            elif name != "expiresAt" or self.sys_attrs:
                out[name] = entry
        if self.sys_attrs and stamps is not None:
            if self.shows("createdAt"):
                out["createdAt"] = clock.text(stamps.created)
            if self.shows("modifiedAt"):
                out["modifiedAt"] = clock.text(stamps.modified)
        return out

    def attribute(
        self, entry: Any, times: dict[str, list[int]] | None = None, linked: Mapping[str, Any] | None = None
    ) -> Any:
        """One attribute in this view, or None when `datasets` leaves nothing of it. `times` as in `Stamps.attrs`."""
        if type(entry) is list:
            kept = entry if self.datasets is None else [one for one in entry if self.selects(one)]
            if not kept:
                return None
            if len(kept) > 1:
                return self._several(kept, times, linked)
            entry = kept[0]
        elif self.datasets is not None and not self.selects(entry):
            return None
        instance = self._instance(entry, times)
        if linked:
            instance = _embedded(instance, linked)
        if self.form == "simplified":
            return _simplified(instance, linked)
        return _concise(instance, alone=True) if self.form == "concise" else instance

    def shows(self, name: str) -> bool:
        """Whether a member of an entity is part of this view, by its name."""
        if name in self._gone:
            return False
        if self.pick is not None:
            return name in self.pick
        return self.attrs is None or name in self.attrs or name in MEMBERS

    def selects(self, instance: Instance) -> bool:
        """Whether an instance of an attribute is part of this view, by its datasetId (4.5.5)."""
        return self.datasets is None or instance.get("datasetId", "@none") in self.datasets

    def _several(
        self, entry: list[Instance], times: dict[str, list[int]] | None, linked: Mapping[str, Any] | None
    ) -> Any:
        shown = [self._instance(one, times) for one in entry]
        if linked:
            shown = [_embedded(one, linked) for one in shown]
        if self.form == "simplified":
            return {"dataset": {one.get("datasetId", "@none"): _simplified(one, linked) for one in shown}}
        return [_concise(one, alone=False) for one in shown] if self.form == "concise" else shown

    def _instance(self, instance: Instance, times: dict[str, list[int]] | None = None) -> Instance:
        compact = self.context.compact
        out: Instance = {}
        for member, value in instance.items():
            if member in _VERBATIM:
                out[member] = value
            elif member in _NAMES:
                out[member] = [compact(one) for one in value] if type(value) is list else compact(value)
            elif member != "expiresAt":
                if self.form != "simplified":
                    out[compact(member)] = self._sub(value)
            elif self.sys_attrs:
                out[member] = value
        if self._ranges is not None and out.get("type") == "LanguageProperty":
            out = _spoken(out, self._ranges)
        if times is not None and (stamp := times.get(instance.get("datasetId", ""))) is not None:
            out["createdAt"] = clock.text(stamp[0])
            out["modifiedAt"] = clock.text(stamp[1])
        return out

    def _sub(self, entry: Any) -> Any:
        if type(entry) is list:
            shown = [self._instance(one) for one in entry]
            return [_concise(one, alone=False) for one in shown] if self.form == "concise" else shown
        instance = self._instance(entry)
        return _concise(instance, alone=True) if self.form == "concise" else instance


def entity_out(
    doc: Doc,
    context: Context,
    form: Form = "normalized",
    *,
    stamps: Stamps | None = None,
    sys_attrs: bool = False,
    attrs: Collection[str] | None = None,
    pick: Collection[str] | None = None,
    omit: Collection[str] | None = None,
    datasets: Collection[str] | None = None,
    lang: str | None = None,
) -> dict[str, Any]:
    """One entity as `View` says; for many, make the View once."""
    return View(context, form, sys_attrs, attrs, pick, omit, datasets, lang).entity(doc, stamps)


def is_identity(
    context: Context,
    form: Form = "normalized",
    *,
    sys_attrs: bool = False,
    attrs: Collection[str] | None = None,
    pick: Collection[str] | None = None,
    omit: Collection[str] | None = None,
    datasets: Collection[str] | None = None,
    lang: str | None = None,
) -> bool:
    """Whether `entity_out` with these words gives the document itself."""
    return View(context, form, sys_attrs, attrs, pick, omit, datasets, lang).identity


def spliceable(stored: bytes) -> bool:
    """Whether a stored document may go out as it is when the view is the identity: it holds nothing to hide.

    expiresAt is a system attribute (clause 6.3.11). A text that happens to hold the word costs a decoding, no more.
    """
    return b"expiresAt" not in stored


def _concise(instance: Instance, *, alone: bool) -> Any:
    """The shortest form that reads back as the same; `alone` when it is not one of several instances."""
    kind = instance["type"]
    member = VALUE_OF[kind]
    value = instance[member]
    if kind in {"Property", "GeoProperty"}:
        geometry = is_geometry(value)
        if geometry != (kind == "GeoProperty"):
            return instance  # only its type tells what it is
        if alone and len(instance) == 2 and (geometry or reads_as_value(value)):
            return value
    out = {m: v for m, v in instance.items() if m != "type"}
    if kind == "ListRelationship":
        out[member] = targets(value)
    return out


_SIMPLE: Final[dict[str, Callable[[Any], Any]]] = {
    "LanguageProperty": lambda value: {"languageMap": value},
    "VocabProperty": lambda value: {"vocab": value},
    "JsonProperty": lambda value: {"json": value},
    "ListRelationship": targets,
}


def _simplified(instance: Instance, linked: Mapping[str, Any] | None = None) -> Any:
    kind = instance["type"]
    value = instance[VALUE_OF[kind]]
    simple = _SIMPLE.get(kind)
    value = value if simple is None else simple(value)
    if linked and kind in {"Relationship", "ListRelationship"}:
        return [linked.get(uri, uri) for uri in value] if type(value) is list else linked.get(value, value)
    return value


def _embedded(instance: Instance, linked: Mapping[str, Any]) -> Instance:
    """A relationship with the entities it points at, as its member `entity` or `entityList` (4.5.23.2)."""
    kind = instance["type"]
    if kind == "Relationship":
        target = instance["object"]
        if type(target) is list:
            found = [linked[uri] for uri in target if uri in linked]
            return {**instance, "entity": found} if found else instance
        return {**instance, "entity": linked[target]} if target in linked else instance
    if kind == "ListRelationship":
        found = [linked[uri] for uri in targets(instance["objectList"]) if uri in linked]
        return {**instance, "entityList": found} if found else instance
    return instance


def _spoken(instance: Instance, ranges: tuple[str, ...]) -> Instance:
    """A LanguageProperty as a Property in the language that fits best, which `lang` then names (clause 4.15)."""
    texts = instance["languageMap"]
    if not texts:
        return instance
    tag = _best(texts, ranges)
    out = {m: v for m, v in instance.items() if m != "languageMap"}
    out.update(type="Property", value=texts[tag], lang=tag)
    return out


def _best(texts: dict[str, Any], ranges: tuple[str, ...]) -> str:
    known = {tag.lower(): tag for tag in texts}
    for wanted in ranges:
        if wanted == "*":
            break
        at = wanted
        while at:  # RFC 4647, 3.4: look for fr-CH, then for fr
            if at in known:
                return known[at]
            at = at.rpartition("-")[0]
        for tag, said in known.items():  # whoever asks for fr can read fr-CH
            if tag.startswith(wanted + "-"):
                return said
    return known.get("@none") or next(iter(texts))


@lru_cache(256)
def _ranges(lang: str) -> tuple[str, ...]:
    """Languages in the order of preference: `fr-CH,fr;q=0.9,*;q=0.5`. What cannot be read is a BadRequest."""
    found: list[tuple[float, str]] = []
    for part in lang.split(","):
        tag, _, rest = part.partition(";")
        weight = 1.0
        if rest.strip():
            name, _, number = rest.strip().partition("=")
            try:
                weight = float(number)
            except ValueError:
                weight = -1.0
            if name.strip().lower() != "q" or not 0.0 <= weight <= 1.0:
                raise BadRequest(f"{part[:64]!r} is not a language with a weight", where="lang", mend="fr-CH;q=0.9")
        tag = tag.strip().lower()
        if not tag or not tag.replace("-", "a").replace("*", "a").isalnum() or not tag.isascii():
            raise BadRequest(
                f"{part[:64]!r} is not a language", where="lang", mend="write it as fr-CH,fr;q=0.9,*;q=0.5"
            )
        if weight > 0:
            found.append((weight, tag))
    return tuple(tag for _, tag in sorted(found, key=lambda one: -one[0]))
