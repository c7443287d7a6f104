"""A filter as a tree, and what it says of a feature: true, false, or None where nobody knows (CQL2, tables 2 to 4)."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final

from hansa.apps.opendata.ogc.times import Span, when

Feature = Mapping[str, Any]
GEOMETRY: Final = "geometry"
COMPARES: Final[dict[str, Callable[[Any, Any], bool]]] = {"=": eq, "<>": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


@dataclass(frozen=True, slots=True)
class Property:
    """What a feature says under a name; `kind` is number, text, boolean, time, geometry, or any."""

    name: str
    kind: str

    def of(self, feature: Feature) -> Any:
        """Its value; None where there is none."""
        if self.kind == GEOMETRY:
            return feature.get("geometry")
        value = feature["id"] if self.name == "id" else feature["properties"].get(self.name)
        return when(value) if self.kind == "time" else value


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that was written down; of kind time a Span, of kind geometry a GeoQuery that asks for a meeting."""

    value: Any
    kind: str

    def of(self, _feature: Feature) -> Any:
        """The same of every feature."""
        return self.value


@dataclass(frozen=True, slots=True)
class Folded:
    """CASEI or ACCENTI of a text."""

    how: str
    inner: "Scalar"
    kind: str = "text"

    def of(self, feature: Feature) -> Any:
        """The text without case, or without accents; None of what is no text."""
        value = self.inner.of(feature)
        if not isinstance(value, str):
            return None
        if self.how == "casei":
            return value.casefold()
        plain = unicodedata.normalize("NFD", value)
        return "".join(char for char in plain if not unicodedata.combining(char))


Scalar = Property | Literal | Folded


@dataclass(frozen=True, slots=True)
class Compare:
    """Two values and a sign."""

    sign: str
    one: Scalar
    other: Scalar

    def says(self, feature: Feature) -> bool | None:
        """None where either is unknown, or they are of different kinds."""
        return compared(self.sign, self.one.of(feature), self.other.of(feature))


def compared(sign: str, one: Any, other: Any) -> bool | None:
    """How two values compare; None where they do not."""
    if one is None or other is None:
        return None
    if isinstance(one, Span) and isinstance(other, Span):
        return _spans(sign, one, other)
    if isinstance(one, bool) != isinstance(other, bool):
        return None
    both = (int | float, str)
    if not any(isinstance(one, kind) and isinstance(other, kind) for kind in both):
        return None
    return bool(COMPARES[sign](one, other))


def _spans(sign: str, one: Span, other: Span) -> bool | None:
    """A day is equal to each of its instants, and is before another day: as dates and timestamps are compared."""
    if one.since is None or other.since is None or one.until is None or other.until is None:
        return None
    if sign in {"=", "<>"}:
        return one.meets(other) == (sign == "=")
    if sign in {"<", ">="}:
        return (one.until < other.since) == (sign == "<")
    return (one.since > other.until) == (sign == ">")


@dataclass(frozen=True, slots=True)
class Like:
    """A text and a pattern: % is anything, _ one character, a backslash takes the next as it is."""

    one: Scalar
    pattern: str

    def says(self, feature: Feature) -> bool | None:
        """Whether the whole text is like it."""
        value = self.one.of(feature)
        return like(value, self.pattern) if isinstance(value, str) else None


def like(value: str, pattern: str) -> bool:
    """Without a regular expression: in a time that is at most the product of both lengths."""
    signs = list(_signs(pattern))
    at = place = 0
    star = mark = -1
    while at < len(value):
        if place < len(signs) and signs[place] in {"_", "=" + value[at]}:
            at, place = at + 1, place + 1
        elif place < len(signs) and signs[place] == "%":
            star, mark = place, at
            place += 1
        elif star >= 0:
            mark += 1
            at, place = mark, star + 1
        else:
            return False
    return all(sign == "%" for sign in signs[place:])


def _signs(pattern: str) -> Sequence[str]:
    made, escaped = [], False
    for char in pattern:
        if escaped or char not in "%_\\":
            made.append("=" + char)
            escaped = False
        elif char == "\\":
            escaped = True
        else:
            made.append(char)
    return made


@dataclass(frozen=True, slots=True)
class Among:
    """One of a list."""

    one: Scalar
    others: tuple[Scalar, ...]

    def says(self, feature: Feature) -> bool | None:
        """True when it equals one of them."""
        value = self.one.of(feature)
        if value is None:
            return None
        return any(compared("=", value, other.of(feature)) is True for other in self.others)


@dataclass(frozen=True, slots=True)
class IsNull:
    """Whether nothing is said."""

    one: Scalar

    def says(self, feature: Feature) -> bool:
        """Always known."""
        if isinstance(self.one, Property) and self.one.kind == "time" and self.one.name != "id":
            return feature["properties"].get(self.one.name) is None
        return self.one.of(feature) is None


@dataclass(frozen=True, slots=True)
class Spatial:
    """A property of kind geometry, and another geometry that it meets, or does not (`apart`)."""

    one: Property
    other: Literal
    apart: bool

    def says(self, feature: Feature) -> bool | None:
        """None where there is no geometry."""
        value = self.one.of(feature)
        if value is None:
            return None
        return bool(self.other.value.matches(value)) != self.apart


@dataclass(frozen=True, slots=True)
class Temporal:
    """How one time lies to another (CQL2, tables 7 and 8)."""

    name: str
    one: Scalar
    other: Scalar

    def says(self, feature: Feature) -> bool | None:
        """None where either is unknown."""
        one, other = self.one.of(feature), self.other.of(feature)
        if not isinstance(one, Span) or not isinstance(other, Span):
            return None
        return TEMPORAL[self.name](*_ends(one), *_ends(other))


_EVER: Final = 1 << 62


def _ends(one: Span) -> tuple[int, int]:
    return (-_EVER if one.since is None else one.since), (_EVER if one.until is None else one.until)


TEMPORAL: Final[dict[str, Callable[[int, int, int, int], bool]]] = {
    # a, b: from when to when the first is; c, d: the second.
    "t_after": lambda a, _b, _c, d: a > d,
    "t_before": lambda _a, b, c, _d: b < c,
    "t_contains": lambda a, b, c, d: a < c and b > d,
    "t_disjoint": lambda a, b, c, d: b < c or a > d,
    "t_during": lambda a, b, c, d: a > c and b < d,
    "t_equals": lambda a, b, c, d: a == c and b == d,
    "t_finishedby": lambda a, b, c, d: a < c and b == d,
    "t_finishes": lambda a, b, c, d: a > c and b == d,
    "t_intersects": lambda a, b, c, d: not (b < c or a > d),
    "t_meets": lambda _a, b, c, _d: b == c,
    "t_metby": lambda a, _b, _c, d: a == d,
    "t_overlappedby": lambda a, b, c, d: c < a < d and b > d,
    "t_overlaps": lambda a, b, c, d: a < c < b < d,
    "t_startedby": lambda a, b, c, d: a == c and b > d,
    "t_starts": lambda a, b, c, d: a == c and b < d,
}


@dataclass(frozen=True, slots=True)
class Always:
    """TRUE or FALSE; or a property of kind boolean."""

    one: Scalar

    def says(self, feature: Feature) -> bool | None:
        """The boolean itself."""
        value = self.one.of(feature)
        return value if isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary."""

    one: "Node"

    def says(self, feature: Feature) -> bool | None:
        """The contrary of what nobody knows, nobody knows."""
        said = self.one.says(feature)
        return None if said is None else not said


@dataclass(frozen=True, slots=True)
class All:
    """AND."""

    parts: tuple["Node", ...]

    def says(self, feature: Feature) -> bool | None:
        """False as soon as one is."""
        unknown = False
        for one in self.parts:
            said = one.says(feature)
            if said is False:
                return False
            unknown = unknown or said is None
        return None if unknown else True


@dataclass(frozen=True, slots=True)
class Either:
    """OR."""

    parts: tuple["Node", ...]

    def says(self, feature: Feature) -> bool | None:
        """True as soon as one is."""
        unknown = False
        for one in self.parts:
            said = one.says(feature)
            if said is True:
                return True
            unknown = unknown or said is None
        return None if unknown else False


Node = Compare | Like | Among | IsNull | Spatial | Temporal | Always | Not | All | Either
