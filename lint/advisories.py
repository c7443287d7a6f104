"""Known weaknesses of what ships, asked of OSV (osv.dev).

    python -m lint.advisories [--server URL] [--lock FILE ...]

It says "none known" only when it was told so: for every package, by a server that knows of weaknesses. A package of
which weaknesses are known since long (the canary) is asked about with the others, and must come back with them; an
answer that is late, short, cut, of another form, or without the canary is a failure to look (2), which is no better
than a weakness (1). What is accepted for a while stands in `advisories.toml`, with the reason and its last day.
"""

import argparse
import json
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from lint.shipped import LOCK, ROOT, Unlocked, locked, vendored

SERVER: Final = "https://api.osv.dev"
ACCEPTED: Final = ROOT / "lint" / "advisories.toml"
TIMEOUT_S: Final = 20.0
PAGES: Final = 20  # of one package; more is no answer
LARGEST: Final = 20_000_000  # bytes of an answer
ECOSYSTEMS: Final = {"pypi": "PyPI", "npm": "npm"}


class CouldNotLook(Exception):
    """The server did not say all that was asked: why."""


@dataclass(frozen=True, order=True)
class Asked:
    """A package and its version."""

    ecosystem: str
    name: str
    version: str


# Escapes of its templates' sandbox, published in 2016 and since; every server that knows weaknesses knows of these.
CANARY: Final = Asked("PyPI", "jinja2", "2.4.1")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """A redirect is no answer."""


def main(words: Sequence[str]) -> int:
    """Ask, and say what is known."""
    said = argparse.ArgumentParser(prog="lint.advisories")
    said.add_argument("--server", default=SERVER)
    said.add_argument("--lock", action="append", type=Path)
    said.add_argument("--timeout", type=float, default=TIMEOUT_S)
    given = said.parse_args(words)
    try:
        asked = sorted({one for lock in given.lock or [LOCK] for one in _of(lock)} | set(_vendored()))
        known = look(asked, given.server, given.timeout)
        until = accepted(datetime.now(UTC).date())
    except (CouldNotLook, Unlocked, OSError) as fault:
        sys.stderr.write(f"could not look, so nothing is known: {fault}\n")
        return 2
    open_ = {one: sorted(ids - until) for one, ids in known.items()}
    for one, ids in open_.items():
        for name in ids:
            sys.stderr.write(f"{one.name} {one.version}: {name}\n")
    stale = sorted(until - set().union(*known.values(), set()))
    for name in stale:
        sys.stderr.write(f"lint/advisories.toml accepts {name}, of which nobody says anything any more\n")
    if any(open_.values()) or stale:
        return 1
    sys.stdout.write(f"{len(asked)} packages: no weakness is known that is not accepted\n")
    return 0


def look(asked: Sequence[Asked], server: str = SERVER, timeout_s: float = TIMEOUT_S) -> dict[Asked, set[str]]:
    """The ids of what is known of each package. Raises CouldNotLook unless the server spoke of every one of them."""
    if not asked:
        raise CouldNotLook("there is nothing to ask about: no package was found in the lock")
    if CANARY in asked:
        raise CouldNotLook(f"{CANARY.name} {CANARY.version} is the canary: nobody ships it")
    known: dict[Asked, set[str]] = {one: set() for one in (*asked, CANARY)}
    waiting = [(one, "") for one in known]
    for _ in range(PAGES):
        if not waiting:
            break
        queries = [_query(one, page) for one, page in waiting]
        results = _ask(f"{server}/v1/querybatch", {"queries": queries}, timeout_s).get("results")
        if not isinstance(results, list) or len(results) != len(queries):
            raise CouldNotLook(f"{len(queries)} packages were asked about, and not as many answered")
        more = []
        for (one, _page), result in zip(waiting, results, strict=True):
            ids, page = _read(one, result)
            known[one] |= ids
            if page:
                more.append((one, page))
        waiting = more
    if waiting:
        raise CouldNotLook("the server never came to an end")
    if not known.pop(CANARY):
        raise CouldNotLook(f"the server knows nothing of {CANARY.name} {CANARY.version}: it knows nothing")
    return known


def accepted(today: date) -> set[str]:
    """What is accepted on a day; what is over counts no more. Raises CouldNotLook: a reason or last day is missing."""
    said = tomllib.loads(ACCEPTED.read_text("utf-8")) if ACCEPTED.exists() else {}
    found = set()
    for name, one in said.get("accepted", {}).items():
        if not str(one.get("why", "")).strip() or not isinstance(one.get("until"), date):
            raise CouldNotLook(f"lint/advisories.toml: {name} needs a reason and a last day")
        if one["until"] >= today:
            found.add(name)
    return found


def _query(one: Asked, page: str) -> dict[str, Any]:
    query = {"package": {"ecosystem": one.ecosystem, "name": one.name}, "version": one.version}
    return {**query, "page_token": page} if page else query


def _read(one: Asked, result: Any) -> tuple[set[str], str]:
    if not isinstance(result, dict) or set(result) - {"vulns", "next_page_token"}:
        raise CouldNotLook(f"what was said of {one.name} is of another form")
    vulns, page = result.get("vulns", []), result.get("next_page_token") or ""
    if not isinstance(vulns, list) or not isinstance(page, str):
        raise CouldNotLook(f"what was said of {one.name} is of another form")
    ids = {vuln.get("id") if isinstance(vuln, dict) else None for vuln in vulns}
    if not all(isinstance(name, str) and name for name in ids):
        raise CouldNotLook(f"something is known of {one.name}, and not said what")
    return {str(name) for name in ids}, page


def _ask(url: str, body: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}):
        raise CouldNotLook(f"{parts.scheme}: only https is asked")
    request = urllib.request.Request(  # noqa: S310 - looked at above
        url, json.dumps(body).encode(), {"content-type": "application/json", "accept": "application/json"}
    )
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=timeout_s) as answer:
            content = answer.read(LARGEST + 1)
            if answer.status != 200:
                raise CouldNotLook(f"the server said {answer.status}")
    except urllib.error.HTTPError as fault:
        raise CouldNotLook(f"the server said {fault.code}") from fault
    except (OSError, ValueError, HTTPException) as fault:
        raise CouldNotLook(str(fault) or type(fault).__name__) from fault
    if len(content) > LARGEST:
        raise CouldNotLook("the answer is too long to be one")
    try:
        found = json.loads(content)
    except ValueError as fault:
        raise CouldNotLook(f"the answer is no JSON: {fault}") from fault
    if not isinstance(found, dict):
        raise CouldNotLook("the answer is of another form")
    return found


def _of(lock: Path) -> list[Asked]:
    return [Asked("PyPI", one.name, one.version) for one in locked(lock.read_text("utf-8"))]


def _vendored() -> list[Asked]:
    return [Asked(ECOSYSTEMS[one.kind], one.name, one.version) for one in vendored()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
