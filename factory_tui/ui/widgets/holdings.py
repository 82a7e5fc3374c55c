"""What the twins held when a trial ended: collections, their rows, and one row in full."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.reactive import reactive

from factory_tui.state import format as fmt
from factory_tui.ui.widgets import wire
from factory_tui.ui.widgets.detail import wrap
from factory_tui.ui.widgets.lines import LineList
from factory_tui.ui.widgets.tones import Part, fit, width_of

__all__ = [
    "Collection",
    "CollectionList",
    "Held",
    "RowList",
    "collections",
    "names_of",
    "row_lines",
]

MARKS: Final = {"": " ", "inserted": "+", "updated": "~", "deleted": "−"}
_TONES: Final = {"": "text", "inserted": "good", "updated": "warn", "deleted": "bad"}

_NAMES: Final = (
    "name", "login", "displayName", "label", "title", "summary", "real_name", "text", "email",
    "key", "type", "status", "id",
)  # fmt: skip
"""Fields that tell a row from others, the best first."""

_LONG: Final = 9
"""Characters from which on an id is taken to be that of one row only."""


@dataclass(frozen=True, slots=True)
class Held:
    """One row; ``mark`` as in ``trials.endstate``, ``before`` only of an updated one."""

    key: str
    mark: str
    row: Any
    before: Any = None


@dataclass(frozen=True, slots=True)
class Collection:
    """One table of a twin, or one view as facts see it."""

    twin: str
    name: str
    kind: str
    count: int
    inserted: int
    updated: int
    deleted: int
    rows: tuple[Held, ...]

    @property
    def changed(self) -> int:
        """Rows that are not as they were when the trial began."""
        return self.inserted + self.updated + self.deleted

    @property
    def left_out(self) -> int:
        """Rows that are there but were not kept."""
        return max(0, self.count + self.deleted - len(self.rows))


def collections(state: Mapping[str, Any]) -> list[Collection]:
    """A recorded state as collections: by twin, changed tables first, then views, then the rest."""
    found = []
    for twin, items in state.items():
        mine = [_collection(twin, item) for item in items]
        mine.sort(key=lambda c: (not c.changed, c.kind != "view"))
        found += mine
    return found


def names_of(items: Sequence[Collection], twin: str) -> dict[str, str]:
    """What the rows of a twin are called, by their ids; short ids are too often another's."""
    found: dict[str, str] = {}
    for item in items:
        if item.twin != twin or item.kind == "view":
            continue
        for held in item.rows:
            fields = dict(_leaves(held.row))
            name = next((fields[word] for word in ("login", *_NAMES[:3]) if fields.get(word)), "")
            if len(held.key) >= _LONG and "/" not in held.key and name:
                found[held.key] = name
    return found


def _collection(twin: str, item: Mapping[str, Any]) -> Collection:
    rows = tuple(
        Held(str(row.get("key")), str(row.get("mark") or ""), row.get("row"), row.get("before"))
        for row in item.get("rows") or ()
    )
    numbers = {name: int(item.get(name) or 0) for name in ("inserted", "updated", "deleted")}
    return Collection(
        twin,
        str(item.get("name")),
        str(item.get("kind") or "table"),
        int(item.get("count") or 0),
        rows=rows,
        **numbers,
    )


class CollectionList(LineList):
    """The collections of all twins, with what changed in each."""

    OPENS = True

    def __init__(self, *, ident: str | None = None) -> None:
        super().__init__(id=ident)
        self.items: list[Collection] = []
        """The collections shown."""
        self.hint = ""

    def show(self, items: list[Collection], hint: str = "") -> None:
        """Show other collections."""
        self.items, self.hint = items, hint
        if not self.chosen:
            first = next((n for n, item in enumerate(items) if item.changed), 0)
            self.set_reactive(LineList.cursor, first)
        changed = sum(item.changed for item in items)
        self.redraw()
        what = f"{changed} row{'' if changed == 1 else 's'} changed" if items else ""
        self.caption("1 Collections", what)

    @property
    def current(self) -> Collection | None:
        """The collection under the cursor."""
        return self.items[self.cursor] if self.cursor < len(self.items) else None

    def row_count(self) -> int:
        """Collections."""
        return len(self.items)

    def draw_row(self, index: int, width: int) -> Sequence[Part]:
        """Twin, name, what changed, how many rows."""
        item = self.items[index]
        first = index == 0 or self.items[index - 1].twin != item.twin
        twin: Part = (fit(item.twin if first else "", 6), "accent")
        tail: list[Part] = []
        for mark in ("inserted", "updated", "deleted"):
            number = getattr(item, mark)
            if number:
                tail.append((f"{MARKS[mark]}{number} ", _TONES[mark]))
        tail.append((f"{item.count:>5}", "muted"))
        room = max(4, width - 6 - width_of(tail) - 1)
        view = item.kind == "view"
        name = (
            f"{item.name} {'as facts see it' if width > 40 else '(facts)'}" if view else item.name
        )
        tone = "strong" if item.changed else "text" if view else "muted"
        return [twin, (fit(name, room) + " ", tone), *tail]

    def empty(self, width: int) -> Sequence[Sequence[Part]]:
        """Why there is nothing."""
        hint = self.hint or "Nothing was recorded."
        return [[(line, "muted")] for line in wrap(hint, width)]


class RowList(LineList):
    """The rows of one collection; ``!`` leaves those that changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("exclamation_mark", "changes", "Changes", key_display="!"),
    ]

    changes_only: reactive[bool] = reactive(False, repaint=False)

    def __init__(self, *, ident: str | None = None) -> None:
        super().__init__(id=ident)
        self.collection: Collection | None = None
        self._rows: list[Held] = []
        self._names: Mapping[str, str] = {}

    def show(self, collection: Collection | None, names: Mapping[str, str] | None = None) -> None:
        """Show a collection from its beginning.

        ``names`` are those of the twin's rows by their ids (:func:`names_of`); kept if left out.
        """
        self.collection = collection
        self._names = self._names if names is None else names
        rows = [] if collection is None else list(collection.rows)
        self._rows = [row for row in rows if row.mark or not self.changes_only]
        self.set_reactive(LineList.cursor, 0)
        self.redraw()
        self.scroll_to(y=0, animate=False, immediate=True, force=True)
        if collection is None:
            self.caption("2 Rows")
            return
        mark = "  changes only" if self.changes_only else ""
        more = f" · {collection.left_out:,} more not kept" if collection.left_out else ""
        keys = " · ! changes" if self.size.width > 60 else ""
        self.caption(
            f"2 {collection.twin} {collection.name}{mark}",
            f"{len(self._rows):,} of {collection.count:,}{more}{keys}",
        )

    @property
    def current(self) -> Held | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    def row_count(self) -> int:
        """Rows shown."""
        return len(self._rows)

    def draw_row(self, index: int, width: int) -> Sequence[Part]:
        """Mark, key, and what the row is or what became of it."""
        held = self._rows[index]
        words = digest(held.row, but=held.key)
        name = self._names_of(held.key)
        longest = max((len(self._names_of(row.key)) for row in self._rows), default=6)
        # A key that says all there is (this member of that channel) may have the whole line.
        most = width - 3 if not words and held.mark != "updated" else max(6, width // 3)
        key = fit(name, min(longest, most))
        head: list[Part] = [(f"{MARKS[held.mark]} ", _TONES[held.mark]), (key + " ", "muted")]
        room = max(0, width - width_of(head))
        text = difference(held.before, held.row) if held.mark == "updated" else words
        return [*head, (fit(text, room), "text" if held.mark else "muted")]

    def _names_of(self, key: str) -> str:
        """A key; one made of the ids of other rows in their names: ``eng-web / ana.holt``."""
        parts = key.split("/")
        if len(parts) == 1 or not any(part in self._names for part in parts):
            return key
        return " / ".join(self._names.get(part, part) for part in parts)

    def empty(self, width: int) -> Sequence[Sequence[Part]]:
        """Why there is nothing."""
        if self.changes_only:
            return [[("Nothing changed here. ! shows all rows.", "muted")]]
        return [[("No rows.", "muted")]]

    def watch_changes_only(self) -> None:
        """List anew."""
        self.show(self.collection)
        self.post_message(self.Moved(self, 0))

    def action_changes(self) -> None:
        """Show what changed, or everything."""
        self.changes_only = not self.changes_only


def digest(row: Any, but: str = "") -> str:
    """A row in a few words: the fields that tell it from others.

    ``but`` is the row's key where it is shown already; what it is made of is not repeated.
    """
    if not isinstance(row, Mapping):
        return fmt.one_line(json.dumps(row, ensure_ascii=False))
    known = {but, *but.split("/")}
    found = {name: value for name, value in _leaves(row) if value not in known}
    if not found.keys() - {"n"}:
        return ""  # a running number says nothing
    words = [found[name] for name in _NAMES if found.get(name)]
    if len(words) < 2:
        words += [f"{name} {value}" for name, value in found.items() if value not in words][:3]
    return fmt.one_line(" · ".join(dict.fromkeys(words[:4])))


def difference(before: Any, after: Any) -> str:
    """What changed in a row, field by field: ``status: ACTIVE → DEPROVISIONED``."""
    was, now = dict(_leaves(before)), dict(_leaves(after))
    changed = [name for name in {**was, **now} if was.get(name) != now.get(name)]
    told = [f"{name}: {was.get(name, '—')} → {now.get(name, '—')}" for name in changed]
    return fmt.one_line(" · ".join(told)) or "changed inside"


def _leaves(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """The plain fields of a row with their values as text, nested ones by their own name."""
    if isinstance(value, Mapping) and depth < 3:
        for key, item in value.items():
            yield from _leaves(item, str(key), depth + 1)
    elif isinstance(value, list | Mapping):
        yield name, json.dumps(value, ensure_ascii=False) if value else ""
    elif value is not None:
        yield name, str(value).lower() if isinstance(value, bool) else str(value)


def row_lines(held: Held) -> list[list[Part]]:
    """A row as indented JSON; of an updated one with what was and what is, line by line."""
    if held.mark != "updated":
        return wire.json_lines(held.row)
    was, now = (
        json.dumps(value, indent=2, ensure_ascii=False).splitlines()
        for value in (held.before, held.row)
    )
    lines: list[list[Part]] = []
    for line in difflib.ndiff(was, now):
        sign, text = line[:2], line[2:]
        if sign == "? ":
            continue
        tone = {"+ ": "good", "- ": "bad"}.get(sign, "muted")
        lines.append([(sign, tone), (text, tone)])
    return lines
