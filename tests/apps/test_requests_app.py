"""Requests from the report to the answer: what residents and staff do, what is told to whom, and what is refused."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa import Conflict, Forbidden, NotFound, Refusal
from hansa.apps.requests import review, services, texts
from hansa.errors import BadRequest, HansaError
from hansa.trust.labels import Sight
from requests_front import Front, front, key, photo

R = "urn:ngsi-ld:ServiceRequest:"


@pytest.fixture
def city() -> Iterator[Front]:
    with front() as made:
        yield made


# ---- Reporting


def test_a_lamp_is_reported_and_followed_to_the_answer_and_rated(city: Front) -> None:
    one = city.report(1, email="bo@example.org", files=(photo(),))
    told = city.case(one)
    assert (told["status"], told["step"], told["department"], told["district"]) == (
        "open",
        "received",
        "lighting",
        "east",
    )
    city.staff("triage", one, priority="high")
    city.staff("step", one, step="in-progress", note="crew 3")
    city.staff("answer", one, text={"en": "A crew comes on Friday", "ja": "金曜日に修理します"})
    city.staff("close", one, outcome="done")
    mine = city.ask("follow", token=city.token(1))
    assert (mine["status"], mine["step"], mine["answer"]["ja"]) == ("closed", "done", "金曜日に修理します")
    assert [it["kind"] for it in mine["course"]] == ["received", "triaged", "step", "answered", "closed"]
    assert "crew 3" not in json.dumps(mine), "what staff note among themselves stays there"
    city.do("rate", token=city.token(1), score=4, comment="quick")
    assert city.ask("follow", token=city.token(1))["rating"]["score"] == 4
    with pytest.raises(Refusal, match="has been rated"):
        city.do("rate", token=city.token(1), score=1)


def test_the_same_key_twice_is_one_request(city: Front) -> None:
    one = city.report(1)
    assert city.do("report", service="street-light", description="again", lon=16.1, lat=48.05, key=key(1)) == []
    assert city.ask("receipt", key=key(1))["id"] == one
    assert len(city.board()["requests"]) == 1


def test_the_same_words_from_the_same_house_on_one_day_are_one_request_without_a_key(city: Front) -> None:
    said = {"service": "pothole", "description": "deep", "lon": 16.05, "lat": 48.05}
    assert city.do("report", **said)
    assert city.do("report", **said) == []
    assert city.do("report", visitor="house-2", **said)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no such service": ({"service": "unicorns"}, "service"),
    "no place": ({"lon": None, "lat": None}, "lon"),
    "outside the city": ({"lon": 2.35, "lat": 48.85}, "lon"),
    "not a place": ({"lon": "east", "lat": 1}, "lon"),
    "not finite": ({"lon": "nan", "lat": "inf"}, "lon"),
    "beyond the pole": ({"lon": 16.1, "lat": 91}, "lon"),
    "a megabyte of words": ({"description": "x" * 1_000_000}, "description"),
    "words that are none": ({"description": ["x"]}, "description"),
    "nothing said": ({"description": " \x00 ", "attributes": {}, "service": "pothole"}, "description"),
    "a question not answered": ({"attributes": {}}, "attributes.fault"),
    "an answer that is none": ({"attributes": {"fault": "purple"}}, "attributes.fault"),
    "an answer to nothing": ({"attributes": {"fault": "out", "colour": "red"}}, "attributes"),
    "a condition": ({"attributes": {"fault": "damaged"}}, "attributes.danger"),
    "attributes that are no object": ({"attributes": "[1]"}, "attributes"),
    "attributes that are no JSON": ({"attributes": "{"}, "attributes"),
    "an e-mail that is none": ({"email": "bo at home"}, "email"),
    "a phone that is none": ({"phone": "call me"}, "phone"),
    "a language that is none": ({"language": "<b>"}, "language"),
    "a short key": ({"key": "1"}, "key"),
    "a date that is none": (
        {"service": "noise", "email": "a@b.example", "attributes": {"at": "soon"}},
        "attributes.at",
    ),
    "six photos": ({"files": tuple(photo(bytes([n])) for n in range(6))}, "photo"),
    "who must be known": ({"service": "noise", "attributes": {}}, "email"),
}


@pytest.mark.parametrize("which", WRONG)
def test_what_cannot_be_taken_is_refused_with_its_place(city: Front, which: str) -> None:
    said, where = WRONG[which]
    with pytest.raises(Refusal) as told:
        city.report(1, **said)
    assert told.value.where == where
    assert city.board()["requests"] == []
    assert city.kept == []


def test_outside_the_city_says_what_the_area_is(city: Front) -> None:
    with pytest.raises(Refusal, match=r"between 48.0000 and 48.1000 north and 16.0000 and 16.2000 east"):
        city.report(1, lon=2.35, lat=48.85)


def test_html_and_controls_do_no_harm(city: Front) -> None:
    one = city.report(1, description="<script>alert(1)</script>\x1b[31m\u202egnp\r\nline", address="a\x00b\n c")
    told = city.case(one)
    assert told["description"] == "<script>alert(1)</script>[31mgnp\nline"
    assert told["address"] == "ab c"


def test_one_visitor_cannot_stuff_the_city(city: Front) -> None:
    with front(per_visitor=3) as made:
        for n in range(3):
            made.report(n)
        with pytest.raises(HansaError) as told:
            made.report(4)
        assert (told.value.status, told.value.retry_after_s) == (429, 3_600)  # type: ignore[attr-defined]
        assert made.do("report", visitor="house-2", service="pothole", description="x", lon=16.1, lat=48.05)
        made.city.turn(seconds=3_700)
        made.report(5)


def test_a_city_may_want_to_know_who_reports() -> None:
    with front(anonymous=False) as made:
        with pytest.raises(Refusal) as told:
            made.report(1)
        assert told.value.where == "email"
        made.report(1, phone="+43 1 234567")


def test_nothing_is_kept_of_who_wants_to_stay_unknown(city: Front) -> None:
    city.report(1, anonymous="true", name="Bo", email="bo@example.org", by="person:bo")
    (one,) = city.city.find("RequestReporter")
    assert one["anonymous"] is True
    assert not {"name", "email", "person"} & set(one.names)
    assert city.ask("mine", by="person:bo")["requests"] == []


def test_who_is_known_finds_his_requests_and_nobody_else_does(city: Front) -> None:
    one = city.report(1, by="person:bo")
    (reporter,) = city.city.find("RequestReporter")
    assert reporter.label == "personal;owner=service-desk;purposes=requests;subject=person:bo"
    assert [it["id"] for it in city.ask("mine", by="person:bo")["requests"]] == [one]
    assert city.ask("mine", by="person:eve")["requests"] == []
    with pytest.raises(BadRequest) as told:
        city.ask("mine")
    assert told.value.status == 401


def test_staff_enter_what_came_by_telephone_and_on_paper(city: Front) -> None:
    said = {
        "service": "pothole",
        "description": "Deep hole",
        "lon": 16.05,
        "lat": 48.05,
        "name": "Bo",
        "phone": "0123 456",
    }
    (one, *_) = city.staff("take", channel="paper", at="2026-03-30T09:00:00Z", **said)
    told = city.case(one.entity.key)
    assert (told["channel"], told["at"], told["district"]) == ("paper", "2026-03-30T09:00:00Z", "west")
    assert told["log"][0]["by"] == "person:ada"
    assert city.city.find("RequestReporter")[0]["phone"] == "0123 456"
    for wrong in ({"at": "2027-01-01T00:00:00Z"}, {"at": "2020-01-01T00:00:00Z"}, {"channel": "web"}):
        with pytest.raises(Refusal):
            city.staff("take", **(said | {"description": "other"} | wrong))
    for by, roles in (("", ()), ("person:bo", ("resident",))):
        with pytest.raises(Forbidden):
            city.do("take", by=by, roles=roles, **said)


def test_who_reported_is_told_to_those_alone_who_may_know(city: Front) -> None:
    one = city.report(1, name="Bo", email="bo@example.org")
    told = city.ask("reporter", by="person:ada", roles=("operator",), id=one)["reporters"]
    assert [(it["kind"], it["email"]) for it in told] == [("reporter", "bo@example.org")]
    smart = Sight("person:eve", classes=frozenset({"open", "smart"}), who=city.sight("person:eve", ("operator",)).who)
    found, view = city.city.acts.seen("requests", "reporter")
    with pytest.raises(NotFound, match="nobody is told"):
        asyncio.run(city.city.acts.look(found, view, {"id": one}, smart))


def test_a_thousand_who_have_seen_it_too_do_not_fill_the_log(city: Front) -> None:
    one = city.report(1)
    for n in range(30):
        city.do("me-too", one, key=key(100 + n), visitor=f"house-{n}")
    told = city.case(one)
    assert (told["people"], len(told["log"])) == (31, 1)


def test_an_address_by_telephone_is_enough_and_is_placed_later(city: Front) -> None:
    (one, *_) = city.staff("take", service="pothole", description="x", address="Mill Lane 3")
    ident = one.entity.key
    with pytest.raises(NotFound):
        city.ask("request", id=ident)
    city.staff("place", ident, lon=16.15, lat=48.02)
    assert city.ask("request", id=ident)["district"] == "east"
    with pytest.raises(Refusal):
        city.staff("place", ident, lon=0, lat=0)


# ---- What is told to whom


def test_words_and_photographs_are_public_when_staff_have_looked_at_them(city: Front) -> None:
    one = city.report(1, description="Mrs Smith of no. 3 broke it", address="Mill Lane 3", files=(photo(),))
    told = city.ask("request", id=one)
    assert (told["description"], told["address"], told["photos"]) == (None, None, [])
    assert city.ask("follow", token=city.token(1))["yourDescription"] == "Mrs Smith of no. 3 broke it"
    city.staff("hide", one, description="Somebody broke it")
    city.staff("triage", one)
    (picture,) = city.case(one)["photographs"]
    assert city.city.get(picture["entity"]).label == "smart;owner=lighting"
    city.staff("publish-photo", picture["entity"])
    told = city.ask("request", id=one)
    assert (told["description"], told["photos"]) == ("Somebody broke it", [picture["path"]])
    assert city.city.get(picture["entity"]).label == "open"
    city.staff("publish-photo", picture["entity"], show=False)
    assert city.ask("request", id=one)["photos"] == []
    assert city.city.get(picture["entity"]).label == "smart;owner=lighting"
    assert "Smith" not in json.dumps(city.case(one))


def test_some_kinds_are_never_public(city: Front) -> None:
    one = city.report(1, service="parking", attributes={}, description="In front of my door", files=(photo(),))
    with pytest.raises(NotFound):
        city.ask("request", id=one)
    assert city.ask("listed")["requests"] == []
    assert city.ask("near", lon="16.1", lat="48.05")["requests"] == []
    assert city.ask("follow", token=city.token(1))["id"] == one
    with pytest.raises(Refusal):
        city.staff("publish-photo", city.case(one)["photographs"][0]["entity"])


def test_lists_are_by_service_state_place_and_page(city: Front) -> None:
    lamp = city.report(1)
    hole = city.report(2, service="pothole", attributes={}, lon=16.05)
    city.staff("close", lamp, text="Done")
    assert [it["id"] for it in city.ask("listed")["requests"]] == sorted([lamp, hole], reverse=True)
    assert [it["id"] for it in city.ask("listed", status="open")["requests"]] == [hole]
    assert [it["id"] for it in city.ask("listed", service="street-light")["requests"]] == [lamp]
    assert [it["id"] for it in city.ask("listed", district="west")["requests"]] == [hole]
    assert [it["id"] for it in city.ask("listed", bbox="16.09,48,16.2,48.1")["requests"]] == [lamp]
    for name, wrong in (("status", "lost"), ("bbox", "1,2"), ("page", "0"), ("service", '"|x')):
        with pytest.raises(Refusal):
            city.ask("listed", "", (), **{name: wrong})


def test_a_link_is_for_the_one_it_was_made_for(city: Front) -> None:
    city.report(1)
    token = city.token(1)
    for wrong in (token[:-2] + "AA", token[1:], "", "x" * 500, "R2345"):
        with pytest.raises(NotFound):
            city.ask("follow", token=wrong)
        with pytest.raises(NotFound):
            city.do("rate", token=wrong, score=5)


# ---- The course of one


def test_the_resident_is_asked_and_replies(city: Front) -> None:
    one = city.report(1)
    with pytest.raises(Refusal):
        city.do("reply", token=city.token(1), text="too early")
    city.staff("ask-resident", one, text="Which pole?")
    mine = city.ask("follow", token=city.token(1))
    assert (mine["step"], mine["mayReply"], mine["question"]["text"]["en"]) == ("waiting", True, "Which pole?")
    assert city.case(one)["clock"] == "stopped"
    city.do("reply", token=city.token(1), text="4711")
    told = city.case(one)
    assert (told["clock"], told["step"], told["log"][-1]["note"]) == ("running", "in-progress", "4711")


def test_it_is_reopened_for_some_days_and_not_for_ever(city: Front) -> None:
    one = city.report(1)
    for n in range(3):
        city.staff("close", one, text="Done")
        city.do("reopen", token=city.token(1), why=f"still dark {n}")
        assert city.case(one)["step"] == "reopened"
    city.staff("close", one, text="Done")
    with pytest.raises(Refusal, match="often enough"):
        city.do("reopen", token=city.token(1), why="still dark")
    city.staff("reopen-case", one, note="he is right")
    city.staff("close", one, text="Done")
    with front(reopen_days=0) as other:
        two = other.report(1)
        other.staff("close", two, text="Done")
        other.city.turn(seconds=60)
        with pytest.raises(Refusal, match="too long ago"):
            other.do("reopen", token=other.token(1), why="still dark")


def test_another_department_takes_it_with_all_that_belongs_to_it(city: Front) -> None:
    one = city.report(1, files=(photo(),))
    city.staff("route", one, department="traffic", note="it is a signal")
    told = city.case(one)
    assert (told["department"], told["step"]) == ("traffic", "routed")
    assert city.city.get(R + one).label == "smart;owner=traffic"
    assert city.city.get(told["photographs"][0]["entity"]).label == "smart;owner=traffic"
    city.staff("triage", one, service="traffic-light")
    assert city.case(one)["service"] == "traffic-light"
    for wrong in ("", "traffic", "TRAFFIC; drop", 7):
        with pytest.raises(Refusal):
            city.staff("route", one, department=wrong)


def test_the_district_decides_who_does_it() -> None:
    with front() as city:
        lamp = json.loads(json.dumps(_definition("street-light")))
        city.do("service", by="person:cy", roles=("supervisor",), definition=lamp | {"places": {"west": "contractor"}})
        assert city.case(city.report(1, lon=16.05))["department"] == "contractor"
        assert city.case(city.report(2, lon=16.15))["department"] == "lighting"


def _definition(code: str) -> dict[str, Any]:
    from importlib.resources import files

    said = json.loads(files("hansa.apps.requests").joinpath("catalogue.json").read_text("utf-8"))
    return dict(next(one for one in said["services"] if one["code"] == code))


def test_a_service_is_changed_in_editions_and_a_stale_change_is_refused(city: Front) -> None:
    said = _definition("pothole") | {"close_h": 40}
    city.do("service", by="person:cy", roles=("supervisor",), definition=said, seen=0)
    city.do("service", by="person:cy", roles=("supervisor",), definition=said | {"close_h": 20}, seen=1)
    with pytest.raises(Refusal, match="version is 2"):
        city.do("service", by="person:cy", roles=("supervisor",), definition=said, seen=1)
    told = city.ask("editions", by="person:ada", roles=("operator",), code="pothole")["editions"]
    assert [(one["version"], one["definition"]["close_h"]) for one in told] == [(2, 20), (1, 40)]
    assert city.case(city.report(1, service="pothole", attributes={}))["serviceVersion"] == 2
    with pytest.raises(Forbidden):
        city.staff("service", definition=said)


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": "Bad Code"}, {"names": {}}, {"colour": 1}, {"type": "soon"}, {"answer_h": 0}, {"answer_h": "soon"},
        {"close_h": 1e9}, {"attributes": [{"code": "a", "names": "A", "datatype": "picture"}]},
        {"attributes": [{"code": "a", "names": "A"}, {"code": "a", "names": "B"}]},
        {"attributes": [{"code": "a", "names": "A", "datatype": "singlevaluelist"}]},
        {"attributes": [{"code": "a", "names": "A", "when": {"code": "b", "is": ["x"]}}]},
        {"places": {"west": "Some Body"}}, {"department": ""}, {"place": "maybe"},
    ],
)  # fmt: skip
def test_a_service_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as told:
        services.service(_definition("tree") | wrong)
    assert told.value.where


def test_the_catalogue_is_whole_in_five_languages() -> None:
    known = services._shipped()
    assert len(known.services) >= 20
    for one in known.services.values():
        for words in (one.names, one.descriptions, known.groups[one.group], *(q.names for q in one.questions)):
            assert set(words) == set(texts.LANGUAGES)
        for question in one.questions:
            assert all(set(names) == set(texts.LANGUAGES) for _, names in question.values)


# ---- Together


def test_what_is_the_same_is_suggested_joined_answered_together_and_split_again(city: Front) -> None:
    first = city.report(1, description="The lamp before the school is dark")
    second = city.report(2, description="Lamp at the school is dark", lon=16.10004, visitor="house-2")
    (found,) = city.case(second)["suggested"]
    assert (found["id"], found["score"] > 0.5, found["why"]["sameService"]) == (first, True, True)
    city.staff("join", second, into=first)
    assert (city.case(first)["people"], city.case(second)["into"]) == (2, R + first)
    city.staff("answer", first, text="We come")
    city.staff("close", first)
    for n in (1, 2):
        mine = city.ask("follow", token=city.token(n))
        assert (mine["status"], mine["answer"]["en"]) == ("closed", "We come")
    city.staff("reopen-case", first, note="not yet")
    assert city.ask("follow", token=city.token(2))["status"] == "open"
    city.staff("split", second)
    told = city.case(second)
    assert (told["into"], told["status"], told["step"], city.case(first)["people"]) == ("", "open", "received", 1)
    finder = city.finder()
    assert (finder["joined"], finder["suggested"], finder["undone"], finder["precision"]) == (1, 1, 1, 0.0)


def test_what_cannot_be_joined_is_refused(city: Front) -> None:
    one, two, three = (city.report(n, lon=16.1 + n / 1_000) for n in range(3))
    city.staff("join", two, into=one)
    for a, b in ((one, one), (three, two), (one, three)):
        with pytest.raises(Refusal):
            city.staff("join", a, into=b)
    with pytest.raises(Refusal):
        city.staff("answer", two, text="by itself")
    with pytest.raises(NotFound):
        city.staff("join", three, into="R234567ABCD")
    city.staff("close", one, text="Done")
    with pytest.raises(Refusal):
        city.staff("join", three, into=one)
    with pytest.raises(Refusal):
        city.staff("split", one)


def test_a_suggestion_is_turned_down_and_counts(city: Front) -> None:
    one = city.report(1)
    two = city.report(2, lon=16.10004)
    city.staff("not-the-same", two, other=one)
    assert city.case(two)["suggested"] == []
    assert city.finder()["turnedDown"] == 1
    with pytest.raises(Conflict):
        city.staff("not-the-same", two, other=one)


def test_whoever_left_an_address_is_written_to_once_for_each_step_that_is_told(city: Front) -> None:
    one = city.report(1, email="bo@example.org", language="fr")
    city.do("me-too", one, key=key(2), visitor="house-2", phone="+421901234567")
    city.do("me-too", one, key=key(3), visitor="house-3")
    city.staff("triage", one, priority="high")
    assert city.city.find("Delivery") == []
    city.staff("answer", one, text={"en": "A crew comes", "fr": "Une équipe vient"})
    city.city.rules.settle()
    found = {it["channel"]["kind"]: it for it in city.city.find("Delivery")}
    assert sorted(found) == ["email", "sms"]
    mail, sms = found["email"], found["sms"]
    assert (mail["channel"]["to"], mail["status"], mail["language"]) == ("bo@example.org", "waiting", "fr")
    assert mail["texts"]["fr"]["title"] == "Réponse à votre signalement : Éclairage public"
    assert mail["texts"]["fr"]["body"].startswith("Une équipe vient\n\nhttps://city.example/fr/r/")
    link = mail["texts"]["fr"]["body"].split("/r/")[1].split()[0]
    assert city.ask("follow", token=link)["mine"] is True
    assert sms["texts"]["en"]["short"].startswith("A crew comes https://city.example/en/r/")
    assert (mail.label or "").startswith("personal")
    city.staff("close", one)  # it was answered already: nothing new to say
    assert len(city.city.find("Delivery")) == 2


def test_who_has_seen_it_too_counts_once_and_hears_the_answer(city: Front) -> None:
    one = city.report(1)
    city.do("me-too", one, key=key(2), visitor="house-2")
    assert city.do("me-too", one, key=key(3), visitor="house-2") == []
    city.do("me-too", one, key=key(4), by="person:bo", visitor="house-2")
    assert city.ask("request", id=one)["people"] == 3
    city.staff("answer", one, text="We come")
    mine = city.ask("follow", token=city.token(2))
    assert (mine["mine"], mine["answer"]["en"]) == (False, "We come")
    assert "reporter" not in mine
    with pytest.raises(Refusal):
        city.do("rate", token=city.token(2), score=1)
    city.staff("close", one)
    with pytest.raises(Refusal):
        city.do("me-too", one, key=key(5), visitor="house-9")


# ---- Review, states, works


def test_the_review_says_how_it_went_and_hides_what_tells_of_few(city: Front) -> None:
    for n in range(6):
        one = city.report(n, lon=16.1 + n / 500)
        city.city.turn(seconds=600)
        city.staff("answer", one, text="Soon")
        city.city.turn(seconds=600)
        city.staff("close", one)
        city.do("rate", token=city.token(n), score=3 + n % 3)
    hole = city.report(9, service="pothole", attributes={}, lon=16.05)
    city.staff("close", hole, text="Done")
    city.do("rate", token=city.token(9), score=1)
    told = city.ask("review", by="person:ada", roles=("auditor",))
    groups = {one["key"]: one for one in told["groups"]}
    lamps = groups["lighting"]
    assert (lamps["n"], lamps["withinAnswer"], lamps["withinClose"]) == (6, 1.0, 1.0)
    assert (lamps["answer_h"]["median"], lamps["close_h"]["p90"]) == (0.2, 0.3)
    assert lamps["satisfaction"] == {"mean": 4.0, "n": 6}
    assert groups["streets"]["satisfaction"] is None, "one man's opinion"
    assert sum(week["reported"] for week in told["weeks"]) == 7
    csv = city.ask("review", by="person:ada", roles=("auditor",), format="csv")
    assert csv.body.decode().splitlines()[1].startswith("lighting,6,0,6,0,0,6,1.0,1.0")
    with pytest.raises(Refusal):
        city.ask("review", by="person:ada", roles=("auditor",), since="2020-01-01")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40))
def test_quantiles_are_those_of_numpy(some: list[float]) -> None:
    import numpy as np

    for share in (0.5, 0.9):
        assert review.quantile(some, share) == pytest.approx(float(np.quantile(some, share)))


def test_staff_say_how_services_stand_and_what_is_planned(city: Front) -> None:
    city.staff(
        "state", code="tram", names={"en": "Tram", "fr": "Tram"}, kind="buses", state="disturbed", texts="A pole fell"
    )
    city.staff("state", code="water", names="Water", state="down", until="2026-04-02T10:00:00Z")
    told = city.ask("states")["services"]
    assert [(one["id"], one["state"]) for one in told] == [("water", "down"), ("tram", "disturbed")]
    city.staff("state", "urn:ngsi-ld:CityService:tram", state="works")
    assert city.ask("states")["services"][-1]["state"] == "works"
    said = {"names": "Mill Lane closed", "who": "Streets", "where": "Mill Lane"}
    said |= {"from": "2026-04-01T09:00:00Z", "until": "2026-04-05T18:00:00Z"}
    (made,) = city.staff("plan", **said, location={"type": "Point", "coordinates": [16.1, 48.05]})
    assert [(one["state"], one["where"]) for one in city.ask("works")["works"]] == [("planned", "Mill Lane")]
    assert city.ask("works", bbox="0,0,1,1")["works"] == []
    city.city.turn(seconds=3_700)
    assert city.ask("works")["works"][0]["state"] == "now"
    city.staff("plan", made.entity.id, cancelled=True)
    assert city.ask("works")["works"][0]["state"] == "cancelled"
    for wrong in ({"until": "2026-04-01T00:00:00Z"}, {"from": "soon"}, {"location": {"type": "Cube"}}, {"who": ""}):
        with pytest.raises(BadRequest):
            city.staff("plan", **(said | {"until": "2026-05-05T18:00:00Z"} | wrong))
    for odd in ({"state": "broken"}, {"until": "2020-01-01T00:00:00Z", "state": "down"}, {"code": "A B"}):
        with pytest.raises(Refusal):
            city.staff("state", **({"code": "gas", "names": "Gas", "state": "down"} | odd))


def test_residents_do_nothing_of_staffs(city: Front) -> None:
    one = city.report(1)
    for name in ("triage", "route", "step", "answer", "close", "join", "split", "hide", "ask-resident", "reopen-case"):
        with pytest.raises(BadRequest) as told:
            city.do(name, one, text="x", into=one)
        assert told.value.status in {401, 403}
    for name in ("board", "case", "review", "alike"):
        with pytest.raises(BadRequest):
            city.ask(name, id=one)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.dictionaries(
        st.sampled_from(
            ["service", "description", "lon", "lat", "address", "attributes", "language", "email", "key", "anonymous"]
        ),
        st.one_of(
            st.none(), st.text(max_size=30), st.floats(), st.integers(), st.lists(st.text(max_size=3)), st.booleans()
        ),
    )
)
def test_whatever_is_sent_is_taken_or_refused_and_never_a_fault(city: Front, said: dict[str, Any]) -> None:
    refused = None
    try:
        city.report(1, **said)
    except BadRequest as fault:
        refused = fault
    assert refused is None or 400 <= refused.status < 500
