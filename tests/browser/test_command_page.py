"""/commands and /ccc/commands of a real, served city: asked for, approved by somebody else, read back, interlocks."""

import json
from itertools import count
from types import SimpleNamespace

import pytest
from payloads import PAYLOADS

from looks import nameless, outside, small, weak
from signed_in import SignedIn

GATE = {"name": "gate", "type": "Gate", "channels": {"gateState": {"name": "gateState"}}}
NUMBERS = count(1)
TAKES = [{"name": "move", "payload": {"gate": {"enum": ["open", "close"]}}}]


def until(page, words, selector):
    """Wait until something that a selector finds says words."""
    page.locator(selector).filter(has_text=words).first.wait_for(state="attached")


def prop(value):
    return {"type": "Property", "value": value}


def device(city, realm="open", **said):
    """A gate that is active, and reports that it is closed."""
    name = f"gate-{realm[0]}{next(NUMBERS)}"
    made = city.post("/admin/devices", {"name": name, "profile": GATE, "realm": realm})
    secret = city.post("/collect/claim", {"device": name, "claim": made.json()["claim"]}).json()["secret"]
    told = city.post("/collect/json", {"gateState": "closed"}, auth=(name, secret))
    assert told.status_code == 200, told.text
    if said:
        base = "/ccc" if realm == "security" else ""
        attrs = {key: prop(value) for key, value in said.items()}
        city.post(f"{base}/ngsi-ld/v1/entities/urn:ngsi-ld:Device:{name}/attrs", attrs)
    return name


def ask(city, name, **said):
    told = city.post("/desk/commands/request", {"device": name, "payload": {"gate": "open"}, "reason": "test"} | said)
    assert told.status_code == 200, told.text
    return told.json()["id"]


def test_what_a_command_would_do_is_shown_before_it_is_sent(city, browse):
    name = device(city, supportedCommands=TAKES)
    page = browse("/commands")
    page.keyboard.press("n")
    page.wait_for_selector(".cmd-form")
    page.select_option("[name=device]", [name])
    page.select_option("[name='p-gate']", '"open"')
    page.fill("[name=attribute]", "gateState")
    page.fill("[name=value]", "open")
    page.fill("[name=reason]", "the river falls")
    page.click(".cmd-form .do")
    until(page, "It is sent at once", ".cmd-lines")
    until(page, "becomes open within 60 s; it is", ".cmd-lines")
    assert city.get("/desk/commands/board").text.count(name) == 0, "nothing was sent by looking"
    page.fill("[name=reason]", "the river falls again")
    assert page.inner_text(".cmd-form .do") == "Look what it does", "what was changed is looked at again"
    page.click(".cmd-form .do")
    until(page, "Send it", ".cmd-form .do")
    page.click(".cmd-form .do")
    until(page, "On its way", ".cmds tr")
    until(page, "the river falls again", ".cmds tr")


def test_a_payload_that_it_does_not_take_and_an_interlock_are_in_the_way(city, browse):
    name = device(city)
    held = {"entity": "urn:ngsi-ld:Gauge:none", "attribute": "level", "is": ">", "value": 3}
    lock = {"name": "High water", "devices": [name], "payload": {"gate": "open"}, "while": [held], "reason": "rule 4"}
    assert city.post("/desk/commands/interlock", lock).status_code == 200
    page = browse("/commands")
    page.click("#send")
    page.wait_for_selector(".cmd-form")
    page.select_option("[name=device]", [name])
    page.fill("[name=payload]", '{"gate": "open"}')
    page.fill("[name=reason]", "test")
    page.click(".cmd-form .do")
    until(page, "High water: urn:ngsi-ld:Gauge:none is not there", ".cmd-lines .grave")
    assert page.inner_text(".cmd-form .do") == "Look what it does"
    page.fill("[name=payload]", "open the gate")
    page.click(".cmd-form .do")
    until(page, "payload is an object", ".cmd-lines .grave")
    page.keyboard.press("Escape")
    page.click("#which >> text=Interlocks")
    until(page, "Blocks", ".cmd-table tr:has-text('High water') .sign")
    page.click(".cmd-table tr:has-text('High water') >> text=Switch off…")
    page.fill("[name=reason]", "the gauge is in repair")
    page.click("#editor .do")
    until(page, "Off", ".cmd-table tr:has-text('High water') .sign")


@pytest.fixture(scope="module")
def people(city):
    made = [SignedIn(city, "root")]
    for name in ("ada", "bo"):
        told = city.post("/admin/invitations", {"roles": ["command"]})
        made.append(SignedIn(SimpleNamespace(link=told.json()["link"]), name))
    yield made[1:]
    for one in made:
        one.close()


def as_somebody(browser, one, path, **how):
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce", **how)
    jar = [{"name": it.name, "value": it.value, "url": one.origin} for it in one.client.cookies.jar]
    context.add_cookies(jar)
    page = context.new_page()
    page.goto(f"{one.origin}{path}")
    page.wait_for_selector("html.ready", state="attached")
    return page


def test_in_the_command_centre_one_asks_and_another_approves_what_he_sees(city, browser, people):
    ada, bo = people
    name = device(city, "security")
    page = as_somebody(browser, ada, "/ccc/commands")
    assert page.inner_text("#send") == "Ask for…"
    page.click("#send")
    page.wait_for_selector(".cmd-form")
    page.select_option("[name=device]", [name])
    page.fill("[name=payload]", '{"gate": "close"}')
    page.fill("[name=reason]", "hold the flood back")
    page.click(".cmd-form .do")
    until(page, "Somebody else approves it", ".cmd-lines")
    page.click(".cmd-form .do")
    until(page, "Waits for approval", ".cmds tr")
    page.click(f"button.attr:has-text('{name}')")
    until(page, "You asked for it; somebody else approves it", "#one")
    assert page.locator("[data-f=approve], .pick").count() == 0

    other = as_somebody(browser, bo, "/ccc/commands")
    other.click(f"button.attr:has-text('{name}')")
    other.keyboard.press("a")
    until(other, "gate = close", "#editor .cmd-lines")
    until(other, "hold the flood back", "#editor .cmd-lines")
    other.click("#editor .do")
    until(other, "1 command approved", "#said")
    until(other, "On its way", ".cmds tr")
    until(page, "Approved by bo", ".cmd-steps")  # and whoever asked sees it come
    for one in (page, other):
        one.context.close()


def test_many_requests_are_approved_or_denied_together(city, browser, people):
    ada, bo = people
    names = [device(city, "security") for _ in range(3)]
    told = ada.page("POST", "/ccc/desk/commands/request", {"devices": names, "payload": {"x": 1}, "reason": "all"})
    assert told.status_code == 200, told.text
    page = as_somebody(browser, bo, "/ccc/commands?show=open")
    for name in names[:2]:
        page.check(f"[aria-label='Choose {name}']")
    until(page, "2 chosen", "#bulk")
    page.click("#bulk >> text=Approve 2")
    page.click("#editor .do")
    until(page, "2 commands approved", "#said")
    page.check(f"[aria-label='Choose {names[2]}']")
    page.click("#bulk >> text=Deny…")
    page.fill("[name=reason]", "one is enough")
    page.click("#editor .do")
    page.locator(".cmds tr").filter(has_text=names[2]).wait_for(state="detached")
    page.context.close()


def test_text_that_came_from_outside_stays_text(city, browse):
    writes = [
        {"id": f"urn:ngsi-ld:Command:p{n}", "type": "Command", "commandDevice": prop(text), "reason": prop(text),
         "payload": prop({"x": text}), "status": prop("draft"), "requestedBy": prop(text)}
        for n, text in enumerate(PAYLOADS[:60])
    ]  # fmt: skip
    told = city.post("/ngsi-ld/v1/entityOperations/upsert", writes)
    assert told.status_code in {201, 204}, told.text
    page = browse("/commands")
    page.evaluate("() => { window.planted = () => (window.harmed = true); }")
    page.wait_for_selector(".cmds tr >> nth=50")
    for n in (1, 20, 40):
        page.locator(".cmds .attr").nth(n).click()
    assert page.evaluate("window.harmed") is None
    assert page.locator("x-planted, main script, main img").count() == 0
    city.post("/ngsi-ld/v1/entityOperations/delete", [one["id"] for one in writes])


def test_a_city_that_does_not_answer_is_said_and_tried_again(city, browse):
    page = browse("/")
    page.route("**/desk/commands/board*", lambda route: route.fulfill(status=503, body="{}"))
    page.goto(f"{city.url}/commands")
    until(page, "The commands could not be read", "#list h2")
    page.unroute("**/desk/commands/board*")
    page.click("text=Try again")
    page.locator("#list h2").filter(has_text="could not be read").wait_for(state="detached")


@pytest.mark.parametrize("path", ["/commands", "/commands?sel=", "/commands?show=interlocks"])
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_it_can_be_read_and_used_on_any_screen(city, browse, path, scheme, width):
    name = device(city)
    one = ask(city, name, twoPeople=True, expects={"attribute": "gateState", "value": "open"})
    ask(city, device(city), drill=True)
    lock = {"name": "Level", "devices": ["x"], "while": [{"odd": 1}]}
    city.post(
        "/ngsi-ld/v1/entities",
        {"id": "urn:ngsi-ld:Interlock:broken", "type": "Interlock", **{k: prop(v) for k, v in lock.items()}},
    )
    page = browse(f"{path}{one}" if path.endswith("=") else path, width=width, height=900, color_scheme=scheme)
    page.wait_for_selector(".cmd-steps" if "sel" in path else ".cmd-table tbody tr")
    assert weak(page, "body *") == []
    assert nameless(page) == []
    assert small(page) == []
    assert outside(page, "main h2, .cmd-table tbody tr, .side, .head-line *") == []
    if width == 390 and "sel" in path:
        return  # what is chosen stands before the list
    page.click("#send")
    page.wait_for_selector(".cmd-form")
    assert weak(page, "#editor *") == []
    assert nameless(page) == []
    assert outside(page, "#editor *") == []


def test_what_is_shown_is_handed_out(city, browse):
    name = device(city)
    ask(city, name)
    page = browse("/commands")
    until(page, name, ".cmds tr")
    with page.expect_download() as got:
        page.click("#hand-out")
    text = got.value.path().read_text()
    assert text.startswith("id,commandDevice,payload")
    assert name in text
    assert json.dumps({"gate": "open"}, separators=(",", ":")).replace('"', '""') in text
