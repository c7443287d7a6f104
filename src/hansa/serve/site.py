"""What the public site is given of a city: public views and acts of the apps of the open realm, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from hansa.app import File
from hansa.centres.public import Town
from hansa.centres.web import Look
from hansa.errors import BadRequest, NotFound
from hansa.platform.http import Headers, Request, split

if TYPE_CHECKING:
    from hansa.serve.running import Running

_BODY: Final = frozenset({b"content-type", b"content-length", b"accept"})
"""Headers of a form that are not those of what is made of it."""


def town(running: "Running", look: Look) -> Town:
    """The city as its public site sees it."""
    desk = running.acting.desks["open"]
    acts, visits = desk.acts, desk.visits

    async def ask(name: str, view: str, params: Mapping[str, str], request: Request) -> Any:
        """A view. NotFound where no app has it, or not for everybody."""
        app, found = acts.seen(name, view)
        if not found.public:
            raise NotFound(f"there is no view {name}/{view}")
        return await acts.look(app, found, params, request.sight, visits.of(request))

    async def do(
        name: str, act: str, ident: str, said: Mapping[str, Any], files: Sequence[File], request: Request
    ) -> list[str]:
        """An act. NotFound likewise."""
        app, deed = acts.deed(name, act)
        if not deed.public:
            raise NotFound(f"there is no act {name}/{act}")
        changes = await acts.do(app, deed, ident, said, request.sight, visits.of(request), tuple(files))
        return list(dict.fromkeys(one.entity.id for one in changes))

    async def open_(path: str, said: Mapping[str, Any], request: Request) -> Any:
        """What an app's door says to JSON. BadRequest with what it found wrong, as it says it."""
        head, _, rest = path.partition("/")
        headers = [(name, value) for name, value in request.headers if name not in _BODY]
        headers += [(b"content-type", b"application/json"), (b"accept", b"application/json")]
        asked = replace(
            request,
            method="POST",
            path=split(rest.encode()),
            query=b"",
            body=orjson.dumps(said),
            headers=Headers(headers),
        )
        answer = await running.acting.doors.handle(head, asked)
        told = orjson.loads(answer.body) if answer.body else {}
        if answer.status >= 400:
            wrong = BadRequest if answer.status != 404 else NotFound
            raise wrong(str(told.get("detail", "this was refused")), where=str(told.get("where", "")))
        return told

    return Town(look, running.clock.now, ask, do, open_)
