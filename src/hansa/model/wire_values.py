"""What stands in a member: values, URIs, times, languages, geometries from the wire, each checked (CIM 009, 4.6).

Every fault is a BadRequest; whoever reads the member around it adds the step of the path with `under`.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from math import isfinite
from typing import Any, Final, Literal

import msgspec

from hansa import clock
from hansa.errors import BadRequest, TooLarge
from hansa.limits import Limits
from hansa.model.context import Context

NULL: Final = "urn:ngsi-ld:null"
"""What stands for "take it away" where JSON would say null (clause 4.5.0)."""

Mode = Literal["whole", "update", "merge"]
"""What a body is: all that is said (create, append, replace: no nulls); whole attributes, of which nulls delete
(5.6.2); or parts of attributes, down into their values (5.6.4, 5.6.17). In "merge" an unsaid type stays unsaid."""

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`\x00-\x1f\x7f]+\Z")
_TAG = re.compile(r"(@none|[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*)\Z")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([.,]\d{1,6})?Z\Z", re.ASCII)
# What nobody sees: format characters, fillers, variation selectors, and what is no character at all. RFC 3987 leaves
# most of them out of an IRI; of the rest, two ids would look the same and be two.
_UNSEEN = re.compile(
    "[\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ud800-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000))
    + "\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)


def under(key: str | int, fault: BadRequest) -> BadRequest:
    """The fault, its path one step longer at the front."""
    step = f"[{key}]" if isinstance(key, int) else key[:128]
    if fault.where is None:
        fault.where = step
    else:
        fault.where = f"{step}{'' if fault.where.startswith('[') else '.'}{fault.where}"
    return fault


def at(key: str, read: Callable[[Any], Any], value: Any) -> Any:
    """What `read` makes of the value of member `key`."""
    try:
        return read(value)
    except BadRequest as fault:
        raise under(key, fault) from None


def uri(value: Any, where: str | None, limits: Limits) -> str:
    """A URI, as it is; NULL is none."""
    if type(value) is not str or value == NULL or not _URI.match(value) or not (value.isascii() or _seen(value)):
        said = "is missing" if value is None else f"{str(value)[:128]!r} is not a URI"
        raise BadRequest(
            f"{where} {said}" if where else said, where=where, mend="write it as urn:ngsi-ld:WeatherObserved:north"
        )
    if len(value) > limits.name:
        raise BadRequest(f"a URI is longer than {limits.name} characters", where=where)
    return value


def language(value: str) -> str:
    """A language tag as of RFC 5646, or `@none`."""
    if not _TAG.match(value):
        raise BadRequest(f"{value[:64]!r} is not a language", mend="en, de-AT or @none (RFC 5646)")
    return value


def _seen(text: str) -> bool:
    """Whether all of a text can be seen."""
    return _UNSEEN.search(text) is None


@lru_cache(8_192)
def instant(text: str) -> str:
    """A date-time in UTC, as it was written but for a decimal comma. Clause 4.6.3: all of it, ending with Z."""
    clock.parse(text)  # which is more generous, and has words for most of what can be wrong
    if not _DATE_TIME.match(text):
        raise BadRequest(f"{text[:64]!r} is not in UTC, or not complete", mend="write it as 2026-11-22T18:00:00Z")
    return text.replace(",", ".")


class Values:
    """Reads values in one body: with its @context, its caps, and what its mode lets NULL do."""

    __slots__ = ("context", "limits", "merge", "nulls")

    def __init__(self, context: Context, mode: Mode, limits: Limits) -> None:
        """`mode` says whether NULL may stand for what is to go, and whether values may hold it."""
        self.context = context
        self.limits = limits
        self.nulls = mode != "whole"
        self.merge = mode == "merge"

    def scope(self, value: Any) -> str | list[str]:
        """One scope or several, as written: a leading slash is optional (clause 4.18)."""
        if value == NULL and self.nulls:
            return NULL
        scopes = value if type(value) is list else [value]
        if not scopes:
            raise BadRequest("scope is an empty list", where="scope", mend="leave it out")
        for one in scopes:
            levels = one.removeprefix("/").split("/") if type(one) is str and len(one) <= self.limits.name else [""]
            if not all(level[:1].isalpha() and level.replace("_", "a").isalnum() for level in levels):
                raise BadRequest(
                    f"{str(one)[:128]!r} is not a scope", where="scope", mend="write it as /Madrid/Gardens/ParqueNorte"
                )
        return value  # type: ignore[no-any-return]

    def when(self, value: Any) -> str:
        """A date-time in UTC."""
        if type(value) is not str:
            raise BadRequest(f"{str(value)[:64]} is not a date-time", mend="write it as 2026-11-22T18:00:00Z")
        if value == NULL and self.nulls:
            return NULL
        return instant(value)

    def text(self, value: Any) -> str:
        """A short text that says something."""
        if type(value) is not str or not value or value == NULL or len(value) > self.limits.name:
            raise BadRequest(f"{str(value)[:64]!r} is not a text that fits here")
        return value

    def terms(self, value: Any, *, one: bool) -> str | list[str]:
        """A term, or unless `one` a list of them, as stored names."""
        if type(value) is list and not one and value:
            return [self.context.expand(self.text(term)) for term in value]
        return self.context.expand(self.text(value))

    def value(self, kind: str | None, value: Any, depth: int) -> Any:
        """The value of an attribute of a kind; NULL, in whichever spelling, where the mode has it."""
        if kind == "Property":
            return value if type(value) is bool else self._property(value, depth)
        if self.nulls and (value in (NULL, [NULL], {"@none": NULL})):
            return NULL
        if value is None:
            raise BadRequest("null is no value in NGSI-LD", mend=f"leave it out; to take it away, say {NULL!r}")
        if kind == "Relationship":
            return self._objects(value)
        if kind == "GeoProperty":
            return self.geometry(value)
        if kind == "LanguageProperty":
            return self._languages(value)
        if kind == "VocabProperty":
            return self.terms(value, one=False)
        if kind == "JsonProperty":
            if type(value) is not dict and type(value) is not list:
                raise BadRequest("json holds an object or a list of objects", mend="a single value is a Property")
            return self.plain(value, depth, urn=True, null=True)
        if type(value) is not list:
            raise BadRequest("a list is a JSON array")
        if kind == "ListRelationship":
            return self._object_list(value)
        return self.plain(value, depth, urn=self.merge)

    def _property(self, value: Any, depth: int) -> Any:
        if type(value) is str:
            if value == NULL and not self.nulls:
                raise _no_null()
            return value
        return self.plain(value, depth, urn=self.merge)

    def plain(self, value: Any, depth: int, *, urn: bool, null: bool = False) -> Any:
        """Any JSON, as it is. `urn` lets NULL stand in it, `null` lets null."""
        kind = type(value)
        if kind is str:
            if value == NULL and not urn:
                raise _no_null()
        elif kind is float:
            if not isfinite(value):
                raise BadRequest(f"{value} is not a number that JSON knows")
        elif kind is int:
            if not -(2**63) <= value < 2**64:
                raise BadRequest("a whole number is beyond 64 bits", mend="send it as a string")
        elif kind is dict or kind is list:
            self._inside(value, depth, urn=urn, null=null)
        elif value is None:
            if not null:
                raise BadRequest("null is no value in NGSI-LD", mend=f"leave it out; to take it away, say {NULL!r}")
        elif kind is not bool:
            raise BadRequest(f"a {kind.__name__} is not JSON")
        return value

    def _inside(self, value: Any, depth: int, *, urn: bool, null: bool) -> None:
        if depth > self.limits.depth:
            raise TooLarge(f"a value nests deeper than {self.limits.depth}")
        if type(value) is dict:
            null = null or value.get("@type") == "@json"
            inner: Any = value.items()
        else:
            inner = enumerate(value)
            urn = urn and null  # a merge replaces a list as a whole: there is nothing to take away in it
        for key, one in inner:
            try:
                self.plain(one, depth + 1, urn=urn, null=null)
            except BadRequest as fault:
                raise under(key, fault) from None

    def _objects(self, value: Any) -> str | list[str]:
        if type(value) is list and value:
            return [uri(one, None, self.limits) for one in value]
        return uri(value, None, self.limits)

    def _object_list(self, value: list[Any]) -> list[dict[str, str]]:
        found = []
        for place, one in enumerate(value):
            target = one["object"] if type(one) is dict and one.keys() == {"object"} else one
            try:
                found.append({"object": uri(target, None, self.limits)})
            except BadRequest as fault:
                raise under(place, fault) from None
        return found

    def _languages(self, value: Any) -> Any:
        if type(value) is not dict:
            raise BadRequest("a languageMap is an object from language to text")
        for tag, text in value.items():
            texts = text if type(text) is list and text else [text]
            language(tag)
            if not all(type(one) is str and (one != NULL or self.merge) for one in texts):
                raise BadRequest("a language has a text, or a list of texts", where=tag)
        return value

    def geometry(self, value: Any) -> Any:
        """A GeoJSON geometry (clause 4.7)."""
        from hansa.model import geo  # noqa: PLC0415 - only who sends geometries needs it

        if type(value) is str:  # clause 4.7.2: a geometry may come as a JSON text
            try:
                value = msgspec.json.decode(value)
            except (msgspec.DecodeError, RecursionError):
                raise BadRequest("a geometry given as text is not JSON") from None
        geo.validate(value, self.limits)
        if len(value) > 2:  # a bbox, or a member of the sender's own: kept, as long as it is JSON
            self.plain({m: v for m, v in value.items() if m != "coordinates"}, 1, urn=False)
        return value


def _no_null() -> BadRequest:
    return BadRequest(f"{NULL!r} takes away; it is no value here", mend="only updates and merges can take away")
