"""mypreferences: what a user has chosen for themselves."""

from typing import Final

from factory_tui.universe import BadBodyError, Response

from .context import Context, empty, operation, reply
from .errors import JiraError

_SYSTEM: Final = {"jira.user.locale": "en_US", "jira.user.timezone": "Etc/UTC"}


def _kept(c: Context) -> dict[str, str]:
    found: dict[str, str] = (c.user or {}).get("preferences", {})
    return found


def _put(c: Context, values: dict[str, str]) -> None:
    c["users"].put(c.me, {**c["users"][c.me], "preferences": values})


def _key(c: Context) -> str:
    key = c.query("key")
    if not key:
        raise JiraError(404, "The key of the preference must be specified.")
    return key


@operation("GET", "/mypreferences", "getPreference")
def get(c: Context) -> Response:
    """A preference, as a bare string."""
    key = _key(c)
    value = _kept(c).get(key, _SYSTEM.get(key))
    if value is None:
        raise JiraError(404, f"key not found: '{key[:60]}'")
    return reply(value)


@operation("PUT", "/mypreferences", "setPreference")
def put(c: Context) -> Response:
    """Set one; the body is a JSON string or plain text."""
    key = _key(c)
    try:
        value = c.call.request.json()
    except BadBodyError:
        value = c.call.request.body.decode("utf-8", "replace")
    if not isinstance(value, str) or not value:
        raise JiraError(404, "The value of the preference must be a string.")
    if len(value) > 255 and key not in _SYSTEM:
        raise JiraError(404, "The value of the preference must not exceed 255 characters.")
    _put(c, {**_kept(c), key: value})
    return empty()


@operation("DELETE", "/mypreferences", "removePreference")
def delete(c: Context) -> Response:
    """Forget one."""
    key = _key(c)
    if key not in _kept(c):
        raise JiraError(404, f"key not found: '{key[:60]}'")
    _put(c, {name: value for name, value in _kept(c).items() if name != key})
    return empty()


@operation("GET", "/mypreferences/locale", "getLocale")
def locale(c: Context) -> Response:
    """The caller's language."""
    return reply({"locale": _kept(c).get("jira.user.locale", "en_US")})


@operation("PUT", "/mypreferences/locale", "setLocale")
def set_locale(c: Context) -> Response:
    """Choose it; none is the site's."""
    value = c.body().get("locale")
    if value is not None and (not isinstance(value, str) or len(value) not in (2, 5)):
        raise JiraError(400, "The locale is not valid.")
    others = {name: kept for name, kept in _kept(c).items() if name != "jira.user.locale"}
    _put(c, {**others, "jira.user.locale": value} if value else others)
    return empty()
