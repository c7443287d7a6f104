"""What came of a measure, looked at when it was said that one would look: expected against actual change.

Before is the last value whose period had ended when the measure began; after, the last one whose whole period lies
between that day and the review. Of what was expected, so much is due as of its years have gone by until the end of
that period, evenly. A change within a quarter of that is as expected. That the measure made the change nobody has
shown; that is told with every outcome.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from hansa import City, Entity, NotFound, entity, saying
from hansa.apps.strategy import values
from hansa.apps.strategy.measure import KIND
from hansa.apps.strategy.values import Value, year_of
from hansa.apps.strategy.words import ABOUT, LOOKED_DAYS, MEASURES, REMIND_DAYS

VERDICTS: Final = ("as expected", "less", "more", "cannot say")
LIVE: Final = frozenset({"approved", "under-way", "done"})
DAY: Final = 86_400_000_000
EFFECTS: Final = 200
"""That one round looks at: those without an outcome first; the rest are looked at an hour later."""
OTHERS: Final = "other things have changed too: this is a comparison, and no proof"


def judged(effect: Mapping[str, Any], known: Sequence[Value], begins: str, review: str) -> dict[str, Any]:
    """One effect: what was due, what came, and the verdict, with the numbers that it stands on."""
    names = ("framework", "code", "point", "area", "unit")
    told: dict[str, Any] = {name: effect[name] for name in names if effect.get(name)}
    told |= {"expectedWhole": effect["change"], "perYears": effect["perYears"], "verdict": "cannot say"}
    start, end = year_of(begins), year_of(review)
    before = [it for it in known if it.end <= start + 1e-6]
    after = [it for it in known if it.begin >= start - 1e-6 and it.end <= end + 1e-6]
    if not before or not after:
        missing = "before it began" if not before else "between its beginning and the review"
        return told | {"said": f"there is no value of a period {missing}"}
    first, last = before[-1], after[-1]
    # What says no unit, as points of an indicator that has several may, is taken to be of the one that is said.
    units = {it for it in (first.unit, last.unit, effect.get("unit")) if it}
    if len(units) > 1:
        return told | {"said": f"the units differ: {', '.join(sorted(units))}"}
    due = effect["change"] * min(1.0, (last.end - start) / effect["perYears"])
    actual = last.value - first.value
    share = actual / due
    verdict = "less" if share < 1 - ABOUT else "more" if share > 1 + ABOUT else "as expected"
    return told | {
        "before": first.value,
        "beforePeriod": first.period,
        "after": last.value,
        "afterPeriod": last.period,
        "expected": due,
        "actual": actual,
        "share": share,
        "verdict": verdict,
        "said": f"{share:.0%} of what was due; {OTHERS}",
    }


def whole(told: Sequence[Mapping[str, Any]]) -> str:
    """One verdict of several: less where one is less, then more; cannot say where nothing can be said of any."""
    found = {one["verdict"] for one in told}
    for word in ("less", "more", "as expected"):
        if word in found:
            return word
    return "cannot say"


def ident(measure: str, review: str) -> str:
    """The key of the outcome of one review: made, so that there is one."""
    return sha256(f"{measure} {review}".encode()).hexdigest()[:24]


def outcome(city: City, one: Entity, kept: Entity | None) -> Entity | None:
    """The outcome of a measure whose review is due; None when it is said already, word for word."""
    review, effects = str(one["reviewAt"]), one.get("effects") or []
    told = [
        judged(
            it, values.reported(city, it["framework"], it["code"], it.get("point", ""), it["area"]), one["from"], review
        )
        for it in effects
    ]
    said = {"measure": one.id, "name": one["name"], "reviewAt": review, "effects": told, "verdict": whole(told)}
    said["tolerance"] = ABOUT
    if kept is not None and all(kept.get(name) == value for name, value in said.items()):
        return None
    return entity("MeasureOutcome", ident(one.id, review), **said, computedAt=saying.iso(city.now()))


def due(city: City) -> Iterator[Entity]:
    """Outcomes of all measures whose review is due, and notices to the owners of those whose review is near."""
    now = city.now()
    today, soon = saying.iso(now)[:10], saying.iso(now + REMIND_DAYS * DAY)[:10]
    since = saying.iso(now - LOOKED_DAYS * DAY)[:10]
    live = [one for one in city.find(KIND, limit=MEASURES) if one.get("status") in LIVE and one.get("reviewAt")]
    waiting = []
    for one in live:
        if since <= one["reviewAt"] <= today and one.get("effects"):
            kept = there(city, f"urn:ngsi-ld:MeasureOutcome:{ident(one.id, one['reviewAt'])}")
            if kept is None or not kept.get("seenBy"):  # what its owner has seen stands
                waiting.append((kept is not None, one["reviewAt"], one.id, one, kept))
        if one["reviewAt"] <= soon and (notice := _notice(city, one)) is not None:
            yield notice
    many = 0
    for _, _, _, one, kept in sorted(waiting, key=lambda it: it[:3]):
        many += len(one["effects"])
        if many > EFFECTS:
            return
        if (made := outcome(city, one, kept)) is not None:
            yield made


def _notice(city: City, one: Entity) -> Entity | None:
    """The reminder of one review to its owner, once; None for whoever is no person here, and when it was written."""
    if not str(one.get("owner", "")).startswith("person:"):
        return None
    key = f"strategy-{ident(one.id, str(one['reviewAt']))}"
    if there(city, f"urn:ngsi-ld:Notice:{key}") is not None:
        return None
    words = f"The review of the measure {one['name']} is due on {one['reviewAt']}: /strategy?view=review&sel={one.id}"
    return entity(
        "Notice",
        key,
        to=[one["owner"]],
        message=words,
        status="written",
        writtenAt=saying.iso(city.now()),
        about=one.id,
    )


def there(city: City, ident_: str) -> Entity | None:
    """An entity, or None."""
    try:
        return city.get(ident_)
    except NotFound:
        return None
