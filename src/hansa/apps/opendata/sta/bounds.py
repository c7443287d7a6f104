"""What a filter says of the time and the Datastream of Observations, so that only those are read."""

from dataclasses import dataclass
from typing import Final

from hansa.apps.opendata.sta.expressions import Call, Literal, Path, Tree, When
from hansa.apps.opendata.sta.sets import IDS

_EVER: Final = 2**62  # microseconds: farther than any history


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a filter says of the time of Observations (since included, until not) and of their Datastreams.

    `whole`: it says nothing else, so that what lies within need not be weighed once more.
    """

    since: int | None = None
    until: int | None = None
    streams: tuple[str, ...] | None = None
    whole: bool = True

    def behind(self, at: int) -> "Bounds":
        """Only what is later."""
        return Bounds(at + 1 if self.since is None else max(self.since, at + 1), self.until, self.streams, self.whole)

    def before(self, at: int) -> "Bounds":
        """Only what is earlier."""
        return Bounds(self.since, at if self.until is None else min(self.until, at), self.streams, self.whole)


_STREAM_IDS: Final = {("Datastream", name) for name in IDS}
_TURNED: Final = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge", "eq": "eq"}


def bounds_of(tree: Tree | None) -> Bounds:
    """Of a filter: only what its parts that are joined by `and` say; the rest is weighed row by row."""
    since, until, whole = -_EVER, _EVER, True
    streams: tuple[str, ...] | None = None
    parts = [tree] if tree is not None else []
    while parts:
        part = parts.pop()
        match part:
            case Call("and", (one, other)):
                parts += [one, other]
            case Call(name, (Path(("phenomenonTime",)), Literal(When(start, end)))) if name in _TURNED:
                low, high, exact = _limits(name, start, end)
                since, until, whole = max(since, low), min(until, high), whole and exact
            case Call(name, (Literal(When(start, end)), Path(("phenomenonTime",)))) if name in _TURNED:
                low, high, _ = _limits(_TURNED[name], start, end)
                since, until, whole = max(since, low), min(until, high), False
            case Call("eq", (Path(names), Literal(str(ident)))) if names in _STREAM_IDS:
                streams = (ident,) if streams is None else tuple({ident} & set(streams))
            case _:
                whole = False
    return Bounds(since if since > -_EVER else None, until if until < _EVER else None, streams, whole)


def _limits(name: str, start: int, end: int) -> tuple[int, int, bool]:
    """From and until which instants fit, and whether all of them do."""
    match name:
        case "gt":
            return (end + 1 if start == end else end), _EVER, True
        case "ge":
            return start, _EVER, True
        case "lt":
            return -_EVER, start, True
        case "le":
            return -_EVER, end + 1, True
        case _:
            return start, end + 1, start == end
