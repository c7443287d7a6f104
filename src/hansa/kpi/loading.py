"""From a document to a Framework: everything is looked at once, and refused with its place in the document.

A pack that ships and a city's own file are read alike: `load(document)`. `framework("u4ssc")` is a pack by its id.
Tests: tests/kpi/test_kpi_loading.py.
"""

from collections import ChainMap, Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, Final

import msgspec

from hansa.errors import BadRequest, NotFound
from hansa.kpi import looks as look
from hansa.kpi import units
from hansa.kpi.formula import Formula, formula
from hansa.kpi.framework import (
    DIRECTIONS,
    KINDS,
    Band,
    Check,
    Data,
    Framework,
    Indicator,
    Input,
    Path,
    Point,
    Scheme,
    Targets,
    Tree,
    plain,
    point_name,
)
from hansa.kpi.rows import text_of, yaml_document
from hansa.kpi.tree import FUNCTIONS

INDICATORS: Final = 2_000  # of one framework; the largest in use has some 130
ALL_POINTS: Final = 2_000  # data points of one framework, each with a formula to read
ALL_INPUTS: Final = 5_000  # of one framework; U4SSC has 149
POINTS: Final = 60  # data points of one indicator
INPUTS: Final = 60  # inputs of one indicator
CHECKS: Final = 100  # of one indicator, and of the framework itself
VERSIONS: Final = 50  # of weights and of targets
NAME: Final = 64  # characters of an input's name

# What an input cannot be called: words of formulas, and of files of values.
_TAKEN: Final = frozenset(
    (
        *FUNCTIONS,
        *[
            "and",
            "or",
            "code",
            "value",
            "target",
            "status",
            "unit",
            "points",
            "point",
            "inputs",
            "input",
            "period",
            "year",
        ],
    )
)
_FRAMEWORK: Final = frozenset(
    [
        "id",
        "name",
        "edition",
        "version",
        "levels",
        "scoring",
        "weights",
        "targets",
        "sources",
        "notes",
        "indicators",
        "checks",
        "frame",
        "said",
        "fields",
        "crosswalk",
        "data_quality",
    ]
)
_INDICATOR: Final = frozenset(
    [
        "code",
        "name",
        "name_zh",
        "path",
        "level",
        "type",
        "definition",
        "unit",
        "direction",
        "best",
        "scored",
        "period",
        "inputs",
        "points",
        "checks",
        "holders",
        "sdg",
        "sources",
        "said",
        "notes",
        "verification",
        "conversions",
        "target_note",
    ]
)
_POINT: Final = frozenset(["key", "name", "formula", "unit", "direction", "best", "scored", "range", "notes"])
_INPUT: Final = frozenset(["name", "says", "unit", "low", "high", "holders", "notes"])
_CHECK: Final = frozenset(["expr", "of", "says", "severity", "said", "source"])
_SCHEME: Final = frozenset(["kind", "bands", "low", "high", "total", "decimals", "missing_share", "said"])


def load(document: Mapping[str, Any]) -> Framework:
    """A Framework from its document (its shape: docs/kpi.md); BadRequest names the first wrong thing, and where."""
    doc = look.mapping(document, "the framework", _FRAMEWORK)
    levels = tuple(look.texts(doc, "levels", "the framework"))
    if not 1 <= len(levels) <= 6:
        raise BadRequest("a framework has 1 to 6 levels", where="levels", mend='"levels": ["dimension", "category"]')
    scheme = _scheme(doc.get("scoring"))
    listed = look.listing(doc, "indicators", "the framework", INDICATORS)
    inputs = _inputs(listed)
    known = {name: one.unit for name, one in inputs.items()}
    indicators: dict[str, Indicator] = {}
    many = sum(len(look.listing(one, "points", f"indicators[{nth}]", POINTS)) for nth, one in enumerate(listed))
    if many > ALL_POINTS:
        raise BadRequest(f"{many:,} data points, at most {ALL_POINTS:,}", where="indicators")
    for nth, one in enumerate(listed):
        made = _indicator(look.mapping(one, f"indicators[{nth}]", _INDICATOR), f"indicators[{nth}]", levels, known)
        if made.code in indicators:
            raise BadRequest(f"the code {made.code!r} stands twice", where=f"indicators[{nth}]")
        indicators[made.code] = made
    aliases = _aliases(look.text(doc, "id", "the framework"), indicators)
    nodes = _nodes(doc, levels, indicators)
    return Framework(
        id=look.text(doc, "id", "the framework"),
        name=look.text(doc, "name", "the framework"),
        edition=look.text(doc, "edition", "the framework", empty=True),
        levels=levels,
        scoring=scheme,
        indicators=indicators,
        nodes=nodes,
        weights=_weights(doc.get("weights"), {*indicators, *("/".join(path) for path in nodes)}),
        targets=_targets(doc.get("targets"), indicators),
        checks=_across(doc, indicators),
        sources={
            str(key): str(value) for key, value in look.mapping(doc.get("sources") or {}, "sources", None).items()
        },
        notes=tuple(look.texts(doc, "notes", "the framework", look.TEXT)),
        inputs=inputs,
        uses=_uses(indicators),
        document=document,
        aliases=aliases,
    )


def frameworks() -> list[str]:
    """The ids of the frameworks that ship with hansa."""
    found = (one.name for one in files("hansa.kpi").joinpath("packs").iterdir())
    return sorted(name.removesuffix(".json") for name in found if name.endswith(".json"))


@lru_cache(maxsize=32)
def framework(name: str) -> Framework:
    """A framework that ships, by its id, or without its year: the newest. NotFound names those that do."""
    shipped = frameworks()
    if name not in shipped:
        name = max((one for one in shipped if name and one.startswith(f"{name}_")), default=name)
    if name not in shipped:
        near = get_close_matches(name, shipped, n=2) or shipped
        raise NotFound(f"there is no framework {name[:80]!r}", where=name[:80], mend=f"perhaps {' or '.join(near)}")
    body = files("hansa.kpi").joinpath("packs").joinpath(f"{name}.json").read_bytes()
    return load(msgspec.json.decode(body))


def opened(name: str, body: bytes) -> Framework:
    """A city's own framework from the bytes of a file, JSON or YAML by its name; BadRequest when it is none."""
    text = text_of(body)
    if name.lower().endswith(".json"):
        try:
            document = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError) as fault:
            raise BadRequest(f"{name[:120]} is no JSON: {str(fault)[:200]}") from fault
    else:
        document = yaml_document(text)
    return load(document)


# --- an indicator --------------------------------------------------------------------------------------------------


def _inputs(listed: Sequence[Any]) -> dict[str, Input]:
    """The inputs of all indicators; one name is one number, in one unit, wherever it is used."""
    found: dict[str, Input] = {}
    for nth, one in enumerate(listed):
        where = f"indicators[{nth}]"
        for at, said in enumerate(look.listing(look.mapping(one, where, _INDICATOR), "inputs", where, INPUTS)):
            made = _input(look.mapping(said, f"{where}.inputs[{at}]", _INPUT), f"{where}.inputs[{at}]")
            before = found.setdefault(made.name, made)
            if len(found) > ALL_INPUTS:
                raise BadRequest(f"more than {ALL_INPUTS:,} inputs", where=f"{where}.inputs[{at}]")
            if units.unit(before.unit) != units.unit(made.unit):
                raise BadRequest(
                    f"{made.name} is in {before.unit} for one indicator and in {made.unit} for another",
                    where=f"{where}.inputs[{at}]",
                    mend="one name is one number: give one of them another name",
                )
    return found


def _input(doc: Mapping[str, Any], where: str) -> Input:
    name = look.text(doc, "name", where)
    if len(name) > NAME or not name.isascii() or not name.isidentifier() or name in _TAKEN:
        raise BadRequest(f"{name!r} cannot be the name of an input", where=where, mend="letters, digits and _")
    unit = look.text(doc, "unit", where)
    look.at(where, units.unit, unit)
    low = look.number(doc, "low", where) if "low" in doc else 0.0
    return Input(name, look.text(doc, "says", where), unit, (low, look.number(doc, "high", where)))


def _indicator(doc: Mapping[str, Any], where: str, levels: Sequence[str], known: dict[str, str]) -> Indicator:
    code = look.text(doc, "code", where)
    where = f"{where} ({code})"
    path = tuple(look.texts(doc, "path", where))
    if len(path) != len(levels) or any("/" in part for part in path):
        raise BadRequest(f"its path has {len(path)} parts, the levels are {', '.join(levels)}", where=where)
    own = {str(one.get("name")) for one in look.listing(doc, "inputs", where, INPUTS)}
    direction = look.choice(doc, "direction", where, DIRECTIONS)
    points = {}
    for nth, said in enumerate(look.listing(doc, "points", where, POINTS)):
        one = _point(look.mapping(said, f"{where}.points[{nth}]", _POINT), f"{where}.points[{nth}]", doc, own, known)
        if one.key in points:
            raise BadRequest(f"the data point {one.key!r} stands twice", where=where)
        points[one.key] = one
    if not points or ("" in points and len(points) > 1):
        raise BadRequest("an indicator has one data point with the key '', or several with keys", where=where)
    return Indicator(
        code=code,
        name=look.text(doc, "name", where),
        path=path,
        level=look.optional(doc, "level", where),
        type=look.optional(doc, "type", where),
        definition=look.text(doc, "definition", where, look.TEXT, empty=True),
        unit=look.optional(doc, "unit", where),
        direction=direction,
        period=look.optional(doc, "period", where) or "year",
        inputs={str(one["name"]): _input(one, where) for one in doc.get("inputs") or ()},
        points=points,
        checks=_checks(doc, where, points, known),
        holders=tuple(look.texts(doc, "holders", where)),
        sdg=tuple(look.texts(doc, "sdg", where)),
        sources=tuple(look.texts(doc, "sources", where)),
        said=look.origins(doc, where),
        notes=tuple(look.texts(doc, "notes", where, look.TEXT)),
    )


def _point(
    doc: Mapping[str, Any], where: str, indicator: Mapping[str, Any], own: set[str], known: Mapping[str, str]
) -> Point:
    unit = look.optional(doc, "unit", where)
    if unit is not None:
        look.at(where, units.unit, unit)
    text, made = doc.get("formula"), None
    if text is not None:
        given = {name: known[name] for name in own}
        made = look.at(f"{where}.formula", formula, text, given, unit)
    direction = look.choice({"direction": indicator.get("direction")} | dict(doc), "direction", where, DIRECTIONS)
    best = look.number({"best": indicator.get("best")} | dict(doc), "best", where)
    if direction == "best" and (best is None or best <= 0):
        raise BadRequest("what is best? a direction of `best` needs a number above 0", where=where, mend='"best": 1')
    scored = doc.get("scored", indicator.get("scored", True))
    if not isinstance(scored, bool):
        raise BadRequest("`scored` is true or false", where=where)
    name = look.text(doc, "name", where, empty=True) or str(indicator.get("name"))
    return Point(
        look.text(doc, "key", where, empty=True), name, made, unit, direction, _range(doc, where), best, scored
    )  # fmt: skip


def _range(doc: Mapping[str, Any], where: str) -> tuple[float | None, float | None]:
    said = doc.get("range")
    if said is None:
        return None, None
    if not isinstance(said, (list, tuple)) or len(said) != 2:
        raise BadRequest("a range is [low, high], null where there is no bound", where=where)
    low, high = (look.number({"range": one}, "range", where) for one in said)
    return low, high


def _checks(
    doc: Mapping[str, Any], where: str, points: Mapping[str, Point], known: dict[str, str]
) -> tuple[Check, ...]:
    """Checks over inputs, of this indicator and any other, and over its data points."""
    names = ChainMap(known, {point_name(key): one.unit or "1" for key, one in points.items()})
    return tuple(
        _check(look.mapping(said, f"{where}.checks[{nth}]", _CHECK), f"{where}.checks[{nth}]", names, {})
        for nth, said in enumerate(look.listing(doc, "checks", where, CHECKS))
    )


def _check(doc: Mapping[str, Any], where: str, names: Mapping[str, str], of: Mapping[str, Data]) -> Check:
    made: Formula = look.at(where, formula, doc.get("expr"), names, check=True)
    severity = doc.get("severity", "error")
    if severity not in {"error", "warning"}:
        raise BadRequest("a severity is error or warning", where=where)
    return Check(
        made, look.text(doc, "says", where, look.TEXT), severity, look.origin(doc.get("said", "ours"), where), of
    )


def _across(doc: Mapping[str, Any], indicators: Mapping[str, Indicator]) -> tuple[Check, ...]:
    """Checks over the values of several indicators, each named in `of`: a code, or [code, key]."""
    found = []
    for nth, said in enumerate(look.listing(doc, "checks", "the framework", CHECKS)):
        where = f"checks[{nth}]"
        one = look.mapping(said, where, _CHECK)
        of: dict[str, Data] = {}
        names = {}
        for name, whose in look.mapping(one.get("of"), f"{where}.of", None).items():
            code, key = (whose, "") if isinstance(whose, str) else _two(whose, where)
            point = indicators[code].points.get(key) if code in indicators else None
            if point is None:
                raise BadRequest(f"{name} is {code!r} {key!r}, and there is no such data point", where=where)
            of[name], names[name] = (code, key), point.unit or "1"
        found.append(_check(one, where, names, of))
    return tuple(found)


def _two(said: Any, where: str) -> tuple[str, str]:
    if not isinstance(said, (list, tuple)) or len(said) != 2 or not all(isinstance(one, str) for one in said):
        raise BadRequest("a data point is a code, or [code, key]", where=where)
    return said[0], said[1]


# --- the whole -----------------------------------------------------------------------------------------------------


def _scheme(said: Any) -> Scheme:
    doc = look.mapping(said, "scoring", _SCHEME)
    kind = look.choice(doc, "kind", "scoring", KINDS)
    bands = tuple(_band(look.mapping(one, "scoring.bands", None)) for one in look.listing(doc, "bands", "scoring", 20))
    if kind == "points" and not bands:
        raise BadRequest("scoring by points needs bands", where="scoring.bands")
    for one, after in pairwise(bands):
        if one.high != after.low or after.points < one.points:
            raise BadRequest("bands follow one another without gap, and points rise", where="scoring.bands")
    if bands and (bands[0].low != 0 or bands[-1].high is not None or any(one.points < 1 for one in bands)):
        raise BadRequest("bands begin at 0, end at null, and give at least a point", where="scoring.bands")
    low, high = look.number(doc, "low", "scoring"), look.number(doc, "high", "scoring")
    low, high = 1.0 if low is None else low, 10.0 if high is None else high
    if high <= low:
        raise BadRequest("the scale ends below its beginning", where="scoring.high")
    return Scheme(kind, bands, look.origins(doc, "scoring"), look.number(doc, "missing_share", "scoring"), low, high)


def _band(doc: Mapping[str, Any]) -> Band:
    low, points = look.number(doc, "from", "scoring.bands"), doc.get("points")
    if low is None or isinstance(points, bool) or not isinstance(points, int):
        raise BadRequest("a band has from, to, points and a name", where="scoring.bands")
    return Band(look.text(doc, "name", "scoring.bands"), points, low, look.number(doc, "to", "scoring.bands"))


def _nodes(doc: Mapping[str, Any], levels: Sequence[str], indicators: Mapping[str, Indicator]) -> dict[Path, Any]:
    below: dict[Path, list[str]] = {(): []}
    for nth, frame in enumerate(look.listing(doc, "frame", "the framework", INDICATORS)):
        path = tuple(look.texts({"frame": frame}, "frame", f"frame[{nth}]"))
        if len(path) != len(levels):
            raise BadRequest(f"a path of {len(path)} parts; the levels are {', '.join(levels)}", where=f"frame[{nth}]")
        for deep in range(1, len(path) + 1):
            below.setdefault(path[:deep], [])
    for one in indicators.values():
        for deep in range(len(one.path) + 1):
            below.setdefault(one.path[:deep], []).append(one.code)
    return {path: tuple(codes) for path, codes in below.items()}


def _aliases(ident: str, indicators: Mapping[str, Indicator]) -> dict[str, str]:
    """What else a code may be written as; what could be two is neither."""
    many = Counter(plain(code) for code in indicators)
    found = {plain(code): code for code in indicators if many[plain(code)] == 1}
    return found | {f"{plain(ident)}.{said}": code for said, code in found.items()}


def _uses(indicators: Mapping[str, Indicator]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for one in indicators.values():
        for name in one.inputs:
            found.setdefault(name, []).append(one.code)
    return {name: tuple(codes) for name, codes in found.items()}


def _versions(said: Any, where: str) -> list[tuple[str, str, Mapping[str, Any], Mapping[str, str]]]:
    if said is None:
        return []
    found: list[tuple[str, str, Mapping[str, Any], Mapping[str, str]]] = []
    for nth, one in enumerate(said if isinstance(said, (list, tuple)) else [said]):
        if nth >= VERSIONS:
            raise BadRequest(f"more than {VERSIONS} versions", where=where)
        doc = look.mapping(one, where, frozenset({"version", "since", "of", "said", "notes"}))
        since = look.text({"since": str(doc.get("since", ""))}, "since", where, empty=True)
        of = look.mapping(doc.get("of") or {}, f"{where}.of", None)
        found.append(
            (look.text({"version": str(doc.get("version", ""))}, "version", where), since, of, look.origins(doc, where))
        )
    return found


def _weights(said: Any, known: set[str]) -> tuple[Tree, ...]:
    found = []
    for version, since, of, read in _versions(said, "weights"):
        weights = {name: look.number(of, name, "weights") for name in of}
        for name, weight in weights.items():
            if name not in known:
                near = get_close_matches(name, known, n=2)
                raise BadRequest(
                    f"{name[:80]!r} is neither a code nor a node", where="weights", mend=look.perhaps(near)
                )
            if weight is not None and weight < 0:
                raise BadRequest(f"the weight of {name!r} is below 0", where="weights")
        found.append(Tree(version, since, weights, read))
    return tuple(found)


def _targets(said: Any, indicators: Mapping[str, Indicator]) -> tuple[Targets, ...]:
    found = []
    for version, since, of, _ in _versions(said, "targets"):
        targets: dict[Data, float] = {}
        for code, given in of.items():
            one = indicators.get(code)
            several = given if isinstance(given, Mapping) else {"": given}
            if one is None or not several.keys() <= one.points.keys():
                raise BadRequest(f"{code[:80]!r} is no indicator, or has no such data point", where="targets")
            for key in several:
                target = look.number(several, key, f"targets ({code})")
                if target is not None:
                    targets[code, key] = target
        found.append(Targets(version, since, targets))
    return tuple(found)
