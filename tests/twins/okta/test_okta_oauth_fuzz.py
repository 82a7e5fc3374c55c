"""Nothing that anybody sends to the OAuth endpoints and the sign-in pages breaks them."""

from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory_tui.universe import Universe, load_packs
from tests.twins.conftest import TWINS

from .browser import FORM
from .conftest import Okta
from .test_okta_grants import ASSERTION, BEARER, DEVICE, EXCHANGE, KIND, MFA_OTP, OTP
from .test_okta_oidc import ASK, BACK, App

PATHS = """
GET|POST /oauth2/v1/authorize
POST /oauth2/v1/token
POST /oauth2/v1/introspect
POST /oauth2/v1/revoke
GET|POST /oauth2/v1/logout
POST /oauth2/v1/par
POST /oauth2/v1/device/authorize
GET /oauth2/v1/authorize/redirect
POST /oauth2/v1/authorize/consent
GET|POST /oauth2/default/v1/authorize
POST /oauth2/default/v1/token
GET /oauth2/default/v1/userinfo
GET|POST /login/login.htm
POST /login/password
POST /login/factor
GET /login/sessionCookieRedirect
GET /login/signout
GET|POST /activate
GET /.well-known/openid-configuration
"""
LINES = [
    f"{method} {path}"
    for methods, path in (line.split() for line in PATHS.strip().splitlines())
    for method in methods.split("|")
]
WORDS = [
    "authorization_code",
    "refresh_token",
    "password",
    "client_credentials",
    DEVICE,
    EXCHANGE,
    BEARER,
    OTP,
    MFA_OTP,
    ASSERTION,
    KIND + "access_token",
    KIND + "id_token",
    KIND + "id-jag",
    BACK,
    "openid offline_access",
    "code",
    "code id_token token",
    "none",
    "login",
    "form_post",
    "okta_post_message",
    "ada@test.example",
    "Abcd1234x",
    "/app/UserHome",
    "//evil.example",
    "urn:okta:x",
    "eyJhbGciOiJSUzI1NiJ9.e30.AA",
    "a.b.c",
    "0",
    "-1",
    "9" * 5000,
    "",
]
NAMES_TEXT = """
grant_type scope client_id client_secret client_assertion client_assertion_type code code_verifier
code_challenge code_challenge_method redirect_uri refresh_token username password device_code
subject_token subject_token_type actor_token actor_token_type requested_token_type audience
assertion otp mfa_token login_hint token token_type_hint id_token_hint post_logout_redirect_uri
state nonce prompt max_age response_type response_mode request request_uri sessionToken okta_key
answer fromURI stateToken newPassword passCode redirectUrl user_code
"""
NAMES = NAMES_TEXT.split()
values = st.sampled_from(WORDS) | st.text(max_size=12)
forms = st.dictionaries(st.sampled_from(NAMES), values, max_size=10)
headers = st.fixed_dictionaries(
    {},
    optional={
        "authorization": st.sampled_from(["Bearer x", "Basic !!", "Basic YTpi", "DPoP a.b.c", ""])
        | st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=20),
        "dpop": st.sampled_from(["", "a.b.c", "eyJ0eXAiOiJkcG9wK2p3dCIsImp3ayI6e319.e30.AA"]),
        "cookie": st.sampled_from(["sid=", "sid=x; sid=y", "=;;", 'sid="']),
    },
)


@pytest.fixture(scope="module")
def world() -> Any:
    okta = Okta(Universe(load_packs(TWINS, ["okta"]), seeds={"okta": "acme-12"}, debug=True))
    okta.user("ada")
    grants = [word for word in WORDS[:9] if word != MFA_OTP] + [MFA_OTP]
    app = App(okta, "default", grant_types=["implicit", *dict.fromkeys(grants)])
    body = {"username": "ada@test.example", "password": "Abcd1234x"}
    token = okta("POST /api/v1/authn", body, authorization="").data()["sessionToken"]
    session = okta("POST /api/v1/sessions", {"sessionToken": token}).data()["id"]
    return okta, app, session


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    line=st.sampled_from(LINES),
    form=forms,
    sent=headers,
    known=st.booleans(),
    asked=st.booleans(),
    inside=st.booleans(),
)
def test_no_form_breaks_them(
    world: Any,
    line: str,
    form: dict[str, str],
    sent: dict[str, str],
    known: bool,
    asked: bool,
    inside: bool,
) -> None:
    okta, app, session = world
    if asked:
        form = {**ASK, **form}
    if known:
        form = {**form, "client_id": app.client, "client_secret": app.secret}
        sent = {**sent, "authorization": ""}
    if inside:
        sent = {**sent, "cookie": f"sid={session}"}
    method, path = line.split()
    encoded = urlencode(form)
    given = {"authorization": "", **sent, **FORM}
    if method == "GET":
        answer = okta(f"GET {path}?{encoded}", **given)
    else:
        answer = okta(line, encoded, **given)
    assert okta.universe.crashes == []
    assert answer.status in (200, 302, 400, 401, 403, 404, 501), (line, form, answer.body)
    if answer.status == 302:
        location = str(answer.header("location"))
        assert location.startswith((BACK, "/")), "nobody is sent elsewhere"
        assert not location.startswith("//")


STEPS = """
/ /credentials/change_password /credentials/reset_password /factors /factors/x/verify
/recovery/password /recovery/token /recovery/answer /recovery/unlock /previous /cancel
"""
MEMBERS = """
username password stateToken token relayState factorType provider recoveryToken answer oldPassword
newPassword passCode profile
"""
whole = st.integers(-(2**60), 2**60)


@settings(max_examples=150, deadline=None)
@given(
    path=st.sampled_from(STEPS.split()),
    body=st.dictionaries(
        st.sampled_from(MEMBERS.split()),
        values | st.none() | whole | st.lists(values, max_size=2) | forms,
    ),
)
def test_no_transaction_breaks_it(world: Any, path: str, body: dict[str, Any]) -> None:
    okta, _, _ = world
    answer = okta(f"POST /api/v1/authn{path.rstrip('/')}", body, authorization="")
    assert okta.universe.crashes == []
    assert answer.status in (200, 400, 401, 403, 404), answer.body


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("POST")])
@pytest.mark.parametrize("body", [b"\xff\xfe", b"=&=&%", b"{", b'{"a": 1}'])
@pytest.mark.parametrize("kind", ["application/json", FORM["content-type"]])
def test_no_body_breaks_them(world: Any, line: str, body: bytes, kind: str) -> None:
    okta, _, _ = world
    answer = okta(line, body, **{"authorization": "", "content-type": kind})
    assert okta.universe.crashes == []
    assert answer.status < 500
