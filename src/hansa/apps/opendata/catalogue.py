"""What the city says of its catalogue as a whole: its title, who publishes it, whom to ask. From the app's settings.

[app.opendata]
title = "Open data of the valley"          description = "..."
publisher = {name = "Valley", type = "LocalAuthority", uri = "https://valley.example/"}
contact = {name = "Open data desk", email = "data@valley.example"}
licence = "CC_BY_4_0"       language = "en"       k = 5
"""

from collections.abc import Mapping
from typing import Any

from hansa import City
from hansa.apps.opendata import texts
from hansa.apps.opendata.dcat import Told
from hansa.apps.opendata.published import published

_TITLES = {
    "en": "Open data",
    "fr": "Données ouvertes",
    "es": "Datos abiertos",
    "ar": "البيانات المفتوحة",
    "ja": "オープンデータ",
}
_DESCRIPTIONS = {
    "en": "What the city gives to everybody: figures, places and series, each with its licence",
    "fr": "Ce que la ville donne à tous : chiffres, lieux et séries, chacun avec sa licence",
    "es": "Lo que la ciudad da a todos: cifras, lugares y series, cada uno con su licencia",
    "ar": "ما تقدمه المدينة للجميع: أرقام وأماكن وسلاسل زمنية، لكل منها رخصته",
    "ja": "市がすべての人に提供するもの：数値、場所、時系列。それぞれにライセンスがあります",
}


def told(city: City) -> Told:
    """The catalogue in its own words."""
    known = published(city)
    boxes = [one.bbox for one in known if one.bbox]
    box = None
    if boxes:
        west, south, east, north = zip(*boxes, strict=True)
        box = min(west), min(south), max(east), max(north)
    publisher = city.setting("publisher")
    name = str(city.setting("city") or "")
    contact = city.setting("contact")
    return Told(
        _worded(city.setting("title"), _TITLES),
        _worded(city.setting("description"), _DESCRIPTIONS),
        publisher if isinstance(publisher, Mapping) else {"name": {"en": str(publisher or name or "The city")}},
        tuple(sorted({tag.partition("-")[0] for one in known for tag in one.title} or {"en"})),
        str(city.setting("licence") or "CC_BY_4_0"),
        min((one.issued for one in known if one.issued), default=""),
        max((one.modified for one in known if one.modified), default=""),
        name,
        box,
        {str(key): str(value) for key, value in contact.items()} if isinstance(contact, Mapping) else {},
    )


def _worded(said: Any, otherwise: Mapping[str, str]) -> Mapping[str, str]:
    if isinstance(said, Mapping) and said:
        return {str(tag): str(text) for tag, text in said.items() if texts.TAG.match(str(tag))}
    return {"en": said} if isinstance(said, str) and said else otherwise
