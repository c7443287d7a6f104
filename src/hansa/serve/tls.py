"""The certificate that the city's doors show: given by the operator, or made, kept and renewed by the city itself.

`DATA/tls` holds the city's own authority (`ca.pem`, `ca.key`) and its server certificate (`server.pem`, key and
certificate in one, so that a crash cannot leave half). Keys are readable by the owner alone. A certificate is replaced
without a restart: each door has one context for ever, which hands every new connection on to the newest (by the hook
that TLS has for server names), while connections that are open stay as they are. Wall time throughout.
"""

import os
import socket
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import structlog

from hansa.errors import BadRequest
from hansa.settings import Settings, address
from hansa.trust import authority
from hansa.trust.authority import Pair

log = structlog.get_logger("hansa.tls")

CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: forward secret and authenticated. Those of 1.3 are all both."""
WATCH_S: Final = 10.0
"""How often the files are looked at."""
_FOLDER: Final = "tls"
_SOON_DAYS: Final = 14
_ROUTES: Final = (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6))  # nobody's; nothing is sent there


def wall() -> datetime:
    """Now, by which certificates live."""
    return datetime.now(UTC)


class Certificate:
    """What the doors of a running city show."""

    def __init__(
        self, settings: Settings, names: Callable[[], Iterable[str]], now: Callable[[], datetime] = wall
    ) -> None:
        """Load the given certificate, or make one; BadRequest when the given one cannot be used.

        `names` says what this host is called now: the city's own certificate follows it.
        """
        self._settings = settings
        self._names = names
        self._now = now
        self.own = not (settings.certificate and settings.key)
        self._files = (settings.certificate, settings.key)
        self._newest: dict[tuple[str, ...], ssl.SSLContext] = {}
        self._warned = False
        if self.own:
            self._renew()
        elif Path(settings.key).exists() and Path(settings.key).stat().st_mode & 0o077:
            log.warning("others on this machine may read the certificate's key", key=settings.key)
        self._seen = self._state()
        self._until = self._load()

    @property
    def until(self) -> datetime:
        """When it ends."""
        return self._until

    def door(self, *protocols: str) -> ssl.SSLContext:
        """The context of a door whose clients speak `protocols` (ALPN); it shows the newest certificate for ever."""
        self._newest[protocols] = self._context(protocols)
        outer = self._context(protocols)

        def hand_on(connection: Any, _name: str | None, _context: ssl.SSLContext) -> None:
            connection.context = self._newest[protocols]

        outer.sni_callback = hand_on
        return outer

    def refresh(self, *, anyway: bool = False) -> bool:
        """Look at the files (and at the time left of our own); whether new connections get another certificate now.

        What cannot be used is logged, and the one in use stays.
        """
        try:
            renewed = self._renew() if self.own else False
            state = self._state()
            if not (renewed or anyway or state != self._seen):
                self._warn()
                return False
            self._seen = state
            until = self._load()
        except (BadRequest, OSError) as fault:
            log.error("the certificate cannot be used; the one before stays", error=str(fault))  # noqa: TRY400  # said whole
            return False
        self._until = until
        self._warned = False
        log.info("a new certificate is in use", until=until.isoformat())
        return True

    def _load(self) -> datetime:
        """Read the files into a context for each door; all or none."""
        made = {protocols: self._context(protocols) for protocols in (*self._newest, ())}
        until = authority.until(Path(self._files[0]).read_bytes())
        self._newest = made
        return until

    def _context(self, protocols: tuple[str, ...]) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
        context.set_ciphers(CIPHERS)
        if protocols:
            context.set_alpn_protocols(list(protocols))
        try:
            context.load_cert_chain(*self._files, password=_no_password)
        except (OSError, ssl.SSLError, ValueError) as fault:
            raise BadRequest(f"the certificate cannot be used: {fault}", where="serve.certificate") from None
        return context

    def _state(self) -> list[tuple[int, int, int]]:
        found = []
        for file in self._files:
            with suppress(OSError):
                of = Path(file).stat()
                found.append((of.st_mtime_ns, of.st_size, of.st_ino))
        return found

    def _renew(self) -> bool:
        """Make what is missing or nearly over; whether anything was made."""
        folder = self._settings.data / _FOLDER
        signer, made = of_city(self._settings.data, self._settings.name, self._now)
        file = folder / "server.pem"
        self._files = (str(file), str(file))
        names = sorted(filter(None, map(authority.host_name, self._names())))
        why = "there is none"
        if file.exists():
            why = authority.due(signer.certificate, _only_certificate(file.read_bytes()), names, self._now())
        if not why:
            return made
        server = authority.issue(signer, names, self._now())
        _write(file, server.certificate + server.key)
        log.info("a certificate was made", why=why, names=names)
        return True

    def _warn(self) -> None:
        left = (self._until - self._now()).days
        if not self._warned and left < _SOON_DAYS:
            self._warned = True
            log.warning("the certificate ends soon", until=self._until.isoformat(), days=left)


def of_city(data: Path, name: str, now: Callable[[], datetime] = wall, *, make: bool = True) -> tuple[Pair, bool]:
    """The city's own authority, and whether it was made just now; BadRequest when it is there in part."""
    folder = data / _FOLDER
    certificate, key = folder / "ca.pem", folder / "ca.key"
    if certificate.exists() and key.exists():
        held = Pair(certificate.read_bytes(), key.read_bytes())
        if authority.until(held.certificate) - now() > authority.SERVER:
            return held, False
        log.warning("the city's authority ends; people and devices need the new one (hansa ca show)")
    elif certificate.exists():
        raise BadRequest(f"{key} is gone", where=str(key), mend=f"put it back, or remove {certificate} for a new one")
    if not make:
        raise BadRequest(
            "this city has no authority of its own",
            mend="it is made when the city is first served beyond this machine without a given certificate",
        )
    made = authority.make(name, now())
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(key, made.key)
    _write(certificate, made.certificate, 0o644)
    return made, True


def host_names(settings: Settings) -> set[str]:
    """What this host is called: itself, its addresses, those it binds, and the city's public name."""
    found = {"localhost", "127.0.0.1", "::1", socket.gethostname()}
    with suppress(OSError):
        found |= {str(one[4][0]) for one in socket.getaddrinfo(socket.gethostname(), None)}
    for there, family in _ROUTES:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as asked:
            asked.connect((there, 9))
            found.add(str(asked.getsockname()[0]))
    for bound in (settings.http, settings.mqtts):
        if bound and (host := address(bound, "serve")[0]) not in {"0.0.0.0", "::"}:  # noqa: S104  # nosec B104  # compared
            found.add(host)
    if settings.url and (public := urlsplit(settings.url).hostname):
        found.add(public)
    return found


def _only_certificate(pem: bytes) -> bytes:
    """The first certificate of a PEM file that holds a key too."""
    end = b"-----END CERTIFICATE-----"
    return pem.partition(end)[0] + end + b"\n"


def _no_password() -> str:
    raise BadRequest("its key has a password", where="serve.key", mend="give a key without one, readable by its owner")


def _write(file: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file whole, or not at all."""
    half = file.with_name(f".{file.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        half.unlink()
    handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    half.replace(file)
