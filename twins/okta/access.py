"""Who may call: API tokens and OAuth 2.0 access tokens with their scopes."""

from typing import Final

from factory_tui.universe import Allowance, Call, Limit, Request, Response, Twin

from . import errors
from .base import OktaBase, api_token
from .buckets import bucket_of
from .oauth import bearer

__all__ = ["Access"]

_NAMES: Final = """
authenticate createSession token tokenCustomAS introspect introspectCustomAS revoke
revokeCustomAS oauthKeys oauthKeysCustomAS getWellKnownOpenIDConfiguration
getWellKnownOAuthConfiguration getWellKnownOpenIDConfigurationCustomAS
getWellKnownOAuthConfigurationCustomAS getWellknownOrgMetadata
"""
_OPEN: Final = frozenset(_NAMES.split())
_AREAS: Final = {
    "zones": "networkZones",
    "mappings": "profileMappings",
    "org": "orgs",
    "threats": "threatInsights",
    "api-tokens": "apiTokens",
    "principal-rate-limits": "principalRateLimits",
    "rate-limit-settings": "rateLimits",
    "push-providers": "pushProviders",
    "device-assurances": "deviceAssurance",
    "meta": "schemas",
    "iam": "roles",
    "email-domains": "emailDomains",
    "realm-assignments": "realmAssignments",
}
"""Areas of scopes that are not called as the path is."""


class Access(OktaBase):
    """The checks ahead of every operation."""

    def principal(self, twin: Twin, request: Request) -> str:
        """The login of an API token's owner, or the client id of an access token."""
        known = super().principal(twin, request)
        if known:
            return known
        token = bearer(twin, request)
        return str(token["fields"]["clientId"]) if token is not None else ""

    def before(self, call: Call) -> Response | None:
        """Every operation but a few wants a token; an access token needs the scope."""
        if call.operation in _OPEN:
            return None
        if call.scratch.get("revoked"):
            return errors.error(call, 401, *errors.STATUS_ERRORS[401])
        refused = super().before(call)
        if refused is not None:
            return refused
        token = bearer(call.twin, call.request)
        parts = [part for part in call.request.segments if part]
        if token is None or len(parts) < 3:
            return None
        area = _AREAS.get(parts[2], parts[2])
        manage = f"okta.{area}.manage"
        allowed = {manage} | ({f"okta.{area}.read"} if call.request.method == "GET" else set())
        if allowed & set(token["fields"]["scopes"]):
            return None
        response = errors.error(call, 403, *errors.STATUS_ERRORS[403])
        needed = min(allowed, key=len)
        challenge = f'Bearer error="insufficient_scope", scope="{needed}"'
        response.headers.append(("www-authenticate", challenge))
        return response

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
