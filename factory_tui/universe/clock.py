"""The virtual clock of a universe: it moves by a fixed tick per request, or when told to.

For twins that stand alone there is one that follows the real time instead.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final, Self

from factory_tui.universe.http import Header

__all__ = [
    "NOW",
    "START",
    "TICK",
    "Clock",
    "LiveClock",
    "clock_at",
    "iso",
    "moment",
    "parse_time",
]

START: Final = "2026-03-02T09:00:00Z"
"""When a universe starts unless somebody says otherwise."""

NOW: Final = "now"
"""In place of a start time: the real one, and the clock follows it."""

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


_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    *("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


def _http_date(when: datetime) -> str:
    # email.utils takes several times as long, and this is asked for once a virtual second.
    day = f"{_DAYS[when.weekday()]}, {when.day:02} {_MONTHS[when.month]} {when.year:04}"
    return f"{day} {when.hour:02}:{when.minute:02}:{when.second:02} GMT"


def iso(moment: datetime) -> str:
    """``2026-03-02T09:00:00.000Z``: UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z"


class Clock:
    """Virtual UTC time. Never goes back except by :meth:`set` (restoring a snapshot).

    Attributes:
        live: Whether it follows the real time.
        micros: The virtual time in microseconds since 1970.
    """

    live: ClassVar[bool] = False

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
            self._date = Header("date", _http_date(self.now()))
            self._date_of = second
        return self._date

    def advance(self, seconds: float) -> None:
        """Move forward. Raises ``ValueError`` for a negative or absurd amount."""
        if seconds < 0:
            raise ValueError("a clock only goes forward")
        if seconds > (_LATEST - self.micros) / 1_000_000:
            raise ValueError("that is beyond the calendar")
        self.micros += round(seconds * 1_000_000)

    def wait(self, seconds: float) -> None:
        """Move as far as the real time is about to. Raises ``ValueError`` as :meth:`advance`."""
        self.advance(seconds)

    def tick(self) -> int:
        """Move by one request's :data:`TICK`; the new :attr:`micros`."""
        self.micros = micros = self.micros + _TICK
        return micros

    def set(self, moment: datetime) -> None:
        """Put the clock somewhere else; used when a snapshot is restored."""
        self._now = moment
        self.micros = self._now_of = (moment - _EPOCH) // _MICROSECOND

    def fork(self) -> Self:
        """Another clock that shows the same."""
        twin = self.__class__.__new__(self.__class__)
        for name in Clock.__slots__:
            setattr(twin, name, getattr(self, name))
        return twin


class LiveClock(Clock):
    """Real UTC time, and on top of it whatever it was advanced by.

    It looks at the real time with every request and when it is advanced, if only by nothing;
    in between it stands. It stays where it is while the real clock is put back.
    """

    __slots__ = ("_ahead",)

    live = True

    def __init__(self) -> None:
        self._ahead = 0  # microseconds ahead of the real time
        super().__init__(moment(_real()))

    def advance(self, seconds: float) -> None:
        """Go to the real time and so much further. Raises ``ValueError`` as :class:`Clock`."""
        self.micros = before = max(self.micros, _real() + self._ahead)
        super().advance(seconds)
        self._ahead += self.micros - before

    def wait(self, seconds: float) -> None:
        """Nothing: the real time passes by itself."""

    def tick(self) -> int:
        """Go to the real time, at least by a microsecond; the new :attr:`micros`."""
        self.micros = micros = max(self.micros + 1, _real() + self._ahead)
        return micros

    def set(self, moment: datetime) -> None:
        """Go to a moment; what is past is now, so that restored snapshots meet the present."""
        wanted, real = (moment - _EPOCH) // _MICROSECOND, _real()
        if wanted < getattr(self, "micros", 0):
            self._ahead = 0
            wanted = max(wanted, real)
        self._ahead = max(self._ahead, wanted - real)
        super().set(_EPOCH + timedelta(microseconds=wanted))

    def fork(self) -> Self:
        """Another clock that shows the same."""
        twin = super().fork()
        twin._ahead = self._ahead
        return twin


def _real() -> int:
    return time.time_ns() // 1000


def clock_at(start: str) -> Clock:
    """The clock that starts at an ISO 8601 time, or at :data:`NOW`. Raises ``ValueError``."""
    if start == NOW:
        return LiveClock()
    try:
        return Clock(start)
    except ValueError:
        raise ValueError(f"clock {start}: give a time such as {START}, or {NOW}") from None
