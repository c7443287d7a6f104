"""The one door between realms: nothing leaves a realm except through here, and everything that does is noted.

A derivation (`trust.derivations`) is declared by an app, a file or a person, reviewed by two people as a Proposal, and
from then on runs on every Change of its source. What comes out and the place in the source's log are one transaction
of the target, so that a restart loses nothing and doubles nothing. An entity, or some of its attributes, is let out
once, as it was when it was proposed, by a Proposal of kind `declassify`. Each runs on under its own name,
`door:<name>`, with the Proposal that allowed it as the cause.

That nothing else in hansa carries information from one realm's city to another's: `tests/platform/test_realms_door.py`.
DESIGN, invariant 5; issue 4, part 3.

GET  /admin/derivations             what leaves which realm, as it was declared and allowed
POST /admin/derivations/<name>/end  {"reason"}: it leaves no more, and what came of it is taken back
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec
import rfc8785
import structlog

from hansa import clock
from hansa.errors import BadRequest, Forbidden, HansaError, NotFound
from hansa.model.change import Refused, Write
from hansa.model.entity import MEMBERS, Entity, entity
from hansa.model.query import Query
from hansa.platform.city import City
from hansa.platform.deadletters import TENANT
from hansa.platform.deriving import Deriving, Source
from hansa.platform.http import Request, Response, json_response
from hansa.platform.noting import Note, noted
from hansa.platform.proposals import Proposals
from hansa.platform.proposals_door import body_of, signed_in, text_of
from hansa.platform.seeing import Sees, as_he_came
from hansa.platform.store import Item
from hansa.trust.actors import TWO_FACTORS, Actor
from hansa.trust.approvals import RULES, Proposal
from hansa.trust.derivations import Derivation
from hansa.trust.labels import ADMINISTRATOR, Label, Sight, unlabelled

DECLASSIFIED: Final = "door:declassify"
"""Who writes what two people let out."""
_INSIDE: Final = frozenset({"command", "data_officer"})  # who may read in the realm security, as its policy has it
_KEPT: Final = Query.parse(types="Derivation")
_ID: Final = 2_048

log = structlog.get_logger("hansa.realms")


class Realms:
    """What passes between the realms of a city."""

    def __init__(
        self, cities: Mapping[str, City], proposals: Proposals, *, sees: Sees = as_he_came, note: Note | None = None
    ) -> None:
        """Between `cities` by realm; nothing passes until `start`. `sees` is policy, `note` the audit."""
        self._cities = cities
        self._kept = cities["security"]
        self._proposals = proposals
        self._sees = sees
        self._note = note
        self._at_work: dict[str, Deriving] = {}
        self._sources: dict[str, Source] = {}
        proposals.on("derivation", self._reviewed, prepare=self._prepared, check=self._may_begin, after=self._begin)
        proposals.on(
            *("declassify", None),
            prepare=self._to_declassify,
            check=_check_reader,
            sees=_is_reader,
            after=self._declassify,
        )

    async def start(self) -> None:
        """Go on where the last life came to."""
        for kept in self._kept.find(query=_KEPT, tenant=TENANT, sight=ADMINISTRATOR):
            try:
                if kept["state"] == "ending":
                    await self._ended(self._deriving(kept), "door")
                elif kept["state"] == "active" and kept.key not in self._at_work:
                    self._run(kept)
            except HansaError as fault:  # a realm that is not there any more must not keep the city from running
                log.warning("a derivation does not run", name=kept.key, why=fault.detail)
        for source in self._sources.values():
            source.start()

    async def aclose(self) -> None:
        """Stop; what was not written yet is read from the log next time."""
        for source in self._sources.values():
            await source.aclose()
        self._sources.clear()
        self._at_work.clear()

    # Derivations

    async def declare(self, by: str, declared: Iterable[Mapping[str, Any]]) -> list[Proposal]:
        """An app (`by`: its actor) says what is to leave; what is neither allowed nor decided is proposed."""
        made = []
        for said in declared:
            what = self._parsed(said).to_json()
            one = self._at_work.get(what["name"])
            if one is not None and one.derivation.to_json() == what:
                continue
            if any(each.what == what and each.by == by for each in self._proposals.known("derivation")):
                continue  # it waits, or somebody said no, or ended it: not asked again at every start
            sight = Sight(by, who=Actor(by))
            made.append(await self._proposals.propose("derivation", what, sight, f"declared by {by}"))
        return made

    async def end(self, name: str, who: Actor, reason: str) -> None:
        """A derivation ends, and what came of it is taken back. One person may: less leaves."""
        if who.kind != "person" or not who.roles & RULES["derivation"].approves or who.assurance < TWO_FACTORS:
            raise Forbidden("an administrator, a data officer or command ends a derivation", mend="sign in as one")
        one = self._at_work.get(name)
        if one is None:
            raise NotFound(f"no derivation {name[:64]} runs", where="name")
        about = {"derivation": name, "did": "ended", "reason": reason[:2_000]}
        await noted(self._note, "door", who.id, about, session=who.session)
        await self._say(name, "ending", who.id)
        del self._at_work[name]
        await self._sources[one.derivation.source].remove(one)
        await self._ended(one, who.id)

    async def _ended(self, one: Deriving, actor: str) -> None:
        """Take back what came of it; only then it is over, so that a crash on the way leaves nothing there."""
        writes = [Write("delete", each.id, tenant=one.derivation.tenant) for each in one.there()]
        limit = one.target.limits.commit
        for at in range(0, len(writes), limit):
            await self._settle(one.target, Item(writes[at : at + limit], actor, _proposal_urn(one.proposal)))
        await self._say(one.derivation.name, "ended", actor)

    async def _say(self, name: str, state: str, actor: str) -> None:
        said = entity("Derivation", name, realm="security", state=state)
        await self._settle(self._kept, Item([Write("say", said.id, said.doc, tenant=TENANT)], actor))

    async def handle(self, request: Request) -> Response:
        """One request; `request.path` begins after `/admin/derivations`."""
        who = signed_in(request)
        match (request.method, *request.path):
            case ("GET",) if who.roles & (RULES["derivation"].asks | {"auditor"}):
                return json_response(self.shown)
            case ("POST", name, "end"):
                await self.end(name, who, text_of(body_of(request, {"reason"}), "reason"))
                return Response(204)
        raise NotFound("this door has nothing of that name", where="path")

    @property
    def shown(self) -> list[dict[str, Any]]:
        """The derivations that run."""
        return [
            {
                "declared": one.derivation.to_json(),
                "proposal": one.proposal,
                "waiting": len(one.waiting),
                "place": one.place,
            }
            for one in self._at_work.values()
        ]

    def _parsed(self, said: Any) -> Derivation:
        if not isinstance(said, Mapping):
            raise BadRequest("a derivation is declared as an object")
        return Derivation.parse(said, sorted(self._cities))

    def _prepared(self, what: dict[str, Any], _: Sight) -> dict[str, Any]:
        if len(self._at_work) >= self._kept.limits.derivations:
            raise BadRequest(f"{len(self._at_work)} derivations run already", mend="end one first")
        made = self._parsed(what)
        self._check_follows(made)
        return made.to_json()

    def _may_begin(self, proposal: Proposal, _: Actor) -> None:
        self._check_follows(self._parsed(proposal.what))

    def _check_follows(self, made: Derivation) -> None:
        """Another declaration may take the place of one that runs where it writes what that one wrote."""
        runs = self._at_work.get(made.name)
        if runs is None:
            return
        before = runs.derivation
        if (before.source, before.target, before.prefix, before.tenant) != (
            *(made.source, made.target, made.prefix, made.tenant),
        ):
            raise BadRequest(
                f"{made.name} makes {before.makes} in {before.target} now",
                where="name",
                mend="end it, or say another name",
            )

    def _reviewed(self, proposal: Proposal) -> Sequence[Write]:
        """What is kept of a derivation that two people allowed. Its key stays, so that ids do."""
        derivation = self._parsed(proposal.what)
        key = secrets.token_hex(32)
        with suppress(NotFound):
            key = self._kept.get(_urn(derivation.name), tenant=TENANT, sight=ADMINISTRATOR)["key"]
        text = rfc8785.dumps(derivation.to_json()).decode()
        said = entity(
            *("Derivation", derivation.name), realm="security",
            what=text, key=key, state="active", proposal=proposal.id,
        )  # fmt: skip
        return [Write("say", said.id, said.doc, tenant=TENANT, label="security")]

    async def _begin(self, proposal: Proposal) -> None:
        kept = self._kept.get(_urn(proposal.what["name"]), tenant=TENANT, sight=ADMINISTRATOR)
        before = self._at_work.get(kept.key)
        if before is not None:
            if before.proposal == kept["proposal"]:
                return
            del self._at_work[kept.key]
            await self._sources[before.derivation.source].remove(before)
        if kept["state"] == "active":
            self._run(kept)
            self._sources[proposal.what["source"]].start()

    def _deriving(self, kept: Entity) -> Deriving:
        derivation = self._parsed(msgspec.json.decode(kept["what"]))
        source, target = self._cities[derivation.source], self._cities[derivation.target]
        return Deriving(derivation, bytes.fromhex(kept["key"]), kept["proposal"], source, target)

    def _run(self, kept: Entity) -> None:
        one = self._deriving(kept)
        realm, seq = one.derivation.source, None
        if (place := one.target.store.place(one.reader)) is not None:
            allowed, seq = msgspec.msgpack.decode(place, type=tuple[str, int])
            if allowed != one.proposal:  # of what was declared before under this name
                seq = None
        self._at_work[one.derivation.name] = one
        if realm not in self._sources:
            self._sources[realm] = Source(one.source, self._pass)
        self._sources[realm].add(one, seq)

    async def _pass(self, one: Deriving, writes: Sequence[Write], depth: int, place: int | None) -> None:
        """Write what comes of one derivation, and how far it has come with it, unless it is under way."""
        if writes:
            about = {
                "derivation": one.derivation.name,
                "from": one.derivation.source,
                "to": one.derivation.target,
                "many": len(writes),
                "place": place,
                "proposal": one.proposal,
            }
            await noted(self._note, "door", one.reader, about)
        places = {} if place is None else {one.reader: msgspec.msgpack.encode((one.proposal, place))}
        await self._settle(
            one.target, Item(writes, one.reader, _proposal_urn(one.proposal), depth=depth, places=places)
        )

    @staticmethod
    async def _settle(city: City, item: Item) -> None:
        for outcome in await city.acommit(item):
            # What is gone already need not go.
            if isinstance(outcome, Refused) and not isinstance(outcome.error, NotFound):
                log.warning("a write at the door was refused", realm=city.realm, why=outcome.error.detail)

    # Declassification

    def _to_declassify(self, what: dict[str, Any], sight: Sight) -> dict[str, Any]:
        """What is let out, word for word: whoever approves it reads just what will be written."""
        said, names = _asked(what, self._cities)
        ident, source = said["id"], said["from"]
        city, sight = self._cities[source], self._sees(source, sight)
        there = city.get(ident, sight=sight)
        for name in names:
            if name in MEMBERS or name not in there.doc:
                raise BadRequest(f"{ident[:80]} has no attribute {name[:80]!r}", where="attributes")
        own = there.label or unlabelled(source)
        row = city.reader.row("", ident, ADMINISTRATOR)
        labels = {} if row is None else city.reader.stamps(row).labels
        for label in {own, *(labels.get(name, own) for name in names or labels)}:
            if not sight.may("declassify", label):
                raise Forbidden("this is not yours to declassify", where="id")
        if source == said["to"]:
            opened = names or [name for name in there.names if name not in labels]
            return said | {"was": own, "past": {name: _past(city, ident, name) for name in opened}}
        # Nothing but what is named: no scope, no time of expiry.
        given = said.pop("as", ident)
        return said | {
            "document": {"id": given, "type": there.doc["type"], **{name: there.doc[name] for name in names}}
        }

    async def _declassify(self, proposal: Proposal) -> None:
        what = proposal.what
        source, target = what["from"], what["to"]
        about = {name: what[name] for name in ("id", "from", "to", "label", "attributes") if name in what}
        await noted(
            *(self._note, "door", DECLASSIFIED),
            about | {"proposal": proposal.id, "by": proposal.by, "approvedBy": list(proposal.approved_by)},
        )
        city, label = self._cities[target], what["label"]
        if source == target:
            names = what.get("attributes")
            write = Write(
                *("append", what["id"], {"id": what["id"]}),
                label=None if names else label,
                labels=dict.fromkeys(names, label) if names else None,
            )
        else:
            doc = what["document"]
            labels = {name: label for name in doc if name not in MEMBERS}
            try:
                city.get(doc["id"], sight=ADMINISTRATOR)
                # What is there beside it keeps its label.
                write = Write("say", doc["id"], doc, labels=labels)
            except NotFound:
                write = Write("create", doc["id"], doc, label=label)
        item = Item([write], DECLASSIFIED, _proposal_urn(proposal.id))
        for outcome in await city.acommit(item):
            if isinstance(outcome, Refused):
                raise outcome.error


def _past(city: City, ident: str, name: str) -> dict[str, Any]:
    """What of an attribute's past another label opens too: somebody is to know that before he agrees."""
    points = city.history(ident, name)
    return {"values": len(points), "since": clock.text(points[0].at)} if points else {"values": 0}


def _is_reader(proposal: Proposal, who: Actor) -> bool:
    """Whether he may read what is to be let out, of which the proposal holds a copy."""
    inside = proposal.what["from"] == "security"
    return bool(who.roles & (_INSIDE if inside else RULES["declassify"].approves))


def _check_reader(proposal: Proposal, who: Actor) -> None:
    if not _is_reader(proposal, who):
        raise Forbidden("who knows this realm decides what leaves it", where="role")


def _asked(what: dict[str, Any], realms: Mapping[str, City]) -> tuple[dict[str, Any], list[str]]:
    """What is to be declassified, and which of its attributes; BadRequest naming what is wrong."""
    if unknown := what.keys() - {"id", "from", "to", "attributes", "label", "as"}:
        raise BadRequest(f"a declassification has no {min(unknown)[:40]!r}")
    said = {"from": "security", "to": "open"} | what
    for where in ("from", "to"):
        if not isinstance(said[where], str) or said[where] not in realms:
            raise BadRequest(f"there is no realm {str(said[where])[:40]!r}", where=where)
    for where in ("id", "label"):
        if not isinstance(said.get(where), str):
            raise BadRequest(f"{where} is a text", where=where)
    said["label"] = str(Label.parse(said["label"]))
    names = said.get("attributes", [])
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise BadRequest("attributes is a list of names; left out, it is the entity itself", where="attributes")
    stays = said["from"] == said["to"]
    if not names and ("attributes" in said or not stays):
        raise BadRequest("say which attributes leave", where="attributes")
    given = said.get("as", said["id"])
    if stays and "as" in said:
        raise BadRequest("what stays in its realm keeps its id", where="as")
    if not isinstance(given, str) or not given.startswith(("urn:", "https://", "http://")) or len(given) > _ID:
        raise BadRequest("as is the id it gets there: a URI", where="as")
    if names:
        said["attributes"] = sorted(set(names))
    return said, sorted(set(names))


def _urn(name: str) -> str:
    return f"urn:ngsi-ld:Derivation:{name}"


def _proposal_urn(ident: str) -> str:
    return f"urn:ngsi-ld:Proposal:{ident}"
