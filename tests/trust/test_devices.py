"""Devices: claims, secrets and states. No device ever has a password that it did not draw itself."""

import hashlib
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa import clock
from hansa.collect import Profile
from hansa.collect.standard import STANDARD
from hansa.errors import AlreadyExists, BadRequest, NotFound
from hansa.trust import devices as module
from hansa.trust.devices import CLAIM_DAYS, STATES, Denied, Device, Devices

NOW = clock.parse("2026-04-01T00:00:00Z")
DAY = 86_400 * clock.SECOND
PROFILE = Profile.from_json({"name": "weather", "type": "WeatherObserved", "channels": {"t": "temperature"}})


def enrolled() -> tuple[Devices, str]:
    known = Devices()
    _, claim = known.enrol("north", PROFILE, NOW)
    return known, claim


def active() -> tuple[Devices, str]:
    known, claim = enrolled()
    device, secret = known.exchange("north", claim, NOW)
    assert known.settle(device, secret)
    return known, secret


def test_a_claim_is_exchanged_for_a_secret_and_ends_when_that_is_first_used() -> None:
    known, claim = enrolled()
    device, secret = known.exchange("north", claim, NOW)
    assert known.by_claim(device, claim, NOW)
    again, second = known.exchange("north", claim, NOW)
    assert second != secret, "the answer was lost: a new secret, and the one that nobody has is no more"
    assert isinstance(known.authenticate("north", secret, NOW), Denied)
    assert known.authenticate("north", second, NOW) is again is device
    assert device.state == "enrolled"
    assert known.settle(device, second)
    assert device.state == "active"
    assert not known.settle(device, second), "nothing new that must be kept"
    assert not known.by_claim(device, claim, NOW)
    with pytest.raises(BadRequest, match="claim is not good"):
        known.exchange("north", claim, NOW)
    assert isinstance(known.authenticate("north", claim, NOW), Denied)


def test_a_claim_ends_after_its_days() -> None:
    known, claim = enrolled()
    assert not isinstance(known.authenticate("north", claim, NOW + CLAIM_DAYS * DAY - 1), Denied)
    assert isinstance(known.authenticate("north", claim, NOW + CLAIM_DAYS * DAY), Denied)
    with pytest.raises(BadRequest):
        known.exchange("north", claim, NOW + CLAIM_DAYS * DAY)
    _, claim = known.renew("north", NOW + 40 * DAY)
    assert known.exchange("north", claim, NOW + 41 * DAY)


def test_the_wrong_claim_of_the_right_device_is_no_good() -> None:
    known, claim = enrolled()
    _, other = known.enrol("south", PROFILE, NOW)
    for name, said in (("north", other), ("south", claim), ("nobody", claim), ("north", ""), ("north", claim + "x")):
        with pytest.raises(BadRequest):
            known.exchange(name, said, NOW)


def test_a_device_may_speak_only_while_it_is_active() -> None:
    known, claim = enrolled()
    device = known.get("north")
    assert "exchange your claim" in str(known.may_speak(device))
    _, secret = known.exchange("north", claim, NOW)
    known.settle(device, secret)
    assert known.may_speak(device) is None
    known.set_state("north", "quarantined")
    assert known.may_speak(device) == "this device is quarantined"
    assert known.authenticate("north", secret, NOW) is device, "what it says is kept until it is released"
    known.set_state("north", "active")
    assert known.may_speak(device) is None


def test_a_revoked_device_is_shut_out_and_cannot_be_released() -> None:
    known, secret = active()
    known.set_state("north", "revoked")
    assert isinstance(known.authenticate("north", secret, NOW), Denied)
    assert known.may_speak(known.get("north")) == "this device is revoked"
    with pytest.raises(BadRequest, match="no secret") as fault:
        known.set_state("north", "active")
    assert "renew" in str(fault.value.mend)
    assert known.get("north").state == "revoked"
    _, claim = known.renew("north", NOW)
    assert known.get("north").state == "enrolled", "whoever renews it lets it in again, and says so"
    known.exchange("north", claim, NOW)


def test_a_claim_that_was_exchanged_does_not_outlive_a_revocation() -> None:
    known, claim = enrolled()
    known.exchange("north", claim, NOW)
    known.set_state("north", "revoked")
    with pytest.raises(BadRequest):
        known.exchange("north", claim, NOW)


def test_a_device_that_was_never_active_is_released_into_what_it_was() -> None:
    known, claim = enrolled()
    known.set_state("north", "quarantined")
    known.set_state("north", "active")
    assert known.get("north").state == "enrolled"
    known.exchange("north", claim, NOW)


def test_renewing_ends_the_old_secret_at_once() -> None:
    known, secret = active()
    device, claim = known.renew("north", NOW)
    assert isinstance(known.authenticate("north", secret, NOW), Denied)
    assert known.may_speak(device) is not None
    _, new = known.exchange("north", claim, NOW)
    assert known.settle(device, new)
    assert known.may_speak(device) is None
    with pytest.raises(NotFound):
        known.renew("nobody", NOW)


def test_an_unknown_name_and_a_wrong_secret_get_one_answer_for_the_same_work() -> None:
    known, secret = active()
    known.enrol("gone", PROFILE, NOW)
    known.set_state("gone", "revoked")
    reasons, hashes = set(), []
    for name, said in (("nobody", "x"), ("north", "x"), ("north", secret + "x"), ("gone", "x"), ("", "x"), (None, "x")):
        with mock.patch.object(module, "_hash", side_effect=module._hash) as counted:
            denied = known.authenticate(name, said, NOW)
        assert isinstance(denied, Denied)
        reasons.add(denied.told)
        hashes.append(counted.call_count)
    assert reasons == {"unknown device or wrong secret"}
    assert set(hashes) == {1}
    assert known.authenticate("nobody", "x", NOW) == Denied("unknown device or wrong secret")
    revoked = known.authenticate("gone", "x", NOW)
    assert revoked == Denied("this device was revoked", known=True), "the log may say more than the door"


@pytest.mark.parametrize("said", [None, "", b""])
def test_no_secret_at_all_is_never_enough(said: str | bytes | None) -> None:
    known, _ = enrolled()
    assert isinstance(known.authenticate("north", said, NOW), Denied)
    known, _ = active()
    assert isinstance(known.authenticate("north", said, NOW), Denied)


def test_there_is_no_default_password_anywhere() -> None:
    drawn = set()
    for _ in range(50):
        known, claim = enrolled()
        for guess in ("admin", "password", "hansa", "north", "1234", "", "secret", "weather"):
            assert isinstance(known.authenticate("north", guess, NOW), Denied)
        drawn |= {claim, known.exchange("north", claim, NOW)[1]}
    assert len(drawn) == 100
    assert all(len(one) >= 32 for one in drawn)
    for profile in STANDARD.values():
        assert not {"password", "secret", "claim"} & set(profile)
    told = "\n".join(path.read_text("utf-8") for path in Path(module.__file__).parents[1].rglob("*.toml"))
    assert "password" not in told


def test_secrets_are_kept_as_hashes_only_and_come_back_so() -> None:
    known, claim = enrolled()
    device, secret = known.exchange("north", claim, NOW)
    kept = device.credential()
    body = repr(kept.doc)
    assert secret not in body
    assert claim not in body
    assert kept["secret"] == hashlib.sha256(secret.encode()).hexdigest()
    shown = repr(device.shown().doc)
    for hidden in (secret, claim, kept["secret"], kept["claim"]):
        assert hidden not in shown
    again = Devices()
    again.take(Device.of(kept, "open"))
    assert not isinstance(again.authenticate("north", secret, NOW), Denied)
    assert not isinstance(again.authenticate("north", claim, NOW), Denied)
    assert isinstance(again.authenticate("north", claim, NOW + CLAIM_DAYS * DAY), Denied)
    assert again.get("north").source == device.source


def test_a_credential_keeps_what_the_operator_said() -> None:
    known = Devices()
    place = {"type": "Point", "coordinates": [17.1, 48.2]}
    device, _ = known.enrol(
        "cam.1_x-Y", PROFILE, NOW, realm="security", location=place, label="security;owner=police", ident="urn:x:gate"
    )
    back = Device.of(device.credential(), "security")
    assert back.source == device.source
    assert (back.realm, back.source.location, back.source.entity) == ("security", place, "urn:x:gate")
    assert back.source.label == "security;owner=police"
    assert back.shown()["controlledAsset"] == "urn:x:gate"


@pytest.mark.parametrize(
    "name", ["", ".", "-a", "_a", "a/b", "a+b", "a#", "a b", "ä", "a\n", "a\x00", "x" * 65, "cmd/..", "$SYS", "урок"]
)
def test_a_name_that_could_not_be_a_level_of_a_topic_is_refused(name: str) -> None:
    with pytest.raises(BadRequest) as fault:
        Devices().enrol(name, PROFILE, NOW)
    assert fault.value.where == "name"


@given(st.text(max_size=70))
def test_every_name_is_either_refused_or_one_level_of_a_topic(name: str) -> None:
    known = Devices()
    try:
        device, _ = known.enrol(name, PROFILE, NOW)
    except BadRequest:
        assert len(known) == 0
        return
    assert not set(name) & set("/+#$\x00 \n")
    assert known.get(name) is device


def test_one_name_is_one_device() -> None:
    known, claim = enrolled()
    with pytest.raises(AlreadyExists):
        known.enrol("north", PROFILE, NOW)
    assert known.exchange("north", claim, NOW), "and the first one's claim is still good"
    assert len(known) == 1
    assert [one.name for one in known] == ["north"]


def test_what_cannot_be_enrolled_is_not_half_enrolled() -> None:
    known = Devices()
    with pytest.raises(BadRequest, match="realm"):
        known.enrol("north", PROFILE, NOW, realm="secret")
    with pytest.raises(BadRequest, match="class of information"):
        known.enrol("north", PROFILE, NOW, label="public")
    assert len(known) == 0
    with pytest.raises(NotFound, match="device"):
        known.get("north")
    known.enrol("north", PROFILE, NOW)
    known.forget("north")
    known.forget("north")
    assert len(known) == 0


def test_states_are_the_known_ones() -> None:
    known, _ = active()
    for state in STATES[1:]:
        assert known.set_state("north", state).state == state
    with pytest.raises(BadRequest, match="no state"):
        known.set_state("north", "asleep")  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        known.set_state("nobody", "revoked")


def test_a_device_can_be_moved() -> None:
    known, _ = active()
    place = {"type": "Point", "coordinates": [1, 2]}
    assert known.move("north", place).source.location == place
    assert known.get("north").shown().location == place
