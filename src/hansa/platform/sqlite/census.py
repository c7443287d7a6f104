"""What there is: types, their attributes, of what kinds these are and how many entities say so; from the indexes.

It is what a sight is told that sees everything. Documents are read where the indexes cannot tell: of entities something
of which has expired and is not taken out yet, and of attributes of which several kinds were said in the past.
"""

import time
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import apsw
import orjson

from hansa.clock import Clock
from hansa.errors import HansaError
from hansa.model.entity import MEMBERS, Doc, instances, types_of
from hansa.model.transient import alive
from hansa.platform.sqlite.past import PastReader
from hansa.platform.sqlite.plan import type_word
from hansa.platform.store import TooSlow


class CensusReader(PastReader, ABC):
    """Counts of one realm's file, through one connection. See `platform.store.Reader`."""

    def __init__(self, db: apsw.Connection, realm: str, now: Callable[[], int] | None = None) -> None:
        """Read through `db`, which is this reader's own; `now` says what has expired (the wall clock, if not said)."""
        super().__init__(db, realm)
        self._now = Clock().now if now is None else now
        self.until = 0.0  # monotonic seconds at which reads are too slow; 0: never

    def types(self, tenant: str) -> dict[str, int]:
        """Types and how many entities bear each."""
        prefix = type_word(tenant, "")
        counts = {}
        for t, count in self._run("SELECT t, count(*) FROM type GROUP BY t", ()):
            word = self._names.text(t)
            if prefix:
                if word.startswith(prefix):
                    counts[word.removeprefix(prefix)] = count
            elif " " not in word:
                counts[word] = count
        if self._outlived():
            self._uncount(tenant, counts)
        return {word: count for word, count in counts.items() if count}

    def attributes(self, tenant: str) -> dict[str, set[str]]:
        """The names of attributes by type."""
        text = self._names.text
        with self._at_once():
            still, left = self._parted(tenant)
            found = {
                word: {text(n) for n in self._said(t, still)}
                for word, t in self._typed(tenant).items()
                if not still or self._any(_OF_TYPE + still, t)
            }
        for doc in left:
            for kind in types_of(doc):
                found.setdefault(kind, set()).update(doc.keys() - MEMBERS)
        return found

    def of_type(self, tenant: str, kind: str) -> tuple[int, dict[str, set[str]]]:
        """How many entities bear a type, and their attributes with the kinds that these are of."""
        many = 0
        found: dict[str, set[str]] = {}
        with self._at_once():
            still, left = self._parted(tenant)
            t = self._names.number(type_word(tenant, kind))
            if t is not None:
                many = self._count(_OF_TYPE + still, t)
                found = {self._names.text(n): self._kinds_of([t], n, still) for n in self._said(t, still)}
        for doc in left:
            if kind in types_of(doc):
                many += 1
                for name in doc.keys() - MEMBERS:
                    found.setdefault(name, set()).update(_kinds_in(doc, name))
        return many, found

    def of_attribute(self, tenant: str, name: str) -> tuple[int, set[str], set[str]]:
        """In how many entities an attribute is, the kinds it is of, and the types of these entities."""
        many = 0
        kinds: set[str] = set()
        types: set[str] = set()
        with self._at_once():
            still, left = self._parted(tenant)
            n = self._names.number(name)
            if n is not None:
                typed = {word: t for word, t in self._typed(tenant).items() if self._any(_BEARING + still, t, n)}
                types.update(typed)
                numbers = list(typed.values())
                many, kinds = self._many(numbers, n, still), self._kinds_of(numbers, n, still)
        for doc in left:
            if name in doc and name not in MEMBERS:
                many += 1
                kinds |= _kinds_in(doc, name)
                types.update(types_of(doc))
        return many, kinds, types

    # By number. `still` is a condition that leaves out what has expired, or nothing

    def _typed(self, tenant: str) -> dict[str, int]:
        """Every type of a tenant and its number."""
        prefix = type_word(tenant, "")
        words = {self._names.text(t): t for (t,) in self._run(_TYPES, ())}
        return {
            w.removeprefix(prefix): t for w, t in words.items() if (w.startswith(prefix) if prefix else " " not in w)
        }

    def _said(self, t: int, still: str) -> list[int]:
        """The names of a type's attributes."""
        return [n for (n,) in self._all(_NAMES, (t, t)) if not still or self._any(_BEARING + still, t, n)]

    def _many(self, types: list[int], n: int, still: str) -> int:
        """How many entities of types have an attribute."""
        if not types:
            return 0
        if len(types) == 1 and self._several(types[0], n) is None:
            return self._count(_BEARING + still, types[0], n)
        return self._count(_BEARING_ANY + still, apsw.carray(array("q", types)), n)  # an entity may bear several types

    def _kinds_of(self, types: list[int], n: int, still: str) -> set[str]:
        """The kinds that an attribute is of in entities of types, each of which has some that bear it."""
        text = self._names.text
        ever = {t: {text(k) for (k,) in self._all(_EVER, (t, n))} for t in types}
        found = {kind for kinds in ever.values() if len(kinds) == 1 for kind in kinds}
        for t, kinds in ever.items():
            if kinds <= found:
                continue
            for (doc,) in self._run(_DOCS.format(_BEARING + still), (t, n)):
                if self._late():  # what reads documents needs longer than SQLite does
                    raise TooSlow
                found |= _kinds_in(orjson.loads(doc), text(n))
                if kinds <= found:
                    break
        return found

    @abstractmethod
    def _several(self, t: int, n: int) -> int | None:
        """None: no entity of the type has more than one row of the attribute."""

    # Time

    def _parted(self, tenant: str) -> tuple[str, list[Doc]]:
        """A condition that leaves out entities of which something has expired and is still there, and what these say.

        Two nothings where there are none, and that is nearly always.
        """
        now = self._now()
        if not self._outlived():
            return "", []
        left = (alive(orjson.loads(doc), now) for (doc,) in self._all(_EXPIRED, (now, self._names.number(tenant))))
        return _STILL.format(now), [doc for doc in left if doc is not None]

    def _uncount(self, tenant: str, counts: dict[str, int]) -> None:
        """Take those away from the counts by type that have expired and are not taken out yet."""
        now = self._now()
        for (doc,) in self._all(_EXPIRED, (now, self._names.number(tenant))):
            whole = orjson.loads(doc)
            if alive(whole, now) is None:
                for kind in types_of(whole):
                    counts[kind] -= 1

    @abstractmethod
    def _outlived(self) -> bool:
        """Whether something that has expired has not been taken out yet."""

    def _late(self) -> bool:
        return self.until > 0 and time.monotonic() > self.until

    @contextmanager
    def _at_once(self) -> Iterator[None]:
        """Questions within are answered of one moment."""
        if not self._db.filename or not self._db.get_autocommit():  # in memory the writer has it too
            yield
            return
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("COMMIT")

    def _any(self, sql: str, *given: int) -> bool:
        return bool(self._all(f"{sql} LIMIT 1", given))

    def _count(self, sql: str, *given: Any) -> int:
        return int(self._all(f"SELECT count(*) FROM ({sql})", given)[0][0])  # noqa: S608  # statements of this module

    def _all(self, sql: str, given: Any) -> list[tuple[Any, ...]]:
        """Every row at once: a step of a generator for each would cost as much as the row."""
        try:
            return self._db.execute(sql, given).fetchall()
        except apsw.InterruptError:
            raise TooSlow from None
        except apsw.Error as fault:
            raise HansaError(f"the store could not be read: {fault}") from fault


def _kinds_in(doc: Doc, name: str) -> set[str]:
    """The kinds of an attribute's instances; none when it is not there."""
    return {one["type"] for one in instances(doc[name])} if name in doc else set()


_OF_TYPE: Final = "SELECT e FROM type WHERE t = ?"
_BEARING: Final = "SELECT e FROM attr WHERE t = ? AND n = ?"
_BEARING_ANY: Final = "SELECT DISTINCT e FROM carray(?) AS said CROSS JOIN attr ON t = said.value AND n = ?"
_EVER: Final = "SELECT k FROM kind WHERE t = ? AND n = ?"
_DOCS: Final = "SELECT doc FROM (SELECT DISTINCT e FROM ({})) AS found CROSS JOIN entity ON entity.e = found.e"
_STILL: Final = " AND e NOT IN (SELECT e FROM entity WHERE expires <= {})"
_EXPIRED: Final = "SELECT doc FROM entity WHERE expires <= ? AND tenant = ?"
# From one word to the next by the index: DISTINCT would walk through every entity of every type.
_TYPES: Final = """
WITH RECURSIVE s (t) AS (
    SELECT min(t) FROM type
    UNION ALL SELECT (SELECT min(t) FROM type WHERE t > s.t) FROM s WHERE s.t IS NOT NULL)
SELECT t FROM s WHERE t IS NOT NULL"""
_NAMES: Final = """
WITH RECURSIVE s (n) AS (
    SELECT min(n) FROM attr WHERE t = ?1
    UNION ALL SELECT (SELECT min(n) FROM attr WHERE t = ?2 AND n > s.n) FROM s WHERE s.n IS NOT NULL)
SELECT n FROM s WHERE n IS NOT NULL"""
