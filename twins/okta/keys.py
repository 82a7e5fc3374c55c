"""Key pairs of applications, identity providers and authorization servers, and their requests."""

from datetime import timedelta
from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Row, Twin, iso, parse_time

from . import crypto, errors
from .base import body_object, now, whole
from .fields import BLANK, INVALID, checked
from .resource import Resource, hinted, put_thing, rows_of

__all__ = ["ROTATION_DAYS", "Csrs", "KeyPairs", "ServerKeys", "new_key", "public", "signing_key"]

ROTATION_DAYS: Final = 90
"""How long a key signs before an authorization server takes the next by itself."""
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_SUBJECT: Final = (
    "countryName:str stateOrProvinceName:str localityName:str organizationName:str"
    " organizationalUnitName:str commonName:str"
)


def new_key(twin: Twin, resource: str, owner: str, years: int, **more: Any) -> Row:
    """Put a new key pair that is good for some years."""
    number = twin.ids.count("rsa")
    kid = twin.ids.mint("kid", 43, alphabet=_LETTERS)
    begins = twin.clock.now()
    ends = begins + timedelta(days=365 * years + years // 4)
    x5c, x5t = crypto.certificate(crypto.key_of(number), number + 1, "okta", begins, ends)
    fields = {
        "kty": "RSA",
        "expiresAt": iso(ends)[:19] + ".000Z",
        "kid": kid,
        "use": "sig",
        "x5c": [x5c],
        "x5t#S256": x5t,
    }
    hidden = {"rsa": number}
    return put_thing(twin, resource, "", fields, owner, id=kid, keyed=True, hidden=hidden, **more)


def signing_key(row: Row) -> crypto.Key:
    """The key pair of a row."""
    return crypto.key_of(row["hidden"]["rsa"])


def public(row: Row) -> dict[str, Any]:
    """The public part as a JSON web key."""
    return {
        "kty": "RSA",
        "e": "AQAB",
        "n": signing_key(row).modulus,
        "kid": row["id"],
        "use": "sig",
    }


class KeyPairs(Resource):
    """``…/credentials/keys`` of an application or identity provider."""

    kind = "JsonWebKey"
    keyed = True
    verbs: ClassVar[str] = "list get"
    has_status = False
    unique = ""
    target: ClassVar[str]
    """The query parameter that names whom a key is cloned to."""

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """The public key and its certificate."""
        stamps = {"created": row["created"], "lastUpdated": row["lastUpdated"]}
        return {**row["fields"], **stamps, "e": "AQAB", "n": signing_key(row).modulus}

    def generate(self, call: Call) -> Response:
        """201 with a new key; ``validityYears`` from 2 to 10."""
        owner = self.parent_id(call)
        years = whole(call, "validityYears")
        if years is None or not 2 <= years <= 10:
            sentence = "validityYears: The value must be between 2 and 10."
            raise errors.invalid(call, "validityYears", sentence)
        return self._made(call, new_key(call.twin, self.name, owner, years))

    def _made(self, call: Call, row: Row) -> Response:
        # The path names whom a clone was taken from.
        where = self.href(call, row).replace(self.parent_id(call), row["parent"])
        return Response.json(self.shown(call, row), 201, [("location", where)])

    def clone(self, call: Call) -> Response:
        """201; another owner gets the same key."""
        row = self.find(call)
        parent = self.parent
        assert parent is not None
        wanted = call.request.query.get(self.target)
        if not wanted:
            raise errors.invalid(call, self.target, f"{self.target}: {BLANK}")
        owner = parent.by_key(call, wanted)["id"]
        if (self.name, f"{owner}/{row['id']}") in call.twin["things"]:
            raise errors.invalid(call, "kid", "Key already exists in the list of credentials")
        number = call.twin.ids.count("n/things", 1_000_000)
        copy = {**row, "parent": owner, "key": f"{owner}/{row['id']}", "n": number}
        call.twin["things"].put((self.name, copy["key"]), copy)
        return self._made(call, copy)


class Csrs(Resource):
    """``…/credentials/csrs`` of an application or identity provider."""

    kind = "Csr"
    verbs: ClassVar[str] = "list create get delete"
    has_status = False
    unique = ""
    stamps = "created"
    created_status = 201
    allow = "GET DELETE"
    keys: ClassVar[KeyPairs]

    def do_create(self, call: Call) -> Response:
        """201 with a request that is signed with a new key."""
        owner = self.parent_id(call)
        body = checked(call, body_object(call), "subject:dict! subjectAltNames:dict")
        subject = checked(call, body["subject"], _SUBJECT)
        names = body.get("subjectAltNames", {}).get("dnsNames", [])
        if not isinstance(names, list) or not all(
            isinstance(n, str) and n.isascii() for n in names
        ):
            raise errors.invalid(call, "subjectAltNames", f"subjectAltNames: {INVALID}")
        number = call.twin.ids.count("rsa")
        csr = crypto.request(crypto.key_of(number), subject, names)
        key = call.twin.ids.mint("csr", 43, alphabet=_LETTERS)
        fields = {"csr": csr, "kty": "RSA"}
        row = self.put_new(call.twin, fields, owner, id=key, hidden={"rsa": number})
        where = [("location", self.href(call, row))]
        return Response.json(self.shown(call, row), 201, where)

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """To itself and to its publication."""
        href = self.href(call, row)
        publish = hinted(f"{href}/lifecycle/publish", "POST")
        return {"publish": publish, **super().links(call, row)}

    def publish(self, call: Call) -> Response:
        """201; the certificate somebody issued for it becomes a key of its owner."""
        row = self.find(call)
        if not call.request.body:
            raise errors.invalid(call, "certificate", f"certificate: {BLANK}")
        key = new_key(call.twin, self.keys.name, row["parent"], 2)
        self.remove(call.twin, row)
        return Response.json(self.keys.shown(call, key), 201)


class ServerKeys(Resource):
    """``…/credentials/keys`` of an authorization server: the active key, the next, the expired."""

    name = "server_keys"
    kind = "JsonWebKey"
    keyed = True
    verbs: ClassVar[str] = "list get"
    unique = ""

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """The public key with its status."""
        href = self.href(call, row)
        return {
            "status": row["status"],
            "alg": "RS256",
            **public(row),
            "_links": {"self": hinted(href, "GET")},
        }

    def rows(self, twin: Twin, owner: str = "") -> list[Row]:
        """There is an active one from the start."""
        self.active(twin, owner)
        return super().rows(twin, owner)

    def active(self, twin: Twin, owner: str) -> Row:
        """The key that signs now: made at first use, in AUTO mode another one every 90 days."""
        row = self._with(twin, owner, "ACTIVE")
        if row is None:
            return new_key(twin, self.name, owner, 2)
        server = twin["things"].get(("servers", owner))
        manual = server is not None and server["fields"].get("rotationMode") == "MANUAL"
        due = parse_time(row["lastUpdated"]) + timedelta(days=ROTATION_DAYS)
        if not manual and due <= twin.clock.now():
            return self.rotate(twin, owner)
        return row

    def _with(self, twin: Twin, owner: str, status: str) -> Row | None:
        for row in rows_of(twin, self.name, owner):
            if row["status"] == status:
                return row
        return None

    def rotate(self, twin: Twin, owner: str) -> Row:
        """The next key becomes active, the active one expires, the expired one is gone."""
        things, when = twin["things"], now(twin)
        old, following = self._with(twin, owner, "ACTIVE"), self._with(twin, owner, "NEXT")
        expired = self._with(twin, owner, "EXPIRED")
        if expired is not None:
            things.delete((self.name, expired["key"]))
        if old is not None:
            things.put((self.name, old["key"]), {**old, "status": "EXPIRED", "lastUpdated": when})
        if following is None:
            row = new_key(twin, self.name, owner, 2)
        else:
            row = {**following, "status": "ACTIVE", "lastUpdated": when}
            things.put((self.name, row["key"]), row)
        new_key(twin, self.name, owner, 2, status="NEXT")
        return row
