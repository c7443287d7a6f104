"""The pages: their routes, their headers, and what the one at `/` says before any script has run.

`routes` needs one function from `serve`: `snapshot(sight) -> {"alerts", "stations", "now", "simulated"}`, where
`alerts` are the open `Alert` entities and `stations` the entities with a point (both concise NGSI-LD), `now` the
city's time (ISO 8601 text or microseconds) and `simulated` whether that clock is; `rate` may be added. It is called in
a thread.
Everything else the pages ask for themselves, through the same doors as anybody. Who looks is `scope["hansa.sight"]`,
as the front door found him: the pages of the context base offer changes only to whom may make them, and the doors
decide again.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import structlog
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from hansa import clock
from hansa.centres import stations
from hansa.centres.files import static
from hansa.errors import BadRequest, HansaError
from hansa.platform.audit_door import STAFF
from hansa.platform.policies_door import watches
from hansa.trust.breakglass import is_widened
from hansa.trust.labels import ADMINISTRATOR, NOBODY, Sight

Snapshot: TypeAlias = Callable[[Sight], Mapping[str, Any]]

_LISTED: Final = 500  # lines sent as HTML; the script takes the rest in pages, and without it the API hands them out
_BASE: Final = {
    "/entities": ("entities", "base/query.js"),
    "/entities/{id:path}": ("entity", "base/entity.js"),
    "/subscriptions": ("subscriptions", "base/subscriptions.js"),
    "/contexts": ("contexts", "base/contexts.js"),
    "/sign-in": ("sign-in", "people/sign-in.js"),
    "/enrol/{link}": ("enrol", "people/enrol.js"),
    "/me": ("me", "people/me.js"),
    "/people": ("people", "people/people.js"),
    "/policies": ("policies", "trust/policies.js"),
    "/why": ("why", "trust/why.js"),
    "/audit": ("audit", "trust/audit.js"),
    "/approvals": ("approvals", "agree/approvals.js"),
    "/sharing": ("sharing", "agree/sharing.js"),
}
"""The pages of the context base and of people: where, of which template, begun by which module."""
_DESK: Final[dict[str, tuple[str, str]]] = {
    "/alarms": ("alarms", "desk/alarms.js"),
    "/alarms/load": ("alarm-load", "desk/load.js"),
    "/rules": ("rules", "desk/rules.js"),
    "/map": ("map", "map/main.js"),
    "/brain": ("brain", "desk/brain.js"),
    "/shift": ("shift", "desk/shift.js"),
    "/incidents": ("incidents", "incidents/list.js"),
    "/incidents/{id}": ("incident", "incidents/incident.js"),
    "/run-books": ("run-books", "incidents/books.js"),
    "/rewind": ("rewind", "past/rewind.js"),
    "/commands": ("commands", "commands/main.js"),
    "/resources": ("resources", "resources/main.js"),
    "/requests": ("requests", "requests/main.js"),
    "/participation": ("participation", "participation/main.js"),
    "/warnings": ("warnings", "warnings/main.js"),
    "/data": ("data", "data/main.js"),
    "/scorecard": ("scorecard", "scorecard/main.js"),
    "/solutions": ("solutions", "solutions/main.js"),
    "/strategy": ("strategy", "strategy/main.js"),
}
"""The operator's desk, in both rooms: the operation centre at its own address, the command centre below `/ccc`."""
_RESIDENTS: Final = frozenset(
    {"/requests", "/participation", "/warnings", "/data", "/scorecard", "/solutions", "/strategy"}
)
"""Those of them that are about residents, and so of the operation centre alone."""
_WINDOWS: Final = ("6h", "24h", "7d", "30d")
_RTL: Final = frozenset({"ar", "dv", "fa", "he", "ks", "ku", "ps", "sd", "ug", "ur", "yi"})
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """How this city's page looks; every field is a setting.

    `tiles` is an address with `{z}`, `{x}` and `{y}` (raster; vector tiles when `tiles_kind` is `vector`); without it
    the map is drawn from the city's own entities alone. `zone` is an IANA time zone, else the browser's. `stale_s` and
    `missing_s` (seconds without a reading) hold for stations whose device states no reporting interval.
    """

    city: str = "hansa"
    language: str = "en"
    zone: str | None = None
    location: tuple[float, float] | None = None  # longitude, latitude: where the map opens while nothing is known
    tiles: str | None = None
    tiles_kind: str = "raster"
    tiles_credit: str = ""
    tiles_zooms: tuple[int, int] | None = None  # the farthest and the nearest that there are tiles of
    stale_s: float = 5_400.0
    missing_s: float = 86_400.0
    screens: int = 0  # days for which it is kept what operators have on screen; 0: it is not
    entities: int = 20_000  # what one page holds; beyond it, it says so and asks for a narrower type

    def __post_init__(self) -> None:
        """Refuse what would only fail later, in somebody's browser."""
        if self.tiles_kind not in {"raster", "vector"}:
            raise BadRequest(f"tiles_kind is {self.tiles_kind!r}", mend="say raster or vector")
        if self.tiles:
            tiles_origin(self.tiles)

    @property
    def direction(self) -> str:
        """`rtl` for languages that are written from right to left."""
        return "rtl" if self.language.split("-")[0].lower() in _RTL else "ltr"

    def shown(self) -> dict[str, Any]:
        """What the script needs to know, together with the words."""
        return {
            "city": self.city,
            "language": self.language,
            "zone": self.zone,
            "location": self.location,
            "tiles": self.tiles,
            "tilesKind": self.tiles_kind,
            "tilesCredit": self.tiles_credit,
            "tilesZooms": self.tiles_zooms,
            "stale_s": self.stale_s,
            "missing_s": self.missing_s,
            "entities": self.entities,
            "realm": "open",
            "windows": _WINDOWS,
            "words": stations.words(),
        }


def routes(snapshot: Snapshot, look: Look | None = None) -> list[BaseRoute]:
    """The routes of the pages: `/`, those of the context base, and `/static/...`."""
    look = look or Look()
    held = static()
    pages = Environment(loader=PackageLoader(__package__), autoescape=True, undefined=StrictUndefined)
    pages.globals["static"] = held.address
    # Told at once, a browser fetches all modules together instead of finding them one within the other.
    pages.globals["modules"] = held.modules
    pages.globals["desk_pages"] = frozenset(_DESK)
    template = pages.get_template("city.html")
    headers = _headers(look)
    shown_look = look.shown()

    async def city(request: Request) -> Response:
        """The page, with what the city holds at this moment; a city that cannot be read still gets a page."""
        status, shown = 200, _nothing()
        sight = request.scope.get("hansa.sight", NOBODY)
        config = shown_look | {"may": _may(sight), "screens": _screens(look, sight)}
        try:
            shown = _shown(await run_in_threadpool(snapshot, request.scope.get("hansa.sight", NOBODY)), look)
        except HansaError as fault:
            status, shown["fault"] = fault.status, fault.detail
            shown["mend"] = fault.mend or "Try again in a moment."
        except Exception as fault:  # noqa: BLE001 whatever it was, people get a page that says so, and the log the rest
            _log.exception("page.snapshot", error=str(fault))
            status, shown["fault"] = 500, "The city could not be read just now."
            shown["mend"] = "Try again in a moment; the log of hansa says more."
        body = template.render(look=look, config=config, page="city", entry="page.js", **shown)
        return HTMLResponse(body, status_code=status, headers=headers)

    def base(name: str, entry: str, realm: str = "open") -> Callable[[Request], Awaitable[Response]]:
        template = pages.get_template(f"{name}.html")

        async def page(request: Request) -> Response:
            """A page of the context base: its frame; what is in it, it asks for."""
            sight = request.scope.get("hansa.sight", NOBODY)
            config = shown_look | {"may": _may(sight), "watches": watches(sight), "realm": realm}
            config["screens"] = _screens(look, sight)
            return HTMLResponse(template.render(look=look, config=config, page=name, entry=entry), headers=headers)

        return page

    based = [Route(path, base(*how), methods=["GET", "HEAD"]) for path, how in _BASE.items()]
    rooms = [
        Route(f"{below}{path}", base(*how, realm), methods=["GET", "HEAD"])
        for below, realm in (("", "open"), ("/ccc", "security"))
        for path, how in _DESK.items()
        if realm == "open" or path not in _RESIDENTS
    ]
    return [Route("/", city, methods=["GET", "HEAD"]), *based, *rooms, held.route()]


def _screens(look: Look, sight: Sight) -> int:
    """For how many days it is kept what this one looks at; of residents nothing is."""
    works = sight.who.kind in {"person", "administrator"} and sight.sees("smart")
    return look.screens if works else 0


def _may(sight: Sight) -> dict[str, bool]:
    """What the pages may offer to whoever looks: writing, the administrator's own door, the audit log; and whether he
    acts with rights that he was lent.
    """
    return {
        "write": sight.may("update", "smart"),
        "administer": sight is ADMINISTRATOR or (not sight.everything and sight.may("administer", "smart")),
        "audit": bool(sight.who.roles & STAFF),
        "command": sight.everything or "command" in sight.who.roles,
        "glass": is_widened(sight.who),
    }


def _nothing() -> dict[str, Any]:
    """What the template needs, for a city that has not been read."""
    return {
        "alarms": [],
        "rows": [],
        "more": 0,
        "freshness": "",
        "now": "",
        "simulated": False,
        "rate": "1",
        "fault": "",
        "mend": "",
    }


def _shown(taken: Mapping[str, Any], look: Look) -> dict[str, Any]:
    """What the template says of a snapshot."""
    here, alerts = [one for one in taken["stations"] if stations.is_station(one)], list(taken["alerts"])
    at = taken["now"]
    now = at if isinstance(at, int) else clock.parse(str(at))
    listed = stations.rows(here, alerts, now, look.stale_s, look.missing_s)
    return _nothing() | {
        "alarms": stations.alarm_rows(alerts, here, now),
        "rows": listed[:_LISTED],
        "more": max(0, len(listed) - _LISTED),
        "freshness": stations.freshness(here, listed, now),
        "now": f"{clock.moment(now):%Y-%m-%d %H:%M} UTC",
        "simulated": bool(taken["simulated"]),
        "rate": f"{float(taken.get('rate', 1)):g}",
    }


def tiles_origin(address: str) -> str:
    """The origin of a tile address for the policy: empty for this city itself. BadRequest when it is no web address."""
    parts = urlsplit(address)
    if not parts.scheme and not parts.netloc and address.startswith("/") and not address.startswith("//"):
        return ""
    sound = parts.scheme in {"http", "https"} and parts.hostname and not set(parts.netloc) & set(" ;,'\"")
    if not sound:
        raise BadRequest(f"{address[:200]!r} is no address of tiles", mend="say https://host/{z}/{x}/{y}.png or /path")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _headers(look: Look) -> dict[str, str]:
    """What a browser may do with the page: only what it came with, from where it came."""
    tiles = f" {tiles_origin(look.tiles)}".rstrip() if look.tiles else ""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; worker-src 'self'; "
        f"connect-src 'self'{tiles}; img-src 'self' data: blob:{tiles}; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    return {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        "cache-control": "no-store",
    }
