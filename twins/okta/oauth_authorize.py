"""The authorization endpoint: what is asked for, who is asked, and what is sent back.

A request that cannot be answered at once (nobody is signed in, consent is missing) is kept under
a key, and goes on at ``/oauth2/v1/authorize/redirect?okta_key=…`` when that has been settled.
"""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from factory_tui.universe import BASE62, BadBodyError, Call, Response, Row, route

from . import crypto, oauth_pages, signin
from .app_credentials import SCOPES
from .oauth_clients import client_id, client_of, client_settings, keys_of, named_client
from .oauth_core import Issuer, Refusal, answering, form_of, issuer_at, issuer_of, no
from .oauth_grants import put_code
from .oauth_scopes import assigned, granted, scope_rows
from .oauth_tokens import Grant, access_token, id_token
from .resource import put_thing, rows_of

__all__ = ["Authorize", "kept_request"]

_LETTERS: Final = BASE62 + "-_"
_TYPES: Final = frozenset({"code", "token", "id_token", "none"})
_MODES: Final = frozenset({"query", "fragment", "form_post", "okta_post_message"})
_PROMPTS: Final = frozenset({"none", "login", "consent", "login consent", "consent login"})
_PAR_SECONDS: Final = 60
_KEPT_SECONDS: Final = 3600
_LONGEST_AGE: Final = 10
_OVERRIDDEN: Final = ("state", "nonce", "code_challenge", "code_challenge_method")
_RESUME: Final = "/oauth2/v1/authorize/redirect"
_CUSTOM: Final = "/oauth2/{authorizationServerId}/v1"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that is understood.

    Attributes:
        issuer: Whose endpoint was called.
        client: The application's row.
        given: The request's parameters.
        redirect: Where the answer goes.
        types: The response types.
        mode: How it goes there.
        since: When it was first asked, seconds since 1970.
    """

    issuer: Issuer
    client: Row
    given: dict[str, str]
    redirect: str
    types: frozenset[str]
    mode: str
    since: int

    @property
    def prompt(self) -> frozenset[str]:
        """What the client wants the user to be asked."""
        return frozenset(self.given.get("prompt", "").split())


class Authorize:
    """``/authorize`` and ``/par``, with the pages that stand between."""

    @route("GET", "/oauth2/v1/authorize", "authorize")
    @route("POST", "/oauth2/v1/authorize", "authorizeWithPost")
    @route("GET", _CUSTOM + "/authorize", "authorizeCustomAS")
    @route("POST", _CUSTOM + "/authorize", "authorizeCustomASWithPost")
    def authorize(self, call: Call) -> Response:
        """Redirects with a code or tokens, or an error; else a page to sign in."""
        issuer = issuer_of(call)
        try:
            given = call.request.query if call.request.method == "GET" else form_of(call)
            return _authorize(call, issuer, dict(given), call.twin.clock.epoch())
        except Refusal as refusal:
            return oauth_pages.error_page(refusal.sentence)

    @route("GET", _RESUME, "resumeAuthorize")
    def resume_authorize(self, call: Call) -> Response:
        """Goes on with a request that was kept."""
        row = kept_request(call, call.request.query.get("okta_key", ""))
        if row is None:
            return oauth_pages.error_page("The authorization request is unknown or has expired.")
        held = row["hidden"]
        issuer = issuer_at(call, held["server"])
        if issuer is None:
            return oauth_pages.error_page("The authorization server is not active.")
        try:
            return _authorize(call, issuer, dict(held["given"]), held["since"], row)
        except Refusal as refusal:
            return oauth_pages.error_page(refusal.sentence)

    @route("POST", "/oauth2/v1/authorize/consent", "answerConsent")
    def answer_consent(self, call: Call) -> Response:
        """What the user said to the consent page."""
        try:
            return _consented(call)
        except Refusal as refusal:
            return oauth_pages.error_page(refusal.sentence)

    @route("POST", "/oauth2/v1/par", "par")
    @route("POST", _CUSTOM + "/par", "parCustomAS")
    def push_request(self, call: Call) -> Response:
        """A reference to a request, good once and for a minute (RFC 9126)."""
        return answering(call, _push)


def kept_request(call: Call, key: str) -> Row | None:
    """A kept authorization request that has not expired."""
    row = call.twin["things"].get(("authorize_requests", key))
    if row is None or call.twin.clock.epoch() >= row["hidden"]["since"] + _KEPT_SECONDS:
        return None
    return row


def _push(call: Call) -> Response:
    issuer = issuer_of(call)
    if call.request.media_type == "application/json":
        try:
            body = call.request.json()
        except BadBodyError as problem:
            raise no("invalid_request", "The request body is not JSON.") from problem
        form = {k: str(v) for k, v in body.items()} if isinstance(body, dict) else {}
    else:
        form = form_of(call)
    client = client_of(call, form)
    if "request_uri" in form:
        raise no("invalid_request", "The 'request_uri' parameter is not allowed here.")
    given = {k: v for k, v in form.items() if not k.startswith("client_") or k == "client_id"}
    given["client_id"] = client_id(client)
    asked = _understood(call, issuer, given, call.twin.clock.epoch())
    _check(call, asked)
    key = call.twin.ids.mint("par", 43, alphabet=_LETTERS)
    uri = f"urn:okta:{key}"
    hidden = {"given": given, "server": issuer.id, "until": call.twin.clock.epoch() + _PAR_SECONDS}
    put_thing(call.twin, "pushed_requests", "", {}, id=uri, hidden=hidden)
    return Response.json({"request_uri": uri, "expires_in": _PAR_SECONDS}, 200)


def _authorize(
    call: Call, issuer: Issuer, given: dict[str, str], since: int, kept: Row | None = None
) -> Response:
    if kept is None and given.get("request_uri"):
        given = _pushed(call, issuer, given)
    asked = _understood(call, issuer, given, since)
    try:
        _check(call, asked)
        session, fresh = _session(call, asked, kept)
        if session is None:
            return _ask_sign_in(call, asked, kept)
        answer = _answer(call, asked, session, kept)
    except Refusal as refusal:
        return _error(asked, refusal)
    return signin.cookie(answer, session) if fresh else answer


def _pushed(call: Call, issuer: Issuer, given: dict[str, str]) -> dict[str, str]:
    things = call.twin["things"]
    row = things.get(("pushed_requests", given["request_uri"]))
    held = row["hidden"] if row is not None else {}
    if (
        row is None
        or held["server"] != issuer.id
        or call.twin.clock.epoch() >= held["until"]
        or given.get("client_id") != held["given"]["client_id"]
    ):
        raise no("invalid_request_uri", "The 'request_uri' is invalid or has expired.")
    things.delete(("pushed_requests", row["key"]))
    return dict(held["given"])


# -- understanding a request


def _understood(call: Call, issuer: Issuer, given: dict[str, str], since: int) -> _Asked:
    """Client, redirect URI, response types and mode; a refusal here is not redirected."""
    client = named_client(call, given.get("client_id", ""))
    if given.get("request"):
        given = _request_object(call, issuer, client, given)
    settings = client_settings(client)
    redirect = given.get("redirect_uri", "")
    if not _allowed(settings, redirect):
        sentence = "The 'redirect_uri' parameter must be a Login redirect URI in the client app"
        raise no("invalid_request", f"{sentence} settings.")
    types = frozenset(given.get("response_type", "").split())
    implicit = bool(types & {"token", "id_token"})
    mode = given.get("response_mode") or ("fragment" if implicit else "query")
    if mode not in _MODES or (implicit and mode == "query"):
        mode = "fragment" if implicit else "query"
    return _Asked(issuer, client, given, redirect, types, mode, since)


def _allowed(settings: Row, redirect: str) -> bool:
    """Whether a redirect URI is registered; ``*`` stands for a subdomain where that is allowed."""
    known = settings.get("redirect_uris") or []
    if redirect in known:
        return bool(redirect)
    if settings.get("wildcard_redirect") != "SUBDOMAIN":
        return False
    asked = urlsplit(redirect)
    for uri in known:
        parts = urlsplit(uri)
        head, star, tail = parts.netloc.partition("*")
        same = (parts.scheme, parts.path, parts.query) == (asked.scheme, asked.path, asked.query)
        middle = asked.netloc[len(head) : len(asked.netloc) - len(tail)]
        if (
            star
            and same
            and asked.netloc.startswith(head)
            and asked.netloc.endswith(tail)
            and middle
            and middle.replace("-", "").isalnum()
        ):
            return True
    return False


def _request_object(
    call: Call, issuer: Issuer, client: Row, given: dict[str, str]
) -> dict[str, str]:
    """The parameters of a signed request (RFC 9101), which stand above those of the address."""
    claims: dict[str, Any] | None = None
    for key in keys_of(call, client):
        try:
            claims = crypto.verify(given["request"], key)[1]
        except crypto.BadTokenError:
            continue
        break
    key = client_id(client)
    if claims is None or claims.get("iss") != key or claims.get("aud") != issuer.url:
        raise no("invalid_request_object", "The 'request' parameter is not valid.")
    said = {k: str(v) for k, v in claims.items() if k not in ("iss", "aud", "exp", "iat", "jti")}
    doubled = set(said) & set(given) - {*_OVERRIDDEN, "client_id"}
    if any(said[name] != given[name] for name in doubled):
        raise no("invalid_request", "A parameter is both in the request and in its address.")
    return {**{k: v for k, v in given.items() if k != "request"}, **said}


def _check(call: Call, asked: _Asked) -> None:
    """What is wrong with a request whose client and redirect URI are right."""
    given, settings = asked.given, client_settings(asked.client)
    mode = given.get("response_mode")
    if mode is not None and mode != asked.mode:
        sentence = "The authentication request has an unsupported 'response_mode' parameter."
        raise no("unsupported_response_mode", sentence)
    if not asked.types or not asked.types <= _TYPES:
        sentence = "The response type is not supported by the authorization server. Configured"
        kinds = ", ".join(settings.get("response_types") or [])
        raise no("unsupported_response_type", f"{sentence} response types: [{kinds}]")
    grants = settings["grant_types"]
    implicit = asked.types & {"token", "id_token"}
    if ("code" in asked.types and "authorization_code" not in grants) or (
        implicit and "implicit" not in grants
    ):
        sentence = "The client is not authorized to use the provided response type."
        raise no("unauthorized_client", sentence)
    if not given.get("state"):
        sentence = "The authentication request has an invalid 'state' parameter."
        raise no("invalid_request", sentence)
    if "id_token" in asked.types and not given.get("nonce"):
        sentence = "The authentication request has an invalid 'nonce' parameter."
        raise no("invalid_request", sentence)
    if "prompt" in given and given["prompt"] not in _PROMPTS:
        if given["prompt"] == "enroll_authenticator":
            call.gap("authorize with prompt=enroll_authenticator")
        sentence = "The authentication request has an invalid 'prompt' parameter."
        raise no("invalid_request", sentence)
    age = given.get("max_age")
    if age is not None and not (age.isdecimal() and len(age) <= _LONGEST_AGE):
        sentence = "The authentication request has an invalid 'max_age' parameter."
        raise no("invalid_request", sentence)
    _check_challenge(asked)


def _check_challenge(asked: _Asked) -> None:
    client = asked.client["fields"]["credentials"]["oauthClient"]
    challenge, method = asked.given.get("code_challenge"), asked.given.get("code_challenge_method")
    if not challenge:
        if "code" in asked.types and client["token_endpoint_auth_method"] == "none":
            sentence = "PKCE code challenge is required when the token endpoint authentication"
            raise no("invalid_request", f"{sentence} method is 'NONE'.")
        if "code" in asked.types and client.get("pkce_required"):
            raise no("invalid_request", "PKCE code challenge is required by the application.")
        return
    if method != "S256":
        raise no("invalid_request", "The 'code_challenge_method' parameter must be 'S256'.")
    if not 43 <= len(challenge) <= 128:
        raise no("invalid_request", "The 'code_challenge' parameter is invalid.")


# -- who is asked


def _session(call: Call, asked: _Asked, kept: Row | None) -> tuple[Row | None, bool]:
    """The session that will do, and whether the browser does not have it yet."""
    token = asked.given.get("sessionToken")
    fresh = signin.spend_session_token(call, token) if token else None
    if fresh is not None:
        return fresh, True
    session = signin.session_of(call)
    # A session that came after the request was kept is the answer to the sign-in page.
    if session is not None and (kept is None or session["n"] < kept["n"]):
        age = asked.given.get("max_age")
        since = call.twin.clock.epoch() - session["hidden"].get("authTime", 0)
        stale = age is not None and (age == "0" or since > int(age))
        session = None if stale or "login" in asked.prompt else session
    if session is None and "none" in asked.prompt:
        sentence = "The client specified not to prompt, but the user is not logged in."
        raise no("login_required", sentence)
    return session, False


def _keep(call: Call, asked: _Asked, kept: Row | None) -> str:
    if kept is not None:
        return str(kept["id"])
    key = call.twin.ids.mint("okta_key", 43, alphabet=_LETTERS)
    given = {k: v for k, v in asked.given.items() if k != "sessionToken"}
    hidden = {"given": given, "server": asked.issuer.id, "since": asked.since, "consented": False}
    put_thing(call.twin, "authorize_requests", "", {}, id=key, hidden=hidden)
    return key


def _ask_sign_in(call: Call, asked: _Asked, kept: Row | None) -> Response:
    back = f"{_RESUME}?{urlencode({'okta_key': _keep(call, asked, kept)})}"
    hint = asked.given.get("login_hint", "")
    fields = [("username", "Username", "text", hint), ("password", "Password", "password", "")]
    return oauth_pages.form_page("Sign In", "/login/login.htm", {"fromURI": back}, fields)


# -- what is sent back


def _scopes_of(asked: _Asked) -> list[str]:
    return asked.given.get("scope", "").split()


def _answer(call: Call, asked: _Asked, session: Row, kept: Row | None) -> Response:
    user = call.twin["users"][session["hidden"]["user"]]
    if not assigned(call, asked.client, user):
        raise no("access_denied", "User is not assigned to the client application.")
    grant_type = "authorization_code" if "code" in asked.types else "implicit"
    if asked.types == {"none"}:
        return oauth_pages.sent_back(asked.redirect, asked.mode, {"state": asked.given["state"]})
    scopes, rule = granted(call, asked.issuer, asked.client, user, grant_type, _scopes_of(asked))
    if "id_token" in asked.types and "openid" not in scopes:
        raise no("invalid_scope", "The 'openid' scope is required for an ID token.")
    page = _ask_consent(call, asked, user, scopes, kept)
    if page is not None:
        return page
    if kept is not None:
        call.twin["things"].delete(("authorize_requests", kept["key"]))
    hidden = session["hidden"]
    grant = Grant(
        asked.client,
        asked.issuer,
        user,
        scopes,
        rule,
        nonce=asked.given.get("nonce", ""),
        auth_time=hidden.get("authTime", 0),
        amr=list(hidden.get("amr", ["pwd"])),
        session=session["id"],
    )
    answer: dict[str, Any] = {}
    if "code" in asked.types:
        challenge = asked.given.get("code_challenge", "")
        answer["code"] = put_code(call, grant, asked.redirect, challenge)
    if "token" in asked.types:
        text = access_token(call, grant)
        answer |= {"access_token": text, "token_type": "Bearer", "expires_in": grant.seconds}
        answer["scope"] = " ".join(scopes)
    if "id_token" in asked.types:
        answer["id_token"] = id_token(
            call, grant, answer.get("access_token", ""), answer.get("code", "")
        )
    answer["state"] = asked.given["state"]
    return oauth_pages.sent_back(asked.redirect, asked.mode, answer)


def _error(asked: _Asked, refusal: Refusal) -> Response:
    answer = {"error": refusal.code, "error_description": refusal.sentence}
    if asked.given.get("state"):
        answer = {"state": asked.given["state"], **answer}
    return oauth_pages.sent_back(asked.redirect, asked.mode, answer)


# -- consent


def _ask_consent(
    call: Call, asked: _Asked, user: Row, scopes: list[str], kept: Row | None
) -> Response | None:
    """The consent page, where the application and its scopes want one and nobody has agreed."""
    wanted = _wanting_consent(call, asked, scopes)
    if not wanted or (kept is not None and kept["hidden"]["consented"]):
        return None
    held = {
        row["fields"]["scopeId"]
        for row in rows_of(call.twin, "user_grants", user["id"])
        if row["fields"]["app"] == asked.client["id"] and row["fields"]["server"] == asked.issuer.id
    }
    missing = [name for name in wanted if name not in held]
    if not missing and "consent" not in asked.prompt:
        return None
    if "none" in asked.prompt:
        sentence = "The client specified not to prompt, but the client app requires consent."
        raise no("consent_required", sentence)
    key = _keep(call, asked, kept)
    title = f"{asked.client['fields']['label']} would like to: {', '.join(wanted)}"
    buttons = (("allow", "Allow Access"), ("deny", "Don't Allow"))
    action = "/oauth2/v1/authorize/consent"
    return oauth_pages.form_page(title, action, {"okta_key": key}, [], buttons=buttons)


def _wanting_consent(call: Call, asked: _Asked, scopes: list[str]) -> list[str]:
    if client_settings(asked.client)["consent_method"] != "REQUIRED":
        return []
    if asked.issuer.server is None:
        return []
    rows = {row["fields"]["name"]: row for row in scope_rows(call.twin, asked.issuer.server)}
    return [
        name
        for name in scopes
        if name in rows and rows[name]["fields"].get("consent") in ("REQUIRED", "FLEXIBLE")
    ]


def _consented(call: Call) -> Response:
    form = form_of(call)
    row, session = kept_request(call, form.get("okta_key", "")), signin.session_of(call)
    issuer = issuer_at(call, row["hidden"]["server"]) if row is not None else None
    if row is None or session is None or issuer is None:
        raise no("invalid_request", "The authorization request is unknown or has expired.")
    held = row["hidden"]
    asked = _understood(call, issuer, dict(held["given"]), held["since"])
    if form.get("answer") != "allow":
        return _error(asked, no("access_denied", "User denied access."))
    user = call.twin["users"][session["hidden"]["user"]]
    _give_consent(call, asked, user, _scopes_of(asked))
    hidden = {**held, "consented": True}
    call.twin["things"].put(("authorize_requests", row["key"]), {**row, "hidden": hidden})
    return Response(302, b"", [("location", f"{_RESUME}?okta_key={row['id']}")])


def _give_consent(call: Call, asked: _Asked, user: Row, scopes: list[str]) -> None:
    held = {
        (row["fields"]["app"], row["fields"]["server"], row["fields"]["scopeId"])
        for row in rows_of(call.twin, "user_grants", user["id"])
    }
    for name in _wanting_consent(call, asked, scopes):
        if (asked.client["id"], asked.issuer.id, name) in held or name in SCOPES:
            continue
        fields = {
            "scopeId": name,
            "app": asked.client["id"],
            "server": asked.issuer.id,
            "issuer": asked.issuer.url,
            "clientId": client_id(asked.client),
        }
        put_thing(call.twin, "user_grants", "oag", fields, user["id"])
