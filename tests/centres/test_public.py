"""The public site: what each page shows and hides, what forms do, and whose forms they are."""

import asyncio
import re
from html.parser import HTMLParser
from urllib.parse import quote, urlencode

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from told_town import ANSWERS, PAGES, BadRequest, NotFound, ToldTown, asked_for, warning

from hansa.centres.catalogue import LANGUAGES, catalogue
from hansa.errors import Busy, HansaError, TooMany
from hansa.trust.actors import Actor
from hansa.trust.labels import Sight

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{7*7}}"
OURS = ((b"sec-fetch-site", b"same-origin"), (b"content-type", b"application/x-www-form-urlencoded"))
KEY = "k" * 24
TOWN = ToldTown()


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def town():
    return ToldTown()


def get(town, path, **more):
    where, _, query = path.partition("?")
    return asyncio.run(town.answer("GET", where, query=query.encode(), **more))


def post(town, path, said, headers=OURS, **more):
    return asyncio.run(town.answer("POST", path, body=urlencode(said, doseq=True).encode(), headers=headers, **more))


def plain(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.split(r"<main[^>]*>", answer.body.decode())[1]))


def led(answer):
    assert answer.status == 303, answer.body
    return dict(answer.headers)[b"location"].decode()


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_there_in_every_language_whole_and_closed(town, page):
    for language in LANGUAGES:
        answer = get(town, f"/{language}/{page}")
        assert answer.status == (404 if page == "no-such-page" else 200), (language, answer.body[-300:])
        text, head = answer.body.decode(), dict(answer.headers)
        assert f'<html lang="{language}" dir="{catalogue(language).direction}"' in text
        assert head[b"content-language"] == language.encode()
        policy = head[b"content-security-policy"].decode()
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert head[b"cache-control"] == b"no-store"
        tags = Tags(text).found
        assert not [
            attrs
            for tag, attrs in tags
            if tag == "style" or "style" in attrs or any(name.startswith("on") for name in attrs)
        ]
        assert not [
            attrs
            for tag, attrs in tags
            if tag == "script" and "src" not in attrs and attrs.get("type") != "application/json"
        ]
        ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
        assert len(ids) == len(set(ids))
        assert len([tag for tag, _ in tags if tag == "h1"]) == 1


@pytest.mark.parametrize(
    "page", ["", "warnings", "report?service=lamp", "take-part/urn:ngsi-ld:Proposal:p1", "near?at=11.0,46.4"]
)
def test_another_language_is_the_same_place(town, page):
    text = get(town, f"/en/{page}").body.decode()
    assert f'href="/ja/{page}"' in text.replace("&amp;", "&").replace("%2C", ",")


def test_the_front_page_says_what_matters_now(town):
    said = plain(get(town, "/en/"))
    for words in (
        "Frost tonight",
        "Severe danger",
        "Water",
        "Does not work",
        "New pipes in Bridge Street",
        "Budget of the districts",
    ):
        assert words in said
    assert "Buses" not in said
    town.answers["warnings/current"]["warnings"] = []
    town.answers["requests/states"]["services"] = [{"id": "s", "names": {"en": "Water"}, "state": "works"}] * 3
    said = plain(get(town, "/en/"))
    assert "No warnings now" in said
    assert "All 3 services work" in said


def test_what_cannot_be_said_just_now_is_said_so_and_the_rest_is_shown(town):
    town.answers |= {"warnings/current": Busy("too slow"), "requests/states": NotFound("no such app")}
    answer = get(town, "/en/")
    assert answer.status == 200
    assert plain(answer).count("The city cannot say this right now") == 2
    assert "Budget of the districts" in plain(answer)
    empty = ToldTown()
    empty.answers = {}
    for page in ("", "warnings", "subscribe", "report", "near", "services", "works", "take-part", "street", "about"):
        assert get(empty, f"/ar/{page}").status == 200, page


def test_here_is_asked_for_by_the_place_in_the_address(town):
    said = plain(get(town, "/en/?at=11.05,46.05"))
    assert ("warnings", "current", {"lon": "11.05", "lat": "46.05"}) in town.asked
    assert "For your place." in said
    assert plain(get(town, "/en/?at=nowhere")).count("For your place.") == 0


def test_texts_of_people_bear_their_language_and_say_that_there_is_no_other(town):
    text = get(town, "/fr/").body.decode()
    assert '<span lang="en" dir="auto">Frost tonight</span> <span class="foreign">Seulement en anglais</span>' in text
    assert "<span>今夜は霜</span>" in get(town, "/ja/").body.decode()


@pytest.mark.parametrize(
    "page",
    [
        "",
        "warnings",
        "requests/R7KQ2M4HXCE",
        "r/t",
        "near",
        "take-part/urn:ngsi-ld:Proposal:p1",
        "report?service=lamp",
        "w/t",
    ],
)
def test_nothing_that_people_wrote_becomes_markup(town, page):
    def spoiled(value):
        if isinstance(value, dict):
            return {key: spoiled(one) for key, one in value.items()}
        if isinstance(value, list):
            return [spoiled(one) for one in value]
        codes = {
            "lamp",
            "open",
            "closed",
            "sent",
            "Actual",
            "warning",
            "singlevaluelist",
            "multivaluelist",
            "how",
            "often",
            "dark",
            "flicker",
        }
        return (
            HOSTILE
            if isinstance(value, str) and value not in codes and not re.match(r"\d{4}-\d\d-|/photos/", value)
            else value
        )

    town.answers = spoiled(town.answers)
    answer = get(town, f"/en/{page}")
    assert answer.status == 200
    tags = Tags(answer.body.decode()).found
    assert "img" not in [tag for tag, attrs in tags if not str(attrs.get("src", "")).startswith("/photos/")]
    assert not [name for _, attrs in tags for name in attrs if name.startswith("on")]
    assert all(attrs.get("src", "/static/").startswith("/static/") for tag, attrs in tags if tag == "script")
    assert not [attrs for _, attrs in tags if str(attrs.get("href", "")).startswith("javascript:")]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(max_size=40),
    st.text(max_size=40),
    st.sampled_from(["near", "street", "warnings", "subscribe", "report", "take-part", "requests", "w", "r", ""]),
)
def test_whatever_is_asked_the_answer_is_a_page(path, query, head):
    town = TOWN
    where = urlencode({"": path})[1:].replace("+", "%20")
    answer = asyncio.run(
        town.answer(
            "GET",
            f"/en/{head}/{where}",
            query=urlencode({"at": query, "page": query, "lon": query, "step": query}).encode(),
        )
    )
    assert answer.status in {200, 400, 404}
    assert b"<main" in answer.body


def test_an_address_with_a_parameter_twice_is_refused_in_words(town):
    answer = get(town, "/en/near?at=1,2&at=3,4")
    assert answer.status == 400
    assert "did not work" in plain(answer)


def test_a_fault_of_ours_is_a_page_too_and_tells_nothing(town):
    town.answers["requests/services"] = {"services": [{"code": "lamp"}], "groups": 7}
    answer = get(town, "/ja/report")
    assert answer.status == 500
    assert "こちらの不具合です" in plain(answer)
    assert "Traceback" not in answer.body.decode()


# ---- links in messages


def test_a_link_leads_to_its_page_in_the_language_of_whoever_it_was_sent_to(town):
    assert led(get(town, "/w/tok-1?confirmed", headers=((b"accept-language", b"fr"),))) == "/ja/w/tok-1?confirmed"
    assert led(get(town, "/r/tok-1", headers=((b"accept-language", b"fr"),))) == "/fr/r/tok-1"
    del town.answers["warnings/told"]
    assert led(get(town, "/w/forged", headers=((b"accept-language", b"es"),))) == "/es/w/forged"
    assert get(town, "/es/w/forged").status == 404


def test_looking_at_a_warning_confirms_nothing_and_one_button_does(town):
    text = get(town, "/ja/w/tok-1").body.decode()
    assert '<form method="post" action="/w/tok-1">' in text
    assert "読みました" in text
    assert town.done == []
    town.answers["warnings/told"]["state"] = "confirmed"
    assert "<form" not in get(town, "/ja/w/tok-1").body.decode()
    head = dict(get(town, "/ja/w/tok-1").headers)
    assert b"x-hansa-keep" not in head


def test_only_what_is_anybodys_may_be_kept_by_a_phone(town):
    kept = {page for page in PAGES if b"x-hansa-keep" in dict(get(town, f"/en/{page}").headers)}
    assert {"", "warnings", "report", "near", "services", "offline"} <= kept
    assert not kept & {
        "w/tok",
        "subscribe",
        "subscribe?manage=tok",
        "r/tok-1?sent=1",
        "no-such-page",
        "street?lon=11.0&lat=46.4",
    }
    mira = Sight("person:mira", classes=frozenset({"open"}), who=Actor("person:mira", roles=frozenset({"resident"})))
    assert b"x-hansa-keep" not in dict(get(town, "/en/take-part", sight=mira).headers)


# ---- forms


def test_a_report_is_sent_once_and_leads_to_its_own_link(town):
    said = {
        "service": "lamp",
        "key": KEY,
        "description": "Dark. ",
        "lat": "46,4",
        "lon": "11.05",
        "a.how": "flicker",
        "a.often": ["dusk", "night"],
        "email": " ",
    }
    assert led(post(town, "/fr/report", said)) == "/fr/r/tok-1?sent=1"
    ((app, act, ident, told, files),) = town.done
    assert (app, act, ident, files) == ("requests", "report", "", ())
    assert told == {
        "key": KEY,
        "service": "lamp",
        "description": "Dark.",
        "lon": 11.05,
        "lat": 46.4,
        "language": "fr",
        "anonymous": False,
        "attributes": {"how": "flicker", "often": ["dusk", "night"]},
    }
    assert ("requests", "receipt", {"key": KEY}) in town.asked


def test_a_report_that_is_refused_comes_back_with_what_was_filled_in(town):
    town.refuses = BadRequest("7.0 is outside the city", where="lon")
    answer = post(
        town,
        "/ja/report",
        {"service": "lamp", "key": KEY, "description": "まっくら", "lon": "7", "lat": "46.4", "a.how": "dark"},
    )
    text = answer.body.decode()
    assert answer.status == 400
    assert "場所がないか、市の外です。" in text
    assert "まっくら" in text
    assert f'name="key" value="{KEY}"' in text
    assert '<option value="dark" dir="auto" selected>' in text
    town.refuses = TooMany("20 an hour", 60)
    answer = post(town, "/ja/report", {"service": "lamp", "key": KEY, "description": "x"})
    assert answer.status == 429
    assert "1分待って" in plain(answer)


@pytest.mark.parametrize(
    ("lon", "lat"),
    [("east", "46"), ("11", ""), ("", "46"), ("nan", "46"), ("1e999", "46"), ("181", "46"), ("11", "91")],
)
def test_a_place_that_is_none_is_said_so(town, lon, lat):
    answer = post(town, "/en/report", {"service": "lamp", "key": KEY, "description": "x", "lon": lon, "lat": lat})
    assert answer.status == 400
    assert "The place is missing or is not in the city." in plain(answer)
    assert town.done == []


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ((b"sec-fetch-site", b"cross-site"),),
        ((b"sec-fetch-site", b"same-site"),),
        ((b"sec-fetch-site", b"none"),),
        ((b"origin", b"https://evil.example"), (b"host", b"city.example")),
        ((b"origin", b"null"), (b"host", b"city.example")),
        ((b"host", b"city.example"),),
    ],
)
def test_a_form_from_elsewhere_does_nothing(town, headers):
    kind = (b"content-type", b"application/x-www-form-urlencoded")
    for path in ("/en/report", "/en/subscribe", "/en/r/tok", "/en/take-part/urn:ngsi-ld:Proposal:p1", "/en/street"):
        answer = post(town, path, {"do": "support", "service": "lamp"}, headers=(*headers, kind))
        assert answer.status == 403, path
    assert town.done == []


def test_an_old_browser_of_this_city_may_post(town):
    headers = ((b"origin", b"https://city.example"), (b"host", b"city.example"), OURS[1])
    assert led(post(town, "/en/r/tok", {"do": "rate", "score": "4", "comment": "fine"}, headers=headers)) == "/en/r/tok"
    assert town.done == [("requests", "rate", "", {"token": "tok", "score": 4, "comment": "fine"}, ())]


def test_messages_about_a_report_are_stopped_on_its_page(town):
    assert b'value="stop"' not in get(town, "/en/r/tok").body
    town.answers["requests/follow"] = town.answers["requests/follow"] | {"written": True}
    assert b'value="stop"' in get(town, "/en/r/tok").body
    assert led(post(town, "/en/r/tok", {"do": "stop"})) == "/en/r/tok"
    assert town.done == [("requests", "stop", "", {"token": "tok"}, ())]


@pytest.mark.parametrize("odd", ["9" * 4_500, "000001" + "9" * 4_500, "\u0663", "0", "-1"])
def test_a_page_or_mark_that_is_no_small_whole_number_breaks_nothing(town, odd):
    assert get(town, f"/en/near?page={quote(odd)}").status == 400
    post(town, "/en/r/tok", {"do": "rate", "score": odd})
    assert town.done == [("requests", "rate", "", {"token": "tok", "score": odd}, ())], "the app refuses it"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{}", b"application/json"),
        (b'{"do": 5}', b"application/json"),
        (b"\xff\xfe", b"application/x-www-form-urlencoded"),
        (b"x", b"multipart/form-data"),
        (
            b"--b\r\nContent-Disposition: form-data; name=photos; filename=a.jpg\r\n\r\nnot a photo\r\n--b--\r\n",
            b"multipart/form-data; boundary=b",
        ),
        (b"", b"text/plain"),
        (b"a=1&" * 200, b"application/x-www-form-urlencoded"),
    ],
)
def test_a_broken_form_is_answered_with_a_page(town, body, kind):
    for path in ("/en/report", "/en/subscribe", "/en/r/tok", "/en/take-part/x", "/en/street", "/en/about"):
        answer = asyncio.run(
            town.answer("POST", path, body=body, headers=((b"sec-fetch-site", b"same-origin"), (b"content-type", kind)))
        )
        assert answer.status in {400, 404, 413, 415}, (path, answer.status)
        assert b"<main" in answer.body
    assert town.done == []


def test_somebody_subscribes_changes_and_leaves(town):
    said = {
        "do": "subscribe",
        "lon": "11",
        "lat": "46.4",
        "place": "Orchard",
        "radius_m": "5000",
        "hazards": ["frost", "flood"],
        "language": "ja",
        "email": "a@b.example",
        "push": '{"endpoint": "https://p.example/1"}',
        "groups": "growers",
        "from": "22:00",
        "until": "07:00",
    }
    assert led(post(town, "/ja/subscribe", said)) == "/ja/subscribe?step=code&id=urn%3Angsi-ld%3ARecipient%3A1"
    assert town.done.pop()[3] == {
        "language": "ja",
        "places": [{"name": "Orchard", "lon": 11.0, "lat": 46.4, "radius_m": 5000}],
        "hazards": ["frost", "flood"],
        "channels": [
            {"kind": "push", "to": {"endpoint": "https://p.example/1"}},
            {"kind": "email", "to": "a@b.example"},
        ],
        "quiet": {"from": "22:00", "until": "07:00"},
        "groups": ["growers"],
    }
    assert (
        led(post(town, "/ja/subscribe", {"do": "verify", "id": "urn:x", "code": " 123456 "}))
        == "/ja/subscribe?step=done"
    )
    assert town.done.pop()[:4] == ("door", "w/code/x", "", {"code": "123456"})
    change = {"do": "change", "manage": "tok", "keep-place": "0", "keep-channel": "0", "language": "en", "sms": "+44 7"}
    assert led(post(town, "/en/subscribe", change)) == "/en/subscribe?step=changed"
    told = town.done.pop()[3]
    assert told["token"] == "tok"
    assert told["places"] == ANSWERS["warnings/subscription"]["places"]
    assert told["channels"] == [{"n": 0}, {"kind": "sms", "to": "+44 7"}]
    assert told["quiet"] is None
    assert led(post(town, "/en/subscribe", {"do": "unsubscribe", "manage": "tok"})) == "/en/subscribe?step=gone"
    assert town.done.pop()[1:4] == ("unsubscribe", "", {"token": "tok"})


def test_a_subscription_without_a_place_or_a_way_to_reach_anybody_is_not_sent(town):
    answer = post(town, "/en/subscribe", {"do": "subscribe", "email": "a@b.example", "hazards": "frost"})
    assert answer.status == 400
    assert "Please choose a place." in plain(answer)
    assert 'value="a@b.example"' in answer.body.decode()
    assert 'value="frost" checked' in answer.body.decode()
    answer = post(town, "/en/subscribe", {"do": "subscribe", "lon": "11", "lat": "46"})
    assert "Please choose how to reach you." in plain(answer)
    answer = post(town, "/en/subscribe", {"do": "subscribe", "lon": "11", "lat": "46", "push": "{broken"})
    assert answer.status == 400
    assert town.done == []


def test_a_wrong_code_is_asked_for_again(town):
    town.refuses = BadRequest("wrong", where="code")
    answer = post(town, "/en/subscribe", {"do": "verify", "id": "urn:x", "code": "000000"})
    assert answer.status == 400
    assert "This code is not right." in plain(answer)
    assert 'name="id" value="urn:x"' in answer.body.decode()


def test_people_take_part(town):
    where = "/es/take-part/urn:ngsi-ld:Proposal:p1"
    for act in ("support", "unsupport"):
        assert led(post(town, where, {"do": act})) == where
        assert town.done.pop()[:3] == ("participation", act, "urn:ngsi-ld:Proposal:p1")
    post(town, where, {"do": "comment", "text": " Sí. ", "author": "Ana"})
    assert town.done.pop()[3] == {"about": "urn:ngsi-ld:Proposal:p1", "text": "Sí.", "language": "es", "author": "Ana"}
    post(town, where, {"do": "flag", "about": "urn:c", "kind": "no-such"})
    assert town.done.pop()[3] == {"about": "urn:c", "kind": "other"}
    survey = "/es/take-part/urn:ngsi-ld:Survey:s1"
    post(
        town, survey, {"do": "answer", "q.q1": "a", "q.q2": "4", "q.q3": ["x", "y"], "q.q4": "ok", "anonymous": "true"}
    )
    assert town.done.pop()[1:4] == (
        "answer",
        "urn:ngsi-ld:Survey:s1",
        {"answers": {"q1": "a", "q2": 4, "q3": ["x", "y"], "q4": "ok"}, "anonymous": True},
    )
    process = "/es/take-part/urn:ngsi-ld:Process:b1"
    assert (
        led(post(town, process, {"do": "propose", "title": "T", "text": "x", "cost": "5", "category": "green"}))
        == "/es/take-part/urn:ngsi-ld:ParticipationProposal:1"
    )
    assert town.done.pop()[3]["cost"] == 5
    assert post(town, process, {"do": "propose", "title": "T", "text": "x", "cost": "five"}).status == 400
    assert post(town, process, {"do": "rule the city"}).status == 404


def test_whoever_is_not_known_is_asked_to_sign_in_and_comes_back(town):
    text = get(town, "/en/take-part/urn:ngsi-ld:Proposal:p1").body.decode()
    assert 'href="/sign-in?next=/en/take-part/urn:ngsi-ld:Proposal:p1"' in text
    assert 'name="do" value="support"' not in text


# ---- the app on a phone


def test_the_manifest_makes_it_an_app_in_every_language(town):
    for language in LANGUAGES:
        said = orjson.loads(get(town, f"/manifest.webmanifest?lang={language}").body)
        assert (said["lang"], said["start_url"], said["scope"], said["display"]) == (
            language,
            f"/{language}/",
            "/",
            "standalone",
        )
        assert said["id"] == "/"
        assert {(one["sizes"], one["purpose"]) for one in said["icons"]} == {
            ("192x192", "any"),
            ("512x512", "any"),
            ("512x512", "maskable"),
        }
    assert orjson.loads(get(town, "/manifest.webmanifest", headers=((b"accept-language", b"ar"),)).body)["dir"] == "rtl"
    assert asyncio.run(town.answer("POST", "/manifest.webmanifest")).status == 404


def test_the_worker_knows_its_files_and_changes_with_them(town):
    answer = get(town, "/worker.js")
    head, body = dict(answer.headers), answer.body.decode()
    assert answer.kind.startswith(b"text/javascript")
    assert head[b"cache-control"] == b"no-cache"
    knows = orjson.loads(re.match(r"const KNOWS = (.*);\n", body)[1])
    assert all(one.startswith(f"/static/{knows['mark']}/") for one in knows["files"])
    assert {one.rpartition("/")[2] for one in knows["files"]} >= {
        "public.js",
        "public.css",
        "report.js",
        "map.js",
        "dom.js",
    }
    assert set(knows["words"]) == set(LANGUAGES)


def test_problems_of_the_city_are_pages_for_people(town):
    for fault, status in ((Busy("full"), 503), (HansaError("broken"), 500), (NotFound("no"), 404)):
        town.answers["warnings/warning"] = fault
        answer = get(town, "/en/warnings/urn:x")
        assert answer.status == status
        assert "broken" not in plain(answer)


def test_a_request_of_nobody_is_told_from_one_that_is_listed(town):
    get(town, "/en/requests/R7KQ2M4HXCE")
    get(town, "/en/requests/some-token")
    assert [one[1] for one in town.asked] == ["request", "follow"]
    town.answers["requests/request"] = asked_for(lon=None, lat=None, into="R1234567890")
    assert "joined with an earlier report" in plain(get(town, "/en/requests/R7KQ2M4HXCE"))


def test_a_warning_without_this_or_that_is_still_shown(town):
    town.answers["warnings/warning"] = {
        "warning": warning(
            texts={},
            area=None,
            instruction={},
            responseType=None,
            severity="Huge",
            event="locusts",
            onset=None,
            areaDesc=None,
        ),
        "chain": [],
    }
    answer = get(town, "/en/warnings/urn:x")
    assert answer.status == 200
    assert "locusts" in plain(answer)
