"""How an organisation sends its emails: domains of the sender, SMTP servers, bounces."""

import re
from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Row, Twin, route

from . import errors
from .base import body_object
from .branding import BRANDS
from .fields import BLANK, INVALID, checked
from .resource import Resource, hinted, rows_of

__all__ = ["RESOURCES"]

_HOST: Final = re.compile(r"([a-z0-9]([a-z0-9\-]*[a-z0-9])?\.)+[a-z]{2,}", re.IGNORECASE)
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


class EmailDomains(Resource):
    """``/api/v1/email-domains``."""

    name = "email_domains"
    kind = "EmailDomain"
    path = "/api/v1/email-domains/{emailDomainId}"
    prefix = "oed"
    verbs: ClassVar[str] = "list create get replace delete"
    has_status = False
    stamps = ""
    unique = "domain"
    fields = "domain:str! displayName:str! userName:str! brandId:str! validationSubdomain:str=mail"

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """A host of its own for a brand there is; later only the sender changes."""
        if before is not None:
            kept = checked(call, body, "displayName:str! userName:str!")
            return {**before["fields"], **kept}
        kept = checked(call, body, self.fields)
        if not _HOST.fullmatch(kept["domain"]):
            raise errors.invalid(call, "domain", f"domain: {INVALID}")
        BRANDS.by_key(call, kept["brandId"])
        return {**kept, "validationStatus": "NOT_STARTED"}

    def taken(self, call: Call) -> Exception:
        """409."""
        sentence = "The email domain already exists."
        return errors.refuse(call, 409, "E0000197", sentence, sentence)

    def put_new(self, twin: Twin, kept: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """The brand sends from it."""
        row = super().put_new(twin, kept, owner, **more)
        brand = twin["things"]["brands", kept["brandId"]]
        changed = {**brand, "fields": {**brand["fields"], "emailDomainId": row["id"]}}
        twin["things"].put(("brands", brand["key"]), changed)
        return row

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """With the DNS records to publish; ``expand=brands`` embeds who sends from it."""
        fields = {name: value for name, value in row["fields"].items() if name != "brandId"}
        host, domain = fields["validationSubdomain"], fields["domain"]
        key = row["id"][3:]
        records = [
            {
                "recordType": "TXT",
                "fqdn": f"_oktaverification.{domain}",
                "verificationValue": key.lower(),
            },
            {
                "recordType": "CNAME",
                "fqdn": f"{host}.{domain}",
                "verificationValue": f"u{row['n']}.wl.sendgrid.net",
            },
        ]
        for number in (1, 2):
            records.append(
                {
                    "recordType": "CNAME",
                    "fqdn": f"s{number}._domainkey.{domain}",
                    "verificationValue": f"s{number}.domainkey.u{row['n']}.wl.sendgrid.net",
                }
            )
        shown = {"id": row["id"], **fields, "dnsValidationRecords": records}
        if "brands" in call.request.query.get("expand", ""):
            brands = [
                BRANDS.shown(call, brand)
                for brand in rows_of(call.twin, "brands")
                if brand["fields"].get("emailDomainId") == row["id"]
            ]
            shown["_embedded"] = {"brands": brands}
        return shown

    def remove(self, twin: Twin, row: Row) -> None:
        """Brands that sent from it send from Okta's again."""
        for brand in rows_of(twin, "brands"):
            if brand["fields"].get("emailDomainId") == row["id"]:
                fields = {k: v for k, v in brand["fields"].items() if k != "emailDomainId"}
                twin["things"].put(("brands", brand["key"]), {**brand, "fields": fields})
        super().remove(twin, row)

    @route("POST", "/api/v1/email-domains/{emailDomainId}/verify", "")
    def verify(self, call: Call) -> Response:
        """VERIFIED: in the universe every DNS record is as it should be."""
        row = self.find(call)
        fields = {**row["fields"], "validationStatus": "VERIFIED"}
        return Response.json(self.shown(call, self.put(call, row, fields=fields)))


_KINDS: Final = {
    "BASIC_SMTP_AUTH": "password:text!",
    "OAUTH2_CLIENT_CREDENTIALS": "clientId:str! clientSecret:text! scopes:list! tokenEndpoint:str!"
    " tokenEndpointAuthMethod:CLIENT_SECRET_BASIC|CLIENT_SECRET_POST!",
    "OAUTH2_JWT_BEARER_GRANT": "audience:str! clientId:str! issuer:str! keyId:str! privateKey:text!"
    " scopes:list! signingAlgorithm:RS256! subject:str! tokenEndpoint:str!",
}
_SECRET: Final = ("password", "clientSecret", "privateKey")


class EmailServers(Resource):
    """``/api/v1/email-servers``; one of them at most is enabled."""

    name = "email_servers"
    kind = "EmailServer"
    path = "/api/v1/email-servers/{emailServerId}"
    prefix = "oes"
    verbs = "list create get patch delete"
    created_status = 201
    has_status = False
    stamps = ""
    unique = "alias"
    wrapped = "email-servers"
    fields = (
        f"alias:str! host:str! port:int! username:str! enabled:bool! authType:{'|'.join(_KINDS)}!"
    )

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """What the way to sign in needs; secrets are taken and never shown."""
        hidden = dict(before["hidden"]) if before is not None else {}
        kept = checked(call, {**body}, self.fields)
        if not 1 <= kept["port"] <= 65535:
            raise errors.invalid(call, "port", f"port: {INVALID}")
        given = {**hidden, **body}
        more = checked(call, given, _KINDS[kept["authType"]])
        call.scratch["secrets"] = {name: more.pop(name) for name in _SECRET if name in more}
        if kept["enabled"]:
            for row in self.rows(call.twin):
                if row["fields"]["enabled"] and (before is None or row["id"] != before["id"]):
                    self.put(call, row, fields={**row["fields"], "enabled": False})
        return {**kept, **more}

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """With its secrets kept apart."""
        # Clients made before there was a choice name no way to sign in.
        body = {"authType": "BASIC_SMTP_AUTH", "enabled": False, **body}
        row = super().create(call, body, owner, **more)
        return self.put(call, row, hidden=call.scratch["secrets"])

    def _change(self, call: Call, *, whole: bool) -> Response:
        answer = super()._change(call, whole=whole)
        row = self.put(call, self.find(call), hidden=call.scratch["secrets"])
        return Response.json(self.shown(call, row), answer.status)

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """Never a secret."""
        return {"id": row["id"], **row["fields"], "_links": self.links(call, row)}

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """To itself and its test."""
        href = self.href(call, row)
        return {
            "self": hinted(href, "GET", "PATCH", "DELETE"),
            "test": hinted(f"{href}/test", "POST"),
        }

    @route("POST", "/api/v1/email-servers/{emailServerId}/test", "")
    def test(self, call: Call) -> Response:
        """204; nobody reads the mail."""
        self.find(call)
        kept = checked(call, body_object(call), "fromAddress:str! toAddress:str!")
        for name, value in kept.items():
            if not _EMAIL.fullmatch(value):
                raise errors.invalid(call, name, f"{name}: {INVALID}")
        return Response(204)


class Bounces(Resource):
    """``/api/v1/org/email/bounces/remove-list``."""

    name = "bounces"
    kind = "Bounce"
    path = "/api/v1/org/email/bounces"
    verbs = ""

    @route("POST", "/api/v1/org/email/bounces/remove-list", "")
    def remove_some(self, call: Call) -> Response:
        """What is an address is taken; what is none is told."""
        given = checked(call, body_object(call), "emailAddresses:list!")["emailAddresses"]
        if not given:
            raise errors.invalid(call, "emailAddresses", f"emailAddresses: {BLANK}")
        wrong = [str(one)[:200] for one in given if not _EMAIL.fullmatch(str(one))]
        reason = "Invalid email address. The provided email address failed validation."
        found = [{"emailAddress": one, "reason": reason} for one in wrong]
        return Response.json({"errors": found})


EMAIL_DOMAINS: Final = EmailDomains()
RESOURCES: Final = (EMAIL_DOMAINS, EmailServers(), Bounces())
