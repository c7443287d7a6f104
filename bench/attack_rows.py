"""The rows of attacks: what whoever only wants to be served notices of them, and what they cost in memory."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bench import attacker, seeds
from bench.machine import LOAD_CORE, Served, pss_mb, python
from bench.rows import Bench, Row

P99_MS: Final = 1_000
GROWN: Final = 1.25
ENTITIES: Final = 1_000
_ATTACKS: Final = {
    "guess": f"{attacker.GUESSES:,} passwords a second from {attacker.ADDRESSES} addresses",
    "loris": f"slow loris, {attacker.SOCKETS:,} sockets from {attacker.ADDRESSES} addresses",
    "bodies": f"bodies of 1 GB, {attacker.UPLOADS} at once",
    "tls": f"{attacker.HANDSHAKES} TLS connects a second from {attacker.ADDRESSES} addresses",
}
_HOW: Final = (
    f"bench/attacker.py: beside the attack, somebody with a token asks {attacker.ASKED} times a second and a stranger "
    f"opens {attacker.OPENED} pages a second over new connections, from an address of their own; limits hold for every "
    "address; one core for the city, one for everybody else"
)


def attack(bench: Bench) -> Iterator[Row]:
    """Each attack twice, so that memory that only grew once is not taken for a leak."""
    seconds = 6 if bench.quick else 20
    for kind, words in _ATTACKS.items():
        data = bench.data()
        seeds.entities(data, ENTITIES)
        secure = kind == "tls"
        plain = "" if secure else 'plain = ["http"]\n'
        (data / "hansa.toml").write_text(f"[serve]\nunlimited = []\n{plain}")
        with Served(bench.folder, data, options=("--http", "0.0.0.0:0")) as served:
            alone, _ = _run(bench, served, data, None, seconds / 2, secure=secure)
            first, _ = _run(bench, served, data, kind, seconds, secure=secure)
            before = pss_mb([served.pid])
            second, became = _run(bench, served, data, kind, seconds, secure=secure)
            after = pss_mb([served.pid])
        worst = max(one[name] for one in (first, second) for name in ("p99_ms", "new_p99_ms"))
        well = all(set(one["statuses"]) == {"200"} for one in (first, second))
        yield Row(
            row=f"attack: {words}",
            asked="legitimate p99 under 1 s, memory flat",
            measured=f"p99 {max(first['p99_ms'], second['p99_ms']):.0f} ms, over new connections "
            f"{max(first['new_p99_ms'], second['new_p99_ms']):.0f} ms"
            + ("" if well else f", answers {first['statuses']}, {second['statuses']}")
            + f"; {before:.0f} MB, then {after:.0f} MB; of the attack: {_said(became)}",
            floor=f"without it p99 {alone['p99_ms']:.0f} and {alone['new_p99_ms']:.0f} ms",
            ratio=None,
            ok=worst < P99_MS and well and after < GROWN * before,
            how=_HOW,
        )


def _run(
    bench: Bench, served: Served, data: Path, kind: str | None, seconds: float, *, secure: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    port = served.url.rsplit(":", 1)[1]
    ca = str(data / "tls" / "ca.pem") if secure else ""
    token = (data / "admin.token").read_text()
    words = ["-m", "bench.attacker"]
    attackers = None
    if kind is not None:
        attackers = python(bench.folder, LOAD_CORE, *words, kind, "127.0.0.1", port, f"{seconds + 1}", ca)
        time.sleep(1)  # it has begun
    somebody = python(bench.folder, LOAD_CORE, *words, "served", "127.0.0.1", port, f"{seconds}", ca, token)
    heard, _ = somebody.communicate(timeout=180)
    became, _ = attackers.communicate(timeout=180) if attackers is not None else ("{}", "")
    return json.loads(heard), json.loads(became)


def _said(became: dict[str, Any]) -> str:
    return ", ".join(f"{name}: {count:,}" for name, count in sorted(became.items()))
