"""The files of the pages, held in memory under one name that changes when any of them does."""

import hashlib
import posixpath
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

_MEDIA: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
    ".md": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    "": "text/plain; charset=utf-8",
}
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_FIRST: Final = "public, no-cache"
# What a module names before it runs; what it imports later (`await import`) is not needed at once.
_IMPORTS: Final = re.compile(r"""^(?:import|export)\b[^"';]*["'](\.{1,2}/[^"']+)["']""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    media: str
    etag: str


class Files:
    """What lies under a folder, by relative path.

    `mark` is the hash of all of it, and part of every address: modules import each other by relative paths, so one
    mark for the tree keeps old and new modules apart, and a browser may keep each file for ever. Files are looked up in
    a dictionary, so no path can climb out of the folder.
    """

    def __init__(self, folder: Path) -> None:
        """Read `folder` once; hidden files are left out."""
        self._held: dict[str, _File] = {}
        whole = hashlib.sha256()
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if not path.is_file() or any(part.startswith((".", "__")) for part in name.split("/")):
                continue
            body = path.read_bytes()
            digest = hashlib.sha256(body).hexdigest()[:20]
            whole.update(f"{name}\0{digest}\n".encode())
            media = _MEDIA.get(path.suffix, "application/octet-stream")
            self._held[name] = _File(body, media, f'"{digest}"')
        self.mark = whole.hexdigest()[:12]

    def __contains__(self, name: str) -> bool:
        """Whether a file of that relative path is held."""
        return name in self._held

    def address(self, name: str) -> str:
        """Where a browser finds a file; KeyError when there is none, so that a template cannot name a missing one."""
        if name not in self._held:
            raise KeyError(name)
        return f"/static/{self.mark}/{name}"

    def body(self, name: str) -> bytes:
        """What is in a file; KeyError when there is none."""
        return self._held[name].body

    def modules(self, entry: str) -> list[str]:
        """The modules that one needs before it can run, itself first; KeyError when one of them is not here."""
        found = {entry: None}
        todo = [entry]
        while todo:
            name = todo.pop()
            for said in _IMPORTS.findall(self._held[name].body.decode()):
                needed = posixpath.normpath(posixpath.join(posixpath.dirname(name), said))
                if needed not in self._held:
                    raise KeyError(needed)
                if needed not in found:
                    found[needed] = None
                    todo.append(needed)
        return list(found)

    def route(self) -> BaseRoute:
        """The route of `/static/`."""
        return Route("/static/{path:path}", self._answer, methods=["GET", "HEAD"])

    async def _answer(self, request: Request) -> Response:
        mark, _, rest = request.path_params["path"].partition("/")
        marked = mark == self.mark
        # A page that was open while hansa was updated still asks under the old mark; it gets today's file, unkept.
        other = not marked and len(mark) == len(self.mark) and rest in self._held
        file = self._held.get(rest if marked or other else request.path_params["path"])
        if file is None:
            return PlainTextResponse(
                "No such file.",
                status_code=404,
                headers={"cache-control": "no-store", "x-content-type-options": "nosniff"},
            )
        headers = {
            "etag": file.etag,
            "cache-control": _FOR_EVER if marked else _ASK_FIRST,
            "x-content-type-options": "nosniff",
            "cross-origin-resource-policy": "same-origin",
        }
        known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
        if file.etag in known or "*" in known:
            return Response(status_code=304, headers=headers)
        # An icon may be opened by itself: what it says about scripts must hold there too.
        headers["content-security-policy"] = "default-src 'none'; sandbox"
        if file.media.startswith("text/javascript"):
            # A worker takes its policy from its own answer, and `sandbox` would give it another origin.
            headers["content-security-policy"] = "default-src 'none'; script-src 'self'; connect-src *"
        return Response(file.body, media_type=None, headers=headers | {"content-type": file.media})


@cache
def static() -> Files:
    """The files of all pages; read once."""
    with as_file(files(__package__).joinpath("static")) as folder:
        return Files(folder)
