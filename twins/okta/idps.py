"""Identity providers with their keys, requests and linked users."""

from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Row, Twin, route

from . import errors, shapes
from .base import body_object, listed, now, page
from .fields import BLANK, INVALID, checked
from .keys import Csrs, KeyPairs
from .resource import Resource, hinted, link, rows_of
from .users import find_user

__all__ = ["RESOURCES"]

_IDP: Final = "/api/v1/idps/{idpId}"
_TYPES: Final = """
AMAZON APPLE DISCORD FACEBOOK GITHUB GITLAB GOOGLE IDV_CLEAR IDV_INCODE IDV_PERSONA IDV_STANDARD
LINKEDIN LOGINGOV LOGINGOV_SANDBOX MICROSOFT
OIDC OKTA_INTEGRATION PAYPAL PAYPAL_SANDBOX SALESFORCE SAML2 SPOTIFY X509 XERO YAHOO YAHOOJP
"""
_ENDPOINTS: Final = {
    "FACEBOOK": (
        "https://www.facebook.com/dialog/oauth",
        "https://graph.facebook.com/v2.8/oauth/access_token",
    ),
    "GOOGLE": (
        "https://accounts.google.com/o/oauth2/auth",
        "https://www.googleapis.com/oauth2/v3/token",
    ),
    "LINKEDIN": (
        "https://www.linkedin.com/uas/oauth2/authorization",
        "https://www.linkedin.com/uas/oauth2/accessToken",
    ),
    "MICROSOFT": (
        "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
        "https://login.microsoftonline.com/common/oauth2/v2.0/token",
    ),
}
_AUTHORIZE: Final = (
    "&client_id={clientId}&response_type={responseType}&response_mode={responseMode}"
    "&scope={scopes}&redirect_uri={redirectUri}&state={state}&nonce={nonce}"
)
_NOTHING: Final = {"action": "NONE"}


class IdentityProviders(Resource):
    """``/api/v1/idps``."""

    name = "idps"
    page_size = 20
    kind = "IdentityProvider"
    path = _IDP
    prefix = "0oa"
    unique = ""
    inactive_first = "An active identity provider cannot be deleted"
    event = "system.idp.lifecycle"
    fields: ClassVar[str] = (
        f"type:{'|'.join(_TYPES.split())}! issuerMode:ORG_URL|CUSTOM_URL|DYNAMIC=ORG_URL"
        " name:str(100)! protocol:dict! policy:dict={} properties:dict"
    )

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """Credentials of the client; endpoints are known for the social ones."""
        if before is not None:
            body = {"type": before["fields"]["type"], **body}
        kept = checked(call, body, self.fields)
        kind = kept["type"]
        if before is not None and kind != before["fields"]["type"]:
            raise errors.invalid(call, "type", "type: The field cannot be changed")
        protocol = checked(
            call,
            kept["protocol"],
            "type:OIDC|OAUTH2|SAML2|MTLS! endpoints:dict scopes:list issuer:dict credentials:dict"
            " algorithms:dict settings:dict relayState:dict oktaIdpOrgUrl:str",
        )
        if protocol["type"] in ("OIDC", "OAUTH2"):
            credentials = protocol.get("credentials", {})
            client = credentials.get("client")
            if not isinstance(client, dict) or not client.get("client_id"):
                raise errors.invalid(call, "protocol.credentials.client", f"client_id: {BLANK}")
            if not isinstance(protocol.get("scopes"), list) or not protocol["scopes"]:
                raise errors.invalid(call, "protocol.scopes", f"scopes: {BLANK}")
            if kind in _ENDPOINTS and "endpoints" not in protocol:
                first, second = _ENDPOINTS[kind]
                protocol["endpoints"] = {
                    "authorization": {"url": first, "binding": "HTTP-REDIRECT"},
                    "token": {"url": second, "binding": "HTTP-POST"},
                }
            if kind == "OIDC" and "authorization" not in protocol.get("endpoints", {}):
                raise errors.invalid(call, "protocol.endpoints", f"endpoints: {BLANK}")
        kept["protocol"] = protocol
        kept["policy"] = _policy(call, kept["policy"])
        return kept

    def do_replace(self, call: Call) -> Response:
        """The answer leaves out when it was made."""
        answer = super().do_replace(call)
        return Response.json({**answer.data(), "created": None})

    def selected(self, call: Call, rows: Any) -> Any:
        """``q`` (start of the name) and ``type``."""
        query = call.request.query
        kind, wanted = query.get("type"), query.get("q", "").casefold()
        if kind is not None and kind not in _TYPES.split():
            raise errors.invalid(call, "type", f"type: {INVALID}")
        return [
            row
            for row in rows
            if kind in (None, row["fields"]["type"])
            and row["fields"]["name"].casefold().startswith(wanted)
        ]

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """Where browsers go."""
        base = call.request.base_url
        if row["fields"]["type"] == "SAML2":
            href = self.href(call, row)
            return {
                "metadata": hinted(f"{href}/metadata.xml", "GET", type="application/xml"),
                "acs": hinted(f"{base}/sso/saml2/{row['id']}", "POST", type="application/xml"),
                "users": hinted(f"{href}/users", "GET"),
            }
        authorize = f"{base}/oauth2/v1/authorize?idp={row['id']}{_AUTHORIZE}"
        return {
            "authorize": hinted(authorize, "GET", templated=True),
            "clientRedirectUri": hinted(f"{base}/oauth2/v1/authorize/callback", "POST"),
        }

    # -- users of another provider

    @route("GET", _IDP + "/users", "")
    def list_users(self, call: Call) -> Response:
        """The linked users, in pages of 20; ``q`` looks at ids, ``expand=user`` embeds users."""
        row = self.find(call)
        wanted = call.request.query.get("q", "").casefold()
        rows = [
            one
            for one in rows_of(call.twin, "idp_users", row["id"])
            if wanted in one["id"].casefold() or wanted in one["fields"]["externalId"].casefold()
        ]
        shown, links = page(call, rows, 20, 200)
        return listed([_expanded(call, one) for one in shown], links)

    @route("POST", _IDP + "/users/{userId}", "")
    def link_user(self, call: Call) -> Response:
        """200; needs the user's id at the provider."""
        row = self.find(call)
        user = find_user(call, call.params["userId"])
        kept = checked(call, body_object(call), "externalId:str!")
        linked = LINKED.put_new(call.twin, kept, row["id"], id=user["id"])
        return Response.json(_linked(call, linked))

    @route("GET", _IDP + "/users/{userId}", "")
    def get_user(self, call: Call) -> Response:
        """One linked user."""
        row = self.find(call)
        return Response.json(_linked(call, LINKED.by_key(call, call.params["userId"], row["id"])))

    @route("DELETE", _IDP + "/users/{userId}", "")
    def unlink_user(self, call: Call) -> Response:
        """204."""
        row = self.find(call)
        LINKED.remove(call.twin, LINKED.by_key(call, call.params["userId"], row["id"]))
        return Response(204)

    @route("GET", _IDP + "/users/{userId}/credentials/tokens", "")
    def list_tokens(self, call: Call) -> Response:
        """Nobody signs in there, so there are none."""
        row = self.find(call)
        LINKED.by_key(call, call.params["userId"], row["id"])
        return Response.json([])

    @route("GET", "/api/v1/users/{id}/idps", "listUserIdentityProviders")
    def list_of_user(self, call: Call) -> Response:
        """The providers a user is linked to."""
        user = find_user(call, call.params["id"])
        things = call.twin["things"]
        return Response.json(
            [
                self.shown(call, row)
                for row in self.rows(call.twin)
                if ("idp_users", f"{row['id']}/{user['id']}") in things
            ]
        )


def _policy(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    kept = checked(
        call,
        given,
        "provisioning:dict={} accountLink:dict={} subject:dict={} maxClockSkew:int=0"
        " mapAMRClaims:bool",
    )
    provisioning, account = kept["provisioning"], kept["accountLink"]
    subject = kept["subject"]
    template = subject.get("userNameTemplate")
    kept["provisioning"] = {
        "action": "AUTO",
        "profileMaster": False,
        "groups": dict(_NOTHING),
        "conditions": {"deprovisioned": dict(_NOTHING), "suspended": dict(_NOTHING)},
        **provisioning,
    }
    kept["accountLink"] = {"filter": None, "action": "AUTO", **account}
    kept["subject"] = {
        "userNameTemplate": template
        if isinstance(template, dict)
        else {"template": "idpuser.email"},
        "filter": None,
        "matchType": "USERNAME",
        "matchAttribute": None,
        **subject,
    }
    return kept


class LinkedUsers(Resource):
    """``/api/v1/idps/{idpId}/users``: what the provider's own operations keep."""

    name = "idp_users"
    kind = "IdpAppUser"
    path = _IDP + "/users/{userId}"
    keyed = True
    verbs = ""


def _expanded(call: Call, row: Row) -> dict[str, Any]:
    shown = _linked(call, row)
    user = call.twin["users"].get(row["id"])
    if call.request.query.get("expand") == "user" and user is not None:
        shown["_embedded"] = {"user": shapes.user(user, call.request.base_url)}
    return shown


def _linked(call: Call, row: Row) -> dict[str, Any]:
    href = link(call, f"idps/{row['parent']}")
    return {
        "id": row["id"],
        "externalId": row["fields"]["externalId"],
        "created": row["created"],
        "lastUpdated": row["lastUpdated"],
        # The provider's own profile: filled when the user signs in there, which nobody does.
        "profile": {},
        "_links": {
            "idp": {"href": href},
            "user": hinted(link(call, f"users/{row['id']}"), "GET"),
            "self": hinted(f"{href}/users/{row['id']}", "GET", "DELETE"),
            "users": hinted(f"{href}/users", "GET"),
        },
    }


IDPS = IdentityProviders()
LINKED = LinkedUsers()


class IdpKeys(KeyPairs):
    """``/api/v1/idps/{idpId}/credentials/keys``; the list begins with the key it was made with."""

    name = "idp_keys"
    path = _IDP + "/credentials/keys/{kid}"
    parent = IDPS
    target = "targetIdpId"

    @route("POST", _IDP + "/credentials/keys/generate", "")
    def do_generate(self, call: Call) -> Response:
        """201."""
        return self.generate(call)

    @route("POST", _IDP + "/credentials/keys/{kid}/clone", "")
    def do_clone(self, call: Call) -> Response:
        """201."""
        return self.clone(call)

    @route("GET", _IDP + "/credentials/keys/active", "")
    def active(self, call: Call) -> Response:
        """The newest."""
        rows = self.rows(call.twin, self.parent_id(call))
        return Response.json([self.shown(call, row) for row in rows[-1:]])


class IdpCsrs(Csrs):
    """``/api/v1/idps/{idpId}/credentials/csrs``."""

    name = "idp_csrs"
    path = _IDP + "/credentials/csrs/{idpCsrId}"
    parent = IDPS
    keys = IdpKeys()

    @route("POST", _IDP + "/credentials/csrs/{idpCsrId}/lifecycle/publish", "")
    def do_publish(self, call: Call) -> Response:
        """201."""
        return self.publish(call)


class TrustKeys(Resource):
    """``/api/v1/idps/credentials/keys``: certificates providers sign with."""

    name = "trust_keys"
    page_size = 20
    kind = "IdpKeyCredential"
    path = "/api/v1/idps/credentials/keys/{kid}"
    verbs = "list create get replace delete"
    has_status = False
    unique = ""
    fields = "x5c:list!"

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """A certificate in base 64."""
        kept = checked(call, body, self.fields)
        if not kept["x5c"] or not all(isinstance(c, str) and c for c in kept["x5c"]):
            raise errors.invalid(call, "x5c", f"x5c: {INVALID}")
        return {**kept, "kty": "RSA", "use": "sig", "e": "AQAB", "expiresAt": now(call)}

    def put_new(self, twin: Twin, kept: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """Known by ``kid``."""
        return super().put_new(twin, kept, owner, **{"id": twin.ids.mint("kid", 36), **more})

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """With ``kid``."""
        stamps = {name: row[name] for name in ("created", "lastUpdated")}
        return {"kid": row["id"], **stamps, **row["fields"]}


RESOURCES: Final = (IDPS, LINKED, IdpKeys(), IdpCsrs(), TrustKeys())
