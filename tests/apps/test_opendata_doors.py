"""Files that stay where they are, feeds, counts, requests for data: what anybody asks at the addresses below /data."""

import csv
import io
import json
from xml.etree import ElementTree as ET

import pytest
from opendata_given import STAFF, agreed, body_of, city, header, proposed, stations, weather

from hansa import NotFound, Refusal, entity, sheets
from hansa.analytics.acts import Visit
from hansa.apps.opendata import doors, schema, usage
from hansa.apps.opendata.published import PREFIX, Published

WEATHER = f"{PREFIX}weather-now"


def test_a_release_comes_in_every_form_and_says_where_it_stays() -> None:
    here = weather()
    answer = here.ask("GET", "/data/weather-now.csv")
    rows = list(csv.DictReader(io.StringIO(body_of(answer).decode("utf-8-sig"))))
    assert [row["temperature"] for row in rows] == ["1.5", "2.5", "3.5", "4.5", "5.5", "6.5"]
    assert header(answer, "content-location") == "/data/weather-now/1.csv"
    assert header(answer, "access-control-allow-origin") == "*"
    assert 'rel="describedby"' in header(answer, "link")
    assert body_of(here.ask("GET", "/data/weather-now.parquet"))[:4] == b"PAR1"
    assert len(json.loads(body_of(here.ask("GET", "/data/weather-now.json")))) >= 1
    places = json.loads(body_of(here.ask("GET", "/data/weather-now.geojson")))
    assert places["type"] == "FeatureCollection"
    assert places["features"][0]["geometry"]["type"] == "Point"
    assert body_of(here.ask("GET", "/data/weather-now.xlsx"))[:2] == b"PK"
    fixed = here.ask("GET", "/data/weather-now/1.csv")
    assert body_of(fixed) == body_of(answer)
    assert "immutable" in header(fixed, "cache-control")


@pytest.mark.parametrize(
    "address",
    [
        "/data/weather-now.exe",
        "/data/weather-now/2.csv",
        "/data/nothing.csv",
        "/data/nothing",
        "/data/weather-now/1.exe",
        "/data/feed.json",
        "/data/%2e%2e.csv",
        "/data/nothing/preview",
    ],
)
def test_what_is_not_there_is_a_404(address: str) -> None:
    with pytest.raises(NotFound) as fault:
        weather().ask("GET", address)
    assert fault.value.status == 404


def test_what_waits_for_approval_is_nowhere() -> None:
    here = city()
    stations(here)
    proposed(here, "secret", proposal="weather-now")
    for address in (
        "/data/secret.csv",
        "/data/secret",
        "/data/secret.ttl",
        "/data/secret/1.csv",
        "/data/secret/preview",
        "/data/secret.schema.json",
    ):
        with pytest.raises(NotFound):
            here.ask("GET", address)
    assert b"secret" not in here.ask("GET", "/data/catalog.ttl").body
    assert b"secret" not in here.ask("GET", "/data/feed.atom").body


def test_a_spreadsheet_runs_nothing_that_came_through_the_door() -> None:
    here = city()
    for n, name in enumerate(("=1+1", "+49 1", "-2+3", "@SUM(A1)", '=HYPERLINK("http://evil")', "plain")):
        one = entity("Bench", f"b{n}", name=name)
        one.label = "open"
        here.say(one)
    source = {"kind": "entities", "type": "Bench", "attributes": ["name"]}
    agreed(
        here,
        proposed(
            here, "benches", source=source, guard={"kind": "open"}, steps=[{"do": "keep", "columns": ["name"]}]
        ).id,
    )
    text = body_of(here.ask("GET", "/data/benches.csv")).decode("utf-8-sig")
    for row in csv.reader(io.StringIO(text)):
        assert row[0][0] not in "=+-@\t\r", row
    made = sheets.read(
        body_of(here.ask("GET", "/data/benches.xlsx")),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    )
    assert "=1+1" in {str(cell) for row in made[0].rows for cell in row}  # a text, no formula


def test_machines_get_rdf_and_people_their_page() -> None:
    here = weather()
    page = here.ask(
        "GET", "/data/weather-now", headers={"Accept": "text/html,*/*;q=0.8", "Accept-Language": "fr-CH,de;q=0.5"}
    )
    assert (page.status, header(page, "location")) == (303, "/fr/data/weather-now")
    assert header(here.ask("GET", "/data/catalog"), "location") == "/en/data"
    for accept, kind in (
        ("text/turtle", "text/turtle"),
        ("application/ld+json", "application/ld+json"),
        ("text/html;q=0.1, text/turtle;q=0.9", "text/turtle"),
    ):
        answer = here.ask("GET", "/data/catalog", headers={"Accept": accept})
        assert (answer.status, answer.kind.decode().split(";")[0]) == (200, kind)
    assert doors.preferred("text/turtle;q=x, text/html") == ""
    assert doors.preferred("," * 5_000) == ""


def test_the_data_dictionary_is_table_schema_and_csvw_at_once() -> None:
    told = json.loads(weather().ask("GET", "/data/weather-now.schema.json").body)
    fields = {field["name"]: field for field in told["fields"]}
    assert fields["temperature"] == {
        "name": "temperature",
        "type": "number",
        "description": "Air temperature",
        "unit": "°C",
        "constraints": {"minimum": -50, "maximum": 60},
    }
    columns = {column["name"]: column for column in told["tableSchema"]["columns"]}
    assert columns["temperature"]["datatype"] == {"base": "number", "minimum": -50, "maximum": 60}
    assert told["url"].endswith("/data/weather-now.csv")
    assert schema.schema(Published("bare", {}, {}, ""), "https://city.example")["fields"] == []


def test_a_preview_is_some_rows_and_no_more_than_some() -> None:
    here = weather()
    told = json.loads(here.ask("GET", "/data/weather-now/preview?limit=2&order=-temperature").body)
    assert (len(told["rows"]), told["more"], told["total"]) == (2, True, 6)
    names = [column["name"] if isinstance(column, dict) else column for column in told["columns"]]
    assert told["rows"][0][names.index("temperature")] == 6.5
    for bad in ("limit=0", "limit=1000", "limit=x", "offset=-1"):
        with pytest.raises(Refusal):
            here.ask("GET", f"/data/weather-now/preview?{bad}")
    with pytest.raises(Exception, match="column"):
        here.ask("GET", "/data/weather-now/preview?order=nothing")


def test_feeds_tell_releases_notes_and_withdrawals() -> None:
    here = weather()
    here.act("note", WEATHER, text="Station 3 was <moved> & cleaned", **STAFF)
    atom = ET.fromstring(here.ask("GET", "/data/feed.atom").body)
    space = "{http://www.w3.org/2005/Atom}"
    entries = atom.findall(f"{space}entry")
    assert {one.findtext(f"{space}content") for one in entries} == {"First release", "Station 3 was <moved> & cleaned"}
    assert all(one.findtext(f"{space}id") and one.findtext(f"{space}updated") for one in entries)
    rss = ET.fromstring(here.ask("GET", "/data/feed.rss?lang=fr").body)
    assert next(one.findtext("title") for one in rss.iter("item")).startswith("Stations météo")
    assert all(one.findtext("pubDate").endswith("+0000") for one in rss.iter("item"))
    here.act("withdraw", WEATHER, why="wrong", **STAFF)
    again = here.ask("GET", "/data/feed.atom").body
    assert b"was withdrawn" in again
    assert b"First release" not in again


def test_downloads_are_counted_and_nobody_is_kept() -> None:
    here = weather()
    for agent in ("Mozilla", "Mozilla", "Googlebot/2.1"):
        here.ask("GET", "/data/weather-now.csv", headers={"User-Agent": agent}, client="198.51.100.7")
    here.ask("GET", "/data/weather-now.csv", headers={"Range": "bytes=100-200"})
    here.ask("HEAD", "/data/weather-now.csv")
    here.ask("GET", "/api/3/action/package_show?id=weather-now")
    here.turn(seconds=120)
    here.ask("GET", "/data/weather-now.json")
    told = here.view("usage", {"id": WEATHER}, by="person:ada", roles=("auditor",))
    assert told["days"] == [{"day": "2026-04-10", "downloads": {"csv": 2, "json": 1}, "api": 1, "bots": 1}]
    assert told["total"] == {"month": 3, "all": 3, "api": 1}
    kept = here.find("DatasetUsage")
    assert len(kept) == 1
    assert "198.51.100" not in json.dumps(kept[0].doc)
    assert here.view("figures", by="")["downloads"]["all"] == 3


def test_counts_are_sums_so_that_saying_them_twice_is_nothing() -> None:
    one = usage.Counts()
    for _ in range(3):
        one.add("a", 1_775_844_000_000_000, "csv")
    first = one.due(10**15)
    assert [it["days"] for it in first] == [{"2026-04-10": {"csv": 3}}]
    assert one.due(10**15 + 1) == []
    one.add("a", 1_775_844_000_000_000, "csv")
    assert one.due(10**15 + 61_000_000)[0].id == first[0].id
    other = usage.Counts()
    assert other.name != one.name


def test_data_is_asked_for_looked_at_supported_and_answered() -> None:
    here = weather()
    here.act("request-data", title="Noise by street", text="Where is it loud?", theme="ENVI", by="")
    here.act("request-data", title="Noise by street", text="Where is it loud?", theme="ENVI", by="")
    one = here.find("DataRequest")[0]
    assert len(here.find("DataRequest")) == 1
    assert here.view("data-requests", by="")["requests"] == []
    with pytest.raises(NotFound):
        here.act("support-request", one.id, by="")
    here.act("answer-request", one.id, status="open", **STAFF)
    for address in ("a", "b", "b", "a"):
        here.act("support-request", one.id, by="", visit=Visit(address, "https://city.example"))
    assert here.view("data-requests", by="")["requests"][0]["votes"] == 3
    with pytest.raises(NotFound):
        here.act("answer-request", one.id, status="published", dataset="nothing", **STAFF)
    here.act("answer-request", one.id, status="published", dataset="weather-now", answer={"en": "Here it is"}, **STAFF)
    told = here.view("data-requests", {"lang": "en"}, by="")["requests"][0]
    assert (told["status"], told["answer"], told["dataset"]) == ("published", "Here it is", "weather-now")
    assert "visitor" not in told
    with pytest.raises(Refusal):
        here.act("support-request", one.id, by="")


def test_an_address_asks_three_times_a_day() -> None:
    here = weather()
    for n in range(3):
        here.act("request-data", title=f"Something {n}", by="")
    with pytest.raises(Refusal, match="a day"):
        here.act("request-data", title="Something more", by="")
    here.act("request-data", title="Something more", by="", visit=Visit("other", ""))
    for bad in ({"title": "x"}, {"title": "y" * 500}, {"title": "Long enough", "theme": "NONE"}, {"title": ["no"]}):
        with pytest.raises(Refusal):
            here.act("request-data", by="", visit=Visit("third", ""), **bad)


def test_a_large_catalogue_comes_in_pages() -> None:
    here = weather()
    first = here.get(WEATHER)
    for n in range(120):
        said = {
            name: first.get(name)
            for name in (
                "title",
                "licence",
                "publisher",
                "contactPoint",
                "table",
                "columns",
                "version",
                "rows",
                "modified",
                "issued",
            )
        }
        here.say(entity("Dataset", f"copy-{n:03d}", status="published", **said))
    answer = here.ask("GET", "/data/catalog.ttl?page=2")
    assert 'rel="prev"' in header(answer, "link")
    assert b"page=2" in answer.body
    assert answer.body.count(b"dcat:Dataset ;") == 21
    with pytest.raises(NotFound):
        here.ask("GET", "/data/catalog.ttl?page=3")
