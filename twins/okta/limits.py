"""API tokens, principal rate limits and the settings of rate limits."""

from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Row, Twin, op, route

from . import errors
from .base import body_object, now
from .expressions import ExpressionError, compile_expression
from .fields import INVALID, checked
from .resource import Resource, caller, hinted, link, put_thing

__all__ = ["RESOURCES", "TokenOps"]

_SETTINGS: Final = "/api/v1/rate-limit-settings"


def _token_id(token: str) -> str:
    return f"00T{token[2:19]}".replace("-", "a").replace("_", "b")


class ApiTokens(Resource):
    """``/api/v1/api-tokens``: the tokens there are; nobody makes one through the API."""

    name = "api_tokens"
    kind = "Token"
    path = "/api/v1/api-tokens/{apiTokenId}"
    verbs: ClassVar[str] = "list get replace delete"

    def rows(self, twin: Twin, owner: str = "") -> list[Row]:
        """From the table of tokens."""
        return [
            {"id": _token_id(str(key)), "token": key, "n": n, **row}
            for n, (key, row) in enumerate(twin["tokens"].items(), 1)
            if not row.get("revoked")
        ]

    def do_list(self, call: Call) -> Response:
        """All of them, in one page: there is no ``limit``."""
        return Response.json([self.shown(call, row) for row in self.rows(call.twin)])

    def by_key(self, call: Call, key: str, owner: str = "") -> Row:
        """By id."""
        for row in self.rows(call.twin):
            if row["id"] == key:
                return row
        raise errors.not_found(call, key, self.kind)

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """Never the token itself."""
        when = row.get("created") or "2025-06-02T08:00:00.000Z"
        href = link(call, f"api-tokens/{row['id']}")
        return {
            "id": row["id"],
            "name": row["name"],
            "userId": row["user"],
            "clientName": row.get("clientName", "Okta API"),
            "tokenWindow": "P30D",
            "network": row.get("network", {"connection": "ANYWHERE"}),
            "expiresAt": row.get("expiresAt", "2099-12-31T00:00:00.000Z"),
            "created": when,
            "lastUpdated": row.get("lastUpdated", when),
            "_links": {
                "self": hinted(href, "GET", "DELETE"),
                "user": hinted(link(call, f"users/{row['user']}"), "GET"),
            },
        }

    def do_replace(self, call: Call) -> Response:
        """Name, owner and network."""
        row = self.find(call)
        body = body_object(call)
        kept = checked(call, body, "name:str! userId:str network:dict clientName:str")
        kept["user"] = kept.pop("userId", row["user"])
        if kept["user"] not in call.twin["users"]:
            raise errors.not_found(call, kept["user"], "User")
        changed = {**call.twin["tokens"][row["token"]], **kept, "lastUpdated": now(call)}
        call.twin["tokens"].put(row["token"], changed)
        return Response.json(self.shown(call, {**row, **changed}))

    def do_delete(self, call: Call) -> Response:
        """204; the token is worth nothing from then on."""
        call.twin["tokens"].delete(self.find(call)["token"])
        return Response(204)

    @route("DELETE", "/api/v1/api-tokens/current", "")
    def revoke_current(self, call: Call) -> Response:
        """204; the token that this request carries."""
        value = call.request.headers.get("authorization", "")
        token = value[4:].strip() if value[:4].upper() == "SSWS" else ""
        if not call.twin["tokens"].delete(token):
            raise errors.refuse(call, 401, *errors.STATUS_ERRORS[401])
        return Response(204)


class TokenOps:
    """What scenarios can do that the API cannot."""

    @op("add_tokens")
    def add_tokens(self, twin: Twin, args: Any) -> list[Row]:
        """``[{name, user: email}]``: API tokens. Returns ``id``, ``name`` and ``token``."""
        made = []
        for item in args["add_tokens"] if isinstance(args, dict) and "add_tokens" in args else args:
            user = twin["users"].first("login", item["user"].lower())
            if user is None:
                raise KeyError(f"there is no user {item['user']}")
            token = twin.ids.mint("token", 40, prefix="00")
            row = {"user": user["id"], "name": item["name"], "created": now(twin)}
            twin["tokens"].put(token, row)
            made.append({"id": _token_id(token), "name": item["name"], "token": token})
        return made


class PrincipalLimits(Resource):
    """``/api/v1/principal-rate-limits``: what part of the limits a token or client may use."""

    name = "principal_limits"
    kind = "PrincipalRateLimit"
    path = "/api/v1/principal-rate-limits/{principalRateLimitId}"
    prefix = "prl"
    verbs = "list create get replace"
    unique = ""
    fields = (
        "principalId:str! principalType:SSWS_TOKEN|OAUTH_CLIENT! defaultPercentage:int=50"
        " defaultConcurrencyPercentage:int=50"
    )

    def rows(self, twin: Twin, owner: str = "") -> list[Row]:
        """Every API token has one from the start, every client from when it is made."""
        known = super().rows(twin, owner)
        have = {row["fields"]["principalId"] for row in known}
        wanted = [(row["id"], "SSWS_TOKEN") for row in TOKENS.rows(twin)]
        for app in twin["things"].find("of", ("apps", "")):
            row = twin["things"][app]
            client = row["fields"]["credentials"].get("oauthClient")
            if client is not None:
                wanted.append((client["client_id"], "OAUTH_CLIENT"))
        for key, kind in wanted:
            if key not in have:
                fields = {
                    "principalId": key,
                    "principalType": kind,
                    "defaultPercentage": 50,
                    "defaultConcurrencyPercentage": 50,
                }
                put_thing(twin, self.name, self.prefix, fields)
        return super().rows(twin, owner)

    def do_list(self, call: Call) -> Response:
        """``filter`` has to name the kind of principal."""
        text = call.request.query.get("filter", "")
        if "principalType" not in text:
            sentence = "The provided filter parameter did not contain the required attrbute filter"
            cause = f'{sentence} "principalType"'
            raise errors.invalid(call, "principalRateLimitMediated", cause)
        try:
            matches = compile_expression(text, True, ("principalType", "principalId"), "eq")
        except ExpressionError as problem:
            raise errors.bad_search(call, str(problem)) from None
        rows = [row for row in self.rows(call.twin) if matches(row["fields"])]
        return Response.json([self.shown(call, row) for row in rows])

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """A principal there is, which has no limit yet."""
        kept = checked(call, body, self.fields)
        for name in ("defaultPercentage", "defaultConcurrencyPercentage"):
            if not 0 <= kept[name] <= 100:
                raise errors.invalid(call, name, f"{name}: {INVALID}")
        if before is not None:
            same = ("principalId", "principalType")
            if any(kept[name] != before["fields"][name] for name in same):
                raise errors.invalid(
                    call, "principalId", "principalId: The field cannot be changed"
                )
            return kept
        known = [r["fields"] for r in self.rows(call.twin)]
        if all(row["principalId"] != kept["principalId"] for row in known):
            kind = "Token" if kept["principalType"] == "SSWS_TOKEN" else "PublicClientApp"
            raise errors.not_found(call, kept["principalId"], kind)
        raise errors.refuse(
            call, 400, "E0000001", "Api validation failed: principalRateLimitMediated"
        )

    def find(self, call: Call) -> Row:
        """By id."""
        self.rows(call.twin)
        return super().find(call)

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """With names of its own for the times, to the second."""
        owner = row["createdBy"] or caller(call)
        return {
            "id": row["id"],
            "orgId": call.twin["org"]["org"]["id"],
            **row["fields"],
            "lastUpdate": row["lastUpdated"][:19] + "Z",
            "lastUpdatedBy": row["lastUpdatedBy"] or owner,
            "createdDate": row["created"][:19] + "Z",
            "createdBy": owner,
        }


class LimitSettings(Resource):
    """``/api/v1/rate-limit-settings``."""

    name = "limit_settings"
    kind = "RateLimitSettings"
    path = _SETTINGS
    verbs = ""

    @route("GET", _SETTINGS + "/admin-notifications", "")
    @route("GET", _SETTINGS + "/per-client", "")
    @route("GET", _SETTINGS + "/warning-threshold", "")
    def get(self, call: Call) -> Response:
        """As they are."""
        name = call.request.path.rstrip("/").rpartition("/")[2]
        row = call.twin["things"].get((self.name, name))
        return Response.json(row["fields"] if row is not None else _DEFAULTS[name])

    @route("PUT", _SETTINGS + "/admin-notifications", "")
    @route("PUT", _SETTINGS + "/per-client", "")
    @route("PUT", _SETTINGS + "/warning-threshold", "")
    def replace(self, call: Call) -> Response:
        """As they shall be."""
        name = call.request.path.rstrip("/").rpartition("/")[2]
        kept = checked(call, body_object(call), _DECLARED[name])
        if not 30 <= kept.get("warningThreshold", 60) <= 90:
            raise errors.invalid(call, "warningThreshold", f"warningThreshold: {INVALID}")
        put_thing(call.twin, self.name, "", kept, id=name)
        return Response.json(kept)


_DEFAULTS: Final[dict[str, Row]] = {
    "admin-notifications": {"notificationsEnabled": True},
    "per-client": {"defaultMode": "ENFORCE"},
    "warning-threshold": {"warningThreshold": 60},
}
_DECLARED: Final = {
    "admin-notifications": "notificationsEnabled:bool!",
    "per-client": "defaultMode:ENFORCE|DISABLE|PREVIEW! useCaseModeOverrides:dict",
    "warning-threshold": "warningThreshold:int!",
}
TOKENS = ApiTokens()
RESOURCES: Final = (TOKENS, PrincipalLimits(), LimitSettings())
