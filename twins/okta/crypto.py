"""RSA and P-256 signatures, JSON web tokens and the few DER structures that keys come in.

The keys the twin makes are put together from published primes (:mod:`primes`) and protect nothing.
"""

import hashlib
import hmac
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from .primes import PRIMES

__all__ = ["BadTokenError", "Key", "b64", "certificate", "key_of", "request", "sign", "thumbprint"]
__all__ += ["digest", "parts", "unb64", "verify"]

_SHA256: Final = bytes.fromhex("3031300d060960864801650304020105000420")
_EXPONENT: Final = 65537
_LARGEST: Final = 20_000


class BadTokenError(ValueError):
    """A token that cannot be read, or whose signature does not hold; a sentence why."""


@dataclass(frozen=True, slots=True)
class Key:
    """An RSA key pair."""

    n: int
    d: int

    @property
    def modulus(self) -> str:
        """The modulus as JSON web keys write it."""
        return b64(self.n.to_bytes(256, "big"))


def key_of(number: int) -> Key:
    """The ``number``-th key pair; there are 120, then they come again."""
    pairs = [(i, j) for i in range(len(PRIMES)) for j in range(i)]
    i, j = pairs[number % len(pairs)]
    p, q = PRIMES[i], PRIMES[j]
    return Key(p * q, pow(_EXPONENT, -1, (p - 1) * (q - 1)))


def b64(data: bytes) -> str:
    """Base64 for URLs, without padding."""
    return urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text: Any) -> bytes:
    """The reverse. Raises :class:`BadTokenError`."""
    if not isinstance(text, str) or len(text) > _LARGEST:
        raise BadTokenError("not base64")
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise BadTokenError("not base64") from error


def _sign_rsa(key: Key, data: bytes) -> bytes:
    digest = _SHA256 + hashlib.sha256(data).digest()
    padded = b"\0\1" + b"\xff" * (253 - len(digest)) + b"\0" + digest
    return pow(int.from_bytes(padded, "big"), key.d, key.n).to_bytes(256, "big")


def sign(header: dict[str, Any], claims: dict[str, Any], key: Key) -> str:
    """A token signed with RS256."""
    head = b64(orjson.dumps({"alg": "RS256", **header}))
    signed = f"{head}.{b64(orjson.dumps(claims))}"
    return f"{signed}.{b64(_sign_rsa(key, signed.encode()))}"


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token, unverified. Raises :class:`BadTokenError`."""
    pieces = token.split(".")
    if len(pieces) != 3 or len(token) > _LARGEST:
        raise BadTokenError("not a signed token")
    found = []
    for piece in pieces[:2]:
        try:
            value = orjson.loads(unb64(piece))
        except orjson.JSONDecodeError as error:
            raise BadTokenError("not a signed token") from error
        if not isinstance(value, dict):
            raise BadTokenError("not a signed token")
        found.append(value)
    return found[0], found[1]


def verify(token: str, key: dict[str, Any] | str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token whose signature holds. Raises :class:`BadTokenError`.

    Args:
        token: The token.
        key: A JSON web key (RSA or P-256), or a shared secret for HS256.
    """
    header, claims = parts(token)
    signed, _, signature = token.rpartition(".")
    data, given = signed.encode(), unb64(signature)
    algorithm = header.get("alg")
    if isinstance(key, str):
        wanted = hmac.new(key.encode(), data, hashlib.sha256).digest()
        held = algorithm == "HS256" and hmac.compare_digest(wanted, given)
    elif key.get("kty") == "RSA":
        held = algorithm == "RS256" and _holds_rsa(key, data, given)
    elif key.get("kty") == "EC":
        held = algorithm == "ES256" and _holds_ec(key, data, given)
    else:
        held = False
    if not held:
        raise BadTokenError("the signature does not hold")
    return header, claims


def _holds_rsa(key: dict[str, Any], data: bytes, signature: bytes) -> bool:
    n, e = (int.from_bytes(unb64(key.get(part)), "big") for part in ("n", "e"))
    size = (n.bit_length() + 7) // 8
    if not 128 <= size <= 1024 or not 3 <= e < 1 << 33 or len(signature) != size:
        return False
    digest = _SHA256 + hashlib.sha256(data).digest()
    padded = b"\0\1" + b"\xff" * (size - 3 - len(digest)) + b"\0" + digest
    return pow(int.from_bytes(signature, "big"), e, n).to_bytes(size, "big") == padded


# The curve P-256 (FIPS 186-4, D.1.2.3).
_P: Final = 2**256 - 2**224 + 2**192 + 2**96 - 1
_N: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_B: Final = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_G: Final = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
_Point = tuple[int, int] | None


def _add(a: _Point, b: _Point) -> _Point:
    if a is None or b is None:
        return b if a is None else a
    if a[0] == b[0]:
        if (a[1] + b[1]) % _P == 0:
            return None
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, _P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, _P)
    x = (slope * slope - a[0] - b[0]) % _P
    return x, (slope * (a[0] - x) - a[1]) % _P


def _times(factor: int, point: _Point) -> _Point:
    total: _Point = None
    while factor:
        if factor & 1:
            total = _add(total, point)
        point = _add(point, point)
        factor >>= 1
    return total


def _holds_ec(key: dict[str, Any], data: bytes, signature: bytes) -> bool:
    x, y = (int.from_bytes(unb64(key.get(part)), "big") for part in ("x", "y"))
    on_curve = x < _P and y < _P and (y * y - x * x * x + 3 * x - _B) % _P == 0
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if key.get("crv") != "P-256" or not on_curve or len(signature) != 64:
        return False
    if not (0 < r < _N and 0 < s < _N):
        return False
    digest = int.from_bytes(hashlib.sha256(data).digest(), "big")
    inverse = pow(s, -1, _N)
    point = _add(_times(digest * inverse % _N, _G), _times(r * inverse % _N, (x, y)))
    return point is not None and point[0] % _N == r


def thumbprint(key: dict[str, Any]) -> str:
    """The thumbprint of a JSON web key (RFC 7638). Raises :class:`BadTokenError`."""
    names = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}.get(str(key.get("kty")))
    if names is None or not all(isinstance(key.get(name), str) for name in names):
        raise BadTokenError("not a public key")
    return b64(hashlib.sha256(orjson.dumps({name: key[name] for name in names})).digest())


# -- DER


def _der(tag: int, *content: bytes) -> bytes:
    body = b"".join(content)
    if len(body) < 128:
        return bytes((tag, len(body))) + body
    size = (len(body).bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + len(body).to_bytes(size, "big") + body


def _number(value: int) -> bytes:
    return _der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


_RSA: Final = _der(0x30, bytes.fromhex("06092a864886f70d010101"), b"\5\0")
_RS256: Final = _der(0x30, bytes.fromhex("06092a864886f70d01010b"), b"\5\0")
_NAME_PARTS: Final = {
    "countryName": 6,
    "stateOrProvinceName": 8,
    "localityName": 7,
    "organizationName": 10,
    "organizationalUnitName": 11,
    "commonName": 3,
}


def _name(parts: dict[str, str]) -> bytes:
    return _der(
        0x30,
        *(
            _der(0x31, _der(0x30, bytes((6, 3, 0x55, 4, _NAME_PARTS[part])), _der(12, v.encode())))
            for part, v in parts.items()
        ),
    )


def _public(key: Key) -> bytes:
    pair = _der(0x30, _number(key.n), _number(_EXPONENT))
    return _der(0x30, _RSA, _der(3, b"\0", pair))


def _signed(key: Key, body: bytes) -> bytes:
    return _der(0x30, body, _RS256, _der(3, b"\0", _sign_rsa(key, body)))


def certificate(
    key: Key, serial: int, name: str, begins: datetime, ends: datetime
) -> tuple[str, str]:
    """A self-signed certificate and its SHA-256 thumbprint, in base 64."""
    subject = _name({"countryName": "US", "organizationName": "Okta", "commonName": name})
    times = (_der(24, f"{moment:%Y%m%d%H%M%S}Z".encode()) for moment in (begins, ends))
    body = _der(
        0x30,
        _der(0xA0, _number(2)),
        _number(serial),
        _RS256,
        subject,
        _der(0x30, *times),
        subject,
        _public(key),
    )
    signed = _signed(key, body)
    return b64encode(signed).decode(), b64(hashlib.sha256(signed).digest())


def request(key: Key, subject: dict[str, str], names: list[str]) -> str:
    """A certificate signing request (PKCS #10) in base 64."""
    alternatives = _der(0x30, *(_der(0x82, name.encode()) for name in names))
    wanted = _der(0x30, bytes.fromhex("0603551d11"), _der(4, alternatives))
    extensions = _der(
        0xA0,
        _der(0x30, bytes.fromhex("06092a864886f70d01090e"), _der(0x31, _der(0x30, wanted))),
    )
    body = _der(
        0x30,
        _number(0),
        _name(subject),
        _public(key),
        extensions if names else _der(0xA0),
    )
    return b64encode(_signed(key, body)).decode()


def digest(secret: str) -> str:
    """A short hash of a secret, as Okta shows beside it."""
    return b64(hashlib.sha256(secret.encode()).digest()[:16])
