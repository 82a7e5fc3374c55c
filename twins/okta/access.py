"""Who may call: API tokens and OAuth 2.0 access tokens with their scopes."""

from collections.abc import Iterable
from typing import Final

from factory_tui.universe import Allowance, Call, Limit, Request, Response, Row, Twin

from . import errors
from .base import OktaBase, api_token
from .buckets import bucket_of
from .cors import allow, preflight
from .oauth import OPEN, bearer
from .scopes import SCOPES_OF

__all__ = ["Access"]

_NAMES: Final = """
authenticate createSession getWellknownOrgMetadata changePasswordWithStateToken
resetPasswordWithStateToken enrollFactorWithStateToken activateFactorWithStateToken
verifyFactorWithStateToken resendFactorWithStateToken previousAuthenticationState
cancelAuthentication forgotPasswordTransaction unlockTransaction verifyRecoveryToken
answerRecoveryQuestion getCurrentSession closeCurrentSession refreshCurrentSession
getWellknownSsfMetadata getWellKnownAppAuthenticatorConfiguration publishSecurityEventTokens
getAppleAppSiteAssociationWellKnownURI getAssetLinksWellKnownURI getWebAuthnWellKnownURI
"""
_OPEN: Final = OPEN | frozenset(_NAMES.split())
_SELF: Final = {
    "okta.users.read": "okta.users.read.self",
    "okta.users.manage": "okta.users.manage.self",
}
"""Scopes that suffice for what concerns the token's own user."""


class Access(OktaBase):
    """The checks ahead of every operation."""

    def principal(self, twin: Twin, request: Request) -> str:
        """The login of an API token's owner or an access token's user, else the client's id."""
        known = super().principal(twin, request)
        if known:
            return known
        token = bearer(twin, request)
        if token is None:
            return ""
        user = twin["users"].get(token["fields"]["user"])
        return str(user["profile"]["login"] if user is not None else token["fields"]["clientId"])

    def before(self, call: Call) -> Response | None:
        """Every operation but a few wants a token; an access token needs the scope."""
        if call.operation in _OPEN:
            return None
        if call.scratch.get("revoked"):
            return errors.error(call, 401, *errors.STATUS_ERRORS[401])
        refused = preflight(call) if call.request.method == "OPTIONS" else None
        refused = refused or super().before(call)
        if refused is not None and refused.status >= 400:
            scheme = call.request.headers.get("authorization", "").partition(" ")[0]
            if scheme in ("Bearer", "DPoP"):
                needed = SCOPES_OF.get(call.operation, ())
                sentence = "The access token is invalid."
                _challenge(call, refused, scheme, needed, "invalid_token", sentence)
        if refused is not None:
            return refused
        if call.request.derived(api_token):
            return None
        token = bearer(call.twin, call.request)
        if token is None or not call.operation:
            return None
        needed = SCOPES_OF.get(call.operation, ())
        held = set(token["fields"]["scopes"])
        if needed and all(_holds(call, token, held, scope) for scope in needed):
            return None
        sentence = "The access token provided does not contain the required scopes."
        response = errors.error(call, 403, *errors.STATUS_ERRORS[403])
        scheme = token["fields"]["scheme"]
        _challenge(call, response, scheme, needed, "insufficient_scope", sentence)
        return response

    def finish(self, call: Call, response: Response) -> None:
        """What every answer carries, and what lets a browser read it."""
        if "origin" in call.request.headers:
            allow(call, response)
        super().finish(call, response)

    def limit(self, call: Call) -> Limit | None:
        """The published limit of the endpoint; per principal, where Okta counts per org."""
        return bucket_of(call.request)

    def limited_response(self, call: Call, allowance: Allowance) -> Response:
        """429 E0000047; Okta sends no ``Retry-After``, its headers say when to come back."""
        return errors.error(call, 429, *errors.STATUS_ERRORS[429])

    def revoke(self, call: Call) -> bool:
        """Revoke the API token or access token of the call, from this call on."""
        text = api_token(call.request)
        row = call.twin["tokens"].get(text)
        if row is not None:
            call.twin["tokens"].put(text, {**row, "revoked": True})
        else:
            token = bearer(call.twin, call.request)
            if token is None:
                return False
            call.twin["things"].delete(("oauth_tokens", token["key"]))
        call.scratch["revoked"] = True
        return True


def _holds(call: Call, token: Row, held: set[str], scope: str) -> bool:
    """Whether a token has a scope; who may manage may read."""
    if scope in held or scope.replace(".read", ".manage") in held:
        return True
    own = _SELF.get(scope, "")
    if own not in held and own.replace(".read", ".manage") not in held:
        return False
    named = call.params.get("id") or call.params.get("userId") or ""
    user = call.twin["users"].get(token["fields"]["user"])
    return user is not None and named in ("me", user["id"], user["profile"]["login"])


def _challenge(
    call: Call, response: Response, scheme: str, scopes: Iterable[str], code: str, sentence: str
) -> None:
    """Say what an access token lacks, as Okta's resource server does."""
    base = call.request.base_url
    parts = {
        "authorization_uri": f"{base}/oauth2/v1/authorize",
        "realm": base,
        "scope": " ".join(scopes),
        "error": code,
        "error_description": sentence,
        "resource": call.request.path,
    }
    text = ", ".join(f'{name}="{value}"' for name, value in parts.items())
    response.headers.append(("www-authenticate", f"{scheme} {text}"))
