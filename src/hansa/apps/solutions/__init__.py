"""Solutions bank: what helped elsewhere, and here (report section 4.1.1, M12).

Projects and apps by theme, need, cost, effect on indicators with its evidence, licence: searched, exchanged between
cities (`/solutions/catalogue.jsonld`), moderated where they come from outside; an installed app is listed by itself,
with its measured effect. See README.md beside this file.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from hansa import Act, Answer, App, Asked, Asking
from hansa.apps.solutions import acting, views
from hansa.apps.solutions.acting import Said
from hansa.apps.solutions.words import DECIDERS, EDITORS, READERS

__all__ = ["app"]

_OURS: Final = {"Solution", "SolutionEdition", "SolutionImport"}

app = App(
    "solutions",
    report="4.1.1",
    reads=_OURS | {"KeyPerformanceIndicator"},
    writes=_OURS,
    keeps=dict.fromkeys(sorted(_OURS), ()),
)


# ---- What people do


@app.act("describe", "Solution", roles=EDITORS, new=True)
def describe(act: Act, city: Asking) -> Said:
    """Add an entry of this city, or say it anew; null says a member no longer."""
    return acting.described(act, city)


@app.act("withdraw", "Solution", roles=EDITORS)
def withdraw(act: Act, city: Asking) -> Said:
    """Offer an entry no longer: reason."""
    return acting.withdrawn(act, city)


@app.act("submit", "Solution", new=True, public=True)
def submit(act: Act, city: Asking) -> Said:
    """Hand in an entry from outside; it waits for a moderator."""
    return acting.submitted(act, city)


@app.act("moderate", "Solution", roles=DECIDERS, noted=True)
def moderate(act: Act, city: Asking) -> Said:
    """Decide about an entry from outside: decision (accept, reject), reason."""
    return acting.moderated(act, city)


@app.act("choose", "SolutionEdition", roles=DECIDERS, noted=True)
def choose(act: Act, city: Asking) -> Said:
    """Decide about another edition of what is here: decision (accept, reject), reason."""
    return acting.chosen(act, city)


@app.act("import", "SolutionImport", roles=EDITORS, new=True)
def import_(act: Act, city: Asking) -> Said:
    """Take in a document that another city exported: document."""
    return acting.imported(act, city)


@app.act("app", "Solution", roles=EDITORS, new=True)
def app_(act: Act, city: Asking) -> Said:
    """Say since when an installed app is here, and what it is to move: name, installedAt, indicators."""
    return acting.app_said(act, city)


# ---- What people ask


@app.view("search", roles=READERS)
def _search(asked: Mapping[str, str], city: Asking) -> Any:
    """Entries by `q`, theme, need, cost, indicator, evidence, licence, kind, status; limit, offset."""
    return views.search(asked, city)


@app.view("catalogue", public=True)
def _catalogue(asked: Mapping[str, str], city: Asking) -> Any:
    """The same for everybody, of what is listed."""
    return views.catalogue(asked, city)


@app.view("solution", roles=READERS)
def _solution(asked: Mapping[str, str], city: Asking) -> Any:
    """One entry (`id`), and the editions that wait."""
    return views.solution(asked, city)


@app.view("entry", public=True)
def _entry(asked: Mapping[str, str], city: Asking) -> Any:
    """One entry (`id`) as everybody sees it."""
    return views.one(asked, city)


@app.view("queue", roles=READERS)
def _queue(asked: Mapping[str, str], city: Asking) -> Any:
    """What waits for a moderator."""
    return views.queue(asked, city)


@app.view("imports", roles=READERS)
def _imports(asked: Mapping[str, str], city: Asking) -> Any:
    """What was imported, and what came of it."""
    return views.imports(asked, city)


@app.view("helps", roles=READERS)
def _helps(asked: Mapping[str, str], city: Asking) -> Any:
    """What would move an indicator: framework, code, point, direction (higher, lower)."""
    return views.helps(asked, city)


@app.door("GET", "/solutions/catalogue.jsonld")
def catalogue(asked: Asked, city: Asking) -> Answer:
    """The entries of this city for others: JSON-LD, narrowed by the parameters of a search."""
    told = views.exported(asked.query, city)
    headers = {"access-control-allow-origin": "*"}
    return Answer(msgspec.json.encode(told), "application/ld+json", "solutions.jsonld", headers=headers)
