"""What a formula is made of: a small tree, read from text by a grammar that has nothing but arithmetic in it.

    check      = both { "or" both }                     # only where a check is read
    both       = compared { "and" compared }
    compared   = sum { ("<=" | "<" | ">=" | ">" | "==" | "!=") sum }
    sum        = product { ("+" | "-") product }
    product    = signed { ("*" | "/") signed }
    signed     = ["-"] atom
    atom       = number [ "[" unit "]" ] | name | function "(" sum { "," sum } ")" | "(" sum ")"
    function   = "sum" | "mean" | "min" | "max" | "abs" | "if_missing"

There are no strings, attributes, subscripts or powers: a formula can neither reach anything nor grow without bound.

Tests: tests/kpi/test_kpi_formula.py (whatever the text, the answer is a tree or BadRequest; written and read again, a
tree is itself).
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hansa.errors import BadRequest

LONGEST: Final = 1_000  # characters of a formula: the longest in use has 120
DEEPEST: Final = 24  # parentheses and calls within one another; reading and reckoning go that deep
PARTS: Final = 200  # numbers, names and operators of one formula
FUNCTIONS: Final = ("sum", "mean", "min", "max", "abs", "if_missing")
_WORDS: Final = {*FUNCTIONS, "and", "or"}


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written. With a unit (`5 [km]`) it is a quantity; without, it says in what steps things are told."""

    text: str
    unit: str | None = None

    @property
    def value(self) -> float:
        """Its value."""
        return float(self.text)


@dataclass(frozen=True, slots=True)
class Name:
    """An input, or a value, by its name."""

    text: str


@dataclass(frozen=True, slots=True)
class Minus:
    """The negative of something."""

    of: "Tree"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two things added, subtracted, multiplied or divided."""

    sign: str
    left: "Tree"
    right: "Tree"


@dataclass(frozen=True, slots=True)
class Call:
    """A function of some things."""

    function: str
    of: "tuple[Tree, ...]"


@dataclass(frozen=True, slots=True)
class Compared:
    """Two or more things in a row of comparisons: `0 <= share <= 100`."""

    of: "tuple[Tree, ...]"
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """Comparisons, of which all (`and`) or one (`or`) hold."""

    word: str
    of: "tuple[Tree, ...]"


Tree = Number | Name | Minus | Pair | Call | Compared | Joined

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign><=|>=|==|!=|[-+*/(),<>])|(?P<unit>\[[^\[\]]*\]))"
)
_COMPARING: Final = frozenset(("<=", "<", ">=", ">", "==", "!="))


def tree(text: str, *, check: bool = False) -> Tree:
    """The tree of a formula, or of a check (which compares); BadRequest says what is wrong and at which character."""
    if not isinstance(text, str) or not text.strip():
        raise BadRequest("a formula is empty", mend="write it over the names of inputs: 100 * a / b")
    if len(text) > LONGEST:
        raise BadRequest(f"a formula of {len(text):,} characters", mend=f"at most {LONGEST:,}")
    reader = _Reader(text, list(_tokens(text)))
    made = reader.joined("or") if check else reader.added()
    if reader.at < len(reader.tokens):
        raise reader.wrong("an operator or the end")
    if check and not isinstance(made, (Compared, Joined)):
        raise BadRequest(f"{text!r} compares nothing", mend="a check is a comparison: a <= b")
    return made


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    at, many, end = 0, 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            here = len(text) - len(text[at:].lstrip())
            raise _said(text, here, f"{text[here]!r} has no place in a formula")
        kind = str(found.lastgroup)
        many += 1
        if many > PARTS:
            raise BadRequest(f"a formula of more than {PARTS} parts", mend="give a part of it as an input of its own")
        yield kind, found[kind], found.start(kind)
        at = found.end()


def _said(text: str, at: int, what: str, mend: str | None = None) -> BadRequest:
    return BadRequest(f"{what} (character {at + 1} of {text[:80]!r})", mend=mend)


class _Reader:
    """Reads by descending: a function a line of the grammar."""

    def __init__(self, text: str, tokens: list[tuple[str, str, int]]) -> None:
        self.text = text
        self.tokens = tokens
        self.at = 0
        self.deep = 0

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1][1]

    def wrong(self, wanted: str) -> BadRequest:
        if self.at >= len(self.tokens):
            return _said(self.text, len(self.text), f"the formula ends where {wanted} is wanted")
        _, token, at = self.tokens[self.at]
        return _said(self.text, at, f"{token!r} stands where {wanted} is wanted")

    def expect(self, sign: str) -> None:
        if self.peek() != sign:
            raise self.wrong(repr(sign))
        self.at += 1

    def joined(self, word: str) -> Tree:
        parts = [self.joined("and") if word == "or" else self.compared()]
        while self.peek() == word:
            self.at += 1
            parts.append(self.joined("and") if word == "or" else self.compared())
        if len(parts) == 1:
            return parts[0]
        if not all(isinstance(one, (Compared, Joined)) for one in parts):
            raise BadRequest(f"{word!r} joins comparisons, in {self.text[:80]!r}")
        return Joined(word, tuple(parts))

    def compared(self) -> Tree:
        parts, signs = [self.added()], []
        while self.peek() in _COMPARING:
            signs.append(self.take())
            parts.append(self.added())
        return Compared(tuple(parts), tuple(signs)) if signs else parts[0]

    def added(self) -> Tree:
        made = self.multiplied()
        while self.peek() in ("+", "-"):
            sign = self.take()
            made = Pair(sign, made, self.multiplied())
        return made

    def multiplied(self) -> Tree:
        made = self.signed()
        while self.peek() in ("*", "/"):
            sign = self.take()
            made = Pair(sign, made, self.signed())
        return made

    def signed(self) -> Tree:
        if self.peek() != "-":
            return self.atom()
        self.at += 1
        return Minus(self.atom())

    def atom(self) -> Tree:
        if self.at >= len(self.tokens):
            raise self.wrong("a number or a name")
        kind, word, _ = self.tokens[self.at]
        if kind == "number":
            return self.number()
        if kind == "name" and word not in _WORDS:
            self.at += 1
            return Name(word)
        if word in FUNCTIONS or word == "(":
            self.deep += 1
            if self.deep > DEEPEST:
                raise BadRequest(f"a formula that nests deeper than {DEEPEST}", mend="write it flatter")
            made = self.call() if word in FUNCTIONS else self.inner()
            self.deep -= 1
            return made
        raise self.wrong("a number or a name")

    def number(self) -> Number:
        text = self.take()
        value = float(text)
        if not math.isfinite(value) or (not value and re.search("[1-9]", re.split("[eE]", text)[0])):
            raise BadRequest(f"{text[:40]} is beyond what a number can be")
        if self.at < len(self.tokens) and self.tokens[self.at][0] == "unit":
            return Number(text, self.take()[1:-1].strip())
        return Number(text)

    def inner(self) -> Tree:
        self.at += 1
        made = self.added()
        self.expect(")")
        return made

    def call(self) -> Call:
        function = self.take()
        self.expect("(")
        parts = [self.added()]
        while self.peek() == ",":
            self.at += 1
            parts.append(self.added())
        self.expect(")")
        wanted = {"abs": 1, "if_missing": 2}.get(function)
        if wanted is not None and len(parts) != wanted:
            raise BadRequest(f"{function} takes {wanted}, not {len(parts)}, in {self.text[:80]!r}")
        return Call(function, tuple(parts))


def names(of: Tree) -> Iterator[str]:
    """The names in a tree, in the order in which they are written, each as often as it stands there."""
    if isinstance(of, Name):
        yield of.text
    else:
        for part in parts(of):
            yield from names(part)


def parts(of: Tree) -> tuple[Tree, ...]:
    """What hangs directly below."""
    if isinstance(of, (Number, Name)):
        return ()
    if isinstance(of, Minus):
        return (of.of,)
    return (of.left, of.right) if isinstance(of, Pair) else of.of


def written(of: Tree) -> str:
    """The text of a tree, with no parentheses but those that it needs; read again it is the same tree."""
    if isinstance(of, Number):
        return of.text if of.unit is None else f"{of.text} [{of.unit}]"
    if isinstance(of, Name):
        return of.text
    if isinstance(of, Minus):
        return f"-{_within(of.of, 3)}"
    if isinstance(of, Pair):
        rank = 1 if of.sign in "+-" else 2
        return f"{_within(of.left, rank)} {of.sign} {_within(of.right, rank + 1)}"
    if isinstance(of, Call):
        return f"{of.function}({', '.join(map(written, of.of))})"
    if isinstance(of, Compared):
        rest = (f" {sign} {written(one)}" for sign, one in zip(of.signs, of.of[1:], strict=True))
        return written(of.of[0]) + "".join(rest)
    return f" {of.word} ".join(map(written, of.of))


def _within(of: Tree, rank: int) -> str:
    own = 4
    if isinstance(of, Pair):
        own = 1 if of.sign in "+-" else 2
    elif isinstance(of, Minus):
        own = 2 if rank <= 2 else 0
    return written(of) if own >= rank else f"({written(of)})"
