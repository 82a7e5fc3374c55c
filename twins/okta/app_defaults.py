"""What an application has that nobody gave: settings, credentials, visibility by sign-on mode."""

import re
from typing import Any, Final

from factory_tui.universe import BASE62, Call

from . import errors
from .fields import BLANK, INVALID, checked
from .policy_defaults import filled

__all__ = ["GRANTS", "MODES", "NAMES", "credentials_of", "settings_of", "visibility_of"]

NAMES: Final = {
    "bookmark": "BOOKMARK",
    "template_basic_auth": "BASIC_AUTH",
    "template_swa": "BROWSER_PLUGIN",
    "template_swa3field": "BROWSER_PLUGIN",
    "template_sps": "SECURE_PASSWORD_STORE",
    "template_wsfed": "WS_FEDERATION",
    "oidc_client": "OPENID_CONNECT",
}
"""Names of Okta's generic applications and their sign-on modes."""
MODES: Final = frozenset(
    {*NAMES.values(), "AUTO_LOGIN", "SAML_2_0", "SAML_1_1", "MFA_AS_SERVICE", "IDP_INITIATED"}
)
_SCHEMES: Final = (
    "EDIT_USERNAME_AND_PASSWORD|ADMIN_SETS_CREDENTIALS|EDIT_PASSWORD_ONLY|EXTERNAL_PASSWORD_SYNC"
    "|SHARED_USERNAME_AND_PASSWORD"
)
_METHODS: Final = (
    "none|client_secret_post|client_secret_basic|client_secret_jwt|private_key_jwt|self_signed_tls"
)
GRANTS: Final = frozenset(
    {
        "authorization_code",
        "implicit",
        "password",
        "refresh_token",
        "client_credentials",
        "interaction_code",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "urn:openid:params:grant-type:ciba",
        "urn:okta:params:oauth:grant-type:otp",
        "urn:okta:params:oauth:grant-type:oob",
        "http://auth0.com/oauth/grant-type/mfa-otp",
        "http://auth0.com/oauth/grant-type/mfa-oob",
    }
)
_SWA: Final = {
    "BROWSER_PLUGIN": ("loginUrlRegex", "redirectUrl"),
    "BOOKMARK": (),
}
_REQUIRED: Final = {
    "BOOKMARK": ("url",),
    "BASIC_AUTH": ("url", "authURL"),
    "SECURE_PASSWORD_STORE": ("url", "passwordField", "usernameField"),
}
_WITH_PASSWORD: Final = frozenset(
    {"BROWSER_PLUGIN", "BASIC_AUTH", "AUTO_LOGIN", "SECURE_PASSWORD_STORE"}
)


_ANSWERS: Final = {"authorization_code": "code", "implicit": "id_token"}
_RESPONSES: Final = frozenset({"code", "token", "id_token"})
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+")
_ADDRESS: Final = re.compile(r"https?://[^\s/]+")
_SAML: Final[dict[str, Any]] = {
    "responseSigned": True,
    "assertionSigned": True,
    "honorForceAuthn": True,
    "requestCompressed": False,
    "spIssuer": None,
    "attributeStatements": [],
    "inlineHooks": [],
    "participateSlo": {"enabled": False},
    "allowMultipleAcsEndpoints": False,
    "acsEndpoints": [],
    "samlAssertionLifetimeSeconds": 300,
    "slo": {"enabled": False},
}
"""``settings.signOn`` of SAML where nobody gave it."""


def visibility_of(given: dict[str, Any], mode: str) -> dict[str, Any]:
    """Where users see the application."""
    hidden = mode == "OPENID_CONNECT"
    hide = given.get("hide")
    links = given.get("appLinks")
    return {
        "autoLaunch": bool(given.get("autoLaunch", False)),
        "autoSubmitToolbar": bool(given.get("autoSubmitToolbar", False)),
        "hide": {"iOS": hidden, "web": hidden, **(hide if isinstance(hide, dict) else {})},
        "appLinks": links
        if isinstance(links, dict) and links
        else {"oidc_client_link" if hidden else "login": True},
    }


def credentials_of(
    call: Call, given: dict[str, Any], mode: str, old: dict[str, Any], settings: dict[str, Any]
) -> dict[str, Any]:
    """How users and the client sign in; ``old`` are the application's fields so far."""
    before = old.get("credentials", {})
    template = given.get("userNameTemplate")
    kept: dict[str, Any] = {}
    if mode in _WITH_PASSWORD:
        more = checked(
            call,
            given,
            f"scheme:{_SCHEMES}=EDIT_USERNAME_AND_PASSWORD revealPassword:bool=false userName:str",
        )
        kept |= more
    kept["userNameTemplate"] = {
        "template": "${source.login}",
        "type": "BUILT_IN",
        **(template if isinstance(template, dict) else {}),
    }
    kept["signing"] = dict(before.get("signing", {}))
    if mode == "OPENID_CONNECT":
        client = given.get("oauthClient") or {}
        if not isinstance(client, dict):
            raise errors.invalid(call, "oauthClient", f"oauthClient: {INVALID}")
        known = before.get("oauthClient", {})
        client = checked(
            call,
            {"token_endpoint_auth_method": known.get("token_endpoint_auth_method"), **client},
            "autoKeyRotation:bool=true client_id:str client_secret:str"
            f" token_endpoint_auth_method:{_METHODS}=client_secret_basic pkce_required:bool",
        )
        kind = settings["oauthClient"]["application_type"]
        public = client["token_endpoint_auth_method"] == "none"
        proved = known.get("pkce_required", public or kind in ("browser", "native"))
        client.setdefault("pkce_required", proved)
        if public and not client["pkce_required"]:
            sentence = "'pkce_required' must be true when 'token_endpoint_auth_method' is 'none'."
            raise errors.invalid(call, "pkce_required", sentence)
        client["client_id"] = known.get("client_id") or client.get("client_id", "")
        if client["token_endpoint_auth_method"].startswith("client_secret"):
            secret = client.get("client_secret") or known.get("client_secret")
            client["client_secret"] = secret or call.twin.ids.mint("secret", 64, alphabet=BASE62)
        else:
            client.pop("client_secret", None)
        kept["oauthClient"] = client
    return kept


def settings_of(call: Call, given: dict[str, Any], mode: str, own: bool) -> dict[str, Any]:
    """The settings; refuses what the sign-on mode cannot do without.

    Args:
        call: The request.
        given: The body's ``settings``.
        mode: The sign-on mode.
        own: Whether the application is the organisation's own, and not of Okta's catalogue.
    """
    given = checked(
        call,
        given,
        "app:dict notifications:dict manualProvisioning:bool=false implicitAssignment:bool=false"
        " emOptInStatus:str notes:dict oauthClient:dict signOn:dict identityStoreId:str"
        " inlineHookId:str",
    )
    app = given.get("app", {})
    for name in _REQUIRED.get(mode, ()):
        if not isinstance(app.get(name), str) or not app[name]:
            raise errors.invalid(call, f"settings.app.{name}", f"{name}: {BLANK}")
    if mode == "BOOKMARK":
        app = {"requestIntegration": False, **app}
    elif mode == "BROWSER_PLUGIN":
        app = {**dict.fromkeys(_SWA[mode]), **app}
        if "usernameField" in app:
            app.setdefault("checkbox", None)
    given["app"] = app
    notes = given.get("notes", {})
    given["notes"] = {"admin": notes.get("admin"), "enduser": notes.get("enduser")}
    vpn = (given.get("notifications") or {}).get("vpn")
    given["notifications"] = {
        "vpn": {
            "network": {"connection": "DISABLED"},
            "message": None,
            "helpUrl": None,
            **(vpn if isinstance(vpn, dict) else {}),
        }
    }
    if mode == "OPENID_CONNECT":
        given["oauthClient"] = _client(call, given.get("oauthClient") or {})
    else:
        given.pop("oauthClient", None)
    if mode == "SAML_2_0" and own:
        signing = given.get("signOn", {})
        missing = [name for name in ("ssoAcsUrl", "audience") if not signing.get(name)]
        if missing:
            causes = [f"{name}: {BLANK}" for name in missing]
            raise errors.invalid(call, f"settings.signOn.{missing[0]}", *causes)
    if mode == "SAML_2_0" and "signOn" in given:
        given["signOn"] = _saml(call, given["signOn"])
    elif mode == "AUTO_LOGIN" and own:
        signing = given.get("signOn", {})
        given["signOn"] = checked(call, signing, "redirectUrl:str? loginUrl:str!")
    return given


def _saml(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """How assertions are made, with what Okta adds; an address has to be one."""
    for name in ("ssoAcsUrl", "recipient", "destination", "audience"):
        value = given.get(name)
        if value is not None and not isinstance(value, str):
            raise errors.invalid(call, name, f"{name}: {INVALID}")
    for name in ("ssoAcsUrl", "recipient", "destination"):
        if given.get(name) and not _ADDRESS.match(given[name]):
            raise errors.invalid(call, name, f"{name}: {INVALID}")
    more = {name: value for name, value in _SAML.items() if name not in given}
    return {**given, **{name: filled(value, value) for name, value in more.items()}}


def _client(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    client = checked(
        call,
        given,
        "client_uri:str? logo_uri:str? redirect_uris:list post_logout_redirect_uris:list"
        " response_types:list grant_types:list! application_type:web|native|browser|service=web"
        " consent_method:REQUIRED|TRUSTED=TRUSTED issuer_mode:DYNAMIC|ORG_URL|CUSTOM_URL=DYNAMIC"
        " idp_initiated_login:dict initiate_login_uri:str tos_uri:str policy_uri:str jwks:dict"
        " jwks_uri:str refresh_token:dict wildcard_redirect:DISABLED|SUBDOMAIN=DISABLED"
        " dpop_bound_access_tokens:bool=false participate_slo:bool frontchannel_logout_uri:str"
        " frontchannel_logout_session_required:bool request_object_signing_alg:str",
    )
    grants = client["grant_types"]
    if not grants or not all(isinstance(grant, str) and grant in GRANTS for grant in grants):
        raise errors.invalid(call, "settings.oauthClient.grant_types", f"grant_types: {INVALID}")
    wants = {"authorization_code", "implicit"} & set(grants)
    redirects = client.get("redirect_uris") or []
    answers = client.get("response_types")
    if answers is None:
        answers = [
            _ANSWERS[grant] for grant in ("authorization_code", "implicit") if grant in grants
        ]
        client["response_types"] = answers or ["token"]
    for word in answers:
        need = "authorization_code" if word == "code" else "implicit"
        if word not in _RESPONSES:
            field = "settings.oauthClient.response_types"
            raise errors.invalid(call, field, f"response_types: {INVALID}")
        if wants and need not in grants:
            sentence = f"'{need}' must be in 'grant_types' when '{word}' is in 'response_types'."
            raise errors.invalid(call, "settings.oauthClient.grant_types", sentence)
    for name in ("redirect_uris", "post_logout_redirect_uris"):
        for address in client.get(name) or []:
            if not isinstance(address, str) or not _URI.match(address):
                field = f"settings.oauthClient.{name}"
                raise errors.invalid(call, field, f"{name}: {INVALID}")
    if wants and not redirects:
        sentence = "'redirect_uris' must be provided for the given grant types."
        raise errors.invalid(call, "settings.oauthClient.redirect_uris", sentence)
    if "client_credentials" in grants and client["application_type"] not in ("service", "web"):
        sentence = "'client_credentials' is only for applications of type 'service'."
        raise errors.invalid(call, "settings.oauthClient.grant_types", sentence)
    login = client.get("idp_initiated_login", {})
    client["idp_initiated_login"] = {"mode": "DISABLED", "default_scope": [], **login}
    keys = (client.get("jwks") or {}).get("keys", [])
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise errors.invalid(call, "settings.oauthClient.jwks", f"jwks: {INVALID}")
    return client
