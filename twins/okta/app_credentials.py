"""What an application signs in with: key pairs, requests, client secrets and keys; scope grants."""

from typing import Any, Final

from factory_tui.universe import BASE62, Call, Response, Row, route

from . import crypto, errors
from .apps import APPS
from .base import body_object
from .fields import checked
from .keys import Csrs, KeyPairs
from .resource import Resource, caller, hinted, link, rows_of

__all__ = ["RESOURCES", "SCOPES"]

_CREDENTIALS: Final = "/api/v1/apps/{appId}/credentials"
_AREAS: Final = """
agentPools apiTokens appGrants apps authenticators authorizationServers behaviors brands captchas
deviceAssurance devices domains emailDomains eventHooks eventTypes factors features groups idps
inlineHooks linkedObjects logStreams logs myAccount networkZones oauthIntegrations orgs policies
principalRateLimits privilegedResources profileMappings pushProviders rateLimits realms
reports riskEvents riskProviders roles schemas sessions templates threatInsights trustedOrigins
uischemas userTypes users
"""
SCOPES: Final = frozenset(
    f"okta.{area}.{what}" for area in _AREAS.split() for what in ("read", "manage")
) | {"okta.users.read.self", "okta.users.manage.self"}
"""The scopes of Okta's own API."""


class AppKeys(KeyPairs):
    """``/api/v1/apps/{appId}/credentials/keys``."""

    name = "app_keys"
    path = _CREDENTIALS + "/keys/{keyId}"
    parent = APPS
    target = "targetAid"

    @route("POST", _CREDENTIALS + "/keys/generate", "")
    def do_generate(self, call: Call) -> Response:
        """201."""
        return self.generate(call)

    @route("POST", _CREDENTIALS + "/keys/{keyId}/clone", "")
    def do_clone(self, call: Call) -> Response:
        """201."""
        return self.clone(call)


class AppCsrs(Csrs):
    """``/api/v1/apps/{appId}/credentials/csrs``."""

    name = "app_csrs"
    path = _CREDENTIALS + "/csrs/{csrId}"
    parent = APPS
    keys = AppKeys()

    @route("POST", _CREDENTIALS + "/csrs/{csrId}/lifecycle/publish", "")
    def do_publish(self, call: Call) -> Response:
        """201."""
        return self.publish(call)


class ClientSecrets(Resource):
    """``/api/v1/apps/{appId}/credentials/secrets``; at most two."""

    name = "app_secrets"
    kind = "OAuth2ClientSecret"
    path = _CREDENTIALS + "/secrets/{secretId}"
    parent = APPS
    prefix = "ocs"
    verbs = "list create get delete activate deactivate"
    created_status = 201
    unique = ""

    def parent_id(self, call: Call) -> str:
        """Only OpenID Connect applications have secrets."""
        row = APPS.find(call)
        if row["fields"]["signOnMode"] != "OPENID_CONNECT":
            raise errors.invalid(call, "appId", "The application is not an OAuth 2.0 client")
        return str(row["id"])

    def body(self, call: Call) -> dict[str, Any]:
        """May be missing."""
        return body_object(call) if call.request.body else {}

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """``client_secret`` is minted when not given."""
        kept = checked(call, body, "client_secret:str status:ACTIVE|INACTIVE")
        secret = kept.get("client_secret")
        if secret is not None and not 14 <= len(secret) <= 100:
            sentence = "client_secret: The length must be between 14 and 100 characters"
            raise errors.invalid(call, "client_secret", sentence)
        if len(rows_of(call.twin, self.name, call.params["appId"])) >= 2:
            sentence = "You've reached the maximum number of client secrets per client."
            raise errors.invalid(call, "client_secret", sentence)
        return kept

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """The secret is kept apart."""
        kept = self.check(call, body, None)
        secret = kept.get("client_secret") or call.twin.ids.mint("secret", 64, alphabet=BASE62)
        status = kept.get("status", "ACTIVE")
        hidden = {"secret": secret}
        return self.put_new(call.twin, {}, owner, status=status, hidden=hidden, by=caller(call))

    def deleting(self, call: Call, row: Row) -> None:
        """Only inactive ones, and never the last."""
        if row["status"] == "ACTIVE":
            raise errors.invalid(call, "secretId", "Active client secrets can't be deleted.")

    def turning(self, call: Call, row: Row, status: str) -> None:
        """One has to stay active."""
        others = rows_of(call.twin, self.name, row["parent"])
        active = [other for other in others if other["status"] == "ACTIVE"]
        if status == "INACTIVE" and [other["id"] for other in active] == [row["id"]]:
            sentence = "Cannot deactivate the last active client secret."
            raise errors.invalid(call, "secretId", sentence)

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """With the secret and its hash."""
        secret = row["hidden"]["secret"]
        return {
            "id": row["id"],
            "created": row["created"],
            "lastUpdated": row["lastUpdated"],
            "status": row["status"],
            "client_secret": secret,
            "secret_hash": crypto.digest(secret),
            "_links": self.links(call, row),
        }

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """What may be done with it now."""
        href = self.href(call, row)
        if row["status"] == "ACTIVE":
            return {"deactivate": hinted(f"{href}/lifecycle/deactivate", "POST")}
        return {
            "activate": hinted(f"{href}/lifecycle/activate", "POST"),
            "delete": hinted(href, "DELETE"),
        }


class ClientKeys(Resource):
    """``/api/v1/apps/{appId}/credentials/jwks``: public keys of a client."""

    name = "app_jwks"
    kind = "JsonWebKey"
    path = _CREDENTIALS + "/jwks/{keyId}"
    parent = APPS
    prefix = "pks"
    verbs = "list create get delete activate deactivate"
    created_status = 201
    unique = "kid"
    fields = (
        "kid:str status:ACTIVE|INACTIVE kty:str! use:str=sig alg:str"
        " e:str n:str crv:str x:str y:str"
    )

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """An RSA key of at least 2048 bits, or a P-256 key."""
        kept = checked(call, body, self.fields)
        if kept["kty"] == "RSA":
            if len(_bytes(kept.get("n"))) < 256:
                sentence = "RSA key length in the 'jwks' is less than '2,048' bits"
                raise errors.invalid(call, "JsonWebKey", f"{sentence} for the given key.")
        elif kept["kty"] != "EC" or len(_bytes(kept.get("x"))) != 32:
            raise errors.invalid(call, "JsonWebKey", "The 'kty' in the 'jwks' is not supported.")
        kept.pop("status", None)
        return kept

    def deleting(self, call: Call, row: Row) -> None:
        """Only inactive ones."""
        if row["status"] == "ACTIVE":
            raise errors.invalid(call, "keyId", "Active keys can't be deleted.")


def _bytes(text: Any) -> bytes:
    try:
        return crypto.unb64(text)
    except crypto.BadTokenError:
        return b""


class Grants(Resource):
    """``/api/v1/apps/{appId}/grants``: scopes of Okta's API an application may ask for."""

    name = "app_grants"
    kind = "OAuth2ScopeConsentGrant"
    path = "/api/v1/apps/{appId}/grants/{grantId}"
    parent = APPS
    prefix = "oag"
    verbs = "list create get delete"
    unique = ""
    fields = "scopeId:str! issuer:str!"

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """Granting what is granted gives the same grant again."""
        kept = self.check(call, body, None)
        for row in self.rows(call.twin, owner):
            if row["fields"] == kept:
                return row
        return super().create(call, body, owner, **more)

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """A scope there is, of a client."""
        kept = checked(call, body, self.fields)
        if kept["scopeId"] not in SCOPES:
            raise errors.invalid(call, "scopeId", "scopeId: The scope does not exist")
        if not kept["issuer"].startswith(("http://", "https://")):
            raise errors.invalid(call, "issuer", "issuer: The issuer is not the organization's")
        return kept

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """Who granted what to which client."""
        app = call.twin["things"][("apps", row["parent"])]
        title = app["fields"]["label"]
        client = app["fields"]["credentials"].get("oauthClient", {}).get("client_id", app["id"])
        href = link(call, f"apps/{row['parent']}")
        clients = f"{call.request.base_url}/oauth2/v1/clients/{client}"
        return {
            "id": row["id"],
            "status": "ACTIVE",
            "created": row["created"],
            "createdBy": {"id": row["createdBy"], "type": "User"},
            "lastUpdated": row["lastUpdated"],
            "issuer": row["fields"]["issuer"],
            "clientId": client,
            "scopeId": row["fields"]["scopeId"],
            "source": "ADMIN",
            **(self._scope(row) if call.request.query.get("expand") == "scope" else {}),
            "_links": {
                "app": {"href": href, "title": title},
                "self": hinted(f"{href}/grants/{row['id']}", "GET", "DELETE"),
                "client": {"href": clients, "title": title},
            },
        }

    def shown_new(self, call: Call, row: Row) -> dict[str, Any]:
        """With the scope itself."""
        return {**self.shown(call, row), **self._scope(row)}

    def _scope(self, row: Row) -> dict[str, Any]:
        return {"_embedded": {"scope": {"id": row["fields"]["scopeId"]}}}


RESOURCES: Final = (
    AppKeys(),
    AppCsrs(),
    ClientSecrets(),
    ClientKeys(),
    Grants(),
)
