"""One SQLite connection with the store's pragmas, usable from any thread of the process."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from .errors import StoreError
from .migrations import Plan, is_current, migrate

__all__ = ["Connection", "Repository", "refers_to"]

# A stall of 0.9 s was seen with two busy writers on a fast disk; neither a slow one nor a backup
# tool that holds the lock for a while must fail a run.
BUSY_S: Final = 60.0

_CANNOT_WRITE: Final = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
    }
)

_PRAGMAS: Final = (
    "foreign_keys=ON",
    "recursive_triggers=ON",  # or REPLACE would delete without firing the triggers
    "temp_store=MEMORY",
    "cache_size=-65536",
    "mmap_size=268435456",
    "wal_autocheckpoint=2000",
    "journal_size_limit=67108864",
)


class Connection:
    """A file opened in WAL mode and migrated.

    Where nothing can be written (no space, no right to) a current file is opened for reading.

    Every use holds one lock, so threads share the connection safely; other processes are kept
    apart by SQLite (``BEGIN IMMEDIATE`` and a busy timeout).

    Args:
        path: the database file.
        plan: its migrations.
        create: make the file (and its folder) when it is missing.
        durable: whether commits reach the disk before they return unless told otherwise.

    Attributes:
        readonly: why nothing can be written, "" if it can.

    Raises:
        StoreError: the file is missing, damaged, foreign, newer, or cannot be opened.
    """

    def __init__(self, path: Path, plan: Plan, *, create: bool, durable: bool) -> None:
        self.path = Path(path)
        self._durable = durable
        self._full: bool | None = None
        self.readonly = ""
        self._lock = threading.RLock()
        if self.path.is_dir():
            raise StoreError(f"{self.path} is not a file, so it cannot be the database.")
        if not create and not self.path.exists():
            raise StoreError(f"There is no database at {self.path}.")
        try:
            if create:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self.raw = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}",
                uri=True,
                timeout=BUSY_S,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
            )
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{self.path} cannot be opened: {error}.") from error
        try:
            self._begin(plan)
        except sqlite3.Error as error:
            self.raw.close()
            if self._open_to_read(plan, error):
                return
            if isinstance(error, sqlite3.OperationalError):
                raise StoreError(f"{self.path} cannot be used: {error}.") from error
            raise StoreError(
                f"{self.path} is damaged or not a database ({error}): restore it from a "
                "copy or move it away."
            ) from error
        except BaseException:
            self.raw.close()
            raise

    def _begin(self, plan: Plan) -> None:
        self._enter_wal()
        for pragma in _PRAGMAS:
            self.raw.execute(f"PRAGMA {pragma}")
        self._sync(full=True)
        migrate(self.raw, plan, str(self.path))

    def _open_to_read(self, plan: Plan, error: sqlite3.Error) -> bool:
        """Open a current file for reading only, where that is all that can be done with it."""
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _CANNOT_WRITE:
            return False
        # Without its index of the log (shared memory that is a file too) SQLite reads the file as
        # it was at the last checkpoint.
        for how in ("mode=ro", "mode=ro&immutable=1"):
            try:
                self.raw = sqlite3.connect(
                    f"{self.path.absolute().as_uri()}?{how}",
                    uri=True,
                    timeout=BUSY_S,
                    isolation_level=None,
                    check_same_thread=False,
                )
                if is_current(self.raw, plan, str(self.path)):
                    self._full = True
                    self.readonly = str(error)
                    return True
                self.raw.close()
            except sqlite3.Error:
                self.raw.close()
        return False

    def close(self) -> None:
        """Close the connection; closing twice is fine."""
        with self._lock:
            self.raw.close()

    @contextmanager
    def write(self, *, durable: bool | None = None) -> Iterator[sqlite3.Connection]:
        """A transaction that commits at the end; nested uses join the outermost one.

        Raises:
            StoreError: SQLite refused (disk full, locked too long, ...). Nothing was written.
            sqlite3.IntegrityError: a constraint does not hold; nothing was written.
        """
        with self._lock, self._translated():
            if self.readonly:
                raise StoreError(f"{self.path} can only be read: {self.readonly}.")
            if self.raw.in_transaction:
                with self._savepoint():
                    yield self.raw
                return
            self._sync(full=self._durable if durable is None else durable)
            self.raw.execute("BEGIN IMMEDIATE")
            try:
                yield self.raw
                self.raw.execute("COMMIT")
            except BaseException:
                if self.raw.in_transaction:
                    self.raw.execute("ROLLBACK")
                raise

    def all(self, sql: str, args: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query, as tuples."""
        with self._lock, self._translated():
            return self.raw.execute(sql, args).fetchall()

    def one(self, sql: str, args: Sequence[Any] = ()) -> Any:
        """The first row of a query as a tuple, or ``None``."""
        with self._lock, self._translated():
            return self.raw.execute(sql, args).fetchone()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """A second, read-only connection that sees one moment of the file and blocks nobody."""
        with self._translated():
            conn = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode=ro",
                uri=True,
                timeout=BUSY_S,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                conn.execute("BEGIN")
                yield conn
            finally:
                conn.close()

    def version(self) -> tuple[int, int]:
        """A pair that changes whenever anybody, this connection included, has written."""
        with self._lock, self._translated():
            return (
                int(self.raw.execute("PRAGMA data_version").fetchone()[0]),
                self.raw.total_changes,
            )

    @contextmanager
    def _savepoint(self) -> Iterator[None]:
        self.raw.execute("SAVEPOINT inner")
        try:
            yield
        except BaseException:
            if self.raw.in_transaction:
                self.raw.execute("ROLLBACK TO inner")
                self.raw.execute("RELEASE inner")
            raise
        self.raw.execute("RELEASE inner")

    def _sync(self, *, full: bool) -> None:
        if full is not self._full:
            self.raw.execute(f"PRAGMA synchronous={'FULL' if full else 'NORMAL'}")
            self._full = full

    def _enter_wal(self) -> None:
        # SQLite does not wait for the lock that this change needs: two programs that create
        # the file at the same moment would fail without the loop.
        deadline = time.monotonic() + BUSY_S
        while True:
            try:
                self.raw.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}.") from error


class Repository:
    """Base of the parts of the store: each knows its tables and shares the connection."""

    def __init__(self, db: Connection) -> None:
        self._db = db


@contextmanager
def refers_to(missing: StoreError) -> Iterator[None]:
    """Raise ``missing`` where a row refers to something that does not exist."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        if error.sqlite_errorname == "SQLITE_CONSTRAINT_FOREIGNKEY":
            raise missing from error
        raise
