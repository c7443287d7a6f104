"""The door of accounts, `/account`: signing in, and what everybody may do about his own account.

Everything that changes something must come from a page of this city (`trust.callers.same_page`), also of those who have
no session yet: else another site could sign somebody in as somebody else. A secret is only ever in a cookie that no
script reads, or in the body of an answer that is kept nowhere.

GET    /account                        who is signed in here, his sessions, and what he signs in by
POST   /account/sign-in                what a browser is asked to sign in with a passkey
POST   /account/sign-in/passkey        {"credential", "next"}
POST   /account/sign-in/password       {"name", "password", "code", "next"}
POST   /account/sign-out               ends this session
POST   /account/again                  what a browser is asked to show again who he is
POST   /account/again/passkey          {"credential", "next"}
POST   /account/again/password         {"password", "code", "next"}
POST   /account/enrol                  {"link"} -> what a link is for
POST   /account/enrol/ask              {"link", "name", "shown"} -> what a browser is asked to make a passkey
POST   /account/enrol/passkey          {"link", "name", "shown", "credential", "called"}
POST   /account/enrol/codes            {"link", "name", "shown"} -> the secret of an authenticator, said once
POST   /account/enrol/password         {"link", "name", "shown", "password", "code"}
POST   /account/passkeys/ask           what a browser is asked to make another passkey
POST   /account/passkeys               {"credential", "called"}
PATCH  /account/passkeys/<id>          {"called"}
DELETE /account/passkeys/<id>
POST   /account/codes                  the secret of another authenticator
PUT    /account/password               {"password", "code"}
DELETE /account/password
DELETE /account/sessions               all but this one
DELETE /account/sessions/<id>
"""

from typing import Any, Final
from urllib.parse import urlsplit

from hansa import clock
from hansa.errors import BadRequest, Forbidden, NotFound, TooLarge, Unauthenticated
from hansa.model.wire import json_in
from hansa.platform.enrolling import Enrolling
from hansa.platform.http import Request, Response, json_response
from hansa.platform.people import Entered, People, Visit
from hansa.platform.proving import Proving
from hansa.trust.callers import COOKIE, PLAIN_COOKIE, is_loopback, same_page
from hansa.trust.passkeys import Site
from hansa.trust.people import LEVELS, Passkey, Person
from hansa.trust.sessions import Session

_MOST: Final = 65_536  # bytes of what is posted here: a passkey's answer has some two thousand
_YEAR_S: Final = 31_536_000
_UNKEPT: Final = (b"cache-control", b"no-store")


class AccountDoor:
    """Answers whoever has an account, or a link to one."""

    def __init__(self, proving: Proving, enrolling: Enrolling, *, url: str = "") -> None:
        """`url` is where the city is found from outside, if that was said: passkeys are made for its host."""
        self._proving = proving
        self._enrolling = enrolling
        self._people: People = proving.people
        self._own = Site(_origin(url)) if url else None
        self.origins = frozenset({self._own.origin.encode()}) if self._own else frozenset[bytes]()

    async def handle(self, request: Request, peer: str, *, secure: bool) -> Response:
        """One request; `request.path` begins after `/account`. `peer` asks, over HTTPS where `secure`."""
        if len(request.body) > _MOST:
            raise TooLarge(f"{len(request.body):,} bytes; {_MOST:,} are the most")
        if request.method not in {"GET", "HEAD"}:
            same_page(dict(request.headers), self.origins)
        visit = self._visit(request, peer, secure=secure)
        path = [] if request.path == [""] else request.path
        if request.method == "POST" and path and path[0] in {"sign-in", "again", "enrol"}:
            response = await self._opens(request, path, visit)
        else:
            response = await self._owns(request, path, visit)
        if not request.sight.who.session:
            response.headers.append(_UNKEPT)
        return response

    def _visit(self, request: Request, peer: str, *, secure: bool) -> Visit:
        """Which browser asks; Forbidden where what it sends could be read on the way."""
        host = (request.headers.get(b"host") or "").lower()
        name = urlsplit(f"//{host}").hostname or "" if _sound(host) else ""
        if self._own is not None and (self._own.host == name or not is_loopback(name)):
            site = self._own
        elif not name or not (secure or is_loopback(name)):
            raise Forbidden("nobody signs in without HTTPS", where="host", mend="open the city by https://")
        else:
            site = Site(f"{'https' if secure else 'http'}://{host}")
        cookies = _cookies(request)
        return Visit(site, peer, (request.headers.get(b"user-agent") or "")[:200], cookies.get(_known(site), ""))

    # Coming in

    async def _opens(self, request: Request, path: list[str], visit: Visit) -> Response:
        proving, enrolling, said = self._proving, self._enrolling, body_of(request)
        get = said.get
        match path:
            case ["sign-in"]:
                return json_response(proving.ask(visit))
            case ["sign-in", "passkey"]:
                return self._entered(await proving.by_passkey(visit, get("credential")), visit, get("next"))
            case ["sign-in", "password"]:
                entered = await proving.by_password(visit, get("name"), get("password"), get("code"))
                return self._entered(entered, visit, get("next"))
            case ["again"]:
                return json_response(await proving.ask_again(visit, self._session(request)))
            case ["again", "passkey"]:
                entered = await proving.again_by_passkey(visit, self._session(request), get("credential"))
                return self._entered(entered, visit, get("next"))
            case ["again", "password"]:
                entered = await proving.again_by_password(visit, self._session(request), get("password"), get("code"))
                return self._entered(entered, visit, get("next"))
            case ["enrol"]:
                return json_response(await self._link(get("link"), visit))
        who = get("link"), get("name"), get("shown")
        match path:
            case ["enrol", "ask"]:
                return json_response(await enrolling.ask(*who, visit))
            case ["enrol", "passkey"]:
                entered = await enrolling.by_passkey(*who, visit, get("credential"), get("called"))
                return self._entered(entered, visit, "/me")
            case ["enrol", "codes"]:
                return json_response(await enrolling.codes(*who))
            case ["enrol", "password"]:
                entered = await enrolling.by_password(*who, visit, get("password"), get("code"))
                return self._entered(entered, visit, "/me")
        raise _nothing()

    async def _link(self, secret: object, visit: Visit) -> dict[str, Any]:
        if (half := await self._people.half(secret)) is not None:
            # Who has one of two halves hears that there is another, and not of whom it is.
            return {"kind": "half", "until": clock.text(half.until), "host": visit.site.host}
        link = await self._people.link(secret)
        official = bool(link.roles - {"resident"})
        return {
            "kind": link.kind,
            "name": link.person,
            "shown": link.shown,
            "roles": sorted(link.roles),
            "departments": sorted(link.departments),
            "official": official,
            "until": clock.text(link.until),
            "host": visit.site.host,
        }

    def _entered(self, entered: Entered, visit: Visit, goes: object) -> Response:
        person = entered.person
        response = json_response({"name": person.name, "shown": person.shown, "next": local(goes)})
        lasts = 0 if person.official else round(self._people.limits.session_resident_s)
        response.headers = [
            _cookie(_session(visit.site), entered.secret, visit.site, lasts),
            _cookie(
                _known(visit.site),
                self._proving.lockout.remember(visit.device, person.name),
                visit.site,
                _YEAR_S,
                strict=True,
            ),
        ]
        return response

    # Being in

    async def _owns(self, request: Request, path: list[str], visit: Visit) -> Response:
        session = self._session(request)
        enrolling, people = self._enrolling, self._people
        match (request.method, *path):
            case ("GET",):
                return json_response(await self._shown(session))
            case ("POST", "sign-out"):
                await people.noted("login", f"person:{session.person}", {"did": "signed out"}, session.id)
                await people.end([session])
                return Response(204, headers=[_cookie(_session(visit.site), "", visit.site, -1)])
            case ("POST", "passkeys", "ask"):
                return json_response(await enrolling.ask_more(session, visit))
            case ("POST", "passkeys"):
                said = body_of(request)
                made = await enrolling.add_passkey(session, visit, said.get("credential"), said.get("called"))
                return json_response(_passkey(made), 201)
            case ("PATCH", "passkeys", public):
                await enrolling.call_passkey(session, public, body_of(request).get("called"))
                return Response(204)
            case ("DELETE", "passkeys", public):
                await enrolling.remove_passkey(session, public)
                return Response(204)
            case ("POST", "codes"):
                return json_response(await enrolling.codes_for(session))
            case ("PUT", "password"):
                said = body_of(request)
                await enrolling.set_password(session, said.get("password"), said.get("code"))
                return Response(204)
            case ("DELETE", "password"):
                await enrolling.drop_password(session)
                return Response(204)
            case ("DELETE", "sessions", *which):
                await self._end(session, which)
                return Response(204)
        raise _nothing()

    async def _end(self, session: Session, which: list[str]) -> None:
        people = self._people
        if not which:
            await people.end(people.sessions.end_all(session.person, but=session.id))
            return
        found = people.sessions.get(which[0]) if len(which) == 1 else None
        if found is None or found.person != session.person:
            raise NotFound("there is no such session", where="session")
        await people.end([found])

    def _session(self, request: Request) -> Session:
        found = self._people.session_of(request.sight.who)
        if found is None:
            raise Unauthenticated("nobody is signed in here", mend="sign in")
        return found

    async def _shown(self, session: Session) -> dict[str, Any]:
        people, now = self._people, self._people.now()
        person = people.person(session.person)
        return {
            **shown(person),
            "password": bool(person.password),
            "authenticator": bool(person.totp),
            "passkeys": [_passkey(one) for one in await self._proving.own(person)],
            "sessions": [
                {
                    "id": one.id,
                    "here": one.id == session.id,
                    "method": one.method,
                    "began": clock.text(one.began),
                    "seen": clock.text(one.seen),
                    "until": clock.text(min(one.until, one.seen + one.idle)),
                    "address": one.address,
                    "agent": one.agent,
                }
                for one in people.sessions.of(person.name, now)
            ],
            "assurance": LEVELS[session.assurance],
            "fresh": session.fresh(now, people.limits.step_s),
        }


def shown(person: Person) -> dict[str, Any]:
    """What is shown of an account."""
    return {
        "name": person.name,
        "shown": person.shown,
        "roles": sorted(person.roles),
        "departments": sorted(person.departments),
        "official": person.official,
        "provider": person.provider,
        "disabled": person.disabled,
        "since": clock.text(person.made_at) if person.made_at else None,
        "seen": clock.text(person.seen_at) if person.seen_at else None,
    }


def local(said: object) -> str:
    """Where somebody goes after he has signed in: a path of this city, and else its first page."""
    text = said if isinstance(said, str) and len(said) <= 2_000 else ""
    # A browser takes a backslash for a slash, and leaves out tabs and line ends: none of them is in a path of ours.
    sound = text.startswith("/") and not text.startswith("//") and "\\" not in text and text.isprintable()
    return text if sound and not urlsplit(text).netloc else "/"


def _passkey(one: Passkey) -> dict[str, Any]:
    return {
        "id": one.public,
        "called": one.called,
        "site": one.site,
        "made": clock.text(one.made_at),
        "used": clock.text(one.used_at) if one.used_at else None,
        "synced": one.synced,
        "doubted": one.doubted,
    }


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _sound(host: str) -> bool:
    """Whether a Host is nothing but a name and perhaps a port."""
    return bool(host) and all(one.isalnum() or one in ".-_:[]" for one in host) and host.isascii()


def _session(site: Site) -> str:
    return COOKIE if site.secure else PLAIN_COOKIE


def _known(site: Site) -> str:
    return f"{_session(site)}-known"


def _cookies(request: Request) -> dict[str, str]:
    said = "; ".join(request.headers.all(b"cookie"))
    return dict(part.strip().partition("=")[::2] for part in said.split(";") if "=" in part)


def _cookie(name: str, value: str, site: Site, lasts_s: int, *, strict: bool = False) -> tuple[bytes, bytes]:
    """A cookie that no script reads; 0: until the browser is closed, less: at once no more."""
    parts = [f"{name}={value}", "Path=/", "HttpOnly", f"SameSite={'Strict' if strict else 'Lax'}"]
    if site.secure:
        parts.append("Secure")
    if lasts_s:
        parts.append(f"Max-Age={max(0, lasts_s)}")
    return b"set-cookie", "; ".join(parts).encode()


def body_of(request: Request) -> dict[str, Any]:
    """What was posted: a JSON object, or nothing."""
    said = json_in(request.body) if request.body else {}
    if not isinstance(said, dict):
        raise BadRequest("the body is a JSON object")
    return said


def _nothing() -> NotFound:
    return NotFound("this door has nothing of that name", where="path")
