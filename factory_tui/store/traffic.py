"""The traffic of a run with its twins: ``runs/<RUN>/traffic.db``, which may be deleted alone.

Rows are only ever added, so ``seq`` is dense: row n of everything is ``seq`` n, and a viewer
that scrolls to any row of a million finds it by key. Filtered pages count along an index.
Headers and bodies live in a table of their own, which keeps pages of the rest small.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypedDict, Unpack

import orjson

from .codec import loads, pack, unpack
from .connection import Connection
from .errors import StoreError
from .migrations import Migration, Plan
from .rows import ExchangeRow

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["Traffic", "TrafficFilter"]

_SHORT: Final = (
    "seq, ts_ms, t_virtual, run_id, iteration, scenario, trial, step, n, twin, operation, method,"
    " path, status, ms, fault, gap, direction"
)
_NAMES: Final = tuple(_SHORT.replace(" ", "").split(","))

_FIRST: Final = (
    """CREATE TABLE exchange(
      seq INTEGER PRIMARY KEY AUTOINCREMENT, ts_ms INTEGER NOT NULL, t_virtual TEXT NOT NULL,
      run_id TEXT NOT NULL, iteration INTEGER NOT NULL, scenario TEXT NOT NULL,
      trial TEXT NOT NULL, step INTEGER NOT NULL, n INTEGER NOT NULL, twin TEXT NOT NULL,
      operation TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, status INTEGER NOT NULL,
      ms REAL NOT NULL, fault TEXT NOT NULL, gap TEXT NOT NULL, failed INTEGER NOT NULL) STRICT""",
    """CREATE TABLE body(
      seq INTEGER PRIMARY KEY REFERENCES exchange(seq), codec INTEGER NOT NULL,
      data BLOB NOT NULL) STRICT""",
    # every index ends in the rowid: with all its columns given, rows come in order of seq
    "CREATE INDEX exchange_trial ON exchange(trial, step)",
    "CREATE INDEX exchange_scenario ON exchange(scenario, iteration)",
    "CREATE INDEX exchange_iteration ON exchange(iteration)",
    "CREATE INDEX exchange_twin ON exchange(twin)",
    "CREATE INDEX exchange_failed ON exchange(failed) WHERE failed = 1",
    "CREATE INDEX exchange_failed_twin ON exchange(failed, twin) WHERE failed = 1",
    """CREATE TRIGGER exchange_stays BEFORE DELETE ON exchange
      BEGIN SELECT RAISE(ABORT, 'traffic is only ever added'); END""",
)


def _first(db: Database) -> None:
    for statement in _FIRST:
        db.execute(statement)


def _direction(db: Database) -> None:
    db.execute("ALTER TABLE exchange ADD COLUMN direction TEXT NOT NULL DEFAULT 'in'")


def _state(db: Database) -> None:
    db.execute(
        "CREATE TABLE state(trial TEXT PRIMARY KEY, codec INTEGER NOT NULL, data BLOB NOT NULL)"
        " STRICT"
    )


_PLAN: Final = Plan(
    name="traffic",
    application_id=0x74726166,  # "traf"
    steps=(
        Migration("0001 first", _first),
        Migration("0002 direction", _direction),
        Migration("0003 state", _state),
    ),
)


class TrafficFilter(TypedDict, total=False):
    """Which exchanges: all given keys must hold. ``errors_only`` as in ``ExchangeRow.failed``."""

    trial: str
    twin: str
    scenario: str
    iteration: int
    step: int
    errors_only: bool


class Traffic:
    """The exchanges of one run."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> Self:
        """Open the file, making or migrating it as needed. Raises ``StoreError``."""
        return cls(Connection(path, _PLAN, create=create, durable=False))

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def add(self, rows: Sequence[ExchangeRow]) -> None:
        """Add exchanges in one transaction; their ``seq`` is ignored and given anew."""
        insert = (
            f"INSERT INTO exchange({', '.join(_NAMES[1:])}, failed)"
            f" VALUES({','.join('?' * len(_NAMES))})"
        )
        bodies = [pack(_body(row)) for row in rows]
        with self._db.write() as db:
            for row, body in zip(rows, bodies, strict=True):
                values = [getattr(row, name) for name in _NAMES[1:]]
                seq = db.execute(insert, (*values, int(row.failed))).lastrowid
                db.execute("INSERT INTO body(seq, codec, data) VALUES(?,?,?)", (seq, *body))

    def save_state(self, trial: str, state: Mapping[str, Any]) -> None:
        """Keep what the twins of a trial held when it ended, in place of an earlier attempt's."""
        values = (trial, *pack(orjson.dumps(state)))
        with self._db.write() as db:
            db.execute("INSERT OR REPLACE INTO state(trial, codec, data) VALUES(?,?,?)", values)

    def state(self, trial: str) -> dict[str, Any] | None:
        """What :meth:`save_state` was given for a trial, None if nothing was."""
        row = self._db.one("SELECT codec, data FROM state WHERE trial = ?", (trial,))
        if row is None:
            return None
        found: dict[str, Any] = loads(unpack(*row))
        return found

    def count(self, **filter: Unpack[TrafficFilter]) -> int:  # noqa: A002
        """How many exchanges there are."""
        where, args = _where(filter)
        if not where:
            return int(self._db.one("SELECT coalesce(max(seq), 0) FROM exchange")[0])
        return int(self._db.one(f"SELECT count(*) FROM exchange WHERE true{where}", args)[0])

    def page(
        self,
        *,
        offset: int,
        limit: int,
        **filter: Unpack[TrafficFilter],  # noqa: A002
    ) -> list[ExchangeRow]:
        """Rows ``offset`` to ``offset + limit``, oldest first, without headers and bodies."""
        where, args = _where(filter)
        if not where:
            return self.after(offset, limit)
        return self._rows(f"true{where} ORDER BY seq LIMIT ? OFFSET ?", (*args, limit, offset))

    def after(
        self,
        seq: int,
        limit: int,
        **filter: Unpack[TrafficFilter],  # noqa: A002
    ) -> list[ExchangeRow]:
        """The exchanges after ``seq``, oldest first, without headers and bodies."""
        where, args = _where(filter)
        return self._rows(f"seq > ?{where} ORDER BY seq LIMIT ?", (seq, *args, limit))

    def get(self, seq: int) -> ExchangeRow:
        """One exchange with headers and bodies. Raises ``StoreError``."""
        row = self._db.one(
            f"SELECT {_SHORT}, codec, data FROM exchange JOIN body USING (seq) WHERE seq = ?",
            (seq,),
        )
        if row is None:
            raise StoreError(f"There is no exchange {seq}.")
        return ExchangeRow(*row[:18], *loads(unpack(row[18], row[19])))

    def _rows(self, where: str, args: Sequence[Any]) -> list[ExchangeRow]:
        rows = self._db.all(f"SELECT {_SHORT} FROM exchange WHERE {where}", args)
        return [ExchangeRow(*row) for row in rows]


# What narrows most comes first: its index is used, the others are checked row by row. SQLite
# cannot know that a trial has few rows and a twin a third of them all.
_BY: Final = ("trial", "scenario", "errors_only", "iteration", "twin", "step")


def _where(chosen: TrafficFilter) -> tuple[str, tuple[Any, ...]]:
    given: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    if wrong := given.keys() - set(_BY):
        raise TypeError(f"exchanges cannot be chosen by {', '.join(sorted(wrong))}")
    if not given.get("errors_only"):
        given.pop("errors_only", None)
    names = [name for name in _BY if name in given]
    where, args = "", []  # type: tuple[str, list[Any]]
    for name in names:
        # a + keeps SQLite from using that column's index
        plus = "" if name == names[0] or {names[0], name} in _TOGETHER else "+"
        if name == "errors_only":
            where += f" AND {plus}failed = 1"
        else:
            where += f" AND {plus}{name} = ?"
            args.append(given[name])
    return where, tuple(args)


# one index for both
_TOGETHER: Final = ({"trial", "step"}, {"scenario", "iteration"}, {"errors_only", "twin"})


def _body(row: ExchangeRow) -> bytes:
    return orjson.dumps(
        (dict(row.request_headers), row.request_body, dict(row.response_headers), row.response_body)
    )
