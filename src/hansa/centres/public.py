"""The public side of the operation centre (report sections 2.4.2, 2.2.9): what residents see, without an account.

    /{language}/...            pages, in five languages; plain forms are posted to the same addresses, answered with 303
    /w/{token}, /r/{token}     links in messages, led to their page in the right language
    /manifest.webmanifest, /worker.js     what makes it an app on a phone (`phone`)

`Site` has doors like others: `handle(Request) -> Response`. What it shows comes from public views of apps, what it
does goes to their public acts, both through the functions of `Town`, which `serve` hands over. A page whose app is
missing or slow says so in its place and shows the rest. `public_pages` has the pages, `public_forms` what is posted,
`catalogue` the words. Nothing of who asks is kept here: what a phone is to remember, it remembers itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

import structlog
from jinja2 import Environment, PackageLoader, StrictUndefined

from hansa import clock
from hansa.app import File
from hansa.centres import phone
from hansa.centres.catalogue import LANGUAGES, Catalogue, best, catalogue, local
from hansa.centres.files import Files, static
from hansa.centres.web import Look, tiles_origin
from hansa.errors import Busy, Forbidden, HansaError, NotFound, TooMany
from hansa.platform.http import Request, Response

HEADS: Final = (*LANGUAGES, "w", "r", "manifest.webmanifest", "worker.js")
"""The first words of the site's paths."""
SEVERITIES: Final = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
KEEP: Final = b"x-hansa-keep"
"""On pages that are anybody's: a phone may show its last copy while the line is down."""
_QUERY: Final = 2_000  # characters of a query that a link to the same page in another language repeats
_READ: Final = ("GET", "HEAD")
_ICONS: Final = {
    "": "M3 9l7-6 7 6v8h-5v-5H8v5H3z",
    "warnings": "M10 3l8 14H2zM10 8v4M10 14.5v.2",
    "report": "M4 17V4h9l-2 3 2 3H4M4 17h4",
    "near": "M10 18s6-5.5 6-10a6 6 0 0 0-12 0c0 4.500 6 10 6 10zM10 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
    "take-part": "M3 4h14v9H9l-4 4v-4H3zM7 8.500h6",
}
_TABS: Final = (
    ("", "tab.home"),
    ("warnings", "tab.warnings"),
    ("report", "tab.report"),
    ("near", "tab.near"),
    ("take-part", "tab.part"),
)
_MORE: Final = (
    ("services", "services.title"),
    ("works", "works.title"),
    ("subscribe", "home.subscribe"),
    ("street", "street.title"),
    ("data", "data.title"),
    ("city", "city.title"),
    ("solutions", "solutions.title"),
    ("about", "about.title"),
)
_log = structlog.get_logger(__name__)

Ask = Callable[[str, str, Mapping[str, str], Request], Awaitable[Any]]
Open = Callable[[str, Mapping[str, Any], Request], Awaitable[Any]]
Do = Callable[[str, str, str, Mapping[str, Any], Sequence[File], Request], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Town:
    """What the site needs of the city.

    `ask(app, view, parameters, request)` answers as a public view does; `do(app, act, id, said, files, request)` does a
    public act and says the ids of what it changed; `open(path, said, request)` posts JSON to an app's own door and
    answers as that does. All raise HansaError. `now` is the city's clock (microseconds).
    """

    look: Look
    now: Callable[[], int]
    ask: Ask
    do: Do
    open: Open


class Told(dict[str, Any]):
    """What an app answered: a member that it left out is None, so that a page does not break on it."""

    def __missing__(self, _name: str) -> None:
        """Nothing."""


def told(value: Any) -> Any:
    """An answer with every object in it as `Told`."""
    if isinstance(value, dict):
        return Told({name: told(one) for name, one in value.items()})
    return [told(one) for one in value] if isinstance(value, list | tuple) else value


class Values(dict[str, str]):
    """What somebody filled in; what he left out is empty."""

    def __missing__(self, _name: str) -> str:
        """Empty."""
        return ""


class Ids(tuple[str, ...]):
    """Of what an act has changed."""

    __slots__ = ()

    def of(self, kind: str) -> str:
        """The first of a type; empty where there is none."""
        return next((one for one in self if one.startswith(f"urn:ngsi-ld:{kind}:")), "")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A text that people wrote, its language ("" where nobody said), and what that is called where it is another."""

    text: str
    language: str
    foreign: str


@dataclass(slots=True)
class Page:
    """What a page shows: `shown` is for its template; `keep`: it is anybody's; `secret`: only by a link."""

    template: str
    page: str
    title: str = ""
    shown: dict[str, Any] = field(default_factory=dict)
    entry: str = "public.js"
    status: int = 200
    keep: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Leads:
    """Somebody is led on (303): after a form, or to where a page is."""

    to: str


class Visiting:
    """One visit of one page: who asks, in which language, where."""

    def __init__(self, town: Town, language: str, request: Request) -> None:
        """Of a request below `/{language}/`."""
        self.town = town
        self.request = request
        self.language = language
        self.words: Catalogue = catalogue(language)
        self.path = [part for part in request.path if part]
        self.known = request.sight.who.kind == "person"
        self.here = self.to("/".join(self.path))

    @cached_property
    def query(self) -> Values:
        """The parameters of the address."""
        return Values(self.request.params())

    @cached_property
    def now(self) -> datetime:
        """The city's time, where the city is."""
        return clock.moment(self.town.now()).astimezone(ZoneInfo(self.zone))

    @property
    def zone(self) -> str:
        """The city's time zone."""
        return self.town.look.zone or "UTC"

    def to(self, path: str) -> str:
        """The address of another page in this language."""
        return f"/{self.language}/{quote(path, safe='/:')}"

    async def ask(self, app: str, view: str, **params: Any) -> Any:
        """What a view says. Raises what it raises."""
        said = {name: str(value) for name, value in params.items() if value not in {None, ""}}
        return told(await self.town.ask(app, view, said, self.request))

    async def perhaps(self, app: str, view: str, **params: Any) -> Any:
        """What a view says, or None where it cannot just now: the rest of the page is shown all the same."""
        try:
            return await self.ask(app, view, **params)
        except HansaError as fault:
            if not isinstance(fault, NotFound):
                _log.warning("page.part", app=app, view=view, error=str(fault))
            return None

    async def do(self, app: str, act: str, said: Mapping[str, Any], ident: str = "", files: Sequence[File] = ()) -> Ids:
        """Do something; the ids of what it changed. Raises what it raises."""
        return Ids(await self.town.do(app, act, ident, said, files, self.request))

    def chosen(self, texts: Any) -> Chosen:
        """What people wrote, in the language that fits best."""
        text, language = self.words.chosen(texts)
        foreign = ""
        if text and language not in {"", self.language}:
            foreign = self.words.code("tongue", language)
        return Chosen(text, language, foreign)

    def moment(self, at: Any) -> str:
        """A time for people; "" where there is none."""
        found = local(at, self.zone) if isinstance(at, str) else None
        return "" if found is None else self.words.moment(found, self.now)

    def day(self, at: Any) -> str:
        """A day for people."""
        found = local(at, self.zone) if isinstance(at, str) else None
        return "" if found is None else self.words.day(found, self.now)

    def place(self) -> tuple[float, float] | None:
        """Longitude and latitude of `?at=`; None where it says none."""
        return spot(self.query["at"])


class Site:
    """All pages of the public side."""

    def __init__(self, town: Town) -> None:
        """Read templates and files once."""
        # They are made of what is here: a circle, as a page asks and a form answers with that page.
        from hansa.centres import public_data, public_solutions  # noqa: PLC0415
        from hansa.centres.public_forms import POSTED  # noqa: PLC0415
        from hansa.centres.public_pages import PAGES  # noqa: PLC0415

        self._town = town
        self._pages = {**PAGES, **public_data.PAGES, **public_solutions.PAGES}
        self._posted = {**POSTED, **public_data.POSTED, **public_solutions.POSTED}
        self._files = static()
        self._templates = Environment(
            loader=PackageLoader(__package__ or "hansa.centres"), autoescape=True, undefined=StrictUndefined
        )
        self._templates.globals["static"] = self._files.address
        self._templates.globals["modules"] = self._files.modules
        self._headers = _headers(town.look)
        self._worker = phone.worker(self._files)

    def door(self, head: str) -> Callable[[Request], Awaitable[Response]]:
        """What answers below one of `HEADS`."""
        if head in LANGUAGES:
            return lambda request: self._answer(Visiting(self._town, head, request))
        match head:
            case "w" | "r":
                return lambda request: self._link(head, request)
            case "worker.js":
                return self._answered_worker
        return self._manifest

    def start(self, accepts: str) -> str:
        """Where somebody begins whom nobody knows: the front page in the language that he likes most."""
        return f"/{best(accepts)}/"

    async def _answer(self, visit: Visiting) -> Response:
        try:
            found = await self._found(visit)
        except HansaError as fault:
            found = _failed(fault)
        except Exception:  # noqa: BLE001  # ours; people get a page that says so, the log all the rest
            _log.exception("page.failed", path="/".join(visit.path)[:200])
            found = _failed(HansaError("something went wrong here"))
        if isinstance(found, Leads):
            return Response(303, headers=[(b"location", found.to.encode()), (b"cache-control", b"no-store")])
        return await self._rendered(visit, found)

    async def _found(self, visit: Visiting) -> Page | Leads:
        head = visit.path[0] if visit.path else ""
        if visit.request.method == "POST":
            posted = self._posted.get(head)
            if posted is None:
                raise NotFound("nothing is posted here")
            own(visit.request)
            return await posted(visit)
        page = self._pages.get(head)
        if page is None or visit.request.method not in _READ:
            raise NotFound("there is no such page")
        return await page(visit)

    async def _rendered(self, visit: Visiting, found: Page) -> Response:
        language, words, look = visit.language, visit.words, self._town.look
        where = "/".join(visit.path)
        query = visit.request.query.decode("latin-1")
        rest = quote(where, safe="/:") + (f"?{query}" if query and len(query) <= _QUERY else "")
        if visit.request.method == "POST":
            rest = quote(where, safe="/:")
        shown: dict[str, Any] = {
            "title": found.title,
            "city": look.city,
            "language": language,
            "direction": words.direction,
            "tongue": words.name,
            "tongues": [{"language": one, "name": catalogue(one).name, "href": f"/{one}/{rest}"} for one in LANGUAGES],
            "tabs": [
                {
                    "path": path,
                    "words": key,
                    "icon": _ICONS[path],
                    "here": (visit.path[0] if visit.path else "") == path,
                }
                for path, key in _TABS
            ],
            "more": _MORE,
            "page": found.page,
            "entry": found.entry,
            "secret": found.secret,
            "known": visit.known,
            "severities": SEVERITIES,
            "here": visit.here,
            "site": _for_scripts(visit, look, self._files),
            "t": words.say,
            "code": words.code,
            "number": words.number,
            "to": visit.to,
            "moment": visit.moment,
            "day": visit.day,
            "chosen": visit.chosen,
            "titles": lambda texts: _each(texts, "title"),
            "shorts": lambda texts: _each(texts, "short"),
            "bodies": lambda texts: _each(texts, "body"),
        } | found.shown
        template = self._templates.get_template(f"public/{found.template}.html")
        body = await asyncio.to_thread(template.render, shown)
        headers = list(self._headers)
        if not visit.request.sight.who.session:  # else the shield says it
            headers.append((b"cache-control", b"no-store"))
        if found.keep and not visit.known:
            headers.append((KEEP, b"1"))
        headers.append((b"content-language", language.encode()))
        return Response(found.status, body.encode(), b"text/html; charset=utf-8", headers)

    async def _link(self, head: str, request: Request) -> Response:
        """A link in a message: to its page, in the language of its recipient, else of his browser."""
        token = "/".join(request.path)
        language = best(request.headers.get(b"accept-language") or "")
        if head == "w":
            said = await Visiting(self._town, language, request).perhaps("warnings", "told", token=token)
            if said is not None and said["language"] in LANGUAGES:
                language = said["language"]
        query = b"?" + request.query if request.query else b""
        where = f"/{language}/{head}/{quote(token, safe='')}".encode() + query
        return Response(303, headers=[(b"location", where), (b"cache-control", b"no-store")])

    async def _answered_worker(self, request: Request) -> Response:
        _read(request)
        policy = (b"content-security-policy", b"default-src 'none'; connect-src 'self'; script-src 'self'")
        return Response(200, self._worker, b"text/javascript; charset=utf-8", [policy, *_newest(request)])

    async def _manifest(self, request: Request) -> Response:
        _read(request)
        asked = request.params().get("lang", "")
        language = asked if asked in LANGUAGES else best(request.headers.get(b"accept-language") or "")
        body = phone.manifest(catalogue(language), self._town.look.city, self._files)
        return Response(200, body, b"application/manifest+json", _newest(request))


def spot(text: str) -> tuple[float, float] | None:
    """Longitude and latitude of `lon,lat`; None where it is none."""
    lon, comma, lat = text.partition(",")
    try:
        x, y = float(lon), float(lat)
    except ValueError:
        return None
    return (x, y) if comma and -180 <= x <= 180 and -90 <= y <= 90 else None


def own(request: Request) -> None:
    """Only a page of this city posts here. Forbidden for what another site's page, or none, sends (CSRF)."""
    fetched = request.headers.get(b"sec-fetch-site")
    if fetched is not None:
        if fetched == "same-origin":
            return
    else:  # an old browser, or one without TLS
        origin = request.headers.get(b"origin") or ""
        if origin and urlsplit(origin).netloc == request.headers.get(b"host"):
            return
    raise Forbidden("this form came from another site", mend="open the page of the city and fill it in there")


def _newest(request: Request) -> list[tuple[bytes, bytes]]:
    """A browser asks each time whether it has the newest; whose answer is his alone, the shield says."""
    return [] if request.sight.who.session else [(b"cache-control", b"no-cache")]


def _read(request: Request) -> None:
    if request.method not in _READ:
        raise NotFound("this is only read")


def _each(texts: Any, member: str) -> dict[str, str]:
    """Of texts by language one member each: {"en": {"title": ...}} to {"en": ...}."""
    found = texts if isinstance(texts, dict) else {}
    return {language: one[member] for language, one in found.items() if isinstance(one, dict) and one.get(member)}


def _for_scripts(visit: Visiting, look: Look, held: Files) -> dict[str, Any]:
    """What the scripts of a page need to know."""
    return {
        "language": visit.language,
        "city": look.city,
        "location": look.location,
        "tiles": look.tiles if look.tiles_kind == "raster" else None,
        "credit": look.tiles_credit,
        "mark": held.mark,
        "words": {key[3:]: said for key, said in visit.words.words.items() if key.startswith("js.")},
    }


def _failed(fault: HansaError) -> Page:
    """A page for what could not be done: what it is, and what to do next."""
    kind = (
        "busy"
        if isinstance(fault, Busy | TooMany)
        else {401: "unknown", 403: "forbidden", 404: "none"}.get(fault.status)
    )
    if kind is None:
        kind = "failed" if fault.status >= 500 else "wrong"
    detail = fault.detail if kind in {"wrong", "forbidden"} else ""
    shown = {"text": f"fault.{kind}.text", "detail": detail}
    return Page("plain", "fault", f"fault.{kind}", shown, status=fault.status)


def _headers(look: Look) -> tuple[tuple[bytes, bytes], ...]:
    """What a browser may do with these pages: what every page may, and be an app, and ask where it is."""
    tiles = f" {tiles_origin(look.tiles)}".rstrip() if look.tiles else ""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; worker-src 'self'; manifest-src 'self'; "
        f"connect-src 'self'{tiles}; img-src 'self' data: blob:{tiles}; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    return (
        (b"content-security-policy", policy.encode()),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"permissions-policy", b"camera=(), geolocation=(self), microphone=(), payment=(), usb=(), serial=()"),
    )
