"""Copy-on-write tables: many universes share one frozen seed and each keeps only its changes.

A table reads through to the seed's rows and writes into its own overlay, and tables are made when
they are first looked at, so a fork or a snapshot costs the number of changed rows, whatever the
size of the seed and however many tables it has.

The one rule for handlers: a row that came out of a table is read-only. Change a copy
(:meth:`Table.draft`) and :meth:`Table.put` it. In debug mode rows are handed out frozen and a
breach raises :class:`FrozenRowError`.
"""

from bisect import bisect_left
from collections.abc import (
    Callable,
    Hashable,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    ValuesView,
)
from itertools import islice, pairwise
from typing import Any, Final, NoReturn, TypeVar

__all__ = [
    "Base",
    "Change",
    "FrozenRowError",
    "IndexFn",
    "Key",
    "Row",
    "Table",
    "Tables",
    "freeze",
    "thaw",
]

Key = str | tuple[str, ...]
Row = dict[str, Any]
IndexFn = Callable[[Key, Row], Hashable]
T = TypeVar("T")

_GONE: Final[Any] = object()


class FrozenRowError(TypeError):
    """A handler tried to change a row in place instead of putting a copy."""


def _refuse(*_args: object, **_kwargs: object) -> NoReturn:
    raise FrozenRowError("rows are shared between universes: put a draft() instead")


class _FrozenDict(dict[str, Any]):
    __slots__ = ()
    __setitem__ = __delitem__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse
    __ior__ = _refuse


class _FrozenList(list[Any]):
    __slots__ = ()
    __setitem__ = __delitem__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse
    __iadd__ = __imul__ = _refuse


def freeze(value: Any) -> Any:
    """Copy JSON-like ``value`` into dicts and lists that raise :class:`FrozenRowError`."""
    if isinstance(value, dict):
        return _FrozenDict({key: freeze(item) for key, item in value.items()})
    if isinstance(value, list):
        return _FrozenList(freeze(item) for item in value)
    return value


def thaw(value: Any) -> Any:
    """Deep copy of JSON-like ``value`` in plain, changeable dicts and lists."""
    if isinstance(value, dict):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, list):
        return [thaw(item) for item in value]
    return value


class Base:
    """The frozen rows of one table of one named seed, shared by every universe on that seed."""

    __slots__ = ("_indexes", "_numbers", "first", "functions", "rows")

    def __init__(
        self, rows: Mapping[Key, Row], functions: Mapping[str, IndexFn], *, debug: bool = False
    ) -> None:
        self.rows: dict[Key, Row] = (
            {key: freeze(row) for key, row in rows.items()} if debug else dict(rows)
        )
        self.first: Row = next(iter(self.rows.values()), {})
        self.functions = functions
        self._indexes: dict[str, dict[Hashable, list[Key]]] = {}
        self._numbers: dict[str, tuple[list[int], list[Key]] | None] = {}

    def index(self, name: str) -> dict[Hashable, list[Key]]:
        """The index called ``name``: value to keys in seed order, built at first use."""
        found = self._indexes.get(name)
        if found is None:
            found = _index(self.rows.items(), self.functions[name])
            self._indexes[name] = found
        return found

    def from_number(self, field: str, start: int) -> Iterator[Key] | None:
        """Keys of the rows whose ``field`` is at least ``start``; ``None``: not in that order."""
        if field not in self._numbers:
            numbers = [row[field] for row in self.rows.values()]
            rising = all(one < two for one, two in pairwise(numbers))
            self._numbers[field] = (numbers, list(self.rows)) if rising else None
        found = self._numbers[field]
        if found is None:
            return None
        return islice(found[1], bisect_left(found[0], start), None)


def _index(rows: Iterable[tuple[Key, Row]], function: IndexFn) -> dict[Hashable, list[Key]]:
    built: dict[Hashable, list[Key]] = {}
    for key, row in rows:
        built.setdefault(function(key, row), []).append(key)
    return built


Change = tuple[Row | None, Row | None]
"""A row before and after; ``None`` where it did not exist."""


class Table:
    """One table of one universe.

    Iteration order is the seed's order (changed rows stay in place), then new rows in the
    order in which they were first put.

    Attributes:
        get: The row of a key, read-only, or ``None``.
        touched: Whether anything differs from the seed, or did.
    """

    __slots__ = ("_base", "_debug", "_derived", "_live", "_over", "_rows", "get", "touched")

    get: Callable[[Key], Row | None]
    touched: bool

    def __init__(self, base: Base, *, debug: bool = False) -> None:
        self._base = base
        self._rows = base.rows
        self._over: dict[Key, Any] = {}
        self.touched = False
        # Most tables are never written to, and most of what is done to a table is this.
        self.get = base.rows.get
        self._derived: dict[Any, Any] = {}
        self._live: dict[str, dict[Hashable, dict[Key, None]]] = {}
        self._debug = debug

    # -- reading

    def _get(self, key: Key) -> Row | None:
        row = self._over.get(key)
        if row is None:
            return self._rows.get(key)
        return None if row is _GONE else row

    def _touch(self) -> None:
        self.touched = True
        self.get = self._get

    def __getitem__(self, key: Key) -> Row:
        row = self.get(key)
        if row is None:
            raise KeyError(key)
        return row

    def __contains__(self, key: object) -> bool:
        return self.get(key) is not None  # type: ignore[arg-type]

    def __len__(self) -> int:
        return sum(1 for _ in self.items())

    def __iter__(self) -> Iterator[Key]:
        return (key for key, _ in self.items())

    def items(self) -> Iterator[tuple[Key, Row]]:
        """Every ``(key, row)`` in the table's order. Do not put or delete while iterating."""
        over = self._over
        base = self._base.rows
        if not over:
            yield from base.items()
            return
        for key, row in base.items():
            changed = over.get(key)
            if changed is None:
                yield key, row
            elif changed is not _GONE:
                yield key, changed
        for key, row in over.items():
            if row is not _GONE and key not in base:
                yield key, row

    def rows(self) -> Iterator[Row]:
        """Every row in the table's order."""
        if not self._over:
            return iter(self._base.rows.values())
        return (row for _, row in self.items())

    def sole(self) -> Row:
        """The first row, of a table that always has one."""
        return self.derived(_first) if self._over else self._base.first

    def rows_from(self, number: str, start: int) -> Iterator[Row]:
        """The rows whose field ``number`` is at least ``start``, in the table's order.

        Does not look at the seed's rows before the first of them, where the seed's order is that
        of the numbers: a page in the middle of a long list costs as much as the first.
        """
        base = self._base.from_number(number, start) if start > 0 else None
        if base is None:
            yield from (row for row in self.rows() if row[number] >= start)
            return
        over = self._over
        for key in base:
            row = over.get(key) if over else None
            if row is None:
                row = self._base.rows[key]
            if row is not _GONE and row[number] >= start:
                yield row
        for key, row in over.items():
            if row is not _GONE and key not in self._base.rows and row[number] >= start:
                yield row

    def derived(self, function: Callable[["Table"], T]) -> T:
        """``function(table)``, remembered until the table is written to.

        The function may look at this table only, and what it returns is not to be changed.
        """
        try:
            found: T = self._derived[function]
        except KeyError:
            found = self._derived[function] = function(self)
        return found

    def find(self, index: str, value: Hashable) -> list[Key]:
        """Keys of the rows whose ``index`` (declared by the pack) equals ``value``."""
        over = self._over
        seeded = self._base.index(index).get(value, [])
        if not over:
            return list(seeded)
        live = self._live.get(index)
        if live is None:
            function = self._base.functions[index]
            live = {}
            for key, row in over.items():
                if row is not _GONE:
                    live.setdefault(function(key, row), {})[key] = None
            self._live[index] = live
        changed = live.get(value, {})
        # A changed seed row keeps its place among the seed's rows.
        base = self._base.rows
        keys = [key for key in seeded if key not in over or key in changed]
        if not changed:
            return keys
        kept = set(keys)
        moved = [key for key in changed if key not in kept]
        if any(key in base for key in moved):
            wanted = kept.union(moved)
            return [key for key in base if key in wanted] + [
                key for key in moved if key not in base
            ]
        return keys + moved

    def first(self, index: str, value: Hashable) -> Row | None:
        """The first row whose ``index`` equals ``value``, or ``None``."""
        for key in self.find(index, value):
            return self.get(key)
        return None

    def draft(self, key: Key) -> Row:
        """A deep copy of a row to change and :meth:`put` back. Raises ``KeyError``."""
        copied: Row = thaw(self[key])
        return copied

    # -- writing

    def put(self, key: Key, row: Row) -> None:
        """Insert or replace a row. The table owns ``row`` from now on."""
        if key in self._over:
            self._forget(key)
        if self._derived:
            self._derived.clear()
        if self._debug:
            row = freeze(row)
        if not self.touched:
            self._touch()
        self._over[key] = row
        if self._live:
            for name, live in self._live.items():
                live.setdefault(self._base.functions[name](key, row), {})[key] = None

    def delete(self, key: Key) -> bool:
        """Remove a row; ``False`` when there was none."""
        if key not in self:
            return False
        self._forget(key)
        self._derived.clear()
        if not self.touched:
            self._touch()
        if key in self._base.rows:
            self._over[key] = _GONE
        else:
            del self._over[key]
        return True

    def _forget(self, key: Key) -> None:
        row = self._over.get(key)
        if row is None or row is _GONE:
            return
        for name, live in self._live.items():
            keys = live.get(self._base.functions[name](key, row))
            if keys is not None:
                keys.pop(key, None)

    # -- universes

    def changes(self) -> dict[Key, Any]:
        """A copy of the overlay, to be given to :meth:`reset`. O(changes)."""
        return self._over.copy()

    def reset(self, changes: Mapping[Key, Any]) -> None:
        """Make the overlay what :meth:`changes` returned."""
        self._over = dict(changes)
        self._live = {}
        self._derived = {}
        self.touched = bool(changes)
        self.get = self._get if changes else self._rows.get

    def fork(self) -> "Table":
        """An independent table with the same content. O(changes)."""
        twin = Table(self._base, debug=self._debug)
        if self._over:
            twin._over = self._over.copy()
            twin._touch()
        return twin

    def diff(self, earlier: Mapping[Key, Any]) -> dict[Key, Change]:
        """What differs from an earlier overlay of the same seed: key to (before, after)."""
        found: dict[Key, Change] = {}
        base = self._base.rows
        for key in earlier.keys() | self._over.keys():
            before = earlier.get(key, base.get(key))
            after = self._over.get(key, base.get(key))
            before = None if before is _GONE else before
            after = None if after is _GONE else after
            if before is not after and before != after:
                found[key] = (before, after)
        return dict(sorted(found.items(), key=lambda item: str(item[0])))


def _first(table: Table) -> Row:
    return next(table.rows())


class Tables(dict[str, Table]):
    """The tables of one twin by name, in the pack's order. Read-only.

    A table is made when it is first asked for by name; to go through all of them makes all. What
    the dict itself holds are those that have been made.

    Args:
        bases: The seed's rows of every table.
        debug: As for :class:`Table`.
    """

    __slots__ = ("_bases", "_debug")

    def __init__(self, bases: Mapping[str, Base], *, debug: bool = False) -> None:
        super().__init__()
        self._bases = bases
        self._debug = debug

    def __missing__(self, name: str) -> Table:
        table = Table(self._bases[name], debug=self._debug)
        super().__setitem__(name, table)
        return table

    # What a dict answers from what it holds goes by all tables.

    def __contains__(self, name: object) -> bool:
        return name in self._bases

    def __iter__(self) -> Iterator[str]:
        return iter(self._bases)

    def __reversed__(self) -> Iterator[str]:
        return reversed([*self._bases])

    def __len__(self) -> int:
        return len(self._bases)

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = None

    def get(self, name: str, default: Any = None) -> Any:
        """The table, or ``default`` where the pack has none of that name."""
        return self[name] if name in self._bases else default

    def keys(self) -> KeysView[str]:  # type: ignore[override]
        """The names."""
        return KeysView(self)

    def values(self) -> ValuesView[Table]:  # type: ignore[override]
        """The tables."""
        return ValuesView(self)

    def items(self) -> ItemsView[str, Table]:  # type: ignore[override]
        """Names and tables."""
        return ItemsView(self)

    def __repr__(self) -> str:
        return f"<tables {', '.join(self._bases)}>"

    # -- universes

    def _touched(self) -> Iterator[tuple[str, Table]]:
        return ((name, table) for name, table in super().items() if table.touched)

    def changes(self) -> dict[str, dict[Key, Any]]:
        """A copy of the overlays that hold anything, to be given to :meth:`reset`. O(changes)."""
        return {name: table.changes() for name, table in self._touched()}

    def reset(self, changes: Mapping[str, Mapping[Key, Any]]) -> None:
        """Make the overlays what :meth:`changes` returned. O(changes)."""
        for name, table in [*self._touched()]:
            if name not in changes:
                table.reset({})
        for name, overlay in changes.items():
            self[name].reset(overlay)

    def fork(self) -> "Tables":
        """Independent tables with the same content. O(changes)."""
        twin = Tables(self._bases, debug=self._debug)
        for name, table in self._touched():
            dict.__setitem__(twin, name, table.fork())
        return twin

    def diff(self, earlier: Mapping[str, Mapping[Key, Any]]) -> dict[str, dict[Key, Change]]:
        """What differs from earlier overlays of the same seed, table by table. O(changes)."""
        changed = {}
        for name in {*earlier, *(name for name, _ in self._touched())}:
            rows = self[name].diff(earlier.get(name, {}))
            if rows:
                changed[name] = rows
        return {name: changed[name] for name in self._bases if name in changed} if changed else {}
