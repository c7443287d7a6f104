"""In the command centre it takes two people to have a device act: what each may write of a Command, and what goes out.

`pending` is the only status that is sent. There, a Command comes to it out of `requested` alone, by a person who did
not ask for it and stands for exactly what was asked (`approvedHash`, see `model.command.digest`). That holds in the
writer, through whatever door somebody comes; and the sender asks again, of whatever has become pending otherwise.
"""

from typing import Final

from hansa.model.command import ASKED, digest
from hansa.model.entity import Doc, Entity, types_of
from hansa.trust.breakglass import is_widened
from hansa.trust.labels import Sight

REALMS: Final = frozenset({"security"})
"""Where it takes two."""
KIND: Final = "Command"
ACTS: Final = "commands"
"""The app by whose act one approves."""
APPROVERS: Final = frozenset({"command", "supervisor"})
_BEGINS: Final = frozenset({None, "draft", "requested", "drill"})
_STEPS: Final = {
    None: frozenset({"draft", "requested", "drill", "cancelled"}),
    "draft": frozenset({"requested", "drill", "cancelled"}),
    "requested": frozenset({"pending", "denied", "cancelled"}),
    "pending": frozenset({"cancelled"}),
}
_SYSTEM: Final = ("deliveredAt", "withheldAt", "withheldBecause", "result", "resultAt", "answer")
"""What is said of a Command by the city alone."""
_APPROVAL: Final = ("approvedBy", "approvedAt", "approvedHash", "sendBy")


def may(sight: Sight, before: Doc | None, after: Doc, app: str) -> bool:
    """Whether somebody may make this of a Command, in a realm where it takes two; `app`: by whose act."""
    was = None if before is None or KIND not in types_of(before) else Entity(before)
    now = Entity(after)
    status = now.get("status")
    if status is not None and not isinstance(status, str):
        return False
    if was is None:
        begun = status in _BEGINS and now.get("requestedBy") in {None, sight.actor}
        return begun and (status != "requested" or now.get("requestedBy") == sight.actor) and _none(now)
    earlier = was.get("status")
    if any(was.get(name) != now.get(name) for name in _SYSTEM):
        return False
    if any(was.get(name) != now.get(name) for name in ASKED) and not (
        earlier in {None, "draft"} and status in _BEGINS and now.get("requestedBy") == sight.actor
    ):
        return False
    if earlier != status and not (isinstance(earlier, str | None) and status in _STEPS.get(earlier, ())):
        return False
    if status == "requested" and earlier != status and now.get("requestedBy") != sight.actor:
        return False
    if earlier == "requested" and status == "pending":
        return (
            app == ACTS  # which asks for fresh proof, and whether it is still in time, and is noted
            and sight.who.kind == "person"
            and not is_widened(sight.who)
            and bool(sight.who.roles & APPROVERS)
            and isinstance(now.get("requestedBy"), str)
            and now.get("requestedBy") != sight.actor == now.get("approvedBy")
            and now.get("approvedHash") == digest(now)
        )
    return all(was.get(name) == now.get(name) for name in _APPROVAL)


def approved(one: Entity, actor: str | None = None) -> bool:
    """Whether two people stand for this Command; `actor` is who made it pending, where that is known."""
    asked, agreed = one.get("requestedBy"), one.get("approvedBy")
    return (
        isinstance(asked, str)
        and isinstance(agreed, str)
        and agreed.startswith("person:")
        and agreed != asked
        and actor in {None, agreed}
        and one.get("approvedHash") == digest(one)
    )


def _none(now: Entity) -> bool:
    return not any(name in now for name in (*_SYSTEM, *_APPROVAL))
