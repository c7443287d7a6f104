"""CAP messages to try things on: one whole and plain, and any that is valid (Hypothesis)."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from hansa.apps.warnings import cap

NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
SQUARE = (
    cap.Point(48.0, 17.0),
    cap.Point(48.0, 17.2),
    cap.Point(48.2, 17.2),
    cap.Point(48.2, 17.0),
    cap.Point(48.0, 17.0),
)


def area(**said: Any) -> cap.Area:
    return cap.Area(**({"description": "The lower valley", "polygons": (SQUARE,)} | said))


def info(**said: Any) -> cap.Info:
    told: dict[str, Any] = {
        "language": "en",
        "categories": ("Met",),
        "event": "Frost",
        "response_types": ("Prepare",),
        "urgency": "Expected",
        "severity": "Severe",
        "certainty": "Likely",
        "effective": NOW,
        "expires": NOW + timedelta(hours=12),
        "headline": "Frost tonight in the lower valley",
        "areas": (area(),),
    }
    return cap.Info(**(told | said))


def alert(**said: Any) -> cap.Alert:
    told: dict[str, Any] = {
        "identifier": "frost-1",
        "sender": "warnings@city.example",
        "sent": NOW,
        "status": "Actual",
        "msg_type": "Alert",
        "scope": "Public",
        "infos": (info(),),
    }
    return cap.Alert(**(told | said))


def with_info(**said: Any) -> cap.Alert:
    return alert(infos=(info(**said),))


def with_area(**said: Any) -> cap.Alert:
    return with_info(areas=(area(**said),))


def full() -> cap.Alert:
    """Every element that CAP has."""
    body = cap.resource("A map", "image/png", b"not really a picture", "map.png", embed=True)
    where = area(
        circles=(cap.Circle(48.1, 17.1, 2.5),),
        geocodes=(cap.Named("UN/LOCODE", "SKBTS"),),
        altitude=300.0,
        ceiling=900.5,
    )
    one = info(
        audience="growers",
        event_codes=(cap.Named("city", "frost"),),
        onset=NOW + timedelta(hours=4),
        sender_name="The city's weather desk",
        description="Minus three at dawn.\nAnd wind.",
        instruction="Cover <your> plants & vines.",
        web="https://city.example/w/1",
        contact="+421 2 555 0100",
        parameters=(cap.Named("lowest", "-3 °C"),),
        resources=(body,),
        areas=(where,),
    )
    cited = cap.Reference("warnings@city.example", "frost-0", NOW - timedelta(hours=1))
    return alert(
        msg_type="Update",
        source="model frost 4",
        scope="Restricted",
        restriction="growers only",
        addresses=("a@city.example", "the whole valley"),
        codes=("profile:1",),
        note="a note",
        references=(cited,),
        incidents=("night of frost", "i2"),
        infos=(one, replace(one, language="ja", event="霜", headline="今夜は霜")),
    )


def swap(data: bytes, old: str, new: str) -> bytes:
    """The bytes with one text replaced; it must be there."""
    assert old.encode() in data, old
    return data.replace(old.encode(), new.encode(), 1)


def codes(faults: Any) -> set[str]:
    return {it.code for it in faults}


def refused(faults: Any) -> set[str]:
    return {it.code for it in faults if it.refused}


TEXTS = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs", "Cc", "Cn"], exclude_characters="\ufffe\uffff"),
        st.sampled_from("\t\n\r"),
    ),
    max_size=20,
)
WORDS = st.from_regex(r"[A-Za-z0-9@:/.=-]{1,20}", fullmatch=True)
LONGER = st.from_regex(r"[A-Za-z0-9é]{1,8}( [A-Za-z]{1,8})?", fullmatch=True)
NAMED = st.lists(st.builds(cap.Named, WORDS, TEXTS), max_size=2, unique=True).map(tuple)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.builds(
    lambda seconds, zone: (datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).astimezone(zone),
    st.integers(0, 2_000_000_000),
    OFFSETS,
)
DEGREES = st.integers(-179_999_999, 179_999_999).map(lambda it: it / 1_000_000)


@st.composite
def polygons(draw: Any) -> tuple[cap.Point, ...]:
    """A convex polygon anywhere but at a pole, some of them over the antimeridian."""
    lat, lon, size = draw(st.floats(-70, 70)), draw(st.floats(-180, 180)), draw(st.floats(0.01, 15))
    corners = draw(st.integers(3, 9))
    found = []
    for corner in range(corners):
        turn = 2 * math.pi * corner / corners
        east = (lon + size * math.cos(turn) + 180) % 360 - 180
        found.append(cap.Point(round(lat + size * math.sin(turn), 6), round(east, 6)))
    return (*found, found[0])


AREAS = st.builds(
    cap.Area,
    description=TEXTS,
    polygons=st.lists(polygons(), max_size=2).map(tuple),
    circles=st.lists(
        st.builds(
            cap.Circle, DEGREES.map(lambda it: it / 2), DEGREES, st.integers(0, 9_999_999).map(lambda it: it / 1_000)
        ),
        max_size=2,
    ).map(tuple),
    geocodes=NAMED,
    altitude=st.just(-12.5) | st.integers(-1_000, 9_000).map(float),
    ceiling=st.none() | st.integers(9_000, 40_000).map(float),
)
RESOURCES = st.builds(
    cap.resource,
    TEXTS,
    st.sampled_from(["image/png", "audio/mpeg", "text/html; charset=utf-8"]),
    st.binary(max_size=30),
    st.sampled_from(["https://city.example/a.png", "http://city.example/?a=1&b=2"]),
    embed=st.booleans(),
)


def infos(sent: datetime, language: str) -> st.SearchStrategy[cap.Info]:
    return st.builds(
        cap.Info,
        language=st.just(language),
        categories=st.lists(st.sampled_from(cap.CATEGORY), min_size=1, max_size=3, unique=True).map(tuple),
        event=LONGER,
        response_types=st.lists(st.sampled_from(cap.RESPONSE_TYPE), max_size=2, unique=True).map(tuple),
        urgency=st.sampled_from(cap.URGENCY),
        severity=st.sampled_from(cap.SEVERITY),
        certainty=st.sampled_from(cap.CERTAINTY),
        audience=TEXTS,
        event_codes=NAMED,
        effective=st.none() | st.just(sent + timedelta(minutes=1)),
        onset=st.none() | st.just(sent + timedelta(hours=2)),
        expires=st.none() | st.integers(2, 100_000).map(lambda it: sent + timedelta(minutes=it)),
        sender_name=TEXTS,
        headline=TEXTS,
        description=TEXTS,
        instruction=TEXTS,
        web=st.sampled_from(["", "https://city.example/w?a=1&b=<2>".replace("<2>", "2"), "http://city.example/"]),
        contact=TEXTS,
        parameters=NAMED,
        resources=st.lists(RESOURCES, max_size=1).map(tuple),
        areas=st.lists(AREAS, max_size=2).map(tuple),
    )


@st.composite
def alerts(draw: Any) -> cap.Alert:
    """Any message that is valid."""
    sent = draw(MOMENTS)
    kind = draw(st.sampled_from(cap.MSG_TYPE))
    scope = draw(st.sampled_from(cap.SCOPE))
    cited = st.builds(cap.Reference, WORDS, WORDS, st.integers(1, 9_999).map(lambda it: sent - timedelta(minutes=it)))
    words = st.lists(LONGER, min_size=1, max_size=2).map(tuple)
    return cap.Alert(
        identifier=draw(WORDS),
        sender=draw(WORDS),
        sent=sent,
        status=draw(st.sampled_from(cap.STATUS)),
        msg_type=kind,
        scope=scope,
        source=draw(TEXTS),
        restriction=draw(LONGER if scope == "Restricted" else TEXTS),
        addresses=draw(words) if scope == "Private" else (),
        codes=draw(st.lists(TEXTS, max_size=2).map(tuple)),
        note=draw(TEXTS),
        references=draw(st.lists(cited, min_size=kind != "Alert", max_size=2).map(tuple)),
        incidents=draw(st.just(()) | words),
        infos=tuple(draw(infos(sent, it)) for it in draw(st.sampled_from([(), ("en-US",), ("en", "zh-Hant-TW")]))),
    )
