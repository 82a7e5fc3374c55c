"""More settings of the organisation: documents that are read and replaced, consent for Okta's
people, child organisations, disaster recovery."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from factory_tui.universe import (
    BASE62,
    ApplyError,
    Call,
    Response,
    Row,
    Twin,
    op,
    route,
)

from . import errors
from .base import body_object, now
from .fields import INVALID, checked
from .resource import TAKEN, Resource, caller, hinted, link, put_thing, rows_of

__all__ = ["RESOURCES", "OrgOps"]

_AERIAL: Final = "/api/v1/org/privacy/aerial"
_CASES: Final = "/api/v1/org/privacy/oktaSupport/cases"
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([a-z0-9\-]{0,61}[a-z0-9])?")
_DOMAIN: Final = re.compile(r"([a-z0-9]([a-z0-9\-]*[a-z0-9])?\.)+[a-z]{2,}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Document:
    """A document of settings.

    Attributes:
        read: Path to read it, "" for one that is only written.
        verb: Method that writes it.
        write: Path to write it.
        fields: What it may hold, as in :mod:`fields`.
        default: What it is until somebody writes it.
        silent: Answered with 204 when written.
        limits: The least and the most of some numbers.
    """

    read: str
    verb: str
    write: str
    fields: str
    default: Row
    silent: bool = False
    limits: tuple[tuple[str, int, int], ...] = ()


_BOTS: Final = "/api/v1/bot-protection/configuration"
_PERSONAL: Final = "/okta-personal-settings/api/v1"
_DOCUMENTS: Final = (
    _Document(
        _BOTS,
        "POST",
        _BOTS,
        "level:ANY|HIGH|LOW|MEDIUM! mode:DISABLED|ENFORCED|LOG_ONLY! supportedFlows:list=[]"
        " enforcementType:OKTA_CHALLENGE=OKTA_CHALLENGE",
        {
            "level": "HIGH",
            "mode": "DISABLED",
            "supportedFlows": [],
            "enforcementType": "OKTA_CHALLENGE",
        },
    ),
    _Document(
        "",
        "PUT",
        f"{_PERSONAL}/edit-feature",
        "enableEnduserEntryPoints:bool=false enableExportApps:bool=false",
        {},
        silent=True,
    ),
    _Document(
        f"{_PERSONAL}/export-blocklists",
        "PUT",
        f"{_PERSONAL}/export-blocklists",
        "domains:list!",
        {"domains": []},
        silent=True,
    ),
    _Document(
        "/api/v1/first-party-app-settings/{appName}",
        "PUT",
        "/api/v1/first-party-app-settings/{appName}",
        "sessionIdleTimeoutMinutes:int=15 sessionMaxLifetimeMinutes:int=720",
        {"sessionIdleTimeoutMinutes": 15, "sessionMaxLifetimeMinutes": 720},
        limits=(("sessionIdleTimeoutMinutes", 5, 120), ("sessionMaxLifetimeMinutes", 5, 1440)),
    ),
)


class Documents(Resource):
    """Settings that are one document each."""

    name = "documents"
    kind = "Setting"
    path = "/api/v1/org/settings"
    verbs: ClassVar[str] = ""

    def install(self, routes: Any) -> None:
        """A route to read each, and one to write it."""
        for document in _DOCUMENTS:

            def get(call: Call, document: _Document = document) -> Response:
                return self._get(call, document)

            def write(call: Call, document: _Document = document) -> Response:
                return self._put(call, document)

            if document.read:
                self._add(routes, "GET", document.read, get)
            self._add(routes, document.verb, document.write, write)

    def _key(self, call: Call, document: _Document) -> str:
        app = call.params.get("appName", "admin-console")
        if app != "admin-console":
            raise errors.not_found(call, app, "OktaApplication")
        return document.write

    def _get(self, call: Call, document: _Document) -> Response:
        row = call.twin["things"].get((self.name, self._key(call, document)))
        fields = dict(row["fields"] if row is not None else document.default)
        if document.read == _BOTS:
            href = link(call, "bot-protection/configuration")
            fields["_links"] = {"self": hinted(href, "GET", "POST")}
        return Response.json(fields)

    def _put(self, call: Call, document: _Document) -> Response:
        key = self._key(call, document)
        kept = checked(call, body_object(call), document.fields)
        for name, least, most in document.limits:
            if not least <= kept[name] <= most:
                raise errors.invalid(call, name, f"{name}: {INVALID}")
        for one in kept.get("supportedFlows", []):
            if one not in ("SIGN_IN", "SSPR", "SSR"):
                raise errors.invalid(call, "supportedFlows", f"supportedFlows: {INVALID}")
        if not all(isinstance(d, str) and _DOMAIN.fullmatch(d) for d in kept.get("domains", [])):
            raise errors.invalid(call, "domains", f"domains: {INVALID}")
        put_thing(call.twin, self.name, "", kept, id=key)
        return Response(204) if document.silent else self._get(call, document)


class Consents(Resource):
    """Consent for Okta Aerial, and access for support cases."""

    name = "support_cases"
    kind = "OktaSupportCase"
    path = _CASES + "/{caseNumber}"
    verbs = ""

    def _consent(self, call: Call) -> Row | None:
        return call.twin["things"].get(("aerial", "consent"))

    def _granted(self, call: Call, row: Row) -> Response:
        links = {
            "self": hinted(link(call, "org/privacy/aerial"), "GET"),
            "revoke": hinted(link(call, "org/privacy/aerial/revoke"), "POST"),
        }
        return Response.json({**row["fields"], "_links": links})

    @route("GET", _AERIAL, "")
    def get_consent(self, call: Call) -> Response:
        """404 until somebody grants it."""
        row = self._consent(call)
        if row is None:
            raise errors.not_found(call, "aerial", "AerialConsent")
        return self._granted(call, row)

    @route("POST", _AERIAL + "/grant", "")
    def grant(self, call: Call) -> Response:
        """To one account."""
        account = checked(call, body_object(call), "accountId:str!")["accountId"]
        row = self._consent(call)
        if row is not None and row["fields"]["accountId"] != account:
            sentence = "Consent has been given to another account."
            raise errors.invalid(call, "accountId", sentence)
        fields = {"accountId": account, "grantedBy": caller(call), "grantedDate": now(call)}
        return self._granted(call, put_thing(call.twin, "aerial", "", fields, id="consent"))

    @route("POST", _AERIAL + "/revoke", "")
    def revoke(self, call: Call) -> Response:
        """From the account that has it."""
        account = checked(call, body_object(call), "accountId:str!")["accountId"]
        row = self._consent(call)
        if row is None or row["fields"]["accountId"] != account:
            raise errors.invalid(call, "accountId", "The account has no consent.")
        call.twin["things"].delete(("aerial", "consent"))
        href = link(call, "org/privacy/aerial/grant")
        return Response.json({"_links": {"grant": hinted(href, "POST")}})

    @route("GET", _CASES, "")
    def list_cases(self, call: Call) -> Response:
        """Those that scenarios opened."""
        return Response.json({"supportCases": [row["fields"] for row in self.rows(call.twin)]})

    @route("PATCH", path, "")
    def change_case(self, call: Call) -> Response:
        """Whether Okta's people may sign in for it."""
        row = self.find(call)
        given = checked(call, body_object(call), "impersonation:dict selfAssigned:dict")
        fields = dict(row["fields"])
        if "impersonation" in given:
            words = "status:ENABLED|DISABLED! expiration:str"
            kept = checked(call, given["impersonation"], words)
            until = kept.get("expiration") if kept["status"] == "ENABLED" else None
            fields["impersonation"] = {"status": kept["status"], "expiration": until}
        if "selfAssigned" in given:
            kept = checked(call, given["selfAssigned"], "status:APPROVED!")
            if fields["selfAssigned"]["status"] != "REQUESTED":
                raise errors.invalid(call, "selfAssigned", f"selfAssigned: {INVALID}")
            fields["selfAssigned"] = kept
        return Response.json(self.put(call, row, fields=fields)["fields"])


class ChildOrgs(Resource):
    """``/api/v1/orgs``: organisations below this one. They are noted and not served."""

    name = "child_orgs"
    kind = "Org"
    path = "/api/v1/orgs/{orgId}"
    prefix = "00o"
    verbs = "create"
    created_status = 201
    unique = "subdomain"
    fields = "name:str! subdomain:str! website:str edition:SKU! admin:dict!"

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """A subdomain of its own, and a first administrator."""
        kept = checked(call, body, self.fields)
        if not _SUBDOMAIN.fullmatch(kept["subdomain"]):
            raise errors.invalid(call, "subdomain", f"subdomain: {INVALID}")
        if kept["subdomain"] == call.twin["org"]["org"]["subdomain"]:
            raise errors.invalid(call, "subdomain", f"subdomain: {TAKEN}")
        profile = checked(call, checked(call, kept["admin"], "profile:dict!")["profile"], _ADMIN)
        if not _EMAIL.fullmatch(profile["email"]):
            raise errors.invalid(call, "email", f"email: {INVALID}")
        return {**kept, "admin": {"profile": profile}}

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """With the administrator's token."""
        host = f"https://{row['fields']['subdomain']}.okta.com"
        links = {"organization": hinted(f"{host}/api/v1/orgs/{row['id']}", "GET")}
        return {
            "id": row["id"],
            **row["fields"],
            "status": "ACTIVE",
            "created": row["created"],
            "lastUpdated": row["lastUpdated"],
            "settings": {},
            "token": call.twin.ids.mint("token", 40, prefix="00", alphabet=BASE62),
            "tokenType": "SSWS",
            "_links": links,
        }


_ADMIN: Final = "firstName:str! lastName:str! email:str! login:str!"


class DisasterRecovery(Resource):
    """``/api/v1/dr``: which of the organisation's domains are served from elsewhere."""

    name = "failovers"
    kind = "Domain"
    path = "/api/v1/dr/status/{domain}"
    verbs = ""

    def _domains(self, call: Call) -> list[str]:
        own = f"{call.twin['org']['org']['subdomain']}.okta.com"
        return [own, *(row["fields"]["domain"] for row in rows_of(call.twin, "domains"))]

    def _status(self, call: Call, name: str) -> dict[str, Any]:
        return {"domain": name, "isFailedOver": (self.name, name) in call.twin["things"]}

    @route("GET", "/api/v1/dr/status", "")
    @route("GET", "/api/v1/dr/status/{domain}", "")
    def get_status(self, call: Call) -> Response:
        """Of all domains, or of one."""
        names = self._domains(call)
        wanted = call.params.get("domain")
        if wanted is not None and wanted not in names:
            raise errors.not_found(call, wanted, self.kind)
        found = [self._status(call, name) for name in names if wanted in (None, name)]
        return Response.json({"status": found})

    @route("POST", "/api/v1/dr/failover", "")
    @route("POST", "/api/v1/dr/failback", "")
    def turn(self, call: Call) -> Response:
        """Those that are named, or all."""
        body = body_object(call) if call.request.body else {}
        names = self._domains(call)
        wanted = checked(call, body, "domains:list").get("domains") or names
        over = call.operation == "startOrgFailover"
        for name in wanted:
            if name not in names:
                raise errors.invalid(call, "domains", f"domains: {INVALID}")
            if over:
                put_thing(call.twin, self.name, "", {}, id=name)
            else:
                call.twin["things"].delete((self.name, name))
        word = "failover" if over else "failback"
        found = [{"domain": name, "message": f"The {word} has started."} for name in wanted]
        return Response.json({"results": found})


class OrgOps:
    """What scenarios can do that the API cannot."""

    @op("add_support_cases")
    def add_support_cases(self, twin: Twin, args: Any) -> list[Row]:
        """``[{subject, selfAssigned?}]``: cases at Okta's support. Returns their numbers."""
        made = []
        for item in args["add_support_cases"] if isinstance(args, dict) else args:
            if not isinstance(item.get("subject"), str):
                raise ApplyError(f'add_support_cases: "subject" is missing in {item}')
            number = f"{twin.ids.count('cases', 1_000_000) + 1:08d}"
            waiting = item.get("selfAssigned", False)
            fields = {
                "caseNumber": number,
                "subject": item["subject"],
                "impersonation": {"status": "NOT_REQUESTED", "expiration": None},
                "selfAssigned": {"status": "REQUESTED" if waiting else "NOT_REQUIRED"},
            }
            put_thing(twin, "support_cases", "", fields, id=number)
            made.append({"caseNumber": number})
        return made


RESOURCES: Final = (Documents(), Consents(), ChildOrgs(), DisasterRecovery())
