"""Orlava town: its streets, block by block, and its houses with their heights; made up, and the same at every start.

Streets meet where they share a position, so that ways can be found over them; some lanes go one way only. They hang on
the valley's own roads (`land.base_map`) at the corners that these have in the town.
"""

import math
import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

from hansa.cli.demo.land import RIVER, SOURCE, Spot, beside_river, distance, lonlat

_SEED: Final = 7
# Streets along the river, km across it: on its left bank and on its right one.
_BANKS: Final = ((0.16, 0.31, 0.61, 0.78, 0.95), (-0.16, -0.33, -0.66))
_STREETS: Final = (
    ("Quay", "Market street", "Plum street", "Chapel street", "Vineyard walk"),
    ("Ferry quay", "Station row", "Orchard street"),
)
_LANES: Final = (
    "Cooper", "Baker", "Weaver", "Tanner", "Miller", "Mason", "Joiner", "Potter", "Smith", "Saddler", "Glover", "Dyer",
    "Fuller", "Turner", "Wheeler", "Chandler", "Carter", "Ferryman",
)  # fmt: skip
_FIRST, _STEP = 0.4, 0.0125  # where along the river the lanes are, and how far apart
_NEAR_KM: Final = 0.3
_BESIDE_KM: Final = 0.006
_AROUND_KM: Final = 1.5  # the longest straight piece of a way, and a block
_SLOW: Final = 30
_FLOOR_M: Final = 3.1
_PUBLIC_M: Final = {
    "town-hall": 21.0, "school": 12.5, "market-hall": 11.0, "swimming-hall": 9.5, "fruit-store": 14.0,
    "cider-press": 8.0, "clinic": 16.5, "chapel": 18.0, "railway-station": 10.5, "waterworks": 7.0,
}  # fmt: skip

Said = dict[str, Any]


def _property(value: Any, unit: str = "") -> Said:
    return {"type": "Property", "value": value, **({"unitCode": unit} if unit else {})}


def _entity(kind: str, key: str, geometry: Said, **more: Said) -> Said:
    return {
        "id": f"urn:ngsi-ld:{kind}:orlava-{key}",
        "type": kind,
        "location": {"type": "GeoProperty", "value": geometry},
        "source": _property(SOURCE),
        **more,
    }


def _road(key: str, spots: list[Spot], name: str, kind: str, kmh: int, *, oneway: bool = False) -> Said:
    more = {
        "name": _property(name),
        "roadClass": _property(kind),
        "maximumAllowedSpeed": _property(kmh, "KMH"),
        "oneway": _property(oneway),
    }
    return _entity("RoadSegment", key, {"type": "LineString", "coordinates": [lonlat(one) for one in spots]}, **more)


def _corners() -> list[list[list[Spot]]]:
    """The junctions: by bank, street and lane. Drawn by hand, so to say: no two blocks are alike."""
    draw = random.Random(_SEED)  # noqa: S311  # a town, no secret  # nosec B311
    return [
        [
            [
                beside_river(_FIRST + _STEP * (i + draw.uniform(-0.12, 0.12)), across * draw.uniform(0.97, 1.03))
                for i in range(len(_LANES))
            ]
            for across in bank
        ]
        for bank in _BANKS
    ]


def _between(a: Spot, b: Spot, part: float) -> Spot:
    return a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part


def _far(a: Spot, b: Spot) -> float:
    return math.hypot(a[0] - b[0], a[1] - b[1])


def streets() -> Iterator[Said]:
    """The streets of the town, a RoadSegment from corner to corner."""
    for key, spots, name, kmh, oneway in _lines():
        yield _road(key, spots, name, "tertiary" if kmh > _SLOW else "residential", kmh, oneway=oneway)


def _lines() -> Iterator[tuple[str, list[Spot], str, int, bool]]:
    """Key, spots, name, speed and whether it goes one way only, of each street."""
    for side, bank in enumerate(_corners()):
        for j, row in enumerate(bank):
            for i in range(len(row) - 1):
                yield (
                    f"street-{side}{j}-{i:02}",
                    [row[i], row[i + 1]],
                    _STREETS[side][j],
                    50 if j == 1 else _SLOW,
                    False,
                )
        for j in range(len(bank) - 1):
            for i, lane in enumerate(_LANES):
                ends = [bank[j][i], bank[j + 1][i]]
                oneway = i % 3 == 1
                if oneway and i % 2:
                    ends.reverse()
                yield f"lane-{side}{j}-{i:02}", ends, f"{lane}'s lane", _SLOW, oneway
    yield from _spurs()


def _valley_roads() -> list[list[Spot]]:
    """The roads of the valley that pass through the town, as `land.base_map` has them."""
    along = [[beside_river(i / 24, across + 0.08 * math.sin(i)) for i in range(25)] for across in (0.45, -0.5)]
    return along + [[beside_river(at + 0.01 * i / 8, -2.2 + 0.55 * i) for i in range(9)] for at in (0.5, 0.56)]


def _spurs() -> Iterator[tuple[str, list[Spot], str, int, bool]]:
    """What joins the town to the roads of the valley, each at a corner that it has already."""
    corners = [spot for bank in _corners() for row in bank for spot in row]
    number = 0
    for road in _valley_roads():
        for spot in road:
            nearest = min(corners, key=lambda one: _far(one, spot))
            if _far(nearest, spot) < _NEAR_KM:
                number += 1
                yield f"spur-{number:02}", [spot, nearest], "Cross lane", _SLOW, False


def houses() -> Iterator[Said]:
    """The houses: two to four in each block, lower towards the edge of the town; and how high the public ones are."""
    draw = random.Random(_SEED + 1)  # noqa: S311  # nosec B311
    middle = beside_river(0.51, 0.3)
    rail = [beside_river(i / 20, -0.32 + 0.05 * math.sin(0.8 * i)) for i in range(21)]
    ways = [RIVER, rail, *_valley_roads(), *(spots for _, spots, _, _, _ in _lines())]
    pieces = [piece for way in ways for piece in pairwise(way)]
    for side, bank in enumerate(_corners()):
        for j in range(len(bank) - 1):
            for i in range(len(_LANES) - 1):
                near = [piece for piece in pieces if _far(piece[0], bank[j][i]) < _AROUND_KM]
                a, b, c, d = bank[j][i], bank[j][i + 1], bank[j + 1][i + 1], bank[j + 1][i]
                slots = draw.sample([(u, v) for u in (0.26, 0.5, 0.74) for v in (0.3, 0.7)], draw.randint(2, 4))
                for k, (u, v) in enumerate(sorted(slots)):
                    spot = _between(_between(a, b, u), _between(d, c, u), v)
                    high = max(1, round(5.5 * math.exp(-_far(spot, middle) / 0.9) + draw.uniform(-0.6, 1.2)))
                    wide, deep = draw.uniform(0.011, 0.024), draw.uniform(0.007, 0.013)
                    if any(distance(spot, *piece) < math.hypot(wide, deep) + _BESIDE_KM for piece in near):
                        continue  # a way goes where it would stand
                    turn = math.atan2(b[1] - a[1], b[0] - a[0]) + draw.uniform(-0.05, 0.05)
                    yield _house(f"{side}{j}-{i:02}-{k}", _rectangle(spot, wide, deep, turn), high)
    for key, metres in _PUBLIC_M.items():
        # Of these `land` says where they stand.
        tall = _property(metres, "MTR")
        yield {"id": f"urn:ngsi-ld:Building:{key}", "type": "Building", "source": _property(SOURCE), "height": tall}


def _house(key: str, ring: list[Spot], floors: int) -> Said:
    shape = {"type": "Polygon", "coordinates": [[lonlat(one) for one in (*ring, ring[0])]]}
    kind = "apartments" if floors > 3 else "house"
    return _entity(
        *("Building", f"house-{key}", shape),
        category=_property(kind),
        floorsAboveGround=_property(floors),
        height=_property(round(floors * _FLOOR_M + 1.4, 1), "MTR"),
    )


def _rectangle(spot: Spot, wide: float, deep: float, turn: float) -> list[Spot]:
    """Against the clock, as RFC 7946 wants it."""
    cos, sin = math.cos(turn), math.sin(turn)
    corners = ((-wide, -deep), (wide, -deep), (wide, deep), (-wide, deep))
    return [(spot[0] + u * cos - v * sin, spot[1] + u * sin + v * cos) for u, v in corners]


def town() -> Iterator[Said]:
    """All of it, as NGSI-LD."""
    yield from streets()
    yield from houses()
