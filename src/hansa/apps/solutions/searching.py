"""Search: which entries speak of the words that were asked for, in an order that can be explained; and what else is.

An entry's score is a sum over the words: for each, the weight of the best place where it stands, times how rare the
word is among all entries, ln(1 + n / entries with it); a word that only begins so counts half. Nothing else is in it:
no clicks, no payment. Entries that score alike stand with the better evidence first, then by name.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hansa.apps.solutions.words import BAND_NONE, BAND_OVER, BANDS, EVIDENCE, YEARS

Told = Mapping[str, Any]
WEIGHTS: Final = (
    *(("name", 5.0), ("need", 4.0), ("theme", 3.0), ("blocks", 2.0), ("workflows", 2.0), ("standards", 2.0)),
    *(("runsIn", 1.5), ("effects", 1.5), ("summary", 1.0)),
)
"""What a word is worth, by where it stands."""
HOW: Final = (
    "Score: for each word the weight of the best place where it stands ("
    + ", ".join(f"{name} {weight:g}" for name, weight in WEIGHTS)
    + "), times ln(1 + entries / entries with it); half where an entry's word only begins with it."
)
_WORD: Final = re.compile(r"\w+", re.UNICODE)
_WORDS: Final = 12  # of one question


@dataclass(frozen=True, slots=True)
class Hit:
    """One entry that was found: its score, and what of it each word brought."""

    entry: Told
    score: float
    why: tuple[dict[str, Any], ...]


def folded(text: str) -> list[str]:
    """The words of a text without case and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return _WORD.findall("".join(one for one in plain if not unicodedata.combining(one)))


def places(entry: Told) -> dict[str, frozenset[str]]:
    """The words of an entry by where they stand."""
    return {name: frozenset(folded(_flat(entry.get(name)))) for name, _ in WEIGHTS}


def found(entries: Sequence[Told], question: str) -> list[Hit]:
    """The entries that have every word of a question, the best first; all of them where nothing is asked."""
    words = list(dict.fromkeys(folded(question)))[:_WORDS]
    spoken = [places(one) for one in entries] if words else []
    hits: dict[int, list[dict[str, Any]]] = {n: [] for n in range(len(entries))}
    for asked in words:
        stands = {n: best for n, one in enumerate(spoken) if (best := _best(one, asked)) is not None}
        rare = math.log(1 + len(entries) / max(1, len(stands)))
        hits = {
            n: [*hits[n], {"word": asked, "field": name, "points": round(worth * rare, 3)}]
            for n, (name, worth) in stands.items()
            if n in hits
        }
    made = [Hit(entries[n], round(sum(it["points"] for it in why), 3), tuple(why)) for n, why in hits.items()]
    return sorted(made, key=lambda hit: (-hit.score, proof(hit.entry), str(hit.entry.get("name", "")).casefold()))


def _best(spoken: Mapping[str, frozenset[str]], asked: str) -> tuple[str, float] | None:
    """Where a word stands best, and what that is worth."""
    best: tuple[str, float] | None = None
    for name, weight in WEIGHTS:
        words = spoken[name]
        worth = weight if asked in words else weight / 2 if any(one.startswith(asked) for one in words) else 0.0
        if worth and (best is None or worth > best[1]):
            best = (name, worth)
    return best


def proof(entry: Told) -> int:
    """The best evidence of any of its effects: 0 is measured, 3 that it names no effect."""
    return min((EVIDENCE.index(one["evidence"]) for one in effects(entry)), default=len(EVIDENCE))


def effects(entry: Told) -> list[Told]:
    """Its effects, as far as they are well said."""
    said = entry.get("effects")
    listed = said if isinstance(said, list) else []
    return [one for one in listed if isinstance(one, Mapping) and one.get("evidence") in EVIDENCE]


def band(entry: Told) -> str:
    """What it costs in five years, as a band: with its currency, for there is no rate of exchange in it."""
    said = entry.get("cost")
    if not isinstance(said, Mapping):
        return BAND_NONE
    whole = said["capital"] + YEARS * said["yearly"]
    word = next((word for most, word in BANDS if whole < most), BAND_OVER)
    return f"{said['currency']} {word}"


FACETS: Final[Mapping[str, Callable[[Told], Iterable[str]]]] = {
    "theme": lambda one: [str(one.get("theme") or BAND_NONE)],
    "need": lambda one: [str(one.get("need") or BAND_NONE)],
    "cost": lambda one: [band(one)],
    "indicator": lambda one: sorted({f"{it['framework']} {it['code']}" for it in effects(one)}),
    "evidence": lambda one: [EVIDENCE[n] if (n := proof(one)) < len(EVIDENCE) else "none"],
    "licence": lambda one: [str(one.get("licence"))],
    "kind": lambda one: [str(one.get("kind"))],
}
"""What one may narrow a search by."""


def narrowed(hits: Sequence[Hit], chosen: Mapping[str, str]) -> tuple[list[Hit], dict[str, list[dict[str, Any]]]]:
    """The hits that fit what was chosen; and of each facet the values, counted under all that was chosen but itself."""
    fits = {name: [chosen[name] in FACETS[name](hit.entry) for hit in hits] for name in FACETS if chosen.get(name)}
    counted: dict[str, list[dict[str, Any]]] = {}
    for name, values in FACETS.items():
        others = [oks for facet, oks in fits.items() if facet != name]
        left = [hit for n, hit in enumerate(hits) if all(oks[n] for oks in others)]
        many = Counter(value for hit in left for value in values(hit.entry))
        counted[name] = [
            {"value": value, "count": n} for value, n in sorted(many.items(), key=lambda it: (-it[1], it[0]))[:100]
        ]
    return [hit for n, hit in enumerate(hits) if all(oks[n] for oks in fits.values())], counted


def _flat(value: Any) -> str:
    """All text in a value."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return " ".join(_flat(one) for one in value.values())
    return " ".join(map(_flat, value)) if isinstance(value, list) else ""
