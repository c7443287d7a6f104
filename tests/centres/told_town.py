"""A town as the public site is told of it: what the views of the apps answer, in the shapes that they promise."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path

from starlette.applications import Starlette

from hansa import clock
from hansa.centres.files import static
from hansa.centres.public import HEADS, Site, Town
from hansa.centres.web import Look
from hansa.errors import BadRequest, HansaError, NotFound
from hansa.platform.http import Headers, Request, answer, json_response, problem, split
from hansa.trust.labels import NOBODY

NOW = datetime(2026, 4, 12, 19, 0, tzinfo=UTC)


def warning(**more: object) -> dict:
    return copy.deepcopy(TOLD["warning"]) | more


def asked_for(**more: object) -> dict:
    return copy.deepcopy(TOLD["request"]) | more


TOLD = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
ANSWERS = TOLD["answers"]
PAGES = (
    "",
    "warnings",
    "warnings/urn:ngsi-ld:Warning:1",
    "w/tok",
    "subscribe",
    "subscribe?manage=tok",
    "subscribe?step=code&id=r1",
    "subscribe?step=done",
    "report",
    "report?service=lamp",
    "requests/R7KQ2M4HXCE",
    "r/tok-1?sent=1",
    "near",
    "near?at=11.0,46.4",
    "services",
    "works",
    "take-part",
    "take-part/urn:ngsi-ld:Process:b1",
    "take-part/urn:ngsi-ld:Proposal:p1",
    "take-part/urn:ngsi-ld:Survey:s1",
    "take-part/urn:ngsi-ld:Ballot:v1",
    "street",
    "street?lon=11.0&lat=46.4",
    "about",
    "offline",
    "no-such-page",
)


class ToldTown:
    """Answers views from `answers`, remembers what was done; `refuses` raises for the next act."""

    def __init__(self, **look: object) -> None:
        self.answers = copy.deepcopy(ANSWERS)
        self.asked: list[tuple] = []
        self.done: list[tuple] = []
        self.refuses: HansaError | None = None
        self.files = Starlette(routes=[static().route()])
        self.site = Site(
            Town(
                Look(city="Orlava", zone="Europe/Rome", location=(11.0, 46.4), **look),
                self.now,
                self._ask,
                self._do,
                self._open,
            )
        )  # type: ignore[arg-type]

    def now(self) -> int:
        return clock.micros(NOW)

    async def _ask(self, app, view, params, request):
        self.asked.append((app, view, dict(params)))
        found = self.answers.get(f"{app}/{view}")
        if isinstance(found, HansaError):
            raise found
        if found is None:
            raise NotFound("there is no such view")
        return copy.deepcopy(found)

    async def _do(self, app, act, ident, said, files, request):
        if self.refuses is not None:
            raise self.refuses
        self.done.append((app, act, ident, dict(said), files))
        return ["urn:ngsi-ld:Delivery:1", "urn:ngsi-ld:Recipient:1", "urn:ngsi-ld:ParticipationProposal:1"]

    async def _open(self, path, said, request):
        if self.refuses is not None:
            raise self.refuses
        self.done.append(("door", path, "", dict(said), ()))
        return {"state": "confirmed"}

    async def answer(self, method, path, *, query=b"", body=b"", headers=(), sight=NOBODY):
        """What the front door would make of a request of the site; None where it is none of its."""
        head, _, rest = path.lstrip("/").partition("/")
        if head not in HEADS:
            return None
        request = Request(method, split(rest.encode()), query, body, Headers(list(headers)), sight, "192.0.2.1")
        try:
            return await self.site.door(head)(request)
        except HansaError as fault:
            return problem(fault)

    async def app(self, scope, receive, send):
        """The site over HTTP (ASGI), with its files: what the front door does, as far as a browser needs it."""
        if scope["path"].startswith("/static/"):
            await self.files(scope, receive, send)
            return
        body, more = b"", scope["method"] == "POST"
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        path = scope["raw_path"].decode()
        found = await self.answer(
            scope["method"], path, query=scope["query_string"], body=body, headers=scope["headers"]
        )
        if found is None and path.startswith("/desk/requests/near"):
            found = json_response(self.answers["requests/near"])
        await answer(send, found or problem(NotFound("there is no such place")), head=scope["method"] == "HEAD")


__all__ = ["ANSWERS", "NOW", "PAGES", "BadRequest", "NotFound", "ToldTown", "asked_for", "warning"]
