"""The addresses of open data: files that stay where they are, descriptions for machines, feeds.

/data/catalog            /data/catalog.ttl|.jsonld            ?page=
/data/{id}               /data/{id}.ttl|.jsonld               by Accept; whoever reads is led to the page
/data/{id}.csv ...       the newest release                   /data/{id}/{version}.csv   one that never changes
/data/{id}.schema.json   the data dictionary                  /data/{id}/preview         its first rows, as JSON
/data/feed.atom|.rss
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from hansa import Answer, Asked, Asking, NotFound
from hansa.apps.opendata import catalogue, dataset, dcat, feeds, rdf, schema, texts, usage
from hansa.apps.opendata.authorities import FORMS
from hansa.apps.opendata.made import app
from hansa.apps.opendata.published import PREFIX, Published, get, published
from hansa.apps.opendata.times import DAY, iso, micros, rfc822

OPEN: Final = {"Access-Control-Allow-Origin": "*", "Vary": "Accept"}
"""Open data may be read by the pages of anybody."""
FRESH: Final = "public, max-age=60"
FOREVER: Final = "public, max-age=31536000, immutable"
RDF: Final = {"ttl": "text/turtle; charset=utf-8", "jsonld": "application/ld+json"}
ROWS: Final = 200
PAGES: Final = 10_000


def preferred(accept: str) -> str:
    """Whether RDF is wanted rather than a page, and which: the first of the greatest weight. Empty for a page."""
    best, form = 0.0, ""
    for part in accept[:1_000].split(","):
        kind, *rest = (it.strip().lower() for it in part.split(";"))
        weight = 1.0
        for it in rest:
            if it.startswith("q="):
                try:
                    weight = float(it[2:])
                except ValueError:
                    weight = 0.0
        found = {"text/turtle": "ttl", "application/ld+json": "jsonld", "text/html": "page"}.get(kind)
        if found and weight > best:
            best, form = weight, found
    return "" if form == "page" else form


def _language(asked: Asked, city: Asking) -> str:
    for part in asked.headers.get("accept-language", "")[:500].split(","):
        tag = part.split(";")[0].strip().split("-")[0].lower()
        if tag in texts.LANGUAGES:
            return tag
    own = str(city.setting("language") or "en")
    return own if own in texts.LANGUAGES else "en"


@app.door("GET", "/data/{id}.{form}", most=0)
def newest(asked: Asked, city: Asking) -> Answer:
    """The newest release as a file, or what describes it."""
    ident, form = asked.path["id"], asked.path["form"]
    if ident == "feed":
        return _feed(asked, city, form)
    if form in RDF:
        return _described(asked, city, ident, form)
    one = get(city, ident)
    if form == "schema.json":
        return _json(schema.schema(one, asked.origin, _language(asked, city)))
    there = dcat.forms(one)
    if form not in there or not one.table:
        raise NotFound(
            f"there is no {form[:20]} of {one.id}", where="form", mend=", ".join([*there, "schema.json", *RDF])
        )
    says = usage.count(city, asked, one.id, form)
    headers = OPEN | {
        "Cache-Control": FRESH,
        "Content-Location": f"/data/{one.id}/{one.version}.{form}",
        "Last-Modified": _http(one.modified),
        "Link": f'</data/{one.id}.schema.json>; rel="describedby", <{one.licence}>; rel="license"',
    }
    return _file(city, one.table, form, f"{one.id}", headers, says)


# Behind the one with a dot: the first that fits is opened.
@app.door("GET", "/data/{id}", most=0)
def one_of(asked: Asked, city: Asking) -> Answer:
    """A dataset, or the catalogue: as RDF for machines, by Accept; people are led to their page."""
    ident = asked.path["id"]
    form = preferred(asked.headers.get("accept", ""))
    if form:
        return _described(asked, city, ident, form)
    if ident != "catalog":
        get(city, ident)  # what is not there, or was withdrawn, says so here already
    where = f"/{_language(asked, city)}/data" + ("" if ident == "catalog" else f"/{ident}")
    links = ", ".join(
        f'</data/{ident}.{name}>; rel="alternate"; type="{kind.split(";")[0]}"' for name, kind in RDF.items()
    )
    return Answer(b"", "text/plain", status=303, headers=OPEN | {"Location": where, "Link": links})


@app.door("GET", "/data/{id}/{version}.{form}", most=0)
def fixed(asked: Asked, city: Asking) -> Answer:
    """One release: the same bytes as long as the city has it."""
    one, form = get(city, asked.path["id"]), asked.path["form"]
    release = dataset.release_of(city, one.id, texts.whole(asked.path["version"], "version", 10_000_000, least=1))
    geographic = {"lon", "lat"} <= {str(it.get("name")) for it in release.get("columns") or []}
    if form not in FORMS or (form == "geojson" and not geographic):
        raise NotFound(f"there is no {form[:20]} of it", where="form", mend=", ".join(FORMS))
    says = usage.count(city, asked, one.id, form)
    name = f"{one.id}-{release['version']}"
    return _file(city, release["sha256"], form, name, OPEN | {"Cache-Control": FOREVER}, says)


@app.door("GET", "/data/{id}/{what}", most=0)
def below(asked: Asked, city: Asking) -> Answer:
    """`preview`: the first rows, as JSON; a version's number leads to its description."""
    one, what = get(city, asked.path["id"]), asked.path["what"]
    if what == "preview":
        return _json(preview(one, city, asked.query))
    release = dataset.release_of(city, one.id, texts.whole(what, "version", 10_000_000, least=1))
    where = f"/data/{one.id}/{release['version']}.csv"
    return Answer(b"", "text/plain", status=303, headers=OPEN | {"Location": where})


def preview(one: Published, city: Asking, query: Mapping[str, str]) -> dict[str, Any]:
    """Some rows of a release: `limit`, `offset`, `order` (a column, a minus before it), `version`."""
    sha, total = one.table, one.rows
    if query.get("version"):
        release = dataset.release_of(city, one.id, texts.whole(query["version"], "version", 10_000_000, least=1))
        sha, total = release["sha256"], int(release.get("rows") or 0)
    if not sha:
        return {"columns": [], "rows": [], "more": False, "total": 0}
    asked: dict[str, Any] = {
        "table": sha,
        "limit": texts.whole(query.get("limit") or 50, "limit", ROWS, least=1),
        "offset": texts.whole(query.get("offset") or 0, "offset", 100_000_000),
    }
    if order := query.get("order"):
        asked["order"] = [[order.removeprefix("-"), "desc" if order.startswith("-") else "asc"]]
    return city.tables.ask(asked) | {"total": total}


def _file(city: Asking, sha: str, form: str, name: str, headers: Mapping[str, str], says: Any) -> Answer:
    return replace(city.tables.file(sha, form, name=name), headers=dict(headers), says=says)


def _described(asked: Asked, city: Asking, ident: str, form: str) -> Answer:
    """The catalogue, or one dataset, as RDF."""
    told = catalogue.told(city)
    write = rdf.turtle if form == "ttl" else rdf.jsonld
    headers = OPEN | {"Cache-Control": FRESH}
    if ident != "catalog":
        one = aged(get(city, ident), city.now())
        graph = rdf.Graph()
        releases = [
            {"version": it.get("version"), "at": it.get("releasedAt"), "note": it.get("note")}
            for it in dataset.releases(city, PREFIX + one.id)
        ]
        dcat.dataset(graph, one, asked.origin, releases, told)
        return Answer(write(graph), RDF[form], headers=headers)
    known = published(city)
    last = max(1, -(-len(known) // dcat.PAGE))
    page = texts.whole(asked.query.get("page") or 1, "page", PAGES, least=1)
    if page > last:
        raise NotFound(f"there are {last} pages", where="page")
    some = [aged(one, city.now()) for one in known[(page - 1) * dcat.PAGE : page * dcat.PAGE]]
    if last > 1:
        links = (
            {"first": 1, "last": last}
            | ({"next": page + 1} if page < last else {})
            | ({"prev": page - 1} if page > 1 else {})
        )
        headers["Link"] = ", ".join(f'</data/catalog.{form}?page={n}>; rel="{name}"' for name, n in links.items())
    return Answer(write(dcat.catalogue(told, some, asked.origin, page=page, last=last)), RDF[form], headers=headers)


def aged(one: Published, now: int) -> Published:
    """With the days since its newest release among its quality."""
    days = (now - micros(one.modified)) / DAY if one.modified else None
    return one if days is None else replace(one, quality={**one.quality, "age": round(max(0.0, days), 3)})


def _feed(asked: Asked, city: Asking, form: str) -> Answer:
    if form not in {"atom", "rss"}:
        raise NotFound("there are feed.atom and feed.rss", where="form")
    language = asked.query.get("lang", "")
    some = feeds.entries(city, asked.origin, language if language in texts.LANGUAGES else _language(asked, city))
    write = feeds.atom if form == "atom" else feeds.rss
    body = write(some, catalogue.told(city), asked.origin, iso(city.now()))
    return Answer(body, f"application/{form}+xml; charset=utf-8", headers=OPEN | {"Cache-Control": FRESH})


def _json(said: Any) -> Answer:
    body = json.dumps(said, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return Answer(body, "application/json", headers=OPEN)


def _http(text: str) -> str:
    """An instant as HTTP has it."""
    return rfc822(text).replace("+0000", "GMT")
