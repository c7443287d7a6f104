"""`[channels.*]`: what can be said, and that whoever says nonsense is told where, and never what his password is."""

from pathlib import Path

import pytest

from hansa.errors import BadRequest
from hansa.network.channels.named import read
from hansa.settings import load

MAIL = {"host": "mail.example", "sender": "warnings@city.example"}
SMPP = {"via": "smpp", "host": "smsc.example", "system_id": "city", "password": "s3cret"}
HTTP = {"via": "http", "url": "https://sms.example/send", "body": {"to": "{to}", "text": "{text}"}}


def test_a_city_that_says_nothing_has_what_needs_no_setting(tmp_path: Path) -> None:
    assert set(read({}, tmp_path)) == {"push", "webhook", "mqtt", "display"}
    assert set(read({"push": {"on": False}, "mqtt": {"on": False}}, tmp_path)) == {"webhook", "display"}


def test_the_file_says_channels_and_secrets_may_lie_in_files_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "relay.password").write_text("pa55word\n")
    (tmp_path / "hansa.toml").write_text(
        '[channels.email]\nhost = "mail.example"\nsender = "W@Bücher.example"\nuser = "city"\n'
        'password_file = "relay.password"\nat_once = 3\nper_s = 20\n'
    )
    found = load(tmp_path, {})
    mail = read(found.channels, tmp_path)["email"]
    assert (mail["port"], mail["security"], mail["sender"]) == (587, "starttls", "W@xn--bcher-kva.example")
    assert (mail["password"], mail.pace(8, 100.0)) == ("pa55word", {"width": 3, "per_s": 20})
    assert "pa55word" not in repr(mail) + repr(found)


@pytest.mark.parametrize(
    ("tables", "where"),
    [
        ({"pigeon": {}}, "channels.pigeon"),
        ({"email": 5}, "channels.email"),
        ({"email": {**MAIL, "hosts": "x"}}, "channels.email.hosts"),
        ({"email": {"sender": "a@b.example"}}, "channels.email.host"),
        ({"email": {**MAIL, "sender": "a@b\r\nBcc: x@y.example"}}, "channels.email.sender"),
        ({"email": {**MAIL, "sender": "ž@b.example"}}, "channels.email.sender"),
        ({"email": {**MAIL, "security": "ssl"}}, "channels.email.security"),
        ({"email": {**MAIL, "security": "none", "user": "u"}}, "channels.email.security"),
        ({"email": {**MAIL, "port": 70_000}}, "channels.email.port"),
        ({"email": {**MAIL, "port": True}}, "channels.email.port"),
        ({"email": {**MAIL, "wait_s": 0}}, "channels.email.wait_s"),
        ({"email": {**MAIL, "password": ["s3cret"]}}, "channels.email.password"),
        ({"email": {**MAIL, "password_file": "none"}}, "channels.email.password_file"),
        ({"email": {**MAIL, "password": "s3cret", "password_file": "x"}}, "channels.email.password_file"),
        ({"push": {"contact": "it@city"}}, "channels.push.contact"),
        ({"push": {"ttl_s": 0}}, "channels.push.ttl_s"),
        ({"push": {"at_once": -1}}, "channels.push.at_once"),
        ({"push": {"allow": "10.0.0.0/8"}}, "channels.push.allow"),
        ({"webhook": {"allow": [5]}}, "channels.webhook.allow"),
        ({"mqtt": {"allow": ["a b"]}}, "channels.mqtt.allow"),
        ({"email": {**MAIL, "allow": []}}, "channels.email.allow"),
        ({"push": {"per_s": float("inf")}}, "channels.push.per_s"),
        ({"sms": {}}, "channels.sms.via"),
        ({"sms": {**SMPP, "password": "s3cret-too-long"}}, "channels.sms.password"),
        ({"sms": {**SMPP, "receipts": "believed"}}, "channels.sms.receipts"),
        ({"sms": {**SMPP, "parts": 0}}, "channels.sms.parts"),
        ({"sms": {**SMPP, "source": "x" * 20}}, "channels.sms.source"),
        ({"sms": {**HTTP, "body": {}}}, "channels.sms.body"),
        ({"sms": {**HTTP, "url": "ftp://x"}}, "channels.sms.url"),
        ({"sms": {**HTTP, "headers": {"a": 1}}}, "channels.sms.headers"),
        ({"sms": {**HTTP, "secret": "short"}}, "channels.sms.secret"),
    ],
)
def test_nonsense_is_refused_with_its_place_and_no_secret(tables, where, tmp_path: Path) -> None:
    with pytest.raises(BadRequest) as caught:
        read(tables, tmp_path)
    assert caught.value.where == where
    assert "s3cret" not in str(caught.value.problem())


def test_what_is_whole_is_read(tmp_path: Path) -> None:
    assert read({"sms": SMPP}, tmp_path)["sms"]["port"] == 2775
    assert read({"sms": {**HTTP, "secret": "x" * 20, "receipts": "trusted"}}, tmp_path)["sms"]["receipts"] == "trusted"
