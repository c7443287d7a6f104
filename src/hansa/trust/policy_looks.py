"""What a policy looks at of whoever asks: so that questions which it cannot tell apart are decided once.

Nearly no rule names a person, or compares the purpose with anything but the label's: then a new person, or a purpose
that nobody ever heard of, needs no new decision, and thousands of them cost a city nothing. Where a rule does more than
is understood here, every question is decided by itself.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import cedarpy

from hansa.trust.actors import Actor
from hansa.trust.labels import Label

_CONTEXT: Final = {"Var": "context"}
_PURPOSE: Final = {".": {"left": _CONTEXT, "attr": "purpose"}}
_HOLDERS: Final = (
    {".": {"left": {"Var": "resource"}, "attr": "purposes"}},
    {".": {"left": _CONTEXT, "attr": "lent"}},
)


@dataclass(frozen=True, slots=True)
class Looks:
    """What a policy can tell apart."""

    who: bool
    """Whether it names somebody by his id."""
    purposes: frozenset[str] | None
    """The purposes that it names; None when it does something else with a purpose too."""

    def alike(self, actor: Actor, purpose: str, label: Label, lent: frozenset[str]) -> tuple[str, str | None]:
        """Whoever asks, and for what, as far as this policy tells: the same where it must decide the same."""
        ident = actor.id if self.who or not actor.id.isascii() else actor.kind
        if (
            self.purposes is not None
            and purpose.isascii()
            and not (purpose in label.purposes or purpose in lent or purpose in self.purposes)
        ):
            return ident, None
        return ident, purpose


def looks(text: str) -> Looks:
    """What a valid policy looks at."""
    held = cedarpy.policies_to_json_str(text)
    named: set[str] = set()
    known = all(_understood(one, named) for one in json.loads(held)["staticPolicies"].values())
    return Looks('"type":"Actor"' in held, frozenset(named) if known else None)


def _understood(node: Any, named: set[str]) -> bool:
    """Whether all that is done with a purpose below a node is understood; what it is compared with goes to `named`."""
    if node in (_PURPOSE, _CONTEXT):  # alone, or as the whole context, it could be anything
        return False
    if isinstance(node, list):
        return all(_understood(one, named) for one in node)
    if not isinstance(node, dict):
        return True
    for word, each in node.items():
        if word == "." and each["left"] == _CONTEXT:
            continue  # another member of the context
        if word in {"==", "!=", "contains"} and isinstance(each, dict) and _compares(word, each, named):
            continue
        if not _understood(each, named):
            return False
    return True


def _compares(word: str, sides: dict[str, Any], named: set[str]) -> bool:
    """Whether this holds a purpose against something that is understood."""
    left, right = sides.get("left"), sides.get("right")
    if word == "contains":
        if right != _PURPOSE:
            return False
        if left in _HOLDERS:
            return True
        words = list(_words(left.get("Set"))) if isinstance(left, dict) else [None]
    else:
        other = right if left == _PURPOSE else left
        if _PURPOSE not in (left, right):
            return False
        words = list(_words([other]))
    if None in words:
        return False
    named.update(word for word in words if word is not None)
    return True


def _words(nodes: Any) -> Iterator[str | None]:
    """The texts of literals; None for what is none."""
    for node in nodes if isinstance(nodes, list) else [None]:
        value = node.get("Value") if isinstance(node, dict) else None
        yield value if isinstance(value, str) else None
