"""Signed tokens (JOSE): whether one is what it says, from whom, for whom, and now.

`validate` is the only way in. It reads the token strictly, lets joserfc check the signature with a key that was made
for that algorithm, and then holds the claims against `Rules`: joserfc by itself decodes a token that ended years ago.
What is not plainly right is `Unauthenticated`, with the reason and the claim; the token itself is in no message.

Sources: RFC 7515 (JWS), 7517 (JWK), 7518 and 9864 (algorithms), 7519 (JWT), 8725 (best practice).
"""

import binascii
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from hansa.errors import BadRequest, Unauthenticated

ALGORITHMS: Final = frozenset({"EdDSA", "Ed25519", "ES256", "RS256", "PS256"})
"""What a token may be signed with. Never `none`, and never HS*: a public key must not serve as somebody's secret."""

_BITS: Final = (2_048, 8_192)  # of an RSA key: shorter can be broken, longer is work for whoever checks
_EXPONENT_BITS: Final = 32  # the same: a huge public exponent costs a second a signature
_KEYS: Final = 100  # of one set
_TOKEN: Final = 16_384  # characters of a token; with every group of a large directory an ID token has some 10,000
_WORD: Final = 255  # characters of kid, jti, sub (OpenID Connect Core, 2)
_INSTANT: Final = 2**53  # seconds: beyond it a number is no time
_DEPTH: Final = 32

_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*\Z", re.ASCII)
_UNREADABLE: Final = "this is no signed token"
_MEMBERS: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_SERVES: Final = {"RSA": ("RS256", "PS256"), "EC": ("ES256",), "OKP": ("EdDSA", "Ed25519")}
_CURVES: Final = {"EC": "P-256", "OKP": "Ed25519"}
_COORDINATE: Final = 32  # bytes, of both curves
_SECRET: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def decode(text: str) -> bytes:
    """Strict base64url (RFC 7515, 2): no padding, no white space, no bits beyond the last byte. Raises ValueError."""
    if not _BASE64URL.match(text) or len(text) % 4 == 1:
        raise ValueError("not base64url")
    try:
        found = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise ValueError("not base64url") from None
    if encode(found) != text:  # two texts for the same bytes would make two tokens of one
        raise ValueError("not base64url")
    return found


def encode(raw: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


# Keys


@dataclass(frozen=True, slots=True)
class Key:
    """One public key, and the algorithms that it may be used with."""

    jwk: Mapping[str, str]
    """The public members alone, and its `kid`."""
    algorithms: frozenset[str]
    opened: RSAKey | ECKey | OKPKey

    @property
    def kid(self) -> str:
        """Its name: as given, else its thumbprint (RFC 7638)."""
        return self.jwk["kid"]


def read_key(said: Any) -> Key:
    """A public JWK (RFC 7517): RSA of 2,048 bits or more, P-256 or Ed25519. Raises BadRequest, saying what is wrong."""
    if not isinstance(said, Mapping) or not isinstance(kind := said.get("kty"), str) or kind not in _MEMBERS:
        raise _bad_key("it is no public JWK of kty RSA, EC or OKP", "kty")
    if hidden := sorted(_SECRET & said.keys()):
        # Whoever shows a private key has lost it: it must not come to be trusted.
        raise BadRequest(f"this is a private key: it holds {hidden[0]!r}", where="key", mend="make another; show none")
    if said.get("use", "sig") != "sig" or "verify" not in _listed(said.get("key_ops", ["verify"])):
        raise _bad_key("it is not for signatures", "use")
    algorithms = frozenset(_SERVES[kind])
    if "alg" in said:
        algorithms &= {_text(said["alg"], "alg")}
        if not algorithms:
            raise _bad_key(f"it is for none of {', '.join(_SERVES[kind])}", "alg")
    jwk = {"kty": kind} | {name: _text(said.get(name), name) for name in _MEMBERS[kind]}
    _check_numbers(kind, jwk)
    try:
        opened = _open(kind, jwk)
        jwk["kid"] = _text(said["kid"], "kid") if "kid" in said else opened.thumbprint()
    except (JoseError, ValueError, KeyError) as fault:
        raise _bad_key(f"it is not on its curve, or no number of its kind ({type(fault).__name__})", "key") from None
    return Key(jwk, algorithms, opened)


def _open(kind: str, jwk: dict[str, str]) -> RSAKey | ECKey | OKPKey:
    said: dict[str, Any] = dict(jwk)  # a copy: joserfc writes into what it is given
    if kind == "RSA":
        return RSAKey.import_key(said)
    return ECKey.import_key(said) if kind == "EC" else OKPKey.import_key(said)


def _check_numbers(kind: str, jwk: dict[str, str]) -> None:
    numbers = {}
    for name in _MEMBERS[kind]:
        if name == "crv":
            if jwk[name] != _CURVES[kind]:
                raise _bad_key(f"its curve is not {_CURVES[kind]}", "crv")
            continue
        try:
            numbers[name] = decode(jwk[name])
        except ValueError:
            raise _bad_key(f"its {name} is not base64url", name) from None
        if kind != "RSA" and len(numbers[name]) != _COORDINATE:
            raise _bad_key(f"its {name} has not {_COORDINATE} bytes", name)
    if kind == "RSA":
        modulus, exponent = (int.from_bytes(numbers[name]) for name in ("n", "e"))
        if not _BITS[0] <= modulus.bit_length() <= _BITS[1]:
            raise _bad_key(f"it has {modulus.bit_length()} bits, not {_BITS[0]:,} to {_BITS[1]:,}", "n")
        if exponent < 3 or exponent % 2 == 0 or exponent.bit_length() > _EXPONENT_BITS or modulus % 2 == 0:
            raise _bad_key("its exponent or modulus is none", "e")


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value or (name == "kid" and len(value) > _WORD):
        raise _bad_key(f"its {name} is no text", name)
    return value


def _bad_key(why: str, where: str) -> BadRequest:
    return BadRequest(f"this key cannot be used: {why}", where=where, mend="a public JWK: Ed25519, P-256 or RSA")


def read_keys(said: Any) -> tuple[Key, ...]:
    """The usable keys of a JWK Set (RFC 7517, 5); those of other kinds are passed over. BadRequest when it is none."""
    listed = said.get("keys") if isinstance(said, Mapping) else None
    if not isinstance(listed, list) or len(listed) > _KEYS:
        raise BadRequest(f"this is no JWK Set of at most {_KEYS} keys", where="keys")
    found = []
    for one in listed:
        try:
            found.append(read_key(one))
        except BadRequest:
            continue
    return tuple(found)


def verify(key: Key, algorithm: str, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (as JWS has it: ECDSA as r and s side by side) is this key's on `message`."""
    if algorithm not in ALGORITHMS or algorithm not in key.algorithms:
        return False
    # By its name of RFC 9864: `EdDSA` would let the key choose the curve.
    model = JWSRegistry.algorithms["Ed25519" if algorithm == "EdDSA" else algorithm]
    try:
        return model.verify(message, signature, key.opened)
    except (JoseError, ValueError):
        return False


def sign(private: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """A token of ours, signed with a private JWK by the best algorithm that its kind has. Raises BadRequest."""
    key = read_key({name: value for name, value in private.items() if name not in _SECRET})
    algorithm = next(one for one in ("EdDSA", "ES256", "PS256", "RS256") if one in key.algorithms)
    header = {"alg": algorithm, "typ": "JWT", "kid": key.kid}
    if isinstance(mark := private.get("x5t#S256"), str):  # by which some know a key, and by nothing else
        header["x5t#S256"] = mark
    said = ".".join(encode(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    model = JWSRegistry.algorithms["Ed25519" if algorithm == "EdDSA" else algorithm]
    try:
        opened = _open(key.jwk["kty"], {name: value for name, value in private.items() if isinstance(value, str)})
        return f"{said}.{encode(model.sign(said.encode(), opened))}"
    except (JoseError, ValueError, KeyError, AssertionError):
        raise BadRequest("this is no private key", where="key", mend="a private JWK, with d") from None


# Tokens


@dataclass(frozen=True, slots=True)
class Rules:
    """What a token must be to be believed. Times in seconds."""

    issuer: str
    audience: frozenset[str]
    """One of these, and nobody else besides, must be whom it is for."""
    lifetime_s: float
    """From `iat` to `exp` at most."""
    skew_s: float = 30.0
    """How far another's clock may be off."""
    algorithms: frozenset[str] = ALGORITHMS
    types: frozenset[str] = frozenset({"", "jwt"})
    """What `typ` may be, in small letters; `""`: left out. A token of another kind is not this one (RFC 8725, 3.11)."""
    needs: frozenset[str] = frozenset({"sub"})
    """Claims that must be there besides iss, aud, exp and iat: texts that are not empty."""


Spend = Callable[[str, str, float], bool]
"""Notes that (issuer, jti) was used, to be kept until an instant (seconds); False: it was used before."""


def validate(token: str, keys: Iterable[Key], rules: Rules, now: float, spend: Spend | None = None) -> dict[str, Any]:
    """The claims of a compact JWS, when all of it is as `rules` say. `now` is wall time in seconds.

    Raises Unauthenticated with the reason; `where` is the claim or header. `spend`, if given, is asked last, so that
    only a token that is good in all else is used up; then `jti` is needed.
    """
    header, claims, message, signature = _parts(token)
    algorithm = _algorithm(header, rules)
    if not any(verify(key, algorithm, message, signature) for key in _chosen(header, algorithm, keys)):
        raise Unauthenticated("no key that is known signed this token", where="signature")
    _check_parties(claims, rules)
    end = _check_times(claims, rules, now)
    for name in sorted(rules.needs if spend is None else rules.needs | {"jti"}):
        value = claims.get(name)
        if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > _WORD:
            raise Unauthenticated(f"its {name} is missing, or no text", where=name)
    if spend is not None and not spend(rules.issuer, claims["jti"], end + rules.skew_s):
        raise Unauthenticated("this token was used before", where="jti", mend="make a new one each time")
    return claims


def unproven(token: str) -> dict[str, Any]:
    """What a token says of itself, believed by nobody: only to find whose keys it is to be held against."""
    return _parts(token)[1]


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    """Header, claims, what was signed, and the signature."""
    parts = token.split(".") if len(token) <= _TOKEN else ()
    if len(parts) != 3 or not all(parts):
        raise Unauthenticated(_UNREADABLE, where="token", mend="header.claims.signature (RFC 7515, 7.1)")
    try:
        header, claims, signature = (decode(part) for part in parts)
        return _object(header), _object(claims), f"{parts[0]}.{parts[1]}".encode(), signature
    except (ValueError, RecursionError):
        raise Unauthenticated(_UNREADABLE, where="token", mend="strict base64url of JSON objects") from None


def _object(raw: bytes) -> dict[str, Any]:
    """A JSON object in which nothing is said twice. Raises ValueError."""
    found = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    if not isinstance(found, dict) or _depth(found) > _DEPTH:
        raise ValueError("no object")
    return found


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max((_depth(one) for one in inner), default=0)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is said twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _algorithm(header: dict[str, Any], rules: Rules) -> str:
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS & rules.algorithms:
        raise Unauthenticated("it is not signed as it must be", where="alg", mend=", ".join(sorted(ALGORITHMS)))
    # `crit` names what must be understood, and nothing of it is; `b64` would change what was signed (RFC 7797).
    for name in ("crit", "b64", "zip"):
        if name in header:
            raise Unauthenticated(f"its header asks for {name}", where=name)
    kind = header.get("typ", "")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in rules.types:
        raise Unauthenticated("it is a token of another kind", where="typ")
    return algorithm


def _chosen(header: dict[str, Any], algorithm: str, keys: Iterable[Key]) -> list[Key]:
    """The keys that may have signed it: by `kid`; without one, the only key there is. No key comes with the token."""
    fit = [key for key in keys if algorithm in key.algorithms]
    if "kid" not in header:
        return fit if len(fit) == 1 else []
    return [key for key in fit if key.kid == header["kid"]]


def _check_parties(claims: dict[str, Any], rules: Rules) -> None:
    if claims.get("iss") != rules.issuer:
        raise Unauthenticated("somebody else issued it", where="iss")
    audience = claims.get("aud")
    # For one alone: what another may use too, he may have used first.
    if isinstance(audience, list) and len(audience) == 1:
        (audience,) = audience
    if not isinstance(audience, str) or audience not in rules.audience:
        raise Unauthenticated("it is for somebody else, or not for us alone", where="aud")


def _check_times(claims: dict[str, Any], rules: Rules, now: float) -> float:
    end, begun = (_instant(claims, name) for name in ("exp", "iat"))
    if "nbf" in claims and _instant(claims, "nbf") > now + rules.skew_s:
        raise Unauthenticated("it is not good yet", where="nbf", mend="is a clock wrong?")
    if end <= now - rules.skew_s:
        raise Unauthenticated("it has ended", where="exp", mend="get a new one")
    if begun > now + rules.skew_s:
        raise Unauthenticated("it was issued in the future", where="iat", mend="is a clock wrong?")
    if end - begun > rules.lifetime_s:
        raise Unauthenticated(f"it lives longer than {rules.lifetime_s:g} s", where="exp")
    return end


def _instant(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _INSTANT:
        raise Unauthenticated(f"its {name} is missing, or no time", where=name)
    return float(value)
