"""What helped here and elsewhere, for everybody: the solutions bank as residents see it.

    /{language}/solutions                  all that is listed, searched and narrowed
    /{language}/solutions/{id}             one: what it does, how that is known, what it cost
    /{language}/solutions/hand-in          a form for what the city should look at; a moderator does

Joined into the public site (`public.Site`). What is said comes from public views of app solutions. Held by
tests/centres/test_public_solutions.py.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from hansa.analytics.doors import sent
from hansa.centres.public import Leads, Page, Values, Visiting
from hansa.centres.public_pages import fault_of
from hansa.errors import BadRequest, HansaError, NotFound

THEMES: Final = (
    *("agriculture", "buildings", "culture", "data", "economy", "education", "energy", "environment", "government"),
    *("health", "identity", "mobility", "safety", "waste", "water"),
)
EVIDENCE: Final = ("measured", "modelled", "claimed")
MATURITY: Final = ("idea", "pilot", "running", "scaled")
_PAGE: Final = 20
_DIGITS: Final = 4  # of the number of a page


async def solutions(visit: Visiting) -> Page:
    """One of the pages below /solutions."""
    match visit.path:
        case [_]:
            return await _listed(visit)
        case [_, "hand-in"]:
            return handing_in()
        case [_, ident]:
            return await _one(visit, ident)
    raise NotFound("there is no such page")


async def _listed(visit: Visiting) -> Page:
    query = visit.query
    narrowed = {
        "q": query["q"][:200].strip(),
        "theme": query["theme"] if query["theme"] in THEMES else "",
        "evidence": query["evidence"] if query["evidence"] in EVIDENCE else "",
    }
    number = query["page"] or "1"
    if not (number.isascii() and number.isdecimal() and len(number) <= _DIGITS and int(number)):
        raise BadRequest("page is a small whole number", where="page")
    page = int(number)
    if (page - 1) * _PAGE > 5_000:  # more than the bank holds
        raise NotFound("there is no such page")
    told = await visit.perhaps("solutions", "catalogue", **narrowed, limit=_PAGE, offset=(page - 1) * _PAGE)
    total = (told["total"] if told else 0) or 0

    def address(to: int) -> str:
        """Another page of this list."""
        kept = {name: value for name, value in narrowed.items() if value} | ({"page": str(to)} if to > 1 else {})
        return f"{visit.here}?{urlencode(kept)}" if kept else visit.here

    shown = {
        "found": None if told is None else told["solutions"] or [],
        "total": total,
        "values": Values(narrowed),
        "narrowed": any(narrowed.values()),
        "themes": THEMES,
        "evidences": EVIDENCE,
        "before": address(page - 1) if page > 1 else "",
        "next": address(page + 1) if total > page * _PAGE else "",
        "done": query["done"] == "1",
        "best": _best,
    }
    return Page("solutions", "solutions", "solutions.title", shown, keep=not shown["done"])


async def _one(visit: Visiting, ident: str) -> Page:
    told = await visit.ask("solutions", "entry", id=ident)
    if told["effects"] is None:
        told["effects"] = []
    return Page("solution", "solution", "", {"one": told, "figure": lambda value: _figure(visit, value)}, keep=True)


def handing_in(*, fault: Any = None, values: Values | None = None) -> Page:
    """The form for what the city should look at."""
    shown = {"values": values or Values(), "fault": fault, "themes": THEMES, "maturities": MATURITY}
    shown["bad"] = fault["where"] if fault else ""
    status = fault["status"] if fault else 200
    return Page("solution-form", "solution-form", "solutions.hand-in", shown, status=status)


async def posted_solution(visit: Visiting) -> Page | Leads:
    """Somebody hands in a solution: it waits for a moderator."""
    if visit.path != ["solutions", "hand-in"]:
        raise NotFound("nothing is posted here")
    filled, _ = await sent(visit.request, 0)
    if any(not isinstance(value, str) for value in filled.values()):
        raise BadRequest("a form is sent here, not JSON", where="content-type")
    values = Values(filled)
    names = ("name", "summary", "theme", "need", "maturity", "licence")
    said: dict[str, Any] = {"kind": "project", "language": visit.language}
    said |= {name: values[name].strip() for name in names}
    if values["contact"].strip():
        said["contact"] = {"name": values["contact"].strip()}
        if values["url"].strip():
            said["contact"]["url"] = values["url"].strip()
    try:
        await visit.do("solutions", "submit", said)
    except HansaError as wrong:
        return handing_in(fault=fault_of(visit, wrong), values=values)
    return Leads(f"{visit.to('solutions')}?done=1")


def _best(one: Mapping[str, Any]) -> str:
    """The best evidence of any of its effects; empty where it names none."""
    said = {it.get("evidence") for it in one.get("effects") or () if isinstance(it, Mapping)}
    return next((word for word in EVIDENCE if word in said), "")


def _figure(visit: Visiting, value: Any) -> str:
    """A change as the language writes it, with its sign and the digits that it has."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return "–"
    digits = len(f"{abs(value):.4g}".partition(".")[2]) if 1e-4 <= abs(value) < 1e4 else 0
    return ("+" if value > 0 else "") + visit.words.number(value, digits)


PAGES: Final[Mapping[str, Callable[[Visiting], Awaitable[Page | Leads]]]] = {"solutions": solutions}
POSTED: Final[Mapping[str, Callable[[Visiting], Awaitable[Page | Leads]]]] = {"solutions": posted_solution}
"""Joined with the other pages and forms of the public site."""
