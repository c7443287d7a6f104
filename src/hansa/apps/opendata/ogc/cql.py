"""CQL2 text (OGC 21-065r2, annex B) into a tree: what `filter` says.

Comparisons, AND, OR, NOT, LIKE, BETWEEN, IN, IS NULL, CASEI, ACCENTI, S_INTERSECTS and S_DISJOINT with a geometry or
BBOX, and every T_ function, with a property on either side. No arithmetic, no arrays, no functions of our own. Names
are the collection's queryables and no others; kinds that do not go together are refused before anything is read.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from hansa import Refusal, geo
from hansa.apps.opendata.ogc import boxes, times, wkt
from hansa.apps.opendata.ogc import crs as systems
from hansa.apps.opendata.ogc.tree import (
    COMPARES,
    TEMPORAL,
    All,
    Always,
    Among,
    Compare,
    Either,
    Folded,
    IsNull,
    Like,
    Literal,
    Node,
    Not,
    Property,
    Scalar,
    Spatial,
    Temporal,
)

LENGTH: Final = 20_000
"""Characters, most of them a polygon's."""
PREDICATES: Final = 200
DEPTH: Final = 30
LISTED: Final = 1_000
PATTERN: Final = 200
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^'\\]|''|\\.)*')
      | (?P<quoted>"(?:[^"]|"")+")
      | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)
      | (?P<sign><>|<=|>=|[=<>(),])
      | (?P<word>[A-Za-z_\u0080-\uffff:][\w:.\u0080-\uffff]*)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES: Final = {"a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}
_SHAPES: Final = frozenset(wkt.KINDS)
_WORDS: Final = frozenset({"and", "or", "not", "like", "between", "in", "is", "null", "true", "false"})
_WHERE: Final = "filter"


def parsed(said: str, fields: Mapping[str, str], crs: systems.Crs = systems.LON_LAT) -> Node:
    """The tree of a filter over fields (their kinds by name), its geometries in `crs`. Refusal says what is wrong."""
    if len(said) > LENGTH:
        raise Refusal(f"{len(said):,} characters; {LENGTH:,} are the most", where=_WHERE)
    parser = _Parser(said, fields, crs)
    made = parser.either(0)
    if parser.kind:
        raise _wrong(f"after the filter there is more: {parser.word[:40]!r}")
    return made


def _wrong(why: str, mend: str = "see OGC CQL2, annex B; texts stand in single quotes") -> Refusal:
    return Refusal(why, where=_WHERE, mend=mend)


class _Parser:
    """One token ahead: `kind` (empty at the end) and `word`, which of words is in lower case."""

    def __init__(self, said: str, fields: Mapping[str, str], crs: systems.Crs) -> None:
        self.said = said
        self.fields = fields
        self.crs = crs
        self.end = 0
        self.start = 0
        self.kind = ""
        self.word = ""
        self.raw = ""
        self.left = PREDICATES
        self.step()

    def step(self) -> str:
        """Go on; the word that was there."""
        before, self.start = self.word, self.end
        if not self.said[self.end :].strip():
            self.kind = self.word = self.raw = ""
            return before
        found = _TOKEN.match(self.said, self.end)
        if found is None or found.lastgroup is None:
            raise _wrong(f"{self.said[self.end : self.end + 30]!r} is not understood")
        self.kind = found.lastgroup
        self.raw = found[self.kind]
        self.word = self.raw.lower() if self.kind == "word" else self.raw
        self.end = found.end()
        return before

    def has(self, *words: str) -> bool:
        """Whether one of these words or signs is next."""
        return self.kind in {"word", "sign"} and self.word in words

    def take(self, *words: str) -> bool:
        """Go past one of these, where it is next."""
        if self.has(*words):
            self.step()
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.take(word):
            raise _wrong(f"{self.raw[:40] or 'the end'!r} stands where {word.upper()} belongs")

    # ---- Booleans

    def either(self, depth: int) -> Node:
        if depth > DEPTH:
            raise _wrong(f"brackets in more than {DEPTH} brackets", "write it flat")
        parts = [self.both(depth)]
        while self.take("or"):
            parts.append(self.both(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def both(self, depth: int) -> Node:
        parts = [self.factor(depth)]
        while self.take("and"):
            parts.append(self.factor(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def factor(self, depth: int) -> Node:
        negative = False
        while self.take("not"):
            negative = not negative
        if self.take("("):
            made = self.either(depth + 1)
            self.expect(")")
        else:
            made = self.predicate()
        return Not(made) if negative else made

    def predicate(self) -> Node:
        self.left -= 1
        if self.left < 0:
            raise _wrong(f"more than {PREDICATES} conditions", "ask for less at once, or use IN")
        if self.kind == "word" and self.word.startswith("s_"):
            return self.spatial()
        if self.kind == "word" and self.word in TEMPORAL:
            return self.temporal()
        one = self.scalar()
        if self.kind == "sign" and self.word in COMPARES:
            sign = self.step()
            other = self.scalar()
            return Compare(sign, *_alike(one, other))
        if self.take("is"):
            negative = self.take("not")
            self.expect("null")
            return Not(IsNull(one)) if negative else IsNull(one)
        negative = self.take("not")
        made = self.listed(one)
        return Not(made) if negative else made

    def listed(self, one: Scalar) -> Node:
        """LIKE, BETWEEN, IN; or the value itself, where it is a boolean."""
        if self.take("like"):
            return Like(_of_kind(one, "text"), self.pattern())
        if self.take("between"):
            low = self.scalar()
            self.expect("and")
            high = self.scalar()
            for each in (one, low, high):
                _of_kind(each, "number", "time")
            return All((Compare(">=", *_alike(one, low)), Compare("<=", *_alike(one, high))))
        if self.take("in"):
            self.expect("(")
            found = [self.scalar()]
            while self.take(","):
                found.append(self.scalar())
                if len(found) > LISTED:
                    raise _wrong(f"a list of more than {LISTED}")
            self.expect(")")
            return Among(one, tuple(_alike(one, each)[1] for each in found))
        return Always(_of_kind(one, "boolean"))

    def pattern(self) -> str:
        if self.has("casei", "accenti"):
            how = self.step()
            self.expect("(")
            made = Folded(how, Literal(self.pattern(), "text")).of({})
            self.expect(")")
            return str(made)
        if self.kind != "text" or len(self.raw) > PATTERN:
            raise _wrong(f"LIKE has a pattern of at most {PATTERN} characters in single quotes")
        # The escape belongs to the pattern too: \% stays what it is, and the pattern takes it apart.
        said = self.raw[1:-1].replace("''", "'")
        self.step()
        return said

    # ---- Values

    def scalar(self) -> Scalar:
        kind, word = self.kind, self.word
        if kind == "text":
            self.step()
            return Literal(_unescaped(word[1:-1]), "text")
        if kind == "number":
            self.step()
            return Literal(_number(word), "number")
        if kind == "quoted":
            self.step()
            return self.property(word[1:-1].replace('""', '"'))
        if kind != "word":
            raise _wrong(f"{self.raw[:40] or 'the end'!r} stands where a property or a value belongs")
        return self.worded(word)

    def worded(self, word: str) -> Scalar:
        raw = self.raw
        makers: dict[str, Callable[[], Scalar]] = {
            "timestamp": self.moment,
            "date": self.moment,
            "interval": self.interval,
            "casei": self.folded,
            "accenti": self.folded,
        }
        follows = self.said[self.end :].lstrip()[:1]
        if word in makers and follows == "(":
            return makers[word]()
        if follows == "(":
            raise _wrong(f"there is no function {raw[:40]}", "/conformance says what of CQL2 is understood")
        if word in {"true", "false"}:
            self.step()
            return Literal(word == "true", "boolean")
        if word in _WORDS:
            raise _wrong(f"{raw.upper()} stands where a property or a value belongs")
        self.step()
        return self.property(raw)

    def property(self, name: str) -> Property:
        kind = self.fields.get(name)
        if kind is None:
            known = ", ".join(sorted(self.fields)[:40])
            raise _wrong(f"{name[:60]!r} is no queryable of this collection", f"use one of {known}")
        return Property(name, kind)

    def quoted(self) -> str:
        if self.kind != "text":
            raise _wrong(f"{self.raw[:40] or 'the end'!r} stands where a text in single quotes belongs")
        return _unescaped(self.step()[1:-1])

    def moment(self) -> Literal:
        name = self.step()
        self.expect("(")
        said = self.quoted()
        self.expect(")")
        found = times.span_of(said[:40])
        if found is None or (name == "date") != ("T" not in said.upper()):
            raise _wrong(f"{said[:40]!r} is no {name}")
        return Literal(found, "time")

    def interval(self) -> Literal:
        self.step()
        self.expect("(")
        ends: list[times.Span] = []
        for n in range(2):
            if n:
                self.expect(",")
            said = self.quoted()
            found = times.Span(None, None) if said == ".." else times.span_of(said[:40])
            if found is None:
                raise _wrong(f"{said[:40]!r} is no end of an interval", "write a date, a timestamp, or '..'")
            ends.append(found)
        self.expect(")")
        since, until = ends[0].since, ends[1].until
        if since is not None and until is not None and until < since:
            raise _wrong("the interval ends before it begins")
        return Literal(times.Span(since, until), "time")

    def folded(self) -> Scalar:
        how = self.step()
        self.expect("(")
        inner = _of_kind(self.scalar(), "text")
        self.expect(")")
        made = Folded(how, inner)
        return Literal(made.of({}), "text") if isinstance(inner, Literal) else made

    # ---- Functions

    def spatial(self) -> Node:
        name = self.step()
        if name not in {"s_intersects", "s_disjoint"}:
            raise _wrong(f"{name.upper()} is not understood here", "use S_INTERSECTS or S_DISJOINT")
        self.expect("(")
        one = self.shape()
        self.expect(",")
        other = self.shape()
        self.expect(")")
        if isinstance(one, Literal):
            one, other = other, one
        if not isinstance(one, Property) or not isinstance(other, Literal):
            raise _wrong(f"{name.upper()} compares the geometry of a feature with one that is written down")
        return Spatial(one, other, name == "s_disjoint")

    def shape(self) -> Property | Literal:
        if self.kind == "quoted" or (self.kind == "word" and self.raw.upper() not in {*_SHAPES, "BBOX", "ENVELOPE"}):
            found = self.scalar()
            if not isinstance(found, Property) or found.kind != "geometry":
                raise _wrong("a spatial function compares geometries")
            return found
        if self.kind != "word":
            raise _wrong(f"{self.raw[:40] or 'the end'!r} stands where a geometry belongs")
        if self.raw.upper() in {"BBOX", "ENVELOPE"}:
            return Literal(_asking(self.box()), "geometry")
        made, end = wkt.read(self.said, self.start, _WHERE)
        self.end = end
        self.step()
        return Literal(_asking(systems.understood(made, self.crs)), "geometry")

    def box(self) -> dict[str, Any]:
        self.step()
        self.expect("(")
        found: list[float] = []
        while True:
            if self.kind != "number":
                raise _wrong("BBOX has four or six numbers")
            found.append(_number(self.step()))
            if not self.take(","):
                break
        self.expect(")")
        if len(found) not in {4, 6}:
            raise _wrong("BBOX has four or six numbers")
        half = len(found) // 2
        return boxes.boxed((found[0], found[1], found[half], found[half + 1]), self.crs, _WHERE)

    def temporal(self) -> Node:
        name = self.step()
        self.expect("(")
        one = _as_time(self.scalar())
        self.expect(",")
        other = _as_time(self.scalar())
        self.expect(")")
        return Temporal(name, one, other)


def _asking(geometry: dict[str, Any]) -> geo.GeoQuery:
    """Checks it too: BadRequest of the kernel for what is out of range."""
    return geo.GeoQuery.parse("intersects", geometry["type"], geometry["coordinates"])


def _unescaped(said: str) -> str:
    made, escaped = [], False
    for char in said.replace("''", "'"):
        if escaped:
            made.append(_ESCAPES.get(char, char))
            escaped = False
        elif char == "\\":
            escaped = True
        else:
            made.append(char)
    return "".join(made)


def _number(said: str) -> float:
    try:
        return int(said) if len(said) < 19 else float(said)
    except ValueError:
        made = float(said)
    if made in {float("inf"), float("-inf")}:
        raise _wrong(f"{said[:40]} is no finite number")
    return made


def _of_kind(one: Scalar, *kinds: str) -> Scalar:
    if one.kind not in {*kinds, "any"}:
        raise _wrong(f"a {one.kind} stands where a {' or a '.join(kinds)} belongs")
    return one


def _as_time(one: Scalar) -> Scalar:
    if isinstance(one, Literal) and one.kind == "text" and (found := times.span_of(one.value[:40])) is not None:
        return Literal(found, "time")
    if isinstance(one, Property) and one.kind == "any":
        return Property(one.name, "time")
    return _of_kind(one, "time")


def _alike(one: Scalar, other: Scalar) -> tuple[Scalar, Scalar]:
    """Both of one kind; a text beside a time is read as a time."""
    if "geometry" in {one.kind, other.kind}:
        raise _wrong("geometries are compared by S_INTERSECTS")
    if "time" in {one.kind, other.kind}:
        return _as_time(one), _as_time(other)
    if one.kind != other.kind and "any" not in {one.kind, other.kind}:
        raise _wrong(f"a {one.kind} is compared with a {other.kind}")
    return one, other
