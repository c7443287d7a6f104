"""The city's data for everybody: what there is, one dataset, plots and maps of it, and what people ask for.

    /{language}/data                       all that is published, searched and narrowed
    /{language}/data/{dataset}             what one is, how good, how to have it
    /{language}/data/explore?d=...         plotted, mapped, joined: the whole plot is in the address
    /{language}/data/requests              what people ask the city to publish; asked and supported by forms

Joined into the public site (`public.Site`). What is said comes from public views of app opendata; the drawing is
`plots`. Held by tests/centres/test_public_data.py and tests/browser/test_data_portal.py.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from hansa.analytics.doors import sent
from hansa.centres import plots
from hansa.centres.public import Leads, Page, Values, Visiting
from hansa.centres.public_pages import fault_of
from hansa.centres.scales import figure
from hansa.errors import BadRequest, HansaError, NotFound

NAMES: Final = ("d", "plot", "x", "y", "agg", "bin", "by", "f", "j", "on", "v")
"""The parameters of a plot, in the order in which an address says them."""
_DROPPED: Final = ("x", "y", "by", "bin", "agg", "on", "j", "f", "plot", "v")
_LEFT_OUT: Final = 4  # of what cannot be, until a plot is shown all the same
_FILTERS: Final = 6
_OPS: Final = ("=", "!=", ">", ">=", "<", "<=", "~")
_SHOWN: Final = 200  # rows of a table beside a plot; the file has all of them
_SORTS: Final = ("relevance", "modified", "title", "popular")
_PREVIEW: Final = 10
_DIGITS: Final = 4  # of the number of a page


async def data(visit: Visiting) -> Page | Leads:
    """One of the pages below /data."""
    match visit.path:
        case [_]:
            return await _listed(visit)
        case [_, "explore"]:
            return await _explored(visit)
        case [_, "requests"]:
            return await requests(visit)
        case [_, ident]:
            return await _dataset(visit, ident)
    raise NotFound("there is no such page")


# ---- what there is


async def _listed(visit: Visiting) -> Page:
    query = visit.query
    asked = {name: query[name][:200] for name in ("q", "theme", "licence", "format", "publisher", "tag")}
    number = query["page"] or "1"
    if not (number.isascii() and number.isdecimal() and len(number) <= _DIGITS and int(number)):
        raise BadRequest("page is a small whole number", where="page")
    sort = query["sort"] if query["sort"] in _SORTS else ""
    told = await visit.perhaps("opendata", "catalogue", **asked, sort=sort, page=number, lang=visit.language)
    narrowed = {name: text for name, text in asked.items() if text}
    kept = narrowed | ({"sort": sort} if sort else {})

    def address(**other: str) -> str:
        """This list, narrowed otherwise."""
        return f"{visit.here}{_query({name: text for name, text in (kept | other).items() if text})}"

    facets = []
    for name in ("theme", "publisher", "tag", "licence"):
        found = ((told["facets"] if told else None) or {}).get(name) or []
        items = [
            {"name": one["name"] or one["key"], "count": one["count"], "here": asked[name] == one["key"],
             "href": address(**{name: "" if asked[name] == one["key"] else str(one["key"])})}
            for one in found[:12]
        ]  # fmt: skip
        if len(items) > 1 or asked[name]:
            facets.append({"name": name, "items": items})
    page = int(number)
    shown = {
        "found": None if told is None else told["datasets"] or [],
        "total": (told["total"] if told else 0) or 0,
        "values": Values(asked | {"sort": sort}),
        "facets": facets,
        "narrowed": bool(narrowed),
        "sorts": _SORTS,
        "next": address(page=str(page + 1)) if told and told["more"] else "",
        "before": address(page=str(page - 1)) if page > 1 else "",
    }
    return Page("data", "data", "data.title", shown, keep=True)


def _query(said: Mapping[str, str]) -> str:
    """`?a=b&c=d`, readable: what an address may bear as it is stands as it is."""
    parts = [f"{name}={quote(text, safe=':;,@=!~|()*')}" for name, text in said.items()]
    return "?" + "&".join(parts) if parts else ""


async def _dataset(visit: Visiting, ident: str) -> Page:
    one = await visit.ask("opendata", "dataset", id=ident, lang=visit.language)
    preview = await visit.perhaps("opendata", "preview", id=ident, limit=_PREVIEW)
    columns = one["columns"] or []
    downloads = one["downloads"] or []
    shown = {
        "one": one,
        "columns": columns,
        "preview": preview,
        "downloads": downloads,
        "releases": one["releases"] or [],
        "services": one["services"] or [],
        "notes": one["notes"] or [],
        "exact": lambda value: _exact(value, visit),
        "size": lambda size: _size(visit, size),
        "explore": f"{visit.to('data/explore')}{_query({'d': str(one['id'])})}",
    }
    return Page("dataset", "dataset", "", shown, keep=True)


def _size(visit: Visiting, size: Any) -> str:
    """Bytes for people."""
    if not isinstance(size, int | float) or size <= 0:
        return ""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1_000 or unit == "GB":
            return f"{visit.words.number(size, 1 if unit != 'B' and size < 10 else 0)} {unit}"
        size /= 1_000
    return ""


# ---- plots


async def _explored(visit: Visiting) -> Page | Leads:
    said = _wanted(visit.query)
    if not said.get("d"):
        return Leads(visit.to("data"))
    short = f"{visit.here}{_query(said)}"
    # A form without script sends every field: its address is made short, so that what is shared is.
    if set(visit.query) - set(NAMES) or any(not text for text in visit.query.values()):
        return Leads(short)
    told, fault = await _plotted(visit, said)
    spec = Values(told["spec"])
    days = told["axes"]["x"]["bin"] in {"day", "week", "month", "quarter", "year"}
    drawing = plots.plot(told, visit.words)
    filters = [_condition(one) for one in _split(spec["f"])]
    shown = {
        "told": told,
        "spec": spec,
        "plot": drawing,
        "filters": [*filters, {"column": "", "op": "=", "value": ""}][:_FILTERS],
        "ops": _OPS,
        "plots": ("line", "bar", "scatter", "hist", "map"),
        "measures": ("mean", "sum", "min", "max", "median", "count", "distinct"),
        "spans": ("minute", "hour", "day", "week", "month", "quarter", "year"),
        "columns": told["choices"]["columns"] or [],
        "others": [one for one in told["choices"]["datasets"] or () if one["id"] != told["dataset"]["id"]],
        "rows": told["rows"][:_SHOWN],
        "shown": min(_SHOWN, len(told["rows"])),
        "figure": lambda value: figure(value, visit.words),
        "exact": lambda value: _exact(value, visit, days=days),
        "fault": fault,
        "licence": _licence,
        "short": short,
        "stays": f"{visit.here}{_query(said | {'v': _versions(told)})}",
        "csv": f"/desk/opendata/explore{_query(dict(spec) | {'form': 'csv'})}",
        "drawn": {"points": drawing.points, "domain": drawing.domain, "kind": drawing.kind,
                  "timed": told["axes"]["x"]["type"] == "time"},
    }  # fmt: skip
    return Page("explore", "explore", "explore.title", shown, status=fault["status"] if fault else 200)


def _wanted(query: Mapping[str, str]) -> dict[str, str]:
    """What is to be plotted: of a short address, or of a form with a field for everything."""
    said = {name: query.get(name, "").strip() for name in NAMES}
    rows = [(query.get(f"c{n}", ""), query.get(f"o{n}", ""), query.get(f"v{n}", "")) for n in range(_FILTERS)]
    if "go" in query:
        said["f"] = ";".join(f"{column}{op}{value.strip()}".replace(";", ";;") for column, op, value in rows if column)
        if not said["y"] and said["plot"] in {"line", "bar", "map"}:
            said["agg"] = "count"
        if query.get("was", said["d"]) != said["d"]:  # another dataset has other columns
            said = {"d": said["d"]}
    return {name: text for name, text in said.items() if text}


async def _plotted(visit: Visiting, said: dict[str, str]) -> tuple[Any, Any]:
    """The plot; where something of it cannot be, the plot without that, and what was wrong."""
    fault = None
    left = dict(said)
    for _ in range(_LEFT_OUT):
        try:
            return await visit.ask("opendata", "explore", **left, lang=visit.language), fault
        except BadRequest as wrong:
            where = str(wrong.where or "")
            if wrong.status != 400 or len(left) < 2:
                raise
            fault = fault or fault_of(visit, wrong)
            dropped = where if where in left and where != "d" else next((one for one in _DROPPED if one in left), "")
            left.pop(dropped, None)
            if dropped == "j":
                left.pop("on", None)
    return await visit.ask("opendata", "explore", d=said["d"], lang=visit.language), fault


def _versions(told: Any) -> str:
    """The releases that a plot is of: with them, its address says the same for ever."""
    return ",".join(str(one["version"]) for one in (told["dataset"], told["joined"]) if one)


def _licence(code: Any) -> str:
    """A licence as people write it: CC BY 4.0."""
    return re.sub(r"(\d) (\d)$", r"\1.\2", str(code or "").replace("_", " "))


def _split(text: str) -> list[str]:
    """Conditions of an address: a semicolon within one is written twice."""
    return [one.replace("\0", ";") for one in text.replace(";;", "\0").split(";") if one]


def _condition(text: str) -> dict[str, str]:
    at, op = min(
        ((text.find(op), op) for op in sorted(_OPS, key=len, reverse=True) if op in text),
        key=lambda one: (one[0], -len(one[1])),
    )
    return {"column": text[:at], "op": op, "value": text[at + len(op) :]}


def _exact(value: Any, visit: Visiting, *, days: bool = False) -> str:
    """A cell of a table: a figure with all of its digits, an instant without empty seconds (of `days`: hours)."""
    if isinstance(value, str) and value.endswith("Z") and "T" in value[:12]:
        text = value.replace("T", " ").removesuffix("Z").removesuffix(":00")
        return text.removesuffix(" 00:00") if days else text
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1e-6 <= abs(value) < 1e15:
        return "–" if value is None else "0" if value == 0 and value is not False else str(value)
    text = f"{value:.12g}"
    return visit.words.number(value, len(text.partition(".")[2])) if "e" not in text else text


# ---- what people ask for


async def requests(visit: Visiting, *, fault: Any = None, values: Values | None = None) -> Page:
    """What people ask the city to publish, and a form to ask for more."""
    number = visit.query["page"] or "1"
    if not (number.isascii() and number.isdecimal() and len(number) <= _DIGITS and int(number)):
        raise BadRequest("page is a small whole number", where="page")
    told = await visit.perhaps("opendata", "data-requests", page=number)
    words = await visit.perhaps("opendata", "words", lang=visit.language)
    shown = {
        "asked": None if told is None else told["requests"] or [],
        "themes": (words["themes"] if words else None) or [],
        "values": values or Values(),
        "fault": fault,
        "bad": fault["where"] if fault else "",
        "done": visit.query["done"] if visit.query["done"] in {"asked", "supported"} else "",
        "next": f"{visit.here}?page={int(number) + 1}" if told and told["more"] else "",
    }
    status = fault["status"] if fault else 200
    return Page("data-requests", "data-requests", "data.requests", shown, keep=fault is None, status=status)


async def posted_data(visit: Visiting) -> Page | Leads:
    """Somebody asks for data, or supports what somebody asked for."""
    if visit.path != ["data", "requests"]:
        raise NotFound("nothing is posted here")
    filled, _ = await sent(visit.request, 0)
    if any(not isinstance(value, str) for value in filled.values()):
        raise BadRequest("a form is sent here, not JSON", where="content-type")
    values = Values(filled)
    if values["do"] not in {"support", "ask"}:
        raise NotFound("there is no such form")
    try:
        if values["do"] == "support":
            await visit.do("opendata", "support-request", {}, values["id"])
        else:
            said = {name: values[name].strip() for name in ("title", "text", "theme", "email") if values[name].strip()}
            await visit.do("opendata", "request-data", said)
    except HansaError as wrong:
        if isinstance(wrong, NotFound):
            raise
        return await requests(visit, fault=fault_of(visit, wrong), values=values)
    return Leads(f"{visit.here}?done={'supported' if values['do'] == 'support' else 'asked'}")


PAGES: Final[Mapping[str, Callable[[Visiting], Awaitable[Page | Leads]]]] = {"data": data}
POSTED: Final[Mapping[str, Callable[[Visiting], Awaitable[Page | Leads]]]] = {"data": posted_data}
"""Joined with the other pages and forms of the public site."""
