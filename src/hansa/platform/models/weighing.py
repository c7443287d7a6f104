"""Writes held against the models of their types, at the door, before they are submitted.

A change is weighed as what the entity would then be, and is to blame for what it brings, not for what was amiss before.
While there is no model, a door asks one dictionary whether it is empty.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from hansa.errors import BadRequest, HansaError
from hansa.model.change import Kind, Refused, Write
from hansa.model.entity import alias, types_of
from hansa.platform import merge
from hansa.platform.city import City
from hansa.platform.models.register import Register
from hansa.platform.models.schema import Fault, Schema
from hansa.platform.store import Outcome
from hansa.trust.labels import ADMINISTRATOR, Sight

SAME_AGAIN_S: Final = 60.0
"""One fault of one type is logged once in so long: a thousand stations may have it, every minute."""

_NEW: Final[frozenset[Kind]] = frozenset({"create", "upsert"})  # the state before says nothing
_WHOLE: Final[frozenset[Kind]] = frozenset({*_NEW, "replace"})  # these bring all that the entity then has
_WEIGHED: Final[frozenset[Kind]] = frozenset(
    (
        *_WHOLE,
        *("append", "append_new", "update", "patch_attr", "replace_attr", "delete_attr", "merge", "upsert_update"),
        "read",
    )
)

log = structlog.get_logger("hansa.models")


@dataclass(frozen=True, slots=True)
class Breach:
    """What one write would break, and of which model."""

    write: Write
    url: str
    type: str
    faults: list[Fault]

    def error(self) -> BadRequest:
        """The refusal: the schema, the first path, every reason."""
        return BadRequest(
            f"{self.write.id} is not as the model of {self.type} says: {'; '.join(map(str, self.faults))}",
            where=self.faults[0].path or None,
            mend=f"see {self.url}",
        )


class Models(Register):
    """The city's models, and what writes would break of them."""

    def __init__(self, city: City, *, refuse: bool = False) -> None:
        """Keep schemas in `city`. `refuse`: a breach is refused; otherwise it is told, and written."""
        super().__init__(city)
        self.refuse = refuse
        self.breaches: Counter[str] = Counter()  # by type, since this process began
        self._logged: dict[tuple[str, str, str], float] = {}

    def weigh(self, city: City, writes: Sequence[Write], sight: Sight = ADMINISTRATOR) -> dict[int, Breach]:
        """What writes to `city` would break, by their place in `writes`; counted and logged."""
        before: dict[tuple[str, str], merge.State | None] = {}  # as earlier writes of the same round leave it
        found: dict[int, Breach] = {}
        for place, write in enumerate(writes):
            if write.kind not in _WEIGHED or not self._concerns(write):
                continue
            breach = self._weighed(city, write, before, sight)
            if breach is not None:
                found[place] = breach
                self._note(breach)
        return found

    def _concerns(self, write: Write) -> bool:
        """Whether a write may be about a type that has a model; one that names no type may."""
        kind = write.doc.get("type")
        if kind is None or write.kind not in {*_WHOLE, "read"}:
            return True
        return any(one in self.known or alias(one) in self.known for one in types_of(write.doc))

    def _weighed(
        self, city: City, write: Write, before: dict[tuple[str, str], merge.State | None], sight: Sight
    ) -> Breach | None:
        key = (write.tenant, write.id)
        if key not in before:
            before[key] = None if write.kind in _NEW else _state(city, write, sight)
        state = before[key]
        try:
            after = merge.apply(state, write, city.clock.now()).state
        except HansaError:
            return None  # the writer will refuse it, and say why
        breach = None
        if after.doc is not None:
            for kind in types_of(after.doc):
                schema = self.schema(kind)
                if schema is None or not (faults := schema.faults(after.doc)):
                    continue
                if news := _brought(write, state, schema, faults):
                    breach = Breach(write, schema.url, str(schema.type), news)
                    break
        if breach is None or not self.refuse:
            before[key] = after
        return breach

    def _note(self, breach: Breach) -> None:
        self.breaches[breach.type] += 1
        now = time.monotonic()
        first = breach.faults[0]
        key = (breach.type, first.path, first.rule)
        if now - self._logged.get(key, -SAME_AGAIN_S) < SAME_AGAIN_S:
            return
        if len(self._logged) > 1_000:
            self._logged.clear()
        self._logged[key] = now
        log.warning(
            "an entity is not as its model says",
            entity=breach.write.id,
            type=breach.type,
            model=breach.url,
            faults=[str(one) for one in breach.faults],
            refused=self.refuse,
        )

    def settle(
        self, city: City, writes: Sequence[Write], sight: Sight = ADMINISTRATOR
    ) -> tuple[Sequence[Write], list[Breach], Callable[[Sequence[Outcome]], list[Outcome]]]:
        """The writes that may go on, the breaches to be told of, and how their outcomes become those of all.

        Where breaches are refused, a refusal stands in the place of each, and says all; else all go on.
        """
        breaches = self.weigh(city, writes, sight)
        if not breaches or not self.refuse:
            return writes, list(breaches.values()), list
        going = [write for place, write in enumerate(writes) if place not in breaches]

        def joined(outcomes: Sequence[Outcome]) -> list[Outcome]:
            rest = iter(outcomes)
            return [
                Refused(write, breaches[place].error()) if place in breaches else next(rest)
                for place, write in enumerate(writes)
            ]

        return going, [], joined


def _brought(write: Write, state: merge.State | None, schema: Schema, faults: list[Fault]) -> list[Fault]:
    """The faults that a write brings: all that a whole entity has, of a fragment those that were not there before."""
    if write.kind in _WHOLE or state is None or state.doc is None:
        return faults
    old = {(one.path, one.rule) for one in schema.faults(state.doc)}
    return [one for one in faults if (one.path, one.rule) not in old]


def _state(city: City, write: Write, sight: Sight) -> merge.State | None:
    known = city.reader.entity(write.tenant, write.id, sight)  # what is hidden from him tells him nothing here either
    if known is None or known.stamps is None:
        return None
    return merge.State(known.doc, known.stamps, known.label)
