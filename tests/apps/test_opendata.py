"""A dataset from an idea to what everybody has, and back; what the acts refuse."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opendata_given import CONTACT, STAFF, agreed, body_of, city, proposed, stations, weather

from hansa import Conflict, Entity, Forbidden, NotFound, Refusal
from hansa.apps.opendata import proposing
from hansa.apps.opendata.acts import proposals
from hansa.apps.opendata.describing import described
from hansa.apps.opendata.published import PREFIX
from hansa.errors import HansaError
from hansa.testing import MemoryCity

WEATHER = f"{PREFIX}weather-now"
OPEN = {
    "source": {"kind": "entities", "type": "WeatherObserved", "attributes": ["temperature"]},
    "guard": {"kind": "open"},
}


def test_a_dataset_goes_from_inventory_to_everybody() -> None:
    here = weather()
    one = here.get(WEATHER)
    assert one["status"] == "published"
    assert (one["version"], one["rows"]) == (1, 6)
    assert one["licence"] == "CC_BY_4_0"
    assert [line["did"] for line in one["log"]] == [
        "inventoried",
        "described",
        "proposed",
        "approved",
        "released",
        "published",
    ]
    released = here.get("urn:ngsi-ld:DatasetRelease:weather-now-1")
    assert released["status"] == "released"
    assert released["note"] == "First release"
    assert here.view("dataset", {"id": "weather-now"}, by="")["rows"] == 6


def test_only_what_is_labelled_open_leaves_whoever_proposes_it() -> None:
    here = city()
    stations(here, 3)
    stations(here, 4, label="smart", first=10)
    one = proposed(here, "places", **OPEN)
    assert one["candidate"]["rows"] == 3
    with pytest.raises(Refusal, match="only as counts"):
        here.act("propose", one.id, source=OPEN["source"] | {"sight": "app"}, guard={"kind": "open"}, **STAFF)


def test_who_proposed_it_does_not_approve_it() -> None:
    here = city()
    stations(here)
    one = proposed(here, "places", **OPEN)
    with pytest.raises(Refusal, match="does not approve"):
        here.act("approve", one.id, sha256=one["candidate"]["sha256"], **STAFF)
    assert here.get(one.id)["status"] == "proposed"


def test_one_approves_the_table_that_he_saw_and_no_other() -> None:
    here = city()
    stations(here)
    one = proposed(here, "places", **OPEN)
    with pytest.raises(Refusal, match="not the table"):
        here.act("approve", one.id, sha256="0" * 64, by="person:bob", **STAFF)


@pytest.mark.parametrize("lacking", ["licence", "contact"])
def test_without_a_licence_or_a_contact_nothing_is_published(lacking: str) -> None:
    here = city()
    stations(here)
    here.act("inventory", key="places", title="Places", **STAFF)
    ident = f"{PREFIX}places"
    words: dict[str, Any] = {
        "description": "x",
        "publisher": "City",
        "themes": ["ENVI"],
        "licence": "CC0",
        "contact": CONTACT,
    }
    del words[lacking]
    here.act("describe", ident, **words, **STAFF)
    here.act("propose", ident, **OPEN, **STAFF)
    here.act("approve", ident, sha256=here.get(ident)["candidate"]["sha256"], by="person:bob", **STAFF)
    assert lacking in here.view("case", {"id": ident}, by="person:ada", roles=("supervisor",))["missing"]
    with pytest.raises(Refusal, match=lacking):
        here.act("publish", ident, by="person:bob", **STAFF)
    with pytest.raises(NotFound):
        here.ask("GET", "/data/places.csv")


def test_a_published_dataset_keeps_its_licence() -> None:
    here = weather()
    with pytest.raises(Refusal, match="not known"):
        here.act("describe", WEATHER, licence="my own words", **STAFF)
    with pytest.raises(Refusal, match="mail address or a page"):
        here.act("describe", WEATHER, contact={}, **STAFF)


def test_the_catalogue_is_kept_by_staff() -> None:
    here = weather()
    for roles in ((), ("operator",), ("member",), ("auditor",)):
        with pytest.raises(Forbidden):
            here.act("release", WEATHER, roles=roles)
    with pytest.raises(HansaError):
        here.act("inventory", key="mine", title="Mine", by="", roles=())


def test_a_key_is_taken_once_and_some_are_never_free() -> None:
    here = weather()
    with pytest.raises(Conflict):
        here.act("inventory", key="weather-now", title="Again", **STAFF)
    for key in ("catalog", "feed", "A B", "../etc", "x" * 64, ""):
        with pytest.raises(Refusal):
            here.act("inventory", key=key, title="No", **STAFF)
    with pytest.raises(NotFound):
        here.act("inventory", proposal="nothing", **STAFF)


def test_releases_are_compared_and_the_same_again_is_none() -> None:
    here = weather()
    here.act("release", WEATHER, **STAFF)
    assert here.get(WEATHER)["version"] == 1
    assert [one.key for one in here.find("DatasetRelease")] == ["weather-now-1"]
    assert [one.key for one in here.find("Table")] == ["opendata-weather-now-1"]
    stations(here, 2, first=6)
    here.act("release", WEATHER, **STAFF)
    one = here.get(WEATHER)
    assert (one["version"], one["rows"]) == (3, 8)
    assert one["note"] == "2 rows more than version 1"
    csv = body_of(here.ask("GET", "/data/weather-now/1.csv"))
    assert csv.count(b"\n") == 7
    assert body_of(here.ask("GET", "/data/weather-now.csv")).count(b"\n") == 9


def test_the_clock_releases_what_is_due() -> None:
    here = weather()
    stations(here, 1, first=6)
    here.turn(seconds=23 * 3_600)
    assert here.get(WEATHER)["version"] == 1
    here.turn(seconds=2 * 3_600)
    assert here.get(WEATHER)["rows"] == 7


def test_values_beyond_the_dictionary_and_holes_are_told() -> None:
    here = city()
    stations(here, 5)
    here.act("inventory", key="t", title="T", **STAFF)
    ident = f"{PREFIX}t"
    columns = [{"name": "temperature", "unit": "°C", "says": "Air temperature", "low": 0, "high": 3}]
    here.act(
        "describe",
        ident,
        description="d",
        publisher="C",
        contact=CONTACT,
        licence="CC0",
        themes=["ENVI"],
        columns=columns,
        **STAFF,
    )
    here.act("propose", ident, **OPEN, **STAFF)
    quality = agreed(here, ident)["quality"]
    assert quality["outside"] == [{"column": "temperature", "range": [0, 3], "found": [1.5, 5.5]}]
    assert quality["columns"]["temperature"] == 1.0
    assert here.view("case", {"id": ident}, by="person:ada", roles=("supervisor",))["undescribed"] == [
        "id",
        "lon",
        "lat",
        "geometry",
    ]


def test_what_is_withdrawn_says_why_at_every_address() -> None:
    here = weather()
    here.act("withdraw", WEATHER, why="A sensor was wrong", **STAFF)
    for address in ("/data/weather-now.csv", "/data/weather-now/1.csv", "/data/weather-now", "/data/weather-now.ttl"):
        with pytest.raises(NotFound, match="A sensor was wrong") as gone:
            here.ask("GET", address)
        assert gone.value.status == 410
    assert here.view("catalogue", by="")["total"] == 0
    with pytest.raises(Refusal):
        here.act("publish", WEATHER, by="person:bob", **STAFF)


def test_a_new_source_of_what_is_published_waits_for_a_second_person_too() -> None:
    here = weather()
    here.act(
        "propose",
        WEATHER,
        source={"kind": "entities", "type": "WeatherObserved", "attributes": ["name"]},
        guard={"kind": "open"},
        **STAFF,
    )
    one = here.get(WEATHER)
    assert one["status"] == "published"
    assert one["source"]["attributes"] == ["temperature", "relativeHumidity", "dewPoint"]
    here.act("release", WEATHER, **STAFF)
    assert "name" not in {column["name"] for column in here.get(WEATHER)["columns"]}
    agreed(here, WEATHER)
    columns = {column["name"] for column in here.get(WEATHER)["columns"]}
    assert columns == {"id", "lon", "lat", "geometry", "name"}
    assert "new columns: geometry, name" in here.get(WEATHER)["note"]


def test_a_table_that_cannot_be_made_says_so_and_does_not_leave() -> None:
    here = city()
    stations(here)
    one = proposed(here, "bad", **OPEN, steps=[{"do": "round", "column": "nowhere", "to": 1}])
    assert one["candidate"]["status"] == "failed"
    assert "nowhere" in one["candidate"]["fault"]
    with pytest.raises(Refusal, match="nowhere"):
        here.act("approve", one.id, sha256="0" * 64, by="person:bob", **STAFF)
    empty = proposed(
        here, "none", source={"kind": "entities", "type": "Unicorn", "attributes": ["horn"]}, guard={"kind": "open"}
    )
    assert empty["candidate"]["status"] == "failed"


def test_the_table_of_an_older_proposal_is_nobodys_candidate() -> None:
    here = city()
    stations(here)
    one = proposed(here, "places", **OPEN)
    first = one["candidate"]["sha256"]
    other = OPEN["source"] | {"attributes": ["name"]}
    here.act("propose", one.id, source=other, guard={"kind": "open"}, **STAFF)
    late = here.get("urn:ngsi-ld:Table:opendata-places-1")
    here.say(Entity({**late.doc, "status": {"type": "Property", "value": "ordered"}}))
    here.turn(seconds=1)
    assert here.get(one.id)["candidate"]["version"] == 2
    with pytest.raises(Refusal, match="not the table"):
        here.act("approve", one.id, sha256=first, by="person:bob", **STAFF)


def test_what_is_withdrawn_while_its_table_is_made_stays_withdrawn() -> None:
    here = weather()
    stations(here, 1, first=6)
    here.act("withdraw", WEATHER, why="wrong", **STAFF)
    with pytest.raises(Refusal):
        here.act("release", WEATHER, **STAFF)
    here.turn(seconds=3 * 86_400)
    assert (here.get(WEATHER)["status"], here.get(WEATHER)["version"]) == ("withdrawn", 1)


def test_every_ready_made_proposal_can_be_taken_up() -> None:
    here = city()
    for key, one in proposals().items():
        here.act("inventory", proposal=key, **STAFF)
        made = proposing.proposed(here.get(PREFIX + key)["suggested"])
        assert made["guard"]["kind"] in {"open", "cells"}
        assert set(one["title"]) == {"en", "fr", "es", "ar", "ja"} == set(one["description"])
        assert all(set(column["says"]) == set(one["title"]) for column in one.get("columns", []))


@pytest.mark.parametrize(
    ("plan", "where"),
    [
        ({}, "guard.kind"),
        ({"guard": {"kind": "cells"}}, "guard.by"),
        ({"guard": {"kind": "cells", "by": ["a"], "k": 1}}, "guard.k"),
        ({"guard": {"kind": "cells", "by": ["a"], "measures": [{"of": "x", "as": "max"}]}}, "guard.measures[0]"),
        (
            {"guard": {"kind": "cells", "by": ["a"]}, "source": {"kind": "history", "type": "T", "attributes": ["a"]}},
            "guard.kind",
        ),
        ({"guard": {"kind": "open"}, "source": {"kind": "sheet"}}, "guard.kind"),
        ({"guard": {"kind": "none"}, "source": OPEN["source"]}, "guard.kind"),
        (
            {"guard": {"kind": "open"}, "source": {"kind": "entities", "type": "T", "attributes": []}},
            "source.attributes",
        ),
        (
            {"guard": {"kind": "open"}, "source": {"kind": "entities", "type": "T", "attributes": ["id"]}},
            "source.attributes",
        ),
        ({"guard": {"kind": "open"}, "source": OPEN["source"], "steps": [{"do": "sql"}]}, "steps[0]"),
        ({"guard": {"kind": "open", "k": 1}, "source": OPEN["source"]}, "guard"),
        (
            {
                "guard": {"kind": "cells", "by": ["a"]},
                "source": OPEN["source"],
                "steps": [{"do": "suppress", "by": ["a"], "k": 5}],
            },
            "steps[0]",
        ),
    ],
)
def test_what_is_no_proposal_is_refused_with_its_place(plan: dict[str, Any], where: str) -> None:
    with pytest.raises(Refusal) as fault:
        proposing.proposed(plan)
    assert fault.value.where == where


def test_a_city_may_ask_for_more_than_five_and_nobody_for_fewer() -> None:
    plan = {"guard": {"kind": "cells", "by": ["a"], "k": 3}, "source": OPEN["source"]}
    assert proposing.proposed(plan)["guard"]["k"] == 5
    assert proposing.proposed(plan, 20)["guard"]["k"] == 20


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda some: st.lists(some, max_size=4) | st.dictionaries(st.text(max_size=10), some, max_size=4),
    max_leaves=12,
)
MEMBERS = (
    "title",
    "description",
    "keywords",
    "themes",
    "licence",
    "publisher",
    "contact",
    "periodicity",
    "spatial",
    "columns",
    "series",
    "hvd",
    "conformsTo",
    "owner",
)


@given(st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=4))
@settings(max_examples=50, deadline=None)
def test_whatever_a_description_says_it_is_kept_or_refused(said: dict[str, Any]) -> None:
    try:
        made = described(said)
    except Refusal as refused:
        fault = refused
    else:
        assert made
        assert not re.search("[\x00-\x08\u202e\u2066]", str(made))
        return
    assert fault.where


@given(st.fixed_dictionaries({"source": JSON, "guard": JSON, "steps": JSON}))
@settings(max_examples=50, deadline=None)
def test_whatever_a_proposal_says_it_is_refused_or_guarded(said: dict[str, Any]) -> None:
    try:
        made = proposing.proposed(said)
    except Refusal:
        return
    assert made["guard"]["kind"] in {"open", "none", "cells", "rows"}


def test_texts_are_cleaned_of_what_turns_them_around() -> None:
    made = described({"title": {"en": "a\u202eb\x00c"}, "columns": [{"name": "x", "says": "y\u2066"}]})
    assert made["title"] == {"en": "abc"}
    assert made["dictionary"][0]["says"] == {"en": "y"}
    for bad in (
        {"conformsTo": ["javascript:alert(1)"]},
        {"contact": {"email": "a@b\n.c"}},
        {"publisher": {"name": "x", "uri": "https://a b"}},
    ):
        with pytest.raises(Refusal):
            described(bad)


def _names(here: MemoryCity, **asked: str) -> list[str]:
    return [one["id"] for one in here.view("catalogue", asked, by="")["datasets"]]


def test_the_catalogue_is_searched_and_narrowed() -> None:
    here = weather()
    agreed(here, proposed(here, "benches", **OPEN).id)
    assert set(_names(here)) == {"weather-now", "benches"}
    assert _names(here, q="stati weather") == ["weather-now"]
    assert _names(here, q="METEO") == ["weather-now"]  # accents and case aside, in any language
    assert _names(here, q="気象") == ["weather-now"]
    assert _names(here, q="unicorn") == []
    assert set(_names(here, theme="ENVI")) == {"weather-now", "benches"}
    assert _names(here, tag="weather") == ["weather-now"]
    assert _names(here, theme="HEAL") == []
    assert _names(here, licence="CC0") == []
    facets = here.view("catalogue", {}, by="")["facets"]
    assert facets["theme"] == [{"key": "ENVI", "name": "Environment", "count": 2}]
    assert facets["publisher"][0]["name"] == "City of Tests"
    for bad in ({"sort": "x"}, {"page": "0"}, {"licence": "mine"}, {"lang": "!!"}):
        with pytest.raises(Refusal):
            here.view("catalogue", bad, by="")


def test_questions_reach_published_tables_alone() -> None:
    here = weather()
    asked = {"dataset": "weather-now", "measures": [{"of": "temperature", "as": "max", "name": "top"}]}
    assert here.view("ask", {"q": json.dumps(asked)}, by="")["rows"] == [[6.5]]
    secret = proposed(here, "secret", **OPEN)["candidate"]["sha256"]
    for bad in (
        {"dataset": secret},
        {"table": secret},
        {"dataset": "secret"},
        {"dataset": "weather-now", "join": {"table": secret, "on": [["id", "id"]]}},
    ):
        with pytest.raises((Refusal, NotFound)):
            here.view("ask", {"q": json.dumps(bad)}, by="")
    with pytest.raises(Refusal):
        here.view("ask", {"q": "[" * 5_000}, by="")


def test_what_steps_let_go_of_is_not_read_from_the_entities_either() -> None:
    here = weather()
    for key, steps, attributes in (
        ("whole", [], ("temperature", "dewPoint")),
        ("narrow", [{"do": "drop", "columns": ["geometry", "dewPoint"]}], ("temperature",)),
        ("placeless", [{"do": "drop", "columns": ["lon", "lat"]}], ()),
        ("coarse", [{"do": "round", "column": "lon", "to": 0.1}], ()),
        ("warm", [{"do": "where", "column": "temperature", "op": ">", "value": 3}], ()),
    ):
        source = {**OPEN["source"], "attributes": ["temperature", "dewPoint"]}
        agreed(here, proposed(here, key, source=source, guard={"kind": "open"}, steps=steps).id)
        told = here.view("dataset", {"id": key}, by="", roles=())
        assert (told["live"], tuple(told["source"].get("attributes", ()))) == (bool(attributes), attributes), key
    assert here.ask("GET", "/sta/v1.1/Datastreams").body.count(b"dewPoint")
    here.act("withdraw", f"{PREFIX}whole", why="enough", **STAFF)
    here.act("withdraw", WEATHER, why="enough", **STAFF)
    assert b"dewPoint" not in here.ask("GET", "/sta/v1.1/Datastreams").body
    assert b"dewPoint" not in here.ask("GET", "/ogc/features/collections/narrow/items").body
    items = here.ask("GET", "/ogc/features/collections/placeless/items")
    assert b"17.1" not in items.body
