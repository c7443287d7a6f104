"""Language tags (BCP 47), and the choice of the block that somebody reads best."""

import re
from typing import Final

from hansa.apps.warnings.cap.message import Alert, Info

# RFC 5646, 2.1: language-script-region-variants-extensions-private use, or private use alone. The irregular tags that
# were registered before it (i-klingon, sgn-BE-FR) are no language that a warning is written in.
_TAG: Final = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4}|[a-z]{5,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*(?:-[0-9a-wyz](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?"
    r"|x(?:-[a-z0-9]{1,8})+",
    re.IGNORECASE,
)
TAG: Final = 100  # characters of a tag


def well_formed(tag: str) -> bool:
    """Whether BCP 47 allows the tag; what its parts mean is not looked up."""
    return len(tag) <= TAG and _TAG.fullmatch(tag) is not None


def same(one: str, other: str) -> bool:
    """Whether two tags are one, whatever their letters' case (RFC 5646, 2.1.1)."""
    return one.lower() == other.lower()


def best(alert: Alert, *languages: str) -> Info | None:
    """The block for the first of these languages that has one, else the first block; None where there is none.

    Look-up as RFC 4647, 3.4: a tag is shortened from its end until a block has it; then a block in any variety of the
    same language will do (`fr-CA` for `fr-FR`), before the next language is tried.
    """
    for language in languages:
        parts = language.lower().split("-")
        while parts:
            tag = "-".join(parts)
            for info in alert.infos:
                if info.language.lower() == tag:
                    return info
            parts.pop()
        primary = language.lower().split("-")[0]
        for info in alert.infos:
            if info.language.lower().split("-")[0] == primary:
                return info
    return alert.infos[0] if alert.infos else None
