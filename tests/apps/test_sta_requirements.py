"""OGC SensorThings API 1.1 (18-088): each requirement that is claimed, asked for through the door."""

from urllib.parse import quote

import orjson
import pytest

from hansa import Attribute, Entity, entity
from hansa.apps.opendata import app
from hansa.apps.opendata.sta import doors
from hansa.errors import HansaError
from hansa.testing import MemoryCity

SECOND = 1_000_000
NORTH, SOUTH = "urn:ngsi-ld:WeatherObserved:north", "urn:ngsi-ld:WeatherObserved:south"
ROOT = "https://city.example/sta/v1.1"
SPEC = "http://www.opengis.net/spec/iot_sensing/1.1/"
COVERED = set()


def req(*idents):
    """Which requirements a test is of."""

    def mark(test):
        COVERED.update(idents)
        return test

    return mark


def opened(one):
    return Entity(one.doc, label="open")


@pytest.fixture(scope="module")
def city():
    """Two stations: one moved, both read air and moisture six times; a third says nothing to strangers."""
    made = MemoryCity(app, start="2026-04-01T18:00:00Z")
    now = made.clock.now()
    for n, (key, lon) in enumerate((("north", 17.1), ("south", 17.3))):
        for i in range(6):
            at = now - (6 - i) * 600 * SECOND
            place = {"type": "Point", "coordinates": [17.11 if i == 5 and n == 0 else lon, 48.1]}
            made.read(
                opened(
                    entity(
                        "WeatherObserved",
                        key,
                        name=key.title(),
                        remark="calm" if n else "it's windy",
                        temperature=Attribute(1.5 + i + 10 * n, "CEL", at),
                        relativeHumidity=Attribute(50 + i, "P1", at),
                        location=Attribute(place, at=at, kind="GeoProperty"),
                        secret=Attribute(7, "C62", at),
                    )
                )
            )
    made.read(entity("WeatherObserved", "hidden", temperature=Attribute(1.0, "CEL", now)))
    source = {
        "kind": "history",
        "type": "WeatherObserved",
        "sight": "public",
        "attributes": ["name", "remark", "temperature", "relativeHumidity", "location"],
    }
    columns = [{"name": "lon"}, {"name": "lat"}, {"name": "temperature", "unit": "CEL", "says": {"en": "Air"}}]
    told = {"title": {"en": "Weather"}, "description": {"en": "Stations of the city"}, "licence": "CC_BY_4_0"}
    made.say(opened(entity("Dataset", "weather", status="published", source=source, columns=columns, **told)))
    return made


@pytest.fixture
def get(city):
    def asked(path, status=200, **options):
        query = "&".join(f"${name}={quote(str(text))}" for name, text in options.items())
        answer = city.ask("GET", f"/sta/v1.1{path}" + (f"?{query}" if query else ""))
        assert answer.status == status, answer.body
        return orjson.loads(answer.body) if answer.body[:1] in {b"{", b"["} else answer.body.decode()

    return asked


@pytest.fixture
def refused(city):
    def asked(path, **options):
        query = "&".join(f"${name}={quote(str(text))}" for name, text in options.items())
        with pytest.raises(HansaError) as fault:
            city.ask("GET", f"/sta/v1.1{path}" + (f"?{query}" if query else ""))
        return fault.value.status

    return asked


def follow(get, link):
    assert link.startswith(ROOT), link
    return get(link.removeprefix(ROOT))


def ids(told):
    return [one["@iot.id"] for one in told["value"]]


# ---- the data model (clause 8.2)


@req("req/datamodel")
def test_req_datamodel_the_root_names_every_set_and_what_is_conformed_to(get):
    told = get("")
    assert {one["name"] for one in told["value"]} == {
        "Things", "Locations", "HistoricalLocations", "Datastreams", "Sensors", "ObservedProperties", "Observations",
        "FeaturesOfInterest",
    }  # fmt: skip
    assert all(one["url"] == f"{ROOT}/{one['name']}" for one in told["value"])
    assert SPEC + "req/datamodel" in told["serverSettings"]["conformance"]
    assert not any("multi-datastream" in one or "create" in one for one in told["serverSettings"]["conformance"])


@req("req/datamodel/entity-control-information/common-control-information")
def test_req_common_control_information_each_entity_has_id_self_link_and_navigation_links(get):
    for name in ("Things", "Locations", "HistoricalLocations", "Datastreams", "Sensors", "ObservedProperties",
                 "Observations", "FeaturesOfInterest"):  # fmt: skip
        one = get(f"/{name}", top=1)["value"][0]
        assert one["@iot.selfLink"] == f"{ROOT}/{name}('{one['@iot.id']}')"
        assert follow(get, one["@iot.selfLink"]) == one
        links = [link for key, link in one.items() if key.endswith("@iot.navigationLink")]
        assert links
        for link in links:
            follow(get, link)


@req("req/datamodel/thing/properties")
def test_req_thing_properties_and_no_attribute_that_is_not_published(get, refused):
    one = get(f"/Things('{NORTH}')")
    assert (one["name"], one["properties"]["remark"]) == ("North", "it's windy")
    assert one["description"]
    assert "secret" not in str(get("/Things")) + str(get("/Datastreams"))
    assert ids(get("/Things")) == [NORTH, SOUTH]
    assert refused("/Things('urn:ngsi-ld:WeatherObserved:hidden')") == 404


@req("req/datamodel/thing/relations")
def test_req_thing_relations(get):
    one = get(f"/Things('{NORTH}')")
    for name in ("Locations", "HistoricalLocations", "Datastreams"):
        assert follow(get, one[f"{name}@iot.navigationLink"])["value"]
    assert "Observations@iot.navigationLink" not in one


@req("req/datamodel/location/properties")
def test_req_location_properties(get):
    one = get(f"/Locations('{NORTH}')")
    assert one["encodingType"] == "application/geo+json"
    assert one["location"] == {"type": "Point", "coordinates": [17.11, 48.1]}
    assert one["name"]
    assert one["description"]


@req("req/datamodel/location/relations")
def test_req_location_relations(get):
    assert ids(get(f"/Locations('{NORTH}')/Things")) == [NORTH]
    newest = get(f"/Locations('{NORTH}')/HistoricalLocations")["value"]
    assert [one["time"] for one in newest] == ["2026-04-01T17:50:00Z"]


@req("req/datamodel/historical-location/properties")
def test_req_historical_location_properties(get):
    times = [one["time"] for one in get(f"/Things('{NORTH}')/HistoricalLocations")["value"]]
    assert times[0] < times[-1] == "2026-04-01T17:50:00Z"


@req("req/datamodel/historical-location/relations")
def test_req_historical_location_relations_lead_to_where_it_was_then(get):
    first = get(f"/Things('{NORTH}')/HistoricalLocations")["value"][0]
    (then,) = follow(get, first["Locations@iot.navigationLink"])["value"]
    assert then["location"]["coordinates"] == [17.1, 48.1]
    assert follow(get, then["@iot.selfLink"]) == then
    assert follow(get, first["Thing@iot.navigationLink"])["@iot.id"] == NORTH


@req("req/datamodel/datastream/properties")
def test_req_datastream_properties(get):
    one = get(f"/Datastreams('{NORTH}~temperature')")
    assert one["unitOfMeasurement"] == {
        "name": "CEL", "symbol": "°C", "definition": "UN/CEFACT Recommendation 20: CEL"
    }  # fmt: skip
    assert one["observationType"].endswith("OM_Measurement")
    assert one["description"] == "Air"
    assert one["phenomenonTime"] == "2026-04-01T17:00:00Z/2026-04-01T17:50:00Z"


@req("req/datamodel/datastream/relations")
def test_req_datastream_relations(get):
    path = f"/Datastreams('{NORTH}~temperature')"
    assert get(f"{path}/Thing")["@iot.id"] == NORTH
    assert get(f"{path}/Sensor")["@iot.id"] == "weather~temperature"
    assert get(f"{path}/ObservedProperty")["@iot.id"] == "temperature"
    assert len(get(f"{path}/Observations")["value"]) == 6


@req("req/datamodel/sensor/properties")
def test_req_sensor_properties_lead_to_the_page_of_the_dataset(get):
    one = get("/Sensors('weather~temperature')")
    assert (one["encodingType"], one["metadata"]) == ("text/html", "https://city.example/data/weather")
    assert (one["name"], one["description"]) == ("temperature, Weather", "Stations of the city")


@req("req/datamodel/sensor/relations")
def test_req_sensor_relations(get):
    found = ids(get("/Sensors('weather~temperature')/Datastreams"))
    assert found == [f"{NORTH}~temperature", f"{SOUTH}~temperature"]


@req("req/datamodel/observed-property/properties")
def test_req_observed_property_properties(get):
    one = get("/ObservedProperties('temperature')")
    assert one["definition"] == "https://uri.etsi.org/ngsi-ld/default-context/temperature"
    assert (one["name"], one["description"]) == ("temperature", "Air")


@req("req/datamodel/observed-property/relations")
def test_req_observed_property_relations(get):
    found = ids(get("/ObservedProperties('relativeHumidity')/Datastreams"))
    assert found == [f"{NORTH}~relativeHumidity", f"{SOUTH}~relativeHumidity"]


@req("req/datamodel/observation/properties")
def test_req_observation_properties(get):
    one = get(f"/Datastreams('{NORTH}~temperature')/Observations", top=1)["value"][0]
    assert (one["phenomenonTime"], one["result"]) == ("2026-04-01T17:00:00Z", 1.5)
    assert one["resultTime"] is None  # mandatory, and not known


@req("req/datamodel/observation/relations")
def test_req_observation_relations(get):
    one = get(f"/Datastreams('{NORTH}~temperature')/Observations", top=1)["value"][0]
    assert follow(get, one["Datastream@iot.navigationLink"])["@iot.id"] == f"{NORTH}~temperature"
    assert follow(get, one["FeatureOfInterest@iot.navigationLink"])["@iot.id"] == NORTH


@req("req/datamodel/feature-of-interest/properties")
def test_req_feature_of_interest_properties(get):
    one = get(f"/FeaturesOfInterest('{SOUTH}')")
    assert one["encodingType"] == "application/geo+json"
    assert one["feature"] == {"type": "Point", "coordinates": [17.3, 48.1]}


@req("req/datamodel/feature-of-interest/relations")
def test_req_feature_of_interest_relations(get):
    assert get(f"/FeaturesOfInterest('{SOUTH}')/Observations", count="true")["@iot.count"] == 12


# ---- paths (clause 9.2)


@req("req/resource-path/resource-path-to-entities")
def test_req_resource_path_sets_entities_properties_values_links_and_references(get, city, refused):
    path = f"/Datastreams('{NORTH}~temperature')"
    assert get(f"{path}/name") == {"name": "temperature of North"}
    assert get(f"{path}/name/$value") == "temperature of North"
    assert get(f"{path}/unitOfMeasurement/symbol/$value") == "°C"
    assert get(f"/Things('{NORTH}')/properties/remark/$value") == "it's windy"
    assert get(f"{path}/resultTime", status=204) == ""
    at = get(f"{path}/Observations", top=1)["value"][0]["@iot.id"]
    assert get(f"{path}/Observations('{at}')/result/$value") == "1.5"
    assert get(f"{path}/Thing/Datastreams('{NORTH}~relativeHumidity')/Thing/name/$value") == "North"
    assert get(f"/Things('{NORTH}')/Datastreams/$ref") == {
        "value": [{"@iot.selfLink": f"{ROOT}/Datastreams('{NORTH}~{name}')"} for name in
                  ("temperature", "relativeHumidity")]
    }  # fmt: skip
    for wrong in ("/Nothing", "/Things/name", f"/Things('{NORTH}')/secret", f"/Things('{NORTH}')/properties/none",
                  f"{path}/Observations('{SOUTH}~temperature~1')", f"/Datastreams('{NORTH}~secret')", "/Things('",
                  f"{path}/Observations('{NORTH}~temperature~x')", f"/Things('{NORTH}')/Datastreams/name",
                  "/HistoricalLocations('x')", f"/Locations('{NORTH}~5')", "/Sensors('x')", "/a" * 40):  # fmt: skip
        assert refused(wrong) == 404, wrong


# ---- options (clause 9.3)


@req("req/request-data", "req/request-data/status-code")
def test_req_status_code_what_is_there_is_200_and_what_is_not_is_404(get, refused):
    assert get("/Things")
    assert refused("/Things('urn:ngsi-ld:WeatherObserved:nobody')") == 404


@req("req/request-data/query-status-code")
def test_req_query_status_code_unknown_is_400_and_not_built_is_501(refused):
    assert refused("/Things", search="x") == 501
    assert refused("/Things", format="json") == 501
    assert refused("/Things", nonsense="x") == 400
    assert refused(f"/Things('{NORTH}')", top=1) == 400
    assert refused("/Things", resultFormat="dataArray") == 400
    assert refused(f"/Things('{NORTH}')/name", select="name") == 400
    assert refused("", top=1) == 400


@req("req/request-data/order")
def test_req_order_filter_comes_before_count_order_skip_and_top(get):
    path = f"/Datastreams('{NORTH}~temperature')/Observations"
    told = get(path, filter="result gt 2", orderby="result desc", count="true", skip=1, top=2, select="result")
    assert told["@iot.count"] == 5
    assert [one["result"] for one in told["value"]] == [5.5, 4.5]


@req("req/request-data/expand")
def test_req_expand_nested_with_options_and_paths(get, refused):
    told = get(
        f"/Things('{NORTH}')",
        expand="Datastreams($select=name,id;$filter=name eq 'temperature of North';$expand=Observations($top=2;"
        "$orderby=phenomenonTime desc;$count=true;$select=result)),Locations",
    )
    (stream,) = told["Datastreams"]
    assert stream["Observations"] == [{"result": 6.5}, {"result": 5.5}]
    assert stream["Observations@iot.count"] == 6
    more = follow(get, stream["Observations@iot.nextLink"])
    assert len(more["value"]) == 2
    assert told["Locations"][0]["@iot.id"] == NORTH
    both = get("/Datastreams", expand="Thing/Locations,ObservedProperty", top=1)["value"][0]
    assert both["Thing"]["Locations"][0]["location"]["type"] == "Point"
    assert both["ObservedProperty"]["@iot.id"] == "temperature"
    assert refused("/Things", expand="Nobody") == 400
    assert refused("/Things", expand="Datastreams($top=x)") == 400
    assert refused("/Things", expand="Datastreams(") == 400
    deep = "Datastreams/Thing/Datastreams/Thing/Datastreams/Thing"
    assert refused("/Things", expand=deep) == 400


@req("req/request-data/select")
def test_req_select_gives_what_is_asked_and_no_more(get, refused):
    assert get("/Things", select="name")["value"] == [{"name": "North"}, {"name": "South"}]
    assert get("/Things", select="id,name", top=1)["value"] == [{"@iot.id": NORTH, "name": "North"}]
    assert refused("/Things", select="nothing") == 400


@req("req/request-data/orderby")
def test_req_orderby_by_one_and_by_several_down_and_up(get, refused):
    assert ids(get("/Things", orderby="name desc")) == [SOUTH, NORTH]
    told = get("/Datastreams", orderby="ObservedProperty/name, Thing/name desc", select="id")
    assert ids(told) == [f"{SOUTH}~relativeHumidity", f"{NORTH}~relativeHumidity", f"{SOUTH}~temperature",
                         f"{NORTH}~temperature"]  # fmt: skip
    told = get("/Observations", orderby="phenomenonTime desc", top=4, select="phenomenonTime")
    assert {one["phenomenonTime"] for one in told["value"]} == {"2026-04-01T17:50:00Z"}
    assert refused("/Things", orderby="nothing") == 400
    assert refused("/Things", orderby="name downwards") == 400


@req("req/request-data/top")
def test_req_top(get, refused):
    assert ids(get("/Things", top=1)) == [NORTH]
    assert get("/Things", top=0)["value"] == []
    assert refused("/Things", top=-1) == 400
    assert refused("/Things", top="9" * 30) == 400


@req("req/request-data/skip")
def test_req_skip(get, refused):
    assert ids(get("/Things", skip=1)) == [SOUTH]
    assert ids(get("/Things", skip=9)) == []
    assert refused("/Things", skip="one") == 400


@req("req/request-data/count")
def test_req_count_is_of_all_that_fits_whatever_the_page(get, refused):
    assert get("/Observations", count="true", top=1)["@iot.count"] == 24
    assert get("/Observations", count="true", filter="result gt 12 and result lt 20")["@iot.count"] == 5
    assert "@iot.count" not in get("/Things", count="false")
    assert refused("/Things", count="yes") == 400


@req("req/request-data/filter")
def test_req_filter_through_links_and_members(get, refused):
    assert ids(get("/Things", filter="properties/remark eq 'it''s windy'")) == [NORTH]
    assert ids(get("/Things", filter="startswith(Datastreams/name, 'temperature of S')")) == [SOUTH]
    assert ids(get("/Datastreams", filter="Thing/name eq 'South' and unitOfMeasurement/symbol eq '%'")) == [
        f"{SOUTH}~relativeHumidity"
    ]
    found = get("/Observations", filter=f"Datastream/id eq '{SOUTH}~temperature' and result ge 15.5")
    assert [one["result"] for one in found["value"]] == [15.5, 16.5]
    for wrong in ("name eq", "nothing eq 1", "Thing/name eq 'a'", "(name eq 'a'", "name eq 'a", "what(name)",
                  "length(name, name) eq 1", "name eq 'a' name", "Datastreams eq 1", "(" * 100 + "1 eq 1" + ")" * 100,
                  "not " * 100 + "true", "geo.distance(name, geography'POINT(') eq 1", "duration'P' eq 1",
                  "§"):  # fmt: skip
        assert refused("/Things", filter=wrong) == 400, wrong
    assert ids(get("/Things", filter="name")) == []  # a text is not true


@req("req/request-data/built-in-filter-operations")
@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ("result eq 3.5", [3.5]),
        ("result ne 3.5", [1.5, 2.5, 4.5, 5.5, 6.5]),
        ("result gt 5.5", [6.5]),
        ("result ge 5.5", [5.5, 6.5]),
        ("result lt 2.5", [1.5]),
        ("result le 2.5", [1.5, 2.5]),
        ("result gt 2 and result lt 4", [2.5, 3.5]),
        ("result lt 2 or result gt 6", [1.5, 6.5]),
        ("not (result lt 6)", [6.5]),
        ("result add 1 eq 2.5", [1.5]),
        ("result sub 1 eq 2.5", [3.5]),
        ("result mul 2 eq 3", [1.5]),
        ("result div 2 eq 2.25", [4.5]),
        ("result mod 2 eq 0.5", [2.5, 4.5, 6.5]),
        ("result div 0 eq 1", []),
        ("-result lt -6", [6.5]),
        ("result gt 1 and result lt 3 or result eq 6.5", [1.5, 2.5, 6.5]),
        ("resultTime eq null and result lt 2", [1.5]),
        ("resultTime ne null", []),
        ("result eq '3.5'", []),
        ("phenomenonTime gt 2026-04-01T17:40:00Z", [6.5]),
        ("phenomenonTime ge 2026-04-01T17:40:00Z", [5.5, 6.5]),
        ("phenomenonTime lt 2026-04-01T19:10:00+02:00", [1.5]),
        ("2026-04-01T17:10:00Z ge phenomenonTime", [1.5, 2.5]),
        ("phenomenonTime eq 2026-04-01T17:10:00.000Z", [2.5]),
        ("phenomenonTime add duration'PT10M' gt 2026-04-01T17:50:00Z", [6.5]),
        ("phenomenonTime sub 2026-04-01T17:00:00Z lt duration'PT11M'", [1.5, 2.5]),
    ],
)
def test_req_built_in_filter_operations(get, said, fits):
    path = f"/Datastreams('{NORTH}~temperature')/Observations"
    assert [one["result"] for one in get(path, filter=said)["value"]] == fits


@req("req/request-data/built-in-query-functions")
@pytest.mark.parametrize(
    "said",
    [
        "substringof('orth', name)", "endswith(name, 'rth')", "startswith(name, 'No')",
        "length(properties/remark) eq 10",
        "indexof(name, 'r') eq 2", "substring(name, 1) eq 'orth'", "substring(name, 1, 2) eq 'or'",
        "tolower(name) eq 'north'", "toupper(name) eq 'NORTH'", "trim(' North ') eq name and name eq 'North'",
        "concat(name, '!') eq 'North!'", "Datastreams/name eq 'temperature of North'",
        "st_equals(Locations/location, geography'POINT (17.11 48.1)')",
        "st_within(Locations/location, geography'POLYGON ((17 48, 17.2 48, 17.2 49, 17 49, 17 48))')",
        "st_intersects(Locations/location, geography'LINESTRING (17.11 48, 17.11 49)')",
        "not st_disjoint(Locations/location, geography'POINT (17.11 48.1)')",
        "geo.intersects(Locations/location, geography'POLYGON ((17 48, 17.2 48, 17.2 49, 17 49, 17 48))')",
        "geo.distance(Locations/location, geography'POINT (17.11 48.101)') lt 200",
        "st_relate(Locations/location, geography'POINT (17.11 48.1)', 'T********')",
    ],
)  # fmt: skip
def test_req_built_in_query_functions_of_text_and_place(get, said):
    assert ids(get("/Things", filter=said)) == [NORTH]


@req("req/request-data/built-in-query-functions")
@pytest.mark.parametrize(
    ("said", "many"),
    [
        ("year(phenomenonTime) eq 2026 and month(phenomenonTime) eq 4 and day(phenomenonTime) eq 1", 6),
        ("hour(phenomenonTime) eq 17 and minute(phenomenonTime) ge 40", 2),
        ("second(phenomenonTime) eq 0 and fractionalseconds(phenomenonTime) eq 0", 6),
        ("date(phenomenonTime) eq 2026-04-01", 6),
        ("time(phenomenonTime) lt 17:15:00", 2),
        ("totaloffsetminutes(phenomenonTime) eq 0", 6),
        ("phenomenonTime lt now() and phenomenonTime gt mindatetime() and phenomenonTime lt maxdatetime()", 6),
        ("now() sub phenomenonTime le duration'PT20M'", 2),
        ("round(result) eq 3", 1),
        ("floor(result) eq 2 or ceiling(result) eq 2", 2),
        ("geo.length(geography'LINESTRING (17 48, 17 49)') gt 111000", 6),
    ],
)
def test_req_built_in_query_functions_of_time_and_number(get, said, many):
    path = f"/Datastreams('{NORTH}~temperature')/Observations"
    assert len(get(path, filter=said)["value"]) == many


@req("req/request-data/pagination")
def test_req_pagination_every_link_leads_on_and_all_is_seen_once(get):
    for path, options in (
        (f"/Datastreams('{NORTH}~temperature')/Observations", {"top": 2}),
        (f"/Datastreams('{NORTH}~temperature')/Observations", {"top": 4, "orderby": "phenomenonTime desc"}),
        (f"/Datastreams('{NORTH}~temperature')/Observations", {"top": 2, "filter": "result gt 2", "skip": 1}),
        ("/Observations", {"top": 7}),
        ("/Datastreams", {"top": 3, "filter": "length(name) gt 3"}),
        ("/Sensors", {"top": 1}),
    ):
        told = get(path, **options)
        pages, seen = [told], ids(told)
        while "@iot.nextLink" in told:
            told = follow(get, told["@iot.nextLink"])
            pages.append(told)
            seen += ids(told)
            assert len(pages) < 20
        assert len(pages) > 1
        whole = {name: text for name, text in options.items() if name != "top"}
        assert seen == ids(get(path, **whole))


@req("req/data-array/data-array")
def test_req_data_array_one_array_for_each_datastream(get, refused):
    told = get("/Observations", resultFormat="dataArray", filter="phenomenonTime ge 2026-04-01T17:40:00Z")
    assert len(told["value"]) == 4
    first = told["value"][0]
    assert first["components"] == ["id", "phenomenonTime", "resultTime", "result"]
    assert first["dataArray@iot.count"] == len(first["dataArray"]) == 2
    assert first["dataArray"][0][1:] == ["2026-04-01T17:40:00Z", None, 5.5]
    assert follow(get, first["Datastream@iot.navigationLink"])["@iot.id"] == f"{NORTH}~temperature"
    picked = get("/Observations", resultFormat="dataArray", select="result", top=2)["value"][0]
    assert (picked["components"], picked["dataArray"]) == (["result"], [[1.5], [2.5]])
    assert refused("/Observations", resultFormat="dataArray", expand="Datastream") == 400


def test_every_requirement_that_is_claimed_has_a_test_here():
    claimed = {one.removeprefix(SPEC) for one in doors.CONFORMS}
    assert claimed == COVERED
    assert len(claimed) >= 22


def test_what_is_withdrawn_is_gone_and_writing_is_not_done_here(city):
    assert city.ask("POST", "/sta/v1.1/Things", b"{}").status == 405
    other = MemoryCity(app, start="2026-04-01T18:00:00Z")
    other.read(opened(entity("WeatherObserved", "north", temperature=Attribute(1.0, "CEL", other.clock.now()))))
    assert orjson.loads(other.ask("GET", "/sta/v1.1/Things").body) == {"value": []}


def test_what_is_taken_is_counted_for_its_dataset(city, get):
    before = city.view("dataset", {"id": "weather"}, app="opendata")["usage"]["api"]
    get(f"/Datastreams('{NORTH}~temperature')/Observations", top=1)
    get("/Things", filter="name eq 'Nobody'")
    assert city.view("dataset", {"id": "weather"}, app="opendata")["usage"]["api"] == before + 1
