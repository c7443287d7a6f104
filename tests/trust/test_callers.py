"""Who is calling: the token, and the machine itself, and nobody who was only sent here by a web page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.errors import Forbidden
from hansa.trust.actors import PASSKEY, SINGLE, Actor
from hansa.trust.callers import Callers, is_loopback
from hansa.trust.labels import ADMINISTRATOR, NOBODY, Sight, named

TOKEN = "a-token-of-this-city"


def sight(peer: str | None = "127.0.0.1", *, trust: bool = True, **headers: str) -> Sight:
    said = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Callers(TOKEN, trust_loopback=trust).sight(peer, said)


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8080", "localhost:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "127.9.9.9"]
)
@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "127.0.0.2"])
def test_this_machine_is_its_administrator_when_it_is_trusted(peer: str, host: str) -> None:
    assert sight(peer, host=host) is ADMINISTRATOR
    assert sight(peer, host=host, origin=f"http://{host}", sec_fetch_site="same-origin") is ADMINISTRATOR
    assert sight(peer, host=host, sec_fetch_site="none") is ADMINISTRATOR
    assert sight(peer, trust=False, host=host) is NOBODY


@pytest.mark.parametrize("peer", ["192.168.1.7", "8.8.8.8", "::2", "fe80::1%eth0", None, "", "localhost.evil.example"])
def test_another_machine_is_nobody_whatever_it_says(peer: str | None) -> None:
    assert sight(peer, host="127.0.0.1:8080") is NOBODY
    assert sight(peer, host="localhost", origin="http://localhost", sec_fetch_site="same-origin") is NOBODY


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",  # a name that its owner points at 127.0.0.1: DNS rebinding
        "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1@evil.example", "",
        "192.168.1.7:8080", "0.0.0.0:8080", "[::2]:8080", "[::1", "[::1]evil", "[", "]", ":8080", "\xff\xfe",
        "2130706433", "0x7f.1",
    ],
)  # fmt: skip
def test_a_foreign_host_is_not_trusted(host: str) -> None:
    assert sight(host=host) is NOBODY


def test_a_request_without_a_host_or_with_two_is_not_trusted() -> None:
    assert sight() is NOBODY
    callers = Callers(TOKEN, trust_loopback=True)
    twice = [(b"host", b"localhost"), (b"host", b"evil.example")]
    assert callers.sight("127.0.0.1", twice) is NOBODY
    assert callers.sight("127.0.0.1", twice[::-1]) is NOBODY


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "https://localhost.evil.example", "null", "", "http://[::2]", "http://[", "file://"],
)
def test_a_page_of_somebody_elses_is_not_trusted(origin: str) -> None:
    assert sight(host="localhost:8080", origin=origin) is NOBODY


@pytest.mark.parametrize("said", ["cross-site", "same-site", "", "Same-Origin", "whatever"])
def test_what_a_browser_was_sent_here_for_is_not_trusted(said: str) -> None:
    # Another port of this machine is the same site, and is still somebody else's page.
    assert sight(host="localhost:8080", sec_fetch_site=said) is NOBODY


@pytest.mark.parametrize(
    "header", ["forwarded", "x_forwarded_for", "x_forwarded_host", "x_forwarded_proto", "x_real_ip", "via"]
)
def test_what_a_proxy_passed_on_is_not_trusted(header: str) -> None:
    assert sight(host="localhost:8080", **{header: "127.0.0.1"}) is NOBODY
    callers = Callers(TOKEN, trust_loopback=True)
    before = [(header.replace("_", "-").encode(), b""), (b"host", b"localhost")]
    assert callers.sight("127.0.0.1", before) is NOBODY, "in whatever order"


@pytest.mark.parametrize("trust", [True, False])
def test_the_token_opens_from_anywhere_and_a_wrong_one_closes(trust: bool) -> None:
    assert sight("8.8.8.8", trust=trust, authorization=f"Bearer {TOKEN}") is ADMINISTRATOR
    assert sight(None, trust=trust, host="evil.example", authorization=f"Bearer {TOKEN}") is ADMINISTRATOR
    for wrong in ("", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", TOKEN, f"bearer {TOKEN}",
                  "Basic YTpi", f"Bearer  {TOKEN}", "\xff"):  # fmt: skip
        assert sight("8.8.8.8", trust=trust, authorization=wrong) is NOBODY
        named = sight(trust=trust, host="localhost", authorization=wrong)
        assert named is NOBODY, "whoever names himself is not taken for somebody else"


@given(st.lists(st.tuples(st.sampled_from([b"host", b"origin", b"authorization", b"via", b"sec-fetch-site", b"x"]),
                          st.binary(max_size=30))))  # fmt: skip
def test_no_header_breaks_the_decision(headers: list[tuple[bytes, bytes]]) -> None:
    callers = Callers(TOKEN, trust_loopback=True)
    assert callers.sight("127.0.0.1", headers) in {ADMINISTRATOR, NOBODY}
    assert callers.sight("10.0.0.1", headers) is NOBODY


def test_loopback_is_this_machine_and_not_a_name_that_looks_like_it() -> None:
    for here in ("127.0.0.1", "127.255.255.254", "::1", "[::1]", "localhost", "LocalHost", "localhost."):
        assert is_loopback(here)
    for there in ("", "0.0.0.0", "::", "128.0.0.1", "localhost.example", "127.1", "192.168.0.1", "::ffff:8.8.8.8"):
        assert not is_loopback(there)


# Cookies and other tokens

ADA = named(Actor("person:ada", frozenset({"administrator"}), assurance=PASSKEY, method="passkey", session="s1"))
OWN = {"sec_fetch_site": "same-origin", "origin": "https://city.example", "x_hansa": "page"}


def by_cookie(
    method: str = "GET", *, cookie: str = "__Host-hansa=ada", host: str = "city.example", trust=False, **more
):
    callers = Callers(TOKEN, trust_loopback=trust, session=lambda secret: ADA if secret == b"ada" else None)
    said = {"host": host, "cookie": cookie, **more}
    return callers.sight(
        "127.0.0.1", [(name.replace("_", "-").encode(), value.encode()) for name, value in said.items()], method
    )


def test_a_cookie_says_whose_session_it_is() -> None:
    for cookie in ("__Host-hansa=ada", "theme=dark; __Host-hansa=ada; x=y", "hansa=eve; __Host-hansa=ada"):
        assert by_cookie(cookie=cookie) is ADA
    for cookie in (
        "__Host-hansa=eve",
        "__Host-hansa=eve; hansa=ada",
        "hansa-known=ada",
        "x__Host-hansa=ada",
        "ada",
        "=ada",
        "",
    ):
        assert by_cookie(cookie=cookie) is NOBODY


def test_the_plain_cookie_counts_on_this_machine_alone() -> None:
    assert by_cookie(cookie="hansa=ada", host="localhost:8080") is ADA
    assert by_cookie(cookie="hansa=ada", host="city.example") is NOBODY, "anybody on the way could have set it"


def test_who_has_signed_in_is_himself_also_where_the_machine_is_trusted() -> None:
    assert by_cookie(cookie="hansa=ada", host="localhost", trust=True) is ADA
    assert by_cookie(cookie="hansa=old", host="localhost", trust=True) is ADMINISTRATOR, "as without a cookie"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "QUERY"])
def test_a_page_of_the_city_may_change_things(method: str) -> None:
    assert by_cookie(method, **OWN) is ADA
    assert by_cookie(method, sec_fetch_site="same-origin", x_hansa="page") is ADA
    assert by_cookie(method, origin="https://city.example", x_hansa="page") is ADA, "a browser without fetch metadata"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "QUERY"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "same-site"}, {"sec_fetch_site": "none"},
        {"origin": "https://evil.example"}, {"origin": "null"}, {"origin": "https://city.example:444"},
        {"origin": "https://city.example.evil.example"}, {"origin": ""}, {"x_hansa": None},
        {"sec_fetch_site": None, "origin": None},
    ],
)  # fmt: skip
def test_a_page_of_another_site_changes_nothing_with_somebodys_cookie(method: str, wrong) -> None:
    said = {name: value for name, value in (OWN | wrong).items() if value is not None}
    with pytest.raises(Forbidden):
        by_cookie(method, **said)
    with pytest.raises(Forbidden):
        by_cookie(method, trust=True, cookie="hansa=ada", host="localhost", **said)


def test_another_sites_page_cannot_make_a_browser_read_with_a_cookie_but_may_link_here() -> None:
    for site in ("cross-site", "same-site"):
        assert by_cookie(sec_fetch_site=site) is NOBODY
        assert by_cookie(sec_fetch_site=site, sec_fetch_mode="no-cors", sec_fetch_dest="script") is NOBODY
        assert by_cookie(sec_fetch_site=site, sec_fetch_mode="navigate", sec_fetch_dest="iframe") is NOBODY
        assert by_cookie(sec_fetch_site=site, sec_fetch_mode="navigate", sec_fetch_dest="document") is ADA
    assert by_cookie(sec_fetch_site="none") is ADA


def test_the_citys_own_address_is_its_origin_whatever_a_proxy_calls_it() -> None:
    callers = Callers(TOKEN, trust_loopback=False, session=lambda _: ADA)
    said = [(b"host", b"10.0.0.7:8080"), (b"cookie", b"__Host-hansa=ada"), (b"x-hansa", b"page"),
            (b"origin", b"https://city.example")]  # fmt: skip
    with pytest.raises(Forbidden):
        callers.sight("10.0.0.1", said, "POST")
    callers.origins = frozenset({b"https://city.example"})
    assert callers.sight("10.0.0.1", said, "POST") is ADA


def test_a_token_of_somebody_else_is_asked_for_and_a_program_that_names_itself_is_no_cookie() -> None:
    service = Actor("service:ledger", frozenset({"service"}), assurance=SINGLE, method="token")
    callers = Callers(TOKEN, trust_loopback=True, bearer=lambda text: service if text == "good" else None,
                      session=lambda _: ADA)  # fmt: skip

    def sight_of(value: bytes) -> Sight:
        cookie = [(b"cookie", b"hansa=ada"), (b"host", b"localhost")]
        return callers.sight("127.0.0.1", [*cookie, (b"authorization", value)], "POST")

    assert sight_of(b"Bearer good").who is service
    assert sight_of(f"Bearer {TOKEN}".encode()) is ADMINISTRATOR
    for wrong in (b"Bearer bad", b"Basic Z29vZA==", b"good", b"", b"Bearer \xff"):
        assert sight_of(wrong) is NOBODY, "neither the cookie nor the machine speaks for him"


def test_until_policy_is_asked_whoever_is_known_sees_nothing() -> None:
    for who in ("administrator", "operator", "resident"):
        assert named(Actor("person:x", frozenset({who}), assurance=PASSKEY)).blind
