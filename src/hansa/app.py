"""App: a set of small functions from a Change to Entities.

    app = App("frost", report="4.1.4", reads={"WeatherObserved"}, writes={"Alert"})

    @app.on("WeatherObserved", "temperature")
    def warn(change: Change, city: City) -> Iterable[Entity]: ...

An app imports the façade `hansa` and nothing below it. It is found through the entry point `hansa.apps`, ours and a
third party's alike.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from hansa.errors import HansaError
from hansa.model.change import Change, Delete
from hansa.model.entity import Entity

EVERY_REALM: Final = "*"
"""The realm of an app that runs in each, for itself: what it knows in one it does not know in the other."""


class City(Protocol):
    """The city as a rule sees it: it reads; what it returns is written."""

    def get(self, ident: str, /) -> Entity:
        """One entity; raises NotFound."""

    def find(
        self,
        type: str | None = None,  # noqa: A002  # the standard's word
        q: str | None = None,
        near: tuple[float, float, float] | None = None,
        limit: int = 1_000,
    ) -> list[Entity]:
        """Entities that match, perhaps none."""

    def history(
        self, ident: str, name: str, since: int | None = None, until: int | None = None, *, last: int | None = None
    ) -> Sequence[Any]:
        """Points (at, value, ...) of one attribute, oldest first; times in microseconds."""

    def summary(
        self, ident: str, name: str, since: int | None = None, until: int | None = None, length: int = 0
    ) -> Sequence[Any]:
        """The plain numbers of one attribute's history by periods of `length` microseconds from `since` on (0: one).

        Each has `period` (so many from `since`; without it, from 1970), `many`, `distinct`, `low`, `high`, `total`,
        `squares`; a period without any is left out.
        """

    def version(self, type: str, /) -> Hashable:  # noqa: A002  # the standard's word
        """Another value whenever `find(type)` may answer otherwise than before, to whoever asks.

        For what is made of many entities and kept: ask for it first, then find.
        """

    def now(self) -> int:
        """The city's clock, microseconds."""

    def setting(self, name: str, default: Any = None) -> Any:
        """A setting of this app, from its table in hansa.toml."""


class Public(Protocol):
    """The city as a stranger sees it: what is for everybody, as policy has it, whoever asks. Hidden is absent."""

    def get(self, ident: str, /) -> Entity:
        """One entity; raises NotFound."""

    def page(
        self,
        type: str,  # noqa: A002  # the standard's word
        *,
        q: str | None = None,
        box: tuple[float, float, float, float] | None = None,
        limit: int = 1_000,
        offset: int = 0,
    ) -> list[Entity]:
        """Entities of a type, always in the same order; `box` is west, south, east, north."""

    def count(
        self,
        type: str,  # noqa: A002  # the standard's word
        *,
        q: str | None = None,
        box: tuple[float, float, float, float] | None = None,
    ) -> int:
        """How many there are."""

    def history(
        self,
        ident: str,
        name: str,
        since: int | None = None,
        until: int | None = None,
        *,
        last: int | None = None,
        limit: int = 10_000,
    ) -> Sequence[Any]:
        """Points (at, value, ...) of one attribute, oldest first."""

    def summary(
        self, ident: str, name: str, since: int | None = None, until: int | None = None, length: int = 0
    ) -> Sequence[Any]:
        """As `City.summary`."""


class Tables(Protocol):
    """Rows in files that stay as they are, each known by its SHA-256; ordered by entities of the type `Table`."""

    def ask(self, query: Mapping[str, Any], /) -> dict[str, Any]:
        """Rows of a table, or of two joined, filtered, grouped: docs/apps.md. BadRequest, NotFound, Busy."""

    def columns(self, sha256: str, /) -> list[dict[str, Any]]:
        """Its columns, as `Table.columns` has them. NotFound."""

    def file(self, sha256: str, form: str, /, name: str = "") -> "Answer":
        """It as a file: csv, parquet, geojson, json, xlsx. BadRequest, NotFound, TooLarge."""


class Asking(City, Protocol):
    """The city as acts, views and doors see it: somebody asks, and links can be made."""

    @property
    def public(self) -> Public:
        """The city as a stranger sees it, whoever asks."""

    @property
    def tables(self) -> Tables:
        """Tables that were made."""

    @property
    def by(self) -> str:
        """Who asks: the id of the Actor, such as `person:ada`; empty where nobody is known."""

    @property
    def roles(self) -> frozenset[str]:
        """What he is here."""

    @property
    def visitor(self) -> str:
        """What stands for his address for one day: to count by, it does not say who he is."""

    @property
    def origin(self) -> str:
        """The city's own address as he sees it, `https://city.example`, for links."""

    def token(self, text: str, /) -> str:
        """A capability for `text`, which only this city can make, and only this app reads: for a link."""

    def told_by(self, token: str, /) -> str | None:
        """What a capability of this app is for; None when it is none."""


Said = Iterable[Entity | Delete] | None
Rule = Callable[[Change, City], Said]
Round = Callable[[City], Said]
Only = Callable[[str, City], bool]


@dataclass(frozen=True, slots=True)
class File:
    """A file that somebody sent. Of a photograph, what else was in it, such as where it was taken, is gone.

    Of the `media` that an entity is said to have, those of these hashes are kept with it: `said()`.
    """

    name: str
    body: bytes = field(repr=False)
    kind: str
    sha256: str
    size: int
    width: int = 0
    height: int = 0

    def said(self) -> dict[str, Any]:
        """The member of `media` by which an entity has it."""
        names = ("sha256", "kind", "size", "name", *(("width", "height") if self.width else ()))
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Act:
    """Somebody does something: `said` with the `subject` (None when there is no such entity), `at` by the city's clock.

    `by` is the id of the Actor, `at` microseconds; `id` is empty when he named none.
    """

    id: str
    subject: Entity | None
    said: Mapping[str, Any]
    by: str
    roles: frozenset[str]
    assurance: int
    at: int
    session: str = ""
    visitor: str = ""
    origin: str = ""
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a view answers that is no JSON, and every door: a file, with its media type and the name to keep it under.

    `says` of a door's answer is committed, durably, before it leaves. Of a `file` of the city's own (`Tables.file`) the
    body is left empty.
    """

    body: bytes
    kind: str
    name: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    says: Sequence[Entity | Delete] = ()
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks of an app's own door. `path` has what stood for the names in its template.

    `headers` are in lower case, without what proves who somebody is. `form` is of a body of that kind, `files` the
    photographs in it.
    """

    method: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: int
    form: Mapping[str, str] = field(default_factory=dict)
    files: tuple[File, ...] = ()
    by: str = ""
    roles: frozenset[str] = frozenset()
    visitor: str = ""
    origin: str = ""


Does = Callable[[Act, Asking], Said]
Looks = Callable[[Mapping[str, str], Asking], Any]
Opens = Callable[[Asked, Asking], Answer]
_R = TypeVar("_R", bound=Rule)
_E = TypeVar("_E", bound=Round)
_D = TypeVar("_D", bound=Does)
_L = TypeVar("_L", bound=Looks)
_O = TypeVar("_O", bound=Opens)


@dataclass(frozen=True, slots=True)
class Handler:
    """A rule, and the Changes it wants: of this type, when one of these attributes changed and all are there."""

    rule: Rule
    type: str
    attributes: frozenset[str]
    gone: bool = False
    only: Only | None = None

    @property
    def name(self) -> str:
        """The rule's own name."""
        return getattr(self.rule, "__name__", "rule")


@dataclass(frozen=True, slots=True)
class Every:
    """A round, and how often it is made (microseconds of the city's clock)."""

    round: Round
    period: int

    @property
    def name(self) -> str:
        """The round's own name."""
        return getattr(self.round, "__name__", "round")


@dataclass(frozen=True, slots=True)
class Deed:
    """What people may do with entities of a type: who may, and what must be so before."""

    name: str
    does: Does
    type: str
    roles: frozenset[str]
    new: bool = False
    fresh: bool = False
    noted: bool = False
    key: Callable[[Mapping[str, Any]], str] | None = None
    public: bool = False
    files: int = 0
    kinds: tuple[str, ...] = ("photo",)


@dataclass(frozen=True, slots=True)
class View:
    """A question that an app answers from what it reads, and who may ask it."""

    name: str
    looks: Looks
    roles: frozenset[str]
    public: bool = False


@dataclass(frozen=True, slots=True)
class Door:
    """An address of an app's own: a method, the parts of its path, how much may be sent there."""

    method: str
    template: str
    opens: Opens
    most: int
    files: int


class App:
    """What an app declares: its name, its section of the report, what it reads and what it may write."""

    def __init__(
        self,
        name: str,
        *,
        report: str,
        reads: set[str] | None = None,
        writes: set[str] | None = None,
        realm: str = "open",
        leaves: Sequence[Mapping[str, Any]] = (),
        append_only: set[str] | None = None,
        keeps: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        """`reads` and `writes` are types; what is not declared cannot be written (invariant 4).

        `realm` is where it runs; `"*"`: in each, for itself.
        `leaves` says, word for word, what is to pass from one realm to another; two people allow it first.
        `append_only` are types of which it alone makes entities, and which nobody changes or deletes from then on,
        through whatever door; the audit log keeps the digest of each.
        `keeps` are types of which acts and apps alone write these attributes (none named: any of it, or delete it):
        what a rule believes because an act has weighed it, nobody says past the act.
        """
        self.name = name
        self.report = report
        self.reads = frozenset(reads or ())
        self.writes = frozenset(writes or ())
        self.realm = realm
        self.leaves = tuple(leaves)
        self.append_only = frozenset(append_only or ())
        self.keeps = {kind: frozenset(names) for kind, names in (keeps or {}).items()}
        self.handlers: list[Handler] = []
        self.rounds: list[Every] = []
        self.deeds: dict[str, Deed] = {}
        self.views: dict[str, View] = {}
        self.doors: list[Door] = []

    def runs_in(self, realm: str) -> bool:
        """Whether it is an app of this realm."""
        return self.realm in {realm, EVERY_REALM}

    def on(
        self,
        type: str,  # noqa: A002  # the standard's word
        *attributes: str,
        gone: bool = False,
        only: Only | None = None,
    ) -> Callable[[_R], _R]:
        """Call the rule when one of `attributes` (or anything, with none named) of a `type` changed, and all are said.

        `"*"` is every type. With `gone`, when an entity of the type is deleted, and only then. `only(type, city)` may
        say that the rule has nothing to do with a type at present: then such entities need not even be read.
        """

        def add(rule: _R) -> _R:
            self.handlers.append(Handler(rule, type, frozenset(attributes), gone, only))
            return rule

        return add

    def every(self, period: timedelta | float) -> Callable[[_E], _E]:
        """Call the round every so often (a timedelta, or seconds by the city's clock); a missed one runs once on start.

        HansaError when the period is not above zero.
        """
        seconds = period.total_seconds() if isinstance(period, timedelta) else period
        if seconds <= 0:
            raise HansaError(f"{self.name}: a round needs a period above zero")

        def add(round_: _E) -> _E:
            self.rounds.append(Every(round_, int(seconds * 1_000_000)))
            return round_

        return add

    def act(
        self,
        name: str,
        type: str,  # noqa: A002  # the standard's word
        *,
        roles: Iterable[str] = (),
        new: bool = False,
        fresh: bool = False,
        noted: bool = False,
        key: Callable[[Mapping[str, Any]], str] | None = None,
        public: bool = False,
        files: int = 0,
        kinds: Iterable[str] = ("photo",),
    ) -> Callable[[_D], _D]:
        """Let people of these roles (none: whoever may write what it returns) do this with an entity of a type.

        It is asked for at `POST /desk/<app>/<name>`; what it returns is one transaction in the person's name, which
        policy weighs. It is called anew when somebody else changed what it had read with `get`, so it must be pure.
        `new`: the entity need not exist, or be named. `fresh`: whoever does it shows again who he is. `noted`: the
        audit log has it before it happens. `key` says, where no id is named, which it will be about (or nothing):
        those who do the same at once wait in one line, for a crowd that begins anew each time would be unfair.
        `public`: anybody may, also somebody unknown, in the open realm; then the app reads with its own sight and
        writes in its own name, and answers for what it lets whom do. `files`: so many files may come with it, of these
        `kinds`: `photo`, `sheet` (CSV, XLSX), `paper` (PDF); from just anybody come photographs alone.
        HansaError when the app has an act or view of that name already.
        """
        wanted = tuple(kinds)
        if not set(wanted) <= {"photo", "sheet", "paper"} or (public and wanted != ("photo",)):
            raise HansaError(f"{self.name}: {name} wants files of no kind that it may have: {wanted}")

        def add(does: _D) -> _D:
            self._unused(name)
            self.deeds[name] = Deed(name, does, type, frozenset(roles), new, fresh, noted, key, public, files, wanted)
            return does

        return add

    def view(self, name: str, *, roles: Iterable[str] = (), public: bool = False) -> Callable[[_L], _L]:
        """Answer `GET /desk/<app>/<name>` for people of these roles (none: for everybody), with what the asker may see.

        `public`: for whoever asks, also somebody unknown, with what the app sees. What it returns is JSON, or an
        `Answer`. HansaError when the app has an act or view of that name already.
        """

        def add(looks: _L) -> _L:
            self._unused(name)
            self.views[name] = View(name, looks, frozenset(roles), public)
            return looks

        return add

    def door(self, method: str, template: str, *, most: int = 4_000_000, files: int = 0) -> Callable[[_O], _O]:
        """Answer at an address of the app's own, `/open311/v2/requests.{format}`: for protocols that are others'.

        A name is one part of the path, with a star at its end (`{rest*}`) all that follows, also nothing.
        Anybody may ask; the app reads with its own sight, and what its `Answer` says is written in its own name. A body
        has `most` bytes, a form up to `files` photographs. HansaError when the template is none.
        """
        parts = template.split("/")
        if len(parts) < 2 or parts[0] or not parts[1].isalnum() or template.count("{") != template.count("}"):
            raise HansaError(f"{self.name}: {template!r} is no address of a door")

        def add(opens: _O) -> _O:
            self.doors.append(Door(method, template, opens, most, files))
            return opens

        return add

    def _unused(self, name: str) -> None:
        if name in self.deeds or name in self.views:
            raise HansaError(f"{self.name}: there is a {name} already")

    def __repr__(self) -> str:
        """Short: its name."""
        return f"<App {self.name}>"


def append_only(apps: Iterable[App], realm: str) -> dict[str, str]:
    """The types of a realm to which one only appends, and the app that makes entities of each."""
    return {kind: app.name for app in apps if app.runs_in(realm) for kind in app.append_only}


def kept(apps: Iterable[App], realm: str) -> dict[str, frozenset[str]]:
    """What of a type acts and apps alone write in a realm; without names, all of it."""
    found: dict[str, frozenset[str]] = {"Table": frozenset()}  # who orders one decides with whose eyes it is made
    for app in apps:
        for kind, names in app.keeps.items() if app.runs_in(realm) else ():
            known = found.get(kind)
            found[kind] = names if known is None else names | known if names and known else frozenset()
    return found


@dataclass(frozen=True, slots=True)
class Off:
    """An app that is installed and cannot run, with the reason and the command that mends it."""

    name: str
    reason: str


def installed(only: Iterable[str] | None = None) -> tuple[list[App], list[Off]]:
    """The apps of this installation (all, or `only` those), and those that are off."""
    wanted = None if only is None else set(only)
    apps: list[App] = []
    off: list[Off] = []
    for point in sorted(entry_points(group="hansa.apps"), key=lambda p: p.name):
        if wanted is not None and point.name not in wanted:
            continue
        try:
            found = point.load()
        except ImportError as fault:
            off.append(Off(point.name, f"{fault}; turn it on with: pip install 'hansa[{point.name}]'"))
            continue
        except Exception as fault:  # noqa: BLE001  # a broken app must not stop the city
            off.append(Off(point.name, f"it fails to start: {fault}"))
            continue
        if isinstance(found, App):
            apps.append(found)
        else:
            off.append(Off(point.name, f"its entry point is a {type(found).__name__}, not an App"))
    if wanted is not None:
        missing = wanted - {app.name for app in apps} - {one.name for one in off}
        off.extend(Off(name, "it is not installed") for name in sorted(missing))
    return apps, off
