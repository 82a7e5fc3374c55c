"""RSA and elliptic-curve signatures, JSON web tokens and the few DER structures that keys come in.

The keys the twin makes are put together from published primes (:mod:`primes`) and protect nothing.
"""

import hashlib
import hmac
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from factory_tui.universe import BadBodyError, read_json

from .primes import PRIMES

__all__ = ["BadTokenError", "Key", "b64", "certificate", "key_of", "request", "sign", "thumbprint"]
__all__ += ["digest", "parts", "unb64", "verify"]

_PREFIXES: Final = {
    256: bytes.fromhex("3031300d060960864801650304020105000420"),
    384: bytes.fromhex("3041300d060960864801650304020205000430"),
    512: bytes.fromhex("3051300d060960864801650304020305000440"),
}
"""DigestInfo of SHA-2 by its size (RFC 8017, 9.2)."""
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
    digest = _PREFIXES[256] + hashlib.sha256(data).digest()
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
            value = read_json(unb64(piece))
        except BadBodyError as error:
            raise BadTokenError("not a signed token") from error
        if not isinstance(value, dict):
            raise BadTokenError("not a signed token")
        found.append(value)
    return found[0], found[1]


def verify(token: str, key: dict[str, Any] | str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token whose signature holds. Raises :class:`BadTokenError`.

    Args:
        token: The token.
        key: A JSON web key (RSA; P-256, P-384 or P-521), or a shared secret for HMAC.
    """
    header, claims = parts(token)
    signed, _, signature = token.rpartition(".")
    data, given = signed.encode(), unb64(signature)
    family, bits = _ALGORITHMS.get(str(header.get("alg")), ("", 0))
    digest = _HASHES.get(bits, hashlib.sha256)
    if isinstance(key, str):
        wanted = hmac.new(key.encode(), data, digest).digest()
        held = family == "HS" and hmac.compare_digest(wanted, given)
    elif key.get("kty") == "RSA":
        held = family == "RS" and _holds_rsa(key, data, given, bits)
    elif key.get("kty") == "EC":
        held = family == "ES" and _holds_ec(key, data, given, bits)
    else:
        held = False
    if not held:
        raise BadTokenError("the signature does not hold")
    return header, claims


_HASHES: Final = {256: hashlib.sha256, 384: hashlib.sha384, 512: hashlib.sha512}
_ALGORITHMS: Final = {
    f"{family}{bits}": (family, bits) for family in ("HS", "RS", "ES") for bits in _HASHES
}


def _holds_rsa(key: dict[str, Any], data: bytes, signature: bytes, bits: int) -> bool:
    n, e = (int.from_bytes(unb64(key.get(part)), "big") for part in ("n", "e"))
    size = (n.bit_length() + 7) // 8
    if not 128 <= size <= 1024 or not 3 <= e < 1 << 33 or len(signature) != size:
        return False
    digest = _PREFIXES[bits] + _HASHES[bits](data).digest()
    padded = b"\0\1" + b"\xff" * (size - 3 - len(digest)) + b"\0" + digest
    return pow(int.from_bytes(signature, "big"), e, n).to_bytes(size, "big") == padded


@dataclass(frozen=True, slots=True)
class _Curve:
    """A prime curve with a = -3 (FIPS 186-4, D.1.2)."""

    name: str
    size: int
    p: int
    n: int
    b: int
    g: tuple[int, int]


_Point = tuple[int, int] | None
_CURVES: Final = {
    256: _Curve(
        "P-256",
        32,
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
        (
            0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
            0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
        ),
    ),
    384: _Curve(
        "P-384",
        48,
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
        (
            0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
            0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F,
        ),
    ),
    512: _Curve(
        "P-521",
        66,
        2**521 - 1,
        0x01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409,
        0x0051953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00,
        (
            0x00C6858E06B70404E9CD9E3ECB662395B4429C648139053FB521F828AF606B4D3DBAA14B5E77EFE75928FE1DC127A2FFA8DE3348B3C1856A429BF97E7E31C2E5BD66,
            0x011839296A789A3BC0045C8A5FB42C7D1BD998F54449579B446817AFBD17273E662C97EE72995EF42640C550B9013FAD0761353C7086A272C24088BE94769FD16650,
        ),
    ),
}


def _add(curve: _Curve, a: _Point, b: _Point) -> _Point:
    if a is None or b is None:
        return b if a is None else a
    p = curve.p
    if a[0] == b[0]:
        if (a[1] + b[1]) % p == 0:
            return None
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, p)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, p)
    x = (slope * slope - a[0] - b[0]) % p
    return x, (slope * (a[0] - x) - a[1]) % p


def _times(curve: _Curve, factor: int, point: _Point) -> _Point:
    total: _Point = None
    while factor:
        if factor & 1:
            total = _add(curve, total, point)
        point = _add(curve, point, point)
        factor >>= 1
    return total


def _holds_ec(key: dict[str, Any], data: bytes, signature: bytes, bits: int) -> bool:
    curve = _CURVES[bits]
    p, n, size = curve.p, curve.n, curve.size
    x, y = (int.from_bytes(unb64(key.get(part)), "big") for part in ("x", "y"))
    on_curve = x < p and y < p and (y * y - x * x * x + 3 * x - curve.b) % p == 0
    if key.get("crv") != curve.name or not on_curve or len(signature) != 2 * size:
        return False
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    if not (0 < r < n and 0 < s < n):
        return False
    digest = int.from_bytes(_HASHES[bits](data).digest(), "big")
    inverse = pow(s, -1, n)
    first = _times(curve, digest * inverse % n, curve.g)
    point = _add(curve, first, _times(curve, r * inverse % n, (x, y)))
    return point is not None and point[0] % n == r


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
