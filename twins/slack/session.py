"""Who calls: a token and the user it acts as, worked out once while neither changes."""

from typing import Final

from factory_tui.universe import Header, Row, Twin

__all__ = ["Session", "session_of"]

_MOST: Final = 20_000


class Session:
    """A token and who it acts as, as they are now. Not to be changed.

    Attributes:
        token: The token's row.
        user: The row of the user it acts as; ``None`` for one that is gone.
        name: The user's, "" for one that is gone.
        scopes: The header that names the token's scopes.
        passed: Names of methods that the token's kind and scopes allow.
        bot: The id of the bot it is, "" for people and apps.
    """

    __slots__ = ("bot", "name", "passed", "scopes", "token", "user")

    def __init__(self, token: Row, user: Row | None) -> None:
        self.token = token
        self.user = user
        self.name = "" if user is None else str(user["name"])
        self.scopes = Header("x-oauth-scopes", ",".join(token["scopes"]))
        self.passed: set[str] = set()
        self.bot = str(user.get("bot_id") or "") if user and token["kind"] == "bot" else ""


# Rows never change once they are in a table, and universes on one seed share its rows.
_known: Final[dict[int, Session]] = {}


def session_of(twin: Twin, given: str) -> Session | None:
    """The session of a token, ``None`` for one that is unknown."""
    token = twin.tables["tokens"].get(given)
    if token is None:
        return None
    user = twin.tables["users"].get(token["user"])
    known = _known.get(id(token))
    # Holding the row keeps its id from being given to another one.
    if known is not None and known.token is token and known.user is user:
        return known
    if len(_known) >= _MOST:
        _known.clear()
    made = _known[id(token)] = Session(token, user)
    return made
