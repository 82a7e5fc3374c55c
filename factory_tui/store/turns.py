"""Turns: an immutable DAG of what was said, with conversations as movable heads into it.

Every turn carries a skew-binary jump pointer (Myers 1983), so that an ancestor at any depth
and the common ancestor of two turns take O(log n) steps; a fork is one row in ``context``.
Turn, head, log entry and idempotency key are written in one transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import orjson

from .blobs import Sealed, seal, store_blob, unseal
from .codec import dumps, loads
from .connection import Repository
from .errors import HeadMoved, UnknownContext, UnknownTurn
from .journal import now_ms
from .rows import ContextRow, LogRow, TurnRow

__all__ = ["Turns"]

_TURN: Final = """SELECT t.id, t.context_id, t.parent_id, t.depth, y.type_id, y.version, b.hash,
  t.created_ms, b.codec, b.data
  FROM {source} JOIN type y ON y.id = t.type LEFT JOIN blob b ON b.id = t.blob"""

_ONE: Final = _TURN.format(source="turn t") + " WHERE t.id = ?"

_CHAIN: Final = (
    "WITH RECURSIVE chain(id) AS (SELECT ? UNION ALL"
    " SELECT p.parent_id FROM chain JOIN turn p ON p.id = chain.id"
    " WHERE p.parent_id IS NOT NULL LIMIT ?) "
    + _TURN.format(source="chain JOIN turn t ON t.id = chain.id")
    + " ORDER BY t.depth"
)

_CONTEXT: Final = (
    "SELECT id, run_id, tag, title, labels, head_id, base_id, created_ms, updated_ms FROM context"
)


class Turns(Repository):
    """Conversations: start, append, read back, fork, compare."""

    def new_context(
        self,
        *,
        tag: str,
        title: str = "",
        base_turn: int | None = None,
        labels: Sequence[str] = (),
        run_id: str = "",
    ) -> int:
        """Start a conversation, empty or on top of a turn; gives its id.

        Args:
            tag: what it is, for example "builder".
            title: for people.
            base_turn: the turn it continues from.
            labels: words to find it by.
            run_id: the run it belongs to (its turns are exported and removed with the run).

        Raises:
            UnknownTurn: there is no such base turn.
        """
        with self._db.write() as db:
            return _create(db, "create", base_turn, run_id, tag, title, labels)

    def fork(self, turn_id: int, *, tag: str, title: str = "", labels: Sequence[str] = ()) -> int:
        """A new conversation that shares everything up to ``turn_id``; nothing is copied.

        It belongs to the run in which that turn was appended.

        Raises:
            UnknownTurn: there is no such turn.
        """
        with self._db.write() as db:
            row = db.execute(
                "SELECT c.run_id FROM turn t JOIN context c ON c.id = t.context_id WHERE t.id = ?",
                (turn_id,),
            ).fetchone()
            return _create(db, "fork", turn_id, row[0] if row else "", tag, title, labels)

    def context(self, context: int) -> ContextRow:
        """One conversation. Raises ``UnknownContext``."""
        row = self._db.one(f"{_CONTEXT} WHERE id = ?", (context,))
        if row is None:
            raise UnknownContext(f"There is no conversation {context}.")
        return _context(row)

    def contexts(self, run_id: str, tag: str | None = None) -> list[ContextRow]:
        """The conversations of a run (with this tag), oldest first."""
        rows = self._db.all(
            f"{_CONTEXT} WHERE run_id = ?1 AND (?2 IS NULL OR tag = ?2) ORDER BY id",
            (run_id, tag),
        )
        return [_context(row) for row in rows]

    def append_turn(
        self,
        context: int,
        payload: Any,
        *,
        type_id: str,
        version: int = 1,
        idempotency_key: str = "",
        expect_head: int | None = None,
    ) -> TurnRow:
        """Add a turn at the head of a conversation; it is on disk when this returns.

        Args:
            context: the conversation.
            payload: anything JSON can say.
            type_id: what the payload is, with ``version`` its format.
            idempotency_key: a second append with the same key adds nothing and gives the
                first turn, whatever its payload.
            expect_head: the turn that must be the head now (0: the conversation is empty).

        Raises:
            UnknownContext: there is no such conversation.
            HeadMoved: the head is not ``expect_head``.
        """
        raw = orjson.dumps(payload)
        sealed = seal(raw)
        with self._db.write() as db:
            turn = _append(db, context, sealed, type_id, version, idempotency_key, expect_head)
            row = db.execute(_ONE, (turn,)).fetchone()
        return _turn(row)

    def turn(self, turn_id: int) -> TurnRow:
        """One turn. Raises ``UnknownTurn``."""
        row = self._db.one(_ONE, (turn_id,))
        if row is None:
            raise UnknownTurn(f"There is no turn {turn_id}.")
        return _turn(row)

    def turns(
        self, context: int, *, limit: int | None = None, before: int | None = None
    ) -> list[TurnRow]:
        """The last ``limit`` turns of a conversation (all without it), oldest first.

        Args:
            context: the conversation.
            limit: how many at most.
            before: only what came before this turn of the conversation; to page backwards,
                give the first id of the page at hand.

        Raises:
            UnknownContext: there is no such conversation.
            UnknownTurn: ``before`` is not a turn of it.
        """
        head = self.context(context).head
        if before is not None:
            depth, parent, _ = self._links(before)
            if (
                head is None
                or depth > self._links(head)[0]
                or (self.ancestor_at(head, depth) != before)
            ):
                raise UnknownTurn(f"Turn {before} is not part of conversation {context}.")
            head = parent
        if head is None or limit == 0:
            return []
        rows = self._db.all(_CHAIN, (head, -1 if limit is None else limit))
        return [_turn(row) for row in rows]

    def ancestor_at(self, turn: int, depth: int) -> int:
        """The ancestor of a turn (or the turn itself) at a depth; a root has depth 0.

        Raises:
            UnknownTurn: there is no such turn, or it is not that deep.
        """
        at, parent, jump = self._links(turn)
        if not 0 <= depth <= at:
            raise UnknownTurn(f"Turn {turn} has depth {at}, so no ancestor at {depth}.")
        while at > depth:
            assert parent is not None and jump is not None  # only a root has none
            landing = self._links(jump)
            if landing[0] >= depth:
                turn, (at, parent, jump) = jump, landing
            else:
                turn, (at, parent, jump) = parent, self._links(parent)
        return turn

    def common_ancestor(self, a: int, b: int) -> int | None:
        """The deepest turn that both continue from, ``None`` for unrelated conversations.

        Raises:
            UnknownTurn: one of them does not exist.
        """
        depth = min(self._links(a)[0], self._links(b)[0])
        a, b = self.ancestor_at(a, depth), self.ancestor_at(b, depth)
        # equal depth means equal jump lengths, so both sides can jump in step
        while a != b:
            (_, parent_a, jump_a), (_, parent_b, jump_b) = self._links(a), self._links(b)
            if parent_a is None or parent_b is None or jump_a is None or jump_b is None:
                return None
            a, b = (parent_a, parent_b) if jump_a == jump_b else (jump_a, jump_b)
        return a

    def turn_log(self, *, after: int = 0, limit: int = 1000) -> list[LogRow]:
        """How heads moved, in order of commit: what a mirror follows."""
        rows = self._db.all(
            "SELECT seq, kind, context_id, turn_id, ts_ms FROM log WHERE seq > ?"
            " ORDER BY seq LIMIT ?",
            (after, limit),
        )
        return [LogRow(*row) for row in rows]

    def _links(self, turn: int) -> tuple[int, int | None, int | None]:
        row = self._db.one("SELECT depth, parent_id, jump_id FROM turn WHERE id = ?", (turn,))
        if row is None:
            raise UnknownTurn(f"There is no turn {turn}.")
        return row[0], row[1], row[2]


def _create(
    db: sqlite3.Connection,
    kind: str,
    base: int | None,
    run_id: str,
    tag: str,
    title: str,
    labels: Sequence[str],
) -> int:
    if base is not None and not db.execute("SELECT 1 FROM turn WHERE id=?", (base,)).fetchone():
        raise UnknownTurn(f"There is no turn {base}.")
    now = now_ms()
    context = db.execute(
        "INSERT INTO context(run_id, tag, title, labels, head_id, base_id, created_ms, updated_ms)"
        " VALUES(?,?,?,?,?,?,?,?)",
        (run_id, tag, title, dumps(list(labels)), base, base, now, now),
    ).lastrowid
    assert context is not None
    _log(db, kind, context, base, now)
    return context


def _append(
    db: sqlite3.Connection,
    context: int,
    sealed: Sealed,
    type_id: str,
    version: int,
    key: str,
    expect_head: int | None,
) -> int:
    row = db.execute("SELECT head_id FROM context WHERE id = ?", (context,)).fetchone()
    if row is None:
        raise UnknownContext(f"There is no conversation {context}.")
    parent = row[0]
    if key:
        seen = db.execute(
            "SELECT turn_id FROM idem WHERE context_id = ? AND key = ?", (context, key)
        ).fetchone()
        if seen:
            return int(seen[0])
    if expect_head is not None and (parent or 0) != expect_head:
        raise HeadMoved(f"The head of conversation {context} is {parent or 0}, not {expect_head}.")
    depth, jump = _place(db, parent)
    now = now_ms()
    turn = db.execute(
        "INSERT INTO turn(parent_id, depth, jump_id, context_id, type, blob, created_ms)"
        " VALUES(?,?,?,?,?,?,?)",
        (parent, depth, jump, context, _type(db, type_id, version), store_blob(db, sealed), now),
    ).lastrowid
    assert turn is not None
    db.execute("UPDATE context SET head_id = ?, updated_ms = ? WHERE id = ?", (turn, now, context))
    _log(db, "append", context, turn, now)
    if key:
        db.execute("INSERT INTO idem(context_id, key, turn_id) VALUES(?,?,?)", (context, key, turn))
    return turn


def _place(db: sqlite3.Connection, parent: int | None) -> tuple[int, int | None]:
    """Depth and jump of a child of ``parent``: two equal jumps in a row become one."""
    if parent is None:
        return 0, None
    depth, jump_depth, far, far_depth = db.execute(
        "SELECT p.depth, j.depth, j.jump_id, f.depth FROM turn p"
        " LEFT JOIN turn j ON j.id = p.jump_id LEFT JOIN turn f ON f.id = j.jump_id"
        " WHERE p.id = ?",
        (parent,),
    ).fetchone()
    if far is not None and depth - jump_depth == jump_depth - far_depth:
        return depth + 1, far
    return depth + 1, parent


def _type(db: sqlite3.Connection, type_id: str, version: int) -> int:
    find = "SELECT id FROM type WHERE type_id = ? AND version = ?"
    row = db.execute(find, (type_id, version)).fetchone()
    if row is None:
        db.execute("INSERT INTO type(type_id, version) VALUES(?,?)", (type_id, version))
        row = db.execute(find, (type_id, version)).fetchone()
    return int(row[0])


def _log(db: sqlite3.Connection, kind: str, context: int, turn: int | None, now: int) -> None:
    db.execute(
        "INSERT INTO log(kind, context_id, turn_id, ts_ms) VALUES(?,?,?,?)",
        (kind, context, turn, now),
    )


def _context(row: tuple[Any, ...]) -> ContextRow:
    return ContextRow(*(*row[:4], tuple(loads(row[4])), *row[5:]))


def _turn(row: tuple[Any, ...]) -> TurnRow:
    return TurnRow(*(*row[:8], loads(unseal(row[6], row[8], row[9], f"Turn {row[0]}"))))
