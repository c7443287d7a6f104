"""What could not be used, kept with its reason: refused messages, failed rules, undeliverable notifications.

A dead letter is an entity of type DeadLetter in the city's own tenant (`~`), which no header can name; so it is
durable, in the log, and gone when somebody deals with it. Payloads are cut, the list is capped.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from hansa import clock
from hansa.limits import DEFAULT
from hansa.model.change import Write
from hansa.model.entity import Entity, entity
from hansa.model.query import Query

if TYPE_CHECKING:
    from hansa.platform.city import City

_ALL: Final = Query.parse(types="DeadLetter")
TENANT: Final = "~"
"""The city's own tenant: credentials, subscriptions and dead letters. Unreachable from outside."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One thing that could not be used. `kind` is message, rule or notification; `ref` makes its id stable."""

    kind: str
    source: str
    ref: str
    reason: str
    at: int
    payload: bytes | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    label: str | None = None  # of what it is about: who may not see that sees no letter either

    @property
    def id(self) -> str:
        """The same thing refused again for the same reference is the same letter."""
        return f"urn:ngsi-ld:DeadLetter:{self.kind}-{hashlib.sha256(self.ref.encode()).hexdigest()[:24]}"

    def write(self) -> Write:
        """The Write that keeps it."""
        payload = None
        if self.payload is not None:
            payload = base64.b64encode(self.payload[: DEFAULT.dead_letter_body]).decode()
        one = entity(
            "DeadLetter",
            self.id,
            kind=self.kind,
            source=self.source,
            reason=self.reason[:2_000],
            at=clock.text(self.at),
            payload=payload,
            size=None if self.payload is None else len(self.payload),
            detail=self.detail or None,
        )
        return Write("say", one.id, one.doc, label=self.label, tenant=TENANT)


def payload_of(letter: Entity) -> bytes | None:
    """The kept payload, or None when there was none or it was cut."""
    kept = letter.get("payload")
    if kept is None:
        return None
    body = base64.b64decode(kept)
    return body if len(body) == letter.get("size") else None


def surplus(city: "City") -> list[Write]:
    """The Writes that let the oldest dead letters go when there are more than `limits.dead_letters`."""
    many = city.count(_ALL, tenant=TENANT) - city.limits.dead_letters
    if many <= 0:
        return []
    # A type's index is in the order in which entities came.
    oldest = city.find(query=_ALL, limit=min(many, city.limits.commit), tenant=TENANT)
    return [Write("delete", one.id, tenant=TENANT) for one in oldest]
