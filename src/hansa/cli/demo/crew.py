"""The valley's devices at work: one real MQTT connection and identity each, all in one process beside the city.

Run by `hansa up --demo` as a program of its own. Each device measures by the city's clock, at its own interval, and
sends with QoS 1; what was not acknowledged is sent again after the next connection.
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import aiomqtt
import click

from hansa import clock
from hansa.cli.beside import be
from hansa.cli.demo import facts, growers, opendata, residents, strategy
from hansa.cli.demo.door import Door
from hansa.cli.demo.keys import Keys, Post, quiet
from hansa.cli.demo.land import ZONE
from hansa.cli.demo.past import load, readings, resources, run_books, setting, watch_rules
from hansa.cli.demo.profiles import PROFILES
from hansa.cli.demo.valley import Instrument, Plan, Valley
from hansa.cli.demo.weather import DAY_S
from hansa.errors import BadRequest, SourceFailed

DECIDED: Final = time(20, 30)  # local: when frost's decisions of record have been taken
LOOK_S: Final = 5.0  # how often the city's clock is read again: somebody may turn it
LEARN_S: Final = 12.0  # how long the apps may learn from the past before the evening begins
AGAIN_S: Final = 30.0  # the longest pause between two attempts to connect


class CityClock:
    """The city's time, as near as one machine can know another's: read every few seconds, carried on between."""

    def __init__(self, door: Door) -> None:
        """Read it first."""
        self._door = door
        self._loop = asyncio.get_running_loop()
        self._turned = asyncio.Event()
        self._at_s = self._heard = 0.0
        self.rate = 0.0

    async def read(self) -> None:
        """Ask the city."""
        at, rate = await self._door.now()
        jump_s = at / clock.SECOND - self.now_s()
        self._at_s, self._heard, self.rate = at / clock.SECOND, self._loop.time(), rate
        if abs(jump_s) > 1.0 + rate:
            self._turned.set()
            self._turned = asyncio.Event()

    def now_s(self) -> float:
        """Seconds since 1970."""
        return self._at_s + (self._loop.time() - self._heard) * self.rate

    async def keep(self) -> None:
        """Read it again and again."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.read()
            except SourceFailed:
                continue  # the city is starting again, perhaps; until then the time goes on as it did

    async def until(self, time_s: float) -> None:
        """Sleep until the city's clock says so."""
        while (left_s := time_s - self.now_s()) > 0:
            turned = self._turned
            try:
                async with asyncio.timeout(left_s / self.rate if self.rate > 0 else None):
                    await turned.wait()
            except TimeoutError:
                continue


async def speak(instrument: Instrument, mqtt: tuple[str, int], secret: str, city: CityClock) -> None:
    """One device, for ever."""
    due_s, pause_s = city.now_s(), 0.5
    topic = f"hansa/{instrument.name}/{instrument.profile}"
    while True:
        try:
            async with aiomqtt.Client(
                *mqtt, identifier=instrument.name, username=instrument.name, password=secret, clean_session=False
            ) as client:
                pause_s = 0.5
                await client.subscribe(f"hansa/{instrument.name}/cmd", qos=1)
                while True:
                    await city.until(due_s)
                    said = instrument.say(due_s)
                    if said is not None:
                        at = {"at": clock.text(round(due_s * 1_000) * 1_000)}
                        await client.publish(topic, json.dumps(said | at), qos=1)
                    # Who was held up does not make up for it: the next reading is the next that is due now.
                    due_s = instrument.next_s(max(due_s, city.now_s() - instrument.interval_s))
        except aiomqtt.MqttError:
            await asyncio.sleep(pause_s)
            pause_s = min(AGAIN_S, pause_s * 2)


def prospect(valley: Valley, now_s: float, rate: float) -> str:
    """What will happen in the valley, and when, in the watcher's minutes."""
    times = []
    for day_s in (now_s - DAY_S, now_s, now_s + DAY_S):
        sunrise_s, sunset_s = valley.weather.sun_around(day_s)
        decided = datetime.combine(datetime.fromtimestamp(day_s, UTC), DECIDED, ZoneInfo(ZONE)).timestamp()
        times += [
            (sunset_s, "sunset"),
            (sunrise_s, "dawn"),
            (decided, "all stations are decided: the warnings stand"),
        ]
    frost_s = valley.first_frost_s(now_s)
    if frost_s is not None:
        times.append((frost_s, "the first orchard freezes"))
    coming = sorted(one for one in times if now_s < one[0] < now_s + DAY_S)
    lines = [f"  in {(at_s - now_s) / rate / 60.0:4.1f} min   {what}" for at_s, what in coming]
    return "\n".join(lines)


async def work(said: dict[str, Any]) -> None:
    """Prepare the valley, set its clock going, and let its devices speak."""
    quiet()
    data, mqtt = Path(said["data"]), (said["mqtt"][0], said["mqtt"][1])
    plan = Plan.read(data / "demo.json") or Plan()
    valley = Valley(plan)
    keys = Keys(data / "demo-secrets.json")
    boards = growers.boards()
    every = (*valley.instruments, *boards)
    posts = [Post(one.name, PROFILES[one.profile], one.location, over=one.over) for one in every]
    async with Door(said["url"], data) as door:
        new = await keys.settle(door, mqtt, posts)
        await load(door, setting(valley))
        if new:
            click.echo(f"  {new} devices enrolled, each with a secret of its own; their claims are used up")
        await _remember(door, valley, data / "demo.past")
        await load(door, watch_rules())
        # A version that somebody published since is not taken back.
        known = {one["id"] for one in await door.ask("GET", "/ngsi-ld/v1/entities?type=RunBook&limit=1000")}
        await load(door, (one for one in run_books() if one["id"] not in known))
        known = {one["id"] for one in await door.ask("GET", "/ngsi-ld/v1/entities?type=Resource&limit=1000")}
        await load(door, (one for one in resources() if one["id"] not in known))
        at, _ = await door.now()
        known = {one["id"] for one in await door.ask("GET", "/ngsi-ld/v1/entities?type=StandingApproval&limit=1000")}
        await load(door, (one for one in growers.standing(at) if one["id"] not in known))
        await growers.enter(door)
        await residents.settle(door, at)
        if not await door.ask("GET", "/ngsi-ld/v1/entities?type=KpiFramework&limit=1"):
            await load(door, facts.records(at))
        if not (await door.ask("GET", "/desk/opendata/board"))["datasets"]:
            await load(door, opendata.records(at))
        await strategy.plan(door, at)
        # A busy machine may let the evening begin before the apps are done: they take what comes in its order.
        with suppress(TimeoutError):
            async with asyncio.timeout(LEARN_S):
                await door.level()
        await _publish(door)
        city = CityClock(door)
        at, _ = await door.now()
        await door.turn(at, said["rate"])
        await city.read()
        _announce(valley, city)
        await _speak_all([*valley.instruments, *filter(growers.at_work, boards)], mqtt, keys, city)


async def _publish(door: Door) -> None:
    """Show the scorecard of past years to everybody, once; what is not reckoned yet is shown from the next start on."""
    if await door.ask("GET", "/ngsi-ld/v1/entities?type=KpiPublication&limit=1"):
        return
    for year in facts.PUBLISHED:
        with suppress(BadRequest):
            await door.ask("POST", "/desk/scorecard/publish", {"framework": facts.FRAMEWORK, "period": year})


async def _remember(door: Door, valley: Valley, mark: Path) -> None:
    """Load the weeks before the start, once; a load that was cut short is done again, and doubles nothing."""
    if mark.exists() or not valley.plan.past_days:  # noqa: ASYNC240  # a local file, before anything speaks
        return
    count = await load(door, readings(valley))
    mark.touch()  # noqa: ASYNC240
    click.echo(f"  {count:,} readings of the {valley.plan.past_days} days before are loaded; the apps learn from them")


def _announce(valley: Valley, city: CityClock) -> None:
    now_s, many = city.now_s(), len(valley.instruments)
    click.echo(
        f"\n  It is {clock.text(int(now_s) * clock.SECOND)} in the valley; a minute takes {60 / city.rate:.3g} s.\n"
        f"  {many} devices speak. All of it is simulated: no reading is of a real place.\n"
        f"{prospect(valley, now_s, city.rate)}\n\n  Ctrl-C ends it; the next start goes on from there.\n"
    )


async def _speak_all(instruments: Sequence[Instrument], mqtt: tuple[str, int], keys: Keys, city: CityClock) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(city.keep())
        for one in instruments:
            group.create_task(speak(one, mqtt, keys[one.name], city))


def main() -> None:
    """`python -m hansa.cli.demo.crew {"url", "mqtt", "data", "rate"}`."""
    be(work)


if __name__ == "__main__":
    main()
