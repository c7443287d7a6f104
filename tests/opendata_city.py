"""A city that has published data: two people, sheets that one proposes and the other approves, through the doors."""

import random
import time
from types import SimpleNamespace

from served import Served
from signed_in import SignedIn

TOML = """
[city]
name = "Orlava"
timezone = "Europe/Bratislava"
location = [17.1, 48.1]
"""
PREFIX = "urn:ngsi-ld:Dataset:"
MEANS = {"id": "The station", "time": "When it was measured", "temperature": "Air temperature"}


def two_people(city: Served) -> tuple[SignedIn, SignedIn]:
    """Bo and Cy, engineers whom the city's first person invited: both keep the catalogue."""
    first = SignedIn(city)
    people = []
    for name in ("bo", "cy"):
        told = first.page("POST", "/admin/invitations", {"roles": ["engineer"]})
        assert "link" in told.json(), told.text
        people.append(SignedIn(SimpleNamespace(link=told.json()["link"]), name))  # type: ignore[arg-type]
    first.close()
    return people[0], people[1]


def weather(rows: int = 3_000) -> str:
    """Five stations by the hour, as CSV; the south is warmer, and two days of one station are missing."""
    chance = random.Random(7)
    lines = ["id,time,temperature,lon,lat"]
    for i in range(rows):
        hour, station = divmod(i, 5)
        if station == 3 and 200 <= hour < 260:
            continue
        at = time.strftime("%Y-%m-%dT%H:00:00Z", time.gmtime(1_767_225_600 + hour * 3_600))
        value = 4 + station * 1.5 + 6 * ((hour % 24) / 24 - 0.5) + chance.gauss(0, 0.8)
        lines.append(f"s{station},{at},{value:.2f},{17.05 + 0.02 * station:.2f},{48.1 + 0.015 * station:.3f}")
    return "\n".join(lines) + "\n"


STATIONS = "id,district,height\n" + "".join(
    f"s{n},{'Old Town' if n < 2 else 'Hills' if n < 4 else 'Harbour'},{120 + 35 * n}\n" for n in range(5)
)


def done(who: SignedIn, act: str, said: object) -> dict[str, object]:
    """What somebody does with the catalogue."""
    told = who.page("POST", f"/desk/opendata/{act}", said)
    assert told.status_code == 200, told.text
    return dict(told.json())


def case(who: SignedIn, key: str, true: str, within_s: float = 20.0) -> dict[str, object]:
    """All of a dataset, once its candidate or itself is in a state."""
    end = time.monotonic() + within_s
    while True:
        told = dict(who.page("GET", f"/desk/opendata/case?id={PREFIX}{key}").json())
        candidate = dict(told.get("candidate") or {})  # type: ignore[call-overload]
        if true in {candidate.get("status"), told.get("status")}:
            return told
        assert candidate.get("status") != "failed", candidate
        assert time.monotonic() < end, told
        time.sleep(0.05)


def proposed(who: SignedIn, key: str, title: str, sheet: str) -> None:
    """One person writes it down, describes it and sends its sheet, which is about nobody."""
    done(who, "inventory", {"key": key, "title": {"en": title, "ar": f"بيانات {title}"}})
    columns = [
        {"name": name, "says": {"en": MEANS.get(name, f"The {name}")}, "unit": "°C" if name == "temperature" else ""}
        for name in sheet.split("\n", 1)[0].split(",")
    ]  # fmt: skip
    done(who, "describe", {
        "id": PREFIX + key, "description": {"en": f"{title} of the valley, hour by hour."}, "licence": "CC_BY_4_0",
        "keywords": {"en": ["weather", title.lower()]}, "themes": ["ENVI"], "periodicity": "DAILY", "columns": columns,
        "publisher": {"name": {"en": "City of Orlava"}},
        "contact": {"name": "Data office", "email": "data@orlava.example"},
    })  # fmt: skip
    headers = {"origin": who.origin, "sec-fetch-site": "same-origin", "x-hansa": "page"}
    told = who.client.post(
        "/desk/opendata/upload",
        data={"id": PREFIX + key, "guard": '{"kind": "none"}'},
        files={"file": (f"{key}.csv", sheet.encode(), "text/csv")},
        headers=headers,
    )
    assert told.status_code == 200, told.text


def published(ada: SignedIn, bo: SignedIn, key: str, title: str, sheet: str) -> None:
    """All the way: one proposes, the other approves, and everybody has it."""
    proposed(ada, key, title, sheet)
    made = case(ada, key, "made")
    done(bo, "approve", {"id": PREFIX + key, "sha256": made["candidate"]["sha256"]})  # type: ignore[index]
    done(ada, "publish", {"id": PREFIX + key})
