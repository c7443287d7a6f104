"""Whatever is sent, the answer is an answer: never a fault of ours (invariant 7)."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from conftest_ngsild import PUBLIC, Api, opened, station
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hansa.platform.ngsild import asked, temporal
from hansa.platform.ngsild.binding import ROUTES

QUIET = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

IDS = st.sampled_from(["urn:ngsi-ld:WeatherObserved:a", "urn:a:b", "", "north", "urn:ngsi-ld:null", "a b", "%00", "ü"])
NAMES = st.sampled_from(["temperature", "windSpeed", "scope", "type", "", "a b", "@id", "x" * 3_000, "https://e.org/a"])
WORDS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            *("WeatherObserved", "*", "(A;B)|C", "true", "false", "0", "-1", "99999999999999999999", "1e3", "NaN", "١"),
            *(
                "temperature>1",
                "temperature==1..2",
                'a~="(("',
                'a~="(a+)+$"',
                "a[b]",
                "a.b.c",
                "((((a",
                "!a",
                "a{T:b}>1",
            ),
            *(
                "near;maxDistance==1",
                "within",
                "Point",
                "Polygon",
                "[17.1,48.1]",
                "[[[0,0]]]",
                "[1e999,0]",
                "{}",
                "[" * 99,
            ),
            *(
                "before",
                "after",
                "between",
                "2026-04-01T12:00:00Z",
                "9999-12-31T23:59:59Z",
                "0001-01-01T00:00:00+14:00",
            ),
            *(
                "keyValues",
                "sysAttrs",
                "temporalValues",
                "aggregatedValues",
                "avg,max,distinctCount",
                "PT1H",
                "P999999W",
                "P9999Y",
                "deletedAt",
                "id;desc",
                "concise",
                "observedAt",
                "en",
                "en;q=1",
                "urn:a:b,urn:c:d",
                "@none",
                "inline",
                "flat",
                "2",
                "location;dist-desc,temperature[a];asc,modifiedAt",
                "temperature.observedAt",
                "de-u-co-phonebk",
                "location{a,b{c}}|id",
                "urn:ngsi-ld:WeatherObserved:a",
            ),
        ]
    ),
)
PARAMS = st.dictionaries(
    st.sampled_from(sorted(asked.QUERY | temporal._QUERY | {"deleteAll", "kind", "details", "colour", "observedAt"})),
    WORDS,
    max_size=5,
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.sampled_from(["urn:ngsi-ld:null", "urn:a:b", "2026-04-01T12:00:00Z", 10**400, "Property", "Relationship"]),
)
MEMBERS = st.sampled_from(
    [
        *(
            "id",
            "type",
            "@id",
            "@type",
            "@context",
            "scope",
            "value",
            "object",
            "languageMap",
            "vocab",
            "json",
            "valueList",
        ),
        *("observedAt", "unitCode", "datasetId", "temperature", "location", "coordinates", "expiresAt", "objectList"),
        *("entities", "q", "geoQ", "temporalQ", "timerel", "timeAt", "notification", "endpoint", "uri", "attrs"),
    ]
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=5), max_leaves=12
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["type", "value", "object", "observedAt", "datasetId", "unitCode", "sub", "languageMap"]),
    JSON,
    max_size=4,
)
ENTITIES = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["urn:a:b", "urn:ngsi-ld:WeatherObserved:a"]),
        "type": st.sampled_from(["T", "WeatherObserved"]),
    },
    optional={
        "temperature": JSON,
        "location": JSON,
        "a": ATTRIBUTES,
        "b": st.lists(ATTRIBUTES, max_size=3),
        "scope": JSON,
    },
)
BODIES = st.one_of(JSON, ENTITIES, ATTRIBUTES, st.lists(ENTITIES, max_size=3), st.binary(max_size=20))
KINDS = st.sampled_from(["application/json", "application/ld+json", "application/merge-patch+json", "text/csv"])


@pytest.fixture
def held(tmp_path: Any) -> Iterator[Api]:
    """A city with one station, which everybody throws things at."""
    for api in opened(tmp_path, direct=True):
        api.made(station("a", location={"type": "GeoProperty", "value": {"type": "Point", "coordinates": [17, 48]}}))
        yield api


def fine(api: Api, method: str, path: str, body: Any, params: str, **headers: str) -> None:
    raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    for sight in (api.sight, PUBLIC):
        answer = api.ask(method, path, raw, params, sight, **headers)
        what = (method, path, body, params, answer.body[:400])
        assert answer.status < 500 or answer.status == 504, what
        if answer.status >= 400 and answer.status not in {411, 415}:
            told = json.loads(answer.body)
            assert {"type", "title", "status", "detail"} <= told.keys(), what
            assert answer.kind == b"application/json"
        for name, value in answer.headers:
            assert b"\n" not in value, what
            assert b"\r" not in value, what
            assert name == name.lower()


@QUIET
@given(route=st.sampled_from(sorted(ROUTES)), ident=IDS, name=NAMES, params=PARAMS)
@example(route="entities", ident="", name="", params={"type": "T", "georel": "within", "geometry": "Polygon"})
def test_no_get_is_answered_with_a_fault_of_ours(
    held: Api, route: str, ident: str, name: str, params: dict[str, str]
) -> None:
    path = route.replace("*", ident.replace("/", "%2F") or "%20", 1).replace("*", name.replace("/", "%2F"))
    fine(held, "GET", path, None, urlencode(params))


@QUIET
@given(params=PARAMS)
def test_no_query_is_answered_with_a_fault_of_ours(held: Api, params: dict[str, str]) -> None:
    for path in ("entities", "temporal/entities"):
        fine(held, "GET", path, None, urlencode(params))
        fine(held, "GET", path, None, urlencode({"type": "WeatherObserved", **params}))
    fine(held, "GET", "entities/urn:ngsi-ld:WeatherObserved:a", None, urlencode(params))


@QUIET
@given(
    route=st.sampled_from(sorted(ROUTES)),
    method=st.sampled_from(["POST", "PATCH", "PUT", "DELETE"]),
    body=BODIES,
    kind=KINDS,
    params=st.one_of(st.just({}), PARAMS),
)
def test_no_body_is_answered_with_a_fault_of_ours(
    held: Api, route: str, method: str, body: Any, kind: str, params: dict[str, str]
) -> None:
    path = route.replace("*", "urn:ngsi-ld:WeatherObserved:a", 1).replace("*", "temperature")
    fine(held, method, path, body, urlencode(params), content_type=kind)


@settings(QUIET, max_examples=50)
@given(verb=st.sampled_from(["create", "upsert", "update", "merge"]), bodies=st.lists(ENTITIES, min_size=1, max_size=4))
def test_no_batch_is_answered_with_a_fault_of_ours_nor_leaves_the_store_in_doubt(
    held: Api, verb: str, bodies: list[Any]
) -> None:
    fine(held, "POST", f"entityOperations/{verb}", bodies, "")
    assert list(held.city.store.check()) == []
    for one in ("urn:a:b", "urn:ngsi-ld:WeatherObserved:a"):
        for form in ("", "options=concise", "options=keyValues", "options=sysAttrs"):
            assert held.get(f"entities/{one}", form).status in {200, 404}
        assert held.get(f"temporal/entities/{one}").status in {200, 404}


SENSE = st.fixed_dictionaries(
    {"type": st.sampled_from(["WeatherObserved", "*", "(WeatherObserved;X)|Device"])},
    optional={
        "join": st.sampled_from(["inline", "flat", "@none"]),
        "joinLevel": st.sampled_from(["1", "3", "10"]),
        "containedBy": st.just("urn:ngsi-ld:WeatherObserved:b"),
        "pick": st.sampled_from(["id", "to{id,to{id}}", "temperature|to", "nothing"]),
        "omit": st.sampled_from(["type", "to{type}", "to", "id,type,scope,temperature,location,to"]),
        "attrs": st.sampled_from(["to", "temperature,to{temperature}"]),
        "q": st.sampled_from(["temperature", "!temperature", "to{temperature}>1", "temperature==1..5", "to==urn:a:b"]),
        "orderBy": st.sampled_from(["temperature", "id;desc", "to", "location;dist-asc,temperature.observedAt;desc"]),
        "orderFrom": st.just("[17,48]"),
        "collation": st.sampled_from(["de", "sv-u-kn", "zh"]),
        "options": st.sampled_from(["keyValues", "concise,sysAttrs", "sysAttrs"]),
        "datasetId": st.sampled_from(["@none", "urn:d:1"]),
        "lang": st.sampled_from(["de,en;q=0.5", "*"]),
        "geometryProperty": st.sampled_from(["location", "to"]),
        "limit": st.sampled_from(["0", "1", "1000"]),
        "offset": st.sampled_from(["0", "1", "999999999999999"]),
        "count": st.sampled_from(["true", "false"]),
        "entityMap": st.just("true"),
    },
)


@QUIET
@given(
    params=SENSE,
    accept=st.sampled_from(["application/json", "application/ld+json", "application/geo+json"]),
    prefer=st.sampled_from(["", "ngsi-ld=1.0", "ngsi-ld=1.5, body=json", "body=ld+json"]),
)
def test_whatever_makes_sense_together_is_answered_or_refused_by_name(
    held: Api, params: dict[str, str], accept: str, prefer: str
) -> None:
    linked = {"type": "Relationship", "object": ["urn:ngsi-ld:WeatherObserved:a", "urn:ngsi-ld:WeatherObserved:b"]}
    held.post("entities", station("b", 2.0, to=linked, said={"type": "LanguageProperty", "languageMap": {"en": "x"}}))
    fine(held, "GET", "entities", None, urlencode(params), accept=accept, prefer=prefer)
    answer = held.get("entities", params, accept=accept, prefer=prefer)
    assert answer.status in {200, 201, 203} or json.loads(answer.body).get("where"), answer.body
    one = {name: value for name, value in params.items() if name in asked.RETRIEVE}
    fine(held, "GET", "entities/urn:ngsi-ld:WeatherObserved:b", None, urlencode(one), accept=accept, prefer=prefer)


@QUIET
@given(
    query=st.binary(max_size=40),
    accept=st.text(max_size=20),
    link=st.text(max_size=40),
    tenant=st.one_of(st.just("valley"), st.text(max_size=10)),
)
def test_no_header_or_query_string_is_answered_with_a_fault_of_ours(
    held: Api, query: bytes, accept: str, link: str, tenant: str
) -> None:
    headers = {
        "accept": accept.encode("utf-8", "replace").decode("latin-1"),
        "link": link.encode("utf-8", "replace").decode("latin-1"),
    }
    fine(held, "GET", "entities", None, query.decode("latin-1"), **headers)
    fine(held, "GET", "entities", None, "type=T", ngsild_tenant=tenant.encode("utf-8", "replace").decode("latin-1"))
