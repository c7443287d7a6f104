"""A question about entities, and whether a document answers it (CIM 009 v1.9.1, clauses 4.9, 4.10, 4.17, 4.19).

The evaluator here decides; compiled SQL may only narrow (invariant 9, see `narrow`). A query is compiled once to
closures and asked of many documents. Where clause 4.9 leaves room:

- A term holds when it holds for any instance (`datasetId`) of the attribute, `!=` and `!~=` too.
- Types decide: `a==5` is false for the string "5", and `a!=5` true. A date-time is compared as an instant with strings
  that are date-times. Quoted values are strings, except against observedAt, createdAt and their like.
- Lists take part in == and != (by their elements), never in ranges, orderings or patterns.
- Of a language map without a language, any value will do for a positive term, and every one must differ for a negative.
- A path that leads nowhere makes every term false, also the negative ones; but for `!name`, which asks for just that.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from hansa import clock
from hansa.errors import BadRequest, NotSupported
from hansa.limits import DEFAULT, Limits
from hansa.model.compare import ORDERINGS, Test, equality, like, ordering, timed
from hansa.model.core_context import whole
from hansa.model.entity import MEMBERS, VALUE_OF, Doc, Instance, Stamps, instances, types_of
from hansa.model.geo import GeoQuery
from hansa.model.pattern import Pattern, compiled, pattern
from hansa.model.qlang import Expand, identity, parse_q
from hansa.model.qtree import And, Compare, Exists, Hop, Like, Node, Or, Path
from hansa.model.selection import ScopeSelection, TypeSelection, parse_scopes, parse_types, types_match

Match = Callable[..., bool]
"""Called as `match(doc)` or `match(doc, stamps)`."""
Linked = Callable[[str], Doc | None]
"""The entity of a URI, as far as whoever asks may see it."""

_ABSENT: Final = object()
_STAMPS: Final = {"createdAt": 0, "modifiedAt": 1}
TEMPORAL: Final = frozenset(("observedAt", "createdAt", "modifiedAt", "deletedAt", "expiresAt"))
PLAIN: Final = TEMPORAL | {"unitCode", "datasetId", "objectType", "valueType"}
"""Members of an instance that are values themselves, not sub-attributes."""


@dataclass(frozen=True)
class Query:
    """What is asked. None asks nothing of that kind; `ids` win over `id_pattern` (5.2.33); any of `attrs` will do.

    Of several `selectors`, which say something of types, ids and id patterns alone, any will do (5.2.23).
    """

    types: TypeSelection | None = None
    ids: frozenset[str] | None = None
    id_pattern: Pattern | None = None
    attrs: frozenset[str] | None = None
    q: Node | None = None
    geo: GeoQuery | None = None
    scope_q: ScopeSelection | None = None
    selectors: tuple["Query", ...] = ()

    @classmethod
    def parse(
        cls,
        *,
        types: str | None = None,
        ids: Iterable[str] | None = None,
        id_pattern: str | None = None,
        attrs: Iterable[str] | None = None,
        q: str | None = None,
        georel: str | None = None,
        geometry: str | None = None,
        coordinates: Any = None,
        geoproperty: str | None = None,
        scope_q: str | None = None,
        expand: Expand = identity,
        expand_values: Collection[str] = (),
        json_keys: Collection[str] = (),
        limits: Limits = DEFAULT,
    ) -> "Query":
        """Read the texts of a request; `expand` maps a short name to the one stored. BadRequest says which is wrong."""
        geo = None
        if georel is not None:
            name = expand(geoproperty) if geoproperty else "location"
            geo = GeoQuery.parse(georel, geometry, coordinates, name, limits=limits)
        elif geometry is not None or coordinates is not None:
            raise BadRequest("geometry and coordinates need a georel", where="georel", mend="add georel=within")
        return cls(
            types=None if types is None else parse_types(types, expand, limits),
            ids=None if ids is None else frozenset(ids),
            id_pattern=None if id_pattern is None else _pattern(id_pattern, limits),
            attrs=None if attrs is None else frozenset(expand(name) for name in attrs),
            q=None
            if q is None
            else parse_q(q, expand, expand_values=expand_values, json_keys=json_keys, limits=limits),
            geo=geo,
            scope_q=None if scope_q is None else parse_scopes(scope_q, limits),
        )

    @cached_property
    def match(self) -> Match:
        """`match(doc, stamps=None)`; NotSupported when `q` follows relationships (then `compile` with `linked`)."""
        return self.compile()

    def compile(self, linked: Linked | None = None) -> Match:
        """The closure that decides; cheap conditions come first."""
        parts: list[Match] = []
        if self.ids is not None:
            ids = self.ids
            parts.append(lambda doc, _=None: doc["id"] in ids)
        elif self.id_pattern is not None:
            found = self.id_pattern.found
            parts.append(lambda doc, _=None: found(doc["id"]))
        if self.types is not None:
            kinds = types_match(self.types)
            parts.append(lambda doc, _=None: kinds(doc["type"]))
        if self.selectors:
            parts.append(_any([one.match for one in self.selectors]))
        if self.attrs is not None:
            attrs = self.attrs - MEMBERS
            parts.append(lambda doc, _=None: not attrs.isdisjoint(doc))
        if self.scope_q is not None:
            scope_q = self.scope_q
            parts.append(lambda doc, _=None: scope_q.matches(doc.get("scope")))
        if self.q is not None:
            parts.append(compile_q(self.q, linked))
        if self.geo is not None:
            parts.append(_geo(self.geo))
        return _all(parts)


def _pattern(text: str, limits: Limits) -> Pattern:
    try:
        return pattern(text, limits.regex)
    except BadRequest as fault:
        raise BadRequest(fault.detail, where="idPattern", mend=fault.mend) from None


def matches(query: Query, doc: Doc, stamps: Stamps | None = None) -> bool:
    """Whether `doc` is part of the answer. Many documents are faster asked through `query.match`."""
    return query.match(doc, stamps)


def compile_q(node: Node, linked: Linked | None = None) -> Match:
    """The closure `match(doc, stamps=None)` of a `q` tree.

    `linked` gives the entities that relationships point at; without it a query that follows them is NotSupported.
    """
    if isinstance(node, And):
        return _all([compile_q(term, linked) for term in node.terms])
    if isinstance(node, Or):
        return _any([compile_q(term, linked) for term in node.terms])
    if isinstance(node, Exists) and node.negated:
        there = compile_q(Exists(node.path), linked)
        return lambda doc, stamps=None: not there(doc, stamps)
    path = node.path
    if path.hop is not None:
        return _entry(path.names[0], _hop(node, path.hop, linked))
    leaf = _leaf(node)
    if len(path.names) == 1:
        return _entry(path.names[0], leaf)
    return _descent(path, leaf)


def _all(parts: list[Match]) -> Match:
    if len(parts) == 1:
        return parts[0]
    fixed = tuple(parts)

    def match(doc: Doc, stamps: Stamps | None = None) -> bool:
        for part in fixed:  # noqa: SIM110  # a generator would cost twice the time
            if not part(doc, stamps):
                return False
        return True

    return match


def _any(parts: list[Match]) -> Match:
    fixed = tuple(parts)

    def match(doc: Doc, stamps: Stamps | None = None) -> bool:
        for part in fixed:  # noqa: SIM110
            if part(doc, stamps):
                return True
        return False

    return match


def _geo(geo: GeoQuery) -> Match:
    name, holds = geo.name, geo.matches

    def match(doc: Doc, _: Stamps | None = None) -> bool:
        entry = doc.get(name)
        return entry is not None and any(type(one) is dict and holds(one.get("value")) for one in instances(entry))

    return match


def _entry(name: str, leaf: Test) -> Match:
    """A term on a top-level attribute: any instance."""
    if name in _STAMPS:
        place = "created" if name == "createdAt" else "modified"

        def stamped(doc: Doc, stamps: Stamps | None = None) -> bool:
            if stamps is not None:
                return leaf(clock.text(getattr(stamps, place)))
            return name in doc and leaf(doc[name])

        return stamped

    def match(doc: Doc, _: Stamps | None = None) -> bool:
        entry = doc.get(name)
        if entry is None:
            return False
        if type(entry) is list and (not entry or type(entry[0]) is dict):
            for one in entry:  # noqa: SIM110
                if leaf(one):
                    return True
            return False
        return leaf(entry)

    return match


def _descent(path: Path, leaf: Test) -> Match:
    """A term on a sub-attribute, or on a plain member such as observedAt."""
    top, *between, last = path.names
    place = _STAMPS.get(last) if len(path.names) == 2 else None

    def match(doc: Doc, stamps: Stamps | None = None) -> bool:
        level: list[Any] = _instances(doc.get(top))
        for name in between:
            level = [sub for one in level for sub in _instances(one.get(name))]
        for one in level:
            found = one.get(last, _ABSENT)
            if found is _ABSENT and place is not None and stamps is not None:
                when = stamps.attrs.get(top, {}).get(one.get("datasetId") or "")
                found = _ABSENT if when is None else clock.text(when[place])
            if last in PLAIN:
                if found is not _ABSENT and leaf(found):
                    return True
            elif any(leaf(sub) for sub in _instances(found)):
                return True
        return False

    return match


def _instances(entry: Any) -> list[Instance]:
    if type(entry) is list:
        return [one for one in entry if type(one) is dict]
    return [entry] if type(entry) is dict else []


def _hop(node: Exists | Compare | Like, hop: Hop, linked: Linked | None) -> Test:
    if linked is None:
        raise NotSupported(
            "the query follows a relationship, and nothing was said about joining entities",
            where="q",
            mend="add join=inline and joinLevel",
        )
    if isinstance(node, Exists):
        beyond: Exists | Compare | Like = Exists(hop.path)
    elif isinstance(node, Compare):
        beyond = Compare(hop.path, node.op, node.values)
    else:
        beyond = Like(hop.path, node.pattern, node.negated)
    inner = compile_q(beyond, linked)
    kinds = frozenset(hop.types)

    def leaf(one: Any) -> bool:
        if type(one) is not dict:
            return False
        found = objects(one)
        for uri in found if isinstance(found, list) else [] if found is None else [found]:
            other = linked(uri)
            if other is not None and (not kinds or not kinds.isdisjoint(types_of(other))) and inner(other):
                return True
        return False

    return leaf


def objects(one: Instance) -> str | list[str] | None:
    """What a Relationship or ListRelationship points at: a URI, a list of them, or None."""
    listed = one.get("objectList") if one.get("type") == "ListRelationship" else one.get("object")
    if type(listed) is list:
        found = [uri.get("object") if type(uri) is dict else uri for uri in listed]
        return [uri for uri in found if type(uri) is str]
    return listed if type(listed) is str else None


def iris(vocab: Any) -> Any:
    """What a VocabProperty says, in full, for that is what it is compared as (4.9); the store keeps names short."""
    if type(vocab) is list:
        return [whole(one) if type(one) is str else one for one in vocab]
    return whole(vocab) if type(vocab) is str else vocab


def said_in(languages: Any) -> list[Any]:
    """What a language map says, in whatever language: strings and lists of them."""
    return [said for said in languages.values() if type(said) in {str, list}] if type(languages) is dict else []


def _leaf(node: Exists | Compare | Like) -> Test:
    """The test of a term on one instance (or on a plain value, as registrations have)."""
    within, names = node.path.within, node.path.names
    if isinstance(node, Exists):
        if not within:
            return lambda _: True
        return _by_kind(within, lambda _: True, related=True, negative=False)
    if isinstance(node, Like):
        return _by_kind(within, like(compiled(node.pattern).found, node.negated), related=False, negative=node.negated)
    values = tuple(timed(v) for v in node.values) if names[-1] in TEMPORAL and not within else node.values
    if node.op in ORDERINGS:
        return _by_kind(within, ordering(node.op, values[0]), related=False, negative=False)
    equal = equality(values)
    if node.op == "==":
        return _by_kind(within, equal, related=True, negative=False)
    return _by_kind(within, lambda v: not equal(v), related=True, negative=True)


def _by_kind(within: tuple[str, ...], test: Test, *, related: bool, negative: bool) -> Test:
    """Lead an instance's value, by its kind, to the test."""

    def leaf(one: Any) -> bool:
        if type(one) is not dict:
            return not within and test(one)
        kind = one.get("type")
        if kind == "Property":
            value = one.get("value", _ABSENT)
        elif kind == "LanguageProperty":
            return _of_language(one.get("languageMap"), within, test, negative=negative)
        elif kind in {"Relationship", "ListRelationship"}:
            return related and not within and test(objects(one))
        elif kind == "VocabProperty":
            return not within and test(iris(one.get("vocab")))
        else:
            value = one.get(VALUE_OF.get(kind or "", "value"), _ABSENT)
        for name in within:
            value = value.get(name, _ABSENT) if type(value) is dict else _ABSENT
        return value is not _ABSENT and test(value)

    return leaf


def _of_language(said: Any, within: tuple[str, ...], test: Test, *, negative: bool) -> bool:
    if type(said) is not dict or len(within) > 1:
        return False
    if within and within != ("*",):
        return within[0] in said and test(said[within[0]])
    return all(map(test, said_in(said))) if negative else any(map(test, said_in(said)))
