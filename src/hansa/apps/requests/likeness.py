"""How likely two requests are about one thing: from distance, kind, time and words, with each part's weight told.

A logistic score. Its weights were fitted on the training part of the labelled pairs that `tests/requests_pairs.py`
makes (`fit` there), and are judged on pairs it has never seen. Words are compared by three letters at a time, so that
inflection, typing errors and languages without spaces do little harm; two texts of different languages say nothing for
or against.
"""

import math
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from hansa import City, Entity
from hansa.apps.requests.places import Point, metres, point_in
from hansa.apps.requests.services import Catalogue
from hansa.apps.requests.times import DAY, iso, micros

RADIUS_M: Final = 250.0
"""Telephones are wrong by 5 to 50 m, people who point at a map by a house or two; beyond, it is another place."""
DAYS: Final = 60
WEIGHED: Final = 60
"""Neighbours that are compared; a place with more of them open is looked at by people."""
TOLD: Final = 5
LIKELY: Final = 0.5
_COMPARED: Final = 600  # characters of a text: what it is about is said at its beginning

WEIGHTS: Final[Mapping[str, float]] = {
    "base": 1.05,
    "metres": -3.93,
    "same": 4.12,
    "group": 2.38,
    "days": -11.37,
    "words": 2.25,
    "answers": 0.47,
    "other": -1.33,
}
"""Of the features below; see `features` for their units."""


def grams(text: str) -> frozenset[str]:
    """The three-letter pieces of a text's words, small and without accents."""
    plain = "".join(
        char if char.isalnum() else " "
        for char in unicodedata.normalize("NFKD", text[:_COMPARED].casefold())
        if not unicodedata.combining(char)
    )
    padded = (f" {word} " for word in plain.split())
    return frozenset(word[n : n + 3] for word in padded for n in range(max(1, len(word) - 2)))


def alike(one: frozenset[str], other: frozenset[str]) -> float:
    """How much two texts share, from 0 to 1 (Dice)."""
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0


def features(one: Mapping[str, Any], other: Mapping[str, Any], same_group: bool) -> dict[str, float]:
    """What is weighed of a pair. Each is a mapping with point, service, at, text, language, answers.

    metres: 1 at 50 m, growing as a logarithm. days: between them, of `DAYS`. words: what the texts share, less what two
    texts about the same kind of thing usually do; 0 across languages.
    """
    far = metres(one["point"], other["point"])
    same = one["service"] == other["service"]
    said, there = one["answers"], other["answers"]
    both = [code for code in said if code in there]
    agree = sum(said[code] == there[code] for code in both)
    tongue = str(one["language"]).split("-")[0] == str(other["language"]).split("-")[0]
    texts = bool(one["text"]) and bool(other["text"]) and tongue
    return {
        "base": 1.0,
        "metres": math.log1p(far / 25.0) / math.log(3.0),
        "same": float(same),
        "group": float(same_group and not same),
        "days": min(1.0, abs(one["at"] - other["at"]) / (DAYS * DAY)),
        "words": alike(one["text"], other["text"]) - 0.25 if texts else 0.0,
        "answers": agree / len(both) if both else 0.0,
        "other": (len(both) - agree) / len(both) if both else 0.0,
    }


def score(found: Mapping[str, float]) -> float:
    """From 0 to 1."""
    total = sum(WEIGHTS[name] * value for name, value in found.items())
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


def told(one: Entity) -> dict[str, Any] | None:
    """What is compared of a request; None without a place."""
    point = point_in(one)
    if point is None:
        return None
    answers = one.get("answers")
    return {
        "point": point,
        "service": one.get("serviceCode"),
        "at": micros(one.get("requestedAt")),
        "text": grams(str(one.get("description") or "")),
        "language": one.get("language") or "",
        "answers": answers if isinstance(answers, dict) else {},
    }


def compared(mine: Mapping[str, Any], other: Mapping[str, Any], known: Catalogue) -> tuple[float, dict[str, Any]]:
    """The score of a pair, and why it is so, in words' place: numbers that a page can say in any language."""
    groups = [known.services[it["service"]].group if it["service"] in known.services else None for it in (mine, other)]
    found = features(mine, other, groups[0] is not None and groups[0] == groups[1])
    why = {
        "metres": round(metres(mine["point"], other["point"]), 1),
        "days": round(abs(mine["at"] - other["at"]) / DAY, 1),
        "words": round(alike(mine["text"], other["text"]), 2),
        "sameService": bool(found["same"]),
        "parts": {name: round(WEIGHTS[name] * value, 2) for name, value in found.items() if value},
    }
    return score(found), why


def near(city: City, point: Point, at: int, radius_m: float = RADIUS_M) -> list[Entity]:
    """Open requests around a place that are not joined to another, of the last two months."""
    since = iso(at - DAYS * DAY)
    found = city.find(
        "ServiceRequest", f'status=="open";requestedAt>="{since}"', near=(*point, radius_m), limit=WEIGHED
    )
    return [one for one in found if not one.get("into")]


def likely(one: Entity, city: City, known: Catalogue, least: float = LIKELY) -> list[dict[str, Any]]:
    """The open requests that a new one may be the same as, the likeliest first."""
    mine = told(one)
    if mine is None:
        return []
    found: list[dict[str, Any]] = []
    for other in near(city, mine["point"], mine["at"]):
        theirs = told(other)
        if other.id == one.id or theirs is None:
            continue
        value, why = compared(mine, theirs, known)
        if value >= least:
            found.append({"id": other.id, "score": round(value, 3), "why": why})
    return sorted(found, key=lambda it: -float(it["score"]))[:TOLD]
