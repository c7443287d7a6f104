"""What is asked of the catalogue: by everybody, for its pages; by staff, who keep it. Answers are JSON."""

import json
from collections.abc import Mapping
from typing import Any, Final

from hansa import Asking, Entity, NotFound, Refusal
from hansa.apps.opendata import acts, authorities, catalogue, dataset, dcat, finding, services, texts, usage
from hansa.apps.opendata.doors import preview
from hansa.apps.opendata.finding import Entry
from hansa.apps.opendata.made import READERS, app
from hansa.apps.opendata.published import PREFIX, Published, get
from hansa.apps.opendata.times import SECOND, iso, micros

PAGE: Final = 20
SHORT: Final = 300
STAFF_LIST: Final = 2_000
SAMPLE: Final = 20
LATE: Final = 1.5
"""Periods after which a release that did not come is late."""
_SORTS: Final = ("relevance", "modified", "title", "popular")


# ---- Everybody


@app.view("catalogue", public=True)
def catalogue_(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """What is published: `q`, `theme`, `licence`, `format`, `publisher`, `tag`, `sort`, `lang`, `page`."""
    language = texts.language(asked.get("lang"))
    narrowed = []
    for name, field in (
        ("theme", "groups"),
        ("licence", "license_id"),
        ("format", "res_format"),
        ("publisher", "organization"),
        ("tag", "tags"),
    ):
        if said := asked.get(name):
            narrowed.append((field, _facet_key(name, said)))
    known = finding.entries(city)
    words = finding.words_of(texts.plain(asked.get("q", ""), "q", finding.QUERY, least=0))
    found = [
        (score, it)
        for it in known
        if all(any(one.casefold() == value for one in it.facets[field]) for field, value in narrowed)
        and (score := finding.matched(it, words))
    ]
    sort = asked.get("sort") or ("relevance" if words else "modified")
    if sort not in _SORTS:
        raise Refusal(f"sort is one of {', '.join(_SORTS)}", where="sort")
    liked = usage.popular(city) if sort == "popular" else {}
    found.sort(key=lambda it: (texts.in_language(it[1].one.title, language).casefold(), it[1].one.id))
    if sort != "title":
        # Two sorts that keep the order of equals: the newest first, then what was asked for.
        found.sort(key=lambda it: it[1].one.modified, reverse=True)
        if sort == "relevance":
            found.sort(key=lambda it: -it[0])
        elif sort == "popular":
            found.sort(key=lambda it: -liked.get(it[1].one.id, 0))
    page = texts.whole(asked.get("page") or 1, "page", 1_000, least=1)
    some = [it for _, it in found]
    return {
        "datasets": [card(it.one, city, language) for it in some[(page - 1) * PAGE : page * PAGE]],
        "total": len(some),
        "all": len(known),
        "page": page,
        "more": len(some) > page * PAGE,
        "facets": {name: _facet(name, field, some, language) for name, field in _FACETS},
    }


_FACETS: Final = (
    ("theme", "groups"),
    ("licence", "license_id"),
    ("format", "res_format"),
    ("publisher", "organization"),
    ("tag", "tags"),
)


def _facet_key(name: str, said: str) -> str:
    if name == "licence":
        code = authorities.licence_of(said)
        return authorities.LICENCES[code].ckan
    return said.casefold()[:200]


def _facet(name: str, field: str, some: list[Entry], language: str) -> list[dict[str, Any]]:
    told = []
    for key, many in finding.facet(some, field, 30):
        label = key
        if name == "theme":
            label = texts.in_language(authorities.THEMES.get(key.upper(), {"en": key}), language)
        elif name == "licence":
            label = next((one.name for one in authorities.LICENCES.values() if one.ckan == key), key)
        elif name == "publisher":
            label = next(finding.publisher(it.one, language) for it in some if key in it.facets[field]) or key
        told.append({"key": key.upper() if name == "theme" else key, "name": label, "count": many})
    return told


def card(one: Published, city: Asking, language: str) -> dict[str, Any]:
    """A dataset in short."""
    text = texts.in_language(one.description, language)
    return {
        "id": one.id,
        "title": texts.in_language(one.title, language) or one.id,
        "description": text if len(text) <= SHORT else text[: SHORT - 1].rstrip() + "…",
        "theme": list(one.themes),
        "keywords": finding.tags(one, language),
        "licence": one.licence_code,
        "publisher": finding.publisher(one, language),
        "modified": one.modified,
        "issued": one.issued,
        "periodicity": one.periodicity,
        "rows": one.rows,
        "formats": dcat.forms(one),
        "bbox": list(one.bbox) if one.bbox else None,
        "stale": late(one, city.now()),
        "version": one.version,
        "live": one.live,
    }


def late(one: Published, now: int) -> bool:
    """Whether a release is overdue by half a period."""
    seconds = authorities.PERIODS.get(one.periodicity, 0)
    return bool(seconds and one.modified and now - micros(one.modified) > LATE * seconds * SECOND) and not _checked(one)


def _checked(one: Published) -> bool:
    """Of what hansa makes itself by the clock, nothing new is no delay: it was looked at."""
    return one.live


@app.view("dataset", public=True)
def dataset_(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """All of one (`id`), in `lang`: columns, releases, quality, downloads, interfaces."""
    language = texts.language(asked.get("lang"))
    one = get(city, asked.get("id", "")[:200])
    whole = city.get(PREFIX + one.id)
    licence = authorities.LICENCES.get(one.licence_code)
    days = usage.told(city, one.id)
    return card(one, city, language) | {
        "description": texts.in_language(one.description, language),
        "columns": [dict(column) | {"says": texts.in_language(column.get("says"), language)} for column in one.columns],
        "releases": [released(it, one.id) for it in dataset.releases(city, PREFIX + one.id)[:50]],
        "notes": list(reversed(whole.get("notes") or [])),
        "note": one.note,
        "quality": dict(one.quality)
        | {"age": round((city.now() - micros(one.modified)) / SECOND / 86_400, 2) if one.modified else None},
        "guard": {
            name: value for name, value in one.guard.items() if name in {"kind", "k", "by", "closed", "l", "sensitive"}
        },
        "licence": {"code": one.licence_code, "uri": one.licence, "name": licence.name, "url": licence.url}
        if licence
        else None,
        "publisher": finding.publisher(one, language),
        "contact": dict(one.contact),
        "period": list(one.period) if one.period else None,
        "place": texts.in_language(one.place, language),
        "themes": [{"key": code, "name": texts.in_language(authorities.THEMES[code], language)} for code in one.themes],
        "conformsTo": list(one.conforms),
        "series": dict(one.series),
        "downloads": [
            {"form": form, "kind": authorities.FORMS[form][0], "url": f"/data/{one.id}.{form}"}
            for form in dcat.forms(one)
        ],
        "dictionary": f"/data/{one.id}.schema.json",
        "services": [{"kind": it.key, "title": it.title, "url": it.address(one.id)} for it in services.of(one)],
        "usage": usage.sums(days, iso(city.now())),
        "source": dict(one.source),
        "sha256": one.table,
    }


def released(it: Entity, key: str) -> dict[str, Any]:
    """A release, as everybody may know it."""
    version = it.get("version")
    names = {str(column.get("name")) for column in it.get("columns") or []}
    forms = [form for form in authorities.FORMS if form != "geojson" or {"lon", "lat"} <= names]
    return {
        "version": version,
        "at": it.get("releasedAt"),
        "rows": it.get("rows"),
        "size": it.get("size"),
        "sha256": it.get("sha256"),
        "note": it.get("note"),
        "changes": it.get("changes") or {},
        "quality": it.get("quality") or {},
        "check": {
            name: value
            for name, value in (it.get("check") or {}).items()
            if name in {"k", "reached", "smallest", "l", "kinds"}
        },
        "urls": {form: f"/data/{key}/{version}.{form}" for form in forms},
    }


@app.view("preview", public=True)
def preview_(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """Some rows of one (`id`): `limit`, `offset`, `order`, `version`."""
    one = get(city, asked.get("id", "")[:200])
    usage.count(city, None, one.id, "api")
    return preview(one, city, asked)


@app.view("ask", public=True)
def ask(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """A question to one published dataset, or two joined, in the words of tables; datasets stand for their newest."""
    text = asked.get("q", "")
    if len(text) > 20_000:
        raise Refusal("the question is too long", where="q")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise Refusal("q is a question, as JSON", where="q") from None
    if not isinstance(said, dict):
        raise Refusal("q is a question, as JSON", where="q")
    question = dict(said)
    question["table"] = _table(question.pop("dataset", None), question.pop("version", None), city)
    if isinstance(question.get("join"), dict):
        join = dict(question["join"])
        question["join"] = join | {"table": _table(join.pop("dataset", None), join.pop("version", None), city)}
        question["join"].pop("dataset", None)
        question["join"].pop("version", None)
    return city.tables.ask(question)


def _table(said: Any, version: Any, city: Asking) -> str:
    """The table of a published dataset: tables are asked for by nothing else."""
    if not isinstance(said, str):
        raise Refusal("a question names its dataset", where="dataset")
    one = get(city, said[:200])
    if version is not None:
        return str(dataset.release_of(city, one.id, texts.whole(version, "version", 10_000_000, least=1))["sha256"])
    if not one.table:
        raise NotFound(f"{one.id} has no release yet", where="dataset")
    return one.table


@app.view("figures", public=True)
def figures(_asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """How much there is, and how much of it is taken."""
    known = finding.entries(city)
    today = iso(city.now())[:7]
    taken = usage.taken(city)
    return {
        "datasets": len(known),
        "rows": sum(it.one.rows for it in known),
        "downloads": {
            "month": sum(n for (_, month), n in taken.items() if month == today),
            "all": sum(taken.values()),
        },
        "themes": _facet("theme", "groups", list(known), "en"),
        "title": dict(catalogue.told(city).title),
        "modified": max((it.one.modified for it in known), default=""),
    }


@app.view("words", public=True)
def words(asked: Mapping[str, str], _city: Asking) -> dict[str, Any]:
    """Themes, licences and frequencies that can be said."""
    language = texts.language(asked.get("lang"))
    return {
        "themes": [
            {
                "key": code,
                "name": texts.in_language(names, language),
                "uri": f"{authorities.AUTHORITY}data-theme/{code}",
            }
            for code, names in authorities.THEMES.items()
        ],
        "licences": [
            {"key": one.code, "name": one.name, "uri": one.uri, "spdx": one.spdx, "url": one.url, "open": one.open}
            for one in authorities.LICENCES.values()
        ],
        "frequencies": [{"key": code, "seconds": authorities.PERIODS[code]} for code in authorities.FREQUENCIES],
        "hvd": [{"key": uri, "name": name} for uri, name in authorities.HVD.items()],
    }


# ---- Staff


@app.view("board", roles=READERS)
def board(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """All datasets, in whatever state: `status`, `q`."""
    status = asked.get("status", "")
    if status and status not in dataset.STATES:
        raise Refusal(f"status is one of {', '.join(dataset.STATES)}", where="status")
    wanted = finding.words_of(asked.get("q", "")[:200])
    counts = dict.fromkeys(dataset.STATES, 0)
    rows = []
    for one in city.find("Dataset", limit=STAFF_LIST + 1):
        counts[str(one.get("status"))] = counts.get(str(one.get("status")), 0) + 1
        text = finding.words_of(" ".join([one.key, *map(str, (one.get("title") or {}).values())]))
        if (not status or one.get("status") == status) and all(
            any(it.startswith(word) for it in text) for word in wanted
        ):
            rows.append(row(one, city))
    rows.sort(
        key=lambda it: (
            dataset.STATES.index(it["status"]) if it["status"] in dataset.STATES else 9,
            it["title"].casefold(),
        )
    )
    return {"datasets": rows[:STAFF_LIST], "counts": counts, "more": len(rows) > STAFF_LIST, "at": iso(city.now())}


def row(one: Entity, city: Asking) -> dict[str, Any]:
    """A dataset among others, for staff."""
    log = one.get("log") or [{}]
    return {
        "id": one.id,
        "key": one.key,
        "title": texts.in_language(one.get("title")) or one.key,
        "status": one.get("status"),
        "owner": one.get("ownedBy") or "",
        "licence": one.get("licence") or "",
        "contact": (one.get("contactPoint") or {}).get("email") or (one.get("contactPoint") or {}).get("url") or "",
        "periodicity": one.get("periodicity") or "",
        "modified": one.get("modified") or "",
        "version": one.get("version") or 0,
        "rows": one.get("rows") or 0,
        "stale": one.get("status") == "published"
        and bool(one.get("nextAt"))
        and micros(one.get("nextAt")) < city.now() - 3_600 * SECOND,
        "missing": dataset.missing(one) if one.get("status") not in {"published", "withdrawn"} else [],
        "waits": bool(one.get("pending")),
        "by": log[-1].get("by", ""),
        "at": log[-1].get("at", ""),
        "fault": one.get("fault") or (one.get("candidate") or {}).get("fault") or "",
    }


@app.view("case", roles=READERS)
def case(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """All of one (`id`): what is said of it, what is proposed, the table that waits, its log and releases."""
    one = dataset.dataset(city, asked.get("id", "")[:200])
    candidate = dict(one.get("candidate") or {})
    if candidate.get("status") == "made":
        try:
            found = city.tables.ask({"table": candidate["sha256"], "limit": SAMPLE})
            candidate["sample"] = {"columns": found["columns"], "rows": found["rows"]}
        except NotFound:
            candidate["sample"] = None
    pending = one.get("pending") or {}
    said = {
        name: one.get(attribute)
        for name, attribute in (
            ("title", "title"), ("description", "description"), ("keywords", "keywords"), ("themes", "themes"),
            ("licence", "licence"), ("publisher", "publisher"), ("contact", "contactPoint"),
            ("periodicity", "periodicity"),
            ("spatial", "spatial"), ("columns", "dictionary"), ("series", "series"), ("hvd", "hvd"),
            ("conformsTo", "conformsTo"), ("owner", "ownedBy"),
        )
    }  # fmt: skip
    return row(one, city) | {
        "said": said,
        "source": one.get("source") or {},
        "steps": one.get("steps") or [],
        "guard": one.get("guard") or {},
        "pending": pending,
        "suggested": one.get("suggested") or {},
        "candidate": candidate,
        "missing": dataset.missing(one),
        "undescribed": dataset.undescribed(one),
        "sheets": [{name: it.get(name) for name in ("name", "size", "sha256")} for it in one.get("media") or []],
        "log": list(reversed(one.get("log") or [])),
        "releases": [released(it, one.key) for it in dataset.releases(city, one.id)[:50]],
        "columns": one.get("columns") or [],
        "quality": one.get("quality") or {},
        "notes": one.get("notes") or [],
        "usage": usage.sums(usage.told(city, one.key), iso(city.now())),
        "proposedBy": one.get("proposedBy") or "",
        "approvedBy": one.get("approvedBy") or "",
        "withdrawn": one.get("withdrawn") or "",
        "nextAt": one.get("nextAt") or "",
    }


@app.view("usage", roles=READERS)
def usage_(asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """How often one (`id`) was taken: of the last `days`, by day and form, robots apart."""
    one = dataset.dataset(city, asked.get("id", "")[:200])
    many = texts.whole(asked.get("days") or 90, "days", 3_660, least=1)
    since = iso(city.now() - many * 86_400 * SECOND)[:10]
    days = usage.told(city, one.key)
    return {
        "days": [
            {
                "day": on,
                "downloads": {what: n for what, n in some.items() if what not in {"api", "bots"}},
                "api": some.get("api", 0),
                "bots": some.get("bots", 0),
            }
            for on, some in days.items()
            if on >= since
        ],
        "total": usage.sums(days, iso(city.now())),
    }


@app.view("proposals", roles=READERS)
def proposals(_asked: Mapping[str, str], city: Asking) -> dict[str, Any]:
    """Ready-made proposals, and whether they were taken up."""
    taken = {one.key for one in city.find("Dataset", limit=STAFF_LIST)}
    return {"proposals": [dict(one) | {"taken": key in taken} for key, one in acts.proposals().items()]}
