"""A new policy, tried against what was asked of the one that holds: what would change, for whom, how often.

Nothing takes effect by it, and nothing that it asks is counted. Report: 4.2.
"""

from typing import Any

from hansa.trust.policy import Decision, Policy
from hansa.trust.policy_record import Asked, Record


def trial(now: Policy, new: Policy, record: Record) -> list[dict[str, Any]]:
    """Every recorded decision that the new policy would make otherwise, the most asked first."""
    found = []
    for one in record:
        before, after = _weighed(now, one), _weighed(new, one)
        if before.allowed is not after.allowed:
            found.append(one.to_json() | {"before": _told(before), "after": _told(after)})
    return found


def _weighed(policy: Policy, one: Asked) -> Decision:
    how = {"realm": one.realm, "purpose": one.purpose}
    return policy.weigh(one.actor, one.verb, one.label, **how, lent=one.lent, subject=one.subject)


def _told(decision: Decision) -> dict[str, Any]:
    return {"allowed": decision.allowed, "reasons": list(decision.reasons)}
