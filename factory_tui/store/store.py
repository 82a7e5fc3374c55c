"""``Store``: one factory's database, put together from its parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from .blobs import Blobs
from .connection import Connection
from .errors import StoreError
from .export import Export
from .journal import Journal
from .ledger import Ledgers
from .places import Places
from .removal import Removal
from .runs import Runs
from .schema import FACTORY
from .trials import Trials
from .turns import Turns

__all__ = ["Store"]


class Store(Journal, Runs, Trials, Places, Turns, Blobs, Ledgers, Removal, Export):
    """``runs/factory.db``: the record of all runs, shared by engines and viewers.

    Any number of processes may have it open. Its methods may be called from any thread; each
    is one transaction, and a method that writes returns when the data is on disk (except
    ``set_live`` and ``save_steps``, which survive a killed process but not a power cut until
    the next durable write).
    """

    def __init__(self, db: Connection) -> None:
        super().__init__(db)
        self._seen = db.version()

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> Self:
        """Open the database, making or migrating it as needed.

        Raises:
            StoreError: one sentence why not: missing, emptied, damaged, foreign, or from a newer
                version.
        """
        if _emptied(path):
            raise StoreError(
                f"{path} is empty, although there are runs beside it: restore it from a copy, or "
                "delete it to begin with a new one."
            )
        return cls(Connection(path, FACTORY, create=create, durable=True))

    def close(self) -> None:
        """Close the database; closing twice is fine."""
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

    @property
    def path(self) -> Path:
        """The database file."""
        return self._db.path

    def changed(self) -> bool:
        """Whether anybody has written since this was last asked (or since ``open``).

        Costs some ten microseconds, so a viewer can poll it. Two askers in one process take
        each other's answers: they compare ``version()`` themselves.
        """
        before, self._seen = self._seen, self._db.version()
        return before != self._seen

    def version(self) -> tuple[int, int]:
        """A value that differs from the one before whenever anybody has written in between."""
        return self._db.version()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make several writes one commit: all or nothing, and one wait for the disk.

        Other threads wait meanwhile, and other tasks of an event loop would join in: do not
        await inside.
        """
        with self._db.write():
            yield


def _emptied(path: Path) -> bool:
    """Whether the file was cut to nothing: a new one is filled before there is any run's folder."""
    try:
        return path.stat().st_size == 0 and any(
            child.is_dir() and not child.name.startswith(".") for child in path.parent.iterdir()
        )
    except OSError:
        return False
