"""The past of a running city: of each realm its marks, its door, and what was on screen."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack

from hansa.analytics.rewind_door import RewindDoor
from hansa.analytics.rewinding import Rewinding
from hansa.centres.film import film
from hansa.platform.city import City
from hansa.platform.http import Request, Response
from hansa.platform.screens import FILE, Screens
from hansa.serve.audits import Audits
from hansa.serve.folder import store_key
from hansa.serve.keys import Keys
from hansa.settings import Settings

Handle = Callable[[Request], Awaitable[Response]]


class Rewinds:
    """What looks back, in every realm."""

    def __init__(self, settings: Settings, cities: Mapping[str, City], keys: Keys, audits: Audits) -> None:
        """Open what was on screen; nothing runs until `start`."""
        path = settings.data / FILE
        kept = settings.screens or path.exists()
        self.screens = Screens(path, keys.seal(path) if kept else None, settings.screens, settings.limits)
        self.pasts: dict[str, Rewinding] = {}
        self._doors: dict[str, RewindDoor] = {}
        for realm, city in cities.items():
            store = settings.data / f"{realm}.db"
            marks = settings.data / f"rewind-{realm}.db"
            key = store_key(store, keys)
            # Marks hold the state of the realm: they are sealed where it is.
            past = Rewinding(city, store, marks, key, None if key is None else keys.of(marks))
            self.pasts[realm] = past
            self._doors[realm] = RewindDoor(past, city, self.screens, film, audits.logs[realm].note, settings.name)

    def doors(self, realm: str) -> dict[str, Handle]:
        """What answers below `/desk`, by its first word."""
        handle = self._doors[realm].handle
        return {"rewind": handle, "screens": handle}

    def start(self, stack: AsyncExitStack) -> None:
        """Have the past marked from now on, until the stack is closed."""
        stack.callback(self.screens.close)
        for past in self.pasts.values():
            past.start()
            stack.push_async_callback(past.aclose)
