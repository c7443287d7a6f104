"""Which time a request is about: the temporal query language (CIM 009, clauses 4.11, 5.2.21). No HTTP here."""

from dataclasses import dataclass
from typing import Any, Final

from hansa import clock
from hansa.errors import BadRequest
from hansa.platform.store import Span

TIMEPROPERTIES: Final = frozenset({"observedAt", "createdAt", "modifiedAt", "deletedAt"})
WHEN: Final = frozenset({"timerel", "timeAt", "endTimeAt", "timeproperty", "lastN"})
"""The parameters that say it."""
_TEXTS: Final = frozenset({"timerel", "timeAt", "endTimeAt", "timeproperty"})


@dataclass(frozen=True, slots=True)
class TemporalQuery:
    """When: `since` (included) and `until` (not), in microseconds; the texts are what was said (4.11).

    `before` leaves its instant out, `after` and `between` take timeAt in, `between` leaves endTimeAt out.
    """

    timerel: str | None = None
    time_at: str | None = None
    end_time_at: str | None = None
    since: int | None = None
    until: int | None = None
    last: int | None = None
    name: str = "observedAt"

    @classmethod
    def of(cls, said: dict[str, str], *, needed: bool) -> "TemporalQuery":
        """Read timerel, timeAt, endTimeAt, timeproperty and lastN. Raises BadRequest."""
        name = said.get("timeproperty", "observedAt")
        if name not in TIMEPROPERTIES:
            raise BadRequest(
                f"{name[:64]!r} is no temporal property", where="timeproperty", mend=", ".join(sorted(TIMEPROPERTIES))
            )
        last = _last(said)
        timerel = said.get("timerel")
        if timerel is None:
            if odd := sorted(said.keys() & {"timeAt", "endTimeAt"}):
                raise BadRequest(f"{odd[0]} needs a timerel", where="timerel", mend="before, after or between")
            if needed:
                raise BadRequest("a temporal query is needed", where="timerel", mend="timerel=after&timeAt=...")
            return cls(last=last, name=name)
        if timerel not in {"before", "after", "between"}:
            raise BadRequest(
                f"{timerel[:32]!r} is no temporal relation", where="timerel", mend="before, after, between"
            )
        at = _instant(said, "timeAt")
        if timerel == "between":
            end = _instant(said, "endTimeAt")
            if end < at:
                raise BadRequest("endTimeAt lies before timeAt", where="endTimeAt")
            return cls(timerel, said["timeAt"], said["endTimeAt"], at, end, last, name)
        if "endTimeAt" in said:
            raise BadRequest(f"endTimeAt does not go with {timerel}", where="endTimeAt")
        if timerel == "before":
            return cls(timerel, said["timeAt"], None, None, at, last, name)
        return cls(timerel, said["timeAt"], None, at, None, last, name)

    @property
    def span(self) -> Span:
        """The instants that are meant. An instance that does not convey the temporal property is none of them (4.11).

        Who names neither a time nor a property means every instance.
        """
        by = None if self.timerel is None and self.name == "observedAt" else self.name
        return Span(by, self.since, self.until, self.last)


def told(times: Any) -> dict[str, str]:
    """A TemporalQuery (5.2.21) as the parameters that say the same. Raises BadRequest."""
    if type(times) is not dict:
        raise BadRequest("temporalQ is an object", where="temporalQ")
    said: dict[str, str] = {}
    for name, value in times.items():
        where = f"temporalQ.{name[:64]}"
        if name in _TEXTS:
            if type(value) is not str:
                raise BadRequest(f"{name} is a text", where=where)
            said[name] = value
        elif name == "lastN":
            if type(value) is not int or value < 1:
                raise BadRequest("lastN is a whole number from 1 on", where=where)
            said[name] = str(value)
        elif name not in {"aggrMethods", "aggrPeriodDuration"}:
            raise BadRequest(f"a temporalQ has no member {name[:64]!r}", where=where)
    return said


def _last(said: dict[str, str]) -> int | None:
    last = said.get("lastN")
    if last is None:
        return None
    if not (last.isascii() and last.isdigit() and int(last[:10]) > 0):
        raise BadRequest(f"lastN is a number from 1 on, not {last[:32]!r}", where="lastN")
    return int(last[:10])


def _instant(said: dict[str, str], name: str) -> int:
    if name not in said:
        raise BadRequest(f"timerel needs {name}", where=name, mend=f"{name}=2026-11-22T18:00:00Z")
    try:
        return clock.parse(said[name])
    except BadRequest as fault:
        raise BadRequest(fault.detail, where=name, mend=fault.mend) from None
