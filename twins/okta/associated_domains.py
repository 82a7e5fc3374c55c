"""Well-known documents that a brand's domain serves for the apps that go with it."""

from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Row, route

from . import errors
from .base import body_object
from .branding import BRANDS
from .fields import BLANK, INVALID
from .resource import Resource, hinted, link, put_thing, rows_of

__all__ = ["RESOURCES"]

_BRAND: Final = "/api/v1/brands/{brandId}/well-known-uris"
_APPLE: Final = "apple-app-site-association"
_ANDROID: Final = "assetlinks.json"
_WEBAUTHN: Final = "webauthn"
_AUTHSRV: Final = {"authsrv": {"apps": ["B7F62B65BN.com.okta.mobile"]}}
"""What Okta adds for Okta Verify."""


class WellKnownUris(Resource):
    """``/api/v1/brands/{brandId}/well-known-uris`` and what the domain serves."""

    name = "well_known"
    kind = "WellKnownURI"
    path = _BRAND + "/{path}"
    verbs: ClassVar[str] = ""

    def _custom(self, call: Call, brand: str, name: str) -> Any:
        row = call.twin["things"].get((self.name, f"{brand}/{name}"))
        return row["fields"]["content"] if row is not None else [] if name == _ANDROID else {}

    def _served(self, call: Call, brand: str, name: str) -> Any:
        content = self._custom(call, brand, name)
        return {**content, **_AUTHSRV} if name == _APPLE else content

    def _name(self, call: Call) -> str:
        name = call.params["path"]
        if name not in (_APPLE, _ANDROID, _WEBAUTHN):
            raise errors.not_found(call, name, self.kind)
        return name

    def _shown(self, call: Call, row: Row, name: str, content: Any, tail: str) -> dict[str, Any]:
        href = link(call, f"brands/{row['id']}/well-known-uris/{name}{tail}")
        allow = ("GET", "PUT") if tail else ("GET",)
        return {"representation": content, "_links": {"self": hinted(href, *allow)}}

    @route("GET", _BRAND, "")
    def get_all(self, call: Call) -> Response:
        """Links, and with ``expand`` what was put there."""
        row = BRANDS.find(call)
        names = (_APPLE, _ANDROID, _WEBAUTHN)
        href = link(call, f"brands/{row['id']}/well-known-uris")
        links = {"self": hinted(href, "GET"), **{n: hinted(f"{href}/{n}", "GET") for n in names}}
        found = {}
        for name in names:
            content = self._custom(call, row["id"], name)
            found[name] = {"customized": self._shown(call, row, name, content, "/customized")}
        return Response.json({"_embedded": found, "_links": links})

    @route("GET", _BRAND + "/{path}", "")
    def get_served(self, call: Call) -> Response:
        """What the domain serves."""
        row, name = BRANDS.find(call), self._name(call)
        return Response.json(self._shown(call, row, name, self._served(call, row["id"], name), ""))

    @route("GET", _BRAND + "/{path}/customized", "")
    @route("PUT", _BRAND + "/{path}/customized", "")
    def customized(self, call: Call) -> Response:
        """What was put there, or shall be."""
        row, name = BRANDS.find(call), self._name(call)
        if call.request.method == "PUT":
            content = body_object(call).get("representation")
            if content is None:
                raise errors.invalid(call, "representation", f"representation: {BLANK}")
            if not isinstance(content, list if name == _ANDROID else dict) or "authsrv" in content:
                raise errors.invalid(call, "representation", f"representation: {INVALID}")
            fields = {"content": content}
            put_thing(call.twin, self.name, "", fields, row["id"], id=name, keyed=True)
        content = self._custom(call, row["id"], name)
        return Response.json(self._shown(call, row, name, content, "/customized"))

    @route("GET", f"/.well-known/{_APPLE}", "")
    @route("GET", f"/.well-known/{_ANDROID}", "")
    @route("GET", f"/.well-known/{_WEBAUTHN}", "")
    def public(self, call: Call) -> Response:
        """Of the organisation's first brand."""
        name = call.request.path.rstrip("/").rpartition("/")[2]
        brand = rows_of(call.twin, "brands")[0]["id"]
        return Response.json(self._served(call, brand, name))


RESOURCES: Final = (WellKnownUris(),)
