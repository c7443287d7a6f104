"""The rows of warnings: from the moment when 10,000 deliveries wait until the last of them is at its sink and noted."""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any, Final

import uvloop

from bench.machine import LOAD_CORE, end, python
from bench.rows import Bench, Row
from bench.warning_sinks import subscription
from hansa.model.change import Change, Write
from hansa.model.entity import Entity, entity
from hansa.serve.running import Running
from hansa.settings import Settings

MANY: Final = 10_000
ASKED_S: Final = {"push": 60.0, "email": 120.0}
WARNING: Final = "urn:ngsi-ld:Warning:bench"
_BODY: Final = "Cover your trees and take plants in before it is dark. The coldest hours are before sunrise. " * 6
_TOML: Final = """[serve]
http = "127.0.0.1:0"
"""


def warnings(bench: Bench) -> Iterator[Row]:
    """Web pushes, then e-mails."""
    many = 500 if bench.quick else MANY
    for kind, sink in (("push", "push"), ("email", "mail")):
        process = python(bench.folder, LOAD_CORE, "-m", "bench.warning_sinks", sink, stdin=subprocess.PIPE)
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            took_s, shown = uvloop.run(_sent(bench, kind, port, many))
            said, _ = process.communicate("", timeout=60)
        finally:
            end(process)
        counted: dict[str, Any] = json.loads(said)
        read = f", {counted['read']} of a sample of {counted['sample']} read" if "read" in counted else ""
        yield Row(
            row=f"from {many:,} deliveries waiting to the last {kind} at its sink, and noted",
            asked=f"{ASKED_S[kind]:.0f} s",
            measured=f"{took_s:.1f} s, {many / took_s:,.0f}/s; the sink has {counted['got']:,}, "
            f"{counted['doubled']} twice{read}; {shown['failed']} failed",
            floor=None,
            ratio=None,
            ok=took_s < ASKED_S[kind]
            and counted["got"] == many
            and not counted["doubled"]
            and counted.get("read") == counted.get("sample"),
            how="bench/warning_rows.py: a whole city with every app; written `sending`, sent, written `handed`, each "
            "durable; sinks on the other core (encrypting web push service; aiosmtpd)",
        )


async def _sent(bench: Bench, kind: str, port: int, many: int) -> tuple[float, dict[str, Any]]:
    channels = {
        "push": {"plain": True, "allow": ["127.0.0.0/8"]},
        "email": {"host": "127.0.0.1", "port": port, "security": "none", "sender": "warnings@city.example"},
    }
    settings = Settings(data=bench.data(), http="127.0.0.1:0", channels={kind: channels[kind]})
    running = Running(settings)
    await running.start()
    try:
        city, courier = running.cities["open"], running.couriers.courier
        text = {"title": "Frost", "short": "Frost tonight, -4 °C", "body": _BODY}
        await city.awrite(_write(entity("Warning", WARNING, state="sent", texts={"en": text})))
        began = time.monotonic()
        for at in range(0, many, 1_000):
            made = [_write(_delivery(kind, number, port)) for number in range(at, min(many, at + 1_000))]
            assert all(isinstance(one, Change) for one in await city.awrite(*made))
        while courier.shown()[kind]["handed"] < many or courier.shown()[kind]["waiting"]:
            await asyncio.sleep(0.02)
            assert time.monotonic() - began < 4 * ASKED_S[kind], courier.shown()
        return time.monotonic() - began, courier.shown()[kind]
    finally:
        await running.stop()


def _delivery(kind: str, number: int, port: int) -> Entity:
    to = subscription(number, port) if kind == "push" else f"grower{number}@example.org"
    return entity(
        "Delivery",
        f"urn:ngsi-ld:Delivery:{kind}-{number}",
        warning=WARNING,
        recipient=f"urn:ngsi-ld:Recipient:{number}",
        status="waiting",
        channel={"kind": kind, "to": to, "verified": True},
        step=0,
        language="en",
        rank=1,
        attempts=[],
    )


def _write(one: Entity) -> Write:
    return Write("say", one.id, one.doc, label="personal" if one.type == "Delivery" else None)
