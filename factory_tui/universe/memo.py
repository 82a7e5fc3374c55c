"""What was made of a row, kept while the row lives: rows never change once they are in a table."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from factory_tui.universe.tables import Row

__all__ = ["RowMemo"]

T = TypeVar("T")


class RowMemo(Generic[T]):
    """``memo(row, *more)`` is ``make(row, *more)``, worked out once for each row and ``more``.

    A changed row is another row, and universes on the same seed share its rows, so there is
    nothing to invalidate. What ``make`` returns is not to be changed.

    Args:
        make: May look at its (hashable) arguments only.
        most: Forgets everything when so many values are known.
    """

    __slots__ = ("_known", "_make", "_most")

    def __init__(self, make: Callable[..., T], most: int = 20_000) -> None:
        self._make = make
        self._most = most
        self._known: dict[Any, tuple[Row, T]] = {}

    def __call__(self, row: Row, *more: Any) -> T:
        """What was made of the row, now or earlier."""
        key = (id(row), *more) if more else id(row)
        known = self._known.get(key)
        # Holding the row keeps its id from being given to another one.
        if known is not None and known[0] is row:
            return known[1]
        value = self._make(row, *more)
        if len(self._known) >= self._most:
            self._known.clear()
        self._known[key] = row, value
        return value
