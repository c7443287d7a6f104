"""CKAN's action API: with CKAN's own client against a served city, and asked by hand for what is wrong."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import ckanapi
import pytest
import rdflib
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from opendata_given import agreed, city, proposed, stations, weather

import opendata_city
from hansa import Refusal
from hansa.apps.opendata import actions, ckan, datastore, finding
from hansa.testing import MemoryCity
from served import Served

SITE = "https://city.example"


def asked(here: MemoryCity, name: str, body: Any = None, **query: Any) -> tuple[int, Any]:
    """An action's status and envelope."""
    said = "&".join(f"{quote(key)}={quote(str(value))}" for key, value in query.items())
    address = f"/api/3/action/{name}" + (f"?{said}" if said else "")
    if body is None:
        answer = here.ask("GET", address)
    else:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = here.ask("POST", address, sent, headers={"Content-Type": "application/json"})
    return answer.status, json.loads(answer.body)


def result(here: MemoryCity, name: str, body: Any = None, **query: Any) -> Any:
    """What an action answers."""
    status, told = asked(here, name, body, **query)
    assert status == 200, told
    assert told["success"] is True
    assert told["help"].startswith("https://")
    return told["result"]


@pytest.fixture(scope="module")
def here() -> MemoryCity:
    """Weather, and benches."""
    made = weather()
    agreed(
        made,
        proposed(
            made,
            "benches",
            source={"kind": "entities", "type": "WeatherObserved", "attributes": ["name"]},
            guard={"kind": "open"},
        ).id,
    )
    return made


def resource(here: MemoryCity, form: str = "CSV", name: str = "weather-now") -> str:
    """The id of a resource."""
    found = result(here, "package_show", id=name)["resources"]
    return next(one["id"] for one in found if one["format"] == form)


def test_a_package_is_found_by_name_and_by_id(here: MemoryCity) -> None:
    one = result(here, "package_show", id="weather-now")
    assert result(here, "package_show", {"id": one["id"]}) == one
    assert (one["license_id"], one["isopen"], one["state"], one["num_resources"]) == (
        "cc-by",
        True,
        "active",
        len(one["resources"]),
    )
    assert one["organization"]["title"] == "City of Tests"
    assert [it["name"] for it in one["groups"]] == ["envi"]
    assert {it["key"] for it in one["extras"]} >= {"uri", "spatial", "frequency", "contact_email"}
    assert {it["format"] for it in one["resources"]} >= {"CSV", "PARQUET", "JSON", "XLSX", "GeoJSON", "API"}
    assert result(here, "package_list") == ["benches", "weather-now"]
    assert len(result(here, "current_package_list_with_resources", limit=1)) == 1


def test_packages_are_searched_as_harvesters_do(here: MemoryCity) -> None:
    def names(**query: Any) -> list[str]:
        return sorted(one["name"] for one in result(here, "package_search", **query)["results"])

    assert names() == names(q="*:*") == ["benches", "weather-now"]
    assert names(q="meteo") == ["weather-now"]
    assert names(q="name:benches") == ["benches"]
    assert names(fq="tags:weather") == ["weather-now"]
    assert names(fq="-tags:weather") == ["benches"]
    assert names(fq='res_format:CSV AND license_id:"cc-by"') == ["benches", "weather-now"]
    assert names(fq="groups:(heal OR envi) +organization:city-of-tests") == ["benches", "weather-now"]
    assert names(fq="metadata_modified:[2026-04-10T00:00:00Z TO *]") == ["benches", "weather-now"]
    assert names(fq="metadata_modified:[2027-01-01T00:00:00Z TO *]") == []
    assert names(fq_list='["tags:weather", "groups:envi"]') == ["weather-now"]
    assert names(q="title:weather") == ["weather-now"]
    told = result(
        here, "package_search", {"q": "", "rows": 1, "start": 1, "sort": "name desc", "facet.field": ["groups", "tags"]}
    )
    assert (told["count"], [one["name"] for one in told["results"]]) == (2, ["benches"])
    assert told["facets"]["groups"] == {"envi": 2}
    assert told["search_facets"]["groups"]["items"][0]["display_name"] == "Environment"


def test_faults_come_in_ckans_envelope(here: MemoryCity) -> None:
    assert asked(here, "package_show", id="nothing")[0] == 404
    status, told = asked(here, "package_show")
    assert (status, told["error"]["__type"], told["success"]) == (409, "Validation Error", False)
    assert asked(here, "package_search", q='"')[0] in {200, 400}
    for query in ({"fq": "owner:x"}, {"fq": "a OR b"}, {"q": "x" * 3_000}):
        status, told = asked(here, "package_search", **query)
        assert (status, told["error"]["__type"]) == (400, "Search Query Error")
    for query in ({"rows": "many"}, {"start": "-1"}, {"sort": "colour desc"}, {"facet.field": '["colour"]'}):
        assert asked(here, "package_search", **query)[0] == 409
    assert asked(here, "no_such_action") == (400, "Bad request - Action name not known: no_such_action")
    assert asked(here, "package_create", {"name": "mine"})[0] == 400
    assert asked(here, "package_list", b"{")[0] == 400
    assert asked(here, "package_list", b"[" * 50_000)[0] == 400
    assert asked(here, "package_list", [1])[0] == 400


def test_what_waits_or_was_withdrawn_is_no_package() -> None:
    own = weather()
    proposed(own, "secret", proposal="weather-now")
    assert result(own, "package_list") == ["weather-now"]
    assert asked(own, "package_show", id="secret")[0] == 404
    assert asked(own, "package_show", id=ckan.uuid("urn:ngsi-ld:Dataset:secret"))[0] == 404


def test_lists_of_publishers_themes_tags_and_licences(here: MemoryCity) -> None:
    assert result(here, "organization_list") == ["city-of-tests"]
    assert result(here, "organization_list", all_fields="true")[0]["package_count"] == 2
    assert len(result(here, "organization_show", id="city-of-tests", include_datasets="true")["packages"]) == 2
    assert result(here, "group_list") == ["envi"]
    assert result(here, "group_show", id="envi")["package_count"] == 2
    assert "weather" in result(here, "tag_list")
    assert result(here, "tag_show", id="weather", include_datasets="true")["packages"][0]["name"] == "weather-now"
    assert "cc-by" in {one["id"] for one in result(here, "license_list")}
    assert [one["name"] for one in result(here, "package_autocomplete", q="wea")] == ["weather-now"]
    assert result(here, "recently_changed_packages_activity_list")[0]["activity_type"] == "new package"
    assert "Packages" in json.loads(here.ask("GET", "/api/3/action/help_show?name=package_search").body)["result"]
    for name in ("organization_show", "group_show", "tag_show", "resource_show", "datastore_info"):
        assert asked(here, name, id="nothing")[0] == 404
    assert result(here, "resource_search", query="format:csv")["count"] == 2
    assert asked(here, "resource_search", query="csv")[0] == 409


def test_rows_are_asked_as_of_ckans_datastore(here: MemoryCity) -> None:
    ident = resource(here)
    told = result(here, "datastore_search", resource_id=ident, limit=2, sort="temperature desc")
    assert (told["total"], [row["temperature"] for row in told["records"]]) == (6, [6.5, 5.5])
    assert [row["_id"] for row in told["records"]] == [1, 2]
    assert "offset=2" in told["_links"]["next"]
    assert (
        result(here, "datastore_search", {"resource_id": ident, "filters": {"temperature": [1.5, 2.5]}})["total"] == 2
    )
    assert result(here, "datastore_search", resource_id=ident, filters='{"temperature": "1.5"}')["total"] == 1
    assert result(here, "datastore_search", resource_id=ident, q="s3")["records"][0]["temperature"] == 4.5
    told = result(here, "datastore_search", {"resource_id": ident, "q": {"id": "s3"}, "fields": ["temperature"]})
    assert told["records"] == [{"temperature": 4.5, "_id": 1}]
    assert (
        result(here, "datastore_search", resource_id=ident, records_format="lists", fields="temperature", limit=1)[
            "records"
        ][0][0]
        == 1
    )
    assert result(here, "datastore_search", resource_id=ident, limit=0)["records"] == []
    info = result(here, "datastore_info", id=ident)
    assert (info["meta"]["count"], info["schema"]["temperature"]) == (6, "number")
    for bad in (
        {"filters": '{"no": 1}'},
        {"filters": "{"},
        {"filters": '{"temperature": "warm"}'},
        {"sort": "no desc"},
        {"fields": "no"},
        {"limit": "x"},
        {"q": '{"temperature": "1"}'},
        {"records_format": "tsv"},
        {"distinct": "true"},
        {"filters": '{"temperature": {"$gt": 1}}'},
    ):
        status, envelope = asked(here, "datastore_search", resource_id=ident, **bad)
        assert status == 409, (bad, envelope)
    assert asked(here, "datastore_search", resource_id=resource(here, "PARQUET"))[0] == 404
    assert asked(here, "datastore_search", resource_id="'; DROP TABLE")[0] == 404
    assert asked(here, "datastore_search_sql", sql="SELECT 1")[0] == 400
    assert datastore.MOST >= 1_000


WORDS = st.text(max_size=30) | st.sampled_from(['tags:"', "fq:(", "-", "name:[a TO", "*:*", "a:b:c", "OR", "((("])


@given(WORDS, WORDS)
@settings(max_examples=50, deadline=None)
def test_whatever_is_searched_it_is_answered_or_refused(q: str, fq: str) -> None:
    with suppress(Refusal):
        finding.found([], q, fq)
    with suppress(Refusal):
        assert finding.terms(q) is not None


PARAMETERS = st.dictionaries(
    st.sampled_from(
        [
            "id",
            "q",
            "fq",
            "rows",
            "start",
            "sort",
            "limit",
            "offset",
            "resource_id",
            "filters",
            "fields",
            "query",
            "facet.field",
        ]
    ),
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    max_size=4,
)


@given(st.sampled_from(sorted(actions.ACTIONS)), PARAMETERS)
@settings(max_examples=30, deadline=None)
def test_no_parameters_make_a_fault_of_ours(name: str, said: dict[str, Any]) -> None:
    if not hasattr(test_no_parameters_make_a_fault_of_ours, "city"):
        test_no_parameters_make_a_fault_of_ours.city = weather()  # type: ignore[attr-defined]
    status, _ = asked(test_no_parameters_make_a_fault_of_ours.city, name, said)  # type: ignore[attr-defined]
    assert status in {200, 400, 404, 409}


# ---- CKAN's own client, against a city that is served


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served city with a published dataset."""
    folder = tmp_path_factory.mktemp("portal") / "city"
    folder.mkdir()
    (folder / "hansa.toml").write_text(opendata_city.TOML)
    one = Served(folder, trusted=False)
    ada, bo = opendata_city.two_people(one)
    opendata_city.published(ada, bo, "weather", "Weather", opendata_city.weather(600))
    ada.close()
    bo.close()
    yield one
    one.stop()


def test_ckans_own_client_works_unmodified(portal: Served) -> None:
    for get_only in (False, True):
        session = requests.Session()
        session.trust_env = False
        with ckanapi.RemoteCKAN(
            portal.url, get_only=get_only, session=session, user_agent="harvester-of-tests"
        ) as site:
            assert site.action.site_read() is True
            assert site.action.status_show()["site_url"] == portal.url
            assert site.action.package_list() == ["weather"]
            found = site.action.package_search(q="weather", rows=5)
            assert found["count"] == 1
            one = site.action.package_show(id="weather")
            rows = next(it for it in one["resources"] if it["format"] == "CSV")
            told = site.action.datastore_search(resource_id=rows["id"], limit=3)
            assert len(told["records"]) == 3
            assert told["total"] == 600
            with pytest.raises(ckanapi.NotFound):
                site.action.package_show(id="nothing")
            with pytest.raises(ckanapi.ValidationError):
                site.action.datastore_search(resource_id=rows["id"], sort="nothing")
            with pytest.raises(ckanapi.CKANAPIError):
                site.action.package_create(name="mine")


def test_a_harvester_walks_from_the_catalogue_to_every_file(portal: Served) -> None:
    session = requests.Session()
    session.trust_env = False
    start = 0
    seen: list[str] = []
    while True:
        page = session.get(
            f"{portal.url}/api/3/action/package_search", params={"rows": 1, "start": start, "sort": "name asc"}
        ).json()["result"]
        if not page["results"]:
            break
        for one in page["results"]:
            seen.append(one["name"])
            for it in one["resources"]:
                if it["format"] != "API":
                    got = session.get(it["url"])
                    assert got.status_code == 200, it["url"]
                    assert got.headers["content-type"].split(";")[0] == it["mimetype"]
                    assert got.headers["access-control-allow-origin"] == "*"
                    assert not it["size"] or len(got.content) == it["size"]
        start += 1
    assert seen == ["weather"]
    found = rdflib.Graph().parse(
        data=session.get(f"{portal.url}/data/catalog", headers={"Accept": "text/turtle"}).content, format="turtle"
    )
    files = [str(one) for one in found.objects(None, rdflib.DCAT.downloadURL)]
    assert len(files) == 5
    assert all(session.head(one).status_code == 200 for one in files)
    assert session.get(f"{portal.url}/data/weather", allow_redirects=False).headers["location"] == "/en/data/weather"
    assert session.get(f"{portal.url}/data/nothing.csv").status_code == 404


def test_a_city_that_has_nothing_yet_answers_too() -> None:
    empty = city()
    stations(empty, 1)
    assert result(empty, "package_list") == []
    assert result(empty, "package_search")["count"] == 0
    assert SITE


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("package_search", b'{"q": "\\ud800", "sort": "\\ud800"}'),
        ("package_search", b'{"rows": 1e400}'),
        ("package_search", b'{"facet.field": "' + b"[" * 5_000 + b'"}'),
        ("datastore_search", b'{"resource_id": "x", "sort": "\\ud800"}'),
    ],
)
def test_what_is_json_and_nothing_else_is_refused(name: str, body: bytes) -> None:
    status, _ = asked(weather(), name, body)
    assert status in {400, 404, 409}
