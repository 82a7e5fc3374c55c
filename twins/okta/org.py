"""The organisation's settings."""

from typing import Any, Final

from factory_tui.universe import Call, Response, Row, route

from . import errors
from .base import body_object, now

__all__ = ["Organisation"]

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
        if not isinstance(body.get("companyName"), str):
            sentence = "companyName: The field cannot be left blank"
            raise errors.invalid(call, "companyName", sentence)
        return self._change(call, dict.fromkeys(_CHANGEABLE) | body)

    def _change(self, call: Call, given: dict[str, Any]) -> Response:
        for name, value in given.items():
            if name in _CHANGEABLE and value is not None and not isinstance(value, str):
                raise errors.invalid(call, name, f"{name}: The field has an invalid value")
        draft = call.twin["org"].draft("org")
        draft |= {name: value for name, value in given.items() if name in _CHANGEABLE}
        draft["lastUpdated"] = now(call)
        call.twin["org"].put("org", draft)
        return Response.json(_shown(call, draft))


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
