"""A store whose log is made by hand, a second a commit, and its past as it can be asked for."""

from hansa import clock
from hansa.model.change import Write
from hansa.platform.sqlite import SqliteStore
from hansa.platform.sqlite.mark_check import check_marks
from hansa.platform.sqlite.marking import Marker
from hansa.platform.sqlite.marks import Marks
from hansa.platform.sqlite.schema import connect
from hansa.platform.sqlite.then import Then
from hansa.platform.store import Item

BEGIN = clock.parse("2026-04-01T00:00:00Z")
LATER = BEGIN + 3_600 * clock.SECOND


class Told:
    """A store, its marks, and readers of its past that end with it."""

    def __init__(self, folder, realm="open", key=None):
        self.path, self.marks, self.realm, self.key = folder / f"{realm}.db", folder / f"rewind-{realm}.db", realm, key
        self.store = SqliteStore(self.path, realm, key=key)
        self.at = BEGIN
        self.readers = []

    def say(self, *writes, actor="device:d", at=None, step=1):
        self.at = self.at + step * clock.SECOND if at is None else at
        return self.store.commit([Item(writes, actor)], self.at)[0]

    def mark(self, every=5, now=LATER * 2):
        db = connect(self.path, self.key)
        marks = Marks(self.marks, self.key, write=True)
        marker = Marker(db, marks, self.realm, every)
        marker.sound()
        made = 0
        while marker.step(now) is not None:
            made += 1
        marks.close()
        db.close()
        return made

    def then(self, **how):
        self.readers.append(Then(self.path, self.marks, self.realm, self.key, self.key, **how))
        return self.readers[-1]

    def faults(self):
        db = connect(self.path, self.key)
        found = list(check_marks(db, self.marks, self.realm, self.key))
        db.close()
        return found

    def close(self):
        for one in self.readers:
            one.close()
        self.store.close()


def prop(value, **more):
    return {"type": "Property", "value": value, **more}


def point(x, y):
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [x, y]}}


def reading(ident, value, kind="WeatherObserved", **more):
    return Write("upsert_update", ident, {"id": ident, "type": kind, "t": prop(value), **more})


def second(n):
    """The instant `n` seconds after the log began."""
    return BEGIN + int(n * clock.SECOND)
