"""Queries: which entities, in which form, a page at a time (5.5.9, 5.7.2, 6.3.7, 6.3.10, 6.3.13, 6.23.3.1)."""

from pathlib import Path

import pytest
from conftest_ngsild import Api, header, links, opened, said, small, station

ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"


@pytest.fixture
def ten(quick: Api) -> Api:
    """Ten stations on a line eastwards, every other one humid."""
    for i in range(10):
        place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [17 + i / 10, 48.0]}}
        humid = {"humidity": {"type": "Property", "value": i / 10}} if i % 2 else {}
        quick.made(
            station(f"s{i}", float(i), location=place, **humid) | {"scope": f"/valley/{'west' if i < 5 else 'east'}"}
        )
    quick.made({"id": "urn:ngsi-ld:Device:1", "type": ["Device", "Thing"], "temperature": 100})
    return quick


def keys(response: object) -> list[str]:
    return sorted(one["id"].rsplit(":", 1)[1] for one in said(response))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"type": "WeatherObserved", "q": "temperature>7"}, ["s8", "s9"]),
        ({"type": "WeatherObserved", "q": "temperature==3|temperature==4"}, ["s3", "s4"]),
        ({"q": "temperature>=9"}, ["1", "s9"]),
        ({"type": "Device|WeatherObserved", "q": "temperature>=9"}, ["1", "s9"]),
        ({"type": "(Device;Thing)"}, ["1"]),
        ({"type": "(Device;WeatherObserved)"}, []),
        ({"type": "Nothing"}, []),
        ({"type": "WeatherObserved", "id": "urn:ngsi-ld:WeatherObserved:s1,urn:ngsi-ld:WeatherObserved:x"}, ["s1"]),
        ({"type": "WeatherObserved", "idPattern": ".*s[12]$"}, ["s1", "s2"]),
        ({"attrs": "humidity", "type": "WeatherObserved", "q": "temperature<4"}, ["s1", "s3"]),
        ({"type": "WeatherObserved", "scopeQ": "/valley/east"}, ["s5", "s6", "s7", "s8", "s9"]),
        ({"type": "WeatherObserved", "scopeQ": "/valley/#", "q": "temperature<1"}, ["s0"]),
        (
            {"georel": "near;maxDistance==1000", "geometry": "Point", "coordinates": "[17.3,48]"},
            ["s3"],
        ),
        ({"type": "WeatherObserved", "q": "humidity"}, ["s1", "s3", "s5", "s7", "s9"]),
        ({"local": "true", "type": "Device"}, ["1"]),
        ({"local": "true", "idPattern": "Device"}, ["1"]),
    ],
)
def test_a_query_finds_those_that_match_and_counts_them(ten: Api, params: dict[str, str], found: list[str]) -> None:
    assert keys(ten.get("entities", params)) == found
    counted = ten.get("entities", {**params, "limit": "0", "count": "true"})
    assert said(counted) == []
    assert header(counted, "ngsild-results-count") == str(len(found))


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"id": "urn:ngsi-ld:Device:1"},
        {"idPattern": ".*"},
        {"q": "createdAt>2020-01-01T00:00:00Z"},
        {"attrs": "id"},
        {"type": "*", "local": "false"},
        {"type": "T", "limit": "0"},
        {"type": "T", "limit": "-1"},
        {"type": "T", "limit": "x"},
        {"type": "T", "offset": "١"},
        {"type": "T", "count": "maybe"},
        {"type": "T", "id": "north"},
        {"type": "T", "id": "urn:a:b,"},
        {"type": "T", "q": "a=="},
        {"type": "T", "q": "(a==1"},
        {"type": "T", "csf": "(a==1"},
        {"type": "T", "georel": "near"},
        {"type": "T", "geometry": "Point"},
        {"type": "T", "georel": "within", "geometry": "Point", "coordinates": "[1,"},
        {"type": "T", "attrs": "a,,b"},
        {"type": "T", "pick": "a{b}"},
        {"type": "T", "pick": "a", "attrs": "b"},
        {"type": "T", "lang": "en;q=x"},
        {"type": "T", "datasetId": "one"},
        {"type": "T", "scopeQ": "//"},
        {"type": "T", "q": "a{T:b}==1"},
        {"type": "T", "geometryProperty": "location"},
        {"type": "T", "geometryProperty": "a b"},
        {"type": "T", "geoproperty": "a b"},
        {"type": "T", "expandValues": "a,,b"},
        {"type": "T", "jsonKeys": "1"},
        {"type": "T", "idPattern": "x**"},
        {"type": "T", "idPattern": "("},
        {"type": "T", "attrs": "id"},
        {"type": "T", "attrs": "type,temperature"},
        {"type": "T", "pick": "a;b"},
        {"type": "T", "pick": "a{b"},
        {"type": "T", "pick": "a{}", "join": "inline"},
        {"type": "T", "pick": "a{b{c}}", "join": "inline", "joinLevel": "1"},
        {"type": "T", "omit": "a{b{c}}", "join": "flat"},
        {"type": "T", "pick": "id{a}", "join": "flat"},
        {"type": "T", "pick": "a", "omit": "a"},
        {"type": "T", "pick": "a{b}", "omit": "a{b}", "join": "flat"},
        {"type": "T", "pick": "a{" * 11 + "b" + "}" * 11, "join": "flat", "joinLevel": "10"},
        {"type": "T", "join": "sideways"},
        {"type": "T", "join": "inline", "joinLevel": "0"},
        {"type": "T", "join": "inline", "joinLevel": "-1"},
        {"type": "T", "join": "inline", "joinLevel": "11"},
        {"type": "T", "join": "inline", "joinLevel": "two"},
        {"type": "T", "join": "inline", "containedBy": "north"},
        {"type": "T", "joinLevel": "1"},
        {"type": "T", "containedBy": "urn:a:b"},
        {"type": "T", "q": "a{b{c}}==1", "join": "inline", "joinLevel": "1"},
        {"type": "T", "orderBy": ""},
        {"type": "T", "orderBy": "a,,b"},
        {"type": "T", "orderBy": "a;up"},
        {"type": "T", "orderBy": "a{b}"},
        {"type": "T", "orderBy": "id.b"},
        {"type": "T", "orderBy": "location;dist-asc"},
        {"type": "T", "orderBy": "location;dist-asc", "orderFrom": "[17"},
        {"type": "T", "orderBy": "location;dist-asc", "orderFrom": "[17]"},
        {"type": "T", "orderBy": "location;dist-asc", "orderFrom": "[17,48]", "orderGeometry": "Circle"},
        {"type": "T", "orderBy": "a", "orderGeometry": "Point"},
        {"type": "T", "orderBy": "a", "collation": "!!nope"},
        {"type": "T", "orderBy": "a", "collation": "de-"},
        {"type": "T", "orderFrom": "[17,48]"},
        {"type": "T", "collation": "de"},
        {"type": "T", "splitEntities": "perhaps"},
        {"type": "T", "splitEntities": "x", "local": "x"},
    ],
)
def test_a_query_that_says_too_little_or_nonsense_is_bad_request_data(ten: Api, params: dict[str, str]) -> None:
    refused = ten.get("entities", params)
    assert refused.status == 400
    assert said(refused)["type"] == ERRORS + "BadRequestData"
    named = said(refused)["where"].partition("[")[0]
    assert named in {*params, "type", "coordinates", "orderFrom", "geometry", "georel"}


def test_parameters_that_nobody_knows_are_named_and_those_not_built_yet_are_not_ignored(ten: Api) -> None:
    odd = ten.get("entities", "type=T&colour=red")
    assert (odd.status, said(odd)["type"], said(odd)["where"]) == (400, ERRORS + "InvalidRequest", "colour")
    twice = ten.get("entities", "type=T&type=U")
    assert said(twice)["type"] == ERRORS + "InvalidRequest"
    later = ten.get("entities", "type=T&orderBy=a&collation=zh")
    assert (later.status, said(later)["type"]) == (422, ERRORS + "OperationNotSupported")


def test_pages_follow_each_other_by_their_links_and_leave_nobody_out(ten: Api) -> None:
    seen: list[str] = []
    query = "type=WeatherObserved&limit=3&q=temperature%3C8"
    while True:
        page = ten.get("entities", query)
        seen += keys(page)
        rels = links(page)
        assert ("prev" in rels) == ("offset=" in query)
        if "next" not in rels:
            break
        path, _, query = rels["next"].partition("?")
        assert path == "/ngsi-ld/v1/entities"
        assert "q=temperature%3C8" in query
    assert sorted(seen) == [f"s{i}" for i in range(8)]
    assert len(seen) == 8
    last = ten.get("entities", query)
    before = links(last)["prev"].partition("?")[2]
    assert not set(keys(last)) & set(keys(ten.get("entities", before)))


def test_a_page_is_no_larger_than_the_cap(quick: Api, tmp_path: Path) -> None:
    refused = quick.get("entities", "type=T&limit=1001")
    assert (refused.status, said(refused)["type"]) == (403, ERRORS + "TooManyResults")
    for api in opened(tmp_path / "..", direct=True, limits=small(page_default=2)):
        api.made(*(station(str(i)) for i in range(3)))
        page = api.get("entities", "type=WeatherObserved")
        assert len(said(page)) == 2
        assert "offset=2" in links(page)["next"]


def test_a_link_header_cannot_be_broken_out_of_by_a_query(ten: Api) -> None:
    page = ten.get("entities", 'type=WeatherObserved&limit=1&q=temperature<9&idPattern=s|>|"')
    assert page.status == 200
    value = next(v for k, v in page.headers if k == b"link" and b"next" in v)
    assert value.count(b"<") == value.count(b">") == 1


def test_the_same_question_in_a_body_has_the_same_answer(ten: Api) -> None:
    body = {
        "type": "Query",
        "entities": [{"type": "WeatherObserved"}, {"type": "Device"}],
        "q": "temperature>7",
        "attrs": ["temperature"],
    }
    answer = ten.post("entityOperations/query", body, "limit=2&count=true&options=keyValues")
    assert answer.status == 200
    assert header(answer, "ngsild-results-count") == "3"
    assert links(answer)["next"].startswith("/ngsi-ld/v1/entityOperations/query?")
    assert set(said(answer)[0]) == {"id", "type", "scope", "temperature"}
    near = {
        "type": "Query",
        "geoQ": {"georel": "near;maxDistance==1000", "geometry": "Point", "coordinates": [17.3, 48]},
    }
    assert keys(ten.post("entityOperations/query", near)) == ["s3"]
    ids = {"type": "Query", "entities": [{"type": "Device", "id": "urn:ngsi-ld:Device:1"}]}
    assert keys(ten.post("entityOperations/query", ids)) == ["1"]


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"type": "Query"},
        {"type": "Query", "entities": []},
        {"type": "Query", "entities": [{"id": "urn:a:b"}]},
        {"type": "Query", "entities": [{"type": "T", "colour": 1}]},
        {"type": "Query", "entities": [{"type": 5}]},
        {"type": "Query", "q": 5},
        {"type": "Query", "q": "a", "attrs": []},
        {"type": "Query", "geoQ": {"georel": "within"}},
        {"type": "Query", "q": "a", "colour": 1},
        {"type": "Query", "q": "a", "temporalQ": {"timerel": "before"}},
        {"type": "Query", "q": "a", "@context": "https://example.org/c"},
        {"type": "Query", "q": "a", "join": 5},
        {"type": "Query", "q": "a", "join": "inline", "joinLevel": 0},
        {"type": "Query", "q": "a", "join": "inline", "joinLevel": 1.5},
        {"type": "Query", "q": "a", "join": "inline", "joinLevel": True},
        {"type": "Query", "q": "a", "join": "inline", "containedBy": []},
        {"type": "Query", "q": "a", "splitEntities": "true"},
        {"type": "Query", "q": "a", "ordering": "a"},
        {"type": "Query", "q": "a", "ordering": {}},
        {"type": "Query", "q": "a", "ordering": {"orderBy": []}},
        {"type": "Query", "q": "a", "ordering": {"orderBy": ["a"], "colour": 1}},
        {"type": "Query", "q": "a", "ordering": {"orderBy": ["a;dist-asc"]}},
        {"type": "Query", "q": "a", "ordering": {"orderBy": ["a;dist-asc"], "coordinates": "[1,2]"}},
        {"type": "Query", "q": "a", "ordering": {"orderBy": ["a"], "coordinates": [1, 2], "geometry": 5}},
        {"type": "Query", "q": "a", "ordering": {"orderBy": ["a"], "collation": "no such"}},
        {"type": "Query", "entities": [{"type": "T", "id": "urn:a:b"}, {"type": "U", "id": "north"}]},
        {"type": "Query", "entities": [{"type": "T", "id": []}]},
        {"type": "Query", "entities": [{"type": "T", "idPattern": "("}, {"type": "U"}]},
        {"type": "Query", "entities": [{"type": "T", "id": ["urn:a:b", 5]}]},
    ],
)
def test_a_body_that_is_no_query_is_refused(ten: Api, body: object) -> None:
    assert ten.post("entityOperations/query", body).status == 400


def test_a_query_that_takes_too_long_here_goes_on_elsewhere_and_at_last_is_given_up(tmp_path: Path) -> None:
    for api in opened(tmp_path, direct=False, limits=small(loop_read_ms=0.000_001)):
        api.post("entityOperations/create", [station(f"s{i}", float(i)) for i in range(900)])
        slow = api.get("entities", 'type=WeatherObserved&q=temperature~="x"&count=true')
        assert (slow.status, said(slow)) == (200, [])
    hasty = small(loop_read_ms=0.000_001, read_s=0.000_001)
    for api in opened(tmp_path, direct=False, limits=hasty):
        given_up = api.get("entities", 'type=WeatherObserved&q=temperature~="x"&count=true')
        assert (given_up.status, said(given_up)["type"]) == (403, ERRORS + "TooComplexQuery")


def test_a_query_with_words_of_its_own_is_answered_in_them(quick: Api) -> None:
    words = {"t": "https://example.org/t", "Station": "https://example.org/Station"}
    made = {"id": "urn:a:b", "type": "Station", "t": 1, "@context": words}
    assert quick.post("entities", made, content_type="application/ld+json").status == 201
    asked = {"type": "Query", "entities": [{"type": "Station"}], "q": "t==1", "@context": words}
    ld = {"content_type": "application/ld+json"}
    answer = quick.post("entityOperations/query", asked, accept="application/ld+json", **ld)
    (told,) = said(answer)
    assert told.pop("@context")[0] == words
    assert told == {"id": "urn:a:b", "type": "Station", "t": {"type": "Property", "value": 1}}
    plain = said(quick.post("entityOperations/query", asked, **ld))
    assert plain[0]["type"] == "https://example.org/Station"  # JSON could not say whose words they are
