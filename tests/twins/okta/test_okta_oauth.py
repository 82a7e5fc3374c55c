"""Access tokens: client credentials, private keys, secrets, DPoP with its nonce, scopes."""

from base64 import b64decode, b64encode
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding

from .replay import Client
from .samples import CLIENT, NESTED

TOKEN = "POST /oauth2/v1/token"
FORM = {"content-type": "application/x-www-form-urlencoded"}
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def confidential(okta: Any, *scopes: str) -> tuple[str, str, str]:
    """A client with a secret: the application's id, client id and secret."""
    made = okta("POST /api/v1/apps", CLIENT).data()
    for scope in scopes:
        okta(f"POST /api/v1/apps/{made['id']}/grants", {"scopeId": scope, "issuer": "https://t"})
    client = made["credentials"]["oauthClient"]
    return made["id"], client["client_id"], client["client_secret"]


def ask(okta: Any, client: str, secret: str, line: str = TOKEN, **form: str) -> Any:
    basic = "Basic " + b64encode(f"{client}:{secret}".encode()).decode()
    body = urlencode({"grant_type": "client_credentials", **form})
    return okta(line, body, authorization=basic, **FORM)


def test_a_token_is_signed_by_the_published_key_and_opens_what_its_scopes_allow(okta: Any) -> None:
    app, client, secret = confidential(okta, "okta.users.read", "okta.groups.manage")
    answer = ask(okta, client, secret, scope="okta.users.read okta.groups.manage")
    assert answer.status == 200, answer.body
    granted = answer.data()
    assert (granted["token_type"], granted["expires_in"]) == ("Bearer", 3600)
    keys = jwt.PyJWKSet.from_dict(okta("GET /oauth2/v1/keys", authorization="").data())
    kid = jwt.get_unverified_header(granted["access_token"])["kid"]
    claims = jwt.decode(
        granted["access_token"],
        keys[kid].key,
        algorithms=["RS256"],
        audience="http://twin.test",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert (claims["cid"], claims["scp"]) == (client, ["okta.users.read", "okta.groups.manage"])
    bearer = {"authorization": f"Bearer {granted['access_token']}"}
    assert okta("GET /api/v1/users?limit=1", **bearer).status == 200
    refused = okta("POST /api/v1/users", {"profile": {}}, **bearer)
    assert (refused.status, refused.data()["errorCode"]) == (403, "E0000006")
    assert "insufficient_scope" in refused.header("www-authenticate")
    assert okta("POST /api/v1/groups", {"profile": {"name": "by token"}}, **bearer).status == 200
    assert okta("GET /api/v1/apps", **bearer).status == 403
    introspected = ask(
        okta, client, secret, "POST /oauth2/v1/introspect", token=bearer["authorization"][7:]
    )
    assert introspected.data()["active"] is True
    okta.universe.clock.advance(3601)
    assert okta("GET /api/v1/users?limit=1", **bearer).status == 401
    assert okta(f"GET /api/v1/apps/{app}/tokens").data() == [], "these are refresh tokens"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"scope": "okta.users.manage"}, (400, "invalid_scope")),
        ({"scope": ""}, (400, "invalid_scope")),
        ({"grant_type": "authorization_code"}, (400, "unauthorized_client")),
        ({"grant_type": ""}, (400, "invalid_request")),
        ({"secret": "wrong"}, (401, "invalid_client")),
        ({"client": "nobody"}, (401, "invalid_client")),
    ],
)
def test_refusals(okta: Any, change: dict[str, str], error: tuple[int, str]) -> None:
    _, client, secret = confidential(okta, "okta.users.read")
    given = {"client": client, "secret": secret, "scope": "okta.users.read"} | change
    answer = ask(okta, **given)
    assert (answer.status, answer.data()["error"]) == error


def test_a_revoked_token_and_an_inactive_secret_open_nothing(okta: Any) -> None:
    app, client, secret = confidential(okta, "okta.users.read")
    token = ask(okta, client, secret, scope="okta.users.read").data()["access_token"]
    assert ask(okta, client, secret, "POST /oauth2/v1/revoke", token=token).status == 200
    assert okta("GET /api/v1/users", authorization=f"Bearer {token}").status == 401
    held = okta(f"GET /api/v1/apps/{app}/credentials/secrets").data()
    path = f"/api/v1/apps/{app}/credentials/secrets"
    assert okta(f"POST {path}/{held[0]['id']}/lifecycle/deactivate").status == 400, "the last one"
    fresh = okta(f"POST {path}").data()
    assert okta(f"POST {path}").status == 400, "two are the most"
    assert okta(f"POST {path}/{held[0]['id']}/lifecycle/deactivate").status == 200
    assert ask(okta, client, secret, scope="okta.users.read").status == 401
    assert ask(okta, client, fresh["client_secret"], scope="okta.users.read").status == 200


def proved(okta: Any, client: Client, nonce: str) -> Any:
    now = okta.universe.clock.epoch()
    url = "http://twin.test/oauth2/v1/token"
    form = {
        "grant_type": "client_credentials",
        "scope": "okta.users.read",
        "client_assertion_type": ASSERTION,
        "client_assertion": client.assertion(url, now),
    }
    proof = client.proof("POST", url, now, nonce)
    return okta(TOKEN, urlencode(form), authorization="", dpop=proof, **FORM)


def test_dpop_binds_a_token_to_a_key(okta: Any) -> None:
    client = Client(okta, ["okta.users.read"])
    first = proved(okta, client, "")
    assert (first.status, first.data()["error"]) == (400, "use_dpop_nonce")
    granted = proved(okta, client, first.header("dpop-nonce"))
    assert (granted.status, granted.data()["token_type"]) == (200, "DPoP")
    client.token = granted.data()["access_token"]
    now = okta.universe.clock.epoch()
    headers = {"authorization": f"DPoP {client.token}"}
    good = client.proof("GET", "http://twin.test/api/v1/users", now)
    assert okta("GET /api/v1/users", dpop=good, **headers).status == 200
    assert okta("GET /api/v1/users", **headers).status == 401, "no proof"
    assert okta("GET /api/v1/groups", dpop=good, **headers).status == 401, "of another address"
    assert okta("POST /api/v1/users", dpop=good, **headers).status == 401, "of another method"
    assert okta("GET /api/v1/users", authorization=f"Bearer {client.token}").status == 401
    stranger = Client(okta, ["okta.users.read"])
    stranger.token = client.token
    stolen = stranger.proof("GET", "http://twin.test/api/v1/users", now)
    assert okta("GET /api/v1/users", dpop=stolen, **headers).status == 401, "of another key"


def test_an_assertion_is_good_once_and_only_from_its_key(okta: Any) -> None:
    client = Client(okta, ["okta.users.read"])
    url, now = "http://twin.test/oauth2/v1/token", okta.universe.clock.epoch()
    nonce = proved(okta, client, "").header("dpop-nonce")
    assertion = client.assertion(url, now)

    def sent(text: str) -> Any:
        form = {"grant_type": "client_credentials", "scope": "okta.users.read"}
        form |= {"client_assertion_type": ASSERTION, "client_assertion": text}
        proof = client.proof("POST", url, now, nonce)
        return okta(TOKEN, urlencode(form), authorization="", dpop=proof, **FORM)

    assert sent(assertion).status == 200
    assert sent(assertion).data()["error"] == "invalid_client", "used before"
    other = Client(okta, [])
    other.id = client.id
    assert sent(other.assertion(url, now)).data()["error"] == "invalid_client"
    assert sent(client.assertion("http://twin.test/elsewhere", now)).status == 401
    assert sent("a.b.c").status == 401


def test_a_custom_server_needs_a_policy_and_knows_its_scopes(okta: Any) -> None:
    _, client, secret = confidential(okta)
    server = okta(
        "POST /api/v1/authorizationServers", {"name": "A", "description": "d", "audiences": ["x"]}
    ).data()["id"]
    base, line = f"/api/v1/authorizationServers/{server}", f"POST /oauth2/{server}/v1/token"
    okta(f"POST {base}/scopes", NESTED["/api/v1/authorizationServers/{0}/scopes"])
    assert ask(okta, client, secret, line, scope="cars:read").data()["error"] == "access_denied"
    policy = okta(
        f"POST {base}/policies", NESTED["/api/v1/authorizationServers/{0}/policies"]
    ).data()
    rule = {
        "name": "Machines",
        "conditions": {
            "grantTypes": {"include": ["client_credentials"]},
            "scopes": {"include": ["*"]},
        },
        "actions": {"token": {"accessTokenLifetimeMinutes": 10}},
    }
    assert okta(f"POST {base}/policies/{policy['id']}/rules", rule).status == 201
    answer = ask(okta, client, secret, line, scope="cars:read")
    assert (answer.status, answer.data()["expires_in"]) == (200, 600)
    assert (
        okta("GET /api/v1/users", authorization=f"Bearer {answer.data()['access_token']}").status
        == 401
    )
    known = okta(f"GET /oauth2/{server}/.well-known/openid-configuration").data()
    assert known["issuer"] == f"http://twin.test/oauth2/{server}"
    before = okta(f"GET /oauth2/{server}/v1/keys").data()["keys"]
    assert okta(f"POST {base}/credentials/lifecycle/keyRotate", {"use": "sig"}).status == 200
    after = okta(f"GET /oauth2/{server}/v1/keys").data()["keys"]
    assert [key["kid"] for key in before] == [after[0]["kid"]], "the old key still verifies"
    assert len(after) == 3, "expired, active, next"
    assert okta("GET /oauth2/nowhere/v1/keys").status == 404


def test_certificates_and_requests_are_real(okta: Any) -> None:
    app = okta("POST /api/v1/apps", CLIENT).data()["id"]
    path = f"/api/v1/apps/{app}/credentials"
    key = okta(f"POST {path}/keys/generate?validityYears=2").data()
    der = b64decode(key["x5c"][0])
    certificate = x509.load_der_x509_certificate(der)
    certificate.verify_directly_issued_by(certificate)
    public = jwt.PyJWK({k: key[k] for k in ("kty", "n", "e", "kid")}, algorithm="RS256").key
    shown: Any = certificate.public_key()
    assert shown.public_numbers() == public.public_numbers()
    body = {"subject": {"commonName": "a.example"}, "subjectAltNames": {"dnsNames": ["b.example"]}}
    csr = okta(f"POST {path}/csrs", body).data()["csr"]
    request = x509.load_der_x509_csr(b64decode(csr))
    assert request.is_signature_valid
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["b.example"]
    assert isinstance(request.signature_algorithm_parameters, padding.PKCS1v15)
    assert okta(f"POST {path}/keys/generate?validityYears=1").status == 400
