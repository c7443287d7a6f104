"""The one place where parts are joined: a data folder becomes a running city.

Everything that a lower layer needs from a higher one is a function handed over here. Report: 2.1.
"""

import asyncio
import fcntl
import json
import os
import secrets
import signal
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Final

import prometheus_client
import structlog
import uvicorn
from starlette.applications import Starlette

import hansa
from hansa import app as apps
from hansa import settings as settings_
from hansa.analytics.link import RulesLink
from hansa.centres.web import Look, routes
from hansa.clock import SECOND, Clock, parse, text
from hansa.errors import BadRequest, Busy, HansaError, NotFound, TooLarge, Unauthenticated
from hansa.model.change import Change
from hansa.model.context import CORE
from hansa.model.entity import Entity
from hansa.model.wire import entity_out
from hansa.network.live import Live
from hansa.network.mqtt import Caps, Endpoint
from hansa.platform.admin import Admin, Retry
from hansa.platform.city import City
from hansa.platform.commands import Commands
from hansa.platform.doors import CollectDoor, MqttDoors
from hansa.platform.http import Headers, Receive, Request, Response, Scope, Send, answer, problem, read_body, split
from hansa.platform.intake import FLUSH_S, Intake
from hansa.platform.intake import load as load_devices
from hansa.platform.sqlite import SqliteStore
from hansa.settings import Settings
from hansa.trust.callers import Callers, is_loopback
from hansa.trust.devices import Devices
from hansa.trust.labels import ADMINISTRATOR, Sight, unlabelled

log = structlog.get_logger("hansa")

REALMS: Final = ("open", "security")
Handle = Callable[[Request], Awaitable[Response]]


class Lock:
    """One city, one process: a lock on the data folder, which also says where the city can be reached."""

    def __init__(self, data: Path) -> None:
        """Take it; BadRequest when another hansa has it."""
        data.mkdir(parents=True, exist_ok=True)
        self.path = data / "hansa.lock"
        self._file: IO[str] = self.path.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise BadRequest(f"another hansa runs on {data}", mend="stop it, or give --data another folder") from None

    def say(self, **known: Any) -> None:
        """Write down where the city is."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps({"pid": os.getpid(), **known}))
        self._file.flush()

    def release(self) -> None:
        """Let the next one in."""
        self._file.seek(0)
        self._file.truncate()
        self._file.close()


def token(data: Path) -> str:
    """The administrator's token of this folder: made once, readable by its owner alone."""
    file = data / "admin.token"
    if not file.exists():
        data.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_urlsafe(32))
    return file.read_text().strip()


def clock_of(said: str) -> Clock:
    """The clock that a setting names: wall, driven, driven@START, or START*RATE."""
    if said == "wall":
        return Clock()
    if said == "driven" or said.startswith("driven@"):
        return Clock(parse(said.partition("@")[2]) if "@" in said else 0, rate=0.0)
    start, _, rate = said.partition("*")
    try:
        return Clock(parse(start), float(rate or "1"))
    except ValueError:
        raise BadRequest(f"{said!r} is no clock", where="clock", mend="wall, driven, or 2026-04-11T15:00:00Z*60") from None


def open_cities(settings: Settings, clock: Clock, *, direct: bool = False) -> dict[str, City]:
    """Every realm of a data folder, each in its own file."""
    settings.data.mkdir(parents=True, exist_ok=True)
    cities: dict[str, City] = {}
    for realm in REALMS:
        store = SqliteStore(settings.data / f"{realm}.db", realm)
        cities[realm] = City(store, clock, ADMINISTRATOR, settings.limits, direct=direct)
    return cities


class Running:
    """A city that runs. `start`, then `forever`; or start and `stop` (tests)."""

    def __init__(self, settings: Settings) -> None:
        """Check what can be checked before anything is opened."""
        host, port = settings_.address(settings.http, "serve.http")
        if settings.trust_loopback and not is_loopback(host):
            raise BadRequest(
                f"--trust-loopback with {host}: anybody on the network could be its administrator",
                where="trust_loopback",
                mend="bind to 127.0.0.1",
            )
        self.settings = settings
        self.host, self.port = host, port
        self.began = time.monotonic()
        self.clock = clock_of(settings.clock)
        self.stack = AsyncExitStack()
        self.rules: list[RulesLink] = []
        self.apps: list[apps.App] = []
        self.off: list[apps.Off] = []
        self.mqtt_at: list[tuple[str, int]] = []
        self.tls_at: list[tuple[str, int]] = []
        self.ready = False

    async def start(self) -> None:
        """Open everything, bottom up; what fails undoes what was opened."""
        try:
            await self._start()
        except BaseException:
            await self.stack.aclose()
            raise

    async def _start(self) -> None:
        settings, stack = self.settings, self.stack
        self.loop = asyncio.get_running_loop()
        self.lock = Lock(settings.data)
        stack.callback(self.lock.release)
        self.callers = Callers(token(settings.data), trust_loopback=settings.trust_loopback)
        self.cities = open_cities(settings, self.clock)
        for city in self.cities.values():
            stack.callback(city.close)
        self._catch_up_clock()
        self.devices = Devices()
        load_devices(self.cities, self.devices)
        self.intake = Intake(self.cities, self.devices, self.clock, settings.limits)
        self.intake.behind = lambda: max((one.behind for one in self.rules), default=0)
        self.commands = {realm: Commands(city, settings.limits) for realm, city in self.cities.items()}
        self._start_rules()
        self.live = {realm: self._live(city) for realm, city in self.cities.items()}
        for realm, city in self.cities.items():
            city.watch(self._hear(realm))
        await self._start_mqtt()
        await self._start_binding()
        self._front()
        flusher = asyncio.create_task(self._flush())
        stack.push_async_callback(_ended, flusher)
        await self._start_http()
        self.lock.say(http=self.url, began=text(time.time_ns() // 1_000))
        self.ready = True

    def _catch_up_clock(self) -> None:
        """A simulated clock goes on where the log ends: transaction time must not run backwards."""
        newest = max(city.store.newest() for city in self.cities.values())
        if self.clock.simulated and newest > self.clock.now():
            self.clock.turn(newest)

    def _start_rules(self) -> None:
        self.apps, self.off = apps.installed(self.settings.enabled)
        given = {
            app.name: {"timezone": self.settings.timezone, **self.settings.apps.get(app.name, {})} for app in self.apps
        }
        for realm, city in self.cities.items():
            ours = [app for app in self.apps if app.realm == realm and (app.handlers or app.rounds)]
            if ours:
                link = RulesLink(city, str(self.settings.data / f"{realm}.db"), ours, given)
                self.rules.append(link)
                self.stack.callback(link.stop)

    def _live(self, city: City) -> Live:
        live = Live(self.clock, self.settings.limits, city.since, city.store.head)
        self.stack.callback(live.stop)
        return live

    def _hear(self, realm: str) -> Callable[[list[Change]], None]:
        """From the writer's thread to everybody in the loop, once a commit."""
        live, commands, loop = self.live[realm], self.commands[realm], self.loop

        def tell(changes: list[Change]) -> None:
            live.push(changes)
            commands.heard(changes)

        return lambda changes: _post(loop, tell, changes)

    async def _start_mqtt(self) -> None:
        settings, limits = self.settings, self.settings.limits
        doors = MqttDoors(self.cities, self.devices, self.intake, self.commands)
        caps = Caps(connections=limits.connections, packet_bytes=limits.message, receive_maximum=limits.inflight)
        self.mqtt = doors.endpoint = Endpoint(doors, caps)
        self.mqtt.attach()
        self.stack.push_async_callback(self.mqtt.close)
        for commands in self.commands.values():
            commands.send = self.mqtt.send
        if settings.mqtt:
            self.mqtt_at.append(await self.mqtt.listen(*settings_.address(settings.mqtt, "serve.mqtt")))
        if settings.mqtts:
            self.tls_at.append(await self.mqtt.listen(*settings_.address(settings.mqtts, "serve.mqtts"), tls(settings)))

    async def _start_binding(self) -> None:
        self.retries: dict[str, Retry] = {}
        self.ngsild = {realm: _unbound for realm in self.cities}

    def _front(self) -> None:
        settings = self.settings
        self.admin = Admin(
            self.cities,
            self.devices,
            self.intake,
            silence=self.mqtt.kick,
            turned=lambda: [link.turn() for link in self.rules],
            retries={"rule": self._retry_rule, **self.retries},
        )
        self.collect = CollectDoor(self.cities, self.devices, self.intake, settings.limits)
        look = Look(city=settings.name, zone=settings.timezone, tiles=settings.tiles or None)
        self.pages = Starlette(routes=routes(self.snapshot, look))
        self.front = Front(self)

    async def _start_http(self) -> None:
        config = uvicorn.Config(
            self.front,
            host=self.host,
            port=self.port,
            loop="none",
            http="httptools",
            ws="none",
            interface="asgi3",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            limit_concurrency=self.settings.limits.http_connections,
            timeout_graceful_shutdown=3,
            ssl_certfile=self.settings.certificate if self._https else None,
            ssl_keyfile=self.settings.key if self._https else None,
        )
        self.server = _Server(config, [live.stop for live in self.live.values()])
        self._serving = asyncio.create_task(self.server.serve())
        while not self.server.started:
            if self._serving.done():
                await self._serving
                raise HansaError(f"nothing can be served at {self.settings.http}: is the port taken?")
            await asyncio.sleep(0.005)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self.stack.push_async_callback(self._stop_http)

    @property
    def _https(self) -> bool:
        return bool(self.settings.certificate and self.settings.key and not is_loopback(self.host))

    @property
    def url(self) -> str:
        """Where the city can be reached."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self._https else 'http'}://{host}:{self.port}"

    async def _stop_http(self) -> None:
        self.server.should_exit = True
        await self._serving

    async def forever(self) -> None:
        """Until somebody ends it (SIGINT, SIGTERM)."""
        try:
            await asyncio.shield(self._serving)
        finally:
            await self.stop()

    def end(self) -> None:
        """Ask it to end; `forever` then closes everything."""
        self.server.should_exit = True

    async def stop(self) -> None:
        """Close everything, top down; what was acknowledged stays."""
        self.ready = False
        await self.stack.aclose()

    async def _flush(self) -> None:
        """Write down what devices have become, once a minute and at the end."""
        try:
            while True:
                await asyncio.sleep(FLUSH_S)
                self.flush()
        finally:
            self.flush()

    def flush(self) -> None:
        """Submit the records of devices that were heard of."""
        try:
            for city, write in self.intake.flush():
                city.submit([write], _nobody)
        except Busy:
            log.info("no room to write down what devices have become; in a minute then")

    async def _retry_rule(self, letter: Entity) -> str:
        detail = letter["detail"]
        if not detail.get("seq"):
            raise BadRequest("a round is not tried again: the next one comes by itself")
        for link in self.rules:
            link.again(letter["source"], int(detail["seq"]))
        return "given to the rules again"

    # What is told

    def snapshot(self) -> Mapping[str, Any]:
        """What the page says before any script has run."""
        city = self.cities["open"]
        alerts = city.find("Alert", 'status=="open"', limit=500)
        kinds = [kind for kind in city.reader.types("") if kind not in _NOT_STATIONS]
        stations: list[Entity] = []
        for kind in kinds:
            stations += [one for one in city.find(kind, limit=1_000) if _is_point(one)]
        return {
            "alerts": [entity_out(one.doc, CORE, "concise") for one in alerts],
            "stations": [entity_out(one.doc, CORE, "concise") for one in stations],
            "now": self.clock.now(),
            "simulated": self.clock.simulated,
            "rate": self.clock.rate,
        }

    def health(self) -> dict[str, Any]:
        """What `/health` says: what works, what waits, and every cap."""
        full = {realm: city.inbox.full for realm, city in self.cities.items() if city.inbox and city.inbox.full}
        behind = max((link.behind for link in self.rules), default=0)
        rules_up = all(link.pid for link in self.rules)
        status = "full" if full else "degraded" if not rules_up or behind > self.settings.limits.rule_lag else "ok"
        return {
            "status": status,
            "version": hansa.__version__,
            "now": text(self.clock.now()),
            "simulated": self.clock.simulated,
            "rate": self.clock.rate,
            "up_s": round(time.monotonic() - self.began, 1),
            "realms": {
                realm: {
                    "seq": city.store.head(),
                    "waiting": city.inbox.size if city.inbox else 0,
                    "full": full.get(realm),
                    "commits": city.inbox.commits if city.inbox else 0,
                }
                for realm, city in self.cities.items()
            },
            "rules": {
                "behind": behind,
                "behind_s": round(max((link.behind_s for link in self.rules), default=0.0), 2),
                "running": rules_up,
                "pid": next((link.pid for link in self.rules if link.pid), None),
                "restarts": sum(link.restarts for link in self.rules),
            },
            "apps": [{"name": one.name, "report": one.report} for one in self.apps],
            "off": [{"name": one.name, "reason": one.reason} for one in self.off],
            "devices": len(self.devices),
            "mqtt": {"connections": self.mqtt.connections},
            "pages": sum(live.streams for live in self.live.values()),
            "messages": {"taken": self.intake.messages, "refused": self.intake.refusals, "waiting": self.intake.waiting},
            "limits": self.settings.limits.shown(),
        }


_NOT_STATIONS: Final = frozenset({"Alert", "WeatherForecast", "Device", "Command", "WatchRule", "FrostStation"})


def _is_point(one: Entity) -> bool:
    place = one.location
    return isinstance(place, dict) and place.get("type") == "Point"


def _nobody(_result: object) -> None:
    """Nobody waits for this answer."""


def _post(loop: asyncio.AbstractEventLoop, tell: Callable[[list[Change]], None], changes: list[Change]) -> None:
    try:
        loop.call_soon_threadsafe(tell, changes)
    except RuntimeError:
        log.debug("the loop has ended; the log keeps what it did not hear")


async def _unbound(_request: Request) -> Response:
    raise NotFound("not yet")


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def tls(settings: Settings) -> ssl.SSLContext:
    """The TLS side of a door: 1.2 and up, our certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.certificate, settings.key)
    except (OSError, ssl.SSLError) as fault:
        raise BadRequest(f"the certificate cannot be used: {fault}", where="serve.certificate") from None
    return context


class _Server(uvicorn.Server):
    """uvicorn, which ends live pages before it waits for them."""

    def __init__(self, config: uvicorn.Config, before: list[Callable[[], None]]) -> None:
        super().__init__(config)
        self._before = before

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `serve`: what is open must be closed before the process may end."""
        yield

    async def shutdown(self, sockets: Any = None) -> None:
        for stop in self._before:
            stop()
        await super().shutdown(sockets)


class Front:
    """The HTTP door: who is it, where does he want to go."""

    def __init__(self, running: Running) -> None:
        """Route to the parts of a running city."""
        self._running = running
        self._callers = running.callers
        self._body = running.settings.limits.body
        self._url = running.settings.limits.url
        self._pages = running.pages
        self._loopback_page = running.settings.trust_loopback
        self._ngsild = running.ngsild["open"]
        self._parts: dict[str, Handle] = {
            "collect": running.collect.handle,
            "admin": running.admin.handle,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request (ASGI)."""
        path: bytes = scope["raw_path"]
        if path.startswith(b"/ngsi-ld/v1/"):
            await self._answer(scope, receive, send, self._ngsild, path[12:])
            return
        head = path[1:].partition(b"/")[0].partition(b"?")[0]
        name = head.decode("latin-1")
        if name in self._parts:
            await self._answer(scope, receive, send, self._parts[name], path[len(head) + 2 :])
        elif path.startswith(b"/ccc/ngsi-ld/v1/"):
            await self._answer(scope, receive, send, self._running.ngsild["security"], path[16:])
        elif name == "live":
            await self._live(scope, receive, send, "open")
        elif path.startswith(b"/ccc/live"):
            await self._live(scope, receive, send, "security")
        elif name in {"health", "ready", "metrics"}:
            await answer(send, self._told(name), head=scope["method"] == "HEAD")
        else:
            await self._page(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, handle: Handle, rest: bytes) -> None:
        method: str = scope["method"]
        try:
            query: bytes = scope["query_string"]
            if len(rest) + len(query) > self._url:
                raise TooLarge(f"the address is longer than {self._url:,} bytes")  # noqa: TRY301  # answered below
            headers = scope["headers"]
            client = scope["client"]
            sight = self._callers.sight(client[0] if client else None, headers)
            body = b"" if method in {"GET", "HEAD"} else await read_body(scope, receive, self._body)
            response = await handle(Request(method, split(rest), query, body, Headers(headers), sight))
        except HansaError as fault:
            response = problem(fault)
        except Exception:  # ours; the caller learns that it was not his fault, the log all the rest
            log.exception("a request failed", method=method, path=scope["path"])
            response = problem(HansaError("something went wrong here; the log says more"))
        await answer(send, response, head=method == "HEAD")

    def _told(self, name: str) -> Response:
        running = self._running
        health = running.health()
        status = 200 if health["status"] == "ok" and running.ready else 503
        if name == "ready":
            return Response(status, b'{"ready":%b}' % (b"true" if status == 200 else b"false"))
        if name == "metrics":
            return Response(200, metrics(health, running), b"text/plain; version=0.0.4; charset=utf-8")
        return Response(200, json.dumps(health).encode())

    async def _live(self, scope: Scope, receive: Receive, send: Send, realm: str) -> None:
        running = self._running
        headers = Headers(scope["headers"])
        try:
            sight = self._seen(scope)
            params = Request("GET", [], scope["query_string"]).params()
            if unknown := set(params) - {"type", "since"}:
                raise BadRequest(f"/live has no parameter {sorted(unknown)[0][:40]}", where="query")
            last = headers.get(b"last-event-id") or params.get("since")
            if last is not None and not (last.isdecimal() and len(last) < 19):
                raise BadRequest("since is a number", where="since")
            live = running.live[realm]
            if live.streams >= running.settings.limits.streams:
                raise Busy("too many pages listen already")
        except HansaError as fault:
            await answer(send, problem(fault))
            return
        kinds = frozenset(params["type"].split(",")) if params.get("type") else None
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")],
            }
        )
        events = live.events(None if last is None else int(last), kinds, _shows(sight, realm))
        telling = asyncio.create_task(_tell(events, send))
        # The server says nothing to a writer whose reader has left: only listening shows it.
        leaving = asyncio.ensure_future(_left(receive))
        await asyncio.wait({telling, leaving}, return_when=asyncio.FIRST_COMPLETED)
        for task in (telling, leaving):
            task.cancel()
        await asyncio.gather(telling, leaving, return_exceptions=True)

    def _seen(self, scope: Scope) -> Sight:
        client = scope["client"]
        sight = self._callers.sight(client[0] if client else None, scope["headers"])
        if sight.classes is not None and not sight.classes:
            raise Unauthenticated("who are you?", mend="until people exist, the city's own machine may look")
        return sight

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if not scope["path"].startswith("/static/"):
                self._seen(scope)
        except HansaError as fault:
            await answer(send, problem(fault))
            return
        await self._pages(scope, receive, send)


async def _tell(events: AsyncGenerator[bytes, None], send: Send) -> None:
    async with aclosing(events):
        async for block in events:
            await send({"type": "http.response.body", "body": block, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _shows(sight: Sight, realm: str) -> Callable[[Change], Change | None]:
    """A Change as a sight may see it."""
    if sight.everything:
        return lambda change: change

    def shows(change: Change) -> Change | None:
        entity = change.entity
        if not sight.sees(entity.label or unlabelled(realm)):
            return None
        labels = entity.stamps.labels if entity.stamps is not None else {}
        hidden = {name for name, label in labels.items() if not sight.sees(label)}
        if not hidden:
            return change
        doc = {name: value for name, value in entity.doc.items() if name not in hidden}
        parts = tuple(part for part in change.parts if part.name not in hidden)
        return replace(change, entity=Entity(doc, entity.stamps, realm, entity.label), parts=parts) if parts else None

    return shows


def metrics(health: dict[str, Any], running: Running) -> bytes:
    """The figures of `/health` for Prometheus."""
    registry = prometheus_client.CollectorRegistry()

    def gauge(name: str, said: str, value: float, **labels: str) -> None:
        known = made.get(name) or prometheus_client.Gauge(f"hansa_{name}", said, list(labels), registry=registry)
        made[name] = known
        (known.labels(**labels) if labels else known).set(value)

    made: dict[str, prometheus_client.Gauge] = {}
    for realm, state in health["realms"].items():
        gauge("log_seq", "Newest place in the log", state["seq"], realm=realm)
        gauge("inbox_waiting", "Writes that wait for the writer", state["waiting"], realm=realm)
        gauge("storage_full", "1 while the disk takes nothing", 1.0 if state["full"] else 0.0, realm=realm)
    gauge("rules_behind", "Changes that the slowest app has not seen", health["rules"]["behind"])
    gauge("rules_restarts", "Times the rules process was started again", health["rules"]["restarts"])
    gauge("mqtt_connections", "Open MQTT connections", running.mqtt.connections)
    gauge("live_pages", "Pages that listen", health["pages"])
    gauge("messages_taken", "Messages of devices", health["messages"]["taken"])
    gauge("messages_refused", "Messages kept as dead letters", health["messages"]["refused"])
    gauge("up_seconds", "Seconds since the start", health["up_s"])
    return prometheus_client.generate_latest(registry)


async def serve(settings: Settings, told: Callable[[Running], None] | None = None) -> None:
    """Run a city until it is ended; `told` is called when it is ready."""
    running = Running(settings)
    await running.start()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, running.end)
    if told is not None:
        told(running)
    await running.forever()


__all__ = ["SECOND", "Front", "Lock", "NotFound", "Running", "clock_of", "open_cities", "serve", "token"]
