"""Records counted into cells, in memory: of what is about persons no table of records is ever laid down.

    counted(records, steps, by, measures, person)  ->  cells, each with how many persons bear it

Records are flat: {column: number, text, true or false, or None}. Steps are those of tables (docs/apps.md), as far as
counting needs them. Nothing here decides what may leave; `anonymity` does.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from hansa import Entity, Refusal, geo

Record = dict[str, Any]
STEPS: Final = ("where", "round", "truncate", "band", "rename", "keep", "drop")
MEASURES: Final = ("count", "sum", "mean")
"""Of a guarded cell: the least and the greatest are each one person's."""
SPANS: Final = ("hour", "day", "week", "month", "quarter", "year")
MOST: Final = 20_000
"""Cells of one table, as many as an app can say in one order."""


@dataclass(slots=True)
class Cell:
    """What is said of one combination: `n` persons (records, where none is named), sums, and what one alone adds.

    Of what is summed, `bearers` says how many persons it is of, `greatest` what one of them adds.
    """

    n: int = 0
    rows: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    many: dict[str, int] = field(default_factory=dict)
    greatest: dict[str, float] = field(default_factory=dict)
    bearers: dict[str, int] = field(default_factory=dict)

    def dominated(self, share: float) -> bool:
        """Whether one person alone makes more than this share of a sum: then the sum tells his value, nearly."""
        return any(top > share * abs(self.sums[name]) for name, top in self.greatest.items())

    def few(self, k: int) -> bool:
        """Whether a sum is of fewer than k persons, though the cell has more: the others said nothing."""
        return any(many < k for many in self.bearers.values())


def records_of(entities: Iterable[Entity], attributes: Sequence[str]) -> list[Record]:
    """Entities as records: `id`, `lon`, `lat` and these attributes."""
    made = []
    for one in entities:
        lon, lat = _centre(one.location)
        made.append({"id": one.id, "lon": lon, "lat": lat} | {name: flat(one.get(name)) for name in attributes})
    return made


def _centre(where: Any) -> tuple[float | None, float | None]:
    """The middle of what a geometry covers."""
    try:
        west, south, east, north = geo.bbox(dict(where))
    except (KeyError, TypeError, ValueError, IndexError):
        return None, None
    return (west + east) / 2, (south + north) / 2


def flat(value: Any) -> Any:
    """A value as one cell of a table."""
    if isinstance(value, Mapping) and value.get("@type") in {"DateTime", "Date"}:
        return str(value.get("@value"))
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def stepped(records: Iterable[Record], steps: Sequence[Mapping[str, Any]], zone: str = "UTC") -> list[Record]:
    """Records after these steps, in order. Refusal names the step that is none."""
    found = list(records)
    for n, step in enumerate(steps):
        make = _MAKE.get(str(step.get("do")))
        if make is None:
            raise Refusal(f"{str(step.get('do'))[:20]!r} is no step here", where=f"steps[{n}]", mend=", ".join(STEPS))
        try:
            found = make(found, step, zone)
        except (KeyError, TypeError, ValueError) as fault:
            raise Refusal(f"this step cannot be made: {str(fault)[:80]}", where=f"steps[{n}]") from None
    return found


def counted(
    records: Iterable[Record], by: Sequence[str], measures: Sequence[Mapping[str, Any]] = (), person: str = ""
) -> dict[tuple[Any, ...], Cell]:
    """Cells by the values of `by`. `person` names the column that tells persons apart; without, each record is one."""
    cells: dict[tuple[Any, ...], Cell] = {}
    who: dict[tuple[Any, ...], set[Any]] = {}
    wanted = dict.fromkeys(str(one["of"]) for one in measures if one.get("as") in {"sum", "mean"})
    added: dict[tuple[Any, ...], dict[str, dict[Any, float]]] = {}
    for place, record in enumerate(records):
        key = tuple(record.get(name) for name in by)
        cell = cells.get(key)
        if cell is None:
            if len(cells) >= MOST:
                raise Refusal(f"more than {MOST:,} cells", where="guard.by", mend="make them coarser")
            cell = cells[key] = Cell()
        cell.rows += 1
        if person:
            who.setdefault(key, set()).add(record.get(person))
        for name in wanted:
            value = record.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                cell.sums[name] = cell.sums.get(name, 0.0) + value
                cell.many[name] = cell.many.get(name, 0) + 1
                by_person = added.setdefault(key, {}).setdefault(name, {})
                bearer = record.get(person) if person else place
                by_person[bearer] = by_person.get(bearer, 0.0) + value
    for key, cell in cells.items():
        for name, by_person in added.get(key, {}).items():
            cell.greatest[name] = max(map(abs, by_person.values()))
            cell.bearers[name] = len(by_person)
        # Records of nobody in particular are one person at most: nothing says that they are several.
        cell.n = len(who[key]) if person else cell.rows
    return cells


def said(cell: Cell, measures: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The measures of a cell, in order."""
    made: list[Any] = []
    for one in measures:
        of, how = str(one.get("of") or ""), one.get("as", "count")
        if how == "count":
            made.append(cell.n)
        elif of not in cell.sums:
            made.append(None)
        else:
            made.append(cell.sums[of] if how == "sum" else cell.sums[of] / cell.many[of])
    return made


def named(measures: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the measures are called."""
    return [
        str(one.get("name") or ("count" if one.get("as", "count") == "count" else f"{one.get('as')}_{one.get('of')}"))
        for one in measures
    ]


# ---- Steps


def _where(records: list[Record], step: Mapping[str, Any], _zone: str) -> list[Record]:
    column, op, value = str(step["column"]), step.get("op", "=="), step.get("value")
    if op == "in":
        wanted = set(value) if isinstance(value, list) else set()
        return [one for one in records if one.get(column) in wanted]
    compare = _COMPARES.get(op)
    if compare is None:
        raise ValueError(f"{str(op)[:20]} compares nothing")
    return [one for one in records if _comparable(one.get(column), value) and compare(one.get(column), value)]


def _comparable(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return type(one) is type(other) or one is None or other is None
    return isinstance(one, str) == isinstance(other, str)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda one, other: one is not None and other is not None and compare(one, other)


_COMPARES: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<": _ordered(lambda one, other: one < other),
    "<=": _ordered(lambda one, other: one <= other),
    ">": _ordered(lambda one, other: one > other),
    ">=": _ordered(lambda one, other: one >= other),
}


def _round(records: list[Record], step: Mapping[str, Any], _zone: str) -> list[Record]:
    column, to = str(step["column"]), step["to"]
    if isinstance(to, bool) or not isinstance(to, int | float) or not 0 < to < math.inf:
        raise ValueError("a width is above zero")
    return _each(records, column, lambda value: round(math.floor(value / to + 1e-9) * to, 9), int | float)


def _band(records: list[Record], step: Mapping[str, Any], _zone: str) -> list[Record]:
    column, width = str(step["column"]), step["width"]
    if type(width) is not int or width < 1:
        raise ValueError("a band has a whole width")

    def band(value: float) -> str:
        low = math.floor(value / width) * width
        return f"{low}-{low + width - 1}"

    return _each(records, column, band, int | float)


def _truncate(records: list[Record], step: Mapping[str, Any], zone: str) -> list[Record]:
    column, to = str(step["column"]), step["to"]
    if to not in SPANS:
        raise ValueError(f"one of {', '.join(SPANS)}")
    return _each(records, column, lambda value: period(value, to, zone), str)


def period(text: str, to: str, zone: str = "UTC") -> str | None:
    """The period of an instant by the city's calendar: `2026-03`, `2026-Q1`, `2026-W10`; None for what is no time."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(ZoneInfo(zone))
    if to == "week":
        year, week, _ = at.isocalendar()
        return f"{year}-W{week:02d}"
    if to == "quarter":
        return f"{at.year}-Q{(at.month + 2) // 3}"
    return at.strftime({"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}[to])


def _each(records: list[Record], column: str, make: Callable[[Any], Any], kind: Any) -> list[Record]:
    """Values of this kind made into others; any other value is let go, for it would stay as fine as it was."""
    return [
        one
        | {
            column: make(one[column])
            if isinstance(one.get(column), kind) and not isinstance(one[column], bool)
            else None
        }
        for one in records
    ]


def _rename(records: list[Record], step: Mapping[str, Any], _zone: str) -> list[Record]:
    to = {str(old): str(new) for old, new in dict(step["to"]).items()}
    return [{to.get(name, name): value for name, value in one.items()} for one in records]


def _keep(records: list[Record], step: Mapping[str, Any], _zone: str) -> list[Record]:
    wanted = set(map(str, step["columns"]))
    return [{name: value for name, value in one.items() if name in wanted} for one in records]


def _drop(records: list[Record], step: Mapping[str, Any], _zone: str) -> list[Record]:
    gone = set(map(str, step["columns"]))
    return [{name: value for name, value in one.items() if name not in gone} for one in records]


_MAKE: Final = {
    "where": _where,
    "round": _round,
    "truncate": _truncate,
    "band": _band,
    "rename": _rename,
    "keep": _keep,
    "drop": _drop,
}
