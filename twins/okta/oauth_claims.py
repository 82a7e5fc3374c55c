"""What tokens and ``userinfo`` say about a user: standard claims, and those of custom servers."""

import re
from collections.abc import Callable
from typing import Any, Final

from factory_tui.universe import Call, Row, parse_time

from . import seeds
from .claim_language import ClaimError, compile_claim
from .oauth_clients import client_id
from .oauth_core import Issuer
from .resource import rows_of
from .users import groups_of

__all__ = ["Subject", "access_claims", "identity_claims", "userinfo_claims"]

_BY_SCOPE: Final = {
    "profile": (
        "name",
        "profile",
        "locale",
        "nickname",
        "preferred_username",
        "given_name",
        "middle_name",
        "family_name",
        "zoneinfo",
        "updated_at",
    ),
    "email": ("email", "email_verified"),
    "phone": ("phone_number",),
    "address": ("address",),
}
_THIN: Final = ("name", "email", "preferred_username")
"""What an ID token says of the user when an access token comes with it."""
_MOST_GROUPS: Final = 100
_FILTERS: Final[dict[str, Callable[[str, str], bool]]] = {
    "STARTS_WITH": str.startswith,
    "EQUALS": lambda name, wanted: name == wanted,
    "CONTAINS": lambda name, wanted: wanted in name,
}
_NAMES: Final = """
ver jti iss aud iat exp cid uid scp sub nonce at_hash c_hash auth_time amr idp cnf
"""
_RESERVED: Final = frozenset(_NAMES.split())
"""Claims that nobody configures, ``sub`` of access tokens excepted."""


class Subject:
    """The user a token is about, and the client it is for.

    Args:
        call: The request.
        client: The application's row.
        user: The user's row, ``None`` for a client that acts for itself.
    """

    def __init__(self, call: Call, client: Row, user: Row | None) -> None:
        self.call = call
        self.client = client
        self.user = user

    @property
    def login(self) -> str:
        """The user name at the application, else the user's login."""
        if self.user is None:
            return client_id(self.client)
        key = ("app_users", f"{self.client['id']}/{self.user['id']}")
        row = self.call.twin["things"].get(key)
        name = row["fields"]["credentials"].get("userName") if row is not None else None
        return str(name or self.user["profile"]["login"])

    def groups(self) -> list[tuple[str, str]]:
        """Ids and names of the user's groups."""
        if self.user is None:
            return []
        rows = groups_of(self.call.twin, self.user["id"])
        return [(row["id"], row["profile"]["name"]) for row in rows]

    def standard(self) -> dict[str, Any]:
        """The claims of OpenID Connect that the user's profile fills."""
        if self.user is None:
            return {}
        profile = self.user["profile"]
        address = {
            "street_address": profile.get("streetAddress"),
            "locality": profile.get("city"),
            "region": profile.get("state"),
            "postal_code": profile.get("zipCode"),
            "country": profile.get("countryCode"),
            "formatted": profile.get("postalAddress"),
        }
        given = {
            "name": seeds.full_name(self.user),
            "profile": profile.get("profileUrl"),
            "locale": profile.get("locale") or "en_US",
            "nickname": profile.get("nickName"),
            "preferred_username": self.login,
            "given_name": profile.get("firstName"),
            "middle_name": profile.get("middleName"),
            "family_name": profile.get("lastName"),
            "zoneinfo": profile.get("timezone") or "America/Los_Angeles",
            "updated_at": int(parse_time(self.user["lastUpdated"]).timestamp()),
            "email": profile.get("email"),
            "email_verified": True,
            "phone_number": profile.get("primaryPhone"),
            "address": {name: value for name, value in address.items() if value} or None,
        }
        return {name: value for name, value in given.items() if value is not None}

    def context(self) -> dict[str, Any]:
        """What expressions name."""
        user = None
        if self.user is not None:
            internal = {"id": self.user["id"], "status": self.user["status"]}
            internal |= {"displayName": seeds.full_name(self.user)}
            user = {**self.user["profile"], "id": self.user["id"], "internal": internal}
        org = self.call.twin["org"]["org"]
        return {
            "user": user,
            "appuser": None if user is None else {"userName": self.login, **user},
            "app": {"clientId": client_id(self.client), "id": self.client["id"]},
            "org": {"name": org["companyName"], "subDomain": org["subdomain"]},
            "groups": self.groups(),
            "now": self.call.twin.clock.iso(),
        }


def access_claims(subject: Subject, issuer: Issuer, scopes: list[str]) -> dict[str, Any]:
    """``sub`` and the custom server's claims of an access token."""
    if issuer.server is None:
        return {"sub": subject.login}
    found = _configured(subject, issuer, "RESOURCE", scopes)
    return {"sub": found.pop("sub", subject.login) or subject.login, **found}


def identity_claims(
    subject: Subject, issuer: Issuer, scopes: list[str], *, thin: bool
) -> dict[str, Any]:
    """The user's claims of an ID token.

    Args:
        subject: Whom it is about.
        issuer: Who issues it.
        scopes: What was granted.
        thin: An access token comes with it, so the rest is for ``userinfo`` to tell.
    """
    standard = _standard(subject, scopes)
    if thin:
        standard = {name: standard[name] for name in _THIN if name in standard}
    return standard | _extra(subject, issuer, scopes, thin=thin)


def userinfo_claims(subject: Subject, issuer: Issuer, scopes: list[str]) -> dict[str, Any]:
    """Everything the scopes allow."""
    return _standard(subject, scopes) | _extra(subject, issuer, scopes, thin=False)


def _standard(subject: Subject, scopes: list[str]) -> dict[str, Any]:
    known = subject.standard()
    names = [name for scope in scopes for name in _BY_SCOPE.get(scope, ())]
    return {name: known[name] for name in names if name in known}


def _extra(subject: Subject, issuer: Issuer, scopes: list[str], *, thin: bool) -> dict[str, Any]:
    if issuer.server is None:
        names = [name for _, name in subject.groups()]
        return {"groups": names[:_MOST_GROUPS]} if "groups" in scopes else {}
    return _configured(subject, issuer, "IDENTITY", scopes, thin=thin)


def _configured(
    subject: Subject, issuer: Issuer, kind: str, scopes: list[str], *, thin: bool = False
) -> dict[str, Any]:
    """The claims that a custom server's owner has configured for these scopes."""
    found: dict[str, Any] = {}
    context: dict[str, Any] | None = None
    for row in rows_of(subject.call.twin, "server_claims", issuer.id):
        fields = row["fields"]
        name = fields["name"]
        wanted = fields["conditions"].get("scopes") or []
        if (
            row["status"] != "ACTIVE"
            or fields["claimType"] != kind
            or (wanted and not set(wanted) & set(scopes))
            or (thin and not fields.get("alwaysIncludeInToken", True))
            or (kind == "IDENTITY" and fields.get("system"))
            or (name in _RESERVED and name != "sub")
        ):
            continue
        if context is None:
            context = subject.context()
        value = _value(subject, fields, context)
        if value is not None:
            found[name] = value
    return found


def _value(subject: Subject, fields: Row, context: dict[str, Any]) -> Any:
    if fields["valueType"] == "GROUPS":
        return _filtered(fields, [name for _, name in context["groups"]])
    try:
        return compile_claim(fields["value"])(context)
    except ClaimError as problem:
        subject.call.gap(f"claim {fields['name']}: {problem}")
        return None


def _filtered(fields: Row, names: list[str]) -> list[str] | None:
    """The names of groups that a claim's filter leaves; ``None`` (no claim) without one."""
    wanted = fields["value"]
    how = fields.get("group_filter_type") or "REGEX"
    if how == "REGEX":
        try:
            pattern = re.compile(wanted)
        except re.error:
            return None
        found = [name for name in names if pattern.fullmatch(name)]
    else:
        found = [name for name in names if _FILTERS[how](name, wanted)]
    return found[:_MOST_GROUPS] or None
