"""Open311 GeoReport v2: XML says what JSON says, and a client that knows only the shared description gets along."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from hansa.apps.requests import reporting
from hansa.apps.requests.xml import MEMBERS, written
from requests_front import Front, front, key, photo

DESCRIBED = Path(__file__).parents[3] / "shared" / "data" / "open311" / "georeport_v2-1.yaml"
LAMP = {"service_code": "street-light", "lat": "48.05", "long": "16.1", "attribute[fault]": "out"}


@pytest.fixture
def city() -> Iterator[Front]:
    with front() as made:
        yield made


def read(element: Any) -> Any:
    """An XML answer as JSON, with every value a text: what a member of a list is called tells that it is a list."""
    tag = element.tag
    children = list(element)
    if tag in MEMBERS and (not children or children[0].tag in {MEMBERS[tag], "item"}):
        return [read(one) for one in children]
    if children:
        return {one.tag: read(one) for one in children}
    return element.text or ""


def as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: as_text(one) for name, one in value.items()}
    if isinstance(value, list):
        return [as_text(one) for one in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def both(city: Front, path: str, query: str = "") -> Any:
    """The JSON of an address, after its XML was found to say the same, value by value."""
    told = city.door("GET", f"/open311/v2/{path}.json{query}")
    xml = city.door("GET", f"/open311/v2/{path}.xml{query}")
    assert (told.kind, xml.kind) == ("application/json; charset=utf-8", "text/xml; charset=utf-8")
    assert told.status == xml.status
    value = json.loads(told.body)
    assert read(etree.fromstring(xml.body)) == as_text(value)
    return value


def post(city: Front, said: dict[str, str], form: str = "json", **more: Any) -> Any:
    return city.door("POST", f"/open311/v2/requests.{form}", said, **more)


def test_xml_says_what_json_says_everywhere(city: Front) -> None:
    nasty = 'A "lamp" & <b>two</b> ]]> 街灯 مصباح é'
    told = json.loads(post(city, LAMP | {"description": nasty, "address_string": "3 <Mill> & Lane"}).body)
    one = told[0]["service_request_id"]
    city.staff("triage", one)
    city.staff("answer", one, text=nasty)
    assert both(city, "discovery")["endpoints"][0]["url"] == "https://city.example/open311/v2"
    assert len(both(city, "services")) >= 20
    assert both(city, "services/street-light")["attributes"][0]["values"][0] == {"key": "out", "name": "It is out"}
    assert both(city, f"tokens/{told[0]['token']}")[0]["service_request_id"] == one
    (seen,) = both(city, f"requests/{one}")
    assert (seen["description"], seen["status_notes"], seen["address"]) == (nasty, nasty, "3 <Mill> & Lane")
    assert both(city, f"request/{one}") == [seen]
    assert both(city, "requests") == [seen]
    assert both(city, "requests", "?status=closed") == []
    assert both(city, "requests/R234567ABC")[0]["code"] == 404
    assert both(city, "services/unicorns")[0]["code"] == 404
    assert both(city, "requests", "?start_date=soon")[0]["code"] == 400


def test_both_formats_answer_a_report_and_its_refusal(city: Front) -> None:
    made = post(city, LAMP | {"description": "one"}, "xml")
    (told,) = read(etree.fromstring(made.body))
    assert made.status == 201
    assert city.told(f"/open311/v2/tokens/{told['token']}.json")[0]["service_request_id"] == told["service_request_id"]
    again = post(city, LAMP | {"description": "one"}, "xml")
    assert (again.status, read(etree.fromstring(again.body))[0]) == (200, told | {"token": ""})
    wrong = post(city, LAMP | {"attribute[fault]": "purple"}, "xml")
    assert (wrong.status, read(etree.fromstring(wrong.body))[0]["code"]) == (400, "400")


@pytest.mark.parametrize(
    ("said", "status", "word"),
    [
        ({"service_code": ""}, 400, "service_code was not provided"),
        ({"service_code": "unicorns"}, 404, "unicorns was not found"),
        ({"lat": "", "long": "", "address_string": "Mill Lane 3"}, 400, "lat and long were not provided"),
        ({"lat": "48.85", "long": "2.35"}, 400, "outside the city"),
        ({"lat": "1e400"}, 400, "numbers"),
        ({"attribute[fault]": ""}, 400, "fault is not answered"),
        ({"attribute[x]": "y"}, 400, "does not ask"),
        ({"email": "<x>"}, 400, "e-mail"),
        ({"description": "x" * 6_000}, 400, "5,000 are the most"),
        ({"api_key": "wrong"}, 403, "api_key"),
        ({"jurisdiction_id": "elsewhere.example"}, 404, "jurisdiction_id"),
    ],
)
def test_what_is_wrong_has_the_codes_of_the_standard(said: dict[str, str], status: int, word: str) -> None:
    with front(jurisdiction_id="valley.example") as city:
        answer = post(city, LAMP | said)
        (told,) = json.loads(answer.body)
        assert (answer.status, told["code"]) == (status, status)
        assert word in told["description"]
        assert city.told("/open311/v2/requests.json") == []


def test_another_format_is_not_found(city: Front) -> None:
    assert city.door("GET", "/open311/v2/services.yaml").status == 404


def test_programs_with_a_key_report_as_often_as_they_must() -> None:
    from hashlib import sha256

    keys = {"valley-app": sha256(b"secret").hexdigest()}
    with front(api_keys=keys, api_key_required=True, per_visitor=1) as city:
        assert post(city, LAMP).status == 403
        for n in range(3):
            assert post(city, LAMP | {"api_key": "secret", "description": str(n)}).status == 201
    with front(per_visitor=1) as city:
        assert post(city, LAMP | {"description": "1"}).status == 201
        refused = post(city, LAMP | {"description": "2"}, "xml")
        assert (refused.status, refused.headers["Retry-After"]) == (429, "3600")
        assert read(etree.fromstring(refused.body))[0]["code"] == "429"


def test_answers_to_a_list_come_in_all_the_ways_that_clients_send_them(city: Front) -> None:
    said = {
        "service_code": "waste-missed",
        "lat": "48.05",
        "long": "16.1",
        "attribute[since]": "2026-03-30T08:00:00+02:00",
    }
    ways: list[Any] = [
        [*said.items(), ("attribute[kinds]", "paper"), ("attribute[kinds]", "glass")],
        [*said.items(), ("attribute[kinds][]", "paper"), ("attribute[kinds][]", "glass")],
        said | {"attribute[kinds]": "paper,glass"},
        [*said.items(), ("attribute", "kinds:paper,glass")],
    ]
    for n, form in enumerate(ways):
        form = [*(form.items() if isinstance(form, dict) else form), ("description", str(n))]  # noqa: PLW2901
        (told,) = json.loads(post(city, form).body)
        assert city.case(told["service_request_id"])["answers"]["kinds"] == ["paper", "glass"]


def test_a_photograph_comes_along_and_is_shown_when_staff_allow_it(city: Front) -> None:
    (told,) = json.loads(post(city, LAMP, files=(photo(),)).body)
    one = told["service_request_id"]
    assert city.kept[0][0] == f"urn:ngsi-ld:RequestPhoto:{one}-1"
    assert city.told(f"/open311/v2/requests/{one}.json")[0]["media_url"] is None
    (picture,) = city.case(one)["photographs"]
    city.staff("publish-photo", picture["entity"])
    assert city.told(f"/open311/v2/requests/{one}.json")[0]["media_url"] == f"https://city.example{picture['path']}"


def test_lists_are_filtered_by_ids_service_time_state_and_place(city: Front) -> None:
    lamp = json.loads(post(city, LAMP).body)[0]["service_request_id"]
    city.city.turn(seconds=3_600)
    hole = city.report(2, service="pothole", attributes={}, lon=16.05)
    city.staff("close", hole, text="Done")

    def ids(query: str) -> list[str]:
        return [one["service_request_id"] for one in both(city, "requests", query)]

    assert ids("") == [hole, lamp]
    assert ids(f"?service_request_id={lamp},{hole},R2222222222&status=closed") == [lamp, hole], "ids override the rest"
    assert ids("?service_code=pothole,tree") == [hole]
    assert ids("?status=open,closed") == [hole, lamp]
    assert ids("?status=open") == [lamp]
    assert ids("?start_date=2026-04-01T08:30:00Z") == [hole]
    assert ids("?end_date=2026-04-01T08:30:00Z") == [lamp]
    assert ids("?lat=48.05&long=16.1&radius=100") == [lamp]
    assert ids("?page_size=1&page=2") == [lamp]
    assert ids("?service_code=%22x") == []
    for wrong in (
        "?start_date=2026-01-01&end_date=2026-05-01",
        "?start_date=2026-04-02&end_date=2026-04-01",
        "?status=lost",
        "?lat=48&long=16&radius=-1",
        "?page=0",
        "?service_request_id=" + "R,".join(str(n) for n in range(150)),
    ):
        assert city.door("GET", f"/open311/v2/requests.json{wrong}").status == 400, wrong


def test_ninety_days_are_the_most_that_one_list_tells(city: Front) -> None:
    old = city.report(1)
    far = "2026-08-01T00:00:00Z"
    assert city.told(f"/open311/v2/requests.json?end_date={far}") == []
    (told,) = city.told("/open311/v2/requests.json?start_date=2026-03-01T00:00:00Z")
    assert told["service_request_id"] == old


def test_services_are_told_in_the_language_that_is_asked_for(city: Front) -> None:
    told = {one["service_code"]: one for one in city.told("/open311/v2/services.json?lang=ja")}
    assert told["street-light"]["service_name"] == "街灯"
    assert city.told("/open311/v2/services/street-light.json?lang=ar")["attributes"][0]["description"] == "ما المشكلة؟"
    assert city.told("/open311/v2/services.json?lang=%3Cx%3E")[0]["service_name"]


def test_what_is_asked_only_sometimes_is_not_required_of_those_who_cannot_know_when(city: Front) -> None:
    told = {one["code"]: one for one in city.told("/open311/v2/services/street-light.json")["attributes"]}
    assert (told["fault"]["required"], told["danger"]["required"]) == (True, False)


# ---- A client that knows the shared description, and nothing else


class Client:
    """Made from georeport_v2-1.yaml: its paths, parameters and definitions."""

    def __init__(self, city: Front, described: dict[str, Any]) -> None:
        self.city, self.described = city, described

    def call(self, method: str, path: str, **said: Any) -> Any:
        told = self.described["paths"][path][method]
        known = [self._resolved(one) for one in told["parameters"]]
        url, query = "/open311/v2" + path, []
        for one in known:
            name = one["name"]
            if name == "response_format":
                url = url.replace("{response_format}", "json")
            elif one["in"] == "path":
                url = url.replace(f"{{{name}}}", quote(str(said.pop(name)), safe=""))
            elif name in said:
                value = said.pop(name)
                query += (
                    [(name, str(it)) for it in value]
                    if one.get("collectionFormat") == "multi"
                    else [(name, str(value))]
                )
            else:
                assert not one.get("required") or name == "jurisdiction_id", name
        assert not said, f"the description has no parameter {said}"
        answer = self.city.door(method.upper(), f"{url}?{urlencode(query)}")
        value = json.loads(answer.body)
        if answer.status < 300:
            schema = told["responses"]["200"]["schema"]
            self._fits(value[0] if schema.get("$ref") and isinstance(value, list) else value, schema)
        return value

    def _resolved(self, one: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in one:
            return one
        found = self.described
        for part in one["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return found

    def _fits(self, value: Any, schema: dict[str, Any]) -> None:
        schema = self._resolved(schema)
        kind = schema.get("type", "object" if "properties" in schema else None)
        if kind == "array":
            assert isinstance(value, list)
            for one in value:
                self._fits(one, schema["items"])
        elif kind == "object":
            assert not set(schema.get("required", ())) - set(value), (value, schema)
            for name, own in schema["properties"].items():
                if value.get(name) is not None:
                    self._fits(value[name], own)
        else:
            types = {"string": str, "boolean": bool, "integer": int, "number": (int, float)}
            assert isinstance(value, types[str(kind)]), (value, schema)
            assert value in schema.get("enum", [value])


def test_a_client_written_from_the_shared_description_alone_completes_the_round_trip(city: Front) -> None:
    if not DESCRIBED.exists():
        pytest.skip("the shared data are not beside this checkout")
    yaml = pytest.importorskip("yaml")
    client = Client(city, yaml.safe_load(DESCRIBED.read_text("utf-8")))
    offered = client.call("get", "/services.{response_format}")
    lamp = next(one for one in offered if "lamp" in one["keywords"].split(","))
    asked = client.call("get", "/services/{service_code}.{response_format}", service_code=lamp["service_code"])
    answers = [
        f"{one['code']}:{one['values'][0]['key']}"
        for one in sorted(asked["attributes"], key=lambda one: one["order"])
        if one["required"] and one["datatype"] == "singlevaluelist"
    ]
    (made,) = client.call(
        "post",
        "/requests.{response_format}",
        service_code=lamp["service_code"],
        lat=48.05,
        long=16.1,
        address_string="Mill Lane 3",
        attribute=answers,
    )
    (named,) = client.call("get", "/tokens/{token_id}.{response_format}", token_id=made["token"])
    assert named["service_request_id"] == made["service_request_id"]
    path = "/request/{service_request_id}.{response_format}"
    (seen,) = client.call("get", path, service_request_id=named["service_request_id"])
    assert (seen["status"], seen["service_code"], seen["lat"], seen["long"]) == ("open", "street-light", 48.05, 16.1)
    city.staff("close", seen["service_request_id"], text="It burns again")
    listed = client.call("get", "/requests.{response_format}", status="closed", service_code=lamp["service_code"])
    assert [(one["service_request_id"], one["status_notes"]) for one in listed] == [
        (made["service_request_id"], "It burns again")
    ]


@settings(max_examples=40, deadline=None)
@given(
    st.recursive(
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.text(max_size=12).map(lambda it: reporting.texts.plain(it, "x", 99, least=0, lines=True)),
        ),
        lambda inner: st.dictionaries(st.sampled_from(["code", "description", "lat"]), inner, min_size=1, max_size=3),
        max_leaves=6,
    )
)
def test_whatever_text_was_let_in_xml_can_say(value: Any) -> None:
    whole = {"code": value}
    assert read(etree.fromstring(written("request", whole, "xml"))) == as_text(whole)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.dictionaries(
        st.sampled_from(
            [
                "service_code",
                "lat",
                "long",
                "description",
                "attribute[fault]",
                "attribute",
                "email",
                "lang",
                "radius",
                "page",
            ]
        ),
        st.text(max_size=20),
        max_size=6,
    ),
    form=st.sampled_from(["json", "xml"]),
)
def test_whatever_is_asked_is_answered_in_its_format(city: Front, said: dict[str, str], form: str) -> None:
    query = urlencode({name: value.encode("utf-8", "replace") for name, value in said.items()})
    for answer in (
        city.door("GET", f"/open311/v2/requests.{form}?{query}"),
        city.door("POST", f"/open311/v2/requests.{form}?{query}", {}),
    ):
        assert answer.status < 500
        assert json.loads(answer.body) is not None if form == "json" else etree.fromstring(answer.body) is not None


def test_a_secret_key_may_come_this_way_too(city: Front) -> None:
    (told,) = json.loads(post(city, LAMP | {"key": key(5)}).body)
    assert city.ask("receipt", key=key(5))["id"] == told["service_request_id"]
