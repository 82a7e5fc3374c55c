"""The device authorization endpoint: a code for the device, another one for its user."""

from typing import Final

from factory_tui.universe import Call, Response, route

from .oauth_clients import client_of, client_settings
from .oauth_core import answering, form_of, issuer_of, no
from .oauth_grants import DEVICE_CODE
from .resource import put_thing

__all__ = ["DeviceGrant"]

_SECONDS: Final = 600
_INTERVAL: Final = 5
_CODE_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class DeviceGrant:
    """``/device/authorize``."""

    @route("POST", "/oauth2/v1/device/authorize", "deviceAuthorize")
    @route(
        "POST",
        "/oauth2/{authorizationServerId}/v1/device/authorize",
        "deviceAuthorizeCustomAS",
    )
    def device_authorize(self, call: Call) -> Response:
        """Codes that last ten minutes."""
        return answering(call, _authorize)


def _authorize(call: Call) -> Response:
    issuer, form = issuer_of(call), form_of(call)
    client = client_of(call, form)
    if DEVICE_CODE not in client_settings(client)["grant_types"]:
        sentence = f"The client is not authorized to use the provided grant type: {DEVICE_CODE}."
        raise no("unauthorized_client", sentence)
    scopes = form.get("scope", "").split()
    if not scopes:
        raise no("invalid_scope", "The authorization request must specify a 'scope'.")
    mint = call.twin.ids.mint
    device = mint("device_code", 43, alphabet=_LETTERS)
    user = mint("user_code", 8, alphabet=_CODE_LETTERS)
    hidden = {
        "app": client["id"],
        "server": issuer.id,
        "scopes": scopes,
        "userCode": user,
        "until": call.twin.clock.epoch() + _SECONDS,
        "state": "pending",
        "user": "",
    }
    put_thing(call.twin, "device_codes", "", {}, id=device, hidden=hidden)
    page = f"{call.request.base_url}/activate"
    return Response.json(
        {
            "device_code": device,
            "user_code": user,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={user}",
            "expires_in": _SECONDS,
            "interval": _INTERVAL,
        }
    )
