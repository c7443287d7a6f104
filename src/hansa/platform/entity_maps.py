"""Entity maps: which entities a sequence of requests is about (CIM 009, clauses 4.5.25, 5.2.39, 5.5.14).

A map fixes which entities further requests consider, so that pages stay together while the city changes. It is kept
in memory, a while and no longer: who names one that is gone gets a new one. Only who made it can use it, in its own
tenant. There are no other sources yet, so every entity is local (`@none`).
"""

import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from hansa import clock
from hansa.clock import SECOND
from hansa.errors import BadRequest, TooManyResults
from hansa.limits import Limits

_DURATION: Final = re.compile(
    r"P(?=.)(?:([0-9]{1,4})Y)?(?:([0-9]{1,4})M)?(?:([0-9]{1,4})W)?(?:([0-9]{1,6})D)?"
    r"(?:T(?=.)(?:([0-9]{1,6})H)?(?:([0-9]{1,8})M)?(?:([0-9]{1,9})(?:[.,][0-9]{1,6})?S)?)?",
    re.ASCII,
)
_SECONDS: Final = (365 * 86_400, 30 * 86_400, 7 * 86_400, 86_400, 3_600, 60, 1)


@dataclass(slots=True)
class EntityMap:
    """Which entities a sequence of requests is about, in their order; `expires` in microseconds."""

    ident: str
    whose: tuple[str, str]  # tenant and actor
    expires: int
    entities: dict[str, None]

    def document(self) -> dict[str, Any]:
        """As 5.2.39 has it."""
        return {
            "id": self.ident,
            "type": "EntityMap",
            "expiresAt": clock.text(self.expires),
            "entityMap": {one: ["@none"] for one in self.entities},
            "linkedMaps": {},
        }


class EntityMaps:
    """The maps of a city; the oldest go when there are too many, or too many entities in them."""

    def __init__(self, now: Callable[[], int], limits: Limits) -> None:
        """`now` in microseconds."""
        self._now = now
        self._limits = limits
        self._kept: dict[str, EntityMap] = {}
        self._entities = 0

    def create(self, whose: tuple[str, str], entities: Iterable[str], lifetime_s: float | None) -> EntityMap:
        """A new map. TooManyResults when it alone would be too large."""
        found = dict.fromkeys(entities)
        most = self._limits.mapped
        if len(found) > most:
            raise TooManyResults(f"more than {most:,} entities for a map", where="entityMap", mend="ask for fewer")
        made = EntityMap(f"urn:ngsi-ld:EntityMap:{uuid.uuid4()}", whose, 0, found)
        self.until(made, self._now() + int((self._limits.map_s if lifetime_s is None else lifetime_s) * SECOND))
        self._kept[made.ident] = made
        self._entities += len(found)
        now = self._now()
        for one in list(self._kept.values()):
            if one.expires <= now:
                self.drop(one)
        while len(self._kept) > self._limits.entity_maps or self._entities > most:
            self.drop(next(iter(self._kept.values())))
        return made

    def get(self, ident: str, whose: tuple[str, str]) -> EntityMap | None:
        """The map of an id, if it is theirs and has not expired."""
        found = self._kept.get(ident)
        if found is None or found.whose != whose:
            return None
        if found.expires <= self._now():
            self.drop(found)
            return None
        return found

    def until(self, one: EntityMap, expires: int) -> None:
        """Let a map live until then, and no longer than `limits.map_s` from now."""
        one.expires = min(expires, self._now() + int(self._limits.map_s * SECOND))

    def drop(self, one: EntityMap) -> None:
        """Forget a map."""
        if self._kept.pop(one.ident, None) is not None:
            self._entities -= len(one.entities)

    def prune(self, one: EntityMap, gone: Iterable[str]) -> None:
        """Take entities out that no longer fit (5.5.9.3)."""
        for ident in gone:
            if ident in one.entities:
                del one.entities[ident]
                self._entities -= one.ident in self._kept


def seconds(text: str) -> float:
    """How long an ISO 8601 duration is, a year as 365 days and a month as 30. BadRequest when it is none."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise BadRequest(f"{text[:64]!r} is no duration", where="entityMapLifetime", mend="PT10M, P1D")
    return float(sum(int(part) * unit for part, unit in zip(found.groups(), _SECONDS, strict=True) if part))
