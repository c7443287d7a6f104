"""Entities through time (4.5.6 to 4.5.9, 4.11, 5.6.11, 5.6.12, 5.7.3, 5.7.4, 6.3.10, 6.3.12)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest_ngsild import PUBLIC, Api, header, opened, said, small

CAR = "urn:ngsi-ld:Vehicle:1"
PATH = f"temporal/entities/{CAR}"
ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"


def at(minute: int) -> str:
    return f"2026-04-01T12:{minute:02}:00Z"


def speeds(*minutes: int, start: float = 0.0) -> list[dict[str, Any]]:
    return [{"type": "Property", "value": start + m, "observedAt": at(m)} for m in minutes]


def car(**said_of_it: Any) -> dict[str, Any]:
    return {"id": CAR, "type": "Vehicle", **said_of_it}


def told(response: Any, name: str = "speed") -> list[dict[str, Any]]:
    """The instances of an attribute without what names them."""
    return [{m: v for m, v in one.items() if m != "instanceId"} for one in said(response).get(name, [])]


def values(response: Any, name: str = "speed") -> list[Any]:
    return [one["value"] for one in said(response).get(name, [])]


def test_what_was_pushed_comes_back_in_the_order_of_time(api: Api) -> None:
    made = api.post("temporal/entities", car(speed=speeds(3, 1, 2), fuel=speeds(5)))
    assert (made.status, header(made, "location")) == (201, f"/ngsi-ld/v1/{PATH}")
    assert values(api.get(PATH)) == [1, 2, 3]
    assert told(api.get(PATH), "fuel") == speeds(5)
    assert said(api.get(f"entities/{CAR}"))["speed"] == speeds(3)[0]


def test_pushing_again_adds_and_saying_the_same_twice_changes_nothing(api: Api) -> None:
    api.post("temporal/entities", car(speed=speeds(2)))
    assert api.post("temporal/entities", car(speed=speeds(1, 2), type="Vehicle")).status == 204
    assert api.post(f"{PATH}/attrs", {"speed": speeds(0, 4), "fuel": speeds(1)}).status == 204
    assert values(api.get(PATH)) == [0, 1, 2, 4]
    assert api.post("temporal/entities/urn:a:b/attrs", {"speed": speeds(1)}).status == 404
    assert api.post("temporal/entities", car(speed=[{"type": "Property"}])).status == 400
    assert api.post("temporal/entities", {"type": "Vehicle", "speed": speeds(1)}).status == 400


def test_what_was_said_by_other_doors_is_history_too(api: Api) -> None:
    api.made(car(speed=speeds(1)[0], plate="A1"))
    api.patch(f"entities/{CAR}/attrs/speed", speeds(2)[0])
    api.delete(f"entities/{CAR}/attrs/plate")
    assert values(api.get(PATH)) == [1, 2]
    assert [one["value"] for one in said(api.get(PATH))["plate"]] == ["A1", "urn:ngsi-ld:null"]
    assert said(api.get(PATH, "options=sysAttrs"))["plate"][1]["deletedAt"] == "2026-11-22T13:00:00Z"


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ("", [1, 2, 3, 4, 5]),
        ("timerel=before&timeAt=2026-04-01T12:03:00Z", [1, 2]),
        ("timerel=after&timeAt=2026-04-01T12:03:00Z", [3, 4, 5]),
        ("timerel=between&timeAt=2026-04-01T12:02:00Z&endTimeAt=2026-04-01T12:04:00Z", [2, 3]),
        ("timerel=after&timeAt=2026-04-01T14:03:00%2B02:00", [3, 4, 5]),
        ("lastN=2", [4, 5]),
        ("lastN=2&timerel=before&timeAt=2026-04-01T12:03:00Z", [1, 2]),
        ("lastN=1&timerel=before&timeAt=2026-04-01T12:03:00Z", [2]),
        ("timerel=before&timeAt=2026-04-01T12:00:00Z", []),
    ],
)
def test_only_the_time_that_was_asked_for_is_told(quick: Api, params: str, found: list[int]) -> None:
    quick.post("temporal/entities", car(speed=speeds(1, 2, 3, 4, 5)))
    answer = quick.get(PATH, params)
    assert (answer.status, values(answer)) == (200, found)
    listed = quick.get("temporal/entities", f"type=Vehicle&{params}")
    if "timerel" in params:
        assert [values_of(one) for one in said(listed)] == ([found] if found else [])
    else:
        assert listed.status == 400


def values_of(entity: dict[str, Any]) -> list[Any]:
    return [one["value"] for one in entity["speed"]]


@pytest.mark.parametrize(
    "params",
    [
        "timerel=since&timeAt=2026-04-01T12:00:00Z",
        "timerel=after",
        "timerel=after&timeAt=yesterday",
        "timerel=after&timeAt=2026-04-01T12:00:00Z&endTimeAt=2026-04-01T12:00:00Z",
        "timerel=between&timeAt=2026-04-01T12:00:00Z",
        "timerel=between&timeAt=2026-04-01T12:00:00Z&endTimeAt=2026-04-01T11:00:00Z",
        "timeAt=2026-04-01T12:00:00Z",
        "lastN=0",
        "lastN=-1",
        "lastN=many",
        "timeproperty=birthday",
        "format=keyValues",
        "options=fancy",
        "colour=red",
    ],
)
def test_a_time_that_is_none_is_refused(quick: Api, params: str) -> None:
    quick.post("temporal/entities", car(speed=speeds(1)))
    assert quick.get(PATH, params).status == 400
    assert quick.get("temporal/entities", "type=Vehicle&" + params).status == 400


def test_what_was_said_today_of_last_spring_is_found_by_either_time(api: Api) -> None:
    api.post("temporal/entities", car(speed=speeds(1, 2), plate="A1"))
    api.delete(f"entities/{CAR}/attrs/plate")
    spring, today = "timerel=before&timeAt=2026-05-01T00:00:00Z", "timerel=after&timeAt=2026-11-22T00:00:00Z"
    assert set(said(api.get(PATH, spring))) == {"id", "type", "speed"}
    assert set(said(api.get(PATH, spring + "&timeproperty=modifiedAt"))) == {"id", "type"}
    assert set(said(api.get(PATH, today))) == {"id", "type"}
    told = said(api.get(PATH, today + "&timeproperty=modifiedAt&options=temporalValues"))
    assert told["plate"]["values"] == [["A1", "2026-11-22T13:00:00Z"]]
    assert [value for value, _ in told["speed"]["values"]] == [1, 2]
    gone = said(api.get(PATH, today + "&timeproperty=deletedAt"))
    assert [one["value"] for one in gone["plate"]] == ["urn:ngsi-ld:null"]
    assert "speed" not in gone


def test_temporal_values_are_pairs_of_value_and_time(quick: Api) -> None:
    link = {"type": "Relationship", "object": "urn:p:1", "observedAt": at(1)}
    said_in = {"type": "LanguageProperty", "languageMap": {"en": "x"}, "observedAt": at(1)}
    quick.post("temporal/entities", car(speed=speeds(1, 2), parked=[link], name=[said_in]))
    for params in ("options=temporalValues", "format=temporalValues"):
        told = said(quick.get(PATH, params))
        assert told["speed"] == {"type": "Property", "values": [[1.0, at(1)], [2.0, at(2)]]}
        assert told["parked"] == {"type": "Relationship", "objects": [["urn:p:1", at(1)]]}
        assert told["name"] == {"type": "LanguageProperty", "languageMaps": [[{"languageMap": {"en": "x"}}, at(1)]]}


def test_conditions_hold_for_the_time_that_was_asked_for(quick: Api) -> None:
    quick.post("temporal/entities", car(speed=speeds(1, 2, 3, 50)))
    early = "type=Vehicle&timerel=before&timeAt=2026-04-01T12:10:00Z"
    assert said(quick.get("temporal/entities", early + "&q=speed>10")) == []
    assert len(said(quick.get("temporal/entities", early + "&q=speed<2"))) == 1
    shown = said(quick.get("temporal/entities", early + "&q=speed<2&attrs=fuel"))
    assert shown == []
    assert quick.get("temporal/entities", "timerel=before&timeAt=2026-04-01T12:10:00Z").status == 400


def test_entities_come_a_page_at_a_time_and_are_counted(quick: Api) -> None:
    for i in range(5):
        quick.post("temporal/entities", car(speed=speeds(i)) | {"id": f"urn:v:{i}"})
    params = "type=Vehicle&timerel=after&timeAt=2020-01-01T00:00:00Z&limit=2&count=true&offset="
    seen = []
    for offset in (0, 2, 4):
        page = quick.get("temporal/entities", params + str(offset))
        assert header(page, "ngsild-results-count") == "5"
        seen += [one["id"] for one in said(page)]
    assert sorted(seen) == [f"urn:v:{i}" for i in range(5)]
    assert b"next" not in b"".join(v for k, v in page.headers if k == b"link")


def test_a_temporal_query_may_come_in_a_body(quick: Api) -> None:
    quick.post("temporal/entities", car(speed=speeds(1, 2, 3)))
    times = {"timerel": "after", "timeAt": at(2)}
    body = {"type": "Query", "entities": [{"type": "Vehicle"}], "temporalQ": times}
    answer = quick.post("temporal/entityOperations/query", body)
    assert [values_of(one) for one in said(answer)] == [[2, 3]]
    for odd in ({"timerel": "after"}, {"when": 1}, 5):
        assert quick.post("temporal/entityOperations/query", body | {"temporalQ": odd}).status == 400
    del body["temporalQ"]
    assert quick.post("temporal/entityOperations/query", body).status == 400


# More than one answer may hold


@pytest.fixture
def tight(tmp_path: Path) -> Iterator[Api]:
    """A city that tells five instances at a time."""
    yield from opened(tmp_path, direct=True, limits=small(instants=5))


def test_too_many_instances_are_cut_at_one_instant_for_all(tight: Api) -> None:
    tight.post("temporal/entities", car(speed=speeds(1, 2, 3, 4), fuel=speeds(1, 2, 3, 4), tyres=speeds(9)))
    page = tight.get(PATH, "timerel=after&timeAt=2026-04-01T12:00:00Z")
    assert page.status == 206
    assert header(page, "content-range") == f"date-time {at(0)}-{at(3)}/*"
    assert values(page) == values(page, "fuel") == [1, 2, 3]
    assert said(page)["tyres"] == []
    rest = tight.get(PATH, f"timerel=after&timeAt={at(4)}")
    assert rest.status == 200
    assert (values(rest), values(rest, "tyres")) == ([4], [9])


def test_the_last_instances_are_cut_from_the_other_end(tight: Api) -> None:
    tight.post("temporal/entities", car(speed=speeds(1, 2, 3, 4), fuel=speeds(3, 4, 5, 6)))
    page = tight.get(PATH, "lastN=4")
    assert page.status == 206
    assert header(page, "content-range") == f"date-time {at(6)}-{at(3)}/4"
    assert (values(page), values(page, "fuel")) == ([3, 4], [3, 4, 5, 6])
    assert tight.get(PATH, "lastN=2").status == 200
    listed = tight.get("temporal/entities", f"type=Vehicle&timerel=before&timeAt={at(30)}&lastN=4")
    assert header(listed, "content-range") == f"date-time {at(30)}-{at(3)}/4"


def test_following_the_ranges_finds_every_instance(tight: Api) -> None:
    minutes = list(range(40))
    tight.post("temporal/entities", car(speed=speeds(*minutes)))
    seen: list[float] = []
    begin = at(0)
    while True:
        page = tight.get(PATH, f"timerel=after&timeAt={begin}")
        seen += [value for value in values(page) if value not in seen]
        if page.status == 200:
            break
        begin = (header(page, "content-range") or "").rpartition("/")[0][-20:]
    assert seen == minutes


# Scope and end


def test_a_scope_is_told_as_it_was_through_time(api: Api) -> None:
    api.made(car(scope="/Old", speed=speeds(1)[0]))
    api.patch(f"entities/{CAR}", {"scope": ["/New", "/Other"]})
    scopes = told(api.get(PATH, "options=sysAttrs"), "scope")
    assert [one["value"] for one in scopes] == ["/Old", ["/New", "/Other"]]
    assert all(one["observedAt"] == one["modifiedAt"] == "2026-11-22T13:00:00Z" for one in scopes)
    assert told(api.get(PATH), "scope") == [
        {"type": "Property", "value": value, "observedAt": "2026-11-22T13:00:00Z"}
        for value in ("/Old", ["/New", "/Other"])
    ]
    assert said(api.get(f"entities/{CAR}"))["scope"] == ["/New", "/Other"]
    assert "scope" not in said(api.get(PATH, "pick=speed"))


def test_a_scope_that_went_says_so(api: Api) -> None:
    api.made(car(scope="/A", speed=speeds(1)[0]))
    api.delete(f"entities/{CAR}/attrs/scope")
    gone = {"type": "Property", "value": [], "deletedAt": "2026-11-22T13:00:00Z"}
    assert told(api.get(PATH, "timeproperty=deletedAt"), "scope") == [gone]
    pairs = said(api.get(PATH, "timeproperty=deletedAt&format=temporalValues"))["scope"]["values"]
    assert pairs == [[[], "2026-11-22T13:00:00Z"]]


def scoped(*at_minutes: tuple[str | list[str], int]) -> list[dict[str, Any]]:
    return [{"type": "Property", "value": value, "observedAt": at(minute)} for value, minute in at_minutes]


def test_a_scope_query_finds_what_was_said_while_the_scope_held(quick: Api) -> None:
    quick.post("temporal/entities", car(scope=scoped(("/A", 1), ("/B/C", 10)), speed=speeds(5, 15)))
    when = f"type=Vehicle&timerel=between&timeAt={at(2)}&endTimeAt={at(20)}&scopeQ="
    for scope, found in (("/A", [5]), ("/B/%23", [15]), ("/%23", [5, 15]), ("/D", None)):
        answer = said(quick.get("temporal/entities", when + scope))
        assert [values_of(one) for one in answer] == ([] if found is None else [found]), scope
    (shown,) = said(quick.get("temporal/entities", when + "/A"))
    assert [one["value"] for one in shown["scope"]] == ["/A"]  # it was set before, and held
    assert said(quick.get(f"entities/{CAR}"))["scope"] == "/B/C"
    late = f"type=Vehicle&timerel=before&timeAt={at(9)}&scopeQ=/B/C"
    assert said(quick.get("temporal/entities", late)) == []


def test_an_older_scope_is_history_and_not_the_scope_that_is(quick: Api) -> None:
    quick.post("temporal/entities", car(scope=scoped(("/New", 10)), speed=speeds(1)))
    quick.post("temporal/entities", car(scope=scoped(("/Old", 5))))
    assert said(quick.get(f"entities/{CAR}"))["scope"] == "/New"
    assert [one["value"] for one in told(quick.get(PATH), "scope")] == ["/Old", "/New"]


def test_an_entity_that_went_keeps_its_evolution_until_that_is_deleted(api: Api) -> None:
    api.post("temporal/entities", car(speed=speeds(1, 2)))
    api.delete(f"entities/{CAR}")
    assert api.get(f"entities/{CAR}").status == 404
    whole = said(api.get(PATH, "options=sysAttrs"))
    assert (whole["type"], whole["deletedAt"]) == ("Vehicle", "2026-11-22T13:00:00Z")
    assert [one["value"] for one in whole["speed"]] == [1, 2, "urn:ngsi-ld:null"]
    window = f"type=Vehicle&timerel=after&timeAt={at(0)}"
    assert [one["id"] for one in said(api.get("temporal/entities", window))] == [CAR]
    assert said(api.get("temporal/entities", window.replace("Vehicle", "Bus"))) == []
    assert api.delete(PATH).status == 204
    assert api.get(PATH).status == 404
    assert said(api.get("temporal/entities", window)) == []
    assert api.delete(PATH).status == 404
    assert list(api.city.store.check()) == []


def test_what_is_said_of_an_entity_that_went_brings_it_back(api: Api) -> None:
    api.post("temporal/entities", car(speed=speeds(1)))
    api.delete(f"entities/{CAR}")
    assert api.post(f"{PATH}/attrs", {"fuel": speeds(3)}).status == 204
    assert set(said(api.get(f"entities/{CAR}"))) == {"id", "type", "fuel"}
    window = f"type=Vehicle&timerel=after&timeAt={at(0)}"
    assert len(said(api.get("temporal/entities", window))) == 1
    assert list(api.city.store.check()) == []


def test_a_pushed_end_is_an_instance_and_ends_the_attribute(api: Api) -> None:
    api.post("temporal/entities", car(speed=speeds(1), fuel=speeds(1)))
    gone = {"type": "Property", "value": "urn:ngsi-ld:null", "observedAt": at(5)}
    assert api.post("temporal/entities", {**car(speed=[gone]), "type": ["Vehicle", "Truck"]}).status == 204
    assert [one["value"] for one in told(api.get(PATH))] == [1, "urn:ngsi-ld:null"]
    now = said(api.get(f"entities/{CAR}"))
    assert "speed" not in now
    assert now["type"] == ["Vehicle", "Truck"]
    early = {"type": "Property", "value": "urn:ngsi-ld:null", "observedAt": at(0)}
    assert api.post(f"{PATH}/attrs", {"fuel": [early]}).status == 204
    assert "fuel" in said(api.get(f"entities/{CAR}"))


# Which entities


def test_an_order_by_id_and_a_count_see_every_entity(quick: Api) -> None:
    for i in (3, 1, 2):
        quick.post("temporal/entities", car(speed=speeds(i)) | {"id": f"urn:v:{i}"})
    window = f"type=Vehicle&timerel=after&timeAt={at(0)}"
    for order, due in (("id", ["1", "2", "3"]), ("id;desc", ["3", "2", "1"])):
        answer = said(
            quick.get("temporal/entities", {"orderBy": order, **dict(p.split("=") for p in window.split("&"))})
        )
        assert [one["id"][-1] for one in answer] == due
    page = quick.get("temporal/entities", f"{window}&orderBy=id&offset=1&limit=1&count=true")
    assert ([one["id"] for one in said(page)], header(page, "ngsild-results-count")) == (["urn:v:2"], "3")
    assert (
        header(quick.get("temporal/entities", f"{window}&q=speed>1&count=true&limit=0"), "ngsild-results-count") == "2"
    )
    for odd in ("orderBy=speed", "orderBy=id,speed", "orderBy=id&orderFrom=1", "collation=en", "join=flat"):
        assert quick.get("temporal/entities", f"{window}&{odd}").status == 400, odd


def test_instances_of_two_datasets_are_told_apart_and_lastn_counts_both(quick: Api) -> None:
    other = [{**one, "datasetId": "urn:d:1"} for one in speeds(2, 4)]
    quick.post("temporal/entities", car(speed=[*speeds(1, 3), *other]))
    assert [one["value"] for one in told(quick.get(PATH))] == [1, 2, 3, 4]
    assert [one["value"] for one in told(quick.get(PATH, "lastN=3"))] == [2, 3, 4]
    assert [one["value"] for one in told(quick.get(PATH, "datasetId=urn:d:1"))] == [2, 4]
    assert [one["value"] for one in told(quick.get(PATH, "datasetId=@none&lastN=1"))] == [3]
    window = f"type=Vehicle&timerel=after&timeAt={at(0)}&datasetId=urn:d:2"
    assert said(quick.get("temporal/entities", window)) == []


def test_what_a_sight_may_not_see_has_no_past(quick: Api) -> None:
    doc = {"id": CAR, "type": "Vehicle", "speed": speeds(1)[0], "secret": speeds(1)[0]}
    quick.labelled(doc, "open", {"secret": "personal"})
    quick.labelled({**doc, "id": "urn:v:2"}, "security")
    window = f"type=Vehicle&timerel=after&timeAt={at(0)}&count=true"
    seen = quick.get("temporal/entities", window, sight=PUBLIC)
    assert [set(one) for one in said(seen)] == [{"id", "type", "speed"}]
    assert header(seen, "ngsild-results-count") == "1"
    assert quick.get("temporal/entities/urn:v:2", sight=PUBLIC).status == 404
    only = f"{window}&attrs=secret"
    assert said(quick.get("temporal/entities", only, sight=PUBLIC)) == []
    quick.delete(f"entities/{CAR}")
    assert "secret" not in said(quick.get(PATH, sight=PUBLIC))
    assert "secret" in said(quick.get(PATH))


def test_a_selection_of_several_kinds_is_understood_in_a_body(quick: Api) -> None:
    for i, kind in enumerate(("Vehicle", "Bus", "Tram")):
        quick.post("temporal/entities", {"id": f"urn:v:{i}", "type": kind, "speed": speeds(i)})
    body = {
        "type": "Query",
        "entities": [{"type": "Vehicle"}, {"type": "Bus", "id": "urn:v:1"}, {"type": "Tram", "id": "urn:v:9"}],
        "temporalQ": {"timerel": "after", "timeAt": at(0)},
    }
    answer = said(quick.post("temporal/entityOperations/query", body))
    assert sorted(one["id"] for one in answer) == ["urn:v:0", "urn:v:1"]


def test_an_entity_map_says_which_entities_a_temporal_query_is_about(quick: Api) -> None:
    for i in range(3):
        quick.post("temporal/entities", car(speed=speeds(i)) | {"id": f"urn:v:{i}"})
    window = f"type=Vehicle&timerel=after&timeAt={at(0)}"
    first = quick.get("temporal/entities", f"{window}&q=speed<2&entityMap=true")
    assert first.status == 201
    place = header(first, "ngsild-entitymap") or ""
    again = quick.get("temporal/entities", window, ngsild_entitymap=place)
    assert (again.status, header(again, "ngsild-entitymap")) == (200, place)
    assert sorted(one["id"] for one in said(again)) == ["urn:v:0", "urn:v:1"]
    assert said(quick.get("temporal/entities", f"{window}&id=urn:v:2", ngsild_entitymap=place)) == []
    made = quick.get("temporal/entityMaps", f"{window}&q=speed>1")
    assert (made.status, said(made)["entityMap"]) == (201, {"urn:v:2": ["@none"]})
    body = {"type": "Query", "entities": [{"type": "Vehicle"}], "temporalQ": {"timerel": "after", "timeAt": at(2)}}
    posted = quick.post("temporal/entityMaps", body)
    assert (posted.status, said(posted)["entityMap"]) == (201, {"urn:v:2": ["@none"]})
    one = quick.get("temporal/entities/urn:v:1", "entityMap=true")
    assert (one.status, header(one, "ngsild-entitymap") is not None) == (200, True)
    assert quick.get("temporal/entityMaps", "type=Vehicle").status == 400


def test_instances_are_told_concisely_and_in_one_language(quick: Api) -> None:
    name = {"type": "LanguageProperty", "languageMap": {"en": "one", "fr": "un"}, "observedAt": at(1)}
    quick.post("temporal/entities", car(speed=speeds(1), name=[name]))
    for form in ("options=concise", "format=concise"):
        assert told(quick.get(PATH, form)) == [{"value": 1.0, "observedAt": at(1)}]
    (spoken,) = told(quick.get(PATH, "lang=fr"), "name")
    assert (spoken["value"], spoken["lang"], spoken["type"]) == ("un", "fr", "Property")
    assert said(quick.get(PATH, "lang=fr&format=temporalValues"))["name"]["languageMaps"] == [["un", at(1)]]
    assert quick.get(PATH, "format=simplified").status == 400


def test_the_answer_is_in_the_words_of_the_asker(quick: Api) -> None:
    context = {"speed": "https://e.org/speed", "Vehicle": "https://e.org/Vehicle", "fast": "https://e.org/fast"}
    body = {**car(speed=[{"type": "VocabProperty", "vocab": "fast", "observedAt": at(1)}]), "@context": context}
    quick.post("temporal/entities", body, content_type="application/ld+json")
    plain = said(quick.get(PATH))
    assert plain["https://e.org/speed"][0]["vocab"] == "https://e.org/fast"
    query = {
        "type": "Query",
        "@context": context,
        "entities": [{"type": "Vehicle"}],
        "temporalQ": {"timerel": "after", "timeAt": at(0)},
    }
    (answer,) = said(
        quick.post(
            "temporal/entityOperations/query", query, content_type="application/ld+json", accept="application/ld+json"
        )
    )
    assert (answer["type"], answer["speed"][0]["vocab"]) == ("Vehicle", "fast")
