"""Where a resource path leads: to a set, to what is linked, to one entity, to a property of it. Clause 9.2."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hansa import NotFound
from hansa.apps.opendata.sta.asking import Step
from hansa.apps.opendata.sta.rows import Row, Source
from hansa.apps.opendata.sta.sets import IDS, SETS, Kind


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a path leads: to many of a kind, below a row and link perhaps; or to one row, or a property of it."""

    kind: Kind
    row: Row | None = None
    below: Row | None = None
    link: str = ""
    member: tuple[str, ...] = ()
    raw: bool = False
    refs: bool = False

    @property
    def many(self) -> bool:
        """Whether it is a collection."""
        return self.row is None


def spot(source: Source, steps: Sequence[Step]) -> Spot:
    """Follow a path. NotFound where it leads nowhere (clause 9.2)."""
    first = steps[0]
    kind = SETS.get(first.name)
    if kind is None:
        raise NotFound(f"there is no set {first.name[:60]!r}", where="path", mend=f"there are {', '.join(SETS)}")
    row: Row | None = None
    below: Row | None = None
    link = ""
    if first.ident is not None:
        row = source.row(kind.name, first.ident)
    for n, step in enumerate(steps[1:], 1):
        if step.name == "$ref" and n == len(steps) - 1:
            return Spot(kind, row, below, link, refs=True)
        if row is None:
            raise NotFound(f"{step.name[:60]!r} is of one entity, and these are many", where="path")
        to = row.kind.links.get(step.name)
        if to is None:
            return _member(row, steps[n:])
        kind = SETS[to.to]
        if not to.many:
            if step.ident is not None:
                raise NotFound(f"there is one {step.name}", where="path")
            row, below, link = source.one(row, step.name), None, ""
        elif step.ident is None:
            below, link, row = row, step.name, None
        else:
            row = _among(source, row, step)
            below, link = None, ""
    return Spot(kind, row, below, link)


def _among(source: Source, row: Row, step: Step) -> Row:
    """One of those at a link, by its id."""
    if step.name == "Observations":
        found = source.row("Observations", str(step.ident))
        ours = row.stream is None or (found.stream is not None and found.stream.id == row.stream.id)
        if ours and found.thing is not None and row.thing is not None and found.thing.entity.id == row.thing.entity.id:
            return found
        raise NotFound("there is no such Observation here", where="path")
    for one in source.many(row, step.name):
        if one.id == step.ident:
            return one
    raise NotFound(f"there is no such entity among its {step.name}", where="path")


def _member(row: Row, steps: Sequence[Step]) -> Spot:
    """A property, a member of it, or its plain value."""
    names = [step.name for step in steps]
    raw = names[-1] == "$value"
    if raw:
        names.pop()
    known = names and (names[0] in row.kind.properties or (names[0] in IDS and len(names) == 1))
    if not known or any(step.ident is not None for step in steps):
        raise NotFound(f"{row.kind.name} have no {'/'.join(step.name for step in steps)[:80]!r}", where="path")
    return Spot(row.kind, row, member=tuple(names), raw=raw)


def value_at(row: Row, names: Sequence[str]) -> Any:
    """The value of a property or of a member of it. NotFound."""
    if names[0] in IDS:
        return row.id
    value = row[names[0]]
    for name in names[1:]:
        if not isinstance(value, dict) or name not in value:
            raise NotFound(f"there is no {'/'.join(names)[:80]!r}", where="path")
        value = value[name]
    return value
