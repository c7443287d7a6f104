"""The city in figures: the published card of indicators, as residents read it, and how each number came about.

    /{language}/city                        the newest published card, and which others there are
    /{language}/city/{framework}            one of them; `?period=`
    /{language}/city/{framework}/{code}     one number: its course, its target, other cities, how it is made, from what

What is shown comes from the public views of the scorecard, which read what the city has published and no more. Names of
indicators are their framework's, in English; the pages mark them so.
"""

from collections.abc import Mapping
from typing import Any, Final

from hansa.centres.catalogue import Catalogue
from hansa.centres.public import Page, Told, Visiting
from hansa.errors import NotFound

_APP: Final = "scorecard"
_DIGITS: Final = 6  # significant ones of a value
_FILES: Final = (("pdf", "PDF"), ("csv", "CSV"), ("jsonld", "JSON-LD"))
_STATUS: Final = ("verified", "reported", "not reported", "not applicable")


async def city(visit: Visiting) -> Page:
    """The card, or one number of it."""
    if len(visit.path) > 3:
        raise NotFound("there is no such page")
    if len(visit.path) == 3:
        return await _number(visit, visit.path[1], visit.path[2])
    listed = await visit.perhaps(_APP, "public_cards")
    cards = [] if listed is None else listed["cards"] or []
    framework = visit.path[1] if len(visit.path) == 2 else (cards[0]["id"] if cards else "")
    if not framework:
        return Page("city", "city", "city.title", {"told": None, "down": listed is None}, keep=True)
    asked = {"framework": framework, "period": visit.query["period"]}
    told = await visit.ask(_APP, "public_card", **asked)
    card = told["card"]
    path = f"city/{framework}"
    shown = {
        "down": False,
        "told": told,
        "card": card,
        "cards": cards,
        "files": [(word, f"/kpi/{framework}.{form}?period={card['period']}") for form, word in _FILES],
        "periods": [(one, f"{visit.to(path)}?period={one}", one == card["period"]) for one in told["periods"]],
        "lines": {one["code"]: one for one in card["indicators"]},
        "at": lambda code: f"{visit.to(f'{path}/{code}')}?period={card['period']}",
        "course": _course(card, told["trends"] or []),
    }
    return Page("city", "city", "city.title", shown | _said(visit.words), keep=True)


async def _number(visit: Visiting, framework: str, code: str) -> Page:
    asked = {"framework": framework, "code": code, "period": visit.query["period"]}
    told = await visit.ask(_APP, "public_method", **asked)
    account = told["account"]
    shown = {
        "told": told,
        "one": account,
        "line": told["line"],
        "years": [_years(it) for it in told["courses"]],
        "back": f"{visit.to(f'city/{framework}')}?period={told['period']}",
        "recalled": sorted(name for name, how in (account["said"] or {}).items() if how == "recalled"),
        "read": sorted(name for name, how in (account["said"] or {}).items() if how == "read"),
    }
    return Page("city", "city-number", "", shown | _said(visit.words), keep=True)


def _said(words: Catalogue) -> dict[str, Any]:
    """How values, percents and states are written in the language of the page."""
    return {
        "figure": lambda value: figure(words, value),
        "percent": lambda value: "–" if value is None else f"{words.number(value, 1)}\N{NO-BREAK SPACE}%",
        "state": lambda status: words.code("kpi", str(status if status in _STATUS else _STATUS[2]).replace(" ", "-")),
        "unit_of": lambda unit: "" if unit in {"", "1", None} else unit,
    }


def figure(words: Catalogue, value: float | None) -> str:
    """A number with the decimals that it has, six significant digits at most."""
    if value is None:
        return "–"
    rounded = float(f"{value:.{_DIGITS}g}") if abs(value) < 10**_DIGITS else float(round(value))
    digits = next((n for n in range(10) if round(rounded, n) == rounded), 10)
    return words.number(rounded, digits)


def _course(card: Told, trends: list[Told]) -> list[Mapping[str, Any]]:
    """Percent of the whole and of each dimension by period, with how many data points that is of."""
    named = [("", None), *((one["name"], one["name"]) for one in card["nodes"])]
    return [
        {
            "name": name,
            "cells": [it["nodes"][key or ""] or Told(percent=None, scored=0) for it in trends],
        }
        for key, name in named
        if len(trends) > 1
    ]


def _years(it: Told) -> list[dict[str, Any]]:
    """A course as lines of a table: what was measured, then what is projected."""
    was = [{"year": one["year"], "value": one["value"], "how": "", "low": None, "high": None} for one in it["values"]]
    will = [
        {"year": one["year"], "value": one["value"], "how": kind["kind"], "low": one["low"], "high": one["high"]}
        for kind in it["ahead"]
        for one in kind["points"]
    ]
    return was + will
