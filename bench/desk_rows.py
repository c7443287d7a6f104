"""Rows of the operator's desk: one alarm under a hundred threads, a reading's way to the screen, both rooms full."""

import json
import threading
import time
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import apsw
import httpx
import pyotp

from bench import seeds
from bench.machine import LOAD_CORE, Served, cpu_s, end, pss_mb, python
from bench.readings import quantiles
from bench.rows import Bench, Row, skipped
from hansa.model.change import Write
from hansa.platform.intake import credential_write, shown_write
from hansa.trust.devices import Devices

DEVICES: Final = 1_000
RATE: Final = 500
LIMIT_C: Final = 48.0  # every tenth reading is hot, and one in ten of these above this: five alarms a second
THREADS: Final = 100
OPERATORS: Final = 100
RESIDENTS: Final = 2_000
PUBLIC: Final = 20  # every so manieth station is for everybody
_RULE: Final = {
    "id": "urn:ngsi-ld:WatchRule:hot",
    "type": "WatchRule",
    "kind": "threshold",
    "watchedType": "BenchStation",
    "watchedAttribute": "temperature",
    "high": {"type": "Property", "value": LIMIT_C, "unitCode": "CEL"},
    "severity": "high",
}


def crowd(bench: Bench) -> Iterator[Row]:
    """A hundred threads raise one alarm, as fast as they are answered."""
    seconds = 3 if bench.quick else 15
    data = bench.data()
    with Served(bench.folder, data) as served:
        for named in (True, False):
            took, statuses = _raised(served.url, f"named {named}", seconds, named=named)
            ordered = sorted(took)
            done = statuses[200]
            with httpx.Client(base_url=served.url, trust_env=False, timeout=30) as client:
                alarm = _alarm(f"named {named}")
                held = client.get(f"/ngsi-ld/v1/entities/{alarm}").json()
            whole = held["raises"]["value"] == done and held["activations"]["value"] == 1
            yield Row(
                row=f"one alarm raised by {THREADS} threads, {'by its id' if named else 'by source and kind'}",
                asked="exactly one alarm, its history complete",
                measured=f"{done / seconds:,.0f}/s, p99 {ordered[int(len(ordered) * 0.99)] * 1_000:,.0f} ms, "
                f"{'every raising counted' if whole else 'NOT all counted'}, other answers "
                f"{ {status: many for status, many in statuses.items() if status != 200} or 'none' }",
                floor=None,
                ratio=None,
                ok=whole and set(statuses) <= {200, 409, 503},
                how="HTTP, a connection each; with kill -9 in between: tests/survives/test_alarms_survive.py",
            )


def _alarm(kind: str) -> str:
    from hansa.apps.alarms.standing import ident

    return ident("urn:x:bench", kind)


def _raised(url: str, kind: str, seconds: float, *, named: bool) -> tuple[list[float], Counter[int]]:
    stop, lock = threading.Event(), threading.Lock()
    took: list[float] = []
    statuses: Counter[int] = Counter()
    said = {"source": "urn:x:bench", "kind": kind} | ({"id": _alarm(kind)} if named else {})

    def one() -> None:
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
            while not stop.is_set():
                began = time.perf_counter()
                status = client.post("/desk/alarms/raise", json=said).status_code
                with lock:
                    took.append(time.perf_counter() - began)
                    statuses[status] += 1

    threads = [threading.Thread(target=one) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    return took, statuses


def screen(bench: Bench) -> Iterator[Row]:
    """How long after its reading was taken an alarm is seen, in a real browser."""
    asked, how = (
        "p99 under 700 ms",
        "1,000 MQTT devices, one reading in a hundred is an alarm; Chromium and devices share the other core",
    )
    row = f"reading to alarm on screen, {RATE} readings/s"
    try:
        import playwright  # noqa: F401
    except ImportError:
        yield skipped(row, asked, "playwright is not installed", how)
        return
    seconds = 8 if bench.quick else 30
    data = bench.data()
    secrets = seeds.devices(data, DEVICES)
    with Served(bench.folder, data) as served:
        made = httpx.post(f"{served.url}/ngsi-ld/v1/entities", json=_RULE, trust_env=False, timeout=30)
        if made.status_code != 201:
            raise RuntimeError(made.text)
        looking = python(bench.folder, LOAD_CORE, "-m", "bench.screen", served.url, f"{seconds + 8}")
        try:
            assert looking.stdout is not None
            if looking.stdout.readline() != "up\n":
                raise RuntimeError("the page could not be opened")
            told, cost, size = _readings(bench, served, secrets, seconds)
            seen = json.loads(looking.stdout.read())
        finally:
            end(looking)
    late, missing, rung = _late(data, seen["seen"])
    found = quantiles(array("d", late)) or {"p50": 0.0, "p99": 0.0, "max": 0.0}
    yield Row(
        row=row,
        asked=asked,
        measured=f"p50 {found['p50']:.0f} ms, p99 {found['p99']:.0f} ms, most {found['max']:.0f} ms, of {len(late):,} "
        f"alarms; {missing} of {rung:,} unseen; {told['acked']:,} readings, city {cost / seconds:.2f} core, "
        f"{size:.0f} MB; longest task of the page {max(seen['long'], default=0):.0f} ms",
        floor=None,
        ratio=None,
        ok=bool(late) and found["p99"] < 700 and missing == 0 and not told["faults"],
        how=how,
    )


def _readings(bench: Bench, served: Served, secrets: Path, seconds: float) -> tuple[dict[str, Any], float, float]:
    """Let the devices report; what they say of it, CPU seconds of the city meanwhile, and its most memory."""
    host, port = served.mqtt
    said = {"host": host, "port": port, "secrets": str(secrets), "rate": RATE, "seconds": seconds}
    load = python(bench.folder, LOAD_CORE, "-m", "bench.readings", json.dumps(said))
    try:
        assert load.stdout is not None
        if load.stdout.readline() != "up\n":
            raise RuntimeError("the devices could not connect")
        before, size, began = _cpu(served), 0.0, time.monotonic()
        while time.monotonic() - began < seconds:
            time.sleep(0.5)
            size = max(size, pss_mb(served.pids))
        told = json.loads(load.stdout.read())  # what came late is to be paid for too
        spent = sum(now - before.get(pid, 0.0) for pid, now in _cpu(served).items())
        return told, spent, size
    finally:
        end(load)


def _cpu(served: Served) -> dict[int, float]:
    """CPU seconds of each process of a city; one that ends meanwhile is left out."""
    found: dict[int, float] = {}
    for pid in served.pids:
        with suppress(OSError):
            found[pid] = cpu_s([pid])[0]
    return found


def _late(data: Path, seen: list[list[Any]]) -> tuple[list[float], int, int]:
    """Seconds from each hot reading to its alarm on the screen; raisings that were not seen, and all of them."""
    db = apsw.Connection(str(data / "open.db"), flags=apsw.SQLITE_OPEN_READONLY)
    sql = (
        "SELECT entity.id, history.at, history.v FROM history JOIN entity USING (e) "
        "WHERE n = (SELECT n FROM name WHERE text = 'value') ORDER BY e, at"
    )
    readings: dict[str, list[float]] = {}
    for ident, at, value in db.execute(sql):
        if value > LIMIT_C:
            readings.setdefault(ident, []).append(at / 1e6)
    rung = sum(len(some) for some in readings.values())
    db.close()
    late: list[float] = []
    met: set[tuple[str, float]] = set()
    for ident, when in seen:
        known = readings.get(ident, [])
        before = bisect_right(known, when / 1e3)
        if before and (ident, known[before - 1]) not in met:
            met.add((ident, known[before - 1]))
            late.append(when / 1e3 - known[before - 1])
    return late, rung - len(met), rung


def rooms(bench: Bench) -> Iterator[Row]:
    """Everybody at once: operators who listen to alarms, residents who listen to what is public, and readings."""
    seconds = 8 if bench.quick else 30
    data = bench.data()
    secrets = _devices(data)
    options = ("--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0")
    with Served(bench.folder, data, options=options, streams=3_000, address_connections=5_000) as served:
        token = _operator(served.url, (data / "admin.token").read_text().strip())
        host, _, port = served.url.removeprefix("http://").rpartition(":")
        said = {
            "host": host,
            "port": int(port),
            "token": token,
            "operators": OPERATORS,
            "residents": RESIDENTS,
            "seconds": seconds + 6,
        }
        listening = python(bench.folder, LOAD_CORE, "-m", "bench.rooms", json.dumps(said))
        try:
            assert listening.stdout is not None
            if listening.stdout.readline() != "up\n":
                raise RuntimeError(f"not everybody could come in: {listening.stdout.read()[:500]}")
            told, cost, size = _readings(bench, served, secrets, seconds)
            heard = json.loads(listening.stdout.read())
        finally:
            end(listening)
    late = heard["late_ms"]
    each = {
        who: heard["heard"][who] / many / seconds for who, many in (("operators", OPERATORS), ("residents", RESIDENTS))
    }
    yield Row(
        row=f"{OPERATORS} operators and {RESIDENTS:,} residents connected, {RATE} readings/s",
        asked="server under 1 core and 700 MB",
        measured=f"{cost / seconds:.2f} core, {size:.0f} MB; an operator heard {each['operators']:.1f} Changes a "
        f"second (p99 {late['operators'].get('p99', 0):.0f} ms old), a resident {each['residents']:.1f} (p99 "
        f"{late['residents'].get('p99', 0):.0f} ms); {told['acked']:,} of {told['sent']:,} readings acknowledged, "
        f"PUBACK p99 {told['puback_ms']['p99']:.0f} ms; {heard['again']} asked to come in later, faults: "
        f"{', '.join((heard['faults'] + told['faults'])[:2]) or 'none'}",
        floor=None,
        ratio=None,
        ok=cost / seconds < 1 and size < 700 and not heard["faults"] and not told["faults"],
        how=f"one stream each; one station in {PUBLIC} is public; residents are anonymous, operators have a token; all "
        "processes of the city on one core, everybody else on the other",
    )


def _devices(data: Path) -> Path:
    """Stations, some of them public, and the rule that watches them; the file of their secrets."""
    now = time.time_ns() // 1_000
    known = Devices()
    secrets: dict[str, str] = {}
    writes: list[Write] = [
        Write(
            "create",
            _RULE["id"],
            {name: value if name in {"id", "type"} else _stored(value) for name, value in _RULE.items()},
        )
    ]  # type: ignore[arg-type]
    for number in range(DEVICES):
        name = f"s{number:05d}"
        _, claim = known.enrol(name, seeds.PROFILE, now, label="open" if number % PUBLIC == 0 else None)
        device, secret = known.exchange(name, claim, now)
        known.settle(device, secret)
        secrets[name] = secret
        writes += [credential_write(device), shown_write(device)]
    seeds._load(data, writes, now)  # noqa: SLF001  # the bench's own
    file = data / "secrets.json"
    file.write_text(json.dumps(secrets))
    return file


def _stored(value: Any) -> Any:
    return value if isinstance(value, dict) else {"type": "Property", "value": value}


def _operator(url: str, admin: str) -> str:
    """A city with a person in it, so that there are residents too; the token of an operator's program."""
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        machine = {"authorization": f"Bearer {admin}"}
        made = {"name": "desk", "roles": ["operator"], "departments": [], "scope": None}
        _good(client.post("/admin/services", json=made, headers=machine))
        asked = {"owner": "service:desk", "scope": ["read", "write", "subscribe"], "days": 2}
        token = _good(client.post("/admin/tokens", json=asked, headers=machine))["token"]
        link = _good(client.post("/admin/invitations/first", headers=machine))["link"].rsplit("/", 1)[-1]
        page = {"origin": url, "sec-fetch-site": "same-origin", "x-hansa": "page"}
        who = {"link": link, "name": "ada", "shown": "Ada"}
        secret = _good(client.post("/account/enrol/codes", json=who, headers=page))["secret"]
        said = {**who, "password": "seven grey herons at the weir", "code": pyotp.TOTP(secret).now()}
        _good(client.post("/account/enrol/password", json=said, headers=page))
    return str(token)


def _good(answer: httpx.Response) -> dict[str, Any]:
    if not answer.is_success:
        raise RuntimeError(f"{answer.request.url}: {answer.text[:300]}")
    told: dict[str, Any] = answer.json() if answer.content else {}
    return told
