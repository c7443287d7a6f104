"""The audit log over HTTP, `/audit/...`: to search it, to prove what it says, to witness it.

GET  /audit/entries               ?realm=&actor=&kind=&entity=&session=&about=&since=&until=&before=&limit=
GET  /audit/entries/<n>           the entry, byte for byte
GET  /audit/proof/<n>             ?size=   entry, inclusion proof, signed head: `hansa audit verify` checks it offline
GET  /audit/consistency           ?first=&second=
GET  /audit/head, /audit/heads    signed heads (C2SP tlog-checkpoint) with what witnesses signed
GET  /audit/keys                  the keys that heads are checked by; for everybody
POST /audit/held                  {"realm", "entries": [[entity, digest], ...]}: whether each was entered as it stands
POST /audit/cosign                ?size=   a witness's signature line under one of our heads
POST /audit/witness/add-checkpoint   a head of another log, for this city to witness (C2SP tlog-witness)
GET  /audit/witness/seen          heads of other logs that this city has signed

Auditors, data officers and administrators see all of it; what they look at is noted too. A person sees what is about
him (`about=me`): who saw or did what of his, when and why, and nobody else's. A neighbour city sees heads and how they
follow one another, never an entry. Heads and signatures that come in speak for themselves. Whoever has read something
that was entered for good (the shift log) may ask whether it is what was entered: he says its digest, and learns nothing
that he did not know.
"""

import asyncio
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from hansa import clock
from hansa.errors import BadRequest, Forbidden, NotFound, Unauthenticated
from hansa.limits import DEFAULT, Limits
from hansa.model.wire import json_in
from hansa.platform.audit import Audit
from hansa.platform.http import Request, Response, json_response
from hansa.platform.noting import noted
from hansa.platform.sqlite.trail import Trail
from hansa.platform.witness import Moved, Witness
from hansa.trust import merkle
from hansa.trust.actors import TWO_FACTORS, Actor
from hansa.trust.audit import Entry, told_to
from hansa.trust.heads import Note, Verifier, signature_lines

STAFF: Final = frozenset({"auditor", "data_officer", "administrator"})
"""Roles that may read the log."""
NEIGHBOURS: Final = frozenset({"neighbour"})
"""Roles that may read its heads, beside those."""
TEXT: Final = b"text/plain; charset=utf-8"
_SIZE: Final = b"text/x.tlog.size"
_LIMIT: Final = 50
_BY: Final = ("actor", "kind", "entity", "session", "about")
_ASKED: Final = frozenset({"realm", "since", "until", "before", "limit", *_BY})

T = TypeVar("T")


class AuditDoor:
    """Answers what is asked of the audit logs of all realms."""

    def __init__(
        self,
        audits: Mapping[str, Audit],
        open_trail: Callable[[str], Trail],
        witness: Witness,
        *,
        witnesses: Iterable[Verifier] = (),
        keys: str = "",
        limits: Limits = DEFAULT,
    ) -> None:
        """`open_trail(realm)` opens a log for reading; `witnesses` may sign our heads; `keys` are our own, as text."""
        self._audits = audits
        self._trails = {realm: _Reading(open_trail(realm)) for realm in audits}
        self._witness = witness
        self._witnesses = {one.name: one for one in witnesses}
        self._keys = keys
        self._limits = limits
        self._looked: set[tuple[str, str, str]] = set()
        self._audits["open"].each_minute.append(self._looked.clear)

    def close(self) -> None:
        """Let go of the files."""
        for one in self._trails.values():
            one.trail.close()

    async def handle(self, request: Request) -> Response:
        """One request; `request.path` begins after `/audit`."""
        match (request.method, *request.path):
            case ("GET" | "HEAD", "keys"):
                return Response(200, self._keys.encode(), TEXT)
            case ("POST", "held"):
                return await self._held(request)
            case ("POST", "cosign"):
                return await self._cosign(request)
            case ("POST", "witness", "add-checkpoint"):
                return await self._add(request)
            case ("GET" | "HEAD", "entries"):
                return await self._search(request)
            case ("GET" | "HEAD", "entries", n):
                return await self._entry(request, n)
            case ("GET" | "HEAD", "proof", n):
                return await self._proof(request, n)
            case ("GET" | "HEAD", "consistency"):
                return await self._consistency(request)
            case ("GET" | "HEAD", "head"):
                return await self._head(request)
            case ("GET" | "HEAD", "heads"):
                return await self._heads(request)
            case ("GET" | "HEAD", "witness", "seen"):
                return await self._seen(request)
        raise NotFound(f"the audit door has no {request.method} {'/'.join(request.path)[:80]}", where="path")

    # Entries

    async def _search(self, request: Request) -> Response:
        said = _params(request, _ASKED)
        who = request.sight.who
        me = said.get("about") == "me"
        if me:
            if who.kind not in {"person", "administrator"}:
                raise Unauthenticated("who are you?", mend="sign in, to see who saw what of you")
            # An entry may be about several: what else it names must not be found out by asking for it.
            if hidden := said.keys() & {"entity", "session"}:
                raise BadRequest(f"about=me cannot be narrowed by {min(hidden)}", where=min(hidden))
            said["about"] = who.id
        else:
            _may(who, STAFF)
        reading = self._reading(said)
        limit = _number(said, "limit", _LIMIT, 1, self._limits.page)
        asked = [f"{by}:{said[by]}" for by in _BY if by in said]
        if not me:
            await self._look(request, said)

        def find(trail: Trail) -> dict[str, Any]:
            first = trail.after(clock.parse(said["since"])) if "since" in said else trail.begin
            size = trail.size
            end = trail.after(clock.parse(said["until"])) if "until" in said else size
            before = min(end, _number(said, "before", size, 0, size))
            found = trail.search(asked, first, before, limit, within_s=self._limits.read_s)
            return {
                "entries": [{"n": n, "entry": _shown(Entry.read(body), who if me else None)} for n, body in found],
                "next": found[-1][0] if len(found) == limit else None,
                "size": None if me else size,
            }

        return json_response(await reading(find))

    async def _look(self, request: Request, said: Mapping[str, str]) -> None:
        """Who reads the log is noted in it, once a minute for the same question."""
        who = request.sight.who
        asked = "/".join(["GET audit", *request.path]) + (
            "?" + request.query.decode("latin-1") if request.query else ""
        )
        key = (who.id, who.session, asked)
        if key in self._looked:
            return
        audit = self._audits[said.get("realm", "open")]
        await noted(audit.note, "audit-read", who.id, {"asked": asked, **_about(said)}, session=who.session)
        if len(self._looked) < self._limits.audit_sessions:
            self._looked.add(key)

    async def _entry(self, request: Request, n: str) -> Response:
        said = _params(request, {"realm"})
        _may(request.sight.who, STAFF)
        number = _index(n)
        reading = self._reading(said)
        await self._look(request, said)
        return Response(200, await reading(lambda trail: trail.entry(number)))

    async def _proof(self, request: Request, n: str) -> Response:
        said = _params(request, {"realm", "size"})
        number = _index(n)
        reading = self._reading(said)
        who = request.sight.who
        staff = bool(who.roles & STAFF)
        if not staff and who.kind != "person":
            _may(who, STAFF)
        if staff:
            await self._look(request, said)

        def prove(trail: Trail) -> dict[str, Any]:
            body = trail.entry(number)
            entry = Entry.read(body)
            if not staff and not _is_about(trail, number, who):
                raise NotFound(f"entry {number} is not there", where="n")
            note = self._note_for(trail, number, said)
            size = Note.parse(note).head.size
            proof = merkle.inclusion(trail.read, number, size)
            told = {"entry": body.decode()} if staff else {"about": told_to(who.id, entry)}
            leaf = {} if staff else {"leaf": b64encode(merkle.leaf_hash(body)).decode()}
            return {"realm": trail.realm, "n": number, **told, **leaf, "proof": _coded(proof), "head": note}

        return json_response(await reading(prove))

    async def _held(self, request: Request) -> Response:
        """Of each entity and digest, whether the log has it so: what was changed where it is stored is found here."""
        _params(request, set())
        who = request.sight.who
        if who.kind not in {"person", "administrator"}:
            raise Unauthenticated("who are you?", mend="sign in")
        said = json_in(request.body) if request.body else {}
        asked = said.get("entries") if isinstance(said, dict) else None
        if not isinstance(asked, list) or not all(_is_pair(one) for one in asked):
            raise BadRequest("entries is a list of [entity, digest]", where="entries")
        if len(asked) > self._limits.held:
            raise BadRequest(f"{self._limits.held} at once are the most", where="entries")
        reading = self._reading({"realm": str(said.get("realm", "open"))})

        def look(trail: Trail) -> list[dict[str, Any]]:
            return [{"entity": ident, **_entered(trail, ident, digest, self._limits.read_s)} for ident, digest in asked]

        return json_response({"entries": await reading(look)})

    @staticmethod
    def _note_for(trail: Trail, n: int, said: Mapping[str, str]) -> str:
        """The head that an entry is shown in: that of `size`, else the newest kept, else that of all there is."""
        if "size" in said:
            note = trail.head(_number(said, "size", 0, 1, 1 << 60))
            if Note.parse(note).head.size <= n:
                raise BadRequest(f"entry {n} came after this head", where="size")
            return note
        newest = trail.newest() or ""
        kept = trail.heads(None, 1)
        return str(kept[0]["note"]) if kept and kept[0]["size"] > n else newest

    # Heads

    async def _head(self, request: Request) -> Response:
        said = _params(request, {"realm", "size"})
        _may(request.sight.who, STAFF | NEIGHBOURS)
        size = _number(said, "size", 0, 1, 1 << 60) or None
        return Response(200, (await self._reading(said)(lambda trail: trail.head(size))).encode(), TEXT)

    async def _heads(self, request: Request) -> Response:
        said = _params(request, {"realm", "before", "limit"})
        _may(request.sight.who, STAFF | NEIGHBOURS)
        before = _number(said, "before", 1 << 60, 0, 1 << 60)
        limit = _number(said, "limit", _LIMIT, 1, self._limits.page)
        return json_response(await self._reading(said)(lambda trail: trail.heads(before, limit)))

    async def _consistency(self, request: Request) -> Response:
        said = _params(request, {"realm", "first", "second"})
        _may(request.sight.who, STAFF | NEIGHBOURS)
        first, second = (_number(said, name, -1, 0, 1 << 60) for name in ("first", "second"))
        if first < 0 or second < 0:
            raise BadRequest("say first and second: sizes of the log", where="first" if first < 0 else "second")

        def prove(trail: Trail) -> dict[str, Any]:
            if second > trail.size:
                raise BadRequest(f"the log has {trail.size} entries", where="second")
            return {"first": first, "second": second, "proof": _coded(merkle.consistency(trail.read, first, second))}

        return json_response(await self._reading(said)(prove))

    # Witnesses

    async def _cosign(self, request: Request) -> Response:
        said = _params(request, {"realm", "size"})
        size = _number(said, "size", -1, 0, 1 << 60)
        reading = self._reading(said)
        try:
            lines = signature_lines(request.body.decode())
        except UnicodeDecodeError:
            raise BadRequest("signature lines are text in UTF-8", where="signature") from None
        text = Note.parse(await reading(lambda trail: trail.head(size))).text
        good = [
            (name, blob)
            for name, blob in lines
            if (known := self._witnesses.get(name)) is not None and known.holds(text, blob)
        ]
        if not good:
            raise Forbidden("none of these signatures is one of a witness that this city knows", where="signature")
        for name, blob in good:
            line = f"— {name} {b64encode(blob).decode()}\n"
            audit = self._audits[reading.trail.realm]
            await asyncio.wrap_future(audit.do(lambda trail, name=name, line=line: trail.witnessed(size, name, line)))  # type: ignore[misc]
        return Response(204)

    async def _add(self, request: Request) -> Response:
        _params(request, set())
        body, now = request.body, int(time.time())
        try:
            _, line = await asyncio.wrap_future(
                self._audits["open"].do(lambda trail: self._witness.add(trail, body, now))
            )
        except Moved as fault:
            return Response(409, f"{fault.size}\n".encode(), _SIZE)
        return Response(200, line.encode(), TEXT)

    async def _seen(self, request: Request) -> Response:
        _params(request, set())
        _may(request.sight.who, STAFF | NEIGHBOURS)

        def seen(trail: Trail) -> list[dict[str, Any]]:
            rows = trail.db.execute("SELECT origin, size, note FROM seen ORDER BY origin LIMIT 1000")
            return [{"origin": origin, "size": size, "note": note} for origin, size, note in rows]

        return json_response(await self._trails["open"](seen))

    def _reading(self, said: Mapping[str, str]) -> "_Reading":
        realm = said.get("realm", "open")
        if realm not in self._trails:
            raise BadRequest(f"there is no realm {realm[:40]!r}", where="realm", mend="open or security")
        return self._trails[realm]


class _Reading:
    """A log that is read in a thread, by one at a time: a search must not hold the loop."""

    def __init__(self, trail: Trail) -> None:
        self.trail = trail
        self._lock = threading.Lock()

    async def __call__(self, work: Callable[[Trail], T]) -> T:
        return await asyncio.to_thread(self._do, work)

    def _do(self, work: Callable[[Trail], T]) -> T:
        with self._lock:
            return work(self.trail)


def _shown(entry: Entry, person: Actor | None) -> dict[str, Any]:
    return entry.shown() if person is None else told_to(person.id, entry)


def _is_pair(one: Any) -> bool:
    return isinstance(one, list) and len(one) == 2 and all(isinstance(it, str) and len(it) <= 2_048 for it in one)


def _entered(trail: Trail, ident: str, digest: str, within_s: float) -> dict[str, Any]:
    """The entry that has this digest of an entity: who entered it, when, and how surely he was known."""
    # An act that was tried again was noted each time: the newest are enough, for nothing is entered twice.
    for n, body in trail.search([f"entity:{ident}", "kind:entry"], trail.begin, trail.size, _LIMIT, within_s=within_s):
        entry = Entry.read(body)
        what = entry.what
        if (ident, digest) in zip(what.get("entities") or (), what.get("digests") or (), strict=False):
            return {
                "held": True,
                "n": n,
                "at": entry.at,
                "actor": entry.actor,
                "assurance": entry.what.get("assurance"),
            }
    return {"held": False}


def _is_about(trail: Trail, n: int, who: Actor) -> bool:
    return bool(trail.search([f"about:{who.id}"], n, n + 1, 1, within_s=1.0))


def _about(said: Mapping[str, str]) -> dict[str, str]:
    """Whose reads were looked for: he may see that too."""
    return {"about": said["about"]} if "about" in said else {}


def _may(who: Actor, roles: frozenset[str]) -> None:
    if who.roles & roles and (who.assurance >= TWO_FACTORS or not who.roles & roles & STAFF):
        return
    if who.kind == "public":
        raise Unauthenticated("the audit log is for auditors", mend="sign in")
    raise NotFound("there is nothing here", where="path")


def _params(request: Request, known: Iterable[str]) -> dict[str, str]:
    said = request.params()
    if unknown := said.keys() - set(known):
        raise BadRequest(f"there is no parameter {min(unknown)[:40]}", where="query")
    return {name: value for name, value in said.items() if value}


def _number(said: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = said.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and low <= int(text) <= high):
        raise BadRequest(f"{name} is a number from {low} to {high}", where=name)
    return int(text)


def _index(text: str) -> int:
    return _number({"n": text}, "n", 0, 0, 1 << 60)


def _coded(proof: Iterable[bytes]) -> list[str]:
    return [b64encode(one).decode() for one in proof]
