"""A city that says what the test tells it, over the doors that the page uses: HTTP and nothing else."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta

from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from hansa.centres import web

NOW = datetime(2026, 4, 12, 21, 0, tzinfo=UTC)


def iso(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def station(n, celsius=4.0, name=None, age_min=3, **more):
    observed = iso(NOW - timedelta(minutes=age_min))
    return {
        "id": f"urn:ngsi-ld:WeatherObserved:o{n}",
        "type": "WeatherObserved",
        "name": name or f"Orchard {n}",
        "location": {"type": "Point", "coordinates": [11.0 + n * 0.01, 46.4 + (n % 3) * 0.01]},
        "temperature": {"value": celsius, "unitCode": "CEL", "observedAt": observed},
        "dewPoint": {"value": celsius - 4, "unitCode": "CEL", "observedAt": observed},
    } | more


def alert(n, severity="high", status="open", **more):
    return {
        "id": f"urn:ngsi-ld:Alert:frost-o{n}",
        "type": "Alert",
        "category": "weather",
        "subCategory": "frost",
        "severity": severity,
        "status": status,
        "dateIssued": iso(NOW - timedelta(minutes=20)),
        "alertSource": {"object": f"urn:ngsi-ld:WeatherObserved:o{n}"},
        "description": "Frost before dawn.",
        "evidence": {"reading": -1.5, "asOf": iso(NOW)},
    } | more


class ToldCity:
    """A city that says what the test tells it, over the doors that the page uses."""

    def __init__(self):
        self.entities = {}
        self.seq = 100
        self.log = []
        self.asked = []
        self.fault = None
        self.deaf = False  # new streams are refused
        self.after_reading = None  # called when an answer has been made and not yet sent
        self.streams = set()
        self.loop = None
        routes = [
            Route("/ngsi-ld/v1/types", self.types),
            Route("/ngsi-ld/v1/entities", self.found),
            Route("/ngsi-ld/v1/entities/{id}", self.one),
            Route("/ngsi-ld/v1/temporal/entities/{id}", self.past),
            Route("/live", self.live),
            Route("/health", lambda _: JSONResponse({"status": "ok"})),
            *web.routes(self.snapshot, web.Look(city="Told", zone="UTC")),
        ]
        self.app = Starlette(routes=routes)

    def clear(self):
        self.hang_up()
        self.entities, self.log, self.asked, self.fault, self.deaf = {}, [], [], None, False
        self.after_reading = None

    def put(self, *entities):
        self.entities.update({one["id"]: one for one in entities})

    def snapshot(self):
        held = list(self.entities.values())
        return {
            "stations": [one for one in held if one["type"] != "Alert"],
            "alerts": [one for one in held if one["type"] == "Alert" and one["status"] == "open"],
            "now": iso(NOW),
            "simulated": True,
            "rate": 0,
        }

    def tell(self, entity, *, gone=False):
        """One Change: into the state, the log, and every stream."""
        self.seq += 1
        if gone:
            self.entities.pop(entity["id"])
        else:
            self.put(entity)
        change = {
            "seq": self.seq,
            "id": entity["id"],
            "type": [entity["type"]],
            "at": iso(NOW),
            "gone": gone,
            "changed": [],
        }
        change |= {} if gone else {"entity": entity}
        self.log.append(change)
        self.send(f"id: {self.seq}\nevent: change\ndata: {json.dumps(change)}\n\n")

    def send(self, text):
        for queue in list(self.streams):
            self.loop.call_soon_threadsafe(queue.put_nowait, text)

    def hang_up(self):
        self.send(None)
        until = time.monotonic() + 5
        while self.streams and time.monotonic() < until:
            time.sleep(0.01)

    async def types(self, request):
        self.asked.append(str(request.url))
        if self.fault:
            return JSONResponse({"title": "No", "detail": self.fault, "mend": "ask the operator"}, 503)
        return JSONResponse({"typeList": sorted({one["type"] for one in self.entities.values()})})

    async def found(self, request):
        self.asked.append(str(request.url))
        kinds, q = request.query_params.get("type", "").split(","), request.query_params.get("q")
        held = [one for one in self.entities.values() if kinds == [""] or one["type"] in kinds]
        if q:
            held = [one for one in held if one.get("refStation", {}).get("object", "?") in q]
        offset, limit = int(request.query_params.get("offset", 0)), int(request.query_params["limit"])
        answer = JSONResponse(held[offset : offset + limit], headers={"NGSILD-Results-Count": str(len(held))})
        if self.after_reading:
            self.after_reading(kinds)
        return answer

    async def one(self, request):
        return JSONResponse(self.entities[request.path_params["id"]])

    async def past(self, request):
        name = request.query_params["attrs"]
        last = self.entities[request.path_params["id"]][name]
        # A reading each ten minutes for a day, but none from 10 to 12 hours ago.
        ages = [n for n in range(145) if not 60 <= n < 72]
        values = [[last["value"] + n / 20, iso(NOW - timedelta(minutes=3 + 10 * n))] for n in ages]
        return JSONResponse({"id": "x", "type": "x", name: {"type": "Property", "values": values}})

    async def live(self, request):
        self.asked.append(str(request.url))
        if self.deaf:
            return JSONResponse({}, 503)
        self.loop = asyncio.get_running_loop()
        since = request.query_params.get("since")
        queue = asyncio.Queue()

        async def events():
            self.streams.add(queue)
            try:
                clock = {"now": iso(NOW), "rate": 0, "simulated": True}
                yield f"event: hello\ndata: {json.dumps({'seq': self.seq})}\n\n"
                yield f"event: clock\ndata: {json.dumps(clock)}\n\n"
                for change in self.log:
                    if since is not None and change["seq"] > int(since):
                        yield f"id: {change['seq']}\nevent: change\ndata: {json.dumps(change)}\n\n"
                while (text := await queue.get()) is not None:
                    yield text
            finally:
                self.streams.discard(queue)

        return StreamingResponse(events(), media_type="text/event-stream")


def option(n):
    return f"#map-list [data-id='urn:ngsi-ld:WeatherObserved:o{n}']"


def until(page, words, selector="body"):
    page.wait_for_function(
        "([s, w]) => document.querySelector(s)?.textContent.replaceAll('\\u00a0', ' ').includes(w)",
        arg=[selector, words],
    )


def text(page, selector):
    return page.text_content(selector).replace("\u00a0", " ")
