"""What the public site is given of a city: public views and acts of the apps of the open realm, and nothing else."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hansa.app import File
from hansa.centres.public import Town
from hansa.centres.web import Look
from hansa.errors import NotFound
from hansa.platform.http import Request

if TYPE_CHECKING:
    from hansa.serve.running import Running


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

    return Town(look, running.clock.now, ask, do)
