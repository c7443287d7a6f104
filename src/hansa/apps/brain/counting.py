"""How many sources are in each state, by label: by kind, type, department and area.

Counts of one label are one entity that bears it, so whoever may not see a source does not find it in a count either.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from hansa import Attribute, Entity, entity
from hansa.apps.brain.vitals import STATES, State
from hansa.apps.brain.words import digest_of

SIGNS: Final = "VitalSigns"
GROUPS: Final = ("kind", "type", "department", "area")
GROUPED: Final = 200
"""Names of each group that are counted one by one; the rest together."""
OTHERS: Final = "…"
NONE: Final = "-"
"""The name of those that have none."""


class Place(NamedTuple):
    """Where a source is counted."""

    label: str
    state: State
    names: tuple[str, ...]
    """Its name in each of `GROUPS`."""


class Counts:
    """All counts of a realm, and which of them were said."""

    def __init__(self) -> None:
        """Nothing is counted yet."""
        self._whole: dict[str, dict[str, dict[str, list[int]]]] = {}
        self._told: dict[str, Any] = {}

    def know(self, label: str) -> None:
        """There are counts of this label; where nothing is counted any more, that is said too."""
        self._whole.setdefault(label, {})

    def move(self, old: Place | None, new: Place | None) -> None:
        """A source is counted elsewhere now; None: nowhere."""
        for place, step in ((old, -1), (new, 1)):
            if place is None:
                continue
            groups = self._whole.setdefault(place.label, {})
            for group, name in zip(GROUPS, place.names, strict=True):
                rows = groups.setdefault(group, {})
                row = rows.setdefault(name or NONE, [0] * len(STATES))
                row[STATES.index(place.state)] += step
                if not any(row):
                    del rows[name or NONE]

    def news(self) -> Iterator[Entity]:
        """The counts that are others than those said."""
        for label, groups in self._whole.items():
            said = {group: _largest(rows) for group, rows in groups.items() if rows}
            if self._told.get(label) == said:
                continue
            made = entity(SIGNS, digest_of(label), counts=Attribute(said, kind="JsonProperty"))
            made.label = label or None
            yield made
            self._told[label] = said


def _largest(rows: dict[str, list[int]]) -> dict[str, list[int]]:
    """All of them, or the largest by name and the rest together."""
    if len(rows) <= GROUPED:
        return {name: list(row) for name, row in sorted(rows.items())}
    ordered = sorted(rows.items(), key=lambda one: -sum(one[1]))
    rest = [sum(column) for column in zip(*(row for _, row in ordered[GROUPED:]), strict=True)]
    return {name: list(row) for name, row in ordered[:GROUPED]} | {OTHERS: rest}
