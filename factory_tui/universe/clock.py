"""The virtual clock of a universe: it moves by a fixed tick per request, or when told to."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

from factory_tui.universe.http import Header

__all__ = ["TICK", "Clock", "iso", "moment", "parse_time"]

TICK: Final = timedelta(milliseconds=50)
"""How far one request moves the clock, so that bytes do not depend on real time."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LATEST: Final = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
"""Short of the calendar's end, so that no number of requests gets there."""
_TICK: Final = TICK // _MICROSECOND


def parse_time(text: str) -> datetime:
    """Parse an ISO 8601 time; one without an offset is UTC. Raises ``ValueError``."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def moment(micros: int) -> datetime:
    """The time so many microseconds after the start of 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def iso(moment: datetime) -> str:
    """``2026-03-02T09:00:00.000Z``: UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z"


class Clock:
    """Virtual UTC time. Never goes back except by :meth:`set` (restoring a snapshot).

    Attributes:
        micros: The virtual time in microseconds since 1970.
    """

    # A whole number is what nearly everybody who asks wants; the other forms are asked for
    # several times per request and change less often.
    __slots__ = ("_date", "_date_of", "_iso", "_iso_of", "_now", "_now_of", "micros")

    micros: int
    _now: datetime
    _now_of: int

    def __init__(self, start: str | datetime) -> None:
        self.set(parse_time(start) if isinstance(start, str) else start.astimezone(UTC))
        self._iso, self._iso_of = "", -1
        self._date, self._date_of = Header("date", ""), -1

    def now(self) -> datetime:
        """The virtual time, timezone-aware, in UTC."""
        if self._now_of != self.micros:
            self._now = moment(self.micros)
            self._now_of = self.micros
        return self._now

    def iso(self) -> str:
        """The virtual time as ``2026-03-02T09:00:00.000Z``."""
        if self._iso_of != self.micros:
            self._iso = self.now().isoformat(timespec="milliseconds")[:23] + "Z"
            self._iso_of = self.micros
        return self._iso

    def epoch(self) -> int:
        """Whole seconds since 1970."""
        return self.micros // 1_000_000

    def http_date(self) -> str:
        """The virtual time as an HTTP ``Date``."""
        return self.date_header()[1]

    def date_header(self) -> Header:
        """The header that gives the virtual time, to whole seconds."""
        second = self.micros // 1_000_000
        if self._date_of != second:
            self._date = Header("date", format_datetime(self.now(), usegmt=True))
            self._date_of = second
        return self._date

    def advance(self, seconds: float) -> None:
        """Move forward. Raises ``ValueError`` for a negative or absurd amount."""
        if seconds < 0:
            raise ValueError("a clock only goes forward")
        if seconds > (_LATEST - self.micros) / 1_000_000:
            raise ValueError("that is beyond the calendar")
        self.micros += round(seconds * 1_000_000)

    def tick(self) -> int:
        """Move by one request's :data:`TICK`; the new :attr:`micros`."""
        self.micros = micros = self.micros + _TICK
        return micros

    def set(self, moment: datetime) -> None:
        """Put the clock somewhere else; used when a snapshot is restored."""
        self._now = moment
        self.micros = self._now_of = (moment - _EPOCH) // _MICROSECOND

    def fork(self) -> "Clock":
        """Another clock that shows the same."""
        twin = Clock.__new__(Clock)
        for name in self.__slots__:
            setattr(twin, name, getattr(self, name))
        return twin
