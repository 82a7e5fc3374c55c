"""Every operation of the twin against bodies and ids that nobody meant: no crash, no hang."""

import random
import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from factory_tui.universe import Request

from .samples import GOOD

WORDS = [
    "name", "type", "label", "profile", "settings", "conditions", "status", "actions", "key",
    "channel", "config", "events", "items", "protocol", "policy", "credentials", "client", "scopes",
    "signOnMode", "oauthClient", "people", "groups", "users", "include", "exclude", "priority",
    "factorType", "provider", "subject", "properties", "definitions", "custom", "base", "uri",
    "resources", "permissions", "members", "role", "audiences", "clients", "grantTypes", "token",
    "principalId", "principalType", "filter", "id", "kty", "n", "x", "jwks", "keys", "app", "url",
    "additions", "translations", "template", "uiSchema", "elements", "gateways", "proxies",
]  # fmt: skip
VALUES: list[Any] = [
    None, True, 0, -1, 2**60, 1.5, "", "x", "\U0001f600", "a" * 5000, "ACTIVE", "IP", "APNS",
    "OKTA_SIGN_ON", "ACCESS_POLICY", "OIDC", "OPENID_CONNECT", "sms", "OKTA", "{}", "../..", [], {},
    ["x"], [None], [{}], {"include": ["x"]}, {"include": None}, "https://[", "http://\u0000",
    "okta.users.read", "SSWS_TOKEN", "VELOCITY", "RSA", "HTTP", "1.0.0", "me", "default",
]  # fmt: skip


def junk(draw: random.Random, depth: int = 0) -> Any:
    if depth > 3 or draw.random() < 0.4:
        return draw.choice(VALUES)
    if draw.random() < 0.2:
        return [junk(draw, depth + 1) for _ in range(draw.randrange(3))]
    return {draw.choice(WORDS): junk(draw, depth + 1) for _ in range(draw.randrange(6))}


def bent(draw: random.Random, value: Any) -> Any:
    """A good body with one thing wrong, or nothing."""
    if not isinstance(value, dict) or not value or draw.random() < 0.1:
        return junk(draw)
    name = draw.choice(list(value))
    changed = dict(value)
    if draw.random() < 0.5 and isinstance(changed[name], dict):
        changed[name] = bent(draw, changed[name])
    elif draw.random() < 0.3:
        del changed[name]
    else:
        changed[name] = junk(draw, 2)
    return changed


def barrage(okta: Any, seed: int, rounds: int) -> None:
    draw = random.Random(seed)
    routes = okta.universe.packs["okta"].routes.operations
    described = sorted(
        (method, template) for method, template, implemented in routes.values() if implemented
    )
    odd = ["me", "default", "x", "%00", "a%2Fb", "\u00fc", "USER_PROVISIONING", "welcome", "email"]
    known: dict[str, list[str]] = {}
    bodies: list[Any] = [{}]

    def filled(template: str) -> str:
        """Ids that are there, mostly, so that most requests get somewhere."""
        parts: list[str] = []
        for part in template.split("/"):
            there = known.get(
                re.sub(r"\{[^}]*\}", "{}", "/".join(template.split("/")[: len(parts)]))
            )
            if not part.startswith("{"):
                parts.append(part)
            elif there and draw.random() < 0.9:
                parts.append(draw.choice(there[-3:]))
            else:
                parts.append(draw.choice(odd))
        return "/".join(parts)

    for _ in range(rounds):
        for method, template in described:
            target = filled(template)
            if method == "DELETE" and draw.random() < 0.7:
                continue
            if draw.random() < 0.3:
                query = draw.choice(
                    ["limit=0", "limit=x", "after=x", "filter=a", "search=id+pr", "expand=rules",
                     'filter=id+eq+"x"', "q=%ff", "type=PASSWORD", "sortBy=..", "activate=true"]
                )  # fmt: skip
                target += f"?{query}"
            good = [GOOD[template]] if template in GOOD else bodies[-40:]
            sent = draw.choice(good)
            sent = sent if draw.random() < 0.3 else bent(draw, sent)
            body = b"" if draw.random() < 0.1 else orjson.dumps(sent)
            if not allowed(okta):
                # It has revoked its own token, or deleted its owner.
                okta.token = okta.universe.apply("okta", "add_tokens", [own(okta)])[0]["token"]
            answer = okta(f"{method} {target}", body)
            assert answer.status < 500 or answer.status == 501, (method, target, body)
            if answer.status < 300 and answer.body[:1] in (b"{", b"["):
                shown = answer.data()
                for one in shown[:2] if isinstance(shown, list) else [shown]:
                    if isinstance(one, dict):
                        bodies.append({k: v for k, v in one.items() if k != "_links"})
                        where = re.sub(r"\{[^}]*\}", "{}", template)
                        if where.endswith("{}"):
                            where = where.rpartition("/")[0]
                        ids = [str(one[k]) for k in ("id", "kid") if isinstance(one.get(k), str)]
                        known.setdefault(where, []).extend(ids)
    assert okta.universe.crashes == []


def allowed(okta: Any) -> bool:
    request = Request.build("GET", "/", {"authorization": f"SSWS {okta.token}"})
    return bool(okta.universe.packs["okta"].principal(okta.universe.twins["okta"], request))


def own(okta: Any) -> dict[str, str]:
    users = list(okta.universe.twins["okta"]["users"].rows())
    if not users:
        okta.universe.apply("okta", "add_users", [{"first": "A", "last": "B"}])
        users = list(okta.universe.twins["okta"]["users"].rows())
    return {"name": "again", "user": users[0]["profile"]["login"]}


def test_no_operation_falls_over(okta: Any) -> None:
    barrage(okta, 1, 2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 8))
def test_no_operation_falls_over_ever(open_okta: Callable[..., Any], seed: int) -> None:
    barrage(open_okta(), seed, 12)
