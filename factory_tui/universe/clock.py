"""The virtual clock of a universe: it moves by a fixed tick per request, or when told to."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

__all__ = ["TICK", "Clock", "iso", "parse_time"]

TICK: Final = timedelta(milliseconds=50)
"""How far one request moves the clock, so that bytes do not depend on real time."""


def parse_time(text: str) -> datetime:
    """Parse an ISO 8601 time; one without an offset is UTC. Raises ``ValueError``."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def iso(moment: datetime) -> str:
    """``2026-03-02T09:00:00.000Z``: UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z"


class Clock:
    """Virtual UTC time. Never goes back except by :meth:`set` (restoring a snapshot)."""

    # The texts are asked for several times per request and change less often.
    __slots__ = ("_date", "_date_of", "_date_until", "_iso", "_iso_of", "_now")

    def __init__(self, start: str | datetime) -> None:
        self._now = parse_time(start) if isinstance(start, str) else start.astimezone(UTC)
        self._iso, self._iso_of = "", datetime.min
        self._date = ""
        self._date_of = self._date_until = datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        """The virtual time, timezone-aware, in UTC."""
        return self._now

    def iso(self) -> str:
        """The virtual time as ``2026-03-02T09:00:00.000Z``."""
        now = self._now
        if self._iso_of is not now:
            self._iso = now.isoformat(timespec="milliseconds")[:23] + "Z"
            self._iso_of = now
        return self._iso

    def epoch(self) -> int:
        """Whole seconds since 1970."""
        return int(self._now.timestamp())

    def http_date(self) -> str:
        """The virtual time as an HTTP ``Date``."""
        if not self._date_of <= self._now < self._date_until:
            self._date_of = self._now.replace(microsecond=0)
            # Not a second later: the calendar may end before.
            self._date_until = self._now.replace(microsecond=999_999)
            self._date = format_datetime(self._date_of, usegmt=True)
        return self._date

    def advance(self, seconds: float) -> None:
        """Move forward. Raises ``ValueError`` for a negative or absurd amount."""
        if seconds < 0:
            raise ValueError("a clock only goes forward")
        try:
            self._now += timedelta(seconds=seconds)
        except OverflowError as error:
            raise ValueError("that is beyond the calendar") from error

    def tick(self) -> datetime:
        """Move by one request's :data:`TICK`; the new time."""
        self._now = now = self._now + TICK
        return now

    def set(self, moment: datetime) -> None:
        """Put the clock somewhere else; used when a snapshot is restored."""
        self._now = moment
