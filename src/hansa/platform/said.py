"""What somebody said in a JSON document, member by member: a value of the right kind, or a BadRequest that names it.

`where` is the path of the object that is read, empty for the document itself. `Words` takes the names in it to those of
the store and notes what each stands for, so that the document can be read again when its @context is not at hand.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from hansa import clock
from hansa.errors import BadRequest
from hansa.limits import Limits
from hansa.model.context import Context
from hansa.model.wire import NULL

Names = dict[str, dict[str, str]]
"""What the names within each member of a document stand for: member -> name as said -> stored name."""

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`\x00-\x20]+\Z")


class Words:
    """The names within the members of one document. `given` wins over the @context, whatever that says by now."""

    def __init__(self, context: Context, given: Names) -> None:
        """Nothing noted yet."""
        self._context = context
        self._given = given
        self.names: Names = {}

    def name(self, member: str) -> Callable[[str], str]:
        """How `member` takes what must be a name to the stored one; BadRequest when it is no name."""
        return lambda term: self._noted(member, term, self._context.name)

    def word(self, member: str) -> Callable[[str], str]:
        """The same within a `q`, whose parser knows what a name is, and whose values may be expanded too."""
        return lambda term: self._noted(member, term, self._context.expand)

    def _noted(self, member: str, term: str, expand: Callable[[str], str]) -> str:
        given = self._given.get(member)
        name = expand(term) if given is None or term not in given else given[term]
        self.names.setdefault(member, {})[term] = name
        return name


def is_uri(value: Any) -> bool:
    """Whether something may be the id of an entity or a subscription."""
    return isinstance(value, str) and _URI.match(value) is not None


def known(said: Mapping[str, Any], members: Collection[str], where: str = "") -> None:
    """Raise BadRequest for a member that the object does not have, and for null (5.2.1)."""
    for name, value in said.items():
        at = f"{where}{name[:64]}"
        if name not in members:
            raise BadRequest(f"there is no member {name[:64]!r} here", where=at)
        if value is None or value == NULL:
            raise BadRequest(f"{name[:64]} is null, which no member can be", where=at, mend="leave it out")


def object_of(value: Any, where: str) -> dict[str, Any]:
    """An object."""
    if not isinstance(value, dict):
        raise BadRequest("an object is missing here", where=where)
    return value


def text(said: Mapping[str, Any], name: str, where: str = "") -> str:
    """A text with something in it."""
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{name} is a text with something in it", where=f"{where}{name}")
    return value


def truth(said: Mapping[str, Any], name: str, otherwise: bool, where: str = "") -> bool:
    """True or false; `otherwise` when it is not said."""
    value = said.get(name, otherwise)
    if not isinstance(value, bool):
        raise BadRequest(f"{name} is true or false", where=f"{where}{name}")
    return value


def number(said: Mapping[str, Any], name: str, where: str = "") -> float:
    """A number above 0; 0 when it is not said."""
    value = said.get(name, 0)
    if type(value) not in {int, float} or not 0 <= value < 1e12 or (name in said and value == 0):
        raise BadRequest(f"{name} is a number above 0", where=f"{where}{name}")
    return float(value)


def moment(said: Mapping[str, Any], name: str) -> int | None:
    """An instant in microseconds; None when it is not said."""
    value = said.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadRequest(f"{name} is a date-time", where=name)
    try:
        return clock.parse(value)
    except BadRequest as fault:
        raise BadRequest(fault.detail, where=name, mend=fault.mend) from None


def listed(said: Mapping[str, Any], name: str, limits: Limits, where: str = "") -> list[str] | None:
    """A list of texts, or one text alone; None when it is not said."""
    value = said.get(name)
    if value is None:
        return None
    value = value if isinstance(value, list) else [value]
    if not value or not all(isinstance(one, str) and one for one in value) or len(value) > limits.batch:
        raise BadRequest(f"{name} is a list of names with something in it", where=f"{where}{name}")
    return value


def parted(said: Mapping[str, Any], name: str, limits: Limits) -> list[str]:
    """Names in one text with commas between them, as `expandValues` and `jsonKeys` are; also a list of them."""
    names = [one.strip() for text in listed(said, name, limits) or () for one in text.split(",")]
    if not all(names):
        raise BadRequest(f"{name} is a list of names with commas between them", where=name)
    return names


def pairs(said: Mapping[str, Any], name: str, limits: Limits, where: str = "") -> list[tuple[str, str]]:
    """A KeyValuePair[] (5.2.22); empty when it is not said."""
    value = said.get(name, [])
    if not isinstance(value, list) or len(value) > limits.depth:
        raise BadRequest("a list of {key, value}", where=f"{where}{name}")
    for i, one in enumerate(value):
        if not isinstance(one, dict) or one.keys() != _PAIR or not all(isinstance(one[m], str) for m in _PAIR):
            raise BadRequest('each is {"key": text, "value": text}', where=f"{where}{name}[{i}]")
    return [(one["key"], one["value"]) for one in value]


_PAIR: Final = frozenset(("key", "value"))
