"""What the parts of OAuth 2.0 share: refusals, forms and the issuer that a path names."""

from dataclasses import dataclass
from typing import Any

from factory_tui.universe import BadBodyError, Call, Response, Row

from . import errors

__all__ = [
    "Issuer",
    "Refusal",
    "answering",
    "form_of",
    "issuer_at",
    "issuer_of",
    "no",
    "refused",
]


class Refusal(Exception):
    """An OAuth error on its way to the client.

    Attributes:
        code: ``invalid_grant`` and the like.
        sentence: For ``error_description``.
        status: Of the answer, where it is not told by a redirect.
        headers: Of that answer.
        more: Further members of its body.
    """

    def __init__(
        self,
        code: str,
        sentence: str,
        status: int = 400,
        headers: dict[str, str] | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence
        self.status = status
        self.headers = headers or {}
        self.more = more or {}

    @property
    def response(self) -> Response:
        """As the body of an answer."""
        body = {"error": self.code, "error_description": self.sentence, **self.more}
        return Response.json(body, self.status, list(self.headers.items()))


def no(code: str, sentence: str, status: int = 400, **headers: str) -> Refusal:
    """A refusal; underscores in the names of headers are hyphens."""
    return Refusal(code, sentence, status, {k.replace("_", "-"): v for k, v in headers.items()})


def refused(status: int, code: str, sentence: str) -> Response:
    """A refusal as an answer."""
    return Refusal(code, sentence, status).response


def answering(call: Call, handler: Any) -> Response:
    """What ``handler`` answers or refuses."""
    try:
        response: Response = handler(call)
    except Refusal as refusal:
        return refusal.response
    return response


def form_of(call: Call) -> dict[str, str]:
    """The body as a form."""
    try:
        return call.request.form()
    except BadBodyError as problem:
        raise no("invalid_request", "The request body is not a form.") from problem


@dataclass(frozen=True, slots=True)
class Issuer:
    """The organisation's authorization server, or a custom one.

    Attributes:
        url: The ``iss`` of its tokens.
        server: The custom server's row, ``None`` for the organisation's.
        endpoints: What the addresses of its endpoints begin with.
    """

    url: str
    server: Row | None
    endpoints: str

    @property
    def id(self) -> str:
        """The custom server's id, "" for the organisation's."""
        return str(self.server["id"]) if self.server is not None else ""


def issuer_at(call: Call, key: str) -> Issuer | None:
    """The issuer with a custom server's id ("" for the organisation's), if it is active."""
    base = call.request.base_url
    if not key:
        return Issuer(base, None, f"{base}/oauth2/v1")
    row = call.twin["things"].get(("servers", key))
    if row is None or row["status"] != "ACTIVE":
        return None
    return Issuer(f"{base}/oauth2/{key}", row, f"{base}/oauth2/{key}/v1")


def issuer_of(call: Call) -> Issuer:
    """The issuer that the path names; refuses with 404."""
    key = call.params.get("authorizationServerId", "")
    found = issuer_at(call, key)
    if found is None:
        raise errors.not_found(call, key, "AuthorizationServer")
    return found
