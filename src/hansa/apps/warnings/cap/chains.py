"""Which messages are in force: Updates take the place of what they cite, Cancels end it (CAP 1.2, 3.2.1, msgType)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from hansa.apps.warnings.cap.faults import refuse
from hansa.apps.warnings.cap.message import Alert, Reference

MESSAGES: Final = 10_000  # looked at together
CITED: Final = 100  # references that a next message carries: the newest ones, should there be more


class Chains:
    """Messages that cite each other. A message that arrives before the one it cites has its effect all the same."""

    def __init__(self, alerts: Iterable[Alert]) -> None:
        """Of one key said twice the first content counts; a second, different one is a conflict."""
        self._known: dict[Reference, Alert] = {}
        conflicts: dict[Reference, None] = {}
        for alert in alerts:
            first = self._known.setdefault(alert.key, alert)
            if first != alert:
                conflicts[alert.key] = None
            if len(self._known) > MESSAGES:
                raise refuse("too-many", "alert", f"more than {MESSAGES:,} messages")
        self.conflicts: tuple[Reference, ...] = tuple(conflicts)
        self._ended: dict[Reference, Alert] = {}  # what was cited, and the first message that ended it
        strangers: dict[Reference, None] = {}
        for alert in sorted(self._known.values(), key=lambda it: (it.sent, it.identifier)):
            if alert.msg_type not in {"Update", "Cancel"} or alert.status == "Draft":
                continue
            for cited in alert.references:
                # Nobody ends another's warning, and no drill ends a real one.
                if cited.sender != alert.sender or not self._of_a_kind(alert, cited):
                    strangers[alert.key] = None
                elif cited.sent <= alert.sent and cited != alert.key:
                    self._ended.setdefault(cited, alert)
        # Update and Cancel that cite another sender's message, or a drill's a real one: they end nothing.
        self.strangers: tuple[Reference, ...] = tuple(strangers)

    def _of_a_kind(self, alert: Alert, cited: Reference) -> bool:
        there = self._known.get(cited)
        return there is None or there.status == alert.status

    @cached_property
    def missing(self) -> frozenset[Reference]:
        """What is cited and is not here."""
        return frozenset(it for alert in self._known.values() for it in alert.references if it not in self._known)

    @cached_property
    def cancelled(self) -> frozenset[Reference]:
        """What a Cancel has ended. What an Update had taken the place of before was no longer there to be cancelled."""
        return frozenset(key for key, alert in self._ended.items() if alert.msg_type == "Cancel")

    @cached_property
    def current(self) -> tuple[Alert, ...]:
        """Alerts and Updates that nothing has superseded or cancelled, oldest first."""
        stands = (it for it in self._known.values() if it.msg_type in {"Alert", "Update"} and it.key not in self._ended)
        return tuple(sorted(stands, key=lambda it: (it.sent, it.identifier)))

    def superseded_by(self, key: Reference) -> Reference | None:
        """The message that ended this one, be it an Update or a Cancel."""
        return self._ended[key].key if key in self._ended else None

    def of(self, key: Reference) -> tuple[Alert, ...]:
        """All messages of the chain that this one belongs to, oldest first."""
        reached, todo = {key}, [key]
        while todo:
            for other in self._neighbours.get(todo.pop(), ()):
                if other not in reached:
                    reached.add(other)
                    todo.append(other)
        return tuple(sorted((self._known[it] for it in reached if it in self._known), key=lambda it: it.sent))

    @cached_property
    def _neighbours(self) -> dict[Reference, list[Reference]]:
        found: dict[Reference, list[Reference]] = {}
        for alert in self._known.values():
            for cited in (it for it in alert.references if it.sender == alert.sender):
                found.setdefault(alert.key, []).append(cited)
                found.setdefault(cited, []).append(alert.key)
        return found

    def in_force(self, now: datetime) -> tuple[Alert, ...]:
        """The current messages that are sent, not expired, and meant for people (no System, no Draft)."""
        return tuple(
            it
            for it in self.current
            if it.status in {"Actual", "Exercise", "Test"}
            and it.sent <= now
            and ((ends := it.expires()) is None or now < ends)
        )


def chains(alerts: Iterable[Alert]) -> Chains:
    """What these messages are to each other."""
    return Chains(alerts)


def _cited(alert: Alert, sent: datetime) -> tuple[Reference, ...]:
    """The message itself and those that it cited; the spec asks for all earlier ones that have not expired."""
    if sent <= alert.sent:
        raise refuse("references-late", "alert/sent", "the next message of a chain is sent after the one before")
    return (*alert.references, alert.key)[-CITED:]


def update(alert: Alert, sent: datetime, identifier: str, **changes: Any) -> Alert:
    """The message that takes this one's place; `changes` are fields of the Alert, such as `infos`."""
    cited = _cited(alert, sent)
    return replace(alert, msg_type="Update", identifier=identifier, sent=sent, references=cited, **changes)


def cancel(alert: Alert, sent: datetime, identifier: str, note: str = "") -> Alert:
    """The message that ends this one. It keeps the blocks: who was told is told of what this is the end.

    Their times are gone, but for an end that is still to come: until then the end of the warning is news.
    """
    infos = tuple(
        replace(it, effective=None, onset=None, expires=it.expires if it.expires and it.expires > sent else None)
        for it in alert.infos
    )
    cited, said = _cited(alert, sent), note or alert.note
    return replace(alert, msg_type="Cancel", identifier=identifier, sent=sent, references=cited, note=said, infos=infos)
