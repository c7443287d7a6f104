"""Addresses of published cards that stay: `/kpi/u4ssc.csv`, `.jsonld`, `.pdf`, each with `?period=2025`."""

from typing import Final

from hansa import Answer, Asked, Asking, NotFound
from hansa.apps.scorecard import nouns, views_card
from hansa.apps.scorecard.made import app

FORMS: Final = ("csv", "jsonld", "pdf")


@app.door("GET", "/kpi/{framework}.{form}")
def published(asked: Asked, city: Asking) -> Answer:
    """The published card of a framework as a file; the last period, unless one is said. NotFound."""
    form = asked.path["form"]
    if form not in FORMS:
        raise NotFound(f"a card is had as {', '.join(FORMS)}", where="path")
    said = {"framework": asked.path["framework"], "period": asked.query.get("period", "")}
    framework, rows, period = views_card.public_asked(said, city)
    name = str(city.setting("city") or "")
    foot = f"{asked.origin}/kpi/{framework.id}.pdf"
    others = views_card.public_others(city, framework)
    return views_card.filed(framework, rows, period, nouns.WHOLE, form, name, foot=foot, public=True, others=others)
