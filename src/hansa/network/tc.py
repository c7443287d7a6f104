"""The kernel's traffic control, asked and told through `tc` and `ip` of iproute2: what `shaping` planned is done.

Nothing is touched that somebody else made unless the caller says so; what fails half way is taken back; what a
replaced root was is kept in /run, which forgets with the kernel, for the day on which the line is given back.
"""

import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hansa.errors import BadRequest, Forbidden, HansaError, NotFound, Refusal
from hansa.network import shaping
from hansa.network.shaping import Filter, Found, Inward, Line, Step, Words

KEPT: Final = Path("/run/hansa-link")  # gone after a boot, as the qdiscs are of which it tells
IFB: Final = "hansa-in-"
_CALL_S: Final = 10.0  # a netlink call takes milliseconds
_TOLD_MAX: Final = 4_000_000  # characters; an interface with more classes than that is nobody's city line
_SBIN: Final = "/usr/local/sbin:/usr/sbin:/sbin"
_LACKS: Final = re.compile(
    r"(qdisc|TC classifier|action) (kind )?(is unknown|not found)|Unknown device type|not supported"
)


@dataclass(frozen=True, slots=True)
class Device:
    """A network interface: its number, its kind (`veth`, `ifb`; empty for hardware), and whether it is up."""

    name: str
    index: int
    kind: str
    up: bool

    @property
    def ifb(self) -> str:
        """The name of the device through which its inward half goes."""
        return f"{IFB}{self.index}"[:15]


@dataclass(frozen=True, slots=True)
class Count:
    """One class as the kernel counts it: rates in bit/s, the rest in bytes and packets."""

    name: str
    rate: int
    ceil: int
    queue: str
    sent_bytes: int
    sent_packets: int
    dropped_packets: int
    backlog_bytes: int
    backlog_packets: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done to one interface, in order, and what should be said of it first."""

    steps: tuple[Step, ...]
    notes: tuple[str, ...]


def device(name: str) -> Device:
    """The interface of that name; NotFound, or Refusal where nothing can be shaped."""
    found = _json(("ip", "-json", "-details", "link", "show", "dev", shaping.interface(name)))
    one = found[0] if found else {}
    index, flags = one.get("ifindex"), one.get("flags")
    if not isinstance(index, int) or not isinstance(flags, list):
        raise HansaError(f"ip says of {name} what hansa does not understand")
    if "LOOPBACK" in flags:
        raise Refusal(f"{name} leads nowhere but here", where="IFACE", mend="name the interface of the line")
    return Device(name, index, str(one.get("linkinfo", {}).get("info_kind", "")), "UP" in flags)


def look(dev: str) -> Found:
    """What a device bears on its way out."""
    qdiscs = _json(("tc", "-json", "qdisc", "show", "dev", dev))
    root = next((one for one in qdiscs if one.get("root")), None)
    if root is not None and root.get("handle") == "0:":
        root = None  # the kernel's own choice
    found = Found(root, {str(one["parent"]): str(one.get("kind")) for one in qdiscs if "parent" in one})
    if not found.ours:
        return found
    filters, strange = _filters(_json(("tc", "-json", "filter", "show", "dev", dev, "parent", shaping.HANDLE)))
    return Found(root, found.leaves, filters, strange)


def inward(one: Device) -> Inward:
    """What a device bears on its way in, and whether our ifb is there."""
    qdiscs = _json(("tc", "-json", "qdisc", "show", "dev", one.name))
    kind = next((str(q["kind"]) for q in qdiscs if q.get("kind") in {"ingress", "clsact"}), "")
    told = _json(("tc", "-json", "filter", "show", "dev", one.name, "ingress")) if kind else []
    filters = [options for f in told if "actions" in (options := f.get("options", {})) or "flowid" in options]
    to = {str(action.get("to_dev")) for options in filters for action in options.get("actions", ())}
    count = max(len(filters), len({f.get("pref") for f in told}))
    return Inward(kind, frozenset(to), count, ifb=_there(one.ifb))


def plan(name: str, line: Line, direction: str = "auto", *, replace: bool = False) -> Plan:
    """What `put` would do now. Refusal where somebody else's work is in the way."""
    one = device(name)
    if name.startswith(IFB):
        raise Refusal(f"{name} is the inward half of another line", where="IFACE", mend="name the line itself")
    notes = [] if one.up else [f"{name} is down: nothing passes until it is up"]
    found = look(name)
    if found.root is not None and not found.ours and replace and shaping.restored(found.root) is None:
        notes.append(f"{shaping.named(found.root)} goes for good: hansa cannot make it again")
    out = shaping.shape(name, line, found, replace=replace)
    if direction == "out":
        return Plan(tuple(out), tuple(notes))
    coming = inward(one)
    try:
        last = shaping.divert(name, one.ifb, coming, replace=replace)
    except Refusal as fault:
        if direction == "both":
            raise
        return Plan(tuple(out), (*notes, f"only what leaves is shaped: {fault.detail}"))
    behind = look(one.ifb) if coming.ifb else Found()
    through = shaping.shape(one.ifb, line, behind, replace=True)  # whatever it bears: it is ours
    return Plan((*out, *shaping.ifb_steps(one.ifb, coming), *through, *last), tuple(notes))


def put(name: str, line: Line, direction: str = "auto", *, replace: bool = False) -> list[str]:
    """Make a line share itself so; what to tell the caller. Where a step fails, the line is left as it was."""
    one = device(name)
    with _alone():
        plan(name, line, direction, replace=replace)  # what will be refused is refused before anything is touched
        before, first = look(name), plan(name, line, "out", replace=replace)
        with _or_as_it_was(one, before):
            notes = [*first.notes, *_do(first.steps)]
            if direction == "out":
                _do(shaping.unshape(name, one.ifb, Found(), inward(one), None))
            else:
                notes += _put_inward(one, line, direction, replace=replace)
    return list(dict.fromkeys(notes))


def _put_inward(one: Device, line: Line, direction: str, *, replace: bool) -> list[str]:
    coming = inward(one)
    try:
        both = plan(one.name, line, direction, replace=replace)
        return [*both.notes, *_do(both.steps)]
    except BaseException as fault:
        if not coming.ours(one.ifb):  # half of a diversion would be a hole
            with contextlib.suppress(HansaError):
                _do(shaping.unshape(one.name, one.ifb, Found(), inward(one), None))
        if direction == "auto" and isinstance(fault, Refusal):  # the kernel has no ifb
            return [f"only what leaves is shaped: {fault.detail}"]
        raise


@contextlib.contextmanager
def _or_as_it_was(one: Device, before: Found) -> Iterator[None]:
    """Remember what was there, and bring it back where the work within fails; what was ours already stays."""
    kept = _kept(one)
    if before.ours:
        yield
        return
    _remember(kept, before.root)
    try:
        yield
    except BaseException:
        with contextlib.suppress(HansaError):
            _do(_back(one, before.root))
        kept.unlink(missing_ok=True)
        raise


def take(name: str) -> list[str]:
    """Take away what `put` made and bring back what was there; what to tell. NotFound where hansa made nothing."""
    one = device(name)
    with _alone():
        found, coming = look(name), inward(one)
        if not found.ours and not coming.ours(one.ifb) and not coming.ifb:
            there = f": {shaping.named(found.root)} is somebody else's" if found.root is not None else ""
            raise NotFound(f"{name} is not shaped by hansa{there}", where="IFACE")
        kept = _kept(one)
        before = _remembered(kept)
        _do(shaping.unshape(name, one.ifb, found, coming, before))
        kept.unlink(missing_ok=True)
        if not found.ours:
            return ["what came in is not held up any more; of what leaves hansa held nothing"]
        if before is None:
            return ["the kernel's own queue is back"]
        if shaping.restored(before) is None:
            return [
                f"{shaping.named(before)}, which was there, cannot be made again by hansa: the kernel's own is back"
            ]
        return [f"{shaping.named(before)}, which was there, is back"]


def counts(name: str) -> dict[str, list[Count]]:
    """What the classes of a line carried, by direction; empty where hansa shapes nothing."""
    one = device(name)
    said = {"out": _counts(name)} if look(name).ours else {}
    if inward(one).ours(one.ifb) and look(one.ifb).ours:
        said["in"] = _counts(one.ifb)
    return said


_CLASS = re.compile(r"^class htb (?P<flow>[0-9a-f]+:[0-9a-f]+) .*?rate (?P<rate>\S+) ceil (?P<ceil>\S+)")
_SENT = re.compile(r"^ Sent (?P<bytes>[0-9]+) bytes (?P<packets>[0-9]+) pkt")
_SPEED = re.compile(r"([0-9]+)([KMGT]?)bit")


def classes(text: str) -> dict[str, tuple[int, int, int, int]]:
    """Rate, ceiling (bit/s), bytes and packets of each class in what `tc -s class show` says: HTB's has no JSON."""
    told, flow, limits = {}, "", (0, 0)
    for row in text.splitlines():
        if head := _CLASS.match(row):
            flow, limits = head["flow"], (_speed(head["rate"]), _speed(head["ceil"]))
        elif (sent := _SENT.match(row)) and flow:
            told[flow] = (*limits, int(sent["bytes"]), int(sent["packets"]))
    return told


def _speed(said: str) -> int:
    found = _SPEED.fullmatch(said)
    if found is None:
        raise HansaError(f"tc says a rate that hansa does not understand: {said[:40]!r}")
    return int(found[1]) * int(1_000 ** " KMGT".index(found[2] or " "))


def _counts(dev: str) -> list[Count]:
    told = classes(_call(("tc", "-s", "class", "show", "dev", dev)))
    queues = {one.get("parent"): one for one in _json(("tc", "-s", "-json", "qdisc", "show", "dev", dev))}
    said = []
    for share in Line(100, 1, 1, 100).shares:  # only for their names and numbers
        if share.flow not in told:
            raise HansaError(f"{dev} lacks the class of {share.name}", mend="run `hansa link set` again")
        queue = queues.get(share.flow, {})
        waits = (int(queue.get(what, 0)) for what in ("drops", "backlog", "qlen"))
        rate, ceil, sent, packets = told[share.flow]
        said.append(Count(share.name, rate, ceil, str(queue.get("kind", "")), sent, packets, *waits))
    return said


def _filters(told: Iterable[Mapping[str, Any]]) -> tuple[frozenset[Filter], bool]:
    """The u32 filters among what tc lists, and whether there is anything else among them."""
    found, strange = set(), False
    for one in told:
        options = one.get("options", {})
        if one.get("kind") != "u32":
            strange = True
        elif "match" in options:
            match = options["match"]
            try:
                value, mask = int(match["value"], 16), int(match["mask"], 16)
                where = (int(match["off"]), str(options["flowid"]))
                found.add(Filter(int(one["pref"]), str(one["protocol"]), value, mask, *where))
            except (KeyError, ValueError, TypeError):
                strange = True
    return frozenset(found), strange


def _back(one: Device, before: Mapping[str, Any] | None) -> list[Step]:
    """What brings a line back after a `put` that failed; what was never taken away is not put there again."""
    now = look(one.name)
    lost = before is not None and now.root is None
    steps = shaping.unshape(one.name, one.ifb, now, inward(one), before)
    if lost and before is not None and (words := shaping.restored(before)) is not None:
        steps.append(Step(("tc", "qdisc", "add", "dev", one.name, "root", *words)))
    return steps


def _do(steps: Iterable[Step]) -> list[str]:
    """Run them in order; what is to be told. Refusal, Forbidden or NotFound says why one of them could not be done."""
    told = []
    for step in steps:
        try:
            _call(step.words)
        except Refusal:
            if not step.otherwise:
                raise
            _call(step.otherwise)
            told.append(step.told)
    return told


def _json(words: Words) -> list[dict[str, Any]]:
    text = _call(words).strip()
    try:
        found = json.loads(text or "[]")
    except ValueError:
        raise HansaError(f"{words[0]} answers no JSON", mend="iproute2 5.10 or newer does") from None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise HansaError(f"{words[0]} answers JSON that hansa does not understand")
    return [one for one in found if one]  # ip tells of what it filtered away as {}


def _call(words: Words) -> str:
    """What a program says; an error of ours tells whose fault it is that it could not do it."""
    program = shutil.which(words[0], path=f"{os.environ.get('PATH', '')}:{_SBIN}")
    if program is None:
        raise BadRequest(f"there is no {words[0]} here", mend="apt-get install iproute2; the line must be Linux'")
    try:
        done = subprocess.run(  # noqa: S603  # a list of words, each checked or ours
            [program, *words[1:]],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_CALL_S,
            check=False,
            env={"LC_ALL": "C", "PATH": _SBIN},
        )
    except subprocess.TimeoutExpired:
        raise HansaError(f"`{' '.join(words)}` does not come to an end") from None
    said, fault = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace").strip()
    if len(said) > _TOLD_MAX:
        raise HansaError(f"`{' '.join(words)}` says more than hansa reads: {len(said):,} characters")
    if done.returncode == 0:
        return said
    call = f"`{' '.join(words)}`: {fault.splitlines()[0][:300] if fault else 'failed'}"
    if "Operation not permitted" in fault or "Permission denied" in fault:
        raise Forbidden(call, mend="run it as root (it takes CAP_NET_ADMIN in the interface's network namespace)")
    if "does not exist" in fault or "Cannot find device" in fault:
        raise NotFound(call, where="IFACE", mend="`ip link` lists the interfaces")
    if _LACKS.search(fault):
        raise Refusal(call, mend="the kernel lacks that module: modprobe sch_htb sch_fq_codel cls_u32 act_mirred ifb")
    raise HansaError(call)


def _there(name: str) -> bool:
    try:
        return device(name).kind == "ifb"
    except NotFound:
        return False


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One at a time: two that set one line would undo each other's steps."""
    try:
        KEPT.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(KEPT / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as fault:
        raise Forbidden(f"{KEPT} cannot be written: {fault.strerror}", mend="run it as root") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _kept(one: Device) -> Path:
    """Where the former root of an interface is kept: by network namespace and number, for names are used again."""
    return KEPT / f"{Path('/proc/thread-self/ns/net').stat().st_ino}-{one.index}.json"


def _remember(file: Path, root: Mapping[str, Any] | None) -> None:
    if root is None:
        file.unlink(missing_ok=True)
    else:
        file.write_text(json.dumps(dict(root)))


def _remembered(file: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(file.read_text()[:_TOLD_MAX])
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
