"""The pages of two people in a real browser: approvals, break-glass from its asking to its end, sharing."""

import time
from types import SimpleNamespace

import pytest
from seen import until

from looks import nameless, outside, small, weak
from served import Served
from signed_in import SignedIn

CROWD = {
    "name": "crowd",
    "source": "security",
    "target": "open",
    "type": "CrowdCount",
    "makes": "Crowd",
    "label": "open",
    "attributes": {"people": {"of": "peopleCount", "kind": "number", "step": 10}},
}
PEOPLE = {
    "ben": {"roles": ["administrator", "data_officer"], "departments": []},
    "sue": {"roles": ["supervisor"], "departments": ["parks"]},
    "wim": {"roles": ["member"], "departments": ["water"]},
}
XSS = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    made = Served(tmp_path_factory.mktemp("approvals") / "city")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def people(city):
    """Everybody signed in: the first administrator, and whom the machine invited before there were two."""
    found = {"ada": SignedIn(city, "ada")}
    links = {}
    for name, what in PEOPLE.items():
        told = city.post("/admin/invitations", {"name": name, "shown": name.title(), **what})
        assert told.status_code == 201, told.text
        links[name] = told.json()["link"]
    for name, link in links.items():
        found[name] = SignedIn(SimpleNamespace(link=link), name)
    yield found
    for one in found.values():
        one.close()


@pytest.fixture
def seat(browse, city, people):
    """A browser in which one of them is signed in."""

    def sit(name, path, **how):
        cookies = [
            {"name": one.name, "value": one.value, "domain": "127.0.0.1", "path": "/", "expires": -1,
             "httpOnly": True, "secure": False, "sameSite": "Lax"}
            for one in people[name].client.cookies.jar
        ]  # fmt: skip
        return browse(path, storage_state={"cookies": cookies, "origins": []}, **how)

    return sit


def proposed(people, name, kind, what, reason="because"):
    told = people[name].page("POST", "/admin/proposals", {"kind": kind, "what": what, "reason": reason})
    assert told.status_code == 201, told.text
    return told.json()


def test_what_one_proposes_another_reads_and_approves_and_then_it_runs(seat, people, city):
    count = {"id": "urn:ngsi-ld:CrowdCount:a", "type": "CrowdCount", "peopleCount": {"type": "Property", "value": 41}}
    assert city.post("/ccc/ngsi-ld/v1/entities", count).status_code == 201
    one = proposed(people, "ada", "derivation", CROWD, f"for the page {XSS}")
    box = f"#p-{one['id']}"
    hers = seat("ada", "/approvals")
    until(hers, "another person must approve this", f"{box} .quiet")
    assert hers.locator(f"{box} .do").count() == 0
    his = seat("ben", "/approvals")
    until(his, XSS, f"{box} .matter-why")  # as text
    until(his, "number, in steps of 10", f"{box} .facts")
    until(his, "Proposed by ada", f"{box} p")
    his.click(f"{box} .do")
    until(his, "Nothing waits", "#list")
    city.until(lambda: city.get("/ngsi-ld/v1/entities?type=Crowd&options=keyValues").json())
    (found,) = city.get("/ngsi-ld/v1/entities?type=Crowd&options=keyValues").json()
    assert found["people"] == 40
    assert "peopleCount" not in found
    his.click("#see-leaving")
    until(his, "crowd", ".matter h3")
    his.click("#d-crowd >> text=End it")
    his.fill("#in-reason", "it told too much")
    his.click("dialog [type=submit]")
    until(his, "Nothing leaves a realm", "#list")
    assert city.get("/ngsi-ld/v1/entities?type=Crowd").json() == []


def test_what_is_refused_is_kept_with_its_reason_and_what_was_mistaken_is_taken_back(seat, people):
    one, two = (proposed(people, "ada", "derivation", CROWD | {"name": name}) for name in ("third", "fourth"))
    his = seat("ben", "/approvals")
    his.click(f"#p-{one['id']} >> text=Refuse")
    his.click("dialog [type=submit]")
    until(his, "A reason", "dialog .notice")
    his.fill("#in-reason", "nobody needs it")
    his.click("dialog [type=submit]")
    his.wait_for_selector(f"#p-{one['id']}", state="detached")
    hers = seat("ada", "/approvals")
    hers.click(f"#p-{two['id']} >> text=Take back")
    hers.fill("#in-reason", "mistaken")
    hers.click("dialog [type=submit]")
    until(hers, "Nothing waits", "#list")
    hers.click("#see-all")
    until(hers, "nobody needs it", f"#p-{one['id']} .matter-outcome")
    until(hers, "By ada", f"#p-{two['id']} p")
    assert "view=all" in hers.url


def test_what_was_changed_since_it_was_read_is_not_approved(seat, people):
    one = proposed(people, "ada", "derivation", CROWD | {"name": "fifth"})
    his = seat("ben", "/approvals")
    his.route("**/approve", lambda route: route.continue_(post_data='{"digest": "' + "0" * 64 + '"}'))
    his.click(f"#p-{one['id']} .do")
    until(his, "not what was proposed", "#list .notice p")
    assert people["ada"].client.get(f"/admin/proposals/{one['id']}").json()["state"] == "waiting"
    people["ada"].page("POST", f"/admin/proposals/{one['id']}/refuse", {"reason": "done with"})


def test_break_glass_from_its_asking_to_its_end(seat, people, city):
    secret = {"id": "urn:ngsi-ld:Patrol:p1", "type": "Patrol", "crew": {"type": "Property", "value": 4}}
    assert city.post("/ccc/ngsi-ld/v1/entities", secret).status_code == 201

    def seen():
        return people["sue"].client.get("/ccc/ngsi-ld/v1/entities/urn:ngsi-ld:Patrol:p1").status_code

    assert seen() == 404
    hers = seat("sue", "/approvals")
    hers.click("#break")
    hers.check("dialog [value=command]")
    hers.fill("#in-minutes", "90")
    hers.fill("#in-reason", "the river rises")
    hers.click("dialog [type=submit]")
    until(hers, "minutes is a whole number", "dialog .notice")
    hers.fill("#in-minutes", "30")
    hers.click("dialog [type=submit]")
    until(hers, "Break glass", ".matter h3")
    assert seen() == 404
    his = seat("ben", "/approvals")
    until(his, "30 minutes from the approval on", ".matter .facts")
    his.click(".matter .do")
    until(his, "sue has the rights of Command", ".broken-who")
    size = his.evaluate("parseFloat(getComputedStyle(document.querySelector('.broken-word')).fontSize)")
    assert size >= 38  # in big letters
    assert weak(his, ".broken *") == []
    assert seen() == 200
    hers.goto(f"{city.url}/entities")
    until(hers, "your rights are lent", ".glass")
    hers.click(".glass a")
    until(hers, "You have the rights of Command", ".broken-who")
    hers.wait_for_selector("#break", state="hidden")
    hers.click(".broken >> text=End it now")
    hers.fill("#in-reason", "the river falls")
    hers.click("dialog [type=submit]")
    hers.wait_for_selector(".broken", state="detached")
    assert seen() == 404
    his.click("#see-all")
    until(his, "the river falls", ".matter .quiet")
    # The data officer was told, and what was asked meanwhile is in the audit.
    (notice,) = people["ben"].client.get("/ccc/ngsi-ld/v1/entities?type=Notice&options=keyValues").json()
    assert (notice["who"], notice["status"]) == ("person:sue", "over")
    assert people["sue"].client.get("/ccc/ngsi-ld/v1/entities?type=Notice").json() == []
    noted = people["ben"].client.get("/audit/entries?kind=break-glass").json()
    assert "urn:ngsi-ld:Patrol:p1" in str(noted)


def test_a_department_lends_hands_over_and_takes_back(seat, people, city):
    bench = {"id": "urn:ngsi-ld:Bench:b1", "type": "Bench", "seats": {"type": "Property", "value": 3}}
    assert city.post("/ngsi-ld/v1/entities", bench).status_code == 201
    hers = seat("sue", "/sharing")
    until(hers, "Your departments lend nothing", "#list")
    hers.click("#take")
    assert hers.input_value("#in-owner") == "parks"
    hers.fill("#in-ids", bench["id"])
    hers.click("dialog [type=submit]")
    hers.wait_for_selector("dialog", state="hidden")

    def seen():
        headers = {"hansa-purpose": "irrigation"}
        return people["wim"].client.get(f"/ngsi-ld/v1/entities/{bench['id']}", headers=headers).status_code

    assert seen() == 404
    hers.click("#lend")
    hers.fill("#in-name", "water")
    hers.fill("#in-purpose", "Any thing")
    hers.click("dialog [type=submit]")
    until(hers, "Purpose", "dialog .notice")
    hers.fill("#in-purpose", "irrigation")
    hers.fill("#in-reason", XSS)
    hers.click("dialog [type=submit]")
    until(hers, "department water", "#ours td")
    until(hers, XSS, "#ours .sub")
    assert seen() == 200
    his = seat("wim", "/sharing")
    until(his, "irrigation", "#others td")
    assert his.locator("text=Take back").count() == 0
    hers.click("#ours >> text=Take back")
    until(hers, "Taken back", "#ours .sign")
    assert seen() == 404
    hers.click("#hand")
    hers.fill("#in-to", "water")
    hers.fill("#in-ids", bench["id"])
    hers.fill("#in-reason", "they mend it")
    hers.click("dialog [type=submit]")
    hers.wait_for_selector("dialog", state="hidden")
    his = seat("wim", "/approvals")
    until(his, bench["id"], ".matter .ids")
    his.click(".matter .do")
    until(his, "Nothing waits", "#list")
    assert people["wim"].client.get(f"/ngsi-ld/v1/entities/{bench['id']}").status_code == 200


def test_the_machine_itself_reads_what_waits_and_approves_nothing(browse, people, city):
    """Whoever sits at the machine has no name that could stand behind anything."""
    one = proposed(people, "ada", "derivation", CROWD | {"name": "sixth"})
    page = browse("/approvals")
    until(page, "a person approves", f"#p-{one['id']} .quiet")
    assert page.locator(f"#p-{one['id']} .do").count() == 0
    told = city.post(f"/admin/proposals/{one['id']}/approve", {"digest": one["digest"]})
    assert told.status_code == 403
    people["ada"].page("POST", f"/admin/proposals/{one['id']}/refuse", {"reason": "done with"})


def test_the_pages_fit_every_width_and_can_be_read_in_light_and_dark(seat, people):
    one = proposed(people, "ada", "derivation", CROWD | {"name": "looks", "place_m": 500})
    people["sue"].page(
        "POST",
        "/admin/grants",
        {"owner": "parks", "to": "neighbour:a-city-with-a-long-name", "purpose": "research-of-many-words",
         "until": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86_400))},
    )  # fmt: skip
    try:
        for name, path in (("ben", "/approvals"), ("sue", "/sharing")):
            page = seat(name, path)
            until(page, "looks" if name == "ben" else "research-of-many-words", "#list")
            for width, height in [(320, 640), (390, 844), (860, 700), (1101, 800), (2560, 1440)]:
                page.set_viewport_size({"width": width, "height": height})
                wide = page.evaluate("document.documentElement.scrollWidth")
                stuck = outside(page, ".bar *, .matter *, .share-table *, .head-line *")
                assert (path, width, wide, stuck) == (path, width, width, [])
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                assert (path, scheme, weak(page, "body *")) == (path, scheme, [])
            assert (path, nameless(page), small(page)) == (path, [], [])
    finally:
        people["ada"].page("POST", f"/admin/proposals/{one['id']}/refuse", {"reason": "done with"})
