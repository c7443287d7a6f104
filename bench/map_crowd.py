"""What makes a map live: `python -m bench.map_crowd HOST PORT ENTITIES RATE SECONDS` moves so many points a second.

Batches of 100 over HTTP, as a fleet's gateway would; says how many were taken, and how late the last was.
"""

import http.client
import json
import random
import signal
import sys
import time

BATCH = 100


def main(host: str, port: int, entities: int, rate: int, seconds: float) -> None:
    """Move points until the time is over."""
    draw = random.Random(3)
    where = http.client.HTTPConnection(host, port, timeout=30)
    print("up", flush=True)
    began = time.monotonic()
    taken, turn, slowest = 0, 0, 0.0
    asked_to_end = []
    signal.signal(signal.SIGTERM, lambda *_: asked_to_end.append(True))
    while not asked_to_end and (now := time.monotonic()) < began + seconds:
        due = began + turn * BATCH / rate
        if now < due:
            time.sleep(due - now)
        turn += 1
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        some = [moved(draw.randrange(entities), draw, at) for _ in range(BATCH)]
        asked = time.monotonic()
        where.request(
            "POST", "/ngsi-ld/v1/entityOperations/update", json.dumps(some), {"content-type": "application/json"}
        )
        answer = where.getresponse()
        said = answer.read()
        if answer.status not in {204, 207}:
            raise RuntimeError(f"{answer.status} {said[:300]!r}")
        slowest = max(slowest, time.monotonic() - asked)
        taken += BATCH
    took = time.monotonic() - began
    print(json.dumps({"rate": taken / took, "slowest_s": slowest}), flush=True)


def moved(i: int, draw: random.Random, at: str) -> dict[str, object]:
    """One vehicle that is elsewhere now, and of another speed."""
    return {
        "id": f"urn:ngsi-ld:Vehicle:v{i:06d}",
        "type": "Vehicle",
        "speed": {"type": "Property", "value": round(draw.random() * 90, 1), "unitCode": "KMH", "observedAt": at},
        "location": {
            "type": "GeoProperty",
            "value": {
                "type": "Point",
                "coordinates": [round(draw.gauss(17.1, 0.08), 6), round(draw.gauss(48.3, 0.05), 6)],
            },
            "observedAt": at,
        },
    }


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
