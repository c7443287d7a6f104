"""The apps of a city at work: their rules in processes of their own, and what people do and ask through them."""

import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, Final

from hansa import app as apps
from hansa.analytics.acts import Acts
from hansa.analytics.desk import Desk
from hansa.analytics.doors import AppDoors, Visits
from hansa.analytics.link import RulesLink
from hansa.analytics.trials import Trials
from hansa.app import App
from hansa.errors import BadRequest
from hansa.model.entity import Entity
from hansa.serve.folder import store_key
from hansa.serve.media import MediaDoor
from hansa.trust.capability import Capabilities

if TYPE_CHECKING:
    from hansa.serve.running import Running

TRIED: Final = "hansa.apps.watch.trying:tried"
"""What `/desk/trials` does, in a process of its own."""


class Acting:
    """What apps do in every realm of a city that runs."""

    def __init__(self, running: "Running", origin: str, scheme: str) -> None:
        """Start the rules; `origin` is the city's own address as it was set, else it is what its caller names."""
        settings = running.settings
        self.apps, self.off = apps.installed(settings.enabled)
        self.capabilities = Capabilities(running.town.secret("links"))
        self.rules: list[RulesLink] = []
        self.desks: dict[str, Desk] = {}
        self.media: dict[str, MediaDoor] = {}
        self._given: dict[str, dict[str, Any]] = {
            app.name: {"timezone": settings.timezone, "city": settings.name, **settings.apps.get(app.name, {})}
            for app in self.apps
        }
        for realm in running.cities:
            self._rule(running, realm)
            acts = Acts(
                running.cities[realm],
                self.apps,
                self._given,
                note=running.audits.logs[realm].note,
                fresh=running.town.fresh,
                capabilities=self.capabilities,
            )
            running.stack.callback(acts.close)
            self.desks[realm] = Desk(acts, settings.limits, Visits(acts, origin, scheme))
            if any(app.name == "watch" for app in self.apps):
                self._try(running, realm)
            self.media[realm] = MediaDoor(running, realm, acts)
        self.tell("solutions", {"installed": [_listed(app) for app in self.apps]})
        open_ = self.desks["open"]
        self.doors = AppDoors(open_.acts, open_.visits, settings.limits)

    def _rule(self, running: "Running", realm: str) -> None:
        city, path = running.cities[realm], running.settings.data / f"{realm}.db"
        city.store.append_only = apps.append_only(self.apps, realm)
        city.store.keeps = apps.kept(self.apps, realm)
        if ours := [app for app in self.apps if app.runs_in(realm) and (app.handlers or app.rounds)]:
            key = store_key(path, running.keys)
            link = RulesLink(city, str(path), ours, self._given, key, asleep=realm != "open")
            self.rules.append(link)
            running.stack.callback(link.stop)

    def _try(self, running: "Running", realm: str) -> None:
        path = running.settings.data / f"{realm}.db"
        trials = Trials(running.cities[realm], path, TRIED, self._given["watch"], store_key(path, running.keys))
        self.desks[realm].doors["trials"] = trials.handle
        running.stack.push_async_callback(trials.aclose)

    def tell(self, app: str, said: Mapping[str, Any]) -> None:
        """Settings that are the machine's own: for acts, views and doors of an app, not for its rules."""
        self._given.setdefault(app, {}).update(said)

    @property
    def behind(self) -> int:
        """Changes that the slowest app has not seen."""
        return max((one.behind for one in self.rules), default=0)

    async def again(self, letter: Entity) -> str:
        """Give a Change that was put aside to its app once more. BadRequest of a round."""
        detail = letter["detail"]
        if not detail.get("seq"):
            raise BadRequest("a round is not tried again: the next one comes by itself")
        for link in self.rules:
            link.again(letter["source"], int(detail["seq"]))
        return "given to the rules again"


def _listed(app: App) -> dict[str, str]:
    """An app as the solutions bank lists it: what it says of itself first."""
    module = next((point.module for point in entry_points(group="hansa.apps", name=app.name)), "")
    said = cleandoc(getattr(sys.modules.get(module), "__doc__", None) or "").partition("\n\n")[0]
    ours = module.startswith("hansa.apps.")
    about = {"name": app.name, "report": app.report, "says": " ".join(said.split())}
    return about | ({"licence": "Apache-2.0"} if ours else {})
