"""A rule's text, read: words to a tree, or exactly where it cannot be read. Held by tests/apps/test_watch_text.py.

    when temperature of WeatherObserved is below 2 degC for 10 min
      and at least 2 neighbours within 5 km are also below 3 degC
    raise 'frost' high as weather

`and` and `or` side by side need parentheses: nobody at a desk should have to know which one binds tighter.
"""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final, NoReturn

from hansa.apps.watch.rule import ALARM, Rule, compiled, names_alarm
from hansa.apps.watch.terms import (
    CATEGORIES,
    DAYS,
    MONTHS,
    OWN,
    SECOND,
    SEVERITIES,
    Unusable,
    glob_fault,
    is_term,
    matcher,
)
from hansa.apps.watch.tree import (
    DEPTH,
    FRESH,
    MEASURES,
    MOST_READINGS,
    All,
    Apart,
    Daytime,
    Equals,
    Flat,
    Group,
    Implausible,
    Lasting,
    Limit,
    Month,
    Near,
    Node,
    Not,
    Range,
    Rate,
    Silent,
    Some,
    Weekday,
    check,
    clock_minutes,
    subject,
)
from hansa.apps.watch.words import KEYWORDS, SPANS, UNITS, Unreadable, Word, number_in, words

_RATES: Final = ("rises", "falls", "changes")
_PER_HOUR: Final = {"s": 3_600, "min": 60, "h": 1}


@dataclass(frozen=True, slots=True)
class Text:
    """What a text says: the type and ids that it is about, its condition, and what it raises."""

    type: str
    like: str | None
    condition: Node
    alarm: str
    severity: str = "medium"
    category: str = "environment"
    template: str | None = None
    leaves: tuple[tuple[int, int], ...] = field(default=(), compare=False)
    """Where in the text each leaf stands, in the order of the tree: its first character, and the one after its last."""

    def rule(self, ident: str) -> Rule:
        """The rule that it makes, under an id."""
        match = None if self.like is None else matcher(self.like)
        head = Rule(ident, "joined", self.type, "", severity=self.severity, category=self.category)
        return compiled(self.condition, replace(head, text=self.template, match=match, alarm=self.alarm))


def read_rule(text: str) -> Text:
    """Read a whole rule; raises Unreadable, which says where."""
    return _Reader(words(text)).rule()


class _Reader:
    def __init__(self, found: list[Word]) -> None:
        self._words = found
        self._at = 0
        self._type: str | None = None
        self._like: str | None = None
        self._leaves: list[tuple[int, int]] = []

    # Words

    @property
    def _next(self) -> Word:
        return self._words[self._at]

    def _fail(self, expected: str, word: Word | None = None) -> NoReturn:
        one = word or self._next
        raise Unreadable(one.line, one.column, expected, one.shown)

    def _is(self, *known: str, ahead: int = 0) -> bool:
        one = self._words[min(self._at + ahead, len(self._words) - 1)]
        return one.kind != "text" and one.text.lower() in known

    def _take(self) -> Word:
        one = self._next
        if one.kind != "end":
            self._at += 1
        return one

    def _may(self, *known: str) -> str | None:
        return self._take().text.lower() if self._is(*known) else None

    def _must(self, *known: str) -> str:
        if not self._is(*known):
            self._fail(" or ".join(repr(one) for one in known))
        return self._take().text.lower()

    # The whole

    def rule(self) -> Text:
        self._must("when")
        begin = self._next
        node = self._condition(1)
        self._may(",")
        self._must("raise")
        alarm = self._name_of_alarm()
        severity, category = "medium", "environment"
        self._may(",")
        if self._next.kind == "word" and not self._is("as", "saying"):
            severity = self._one_of("a severity", SEVERITIES)
        self._may(",")
        if self._may("as"):
            category = self._one_of("a category", CATEGORIES)
        self._may(",")
        template = self._template() if self._may("saying") else None
        if self._next.kind != "end":
            self._fail("the end of the rule")
        node = self._settled(node, begin)
        leaves = tuple(self._leaves)
        return Text(self._type or "", self._like, node, alarm, severity, category, template, leaves)

    def _settled(self, node: Node, begin: Word) -> Node:
        """The tree, once its subject is known; every rule of `tree.check` holds."""
        try:
            about = subject(node)
        except Unusable:
            self._fail("something about the source itself, such as 'temperature of WeatherObserved is ...'", begin)
        if self._type is None:
            self._fail("'of' and a type after the first attribute, such as 'temperature of WeatherObserved'", begin)
        node = _named(node, about)
        try:
            check(node)
        except Unusable as fault:
            self._fail(str(fault).removeprefix("condition: "), begin)
        return node

    def _name_of_alarm(self) -> str:
        word = self._next
        if word.kind != "text" or not names_alarm(word.text):
            self._fail(f"what the alarm is called, in quotes, at most {ALARM} characters, and not 'configuration'")
        return self._take().text

    def _template(self) -> str:
        if self._next.kind != "text" or len(self._next.text) > 1_000:
            self._fail("a sentence in quotes, at most 1,000 characters")
        return self._take().text

    def _one_of(self, what: str, known: tuple[str, ...]) -> str:
        word = self._next
        found = next((one for one in known if word.kind == "word" and word.text.lower() == one.lower()), None)
        if found is None:
            self._fail(f"{what} ({', '.join(known)})")
        self._take()
        return found

    # Joining

    def _condition(self, depth: int) -> Node:
        if depth > 2 * DEPTH:
            self._fail(f"a condition that is at most {DEPTH} deep")
        nodes = [self._part(depth)]
        word: str | None = None
        while True:
            comma = self._is(",")
            if not self._is("and", "or", ahead=1 if comma else 0):
                break
            if comma:
                self._take()
            if word is not None and not self._is(word):
                self._fail("parentheses around what belongs together: 'and' and 'or' stand side by side")
            word = self._take().text.lower()
            nodes.append(self._part(depth))
        if len(nodes) == 1:
            return nodes[0]
        return All(tuple(nodes)) if word == "and" else Some(tuple(nodes))

    def _part(self, depth: int) -> Node:
        node = self._primary(depth)
        while self._may("for"):
            node = Lasting(node, self._span())
        return node

    def _primary(self, depth: int) -> Node:
        if self._may("("):
            node = self._condition(depth + 1)
            self._must(")")
            return node
        if self._may("not"):
            if depth > 2 * DEPTH:
                self._fail(f"a condition that is at most {DEPTH} deep")
            return Not(self._primary(depth + 1))
        begin = self._next.begin
        if self._is("at") and self._is("least", ahead=1):
            node = self._at_least(depth)
            if isinstance(node, Some):
                return node
        elif self._is("the") and self._is("time", "day", "month", ahead=1):
            node = self._calendar()
        else:
            node = self._own()
        self._leaves.append((begin, self._words[self._at - 1].end))
        return node

    def _at_least(self, depth: int) -> Node:
        self._must("at")
        self._must("least")
        least = self._whole(1_000)
        if not self._is("of"):
            return self._near(least)
        self._take()
        self._must("(")
        nodes = [self._condition(depth + 1)]
        while self._may(","):
            nodes.append(self._condition(depth + 1))
        if len(nodes) < 2:
            self._fail("',' and another condition")
        if least > len(nodes):
            self._fail(f"at least {least} conditions, for {least} of them are to hold")
        self._must(")")
        return Some(tuple(nodes), least)

    # The calendar

    def _calendar(self) -> Node:
        self._must("the")
        what = self._must("time", "day", "month")
        self._must("is")
        if what == "time":
            self._must("between")
            since = self._clock()
            self._must("and")
            word = self._next
            until = self._clock()
            if since == until:
                self._fail("another time than the first", word)
            return Daytime(since, until)
        if what == "day":
            return Weekday(self._listed(DAYS, "a day of the week", 0))
        return Month(self._listed(MONTHS, "a month", 1))

    def _clock(self) -> int:
        try:
            minutes = clock_minutes(self._next.text if self._next.kind == "word" else None, "")
        except Unusable:
            self._fail("a time of day such as 22:00")
        self._take()
        return minutes

    def _listed(self, names: tuple[str, ...], what: str, first: int) -> tuple[int, ...]:
        found: set[int] = set()
        known = tuple(one.lower() for one in names)
        while True:
            begin = self._named(known, what)
            end = self._named(known, what) if self._may("to") else begin
            many = (end - begin) % len(known)
            found |= {(begin + i) % len(known) + first for i in range(many + 1)}
            if not self._is("or", ",") or not self._is(*known, ahead=1):
                return tuple(sorted(found))
            self._take()

    def _named(self, known: tuple[str, ...], what: str) -> int:
        if not self._is(*known):
            self._fail(what)
        return known.index(self._take().text.lower())

    # The source's own

    def _own(self) -> Node:
        self._may("the")
        measure = self._may(*MEASURES)
        if measure:
            self._may("of")
        if self._next.kind == "word" and self._next.text.lower() in KEYWORDS:
            self._fail("an attribute such as temperature, '(', 'not', 'at least' or 'the time'")
        attribute = self._name("an attribute such as temperature")
        if self._may("of"):
            self._about()
        if measure:
            self._must("over")
            over = self._span()
            self._must("is")
            beyond = self._beyond(bare=measure == "count")
            return Limit(attribute, beyond, self._back(beyond.unit), measure, over)
        if self._is(*_RATES):
            return self._rate(attribute)
        if not self._is("is"):
            self._fail("'is', 'rises', 'falls', 'changes', or 'of' and a type")
        self._take()
        return self._predicate(attribute)

    def _about(self) -> None:
        word = self._next
        kind = self._name("a type such as WeatherObserved")
        if kind in OWN:
            self._fail(f"a type that watch does not write itself, not {kind}", word)
        if self._type not in {None, kind}:
            self._fail(f"the type {self._type}: all attributes of a rule are of one type", word)
        self._type = kind
        if self._may("like"):
            like = self._next
            glob = self._glob()
            if self._like not in {None, glob}:
                self._fail("the same pattern as before", like)
            self._like = glob

    def _predicate(self, attribute: str) -> Node:
        if self._is("above", "below", "outside"):
            beyond = self._beyond()
            return Limit(attribute, beyond, self._back(beyond.unit))
        if self._may("silent"):
            self._must("for")
            return Silent(attribute, self._span())
        if self._may("flat"):
            return self._flat(attribute)
        if self._may("implausible"):
            beyond = self._beyond() if self._is("above", "below", "outside") else Range(None, None)
            return Implausible(attribute, beyond)
        if self._next.kind == "text" or self._is("true", "false"):
            return Equals(attribute, self._value())
        if self._next.kind != "word" or number_in(self._next.text) is None:
            self._fail("above, below, outside, silent, flat, implausible, a number, or a text in quotes")
        return self._number_or_apart(attribute)

    def _number_or_apart(self, attribute: str) -> Node:
        value, unit = self._figure()
        if unit is None and not self._is("above", "below", "away"):
            return Equals(attribute, value)
        side = self._must("above", "below", "away")
        if side == "away":
            self._must("from")
        for word in ("the", "median", "of"):
            self._must(word)
        least = 3
        if self._may("at"):
            self._must("least")
            least = self._whole(1_000)
        return Apart(attribute, value, side, self._group(), unit, least)

    def _flat(self, attribute: str) -> Node:
        self._must("for")
        span = self._span()
        tolerance, unit = self._figure() if self._may("within") else (0.0, None)
        return Flat(attribute, span, tolerance, unit, self._readings())

    def _rate(self, attribute: str) -> Node:
        side = self._take().text.lower()
        self._must("faster")
        self._must("than")
        fast, unit = self._figure()
        self._must("per")
        word = self._next
        times = next((n for one, n in _PER_HOUR.items() if SPANS.get(word.text) == SPANS[one]), None)
        if times is None:
            self._fail("s, min or h")
        self._take()
        over = self._span() if self._may("over") else 3_600 * SECOND
        readings = self._readings()
        return Rate(attribute, side, fast * times, unit, over, self._back(unit), readings)

    def _readings(self) -> int:
        if not self._may("in"):
            return 3
        self._must("at")
        self._must("least")
        many = self._whole(MOST_READINGS)
        self._must("readings")
        return many

    # Others

    def _near(self, least: int) -> Node:
        group = self._group()
        verb = self._must("are", "is", "have", "has")
        if verb in {"are", "is"}:
            self._may("also")
            return Near(least, group, "", self._beyond())
        attribute = self._name("an attribute such as temperature")
        if self._is("above", "below", "outside"):
            return Near(least, group, attribute, self._beyond())
        return Near(least, group, attribute, None, self._value())

    def _group(self) -> Group:
        kind: str | None = None
        if not self._may("neighbours", "neighbour"):
            if self._next.kind == "word" and self._next.text.lower() in KEYWORDS:
                self._fail("'neighbours', or a type such as WeatherObserved")
            word = self._next
            kind = self._name("'neighbours', or a type such as WeatherObserved")
            if kind in OWN:
                self._fail(f"a type that watch does not write itself, not {kind}", word)
        like = self._glob() if self._may("like") else None
        within: float | None = None
        linked: str | None = None
        if self._must("within", "linked") == "within":
            within = self._distance()
        else:
            self._must("by")
            linked = self._name("the name of a relationship")
        fresh = FRESH
        if self._may("said"):
            for word_ in ("in", "the", "last"):
                self._must(word_)
            fresh = self._span()
        return Group(kind, like, within, linked, fresh)

    # Figures

    def _beyond(self, *, bare: bool = False) -> Range:
        side = self._must("above", "below", "outside")
        word = self._next
        first, unit = self._figure()
        if side == "outside":
            self._must("to")
            second, other = self._figure()
            if unit is not None and other != unit:
                self._fail("the same unit twice", word)
            if first > second:
                self._fail("the lower value first", word)
            return Range(first, second, other)
        if bare and unit is not None:
            self._fail("a number without a unit: a count has none", word)
        return Range(None, first, unit) if side == "above" else Range(first, None, unit)

    def _back(self, unit: str | None) -> float:
        if not self._may("with"):
            return 0.0
        self._must("hysteresis")
        word = self._next
        value, own = self._figure()
        if own not in {None, unit}:
            self._fail("the hysteresis in the unit of the limit", word)
        if value < 0.0:
            self._fail("a hysteresis that is not below zero", word)
        return value

    def _figure(self) -> tuple[float, str | None]:
        """A number, and its unit where it has one."""
        number, rest, word = self._number("a number")
        value = float(number)
        if not abs(value) < 1e300:
            self._fail("a number that can be compared", word)
        if rest:
            into = len(word.text) - len(rest)
            return value, self._unit(rest, word._replace(text=rest, column=word.column + into, begin=word.begin + into))
        one = self._next
        if one.kind != "word" or (one.text.lower() in KEYWORDS and not self._unit_after()):
            return value, None
        self._take()
        return value, self._unit(one.text, one)

    def _unit_after(self) -> bool:
        """`min` is a unit and a keyword: after a number, it is a unit."""
        return self._is("min")

    def _unit(self, text: str, word: Word) -> str:
        code = UNITS.get(text)
        if code is None:
            self._fail("a unit such as degC, %, m/s or a UN/CEFACT code", word)
        return code

    def _number(self, what: str) -> tuple[Decimal, str, Word]:
        word = self._next
        found = number_in(word.text) if word.kind == "word" else None
        if found is None or len(word.text) > 60 or abs(found[0].adjusted()) > 400:
            self._fail(what)
        self._take()
        return found[0], found[1], word

    def _whole(self, most: int) -> int:
        number, rest, word = self._number(f"a whole number from 1 to {most}")
        if rest or number != number.to_integral_value() or not 1 <= number <= most:
            self._fail(f"a whole number from 1 to {most}", word)
        return int(number)

    def _measure(self, what: str, known: dict[str, Any]) -> tuple[Decimal, Any, Word]:
        number, rest, word = self._number(what)
        unit = rest or (self._next.text if self._next.kind == "word" else "")
        if unit not in known:
            self._fail(what, word if rest else None)
        if not rest:
            self._take()
        return number, known[unit], word

    def _span(self) -> int:
        number, size, word = self._measure("a span such as 10 min, 1 h or 2 d", dict(SPANS))
        span = int(number * size) if number < 10**9 else -1
        if not SECOND <= span <= 366 * 86_400 * SECOND:
            self._fail("a span of a second up to a year", word)
        return span

    def _distance(self) -> float:
        number, size, word = self._measure("a distance such as 500 m or 5 km", {"m": 1, "km": 1_000})
        metres = float(number * size)
        if not 0.0 < metres <= 100_000.0:
            self._fail("a distance above nothing and up to 100 km", word)
        return metres

    def _value(self) -> str | bool | float:
        word = self._next
        if word.kind == "text":
            return self._take().text
        if self._is("true", "false"):
            return self._take().text.lower() == "true"
        number, rest, _ = self._number("a text in quotes, true, false or a number")
        if rest:
            self._fail("a number without a unit", word)
        return float(number)

    def _name(self, what: str) -> str:
        word = self._next
        if word.kind not in {"word", "text"} or not is_term(word.text):
            self._fail(what)
        if word.kind == "word" and word.text.lower() in KEYWORDS:
            self._fail(f"{what}; a name that is also a word of the language stands in quotes")
        self._take()
        return word.text

    def _glob(self) -> str:
        word = self._next
        if word.kind != "text" or glob_fault(word.text) is not None:
            self._fail("a pattern in quotes, such as '*:north*', with at most 4 stars")
        return self._take().text


def _named(node: Node, about: str) -> Node:
    """The tree with its subject's name where the text says `also`."""
    if isinstance(node, Near) and not node.attribute:
        return replace(node, attribute=about)
    if isinstance(node, All | Some):
        return replace(node, of=tuple(_named(one, about) for one in node.of))
    if isinstance(node, Not | Lasting):
        return replace(node, of=_named(node.of, about))
    return node
