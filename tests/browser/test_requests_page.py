"""/requests of a real, served city: reports, worked through by staff; the review; the city's services."""

import io
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import httpx
import pytest
from payloads import PAYLOADS
from PIL import Image

from looks import nameless, outside, small, weak
from served import KNOWN

SAID = {"service": "street-light", "description": "The lamp before the school is dark", "lon": "16.1", "lat": "48.05"}


def until(page, words, selector):
    """Wait until something that a selector finds says words."""
    page.locator(selector).filter(has_text=words).first.wait_for(state="attached")


def photograph():
    """A picture as a telephone sends it: with the place where it was taken."""
    told = Image.Exif()
    told[0x010E], told[0x0112] = "12 Acacia Avenue", 6
    told.get_ifd(0x8825).update({1: "N", 2: (48.0, 12.0, 34.5), 3: "E", 4: (16.0, 22.0, 21.0)})
    out = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").save(out, "JPEG", exif=told)
    return out.getvalue()


def report(city, n, files=None, **said):
    """Somebody unknown reports something, as a page's form does; the id of the request."""
    told = SAID | {"attributes": json.dumps({"fault": "out"}), "key": f"a-secret-key-of-somebody-{n:06d}"} | said
    answer = httpx.post(
        f"{city.url}/desk/requests/report", data=told, files=files, verify=KNOWN, trust_env=False, timeout=30
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["id"].rsplit(":", 1)[1]


@pytest.fixture(scope="module")
def lamps(city):
    """Two reports of one lamp, a hole in the road; a photograph with each lamp."""
    city.photo = photograph()
    file = [("photo", ("lamp.jpg", city.photo, "image/jpeg"))]
    one = report(city, 1, file)
    two = report(city, 2, file, description="Lamp at the school is dark", lon="16.10005")
    hole = report(
        city, 3, service="pothole", description="Deep hole, dangerous for bicycles", lon="16.15", attributes=""
    )
    return one, two, hole


def test_a_report_is_joined_and_answered_and_its_photograph_is_shown(city, lamps, browse):
    one, two, _ = lamps
    page = browse("/requests")
    until(page, two, ".board .id")
    page.click(f".board tr:has-text('{two}') button.attr")
    until(page, "Perhaps the same as", "#one h3")
    until(page, "same service", ".req-same")
    page.click(f"#one >> text=Join to {one}")
    until(page, "Follows", "#one p")
    page.click(f"#one button.attr:has-text('{one}')")
    until(page, "Joined to it", "#one h3")
    page.click("#one >> text=Show to everybody (1)")
    until(page, "public", ".req-photos .sign")
    assert page.locator(".req-photos img").evaluate("(it) => it.decode().then(() => it.naturalWidth)") == 256
    page.click("#one >> text=Answer…")
    page.fill("#editor [name=text]", "A crew comes on Friday")
    page.click("#editor .do")
    until(page, "Answered", "#one .sign")
    page.click("#one >> text=Close…")
    page.click("#editor .do")
    until(page, "Reopen…", "#one button")
    public = city.get(f"/desk/requests/request?id={one}").json()
    assert (public["status"], public["answer"], public["people"]) == ("closed", {"en": "A crew comes on Friday"}, 2)
    body = city.get(public["photos"][0]).content
    assert sha256(body).hexdigest() in public["photos"][0]
    assert b"Acacia" not in body
    with Image.open(io.BytesIO(body)) as seen, Image.open(io.BytesIO(city.photo)) as was:
        assert seen.tobytes() == was.tobytes()
        assert dict(seen.getexif()) == {0x0112: 6}
    other = city.get("/desk/requests/receipt?key=a-secret-key-of-somebody-000002").json()
    mine = city.get(f"/desk/requests/follow?token={other['token']}").json()
    assert (mine["status"], mine["answer"]) == ("closed", {"en": "A crew comes on Friday"})


def test_what_is_reported_meanwhile_comes_by_itself_and_a_refusal_is_said(city, lamps, browse):
    page = browse(f"/requests?sel={lamps[2]}")
    until(page, "Deep hole", "#one .req-words")
    new = report(city, 4, service="tree", description="Tree fell", attributes=json.dumps({"blocks": "path"}))
    until(page, new, ".board .id")
    page.click("#one >> text=Join…")
    page.fill("#editor [name=into]", "R234567ABCD")
    page.click("#editor .do")
    until(page, "There is no entity", "#editor .grave")
    page.keyboard.press("Escape")
    page.click("#one >> text=Hide…")
    page.fill("#editor [name=description]", "Deep hole")
    page.click("#editor .do")
    until(page, "Words hidden", "#one p")
    assert page.url.endswith(f"sel={lamps[2]}")


def test_staff_enter_a_call(city, lamps, browse):
    page = browse("/requests")
    page.keyboard.press("n")
    page.fill("#editor [name=description]", "Water on the road")
    page.select_option("#editor [name=service]", "drain")
    page.click("#editor .do")
    until(page, "Say where it is", "#editor .grave")
    page.fill("#editor [name=address]", "Mill Lane 3")
    page.fill("#editor [name=phone]", "+43 1 234567")
    page.click("#editor .do")
    until(page, "Water on the road", "#one .req-words")
    until(page, "by telephone", "#one dd")
    until(page, "not known", "#one dd")


def test_the_review_and_the_services_of_the_city(city, lamps, browse):
    page = browse("/requests?view=review&by=service")
    until(page, "Street light", ".req-review tbody th")
    until(page, "Finding duplicates", "h2")
    page.keyboard.press("v")
    page.click("text=Add a service…")
    page.fill("#editor [name=code]", "water")
    page.fill("#editor [name=names]", "Drinking water")
    page.select_option("#editor [name=state]", "disturbed")
    page.fill("#editor [name=texts]", "Low pressure")
    page.click("#editor .do")
    until(page, "Disturbed", ".req-table .sign")
    page.click("text=Announce works…")
    for name, value in (("names", "Mill Lane closed"), ("who", "Streets"), ("where", "Mill Lane")):
        page.fill(f"#editor [name={name}]", value)
    soon = datetime.now(UTC) + timedelta(days=30)
    page.fill("#editor [name=from]", f"{soon:%Y-%m-%dT06:00}")
    page.fill("#editor [name=until]", f"{soon:%Y-%m-%dT18:00}")
    page.click("#editor .do")
    until(page, "Planned", ".req-table .sign")
    page.click("[aria-label='Cancel Mill Lane closed']")
    until(page, "Cancelled", ".req-table .sign")
    (told,) = city.get("/desk/requests/states").json()["services"]
    assert (told["id"], told["state"], told["texts"]) == ("water", "disturbed", {"en": "Low pressure"})


def test_text_that_came_from_outside_stays_text(city, lamps, browse):
    for n, text in enumerate(PAYLOADS[:12]):
        report(city, 100 + n, description=text, address=text, service="pothole", attributes="", lon=f"16.2{n:02d}")
    page = browse("/requests?service=pothole")
    page.evaluate("() => { window.planted = () => (window.harmed = true); }")
    page.wait_for_selector(".board tr >> nth=11")
    for n in (3, 7, 11):
        page.locator(".board .attr").nth(n).click()
        page.wait_for_selector("#one .req-log")
    assert page.evaluate("window.harmed") is None
    assert page.locator("x-planted, main script, main img:not(.req-photos img)").count() == 0


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_it_can_be_read_and_used_by_everybody(city, lamps, browse, width, scheme):
    page = browse(f"/requests?sel={lamps[0]}", width=width, color_scheme=scheme)
    for view in ("", "?view=review", "?view=city"):
        if view:
            page.goto(f"{city.url}/requests{view}")
            page.wait_for_selector("html.ready", state="attached")
        assert weak(page, "body *") == []
        assert nameless(page) == []
        assert small(page) == []
        assert outside(page, ".bar, .head-line, .side") == []


def test_photographs_that_are_none_are_refused_at_both_doors_and_nothing_is_kept(city, lamps):
    before = len(city.get("/desk/requests/board?status=all").json()["requests"])
    big = city.photo + bytes(20_000_000)
    bomb = bytearray(city.photo)
    at = bomb.index(b"\xff\xc0") + 5
    bomb[at : at + 4] = b"\xff\xf0\xff\xf0"  # 65,520 by 65,520 pixels
    for body, status, why in ((big, 413, "most"), (bytes(bomb), 413, "pixels"), (b"<svg/>", 415, "text")):
        for path, form in (
            ("/desk/requests/report", SAID | {"attributes": '{"fault": "out"}'}),
            (
                "/open311/v2/requests.json",
                {"service_code": "tree", "lat": "48", "long": "16", "attribute[blocks]": "no"},
            ),
        ):
            files = [("photo", ("x.jpg", body, "image/jpeg"))]
            told = httpx.post(city.url + path, data=form, files=files, verify=KNOWN, trust_env=False, timeout=30)
            assert (told.status_code, why in told.text) == (status, True), told.text
    assert len(city.get("/desk/requests/board?status=all").json()["requests"]) == before


def test_one_visitor_who_stuffs_the_city_is_told_to_wait(city, lamps):
    form = {"service_code": "tree", "lat": "48", "long": "16", "attribute[blocks]": "no"}
    for n in range(21):
        told = httpx.post(
            f"{city.url}/open311/v2/requests.xml", data=form | {"description": str(n)}, verify=KNOWN, trust_env=False
        )
        if told.status_code != 201:
            break
    assert (told.status_code, told.headers["retry-after"]) == (429, "3600")
    assert "<code>429</code>" in told.text
    said = httpx.post(
        f"{city.url}/desk/requests/report", data=SAID | {"service": "pothole"}, verify=KNOWN, trust_env=False
    )
    assert (said.status_code, said.headers["retry-after"]) == (429, "3600")
