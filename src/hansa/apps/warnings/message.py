"""Between a `Warning` entity and a CAP message, both ways; and the city's own signature.

Out: one info for each language, the area in each. In: a message of a trusted sender as what a draft would say. The key
is the one of the setting `cap_key` (PEM, with `cap_certificate`), else one that is made of the city's own secret, so
that it is the same after every start and in no file.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from hansa import Asking, City, Entity, Refusal
from hansa.apps.warnings import cap, templates, words
from hansa.apps.warnings.drafting import ends_at

TAGS: Final = {"en": "en-US", "fr": "fr-FR", "es": "es-ES", "ar": "ar", "ja": "ja-JP"}
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


def cap_of(one: Entity, at: int = 0) -> cap.Alert:
    """The CAP message of a warning; `at` stands for its time while it was not sent. Raises Refusal."""
    sent = words.instant(one.get("sent")) or at
    kind = str(one.get("msgType") or "Alert")
    texts = words.mapping(one.get("texts"))
    infos = tuple(
        cap.Info(
            categories=tuple(map(str, one.get("category") or ("Other",))),
            event=str(_name(one, language)),
            urgency=str(one.get("urgency") or "Unknown"),
            severity=str(one.get("severity") or "Unknown"),
            certainty=str(one.get("certainty") or "Unknown"),
            language=TAGS[language],
            response_types=tuple(map(str, one.get("responseType") or ())),
            event_codes=(cap.Named("hansa:event", str(one.get("event") or "other")),),
            effective=_time(one.get("effective")) or words.utc(sent),
            onset=_time(one.get("onset")),
            expires=words.utc(ends_at(one, sent)),
            sender_name=str(one.get("senderName") or ""),
            headline=str(texts[language].get("title") or ""),
            description=str(texts[language].get("body") or ""),
            instruction=str(words.mapping(one.get("instruction")).get(language) or ""),
            web=str(one.get("web") or ""),
            contact=str(one.get("contact") or ""),
            areas=(_area(one, language),),
        )
        for language in words.LANGUAGES
        if language in texts
    )
    return cap.Alert(
        identifier=str(one["identifier"]),
        sender=str(one["sender"]),
        sent=words.utc(sent),
        status=str(one.get("status") or "Actual"),
        msg_type=kind,
        scope=str(one.get("capScope") or "Public"),
        restriction="for those it was sent to" if one.get("capScope") == "Restricted" else "",
        note=str(one.get("reason") or ("This is an exercise." if one.get("status") == "Exercise" else "")),
        references=tuple(
            cap.Reference(str(it["sender"]), str(it["identifier"]), words.utc(words.instant(it["sent"]) or 0))
            for it in words.dicts(one.get("references"))
        ),
        infos=infos,
    )


def _name(one: Entity, language: str) -> str:
    names: dict[str, str] = templates.hazards().get(str(one.get("event")), templates.hazards()["other"])["names"]
    return names.get(language, names["en"])


def _time(said: Any) -> datetime | None:
    at = words.instant(said)
    return None if at is None else words.utc(at)


def _area(one: Entity, language: str) -> cap.Area:
    names = words.mapping(one.get("areaDesc"))
    drawn = words.mapping(one.get("area"))
    circles = words.dicts(one.get("circles"))
    return cap.Area(
        description=str(names.get(language) or names.get("en") or "-"),
        polygons=cap.rings(drawn) if drawn else (),
        circles=tuple(cap.Circle(it["lat"], it["lon"], it["radius_m"] / 1_000) for it in circles),
        geocodes=tuple(cap.Named(str(it["name"]), str(it["value"])) for it in words.dicts(one.get("geocodes"))),
    )


def draft_of(alert: cap.Alert, at: int) -> dict[str, Any]:
    """What a draft would say of a message that another system sent. Raises Refusal."""
    if not alert.infos:
        raise Refusal("it has no info, so nobody can be told anything", where="info")
    first = cap.best(alert, "en") or alert.infos[0]
    code = next((one.value for one in first.event_codes if one.name == "hansa:event"), "")
    event = code if code in templates.hazards() else _hazard(first)
    texts: dict[str, dict[str, str]] = {}
    instruction: dict[str, str] = {}
    desc: dict[str, str] = {}
    for info in alert.infos:
        language = info.language.split("-")[0].lower()
        if language not in words.LANGUAGES or language in texts:
            continue
        texts[language] = _texts(info)
        if info.instruction:
            instruction[language] = _clean(info.instruction, words.BODY)
        if info.areas:
            desc[language] = _clean(info.areas[0].description, words.TITLE)
    if "en" not in texts:
        texts["en"] = _texts(first)  # in the language it came in: whoever proposes it sees to that
        desc.setdefault("en", _clean(first.areas[0].description if first.areas else "", words.TITLE))
    parts: list[Any] = []
    for area in first.areas:
        geometry = cap.geometry(area)
        if geometry is not None:
            parts += geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    said: dict[str, Any] = {
        "event": event,
        "category": list(first.categories),
        "responseType": list(first.response_types),
        "urgency": first.urgency,
        "severity": first.severity,
        "certainty": first.certainty,
        "status": alert.status if alert.status in words.STATUS else "Test",
        "scope": "Public" if alert.scope == "Public" else "Restricted",
        "texts": texts,
        "instruction": instruction,
        "areaDesc": desc,
        "web": first.href[:500],
        "note": _clean(f"From {alert.sender}: {alert.note}".strip(": "), 2_000),
    }
    if parts:
        said["area"] = {"type": "MultiPolygon", "coordinates": fewer(parts)}
    latest = at + int(words.HOURS * 3_600) * words.SECOND  # what lasts longer is updated by whoever sent it
    if first.expires is not None:
        said["expires"] = words.iso(min(words.micros(first.expires), latest))
    if first.onset is not None and words.micros(first.onset) < (words.instant(said.get("expires")) or latest):
        said["onset"] = words.iso(words.micros(first.onset))
    return said


def event_of(alert: cap.Alert) -> str:
    """The hazard that every part of a message names alike: by our code, or by its whole name in one of our languages.

    Empty where it is said otherwise: a word found within other words ("no frost, but fire") names nothing.
    """
    found = {_named(info) for info in alert.infos}
    return found.pop() if len(found) == 1 else ""


def _named(info: cap.Info) -> str:
    known = templates.hazards()
    said = info.event.strip().casefold()
    names = {code for code, one in known.items() if said in {name.casefold() for name in one["names"].values()}}
    codes = {one.value for one in info.event_codes if one.name == "hansa:event"}
    both = names | codes
    code = both.pop() if len(both) == 1 else ""
    return code if code in known and set(info.categories) == {known[code]["category"]} else ""


def fewer(parts: list[Any]) -> list[Any]:
    """Polygons with few enough corners to ask thousands of places: where there are too many, what encloses each.

    Rather somebody outside is warned than somebody inside is not.
    """
    if len(parts) > words.AREAS:
        parts = [[[corner for part in parts for corner in part[0]]]]
    elif sum(len(part[0]) for part in parts) <= words.CORNERS:
        return parts
    return [[_around([(float(x), float(y)) for x, y, *_ in part[0]], words.CORNERS // len(parts))] for part in parts]


def _around(points: list[tuple[float, float]], most: int) -> list[list[float]]:
    """What encloses these points, as a closed ring: their hull, or their box where that has too many corners too."""
    found = _hull(points)
    if len(found) <= most:
        return found
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def _hull(points: list[tuple[float, float]]) -> list[list[float]]:
    """The convex hull as a closed ring (Andrew's monotone chain)."""
    ordered = sorted(set(points))

    def half(them: list[tuple[float, float]]) -> list[tuple[float, float]]:
        found: list[tuple[float, float]] = []
        for x, y in them:
            while len(found) > 1:
                (ax, ay), (bx, by) = found[-2], found[-1]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                found.pop()
            found.append((x, y))
        return found[:-1]

    ring = [*half(ordered), *half(ordered[::-1])]
    return [[x, y] for x, y in [*ring, ring[0]]]


def _texts(info: cap.Info) -> dict[str, str]:
    title = _clean(info.headline or info.event, words.TITLE)
    body = _clean(info.description or info.instruction or title, words.BODY)
    return {"title": title, "short": _clean(f"{title}. {body}", words.SHORT), "body": body}


def _clean(said: str, most: int) -> str:
    """The text without what our own drafts refuse, cut at what they may hold."""
    kept = "".join(one for one in said if one.isprintable() or one in "\n\t").strip()
    return kept if len(kept) <= most else kept[: most - 1] + "…"


def _hazard(info: cap.Info) -> str:
    by_category = {"Fire": "fire", "Health": "other", "Env": "smoke"}
    name = info.event.lower()
    for word, code in (
        *(("frost", "frost"), ("freez", "frost"), ("flood", "flood"), ("storm", "storm"), ("wind", "storm")),
        *(("heat", "heat"), ("smoke", "smoke"), ("fire", "fire"), ("evacuat", "evacuation")),
    ):
        if word in name:
            return code
    return next((by_category[one] for one in info.categories if one in by_category), "other")


# ---- the signature


def signed(one: Entity, city: Asking) -> bytes:
    """The CAP message of a warning, signed by this city."""
    key, certificate = key_of(city)
    return cap.sign(cap_of(one), key, certificate)


def key_of(city: Asking) -> tuple[Key, x509.Certificate]:
    """The key and certificate that this city signs with. Raises Refusal when the setting is no key."""
    pem, chain = city.setting("cap_key"), city.setting("cap_certificate")
    if isinstance(pem, str) and isinstance(chain, str):
        return _read(pem, chain)
    return _own(city.token("cap key 1")[:22], city.token("cap key 2")[:22], str(city.setting("sender") or "hansa"))


@lru_cache(maxsize=4)
def _read(pem: str, chain: str) -> tuple[Key, x509.Certificate]:
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
        certificate = x509.load_pem_x509_certificate(chain.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Refusal("cap_key and cap_certificate are no PEM", where="cap_key", mend="see docs/warnings.md") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise Refusal("cap_key is neither EC P-256 nor RSA", where="cap_key")
    return key, certificate


@lru_cache(maxsize=4)
def _own(one: str, other: str, name: str) -> tuple[Key, x509.Certificate]:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(f"{one}\0{other}".encode())
    key = ec.derive_private_key(int.from_bytes(digest.finalize(), "big") % (_ORDER - 1) + 1, ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    # A fixed time and a signature without chance: the certificate is the same bytes after every start.
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=20 * 365))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    )
    try:
        return key, builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    except (TypeError, UnsupportedAlgorithm):
        return key, builder.sign(key, hashes.SHA256())


def trusted(city: City) -> tuple[x509.Certificate, ...]:
    """The certificates of those whose messages are taken: setting `cap_trusted`, a list of PEM texts."""
    said = city.setting("cap_trusted")
    return _certificates(tuple(str(one) for one in said)[:100]) if isinstance(said, list) else ()


@lru_cache(maxsize=4)
def _certificates(pems: tuple[str, ...]) -> tuple[x509.Certificate, ...]:
    found = []
    for one in pems:
        try:
            found.append(x509.load_pem_x509_certificate(one.encode()))
        except ValueError:
            raise Refusal("cap_trusted holds what is no certificate", where="cap_trusted") from None
    return tuple(found)
