"""The journal: the append-only log of everything that happened; what viewers read."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Mapping
from typing import Any

from ..events import KINDS, Event
from .codec import dumps, loads
from .connection import Repository, refers_to
from .errors import UnknownRun

__all__ = ["Journal", "now_ms"]

_LIKE = re.compile(r"[%_\\]")
_COLUMNS = "seq, ts_ms, run_id, kind, data, iteration, scenario, trial"


def now_ms() -> int:
    """Unix time in milliseconds."""
    return time.time_ns() // 1_000_000


class Journal(Repository):
    """Append events and read them back, by cursor or by page."""

    def append(
        self,
        run_id: str,
        kind: str,
        data: Mapping[str, Any],
        *,
        iteration: int = 0,
        scenario: str = "",
        trial: str = "",
    ) -> Event:
        """Write one event; when this returns, it is on disk.

        Raises:
            ValueError: ``kind`` is not in ``events.KINDS``.
            UnknownRun: there is no such run.
        """
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is not a kind of event")
        text = dumps(data)
        with refers_to(UnknownRun(f"There is no run {run_id}.")), self._db.write() as db:
            ts_ms = now_ms()
            seq = db.execute(
                "INSERT INTO journal(ts_ms, run_id, kind, iteration, scenario, trial, data)"
                " VALUES(?,?,?,?,?,?,?)",
                (ts_ms, run_id, kind, iteration, scenario, trial, text),
            ).lastrowid
        assert seq is not None
        return Event(seq, ts_ms, run_id, kind, dict(data), iteration, scenario, trial)

    def events(
        self,
        *,
        after: int = 0,
        run_id: str | None = None,
        limit: int = 1000,
        kinds: Collection[str] | None = None,
    ) -> list[Event]:
        """Events with ``seq > after``, oldest first. The last one's ``seq`` is the next cursor.

        Writers commit one after another and ``seq`` grows with every commit, so a reader that
        continues from its cursor never misses an event.
        """
        where, args = _filter(run_id, kinds)
        return [
            _event(row)
            for row in self._db.all(
                f"SELECT {_COLUMNS} FROM journal WHERE seq > ?{where} ORDER BY seq LIMIT ?",
                (after, *args, limit),
            )
        ]

    def event_count(self, run_id: str, kinds: Collection[str] | None = None) -> int:
        """How many events a run has, of these kinds."""
        where, args = _filter(run_id, kinds)
        return int(self._db.one(f"SELECT count(*) FROM journal WHERE true{where}", args)[0])

    def event_page(
        self, run_id: str, kinds: Collection[str] | None, offset: int, limit: int
    ) -> list[Event]:
        """Rows ``offset`` to ``offset + limit`` of a run's events of these kinds, oldest first."""
        where, args = _filter(run_id, kinds)
        return [
            _event(row)
            for row in self._db.all(
                f"SELECT {_COLUMNS} FROM journal INDEXED BY journal_order WHERE true{where}"
                " ORDER BY seq LIMIT ? OFFSET ?",
                (*args, limit, offset),
            )
        ]

    def event_search(
        self,
        run_id: str,
        text: str,
        *,
        kinds: Collection[str] | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> list[Event]:
        """Events with ``text`` in one of their values (ASCII case aside), oldest first.

        Reads the run's journal from ``after`` on: a few milliseconds per 10,000 events.
        """
        where, args = _filter(run_id, kinds)
        plain = _LIKE.sub(r"\\\g<0>", text)
        quoted = _LIKE.sub(r"\\\g<0>", dumps(text)[1:-1])
        # the first test is quick, the second one leaves names of values out
        return [
            _event(row)
            for row in self._db.all(
                f"SELECT {_COLUMNS} FROM journal WHERE seq > ?{where}"
                " AND data LIKE ? ESCAPE '\\' AND EXISTS"
                " (SELECT 1 FROM json_tree(data) WHERE atom LIKE ? ESCAPE '\\')"
                " ORDER BY seq LIMIT ?",
                (after, *args, f"%{quoted}%", f"%{plain}%", limit),
            )
        ]

    def last_seq(self, run_id: str | None = None) -> int:
        """The ``seq`` of the newest event (of a run), 0 when there is none."""
        where, args = _filter(run_id, None)
        return int(
            self._db.one(f"SELECT coalesce(max(seq), 0) FROM journal WHERE true{where}", args)[0]
        )


def _filter(run_id: str | None, kinds: Collection[str] | None) -> tuple[str, tuple[Any, ...]]:
    where, args = "", []
    if run_id is not None:
        where += " AND run_id = ?"
        args.append(run_id)
    if kinds is not None:
        where += f" AND kind IN ({','.join('?' * len(kinds))})"
        args.extend(sorted(kinds))
    return where, tuple(args)


def _event(row: tuple[Any, ...]) -> Event:
    return Event(*(*row[:4], loads(row[4]), *row[5:]))
