"""Dates in JQL: literals, periods such as ``-1d``, and functions such as ``startOfDay()``."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from .jql import JqlError

__all__ = ["FUNCTIONS", "NAMES", "call", "literal", "moment"]

_FORMATS: Final = (
    "%Y/%m/%d %H:%M",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d",
    "%Y-%m-%d",
)
_PERIOD: Final = re.compile(r"[-+]?\s*(?:\d{1,6}\s*[yMwdhm]\s*)+\Z")
_UNITS: Final = {
    "y": timedelta(days=365),
    "M": timedelta(days=30),
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
}


def moment(text: str) -> datetime:
    """A stored time (``2026-03-02T09:00:00.000+0000`` or ``2026-03-02``) as UTC."""
    found = datetime.fromisoformat(text.replace("+0000", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def literal(text: str, now: datetime, field: str) -> datetime:
    """A date literal or period. Raises :class:`JqlError` in Jira's words."""
    stripped = text.strip()
    if _PERIOD.match(stripped):
        total = _period(stripped)
        try:
            return now + total
        except OverflowError as error:
            raise _bad(text, field) from error
    for form in _FORMATS:
        try:
            return datetime.strptime(stripped, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    if re.fullmatch(r"\d{11,14}", stripped):
        return datetime.fromtimestamp(int(stripped) / 1000, UTC)
    raise _bad(text, field)


def _bad(text: str, field: str) -> JqlError:
    return JqlError(
        f"Date value '{text}' for field '{field}' is invalid. Valid formats include: "
        "'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format "
        "e.g. '-5d', '4w 2d'."
    )


def _period(text: str) -> timedelta:
    sign = -1 if text.startswith("-") else 1
    found = re.findall(r"(\d+)\s*([yMwdhm])", text)
    return sign * sum((int(number) * _UNITS[unit] for number, unit in found), timedelta())


def _day(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _week(now: datetime) -> datetime:
    # Jira's week starts on Sunday unless an administrator says otherwise.
    return _day(now) - timedelta(days=(now.weekday() + 1) % 7)


def _month(now: datetime) -> datetime:
    return _day(now).replace(day=1)


def _year(now: datetime) -> datetime:
    return _day(now).replace(month=1, day=1)


def _after_month(start: datetime) -> datetime:
    return (start + timedelta(days=32)).replace(day=1)


_LAST: Final = timedelta(milliseconds=1)

FUNCTIONS: Final[dict[str, tuple[str, Callable[[datetime], datetime]]]] = {
    "now": ("", lambda now: now),
    "startofday": ("d", _day),
    "endofday": ("d", lambda now: _day(now) + timedelta(days=1) - _LAST),
    "startofweek": ("w", _week),
    "endofweek": ("w", lambda now: _week(now) + timedelta(weeks=1) - _LAST),
    "startofmonth": ("M", _month),
    "endofmonth": ("M", lambda now: _after_month(_month(now)) - _LAST),
    "startofyear": ("y", _year),
    "endofyear": ("y", lambda now: _year(now).replace(year=now.year + 1) - _LAST),
    "currentlogin": ("", lambda now: now),
    "lastlogin": ("", lambda now: now),
}

NAMES: Final = (
    "now",
    *(f"{edge}Of{span}" for edge in ("start", "end") for span in ("Day", "Week", "Month", "Year")),
    "currentLogin",
    "lastLogin",
)
"""The functions as people write them."""


def call(name: str, args: tuple[str, ...], now: datetime) -> datetime:
    """A date function's value, with its increment. Raises :class:`JqlError`."""
    unit, function = FUNCTIONS[name.lower()]
    if args:
        increment = args[0].strip()
        if not unit or len(args) > 1:
            raise JqlError(f"Function '{name}' expected '0' arguments but received '{len(args)}'.")
        if re.fullmatch(r"[-+]?\d{1,5}", increment):
            increment += unit
        if not _PERIOD.match(increment):
            raise JqlError(
                f"Invalid increment '{args[0]}' in function '{name}'. Use a format such as '-1d'."
            )
        now = _shift(now, increment, name)
    return function(now)


def _shift(now: datetime, increment: str, name: str) -> datetime:
    sign = -1 if increment.startswith("-") else 1
    try:
        for number, unit in re.findall(r"(\d+)\s*([yMwdhm])", increment):
            amount = sign * int(number)
            if unit in "yM":
                months = now.month - 1 + amount * (12 if unit == "y" else 1)
                year, month = now.year + months // 12, months % 12 + 1
                day = min(now.day, 28) if month == 2 else min(now.day, 30)
                now = now.replace(year=year, month=month, day=day)
            else:
                now += amount * _UNITS[unit]
    except (OverflowError, ValueError) as error:
        raise JqlError(f"Invalid increment '{increment}' in function '{name}'.") from error
    return now
