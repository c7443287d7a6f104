"""Units of what a city measures: UN/CEFACT common codes, how they convert, and how a page writes them.

A unit is affine over the base unit of its dimension: `base = value * scale + shift`. Scales are exact fractions and a
conversion is one rounded division, so that 32 °F is 0 °C and not 3.6e-15.

Sources: UNECE Recommendation 20, revision 17 (codes, names, factors; where its factor is rounded, as for the knot, the
definition is used), RFC 8428 section 12.1 and RFC 8798 (SenML's own names). Tests: tests/model/test_units.py.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from hansa.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: its UN/CEFACT code, what it measures, its symbol, and its place over the dimension's base unit."""

    code: str
    dimension: str
    symbol: str
    scale: Fraction
    shift: Fraction


@dataclass(frozen=True, slots=True)
class Conversion:
    """`(value * up + add) / down`: whole numbers where they fit a double, so that only the division rounds."""

    up: float
    add: float
    down: float

    def __call__(self, value: float) -> float:
        """Convert one value; the result may be infinite when the value is near a double's limits."""
        return (value * self.up + self.add) / self.down


_PI = Fraction(math.pi)
_KELVIN = Fraction("273.15")
_HOUR = 3600
_FOOT = Fraction("0.3048")
_INCH = Fraction("0.0254")
_GALLON = Fraction("0.003785411784")  # US: 231 cubic inches
_POUND = Fraction("0.45359237")
_GN = Fraction("9.80665")
_PSI = _POUND * _GN / (_INCH * _INCH)

_Row = tuple[str, str, int | str | Fraction]

_TABLE: Final[dict[str, tuple[_Row, ...]]] = {
    # The first of each is the base unit. Codes that the Recommendation marks as deprecated (HAR, HN) are still sent.
    "ratio": (
        ("C62", "", 1),
        ("P1", "%", "0.01"),
        ("NX", "‰", "0.001"),
        ("59", "ppm", "1e-6"),
        ("61", "ppb", "1e-9"),
        ("H60", "m³/m³", 1),
    ),
    "count": (("H87", "", 1), ("EA", "", 1)),
    "people": (("IE", "", 1),),
    "length": (
        ("MTR", "m", 1),
        ("KMT", "km", 1000),
        ("DMT", "dm", "0.1"),
        ("CMT", "cm", "0.01"),
        ("MMT", "mm", "0.001"),
        ("4H", "µm", "1e-6"),
        ("C45", "nm", "1e-9"),
        ("INH", "in", _INCH),
        ("FOT", "ft", _FOOT),
        ("YRD", "yd", 3 * _FOOT),
        ("SMI", "mi", 5280 * _FOOT),
        ("NMI", "nmi", 1852),
    ),
    "area": (
        ("MTK", "m²", 1),
        ("KMK", "km²", 1_000_000),
        ("DMK", "dm²", "0.01"),
        ("CMK", "cm²", "1e-4"),
        ("MMK", "mm²", "1e-6"),
        ("H18", "ha", 10_000),
        ("HAR", "ha", 10_000),
        ("FTK", "ft²", _FOOT**2),
    ),
    "volume": (
        ("MTQ", "m³", 1),
        ("LTR", "l", "0.001"),
        ("HLT", "hl", "0.1"),
        ("CLT", "cl", "1e-5"),
        ("MLT", "ml", "1e-6"),
        ("CMQ", "cm³", "1e-6"),
        ("MAL", "Ml", 1000),
        ("GLL", "gal", _GALLON),
        ("FTQ", "ft³", _FOOT**3),
    ),
    "flow": (
        ("MQS", "m³/s", 1),
        ("MQH", "m³/h", Fraction(1, _HOUR)),
        ("G52", "m³/d", Fraction(1, 24 * _HOUR)),
        ("G53", "m³/min", Fraction(1, 60)),
        ("G51", "l/s", "0.001"),
        ("L2", "l/min", Fraction(1, 60_000)),
        ("E32", "l/h", Fraction(1, 1000 * _HOUR)),
        ("LD", "l/d", Fraction(1, 24_000 * _HOUR)),
        ("E17", "ft³/s", _FOOT**3),
    ),
    "speed": (
        ("MTS", "m/s", 1),
        ("KMH", "km/h", Fraction(1000, _HOUR)),
        ("KNT", "kn", Fraction(1852, _HOUR)),
        ("HM", "mph", 5280 * _FOOT / _HOUR),
        ("FS", "ft/s", _FOOT),
        ("2M", "cm/s", "0.01"),
        ("C16", "mm/s", "0.001"),
        ("H81", "mm/min", Fraction(1, 60_000)),
        ("H67", "mm/h", Fraction(1, 1000 * _HOUR)),
        ("M60", "m/h", Fraction(1, _HOUR)),
        ("2X", "m/min", Fraction(1, 60)),
    ),
    "acceleration": (("MSK", "m/s²", 1), ("M41", "mm/s²", "0.001"), ("A76", "Gal", "0.01"), ("K40", "g", _GN)),
    "angle": (
        ("C81", "rad", 1),
        ("C25", "mrad", "0.001"),
        ("DD", "°", _PI / 180),
        ("D61", "′", _PI / 10_800),
        ("D62", "″", _PI / 648_000),
    ),
    "angular speed": (("2A", "rad/s", 1), ("E96", "°/s", _PI / 180), ("M46", "r/min", _PI / 30)),
    "solid angle": (("D27", "sr", 1),),
    "time": (
        ("SEC", "s", 1),
        ("C26", "ms", "0.001"),
        ("B98", "µs", "1e-6"),
        ("C47", "ns", "1e-9"),
        ("MIN", "min", 60),
        ("HUR", "h", _HOUR),
        ("DAY", "d", 24 * _HOUR),
        ("WEE", "wk", 168 * _HOUR),
        ("ANN", "y", 31_557_600),
    ),
    "frequency": (
        ("HTZ", "Hz", 1),
        ("KHZ", "kHz", 1000),
        ("MHZ", "MHz", 1_000_000),
        ("A86", "GHz", 1_000_000_000),
        ("C97", "1/s", 1),
        ("C94", "1/min", Fraction(1, 60)),
        ("RPS", "r/s", 1),
        ("RPM", "r/min", Fraction(1, 60)),
        ("BPM", "bpm", Fraction(1, 60)),
    ),
    "mass": (
        ("KGM", "kg", 1),
        ("GRM", "g", "0.001"),
        ("MGM", "mg", "1e-6"),
        ("MC", "µg", "1e-9"),
        ("TNE", "t", 1000),
        ("LBR", "lb", _POUND),
    ),
    "mass flow": (("KGS", "kg/s", 1), ("E93", "kg/h", Fraction(1, _HOUR)), ("F29", "g/s", "0.001")),
    "mass concentration": (
        ("KMQ", "kg/m³", 1),
        ("23", "g/cm³", 1000),
        ("GL", "g/l", 1),
        ("A93", "g/m³", "0.001"),
        ("M1", "mg/l", "0.001"),
        ("GP", "mg/m³", "1e-6"),
        ("H29", "µg/l", "1e-6"),
        ("GQ", "µg/m³", "1e-9"),
    ),
    "surface density": (("28", "kg/m²", 1), ("GM", "g/m²", "0.001")),
    "force": (("NEW", "N", 1), ("B47", "kN", 1000), ("C20", "mN", "0.001")),
    "torque": (("NU", "N·m", 1),),
    "pressure": (
        ("PAL", "Pa", 1),
        ("A97", "hPa", 100),
        ("KPA", "kPa", 1000),
        ("MPA", "MPa", 1_000_000),
        ("BAR", "bar", 100_000),
        ("MBR", "mbar", 100),
        ("ATM", "atm", 101_325),
        ("F79", "inHg", "3386.39"),
        ("HN", "mmHg", "133.3224"),
        ("PS", "psi", _PSI),
        ("N23", "mH₂O", 1000 * _GN),
    ),
    "energy": (
        ("JOU", "J", 1),
        ("KJO", "kJ", 1000),
        ("3B", "MJ", 1_000_000),
        ("GV", "GJ", 1_000_000_000),
        ("WHR", "Wh", _HOUR),
        ("KWH", "kWh", 1000 * _HOUR),
        ("MWH", "MWh", 1_000_000 * _HOUR),
        ("GWH", "GWh", 1_000_000_000 * _HOUR),
    ),
    "power": (
        ("WTT", "W", 1),
        ("KWT", "kW", 1000),
        ("MAW", "MW", 1_000_000),
        ("A90", "GW", 1_000_000_000),
        ("C31", "mW", "0.001"),
        ("D80", "µW", "1e-6"),
    ),
    "apparent power": (("D46", "VA", 1), ("KVA", "kVA", 1000), ("MVA", "MVA", 1_000_000)),
    "apparent energy": (("C79", "kVAh", 1),),
    "reactive power": (("D44", "var", 1), ("KVR", "kvar", 1000)),
    "reactive energy": (("K3", "kvarh", 1), ("MAH", "Mvarh", 1000)),
    "energy per distance": (("B12", "J/m", 1),),
    "irradiance": (("D54", "W/m²", 1), ("D85", "µW/m²", "1e-6")),
    "radiant exposure": (("B13", "J/m²", 1),),
    "voltage": (("VLT", "V", 1), ("KVT", "kV", 1000), ("2Z", "mV", "0.001"), ("D82", "µV", "1e-6")),
    "current": (("AMP", "A", 1), ("4K", "mA", "0.001"), ("B84", "µA", "1e-6")),
    "charge": (("COU", "C", 1), ("AMH", "Ah", _HOUR), ("E09", "mAh", "3.6")),
    "resistance": (("OHM", "Ω", 1), ("B49", "kΩ", 1000), ("B75", "MΩ", 1_000_000), ("E45", "mΩ", "0.001")),
    "conductance": (("SIE", "S", 1), ("C27", "mS", "0.001"), ("B99", "µS", "1e-6")),
    "conductivity": (("D10", "S/m", 1), ("H61", "mS/cm", "0.1"), ("G42", "µS/cm", "1e-4"), ("G43", "µS/m", "1e-6")),
    "capacitance": (("FAR", "F", 1), ("4O", "µF", "1e-6"), ("C41", "nF", "1e-9"), ("4T", "pF", "1e-12")),
    "inductance": (("81", "H", 1),),
    "magnetic flux": (("WEB", "Wb", 1),),
    "magnetic field": (("D33", "T", 1), ("C29", "mT", "0.001"), ("D81", "µT", "1e-6"), ("C48", "nT", "1e-9")),
    "illuminance": (("LUX", "lx", 1), ("KLX", "klx", 1000)),
    "luminous flux": (("LUM", "lm", 1),),
    "luminous intensity": (("CDL", "cd", 1),),
    "luminance": (("A24", "cd/m²", 1),),
    "level": (("2N", "dB", 1), ("M72", "B", 10)),
    "acidity": (("Q30", "pH", 1),),
    "turbidity": (("NTU", "NTU", 1),),
    "amount": (("C34", "mol", 1), ("C18", "mmol", "0.001"), ("FH", "µmol", "1e-6")),
    "amount concentration": (("C36", "mol/m³", 1), ("C38", "mol/l", 1000), ("M33", "mmol/l", 1)),
    "catalytic activity": (("KAT", "kat", 1),),
    "radioactivity": (("BQL", "Bq", 1), ("2Q", "kBq", 1000), ("4N", "MBq", 1_000_000)),
    "radioactive concentration": (("A19", "Bq/m³", 1),),
    "equivalent dose": (("D13", "Sv", 1), ("C28", "mSv", "0.001")),
    "equivalent dose rate": (
        ("P65", "Sv/s", 1),
        ("P70", "Sv/h", Fraction(1, _HOUR)),
        ("P71", "mSv/h", Fraction(1, 1000 * _HOUR)),
        ("P72", "µSv/h", Fraction(1, 1_000_000 * _HOUR)),
        ("P73", "nSv/h", Fraction(1, 1_000_000_000 * _HOUR)),
    ),
    "absorbed dose": (("A95", "Gy", 1), ("C13", "mGy", "0.001")),
    "absorbed dose rate": (
        ("A96", "Gy/s", 1),
        ("P63", "µGy/h", Fraction(1, 1_000_000 * _HOUR)),
        ("P64", "nGy/h", Fraction(1, 1_000_000_000 * _HOUR)),
    ),
    "information": (
        ("A99", "bit", 1),
        ("AD", "B", 8),
        ("2P", "kB", 8000),
        ("4L", "MB", 8_000_000),
        ("E34", "GB", 8_000_000_000),
        ("E64", "KiB", 8192),
    ),
    "data rate": (
        ("B10", "bit/s", 1),
        ("C74", "kbit/s", 1000),
        ("E20", "Mbit/s", 1_000_000),
        ("P93", "B/s", 8),
        ("P94", "kB/s", 8000),
        ("P95", "MB/s", 8_000_000),
    ),
}

_SHIFTED: Final[tuple[tuple[str, str, str, Fraction, Fraction], ...]] = (
    ("KEL", "temperature", "K", Fraction(1), Fraction(0)),
    ("CEL", "temperature", "°C", Fraction(1), _KELVIN),
    ("FAH", "temperature", "°F", Fraction(5, 9), Fraction("459.67") * 5 / 9),
    ("DBW", "power level", "dBW", Fraction(1), Fraction(0)),
    ("DBM", "power level", "dBm", Fraction(1), Fraction(-30)),
)


def _build() -> dict[str, Unit]:
    units = {
        code: Unit(code, dimension, sign, Fraction(scale), Fraction(0))
        for dimension, rows in _TABLE.items()
        for code, sign, scale in rows
    }
    for code, dimension, sign, scale, shift in _SHIFTED:
        units[code] = Unit(code, dimension, sign, scale, shift)
    return units


UNITS: Final = MappingProxyType(_build())
"""Every unit that hansa converts, by UN/CEFACT code."""

# RFC 8428, section 12.1: primary units. `%` is there a synonym of `/`, an absolute ratio and not a percentage.
_PRIMARY = (
    "m=MTR kg=KGM g=GRM s=SEC A=AMP K=KEL cd=CDL mol=C34 Hz=HTZ rad=C81 sr=D27 N=NEW Pa=PAL J=JOU W=WTT C=COU V=VLT "
    "F=FAR Ohm=OHM S=SIE Wb=WEB T=D33 H=81 Cel=CEL lm=LUM lx=LUX Bq=BQL Gy=A95 Sv=D13 kat=KAT m2=MTK m3=MTQ l=LTR "
    "m/s=MTS m/s2=MSK m3/s=MQS l/s=G51 W/m2=D54 cd/m2=A24 bit=A99 bit/s=B10 lat=DD lon=DD pH=Q30 dB=2N dBW=DBW "
    "Bspl=M72 count=C62 /=C62 %=C62 %RH=P1 %EL=P1 EL=SEC 1/s=C97 1/min=C94 beat/min=BPM beats=C62 S/m=D10 "
)
# RFC 8798 and later entries of the IANA registry: more primary units, then the secondary ones. VAs, vars, varh and
# Wh/km have no common code and are left out.
_MORE = "B=AD VA=D46 var=D44 J/m=B12 kg/m3=KMQ deg=DD NTU=NTU "
_SECONDARY = (
    "ms=C26 min=MIN h=HUR MHz=MHZ kW=KWT kVA=KVA kvar=KVR Ah=AMH Wh=WHR kWh=KWH kvarh=K3 kVAh=C79 KiB=E64 GB=E34 "
    "Mbit/s=E20 B/s=P93 MB/s=P95 mV=2Z mA=4K dBm=DBM ug/m3=GQ mm/h=H67 m/h=M60 ppm=59 /100=P1 /1000=NX hPa=A97 "
    "mm=MMT cm=CMT km=KMT km/h=KMH"
)

SENML: Final = MappingProxyType(dict(pair.split("=") for pair in (_PRIMARY + _MORE + _SECONDARY).split()))
"""UN/CEFACT code of each SenML unit name that has one."""


def unit(code: str) -> Unit:
    """The unit of a UN/CEFACT code; BadRequest when hansa does not know it."""
    found = UNITS.get(code)
    if found is None:
        raise BadRequest(f"{code[:32]!r} is not a unit code that hansa knows", mend=_hint(code))
    return found


def symbol(code: str) -> str:
    """How a page writes a unit: `°C` for CEL; nothing for a plain count; the code itself where no symbol is known."""
    found = UNITS.get(code)
    return code if found is None else found.symbol


def from_senml(name: str) -> str:
    """The UN/CEFACT code of a SenML unit name; BadRequest when it has none."""
    code = SENML.get(name)
    if code is None:
        raise BadRequest(
            f"{name[:32]!r} is not a SenML unit that hansa knows",
            mend="use a name of RFC 8428 or RFC 8798, such as Cel",
        )
    return code


@lru_cache(maxsize=4096)
def conversion(from_unit: str, to_unit: str) -> Conversion:
    """How to convert between two codes; BadRequest naming both dimensions when they measure different things."""
    origin, target = unit(from_unit), unit(to_unit)
    if origin.dimension != target.dimension:
        raise BadRequest(
            f"{from_unit} is a unit of {origin.dimension}, {to_unit} of {target.dimension}: they do not convert",
            mend=f"give the value in a unit of {target.dimension}",
        )
    scale = origin.scale / target.scale
    shift = (origin.shift - target.shift) / target.scale
    down = math.lcm(scale.denominator, shift.denominator)
    up, add = int(scale * down), int(shift * down)
    if max(down, abs(up), abs(add)) <= 2**53:
        return Conversion(float(up), float(add), float(down))
    return Conversion(float(scale), float(shift), 1.0)  # π is in it: nothing is exact anyway


def convert(value: float, from_unit: str, to_unit: str) -> float:
    """Convert a finite value between two UN/CEFACT codes: `convert(32, "FAH", "CEL")` is 0.0.

    BadRequest when a code is unknown, when the two measure different things (the message names both dimensions), when
    the value is not finite or the result would not be.
    """
    change = conversion(from_unit, to_unit)
    try:
        answer = change(float(value))
    except OverflowError:
        answer = math.inf
    if not math.isfinite(answer):
        raise BadRequest(f"a value in {from_unit} is not finite, or beyond what can be said in {to_unit}")
    return answer


def _hint(code: str) -> str:
    for other, found in UNITS.items():
        if code and code in {found.symbol, other.lower(), other.title()}:
            return f"write {other} for {found.symbol or found.dimension}"
    if code in SENML:
        return f"write {SENML[code]} for SenML's {code}"
    return "use a common code of UN/CEFACT Recommendation 20, such as CEL, MTS or GQ"
