"""The door to a realm's past, below `/desk` (`/ccc/desk` of the security realm).

    GET  /desk/rewind            ?at=&types=&area=       the picture at an instant
    GET  /desk/rewind/changes    ?from=&to=&step=&types=&area=    what became of it, in windows that a page asks for
    GET  /desk/rewind/day        ?from=&to=&types=       density, alarms, incidents, and who did what
    GET  /desk/rewind/film       ?incident= or from=&to=&area=, minutes=   the past in one file (right: export)
    POST /desk/screens           {"page", "url", "selected"}      what is on one's screen
    GET  /desk/screens           ?from=&to=&by=          what was on whose, without what the asker may not see

`at`, `from` and `to` are date-times; `area` is west,south,east,north in degrees; `step` seconds within which Changes of
an entity are told as one. For those who work for the city. Windows are pulled, not pushed: each is an answer like any
other, masked and noted by itself, and a page that falls behind asks less.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from hansa import clock
from hansa.analytics.desk import answered
from hansa.analytics.rewind_sight import Area, Asked
from hansa.analytics.rewinding import Rewinding, asked_types
from hansa.app import Answer
from hansa.errors import BadRequest, Forbidden, InvalidRequest, NotFound, TooLarge, Unauthenticated
from hansa.model.entity import MEMBERS, Entity, instances
from hansa.model.geo import bbox
from hansa.platform.city import City
from hansa.platform.http import Request, Response, json_response
from hansa.platform.noting import Note, noted
from hansa.platform.screens import Screens, named
from hansa.trust.actors import TWO_FACTORS
from hansa.trust.labels import Sight, unlabelled

LOOKS: Final = frozenset({"supervisor", "command", "auditor", "data_officer", "administrator"})
"""Roles that may see what others had on screen, of a realm that policy shows them, with two factors."""
_BINS: Final = (1, 288, 1_440)
_MINUTES: Final = 15.0
"""Before an incident, where a film of it begins."""
_LINKED: Final = 1_000
_AROUND: Final = 0.02  # degrees around an incident that is a point
_ENDS: Final = ("endDate", "closedAt", "resolvedAt", "dateClosed", "endedAt")
_BEGINS: Final = ("startDate", "raisedAt", "reportedAt", "dateIssued", "startedAt")

Film = Callable[[Mapping[str, Any]], bytes]


@dataclass(frozen=True)
class _Span:
    since: int
    until: int


class RewindDoor:
    """What may be asked of the past of one realm."""

    def __init__(
        self, rewinding: Rewinding, city: City, screens: Screens, film: Film, note: Note | None = None, name: str = ""
    ) -> None:
        """`film` makes a page of what is told; `note` writes down what leaves; `name` is the city's."""
        self._past = rewinding
        self._city = city
        self._screens = screens
        self._film = film
        self._note = note
        self._name = name
        self._limits = city.limits

    async def handle(self, request: Request) -> Response:
        """One request; `request.path` begins after `/desk`."""
        _may(request.sight, self._city.realm)
        read = request.method in {"GET", "HEAD"}
        match request.path:
            case ["rewind"] if read:
                return await self._picture(request)
            case ["rewind", "changes"] if read:
                return await self._changes(request)
            case ["rewind", "day"] if read:
                return await self._day(request)
            case ["rewind", "film"] if read:
                return await self._filmed(request)
            case ["screens"] if read:
                return await self._seen(request)
            case ["screens"] if request.method == "POST":
                return await self._tell(request)
        raise NotFound(f"rewind has no {request.method} {'/'.join(request.path)[:80]}", where="path")

    # The past

    async def _picture(self, request: Request) -> Response:
        said = _params(request, {"at", "types", "area"})
        if "at" not in said:
            raise BadRequest("at which time?", where="at", mend="at=2026-11-22T18:00:00Z")
        asked = self._asked(said, since=_time(said, "at"), most=self._limits.rewind_entities)
        return Response(200, await self._past.ask("picture", asked, request.sight))

    async def _changes(self, request: Request) -> Response:
        said = _params(request, {"from", "to", "step", "types", "area"})
        span = self._span(said, self._limits.film_span_s)
        step = _number(said, "step", 0.0, 0.0, 3_600.0)
        asked = self._asked(
            said, since=span.since, until=span.until, step=int(step * clock.SECOND), most=self._limits.rewind_changes
        )
        return Response(200, await self._past.ask("changes", asked, request.sight))

    async def _day(self, request: Request) -> Response:
        said = _params(request, {"from", "to", "types", "bins"})
        span = self._span(said, self._limits.rewind_span_s)
        low, usual, high = _BINS
        bins = int(_number(said, "bins", usual, low, high))
        asked = self._asked(said, since=span.since, until=span.until, most=self._limits.rewind_changes)
        return Response(200, await self._past.ask("day", asked, request.sight, bins=bins))

    def _asked(self, said: Mapping[str, str], **more: Any) -> Asked:
        types = asked_types(said.get("types", ""))
        area = _area(said["area"]) if said.get("area") else None
        return Asked(now=self._city.clock.now(), types=types, area=area, **more)

    def _span(self, said: Mapping[str, str], most_s: float) -> _Span:
        if "from" not in said or "to" not in said:
            raise BadRequest("from when to when?", where="from", mend="from=2026-11-22T18:00:00Z&to=...")
        since, until = _time(said, "from"), _time(said, "to")
        if until <= since:
            raise BadRequest("it ends before it begins", where="to")
        if until - since > most_s * clock.SECOND:
            raise TooLarge(f"a span of more than {most_s / 3_600:,.0f} hours", where="to", mend="ask for less at once")
        return _Span(since, until)

    # Films

    async def _filmed(self, request: Request) -> Response:
        said = _params(request, {"incident", "from", "to", "area", "types", "minutes"})
        sight, limits = request.sight, self._limits
        now = self._city.clock.now()
        title = "A part of the past"
        ids: frozenset[str] = frozenset()
        area = _area(said["area"]) if said.get("area") else None
        if said.get("incident"):
            incident = await asyncio.to_thread(self._incident, said["incident"], sight)
            title = str(incident.get("name", incident.get("title", "")) or incident.id)
            ids = frozenset({incident.id, *_linked(incident)})
            area = area or _around(incident)
            minutes = _number(said, "minutes", _MINUTES, 0.0, 1_440.0)
            span = _of(incident, int(minutes * 60 * clock.SECOND), now)
            if "from" in said or "to" in said:
                span = self._span(said, limits.film_span_s)
        else:
            span = self._span(said, limits.film_span_s)
        if span.until - span.since > limits.film_span_s * clock.SECOND:
            raise TooLarge("this incident lasted longer than a film may", where="incident", mend="say from and to")
        # A second, or as much as still makes a few thousand pictures.
        step = max(clock.SECOND, (span.until - span.since) // 3_000)
        asked = Asked(
            now,
            span.since,
            min(span.until, now),
            asked_types(said.get("types", "")),
            area,
            ids,
            step,
            limits.film_entries,
        )
        told = orjson.loads(await self._past.ask("film", asked, sight, export=True))
        screens = await asyncio.to_thread(self._shown, sight, span.since, asked.until, "")
        if any(one["by"] != sight.actor for one in screens):
            read = {"asked": f"screens {clock.text(span.since)}/{clock.text(asked.until)}", "film": True}
            await noted(self._note, "screens-read", sight.actor, read, session=sight.who.session)
        body = self._film(
            {
                **told, "title": title, "city": self._name, "realm": self._city.realm, "area": area,
                "from": told["picture"]["at"], "until": clock.text(asked.until), "made": clock.text(now),
                "by": sight.actor, "purpose": sight.purpose, "incident": said.get("incident", ""), "screens": screens,
            }
        )  # fmt: skip
        if len(body) > limits.film:
            raise TooLarge(
                f"a film of {len(body) / 1e6:,.0f} MB; {limits.film / 1e6:,.0f} are the most", where="to",
                mend="a shorter span, a smaller area, or fewer types",
            )  # fmt: skip
        what = {
            "film": f"{clock.text(span.since)}/{clock.text(asked.until)}", "of_realm": self._city.realm,
            "entities_in_it": len(told["picture"]["entities"]), "changes": len(told["changes"]),
            "labels": told["labels"], "purpose": sight.purpose,
            **({"entity": said["incident"]} if said.get("incident") else {}), **({"area": list(area)} if area else {}),
        }  # fmt: skip
        await noted(self._note, "export", sight.actor, what, session=sight.who.session)
        return answered(Answer(body, "text/html; charset=utf-8", f"film-{clock.text(span.since)[:16]}.html"))

    def _incident(self, ident: str, sight: Sight) -> Entity:
        found = self._city.get(ident, sight=sight)
        if "Incident" not in found.types:
            raise BadRequest(f"{ident[:80]} is no incident", where="incident")
        return found

    # Screens

    async def _tell(self, request: Request) -> Response:
        who = request.sight.who
        if who.kind not in {"person", "administrator"}:
            raise Forbidden("only people look at screens")
        try:
            said = orjson.loads(request.body or b"null")
        except orjson.JSONDecodeError as fault:
            raise InvalidRequest(f"the body is no JSON: {fault}", where="body") from None
        if not isinstance(said, dict) or said.keys() - {"page", "url", "selected"}:
            raise BadRequest("the body is an object with page, url and selected", where="body")
        texts = [said.get(name, "") for name in ("page", "url", "selected")]
        if not all(isinstance(one, str) for one in texts):
            raise BadRequest("page, url and selected are texts", where="body")
        at, realm = self._city.clock.now(), self._city.realm
        await asyncio.to_thread(self._screens.note, realm, at, who.id, who.session, *texts)
        return Response(204)

    async def _seen(self, request: Request) -> Response:
        said = _params(request, {"from", "to", "by"})
        span = self._span(said, self._limits.rewind_span_s)
        by = said.get("by", "")
        sight = request.sight
        if not _looks(sight, self._city.realm):
            if by not in {"", "me", sight.actor}:
                raise Forbidden("what others had on screen is not for you to see", where="by", mend="by=me")
            by = sight.actor
        elif by == "me":
            by = sight.actor
        if by != sight.actor:
            what = {"asked": f"screens {said['from']}/{said['to']}", **({"person": by} if by else {})}
            await noted(self._note, "screens-read", sight.actor, what, session=sight.who.session)
        found = await asyncio.to_thread(self._shown, sight, span.since, span.until, by)
        return json_response({"kept_days": self._screens.days, "screens": found})

    def _shown(self, sight: Sight, since: int, until: int, by: str) -> list[dict[str, Any]]:
        by = by if _looks(sight, self._city.realm) else sight.actor
        seen: dict[str, bool] = {}
        told = []
        for one in self._screens.seen(self._city.realm, since, until, self._limits.screens, by):
            shown = all(self._sees(sight, ident, seen) for ident in named(one))
            url, selected = (one.url, one.selected) if shown else ("", "")
            told.append(
                {"at": one.at // 1_000, "by": one.by, "session": one.session, "page": one.page, "url": url,
                 "selected": selected, "hidden": not shown}
            )  # fmt: skip
        return told

    def _sees(self, sight: Sight, ident: str, seen: dict[str, bool]) -> bool:
        """Whether there is something of this id for this sight; what is gone is not told of either."""
        if sight.everything:
            return True
        if ident not in seen:
            try:
                self._city.get(ident, sight=sight)
            except NotFound:
                seen[ident] = False
            else:
                seen[ident] = True
        return seen[ident]


def _may(sight: Sight, realm: str) -> None:
    """The past is for those who work for the city: what costs tenths of a second is not for everybody to ask."""
    if sight.blind or sight.who.kind == "public":
        raise Unauthenticated("who are you?", mend="sign in: /sign-in")
    if not sight.sees(unlabelled(realm)):
        raise Forbidden("the past is for those who work for the city")


def _looks(sight: Sight, realm: str) -> bool:
    """Whether others' screens of a realm are his to see: what they show is of that realm."""
    if sight.everything:
        return True
    return bool(sight.who.roles & LOOKS) and sight.who.assurance >= TWO_FACTORS and sight.sees(unlabelled(realm))


def _params(request: Request, known: set[str]) -> dict[str, str]:
    said = request.params()
    if unknown := said.keys() - known:
        raise BadRequest(
            f"there is no parameter {min(unknown)[:40]}", where=min(unknown)[:40], mend=", ".join(sorted(known))
        )
    return said


def _time(said: Mapping[str, str], name: str) -> int:
    try:
        return clock.parse(said[name])
    except BadRequest as fault:
        raise BadRequest(fault.detail, where=name, mend=fault.mend) from None


def _number(said: Mapping[str, str], name: str, default: float, low: float, high: float) -> float:
    try:
        found = float(said.get(name, default))
    except ValueError:
        found = math.nan
    if not low <= found <= high:
        raise BadRequest(f"{name} is a number from {low:g} to {high:g}", where=name)
    return found


def _area(text: str) -> Area:
    try:
        west, south, east, north = (float(one) for one in text.split(","))
    except ValueError:
        west = south = east = north = math.nan
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise BadRequest("area is west,south,east,north in degrees", where="area", mend="area=17.0,48.0,17.2,48.2")
    return west, south, east, north


def _linked(incident: Entity) -> list[str]:
    """What an incident points at."""
    found: list[str] = []
    for name, entry in incident.doc.items():
        if name in MEMBERS:
            continue
        for one in instances(entry):
            said = one.get("object", one.get("objectList", []))
            for target in said if isinstance(said, list) else [said]:
                ident = target.get("object") if isinstance(target, dict) else target
                if isinstance(ident, str):
                    found.append(ident)
    return found[:_LINKED]


def _around(incident: Entity) -> Area | None:
    """The area of an incident: its geometries, with some room."""
    boxes = [
        bbox(one["value"])
        for name, entry in incident.doc.items()
        if name not in MEMBERS
        for one in instances(entry)
        if one.get("type") == "GeoProperty" and isinstance(one.get("value"), dict)
    ]
    if not boxes:
        return None
    west, south = min(one[0] for one in boxes) - _AROUND, min(one[1] for one in boxes) - _AROUND
    east, north = max(one[2] for one in boxes) + _AROUND, max(one[3] for one in boxes) + _AROUND
    return max(-180.0, west), max(-90.0, south), min(180.0, east), min(90.0, north)


def _of(incident: Entity, before: int, now: int) -> _Span:
    """From some time before an incident to its end, or to now."""

    def when(names: tuple[str, ...]) -> int | None:
        for name in names:
            value = incident.get(name, None)
            value = value.get("@value") if isinstance(value, dict) else value
            if isinstance(value, str):
                try:
                    return clock.parse(value)
                except BadRequest:
                    continue
        return None

    began = when(_BEGINS)
    if began is None:
        stamps = incident.stamps
        began = now - clock.SECOND if stamps is None else stamps.created
    ended = when(_ENDS) or now
    return _Span(began - before, max(began + clock.SECOND, min(ended, now)))
