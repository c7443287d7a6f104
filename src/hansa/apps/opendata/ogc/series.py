"""Series of measurements: stations, and what was measured at each, from the live history or from a released table."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from hansa import Asking, NotFound, geo, units
from hansa.apps.opendata.ogc import boxes, times
from hansa.apps.opendata.ogc.looking import OWN, budget, in_time
from hansa.apps.opendata.ogc.refused import TooMuch
from hansa.apps.opendata.ogc.rows import columns_of, in_box
from hansa.apps.opendata.ogc.served import in_language
from hansa.apps.opendata.ogc.times import Span
from hansa.apps.opendata.ogc.wanted import Box, Where
from hansa.apps.opendata.published import Published

STATIONS: Final = 1_000
"""Of one answer: as many features as most clients draw."""
VALUES: Final = 200_000
"""Of one answer: some 4 MB of CoverageJSON."""
_ROWS: Final = 10_000
_TYPES: Final = {"number": "float", "integer": "integer", "boolean": "integer", "text": "string"}
_NGSI: Final = "https://uri.etsi.org/ngsi-ld/default-context/"


@dataclass(frozen=True, slots=True)
class Parameter:
    """What is measured. `type` is float, integer or string; `unit` a symbol, empty where there is none."""

    name: str
    type: str
    title: str
    unit: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Station:
    """Where something is measured."""

    id: str
    name: str
    lon: float
    lat: float

    @property
    def point(self) -> dict[str, Any]:
        """As GeoJSON."""
        return {"type": "Point", "coordinates": [self.lon, self.lat]}


@dataclass(slots=True)
class Track:
    """What was measured at one station: instants (microseconds), and as many values of each parameter, or None."""

    station: Station
    at: list[int]
    values: dict[str, list[Any]]


class Series(Protocol):
    """The series of a dataset, or of one release of it."""

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """What is measured, by name."""

    def stations(self, boxes: Sequence[Box] | None = None) -> list[Station]:
        """All of them, or those in boxes, by id. TooMuch."""

    def named(self, idents: Sequence[str]) -> list[Station]:
        """Those of these ids; NotFound when there is none of one."""

    def tracks(self, stations: Sequence[Station], names: Sequence[str], spans: Sequence[Span]) -> Iterator[Track]:
        """What was measured at each, in any of the spans (none: ever); without those with nothing. TooMuch, TooLong."""


def of(city: Asking, one: Published) -> Series | None:
    """The series of a dataset as it is now; None when it is none."""
    if not is_series(one):
        return None
    return Live(city, one) if is_live(one) else Released(city, one, one.table or "")


def is_series(one: Published) -> bool:
    """Whether a dataset is of series; told without reading any."""
    return is_live(one) or (one.table is not None and _in_columns(one.columns))


def is_live(one: Published) -> bool:
    """Whether its history can be read as it is."""
    guarded = one.guard.get("kind", "open") not in {"open", "none"}
    names = {str(column.get("name")) for column in one.columns} - OWN - {"time"}
    return one.source.get("kind") == "history" and bool(one.type) and not guarded and names <= set(one.attributes)


def _in_columns(columns: Sequence[Mapping[str, Any]]) -> bool:
    kinds = {str(column.get("name")): column.get("type") for column in columns}
    placed = all(kinds.get(name) in {"number", "integer"} for name in ("lon", "lat"))
    return (
        placed and kinds.get("id") in {"text", "integer", "number"} and kinds.get("time") == "time" and len(kinds) > 4
    )


def _too_many() -> TooMuch:
    return TooMuch(f"more than {STATIONS:,} stations", mend="ask for a smaller area, or for locations by id")


def _sized(values: int) -> None:
    if values > VALUES:
        raise TooMuch(
            f"more than {VALUES:,} values",
            mend="narrow datetime, parameter-name or the area; or take the whole as a file",
        )


def _hull(spans: Sequence[Span]) -> tuple[int | None, int | None]:
    """From the first of them to the last."""
    since = [one.since for one in spans]
    until = [one.until for one in spans]
    first = None if None in since or not since else min(one for one in since if one is not None)
    last = None if None in until or not until else max(one for one in until if one is not None)
    return first, last


def _during(spans: Sequence[Span]) -> list[Where]:
    """The conditions of a table that hold in all of the spans, and perhaps between them."""
    instants = [one.since for one in spans if one.since is not None and one.since == one.until]
    if spans and len(instants) == len(spans):
        return [{"column": "time", "op": "in", "value": [times.text(at) for at in instants]}]
    since, until = _hull(spans)
    ends = ((">=", since), ("<=", until))
    return [{"column": "time", "op": op, "value": times.text(at)} for op, at in ends if at is not None]


def _within(at: int, spans: Sequence[Span]) -> bool:
    return not spans or any(
        (one.since is None or one.since <= at) and (one.until is None or at <= one.until) for one in spans
    )


def _titled(one: Published) -> dict[str, Mapping[str, Any]]:
    return {str(column.get("name")): column for column in one.columns}


def _parameter(name: str, kind: str, column: Mapping[str, Any], unit: str | None, about: str) -> Parameter:
    title = str(in_language(column.get("says") or {}, name))
    code = str(unit or column.get("unit") or "")
    try:
        code = units.symbol(code) or code if code else ""
    except Exception as fault:
        if not hasattr(fault, "problem"):
            raise
    return Parameter(name, _TYPES.get(kind, "string"), title, code, about)


class Live:
    """The history of entities, as everybody may see it."""

    def __init__(self, city: Asking, one: Published) -> None:
        """What its parameters hold is told by a release, or by the entities as they are."""
        self.city = city
        self.type = one.type
        self.q = str(one.source["q"]) if one.source.get("q") else None
        columns = _titled(one)
        sample = city.public.page(self.type, q=self.q, limit=100)
        self.parameters: dict[str, Parameter] = {}
        for name in one.attributes:
            if name in OWN or name == "location":
                continue
            known = next((it.attribute(name) for it in sample if name in it), None)
            kind = str(columns.get(name, {}).get("type") or _kind_of(None if known is None else known.value))
            # A release may have had whole numbers alone: what is read next need not be one.
            kind = "number" if kind == "integer" else kind
            if kind in _TYPES:
                unit = None if known is None else known.unit
                self.parameters[name] = _parameter(name, kind, columns.get(name, {}), unit, _NGSI + name)

    def stations(self, boxes: Sequence[Box] | None = None) -> list[Station]:
        """By the city's index."""
        found: dict[str, Station] = {}
        for box in boxes if boxes is not None else (None,):
            for one in self.city.public.page(self.type, q=self.q, box=box, limit=STATIONS + 1):
                made = _station(one)
                if made is not None:
                    found[made.id] = made
        if len(found) > STATIONS:
            raise _too_many()
        return sorted(found.values(), key=lambda it: it.id)

    def named(self, idents: Sequence[str]) -> list[Station]:
        """By id, where they are of this dataset."""
        made = []
        for ident in idents:
            one = self.city.public.get(ident)
            station = _station(one)
            ours = self.type in one.types and (self.q is None or self._among(ident))
            if station is None or not ours:
                raise NotFound(f"there is no location {ident[:100]} here", where="locId")
            made.append(station)
        return made

    def _among(self, ident: str) -> bool:
        quoted = ident.replace("\\", "").replace('"', "")
        return bool(self.city.public.page(self.type, q=f'({self.q});id=="{quoted}"', limit=1))

    def tracks(self, stations: Sequence[Station], names: Sequence[str], spans: Sequence[Span]) -> Iterator[Track]:
        """One attribute of one station after the other."""
        since, until = _hull(spans)
        end, total = budget(), 0
        for station in stations:
            found: dict[int, dict[str, Any]] = {}
            for name in names:
                in_time(end)
                points = self.city.public.history(station.id, name, since, until, limit=VALUES - total + 1)
                total += len(points)
                _sized(total)
                for point in points:
                    if _within(point.at, spans):
                        found.setdefault(point.at, {})[name] = _cell(point.value, self.parameters[name])
            if found:
                at = sorted(found)
                yield Track(station, at, {name: [found[one].get(name) for one in at] for name in names})


def _station(one: Any) -> Station | None:
    where = one.location
    if not isinstance(where, Mapping):
        return None
    west, south, east, north = geo.bbox(dict(where))
    name = one.get("name")
    lon, lat = (west + east) / 2, (south + north) / 2
    return Station(one.id, name if isinstance(name, str) else one.key, lon, lat)


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float) or value is None:
        return "number"
    return "text" if isinstance(value, str) else "any"


def _cell(value: Any, parameter: Parameter) -> Any:
    """A value of the parameter's type; what is of another type is none."""
    if parameter.type == "string":
        return value if isinstance(value, str) else None
    if isinstance(value, bool):
        return int(value)
    return value if isinstance(value, int | float) else None


class Released:
    """The rows of a released table: id, lon, lat, time, and what was measured. A station that moved is several."""

    def __init__(self, city: Asking, one: Published, sha256: str) -> None:
        """Of any release. NotFound when its table has not such columns."""
        self.city = city
        self.sha = sha256
        columns = columns_of(city, one, sha256)
        if not _in_columns(columns):
            raise NotFound("this release is of no series", where="instanceId")
        titles = _titled(one)
        self._id = next(str(it["type"]) for it in columns if it["name"] == "id")
        self.parameters = {
            str(it["name"]): _parameter(
                str(it["name"]), str(it["type"]), titles.get(str(it["name"]), {}), None, f"#{it['name']}"
            )
            for it in columns
            if it["name"] not in {*OWN, "time"} and it["type"] in _TYPES
        }

    def stations(self, boxes: Sequence[Box] | None = None) -> list[Station]:
        """The places where rows are."""
        found: dict[tuple[str, float, float], Station] = {}
        for box in boxes if boxes is not None else (None,):
            for one in self._places([] if box is None else in_box(box)):
                found[one.id, one.lon, one.lat] = one
        if len(found) > STATIONS:
            raise _too_many()
        return sorted(found.values(), key=lambda it: (it.id, it.lon, it.lat))

    def named(self, idents: Sequence[str]) -> list[Station]:
        """By id."""
        found = self._places([{"column": "id", "op": "in", "value": self._keys(idents)}])
        for ident in idents:
            if not any(one.id == ident for one in found):
                raise NotFound(f"there is no location {ident[:100]} here", where="locId")
        return sorted(found, key=lambda it: (it.id, it.lon, it.lat))

    def _places(self, where: list[Where]) -> list[Station]:
        told = self.city.tables.ask(
            {
                "table": self.sha,
                "where": [*where, *({"column": name, "op": "!=", "value": None} for name in ("id", "lon", "lat"))],
                "by": ["id", "lon", "lat"],
                "limit": STATIONS + 1,
            }
        )
        return [Station(str(row[0]), str(row[0]), float(row[1]), float(row[2])) for row in told["rows"]]

    def tracks(self, stations: Sequence[Station], names: Sequence[str], spans: Sequence[Span]) -> Iterator[Track]:
        """All rows of the stations, in order of place and time; of one station its rows alone are asked for."""
        where = [{"column": "id", "op": "in", "value": self._keys({one.id for one in stations})}, *_during(spans)]
        alone = stations[0] if len(stations) == 1 else None
        if alone is not None:
            where += [
                {"column": "lon", "op": "==", "value": alone.lon},
                {"column": "lat", "op": "==", "value": alone.lat},
            ]
        if len(spans) < 2:
            # Told before anything is read; of several spans only their hull could be counted.
            _sized(self._many(where) * max(1, len(names)))
        wanted = {(one.id, one.lon, one.lat): one for one in stations}
        rows = 0
        track: Track | None = None
        for time, *cells in self._rows(where, ["time", *names] if alone else ["time", *names, "id", "lon", "lat"]):
            station = alone or wanted.get((str(cells[-3]), cells[-2], cells[-1]))
            at = times.instant(time)
            if station is None or at is None or not _within(at, spans):
                continue
            rows += 1
            _sized(rows * max(1, len(names)))
            if track is None or track.station is not station:
                if track is not None:
                    yield track
                track = Track(station, [], {name: [] for name in names})
            self._put(track, at, dict(zip(names, cells, strict=False)))
        if track is not None:
            yield track

    def _put(self, track: Track, at: int, values: Mapping[str, Any]) -> None:
        """One row more; two rows of one instant are one instant, of which the later row holds."""
        again = bool(track.at) and track.at[-1] == at
        if not again:
            track.at.append(at)
        for name, value in values.items():
            if not again:
                track.values[name].append(_cell(value, self.parameters[name]))
            elif value is not None:
                track.values[name][-1] = _cell(value, self.parameters[name])

    def _keys(self, idents: Iterable[str]) -> list[Any]:
        """Ids as their column has them; what cannot be one is left out."""
        if self._id == "text":
            return sorted(idents)
        found = [(one, boxes.number(one)) for one in idents]
        return sorted(int(value) if one.isdigit() else value for one, value in found if not math.isnan(value))

    def _many(self, where: list[Where]) -> int:
        told = self.city.tables.ask({"table": self.sha, "where": where, "measures": [{"as": "count", "name": "n"}]})
        return int(told["rows"][0][0]) if told["rows"] else 0

    def _rows(self, where: list[Where], columns: Sequence[str]) -> Iterator[list[Any]]:
        end = budget()
        offset = 0
        order = [[name, "asc"] for name in ("id", "lon", "lat", "time") if name in columns]
        while True:
            in_time(end)
            told = self.city.tables.ask(
                {
                    "table": self.sha,
                    "columns": list(columns),
                    "where": where,
                    "order": order,
                    "limit": _ROWS,
                    "offset": offset,
                }
            )
            yield from told["rows"]
            offset += len(told["rows"])
            if not told["more"]:
                return
