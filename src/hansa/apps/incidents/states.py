"""From which state an incident may go to which, and who may bring it there: pure, and a table that people can read."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from hansa import Forbidden, Refusal
from hansa.apps.incidents import words
from hansa.apps.incidents.words import CONTAINED, MERGED, NEW, OPEN, RESOLVED, REVIEWED, VERIFIED


class Move(NamedTuple):
    """What it takes to go from one state to another."""

    posts: frozenset[str]
    """Who decides it in the incident; empty: whoever works at the desk."""
    reason: bool = False
    commander: bool = False
    """Whether somebody must be in command first."""


_ANYBODY: Final[frozenset[str]] = frozenset()
_COMMAND: Final = frozenset({"commander"})
_FIELD: Final = frozenset({"commander", "operations"})

MOVES: Final[Mapping[tuple[str, str], Move]] = {
    (NEW, VERIFIED): Move(_ANYBODY),
    (NEW, RESOLVED): Move(_ANYBODY, reason=True),  # a false alarm, or seen to already
    (VERIFIED, OPEN): Move(_COMMAND, commander=True),
    (VERIFIED, RESOLVED): Move(_COMMAND, reason=True),
    (OPEN, CONTAINED): Move(_FIELD),
    (OPEN, RESOLVED): Move(_COMMAND, reason=True),
    (CONTAINED, OPEN): Move(_FIELD, reason=True),  # it broke out again
    (CONTAINED, RESOLVED): Move(_COMMAND),
    (RESOLVED, OPEN): Move(_COMMAND, reason=True, commander=True),
    (RESOLVED, REVIEWED): Move(_COMMAND),
}
"""A reviewed incident stays so: what comes after it is another incident, linked to it."""


def onward(status: str) -> tuple[str, ...]:
    """Where an incident in a state can go."""
    return tuple(to for was, to in MOVES if was == status)


def check(status: str, to: str, who: "Who", reason: str) -> None:
    """Raise Refusal where there is no such way or something is missing, Forbidden where it is not for this one."""
    if status == MERGED:
        raise Refusal("this incident was merged into another", where="to", mend="go on in that one")
    move = MOVES.get((status, to))
    if move is None:
        ways = ", ".join(onward(status)) or "nowhere: it is finished"
        raise Refusal(f"a {status} incident does not become {to}", where="to", mend=f"from here it goes to {ways}")
    if move.commander and not who.commander:
        raise Refusal("nobody is in command", where="to", mend="name a commander first")
    if move.reason and not reason:
        raise Refusal(f"to go from {status} to {to} needs a reason", where="reason", mend="say why")
    if move.posts and not who.decides(move.posts):
        raise Forbidden(
            f"only {' or '.join(sorted(move.posts))} may do this, or a supervisor",
            where="to",
            mend="ask them, or have yourself named",
        )


class Who(NamedTuple):
    """Somebody who acts in an incident: his roles in the city, the posts of the incident, its commander."""

    by: str
    roles: frozenset[str]
    posts: Mapping[str, Iterable[str]]
    commander: str

    @property
    def senior(self) -> bool:
        """Whether he may decide without a post."""
        return bool(self.roles & words.SENIORS)

    def decides(self, posts: frozenset[str]) -> bool:
        """Whether he bears one of these posts, or needs none; where nobody commands, whoever is there does."""
        if self.senior or not self.commander:
            return True
        return any(self.by in (self.posts.get(post) or ()) for post in posts) or (
            words.COMMANDER in posts and self.by == self.commander
        )
