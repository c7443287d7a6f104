"""A secret that is written down is found: in the tree, and in the history after it was taken out of the tree."""

import secrets
import subprocess
from pathlib import Path

import pytest

from lint import leaked

_B64 = "MIGHAgEAMBMGByqGSM49AgEG"
PLANTED = [
    ("private key", f"-----BEGIN {'EC '}PRIVATE KEY-----\n{_B64}"),
    ("private key", f"key = '-----BEGIN {''}PRIVATE KEY-----\\n{_B64}'"),
    ("private JWK", '{"kty": "EC", "d": "' + secrets.token_urlsafe(32) + '"}'),
    ("cloud key", "AKIA" + "Q3EXAMPLE7KEYXYZ"),
    ("forge token", "ghp_" + secrets.token_hex(20)),
    ("service token", "xoxb-" + "123456789012-abcdefghijkl"),
    ("token of hansa", "hansa_" + secrets.token_urlsafe(32)),
    ("signed token", "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiJvcGVyYXRvciJ9." + secrets.token_urlsafe(32)),
    ("password in an address", "mqtts://meter:" + "k4tzenklo@broker.example/x"),
    ("secret in words", 'ADMIN_PASSWORD = "' + "q8Zr!vT3x_Lw92" + '"'),
    ("secret in words", "api_key: '" + "9f8b1c77d2e64ab0a31c" + "'"),
    ("secret in words", 'client(secret="' + "Zx81-pQ77-mL02-aa" + '")'),
]
SOUND = [
    "from cryptography import PRIVATE KEY things",
    "-----BEGIN PUBLIC KEY-----\nMIGHAgEAMBMGByqGSM49AgEG",
    'token = settings.token_of_the_city\npassword = "correct-horse-battery"',
    'secret: str = ""\nurl = "https://{user}:{password}@host/"',
    "http://127.0.0.1:8080/entities?type=A@b",
    "--hash=sha256:9f8b1c77d2e64ab0a31c9f8b1c77d2e64ab0a31c",
    'TOKEN = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"',
]


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=Nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false", *words],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small repository with one sound commit."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "README.md").write_text("A city.\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "begin")
    return tmp_path


@pytest.mark.parametrize(("kind", "text"), PLANTED, ids=[f"{n}-{kind}" for n, (kind, _) in enumerate(PLANTED)])
def test_a_planted_secret_is_found_by_its_kind(kind: str, text: str) -> None:
    assert kind in {leak.kind for leak in leaked.leaks(f"# a line\n{text}\n", "a.py")}


@pytest.mark.parametrize("text", SOUND)
def test_what_is_no_secret_is_let_be(text: str) -> None:
    assert list(leaked.leaks(text, "a.py")) == []


def test_every_kind_has_its_planted_secret() -> None:
    assert {kind for kind, _ in PLANTED} == set(leaked.KINDS)


def test_a_secret_in_the_tree_is_found_before_it_is_committed(tree: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert leaked.main([str(tree)]) == 0
    token = "hansa_" + secrets.token_urlsafe(32)
    (tree / "notes.txt").write_text(f"first\n{token}\n")
    assert leaked.main([str(tree)]) == 1
    said = capfd.readouterr().err
    assert "notes.txt:2: a token of hansa" in said
    assert token not in said


def test_a_secret_that_was_taken_out_again_is_still_found_in_the_history(
    tree: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tree / "settings.toml"
    path.write_text('password = "' + "q8Zr!vT3x_Lw92" + '"\n')
    git(tree, "add", ".")
    git(tree, "commit", "--quiet", "-m", "oops")
    path.write_text('password = ""\n')
    git(tree, "commit", "--quiet", "-am", "take it out")
    assert leaked.main([str(tree)]) == 1
    assert ", settings.toml:1: a secret in words" in capfd.readouterr().err


def test_what_is_known_is_let_be_until_it_is_gone(tree: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = "mqtts://meter:" + "k4tzenklo@broker.example/x"
    (leak,) = leaked.leaks(text, "")
    (tree / "a.txt").write_text(text)
    (tree / "lint").mkdir()
    (tree / "lint" / "leaked.toml").write_text(f'[known.a]\nwhy = "made up"\nprints = ["{leak.print}"]\n')
    assert leaked.main([str(tree)]) == 0
    (tree / "a.txt").unlink()
    assert leaked.main([str(tree)]) == 1
    assert f"nothing has the fingerprint {leak.print} any more" in capfd.readouterr().err


def test_a_folder_that_cannot_be_looked_at_is_not_called_clean(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as raised:
        leaked.main([str(tmp_path)])
    assert raised.value.code == 2
