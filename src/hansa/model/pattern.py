"""Regular expressions that cannot hang: POSIX extended syntax, matched in time linear in the text.

`q` (`~=`) and `idPattern` take patterns from anybody. Python's `re` backtracks, so that `(a+)+b` on forty characters
stops a city; a check for "dangerous" patterns is a guess. Here a pattern becomes a nondeterministic automaton whose
deterministic states are made as texts need them (Thompson, 1968), which has no bad case: about 40 ns a character once
warm. Back references and look-around are no regular expressions (IEEE 1003.2 has neither for EREs) and are refused.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from hansa.errors import BadRequest
from hansa.limits import DEFAULT

Test = Callable[[str], bool]
Emit = Callable[[int], int]  # given the state that follows, writes states and says which comes first

NODES: Final = 600  # of one automaton, after repeats are written out
HELD: Final = 20_000  # nodes and transitions remembered in states; beyond it all are forgotten and made again (2 MB)
TEXT: Final = 4_096  # characters; a longer value matches no pattern
GROUPS: Final = 50  # inside each other
REPEATS: Final = 255  # RE_DUP_MAX of IEEE 1003.2

_CHAR, _SPLIT, _BEGIN, _END, _ACCEPT = range(5)
_ESCAPED: Final[dict[str, Test]] = {
    "d": str.isdecimal,
    "w": lambda c: c.isalnum() or c == "_",
    "s": str.isspace,
    "D": lambda c: not c.isdecimal(),
    "W": lambda c: not (c.isalnum() or c == "_"),
    "S": lambda c: not c.isspace(),
}
_CONTROL: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
_CLASSES: Final[dict[str, Test]] = {
    "alpha": str.isalpha,
    "digit": str.isdecimal,
    "alnum": str.isalnum,
    "upper": str.isupper,
    "lower": str.islower,
    "space": str.isspace,
    "blank": lambda c: c in " \t",
    "punct": lambda c: unicodedata.category(c)[0] in "PS",
    "cntrl": lambda c: unicodedata.category(c) == "Cc",
    "print": str.isprintable,
    "graph": lambda c: c.isprintable() and not c.isspace(),
    "xdigit": lambda c: c in "0123456789abcdefABCDEF",
}
_REPEATS: Final[dict[str, tuple[int, int | None]]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_BOUNDS = re.compile(r"\{([0-9]{1,3})(?:(,)([0-9]{1,3})?)?\}")


class Pattern:
    """A compiled pattern; `found(text)` says whether it occurs. Equal when the texts are.

    As everywhere in POSIX, and as the other brokers read CIM 009 (4.9), a pattern may match anywhere; `^` and `$`
    tie it to the ends. `.` is any character.
    """

    __slots__ = ("_first", "_held", "_known", "_nodes", "_start", "text")

    def __init__(self, text: str) -> None:
        """Compile; BadRequest names the position of what is not a regular expression."""
        self.text = text
        parser = _Parser(text)
        self._first, self._nodes = parser.compile()
        self._forget()

    def found(self, text: str) -> bool:
        """Whether the pattern occurs in `text`. A text beyond the cap matches nothing."""
        if len(text) > TEXT:
            return False
        state = self._start
        for char in text:
            if state.accepts:
                return True
            state = state[char]
        return state.accepts or state.at_end()

    def __eq__(self, other: object) -> bool:
        """Same text."""
        return isinstance(other, Pattern) and other.text == self.text

    def __hash__(self) -> int:
        """By text."""
        return hash(self.text)

    def __repr__(self) -> str:
        """The text."""
        return f"Pattern({self.text!r})"

    def _forget(self) -> None:
        self._known: dict[frozenset[int], _State] = {}
        self._held = 0
        # Not among the known: `^` holds here, and not where the same nodes are met again.
        self._start = _State(self, self._closure([self._first], begin=True, end=False))

    def _state(self, nodes: frozenset[int]) -> "_State":
        known = self._known.get(nodes)
        if known is None:
            known = self._known[nodes] = _State(self, nodes)
            self._held += len(nodes)
        return known

    def _closure(self, waiting: list[int], *, begin: bool, end: bool) -> frozenset[int]:
        seen: set[int] = set()
        while waiting:
            at = waiting.pop()
            if at in seen:
                continue
            seen.add(at)
            kind, _, one, two = self._nodes[at]
            if kind == _SPLIT:
                waiting += (one, two)
            elif (kind == _BEGIN and begin) or (kind == _END and end):
                waiting.append(one)
        return frozenset(seen)

    def _step(self, state: "_State", char: str) -> "_State":
        after = [
            one for kind, test, one, _ in map(self._nodes.__getitem__, state.nodes) if kind == _CHAR and test(char)
        ]
        after.append(self._first)  # a match may begin at any character
        self._held += 1
        if self._held > HELD:
            self._forget()
        return self._state(self._closure(after, begin=False, end=False))


def pattern(text: str, cap: int = DEFAULT.regex) -> Pattern:
    """The compiled pattern of `text`; BadRequest when it is none, or longer than `cap` characters."""
    if len(text) > cap:
        raise BadRequest(f"the pattern has {len(text)} characters, more than {cap}", where="pattern")
    return compiled(text)


@lru_cache(maxsize=64)
def compiled(text: str) -> Pattern:
    """The compiled pattern of a text whose length was checked when it came in."""
    return Pattern(text)


class _State(dict[str, "_State"]):
    """A set of nodes the automaton may be in; its items are the states after each character seen so far."""

    __slots__ = ("accepts", "nodes", "owner")

    def __init__(self, owner: Pattern, nodes: frozenset[int]) -> None:
        super().__init__()
        self.owner = owner
        self.nodes = nodes
        self.accepts = any(owner._nodes[n][0] == _ACCEPT for n in nodes)  # noqa: SLF001  # one machine, two parts

    def __missing__(self, char: str) -> "_State":
        after = self[char] = self.owner._step(self, char)  # noqa: SLF001
        return after

    def at_end(self) -> bool:
        owner = self.owner
        begin = self is owner._start  # noqa: SLF001
        nodes = owner._closure(list(self.nodes), begin=begin, end=True)  # noqa: SLF001
        return any(owner._nodes[n][0] == _ACCEPT for n in nodes)  # noqa: SLF001


def _never(_: str) -> bool:
    return False


class _Parser:
    """Recursive descent over the pattern's text; each rule returns what will write its part of the automaton."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.fold = text.startswith("(?i)")
        self.nodes: list[tuple[int, Test, int, int]] = []
        self.work = 0
        self.depth = 0

    def compile(self) -> tuple[int, list[tuple[int, Test, int, int]]]:
        if self.fold:
            self.at = 4
        emit = self.either()
        if self.at < len(self.text):
            raise self.fault("a ')' closes nothing")
        first = emit(self.node(_ACCEPT))
        return first, self.nodes

    def fault(self, why: str) -> BadRequest:
        return BadRequest(
            f"{why}, at character {self.at + 1} of the pattern {self.text[:80]!r}",
            where="pattern",
            mend="use a POSIX extended regular expression",
        )

    def node(self, kind: int, test: Test = _never, one: int = -1, two: int = -1) -> int:
        if len(self.nodes) >= NODES:
            raise BadRequest(f"the pattern {self.text[:80]!r} is too large once its repeats are written out")
        self.nodes.append((kind, test, one, two))
        return len(self.nodes) - 1

    def char(self, test: Test) -> Emit:
        if self.fold:
            plain = test

            def folded(c: str) -> bool:
                return plain(c) or plain(c.lower()) or plain(c.upper())

            test = folded
        return lambda then: self.node(_CHAR, test, then)

    def either(self) -> Emit:
        ways = [self.sequence()]
        while self.text.startswith("|", self.at):
            self.at += 1
            ways.append(self.sequence())
        if len(ways) == 1:
            return ways[0]

        def emit(then: int) -> int:
            first = ways[-1](then)
            for way in reversed(ways[:-1]):
                first = self.node(_SPLIT, _never, way(then), first)
            return first

        return emit

    def sequence(self) -> Emit:
        parts: list[Emit] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self.repeated(self.atom()))

        def emit(then: int) -> int:
            for part in reversed(parts):
                then = part(then)
            return then

        return emit

    def repeated(self, part: Emit) -> Emit:
        char = self.text[self.at : self.at + 1]
        if char == "{":
            low, high = self.bounds()
        elif char in _REPEATS:
            low, high = _REPEATS[char]
            self.at += 1
        else:
            return part
        if self.text.startswith("?", self.at):
            self.at += 1  # "as few as possible" changes which match is found, not whether there is one
        if self.text.startswith(("*", "+", "?", "{"), self.at):
            raise self.fault(f"{self.text[self.at]!r} repeats a repeat")  # undefined in IEEE 1003.2, 9.4.6
        return self.times(part, low, high)

    def bounds(self) -> tuple[int, int | None]:
        found = _BOUNDS.match(self.text, self.at)
        if found is None:
            raise self.fault("'{' begins no repeat")
        low = int(found[1])
        high = low if found[2] is None else None if found[3] is None else int(found[3])
        if low > REPEATS or (high is not None and (high > REPEATS or high < low)):
            raise self.fault(f"a repeat goes from small to large and to {REPEATS} at most")
        self.at = found.end()
        return low, high

    def times(self, part: Emit, low: int, high: int | None) -> Emit:
        def emit(then: int) -> int:
            # Parts that write no node could be repeated without end inside each other; the work is counted too.
            self.work += low + (high or 1)
            if self.work > 10 * NODES:
                raise BadRequest(f"the pattern {self.text[:80]!r} is too large once its repeats are written out")
            if high is None:
                loop = self.node(_SPLIT)
                self.nodes[loop] = (_SPLIT, _never, part(loop), then)
                then = loop
            else:
                after = then
                for _ in range(high - low):
                    then = self.node(_SPLIT, _never, part(then), after)
            for _ in range(low):
                then = part(then)
            return then

        return emit

    def atom(self) -> Emit:
        char = self.text[self.at]
        self.at += 1
        if char == "(":
            if self.text.startswith("?", self.at):
                if not self.text.startswith("?:", self.at):
                    raise self.fault("only '(?:' groups and a leading '(?i)' are understood")
                self.at += 2
            self.depth += 1
            if self.depth > GROUPS:
                raise self.fault(f"more than {GROUPS} groups inside each other")
            inner = self.either()
            self.depth -= 1
            if not self.text.startswith(")", self.at):
                raise self.fault("a '(' is never closed")
            self.at += 1
            return inner
        if char == ".":
            return self.char(lambda _: True)
        if char == "^":
            return lambda then: self.node(_BEGIN, _never, then)
        if char == "$":
            return lambda then: self.node(_END, _never, then)
        if char == "[":
            return self.char(self.brackets())
        if char == "\\":
            return self.char(self.escape())
        if char in "*+?{":
            self.at -= 1
            raise self.fault(f"{char!r} repeats nothing")
        return self.char(char.__eq__)

    def escape(self) -> Test:
        if self.at >= len(self.text):
            raise self.fault("a '\\' escapes nothing")
        char = self.text[self.at]
        self.at += 1
        if char in _ESCAPED:
            return _ESCAPED[char]
        if char in _CONTROL:
            return _CONTROL[char].__eq__
        if char.isalnum():
            raise self.fault(f"the escape '\\{char}' is not understood")
        return char.__eq__

    def brackets(self) -> Test:
        negated = self.text.startswith("^", self.at)
        self.at += negated
        begin = self.at
        tests: list[Test] = []
        while True:
            if self.at >= len(self.text):
                raise self.fault("a '[' is never closed")
            if self.text[self.at] == "]" and self.at > begin:
                self.at += 1
                break
            tests.append(self.member())
        if negated:
            return lambda c: not any(test(c) for test in tests)
        return lambda c: any(test(c) for test in tests)

    def member(self) -> Test:
        if self.text.startswith("[:", self.at):
            close = self.text.find(":]", self.at)
            name = self.text[self.at + 2 : close] if close > 0 else ""
            if name not in _CLASSES:
                raise self.fault("no such character class")
            self.at = close + 2
            return _CLASSES[name]
        low = self.text[self.at]
        self.at += 1
        if low == "\\":
            before = self.at
            test = self.escape()
            if self.text[before] in _ESCAPED:
                return test
            low = _CONTROL.get(self.text[before], self.text[before])
        if self.text.startswith("-", self.at) and self.text[self.at + 1 : self.at + 2] not in {"", "]"}:
            high = self.text[self.at + 1]
            self.at += 2
            if high == "\\":
                before = self.at
                self.escape()
                high = _CONTROL.get(self.text[before], self.text[before])
            if high < low:
                raise self.fault("a range runs from small to large")
            return lambda c: low <= c <= high
        return low.__eq__
