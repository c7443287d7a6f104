"""Ballots: what a voter has signed blindly and casts unnamed, what is published of all of them, and who finds a fault.

A ballot is `prefix + message`, where the message says which vote it is of, a random serial and what was chosen; the
city has signed it without seeing it (`blind`). So whoever has the vote's public key sees that a ballot is one, whoever
alters it breaks its signature, and whoever signed it does not know whose it was. After the close all of them are
published in one file of JSON lines: a head (the question as it stood, keys, how many were given a ballot, how many were
cast, the Merkle root of RFC 9162 over all, the result), the head's signature, then the ballots by their serials, which
is no order at all. `Checked` is what anybody finds in such a file. A file alone proves only that it agrees with
itself, for anybody can seal another: so one `fingerprint` of question, key and seal together is announced when a vote
opens, and a file is compared with that.
Pure. Report: 2.2.9, 3.2.1; ADR 0017. Tests: `tests/trust/test_ballots.py`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import IO, Any, Final, Self

import orjson
import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hansa.clock import parse
from hansa.errors import BadRequest, Forbidden, Unauthenticated
from hansa.trust.actors import PASSKEY, Actor
from hansa.trust.blind import PREFIX, PublicKey, Verifies, coded, uncoded
from hansa.trust.counting import RULES, Option, Result, count
from hansa.trust.merkle import Frontier, leaf_hash
from hansa.trust.people import needs

FORMAT: Final = "hansa-ballots-1"
RECEIPT: Final = "hansa-receipt-1"
ANNOUNCED: Final = "hansa-vote-1"
SERIAL: Final = 32
OPTIONS: Final = 500
"""Of one vote: more is no ballot that anybody reads."""
CHOSEN: Final = 50
"""Of one ballot."""
MONEY: Final = 10**15
"""Of a budget, in whole units."""
LINE: Final = 8_192
"""Bytes of a published ballot."""
HEAD: Final = 4_000_000
"""Bytes of a head, with 500 options and every step of the count."""
FAULTS: Final = 1_000
"""Faults told of one file."""
KINDS: Final = ("choice", "approval", "budget")
_WORD = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z", re.ASCII)
_MONEY_RULES: Final = frozenset({"greedy", "equal-shares"})


@dataclass(frozen=True, slots=True)
class Vote:
    """What is asked, as it stood when the vote was opened: nothing of it changes from then on."""

    id: str
    said: Mapping[str, Any]
    kind: str
    rule: str
    options: Mapping[str, Option]
    most: int
    budget: int
    knapsack: bool
    districts: Mapping[str, int]
    opens: int
    closes: int

    @classmethod
    def read(cls, said: object) -> Self:
        """Of JSON: `ballot`, `question`, `kind`, `rule`, `options`, `most`, `budget`, `knapsack`, `districts`,
        `opens`, `closes`, `who`. BadRequest, naming the member.
        """  # fmt: skip
        if not isinstance(said, Mapping):
            raise BadRequest("a vote is a JSON object", where="vote")
        ident, kind, rule = said.get("ballot"), said.get("kind"), said.get("rule")
        if not isinstance(ident, str) or not ident.isprintable() or not 0 < len(ident) <= 300:
            raise BadRequest("ballot is the id of a vote", where="ballot")
        if kind not in KINDS or rule not in RULES or (rule in _MONEY_RULES) is not (kind == "budget"):
            raise BadRequest("no such kind of vote, or not counted by that rule", where="rule", mend=", ".join(RULES))
        options = cls._options(said.get("options"), dear=kind == "budget")
        most = 1 if kind == "choice" else _whole(said.get("most", min(len(options), CHOSEN)), "most", 1, CHOSEN)
        budget = _whole(said.get("budget", 0), "budget", 1 if kind == "budget" else 0, MONEY)
        districts = said.get("districts", {})
        if not isinstance(districts, Mapping) or len(districts) > OPTIONS:
            raise BadRequest("districts says what each may spend", where="districts")
        sums = {str(name): _whole(sum_, "districts", 0, MONEY) for name, sum_ in districts.items()}
        if sum(sums.values()) > budget:
            raise BadRequest("the districts have more than there is", where="districts")
        knapsack = said.get("knapsack", False)
        if not isinstance(knapsack, bool):
            raise BadRequest("knapsack is true or false", where="knapsack")
        opens, closes = (_time(said.get(name), name) for name in ("opens", "closes"))
        _who(said.get("who", {}))
        if opens >= closes:
            raise BadRequest("it closes before it opens", where="closes")
        try:
            rfc8785.dumps(dict(said))
        except (rfc8785.CanonicalizationError, RecursionError):
            raise BadRequest("it has a number or a depth that not everybody writes alike", where="vote") from None
        return cls(ident, said, kind, rule, options, most, budget, knapsack, sums, opens, closes)

    @staticmethod
    def _options(said: object, *, dear: bool) -> dict[str, Option]:
        if not isinstance(said, list) or not 2 <= len(said) <= OPTIONS:
            raise BadRequest(f"a vote has 2 to {OPTIONS} options", where="options")
        found: dict[str, Option] = {}
        for n, one in enumerate(said):
            where = f"options[{n}]"
            word = one.get("id") if isinstance(one, Mapping) else None
            if not isinstance(word, str) or not _WORD.match(word) or word in found:
                mend = "small letters, digits and -, each once"
                raise BadRequest("the id of an option is a short word of its own", where=where, mend=mend)
            cost = _whole(one.get("cost", 0), f"{where}.cost", 1 if dear else 0, MONEY)
            district = one.get("district", "")
            if not isinstance(district, str) or len(district) > 100:
                raise BadRequest("district is a name", where=f"{where}.district")
            found[word] = Option(word, cost, district)
        return found

    def may(self, who: Actor) -> None:
        """Let pass whoever may vote; Unauthenticated, StepUp, or Forbidden with what is wanted.

        `who` in the question: of some of `roles` and of some of `departments` (a district is one), known with at least
        `assurance`. Only people vote: no service, and nobody who merely sits at the city's machine.
        """
        roles, departments, assurance = _who(self.said.get("who", {}))
        if who.kind == "public":
            raise Unauthenticated("who are you?", mend="sign in: /sign-in")
        if who.kind != "person":
            raise Forbidden("people vote", mend="sign in as yourself")
        for name, wanted, has in (("roles", roles, who.roles), ("departments", departments, who.departments)):
            if wanted and not wanted & has:
                raise Forbidden("this vote is for others", where=name, mend=f"it is for: {', '.join(sorted(wanted))}")
        needs(who, assurance)

    def fingerprint(self, key: PublicKey, seal: bytes) -> str:
        """What is announced when it opens: SHA-256, base64url, of all of the question, its key and its seal (RFC 8785).

        Whoever knows it knows a file that is of another key, another seal, or of a question that was changed.
        """
        said: dict[str, Any] = {
            "format": ANNOUNCED,
            "key": key.fingerprint,
            "seal": coded(seal),
            "vote": dict(self.said),
        }
        return coded(sha256(rfc8785.dumps(said)).digest())

    @property
    def bytes(self) -> bytes:
        """What is digested and published (RFC 8785)."""
        return rfc8785.dumps(dict(self.said))

    def chosen(self, said: object) -> tuple[str, ...]:
        """What a ballot chooses, in the one order in which it is written; BadRequest when it may not be chosen."""
        if not isinstance(said, list | tuple) or not all(isinstance(one, str) for one in said):
            raise BadRequest("choice is a list of options", where="choice")
        if len(said) > self.most:
            raise BadRequest(f"{len(said):,} are chosen; {self.most} are the most", where="choice")
        if unknown := [one for one in said if one not in self.options]:
            raise BadRequest(f"there is no option {unknown[0][:40]!r}", where="choice")
        if len(set(said)) != len(said):
            raise BadRequest("an option is chosen once", where="choice")
        if self.knapsack and sum(self.options[one].cost for one in said) > self.budget:
            raise BadRequest(f"together they cost more than {self.budget:,}", where="choice")
        return tuple(sorted(said))


@dataclass(frozen=True, slots=True)
class Cast:
    """One ballot as it is cast, kept and published."""

    serial: bytes
    prefix: bytes
    choice: tuple[str, ...]
    signature: bytes

    @classmethod
    def read(cls, said: object, vote: Vote, size: int) -> Self:
        """Of JSON; BadRequest when it is none of this vote. Its signature is not looked at; it has `size` bytes."""
        if not isinstance(said, Mapping) or set(said) != {"serial", "prefix", "choice", "signature"}:
            raise BadRequest("a ballot is serial, prefix, choice and signature", where="ballot")
        serial, prefix = uncoded(said["serial"], "serial", SERIAL), uncoded(said["prefix"], "prefix", PREFIX)
        chosen = vote.chosen(said["choice"])
        if list(chosen) != list(said["choice"]):
            raise BadRequest("what is chosen is told in the order of the letters", where="choice")
        return cls(serial, prefix, chosen, uncoded(said["signature"], "signature", size))

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "serial": coded(self.serial),
            "prefix": coded(self.prefix),
            "choice": list(self.choice),
            "signature": coded(self.signature),
        }

    def signed(self, ballot: str) -> bytes:
        """What its signature is of."""
        return self.prefix + message(ballot, self.serial, self.choice)

    def leaf(self, ballot: str) -> bytes:
        """Its hash in the tree."""
        return leaf_hash(self.signed(ballot) + self.signature)


def message(ballot: str, serial: bytes, choice: Iterable[str]) -> bytes:
    """The message of a ballot: a line each for the format, the vote, the serial, and every option that is chosen."""
    return "\n".join(("hansa-ballot-1", ballot, coded(serial), *choice)).encode()


class Seal:
    """The key by which a vote's receipts and its published head are signed; of one vote alone."""

    __slots__ = ("_key", "private", "public")

    def __init__(self, private: bytes | None = None) -> None:
        """`private` are 32 bytes; None makes a new one."""
        key = Ed25519PrivateKey.generate() if private is None else Ed25519PrivateKey.from_private_bytes(private)
        self._key = key
        self.private = key.private_bytes_raw()
        self.public = key.public_key().public_bytes_raw()

    def receipt(self, ballot: str, leaf: bytes) -> str:
        """What a voter gets for his ballot: no time is in it, and the same ballot gets the same again."""
        return coded(self._key.sign(_receipt(ballot, leaf)))

    def head(self, head: bytes) -> str:
        """The signature of a published head."""
        return coded(self._key.sign(FORMAT.encode() + b"\n" + head))


def _receipt(ballot: str, leaf: bytes) -> bytes:
    return f"{RECEIPT}\n{ballot}\n{coded(leaf)}".encode()


def _sealed(public: bytes, text: bytes, signature: object) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(uncoded(signature, "seal", 64), text)
    except (InvalidSignature, BadRequest, ValueError):
        return False
    return True


def counted(vote: Vote, choices: Sequence[tuple[str, ...]]) -> Result:
    """The result of a vote."""
    return count(vote.rule, list(vote.options.values()), choices, vote.budget, vote.districts)


def published(
    vote: Vote,
    key: PublicKey,
    seal: Seal,
    given: int,
    cast: Iterable[Cast],
    counts: Callable[[Vote, Sequence[tuple[str, ...]]], Result] = counted,
) -> Iterator[bytes]:
    """The lines of the file of a vote that is over: head, its signature, ballots by their serials.

    `counts` is what counts, `counted` or the same elsewhere.
    """
    ballots = sorted(cast, key=lambda one: one.serial)
    tree = Frontier()
    for one in ballots:
        for _ in tree.append(one.leaf(vote.id)):
            pass  # the tiles of a growing log: nobody asks for them here
    result = counts(vote, [it.choice for it in ballots])
    head = orjson.dumps(
        {
            "format": FORMAT,
            "vote": dict(vote.said),
            "key": key.jwk,
            "fingerprint": vote.fingerprint(key, seal.public),
            "seal": coded(seal.public),
            "given": given,
            "cast": len(ballots),
            "root": coded(tree.root()),
            "result": result.told(),
        }
    )
    yield head
    yield orjson.dumps({"signature": seal.head(head)})
    for one in ballots:
        yield orjson.dumps(one.told())


@dataclass(slots=True)
class Checked:
    """What was found in a published file. It holds when there is no fault."""

    ballot: str = ""
    fingerprint: str = ""
    seal: str = ""
    given: int = 0
    cast: int = 0
    counted: int = 0
    root: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    mine: str = ""
    """Of a receipt: `there`, or why not."""
    compared: list[str] = field(default_factory=list)
    """With what the fingerprint was compared: `announced`, `receipt`. Empty: anybody may have made this file."""

    def fault(self, text: str) -> None:
        """One more, unless there are too many to read."""
        if len(self.faults) < FAULTS:
            self.faults.append(text)


def check(lines: Iterable[bytes], receipt: Mapping[str, Any] | None = None, announced: str = "") -> Checked:
    """Read a published file from end to end and count it anew; every fault in words, nothing is raised.

    `announced` is the fingerprint that was told when the vote opened; a receipt bears the one that its voter's browser
    was told. Without either it is not known whose file this is: `compared` stays empty.
    """
    found = Checked()
    it = iter(lines)
    try:
        head_line = _line(it, HEAD)
        vote, key, seal = _head(head_line, _line(it, LINE), found)
    except BadRequest as fault:
        found.fault(f"the head cannot be read: {fault.detail}")
        return found
    _compare(found, announced, receipt)
    verifies, tree, before, leaves = key.verifier(), Frontier(), b"", set[bytes]()
    choices: list[tuple[str, ...]] = []
    wanted = None if receipt is None else _wanted(receipt, vote, key, seal, found)
    for n, line in enumerate(it, 1):
        if not line.strip():
            continue
        one = _ballot(line, n, vote, key, found)
        if one is None:
            continue
        found.cast += 1
        leaf = one.leaf(vote.id)
        for _ in tree.append(leaf):
            pass
        if wanted is not None and leaf == wanted:
            leaves.add(leaf)
        if one.serial == before:
            found.fault(f"ballot {n} has the serial of the one before: it is there twice")
        elif one.serial < before:
            found.fault(f"ballot {n} is not in its place: the order may tell something")
        if not _holds(one, vote, verifies):
            found.fault(f"ballot {n} ({coded(one.serial)[:12]}…) is not signed by the vote's key: altered, or made up")
        elif one.serial != before:
            choices.append(one.choice)
        before = max(before, one.serial)
    found.counted = len(choices)
    _sums(head_line, tree, choices, vote, found)
    if wanted is not None and not found.mine:
        found.mine = "there" if wanted in leaves else "missing: keep the receipt, it proves that the city took it"
    return found


def _compare(found: Checked, announced: str, receipt: Mapping[str, Any] | None) -> None:
    """Whether it is the vote that was announced, and that the receipt's voter was told of."""
    kept = None if receipt is None or receipt.get("ballot") != found.ballot else receipt.get("fingerprint")
    for name, said, words in (
        ("announced", announced.strip(), "the one that was announced"),
        ("receipt", kept, "the one that your browser kept with your receipt"),
    ):
        if not said:
            continue
        found.compared.append(name)
        if said != found.fingerprint:
            found.fault(f"its fingerprint is not {words}: question, key or seal is another")


def parted(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a file, none read farther than a line may be long: what is longer comes in pieces, as faults."""
    yield file.readline(HEAD + 1)
    while line := file.readline(LINE + 2):
        yield line


def _line(lines: Iterator[bytes], most: int) -> bytes:
    line = next(lines, b"").rstrip(b"\r\n")
    if not line or len(line) > most:
        raise BadRequest("a line is missing or too long", where="head")
    return line


def _head(line: bytes, signed: bytes, found: Checked) -> tuple[Vote, PublicKey, bytes]:
    try:
        head, signature = orjson.loads(line), orjson.loads(signed)
    except ValueError:
        raise BadRequest("it is no JSON", where="head") from None
    if not isinstance(head, dict) or head.get("format") != FORMAT or not isinstance(signature, dict):
        raise BadRequest("it is no file of published ballots", where="format")
    vote, key = Vote.read(head.get("vote")), PublicKey.read(head.get("key"))
    seal = uncoded(head.get("seal"), "seal", 32)
    found.given = _whole(head.get("given"), "given", 0, 10**12)
    found.ballot, found.fingerprint, found.seal = vote.id, vote.fingerprint(key, seal), coded(seal)
    if head.get("fingerprint") != found.fingerprint:
        found.fault("the head names another fingerprint than its question, key and seal have")
    if not _sealed(seal, FORMAT.encode() + b"\n" + line, signature.get("signature")):
        found.fault("the head is not signed by the vote's own seal: it was changed")
    return vote, key, seal


def _ballot(line: bytes, n: int, vote: Vote, key: PublicKey, found: Checked) -> Cast | None:
    try:
        if len(line) > LINE:
            raise BadRequest("it is too long", where="ballot")  # noqa: TRY301  # told as every other fault of a line
        return Cast.read(orjson.loads(line), vote, key.size)
    except (BadRequest, ValueError) as fault:
        detail = fault.detail if isinstance(fault, BadRequest) else "it is no JSON"
        found.fault(f"ballot {n} is none of this vote: {detail}")
        return None


def _holds(one: Cast, vote: Vote, verifies: Verifies) -> bool:
    return verifies.holds(one.signed(vote.id), one.signature)


def _sums(line: bytes, tree: Frontier, choices: Sequence[tuple[str, ...]], vote: Vote, found: Checked) -> None:
    """Whether root, numbers and result are those that the ballots give."""
    head = orjson.loads(line)
    found.root = coded(tree.root())
    if head.get("root") != found.root:
        found.fault("the root is another: a ballot was altered, dropped or added after the count")
    if head.get("cast") != found.cast:
        found.fault(f"{found.cast:,} ballots are here, and the head says {head.get('cast')!r}")
    if found.cast > found.given:
        found.fault(f"{found.cast:,} ballots were cast, and {found.given:,} were given one: some were made up")
    found.result = counted(vote, choices).told()
    if head.get("result") != found.result:
        found.fault("counted anew, the result is another")


def _wanted(receipt: Mapping[str, Any], vote: Vote, key: PublicKey, seal: bytes, found: Checked) -> bytes | None:
    """The leaf that a receipt is about; None, with the reason in `mine`, when it is none of this vote."""
    try:
        if receipt.get("format") != RECEIPT or receipt.get("ballot") != vote.id:
            raise BadRequest("the receipt is of another vote", where="receipt")  # noqa: TRY301
        one = Cast.read({it: receipt.get(it) for it in ("serial", "prefix", "choice", "signature")}, vote, key.size)
    except BadRequest as fault:
        found.mine = f"not to be looked for: {fault.detail}"
        return None
    leaf = one.leaf(vote.id)
    if not _holds(one, vote, key.verifier()):
        found.mine = "signed by another key than everybody else's: the city gave you one of your own, to know you by"
        found.fault(f"the receipt: {found.mine}")
        return None
    if not _sealed(seal, _receipt(vote.id, leaf), receipt.get("receipt")):
        found.mine = "not to be looked for: the receipt is not signed by this vote's seal"
        return None
    return leaf


def _whole(said: object, where: str, least: int, most: int) -> int:
    if type(said) is not int or not least <= said <= most:
        raise BadRequest(f"{where} is a whole number, {least:,} to {most:,}", where=where)
    return said


def _who(said: object) -> tuple[frozenset[str], frozenset[str], int]:
    if not isinstance(said, Mapping) or set(said) - {"roles", "departments", "assurance"}:
        raise BadRequest("who may vote: roles, departments, assurance", where="who")
    found = []
    for name in ("roles", "departments"):
        words = said.get(name, [])
        if not isinstance(words, list) or len(words) > OPTIONS or not all(isinstance(one, str) for one in words):
            raise BadRequest(f"{name} is a list of names", where=f"who.{name}")
        found.append(frozenset(words))
    return found[0], found[1], _whole(said.get("assurance", 1), "who.assurance", 1, PASSKEY)


def _time(said: object, where: str) -> int:
    if not isinstance(said, str):
        raise BadRequest(f"{where} is a date-time", where=where)
    try:
        return parse(said)
    except BadRequest as fault:
        raise BadRequest(fault.detail, where=where, mend=fault.mend) from None
