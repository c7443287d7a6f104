"""Past what a city can do it refuses, quickly and with Retry-After, and goes on with the rest."""

import json
import os
import signal
import socket
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hansa.limits import Limits
from hansa.serve.gate import Gate, _whole


def gate() -> Gate:
    return Gate(Limits(queue_s=0.1))


def test_a_gate_admits_while_a_turn_comes_soon_and_refuses_writes_before_reads() -> None:
    one = gate()
    assert one.admits(reads=False)
    while one.wait_s <= 0.1:
        one.admitted()
    assert not one.admits(reads=False)
    assert one.admits(reads=True)
    while one.wait_s <= 0.2:
        one.admitted()
    assert not one.admits(reads=True)
    for _ in range(10_000):
        if one.wait_s > 0.05:
            one.began()
    assert one.admits(reads=False), "those that had their turn wait no more"


def test_a_gate_learns_how_long_a_turn_takes() -> None:
    one = gate()
    before = one.turn_s
    for _ in range(20):
        for _ in range(100):
            one.admitted()
        for _ in range(100):
            one.began()
    assert 0 < one.turn_s < before, "these took a few microseconds each"


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", True),
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", True),
        (b"GET / HTTP/1.1\r\nhost: a\r\n", False),
        (b"GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n", False),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n{}", False),
        (b"POST / HTTP/1.1\r\nContent-Length: -2\r\n\r\n{}", False),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", False),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", False),
        (b"GET / HTTP/1.1\r\nconnection: keep-alive\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nCONNECTION: upgrade\r\n\r\n", False),
        (b"POST / HTTP/1.1\r\nContent-Length: 0\r\ncontent-length: 2\r\n\r\n{}", False),
        (b"POST / HTTP/1.1\r\nContent-Length: 0\r\ncontent-length: 2\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nx: HTTP/1.1\r\n\r\n", False),
        (b"\r\n\r\n", False),
        (b"", False),
    ],
)
def test_only_a_request_that_is_all_there_is_refused_unread(data: bytes, whole: bool) -> None:
    assert _whole(data) is whole


def test_a_part_of_a_request_is_never_taken_for_another(serve: Callable[..., Any], tmp_path: Path) -> None:
    """A header that looks like a request, alone in its packet, while nothing more is admitted."""
    (tmp_path / "crowded").mkdir()
    (tmp_path / "crowded" / "hansa.toml").write_text("[limits]\nqueue_s = 0.0\n")
    city = serve(folder="crowded", fresh=True)  # a child of ours: that it stands is waited for
    place = urlsplit(city.url)
    crowd = [socket.create_connection((place.hostname, place.port), timeout=30) for _ in range(50)]
    odd = socket.create_connection((place.hostname, place.port), timeout=30)
    odd.sendall(b"GET /ready HTTP/1.1\r\nhost: localhost\r\n")
    assert city.get("/ready").status_code == 200  # it has read that by now
    stopped(city)
    try:
        for n, one in enumerate(crowd):
            one.sendall(post(n)[0])
        odd.sendall(b"x-odd: POST / HTTP/1.1\r\n\r\n")
    finally:
        os.kill(city.process.pid, signal.SIGCONT)
    assert 503 in {answered(one)[0] for one in crowd}
    assert answered(odd)[0] == 200
    odd.sendall(b"GET /ready HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert answered(odd)[0] == 200, "and there was one answer, not two"
    for one in (*crowd, odd):
        one.close()


def post(n: int, *, pieces: bool = False) -> list[bytes]:
    body = json.dumps({"id": f"urn:x:{n}", "type": "Bench"}).encode()
    head = b"POST /ngsi-ld/v1/entities HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    whole = head + b"content-length: %d\r\n\r\n" % len(body) + body
    return [whole[:60], whole[60:]] if pieces else [whole]


def stopped(city: Any) -> None:
    """Hold a city where it is, until SIGCONT; it stands when this returns."""
    os.kill(city.process.pid, signal.SIGSTOP)
    os.waitpid(city.process.pid, os.WUNTRACED)


def answered(one: socket.socket) -> tuple[int, bytes, bytes]:
    """Status, head and body of one answer."""
    said = b""
    while b"\r\n\r\n" not in said:
        said += one.recv(65_536)
    head, _, body = said.partition(b"\r\n\r\n")
    head = head.lower()
    size = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
    while len(body) < size:
        body += one.recv(65_536)
    return int(head[9:12]), head, body


@pytest.mark.parametrize("pieces", [False, True])
def test_of_a_crowd_that_comes_at_once_some_are_served_and_the_others_told_to_come_again(
    serve: Callable[..., Any], tmp_path: Path, pieces: bool
) -> None:
    (tmp_path / "crowded").mkdir()
    (tmp_path / "crowded" / "hansa.toml").write_text("[limits]\nqueue_s = 0.0002\n")
    city = serve(folder="crowded", fresh=True)  # a child of ours: that it stands is waited for
    place = urlsplit(city.url)
    crowd = [socket.create_connection((place.hostname, place.port), timeout=30) for _ in range(150)]
    watcher = socket.create_connection((place.hostname, place.port), timeout=30)
    if pieces:
        for n, one in enumerate(crowd):
            one.sendall(post(n, pieces=True)[0])
    assert city.get("/ready").status_code == 200  # it has accepted all of them by now
    stopped(city)  # so that all of them are there when it looks
    try:
        for n, one in enumerate(crowd):
            one.sendall(post(n, pieces=pieces)[-1])
        watcher.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
    finally:
        os.kill(city.process.pid, signal.SIGCONT)
    told = [answered(one) for one in crowd]
    statuses = Counter(status for status, _, _ in told)
    assert statuses.keys() == {201, 503}, statuses
    for status, head, body in told:
        if status == 503:
            assert b"\r\nretry-after: 1" in head
            assert json.loads(body)["type"] == "https://hansa.city/errors/Busy"
    status, _, body = answered(watcher)
    assert status == 200, "whoever asks how it is is always told"
    said = json.loads(body)
    assert said["requests"]["refused"] <= statuses[503]

    # The crowd has gone, and each connection that was refused is as good as before.
    for n, (one, (status, _, _)) in enumerate(zip(crowd, told, strict=True)):
        if status == 503:
            one.sendall(post(n)[0])
            assert answered(one)[0] == 201
            break
    for one in (*crowd, watcher):
        one.close()
    found = city.get("/ngsi-ld/v1/entities?type=Bench&count=true&limit=0").headers["ngsild-results-count"]
    assert int(found) == statuses[201] + 1, "what was refused was not done"


def test_beyond_the_connections_that_a_city_holds_the_answer_says_when_to_come_again(
    serve: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "hansa.toml").write_text("[limits]\nhttp_connections = 3\n")
    city = serve(folder="small")
    place = urlsplit(city.url)
    few = [socket.create_connection((place.hostname, place.port), timeout=30) for _ in range(3)]
    for n, one in enumerate(few[:2]):
        one.sendall(post(n)[0])
    few[2].sendall(post(2)[0])
    told = [answered(one) for one in few]
    assert told[2][0] == 503
    assert b"\r\nretry-after: 1" in told[2][1]
    few[0].close()
    few[1].close()
    city.until(lambda: city.get("/ready").status_code == 200)
    for one in few:
        one.close()
