"""Writes through a served city's own front door: many at once, and what goes by itself."""

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from hansa.clock import SECOND, Clock, parse, text

if TYPE_CHECKING:
    from served import Served

ENTITIES = "/ngsi-ld/v1/entities"
AT_ONCE = 1_000
ROUNDS = 50  # a machine that is busy with other things refuses some, which come again


def at_once(city: "Served", *asked: tuple[str, str, Any]) -> list[int]:
    """The status of the answers to requests that are all under way together, each on a connection of its own."""
    host, _, port = city.url.removeprefix("http://").partition(":")
    go = asyncio.Event()

    async def one(method: str, path: str, body: Any) -> int:
        sent = json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {len(sent)}\r\nConnection: close\r\n"
        )
        reader, writer = await asyncio.open_connection(host, int(port))
        await go.wait()
        writer.write(f"{head}Content-Type: application/json\r\n\r\n".encode() + sent)
        answer = await reader.read()
        writer.close()
        return int(answer.split(b" ", 2)[1])

    async def every() -> list[int]:
        tasks = [asyncio.create_task(one(*request)) for request in asked]
        go.set()
        return list(await asyncio.gather(*tasks))

    return asyncio.run(every())


def test_a_thousand_patches_of_one_entity_at_once_lose_none(city: "Served") -> None:
    path = f"{ENTITIES}/urn:x:busy"
    assert city.post(ENTITIES, {"id": "urn:x:busy", "type": "T", "last": -1, "deep": {"value": {}}}).status_code == 201
    waiting, done = list(range(AT_ONCE)), set[int]()
    for _ in range(ROUNDS):
        patches = [("PATCH", path, {f"a{n}": n, "last": n, "deep": {"value": {f"k{n}": n}}}) for n in waiting]
        answers = dict(zip(waiting, at_once(city, *patches), strict=True))
        assert set(answers.values()) <= {204, 503}, "done, or told to come again"
        done |= {n for n, status in answers.items() if status == 204}
        waiting = [n for n, status in answers.items() if status == 503]
        now = city.get(path).json()
        assert {name: now[name]["value"] for name in now if name[0] == "a"} == {f"a{n}": n for n in done}
        assert now["deep"]["value"] == {f"k{n}": n for n in done}, "also those that go into one value"
        assert now["last"]["value"] in done
        if not waiting:
            return
    raise AssertionError(f"{len(waiting)} were never taken")


def test_of_many_who_make_the_same_entity_one_does(city: "Served") -> None:
    """The same id is the same entity, whatever type it is said to be of (5.6.1)."""
    news = [("POST", ENTITIES, {"id": "urn:x:one", "type": f"T{n % 3}", "n": n}) for n in range(100)]
    answers: dict[int, int] = {}
    for _ in range(ROUNDS):
        waiting = [n for n in range(100) if answers.get(n, 503) == 503]
        answers |= dict(zip(waiting, at_once(city, *(news[n] for n in waiting)), strict=True))
        if 503 not in answers.values():
            break
    assert Counter(answers.values()) == {201: 1, 409: 99}
    made = next(n for n, status in answers.items() if status == 201)
    assert city.get(f"{ENTITIES}/urn:x:one").json()["n"]["value"] == made


def test_what_expires_is_gone_by_itself(city: "Served") -> None:
    until = text(Clock().now() + SECOND // 2)
    body = {"id": "urn:x:brief", "type": "T", "expiresAt": until}
    assert city.post(ENTITIES, body).status_code == 201
    city.until(lambda: city.get(f"{ENTITIES}/urn:x:brief").status_code == 404)
    assert Clock().now() >= parse(until)
    assert city.post(ENTITIES, {"id": "urn:x:brief", "type": "U"}).status_code == 201
