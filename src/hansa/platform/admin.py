"""The administrator's own door, `/admin/...`: devices, dead letters, the clock. What the command line speaks to.

POST /admin/devices            enrol {"name", "profile", "realm", "location", "label"} -> {"claim"}
POST /admin/devices/<n>/renew  a new claim; the old secret ends
POST /admin/devices/<n>/state  {"state": "quarantined"}
PUT  /admin/devices/<n>/profile  another profile, for messages from now on and for retries
GET  /admin/devices
GET  /admin/deliveries         ?subscription=&tenant= -> {"waiting", "tries", "attempts"}
GET  /admin/deadletters        ?limit=&kind=&source=
POST /admin/deadletters/<id>/retry,  DELETE /admin/deadletters/<id>
POST /admin/exports            {"realm", "log"}: note that it is exported
POST /admin/import             [{"kind": "upsert", "id", "doc"}] -> {"taken", "refused"}
GET  /admin/models             every schema that was given
POST /admin/models             {"name": "schema.json", "schema": {...}}
POST /admin/models/check       {"entity": {...}} -> {"models": [{"url", "faults"}]}
DELETE /admin/models/<word>    of a type, or of a URL
PUT  /admin/clock              {"now": "...", "rate": 60}   a driven clock only
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from hansa import clock
from hansa.collect import Profile
from hansa.errors import BadRequest, Forbidden, HansaError, NotFound, Unauthenticated
from hansa.limits import DEFAULT
from hansa.model.change import Refused, Write
from hansa.model.context import CORE
from hansa.model.entity import MEMBERS, Entity
from hansa.model.geo import validate
from hansa.model.query import Query
from hansa.model.wire import entity_in, json_in
from hansa.model.wire_values import uri
from hansa.platform.city import City
from hansa.platform.deadletters import TENANT, payload_of
from hansa.platform.http import Request, Response, json_response, object_in
from hansa.platform.intake import Intake, Receipt, credential_write, place_write, shown_write
from hansa.platform.models import Models
from hansa.platform.noting import Note, noted
from hansa.trust.devices import Device, Devices
from hansa.trust.labels import ADMINISTRATOR, Label, Sight, unlabelled

Handle = Callable[[Request], Awaitable[Response]]
Retry = Callable[[Entity], Awaitable[str]]
"""Try a dead letter of one kind again; what became of it."""


def _nobody_told(ident: str, _tenant: str, _sight: Sight) -> dict[str, Any]:
    """How deliveries of a subscription go in a city that sleeps."""
    raise NotFound(f"nothing is delivered for {ident[:80]} while the city sleeps", mend="start the city")


def wall() -> int:
    """Wall time in microseconds: claims and sessions live by it, whatever the city's clock says."""
    return time.time_ns() // 1_000


class Admin:
    """Answers the administrator and nobody else."""

    def __init__(
        self,
        cities: Mapping[str, City],
        devices: Devices,
        intake: Intake,
        models: Models,
        *,
        silence: Callable[[str], object],
        turned: Callable[[], None],
        retries: Mapping[str, Retry],
        deliveries: Callable[[str, str, Sight], dict[str, Any]] = _nobody_told,
        note: Note | None = None,
    ) -> None:
        """`silence` closes a device's connections, `turned` tells of a new time, `retries` are by kind of letter.

        `note` is the audit: what becomes of a device is noted before it happens.
        """
        self._cities = cities
        self._devices = devices
        self._intake = intake
        self._models = models
        self._silence = silence
        self._turned = turned
        self._deliveries = deliveries
        self._note = note
        self._retries: dict[str, Retry] = {"message": self._retry_message, **retries}
        self.doors: dict[str, Handle] = {}
        """Doors below this one that decide for themselves whom they answer, by their first segment."""

    async def handle(self, request: Request) -> Response:
        """One request; `request.path` begins after `/admin`."""
        if (door := self.doors.get(request.path[0])) is not None:
            return await door(replace(request, path=request.path[1:]))
        self._check(request)
        match request.path:
            case ["devices", *rest]:
                return await self._device(request, rest)
            case ["deliveries"] if request.method == "GET":
                return self._delivered(request.params(), request.sight)
            case ["deadletters", *rest]:
                return await self._deadletter(request, rest)
            case ["models", *rest]:
                return await self._model(request, rest)
            case ["import"] if request.method == "POST":
                return await self._import(json_in(request.body))
            case ["exports"] if request.method == "POST":
                return await self._exported(request)
            case ["clock"] if request.method == "PUT":
                return self._turn(object_in(request.body))
        raise _nothing(request)

    @staticmethod
    def _check(request: Request) -> None:
        """Raise Unauthenticated or Forbidden for whoever this door is not for.

        The city's own machine may all; whoever looks after its engines, what is technical in the realm open.
        """
        sight = request.sight
        if sight is ADMINISTRATOR:
            return
        if sight.everything or sight.rights is None or sight.who.kind == "public":
            if sight.everything:
                raise Forbidden("this door is the administrator's")
            raise Unauthenticated("this door is the administrator's", mend="use the command line on the city's machine")
        if request.path[0] not in _TECHNICAL or not sight.may("administer", "smart"):
            raise Forbidden("this is not for you to administer", mend="ask an engineer of the city")

    def _reached(self, sight: Sight) -> Mapping[str, City]:
        """The realms whose dead letters somebody may see."""
        return self._cities if sight.everything else {"open": self._cities["open"]}

    def _hidden(self, device: Device, sight: Sight) -> bool:
        """Whether a device is none of somebody's business."""
        return not sight.everything and (
            device.realm != "open" or not sight.sees(device.source.label or unlabelled(device.realm))
        )

    # Devices

    async def _device(self, request: Request, rest: list[str]) -> Response:
        match (request.method, *rest):
            case ("GET",):
                return json_response([self._told(one) for one in self._devices if not self._hidden(one, request.sight)])
        said = object_in(request.body) if request.body else {}
        if rest and self._hidden(self._devices.get(rest[0]), request.sight):
            raise NotFound(f"there is no device {rest[0][:80]}", where="device")
        if not request.sight.everything and said.get("realm", "open") != "open":
            raise Forbidden("devices of that realm are not yours to administer", where="realm")
        names = ("name", "realm", "state", "label", "entity")
        what = {name: said[name] for name in names if isinstance(said.get(name), str)}
        what["device"] = rest[0] if rest else what.pop("name", "")
        what["did"] = rest[1] if len(rest) > 1 else "enrol"
        who = request.sight
        await noted(self._note, "device", who.actor, what, session=who.who.session)
        try:
            return await self._change(request, rest)
        except HansaError as fault:
            await noted(self._note, "device", who.actor, {**what, "refused": fault.detail}, session=who.who.session)
            raise

    async def _change(self, request: Request, rest: list[str]) -> Response:
        match (request.method, *rest):
            case ("POST",):
                return await self._enrol(object_in(request.body), request.sight)
            case ("POST", name, "renew"):
                device, claim = self._devices.renew(name, wall())
                self._silence(name)
                await self._keep(device)
                return json_response({"device": name, "claim": claim})
            case ("PUT", name, "profile"):
                device = self._devices.mend(name, Profile.from_json(object_in(request.body)))
                await self._keep(device)
                return json_response(self._told(device))
            case ("POST", name, "state"):
                device = self._devices.set_state(name, _text(object_in(request.body), "state"))  # type: ignore[arg-type]  # it checks
                if device.state in {"revoked", "quarantined"}:
                    self._silence(name)
                await self._keep(device)
                return json_response(self._told(device))
        raise _nothing(request)

    def _check_enrols(self, device: Device, sight: Sight) -> None:
        """Raise Forbidden for a device that would speak for what is there already, or under a label that is not his."""
        if sight.everything:
            return
        there = self._cities[device.realm].reader.row("", device.source.entity, ADMINISTRATOR) is not None
        if there or not sight.may("create", device.source.label or unlabelled(device.realm)):
            raise Forbidden("this device is not for you to enrol", where="entity", mend="another name, or no label")

    async def _enrol(self, said: dict[str, Any], sight: Sight) -> Response:
        if not sight.everything and "entity" in said:
            raise Forbidden("for which entity a device speaks is for the city's own machine to say", where="entity")
        profile = Profile.from_json(said.get("profile"))
        location = said.get("location")
        if location is not None:
            validate(location)
        device, claim = self._devices.enrol(
            _text(said, "name"),
            profile,
            wall(),
            realm=_text(said, "realm") if "realm" in said else "open",
            location=location,
            label=None if said.get("label") is None else _text(said, "label"),
            ident=None if said.get("entity") is None else uri(said["entity"], "entity", DEFAULT),
        )
        try:
            self._check_enrols(device, sight)
            await self._keep(device)
        except HansaError:
            self._devices.forget(device.name)
            raise
        return json_response({"device": device.name, "claim": claim, "entity": device.source.entity}, 201)

    async def _keep(self, device: Device) -> None:
        """Write down what became of a device."""
        writes = [credential_write(device), shown_write(device), place_write(device)]
        await _write(self._cities[device.realm], *(one for one in writes if one is not None))

    @staticmethod
    def _told(device: Device) -> dict[str, Any]:
        return {
            "name": device.name,
            "realm": device.realm,
            "state": device.state,
            "profile": device.source.profile.name,
            "entity": device.source.entity,
            "lastSeen": clock.text(device.last_seen) if device.last_seen else None,
            "readings": device.total_readings + device.readings,
            "refusals": device.total_refusals + device.refusals,
        }

    async def _exported(self, request: Request) -> Response:
        """Somebody is about to export a realm by the command line: nothing is handed out that is not noted."""
        said = object_in(request.body)
        realm, log = _text(said, "realm"), said.get("log") is True
        if realm not in self._cities:
            raise BadRequest(f"there is no realm {realm[:40]!r}", where="realm", mend="open or security")
        who = request.sight
        await noted(self._note, "export", who.actor, {"of_realm": realm, "log": log}, session=who.who.session)
        return Response(204)

    async def _import(self, said: Any) -> Response:
        """Writes in the store's own words, as `hansa import` makes them of a file."""
        if not isinstance(said, list):
            raise BadRequest("a list of writes")
        kinds = {"upsert", "upsert_update", "read", "say"}
        sound = (isinstance(one, dict) and one.get("kind") in kinds and _is_document(one) for one in said)
        if not all(sound):
            raise BadRequest(f"every write has an id, a doc and a kind, one of {', '.join(sorted(kinds))}")
        writes = [Write(one["kind"], one["id"], one["doc"], label=one.get("label")) for one in said]
        outcomes = await self._cities["open"].awrite(*writes, sight=ADMINISTRATOR)
        refused = [[at, one.error.detail] for at, one in enumerate(outcomes) if isinstance(one, Refused)]
        return json_response({"taken": len(writes) - len(refused), "refused": refused})

    # Models

    async def _model(self, request: Request, rest: list[str]) -> Response:
        models = self._models
        match (request.method, *rest):
            case ("GET",):
                return json_response(models.shown())
            case ("POST",):
                said = object_in(request.body)
                return json_response(await models.add(_text(said, "name"), said.get("schema")), 201)
            case ("POST", "check"):
                doc = entity_in(object_in(request.body).get("entity"), CORE)
                found = [
                    {"url": url, "faults": [{"path": one.path, "reason": one.reason} for one in faults]}
                    for url, faults in models.faults(doc)
                ]
                return json_response({"id": doc["id"], "type": doc["type"], "models": found})
            case ("DELETE", word):
                return json_response(await models.remove(word))
        raise _nothing(request)

    # Deliveries and dead letters

    def _delivered(self, params: dict[str, str], sight: Sight) -> Response:
        if unknown := params.keys() - {"subscription", "tenant"}:
            raise BadRequest(f"there is no parameter {min(unknown)[:40]}", where="query")
        return json_response(self._deliveries(_text(params, "subscription"), params.get("tenant", ""), sight))

    async def _deadletter(self, request: Request, rest: list[str]) -> Response:
        match (request.method, *rest):
            case ("GET",):
                return self._letters(request.params(), request.sight)
            case ("POST", ident, "retry"):
                city, letter = self._letter(ident, request.sight)
                said = await self._retry(letter)
                with suppress(NotFound):  # whoever tried it again may have put it away already
                    await _write(city, Write("delete", letter.id, tenant=TENANT))
                return json_response({"id": ident, "outcome": said})
            case ("DELETE", ident):
                city, letter = self._letter(ident, request.sight)
                await _write(city, Write("delete", letter.id, tenant=TENANT))
                return Response(204)
        raise _nothing(request)

    def _letters(self, params: dict[str, str], sight: Sight) -> Response:
        limit = params.get("limit", "100")
        if not limit.isdecimal() or not 0 < int(limit) <= 1_000:
            raise BadRequest("limit is a number from 1 to 1000", where="limit")
        kind = params.get("kind")
        if kind is not None and not kind.isalpha():
            raise BadRequest("kind is message, rule or notification", where="kind")
        terms = [] if kind is None else [f'kind=="{kind}"']
        if "source" in params:
            terms.append(f"source=={json.dumps(params['source'], ensure_ascii=False)}")
        query = Query.parse(types="DeadLetter", q=";".join(terms) or None)
        found: list[dict[str, Any]] = []
        for realm, city in self._reached(sight).items():
            # An index is in the order in which things came, and the newest are wanted.
            before = max(0, city.count(query, tenant=TENANT, sight=sight) - int(limit))
            letters = city.find(query=query, limit=int(limit), offset=before, tenant=TENANT, sight=sight)
            found += [{"id": one.id, "realm": realm, **{name: one.get(name) for name in one}} for one in letters]
        found.sort(key=lambda one: one["at"], reverse=True)
        return json_response(found[: int(limit)])

    def _letter(self, ident: str, sight: Sight) -> tuple[City, Entity]:
        for city in self._reached(sight).values():
            try:
                return city, city.get(ident, tenant=TENANT, sight=sight)
            except NotFound:
                continue
        raise NotFound(f"there is no dead letter {ident[:80]}", where="id")

    async def _retry(self, letter: Entity) -> str:
        kind = letter.get("kind")
        retry = self._retries.get(str(kind))
        if retry is None:
            raise BadRequest(f"a dead letter of kind {kind} cannot be tried again", where="kind")
        return await retry(letter)

    async def _retry_message(self, letter: Entity) -> str:
        payload = payload_of(letter)
        if payload is None:
            raise BadRequest("its payload was too long to be kept whole", mend="let the device send it again")
        device = self._devices.get(letter["source"])
        receipt = await given(self._intake, device, letter["detail"]["format"], payload)
        if receipt.error is not None:
            raise receipt.error
        if receipt.refused:  # then the letter stays: it is not dealt with
            raise BadRequest(f"{receipt.taken} taken, and still refused: {'; '.join(receipt.refused)[:2_000]}")
        return f"{receipt.taken} taken"

    # The clock

    def _turn(self, said: dict[str, Any]) -> Response:
        city = next(iter(self._cities.values()))
        at = clock.parse(_text(said, "now"))
        rate = said.get("rate")
        if rate is not None:
            if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1e6:
                raise BadRequest("rate is a number from 0 to a million", where="rate")
            city.clock.turn(at)
            city.clock.rate = float(rate)
        else:
            city.clock.turn(at)
        self._turned()
        return json_response({"now": clock.text(city.clock.now()), "rate": city.clock.rate})


_TECHNICAL: Final = frozenset({"devices", "deadletters", "models", "deliveries"})


def _nothing(request: Request) -> NotFound:
    return NotFound(f"the administrator's door has no {request.method} {'/'.join(request.path)[:80]}", where="path")


async def given(intake: Intake, device: Device, kind: str, payload: bytes) -> Receipt:
    """Hand a message in and wait for its receipt; Busy at once when there is no room."""
    answer: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()

    def tell(receipt: Receipt) -> None:
        if not answer.done():
            answer.set_result(receipt)

    intake.take(device, kind, payload, tell, patient=False)
    return await answer


async def _write(city: City, *writes: Write) -> None:
    for outcome in await city.awrite(*writes, sight=ADMINISTRATOR):
        if isinstance(outcome, Refused):
            raise outcome.error


def _is_document(said: dict[str, Any]) -> bool:
    """Whether a write of an import has the shape that the store expects: what breaks there breaks its neighbours."""
    ident, doc, label = said.get("id"), said.get("doc"), said.get("label")
    if not isinstance(ident, str) or not isinstance(doc, dict) or doc.get("id") != ident:
        return False
    if label is not None:
        if not isinstance(label, str):
            return False
        Label.parse(label)
    return all(name in MEMBERS or isinstance(value, dict | list) for name, value in doc.items())


def _text(said: dict[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"{name} is missing", where=name)
    return value
