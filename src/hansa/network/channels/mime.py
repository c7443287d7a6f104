"""One warning as a mail: RFC 5322 and MIME, text and HTML, built without a socket.

No header can be smuggled in: control characters are gone before anything is written, and what is not ASCII is encoded
(RFC 2047). The Message-ID is the same whenever the same delivery is sent, so that mailboxes drop the second. Held by
tests/network/test_channel_mail.py, which reads it back with Python's own parser.
"""

import base64
import binascii
import re
from email.utils import formatdate
from hashlib import sha256
from html import escape
from typing import Final

from hansa.network.channels.said import Notice, clean, line

_ATOM: Final = r"[^\s\x00-\x20\x7f()<>@,;:\\\"\[\]]{1,64}"
_ADDRESS: Final = re.compile(rf"({_ATOM})@([^\s@<>()\[\],;:\\\"/]{{1,253}})")
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_MOST: Final = 254  # characters of an address (RFC 5321, 4.5.3.1.3, less the brackets)
_WORD: Final = 39  # bytes of one encoded word before base64: 75 characters with its frame (RFC 2047, 2)
_RTL: Final = frozenset(("ar", "fa", "he", "ur"))


class NoAddress(ValueError):
    """A text that is no e-mail address."""


def address(text: object) -> str:
    """An address as it goes over the wire, its domain in ASCII; NoAddress when it is none.

    Quoted local parts and address literals are legal and nobody has them; header injection does.
    """
    found = _ADDRESS.fullmatch(text) if isinstance(text, str) and len(text) <= _MOST else None
    if found is None:
        raise NoAddress("this is no e-mail address")
    local, domain = found[1], found[2]
    if local.startswith(".") or local.endswith(".") or ".." in local or not local.isprintable():
        raise NoAddress("this is no e-mail address")
    try:
        domain = domain.encode("idna").decode().lower()
    except UnicodeError:
        raise NoAddress("its domain is none") from None
    if not all(_LABEL.fullmatch(one) for one in domain.split(".")):
        raise NoAddress("its domain is none")
    return f"{local}@{domain}"


def message_id(notice: Notice, domain: str) -> str:
    """The same for the same warning and recipient."""
    return f"<{notice.key}@{domain}>"


def build(notice: Notice, to: str, sender: str, sender_name: str) -> bytes:
    """The whole mail with CRLF ends of line, ready to be dot-stuffed. `to` and `sender` are addresses (`address`)."""
    domain = sender.rpartition("@")[2]
    boundary = f"=_{notice.key}"
    about = sha256(f"{notice.thread}\0{notice.id}".encode()).hexdigest()[:32]
    head = [
        f"From: {_words(sender_name)} <{sender}>",
        f"To: <{to}>",
        f"Subject: {_words(line(notice.title, 200))}",
        f"Date: {formatdate(notice.at / 1e6)}",
        f"Message-ID: {message_id(notice, domain)}",
        f"References: <{about}@{domain}>",
    ]
    if notice.again:
        head.append(f"In-Reply-To: <{about}@{domain}>")
    head += ["Auto-Submitted: auto-generated", "Importance: high", f"Content-Language: {_tag(notice.language)}"]
    if notice.leave:
        head += [f"List-Unsubscribe: <{_url(notice.leave)}>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"]
    head += ["MIME-Version: 1.0", f'Content-Type: multipart/alternative; boundary="{boundary}"']
    plain, rich = text(notice), html(notice)
    parts = b"".join(
        b"--%b\r\nContent-Type: text/%b; charset=utf-8\r\n%b\r\n" % (boundary.encode(), kind, _encoded(body))
        for kind, body in ((b"plain", plain), (b"html", rich))
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + parts + b"--%b--\r\n" % boundary.encode()


def text(notice: Notice) -> str:
    """The part without markup."""
    link = f"{notice.confirm}\n{notice.link}" if notice.link else ""
    return "\n\n".join(one for one in (line(notice.title), clean(notice.body or notice.short), link) if one) + "\n"


def html(notice: Notice) -> str:
    """The part with it: no picture, no script, nothing that is fetched from anywhere."""
    tag = _tag(notice.language)
    way = "rtl" if tag.partition("-")[0] in _RTL else "ltr"
    said = clean(notice.body or notice.short)
    paragraphs = "\n".join(
        f"<p>{escape(one.strip()).replace(chr(10), '<br>')}</p>" for one in said.split("\n\n") if one.strip()
    )
    link = ""
    if notice.link:
        words = escape(notice.confirm or notice.link)
        link = f'<p><a href="{escape(_url(notice.link))}" style="font-size:1.2em">{words}</a></p>'
    return (
        f'<!doctype html>\n<html lang="{tag}" dir="{way}"><head><meta charset="utf-8">'
        f"<title>{escape(line(notice.title))}</title></head>\n"
        f'<body style="font-family:sans-serif;max-width:40em">\n<h1 style="font-size:1.4em">'
        f"{escape(line(notice.title))}</h1>\n{paragraphs}\n{link}\n</body></html>\n"
    )


def stuffed(raw: bytes) -> bytes:
    """As it stands after DATA (RFC 5321, 4.5.2): lines that begin with a dot get another, a lone dot ends it."""
    return (b"." if raw.startswith(b".") else b"") + raw.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def _encoded(body: str) -> bytes:
    """The transfer encoding that is shorter, with its header: quoted-printable for Latin, base64 for the rest."""
    raw = body.replace("\n", "\r\n").encode()
    if sum(byte > 126 for byte in raw[:2_000]) * 6 > min(len(raw), 2_000):
        folded = base64.encodebytes(raw).replace(b"\n", b"\r\n")
        return b"Content-Transfer-Encoding: base64\r\n\r\n" + folded
    quoted = binascii.b2a_qp(raw, istext=True).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + quoted


def _words(said: str) -> str:
    """A header's text, folded: as it is when it is plain ASCII, else as encoded words."""
    said = line(said, 400)
    if len(said) <= 60 and re.fullmatch(r"[A-Za-z0-9 !#$%&'*+\-/=^_`{|}~]*", said):
        return said
    words: list[str] = []
    piece = b""
    for sign in said:
        raw = sign.encode()
        if len(piece) + len(raw) > _WORD:
            words.append(f"=?utf-8?b?{base64.b64encode(piece).decode()}?=")
            piece = b""
        piece += raw
    words.append(f"=?utf-8?b?{base64.b64encode(piece).decode()}?=")
    return "\r\n ".join(words)


def _tag(language: str) -> str:
    return language if re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}", language) else "en"


def _url(said: str) -> str:
    """A URL that can stand in a header."""
    return re.sub(r"[^!#-;=?-Z\[\]_a-z~]", "", said)[:900]
