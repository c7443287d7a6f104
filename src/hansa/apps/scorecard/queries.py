r"""How an input is obtained: what the `how` of a KpiBinding says, read with care.

    {"from": "entities", "type": "Streetlight", "q": "status=='ok'", "aggregate": "count"}
    {"from": "history", "type": "AirQualityObserved", "attribute": "pm25", "each": "mean", "across": "mean"}
    {"from": "table", "sha256": "...", "column": "households", "aggregate": "sum"}

`{from}` and `{until}` in a q stand for the ends of the period: then it can be asked for every year. Without them it is
about what is so now, and only the running year can be asked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hansa import Refusal
from hansa.apps.scorecard.nouns import Spell
from hansa.apps.scorecard.times import iso

AGGREGATES: Final = ("count", "distinct", "sum", "mean", "min", "max", "share")
EACH: Final = ("mean", "sum", "min", "max", "last", "rise", "count")
ACROSS: Final = ("mean", "sum", "min", "max")
OPS: Final = ("==", "!=", "<", "<=", ">", ">=", "in", "like")
BUCKETS: Final = {"hour": 3_600_000_000, "day": 86_400_000_000}
TEXT: Final = 1_000
"""Characters of a q."""
CONDITIONS: Final = 10
_TYPE: Final = re.compile(r"[^\s\"'`;|&()<>\\\x00-\x1f\x7f]{1,200}\Z")
_ATTRIBUTE: Final = re.compile(r"(@length|@area|[A-Za-z_][\w:./#-]{0,199}(\.\.[A-Za-z_][\w:./#-]{0,199})?)\Z")
_SHA: Final = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Things:
    """A query over entities as they stand.

    `attribute` may be `@length` (metres of the way that is its location), `@area` (square metres) or `one..other`
    (minutes between two times). `of` picks the part of a share; `unit` is what values are converted to.
    """

    type: str
    q: str = ""
    aggregate: str = "count"
    attribute: str = ""
    of: str = ""
    scale: float = 1.0
    unit: str = ""
    within: str = ""

    @property
    def lasting(self) -> bool:
        """Whether any period can be asked, not the running one alone."""
        return "{from}" in self.q + self.of or "{until}" in self.q + self.of

    def asked(self, spell: Spell) -> tuple[str, str]:
        """Its q, and its q of the part, for a period."""
        return _filled(self.q, spell), _filled(self.of, spell)

    def says(self) -> str:
        """In words."""
        whose = self.type + (f" where {self.q}" if self.q else "") + (" in that area" if self.within else "")
        scaled = "" if self.scale == 1.0 else f", times {self.scale:g}"
        if self.aggregate == "count":
            return f"how many {whose} there are{scaled}"
        if self.aggregate == "share":
            return f"100 times the share of {whose} where {self.of}{scaled}"
        what = {"@length": "length in metres", "@area": "area in square metres"}.get(self.attribute, self.attribute)
        if ".." in self.attribute:
            what = "minutes from {} to {}".format(*self.attribute.split(".."))
        return f"{_WORDS[self.aggregate]} {what} of {whose}{scaled}"


@dataclass(frozen=True, slots=True)
class Readings:
    """A query over history: `each` makes one number of a thing's year, `across` one of all things.

    With `above` or `below` it counts the `bucket`s whose mean is beyond, of each thing. `interval_s` is how often a
    reading is expected; where it is not said, each day that has one is a whole day.
    """

    type: str
    attribute: str
    q: str = ""
    each: str = "mean"
    across: str = "mean"
    bucket: str = "day"
    above: float | None = None
    below: float | None = None
    scale: float = 1.0
    unit: str = ""
    interval_s: float | None = None
    within: str = ""

    lasting = True

    def says(self) -> str:
        """In words."""
        whose = self.type + (f" where {self.q}" if self.q else "")
        scaled = "" if self.scale == 1.0 else f", times {self.scale:g}"
        if self.above is not None or self.below is not None:
            beyond = f"above {self.above:g}" if self.above is not None else f"below {self.below or 0:g}"
            each = f"the {self.bucket}s of the year whose mean {self.attribute} was {beyond}"
        else:
            each = f"{_WORDS[self.each]} {self.attribute} in the year"
        return f"{_WORDS[self.across]} over all {whose} of {each}{scaled}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table that was sent: the same file gives the same number for ever."""

    sha256: str
    column: str
    aggregate: str = "sum"
    where: tuple[tuple[str, str, Any], ...] = ()
    period_column: str = ""
    scale: float = 1.0

    @property
    def lasting(self) -> bool:
        """Whether it tells years apart."""
        return bool(self.period_column)

    def says(self) -> str:
        """In words."""
        rows = " and ".join(f"{name} {op} {value}" for name, op, value in self.where)
        return f"{_WORDS[self.aggregate]} the column {self.column} of a table{' where ' + rows if rows else ''}"


How = Things | Readings | Column
_WORDS: Final = {
    "count": "the number of", "distinct": "how many different values of", "sum": "the sum of", "mean": "the mean of",
    "min": "the least of", "max": "the most of", "last": "the last", "rise": "the rise (most less least) of",
    "first": "the first of", "share": "the share of",
}  # fmt: skip


def read(said: Any) -> How:
    """What a `how` says. Refusal names the member that cannot be so."""
    if not isinstance(said, Mapping):
        raise Refusal("say how it is obtained", where="how", mend='{"from": "entities", "type": ..., "aggregate": ...}')
    kind = said.get("from")
    if kind == "entities":
        return _things(said)
    if kind == "history":
        return _readings(said)
    if kind == "table":
        return _column(said)
    raise Refusal(f"it cannot come from {str(kind)[:40]!r}", where="how.from", mend="entities, history or table")


def _things(said: Mapping[str, Any]) -> Things:
    _only(said, {"from", "type", "q", "aggregate", "attribute", "of", "scale", "unit", "within"})
    aggregate = _one_of(said, "aggregate", AGGREGATES, "count")
    made = Things(
        _match(said, "type", _TYPE), _text(said, "q"), aggregate,
        _match(said, "attribute", _ATTRIBUTE, may_lack=aggregate in {"count", "share"}),
        _text(said, "of"), _number(said, "scale", 1.0), _text(said, "unit", 10), _text(said, "within", 200),
    )  # fmt: skip
    if aggregate == "share" and not made.of:
        raise Refusal("a share needs the part", where="how.of", mend="a q that holds for the part")
    return made


def _readings(said: Mapping[str, Any]) -> Readings:
    _only(
        said,
        {"from", "type", "q", "attribute", "each", "across", "bucket", "above", "below", "scale", "unit"}
        | {"interval_s", "within"},
    )
    made = Readings(
        _match(said, "type", _TYPE), _match(said, "attribute", _ATTRIBUTE), _text(said, "q"),
        _one_of(said, "each", EACH, "mean"), _one_of(said, "across", ACROSS, "mean"),
        _one_of(said, "bucket", tuple(BUCKETS), "day"),
        _number(said, "above", None), _number(said, "below", None), _number(said, "scale", 1.0),
        _text(said, "unit", 10), _number(said, "interval_s", None), _text(said, "within", 200),
    )  # fmt: skip
    if made.attribute.startswith("@") or ".." in made.attribute:
        raise Refusal("history is of one attribute", where="how.attribute")
    if made.above is not None and made.below is not None:
        raise Refusal("either above or below", where="how.below")
    if made.interval_s is not None and made.interval_s <= 0:
        raise Refusal("an interval is above zero", where="how.interval_s")
    if "{from}" in made.q or "{until}" in made.q:
        raise Refusal("history is of the period anyway", where="how.q", mend="leave {from} and {until} out")
    return made


def _column(said: Mapping[str, Any]) -> Column:
    _only(said, {"from", "sha256", "column", "aggregate", "where", "period_column", "scale"})
    conditions = said.get("where", [])
    if not isinstance(conditions, list) or len(conditions) > CONDITIONS:
        raise Refusal(f"where is a list of at most {CONDITIONS}", where="how.where")
    made = []
    for n, one in enumerate(conditions):
        if not isinstance(one, Mapping) or set(one) != {"column", "op", "value"} or one["op"] not in OPS:
            raise Refusal(
                "a condition has a column, an op and a value", where=f"how.where[{n}]", mend=f"op: {' '.join(OPS)}"
            )
        made.append((str(one["column"])[:200], str(one["op"]), one["value"]))
    return Column(
        _match(said, "sha256", _SHA), _text(said, "column", 200, needed=True),
        _one_of(said, "aggregate", ("sum", "mean", "min", "max", "count", "first"), "sum"),
        tuple(made), _text(said, "period_column", 200), _number(said, "scale", 1.0),
    )  # fmt: skip


# ---- Members


def _filled(q: str, spell: Spell) -> str:
    return q.replace("{from}", iso(spell.since)).replace("{until}", iso(spell.until)) if q else q


def _only(said: Mapping[str, Any], names: set[str]) -> None:
    if extra := sorted(set(map(str, said)) - names):
        raise Refusal(
            f"{extra[0][:40]!r} is not said here", where=f"how.{extra[0][:40]}", mend=", ".join(sorted(names))
        )


def _text(said: Mapping[str, Any], name: str, most: int = TEXT, *, needed: bool = False) -> str:
    value = said.get(name) or ""
    if not isinstance(value, str) or len(value) > most or (needed and not value):
        raise Refusal(f"{name} is a text of at most {most} characters", where=f"how.{name}")
    return value


def _match(said: Mapping[str, Any], name: str, pattern: re.Pattern[str], *, may_lack: bool = False) -> str:
    value = said.get(name) or ""
    if may_lack and not value:
        return ""
    if not isinstance(value, str) or not pattern.match(value):
        raise Refusal(f"{str(value)[:40]!r} is no {name}", where=f"how.{name}")
    return value


def _one_of(said: Mapping[str, Any], name: str, words: tuple[str, ...], usual: str) -> str:
    value = said.get(name, usual)
    if value not in words:
        raise Refusal(f"{name} cannot be {str(value)[:40]!r}", where=f"how.{name}", mend=", ".join(words))
    return str(value)


def _number(said: Mapping[str, Any], name: str, usual: Any) -> Any:
    value = said.get(name, usual)
    if value is usual:
        return usual
    if type(value) not in {int, float} or not -1e15 < value < 1e15:
        raise Refusal(f"{name} is a number", where=f"how.{name}")
    return float(value)
