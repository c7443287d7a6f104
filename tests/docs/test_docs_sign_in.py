"""The providers on docs/sign-in.md are settings that hansa takes."""

import re
import tomllib
from pathlib import Path

from hansa import settings
from hansa.trust import tokens
from hansa.trust.providers import Provider

TEXT = (Path(__file__).parents[2] / "docs" / "sign-in.md").read_text("utf-8")


def test_every_provider_on_the_page_is_read(tmp_path: Path) -> None:
    found = re.findall(r"^```toml provider\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert len(found) == 3
    (tmp_path / "hansa.toml").write_text("\n".join(found), "utf-8")
    told = settings.load(tmp_path, {}).openid
    assert set(told) == {"city", "office", "eid"}
    read = {name: Provider.read(name, said) for name, said in told.items()}
    assert read["city"].roles.worth({"realm_access": {"roles": ["hansa-operator", "offline_access"]}}) == {"operator"}
    assert read["office"].two_factors.worth({"acrs": ["c1"]})
    assert not read["eid"].two_factors.worth({"acr": "http://eidas.europa.eu/LoA/low"})
    assert tomllib.loads(found[2])["trust"]["openid"]["eid"]["everyone"] == ["resident"]


def test_every_word_of_a_scope_is_on_the_page() -> None:
    for word in (*tokens.VERBS, *tokens.GROUPS):
        assert f"`{word}`" in TEXT, word
    assert f"{tokens.TOKEN_DAYS} days" in TEXT
    assert f'"expires_in": {tokens.ACCESS_S}' in TEXT
