"""What may be done: one decision point, on labels, in Cedar, for whoever asks.

A `Policy` is a text that was strictly validated against the schema of `policies/hansa.cedarschema`; each realm has its
own. It sees actors, verbs and labels, never entities. Nothing is allowed unless a rule permits it, `forbid` is stronger
than `permit`, and a rule that fails while it is evaluated means no. Each decision is made once and remembered as long
as the policy lives, and counted in a `Record`. A sight that sees everything is the system itself and is not asked
about. Report: 4.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any, Final

import cedarpy
import orjson

from hansa.errors import BadRequest
from hansa.limits import DEFAULT
from hansa.trust.actors import ROLES, Actor
from hansa.trust.labels import Label
from hansa.trust.policy_looks import looks
from hansa.trust.policy_record import Asked, Record
from hansa.trust.policy_text import Fault, PolicyInvalid, Rule, rules

__all__ = ["SHIPPED", "VERBS", "Answer", "Decision", "Fault", "Policy", "PolicyInvalid", "Rule", "evaluate", "shipped"]

VERBS: Final = ("read", "create", "update", "delete", "command", "subscribe", "export", "administer", "declassify")
SHIPPED: Final = "shipped"
"""The version of the policy that comes with hansa."""
NOTHING_PERMITS: Final = "nothing-permits-it"
"""The reason where no rule speaks: nothing is allowed unless a rule permits it."""
FAILED: Final = "a-rule-failed"
"""The reason where a rule could not be evaluated: it might have forbidden."""

_ACTIONS: Final = frozenset(VERBS)
_ROLES: Final = frozenset(ROLES)
_NONE: Final[frozenset[str]] = frozenset()
_HELD: Final = files(__package__) / "policies"
_SCHEMA: Final = cedarpy.Schema.from_str((_HELD / "hansa.cedarschema").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What Cedar answers: the rules that decided, as it numbers them, and those that failed."""

    allowed: bool
    rules: tuple[str, ...]
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is allowed, and the names of the rules that decided."""

    allowed: bool
    reasons: tuple[str, ...]


def evaluate(request: Mapping[str, Any], policies: cedarpy.PolicySet, entities: str) -> Answer:
    """One Cedar evaluation. `entities` is JSON, and so is the `context` of the request."""
    result = cedarpy.is_authorized(dict(request), policies, entities)
    told = result.diagnostics
    return Answer(result.allowed, tuple(sorted(told.reasons)), tuple(told.errors))


class Policy:
    """The rules of one realm, and the decisions that were made by them. May be asked from any thread."""

    def __init__(self, text: str, version: str, *, record: Record | None = None) -> None:
        """Read a text; PolicyInvalid with every fault, line by line, when it is not strictly valid."""
        self.text = text
        self.version = version
        self.rules = rules(text, _SCHEMA)
        self._policies = cedarpy.PolicySet.from_str(text)
        self._record = record
        self._looks = looks(text)
        self._known: dict[tuple[Any, ...], tuple[Decision, Asked | None]] = {}
        self._made: dict[tuple[Any, ...], Decision] = {}

    def decide(
        self,
        actor: Actor,
        verb: str,
        label: Label,
        *,
        realm: str,
        purpose: str = "",
        lent: frozenset[str] = _NONE,
        subject: bool = False,
    ) -> Decision:
        """Whether an actor may do this with information under a label, and by which rules.

        `lent` are the purposes for which its owner lends it to him now, `subject` says whether it is about himself.
        Decided once, counted each time. BadRequest for a verb that does not exist.
        """
        if label.subject:  # of whom it tells is no matter but for `subject`, and must not make an entry for each person
            label = replace(label, subject="")
        key = (
            *(actor.id, actor.roles, actor.departments, actor.assurance),
            *(verb, label, realm, purpose, lent, subject),
        )
        known = self._known.get(key)
        if known is None:
            how = {"realm": realm, "purpose": purpose}
            decision = self._decided(actor, verb, label, **how, lent=lent, subject=subject)
            asked = None
            if self._record is not None:
                asked = self._record.of(actor, verb, label, realm, purpose, lent, subject)
            if len(self._known) >= DEFAULT.decisions:
                self._known.clear()
            known = self._known[key] = (decision, asked)
        decision, asked = known
        if asked is not None and self._record is not None:
            asked.count += 1
            asked.last = self._record.now()
        return decision

    def _decided(
        self, actor: Actor, verb: str, label: Label, *, realm: str, purpose: str, lent: frozenset[str], subject: bool
    ) -> Decision:
        """The decision that was made of a question which this policy cannot tell from this one, or a new one."""
        ident, asked_for = self._looks.alike(actor, purpose, label, lent)
        key = (ident, actor.roles, actor.departments, actor.assurance, verb, label, realm, asked_for, lent, subject)
        found = self._made.get(key)
        if found is None:
            found = self.weigh(actor, verb, label, realm=realm, purpose=purpose, lent=lent, subject=subject)
            if len(self._made) >= DEFAULT.decisions:
                self._made.clear()
            self._made[key] = found
        return found

    def weigh(
        self,
        actor: Actor,
        verb: str,
        label: Label,
        *,
        realm: str,
        purpose: str = "",
        lent: frozenset[str] = _NONE,
        subject: bool = False,
    ) -> Decision:
        """As `decide`, but neither remembered nor counted: for trials and questions."""
        if verb not in _ACTIONS:
            raise BadRequest(f"there is no verb {verb[:40]!r}", where="verb", mend=f"one of {', '.join(VERBS)}")
        try:
            context = orjson.dumps({"purpose": purpose, "lent": sorted(lent), "subject": subject}).decode()
            entities = orjson.dumps([_principal(actor), _resource(label, realm)]).decode()
        except TypeError:  # half a character, which no JSON can hold
            return Decision(False, (FAILED,))
        answer = evaluate(
            {
                "principal": {"type": "Actor", "id": actor.id},
                "action": {"type": "Action", "id": verb},
                "resource": {"type": "Information", "id": "it"},
                "context": context,
            },
            self._policies,
            entities,
        )
        if answer.errors:
            return Decision(False, (FAILED, *answer.errors))
        if not answer.rules:
            return Decision(False, (NOTHING_PERMITS,))
        return Decision(answer.allowed, tuple(self.rules[at].id for at in sorted(map(_position, answer.rules))))

    def rule(self, name: str) -> Rule | None:
        """The rule of a name; None for a reason that is no rule."""
        return next((one for one in self.rules if one.id == name), None)

    def told(self, decision: Decision) -> list[dict[str, Any]]:
        """The reasons of a decision for people: each rule with its sentence and its lines."""
        return [_told(name, self.rule(name)) for name in decision.reasons]


def shipped(realm: str) -> str:
    """The text that hansa ships for a realm; for one that it does not know, the stricter one."""
    return (_HELD / ("open.cedar" if realm == "open" else "security.cedar")).read_text("utf-8")


def schema() -> str:
    """What policies may speak of, for people who write them."""
    return (_HELD / "hansa.cedarschema").read_text("utf-8")


def _principal(actor: Actor) -> dict[str, Any]:
    return {
        "uid": {"type": "Actor", "id": actor.id},
        "attrs": {
            "kind": actor.kind,
            "departments": sorted(actor.departments - {""}),  # nobody is a member of nothing
            "assurance": actor.assurance,
        },
        "parents": [{"type": "Role", "id": role} for role in sorted(actor.roles & _ROLES)],
    }


def _resource(label: Label, realm: str) -> dict[str, Any]:
    return {
        "uid": {"type": "Information", "id": "it"},
        "attrs": {"realm": realm, "owner": label.owner, "licence": label.licence, "purposes": list(label.purposes)},
        "parents": [{"type": "Class", "id": label.kind}],
    }


def _position(cedars: str) -> int:
    return int(cedars.removeprefix("policy"))


def _told(name: str, rule: Rule | None) -> dict[str, Any]:
    if rule is not None:
        return rule.shown()
    sentence = {
        NOTHING_PERMITS: "No rule permits it, and nothing is allowed unless a rule permits it.",
        FAILED: "A rule could not be evaluated, so nothing is allowed.",
    }
    return {"id": name, "reason": sentence.get(name, name)}
