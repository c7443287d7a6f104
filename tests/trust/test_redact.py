"""No line of a log bears a secret, however it came there."""

import io
import json
import logging
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from hansa.trust import redact

SECRET = "k9-Zq_7Lm2xV4bT8"


@pytest.mark.parametrize(
    "said",
    [
        {"password": SECRET},
        {"Authorization": f"Bearer {SECRET}"},
        {"headers": [(b"authorization", f"Basic {SECRET}".encode()), (b"host", b"x")]},
        {"headers": {"cookie": f"__Host-hansa={SECRET}"}},
        {"event": f"GET /collect?token={SECRET}&x=1 failed"},
        {"event": f"[(b'authorization', b'Bearer {SECRET}')]"},
        {"event": f"mqtt://north:{SECRET}@broker.example:1883 is gone"},
        {"event": f"Authorization: Bearer {SECRET}"},
        {"event": f"authorization: {SECRET}"},
        {"event": f'{{"device": "north", "claim": "{SECRET}"}}'},
        {"event": f"{{'client_secret': '{SECRET}'}}"},
        {"event": f"client_assertion={SECRET}"},
        {"event": f"hansa_{SECRET}"},
        {"event": f"eyJhbGciOiJFUzI1NiJ9.{SECRET}.{SECRET}"},
        {"exception": f"Traceback\n  File x\nValueError: bad header Cookie: hansa={SECRET}; y"},
        {"body": f'"password":"{SECRET}"'.encode()},
        {"a": [{"b": ({"secret": SECRET},)}]},
        {"fault": ValueError(f"password={SECRET}")},
        {"event": f"-----BEGIN EC PRIVATE KEY-----\n{SECRET}\n-----END EC PRIVATE KEY-----"},
        {"event": f"-----BEGIN PRIVATE KEY-----\n{SECRET}"},
        {"event": f"https://city.example/account/enrol#{SECRET}"},
        {"event": f"Cookie: a=1; hansa={SECRET}; b=2"},
        {"totp": SECRET},
        {"otp": SECRET},
    ],
)
def test_a_secret_is_taken_out(said: dict[str, Any]) -> None:
    assert SECRET not in json.dumps(redact.line(None, "", dict(said)), default=str)


@pytest.mark.parametrize(
    "said",
    [
        {"event": "a device was refused", "device": "north", "address": "10.0.0.7:4711"},
        {"event": "the token bucket is empty", "tokens": 5},
        {"event": "the certificate ends soon", "until": "2026-11-22T12:00:00+00:00", "days": 3},
        {"event": "https://city.example:8443/ngsi-ld/v1/entities?type=A&q=b>3 took 3 ms"},
        {"event": "basic checks passed", "token": None, "secret": True},
        {"names": ["localhost", "127.0.0.1"], "nested": {"seq": 7, "rate": 1.5}},
    ],
)
def test_what_is_no_secret_stays(said: dict[str, Any]) -> None:
    assert redact.line(None, "", dict(said)) == said


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
                    lambda one: st.lists(one) | st.dictionaries(st.text(), one), max_leaves=30))  # fmt: skip
def test_whatever_is_logged_a_line_comes_of_it(said: Any) -> None:
    json.dumps(redact.line(None, "", {"event": said}), default=str)


def test_what_holds_itself_ends() -> None:
    round_and_round: list[Any] = []
    round_and_round.append(round_and_round)
    assert redact.line(None, "", {"event": round_and_round})


def test_lines_of_libraries_and_tracebacks_go_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    from hansa.cli import log_to_stderr

    said = io.StringIO()
    root = logging.getLogger()
    before, level, config = list(root.handlers), root.level, structlog.get_config()
    monkeypatch.setattr("sys.stderr", said)
    try:
        log_to_stderr("debug")
        logging.getLogger("uvicorn.error").error("password=%s", SECRET)
        try:
            int(f"Authorization: Bearer {SECRET}")
        except ValueError:
            structlog.get_logger("x").exception("it failed", headers=[(b"cookie", SECRET.encode())])
            logging.getLogger("asyncio").exception("it failed")
    finally:
        structlog.configure(**config)
        root.handlers[:], root.level = before, level
    assert said.getvalue().count("it failed") == 2
    assert SECRET not in said.getvalue()
