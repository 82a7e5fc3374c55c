"""JQL's history operators: WAS and CHANGED, answered from the changelog."""

from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Any

from factory_tui.universe import Row

from .clauses import CLAUSES, Searched
from .context import Context
from .dates import moment
from .fields import FIELDS
from .jql import Clause, JqlError, Value
from .values import operand_values

__all__ = ["history_test"]


class _Span:
    """A value a field had, from when until when, and who set it."""

    __slots__ = ("by", "end", "start", "value")

    def __init__(self, value: str | None, start: datetime, by: str) -> None:
        self.value = value
        self.start = start
        self.end: datetime | None = None
        self.by = by


def _spans(c: Context, row: Row, field: str) -> list[_Span]:
    table = c["changelog"]
    changes = [
        (moment(entry["created"]), entry["author"], item)
        for key in table.find("issue", row["id"])
        for entry in (table[key],)
        for item in entry["items"]
        if item["fieldId"] == field
    ]
    now = row[FIELDS[field].stored]
    first = changes[0][2]["from"] if changes else now
    spans = [_Span(first, moment(row["created"]), row["creator"] or "")]
    for when, who, item in changes:
        spans[-1].end = when
        spans.append(_Span(item["to"], when, who))
    return spans


def history_test(c: Context, clause: Clause, searched: Searched) -> Callable[[Row], bool]:
    """The test of a WAS or CHANGED clause. Raises :class:`JqlError`."""
    field = searched.name
    limits = _Limits(c, clause, searched)
    if clause.operator == "changed":
        return lambda row: any(
            limits.fits_change(before, after) for before, after in _pairs(_spans(c, row, field))
        )
    wanted: set[Any] = {
        value
        for operand in clause.operands
        for value in operand_values(c, clause, searched, operand)
    }
    if any(not isinstance(operand, Value) for operand in clause.operands) and not wanted:
        wanted = {None}
    negative = "not" in clause.operator

    def test(row: Row) -> bool:
        had = any(span.value in wanted and limits.fits(span) for span in _spans(c, row, field))
        return had != negative

    return test


def _pairs(spans: list[_Span]) -> list[tuple[_Span, _Span]]:
    return list(pairwise(spans))


class _Limits:
    """The predicates of a clause."""

    def __init__(self, c: Context, clause: Clause, searched: Searched) -> None:
        self.by: set[Any] | None = None
        self.start: datetime | None = None
        self.end: datetime | None = None
        self.before: set[Any] | None = None
        self.after: set[Any] | None = None
        now = c.twin.clock.now()
        for predicate in clause.predicates:
            name = predicate.name
            if name in ("from", "to"):
                if clause.operator != "changed":
                    raise JqlError(f"The predicate '{name}' is not supported by this operator.")
                values = {
                    value
                    for operand in predicate.operands
                    for value in operand_values(c, clause, searched, operand)
                } or {None}
                if name == "from":
                    self.before = values
                else:
                    self.after = values
            elif name == "by":
                users = CLAUSES["assignee"]
                self.by = {
                    value
                    for operand in predicate.operands
                    for value in operand_values(c, clause, users, operand)
                }
            else:
                created = CLAUSES["created"]
                moments = [
                    value
                    for operand in predicate.operands
                    for value in operand_values(c, clause, created, operand)
                ]
                self._time(name, moments or [now])

    def _time(self, name: str, moments: list[datetime]) -> None:
        if name == "after":
            self.start = moments[0]
        elif name == "before":
            self.end = moments[0]
        elif name == "during" and len(moments) == 2:
            self.start, self.end = moments
        elif name == "on":
            self.start = moments[0].replace(hour=0, minute=0, second=0, microsecond=0)
            self.end = self.start.replace(hour=23, minute=59, second=59)
        else:
            raise JqlError(f"The predicate '{name}' needs a pair of dates.")

    def fits(self, span: _Span) -> bool:
        """Whether a value was held within the limits."""
        if self.by is not None and span.by not in self.by:
            return False
        if self.start is not None and span.end is not None and span.end < self.start:
            return False
        return self.end is None or span.start <= self.end

    def fits_change(self, before: _Span, after: _Span) -> bool:
        """Whether a change lies within the limits."""
        if self.by is not None and after.by not in self.by:
            return False
        if self.start is not None and after.start < self.start:
            return False
        if self.end is not None and after.start > self.end:
            return False
        if self.before is not None and before.value not in self.before:
            return False
        return self.after is None or after.value in self.after
