"""The solutions bank for everybody: every language, hostile words as text, what is handed in, what cannot be told."""

import asyncio
import re
from urllib.parse import urlencode

import pytest
from told_town import BadRequest, ToldTown

from hansa.centres.catalogue import LANGUAGES
from hansa.errors import Busy, TooMany

ID = "urn:ngsi-ld:Solution:lamps"
HOSTILE = "</script><script>alert(1)</script>{{7*7}}"
OURS = ((b"sec-fetch-site", b"same-origin"), (b"content-type", b"application/x-www-form-urlencoded"))
LAMPS = {
    "id": ID, "kind": "project", "name": "Lamps that dim", "summary": "They dim.", "language": "en", "theme": "energy",
    "need": "power for lamps", "maturity": "running", "licence": "CC-BY-4.0",
    "cost": {"capital": 200_000, "yearly": 4_000, "currency": "EUR", "year": 2024},
    "effects": [{"framework": "u4ssc", "code": "EN: E: E: 2C", "unit": "kWh", "change": -35, "perYears": 2,
                 "evidence": "measured", "source": "meters"}],
    "standards": ["DALI"], "runsIn": [{"city": "Brodno", "country": "Slovakia"}],
    "contact": {"name": "Town works", "url": "https://brodno.example/x", "email": "works@brodno.example"},
    "origin": {"city": "Brodno"},
}  # fmt: skip
FROST = {
    "id": "urn:ngsi-ld:Solution:app-frost", "kind": "app", "name": "frost", "summary": "Warns.", "language": "en",
    "theme": "agriculture", "need": "frost", "maturity": "running", "licence": "Apache-2.0", "measured": [
        {"framework": "u4ssc", "code": "A", "unit": "%", "change": None, "nBefore": 0, "nAfter": 0, "said": "x"},
        {"framework": "u4ssc", "code": "B", "unit": "%", "change": 2.5, "nBefore": 3, "nAfter": 1, "said": "x"}],
}  # fmt: skip
FORM = {
    "name": "Ponds",
    "need": "rain",
    "summary": "Ponds.",
    "theme": "water",
    "maturity": "idea",
    "licence": "CC0-1.0",
}


@pytest.fixture
def town():
    made = ToldTown()
    made.answers["solutions/catalogue"] = {"total": 2, "solutions": [LAMPS, FROST], "facets": {}, "how": ""}
    made.answers["solutions/entry"] = LAMPS
    return made


def get(town, path):
    where, _, query = path.partition("?")
    return asyncio.run(town.answer("GET", where, query=query.encode()))


def post(town, path, said, headers=OURS):
    return asyncio.run(town.answer("POST", path, body=urlencode(said).encode(), headers=headers))


def plain(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.split(r"<main[^>]*>", answer.body.decode())[1]))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "page", ["solutions", "solutions?q=lamps&theme=energy", f"solutions/{ID}", "solutions/hand-in"]
)
def test_every_page_is_there_in_every_language(town, page, language):
    answer = get(town, f"/{language}/{page}")
    assert answer.status == 200, answer.body[-300:]
    assert f'<html lang="{language}"' in answer.body.decode()
    assert "style=" not in answer.body.decode().split("<main")[1]


def test_a_search_is_asked_of_the_app_and_its_pages_are_led_through(town):
    town.answers["solutions/catalogue"]["total"] = 45
    text = get(town, "/en/solutions?q=lamps&theme=energy&evidence=rumour&page=2").body.decode()
    asked = {"q": "lamps", "theme": "energy", "limit": "20", "offset": "20"}
    assert ("solutions", "catalogue", asked) in town.asked
    assert 'href="/en/solutions?q=lamps&amp;theme=energy&amp;page=3"' in text
    assert 'href="/en/solutions?q=lamps&amp;theme=energy" rel="prev"' in text
    for wrong in ("0", "x", "-1", "99999"):
        assert get(town, f"/en/solutions?page={wrong}").status == 400
    assert get(town, "/en/solutions?page=9999").status == 404
    assert get(town, "/en/solutions/x/y").status == 404


def test_an_entry_says_how_its_effect_is_known_and_what_it_cost(town):
    told = plain(get(town, f"/en/solutions/{ID}"))
    for words in (
        "−35 kWh",
        "within 2 years",
        "Measured",
        "200,000 EUR once, 4,000 EUR a year",
        "prices of 2024",
        "Brodno",
    ):
        assert words in told
    town.answers["solutions/entry"] = FROST
    told = plain(get(town, "/en/solutions/urn:ngsi-ld:Solution:app-frost"))
    assert "Not measured yet." in told
    assert "+2.5 % since it is here (values before: 3, since: 1)" in told


def test_what_others_wrote_is_text_and_nothing_that_runs(town):
    for name in ("name", "summary", "need", "licence", "theme"):
        town.answers["solutions/entry"] = LAMPS | {name: HOSTILE}
        text = get(town, f"/en/solutions/{ID}").body.decode()
        assert "<script>alert(1)" not in text
        town.answers["solutions/catalogue"]["solutions"] = [LAMPS | {name: HOSTILE}]
        assert "<script>alert(1)" not in get(town, "/en/solutions").body.decode()


def test_a_bank_that_cannot_answer_says_so(town):
    town.answers["solutions/catalogue"] = Busy("later")
    assert "try again" in plain(get(town, "/en/solutions")).lower()
    town.answers["solutions/catalogue"] = {"total": 0, "solutions": []}
    assert "not listed anything" in plain(get(town, "/en/solutions"))
    assert "Nothing fits" in plain(get(town, "/en/solutions?q=x"))
    del town.answers["solutions/entry"]
    assert get(town, f"/en/solutions/{ID}").status == 404


def test_what_is_handed_in_goes_to_the_app_and_what_it_refuses_comes_back(town):
    answer = post(town, "/fr/solutions/hand-in", FORM | {"contact": "Ada", "url": "https://a.example"})
    assert dict(answer.headers)[b"location"] == b"/fr/solutions?done=1"
    ((app, act, _, said, _),) = town.done
    assert (app, act) == ("solutions", "submit")
    contact = {"name": "Ada", "url": "https://a.example"}
    assert said == FORM | {"kind": "project", "language": "fr", "contact": contact}
    town.refuses = BadRequest("too long", where="name")
    answer = post(town, "/en/solutions/hand-in", FORM)
    assert (answer.status, 'value="Ponds"' in answer.body.decode()) == (400, True)
    town.refuses = TooMany("5 a day")
    assert post(town, "/en/solutions/hand-in", FORM).status == 429
    assert post(town, "/en/solutions", FORM).status == 404
    assert post(town, "/en/solutions/hand-in", FORM, headers=((b"sec-fetch-site", b"cross-site"),)).status == 403
