"""The door of decisions, `/access/v1`: what may be done, why not, and by which policy.

POST /access/v1/evaluation                 AuthZEN 1.0: one question -> {"decision", "context"}
POST /access/v1/evaluations                AuthZEN 1.0: many
GET  /access/v1/why                        ?verb=&id=&attribute=&label=&purpose=&realm= -> the answer, with its rules
...  /access/v1/policies                   see `policies_door`
GET  /.well-known/authzen-configuration    where these are

Questions about others are for services, auditors and administrators; everybody may ask about himself. What somebody may
not see is answered as what is not there. Report: 4.2.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from hansa.errors import BadRequest, Forbidden, NotFound, Unauthenticated
from hansa.limits import DEFAULT
from hansa.model.wire import json_in
from hansa.platform.city import City
from hansa.platform.evaluation import Evaluate, Evaluation, Thing, many, one
from hansa.platform.http import Request, Response, json_response
from hansa.platform.policies import Policies
from hansa.platform.policies_door import PoliciesDoor, reads, signed_in, watches
from hansa.trust.actors import PASSKEY, ROLES, TWO_FACTORS, UNPROVEN, Actor
from hansa.trust.labels import ADMINISTRATOR, NOBODY, Label, Sight, unlabelled
from hansa.trust.policy import VERBS, Decision
from hansa.trust.tokens import within

Decide = Callable[[str, Actor, str, Label, str], Decision]
"""What policy says: realm, actor, verb, label and purpose."""
Sees = Callable[[str, Sight, str], Sight]
"""What whoever asks sees in a realm, for a purpose."""
Known = Callable[[str], Actor | None]
"""Somebody by his id, with the roles that he has now."""

WELL_KNOWN: Final = "authzen-configuration"
_ASKS: Final = frozenset({"service", "auditor", "administrator"})
_SEES_ALL: Final = frozenset({"auditor", "data_officer"})
_KINDS: Final[Mapping[str, str]] = {"user": "person"}
_HOST: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?\Z", re.ASCII)
_REQUEST_ID: Final = re.compile(r"[!-~]{1,256}\Z", re.ASCII)
_NOTHING: Final = {
    "id": "nothing-there",
    "reason": "There is nothing under that name that one who asks so may see. Whether there is anything is not said.",
}
_SCOPE: Final = {
    "id": "beyond-the-token",
    "reason": "The token that was used is not for this, whatever its owner may do.",
}
_ITSELF: Final = {"id": "the-city-itself", "reason": "The city's own machine asks; policies are not about it."}


_ASKED_OF: Final = frozenset({"label", "attribute"})
_OTHER: Final = frozenset({"who", "roles", "departments", "assurance"})
_WHY: Final = _OTHER | {"verb", "id", "attribute", "label", "purpose", "realm"}
_Found = tuple[Label, list[str]]
"""The label that is asked about, and the types of what bears it."""


def _as_he_came(realm: str, sight: Sight, _purpose: str) -> Sight:
    """His sight as the front door made it, which is of the realm open."""
    return sight if sight.everything or realm == "open" else NOBODY


def _nobody_known(_ident: str) -> Actor | None:
    return None


class Access:
    """Answers questions about what may be done. Decides nothing itself."""

    def __init__(
        self,
        cities: Mapping[str, City],
        policies: Policies,
        *,
        decide: Decide | None = None,
        sees: Sees = _as_he_came,
        known: Known = _nobody_known,
        origin: str = "http:",
        evaluate: Evaluate | None = None,
    ) -> None:
        """`decide` knows what is lent, `sees` what somebody sees, `known` who somebody is.

        `origin` is where others find the city: `https://city.example`, or `https:` where a request says the rest.
        `evaluate` answers questions in AuthZEN's form by something else than the city's policies.
        """
        self._cities = cities
        self._policies = policies
        self._decide = decide or self._weigh
        self._sees = sees
        self._known = known
        self._door = PoliciesDoor(policies)
        self._origin = origin
        self._evaluate = evaluate

    async def handle(self, request: Request) -> Response:
        """One request; `request.path` begins after `/access`."""
        match (request.method, *request.path):
            case ("POST", "v1", "evaluation"):
                return self._echo(request, one(_json(request), self._evaluator(request.sight)))
            case ("POST", "v1", "evaluations"):
                evaluate = self._evaluator(request.sight)
                return self._echo(request, many(_json(request), evaluate, DEFAULT.questions))
            case ("GET", "v1", "why"):
                return json_response(self._why(request))
            case (_, "v1", "policies", *rest):
                return await self._door.handle(request, rest)
        raise NotFound(f"this door has no {request.method} {'/'.join(request.path)[:80]}", where="path")

    async def well_known(self, request: Request) -> Response:
        """Where the doors of decisions are (AuthZEN 1.0, clause 9); `request.path` begins after `/.well-known`."""
        if request.path != [WELL_KNOWN] or request.method != "GET":
            raise NotFound("there is nothing well known under that name", where="path")
        origin = self._origin
        if origin.endswith(":"):
            host = request.headers.get(b"host") or ""
            if not _HOST.match(host):
                raise BadRequest("the request names no host", where="host")
            origin = f"{origin}//{host}"
        return json_response(
            {
                "policy_decision_point": origin,
                "access_evaluation_endpoint": f"{origin}/access/v1/evaluation",
                "access_evaluations_endpoint": f"{origin}/access/v1/evaluations",
            }
        )

    # AuthZEN

    def _evaluator(self, sight: Sight) -> Evaluate:
        if sight.who.kind == "public" and not sight.everything:
            raise Unauthenticated("who are you?", mend="sign in, or bear a token")
        if not sight.everything and not sight.who.roles & _ASKS:
            raise Forbidden("services, auditors and administrators ask here", mend="ask /access/v1/why about yourself")
        return self._evaluate or (lambda question: self._answer(question, sight))

    def _answer(self, question: Evaluation, sight: Sight) -> tuple[bool, dict[str, Any]]:
        """What the city's policies say of `{"subject": a person ..., "action": a verb, "resource": an entity}`."""
        who = self._subject(question.subject)
        about, context = question.resource.properties, question.context
        realm = _word(about.get("realm", context.get("realm", "open")), "resource.properties.realm")
        purpose = _word(context.get("purpose", ""), "context.purpose")
        if question.action not in VERBS:
            return False, {"reason": f"there is no verb {question.action[:40]!r}"}
        asked = {"id": question.resource.id, "purpose": purpose}
        asked |= {name: _word(about[name], f"resource.properties.{name}") for name in _ASKED_OF & about.keys()}
        found = self._asked_of(realm, asked, sight, question.resource.type)
        if found is None:
            return False, {"reasons": [_NOTHING]}
        label, _ = found
        policy = self._policies.policy(realm)
        decision = self._decide(realm, who, question.action, label, purpose)
        reasons = [{"id": each["id"], "reason": each["reason"]} for each in policy.told(decision)]
        return decision.allowed, {"reasons": reasons, "policy": policy.version}

    def _subject(self, said: Thing) -> Actor:
        """A subject: as it is described, else as the city knows it, else without any role."""
        kind = _KINDS.get(said.type, said.type)
        ident = said.id if said.id.partition(":")[0] == kind else f"{kind}:{said.id}"
        known = self._known(ident)
        described = said.properties
        assurance = described.get("assurance", UNPROVEN)
        if type(assurance) is not int or not UNPROVEN <= assurance <= PASSKEY:
            raise BadRequest("assurance is a whole number from 0 to 3", where="subject.properties.assurance")
        roles = known.roles if known is not None else frozenset[str]()
        departments = known.departments if known is not None else frozenset[str]()
        if "roles" in described:
            roles = _words(described["roles"], "subject.properties.roles")
        if "departments" in described:
            departments = _words(described["departments"], "subject.properties.departments")
        return Actor(ident, roles, departments, assurance)

    def _asked_of(self, realm: str, asked: Mapping[str, str], sight: Sight, kind: str = "") -> _Found | None:
        """The label that is asked about; of an entity, or of its attribute, where whoever asks may see that."""
        city = self._cities.get(realm)
        if city is None or not reads(realm, sight):
            return None
        if "label" in asked:
            return Label.parse(asked["label"]), []
        # Whoever watches over decisions is told of any label; of what bears it nothing is said.
        seen = ADMINISTRATOR if _sees_all(sight.who) else self._sees(realm, sight, asked.get("purpose", ""))
        try:
            found = city.get(asked["id"], sight=seen)
        except NotFound:
            return None
        attribute = asked.get("attribute", "")
        if (kind and kind not in found.types) or (attribute and attribute not in found.names):
            return None
        whole = found.label or unlabelled(realm)
        labels = {} if found.stamps is None else found.stamps.labels
        return Label.parse(labels.get(attribute, whole)), found.types

    @staticmethod
    def _echo(request: Request, said: dict[str, Any]) -> Response:
        response = json_response(said)
        ident = request.headers.get(b"x-request-id")
        if ident is not None and _REQUEST_ID.match(ident):
            response.headers.append((b"x-request-id", ident.encode()))
        return response

    # Why

    def _why(self, request: Request) -> dict[str, Any]:
        who = signed_in(request)
        params = request.params()
        if unknown := params.keys() - _WHY:
            raise BadRequest(f"there is no parameter {min(unknown)[:40]}", where="query", mend=", ".join(sorted(_WHY)))
        verb, realm = params.get("verb", "read"), params.get("realm", "open")
        if verb not in VERBS:
            raise BadRequest(f"there is no verb {verb[:40]!r}", where="verb", mend=f"one of {', '.join(VERBS)}")
        if ("id" in params) is ("label" in params):
            raise BadRequest("ask about an entity, or about a label", where="id", mend="say id, or label")
        other = self._other(params, request.sight)
        asker = other or who
        told: dict[str, Any] = {
            "asker": {
                "id": asker.id,
                "roles": sorted(asker.roles),
                "departments": sorted(asker.departments),
                "assurance": asker.assurance,
            },
            "verb": verb,
            "realm": realm,
            "purpose": params.get("purpose", ""),
        }
        found = self._asked_of(realm, params, request.sight)
        if found is None:
            return told | {"decision": False, "reasons": [_NOTHING]}
        label, types = found
        if request.sight.everything and other is None:
            return told | {"decision": True, "label": str(label), "reasons": [_ITSELF]}
        if not within(asker.scope, verb, types):
            return told | {"decision": False, "label": str(label), "reasons": [_SCOPE]}
        decision = self._decide(realm, asker, verb, label, told["purpose"])
        policy = self._policies.policy(realm)
        shown = {"decision": decision.allowed, "label": str(label), "policy": policy.version}
        return told | shown | {"reasons": policy.told(decision)}

    def _other(self, params: Mapping[str, str], sight: Sight) -> Actor | None:
        """Somebody else, about whom those may ask who watch; None when it is about oneself."""
        if not params.keys() & _OTHER:
            return None
        if not watches(sight):
            raise Forbidden(
                "you may ask about yourself", where="who", mend="auditors and administrators ask for others"
            )
        known = self._known(params["who"]) if "who" in params else None
        assurance = params.get("assurance", str(PASSKEY))
        if assurance not in {"0", "1", "2", "3"}:
            raise BadRequest("assurance is a whole number from 0 to 3", where="assurance")
        roles = known.roles if known is not None else frozenset[str]()
        departments = known.departments if known is not None else frozenset[str]()
        if "roles" in params:
            roles = frozenset(filter(None, params["roles"].split(",")))
            if wrong := roles - set(ROLES):
                raise BadRequest(f"there is no role {min(wrong)[:40]!r}", where="roles", mend=", ".join(ROLES))
        if "departments" in params:
            departments = frozenset(filter(None, params["departments"].split(",")))
        return Actor(params.get("who", "person:somebody"), roles, departments, int(assurance))

    def _weigh(self, realm: str, who: Actor, verb: str, label: Label, purpose: str) -> Decision:
        own = bool(label.subject) and label.subject == who.id
        return self._policies.policy(realm).weigh(who, verb, label, realm=realm, purpose=purpose, subject=own)


def _sees_all(who: Actor) -> bool:
    return bool(who.roles & _SEES_ALL) and who.assurance >= TWO_FACTORS and who.scope is None


def _json(request: Request) -> Any:
    kind = (request.headers.get(b"content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise BadRequest("the body is application/json", where="content-type")
    return json_in(request.body)


def _word(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise BadRequest(f"{where} is a text", where=where)
    return value


def _words(value: Any, where: str) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadRequest(f"{where} is a list of texts", where=where)
    return frozenset(value)
