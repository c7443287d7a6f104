"""The MQTT door with TLS, below a real city, with a certificate that the test made."""

import json
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PROFILE = {
    "name": "weather",
    "type": "WeatherObserved",
    "channels": {"temperature": {"name": "temperature", "unit": "CEL"}},
}


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a city")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, secret = tmp_path / "city.pem", tmp_path / "city.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem, secret


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


def test_a_tls_door_without_a_certificate_does_not_open(serve: Callable[..., Any], tmp_path: Path) -> None:
    city = serve("--mqtts", "127.0.0.1:0", wait=False)
    assert city.process.wait(20) == 2
    assert "needs a certificate" in city.log.read_text()
