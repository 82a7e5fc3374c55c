"""The registry of implemented Web API methods and what a method's function gets to work with."""

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from factory_tui.universe import Call, Header, Row, Table, Twin

from .body import Arguments
from .errors import SlackError

__all__ = ["METHODS", "Context", "Method", "method"]

Function = Callable[["Context"], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Method:
    """An implemented method.

    Attributes:
        scopes: Any one of them is enough; empty when any valid token will do.
        public: Works without a token.
        kinds: The kinds of token it accepts.
        accepted: The header that names its scopes; ``None`` without any.
    """

    name: str
    function: Function
    scopes: tuple[str, ...]
    public: bool
    kinds: tuple[str, ...]
    accepted: Header | None


METHODS: Final[dict[str, Method]] = {}


def method(
    name: str,
    *scopes: str,
    public: bool = False,
    kinds: tuple[str, ...] = ("bot", "user"),
) -> Callable[[Function], Function]:
    """Register a function as the Web API method ``name``. May be stacked."""

    def register(function: Function) -> Function:
        accepted = Header("x-accepted-oauth-scopes", ",".join(scopes)) if scopes else None
        METHODS[name] = Method(name, function, scopes, public, kinds, accepted)
        return function

    return register


class Context:
    """One call of a method: who calls, with what, on which state.

    Attributes:
        user: The id of the user the token acts as, "" without a token.
        is_bot: Whether the token is a bot's.
    """

    __slots__ = ("args", "call", "is_bot", "token", "twin", "user")

    def __init__(self, call: Call, args: Arguments, token: Row | None) -> None:
        self.call = call
        self.twin: Twin = call.twin
        self.args = args
        self.token = token
        self.user = str(token["user"]) if token else ""
        self.is_bot = bool(token and token["kind"] == "bot")

    def __getitem__(self, table: str) -> Table:
        return self.twin.tables[table]

    @property
    def team(self) -> Row:
        """The workspace."""
        return self.twin.tables["team"].sole()

    @property
    def now(self) -> int:
        """Virtual epoch seconds."""
        return self.twin.clock.epoch()

    def has_scope(self, *scopes: str) -> bool:
        """Whether the token carries any of ``scopes``."""
        if self.token is None:
            return False
        given = self.token["scopes"]
        for scope in scopes:  # noqa: SIM110 - a generator costs more than the search
            if scope in given:
                return True
        return False

    def need_scope(self, *scopes: str) -> None:
        """Raise ``missing_scope`` unless the token carries one of ``scopes``."""
        if scopes and not self.has_scope(*scopes):
            provided = ",".join(self.token["scopes"]) if self.token else ""
            raise SlackError("missing_scope", needed=",".join(scopes), provided=provided)

    def page(
        self,
        rows: Iterable[Row] | Table,
        kind: str,
        *,
        default: int,
        largest: int = 1000,
        limit_error: str = "invalid_limit",
    ) -> tuple[list[Row], dict[str, Any]]:
        """One page of ``rows`` and its ``response_metadata``.

        The rows are a table's or sorted by their number ``n``.
        The cursor names the number where the next page starts, so rows that vanish between
        two pages neither break nor skip anything.
        """
        start, size = self.page_place(
            kind, default=default, largest=largest, limit_error=limit_error
        )
        page: list[Row] = []
        # Of a table the rows before the page are not even looked at.
        for row in rows.rows_from("n", start) if isinstance(rows, Table) else rows:
            if row["n"] < start:
                continue
            if len(page) == size:
                return page, {"next_cursor": make_cursor(kind, row["n"])}
            page.append(row)
        return page, {"next_cursor": ""}

    def page_place(
        self, kind: str, *, default: int, largest: int = 1000, limit_error: str = "invalid_limit"
    ) -> tuple[int, int]:
        """The number ``n`` with which the page starts that is asked for, and its size."""
        asked = self.args.number("limit", error=limit_error)
        if asked is not None and asked < 0:
            raise SlackError(limit_error)
        size = self.twin.page_size(asked or None, default, largest)
        return read_cursor(self.args.text("cursor"), kind), size


def make_cursor(kind: str, number: int) -> str:
    """An opaque cursor in Slack's looks: base64 of ``kind:number``."""
    return base64.b64encode(f"{kind}:{number}".encode()).decode()


def read_cursor(cursor: str, kind: str) -> int:
    """The number in a cursor made by :func:`make_cursor`; 0 when there is no cursor."""
    if not cursor:
        return 0
    try:
        name, _, number = base64.b64decode(cursor, validate=True).decode().partition(":")
        if name != kind or not number.isdecimal() or len(number) > 18:
            raise ValueError(cursor)
        return int(number)
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise SlackError("invalid_cursor") from error
