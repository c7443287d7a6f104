"""The readings behind a number: what a query counted, thing by thing and instant by instant, page by page."""

from collections.abc import Mapping
from typing import Any, Final

from hansa import City, Entity, NotFound, Refusal, windows
from hansa.apps.scorecard import nouns
from hansa.apps.scorecard.evaluating import ENTITIES, found_of, measure
from hansa.apps.scorecard.made import READERS, app
from hansa.apps.scorecard.queries import Readings, Things, read
from hansa.apps.scorecard.times import iso, moment

PAGE: Final = 1_000
STEP: Final = 10 * 86_400_000_000
"""History is read by ten days, so that a page costs what it shows and not the year."""


@app.view("readings", roles=READERS)
def _readings(said: Mapping[str, str], city: City) -> dict[str, Any]:
    """What an input (`id`) was made of: its things from `offset` on; of an `entity` the readings `after` a time."""
    one = nouns.known(city, str(said.get("id") or "urn:ngsi-ld:KpiInput:none"))
    if one is None or "KpiInput" not in one.types:
        raise NotFound("there is no such input", where="id")
    limit, offset = _whole(said, "limit", PAGE, PAGE), _whole(said, "offset", 0, ENTITIES)
    told = dict(one.get("lineage") or {})
    bound = nouns.known(city, nouns.binding_id(str(one.get("framework")), str(one.get("input")), str(one.get("area"))))
    if told.get("how") != "query" or bound is None:
        return {"entities": [], "readings": [], "more": False, "says": _source(told), "lineage": told}
    how = read(bound["how"])
    spell = nouns.spell(city, str(one.get("period")))
    if isinstance(how, Things):
        q, _ = how.asked(spell)
        things = found_of(city, how.type, q, how.within, str(one.get("area")))
    elif isinstance(how, Readings):
        things = found_of(city, how.type, how.q, how.within, str(one.get("area")))
    else:
        return {"entities": [], "readings": [], "more": False, "says": how.says(), "lineage": told}
    page = things[offset : offset + limit]
    rows = [_thing(thing, how) for thing in page]
    readings: list[dict[str, Any]] = []
    more = len(things) > offset + limit
    if isinstance(how, Readings) and said.get("entity"):
        if not any(thing.id == said["entity"] for thing in things):
            raise NotFound("that is not one of its things", where="entity")
        after = moment(said.get("after")) if said.get("after") else None
        readings, more = _points(city, said["entity"], how.attribute, spell, after, limit)
    return {"entities": rows, "readings": readings, "more": more, "says": how.says(), "lineage": told}


def _points(
    city: City, ident: str, attribute: str, spell: nouns.Spell, after: int | None, limit: int
) -> tuple[list[dict[str, Any]], bool]:
    """Readings after an instant, oldest first, and whether there are more."""
    found: list[dict[str, Any]] = []
    begin = spell.since if after is None else max(spell.since, after + 1)
    while begin < spell.seen and len(found) <= limit:
        end = min(spell.seen, begin + STEP)
        for at, value in windows.numbers(city.history(ident, attribute, begin, end)):
            found.append({"entity": ident, "attribute": attribute, "at": iso(at), "value": value})
        begin = end
    return found[:limit], len(found) > limit


def _thing(one: Entity, how: Things | Readings) -> dict[str, Any]:
    name = one.get("name")
    told: dict[str, Any] = {"id": one.id, "name": name if isinstance(name, str) else None}
    if isinstance(how, Things) and how.attribute:
        told["value"] = measure(one, how.attribute)
    return told


def _source(told: Mapping[str, Any]) -> str:
    if told.get("how") == "table" and "cell" in told:
        return f"cell {told['cell']} of the sheet {told.get('sheet') or '1'} of {told.get('file')}"
    if told.get("how") == "entered":
        return "entered by a person, with evidence"
    return "nothing is known of how it came"


def _whole(said: Mapping[str, str], name: str, usual: int, most: int) -> int:
    text = said.get(name)
    if not text:
        return usual
    if not text.isascii() or not text.isdigit() or int(text[:9]) > most:
        raise Refusal(f"{name} is a whole number up to {most:,}", where=name)
    return int(text)
