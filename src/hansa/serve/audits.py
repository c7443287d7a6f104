"""The audit logs of a running city: one a realm, what was read, the door, and who witnesses whom."""

from collections.abc import Iterable
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from hansa.errors import BadRequest, HansaError
from hansa.platform.audit import Audit, city_key, public_keys, witness_of
from hansa.platform.audit_door import AuditDoor
from hansa.platform.audit_reads import Reads
from hansa.platform.audit_tally import Tally
from hansa.platform.sqlite.trail import Trail, TrailWriter
from hansa.platform.witness import Witness
from hansa.serve.folder import REALMS
from hansa.serve.keys import Keys
from hansa.settings import Settings
from hansa.trust.actors import Actor
from hansa.trust.heads import Verifier

if TYPE_CHECKING:
    from concurrent.futures import Future

log = structlog.get_logger("hansa.audit")


def parsed(vkeys: Iterable[str], where: str) -> list[Verifier]:
    """Keys that a setting names; BadRequest, naming it, when one is none."""
    try:
        return [Verifier.parse(one) for one in vkeys]
    except BadRequest as fault:
        mend = "a key is name+id+base64, a line of the other city's /audit/keys"
        raise BadRequest(fault.detail, where=where, mend=mend) from None


class Audits:
    """Opened before whatever notes in them, closed after it."""

    def __init__(self, settings: Settings, keys: Keys) -> None:
        """Open those of the city in `settings.data`, or begin them; HansaError when one is not what was signed."""
        data, limits = settings.data, settings.limits
        again = (data / "audit.pub").exists()
        signer = city_key(data)
        with ExitStack() as opened:
            self.logs: dict[str, Audit] = {}
            for realm in REALMS:
                path = data / f"audit-{realm}.db"
                if again and not path.exists():
                    log.warning("the audit log is gone; a new one begins, and says so", file=path.name)
                self.logs[realm] = Audit(TrailWriter(path, realm, signer, keys.seal(path), again=again), limits)
                opened.callback(self.logs[realm].close)
            self._tallies = {realm: Tally(log, limits) for realm, log in self.logs.items()}
            self.reads = {realm: Reads(log, limits) for realm, log in self.logs.items()}

            def trail(realm: str) -> Trail:
                path = data / f"audit-{realm}.db"
                return Trail(path, realm, keys.of(path))

            self.door = AuditDoor(
                self.logs,
                trail,
                Witness(witness_of(signer), parsed(settings.witnessed, "trust.witnessed")),
                witnesses=parsed(settings.witnesses, "trust.witnesses"),
                keys="".join(f"{vkey}\n" for vkey in public_keys(signer)),
                limits=limits,
            )
            opened.callback(self.door.close)
            self._opened = opened.pop_all()

    def note(self, kind: str, actor: str, what: dict[str, Any], *, session: str = "") -> "Future[int] | None":
        """Note what is of no realm in particular: sign-ins, people, policy, machines. As `Tally.note`."""
        return self._tallies["open"].note(kind, actor, what, session=session)

    def refused(self, realm: str, who: Actor, asked: str, problem: bytes) -> None:
        """Note that somebody who is known was refused what he asked for, with what he was told; nobody waits for it."""
        with suppress(HansaError, orjson.JSONDecodeError):  # a refusal that cannot be noted stays one
            what = {"asked": asked[:300], "why": str(orjson.loads(problem).get("detail"))[:300]}
            self._tallies[realm].note("refused", who.id, what, session=who.session)

    def told(self) -> dict[str, dict[str, Any]]:
        """How each log does, for `/health`; not how much is noted, for that is for nobody but auditors to know."""
        return {realm: {"waiting": log.waiting, "full": bool(log.trouble)} for realm, log in self.logs.items()}

    def close(self) -> None:
        """Write what waits, sign, let go of the files."""
        self._opened.close()
