"""Who may call: API tokens and OAuth 2.0 access tokens with their scopes."""

from typing import Final

from factory_tui.universe import Call, Request, Response, Twin

from . import errors
from .base import OktaBase
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
