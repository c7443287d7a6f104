"""Rows that begin at the MQTT door: readings a second, what they write, their way to a page, memory."""

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import apsw

from bench import seeds
from bench.hot import HOT_C, NAME
from bench.machine import CITY_CORE, LOAD_CORE, Served, cpu_s, end, pss_mb, python, written
from bench.rows import Bench, Row
from hansa.platform import codec

DEVICES: Final = 1_000


def readings(bench: Bench) -> Iterator[Row]:
    """5,000 readings a second through the door, on one core, and every one of them looked for afterwards."""
    rate, seconds = 5_000, 8 if bench.quick else 60
    data = bench.data()
    secrets = seeds.devices(data, DEVICES)
    with Served(bench.folder, data) as served, _load(bench, served, secrets, rate=rate, seconds=seconds) as load:
        told = load.watch()
        settled_s = _level(served)
    lost, doubled, alarms = _held(data, load.sent)
    behind = _lag_s(data)
    floor = _floor(bench, 500)
    city, rules = told["cpu"]
    # A paced load says nothing of how much more there was room for; the CPU that it took does.
    room = told["acked"] / (city + rules)
    p99 = told["puback_ms"]["p99"]
    yield Row(
        row=f"durable MQTT readings, {DEVICES:,} devices, QoS 1, a rule that fires on a tenth",
        asked="5,000/s for 60 s, nothing lost, PUBACK p99 ≤ 1 s, rules ≤ 2 s behind",
        measured=(
            f"{told['acked_rate']:,.0f}/s for {seconds} s, {lost} lost, {doubled} doubled, {alarms}; PUBACK p50 "
            f"{told['puback_ms']['p50']:.0f} ms, p99 {p99:.0f} ms; rules {behind:.1f} s behind at most, level "
            f"{settled_s:.1f} s after; CPU {1e6 / room:.0f} us a reading, room for {room:,.0f}/s"
        ),
        floor=f"{floor:,.0f}/s of CPU",
        ratio=round(room / floor, 2),
        ok=not told["faults"]
        and not lost
        and not doubled
        and alarms.startswith("every alarm")
        and told["acked_rate"] >= 0.97 * rate
        and p99 <= 1_000
        and behind <= 2,
        how="city and rules on one core, devices on the other; the ratio is of CPU, to the same rows by SQL alone",
    )
    yield from _written(bench, ((5_000, told),))


def _written(bench: Bench, known: tuple[tuple[int, dict[str, Any]], ...]) -> Iterator[Row]:
    """Bytes that storage was given for each reading; the checkpoint's too."""
    seconds = 8 if bench.quick else 20
    data = bench.data()
    secrets = seeds.devices(data, DEVICES)
    with Served(bench.folder, data) as served, _load(bench, served, secrets, rate=500, seconds=seconds) as load:
        slow = load.watch()
    for rate, told in ((500, slow), *known):
        yield Row(
            row=f"bytes written a reading, {rate:,}/s",
            asked="reported",
            measured=f"{told['written'] / max(1, told['acked']):,.0f} B",
            floor=None,
            ratio=None,
            ok=None,
            how="write_bytes of the city's process: WAL and checkpoints, by whole pages",
        )


def catchup(bench: Bench) -> Iterator[Row]:
    """Rules that have a long log before them, while somebody reads."""
    count = 100_000 if bench.quick else 1_000_000
    data = bench.data()
    made = seeds.backlog(data, count)
    gets: list[float] = []
    sizes: list[float] = []
    with Served(bench.folder, data, None) as served:
        began = time.monotonic()
        behind = first = served.health()["rules"]["behind"]
        client = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=30)
        status = 200
        looked = 0.0
        while behind:
            at = time.perf_counter()
            client.request("GET", "/ngsi-ld/v1/entities/urn:ngsi-ld:BenchStation:s00007")
            answer = client.getresponse()
            answer.read()
            gets.append(time.perf_counter() - at)
            status = answer.status if answer.status != 200 else status
            if time.monotonic() - looked > 0.5:
                looked = time.monotonic()
                behind = served.health()["rules"]["behind"]
                sizes.append(pss_mb(served.pids))
            time.sleep(0.005)
        took = time.monotonic() - began
        client.close()
    alarms = _alarms(data)
    gets.sort()
    p99 = gets[int(len(gets) * 0.99)] * 1_000
    rate = first / took
    # The first quarter fills caches; from then on it must not grow.
    early, late = max(sizes[: len(sizes) // 4 + 1]), max(sizes)
    yield Row(
        row=f"rules {made:,} Changes behind",
        asked="over 10,000/s, GET p99 under 100 ms, memory flat",
        measured=(
            f"{rate:,.0f}/s, GET p99 {p99:.1f} ms{'' if status == 200 else f' (status {status})'}, "
            f"{early:.0f} -> {late:.0f} MB, {alarms:,} alarms for {count // 10:,} hot readings"
        ),
        floor=None,
        ratio=None,
        ok=rate > 10_000 and p99 < 100 and late < 1.15 * early and alarms == count // 10 and status == 200,
        how="a log written before the start; city and rules on any core; one reader all the while",
    )


def page(bench: Bench) -> Iterator[Row]:
    """How old a reading is when a page hears of it."""
    rate, seconds = 500, 8 if bench.quick else 30
    data = bench.data()
    secrets = seeds.devices(data, DEVICES)
    with (
        Served(bench.folder, data) as served,
        _load(bench, served, secrets, rate=rate, seconds=seconds, live=True) as load,
    ):
        told = load.watch()
    found = told["page_ms"]
    yield Row(
        row=f"reading to page, {rate} readings/s",
        asked="p99 under 500 ms",
        measured=f"p50 {found['p50']:.0f} ms, p99 {found['p99']:.0f} ms, {told['sent'] - told['paged']} of "
        f"{told['sent']:,} unseen",
        floor=None,
        ratio=None,
        ok=found["p99"] < 500 and told["paged"] == told["sent"] and not told["faults"],
        how="from when a reading is due to its event on /live, for every reading; one core for the city",
    )


def memory(bench: Bench) -> Iterator[Row]:
    """Proportional set size: at rest, with work, with many connections that say nothing."""
    data = bench.data()
    secrets = seeds.devices(data, DEVICES)
    with Served(bench.folder, data) as served:
        time.sleep(1.0)
        idle = pss_mb(served.pids)
        with _load(bench, served, secrets, rate=2_000, seconds=8 if bench.quick else 20) as load:
            busy = max(load.watch()["sizes"])
    yield _memory("at rest", idle, 250)
    yield _memory("at 2,000 readings/s", busy, 250)
    many = 2_000 if bench.quick else 10_000
    data = bench.data()
    secrets = seeds.devices(data, many)
    with Served(bench.folder, data) as served:
        time.sleep(1.0)
        before = pss_mb(served.pids)
        with _load(bench, served, secrets, rate=0, seconds=5) as load:
            told = load.watch()
            after = max(told["sizes"])
    yield Row(
        row=f"memory, {many:,} idle MQTT connections",
        asked="they hold",
        measured=f"{after:.0f} MB ({(after - before) * 1_000 / many:.1f} kB each), {len(told['faults'])} lost",
        floor=None,
        ratio=None,
        ok=not told["faults"],
        how=f"proportional set size of the city and its rules; {many / told['connected_s']:,.0f} connections/s",
    )


def _memory(when: str, measured: float, asked: int) -> Row:
    return Row(
        row=f"memory {when}",
        asked=f"≤ {asked} MB",
        measured=f"{measured:.0f} MB",
        floor=None,
        ratio=None,
        ok=measured <= asked,
        how="proportional set size of the city and its rules, 1,000 devices",
    )


class _Load:
    """A load generator at work on a city."""

    def __init__(self, bench: Bench, served: Served, said: dict[str, Any]) -> None:
        self.served = served
        self.sent = Path(said["sent"])
        self.process = python(bench.folder, LOAD_CORE, "-m", "bench.readings", json.dumps(said))

    def watch(self) -> dict[str, Any]:
        """Look at the city until the generator is done; what it said, with the city's cost."""
        served, process = self.served, self.process
        assert process.stdout is not None
        first = process.stdout.readline()
        if first != "up\n":
            raise RuntimeError(f"the devices could not connect: {first}")
        pids = served.pids
        cpu, wrote = cpu_s(pids), written(served.pid)
        sizes = []
        while process.poll() is None:
            sizes.append(pss_mb(pids))
            time.sleep(0.5)
        told: dict[str, Any] = json.loads(process.stdout.read())
        spent = [after - before for before, after in zip(cpu, cpu_s(pids), strict=True)]
        return told | {
            "cpu": [*spent, 0.0][:2],
            "written": written(served.pid) - wrote,
            "sizes": sizes,
        }


@contextmanager
def _load(
    bench: Bench, served: Served, secrets: Path, *, rate: int, seconds: float, live: bool = False
) -> Iterator[_Load]:
    host, port = served.mqtt
    said: dict[str, Any] = {
        "host": host,
        "port": port,
        "secrets": str(secrets),
        "rate": rate,
        "seconds": seconds,
        "sent": str(secrets.with_name("sent.json")),
    }
    if live:
        where, _, number = served.url.removeprefix("http://").rpartition(":")
        said["live"] = {"host": where, "port": int(number)}
    load = _Load(bench, served, said)
    try:
        yield load
    finally:
        end(load.process)


def _level(served: Served) -> float:
    """Seconds until the rules have seen everything."""
    began = time.monotonic()
    while served.health()["rules"]["behind"] and time.monotonic() - began < 120:
        time.sleep(0.05)
    return time.monotonic() - began


def _floor(bench: Bench, batch: int) -> float:
    """The same rows by SQL alone, readings a second of CPU."""
    data = bench.data()
    process = python(
        bench.folder, CITY_CORE, "-m", "bench.floor", "readings", str(data / "open.db"),
        "30000" if bench.quick else "200000", str(batch),
    )  # fmt: skip
    try:
        said, _ = process.communicate(timeout=300)
        return float(json.loads(said)["rate"])
    finally:
        end(process)


def _history(data: Path, name: str) -> dict[str, list[tuple[int, float]]]:
    """Every point of one attribute, by the last part of the entity's id, in order of time."""
    db = apsw.Connection(str(data / "open.db"), flags=apsw.SQLITE_OPEN_READONLY)
    sql = (
        "SELECT entity.id, history.at, history.v FROM history JOIN entity USING (e) "
        "WHERE n = (SELECT n FROM name WHERE text = ?) ORDER BY e, at"
    )
    found: dict[str, list[tuple[int, float]]] = {}
    for ident, at, value in db.execute(sql, (name,)):
        found.setdefault(ident.rsplit(":", 1)[1], []).append((at, value))
    db.close()
    return found


def _held(data: Path, sent: Path) -> tuple[int, int, str]:
    """Acknowledged readings that are missing; readings there twice, or never sent; and the fate of the alarms."""
    stored, heat = _history(data, "temperature"), _history(data, "heat")
    lost = doubled = wrong = fired = 0
    for i, (name, acked, times) in enumerate(json.loads(sent.read_text())):
        due = [(at * 1_000, seeds.temperature(i, turn)) for turn, at in enumerate(times)]
        have = stored.get(name, [])
        lost += len(set(due[:acked]) - set(have))
        doubled += len(have) - len(set(have) & set(due))
        hot = [one for one in have if one[1] >= HOT_C]
        fired += len(hot)
        wrong += heat.get(name, []) != hot
    return lost, doubled, f"every alarm right ({fired:,})" if not wrong else f"alarms of {wrong} stations are wrong"


def _lag_s(data: Path) -> float:
    """The longest time from the commit of a reading to that of the alarm which it caused, by the log's own times."""
    db = apsw.Connection(str(data / "open.db"), flags=apsw.SQLITE_OPEN_READONLY)
    names = dict(db.execute("SELECT n, text FROM name"))
    when = dict(db.execute("SELECT seq, at FROM log"))
    lag = 0
    for seq, body in db.execute("SELECT seq, body FROM log"):
        actor, cause, _, _, _ = codec.unpack_change(body, when[seq], names.__getitem__)
        if actor == f"app:{NAME}" and cause is not None:
            lag = max(lag, when[seq] - when[int(cause)])
    db.close()
    return lag / seeds.SECOND


def _alarms(data: Path) -> int:
    return sum(len(one) for one in _history(data, "heat").values())
