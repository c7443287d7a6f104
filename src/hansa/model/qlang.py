"""The words of a question: the NGSI-LD query language `q` (CIM 009 v1.9.1, clause 4.9), from text to tree.

    temperature>20;(status=="open"|severity~="^hi");address[city]=="Berlin";sensor{Device:battery}<0.2

`;` binds closer than `|`. `expand` maps each short name to the one stored when it is parsed. Beyond the grammar, as
other brokers have it, `!name` asks that an attribute is not there, and a word without quotes that reads as a name is a
string. What a tree means for a document is decided in `query`.
"""

import json
import math
import re
from collections.abc import Callable, Collection
from datetime import date
from typing import Any, Final, NoReturn

from hansa import clock
from hansa.errors import BadRequest
from hansa.limits import DEFAULT, Limits
from hansa.model.core_context import whole
from hansa.model.pattern import pattern
from hansa.model.qtree import (
    PAIR,
    And,
    Bool,
    Compare,
    Day,
    Exists,
    Hop,
    Hour,
    Like,
    Moment,
    Node,
    Or,
    Path,
    Span,
    Value,
)

Expand = Callable[[str], str]


def identity(name: str) -> str:
    """The name itself: what `expand` is when names need no context."""
    return name


def parse_q(
    text: str,
    expand: Expand = identity,
    *,
    expand_member: Expand = identity,
    expand_values: Collection[str] = (),
    json_keys: Collection[str] = (),
    limits: Limits = DEFAULT,
) -> Node:
    """The tree of `text`; BadRequest names the character at which it stops being a query.

    `expand_values` and `json_keys` are attribute names as the caller writes them: the values of the first are expanded
    to IRIs, the members within the second are never expanded (`expand_member` expands those of all others).
    """
    if len(text) > limits.url:
        raise BadRequest(f"the query has {len(text)} characters, more than {limits.url}", where="q")
    parser = _Parser(text, expand, expand_member, limits)
    parser.expand_values = frozenset(expand_values)
    parser.json_keys = frozenset(json_keys)
    return parser.query()


def parse_path(text: str, expand: Expand = identity, limits: Limits = DEFAULT) -> Path:
    """The tree of an attribute path alone, as orderBy has it (4.23.3): `name.observedAt`, `address[city]`."""
    parser = _Parser(text, expand, identity, limits)
    path = parser.path(_NAME)
    if parser.at < len(text):
        parser.fail("nothing can follow here")
    return path


_SIMPLE = r"[^\W\d_]\w*"
_NAME = re.compile(f"{_SIMPLE}(?::{_SIMPLE})?")  # 4.6.2: a name may have one prefix
_LINKED = re.compile(_SIMPLE)
_TYPES = re.compile(f"({_SIMPLE}(?:,{_SIMPLE})*):")
_MEMBER = re.compile(r"""[^\s\[\].;|(){}"=<>!~,]+""")
_OP = re.compile(r"==|!=|>=|<=|!~=|~=|>|<")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,6})?"
_MOMENT = re.compile(f"{_DAY}T{_CLOCK}Z")  # 4.6.3: the zone is always Z
_DATE = re.compile(_DAY)
_HOUR = re.compile(f"{_CLOCK}Z")
_WORD = re.compile(r"""[^\s"<>\\^`{|}();,]+""")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.+")
_BARE = re.compile(r"[^\W\d_][\w-]*")
_ENDS: Final = frozenset(";|),")
_PLAIN_OPS: Final = frozenset(("==", "!="))


def day_of(text: str) -> Day:
    """The Day of `YYYY-MM-DD`; ValueError when it is none."""
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    return Day(date.fromisoformat(text).toordinal())


def hour_of(text: str) -> Hour:
    """The Hour of `hh:mm:ssZ`; ValueError when it is none."""
    if not _HOUR.fullmatch(text):
        raise ValueError(text)
    try:
        return Hour(clock.parse("1970-01-01T" + text))
    except BadRequest as fault:
        raise ValueError(fault.detail) from None


class _Parser:
    """Recursive descent; `at` is the next character."""

    def __init__(self, text: str, expand: Expand, expand_member: Expand, limits: Limits) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.terms = 0
        self.expand = expand
        self.expand_member = expand_member
        self.expand_values: frozenset[str] = frozenset()
        self.json_keys: frozenset[str] = frozenset()
        self.limits = limits
        self.expanding = False  # whether the values of the term being read are expanded

    def query(self) -> Node:
        node = self.either()
        if self.at < len(self.text):
            self.fail("a ')' closes nothing" if self.text[self.at] == ")" else "nothing can follow here")
        return node

    def fail(self, why: str) -> NoReturn:
        seen = self.text[self.at : self.at + 20]
        raise BadRequest(
            f"q: {why}, at character {self.at + 1}" + (f" ({seen!r})" if seen else " (the end)"),
            where=f"q[{self.at}]",
            mend='write terms as temperature>20;status=="open", see CIM 009 clause 4.9',
        )

    def blanks(self) -> None:
        while self.text.startswith(" ", self.at):
            self.at += 1

    def take(self, token: str) -> bool:
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def match(self, shape: re.Pattern[str]) -> str | None:
        found = shape.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found[0]

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > self.limits.depth:
            self.fail(f"nested deeper than {self.limits.depth}")

    def either(self) -> Node:
        return self.joined("|", self.all, Or)

    def all(self) -> Node:
        return self.joined(";", self.term, And)

    def joined(self, sign: str, part: Callable[[], Node], kind: type[And] | type[Or]) -> Node:
        terms: list[Node] = []
        while True:
            term = part()
            terms += term.terms if isinstance(term, kind) else (term,)
            self.blanks()
            if not self.take(sign):
                return terms[0] if len(terms) == 1 else kind(tuple(terms))

    def term(self) -> Node:
        self.blanks()
        if self.take("("):
            self.deeper()
            node = self.either()
            if not self.take(")"):
                self.fail("a '(' is never closed")
            self.depth -= 1
            return node
        self.terms += 1
        if self.terms > self.limits.terms:
            self.fail(f"more than {self.limits.terms} conditions")
        if self.text.startswith("!", self.at) and not self.text.startswith(("!=", "!~"), self.at):
            self.at += 1
            return Exists(self.path(_NAME), negated=True)
        begin = self.at
        path = self.path(_NAME)
        written = self.text[begin : self.at]
        self.expanding = bool(self.expand_values) and not self.expand_values.isdisjoint((written, _first(written)))
        self.blanks()
        op = self.match(_OP)
        if op is None:
            return Exists(path)
        self.blanks()
        if op in {"~=", "!~="}:
            return Like(path, self.regex(), op == "!~=")
        return Compare(path, op, self.values(op))

    def path(self, shape: re.Pattern[str]) -> Path:
        first = self.name(shape)
        written = [first]
        if self.take("{"):
            self.deeper()
            types: tuple[str, ...] = ()
            found = _TYPES.match(self.text, self.at)
            if found is not None:
                types = tuple(self.expand(kind) for kind in found[1].split(","))
                self.at = found.end()
            hop = Hop(types, self.path(_LINKED))
            if not self.take("}"):
                self.fail("a '{' is never closed")
            self.depth -= 1
            return Path((self.expand(first),), (), hop)
        while self.text.startswith(".", self.at):
            self.at += 1
            self.deeper()
            written.append(self.name(shape))
        self.depth -= len(written) - 1
        within: list[str] = []
        if self.take("["):
            expand = identity if first in self.json_keys else self.expand_member
            while not within or self.take("."):
                member = self.match(_MEMBER)
                if member is None:
                    self.fail("a member's name is missing")
                within.append(expand(member) if member != "*" else member)
                if len(within) > self.limits.depth:
                    self.fail(f"nested deeper than {self.limits.depth}")
            if not self.take("]"):
                self.fail("a '[' is never closed")
        return Path(tuple(self.expand(name) for name in written), tuple(within))

    def name(self, shape: re.Pattern[str]) -> str:
        found = self.match(shape)
        if found is None:
            self.fail("an attribute's name is missing")
        if len(found) > self.limits.name:
            self.fail("the name is too long")
        return found

    def values(self, op: str) -> tuple[Value | Span, ...]:
        begin = self.at
        first = self.value(op)
        if self.take(".."):
            high = self.value(op)
            if op not in _PLAIN_OPS or isinstance(first, Bool) or isinstance(high, Bool):
                self.at = begin
                self.fail("a range goes with == and != and has two ends that can be ordered")
            return (Span(first, high),)
        values: list[Value | Span] = [first]
        self.blanks()
        while self.take(","):
            self.blanks()
            values.append(self.value(op))
            self.blanks()
        if op not in _PLAIN_OPS and (len(values) > 1 or isinstance(first, Bool)):
            self.at = begin
            self.fail(f"{op} takes one value that can be ordered")
        return tuple(values)

    def value(self, op: str) -> Value:
        if self.text.startswith('"', self.at):
            return self.string()
        begin = self.at
        for shape, read in _LITERALS:
            word = self.match(shape)
            if word is None:
                continue
            if self.ended() and not self.expanding:
                try:
                    value: Value = read(word, self.limits)
                except (ValueError, BadRequest) as fault:
                    self.at = begin
                    self.fail(f"not a value: {fault}")
                return value
            self.at = begin
        word = self.match(_WORD)
        if word is not None and self.expanding:
            return whole(self.expand(word))
        if word in {"true", "false"}:
            return Bool(word == "true")
        if word is not None and op in _PLAIN_OPS and (_URI.fullmatch(word) or _BARE.fullmatch(word)):
            return word
        self.at = begin
        return self.fail("a value is missing; strings stand in double quotes")

    def ended(self) -> bool:
        rest = self.text[self.at : self.at + 2]
        return not rest or rest == ".." or rest[0] in _ENDS or rest[0] == " "

    def string(self) -> str:
        begin = self.at
        word = self.match(_STRING)
        if word is None:
            self.fail("a string is never closed")
        try:
            value: str = json.loads(word)
            value.encode()  # half a surrogate pair is no text, and no database takes it
        except ValueError:
            self.at = begin
            self.fail("not a JSON string")
        return whole(self.expand(value)) if self.expanding else value

    def regex(self) -> str:
        begin = self.at
        found = _STRING.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
            text = found[1]
        else:
            text = self.text[begin : self.raw_end()]
        text = PAIR.sub(lambda m: '"' if m[0] == '\\"' else m[0], text)
        if not text:
            self.fail("a pattern is missing")
        try:
            text.encode()
            pattern(text, self.limits.regex)
        except UnicodeEncodeError:
            self.at = begin
            self.fail("the pattern is no text")
        except BadRequest as fault:
            raise BadRequest(f"q: {fault.detail}", where=f"q[{begin}]", mend=fault.mend) from None
        return text

    def raw_end(self) -> int:
        """Where an unquoted pattern ends: at the first ; | or ) outside its own groups and brackets."""
        depth, bracket = 0, -1
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "\\":
                self.at += 1
            elif bracket >= 0:
                if char == "]" and self.at > bracket + 1:
                    bracket = -1
            elif char == "[":
                bracket = self.at + self.text.startswith("^", self.at + 1)
            elif char == "(":
                depth += 1
            elif depth == 0 and char in ";|)":
                break
            elif char == ")":
                depth -= 1
            self.at += 1
        self.at = min(self.at, len(self.text))
        return self.at


def _first(written: str) -> str:
    return re.split(r"[.\[{]", written, maxsplit=1)[0]


def _number(word: str, limits: Limits) -> Value:
    if len(word) > limits.digits:
        raise ValueError(f"more than {limits.digits} digits")
    if word.lstrip("-").isdigit():
        return int(word)
    value = float(word)
    if not math.isfinite(value):
        raise ValueError("out of range")
    return value


_LITERALS: Final[tuple[tuple[re.Pattern[str], Callable[[str, Limits], Any]], ...]] = (
    (_MOMENT, lambda word, _: Moment(clock.parse(word))),
    (_DATE, lambda word, _: day_of(word)),
    (_HOUR, lambda word, _: hour_of(word.replace(",", "."))),
    (_NUMBER, _number),
)
