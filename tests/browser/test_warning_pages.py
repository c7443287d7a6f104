"""/warnings of a real, served city: drafted and drawn, approved by another, delivered, and brought to a human."""

from types import SimpleNamespace

import pytest
from payloads import PAYLOADS

from looks import nameless, outside, small, weak
from signed_in import SignedIn

CSV = """name,lon,lat,radius_m,print,phone,email,contact,contact_phone,language
Vera,17.1,48.1,500,desk,,,,,en
Wim,17.1,48.1,500,,+421901234567,,,,fr
Xi,17.1,48.1,500,,,xi@example.org,Nina,+421911,ja
"""
AREA = {"type": "Polygon", "coordinates": [[[17.0, 48.0], [17.2, 48.0], [17.2, 48.2], [17.0, 48.2], [17.0, 48.0]]]}


def until(page, words, selector):
    """Wait until something that a selector finds says words."""
    page.locator(selector).filter(has_text=words).first.wait_for(state="attached")


@pytest.fixture(scope="module")
def bo(city):
    """Somebody else, who may approve."""
    told = city.post("/admin/invitations", {"roles": ["operator"]})
    one = SignedIn(SimpleNamespace(link=told.json()["link"]), "bo")
    yield one
    one.close()


def drafted(city, **more):
    said = {"template": "flood", "values": {"place": "Quay", "until": "noon"}, "area": AREA}
    told = city.post("/desk/warnings/draft", said | {"areaDesc": {"en": "The quay"}} | more)
    assert told.status_code == 200, told.text
    return next(one for one in told.json()["changed"] if ":Warning:" in one)


def as_bo(browser, bo, path):
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    context.add_cookies([{"name": it.name, "value": it.value, "url": bo.origin} for it in bo.client.cookies.jar])
    page = context.new_page()
    page.goto(f"{bo.origin}{path}")
    page.wait_for_selector("html.ready", state="attached")
    return page


def test_before_there_is_any_warning_the_page_says_what_to_do(city, browse):
    city.until(lambda: "push" in city.get("/desk/warnings/choices").json()["channels"])
    page = browse("/warnings")
    until(page, "No warning has been written yet", ".notice h2")
    there = (("2", "Nobody is on the list yet"), ("3", "No standing approvals"), ("4", "Nobody waits for a call"))
    for key, words in there:
        page.keyboard.press(key)
        until(page, words, ".notice h2")


def test_a_warning_is_written_drawn_approved_by_another_and_delivered_to_the_last(city, browse, browser, bo):
    page = browse("/warnings?view=people")
    page.click("text=Import a list…")
    page.fill("#editor [name=csv]", CSV.replace("17.1,48.1,500,desk", "x,48.1,500,desk"))
    page.click("#editor .do")
    until(page, "line 2", "#editor .grave")
    page.fill("#editor [name=csv]", CSV)
    page.click("#editor .do")
    until(page, "3 recipients imported", "#said")
    page.keyboard.press("1")
    page.keyboard.press("n")
    page.select_option("#editor [name=template]", "flood")
    page.fill("#editor [name=v-place]", "Quay")
    page.click("#editor .do")
    until(page, "until is not filled in", "#editor .grave")
    page.fill("#editor [name=v-until]", "noon")
    page.select_option("#editor [name=status]", "Exercise")
    page.click("#editor .do")
    until(page, "Exercise", "#drill")
    until(page, "it has no area yet", ".warn-faults")
    page.click("#map-tools >> text=Circle…")
    for name, value in (("lon", "17.1"), ("lat", "48.1"), ("radius", "5000")):
        page.fill(f"#editor [name={name}]", value)
    page.click("#editor .do")
    page.locator(".warn-faults").wait_for(state="detached")
    page.click("#message >> text=日本語")
    until(page, "【訓練】", "#message .warn-text")
    page.click("#message >> text=العربية")
    assert page.locator("#message .warn-text").first.get_attribute("dir") == "rtl"
    page.click("#head >> text=Propose")
    until(page, "Proposed", "#head .sign")
    page.click("#head >> text=Approve and send")
    until(page, "whoever proposed it does not approve it", "#said")
    other = as_bo(browser, bo, page.url.partition(city.url)[2])
    other.click("#head >> text=Approve and send")
    until(other, "In force", "#head .sign")
    until(page, "In force", "#head .sign")  # and whoever proposed it sees it go
    until(page, "3", "[data-figure=recipients]")
    until(page, "1", "[data-status=escalated]")
    until(page, "Nina", "#delivery td")
    ident = page.evaluate("new URLSearchParams(location.search).get('sel')")
    board = city.get(f"/desk/warnings/board?id={ident}").json()
    for name, many in board["status"].items():
        until(page, str(many), f"[data-status={name}]")
    page.click("#delivery tr:has-text('Xi') >> text=Reached")
    page.fill("#editor [name=note]", "at the door")
    page.click("#editor .do")
    until(page, "1", "[data-status=reached]")
    page.click("#head >> text=Cancel…")
    page.fill("#editor [name=reason]", "the water falls")
    page.click("#editor .do")
    until(page, "Cancelled", "#head h2")
    other.context.close()


def test_nobody_says_past_the_desk_what_two_people_decide(city, bo):
    approved = {"type": "Property", "value": "approved"}
    ident = drafted(city)
    for kind in ("Warning", "Delivery", "Recipient", "StandingApproval", "Sending", "WarningLog", "SmsReply"):
        made = {"id": f"urn:ngsi-ld:{kind}:forged", "type": kind, "state": approved, "status": approved}
        told = bo.page("POST", "/ngsi-ld/v1/entities", made)
        assert told.status_code in {400, 403}, f"{kind}: {told.text}"
    told = bo.page("PATCH", f"/ngsi-ld/v1/entities/{ident}/attrs", {"state": approved})
    assert told.status_code in {207, 403}, told.text
    assert city.get(f"/desk/warnings/one?id={ident}").json()["warning"]["state"] == "draft"


def test_a_draft_that_somebody_else_changed_is_not_overwritten(city, browse):
    ident = drafted(city)
    page = browse(f"/warnings?sel={ident}")
    page.click("#head >> text=Change…")
    page.wait_for_selector("#editor [name=title-en]")
    assert city.post("/desk/warnings/edit", {"id": ident, "severity": "Minor"}).status_code == 200
    page.fill("#editor [name=title-en]", "Mine")
    page.click("#editor .do")
    until(page, "somebody else has changed it", "#editor .grave")
    page.keyboard.press("Escape")
    page.reload()
    page.click("#head >> text=Change…")
    page.fill("#editor [name=title-en]", "Mine")
    page.click("#editor .do")
    until(page, "Mine", "#head h2")


def test_text_that_came_from_outside_stays_text(city, browse):
    made = []
    for text in [one for one in PAYLOADS if one.isprintable() and 0 < len(one.strip()) <= 100][:12]:
        texts = {"en": {"title": text, "short": text, "body": text}}
        told = city.post("/desk/warnings/draft", {"event": "other", "severity": "Minor", "texts": texts,
                                                  "area": AREA, "areaDesc": {"en": text}})  # fmt: skip
        assert told.status_code == 200, told.text
        made.append(next(one for one in told.json()["changed"] if ":Warning:" in one))
    page = browse(f"/warnings?sel={made[0]}")
    page.evaluate("() => { window.planted = () => (window.harmed = true); }")
    for n in (1, 4, 8):
        page.locator(".warn-row[aria-current=false]").nth(n).click()
        page.wait_for_selector("#message .warn-text")
    assert page.evaluate("window.harmed") is None
    assert page.locator("x-planted, main script, main img").count() == 0


@pytest.mark.parametrize(
    ("path", "width", "scheme"),
    [
        ("", 390, "dark"),
        ("?sel={}", 1440, "light"),
        ("?sel={}", 390, "dark"),
        ("?view=people", 390, "dark"),
        ("?view=standing", 1440, "light"),
    ],
)
def test_it_can_be_read_and_used_on_any_screen(city, browse, path, width, scheme):
    sent = [one for one in city.get("/desk/warnings/list").json()["warnings"] if one["state"] == "sent"]
    ident = sent[0]["id"] if sent else drafted(city)
    page = browse(f"/warnings{path.format(ident)}", width=width, height=900, color_scheme=scheme)
    page.wait_for_selector("#message .warn-text" if "sel" in path else ".warn-row" if not path else ".warn-pad")
    assert weak(page, "body *") == []
    assert nameless(page) == []
    assert small(page) == []
    assert outside(page, "main h2, .warn-row, .warn-part, .head-line *, .warn-tools *") == []
