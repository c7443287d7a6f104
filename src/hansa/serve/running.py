"""A city that runs: parts opened bottom up, closed top down, and the functions that each needs of another."""

import asyncio
import gc
import signal
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn
from starlette.applications import Starlette

from hansa import settings as settings_
from hansa.centres.public import Site
from hansa.centres.web import routes
from hansa.clock import SECOND, text
from hansa.errors import BadRequest, Busy, HansaError, NotFound
from hansa.model.change import Change
from hansa.model.entity import Entity
from hansa.network.contexts import Contexts
from hansa.network.http import Egress
from hansa.network.live import Live
from hansa.network.moves import Moves
from hansa.network.mqtt import Caps, Endpoint
from hansa.platform import deadletters
from hansa.platform.admin import Admin
from hansa.platform.ballot_box import FILE as BALLOTS
from hansa.platform.ballot_box import BallotBox
from hansa.platform.city import City
from hansa.platform.commands import Commands
from hansa.platform.doors import CollectDoor, MqttDoors
from hansa.platform.intake import FLUSH_S, Intake
from hansa.platform.intake import load as load_devices
from hansa.platform.machine_doors import TokenDoor
from hansa.platform.models import Models
from hansa.platform.ngsild import NgsiLd
from hansa.platform.remembered import RememberedContexts
from hansa.platform.store import Item
from hansa.platform.subscriptions import Subscriptions
from hansa.platform.votes import Votes
from hansa.serve.acting import Acting
from hansa.serve.audits import Audits
from hansa.serve.couriers import Couriers
from hansa.serve.folder import Lock, clock_of, open_cities, token
from hansa.serve.front import Front, Handle
from hansa.serve.gate import Gate
from hansa.serve.guests import Guests
from hansa.serve.keys import find_keys
from hansa.serve.listening import Server
from hansa.serve.machines import audience, desk_doors, open_machines, owners
from hansa.serve.maps import Maps, base_map, look_of
from hansa.serve.openids import openid_door
from hansa.serve.people import Town, public
from hansa.serve.rewinds import Rewinds
from hansa.serve.rights import Rights
from hansa.serve.shield import Shield
from hansa.serve.site import town
from hansa.serve.tables import Tables
from hansa.serve.tls import WATCH_S, Certificate, host_names
from hansa.serve.told import snapshot
from hansa.settings import Settings
from hansa.trust.actors import Actor
from hansa.trust.callers import Callers, is_loopback
from hansa.trust.devices import Devices
from hansa.trust.labels import Sight, named

if TYPE_CHECKING:
    from hansa.platform.ngsild.exchange import Desk

log = structlog.get_logger("hansa")

PROBE_S = 2.0
_MOUNTS = {"open": "/ngsi-ld/v1", "security": "/ccc/ngsi-ld/v1"}


class Running:
    """A city that runs. `start`, then `forever`; or start and `stop` (tests)."""

    def __init__(self, settings: Settings) -> None:
        """Check what can be checked before anything is opened."""
        host, port = settings_.address(settings.http, "serve.http")
        if settings.mqtt and "mqtt" not in settings.plain and not is_loopback(settings_.address(settings.mqtt, "")[0]):
            raise BadRequest(
                f"mqtt = {settings.mqtt} without TLS: whoever is on the way reads what devices say, and their secrets",
                where="serve.mqtt",
                mend='bind mqtts instead; where the network is trusted, say plain = ["mqtt"]',
            )
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
        self.mqtt_at: list[tuple[str, int]] = []
        self.tls_at: list[tuple[str, int]] = []
        self.ready = False
        self.enrolment = ""
        """Where the first administrator comes in; empty when there is one."""

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
        self.keys = find_keys(settings)
        self.cities = open_cities(settings, self.clock, keys=self.keys)
        self.audits = Audits(settings, self.keys)
        stack.callback(self.audits.close)
        self.machines = open_machines(settings, self.keys)
        stack.callback(self.machines.close)
        self.callers.bearer = self.machines.bearer
        self.town = Town(settings, self.keys, seen=named)
        stack.callback(self.town.close)
        self.callers.session = self.town.people.session
        self.callers.seen = named
        self.rights = Rights(self.cities, self.town, self.machines, self.audits, origin=self._origin)
        self.town.join(self.rights.proposals, self.audits.note)
        self.callers.origins = self.town.account.origins
        self._warn()
        for city in self.cities.values():
            stack.callback(city.close)
        self._catch_up_clock()
        self.devices = Devices()
        load_devices(self.cities, self.devices)
        self.intake = Intake(self.cities, self.devices, self.clock, settings.limits)
        self.models = Models(self.cities["open"], refuse=settings.models == "refuse")
        self.models.load()
        if settings.models != "off":
            self.intake.models = self.models
        self.intake.behind = lambda: self.acting.behind
        self.commands = {
            realm: Commands(city, settings.limits, self.audits.logs[realm].note) for realm, city in self.cities.items()
        }
        self.acting = Acting(self, settings.url.rstrip("/"), "https" if self._https else "http")
        self.tables = Tables(self)
        self._listen()
        limits = settings.limits
        self.gate = Gate(limits, Guests(limits, limits.http_connections, settings.unlimited, settings.trusted_proxies))
        self._start_certificate()
        await self._start_mqtt()
        await self._start_binding()
        await self.rights.start(stack)
        await self.rights.declare(self.acting.apps, settings.data / "derivations")
        self._look_back()
        await self.tables.start(stack)
        self._front()
        for work in (self._flush(), self._probe(), self.town.forever(), self.votes.forever()):
            stack.push_async_callback(_ended, asyncio.create_task(work))
        await self._start_http()
        _settled()
        self.enrolment = await self.town.first(public(settings, self.url))
        self.lock.say(http=self.url, began=text(time.time_ns() // 1_000))
        self.ready = True

    def _warn(self) -> None:
        """Say what whoever runs the city should know of its keys, and of files that were sealed just now."""
        for note in self.keys.notes:
            log.warning(note)

    def _catch_up_clock(self) -> None:
        """A simulated clock goes on where the log ends: transaction time must not run backwards."""
        newest = max(city.store.newest() for city in self.cities.values())
        if self.clock.simulated and newest > self.clock.now():
            self.clock.turn(newest)

    def _live(self, city: City) -> Live:
        live = Live(self.clock, self.settings.limits, city.since, city.store.head)
        self.stack.callback(live.stop)
        return live

    def _listen(self) -> None:
        """What pages, maps and the courier hear of: every Change, once a commit."""
        self.couriers = Couriers(self)
        self.live = {realm: self._live(city) for realm, city in self.cities.items()}
        self.maps = {realm: Maps(self, realm) for realm in self.cities}
        for realm, city in self.cities.items():
            city.watch(self._hear(realm))

    @property
    def _streams(self) -> list[Live | Moves]:
        """Whatever tells pages of what happens."""
        return [*self.live.values(), *(one.moves for one in self.maps.values())]

    def _hear(self, realm: str) -> Callable[[list[Change]], None]:
        """From the writer's thread to everybody in the loop, once a commit."""
        live, commands, loop = self.live[realm], self.commands[realm], self.loop
        moves = self.maps[realm].moves
        courier = self.couriers.courier if realm == "open" else None
        orders = self.tables.orders if realm == "open" else None

        def tell(changes: list[Change]) -> None:
            live.push(changes)
            moves.push(changes)
            commands.heard(changes)
            if courier is not None:
                courier.heard(changes)
            if orders is not None:
                orders.heard(changes)

        return lambda changes: _post(loop, tell, changes)

    async def _start_mqtt(self) -> None:
        settings, limits = self.settings, self.settings.limits
        doors = MqttDoors(self.cities, self.devices, self.intake, self.commands)
        caps = Caps(connections=limits.connections, packet_bytes=limits.message, receive_maximum=limits.inflight)
        self.mqtt = doors.endpoint = Endpoint(doors, caps)
        self.mqtt.attach()
        self.stack.push_async_callback(self.mqtt.close)
        for realm, commands in self.commands.items():
            commands.send = partial(self._command, realm)
        self.mqtt.admit_from = Guests(limits, limits.connections, settings.unlimited).enter
        if settings.mqtt:
            self.mqtt_at.append(await self.mqtt.listen(*settings_.address(settings.mqtt, "serve.mqtt")))
        if settings.mqtts:
            secure = self.certificate.door("mqtt") if self.certificate else None
            self.tls_at.append(await self.mqtt.listen(*settings_.address(settings.mqtts, "serve.mqtts"), secure))

    async def _start_binding(self) -> None:
        settings = self.settings
        origin = self._origin
        self.egress = Egress(settings.egress_allow, settings.limits)
        self.stack.push_async_callback(self.egress.aclose)
        self.subscriptions: dict[str, Subscriptions] = {}
        self.ngsild: dict[str, Handle] = {}
        self.desks: dict[str, Desk] = {}
        for realm, city in self.cities.items():
            memory = RememberedContexts(city)
            contexts = Contexts(self.egress, settings.limits, at=city.clock.now, remember=memory.note)
            memory.recall(contexts)
            self.stack.push_async_callback(contexts.aclose)
            told = self.subscriptions[realm] = Subscriptions(
                city, self.egress, contexts, sights=partial(self._subscribed, realm)
            )
            # The binding first: subscriptions take up @contexts that it hosts.
            binding = NgsiLd(city, contexts, told, mount=_MOUNTS[realm], origin=origin)
            self.ngsild[realm] = binding.handle
            self.desks[realm] = binding.desk
            binding.desk.models = self.intake.models
            await told.start()
            self.stack.push_async_callback(told.aclose)

    def _command(self, realm: str, device: str, ident: str, payload: bytes) -> bool:
        """Have a device act; only its own realm commands it."""
        try:
            if self.devices.get(device).realm != realm:
                return False
        except NotFound:
            return False
        return self.mqtt.send(device, ident, payload)

    async def _end_tokens(self, who: str) -> None:
        """What was made in somebody's name ends: he was shut out, was let in again, or took away a way in."""
        if many := await self.machines.end_all(who):
            await self.town.people.noted("people", who, {"did": "tokens ended", "many": many})

    def _subscribed(self, realm: str, who: Actor, purpose: str) -> Sight:
        """What whoever subscribed may hear of a realm, asked anew with every notification."""
        return self.rights.seen(who, realm, purpose)

    async def _retry_notification(self, letter: Entity) -> str:
        for told in self.subscriptions.values():
            try:
                await told.retry(letter.id)
            except NotFound:
                continue
            return "told again"
        raise NotFound("its subscription is gone", where=letter.id)

    def _deliveries(self, ident: str, tenant: str, sight: Sight) -> dict[str, Any]:
        for realm, told in self.subscriptions.items():
            with suppress(NotFound):
                return told.deliveries(ident, tenant, sight=self.rights.of(sight, realm))
        raise NotFound(f"there is no subscription {ident[:80]}", where="subscription")

    def _look_back(self) -> None:
        """The past of every realm: marks are made from now on, and whoever may asks at the desk."""
        self.rewinds = Rewinds(self.settings, self.cities, self.keys, self.audits)
        for realm, desk in self.acting.desks.items():
            desk.doors.update(self.rewinds.doors(realm))
        self.rewinds.start(self.stack)

    def _start_votes(self) -> None:
        """The ballot box, in a file of its own: the log of Changes would tell when each ballot came."""
        path = self.settings.data / BALLOTS
        box = BallotBox(path, self.keys.of(path))
        self.stack.callback(box.close)
        self.votes = Votes(self.cities["open"], box, self.audits.logs["open"].note)

    def _front(self) -> None:
        settings = self.settings
        self._start_votes()
        self.admin = Admin(
            self.cities,
            self.devices,
            self.intake,
            self.models,
            silence=self.mqtt.kick,
            turned=self._turned,
            retries={"rule": self.acting.again, "notification": self._retry_notification},
            deliveries=self._deliveries,
            note=self.audits.note,
        )
        self.admin.doors.update(desk_doors(self.machines, self.audits.note, self.town.fresh, self.rights.enlisting))
        self.admin.doors.update(self.town.doors)
        self.admin.doors.update(self.rights.doors)
        self.token = TokenDoor(self.machines, lambda: audience(settings, self.host, self.url), self.audits.note)
        self.openid = openid_door(settings, self.egress, self.town.people, lambda: public(settings, self.url))
        self.machines.people = owners(self.town.people)
        self.town.people.distrusted = self._end_tokens
        self.access = self.rights.access
        self.collect = CollectDoor(self.cities, self.devices, self.intake, settings.limits)
        self.base = base_map(settings)
        if self.base is not None:
            self.stack.callback(self.base.close)
        look = look_of(settings, self.base)
        self.pages = Starlette(routes=routes(lambda sight: snapshot(self, sight), look))
        self.site = Site(town(self, look))
        self.pages.router.redirect_slashes = False  # it would be to whatever host the request names
        self.shield = Shield(settings.limits, settings.cors)
        self.front = Front(self)

    def _turned(self) -> None:
        for link in self.acting.rules:
            link.turn()
        for one in self._streams:
            one.turned()

    def _start_certificate(self) -> None:
        """What doors with TLS show, if there are any; looked at again by and by."""
        settings = self.settings
        wanted = self._https or settings.mqtts
        self.certificate = Certificate(settings, lambda: host_names(settings)) if wanted else None
        if self.certificate is not None:
            self.stack.push_async_callback(_ended, asyncio.create_task(self._watch_certificate(self.certificate)))

    async def _watch_certificate(self, certificate: Certificate) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            certificate.refresh()

    def reload(self) -> None:
        """Show the certificate that lies there now to new connections (SIGHUP)."""
        if self.certificate is not None:
            self.certificate.refresh(anyway=True)

    async def _start_http(self) -> None:
        config = uvicorn.Config(
            self.front,
            loop="none",
            http=self.gate.protocol(),
            ws="none",
            interface="asgi3",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,  # whose header is believed, the gate knows
            limit_concurrency=self.settings.limits.http_connections,
            timeout_graceful_shutdown=3,
        )
        secure = self.certificate.door("http/1.1") if self._https and self.certificate else None
        self.server = Server(config, self.gate, [one.stop for one in self._streams], secure)
        self.port = await self.server.bind(self.host, self.port)
        self._serving = asyncio.create_task(self.server.serve())
        self.stack.push_async_callback(self._stop_http)
        while not self.server.started:
            if self._serving.done():
                await self._serving
                raise HansaError(f"nothing can be served at {self.settings.http}")
            await asyncio.sleep(0.005)
        await self.couriers.start(self.stack)

    @property
    def _origin(self) -> str:
        return self.settings.url.rstrip("/") or ("https:" if self._https else "http:")

    @property
    def _https(self) -> bool:
        return "http" not in self.settings.plain and not is_loopback(self.host)

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
        """Write down what devices have become, once a minute (of the city's clock, if it is quicker) and at the end."""
        try:
            while True:
                at = self.clock.now()
                for _ in range(int(FLUSH_S)):
                    await asyncio.sleep(1.0)  # the clock may be set to another rate meanwhile
                    if self.clock.now() - at >= FLUSH_S * SECOND:
                        break
                self.flush()
                await self.machines.flush()
        finally:
            self.flush()

    async def _probe(self) -> None:
        """While the disk takes nothing, try it: else a balancer that sends nobody here would never hear of room."""
        while True:
            await asyncio.sleep(PROBE_S)
            for city in self.cities.values():
                if city.inbox is not None and city.inbox.full:
                    city.submit_item(Item((), "probe", places={"probe": b""}), _nobody)

    def flush(self) -> None:
        """Submit the records of devices that were heard of, and let the oldest of too many dead letters go."""
        try:
            for city, write in self.intake.flush():
                city.submit([write], _nobody)
            for city in self.cities.values():
                if surplus := deadletters.surplus(city):
                    city.submit(surplus, _nobody)
        except Busy:
            log.info("no room to write down what devices have become; in a minute then")


def _nobody(_result: object) -> None:
    """Nobody waits for this answer."""


def _post(loop: asyncio.AbstractEventLoop, tell: Callable[[list[Change]], None], changes: list[Change]) -> None:
    try:
        loop.call_soon_threadsafe(tell, changes)
    except RuntimeError:
        log.debug("the loop has ended; the log keeps what it did not hear")


def _settled() -> None:
    """What is here now stays: the collector need not look at it again, nor at every turn for what a request leaves."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def serve(settings: Settings, told: Callable[[Running], None] | None = None) -> None:
    """Run a city until it is ended; `told` is called when it is ready."""
    running = Running(settings)
    await running.start()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, running.end)
    loop.add_signal_handler(signal.SIGHUP, running.reload)
    if told is not None:
        told(running)
    await running.forever()
