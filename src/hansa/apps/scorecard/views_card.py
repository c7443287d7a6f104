"""What is asked of a card: the whole of it, one number, what would help, as files; by staff, and by anybody.

Whoever is staff sees what his sight shows him. A stranger sees what the city has published: everything public is read
through `city.public`, so a value that is not labelled open does not exist here.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from hansa import Answer, Asking, Entity, NotFound, Refusal, kpi
from hansa.apps.scorecard import card, export, frameworks, helping, method, nouns
from hansa.apps.scorecard.made import READERS, app

FORMS: Final = ("pdf", "sheet", "csv", "jsonld")
_PAGE: Final = 1_000


# ---- for staff


@app.view("card", roles=READERS)
def whole(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """The card of a `framework`, `period` (else the last that is over), `area`: tree, trends, gaps, pictures."""
    framework, rows, period, area = _asked(asked, city)
    others = staff_others(city, framework)
    return _told(framework, rows, period, area, others, _known(city, framework, period, area)) | {"city": _name(city)}


@app.view("method", roles=READERS)
def account(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """How the number of a `code` came about; its course, gap, projection; and other cities beside it."""
    framework, rows, period, area = _asked(asked, city)
    code = framework.indicator(asked.get("code", "")).code
    others = staff_others(city, framework)
    return {
        "framework": {"id": framework.id, "name": framework.name, "edition": framework.edition},
        "period": period,
        "area": area,
        "line": _line(framework, rows, period, area, code),
        "account": method.account(framework, rows, code, period, area, entries=_entries(city, framework, period, area)),
        "courses": method.courses(framework, rows, code, period, area),
        "beside": method.beside(framework, others, rows, code, period, _name(city)),
    }


@app.view("loop", roles=READERS)
def helps(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """What would help most: the gaps of the card, and solutions and measures by what each would gain for its price."""
    framework, rows, period, area = _asked(asked, city)
    told = card.made(framework, rows, period, area, known=_known(city, framework, period, area))
    found = card.by_code(rows, period, area)
    given = {code: card.reported(one, found.get(code)) for code, one in framework.indicators.items()}
    candidates = [
        one
        for kind in ("Solution", "Measure")
        for it in city.find(kind, limit=helping.CANDIDATES)
        if (one := helping.candidate(it)) is not None
    ]
    today = datetime.fromtimestamp(city.now() / 1e6, UTC).date()
    years = _whole(asked.get("years"), helping.YEARS, helping.YEARS_MOST)
    weighed = helping.weighed(framework, given, candidates, today=today, years=years, area=area)
    return {"period": period, "gaps": card.gaps(framework, told), "missing": card.missing(told)} | weighed


@app.view("report", roles=READERS)
def report(asked: Mapping[str, str], city: Asking) -> Answer:
    """The card as a file: `form` is pdf, sheet (the fact sheet), csv or jsonld."""
    framework, rows, period, area = _asked(asked, city)
    others, form = staff_others(city, framework), asked.get("form", "pdf")
    return filed(framework, rows, period, area, form, _name(city), foot="For staff", others=others)


# ---- for anybody


@app.view("public_cards", public=True)
def public_cards(_asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """The frameworks and periods of which the city has published a card."""
    found = []
    for one in frameworks.used(city):
        ident = str(one.get("framework"))
        periods = card.periods(_public(city, ident))
        if periods:
            found.append({"id": ident, "name": str(one.get("name")), "periods": periods})
    return {"cards": found, "city": _name(city)}


@app.view("public_card", public=True)
def public_card(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """The published card of a `framework` in a `period` (the last one, unless said). NotFound where there is none."""
    framework, rows, period = public_asked(asked, city)
    others = public_others(city, framework)
    return _told(framework, rows, period, nouns.WHOLE, others) | {"city": _name(city)}


@app.view("public_method", public=True)
def public_method(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """How a published number of a `code` came about."""
    framework, rows, period = public_asked(asked, city)
    code = framework.indicator(asked.get("code", "")).code
    others = public_others(city, framework)
    return {
        "framework": {"id": framework.id, "name": framework.name, "edition": framework.edition},
        "period": period,
        "line": _line(framework, rows, period, nouns.WHOLE, code),
        "account": method.account(framework, rows, code, period, public=True),
        "courses": method.courses(framework, rows, code, period),
        "beside": method.beside(framework, others, rows, code, period, _name(city)),
    }


def public_asked(asked: Mapping[str, str], city: Asking) -> tuple[kpi.Framework, list[card.Row], str]:
    """The framework, its published rows and the period that somebody unknown asks for. NotFound."""
    framework = frameworks.of(city, asked.get("framework", ""))
    rows = _public(city, framework.id)
    periods = card.periods(rows)
    period = asked.get("period") or card.latest(rows)
    if period not in periods:
        raise NotFound(
            f"the city has published no card of {framework.name}{f' for {period[:10]}' if period else ''}",
            where="period" if periods else "framework",
            mend=f"one of {', '.join(periods)}" if periods else None,
        )
    return framework, rows, period


# ---- what they share


def filed(
    framework: kpi.Framework,
    rows: Sequence[card.Row],
    period: str,
    area: str,
    form: str,
    city: str,
    *,
    foot: str,
    public: bool = False,
    others: Sequence[Mapping[str, Any]] = (),
) -> Answer:
    """The card as a file of one of `FORMS`, `foot` on every page of it; Refusal for another."""
    if form not in FORMS:
        raise Refusal(f"form is one of {', '.join(FORMS)}", where="form")
    told = card.made(framework, rows, period, area, compared=method.compared(others))
    name = f"scorecard-{framework.id}-{period}"
    if form == "csv":
        return Answer(export.table(told), "text/csv; charset=utf-8", f"{name}.csv")
    codes = [one["code"] for one in told["indicators"] if one["status"] in card.COUNTED or form == "jsonld"]
    accounts = {code: method.account(framework, rows, code, period, area, public=public) for code in codes}
    if form == "jsonld":
        return Answer(export.linked(told, accounts), "application/ld+json", f"{name}.jsonld")
    from hansa.apps.scorecard import pdf  # noqa: PLC0415  # reportlab takes a quarter of a second

    body = pdf.pdf(
        told,
        card.pictures(told),
        city=city or "The city",
        gaps=card.gaps(framework, told),
        missing=card.missing(told),
        accounts=list(accounts.values()),
        foot=foot,
        sheet=form == "sheet",
    )
    return Answer(body, "application/pdf", f"{name}{'-fact-sheet' if form == 'sheet' else ''}.pdf")


def _told(
    framework: kpi.Framework,
    rows: Sequence[card.Row],
    period: str,
    area: str,
    others: Sequence[Mapping[str, Any]] = (),
    known: Iterable[str] = (),
) -> dict[str, Any]:
    """A card with all that stands on its page."""
    told = card.made(framework, rows, period, area, compared=method.compared(others), known=known)
    return {
        "card": told,
        "periods": card.periods(one for one in rows if one["area"] == area),
        "public": any(one["label"] == "open" for one in rows if str(one["period"]) == period),
        "trends": card.trends(framework, rows, area),
        "gaps": card.gaps(framework, told),
        "missing": card.missing(told),
        "pictures": card.pictures(told),
        "said": {"scoring": dict(framework.scoring.said), "notes": list(framework.notes)},
    }


def _line(framework: kpi.Framework, rows: Sequence[card.Row], period: str, area: str, code: str) -> dict[str, Any]:
    listed: list[dict[str, Any]] = card.made(framework, rows, period, area)["indicators"]
    return next(one for one in listed if one["code"] == code)


def _asked(asked: Mapping[str, str], city: Asking) -> tuple[kpi.Framework, list[card.Row], str, str]:
    """What a member of staff asks for. Refusal or NotFound says what is missing."""
    ident = asked.get("framework") or next((str(one.get("framework")) for one in frameworks.used(city)), "")
    if not ident:
        raise NotFound("the city uses no framework yet", where="framework", mend="adopt one: /scorecard?view=inputs")
    framework = frameworks.of(city, ident)
    area = asked.get("area") or nouns.WHOLE
    rows: list[card.Row] = [card.row(one) for one in nouns.indicators(city, framework.id, area=area)]
    period = asked.get("period") or card.latest(rows) or nouns.period_of(city, city.now())
    return framework, rows, nouns.checked_period(period), area


def _public(city: Asking, framework: str) -> list[card.Row]:
    """The published rows of a framework, of the whole city."""
    nouns.checked_framework(framework)
    found = _pages(city, "KeyPerformanceIndicator", f'framework=="{framework}";area=="{nouns.WHOLE}"')
    return [card.row(one) for one in found]


def _pages(city: Asking, kind: str, q: str) -> list[Entity]:
    found: list[Entity] = []
    while len(found) < card.ROWS:
        more = city.public.page(kind, q=q, limit=_PAGE, offset=len(found))
        found += more
        if len(more) < _PAGE:
            break
    return found


def staff_others(city: Asking, framework: kpi.Framework) -> list[dict[str, Any]]:
    """Other cities' values, as staff see them."""
    return [_other(one) for one in nouns.of_kind(city, "KpiCity", framework=framework.id)]


def public_others(city: Asking, framework: kpi.Framework) -> list[dict[str, Any]]:
    """Other cities' values that are for everybody."""
    return [_other(one) for one in _pages(city, "KpiCity", f'framework=="{framework.id}"')]


def _other(one: Entity) -> dict[str, Any]:
    """Another city's value."""
    names = ("code", "point", "city", "period", "value", "unit", "source", "federated")
    return {name: one.get(name) for name in names}


def _known(city: Asking, framework: kpi.Framework, period: str, area: str) -> list[str]:
    """The inputs of a period that have a value, whether or not a number came of them."""
    return [str(one.get("input")) for one in nouns.inputs(city, framework.id, period, area) if "value" in one]


def _entries(city: Asking, framework: kpi.Framework, period: str, area: str) -> dict[str, dict[str, Any]]:
    """The inputs of a period as they stand, by name, with their evidence and who vouches for them."""
    names = ("value", "unit", "status", "how", "completeness", "at", "lineage", "evidence", "by", "verifiedBy")
    found = nouns.inputs(city, framework.id, period, area)
    return {str(one.get("input")): {"id": one.id} | {name: one.get(name) for name in names} for one in found}


def _name(city: Asking) -> str:
    """What the city is called."""
    return str(city.setting("city") or "")


def _whole(said: str | None, otherwise: int, most: int) -> int:
    """A number of years. Refusal."""
    if not said:
        return otherwise
    if not (said.isascii() and said.isdecimal() and len(said) < 4 and 1 <= int(said) <= most):
        raise Refusal(f"years is a whole number from 1 to {most}", where="years")
    return int(said)
