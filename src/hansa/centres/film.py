"""A film of the past as one page that needs nothing else: data, script and style are in it; no address leads out."""

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hansa.trust.labels import AUDITED

_SCRIPTS: Final = ("record.js", "line.js", "film.js")
"""In the order in which they stand; the first two are modules of the page /rewind too."""
_MODULE: Final = re.compile(r"^import .*$|^export ", re.MULTILINE)


def _part(name: str) -> str:
    return files(__package__).joinpath("static", "past", name).read_text("utf-8")


@cache
def _script() -> str:
    """The modules as one script that imports nothing: from a file, a browser would load none."""
    return "(() => {\n" + "".join(_MODULE.sub("", _part(name)) for name in _SCRIPTS) + "})();\n"


@cache
def _page() -> Environment:
    return Environment(loader=PackageLoader(__package__), autoescape=True, undefined=StrictUndefined)


def film(told: Mapping[str, Any]) -> bytes:
    """The page of what was told of a part of the past (`analytics.rewind_door`)."""
    style, script = _part("film.css"), _script()
    kinds = sorted({label.partition(";")[0] for label in told["labels"]} & AUDITED)
    # Nothing in the data may end the element that it stands in, whoever said it.
    data = (
        orjson.dumps(told)
        .replace(b"<", b"\\u003c")
        .replace(b"\xe2\x80\xa8", b"\\u2028")
        .replace(b"\xe2\x80\xa9", b"\\u2029")
    )
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    page = (
        _page()
        .get_template("film.html")
        .render(
            told=told,
            kinds=kinds,
            policy=policy,
            # Ours, and JSON in which nothing can end its element.
            style=Markup(style),  # noqa: S704  # nosec B704  # our own files
            script=Markup(script),  # noqa: S704  # nosec B704  # our own files
            data=Markup(data.decode()),  # noqa: S704  # nosec B704  # see above
        )
    )
    return page.encode()


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
