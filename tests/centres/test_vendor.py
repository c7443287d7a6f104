"""What is vendored is what its makers published: checksums, licences, and no word of where packages come from."""

import hashlib
import re
from pathlib import Path

from hansa import centres

STATIC = Path(centres.__file__).parent / "static"
VENDOR = STATIC / "vendor"


def sums():
    lines = (VENDOR / "SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def test_every_vendored_file_has_the_checksum_that_is_written_down():
    found = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "SHA256SUMS"
    }
    assert found == sums()


def test_every_vendored_package_brings_its_licence():
    for package in (path for path in VENDOR.iterdir() if path.is_dir()):
        licences = list(package.glob("LICENSE*"))
        assert licences, package.name
        assert re.search(r"Copyright|MIT License", licences[0].read_text()), package.name
        assert f"`{package.name}`" in (VENDOR / "README.md").read_text()


def test_no_script_or_sheet_of_the_page_asks_another_machine_for_anything():
    fetching = re.compile(r"""(?:(?:import|from)\s*\(?\s*["'`]|@import\s*["']|url\(\s*["']?)\s*(?:https?:)?//""")
    for path in STATIC.rglob("*"):
        if path.suffix not in {".js", ".mjs", ".css"}:
            continue
        text = path.read_text()
        assert not fetching.search(text), path.name
        assert not re.search(r"\bregistry\.[a-z]+\.[a-z]{2,3}\b", text), path.name


def test_a_source_map_is_never_looked_for_on_another_machine():
    for path in VENDOR.rglob("*.*js"):
        for where in re.findall(r"sourceMappingURL=(\S+)", path.read_text()):
            assert re.fullmatch(r"[\w.-]+\.map", where), path.name


def test_what_we_wrote_ourselves_never_reads_text_as_html():
    dangerous = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|javascript:")
    ours = [path for path in STATIC.rglob("*.js") if VENDOR not in path.parents]
    assert len(ours) > 25
    for path in ours:
        assert not dangerous.search(path.read_text()), path.name
