"""Which types and which scopes: the two small selection languages (CIM 009 v1.9.1, clauses 4.17 and 4.19).

Both are alternatives (`|` or `,`) of single names or of conjunctions in parentheses: `(Home;Vehicle)|Motorhome`.
Scopes may do without parentheses (`/A;/B`): no scope holds a `;`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from hansa.errors import BadRequest
from hansa.limits import DEFAULT, Limits

TypeSelection = tuple[frozenset[str], ...]
"""Alternatives; an entity needs every type of one of them."""

ANY_BELOW: Final = "#"
ANY_ONE: Final = "+"

_TYPE = re.compile(r"""[^\W\d_][^\s"<>\\^`{}]*""")
_LEVEL = re.compile(r"[^\W\d_]\w*|\+")


def parse_types(text: str, expand: Callable[[str], str], limits: Limits = DEFAULT) -> TypeSelection | None:
    """The alternatives of a type selection, names expanded; None for `*`, any type."""
    if text.strip() == "*":
        return None
    groups = _groups(text, "type", limits)
    for name in (name for group in groups for name in group):
        if not _TYPE.fullmatch(name) or len(name) > limits.name:
            raise BadRequest(f"{name[:80]!r} is not the name of a type", where="type")
    return tuple(frozenset(expand(name) for name in group) for group in groups)


def types_match(selection: TypeSelection) -> Callable[[str | list[str]], bool]:
    """The closure that says whether a document's `type` is selected."""
    single = frozenset(name for group in selection if len(group) == 1 for name in group)
    several = tuple(group for group in selection if len(group) > 1)

    def match(kind: str | list[str]) -> bool:
        if type(kind) is str:
            return kind in single
        return not single.isdisjoint(kind) or any(group.issubset(kind) for group in several)

    return match


@dataclass(frozen=True, slots=True)
class ScopeSelection:
    """Alternatives of conjunctions of scopes, each a tuple of levels; `+` is any one level, `#` last any tree below."""

    groups: tuple[tuple[tuple[str, ...], ...], ...]

    def matches(self, scope: Any) -> bool:
        """Whether an entity's `scope` (a string, a list of them, or None) is selected."""
        if not scope:
            return False
        levels = [one.strip("/").split("/") for one in (scope if type(scope) is list else [scope])]
        return any(all(any(_within(want, have) for have in levels) for want in group) for group in self.groups)


def parse_scopes(text: str, limits: Limits = DEFAULT) -> ScopeSelection:
    """The selection of a scopeQ text; BadRequest when it is none. A leading slash may be missing, as in scopes."""
    groups = []
    for group in _groups(text, "scopeQ", limits):
        scopes = []
        for written in group:
            levels = written.removeprefix("/").split("/")
            named = levels[:-1] if levels[-1] == ANY_BELOW else levels
            if not all(_LEVEL.fullmatch(level) for level in named) or len(levels) > limits.depth:
                raise BadRequest(
                    f"{written[:80]!r} is not a scope",
                    where="scopeQ",
                    mend="write /Madrid/Gardens, /Madrid/+ or /Madrid/#",
                )
            scopes.append(tuple(levels))
        groups.append(tuple(scopes))
    return ScopeSelection(tuple(groups))


def _within(want: tuple[str, ...], have: list[str]) -> bool:
    if want[-1] == ANY_BELOW:
        want = want[:-1]
        have = have[: len(want)]
    return len(want) == len(have) and all(w in (h, ANY_ONE) for w, h in zip(want, have, strict=True))


def _groups(text: str, where: str, limits: Limits) -> list[list[str]]:
    """Alternatives of conjunctions, as written."""
    if len(text) > limits.url:
        raise BadRequest(f"{len(text)} characters, more than {limits.url}", where=where)
    groups: list[list[str]] = []
    at = 0
    while True:
        if text.startswith("(", at):
            close = text.find(")", at)
            if close < 0:
                raise BadRequest(f"a '(' is never closed, at character {at + 1}", where=where)
            groups.append(text[at + 1 : close].split(";"))
            at = close + 1
        else:
            ends = "|,()" if where == "scopeQ" else "|,;()"
            end = next((i for i in range(at, len(text)) if text[i] in ends), len(text))
            groups.append(text[at:end].split(";"))
            at = end
        groups[-1] = [name.strip() for name in groups[-1]]
        for name in groups[-1]:
            if not name or any(sign in name for sign in "|,;("):
                raise BadRequest(f"a name is missing or odd, near character {at + 1}", where=where)
        if at >= len(text):
            return groups
        if text[at] not in "|,":
            raise BadRequest(
                f"{text[at]!r} cannot stand here, at character {at + 1}",
                where=where,
                mend="write alternatives as A|B and conjunctions as (A;B)",
            )
        at += 1
