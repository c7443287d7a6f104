"""A city on a file, and the binding in front of it, asked as a client would."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from hansa.clock import Clock, parse
from hansa.limits import Limits
from hansa.model.change import Write
from hansa.platform.city import City
from hansa.platform.http import Headers, Request, Response, split
from hansa.platform.ngsild import NgsiLd
from hansa.platform.sqlite.store import SqliteStore
from hansa.trust.labels import ADMINISTRATOR, NOBODY, PUBLIC, Sight

NOON = "2026-11-22T12:00:00Z"


class Api:
    """The binding, asked without a socket."""

    def __init__(self, city: City, contexts: Any = None, subscriptions: Any = None) -> None:
        self.city = city
        self.door = NgsiLd(city, contexts, subscriptions)
        self.runner = asyncio.Runner()
        self.sight: Sight = ADMINISTRATOR

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        params: dict[str, Any] | str = "",
        sight: Sight | None = None,
        **headers: str,
    ) -> Response:
        given = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        raw = b""
        if body is not None:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            given.setdefault("content-type", "application/json")
            given.setdefault("content-length", str(len(raw)))
        query = params if isinstance(params, str) else urlencode(params)
        pairs = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
        segments = split(quote(path, safe="/:%").encode())
        request = Request(method, segments, query.encode(), raw, Headers(pairs), sight or self.sight)
        return self.runner.run(self.door.handle(request))

    def get(self, path: str, params: dict[str, Any] | str = "", sight: Sight | None = None, **headers: str) -> Response:
        return self.ask("GET", path, None, params, sight, **headers)

    def post(self, path: str, body: Any, params: dict[str, Any] | str = "", **headers: str) -> Response:
        return self.ask("POST", path, body, params, **headers)

    def patch(self, path: str, body: Any, params: dict[str, Any] | str = "", **headers: str) -> Response:
        return self.ask("PATCH", path, body, params, **headers)

    def put(self, path: str, body: Any, params: dict[str, Any] | str = "", **headers: str) -> Response:
        return self.ask("PUT", path, body, params, **headers)

    def delete(self, path: str, params: dict[str, Any] | str = "", **headers: str) -> Response:
        return self.ask("DELETE", path, None, params, **headers)

    def made(self, *entities: dict[str, Any], **headers: str) -> None:
        for one in entities:
            response = self.post("entities", one, **headers)
            assert response.status == 201, response.body

    def labelled(self, entity: dict[str, Any], label: str | None, labels: dict[str, str] | None = None) -> None:
        self.city.write(Write("create", entity["id"], entity, label=label, labels=labels))


def said(response: Response) -> Any:
    """The JSON of a response."""
    return json.loads(response.body)


def header(response: Response, name: str) -> str | None:
    """A response's header."""
    return next((value.decode() for key, value in response.headers if key == name.encode()), None)


def links(response: Response) -> dict[str, str]:
    """rel -> target of a response's Link headers."""
    found = {}
    for key, value in response.headers:
        if key == b"link":
            target, _, rest = value.decode().partition(">")
            found[rest.partition('rel="')[2].partition('"')[0]] = target[1:]
    return found


def station(key: str, celsius: float = 3.1, **more: Any) -> dict[str, Any]:
    """A weather station's entity."""
    return {
        "id": f"urn:ngsi-ld:WeatherObserved:{key}",
        "type": "WeatherObserved",
        "temperature": {"type": "Property", "value": celsius, "unitCode": "CEL", "observedAt": NOON},
        **more,
    }


def small(**caps: Any) -> Limits:
    """The usual caps, but for these."""
    return replace(Limits(), **caps)


@pytest.fixture(params=["direct", "inbox"])
def api(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Api]:
    """A city of its own, once committing in place and once through the inbox's thread."""
    yield from opened(tmp_path, direct=request.param == "direct")


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Api]:
    """A direct city alone, for tests that are not about writing."""
    yield from opened(tmp_path, direct=True)


def opened(tmp_path: Path, *, direct: bool, limits: Limits | None = None) -> Iterator[Api]:
    """A city on a file, closed in the end."""
    clock = Clock(parse("2026-11-22T13:00:00Z"), rate=0.0)
    city = City(SqliteStore(tmp_path / "open.db"), clock, ADMINISTRATOR, limits or Limits(), direct=direct)
    one = Api(city)
    try:
        yield one
    finally:
        one.runner.close()
        city.close()


__all__ = ["NOBODY", "NOON", "PUBLIC", "Api", "header", "links", "opened", "said", "small", "station"]
