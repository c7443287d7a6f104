"""Sends that are dropped, gateways that lie, kill -9 twice: each recipient confirms, or a human has him.

HANSA_RECIPIENTS=10000 asks for the size of the issue. Nobody is warned twice as new, and the board agrees with what the
sinks themselves counted.
"""

import logging
import os
import random
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from served import KNOWN
from signed_in import SignedIn

log = logging.getLogger(__name__)
RECIPIENTS = int(os.environ.get("HANSA_RECIPIENTS", "60"))
KILLS = 2
PARTS = 4  # threads of people
DROPPED = 0.3
LINK = re.compile(r"/w/([\w-]+)")
AREA = {"type": "Polygon", "coordinates": [[[17.0, 48.0], [17.2, 48.0], [17.2, 48.2], [17.0, 48.2], [17.0, 48.0]]]}


class Gateway:
    """Two gateways for text messages and webhooks in one: both drop, the one for text messages lies besides.

    What it delivers it counts, with whether the message said that it comes again; whoever reads it may answer.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.seen: dict[str, list[tuple[str, bool]]] = defaultdict(list)
        self.counts: Counter[str] = Counter()
        self.tokens: dict[str, str] = {}
        self.rng = random.Random(7)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                answer = outer.take(self.path, body)
                if answer is None:
                    self.close_connection = True  # dropped: no answer at all
                    self.connection.close()
                    return
                self.send_response(200)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                """Nothing: a test's output is its own."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path: str, body: bytes) -> bytes | None:
        said = orjson.loads(body)
        with self.lock:
            if self.rng.random() < DROPPED:
                self.counts["dropped"] += 1
                return None
            who = str(said.get("to") or path)
            lies = path == "/sms" and int(re.sub(r"\D", "", who)) % 3 == 0
            if lies:
                self.counts["lies"] += 1
                return b'{"id": "1"}'
            text = body.decode()
            found = LINK.search(text)
            again = said.get("again") is True or str(said.get("text", "")).startswith("Again: ")
            if found is not None:
                self.seen[found[1]].append((path, again))
            self.counts["delivered"] += 1
            return b'{"id": "1"}'

    def answers(self, url: Callable[[], str], stop: threading.Event, part: int) -> None:
        """People, a part of them: three of four tap the link."""
        done: set[str] = set()
        with httpx.Client(verify=KNOWN, trust_env=False, timeout=10) as client:
            while not stop.is_set():
                with self.lock:
                    todo = [one for one in self.seen if one not in done and hash(one) % PARTS == part]
                for token in todo:
                    if stop.is_set():
                        return
                    if sum(map(ord, token)) % 4 == 0:
                        done.add(token)  # he reads nothing tonight
                        continue
                    try:
                        told = client.post(f"{url()}/w/{token}")
                        if told.status_code == 200:
                            done.add(token)
                            self.tokens[token] = told.json()["state"]
                    except httpx.HTTPError:
                        break  # the city is down: they try again
                stop.wait(0.1)


def a_list(many: int, port: int) -> list[str]:
    head = "name,lon,lat,radius_m,sms,webhook,contact,contact_phone"
    lines = [f"P{n},17.1,48.1,500,+42190{n:07d},http://127.0.0.1:{port}/hook/{n},Nina,+421911" for n in range(many)]
    return ["\n".join([head, *lines[at : at + 400]]) for at in range(0, many, 400)]


@pytest.mark.timeout(120 + RECIPIENTS // 4)
def test_everybody_confirms_or_a_human_has_him_whatever_is_dropped_lied_or_killed(
    serve: Callable[..., Any], tmp_path: Any
) -> None:
    gateway = Gateway()
    (tmp_path / "city").mkdir()
    (tmp_path / "city" / "hansa.toml").write_text(
        '[channels.webhook]\nallow = ["127.0.0.0/8"]\n'
        f'[channels.sms]\nvia = "http"\nurl = "http://127.0.0.1:{gateway.port}/sms"\nper_s = 10000.0\nat_once = 32\n'
        'body = {to = "{to}", text = "{text}"}\n'
        f"[app.warnings]\ndeadline_s = {{Severe = {2 + min(RECIPIENTS, 4_000) / 50}}}\n"
    )
    city = serve()
    invited = city.post("/admin/invitations", {"roles": ["operator"]})
    bo = SignedIn(SimpleNamespace(link=invited.json()["link"]), "bo")  # type: ignore[arg-type]
    for part in a_list(RECIPIENTS, gateway.port):
        assert city.post("/desk/warnings/import", {"csv": part}).status_code == 200
    draft = {"template": "flood", "values": {"place": "x", "until": "y"}, "urgency": "Immediate", "severity": "Severe",
             "area": AREA, "areaDesc": {"en": "x"}, "responseType": ["Avoid"]}  # fmt: skip
    made = city.post("/desk/warnings/draft", draft)
    ident = next(one for one in made.json()["changed"] if ":Warning:" in one)
    assert city.post("/desk/warnings/propose", {"id": ident}).status_code == 200
    stop = threading.Event()
    people = [
        threading.Thread(target=gateway.answers, args=(lambda: city.url, stop, n), daemon=True) for n in range(PARTS)
    ]
    told = bo.page("POST", "/desk/warnings/approve", {"id": ident})
    assert told.status_code == 200, told.text
    began = time.monotonic()
    for one in people:
        one.start()
    for kill in range(KILLS):
        city.until(lambda kill=kill: gateway.counts["delivered"] >= RECIPIENTS * (kill + 1) // 4, 60)
        city.kill()
        city.start()
        bo.follow(city)

    def board() -> dict[str, Any]:
        answer = city.get(f"/desk/warnings/board?id={ident}")
        return answer.json() if answer.status_code == 200 else {}

    def over() -> bool:
        it = board()
        return it.get("total") == RECIPIENTS and set(it["status"]) <= {"confirmed", "escalated"}

    city.until(over, 90 + RECIPIENTS / 5)
    took = time.monotonic() - began
    stop.set()
    for one in people:
        one.join(20)
    it = board()
    rows = city.get(f"/desk/warnings/export?id={ident}").text.splitlines()
    gateway.server.shutdown()
    gateway.server.server_close()

    with gateway.lock:
        news = {token: [again for _, again in seen].count(False) for token, seen in gateway.seen.items()}
        confirmed = sum(state == "confirmed" for state in gateway.tokens.values())
    assert max(news.values()) <= 1, "nobody is warned twice as new"
    assert it["status"].get("confirmed", 0) == confirmed, "the board is what the sinks counted"
    assert it["status"]["escalated"] == RECIPIENTS - confirmed
    assert len(rows) == RECIPIENTS + 1
    assert gateway.counts["dropped"] > 0
    lying = {one["channel"]: one for one in it["worth"]}
    assert lying["sms"]["accepted"] > lying["sms"]["confirmed"], "a gateway's acceptance is no receipt"
    log.info("%s recipients in %.0f s: %s, %s", RECIPIENTS, took, it["status"], dict(gateway.counts))
    lists = city.get(f"/desk/warnings/tree?id={ident}").json()
    assert (lists["lists"][0]["name"], lists["total"]) == ("Nina", it["status"]["escalated"])
    assert urlsplit(city.url).port
    bo.close()
