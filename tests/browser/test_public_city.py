"""What issue 6 is done by: a lamp is reported and followed to the answer; a grower is warned of frost in Japanese."""

import asyncio
import re
import threading
import time
from types import SimpleNamespace

import httpx
import pytest
from seen import WITHIN_MS

from channel_sinks import Mailbox, mail_server
from hansa.serve import token
from served import Served
from signed_in import SignedIn

VALLEY = {"type": "Polygon", "coordinates": [[[16.9, 47.9], [17.3, 47.9], [17.3, 48.3], [16.9, 48.3], [16.9, 47.9]]]}
FROST = {
    "template": "frost",
    "values": {"place": "Valley", "low": "-3.1", "until": "2026-04-02 09:00"},
    "area": VALLEY,
    "areaDesc": {"en": "The valley", "ja": "谷"},
}
TOML = """
[city]
name = "Orlava"
timezone = "Europe/Bratislava"
location = [17.1, 48.1]

[channels.email]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "warnings@orlava.example"
"""


@pytest.fixture(scope="module")
def mail():
    """A mail server in a thread of its own."""
    box, loop, ready = Mailbox(), asyncio.new_event_loop(), threading.Event()
    box.end = asyncio.Event()

    async def serve():
        async with mail_server(box) as port:
            box.port = port
            ready.set()
            await box.end.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    yield box
    loop.call_soon_threadsafe(box.end.set)
    thread.join(10)
    loop.close()


@pytest.fixture(scope="module")
def city(tmp_path_factory, mail):
    folder = tmp_path_factory.mktemp("public") / "city"
    folder.mkdir()
    (folder / "hansa.toml").write_text(TOML.format(port=mail.port))
    one = Served(folder, trusted=False)
    yield one
    one.stop()


@pytest.fixture(scope="module")
def ada(city):
    one = SignedIn(city)
    one.client.timeout = 30
    yield one
    one.close()


@pytest.fixture(scope="module")
def bo(city, ada):
    link = ada.page("POST", "/admin/invitations", {"roles": ["operator"]}).json()["link"]
    one = SignedIn(SimpleNamespace(link=link), "bo")
    yield one
    one.close()


def done(who, path, said):
    told = who.page("POST", f"/desk/{path}", said)
    assert told.status_code == 200, told.text
    return told.json()


def until(true, why):
    end = time.monotonic() + WITHIN_MS / 1000
    while not (found := true()):
        assert time.monotonic() < end, why
        time.sleep(0.05)
    return found


def text_of(mail):
    body = mail.get_body(("plain",))
    return body.get_content() if body is not None else mail.get_content()


def link_in(mail):
    return re.search(r"https?://[^/\s]+(/w/[\w.~-]+)", text_of(mail))[1]


def letters(box, to):
    return [one for _, whom, one in list(box.mails) if whom == to]


def test_a_stranger_is_led_to_his_language_and_staff_are_not(city, ada):
    told = city.get("/", headers={"accept": "text/html", "accept-language": "ja,en;q=0.5"}, follow_redirects=False)
    assert (told.status_code, told.headers["location"]) == (303, "/ja/")
    assert city.get("/", headers={"accept": "application/json"}, follow_redirects=False).status_code == 200
    assert ada.client.get("/", headers={"accept": "text/html"}).status_code == 200


def test_a_broken_lamp_is_reported_and_followed_to_the_answer(city, ada, browse):
    page = browse("/en/report")
    page.click("a[href*='street-light']")
    page.wait_for_selector("form[data-report]")
    page.click("text=Type coordinates")
    page.fill("[name=lat]", "48.1")
    page.fill("[name=lon]", "17.1")
    page.fill("textarea[name=description]", "The lamp before the school is dark.")
    for one in page.query_selector_all("select[required]"):
        one.select_option(index=1)
    page.click("text=Send report")
    page.wait_for_url("**/en/r/*")
    assert "Thank you" in page.inner_text("main")
    key = page.inner_text("main .ltr")
    ident = f"urn:ngsi-ld:ServiceRequest:{key}"
    done(ada, "requests/ask-resident", {"id": ident, "text": "Which side of the street?"})
    page.reload()
    page.fill("[name=text]", "The side of the school.")
    page.click("form:has([value=reply]) button")
    page.wait_for_selector("form:has([value=reply])", state="detached")
    done(ada, "requests/answer", {"id": ident, "text": "A crew comes on Friday"})
    done(ada, "requests/close", {"id": ident, "result": "done"})
    page.goto(f"{city.url}/en/")
    page.click("#mine a")
    page.wait_for_selector("text=A crew comes on Friday")
    page.check("[name=score][value='5']")
    page.click("form:has([value=rate]) button")
    page.wait_for_selector("text=You gave 5 of 5")
    assert key in city.get("/ja/near").text or "requests/" not in city.get("/ja/near").text


def test_a_grower_subscribes_in_japanese_is_drilled_and_warned_and_a_lost_channel_reaches_a_human(
    city, ada, bo, mail, browse
):
    until(lambda: "email" in city.get("/desk/warnings/choices").json()["channels"], "the channels did not come up")
    page = browse("/ja/subscribe")
    page.click("text=座標を入力する")
    page.fill("[name=lat]", "48.1")
    page.fill("[name=lon]", "17.1")
    page.fill("[name=place]", "果樹園")
    page.check("[name=hazards][value=frost]")
    page.fill("[name=email]", "aiko@example.org")
    page.click("button:has-text('警報を受け取る')")
    page.wait_for_url("**step=code**")
    (first,) = until(lambda: letters(mail, "aiko@example.org"), "no letter to prove the address")
    code = re.search(r"(?<!\d)(\d{6})(?!\d)", text_of(first))[1]
    page.fill("[name=code]", code)
    page.click("text=確認する")
    page.wait_for_url("**step=done")
    # Somebody else, whose address is dead; Nina knows where he lives.
    mail.refuse["otto@example.org"] = "550 5.1.1 no such mailbox"
    otto = {
        "name": "Otto",
        "language": "en",
        "places": [{"name": "Field", "lon": 17.1, "lat": 48.1, "radius_m": 500}],
        "channels": [{"kind": "email", "to": "otto@example.org"}],
        "contact": {"name": "Nina", "phone": "+421900"},
        "groups": ["growers"],
    }
    at_the_machine = {"authorization": f"Bearer {token(city.folder)}"}  # nobody here is a supervisor, who vouches
    entered = httpx.post(f"{city.url}/desk/warnings/enter", json=otto, headers=at_the_machine, trust_env=False)
    assert entered.status_code == 200, entered.text
    # The drill
    sent(ada, bo, FROST | {"status": "Exercise"})
    drill = until(lambda: letters(mail, "aiko@example.org")[1:], "the drill did not come")[0]
    assert "訓練" in str(drill["subject"])
    page.goto(f"{city.url}{link_in(drill)}")
    page.wait_for_url("**/ja/w/*")
    assert "これは訓練です" in page.inner_text("main")
    # The real one
    ident = sent(ada, bo, FROST)
    real = until(lambda: letters(mail, "aiko@example.org")[2:], "the warning did not come")[0]
    page.goto(f"{city.url}{link_in(real)}")
    page.wait_for_url("**/ja/w/*")
    assert "これは訓練です" not in page.inner_text("main")
    page.click("#confirm")
    page.wait_for_selector("#read")
    assert "読んだことが市に伝わりました" in page.inner_text("#read")
    page.goto(f"{city.url}/ja/")
    page.wait_for_selector(".warning.Severe, .warning.Moderate, .warning.Extreme")
    # The channel is lost: the board shows who is told by whom instead.

    def board():
        return ada.page("GET", f"/desk/warnings/board?id={ident}").json()["status"]

    until(lambda: board().get("confirmed") == 1 and board().get("escalated") == 1, "nobody was brought to a human")
    desk = ada.page("GET", f"/desk/warnings/deliveries?id={ident}").text
    assert "Nina" in desk, desk


def sent(ada, bo, said):
    """A warning that one has drafted and another approved; its id."""
    ident = next(one for one in done(ada, "warnings/draft", said)["changed"] if ":Warning:" in one)
    done(ada, "warnings/propose", {"id": ident})
    done(bo, "warnings/approve", {"id": ident})
    return ident
