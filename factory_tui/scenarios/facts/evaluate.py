"""A fact against what was observed in one trial: true or not, what was expected, what was there.

Nothing here raises on odd data: a fact that selects nothing is false, and a fact that makes no
sense for the data is false with ``error`` set, so that neither passes silently.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from factory_tui.scenarios.binding import BindError, Binding
from factory_tui.scenarios.facts.syntax import (
    Arithmetic,
    Condition,
    Expression,
    Fact,
    Field,
    Index,
    Key,
    Literal,
    Many,
    Path,
    Where,
)

__all__ = ["CALL_ALIASES", "Evidence", "FactResult", "check"]

CALL_ALIASES: Final = {"body": "request_body", "reply": "response_body"}
"""Short names of an exchange's fields."""

SHOWN = 8
"""Members listed when two lists differ."""

MATCHED_CHARS = 200_000
"""How much of a text a regular expression sees (the text is hostile, time is not free)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one trial left behind.

    ``views``: twin → collection → rows. ``calls``: exchanges with the twins in order. ``cmds``:
    commands in order (``exit``, ``stdout``, ``stderr``, ``output``, ``killed``, ``seconds``, and
    ``step`` where known). ``files``: relative path → text. ``entities``: what ``{{name}}`` means.
    """

    views: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]] = field(default_factory=dict)
    calls: Sequence[Mapping[str, Any]] = ()
    cmds: Sequence[Mapping[str, Any]] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    entities: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FactResult:
    """``ok`` says whether the statement is true; ``steps`` are the scenario steps it rests on."""

    ok: bool
    expected: str
    actual: str
    steps: list[int] = field(default_factory=list)
    error: str = ""


class _NothingError(Exception):
    """A path selects nothing."""


class _SenselessError(Exception):
    """The fact does not fit the data."""


@dataclass(slots=True)
class _Rows:
    """Rows of a collection, still selectable."""

    rows: list[Mapping[str, Any]]
    calls: bool


def check(fact: Fact, evidence: Evidence) -> FactResult:
    """Whether a fact holds.

    Args:
        fact: what is stated.
        evidence: what was observed.
    """
    eye = _Eye(evidence)
    expected = f"{fact.op} …"
    try:
        right = eye.value(fact.right)
        expected = f"{fact.op} {_show(right)}"
        left = eye.value(fact.left)
        ok = _compare(left, fact.op, right)
        return FactResult(ok, expected, _actual(left, right, fact.op), sorted(eye.steps))
    except _NothingError as nothing:
        return FactResult(False, expected, str(nothing), sorted(eye.steps))
    except (_SenselessError, BindError) as error:
        return FactResult(False, expected, "cannot be told", sorted(eye.steps), str(error))


class _Eye:
    """Walks paths through the evidence and remembers which steps it looked at."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._bind = Binding(evidence.entities)
        self.steps: set[int] = set()

    def value(self, node: Expression) -> Any:
        if isinstance(node, Literal):
            return self._bind(node.value) if isinstance(node.value, str) else node.value
        if isinstance(node, Many):
            return [self.value(item) for item in node.items]
        if isinstance(node, Arithmetic):
            left, right = _number(self.value(node.left)), _number(self.value(node.right))
            if left is None or right is None:
                raise _SenselessError(f"`{node.op}` needs two numbers")
            return left + right if node.op == "+" else left - right
        return self._walk(node)

    def _walk(self, path: Path) -> Any:
        parts = list(path.parts)
        shown = path.source
        found: Any
        if path.source == "calls":
            found = _Rows(list(self._evidence.calls), calls=True)
            if parts and isinstance(parts[0], Field) and parts[0].name != "count":
                twin = parts.pop(0)
                assert isinstance(twin, Field)
                shown += f".{twin.name}"
                found = _Rows([c for c in found.rows if c.get("twin") == twin.name], calls=True)
        elif path.source == "cmd":
            numbered = [{"step": n, **c} for n, c in enumerate(self._evidence.cmds, 1)]
            found = _Rows(list(numbered), calls=True)
        elif path.source == "files":
            found = dict(self._evidence.files)
        else:
            if path.source not in self._evidence.views:
                raise _SenselessError(f"there is no twin `{path.source}` in this trial")
            found = self._evidence.views[path.source]
        for part in parts:
            shown += _text_of(part)
            found = self._step(found, part, shown)
        if isinstance(found, _Rows):
            self._note(found)
            raise _SenselessError(f"`{shown}` is a list of rows; name a field or `.count`")
        return found

    def _note(self, rows: _Rows) -> None:
        if rows.calls:
            self.steps.update(int(r["step"]) for r in rows.rows if isinstance(r.get("step"), int))

    def _step(self, found: Any, part: Field | Index | Key | Where, shown: str) -> Any:
        if isinstance(part, Where):
            if not isinstance(found, _Rows):
                raise _SenselessError(f"`{shown}`: only rows can be filtered")
            rows = [r for r in found.rows if all(self._holds(r, c) for c in part.conditions)]
            return _Rows(rows, found.calls)
        if isinstance(part, Index):
            if isinstance(found, (str, Mapping)) or not isinstance(found, (_Rows, list)):
                raise _SenselessError(f"`{shown}`: this cannot be counted through")
            items: list[Any] = found.rows if isinstance(found, _Rows) else found
            if part.n > len(items) or not items:
                raise _NothingError(f"nothing at `{shown}` ({len(items)} there)")
            item = items[part.n - 1]
            return _Rows([item], found.calls) if isinstance(found, _Rows) else item
        if isinstance(part, Key):
            if not isinstance(found, Mapping):
                raise _SenselessError(f"`{shown}`: `{part.name}` is not a condition")
            name = self._bind(part.name)
            if name not in found:
                raise _NothingError(f"nothing at `{shown}`")
            return found[name]
        return self._field(found, part.name, shown)

    def _field(self, found: Any, name: str, shown: str) -> Any:
        if name == "count":
            if isinstance(found, _Rows):
                self._note(found)
                return len(found.rows)
            if isinstance(found, (list, Mapping)):
                return len(found)
            raise _SenselessError(f"`{shown}`: this cannot be counted")
        if isinstance(found, _Rows):
            self._note(found)
            if not found.rows:
                raise _NothingError(f"nothing matches `{shown.rpartition('.')[0]}`")
            key = CALL_ALIASES.get(name, name) if found.calls else name
            values = [r.get(key) for r in found.rows]
            if len(values) == 1:
                return list(values[0]) if isinstance(values[0], (list, tuple)) else values[0]
            flat: list[Any] = []
            for value in values:
                flat += value if isinstance(value, (list, tuple)) else [value]
            return flat
        if isinstance(found, Mapping):
            if name not in found:
                raise _SenselessError(f"`{shown}`: there is no `{name}`")
            value = found[name]
            return _Rows(list(value), calls=False) if isinstance(value, (list, tuple)) else value
        raise _SenselessError(f"`{shown}`: there is no `{name}` here")

    def _holds(self, row: Mapping[str, Any], condition: Condition) -> bool:
        key = CALL_ALIASES.get(condition.field, condition.field)
        value = row.get(key if key in row else condition.field)
        if condition.field == "path" and isinstance(value, str):
            value = value.partition("?")[0]
        # Split before binding: what a twin calls somebody may hold a `|`.
        wanted = [self._bind(w.strip()) for w in condition.value.split("|")]
        if condition.op in ("=", "!="):
            hit = any(_equal_or_in(value, w, glob=condition.field == "path") for w in wanted)
            return hit if condition.op == "=" else not hit
        if condition.op in ("~=", "!~"):
            text = _text(value).casefold()
            hit = any(w.casefold() in text for w in wanted)
            return hit if condition.op == "~=" else not hit
        left, right = _number(value), _number(wanted[0])
        if left is None or right is None:
            return False
        return _ordered(left, condition.op, right)


def _text_of(part: Field | Index | Key | Where) -> str:
    if isinstance(part, Field):
        return f".{part.name}"
    if isinstance(part, Index):
        return f"[{part.n or 'last'}]"
    if isinstance(part, Key):
        return f"[{part.name}]"
    return "[" + ", ".join(f"{c.field}{c.op}{c.value}" for c in part.conditions) + "]"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "\n".join(_text(v) for v in value)
    return str(value)


def _number(value: Any) -> int | float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, str):
        text = value.strip()
        if re.fullmatch(r"-?\d{1,15}", text, re.ASCII):
            return int(text)
        if re.fullmatch(r"-?\d{1,15}\.\d{1,15}", text, re.ASCII):
            return float(text)
    return None


def _equal(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return left is None and right is None
    if isinstance(left, bool) or isinstance(right, bool):
        return _text(left) == _text(right)
    a, b = _number(left), _number(right)
    if a is not None and b is not None:
        return a == b
    x, y = _text(left), _text(right)
    # Mail addresses are the same person whatever their case.
    return x.casefold() == y.casefold() if "@" in x and "@" in y else x == y


def _equal_or_in(value: Any, wanted: str, *, glob: bool) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_equal(v, wanted) for v in value)
    if glob and "*" in wanted:
        return fnmatchcase(_text(value), wanted)
    return value is not None and _equal(value, wanted)


def _ordered(left: int | float, op: str, right: int | float) -> bool:
    if op == ">=":
        return left >= right
    if op == "<=":
        return left <= right
    return left > right if op == ">" else left < right


def _members(values: list[Any]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for value in values:
        key = _text(value)
        key = key.casefold() if "@" in key else key
        counted[key] = counted.get(key, 0) + 1
    return counted


def _compare(left: Any, op: str, right: Any) -> bool:
    if op in ("==", "!="):
        if isinstance(left, list) != isinstance(right, list):
            one, other = (left, right) if isinstance(left, list) else (right, left)
            if other is None or len(one) != 1:
                raise _SenselessError(f"{len(one)} values on one side, one on the other")
            same = _equal(one[0], other)
        elif isinstance(left, list):
            same = _members(left) == _members(right)
        else:
            same = _equal(left, right)
        return same if op == "==" else not same
    if op in (">=", "<=", ">", "<"):
        a, b = _number(left), _number(right)
        if a is None or b is None:
            raise _SenselessError(f"`{op}` needs two numbers")
        return _ordered(a, op, b)
    if op == "matches":
        texts = left if isinstance(left, list) else [left]
        pattern = re.compile(_text(right), re.MULTILINE | re.IGNORECASE)
        return any(pattern.search(_text(t)[:MATCHED_CHARS]) for t in texts)
    wanted = right if isinstance(right, list) else [right]
    if isinstance(left, list):
        there = [any(_equal(item, w) for item in left) for w in wanted]
    else:
        text = _text(left).casefold()
        there = [_text(w).casefold() in text for w in wanted]
    return all(there) if op == "contains" else not any(there)


def _show(value: Any) -> str:
    if isinstance(value, list):
        shown = ", ".join(_text(v) for v in value[:SHOWN])
        more = f", … ({len(value)} in all)" if len(value) > SHOWN else ""
        return f"[{shown}{more}]"
    if value is None:
        return "null"
    text = _text(value)
    return text if len(text) <= 200 else text[:100] + " … " + text[-90:]


def _actual(left: Any, right: Any, op: str) -> str:
    if isinstance(left, list) and isinstance(right, list) and op in ("==", "contains"):
        have, want = _members(left), _members(right)
        missing = [m for m in want if have.get(m, 0) < want[m]]
        extra = [m for m in have if want.get(m, 0) < have[m]] if op == "==" else []
        if missing or extra:
            said = [f"missing {_show(missing)}"] * bool(missing)
            said += [f"too many {_show(extra)}"] * bool(extra)
            return f"{len(left)} of {len(right)}: " + "; ".join(said)
    return _show(left)
