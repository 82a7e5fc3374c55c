"""The organisation's settings."""

from datetime import timedelta
from typing import Any, Final

from factory_tui.universe import Call, Response, Row, iso, parse_time, route

from . import errors
from .base import body_object, now

__all__ = ["Organisation"]

_ORG: Final = "/api/v1/org"
_PRIVACY: Final = _ORG + "/privacy"

_NAMES: Final = """
companyName website phoneNumber endUserSupportHelpURL supportPhoneNumber address1 address2 city
state country postalCode
"""
_CHANGEABLE: Final = frozenset(_NAMES.split())


class Organisation:
    """``/api/v1/org``."""

    @route("GET", "/api/v1/org", "getOrgSettings")
    def get_org(self, call: Call) -> Response:
        """The settings."""
        return Response.json(_shown(call, call.twin["org"]["org"]))

    @route("POST", "/api/v1/org", "updateOrgSettings")
    def update_org(self, call: Call) -> Response:
        """Partial: only what is named changes."""
        return self._change(call, body_object(call))

    @route("PUT", "/api/v1/org", "replaceOrgSettings")
    def replace_org(self, call: Call) -> Response:
        """Strict: what is not named becomes empty."""
        body = body_object(call)
        if not isinstance(body.get("companyName"), str) or not body["companyName"].strip():
            sentence = "companyName: The field cannot be left blank"
            raise errors.invalid(call, "companyName", sentence)
        return self._change(call, dict.fromkeys(_CHANGEABLE) | body)

    @route("GET", _ORG + "/contacts", "listOrgContactTypes")
    def list_contacts(self, call: Call) -> Response:
        """The two kinds of contact."""
        link = f"{call.request.base_url}{_ORG}/contacts"
        return Response.json(
            [
                {"contactType": kind, "_links": {kind.lower(): {"href": f"{link}/{kind.lower()}"}}}
                for kind in call.twin["org"]["contacts"]
            ]
        )

    @route("GET", _ORG + "/contacts/{contactType}", "getOrgContactUser")
    def get_contact(self, call: Call) -> Response:
        """The id of the user."""
        return _contact(call, call.twin["org"]["contacts"][_contact_type(call)])

    @route("PUT", _ORG + "/contacts/{contactType}", "replaceOrgContactUser")
    def replace_contact(self, call: Call) -> Response:
        """Another user."""
        kind = _contact_type(call)
        key = body_object(call).get("userId")
        if not isinstance(key, str) or key not in call.twin["users"]:
            raise errors.not_found(call, str(key), "User")
        call.twin["org"].put("contacts", {**call.twin["org"]["contacts"], kind: key})
        return _contact(call, key)

    @route("GET", _ORG + "/preferences", "getOrgPreferences")
    def get_preferences(self, call: Call) -> Response:
        """Whether end users see Okta's footer."""
        return _footer(call)

    @route("POST", _ORG + "/preferences/showEndUserFooter", "setOrgShowOktaUIFooter")
    @route("POST", _ORG + "/preferences/hideEndUserFooter", "setOrgHideOktaUIFooter")
    def set_footer(self, call: Call) -> Response:
        """Show or hide it."""
        shown = call.operation == "setOrgShowOktaUIFooter"
        call.twin["org"].put("footer", {"showEndUserFooter": shown})
        return _footer(call)

    @route("GET", _PRIVACY + "/oktaCommunication", "getOktaCommunicationSettings")
    def get_communication(self, call: Call) -> Response:
        """Whether users get Okta's news by email."""
        return _communication(call)

    @route("POST", _PRIVACY + "/oktaCommunication/optIn", "optInUsersToOktaCommunicationEmails")
    @route("POST", _PRIVACY + "/oktaCommunication/optOut", "optOutUsersFromOktaCommunicationEmails")
    def set_communication(self, call: Call) -> Response:
        """Opt in or out for all users."""
        out = call.operation == "optOutUsersFromOktaCommunicationEmails"
        call.twin["org"].put("communication", {"optOutEmailUsers": out})
        return _communication(call)

    @route("GET", _PRIVACY + "/oktaSupport", "getOrgOktaSupportSettings")
    def get_support(self, call: Call) -> Response:
        """Whether Okta's support may sign in, and until when."""
        return _support(call)

    @route("POST", _PRIVACY + "/oktaSupport/grant", "grantOktaSupport")
    @route("POST", _PRIVACY + "/oktaSupport/extend", "extendOktaSupport")
    @route("POST", _PRIVACY + "/oktaSupport/revoke", "revokeOktaSupport")
    def set_support(self, call: Call) -> Response:
        """Eight hours from now, a day longer, or no more."""
        row: Row = {"support": "DISABLED", "expiration": None}
        if call.operation != "revokeOktaSupport":
            until = call.twin.clock.now() + timedelta(hours=8)
            old = call.twin["org"]["support"]["expiration"]
            if call.operation == "extendOktaSupport" and old is not None:
                until = parse_time(old) + timedelta(days=1)
            row = {"support": "ENABLED", "expiration": iso(until)[:19] + ".000Z"}
        call.twin["org"].put("support", row)
        return _support(call)

    def _change(self, call: Call, given: dict[str, Any]) -> Response:
        for name, value in given.items():
            if name in _CHANGEABLE and value is not None and not isinstance(value, str):
                raise errors.invalid(call, name, f"{name}: The field has an invalid value")
        draft = call.twin["org"].draft("org")
        draft |= {name: value for name, value in given.items() if name in _CHANGEABLE}
        draft["lastUpdated"] = now(call)
        call.twin["org"].put("org", draft)
        return Response.json(_shown(call, draft))


def _contact_type(call: Call) -> str:
    kind = call.params["contactType"].upper()
    if kind not in call.twin["org"]["contacts"]:
        raise errors.not_found(call, call.params["contactType"], "OrgContactType")
    return kind


def _contact(call: Call, key: str) -> Response:
    href = f"{call.request.base_url}/api/v1/users/{key}"
    return Response.json({"userId": key, "_links": {"user": {"href": href}}})


def _choices(call: Call, path: str, *names: str) -> dict[str, Any]:
    """Links to the changes that are possible now."""
    link = f"{call.request.base_url}{_ORG}/{path}"
    return {name: {"href": f"{link}/{name}", "hints": {"allow": ["POST"]}} for name in names}


def _footer(call: Call) -> Response:
    row = call.twin["org"]["footer"]
    other = "hideEndUserFooter" if row["showEndUserFooter"] else "showEndUserFooter"
    return Response.json({**row, "_links": _choices(call, "preferences", other)})


def _communication(call: Call) -> Response:
    row = call.twin["org"]["communication"]
    other = "optIn" if row["optOutEmailUsers"] else "optOut"
    return Response.json({**row, "_links": _choices(call, "privacy/oktaCommunication", other)})


def _support(call: Call) -> Response:
    row = call.twin["org"]["support"]
    others = ("extend", "revoke") if row["support"] == "ENABLED" else ("grant",)
    return Response.json({**row, "_links": _choices(call, "privacy/oktaSupport", *others)})


def _shown(call: Call, row: Row) -> dict[str, Any]:
    link = f"{call.request.base_url}/api/v1/org"
    return {
        **row,
        "_links": {
            "preferences": {"href": f"{link}/preferences"},
            "uploadLogo": {"href": f"{link}/logo", "hints": {"allow": ["POST"]}},
            "oktaCommunication": {"href": f"{link}/privacy/oktaCommunication"},
            "logo": None,
            "oktaSupport": {"href": f"{link}/privacy/oktaSupport"},
            "contacts": {"href": f"{link}/contacts"},
        },
    }
