"""`hansa audit`: heads and proofs of the audit log, carried elsewhere and checked there; witnesses; cuts."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click
import httpx

from hansa import clock
from hansa import settings as settings_
from hansa.cli import data_option
from hansa.cli.desk import running, told
from hansa.errors import BadRequest, SourceFailed
from hansa.network.http import Egress
from hansa.platform.http import Request
from hansa.platform.sqlite.trail import TrailWriter
from hansa.serve import REALMS, Lock, find_keys, token
from hansa.serve.audits import Audits
from hansa.trust.heads import Note, Verifier
from hansa.trust.labels import ADMINISTRATOR
from hansa.trust.merkle import WIDTH
from hansa.trust.proven import proven

realm_option = click.option("--realm", type=click.Choice(REALMS), default="open", show_default=True)
output_option = click.option("-o", "--output", type=click.File("wb"), default="-", help="A file; else standard output.")


@click.group()
def audit() -> None:
    """The audit log: who did and saw what, so that nobody can change it unseen."""


@audit.command()
@data_option
def keys(data: Path) -> None:
    """The keys by which anybody can check this city's heads, and know it as a witness."""
    click.echo((data / "audit.pub").read_text("utf-8") if (data / "audit.pub").exists() else "", nl=False)


@audit.command()
@realm_option
@output_option
@data_option
def head(realm: str, output: Any, data: Path) -> None:
    """The newest kept head, with what witnesses signed: for somebody to keep elsewhere."""
    output.write(_ask(data, "GET", "head", realm=realm))


@audit.command()
@click.argument("number", type=click.IntRange(0))
@realm_option
@output_option
@data_option
def export(number: int, realm: str, output: Any, data: Path) -> None:
    """An entry with the proof that it is in the log: `hansa audit verify` needs nothing else but the city's keys."""
    output.write(_ask(data, "GET", f"proof/{number}", realm=realm) + b"\n")


@audit.command()
@click.argument("file", type=click.File("rb"))
@click.option(
    "--keys", "known", type=click.File("r"), required=True, help="The city's audit.pub, as you were given it."
)
def verify(file: Any, known: Any) -> None:
    """Check an exported proof, without any city; exits 2 and says what does not hold."""
    shown = proven(file.read(), [Verifier.parse(line) for line in known.read().splitlines() if line.strip()])
    click.echo(
        f"entry {shown.n} of {shown.head.origin}, {shown.head.size:,} entries, signed by {', '.join(shown.signed_by)}"
    )
    if shown.entry is not None:
        at = clock.text(shown.entry.at)
        click.echo(f"{at}  {shown.entry.actor}  {shown.entry.kind}  {json.dumps(shown.entry.what, ensure_ascii=False)}")


@audit.command()
@click.argument("url")
@realm_option
@data_option
def witness(url: str, realm: str, data: Path) -> None:
    """Have a witness sign the newest head: URL is where it takes checkpoints, such as https://graz.example/audit/witness."""
    name, size = asyncio.run(_witnessed(url.rstrip("/") + "/add-checkpoint", realm, data))
    click.echo(f"{name} has witnessed {size:,} entries")


async def _witnessed(url: str, realm: str, data: Path) -> tuple[str, int]:
    settings = settings_.load(data)
    note = await asyncio.to_thread(_ask, data, "GET", "head", realm=realm)
    own = Note.parse(note.decode())
    size = own.head.size
    old, proof = 0, ""
    async with Egress(settings.egress_allow, settings.limits) as egress:
        for _ in range(3):  # it says once how much it has seen; somebody else may be quicker
            body = f"old {old}\n{proof}\n".encode() + note
            answer = await egress.ask(url, "POST", headers={"content-type": "text/plain; charset=utf-8"}, body=body)
            if answer.status != 409:
                break
            old = int(answer.body) if answer.body.strip().isdigit() and len(answer.body) < 20 else -1
            if not 0 <= old <= size:
                raise SourceFailed(f"the witness has seen {answer.body[:40]!r} entries of this log, which has {size}")
            said = await asyncio.to_thread(_ask, data, "GET", "consistency", realm=realm, first=old, second=size)
            proof = "".join(f"{one}\n" for one in json.loads(said)["proof"])
    if not answer.ok:
        raise SourceFailed(f"the witness answered {answer.status}: {answer.body[:300].decode('utf-8', 'replace')}")
    await asyncio.to_thread(_ask, data, "POST", "cosign", answer.body, realm=realm, size=size)
    return answer.body.decode().split(" ")[1], size


@audit.command()
@click.option("--before", "until", required=True, help="A date-time: entries older than that go.")
@realm_option
@data_option
def cut(until: str, realm: str, data: Path) -> None:
    """Let old entries of a sleeping city go; what was, stays provable: an entry states the root of what went."""
    with _asleep(data) as audits:
        log = audits.logs[realm]

        def end(trail: TrailWriter) -> tuple[int, str]:
            found = min(trail.after(clock.parse(until)), trail.witnessed_to()) // WIDTH * WIDTH
            return found, trail.root_at(found).hex() if found > trail.begin else ""

        before, root = log.do(end).result()
        if not root:
            click.echo(
                f"{realm}: nothing to cut off (a cut takes {WIDTH} entries together, and none no witness has seen)"
            )
            return
        said = {"before": before, "root": root, "older_than": until}
        log.note("audit-cut", "administrator", said).result()
        log.do(TrailWriter.keep).result()
        gone = log.do(lambda trail: trail.cut(before)).result()
    click.echo(f"{realm}: {gone:,} entries before {before:,} were cut off, and the log says so")


def noted_export(data: Path, realm: str, *, log: bool) -> None:
    """Note that somebody exports a realm, before he can: in the running city, or in its file while it sleeps."""
    _ask(data, "POST", "/admin/exports", json.dumps({"realm": realm, "log": log}).encode())


def _ask(data: Path, method: str, path: str, body: bytes = b"", **said: Any) -> bytes:
    """One request to the audit door, as the city's administrator: of a running city, or of its files."""
    url = running(data)
    if url is None:
        return _own(data, method, path, body, urlencode(said))
    where = path if path.startswith("/") else f"/audit/{path}"
    try:
        answer = httpx.request(
            method,
            url + where,
            params=said or None,
            content=body,
            headers={"authorization": f"Bearer {token(data)}"},
            timeout=60.0,
            verify=False,  # noqa: S501  # nosec B501  # as `desk.call`: this machine, under its public name
            trust_env=False,
        )
    except httpx.HTTPError as fault:
        raise SourceFailed(f"the city at {url} does not answer: {fault}") from fault
    if answer.status_code >= 400:
        raise told(answer.status_code, answer.content)
    content: bytes = answer.content
    return content


def _own(data: Path, method: str, path: str, body: bytes, query: str) -> bytes:
    with _asleep(data) as audits:
        if path == "/admin/exports":
            what = json.loads(body)
            said = {"of_realm": what["realm"], "log": what["log"]}
            audits.logs["open"].note("export", "administrator", said).result()
            return b""
        request = Request(method, path.split("/"), query.encode(), body, sight=ADMINISTRATOR)
        return asyncio.run(audits.door.handle(request)).body


@contextmanager
def _asleep(data: Path) -> Iterator[Audits]:
    """The audit logs of a city that sleeps."""
    if not (data / "open.db").exists():
        raise BadRequest(f"there is no city in {data}", mend="give its folder with --data")
    settings = settings_.load(data)
    lock = Lock(data)
    try:
        audits = Audits(settings, find_keys(settings))
        try:
            yield audits
        finally:
            audits.close()
    finally:
        lock.release()


commands = {"audit": audit}
