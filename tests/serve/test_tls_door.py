"""Doors of a real city with TLS: a certificate that the test made, or the city itself; reloaded while it runs."""

import json
import signal
import socket
import ssl
import stat
import subprocess
import sys
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as paho
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hansa.errors import BadRequest
from hansa.serve.tls import Certificate, of_city
from hansa.settings import Settings
from served import Served

PROFILE = {
    "name": "weather",
    "type": "WeatherObserved",
    "channels": {"temperature": {"name": "temperature", "unit": "CEL"}},
}


def write(folder: Path, common: str = "a city") -> tuple[Path, Path]:
    """A certificate and its key, in files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=20))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "city.pem", folder / "city.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem, secret


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    return write(tmp_path)


def test_a_device_publishes_over_tls_and_a_stranger_to_the_certificate_does_not(
    serve: Callable[..., Any], certificate: tuple[Path, Path]
) -> None:
    pem, key = certificate
    city = serve("--mqtts", "127.0.0.1:0", "--certificate", str(pem), "--key", str(key))
    secret = city.enrol("north", PROFILE)
    port = int(city.mqtts.rsplit(":", 1)[1])

    with socket.create_connection(("127.0.0.1", port)) as wary, pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(wary, server_hostname="127.0.0.1")

    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="north", protocol=paho.MQTTv5)
    client.tls_set_context(ssl.create_default_context(cafile=str(pem)))
    client.username_pw_set("north", secret)
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.publish("hansa/north/json", json.dumps({"temperature": 4.5}), qos=1).wait_for_publish(10)
    client.loop_stop()
    client.disconnect()
    said = city.get("/ngsi-ld/v1/entities/urn:ngsi-ld:WeatherObserved:north").json()
    assert said["temperature"]["value"] == 4.5


def port_of(address: str) -> int:
    return int(address.rsplit(":", 1)[1])


def trusting(ca: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(ca))


def shown(port: int, context: ssl.SSLContext | None = None) -> x509.Certificate:
    """The certificate that a new connection is shown."""
    if context is None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as raw,
        context.wrap_socket(raw, server_hostname="127.0.0.1") as secure,
    ):
        found = secure.getpeercert(binary_form=True)
    assert found is not None
    return x509.load_der_x509_certificate(found)


def get(secure: ssl.SSLSocket, path: str = "/ready") -> bytes:
    """One request on a connection that stays open; the head of its answer."""
    secure.sendall(f"GET {path} HTTP/1.1\r\nhost: city\r\n\r\n".encode())
    said = b""
    while b"\r\n\r\n" not in said:
        said += secure.recv(65_536)
    head, _, body = said.partition(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < size:
        body += secure.recv(65_536)
    return head


@pytest.fixture(scope="module")
def beyond(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A city that was bound beyond this machine, and told nothing of certificates."""
    made = Served(
        tmp_path_factory.mktemp("beyond") / "city", "--http", "0.0.0.0:0", "--mqtts", "0.0.0.0:0", trusted=False
    )
    yield made
    made.stop()


def test_beyond_this_machine_a_city_speaks_tls_with_an_authority_of_its_own(beyond: Any) -> None:
    assert beyond.url.startswith("https://0.0.0.0:")
    folder = beyond.folder / "tls"
    for secret in ("ca.key", "server.pem"):
        assert stat.S_IMODE((folder / secret).stat().st_mode) == 0o600
    said = subprocess.run(
        [sys.executable, "-m", "hansa", "ca", "show", "--data", str(beyond.folder)],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    assert said.stdout == (folder / "ca.pem").read_text()
    digest = x509.load_pem_x509_certificate(said.stdout.encode()).fingerprint(hashes.SHA256())
    assert digest.hex(":").upper() in said.stderr
    for address in (beyond.url, beyond.mqtts):
        one = shown(port_of(address), trusting(folder / "ca.pem"))
        assert one.not_valid_after_utc - datetime.now(UTC) < timedelta(days=90, minutes=1)
        with pytest.raises(ssl.SSLCertVerificationError):
            shown(port_of(address), ssl.create_default_context())
    with httpx.Client(verify=trusting(folder / "ca.pem"), trust_env=False) as client:
        told = client.get(f"https://127.0.0.1:{port_of(beyond.url)}/ready")
    assert told.status_code == 200
    assert told.headers["strict-transport-security"].startswith("max-age=31536000")


def test_whoever_speaks_no_tls_or_an_old_one_is_not_heard(beyond: Any) -> None:
    port = port_of(beyond.url)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        plain.sendall(b"GET /ready HTTP/1.1\r\nhost: city\r\n\r\n")
        try:
            said = plain.recv(1_000)
        except ConnectionResetError:
            said = b""
        assert b"HTTP/" not in said
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shown(port, old)
    weak = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    weak.check_hostname, weak.verify_mode = False, ssl.CERT_NONE
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("ECDHE-ECDSA-AES256-SHA:AES256-SHA:@SECLEVEL=0")  # CBC, and no forward secrecy
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shown(port, weak)
    weak.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    assert shown(port, weak)


def test_a_client_that_asks_for_a_protocol_is_told_which(beyond: Any) -> None:
    for address, protocol in ((beyond.url, "http/1.1"), (beyond.mqtts, "mqtt")):
        context = trusting(beyond.folder / "tls" / "ca.pem")
        context.set_alpn_protocols(["h2", protocol])
        with (
            socket.create_connection(("127.0.0.1", port_of(address)), timeout=20) as raw,
            context.wrap_socket(raw, server_hostname="127.0.0.1") as secure,
        ):
            assert secure.selected_alpn_protocol() == protocol


def test_a_new_certificate_is_shown_to_new_connections_and_old_ones_go_on(
    serve: Callable[..., Any], certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    pem, key = certificate
    given = ("--certificate", str(pem), "--key", str(key))
    city = serve("--http", "0.0.0.0:0", "--mqtts", "127.0.0.1:0", *given, trusted=False)
    doors = [port_of(city.url), port_of(city.mqtts)]
    first = [shown(port) for port in doors]
    context = trusting(pem)
    raw = socket.create_connection(("127.0.0.1", doors[0]), timeout=20)
    with context.wrap_socket(raw, server_hostname="127.0.0.1") as old:
        assert b" 200 " in get(old)
        write(tmp_path, "the same city, later")
        city.process.send_signal(signal.SIGHUP)
        city.until(lambda: shown(doors[0]) != first[0])
        assert [shown(port).subject.rfc4514_string() for port in doors] == ["CN=the same city\\, later"] * 2
        assert b" 200 " in get(old), "what was open is not cut off"
        second = shown(doors[0])
        pem.write_text("nonsense")
        city.process.send_signal(signal.SIGHUP)
        city.until(lambda: "cannot be used" in city.log.read_text())
        assert shown(doors[0]) == second, "what cannot be used is not used"
        other = tmp_path / "other"
        other.mkdir()
        pem.write_bytes(write(other)[0].read_bytes())  # whole, and not of this key
        city.process.send_signal(signal.SIGHUP)
        city.until(lambda: city.log.read_text().count('"event": "the certificate cannot be used') >= 2)
        assert shown(doors[0]) == second
        assert b" 200 " in get(old)


def test_a_file_that_changes_is_seen_without_being_told(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    pem, key = certificate
    held = Certificate(Settings(data=tmp_path / "city", certificate=str(pem), key=str(key)), lambda: ())
    held.door("http/1.1")
    assert not held.own
    assert not held.refresh()
    write(tmp_path, "later")
    assert held.refresh()
    assert not held.refresh()
    key.unlink()
    assert not held.refresh(), "what is gone is not used, and what was loaded stays"
    assert not (tmp_path / "city").exists(), "a city that was given a certificate makes none"


def test_a_certificate_of_the_citys_own_is_renewed_in_time_and_follows_its_names(tmp_path: Path) -> None:
    now, names = [datetime(2026, 11, 22, tzinfo=UTC)], ["localhost"]
    held = Certificate(Settings(data=tmp_path), lambda: names, lambda: now[0])
    held.door("mqtt")
    ca = (tmp_path / "tls" / "ca.pem").read_bytes()
    first = held.until
    now[0] += timedelta(days=59)
    assert not held.refresh()
    now[0] += timedelta(days=2)
    assert held.refresh()
    assert held.until > first
    names.append("city.example")
    assert held.refresh()
    assert not held.refresh()
    assert (tmp_path / "tls" / "ca.pem").read_bytes() == ca, "what people trust stays"
    again = Certificate(Settings(data=tmp_path), lambda: names, lambda: now[0])
    assert again.until == held.until, "a city that starts again uses what it has"
    (tmp_path / "tls" / "server.pem").write_bytes(b"half")
    assert Certificate(Settings(data=tmp_path), lambda: names, lambda: now[0]).until >= held.until
    now[0] += timedelta(days=3_600)
    assert held.refresh()
    assert (tmp_path / "tls" / "ca.pem").read_bytes() != ca, "an authority that ends is replaced"


def test_an_authority_whose_key_is_gone_is_not_replaced_in_silence(tmp_path: Path) -> None:
    Certificate(Settings(data=tmp_path), lambda: ["localhost"])
    (tmp_path / "tls" / "ca.key").unlink()
    with pytest.raises(BadRequest, match="is gone"):
        Certificate(Settings(data=tmp_path), lambda: ["localhost"])
    with pytest.raises(BadRequest, match="no authority"):
        of_city(tmp_path / "other", "Hansa", make=False)


@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_a_given_certificate_that_cannot_be_used_is_said(tmp_path: Path, content: bytes | None) -> None:
    pem, key = write(tmp_path)
    if content is None:
        pem.unlink()
    else:
        pem.write_bytes(content)
    with pytest.raises(BadRequest, match="cannot be used"):
        Certificate(Settings(data=tmp_path, certificate=str(pem), key=str(key)), lambda: ())


def test_a_key_with_a_password_is_said_and_not_asked_for(tmp_path: Path) -> None:
    pem, key = write(tmp_path)
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    sealed = serialization.BestAvailableEncryption(b"secret")
    key.write_bytes(private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed))
    with pytest.raises(BadRequest, match="password"):
        Certificate(Settings(data=tmp_path, certificate=str(pem), key=str(key)), lambda: ())


def test_mqtt_without_tls_stays_on_this_machine_unless_it_is_said(serve: Callable[..., Any]) -> None:
    refused = serve("--mqtt", "0.0.0.0:0", wait=False, folder="refused")
    assert refused.process.wait(20) == 2
    assert "whoever is on the way" in refused.log.read_text()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANSA_PLAIN", "mqtt,http")
        said = serve("--mqtt", "0.0.0.0:0", "--http", "0.0.0.0:0", folder="said", trusted=False)
    assert said.mqtt.startswith("0.0.0.0:")
    assert said.url.startswith("http://0.0.0.0:")
    told = said.get("/ready")
    assert told.status_code == 200
    assert "strict-transport-security" not in told.headers
    assert not (said.folder / "tls").exists()


def test_a_handshake_that_never_comes_holds_no_door(serve: Callable[..., Any]) -> None:
    """Five hundred sockets that say nothing, and one that does."""
    city = serve("--mqtts", "127.0.0.1:0")
    port = port_of(city.mqtts)
    mute = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(500)]
    try:
        assert shown(port, trusting(city.folder / "tls" / "ca.pem"))
    finally:
        for one in mute:
            one.close()
