"""A city that has published datasets for the OGC's APIs: live places, released tables, series."""

import json
from dataclasses import asdict
from typing import Any
from urllib.parse import unquote

from hansa import Attribute, Entity, entity
from hansa.apps.opendata import app
from hansa.platform.http import Response
from hansa.testing import MemoryCity

START = "2026-04-01T18:00:00Z"
HOUR = 3_600_000_000
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
LAMPS = 30


def lamps() -> list[Entity]:
    """Thirty lamps in a row to the east; one without a place, one without a year, one that nobody but staff sees."""
    made = [
        entity(
            "Streetlight",
            f"lamp-{n:02}",
            location={"type": "Point", "coordinates": [16.0 + n / 100, 48.0]} if n != 29 else None,
            name=f"Lamp {n}" if n != 7 else "Straße 7 Étoile",
            power=n * 10,
            height=4.5 + n / 2,
            broken=n % 10 == 3,
            installedAt=f"20{10 + n % 10}-05-01T00:00:00Z" if n != 28 else None,
            secret="the mayor's",
        )
        for n in range(LAMPS)
    ]
    made = [Entity(one.doc, label="open") for one in made]
    return [*made, entity("Streetlight", "hidden", location={"type": "Point", "coordinates": [16.05, 48.0]}, name="No")]


def parks() -> list[Entity]:
    ring = [[16.0, 48.1], [16.1, 48.1], [16.1, 48.2], [16.0, 48.2], [16.0, 48.1]]
    line = [[179.5, -17.0], [179.9, -17.0]]
    shapes = [
        {"type": "Polygon", "coordinates": [ring]},
        {"type": "LineString", "coordinates": line},
        {"type": "Point", "coordinates": [-179.8, -17.1]},
    ]
    made = [entity("Garden", f"park-{n}", location=one, name=f"Park {n}") for n, one in enumerate(shapes)]
    return [Entity(one.doc, label="open") for one in made]


def stations(city: MemoryCity) -> None:
    now = city.clock.now()
    for n, (key, lon) in enumerate((("north", 17.1), ("south", 17.3))):
        for i in range(24):
            at = now - (24 - i) * HOUR
            one = entity(
                "WeatherObserved",
                key,
                name=key.title(),
                temperature=Attribute(10.0 * n + i, "CEL", at),
                relativeHumidity=Attribute(50 + i, "P1", at) if i % 2 == 0 else None,
                secret=Attribute(7, "C62", at),
                location={"type": "Point", "coordinates": [lon, 48.1]},
            )
            city.read(Entity(one.doc, label="open"))
    city.read(
        entity("WeatherObserved", "hidden", temperature=Attribute(1.0, "CEL", now),
               location={"type": "Point", "coordinates": [17.2, 48.1]})
    )  # fmt: skip


def dataset(key: str, **said: Any) -> Entity:
    plain = {
        "status": "published",
        "title": {"en": f"The {key}", "fr": f"Les {key}"},
        "description": {"en": f"All {key} of the city"},
        "keywords": {"en": [key, "city"]},
        "licence": "CC_BY_4_0",
        "version": 1,
        "issued": "2026-04-01T00:00:00Z",
        "modified": "2026-04-01T00:00:00Z",
        "publisher": {"name": "The city"},
    }
    return entity("Dataset", key, **(plain | said))


def table(city: MemoryCity, recipe: dict[str, Any]) -> dict[str, Any]:
    """A table that is made at once: sha256, rows, columns."""
    return asdict(city._tables.cook(city.reader, recipe, None))


def released(city: MemoryCity, key: str, columns: list[str], rows: list[list[Any]], **said: Any) -> Entity:
    recipe = {"from": {"kind": "rows", "columns": columns, "rows": rows}, "sight": "app", "steps": []}
    made = table(city, recipe)
    more = {"table": made["sha256"], "rows": made["rows"], "columns": made["columns"], "source": {"kind": "table"}}
    return dataset(key, **(more | said))


def trees(n: int = 250) -> list[list[Any]]:
    kinds = ("oak", "lime", "plane")
    return [
        [f"tree-{i:04}", 16.0 + i / 1000, 48.0 + i / 1000, kinds[i % 3], i, f"2026-01-{1 + i % 28:02}T00:00:00Z"]
        for i in range(n)
    ]


TREE_COLUMNS = ["id", "lon", "lat", "species", "girth", "planted"]


def ogc_city() -> MemoryCity:
    city = MemoryCity(app, start=START)
    city.say(*lamps(), *parks())
    stations(city)
    live = ["name", "power", "height", "broken", "installedAt", "location"]
    weather = ["temperature", "relativeHumidity"]
    history = {"kind": "history", "type": "WeatherObserved", "attributes": weather}
    recipe = {"from": history, "sight": "public", "steps": []}
    made = table(city, recipe)
    series = [["a", 17.1, 48.1, f"2026-03-01T{h:02}:00:00Z", h / 2, None if h % 2 else "calm"] for h in range(24)]
    series += [["b", 17.5, 48.2, f"2026-03-01T{h:02}:00:00Z", h * 2.0, "wind"] for h in range(24)]
    squares = json.dumps({"type": "Polygon", "coordinates": [[[16.0, 48.0], [16.2, 48.0], [16.2, 48.2], [16.0, 48.0]]]})
    city.say(
        dataset("lamps", source={"kind": "entities", "type": "Streetlight", "attributes": live}, bbox=[16, 48, 17, 48]),
        dataset("parks", source={"kind": "entities", "type": "Garden", "attributes": ["name"]}),
        dataset("dim", source={"kind": "entities", "type": "Streetlight", "attributes": ["power"], "q": "power<=50"}),
        dataset("withdrawn", status="withdrawn", withdrawn="It named people"),
        dataset("draft", status="described", source={"kind": "entities", "type": "Garden", "attributes": ["name"]}),
        released(city, "trees", TREE_COLUMNS, trees(), period=["2026-01-01T00:00:00Z", "2026-01-28T00:00:00Z"],
                 spatial={"bbox": [16.0, 48.0, 16.249, 48.249]}),
        released(city, "numbers", ["district", "people"], [["a", 1], ["b", 2]]),
        released(city, "cells", ["lon", "lat", "n"], [[16.0 + i / 10, 48.0, i] for i in range(5)] + [[None, None, 9]],
                 spatial={"bbox": [16.0, 48.0, 16.4, 48.0]}),
        released(city, "zones", ["id", "lon", "lat", "geometry", "name"], [["z1", 16.1, 48.1, squares, "Centre"]],
                 spatial={"bbox": [16.0, 48.0, 16.2, 48.2]}),
        dataset("weather", source=history, table=made["sha256"], rows=made["rows"], columns=made["columns"],
                spatial={"bbox": [17.1, 48.1, 17.3, 48.1]}, period=["2026-03-31T18:00:00Z", "2026-04-01T17:00:00Z"]),
        released(city, "buoys", ["id", "lon", "lat", "time", "wave", "wind"], series,
                 spatial={"bbox": [17.1, 48.1, 17.5, 48.2]}, period=["2026-03-01T00:00:00Z", "2026-03-01T23:00:00Z"]),
    )  # fmt: skip
    return city


class Door:
    """One API of a city, asked as a stranger asks it."""

    def __init__(self, city: MemoryCity, api: str) -> None:
        self.city = city
        self.root = f"/ogc/{api}"
        self.url = f"https://city.example{self.root}"

    def ask(self, path: str = "", headers: dict[str, str] | None = None, method: str = "GET") -> Response:
        # As the server does: the path is decoded before a door sees it, the query by the door.
        at, mark, query = path.partition("?")
        return self.city.ask(method, self.root + unquote(at) + mark + query, headers=headers)

    def json(self, path: str = "", status: int = 200, **headers: str) -> Any:
        told = self.ask(path, headers)
        assert told.status == status, told.body[:600]
        return json.loads(told.body)

    def wrong(self, path: str, status: int = 400) -> str:
        """The problem that is answered, as text; its status is checked."""
        told = self.ask(path)
        assert told.status == status, (told.status, told.body[:600])
        assert told.kind == b"application/problem+json"
        problem = json.loads(told.body)
        assert problem["status"] == status
        return str(problem)

    def ids(self, path: str) -> list[str]:
        return sorted(one["id"].rpartition(":")[2] for one in self.json(path)["features"])


def header(told: Response, name: str) -> str:
    return dict(told.headers).get(name.lower().encode(), b"").decode()
