"""OpenID Connect as applications use it: sign-in, codes, tokens, refresh, sign-out."""

import hashlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from .browser import FORM, Browser
from .conftest import Okta

BACK = "https://app.example/callback"
VERIFIER = "a-verifier-that-is-long-enough-for-the-specification"
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
ASK = {
    "response_type": "code",
    "redirect_uri": BACK,
    "state": "s1",
    "scope": "openid profile email",
}


class App:
    """An OpenID Connect application that everybody may use."""

    def __init__(self, okta: Okta, server: str = "", *, public: bool = False, **more: Any) -> None:
        self.okta = okta
        self.base = f"/oauth2/{server}/v1" if server else "/oauth2/v1"
        self.issuer = f"http://twin.test/oauth2/{server}" if server else "http://twin.test"
        grants = more.get("grant_types", ["authorization_code", "refresh_token", "implicit"])
        answers = ["code", "token", "id_token"] if "implicit" in grants else ["code"]
        settings = {
            "application_type": "browser" if public else "web",
            "grant_types": grants,
            "response_types": answers,
            "redirect_uris": [BACK],
            "post_logout_redirect_uris": ["https://app.example/bye"],
            **more,
        }
        body = {
            "name": "oidc_client",
            "label": "Portal",
            "signOnMode": "OPENID_CONNECT",
            "settings": {"oauthClient": settings},
        }
        if public:
            body["credentials"] = {"oauthClient": {"token_endpoint_auth_method": "none"}}
        made = okta("POST /api/v1/apps", body).data()
        self.id = made["id"]
        self.client = made["credentials"]["oauthClient"]["client_id"]
        self.secret = made["credentials"]["oauthClient"].get("client_secret", "")
        everyone = okta("GET /api/v1/groups?q=Everyone").data()[0]["id"]
        okta(f"PUT /api/v1/apps/{self.id}/groups/{everyone}")

    def ask(self, browser: Browser, **more: str) -> Browser:
        return browser.get(f"{self.base}/authorize", **{"client_id": self.client, **ASK, **more})

    def post(self, endpoint: str, **form: str) -> Any:
        headers = {"authorization": ""}
        if self.secret:
            basic = b64encode(f"{self.client}:{self.secret}".encode()).decode()
            headers["authorization"] = f"Basic {basic}"
        else:
            form["client_id"] = self.client
        return self.okta(f"POST {self.base}/{endpoint}", urlencode(form), **headers, **FORM)

    def redeem(self, code: str, **more: str) -> Any:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, **more}
        return self.post("token", **form)

    def claims(self, token: str, audience: str = "") -> dict[str, Any]:
        """What a token says, its signature checked with the published keys."""
        keys = jwt.PyJWKSet.from_dict(self.okta(f"GET {self.base}/keys", authorization="").data())
        key = keys[jwt.get_unverified_header(token)["kid"]].key
        options: Any = {"verify_exp": False, "verify_iat": False, "verify_aud": bool(audience)}
        found: dict[str, Any] = jwt.decode(
            token, key, algorithms=["RS256"], audience=audience or None, options=options
        )
        return found


def signed_in(okta: Okta, name: str = "ada") -> Browser:
    """A browser whose user has signed in."""
    okta.user(name)
    browser = Browser(okta).get("/login/login.htm")
    browser.submit(username=f"{name}@test.example", password="Abcd1234x")
    assert "Signed in as" in browser.answer.body.decode()
    return browser


@pytest.mark.parametrize("server", ["", "default"])
def test_a_person_signs_in_with_the_form_and_the_client_gets_tokens(
    okta: Okta, server: str
) -> None:
    okta.user("ada")
    app = App(okta, server)
    browser = app.ask(Browser(okta), nonce="n1", login_hint="ada@test.example", **PKCE)
    assert browser.answer.status == 200
    assert browser.page.fields["username"] == "ada@test.example"
    browser.submit(password="wrong")
    assert (browser.answer.status, browser.page.problem) == (401, "Unable to sign in")
    browser.submit(password="Abcd1234x")
    assert browser.location.startswith(f"{BACK}?")
    assert browser.told["state"] == "s1"
    answer = app.redeem(browser.told["code"], code_verifier=VERIFIER)
    assert answer.status == 200, answer.body
    tokens = answer.data()
    assert set(tokens) == {"token_type", "expires_in", "access_token", "scope", "id_token"}
    told = app.claims(tokens["id_token"], app.client)
    user = okta("GET /api/v1/users/ada@test.example").data()
    assert (told["sub"], told["nonce"], told["amr"]) == (user["id"], "n1", ["pwd"])
    assert (told["iss"], told["aud"]) == (app.issuer, app.client)
    assert (told["name"], told["email"]) == ("Ada Test", "ada@test.example")
    assert told["preferred_username"] == "ada@test.example"
    assert told["exp"] - told["iat"] == 3600
    assert abs(told["auth_time"] - okta.universe.clock.epoch()) < 5
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert told["at_hash"] == urlsafe_b64encode(half).decode().rstrip("=")
    access = app.claims(tokens["access_token"], "api://default" if server else "http://twin.test")
    assert (access["sub"], access["uid"], access["cid"]) == (
        "ada@test.example",
        user["id"],
        app.client,
    )
    info = okta(f"GET {app.base}/userinfo", authorization=f"Bearer {tokens['access_token']}")
    assert info.status == 200
    assert (info.data()["given_name"], info.data()["zoneinfo"]) == ("Ada", "America/Los_Angeles")
    again = app.redeem(browser.told["code"], code_verifier=VERIFIER)
    assert (again.status, again.data()["error"]) == (400, "invalid_grant")
    bearer = f"Bearer {tokens['access_token']}"
    assert okta(f"GET {app.base}/userinfo", authorization=bearer).status == 401, "taken back"


def test_the_same_calls_give_the_same_page(open_okta: Callable[..., Okta]) -> None:
    pages = []
    for _ in range(2):
        okta = open_okta()
        pages.append(App(okta).ask(Browser(okta)).answer.body)
    assert pages[0] == pages[1]


def test_a_session_answers_at_once_and_prompts_are_obeyed(okta: Okta) -> None:
    app, stranger = App(okta), Browser(okta)
    assert app.ask(stranger, prompt="none").told["error"] == "login_required"
    browser = signed_in(okta)
    assert "code" in app.ask(browser, prompt="none").told
    assert "code" in app.ask(browser).told
    assert app.ask(browser, prompt="login").answer.status == 200, "the form again"
    browser.submit(username="ada@test.example", password="Abcd1234x")
    assert "code" in browser.told
    okta.universe.clock.advance(600)
    assert "code" in app.ask(browser, max_age="3600").told
    assert app.ask(browser, max_age="300", prompt="none").told["error"] == "login_required"
    okta.universe.clock.advance(7200)
    assert app.ask(browser, prompt="none").told["error"] == "login_required", "two hours"


def test_a_session_token_is_worth_a_session_once(okta: Okta) -> None:
    okta.user("ada")
    app, browser = App(okta), Browser(okta)
    body = {"username": "ada@test.example", "password": "Abcd1234x"}
    token = okta("POST /api/v1/authn", body, authorization="").data()["sessionToken"]
    assert "code" in app.ask(browser, sessionToken=token).told
    assert "code" in app.ask(browser).told, "the cookie"
    assert (
        app.ask(Browser(okta), sessionToken=token, prompt="none").told["error"] == "login_required"
    )
    other = okta("POST /api/v1/authn", body, authorization="").data()["sessionToken"]
    fresh = Browser(okta).get(
        "/login/sessionCookieRedirect", token=other, redirectUrl="/app/UserHome"
    )
    assert "Signed in as ada@test.example" in fresh.answer.body.decode()
    refused = Browser(okta).get(
        "/login/sessionCookieRedirect", token=other, redirectUrl="https://evil.example/"
    )
    assert refused.answer.status == 400


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "nothing"}, "unsupported_response_type"),
        ({"state": ""}, "invalid_request"),
        ({"scope": "openid unheard-of"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "okta.users.read"}, "access_denied"),
        ({"prompt": "please"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"response_mode": "pigeon"}, "unsupported_response_mode"),
        ({"response_type": "id_token"}, "invalid_request"),
        ({"response_type": "token", "response_mode": "query"}, "unsupported_response_mode"),
        ({**PKCE, "code_challenge_method": "plain"}, "invalid_request"),
        ({**PKCE, "code_challenge": "short"}, "invalid_request"),
    ],
)
def test_what_is_wrong_with_a_request_is_told_to_the_client(
    okta: Okta, change: dict[str, str], error: str
) -> None:
    browser = signed_in(okta)
    told = App(okta).ask(browser, **change).told
    assert told["error"] == error, told
    assert told["error_description"]
    assert told.get("state", "") == change.get("state", "s1")


def test_who_may_not_be_redirected_to_sees_a_page(okta: Okta) -> None:
    browser = signed_in(okta)
    for change in ({"redirect_uri": "https://evil.example/"}, {"client_id": "nobody"}):
        answer = App(okta).ask(browser, **change).answer
        assert (answer.status, answer.header("location")) == (400, None)
        assert "text/html" in str(answer.header("content-type"))
    wide = App(okta, redirect_uris=["https://*.app.example/cb"], wildcard_redirect="SUBDOMAIN")
    assert "code" in wide.ask(browser, redirect_uri="https://a-1.app.example/cb").told
    for uri in (
        "https://a.b.app.example/cb",
        "https://.app.example/cb",
        "https://x.evil.example/cb",
    ):
        assert wide.ask(browser, redirect_uri=uri).answer.status == 400


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post", "okta_post_message"])
def test_response_modes(okta: Okta, mode: str) -> None:
    browser = signed_in(okta)
    answer = App(okta).ask(browser, response_mode=mode, state='a"<b>').answer
    text = answer.body.decode()
    if mode in ("query", "fragment"):
        mark = "?" if mode == "query" else "#"
        assert str(answer.header("location")).startswith(f"{BACK}{mark}code=")
        assert answer.header("referrer-policy") == "no-referrer"
        assert browser.told["state"] == 'a"<b>'
    elif mode == "form_post":
        assert browser.page.action == BACK
        assert browser.page.fields["state"] == 'a"<b>'
    else:
        assert '"https://app.example"' in text
        assert "<b>" not in text


def test_hybrid_and_implicit_flows(okta: Okta) -> None:
    browser, app = signed_in(okta), App(okta)
    told = app.ask(browser, response_type="code id_token token", nonce="n").told
    claims = app.claims(told["id_token"], app.client)
    half = hashlib.sha256(told["code"].encode()).digest()[:16]
    assert claims["c_hash"] == urlsafe_b64encode(half).decode().rstrip("=")
    assert "given_name" not in claims
    alone = app.ask(browser, response_type="id_token", nonce="n").told
    assert app.claims(alone["id_token"], app.client)["given_name"] == "Ada", "nothing else tells it"
    assert set(alone) == {"id_token", "state"}


def test_a_public_client_needs_pkce_and_the_right_verifier(okta: Okta) -> None:
    browser, app = signed_in(okta), App(okta, "default", public=True)
    assert app.ask(browser).told["error"] == "invalid_request"
    code = app.ask(browser, **PKCE).told["code"]
    assert app.redeem(code).data()["error"] == "invalid_request"
    wrong = app.redeem(code, code_verifier=VERIFIER[::-1])
    assert wrong.data()["error_description"] == "PKCE verification failed."
    assert app.redeem(code, code_verifier=VERIFIER, redirect_uri="https://x").status == 400
    assert app.redeem(code, code_verifier=VERIFIER).status == 200
    late = app.ask(browser, **PKCE).told["code"]
    okta.universe.clock.advance(301)
    assert app.redeem(late, code_verifier=VERIFIER).data()["error"] == "invalid_grant"


def test_only_assigned_people_get_in(okta: Okta) -> None:
    browser, app = signed_in(okta), App(okta)
    group = okta("GET /api/v1/groups?q=Everyone").data()[0]["id"]
    okta(f"DELETE /api/v1/apps/{app.id}/groups/{group}")
    told = app.ask(browser).told
    assert told["error"] == "access_denied"
    assert told["error_description"] == "User is not assigned to the client application."
    okta(f"POST /api/v1/apps/{app.id}/users", {"id": browser_user(okta), "scope": "USER"})
    assert "code" in app.ask(browser).told


def browser_user(okta: Okta) -> str:
    return str(okta("GET /api/v1/users/ada@test.example").data()["id"])


# -- refresh tokens


def offline(okta: Okta, **more: Any) -> tuple[App, dict[str, Any]]:
    """An application, and the tokens of somebody who has signed in to it for long."""
    app = App(okta, "default", **more)
    code = app.ask(signed_in(okta), scope="openid offline_access", **PKCE).told["code"]
    return app, app.redeem(code, code_verifier=VERIFIER).data()


def refreshed(app: App, token: str, **more: str) -> Any:
    return app.post("token", grant_type="refresh_token", refresh_token=token, **more)


def test_a_static_refresh_token_lasts_while_it_is_used(okta: Okta) -> None:
    app, tokens = offline(okta)
    for _ in range(3):
        okta.universe.clock.advance(6 * 86_400)
        again = refreshed(app, tokens["refresh_token"]).data()
        assert again["refresh_token"] == tokens["refresh_token"]
        assert again["access_token"] != tokens["access_token"]
        assert "id_token" in again
    fewer = refreshed(app, tokens["refresh_token"], scope="openid").data()
    assert fewer["scope"] == "openid"
    more = refreshed(app, tokens["refresh_token"], scope="openid email")
    assert more.data()["error"] == "invalid_scope"
    okta.universe.clock.advance(7 * 86_400 + 1)
    assert refreshed(app, tokens["refresh_token"]).data()["error"] == "invalid_grant"


def test_a_rotated_refresh_token_that_is_used_again_ends_everything(okta: Okta) -> None:
    rotation = {"rotation_type": "ROTATE", "leeway": 20}
    app, tokens = offline(okta, refresh_token=rotation)
    first = tokens["refresh_token"]
    second = refreshed(app, first).data()["refresh_token"]
    assert second != first
    assert refreshed(app, first).status == 200, "within the leeway"
    okta.universe.clock.advance(21)
    stolen = refreshed(app, first)
    assert (stolen.status, stolen.data()["error"]) == (400, "invalid_grant")
    assert refreshed(app, second).status == 400, "the thief's or the victim's: nobody knows"
    events = okta('GET /api/v1/logs?filter=eventType+eq+"app.oauth2.token.detect_reuse"').data()
    assert len(events) == 1


def test_refresh_tokens_are_listed_and_revoked_by_administrators(okta: Okta) -> None:
    app, tokens = offline(okta)
    user = browser_user(okta)
    listed = okta(f"GET /api/v1/users/{user}/clients/{app.client}/tokens").data()
    assert [row["scopes"] for row in listed] == [["openid", "offline_access"]]
    assert okta(f"GET /api/v1/apps/{app.id}/tokens").data()[0]["id"] == listed[0]["id"]
    assert okta(f"DELETE /api/v1/users/{user}/clients/{app.client}/tokens").status == 204
    assert refreshed(app, tokens["refresh_token"]).status == 400
    about = app.post("introspect", token=tokens["access_token"]).data()
    assert about == {"active": False}


def test_a_user_who_is_suspended_or_gone_has_no_tokens(okta: Okta) -> None:
    app, tokens = offline(okta)
    user = browser_user(okta)
    assert app.post("introspect", token=tokens["refresh_token"]).data()["active"] is True
    okta(f"POST /api/v1/users/{user}/lifecycle/suspend")
    for name in ("access_token", "refresh_token", "id_token"):
        assert app.post("introspect", token=tokens[name]).data() == {"active": False}
    assert refreshed(app, tokens["refresh_token"]).status == 400
    okta(f"POST /api/v1/users/{user}/lifecycle/unsuspend")
    assert refreshed(app, tokens["refresh_token"]).status == 200
    body = {"sub_id": {"format": "opaque", "id": user}}
    assert okta("POST /oauth2/v1/global-token-revocation", body).status == 204
    assert refreshed(app, tokens["refresh_token"]).status == 400


def test_introspection_and_revocation_know_every_kind_of_token(okta: Okta) -> None:
    app, tokens = offline(okta)
    about = app.post("introspect", token=tokens["access_token"]).data()
    assert (about["active"], about["username"]) == (True, "ada@test.example")
    assert about["scope"] == "openid offline_access"
    assert app.post("introspect", token=tokens["id_token"]).data()["client_id"] == app.client
    org = App(okta)
    assert org.post("introspect", token=tokens["access_token"]).data() == {"active": False}
    assert org.post("revoke", token=tokens["refresh_token"]).status == 200, "not its own: no effect"
    assert app.post("introspect", token=tokens["refresh_token"]).data()["active"] is True
    assert app.post("revoke", token=tokens["refresh_token"]).status == 200
    for name in ("refresh_token", "access_token"):
        assert app.post("introspect", token=tokens[name]).data() == {"active": False}
    assert app.post("introspect").data()["error"] == "invalid_request"


def test_signing_out_ends_the_session_and_goes_where_the_client_may_send(okta: Okta) -> None:
    browser, app = signed_in(okta), App(okta)
    tokens = app.redeem(app.ask(browser).told["code"]).data()
    hint = {"id_token_hint": tokens["id_token"]}
    bye = "https://app.example/bye"
    wrong = browser.get(
        f"{app.base}/logout", **hint, post_logout_redirect_uri="https://evil.example"
    )
    assert wrong.answer.status == 400
    assert browser.get(f"{app.base}/logout", id_token_hint="x").answer.status == 400
    okta.universe.clock.advance(3700)
    browser.get(f"{app.base}/logout", **hint, post_logout_redirect_uri=bye, state="z")
    assert browser.location == f"{bye}?state=z", "an expired ID token will do"
    assert app.ask(browser, prompt="none").told["error"] == "login_required"
    assert browser.get(f"{app.base}/logout", **hint).page.fields.keys() >= {"username", "password"}


# -- custom servers


def test_rules_decide_by_priority_scope_and_people(okta: Okta) -> None:
    browser = signed_in(okta)
    server = okta(
        "POST /api/v1/authorizationServers", {"name": "A", "description": "d", "audiences": ["x"]}
    ).data()["id"]
    base = f"/api/v1/authorizationServers/{server}"
    app = App(okta, server)
    assert app.ask(browser).told["error"] == "access_denied", "no policy"
    okta(f"POST {base}/scopes", {"name": "cars:read"})
    policy = {"name": "P", "description": "d", "conditions": {"clients": {"include": [app.client]}}}
    rules = f"{base}/policies/{okta(f'POST {base}/policies', policy).data()['id']}/rules"
    staff = okta("POST /api/v1/groups", {"profile": {"name": "staff"}}).data()["id"]

    def rule(name: str, scopes: list[str], groups: list[str], minutes: int) -> None:
        body = {
            "name": name,
            "type": "RESOURCE_ACCESS",
            "conditions": {
                "people": {"groups": {"include": groups}},
                "grantTypes": {"include": ["authorization_code"]},
                "scopes": {"include": scopes},
            },
            "actions": {"token": {"accessTokenLifetimeMinutes": minutes}},
        }
        assert okta(f"POST {rules}", body).status == 201

    rule("Staff", ["*"], [staff], 30)
    rule("Everybody", ["openid"], ["EVERYONE"], 5)
    assert app.redeem(app.ask(browser, scope="openid").told["code"]).data()["expires_in"] == 300
    refused = app.ask(browser, scope="openid cars:read").told
    assert (refused["error"], "Policy evaluation failed" in refused["error_description"]) == (
        "access_denied",
        True,
    )
    okta(f"PUT /api/v1/groups/{staff}/users/{browser_user(okta)}")
    answer = app.redeem(app.ask(browser, scope="openid cars:read").told["code"]).data()
    assert answer["expires_in"] == 1800
    other = App(okta, server)
    assert other.ask(browser, scope="openid").told["error"] == "access_denied", "another client"


def test_claims_are_what_the_server_is_told_to_say(okta: Okta) -> None:
    browser = signed_in(okta)
    user = browser_user(okta)
    okta(f"POST /api/v1/users/{user}", {"profile": {"department": "Research", "title": "Lead"}})
    for name in ("eng-a", "eng-b", "sales"):
        group = okta("POST /api/v1/groups", {"profile": {"name": name}}).data()["id"]
        okta(f"PUT /api/v1/groups/{group}/users/{user}")
    base = "/api/v1/authorizationServers/default/claims"
    groups = {
        "name": "groups",
        "claimType": "IDENTITY",
        "valueType": "GROUPS",
        "group_filter_type": "STARTS_WITH",
        "value": "eng-",
    }
    team = {"name": "team", "claimType": "RESOURCE", "value": 'user.department + "/" + user.title'}
    only = {
        "name": "level",
        "claimType": "RESOURCE",
        "value": 'isMemberOfGroupName("sales") ? 2 : 1',
        "conditions": {"scopes": ["email"]},
    }
    later = {**team, "name": "later", "claimType": "IDENTITY", "alwaysIncludeInToken": False}
    for claim in (groups, team, only, later):
        assert okta(f"POST {base}", claim).status == 201
    app = App(okta, "default")
    tokens = app.redeem(app.ask(browser, scope="openid").told["code"]).data()
    identity = app.claims(tokens["id_token"], app.client)
    assert sorted(identity["groups"]) == ["eng-a", "eng-b"]
    assert "later" not in identity
    access = app.claims(tokens["access_token"])
    assert access["team"] == "Research/Lead"
    assert "level" not in access
    info = okta(f"GET {app.base}/userinfo", authorization=f"Bearer {tokens['access_token']}").data()
    assert info["later"] == "Research/Lead"
    more = app.redeem(app.ask(browser, scope="openid email").told["code"]).data()
    assert app.claims(more["access_token"])["level"] == 2


def test_consent_is_asked_once_where_the_scope_and_the_client_want_it(okta: Okta) -> None:
    browser = signed_in(okta)
    scope = {"name": "cars:sell", "consent": "REQUIRED"}
    okta("POST /api/v1/authorizationServers/default/scopes", scope)
    app = App(okta, "default", consent_method="REQUIRED")
    asked = {"scope": "openid cars:sell"}
    assert app.ask(browser, **asked, prompt="none").told["error"] == "consent_required"
    app.ask(browser, **asked)
    assert browser.page.answers == ["allow", "deny"]
    assert browser.submit(answer="deny").told["error"] == "access_denied"
    app.ask(browser, **asked)
    assert "code" in browser.submit(answer="allow").told
    assert "code" in app.ask(browser, **asked, prompt="none").told
    user = browser_user(okta)
    grants = okta(f"GET /api/v1/users/{user}/grants").data()
    assert [row["scopeId"] for row in grants] == ["cars:sell"]
    okta(f"DELETE /api/v1/users/{user}/grants")
    assert app.ask(browser, **asked, prompt="none").told["error"] == "consent_required"


def test_a_pushed_request_is_good_once(okta: Okta) -> None:
    browser, app = signed_in(okta), App(okta)
    pushed = app.post("par", **ASK, client_id=app.client)
    assert (pushed.status, pushed.data()["expires_in"]) == (200, 60)
    ask = {"client_id": app.client, "request_uri": pushed.data()["request_uri"]}
    assert "code" in browser.get(f"{app.base}/authorize", **ask).told
    assert browser.get(f"{app.base}/authorize", **ask).answer.status == 400
    assert app.post("par", **{**ASK, "scope": "openid", "state": ""}).data()["error"] == (
        "invalid_request"
    )


def test_a_signed_request_stands_above_the_address(okta: Okta) -> None:
    browser, app = signed_in(okta), App(okta)
    claims = {"iss": app.client, "aud": app.issuer, **ASK, "state": "signed", "nonce": "n9"}
    request = jwt.encode(claims, app.secret, algorithm="HS256")
    told = browser.get(f"{app.base}/authorize", client_id=app.client, request=request).told
    assert told["state"] == "signed"
    forged = jwt.encode(claims, "x" * 64, algorithm="HS256")
    answer = browser.get(f"{app.base}/authorize", client_id=app.client, request=forged).answer
    assert answer.status == 400


def test_discovery_names_what_is_there(okta: Okta) -> None:
    for prefix in ("", "/oauth2/default"):
        known = okta(f"GET {prefix}/.well-known/openid-configuration", authorization="").data()
        assert known["issuer"] == f"http://twin.test{prefix}"
        for name, value in known.items():
            if name.endswith(("_endpoint", "_uri")) and name != "registration_endpoint":
                path = value.removeprefix("http://twin.test")
                method = (
                    "GET"
                    if name.startswith(("jwks", "authorization", "userinfo", "end"))
                    else "POST"
                )
                answer = okta(f"{method} {path}", authorization="", **FORM)
                assert answer.status in (200, 400, 401), (name, answer.status)
        plain = okta(f"GET {prefix}/.well-known/oauth-authorization-server", authorization="")
        assert "userinfo_endpoint" not in plain.data()
    wrong = okta("GET /.well-known/openid-configuration?client_id=nobody", authorization="")
    assert (wrong.status, wrong.data()["errorCode"]) == (400, "invalid_client")
    assert okta("GET /oauth2/nowhere/.well-known/openid-configuration").status == 404


def test_keys_rotate_by_hand_and_by_themselves(okta: Okta) -> None:
    server = "/api/v1/authorizationServers/default"
    app = App(okta, "default", application_type="service", grant_types=["client_credentials"])
    okta(f"POST {server}/scopes", {"name": "cars"})

    def signer() -> str:
        answer = app.post("token", grant_type="client_credentials", scope="cars").data()
        app.claims(answer["access_token"])
        return str(jwt.get_unverified_header(answer["access_token"])["kid"])

    def statuses() -> dict[str, str]:
        keys = okta(f"GET {server}/credentials/keys").data()
        return {key["status"]: key["kid"] for key in keys}

    first = signer()
    assert statuses() == {"ACTIVE": first}
    okta(f"POST {server}/credentials/lifecycle/keyRotate", {"use": "sig"})
    second = signer()
    following = statuses()["NEXT"]
    assert statuses() == {"EXPIRED": first, "ACTIVE": second, "NEXT": following}
    okta.universe.clock.advance(89 * 86_400)
    assert signer() == second
    okta.universe.clock.advance(2 * 86_400)
    assert signer() == following
    assert (statuses()["EXPIRED"], first in statuses().values()) == (second, False)
    row = okta(f"GET {server}").data()
    assert row["credentials"]["signing"]["lastRotated"] > "2026-05"
    row["credentials"]["signing"] = {"rotationMode": "MANUAL"}
    assert okta(f"PUT {server}", row).status == 200
    okta.universe.clock.advance(200 * 86_400)
    assert signer() == following


def test_pages_of_trusted_origins_may_call(okta: Okta) -> None:
    page = {"origin": "https://portal.example"}
    ask = {**page, "access-control-request-method": "GET", "authorization": ""}
    allowed = "access-control-allow-origin"
    assert okta("GET /oauth2/v1/keys", **page).header(allowed) == page["origin"], "any page"
    assert okta("OPTIONS /oauth2/v1/token", **page).status == 204
    assert okta("GET /api/v1/users/me", **page).header(allowed) is None
    assert okta("OPTIONS /api/v1/users/me", **ask).status == 401
    scopes = [{"type": "CORS"}]
    body = {"name": "Portal", "origin": page["origin"], "scopes": scopes}
    key = okta("POST /api/v1/trustedOrigins", body).data()["id"]
    asked = okta("OPTIONS /api/v1/users/me", **ask)
    assert (asked.status, asked.header("access-control-allow-methods")) == (200, "GET")
    answer = okta("GET /api/v1/users/me", **page)
    assert answer.header(allowed) == page["origin"]
    assert answer.header("access-control-allow-credentials") == "true"
    assert okta("GET /api/v1/users/me", origin="https://other.example").header(allowed) is None
    okta(f"POST /api/v1/trustedOrigins/{key}/lifecycle/deactivate")
    assert okta("GET /api/v1/users/me", **page).header(allowed) is None
