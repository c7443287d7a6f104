"""A real mosquitto on loopback, and its own client as the subscriber."""

import datetime as dt
import ipaddress
import json
import queue
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

VERSIONS = {4: "mqttv311", 5: "mqttv5"}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Mosquitto:
    """A broker; with a `user` and his password it lets nobody else in. `tls` names certificate and key."""

    def __init__(
        self,
        program: Callable[[str], str],
        folder: Path,
        user: tuple[str, str] | None = None,
        tls: tuple[Path, Path] | None = None,
        port: int = 0,
    ) -> None:
        self.program = program
        self.port = port or free_port()
        self.tls = tls
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"listener {self.port} 127.0.0.1", f"allow_anonymous {'false' if user else 'true'}"]
        if user:
            passwords = folder / "passwords"
            subprocess.run([program("mosquitto_passwd"), "-b", "-c", str(passwords), *user], check=True)
            passwords.chmod(0o644)
            lines.append(f"password_file {passwords}")
        if tls:
            lines += [f"certfile {tls[0]}", f"keyfile {tls[1]}"]
        # Else it becomes a user who may not read a test's folder.
        lines.append("user root")
        self.config = folder / "mosquitto.conf"
        self.config.write_text("\n".join(lines) + "\n")
        self.user = user

    def __enter__(self) -> Self:
        command = [self.program("mosquitto"), "-c", str(self.config)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                assert time.monotonic() < end, "mosquitto does not start"
                time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(10)

    def subscriber(self, topic: str, version: int = 5, qos: int = 2) -> "Subscriber":
        return Subscriber(self, topic, version, qos)


class Subscriber:
    """`mosquitto_sub`, and what it hears: one JSON object a line."""

    def __init__(self, broker: Mosquitto, topic: str, version: int, qos: int) -> None:
        user = ("-u", broker.user[0], "-P", broker.user[1]) if broker.user else ()
        self.command = [
            *(broker.program("mosquitto_sub"), "-h", "127.0.0.1", "-p", str(broker.port), "-t", topic),
            *("-V", VERSIONS[version], "-q", str(qos), *user),
        ]
        self.probe = [
            *(broker.program("mosquitto_pub"), "-h", "127.0.0.1", "-p", str(broker.port), *user),
            *("-t", topic.replace("#", "probe"), "-m", '{"probe":1}'),
        ]
        self.heard: queue.Queue[Any] = queue.Queue()
        self.ready = threading.Event()

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()
        for _ in range(100):  # it does not say when its subscription stands: it hears a probe from then on
            subprocess.run(self.probe, check=True, timeout=10)
            if self.ready.wait(0.1):
                return self
        self.__exit__()
        raise AssertionError("mosquitto_sub does not get its subscription")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.thread.join(10)
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def next(self, wait_s: float = 10.0) -> Any:
        return self.heard.get(timeout=wait_s)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said = json.loads(line)
            if "probe" in said:
                self.ready.set()
            else:
                self.heard.put(said)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for this machine, valid today, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a broker")])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    paths = folder / "broker.pem", folder / "broker.key"
    paths[0].write_bytes(built.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(secret)
    return paths
