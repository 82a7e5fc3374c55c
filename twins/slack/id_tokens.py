"""Identity tokens of Sign in with Slack: JSON web tokens signed with RS256.

The key pair is one of every twin and protects nothing.
"""

import hashlib
from base64 import urlsafe_b64encode
from typing import Any, Final

import orjson

__all__ = ["KEY_ID", "half_hash", "public_key", "sign"]

_N: Final = int(
    "bc5dac83727642ad0b00d21deaca0d4b90d6df8ae5aacfb33c80eca128c24adb75f5340f4e6c26ceea5cec00"
    "49248099707206c9ce5fe2fdd4ac9b79996e7bb6265d4e07554e1cef9e8b89bede50c994408ece6680f0ed65"
    "529c36f96f7db7744938e5a2bb84394e423a3d5a0f8d68972d2c88e0524000a5838f445b987e9cf2ad63ec83"
    "da4307f4643e5ff79a12409ba7fb213749161b7add44cbd7abc5e5a6be674d4cd7dd4f26c8683293d96826b4"
    "0491117c9b45bc50af4c7b0ca529935db51904e22256090cb6ffc733a7da97a0af5ec1e24f4becc38056a70b"
    "b8e07cd07fe5c3623a760ca456a02a60dfcd42ac1bea5625fcec5342d2c66ab1c2870ba9",
    16,
)
_D: Final = int(
    "2e10738606486d66f514c1290583a75b8c00add47819418781d4e32ddac024564a69e085524d73f26bb147f5"
    "8c36ae27b352cab99e302837c51eaea91a0e2ebd0d4f09be827e94e8622707e6cdf8629375062e34a42bb4c7"
    "01f3154a02994ebc667bac1eef291745f4ad5a8ddb1ea809397ee32a3d054d47befd1acd49407b0fab7733a2"
    "586e415484548574130e3968429ab26bd842bb80e5f931494eb81547be6de7dbcb2855eed25b9f16d540901b"
    "475d94b5a9324ec158e3dea9cf4a114db85eaa807b85cb8c50eee8d303134f2f1cd4b878c305680e4d95701d"
    "361cb19ce41a5858121dc844a4fea40feba54a59d03085b01217a2b5363f21e04f5ce35",
    16,
)
_SHA256: Final = bytes.fromhex("3031300d060960864801650304020105000420")
KEY_ID: Final = "mB2MAyKSn555isd0EbdhKx6nkyAi9xLq8rvCEb_nOyY"


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def public_key() -> dict[str, str]:
    """What verifies the tokens, as a JSON web key."""
    return {
        "alg": "RS256",
        "e": "AQAB",
        "kid": KEY_ID,
        "kty": "RSA",
        "n": _b64(_N.to_bytes(256, "big")),
        "use": "sig",
    }


def half_hash(text: str) -> str:
    """The left half of a text's digest, as ``at_hash`` has it."""
    return _b64(hashlib.sha256(text.encode()).digest()[:16])


def sign(claims: dict[str, Any]) -> str:
    """A signed token with these claims."""
    head = _b64(orjson.dumps({"typ": "JWT", "alg": "RS256", "kid": KEY_ID}))
    signed = f"{head}.{_b64(orjson.dumps(claims))}"
    digest = _SHA256 + hashlib.sha256(signed.encode()).digest()
    padded = b"\0\1" + b"\xff" * (253 - len(digest)) + b"\0" + digest
    signature = pow(int.from_bytes(padded, "big"), _D, _N).to_bytes(256, "big")
    return f"{signed}.{_b64(signature)}"
