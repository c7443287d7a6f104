"""Addresses of apps' own (`App.door`), and what acts and doors are told of whoever asks: his visit, his photographs.

    GET  /open311/v2/requests.json     what the app's door answers
    GET  /photos/<entity>/<sha256>     a photograph that an entity lists, for whoever sees that it does

A body is bytes, or a form; photographs in it are cleaned before any app hears of them. Of the headers an app is told
all but those that prove who somebody is. ADR 0016.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any, Final

from hansa.analytics.acts import Acts, Visit
from hansa.app import Answer, App, Asked, Door, File
from hansa.clock import SECOND
from hansa.collect import sheets
from hansa.errors import HansaError, NotFound, TooLarge, UnsupportedMediaType
from hansa.limits import Limits
from hansa.platform.forms import form_in, is_form, lowered
from hansa.platform.http import Request, Response, object_in
from hansa.platform.ngsild.problems import WrongMethod, problem_response
from hansa.platform.photos import cleaned
from hansa.trust.rates import network_of

_CLEANING: Final = ThreadPoolExecutor(2, thread_name_prefix="photographs")
"""What is dear to look through keeps nobody else waiting for a thread."""
_DAY: Final = 86_400 * SECOND
_NAME: Final = re.compile(r"(/?)\{([a-z_]+)(\*?)\}")
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*\Z")


_NOTHING_RUNS: Final = (b"content-security-policy", b"default-src 'none'; sandbox")
_PAGE: Final = (
    (
        b"content-security-policy",
        (
            b"default-src 'none'; script-src 'none'; style-src 'none'; base-uri 'none'; form-action 'self'; "
            b"frame-ancestors 'none'; sandbox allow-forms"
        ),
    ),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"cache-control", b"no-store"),
)
"""What a browser may do with a page that an app's door answers: nothing but to show it and follow its links."""


class Visits:
    """From where somebody asks, as apps are told it. `origin` is the setting, empty where none is said."""

    def __init__(self, acts: Acts, origin: str = "", scheme: str = "http") -> None:
        """Whoever comes without a setting sees the city under the host that he names himself."""
        self._acts = acts
        self._origin = origin
        self._scheme = scheme

    def of(self, request: Request) -> Visit:
        """The visit that a request is part of."""
        now = self._acts.city.clock.now()
        host = request.headers.get(b"host") or "localhost"
        return Visit(
            self._acts.capabilities.visitor(network_of(request.client), now // _DAY),
            self._origin or f"{self._scheme}://{host}",
        )


async def sent(
    request: Request, files: int, kinds: Sequence[str] = ("photo",)
) -> tuple[dict[str, Any], tuple[File, ...]]:
    """What a request says, as a JSON object or a form, and its files. Raises what is wrong with them."""
    kind = request.headers.get(b"content-type") or ""
    if not is_form(kind):
        return object_in(request.body), ()
    return await asyncio.get_running_loop().run_in_executor(_CLEANING, _sent, kind, request.body, files, kinds)


def _sent(kind: str, body: bytes, files: int, kinds: Sequence[str]) -> tuple[dict[str, Any], tuple[File, ...]]:
    form = form_in(kind, body, files)
    return dict(form.fields), tuple(_file(name, body, kinds) for name, body in form.files)


def _file(name: str, body: bytes, kinds: Sequence[str]) -> File:
    """A file of one of these kinds, told by its bytes. Nothing of a sheet or paper is changed: it is evidence."""
    plain = "".join(char if char.isalnum() or char in " ._-" else "-" for char in name.rpartition("/")[2])[-80:]
    if "paper" in kinds and body.startswith(b"%PDF-"):
        return File(plain, body, "application/pdf", sha256(body).hexdigest(), len(body))
    if "sheet" in kinds and ("photo" not in kinds or not _pictured(body)):
        return File(plain, body, sheets.kind_of(body), sha256(body).hexdigest(), len(body))
    if "photo" not in kinds:
        raise UnsupportedMediaType(f"{plain} is no {' or '.join(kinds)}", where="file")
    photo = cleaned(body)
    digest = sha256(photo.body).hexdigest()
    return File(plain, photo.body, photo.kind, digest, len(photo.body), photo.width, photo.height)


def _pictured(body: bytes) -> bool:
    return body.startswith((b"\xff\xd8\xff", b"\x89PNG")) or body[8:12] == b"WEBP"


class AppDoors:
    """The addresses of the apps of the open realm."""

    def __init__(self, acts: Acts, visits: Visits, limits: Limits) -> None:
        """HansaError when two apps want one address."""
        self._acts = acts
        self._visits = visits
        self._limits = limits
        self._doors: dict[str, list[tuple[re.Pattern[str], App, Door]]] = {}
        owners: dict[str, str] = {}
        for app in acts.apps.values():
            for door in app.doors:
                head = door.template.split("/")[1]
                if owners.setdefault(head, app.name) != app.name:
                    raise HansaError(f"{app.name} and {owners[head]} both want /{head}")
                self._doors.setdefault(head, []).append((_pattern(door.template), app, door))

    @property
    def heads(self) -> frozenset[str]:
        """The first words of all their paths."""
        return frozenset(self._doors)

    def most(self, method: str, path: str) -> int:
        """Bytes that may be sent to an address."""
        return max((door.most for _, _, door in self._at(path) if door.method == method), default=self._limits.body)

    def handler(self, head: str) -> Callable[[Request], Any]:
        """What answers below one first word."""

        async def handle(request: Request) -> Response:
            return await self.handle(head, request)

        return handle

    async def handle(self, head: str, request: Request) -> Response:
        """A request below `/<head>`."""
        path = "/".join(("", head, *request.path)).rstrip("/") or f"/{head}"
        found = self._at(path)
        if not found:
            raise NotFound("there is no such place", where="path")
        method = "GET" if request.method == "HEAD" else request.method
        for names, app, door in found:
            if door.method == method:
                return told(await self._acts.open(app, door, await self._asked(request, names, door), request.sight))
        methods = tuple(dict.fromkeys(door.method for _, _, door in found))
        return problem_response(WrongMethod("that is not done here", methods))

    def _at(self, path: str) -> list[tuple[Mapping[str, str], App, Door]]:
        doors = self._doors.get(path.split("/", 2)[1], ())
        return [(match.groupdict(""), app, door) for pattern, app, door in doors if (match := pattern.match(path))]

    async def _asked(self, request: Request, names: Mapping[str, str], door: Door) -> Asked:
        if len(request.body) > door.most:
            raise TooLarge(f"{len(request.body):,} bytes; {door.most:,} are the most", where="body")
        form: dict[str, Any] = {}
        files: tuple[File, ...] = ()
        if is_form(request.headers.get(b"content-type")):
            form, files = await sent(request, door.files)
        visit = self._visits.of(request)
        who = request.sight.who
        known = who.kind != "public"
        return Asked(
            request.method,
            names,
            request.params(),
            lowered(dict(request.headers)),
            request.body,
            self._acts.city.clock.now(),
            form,
            files,
            who.id if known else "",
            who.roles if known else frozenset(),
            visit.visitor,
            visit.origin,
        )


def told(answer: Answer) -> Response:
    """What an app said, as an answer: a file to save where it names it, and nothing that a browser would run."""
    headers = list(_PAGE) if answer.kind.startswith("text/html") else [_NOTHING_RUNS]
    ours = {name for name, _ in headers}
    if answer.name:
        name = "".join(char if char.isascii() and (char.isalnum() or char in "._-") else "-" for char in answer.name)
        headers.append((b"content-disposition", f'attachment; filename="{name[:120]}"'.encode()))
    for key, value in answer.headers.items():
        if not _PLAIN.match(key) or any(char in "\r\n\0" for char in value):
            raise HansaError(f"an app answers with a header that is none: {key[:40]!r}")
        if (word := key.lower().encode()) not in ours:
            headers.append((word, value.encode("latin-1", "replace")))
    return Response(answer.status, answer.body, answer.kind.encode("latin-1"), headers, answer.file)


def _pattern(template: str) -> re.Pattern[str]:
    """`/a/{b}.{c}` as a pattern: a name is one segment, without dots where a dot follows it; `{rest*}` is the rest."""
    made, place = "", 0
    for one in _NAME.finditer(template):
        slash, name, star = one.groups()
        follows = template[one.end() : one.end() + 1]
        made += re.escape(template[place : one.start()])
        made += f"(?:{slash}(?P<{name}>.*))?" if star else f"{slash}(?P<{name}>[^/{re.escape(follows)}]+)"
        place = one.end()
    return re.compile(made + re.escape(template[place:]) + r"\Z")
