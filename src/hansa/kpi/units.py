"""Units of indicators: products of named bases with an exact scale: `bed / 100 000 person`, `kWh / year / person`.

A unit says what one step of a number is worth: a number of 37 in `%` is 37 times 1/100. Two units fit when their bases
are the same, and convert by the quotient of their scales; nothing else ever converts. A share of gas in air (ppm) and a
mass in a volume (ug/m3) have different bases, so that they never do: it takes the gas and its temperature.

Whatever is counted (person, household, meter, bed) is a base of its own, by any word in small letters, so that beds for
every person are not meters for every person. `1` and `number` are a number of whatever it is: beds for every person fit
`number / 100 000 person`. A year is a base of time, of 365.2425 days; 365 and 366 days fit it too.

Scales come from `hansa.model.units` (UN/CEFACT Recommendation 20). Tests: tests/kpi/test_kpi_units.py.
"""

import math
import re
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from hansa.errors import BadRequest
from hansa.model import units as codes

LONGEST: Final = 120  # characters of one unit: the longest in use has 40
SIZES: Final = 60  # decimal digits of a scale; beyond it somebody is playing
YEAR_SLACK: Final = Fraction(3, 1000)  # a year of 365, 365.25 or 366 days: within 0.3 % of one another

Powers = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """What one step of a number is worth: `scale` times the product of `of`, (base, exponent) in alphabetical order."""

    scale: Fraction
    of: Powers = ()

    def __mul__(self, other: "Unit") -> "Unit":
        """The unit of a product."""
        return Unit(self.scale * other.scale, _joined(self.of, other.of, 1))

    def __truediv__(self, other: "Unit") -> "Unit":
        """The unit of a quotient."""
        return Unit(self.scale / other.scale, _joined(self.of, other.of, -1))

    def fits(self, other: "Unit") -> bool:
        """Whether a number in one is the same number in the other."""
        if not self.alike(other):
            return False
        if self.scale == other.scale:
            return True
        timed = any(base == "second" for base, _ in self.of)
        return timed and abs(self.scale / other.scale - 1) <= YEAR_SLACK

    def alike(self, other: "Unit") -> bool:
        """Whether they measure the same, in whatever steps; `number` is a number of whatever the other counts."""
        if self.of == other.of:
            return True
        left, right = dict(self.of), dict(other.of)
        numbers = left.pop(NUMBER, 0), right.pop(NUMBER, 0)
        things = _counted(left), _counted(right)
        if numbers[0] == 1 and things[0] is None and things[1] is not None:
            del right[things[1]]
        elif numbers[1] == 1 and things[1] is None and things[0] is not None:
            del left[things[0]]
        return left == right

    @property
    def counts(self) -> bool:
        """Whether it is a number of things, one by one."""
        things = [base for base, _ in self.of]
        return self.scale == 1 and (things == [NUMBER] or (len(things) == 1 and _counted(dict(self.of)) is not None))

    def __str__(self) -> str:
        """As one would write it, from its bases: `1/100 per person`."""
        up = [_power(base, by) for base, by in self.of if by > 0]
        down = [_power(base, -by) for base, by in self.of if by < 0]
        worth = _scale_text(self.scale)
        top = " ".join(([worth] if worth != "1" or not up else []) + up)
        return " per ".join([top, *down])


ONE: Final = Unit(Fraction(1))
NUMBER: Final = "number"
_MEASURED: Final = frozenset(["metre", "second", "kilogram", "joule", "kelvin", "bit", "decibel", "money"]) | {
    "kilogram CO2e",
    NUMBER,
}


def _counted(powers: dict[str, int]) -> str | None:
    """The thing that is counted: the only base upstairs that is no measure."""
    things = [base for base, by in powers.items() if by == 1 and base not in _MEASURED and not base.isupper()]
    return things[0] if len(things) == 1 else None


def _joined(left: Powers, right: Powers, sign: int) -> Powers:
    powers = dict(left)
    for base, by in right:
        powers[base] = powers.get(base, 0) + sign * by
    return tuple(sorted((base, by) for base, by in powers.items() if by))


def _power(base: str, by: int) -> str:
    return base if by == 1 else f"{base}^{by}"


def _scale_text(scale: Fraction) -> str:
    if scale == Fraction(1, 100):
        return "%"
    if scale.denominator == 1 and scale.numerator < 10**9:
        return f"{scale.numerator:,}".replace(",", " ")
    if scale.numerator == 1 and scale.denominator < 10**9:
        return "1/" + f"{scale.denominator:,}".replace(",", " ")
    return f"{float(scale):g}"


# --- the words ----------------------------------------------------------------------------------------------------

_BASES: Final[dict[str, Powers]] = {
    # Dimensions of `hansa.model.units` as products of bases; what an indicator has no use for is left out.
    "ratio": (),
    "count": (),
    "people": (("person", 1),),
    "length": (("metre", 1),),
    "area": (("metre", 2),),
    "volume": (("metre", 3),),
    "time": (("second", 1),),
    "mass": (("kilogram", 1),),
    "energy": (("joule", 1),),
    "power": (("joule", 1), ("second", -1)),
    "speed": (("metre", 1), ("second", -1)),
    "flow": (("metre", 3), ("second", -1)),
    "mass flow": (("kilogram", 1), ("second", -1)),
    "mass concentration": (("kilogram", 1), ("metre", -3)),
    "level": (("decibel", 1),),
    "temperature": (("kelvin", 1),),
    "information": (("bit", 1),),
    "data rate": (("bit", 1), ("second", -1)),
    "irradiance": (("joule", 1), ("metre", -2), ("second", -1)),
}

# Our word (as `said`, several by a bar) and the UN/CEFACT code whose scale it has.
_CODED: Final = (
    "%|percent|per_cent=P1 permille=NX ppm=59 ppb=61 m=MTR km=KMT mm=MMT cm=CMT m2=MTK km2=KMK ha|hectare=H18 m3=MTQ "
    "l|litre|liter=LTR Ml=MAL kg=KGM g=GRM mg=MGM ug=MC t|tonne=TNE s|second=SEC min|minute=MIN h|hour=HUR d|day=DAY "
    "week=WEE J=JOU kJ=KJO MJ=3B GJ=GV Wh=WHR kWh|ekWh=KWH MWh=MWH GWh=GWH W=WTT kW=KWT MW=MAW GW=A90 dB=2N "
    "bit=A99 K=KEL"
)

_PLAIN: Final = frozenset(
    ["ratio", "index", "score", "share", "rank", "level", "yes", "no", "point", "points"]
)  # have no unit at all

_SAID: Final = {
    # another way to write it -> ours; checked before plurals lose their s
    "people": "person",
    "persons": "person",
    "capita": "person",
    "inhabitant": "person",
    "inhabitants": "person",
    "resident": "person",
    "residents": "person",
    "population": "person",
    "µg": "ug",
    "μg": "ug",
    "m²": "m2",
    "m³": "m3",
    "km²": "km2",
    "sqkm": "km2",
    "annum": "year",
    "yr": "year",
    "tonnes": "t",
    "co2e": "CO2e",
    "currency": "money",
    "kwh": "kWh",
    "ekwh": "ekWh",
    "companies": "company",
    "count": NUMBER,
}

_CURRENCIES: Final = frozenset(
    [
        "EUR",
        "USD",
        "CNY",
        "GBP",
        "NOK",
        "SEK",
        "DKK",
        "CHF",
        "CZK",
        "PLN",
        "HUF",
        "TND",
        "RUB",
        "JPY",
        "INR",
        "KRW",
        "CAD",
        "AUD",
        "BRL",
        "ZAR",
    ]
)


def _known() -> dict[str, Unit]:
    found: dict[str, Unit] = {}
    for pair in _CODED.split():
        said, code = pair.split("=")
        found |= dict.fromkeys(said.split("|"), _coded(code))
    found |= {
        "year": Unit(Fraction("365.2425") * 86_400, (("second", 1),)),
        "month": Unit(Fraction("365.2425") / 12 * 86_400, (("second", 1),)),
        "quarter": Unit(Fraction("365.2425") / 4 * 86_400, (("second", 1),)),
        "TJ": Unit(Fraction(10**12), (("joule", 1),)),
        "TWh": Unit(Fraction(3_600 * 10**12), (("joule", 1),)),
        "Mbit": Unit(Fraction(10**6), (("bit", 1),)),
        "Gbit": Unit(Fraction(10**9), (("bit", 1),)),
        # CO2-equivalent is a mass of its own: a tonne of it is no tonne of waste.
        "tCO2e": Unit(Fraction(1000), (("kilogram CO2e", 1),)),
        "kgCO2e": Unit(Fraction(1), (("kilogram CO2e", 1),)),
        "ktCO2e": Unit(Fraction(10**6), (("kilogram CO2e", 1),)),
        "money": Unit(Fraction(1), (("money", 1),)),
    }
    found |= {name: Unit(Fraction(1), ((name, 1),)) for name in sorted(_CURRENCIES)}
    found |= dict.fromkeys(_PLAIN, ONE)
    return found


def _coded(code: str) -> Unit:
    one = codes.unit(code)
    of = _BASES.get(one.dimension)
    if of is None or one.shift:
        raise BadRequest(f"{code} measures {one.dimension}, which no indicator is made of")
    return Unit(one.scale, of)


_KNOWN: Final = MappingProxyType(_known())
_NUMBER: Final = re.compile(r"\d[\d \u00a0\u202f]*(?:\.\d+)?")
_WORD: Final = re.compile(r"[^\W\d][\w%²³]*(?:-[^\W\d]\w*)*|%")
_THING: Final = re.compile(r"[a-z][a-z_]{2,}")
_RANGE: Final = re.compile(r"\b(\d+)\s*(?:-|–|\.\.)\s*(\d+)\b")


@lru_cache(maxsize=4096)
def unit(text: str) -> Unit:
    """The unit of a text such as `%`, `number / 100 000 inhabitants`, `l / day / capita`, `ug/m3` or `t CO2e / year`.

    What follows `of` describes and is passed over (`% of GDP`). BadRequest when a word is no unit (with near words), or
    the text is too long or says nothing.
    """
    if len(text) > LONGEST:
        raise BadRequest(f"a unit of {len(text)} characters", mend=f"{LONGEST} are enough")
    whole = ONE
    for nth, part in enumerate(text.replace("yes/no", "ratio").replace(" per ", " / ").split("/")):
        one, bare = _part(part, text)
        if nth == 0 and bare:  # `1 / 100 000 person` is a number of something
            one = one * Unit(Fraction(1), ((NUMBER, 1),))
        whole = one if nth == 0 else whole / one
    return whole


def _part(part: str, text: str) -> tuple[Unit, bool]:
    """A part between slashes, and whether it is numbers alone."""
    rest = re.sub(r"\bof\b.*", "", _RANGE.sub("", part)).strip()
    rest = re.sub(r"\b(k?t|kg)\s+CO2e\b", r"\1CO2e", rest, flags=re.IGNORECASE).replace("^", "")
    rest = re.sub(r"\b(live|maternal|parking|hospital|data|charging|police)\s+(?=[a-z])", r"\1_", rest)
    if not rest:
        raise BadRequest(f"{text!r} is no unit: a part of it is empty", mend="write it as km / 100 000 person")
    whole, at, bare = ONE, 0, True
    while at < len(rest):
        if rest[at] in " *·\u00a0\u202f":
            at += 1
        elif number := _NUMBER.match(rest, at):
            digits = re.sub(r"[^\d.]", "", number[0])
            if len(digits) > SIZES or not digits.replace(".", "").isascii() or not Fraction(digits):
                raise BadRequest(f"{number[0].strip()[:40]!r} in {text!r} is no size of a unit")
            whole, at = whole * Unit(Fraction(digits)), number.end()
        elif word := _WORD.match(rest, at):
            whole, at, bare = whole * _word(word[0], text), word.end(), False
        else:
            raise BadRequest(f"{rest[at]!r} in the unit {text!r} is neither a number nor a word")
    return whole, bare


def _word(word: str, text: str) -> Unit:
    # Capitals make another unit of a short word (mW, MW), and none of a long one.
    small = word.replace("-", "_") if len(word) <= 3 else word.replace("-", "_").lower()
    one = small.removesuffix("s") if len(small) > 3 and not small.endswith("ss") else small
    for said in (word, small, one):
        found = _KNOWN.get(_SAID.get(said, said))
        if found is not None:
            return found
    if _SAID.get(one, one) != one:
        one = _SAID[one]
    elif not _THING.fullmatch(word.replace("-", "_")):
        near = get_close_matches(word, [*_KNOWN, *_SAID], n=3)
        raise BadRequest(
            f"{word[:40]!r} in the unit {text!r} is not known",
            mend=f"perhaps {' or '.join(near)}" if near else "what is counted is a word in small letters, such as bed",
        )
    return Unit(Fraction(1), ((one, 1),))


def of_code(code: str) -> Unit:
    """The unit of a UN/CEFACT common code, as entities bear it: `KMT`; BadRequest when no indicator is made of it."""
    return _coded(code)


def read(text: str) -> Unit:
    """A unit written in words, or as a UN/CEFACT code in capitals and digits: `KMT`; words come first (`GJ`)."""
    if text in codes.UNITS and text not in _KNOWN:
        return _coded(text)
    return unit(text)


def converted(value: float, come: str, asked: str) -> float:
    """A value in another unit: `converted(1.5, "km2", "ha")` is 150.0.

    Both may be words or UN/CEFACT codes. BadRequest, with the reason, when the two measure different things, and when
    the value is not finite or would not be.
    """
    origin, target = read(come), read(asked)
    if not origin.alike(target):
        raise BadRequest(unlike(origin, target, come, asked), mend=f"give the value in {asked}")
    try:
        answer = float(Fraction(value) * origin.scale / target.scale)
    except (OverflowError, ValueError):
        answer = math.inf
    if not math.isfinite(answer):
        raise BadRequest(f"a value in {come} is not finite, or beyond what can be said in {asked}")
    return answer


_IN_AIR: Final = (("kilogram", 1), ("metre", -3))


def unlike(left: Unit, right: Unit, left_text: str, right_text: str) -> str:
    """Why two units do not convert, for people."""
    small = {Fraction(1, 10**6), Fraction(1, 10**9)}
    for one, other in ((left, right), (right, left)):
        if not one.of and one.scale in small and other.of == _IN_AIR:
            return (
                f"{left_text} and {right_text} do not convert by themselves: a share of the air becomes a mass in it "
                "only by the gas (its molar mass), the temperature and the pressure"
            )
    return f"{left_text} and {right_text} measure different things ({bases(left)} against {bases(right)})"


def bases(one: Unit) -> str:
    """What a unit measures, in its bases."""
    return str(Unit(Fraction(1), one.of)) if one.of else "a plain number"
