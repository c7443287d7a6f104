"""The tree of a question in the NGSI-LD query language (CIM 009 v1.9.1, clause 4.9): what its terms are, and its text.

A tree holds names as the store does. `qlang` reads it from text, `query` says what it means for a document, `narrow`
what an index can say of it.
"""

import json
import re
from dataclasses import dataclass
from datetime import date

from hansa import clock


@dataclass(frozen=True, slots=True)
class Bool:
    """A truth value; a class of its own because Python holds True and 1 equal."""

    value: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """A date-time, in microseconds."""

    at: int


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar date, as a proleptic ordinal."""

    ordinal: int


@dataclass(frozen=True, slots=True)
class Hour:
    """A time of day, in microseconds since midnight UTC."""

    us: int


Value = Bool | int | float | str | Moment | Day | Hour


@dataclass(frozen=True, slots=True)
class Span:
    """A range, both ends included."""

    low: Value
    high: Value


@dataclass(frozen=True, slots=True)
class Hop:
    """From a relationship to the entities it points at (of one of `types`, if any are named), and on from there."""

    types: tuple[str, ...]
    path: "Path"


@dataclass(frozen=True, slots=True)
class Path:
    """`a.b[c.d]`: sub-attributes, then members within the value (or a language, or `*`); or a hop."""

    names: tuple[str, ...]
    within: tuple[str, ...] = ()
    hop: Hop | None = None


@dataclass(frozen=True, slots=True)
class Exists:
    """The attribute is there, or (`negated`) is not."""

    path: Path
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Compare:
    """`op` is one of == != > >= < <=; several `values` are alternatives, and a range is one Span."""

    path: Path
    op: str
    values: tuple[Value | Span, ...]


@dataclass(frozen=True, slots=True)
class Like:
    """A string in which the pattern occurs, or (`negated`) does not."""

    path: Path
    pattern: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    terms: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    terms: tuple["Node", ...]


Node = Exists | Compare | Like | And | Or


PAIR = re.compile(r'\\.|"', re.DOTALL)
"""An escaped character of a pattern, or a quote."""


def hops(node: Node) -> int:
    """How many relationships the deepest term follows; it must not exceed the request's joinLevel."""
    if isinstance(node, And | Or):
        return max(hops(term) for term in node.terms)
    path, depth = node.path, 0
    while path.hop is not None:
        path, depth = path.hop.path, depth + 1
    return depth


def names(node: Node) -> frozenset[str]:
    """The top-level attributes that a query asks for, as stored."""
    if isinstance(node, And | Or):
        return frozenset().union(*(names(term) for term in node.terms))
    return frozenset((node.path.names[0],))


def render(node: Node) -> str:
    """The text of a tree; `qlang.parse_q(render(tree)) == tree`, if its names are short."""
    if isinstance(node, Or):
        return "|".join(render(term) for term in node.terms)
    if isinstance(node, And):
        return ";".join(f"({render(term)})" if isinstance(term, Or) else render(term) for term in node.terms)
    if isinstance(node, Exists):
        return f"{'!' if node.negated else ''}{_path(node.path)}"
    if isinstance(node, Like):
        quoted = PAIR.sub(lambda m: '\\"' if m[0] == '"' else m[0], node.pattern)
        return f'{_path(node.path)}{"!~=" if node.negated else "~="}"{quoted}"'
    return _path(node.path) + node.op + ",".join(_value(value) for value in node.values)


def _path(path: Path) -> str:
    text = ".".join(path.names)
    if path.hop is not None:
        types = ",".join(path.hop.types)
        return f"{text}{{{types}{':' if types else ''}{_path(path.hop.path)}}}"
    return f"{text}[{'.'.join(path.within)}]" if path.within else text


def _value(value: Value | Span) -> str:
    match value:
        case Span(low, high):
            return f"{_value(low)}..{_value(high)}"
        case Bool(truth):
            return "true" if truth else "false"
        case Moment(at):
            return clock.text(at)
        case Day(ordinal):
            return date.fromordinal(ordinal).isoformat()
        case Hour(us):
            return clock.text(us)[11:]
        case str():
            return json.dumps(value, ensure_ascii=False)
    return repr(value)
