"""The doors of votes: a ballot is given to whoever may vote, and cast by nobody that is known.

    GET  /votes/<key>            the question as it stands, and the keys; for anybody
    GET  /votes/<key>/given      whether the one who asks was given a ballot
    POST /votes/<key>/sign       {"blinded"}: with the session of whoever votes -> {"signature", "fingerprint"}
    POST /votes/<key>/cast       {"serial", "prefix", "choice", "signature"}: without any -> {"receipt"}
    GET  /votes/<key>/published  the signed file of all ballots, when it is over

`<key>` is the last part of the id of a `Ballot` entity, whose `definition` is what is asked. The app that makes these
(`participation`) sets `status` to `opening`; from there on it is the box's: `open` with the keys, `counted` with the
result. Whoever casts is asked for nothing, and a request that says who it is from is refused before it is read.
Report: 3.2.1; ADR 0017. Tests: `tests/platform/test_ballot_box.py`, `tests/browser/test_participation_page.py`.
"""

import asyncio
import re
from contextlib import suppress
from hashlib import sha256
from typing import Any, Final
from weakref import WeakValueDictionary

import orjson
import structlog

from hansa.clock import text
from hansa.errors import BadRequest, Busy, HansaError, NotFound, Refusal, TooLarge
from hansa.model.change import Change, Refused, Write
from hansa.model.entity import Entity, entity
from hansa.platform.ballot_box import BallotBox, Over
from hansa.platform.city import City
from hansa.platform.http import Request, Response, json_response, object_in
from hansa.platform.noting import Note, noted
from hansa.platform.store import Item
from hansa.trust.ballots import Cast, Vote
from hansa.trust.blind import coded, uncoded

KIND: Final = "Ballot"
APP: Final = "participation"
BODY: Final = 8_192
"""Bytes of what is asked of these doors: a ballot has fewer than 3,000."""
PATIENCE_S: Final = 1.0
"""How long whoever asks about a vote waits for its count: nobody is held up by one that takes longer."""
LOOK_S: Final = 5.0
"""How often it is looked whether a vote is over: the city's clock may be set to another rate meanwhile."""
_PREFIX: Final = f"urn:ngsi-ld:{KIND}:"
_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z", re.ASCII)
_NAMING: Final = (b"cookie", b"authorization")
log = structlog.get_logger("hansa.votes")


class Votes:
    """The doors, and what opens and closes votes."""

    def __init__(self, city: City, box: BallotBox, note: Note | None = None) -> None:
        """Of the realm `city`; `note` is the audit."""
        self._city = city
        self.box = box
        self._note = note
        self._one: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._turn = asyncio.Lock()
        self._counts: dict[str, asyncio.Task[None]] = {}
        self._failed: set[str] = set()  # could not be counted: tried again by the turn, not by whoever asks
        self._heard = asyncio.Event()
        self._announced: set[str] = set()  # open, and everybody is told so: what is asked of these need not wait

    async def handle(self, request: Request) -> Response:
        """A request below `/votes`."""
        if not request.path or not _KEY.match(request.path[0]) or len(request.path) > 2:
            raise NotFound("there is no such vote", where="path")
        if len(request.body) > BODY:
            raise TooLarge(f"{len(request.body):,} bytes; {BODY:,} are the most", where="body")
        ident = _PREFIX + request.path[0]
        await self._settle(ident)
        match request.method, request.path[1:]:
            case (("GET" | "HEAD"), []):
                return json_response(await asyncio.to_thread(self._told, ident))
            case (("GET" | "HEAD"), ["given"]):
                await asyncio.to_thread(self._entity, ident)
                return json_response({"given": await asyncio.to_thread(self.box.was_given, ident, request.sight.actor)})
            case (("GET" | "HEAD"), ["published"]):
                return await asyncio.to_thread(self._published, ident)
            case "POST", ["sign"]:
                return await self._sign(ident, request)
            case "POST", ["cast"]:
                return await self._cast(ident, request)
        raise NotFound("there is no such place at a vote", where="path", mend="sign, cast, given or published")

    # ---- What is asked

    def _told(self, ident: str) -> dict[str, Any]:
        found = self._entity(ident)
        now = text(self._city.clock.now())
        told: dict[str, Any] = {"ballot": ident, "at": now, "status": found.get("status"), "vote": found["definition"]}
        for name in ("key", "fingerprint", "seal", "given", "cast", "root", "sha256", "result", "fault"):
            if name in found:
                told[name] = found[name]
        return told

    def _entity(self, ident: str) -> Entity:
        found = self._city.reader.entity("", ident, self._city.sight)
        # A draft is nobody's but its makers'.
        if found is None or KIND not in found.types or found.get("status", "draft") == "draft":
            raise NotFound("there is no such vote", where=ident[:200])
        return found

    def _published(self, ident: str) -> Response:
        body = self.box.published(ident) if self._entity(ident).get("status") == "counted" else None
        if body is None:
            raise NotFound("nothing is published yet", where="path", mend="wait until the vote is over")
        name = b"attachment; filename=ballots.jsonl"
        kept = b"public, max-age=31536000, immutable"
        return Response(200, body, b"application/jsonl", [(b"content-disposition", name), (b"cache-control", kept)])

    async def _sign(self, ident: str, request: Request) -> Response:
        """Give a ballot: who may vote, once. The audit log has it before it happens."""
        vote, who = self._now_open(ident), request.sight.who
        vote.may(who)
        said = object_in(request.body)
        if set(said) != {"blinded"}:
            raise BadRequest("say blinded, and nothing else", where="body")
        (key, _), mark = self.box.keys(ident), self.box.fingerprint(ident)
        blinded = uncoded(said["blinded"], "blinded", key.size)
        line = f"{ident} {who.id}"
        lock = self._one.get(line)
        if lock is None:
            lock = self._one[line] = asyncio.Lock()
        async with lock:  # two windows at once: one of them is given the ballot, and one entry is noted
            if not await asyncio.to_thread(self.box.gave, ident, who.id, blinded):
                what = {"did": "given", "vote": ident, "assurance": who.assurance}
                await noted(self._note, "ballot", who.id, what, session=who.session)
            signed = await asyncio.to_thread(self.box.give, ident, who.id, blinded)
        return json_response({"signature": coded(signed), "fingerprint": mark})

    async def _cast(self, ident: str, request: Request) -> Response:
        """Take a ballot of nobody that is known. What comes of it is written nowhere but in the box."""
        if any(request.headers.get(name) is not None for name in _NAMING):
            raise BadRequest(
                "this says who it is from; nothing was read", where="headers", mend="cast without cookies: omit them"
            )
        vote = self._now_open(ident)
        key, _ = self.box.keys(ident)
        ballot = Cast.read(object_in(request.body), vote, key.size)
        return json_response({"receipt": await asyncio.to_thread(self.box.cast, ident, ballot)})

    def _now_open(self, ident: str) -> Vote:
        vote = self.box.opened(ident)
        if vote is None:
            found = self._entity(ident)
            status = "being counted" if found.get("status") == "open" else found.get("status")
            raise Over(f"this vote is {status}", where="vote", mend="its result: GET /votes/…/published")
        if self._city.clock.now() >= vote.closes:  # whether or not it could be counted yet
            raise Over(f"this vote closed {text(vote.closes)}", where="vote", mend="its result comes with the count")
        if self._city.clock.now() < vote.opens:
            raise Over(f"this vote opens {text(vote.opens)}", where="vote", mend="come again then")
        return vote

    # ---- Opening and closing

    async def forever(self) -> None:
        """Open and close what is due, as long as the city runs."""
        loop = asyncio.get_running_loop()

        def heard(changes: list[Change]) -> None:
            if any(one.entity.type == KIND for one in changes):
                with suppress(RuntimeError):  # the loop has ended; the next start looks again
                    loop.call_soon_threadsafe(self._heard.set)

        stop = self._city.watch(heard)
        try:
            while True:
                try:
                    await self.turn()
                except HansaError as fault:
                    log.warning("votes could not be tended", why=fault.detail)
                self._heard.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._heard.wait(), LOOK_S)
        finally:
            stop()

    async def turn(self) -> None:
        """Everything that is due now."""
        found = await asyncio.to_thread(self._city.find, KIND, 'status=="opening"|status=="open"', limit=1_000)
        self._failed.clear()
        for one in found:
            await self._settle(one.id)

    async def _settle(self, ident: str) -> None:
        """Open or count one vote, if it is time."""
        vote = self.box.opened(ident)
        if vote is not None and ident in self._announced and self._city.clock.now() < vote.closes:
            return
        async with self._turn:
            found = await asyncio.to_thread(lambda: self._city.reader.entity("", ident, self._city.sight))
            if found is None or KIND not in found.types:
                return
            if found.get("status") == "opening":
                await self._begin(found)
            elif found.get("status") == "open" and self._due(found):
                self._counting(found)
            elif found.get("status") == "open":
                self._announced.add(ident)
        if (count := self._counts.get(ident)) is not None:
            # Most counts are made meanwhile; whoever asks about one that is not is told that the vote is open still.
            await asyncio.wait({count}, timeout=PATIENCE_S)

    def _counting(self, found: Entity) -> None:
        """Have a vote counted, once at a time, while everything else goes on."""
        if found.id in self._counts or found.id in self._failed:
            return
        self._counts[found.id] = task = asyncio.create_task(self._end(found), name=f"count {found.id}")

        def over(task: asyncio.Task[None]) -> None:
            self._counts.pop(found.id, None)
            if not task.cancelled() and (fault := task.exception()) is not None:
                self._failed.add(found.id)
                log.error("a vote could not be counted yet", vote=found.id, why=str(fault) or repr(fault))

        task.add_done_callback(over)

    def _due(self, found: Entity) -> bool:
        try:
            return self._city.clock.now() >= Vote.read(found["definition"]).closes
        except BadRequest:
            return False

    async def _begin(self, found: Entity) -> None:
        try:
            vote = Vote.read(found["definition"])
            if vote.id != found.id:
                raise BadRequest("the definition is of another vote", where="ballot")  # noqa: TRY301  # told below
            if self._city.clock.now() >= vote.closes:
                raise Refusal("it would be over already", where="closes")
            key, seal = await asyncio.to_thread(self.box.begin, vote)
            mark = self.box.fingerprint(vote.id)
        except (BadRequest, Busy) as fault:
            await self._say(found.id, status="refused", fault=fault.detail)
            return
        what = {
            "did": "opened",
            "vote": vote.id,
            "digest": sha256(vote.bytes).hexdigest(),
            "key": key.fingerprint,
            "seal": seal,
            "fingerprint": mark,
        }
        await noted(self._note, "ballot", f"app:{APP}", what)
        await self._say(found.id, status="open", key=key.jwk, fingerprint=mark, seal=seal)
        self._announced.add(found.id)

    async def _end(self, found: Entity) -> None:
        def counted() -> tuple[dict[str, Any], str]:
            self.box.end(found.id)
            body = self.box.published(found.id) or b""
            return orjson.loads(body.partition(b"\n")[0]), sha256(body).hexdigest()

        head, digest = await asyncio.to_thread(counted)
        what = {
            "did": "counted",
            "vote": found.id,
            "given": head["given"],
            "cast": head["cast"],
            "root": head["root"],
            "sha256": digest,
        }
        await noted(self._note, "ballot", f"app:{APP}", what)
        self._announced.discard(found.id)
        told = {name: head[name] for name in ("given", "cast", "root", "result")}
        await self._say(found.id, status="counted", sha256=digest, **told)

    async def _say(self, ident: str, **said: Any) -> None:
        """Write it in the app's name: nobody else may."""
        one = entity(KIND, ident.removeprefix(_PREFIX), **said)
        item = Item([Write("say", ident, one.doc)], f"app:{APP}", f"votes:{said['status']}", app=APP)
        for outcome in await self._city.acommit(item):
            if isinstance(outcome, Refused):
                raise outcome.error
