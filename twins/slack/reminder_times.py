"""When a reminder is due, from what people write: ``in 5 minutes``, ``every Thursday at 9am``."""

import re
from datetime import datetime, timedelta
from typing import Final

__all__ = ["parse_when"]

_UNITS: Final = {"second": 1, "minute": 60, "min": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_IN: Final = re.compile(r"in (an?|\d{1,4}) (second|minute|min|hour|day|week)s?\Z")
_AT: Final = re.compile(r"(?:at )?(\d{1,2})(?::(\d{2}))? ?(am|pm)?\Z")
_DATE: Final = re.compile(r"(?:on )?(\d{4})-(\d{2})-(\d{2})\Z")
_MORNING: Final = 9


def _clock(text: str) -> tuple[int, int] | None:
    """Hour and minute, nine in the morning for ""; ``None`` for what is no time of day."""
    if not text:
        return _MORNING, 0
    if text in ("noon", "at noon"):
        return 12, 0
    match = _AT.match(text)
    if match is None or (match[2] is None and match[3] is None):
        return None
    hour, minute = int(match[1]), int(match[2] or 0)
    if match[3]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match[3] == "pm" else 0)
    return (hour, minute) if hour < 24 and minute < 60 else None


def _on(now: datetime, days: int, clock: tuple[int, int]) -> datetime:
    moment = now.replace(hour=clock[0], minute=clock[1], second=0, microsecond=0)
    return moment + timedelta(days=days)


def parse_when(text: str, now: datetime) -> tuple[int, bool] | None:
    """Epoch seconds and whether it comes again; ``None`` for what cannot be read."""
    words = " ".join(text.lower().split())
    match = _IN.match(words)
    if match:
        number = 1 if match[1].startswith("a") else int(match[1])
        return int(now.timestamp()) + number * _UNITS[match[2]], False
    again = words.startswith("every ")
    words = words.removeprefix("every ")
    day, _, rest = words.partition(" ")
    if day in ("at", "noon") or _AT.match(words):
        clock = _clock(words)
        if clock is None:
            return None
        moment = _on(now, 0, clock)
        moment += timedelta(days=1) if moment <= now else timedelta()
        return int(moment.timestamp()), again
    return _named(words, day, rest, now, again)


def _named(words: str, day: str, rest: str, now: datetime, again: bool) -> tuple[int, bool] | None:
    """Days by name or date."""
    if words.startswith(("on ", "next ")) and not _DATE.match(words):
        day, _, rest = words.partition(" ")[2].partition(" ")
    clock = _clock(rest)
    if clock is None:
        return None
    days = {"tomorrow": 1, "today": 0, "day": 1, "week": 7 - now.weekday()}.get(day)
    if again and day == "day" and _on(now, 0, clock) > now:
        days = 0
    if day in _DAYS:
        days = (_DAYS.index(day) - now.weekday()) % 7 or 7
    elif day.rstrip("s") in _DAYS:
        days = (_DAYS.index(day.rstrip("s")) - now.weekday()) % 7 or 7
    match = _DATE.match(words)
    if match:
        try:
            moment = now.replace(year=int(match[1]), month=int(match[2]), day=int(match[3]))
        except ValueError:
            return None
        return int(_on(moment, 0, (_MORNING, 0)).timestamp()), False
    if days is None:
        return None
    moment = _on(now, days, clock)
    return (int(moment.timestamp()), again) if moment > now else None
