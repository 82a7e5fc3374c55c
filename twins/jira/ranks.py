"""The order of issues: rank strings between any two of which another fits (LexoRank).

A rank reads ``0|i0007ps:``: a bucket, six letters of base 36, a colon and as many more letters
as it takes. An issue that was never moved ranks by its id, so new ones come last.
"""

from typing import Final

from factory_tui.universe import Row

__all__ = ["between", "rank_of"]

_LETTERS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_BUCKET: Final = "0|"
_WIDTH: Final = 6


def rank_of(row: Row) -> str:
    """The rank of an issue."""
    stored = row.get("rank")
    return str(stored) if stored else _written(_base36(int(row["id"])))


def between(low: str | None, high: str | None) -> str:
    """A rank after ``low`` and before ``high``; ``None`` = there is nothing on that side."""
    below = _digits(low) if low else []
    above = _digits(high) if high else [len(_LETTERS)]
    found: list[int] = []
    at = 0
    while True:
        floor = below[at] if at < len(below) else 0
        ceiling = above[at] if at < len(above) else len(_LETTERS)
        if floor == ceiling:
            found.append(floor)
        elif ceiling - floor > 1:
            found.append((floor + ceiling) // 2)
            return _written("".join(_LETTERS[digit] for digit in found))
        else:
            # Only what is below counts from here on: everything longer stays under ``high``.
            found.append(floor)
            above = [*found, len(_LETTERS)]
        at += 1


def _digits(rank: str) -> list[int]:
    letters = rank.removeprefix(_BUCKET).replace(":", "")
    return [_LETTERS.index(letter) for letter in letters]


def _base36(number: int) -> str:
    letters = ""
    while number:
        number, digit = divmod(number, 36)
        letters = _LETTERS[digit] + letters
    # The leading letter leaves room for what is moved above the first issue.
    return "i" + letters.rjust(_WIDTH - 1, "0")


def _written(letters: str) -> str:
    padded = letters.ljust(_WIDTH, "0")
    return f"{_BUCKET}{padded[:_WIDTH]}:{padded[_WIDTH:]}"
