"""JQL's history operators: WAS and CHANGED, answered from the changelog."""

from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from factory_tui.universe import Row

from .clauses import CLAUSES, Searched
from .context import Context
from .dates import moment
from .jql import Clause, Empty, JqlError, Value
from .values import operand_values

__all__ = ["history_test"]

_FIELD_IDS: Final = {"fixVersion": "fixVersions"}
_STORED: Final = {"fixVersion": "fix"}


class _Span:
    """The values a field had, from when until when, and who set them."""

    __slots__ = ("by", "end", "start", "values")

    def __init__(self, values: frozenset[str | None], start: datetime, by: str) -> None:
        self.values = values
        self.start = start
        self.end: datetime | None = None
        self.by = by


def _spans(c: Context, row: Row, searched: Searched) -> list[_Span]:
    field = _FIELD_IDS.get(searched.name, searched.name)
    table = c["changelog"]
    changes = [
        (moment(entry["created"]), entry["author"], item)
        for key in table.find("issue", row["id"])
        for entry in (table[key],)
        for item in entry["items"]
        if item["fieldId"] == field
    ]
    made = moment(row["created"])
    if searched.name in _STORED:
        return _list_spans(row[_STORED[searched.name]], changes, made, row["creator"] or "")
    first = changes[0][2]["from"] if changes else row[searched.name]
    spans = [_Span(frozenset({first}), made, row["creator"] or "")]
    for when, who, item in changes:
        spans[-1].end = when
        spans.append(_Span(frozenset({item["to"]}), when, who))
    return spans


def _list_spans(
    now: list[str], changes: list[tuple[datetime, str, dict[str, Any]]], made: datetime, by: str
) -> list[_Span]:
    """The spans of a field with several values, whose history tells what came and went."""
    values = set(now)
    for _, _, item in reversed(changes):
        values.discard(item["to"])
        if item["from"]:
            values.add(item["from"])
    spans = [_Span(frozenset(values) or frozenset({None}), made, by)]
    for when, who, item in changes:
        values.discard(item["from"])
        if item["to"]:
            values.add(item["to"])
        spans[-1].end = when
        spans.append(_Span(frozenset(values) or frozenset({None}), when, who))
    return spans


def history_test(c: Context, clause: Clause, searched: Searched) -> Callable[[Row], bool]:
    """The test of a WAS or CHANGED clause. Raises :class:`JqlError`."""
    limits = _Limits(c, clause, searched)
    if clause.operator == "changed":
        return lambda row: any(
            limits.fits_change(before, after)
            for before, after in pairwise(_spans(c, row, searched))
        )
    wanted = _wanted(c, clause, searched, clause.operands)
    negative = "not" in clause.operator

    def test(row: Row) -> bool:
        had = any(
            not wanted.isdisjoint(span.values) and limits.fits(span)
            for span in _spans(c, row, searched)
        )
        return had != negative

    return test


def _wanted(c: Context, clause: Clause, searched: Searched, operands: Any) -> set[Any]:
    found: set[Any] = {
        value for operand in operands for value in operand_values(c, clause, searched, operand)
    }
    if any(isinstance(operand, Empty) for operand in operands):
        found.add(None)
    return found


class _Limits:
    """The predicates of a clause."""

    def __init__(self, c: Context, clause: Clause, searched: Searched) -> None:
        self.by: set[Any] | None = None
        self.start: datetime | None = None
        self.end: datetime | None = None
        self.before: set[Any] | None = None
        self.after: set[Any] | None = None
        self.open_start = self.open_end = False
        for predicate in clause.predicates:
            name = predicate.name
            if name in ("from", "to"):
                if clause.operator != "changed":
                    raise JqlError(f"The predicate '{name}' is not supported by this operator.")
                values = _wanted(c, clause, searched, predicate.operands)
                if name == "from":
                    self.before = values
                else:
                    self.after = values
            elif name == "by":
                self.by = _wanted(c, clause, CLAUSES["assignee"], predicate.operands)
            else:
                created = CLAUSES["created"]
                moments = [
                    value
                    for operand in predicate.operands
                    for value in operand_values(c, clause, created, operand)
                ]
                whole = [_whole_day(operand) for operand in predicate.operands]
                self._time(name, moments, whole)

    def _time(self, name: str, moments: list[datetime], whole: list[bool]) -> None:
        if name == "after" and len(moments) == 1:
            self.start, self.open_start = moments[0], True
        elif name == "before" and len(moments) == 1:
            self.end, self.open_end = moments[0], True
        elif name == "during" and len(moments) == 2:
            self.start, self.end = moments
            if whole[1]:
                self.end = _last_moment(self.end)
        elif name == "on" and len(moments) == 1:
            self.start = moments[0].replace(hour=0, minute=0, second=0, microsecond=0)
            self.end = _last_moment(self.start)
        elif name == "during":
            raise JqlError(f"The predicate '{name}' needs a pair of dates.")
        else:
            raise JqlError(f"The predicate '{name}' needs one date.")

    def _early(self, when: datetime) -> bool:
        if self.start is None:
            return False
        return when <= self.start if self.open_start else when < self.start

    def _late(self, when: datetime) -> bool:
        if self.end is None:
            return False
        return when >= self.end if self.open_end else when > self.end

    def fits(self, span: _Span) -> bool:
        """Whether a value was held within the limits."""
        if self.by is not None and span.by not in self.by:
            return False
        if span.end is not None and self._early(span.end):
            return False
        return not self._late(span.start)

    def fits_change(self, before: _Span, after: _Span) -> bool:
        """Whether a change lies within the limits."""
        if self.by is not None and after.by not in self.by:
            return False
        if self._early(after.start) or self._late(after.start):
            return False
        if self.before is not None and self.before.isdisjoint(before.values):
            return False
        return self.after is None or not self.after.isdisjoint(after.values)


def _whole_day(operand: Any) -> bool:
    return isinstance(operand, Value) and len(operand.text.strip()) == 10


def _last_moment(day: datetime) -> datetime:
    return day.replace(hour=23, minute=59, second=59, microsecond=999_999)
