"""Two ways to look at the page: plain ASGI, where a path arrives exactly as written, and a real browser."""

import asyncio
import contextlib
import socket
import threading
from dataclasses import dataclass
from urllib.parse import unquote

import pytest
import uvicorn
from starlette.applications import Starlette
from told_city import ToldCity, station

import chromium


@dataclass
class Answer:
    status_code: int
    headers: dict
    content: bytes

    @property
    def text(self):
        return self.content.decode()


class Asker:
    def __init__(self, routes):
        self.app = Starlette(routes=routes)

    def ask(self, method, path, headers=None):
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        sent = []

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            sent.append(message)

        asyncio.run(self.app(scope, receive, send))
        head = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], head, b"".join(one.get("body", b"") for one in sent[1:]))

    def get(self, path, headers=None):
        return self.ask("GET", path, headers)

    def head(self, path):
        return self.ask("HEAD", path)

    def post(self, path):
        return self.ask("POST", path)


@pytest.fixture(scope="session")
def browse():
    return Asker


@pytest.fixture(scope="session")
def served():
    city = ToldCity()
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(city.app, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
        thread.start()
        city.url = f"http://127.0.0.1:{door.getsockname()[1]}"
        yield city
        city.hang_up()
        server.should_exit = True
        thread.join(10)


# Of a module, not of the session: while it is open, this thread has a running event loop, and no other test may.
@pytest.fixture(scope="module")
def browser():
    with chromium.started() as made:
        yield made


@pytest.fixture
def windowed(browser):
    with chromium.windowed(browser) as made:
        yield made


@pytest.fixture
def city(served):
    served.clear()
    served.put(*(station(n, celsius=4.0 + n) for n in range(6)))
    return served


@pytest.fixture
def look(browser, city):
    """Open the page; at the end, it must have raised nothing and asked nobody else."""
    faults, strangers = [], []
    with contextlib.ExitStack() as opened:

        def open_page(query="?plain=1", *, width=1280, height=800, ready=True, live=True, **how):
            context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce", **how)
            opened.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(30_000)
            page.on("pageerror", lambda fault: faults.append(str(fault)))
            page.on(
                "request",
                lambda one: strangers.append(one.url) if not one.url.startswith((city.url, "data:", "blob:")) else None,
            )
            page.goto(f"{city.url}/{query}")
            if ready:
                page.wait_for_selector("html.ready", state="attached")
            if ready and live:
                page.wait_for_selector(".fresh.live")
            return page

        yield open_page
    assert faults == []
    assert strangers == []
