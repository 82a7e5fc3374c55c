"""Cross-origin requests of browsers: trusted origins, and the endpoints that any page may call."""

from typing import Final

from factory_tui.universe import Call, Response

from .resource import rows_of

__all__ = ["allow", "preflight"]

_NAMES: Final = """
token tokenCustomAS par parCustomAS oauthKeys oauthKeysCustomAS userinfo userinfoCustomAS introspect
introspectCustomAS revoke revokeCustomAS deviceAuthorize deviceAuthorizeCustomAS
getWellKnownOpenIDConfiguration getWellKnownOAuthConfiguration
getWellKnownOpenIDConfigurationCustomAS getWellKnownOAuthConfigurationCustomAS
"""
_ANYBODY: Final = frozenset(_NAMES.split())
"""Operations for which a client's page need not be trusted by the organisation."""


def _trusted(call: Call, origin: str) -> bool:
    for row in rows_of(call.twin, "origins"):
        kinds = {scope.get("type") for scope in row["fields"]["scopes"]}
        if row["fields"]["origin"] == origin and row["status"] == "ACTIVE" and "CORS" in kinds:
            return True
    return False


def allow(call: Call, response: Response) -> None:
    """Let the page that asked read the answer, if it may."""
    origin = call.request.headers.get("origin")
    if not origin or response.header("access-control-allow-origin") is not None:
        return
    trusted = _trusted(call, origin)
    if not trusted and call.operation not in _ANYBODY:
        return
    response.headers += [("access-control-allow-origin", origin), ("vary", "Origin")]
    if trusted:
        response.headers.append(("access-control-allow-credentials", "true"))


def preflight(call: Call) -> Response | None:
    """The answer to a browser that asks before it calls; ``None`` for everything else."""
    headers = call.request.headers
    wanted = headers.get("access-control-request-method")
    if (
        call.request.method != "OPTIONS"
        or not wanted
        or not _trusted(call, headers.get("origin", ""))
    ):
        return None
    asked = headers.get("access-control-request-headers", "")
    return Response(
        200,
        b"",
        [
            ("access-control-allow-methods", wanted),
            ("access-control-allow-headers", asked),
            ("access-control-max-age", "3600"),
        ],
    )
