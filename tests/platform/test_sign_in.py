"""The door of accounts: coming in by a link, signing in, showing it again, and what one may change of one's own."""

from pathlib import Path
from typing import Any

import pytest
from entering import ORIGIN, SECOND, Browser, Town

from hansa.platform.sign_in import local
from soft_key import SoftKey

LONG = "meadow kettle tram violin"


@pytest.fixture
def town(tmp_path: Path):
    made = Town(tmp_path)
    yield made
    made.close()


@pytest.fixture
def ada(town: Town) -> Browser:
    """The first administrator, signed in."""
    made = Browser(town)
    made.enrol(town.first())
    return made


def invited(ada: Browser, *roles: str, **said: Any) -> str:
    link: str = ada.good("POST", "admin/invitations", roles=list(roles), **said)["link"]
    return link.rsplit("/", 1)[-1]


# By a link


def test_the_first_administrator_comes_in_by_a_link_and_no_password_exists_before(town: Town) -> None:
    link = town.first()
    assert town.people.known == {}
    stored = b"".join(file.read_bytes() for file in town.folder.iterdir())
    assert link.encode() not in stored
    browser = Browser(town)
    told = browser.good("POST", "enrol", link=link)
    assert (told["kind"], told["roles"], told["official"]) == ("first", ["administrator", "engineer", "operator"], True)
    assert browser.enrol(link)["next"] == "/me"
    me = browser.good("GET", "")
    assert (me["name"], me["shown"], me["roles"]) == ("ada", "Ada", ["administrator", "engineer", "operator"])
    assert (me["assurance"], me["password"], [one["called"] for one in me["passkeys"]]) == (
        "a passkey",
        False,
        ["Phone"],
    )
    assert town.first() == "None", "there is one now"


def test_a_link_opens_once(town: Town) -> None:
    link = town.first()
    one, two = Browser(town), Browser(town)
    who = {"link": link, "name": "eve", "shown": "Eve"}
    options = two.good("POST", "enrol/ask", **who)
    one.enrol(link)
    assert two.ask("POST", "enrol", link=link)[0] == 404
    assert two.ask("POST", "enrol/ask", **who)[0] == 404
    assert two.ask("POST", "enrol/passkey", **who, credential=two.key().make(options))[0] == 404
    assert two.ask("POST", "enrol/password", **who, password=LONG)[0] == 404
    assert two.ask("POST", "enrol/codes", **who)[0] == 404
    assert list(town.people.known) == ["ada"]


def test_a_link_ends_and_a_new_first_one_ends_the_old(town: Town) -> None:
    old = town.first()
    new = town.first()
    browser = Browser(town)
    assert browser.ask("POST", "enrol", link=old)[0] == 404
    assert browser.ask("POST", "enrol", link=new)[0] == 200
    town.later(town.limits.enrolment_s)
    assert browser.ask("POST", "enrol", link=new)[0] == 404
    for wrong in (None, 7, "", "x", "x" * 43, "x" * 10_000, ["a"]):
        assert browser.ask("POST", "enrol", link=wrong)[0] == 404


def test_an_answer_for_one_link_or_name_makes_no_other_account(town: Town, ada: Browser) -> None:
    one, two = invited(ada, "operator"), invited(ada, "engineer")
    browser = Browser(town)
    who = {"link": one, "name": "bob", "shown": "Bob"}
    made = browser.key().make(browser.good("POST", "enrol/ask", **who))
    assert browser.ask("POST", "enrol/passkey", **who | {"link": two}, credential=made)[0] == 401
    assert browser.ask("POST", "enrol/passkey", **who | {"name": "eve"}, credential=made)[0] == 401
    assert browser.ask("POST", "enrol/passkey", **who, credential=made)[0] == 200
    assert town.people.known["bob"].roles == {"operator"}


def test_a_name_that_is_taken_is_not_given_again_and_the_link_stays_good(town: Town, ada: Browser) -> None:
    link = invited(ada, "operator")
    browser = Browser(town)
    status, told, _ = browser.ask("POST", "enrol/ask", link=link, name="ADA", shown="Eve")
    assert (status, told["where"]) == (409, "name")
    browser.enrol(link, "eve")
    assert browser.good("GET", "")["roles"] == ["operator"]


def test_a_link_for_one_name_is_not_used_under_another(town: Town, ada: Browser) -> None:
    browser = Browser(town)
    browser.enrol(invited(ada, "operator", name="bob", shown="Bob B."), "somebody", "")
    assert (browser.good("GET", "")["name"], browser.good("GET", "")["shown"]) == ("bob", "Bob B.")


def test_an_official_needs_an_authenticator_beside_a_password_and_a_resident_does_not(town: Town, ada: Browser) -> None:
    link = invited(ada, "operator")
    browser = Browser(town)
    who = {"link": link, "name": "bob", "shown": "Bob"}
    status, told, _ = browser.ask("POST", "enrol/password", **who, password=LONG)
    assert (status, told["where"]) == (400, "code")
    assert browser.ask("POST", "enrol/password", **who, password=LONG, code="123456")[0] == 400, "of no authenticator"
    browser.enrol_by_password(link, "bob", LONG)
    assert browser.good("GET", "")["assurance"] == "two factors"
    resident = Browser(town)
    resident.enrol_by_password(invited(ada, "resident"), "rita", LONG, codes=False)
    assert resident.good("GET", "")["assurance"] == "one secret"


@pytest.mark.parametrize("weak", ["short", "passwordpassword", "robert robert", None, 7])
def test_a_weak_password_is_refused_and_the_link_stays_good(town: Town, ada: Browser, weak: object) -> None:
    link = invited(ada, "resident")
    browser = Browser(town)
    assert browser.ask("POST", "enrol/password", link=link, name="robert", shown="R", password=weak)[0] == 400
    browser.enrol_by_password(link, "robert", LONG, codes=False)


# Signing in by a passkey


def test_somebody_signs_in_with_a_passkey_and_goes_where_he_wanted(ada: Browser) -> None:
    browser = Browser(ada.town)
    credential = ada.keys[0].sign(browser.good("POST", "sign-in"))
    _, told, answer = browser.ask("POST", "sign-in/passkey", credential=credential, next="/entities?type=A")
    assert told == {"name": "ada", "shown": "Ada", "next": "/entities?type=A"}
    cookie = next(
        value for name, value in answer.headers if name == b"set-cookie" and value.startswith(b"__Host-hansa=")
    )
    for part in (b"Path=/", b"HttpOnly", b"Secure", b"SameSite=Lax"):
        assert part in cookie
    assert b"Domain" not in cookie
    assert b"Max-Age" not in cookie, "an official's ends with the browser"
    assert (b"cache-control", b"no-store") in answer.headers


def test_an_answer_is_taken_once(town: Town, ada: Browser) -> None:
    options = ada.good("POST", "sign-in")
    credential = ada.keys[0].sign(options)
    assert ada.ask("POST", "sign-in/passkey", credential=credential)[0] == 200
    assert Browser(town).ask("POST", "sign-in/passkey", credential=credential)[0] == 401
    other = Browser(town)
    options = other.good("POST", "sign-in")
    town.later(301)
    assert other.ask("POST", "sign-in/passkey", credential=ada.keys[0].sign(options))[0] == 401


@pytest.mark.parametrize(
    "wrong",
    [{"origin": "https://evil.example"}, {"verified": False}, {"spoilt": True}, {"site": "evil.example"},
     {"challenge": b"x" * 56}, {"handle": b"grace"}, {"across": True}],
)  # fmt: skip
def test_a_wrong_answer_opens_nothing(town: Town, ada: Browser, wrong: dict[str, Any]) -> None:
    browser = Browser(town)
    status, told, answer = browser.sign_in(ada.keys[0], **wrong)
    assert status == 401
    assert told["where"] == "credential"
    assert not [one for one in answer.headers if one[0] == b"set-cookie"]
    assert browser.ask("GET", "")[0] == 401


def test_a_challenge_for_something_else_does_not_sign_in(town: Town, ada: Browser) -> None:
    more = ada.good("POST", "again")
    assert Browser(town).ask("POST", "sign-in/passkey", credential=ada.keys[0].sign(more))[0] == 401
    sign_in = ada.good("POST", "sign-in")
    assert ada.ask("POST", "again/passkey", credential=ada.keys[0].sign(sign_in))[0] == 401


def test_a_passkey_that_nobody_has_opens_nothing(town: Town, ada: Browser) -> None:
    stranger = SoftKey(ORIGIN)
    status, told, _ = Browser(town).sign_in(stranger)
    assert status == 401
    assert "not known" in told["detail"]
    assert "login-failed" not in [kind for kind, _, _ in town.noted], "anybody could fill the audit with these"
    assert town.proving.refused == 1


def test_a_copy_of_a_passkey_is_noticed_and_neither_opens_anything(town: Town, ada: Browser) -> None:
    key = ada.keys[0]
    assert ada.sign_in(key)[0] == 200
    key.count -= 2  # the copy has not counted along
    thief = Browser(town, "203.0.113.9")
    status, told, _ = thief.sign_in(key)
    assert status == 401
    assert "copy" in told["detail"]
    key.count += 20
    assert Browser(town).sign_in(key)[0] == 401
    assert town.noted[-1][0] == "login-failed"
    assert ada.good("GET", "")["passkeys"][0]["doubted"]


def test_a_passkey_needs_a_name_in_the_address(tmp_path: Path) -> None:
    town = Town(tmp_path, url="")
    try:
        status, told, _ = Browser(town, "127.0.0.1", "http://127.0.0.1:8080").ask("POST", "sign-in")
        assert (status, told["where"]) == (400, "host")
        here = Browser(town, "127.0.0.1", "http://localhost:8080")
        here.enrol(town.first())
        assert set(here.cookies) == {"hansa", "hansa-known"}
        assert here.ask("GET", "")[0] == 200
        for host in ("http://city.example", "http://10.0.0.7:8080", "http://evil.example", "http://", "http://a b"):
            assert Browser(town, "10.0.0.1", host).ask("POST", "sign-in")[0] == 403, "nobody signs in in the clear"
    finally:
        town.close()


# Signing in by a password


@pytest.fixture
def bob(town: Town, ada: Browser) -> tuple[Browser, str]:
    made = Browser(town, "10.0.0.2")
    return made, made.enrol_by_password(invited(ada, "operator"), "bob", LONG)


def by_password(browser: Browser, name: str = "bob", password: object = LONG, code: object = "") -> int:
    return browser.ask("POST", "sign-in/password", name=name, password=password, code=code)[0]


def test_a_password_and_a_code_open_and_neither_alone(town: Town, bob: tuple[Browser, str]) -> None:
    _, secret = bob
    town.later(60)
    stranger = Browser(town, "10.0.0.3")
    code = stranger.code(secret)
    assert by_password(stranger) == 401
    assert by_password(stranger, code="000000" if code != "000000" else "111111") == 401
    assert by_password(stranger, password="wrong " + LONG, code=code) == 401
    assert by_password(stranger, code=code) == 200
    assert stranger.good("GET", "")["assurance"] == "two factors"
    assert by_password(Browser(town, "10.0.0.4"), code=code) == 401, "a code works once"


def test_who_fails_hears_the_same_whether_there_is_such_an_account_or_not(town: Town, bob: tuple[Browser, str]) -> None:
    said = []
    for name in ("bob", "nobody", "ada"):
        status, told, answer = Browser(town, "10.0.0.9").ask(
            "POST", "sign-in/password", name=name, password="wrong wrong"
        )
        said.append((status, told, answer.headers))
    assert said[0] == said[1] == said[2]
    assert said[0][0] == 401


def test_a_password_alone_lets_no_official_in_whatever_he_was_before(town: Town, ada: Browser) -> None:
    rita = Browser(town)
    rita.enrol_by_password(invited(ada, "resident"), "rita", LONG, codes=False)
    assert by_password(Browser(town), "rita") == 200
    ada.good("PATCH", "admin/people/rita", roles=["operator"])
    assert rita.ask("GET", "")[0] == 401, "her sessions have ended"
    assert by_password(Browser(town), "rita") == 401


@pytest.mark.parametrize(
    "said",
    [
        {}, {"name": 7}, {"password": 7}, {"name": "bob"}, {"name": "x" * 10_000, "password": "y"},
        {"name": None, "password": "x" * 300}, {"name": [], "password": [], "code": {}},
    ],
)  # fmt: skip
def test_what_is_no_password_is_refused(town: Town, said: dict[str, Any]) -> None:
    assert Browser(town).ask("POST", "sign-in/password", **said)[0] in {400, 401}


def test_guessing_stops_soon_and_locks_out_neither_known_browsers_nor_passkeys(
    town: Town, bob: tuple[Browser, str], ada: Browser
) -> None:
    browser, secret = bob
    statuses = [by_password(Browser(town, f"10.1.0.{n % 30}"), password="wrong wrong w") for n in range(60)]
    assert statuses.count(401) <= 20
    assert statuses[-1] == 429
    status, told, answer = Browser(town, "10.1.9.9").ask("POST", "sign-in/password", name="bob", password=LONG)
    assert status == 429
    assert "passkey" in told["mend"]
    assert dict(answer.headers)[b"retry-after"].isdigit()
    town.later(60)
    assert by_password(browser, code=browser.code(secret)) == 200, "he has signed in here before"
    assert ada.sign_in(ada.keys[0])[0] == 200


def test_a_closed_account_opens_by_nothing(town: Town, ada: Browser, bob: tuple[Browser, str]) -> None:
    browser, secret = bob
    ada.good("PATCH", "admin/people/bob", disabled=True)
    assert browser.ask("GET", "")[0] == 401
    town.later(60)
    assert by_password(browser, code=browser.code(secret)) == 401
    ada.good("PATCH", "admin/people/bob", disabled=False)
    town.later(60)
    assert by_password(browser, code=browser.code(secret)) == 200


# Sessions


def test_a_session_ends_by_time_unused_or_signed_out_and_lives_through_a_restart(town: Town, ada: Browser) -> None:
    town.later(town.limits.session_idle_s - 1)
    assert ada.ask("GET", "")[0] == 200
    town.reopen()
    assert ada.ask("GET", "")[0] == 200
    town.later(town.limits.session_idle_s)
    assert ada.ask("GET", "")[0] == 401
    assert ada.sign_in()[0] == 200
    for _ in range(100):
        town.later(town.limits.session_s / 90)
        status = ada.ask("GET", "")[0]
    assert status == 401
    ada.sign_in()
    old = dict(ada.cookies)
    assert ada.ask("POST", "sign-out")[0] == 204
    assert "__Host-hansa" not in ada.cookies
    ada.cookies = old
    assert ada.ask("GET", "")[0] == 401
    town.reopen()
    assert ada.ask("GET", "")[0] == 401


def test_signing_in_again_gives_another_secret_and_nobody_can_plant_one(town: Town, ada: Browser) -> None:
    ada.cookies["__Host-hansa"] = "planted"
    ada.sign_in()
    assert ada.cookies["__Host-hansa"] != "planted"
    one = ada.cookies["__Host-hansa"]
    assert ada.again()[0] == 200
    assert ada.cookies["__Host-hansa"] != one
    ada.cookies["__Host-hansa"] = one
    assert ada.ask("GET", "")[0] == 401


def test_one_sees_and_ends_ones_own_sessions_and_nobody_elses(
    town: Town, ada: Browser, bob: tuple[Browser, str]
) -> None:
    other = Browser(town, "10.0.0.8")
    other.keys = ada.keys
    other.sign_in()
    sessions = ada.good("GET", "")["sessions"]
    assert [one["here"] for one in sessions].count(True) == 1
    there = next(one for one in sessions if not one["here"])
    assert (there["address"], there["agent"], there["method"]) == ("10.0.0.8", "Soft/1.0", "passkey")
    bobs = bob[0].good("GET", "")["sessions"][0]["id"]
    assert ada.ask("DELETE", f"sessions/{bobs}")[0] == 404
    assert ada.ask("DELETE", f"sessions/{there['id']}")[0] == 204
    assert other.ask("GET", "")[0] == 401
    other.sign_in()
    assert ada.ask("DELETE", "sessions")[0] == 204
    assert other.ask("GET", "")[0] == 401
    assert ada.ask("GET", "")[0] == 200
    assert bob[0].ask("GET", "")[0] == 200


def test_what_is_kept_of_sessions_opens_none(town: Town, ada: Browser) -> None:
    secret = ada.cookies["__Host-hansa"]
    rows = list(town.people.accounts._db.execute("SELECT * FROM sessions"))
    assert len(rows) == 1
    assert secret not in str(rows)
    for value in rows[0]:
        ada.cookies["__Host-hansa"] = value.hex() if isinstance(value, bytes) else str(value)
        assert ada.ask("GET", "")[0] == 401


# Showing it again, and what one signs in by


def test_what_one_signs_in_by_is_changed_only_by_who_has_just_shown_who_he_is(town: Town, ada: Browser) -> None:
    town.later(town.limits.step_s)
    for method, path in (("POST", "passkeys/ask"), ("POST", "codes"), ("PUT", "password"), ("DELETE", "password")):
        said = {"password": LONG} if method == "PUT" else {}
        status, told, _ = ada.ask(method, path, **said)
        assert (status, told["type"].rsplit("/", 1)[-1], told["level"]) == (401, "StepUp", 2), path
    public = ada.good("GET", "")["passkeys"][0]["id"]
    assert ada.ask("DELETE", f"passkeys/{public}")[0] == 401
    assert not ada.good("GET", "")["fresh"]
    assert ada.again()[0] == 200
    assert ada.good("GET", "")["fresh"]
    assert ada.ask("POST", "passkeys/ask")[0] == 200


def test_another_persons_passkey_does_not_show_who_one_is(town: Town, ada: Browser) -> None:
    eve = Browser(town)
    eve.enrol(invited(ada, "operator"), "eve")
    assert ada.again(eve.keys[0])[0] == 401


def test_a_second_passkey_is_added_named_used_and_removed(town: Town, ada: Browser) -> None:
    town.later(1)
    made = ada.key().make(ada.good("POST", "passkeys/ask"))
    one = ada.good("POST", "passkeys", credential=made, called="  Laptop  ")
    assert one["called"] == "Laptop"
    assert ada.ask("POST", "passkeys", credential=made)[0] == 401, "said again"
    other = Browser(town)
    assert other.sign_in(ada.keys[1])[0] == 200
    assert ada.ask("PATCH", f"passkeys/{one['id']}", called="Old laptop")[0] == 204
    assert ada.ask("PATCH", f"passkeys/{one['id']}", called="\u202e")[0] == 400
    assert [key["called"] for key in ada.good("GET", "")["passkeys"]] == ["Phone", "Old laptop"]
    assert ada.ask("DELETE", f"passkeys/{one['id']}")[0] == 204
    assert other.ask("GET", "")[0] == 401, "whoever has stolen it is out"
    assert other.sign_in(ada.keys[1])[0] == 401
    last = ada.good("GET", "")["passkeys"][0]["id"]
    status, told, _ = ada.ask("DELETE", f"passkeys/{last}")
    assert (status, told["detail"]) == (400, "this is your only way in")
    assert ada.ask("DELETE", "passkeys/0000")[0] == 404


def test_another_persons_passkey_is_neither_renamed_nor_removed(town: Town, ada: Browser) -> None:
    eve = Browser(town)
    eve.enrol(invited(ada, "operator"), "eve")
    adas = ada.good("GET", "")["passkeys"][0]["id"]
    assert eve.ask("DELETE", f"passkeys/{adas}")[0] == 404
    assert eve.ask("PATCH", f"passkeys/{adas}", called="mine")[0] == 404


def test_a_password_is_set_beside_passkeys_and_given_up_again(town: Town, ada: Browser) -> None:
    status, told, _ = ada.ask("PUT", "password", password=LONG)
    assert (status, told["where"]) == (400, "code"), "an official's needs an authenticator"
    secret = ada.good("POST", "codes")["secret"]
    assert ada.ask("PUT", "password", password=LONG, code="12345")[0] == 400
    other = Browser(town, "10.0.0.7")
    other.sign_in(ada.keys[0])
    assert ada.ask("PUT", "password", password=LONG, code=ada.code(secret))[0] == 204
    assert other.ask("GET", "")[0] == 401, "other sessions end"
    assert by_password(Browser(town), "ada", code=ada.code(secret)) == 401, "that code was used to set it"
    town.later(60)
    assert by_password(Browser(town), "ada", code=ada.code(secret)) == 200
    assert ada.ask("PUT", "password", password=LONG + " again")[0] == 204, "the authenticator stays"
    assert ada.ask("DELETE", "password")[0] == 204
    town.later(60)
    assert by_password(Browser(town), "ada", LONG + " again", ada.code(secret)) == 401


def test_the_only_way_in_is_not_given_up(town: Town, bob: tuple[Browser, str]) -> None:
    browser, _ = bob
    status, told, _ = browser.ask("DELETE", "password")
    assert (status, told["detail"]) == (400, "this is your only way in")


def test_the_secret_of_an_authenticator_is_shown_once_and_never_again(town: Town, bob: tuple[Browser, str]) -> None:
    browser, secret = bob
    assert secret not in str(browser.good("GET", ""))
    assert secret not in str(town.noted)


# Who asks


def test_another_sites_page_neither_signs_in_nor_out_nor_changes_anything(town: Town, ada: Browser) -> None:
    options = ada.good("POST", "sign-in")
    credential = ada.keys[0].sign(options)
    victim = Browser(town)
    for wrong in ({"origin": "https://evil.example", "sec-fetch-site": "cross-site"}, {"x-hansa": ""},
                  {"origin": "", "sec-fetch-site": ""}):  # fmt: skip
        victim.said = ada.said = wrong
        status, _, answer = victim.ask("POST", "sign-in/passkey", credential=credential)
        assert status == 403
        assert not [one for one in answer.headers if one[0] == b"set-cookie"]
        assert ada.ask("POST", "sign-out")[0] == 403
        assert ada.ask("DELETE", "sessions")[0] == 403
    ada.said = {}
    assert ada.ask("GET", "")[0] == 200


def test_a_path_of_the_city_is_where_one_goes_on_and_nothing_else() -> None:
    for good in ("/", "/me", "/entities?type=A&q=level%3E2", "/entities/urn:x:1#a", "/ä", "/a//b"):
        assert local(good) == good
    for bad in ("", "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "evil.example",
                "/\t/evil.example", "/\n/evil.example", "javascript:alert(1)", "/\\/evil", " /x", None, 7, ["/"],
                "/" + "x" * 3_000, "///evil.example", "/\x00", "/%0d%0a\r\n"):  # fmt: skip
        assert local(bad) == "/", bad


def test_a_body_that_is_too_long_or_no_object_is_refused(town: Town) -> None:
    browser = Browser(town)
    assert browser.ask("POST", "sign-in/password", name="x" * 70_000)[0] == 413
    assert browser.ask("POST", "enrol/nothing")[0] == 404
    assert browser.ask("POST", "nothing")[0] == 401
    assert browser.ask("DELETE", "sign-in")[0] == 401


def test_what_happened_is_told_to_the_audit_without_secrets(town: Town, ada: Browser, bob: tuple[Browser, str]) -> None:
    stranger = Browser(town, "10.0.0.66")
    by_password(stranger, "my password in the wrong field", "x" * 12)
    by_password(stranger, "bob", "wrong wrong w")
    kinds = [(kind, actor) for kind, actor, _ in town.noted]
    assert {(kind, f"person:{who}") for kind in ("people", "login") for who in ("ada", "bob")} <= set(kinds)
    assert {("login-failed", "public"), ("login-failed", "person:bob")} <= set(kinds)
    text = str(town.noted)
    for secret in (
        LONG,
        bob[1],
        "wrong field",
        "wrong wrong",
        ada.cookies["__Host-hansa"],
        ada.cookies["__Host-hansa-known"],
    ):
        assert secret not in text


def test_sessions_and_links_that_have_ended_are_swept_away(town: Town, ada: Browser) -> None:
    import asyncio

    invited(ada, "operator")
    town.at += 400 * 86_400 * SECOND
    asyncio.run(town.people.sweep())
    assert len(town.people.sessions) == 0
    assert town.people.accounts.sessions() == []
    assert town.people.accounts.links() == []


def test_the_audit_hears_how_many_were_turned_away(town: Town) -> None:
    import asyncio

    for _ in range(30):
        by_password(Browser(town), "nobody", "wrong wrong w")
    asyncio.run(town.proving.sweep())
    assert town.noted[-1][:2] == ("login-failed", "public")
    assert town.noted[-1][2]["refused"] >= 20


def test_who_comes_by_a_provider_makes_nothing_here_that_would_outlive_it(town: Town, ada: Browser) -> None:
    import asyncio

    from hansa.platform.people import Visit
    from hansa.trust.passkeys import Site
    from hansa.trust.people import Person

    browser = Browser(town)

    async def comes() -> str:
        person = Person("office:4711", "Otto", frozenset({"operator"}))
        await town.people.keep(person)
        return (await town.people.enter(person, "oidc+two", Visit(Site(ORIGIN)))).secret

    browser.cookies["__Host-hansa"] = asyncio.run(comes())
    assert browser.good("GET", "")["provider"] == "office"
    asked = {("POST", "passkeys/ask"): {}, ("POST", "codes"): {}, ("PUT", "password"): {"password": LONG}}
    asked["POST", "passkeys"] = {"credential": {}}
    for (method, path), said in asked.items():
        assert browser.ask(method, path, **said)[0] == 403, path
    assert town.machine("POST", "people", "office:4711", "recover")[0] == 400
    assert by_password(browser, "office:4711") == 401


def test_what_is_slow_is_done_where_nobody_waits_for_it(
    town: Town, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawing the secret of an authenticator, and looking whether a long password may be set, by link or without."""
    import threading

    from hansa.trust import passwords

    where: list[tuple[str, str]] = []

    def watched(name: str) -> None:
        real = getattr(passwords, name)

        def call(*given: Any) -> Any:
            where.append((name, threading.current_thread().name))
            return real(*given)

        monkeypatch.setattr(passwords, name, call)

    for name in ("totp_picture", "chosen", "kept", "matches"):
        watched(name)
    bob = Browser(town)
    bob.enrol_by_password(invited(ada, "operator"), "bob", LONG)
    secret = ada.good("POST", "codes")["secret"]
    assert ada.ask("PUT", "password", password=LONG, code=ada.code(secret))[0] == 204
    town.later(60)
    assert by_password(Browser(town), "ada", code=ada.code(secret)) == 200
    assert ada.ask("PUT", "password", password="password1234")[0] == 400
    assert {name for name, _ in where} == {"totp_picture", "chosen", "kept", "matches"}
    assert {thread for _, thread in where} == {"passwords"}
