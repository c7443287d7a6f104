"""Who comes too often, holds too much or speaks too slowly is turned away, and everybody else is served."""

import json
import socket
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from served import Served

GET = b"GET /ready HTTP/1.1\r\nhost: localhost\r\n\r\n"


@pytest.fixture
def limited(serve: Callable[..., Served], tmp_path: Path) -> Callable[..., Served]:
    """A city with these limits, which hold for this machine too."""

    def start(*options: str, serving: str = "unlimited = []", trusted: bool = True, **limits: float) -> Served:
        (tmp_path / "limited").mkdir()
        said = "".join(f"{name} = {value}\n" for name, value in limits.items())
        (tmp_path / "limited" / "hansa.toml").write_text(f"[serve]\n{serving}\n[limits]\n{said}")
        return serve(*options, folder="limited", trusted=trusted)

    return start


def connect(city: Served, address: str = "127.0.0.1", *, port: int = 0) -> socket.socket:
    """A connection from an address of this machine."""
    made = socket.socket()
    try:
        made.settimeout(30)
        made.bind((address, 0))
        made.connect(("127.0.0.1", port or urlsplit(city.url).port))
    except OSError:
        made.close()
        raise
    return made


def answered(one: socket.socket) -> tuple[int, bytes, bytes]:
    """Status, head (lower case) and body of one answer; status 0 when the connection was ended without one."""
    said = b""
    while b"\r\n\r\n" not in said:
        try:
            part = one.recv(65_536)
        except ConnectionResetError:
            part = b""
        if not part:
            return 0, said, b""
        said += part
    head, _, body = said.partition(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
    while len(body) < size:
        body += one.recv(65_536)
    return int(head[9:12]), head.lower(), body


def ask(city: Served, address: str = "127.0.0.1", request: bytes = GET) -> tuple[int, bytes, bytes]:
    """One request and its answer; status 0 where the connection was ended without one."""
    try:
        with connect(city, address) as one:
            one.sendall(request)
            return answered(one)
    except (ConnectionResetError, BrokenPipeError):
        return 0, b"", b""


def turned_away(city: Served, address: str, *, port: int = 0, within_s: float = 30.0) -> bool:
    """Whether a new connection is ended at once; it may be before the system has told us that it stands."""
    try:
        with connect(city, address, port=port) as one:
            one.settimeout(within_s)
            return ended(one)
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def ended(one: socket.socket) -> bool:
    """Whether the other end closes within the time that a socket waits."""
    try:
        return one.recv(1) == b""
    except ConnectionResetError:
        return True


def test_an_address_that_asks_too_often_is_told_when_to_come_again_and_others_are_served(
    limited: Callable[..., Served],
) -> None:
    city = limited(address_rate=5.0)
    with connect(city, "127.0.0.9") as one:
        told = []
        for _ in range(40):
            one.sendall(GET)
            told.append(answered(one))
    statuses = Counter(status for status, _, _ in told)
    assert set(statuses) == {200, 429}
    assert 10 <= statuses[200] < 30
    for status, head, body in told:
        if status == 429:
            assert b"\r\nretry-after: 1" in head
            assert b"\r\nx-content-type-options: nosniff" in head
            assert json.loads(body)["title"] == "Too many requests"
    assert ask(city, "127.0.0.10")[0] == 200
    assert city.get("/health").json()["requests"]["limited"] >= statuses[429]


def test_a_request_in_pieces_is_counted_too(limited: Callable[..., Served]) -> None:
    city = limited(address_rate=1.0)
    told = []
    with connect(city, "127.0.0.9") as one:
        for _ in range(6):
            one.sendall(GET[:20])
            one.sendall(GET[20:])
            told.append(answered(one)[0])
    assert told[0] == 200
    assert 429 in told


def test_who_is_unlimited_asks_as_often_as_he_likes(limited: Callable[..., Served]) -> None:
    city = limited(serving='unlimited = ["127.0.0.1"]', address_rate=1.0, connect_rate=0.1, address_connections=1)
    assert {ask(city)[0] for _ in range(20)} == {200}
    assert 0 in {ask(city, "127.0.0.9")[0] for _ in range(5)}


def test_strangers_have_less_than_those_who_say_who_they_are(limited: Callable[..., Served]) -> None:
    city = limited(stranger_rate=1.0, identity_rate=1_000.0, trusted=False)
    token = (city.folder / "admin.token").read_text()
    path = b"GET /ngsi-ld/v1/types HTTP/1.1\r\nhost: localhost\r\n"
    known = path + f"authorization: Bearer {token}\r\n\r\n".encode()
    with connect(city, "127.0.0.9") as one:
        strange = []
        for _ in range(12):
            one.sendall(path + b"\r\n")
            strange.append(answered(one)[0])
        assert strange.count(429) > 3
        assert 401 in strange or 200 in strange
        one.sendall(known)
        assert answered(one)[0] == 200, "of the same address, whoever is known is served"


def test_an_identity_has_a_bucket_of_its_own_whatever_address_it_comes_from(limited: Callable[..., Served]) -> None:
    city = limited(identity_rate=2.0, trusted=False)
    token = (city.folder / "admin.token").read_text()
    request = b"GET /ngsi-ld/v1/types HTTP/1.1\r\nhost: localhost\r\n"
    request += f"authorization: Bearer {token}\r\n\r\n".encode()
    told = Counter(ask(city, f"127.0.0.{9 + n}", request)[0] for n in range(12))
    assert told[200] >= 4
    assert told[429] >= 3


def test_at_the_doors_of_sign_in_one_may_come_less_often(limited: Callable[..., Served]) -> None:
    city = limited(sign_ins=3.0)
    body = b'{"name":"ada","password":"a guess of mine"}'
    post = b"POST /account/sign-in/password HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    post += b"content-length: %d\r\n\r\n" % len(body) + body
    told = [ask(city, "127.0.0.9", post) for _ in range(8)]
    assert [status for status, _, _ in told].count(429) >= 5
    assert any(
        int(head.partition(b"retry-after: ")[2].split(b"\r\n")[0]) > 5 for status, head, _ in told if status == 429
    )
    assert ask(city, "127.0.0.9")[0] == 200, "everything else it may still ask"
    assert ask(city, "127.0.0.10", post)[0] != 429


def test_what_is_drawn_and_hashed_for_a_link_is_counted_and_a_passkey_is_not(limited: Callable[..., Served]) -> None:
    city = limited(sign_ins=3.0)

    def post(path: bytes) -> int:
        body = b'{"link":"%s","name":"ada","shown":"Ada"}' % (b"x" * 43)
        head = b"POST %s HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n" % path
        return ask(city, "127.0.0.9", head + b"content-length: %d\r\n\r\n" % len(body) + body)[0]

    for door in (b"/account/enrol/codes", b"/account/enrol/password", b"/account/codes"):
        assert [post(door) for _ in range(6)].count(429) >= 2, door
    for door in (b"/account/enrol", b"/account/enrol/ask", b"/account/sign-in"):
        assert 429 not in [post(door) for _ in range(6)], door


def test_an_address_has_only_so_many_connections(limited: Callable[..., Served]) -> None:
    city = limited(address_connections=3)
    held = [connect(city, "127.0.0.9") for _ in range(3)]
    for one in held:
        one.sendall(GET)
        assert answered(one)[0] == 200
    assert turned_away(city, "127.0.0.9")
    assert ask(city, "127.0.0.10")[0] == 200
    held.pop().close()
    city.until(lambda: ask(city, "127.0.0.9")[0] == 200)
    for one in held:
        one.close()


def test_an_address_that_connects_too_often_is_turned_away_at_the_bare_socket(limited: Callable[..., Served]) -> None:
    city = limited("--mqtts", "127.0.0.1:0", connect_rate=0.5)
    ports = [urlsplit(city.url).port or 0, city.mqtt_port, int(city.mqtts.rsplit(":", 1)[1])]
    for port, eager in zip(ports, ("127.0.0.9", "127.0.0.9", "127.0.0.11"), strict=True):
        told = [turned_away(city, eager, port=port, within_s=0.3) for _ in range(8)]
        assert told[:5] == [False] * 5
        assert True in told[5:]
        with connect(city, "127.0.0.10", port=port) as other:
            other.settimeout(0.3)
            with pytest.raises(TimeoutError):
                ended(other)


def slow(kind: str) -> tuple[bytes, bytes]:
    """What a slow sender begins with, and what he drips."""
    post = b"POST /ngsi-ld/v1/entities HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    return {
        "nothing": (b"", b""),
        "head": (b"GET /ready HTTP/1.1\r\n", b"x: y\r\n"),
        "line": (b"GET /", b"x"),
        "body": (post + b"content-length: 1000000\r\n\r\n", b"x"),
        "chunks": (post + b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        "empty lines": (GET, b"\r\n"),
        "a fast start": (post + b"content-length: 1000000\r\n\r\n" + b"x" * 300_000, b""),
    }[kind]


@pytest.mark.parametrize("kind", ["nothing", "head", "line", "body", "chunks", "empty lines", "a fast start"])
def test_who_speaks_too_slowly_is_not_waited_for(limited: Callable[..., Served], kind: str) -> None:
    city = limited(head_s=1.0, body_s=1.0, body_rate=1_000.0)
    began, drip = slow(kind)
    with connect(city) as one:
        one.sendall(began)
        if kind == "empty lines":
            assert answered(one)[0] == 200
        one.settimeout(0.2)
        start = time.monotonic()
        while time.monotonic() - start < 15:
            try:
                one.sendall(drip)
                if one.recv(65_536) == b"":
                    break
            except TimeoutError:
                continue
            except (ConnectionResetError, BrokenPipeError):
                break
        else:
            pytest.fail("it was waited for")
    assert city.get("/health").json()["requests"]["slow"] >= 1
    assert ask(city)[0] == 200


def test_who_is_slow_but_speaks_is_waited_for(limited: Callable[..., Served]) -> None:
    city = limited(head_s=2.0, body_s=1.0, body_rate=1_000.0)
    body = b'{"id":"urn:x:slow","type":"T","name":{"type":"Property","value":"%s"}}' % (b"x" * 4_000)
    head = b"POST /ngsi-ld/v1/entities HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    with connect(city) as one:
        one.sendall(head + b"content-length: %d\r\n\r\n" % len(body))
        for at in range(0, len(body), 1_000):
            one.sendall(body[at : at + 1_000])
            time.sleep(0.5)  # slowness is what is tested
        assert answered(one)[0] == 201


@pytest.mark.parametrize(
    "head",
    [
        b"".join(b"x-%d: y\r\n" % n for n in range(101)),
        b"x: " + b"y" * 40_000 + b"\r\n",
        b"".join(b"x-%d: %s\r\n" % (n, b"y" * 1_000) for n in range(50)),
    ],
)
def test_a_head_with_too_much_in_it_is_refused(limited: Callable[..., Served], head: bytes) -> None:
    city = limited()
    status, said, _ = ask(city, request=b"GET /ready HTTP/1.1\r\nhost: localhost\r\n" + head + b"\r\n")
    assert status == 431
    assert b"connection: close" in said
    for size in (30_000, 60_000):  # a body is no head
        post = b"POST /ngsi-ld/v1/entities HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        post += b"content-length: %d\r\n\r\n" % size + b" " * size
        assert ask(city, request=post)[0] == 400


def test_a_head_that_never_ends_is_not_kept(limited: Callable[..., Served]) -> None:
    city = limited()
    with connect(city) as one:
        one.sendall(b"GET /ready HTTP/1.1\r\nhost: localhost\r\n")
        try:
            for n in range(200):
                one.sendall(b"x-%d: %s\r\n" % (n, b"y" * 1_000))
            status = answered(one)[0]
        except (BrokenPipeError, ConnectionResetError):
            status = 0
        assert status in {431, 0}
    assert ask(city)[0] == 200


def test_what_is_no_http_is_told_so_in_words_of_ours(limited: Callable[..., Served]) -> None:
    status, head, body = ask(limited(), request=b"\x16\x03\x01 what\r\n\r\n")
    assert status == 400
    assert b"application/problem+json" in head
    assert json.loads(body)["title"] == "Invalid request"


def test_a_gigabyte_is_refused_before_it_comes(limited: Callable[..., Served]) -> None:
    city = limited()
    head = b"POST /ngsi-ld/v1/entities HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    with connect(city) as one:
        one.sendall(head + b"content-length: 1000000000\r\n\r\n")
        assert answered(one)[0] == 413
        sent = 0
        part = b" " * 1_000_000
        try:
            while sent < 200_000_000:
                one.sendall(part)
                sent += len(part)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert sent < 50_000_000, "it went on listening to what it had refused"
    assert ask(city)[0] == 200


def test_bodies_that_are_on_their_way_have_a_cap_together(limited: Callable[..., Served]) -> None:
    city = limited(bodies=3_000_000)
    head = b"POST /ngsi-ld/v1/entities HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    held = [connect(city) for _ in range(2)]
    for one in held:
        one.sendall(head + b"content-length: 2000000\r\n\r\n" + b" " * 1_400_000)
    try:
        city.until(lambda: city.get("/health").json()["requests"]["bodies"] == 2_800_000)
        # A part of a third is too much already; what came after the answer could not be read any more.
        assert ask(city, request=head + b"content-length: 1000000\r\n\r\n" + b" " * 300_000)[0] == 503
        assert city.post("/ngsi-ld/v1/entities", {"id": "urn:x:small", "type": "T"}).status_code == 201
    finally:
        for one in held:
            one.close()
    city.until(lambda: ask(city, request=head + b"content-length: 1000000\r\n\r\n" + b" " * 1_000_000)[0] == 400)


@pytest.fixture
def proxied(limited: Callable[..., Served]) -> Served:
    """A city behind a proxy at 127.0.0.7, where strangers have little."""
    serving = 'unlimited = []\ntrusted_proxies = ["127.0.0.7"]\ncors = []'
    return limited(serving=serving, stranger_rate=1.0, address_connections=2, trusted=False)


def test_of_a_trusted_proxy_it_is_believed_for_whom_it_asks(proxied: Served) -> None:
    path = b"GET /ngsi-ld/v1/types HTTP/1.1\r\nhost: city.example\r\n"

    def told(who: bytes, of: str = "127.0.0.7") -> list[int]:
        return [ask(proxied, of, path + b"x-forwarded-for: " + who + b"\r\n\r\n")[0] for _ in range(10)]

    assert 429 in told(b"203.0.113.7")
    assert told(b"203.0.113.8")[0] != 429, "another one"
    assert told(b"203.0.113.8, 203.0.113.7")[0] == 429, "what the asker wrote himself is not believed"
    held = [connect(proxied, "127.0.0.7") for _ in range(5)]
    held[-1].sendall(GET)
    assert answered(held[-1])[0] == 200, "the proxy's own connections are everybody's"
    for one in held:
        one.close()
    secure = ask(proxied, "127.0.0.7", b"GET /ready HTTP/1.1\r\nhost: c\r\nx-forwarded-proto: https\r\n\r\n")
    assert b"strict-transport-security" in secure[1]


def test_nobody_else_is_believed(proxied: Served) -> None:
    path = b"GET /ngsi-ld/v1/types HTTP/1.1\r\nhost: city.example\r\nx-forwarded-proto: https\r\n"
    told = [ask(proxied, "127.0.0.9", path + b"x-forwarded-for: 203.0.113.%d\r\n\r\n" % n) for n in range(10)]
    assert 429 in [status for status, _, _ in told]
    assert not any(b"strict-transport-security" in head for _, head, _ in told)
