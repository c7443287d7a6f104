"""The administrators' doors to people: who there is, who is invited, who is let in again.

GET    /admin/people                    everybody who has an account
PATCH  /admin/people/<name>             {"roles", "departments", "shown", "disabled"}: his sessions end
POST   /admin/people/<name>/recover     a link that lets him in again, where there are not two administrators
DELETE /admin/people/<name>/sessions    ends them all
GET    /admin/invitations               links that wait to be opened; for one of two who agreed, those that are his
POST   /admin/invitations               {"name", "shown", "roles", "departments"} -> the link
POST   /admin/invitations/first         a link for the first administrator; on the city's own machine
POST   /admin/invitations/<id>/tell     its secret anew, or his half of it for each of two who agreed upon it
DELETE /admin/invitations/<id>          takes it back
"""

from collections.abc import Callable
from typing import Any

from hansa import clock
from hansa.errors import AlreadyExists, NotFound
from hansa.platform.appointing import Appointing, machine
from hansa.platform.http import Request, Response, json_response
from hansa.platform.people import People
from hansa.platform.proposals_door import body_of
from hansa.platform.sign_in import shown
from hansa.trust.labels import Sight
from hansa.trust.people import PERSON_ROLES, Link


class PeopleDoor:
    """Answers administrators; for everybody else it is not there."""

    def __init__(self, people: People, appointing: Appointing, where: Callable[[], str]) -> None:
        """`where` says at which address the city is opened."""
        self._people = people
        self._appointing = appointing
        self._where = where

    async def people(self, request: Request) -> Response:
        """One request; `request.path` begins after `/admin/people`."""
        by, appointing = request.sight, self._appointing
        appointing.administers(by)
        match (request.method, *request.path):
            case ("GET",):
                return json_response(await self._everybody(by))
            case ("PATCH", name):
                said = body_of(request, {"roles", "departments", "shown", "disabled"})
                return json_response(shown(await appointing.change(by, name, said)))
            case ("POST", name, "recover"):
                return json_response(self._told(*await appointing.recover(by, name)), 201)
            case ("DELETE", name, "sessions"):
                return json_response({"ended": await appointing.shut_out(by, name)})
        raise NotFound("this door has nothing of that name", where="path")

    async def invitations(self, request: Request) -> Response:
        """One request; `request.path` begins after `/admin/invitations`."""
        by, appointing = request.sight, self._appointing
        match (request.method, *request.path):
            case ("POST", ident, "tell"):  # which decides for itself: one of two who agreed may be a supervisor
                return json_response(self._told(*await appointing.tell(by, ident)))
            case ("GET",):
                return json_response([_shown(one) for one in await appointing.links_for(by)])
        appointing.administers(by)
        match (request.method, *request.path):
            case ("POST",):
                said = body_of(request, {"name", "shown", "roles", "departments"})
                return json_response(self._told(*await appointing.invite(by, said)), 201)
            case ("POST", "first") if machine(by):
                return json_response(await self._first(), 201)
            case ("DELETE", ident):
                await appointing.withdraw(by, ident)
                return Response(204)
        raise NotFound("this door has nothing of that name", where="path")

    async def _everybody(self, by: Sight) -> dict[str, Any]:
        people, now = self._people, self._people.now()
        keys = await people.do(people.accounts.passkeyed)
        together = self._appointing.together(by)
        return {
            "people": [
                {
                    **shown(one),
                    "passkeys": keys.get(one.name, 0),
                    "password": bool(one.password),
                    "authenticator": bool(one.totp),
                    "sessions": len(people.sessions.of(one.name, now)),
                }
                for one in sorted(people.known.values(), key=lambda one: one.name)
            ],
            "roles": list(PERSON_ROLES),
            "powers": sorted(self._appointing.powers()),
            "together": together,
            "alone": machine(by) and not together,
        }

    async def _first(self) -> dict[str, Any]:
        secret = await self._people.first()
        if secret is None:
            raise AlreadyExists("there is an administrator already", mend="hansa person invite, or the page /people")
        return {"link": address(self._where(), secret)}

    def _told(self, link: Link, secret: str) -> dict[str, Any]:
        return {**_shown(link), "link": address(self._where(), secret)}


def address(where: str, secret: str) -> str:
    """What somebody opens to come in."""
    return f"{where.rstrip('/')}/enrol/{secret}"


def _shown(link: Link) -> dict[str, Any]:
    return {
        "id": link.public,
        "kind": link.kind,
        "name": link.person,
        "shown": link.shown,
        "roles": sorted(link.roles),
        "departments": sorted(link.departments),
        "by": link.by,
        "holders": list(link.holders),
        "at": clock.text(link.made_at),
        "until": clock.text(link.until),
    }
