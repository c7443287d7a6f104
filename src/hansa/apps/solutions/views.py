"""What is asked of the bank: a search, one entry, what waits, what would move an indicator, the export."""

from collections.abc import Iterable, Mapping
from typing import Any

from hansa import Asking, Entity, NotFound, Refusal, saying
from hansa.apps.solutions import entry, exchange, installed, searching
from hansa.apps.solutions.words import (
    EVIDENCE,
    PAGE,
    PAGE_MOST,
    QUERY,
    SOLUTIONS,
    STATUSES,
    WAITING,
)

Told = dict[str, Any]


def search(asked: Mapping[str, str], city: Asking) -> Told:
    """What staff finds, of any status: by text and facets, in an order that says why."""
    status = asked.get("status", "listed")
    if status and status not in STATUSES:
        raise Refusal("there is no such status", where="status", mend=", ".join(STATUSES))
    q = f'status=="{status}"' if status else None
    entries = _whole(city.find(entry.KIND, q, limit=SOLUTIONS), city, apps=status in {"", "listed"})
    return _found(asked, entries)


def catalogue(asked: Mapping[str, str], city: Asking) -> Told:
    """What everybody finds: what is listed and open."""
    return _found(asked, _public(city))


def solution(asked: Mapping[str, str], city: Asking) -> Told:
    """One entry, with the editions that wait beside it."""
    ident = asked.get("id", "")
    found = installed.known(city, ident) if ident else None
    if (name := _app(ident)) in installed.apps(city):
        return installed.told(city, name, found) | {"editions": []}
    if found is None or entry.KIND not in found.types:
        raise NotFound("there is no such solution", where="id")
    q = f'about=="{found.id}"'
    waiting = [_edition(one) for one in city.find("SolutionEdition", q, limit=20) if one.get("status") == "waiting"]
    return entry.kept(found) | {"editions": waiting}


def one(asked: Mapping[str, str], city: Asking) -> Told:
    """One entry as everybody sees it."""
    ident = asked.get("id", "")
    for told in _public(city):
        if told["id"] == ident:
            return told
    raise NotFound("there is no such solution", where="id")


def queue(_asked: Mapping[str, str], city: Asking) -> Told:
    """What waits for a moderator: entries from outside, and other editions of what is here, each beside it."""
    submitted = [entry.kept(one) for one in city.find(entry.KIND, 'status=="submitted"', limit=WAITING)]
    waiting = city.find("SolutionEdition", 'status=="waiting"', limit=WAITING)
    pairs = [(one, installed.known(city, str(one.get("about")))) for one in waiting]
    return {
        "submitted": sorted(submitted, key=lambda it: str(it.get("at", ""))),
        "editions": [_edition(one) | {"here": entry.kept(here)} for one, here in pairs if here is not None],
    }


def imports(_asked: Mapping[str, str], city: Asking) -> Told:
    """What was imported, the newest first, and what came of it."""
    names = ("from", "source", "at", "counts", "refused", "conflicts")
    listed = [{"id": one.id} | {name: one.get(name) for name in names} for one in city.find("SolutionImport")]
    return {"imports": sorted(listed, key=lambda it: str(it["at"]), reverse=True)[:100]}


def helps(asked: Mapping[str, str], city: Asking) -> Told:
    """Which solutions say that they move an indicator, in which direction; the best evidence first."""
    framework, code, point = (asked.get(name, "") for name in ("framework", "code", "point"))
    if not framework or not code:
        raise Refusal("say which indicator", where="code", mend="framework=u4ssc&code=EC: ICT: ICT: 1C")
    way = asked.get("direction", "")
    found = []
    for told in _whole(city.find(entry.KIND, 'status=="listed"', limit=SOLUTIONS), city, apps=True):
        for it in searching.effects(told):
            right = it["framework"] == framework and it["code"] == code and str(it.get("point") or "") == point
            if right and (way not in {"higher", "lower"} or (it["change"] > 0) == (way == "higher")):
                names = ("id", "name", "theme", "cost", "maturity", "licence", "runsIn")
                found.append({name: told.get(name) for name in names} | {"effect": dict(it)})
    found.sort(key=lambda it: (EVIDENCE.index(it["effect"]["evidence"]), -abs(it["effect"]["change"])))
    return {"framework": framework, "code": code, "point": point, "solutions": found[:PAGE_MOST]}


def exported(asked: Mapping[str, str], city: Asking) -> Told:
    """The document for other cities: what is listed and open, narrowed as a search is."""
    hits, _ = _narrowed(asked, _public(city))
    # An address that others would have to fetch in the clear is none to hand on.
    source = f"{city.origin}/solutions/catalogue.jsonld" if city.origin.startswith("https://") else ""
    entries = [_measured(dict(hit.entry)) for hit in hits]
    return exchange.document(entries, installed.name_of(city), source, saying.iso(city.now()))


def _measured(told: Told) -> Told:
    """What leaves the city of an app: what was measured of it, as effects that say on how much."""
    for it in told.get("measured", ()):
        if it["change"] is not None:
            effect = {name: it[name] for name in ("framework", "code", "point", "unit", "change") if it.get(name)}
            effect = {"unit": "", "change": 0} | effect | {"perYears": 1, "evidence": "measured", "source": it["said"]}
            told["effects"] = [*told.get("effects", ()), effect]
    return told


def _public(city: Asking) -> list[Told]:
    found = city.public.page(entry.KIND, q='status=="listed"', limit=SOLUTIONS)
    return _whole(found, city, apps=True, public=True)


def _whole(listed: Iterable[Entity], city: Asking, *, apps: bool, public: bool = False) -> list[Told]:
    """Entries as they are told, those of installed apps with what they have done."""
    by = {one.id: one for one in listed}
    names = installed.apps(city) if apps else {}
    told = [entry.kept(one) for ident, one in by.items() if _app(ident) not in names]
    for name in names:
        here = installed.told(city, name, by.get(installed.ident(name)))
        if public and here["measured"]:  # of values that are not yet published, nobody outside is told
            here = installed.told(city, name, by.get(installed.ident(name)), _Open(city))
        told.append(here)
    return told


class _Open:
    """The city that values are read from where everybody asks: what is open."""

    def __init__(self, city: Asking) -> None:
        self._city = city

    def find(self, type: str, q: str | None = None, *, limit: int = 1_000) -> list[Entity]:  # noqa: A002
        """Of what is open."""
        return list(self._city.public.page(type, q=q, limit=limit))


def _app(ident: str) -> str:
    return ident.removeprefix("urn:ngsi-ld:Solution:app-") if ident.startswith("urn:ngsi-ld:Solution:app-") else ""


def _narrowed(asked: Mapping[str, str], entries: list[Told]) -> tuple[list[searching.Hit], dict[str, Any]]:
    words = asked.get("q", "")
    if len(words) > QUERY:
        raise Refusal(f"at most {QUERY} characters", where="q")
    chosen = {name: asked[name] for name in searching.FACETS if asked.get(name)}
    return searching.narrowed(searching.found(entries, words), chosen)


def _found(asked: Mapping[str, str], entries: list[Told]) -> Told:
    hits, facets = _narrowed(asked, entries)
    offset, limit = saying.count(asked, "offset", 0, SOLUTIONS, 0), saying.count(asked, "limit", PAGE, PAGE_MOST)
    page = hits[offset : offset + limit]
    return {
        "total": len(hits),
        "solutions": [{**hit.entry, "score": hit.score, "why": list(hit.why)} for hit in page],
        "facets": facets,
        "how": searching.HOW,
    }


def _edition(one: Entity) -> Told:
    names = ("about", "identifier", "version", "digest", "origin", "why", "at", "content")
    return {"id": one.id} | {name: one.get(name) for name in names}
