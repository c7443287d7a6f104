"""A message in as few words as an SMS holds (3GPP TS 23.038: 160 septets of the default alphabet, or 70 of UCS-2)."""

import unicodedata
from datetime import datetime
from types import MappingProxyType
from typing import Final

from hansa.apps.warnings.cap.languages import best
from hansa.apps.warnings.cap.message import Alert, Info

SEPTETS: Final = 160
UCS2: Final = 70
WORTH: Final = 20  # characters of a cut headline that still say something
# 6.2.1 of TS 23.038; the escape itself is no character that a text may have.
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")  # two septets each (6.2.1.1)
_TYPOGRAPHIC: Final = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\xa0": " "}
)
# What has to be read first: (Exercise, Test, Update, Cancel, until).
_WORDS: Final = MappingProxyType(
    {
        "en": ("EXERCISE", "TEST", "UPDATE", "CANCELLED", "until"),
        "fr": ("EXERCICE", "ESSAI", "MISE À JOUR", "ANNULÉ", "jusqu'à"),
        "es": ("SIMULACRO", "PRUEBA", "ACTUALIZACIÓN", "CANCELADO", "hasta"),
        "ar": ("تمرين", "اختبار", "تحديث", "أُلغي", "حتى"),
        "ja": ("訓練", "試験", "更新", "解除", "期限"),
    }
)


def septets(text: str) -> int | None:
    """How many septets of the GSM default alphabet the text takes; None when it has other characters."""
    count = 0
    for character in text:
        if character in _BASIC:
            count += 1
        elif character in _EXTENDED:
            count += 2
        else:
            return None
    return count


def fits(text: str, most: int = SEPTETS) -> bool:
    """Whether the text fits `most` septets, or as many bits in UCS-2 (70 units for 160 septets)."""
    needed = septets(text)
    if needed is not None:
        return needed <= most
    return len(text.encode("utf-16-be")) // 2 <= most * UCS2 // SEPTETS


def short(alert: Alert, language: str = "en", link: str = "", most: int = SEPTETS) -> str:
    """The message for a small display: what it is if not the thing itself, what, where, until when, and the link.

    Never longer than `most` septets (or their equivalent in UCS-2); the link is never cut, and left out when it would
    leave no room for the words. Control characters and runs of spaces are gone.
    """
    info = best(alert, language)
    words = _WORDS.get((info.language if info else language).lower().split("-")[0], _WORDS["en"])
    marks = (
        {"Exercise": words[0], "Test": words[1]}.get(alert.status, ""),
        {
            "Update": words[2],
            "Cancel": words[3],
        }.get(alert.msg_type, ""),
    )
    head = " ".join(f"{it}:" for it in marks if it)
    tail = _until(info, alert.sent, words[4]) if info and alert.msg_type != "Cancel" else ""
    link = _clean(link)
    for ending in (_joined(tail, link), link, tail, ""):
        for body in _bodies(info, alert):
            if fits(whole := _joined(head, body, ending), most):
                return whole
        if cut := _shortened(head, _bodies(info, alert)[-1], ending, most):
            return cut
        if info and fits(whole := _joined(head, _clean(info.event), ending), most):
            return whole
    return _cut(_joined(head, _bodies(info, alert)[-1]), most)


def _bodies(info: Info | None, alert: Alert) -> list[str]:
    """What may be said, the fullest first."""
    if info is None:
        return [_clean(alert.note) or _clean(alert.identifier)]
    what = _clean(info.headline) or _clean(info.event)
    where = _clean(", ".join(it.description for it in info.areas[:5]))
    return [f"{what} - {where}", what] if where and where not in what else [what]


def _until(info: Info, sent: datetime, word: str) -> str:
    ends = info.expires
    if ends is None:
        return ""
    # In the issuer's own offset: it is the time on the wall where the warning is.
    return f"{word} {ends:%H:%M}" if ends.date() == sent.date() else f"{word} {ends:%d.%m. %H:%M}"


def _clean(text: str) -> str:
    """One line, without control and formatting characters (they can hide or reverse what follows)."""
    kept = "".join(it if unicodedata.category(it) not in {"Cc", "Cf", "Cs", "Co", "Cn"} else " " for it in text[:2_000])
    return " ".join(kept.translate(_TYPOGRAPHIC).split())


def _joined(*parts: str) -> str:
    return " ".join(it for it in parts if it)


def _shortened(head: str, body: str, ending: str, most: int) -> str:
    """The body cut until all fits; "" where too little of it would be left to be understood."""
    low, high = 0, len(body)
    while low < high:
        middle = (low + high + 1) // 2
        if fits(_joined(head, body[:middle].rstrip() + "...", ending), most):
            low = middle
        else:
            high = middle - 1
    if low < WORTH:
        return ""
    return _joined(head, body[:low].rstrip() + "...", ending)


def _cut(text: str, most: int) -> str:
    while text and not fits(text, most):
        text = text[: max(0, len(text) - max(1, len(text) // 10))]
    return text
