"""Authorization servers that trust each other, and the keys their tokens are encrypted with."""

from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Row, route

from . import crypto, errors
from .authservers import SERVERS
from .base import body_object, listed, page
from .fields import BLANK, checked
from .resource import Resource, caller, hinted, link, put_thing, rows_of

__all__ = ["RESOURCES"]

_SERVER: Final = "/api/v1/authorizationServers/{authServerId}"
_KEY: Final = _SERVER + "/resourceservercredentials/keys/{keyId}"


class AssociatedServers(Resource):
    """``…/associatedServers``: the servers whose tokens a server takes in exchange."""

    name = "associated"
    kind = "AuthorizationServer"
    path = _SERVER + "/associatedServers/{associatedServerId}"
    keyed = True
    verbs: ClassVar[str] = "delete"

    def parent_id(self, call: Call) -> str:
        """The server's."""
        return str(SERVERS.find(call)["id"])

    @route("GET", _SERVER + "/associatedServers", "")
    def list_servers(self, call: Call) -> Response:
        """Those it trusts; with ``trusted=false`` the others. ``q`` is the start of the name."""
        own = self.parent_id(call)
        trusted = {row["id"] for row in self.rows(call.twin, own)}
        want = call.request.query.get("trusted", "true").lower() != "false"
        word = call.request.query.get("q", "").casefold()
        rows = [
            row
            for row in rows_of(call.twin, "servers")
            if row["id"] != own
            and (row["id"] in trusted) is want
            and (row["fields"]["name"].casefold().startswith(word) or word == row["id"].casefold())
        ]
        shown, links = page(call, rows, 200, 200)
        return listed([SERVERS.shown(call, row) for row in shown], links)

    @route("POST", _SERVER + "/associatedServers", "")
    def trust(self, call: Call) -> Response:
        """200 with the servers that are now trusted."""
        own = self.parent_id(call)
        keys = checked(call, body_object(call), "trusted:list!")["trusted"]
        if not keys or not all(isinstance(key, str) for key in keys):
            raise errors.invalid(call, "trusted", f"trusted: {BLANK}")
        rows = [SERVERS.by_key(call, key) for key in dict.fromkeys(keys)]
        if any(row["id"] == own for row in rows):
            raise errors.invalid(call, "trusted", "A server cannot trust itself.")
        for row in rows:
            if (self.name, f"{own}/{row['id']}") not in call.twin["things"]:
                put_thing(call.twin, self.name, "", {}, own, id=row["id"], keyed=True)
        return Response.json([SERVERS.shown(call, row) for row in rows])


class EncryptionKeys(Resource):
    """``…/resourceservercredentials/keys``: at most one of them is active."""

    name = "server_encryption"
    kind = "OAuth2ResourceServerJsonWebKey"
    path = _KEY
    prefix = "apk"
    verbs = "list create get delete activate deactivate"
    created_status = 201
    unique = "kid"
    fields = "kid:str! kty:RSA! use:enc|sig! e:str! n:str! status:ACTIVE|INACTIVE=INACTIVE"

    def parent_id(self, call: Call) -> str:
        """The server's."""
        return str(SERVERS.find(call)["id"])

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """An RSA key to encrypt with."""
        kept = checked(call, body, self.fields)
        try:
            size = len(crypto.unb64(kept["n"])) * 8
        except crypto.BadTokenError:
            size = 0
        if size < 2048:
            sentence = "RSA key length is less than '2,048' bits for the given key."
            raise errors.invalid(call, "n", sentence)
        self._unique(call, kept, owner, None)
        status = kept.pop("status")
        row = self.put_new(call.twin, kept, owner, status="INACTIVE", by=caller(call))
        return self._only(call, row) if status == "ACTIVE" else row

    def _only(self, call: Call, row: Row) -> Row:
        """The active key of its server; the one before becomes inactive."""
        for other in self.rows(call.twin, row["parent"]):
            if other["status"] == "ACTIVE" and other["id"] != row["id"]:
                self.put(call, other, status="INACTIVE")
        return self.put(call, row, status="ACTIVE")

    def do_activate(self, call: Call) -> Response:
        """The one that was active before is not any more."""
        return Response.json(self.shown(call, self._only(call, self.find(call))))

    def deleting(self, call: Call, row: Row) -> None:
        """Only inactive ones."""
        if row["status"] == "ACTIVE":
            raise errors.invalid(call, "keyId", "Active keys can't be deleted.")

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """What may be done with it now."""
        href = link(call, f"authorizationServers/{row['parent']}/resourceservercredentials/keys")
        href = f"{href}/{row['id']}"
        if row["status"] == "ACTIVE":
            return {"deactivate": hinted(f"{href}/lifecycle/deactivate", "POST")}
        return {
            "activate": hinted(f"{href}/lifecycle/activate", "POST"),
            "delete": hinted(href, "DELETE"),
        }


RESOURCES: Final = (AssociatedServers(), EncryptionKeys())
