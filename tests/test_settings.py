"""Settings: the file, then the environment, then the command line; and whoever says nonsense is told which."""

from pathlib import Path

import pytest

from hansa.errors import BadRequest
from hansa.limits import DEFAULT
from hansa.settings import Settings, address, load


def told(folder: Path, text: str) -> Path:
    (folder / "hansa.toml").write_text(text, "utf-8")
    return folder


def test_a_folder_that_says_nothing_gives_a_city_that_is_closed_to_the_network(tmp_path: Path) -> None:
    assert load(tmp_path, {}) == Settings(data=tmp_path)
    assert load(tmp_path / "nowhere", {}).http == "127.0.0.1:8080"
    assert load(tmp_path, {}).mqtt == ""
    assert load(tmp_path, {}).trust_loopback is False


def test_the_file_says_everything_that_can_be_said(tmp_path: Path) -> None:
    folder = told(
        tmp_path,
        """
        [city]
        name = "Horná Ves"
        timezone = "Europe/Bratislava"
        location = [17.1, 48.2]
        tiles = "https://tiles.example/{z}/{x}/{y}.png"
        clock = "driven"
        [serve]
        http = "[::1]:8081"
        mqtt = "0.0.0.0:1883"
        trust_loopback = true
        egress_allow = ["10.0.0.0/8"]
        log = "debug"
        [limits]
        rule_s = 1
        inbox = 100
        [apps]
        enabled = ["frost"]
        [app.frost]
        margin_c = 0.5
        """,
    )
    found = load(folder, {})
    assert found.name == "Horná Ves"
    assert found.timezone == "Europe/Bratislava"
    assert found.location == (17.1, 48.2)
    assert found.clock == "driven"
    assert (found.http, found.mqtt, found.trust_loopback) == ("[::1]:8081", "0.0.0.0:1883", True)
    assert found.egress_allow == ("10.0.0.0/8",)
    assert found.log == "debug"
    assert (found.limits.rule_s, found.limits.inbox, found.limits.body) == (1, 100, DEFAULT.body)
    assert found.enabled == ("frost",)
    assert found.apps["frost"]["margin_c"] == 0.5


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    folder = told(tmp_path, '[city]\nname = "file"\n[serve]\nhttp = "127.0.0.1:1"\nmqtt = "127.0.0.1:2"\n')
    environ = {"HANSA_HTTP": "127.0.0.1:3", "HANSA_MQTT": "127.0.0.1:4", "HANSA_UNKNOWN": "x", "HANSA_DATA": "/no"}
    found = load(folder, environ, mqtt="127.0.0.1:5", http=None)
    assert (found.name, found.http, found.mqtt) == ("file", "127.0.0.1:3", "127.0.0.1:5")
    assert found.data == folder, "the folder is the caller's to say"


def test_the_environment_speaks_every_kind_of_value(tmp_path: Path) -> None:
    environ = {
        "HANSA_TRUST_LOOPBACK": "Yes",
        "HANSA_LOCATION": "17.1, 48.2",
        "HANSA_EGRESS_ALLOW": "10.0.0.0/8, broker.local",
        "HANSA_ENABLED": "frost,watch",
        "HANSA_NAME": "Dol",
    }
    found = load(tmp_path, environ)
    assert found.trust_loopback is True
    assert found.location == (17.1, 48.2)
    assert found.egress_allow == ("10.0.0.0/8", "broker.local")
    assert found.enabled == ("frost", "watch")
    assert load(tmp_path, {"HANSA_TRUST_LOOPBACK": "0"}).trust_loopback is False


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[city]\nnme = 'x'", "city.nme"),
        ("[city]\nname = 5", "name"),
        ("[city]\nname = ''", "city.name"),
        ('[city]\nname = "a\\nb"', "city.name"),
        (f"[city]\nname = '{'x' * 201}'", "city.name"),
        ("[city]\nlocation = [200, 0]", "city.location"),
        ("[city]\nlocation = [1]", "city.location"),
        ("[city]\nlocation = ['a', 'b']", "city.location"),
        ("[city]\nlocation = [nan, 1]", "city.location"),
        ("[city]\nlocation = 'here'", "location"),
        ("[city]\ntimezone = 'Mars/Olympus'", "city.timezone"),
        ("[city]\ntimezone = '../../etc/passwd'", "city.timezone"),
        ("city = 5", "city"),
        ("[serve]\nhttp = '8080'", "http"),
        ("[serve]\nhttp = ''", "http"),
        ("[serve]\nhttp = 'here:99999'", "http"),
        ("[serve]\nmqtt = 'here:port'", "mqtt"),
        ("[serve]\ncertificate = 'city.pem'", "serve.certificate"),
        ("[serve]\nkey = 'city.key'", "serve.certificate"),
        ("[serve]\nplain = ['ftp']", "serve.plain"),
        ("[serve]\ncors = ['*']", "serve.cors"),
        ("[serve]\ncors = ['https://app.example/']", "serve.cors"),
        ("[serve]\ntrust_loopback = 1", "trust_loopback"),
        ("[serve]\negress_allow = '10.0.0.0/8'", "egress_allow"),
        ("[serve]\negress_allow = [10]", "egress_allow"),
        ("[serve]\nlog = 'loud'", "serve.log"),
        ("[apps]\nenabled = true", "enabled"),
        ("[apps]\nenabled = [1]", "enabled"),
        ("[limits]\nnothing = 1", "limits.nothing"),
        ("[limits]\ninbox = -1", "limits.inbox"),
        ("[limits]\ninbox = 'many'", "limits.inbox"),
        ("[limits]\ninbox = true", "limits.inbox"),
        ("[limits]\ninbox = 1.5", "limits.inbox"),
        ("[limits]\nrule_s = nan", "limits.rule_s"),
        ("[limits]\nrule_s = inf", "limits.rule_s"),
        ("limits = 3", "limits"),
        ("app = 3", "app"),
        ("[app]\nfrost = 3", "app.frost"),
        ("[sreve]\nhttp = 'x'", "sreve"),
    ],
)
def test_whoever_writes_nonsense_into_the_file_is_told_where(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(BadRequest) as fault:
        load(told(tmp_path, text), {})
    assert fault.value.where == named
    assert fault.value.detail


@pytest.mark.parametrize("text", ["[city", "name = 'x'\nname = 'y'", "\x00"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadRequest, match="is not TOML") as fault:
        load(told(tmp_path, text), {})
    assert fault.value.where == str(tmp_path / "hansa.toml")
    (tmp_path / "hansa.toml").write_bytes(b'[city]\nname = "\xff"')
    with pytest.raises(BadRequest, match="is not TOML"):
        load(tmp_path, {})


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("HANSA_TRUST_LOOPBACK", "perhaps", "trust_loopback"),
        ("HANSA_LOCATION", "north", "location"),
        ("HANSA_LOCATION", "1,2,3", "city.location"),
        ("HANSA_HTTP", "nowhere", "http"),
        ("HANSA_TIMEZONE", "Nowhere/Land", "city.timezone"),
        ("HANSA_LOG", "LOUD", "serve.log"),
    ],
)
def test_whoever_says_nonsense_in_the_environment_is_told_which(
    tmp_path: Path, name: str, value: str, named: str
) -> None:
    with pytest.raises(BadRequest) as fault:
        load(tmp_path, {name: value})
    assert fault.value.where == named


def test_an_address_is_a_host_and_a_port() -> None:
    assert address("127.0.0.1:80", "x") == ("127.0.0.1", 80)
    assert address("[::1]:0", "x") == ("::1", 0)
    assert address("city.example:65535", "x") == ("city.example", 65_535)
    for wrong in ("", ":80", "host", "host:", "host:-1", "host:65536", "host:8o"):
        with pytest.raises(BadRequest, match="host:port"):
            address(wrong, "x")
