"""Licences of what ships: each is known and allowed, or an exception that says why.

    python -m lint.licences

What is allowed stands in `licences.toml`. Unknown is a fault like GPL; so is an exception, or a licence given by hand,
that is needed no more.
"""

import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from lint.shipped import SAID, Package, Unlocked, hansa, packages, vendored

_WORDS: Final = re.compile(r"\(|\)|[^\s()]+")


def main() -> int:
    """Look at every package that ships."""
    try:
        shipped = [*packages(), *vendored()]
    except Unlocked as fault:
        sys.stderr.write(f"could not look: {fault}\n")
        return 2
    wrong = list(faults(shipped, tomllib.loads(SAID.read_text("utf-8"))))
    for line in wrong:
        sys.stderr.write(f"{line}\n")
    return 1 if wrong else 0


def faults(shipped: Sequence[Package], said: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the licences of some packages, by what `licences.toml` allows."""
    allowed, exceptions = frozenset(said["allowed"]), said["exceptions"]
    if not allows(hansa()["license"], allowed):
        yield "hansa itself is under a licence that it would not allow others"
    for one in shipped:
        excepted = exceptions.get(one.name)
        if not one.licence:
            yield f"{one.name} {one.version}: nobody says its licence; read it, and name it in lint/licences.toml"
        elif allows(one.licence, allowed):
            if excepted:
                yield f"{one.name}: {one.licence} needs no exception any more"
        elif not excepted or excepted["licence"] != one.licence:
            yield f"{one.name} {one.version}: {one.licence} is not among the allowed licences"
        elif not excepted["why"].strip():
            yield f"{one.name}: the exception does not say why"
    names = {one.name for one in shipped}
    for name in sorted({*said["named"], *exceptions} - names):
        yield f"{name}: does not ship, and is named in lint/licences.toml"


def allows(expression: str, allowed: frozenset[str]) -> bool:
    """Whether an SPDX expression can be met by allowed licences alone: of OR one is enough, of AND all are needed."""
    words = _WORDS.findall(expression)

    def alternatives() -> bool:
        found = together()
        while words and words[0].upper() == "OR":
            words.pop(0)
            found = together() or found
        return found

    def together() -> bool:
        found = one()
        while words and words[0].upper() == "AND":
            words.pop(0)
            found = one() and found
        return found

    def one() -> bool:
        if not words:
            return False
        word = words.pop(0)
        if word == "(":
            found = alternatives()
            return bool(words) and words.pop(0) == ")" and found
        if words and words[0].upper() == "WITH":  # an exception adds to what is granted, but is not known here
            del words[:2]
            return False
        return word in allowed

    found = alternatives()
    return found and not words


if __name__ == "__main__":
    sys.exit(main())
