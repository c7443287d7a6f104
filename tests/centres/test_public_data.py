"""The data pages of the public site, as it is told of the data: addresses, forms, faults, and nothing that runs."""

import asyncio
import re

import pytest
from told_town import BadRequest, NotFound, ToldTown

from hansa.centres.catalogue import LANGUAGES
from hansa.errors import HansaError, Refusal

EVIL = "<script>alert(1)</script>\"'>"
CARD = {
    "id": "weather", "title": f"Weather {EVIL}", "description": "Stations.", "theme": ["ENVI"], "licence": "CC_BY_4_0",
    "publisher": "City", "modified": "2026-04-12T08:00:00Z", "rows": 2_940, "formats": ["csv", "json"], "stale": True,
    "version": 2, "keywords": ["rain"],
}  # fmt: skip
CATALOGUE = {
    "datasets": [CARD], "total": 21, "page": 1, "more": True,
    "facets": {"theme": [{"key": "ENVI", "name": "Environment", "count": 20}, {"key": "TRAN", "name": "Transport",
               "count": 1}], "publisher": [], "tag": [{"key": EVIL, "name": EVIL, "count": 2}]},
}  # fmt: skip
DATASET = CARD | {
    "columns": [{"name": "t", "type": "number", "unit": "°C", "says": EVIL, "low": 1.5, "high": 2.25, "nulls": 3}],
    "releases": [{"version": 2, "at": "2026-04-12T08:00:00Z", "rows": 9, "size": 11_114, "note": EVIL,
                  "changes": {"added": ["t"], "gone": ["u"], "rows": -4}, "urls": {"csv": "/data/weather/2.csv"}}],
    "notes": [{"at": "2026-04-12T08:00:00Z", "version": 2, "text": EVIL}],
    "quality": {"completeness": 0.5}, "guard": {"kind": "rows", "k": 5}, "usage": {"month": 3, "all": 9},
    "licence": {"code": "CC_BY_4_0", "uri": "https://creativecommons.org/licenses/by/4.0/", "name": "CC BY 4.0"},
    "contact": {"email": "a@b.example"}, "period": ["2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z"], "place": "Valley",
    "downloads": [{"form": "csv", "kind": "text/csv", "url": "/data/weather.csv"}],
    "services": [{"kind": "features", "title": "OGC API Features", "url": "/ogc/features/collections/weather"}],
}  # fmt: skip
PREVIEW = {"columns": [{"name": "t", "type": "number"}, {"name": "x", "type": "text"}], "rows": [[1.2345, EVIL]]}
PLOT = {
    "spec": {"d": "weather", "plot": "line", "x": "time", "y": "t", "agg": "mean", "f": "t>1;name=a;;b"},
    "plot": "line",
    "dataset": {"id": "weather", "title": f"Weather {EVIL}", "version": 2, "licence": "CC_BY_4_0", "publisher": "City"},
    "joined": None,
    "axes": {"x": {"name": "time", "type": "time", "unit": "", "at": 0, "bin": "day"},
             "y": {"name": "t", "unit": "°C", "agg": "mean", "at": 1}, "by": None, "lat": None},
    "columns": [{"name": "time", "type": "time"}, {"name": "mean of t", "type": "number"}],
    "rows": [["2026-01-01T00:00:00Z", 1.0], ["2026-01-02T00:00:00Z", 2.0]],
    "series": [], "more": False, "hidden": False, "sampled": False, "of": 48,
    "choices": {"columns": [{"name": "time", "type": "time", "unit": "", "table": 0},
                            {"name": EVIL, "type": "number", "unit": "", "table": 0}],
                "datasets": [{"id": "weather", "title": "W"}, {"id": "stations", "title": EVIL}]},
}  # fmt: skip
ASKED = {"requests": [{"id": "urn:ngsi-ld:DataRequest:1", "title": EVIL, "text": EVIL, "status": "open", "votes": 2,
                       "at": "2026-04-11T08:00:00Z", "answer": EVIL, "dataset": ""}], "more": False}  # fmt: skip


@pytest.fixture
def town():
    one = ToldTown()
    one.answers |= {
        "opendata/catalogue": CATALOGUE, "opendata/dataset": DATASET, "opendata/preview": PREVIEW,
        "opendata/explore": PLOT, "opendata/data-requests": ASKED,
        "opendata/words": {"themes": [{"key": "ENVI", "name": "Environment"}]},
    }  # fmt: skip
    return one


@pytest.fixture
def get(town):
    def ask(path, status=200):
        where, _, query = path.partition("?")
        found = asyncio.run(town.answer("GET", where, query=query.encode()))
        assert found.status == status, (found.status, found.body[:300])
        return found.body.decode() if status != 303 else dict(found.headers)[b"location"].decode()

    return ask


@pytest.fixture
def post(town):
    def send(path, body, headers=((b"sec-fetch-site", b"same-origin"),)):
        kind = [(b"content-type", b"application/x-www-form-urlencoded"), *headers]
        return asyncio.run(town.answer("POST", path, body=body, headers=kind))

    return send


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["data", "data/weather", "data/explore?d=weather", "data/requests"])
def test_every_data_page_is_there_in_every_language_and_nothing_that_was_written_runs(get, language, path):
    body = get(f"/{language}/{path}")
    assert "<script>alert" not in body
    assert "alert(1)" in body  # it is shown as it was written
    assert not re.search(r"\sstyle=|\son\w+=", body)
    assert f'lang="{language}"' in body


def test_a_list_is_narrowed_and_widened_by_its_links(town, get):
    body = get("/en/data?q=rain&theme=ENVI&sort=title&format=csv")
    assert ("opendata", "catalogue", {"q": "rain", "theme": "ENVI", "format": "csv", "sort": "title", "page": "1",
            "lang": "en"}) in town.asked  # fmt: skip
    assert 'href="/en/data?q=rain&amp;format=csv&amp;sort=title" aria-current="true"' in body
    assert 'href="/en/data?q=rain&amp;theme=ENVI&amp;format=csv&amp;sort=title&amp;page=2"' in body
    assert "21 datasets" in body
    get("/en/data?page=0", 400)
    get("/en/data?page=x", 400)


def test_an_app_that_is_silent_leaves_the_pages_standing(town, get):
    for name in ("catalogue", "preview", "data-requests", "words"):
        del town.answers[f"opendata/{name}"]
    assert "cannot say this right now" in get("/en/data")
    assert "cannot say this right now" in get("/en/data/requests")
    assert "Take it along" in get("/en/data/weather")
    get("/en/data/weather/more", 404)


def test_a_form_without_script_leads_to_a_short_address(get):
    form = "d=weather&was=weather&go=1&plot=line&x=time&y=t&agg=mean&bin=&by=&c0=t&o0=%3E&v0=3"
    form += "&c1=name&o1=%3D&v1=a;b&c2=&o2=%3D&v2=&j=&on="
    assert get(f"/en/data/explore?{form}", 303) == (
        "/en/data/explore?d=weather&plot=line&x=time&y=t&agg=mean&f=t%3E3;name=a;;b"
    )
    assert get("/en/data/explore?d=weather&go=1&plot=bar&x=a&y=&agg=mean", 303).endswith("plot=bar&x=a&agg=count")
    assert get("/en/data/explore?d=other&was=weather&go=1&plot=bar&x=a", 303) == "/en/data/explore?d=other"
    assert get("/en/data/explore", 303) == "/en/data"


def test_a_plot_says_its_conditions_its_source_and_its_file(get):
    body = get("/en/data/explore?d=weather&plot=line&f=t%3E1;name=a;;b")
    assert 'value="a;b"' in body
    assert "CC BY 4.0" in body
    assert (
        "/desk/opendata/explore?d=weather&amp;plot=line&amp;x=time&amp;y=t&amp;agg=mean&amp;f=t%3E1;name=a;;b&amp;form=csv"
        in body
    )
    assert '<path class="line c0"' in body
    assert "<td>2026-01-01</td>" in body
    assert 'href="/en/data/explore?d=weather&amp;plot=line&amp;f=t%3E1;name=a;;b&amp;v=2"' in body  # it stays as it is


def test_what_cannot_be_is_left_out_and_said(town, get):
    town.answers["opendata/explore"] = Refusal("there is no column 'z'", where="y")
    get("/en/data/explore?d=weather&y=z", 400)
    town.answers["opendata/explore"] = NotFound("there is no dataset weather")
    get("/en/data/explore?d=weather", 404)


def test_people_ask_for_data_and_support_what_others_asked_for(town, post):
    done = post("/en/data/requests", b"do=ask&title=Bikes&text=By+hour&theme=&email=")
    assert (done.status, dict(done.headers)[b"location"]) == (303, b"/en/data/requests?done=asked")
    assert town.done[-1][:4] == ("opendata", "request-data", "", {"title": "Bikes", "text": "By hour"})
    assert post("/en/data/requests", b"do=support&id=urn:ngsi-ld:DataRequest:1").status == 303
    assert town.done[-1][:3] == ("opendata", "support-request", "urn:ngsi-ld:DataRequest:1")
    assert post("/en/data/requests", b"do=nothing").status == 404
    assert post("/en/data/weather", b"do=ask").status == 404
    assert (
        post("/en/data/requests", b"do=ask&title=a&text=b", headers=((b"sec-fetch-site", b"cross-site"),)).status == 403
    )


def test_a_request_that_is_refused_comes_back_as_it_was_filled_in(town, post):
    town.refuses = BadRequest("too many", where="title")
    told = post("/en/data/requests", b"do=ask&title=Bikes+%3Cb%3E&text=By+hour")
    assert told.status == 400
    assert b"Bikes &lt;b&gt;" in told.body
    assert b"too many" in told.body
    town.refuses = HansaError("ours")
    assert post("/en/data/requests", b"do=ask&title=Bikes&text=x").status == 500
