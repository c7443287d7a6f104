"""Photographs that strangers send: the picture stays, what tells of the sender goes, what is no photo is refused."""

import io
import random
import struct
import zipfile
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps, PngImagePlugin

from hansa.errors import BadRequest, TooLarge, UnsupportedMediaType
from hansa.platform.photos import cleaned, png

HOME = b"12 Acacia Avenue, back door"
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + HOME + b"</x:xmpmeta>"


def exif(orientation: int = 1) -> bytes:
    """What a telephone writes: maker, place, serial number, and how it was held."""
    said = Image.Exif()
    said[0x010F], said[0x010E], said[0x0112] = "Secretphone", HOME.decode(), orientation
    said.get_ifd(0x8825).update({1: "N", 2: (48.0, 12.0, 34.5), 3: "E", 4: (16.0, 22.0, 21.0)})
    said.get_ifd(0x8769).update({0xA431: "SN-4711-PRIVATE", 0x927C: b"maker's note of " + HOME})
    return said.tobytes()


def picture(mode: str = "RGB", width: int = 61, height: int = 43, seed: int = 1) -> Image.Image:
    """Something with edges, slopes and noise, as photographs have."""
    size = width * height
    noise = random.Random(seed).randbytes(size * 4)
    whole = Image.frombytes("RGBA", (width, height), noise).resize((width, height))
    whole.paste((250, 40, 10, 255), (3, 3, max(4, width // 2), max(4, height // 2)))
    if mode == "P":
        return whole.convert("RGB").quantize(16)
    if mode == "I;16":
        return Image.frombytes("I;16", (width, height), noise[: size * 2])
    return whole.convert(mode)


def written(one: Image.Image, kind: str, **how: Any) -> bytes:
    out = io.BytesIO()
    one.save(out, kind, **how)
    return out.getvalue()


def same(one: bytes, other: bytes) -> bool:
    with Image.open(io.BytesIO(one)) as a, Image.open(io.BytesIO(other)) as b:
        return (a.size, a.mode, a.tobytes()) == (b.size, b.mode, b.tobytes())


def pnginfo() -> PngImagePlugin.PngInfo:
    told = PngImagePlugin.PngInfo()
    told.add_text("Comment", HOME.decode())
    told.add_itxt("XML:com.adobe.xmp", XMP.decode())
    told.add_text("packed", HOME.decode() * 3, zip=True)
    return told


FILES = {
    "jpeg": lambda: written(picture(), "JPEG", exif=exif(), xmp=XMP, comment=HOME, icc_profile=HOME * 9),
    "jpeg progressive": lambda: written(picture(), "JPEG", progressive=True, exif=exif(), comment=HOME),
    "jpeg gray": lambda: written(picture("L"), "JPEG", exif=exif()),
    "jpeg cmyk": lambda: written(picture("CMYK"), "JPEG", exif=exif()),
    "jpeg with restarts": lambda: written(picture(width=200), "JPEG", restart_marker_blocks=2, exif=exif()),
    "png": lambda: written(picture("RGBA"), "PNG", exif=exif(), pnginfo=pnginfo(), icc_profile=HOME * 9),
    "png palette": lambda: written(picture("P"), "PNG", transparency=3, exif=exif(), pnginfo=pnginfo()),
    "png gray": lambda: written(picture("L"), "PNG", pnginfo=pnginfo()),
    "png 16 bits": lambda: written(picture("I;16"), "PNG", pnginfo=pnginfo()),
    "png 1 bit": lambda: written(picture("1"), "PNG", pnginfo=pnginfo()),
    "webp": lambda: written(picture(), "WEBP", exif=exif(), xmp=XMP, icc_profile=HOME * 9),
    "webp see-through": lambda: written(picture("RGBA"), "WEBP", exif=exif(), xmp=XMP),
    "webp lossless": lambda: written(picture("RGBA"), "WEBP", lossless=True, exif=exif(), xmp=XMP),
}


@pytest.mark.parametrize("which", FILES)
def test_the_picture_stays_and_the_person_goes(which: str) -> None:
    body = FILES[which]()
    photo = cleaned(body + b"behind the end: " + HOME)
    assert same(body, photo.body)
    assert (photo.width, photo.height) == Image.open(io.BytesIO(body)).size
    assert photo.kind == f"image/{which.split(maxsplit=1)[0]}"
    for secret in (HOME, b"Secretphone", b"SN-4711", b"xmpmeta", b"ICC", b"iCCP", b"Exif", b"GPS"):
        assert secret not in photo.body
    with Image.open(io.BytesIO(photo.body)) as seen:
        assert not dict(seen.getexif())
    assert cleaned(photo.body) == photo, "what is clean stays as it is"


@pytest.mark.parametrize("which", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("turned", [3, 6, 8])
def test_a_picture_that_lies_on_its_side_still_says_so_and_nothing_else(which: str, turned: int) -> None:
    body = written(picture(), which, exif=exif(turned))
    photo = cleaned(body)
    with Image.open(io.BytesIO(photo.body)) as seen, Image.open(io.BytesIO(body)) as was:
        assert dict(seen.getexif()) == {0x0112: turned}
        assert ImageOps.exif_transpose(seen).tobytes() == ImageOps.exif_transpose(was).tobytes()
    assert HOME not in photo.body
    assert cleaned(photo.body) == photo


def test_a_thumbnail_goes_with_the_rest() -> None:
    small = written(picture(width=16, height=16, seed=5), "JPEG", quality=31)
    inside = b"JFIF\0\x01\x01\0\0\x01\0\x01\x02\x02" + HOME[:12]
    jfif = b"\xff\xe0" + struct.pack(">H", 2 + len(inside)) + inside
    other = b"\xff\xe3" + struct.pack(">H", 2 + len(small)) + small
    plain = written(picture(), "JPEG")
    photo = cleaned(plain[:2] + jfif + other + plain[20:])
    assert small[40:90] not in photo.body
    assert HOME[:12] not in photo.body
    assert same(plain, photo.body)


def test_bytes_hidden_behind_a_packed_picture_go() -> None:
    plain = written(picture("L"), "PNG")
    at = plain.index(b"IDAT") - 4
    size = int.from_bytes(plain[at : at + 4], "big")
    packed = plain[at + 8 : at + 8 + size] + HOME
    body = plain[:at] + png.chunk(b"IDAT", packed) + plain[at + 12 + size :]
    photo = cleaned(body)
    assert HOME not in photo.body
    assert same(plain, photo.body)


def head(width: int, height: int, data: bytes = b"") -> bytes:
    start = png.chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + start + png.chunk(b"IDAT", data) + png.chunk(b"IEND", b"")


def jpeg_of(width: int, height: int) -> bytes:
    body = bytearray(written(picture(), "JPEG"))
    at = body.index(b"\xff\xc0")
    body[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(body)


def moving(kind: str) -> bytes:
    return written(picture(), kind, save_all=True, append_images=[picture(seed=2)])


def with_scans(many: int) -> bytes:
    body = written(picture(), "JPEG")
    at = body.index(b"\xff\xda")
    return body[:at] + body[at:-2] * many + b"\xff\xd9"


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("run.js", "alert(1)")
    return out.getvalue()


def two_in_one() -> bytes:
    """An archive in what would be a picture's coded data: shown as one, opened as the other."""
    body = written(picture(), "JPEG")
    return body[:-2] + archive().replace(b"\xff", b"\xfe") + b"\xff\xd9"


REFUSED: dict[str, tuple[Any, type[BadRequest], str]] = {
    "nothing": (lambda: b"", UnsupportedMediaType, "empty"),
    "50 MB": (lambda: FILES["jpeg"]() + b"\0" * 50_000_000, TooLarge, "most"),
    "a picture of 4 gigapixels": (lambda: head(65_500, 65_500), TooLarge, "pixels"),
    "a JPEG of 4 gigapixels": (lambda: jpeg_of(65_500, 65_500), TooLarge, "pixels"),
    "a line": (lambda: head(40_000_000, 1), TooLarge, "pixels"),
    "no size": (lambda: head(0, 5), BadRequest, "no size"),
    "a bomb": (lambda: head(9, 9, zlib.compress(b"\0" * 9_000_000)), BadRequest, "more in it"),
    "less than it says": (lambda: head(900, 900, zlib.compress(b"\0")), BadRequest, "less in it"),
    "a JPEG with less than it says": (lambda: jpeg_of(7_000, 7_000), BadRequest, "less in it"),
    "not packed": (lambda: head(9, 9, b"no zlib"), BadRequest, "unpacked"),
    "GIF": (lambda: written(picture(), "GIF"), UnsupportedMediaType, "GIF"),
    "HEIC": (lambda: b"\0\0\0\x18ftypheic" + b"\0" * 40, UnsupportedMediaType, "most compatible"),
    "a page": (lambda: b"<script>alert(1)</script>", UnsupportedMediaType, "text"),
    "an SVG": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", UnsupportedMediaType, "text"),
    "a PDF": (lambda: b"%PDF-1.7 ...", UnsupportedMediaType, "PDF"),
    "an archive": (archive, UnsupportedMediaType, "zip"),
    "picture and archive": (two_in_one, BadRequest, "zip file too"),
    "a moving PNG": (lambda: moving("PNG"), UnsupportedMediaType, "moving"),
    "a moving WebP": (lambda: moving("WEBP"), UnsupportedMediaType, "moving"),
    "a thousand scans": (lambda: with_scans(1_000), TooLarge, "scans"),
    "only a beginning": (lambda: b"\xff\xd8\xff", BadRequest, "cut off"),
    "only a PNG's beginning": (lambda: b"\x89PNG\r\n\x1a\n", BadRequest, "cut off"),
    "two frames": (
        lambda: (b := written(picture(), "JPEG"))[: (i := b.index(b"\xff\xc0"))] + b[i : i + 19] + b[i:],
        BadRequest,
        "two frames",
    ),
    "a wrong checksum": (lambda: head(9, 9)[:29] + b"abcd" + head(9, 9)[33:], BadRequest, "checksum"),
}


@pytest.mark.parametrize("which", REFUSED)
def test_what_is_no_photo_is_refused_and_told_why(which: str) -> None:
    made, fault, why = REFUSED[which]
    with pytest.raises(fault, match=why) as told:
        cleaned(made())
    assert told.value.where == "photo"
    assert told.value.mend


@pytest.mark.parametrize("which", FILES)
def test_a_photo_that_is_cut_off_anywhere_is_refused(which: str) -> None:
    body = FILES[which]()
    body = cleaned(body).body
    for end in random.Random(7).sample(range(len(body) - 1), 40):
        with pytest.raises((BadRequest, UnsupportedMediaType)):
            cleaned(body[:end])


@settings(max_examples=50, deadline=None)
@given(which=st.sampled_from(sorted(FILES)), seed=st.integers(0, 2**32), flips=st.integers(1, 12))
def test_whatever_is_flipped_is_shown_the_same_or_refused(which: str, seed: int, flips: int) -> None:
    body, chance = bytearray(FILES[which]()), random.Random(seed)
    for _ in range(flips):
        body[chance.randrange(len(body))] = chance.randrange(256)
    try:
        photo = cleaned(bytes(body))
    except BadRequest:
        return
    assert cleaned(photo.body) == photo
    assert HOME not in photo.body


@settings(max_examples=50, deadline=None)
@given(
    start=st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x40\0\0\0WEBP"]), rest=st.binary(max_size=400)
)
def test_noise_is_refused(start: bytes, rest: bytes) -> None:
    with pytest.raises(BadRequest):
        cleaned(start + rest)


@settings(max_examples=25, deadline=None)
@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    mode=st.sampled_from(["L", "RGB", "RGBA", "P", "CMYK"]),
    kind=st.sampled_from(["JPEG", "PNG", "WEBP"]),
    seed=st.integers(0, 99),
    turned=st.integers(1, 8),
)
def test_any_picture_comes_through_as_it_was(
    width: int, height: int, mode: str, kind: str, seed: int, turned: int
) -> None:
    shown = {"JPEG": {"L", "RGB", "CMYK"}, "PNG": {"L", "RGB", "RGBA", "P"}, "WEBP": {"RGB", "RGBA"}}
    body = written(picture(mode if mode in shown[kind] else "RGB", width, height, seed), kind, exif=exif(turned))
    photo = cleaned(body)
    assert same(body, photo.body)
    assert (photo.width, photo.height) == (width, height)
    assert b"Secretphone" not in photo.body


def test_a_laced_picture_is_measured_pass_by_pass() -> None:
    """Adam7 of 5 by 3 gray: passes of 1x1, 1x1, (none), 1x1, 3x1, 2x2 ... as PNG's 8.1 counts them."""
    told = struct.pack(">IIBBBBB", 5, 3, 8, 0, 0, 0, 1)
    by_hand = (1 + 1) + (1 + 1) + 0 + (1 + 1) + (1 + 3) + 2 * (1 + 2) + (1 + 5)
    assert png.unpacked_size(told, 5, 3) == by_hand
