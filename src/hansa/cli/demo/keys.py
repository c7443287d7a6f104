"""Identities of simulated and replayed devices: each is enrolled, exchanges its claim on first use, keeps its secret.

The secrets lie in the city's folder, readable by their owner alone, so that a later run goes on as the same devices.
"""

import asyncio
import json
import logging
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import aiomqtt

from hansa.cli.demo.door import Door
from hansa.errors import BadRequest, HansaError, SourceFailed

AT_ONCE: Final = 16  # enrolments under way: enough to share a commit, too few to flood the inbox
SECRET_S: Final = 20.0  # how long a device waits for its secret to come over MQTT


@dataclass(frozen=True, slots=True)
class Post:
    """One device to be enrolled: what the operator says of it, and how it fetches its secret."""

    name: str
    profile: dict[str, Any]
    location: dict[str, Any] | None = None
    label: str | None = "open"
    over: Literal["mqtt", "http"] = "http"


def quiet() -> None:
    """Let lost MQTT connections pass in silence: they are opened again, and aiomqtt's own futures need no obituary."""
    logging.getLogger("mqtt").setLevel(logging.CRITICAL)

    def told(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        # An OSError comes of a socket that closed before the loop began to write to it; its task hears of it too.
        if not isinstance(context.get("exception"), aiomqtt.MqttError | OSError):
            loop.default_exception_handler(context)

    asyncio.get_running_loop().set_exception_handler(told)


class Keys:
    """The secrets of a folder's devices by name."""

    def __init__(self, file: Path) -> None:
        """Read them; BadRequest when the file is there and cannot be used."""
        self.file = file
        self._held: dict[str, str] = {}
        if not file.exists():
            return
        mend = f"delete {file}: the devices then get new secrets"
        try:
            held = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError) as fault:
            raise BadRequest(f"the devices' secrets in {file} cannot be read: {fault}", mend=mend) from None
        if not isinstance(held, dict) or not all(isinstance(value, str) for value in held.values()):
            raise BadRequest(f"{file} does not hold devices' secrets", mend=mend)
        self._held = held

    def __getitem__(self, name: str) -> str:
        """The secret of one device."""
        return self._held[name]

    def __contains__(self, name: object) -> bool:
        """Whether a device has its secret."""
        return name in self._held

    def save(self) -> None:
        """Write them down, whole or not at all."""
        new = self.file.with_suffix(".new")
        with suppress(FileNotFoundError):
            new.unlink()
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            json.dump(self._held, out)
            out.flush()
            os.fsync(out.fileno())
        new.replace(self.file)

    async def settle(self, door: Door, mqtt: tuple[str, int], posts: Sequence[Post]) -> int:
        """Enrol those that have no secret yet; how many. What was fetched is kept even when one of them fails."""
        lacking = [one for one in posts if one.name not in self._held]
        if not lacking:
            return 0
        known = {one["name"] for one in await door.ask("GET", "/admin/devices")}
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(post: Post) -> None:
            async with turns:
                self._held[post.name] = await _enrolled(door, mqtt, post, known=post.name in known)

        outcomes = await asyncio.gather(*map(one, lacking), return_exceptions=True)
        self.save()
        _first_fault(outcomes)
        return len(lacking)


def _first_fault(outcomes: Iterable[BaseException | None]) -> None:
    for outcome in outcomes:
        if outcome is not None:
            raise outcome


async def _enrolled(door: Door, mqtt: tuple[str, int], post: Post, *, known: bool) -> str:
    """The secret of one device, for a claim of its own."""
    if known:  # enrolled by a run that ended before it had written the secret down
        made = await door.ask("POST", f"/admin/devices/{post.name}/renew")
    else:
        said = {"name": post.name, "profile": post.profile, "location": post.location, "label": post.label}
        made = await door.ask("POST", "/admin/devices", said)
    claim: str = made["claim"]
    if post.over == "mqtt":
        return await _over_mqtt(mqtt, post.name, claim)
    answer = await door.ask("POST", "/collect/claim", {"device": post.name, "claim": claim}, bearer=False)
    return str(answer["secret"])


async def _over_mqtt(mqtt: tuple[str, int], name: str, claim: str) -> str:
    """Connect with the claim, subscribe to the command topic, take the secret that comes."""
    try:
        async with (
            asyncio.timeout(SECRET_S),
            aiomqtt.Client(*mqtt, identifier=name, username=name, password=claim) as client,
        ):
            await client.subscribe(f"hansa/{name}/cmd", qos=1)
            async for message in client.messages:
                said = json.loads(bytes(message.payload))
                return str(said["secret"])
    except (aiomqtt.MqttError, TimeoutError, ValueError, KeyError, TypeError) as fault:
        raise SourceFailed(f"{name} could not exchange its claim over MQTT: {fault or type(fault).__name__}") from fault
    raise HansaError(f"{name} was told no secret")


__all__ = ["Keys", "Post", "quiet"]
