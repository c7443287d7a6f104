"""Which cells of a count may leave: none of fewer than k, and none that totals would give back.

Small cells go (primary suppression, k persons at least, and none of which one person makes nearly all of a sum). Then
more go, until nobody who knows every total along every axis can work one out: along each axis those that went are none,
or several that stand for k persons together, and no sums of totals hold one of them alone (something else can move
with each, and no total notices). What went is not there: whether it was small or nothing is not told.

Between releases: a cell that was told and has changed by fewer than k persons stays as it was told, so the difference
of two releases is nobody's or of k at least.

What it does not guard against, docs/open-data.md says: what somebody knows from elsewhere of all but one of a cell; a
group in which all are alike (l-diversity guards tables of records, not counts); what two different datasets over the
same persons say together.

Sources: L. Sweeney, k-anonymity (2002); A. Machanavajjhala et al., l-diversity (2007); Statistics Netherlands,
Handbook on Statistical Disclosure Control (2010), chapters 3.4 and 4.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hansa import Refusal
from hansa.apps.opendata.cells import Cell

K: Final = 5
"""Persons for whom a figure stands, at least; a city may ask for more, and none may ask for fewer."""
SHARE: Final = 0.8
"""Of a sum that one person may make: beyond, whoever knows the rest knows it."""
TOGETHER: Final = 10_000
"""Cells that hang together and are looked at as one."""
Key = tuple[Any, ...]
_TINY: Final = 1e-13
_FELT: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Guarded:
    """What may leave: keys of cells, those of them that stay as they were told, and what was done."""

    shown: tuple[Key, ...]
    held: tuple[Key, ...]
    report: Mapping[str, Any]


def least(said: object, setting: object = None) -> int:
    """The k that holds: the greatest of ours, the city's and the dataset's. Refusal of what is no number."""
    some = [K]
    for one in (said, setting):
        if one is not None:
            if type(one) is not int or not 2 <= one <= 1_000:
                raise Refusal("k is a whole number from 2 to 1,000", where="guard.k")
            some.append(one)
    return max(some)


def guarded(
    cells: Mapping[Key, Cell], k: int, former: Mapping[Key, int] | None = None, share: float = SHARE
) -> Guarded:
    """Which cells may leave. `former`: how many persons each cell stood for when it was told last.

    Refusal where nothing may, and where it is too fine to be judged.
    """
    told = former or {}
    held = {key for key, n in told.items() if abs((cells[key].n if key in cells else 0) - n) < k}
    small = {key for key, cell in cells.items() if key not in held and _small(cell, k, share)}
    gone = set(small)
    lines = _lines(list(cells))
    counts = {key: cell.n for key, cell in cells.items()}

    def next_of(candidates: list[Key]) -> Key | None:
        # What was told before protects nothing, and the smallest costs least.
        free = [key for key in candidates if key not in gone and key not in held]
        return min(free, key=lambda key: (key in told, counts[key], repr(key)), default=None)

    _along(lines, gone, counts, k, next_of)
    while alone := _determined(gone, lines):
        if not _hide_more(alone, lines, gone, next_of):
            break
        _along(lines, gone, counts, k, next_of)
    shown = [key for key in cells if key not in gone and key not in held]
    kept = [key for key in held if key in told]
    if not shown and not kept:
        raise Refusal(
            f"nothing is left: every cell is of fewer than {k}",
            where="guard",
            mend="make the cells coarser: longer periods, wider bands, fewer columns",
        )
    report = {
        "k": k,
        "cells": len(cells),
        "shown": len(shown),
        "small": len(small),
        "complementary": len(gone) - len(small),
        "held": len(kept),
        "smallest": min([counts[key] for key in shown] + [told[key] for key in kept]),
        "ok": True,
    }
    return Guarded(tuple(shown), tuple(kept), report)


def _small(cell: Cell, k: int, share: float) -> bool:
    return cell.n < k or cell.few(k) or cell.dominated(share)


def _lines(keys: Sequence[Key]) -> list[list[Key]]:
    """All cells that a total along one axis adds up, for each axis and each combination of the others.

    A total of one cell alone is that cell, and goes with it; it is no line.
    """
    lines: list[list[Key]] = []
    for axis in range(len(keys[0]) if keys else 0):
        by: dict[Key, list[Key]] = {}
        for key in keys:
            by.setdefault(key[:axis] + key[axis + 1 :], []).append(key)
        lines += [line for line in by.values() if len(line) > 1]
    return lines


def _along(
    lines: list[list[Key]],
    gone: set[Key],
    counts: Mapping[Key, int],
    k: int,
    next_of: Callable[[list[Key]], Key | None],
) -> None:
    """Along each line, those that went are none, or at least two that stand for k together."""
    again = True
    while again:
        again = False
        for line in lines:
            went = [key for key in line if key in gone]
            while went and (len(went) < 2 or sum(counts[key] for key in went) < k):
                more = next_of(line)
                if more is None:
                    break  # the whole line went, and nobody can do more for it
                gone.add(more)
                went.append(more)
                again = True


def _determined(gone: set[Key], lines: list[list[Key]]) -> set[Key]:
    """Cells that totals give back though each line has several: what no move within all totals changes."""
    alone: set[Key] = set()
    for cells, some in _components(gone, lines):
        if len(cells) == 1:
            continue  # it is its own total
        if len(cells) > TOGETHER:
            raise Refusal(
                f"{len(cells):,} suppressed cells hang together; {TOGETHER:,} are the most that are judged",
                where="guard",
                mend="make the cells coarser",
            )
        free = _movable([[place[key] for key in line] for place in [_places(cells)] for line in some], len(cells))
        alone |= {key for key, moves in zip(cells, free, strict=True) if not moves}
    return alone


def _places(cells: Sequence[Key]) -> dict[Key, int]:
    return {key: n for n, key in enumerate(cells)}


def _movable(lines: Sequence[Sequence[int]], many: int) -> list[bool]:
    """Of cells 0 to `many`, which can change without any line's total noticing.

    A vector drawn at random, without its part that totals notice, is zero exactly where nothing can move (almost
    surely; where chance makes a movable one look fixed, one cell more is hidden than had to be).
    """
    import numpy as np  # noqa: PLC0415  # only those who count need it
    from scipy import sparse  # noqa: PLC0415

    rows = [n for n, line in enumerate(lines) for _ in line]
    cells = [cell for line in lines for cell in line]
    totals = sparse.csr_matrix((np.ones(len(cells)), (rows, cells)), shape=(len(lines), many))
    drawn = np.random.default_rng(7).uniform(0.5, 1.5, many)  # what is drawn is no secret: it decides nothing but zero
    noticed = sparse.linalg.lsmr(totals.T, drawn, atol=_TINY, btol=_TINY, conlim=0, maxiter=20 * many + 100)[0]
    left = drawn - totals.T @ noticed
    if np.abs(totals @ left).max(initial=0.0) > _FELT / 10:
        raise Refusal("these cells are too entangled to be judged", where="guard", mend="make the cells coarser")
    return [bool(one) for one in np.abs(left) > _FELT]


def _components(gone: set[Key], lines: list[list[Key]]) -> list[tuple[list[Key], list[list[Key]]]]:
    """Suppressed cells that hang together by lines, and those lines."""
    parent = {key: key for key in gone}

    def root(key: Key) -> Key:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    within = [[key for key in line if key in gone] for line in lines]
    bound = [some for some in within if some]
    for some in bound:
        for key in some[1:]:
            parent[root(key)] = root(some[0])
    cells: dict[Key, list[Key]] = {}
    for key in gone:
        cells.setdefault(root(key), []).append(key)
    tied: dict[Key, list[list[Key]]] = {}
    for some in bound:
        tied.setdefault(root(some[0]), []).append(some)
    return [(keys, tied.get(top, [])) for top, keys in cells.items()]


def _hide_more(
    alone: set[Key], lines: list[list[Key]], gone: set[Key], next_of: Callable[[list[Key]], Key | None]
) -> bool:
    """One more cell along a line of each that stands alone, else beside what it hangs together with; whether any."""
    before = len(gone)
    left = set(alone)
    for line in lines:
        if not left.isdisjoint(line) and (found := next_of(line)) is not None:
            gone.add(found)
            left.difference_update(line)
    if left:  # whole lines of theirs went: what else is in the sums that give them back moves them too
        for cells, _ in _components(gone, lines):
            near = {key for line in lines if not set(cells).isdisjoint(line) for key in line}
            if not left.isdisjoint(cells) and (found := next_of(list(near))) is not None:
                gone.add(found)
    return len(gone) > before


def checked(columns: Sequence[Mapping[str, Any]], k: int, diverse: int = 0) -> dict[str, Any]:
    """Whether a table of records is k-anonymous, of its groups: `n` records, `persons` and `kinds` of each.

    `columns` are those of a table that groups it by its quasi-identifiers; each says its lowest value.
    """
    low = {str(one["name"]): one.get("low") for one in columns}
    reached = low.get("n")
    persons = low.get("persons", reached)
    kinds = low.get("kinds")
    faults = []
    if not isinstance(reached, int | float) or reached < k:
        faults.append(f"a group has {reached or 0:g} records; {k} are the least")
    elif not isinstance(persons, int | float) or persons < k:
        faults.append(f"a group is of {persons or 0:g} persons; {k} are the least")
    if diverse and (not isinstance(kinds, int | float) or kinds < diverse):
        faults.append(f"a group has {kinds or 0:g} different values of what is sensitive; {diverse} are the least")
    return {
        "k": k,
        "reached": reached,
        "persons": persons,
        "kinds": kinds,
        "l": diverse,
        "faults": faults,
        "ok": not faults,
    }
