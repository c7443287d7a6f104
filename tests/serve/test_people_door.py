"""People at the front door of a real city: their cookie at every door, other sites' pages, and streams that end."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from served import KNOWN, Served
from signed_in import SignedIn

ENTITY = {"id": "urn:ngsi-ld:Bench:b1", "type": "Bench", "height": {"type": "Property", "value": 0.4}}


@pytest.fixture
def city(serve: Callable[..., Served]) -> Served:
    return serve(trusted=False)


def test_a_city_without_people_leads_to_sign_in_and_its_way_in_is_open(city: Served) -> None:
    told = city.get("/entities?type=A&q=x%3E1", headers={"accept": "text/html"}, follow_redirects=False)
    assert (told.status_code, told.headers["location"]) == (303, "/sign-in?next=/entities%3Ftype%3DA%26q%3Dx%253E1")
    assert city.get("/entities").status_code == 401, "a program is told, not led"
    for path in ("/sign-in", "/enrol/x"):
        page = city.get(path)
        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-store"
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert page.headers["referrer-policy"] == "no-referrer"


def test_a_cookie_counts_at_every_door_for_what_a_page_of_the_city_asks_alone(city: Served) -> None:
    ada = SignedIn(city)
    assert ada.page("GET", "/account").json()["name"] == "ada"
    assert ada.page("GET", "/admin/people").status_code == 200
    assert ada.page("PATCH", "/admin/people/ada", {"shown": "Ada L."}).status_code == 200
    asked = {"POST": "/ngsi-ld/v1/entities", "PATCH": "/admin/people/ada", "PUT": "/admin/clock",
             "DELETE": "/account/sessions"}  # fmt: skip
    for wrong in (
        {"origin": "http://localhost:1", "sec-fetch-site": "same-site", "x-hansa": "page"},
        {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-origin"},
        {"x-hansa": "page"},
        {},
    ):
        for method, path in asked.items():
            told = ada.client.request(method, path, json=ENTITY, headers=wrong)
            assert told.status_code == 403, (method, wrong)
            assert "not asked by a page of this city" in told.json()["detail"]
    stranger = {"origin": "http://localhost:1", "sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}
    assert ada.client.get("/account", headers=stranger).status_code == 401
    ada.close()


def test_what_streams_ends_when_its_session_ends(city: Served) -> None:
    ada = SignedIn(city)
    with ada.client.stream("GET", "/live") as stream:
        assert stream.status_code == 200
        assert ada.page("POST", "/account/sign-out").status_code == 204
        for _ in stream.iter_raw():
            pass
    assert ada.page("GET", "/account").status_code == 401
    ada.close()


def test_a_session_lives_through_a_restart_and_a_cut_off_one(city: Served) -> None:
    ada = SignedIn(city)
    cookie = f"hansa={ada.client.cookies['hansa']}"
    city.kill()
    city.start()
    assert city.link == "", "there is an administrator"
    host = city.url.replace("127.0.0.1", "localhost").removeprefix("http://")
    assert city.get("/account", headers={"cookie": cookie, "host": host}).json()["name"] == "ada"
    assert city.get("/account", headers={"cookie": cookie + "x", "host": host}).status_code == 401
    ada.close()


def test_where_the_machine_is_trusted_nobody_need_sign_in_and_whoever_does_is_himself(
    serve: Callable[..., Served],
) -> None:
    city = serve()
    assert city.get("/entities").status_code == 200
    assert city.get("/account").status_code == 401
    ada = SignedIn(city)
    assert ada.page("GET", "/account").json()["name"] == "ada"
    assert ada.page("POST", "/admin/invitations/first").status_code == 404, "she is not the machine"
    assert city.post("/admin/invitations/first", {}).status_code == 409
    assert city.get("/entities").status_code == 200, "and the pages stay as usable as before"
    ada.close()


def test_guesses_of_many_addresses_leave_others_a_quick_answer(city: Served) -> None:
    """A small rehearsal of what `hansa bench` measures: 60 guesses at once, from addresses that are refused soon."""
    ada = SignedIn(city)
    known = [f"127.0.0.{n}" for n in range(2, 14)]
    said = {"name": "ada", "password": "a guess of mine entirely", "code": "123456"}
    headers = {"origin": ada.origin, "host": ada.origin.removeprefix("http://"), "x-hansa": "page"}

    def guess(address: str) -> Any:
        transport = httpx.HTTPTransport(local_address=address, verify=KNOWN)
        with httpx.Client(base_url=city.url, transport=transport, verify=KNOWN, trust_env=False, timeout=30) as client:
            return [client.post("/account/sign-in/password", json=said, headers=headers).status_code for _ in range(5)]

    statuses = [status for address in known for status in guess(address)]
    assert set(statuses) <= {401, 429, 503}
    assert statuses.count(401) <= 20
    assert statuses[-1] == 429
    assert ada.page("GET", "/account").status_code == 200
    ada.close()


def test_strangers_see_what_is_open_and_leave_nothing(city: Served) -> None:
    ada = SignedIn(city)
    subscription = {"type": "Subscription", "entities": [{"type": "Bench"}],
                    "notification": {"endpoint": {"uri": "http://subscriber.example/x"}}}  # fmt: skip
    left = {
        "subscriptions": subscription,
        "entities": ENTITY,
        "temporal/entities": ENTITY,
        "jsonldContexts": {"@context": {"x": "https://example.org/x"}},
    }
    for below in ("", "/ccc"):
        for path, body in left.items():
            told = city.post(f"{below}/ngsi-ld/v1/{path}", body)
            assert told.status_code == 401, (below, path)
    assert city.get("/ngsi-ld/v1/entities?type=Bench").json() == []
    assert ada.page("GET", "/ngsi-ld/v1/subscriptions?count=true").headers["ngsild-results-count"] == "0"
    assert ada.page("POST", "/ngsi-ld/v1/subscriptions", subscription).status_code == 201
    ada.close()
