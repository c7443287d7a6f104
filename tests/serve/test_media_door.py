"""Files of incidents through the door: kept, handed out to be saved, taken away; and what only claims to be one."""

import io
import subprocess
import sys
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from hansa.errors import HansaError
from hansa.platform.media import called, kind_of
from served import KNOWN, Served

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + bytes(13)
JPEG = b"\xff\xd8\xff\xe0" + bytes(200)
DESK = "/desk/incidents"


def send(city: Served, ident: str, body: bytes, room: str = "", **said: str) -> httpx.Response:
    return httpx.post(
        f"{city.url}{room}/media/{ident}", params=said, content=body, verify=KNOWN, trust_env=False, timeout=60
    )


def raised(city: Served, room: str = "") -> str:
    return str(city.post(f"{room}{DESK}/raise", {"name": "Flood"}).json()["changed"][0])


def files(city: Served, ident: str, room: str = "") -> list[dict[str, Any]]:
    told = city.get(f"{room}{DESK}/picture?id={ident}").json()["incident"]
    found: list[dict[str, Any]] = told.get("media", [])
    return found


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (JPEG, "image/jpeg"), (PNG, "image/png"), (b"RIFF0000WEBPVP8 ", "image/webp"),
        (b"GIF89a" + bytes(20), "image/gif"),
        (b"%PDF-1.7\n", "application/pdf"), (b"\0\0\0\x18ftypmp42" + bytes(20), "video/mp4"),
        ("Žilina, 3,2 m\n".encode(), "text/plain"), (b"<script>alert(1)</script>", "text/plain"),
    ],
)  # fmt: skip
def test_a_kind_is_told_by_the_first_bytes(body: bytes, kind: str) -> None:
    assert kind_of(body) == kind


@pytest.mark.parametrize(
    "body", [b"", b"MZ\x90\0", b"\x7fELF", b"PK\x03\x04", b"\xff\xfe\x00", b"\0\0\0\x18ftypheic", b"\x1f\x8b\x08"]
)
def test_what_is_none_of_ours_is_not_taken(body: bytes) -> None:
    with pytest.raises(HansaError) as fault:
        kind_of(body)
    assert fault.value.status == 415


def test_a_name_is_letters_and_the_ending_of_what_it_is() -> None:
    assert called("../../etc/passwd", "text/plain") == "passwd.txt"
    assert called('x".html\r\nset-cookie: a', "image/png") == "x.png"
    assert called("C:\\pictures\\quay.jpeg", "image/jpeg") == "quay.jpg"
    assert called("…", "application/pdf") == "file.pdf"


def test_a_photograph_is_kept_listed_handed_out_and_taken_away(city: Served) -> None:
    ident = raised(city)
    answer = send(city, ident, JPEG, name="quay.html", caption="The quay at nine")
    assert answer.status_code == 201, answer.text
    digest = answer.json()["sha256"]
    (one,) = files(city, ident)
    assert (one["name"], one["kind"], one["size"]) == ("quay.html", "image/jpeg", len(JPEG))
    got = city.get(f"/media/{ident}/{digest}")
    assert got.content == JPEG
    assert got.headers["content-type"] == "image/jpeg"
    assert got.headers["content-disposition"] == 'attachment; filename="quay.jpg"'
    assert got.headers["x-content-type-options"].startswith("nosniff")
    assert "sandbox" in got.headers["content-security-policy"]
    assert "The quay at nine" in city.get(f"{DESK}/log?id={ident}").json()["lines"][0]["text"]
    again = send(city, ident, JPEG, name="quay.jpg")
    assert again.status_code == 409
    assert city.get(f"/media/{ident}/{digest}").status_code == 200  # the first one stays
    assert city.post(f"{DESK}/detach", {"id": ident, "sha256": digest}).status_code == 400
    assert city.post(f"{DESK}/detach", {"id": ident, "sha256": digest, "reason": "a face"}).status_code == 200
    assert city.get(f"/media/{ident}/{digest}").status_code == 404
    assert send(city, ident, PNG).status_code == 201  # and with this one, the bytes of the other go
    assert len(files(city, ident)) == 1


def test_files_are_an_incidents_own(city: Served) -> None:
    one, other = raised(city), raised(city)
    digest = send(city, one, b"a note\n").json()["sha256"]
    assert city.get(f"/media/{other}/{digest}").status_code == 404
    assert city.get(f"/ccc/media/{one}/{digest}").status_code == 404
    assert send(city, "urn:ngsi-ld:Incident:none", JPEG).status_code == 404
    assert city.post("/ngsi-ld/v1/entities", {"id": "urn:ngsi-ld:Lamp:1", "type": "Lamp"}).status_code == 201
    assert send(city, "urn:ngsi-ld:Lamp:1", JPEG).status_code == 404
    mine = raised(city, "/ccc")
    kept = send(city, mine, b"camera 4\n", room="/ccc").json()["sha256"]
    assert city.get(f"/ccc/media/{mine}/{kept}").content == b"camera 4\n"
    raw = (city.folder / "media-security.db").read_bytes()
    assert b"camera 4" not in raw
    assert not raw.startswith(b"SQLite format")  # sealed


def test_what_an_entity_only_claims_is_not_handed_out(city: Served) -> None:
    ident = raised(city)
    claim = {"id": ident, "sha256": "a" * 64, "kind": "text/html", "size": 3, "name": "x"}
    assert city.post(f"{DESK}/attach", claim).status_code == 200
    assert city.get(f"/media/{ident}/{'a' * 64}").status_code == 400
    bomb = io.BytesIO(zlib.compress(bytes(10_000_000)))  # bytes that would unpack to many more are bytes like others
    assert send(city, ident, PNG + bomb.getvalue()).status_code == 201


def test_files_beyond_the_caps_are_refused_and_leave_nothing(serve: Callable[..., Served]) -> None:
    city = serve(wait=False)
    city.kill()
    city.folder.mkdir(exist_ok=True)
    (city.folder / "hansa.toml").write_text("[limits]\nmedia = 10_000_000\nmedia_of = 12_000_000\n")
    city.start()
    ident = raised(city)
    assert send(city, ident, JPEG + bytes(10_000_000)).status_code == 413
    assert send(city, ident, JPEG + bytes(9_000_000)).status_code == 201  # more than any other body may have
    assert send(city, ident, PNG + bytes(9_000_000)).status_code == 413
    assert send(city, ident, b"\x7fELF" + bytes(100)).status_code == 415
    assert send(city, ident, PNG, nonsense="x").status_code == 400
    assert len(files(city, ident)) == 1


def test_many_who_send_at_once_lose_nothing(city: Served) -> None:
    ident = raised(city)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda i: send(city, ident, f"note {i}\n".encode(), name=f"{i}.txt"), range(24)))
    assert {one.status_code for one in answers} == {201}
    kept = files(city, ident)
    assert len(kept) == 24
    assert {city.get(f"/media/{ident}/{one['sha256']}").content for one in kept} == {
        f"note {i}\n".encode() for i in range(24)
    }


def test_files_are_in_the_backup_of_both_realms(serve: Callable[..., Served], tmp_path: Path) -> None:
    city = serve()
    kept = {
        room: (ident := raised(city, room), send(city, ident, JPEG, room).json()["sha256"]) for room in ("", "/ccc")
    }
    city.stop()

    def hansa(*words: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "hansa", *words], capture_output=True, text=True, check=False, env=city.env
        )
        assert done.returncode == 0, done.stderr

    hansa("backup", str(tmp_path / "a.hansa"), "--data", str(city.folder))
    key = str(city.folder / "security.key")
    hansa("restore", str(tmp_path / "a.hansa"), "--data", str(tmp_path / "new"), "--key-file", key, "--keep-key")
    again = serve(folder="new")
    for room, (ident, digest) in kept.items():
        assert again.get(f"{room}/media/{ident}/{digest}").content == JPEG
