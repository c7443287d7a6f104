"""Who is calling: the token, and the machine itself, and nobody who was only sent here by a web page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.trust.callers import Callers, is_loopback
from hansa.trust.labels import ADMINISTRATOR, NOBODY, Sight

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
