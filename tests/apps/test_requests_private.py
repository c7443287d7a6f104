"""Requests: what one resident may not learn of another, and how often an address that nobody proved is written to."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from hansa import NotFound, Refusal
from hansa.apps.requests import reporting
from requests_front import Front, front, key

LAMP = {"service_code": "street-light", "lat": "48.05", "long": "16.1", "attribute[fault]": "out"}
QUARTER_S = 92 * 86_400


@pytest.fixture
def city() -> Iterator[Front]:
    with front() as made:
        yield made


def post(city: Front, **said: str) -> Any:
    return json.loads(city.door("POST", "/open311/v2/requests.json", LAMP | said).body)[0]


def mails(city: Front, to: str) -> list[str]:
    found = [one for one in city.city.find("Delivery", limit=1_000) if one["channel"]["to"] == to]
    found.sort(key=lambda one: (str(one["made"]), one.id))
    return [str(one["texts"]["en"]["body"]) for one in found]


def pass_by(city: Front, seconds: int) -> None:
    """Time, without the rounds that would fall due in it."""
    city.city.clock.turn(city.city.clock.now() + seconds * 1_000_000)


# ---- Whose page it is


def test_the_same_words_of_two_people_behind_one_address_are_two_requests(city: Front) -> None:
    vera = post(city, email="vera@example.org", first_name="Vera", phone="+421901234567")
    other = post(city, email="mallory@example.net")
    assert vera["service_request_id"] != other["service_request_id"]
    assert city.ask("follow", token=other["token"])["reporter"]["email"] == "mallory@example.net"
    for more in ({"name": "Vera"}, {"phone": "0901 234 567"}, {"anonymous": "true"}):
        said = {"service": "street-light", "description": "", "lon": 16.1, "lat": 48.05, "attributes": {"fault": "out"}}
        assert city.do("report", **said, **more)


def test_who_says_the_same_again_without_a_key_is_not_led_to_the_page(city: Front) -> None:
    first = post(city, email="vera@example.org")
    again = post(city, email="vera@example.org")
    assert (again["service_request_id"], again["token"]) == (first["service_request_id"], None)
    assert city.ask("follow", token=first["token"])["mine"] is True


def test_who_sends_his_key_again_is_led_to_the_page(city: Front) -> None:
    first = post(city, key=key(1))
    assert post(city, key=key(1)) == first
    assert first["token"]


def test_what_stands_for_a_missing_key_is_signed_by_the_city_and_opens_nothing(city: Front) -> None:
    """Else whoever knows the words of a public request could try telephone numbers until its id comes out."""
    made = []

    class Signs:
        def token(self, text: str) -> str:
            made.append(city.city.acts.capabilities.token("requests", text))
            return str(made[-1])

    said = {"service": "pothole", "description": "x", "lon": 16.1, "lat": 48.05, "phone": "0901 234 567"}
    report = reporting.Report(said, "phone", 0, by="person:ada")
    assert reporting.secret_of(report, Signs()) == reporting.secret_of(report, Signs()) == made[0]  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        city.ask("follow", token=made[0])


# ---- How often an address is written to


def test_an_address_hears_of_five_requests_a_day_and_the_page_says_of_the_rest(city: Front) -> None:
    ids = [city.report(n, lon=16.02 + n * 0.01, description=f"Lamp {n}", visitor=f"h{n}") for n in range(7)]
    spellings = ("victim@x.org", "Victim@x.org", "vic.tim@x.org", "victim+a@x.org", "victim+b@X.org", "v.i.ctim@x.org")
    for n, one in enumerate(ids[:6]):
        city.do("me-too", one, key=key(100 + n), visitor=f"other-{n}", email=spellings[n])
    for one in ids[:6]:
        city.staff("answer", one, text="We come")
    assert len(city.city.find("Delivery", limit=100)) == 5
    told = [city.ask("follow", token=city.ask("receipt", key=key(100 + n))["token"])["written"] for n in range(6)]
    assert told == [True] * 5 + [False]
    pass_by(city, 86_500)
    city.do("me-too", ids[6], key=key(200), visitor="other-9", email="victim@x.org")
    city.staff("answer", ids[6], text="We come")
    assert len(mails(city, "victim@x.org")) == 2, "a new day"


def test_one_visitor_names_three_addresses_a_day_and_staff_as_many_as_they_are_told(city: Front) -> None:
    for n in range(5):
        city.report(n, lon=16.02 + n * 0.01, description=f"Lamp {n}", email=f"someone{n}@x.org")
    told = [city.ask("follow", token=city.token(n)) for n in range(5)]
    assert [one["written"] for one in told] == [True, True, True, False, False]
    assert told[4]["reporter"]["email"] == "someone4@x.org", "the desk may still call back"
    city.report(9, lon=16.09, description="again", email="someone1@x.org")
    assert city.ask("follow", token=city.token(9))["written"] is True, "an address that he named before"
    for n in range(5):
        said = {"service": "pothole", "description": f"Hole {n}", "lon": 16.05, "lat": 48.05}
        city.staff("take", **said, phone=f"0901 234 56{n}")
    assert len(city.city.find("RequestReporter", 'told==true;phone~="."')) == 5


def test_an_address_hears_of_one_request_once_an_hour_and_then_the_newest(city: Front) -> None:
    one = city.report(1, email="bo@x.org")
    city.do("me-too", one, key=key(2), visitor="house-2", email="b.o@x.org")
    city.staff("answer", one, text="First")
    city.staff("answer", one, text="Second")
    city.city.turn(seconds=1_800)
    city.staff("answer", one, text="Third")
    assert [it.split("\n")[0] for it in mails(city, "bo@x.org")] == ["First"]
    assert mails(city, "b.o@x.org") == [], "one address, one message"
    city.city.turn(seconds=1_900)
    city.city.turn(seconds=60)
    assert [it.split("\n")[0] for it in mails(city, "bo@x.org")] == ["First", "Third"]
    city.city.turn(seconds=7_300)
    assert len(mails(city, "bo@x.org")) == 2, "nothing is owed any more"
    two = city.report(5, lon=16.05, description="another", email="bo@x.org")
    city.staff("answer", two, text="Other")
    assert len(mails(city, "bo@x.org")) == 3, "another request waits for nothing"


def test_each_message_says_how_to_stop_and_the_link_stops_it(city: Front) -> None:
    one = city.report(1, email="bo@x.org", phone="0901234567")
    city.staff("answer", one, text="We come")
    (mail,) = mails(city, "bo@x.org")
    assert "press Stop" in mail
    token = mail.split("/r/")[1].split()[0]
    (changed, ended) = city.do("stop", token=token)
    assert (changed.entity.id, ended.entity["status"]) == (f"urn:ngsi-ld:RequestReporter:{one}", "ended")
    told = city.ask("follow", token=token)
    assert (told["written"], set(told["reporter"])) == (False, {"anonymous"})
    (kept,) = city.city.find("RequestReporter")
    assert "bo@x.org" not in json.dumps(kept.doc)
    city.city.turn(seconds=3_700)
    city.staff("answer", one, text="Again")
    assert len(mails(city, "bo@x.org")) == 1
    assert city.do("stop", token=token) == []
    with pytest.raises(NotFound):
        city.do("stop", token=token[:-2] + "AA")


def test_stopping_ones_own_links_does_not_begin_the_count_anew(city: Front) -> None:
    for n in range(6):
        city.report(n, lon=16.02 + n * 0.01, description=f"Lamp {n}", visitor=f"h{n}", email="victim@x.org")
        written = city.ask("follow", token=city.token(n))["written"]
        city.do("stop", token=city.token(n))
        assert written is (n < 5)


# ---- What is told in public


def test_what_the_reporter_is_asked_is_told_to_him_alone(city: Front) -> None:
    one = city.report(1, email="vera@x.org")
    two = city.report(2, lon=16.10004, description="same lamp", visitor="house-3", email="carl@x.org")
    city.staff("join", two, into=one)
    city.do("me-too", one, key=key(3), visitor="house-2", email="dora@x.org")
    city.staff("ask-resident", one, text="Is the WHEELCHAIR still there?")
    assert "WHEELCHAIR" in json.dumps(city.ask("follow", token=city.token(1))["course"])
    others = [city.ask("follow", token=city.token(n)) for n in (2, 3)]
    shown = [city.ask("request", id=one), city.ask("request", id=two), others, city.told("/open311/v2/requests.json")]
    assert "WHEELCHAIR" not in json.dumps(shown)
    assert "asked" in [it["kind"] for it in city.ask("request", id=one)["course"]]
    assert [len(mails(city, f"{who}@x.org")) for who in ("vera", "carl", "dora")] == [1, 0, 0]


def test_a_request_that_is_not_listed_is_named_nowhere(city: Front) -> None:
    hidden = [city.report(n, service="noise", attributes={}, email=f"a{n}@x.org") for n in (1, 2)]
    seen, listed = city.report(3, lon=16.1001), city.report(4, lon=16.1002)
    city.staff("join", hidden[0], into=seen)
    city.staff("join", listed, into=seen)
    assert city.ask("request", id=seen)["joined"] == [listed]
    assert city.ask("request", id=listed)["into"] == seen
    other = city.report(5, lon=16.05)
    city.staff("join", other, into=hidden[1])
    assert city.ask("request", id=other)["into"] is None
    told = json.dumps([city.ask("request", id=other), city.told(f"/open311/v2/requests/{other}.json")])
    assert not any(it in told for it in hidden)


# ---- Public figures


def closed(city: Front, n: int, score: int) -> str:
    one = city.report(n, lon=16.02 + n * 0.01, description=f"Lamp {n}", visitor=f"h{n}")
    city.staff("answer", one, text="Soon")
    city.staff("close", one)
    city.do("rate", token=city.token(n), score=score)
    return one


def lamps(city: Front, **asked: str) -> Any:
    told = city.ask("figures", **asked)
    return next((one for one in told["departments"] if one["department"] == "lighting"), None)


def test_public_figures_are_of_a_whole_quarter_and_of_nothing_after_it(city: Front) -> None:
    for n in range(6):
        closed(city, n, 1 + n % 5)
    open_still = city.report(9, lon=16.15, description="late", visitor="h9")
    assert lamps(city) is None, "this quarter is not over"
    for wrong in ({"quarter": "2026-Q2"}, {"quarter": "2026-Q5"}, {"quarter": "٢٠٢٦-Q1"}, {"since": "2026-04-01"}):
        with pytest.raises(Refusal):
            city.ask("figures", **wrong)
    pass_by(city, QUARTER_S)
    told = city.ask("figures")
    assert (told["quarter"], told["since"], told["until"]) == (
        "2026-Q2",
        "2026-04-01T00:00:00Z",
        "2026-07-01T00:00:00Z",
    )
    before = lamps(city)
    assert (before["n"], before["closed"], before["satisfaction"]["n"], before["few"]) == (7, 6, 6, [])
    city.staff("close", open_still, text="Done")
    city.do("rate", token=city.token(9), score=1)
    assert lamps(city) == before == lamps(city, quarter="2026-Q2"), "one more mark makes no difference to be read"


def test_each_public_figure_is_hidden_by_how_few_made_it(city: Front) -> None:
    closed(city, 0, 2)
    for n in range(1, 5):
        city.report(n, lon=16.02 + n * 0.01, description=f"Lamp {n}", visitor=f"h{n}")
    city.report(8, service="pothole", attributes={}, visitor="h8")
    pass_by(city, QUARTER_S)
    told = {one["department"]: one for one in city.ask("figures")["departments"]}
    few = ["closed", "within", "answer_h", "close_h", "satisfaction"]
    nothing = dict.fromkeys(few)
    assert told["lighting"] == {"department": "lighting", "n": 5, **nothing, "few": few}
    assert told["streets"] == {"department": "streets", "n": None, **nothing, "few": ["n", *few]}


# ---- Small whole numbers


ODD = ("9" * 4_400, "000000001" + "9" * 4_400, "٣", "³", "1.5", "-1", "0", "1e0", "00001")


def test_a_number_that_is_no_small_whole_one_is_refused_everywhere(city: Front) -> None:
    city.staff("close", city.report(1), text="Done")
    for odd in ODD:
        with pytest.raises(Refusal, match="whole number"):
            city.do("rate", token=city.token(1), score=odd)
        for name in ("page", "page_size"):
            assert city.door("GET", f"/open311/v2/requests.json?{name}={odd}").status == 400
        with pytest.raises(Refusal, match="whole number"):
            city.ask("listed", page=odd)
    city.do("rate", token=city.token(1), score="4")
    assert city.told("/open311/v2/requests.json?page=1&page_size=1000")
