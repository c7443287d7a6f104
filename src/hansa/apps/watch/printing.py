"""A rule as a sentence. What is printed is read again as the same rule; held by tests/apps/test_watch_text.py."""

from collections.abc import Sequence

from hansa.apps.watch.rule import Rule, condition_of
from hansa.apps.watch.terms import CATEGORIES, DAYS, MONTHS
from hansa.apps.watch.tree import (
    FRESH,
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
    clock_text,
    subject,
)
from hansa.apps.watch.words import (
    distance_text,
    name_text,
    number_text,
    quoted,
    span_text,
    unit_text,
    value_text,
)


def rule_text(rule: Rule, like: str | None = None) -> str:
    """The whole rule; `like` is its pattern for ids, which a Rule holds compiled."""
    kept = like if like is not None else getattr(rule.match, "glob", None)
    node = condition_of(rule)
    text = f"when {condition_text(node, rule.type, kept, lines=True)}\nraise {quoted(rule.called)} {rule.severity}"
    if rule.category != CATEGORIES[3]:
        text += f" as {rule.category}"
    return text if rule.text is None else f"{text}\nsaying {quoted(rule.text)}"


def condition_text(node: Node, kind: str | None = None, like: str | None = None, *, lines: bool = False) -> str:
    """A condition; with `kind`, its first attribute says of which type (and ids) it is."""
    return _Printing(subject(node), kind, like).text(node, top=lines)


def leaf_text(node: Node, about: str) -> str:
    """One part of a condition whose subject is the attribute `about`."""
    return _Printing(about, None, None).text(node)


class _Printing:
    def __init__(self, about: str, kind: str | None, like: str | None) -> None:
        self._about = about
        self._kind = kind
        self._of = "" if kind is None else f" of {name_text(kind)}"
        if kind is not None and like is not None:
            self._of += f" like {quoted(like)}"

    def text(self, node: Node, *, top: bool = False) -> str:
        if isinstance(node, All):
            return self._joined("and", node.of, top=top)
        if isinstance(node, Some) and node.least == 1:
            return self._joined("or", node.of, top=top)
        if isinstance(node, Some):
            return f"at least {node.least} of ({', '.join(self.text(one) for one in node.of)})"
        if isinstance(node, Not):
            return f"not ({self.text(node.of)})"
        if isinstance(node, Lasting):
            return f"{self._tight(node.of, lasting=True)} for {span_text(node.span)}"
        return self._leaf(node)

    def _joined(self, word: str, nodes: Sequence[Node], *, top: bool) -> str:
        between = f"\n  {word} " if top else f" {word} "
        return between.join(self._tight(one) for one in nodes)

    def _tight(self, node: Node, *, lasting: bool = False) -> str:
        """In parentheses where it would be read otherwise without."""
        text = self.text(node)
        loose = isinstance(node, All) or (isinstance(node, Some) and node.least == 1)
        return f"({text})" if loose or (lasting and isinstance(node, Lasting)) else text

    def _leaf(self, node: Node) -> str:
        if isinstance(node, Near):
            return self._near(node)
        if isinstance(node, Daytime):
            return f"the time is between {clock_text(node.since)} and {clock_text(node.until)}"
        if isinstance(node, Weekday):
            return f"the day is {_ranges(node.days, DAYS, 0)}"
        if isinstance(node, Month):
            return f"the month is {_ranges(node.months, MONTHS, 1)}"
        head = self._head(node.attribute)  # type: ignore[union-attr]  # all that are left have one
        if isinstance(node, Limit):
            if node.measure is not None:
                head = f"{node.measure} of {head} over {span_text(node.over)}"
            return f"{head} is {_beyond(node.beyond)}{_back(node.hysteresis, node.beyond.unit)}"
        return f"{head} {self._said(node)}"

    def _said(self, node: Node) -> str:
        if isinstance(node, Equals):
            return f"is {value_text(node.value)}"
        if isinstance(node, Rate):
            enough = "" if node.readings == 3 else f" in at least {node.readings} readings"
            fast = f"{node.side} faster than {_figure(node.per_hour, node.unit)} per h over {span_text(node.over)}"
            return f"{fast}{enough}{_back(node.hysteresis, node.unit)}"
        if isinstance(node, Silent):
            return f"is silent for {span_text(node.span)}"
        if isinstance(node, Flat):
            within = f" within {_figure(node.tolerance, node.unit)}" if node.tolerance or node.unit else ""
            enough = "" if node.readings == 3 else f" in at least {node.readings} readings"
            return f"is flat for {span_text(node.span)}{within}{enough}"
        if isinstance(node, Implausible):
            none = node.beyond.low is None and node.beyond.high is None
            return "is implausible" + ("" if none else f" {_beyond(node.beyond)}")
        assert isinstance(node, Apart)  # noqa: S101  # the last leaf there is
        side = {"away": "away from"}.get(node.side, node.side)
        others = self._group(node.group)
        return f"is {_figure(node.by, node.unit)} {side} the median of at least {node.least} {others}"

    def _near(self, node: Near) -> str:
        others = self._group(node.group, one=node.least == 1)
        verb = "is" if node.least == 1 else "are"
        what = "" if node.beyond is None else _beyond(node.beyond)
        if node.attribute == self._about and node.group.type is None and node.beyond is not None:
            said = f"{verb} also {what}"
        else:
            has = "has" if node.least == 1 else "have"
            said = f"{has} {name_text(node.attribute)} {what or value_text(node.value)}"
        return f"at least {node.least} {others} {said}"

    def _group(self, group: Group, *, one: bool = False) -> str:
        who = ("neighbour" if one else "neighbours") if group.type is None else name_text(group.type)
        like = "" if group.like is None else f" like {quoted(group.like)}"
        if group.linked is not None:
            where = f"linked by {name_text(group.linked)}"
        else:
            where = f"within {distance_text(group.within or 0.0)}"
        fresh = "" if group.fresh == FRESH else f" said in the last {span_text(group.fresh)}"
        return f"{who}{like} {where}{fresh}"

    def _head(self, attribute: str) -> str:
        """An attribute; the first one says of which type."""
        of, self._of = self._of, ""
        return name_text(attribute) + of


def _figure(value: float, unit: str | None) -> str:
    return number_text(value) if unit is None else f"{number_text(value)} {unit_text(unit)}"


def _beyond(one: Range) -> str:
    if one.low is not None and one.high is not None:
        return f"outside {number_text(one.low)} to {_figure(one.high, one.unit)}"
    if one.high is not None:
        return f"above {_figure(one.high, one.unit)}"
    return f"below {_figure(one.low or 0.0, one.unit)}"


def _back(hysteresis: float, unit: str | None) -> str:
    return "" if not hysteresis else f" with hysteresis {_figure(hysteresis, unit)}"


def _ranges(numbers: Sequence[int], names: Sequence[str], first: int) -> str:
    """`Monday to Wednesday or Friday` of (0, 1, 2, 4)."""
    runs: list[list[int]] = []
    for one in numbers:
        if runs and one == runs[-1][-1] + 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    said: list[str] = []
    for run in runs:
        if len(run) > 2:
            said.append(f"{names[run[0] - first]} to {names[run[-1] - first]}")
        else:
            said.extend(names[one - first] for one in run)
    return " or ".join(said)
