"""Every setting and every limit is in docs/settings.md with its default, and nothing else is."""

import re
import tomllib
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest

from hansa import settings
from hansa.errors import BadRequest
from hansa.limits import Limits
from hansa.settings import Settings

TEXT = (Path(__file__).parents[2] / "docs" / "settings.md").read_text("utf-8")
SETTING = re.compile(r"^\| `(\w+)` \| (?:`\[(\w+)\]`|–) \| `(\w+)` \| `([^`]*)` \| [^|\s]", re.MULTILINE)
LIMIT = re.compile(r"^\| `(\w+)` \| `([\d_.]+)` \| [^|\s]", re.MULTILINE)


def default(cell: str) -> Any:
    return None if cell == "none" else tomllib.loads(f"x = {cell}")["x"]


def plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value


def test_every_setting_is_documented_with_its_default_and_nothing_else() -> None:
    said = {name: default(cell) for name, _, _, cell in SETTING.findall(TEXT)}
    tables = {"limits", "apps", "openid", "channels"}
    held = {one.name: plain(one.default) for one in fields(Settings) if one.name not in tables}
    assert MISSING not in held.values()
    assert said == held


def test_every_limit_is_documented_with_its_default_and_nothing_else() -> None:
    assert {name: default(cell) for name, cell in LIMIT.findall(TEXT)} == Limits().shown()


@pytest.mark.parametrize(("name", "table"), [(name, table) for name, table, _, _ in SETTING.findall(TEXT) if table])
def test_a_setting_is_read_where_the_page_says(name: str, table: str, tmp_path: Path) -> None:
    held = {one.name: one.default for one in fields(Settings)}[name]
    value = "[17.1, 48.1]" if name == "location" else '["frost"]' if name == "enabled" else None
    if value is None:
        value = "[]" if isinstance(held, tuple) else f'"{held}"'
        value = "true" if isinstance(held, bool) else str(held) if isinstance(held, int) else value
    (tmp_path / "hansa.toml").write_text(f"[{table}]\n{name} = {value}\n")
    assert plain(getattr(settings.load(tmp_path, {}), name)) == tomllib.loads(f"x = {value}")["x"]
    other = next(one for one in ("city", "serve", "apps") if one != table)
    (tmp_path / "hansa.toml").write_text(f"[{other}]\n{name} = {value}\n")
    with pytest.raises(BadRequest, match=f"has no {name}"):
        settings.load(tmp_path, {})


@pytest.mark.parametrize(("name", "variable"), [(n, v) for n, _, v, _ in SETTING.findall(TEXT) if n != "data"])
def test_a_setting_is_read_from_the_environment_under_the_name_on_the_page(
    name: str, variable: str, tmp_path: Path
) -> None:
    said = {"location": ("17.1,48.1", (17.1, 48.1)), "egress_allow": ("10.0.0.0/8,here", ("10.0.0.0/8", "here")),
            "enabled": ("frost,watch", ("frost", "watch")), "trust_loopback": ("yes", True),
            "mqtts": ("127.0.0.1:8883", "127.0.0.1:8883"), "plain": ("http", ("http",)),
            "trusted_proxies": ("10.0.0.1", ("10.0.0.1",)), "unlimited": ("10.0.0.1", ("10.0.0.1",)),
            "cors": ("https://app.example", ("https://app.example",)),
            "url": ("https://city.example", "https://city.example"),
            "timezone": ("Asia/Tokyo", "Asia/Tokyo"), "log": ("debug", "debug"),
            "witnesses": ("one,two", ("one", "two")), "witnessed": ("one", ("one",)),
            "models": ("refuse", "refuse"), "screens": ("30", 30)}  # fmt: skip
    text, value = said.get(name, ("127.0.0.1:9", "127.0.0.1:9"))
    pair = {"HANSA_CERTIFICATE": "c", "HANSA_KEY": "k"}
    given = (pair if name in {"certificate", "key"} else {}) | {variable: text}
    assert getattr(settings.load(tmp_path, given), name) == value
    assert getattr(settings.load(tmp_path, {}), name) != value


def test_the_example_on_the_page_is_read(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```toml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    (tmp_path / "hansa.toml").write_text(example, "utf-8")
    read = settings.load(tmp_path, {})
    assert (read.name, read.limits.page, read.apps["frost"]["grace_s"]) == ("Ružinov", 500, 300)
    assert read.enabled == ("frost", "watch")
