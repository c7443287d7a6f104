"""What could make a schema endless: checked once, when it is given, so that no entity is ever held against one that is.

A schema applies others in place (`allOf`, `$ref` ...) to the same value, or further down (`properties`, `items` ...).
In place, the work multiplies: forty definitions that each name the next one twice are 2^40 steps for one number. And a
schema that meets itself further down along two ways at once doubles its work at every level of an entity.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote, urldefrag, urljoin

from hansa.errors import BadRequest, TooLarge

STEPS: Final = 20_000
"""Schemas that one value may be held against; Smart Data Models' widest take some 300."""

_SAME_LISTS: Final = ("allOf", "anyOf", "oneOf")
_SAME_ONES: Final = ("not", "if", "then", "else")
_SAME_NAMED: Final = ("dependentSchemas", "dependencies")
_DOWN_ONES: Final = (
    "additionalProperties",
    "additionalItems",
    "items",
    "contains",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
)
_DOWN_NAMED: Final = ("properties", "patternProperties")
_DOWN_LISTS: Final = ("items", "prefixItems")
_DYNAMIC: Final = ("$dynamicRef", "$recursiveRef")

Node = tuple[Any, str]  # a schema, and the URL that its references start from
Place = tuple[str, int]  # where below a value a schema is applied, and which (the id of its object)


def check(document: Any, url: str, documents: Mapping[str, Any]) -> None:
    """Raise TooLarge or BadRequest when a schema could take too long; `documents` are the others by URL."""
    walk = _Walk(documents)
    try:
        walk.measure(document, url)
    except RecursionError:
        raise TooLarge("the schema leads too deep", mend="refer to fewer schemas, one through the other") from None
    walk.check_loops()


class _Walk:
    """Meets every schema that the first leads to, once."""

    def __init__(self, documents: Mapping[str, Any]) -> None:
        self._documents = dict(documents)
        self._steps: dict[int, int] = {}  # of each schema: how many are applied in its place
        self._below: dict[int, Counter[Place]] = {}  # of each: what it applies further down, and how often
        self._kept: list[Any] = []  # an id means something only as long as its object is there

    def measure(self, document: Any, url: str) -> None:
        waiting = [(document, url)]
        while waiting:
            node, base = waiting.pop()
            if type(node) is not dict or id(node) in self._below:
                continue
            self._weigh((node, base), waiting)

    def _weigh(self, node: Node, waiting: list[Node]) -> int:
        schema, base = node
        if type(schema) is not dict:
            return 1
        key = id(schema)
        if key in self._steps:
            return self._steps[key]
        self._steps[key] = 1  # met again while it is being weighed, it is a circle in place, which validation leaves
        self._kept.append(schema)
        below = self._below[key] = Counter()
        if "$id" in schema and type(schema["$id"]) is str:
            base = urldefrag(urljoin(base, schema["$id"]))[0]
            self._documents.setdefault(base, schema)  # a schema within another has a name of its own
        for where, one in _down(schema):
            if type(one) is dict:
                below[where, id(one)] += 1
                waiting.append((one, base))
        total = 1
        for one in self._same(schema, base):
            total += self._weigh(one, waiting)
            if type(one[0]) is dict:
                below.update(self._below[id(one[0])])
            if total > STEPS:
                raise TooLarge(
                    f"one value would be held against more than {STEPS:,} schemas", mend="refer to each schema once"
                )
        self._steps[key] = total
        return total

    def _same(self, schema: dict[str, Any], base: str) -> Iterator[Node]:
        for name in _SAME_LISTS:
            if type(schema.get(name)) is list:
                yield from ((one, base) for one in schema[name])
        for name in _SAME_ONES:
            if name in schema:
                yield schema[name], base
        for name in _SAME_NAMED:
            if type(schema.get(name)) is dict:
                yield from ((one, base) for one in schema[name].values() if type(one) is dict)
        for name in _DYNAMIC:
            if name in schema:
                raise BadRequest(f"{name} is not followed", where=name, mend="use $ref")
        if type(schema.get("$ref")) is str:
            yield resolved(schema["$ref"], base, self._documents)

    def check_loops(self) -> None:
        """Refuse a schema that meets itself further down, at one place, along two ways."""
        edges = {key: {one for _, one in below} for key, below in self._below.items()}
        for key, below in self._below.items():
            for (where, one), times in below.items():
                if times > 1 and _leads(edges, one, key):
                    raise TooLarge(f"the schema meets itself twice under {where!r}", where=where, mend="once will do")


def _leads(edges: Mapping[int, set[int]], start: int, goal: int) -> bool:
    seen = {start}
    waiting = [start]
    while waiting:
        one = waiting.pop()
        if one == goal:
            return True
        fresh = edges.get(one, set()) - seen
        seen |= fresh
        waiting += fresh
    return False


def _down(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in _DOWN_ONES:
        if name in schema:
            yield name, schema[name]
    for name in _DOWN_NAMED:
        if type(schema.get(name)) is dict:
            yield from schema[name].items()
    for name in _DOWN_LISTS:
        if type(schema.get(name)) is list:
            yield from ((f"{name}/{place}", one) for place, one in enumerate(schema[name]))


_RAW = re.compile(r"https://raw\.githubusercontent\.com/smart-data-models/([^/]+)/(?:master|main)/(.+)")


def published(url: str) -> str:
    """Where Smart Data Models publishes a file that a schema names by its place in their repository."""
    found = _RAW.fullmatch(url)
    return url if found is None else f"https://smart-data-models.github.io/{found[1]}/{found[2]}"


def resolved(reference: str, base: str, documents: Mapping[str, Any]) -> Node:
    """The schema that a `$ref` names, and where it stands. BadRequest names one that is not given."""
    url, fragment = urldefrag(urljoin(base, reference))
    url = published(url)
    node = documents.get(url)
    if node is None:
        raise BadRequest(
            f"the schema refers to {url[:200]}, which is not given", where="$ref", mend="add its file first"
        )
    if fragment and not fragment.startswith("/"):
        raise BadRequest(f"{reference[:200]!r} is no JSON pointer", where="$ref", mend="such as #/definitions/Name")
    for step in fragment.split("/")[1:]:
        name = unquote(step).replace("~1", "/").replace("~0", "~")
        if type(node) is list and name.isascii() and name.isdigit() and len(name) < 7 and int(name) < len(node):
            node = node[int(name)]
        elif type(node) is dict and name in node:
            node = node[name]
        else:
            raise BadRequest(f"{url[:200]} has no {fragment[:200]}", where="$ref", mend="is it the right version?")
    return node, url
