"""What somebody wants of a collection, and as much of it as the city's index, or a table, can be asked for at once."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hansa import geo
from hansa.apps.opendata.ogc import times
from hansa.apps.opendata.ogc.times import Span
from hansa.apps.opendata.ogc.tree import All, Among, Compare, Feature, IsNull, Like, Literal, Node, Not, Property

Box = tuple[float, float, float, float]
Where = dict[str, Any]
_MIRRORED: Final = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_OPS: Final = {"=": "==", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_PLAIN = re.compile(r"[^\"\\\x00-\x1f,;()|]{0,200}\Z")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}\Z")


@dataclass(frozen=True, slots=True)
class Want:
    """The filters of a request, all of which must hold. `place` asks for a meeting, `boxes` hold all that it can meet.

    What says no place, and what says no time, is within each place and time (Features 7.15.3 D, 7.15.4 C).
    """

    place: geo.GeoQuery | None = None
    boxes: tuple[Box, ...] = ()
    square: bool = False
    """Whether the boxes are the place itself, so that a point in a box meets it."""
    span: Span | None = None
    equal: Mapping[str, Any] = field(default_factory=dict)
    node: Node | None = None

    def holds(self, feature: Feature, time: str | None) -> bool:
        """Whether a feature, whose time is the property `time`, is wanted."""
        shape = feature["geometry"]
        if self.place is not None and shape is not None and not self.place.matches(shape):
            return False
        said = feature["properties"]
        if self.span is not None and time is not None:
            own = times.when(said.get(time))
            if own is not None and not own.meets(self.span):
                return False
        for name, value in self.equal.items():
            found = feature["id"] if name == "id" else said.get(name)
            if isinstance(value, Span):
                own = times.when(found)
                if own is None or not own.meets(value):
                    return False
            elif isinstance(found, bool) != isinstance(value, bool) or found != value:
                return False
        return self.node is None or self.node.says(feature) is True

    def conditions(self) -> list[Node]:
        """The conditions of the filter that must all hold."""
        return list(_conjunction(self.node))


def _conjunction(node: Node | None) -> Iterator[Node]:
    if isinstance(node, All):
        for one in node.parts:
            yield from _conjunction(one)
    elif node is not None:
        yield node


def sided(one: Compare) -> tuple[Property, str, Literal] | None:
    """A comparison with the property first; None where it is not one of a property with a value."""
    if isinstance(one.one, Property) and isinstance(one.other, Literal):
        return one.one, one.sign, one.other
    if isinstance(one.other, Property) and isinstance(one.one, Literal):
        return one.other, _MIRRORED[one.sign], one.one
    return None


def narrowing(want: Want, kinds: Mapping[str, str]) -> str | None:
    """An NGSI-LD query that holds for all that is wanted, and perhaps for more."""
    terms = [_term(name, "=", value, kinds) for name, value in want.equal.items()]
    compared = (sided(one) for one in want.conditions() if isinstance(one, Compare))
    terms += [_term(told[0].name, told[1], told[2].value, kinds) for told in compared if told is not None]
    return ";".join(one for one in terms if one) or None


def _term(name: str, sign: str, value: Any, kinds: Mapping[str, str]) -> str:
    if not _NAME.match(name) or kinds.get(name) not in {"number", "text", "boolean"} or sign == "<>":
        return ""
    if isinstance(value, bool):
        return f"{name}=={'true' if value else 'false'}"
    if isinstance(value, int | float) and abs(value) < 1e15:
        return f"{name}{_OPS[sign]}{value}"
    # Texts that look like times are compared as times by NGSI-LD.
    if isinstance(value, str) and sign == "=" and _PLAIN.match(value) and times.span_of(value[:40]) is None:
        return f'{name}=="{value}"'
    return ""


def asked_of_table(
    want: Want, kinds: Mapping[str, str], nulls: Mapping[str, int], time: str | None
) -> tuple[list[Where], bool]:
    """Conditions of `city.tables.ask` that hold for all that is wanted; and whether for nothing more. Place apart."""
    made: list[Where] = []
    whole = True
    for name, value in want.equal.items():
        if name not in kinds:
            whole = False  # an id that is no column
        elif isinstance(value, Span):
            made += _within(name, value)
        else:
            made.append({"column": name, "op": "==", "value": value})
    if want.span is not None and time is not None:
        if kinds.get(time) == "time" and not nulls.get(time, 1):
            made += _within(time, want.span)
        else:
            whole = False
    for one in want.conditions():
        told, exact = _condition(one, kinds)
        made += told
        whole = whole and exact
    # `ask` has at most so many; the others are looked at one by one.
    return made[:40], whole and len(made) <= 40


def _within(name: str, span: Span) -> list[Where]:
    made = []
    if span.since is not None:
        made.append({"column": name, "op": ">=", "value": times.text(span.since)})
    if span.until is not None:
        made.append({"column": name, "op": "<=", "value": times.text(span.until)})
    return made


def _condition(one: Node, kinds: Mapping[str, str]) -> tuple[list[Where], bool]:
    """What a table is asked for a condition, and whether that is all that the condition says."""
    named = _property(one)
    if named is None or named.name not in kinds:
        return [], False
    if isinstance(one, Like):
        return _liked(named.name, one.pattern)
    told = _told(one, named, kinds)
    return ([], False) if told is None else ([told], True)


def _property(one: Node) -> Property | None:
    if isinstance(one, Not):
        return _property(one.one) if isinstance(one.one, IsNull) else None
    if isinstance(one, Compare):
        told = sided(one)
        return None if told is None else told[0]
    if isinstance(one, Among | IsNull | Like) and isinstance(one.one, Property) and one.one.kind != "geometry":
        return one.one
    return None


def _liked(name: str, pattern: str) -> tuple[list[Where], bool]:
    """What begins so lies between two texts; of other patterns a table knows only how they are without case."""
    start = pattern.removesuffix("%")
    if start and start != pattern and not set(start) & set("%_\\") and ord(start[-1]) < 0xD7FF:
        after = start[:-1] + chr(ord(start[-1]) + 1)
        return [{"column": name, "op": ">=", "value": start}, {"column": name, "op": "<", "value": after}], True
    return ([] if "\\" in pattern else [{"column": name, "op": "like", "value": pattern}]), False


def _told(one: Node, named: Property, kinds: Mapping[str, str]) -> Where | None:
    if isinstance(one, Not | IsNull):
        return {"column": named.name, "op": "!=" if isinstance(one, Not) else "==", "value": None}
    if isinstance(one, Among):
        values = [other.value for other in one.others if isinstance(other, Literal)]
        if len(values) == len(one.others) and named.kind in {"number", "text"}:
            return {"column": named.name, "op": "in", "value": values}
        return None
    told = sided(one) if isinstance(one, Compare) else None
    if told is None:
        return None
    _, sign, literal = told
    value = literal.value
    if isinstance(value, Span):
        if value.since is None or value.since != value.until or kinds.get(named.name) != "time":
            return None
        value = times.text(value.since)
    elif named.kind not in {"number", "text", "boolean"} or named.kind != literal.kind:
        return None
    return {"column": named.name, "op": _OPS[sign], "value": value}
