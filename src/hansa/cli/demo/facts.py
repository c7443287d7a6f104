"""What is counted in the valley: assets, a year of monthly readings, and the scorecard as its officer filled it in.

Made up, small, and the same at every start; every entity says so. Of the 91 indicators of U4SSC some are computed from
these things, some from what an officer entered for 2023 to 2025, and for the rest the scorecard says what is missing.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from hansa import clock, kpi
from hansa.apps.scorecard import binding, inputs, nouns
from hansa.apps.scorecard.inputs import Word
from hansa.apps.scorecard.nouns import Spell
from hansa.cli.demo.figures import ABSENT, ENTERED, TARGETS, VERIFIED, YEARS
from hansa.cli.demo.land import SOURCE, Spot, beside_river, lonlat, point
from hansa.model.entity import Attribute, Entity, entity

FRAMEWORK: Final = "u4ssc"
PUBLISHED: Final = ("2024", "2025")
"""Years of which everybody sees the card; 2023 and the running one stay with staff."""
OFFICER: Final = "person:ida (simulated)"
SECOND: Final = "person:tomas (simulated)"
ENERGY_MONTHS: Final = 15
"""Months of readings: the year before the demo's evening, and the quarter in which it lies."""

# key, name, where along the river, population, households, km2, children below school age, of school age
_DISTRICTS: Final = (
    ("upper", "Upper Orlava", 0.18, 2_100, 850, 27.4, 118, 312),
    ("town", "Orlava town", 0.5, 5_600, 2_370, 21.8, 322, 846),
    ("lower", "Lower Orlava", 0.82, 1_700, 680, 24.9, 96, 252),
)
# district, medium, meters, smart ones, customers, of them with demand response
_METERS: Final = (
    ("upper", "water", 902, 331, 902, 0),
    ("town", "water", 2_514, 1_466, 2_514, 0),
    ("lower", "water", 711, 204, 711, 0),
    ("upper", "electricity", 968, 742, 968, 31),
    ("town", "electricity", 2_688, 2_241, 2_688, 184),
    ("lower", "electricity", 765, 533, 765, 22),
)
# network, how many pieces, metres of each, every how-manieth has a sensor
_PIPES: Final = (("water", 14, 4_350.0, 3), ("stormwater", 9, 3_150.0, 4))
_STOPS: Final = (
    "Railway station",
    "Market square",
    "Town hall",
    "School",
    "Clinic",
    "Swimming hall",
    "Weir",
    "Mill",
    "Upper village",
    "Dam",
    "Chapel",
    "Orchard road",
    "Quarry",
    "Ferry",
    "Lower village",
    "Sawmill",
    "Meadow",
    "Cemetery",
)
_SERVICES: Final = (
    "Register of residents",
    "Building permit",
    "Dog licence",
    "Waste bins",
    "Parking permit",
    "Kindergarten place",
    "Library card",
    "Complaint",
    "Water connection",
    "Event permit",
    "Business licence",
    "Birth certificate",
    "Marriage appointment",
    "Subsidy for associations",
)
_SCHOOLS: Final = (
    ("School", 0.47, 812, 690),
    ("Upper primary school", 0.2, 236, 171),
    ("Lower primary school", 0.8, 198, 122),
)
_CULTURE: Final = (
    "Library",
    "Valley museum",
    "Culture house",
    "Open-air stage",
    "Cinema club",
    "Mill gallery",
    "Choir hall",
)
# key, floor area m2, certificate, managed by one system, kWh a month
_BUILDINGS: Final = (
    ("town-hall", 2_640, "B", True, 21_900),
    ("school", 6_180, "B", True, 49_300),
    ("market-hall", 1_850, "", False, 18_700),
    ("swimming-hall", 3_120, "C", True, 96_400),
    ("clinic", 4_460, "", False, 58_100),
    ("railway-station", 1_240, "", False, 9_800),
    ("waterworks", 780, "", True, 31_200),
)


def assets() -> Iterator[Entity]:
    """Things of the valley that indicators count. Some 190."""
    for key, name, along, people, homes, km2, small, school in _DISTRICTS:
        yield entity(
            "AdministrativeArea",
            f"orlava-{key}",
            name=name,
            location=point(beside_river(along, 0.0)),
            population=people,
            households=homes,
            area=Attribute(km2, "KMK"),
            preschoolChildren=small,
            schoolAgePopulation=school,
        )
    for key, medium, meters, smart, customers, response in _METERS:
        yield entity(
            "MeterFleet",
            f"orlava-{medium}-{key}",
            medium=medium,
            meters=meters,
            smartMeters=smart,
            customers=customers,
            demandResponse=response,
        )
    yield from _networks()
    yield from _streets()
    yield from _places()
    yield from _areas()
    for key, floor, certificate, managed, _ in _BUILDINGS:
        yield entity(
            "Building",
            key,
            floorArea=Attribute(floor, "MTK"),
            energyCertificate=certificate or None,
            buildingManagement=managed,
        )
    yield from _calls()


def _networks() -> Iterator[Entity]:
    for network, many, metres, every in _PIPES:
        for n in range(many):
            yield entity(
                "Pipe",
                f"orlava-{network}-{n + 1}",
                network=network,
                monitored=n % every == 0,
                length=Attribute(metres + 110.0 * (n % 5), "MTR"),
                location=_line(0.1 + 0.8 * n / many, 0.2, 0.05),
            )
    for n in range(8):
        yield entity(
            "PowerLine",
            f"orlava-{n + 1}",
            length=Attribute(6_900.0 + 420.0 * n, "MTR"),
            monitored=n < 5,
            location=_line(0.08 + 0.1 * n, -0.5, 0.09),
        )


def _streets() -> Iterator[Entity]:
    # The valley's own roads: `land` says where they are.
    for key, watched in (("valley-road", True), ("old-mill-road", False)):
        yield entity("RoadSegment", key, trafficMonitored=watched)
    for n, name in enumerate(_STOPS):
        spot = beside_river(0.06 + 0.88 * n / len(_STOPS), 0.25 if n % 2 else -0.2)
        yield entity("PublicTransportStop", f"orlava-{n + 1}", name=name, location=point(spot), liveInformation=n < 7)
    for n, (first, last) in enumerate(((0.02, 0.98), (0.3, 0.7), (0.45, 0.9))):
        yield entity("PublicTransportRoute", f"orlava-{n + 1}", name=f"Bus {n + 1}", location=_way(first, last, 0.3))
    for n, (first, last, across) in enumerate(((0.36, 0.64, 0.12), (0.1, 0.36, 0.15), (0.64, 0.88, -0.12))):
        yield entity("BikeLane", f"orlava-{n + 1}", name=f"River path {n + 1}", location=_way(first, last, across))
    for n in range(6):
        yield entity(
            "TrafficLight",
            f"orlava-{n + 1}",
            adaptive=n in {0, 3},
            location=point(beside_river(0.44 + 0.025 * n, 0.31)),
        )
    for kind, many in (("bicycle", 24), ("car", 5)):
        for n in range(many):
            yield entity(
                "Vehicle",
                f"orlava-{kind}-{n + 1}",
                vehicleType=kind,
                category="shared",
                location=point(beside_river(0.42 + 0.16 * (n % 8) / 8, 0.1 + 0.02 * n)),
            )


def _places() -> Iterator[Entity]:
    for n in range(11):
        yield entity(
            "WifiHotspot",
            f"orlava-{n + 1}",
            status="out-of-order" if n == 4 else "working",
            location=point(beside_river(0.4 + 0.02 * n, 0.24)),
        )
    for n, name in enumerate(_SERVICES):
        yield entity("PublicService", f"orlava-{n + 1}", name=name, channel="electronic" if n < 9 else "counter")
    for n in range(7):
        yield entity(
            "AntennaSite", f"orlava-{n + 1}", compliant=True, location=point(beside_river(0.1 + 0.13 * n, 1.1))
        )
    for n, (name, along, students, computers) in enumerate(_SCHOOLS):
        yield entity(
            "School",
            f"orlava-{n + 1}",
            name=name,
            students=students,
            studentsWithComputers=computers,
            location=point(beside_river(along, 0.35)),
        )
    for n, (name, along, places) in enumerate((("Apple kindergarten", 0.5, 210), ("Weir kindergarten", 0.76, 74))):
        yield entity(
            "Kindergarten", f"orlava-{n + 1}", name=name, places=places, location=point(beside_river(along, 0.5))
        )
    for n, name in enumerate(_CULTURE):
        spot = beside_river(0.42 + 0.02 * n, 0.4)
        yield entity("PointOfInterest", f"orlava-culture-{n + 1}", name=name, category="culture", location=point(spot))


def _areas() -> Iterator[Entity]:
    squares: tuple[tuple[str, str, float, float, float, dict[str, Any]], ...] = (
        ("Garden", "Castle garden", 0.48, 0.5, 0.11, {}),
        ("Garden", "River meadow", 0.58, 0.12, 0.16, {}),
        ("Garden", "School garden", 0.46, 0.38, 0.05, {}),
        ("Garden", "Lower green", 0.82, 0.3, 0.09, {}),
        ("ProtectedArea", "Dam woods", 0.06, 1.3, 0.95, {}),
        ("ProtectedArea", "Ridge orchards", 0.7, 1.9, 0.7, {}),
        ("RecreationArea", "Stadium", 0.57, -0.5, 0.07, {}),
        ("RecreationArea", "Playground at the weir", 0.75, 0.2, 0.02, {}),
        ("RestrictedTrafficArea", "Market square", 0.51, 0.28, 0.045, {"pedestrian": True}),
        ("RestrictedTrafficArea", "Quay", 0.49, 0.14, 0.03, {"pedestrian": True}),
        ("RestrictedTrafficArea", "Heavy traffic ban", 0.5, 0.4, 0.3, {"pedestrian": False}),
    )
    for n, (kind, name, along, across, half_km, more) in enumerate(squares):
        x, y = beside_river(along, across)
        ring = [
            (x - half_km, y - half_km),
            (x + half_km, y - half_km),
            (x + half_km, y + half_km),
            (x - half_km, y + half_km),
        ]
        shape = {"type": "Polygon", "coordinates": [[lonlat(one) for one in (*ring, ring[0])]]}
        yield entity(kind, f"orlava-{n + 1}", name=name, location=shape, **more)


def _calls() -> Iterator[Entity]:
    """Emergency calls and accidents on the road, of 2025 and of the quarter that is known of 2026."""
    begin = clock.micros(datetime(2025, 1, 6, 5, tzinfo=UTC))
    for n in range(46):
        at = begin + n * (9 * 24 + 13 * (n % 3)) * 3_600 * clock.SECOND
        if at > clock.micros(datetime(2026, 4, 8, tzinfo=UTC)):
            break
        minutes = 6 + (n * 7) % 11
        spot = beside_river(0.05 + (n * 0.37) % 0.9, 0.3)
        yield entity(
            "EmergencyCall",
            f"orlava-{n + 1}",
            dateReceived=clock.text(at),
            location=point(spot),
            dateArrived=clock.text(at + minutes * 60 * clock.SECOND),
        )
    for n, (day, dead) in enumerate((("2025-02-11", 0), ("2025-06-30", 1), ("2025-11-02", 0), ("2026-01-19", 0))):
        spot = beside_river(0.2 + 0.2 * n, 0.45)
        yield entity(
            "RoadAccident", f"orlava-{n + 1}", dateObserved=f"{day}T16:20:00Z", fatalities=dead, location=point(spot)
        )


def monthly() -> Iterator[Entity]:
    """Readings of the utilities, a month each, oldest first, from January 2025 on: as devices say them."""
    for n in range(ENERGY_MONTHS):
        year, month = 2025 + n // 12, n % 12 + 1
        at = clock.micros(datetime(year, month, 28, 6, tzinfo=UTC))
        cold = (2.2, 2.1, 1.6, 1.0, 0.6, 0.4, 0.4, 0.4, 0.6, 1.1, 1.6, 2.1)[month - 1]
        dry = 1.0 + (0.25 if month in {6, 7, 8} else 0.0)
        for key, _, _, people, *_ in _DISTRICTS:
            used = round(people * 0.118 * dry, 1)
            yield entity(
                "WaterNetworkObserved",
                f"orlava-{key}",
                volumeSupplied=Attribute(round(used * 30.4 * (1.17 if key == "upper" else 1.11), 1), "MTQ", at),
                volumeBilled=Attribute(round(used * 30.4, 1), "MTQ", at),
                dailyConsumption=Attribute(used, None, at),
                dailyFreshwater=Attribute(round(used * 0.94, 1), None, at),
            )
            light = people * (205 + 30 * cold)
            energy = light + people * 520 * cold
            yield entity(
                "EnergyMonitoring",
                f"orlava-{key}",
                electricity=Attribute(round(light), "KWH", at),
                energy=Attribute(round(energy), "KWH", at),
                renewable=Attribute(round(energy * 0.27), "KWH", at),
            )
        for key, _, _, _, kwh in _BUILDINGS:
            yield entity("Building", key, energyUse=Attribute(round(kwh * (0.55 + 0.4 * cold)), "KWH", at))


def scorecard(start: int) -> Iterator[Entity]:
    """The scorecard as it stands on the first evening: framework, values of three years, targets, bindings."""
    framework = kpi.framework(FRAMEWORK)
    at = clock.text(start)
    yield entity(
        "KpiFramework",
        nouns.framework_id(FRAMEWORK),
        framework=FRAMEWORK,
        name=framework.name,
        edition=framework.edition,
        status="used",
        own=False,
        by=OFFICER,
        at=at,
    )
    for code, key, value, year, reason in TARGETS:
        yield entity(
            "KpiTarget",
            nouns.target_id(FRAMEWORK, code, key, nouns.WHOLE, year),
            framework=FRAMEWORK,
            code=code,
            point=key,
            area=nouns.WHOLE,
            target=value,
            year=year,
            reason=reason,
            by=OFFICER,
            at=at,
        )
    for year in YEARS:
        for word in _words(year, start):
            for one in inputs.said(framework, word, None):
                if isinstance(one, Entity):
                    if (word.name, year) in VERIFIED:
                        one = _confirmed(one, at)  # noqa: PLW2901  # the same input, confirmed
                    yield one
    for name, bound in binding.standard(FRAMEWORK).items():
        yield entity(
            "KpiBinding",
            nouns.binding_id(FRAMEWORK, name, nouns.WHOLE),
            framework=FRAMEWORK,
            input=name,
            area=nouns.WHOLE,
            how=bound["how"],
            since="2025",
            status="working",
            standard=True,
            by=OFFICER,
            at=at,
        )


def _words(year: int, start: int) -> Iterator[Word]:
    begin, end = (clock.micros(datetime(y, 1, 1, tzinfo=UTC)) for y in (year, year + 1))
    spell = Spell(str(year), begin, end, start)
    # An officer fills it in by March of the next year.
    at = min(start, clock.micros(datetime(year + 1, 3, 12, 9, tzinfo=UTC)))
    told = {"how": "table", "file": f"u4ssc-{year}.xlsx", "sheet": f"u4ssc {year}", "upload": None}
    for n, (name, values, evidence) in enumerate(ENTERED):
        value = values[YEARS.index(year)]
        if value is None:
            continue
        where = told | {"row": n + 2, "cell": f"I{n + 2}"}
        yield Word(
            name,
            nouns.WHOLE,
            spell,
            float(value),
            "reported",
            "table",
            OFFICER,
            at,
            lineage={key: it for key, it in where.items() if it is not None},
            evidence={"text": evidence},
            completeness=1.0,
        )
    for name, status, reason in ABSENT:
        lineage = {"how": "entered", "by": OFFICER, "at": clock.text(at)}
        yield Word(name, nouns.WHOLE, spell, None, status, "entered", OFFICER, at, lineage=lineage, reason=reason)


def _confirmed(one: Entity, at: str) -> Entity:
    more = entity("KpiInput", one.id, status="verified", verifiedBy=SECOND, verifiedAt=at, verifiedRole="auditor")
    return Entity(one.doc | more.doc)


def records(start: int) -> Iterator[dict[str, Any]]:
    """All of it for the importers' door, in the order in which it is to be heard."""
    for one in assets():
        doc = one.doc | {"source": {"type": "Property", "value": SOURCE}}
        yield {"kind": "say", "id": one.id, "doc": doc, "label": "open"}
    for one in monthly():
        yield {"kind": "read", "id": one.id, "doc": one.doc, "label": "open"}
    for one in scorecard(start):
        yield {"kind": "say", "id": one.id, "doc": one.doc, "label": "smart"}


def _line(along: float, across: float, far: float) -> dict[str, Any]:
    spots: list[Spot] = [beside_river(along, across), beside_river(along + far, across)]
    return {"type": "LineString", "coordinates": [lonlat(one) for one in spots]}


def _way(first: float, last: float, across: float) -> dict[str, Any]:
    steps = 12
    spots = [beside_river(first + (last - first) * n / steps, across) for n in range(steps + 1)]
    return {"type": "LineString", "coordinates": [lonlat(one) for one in spots]}
