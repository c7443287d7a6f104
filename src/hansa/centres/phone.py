"""What makes the public site an app on a phone: its manifest, and the worker that keeps it when the line is down.

The worker is `static/public/worker.js` with, before it, what it needs to know: the mark of the files and which of them
the pages need. It changes whenever any file does, so browsers fetch the new one by themselves.
Source: W3C Web Application Manifest; Service Workers.
"""

from typing import Any, Final

import orjson

from hansa.centres.catalogue import LANGUAGES, Catalogue, catalogue
from hansa.centres.files import Files

_ENTRIES: Final = ("public/public.js", "public/place.js", "public/report.js", "public/map.js", "public/push.js")
_SHELL: Final = ("before.js", "hansa.css", "public/public.css", "icon.svg", "public/icon-192.png")
_PAGES: Final = ("", "report", "offline")
"""What of each language is kept before anybody asks for it: where one starts, what one does without a line."""


def worker(held: Files) -> bytes:
    """The script of the worker."""
    modules = {name: None for entry in _ENTRIES for name in held.modules(entry)}
    words = {
        one: {key[7:]: said for key, said in catalogue(one).words.items() if key.startswith("worker.")}
        for one in LANGUAGES
    }
    knows: dict[str, Any] = {
        "mark": held.mark,
        "languages": LANGUAGES,
        "files": [held.address(name) for name in (*_SHELL, *modules)],
        "pages": _PAGES,
        "icon": held.address("public/icon-192.png"),
        "badge": held.address("public/badge-96.png"),
        "words": words,
    }
    return b"const KNOWS = " + orjson.dumps(knows) + b";\n" + held.body("public/worker.js")


def manifest(words: Catalogue, city: str, held: Files) -> bytes:
    """The manifest of one language."""
    language = words.language

    def icon(name: str, size: int, purpose: str) -> dict[str, str]:
        return {"src": held.address(name), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}

    said = {
        "id": "/",
        "name": city,
        "short_name": city[:12],
        "description": words.say("site.about", city=city),
        "lang": language,
        "dir": words.direction,
        "start_url": f"/{language}/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#fafbf9",
        "theme_color": "#0d2b3a",
        "icons": [
            icon("public/icon-192.png", 192, "any"),
            icon("public/icon-512.png", 512, "any"),
            icon("public/icon-mask-512.png", 512, "maskable"),
        ],
        "shortcuts": [
            {"name": words.say(key), "url": f"/{language}/{path}"}
            for path, key in (("report", "home.report"), ("warnings", "warnings.title"))
        ],
    }
    return orjson.dumps(said)
