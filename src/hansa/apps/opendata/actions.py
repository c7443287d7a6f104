"""CKAN's action API, version 3, to be read: `/api/3/action/<name>`, by GET with parameters or POST with JSON.

Answers are CKAN's envelope, faults too: `{"help", "success": false, "error": {"__type", "message"}}`. What would
write (`package_create`, `datastore_upsert` ...) is not there: the catalogue is kept on the staff's page. Held
against `ckanapi`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl

from hansa import Answer, Asked, Asking, Refusal
from hansa.apps.opendata import ckan, datastore, finding, texts, usage
from hansa.apps.opendata.authorities import LICENCES, THEMES
from hansa.apps.opendata.catalogue import told
from hansa.apps.opendata.faults import Fault, invalid, missing
from hansa.apps.opendata.finding import Entry
from hansa.apps.opendata.made import app
from hansa.apps.opendata.published import Gone, Published

ROWS: Final = 1_000
LISTED: Final = 10_000
BODY: Final = 100_000
FACETS: Final = {
    "organization": "organization",
    "groups": "groups",
    "tags": "tags",
    "res_format": "res_format",
    "license_id": "license_id",
}
Action = Callable[["Call"], Any]
ACTIONS: Final[dict[str, Action]] = {}


class Call:
    """One action that is asked for: its parameters, and what it looks at."""

    def __init__(self, said: Mapping[str, Any], asked: Asked, city: Asking) -> None:
        """With the parameters, from wherever they came."""
        self.said = said
        self.asked = asked
        self.city = city
        self.origin = asked.origin
        self.taken: list[str] = []
        """Datasets of which something was taken, to be counted."""

    @property
    def language(self) -> str:
        """In which texts are said."""
        own = str(self.said.get("lang") or self.city.setting("language") or "en")
        return own if texts.TAG.match(own) else "en"

    @property
    def entries(self) -> Sequence[Entry]:
        """All packages, as they are found."""
        return finding.entries(self.city)

    def text(self, name: str, otherwise: str | None = None) -> str:
        """A parameter that is a text. Fault."""
        found = self.said.get(name, otherwise)
        if found is None or found == "":
            if otherwise is None:
                raise invalid({name: ["Missing value"]})
            return otherwise
        if not isinstance(found, str | int | float):
            raise invalid({name: ["Must be a text"]})
        return str(found)[: finding.QUERY + 1]

    def whole(self, name: str, otherwise: int, most: int) -> int:
        """A parameter that is a whole number, no greater than the most. Fault."""
        found = self.said.get(name)
        if found is None or found == "":
            return otherwise
        try:
            made = int(found)
        except (TypeError, ValueError, OverflowError):
            raise invalid({name: ["Invalid integer"]}) from None
        if made < 0 or isinstance(found, bool):
            raise invalid({name: ["Must be a natural number"]})
        return min(made, most)

    def yes(self, name: str, *, otherwise: bool = False) -> bool:
        """A parameter that says yes or no."""
        found = self.said.get(name)
        return otherwise if found is None else str(found).lower() in {"true", "1", "yes", "on", "t"}

    def listed(self, name: str) -> list[str]:
        """A parameter that is a list: as such, as JSON, or parted by commas and blanks."""
        found = self.said.get(name)
        if isinstance(found, str):
            if found.lstrip().startswith("["):
                try:
                    found = json.loads(found)
                except (ValueError, RecursionError):
                    raise invalid({name: ["Not a list"]}) from None
            else:
                found = [one for one in found.replace(",", " ").split() if one]
        if found is None:
            return []
        if not isinstance(found, list) or len(found) > 100 or not all(isinstance(one, str) for one in found):
            raise invalid({name: ["Not a list"]})
        return found

    def package(self, said: str) -> Published:
        """A package by name or id. Fault."""
        found = _Ids.of(self.entries).get(said)
        if found is None or found[1] >= 0:
            raise missing()
        self.taken.append(found[0].id)
        return found[0]

    def resource(self, said: str) -> tuple[Published, dict[str, Any]]:
        """A resource by id, and its package. Fault."""
        found = _Ids.of(self.entries).get(said)
        if found is None or found[1] < 0:
            raise missing()
        self.taken.append(found[0].id)
        return found[0], ckan.resources_of(found[0], self.origin, self.language)[found[1]]


class _Ids:
    """Packages by name and id (place -1), resources by id with their place; made anew with the catalogue."""

    kept: ClassVar[tuple[Sequence[Entry], dict[str, tuple[Published, int]]] | None] = None

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> dict[str, tuple[Published, int]]:
        """Those of these."""
        if cls.kept is None or cls.kept[0] is not entries:
            made: dict[str, tuple[Published, int]] = {}
            for it in entries:
                made |= {it.one.id: (it.one, -1), ckan.package_id(it.one): (it.one, -1)}
                made |= {ident: (it.one, place) for place, ident in enumerate(ckan.resource_ids(it.one))}
            cls.kept = entries, made
        return cls.kept[1]


def action(name: str) -> Callable[[Action], Action]:
    """An action under its name."""

    def add(does: Action) -> Action:
        ACTIONS[name] = does
        return does

    return add


# ---- The doors


@app.door("GET", "/api/3/action/{name}", most=0)
def read(asked: Asked, city: Asking) -> Answer:
    """An action, by its address."""
    return done(asked, city, dict(asked.query))


@app.door("POST", "/api/3/action/{name}", most=BODY)
def posted(asked: Asked, city: Asking) -> Answer:
    """An action, by what is sent: JSON, or a form."""
    kind = asked.headers.get("content-type", "").partition(";")[0].strip().lower()
    said: Any = dict(asked.query)
    if kind == "application/x-www-form-urlencoded" and not asked.body.lstrip().startswith(b"{"):
        try:
            pairs = parse_qsl(asked.body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=100)
        except ValueError:
            return _told(400, "Bad request - JSON Error: too many fields")
        said |= dict(pairs)
    elif asked.form:
        said |= asked.form
    elif asked.body.strip():
        try:
            sent = json.loads(asked.body)
            json.dumps(sent, ensure_ascii=False).encode()  # halves of characters are JSON, and no text
        except (ValueError, RecursionError):
            return _told(400, "Bad request - JSON Error: Error decoding JSON data.")
        if not isinstance(sent, dict):
            return _told(400, "Bad request - JSON Error: Request data JSON decoded to something that is no dictionary")
        said |= sent
    return done(asked, city, said)


# The address without a version, which CKAN's own client asks.
app.door("GET", "/api/action/{name}", most=0)(read)
app.door("POST", "/api/action/{name}", most=BODY)(posted)


@app.door("GET", "/api/3", most=0)
def version(_asked: Asked, _city: Asking) -> Answer:
    """Which version this is."""
    return _told(200, {"version": 3})


def done(asked: Asked, city: Asking, said: Mapping[str, Any]) -> Answer:
    """One action in CKAN's envelope."""
    name = asked.path["name"]
    does = ACTIONS.get(name)
    if does is None:
        return _told(400, f"Bad request - Action name not known: {name[:80]}")
    help_ = f"{asked.origin}/api/3/action/help_show?name={name}"
    call = Call(said, asked, city)
    try:
        result = does(call)
    except Fault as fault:
        return _told(fault.status, {"help": help_, "error": fault.told, "success": False})
    except Gone as fault:
        return _told(
            404, {"help": help_, "error": {"__type": "Not Found Error", "message": fault.detail}, "success": False}
        )
    except Refusal as fault:
        error = {"__type": "Search Query Error", "message": f"{fault.where}: {fault.detail}"}
        return _told(400, {"help": help_, "error": error, "success": False})
    says = [one for key in dict.fromkeys(call.taken) for one in usage.count(city, asked, key, "api")]
    return _told(200, {"help": help_, "success": True, "result": result}, says)


def _told(status: int, said: Any, says: Any = ()) -> Answer:
    body = json.dumps(said, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return Answer(
        body, "application/json;charset=utf-8", status=status, headers={"Access-Control-Allow-Origin": "*"}, says=says
    )


# ---- The site


@action("site_read")
def site_read(_call: Call) -> bool:
    """Whether the site may be read."""
    return True


@action("status_show")
def status_show(call: Call) -> dict[str, Any]:
    """What this is."""
    whole = told(call.city)
    return {
        "ckan_version": ckan.VERSION,
        "site_url": call.origin,
        "site_title": texts.in_language(whole.title, call.language),
        "site_description": texts.in_language(whole.description, call.language),
        "error_emails_to": None,
        "locale_default": call.language,
        "extensions": ["datastore", "dcat"],
    }


@action("help_show")
def help_show(call: Call) -> str:
    """What an action does."""
    does = ACTIONS.get(call.text("name"))
    if does is None:
        raise missing()
    return does.__doc__ or ""


@action("license_list")
def license_list(_call: Call) -> list[dict[str, Any]]:
    """All licences."""
    return ckan.licences()


# ---- Packages


@action("package_list")
def package_list(call: Call) -> list[str]:
    """Names of all packages: `limit`, `offset`."""
    first, most = call.whole("offset", 0, LISTED), call.whole("limit", LISTED, LISTED)
    return [it.one.id for it in call.entries][first : first + most]


@action("current_package_list_with_resources")
def current(call: Call) -> list[dict[str, Any]]:
    """All packages whole, those that changed last first: `limit`, `offset` or `page`."""
    most = call.whole("limit", 100, ROWS)
    first = call.whole("offset", 0, LISTED) or (max(1, call.whole("page", 1, LISTED)) - 1) * most
    some = sorted(call.entries, key=lambda it: (it.one.modified, it.one.id), reverse=True)
    return [ckan.package(it.one, call.origin, call.language) for it in some[first : first + most]]


@action("package_show")
def package_show(call: Call) -> dict[str, Any]:
    """One package: `id`, its name or id."""
    said = call.text("id", "") or call.text("name_or_id")
    return ckan.package(call.package(said), call.origin, call.language)


@action("package_search")
def package_search(call: Call) -> dict[str, Any]:
    """Packages: `q`, `fq`, `fq_list`, `rows`, `start`, `sort`, `facet.field`, `facet.limit`."""
    narrowed = " ".join([call.text("fq", ""), *call.listed("fq_list")])
    found = finding.found(call.entries, call.text("q", ""), narrowed)
    some = _sorted(found, call.text("sort", "score desc, metadata_modified desc"))
    first, most = call.whole("start", 0, LISTED), call.whole("rows", 10, ROWS)
    facets: dict[str, Any] = {}
    searched: dict[str, Any] = {}
    if call.yes("facet", otherwise=True):
        limit = call.whole("facet.limit", 50, ROWS)
        for name in call.listed("facet.field") or call.listed("facet_field"):
            if name not in FACETS:
                raise invalid({"facet.field": [f"There is no facet {name[:40]}"]})
            counts = finding.facet(some, FACETS[name], limit)
            facets[name] = dict(counts)
            items = [{"name": key, "display_name": _display(name, key, call), "count": many} for key, many in counts]
            searched[name] = {"title": name, "items": items}
    return {
        "count": len(some),
        "facets": facets,
        "results": [ckan.package(it.one, call.origin, call.language) for it in some[first : first + most]],
        "sort": call.text("sort", "score desc, metadata_modified desc"),
        "search_facets": searched,
    }


def _display(name: str, key: str, call: Call) -> str:
    if name == "groups":
        return texts.in_language(THEMES.get(key.upper(), {"en": key}), call.language)
    if name == "license_id":
        return next((one.name for one in LICENCES.values() if one.ckan == key), key)
    if name == "organization":
        return (
            next((finding.publisher(it.one, call.language) for it in call.entries if key in it.facets[name]), key)
            or key
        )
    return key


_ORDERS: Final[Mapping[str, Callable[[tuple[int, Entry]], Any]]] = {
    "score": lambda it: it[0],
    "relevance": lambda it: it[0],
    "metadata_modified": lambda it: it[1].one.modified,
    "metadata_created": lambda it: it[1].one.issued,
    "name": lambda it: it[1].one.id,
    "title": lambda it: texts.in_language(it[1].one.title).casefold(),
    "title_string": lambda it: texts.in_language(it[1].one.title).casefold(),
    "id": lambda it: it[1].one.id,
}


def _sorted(found: list[tuple[int, Entry]], said: str) -> list[Entry]:
    for part in reversed([it.strip() for it in said.split(",") if it.strip()][:5]):
        name, _, way = part.partition(" ")
        order = _ORDERS.get(name)
        if order is None or way.strip().lower() not in {"", "asc", "desc"}:
            raise invalid({"sort": [f"Cannot sort by {part[:60]}"]})
        found.sort(key=order, reverse=way.strip().lower() == "desc")
    return [it for _, it in found]


@action("package_autocomplete")
def package_autocomplete(call: Call) -> list[dict[str, Any]]:
    """Packages whose name or title begins so: `q`, `limit`."""
    wanted = finding.words_of(call.text("q"))
    some = [it for score, it in finding.found(call.entries, " ".join(wanted)) if score > 1 or not wanted]
    return [
        {
            "name": it.one.id,
            "title": texts.in_language(it.one.title, call.language),
            "match_field": "title",
            "match_displayed": f"{texts.in_language(it.one.title, call.language)} ({it.one.id})",
        }
        for it in some[: call.whole("limit", 10, 100)]
    ]


@action("recently_changed_packages_activity_list")
def recently_changed(call: Call) -> list[dict[str, Any]]:
    """Packages that changed last: `limit`, `offset`."""
    first, most = call.whole("offset", 0, LISTED), call.whole("limit", 30, 100)
    some = sorted(call.entries, key=lambda it: (it.one.modified, it.one.id), reverse=True)[first : first + most]
    return [
        {
            "id": ckan.uuid("activity", it.one.id, str(it.one.version)),
            "timestamp": ckan.naive(it.one.modified),
            "object_id": ckan.package_id(it.one),
            "user_id": None,
            "activity_type": "new package" if it.one.version <= 1 else "changed package",
            "data": {"package": ckan.package(it.one, call.origin, call.language)},
        }
        for it in some
    ]


# ---- Resources


@action("resource_show")
def resource_show(call: Call) -> dict[str, Any]:
    """One resource: `id`."""
    return call.resource(call.text("id"))[1]


@action("resource_search")
def resource_search(call: Call) -> dict[str, Any]:
    """Resources by a field: `query` ("name:weather", a list of such), `limit`, `offset`."""
    wanted = []
    some = call.said.get("query")
    for said in some if isinstance(some, list) else [call.text("query")]:
        name, colon, text = str(said).partition(":")
        if not colon or name not in {"name", "description", "format", "url", "id", "mimetype", "hash"}:
            raise invalid({"query": ["Must be field:value"]})
        wanted.append((name, text.strip().casefold()))
    found = [
        one
        for it in call.entries
        for one in ckan.resources_of(it.one, call.origin, call.language)
        if all(text in str(one.get(name) or "").casefold() for name, text in wanted)
    ]
    first, most = call.whole("offset", 0, LISTED * 10), call.whole("limit", 100, ROWS)
    return {"count": len(found), "results": found[first : first + most]}


# ---- Organizations, groups, tags


@action("organization_list")
def organization_list(call: Call) -> list[Any]:
    """Publishers: `all_fields`, `limit`, `offset`."""
    return _kinds(
        call,
        {it.facets["organization"][0]: ckan.organization(it.one, call.language) for it in call.entries},
        "organization",
    )


@action("organization_show")
def organization_show(call: Call) -> dict[str, Any]:
    """One publisher: `id`, `include_datasets`."""
    said = call.text("id")
    for it in call.entries:
        one = ckan.organization(it.one, call.language)
        if said in {one["id"], one["name"]}:
            return _with_packages(call, one, "organization")
    raise missing()


@action("group_list")
def group_list(call: Call) -> list[Any]:
    """Themes of which there is something: `all_fields`, `limit`, `offset`."""
    used = {key for it in call.entries for key in it.facets["groups"]}
    return _kinds(
        call, {code.lower(): ckan.group(code, call.language) for code in THEMES if code.lower() in used}, "groups"
    )


@action("group_show")
def group_show(call: Call) -> dict[str, Any]:
    """One theme: `id`, `include_datasets`."""
    said = call.text("id")
    for code in THEMES:
        one = ckan.group(code, call.language)
        if said in {one["id"], one["name"]}:
            return _with_packages(call, one, "groups")
    raise missing()


def _kinds(call: Call, known: Mapping[str, dict[str, Any]], facet: str) -> list[Any]:
    first, most = call.whole("offset", 0, LISTED), call.whole("limit", LISTED, LISTED)
    names = sorted(known)[first : first + most]
    if not call.yes("all_fields"):
        return list(names)
    counts = dict(finding.facet(call.entries, facet, LISTED))
    return [known[name] | {"package_count": counts.get(name, 0)} for name in names]


def _with_packages(call: Call, one: dict[str, Any], facet: str) -> dict[str, Any]:
    some = [it for it in call.entries if one["name"] in it.facets[facet]]
    made = one | {"package_count": len(some)}
    if call.yes("include_datasets"):
        made["packages"] = [ckan.package(it.one, call.origin, call.language) for it in some[:ROWS]]
    return made


@action("tag_list")
def tag_list(call: Call) -> list[Any]:
    """Keywords: `query`, `all_fields`."""
    wanted = call.text("query", "").casefold()
    names = sorted({name for it in call.entries for name in it.facets["tags"] if wanted in name.casefold()})[:LISTED]
    return [ckan.tag(name) for name in names] if call.yes("all_fields") else list(names)


@action("tag_show")
def tag_show(call: Call) -> dict[str, Any]:
    """One keyword: `id`, `include_datasets`."""
    said = call.text("id")
    for it in call.entries:
        for name in it.facets["tags"]:
            if said in {name, ckan.uuid("tag", name)}:
                return _with_packages(call, ckan.tag(name), "tags")
    raise missing()


# ---- Rows


@action("datastore_search")
def datastore_search(call: Call) -> dict[str, Any]:
    """Rows of a resource: `resource_id`, `filters`, `q`, `limit`, `offset`, `fields`, `sort`, `records_format`."""
    one, found = call.resource(call.text("resource_id", "") or call.text("id"))
    return datastore.search(one, found, call)


@action("datastore_info")
def datastore_info(call: Call) -> dict[str, Any]:
    """Columns of a resource, and how many rows: `id`."""
    one, found = call.resource(call.text("id", "") or call.text("resource_id"))
    return datastore.info(one, found, call)
