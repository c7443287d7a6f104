"""The advisory check says that nothing is known only when a server that knows things said so, of every package."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from lint.advisories import CANARY, Asked, CouldNotLook, look

from lint import advisories

ASKED = [Asked("PyPI", "jinja2", "3.1.6"), Asked("PyPI", "segno", "1.6.6"), Asked("npm", "uplot", "1.6.32")]
Says = Callable[[list[dict[str, Any]]], "tuple[int, bytes] | None"]


def knowing(**more: list[str]) -> Says:
    """A server as it should be: it knows of the canary, and of what is given by name."""

    def says(queries: list[dict[str, Any]]) -> tuple[int, bytes]:
        return 200, json.dumps({"results": [answer(one, more) for one in queries]}).encode()

    return says


def answer(query: dict[str, Any], more: dict[str, list[str]]) -> dict[str, Any]:
    name = query["package"]["name"]
    ids = more.get(name, []) if query["version"] != CANARY.version else ["GHSA-canary"]
    return {"vulns": [{"id": one} for one in ids]} if ids else {}


@pytest.fixture
def osv() -> Iterator[Callable[[Says], str]]:
    """Start a server that says something; its URL."""
    servers: list[ThreadingHTTPServer] = []

    def start(says: Says) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                assert self.path == "/v1/querybatch"
                said = says(body["queries"])
                if said is None:  # it hangs up
                    self.close_connection = True
                    return
                self.send_response(said[0])
                self.send_header("content-length", str(len(said[1])))
                if said[0] == 302:
                    self.send_header("location", "/elsewhere")
                self.end_headers()
                self.wfile.write(said[1])

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_server_that_knows_things_and_nothing_of_ours_is_believed(osv: Callable[[Says], str]) -> None:
    assert look(ASKED, osv(knowing())) == {one: set() for one in ASKED}


def test_what_is_known_is_said_by_its_package(osv: Callable[[Says], str]) -> None:
    known = look(ASKED, osv(knowing(uplot=["GHSA-1", "CVE-2"])))
    assert known[ASKED[2]] == {"GHSA-1", "CVE-2"}
    assert known[ASKED[0]] == set()


def test_an_answer_in_pages_is_read_to_its_end(osv: Callable[[Says], str]) -> None:
    def says(queries: list[dict[str, Any]]) -> tuple[int, bytes]:
        results = []
        for one in queries:
            found = answer(one, {})
            if one["package"]["name"] == "segno":
                at = int(one.get("page_token", "0"))
                found = {"vulns": [{"id": f"V-{at}"}], **({"next_page_token": str(at + 1)} if at < 3 else {})}
            results.append(found)
        return 200, json.dumps({"results": results}).encode()

    assert look(ASKED, osv(says))[ASKED[1]] == {"V-0", "V-1", "V-2", "V-3"}


def results(*found: Any) -> Says:
    return lambda _queries: (200, json.dumps({"results": list(found)}).encode())


CANARY_SAID = {"vulns": [{"id": "GHSA-canary"}]}
FAILURES: dict[str, Says] = {
    "it knows nothing, not even of the canary": results({}, {}, {}, {}),
    "one is left out": results({}, {}, CANARY_SAID),
    "one is null": results({}, None, {}, CANARY_SAID),
    "one says that it was skipped": results({}, {"skipped": "unknown version"}, {}, CANARY_SAID),
    "one says something without an id": results({}, {"vulns": [{}]}, {}, CANARY_SAID),
    "its list is none": results({}, {"vulns": "none"}, {}, CANARY_SAID),
    "pages without end": lambda queries: (
        200,
        json.dumps({"results": [{"next_page_token": "x"}] * len(queries)}).encode(),
    ),
    "no results": lambda _: (200, b"{}"),
    "a list": lambda _: (200, b"[]"),
    "no JSON": lambda _: (200, b"<html>sign in to this network</html>"),
    "cut": lambda _: (200, b'{"results": [{}, {}'),
    "an error": lambda _: (500, b"{}"),
    "too many questions": lambda _: (429, b"{}"),
    "not there": lambda _: (404, b"{}"),
    "another success": lambda _: (204, b""),
    "a redirect": lambda _: (302, b""),
    "it hangs up": lambda _: None,
}


@pytest.mark.parametrize("says", FAILURES.values(), ids=FAILURES)
def test_an_answer_that_is_not_whole_is_a_failure(
    osv: Callable[[Says], str], says: Says, capsys: pytest.CaptureFixture[str]
) -> None:
    url = osv(says)
    with pytest.raises(CouldNotLook):
        look(ASKED, url)
    assert advisories.main(["--server", url]) == 2
    said = capsys.readouterr()
    assert "could not look" in said.err
    assert "no weakness" not in said.out


def test_a_server_that_does_not_answer_in_time_is_a_failure(osv: Callable[[Says], str]) -> None:
    asked = threading.Event()

    def says(_queries: list[dict[str, Any]]) -> None:
        asked.wait(5)

    try:
        with pytest.raises(CouldNotLook, match="timed out"):
            look(ASKED, osv(says), 0.2)
    finally:
        asked.set()


def test_nobody_there_and_nothing_to_ask_and_a_canary_that_ships_are_failures(osv: Callable[[Says], str]) -> None:
    with pytest.raises(CouldNotLook):
        look(ASKED, "http://127.0.0.1:9")
    with pytest.raises(CouldNotLook, match="only https"):
        look(ASKED, "http://osv.example")
    with pytest.raises(CouldNotLook, match="nothing to ask"):
        look([], osv(knowing()))
    with pytest.raises(CouldNotLook, match="canary"):
        look([CANARY], osv(knowing()))


def test_every_package_of_the_lock_and_of_the_page_is_asked_about(
    osv: Callable[[Says], str], capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []

    def says(queries: list[dict[str, Any]]) -> tuple[int, bytes]:
        seen.extend(f"{one['package']['ecosystem']} {one['package']['name']}" for one in queries)
        return 200, json.dumps({"results": [answer(one, {}) for one in queries]}).encode()

    assert advisories.main(["--server", osv(says)]) == 0
    assert {"PyPI cryptography", "PyPI jinja2", "PyPI uvicorn", "npm maplibre-gl", "npm uplot"} <= set(seen)
    assert len(seen) > 50
    assert "no weakness is known" in capsys.readouterr().out


def test_a_weakness_fails_unless_it_is_accepted_with_a_reason_and_until_its_last_day(
    osv: Callable[[Says], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = osv(knowing(uplot=["GHSA-1"]))
    said = tmp_path / "advisories.toml"
    monkeypatch.setattr(advisories, "ACCEPTED", said)
    assert advisories.main(["--server", url]) == 1
    assert "uplot 1.6.32: GHSA-1" in capsys.readouterr().err
    said.write_text('[accepted.GHSA-1]\nwhy = "no chart is fed by strangers"\nuntil = 9000-01-01\n')
    assert advisories.main(["--server", url]) == 0
    assert advisories.accepted(date(9000, 1, 2)) == set()
    said.write_text("[accepted.GHSA-1]\nuntil = 9000-01-01\n")
    assert advisories.main(["--server", url]) == 2
    said.write_text(
        '[accepted.GHSA-1]\nwhy = "a"\nuntil = 9000-01-01\n[accepted.GHSA-2]\nwhy = "a"\nuntil = 9000-01-01\n'
    )
    assert advisories.main(["--server", url]) == 1  # nobody says anything of the second
