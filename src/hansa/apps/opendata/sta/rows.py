"""The published city as entities of SensorThings: made as they are asked for, from `city.public` alone.

An entity of a published dataset is a Thing; each of its numeric attributes a Datastream; an instant of its history an
Observation; where it is, its Location and its FeatureOfInterest; who says so, a Sensor: the dataset. Ids are texts:

    Things('urn:ngsi-ld:WeatherObserved:north')      also its Location and FeatureOfInterest
    Datastreams('urn:ngsi-ld:WeatherObserved:north~temperature')
    Observations('urn:ngsi-ld:WeatherObserved:north~temperature~1775066400000000')      microseconds
    Sensors('weather~temperature'), ObservedProperties('temperature')

Nothing is kept from one question to the next: policy decides anew, and what was withdrawn is gone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from hansa import Asking, Entity, NotFound, Refusal
from hansa.apps.opendata.published import Published, published
from hansa.apps.opendata.sta.expressions import When
from hansa.apps.opendata.sta.sets import SETS, Kind
from hansa.apps.opendata.sta.things import Stream, Thing, column, text_of, unit_of

_PAGE: Final = 1_000
MOST: Final = 20_000
"""Things that one question looks at: what the 10 s of a door are enough for."""
PLACES: Final = 1_000
"""Places of one Thing that are told: of a bus, the newest of a day."""
GEOJSON: Final = "application/geo+json"
_MEASURED: Final = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
_CORE: Final = "https://uri.etsi.org/ngsi-ld/default-context/"


class Row:
    """One entity of SensorThings. A property that takes reading is read when somebody looks at it."""

    __slots__ = ("_said", "at", "id", "kind", "stream", "thing", "word")

    def __init__(
        self,
        kind: Kind,
        ident: str,
        said: Mapping[str, Any],
        *,
        thing: Thing | None = None,
        stream: Stream | None = None,
        at: int = 0,
        word: str = "",
    ) -> None:
        """`thing`, `stream`, `at` and `word` (of a property, of a sensor) say what it is about."""
        self.kind = kind
        self.id = ident
        self._said = dict(said)
        self.thing = thing
        self.stream = stream
        self.at = at
        self.word = word

    def __getitem__(self, name: str) -> Any:
        """The value of a property; None where nothing was said."""
        found = self._said.get(name)
        if callable(found):
            found = self._said[name] = found()
        return found


class Source:
    """One question's view of what is published."""

    def __init__(self, city: Asking) -> None:
        """Datasets whose entities may be read as they are."""
        self.city = city
        self.public = city.public
        self.datasets = [one for one in published(city) if one.live and one.type]
        self._ids: dict[str, frozenset[str]] = {}

    # ---- Things

    def things(self) -> Iterator[Thing]:
        """All, in a stable order. Refusal when there are more than one question may look at."""
        seen: set[str] = set()
        for type_, q in dict.fromkeys((one.type, _filter(one)) for one in self.datasets):
            for entity in self._walk(type_, q):
                if entity.id in seen:
                    continue
                seen.add(entity.id)
                if len(seen) > MOST:
                    raise Refusal(f"there are more than {MOST:,} Things", mend="name one, as in Things('id')")
                yield self._made(entity)

    def _walk(self, type_: str, q: str | None) -> Iterator[Entity]:
        offset = 0
        while True:
            found = self.public.page(type_, q=q, limit=_PAGE, offset=offset)
            yield from found
            if len(found) < _PAGE:
                return
            offset += _PAGE

    def thing(self, ident: str) -> Thing:
        """One; NotFound, also where it is no longer published."""
        made = self._made(self.public.get(ident[:2_000]))
        if not made.datasets:
            raise NotFound("there is no such Thing", where="id")
        return made

    def _made(self, entity: Entity) -> Thing:
        types = set(entity.types)
        return Thing(entity, [one for one in self.datasets if one.type in types and self._holds(one, entity.id)])

    def _holds(self, dataset: Published, ident: str) -> bool:
        q = _filter(dataset)
        if q is None:
            return True
        held = self._ids.get(dataset.id)
        if held is None:
            held = self._ids[dataset.id] = frozenset(one.id for one in self._walk(dataset.type, q))
        return ident in held

    def stream(self, ident: str) -> Stream:
        """One; NotFound."""
        key, _, name = ident.rpartition("~")
        found = self.thing(key).streams.get(name) if key else None
        if found is None:
            raise NotFound("there is no such Datastream", where="id")
        return found

    def streams(self) -> Iterator[Stream]:
        """All, Thing by Thing."""
        return (stream for thing in self.things() for stream in thing.streams.values())

    # ---- rows

    def row(self, kind: str, ident: str) -> Row:
        """One entity of a set, by its id; NotFound."""
        match kind:
            case "Things":
                return self.thing_row(self.thing(ident))
            case "FeaturesOfInterest":
                return self.feature(self.thing(ident))
            case "Datastreams":
                return self.stream_row(self.stream(ident))
            case "Locations":
                return self._location(ident)
            case "HistoricalLocations":
                key, _, at = ident.rpartition("~")
                row = self._past(self.thing(key), at) if key and _plain(at) else None
            case "Observations":
                key, _, at = ident.rpartition("~")
                row = self._observed(self.stream(key), at) if key and _plain(at) else None
            case _:
                row = next((one for one in self.rows(kind) if one.id == ident), None)
        if row is None:
            raise NotFound("there is no such entity", where="id")
        return row

    def rows(self, kind: str) -> Iterable[Row]:
        """All of a set but Observations, which are too many: `observed.Observations`."""
        match kind:
            case "Things":
                return map(self.thing_row, self.things())
            case "FeaturesOfInterest":
                return map(self.feature, self.things())
            case "Locations":
                return (self.location(thing) for thing in self.things() if thing.place is not None)
            case "HistoricalLocations":
                return (row for thing in self.things() for row in self.past(thing))
            case "Datastreams":
                return map(self.stream_row, self.streams())
            case "Sensors":
                return self._once(self.sensor)
            case _:
                return self._once(self.property)

    def _once(self, make: Callable[[Stream], Row]) -> Iterator[Row]:
        seen: set[str] = set()
        for stream in self.streams():
            row = make(stream)
            if row.id not in seen:
                seen.add(row.id)
                yield row

    def thing_row(self, thing: Thing) -> Row:
        """A Thing."""
        said = {
            "name": thing.name,
            "description": lambda: self._described(thing),
            "properties": thing.told,
        }
        return Row(SETS["Things"], thing.entity.id, said, thing=thing)

    def _described(self, thing: Thing) -> str:
        titles = dict.fromkeys(text_of(one.title) for one in thing.datasets)
        return f"{thing.entity.type}, published in {', '.join(titles)}"

    def location(self, thing: Thing, place: Any = None, at: int = 0) -> Row:
        """Where a Thing is, or was `at` a time."""
        ident = f"{thing.entity.id}~{at}" if at else thing.entity.id
        said = {
            "name": thing.name,
            "description": f"Where {thing.name} {'was' if at else 'is'}",
            "encodingType": GEOJSON,
            "location": thing.place if place is None else place,
            "properties": {},
        }
        return Row(SETS["Locations"], ident, said, thing=thing, at=at)

    def _location(self, ident: str) -> Row:
        key, _, at = ident.rpartition("~")
        if key and _plain(at):
            thing = self.thing(key)
            found = self._places(thing, int(at), int(at) + 1)
            if found:
                return self.location(thing, found[0].value, int(at))
        else:
            thing = self.thing(ident)
            if thing.place is not None:
                return self.location(thing)
        raise NotFound("there is no such Location", where="id")

    def _places(self, thing: Thing, since: int | None = None, until: int | None = None) -> Sequence[Any]:
        if not thing.placed:
            return ()
        return self.public.history(thing.entity.id, "location", since, until, last=PLACES)

    def past(self, thing: Thing) -> Iterator[Row]:
        """Where a Thing was, newest last; the newest leads to the Location that it has."""
        places = self._places(thing)
        for n, one in enumerate(places):
            yield self._was(thing, one, newest=n == len(places) - 1)

    def _past(self, thing: Thing, at: str) -> Row | None:
        newest = self._places(thing)[-1:]
        found = self._places(thing, int(at), int(at) + 1)
        return self._was(thing, found[0], newest=bool(newest) and newest[0].at == int(at)) if found else None

    def _was(self, thing: Thing, place: Any, *, newest: bool) -> Row:
        return Row(
            SETS["HistoricalLocations"],
            f"{thing.entity.id}~{place.at}",
            {"time": When(place.at, place.at), "place": place.value},
            thing=thing,
            at=place.at,
            word="newest" if newest else "",
        )

    def stream_row(self, stream: Stream) -> Row:
        """A Datastream."""
        said = {
            "name": f"{stream.name} of {stream.thing.name}",
            "description": text_of(column(stream.dataset, stream.name, "says")) or text_of(stream.dataset.title),
            "observationType": _MEASURED,
            "unitOfMeasurement": unit_of(stream.unit),
            "phenomenonTime": lambda: self._span(stream),
            "resultTime": None,
            "properties": {"dataset": stream.dataset.id, "licence": stream.dataset.licence},
        }
        return Row(SETS["Datastreams"], stream.id, said, thing=stream.thing, stream=stream)

    def bounds(self, stream: Stream) -> tuple[int | None, int | None]:
        """From when to when its dataset gives its history: the last `days` where it says so many."""
        days = stream.dataset.source.get("days")
        if isinstance(days, int | float) and not isinstance(days, bool) and days > 0:
            return self.city.now() - int(days * 86_400_000_000), None
        return None, None

    def _span(self, stream: Stream) -> When | None:
        since, until = self.bounds(stream)
        ident, name = stream.thing.entity.id, stream.name
        first = self.public.history(ident, name, since, until, limit=1)
        last = self.public.history(ident, name, since, until, last=1)
        return When(first[0].at, last[-1].at) if first and last else None

    def sensor(self, stream: Stream) -> Row:
        """Who says so: the dataset, and what its page says of how."""
        one = stream.dataset
        said = {
            "name": f"{stream.name}, {text_of(one.title)}",
            "description": text_of(one.description) or text_of(one.title),
            "encodingType": "text/html",
            "metadata": f"{self.city.origin}/data/{one.id}",
            "properties": {"dataset": one.id, "publisher": dict(one.publisher)},
        }
        return Row(SETS["Sensors"], f"{one.id}~{stream.name}", said, word=f"{one.id}~{stream.name}")

    def property(self, stream: Stream) -> Row:
        """What is observed: an attribute, under its IRI."""
        name = stream.name
        said = {
            "name": name,
            "definition": name if ":" in name else f"{_CORE}{name}",
            "description": text_of(column(stream.dataset, name, "says")) or name,
            "properties": {},
        }
        return Row(SETS["ObservedProperties"], name, said, word=name)

    def feature(self, thing: Thing) -> Row:
        """What an Observation is about: the Thing, as a feature of the map."""
        place = thing.place
        said = {
            "name": thing.name,
            "description": f"{thing.entity.type} {thing.name}",
            "encodingType": GEOJSON,
            "feature": place or {"type": "Feature", "geometry": None, "properties": {}},
            "properties": {"type": thing.entity.type},
        }
        return Row(SETS["FeaturesOfInterest"], thing.entity.id, said, thing=thing)

    def observation(self, stream: Stream, point: Any) -> Row:
        """What was observed at an instant; when the result was made, the city does not know."""
        said = {
            "phenomenonTime": When(point.at, point.at),
            "resultTime": None,
            "result": point.value,
            "parameters": {},
        }
        return Row(
            SETS["Observations"], f"{stream.id}~{point.at}", said, thing=stream.thing, stream=stream, at=point.at
        )

    def _observed(self, stream: Stream, at: str) -> Row | None:
        since, until = self.bounds(stream)
        if (since is not None and int(at) < since) or (until is not None and int(at) >= until):
            return None
        found = self.public.history(stream.thing.entity.id, stream.name, int(at), int(at) + 1)
        return self.observation(stream, found[0]) if found else None

    # ---- from one to the other

    def one(self, row: Row, link: str) -> Row:
        """The one entity at a link."""
        thing, stream = row.thing, row.stream
        match link:
            case "Thing" if thing is not None:
                return self.thing_row(thing)
            case "FeatureOfInterest" if thing is not None:
                return self.feature(thing)
            case "Sensor" if stream is not None:
                return self.sensor(stream)
            case "ObservedProperty" if stream is not None:
                return self.property(stream)
            case "Datastream" if stream is not None:
                return self.stream_row(stream)
        raise NotFound(f"it has no {link}", where=link)  # pragma: no cover  # the data model says which there are

    def many(self, row: Row, link: str) -> Iterable[Row]:
        """The entities at a link, other than Observations."""
        thing = row.thing
        match row.kind.name, link:
            case ("Things", "Locations") if thing is not None:
                return [self.location(thing)] if thing.place is not None else []
            case ("Things", "HistoricalLocations") if thing is not None:
                return list(self.past(thing))
            case ("Things", "Datastreams") if thing is not None:
                return [self.stream_row(one) for one in thing.streams.values()]
            case ("Locations", "Things") if thing is not None:
                return [self.thing_row(thing)] if not row.at else []
            case ("Locations", "HistoricalLocations") if thing is not None:
                return [one for one in self.past(thing) if (one.at == row.at if row.at else one.word == "newest")]
            case ("HistoricalLocations", "Locations") if thing is not None:
                return [self.location(thing) if row.word == "newest" else self.location(thing, row["place"], row.at)]
            case ("Sensors", _):
                key, _, name = row.word.rpartition("~")
                return (self.stream_row(one) for one in self.streams() if one.name == name and one.dataset.id == key)
            case _:
                return (self.stream_row(one) for one in self.streams() if one.name == row.word)


def _filter(dataset: Published) -> str | None:
    q = dataset.source.get("q")
    return q if isinstance(q, str) and q else None


def _plain(text: str) -> bool:
    """Whether it is microseconds, as they stand in ids."""
    return text.isascii() and text.removeprefix("-").isdecimal() and len(text) <= 18
