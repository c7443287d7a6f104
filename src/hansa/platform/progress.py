"""How far telling has come: a place in the log, written at most once a second.

Everything up to it was delivered or is a dead letter, except for the few subscriptions that the place names with a
place of their own. After a crash the log is read from there, so a receiver may be told twice, and never not at all.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from hansa.platform.city import City
from hansa.platform.durable import durably
from hansa.platform.store import Item

READER: Final = "subscriptions"
"""The name under which the place in the log is kept, and under which the city writes about its notifications."""

APART: Final = 500  # subscriptions with a place of their own; more, and the common place waits for them

Key = tuple[str, str]
"""A subscription: tenant and id."""


class _Place(msgspec.Struct, array_like=True):
    """Everything up to `seq` is dealt with, except for (tenant, id) from its own seq on."""

    seq: int
    apart: list[tuple[str, str, int]] = []


class Progress:
    """Which Changes are neither delivered nor dead yet, by subscription, and the place that follows from it."""

    def __init__(self, city: City) -> None:
        """At the log's beginning, until `find`."""
        self._city = city
        self._place = _Place(0)
        self._began = _Place(0)
        self._apart: dict[Key, int] = {}
        self._undone: dict[Key, dict[int, None]] = {}

    async def find(self) -> None:
        """Read where the last life came to; a city that never told anybody begins at the log's end."""
        kept = self._city.store.place(READER)
        if kept is None:
            await self._write(_Place(self._city.store.head()))
        else:
            self._place = msgspec.msgpack.decode(kept, type=_Place)
        self._began = self._place
        self._apart = {(tenant, ident): seq for tenant, ident, seq in self._began.apart}

    @property
    def seq(self) -> int:
        """The common place."""
        return self._place.seq

    @property
    def first(self) -> int:
        """After which seq to read."""
        return min([self._began.seq, *(seq - 1 for seq in self._apart.values())])

    def passed(self, key: Key, seq: int) -> bool:
        """Whether the last life has dealt with this Change for this subscription."""
        if seq > self._began.seq:
            return False
        first = self._apart.get(key)
        return first is None or seq < first

    def note(self, key: Key, seq: int) -> None:
        """This Change is to be told to this subscription."""
        self._undone.setdefault(key, {})[seq] = None

    def settle(self, key: Key, seqs: Iterable[int]) -> None:
        """These were delivered, are dead, or need not be told."""
        undone = self._undone.get(key)
        if undone is None:
            return
        for seq in seqs:
            undone.pop(seq, None)
        if not undone:
            del self._undone[key]

    def forget(self, key: Key) -> None:
        """Nothing is to be told to this subscription."""
        self._undone.pop(key, None)

    async def flush(self, seen: int) -> None:
        """Write the place, if it moved; `seen` is the newest Change that was looked at."""
        if (place := self._reached(seen)) != self._place:
            await self._write(place)

    def _reached(self, seen: int) -> _Place:
        if seen < self._began.seq:  # still looking at what the last life left undone
            return self._place
        first = sorted((next(iter(undone)), key) for key, undone in self._undone.items())
        if len(first) > APART:
            seen = min(seen, first[APART][0] - 1)
            first = first[:APART]
        return _Place(seen, [(*key, own) for own, key in first if own <= seen])

    async def _write(self, place: _Place) -> None:
        await durably(self._city, Item([], READER, places={READER: msgspec.msgpack.encode(place)}))
        self._place = place
