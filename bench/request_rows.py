"""The row of residents' requests: a thousand a minute, each with a photograph, and all of them there after a kill."""

import io
import json
import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any, Final

from bench.machine import Served, cpu_s
from bench.rows import Bench, Row

MANY: Final = 1_000
SPAN_S: Final = 60.0
P99_S: Final = 1.0
HANDS: Final = 48
TRIES: Final = 10
SETTINGS: Final = "[app.requests]\narea = [16.0, 48.0, 16.2, 48.1]\nper_visitor = 0\n"


def requests(bench: Bench) -> Iterator[Row]:
    """Report evenly over a minute, timed from when each was due; then kill the city, and look for all of them."""
    import httpx

    many, span = (100, 6.0) if bench.quick else (MANY, SPAN_S)
    data = bench.data()
    (data / "hansa.toml").write_text(SETTINGS)
    photos = _photos(16)
    size = sum(map(len, photos)) / len(photos)
    took: list[float] = []
    wrong: list[str] = []
    with Served(bench.folder, data) as served:
        began, before = time.monotonic() + 0.5, sum(cpu_s(served.pids))
        with httpx.Client(trust_env=False, timeout=60, limits=httpx.Limits(max_connections=HANDS)) as client:

            def report(n: int) -> None:
                due = began + n * span / many
                time.sleep(max(0.0, due - time.monotonic()))
                status, text = _sent(client, served.url, n, photos[n % len(photos)])
                took.append(time.monotonic() - due)
                if status not in {200, 201}:
                    wrong.append(text)

            with ThreadPoolExecutor(HANDS) as hands:
                list(hands.map(report, range(many)))
        whole, cost = time.monotonic() - began, sum(cpu_s(served.pids)) - before
        os.kill(served.pid, signal.SIGKILL)
    with Served(bench.folder, data) as served, httpx.Client(trust_env=False, timeout=60) as client:
        there, pictures = _found(client, served.url, many)
    took.sort()
    p50, p99 = (took[int(len(took) * share) - 1] for share in (0.5, 0.99))
    yield Row(
        row=f"requests: {many:,} in {span:g} s, each with a photograph of {size / 1e3:.0f} kB, then kill -9",
        asked=f"p99 under {P99_S:g} s, nothing lost",
        measured=f"{many / whole * 60:,.0f} a minute, p50 {p50 * 1e3:.0f} ms, p99 {p99 * 1e3:.0f} ms, "
        f"worst {took[-1] * 1e3:.0f} ms, {cost / many * 1e3:.0f} ms CPU each; "
        f"{there:,} requests and {pictures:,} photographs there after the kill"
        + (f"; {len(wrong)} refused: {wrong[0][:100]}" if wrong else ""),
        floor=None,
        ratio=None,
        ok=not wrong and there == pictures == many and p99 < P99_S,
        how="bench/request_rows.py: POST /desk/requests/report and, every fourth, POST /open311/v2/requests.json, "
        "multipart, city on one core; timed from when each was due; photographs read back and hashed",
    )


def _sent(client: Any, url: str, n: int, photo: bytes) -> tuple[int, str]:
    """Report the n-th: unlike the others, somewhere in the city."""
    # Its last bytes say which it is, so that none is another's.
    mine = photo[:-34] + f"{n:032d}".encode() + photo[-2:]
    chance = random.Random(n)
    place = {"lon": f"{16 + chance.random() * 0.2:.6f}", "lat": f"{48 + chance.random() * 0.1:.6f}"}
    said = {"description": f"Deep hole in the road, number {n}", "key": _key(n)}
    files = {"photo": ("hole.jpg", mine, "image/jpeg")}
    path, form = "/desk/requests/report", {"service": "pothole", **place, **said}
    if n % 4 == 0:
        path = "/open311/v2/requests.json"
        form = {"service_code": "pothole", "lat": place["lat"], "long": place["lon"], **said}
    for _ in range(TRIES):
        answer = client.post(url + path, data=form, files=files)
        if answer.status_code != 503:
            break
        time.sleep(float(answer.headers["retry-after"]))  # as it was told; the clock of this one goes on
    return answer.status_code, answer.text


def _found(client: Any, url: str, many: int) -> tuple[int, int]:
    """How many requests are there by their secret keys, and how many of their photographs are whole."""
    there = pictures = 0
    for n in range(many):
        receipt = client.get(f"{url}/desk/requests/receipt", params={"key": _key(n)})
        if receipt.status_code != 200:
            continue
        there += 1
        case = json.loads(client.get(f"{url}/desk/requests/case", params={"id": receipt.json()["id"]}).content)
        for one in case["photographs"]:
            body = client.get(url + one["path"]).content
            pictures += sha256(body).hexdigest() == one["path"].rsplit("/", 1)[1]
    return there, pictures


def _key(n: int) -> str:
    return f"bench-of-requests-number-{n:08d}"


def _photos(many: int) -> list[bytes]:
    """Photographs as telephones send them, with EXIF, of about 500 kB."""
    from PIL import Image

    made = []
    for seed in range(many):
        noise = Image.frombytes("RGB", (400, 300), random.Random(seed).randbytes(400 * 300 * 3))
        whole = noise.resize((1_600, 1_200), Image.Resampling.BICUBIC)
        told = Image.Exif()
        told[0x010F], told[0x0112] = "Bench", 6
        out = io.BytesIO()
        whole.save(out, "JPEG", quality=76, exif=told)
        made.append(out.getvalue())
    return made
