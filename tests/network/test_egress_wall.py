"""The egress wall: what it lets through, what it does not, and how long it waits."""

import asyncio
import contextlib
import datetime as dt
import ssl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.errors import BadRequest, SourceFailed
from hansa.limits import Limits
from hansa.network.http import PER_HOST, Egress, Overlong, Unanswered, Unreachable, target
from hansa.network.wall import Wall, Walled, embedded
from local_http import response, saying, serving

QUICK = Limits(egress_s=0.3, egress_body=10_000)
LOOPBACK = ["127.0.0.0/8"]


def run(work):
    return asyncio.run(asyncio.wait_for(work, 20))


# Addresses


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "100.100.100.200", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1"),
        *("168.63.129.16", "192.0.0.192"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1"),
        *("2002:7f00:1::", "2002:a00:1::1", "2001:0:0:0:0:0:80ff:fffe"),
        *("not an address", ""),
    ],
)
def test_no_inner_address_is_public(address):
    with pytest.raises(Walled) as caught:
        Wall().check("city.example", address)
    assert caught.value.where == "city.example"
    assert "egress_allow" in caught.value.mend


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_may_be_asked(address):
    Wall().check("city.example", address)


def test_the_operator_can_let_a_network_or_a_name_in():
    wall = Wall(["10.2.0.0/16", "broker.lan", ".trusted.example", "fd00::/8"])
    wall.check("anything", "10.2.3.4")
    wall.check("anything", "::ffff:10.2.3.4")
    wall.check("broker.lan", "192.168.1.5")
    wall.check("BROKER.lan.", "127.0.0.1")
    wall.check("a.trusted.example", "10.9.9.9")
    wall.check("anything", "fd00::1")
    for host, address in (
        ("anything", "10.3.0.1"),
        ("xbroker.lan", "192.168.1.5"),
        ("trusted.example", "10.9.9.9"),
        ("untrusted.example", "10.9.9.9"),
    ):
        with pytest.raises(Walled):
            wall.check(host, address)


@pytest.mark.parametrize("entry", ["", "http://x", "10.0.0.0/99", "a b", ".", "10.1.2.3/8"])
def test_an_allow_list_entry_that_says_nothing_is_refused(entry):
    with pytest.raises(BadRequest) as caught:
        Wall([entry])
    assert caught.value.where == "egress_allow"


@given(st.ip_addresses())
@settings(deadline=None)
def test_whatever_the_wall_lets_through_is_global(ip):
    if Wall().refusal("h", str(ip)) is None:
        judged = embedded(ip) or ip
        assert judged.is_global
        assert not judged.is_multicast


# URLs and headers


@pytest.mark.parametrize(
    "url",
    ["", "x", "/path", "ftp://h/x", "file:///etc/passwd", "gopher://h", "http://", "http://u:p@h/", "http://h:99999/"],
)
def test_what_is_no_http_url_is_a_bad_request(url):
    with pytest.raises(BadRequest):
        target(url)


@given(st.text(max_size=60))
@settings(deadline=None)
def test_any_text_is_a_url_or_a_bad_request(text):
    with contextlib.suppress(BadRequest):
        assert target(text).scheme in {"http", "https"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("X", "a\r\nEvil: 1"), ("X Y", "1"), ("Host", "inner"), ("Content-Length", "3"), ("", "1"), ("X", "\u20ac")],
)
def test_a_header_that_would_break_the_request_is_refused(name, value):
    async def work():
        async with Egress(LOOPBACK) as egress:
            with pytest.raises(BadRequest):
                await egress.ask("http://127.0.0.1:9/", headers={name: value})

    run(work())


# Real servers


def test_loopback_is_refused_by_default_and_asked_when_allowed():
    async def work():
        serve = saying(response(200, b"hello", X_Thing="1"))
        async with serving(serve) as port:
            url = f"http://127.0.0.1:{port}/a?b=c"
            async with Egress() as egress:
                for inner in (url, f"http://localhost:{port}/", f"http://2130706433:{port}/", f"http://[::1]:{port}/"):
                    with pytest.raises(Walled):
                        await egress.ask(inner)
                with pytest.raises(Walled):
                    egress.check(url)
            assert serve.seen == []
            async with Egress(LOOPBACK) as egress:
                answer = await egress.ask(url)
        assert (answer.status, answer.ok, answer.body, answer.headers["x-thing"]) == (200, True, b"hello", "1")
        assert serve.seen[0].startswith("GET /a?b=c HTTP/1.1\r\n")
        assert f"host: 127.0.0.1:{port}" in serve.seen[0].lower()
        assert "cookie" not in serve.seen[0].lower()

    run(work())


def test_no_proxy_of_the_environment_is_used(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    async def work():
        async with serving(saying(response(204))) as port, Egress(LOOPBACK) as egress:
            assert (await egress.ask(f"http://127.0.0.1:{port}/")).status == 204

    run(work())


def test_a_body_is_posted_whole_with_its_headers():
    async def work():
        serve = saying(response(201))
        async with serving(serve) as port, Egress(LOOPBACK) as egress:
            await egress.ask(
                f"http://127.0.0.1:{port}/", "POST", body=b"{}", headers={"Content-Type": "application/json"}
            )
        assert serve.seen[0].endswith("\r\n\r\n{}")
        assert "application/json" in serve.seen[0]

    run(work())


def test_a_redirect_inwards_is_refused_and_an_outward_one_followed():
    async def work():
        inner = saying(response(200, b"secret"))
        async with serving(inner, host="127.0.0.2") as inner_port:
            outer = saying(response(302, Location=f"http://127.0.0.2:{inner_port}/"))
            async with serving(outer) as port:
                async with Egress(["127.0.0.1"]) as egress:
                    with pytest.raises(Walled):
                        await egress.ask(f"http://127.0.0.1:{port}/")
                assert inner.seen == []
                async with Egress(LOOPBACK) as egress:
                    answer = await egress.ask(f"http://127.0.0.1:{port}/", headers={"Authorization": "s3cret"})
        assert answer.body == b"secret"
        assert "s3cret" in outer.seen[1]
        assert "s3cret" not in inner.seen[0], "another host must not get what was meant for the first"

    run(work())


def test_redirects_end():
    async def work():
        serve = saying(response(307, Location="/again"))
        async with serving(serve) as port, Egress(LOOPBACK) as egress:
            with pytest.raises(Unreachable, match="redirects"):
                await egress.ask(f"http://127.0.0.1:{port}/")
            assert len(serve.seen) == 4
            with pytest.raises(Unreachable, match="redirected to what"):
                async with serving(saying(response(302, Location="file:///etc/passwd"))) as other:
                    await egress.ask(f"http://127.0.0.1:{other}/")

    run(work())


def test_a_post_is_not_turned_into_a_get():
    async def work():
        async with serving(saying(response(302, Location="/else"))) as port, Egress(LOOPBACK) as egress:
            assert (await egress.ask(f"http://127.0.0.1:{port}/", "POST", body=b"x")).status == 302
        serve = saying(response(308, Location="/else"), response(200))
        async with serving(serve) as port, Egress(LOOPBACK) as egress:
            assert (await egress.ask(f"http://127.0.0.1:{port}/", "POST", body=b"x")).ok
            assert serve.seen[1].startswith("POST /else")
            assert serve.seen[1].endswith("\r\n\r\nx")

    run(work())


def test_a_name_that_answers_differently_the_second_time_gains_nothing():
    """DNS rebinding: the address that was judged is the one that is connected to."""

    async def work():
        serve = saying(response(200, b"inner"))
        asked = []

        async def resolve(host, port):
            asked.append(host)
            return ["203.0.114.7"] if len(asked) == 1 else ["127.0.0.1"]

        async with serving(serve) as port, Egress(limits=QUICK, resolve=resolve) as egress:
            connected = []
            egress_connect(egress, connected)
            with pytest.raises((Unreachable, Unanswered)):
                await egress.ask(f"http://rebind.example:{port}/")
            assert connected == ["203.0.114.7"], "what was judged"
            assert asked == ["rebind.example"], "one look-up for one connection"
            with pytest.raises(Walled):
                await egress.ask(f"http://rebind.example:{port}/")
            assert connected == ["203.0.114.7"]
        assert serve.seen == []

    run(work())


def egress_connect(egress, connected):
    """Note where sockets are opened to, and open none to machines that are not ours."""
    opened = egress._open

    async def noting(address, *more):
        connected.append(address)
        if not address.startswith("127."):
            raise OSError("not ours")
        return await opened(address, *more)

    egress._open = noting


def test_a_name_with_an_inner_and_an_outer_address_is_asked_outside_only():
    async def work():
        async def resolve(host, port):
            return ["127.0.0.1", "203.0.114.7"]

        connected = []
        async with serving(saying(response(200))) as port, Egress(limits=QUICK, resolve=resolve) as egress:
            egress_connect(egress, connected)
            with pytest.raises((Unreachable, Unanswered)):
                await egress.ask(f"http://both.example:{port}/")
        assert connected == ["203.0.114.7"]

    run(work())


def test_a_server_that_never_answers_costs_the_deadline():
    async def work():
        async def silent(head, writer):
            await asyncio.Event().wait()

        async with serving(silent) as port, Egress(LOOPBACK, QUICK) as egress:
            began = asyncio.get_running_loop().time()
            with pytest.raises(Unanswered) as caught:
                await egress.ask(f"http://127.0.0.1:{port}/secret?token=1")
            assert asyncio.get_running_loop().time() - began < 2
            assert caught.value.status == 504
            assert caught.value.where == f"http://127.0.0.1:{port}/secret", "a query may hold a secret"

    run(work())


def test_a_server_that_drips_costs_no_more_than_the_deadline():
    async def work():
        async def drip(head, writer):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)

        async with serving(drip) as port, Egress(LOOPBACK, QUICK) as egress:
            with pytest.raises(Unanswered):
                await egress.ask(f"http://127.0.0.1:{port}/")

    run(work())


def test_an_endless_body_is_cut():
    async def work():
        sent = 0

        async def endless(head, writer):
            nonlocal sent
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
                sent += 1024
                await writer.drain()

        async with serving(endless) as port, Egress(LOOPBACK, Limits(egress_body=10_000)) as egress:
            with pytest.raises(Overlong):
                await egress.ask(f"http://127.0.0.1:{port}/")
        assert sent < 20_000_000

    run(work())


@pytest.mark.parametrize("headers", [b"X: " + b"y" * 60_000 + b"\r\n", b"X: y\r\n" * 50_000])
def test_endless_headers_are_cut(headers):
    async def work():
        async with (
            serving(saying(b"HTTP/1.1 200 OK\r\n" + headers + b"Content-Length: 0\r\n\r\n")) as port,
            Egress(LOOPBACK) as egress,
        ):
            with pytest.raises((Overlong, Unreachable)):
                await egress.ask(f"http://127.0.0.1:{port}/")

    run(work())


@pytest.mark.parametrize("said", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"])
def test_a_server_that_breaks_off_is_unreachable(said):
    async def work():
        async def broken(head, writer):
            writer.write(said)
            await writer.drain()
            writer.close()

        async with serving(broken) as port, Egress(LOOPBACK) as egress:
            with pytest.raises(Unreachable):
                await egress.ask(f"http://127.0.0.1:{port}/")
            with pytest.raises(Unreachable):
                await egress.ask("http://127.0.0.1:9/")

    run(work())


def test_an_answer_that_is_packed_against_our_wish_is_refused():
    async def work():
        async with (
            serving(saying(response(200, b"\x1f\x8b", Content_Encoding="gzip"))) as port,
            Egress(LOOPBACK) as egress,
        ):
            with pytest.raises(Unreachable, match="gzip"):
                await egress.ask(f"http://127.0.0.1:{port}/")

    run(work())


def test_a_name_that_does_not_resolve_is_unreachable():
    async def work():
        async def resolve(host, port):
            raise OSError("no such name")

        async with Egress(resolve=resolve) as egress:
            with pytest.raises(Unreachable, match="cannot be resolved"):
                await egress.ask("http://nowhere.example/")

    run(work())


def test_one_host_gets_few_connections_and_does_not_hold_up_another():
    async def work():
        asked = 0
        full = asyncio.Event()

        async def silent(head, writer):
            nonlocal asked
            asked += 1
            if asked == PER_HOST:
                full.set()
            await asyncio.Event().wait()

        async with (
            serving(silent) as slow,
            serving(saying(response(200))) as quick,
            Egress(LOOPBACK) as egress,
        ):
            hanging = [asyncio.create_task(egress.ask(f"http://127.0.0.1:{slow}/")) for _ in range(50)]
            await asyncio.wait_for(full.wait(), 5)
            assert (await egress.ask(f"http://127.0.0.1:{quick}/")).ok
            assert asked == PER_HOST
            for task in hanging:
                task.cancel()
            assert all(isinstance(one, asyncio.CancelledError) for one in await gathered(hanging))
            assert not any(host.users for host in egress._hosts.values())

    run(work())


async def gathered(tasks):
    return await asyncio.gather(*tasks, return_exceptions=True)


def test_connections_are_kept_and_hosts_forgotten_beyond_the_cap(monkeypatch):
    monkeypatch.setattr("hansa.network.http.HOSTS", 2)

    async def work():
        serve = saying(response(200))
        async with (
            serving(serve) as one,
            serving(serve) as two,
            serving(serve) as three,
            Egress(LOOPBACK) as egress,
        ):
            for port in (one, two, three, one, one):
                assert (await egress.ask(f"http://127.0.0.1:{port}/")).ok
            assert len(egress._hosts) == 2
        assert len(serve.seen) == 5

    run(work())


@pytest.mark.parametrize(
    ("said", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
        (b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
        (b"HTTP/1.1 204 No\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nX: a\r\nx: b\r\nContent-Length: 0\r\n\r\n", b""),
    ],
)
def test_every_way_to_end_a_body_is_understood_and_the_connection_kept(said, body):
    async def work():
        connected = []
        async with serving(saying(said)) as port, Egress(LOOPBACK) as egress:
            egress_connect(egress, connected)
            for _ in range(3):
                answer = await egress.ask(f"http://127.0.0.1:{port}/")
                assert answer.body == body
                assert "X" not in answer.headers
        assert len(connected) == 1

    run(work())


def test_a_body_may_end_with_its_connection():
    async def work():
        async def until_closed(head, writer):
            writer.write(b"HTTP/1.1 200 OK\r\n\r\nall of it")
            writer.write_eof()

        async with serving(until_closed) as port, Egress(LOOPBACK) as egress:
            for _ in range(2):
                assert (await egress.ask(f"http://127.0.0.1:{port}/")).body == b"all of it"

    run(work())


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\nContent-Length 3\n\nabc",
        b"\0" * 100,
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
def test_what_is_not_http_is_unreachable(said):
    async def work():
        async with serving(saying(said)) as port, Egress(LOOPBACK) as egress:
            with pytest.raises(Unreachable):
                await egress.ask(f"http://127.0.0.1:{port}/")

    run(work())


def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next_one():
    async def work():
        smuggled = response(200, b"first") + response(200, b"evil")
        async with serving(saying(smuggled)) as port, Egress(LOOPBACK) as egress:
            for _ in range(3):
                assert (await egress.ask(f"http://127.0.0.1:{port}/")).body == b"first"

    run(work())


def test_a_connection_that_was_closed_while_it_rested_is_not_used():
    async def work():
        closing = asyncio.Event()

        async def once(head, writer):
            writer.write(response(200, b"x"))
            await writer.drain()
            await closing.wait()
            writer.close()

        async with serving(once) as port, Egress(LOOPBACK) as egress:
            assert (await egress.ask(f"http://127.0.0.1:{port}/")).ok
            closing.set()
            (host,) = egress._hosts.values()
            reader = host.resting[0]._reader
            for _ in range(1_000):
                if reader.at_eof():
                    break
                await asyncio.sleep(0.005)
            assert reader.at_eof()
            assert (await egress.ask(f"http://127.0.0.1:{port}/", "POST", body=b"1")).ok

    run(work())


@given(st.binary(max_size=300), st.booleans())
@settings(max_examples=60, deadline=None)
def test_whatever_a_server_says_is_an_answer_or_a_failure_of_its(said, prefixed):
    async def work():
        async def serve(head, writer):
            writer.write((b"HTTP/1.1 200 OK\r\n" if prefixed else b"") + said)
            writer.close()

        async with serving(serve) as port, Egress(LOOPBACK) as egress:
            try:
                answer = await egress.ask(f"http://127.0.0.1:{port}/")
            except SourceFailed as fault:
                assert fault.where  # noqa: PT017
            else:
                assert 200 <= answer.status < 1_000

    run(work())


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A certificate for `city.example`, and a context that trusts it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "city.example")])
    now = dt.datetime.now(dt.UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("city.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    pem = folder / "cert.pem"
    pem.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    secret = folder / "key.pem"
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem, secret)
    return server, ssl.create_default_context(cafile=str(pem))


def test_the_certificate_must_be_that_of_the_name_although_the_address_is_pinned(authority):
    server, client = authority

    async def work():
        async def resolve(host, port):
            return ["127.0.0.1"]

        async with serving(saying(response(200, b"safe")), ssl=server) as port:
            async with Egress(LOOPBACK, resolve=resolve, tls=client) as egress:
                assert (await egress.ask(f"https://city.example:{port}/")).body == b"safe"
                with pytest.raises(Unreachable, match=r"(?i)certificate"):
                    await egress.ask(f"https://other.example:{port}/")
            async with Egress(LOOPBACK, resolve=resolve) as egress:
                with pytest.raises(Unreachable, match=r"(?i)certificate"):
                    await egress.ask(f"https://city.example:{port}/")

    run(work())
