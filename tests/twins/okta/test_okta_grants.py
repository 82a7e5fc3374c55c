"""Grants without a browser: passwords, passcodes, devices, exchanged tokens; registered clients."""

from base64 import b32decode
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from .browser import Browser
from .conftest import Okta
from .test_okta_oidc import PKCE, VERIFIER, App, browser_user, signed_in

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KIND = "urn:ietf:params:oauth:token-type:"
OTP, MFA_OTP = "urn:okta:params:oauth:grant-type:otp", "http://auth0.com/oauth/grant-type/mfa-otp"


def allow(okta: Okta, *grants: str) -> None:
    """Let the default server's rule allow further grant types."""
    policies = "/api/v1/authorizationServers/default/policies"
    policy = okta(f"GET {policies}").data()[0]["id"]
    rule = okta(f"GET {policies}/{policy}/rules").data()[0]
    rule["conditions"]["grantTypes"]["include"] += grants
    assert okta(f"PUT {policies}/{policy}/rules/{rule['id']}", rule).status == 200


def seed_of(factor: dict[str, Any]) -> str:
    text = factor["_embedded"]["activation"]["sharedSecret"]
    return b32decode(text + "=" * (-len(text) % 8)).decode()


def enrolled(okta: Okta, user: str) -> str:
    """The shared secret of an authenticator that a user has set up."""
    body = {"factorType": "token:software:totp", "provider": "GOOGLE"}
    factor = okta(f"POST /api/v1/users/{user}/factors", body).data()
    secret = seed_of(factor)
    path = f"POST /api/v1/users/{user}/factors/{factor['id']}/lifecycle/activate"
    assert okta(path, {"passCode": passcode(okta, secret)}).status == 200
    return secret


def passcode(okta: Okta, secret: str) -> str:
    return TOTP(secret.encode(), 6, SHA1(), 30).generate(okta.universe.clock.epoch()).decode()


def require_factor(okta: Okta) -> None:
    """Everybody needs a second factor from now on."""
    body = {"type": "OKTA_SIGN_ON", "name": "Strict", "description": "d"}
    policy = okta("POST /api/v1/policies", body).data()["id"]
    rule = {"name": "Two", "actions": {"signon": {"access": "ALLOW", "requireFactor": True}}}
    assert okta(f"POST /api/v1/policies/{policy}/rules", rule).status == 200


def test_a_password_gives_tokens_to_clients_that_may_ask_for_it(okta: Okta) -> None:
    okta.user("ada")
    app = App(okta, application_type="native", grant_types=["authorization_code", "password"])
    form = {"grant_type": "password", "username": "ada@test.example", "scope": "openid"}
    assert app.post("token", **form, password="Abcd1234x").data()["token_type"] == "Bearer"
    wrong = app.post("token", **form, password="nope")
    assert (wrong.status, wrong.data()["error"]) == (400, "invalid_grant")
    other = App(okta).post("token", **form, password="Abcd1234x")
    assert other.data()["error"] == "unauthorized_client"


def test_a_second_factor_is_a_second_call(okta: Okta) -> None:
    user = okta.user("ada")
    secret = enrolled(okta, user)
    require_factor(okta)
    grants = ["authorization_code", "password", OTP, MFA_OTP]
    app = App(okta, application_type="native", grant_types=grants)
    form = {"username": "ada@test.example", "password": "Abcd1234x", "scope": "openid"}
    first = app.post("token", grant_type="password", **form)
    assert (first.status, first.data()["error"]) == (403, "mfa_required")
    more = {"grant_type": MFA_OTP, "mfa_token": first.data()["mfa_token"]}
    assert app.post("token", **more, otp="000000").data()["error"] == "invalid_grant"
    tokens = app.post("token", **more, otp=passcode(okta, secret)).data()
    assert app.claims(tokens["id_token"], app.client)["amr"] == ["pwd", "otp", "mfa"]
    hint = {"grant_type": OTP, "login_hint": "ada@test.example", "scope": "openid"}
    assert app.post("token", **hint, otp=passcode(okta, secret)).status == 200


@pytest.mark.parametrize("answer", ["allow", "deny"])
def test_a_device_waits_for_its_user(okta: Okta, answer: str) -> None:
    browser = signed_in(okta)
    app = App(okta, "default", grant_types=["authorization_code", DEVICE])
    asked = app.post("device/authorize", scope="openid profile").data()
    assert asked["verification_uri_complete"].endswith(asked["user_code"])
    form = {"grant_type": DEVICE, "device_code": asked["device_code"]}
    assert app.post("token", **form).data()["error"] == "authorization_pending"
    stranger = Browser(okta).get("/activate", user_code=asked["user_code"])
    assert "password" in stranger.page.fields, "who has not signed in does that first"
    browser.get("/activate", user_code="WRONGONE").submit(answer="allow")
    assert browser.page.problem
    browser.get("/activate", user_code=asked["user_code"]).submit(answer=answer)
    told = app.post("token", **form).data()
    if answer == "deny":
        assert told["error"] == "access_denied"
        return
    assert app.claims(told["id_token"], app.client)["name"] == "Ada Test"
    assert app.post("token", **form).data()["error"] == "invalid_grant", "once"
    late = app.post("device/authorize", scope="openid").data()
    okta.universe.clock.advance(601)
    form["device_code"] = late["device_code"]
    assert app.post("token", **form).data()["error"] == "expired_token"


def test_a_service_exchanges_the_token_it_got_for_one_of_its_own(okta: Okta) -> None:
    allow(okta, EXCHANGE)
    browser, app = signed_in(okta), App(okta, "default")
    tokens = app.redeem(app.ask(browser, scope="openid profile").told["code"]).data()
    service = App(
        okta, "default", application_type="service", grant_types=["client_credentials", EXCHANGE]
    )
    form = {
        "grant_type": EXCHANGE,
        "subject_token": tokens["access_token"],
        "subject_token_type": KIND + "access_token",
        "audience": "api://default",
    }
    got = service.post("token", **form, scope="profile").data()
    assert got["issued_token_type"] == KIND + "access_token"
    claims = service.claims(got["access_token"])
    assert (claims["cid"], claims["sub"]) == (service.client, "ada@test.example")
    assert service.post("token", **{**form, "audience": "x"}).data()["error"] == "invalid_target"
    okta(f"POST /api/v1/users/{browser_user(okta)}/lifecycle/suspend")
    assert service.post("token", **form).data()["error"] == "invalid_grant"


def test_an_application_of_the_same_device_needs_no_sign_in(okta: Okta) -> None:
    allow(okta, EXCHANGE)
    browser, app = signed_in(okta), App(okta, "default")
    tokens = app.redeem(app.ask(browser, scope="openid device_sso").told["code"]).data()
    other = App(okta, "default", grant_types=["authorization_code", EXCHANGE])
    form = {
        "grant_type": EXCHANGE,
        "subject_token": tokens["id_token"],
        "subject_token_type": KIND + "id_token",
        "actor_token": tokens["device_secret"],
        "actor_token_type": "urn:x-oath:params:oauth:token-type:device-secret",
        "scope": "openid",
    }
    got = other.post("token", **form).data()
    assert other.claims(got["id_token"], other.client)["sub"] == browser_user(okta)
    assert app.post("revoke", token=tokens["device_secret"]).status == 200
    assert other.post("token", **form).data()["error"] == "invalid_grant"


def test_an_assertion_for_another_server_crosses_applications(okta: Okta) -> None:
    allow(okta, BEARER)
    browser = signed_in(okta)
    app = App(okta, grant_types=["authorization_code", EXCHANGE, BEARER])
    tokens = app.redeem(app.ask(browser).told["code"]).data()
    form = {
        "grant_type": EXCHANGE,
        "subject_token": tokens["id_token"],
        "subject_token_type": KIND + "id_token",
        "requested_token_type": KIND + "id-jag",
        "audience": "http://twin.test/oauth2/default",
        "scope": "openid",
    }
    jag = app.post("token", **form).data()
    assert (jag["token_type"], jag["issued_token_type"]) == ("N_A", KIND + "id-jag")
    app.base = "/oauth2/default/v1"
    ask = {"grant_type": BEARER, "assertion": jag["access_token"]}
    assert app.post("token", **ask).status == 200
    assert app.post("token", **ask).data()["error"] == "invalid_grant", "once"
    assert app.post("token", grant_type=BEARER, assertion="a.b.c").status == 400


@pytest.mark.parametrize("algorithm", ["RS384", "ES256", "ES384", "ES512", "HS512"])
def test_clients_sign_with_any_algorithm_that_okta_names(okta: Okta, algorithm: str) -> None:
    app = App(okta, "default", application_type="service", grant_types=["client_credentials"])
    okta("POST /api/v1/authorizationServers/default/scopes", {"name": "cars"})
    key: Any = app.secret
    kind = "client_secret_jwt"
    row = okta(f"GET /api/v1/apps/{app.id}").data()
    if algorithm != "HS512":
        kind = "private_key_jwt"
        if algorithm.startswith("RS"):
            key = rsa.generate_private_key(65537, 2048)
            public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        else:
            curve = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
            key = ec.generate_private_key(curve[algorithm])
            public = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        row["settings"]["oauthClient"]["jwks"] = {"keys": [{**public, "kid": "k"}]}
    row["credentials"]["oauthClient"]["token_endpoint_auth_method"] = kind
    assert okta(f"PUT /api/v1/apps/{app.id}", row).status == 200
    claims = {"iss": app.client, "sub": app.client, "aud": f"{app.issuer}/v1/token"}
    claims |= {"exp": okta.universe.clock.epoch() + 300, "jti": "1"}
    form = {"grant_type": "client_credentials", "scope": "cars", "client_assertion_type": ASSERTION}
    app.secret = ""
    sent = {**form, "client_assertion": jwt.encode(claims, key, algorithm=algorithm)}
    assert app.post("token", **sent).status == 200
    forged = jwt.encode({**claims, "iss": "x", "jti": "2"}, key, algorithm=algorithm)
    assert app.post("token", **{**sent, "client_assertion": forged}).status == 401


def test_a_person_may_do_with_a_token_what_its_scopes_say(okta: Okta) -> None:
    browser, app = signed_in(okta), App(okta)
    grant = {"scopeId": "okta.users.read.self", "issuer": "http://twin.test"}
    okta(f"POST /api/v1/apps/{app.id}/grants", grant)
    code = app.ask(browser, scope="openid okta.users.read.self", **PKCE).told["code"]
    token = app.redeem(code, code_verifier=VERIFIER).data()["access_token"]
    bearer = {"authorization": f"Bearer {token}"}
    mine = okta("GET /api/v1/users/me", **bearer)
    assert (mine.status, mine.data()["profile"]["login"]) == (200, "ada@test.example")
    refused = okta("GET /api/v1/groups", **bearer)
    assert (refused.status, refused.data()["errorCode"]) == (403, "E0000006")
    assert refused.header("www-authenticate") == (
        'Bearer authorization_uri="http://twin.test/oauth2/v1/authorize",'
        ' realm="http://twin.test", scope="okta.groups.read", error="insufficient_scope",'
        ' error_description="The access token provided does not contain the required scopes.",'
        ' resource="/api/v1/groups"'
    )
    other = okta("GET /api/v1/users?limit=1").data()[0]["id"]
    assert okta(f"GET /api/v1/users/{other}", **bearer).status == 403
    assert okta("POST /api/v1/users/me", {"profile": {"title": "x"}}, **bearer).status == 403
    invalid = okta("GET /api/v1/groups", authorization="Bearer a.b.c")
    assert invalid.status == 401
    assert 'error="invalid_token"' in str(invalid.header("www-authenticate"))


def test_clients_register_themselves(okta: Okta) -> None:
    path = "/oauth2/v1/clients"
    body = {"client_name": "Mine", "redirect_uris": ["https://a.example/cb"]}
    made = okta(f"POST {path}", body)
    assert made.status == 201
    client = made.data()
    assert client["client_secret"]
    assert client["grant_types"] == ["authorization_code"]
    key = client["client_id"]
    shown = okta(f"GET {path}/{key}").data()
    assert "client_secret" not in shown
    app = okta(f"GET /api/v1/apps/{key}").data()
    assert (app["label"], app["settings"]["oauthClient"]["consent_method"]) == ("Mine", "REQUIRED")
    changed = {**shown, "client_name": "Ours", "logo_uri": "https://a.example/logo.png"}
    for name in ("client_id_issued_at", "client_secret_expires_at"):
        refused = okta(f"PUT {path}/{key}", changed)
        assert refused.data()["errorCode"] == "invalid_client_metadata"
        changed.pop(name)
    assert okta(f"PUT {path}/{key}", changed).data()["client_name"] == "Ours"
    assert [row["client_id"] for row in okta(f"GET {path}?q=our").data()] == [key]
    fresh = okta(f"POST {path}/{key}/lifecycle/newSecret").data()["client_secret"]
    assert fresh != client["client_secret"]
    assert okta(f"DELETE {path}/{key}").status == 204
    assert okta(f"GET {path}/{key}").data()["errorCode"] == "E0000007"
    for wrong, code in (
        ({"client_name": "x"}, "invalid_redirect_uri"),
        ({**body, "redirect_uris": ["https://a.example/#x"]}, "invalid_redirect_uri"),
        ({**body, "grant_types": ["refresh_token"]}, "invalid_client_metadata"),
        ({**body, "client_id": "abcdef"}, "invalid_client_metadata"),
        ({"redirect_uris": []}, "E0000001"),
    ):
        assert okta(f"POST {path}", wrong).data()["errorCode"] == code, wrong
