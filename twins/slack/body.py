"""From an HTTP request to the arguments of a Web API method, in every encoding Slack takes.

Query, form, multipart and JSON carry the same arguments. Lists come as JSON lists, as JSON in a
string or comma-joined; booleans as ``true``, ``1`` or ``"true"``.
"""

from typing import Any

from factory_tui.universe import BadBodyError, Request, read_json, read_parts

from .errors import SlackError

__all__ = ["Arguments", "Head", "bearer", "read_arguments"]


class Head:
    """What the head of a request says about its arguments and its caller.

    Attributes:
        bearer: The token of the ``Authorization`` header, or "".
        query: Arguments of the query.
        bodiless: Whether a body would not be looked at.
        media_type: Of the body.
        charset: Whether one is named.
    """

    __slots__ = ("bearer", "bodiless", "charset", "media_type", "query")

    def __init__(self, request: Request) -> None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        self.bearer = token.strip() if kind.lower() == "bearer" else ""
        self.query = dict(request.query)
        self.bodiless = request.method == "GET"
        self.media_type = request.media_type
        self.charset = "charset=" in request.headers.get("content-type", "").lower()


def bearer(request: Request) -> str:
    """The token of the ``Authorization`` header, or ""."""
    return request.derived(Head).bearer


def read_arguments(request: Request, head: Head | None = None) -> tuple[dict[str, Any], list[str]]:
    """The arguments of a request and the warnings Slack gives about its encoding.

    ``head`` is the request's, where it is known. Raises :class:`SlackError` when the body cannot
    be read.
    """
    head = head or request.derived(Head)
    values: dict[str, Any] = head.query.copy()
    warnings: list[str] = []
    if head.bodiless or not request.body:
        return values, warnings
    kind = head.media_type
    if kind == "application/json":
        try:
            body = read_json(request.body)
        except BadBodyError as error:
            raise SlackError("invalid_json") from error
        if type(body) is not dict:
            raise SlackError("json_not_object")
        if not head.charset:
            warnings.append("missing_charset")
        values = {**values, **body} if values else body
    elif kind == "application/x-www-form-urlencoded":
        if head.charset:
            warnings.append("superfluous_charset")
        try:
            values.update(request.form())
        except BadBodyError as error:
            raise SlackError("invalid_form_data") from error
    elif kind == "multipart/form-data":
        values.update(_multipart(request))
    elif not kind:
        raise SlackError("missing_post_type")
    else:
        raise SlackError("invalid_post_type")
    return values, warnings


def _multipart(request: Request) -> dict[str, Any]:
    try:
        parts = read_parts(request.headers["content-type"], request.body)
    except BadBodyError as error:
        raise SlackError("invalid_form_data") from error
    values: dict[str, Any] = {}
    for part in parts:
        if not part.name:
            raise SlackError("invalid_form_data")
        if part.filename is not None:
            values[part.name] = part.data
            values.setdefault(f"{part.name}.filename", part.filename)
        else:
            values[part.name] = part.data.decode(errors="replace")
    return values


class Arguments:
    """Typed access to a method's arguments; what is malformed raises :class:`SlackError`."""

    __slots__ = ("values",)

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) not in (None, "")

    def text(self, name: str, default: str = "") -> str:
        """A string; numbers are taken as their digits."""
        value = self.values.get(name)
        if type(value) is str:
            return value
        if value is None:
            return default
        if isinstance(value, bool):
            return "1" if value else "0"
        if isinstance(value, str | int | float):
            return str(value)
        if isinstance(value, bytes):
            return value.decode(errors="replace")
        raise SlackError("invalid_arguments", f"[ERROR] must be a string [json-pointer:/{name}]")

    def need(self, name: str, error: str = "") -> str:
        """A string that must be there; without it ``error`` or Slack's general one."""
        value = self.text(name)
        if value:
            return value
        if error:
            raise SlackError(error)
        raise SlackError("invalid_arguments", f"[ERROR] missing required field: {name}")

    def required(self, name: str, error: str) -> str:
        """A string that must be there: ``invalid_arguments`` when it is absent.

        One that is there and empty names nothing, which is ``error``.
        """
        if self.values.get(name) is None:
            raise SlackError("invalid_arguments", f"[ERROR] missing required field: {name}")
        return self.need(name, error)

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean in any of Slack's spellings."""
        value = self.values.get(name)
        if value is None or value == "":
            return default
        return value is True or str(value).lower() in ("1", "true", "yes", "on")

    def number(self, name: str, default: int | None = None, error: str = "") -> int | None:
        """A whole number."""
        if name not in self:
            return default
        try:
            return int(self.text(name))
        except ValueError as bad:
            if error:
                raise SlackError(error) from bad
            message = f"[ERROR] must be an integer [json-pointer:/{name}]"
            raise SlackError("invalid_arguments", message) from bad

    def items(self, name: str) -> list[str]:
        """A list of strings, from a list, JSON text or comma-joined text."""
        value = self.values.get(name)
        if isinstance(value, str) and value.lstrip().startswith("["):
            try:
                value = read_json(value)
            except BadBodyError as error:
                raise SlackError("invalid_array_arg") from error
        if value is None:
            return []
        if isinstance(value, list):
            if not all(isinstance(item, str | int) for item in value):
                raise SlackError("invalid_array_arg")
            return [str(item).strip() for item in value if str(item).strip()]
        return [item.strip() for item in self.text(name).split(",") if item.strip()]

    def json(self, name: str, error: str) -> Any:
        """A structure, given as such or as JSON text; ``None`` when absent."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str | bytes):
            try:
                return read_json(value)
            except BadBodyError as bad:
                raise SlackError(error) from bad
        return value
