"""Brands with their themes and pages, and custom domains."""

import re
from typing import Any, ClassVar, Final

from factory_tui.universe import HEX, Call, Response, Row, Twin, route

from . import errors
from .base import body_object
from .fields import BLANK, INVALID, checked
from .resource import Resource, hinted, link, rows_of

__all__ = ["BRANDS", "RESOURCES", "default_theme"]

_BRAND: Final = "/api/v1/brands/{brandId}"
_THEME: Final = _BRAND + "/themes/{themeId}"
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_HOST: Final = re.compile(r"([a-z0-9]([a-z0-9\-]*[a-z0-9])?\.)+[a-z]{2,}", re.IGNORECASE)
_VARIANTS: Final = (
    "signInPageTouchPointVariant:BACKGROUND_IMAGE|BACKGROUND_SECONDARY_COLOR|OKTA_DEFAULT!"
    " endUserDashboardTouchPointVariant:FULL_THEME|LOGO_ON_FULL_WHITE_BACKGROUND|OKTA_DEFAULT"
    "|WHITE_LOGO_BACKGROUND! errorPageTouchPointVariant:BACKGROUND_IMAGE"
    "|BACKGROUND_SECONDARY_COLOR|OKTA_DEFAULT! emailTemplateTouchPointVariant:FULL_THEME"
    "|OKTA_DEFAULT! loadingPageTouchPointVariant:NONE|OKTA_DEFAULT"
)


def default_theme() -> Row:
    """The theme a brand begins with."""
    return {
        "logo": None,
        "favicon": None,
        "backgroundImage": None,
        "primaryColorHex": "#1662dd",
        "primaryColorContrastHex": "#000000",
        "secondaryColorHex": "#ebebed",
        "secondaryColorContrastHex": "#000000",
        "signInPageTouchPointVariant": "OKTA_DEFAULT",
        "endUserDashboardTouchPointVariant": "OKTA_DEFAULT",
        "errorPageTouchPointVariant": "OKTA_DEFAULT",
        "emailTemplateTouchPointVariant": "OKTA_DEFAULT",
    }


class Brands(Resource):
    """``/api/v1/brands``. The first brand is old and has no name until it gets one."""

    name = "brands"
    page_size = 20
    kind = "Brand"
    sought = "name*"
    path = _BRAND
    prefix = "bnd"
    verbs: ClassVar[str] = "list create get replace delete"
    created_status = 201
    has_status = False
    stamps = ""
    allow = "GET PUT"
    fields = (
        "name:str removePoweredByOkta:bool=false customPrivacyPolicyUrl:str?"
        " agreeToCustomPrivacyPolicy:bool defaultApp:dict emailDomainId:str locale:str"
    )

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """A privacy policy's address has to be agreed to."""
        kept = checked(call, body, self.fields)
        if before is None:
            checked(call, body, "name:str!")
            kept["isDefault"] = False
        elif "isDefault" in before["fields"]:
            kept["isDefault"] = before["fields"]["isDefault"]
        agreed = kept.pop("agreeToCustomPrivacyPolicy", None)
        if kept["customPrivacyPolicyUrl"] and agreed is not True:
            sentence = "agreeToCustomPrivacyPolicy: must be true to set customPrivacyPolicyUrl"
            raise errors.invalid(call, "agreeToCustomPrivacyPolicy", sentence)
        return kept

    def put_new(self, twin: Twin, kept: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """With a theme."""
        row = super().put_new(twin, kept, owner, **more)
        THEMES.put_new(twin, default_theme(), row["id"])
        return row

    def taken(self, call: Call) -> Exception:
        """409."""
        return errors.refuse(call, 409, "E0000177", "Brand name already exists.")

    def deleting(self, call: Call, row: Row) -> None:
        """Not the default, and none with a domain."""
        if row["hidden"].get("default"):
            sentence = "Cannot delete the default brand."
            raise errors.refuse(call, 409, "E0000202", sentence)
        if any(d["fields"]["brandId"] == row["id"] for d in rows_of(call.twin, "domains")):
            sentence = "Brand associated with a domain cannot be deleted."
            raise errors.refuse(call, 409, "E0000201", sentence)

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """The brand; ``expand`` embeds its themes, domains and email domain."""
        shown = super().shown(call, row)
        wanted = call.request.query.get("expand", "").split(",")
        found: dict[str, Any] = {}
        if "themes" in wanted:
            themes = rows_of(call.twin, "themes", row["id"])
            found["themes"] = [THEMES.shown(call, theme) for theme in themes]
        if "domains" in wanted:
            found["domains"] = self._domains(call, row)
        if "emailDomain" in wanted and "emailDomainId" in row["fields"]:
            held = call.twin["things"].get(("email_domains", row["fields"]["emailDomainId"]))
            if held is not None:
                # Email domains need this module.
                from .email_sending import EMAIL_DOMAINS

                found["emailDomain"] = EMAIL_DOMAINS.shown(call, held)
        return {**shown, "_embedded": found} if found else shown

    def _domains(self, call: Call, row: Row) -> list[dict[str, Any]]:
        domains = rows_of(call.twin, "domains")
        return [DOMAINS.shown(call, d) for d in domains if d["fields"]["brandId"] == row["id"]]

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """To its themes."""
        href = self.href(call, row)
        return {"themes": hinted(f"{href}/themes", "GET"), **super().links(call, row)}

    @route("GET", _BRAND + "/domains", "")
    def list_domains(self, call: Call) -> Response:
        """Its domains."""
        return Response.json({"domains": self._domains(call, self.find(call))})

    # -- pages

    @route("GET", _BRAND + "/pages/error", "")
    @route("GET", _BRAND + "/pages/sign-in", "")
    def get_pages(self, call: Call) -> Response:
        """Links to the versions of a page."""
        row = self.find(call)
        name = self._page_name(call)
        href = link(call, f"brands/{row['id']}/pages/{name}")
        links = {
            "self": hinted(href, "GET"),
            "default": hinted(f"{href}/default", "GET"),
            "customized": hinted(f"{href}/customized", "GET", "PUT", "DELETE"),
            "preview": hinted(f"{href}/preview", "GET", "PUT", "DELETE"),
        }
        return Response.json({"_links": links})

    @route("GET", _BRAND + "/pages/error/default", "")
    @route("GET", _BRAND + "/pages/error/customized", "")
    @route("GET", _BRAND + "/pages/error/preview", "")
    @route("GET", _BRAND + "/pages/sign-in/default", "")
    @route("GET", _BRAND + "/pages/sign-in/customized", "")
    @route("GET", _BRAND + "/pages/sign-in/preview", "")
    @route("GET", _BRAND + "/pages/sign-out/customized", "")
    def get_page(self, call: Call) -> Response:
        """The page; 404 for a version nobody made."""
        row = self.find(call)
        name, version = self._page_name(call), call.request.segments[-1]
        found = row["hidden"].get("pages", {}).get(f"{name}/{version}")
        if found is None and version == "default":
            found = {"pageContent": f"<!DOCTYPE html><html><body>{name}</body></html>"}
            if name == "sign-in":
                found["widgetVersion"] = "*"
        if found is None and name == "sign-out":
            found = {"type": "OKTA_DEFAULT"}
        if found is None:
            raise errors.not_found(call, version, "Page")
        return Response.json(found)

    @route("PUT", _BRAND + "/pages/error/customized", "")
    @route("PUT", _BRAND + "/pages/error/preview", "")
    @route("PUT", _BRAND + "/pages/sign-in/customized", "")
    @route("PUT", _BRAND + "/pages/sign-in/preview", "")
    @route("PUT", _BRAND + "/pages/sign-out/customized", "")
    def put_page(self, call: Call) -> Response:
        """Another page."""
        row = self.find(call)
        name, version = self._page_name(call), call.request.segments[-1]
        fields = {
            "error": "pageContent:text contentSecurityPolicySetting:dict",
            "sign-in": "pageContent:text contentSecurityPolicySetting:dict"
            " widgetCustomizations:dict widgetVersion:str",
            "sign-out": "type:EXTERNALLY_HOSTED|OKTA_DEFAULT! url:str",
        }[name]
        kept = checked(call, body_object(call), fields)
        if kept.get("type") == "EXTERNALLY_HOSTED" and not kept.get("url"):
            raise errors.invalid(call, "url", f"url: {BLANK}")
        pages = {**row["hidden"].get("pages", {}), f"{name}/{version}": kept}
        self.put(call, row, hidden={**row["hidden"], "pages": pages})
        return Response.json(kept)

    @route("DELETE", _BRAND + "/pages/error/customized", "")
    @route("DELETE", _BRAND + "/pages/error/preview", "")
    @route("DELETE", _BRAND + "/pages/sign-in/customized", "")
    @route("DELETE", _BRAND + "/pages/sign-in/preview", "")
    def delete_page(self, call: Call) -> Response:
        """204; the default again."""
        row = self.find(call)
        gone = f"{self._page_name(call)}/{call.request.segments[-1]}"
        pages = {k: v for k, v in row["hidden"].get("pages", {}).items() if k != gone}
        self.put(call, row, hidden={**row["hidden"], "pages": pages})
        return Response(204)

    @route("GET", _BRAND + "/pages/sign-in/widget-versions", "")
    def widget_versions(self, call: Call) -> Response:
        """Versions of the sign-in widget."""
        self.find(call)
        return Response.json(["*", "^7", "7.14", "7.13", "^6", "^5"])

    def _page_name(self, call: Call) -> str:
        name = call.request.segments[call.request.segments.index("pages") + 1]
        return name


BRANDS = Brands()


class Themes(Resource):
    """``/api/v1/brands/{brandId}/themes``."""

    name = "themes"
    kind = "Theme"
    path = _THEME
    parent = BRANDS
    prefix = "the"
    verbs = "list get replace"
    has_status = False
    unique = ""
    stamps = ""
    fields = (
        "primaryColorHex:str! secondaryColorHex:str! primaryColorContrastHex:str=#000000"
        f" secondaryColorContrastHex:str=#000000 {_VARIANTS}"
    )

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """Colours are hexadecimal; images stay."""
        kept = checked(call, body, self.fields)
        for name, value in kept.items():
            if name.endswith("Hex") and not _COLOUR.fullmatch(value):
                raise errors.invalid(call, name, f"{name}: {INVALID}")
        return {**(before["fields"] if before is not None else {}), **kept}

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """Images that nobody uploaded are Okta's."""
        shown = super().shown(call, row)
        base = call.request.base_url
        shown["logo"] = shown["logo"] or f"{base}/assets/img/logos/okta-logo.png"
        shown["favicon"] = shown["favicon"] or f"{base}/favicon.ico"
        return shown

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """To its images."""
        href = self.href(call, row)
        return {
            name: hinted(f"{href}/{name}", "POST", "DELETE")
            for name in ("favicon", "logo", "background-image")
        } | {"self": hinted(href, "GET", "PUT")}

    @route("POST", _THEME + "/logo", "")
    @route("POST", _THEME + "/favicon", "")
    @route("POST", _THEME + "/background-image", "")
    def upload(self, call: Call) -> Response:
        """The image's address; 201, but 200 for a logo."""
        row = self.find(call)
        if b"\x89PNG" not in call.request.body and b"\xff\xd8\xff" not in call.request.body:
            raise errors.invalid(call, "file", "file: The file is not an image")
        mark = call.twin.ids.mint("logo", 20)
        url = f"{call.request.base_url}/fs/bco/1/fs0{mark}"
        self.put(call, row, fields={**row["fields"], _image(call): url})
        return Response.json({"url": url}, 200 if _image(call) == "logo" else 201)

    @route("DELETE", _THEME + "/logo", "")
    @route("DELETE", _THEME + "/favicon", "")
    @route("DELETE", _THEME + "/background-image", "")
    def drop_image(self, call: Call) -> Response:
        """204; Okta's again."""
        row = self.find(call)
        self.put(call, row, fields={**row["fields"], _image(call): None})
        return Response(204)


def _image(call: Call) -> str:
    name = call.request.segments[-1]
    return "backgroundImage" if name == "background-image" else name


class Domains(Resource):
    """``/api/v1/domains``."""

    name = "domains"
    kind = "Domain"
    path = "/api/v1/domains/{domainId}"
    prefix = "OcD"
    verbs = "list create get replace delete"
    created_status = 201
    has_status = False
    unique = "domain"
    stamps = ""
    fields = "domain:str! certificateSourceType:MANUAL|OKTA_MANAGED!"

    def do_list(self, call: Call) -> Response:
        """Not a list but an object around one."""
        rows = self.rows(call.twin)
        return Response.json({"domains": [self.shown(call, row) for row in rows]})

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """A host name; when replaced, only the brand changes."""
        brands = rows_of(call.twin, "brands")
        if before is not None:
            brand = checked(call, body, "brandId:str!")["brandId"]
            if all(row["id"] != brand for row in brands):
                raise errors.not_found(call, brand, "Brand")
            return {**before["fields"], "brandId": brand}
        kept = checked(call, body, self.fields)
        if not _HOST.fullmatch(kept["domain"]) or len(kept["domain"]) > 255:
            raise errors.invalid(call, "domain", f"domain: {INVALID}")
        proof = call.twin.ids.mint("dns", 32, alphabet=HEX)
        subdomain = call.twin["org"]["org"]["subdomain"]
        return {
            **kept,
            "brandId": brands[0]["id"] if brands else None,
            "validationStatus": "NOT_STARTED",
            "dnsRecords": [
                {
                    "fqdn": f"_oktaverification.{kept['domain']}",
                    "values": [proof],
                    "recordType": "TXT",
                },
                {
                    "fqdn": kept["domain"],
                    "values": [f"{subdomain}.customdomains.okta.com"],
                    "recordType": "CNAME",
                },
            ],
        }

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """The first brand's domains do not tell whose they are, as long as it is the only one."""
        shown = super().shown(call, row)
        shown.pop("certificateSourceType")
        if len(rows_of(call.twin, "brands")) < 2:
            shown.pop("brandId")
        return shown

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """To itself and its verification."""
        href = self.href(call, row)
        return {"self": hinted(href, "GET", "DELETE"), "verify": hinted(f"{href}/verify", "POST")}

    @route("POST", "/api/v1/domains/{domainId}/verify", "")
    def verify(self, call: Call) -> Response:
        """VERIFIED: in the universe every DNS record is as it should be."""
        row = self.find(call)
        fields = {**row["fields"], "validationStatus": "VERIFIED"}
        return Response.json(self.shown(call, self.put(call, row, fields=fields)))

    @route("PUT", "/api/v1/domains/{domainId}/certificate", "")
    def certificate(self, call: Call) -> Response:
        """204; only for verified domains."""
        row = self.find(call)
        words = "type:PEM! certificate:text! certificateChain:text privateKey:text!"
        checked(call, body_object(call), words)
        if row["fields"]["validationStatus"] not in ("VERIFIED", "COMPLETED"):
            sentence = "The domain is not verified."
            raise errors.refuse(call, 403, "E0000158", sentence)
        self.put(call, row, fields={**row["fields"], "validationStatus": "COMPLETED"})
        return Response(204)


THEMES = Themes()
DOMAINS = Domains()
RESOURCES: Final = (BRANDS, THEMES, DOMAINS)
