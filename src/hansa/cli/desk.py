"""The administrator's desk: the same requests to a running city, or to its files while it sleeps."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from hansa import settings as settings_
from hansa.errors import BadRequest, HansaError, SourceFailed
from hansa.platform.admin import Admin
from hansa.platform.enlisting import Enlisting
from hansa.platform.http import Request
from hansa.platform.intake import Intake
from hansa.platform.intake import load as load_devices
from hansa.platform.models import Models
from hansa.platform.policies import Policies
from hansa.serve import Lock, clock_of, find_keys, open_cities, token
from hansa.serve.audits import Audits
from hansa.serve.machines import desk_doors, open_machines
from hansa.serve.people import Town
from hansa.trust.devices import Devices
from hansa.trust.labels import ADMINISTRATOR


def running(data: Path) -> str | None:
    """Where the city of this folder can be reached, or None when it sleeps."""
    lock = data / "hansa.lock"
    if not lock.exists():
        return None
    try:
        Lock(data).release()
    except BadRequest:
        with suppress(ValueError, KeyError):
            return str(json.loads(lock.read_text())["http"])
        raise BadRequest(f"the city in {data} is starting or stopping", mend="try again in a moment") from None
    return None


def ask(data: Path, method: str, path: list[str], said: Any = None) -> Any:
    """One request to `/admin/...`; raises what the city refuses, in its own words."""
    url = running(data)
    body = b"" if said is None else orjson.dumps(said)
    if url is not None:
        return call(url, method, "/admin/" + "/".join(quote(part, safe="") for part in path), token(data), body)
    return asyncio.run(_asleep(data, method, path, body))


def call(url: str, method: str, path: str, bearer: str, body: bytes = b"", kind: str = "application/json") -> Any:
    """One request to a running city as its administrator."""
    headers = {"authorization": f"Bearer {bearer}", "content-type": kind}
    try:
        # The certificate of a city on this machine names its public host, not this address.
        answer = httpx.request(
            method,
            url + path,
            content=body,
            headers=headers,
            timeout=60.0,
            verify=False,  # noqa: S501  # nosec B501  # see above
            trust_env=False,
        )
    except httpx.HTTPError as fault:
        raise SourceFailed(f"the city at {url} does not answer: {fault}") from fault
    if answer.status_code >= 400:
        raise told(answer.status_code, answer.content)
    return answer.json() if answer.content else None


def told(status: int, body: bytes) -> HansaError:
    """A city's problem details as an error here."""
    try:
        said = json.loads(body)
        return BadRequest(said.get("detail") or said.get("title"), where=said.get("where"), mend=said.get("mend"))
    except (ValueError, AttributeError):
        return HansaError(f"the city answered {status}")


async def _asleep(data: Path, method: str, path: list[str], body: bytes) -> Any:
    if not (data / "open.db").exists() and method == "GET":
        raise BadRequest(f"there is no city in {data}", mend="hansa up, or --data with its folder")
    settings = settings_.load(data)
    lock = Lock(data)
    try:
        keys = find_keys(settings)
        cities = open_cities(settings, clock_of(settings.clock), direct=True, keys=keys)
        audits = Audits(settings, keys)
        machines = open_machines(settings, keys)
        town = Town(settings, keys)
        devices = Devices()
        load_devices(cities, devices)
        clock = next(iter(cities.values())).clock
        intake = Intake(cities, devices, clock, settings.limits)
        models = Models(cities["open"])
        models.load()
        admin = Admin(
            *(cities, devices, intake, models),
            silence=lambda _name: None,
            turned=lambda: None,
            retries={},
            note=audits.note,
        )
        policies = Policies(cities)
        town.appointing.policies = lambda: {realm: policies.policy(realm) for realm in cities}
        enlisting = Enlisting(machines, town.appointing, audits.note)
        admin.doors.update(desk_doors(machines, audits.note, town.fresh, enlisting))
        admin.doors.update(town.doors)
        try:
            answer = await admin.handle(Request(method, path, b"", body, sight=ADMINISTRATOR))
        finally:
            town.close()
            machines.close()
            audits.close()
            for city in cities.values():
                city.close()
    finally:
        lock.release()
    return json.loads(answer.body) if answer.body else None
