"""`hansa feed DIR`: real station files through the device door, in time order, the city's clock following them.

A city is started on `--data` with a driven clock, and beside it a child that enrols one device a file, connects each
over MQTT and publishes with QoS 1. The clock is turned to every instant before its readings are sent. At every half
hour, and before and after what was observed right then, the child waits until all is acknowledged, so that a round
that looks at the clock sees the city as it was at that time; and the rules are never more than an hour of the city
behind. What is acknowledged is noted, so that a second run goes on there; whatever it sends twice changes nothing.
"""

import asyncio
import heapq
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import aiomqtt
import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hansa import clock
from hansa import settings as settings_
from hansa.cli import data_option, log_to_stderr
from hansa.cli.beside import Companion, be, free_address, run
from hansa.cli.demo.door import Door
from hansa.cli.demo.keys import Keys, Post, quiet
from hansa.cli.serving import echo_key
from hansa.cli.stations import BadLine, readings, station_files, station_name
from hansa.collect.standard import STANDARD
from hansa.errors import BadRequest, SourceFailed
from hansa.serve import Running

HOUR: Final = 3_600 * clock.SECOND
HALF_HOUR: Final = HOUR // 2
NOTE_S: Final = 2.0  # how often it is noted how far the files were sent
AGAIN_S: Final = 10.0  # how long a device may be without a connection before the feed gives up
SHOWN: Final = 5  # lines on the terminal for lines that could not be used

Row = tuple[int, int, str, dict[str, float]]
"""Turn (when it is sent), instant it was observed at (microseconds), device, values by attribute."""


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--speed", type=click.FloatRange(0, 1e6), default=0.0, help="City seconds a second; 0: as fast as it goes."
)
@click.option("--http", help="host:port of the pages and the API. [127.0.0.1:8080, or the next free port]")
@click.option("--mqtt", help="host:port of the MQTT door. [127.0.0.1:1883, or the next free port]")
@click.option("--exit", "leave", is_flag=True, help="End the city when all is sent, instead of serving on.")
@data_option
def feed(  # click hands them over by name
    folder: Path, speed: float, http: str | None, mqtt: str | None, leave: bool, data: Path
) -> None:
    """Send the station files in DIR through the MQTT door, as if it happened now."""
    first = _first(station_files(folder))
    Keys(data / "feed-secrets.json")
    Sent(data / "feed.json")  # what cannot be read is said before anything starts
    http, told_http = free_address(http, "127.0.0.1:8080", "http")
    mqtt, told_mqtt = free_address(mqtt, "127.0.0.1:1883", "mqtt")
    settings = settings_.load(
        data, http=http, mqtt=mqtt, trust_loopback=True, clock=f"driven@{clock.text(first)}", log="warning"
    )
    log_to_stderr(settings.log)

    def told(running: Running) -> None:
        for line in filter(None, (told_http, told_mqtt)):
            click.echo(f"  note       {line}")
        click.echo(f"  the city   {running.url}/")
        click.echo(f"  devices    mqtt://{running.mqtt_at[0][0]}:{running.mqtt_at[0][1]}")
        echo_key(running)
        click.echo(f"  its files  {settings.data.absolute()}")

    companion = Companion("hansa.cli.feed", {"folder": str(folder.absolute()), "speed": speed})
    run(settings, companion, told, stay=not leave)
    if companion.code:
        raise SystemExit(companion.code)


def _first(files: list[Path]) -> int:
    """The earliest first instant of the files; BadRequest when none of them holds a reading."""
    firsts = []
    for file in files:
        found = next((one[0] for one in readings(file, UTC) if not isinstance(one, BadLine)), None)
        if found is not None:
            firsts.append(found)
    if not firsts:
        raise BadRequest("none of the station files holds a reading", where=str(files[0].parent))
    return min(firsts)


class Sent:
    """How far each device's file was acknowledged: the newest turn of which all is on the city's disk."""

    def __init__(self, file: Path) -> None:
        """Read what an earlier run noted; BadRequest when it cannot be used."""
        self._file = file
        self.done: dict[str, int] = {}
        self._noted = 0.0
        if file.exists():
            try:
                self.done = {str(name): int(at) for name, at in json.loads(file.read_text("utf-8")).items()}
            except (OSError, ValueError, TypeError, AttributeError) as fault:
                mend = f"delete {file}: all is sent again, and what is known already changes nothing"
                raise BadRequest(f"{file} does not say how far the files were sent: {fault}", mend=mend) from None

    def note(self, *, now: bool = False) -> None:
        """Write it down, every few seconds."""
        if now or time.monotonic() - self._noted >= NOTE_S:
            self._noted = time.monotonic()
            new = self._file.with_suffix(".new")
            new.write_text(json.dumps(self.done), "utf-8")
            new.replace(self._file)


class Files:
    """The rows of all files in the order in which they are sent; counts what cannot be used or was sent before."""

    def __init__(self, files: list[Path], done: dict[str, int]) -> None:
        """`done`: how far each device's file was sent by an earlier run."""
        self._files = {station_name(file): file for file in files}
        self._done = dict(done)
        self.known = 0
        self.bad: list[str] = []
        self.bad_count = 0

    @property
    def names(self) -> list[str]:
        """The devices: one a file."""
        return list(self._files)

    def count(self) -> int:
        """How many lines can be used, all files together."""
        return sum(1 for file in self._files.values() for one in readings(file, UTC) if not isinstance(one, BadLine))

    def rows(self) -> Iterator[Row]:
        """Merged lazily; a line out of order is sent when the file has come to it, as a device would."""
        return heapq.merge(*(self._rows(name, file) for name, file in self._files.items()))

    def _rows(self, name: str, file: Path) -> Iterator[Row]:
        turn, done = 0, self._done.get(name, -1)
        for one in readings(file, UTC):
            if isinstance(one, BadLine):
                self.bad_count += 1
                if len(self.bad) < SHOWN:
                    self.bad.append(f"{file.name}, line {one.number}: {one.reason}")
                continue
            turn = max(turn, one[0])
            if turn <= done:
                self.known += 1
                continue
            if one[1]:
                yield turn, one[0], name, one[1]


class Device:
    """One station as an MQTT client; what was not acknowledged when a connection broke is sent again."""

    def __init__(self, name: str, mqtt: tuple[str, int], secret: str) -> None:
        """Not connected yet."""
        self.name = name
        self._mqtt = mqtt
        self._secret = secret
        self._client: aiomqtt.Client | None = None

    async def open(self) -> None:
        """Connect; SourceFailed when the door stays shut."""
        end = time.monotonic() + AGAIN_S
        while True:
            client = aiomqtt.Client(
                *self._mqtt, identifier=self.name, username=self.name, password=self._secret,
                protocol=aiomqtt.ProtocolVersion.V311, max_inflight_messages=100, timeout=60,
            )  # fmt: skip
            try:
                await client.__aenter__()
            except aiomqtt.MqttError as fault:
                if time.monotonic() > end:
                    raise SourceFailed(f"{self.name} cannot connect: {fault}") from fault
                await asyncio.sleep(0.2)
            else:
                self._client = client
                return

    async def close(self) -> None:
        """Say goodbye."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(aiomqtt.MqttError):  # it was gone already
                await client.__aexit__(None, None, None)

    async def send(self, at: int, values: dict[str, float]) -> None:
        """Publish one reading and wait until the city has it on disk."""
        payload = json.dumps({"at": clock.text(at), **values})
        while True:
            if self._client is None:
                await self.open()
            client = self._client
            try:
                assert client is not None  # noqa: S101  # open made it
                await client.publish(f"hansa/{self.name}/weather", payload, qos=1)
            except aiomqtt.MqttError:
                if self._client is client:
                    await self.close()
            else:
                return


class Feed:
    """Sends rows, turns the clock, and keeps both in step with the rules."""

    def __init__(self, door: Door, devices: dict[str, Device], progress: Sent, speed: float) -> None:
        """`speed` in city seconds a second; 0 without a pace."""
        self._door = door
        self._devices = devices
        self._progress = progress
        self._speed = speed
        self._open: list[asyncio.Task[None]] = []
        self._turns: dict[str, int] = {}
        self._at = self._mark = 0
        self._paced: tuple[int, float] | None = None
        self.sent = 0

    async def send(self, rows: Iterator[Row], bar: Any) -> None:
        """All of them; `bar(count, at)` is told how it goes."""
        for turn, together in groupby(rows, key=lambda row: row[0]):
            at_mark = turn % HALF_HOUR == 0
            if at_mark or turn // HALF_HOUR != self._at // HALF_HOUR:
                await self._settle()
            if turn // HOUR != self._at // HOUR:
                self._mark = await self._door.seen(self._mark, self._at)
            await self._pace(turn)
            self._at = turn
            await self._door.turn(turn)
            for _, at, name, values in together:
                self._open.append(asyncio.create_task(self._devices[name].send(at, values)))
                self._turns[name] = turn
                self.sent += 1
            if at_mark or self._speed:
                await self._settle()
            bar(self.sent, turn)
        await self._settle()
        await self._door.level(self._at)
        self._progress.note(now=True)

    async def _settle(self) -> None:
        """Until all that was sent is on disk."""
        if self._open:
            await asyncio.gather(*self._open)
            self._open.clear()
            self._progress.done.update(self._turns)
            self._turns.clear()
            self._progress.note()

    async def _pace(self, at: int) -> None:
        if self._speed:
            now = asyncio.get_running_loop().time()
            if self._paced is None:
                self._paced = (at, now)
            await asyncio.sleep(self._paced[1] + (at - self._paced[0]) / clock.SECOND / self._speed - now)


async def work(said: dict[str, Any]) -> None:
    """Enrol, connect, send; the child's part."""
    quiet()
    data, mqtt = Path(said["data"]), (said["mqtt"][0], said["mqtt"][1])
    progress, keys = Sent(data / "feed.json"), Keys(data / "feed-secrets.json")
    files = Files(station_files(Path(said["folder"])), progress.done)
    began = time.monotonic()
    async with Door(said["url"], data) as door:
        posts = [Post(name, dict(STANDARD["weather"])) for name in files.names]
        await keys.settle(door, mqtt, posts)
        refused = _refusals(await door.ask("GET", "/admin/devices"), files.names)
        devices = {name: Device(name, mqtt, keys[name]) for name in files.names}
        try:
            await asyncio.gather(*(one.open() for one in devices.values()))
            sender = Feed(door, devices, progress, float(said["speed"]))
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            with Progress(*columns, console=Console(stderr=True)) as shown:
                task = shown.add_task("feed", total=await asyncio.to_thread(files.count))

                def bar(count: int, at: int) -> None:
                    shown.update(task, completed=count + files.known, description=clock.text(at)[:16])

                await sender.send(files.rows(), bar)
        finally:
            await asyncio.gather(*(one.close() for one in devices.values()))
        refused = _refusals(await door.ask("GET", "/admin/devices"), files.names) - refused
    _tell(files, sender.sent, refused, time.monotonic() - began)


def _refusals(listed: list[dict[str, Any]], names: list[str]) -> int:
    return sum(one["refusals"] for one in listed if one["name"] in set(names))


def _tell(files: Files, sent: int, refused: int, took_s: float) -> None:
    for line in files.bad:
        click.echo(line, err=True)
    if files.bad_count > len(files.bad):
        click.echo(f"... and {files.bad_count - len(files.bad):,} more lines that could not be used", err=True)
    before = f", {files.known:,} were sent before" if files.known else ""
    rate = f", {sent / took_s:,.0f}/s" if took_s > 0 else ""
    click.echo(
        f"{sent:,} readings of {len(files.names)} stations sent and on disk in {took_s:.1f} s{rate}; "
        f"{refused:,} refused, {files.bad_count:,} lines could not be used{before}"
    )


commands = {"feed": feed}


if __name__ == "__main__":
    be(work)
