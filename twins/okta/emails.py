"""Email templates of a brand and their customizations."""

import re
from typing import Any, Final

from factory_tui.universe import Call, Response, Row, route

from . import errors
from .base import body_object, listed, page
from .branding import BRANDS
from .fields import INVALID, checked
from .resource import Resource, caller, hinted, link, rows_of

__all__ = ["RESOURCES", "TEMPLATES"]

_BRAND: Final = "/api/v1/brands/{brandId}"
_TEMPLATE: Final = _BRAND + "/templates/email/{templateName}"
_LANGUAGE: Final = re.compile(r"[a-z]{2}(-[A-Za-z]{2,4})?")
_TEMPLATE_NAMES: Final = """
UserActivation WelcomeEmail ForgotPassword ForgotPasswordDenied LDAPForgotPassword
LDAPForgotPasswordDenied ADForgotPassword ADForgotPasswordDenied PasswordResetByAdmin
LDAPPasswordResetByAdmin ADPasswordResetByAdmin SelfServiceUnlock SelfServiceUnlockOnUnlockedAccount
ADSelfServiceUnlock LDAPSelfServiceUnlock LDAPUserActivation ADUserActivation EmailChallenge
EmailChangeConfirmation EmailFactorVerification EmailLinkAuthenticationTransaction
EmailLinkFactorVerification EmailLinkRecoveryADPwdFactor FactorEnrollment FactorReset
ChangeEmailConfirmation PendingEmailChange RegistrationActivation RegistrationEmailVerification
NewSignOnNotification MyAccountChangeConfirmation AuthenticatorEnrolled AuthenticatorReset
PasswordChanged DeviceEnrolled CampaignLaunched
"""
TEMPLATES: Final = ("welcome", *_TEMPLATE_NAMES.split())
"""Names of the email templates; the first is how old organisations call UserActivation."""


class Templates(Resource):
    """``/api/v1/brands/{brandId}/templates/email``: there are as many as Okta has."""

    name = "templates"
    kind = "EmailTemplate"
    path = _TEMPLATE
    parent = BRANDS
    verbs = "list get"

    def do_list(self, call: Call) -> Response:
        """By name, in pages of 20."""
        self.parent_id(call)
        rows = [{"id": name, "n": n} for n, name in enumerate(TEMPLATES, 1)]
        shown, links = page(call, rows, 20, 200)
        return listed([self.shown(call, row) for row in shown], links)

    def find(self, call: Call) -> Row:
        """One of the names."""
        self.parent_id(call)
        name = call.params["templateName"]
        if name not in TEMPLATES:
            raise errors.not_found(call, name, self.kind)
        return {"id": name}

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """Only links."""
        href = link(call, f"brands/{call.params['brandId']}/templates/email/{row['id']}")
        shown: dict[str, Any] = {
            "name": row["id"],
            "_links": {
                "self": hinted(href, "GET"),
                "defaultContent": hinted(f"{href}/default-content", "GET"),
                "test": hinted(f"{href}/test", "POST"),
                "customizations": hinted(f"{href}/customizations", "GET", "POST", "DELETE"),
            },
        }
        if "customizationCount" in call.request.query.get("expand", ""):
            rows = _customizations(call, row["id"])
            shown["_embedded"] = {"customizationCount": len(rows)}
        if "settings" in call.request.query.get("expand", ""):
            settings = self._settings(call, BRANDS.find(call), row["id"])
            shown["_embedded"] = {**shown.get("_embedded", {}), "settings": settings}
        return shown

    @route("GET", _TEMPLATE + "/default-content", "")
    @route("GET", _TEMPLATE + "/default-content/preview", "")
    def default_content(self, call: Call) -> Response:
        """Okta's words."""
        row = self.find(call)
        href = link(call, f"brands/{call.params['brandId']}/templates/email/{row['id']}")
        links = {
            "self": hinted(f"{href}/default-content", "GET"),
            "template": hinted(href, "GET"),
            "preview": hinted(f"{href}/default-content/preview", "GET"),
            "test": hinted(f"{href}/test", "POST"),
        }
        content = {"subject": f"{row['id']} - ${{org.name}}", "body": "<html><body></body></html>"}
        return Response.json({**content, "_links": links})

    @route("GET", _TEMPLATE + "/settings", "")
    @route("PUT", _TEMPLATE + "/settings", "")
    def settings(self, call: Call) -> Response:
        """Who gets the email."""
        row = self.find(call)
        brand = BRANDS.find(call)
        known = brand["hidden"].get("recipients", {})
        if call.request.method == "PUT":
            words = "recipients:ALL_USERS|ADMINS_ONLY|NO_USERS!"
            kept = checked(call, body_object(call), words)
            known = {**known, row["id"]: kept["recipients"]}
            BRANDS.put(call, brand, hidden={**brand["hidden"], "recipients": known})
            brand = BRANDS.find(call)
        return Response.json(self._settings(call, brand, row["id"]))

    def _settings(self, call: Call, brand: Row, name: str) -> dict[str, Any]:
        href = link(call, f"brands/{brand['id']}/templates/email/{name}/settings")
        known = brand["hidden"].get("recipients", {})
        recipients = {"recipients": known.get(name, "ALL_USERS")}
        return {**recipients, "_links": {"self": hinted(href, "GET", "PUT")}}

    @route("POST", _TEMPLATE + "/test", "")
    def test(self, call: Call) -> Response:
        """204; nobody reads the mail."""
        self.find(call)
        return Response(204)


def _customizations(call: Call, template: str) -> list[Row]:
    return rows_of(call.twin, "customizations", f"{call.params['brandId']}/{template}")


class Customizations(Resource):
    """``…/customizations``: a template's words in a language; one of them is the default."""

    name = "customizations"
    page_size = 20
    kind = "EmailCustomization"
    path = _TEMPLATE + "/customizations/{customizationId}"
    prefix = "oel"
    verbs = "list create get replace delete"
    created_status = 201
    has_status = False
    unique = ""
    fields = "subject:text! body:text! language:str! isDefault:bool=false"

    def parent_id(self, call: Call) -> str:
        """Brand and template."""
        return f"{call.params['brandId']}/{TEMPLATE.find(call)['id']}"

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """The first becomes the default; a new default takes the place of the old."""
        kept = checked(call, body, self.fields)
        if not _LANGUAGE.fullmatch(kept["language"]):
            raise errors.invalid(call, "language", f"language: {INVALID}")
        others = [
            row for row in _customizations(call, call.params["templateName"]) if row is not before
        ]
        if before is not None:
            others = [row for row in others if row["id"] != before["id"]]
        if any(row["fields"]["language"] == kept["language"] for row in others):
            sentence = "An email template customization for that language already exists."
            raise errors.refuse(call, 409, "E0000185", sentence)
        if not others:
            kept["isDefault"] = True
        elif before is not None and before["fields"]["isDefault"] and not kept["isDefault"]:
            sentence = "The default email template customization cannot be undone."
            raise errors.refuse(call, 409, "E0000183", sentence)
        elif kept["isDefault"]:
            for row in others:
                if row["fields"]["isDefault"]:
                    self.put(call, row, fields={**row["fields"], "isDefault": False})
        return kept

    def deleting(self, call: Call, row: Row) -> None:
        """The default goes last."""
        if (
            row["fields"]["isDefault"]
            and len(_customizations(call, call.params["templateName"])) > 1
        ):
            sentence = "The default email template customization cannot be deleted."
            raise errors.refuse(call, 409, "E0000184", sentence)

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """To its preview and template."""
        href = self.href(call, row)
        template = href.partition("/customizations/")[0]
        return {
            "preview": hinted(f"{href}/preview", "GET"),
            "template": hinted(template, "GET"),
            "test": hinted(f"{template}/test", "POST"),
            **super().links(call, row),
        }

    def href(self, call: Call, row: Row) -> str:
        """Below its template."""
        brand, _, template = row["parent"].partition("/")
        return link(call, f"brands/{brand}/templates/email/{template}/customizations/{row['id']}")

    @route("DELETE", _TEMPLATE + "/customizations", "")
    def delete_all(self, call: Call) -> Response:
        """204."""
        for row in self.rows(call.twin, self.parent_id(call)):
            self.remove(call.twin, row)
        return Response(204)

    @route("GET", _TEMPLATE + "/customizations/{customizationId}/preview", "")
    def preview(self, call: Call) -> Response:
        """Subject and body with the caller's names put in."""
        row = self.find(call)
        owner = call.twin["users"].get(caller(call))
        names = owner["profile"] if owner is not None else {}
        org = call.twin["org"]["org"]["companyName"]

        def filled(text: str) -> str:
            for name in ("firstName", "lastName", "login", "email"):
                text = text.replace(f"${{user.profile.{name}}}", str(names.get(name) or ""))
            return text.replace("${org.name}", org)

        shown = {name: filled(row["fields"][name]) for name in ("subject", "body")}
        return Response.json({**shown, "_links": self.links(call, row)})


TEMPLATE = Templates()
RESOURCES: Final = (TEMPLATE, Customizations())
