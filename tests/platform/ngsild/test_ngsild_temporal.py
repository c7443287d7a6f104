"""Entities through time (4.5.6 to 4.5.9, 4.11, 5.6.11, 5.6.12, 5.7.3, 5.7.4, 6.3.10)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest_ngsild import Api, header, opened, said, small

CAR = "urn:ngsi-ld:Vehicle:1"
PATH = f"temporal/entities/{CAR}"
ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"


def at(minute: int) -> str:
    return f"2026-04-01T12:{minute:02}:00Z"


def speeds(*minutes: int, start: float = 0.0) -> list[dict[str, Any]]:
    return [{"type": "Property", "value": start + m, "observedAt": at(m)} for m in minutes]


def car(**said_of_it: Any) -> dict[str, Any]:
    return {"id": CAR, "type": "Vehicle", **said_of_it}


def values(response: Any, name: str = "speed") -> list[Any]:
    return [one["value"] for one in said(response).get(name, [])]


def test_what_was_pushed_comes_back_in_the_order_of_time(api: Api) -> None:
    made = api.post("temporal/entities", car(speed=speeds(3, 1, 2), fuel=speeds(5)))
    assert (made.status, header(made, "location")) == (201, f"/ngsi-ld/v1/{PATH}")
    assert values(api.get(PATH)) == [1, 2, 3]
    assert said(api.get(PATH))["fuel"] == speeds(5)
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


def test_what_is_not_built_yet_says_so(quick: Api) -> None:
    quick.post("temporal/entities", car(speed=speeds(1)))
    for method, path, params in (
        ("GET", PATH, "options=aggregatedValues&aggrMethods=max"),
        ("DELETE", PATH, ""),
        ("DELETE", f"{PATH}/attrs/speed", ""),
        ("DELETE", f"{PATH}/attrs/speed/urn:i:1", ""),
    ):
        refused = quick.ask(method, path, None, params)
        assert (refused.status, said(refused)["type"]) == (422, ERRORS + "OperationNotSupported"), path
    assert values(quick.get(PATH)) == [1]


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
