"""The label of an alarm: as strict as the strictest of what was read for it. Held by tests/apps/test_watch_labels.py.

A label is text: `personal;owner=health;purposes=care`. An alarm that stands on readings under several labels bears the
class of the strictest, and of that class only what all of them say: it may be seen by fewer than each, never by more.
"""

from collections.abc import Iterable
from typing import Final

from hansa import Entity

CLASSES: Final = ("open", "smart", "personal", "security")
SEVERAL: Final = "several"
"""The owner of what is made of several owners' readings: no department, so no member sees it as his own."""


def of(entity: Entity, names: Iterable[str]) -> list[str]:
    """The labels under which these attributes of an entity stand, where they have any."""
    found = [] if entity.label is None else [entity.label]
    if entity.stamps is not None:
        found += [label for name in names if (label := entity.stamps.labels.get(name)) is not None]
    return found


def strictest(labels: Iterable[str]) -> str | None:
    """One label for all; None when nothing is to be kept closer than the city's own."""
    said = {one for one in labels if not one.startswith("open")}
    if len(said) <= 1:
        return next(iter(said), None)
    split = [_split(one) for one in said]
    top = max((one[0] for one in split), key=_rank)
    fields = [one[1] for one in split if one[0] == top]
    parts = [top]
    for name in ("owner", "purposes", "subject"):
        value = _common(name, [one.get(name, "") for one in fields])
        if value:
            parts.append(f"{name}={value}")
    return ";".join(parts)


def _rank(kind: str) -> int:
    return CLASSES.index(kind) if kind in CLASSES else len(CLASSES)


def _split(label: str) -> tuple[str, dict[str, str]]:
    kind, *rest = label.split(";")
    return kind, dict(part.partition("=")[::2] for part in rest)


def _common(name: str, values: list[str]) -> str:
    if len(set(values)) == 1:
        return values[0]
    if name == "owner":
        return SEVERAL
    if name == "subject":
        return ""
    bounds = [set(one.split(",")) for one in values if one]  # without purposes, it may serve any
    return ",".join(sorted(set.intersection(*bounds))) or "none"
