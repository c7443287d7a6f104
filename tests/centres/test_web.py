"""The page as it is first sent: whole without scripts, closed to what the city's data may hold, kind when it fails."""

import posixpath
import re
from html.parser import HTMLParser

import msgspec
import pytest

from hansa.centres import web
from hansa.errors import BadRequest, Busy

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{7*7}}"


def snapshot(_sight=None, **more):
    station = {
        "id": "urn:ngsi-ld:WeatherObserved:7",
        "type": "WeatherObserved",
        "name": "Orchard 7",
        "location": {"type": "Point", "coordinates": [11.0, 46.4]},
        "temperature": {"value": -1.25, "unitCode": "CEL", "observedAt": "2026-04-12T20:58:00Z"},
    }
    alert = {
        "id": "urn:ngsi-ld:Alert:1",
        "type": "Alert",
        "severity": "high",
        "subCategory": "frost",
        "status": "open",
        "alertSource": {"object": station["id"]},
        "description": "Frost before dawn.",
        "dateIssued": "2026-04-12T20:00:00Z",
    }
    return {
        "alerts": [alert],
        "stations": [station],
        "now": "2026-04-12T21:00:00Z",
        "simulated": True,
        "rate": 60,
    } | more


@pytest.fixture
def client(browse):
    def made(shown=snapshot, **look):
        return browse(web.routes(shown, web.Look(**look)))

    return made


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_the_page_lists_stations_and_alarms_before_any_script_runs(client):
    text = client().get("/").text
    body = re.sub(r"<[^>]+>|\s+", " ", re.split(r"<body[^>]*>", text)[1])
    flat = re.sub(r"\s+", " ", body)
    for words in (
        "Orchard 7",
        "−1.3 °C",
        "2 min",
        "Frost",
        "High",
        "Frost before dawn.",
        "60 min ago",
        "1 station, newest 2 min ago",
    ):
        assert words in flat
    assert "simulated ×60" in flat


def test_a_city_on_wall_time_is_not_called_simulated(client):
    text = client(lambda _sight: snapshot(simulated=False)).get("/").text
    assert "simulated ×" not in text


def test_an_empty_city_says_what_to_do_next(client):
    text = client(lambda _sight: snapshot(alerts=[], stations=[])).get("/").text
    assert "No station yet" in text
    assert "hansa device add" in text
    assert "No open alarm" in text


@pytest.mark.parametrize(
    "place",
    ["name", "type", "id", "unit", "attribute", "description", "severity", "subCategory", "city"],
)
def test_nothing_that_the_city_says_becomes_markup(client, place):
    shown, look = snapshot(), {}
    station, alert = shown["stations"][0], shown["alerts"][0]
    if place in {"name", "type"}:
        station[place] = HOSTILE
    elif place == "id":
        station["id"] = alert["id"] = alert["alertSource"]["object"] = f"urn:x:{HOSTILE}"
    elif place == "unit":
        station["temperature"]["unitCode"] = HOSTILE
    elif place == "attribute":
        station[HOSTILE] = station.pop("temperature")
    elif place == "city":
        look["city"] = HOSTILE
    else:
        alert[place] = HOSTILE
    answer = client(lambda _sight: shown, **look).get("/")
    tags = Tags(answer.text).found
    assert "img" not in [tag for tag, _ in tags]
    assert not [name for _, attrs in tags for name in attrs if name.startswith("on")]
    assert "49" not in re.findall(r"&amp;(\{\{7\*7\}\}|49)", answer.text)
    scripts = [attrs for tag, attrs in tags if tag == "script"]
    assert [one.get("type") for one in scripts] == [None, "application/json", "module"]
    assert all(one.get("src", "/static/").startswith("/static/") for one in scripts)


def test_the_settings_reach_the_script_as_data_and_cannot_end_it(client):
    text = client(city="</script><b>", zone="Europe/Rome", tiles="/tiles/{z}/{x}/{y}.png").get("/").text
    data = re.search(r'<script type="application/json" id="look">(.*?)</script>', text, re.DOTALL)[1]
    assert "<" not in data
    config = msgspec.json.decode(data)
    assert (config["city"], config["zone"], config["tiles"]) == (
        "</script><b>",
        "Europe/Rome",
        "/tiles/{z}/{x}/{y}.png",
    )
    assert config["words"]["units"]["CEL"] == "°C"


def test_the_policy_allows_only_what_came_with_the_page(client):
    headers = client().get("/").headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


def test_no_script_or_style_stands_in_the_page_itself(client):
    tags = Tags(client().get("/").text).found
    assert not [tag for tag, attrs in tags if tag == "style" or "style" in attrs]
    assert not [
        attrs
        for tag, attrs in tags
        if tag == "script" and "src" not in attrs and attrs.get("type") != "application/json"
    ]


def test_everything_that_the_page_names_is_there(client):
    here = client()
    named = [
        attrs.get("src") or attrs.get("href")
        for tag, attrs in Tags(here.get("/").text).found
        if tag in {"script", "link"} and attrs.get("rel") != "service-desc"  # which the front door answers
    ]
    named = [address for address in named if address]
    assert len(named) >= 6
    for address in named:
        answer = here.get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["cache-control"]


def test_every_module_that_a_module_imports_is_there(client):
    here = client()
    seen = set()
    for path in ("/", "/entities", "/entities/x", "/subscriptions", "/contexts"):
        todo = [re.search(r'type="module" src="([^"]+)"', here.get(path).text)[1]]
        while todo:
            address = todo.pop()
            if address in seen:
                continue
            seen.add(address)
            answer = here.get(address)
            assert answer.status_code == 200, address
            if "/vendor/" not in address:
                named = re.findall(r'(?:from|import\()\s*"(\.{1,2}/[^"]+)"', answer.text)
                todo += [posixpath.normpath(posixpath.join(posixpath.dirname(address), name)) for name in named]
    assert any(address.endswith("uPlot.esm.js") for address in seen)
    assert any(address.endswith("maplibre-gl.mjs") for address in seen)


def test_tiles_of_another_host_open_the_policy_for_that_host_alone(client):
    headers = client(tiles="https://user:pw@tiles.example.org:8443/{z}/{x}/{y}.png").get("/").headers
    policy = headers["content-security-policy"]
    assert "connect-src 'self' https://tiles.example.org:8443;" in policy
    assert "script-src 'self';" in policy
    assert "pw" not in policy


@pytest.mark.parametrize(
    "tiles",
    [
        "javascript:alert(1)",
        "//tiles.example.org/{z}",
        "ftp://a/{z}",
        "https://",
        "https://a;script-src */{z}",
        "tiles/{z}",
        "https://a b/",
    ],
)
def test_an_address_that_is_none_is_refused_at_the_start(tiles):
    with pytest.raises(BadRequest, match="no address of tiles"):
        web.Look(tiles=tiles)


def test_an_unknown_kind_of_tiles_is_refused():
    with pytest.raises(BadRequest, match="tiles_kind"):
        web.Look(tiles_kind="gif")


def test_a_city_that_cannot_be_read_still_gets_a_page_that_says_so(client):
    def busy(_sight):
        raise Busy("the store is busy", mend="wait a second")

    answer = client(busy).get("/")
    assert answer.status_code == 503
    assert "the store is busy" in answer.text
    assert "wait a second" in answer.text
    assert "No station yet" not in answer.text


def test_a_fault_of_ours_tells_people_nothing_of_our_insides(client):
    def broken(_sight):
        raise KeyError("secret of the store")

    answer = client(broken).get("/")
    assert answer.status_code == 500
    assert "could not be read" in answer.text
    assert "secret" not in answer.text


def test_a_snapshot_that_lacks_its_parts_is_a_fault_and_no_empty_city(client):
    answer = client(lambda _sight: {"stations": []}).get("/")
    assert answer.status_code == 500
    assert "No station yet" not in answer.text


def test_a_very_long_list_is_cut_and_says_so(client):
    many = [snapshot()["stations"][0] | {"id": f"urn:x:{n}"} for n in range(700)]
    text = client(lambda _sight: snapshot(stations=many)).get("/").text
    assert text.count("<tr>") == 501
    assert "and 200 more" in text
    assert "700 stations" in text


@pytest.mark.parametrize(("language", "direction"), [("ar", "rtl"), ("he-IL", "rtl"), ("en", "ltr"), ("pt-BR", "ltr")])
def test_the_page_is_written_in_the_direction_of_its_language(client, language, direction):
    assert f'<html lang="{language}" dir="{direction}">' in client(language=language).get("/").text


def test_the_city_time_may_come_in_microseconds(client):
    text = client(lambda _sight: snapshot(now=1_776_027_600_000_000)).get("/").text
    assert "2026-04-12 21:00 UTC" in text


def test_the_page_can_only_be_read(client):
    here = client()
    assert here.post("/").status_code == 405
    assert here.head("/").status_code == 200
