"""Seeded randomness without hidden state: every draw is a hash of seed, kind and a counter.

The whole state is one dict of counters, so a fork copies a handful of integers, and a draw of
one kind never disturbs another: a twin that mints one more log id gives the same user ids.
"""

from functools import cache
from hashlib import blake2b
from typing import Final

__all__ = ["ALNUM", "BASE62", "DIGITS", "HEX", "UPPER", "Ids"]

DIGITS: Final = "0123456789"
HEX: Final = "0123456789abcdef"
UPPER: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ALNUM: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


_LARGEST: Final = (1 << 128) - 1


@cache
def _letters(alphabet: str) -> bytes:
    """A translation of every byte into a letter (ASCII) of ``alphabet``."""
    return bytes(ord(alphabet[byte % len(alphabet)]) for byte in range(256))


class Ids:
    """Minters of ids and seeded draws, one sequence per kind.

    Args:
        salt: What makes this sequence differ from another universe's.
    """

    __slots__ = ("_counts", "_keyed", "_steps")

    def __init__(self, salt: str) -> None:
        key = blake2b(salt.encode(), digest_size=32).digest()
        self._keyed = blake2b(digest_size=64, key=key)
        self._counts: dict[str, int] = {}
        self._steps: dict[str, tuple[str, int, int]] = {}

    def digest(self, kind: str) -> bytes:
        """The next 64 bytes of ``kind``."""
        self._counts[kind] = count = self._counts.get(kind, 0) + 1
        hashed = self._keyed.copy()
        hashed.update(f"{kind}\0{count}".encode())
        return hashed.digest()

    def number(self, kind: str) -> int:
        """The next 512-bit number of ``kind``."""
        return int.from_bytes(self.digest(kind), "big")

    def mint(self, kind: str, length: int, *, prefix: str = "", alphabet: str = BASE62) -> str:
        """The next id of ``kind``: ``prefix`` plus ``length`` (≤ 64) letters of ``alphabet``."""
        return prefix + self.digest(kind)[:length].translate(_letters(alphabet)).decode()

    def serial(self, kind: str) -> str:
        """The next of 2**128 different hexadecimal numbers, 32 digits, in no order that shows.

        Cheaper than :meth:`mint`, for what every answer carries and nobody guesses at.
        """
        found = self._steps.get(kind)
        if found is None:
            hashed = self._keyed.copy()
            hashed.update(f"={kind}".encode())
            number = int.from_bytes(hashed.digest(), "big")
            # An odd step visits every number before it comes back to the first.
            found = self._steps[kind] = f"={kind}", (number >> 256) | 1, number & _LARGEST
        name, step, start = found
        counts = self._counts
        counts[name] = count = counts.get(name, 0) + 1
        return f"{(start + count * step) & _LARGEST:032x}"

    def count(self, kind: str, start: int = 1) -> int:
        """The next number of a plain sequence: ``start``, ``start + 1``, …"""
        name = f"#{kind}"
        value = self._counts.get(name, 0)
        self._counts[name] = value + 1
        return start + value

    def rise(self, kind: str, least: int) -> int:
        """The next number of a sequence that rises and is never below ``least``."""
        name = f"^{kind}"
        counts = self._counts
        value = counts.get(name, -1) + 1
        if value < least:
            value = least
        counts[name] = value
        return value

    def chance(self, kind: str) -> float:
        """The next draw of ``kind``, evenly from [0, 1)."""
        return (self.number(kind) >> 459) / (1 << 53)

    def below(self, kind: str, limit: int) -> int:
        """The next whole number of ``kind`` from 0 up to, not including, ``limit``."""
        return self.number(kind) % limit

    def state(self) -> dict[str, int]:
        """A copy of the counters, to be given to :meth:`reset`."""
        return self._counts.copy()

    def reset(self, state: dict[str, int]) -> None:
        """Continue from what :meth:`state` returned."""
        self._counts = dict(state)

    def fork(self) -> "Ids":
        """An independent copy that will draw the same values."""
        twin = Ids.__new__(Ids)
        twin._keyed = self._keyed
        twin._steps = self._steps
        twin._counts = self._counts.copy()
        return twin
