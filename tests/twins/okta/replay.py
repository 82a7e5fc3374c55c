"""Replaying recorded traffic of real Okta organisations against a fresh universe.

Ids are translated as they appear. Old recordings lost their request bodies, so those are rebuilt
from what the answer shows. What a recording takes for granted (a user, a captcha, a device) is
made first, through the twin's own operations; tokens and proofs, which were taken out of the
recordings, are made anew. A recorded 429 is asked for through the fault plan.
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import orjson
import yaml
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from factory_tui.universe import Fault

RECORDINGS = Path(__file__).parents[4] / "shared" / "api" / "okta" / "recordings"
PASSWORD = "Replayed1234"
NEWER = frozenset({"realmId", "orn", "universalLogout", "isCloneable"})
"""Properties that only some organisations show, by their age and the features they bought."""
_LOST = frozenset(
    {"id", "created", "createdBy", "lastUpdated", "lastUpdatedBy", "_links", "status"}
)
_BODYLESS = re.compile(r"/(lifecycle|clone|generate|credentials/secrets|tokens|permissions)\b")
_KEYS = ("id", "kid")
_ID = re.compile(r"\b(?:00[ugpoT]|0oa|0pr|aus|bnd|cap|guo|prm|prl|rst|nzo)[0-9A-Za-z]{14,18}\b")

Recording = tuple[str, str, list[Any]]


def recordings() -> Iterator[Recording]:
    """Module, test and interactions of every recording."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for path in sorted(RECORDINGS.rglob("*.yaml")):
        items = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)["interactions"]
        yield path.parent.name, path.stem, items


def parsed(text: Any) -> Any:
    try:
        return orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return None


def shape(value: Any, depth: int) -> Any:
    """Names down to a depth; of a list, those of its first element. Below that nothing."""
    if isinstance(value, list):
        return [shape(value[0], depth)] if value and depth else []
    if isinstance(value, dict):
        if not depth:
            return {}
        return {k: shape(v, depth - 1) for k, v in sorted(value.items()) if k not in NEWER}
    return None


def lacking(wanted: Any, got: Any, path: str = "") -> list[str]:
    """Where two shapes differ: ``-name`` is lacking, ``+name`` is too much."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        found = [f"-{path}{name}" for name in wanted if name not in got]
        found += [f"+{path}{name}" for name in got if name not in wanted]
        for name in wanted.keys() & got.keys():
            found += lacking(wanted[name], got[name], f"{path}{name}.")
        return sorted(found)
    if isinstance(wanted, list) and isinstance(got, list):
        return lacking(wanted[0], got[0], f"{path}[].") if wanted and got else []
    return []


class Client:
    """An OAuth client of the twin that proves possession of its key."""

    def __init__(self, okta: Any, scopes: list[str]) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        client = {
            "grant_types": ["client_credentials"],
            "application_type": "service",
            "response_types": ["token"],
            "dpop_bound_access_tokens": True,
            "jwks": {"keys": [public]},
        }
        made = okta(
            "POST /api/v1/apps",
            {
                "name": "oidc_client",
                "label": "presumed client",
                "signOnMode": "OPENID_CONNECT",
                "credentials": {"oauthClient": {"token_endpoint_auth_method": "private_key_jwt"}},
                "settings": {"oauthClient": client},
            },
        ).data()
        self.id = made["credentials"]["oauthClient"]["client_id"]
        for scope in scopes:
            body = {"scopeId": scope, "issuer": "https://twin.test"}
            assert okta(f"POST /api/v1/apps/{made['id']}/grants", body).status == 200
        self.proof_key = ec.generate_private_key(ec.SECP256R1())
        self.count = 0
        self.nonce = ""
        self.token = ""

    def assertion(self, url: str, now: int) -> str:
        self.count += 1
        claims = {"iss": self.id, "sub": self.id, "aud": url, "iat": now, "exp": now + 300}
        return jwt.encode({**claims, "jti": f"a{self.count}"}, self.key, algorithm="RS256")

    def proof(self, method: str, url: str, now: int, nonce: str = "") -> str:
        self.count += 1
        public = jwt.algorithms.ECAlgorithm.to_jwk(self.proof_key.public_key(), as_dict=True)
        claims = {"htm": method, "htu": url, "iat": now, "jti": f"p{self.count}"}
        if nonce:
            claims["nonce"] = nonce
        if self.token:
            digest = sha256(self.token.encode()).digest()
            claims["ath"] = urlsafe_b64encode(digest).decode().rstrip("=")
        headers = {"typ": "dpop+jwt", "jwk": public}
        return jwt.encode(claims, self.proof_key, algorithm="ES256", headers=headers)


class Replay:
    """One recording against one organisation."""

    def __init__(self, okta: Any, items: list[Any]) -> None:
        self.okta = okta
        self.items = items
        self.ids: dict[str, str] = {}
        self.login = ""
        self.client: Client | None = None
        self.bodies = any(item["request"]["body"] for item in items)
        self.devices = 0

    # -- what the recording presumes

    def presume(self) -> None:
        """Make what a list shows although the recording did not make it, one of each kind."""
        made: set[str] = set()
        seen: set[str] = set()
        for item in self.items:
            request, response = item["request"], item["response"]
            target = re.sub(r"^https?://[^/]+", "", request["uri"])
            path = target.partition("?")[0].rstrip("/")
            recorded = parsed(response["body"].get("string"))
            if request["method"] != "GET" and isinstance(recorded, dict):
                made |= {str(recorded[key]) for key in _KEYS if key in recorded}
            if request["method"] == "GET" and isinstance(recorded, list) and path not in seen:
                strange = [one for one in recorded if isinstance(one, dict) and "id" in one]
                strange = [one for one in strange if one["id"] not in made]
                if strange:
                    seen.add(path)
                if strange and "/" not in path.removeprefix("/api/v1/"):
                    self._make(target, path, strange)

    def _make(self, target: str, path: str, strange: list[Any]) -> None:
        answer = self.okta(f"GET {target}")
        if answer.status != 200 or answer.data():
            return
        if path == "/api/v1/devices":
            for number, one in enumerate(strange):
                users = [next(self.okta.universe.twins["okta"]["users"].rows())["profile"]["login"]]
                device = {
                    "name": f"presumed {number}",
                    "platform": one["profile"]["platform"],
                    "status": one["status"],
                    "users": users,
                    "profile": one["profile"],
                }
                self.okta.universe.apply("okta", "add_devices", [device])
        elif path == "/api/v1/mappings":
            self._app()
        elif path == "/api/v1/users":
            self.okta.user("presumed", password=PASSWORD)
        else:
            body = {k: v for k, v in strange[0].items() if k not in _LOST} | {"secretKey": "0x0"}
            self.okta(f"POST {path}", body)

    def _app(self) -> str:
        body = {
            "name": "bookmark",
            "label": "presumed",
            "settings": {"app": {"url": "https://example.com/presumed"}},
        }
        return str(self.okta("POST /api/v1/apps", body).data()["id"])

    def made_up(self, text: str) -> None:
        """Create users and groups that a request names and nobody has made."""
        for key in re.findall(r"\b00[ugT][0-9A-Za-z]{17,18}\b", text):
            if key in self.ids:
                continue
            if key.startswith("00T"):
                owner = next(self.okta.universe.twins["okta"]["users"].rows())["profile"]["login"]
                given = [{"name": "presumed", "user": owner}]
                self.ids[key] = self.okta.universe.apply("okta", "add_tokens", given)[0]["id"]
                continue
            if key.startswith("00u"):
                self.ids[key] = self.okta.user(f"presumed{len(self.ids)}", password=PASSWORD)
            else:
                profile = {"name": f"presumed {len(self.ids)}"}
                made = self.okta("POST /api/v1/groups", {"profile": profile})
                self.ids[key] = made.data()["id"]

    # -- requests

    def rebuilt(self, path: str, method: str, recorded: Any) -> Any:
        """What must have been sent to get this answer."""
        if path.endswith("/authn"):
            return {"username": self.login, "password": PASSWORD}
        if path.endswith("/csrs") and method == "POST":
            return {"subject": {"countryName": "CA", "commonName": "Okta"}}
        question = {"question": "What?", "answer": "nothing much"}
        if path.endswith("/change_recovery_question"):
            return {"password": {"value": PASSWORD}, "recovery_question": question}
        if "/credentials/forgot_password" in path:
            return {"password": {"value": PASSWORD + "x"}, "recovery_question": question}
        if method not in ("POST", "PUT") or not isinstance(recorded, dict):
            return b""
        if _BODYLESS.search(path) or (self.bodies and not path.endswith("/grants")):
            return b""
        body = {name: value for name, value in recorded.items() if name not in _LOST}
        if "/users" in path and "passwordChanged" in recorded and "profile" in recorded:
            if path.endswith("/users") and "/apps/" in path:
                return {"id": recorded["id"], **body}
            body = {"profile": recorded["profile"]}
            # Some organisations show an empty password object for users who have none.
            if recorded["passwordChanged"]:
                body["credentials"] = {"password": {"value": PASSWORD}}
            return body
        if "status" in recorded and path.endswith(("/claims", "/rules", "/policies")):
            body["status"] = recorded["status"]
        if "/claims/" in path:
            body["status"] = recorded["status"]
        return body

    def translated(self, text: str) -> str:
        for old, new in self.ids.items():
            text = text.replace(old, new)
        return text

    def send(self, item: Any) -> tuple[str, Any, Any, Any]:
        """Send one request; operation, answer, recorded body and answered body."""
        request, response = item["request"], item["response"]
        status = response["status"]["code"]
        method = request["method"]
        target = re.sub(r"^https?://[^/]+", "", request["uri"])
        path = target.partition("?")[0]
        recorded = parsed(response["body"].get("string"))
        body = request["body"]
        body = (parsed(body) or body) if isinstance(body, str) else body
        if not body:
            body = self.rebuilt(path, method, recorded)
        if status < 400:
            self.made_up(f"{target} {orjson.dumps(body).decode() if body else ''}")
        target = self.translated(target)
        if isinstance(body, dict | list):
            body = orjson.loads(self.translated(orjson.dumps(body).decode()))
        headers: dict[str, str] = {}
        if path.startswith("/oauth2/"):
            body, headers = self.token_request(body, path, status)
        elif "DPoP" in request["headers"]:
            assert self.client is not None
            now = self.okta.universe.clock.epoch()
            proof = self.client.proof(method, f"http://twin.test{path}", now)
            headers = {"authorization": f"DPoP {self.client.token}", "dpop": proof}
        if isinstance(body, dict) and "profile" in body and "login" in body["profile"]:
            self.login = body["profile"]["login"]
            sent = body.get("credentials", {}).get("password", {})
            if "value" in sent:
                sent["value"] = PASSWORD
        if status == 429:
            self.okta.universe.faults.add(
                Fault("okta", match=f"{method} {path}", reply=429, times=1)
            )
        answer = self.okta(f"{method} {target}", body, **headers)
        operation = self.okta.universe.tap[-1].operation
        answered = parsed(answer.body)
        if path.startswith("/oauth2/") and self.client is not None:
            self.client.nonce = answer.header("dpop-nonce") or ""
            self.client.token = (answered or {}).get("access_token", "")
        if status < 400 and answer.status < 400:
            self.learn(recorded, answered)
        return operation, answer, recorded, answered

    def token_request(self, body: Any, path: str, status: int) -> tuple[str, dict[str, str]]:
        """A client assertion and a proof like those that were taken out of the recording."""
        if self.client is None:
            self.client = Client(self.okta, body["scope"].split())
        client = self.client
        url, now = f"http://twin.test{path}", self.okta.universe.clock.epoch()
        client.token = ""
        nonce = client.nonce if status == 200 else ""
        form = {**body, "client_assertion": client.assertion(url, now)}
        headers = {
            "dpop": client.proof("POST", url, now, nonce),
            "content-type": "application/x-www-form-urlencoded",
        }
        return urlencode(form), headers

    # -- answers

    def learn(self, recorded: Any, answered: Any) -> None:
        """Which id of the twin stands for which recorded one."""
        if isinstance(recorded, list) and isinstance(answered, list):
            for number, one in enumerate(recorded):
                other = self._counterpart(one, number, answered)
                if other is not None:
                    self.learn(one, other)
        if isinstance(recorded, dict) and isinstance(answered, dict):
            for name in ("id", "kid", "sessionToken", "captchaId", "principalId"):
                if isinstance(recorded.get(name), str) and isinstance(answered.get(name), str):
                    self.ids.setdefault(recorded[name], answered[name])

    @staticmethod
    def _counterpart(one: Any, number: int, answered: list[Any]) -> Any:
        if not isinstance(one, dict):
            return None
        for name in ("key", "name", "label"):
            for other in answered:
                if name in one and one[name] == other.get(name):
                    return other
        return answered[min(number, len(answered) - 1)] if answered else None
