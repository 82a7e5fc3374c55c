"""The applications that every organisation has: its own console, dashboard and browser plugin."""

from typing import Any, Final

__all__ = ["BUILT_IN", "built_in"]

BUILT_IN: Final = {
    "saasure": "Okta Admin Console",
    "okta_enduser": "Okta Dashboard",
    "okta_browser_plugin": "Okta Browser Plugin",
}
"""Names and labels."""


def built_in(name: str) -> dict[str, Any]:
    """The fields of one, as organisations of 2025 show it: a client without client settings."""
    return {
        "name": name,
        "label": BUILT_IN[name],
        "accessibility": {"selfService": False, "errorRedirectUrl": None, "loginRedirectUrl": None},
        "visibility": {
            "autoSubmitToolbar": False,
            "hide": {"iOS": False, "web": False},
            "appLinks": {"admin": True} if name == "saasure" else {},
        },
        "features": [],
        "signOnMode": "OPENID_CONNECT",
        "credentials": {
            "userNameTemplate": {"template": "${source.login}", "type": "BUILT_IN"},
            "signing": {},
        },
        "settings": {
            "app": {},
            "notifications": {
                "vpn": {"network": {"connection": "DISABLED"}, "message": None, "helpUrl": None}
            },
            "manualProvisioning": False,
            "implicitAssignment": False,
        },
    }
