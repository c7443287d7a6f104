"""Our own rules (lint/semgrep) hold on the tree, and each of them notices the fault that it is there for."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
RULES = ROOT / "lint" / "semgrep"
TRUST, PLATFORM, SQLITE, CLI = "trust/a.py", "platform/a.py", "platform/sqlite/a.py", "cli/a.py"
NETWORK, PAGE, SCRIPT, SERVE = "network/a.py", "centres/templates/a.html", "centres/static/a.js", "serve/a.py"

# Where the fault is planted, the fault, and the rule that must find it.
FAULTS = [
    (CLI, 'subprocess.run(f"ls {name}", shell=True)', "no-shell"),
    (CLI, 'os.system("ls")', "no-shell"),
    (SERVE, "await asyncio.create_subprocess_shell(line)", "no-shell"),
    (PLATFORM, "eval(text)", "no-code-from-text"),
    ("centres/a.py", "pages.from_string(text)", "no-code-from-text"),
    (PLATFORM, "import pickle", "no-objects-from-bytes"),
    (PLATFORM, "from pickle import loads", "no-objects-from-bytes"),
    ("collect/a.py", "import yaml", "no-objects-from-bytes"),
    ("analytics/a.py", "marshal.loads(read)", "no-objects-from-bytes"),
    ("collect/a.py", "from xml.etree import ElementTree", "xml-is-read-in-one-place"),
    ("collect/a.py", "from lxml import etree", "xml-is-read-in-one-place"),
    (CLI, "archive.extractall(there)", "archives-are-read-by-name"),
    (PLATFORM, "os.chmod(path, 0o644)", "files-are-their-owners"),
    (PLATFORM, "path.chmod(0o666)", "files-are-their-owners"),
    (PLATFORM, "tempfile.mktemp()", "files-are-their-owners"),
    (SERVE, "Starlette(routes=routes, debug=True)", "no-debugging"),
    (PLATFORM, 'db.execute(f"SELECT doc FROM entity WHERE id = {name}")', "sql-is-written-out"),
    (PLATFORM, 'db.execute("DELETE FROM person WHERE id = " + name)', "sql-is-written-out"),
    (PLATFORM, 'db.execute("SELECT * FROM person WHERE id = %s" % name)', "sql-is-written-out"),
    (PLATFORM, "sql = f\"SELECT id FROM person WHERE name = '{name}'\"", "sql-is-written-out"),
    (PLATFORM, "apsw.Connection(path)", "files-are-opened-by-the-store"),
    (PLATFORM, "import sqlite3", "files-are-opened-by-the-store"),
    (TRUST, "import threading", "trust-is-pure"),
    (TRUST, "Path(name).read_text()", "trust-is-pure"),
    (TRUST, "there.write_text(text)", "trust-is-pure"),
    (TRUST, "found = token == said", "secrets-are-compared-in-equal-time"),
    (PLATFORM, "found = said != person.secret", "secrets-are-compared-in-equal-time"),
    (PLATFORM, "found = hmac.new(key, said, hashlib.sha256).hexdigest() == kept", "secrets-are-compared-in-equal-time"),
    (PLATFORM, 'await self._cities["open"].awrite(write)', "realms-are-left-through-their-door"),
    (SERVE, 'running.cities["security"].write(write)', "realms-are-left-through-their-door"),
    (PLATFORM, 'headers.append((b"set-cookie", value))', "cookies-are-made-where-their-flags-are"),
    (TRUST, "import random", "secrets-are-drawn-by-secrets"),
    (PLATFORM, "from random import choices", "secrets-are-drawn-by-secrets"),
    (PLATFORM, "uuid.uuid1()", "secrets-are-drawn-by-secrets"),
    (TRUST, "hashlib.md5(secret)", "no-broken-hash"),
    (TRUST, 'hashlib.new("sha1", secret)', "no-broken-hash"),
    (TRUST, "hmac.new(key, what, hashlib.sha1)", "no-broken-hash"),
    (PLATFORM, "Cipher(algorithms.AES(key), modes.ECB())", "no-broken-cipher"),
    (PLATFORM, "rsa.generate_private_key(public_exponent=65537, key_size=1024)", "no-broken-cipher"),
    (PLATFORM, "from joserfc import jwt", "tokens-are-read-in-one-place"),
    (TRUST, "from joserfc.jwt import decode", "tokens-are-read-in-one-place"),
    (PLATFORM, 'log.info("signed in", token=said)', "secrets-are-not-logged"),
    (PLATFORM, 'log.warning("wrong password %s", password)', "secrets-are-not-logged"),
    (SERVE, "print(session.secret_key, token)", "secrets-are-not-logged"),
    (SERVE, 'PASSWORD = "sysadmin"', "no-secret-in-the-source"),
    (SERVE, 'begin(name="admin", password="hunter22")', "no-secret-in-the-source"),
    (PLATFORM, "import httpx", "calls-go-through-the-wall"),
    (SERVE, "from urllib.request import urlopen", "calls-go-through-the-wall"),
    (NETWORK, "context = ssl._create_unverified_context()", "certificates-are-looked-at"),
    (NETWORK, "context.check_hostname = False", "certificates-are-looked-at"),
    (NETWORK, "httpx.AsyncClient(verify=False)", "certificates-are-looked-at"),
    (SERVE, "context.minimum_version = ssl.TLSVersion.TLSv1_1", "tls-is-1-2-or-newer"),
    (SERVE, 'context.set_ciphers("ALL:@SECLEVEL=0")', "tls-is-1-2-or-newer"),
    (NETWORK, "httpx.AsyncClient(follow_redirects=True)", "redirects-are-followed-by-hand"),
    ("centres/a.py", "Markup(name)", "pages-escape-what-they-show"),
    ("centres/a.py", "Environment(loader=loader)", "pages-escape-what-they-show"),
    (PAGE, "<p>{{ name | safe }}</p>", "templates-escape-what-they-show"),
    (PAGE, "{% autoescape false %}", "templates-escape-what-they-show"),
    (PAGE, "<script>go()</script>", "pages-hold-no-script"),
    (PAGE, '<a href="javascript:go()">go</a>', "pages-hold-no-script"),
    (PAGE, '<p class="a" onclick="go()">go</p>', "pages-hold-no-script"),
    (PAGE, '<p style="color: red">go</p>', "pages-hold-no-script"),
    (SCRIPT, "node.innerHTML = name;", "scripts-write-text-not-html"),
    (SCRIPT, "new Function(text);", "scripts-write-text-not-html"),
    (SCRIPT, 'localStorage.setItem("hansa.token", token);', "browsers-keep-no-secret"),
    (SCRIPT, 'document.cookie = "theme=dark";', "browsers-keep-no-secret"),
    (SCRIPT, 'window.addEventListener("message", take);', "pages-hear-no-other-window"),
    ("centres/a.py", 'answer.set_cookie("hansa", value)', "cookies-have-their-flags"),
    ("centres/a.py", 'answer.set_cookie("hansa", value, httponly=True, samesite="lax")', "cookies-have-their-flags"),
]

# What looks alike and is right, or is right in this place: no rule may cry.
SOUND = [
    (CLI, 'subprocess.run(["ls", name], check=True)'),
    ("cli/bulk.py", "marshal.loads(made)"),
    (PLATFORM, "os.chmod(path, 0o600)\npath.chmod(0o700)\nre.compile(text)"),
    (PLATFORM, 'db.execute("SELECT doc FROM entity WHERE id = ?", [name])\nlog.info(f"SELECTED {name} FROM all")'),
    (PLATFORM, 'db.execute(f"SELECT {_COLUMNS} FROM people WHERE id = ?", [name])'),
    (TRUST, 'files(__package__).joinpath("common.txt").read_text("utf-8")'),
    (SQLITE, 'db.execute(f"SELECT doc FROM entity WHERE id IN ({marks})", names)\napsw.Connection(path)'),
    (TRUST, "hmac.compare_digest(token, said)\nknown = token == None\nkind = form.secret == 'none'\nimport secrets"),
    ("trust/jose.py", "from joserfc import jwt"),
    (CLI, "from joserfc.jwk import ECKey"),
    ("platform/realms.py", 'self._cities["open"].write(write)'),
    (PLATFORM, 'self._cities[device.realm].submit(writes)\nopen_ = self.cities["open"].find("Alert")'),
    ("platform/sign_in.py", 'return b"set-cookie", value'),
    ("network/deliver.py", "import random"),
    ("apps/frost/a.py", "import random"),
    (PLATFORM, 'log.info("signed in", who=who, keys=many)\nhashlib.sha256(secret)'),
    (SERVE, 'PASSWORD = os.environ["HANSA_PASSWORD"]\npassword = ""\nlabel(password="a word or four")'),
    (NETWORK, "import httpx\ncontext = ssl.create_default_context()\nhttpx.AsyncClient(verify=context)"),
    ("cli/desk.py", "import httpx\nhttpx.get(url, verify=False)"),
    (SERVE, "context.minimum_version = ssl.TLSVersion.TLSv1_2"),
    ("centres/a.py", "Environment(loader=loader, autoescape=True)"),
    (PAGE, '<script src="/static/a.js" type="module"></script>\n<p class="on">{{ name }} is safe</p>'),
    (SCRIPT, 'node.textContent = name; setTimeout(go, 5); localStorage.setItem("hansa.theme", to);'),
    ("centres/a.py", 'answer.set_cookie("hansa", value, secure=True, httponly=True, samesite="lax")'),
    ("centres/a.py", 'answer.set_cookie("hansa", v, max_age=9, httponly=True, path="/", samesite="lax", secure=s)'),
]


def rules() -> list[str]:
    """The rules' names, as they are written."""
    texts = [file.read_text() for file in sorted(RULES.glob("*.yml"))]
    return [name for text in texts for name in re.findall(r"^  - id: (\S+)$", text, re.MULTILINE)]


def found(folder: Path, *trees: str) -> Iterator[tuple[str, int, str]]:
    """What semgrep finds in trees of a folder by our rules: file, line, rule."""
    program = ROOT / ".venv-lint" / "bin" / "semgrep"
    if not program.exists():
        why = "semgrep is not there; `make lint` makes .venv-lint"
        if os.environ.get("HANSA_REQUIRE_ALL"):
            pytest.fail(why)
        pytest.skip(why)
    (folder / ".semgrepignore").write_text((ROOT / ".semgrepignore").read_text())
    quiet = ("--metrics", "off", "--disable-version-check")
    here = {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    here |= {"SEMGREP_SETTINGS_FILE": f"{folder}/settings", "SEMGREP_LOG_FILE": f"{folder}/log"}
    done = subprocess.run(
        [program, "scan", "--config", RULES, *quiet, "--strict", "--json", *trees], cwd=folder, env=os.environ | here,
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    said: dict[str, Any] = json.loads(done.stdout)
    assert said["errors"] == [], said["errors"]
    for one in said["results"]:
        yield one["path"], one["start"]["line"], one["check_id"].rpartition(".")[2]


def planted(folder: Path, tree: str, pieces: list[tuple[str, str]]) -> dict[tuple[str, int], int]:
    """Write each piece to its file in a tree of its own; file and line, and the number of the piece."""
    texts: dict[str, list[str]] = {}
    where: dict[tuple[str, int], int] = {}
    for number, (place, text) in enumerate(pieces):
        name = f"{tree}/hansa/{place}"
        lines = texts.setdefault(name, [])
        for line in text.splitlines():
            lines.append(line)
            where[name, len(lines)] = number
    for name, lines in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("\n".join(lines) + "\n")
    return where


@pytest.fixture(scope="module")
def cried(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[tuple[int, str]]]:
    """What is found in two trees, one with faults and one without: the numbers of the pieces, and the rules."""
    folder = tmp_path_factory.mktemp("planted")
    trees = {
        "faulty": planted(folder, "faulty", [(place, text) for place, text, _ in FAULTS]),
        "sound": planted(folder, "sound", SOUND),
    }
    heard: dict[str, set[tuple[int, str]]] = {tree: set() for tree in trees}
    for file, line, rule in found(folder, *trees):
        tree = file.partition("/")[0]
        heard[tree].add((trees[tree][file, line], rule))
    return heard


def test_every_rule_finds_the_faults_that_are_planted_for_it(cried: dict[str, set[tuple[int, str]]]) -> None:
    assert [FAULTS[i] for i in range(len(FAULTS)) if (i, FAULTS[i][2]) not in cried["faulty"]] == []


def test_what_only_looks_like_a_fault_is_let_be(cried: dict[str, set[tuple[int, str]]]) -> None:
    assert [(SOUND[number], rule) for number, rule in cried["sound"]] == []


def test_no_rule_is_without_its_fault_and_none_without_its_reason() -> None:
    names = rules()
    assert len(names) == len(set(names)) > 20
    assert set(names) == {rule for _, _, rule in FAULTS}
    for file in RULES.glob("*.yml"):
        blocks = re.split(r"^  - id: ", file.read_text(), flags=re.MULTILINE)[1:]
        assert all("    severity: ERROR\n" in block and "    message: " in block for block in blocks), file.name


def silenced(text: str) -> list[str]:
    """Lines that silence a tool without saying which rule, or a rule that there is none of."""
    wrong = []
    for line in text.splitlines():
        named = re.findall(r"#\s*nosem(?:grep)?\b(?::\s*([\w-]+))?", line)
        wrong += [line for name in named if name not in rules()]
        if re.search(r"#\s*nosec\b(?! B\d{3}\b)", line):
            wrong.append(line)
    return wrong


def test_what_is_silenced_is_silenced_by_its_rule_and_only_what_is_vendored_is_not_looked_at() -> None:
    for path in (*(ROOT / "src").rglob("*.py"), *(ROOT / "lint").rglob("*.py")):
        assert silenced(path.read_text("utf-8")) == [], path
    ignored = [line for line in (ROOT / ".semgrepignore").read_text().splitlines() if line and not line.startswith("#")]
    assert ignored == ["/src/hansa/centres/static/vendor/"]


def test_a_blanket_would_be_found() -> None:
    blankets = (
        "eval(a)  # nosemgrep",
        "eval(a)  # nosem: anything",
        "eval(a)  # nosec",
        "eval(a)  # nosec, it is fine",
    )
    assert [line for line in blankets if not silenced(line)] == []
    assert silenced("eval(a)  # nosec B307  # nosemgrep: no-code-from-text") == []
