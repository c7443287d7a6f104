"""The pages of people, walked by hand in a browser with an authenticator: coming in, signing in, inviting others."""

import contextlib
import http.server
import threading

import pyotp
import pytest
from seen import WITHIN_MS, until

from hansa.cli.desk import ask as machine
from looks import nameless, outside, small, weak
from served import Served

LONG = "meadow kettle tram violin"
KEY = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


class Person:
    """One person at one browser, with an authenticator of his own."""

    def __init__(self, browser, city, faults, **how) -> None:
        self.base = city.link.split("/enrol/")[0]
        self.context = browser.new_context(reduced_motion="reduce", **how)
        self.page = self.context.new_page()
        self.page.set_default_timeout(WITHIN_MS)
        self.page.on("pageerror", lambda fault: faults.append(str(fault)))
        self.cdp = self.context.new_cdp_session(self.page)
        self.cdp.send("WebAuthn.enable")
        self.key = self.new_key()

    def new_key(self, **how):
        return self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": {**KEY, **how}})["authenticatorId"]

    def lose_key(self) -> None:
        self.cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.key})
        self.key = self.new_key()

    def open(self, path: str) -> None:
        self.page.goto(path if path.startswith("http") else f"{self.base}{path}")
        self.page.wait_for_selector("html.ready", state="attached")

    def come_in(self, link: str, name: str, shown: str) -> None:
        self.open(link)
        self.page.fill("#in-shown", shown)
        self.page.fill("#in-name", name)
        self.page.click("#passkey")
        self.page.wait_for_url("**/me?new=1")
        until(self.page, shown, "#way h2")

    def ask(self, method: str, path: str, said=None, headers=None):
        """What a script of the page is answered: status and body."""
        return self.page.evaluate(
            """async ([method, path, said, headers]) => {
                const body = said === null ? {} : { body: JSON.stringify(said) };
                const answer = await fetch(path, { method, headers: { "x-hansa": "page", ...headers }, ...body });
                return [answer.status, await answer.json().catch(() => null)];
            }""",
            [method, path, said, headers or {}],
        )

    def cookie(self) -> str | None:
        return next((one["value"] for one in self.context.cookies() if one["name"] == "hansa"), None)


@contextlib.contextmanager
def opening(browser):
    """Open browsers of people; at the end, no script of theirs has failed."""
    faults: list[str] = []
    with contextlib.ExitStack() as opened:

        def person(city, **how):
            made = Person(browser, city, faults, **how)
            opened.callback(made.context.close)
            return made

        yield person
    assert faults == []


@pytest.fixture
def people(browser):
    with opening(browser) as person:
        yield person


def fresh(folder, *, toml: str = "") -> Served:
    folder.mkdir()
    (folder / "hansa.toml").write_text(toml)
    return Served(folder, trusted=False)


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """A city that trusts nobody; its first link is opened by Ada."""
    made = fresh(tmp_path_factory.mktemp("people") / "city")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def first(browser, city):
    with opening(browser) as person:
        made = person(city)
        made.come_in(city.link, "ada", "Ada Lovelace")
        yield made


@pytest.fixture
def ada(first):
    """The first administrator, at her own account; she has just shown who she is."""
    first.open("/sign-in?step=up&next=/me")
    first.page.click("#passkey")
    first.page.wait_for_url("**/me")
    until(first.page, "Ada Lovelace", "#way h2")
    return first


def link_for(admin: Person, *roles: str) -> str:
    status, told = admin.ask("POST", "/admin/invitations", {"roles": list(roles)})
    assert status == 201, told
    return told["link"]


def invite(admin: Person, *roles: str, shown: str = "") -> str:
    admin.open("/people")
    admin.page.click("#make")
    admin.page.fill("#in-shown", shown)
    for box in admin.page.locator("[name=roles]").all():
        box.set_checked(box.get_attribute("value") in roles)
    admin.page.click("dialog [type=submit]")
    link = admin.page.wait_for_selector("#link").text_content()
    admin.page.click("dialog .do")
    admin.page.wait_for_selector("#links")
    return link


# Coming in by the first link


def test_the_first_administrator_came_in_with_a_passkey_and_nobody_else_by_that_link(first, city, people) -> None:
    assert first.page.url.endswith("/me?new=1")
    until(first.page, "Administrator", ".way-head")
    until(first.page, "Add a second passkey", "#way")
    first.page.go_back()
    assert city.link not in first.page.url, "the link has left the history"
    other = people(city)
    other.open(city.link)
    until(other.page, "This link opens nothing", "#way h2")
    assert city.get("/admin/people").status_code == 404


def test_whoever_must_sign_in_is_led_there_and_back(ada, people) -> None:
    page = ada.page
    ada.open("/me")
    page.click("#leave")
    page.wait_for_url("**/sign-in")
    assert ada.cookie() is None
    page.goto(f"{ada.base}/me?x=1")
    page.wait_for_url(f"{ada.base}/sign-in?next=*")
    page.click("#passkey")
    page.wait_for_url("**/me?x=1*")
    until(page, "Ada Lovelace", "#way h2")


@pytest.mark.parametrize("bad", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_nobody_is_led_out_of_the_city(ada, bad) -> None:
    asked = []
    ada.page.on("request", lambda one: one.url.startswith(ada.base) or asked.append(one.url))
    ada.open(f"/sign-in?next={bad}")
    ada.page.click("#passkey")
    ada.page.wait_for_url(f"{ada.base}/")
    assert asked == []
    status, told = ada.ask("POST", "/account/sign-in/password", {"name": "x", "password": "y" * 12, "next": bad})
    assert (status, told["where"]) == (401, "password")


def test_a_passkey_of_nobody_and_a_cancelled_one_are_said_in_words(ada, people, city) -> None:
    stranger = people(city)
    stranger.open("/sign-in")
    stranger.page.click("#passkey")
    until(stranger.page, "No passkey was used", ".notice")
    until(stranger.page, "Try again", ".notice")
    stranger.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": stranger.key, "isUserVerified": False})
    assert stranger.cookie() is None


def test_an_answer_is_not_taken_twice_nor_from_another_origin(ada, people, city) -> None:
    page = ada.page
    sent = []
    page.on("request", lambda one: one.url.endswith("/sign-in/passkey") and sent.append(one.post_data_json))
    ada.open("/sign-in")
    page.click("#passkey")
    page.wait_for_url(f"{ada.base}/")
    assert ada.ask("POST", "/account/sign-in/passkey", sent[0])[0] == 401
    other = people(city)
    other.open("/sign-in")
    assert other.ask("POST", "/account/sign-in/passkey", sent[0])[0] == 401
    # The same machine by its number is another origin: no passkey there, and what was asked here is not answered there.
    other.open(ada.base.replace("localhost", "127.0.0.1") + "/sign-in")
    assert other.page.locator("#passkey").is_disabled()
    assert other.page.locator("#way a").first.get_attribute("href") == f"{ada.base}/sign-in"
    assert other.ask("POST", "/account/sign-in", {})[0] == 400
    assert other.ask("POST", "/account/sign-in/passkey", sent[0])[0] == 400


def test_another_sites_page_does_nothing_in_somebodys_name(ada) -> None:
    """A page on another port of this machine is the same site: the cookie would come along."""

    class Evil(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = f"<form method=post action='{ada.base}/account/sign-out'><button>win</button></form>".encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Evil)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        page = ada.page
        before = ada.cookie()
        page.goto(f"http://localhost:{server.server_port}/")
        for how in ("no-cors", "cors"):
            page.evaluate(
                """([url, mode]) => fetch(url, { method: "POST", mode, credentials: "include", headers:
                    mode === "cors" ? { "x-hansa": "page" } : {} }).catch(() => null)""",
                [f"{ada.base}/account/sign-out", how],
            )
        page.evaluate(
            "(url) => fetch(url, { method: 'PATCH', credentials: 'include', body: '{}' }).catch(() => null)",
            f"{ada.base}/ngsi-ld/v1/entities/urn:x:1/attrs",
        )
        page.click("button")
        page.wait_for_url(f"{ada.base}/account/sign-out")
        assert '"status":403' in page.content()
        assert ada.cookie() == before
        ada.open("/me")
        until(page, "Ada Lovelace", "#way h2")
    finally:
        server.shutdown()
        server.server_close()


# Inviting


def test_somebody_is_invited_and_comes_in_once(ada, people, city) -> None:
    link = invite(ada, "operator", shown="Bob Bobson")
    bob = people(city)
    bob.open(link)
    assert bob.page.input_value("#in-shown") == "Bob Bobson"
    bob.come_in(link, "bob", "Bob Bobson")
    until(bob.page, "Operator", ".way-head")
    ada.open("/people")
    until(ada.page, "Bob Bobson", "#people")
    eve = people(city)
    eve.open(link)
    until(eve.page, "This link opens nothing", "#way h2")
    bob.open("/people")
    until(bob.page, "This page is for administrators", "#list")


def test_an_official_comes_in_with_a_password_and_an_authenticator_and_not_without(ada, people, city) -> None:
    link = link_for(ada, "operator")
    bob = people(city)
    page = bob.page
    bob.open(link)
    page.fill("#in-shown", "Bert")
    page.fill("#in-name", "bert")
    page.click("summary")
    page.fill("#in-password", "passwordpassword")
    page.click("form [type=submit]")
    until(page, "everybody tries first", ".notice")
    page.fill("#in-password", LONG)
    page.click("form [type=submit]")
    until(page, "needs an authenticator", ".notice")
    page.click("#codes")
    page.wait_for_selector("#in-code")
    assert page.evaluate("document.querySelector('.way-codes img').decode().then(() => true, () => false)")
    code = pyotp.TOTP(page.text_content(".secret").replace(" ", "")).now()
    page.fill("#in-code", code)
    page.click("form [type=submit]")
    page.wait_for_url("**/me?new=1")
    page.click("#leave")
    page.wait_for_url("**/sign-in")
    page.click("summary")
    page.fill("#in-name", "bert")
    page.fill("#in-password", LONG)
    page.fill("#in-code", code)
    page.click("form [type=submit]")
    until(page, "Name, password or code is wrong", ".notice")  # each code once


def test_a_link_that_has_ended_or_was_taken_back_opens_nothing(ada, people, tmp_path) -> None:
    short = fresh(tmp_path / "short", toml="[limits]\nenrolment_s = 0.001\n")
    try:
        late = people(short)
        late.open(short.link)
        until(late.page, "This link opens nothing", "#way h2")
    finally:
        short.stop()
    link = invite(ada, "resident", shown="Nobody after all")
    ada.page.locator("#links tr", has_text="Nobody after all").locator(".grave").click()
    ada.page.wait_for_function("() => !document.getElementById('list').textContent.includes('Nobody after all')")
    ada.open(link)
    until(ada.page, "This link opens nothing", "#way h2")


# One's own account


def test_a_second_passkey_is_added_renamed_and_removed_but_never_the_last(ada, people, city) -> None:
    peg = people(city)
    peg.come_in(link_for(ada, "resident"), "peg", "Peg")
    page = peg.page
    page.wait_for_selector("#passkeys")
    page.click("#passkeys .grave")
    until(page, "This is your only way in", ".notice")
    old = peg.key
    peg.new_key(transport="usb")
    peg.cdp.send("WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": old, "enabled": False})
    page.click("#add")
    until(page, "Passkey 2", "#passkeys")
    page.locator("#passkeys button", has_text="Rename").nth(1).click()
    page.fill("#in-called", "Security key")
    page.click("dialog [type=submit]")
    until(page, "Security key", "#passkeys")
    page.locator("#passkeys .grave").first.click()
    page.wait_for_function("() => document.querySelectorAll('#passkeys li').length === 1")
    assert "Security key" in page.text_content("#passkeys")


def test_what_opens_the_account_is_changed_only_after_showing_again_who_one_is(people, tmp_path) -> None:
    stale = fresh(tmp_path / "stale", toml="[limits]\nstep_s = 0.0\n")
    try:
        ada = people(stale)
        ada.come_in(stale.link, "ada", "Ada")
        before = ada.cookie()
        ada.page.click("#add")
        ada.page.wait_for_url("**/sign-in?step=up&next=*")
        until(ada.page, "Show again who you are", "#way h2")
        ada.page.click("#passkey")
        ada.page.wait_for_url("**/me*")
        assert ada.cookie() not in {before, None}, "a new secret"
        assert ada.ask("POST", "/account/again/passkey", {"credential": {"rawId": "AA", "response": {}}})[0] == 400
        ada.lose_key()
        ada.open("/sign-in?step=up&next=/me")
        ada.page.click("#passkey")
        until(ada.page, "No passkey was used", ".notice")
    finally:
        stale.stop()


def test_other_sessions_are_seen_and_ended(ada, people, city) -> None:
    link = link_for(ada, "resident")
    one, two = people(city), people(city)
    one.open(link)
    one.page.fill("#in-shown", "Rita")
    one.page.fill("#in-name", "rita")
    one.page.click("summary")
    one.page.fill("#in-password", LONG)
    one.page.click("form [type=submit]")
    one.page.wait_for_url("**/me?new=1")
    two.open("/sign-in")
    two.page.click("summary")
    two.page.fill("#in-name", "rita")
    two.page.fill("#in-password", LONG)
    two.page.click("form [type=submit]")
    two.page.wait_for_url(f"{two.base}/")
    one.open("/me")
    until(one.page, "Chrome", "#sessions")
    one.page.click("#others")
    one.page.wait_for_function("() => document.querySelectorAll('#sessions li').length === 1")
    two.page.goto(f"{two.base}/me")
    two.page.wait_for_url("**/sign-in?next=*")


# How it looks


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark"), (390, "light")])
def test_the_pages_can_be_read_and_used(ada, people, city, width, scheme) -> None:
    link = invite(ada, "operator", shown="Somebody with quite a long name indeed")
    ada.open("/me")
    ada.page.set_viewport_size({"width": width, "height": 800})
    ada.page.emulate_media(color_scheme=scheme)
    stranger = people(city, viewport={"width": width, "height": 800}, color_scheme=scheme)
    for who, path, shows in (
        (stranger, "/sign-in", "#passkey"), (stranger, link, "#passkey"), (ada, "/me", "#leave"),
        (ada, "/people", "#links"),
    ):  # fmt: skip
        who.open(path)
        who.page.wait_for_selector(shows)
        for summary in who.page.locator("summary").all():
            summary.click()
        assert weak(who.page, "main *") == [], path
        assert nameless(who.page) == [], path
        assert small(who.page) == [], path
        assert outside(who.page, "main *") == [], path
    for opens in ("#make", "#people .attr"):
        ada.open("/people")
        ada.page.click(opens)
        assert weak(ada.page, "dialog *") == []
        assert nameless(ada.page) == []
        assert outside(ada.page, "dialog *") == []
        ada.page.keyboard.press("Escape")
        ada.page.wait_for_selector("dialog[open]", state="detached")


# Two administrators


def test_two_administrators_let_somebody_in_again(ada, people, city) -> None:
    ben, bob = people(city), people(city)
    told = machine(city.folder, "POST", ["invitations"], {"roles": ["administrator"]})
    ben.come_in(told["link"], "ben", "Ben")
    bob.come_in(link_for(ada, "operator"), "rob", "Rob the Careless")
    bob.lose_key()
    ada.open("/people")
    ada.page.locator("#people .attr", has_text="Rob the Careless").click()
    ada.page.click("#recover")
    ada.page.fill("#in-reason", "His phone fell into the weir")
    ada.page.click("#recover")
    until(ada.page, "Another administrator must approve it", "#list")
    assert "let in again" not in ada.page.text_content("#list"), "one alone lets nobody in"
    ben.open("/approvals")
    until(ben.page, "His phone fell into the weir", "main")
    (waiting,) = ben.ask("GET", "/admin/proposals?state=waiting")[1]
    assert ada.ask("POST", f"/admin/proposals/{waiting['id']}/approve", {"digest": waiting["digest"]})[0] == 403
    assert ben.ask("POST", f"/admin/proposals/{waiting['id']}/approve", {"digest": waiting["digest"]})[0] == 200
    ben.open("/people")
    until(ben.page, "let in again", "#links")
    halves = []
    for one in (ben, ada):
        one.open("/people")
        one.page.locator("#links tr", has_text="let in again").locator("text=Tell my half").click()
        halves.append(one.page.wait_for_selector("#link").text_content())
    link = f"{halves[0]}.{halves[1].rsplit('/', 1)[1]}"
    anew = people(city)
    anew.open(link)
    until(anew.page, "opens nothing any more once you have come in", "#way")
    anew.page.click("#passkey")
    anew.page.wait_for_url("**/me?new=1")
    until(anew.page, "rob", ".way-head")
    bob.page.goto(f"{bob.base}/me")
    bob.page.wait_for_url("**/sign-in?next=*")  # what he had has ended
    eve = people(city)
    eve.open(link)
    until(eve.page, "This link opens nothing", "#way h2")
